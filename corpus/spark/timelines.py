"""Which of a URL's captures is the document: `corpus.versions` on each URL's captures, brought together.

Most URLs were fetched once; only the others' rows travel. A worker lays a few hundred captures, whole URLs, into tables in
memory and has `Timelines` place them in order of registration, as the embedded path does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation calls it

from cleaning.clean import Cleaned
from corpus import schema
from corpus.article import document_row
from corpus.derivation import Derived
from corpus.records import Location, Task
from corpus.spark.rows import Row, batches, brought_together, rows_of, spark_schema
from corpus.versions import Timelines

TOGETHER = 500
"""Captures placed together, or as many as one URL has."""

_TABLES = ("documents", "versions", "fetches", "rejections")

PLACED = pa.schema(
    [("seq", pa.int64()), ("place", pa.string()), ("placed_first", pa.string()), ("placed_last", pa.string())]
)
"""What a capture is: `documents`, `versions` or `nowhere` (it shows nothing new), and when it was first and last seen."""

_NEEDED = (
    "seq", "id", "url", "site", "kind", "content_type", "fetched_at", "outcome", "title", "author", "published", "text",
)  # fmt: skip


def places(given: DataFrame) -> DataFrame:
    """Return the places, with the columns of PLACED, of articles whose URLs were fetched more than once."""
    looked = given.where("outcome IN ('document', 'rejected', 'not-modified')")
    again = looked.groupBy("url").agg(F.count(F.lit(1)).alias("looks")).where("looks > 1").select("url")
    together = brought_together(looked.select(*_NEEDED).join(again, "url"), "url", "seq")
    return together.mapInArrow(_place, spark_schema(PLACED))


def articles(given: DataFrame, placed: DataFrame) -> DataFrame:
    """Return what gave an article, with the columns of PLACED; who is not in `placed` is its URL's only capture."""
    found = given.where("outcome = 'document'").join(placed, "seq", "left")
    return found.withColumns(
        {
            "place": F.coalesce("place", F.lit("documents")),
            "placed_first": F.coalesce("placed_first", "fetched_at"),
            "placed_last": F.coalesce("placed_last", "fetched_at"),
        }
    )


def _place(given: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches((row for captures in _by_url(rows_of(given)) for row in _places(captures)), PLACED)


def _by_url(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield captures by the hundred, the captures of a URL always together."""
    held: list[Row] = []
    for _, captures in groupby(rows, key=itemgetter("url")):
        held += captures
        if len(held) >= TOGETHER:
            yield held
            held = []
    if held:
        yield held


def _places(captures: Sequence[Row]) -> Iterator[Row]:
    connection = sqlite3.connect(":memory:")
    for statement in schema.TABLES:
        if statement.split()[2].partition("(")[0] in _TABLES:
            connection.execute(statement)
    connection.executemany(
        "INSERT INTO fetches (seq, id, url, site, kind, status, content_type, size, fetched_at, warc_file, warc_offset,"
        " warc_length) VALUES (:seq, :id, :url, :site, :kind, 200, :content_type, 0, :fetched_at, '', 0, 0)",
        captures,
    )
    lines = Timelines(connection)
    for row in sorted(captures, key=itemgetter("seq")):
        task = Task(row["seq"], row["id"], row["url"], row["site"], row["fetched_at"], Location("", 0, 0))
        if row["outcome"] == "not-modified":
            lines.seen(task)
        elif row["outcome"] == "rejected":
            lines.gave_nothing(task)
        else:
            article = Cleaned(row["text"], "", "", "", "", "", row["title"], row["author"], row["published"])
            lines.place(Derived(task, article), article)
    for item in lines.added():
        assert isinstance(item.result, Cleaned)
        columns = document_row(item.task, item.result)
        names = ", ".join(f":{name}" for name in columns)
        connection.execute(f"INSERT INTO documents ({', '.join(columns)}) VALUES ({names})", columns)  # noqa: S608
    lines.write()
    found = {
        seq: (table, first, last)
        for table in ("documents", "versions")
        for seq, first, last in connection.execute(f"SELECT docid, first_seen, last_seen FROM {table}")  # noqa: S608
    }
    for row in captures:
        if row["outcome"] == "document":
            place, first, last = found.get(row["seq"], ("nowhere", None, None))
            yield {"seq": row["seq"], "place": place, "placed_first": first, "placed_last": last}
