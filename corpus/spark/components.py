"""Connected components of many pairs on the driver: arrays instead of a dictionary, for millions of pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]

MOST_PAIRS = 20_000_000
"""Pairs that the driver takes: 4 million took 367 MB of arrays and 4.8 s of processor time."""


class TooManyPairsError(Exception):
    """More verified pairs than the driver can take; the text says what to do."""


def components(left: I64, right: I64) -> tuple[I64, I64]:
    """Return the distinct nodes of the pairs, in order, and for each the smallest node that it hangs together with.

    Each round hooks every tree onto the smallest root beside it and then shortens all ways to the roots (Shiloach and
    Vishkin 1982), so the number of rounds grows with the logarithm of the longest chain.
    """
    nodes, ends = np.unique(np.concatenate([left, right]), return_inverse=True)
    one, other = ends[: len(left)], ends[len(left) :]
    parent = np.arange(len(nodes))
    while True:
        low = np.minimum(parent[one], parent[other])
        high = np.maximum(parent[one], parent[other])
        apart = low != high
        if not apart.any():
            return nodes, nodes[parent]
        # Roots only ever move to smaller ones, so there are no cycles, and the smallest node stays its own root.
        np.minimum.at(parent, high[apart], low[apart])
        while (parent[parent] != parent).any():
            parent = parent[parent]
        one, other = one[apart], other[apart]
