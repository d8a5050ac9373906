"""Components of pairs: on the driver by arrays, on the workers by joins; both give the smallest node."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyspark")

from corpus import graph
from corpus.spark.components import components, joined_components
from corpus.spark.snapshot import Snapshot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Pairs = list[tuple[int, int]]
PAIRS = st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), max_size=60)


def union_find(pairs: Pairs) -> dict[int, int]:
    edges = [graph.Edge(*pair, "near", 1.0, True, False, None) for pair in pairs]
    return graph.components({node for pair in pairs for node in pair}, edges)


@settings(max_examples=60)
@given(PAIRS)
def test_the_smallest_node_stands_for_its_component(pairs: Pairs) -> None:
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    nodes, roots = components(left, right)
    assert dict(zip(nodes.tolist(), roots.tolist())) == union_find(pairs)


def test_a_long_chain_in_any_order() -> None:
    chain = np.random.default_rng(3).permutation(np.arange(-5000, 5000))
    nodes, roots = components(chain[:-1].astype(np.int64), chain[1:].astype(np.int64))
    assert len(nodes) == 10_000
    assert set(roots.tolist()) == {-5000}


def random_graphs(numbers: random.Random) -> Pairs:
    """Return disjoint graphs in one list: sparse, about to hang together, dense, chains, a hub; ends in any order."""
    first = -(1 << 62)
    pairs: Pairs = []
    for nodes, edges in ((40, 15), (60, 30), (60, 60), (12, 50), (2, 1)):
        pairs += [(first + numbers.randrange(nodes), first + numbers.randrange(nodes)) for _ in range(edges)]
        first += 1000
    ordered = list(range(first, first + 200))
    shuffled = numbers.sample(range(first + 1000, first + 2000), 200)
    hub = [(first + 3000 + numbers.randrange(100), first + 3050) for _ in range(80)]
    pairs += [*pairwise(ordered), *pairwise(shuffled), *hub]
    numbers.shuffle(pairs)
    return [(a, b) if numbers.random() < 0.5 else (b, a) for a, b in pairs if a != b]


def test_on_the_workers_as_by_union_find(spark: SparkSession, tmp_path: Path) -> None:
    pairs = random_graphs(random.Random(23))
    snapshot = Snapshot(spark, str(tmp_path))
    found = joined_components(spark.createDataFrame(pairs, "a long, b long"), snapshot, "rounds")
    rows = [(row.node, row.hull) for row in found.collect()]
    assert dict(rows) == union_find(pairs)
    assert len(rows) == len(dict(rows))
    # Of all rounds only the last is left: each was read from disk, not made again from the one before.
    assert len(list((tmp_path / "rounds").iterdir())) == 1


def test_no_pairs_have_no_components(spark: SparkSession, tmp_path: Path) -> None:
    none = spark.createDataFrame([], "a long, b long")
    assert joined_components(none, Snapshot(spark, str(tmp_path)), "rounds").collect() == []
