"""The record of earlier pushes, in one SQLite file: registered types, accepted bodies, runs.

::

    database   opening, migrations, transactions, every SQLite error as a `LedgerError`
    digests    ids and attributes → keyed digests; the log of withdrawals and acceptances, and its state, `Customers`
    value_log  digests of single values, to compare customers by attribute
    types      attribute → type
    backups    backup to a single file, and restore
    project    `Ledger`, the file with all projects; `Project`, one URL and key, with its runs
"""

from growlytics_pandas.ledger.digests import Digests
from growlytics_pandas.ledger.project import Ledger, Project, TypesFile
from growlytics_pandas.ledger.types import UNCERTAIN, KnownType, Registration, require_known

__all__ = ["UNCERTAIN", "Digests", "KnownType", "Ledger", "Project", "Registration", "TypesFile", "require_known"]
