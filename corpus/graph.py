"""Clusters from verified pairs: pure, and the same for any order of nodes and edges.

Nodes are contents (distinct folded texts). Clusters are connected components; a component's root is its node of lowest
rank. Components chain on purpose: when an article was copied twice with different edits, the two copies may be further apart
than either is from the original, and they still are one article. What a chain must not do is name a match that was
never verified, so each node's match is a neighbour on a shortest path of verified edges to the root.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Literal, NamedTuple, TypeVar

Item = TypeVar("Item", bound=Hashable)
EdgeKind = Literal["near", "template", "contains"]
Rank = tuple[str, ...]
"""What orders contents; never equal for two nodes."""


class Edge(NamedTuple):
    """A verified pair of nodes.

    `kind` and `similarity` say how one duplicates the other; a pair can be near *and* equal by template, so whether it
    joins a cluster (`near`) or a template cluster (`template`) is said apart. `embedded` is the contained node.
    """

    left: int
    right: int
    kind: EdgeKind
    similarity: float
    near: bool
    template: bool
    embedded: int | None


class Place(NamedTuple):
    """Where a node stands: the root of all that hangs together, and its match (itself and no kind for a root).

    `steps` counts the pairs on a shortest path to the root.
    """

    root: int
    match: int
    kind: EdgeKind | None
    similarity: float | None
    steps: int


Neighbours = dict[int, dict[int, Edge]]


def arrange(ranks: Mapping[int, Rank], edges: Iterable[Edge]) -> dict[int, Place]:
    """Return the place of every node of `ranks` under the edges among them that are near or template.

    A node's match is, among its neighbours one step nearer to the root, the one of lowest rank.
    """
    neighbours = _neighbours(edge for edge in edges if edge.near or edge.template)
    places: dict[int, Place] = {}
    for root in sorted(ranks, key=ranks.__getitem__):
        if root not in places:
            _arrange_component(root, ranks, neighbours, places)
    return places


def _neighbours(edges: Iterable[Edge]) -> Neighbours:
    neighbours: Neighbours = {}
    for edge in edges:
        neighbours.setdefault(edge.left, {})[edge.right] = edge
        neighbours.setdefault(edge.right, {})[edge.left] = edge
    return neighbours


def _arrange_component(
    root: int, ranks: Mapping[int, Rank], neighbours: Neighbours, places: dict[int, Place]
) -> None:
    """Walk breadth first from `root`, each level in order of rank, and note each node's place."""
    places[root] = Place(root, root, None, None, 0)
    level = [root]
    while level:
        reached = []
        for node in level:
            for other, edge in neighbours.get(node, {}).items():
                if other not in places:
                    places[other] = Place(root, node, edge.kind, edge.similarity, places[node].steps + 1)
                    reached.append(other)
        level = sorted(reached, key=ranks.__getitem__)


def components(nodes: Iterable[int], edges: Iterable[Edge]) -> dict[int, int]:
    """Return, for each node, the smallest node of its connected component under `edges`."""
    parent = {node: node for node in nodes}
    for edge in edges:
        left, right = _find(parent, edge.left), _find(parent, edge.right)
        if left != right:
            parent[max(left, right)] = min(left, right)
    return {node: _find(parent, node) for node in parent}


def grouped(items: Iterable[Item], pairs: Iterable[tuple[Item, Item]]) -> list[list[Item]]:
    """Return the groups that `items` (repeats count once) fall into when each pair ties two of them."""
    parent = {item: item for item in items}
    for one, other in pairs:
        parent[_find(parent, other)] = _find(parent, one)
    groups: dict[Item, list[Item]] = {}
    for item in parent:
        groups.setdefault(_find(parent, item), []).append(item)
    return list(groups.values())


def _find(parent: dict[Item, Item], item: Item) -> Item:
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item
