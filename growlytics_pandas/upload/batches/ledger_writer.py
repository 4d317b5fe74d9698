"""What a run over parts tells the ledger. The ledger stays in this process; parts bring digests and take orders.

SQLite in WAL mode must not be shared over a network file system, so no worker opens the file. The order of events makes
every crash harmless all the same: a part's bodies are withdrawn, and new types written down, before it may begin; only
what it reports as accepted is stored.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from growlytics_pandas._status import Status
from growlytics_pandas.ledger import Project
from growlytics_pandas.upload.ledger_writer import overtaken, unsettled
from growlytics_pandas.upload.outcomes import CODES, OutcomeBuffer
from growlytics_pandas.upload.parts import PartDigests, PartOutcome

_UNSENT = CODES[Status.UNSENT]


class PartsLedgerWriter:
    """The ledger's side of one run over parts.

    Attributes
    ----------
    confirmed : dict
        Attribute → type of those that this run fixed for good.
    """

    def __init__(self, workspace: Project, rows: int, label: str | None = None) -> None:
        self.confirmed: dict[str, str] = {}
        self._workspace = workspace
        self._fresh: dict[str, str] = {}
        self._pinned_by_us: set[str] = set()
        self._doubtful: set[str] = set()
        self._digests: dict[int, PartDigests] = {}
        self._run = workspace.begin_run(rows, datetime.now(UTC), label)

    @property
    def fresh(self) -> frozenset[str]:
        """Attributes of which the ledger does not know for certain that they have their type."""
        return frozenset(self._fresh)

    def announce(self, types: Mapping[str, str]) -> None:
        """Write down, as uncertain, the types that may go out from now on."""
        new = {n: t for n, t in unsettled(self._workspace, types).items() if n not in (self._fresh | self.confirmed)}
        if not new:
            return
        pinned = self._workspace.pin(new, datetime.now(UTC), certain=False)
        if pinned.conflicts:
            raise overtaken(pinned.conflicts)
        self._fresh.update(new)
        self._pinned_by_us.update(pinned.new)

    def before(self, number: int, digests: PartDigests, book: OutcomeBuffer, *, skip_unchanged: bool) -> None:
        """Settle what is unchanged, and withdraw what differs from the rest that is about to go out."""
        if skip_unchanged:
            mark_unchanged(self._workspace, digests, book)
        going = _is_unsent(book, digests.rows)
        present = digests.present()
        chosen = None if present is None else present[going]
        self._workspace.withdraw(digests.digests.take(going), digests.names, chosen)
        self._digests[number] = digests

    def after(self, outcome: PartOutcome) -> None:
        """Remember what was accepted of a part."""
        digests = self._digests.pop(outcome.number)
        accepted = outcome.book.codes()[digests.rows] == CODES[Status.ACCEPTED]
        self._workspace.accept(digests.digests.take(accepted))
        self._workspace.flush()
        self._doubtful |= outcome.doubtful
        sure = {name: self._fresh.pop(name) for name in list(self._fresh) if name in outcome.arrived}
        if sure:
            self.confirmed.update(self._workspace.pin(sure, datetime.now(UTC), certain=True).new)

    def finish(self, counts: Mapping[str, int], ended: str) -> None:
        """Forget the types that certainly never arrived, and close the run in the history."""
        if not self._digests:  # else a part was cut off, and what it sent is not known
            never = self._pinned_by_us & (self._fresh.keys() - self._doubtful)
            self._workspace.forget_types(never, only_uncertain=True)
        self._workspace.end_run(self._run, counts, ended, sorted(self.confirmed))


def mark_unchanged(workspace: Project, digests: PartDigests, book: OutcomeBuffer) -> None:
    """Note as `unchanged` the rows whose body is the one last accepted."""
    same = workspace.unchanged(digests.digests) & _is_unsent(book, digests.rows)
    book.note_all(digests.rows[same], Status.UNCHANGED)


def _is_unsent(book: OutcomeBuffer, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    is_unsent: npt.NDArray[np.bool_] = book.codes()[rows] == _UNSENT
    return is_unsent
