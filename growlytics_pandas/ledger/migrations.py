"""The tables, as numbered migrations: the version of a file is how many of them it has had."""

from typing import Final

FIRST: Final = (
    "CREATE TABLE secrets (secret BLOB NOT NULL)",
    "CREATE TABLE workspaces (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE)",
    """CREATE TABLE attribute_types (
        workspace INTEGER NOT NULL, attribute TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL,
        first_seen INTEGER NOT NULL,  -- microseconds since 1970, UTC
        PRIMARY KEY (workspace, attribute)) WITHOUT ROWID""",
    """CREATE TABLE attribute_numbers (
        workspace INTEGER NOT NULL, attribute TEXT NOT NULL, number INTEGER NOT NULL,
        PRIMARY KEY (workspace, attribute), UNIQUE (workspace, number)) WITHOUT ROWID""",
    # One row for each write, not one a customer: a B-tree of random keys costs a page write a row (measured: 12 to
    # 29 µs a row at a million customers), an appended block of records 0.2 µs. `is_base` marks a compaction's summary.
    """CREATE TABLE segments (
        id INTEGER PRIMARY KEY AUTOINCREMENT, workspace INTEGER NOT NULL, is_base INTEGER NOT NULL,
        n_words INTEGER NOT NULL, records BLOB NOT NULL)""",
    "CREATE INDEX segments_of_workspace ON segments (workspace, id)",
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, workspace INTEGER NOT NULL, started INTEGER NOT NULL,
        rows INTEGER NOT NULL, process TEXT NOT NULL, seconds REAL, counts TEXT, new_attributes TEXT, ended TEXT)""",
)

TABLES: Final = frozenset(
    {"secrets", "workspaces", "attribute_types", "attribute_numbers", "segments", "runs"}
)  # of every version

LABELS: Final = ("ALTER TABLE runs ADD COLUMN label TEXT",)

MIGRATIONS: Final = (FIRST, LABELS)
