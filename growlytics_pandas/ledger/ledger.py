"""`Ledger`: the file of all workspaces."""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import platformdirs

from growlytics_pandas.errors import InvalidArgumentError
from growlytics_pandas.ledger.digests import Digester
from growlytics_pandas.ledger.file import CLOSED, LOST, LedgerFile
from growlytics_pandas.ledger.workspace import Workspace

PATH_VARIABLE: Final = "GROWLYTICS_LEDGER"
DIRECTORY: Final = "growlytics-pandas"  # inside the user's data directory
FILE_NAME: Final = "ledger.sqlite3"


def default_path() -> Path:
    """Return `GROWLYTICS_LEDGER`, or the ledger in the user's data directory."""
    named = os.environ.get(PATH_VARIABLE)
    return Path(named) if named else platformdirs.user_data_path(DIRECTORY, appauthor=False) / FILE_NAME


class Ledger:
    """One ledger file, for all workspaces.

    It remembers, between pushes, the attribute types that are pinned, a digest of the body last accepted for each
    customer, and the runs. It holds no customer data and no API key: digests only, keyed with a secret of the file
    and the API key. Attribute names and types are there as they are. Several processes may use one file at once.

    Parameters
    ----------
    path : str or path-like, optional
        The file; it is made when it is first used. Default: ``GROWLYTICS_LEDGER``, or a file in the user's data
        directory.

    Raises
    ------
    LedgerError
        By every method that needs the file: when it is damaged, written by a newer version, not writable, or the disk
        is full. The message names the file and the remedy.

    Examples
    --------
    >>> with Ledger("ledger.sqlite3") as ledger:  # doctest: +SKIP
    ...     ledger.workspace(url, api_key).history()
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        named = Path(default_path() if path is None else path)
        if "\0" in str(named):
            raise InvalidArgumentError(f"ledger: found {str(named)!r}; no path has a NUL character.")
        self.path = named.expanduser().absolute()
        self._file = LedgerFile(self.path)
        self._workspaces: dict[bytes, Workspace] = {}

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (str(self.path),)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def workspace(self, url: str, api_key: str) -> Workspace:
        """Return the part of the ledger that belongs to this key at this URL, the same object each time."""
        # The file may fail, and a verbose traceback prints the arguments as they are then.
        digest, api_key = _digesting(url, api_key), "<hidden>"
        if self._file.is_lost():
            self._start_anew()
        with self._file.lock:
            digester = digest(self._file.secret())
            if digester.workspace not in self._workspaces:
                self._workspaces[digester.workspace] = Workspace(self._file, digester)
            return self._workspaces[digester.workspace]

    def _start_anew(self) -> None:
        """Leave a file that was deleted or replaced for the one that is there now, or a new one."""
        with self._file.lock:
            self._workspaces.clear()
            self._file.close(*LOST)
        self._file = LedgerFile(self.path)

    def close(self, found: str = CLOSED[0], remedy: str = CLOSED[1]) -> None:
        """Commit what was accepted and close the file. A later use is told why it is closed, and the remedy."""
        with self._file.lock:
            try:
                for workspace in self._workspaces.values():
                    workspace.flush()
            finally:
                self._workspaces.clear()
                self._file.close(found, remedy)


def _digesting(url: str, api_key: str) -> Callable[[bytes], Digester]:
    return lambda secret: Digester.of(secret, url, api_key)
