"""A result -> a SQLite corpus that searches, exports, serves and rebuilds like any other.

The archive comes from the inputs, read once more in order, so that the corpus has its raw bytes beside it; documents and
what hangs on them come from the result; the index of duplicates, clusters and farms are made again by the corpus itself
from the same documents, which gives the same (and is the check that it does).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from pyspark.sql import DataFrame, SparkSession

from corpus.spark import derive
from corpus.spark.derive import UNREADABLE
from corpus.spark.job import SITES
from corpus.spark.reading import read_inputs
from corpus.spark.rows import fetch_of
from corpus.spark.snapshot import Snapshot
from corpus.store import Corpus, CorpusError
from corpus.tokens import indexed

_BATCH = 500

_COLUMNS = {
    "documents": ("docid", "id", "url", "site", *derive.DOCUMENT.names, "last_seen"),
    "versions": ("docid", "id", "url", "site", "title", "author", "published", "text", "content_hash", "first_seen",
                 "last_seen"),
    "findings": ("docid", *(part.name for part in derive.FINDING)),
    "contacts": ("docid", "kind", "value_hash", "masked"),
    "site_marks": ("docid", "kind", "value_hash", "masked"),
    "rejections": ("seq", "id", "url", "site", "reason", "detail", "encoding"),
}  # fmt: skip
"""What is taken from each table of a result; each has its fetch's number first."""

Numbers = Mapping[int, int]


def collect(spark: SparkSession, out: str, database: Path) -> dict[str, int]:
    """Make the corpus `database` of the result at `out`; return how many rows of what it has.

    Raises CorpusError where the file is there already, SnapshotError and InputError where the result or its inputs are
    not.
    """
    if database.exists():
        raise CorpusError(f"{database}: it is there already; a result is collected into a new corpus")
    snapshot = Snapshot(spark, out)
    about = snapshot.about()
    fetches = read_inputs(spark, json.loads(about["inputs"])).where("problem IS NULL").orderBy("file", "number")
    outcomes = snapshot.read("fetches").select("seq", "outcome").orderBy("seq")
    with Corpus(database, create=True) as corpus:
        corpus.connection.execute("UPDATE corpus_meta SET value = ? WHERE key = 'salt'", (about["salt"],))
        corpus.connection.commit()
        run = corpus.begin_run("spark", json.loads(about["inputs"]))
        numbers = _archive(corpus, fetches, outcomes, run)
        with corpus.transaction():
            _fill_sites(corpus, snapshot)
            for table, columns in _COLUMNS.items():
                frame = snapshot.read(table).select(*columns)
                _fill(
                    corpus,
                    table,
                    frame.where(f"reason <> '{UNREADABLE}'") if table == "rejections" else frame,
                    numbers,
                )
            _index(corpus)
            corpus.connection.execute("UPDATE fetches SET derived = 1")
        corpus.rederive_duplicates()
        counts = {name: corpus.count(name) for name in ("fetches", "documents", "rejections", "clusters", "farms")}
        corpus.end_run(run, counts)
    return counts


def _archive(corpus: Corpus, fetches: DataFrame, outcomes: DataFrame, run: str) -> dict[int, int]:
    """Archive and register the fetches; return the number in the corpus of each one's number in the result."""
    numbers: dict[int, int] = {}
    for row, told in zip(fetches.toLocalIterator(), outcomes.toLocalIterator(), strict=True):
        if told["outcome"] == "taken down":
            # What a takedown keeps out is not copied to where it would have to be taken down again.
            continue
        numbers[told["seq"]] = len(numbers) + 1
        fetch = fetch_of(row.asDict())
        corpus.add_fetch(fetch if fetch.crawl_id else fetch.with_run(run))
    corpus.flush()
    return numbers


def _fill_sites(corpus: Corpus, snapshot: Snapshot) -> None:
    rows = [tuple(row) for row in snapshot.read("sites").select(*SITES.names).collect()]
    corpus.connection.executemany("INSERT INTO sites VALUES (?, ?, ?, ?, ?, ?)", rows)


def _fill(corpus: Corpus, table: str, frame: DataFrame, numbers: Numbers) -> None:
    names = ", ".join(f'"{name}"' for name in frame.columns)
    places = ", ".join("?" * len(frame.columns))
    rows = ((numbers[number], *rest) for number, *rest in frame.toLocalIterator())
    corpus.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)  # noqa: S608  # our names


def _index(corpus: Corpus) -> None:
    """Fill the search index from the documents."""
    sql = "SELECT docid, title, text, site, lenders, topics, script, published FROM documents ORDER BY docid"
    rows = corpus.connection.execute(sql)
    while batch := list(islice(rows, _BATCH)):
        corpus.connection.executemany(
            "INSERT INTO documents_fts(rowid, title, text, tags) VALUES (?, ?, ?, ?)", _indexed(batch)
        )


def _indexed(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for docid, title, text, site, lenders, topics, script, published in rows:
        told = indexed(
            title, text, site=site, lenders=orjson.loads(lenders), topics=orjson.loads(topics), script=script,
            published=published,
        )  # fmt: skip
        yield (docid, *told)
