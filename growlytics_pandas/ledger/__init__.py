"""What earlier pushes left behind, in one SQLite file: types pinned, payloads accepted, runs.

::

    database   opening, migrations, transactions, every SQLite error as a `LedgerError`
    digests    ids and bodies → keyed digests: nothing else of a customer reaches the disk
    value_log  digests of single values, for those who ask what changes by attribute
    digest_log the log of withdrawals and acceptances, and `Customers`, their sum in memory
    types      attribute → type
    runs       runs
    project    `Project`, one URL and key; a JSON file of its types
    backups    the file as one plain file, and back
    ledger     `Ledger`, the file of all of them
"""

from growlytics_pandas.ledger.digests import Digests
from growlytics_pandas.ledger.ledger import Ledger
from growlytics_pandas.ledger.project import Project, TypesFile
from growlytics_pandas.ledger.types import UNCERTAIN, KnownType, Pinned, require_known

__all__ = ["UNCERTAIN", "Digests", "KnownType", "Ledger", "Pinned", "Project", "TypesFile", "require_known"]
