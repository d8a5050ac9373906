"""Pairs that are candidates no more part contents from each other; mostly nothing hangs on one pair.

When a newcomer takes the lead in a bucket, the pairs of the leader before it may be candidates no more. Where both
contents of such a pair still hang together by their matches, only the match of one may change. Else the component is
arranged anew.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from corpus.buckets import Pair, pair
from corpus.clusters import MATCH, Stored, mark_embedded, read_stored
from corpus.dedup_tables import edges_of, rows
from corpus.graph import Edge

LONGEST_WAY = 64
"""Matches followed towards the root; a component with longer chains is arranged anew."""


def part(connection: sqlite3.Connection, lost: Sequence[Pair]) -> set[int]:
    """Delete verified pairs and mend the matches that they were; return the roots of components to arrange anew."""
    if not lost:
        return set()
    edges = _edges(connection, lost)
    connection.executemany("DELETE FROM dedup_pairs WHERE a = ? AND b = ?", lost)
    links = [edge for edge in edges if edge.near or edge.template]
    ends = read_stored(connection, {node for edge in links for node in edge[:2]})
    stale, matches = _rematch(connection, links, ends)
    apart = [edge for edge in links if ends[edge.left].root not in stale]
    ways = _Ways(connection, ends, matches, {node for edge in apart for node in edge[:2]})
    for edge in apart:
        swapped = edge.template and ends[edge.left].template is not None
        if (edge.near and not ways.meet(edge, "near")) or (swapped and not ways.meet(edge, "template")):
            stale.add(ends[edge.left].root)
    mark_embedded(connection, {edge.embedded for edge in edges if edge.embedded is not None})
    return stale


def _edges(connection: sqlite3.Connection, pairs: Collection[Pair]) -> list[Edge]:
    sql = """SELECT p.* FROM json_each(?) AS wanted JOIN dedup_pairs AS p
        ON p.a = json_extract(wanted.value, '$[0]') AND p.b = json_extract(wanted.value, '$[1]')"""
    return [Edge(*row) for row in rows(connection, sql, pairs)]


def _rematch(
    connection: sqlite3.Connection, lost: Iterable[Edge], ends: Mapping[int, Stored]
) -> tuple[set[int], dict[int, int]]:
    """Give those whose match is lost the next best one as near to the root.

    Returns the roots of components where one has none, and the new matches.
    """
    orphans = {node for edge in lost for node, other in (edge[:2], edge[1::-1]) if ends[node].match_node == other}
    beside: defaultdict[int, dict[int, Edge]] = defaultdict(dict)
    for edge in edges_of(connection, orphans):
        beside[edge.left][edge.right] = edge
        beside[edge.right][edge.left] = edge
    stored = read_stored(connection, {other for node in orphans for other in beside[node]})
    stale: set[int] = set()
    matches: dict[int, int] = {}
    for node in orphans:
        nearer = [other for other in beside[node] if stored[other].steps == ends[node].steps - 1]
        if not nearer:
            stale.add(ends[node].root)
            continue
        matches[node] = best = min(nearer, key=lambda other: stored[other].head)
        edge = beside[node][best]
        row = (stored[best].head[-1], edge.kind, edge.similarity, ends[node].head[-1])
        connection.execute(MATCH, row)
    return stale, matches


class _Ways:
    """The ways from contents to their roots, match by match."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        ends: Mapping[int, Stored],
        matches: Mapping[int, int],
        wanted: Collection[int],
    ) -> None:
        self._matches: dict[int, int] = {}
        known = dict(ends)
        level = set(wanted)
        for _ in range(LONGEST_WAY):
            known.update(read_stored(connection, level - known.keys()))
            found = {node: matches.get(node, known[node].match_node) for node in level}
            self._matches.update({node: match for node, match in found.items() if match is not None})
            level = {match for match in found.values() if match is not None} - self._matches.keys()
            if not level:
                break
        pairs = [pair(node, match) for node, match in self._matches.items()]
        self._edges = {(edge.left, edge.right): edge for edge in _edges(connection, pairs)}

    def meet(self, lost: Edge, by: Literal["near", "template"]) -> bool:
        """Whether both ends of a lost pair still come to one content by matches that are near, or template, pairs."""
        return not set(self._way(lost.left, by)).isdisjoint(self._way(lost.right, by))

    def _way(self, node: int, by: Literal["near", "template"]) -> list[int]:
        way = [node]
        while (match := self._matches.get(way[-1])) is not None and len(way) < LONGEST_WAY:
            edge = self._edges[pair(way[-1], match)]
            if not (edge.near if by == "near" else edge.template):
                break
            way.append(match)
        return way
