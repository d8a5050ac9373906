"""Connected components of many pairs: arrays on the driver, or above what it takes, joins on the workers.

Both give each node the smallest one that it hangs together with, so which of them ran is not to be seen in a result.
"""

from __future__ import annotations

from itertools import count

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation calls it

from corpus.spark.snapshot import Snapshot

I64 = NDArray[np.int64]

DRIVER_PAIRS = 20_000_000
"""Pairs that the driver takes: 4 million took 367 MB of arrays and 4.8 s of processor time."""


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


def joined_components(pairs: DataFrame, snapshot: Snapshot, stage: str) -> DataFrame:
    """Return (node, hull) as `components` has them, by large-star and small-star steps (Kiveris and others 2014).

    `pairs` has the columns a and b. Every round is written below `stage`, as a plan that grew round by round would be
    planned and, after a fault, run again from its beginning. Rounds grow with the logarithm of the longest chain.
    """
    links = (
        pairs.where("a <> b")
        .select(F.greatest("a", "b").alias("node"), F.least("a", "b").alias("other"))
        .distinct()
    )
    links = snapshot.write(f"{stage}/0", links)
    for number in count(1):
        if _are_stars(links):
            break
        links = snapshot.write(f"{stage}/{number}", _small_star(_large_star(links)))
        snapshot.delete(f"{stage}/{number - 1}")
    roots = links.select(F.col("other").alias("node"), F.col("other").alias("hull")).distinct()
    return links.select("node", F.col("other").alias("hull")).unionByName(roots)


def _large_star(links: DataFrame) -> DataFrame:
    """Tie every larger neighbour of a node to the smallest of them all. Of a link, `node` is the larger end."""
    turned = links.select(F.col("other").alias("node"), F.col("node").alias("other"))
    both = links.unionByName(turned)
    # Minimum and join instead of a list of neighbours: a node with millions of them stays one row, and its join is split.
    least = both.groupBy("node").agg(F.min("other").alias("least"))
    found = both.join(least, "node").where("other > node")
    return found.select(F.col("other").alias("node"), F.least("node", "least").alias("other")).distinct()


def _small_star(links: DataFrame) -> DataFrame:
    """Tie a node and its smaller neighbours to the smallest of them."""
    least = links.groupBy("node").agg(F.min("other").alias("least"))
    others = (
        links.join(least, "node")
        .where("other <> least")
        .select(F.col("other").alias("node"), F.col("least").alias("other"))
    )
    return others.unionByName(least.withColumnRenamed("least", "other")).distinct()


def _are_stars(links: DataFrame) -> bool:
    """Whether every node hangs on one other, and on none that hangs itself."""
    ends = links.select("node", F.lit(1).alias("up"), F.lit(0).alias("below")).unionByName(
        links.select(F.col("other").alias("node"), F.lit(0).alias("up"), F.lit(1).alias("below"))
    )
    seen = ends.groupBy("node").agg(F.sum("up").alias("up"), F.max("below").alias("below"))
    return seen.where("up > 1 OR (up = 1 AND below = 1)").isEmpty()
