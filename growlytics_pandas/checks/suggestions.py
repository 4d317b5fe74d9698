"""Suggest options from the data: what the parsers can read, and how to handle the rest.

A suggestion is made by trying the same parser that the option selects. If no value settles an ambiguity, the
suggestion's `value` is None and its reason gives the alternatives.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._labels import (
    OLD_INDEX,
    is_code_like,
    is_id_like,
    word_set,
    words_of,
)
from growlytics_pandas._masking import mask_value
from growlytics_pandas._rules import Rule
from growlytics_pandas._text import argument, options_text, plural
from growlytics_pandas.checks.codes import damaged_codes, leading_zeros, lost_zeros, may_be_codes, open_codes
from growlytics_pandas.checks.dates import (
    may_be_date,
    may_be_days,
    open_century,
    propose_date,
    zone_of_days,
    zone_of_texts,
)
from growlytics_pandas.checks.names import suggest_names
from growlytics_pandas.checks.numbers import open_bits, open_thousands, propose_number
from growlytics_pandas.checks.phones import have_several_spellings, open_region, suggest_mobile
from growlytics_pandas.checks.profile import (
    LIKELY,
    Cleaned,
    Head,
    Profile,
    Suggestion,
    as_open,
    as_options,
    clean_distinct,
    clean_profile,
    is_uncounted,
    left_open,
    mask_of,
    may_be_of_type,
    may_be_placeholder,
    numbers_as_text,
    of_all,
    profile_of,
    profile_of_distinct,
    rest_of,
    with_numbers,
)
from growlytics_pandas.columns.contacts import PLAIN_EMAIL, normalize_texts
from growlytics_pandas.columns.convert import date_in
from growlytics_pandas.columns.date_parsers import parse_by_first
from growlytics_pandas.columns.dtypes import TEXT_KINDS, Kind, Mask, absent, decoded, present_cells
from growlytics_pandas.columns.named_formats import ISO
from growlytics_pandas.columns.parsers import (
    BOOLEAN_ONLY_WITH,
    BOOLEAN_WORDS,
    are_numbers,
    parse_booleans,
)
from growlytics_pandas.columns.plan_options import PHONE_NORMALIZATIONS, Reading
from growlytics_pandas.columns.reading import clean
from growlytics_pandas.columns.texts import SURE_WORDS, TextColumn, TextColumns, release_unused

__all__ = ["Columns", "Suggestion", "as_frame", "as_options", "suggest_for"]

_NUMBERS: Final = (Kind.INTEGER, Kind.FLOAT)
_FRACTIONAL: Final = (Kind.FLOAT, Kind.DECIMAL)
_UTC: Final = ZoneInfo("UTC")
_QUICK_SAMPLE: Final = 50  # values: enough for most numeric columns
_COLLECTION: Final = re.compile(r"""\[\s*(?:["'\[{\d-].*)?\]|\{\s*(?:["'].*)?\}""", re.DOTALL)
_LEFT_BY_ANOTHER: Final = 0.1  # of the values that a given option does not read
_CODE_CHARS: Final = 3  # maximum characters of a code: NA next to IN and US is Namibia
_SHOWN_WORDS: Final = 3
_MOST_CATEGORIES: Final = 50
_CELLS_OF_CATEGORY: Final = 3  # on average
_PLAIN_EMAIL_CHARS: Final = "abcdefghijklmnopqrstuvwxyz0123456789@._%+-"
_ALONE: Final = frozenset({"true", "false", "yes", "no", "y"})
"""Words that mean yes or no even without their counterpart; F alone may mean female, and "on" may be a place."""

_INITIALS: Final = frozenset({"o", "s"})
_OF_KINDS: Final = word_set(
    """
    region zone zona area sector side direction hemisphere location territory district branch status state type typ
    tipo kind class classe category categorie categoria segment group gruppe grupo size taille talla tamanho grade code
    """
)
"""Words of labels whose O and N may be old and new, or west and north, and S and N south and north."""

_DIGIT: Final = re.compile(r"\d")
_LABEL_OF_DATES: Final = "Date"
"""A label of dates, for a column that is known to hold them."""


@dataclass(eq=False)
class Columns:
    """The columns of a frame for which options are suggested.

    Attributes
    ----------
    frame : DataFrame
        The original frame.
    id_position : int
        Position of the id column.
    names : dict
        Position → attribute name, for the columns to send and the id column.
    reading_of : callable
        Label → how the column is read with the options already given.
    kinds : dict
        Position → kind of the cells read this way.
    zone, region
        Those of the plan.
    known_types : dict
        Attribute name → type that was fixed by earlier pushes.
    given_types : dict
        Attribute name → type that the options already convert to.
    texts
        The text columns of the frame, if they are read again later.
    """

    frame: pd.DataFrame
    id_position: int
    names: Mapping[int, str]
    reading_of: Callable[[Hashable], Reading]
    kinds: Mapping[int, Kind]
    zone: ZoneInfo
    region: str
    known_types: Mapping[str, str]
    given_types: Mapping[str, str]
    texts: TextColumns | None = None
    _last: tuple[int, Cleaned] | None = None  # the texts of one column at a time: they can take as much as the column
    _heads: dict[int, Head] = field(default_factory=dict)

    def type_of(self, name: str) -> str | None:
        """Return the type that an attribute must have; None if it is open."""
        return self.given_types.get(name) or self.known_types.get(name)

    def column(self, position: int) -> pd.Series[Any]:
        """Return a column cleaned with the options already given."""
        column = self.frame.iloc[:, position]
        return decoded(clean(column, self.reading_of(column.name), self.zone, self.region))

    def cleaned(self, position: int) -> Cleaned:
        """Return the texts of a column without white space, guards and texts that mean missing."""
        if self._last is None or self._last[0] != position:
            self._last = None
            self._last = position, self._clean(position)
            self._heads[position] = self._last[1].profile.head
        return self._last[1]

    def _clean(self, position: int) -> Cleaned:
        column, kind = self.column(position), self.kinds[position]
        is_id = position == self.id_position
        is_raw = column.dtype == self.frame.dtypes.iloc[position] and not self.reading_of(column.name).cleans
        texts = self.texts[position] if is_raw and self.texts is not None else TextColumn(column)
        mostly_differs = is_uncounted(texts, kind, len(column))
        found = texts.bytes() if mostly_differs else None
        if found is not None:
            return clean_distinct(column, found, is_id=is_id)
        is_listed = kind is Kind.TEXT and (is_id or mostly_differs)
        profile = profile_of_distinct(column) if is_listed else profile_of(column, kind, texts)
        return clean_profile(profile, is_id=is_id)

    def head(self, position: int) -> Head | None:
        """Return the first texts of a column of texts or whole numbers (as text); None for other columns."""
        kind = self.kinds[position]
        if kind in TEXT_KINDS:
            if position not in self._heads:
                self.cleaned(position)
            return self._heads[position]
        digits = numbers_as_text(self.column(position), _QUICK_SAMPLE) if kind in _NUMBERS else None
        return digits.head if digits else None


def suggest_for(columns: Columns) -> list[Suggestion]:
    """Suggest options, by column; names and the zone last."""
    found: list[Suggestion] = []
    for position in columns.names:
        found += _for_column(columns, position)
        if columns.kinds[position] is Kind.TEXT:
            release_unused()
    excluded = {one.column for one in found if one.option == "exclude"}
    labels = list(columns.frame.columns)
    sent = {place: name for place, name in columns.names.items() if labels[place] not in excluded}
    of_texts = [place for place in sent if columns.kinds[place] in TEXT_KINDS]
    known = {*columns.known_types, *columns.given_types}
    named = suggest_names(sent, labels, known, columns.head, of_texts, columns.region)
    for one in named:
        if one.value in contract.RESERVED_ATTRIBUTES:
            found = _as_contact(columns, found, one)
    return found + named + _suggest_zone(columns, found)


def as_frame(suggestions: Iterable[Suggestion]) -> pd.DataFrame:
    """Return suggestions as a DataFrame: `option`, `column`, `value`, `reason`, `cells`."""
    rows = list(suggestions)
    columns: dict[str, Any] = {
        name: pd.Series([getattr(one, name) for one in rows], dtype=object)
        for name in ("option", "column", "value", "reason")
    }
    return pd.DataFrame({**columns, "cells": pd.Series([one.cells for one in rows], dtype="int64")})


# one column ---------------------------------------------------------------------------------------------------------


def _for_column(columns: Columns, position: int) -> list[Suggestion]:
    kind, label = columns.kinds[position], columns.frame.columns[position]
    name, is_id = columns.names[position], position == columns.id_position
    if kind is Kind.UNSUPPORTED and not is_id:
        return [_unsupported(columns.frame.iloc[:, position], label)]
    if not is_id and _is_old_index(columns, position):
        reason = "an old index: row numbers in a column named by pandas"
        return [Suggestion("exclude", label, True, reason, len(columns.frame))]
    if kind in _NUMBERS and not is_id and name not in contract.RESERVED_ATTRIBUTES:
        return _for_numbers(columns, position)
    if kind in _NUMBERS and name == "mobile" and columns.reading_of(label).normalize is None:
        return _for_phone_numbers(columns, position)
    if kind in TEXT_KINDS:
        codes = [] if is_id or not is_code_like(name) else damaged_codes(columns.cleaned(position).profile, label)
        return [*_for_texts(columns, position), *_with_given_options(columns, position), *codes]
    return []


def _unsupported(column: pd.Series[Any], label: Hashable) -> Suggestion:
    present = column.dropna()
    found = type(present.iloc[0]).__name__ if present.dtype == object and len(present) else str(column.dtype)
    return Suggestion(
        "exclude", label, True, f"values of type {found} cannot be sent: no attribute type fits them", len(present)
    )


def _is_old_index(columns: Columns, position: int) -> bool:
    name = columns.names[position].strip()
    if name and not OLD_INDEX.fullmatch(name):
        return False
    column = columns.column(position)
    is_last_blank = len(column) > 1 and bool(absent(column.iloc[-1:]).all())  # of a row of totals
    column = column.iloc[:-1] if is_last_blank else column
    numbers = pd.to_numeric(column, errors="coerce")
    if absent(column).any() or absent(numbers).any() or not numbers.is_unique or len(numbers) < 1:
        return False
    steps = np.diff(numbers.to_numpy(dtype="float64"))
    if (numbers % 1 != 0).any():
        return False
    return (bool((steps > 0).all()) and numbers.iloc[0] in (0, 1)) or bool((steps == 1).all())


# numbers ------------------------------------------------------------------------------------------------------------


def _for_numbers(columns: Columns, position: int) -> list[Suggestion]:
    label, name = columns.frame.columns[position], columns.names[position]
    reading, known = columns.reading_of(label), columns.type_of(name)
    column = columns.column(position)
    present = present_cells(column)
    sample = present.iloc[:_QUICK_SAMPLE].tolist()
    proposal = None
    if reading.date_formats:
        digits = numbers_as_text(column, None)
        proposal = digits and _instead(columns, position, Cleaned(digits, {}, 0, 0), name)
    elif all(value in (0, 1) for value in sample):
        if known == contract.BOOLEAN and name not in columns.given_types and present.isin((0, 1)).all():
            reason = f"{of_all(len(present), len(present))} 0 or 1, and earlier pushes sent yes/no"
            return [Suggestion("types", label, known, reason, len(present), type=known)]
        return open_bits(column, present, label) if known is None else []
    elif known in (None, contract.DATE):
        name = _LABEL_OF_DATES if known == contract.DATE else name
        digits = numbers_as_text(column, None) if all(may_be_date(value, name) for value in sample) else None
        proposal = digits and propose_date(digits, name)
    if proposal is None and known is None and may_be_codes(sample, name, columns.kinds[position]):
        return [open_codes(present, label)]
    is_decided = columns.given_types.get(name) == contract.NUMBER
    if known is not None and not is_decided and is_code_like(name):
        other = contract.NUMBER if known == contract.STRING else contract.STRING  # text does not restore zeros, either
        if lost := lost_zeros(present, label, other):
            return [lost]
    is_open = proposal is None and known in (None, contract.NUMBER) and reading.decimal is None
    if is_open and columns.kinds[position] in _FRACTIONAL and (thousands := open_thousands(present, label)):
        return [thousands]
    return [replace(proposal, column=label)] if proposal else []


# text ---------------------------------------------------------------------------------------------------------------


def _for_texts(columns: Columns, position: int) -> list[Suggestion]:
    label, name = columns.frame.columns[position], columns.names[position]
    reading, cleaned = columns.reading_of(label), columns.cleaned(position)
    found: list[Suggestion] = []
    if cleaned.stripped and not reading.strip:
        found.append(_suggest_strip(cleaned, label))
    if position == columns.id_position:
        found += [_missing_ids(cleaned.words, label)] if cleaned.words and not reading.na_values else []
        return found + _for_id(columns, position, reading)
    known = contract.STRING if name in contract.RESERVED_ATTRIBUTES else columns.type_of(name)
    proposal = None
    if reading.date_formats or reading.decimal is not None:
        proposal = _instead(columns, position, cleaned, name)
    elif known != contract.STRING:
        proposal = _proposal(columns, position, cleaned, name, known)
    is_typed = proposal is not None or known not in (None, contract.STRING)
    words = _missing_words(cleaned, is_typed=is_typed or name in ("email", "mobile"))
    if words:
        found.append(_na_values(words, label))
    if name in ("email", "mobile"):
        is_normal = reading.normalize is not None
        found += _for_contact(cleaned.profile, label, name, columns.region, is_normal=is_normal)
    if proposal is None and known is None and cleaned.profile.sample.texts and _are_collections(cleaned.profile):
        reason = "the texts look like lists or objects, which no attribute type holds"
        return [*found, Suggestion("exclude", label, None, reason, cleaned.profile.cells, warns=Rule.TYPE_DOUBTFUL)]
    if known == contract.NUMBER and (example := leading_zeros(cleaned.profile)):
        as_text = options_text(types={label: contract.STRING})
        reason = f"numbers do not keep leading zeros, as in {example}, which text does: {as_text}"
        as_string = may_be_of_type(label, reason, cleaned.profile.cells, contract.STRING)
        return [*found, replace(as_string, is_loss=True)]
    if proposal is not None and not _is_read_already(proposal, columns.given_types.get(name), cleaned):
        found.append(replace(proposal, column=label))
    return found + (_for_categories(columns, position) if proposal is None and known in (None, contract.STRING) else [])


def _for_categories(columns: Columns, position: int) -> list[Suggestion]:
    """Leave open whether categories that differ only in case are the same, where one spelling prevails."""
    label, name = columns.frame.columns[position], columns.names[position]
    profile, is_normal = columns.cleaned(position).profile, columns.reading_of(label).normalize is not None
    if is_normal or name in contract.RESERVED_ATTRIBUTES or is_id_like(name) or len(profile.texts) > _MOST_CATEGORIES:
        return []
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text, cells in zip(profile.texts, profile.counts.tolist(), strict=True):
        spellings[text.casefold()][text] += cells
    several = [found for found in spellings.values() if len(found) > 1]
    odd = [found for found in several if 2 * max(found.values()) > found.total()]
    if not odd or profile.cells < _CELLS_OF_CATEGORY * len(spellings):
        return []
    n_odd = sum(found.total() - max(found.values()) for found in odd)
    (common, _), (other, _) = max(odd, key=Counter.total).most_common(2)
    reason = (
        f"{plural(n_odd, 'value')} differ{'s' * (n_odd == 1)} from a more common one only in case, such as {other!r} "
        f"from {common!r}: {options_text(normalize={label: 'lower'})} makes them one"
    )
    return [Suggestion("normalize", label, None, reason, n_odd, choices=("lower",), warns=Rule.VALUE_CASE)]


def _are_collections(profile: Profile) -> bool:
    """Return whether most texts look like a list or a dict, as a CSV has them."""
    texts = profile.texts[:_QUICK_SAMPLE]
    return sum(_COLLECTION.fullmatch(text) is not None for text in texts) * 2 > len(texts)


def _is_read_already(proposal: Suggestion, given: str | None, cleaned: Cleaned) -> bool:
    """Return whether the type that was given already reads the values."""
    if proposal.type != given:
        return False
    is_iso = proposal.value == ISO and all(date_in(text, _UTC) for text in cleaned.profile.sample.texts)
    return proposal.value == given or is_iso


def _suggest_strip(cleaned: Cleaned, label: Hashable) -> Suggestion:
    reason = f"{plural(cleaned.stripped, 'value')} with surrounding white space or invisible characters"
    if cleaned.guarded:
        reason = (
            f"{plural(cleaned.stripped, 'value')} with surrounding white space or a spreadsheet's text marker "
            f"({cleaned.guarded:,}): '0012 is read as 0012, and stays text"
        )
    return Suggestion("strip", label, True, reason, cleaned.stripped)


def _for_id(columns: Columns, position: int, reading: Reading) -> list[Suggestion]:
    """Suggest normalization for ids that are e-mail addresses or phone numbers."""
    label, name = columns.frame.columns[position], columns.names[position]
    if reading.normalize is not None:
        return []
    texts = with_numbers(columns.cleaned(position).profile, columns.column(position))
    n_addresses = int(mask_of(texts.sample.texts, PLAIN_EMAIL.fullmatch).sum())
    if n_addresses * 2 > len(texts.sample.texts):
        reserved = "email"
    elif name == "mobile" or have_several_spellings(texts, columns.region):
        reserved = "mobile"
    else:
        return []
    return _for_contact(texts, label, reserved, columns.region, is_normal=False)


def _for_contact(profile: Profile, label: Hashable, reserved: str, region: str, *, is_normal: bool) -> list[Suggestion]:
    """Suggest normalization for contacts that are written in several ways; `is_normal`: it is given already."""
    shared = _shared_by_many(profile, label, reserved)
    if is_normal or not profile.texts:
        return shared
    suggest = _suggest_email if reserved == "email" else suggest_mobile
    return [*shared, *filter(None, [suggest(profile, label, region)])]


def _suggest_email(profile: Profile, label: Hashable, region: str) -> Suggestion | None:
    if profile.has_only(_PLAIN_EMAIL_CHARS):
        return None  # the usual case
    is_plain = PLAIN_EMAIL.fullmatch
    odd = profile.where(mask_of(profile.texts, lambda text: not (text.islower() and is_plain(text))))
    if not odd.texts:
        return None
    normal = normalize_texts(odd.texts, "email", region)
    cells = odd.count(np.array([old != new for old, new in zip(odd.texts, normal, strict=True)], dtype=bool))
    if not cells:
        return None
    marks = {"a display name": "<", "a mailto link": "mailto:"}
    parts = ["capitals"] if any(not text.islower() for text in odd.texts) else []
    parts += [what for what, mark in marks.items() if any(mark in text.lower() for text in odd.texts)]
    what = " or ".join(parts) or "more than the address"
    reason = f"{plural(cells, 'value')} with {what}: the address alone is read, in lower case"
    return Suggestion("normalize", label, "email", reason, cells)


def _for_phone_numbers(columns: Columns, position: int) -> list[Suggestion]:
    """Suggest the spelling of phone numbers that are stored as numbers."""
    digits = numbers_as_text(columns.column(position), None)
    found = suggest_mobile(digits, columns.frame.columns[position], columns.region) if digits else None
    return [found] if found else []


def _proposal(columns: Columns, position: int, cleaned: Cleaned, name: str, known: str | None) -> Suggestion | None:
    """Return the proposal to read the texts of a column as another type."""
    texts = cleaned.profile
    if not texts.texts:
        return None
    found = None
    if known in (None, contract.BOOLEAN):
        found = _propose_boolean(texts, name, is_known=known is not None)
    has_digits = bool(texts.others) or any(map(_DIGIT.search, texts.sample.texts))
    if found is None and has_digits and known in (None, contract.DATE):
        found = propose_date(with_numbers(texts, columns.column(position)), name)
    if found is None and has_digits and known in (None, contract.NUMBER) and not is_id_like(name):
        found = propose_number(texts)
    if found is None or not cleaned.guarded:
        return left_open(found) if found is not None and known is None else found
    if found.type == contract.DATE and found.value is not None:
        what = f"{found.option}={found.value!r}"
        marked = f"{plural(cleaned.guarded, 'value')} with a spreadsheet's text marker"
        reason = f"marked as text by {marked}, although {what} would read dates"
        return replace(found, value=None, reason=reason, rest=0, choices=(found.value,))
    return None


def _propose_boolean(profile: Profile, name: str, *, is_known: bool) -> Suggestion | None:
    """Return the proposal to read texts as yes/no; None if they are not.

    `is_known`: whether the attribute holds yes/no, so that one of both is enough, and so are 1 and 0.
    """
    if sum(profile.others.values()) > profile.others[Kind.BOOLEAN] or profile.is_large:
        return None
    lower = [text.lower() for text in profile.texts]
    if BOOLEAN_WORDS.keys().isdisjoint(lower):
        return None
    parsed, alone = parse_booleans(profile.texts), _alone(lower)
    ok = parsed.ok & ~mask_of(lower, alone.__contains__)
    words = mask_of(profile.texts, lambda text: not text.isdigit())
    read, present = profile.count(ok), profile.cells
    if read < LIKELY * present or not (is_known or (ok & words).any()):
        return None
    yes, no = (ok & (parsed.values == value) for value in (True, False))
    is_whole = read == present and {text.casefold() for text in profile.where(ok).texts} <= _ALONE
    if not (is_known or is_whole or (yes.any() and no.any())):
        return None
    counted = f"{of_all(read, present)} {'are' if present > 1 else 'is'}"
    reason = f"{counted} yes/no: {profile.count(yes):,} true, {profile.count(no):,} false{rest_of(read, present)}"
    boolean, rest, warns = contract.BOOLEAN, present - read, Rule.TYPE_DOUBTFUL
    found = Suggestion("types", None, boolean, reason, read, rest=rest, type=boolean, warns=warns)
    may_be_kinds = not _INITIALS.isdisjoint(lower) and not _OF_KINDS.isdisjoint(words_of(name))
    return as_open(found) if alone or (may_be_kinds and not is_known) else found


def _alone(lower: Sequence[str]) -> set[str]:
    """Return the words that mean yes or no only next to others, if these are not the only ones next to them."""
    found = set(lower)
    return {word for word, others in BOOLEAN_ONLY_WITH.items() if word in found and not found - {word} <= others}


def _instead(columns: Columns, position: int, cleaned: Cleaned, name: str) -> Suggestion | None:
    """Return another way to read a column than the given one, if it reads all values or nearly all of the rest."""
    reading = columns.reading_of(columns.frame.columns[position])
    sample = cleaned.profile.sample
    n_unread = sample.count(_unread(reading, sample, columns.zone)) if sample.texts else 0
    if not n_unread:
        return None
    wanted = contract.DATE if reading.date_formats else contract.NUMBER
    found = _proposal(columns, position, cleaned, _LABEL_OF_DATES if reading.date_formats else name, wanted)
    if found is None or found.value is None or found.rest > _LEFT_BY_ANOTHER * n_unread:
        return None
    return replace(found, option="decimal", value=".", rest=0) if found.option == "types" else replace(found, rest=0)


def _with_given_options(columns: Columns, position: int) -> list[Suggestion]:
    """Leave open what the given options leave open: the region of phones, the century of dates, words for missing."""
    label = columns.frame.columns[position]
    reading = columns.reading_of(label)
    if reading.normalize in PHONE_NORMALIZATIONS:
        raw = clean(columns.frame.iloc[:, position], replace(reading, normalize=None), columns.zone, columns.region)
        texts = [value for value in raw.tolist() if isinstance(value, str)]
        return list(filter(None, [open_region(texts, label, columns.region)]))
    is_boolean = columns.given_types.get(columns.names[position]) == contract.BOOLEAN
    if not reading.date_formats and reading.decimal is None and not is_boolean:
        return []
    profile = columns.cleaned(position).profile
    unread = ~parse_booleans(profile.texts).ok if is_boolean else _unread(reading, profile, columns.zone)
    words = profile.where(unread)
    type_ = contract.BOOLEAN if is_boolean else contract.DATE if reading.date_formats else contract.NUMBER
    century = open_century(words) if reading.date_formats and words.texts else None
    if century is not None:
        return [replace(century, column=label, cells=words.cells)]
    return [
        Suggestion(
            "na_values",
            label,
            None,
            f"{cells:,} values are {word!r}: if this means missing, use {options_text(na_values={label: [word]})}",
            cells,
            type=type_,
            choices=([word],),
        )
        for word, cells in zip(words.texts, words.counts.tolist(), strict=True)
        if may_be_placeholder(word, cells)
    ][:1]


def _unread(reading: Reading, profile: Profile, zone: ZoneInfo) -> Mask:
    """Return a mask of texts that the given formats or decimal mark do not read, as dates of the years 1 to 9999."""
    if not reading.date_formats:
        return ~are_numbers(profile.texts, reading.decimal or ".")
    dates = parse_by_first(profile.texts, reading.date_formats, zone)
    years = dates.astype("M8[Y]").astype("int64") + 1970  # NaT is far below any year
    unread: Mask = (years < contract.MIN_YEAR) | (years > contract.MAX_YEAR)
    return unread


def _missing_words(cleaned: Cleaned, *, is_typed: bool) -> dict[str, int]:
    """Return the texts that mean missing; in text columns only unambiguous ones."""
    profile = cleaned.profile
    if not profile.texts and not profile.others:
        return {}
    if is_typed:
        return cleaned.words
    short = mask_of(profile.sample.texts, lambda text: len(text) <= _CODE_CHARS and text.isalpha())
    are_codes = profile.sample.count(short) * 2 > profile.sample.cells
    sure = SURE_WORDS if are_codes else SURE_WORDS | {"NA"}
    return {word: cells for word, cells in cleaned.words.items() if word in sure}


def _na_values(words: Mapping[str, int], label: Hashable) -> Suggestion:
    listed = sorted(words, key=lambda word: (-words[word], word))
    more = f" +{len(listed) - _SHOWN_WORDS} more" if len(listed) > _SHOWN_WORDS else ""
    shown = ", ".join(map(repr, listed[:_SHOWN_WORDS])) + more
    cells = sum(words.values())
    return Suggestion(
        "na_values", label, listed, f"{plural(cells, 'value')} that mean{'s' * (cells == 1)} missing: {shown}", cells
    )


def _missing_ids(words: Mapping[str, int], label: Hashable) -> Suggestion:
    found = _na_values(words, label)
    drop = options_text(errors="drop")
    rows = f"a row without an id cannot be sent: correct it, or leave it out ({drop})"
    return replace(found, reason=f"{found.reason}; {rows}")


def _shared_by_many(profile: Profile, label: Hashable, reserved: str) -> list[Suggestion]:
    """Leave open whether an address or number means missing that more customers have than a family or an office."""
    if profile.is_large or not profile.texts:
        return []
    place = int(profile.counts.argmax())
    contact, cells = profile.texts[place], int(profile.counts[place])
    if cells < _LEAST_SHARED or cells < _SHARED * profile.cells or len(profile.texts) < _LEAST_SHARED:
        return []
    what, warns = ("address", Rule.EMAIL_INVALID) if reserved == "email" else ("number", Rule.MOBILE_INVALID)
    reason = (  # masked: it may be a customer's
        f"{cells:,} customers have the {what} {mask_value(contact)}, so a campaign reaches at most one of them; "
        f"if it is a placeholder, list it in {argument('na_values')}"
    )
    return [Suggestion("na_values", label, None, reason, cells, warns=warns)]


_LEAST_SHARED: Final = 10  # customers with one address, and different addresses
_SHARED: Final = 0.01  # of the customers


def _as_contact(columns: Columns, found: Sequence[Suggestion], rename: Suggestion) -> list[Suggestion]:
    """Replace a column's suggestions by those for a contact, which is always text."""
    position = next(place for place in columns.names if columns.frame.columns[place] == rename.column)
    of_texts = ("strip", "na_values", "normalize")
    kept = [one for one in found if one.column != rename.column or one.option in of_texts]
    has_spelling = any(one.column == rename.column and one.option == "normalize" for one in kept)
    if columns.kinds[position] in _NUMBERS and rename.value == "mobile":
        return kept + _for_phone_numbers(columns, position)
    if rename.value == "name" or columns.kinds[position] not in TEXT_KINDS:
        return kept
    words = _missing_words(columns.cleaned(position), is_typed=True)
    if words:
        kept = [one for one in kept if (one.column, one.option) != (rename.column, "na_values")]
        kept.append(_na_values(words, rename.column))
    profile = columns.cleaned(position).profile
    return kept + _for_contact(profile, rename.column, rename.value, columns.region, is_normal=has_spelling)


# the zone -----------------------------------------------------------------------------------------------------------


def _suggest_zone(columns: Columns, found: Sequence[Suggestion]) -> list[Suggestion]:
    """Suggest the zone in which dates are midnights, so that days are kept; undecided if columns disagree."""
    zones: dict[int, str] = {}
    for position in columns.names:
        zone = _zone_of(columns, position, found)
        if zone is not None:
            zones[position] = zone
    is_one = len(set(zones.values())) == 1
    suggestions = []
    for position, zone in zones.items():
        present = len(present_cells(columns.frame.iloc[:, position]))
        reason = (
            f"all dates are midnights in {zone}, and in {columns.zone.key} each would be another day: "
            f"{options_text(timezone=zone)} keeps the days"
        )
        label = columns.frame.columns[position]
        value = zone if is_one else None
        suggestions.append(Suggestion("timezone", label, value, reason, present, warns=Rule.DATE_SHIFTED))
    return suggestions


def _zone_of(columns: Columns, position: int, found: Sequence[Suggestion]) -> str | None:
    if columns.kinds[position] is Kind.DATE:
        return zone_of_days(columns.column(position), columns.zone, columns.region)
    label = columns.frame.columns[position]
    formats = next((one.value for one in found if one.column == label and one.option == "date_format"), None)
    if formats is None or columns.kinds[position] is not Kind.TEXT:
        return None
    listed = [formats] if isinstance(formats, str) else formats
    if not any(form == ISO or "%z" in form for form in listed):
        return None
    head = columns.head(position)
    if head is None or not may_be_days(head.texts, listed, columns.region):
        return None
    return zone_of_texts(columns.cleaned(position).profile.texts, listed, columns.zone, columns.region)
