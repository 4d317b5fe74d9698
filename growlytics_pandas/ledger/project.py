"""`Ledger`, the file with all projects, and `Project`, the part of it that a push reads and writes."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pandas as pd
import platformdirs
from numpy.typing import NDArray

from growlytics_pandas._output_paths import require_path, require_target
from growlytics_pandas._status import Status
from growlytics_pandas._text import argument, listed, phrase
from growlytics_pandas.errors import InvalidArgumentError, InvalidArgumentTypeError, UsageError
from growlytics_pandas.ledger.backups import Facts, back_up, read_facts, restore
from growlytics_pandas.ledger.database import CLOSED, LOST, LedgerFile, from_microseconds, now, to_microseconds
from growlytics_pandas.ledger.digests import CellColumn, CustomerLog, Digester, Digests, count_bits, is_same, is_stored
from growlytics_pandas.ledger.types import (
    KnownType,
    Registration,
    certain_types,
    check_types,
    declared_types,
    read_types,
    register_types,
    remove_types,
    store_types,
    stored_types,
    types_frame,
    where_declared,
    write_types,
)
from growlytics_pandas.ledger.value_log import Comparison, ValueDigests, ValueLog

PATH_VARIABLE: Final = "GROWLYTICS_LEDGER"
DIRECTORY: Final = "growlytics-pandas"  # inside the user's data directory
FILE_NAME: Final = "ledger.sqlite3"

STATUSES: Final = tuple(status.value for status in Status)
RUNNING: Final = "running"
KILLED: Final = "killed"  # no recorded end, and the process no longer exists
START_TIME_FIELD: Final = 19  # of /proc/<pid>/stat, counted after the command: distinguishes processes that reuse a pid

HISTORY_DTYPES: Final = {
    "run": "int64",
    "started": "datetime64[us, UTC]",
    "rows": "int64",
    **dict.fromkeys(STATUSES, "Int64"),
    "seconds": "float64",
    "new_attributes": "object",
    "ended": "str",
    "label": "string",
    "retried": "Int64",
}


def default_path() -> Path:
    """Return `GROWLYTICS_LEDGER`, or the ledger in the user's data directory."""
    named = os.environ.get(PATH_VARIABLE)
    return Path(named) if named else platformdirs.user_data_path(DIRECTORY, appauthor=False) / FILE_NAME


class Ledger:
    """A ledger file, for all projects.

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
    ...     ledger.project(url, api_key).history()
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = require_path(Path(default_path() if path is None else path), argument("ledger")).absolute()
        self._file = LedgerFile(self.path)
        self._projects: dict[bytes, Project] = {}

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

    def project(self, url: str, api_key: str) -> Project:
        """Return the part of the ledger that belongs to this key at this URL, the same object each time."""
        # The file may raise, and a verbose traceback prints the current arguments.
        digest, api_key = _digesting(url, api_key), "<hidden>"
        if self._file.is_lost():
            self._start_anew()
        self._file.require_own()
        with self._file.lock:
            digester = digest(self._file.secret())
            if digester.project not in self._projects:
                self._projects[digester.project] = Project(self._file, digester)
            return self._projects[digester.project]

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
        ...     _ = ledger.project("https://example.com", "not-a-real-key")
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
            if any(project.in_use for project in self._projects.values()):
                raise UsageError("restore: a push of this process is running; wait for it to end.")
            self._flush()
            self._file.release()
            restore(self._file, source, _forget_accepted, overwrite=overwrite, always_forget=forget)
            self._projects.clear()

    def facts(self) -> Facts:
        """Return what the file contains: projects, types, runs."""
        with self._file.reading() as connection:
            return read_facts(connection)

    def _flush(self) -> None:
        for project in self._projects.values():
            project.flush()

    def _start_anew(self) -> None:
        """Switch from a file that was deleted or replaced to the current one at the path, or a new one."""
        with self._file.lock:
            self._projects.clear()
            self._file.close(*LOST)
        self._file = LedgerFile(self.path)

    def close(self, found: str = CLOSED[0], remedy: str = CLOSED[1]) -> None:
        """Commit what was accepted and close the file. Later use raises an error with this problem and remedy."""
        with self._file.lock:
            try:
                self._flush()
            finally:
                self._projects.clear()
                self._file.close(found, remedy)


def _forget_accepted(file: LedgerFile) -> None:
    """Forget the accepted bodies of all projects."""
    with file.reading() as connection:
        numbers: Sequence[tuple[int]] = connection.execute("SELECT id FROM projects").fetchall()
    for (number,) in numbers:
        CustomerLog(file, number).forget(None, attributes=False)


def _digesting(url: str, api_key: str) -> Callable[[bytes], Digester]:
    return lambda secret: Digester.of(secret, url, api_key)


class Project:
    """What the ledger knows about one project: a URL and an API key. Created by `Ledger.project`."""

    def __init__(self, file: LedgerFile, digester: Digester) -> None:
        number = project_number(file, digester.project)
        self._file = file
        self._digester = digester
        self._number = number
        self._customers = CustomerLog(file, number)
        self._values: ValueLog | None = None  # made when it is first used: few pushes track attributes
        self.in_use = False
        """Whether a push of this process is running: a ledger in use is not restored."""

    def __repr__(self) -> str:
        return f"Project({str(self._file.path)!r})"

    @property
    def digester(self) -> Digester:
        """The digester, for use in other processes. It contains secrets of the file, but not the API key."""
        return self._digester

    def types(self) -> pd.DataFrame:
        """Return the known types, one row per attribute: ``attribute``, ``type``, ``first_seen``, ``source``.

        ``source`` is ``"accepted"`` (a request with it was accepted), ``"declared"`` (`declare_types`) or
        ``"uncertain"`` (a request with it was sent, but no response confirmed whether it arrived).
        """
        return types_frame(self.known_types())

    def known_types(self) -> dict[str, KnownType]:
        """Return the known types by attribute."""
        with self._file.reading() as connection:
            return stored_types(connection, self._number)

    def declare_types(self, types: Mapping[str, str] | str | os.PathLike[str]) -> None:
        """Record types that were fixed elsewhere.

        Parameters
        ----------
        types : mapping or path
            Attribute → ``"string"``, ``"number"``, ``"boolean"`` or ``"date"``, or a JSON file of that form.

        Raises
        ------
        InvalidArgumentError
            A type is invalid or differs from the known one, or the file cannot be read; nothing is declared then.
            Declaring an uncertain type makes it certain.
        """
        if not isinstance(types, (Mapping, str, os.PathLike)):
            raise InvalidArgumentTypeError(
                f"declare_types: found a {type(types).__name__}; it must be a dict such as {{'City': 'string'}}, or "
                "the path of a JSON file of that form, as export_types writes it."
            )
        pairs = types if isinstance(types, Mapping) else read_types(Path(types))
        check_types(pairs, where_declared())
        with self._file.writing() as connection:
            known = stored_types(connection, self._number)
            store_types(connection, self._number, declared_types(known, pairs, datetime.now(UTC)))

    def export_types(self, path: str | os.PathLike[str]) -> None:
        """Write the certain types as JSON, sorted, one per line, for `declare_types`. Uncertain ones are left out."""
        write_types(Path(path), certain_types(self.known_types()))

    def forget_types(self, attributes: Iterable[str], *, only_uncertain: bool = False) -> int:
        """Forget the types of these attributes (with `only_uncertain`, only uncertain ones); return how many."""
        with self._file.writing() as connection:
            return remove_types(connection, self._number, attributes, only_uncertain=only_uncertain)

    def register(self, types: Mapping[str, str], when: datetime, *, certain: bool) -> Registration:
        """Record the types of attributes in requests.

        Call it with ``certain=False`` before the first request with an attribute, so that a crash cannot hide a type
        that may be fixed, and with ``certain=True`` once one is accepted. A known type is never overwritten: another
        process may have recorded it meanwhile, and such attributes are in ``.conflicts``.

        Returns
        -------
        Registration
            ``.new``: types that are known, or certain, through this call; ``.conflicts``: types known to differ.
        """
        check_types(types, "register")
        registration, changes = register_types(self.known_types(), types, when, certain=certain)
        if changes:  # seldom: a read costs less than a transaction
            with self._file.writing() as connection:
                known = stored_types(connection, self._number)
                registration, changes = register_types(known, types, when, certain=certain)
                store_types(connection, self._number, changes)
        return registration

    def begin_run(self, rows: int, started: datetime, label: str | None = None) -> int:
        """Record the start of a run of `rows` rows; return its number. `started` needs a time zone."""
        with self._file.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO runs (project, started, rows, process, label) VALUES (?, ?, ?, ?, ?)",
                (self._number, to_microseconds(started), rows, _process_name(os.getpid()), label),
            )
            return int(cursor.lastrowid or 0)

    def end_run(
        self, run: int, counts: Mapping[str, int], ended: str, new_attributes: Sequence[str] = (), retried: int = 0
    ) -> None:
        """Record how a run ended: its counts by status, and a word such as ``"finished"`` or ``"interrupted"``.

        `retried`: the number of rows that a retry sent again; 0 for any other run.
        """
        if unknown := sorted(counts.keys() - set(STATUSES)):
            raise InvalidArgumentError(f"end_run: counts has {unknown}; the statuses are {', '.join(STATUSES)}")
        facts = {status: int(n) for status, n in counts.items()} | {"retried": retried}
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE runs SET counts = ?, new_attributes = ?, ended = ?, seconds = max(0, (? - started) / 1e6)"
                " WHERE project = ? AND id = ?",
                (json.dumps(facts), json.dumps(list(new_attributes)), ended, now(), self._number, run),
            )
        with self._file.lock:
            self._customers.tidy()

    def history(self) -> pd.DataFrame:
        """Return the runs, one row each, newest last.

        Columns: ``run``, ``started``, ``rows``, one count per status (NA if the run has not ended), ``seconds``,
        ``new_attributes`` (tuples of names), ``ended``, ``label`` (NA if there is none) and ``retried``. For a run
        without a recorded end, ``ended`` is ``"running"`` if its process exists and ``"killed"`` if not (on Windows,
        where this cannot be checked, always ``"running"``).
        The counts cover all rows of the frame at the end of the run. A retry has a row of its own, in which ``retried``
        is the number of rows that it sent again (else 0), and whose counts include the rows that arrived before: to add
        up counts, take only the last row of a push and its retries.
        """
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT id, started, rows, seconds, counts, new_attributes, ended, process, label FROM runs"
                " WHERE project = ? ORDER BY id",
                (self._number,),
            ).fetchall()
        frame = pd.DataFrame([_run_row(*row) for row in rows], columns=pd.Index(HISTORY_DTYPES))
        return frame.astype(HISTORY_DTYPES)

    def keys(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the ledger's key for each id."""
        return self._digester.keys(ids)

    def digest(self, ids: Sequence[str], columns: Iterable[CellColumn]) -> Digests:
        """Return the digests of customers from their ids and their attributes exactly as sent."""
        return self._digester.digest(ids, columns)

    def unchanged(self, digests: Digests) -> NDArray[np.bool_]:
        """Return, for each customer, whether the last accepted row equals this one."""
        with self._file.lock:
            return is_same(known := self._customers.find(digests.keys), digests) & is_stored(known)

    def seen(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return, for each key, whether the ledger knows the customer: an accepted body or a custom attribute."""
        with self._file.lock:
            known = self._customers.find(keys)
        seen: NDArray[np.bool_] = is_stored(known) | known.attributes.any(axis=1)
        return seen

    def withdraw(
        self, digests: Digests, attributes: Sequence[str] = (), present: NDArray[np.bool_] | None = None
    ) -> None:
        """Record that these bodies are about to be sent; call it before the first of them is sent.

        Stored digests that differ are deleted, durably once this returns. Equal ones stay. The attributes count as sent
        from now on.

        Parameters
        ----------
        digests : Digests
            The customers, each once.
        attributes : sequence of str
            The attributes in the bodies; may include reserved ones.
        present : array of bool, customers × attributes, optional
            Which body has which attribute. Default: every body has all.
        """
        with self._file.lock:
            self._customers.withdraw(digests, attributes, present)

    def accept(self, digests: Digests) -> None:
        """Record these bodies as accepted. They must have been passed to `withdraw` before.

        Buffered: `flush` commits, and so does every query of customers. If another process has sent the same customer a
        body meanwhile, nothing is stored, since the order of arrival is unknown.
        """
        with self._file.lock:
            self._customers.accept(digests)

    def accept_values(self, values: ValueDigests) -> None:
        """Remember the values of accepted bodies, beside `accept`; buffered likewise."""
        with self._file.lock:
            self._value_log().accept(values)

    def marks(self, keys: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the mark of the body last accepted of each key, 0 where there is none."""
        with self._file.lock:
            marks: NDArray[np.uint64] = self._customers.find(keys).body_digests[:, 0]
        return marks

    def comparison(self) -> Comparison:
        """Return what compares values with those of the bodies last accepted."""
        return Comparison(self._value_log())

    def tidy_values(self, *, always: bool = False) -> None:
        """Drop the values of bodies that are no longer the last accepted ones, if there are many, or `always`."""
        with self._file.lock:
            self._customers.flush()
            self._value_log().compact(len(self._customers), self._customers.marks, always=always)

    def flush(self) -> None:
        """Commit what was accepted."""
        with self._file.lock:
            self._customers.flush()
            if self._values is not None:
                self._values.flush()

    def count_attributes(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return, for each key, how many custom attributes were ever sent for the customer."""
        with self._file.lock:
            return count_bits(self._customers.find(keys).attributes)

    def has_attributes(self, keys: NDArray[np.int64], attributes: Sequence[str]) -> NDArray[np.bool_]:
        """Return, as keys × attributes, whether the attribute was sent for the customer; False for reserved ones."""
        with self._file.lock:
            return self._customers.has_attributes(keys, attributes)

    def forget(self, ids: Iterable[str] | None = None, *, attributes: bool = False) -> int:
        """Forget the accepted bodies, so that the next push sends these customers even if unchanged.

        Parameters
        ----------
        ids : iterable of str, optional
            The customers; default: all.
        attributes : bool, default False
            Also forget which attributes were sent for them, for customers that were deleted from the service.

        Returns
        -------
        int
            How many of the customers were known. Types are kept.
        """
        keys = None if ids is None else self.keys(_id_texts(ids))
        with self._file.lock:
            count = self._customers.forget(keys, attributes=attributes)
            if count:
                self.tidy_values(always=True)
            return count

    def _value_log(self) -> ValueLog:
        if self._values is None:
            self._values = ValueLog(self._file, self._number)
        return self._values


def _id_texts(ids: Iterable[Any]) -> list[str]:
    """Return ids as a push writes them, given as text or as numbers."""
    if isinstance(ids, str):
        raise InvalidArgumentTypeError(f"forget: ids is a single text ({len(ids)} characters); pass a list of ids")
    if isinstance(ids, pd.DataFrame):
        raise InvalidArgumentTypeError("forget: ids is a DataFrame; pass its column of ids: df['id']")
    return list(map(_id_text, ids.dropna() if isinstance(ids, pd.Series) else ids))


def _id_text(found: Any) -> str:
    if isinstance(found, str):
        return found.strip()
    is_whole = isinstance(found, (int, np.integer)) or (isinstance(found, float) and found.is_integer())
    if is_whole and not isinstance(found, bool):
        return str(int(found))
    raise InvalidArgumentTypeError(f"forget: ids holds a {type(found).__name__}; each must be text, as it was sent")


def _run_row(
    run: int, started: int, rows: int, seconds: float | None, counts: str | None, names: str | None, *end: Any
) -> dict[str, Any]:
    """Return a run as a row of the history."""
    ended, process, label = end
    has_ended = ended is not None
    names_of_counts = (*STATUSES, "retried")
    n_by_name = (
        dict.fromkeys(names_of_counts, 0) | json.loads(counts) if counts else dict.fromkeys(names_of_counts, pd.NA)
    )
    return {
        "run": run,
        "started": from_microseconds(started),
        "rows": rows,
        **n_by_name,
        "seconds": float("nan") if seconds is None else seconds,
        "new_attributes": tuple(json.loads(names or "[]")),
        "ended": ended if has_ended else RUNNING if _is_alive(process) else KILLED,
        "label": label,
    }


def _process_name(pid: int) -> str:
    """Return the identity of a process: its pid and, where the system provides it, its start time."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return str(pid)
    return f"{pid} {stat.rpartition(')')[2].split()[START_TIME_FIELD]}"


def _is_alive(process: str) -> bool:
    """Return whether a process still runs; always True on Windows, where checking would kill it."""
    pid = int(process.partition(" ")[0])
    if os.name == "nt":  # os.kill would terminate it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        pass
    return _process_name(pid) == process


def project_number(file: LedgerFile, digest: bytes) -> int:
    """Return the number of the project with this digest; a new project is assigned one."""
    query = "SELECT id FROM projects WHERE digest = ?"
    with file.reading() as connection:
        row = connection.execute(query, (digest,)).fetchone()
    if row is None:
        with file.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO projects (digest) VALUES (?)", (digest,))
            row = connection.execute(query, (digest,)).fetchone()
    return int(row[0])


class TypesFile:
    """The types of one project in a JSON file.

    Parameters
    ----------
    path : Path
        The file; it is created when there is a type to write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, project: Project) -> None:
        """Declare the types in the file; a type that differs from the known one is an error."""
        if self.path.exists():
            project.declare_types(self.path)

    def save(self, project: Project, *, without: Collection[str] = ()) -> None:
        """Merge the certain types into the file, and remove the attributes in `without` from it.

        A failure is only a warning, so that a finished push does not raise.
        """
        known = certain_types(project.known_types())
        try:
            there = read_types(self.path) if self.path.exists() else {}
            types = self._merged(there, known)
            types = {name: type_ for name, type_ in types.items() if name not in without or name in known}
            if types != there:
                write_types(self.path, types)
        except (OSError, InvalidArgumentError) as error:
            warnings.warn(
                f"{phrase('types', '--types-file')}: {str(self.path)!r} could not be updated: {error}", stacklevel=2
            )

    def _merged(self, there: dict[str, str], known: dict[str, str]) -> dict[str, str]:
        """Return all types; if the file and the ledger differ, the file's type is kept, with a warning."""
        odd = [repr(name) for name, type_ in there.items() if name in known and known[name] != type_]
        if odd:
            warnings.warn(
                f"{phrase('types', '--types-file')}: {str(self.path)!r} and the ledger have different types for "
                f"{listed(odd)}. Correct the file{phrase(', or call client.forget_types', '')}.",
                stacklevel=2,
            )
        return known | there
