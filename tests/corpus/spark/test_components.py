from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pyspark")

from corpus import graph
from corpus.spark.components import components

PAIRS = st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), max_size=60)


@settings(max_examples=60)
@given(PAIRS)
def test_the_smallest_node_stands_for_its_component(pairs: list[tuple[int, int]]) -> None:
    left, right = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    nodes, roots = components(left, right)
    edges = [graph.Edge(*pair, "near", 1.0, True, False, None) for pair in pairs]
    assert dict(zip(nodes.tolist(), roots.tolist())) == graph.components({n for p in pairs for n in p}, edges)


def test_a_long_chain_in_any_order() -> None:
    chain = np.random.default_rng(3).permutation(np.arange(-5000, 5000))
    nodes, roots = components(chain[:-1].astype(np.int64), chain[1:].astype(np.int64))
    assert len(nodes) == 10_000
    assert set(roots.tolist()) == {-5000}
