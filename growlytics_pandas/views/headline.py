"""How a push ended: the headline, the colour, the counts and the next steps that all displays share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from growlytics_pandas._status import ARRIVED, RETRYABLE, Ended, Status
from growlytics_pandas._text import plural
from growlytics_pandas.contract import ENDPOINT_STATUSES, KEY_STATUSES
from growlytics_pandas.views.html import Count, StatusLevel, StepKind

STATUS_LEVELS: Final[Mapping[str, StatusLevel]] = {
    Status.ACCEPTED: "good",
    Status.UNCHANGED: "good",
    Status.INVALID: "bad",
    Status.FAILED: "bad",
    Status.UNKNOWN: "warn",
    Status.UNSENT: "plain",
}
_OPACITIES: Final = {Status.UNCHANGED: 0.5, Status.INVALID: 0.6}
_TITLES: Final[Mapping[str, str]] = {
    Ended.FINISHED: "Push finished",
    Ended.INTERRUPTED: "Push stopped",
    Ended.STOPPED_EARLY: "Push stopped early",
    Ended.CRASHED: "Push crashed",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """How a push ended: what happened to the run, and to the rows."""

    title: str
    words: str
    level: StatusLevel


def headline_of(counts: Mapping[str, int], ended: str, *, n_incomplete: int, n_left_out: int) -> Headline:
    """Return how a push ended. The rows that ``keep=`` left out on request, `n_left_out`, are no fault."""
    rows, arrived = sum(counts.values()), sum(counts.get(status, 0) for status in ARRIVED)
    missing = rows - arrived - n_left_out
    if had_nothing_to_send(counts):
        words = f"Nothing to send: {lowered(of_all(arrived, rows))} {'is' if arrived == 1 else 'are'} unchanged"
    else:
        words = f"{of_all(arrived, rows)} arrived"
    of_them = "none of them with" if n_incomplete == arrived else f"{n_incomplete:,} of them without"
    words += f", {of_them} all attributes" * bool(n_incomplete)
    were = "was left out as a duplicate" if n_left_out == 1 else "were left out as duplicates"
    words += f"; {n_left_out:,} {were}, as requested" * bool(n_left_out)
    words += f"; {missing:,} {'needs' if missing == 1 else 'need'} attention" * bool(missing)
    is_bad = ended != Ended.FINISHED or missing > 0
    level: StatusLevel = "bad" if is_bad else "warn" if n_incomplete else "good"
    return Headline(_TITLES.get(ended, "Push ended"), f"{words}.", level)


def had_nothing_to_send(counts: Mapping[str, int]) -> bool:
    """Return whether all rows that could be sent were accepted before, without a change since."""
    return {status for status, rows in counts.items() if rows} - {Status.INVALID} == {Status.UNCHANGED}


def steps_for_missing(
    counts: Mapping[str, int], n_refused: int, http_statuses: Iterable[float | None]
) -> list[StepKind]:
    """Return what to do about the rows that did not arrive.

    `n_refused`: those of them whose data the service rejected; `http_statuses`: those of the last or of all failures.
    """
    found = set(http_statuses)
    steps = [StepKind.CORRECT] if n_refused else []
    if found & KEY_STATUSES:
        steps.append(StepKind.WRONG_KEY)
    elif found & ENDPOINT_STATUSES:
        steps.append(StepKind.WRONG_URL)
    elif sum(counts.get(status, 0) for status in RETRYABLE) > n_refused:
        steps.append(StepKind.RETRY)
    return steps


def lowered(words: str) -> str:
    """Return words to follow others in a sentence."""
    return f"{words[0].lower()}{words[1:]}"


def of_all(part: int, whole: int) -> str:
    """Return a part of the rows in words.

    Examples
    --------
    >>> of_all(2, 3), of_all(3, 3), of_all(1, 1)
    ('2 of 3 rows', 'All 3 rows', 'The one row')
    """
    if part == whole and whole:
        return f"All {whole:,} rows" if whole > 1 else "The one row"
    return f"{part:,} of {plural(whole, 'row')}"


def status_level(status: str, counts: Mapping[str, int], n_left_out: int) -> StatusLevel:
    """Return the level of a status: `invalid` is no fault if ``keep=`` left out all of these rows on request."""
    is_requested = status == Status.INVALID and counts[status] == n_left_out
    return "plain" if is_requested else STATUS_LEVELS[status]


def count_rows(
    counts: Mapping[str, int],
    names: Mapping[str, str] | None = None,
    meanings: Mapping[str, str] | None = None,
    n_left_out: int = 0,
) -> tuple[Count, ...]:
    """Return the counts to show. `names`: other names for statuses; `n_left_out`: see `headline_of`."""
    total = sum(counts.values())
    return tuple(
        Count(
            (names or {}).get(status, status),
            rows,
            rows / total if total else 0.0,
            status_level(status, counts, n_left_out),
            _OPACITIES.get(Status(status), 1.0),
            _percent(rows, total),
            (meanings or {}).get(status, ""),
        )
        for status, rows in counts.items()
    )


def _percent(rows: int, total: int) -> str:
    """Format a share so that a few rows are not shown as 0 %, and nearly all not as 100 %."""
    if rows in (0, total):
        return "100 %" if rows else "0 %"
    share = min(max(100 * rows / total, 0.1), 99.9)
    return f"{share:.1f} %"
