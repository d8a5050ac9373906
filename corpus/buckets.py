"""The index of fingerprint keys: which contents share a band or an anchor, found without loading the corpus.

A *bucket* is the set of nodes (contents) that have one key. Text that everybody carries makes buckets of thousands, so
not every pair of a bucket is a candidate: the LEADERS smallest nodes of a bucket are its leaders, and a pair is a
candidate through it when at least one of the two leads. Node numbers are hashes, so who leads depends on nothing but
which contents there are, never on the order they came in; and a new node leads a bucket of m with probability
LEADERS/m, so a full scan of a large bucket is as rare as the bucket is large: the expected work a key stays bounded.
In a small bucket everybody leads. A thousand copies of one article hang together through their leaders.

Keys are hashes too, so every insertion lands on a random page of its table. New keys therefore go to a small table; when
that is full it is merged, in key order, into one LEVEL_GROWTH times as large, and so on (a log-structured merge tree of
four levels: O'Neil and others 1996). A level's merge writes the next level once, so a key is written some LEVEL_GROWTH
times a level it passes, whatever the size of the corpus, and only the last level is larger than what stays in memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEADERS = 8
"""Enough that the copies of one article (which share most of their keys) always share a leader in some bucket; the
recall figures of benchmarks/dedup.py hold with it."""

LISTED = 4096
"""The pairs of a new leader in a bucket of more nodes aren't listed but swept through: memory stays bounded."""

LEVEL_ROWS = 1 << 16
"""Rows of the smallest level before it is merged into the next: about 1,800 documents, some 1.5 MB."""

LEVEL_GROWTH = 16
"""How many times as large each next level may grow: 1 million rows, 17 million; the last has no bound."""

Row = tuple[int, int]
Pair = tuple[int, int]
Pairs = NDArray[np.int64]

_LATELY = (
    ("dedup_keys_fresh", "since the last merge"),
    ("dedup_keys_recent", "merged from dedup_keys_fresh"),
    ("dedup_keys_middle", "merged from dedup_keys_recent"),
)
DDL = (
    """CREATE TABLE dedup_keys (  -- index of fingerprint keys, merged part; see corpus/buckets.py
    key INTEGER NOT NULL,
    node INTEGER NOT NULL,
    PRIMARY KEY (key, node)
) WITHOUT ROWID""",
    *(
        f"""CREATE TABLE {name} (  -- the same, what came lately: {what}
    key INTEGER NOT NULL,
    node INTEGER NOT NULL,
    PRIMARY KEY (key, node)
) WITHOUT ROWID"""
        for name, what in _LATELY
    ),
    """CREATE TABLE dedup_key_counts (  -- rows put into a level since it was empty: when to merge
    name TEXT PRIMARY KEY,
    rows INTEGER NOT NULL
) WITHOUT ROWID""",
)
LEVELS = (*(name for name, _ in _LATELY), "dedup_keys")
"""The tables of keys, smallest first."""

TABLES = (*LEVELS, "dedup_key_counts")

_HEAD = f"""SELECT node FROM ({" UNION ALL ".join(f"SELECT node FROM {level} WHERE key = ?1" for level in LEVELS)})
    ORDER BY node LIMIT ?2"""  # noqa: S608  # constants


_HEADS = {
    level: f"""SELECT wanted.value, held.node
        FROM (SELECT value FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM {level} WHERE key = value)) AS wanted
        CROSS JOIN {level} AS held ON held.key = wanted.value AND held.node <= ifnull(
            (SELECT node FROM {level} WHERE key = wanted.value ORDER BY node LIMIT 1 OFFSET ?2), {(1 << 63) - 1})
        """  # noqa: S608  # constants
    for level in LEVELS
}
_AFTER = f"""SELECT node FROM ({
    " UNION ALL ".join(
        f"SELECT node FROM {level} WHERE key = ?1 AND (node > ?2 OR (node = ?2 AND ?3))" for level in LEVELS
    )
})
    ORDER BY node LIMIT ?4"""  # noqa: S608  # constants


class Changes(NamedTuple):
    """What an insertion or removal did to the candidate pairs.

    `gained` are new ones: rows of two nodes, the smaller first, in order. `leading` are (node, key) rows of nodes that have
    come to lead a large bucket: each is a candidate with every member, too many to list. `displaced` are nodes that lead
    some bucket no more: their pairs may be candidates no more (see `Leaders`).
    """

    gained: Pairs
    leading: list[tuple[int, int]]
    displaced: set[int]


def pair(left: int, right: int) -> Pair:
    """Return two nodes as a pair, the smaller first."""
    return (left, right) if left < right else (right, left)


class _Found(NamedTuple):
    """What is found bucket by bucket; `products` are two lists of nodes, each of the one a candidate with each of the other.

    Lists, and arrays of all of them in the end: texts that have sentences in common make a hundred pairs each.
    """

    products: list[tuple[Sequence[int], Sequence[int]]]
    leading: list[tuple[int, int]]
    displaced: set[int]

    def changes(self) -> Changes:
        """Return the pairs, each once."""
        lefts, rights = ([product[side] for product in self.products] for side in (0, 1))
        sizes = np.fromiter(map(len, rights), np.int64, len(rights))
        groups = np.repeat(np.arange(len(lefts)), np.fromiter(map(len, lefts), np.int64, len(lefts)))
        counts = sizes[groups]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        left = np.repeat(_flat(lefts), counts)
        right = _flat(rights)[np.repeat((np.cumsum(sizes) - sizes)[groups], counts) + within]
        return Changes(_distinct(left, right), self.leading, self.displaced)


def _flat(lists: Iterable[Sequence[int]]) -> Pairs:
    return np.fromiter(chain.from_iterable(lists), np.int64)


def _distinct(left: Pairs, right: Pairs) -> Pairs:
    """Return pairs of nodes as rows, the smaller node first, each once and in order; none of a node with itself."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((high, low))
    low, high = low[order], high[order]
    keep = low != high
    keep[1:] &= (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return np.stack([low[keep], high[keep]], axis=1)


def pairs_with(node: int, others: Sequence[int]) -> Pairs:
    """Return a node's pairs with others as rows, the smaller first, in order."""
    found = np.array(others, np.int64)
    return _distinct(np.full(len(found), node, np.int64), found)


def insert(connection: sqlite3.Connection, rows: Pairs) -> Changes:
    """Put (key, node) rows of new nodes, an (n, 2) array, into the index; return how the candidate pairs change."""
    ordered = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    keys, starts, counts = np.unique(ordered[:, 0], return_index=True, return_counts=True)
    there = _heads(connection, keys.tolist())
    found = _Found([], [], set())
    noted = np.flatnonzero((counts > 1) | np.isin(keys, np.fromiter(there, np.int64, len(there))))
    nodes = ordered[:, 1].tolist()
    columns = (column[noted].tolist() for column in (keys, starts, counts))
    for key, start, count in zip(*columns, strict=True):
        _note_insertion(connection, key, nodes[start : start + count], there.get(key, []), found)
    rows_in_order = zip(ordered[:, 0].tolist(), nodes, strict=True)
    connection.executemany("INSERT INTO dedup_keys_fresh (key, node) VALUES (?, ?)", rows_in_order)
    _merge_when_due(connection, len(ordered))
    return found.changes()


def _note_insertion(
    connection: sqlite3.Connection, key: int, new: Sequence[int], old: Sequence[int], found: _Found
) -> None:
    """Note in `found` what joining one bucket (as it stands without `new`, led by `old`) changes."""
    leaders = sorted([*old, *new])[:LEADERS]
    leading = set(leaders)
    found.displaced.update(node for node in old if node not in leading)
    newly = [node for node in new if node in leading]
    if len(newly) < len(new):
        found.products.append(([node for node in new if node not in leading], leaders))
    if not newly:
        return
    everybody = members(connection, key, LISTED + 1) if len(old) == LEADERS else old
    if len(everybody) > LISTED:
        found.leading.extend((node, key) for node in newly)
        found.products.append((newly, new))
    else:
        found.products.append((newly, [*everybody, *new]))


def remove(connection: sqlite3.Connection, rows: Iterable[Row]) -> Changes:
    """Take (key, node) rows out of the index; return the candidate pairs that the new leaders bring."""
    ordered = sorted(rows)
    for table in LEVELS:
        connection.executemany(f"DELETE FROM {table} WHERE key = ? AND node = ?", ordered)  # noqa: S608  # constants
    found = _Found([], [], set())
    for key, group in groupby(ordered, key=itemgetter(0)):
        left = members(connection, key, LEADERS)
        before = set(sorted([*left, *(node for _, node in group)])[:LEADERS])
        promoted = [node for node in left if node not in before]
        others = members(connection, key, LISTED + 1) if promoted else []
        if len(others) > LISTED:
            found.leading.extend((node, key) for node in promoted)
        else:
            found.products.append((promoted, others))
    return found.changes()


def walk(connection: sqlite3.Connection, key: int, size: int) -> Iterator[list[int]]:
    """Yield the nodes of a bucket in order, at most `size` at a time."""
    after = -(1 << 63)
    including = True
    while block := [node for (node,) in connection.execute(_AFTER, (key, after, including, size))]:
        yield block
        after, including = block[-1], False


def members(connection: sqlite3.Connection, key: int, limit: int = -1) -> list[int]:
    """Return the nodes of a bucket in order, at most `limit` of them."""
    return [node for (node,) in connection.execute(_HEAD, (key, limit))]


class Leaders:
    """Which nodes lead which buckets, as the index stands; each bucket is read once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._known: dict[int, frozenset[int]] = {}

    def join(self, candidate: Pair, keys: Iterable[int]) -> bool:
        """Whether two nodes are a candidate pair through one of `keys`, which they have in common."""
        return any(candidate[0] in self._of(key) for key in keys)

    def _of(self, key: int) -> frozenset[int]:
        if key not in self._known:
            self._known[key] = frozenset(members(self._connection, key, LEADERS))
        return self._known[key]


def _heads(connection: sqlite3.Connection, keys: Sequence[int]) -> dict[int, list[int]]:
    """Return the leaders of those of `keys` (in order, so that pages are read in order) that some node has already."""
    wanted = json.dumps(keys)
    found: dict[int, list[int]] = {}
    for level in LEVELS:
        for key, node in connection.execute(_HEADS[level], (wanted, LEADERS - 1)):
            found.setdefault(key, []).append(node)
    return {key: sorted(nodes)[:LEADERS] for key, nodes in found.items()}


def _merge_when_due(connection: sqlite3.Connection, inserted: int) -> None:
    _set_counter(connection, LEVELS[0], _counter(connection, LEVELS[0]) + inserted)
    room = LEVEL_ROWS
    for level, following in pairwise(LEVELS):
        if _counter(connection, level) >= room:
            _merge(connection, level, following)
        room *= LEVEL_GROWTH


def _merge(connection: sqlite3.Connection, level: str, following: str) -> None:
    """Merge a level into the next."""
    sql = f"INSERT INTO {following} SELECT key, node FROM {level} ORDER BY key, node"  # noqa: S608  # constants
    connection.execute(sql)
    connection.execute(f"DELETE FROM {level}")  # noqa: S608  # constants
    _set_counter(connection, following, _counter(connection, following) + _counter(connection, level))
    _set_counter(connection, level, 0)


def add_levels(connection: sqlite3.Connection) -> None:
    """Bring the tables of before schema 5 up to date: there were two levels then, fresh keys and all others."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for name, statement in zip(("dedup_keys", *(name for name, _ in _LATELY)), DDL):
        if name not in there:
            connection.execute(statement)
    connection.execute("UPDATE dedup_key_counts SET name = 'dedup_keys_fresh' WHERE name = 'fresh'")
    connection.execute("UPDATE dedup_key_counts SET name = 'dedup_keys' WHERE name = 'merged'")


def _counter(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT rows FROM dedup_key_counts WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def _set_counter(connection: sqlite3.Connection, name: str, rows: int) -> None:
    connection.execute("INSERT OR REPLACE INTO dedup_key_counts (name, rows) VALUES (?, ?)", (name, rows))
