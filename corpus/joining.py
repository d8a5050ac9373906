"""New contents and copies join the clusters that are there, without those being read: the cost is in what is new.

A component of thousands of copies changes little when one more comes: the newcomer finds its place one step behind its
best neighbour, takes over that neighbour's cluster, and perhaps becomes a better match of some neighbour. Where more
than that would change (the newcomer is the earliest of all or of its cluster, it ties two clusters, it shortens a way to
the root), the whole component is arranged anew by `corpus.clusters.refresh`. Both ways lead to the same rows; that is
what the tests of permutations, batches and removals hold.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from corpus.clusters import MARK, MATCH, PLACE, Duplicate, Stored, mark_embedded, read_stored, refresh
from corpus.graph import Edge, Rank, components, grouped

_Ranks = Mapping[int, Sequence[Rank]]
_Key = int | str | tuple[str, int | str]
"""What stands for a group that is there: its id, or a content that has no company (see `_near_key`, `_alike_key`)."""


def copies_join(connection: sqlite3.Connection, ranks: _Ranks) -> set[int]:
    """Mark further documents of contents that are there, given by their ranks in order, as exact copies.

    To be called before they stand in `dedup_documents`. Returns the roots of components that must be arranged anew,
    because a newcomer is earlier than every document of its content.
    """
    stale: set[int] = set()
    for node, old in read_stored(connection, ranks).items():
        if ranks[node][0] < old.head:
            stale.add(old.root)
        else:
            _mark_copies(connection, old, ranks[node])
    return stale


def _mark_copies(connection: sqlite3.Connection, old: Stored, copies: Sequence[Rank]) -> None:
    head = old.head[-1]
    cluster = old.cluster or head
    mark = Duplicate(cluster, head, "exact", 1.0, old.template)
    connection.executemany(MARK, [(*mark, rank[-1]) for rank in copies])
    if old.cluster is None:
        connection.execute(_OWN_CLUSTER, (cluster, head))
        connection.execute(_NEW_CLUSTER, (cluster, old.root, 1 + len(copies), 1, old.template))
    else:
        connection.execute(_GROW_CLUSTER, (len(copies), 0, None, cluster))


def join(connection: sqlite3.Connection, new: _Ranks, edges: Sequence[Edge], stale: Collection[int]) -> None:
    """Arrange new contents, given with their documents' ranks in order, by the verified pairs that they have.

    Every one of `edges` has a new content in it. Components whose roots are in `stale` are arranged anew.
    """
    links = [edge for edge in edges if edge.near or edge.template]
    old = read_stored(connection, {node for edge in links for node in edge[:2]} - new.keys())
    again = set(stale)
    for group in _groups(new, links, old):
        (root,) = group.roots if len(group.roots) == 1 else (None,)
        if root is None or root in again or not _Attachment(connection, root, group, new, old).store():
            again |= group.roots
            if group.roots or len(group.nodes) > 1 or len(new[group.nodes[0]]) > 1:
                again.update(group.nodes)
    refresh(connection, again)
    mark_embedded(connection, {edge.embedded for edge in edges if edge.embedded is not None})


# --- groups ---------------------------------------------------------------------------------------------------------


class _Group(NamedTuple):
    """New contents that hang together, by way of components that are there too: their roots, and the pairs."""

    nodes: list[int]
    roots: set[int]
    edges: list[Edge]


def _groups(new: _Ranks, links: Iterable[Edge], old: Mapping[int, Stored]) -> list[_Group]:
    def place(node: int) -> int:
        return old[node].root if node in old else node

    roots = {found.root for found in old.values()}
    placed = [(edge, edge._replace(left=place(edge.left), right=place(edge.right))) for edge in links]
    first = components([*new, *roots], [edge for _, edge in placed])
    groups: defaultdict[int, _Group] = defaultdict(lambda: _Group([], set(), []))
    for node in new:
        groups[first[node]].nodes.append(node)
    for root in roots:
        groups[first[root]].roots.add(root)
    for edge, ends in placed:
        groups[first[ends.left]].edges.append(edge)
    return list(groups.values())


class _MoreChangesError(Exception):
    """More changes than what is new: the component must be arranged as a whole."""


class _Attachment:
    """One group of new contents to be put into one component."""

    def __init__(
        self, connection: sqlite3.Connection, root: int, group: _Group, new: _Ranks, old: Mapping[int, Stored]
    ) -> None:
        self._connection = connection
        self._root = root
        self._new = {node: new[node] for node in group.nodes}
        self._neighbours: dict[int, dict[int, Edge]] = {}
        for edge in group.edges:
            self._neighbours.setdefault(edge.left, {})[edge.right] = edge
            self._neighbours.setdefault(edge.right, {})[edge.left] = edge
        self._edges = group.edges
        self._old = {node: old[node] for node in self._neighbours if node in old}

    def store(self) -> bool:
        """Store where the new contents stand; return False, with nothing changed, where that isn't all that changes."""
        try:
            self._expect_later(read_stored(self._connection, [self._root])[self._root].head)
            steps = self._steps()
            self._cluster_ids = self._join_clusters()
            self._template_ids = self._join_templates()
        except _MoreChangesError:
            return False
        self._store_places(steps)
        self._store_clusters()
        return True

    def _head(self, node: int) -> Rank:
        return self._old[node].head if node in self._old else self._new[node][0]

    def _expect_later(self, *ranks: Rank, nodes: Iterable[int] | None = None) -> None:
        """Raise _MoreChangesError unless the new contents (or those of `nodes`) come after each of `ranks`."""
        earliest = min(self._new[node][0] for node in (self._new if nodes is None else nodes))
        if any(earliest < rank for rank in ranks):
            raise _MoreChangesError

    # Ways to the root

    def _steps(self) -> dict[int, int]:
        """Return how many steps each content, new or beside one, is from the root; no old one's may have changed."""
        steps = {node: old.steps for node, old in self._old.items()}
        queue = [(count, node) for node, count in steps.items()]
        heapify(queue)
        while queue:
            count, node = heappop(queue)
            for other in self._neighbours[node]:
                if count + 1 < steps.get(other, count + 2):
                    if other in self._old:
                        raise _MoreChangesError
                    steps[other] = count + 1
                    heappush(queue, (count + 1, other))
        return steps

    def _store_places(self, steps: Mapping[int, int]) -> None:
        self._connection.executemany(PLACE, [(self._root, steps[node], node) for node in self._new])
        for node in self._new:
            match = self._best(node, steps)
            edge = self._neighbours[node][match]
            cluster, template = self._cluster_ids[node], self._template_ids.get(node)
            head, *copies = (rank[-1] for rank in self._new[node])
            marks = [(Duplicate(cluster, self._head(match)[-1], edge.kind, edge.similarity, template), head)]
            marks += [(Duplicate(cluster, head, "exact", 1.0, template), copy) for copy in copies]
            self._connection.executemany(MARK, [(*mark, identifier) for mark, identifier in marks])
        for node, old in self._old.items():
            self._better_match(node, old, steps)

    def _best(self, node: int, steps: Mapping[int, int]) -> int:
        """Return the neighbour of lowest rank one step nearer to the root."""
        nearer = [other for other in self._neighbours[node] if steps[other] == steps[node] - 1]
        return min(nearer, key=self._head)

    def _better_match(self, node: int, old: Stored, steps: Mapping[int, int]) -> None:
        """Let an old content match a new one that ranks lower than its match so far."""
        nearer = [
            other for other in self._neighbours[node] if other in self._new and steps[other] == old.steps - 1
        ]
        if old.match is None or not nearer:
            return
        best = min(nearer, key=self._head)
        if self._head(best) < old.match:
            edge = self._neighbours[node][best]
            self._connection.execute(MATCH, (self._head(best)[-1], edge.kind, edge.similarity, old.head[-1]))

    # Clusters

    def _join_clusters(self) -> dict[int, str | None]:
        """Return the cluster id of each content, new or beside one."""
        self._near_group: dict[_Key, int] = {}
        self._clusters: list[_Near] = []
        ids: dict[int, str | None] = {node: old.cluster for node, old in self._old.items()}
        pairs = [(self._near_key(edge.left), self._near_key(edge.right)) for edge in self._edges if edge.near]
        for keys in grouped([*self._new, *(key for pair in pairs for key in pair)], pairs):
            nodes = [key for key in keys if key in self._new]
            found = self._near(nodes, [key for key in keys if key not in self._new])
            self._near_group.update(dict.fromkeys(keys, len(self._clusters)))
            self._clusters.append(found)
            ids.update(dict.fromkeys((*nodes, *found.alone), found.id))
        return ids

    def _near_key(self, node: int) -> _Key:
        if node in self._old:
            return self._old[node].cluster or node
        return node

    def _near(self, nodes: Sequence[_Key], there: Sequence[_Key]) -> _Near:
        """Return the cluster that new contents make with one that is there, or a content alone, or among themselves."""
        new = [node for node in nodes if isinstance(node, int)]
        documents = sum(len(self._new[node]) for node in new)
        heads = [self._new[node][0] for node in new]
        if len(there) > 1:
            raise _MoreChangesError
        for key in there:
            if isinstance(key, str):
                self._expect_later(_rank_of(self._connection, key), nodes=new)
                return _Near(key, documents, new, [], True)
            if isinstance(key, int):
                heads.append(self._old[key].head)
                return _Near(min(heads)[-1], documents + 1, new, [key], False)
        return _Near(min(heads)[-1] if documents > 1 else None, documents, new, [], False)

    def _store_clusters(self) -> None:
        for near in self._clusters:
            templates = [self._template_ids.get(node) for node in near.new]
            templates += [self._old[node].template for node in near.alone]
            template = min(filter(None, templates), default=None)
            contents = len(near.new) + len(near.alone)
            if near.grown:
                self._connection.execute(_GROW_CLUSTER, (near.documents, contents, template, near.id))
            elif near.id is not None:
                self._connection.execute(_NEW_CLUSTER, (near.id, self._root, near.documents, contents, template))
            for node in near.alone:
                self._connection.execute(_OWN_CLUSTER, (near.id, self._old[node].head[-1]))

    # Template clusters

    def _join_templates(self) -> dict[int, str | None]:
        """Return the template cluster id of each new content that has one."""
        ids: dict[int, str | None] = {}
        pairs = [(self._alike_key(e.left), self._alike_key(e.right)) for e in self._edges if e.template]
        for keys in grouped([key for pair in pairs for key in pair], pairs):
            nodes = [key for key in keys if isinstance(key, int)]
            there = [key for key in keys if isinstance(key, str)]
            ids.update(
                dict.fromkeys(nodes, self._template(nodes, there, [k for k in keys if isinstance(k, tuple)]))
            )
        return ids

    def _alike_key(self, node: int) -> _Key:
        """Return a new content itself, the template cluster of an old one, or `within` and its cluster if it has none.

        An old content without a template cluster has its fellows, if any, within its own cluster.
        """
        if node not in self._old:
            return node
        old = self._old[node]
        return old.template or ("within", old.cluster or node)

    def _template(
        self, nodes: Sequence[int], there: Sequence[str], within: Sequence[tuple[str, int | str]]
    ) -> str | None:
        groups = {self._near_group[node] for node in nodes}
        beside = {self._near_group.get(key) for _, key in within}
        if there:
            if len(there) > 1 or within:
                raise _MoreChangesError
            self._expect_later(_rank_of(self._connection, there[0]), nodes=nodes)
            return there[0]
        if len(groups) == 1 and beside <= groups:
            return None
        if within:
            raise _MoreChangesError
        return min(self._new[node][0] for node in nodes)[-1]


class _Near(NamedTuple):
    """A cluster with new contents: its id if it has one, documents and contents that it gains, the old one among them
    that had no company, and whether the cluster was there."""

    id: str | None
    documents: int
    new: list[int]
    alone: list[int]
    grown: bool


# --- the tables -----------------------------------------------------------------------------------------------------

_OWN_CLUSTER = "UPDATE documents SET cluster_id = ?1 WHERE id = ?2"
_NEW_CLUSTER = "INSERT INTO clusters (id, root, documents, contents, template_cluster_id) VALUES (?, ?, ?, ?, ?)"
_GROW_CLUSTER = """UPDATE clusters SET documents = documents + ?1, contents = contents + ?2, template_cluster_id =
    CASE WHEN template_cluster_id < ?3 OR ?3 IS NULL THEN template_cluster_id ELSE ?3 END
WHERE id = ?4"""


def _rank_of(connection: sqlite3.Connection, identifier: str) -> Rank:
    """Return the rank of a document."""
    sql = "SELECT day, url, id FROM dedup_documents WHERE id = ?"
    return tuple(connection.execute(sql, (identifier,)).fetchone())
