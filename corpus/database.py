"""sqlite-utils, without the half second that it takes where pandas is installed; connections that trust no file.

It imports pandas, when it finds it, to name column types for frames, which nothing here stores. Every command and
every worker process would pay for that.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

if "pandas" in sys.modules:
    from sqlite_utils import Database
else:
    # `None` makes the import fail, as where pandas is not installed; who wants it afterwards gets it.
    sys.modules["pandas"] = cast("object", None)  # type: ignore[assignment]
    try:
        from sqlite_utils import Database
    finally:
        del sys.modules["pandas"]

__all__ = ["Database", "distrust", "insert_rows"]


def distrust(connection: sqlite3.Connection) -> None:
    """Let a file's own schema do less: a corpus may come from anybody (SQLite's "Defense Against The Dark Arts").

    Its views, triggers, indexes and defaults may call no function and use no virtual table that could do harm, and
    where Python can say so (3.12 and newer) no statement may damage the file.
    """
    connection.execute("PRAGMA trusted_schema = OFF")
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)


def insert_rows(connection: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns, in the same order, of plain values, into a table of ours.

    sqlite-utils looks at each value for something to convert, which takes three times as long as the insertion.
    """
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        sql = f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({marks})"  # noqa: S608  # our own names
        connection.executemany(sql, [tuple(row.values()) for row in rows])
