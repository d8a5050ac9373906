"""Inputs -> rows of fetches. A record or a file that can't be read is a row too, with its problem.

Local WARC files are opened by the workers (every worker must see them); what has a scheme (`s3a://`, `hdfs://`,
`file://`) comes through Spark's own connectors, a file whole: up to 2 GB, as Spark's binary columns allow. Parquet of
fetches has the columns of `corpus.spark.rows.FETCHES` and `seq`, the number of the fetch in the corpus.

Fetches are numbered as `yuqi ingest` would number them: files in the order given (what a pattern or a folder holds, by
name), records in the order of their file. The number is a docid, and of two captures of one instant the later counts.
"""

from __future__ import annotations

import glob
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation calls it

from corpus import archive
from corpus.spark.rows import FETCHES, Row, batches, fetch_row, is_unicode, problem_row, rows_of, spark_schema

WARC_ENDINGS = (".warc", ".warc.gz", ".warc.zst", ".wet", ".wet.gz", ".wet.zst")


MOST_BYTES = (1 << 31) - 2
"""The longest file that Spark reads as one value (spark.sql.sources.binaryFile.maxLength); a longer one fails the job."""


class InputError(Exception):
    """Inputs that hold nothing to read; the text says what to do."""


def read_inputs(spark: SparkSession, inputs: Sequence[str], partitions: int | None = None) -> DataFrame:
    """Return the fetches of `inputs` with the columns of FETCHES; raises InputError where there is nothing to read.

    Where there are fewer files than `partitions`, pages are dealt out to so many.
    """
    if columnar := [name for name in inputs if name.rstrip("/").endswith(".parquet")]:
        if len(columnar) < len(inputs):
            raise InputError("Parquet of fetches and WARC files can't be mixed; build them one after the other")
        return _read_parquet(spark, inputs)
    if remote := [name for name in inputs if "://" in name]:
        if len(remote) < len(inputs):
            raise InputError("local files and URLs can't be mixed; give local files as file:///... URLs")
        frame, files = _read_remote(spark, inputs)
    else:
        paths = local_files(inputs)
        frame, files = _read_local(spark, paths), len(paths)
    if partitions is not None and files < partitions:
        # By place, not round robin: a task that runs again deals every page to the same partition.
        return frame.repartition(partitions, "file", "number", "source")
    return frame


def local_files(inputs: Sequence[str]) -> list[str]:
    """Return the WARC files that paths, folders and patterns name, absolute; raises InputError where one names none."""
    found: list[str] = []
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            files = [str(file) for file in sorted(path.rglob("*")) if file.name.lower().endswith(WARC_ENDINGS)]
        elif path.exists():
            files = [name]
        else:
            files = sorted(glob.glob(name, recursive=True))  # noqa: PTH207  # the pattern may be absolute
        if not files:
            raise InputError(f"{name}: no such file, or no WARC or WET file in it")
        found += [str(Path(file).absolute()) for file in files]
    return found


def _read_local(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    frame = spark.range(0, len(paths), 1, len(paths))
    return frame.mapInArrow(partial(_open_files, paths=list(paths)), spark_schema(FETCHES))


def _open_files(given: Iterable[pa.RecordBatch], paths: Sequence[str]) -> Iterator[pa.RecordBatch]:
    yield from batches((row for item in rows_of(given) for row in _file_rows(paths, item["id"])), FETCHES, "body")


def _file_rows(paths: Sequence[str], file: int) -> Iterator[Row]:
    path = paths[file]
    try:
        with Path(path).open("rb") as stream:
            yield from _stream_rows(stream, file, path)
    except OSError as error:
        yield problem_row(file, path, f"it can't be read: {error.strerror}")


def _stream_rows(stream: BinaryIO, file: int, source: str) -> Iterator[Row]:
    number = 0
    empty = True
    for entry in archive.walk(stream):
        empty = False
        where = f"{source}@{entry.offset}"
        if entry.fetch is None:
            yield problem_row(file, where, entry.problem or "it holds no page")
        elif not is_unicode(entry.fetch.url):
            yield problem_row(file, where, "its URL is not Unicode")
        else:
            yield fetch_row(entry.fetch, file, number, where)
            number += 1
    if empty:
        yield problem_row(file, source, "no WARC record with a page in it; is it a WARC or WET file, and whole?")


def _read_remote(spark: SparkSession, inputs: Sequence[str]) -> tuple[DataFrame, int]:
    try:
        frames = [spark.read.format("binaryFile").load(name) for name in inputs]
        listed = [
            row for frame in frames for row in frame.select("path", "length").orderBy("path").toLocalIterator()
        ]
    except AnalysisException as error:
        raise InputError(f"{', '.join(inputs)}: {str(error).splitlines()[0]}") from error
    if not listed:
        raise InputError(f"{', '.join(inputs)}: no files there")
    frame = spark.read.format("binaryFile").load(list(inputs)).where(F.col("length") <= MOST_BYTES)
    places = {row.path: number for number, row in reversed(list(enumerate(listed)))}
    read = frame.select("path", "content").mapInArrow(
        partial(_open_contents, places=places), spark_schema(FETCHES)
    )
    too_long = [
        problem_row(places[row.path], row.path, "it is over 2 GB, which Spark can't read whole; give it as a path")
        for row in listed
        if row.length > MOST_BYTES
    ]
    if too_long:
        read = read.unionByName(spark.createDataFrame(pa.Table.from_pylist(too_long, FETCHES)))
    return read, len(listed)


def _open_contents(given: Iterable[pa.RecordBatch], places: Mapping[str, int]) -> Iterator[pa.RecordBatch]:
    rows = (
        row
        for item in rows_of(given)
        for row in _stream_rows(io.BytesIO(item["content"]), places[item["path"]], item["path"])
    )
    yield from batches(rows, FETCHES, "body")


def _read_parquet(spark: SparkSession, inputs: Sequence[str]) -> DataFrame:
    try:
        frame = spark.read.parquet(*inputs)
    except AnalysisException as error:
        raise InputError(f"{', '.join(inputs)}: {str(error).splitlines()[0]}") from error
    wanted = {"seq", *FETCHES.names} - {"file", "number", "source", "problem"}
    if missing := wanted - set(frame.columns):
        raise InputError(f"{', '.join(inputs)}: Parquet of fetches has no column {', '.join(sorted(missing))}")
    placed = frame.withColumns(
        {
            "file": F.lit(0).cast("long"),
            "number": F.col("seq").cast("long") - 1,
            "source": F.concat(F.lit("fetch "), F.col("seq").cast("string")),
            "problem": F.lit(None).cast("string"),
        }
    )
    return placed.select(*[F.col(field.name).cast(field.dataType) for field in spark_schema(FETCHES)])
