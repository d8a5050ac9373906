"""What is wrong with an input or a machine: a rejection, or one clear line."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

pytest.importorskip("pyspark")

from benchmarks.spark_pages import WHEN
from cleaning.clean import Cleaned
from cleaning.findings import Rejected
from corpus import archive
from corpus.cli_spark import spark as command
from corpus.records import Fetch
from corpus.spark import derive, golden, job
from corpus.spark.reading import InputError, read_inputs
from corpus.spark.snapshot import Snapshot, SnapshotError
from tests.pages import PAGES, fetch_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[3]
HTML = (("Content-Type", "text/html"),)
LONG = replace(PAGES[0], paragraphs=PAGES[0].paragraphs * 400)
"""A page that takes many times the hundredth of a second that it gets."""


def write(path: Path, *fetches: Fetch) -> Path:
    path.write_bytes(b"".join(gzip.compress(archive.record_bytes(fetch)) for fetch in fetches))
    return path


def test_poisonous_records_are_rejections(spark: SparkSession, tmp_path: Path) -> None:
    bomb = Fetch(
        "http://bomb.example/", WHEN, gzip.compress(b"<p>" + bytes(200_000_000), 6), "response", 200,
        (*HTML, ("Content-Encoding", "gzip")),
    )  # fmt: skip
    write(tmp_path / "a.warc.gz", fetch_of(PAGES[0]), bomb, fetch_of(PAGES[2]))
    torn = write(tmp_path / "b.warc.gz", fetch_of(PAGES[4]), fetch_of(PAGES[1]))
    torn.write_bytes(torn.read_bytes()[:-200])
    (tmp_path / "c.warc.gz").write_bytes(b"this is no WARC file at all")
    out = str(tmp_path / "out")
    counts = job.clean(spark, [str(tmp_path / f"{n}.warc.gz") for n in "abc"], out, job.Beforehand(b"salt"))
    assert counts["documents"] == 3
    rejections = Snapshot(spark, out).read("rejections").collect()
    reasons = {(row.reason, Path(row.record.partition("@")[0]).name) for row in rejections}
    assert ("too-large", "a.warc.gz") in reasons
    assert {("unreadable", "b.warc.gz"), ("unreadable", "c.warc.gz")} <= reasons
    assert [row for row in rejections if row.reason == "unreadable" and row.seq is not None] == []
    with pytest.raises(SnapshotError, match="already"):
        job.clean(spark, [str(torn)], out, job.Beforehand(b"salt"))


def test_a_page_that_takes_too_long_is_a_rejection(spark: SparkSession, tmp_path: Path) -> None:
    source = write(tmp_path / "slow.warc.gz", fetch_of(LONG))
    counts = job.clean(spark, [str(source)], str(tmp_path / "out"), job.Beforehand(b"s"), page_seconds=0.01)
    assert counts == {"rejected": 1, "documents": 0}


def test_time_is_given_back_after_a_page() -> None:
    slow = derive.derive_in_time(fetch_of(LONG), None, 0.01).result
    assert isinstance(slow, Rejected)
    assert slow.reason == derive.TOO_SLOW
    assert isinstance(derive.derive_in_time(fetch_of(PAGES[0]), None, 60).result, Cleaned)


def test_a_worker_that_derives_otherwise_stops_the_job(spark: SparkSession) -> None:
    golden.check_executors(spark, golden.golden_digest())
    with pytest.raises(golden.GoldenPageError, match="same yuqi"):
        golden.check_executors(spark, "another digest")
    with pytest.raises(golden.GoldenPageError, match="one Python version"):
        golden.expect_golden("another digest")


def test_what_is_taken_down_stays_out(spark: SparkSession, tmp_path: Path) -> None:
    source = write(tmp_path / "a.warc.gz", fetch_of(PAGES[0]), fetch_of(PAGES[2]))
    beforehand = job.Beforehand(b"s", buried=frozenset({PAGES[0].url}))
    counts = job.clean(spark, [str(source)], str(tmp_path / "out"), beforehand)
    assert counts == {"document": 1, "taken down": 1, "documents": 1}


def test_inputs_that_are_not_there(spark: SparkSession, tmp_path: Path) -> None:
    for name in (str(tmp_path / "nothing.warc.gz"), f"file://{tmp_path}/nothing", f"{tmp_path}/no.parquet"):
        with pytest.raises(InputError):
            read_inputs(spark, [name])
    with pytest.raises(InputError, match="mixed"):
        read_inputs(spark, ["s3a://bucket/x", str(tmp_path)])
    with pytest.raises(SnapshotError, match="holds no documents"):
        job.deduplicate(spark, str(tmp_path / "none"))


def test_without_java_there_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    result = CliRunner().invoke(command, ["dedup", str(tmp_path)])
    assert result.exit_code == 2
    assert "Java 17 or newer" in result.output
    assert len(result.output.splitlines()) == 1
    assert CliRunner().invoke(command, ["dedup", "x", "--set", "memory=4g"]).exit_code == 2


def test_plain_spark_submit(spark: SparkSession, tmp_path: Path) -> None:
    source = write(tmp_path / "a.warc.gz", fetch_of(PAGES[0]), fetch_of(PAGES[1]))
    submit = Path(sys.executable).with_name("spark-submit")
    options = ["--master", "local[1]", "--conf", "spark.ui.enabled=false", "--conf", "spark.driver.memory=512m",
               "--conf", "spark.driver.host=127.0.0.1", "--conf", "spark.sql.shuffle.partitions=1",
               "--driver-java-options", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"]  # fmt: skip
    told = subprocess.run(
        [submit, *options, ROOT / "corpus/spark/submit.py", "clean", source, tmp_path / "out"],
        capture_output=True, text=True, check=False, timeout=600,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert '"documents":2' in told.stdout
