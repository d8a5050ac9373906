"""Duplicates: candidates from the index, verified by exact similarity, arranged in clusters.

Four kinds, each with a similarity of its own:

* `exact`: the folded texts are equal (similarity 1).
* `near`: Jaccard of character 5-grams is at least NEAR.
* `template`: the swapped copy. Jaccard of the texts masked of lender, place and number names is at least TEMPLATE (the
  similarity given), and the plain Jaccard is lower, or the names account for most of what differs.
* `contains`: at least CONTAINED of a text's 5-grams stand in a larger one (the similarity given).

Exact and near duplicates make a *cluster*. Swapped copies make a *template cluster* over the clusters they stand in.
Each document but one of all that hangs together that way names a match, and the match was verified. An embedded
document names what contains it, but joins no cluster: a compilation must not merge what it compiles.

Everything stored is a function of *which* documents there are. It doesn't depend on their order of arrival, on batches,
or on documents that came and went: candidates depend on keys and hashes alone (`corpus.buckets`), verified pairs on texts
alone, clusters and matches on the pairs and on ranks (`corpus.graph`). A document's rank is (published, or else first
seen; url; id): the representative of a cluster is its document of lowest rank, so the earliest.

Nothing here commits; the caller's transaction does.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

import numpy as np

from corpus import buckets, fingerprint
from corpus.buckets import Pair
from corpus.clusters import MARK, Cluster, Duplicate, add_steps, clusters, refresh
from corpus.dedup_tables import (
    DDL,
    TABLES,
    Keys,
    Kind,
    documents_of,
    embedded_in,
    keys_of,
    nodes_of,
    pairs_of,
    roots_of,
    stored_nodes,
)
from corpus.fingerprint import Print
from corpus.graph import Edge, Rank
from corpus.joining import copies_join, join
from corpus.masking import Masker, Sets, default_masker
from corpus.parting import part
from corpus.verify import (
    CONTAINED,
    CONTAINED_SHINGLES,
    MASKED_SHARE,
    NEAR,
    SHARED_ANCHORS,
    TEMPLATE,
    Likeness,
    Texts,
    compare,
    verify,
)

__all__ = [
    "CONTAINED", "DDL", "NEAR", "TABLES", "TEMPLATE", "Cluster", "Duplicate", "Entry", "Kind", "Likeness", "Sets",
    "add", "add_steps", "clusters", "compare", "is_current", "rank_day", "rederive", "remove",
]  # fmt: skip


class Entry(NamedTuple):
    """A document as deduplication sees it: `text` Simplified, `published` and `first_seen` ISO 8601.

    `made` is its text's fingerprint with the names of the masker that it is added with, where somebody has it already.
    """

    id: str
    url: str
    text: str
    published: str | None
    first_seen: str
    made: Print | None = None


# --- adding and removing --------------------------------------------------------------------------------------------


def add(connection: sqlite3.Connection, entries: Iterable[Entry], masker: Masker | None = None) -> None:
    """Find the duplicates of `entries` and of what is there already, and mark them in `documents`.

    The rows of `documents` must be there. Entries already known are updated. An index made with other rules or other
    names than now is made again from `documents` first.
    """
    masker = masker or default_masker()
    if _made_with(connection) not in (None, _version(masker)):
        rederive(connection, masker)
    _set_made_with(connection, masker)
    distinct = list({entry.id: entry for entry in entries}.values())
    _add(connection, _changed(connection, distinct, masker), masker)


def remove(connection: sqlite3.Connection, ids: Collection[str], masker: Masker | None = None) -> None:
    """Take documents out of the index and their clusters, before or after their rows in `documents` go.

    Where the rows are still there, their duplicate columns are emptied. The other documents' rows must be there.
    """
    known = nodes_of(connection, ids)
    connection.executemany(MARK, [(None, None, None, None, None, identifier) for identifier in ids])
    connection.executemany("DELETE FROM dedup_documents WHERE id = ?", [(identifier,) for identifier in known])
    nodes = set(known.values())
    gone = nodes - documents_of(connection, nodes).keys()
    roots = roots_of(connection, nodes | embedded_in(connection, gone))
    changes = _forget(connection, gone)
    texts = Texts(connection, masker or default_masker(), {})
    refresh(connection, roots | _touched(connection, verify(connection, changes, texts)))


def rederive(connection: sqlite3.Connection, masker: Masker | None = None) -> None:
    """Make the index, the pairs and the clusters again from the rows of `documents`."""
    masker = masker or default_masker()
    for table in TABLES:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608  # constants
    connection.execute(
        "UPDATE documents SET cluster_id = NULL, duplicate_of = NULL, duplicate_kind = NULL, similarity = NULL,"
        " template_cluster_id = NULL WHERE cluster_id IS NOT NULL OR duplicate_of IS NOT NULL"
    )
    _set_made_with(connection, masker)
    ids = [
        identifier for (identifier,) in connection.execute("SELECT id FROM documents ORDER BY content_hash, id")
    ]
    for first in range(0, len(ids), 1000):
        _add(connection, _load_entries(connection, ids[first : first + 1000]), masker)


def is_current(connection: sqlite3.Connection, masker: Masker | None = None) -> bool:
    """Whether the index was made with the rules and names of now (an empty one counts as current)."""
    return _made_with(connection) in (None, _version(masker or default_masker()))


def _version(masker: Masker) -> str:
    rules = (
        fingerprint.VERSION,
        NEAR,
        TEMPLATE,
        MASKED_SHARE,
        CONTAINED,
        CONTAINED_SHINGLES,
        SHARED_ANCHORS,
        buckets.LEADERS,
    )
    return "/".join(map(str, (*rules, masker.version)))


def _made_with(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT value FROM dedup_meta WHERE key = 'version'").fetchone()
    return row[0] if row else None


def _set_made_with(connection: sqlite3.Connection, masker: Masker) -> None:
    row = ("version", _version(masker))
    connection.execute("INSERT OR REPLACE INTO dedup_meta (key, value) VALUES (?, ?)", row)


def _load_entries(connection: sqlite3.Connection, ids: Sequence[str]) -> list[Entry]:
    sql = "SELECT id, url, text, published, first_seen FROM documents WHERE id IN (SELECT value FROM json_each(?))"
    return [Entry(*row) for row in connection.execute(sql, (json.dumps(ids),))]


def _changed(connection: sqlite3.Connection, entries: Sequence[Entry], masker: Masker) -> list[Entry]:
    """Return `entries` without those known as they are; those known otherwise are taken out first."""
    sql = "SELECT id, node, day, url FROM dedup_documents WHERE id IN (SELECT value FROM json_each(?))"
    known = {row[0]: row[1:] for row in connection.execute(sql, (json.dumps([entry.id for entry in entries]),))}
    if not known:
        return list(entries)
    fresh = [
        entry
        for entry in entries
        if known.get(entry.id)
        != (node_of(fingerprint.content_hash(entry.text)), rank_day(entry.published, entry.first_seen), entry.url)
    ]
    remove(connection, [entry.id for entry in fresh if entry.id in known], masker)
    return fresh


def _add(connection: sqlite3.Connection, entries: Sequence[Entry], masker: Masker) -> None:
    if not entries:
        return
    prints = _prints(entries, masker)
    ranks: dict[int, list[Rank]] = {}
    given: dict[int, int] = {}
    for index, (entry, made) in enumerate(zip(entries, prints, strict=True)):
        node = node_of(made.content_hash)
        ranks.setdefault(node, []).append((rank_day(entry.published, entry.first_seen), entry.url, entry.id))
        given.setdefault(node, index)
    known = stored_nodes(connection, given)
    # Asked before the new documents stand among the old: what a copy joins is told by those.
    stale = copies_join(connection, {node: sorted(ranks[node]) for node in known})
    connection.executemany(
        "INSERT INTO dedup_documents (id, node, day, url) VALUES (?, ?, ?, ?)",
        [(identifier, node, day, url) for node, found in ranks.items() for day, url, identifier in found],
    )
    new = {node: index for node, index in given.items() if node not in known}
    changes = _index(connection, {node: prints[index] for node, index in new.items()})
    texts = Texts(connection, masker, {node: entries[index].text for node, index in new.items()})
    stale |= part(connection, _lost(connection, changes.displaced))
    edges = verify(connection, changes, texts)
    join(connection, {node: sorted(ranks[node]) for node in new}, edges, stale)


def _prints(entries: Sequence[Entry], masker: Masker) -> list[Print]:
    """Return the fingerprint of each entry, made now where it brings none."""
    made = iter(masker.prints([entry.text for entry in entries if entry.made is None]))
    return [entry.made or next(made) for entry in entries]


def _touched(connection: sqlite3.Connection, edges: Collection[Edge]) -> set[int]:
    return roots_of(connection, {node for edge in edges for node in edge[:2]})


def _index(connection: sqlite3.Connection, new: Mapping[int, Print]) -> buckets.Changes:
    """Store new contents and their keys; return how the candidates change."""
    connection.executemany(
        "INSERT INTO dedup_contents (node, keys, length, root) VALUES (?, ?, ?, ?)",
        [(node, made.keys, made.length, node) for node, made in new.items()],
    )
    keys = np.frombuffer(b"".join(made.keys for made in new.values()), "<i8")
    counts = [len(made.keys) // 8 for made in new.values()]
    nodes = np.repeat(np.fromiter(new, np.int64, len(new)), counts)
    return buckets.insert(connection, np.stack([keys.astype(np.int64), nodes], axis=1))


def _lost(connection: sqlite3.Connection, displaced: Collection[int]) -> list[Pair]:
    """Return the stored pairs of nodes that lead some bucket no more that are candidates no more."""
    stored = sorted(pairs_of(connection, displaced))
    keys = keys_of(connection, {node for candidate in stored for node in candidate})
    leaders = buckets.Leaders(connection)
    return [pair for pair in stored if not leaders.join(pair, _common(*(keys[node] for node in pair)))]


def _common(left: Keys, right: Keys) -> frozenset[int]:
    return left.bands & right.bands | left.anchors & right.anchors


def _forget(connection: sqlite3.Connection, gone: Collection[int]) -> buckets.Changes:
    """Take contents out of every table; return how the candidates among the others change."""
    keys = keys_of(connection, gone)
    rows_of = [(key, node) for node in gone for key in keys[node].bands | keys[node].anchors]
    changes = buckets.remove(connection, rows_of)
    rows = [(node,) for node in gone]
    connection.executemany("DELETE FROM dedup_pairs WHERE a = ?", rows)
    connection.executemany("DELETE FROM dedup_pairs WHERE b = ?", rows)
    connection.executemany("DELETE FROM dedup_contents WHERE node = ?", rows)
    return changes


# --- reading the tables ---------------------------------------------------------------------------------------------


def node_of(content: str) -> int:
    """Return a content hash's first 64 bits as SQLite's signed integer."""
    return int.from_bytes(bytes.fromhex(content[:16]), "big", signed=True)


_CHINA = timezone(timedelta(hours=8))
_UNKNOWN_DAY = "9999"


def rank_day(published: str | None, first_seen: str) -> str:
    """Return when a document came to be, in UTC and one form, so that it sorts; what can't be read sorts last.

    A time without a zone is China's. `first_seen` counts only where the page states no date that can be read.
    """
    for stated in (published, first_seen):
        try:
            moment = datetime.fromisoformat(stated or "")
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=_CHINA)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return _UNKNOWN_DAY
