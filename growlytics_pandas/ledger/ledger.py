"""`Ledger`: the file with all workspaces."""

import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import platformdirs

from growlytics_pandas._output_paths import require_path, require_target
from growlytics_pandas._text import argument
from growlytics_pandas.errors import UsageError
from growlytics_pandas.ledger.backups import Facts, back_up, read_facts, restore
from growlytics_pandas.ledger.database import CLOSED, LOST, LedgerFile
from growlytics_pandas.ledger.digests import Digester
from growlytics_pandas.ledger.project import Project

PATH_VARIABLE: Final = "GROWLYTICS_LEDGER"
DIRECTORY: Final = "growlytics-pandas"  # inside the user's data directory
FILE_NAME: Final = "ledger.sqlite3"


def default_path() -> Path:
    """Return `GROWLYTICS_LEDGER`, or the ledger in the user's data directory."""
    named = os.environ.get(PATH_VARIABLE)
    return Path(named) if named else platformdirs.user_data_path(DIRECTORY, appauthor=False) / FILE_NAME


class Ledger:
    """A ledger file, for all workspaces.

    It stores, between pushes, the registered attribute types, a digest of the last accepted body of each customer, and
    the runs; with ``Client(track="attributes")`` also two bytes of a digest of each value. It contains no customer data
    and no API key: only digests, keyed with a secret of the file and the API key. Attribute names and types are
    stored in plain text. Several processes may use a file at once.

    Parameters
    ----------
    path : str or path-like, optional
        The file; it is created on first use. Default: ``GROWLYTICS_LEDGER``, or a file in the user's data
        directory.

    Raises
    ------
    LedgerError
        From every method that needs the file: if it is damaged, written by a newer version or not writable, or the
        disk is full. The message names the file and the remedy.

    Examples
    --------
    >>> with Ledger("ledger.sqlite3") as ledger:  # doctest: +SKIP
    ...     ledger.workspace(url, api_key).history()
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = require_path(Path(default_path() if path is None else path), argument("ledger")).absolute()
        self._file = LedgerFile(self.path)
        self._workspaces: dict[bytes, Project] = {}

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

    def workspace(self, url: str, api_key: str) -> Project:
        """Return the part of the ledger that belongs to this key at this URL, the same object each time."""
        # The file may raise, and a verbose traceback prints the current arguments.
        digest, api_key = _digesting(url, api_key), "<hidden>"
        if self._file.is_lost():
            self._start_anew()
        self._file.require_own()
        with self._file.lock:
            digester = digest(self._file.secret())
            if digester.workspace not in self._workspaces:
                self._workspaces[digester.workspace] = Project(self._file, digester)
            return self._workspaces[digester.workspace]

    def backup(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the whole ledger to a single file, which `restore` reads elsewhere.

        Other processes may push meanwhile: the file is a consistent snapshot. It is as private as the ledger; only its
        owner may read it.

        Parameters
        ----------
        path : str or path-like
            The file. An earlier backup of this ledger is replaced.
        overwrite : bool, default False
            Also replace a backup that contains more than this ledger, or a backup of another ledger. Files that are not
            ledgers are never replaced.

        Returns
        -------
        Path
            The path of the file.

        Raises
        ------
        InvalidArgumentError
            The folder does not exist, the path is the ledger itself, or there is no ledger yet.
        LedgerError
            The existing file is not a backup, or a newer one.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> with Ledger(folder / "ledger.sqlite3") as ledger:
        ...     _ = ledger.workspace("https://example.com", "not-a-real-key")
        ...     ledger.backup(folder / "backup.sqlite3").name
        'backup.sqlite3'
        """
        target = require_path(Path(path)).absolute()
        require_target(target, example="ledger-backup.sqlite3")
        with self._file.lock:
            self._flush()
            back_up(self._file, target, overwrite=overwrite)
        return target

    def restore(self, path: str | os.PathLike[str], *, overwrite: bool = False, forget: bool = False) -> None:
        """Replace this ledger by a backup.

        The ledger is then as it was at the time of the backup, without later pushes. So back up after each push and
        restore the newest backup. If the project was pushed to since, pass ``forget=True``: otherwise
        ``skip_unchanged=True`` could skip a customer who changed and then changed back. Types fixed since the backup
        are unknown as well.

        Parameters
        ----------
        path : str or path-like
            A file that `backup` wrote.
        overwrite : bool, default False
            Also replace a ledger that contains more than the backup, or one of another origin. Accepted bodies are then
            forgotten, as with `forget`.
        forget : bool, default False
            Forget which bodies were accepted: the next push sends all customers again. Types and runs are kept.

        Raises
        ------
        InvalidArgumentError
            The file does not exist, or is the ledger itself.
        LedgerError
            The file is not a ledger, damaged, or of a newer version; or this ledger is newer, belongs to another
            program, or is open elsewhere. Nothing is changed.
        """
        source = require_path(Path(path)).absolute()
        with self._file.lock:
            if any(workspace.in_use for workspace in self._workspaces.values()):
                raise UsageError("restore: a push of this process is running; wait for it to end.")
            self._flush()
            self._file.release()
            restore(self._file, source, overwrite=overwrite, forget=forget)
            self._workspaces.clear()

    def facts(self) -> Facts:
        """Return what the file contains: projects, types, runs."""
        with self._file.reading() as connection:
            return read_facts(connection)

    def _flush(self) -> None:
        for workspace in self._workspaces.values():
            workspace.flush()

    def _start_anew(self) -> None:
        """Switch from a file that was deleted or replaced to the current one at the path, or a new one."""
        with self._file.lock:
            self._workspaces.clear()
            self._file.close(*LOST)
        self._file = LedgerFile(self.path)

    def close(self, found: str = CLOSED[0], remedy: str = CLOSED[1]) -> None:
        """Commit what was accepted and close the file. Later use raises an error with this problem and remedy."""
        with self._file.lock:
            try:
                self._flush()
            finally:
                self._workspaces.clear()
                self._file.close(found, remedy)


def _digesting(url: str, api_key: str) -> Callable[[bytes], Digester]:
    return lambda secret: Digester.of(secret, url, api_key)
