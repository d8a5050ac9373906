"""Farms from a result's documents and contacts: `corpus.farms` on the driver, over a table of names without texts.

A farm is about sites, and every site's size counts, so all documents' names come together in a temporary file. Nothing of
a text is moved.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from pyspark.sql import DataFrame

from corpus import farms

FARMS = pa.schema([("id", pa.string()), ("sites", pa.int64()), ("documents", pa.int64()), ("ties", pa.int64())])
FARM_SITES = pa.schema([("site", pa.string()), ("farm_id", pa.string())])
FARM_TIES = pa.schema(
    [*[(name, pa.string()) for name in ("site_a", "site_b", "kind", "value_hash", "masked")],
     ("weight", pa.float64()), ("evidence", pa.int64())]
)  # fmt: skip
TABLES = {"farms": FARMS, "farm_sites": FARM_SITES, "farm_ties": FARM_TIES}

_DOCUMENTS = (
    "CREATE TABLE documents (docid INTEGER PRIMARY KEY, id, site, cluster_id, template_cluster_id, duplicate_of)"
)
_CONTACTS = "CREATE TABLE contacts (docid INTEGER, kind, value_hash, masked)"


def find_farms(
    documents: DataFrame, contacts: DataFrame, marks: DataFrame, salt: bytes, lines: Mapping[str, Iterable[str]]
) -> dict[str, pa.Table]:
    """Return the tables `farms`, `farm_sites` and `farm_ties`.

    `documents` has docid, id, site, cluster_id, template_cluster_id and duplicate_of; `lines` are learned chrome lines
    by site.
    """
    with TemporaryDirectory(prefix="yuqi-farms-") as folder:
        connection = sqlite3.connect(Path(folder) / "farms.db")
        connection.execute("PRAGMA journal_mode = OFF")
        for statement in (_DOCUMENTS, _CONTACTS, *farms.DDL):
            connection.execute(statement)
        names = ("docid", "id", "site", "cluster_id", "template_cluster_id", "duplicate_of")
        _fill(connection, "documents", documents.select(*names))
        for table, frame in (("contacts", contacts), ("site_marks", marks)):
            _fill(connection, table, frame.select("docid", "kind", "value_hash", "masked"))
        farms.rederive(connection, salt, lines)
        found = {name: _table(connection, name, schema) for name, schema in TABLES.items()}
        connection.close()
    return found


def _fill(connection: sqlite3.Connection, table: str, frame: DataFrame) -> None:
    places = ", ".join("?" * len(frame.columns))
    rows = (tuple(row) for row in frame.toLocalIterator(prefetchPartitions=True))
    connection.executemany(f"INSERT INTO {table} ({', '.join(frame.columns)}) VALUES ({places})", rows)  # noqa: S608


def _table(connection: sqlite3.Connection, name: str, schema: pa.Schema) -> pa.Table:
    rows = connection.execute(f"SELECT {', '.join(schema.names)} FROM {name}").fetchall()  # noqa: S608  # constants
    return pa.Table.from_pylist([dict(zip(schema.names, row)) for row in rows], schema)
