"""Rows of fetches and of what they give, as Arrow sees them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation calls it
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from corpus.records import Fetch, Reference

BATCH_ROWS = 256
BATCH_BYTES = 16_000_000
"""A batch that a worker hands on is no larger than this and a page."""

Row = dict[str, Any]

FETCHES = pa.schema(
    [
        ("file", pa.int64()),  # which of the inputs, in order
        ("number", pa.int64()),  # which of the file's fetches; null for what could not be read
        ("source", pa.string()),
        ("problem", pa.string()),  # why it could not be read; null for a fetch, and of such the rest is null
        ("url", pa.string()),
        ("fetched_at", pa.string()),  # ISO 8601, UTC
        ("body", pa.binary()),
        ("kind", pa.string()),
        ("status", pa.int32()),
        ("headers", pa.string()),  # JSON in ASCII, as header values may be no UTF-8
        ("crawl_id", pa.string()),
        ("truncated", pa.string()),
        ("refers_to", pa.string()),  # JSON: id, url, fetched_at, digest
        ("origin", pa.string()),
    ]
)


def brought_together(frame: DataFrame, column: str, *order: str) -> DataFrame:
    """Return `frame` with the rows of one value of `column` in one partition, next to each other, sorted by `order`.

    By the value's hash, not by the value: behind a join by the same column Spark leaves a plain `repartition(column)` out,
    and when it then makes the join a broadcast one, the rows are no longer where the join would have put them. What is
    mapped over partitions asks for no distribution, so nothing brings them together again.
    """
    return frame.repartition(F.xxhash64(column)).sortWithinPartitions(column, *order)


def spark_schema(schema: pa.Schema) -> StructType:
    """Return an Arrow schema as Spark's."""
    return from_arrow_schema(schema)


def fetch_row(fetch: Fetch, file: int, number: int, source: str) -> Row:
    """Return the row of a fetch."""
    other = fetch.refers_to
    told = None if other is None else [other.id, other.url, other.fetched_at.isoformat(), other.digest]
    return {
        "file": file, "number": number, "source": source, "problem": None, "url": fetch.url,
        "fetched_at": fetch.fetched_at.astimezone(UTC).isoformat(), "body": fetch.body, "kind": fetch.kind,
        "status": fetch.status, "headers": json.dumps(fetch.headers), "crawl_id": fetch.crawl_id,
        "truncated": fetch.truncated, "refers_to": None if told is None else json.dumps(told), "origin": fetch.origin,
    }  # fmt: skip


def problem_row(file: int, source: str, problem: str) -> Row:
    """Return the row of a record, or a file, that could not be read."""
    return {**dict.fromkeys(FETCHES.names), "file": file, "source": _shown(source), "problem": _shown(problem)}


def _shown(text: str) -> str:
    """Return `text` as UTF-8 can hold it: a file's name may be any bytes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def is_unicode(text: str) -> bool:
    """Whether `text` holds no half of a surrogate pair, which no table can store."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def fetch_of(row: Mapping[str, Any]) -> Fetch:
    """Return the fetch of a row."""
    headers = tuple((name, value) for name, value in json.loads(row["headers"]))
    refers_to = None
    if row["refers_to"] is not None:
        identifier, url, when, digest = json.loads(row["refers_to"])
        refers_to = Reference(identifier, url, datetime.fromisoformat(when), digest)
    return Fetch(
        row["url"], datetime.fromisoformat(row["fetched_at"]), bytes(row["body"]), row["kind"], row["status"], headers,
        row["crawl_id"], row["truncated"], refers_to, row["origin"],
    )  # fmt: skip


def batches(rows: Iterable[Row], schema: pa.Schema, weighed: str | None = None) -> Iterator[pa.RecordBatch]:
    """Yield `rows` as Arrow batches bounded by rows, and by the bytes of the column `weighed`."""
    held: list[Row] = []
    size = 0
    for row in rows:
        held.append(row)
        size += len(row[weighed] or b"") if weighed else 0
        if len(held) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield pa.RecordBatch.from_pylist(held, schema)
            held, size = [], 0
    if held:
        yield pa.RecordBatch.from_pylist(held, schema)


def rows_of(given: Iterable[pa.RecordBatch]) -> Iterator[Row]:
    """Yield the rows of Arrow batches."""
    for batch in given:
        yield from batch.to_pylist()
