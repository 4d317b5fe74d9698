"""Writes a run to the ledger: before requests are sent, when they are accepted, and at the end.

The order makes every crash harmless: differing digests are withdrawn and new types recorded, durably, *before* the
first byte is sent; only an acceptance stores a digest.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from growlytics_pandas._status import Status
from growlytics_pandas.errors import DataError
from growlytics_pandas.ledger.digests import PAYLOAD_WORDS, Digester, Digests
from growlytics_pandas.ledger.project import Project
from growlytics_pandas.ledger.types import UNCERTAIN
from growlytics_pandas.ledger.value_log import ValueDigests
from growlytics_pandas.upload.encode import Encoded, PartDigests
from growlytics_pandas.upload.outcomes import CODES, OutcomeBuffer

HANDED_OVER_ROWS: Final = 1_000  # acceptances recorded together: they arrive a few at a time, and each call costs µs


class LedgerWriter:
    """Writes one run over `rows` rows to the ledger.

    A part sent by this process is recorded chunk by chunk: `begin_part`, `changed`, `before_sending`, `note_accepted`,
    `end_part`. For a part sent by another process, its digests are recorded first: `announce`, `before_part`,
    `after_part`; that process never opens the file, since SQLite in WAL mode must not be shared over a network.

    Attributes
    ----------
    confirmed : dict
        Attribute → type, for types that this run fixed permanently.
    """

    def __init__(self, project: Project, rows: int, label: str | None = None, tracker: Digester | None = None) -> None:
        self.confirmed: dict[str, str] = {}
        self._project = project
        self._fresh: dict[str, str] = {}
        self._types: set[str] = set()  # already looked up in the ledger
        self._pinned_by_us: set[str] = set()
        self._doubtful: set[str] = set()  # attributes of rows whose response was lost
        self._under_way: dict[int, PartDigests] = {}
        self._carriers: dict[str, npt.NDArray[np.bool_]] = {}
        self._accepted: list[int] = []
        self._rows = 0
        self._keys = np.zeros(0, dtype="int64")
        self._payloads = np.zeros((0, PAYLOAD_WORDS), dtype="uint64")
        self._tracker = tracker
        self._tracked: ValueDigests | None = None  # of the part that is sent from here
        self._run = project.begin_run(rows, datetime.now(UTC), label)

    # a part sent by this process -------------------------------------------------------------------------------------

    def begin_part(self, rows: int, types: Mapping[str, str]) -> None:
        """Allocate the digests of a part that may send attributes of these types."""
        self._add(types)
        self._rows = rows
        self._keys = np.zeros(rows, dtype="int64")
        self._payloads = np.zeros((rows, PAYLOAD_WORDS), dtype="uint64")
        self._tracked = None

    def end_part(self, buffer: OutcomeBuffer) -> None:
        """Commit, and record which attributes may have arrived."""
        self._hand_over()
        self._project.flush()
        lost = buffer.rows_with([Status.UNKNOWN])
        self._doubtful.update(name for name, carriers in self._carriers.items() if carriers[lost].any())
        self._carriers.clear()

    def changed(self, encoded: Encoded) -> npt.NDArray[np.bool_]:
        """Return which rows differ from the last accepted ones."""
        self._hand_over()
        return ~self._project.unchanged(self._digest(encoded))

    def before_sending(self, encoded: Encoded) -> None:
        """Record durably what is about to be sent. Also commits acceptances."""
        self._hand_over()
        if not len(encoded.rows):
            return
        self._pin_fresh(encoded)
        self._keep_tracked(encoded)
        custom = list(encoded.present)
        present = np.column_stack([encoded.present[name] for name in custom]) if custom else None
        self._project.withdraw(self._digest(encoded), custom, present)

    def note_accepted(self, rows: Sequence[int]) -> None:
        """Record acceptances; they are written with the next chunk."""
        self._accepted.extend(rows)
        if self._carriers:
            self._confirm([name for name, carriers in self._carriers.items() if carriers[rows].any()])
        if len(self._accepted) >= HANDED_OVER_ROWS:
            self._hand_over()

    # a part sent by another process ----------------------------------------------------------------------------

    @property
    def fresh(self) -> frozenset[str]:
        """Attributes whose type the ledger does not know for certain."""
        return frozenset(self._fresh)

    def announce(self, types: Mapping[str, str]) -> None:
        """Record all types that may be sent as uncertain."""
        self._add(types)
        self._pin(self._fresh)

    def before_part(self, number: int, digests: PartDigests, buffer: OutcomeBuffer, *, skip_unchanged: bool) -> None:
        """Mark unchanged rows, and withdraw the digests of all others about to be sent."""
        if skip_unchanged:
            mark_unchanged(self._project, digests, buffer)
        going = _is_unsent(buffer, digests.rows)
        present = digests.present()
        self._project.withdraw(digests.digests.take(going), digests.names, None if present is None else present[going])
        self._under_way[number] = digests

    def after_part(self, number: int, buffer: OutcomeBuffer, arrived: frozenset[str], doubtful: frozenset[str]) -> None:
        """Record the acceptances of a part, and which of its fresh attributes arrived or may have arrived."""
        digests = self._under_way.pop(number)
        accepted = buffer.codes()[digests.rows] == CODES[Status.ACCEPTED]
        self._project.accept(digests.digests.take(accepted))
        self._project.flush()
        self._doubtful |= doubtful
        self._confirm([name for name in self._fresh if name in arrived])

    # the end ---------------------------------------------------------------------------------------------------

    def finish(self, counts: Mapping[str, int], ended: str, retried: int = 0) -> None:
        """Forget the types that certainly never arrived, and record the end of the run (of a retry, with its rows)."""
        if not self._under_way:  # else a part was interrupted, and what it sent is unknown
            never = self._pinned_by_us & (self._fresh.keys() - self._doubtful)
            self._project.forget_types(never, only_uncertain=True)
        if self._tracker is not None:
            self._project.tidy_values()
        self._project.end_run(self._run, counts, ended, sorted(self.confirmed), retried)

    def _hand_over(self) -> None:
        if self._accepted:
            taken = np.array(self._accepted, dtype="int64")
            self._accepted.clear()
            self._project.accept(Digests(self._keys[taken], self._payloads[taken]))
            if self._tracked is not None:
                self._project.accept_values(self._tracked.take(taken))

    def _keep_tracked(self, encoded: Encoded) -> None:
        """Keep the digests of values until it is known which rows are accepted."""
        if self._tracker is None:
            return
        if self._tracked is None:
            names = tuple(column.name for column in encoded.columns)
            values = np.zeros((self._rows, len(names)), dtype=np.uint16)
            self._tracked = ValueDigests(self._payloads[:, 0], names, values)
        self._tracked.values[encoded.rows] = self._tracker.values(encoded.columns)

    def _digest(self, encoded: Encoded) -> Digests:
        digests = Digests(self._keys[encoded.rows], self._payloads[encoded.rows])
        if len(encoded.rows) and not digests.payloads.any():
            digests = self._project.digest(encoded.ids, encoded.cells)
            self._keys[encoded.rows], self._payloads[encoded.rows] = digests.keys, digests.payloads
        return digests

    def _pin_fresh(self, encoded: Encoded) -> None:
        """Record as uncertain the fresh attributes that first occur in this chunk."""
        carried = {name: encoded.present[name] for name in self._fresh if name in encoded.present}
        new = {name: self._fresh[name] for name, sent in carried.items() if name not in self._carriers and sent.any()}
        if new:
            self._pin(new)
            self._carriers.update({name: np.zeros(self._rows, dtype=bool) for name in new})
        for name in self._carriers.keys() & carried.keys():
            self._carriers[name][encoded.rows] = carried[name]

    def _add(self, types: Mapping[str, str]) -> None:
        new = {name: type_ for name, type_ in types.items() if name not in self._types}
        if new:
            self._fresh.update(unsettled(self._project, new))
            self._types.update(new)

    def _pin(self, types: Mapping[str, str]) -> None:
        if types:
            pinned = self._project.pin(types, datetime.now(UTC), certain=False)
            if pinned.conflicts:
                raise overtaken(pinned.conflicts)
            self._pinned_by_us.update(pinned.new)

    def _confirm(self, names: Sequence[str]) -> None:
        """Record that accepted bodies had these attributes: their types are now fixed."""
        if names:
            types = {name: self._fresh.pop(name) for name in names}
            self.confirmed.update(self._project.pin(types, datetime.now(UTC), certain=True).new)
            for name in names:
                self._carriers.pop(name, None)


def unsettled(project: Project, types: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes whose type the ledger currently does not know for certain.

    Looked up again, since the ledger may have changed after the plan was made.
    """
    known = project.known_types()
    settled = {name: fact.type for name, fact in known.items() if fact.source != UNCERTAIN}
    return {name: type_ for name, type_ in types.items() if settled.get(name) != type_}


def overtaken(conflicts: Mapping[str, Any]) -> DataError:
    """Return the error for types that another push has fixed in the meantime."""
    named = ", ".join(f"{name!r} ({known.type})" for name, known in conflicts.items())
    return DataError(
        f"while this push ran, another one fixed the type of {named} differently; the service would ignore our values. "
        "The remaining rows are unsent: make the plan again, which will show the conflict."
    )


def mark_unchanged(project: Project, digests: PartDigests, buffer: OutcomeBuffer) -> None:
    """Mark rows whose body equals the last accepted one as `unchanged`."""
    same = project.unchanged(digests.digests) & _is_unsent(buffer, digests.rows)
    buffer.note_all(digests.rows[same], Status.UNCHANGED)


def _is_unsent(buffer: OutcomeBuffer, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    is_unsent: npt.NDArray[np.bool_] = buffer.codes()[rows] == CODES[Status.UNSENT]
    return is_unsent
