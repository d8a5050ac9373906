"""Clusters as the tables hold them: who is the representative of what, and what each document is marked as.

A cluster is all that hangs together by exact and near pairs, a template cluster by template pairs; both together, with
the places that `corpus.graph` gives them, make a component. `refresh` arranges whole components anew; `corpus.joining`
adds to one without reading it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from corpus.dedup_tables import Documents, Kind, documents_of, edges_among, embedded_in, members_of, roots_of, rows
from corpus.graph import Edge, Place, Rank, arrange, components

ROOTS_AT_ONCE = 500
"""Components arranged together when all of them must be."""


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


def refresh(connection: sqlite3.Connection, roots: Collection[int]) -> None:
    """Arrange the clusters of `roots` (as stored) anew, with those embedded in them, and mark their documents."""
    if not roots:
        return
    nodes = members_of(connection, roots)
    nodes |= members_of(connection, roots_of(connection, embedded_in(connection, nodes)))
    documents = documents_of(connection, nodes)
    edges = edges_among(connection, nodes)
    ranks = {node: group[0] for node, group in documents.items()}
    places = arrange(ranks, edges)
    connection.executemany(
        PLACE,
        [(place.root, place.steps, node) for node, place in places.items()],
    )
    groups = _groups(documents, edges)
    _replace_clusters(connection, {*roots, *nodes}, documents, places, groups)
    marks = _marks(documents, places, groups)
    marks.update(_embedded_marks(connection, ranks, places, marks))
    connection.executemany(MARK, [(*mark, identifier) for identifier, mark in marks.items()])


def add_steps(connection: sqlite3.Connection) -> None:
    """Bring the tables of before schema 4 up to date: how many steps each content is from its root."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(dedup_contents)")}
    if "steps" in columns:
        return
    connection.execute("ALTER TABLE dedup_contents ADD COLUMN steps INTEGER NOT NULL DEFAULT 0")
    sql = "SELECT DISTINCT root FROM dedup_contents WHERE root <> node"
    roots = [root for (root,) in connection.execute(sql)]
    for first in range(0, len(roots), ROOTS_AT_ONCE):
        refresh(connection, roots[first : first + ROOTS_AT_ONCE])


PLACE = "UPDATE dedup_contents SET root = ?1, steps = ?2 WHERE node = ?3 AND (root <> ?1 OR steps <> ?2)"

MATCH = "UPDATE documents SET duplicate_of = ?1, duplicate_kind = ?2, similarity = ?3 WHERE id = ?4"

MARK = """UPDATE documents SET cluster_id = ?1, duplicate_of = ?2, duplicate_kind = ?3, similarity = ?4,
    template_cluster_id = ?5
WHERE id = ?6 AND (cluster_id IS NOT ?1 OR duplicate_of IS NOT ?2 OR duplicate_kind IS NOT ?3 OR similarity IS NOT ?4
    OR template_cluster_id IS NOT ?5)"""


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
        found_in = container_of(connection, node)
        if found_in is not None:
            identifier, similarity = found_in
            head = ranks[node][-1]
            found[head] = marks[head]._replace(duplicate_of=identifier, kind="contains", similarity=similarity)
    return found


def container_of(connection: sqlite3.Connection, node: int) -> tuple[str, float] | None:
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
    documents = documents_of(connection, [outer for outer, _ in found])
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


# --- contents one by one --------------------------------------------------------------------------------------------


class Stored(NamedTuple):
    """A content that is there already: where it stands, and its earliest document with what that is marked as.

    `match` is the rank of the document that it is marked a near or swapped copy of, `match_node` that one's content.
    """

    node: int
    root: int
    steps: int
    head: Rank
    match: Rank | None
    match_node: int | None
    cluster: str | None
    template: str | None


# Any document of a content leads to its earliest: the copies name it. The first row is no newcomer of this batch.
_STORED = """SELECT c.node, c.root, c.steps, head.day, head.url, head.id, match.day, match.url, match.id,
    match.node,     d.cluster_id, d.template_cluster_id
FROM dedup_contents AS c
JOIN documents AS some ON some.id = (SELECT id FROM dedup_documents WHERE node = c.node ORDER BY rowid LIMIT 1)
JOIN documents AS d ON d.id = CASE some.duplicate_kind WHEN 'exact' THEN some.duplicate_of ELSE some.id END
JOIN dedup_documents AS head ON head.id = d.id
LEFT JOIN dedup_documents AS match ON match.id = d.duplicate_of AND d.duplicate_kind <> 'contains'
WHERE c.node IN (SELECT value FROM json_each(?))"""


def read_stored(connection: sqlite3.Connection, nodes: Iterable[int]) -> dict[int, Stored]:
    """Return how contents are stored and marked; their documents must have been marked."""
    found = {}
    for node, root, steps, *rest in rows(connection, _STORED, nodes):
        match = tuple(rest[3:6]) if rest[3] is not None else None
        found[node] = Stored(node, root, steps, tuple(rest[:3]), match, *rest[6:])
    return found


def mark_embedded(connection: sqlite3.Connection, nodes: Collection[int]) -> None:
    """Mark those of `nodes` that match no other content as embedded in the one that holds them most fully, if any."""
    for node, stored in read_stored(connection, roots_of(connection, nodes).intersection(nodes)).items():
        found = container_of(connection, node)
        match = (None, None, None) if found is None else (found[0], "contains", found[1])
        connection.execute(MATCH, (*match, stored.head[-1]))
