"""What a run tells the ledger: before a request goes out, when it is accepted, and at the end.

The order makes every crash harmless: what differs is withdrawn, and new types are written down, durably *before* the
first byte leaves; only an acceptance stores a digest.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from growlytics_pandas._status import Status
from growlytics_pandas.errors import DataError
from growlytics_pandas.ledger import UNCERTAIN, Digests, Project
from growlytics_pandas.ledger.digests import PAYLOAD_WORDS
from growlytics_pandas.upload.encode import Encoded
from growlytics_pandas.upload.outcomes import OutcomeBuffer

HANDED_OVER_ROWS: Final = 1_000  # acceptances taken together: they come a few at a time, and each call costs µs


class LedgerWriter:
    """The ledger's side of one run over `rows` rows, in which attributes of these `types` may go out.

    Attributes
    ----------
    confirmed : dict
        Attribute → type of those that this run fixed for good.
    """

    def __init__(self, workspace: Project, rows: int, types: Mapping[str, str], label: str | None = None) -> None:
        self.confirmed: dict[str, str] = {}
        self._workspace = workspace
        self._rows = rows
        self._fresh = unsettled(workspace, types)
        self._pinned_by_us: set[str] = set()
        self._carriers: dict[str, npt.NDArray[np.bool_]] = {}
        self._accepted: list[int] = []
        self._keys = np.zeros(rows, dtype="int64")
        self._payloads = np.zeros((rows, PAYLOAD_WORDS), dtype="uint64")
        self._run = workspace.begin_run(rows, datetime.now(UTC), label)

    def changed(self, encoded: Encoded) -> npt.NDArray[np.bool_]:
        """Return which bodies differ from what was last accepted."""
        self._hand_over()
        return ~self._workspace.unchanged(self._digest(encoded))

    def before_sending(self, encoded: Encoded) -> None:
        """Write down durably what is about to go out. Commits what was accepted, too."""
        self._hand_over()
        if not len(encoded.rows):
            return
        self._pin_fresh(encoded)
        custom = list(encoded.present)
        present = np.column_stack([encoded.present[name] for name in custom]) if custom else None
        self._workspace.withdraw(self._digest(encoded), custom, present)

    def note_accepted(self, rows: Sequence[int]) -> None:
        """Remember what was accepted; on the disk with the next chunk."""
        self._accepted.extend(rows)
        if self._carriers:
            self._confirm([name for name, carriers in self._carriers.items() if carriers[rows].any()])
        if len(self._accepted) >= HANDED_OVER_ROWS:
            self._hand_over()

    def finish(self, book: OutcomeBuffer, ended: str) -> None:
        """Commit, forget the types that certainly never arrived, and close the run in the history."""
        self._hand_over()
        self._workspace.flush()
        doubtful = book.rows_with([Status.UNKNOWN])
        never = [name for name, carriers in self._carriers.items() if not carriers[doubtful].any()]
        self._workspace.forget_types(self._pinned_by_us.intersection(never), only_uncertain=True)
        self._workspace.end_run(self._run, book.counts(), ended, sorted(self.confirmed))

    def _hand_over(self) -> None:
        if self._accepted:
            taken = np.array(self._accepted, dtype="int64")
            self._accepted.clear()
            self._workspace.accept(Digests(self._keys[taken], self._payloads[taken]))

    def _digest(self, encoded: Encoded) -> Digests:
        digests = Digests(self._keys[encoded.rows], self._payloads[encoded.rows])
        if len(encoded.rows) and not digests.payloads.any():
            digests = self._workspace.digest(encoded.ids, encoded.bodies)
            self._keys[encoded.rows], self._payloads[encoded.rows] = digests.keys, digests.payloads
        return digests

    def _pin_fresh(self, encoded: Encoded) -> None:
        """Pin, as uncertain, the fresh attributes that this chunk is the first to carry."""
        carried = {name: encoded.present[name] for name in self._fresh if name in encoded.present}
        new = {name: self._fresh[name] for name, sent in carried.items() if name not in self._carriers and sent.any()}
        if new:
            pinned = self._workspace.pin(new, datetime.now(UTC), certain=False)
            if pinned.conflicts:
                raise overtaken(pinned.conflicts)
            self._pinned_by_us.update(pinned.new)
            self._carriers.update({name: np.zeros(self._rows, dtype=bool) for name in new})
        for name in self._carriers.keys() & carried.keys():
            self._carriers[name][encoded.rows] = carried[name]

    def _confirm(self, names: Sequence[str]) -> None:
        """Note that accepted bodies carried these attributes: their types are fixed now."""
        types = {name: self._fresh[name] for name in names}
        self.confirmed.update(self._workspace.pin(types, datetime.now(UTC), certain=True).new)
        for name in names:
            del self._carriers[name], self._fresh[name]


def unsettled(workspace: Project, types: Mapping[str, str]) -> dict[str, str]:
    """Return the attributes of which the ledger does not say for certain, now, that they have this type.

    Now, and not when the plan was made: the ledger may have learned, or forgotten, since.
    """
    known = workspace.known_types()
    settled = {name: fact.type for name, fact in known.items() if fact.source != UNCERTAIN}
    return {name: type_ for name, type_ in types.items() if settled.get(name) != type_}


def overtaken(conflicts: Mapping[str, Any]) -> DataError:
    """Return the error for types that another push has fixed meanwhile."""
    named = ", ".join(f"{name!r} ({known.type})" for name, known in conflicts.items())
    return DataError(
        f"while this push ran, another one fixed the type of {named} differently; the service would ignore our values. "
        "What is left is unsent: make the plan again, it will show the conflict."
    )
