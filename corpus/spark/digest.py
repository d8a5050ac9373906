"""Digests of sorted rows, by which a result is compared with a corpus, or with another result."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence

import orjson
from pyspark.sql import SparkSession

from corpus.spark import dedup, derive, farms
from corpus.spark.snapshot import Snapshot

COLUMNS: dict[str, tuple[str, ...]] = {
    "documents": ("docid", "id", "url", "site", *derive.DOCUMENT.names, "last_seen"),
    "versions": ("docid", "id", "url", "site", "title", "text", "content_hash", "first_seen", "last_seen"),
    "findings": ("docid", *(part.name for part in derive.FINDING)),
    "contacts": ("docid", "kind", "value_hash", "masked"),
    "site_marks": ("docid", "kind", "value_hash", "masked"),
    "rejections": ("seq", "id", "url", "site", "reason", "detail", "encoding"),
    "pairs": tuple(dedup.PAIRS.names),
    "duplicates": tuple(dedup.DUPLICATES.names),
    "clusters": tuple(dedup.CLUSTERS.names),
    **{name: tuple(schema.names) for name, schema in farms.TABLES.items()},
}
"""What is compared of each table."""

_IN_A_CORPUS = {
    "pairs": "dedup_pairs",
    "duplicates": "documents WHERE coalesce(cluster_id, duplicate_of, template_cluster_id) IS NOT NULL",
}


def digest(rows: Iterable[Sequence[object]]) -> str:
    """Return the digest of rows, whatever their order. Truth values count as numbers, as SQLite has them."""
    lines = sorted(orjson.dumps([int(v) if isinstance(v, bool) else v for v in row]) for row in rows)
    return hashlib.blake2b(b"\n".join(lines), digest_size=16).hexdigest()


def digests_of_corpus(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the digest of each table of a corpus."""
    found = {}
    for table, columns in COLUMNS.items():
        names = ", ".join(f'"{name}"' for name in columns)
        found[table] = digest(connection.execute(f"SELECT {names} FROM {_IN_A_CORPUS.get(table, table)}"))  # noqa: S608
    return found


def digests_of_result(spark: SparkSession, out: str) -> dict[str, str]:
    """Return the digest of each table of a result. What no corpus registers, unreadable records, is left out."""
    snapshot = Snapshot(spark, out)
    found = {}
    for table, columns in COLUMNS.items():
        frame = snapshot.read(table)
        rows = frame.where("seq IS NOT NULL") if table == "rejections" else frame
        found[table] = digest(tuple(row) for row in rows.select(*columns).toLocalIterator())
    return found
