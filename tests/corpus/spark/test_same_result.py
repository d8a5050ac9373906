"""Both paths give the same rows, and Spark's does so however the input is dealt out."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("pyspark")

import pyarrow as pa
import pyarrow.parquet as pq

from corpus import buckets
from corpus.spark import dedup, job
from corpus.spark.collect import collect
from corpus.spark.digest import digests_of_corpus, digests_of_result
from corpus.spark.reading import local_files, read_inputs
from corpus.spark.rows import FETCHES
from corpus.store import Corpus, CorpusError
from tests.corpus.spark.conftest import Embedded

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def build(spark: SparkSession, inputs: list[str], out: Path, like: Embedded, partitions: int | None = None) -> str:
    job.clean(spark, inputs, str(out), job.Beforehand.of(like.database), partitions=partitions)
    job.deduplicate(spark, str(out))
    return str(out)


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


def test_the_demo_and_statutes(spark: SparkSession, large: Embedded, tmp_path: Path) -> None:
    out = build(spark, [str(large.archive)], tmp_path / "out", large, partitions=2)
    assert digests_of_result(spark, out) == large.digests


@pytest.mark.parametrize("partitions", [1, 7])
def test_partitions_change_nothing(spark: SparkSession, small: Embedded, tmp_path: Path, partitions: int) -> None:
    spark.conf.set("spark.sql.shuffle.partitions", str(partitions))
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    try:
        out = build(spark, [str(small.archive)], tmp_path / "out", small, partitions)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", "3")
        spark.conf.set("spark.sql.adaptive.enabled", "true")
    assert digests_of_result(spark, out) == small.digests


def test_shuffled_rows_change_nothing_and_make_a_corpus(
    spark: SparkSession, small: Embedded, tmp_path: Path
) -> None:
    fetches = [row.asDict() for row in read_inputs(spark, [str(small.archive)]).collect()]
    fetches = [{**row, "seq": row["number"] + 1} for row in fetches]
    random.Random(11).shuffle(fetches)
    source = tmp_path / "fetches.parquet"
    source.mkdir()
    schema = pa.schema([*FETCHES, ("seq", pa.int64())])
    for name, part in (("b", fetches[:9]), ("a", fetches[9:])):
        pq.write_table(pa.Table.from_pylist(part, schema), source / f"{name}.parquet")
    out = build(spark, [str(source)], tmp_path / "out", small, partitions=2)
    assert digests_of_result(spark, out) == small.digests
    database = tmp_path / "collected.db"
    collect(spark, out, database)
    with Corpus(database) as corpus:
        assert digests_of_corpus(corpus.connection) == small.digests
        assert corpus.connection.execute(
            "SELECT count(*) FROM documents_fts WHERE documents_fts MATCH '催收'"
        ).fetchone()[0]
        corpus.rebuild()
        assert digests_of_corpus(corpus.connection) == small.digests
    with pytest.raises(CorpusError, match="there already"):
        collect(spark, out, database)


def test_a_bucket_that_everybody_is_in_is_capped_as_in_the_embedded_index(spark: SparkSession) -> None:
    numbers = random.Random(5)
    nodes = [numbers.randrange(-(2**62), 2**62) for _ in range(60)]
    keys = {node: [1, *([2] if index % 3 else [3, 4])] for index, node in enumerate(nodes)}
    connection = sqlite3.connect(":memory:")
    for statement in buckets.DDL:
        connection.execute(statement)
    wanted = buckets.insert(connection, [(key, node) for node in nodes for key in keys[node]]).gained
    numbers.shuffle(nodes)
    contents = spark.createDataFrame([(node, keys[node]) for node in nodes], "node long, keys array<long>")
    found = {(row.a, row.b) for row in dedup.candidates(contents).collect()}
    assert found == wanted
    assert len(found) < 60 * 59 / 2


def test_files_by_url_are_files_by_path(spark: SparkSession, small: Embedded) -> None:
    columns = [name for name in FETCHES.names if name != "source"]
    by_path = read_inputs(spark, [str(small.archive)]).select(*columns).orderBy("number").collect()
    by_url = read_inputs(spark, [small.archive.as_uri()]).select(*columns).orderBy("number").collect()
    assert by_url == by_path
    assert len(by_path) > 60
    assert local_files([str(small.archive / "*.warc.gz")]) == local_files([str(small.archive)])
