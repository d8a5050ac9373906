"""The tables of deduplication, and reading them by many nodes or documents at once.

Nodes are contents: distinct folded texts, named by the first 64 bits of their hash. Nothing here writes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from corpus import buckets, fingerprint
from corpus.buckets import Pair
from corpus.graph import Edge, Rank

Kind = Literal["exact", "near", "template", "contains"]

DDL = (
    *buckets.DDL,
    """CREATE TABLE dedup_meta (  -- which rules and names the index was made with
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE dedup_contents (  -- one row for each distinct folded text
    node INTEGER NOT NULL UNIQUE,  -- the first 64 bits of its content hash
    keys BLOB NOT NULL,  -- its keys in the index, little-endian 64-bit
    length INTEGER NOT NULL,  -- folded characters
    root INTEGER NOT NULL,  -- content of lowest rank of all that hangs together; itself when alone
    steps INTEGER NOT NULL DEFAULT 0  -- verified pairs on the shortest way to the root
)""",
    # Most contents are their own root: leaving them out keeps one random page a document from being written.
    "CREATE INDEX dedup_contents_root ON dedup_contents(root) WHERE root <> node",
    """CREATE TABLE dedup_documents (  -- which content each document has
    id TEXT NOT NULL UNIQUE,
    node INTEGER NOT NULL,
    day TEXT NOT NULL,  -- rank, first part: published or first seen, UTC
    url TEXT NOT NULL  -- rank, second part; the third is the id
)""",
    "CREATE INDEX dedup_documents_node ON dedup_documents(node)",
    """CREATE TABLE dedup_pairs (  -- verified pairs of contents
    a INTEGER NOT NULL,
    b INTEGER NOT NULL,
    kind TEXT NOT NULL,  -- near, template, contains
    similarity REAL NOT NULL,
    near INTEGER NOT NULL,  -- 1 where they are of one cluster
    template INTEGER NOT NULL,  -- 1 where they are of one template cluster
    embedded INTEGER,  -- which of the two the other contains
    PRIMARY KEY (a, b)
) WITHOUT ROWID""",
    "CREATE INDEX dedup_pairs_b ON dedup_pairs(b)",
    """CREATE TABLE clusters (  -- documents that are one article, exact and near duplicates
    id TEXT PRIMARY KEY,  -- the id of its representative
    root INTEGER NOT NULL,  -- as in dedup_contents
    documents INTEGER NOT NULL,
    contents INTEGER NOT NULL,  -- distinct texts among them
    template_cluster_id TEXT  -- clusters with the same are copies of each other with names swapped
) WITHOUT ROWID""",
    "CREATE INDEX clusters_root ON clusters(root)",
)
TABLES = (*buckets.TABLES, "dedup_meta", "dedup_contents", "dedup_documents", "dedup_pairs", "clusters")


Documents = Mapping[int, Sequence[Rank]]
"""The ranks of each content's documents in order; a rank's last part is the document's id."""


class Keys(NamedTuple):
    """A content's keys in the index."""

    bands: frozenset[int]
    anchors: frozenset[int]


def rows(connection: sqlite3.Connection, sql: str, values: Iterable[object]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query whose one parameter is a JSON list."""
    return iter(connection.execute(sql, (json.dumps(list(values)),)).fetchall())


def nodes_of(connection: sqlite3.Connection, ids: Collection[str]) -> dict[str, int]:
    """Return the contents of those of the documents that are known."""
    sql = "SELECT id, node FROM dedup_documents WHERE id IN (SELECT value FROM json_each(?))"
    return dict(rows(connection, sql, ids))


def documents_of(connection: sqlite3.Connection, nodes: Collection[int]) -> dict[int, list[Rank]]:
    """Return the ranks of the documents of each content that has any, in order."""
    sql = "SELECT node, day, url, id FROM dedup_documents WHERE node IN (SELECT value FROM json_each(?))"
    found: dict[int, list[Rank]] = {}
    for node, *rank in rows(connection, sql, nodes):
        found.setdefault(node, []).append(tuple(rank))
    return {node: sorted(ranks) for node, ranks in found.items()}


def stored_nodes(connection: sqlite3.Connection, nodes: Collection[int]) -> set[int]:
    """Return those of `nodes` that are known."""
    sql = "SELECT node FROM dedup_contents WHERE node IN (SELECT value FROM json_each(?))"
    return {node for (node,) in rows(connection, sql, nodes)}


def roots_of(connection: sqlite3.Connection, nodes: Collection[int]) -> set[int]:
    """Return the roots of the components that `nodes` stand in."""
    sql = "SELECT DISTINCT root FROM dedup_contents WHERE node IN (SELECT value FROM json_each(?))"
    return {root for (root,) in rows(connection, sql, nodes)}


def members_of(connection: sqlite3.Connection, roots: Collection[int]) -> set[int]:
    """Return every content of the components of `roots`."""
    sql = "SELECT node FROM dedup_contents WHERE root IN (SELECT value FROM json_each(?)) AND root <> node"
    return {node for (node,) in rows(connection, sql, roots)} | stored_nodes(connection, roots)


def embedded_in(connection: sqlite3.Connection, nodes: Collection[int]) -> set[int]:
    """Return the contents that are embedded in one of `nodes`."""
    found: set[int] = set()
    for side in ("a", "b"):
        sql = f"""SELECT embedded FROM dedup_pairs
            WHERE {side} IN (SELECT value FROM json_each(?)) AND embedded <> {side}"""  # noqa: S608  # constants
        found.update(node for (node,) in rows(connection, sql, nodes))
    return found


def edges_among(connection: sqlite3.Connection, nodes: Collection[int]) -> list[Edge]:
    """Return the near and template pairs whose smaller content is one of `nodes`, in order."""
    sql = """SELECT a, b, kind, similarity, near, template, embedded FROM dedup_pairs
        WHERE a IN (SELECT value FROM json_each(?)) AND kind <> 'contains' ORDER BY a, b"""
    return [Edge(*row) for row in rows(connection, sql, nodes)]


def edges_of(connection: sqlite3.Connection, nodes: Collection[int]) -> list[Edge]:
    """Return the near and template pairs of which one content or both are among `nodes`."""
    found: list[Edge] = []
    for side in ("a", "b"):
        sql = f"""SELECT a, b, kind, similarity, near, template, embedded FROM dedup_pairs
            WHERE {side} IN (SELECT value FROM json_each(?)) AND kind <> 'contains'"""  # noqa: S608  # constants
        found += [Edge(*row) for row in rows(connection, sql, nodes)]
    return found


def known_pairs(connection: sqlite3.Connection, candidates: Collection[Pair]) -> set[Pair]:
    """Return those of `candidates` that are stored as verified pairs."""
    sql = """SELECT p.a, p.b FROM json_each(?) AS wanted JOIN dedup_pairs AS p
        ON p.a = json_extract(wanted.value, '$[0]') AND p.b = json_extract(wanted.value, '$[1]')"""
    return {(left, right) for left, right in rows(connection, sql, candidates)}


def pairs_of(connection: sqlite3.Connection, nodes: Collection[int]) -> set[Pair]:
    """Return the verified pairs of which one content or both are among `nodes`."""
    found: set[Pair] = set()
    for side in ("a", "b"):
        sql = f"SELECT a, b FROM dedup_pairs WHERE {side} IN (SELECT value FROM json_each(?))"  # noqa: S608  # constants
        found.update(rows(connection, sql, nodes))
    return found


def key_blobs(connection: sqlite3.Connection, nodes: Collection[int]) -> dict[int, bytes]:
    """Return the index keys of those of `nodes` that are known: band keys, then anchors, little-endian 64-bit."""
    sql = "SELECT node, keys FROM dedup_contents WHERE node IN (SELECT value FROM json_each(?))"
    return dict(rows(connection, sql, nodes))


def keys_of(connection: sqlite3.Connection, nodes: Collection[int]) -> dict[int, Keys]:
    """Return the index keys of those of `nodes` that are known."""
    found = {}
    for node, blob in key_blobs(connection, nodes).items():
        keys = np.frombuffer(blob, "<i8").tolist()
        found[node] = Keys(frozenset(keys[: fingerprint.BANDS]), frozenset(keys[fingerprint.BANDS :]))
    return found
