"""A file of types that a client reads at its start and keeps up to date: it can live in a repository."""

import warnings
from collections.abc import Collection
from pathlib import Path

from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.ledger.project import Project
from growlytics_pandas.ledger.types import UNCERTAIN, KnownType, listed, read_types, write_types_of


class TypesFile:
    """The types of one project in a JSON file.

    Parameters
    ----------
    path : Path
        The file; it is made when there is a type to keep.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, workspace: Project) -> None:
        """Declare the types of the file; a type other than the one known is an error."""
        if self.path.exists():
            workspace.declare_types(self.path)

    def save(self, workspace: Project, *, without: Collection[str] = ()) -> None:
        """Write what is certain into the file, beside what others have put there; `without` leaves it.

        A failure is a warning: a push that has ended is not to end in an error.
        """
        known = {name: fact for name, fact in workspace.known_types().items() if fact.source != UNCERTAIN}
        try:
            there = read_types(self.path) if self.path.exists() else {}
            types = self._merged(there, known)
            types = {name: type_ for name, type_ in types.items() if name not in without or name in known}
            if types != there:
                write_types_of(self.path, types)
        except (OSError, InvalidArgumentError) as error:
            warnings.warn(f"types: {str(self.path)!r} could not be brought up to date: {error}", stacklevel=2)

    def _merged(self, there: dict[str, str], known: dict[str, KnownType]) -> dict[str, str]:
        """Return all types; where the file has another one than the ledger, that of the file stays, with a warning."""
        odd = [repr(name) for name, type_ in there.items() if name in known and known[name].type != type_]
        if odd:
            warnings.warn(
                f"types: {str(self.path)!r} has other types than the ledger for {listed(odd)}. Correct the file, or "
                "call client.forget_types.",
                stacklevel=2,
            )
        return {name: fact.type for name, fact in known.items()} | there
