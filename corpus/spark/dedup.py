"""Duplicates on Spark: keys, buckets, verified pairs and clusters, each by the room's own functions.

    documents -> keys         `fingerprint.fingerprint` in Arrow batches
    keys -> candidates        a bucket's `buckets.LEADERS` smallest contents with all of its members, as the embedded
                              index has them: the cap depends on a bucket's content alone, and cuts a bucket of m
                              contents from m*m pairs to 8*m
    candidates -> pairs       the rule of `verify.is_promising` by the keys of the two, `verify.edge_between` by their texts
    pairs -> components       the smallest node of each, see `corpus.spark.components`
    components -> clusters    `clusters.refresh` over tables in memory, whole components at a time

Nodes are contents (the first 64 bits of the folded text's hash), so copies of one text are one node.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation calls it

from corpus import buckets, dedup, fingerprint
from corpus.clusters import refresh
from corpus.graph import Edge
from corpus.masking import default_masker
from corpus.spark.components import components, joined_components
from corpus.spark.golden import expect_golden
from corpus.spark.rows import Row, batches, brought_together, rows_of, spark_schema
from corpus.spark.snapshot import STAGE, Snapshot
from corpus.verify import SET_CACHE, SHARED_ANCHORS, Texts, edge_between

KEYED = pa.schema(
    [("id", pa.string()), ("node", pa.int64()), ("day", pa.string()), ("url", pa.string()), ("length", pa.int64()),
     ("keys", pa.list_(pa.int64()))]
)  # fmt: skip
"""A document's content, rank and keys (band keys, then anchors)."""

PAIRS = pa.schema(
    [("a", pa.int64()), ("b", pa.int64()), ("kind", pa.string()), ("similarity", pa.float64()), ("near", pa.bool_()),
     ("template", pa.bool_()), ("embedded", pa.int64())]
)  # fmt: skip
"""A verified pair of contents; see `corpus.graph.Edge`."""

DUPLICATES = pa.schema(
    [("id", pa.string()), ("cluster_id", pa.string()), ("duplicate_of", pa.string()), ("duplicate_kind", pa.string()),
     ("similarity", pa.float64()), ("template_cluster_id", pa.string())]
)  # fmt: skip
"""What a document is marked as; documents that nothing is like have no row."""

CLUSTERS = pa.schema(
    [("id", pa.string()), ("root", pa.int64()), ("documents", pa.int64()), ("contents", pa.int64()),
     ("template_cluster_id", pa.string())]
)  # fmt: skip

_ARRANGED = pa.schema([("of", pa.string()), *DUPLICATES, *[f for f in CLUSTERS if f.name not in DUPLICATES.names]])
_VERIFIED_TOGETHER = SET_CACHE // 8
_ARRANGED_TOGETHER = 2000
"""Rows (documents and pairs) arranged together, or as many as one component has."""


# --- keys -----------------------------------------------------------------------------------------------------------


def keyed(documents: DataFrame, golden: str) -> DataFrame:
    """Return content, rank and keys of each document; only workers that `golden` is the digest of make them."""
    columns = documents.select("id", "url", "text", "published", "first_seen")
    return columns.mapInArrow(partial(_key, golden=golden), spark_schema(KEYED))


def _key(given: Iterable[pa.RecordBatch], golden: str) -> Iterator[pa.RecordBatch]:
    expect_golden(golden)
    masker = default_masker()
    for batch in given:
        rows = batch.to_pylist()
        prints = fingerprint.fingerprint([row["text"] for row in rows], masker.mask_folded)
        found = [
            {
                "id": row["id"],
                "node": dedup.node_of(content),
                "day": dedup.rank_day(row["published"], row["first_seen"]),
                "url": row["url"],
                "length": int(prints.lengths[index]),
                "keys": prints.keys.row(index).view(np.int64),
            }
            for index, (row, content) in enumerate(zip(rows, prints.content_hashes))
        ]
        yield pa.RecordBatch.from_pylist(found, KEYED)


def contents_of(keys: DataFrame) -> DataFrame:
    """Return each content once: its node, keys, length, and the id of a document that has it."""
    grouped = keys.groupBy("node")
    return grouped.agg(F.min("id").alias("id"), F.first("keys").alias("keys"), F.first("length").alias("length"))


# --- pairs ----------------------------------------------------------------------------------------------------------


def shared_keys(contents: DataFrame) -> DataFrame:
    """Return (key, node, band, place) of the keys that several contents have: `place` is the node's in its bucket.

    Most keys are one content's alone; nothing comes of them.
    """
    rows = contents.select("node", F.posexplode("keys").alias("position", "key"))
    order = Window.partitionBy("key").orderBy("node")
    placed = rows.select(
        "key",
        "node",
        (F.col("position") < fingerprint.BANDS).alias("band"),
        F.row_number().over(order).alias("place"),
        F.lead("node").over(order).alias("following"),
    )
    return placed.where("place > 1 OR following IS NOT NULL").drop("following")


def candidates(shared: DataFrame) -> DataFrame:
    """Return the candidate pairs of contents, the smaller first, each once; `band` where a band brings them together."""
    led = shared.where(F.col("place") <= buckets.LEADERS).select("key", F.col("node").alias("leader"))
    met = shared.join(led, "key").where("node <> leader")
    pairs = met.select(F.least("node", "leader").alias("a"), F.greatest("node", "leader").alias("b"), "band")
    return pairs.groupBy("a", "b").agg(F.max("band").alias("band"))


def promising(pairs: DataFrame, shared: DataFrame, contents: DataFrame) -> DataFrame:
    """Return those candidates that `verify.is_promising` would have by the keys of the two.

    As an expression of Spark's, since a notice that everybody carries makes some ten candidates a document, of which
    hardly one is left; a test holds it to the function.
    """
    keys = shared.groupBy("node").agg(
        F.collect_list(F.when(F.col("band"), F.col("key"))).alias("bands"),
        F.collect_list(F.when(~F.col("band"), F.col("key"))).alias("anchors"),
    )
    counts = contents.select("node", F.greatest(F.size("keys") - fingerprint.BANDS, F.lit(0)).alias("count"))
    sides = keys.join(counts, "node")
    left, right = (
        sides.select(*[F.col(name).alias(f"{side}_{name}" if name != "node" else side) for name in sides.columns])
        for side in ("a", "b")
    )
    both = pairs.where("NOT band").join(left, "a").join(right, "b")
    shares_band = F.arrays_overlap("a_bands", "b_bands")
    least = F.greatest(F.lit(1.0), F.lit(SHARED_ANCHORS) * F.least("a_count", "b_count"))
    shares_anchors = F.size(F.array_intersect("a_anchors", "b_anchors")) >= least
    return (
        pairs.where("band").select("a", "b").unionByName(both.where(shares_band | shares_anchors).select("a", "b"))
    )


def verified(pairs: DataFrame, contents: DataFrame, documents: DataFrame) -> DataFrame:
    """Return the pairs whose texts are alike, with the columns of PAIRS."""
    texts = contents.select("node", "id").join(documents.select("id", "text"), "id")
    left = texts.select(F.col("node").alias("a"), F.col("text").alias("a_text"))
    right = texts.select(F.col("node").alias("b"), F.col("text").alias("b_text"))
    # Pairs of one content stand together, so that its shingles are made once.
    joined = brought_together(pairs.join(left, "a").join(right, "b"), "a", "b")
    return joined.mapInArrow(_verify, spark_schema(PAIRS))


def _verify(given: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches((_pair_row(edge) for batch in given for edge in _edges(batch.to_pylist())), PAIRS)


def _pair_row(edge: Edge) -> Row:
    return dict(zip(PAIRS.names, edge))


def _edges(rows: Sequence[Row]) -> Iterator[Edge]:
    """Yield the verified pairs of a batch."""
    given = {row[side]: row[f"{side}_text"] for row in rows for side in ("a", "b")}
    texts = Texts(sqlite3.connect(":memory:"), default_masker(), given)
    for first in range(0, len(rows), _VERIFIED_TOGETHER):
        block = rows[first : first + _VERIFIED_TOGETHER]
        held = texts.sets({row[side] for row in block for side in ("a", "b")})
        for row in block:
            edge = edge_between(row["a"], row["b"], held[row["a"]], held[row["b"]])
            if edge is not None:
                yield edge


# --- components and clusters ----------------------------------------------------------------------------------------


def hulls(pairs: DataFrame, snapshot: Snapshot, driver_pairs: int) -> DataFrame:
    """Return (node, hull): for each content of a pair the smallest that it hangs together with by pairs of any kind.

    Up to `driver_pairs` pairs are brought together on the driver, more on the workers.
    """
    if pairs.count() > driver_pairs:
        return snapshot.write(f"{STAGE}/hulls", joined_components(pairs, snapshot, f"{STAGE}/stars"))
    table = pairs.select("a", "b").toArrow()
    nodes, roots = components(table["a"].to_numpy(), table["b"].to_numpy())
    found = pa.table({"node": nodes, "hull": roots}, pa.schema([("node", pa.int64()), ("hull", pa.int64())]))
    return _frame(pairs.sparkSession, found)


def _frame(spark: SparkSession, table: pa.Table) -> DataFrame:
    return spark.createDataFrame(table, spark_schema(table.schema))


def arranged(keys: DataFrame, pairs: DataFrame, hull_of: DataFrame) -> DataFrame:
    """Return rows of DUPLICATES and of CLUSTERS, told apart by the column `of`."""
    copies = keys.groupBy("node").agg(F.count(F.lit(1)).alias("copies"))
    members = (
        keys.select("id", "node", "day", "url", "length")
        .join(copies, "node")
        .join(hull_of, "node", "left")
        .where("hull IS NOT NULL OR copies > 1")
        .withColumn("hull", F.coalesce("hull", "node"))
        .drop("copies")
    )
    links = pairs.join(hull_of.withColumnRenamed("node", "a"), "a")
    together = brought_together(members.unionByName(links, allowMissingColumns=True), "hull")
    return together.mapInArrow(_arrange, spark_schema(_ARRANGED))


def duplicates(arranged_rows: DataFrame) -> DataFrame:
    """Return the rows of DUPLICATES."""
    return arranged_rows.where("of = 'duplicates'").select(*DUPLICATES.names)


def clusters(arranged_rows: DataFrame) -> DataFrame:
    """Return the rows of CLUSTERS."""
    return arranged_rows.where("of = 'clusters'").select(*CLUSTERS.names)


def _arrange(given: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches((row for rows in _by_hull(rows_of(given)) for row in _arrange_rows(rows)), _ARRANGED)


def _by_hull(rows: Iterable[Row]) -> Iterator[list[Row]]:
    held: list[Row] = []
    for _, members in groupby(rows, key=itemgetter("hull")):
        held += members
        if len(held) >= _ARRANGED_TOGETHER:
            yield held
            held = []
    if held:
        yield held


def _arrange_rows(rows: Sequence[Row]) -> Iterator[Row]:
    connection = _tables(rows)
    refresh(connection, {row["node"] for row in rows if row["id"] is not None})
    for of, schema in (("duplicates", DUPLICATES), ("clusters", CLUSTERS)):
        source = _MARKED if of == "duplicates" else "clusters"
        for values in connection.execute(f"SELECT {', '.join(schema.names)} FROM {source}"):  # noqa: S608  # constants
            yield {**dict.fromkeys(_ARRANGED.names), "of": of, **dict(zip(schema.names, values))}


_MARKED = "documents WHERE coalesce(cluster_id, duplicate_of, template_cluster_id) IS NOT NULL"


def _tables(rows: Sequence[Row]) -> sqlite3.Connection:
    """Return a database with the tables of deduplication, holding `rows`: documents, and pairs between their contents."""
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE TABLE documents (id TEXT PRIMARY KEY, cluster_id TEXT, duplicate_of TEXT, duplicate_kind TEXT,"
        " similarity REAL, template_cluster_id TEXT)"
    )
    for statement in dedup.DDL:
        connection.execute(statement)
    documents = [row for row in rows if row["id"] is not None]
    connection.executemany("INSERT INTO documents (id) VALUES (:id)", documents)
    connection.executemany(
        "INSERT INTO dedup_documents (id, node, day, url) VALUES (:id, :node, :day, :url)", documents
    )
    contents: Mapping[int, Row] = {row["node"]: row for row in documents}
    connection.executemany(
        "INSERT INTO dedup_contents (node, keys, length, root) VALUES (:node, x'', :length, :node)",
        contents.values(),
    )
    connection.executemany(
        "INSERT INTO dedup_pairs (a, b, kind, similarity, near, template, embedded)"
        " VALUES (:a, :b, :kind, :similarity, :near, :template, :embedded)",
        [row for row in rows if row["id"] is None],
    )
    return connection
