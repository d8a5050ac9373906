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
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal, NamedTuple

import numpy as np

from corpus import buckets, fingerprint
from corpus.buckets import Pair
from corpus.fingerprint import U64, fold_batch, jaccard, overlap, shingle_sets
from corpus.graph import Edge, EdgeKind, Place, Rank, arrange, components
from corpus.masking import Masker, default_masker

Kind = Literal["exact", "near", "template", "contains"]

NEAR = 0.8
"""Least Jaccard of a near duplicate. See the sweep that `python -m benchmarks.dedup` prints."""

TEMPLATE = 0.9
"""Least Jaccard of masked texts: what is left after masking must be all but the same."""

CONTAINED = 0.9
"""Least share of the embedded text's shingles in the larger one."""

SHARED_ANCHORS = 0.5
"""Pairs that share no band are looked at when this share of the anchors of the one with fewer is in both. Of an embedded
text's five anchors (300 shingles) at .9 each, fewer than half are in both with probability .009."""

CONTAINED_SHINGLES = 300
"""Shorter texts are never called embedded: a boilerplate paragraph stands in many articles."""

SET_CACHE = 2048
"""Shingle sets held at once while verifying (about 16 KB each for an article)."""

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
    root INTEGER NOT NULL  -- content of lowest rank of all that hangs together; itself when alone
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


class Entry(NamedTuple):
    """A document as deduplication sees it: `text` Simplified, `published` and `first_seen` ISO 8601."""

    id: str
    url: str
    text: str
    published: str | None
    first_seen: str


class Duplicate(NamedTuple):
    """What a document is found to be: its cluster (None when alone), and its match if it is a duplicate."""

    cluster_id: str | None
    duplicate_of: str | None
    kind: Kind | None
    similarity: float | None
    template_cluster_id: str | None


class Cluster(NamedTuple):
    """A cluster of two documents or more: its representative's id, and every member's in order of rank.

    `template_cluster_id` is None where no other cluster or document is a swapped copy of it.
    """

    id: str
    members: tuple[str, ...]
    template_cluster_id: str | None


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
    known = _nodes_of(connection, ids)
    connection.executemany(_MARK, [(None, None, None, None, None, identifier) for identifier in ids])
    connection.executemany("DELETE FROM dedup_documents WHERE id = ?", [(identifier,) for identifier in known])
    nodes = set(known.values())
    gone = nodes - _documents_of(connection, nodes).keys()
    roots = _roots_of(connection, nodes | _embedded_in(connection, gone))
    gained = _forget(connection, gone)
    texts = _Texts(connection, masker or default_masker(), {})
    _refresh(connection, roots | _verify(connection, gained, texts))


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
    rules = (fingerprint.VERSION, NEAR, TEMPLATE, CONTAINED, CONTAINED_SHINGLES, SHARED_ANCHORS, buckets.LEADERS)
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
        != (_node(fingerprint.content_hash(entry.text)), rank_day(entry.published, entry.first_seen), entry.url)
    ]
    remove(connection, [entry.id for entry in fresh if entry.id in known], masker)
    return fresh


def _add(connection: sqlite3.Connection, entries: Sequence[Entry], masker: Masker) -> None:
    if not entries:
        return
    prints = fingerprint.fingerprint([entry.text for entry in entries], masker.mask_folded)
    nodes = [_node(value) for value in prints.content_hashes]
    stale = _roots_of(connection, set(nodes))
    connection.executemany(
        "INSERT INTO dedup_documents (id, node, day, url) VALUES (?, ?, ?, ?)",
        [
            (entry.id, node, rank_day(entry.published, entry.first_seen), entry.url)
            for entry, node in zip(entries, nodes)
        ],
    )
    known = _known(connection, set(nodes))
    first = {node: index for index, node in reversed([*enumerate(nodes)]) if node not in known}
    keys = {node: prints.keys.row(index).view(np.int64) for node, index in first.items()}
    connection.executemany(
        "INSERT INTO dedup_contents (node, keys, length, root) VALUES (?, ?, ?, ?)",
        [
            (node, keys[node].astype("<i8").tobytes(), int(prints.lengths[index]), node)
            for node, index in first.items()
        ],
    )
    changes = buckets.insert(connection, [(key, node) for node in keys for key in keys[node].tolist()])
    texts = _Texts(connection, masker, {node: entries[index].text for node, index in first.items()})
    stale |= _drop_lost(connection, changes.doubtful)
    stale |= _verify(connection, changes.gained, texts)
    copied = {node for node, count in Counter(nodes).items() if count > 1}
    _refresh(connection, stale | (copied & first.keys()))


def _forget(connection: sqlite3.Connection, gone: Collection[int]) -> set[Pair]:
    """Take contents out of every table; return the candidate pairs that this brings among the others."""
    keys = _keys_of(connection, gone)
    rows_of = [(key, node) for node in gone for key in keys[node].bands | keys[node].anchors]
    changes = buckets.remove(connection, rows_of)
    rows = [(node,) for node in gone]
    connection.executemany("DELETE FROM dedup_pairs WHERE a = ?", rows)
    connection.executemany("DELETE FROM dedup_pairs WHERE b = ?", rows)
    connection.executemany("DELETE FROM dedup_contents WHERE node = ?", rows)
    return changes.gained


# --- verifying ------------------------------------------------------------------------------------------------------


class Likeness(NamedTuple):
    """How two different texts are alike; see `corpus.graph.Edge`."""

    kind: EdgeKind
    similarity: float
    near: bool
    template: bool


def compare(left: Sets, right: Sets) -> Likeness | None:
    """Return how two different texts are alike, or None when neither is a duplicate of the other.

    Of a `contains` pair, the embedded text is the one with fewer shingles.
    """
    shared = overlap(left.plain, right.plain)
    plain = shared / max(1, len(left.plain) + len(right.plain) - shared)
    masked = jaccard(left.masked, right.masked)
    near, template = plain >= NEAR, masked >= TEMPLATE
    # Names account for most of the difference when masking them removes half of it.
    swapped = masked == 1 or (left.names != right.names and 2 * (1 - masked) <= 1 - plain)
    if template and (swapped or not near):
        return Likeness("template", masked, near, template)
    if near:
        return Likeness("near", plain, near, template)
    smaller = min(len(left.plain), len(right.plain))
    if smaller >= CONTAINED_SHINGLES and shared >= CONTAINED * smaller:
        return Likeness("contains", shared / smaller, near, template)
    return None


class Sets(NamedTuple):
    """The shingle sets of a text, as it is and masked, and the names that were masked."""

    plain: U64
    masked: U64
    names: frozenset[str]


def sets_of(texts: Sequence[str], masker: Masker) -> list[Sets]:
    """Return the shingle sets of `texts`."""
    found: list[Sets] = []
    for chunk in fingerprint.chunks(texts):
        folded = fold_batch(chunk)
        masked = masker.mask_folded(folded)
        found += map(Sets, shingle_sets(folded), shingle_sets(masked), masker.names(folded))
    return found


class _Texts:
    """Shingle sets of contents by node, a bounded number of them held."""

    def __init__(self, connection: sqlite3.Connection, masker: Masker, given: Mapping[int, str]) -> None:
        self._connection = connection
        self._masker = masker
        self._given = given
        self._held: dict[int, Sets] = {}

    def sets(self, nodes: Collection[int]) -> dict[int, Sets]:
        """Return the sets of `nodes`; raises LookupError where a text is in neither `given` nor `documents`."""
        missing = sorted(node for node in nodes if node not in self._held)
        if len(self._held) + len(missing) > SET_CACHE:
            self._held = {node: self._held[node] for node in nodes if node in self._held}
        texts = [self._text(node) for node in missing]
        self._held.update(zip(missing, sets_of(texts, self._masker)))
        return self._held

    def _text(self, node: int) -> str:
        if node in self._given:
            return self._given[node]
        sql = "SELECT text FROM documents WHERE id = (SELECT id FROM dedup_documents WHERE node = ? LIMIT 1)"
        row = self._connection.execute(sql, (node,)).fetchone()
        if row is None:
            raise LookupError("a document of the duplicates' index has no row in documents: run `yuqi dedup`")
        text: str = row[0]
        return text


def _verify(connection: sqlite3.Connection, candidates: Collection[Pair], texts: _Texts) -> set[int]:
    """Store those of `candidates` that are duplicates; return the roots of the clusters that this touches."""
    ordered = sorted(_promising(connection, candidates) - _known_pairs(connection, candidates))
    edges: list[Edge] = []
    for first in range(0, len(ordered), SET_CACHE // 8):
        block = ordered[first : first + SET_CACHE // 8]
        held = texts.sets({node for candidate in block for node in candidate})
        edges += filter(None, (_edge(left, right, held[left], held[right]) for left, right in block))
    connection.executemany("INSERT INTO dedup_pairs VALUES (?, ?, ?, ?, ?, ?, ?)", edges)
    return _roots_of(connection, {node for edge in edges for node in edge[:2]})


def _promising(connection: sqlite3.Connection, candidates: Collection[Pair]) -> set[Pair]:
    """Return those of `candidates` that share a band, or so many anchors that one may embed the other.

    An anchor in a notice that everybody carries makes candidates of everybody; this leaves them out, by the keys of the
    two alone.
    """
    keys = _keys_of(connection, {node for candidate in candidates for node in candidate})
    return {candidate for candidate in candidates if _is_promising(*(keys[node] for node in candidate))}


class _Keys(NamedTuple):
    bands: frozenset[int]
    anchors: frozenset[int]


def _is_promising(left: _Keys, right: _Keys) -> bool:
    if not left.bands.isdisjoint(right.bands):
        return True
    least = SHARED_ANCHORS * min(len(left.anchors), len(right.anchors))
    return len(left.anchors & right.anchors) >= max(1, least)


def _edge(left: int, right: int, left_sets: Sets, right_sets: Sets) -> Edge | None:
    likeness = compare(left_sets, right_sets)
    if likeness is None:
        return None
    embedded = None
    if likeness.kind == "contains":
        embedded = left if len(left_sets.plain) < len(right_sets.plain) else right
    return Edge(left, right, *likeness, embedded)


def _drop_lost(connection: sqlite3.Connection, doubtful: Collection[Pair]) -> set[int]:
    """Delete stored pairs that are candidates no more; return the roots of the clusters that this touches."""
    stored = sorted(_known_pairs(connection, doubtful))
    keys = _keys_of(connection, {node for candidate in stored for node in candidate})
    leaders = buckets.Leaders(connection)
    lost = [
        (left, right)
        for left, right in stored
        if not leaders.join((left, right), _common(keys[left], keys[right]))
    ]
    connection.executemany("DELETE FROM dedup_pairs WHERE a = ? AND b = ?", lost)
    return _roots_of(connection, {node for candidate in lost for node in candidate})


def _common(left: _Keys, right: _Keys) -> frozenset[int]:
    return left.bands & right.bands | left.anchors & right.anchors


# --- clusters -------------------------------------------------------------------------------------------------------


def _refresh(connection: sqlite3.Connection, roots: Collection[int]) -> None:
    """Arrange the clusters of `roots` (as stored) anew, with those embedded in them, and mark their documents."""
    if not roots:
        return
    nodes = _members_of(connection, roots)
    nodes |= _members_of(connection, _roots_of(connection, _embedded_in(connection, nodes)))
    documents = _documents_of(connection, nodes)
    edges = _edges_among(connection, nodes)
    ranks = {node: group[0] for node, group in documents.items()}
    places = arrange(ranks, edges)
    connection.executemany(
        "UPDATE dedup_contents SET root = ?1 WHERE node = ?2 AND root <> ?1",
        [(place.root, node) for node, place in places.items()],
    )
    groups = _groups(documents, edges)
    _replace_clusters(connection, {*roots, *nodes}, documents, places, groups)
    marks = _marks(documents, places, groups)
    marks.update(_embedded_marks(connection, ranks, places, marks))
    connection.executemany(_MARK, [(*mark, identifier) for identifier, mark in marks.items()])


_MARK = """UPDATE documents SET cluster_id = ?1, duplicate_of = ?2, duplicate_kind = ?3, similarity = ?4,
    template_cluster_id = ?5
WHERE id = ?6 AND (cluster_id IS NOT ?1 OR duplicate_of IS NOT ?2 OR duplicate_kind IS NOT ?3 OR similarity IS NOT ?4
    OR template_cluster_id IS NOT ?5)"""

Documents = Mapping[int, Sequence[Rank]]
"""The ranks of each content's documents in order; a rank's last part is the document's id."""


class _Groups(NamedTuple):
    """For each content, its cluster's id and its template cluster's, None where it has no company of that sort."""

    clusters: dict[int, str | None]
    templates: dict[int, str | None]


def _groups(documents: Documents, edges: Sequence[Edge]) -> _Groups:
    near = components(documents, [edge for edge in edges if edge.near])
    alike = components(documents, [edge for edge in edges if edge.template])
    sizes = Counter(near[node] for node, ranks in documents.items() for _ in ranks)
    spans: dict[int, set[int]] = {}
    for node, group in alike.items():
        spans.setdefault(group, set()).add(near[node])
    cluster_ids, template_ids = _earliest(documents, near), _earliest(documents, alike)
    return _Groups(
        {node: cluster_ids[group] if sizes[group] > 1 else None for node, group in near.items()},
        {node: template_ids[group] if len(spans[group]) > 1 else None for node, group in alike.items()},
    )


def _earliest(documents: Documents, groups: Mapping[int, int]) -> dict[int, str]:
    """Return the id of the document of lowest rank in each group."""
    first: dict[int, Rank] = {}
    for node, group in groups.items():
        first[group] = min(documents[node][0], first.get(group, documents[node][0]))
    return {group: rank[-1] for group, rank in first.items()}


def _marks(documents: Documents, places: Mapping[int, Place], groups: _Groups) -> dict[str, Duplicate]:
    marks = {}
    for node, place in places.items():
        cluster, template = groups.clusters[node], groups.templates[node]
        head, *copies = (rank[-1] for rank in documents[node])
        match = documents[place.match][0][-1] if place.kind else None
        marks[head] = Duplicate(cluster, match, place.kind, place.similarity, template)
        for copy in copies:
            marks[copy] = Duplicate(cluster, head, "exact", 1.0, template)
    return marks


def _embedded_marks(
    connection: sqlite3.Connection,
    ranks: Mapping[int, Rank],
    places: Mapping[int, Place],
    marks: Mapping[str, Duplicate],
) -> dict[str, Duplicate]:
    """Return the marks of those documents that match no other, but that a larger text contains."""
    found = {}
    for node in {place.root for place in places.values()}:
        container = _container(connection, node)
        if container is not None:
            identifier, similarity = container
            head = ranks[node][-1]
            found[head] = marks[head]._replace(duplicate_of=identifier, kind="contains", similarity=similarity)
    return found


def _container(connection: sqlite3.Connection, node: int) -> tuple[str, float] | None:
    """Return the document that contains a root's text most fully (the earliest of several), and how fully.

    The container's own root must be longer: lengths grow along a chain of containers, so no chain comes back to where
    it began.
    """
    sql = """SELECT outer.node, p.similarity FROM dedup_pairs AS p
        JOIN dedup_contents AS outer ON outer.node = CASE p.a WHEN ?1 THEN p.b ELSE p.a END
        JOIN dedup_contents AS head ON head.node = outer.root
        WHERE (p.a = ?1 OR p.b = ?1) AND p.embedded = ?1
            AND head.length > (SELECT length FROM dedup_contents WHERE node = ?1)"""
    found = connection.execute(sql, (node,)).fetchall()
    if not found:
        return None
    documents = _documents_of(connection, [outer for outer, _ in found])
    similarity, rank = min((-similarity, documents[outer][0]) for outer, similarity in found)
    return rank[-1], -similarity


def _replace_clusters(
    connection: sqlite3.Connection,
    stale: Collection[int],
    documents: Documents,
    places: Mapping[int, Place],
    groups: _Groups,
) -> None:
    connection.executemany("DELETE FROM clusters WHERE root = ?", [(root,) for root in stale])
    members: dict[str, list[int]] = {}
    for node, cluster in groups.clusters.items():
        if cluster is not None:
            members.setdefault(cluster, []).append(node)
    connection.executemany(
        "INSERT INTO clusters (id, root, documents, contents, template_cluster_id) VALUES (?, ?, ?, ?, ?)",
        [
            (cluster, places[nodes[0]].root, sum(len(documents[node]) for node in nodes), len(nodes), template)
            for cluster, nodes in members.items()
            for template in [min(filter(None, (groups.templates[node] for node in nodes)), default=None)]
        ],
    )


def clusters(connection: sqlite3.Connection) -> Iterator[Cluster]:
    """Yield the clusters in order of id."""
    for identifier, template in connection.execute(
        "SELECT id, template_cluster_id FROM clusters ORDER BY id"
    ).fetchall():
        sql = """SELECT r.id FROM documents AS d JOIN dedup_documents AS r ON r.id = d.id
            WHERE d.cluster_id = ? ORDER BY r.day, r.url, r.id"""
        members = tuple(member for (member,) in connection.execute(sql, (identifier,)))
        yield Cluster(identifier, members, template)


# --- reading the tables ---------------------------------------------------------------------------------------------


def _node(content: str) -> int:
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


def _rows(connection: sqlite3.Connection, sql: str, values: Iterable[object]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query whose one parameter is a JSON list."""
    return iter(connection.execute(sql, (json.dumps(list(values)),)).fetchall())


def _nodes_of(connection: sqlite3.Connection, ids: Collection[str]) -> dict[str, int]:
    sql = "SELECT id, node FROM dedup_documents WHERE id IN (SELECT value FROM json_each(?))"
    return dict(_rows(connection, sql, ids))


def _documents_of(connection: sqlite3.Connection, nodes: Collection[int]) -> dict[int, list[Rank]]:
    """Return the ranks of the documents of each content that has any, in order."""
    sql = "SELECT node, day, url, id FROM dedup_documents WHERE node IN (SELECT value FROM json_each(?))"
    found: dict[int, list[Rank]] = {}
    for node, *rank in _rows(connection, sql, nodes):
        found.setdefault(node, []).append(tuple(rank))
    return {node: sorted(ranks) for node, ranks in found.items()}


def _known(connection: sqlite3.Connection, nodes: Collection[int]) -> set[int]:
    sql = "SELECT node FROM dedup_contents WHERE node IN (SELECT value FROM json_each(?))"
    return {node for (node,) in _rows(connection, sql, nodes)}


def _roots_of(connection: sqlite3.Connection, nodes: Collection[int]) -> set[int]:
    sql = "SELECT DISTINCT root FROM dedup_contents WHERE node IN (SELECT value FROM json_each(?))"
    return {root for (root,) in _rows(connection, sql, nodes)}


def _members_of(connection: sqlite3.Connection, roots: Collection[int]) -> set[int]:
    sql = "SELECT node FROM dedup_contents WHERE root IN (SELECT value FROM json_each(?)) AND root <> node"
    return {node for (node,) in _rows(connection, sql, roots)} | _known(connection, roots)


def _embedded_in(connection: sqlite3.Connection, nodes: Collection[int]) -> set[int]:
    """Return the contents that are embedded in one of `nodes`."""
    found: set[int] = set()
    for side in ("a", "b"):
        sql = f"""SELECT embedded FROM dedup_pairs
            WHERE {side} IN (SELECT value FROM json_each(?)) AND embedded <> {side}"""  # noqa: S608  # constants
        found.update(node for (node,) in _rows(connection, sql, nodes))
    return found


def _edges_among(connection: sqlite3.Connection, nodes: Collection[int]) -> list[Edge]:
    sql = """SELECT a, b, kind, similarity, near, template, embedded FROM dedup_pairs
        WHERE a IN (SELECT value FROM json_each(?)) AND kind <> 'contains' ORDER BY a, b"""
    return [Edge(*row) for row in _rows(connection, sql, nodes)]


def _known_pairs(connection: sqlite3.Connection, candidates: Collection[Pair]) -> set[Pair]:
    sql = """SELECT p.a, p.b FROM json_each(?) AS wanted JOIN dedup_pairs AS p
        ON p.a = json_extract(wanted.value, '$[0]') AND p.b = json_extract(wanted.value, '$[1]')"""
    return {(left, right) for left, right in _rows(connection, sql, candidates)}


def _keys_of(connection: sqlite3.Connection, nodes: Collection[int]) -> dict[int, _Keys]:
    sql = "SELECT node, keys FROM dedup_contents WHERE node IN (SELECT value FROM json_each(?))"
    found = {}
    for node, blob in _rows(connection, sql, nodes):
        keys = np.frombuffer(blob, "<i8").tolist()
        found[node] = _Keys(frozenset(keys[: fingerprint.BANDS]), frozenset(keys[fingerprint.BANDS :]))
    return found
