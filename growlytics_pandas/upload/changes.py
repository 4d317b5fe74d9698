"""What a push would change, according to the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from growlytics_pandas._masking import visible
from growlytics_pandas._status import Status
from growlytics_pandas._text import plural
from growlytics_pandas.ledger.digests import CellColumn, Digester, Digests
from growlytics_pandas.ledger.project import Project
from growlytics_pandas.ledger.value_log import ValueDigests

_SHOWN_ATTRIBUTES: Final = 10  # whose values change, in a line
_NAME_CHARS: Final = 40


class Changes(dict[str, int]):
    """Rows by what a push changes: see `Plan.changes`.

    Attributes
    ----------
    by_attribute : dict, optional
        Attribute → values of changed customers that would change, the most first; None if they are not tracked.
    not_compared : int
        Changed customers that are not in `by_attribute`, since their last accepted push was not tracked.
    not_accepted : int
        Changed customers that were sent before, but of whom the ledger has no accepted body: their requests failed.
    """

    by_attribute: dict[str, int] | None = None
    not_compared: int = 0
    not_accepted: int = 0

    def __repr__(self) -> str:
        shown = super().__repr__()
        return shown if self.by_attribute is None else f"{shown}, by attribute: {self.by_attribute}"


def tally_changes(
    project: Project,
    found: Iterable[tuple[Digests, Sequence[CellColumn]]],
    counts: Mapping[str, int],
    tracker: Digester | None = None,
) -> Changes:
    """Compare rows, and with a `tracker` their values, with the ledger: see `Plan.changes`.

    `counts` are those of the plan.
    """
    new = unchanged = rows = not_accepted = 0
    comparison = project.comparison()
    for each, columns in found:
        same, seen = project.unchanged(each), project.seen(each.keys)
        rows += len(each)
        unchanged += int(same.sum())
        new += int((~seen).sum())
        not_accepted += int((seen & (project.marks(each.keys) == 0)).sum())
        if tracker is not None:
            names = tuple(column.name for column in columns)
            values = ValueDigests(project.marks(each.keys), names, tracker.values(columns))
            comparison.add(values.take(seen & ~same))
    changed = rows - new - unchanged
    unchanged += counts[Status.UNCHANGED]
    changes = Changes(new=new, changed=changed, unchanged=unchanged, left_out=counts[Status.INVALID])
    changes.not_accepted = not_accepted
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
    if changes.not_accepted:
        text += f"; {changes.not_accepted:,} of the changed are not known to have arrived before"
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
