"""The outcome of a command: one object for programs (``--json``), a few lines of text for people."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from growlytics_pandas._rules import Severity
from growlytics_pandas._status import Ended, Status
from growlytics_pandas._text import plural
from growlytics_pandas.checks.findings import Findings
from growlytics_pandas.http.protocol import one_line
from growlytics_pandas.upload.changes import Changes, changes_text
from growlytics_pandas.views.headline import had_nothing_to_send
from growlytics_pandas.views.tables import TO_DECIDE, label_text

REFUSED: Final = "refused"
ERROR: Final = "error"
"""How a command ended that did not push; a push ends as `Ended`."""
MAX_CHARS: Final = 600  # of a line; an error ends with its remedy, which must not be cut
_FAILURES_IN_TEXT: Final = 3  # they are usually alike
_LEAST_WRAPPED: Final = 40  # characters of a line for wrapped text beside other columns
_LEAST_WIDTH: Final = 12  # characters of these columns
_RULE_INDENT: Final = " " * 11
_MAX_NAME_CHARS: Final = 60
_SUGGESTION_COLUMNS: Final = ("flag", "reason")
_SCHEMA_COLUMNS: Final = ("column", "attribute", "type", "known_type", "missing", "note")


def as_line(text: object) -> str:
    """Return a message as one line, safe to print."""
    return one_line(str(text), MAX_CHARS)


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule was broken in a column, the first example, without a customer's value, and its fix."""

    rule: str
    severity: str
    effect: str
    column: str
    count: int
    first: str
    fix: str


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row that did not arrive: 0-based, and its line in the file (Parquet: the row again; None: not in the file)."""

    row: int
    line: int | None
    status: str
    http_status: int | None
    error: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The object of ``--json``. All keys are always present; null or empty if they do not apply to the command."""

    command: str  # `schema`, `suggest`, `validate`, `push` or `segment`
    file: str  # FILE as given
    exit_status: int = 0  # as in --help
    ended: str = Ended.FINISHED.value  # the value of another `Ended`, `REFUSED` or `ERROR`
    would_refuse: bool = False  # validate and a dry run: whether the push would be refused, so that nothing is sent
    rows: int | None = None  # of the file
    counts: dict[str, int] | None = None  # status → rows; the sum is `rows` (`segment`: plus the customers who left)
    errors: int | None = None  # violations: data that would be rejected or ignored
    warnings: int | None = None  # other violations
    rules: tuple[RuleCount, ...] = ()  # one per rule, column and kind of message
    is_incomplete: bool = False  # whether a row arrived without all its attributes
    changes: Changes | None = None  # compared with the ledger before the push; None without one, or with --quiet
    changed_values: dict[str, int] | None = None  # with --track attributes: attribute → values that would change
    segment: dict[str, Any] | None = None  # `segment`: attribute, members, is_first_run, joined, left, stayed, note
    new_types: dict[str, str] = field(default_factory=dict)  # attribute → type that this push fixed, or would fix
    columns: tuple[dict[str, Any], ...] = ()  # `schema`: its rows
    options: dict[str, Any] = field(default_factory=dict)  # of the plan, from flags and --options
    suggestions: tuple[dict[str, Any], ...] = ()  # `suggest`: its rows, with `flag`; value None: a person must decide
    failures: tuple[FailedRow, ...] = ()  # the first 10 `failed` or `unknown` rows
    refused: int = 0  # `failed` rows that the service rejected with a status of 400 to 499, and would reject again
    started: str | None = None  # when sending began, UTC
    seconds: float | None = None
    retries: int | None = None  # repeated requests, also those on a connection that the server had closed
    base_url: str | None = None  # where it was sent
    message: str = ""  # why it ended early, or the error
    next: str = ""  # what to do
    notes: tuple[str, ...] = ()  # on how the file was read, and type warnings
    files: dict[str, str] = field(default_factory=dict)  # `report`, `violations`, … → the path written

    def with_findings(self, findings: Findings) -> Summary:
        """Return the summary with the violations of the data."""
        errors, warnings = (findings.count(severity) for severity in (Severity.ERROR, Severity.WARNING))
        rules = tuple(
            RuleCount(
                rule=group.rule.value,
                severity=group.severity.value,
                effect=group.effect.value,
                column=str(group.column),
                count=group.cells,
                first=as_line(group.message),
                fix=group.fix,
            )
            for group in findings.groups()
        )
        return replace(self, errors=errors, warnings=warnings, rules=rules)

    def with_changes(self, changes: Changes | None) -> Summary:
        """Return the summary with the changes that a push makes."""
        return replace(self, changes=changes, changed_values=changes.by_attribute if changes else None)

    def to_json(self) -> str:
        """Return one line of JSON, ASCII only."""
        return json.dumps(asdict(self), default=str)

    def to_text(self, width: int | None = None) -> str:
        """Return a few lines of text, wrapped to the `width` of a terminal."""
        rules = () if self.ended == Ended.STOPPED_EARLY else self.rules  # they would hide why it ended
        return "\n".join([*self._result(width), *self._rule_lines(rules, width), *self._more()])

    def to_quiet_text(self, width: int | None = None) -> str:
        """Return the result, and the errors if nothing is sent because of them."""
        is_refused = self.would_refuse or self.ended == REFUSED
        errors = [found for found in self.rules if found.severity == Severity.ERROR and is_refused]
        return "\n".join([*self._result(width), *self._rule_lines(errors, width)])

    def _result(self, width: int | None) -> Iterator[str]:
        """Yield a table, or one line."""
        if self.columns:
            yield from _table(self.columns, _SCHEMA_COLUMNS, width)
        elif self.command == "suggest" and self.rows is not None:
            yield f"{self._source}: {plural(len(self.suggestions), 'suggestion')}"
            if self.suggestions:
                yield from _table(self.suggestions, _SUGGESTION_COLUMNS, width)
        elif self.rows is not None:
            yield self._headline()

    @property
    def _source(self) -> str:
        return "stdin" if self.file == "-" else one_line(self.file)

    def _rule_lines(self, rules: Iterable[RuleCount], width: int | None) -> Iterator[str]:
        for found in rules:
            if width is None:  # a log: one line, in columns
                yield f"  {found.severity:<7}  {found.rule:<25} {found.count:>9,}  {found.first}"
            else:
                yield f"  {found.severity:<7}  {found.rule}, {plural(found.count, 'row')}"
                yield _wrapped(_RULE_INDENT, found.first, _RULE_INDENT, width)
            yield f"{_RULE_INDENT}fix: {as_line(found.fix)}"  # not wrapped: people copy the flags

    def _more(self) -> Iterator[str]:
        """Yield what is to know besides the result and the violations."""
        yield from self._failure_lines()
        if self.changes and (self.command == "validate" or self.ended == Ended.DRY_RUN):
            yield f"compared with the ledger: {changes_text(self.changes)}"
        if self.new_types:
            would = "would be fixed" if self.ended == Ended.DRY_RUN else "are now fixed"
            named = ", ".join(f"{one_line(name, _MAX_NAME_CHARS)} {kind}" for name, kind in self.new_types.items())
            yield f"types that {would} and cannot be changed later: {named}"
        if self.files:
            yield "written: " + ", ".join(self.files.values())
        if self.next:
            yield f"next: {self.next}"

    def _failure_lines(self) -> Iterator[str]:
        yield from map(_failure_text, self.failures[:_FAILURES_IN_TEXT])
        n_failed = sum((self.counts or {}).get(status, 0) for status in (Status.FAILED, Status.UNKNOWN))
        if n_failed > _FAILURES_IN_TEXT:
            yield f"  +{n_failed - _FAILURES_IN_TEXT:,} more rows that failed or are unknown"

    def _headline(self) -> str:
        n_rows, n_errors = self.rows or 0, self.errors or 0
        start = f"{self._source}: {plural(n_rows, 'row')}"
        if self.command == "validate":
            return f"{start}: {plural(n_errors, 'error')}, {plural(self.warnings or 0, 'warning')}"
        if self.would_refuse:
            n_sendable = (self.counts or {}).get("unsent", 0)
            drop = f"with --errors drop {n_sendable:,} of {plural(n_rows, 'row')} would be sent"
            return f"{start}: a push would be refused ({plural(n_errors, 'error')}); {drop}; dry run"
        would = {"unsent": "would be sent"} if self.ended == Ended.DRY_RUN else {}
        counts = ", ".join(f"{n:,} {would.get(status, status)}" for status, n in (self.counts or {}).items() if n)
        if self.segment:
            counts = f"{self.segment['note']}; {counts}"
        counts += ", some without all their attributes" if self.is_incomplete else ""
        how = {REFUSED: "refused: nothing was sent"}.get(self.ended, self.ended)
        if self.ended == Ended.FINISHED and had_nothing_to_send(self.counts or {}):
            how = "nothing to send"
        took = f" in {self.seconds:,.1f} s" if self.started and how in (Ended.FINISHED, Ended.INTERRUPTED) else ""
        return f"{start}{': ' if counts else ''}{counts}; {how}{took}"


def _failure_text(failure: FailedRow) -> str:
    where = "not in the file" if failure.line is None else f"line {failure.line:,}"
    return f"  {failure.status:<7}  row {failure.row:,} ({where}): {failure.error}"


def _table(records: tuple[dict[str, Any], ...], names: tuple[str, ...], width: int | None) -> Iterator[str]:
    """Yield the lines of a table; its last column is sentences, which are wrapped to `width` (None: not at all).

    Where that leaves too little space, a long cell is on a line of its own, above the rest of its row.
    """
    table = [list(names), *([_cell(name, row) for name in names] for row in records)]
    widths = _widths([[len(row[column]) for row in table] for column in range(len(names) - 1)], width)
    for *cells, sentence in table:
        start = ""
        for cell, chars in zip(cells, widths, strict=True):
            if len(cell) > chars:
                yield f"{start}{cell}"
                start = " " * (len(start) + chars + 2)
            else:
                start += f"{cell:<{chars}}  "
        yield _wrapped(start, sentence, " " * len(start), width)


def _widths(lengths: list[list[int]], width: int | None) -> list[int]:
    """Return the width of each column before the last, from the lengths of its cells."""
    most = max(map(max, lengths))
    while width is not None and most > _LEAST_WIDTH:
        if sum(min(max(column), most) + 2 for column in lengths) <= width - _LEAST_WRAPPED:
            break
        most -= 1
    return [max(length for length in column if length <= max(most, column[0])) for column in lengths]


def _wrapped(start: str, text: str, indent: str, width: int | None) -> str:
    if not text or width is None or len(start) + len(text) <= width:
        return f"{start}{text}".rstrip()
    return textwrap.fill(
        text,
        max(width, len(indent) + _LEAST_WRAPPED),
        initial_indent=start,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _cell(name: str, row: Mapping[str, Any]) -> str:
    value = row[name]
    if name in ("column", "attribute"):
        return label_text(value)
    if name == "flag" and row["value"] is None:
        return f"{value} ({TO_DECIDE})"
    if value is None:
        return ""
    return f"{value:,}" if type(value) is int else one_line(str(value), sys.maxsize)
