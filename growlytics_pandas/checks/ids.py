"""The rules for ids, over the whole frame: which rows have an id, and which share one."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._masking import is_missing
from growlytics_pandas._rules import Effect, Rule, Severity
from growlytics_pandas._text import phrase
from growlytics_pandas.checks.profile import MOST, may_be_placeholder
from growlytics_pandas.checks.schema import Schema
from growlytics_pandas.checks.violations import DOUBTFUL, DOUBTFUL_SUM, Violation
from growlytics_pandas.columns.dtypes import TEXT_KINDS, Kind, Mask, Rows, classify, originals, starts
from growlytics_pandas.columns.frames import count_reject_labels
from growlytics_pandas.columns.parsers import are_numbers, parse_numbers
from growlytics_pandas.columns.plan_options import Keep
from growlytics_pandas.columns.reading import (
    Groups,
    Ids,
    SharedIdRows,
    find_groups,
    fold_case,
    fold_id,
    fold_ids,
    read_ids,
    unkept,
    without_separators,
)
from growlytics_pandas.columns.texts import (
    INVISIBLE,
    MISSING_IDS,
    MISSING_WORDS,
    TextBytes,
    TextColumn,
    TextColumns,
    are_damaged,
    are_in,
    end_like_floats,
    hash_texts,
)

EARLIER_BATCH: Final = -1
"""Represents the row with the same id if that row is not available."""

_PLAIN_CHARS: Final = "abcdefghijklmnopqrstuvwxyz0123456789@._-"
_TOTALS: Final = ("total", "totals", "grand total", "grand totals", "sub total", "sub-total", "subtotal", "subtotals")
TOTAL_WORDS: Final = frozenset(
    {*_TOTALS, *(f"{word}:" for word in _TOTALS), "overall total", "sum", "gesamt", "summe", "(blank)"}
)
"""What the id column of a totals row contains, folded."""
_WORD_FOR_TOTALS: Final = (
    r"(?:(?:grand|overall|sub)[ -]?)?"
    r"(?:total|totals|totale|totaal|somme|suma|sum|summe|gesamt|gesamtsumme|insgesamt)"
)
_TOTAL_ALONE: Final = re.compile(rf"{_WORD_FOR_TOTALS}\s*:?")
_TOTAL: Final = re.compile(rf"{_WORD_FOR_TOTALS}\b.*", re.DOTALL)
"""What the id of the last row begins with if that is a row of totals: Total members, Summe (3000)."""


@dataclass(frozen=True, slots=True)
class IdCheck:
    """The violations of the ids, and the rows that are not sent because of them, as a mask and by rule."""

    violations: tuple[Violation, ...]
    skipped: Mask
    skipped_by: Mapping[Rule, Rows]

    @classmethod
    def of(cls, violations: Iterable[Violation], rows: int) -> IdCheck:
        """Return the result for a frame of `rows` rows: the effects of its violations settle which are not sent."""
        found = tuple(violations)
        mask, by = np.zeros(rows, dtype=bool), dict[Rule, Rows]()
        for each in found:
            if each.effect is Effect.ROW_SKIPPED and each.rows is not None:
                mask[each.rows] = True
                by[each.rule] = np.concatenate([by.get(each.rule, each.rows[:0]), each.rows])
        return cls(found, mask, by)


def check_ids(
    frame: pd.DataFrame,
    schema: Schema,
    shared: tuple[SharedIdRows, SharedIdRows] | None = None,
    texts: TextColumns | None = None,
) -> IdCheck:
    """Read all ids once, block by block, keeping 16 bytes per row to find equal and similar ids.

    Of a part, `shared` has what was found over all parts: ids that are the same as others, and ids that look alike.
    `texts`: the text columns of the frame, if they are read again later.
    """
    column = frame.iloc[:, schema.id_position]
    violations: list[Violation] = []
    plain = _plain_bytes((texts or TextColumns(frame))[schema.id_position], schema)
    plain = None if _may_be_total(column) else plain
    if plain is not None and shared is None and _are_perfect(plain):
        return IdCheck.of(_sums(frame, schema), len(frame))
    is_plain = plain is not None
    sent = [attribute.position for attribute in schema.attributes]
    is_table = shared is not None or len(frame) > 1 or count_reject_labels(frame.columns) > 0
    hashes = _Hashes(0 if shared else len(frame))
    for start, stop in starts(len(frame)):
        ids = schema.read_ids(column.iloc[start:stop])
        seen = ids.texts if is_plain else fold_ids(ids.texts)
        has_labels = not is_plain and schema.id_kind in TEXT_KINDS and is_table
        labels = find_label_rows(frame, start, schema.id_position, sent, seen) if has_labels else {}
        violations += _check_block(frame, schema, start, ids, None if is_plain else seen, labels)
        if shared is None:
            hashes.add(start, ids, seen, labels)
    words = {word for each in violations if each.rule is Rule.ID_STRINGIFIED for word in each.params.get("words", ())}
    if shared is None:
        groups, alike = hashes.find(column, schema)
        repeated = schema.read_ids(column.iloc[[rows[0] for rows in groups]]).texts
        words |= _odd_words(column, schema, dict(zip(repeated, map(len, groups), strict=True)))
        nobody = [rows for rows, text in zip(groups, repeated, strict=True) if text in words]
        same = find_same(groups, schema.keep, nobody)
    else:
        same, alike = shared
    texts_of_same = schema.read_ids(column.iloc[same.rows]).texts
    if shared is not None:
        words |= _odd_words(column, schema, dict(zip(texts_of_same, same.sharing.tolist(), strict=True)), is_part=True)
    stand_for_none: Mask = np.array([text in words for text in texts_of_same], dtype=bool)
    violations += [*_duplicates(schema, same, stand_for_none, words), *_look_alikes(column, schema, alike)]
    checked = IdCheck.of(violations, len(frame))
    if shared is not None or checked.skipped[-1:].any():
        return checked
    return replace(checked, violations=(*violations, *_sums(frame, schema)))


def check_known_ids(frame: pd.DataFrame, schema: Schema, knows: KnownIds | None) -> list[Violation]:
    """Report ids that the ledger knows only in another spelling: as written in the frame, or in another case."""
    if knows is None:
        return []
    column = frame.iloc[:, schema.id_position]
    kind = classify(column).kind
    counts: Counter[str] = Counter()
    first: dict[str, Any] = {}
    for start, stop in starts(len(frame)):
        block = column.iloc[start:stop]
        ids = schema.read_ids(block).texts
        new = np.flatnonzero(~knows(ids)).tolist()
        if not new:
            continue
        texts = [ids[row] for row in new]
        written = read_ids(block.iloc[new], kind, schema.zone).texts if schema.id_reading.cleans else texts
        spellings = {"written": written, "lower": list(map(str.lower, texts)), "upper": list(map(str.upper, texts))}
        spellings |= {"zeros": _with_zeros(texts, knows), "no zeros": [text.lstrip("0") for text in texts]}
        spellings["no separators"] = list(map(without_separators, texts))
        is_left = np.array([bool(text) for text in texts])  # an empty id is not sent
        for how, others in spellings.items():
            if others != texts and (found := knows(others) & is_left).any():
                is_left &= ~found
                counts[how] += int(found.sum())
                first.setdefault(how, originals(block.iloc[[new[int(found.argmax())]]])[0])
    rule, place = Rule.ID_CASE_DUPLICATE, schema.id_place
    return [
        Violation.of_column(rule, place, count, value=first[how], variant="known", how=how)
        for how, count in counts.items()
    ]


def _with_zeros(texts: Sequence[str], knows: KnownIds) -> list[str]:
    """Return ids of digits with the leading zeros that the ledger knows some of them with; the ids if it knows none."""
    sample = [text for text in texts[:: max(1, len(texts) // _ZERO_SAMPLE)] if text.isdecimal()]
    if not sample:
        return list(texts)
    for digits in range(min(map(len, sample)) + 1, _MOST_ID_DIGITS + 1):
        if knows([text.zfill(digits) for text in sample]).any():
            return [text.zfill(digits) if text.isdecimal() else text for text in texts]
    return list(texts)


_ZERO_SAMPLE: Final = 1_000
_MOST_ID_DIGITS: Final = 16


KnownIds = Callable[[Sequence[str]], Mask]
"""Takes ids, and returns a mask of those in the ledger."""


def _plain_bytes(column: TextColumn, schema: Schema) -> TextBytes | None:
    """Return the bytes of ids if all are plain: no surrounding characters, placeholders, capitals or separators."""
    if schema.id_kind is not Kind.TEXT or schema.id_reading.cleans:
        return None
    found = column.bytes()
    words = {*MISSING_IDS, *TOTAL_WORDS, fold_case(str(schema.id_column))}
    if (
        found is None
        or not found.has_only(_PLAIN_CHARS)
        or (found.has_only(f"{string.digits}.-") and not found.has_only(string.digits))
        or found.may_end_with((".0",))
        or found.has_any({word for word in words if word.isascii()})
    ):
        return None
    return found


def _are_perfect(plain: TextBytes) -> bool:
    """Return whether plain ids are all there, short enough and different, so that no rule applies."""
    return not plain.has_empty and plain.max_bytes <= contract.MAX_ID_CHARS and plain.are_distinct()


class _Hashes:
    """The hashes of all ids, unchanged and folded."""

    def __init__(self, rows: int) -> None:
        self._present = np.zeros(rows, dtype=bool)
        self._exact = np.zeros(rows, dtype="uint64")
        self._folded = self._exact  # copied at the first id that folding changes

    def add(self, start: int, ids: Ids, folded: list[str], labels: LabelRows) -> None:
        rows = slice(start, start + len(ids.texts))
        self._present[rows] = ~ids.missing
        self._present[np.concatenate([[], *labels.values()]).astype("int64") + start] = False
        self._exact[rows] = hash_texts(ids.texts)
        if folded is not ids.texts and self._folded is self._exact:
            self._folded = self._exact.copy()
        if self._folded is not self._exact:
            self._folded[rows] = self._exact[rows] if folded is ids.texts else hash_texts(folded)

    def find(self, column: pd.Series[Any], schema: Schema) -> tuple[Groups, SharedIdRows]:
        """Return the groups of rows with the same id, and the rows with similar ids."""
        same = find_groups(self._exact, self._present, _fetcher(column, schema, str))
        if self._folded is self._exact:
            return same, SharedIdRows()
        return same, find_alike(
            find_groups(self._folded, self._present, _fetcher(column, schema, fold_id)), self._exact
        )


def find_same(groups: Groups, keep: Keep, nobody: Groups) -> SharedIdRows:
    """Return the rows that `keep` leaves out of each group with one id, and all rows of `nobody`, of placeholders."""
    left_out = {*unkept(groups, keep), *unkept(nobody, keep=False)}
    return SharedIdRows.of([(row, len(rows), _other(row, rows)) for rows in groups for row in rows if row in left_out])


def find_alike(groups: Groups, exact: npt.NDArray[np.uint64]) -> SharedIdRows:
    """Return the rows of groups whose ids look alike but differ."""
    differing = [rows for rows in groups if len(set(exact[rows].tolist())) > 1]
    return SharedIdRows.of([(row, len(rows), _differing(row, rows, exact)) for rows in differing for row in rows])


def _duplicates(schema: Schema, same: SharedIdRows, stand_for_none: Mask, words: Collection[str]) -> list[Violation]:
    """Report rows with the same id; ids that `stand_for_none`, which are among `words`, are no customer's."""
    # With keep="first" the user has decided: the row is reported, but does not fail the push.
    severity = None if schema.keep is False else Severity.WARNING
    is_earlier = same.others == EARLIER_BATCH
    variants = (
        ("" if schema.keep is False else "left out", ~is_earlier & ~stand_for_none),
        ("earlier batch", is_earlier & ~stand_for_none),
        ("placeholder", stand_for_none),
    )
    return [
        Violation(
            Rule.ID_DUPLICATE,
            *schema.id_place,
            rows=same.rows[chosen],
            details=np.column_stack([same.sharing, same.others])[chosen],
            params={"keep": schema.keep, "words": frozenset(words)},
            variant=variant,
            severity=None if variant == "placeholder" else severity,
        )
        for variant, chosen in variants
        if chosen.any()
    ]


def _odd_words(column: pd.Series[Any], schema: Schema, counts: Mapping[str, int], *, is_part: bool = False) -> set[str]:
    """Return repeated ids that are words or zeros, where nearly all others are numbers, codes or addresses.

    `counts`: repeated ids, each with its number of rows. A part may have no other ids. Customer 11111 may have several
    rows, as in a log of purchases.
    """
    may_be = (text for text in counts if not text.isdecimal() or not text.strip("0"))
    words = {text for text in may_be if may_be_placeholder(text, counts[text])}
    if not words:
        return words
    others = set(schema.read_ids(column.iloc[:_ID_SAMPLE]).texts) - words - {""}
    plain = [text for text in others if _DIGIT_OR_AT.search(text)]
    return words if len(plain) >= MOST * len(others) and (others or is_part) else set()


_ID_SAMPLE: Final = 1_000
_DIGIT_OR_AT: Final = re.compile(r"[\d@]")


def _look_alikes(column: pd.Series[Any], schema: Schema, alike: SharedIdRows) -> list[Violation]:
    texts = schema.read_ids(column.iloc[alike.rows]).texts
    is_number = np.array([_LETTER.search(text) is None for text in texts], dtype=bool)
    return [
        Violation(
            Rule.ID_CASE_DUPLICATE,
            *schema.id_place,
            rows=alike.rows[chosen],
            details=alike.others[chosen],
            variant=variant,
        )
        for variant, chosen in (("", ~is_number), ("separators", is_number))
        if chosen.any()
    ]


_LETTER: Final = re.compile(r"[^\W\d_]")


# rows that are no customers ------------------------------------------------------------------------------------------


LabelRows = Mapping[Rule, Rows]
"""Rule → rows of a block: repeated headings, and totals."""


def customers_only(frame: pd.DataFrame, label_rows: Rows) -> pd.DataFrame:
    """Return a frame without the rows of headings and totals, which would make columns of numbers look like text."""
    if len(label_rows) and label_rows[0] == len(frame) - len(label_rows):  # the last rows: the others need no copy
        return frame.iloc[: label_rows[0]]
    return frame.take(np.delete(np.arange(len(frame)), label_rows)) if len(label_rows) else frame


def _may_be_total(column: pd.Series[Any]) -> bool:
    """Return whether the last id looks like the label of a row of totals."""
    last = column.iloc[-1] if len(column) > 1 else None
    return isinstance(last, str) and _TOTAL.fullmatch(fold_case(last.strip())) is not None


def find_label_rows(
    frame: pd.DataFrame, start: int, id_position: int, sent: Sequence[int], folded: list[str]
) -> LabelRows:
    """Return the rows of a block that repeat the headings or hold totals; `folded` are its ids, from row `start` on.

    In the last row of the frame, the id need only begin with a word for totals. A row whose other cells are a
    customer's is not among them, whatever its id. Only columns that are `sent` count: their positions.
    """
    found = {}
    others = [place for place in sent if place != id_position]
    stop = start + len(folded)
    block, is_end = frame.iloc[start:stop], stop == len(frame)
    for rule, mask in _label_like(folded, block.columns[id_position], is_end=is_end).items():
        confirms = _repeats_headings if rule is Rule.ROW_IS_HEADING else _has_only_numbers
        rows = [row for row in np.flatnonzero(mask).tolist() if confirms(_other_cells(block, row, others))]
        is_open = is_end and rule is Rule.ROW_IS_TOTAL and mask[-1] and len(folded) - 1 not in rows
        if is_open and _TOTAL_ALONE.fullmatch(folded[-1]) and _has_sums(frame.iloc[:, others]):
            rows.append(len(folded) - 1)
        if rows:
            found[rule] = np.array(rows, dtype="int64")
    return found


def _label_like(folded: list[str], id_column: Hashable, *, is_end: bool) -> dict[Rule, Mask]:
    """Return masks of the ids that are the heading, or a word for totals."""
    heading = fold_case(str(id_column))
    is_last_total = is_end and _TOTAL.fullmatch(folded[-1]) is not None
    if heading not in folded and TOTAL_WORDS.isdisjoint(folded) and not is_last_total:
        return {}
    is_heading = np.array([text == heading for text in folded], dtype=bool)
    is_total = np.array([text in TOTAL_WORDS for text in folded], dtype=bool)
    is_total[-1] |= is_last_total
    return {Rule.ROW_IS_HEADING: is_heading, Rule.ROW_IS_TOTAL: is_total & ~is_heading}


def _other_cells(block: pd.DataFrame, row: int, places: Iterable[int]) -> Iterator[tuple[Hashable, Any]]:
    """Yield the label and value of each cell at these positions that is not missing."""
    for place in places:
        cell = originals(block.iloc[[row], place])[0]
        if not is_missing(cell) and str(cell).strip():
            yield block.columns[place], cell


def _repeats_headings(cells: Iterable[tuple[Hashable, Any]]) -> bool:
    return all(fold_case(str(cell).strip()) == fold_case(str(label).strip()) for label, cell in cells)


def _has_only_numbers(cells: Iterable[tuple[Hashable, Any]]) -> bool:
    """Return whether no cell is of a customer: each is a number, or a word for totals or a missing value."""
    return all(_is_number(cell) for _, cell in cells)


def _is_number(cell: Any) -> bool:
    """Return whether a cell is a number, or a word for totals or a missing value."""
    if not isinstance(cell, str):
        return isinstance(cell, (int, float, Decimal, np.number, np.bool_))
    text = cell.strip()
    return fold_case(text) in TOTAL_WORDS | MISSING_WORDS | _EMPTY or any(
        are_numbers([text], mark).all() for mark in (".", ",")
    )


def _sums(frame: pd.DataFrame, schema: Schema) -> tuple[Violation, ...]:
    """Report the last row if it has no text, and its numbers are the sums of those above."""
    last = len(frame) - 1
    others = [attribute.position for attribute in schema.attributes if attribute.position != schema.id_position]
    if last < _SUMMED_ROWS or not _has_only_numbers(_other_cells(frame, last, others)):
        return ()
    sums = 0
    for place in others:
        column = frame.iloc[:, place]
        if column.dtype.kind not in "iuf" or is_missing(column.iloc[last]):
            continue
        numbers = column.to_numpy(dtype="float64", na_value=np.nan)
        if not _is_sum(numbers):
            return ()
        sums += bool(numbers[last])
    if sums < _SUMMED_COLUMNS:
        return ()
    where = Rule.ROW_IS_TOTAL, *schema.id_place
    return (Violation(*where, rows=np.array([last]), variant=DOUBTFUL_SUM, severity=Severity.WARNING),)


def _has_sums(frame: pd.DataFrame) -> bool:
    """Return whether all numbers of the last row are sums of those above, beside texts that are no contacts."""
    if len(frame) <= _SUMMED_ROWS:
        return False
    sums = []
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        cell = originals(column.iloc[-1:])[0]
        if is_missing(cell) or not (text := str(cell).strip()) or fold_case(text) in TOTAL_WORDS | MISSING_WORDS:
            continue
        if readings := _numbers_by_mark(column):
            sums += [_weight(numbers) for numbers in readings if _is_sum(numbers)][:1] or [np.nan]
        elif not isinstance(cell, str) or "@" in cell:
            return False
    if any(map(math.isnan, sums)):
        return False
    return sum(map(bool, sums)) >= _SUMMED_COLUMNS or any(abs(one) >= _LARGE_SUM or one % 1 for one in sums)


def _weight(numbers: npt.NDArray[np.float64]) -> float:
    """Return the last number, a sum of those above; 0 if it is only equal to one of them."""
    return float(numbers[-1]) if np.count_nonzero(np.nan_to_num(numbers[:-1])) > 1 else 0.0


def _numbers_by_mark(column: pd.Series[Any]) -> list[npt.NDArray[np.float64]]:
    """Return the numbers of a column, if its last cell is one: of texts, with each decimal mark that reads it."""
    if column.dtype.kind in "iuf":
        return [column.to_numpy(dtype="float64", na_value=np.nan)]
    last = _amounts(originals(column.iloc[-1:]))
    marks = [mark for mark in (".", ",") if are_numbers(last, mark).all()]
    return [
        np.concatenate([_numbers_of(originals(column.iloc[start:stop]), mark) for start, stop in starts(len(column))])
        for mark in marks
    ]


def _numbers_of(cells: Sequence[Any], mark: str) -> npt.NDArray[np.float64]:
    """Return the numbers of cells; NaN for other texts."""
    read = parse_numbers(_amounts(cells), mark)
    return np.where(read.ok, np.array(read.values, dtype="float64"), np.nan)


def _amounts(cells: Sequence[Any]) -> list[str]:
    """Return the texts of cells, without currencies that are damaged; '' for those too long for an amount."""
    texts = [text.strip() if len(text) <= _AMOUNT_CHARS else "" for text in map(str, cells)]
    damaged = are_damaged(texts)
    for place in np.flatnonzero(damaged).tolist() if damaged is not None else ():
        texts[place] = re.sub(r"[^\x00-\x7f]", "", texts[place]).strip()
    return texts


def _is_sum(numbers: npt.NDArray[np.float64]) -> bool:
    """Return whether the last number is the sum of those above."""
    with np.errstate(all="ignore"):  # infinities are not sums
        return math.isclose(numbers[-1], np.nansum(numbers[:-1]), rel_tol=1e-9, abs_tol=1e-6)


_EMPTY: Final = frozenset({"[]", "{}"})  # lists and objects in a CSV
_SUMMED_ROWS: Final = 3
_SUMMED_COLUMNS: Final = 2
"""Fewer rows or columns may have a sum by chance."""
_AMOUNT_CHARS: Final = 40
_LARGE_SUM: Final = 100
"""From here on, or with a fraction, the sum of one column is enough beside a label."""


# one block ------------------------------------------------------------------------------------------------------------


def _check_block(
    frame: pd.DataFrame, schema: Schema, start: int, ids: Ids, folded: list[str] | None, labels: LabelRows
) -> list[Violation]:
    """Check a block of ids; `folded` is None if all ids are plain."""
    block = _Block(frame, schema, start)
    block.by_row(Rule.ID_MISSING, ids.missing & ~ids.rounded, _unusable)
    for variant, mask in (("float", ids.rounded & ids.was_float), ("text", ids.rounded & ~ids.was_float)):
        block.by_row(Rule.ID_ROUNDED, mask, None, variant=variant, limit=contract.MAX_SAFE_INTEGER)
    block.once(Rule.ID_WHITESPACE, ids.stripped)
    texts = ids.texts
    if ids.was_float.any():
        has_point = np.fromiter(("." in text for text in texts), dtype=bool, count=len(texts))
        block.once(Rule.ID_FLOAT, ids.was_float & ~ids.rounded & ~has_point)
        block.once(Rule.ID_FLOAT, ids.was_float & ~ids.rounded & has_point, variant="fraction")
    if folded is not None and schema.id_kind in TEXT_KINDS:
        words = are_in(texts, MISSING_IDS)
        if words is not None:
            block.once(Rule.ID_STRINGIFIED, words, words=_distinct(texts, words))
        block.once(Rule.ID_STRINGIFIED, end_like_floats(texts), variant="float")
        for variant, mask in _wrapped(texts).items():
            block.once(Rule.ID_WRAPPED, mask, variant=variant)
        damaged = are_damaged(texts)
        if damaged is not None:
            block.once(Rule.TEXT_DAMAGED, damaged)
        is_end = start + len(texts) == len(frame)
        for rule, mask in _label_like(folded, schema.id_column, is_end=is_end).items():
            is_label = np.zeros(len(texts), dtype=bool)
            is_label[labels.get(rule, [])] = True
            block.add(rule, is_label)
            block.add(rule, mask & ~is_label, variant=DOUBTFUL, severity=Severity.WARNING)
    if ids.too_long.any():
        chars = [contract.count_chars(texts[row]) for row in np.flatnonzero(ids.too_long).tolist()]
        block.add(Rule.ID_TOO_LONG, ids.too_long, details=np.array(chars), limit=contract.MAX_ID_CHARS)
    return block.violations


class _Block:
    """Converts masks of a block of ids to violations."""

    def __init__(self, frame: pd.DataFrame, schema: Schema, start: int) -> None:
        self.violations: list[Violation] = []
        self._column = frame.iloc[:, schema.id_position]
        self._schema = schema
        self._start = start

    def add(self, rule: Rule, mask: Mask, **more: Any) -> None:
        """Report the rows of a mask one by one."""
        rows = np.flatnonzero(mask) + self._start
        if len(rows):
            self.violations.append(Violation(rule, *self._schema.id_place, rows=rows, **more))

    def by_row(self, rule: Rule, mask: Mask, describe: Callable[[Any], str] | None, **more: Any) -> None:
        """Report the rows of a mask one by one, with the description of each cell by `describe`."""
        if mask.any() and describe is not None:
            cells = self._column.iloc[np.flatnonzero(mask) + self._start]
            more["details"] = list(map(describe, originals(self._schema.clean_ids(cells))))
        self.add(rule, mask, **more)

    def once(self, rule: Rule, mask: Mask, **more: Any) -> None:
        """Report a property of the column, with its count and first value."""
        rows = np.flatnonzero(mask)
        if len(rows):
            first = originals(self._column.iloc[[int(rows[0]) + self._start]])[0]
            place = self._schema.id_place
            self.violations.append(Violation.of_column(rule, place, len(rows), value=first, **more))


def _distinct(texts: Sequence[str], mask: Mask) -> frozenset[str]:
    return frozenset(texts[row] for row in np.flatnonzero(mask).tolist())


_MARKS: Final = ("'", '"', "=", "<", ">", ";", ",", "mailto:", "MAILTO:", "Mailto:")
_OTHER_MARKS: Final = re.compile(f"[‘’“”{INVISIBLE}]")
"""Characters of ids with extra marks; a block without any needs no further check."""
_WRAPPED: Final[Mapping[str, re.Pattern[str]]] = {
    "guard": re.compile(
        rf"""['’](?=.).*|=\s*["“].*["”]|".*"|“.*”|‘.*’|.*[{INVISIBLE}].*""",
        re.DOTALL,
    ),
    "separators": re.compile(r"[+-]?\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?"),
    "addresses": re.compile(r"[^\s;,@]+@[^\s;,@]+\s*[;,]\s*[^\s;,@]+@[^\s;,@]+.*", re.DOTALL),
    "address": re.compile(r"mailto:.*@.*|[^<>]*<[^<>@\s]+@[^<>@\s]+>\s*", re.IGNORECASE | re.DOTALL),
}
"""Patterns of extra marks around an id, by variant; the first match counts."""


def _wrapped(texts: list[str]) -> dict[str, Mask]:
    """Find ids with extra marks around them, by variant."""
    joined = "\n".join(texts)
    has_marks = any(mark in joined for mark in _MARKS)
    if not has_marks and (joined.isascii() or not _OTHER_MARKS.search(joined)):
        return {}
    found = {variant: np.zeros(len(texts), dtype=bool) for variant in _WRAPPED}
    for row, text in enumerate(texts):
        variant = next((name for name, pattern in _WRAPPED.items() if pattern.fullmatch(text)), None)
        if variant is not None:
            found[variant][row] = True
    return found


def _unusable(value: Any) -> str:
    """Return why a value is not an id."""
    if is_missing(value):
        return "there is no id; every customer needs one."
    if isinstance(value, str):
        if not value:
            return "the id is empty text; every customer needs one."
        found = "white space only" if not value.strip() else "not valid Unicode text"
        return f"the id is {found}; it must be text."
    if isinstance(value, (bytes, bytearray, memoryview)):
        how = phrase(", .str.decode('utf-8')", "")
        return f"the id is bytes; it must be text: decode the column first{how}."
    found = "infinite" if isinstance(value, (float, Decimal)) else f"a {type(value).__name__}"
    return f"the id is {found}; it must be text or a number."


def _fetcher(column: pd.Series[Any], schema: Schema, change: Callable[[str], str]) -> Callable[[Rows], list[str]]:
    def fetch(rows: Rows) -> list[str]:
        return list(map(change, schema.read_ids(column.iloc[rows]).texts))

    return fetch


def _other(row: int, rows: list[int]) -> int:
    return rows[1] if row == rows[0] else rows[0]


def _differing(row: int, rows: list[int], exact: npt.NDArray[np.uint64]) -> int:
    return next(other for other in rows if exact[other] != exact[row])
