"""The pieces of a plan: snapshot or profile, schema frame, suggestions, changes, and the error for violations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from growlytics_pandas import contract
from growlytics_pandas._masking import Masker, is_personal, printable, visible
from growlytics_pandas._rules import Severity
from growlytics_pandas._status import Status
from growlytics_pandas._text import options_text, phrase, plural
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.checks.frame import TYPE_OPTIONS
from growlytics_pandas.checks.ids import find_same
from growlytics_pandas.checks.naming import is_id_like
from growlytics_pandas.checks.profile import Suggestion
from growlytics_pandas.checks.schema import Attribute, Budget, ColumnFacts, Schema, infer_schema, name_of_column
from growlytics_pandas.checks.suggestions import suggest_for
from growlytics_pandas.columns.dtypes import AttributeType, Kind, Mask, absent, originals
from growlytics_pandas.columns.frames import prepare_frame
from growlytics_pandas.columns.options import Keep, PlanOptions
from growlytics_pandas.columns.reading import Alike, clean, fold, hash_texts
from growlytics_pandas.errors import ConstraintViolationError, InvalidArgumentError
from growlytics_pandas.ledger.digests import CellColumn, Digester, Digests
from growlytics_pandas.ledger.project import Project
from growlytics_pandas.ledger.value_log import ValueDigests
from growlytics_pandas.upload.connection import Connection
from growlytics_pandas.upload.parts import Executor, changed, fetch_ids, types_sent
from growlytics_pandas.upload.profile import (
    PartList,
    PartProfile,
    PartTask,
    ProfiledParts,
    Question,
    digest_ids,
    merge_columns,
    merge_labels,
    merge_samples,
    profile_part,
    skipped_rows,
)


class SeenIds:
    """A growing set of hashes, in sorted runs of doubling length, so that each hash is re-sorted only a few times."""

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def among(self, hashes: npt.NDArray[np.uint64]) -> Mask:
        """Return which of `hashes` are in the set."""
        found = np.zeros(len(hashes), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            found |= run[places] == hashes
        return found

    def add(self, hashes: npt.NDArray[np.uint64]) -> None:
        """Add `hashes`."""
        if not len(hashes):
            return
        self._runs.append(np.sort(hashes))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))


BUCKET_ROWS: Final = 8_000_000  # hashes sorted at a time: 64 MB, whatever the number of rows

Rows = npt.NDArray[np.int64]


Triples = defaultdict[int, list[tuple[int, int, int]]]
"""For a part: row in the part → number of rows in all parts that share its id, and the number of another one."""


@dataclass(slots=True)
class SharedIds:
    """For each part, the rows whose id is the same as another row's, and those whose id looks like another's."""

    same: Triples = field(default_factory=lambda: defaultdict(list))
    alike: Triples = field(default_factory=lambda: defaultdict(list))

    def of(self, number: int) -> tuple[Alike, Alike]:
        """Return the rows of one part."""
        return Alike.of(self.same[number]), Alike.of(self.alike[number])


def find_suspects(profiles: Sequence[PartProfile]) -> dict[int, Rows]:
    """Return, for each part, the rows whose hash is not unique; parts without such rows are left out."""
    found = {}
    exact = _repeated([profile.exact[profile.is_customer] for profile in profiles])
    folded = _repeated([profile.folded[profile.is_customer] for profile in profiles])
    for number, profile in enumerate(profiles):
        is_suspect = (np.isin(profile.exact, exact) | np.isin(profile.folded, folded)) & profile.is_customer
        if is_suspect.any():
            found[number] = np.flatnonzero(is_suspect)
    return found


def _repeated(hashes: Sequence[npt.NDArray[np.uint64]]) -> npt.NDArray[np.uint64]:
    """Return the hashes that occur more than once, computed bucket by bucket."""
    buckets = np.uint64(1 + sum(map(len, hashes)) // BUCKET_ROWS)
    found = [np.empty(0, dtype="uint64")]
    for bucket in range(int(buckets)):
        part = np.concatenate([found[0], *(each[each % buckets == np.uint64(bucket)] for each in hashes)])
        part.sort()
        found.append(np.unique(part[1:][part[1:] == part[:-1]]))
    return np.concatenate(found)


def compare(
    suspects: Mapping[int, Rows], texts: Mapping[int, Sequence[str]], first_rows: Sequence[int], keep: Keep
) -> SharedIds:
    """Compare the suspects as text: find rows that share an id or whose ids look alike."""
    where: dict[int, tuple[int, int]] = {}
    same: defaultdict[str, list[int]] = defaultdict(list)
    for number in sorted(suspects):
        for row, text in zip(suspects[number].tolist(), texts[number], strict=True):
            same[text].append(first_rows[number] + row)
            where[first_rows[number] + row] = (number, row)
    shared = SharedIds()
    found = find_same([rows for rows in same.values() if len(rows) > 1], keep)
    _by_part(zip(found.rows.tolist(), found.sharing.tolist(), found.others.tolist(), strict=True), where, shared.same)
    _by_part(_look_alikes(same), where, shared.alike)
    return shared


def _look_alikes(same: Mapping[str, list[int]]) -> Iterator[tuple[int, int, int]]:
    seen: defaultdict[str, list[str]] = defaultdict(list)
    for text in same:
        seen[fold(text)].append(text)
    for texts in seen.values():
        if len(texts) > 1:
            rows = sorted((row, text) for text in texts for row in same[text])
            for row, text in rows:
                yield row, len(rows), next(other for other, its in rows if its != text)


def _by_part(triples: Iterable[tuple[int, int, int]], where: Mapping[int, tuple[int, int]], into: Triples) -> None:
    for row, sharing, other in triples:
        number, local = where[row]
        into[number].append((local, sharing, other))


SCHEMA_DTYPES = {
    "column": "object",
    "attribute": "str",
    "type": "string",
    "dtype": "str",
    "reserved": "bool",
    "missing": "int64",
    "distinct": "Int64",
    "example": "object",
    "known_type": "string",
    "note": "str",
}


def types_to_fix(layout: Schema, dropped: frozenset[int]) -> dict[str, str]:
    """Return attribute → type of the types that a push would fix: attributes to send that the ledger does not know."""
    known = {attribute.name for attribute in layout.attributes if attribute.known}
    return {name: type_ for name, type_ in types_sent(layout, dropped).items() if name not in known}


def new_types(confirmed: Mapping[str, str], layout: Schema, dropped: frozenset[int], *, is_dry: bool) -> pd.DataFrame:
    """Return the types that a run fixed permanently, or (dry run) those that a push would fix."""
    return types_frame(types_to_fix(layout, dropped) if is_dry else confirmed)


def types_frame(types: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per attribute: `attribute`, `type`."""
    return pd.DataFrame({"attribute": list(types), "type": list(types.values())}, dtype="str")


def schema_frame(
    layout: Schema,
    dropped: frozenset[int],
    suggestions: Sequence[Suggestion],
    frame: pd.DataFrame | None = None,
    *,
    is_whole: bool = True,
) -> pd.DataFrame:
    """Return one row per column to send: see `Plan.schema`.

    `distinct` and `example` are computed from `frame`; without it both are missing, and `distinct` also if the frame is
    not all of the data.
    """
    notes: dict[str, list[str]] = {}
    for each in suggestions:
        if each.option in _NOTED:
            notes.setdefault(repr(each.column), []).append(_suggestion_note(each))
    for attribute in layout.attributes:
        if _may_be_codes(attribute):
            notes.setdefault(repr(attribute.column), []).append(_code_note(attribute))
    rows = [
        (
            *_schema_row(attribute, attribute.position in dropped, notes.get(repr(attribute.column), [])),
            *((None, None) if frame is None else _values_row(frame, attribute, layout, is_whole=is_whole)),
        )
        for attribute in layout.attributes
    ]
    return pd.DataFrame(
        {
            name: pd.Series([row[_ORDER.index(name)] for row in rows], dtype=dtype)
            for name, dtype in SCHEMA_DTYPES.items()
        }
    )


_ORDER = ("column", "attribute", "type", "dtype", "reserved", "missing", "known_type", "note", "distinct", "example")
_NOTED = (*TYPE_OPTIONS, "na_values", "timezone")
"""Options suggested in a note; other suggestions concern violations, which are reported anyway."""
_LEFT_OUT = "left out: see violations"


def _suggestion_note(suggestion: Suggestion) -> str:
    if suggestion.value is None:
        return suggestion.reason
    value: Any = {suggestion.column: suggestion.value}
    if suggestion.option == "timezone":
        value = suggestion.value
    return f"{suggestion.reason}: {options_text(**{suggestion.option: value})}"


def _may_be_codes(attribute: Attribute) -> bool:
    """Return whether a numeric column is labelled as codes, such as Pincode, and so may have lost leading zeros."""
    is_number = attribute.kind in (Kind.INTEGER, Kind.FLOAT) and attribute.type is AttributeType.NUMBER
    return is_number and not attribute.is_reserved and is_id_like(str(attribute.column))


def _code_note(attribute: Attribute) -> str:
    return "sent as number: if these are codes, read them as text, which keeps leading zeros: " + phrase(
        f"pd.read_csv(…, dtype={{{str(attribute.column)!r}: str}})",
        options_text(types={attribute.column: contract.STRING}),
    )


def _schema_row(attribute: Attribute, is_dropped: bool, suggested: Sequence[str]) -> tuple[Any, ...]:
    known = attribute.known.type if attribute.known else None
    kind = attribute.type.value if attribute.type and not is_dropped else None
    is_left_out = is_dropped and attribute.type is not None  # else its own note has the reason
    note = "; ".join([_LEFT_OUT] * is_left_out + [attribute.note] * bool(attribute.note) + list(suggested))
    return (
        attribute.column,
        attribute.name.encode("utf-8", "backslashreplace").decode(),  # lone surrogates are not allowed in a text column
        kind,
        attribute.dtype,
        attribute.is_reserved,
        attribute.missing,
        known,
        note,
    )


def _values_row(frame: pd.DataFrame, attribute: Attribute, layout: Schema, *, is_whole: bool) -> tuple[int | None, Any]:
    """Return the number of distinct values, and the first value, masked if it identifies a customer."""
    column = clean(frame.iloc[:, attribute.position], attribute.reading, layout.zone, layout.region)
    present = column[(~absent(column)).to_numpy(dtype=bool)]
    if not len(present):
        return 0 if is_whole else None, None
    example = printable(originals(present.iloc[:1])[0])
    if is_personal(attribute.name, attribute.column, layout.id_column):
        example = Masker().identity(example)
    return _distinct(present) if is_whole else None, example


def _distinct(present: pd.Series[Any]) -> int | None:
    try:
        return len(present) - int(present.duplicated().sum())  # nunique() of old pandas compares only up to a NUL
    except (TypeError, ValueError, ArithmeticError, NotImplementedError):  # lists, a signalling NaN, another byte order
        return None


_COPY_ON_WRITE_MAJOR: Final = 3
_SHOWN_GROUPS: Final = 10  # of violations in an error
_SHOWN_ATTRIBUTES: Final = 10  # whose values change, in a line
_NAME_CHARS: Final = 40


def snapshot(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a snapshot of the frame: free under copy-on-write, a copy before pandas 3."""
    has_copy_on_write = int(pd.__version__.split(".")[0]) >= _COPY_ON_WRITE_MAJOR
    return frame.copy(deep=not has_copy_on_write)


def budget_of(workspace: Project | None, layout: Schema) -> Budget | None:
    """Return how earlier pushes count towards the 100 attributes; None if no customer can reach the limit."""
    if workspace is None:
        return None
    names = {*workspace.known_types(), *(attribute.name for attribute in layout.attributes)}
    if len(names - set(contract.RESERVED_ATTRIBUTES)) <= contract.MAX_CUSTOM_ATTRIBUTES:
        return None

    def budget(ids: Sequence[str], names: Sequence[str]) -> Any:
        keys = workspace.keys(ids)
        return workspace.count_attributes(keys), workspace.has_attributes(keys, names)

    return budget


def infer_schema_of_parts(
    options: PlanOptions,
    frame: pd.DataFrame,
    id_col: Hashable,
    connection: Connection | None,
    facts: Sequence[ColumnFacts] | None = None,
) -> Schema:
    """Return the schema of `frame`, or of all parts described by `facts`; `frame` is then a sample."""
    known = connection.known_types() if connection else None
    return infer_schema(prepare_frame(frame, id_col), id_col, options, known=known, facts=facts)


def profile_parts(executor: Executor, id_col: Hashable, options: PlanOptions) -> ProfiledParts:
    """Profile all parts, then read again the rows whose id may not be unique."""
    question = Question(id_col, options)
    found = dict(executor.run(profile_part, question))
    profiles = [found.pop(number) for number in sorted(found)]
    if not profiles:
        raise InvalidArgumentError("frames: the source is empty; it must have at least one frame, even without rows.")
    labels = merge_labels(profiles)
    first_rows = [0, *accumulate(each.rows for each in profiles)]
    suspects = find_suspects(profiles)
    texts = dict(executor.run(fetch_ids, question, suspects)) if suspects else {}
    for number, found_texts in texts.items():
        if not np.array_equal(hash_texts(found_texts), profiles[number].exact[suspects[number]]):
            raise changed(number, "its ids, or their order, have changed since the plan was made")
    shared = compare(suspects, texts, first_rows, options.keep)
    tasks = [_task(number, first_rows[number], each, shared) for number, each in enumerate(profiles)]
    example = next((each.example for each in profiles if each.rows), profiles[0].example)
    return ProfiledParts(
        labels,
        tuple(merge_columns(profiles, labels)),
        example.reindex(columns=pd.Index(labels, tupleize_cols=False)) if tuple(example.columns) != labels else example,
        merge_samples(profiles, labels),
        PartList(tuple(tasks), tuple(map(skipped_rows, tasks, profiles))),
    )


def _task(number: int, first_row: int, part: PartProfile, shared: SharedIds) -> PartTask:
    same, alike = shared.of(number)
    return PartTask(number, first_row, part.rows, same, alike, part.labels, digest_ids(part.has_id, part.exact))


def find_suggestions(frame: pd.DataFrame, layout: Schema, options: PlanOptions) -> list[Suggestion]:
    """Return the suggestions for the values of a frame, beyond the given options."""
    sent = layout.attributes
    id_name = name_of_column(frame.columns[layout.id_position], options)
    known = {attribute.name: attribute.known.type for attribute in sent if attribute.known}
    given = {a.name: a.type.value for a in sent if a.type and options.type_of(a.column)}
    return suggest_for(
        frame,
        layout.id_position,
        {layout.id_position: id_name, **{attribute.position: attribute.name for attribute in sent}},
        options.reading_of,
        {layout.id_position: layout.id_kind, **{attribute.position: attribute.kind for attribute in sent}},
        layout.zone,
        layout.region,
        known,
        given,
    )


class Changes(dict[str, int]):
    """Rows by what a push changes: see `Plan.changes`.

    Attributes
    ----------
    by_attribute : dict, optional
        Attribute → values of changed customers that would change, the most first; None if they are not tracked.
    not_compared : int
        Changed customers that are not in `by_attribute`, since their last accepted push was not tracked.
    """

    by_attribute: dict[str, int] | None = None
    not_compared: int = 0

    def __repr__(self) -> str:
        shown = super().__repr__()
        return shown if self.by_attribute is None else f"{shown}, by attribute: {self.by_attribute}"


def tally_changes(
    workspace: Project,
    found: Iterable[tuple[Digests, Sequence[CellColumn]]],
    counts: Mapping[str, int],
    tracker: Digester | None = None,
) -> Changes:
    """Compare rows, and with a `tracker` their values, with the ledger: see `Plan.changes`.

    `counts` are those of the plan.
    """
    new = unchanged = rows = 0
    comparison = workspace.comparison()
    for each, columns in found:
        same, seen = workspace.unchanged(each), workspace.seen(each.keys)
        rows += len(each)
        unchanged += int(same.sum())
        new += int((~seen).sum())
        if tracker is not None:
            names = tuple(column.name for column in columns)
            values = ValueDigests(workspace.marks(each.keys), names, tracker.values(columns))
            comparison.add(values.take(seen & ~same))
    changed = rows - new - unchanged
    unchanged += counts[Status.UNCHANGED]
    changes = Changes(new=new, changed=changed, unchanged=unchanged, left_out=counts[Status.INVALID])
    if tracker is not None:
        changes.by_attribute, changes.not_compared = comparison.result()
    return changes


def changes_text(changes: Changes) -> str:
    """Return changes as one line of text.

    Examples
    --------
    >>> changes_text(Changes(new=1200, changed=3, unchanged=0, left_out=0))
    '1,200 new, 3 changed, 0 unchanged'
    """
    shown = {name: count for name, count in changes.items() if count or name != "left_out"}
    text = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in shown.items())
    return "; ".join([text, *_by_attribute(changes)])


def _by_attribute(changes: Changes) -> Iterator[str]:
    """Give the parts of the line that say which values change; none if they are not tracked."""
    counts = list((changes.by_attribute or {}).items())
    if counts:
        more = f", +{len(counts) - _SHOWN_ATTRIBUTES} more" if len(counts) > _SHOWN_ATTRIBUTES else ""
        named = [f"{visible(name, _NAME_CHARS)} {count:,}" for name, count in counts[:_SHOWN_ATTRIBUTES]]
        yield f"values that change: {', '.join(named)}{more}"
    if changes.not_compared:
        yield f"{plural(changes.not_compared, 'changed customer')} not compared by attribute"


def refusal(
    findings: Findings, suggestions: Sequence[Suggestion], sent: str = "nothing was sent", plan: Any = None
) -> ConstraintViolationError:
    """Return the error for values that would be rejected: by rule and column, each with its fix."""
    errors = [group for group in findings.groups() if group.severity is Severity.ERROR]
    n_errors = findings.count(Severity.ERROR)
    lines = [f"  {group.rule} ({group.cells:,}): {group.message}\n    {group.fix}" for group in errors[:_SHOWN_GROUPS]]
    if len(errors) > _SHOWN_GROUPS:
        lines.append(f"  +{len(errors) - _SHOWN_GROUPS:,} more, by rule and column")
    has_suggestions = any(each.value is not None for each in suggestions)
    suggested = "Suggested options: .plan.suggestions, or **suggest(df, id_col) in the call. "
    return ConstraintViolationError(
        f"{sent}: {plural(n_errors, 'violation')} of severity error.\n"
        + "\n".join(lines)
        + "\nAll are in the error's .violations. "
        + suggested * has_suggestions
        + "To leave those values out and send the rest: "
        + options_text(errors="drop")
        + ".",
        plan=plan,
    )
