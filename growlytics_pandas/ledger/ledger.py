"""`Ledger`: the file of all workspaces."""

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
        # The file may fail, and a verbose traceback prints the arguments as they are then.
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
        """Write the whole ledger as one plain file, which `restore` reads elsewhere.

        Other processes may push meanwhile: the file is the ledger at one moment. It is as private as the ledger, and
        only its owner may read it.

        Parameters
        ----------
        path : str or path-like
            The file. An earlier backup of this ledger is replaced.
        overwrite : bool, default False
            Also replace a backup that holds more than this ledger, or that of another ledger. Files that are no ledger
            stay as they are in any case.

        Returns
        -------
        Path
            Where it was written.

        Raises
        ------
        InvalidArgumentError
            A folder that is not there, the ledger itself, or no ledger yet.
        LedgerError
            The file there is no backup, or a newer one.

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
        """Put a backup in the place of this ledger.

        The ledger then knows what it knew at the time of the backup, and nothing of pushes since. So restore the newest
        backup, and make one after each push. After any other push to the same project, give ``forget=True``: a customer
        who changed, and changed back since, would else count as unchanged with ``skip_unchanged=True``. Types that
        were fixed since the backup are not known either.

        Parameters
        ----------
        path : str or path-like
            A file that `backup` wrote.
        overwrite : bool, default False
            Also replace a ledger that holds more than the backup, or one of another origin. What was accepted is then
            forgotten as with `forget`.
        forget : bool, default False
            Forget which bodies were accepted: the next push sends all customers again. Types and runs stay.

        Raises
        ------
        InvalidArgumentError
            There is no such file, or it is the ledger itself.
        LedgerError
            The file is no ledger, damaged or of a newer version; the ledger here is newer, of another program, or open
            elsewhere. Nothing was changed.
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
        """Return what the file holds: projects, types, runs."""
        with self._file.reading() as connection:
            return read_facts(connection)

    def _flush(self) -> None:
        for workspace in self._workspaces.values():
            workspace.flush()

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
                self._flush()
            finally:
                self._workspaces.clear()
                self._file.close(found, remedy)


def _digesting(url: str, api_key: str) -> Callable[[bytes], Digester]:
    return lambda secret: Digester.of(secret, url, api_key)
