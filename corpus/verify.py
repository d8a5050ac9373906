"""Verifying candidates: two texts are duplicates of each other by their exact similarity, or not at all.

* `near`: Jaccard of character 5-grams is at least NEAR.
* `template`: the swapped copy. Jaccard of the texts masked of lender, place and number names is at least TEMPLATE (the
  similarity given), and the plain Jaccard is lower, or the names account for most of what differs.
* `contains`: at least CONTAINED of a text's 5-grams stand in a larger one (the similarity given).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from corpus import buckets, fingerprint
from corpus.buckets import Pair
from corpus.dedup_tables import Keys, key_blobs, known_pairs
from corpus.fingerprint import I64, jaccard, least_shared, overlap
from corpus.graph import Edge, EdgeKind
from corpus.masking import Masker, Sets

NEAR = 0.8
"""Least Jaccard of a near duplicate. See the sweep that `python -m benchmarks.dedup` prints."""

TEMPLATE = 0.9
"""Least Jaccard of masked texts: what is left after masking must be all but the same."""

MASKED_SHARE = 0.5
"""A masked text with fewer shingles than this share of the plain text's is mostly names (a directory, a headline): what
is left of it says nothing about who copied whom, so it is no template."""

CONTAINED = 0.9
"""Least share of the embedded text's shingles in the larger one."""

SHARED_ANCHORS = 0.5
"""Pairs that share no band are looked at when this share of the anchors of the one with fewer is in both. Of an embedded
text's five anchors (300 shingles) at .9 each, fewer than half are in both with probability .009."""

CONTAINED_SHINGLES = 300
"""Shorter texts are never called embedded: a boilerplate paragraph stands in many articles."""

SWEPT = 8192
"""Members of a large bucket looked at together."""

COMPARED = 2048
"""Pairs whose keys are compared at once."""

SET_CACHE = 2048
"""Shingle sets held at once while verifying (about 16 KB each for an article)."""


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
    # What can't be reached is not counted to the end: most candidates are not alike.
    masked = jaccard(left.masked, right.masked, TEMPLATE) if _tells(left) and _tells(right) else 0.0
    template = masked >= TEMPLATE
    smaller, both = min(len(left.plain), len(right.plain)), len(left.plain) + len(right.plain)
    wanted = least_shared(NEAR, both)
    if smaller >= CONTAINED_SHINGLES:
        wanted = min(wanted, int(CONTAINED * smaller) - 1)
    shared = overlap(left.plain, right.plain, 0 if template else wanted)
    plain = shared / max(1, both - shared)
    near = plain >= NEAR
    # Names account for most of the difference when masking them removes half of it.
    swapped = masked == 1 or (left.names != right.names and 2 * (1 - masked) <= 1 - plain)
    if template and (swapped or not near):
        return Likeness("template", masked, near, template)
    if near:
        return Likeness("near", plain, near, template)
    if smaller >= CONTAINED_SHINGLES and shared >= CONTAINED * smaller:
        return Likeness("contains", shared / smaller, near, template)
    return None


def _tells(sets: Sets) -> bool:
    """Whether enough of a text is left when names are masked."""
    return len(sets.masked) >= MASKED_SHARE * len(sets.plain)


class Texts:
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
        self._held.update(zip(missing, self._masker.sets(texts)))
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


def verify(connection: sqlite3.Connection, changes: buckets.Changes, texts: Texts) -> list[Edge]:
    """Store those of the new candidates that are duplicates and weren't stored yet; return them."""
    edges = _verified(connection, _promising(connection, changes.gained), texts)
    for node, key in sorted(set(changes.leading)):
        for block in buckets.walk(connection, key, SWEPT):
            edges += _verified(connection, _promising(connection, buckets.pairs_with(node, block)), texts)
    return edges


def _verified(connection: sqlite3.Connection, candidates: set[Pair], texts: Texts) -> list[Edge]:
    ordered = sorted(candidates - known_pairs(connection, candidates))
    edges: list[Edge] = []
    for first in range(0, len(ordered), SET_CACHE // 8):
        block = ordered[first : first + SET_CACHE // 8]
        held = texts.sets({node for candidate in block for node in candidate})
        edges += filter(None, (edge_between(left, right, held[left], held[right]) for left, right in block))
    connection.executemany("INSERT INTO dedup_pairs VALUES (?, ?, ?, ?, ?, ?, ?)", edges)
    return edges


def _promising(connection: sqlite3.Connection, candidates: buckets.Pairs) -> set[Pair]:
    """Return those of `candidates` that share a band, or so many anchors that one may embed the other.

    An anchor in a notice that everybody carries makes candidates of everybody; this leaves them out, by the keys of the
    two alone (`is_promising` of all at once).
    """
    if not len(candidates):
        return set()
    blobs = key_blobs(connection, np.unique(candidates).tolist())
    shared = _SharedKeys.of([blobs[node] for node in sorted(blobs)])
    nodes = np.array(sorted(blobs), np.int64)
    places = np.searchsorted(nodes, candidates)
    found: set[Pair] = set()
    for first in range(0, len(candidates), COMPARED):
        block = slice(first, first + COMPARED)
        alike = shared.promising(places[block, 0], places[block, 1])
        found.update(zip(*candidates[block][alike].T.tolist(), strict=True))
    return found


class _SharedKeys(NamedTuple):
    """The keys that at least two of some contents have, as numbers that are odd for bands; and how many anchors each has.

    Content i has `numbers[bounds[i]:bounds[i + 1]]`.
    """

    numbers: I64
    bounds: I64
    anchors: I64

    @classmethod
    def of(cls, blobs: Sequence[bytes]) -> _SharedKeys:
        """Return the shared ones of contents' index keys, as `dedup_contents` holds them."""
        keys = np.frombuffer(b"".join(blobs), "<i8")
        counts = np.fromiter(map(len, blobs), np.int64, len(blobs)) // 8
        ends = np.cumsum(counts)
        owners = np.repeat(np.arange(len(blobs)), counts)
        is_band = np.arange(len(keys)) - (ends - counts)[owners] < fingerprint.BANDS
        _, numbers, times = np.unique(keys, return_inverse=True, return_counts=True)
        shared = np.flatnonzero(times[numbers] > 1)
        bounds = np.searchsorted(owners[shared], np.arange(len(blobs) + 1))
        return cls(2 * numbers[shared] + is_band[shared], bounds, np.maximum(counts - fingerprint.BANDS, 0))

    def promising(self, left: I64, right: I64) -> I64:
        """Return the places of those pairs of contents (`left[i]`, `right[i]`) that `is_promising` would take."""
        span = int(self.numbers.max(initial=0)) + 1
        span += span % 2
        both = np.sort(np.concatenate([self._of_pairs(left, span), self._of_pairs(right, span)]))
        common = both[1:][both[1:] == both[:-1]]
        pairs, is_band = common // span, common % 2 == 1
        bands = np.bincount(pairs[is_band], minlength=len(left))
        anchors = np.bincount(pairs[~is_band], minlength=len(left))
        least = np.maximum(1, SHARED_ANCHORS * np.minimum(self.anchors[left], self.anchors[right]))
        return np.flatnonzero((bands > 0) | (anchors >= least))

    def _of_pairs(self, contents: I64, span: int) -> I64:
        """Return the shared keys of one content of each pair, with the pair's place above them."""
        counts = np.diff(self.bounds)[contents]
        ends = np.cumsum(counts)
        pairs = np.repeat(np.arange(len(contents)), counts)
        within = np.arange(len(pairs)) - (ends - counts)[pairs]
        found: I64 = pairs * span + self.numbers[self.bounds[contents][pairs] + within]
        return found


def is_promising(left: Keys, right: Keys) -> bool:
    """Whether two candidates share a band, or so many anchors that one may embed the other."""
    if not left.bands.isdisjoint(right.bands):
        return True
    least = SHARED_ANCHORS * min(len(left.anchors), len(right.anchors))
    return len(left.anchors & right.anchors) >= max(1, least)


def edge_between(left: int, right: int, left_sets: Sets, right_sets: Sets) -> Edge | None:
    """Return the verified pair of two contents (the smaller first) by their sets, None where they are not alike."""
    likeness = compare(left_sets, right_sets)
    if likeness is None:
        return None
    embedded = None
    if likeness.kind == "contains":
        embedded = left if len(left_sets.plain) < len(right_sets.plain) else right
    return Edge(left, right, *likeness, embedded)
