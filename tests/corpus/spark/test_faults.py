"""What is wrong with an input or a machine: a rejection, or one clear line."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from click.testing import CliRunner

pytest.importorskip("pyspark")
from pyspark.errors import PythonException

from benchmarks.spark_pages import WHEN
from cleaning.clean import Cleaned
from cleaning.findings import Rejected
from corpus import archive
from corpus.cli_spark import spark as command
from corpus.farms import keyed_hash
from corpus.records import Fetch
from corpus.spark import alone, dedup, derive, golden, job, reading, session
from corpus.spark.reading import InputError, read_inputs
from corpus.spark.rows import Row, batches, fetch_row, rows_of, spark_schema
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


def test_poisonous_records_are_rejections_and_what_is_taken_down_stays_out(
    spark: SparkSession, tmp_path: Path
) -> None:
    bomb = Fetch(
        "http://bomb.example/", WHEN, gzip.compress(b"<p>" + bytes(200_000_000), 6), "response", 200,
        (*HTML, ("Content-Encoding", "gzip")),
    )  # fmt: skip
    write(tmp_path / "a.warc.gz", fetch_of(PAGES[0]), bomb, fetch_of(PAGES[2]), fetch_of(PAGES[3]))
    torn = write(tmp_path / "b.warc.gz", fetch_of(PAGES[4]), fetch_of(PAGES[1]))
    torn.write_bytes(torn.read_bytes()[:-200])
    (tmp_path / "c.warc.gz").write_bytes(b"this is no WARC file at all")
    out = str(tmp_path / "out")
    beforehand = job.Beforehand(b"salt", buried=frozenset({PAGES[3].url}))
    counts = job.clean(spark, [str(tmp_path / f"{n}.warc.gz") for n in "abc"], out, beforehand)
    assert (counts["documents"], counts["taken down"]) == (3, 1)
    rejections = Snapshot(spark, out).read("rejections").collect()
    reasons = {(row.reason, Path(row.record.partition("@")[0]).name) for row in rejections}
    assert ("too-large", "a.warc.gz") in reasons
    assert {("unreadable", "b.warc.gz"), ("unreadable", "c.warc.gz")} <= reasons
    assert [row for row in rejections if row.reason == "unreadable" and row.seq is not None] == []
    with pytest.raises(SnapshotError, match="already"):
        job.clean(spark, [str(torn)], out, job.Beforehand(b"salt"))


def test_a_contact_taken_down_in_a_corpus_merged_before_is_kept_out(spark: SparkSession, tmp_path: Path) -> None:
    page = replace(PAGES[0], paragraphs=(*PAGES[0].paragraphs, "商务合作请联系站长 QQ：1000000001"))
    source = write(tmp_path / "a.warc.gz", fetch_of(page), fetch_of(PAGES[2]))
    buried = frozenset({keyed_hash(b"other", "qq", "1000000001")})
    beforehand = job.Beforehand(b"salt", buried=buried, merged_salts=(b"other",))
    counts = job.clean(spark, [str(source)], str(tmp_path / "out"), beforehand)
    assert (counts["documents"], counts["taken down"]) == (1, 1)


def test_a_page_that_takes_too_long_is_a_rejection(spark: SparkSession, tmp_path: Path) -> None:
    source = write(tmp_path / "slow.warc.gz", fetch_of(LONG))
    knowledge = derive.Knowledge(golden.golden_digest(), b"s", page_seconds=0.01)
    (row,) = derive.given_by(read_inputs(spark, [str(source)]), knowledge).collect()
    assert (row.outcome, row.reason, row.url) == ("rejected", "too-slow", PAGES[0].url)


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


def test_a_worker_that_fingerprints_otherwise_stops_the_job(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("id", "url", "text", "published", "first_seen")
    Snapshot(spark, str(tmp_path / "out")).write("documents", spark.createDataFrame([("1",) * 5], list(names)))
    monkeypatch.setattr(job, "golden_digest", lambda: "another digest")
    with pytest.raises(golden.GoldenPageError, match="same yuqi"):
        job.deduplicate(spark, str(tmp_path / "out"))
    # And a worker that comes later, which nobody has asked, stops at its first row.
    with pytest.raises(PythonException, match="one Python version"):
        dedup.keyed(Snapshot(spark, str(tmp_path / "out")).read("documents"), "another digest").collect()


def deadly(row: Row) -> Row:
    """Work that one row makes end its process, as a fault in a library does."""
    if row["id"] == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    return {"id": row["id"], "told": "done"}


def test_a_page_that_ends_its_worker_is_the_only_one_lost(spark: SparkSession) -> None:
    schema = pa.schema([("id", pa.int64()), ("told", pa.string())])

    def work(given: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        lost = alone.each(rows_of(given), deadly, lambda row, how: {"id": row["id"], "told": how}, 5)
        yield from batches(lost, schema)

    found = spark.range(0, 8, 1, 2).mapInArrow(work, spark_schema(schema)).collect()
    told = {row.id: row.told for row in found}
    assert {number for number, text in told.items() if text == "done"} == set(range(8)) - {3}
    assert "signal 11" in told[3]


def endless(row: Row) -> Row:
    """Work that no signal handler of Python's can stop: it stays in one call of C's."""
    return {"found": len(str(3 ** row["power"]))}


@pytest.mark.parametrize(("power", "outcome"), [(10, {"found": 5}), (40_000_000, alone.Died)])
def test_a_child_process_gives_its_row_or_how_it_ended(power: int, outcome: object) -> None:
    sys.set_int_max_str_digits(0)
    found = alone.in_a_process(endless, {"power": power}, 0.1)
    assert found == outcome if isinstance(outcome, dict) else isinstance(found, alone.Died)


def test_a_child_process_that_raises_tells_what() -> None:
    assert alone.in_a_process(lambda row: {"x": row["y"]}, {}, 5) == alone.Died("KeyError: 'y'")


def test_a_crash_is_a_rejection() -> None:
    fetch = fetch_of(PAGES[0])
    row = derive._lost(fetch_row(fetch, 0, 7, "a.warc.gz@0"), "it was ended by signal 11")
    assert (row["outcome"], row["reason"], row["number"], row["url"]) == ("rejected", "crashed", 7, fetch.url)
    assert row.keys() == set(derive.GIVEN.names)


@pytest.mark.parametrize(
    ("given", "patient"),
    [("local", "local[1,4]"), ("local[3]", "local[3,4]"), ("local[*]", "local[*,4]"), ("local[2,1]", "local[2,1]"),
     ("spark://host:7077", "spark://host:7077"), ("yarn", "yarn")],
)  # fmt: skip
def test_tasks_may_fail_on_one_machine_too(given: str, patient: str) -> None:
    assert session._patient(given) == patient


def test_inputs_that_are_not_there(spark: SparkSession, tmp_path: Path) -> None:
    for name in (str(tmp_path / "nothing.warc.gz"), f"file://{tmp_path}/nothing", f"{tmp_path}/no.parquet"):
        with pytest.raises(InputError):
            read_inputs(spark, [name])
    for name in ("s3a://bucket/x", f"{tmp_path}/fetches.parquet"):
        with pytest.raises(InputError, match="mixed"):
            read_inputs(spark, [name, str(tmp_path)])
    with pytest.raises(SnapshotError, match="holds no documents"):
        job.deduplicate(spark, str(tmp_path / "none"))


def test_a_file_too_long_for_a_connector_is_told(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = write(tmp_path / "a.warc.gz", fetch_of(PAGES[0]))
    write(tmp_path / "b.warc.gz", fetch_of(PAGES[1]), fetch_of(PAGES[2]))
    monkeypatch.setattr(reading, "MOST_BYTES", short.stat().st_size)
    rows = read_inputs(spark, [tmp_path.as_uri()]).orderBy("file").collect()
    assert [(row.file, row.number, row.problem is None) for row in rows] == [(0, 0, True), (1, None, False)]
    assert "give it as a path" in rows[1].problem


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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("rest", [20, 0], ids=["much follows", "nothing follows"])
def test_time_ends_though_python_drops_what_is_raised_while_an_object_goes(rest: float) -> None:
    def work(seconds: float) -> None:
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass

    class Going:
        def __del__(self) -> None:
            work(0.05)

    def slow() -> None:
        with derive._limited(0.01):
            Going()
            work(rest)

    before = time.process_time()
    with pytest.raises(derive._TooSlowError):
        slow()
    assert time.process_time() - before < 20
