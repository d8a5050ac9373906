"""Both paths give the same rows, and Spark's does so however the input is dealt out."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("pyspark")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus import buckets, graph
from corpus.dedup_tables import Keys
from corpus.fingerprint import BANDS
from corpus.spark import dedup, job
from corpus.spark.collect import collect
from corpus.spark.components import DRIVER_PAIRS
from corpus.spark.digest import digests_of_corpus, digests_of_result
from corpus.spark.reading import local_files, read_inputs
from corpus.spark.rows import FETCHES
from corpus.store import Corpus, CorpusError
from corpus.verify import is_promising
from tests.corpus.spark.conftest import SETTINGS, Embedded

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def build(
    spark: SparkSession,
    inputs: list[str],
    out: Path,
    like: Embedded,
    partitions: int | None = None,
    driver_pairs: int = DRIVER_PAIRS,
) -> str:
    job.clean(spark, inputs, str(out), job.Beforehand.of(like.database), partitions=partitions)
    job.deduplicate(spark, str(out), driver_pairs=driver_pairs)
    return str(out)


@pytest.fixture(scope="module")
def shuffled(spark: SparkSession, small: Embedded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small corpus' fetches as Parquet, in no order."""
    fetches = [row.asDict() for row in read_inputs(spark, [str(small.archive)]).collect()]
    fetches = [{**row, "seq": row["number"] + 1} for row in fetches]
    random.Random(11).shuffle(fetches)
    source = tmp_path_factory.mktemp("shuffled") / "fetches.parquet"
    source.mkdir()
    schema = pa.schema([*FETCHES, ("seq", pa.int64())])
    for name, part in (("b", fetches[:9]), ("a", fetches[9:])):
        pq.write_table(pa.Table.from_pylist(part, schema), source / f"{name}.parquet")
    return source


def test_the_corpora_hold_what_is_compared(small: Embedded, large: Embedded) -> None:
    with Corpus(small.database, readonly=True) as corpus:
        kinds = dict(
            corpus.connection.execute("SELECT duplicate_kind, count(*) FROM documents GROUP BY 1").fetchall()
        )
        assert {"exact", "near", "template", "contains"} <= kinds.keys()
        assert corpus.count("versions") >= 1
        assert corpus.count("farms") >= 1
        assert corpus.count("rejections") >= 1
    with Corpus(large.database, readonly=True) as corpus:
        assert corpus.count("documents") > 100


def test_the_demo_and_statutes_make_the_same_and_a_corpus(
    spark: SparkSession, large: Embedded, tmp_path: Path
) -> None:
    out = build(spark, [str(large.archive)], tmp_path / "out", large, partitions=2)
    assert digests_of_result(spark, out) == large.digests
    database = tmp_path / "collected.db"
    collect(spark, out, database)
    with Corpus(database) as corpus:
        assert digests_of_corpus(corpus.connection) == large.digests
        assert corpus.rebuild()["documents"] == corpus.count("documents")
        assert digests_of_corpus(corpus.connection) == large.digests
    with pytest.raises(CorpusError, match="there already"):
        collect(spark, out, database)


@pytest.mark.parametrize(
    ("partitions", "driver_pairs"), [(1, DRIVER_PAIRS), (2, 0), (7, DRIVER_PAIRS), (64, DRIVER_PAIRS)]
)
def test_neither_partitions_nor_order_change_anything(
    spark: SparkSession, small: Embedded, shuffled: Path, tmp_path: Path, partitions: int, driver_pairs: int
) -> None:
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
    # Spark would put small partitions together again.
    spark.conf.set("spark.sql.adaptive.coalescePartitions.enabled", "false")
    try:
        out = build(spark, [str(shuffled)], tmp_path / "out", small, partitions, driver_pairs)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", SETTINGS["spark.sql.shuffle.partitions"])
        spark.conf.unset("spark.sql.adaptive.coalescePartitions.enabled")
    assert digests_of_result(spark, out) == small.digests


def test_a_bucket_that_everybody_is_in_is_capped_as_in_the_embedded_index(spark: SparkSession) -> None:
    numbers = random.Random(5)
    nodes = [numbers.randrange(-(2**62), 2**62) for _ in range(60)]
    keys = {node: [1, *([2] if index % 3 else [3, 4])] for index, node in enumerate(nodes)}
    connection = sqlite3.connect(":memory:")
    for statement in buckets.DDL:
        connection.execute(statement)
    wanted = buckets.insert(connection, np.array([(key, node) for node in nodes for key in keys[node]])).gained
    numbers.shuffle(nodes)
    contents = spark.createDataFrame([(node, keys[node]) for node in nodes], "node long, keys array<long>")
    found = {(row.a, row.b) for row in dedup.candidates(dedup.shared_keys(contents)).collect()}
    assert found == {(left, right) for left, right in wanted.tolist()}
    assert len(found) < 60 * 59 / 2


def test_what_is_promising_is_so_by_the_rule_of_the_embedded_path(spark: SparkSession) -> None:
    numbers = random.Random(4)
    keys = {}
    for node in range(-20, 20):
        bands = [1000 * band + 500 + node for band in range(BANDS)]
        if numbers.random() < 0.4:
            bands[7] = 7001
        anchors = numbers.sample(range(10**6, 10**6 + 40), numbers.randrange(12))
        keys[node] = [*bands, *anchors] if numbers.random() < 0.95 else []
    contents = spark.createDataFrame(list(keys.items()), "node long, keys array<long>")
    shared = dedup.shared_keys(contents)
    pairs = dedup.candidates(shared).collect()
    held = {node: Keys(frozenset(row[:BANDS]), frozenset(row[BANDS:])) for node, row in keys.items()}
    wanted = {(row.a, row.b) for row in pairs if is_promising(held[row.a], held[row.b])}
    found = [(row.a, row.b) for row in dedup.promising(dedup.candidates(shared), shared, contents).collect()]
    assert sorted(found) == sorted(wanted)
    by_anchors = {pair for pair in wanted if held[pair[0]].bands.isdisjoint(held[pair[1]].bands)}
    assert 0 < len(by_anchors) < len(wanted) < len(pairs)


def test_a_cap_loses_no_cluster(spark: SparkSession) -> None:
    """Copies stand in large buckets with others (a notice) and in small ones of their own, which bring them together."""
    numbers = random.Random(8)
    clusters = [[numbers.randrange(-(2**62), 2**62) for _ in range(numbers.choice((2, 3, 30)))] for _ in range(20)]
    own = {
        node: [1, 2, *numbers.sample(range(100 * place, 100 * place + 12), 9)]
        for place, nodes in enumerate(clusters, 1)
        for node in nodes
    }
    contents = spark.createDataFrame(list(own.items()), "node long, keys array<long>")
    pairs = [(row.a, row.b) for row in dedup.candidates(dedup.shared_keys(contents)).collect()]
    within = [(a, b) for a, b in pairs if set(own[a]) & set(own[b]) - {1, 2}]
    assert sorted(map(sorted, graph.grouped(own, within))) == sorted(map(sorted, clusters))
    everybody = len(own) * (len(own) - 1) / 2
    assert len(pairs) < everybody / 2


def test_files_by_url_are_files_by_path(spark: SparkSession, small: Embedded) -> None:
    columns = [name for name in FETCHES.names if name != "source"]
    by_path = read_inputs(spark, [str(small.archive)]).select(*columns).orderBy("number").collect()
    by_url = read_inputs(spark, [small.archive.as_uri()]).select(*columns).orderBy("number").collect()
    assert by_url == by_path
    assert len(by_path) > 60
    assert local_files([str(small.archive / "*.warc.gz")]) == local_files([str(small.archive)])
