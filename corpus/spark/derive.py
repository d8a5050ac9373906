"""Rows of fetches -> what each gives: `corpus.derive` in Arrow batches, on every worker."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation calls it

from cleaning.clean import Cleaned, Site
from cleaning.contacts import mask
from cleaning.findings import Rejected
from corpus import farms
from corpus.article import document_row
from corpus.derive import Derivation, derive
from corpus.records import NOT_MODIFIED, Fetch, Location, Task, site_of
from corpus.spark.alone import each
from corpus.spark.golden import expect_golden
from corpus.spark.rows import Row, batches, fetch_of, rows_of, spark_schema
from corpus.store import kept_out, rejection_row

PAGE_SECONDS = 60.0
"""Processor time that one page may take: a page takes some 0.02 s, the largest allowed ones a few seconds."""

TOO_SLOW = "too-slow"
CRASHED = "crashed"
UNREADABLE = "unreadable"
"""Reasons that only this path gives, where the embedded one reports the record or takes its time."""

FINDING = pa.struct(
    [("number", pa.int32()), ("stage", pa.string()), ("rule", pa.string()), ("start", pa.int32()), ("end", pa.int32()),
     ("before", pa.string()), ("after", pa.string()), ("certainty", pa.string()), ("evidence", pa.string())]
)  # fmt: skip
HASHED = pa.struct([("kind", pa.string()), ("value_hash", pa.string()), ("masked", pa.string())])

DOCUMENT = pa.schema(
    [
        *[(name, pa.string()) for name in ("title", "author", "published", "category", "source", "text", "text_source",
                                          "script", "encoding", "encoding_evidence", "lenders", "topics")],
        ("relevance", pa.float64()), ("quality", pa.string()), ("counters", pa.string()), ("chars", pa.int64()),
        ("first_seen", pa.string()), ("content_hash", pa.string()),
    ]
)  # fmt: skip
"""The columns of `documents` that a fetch's article gives, apart from docid, id, url and site."""

GIVEN = pa.schema(
    [
        *[(name, pa.int64()) for name in ("file", "number")],
        *[(name, pa.string()) for name in ("record", "id", "url", "site", "kind", "content_type", "fetched_at",
                                          "crawl_id", "outcome", "reason", "detail", "rejected_encoding")],
        ("status", pa.int32()), ("size", pa.int64()),
        *DOCUMENT,
        ("findings", pa.list_(FINDING)), ("contacts", pa.list_(HASHED)), ("marks", pa.list_(HASHED)),
    ]
)  # fmt: skip
"""What a fetch gives. `outcome`: document, rejected, not-modified, taken down; unreadable for what is no fetch."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What every worker has to know: sites and takedowns as a corpus has them, its salt, the golden digest."""

    golden: str
    salt: bytes
    sites: Mapping[str, Site] = field(default_factory=dict)
    buried: frozenset[str] = frozenset()
    page_seconds: float = PAGE_SECONDS
    merged_salts: tuple[bytes, ...] = ()


AGAIN_SECONDS = 0.1
"""After how much more processor time a page is told again that its time is up."""


class _TooSlowError(BaseException):
    """A page has taken all its time. No Exception, so that no `except` on the way takes it for a fault of the page."""


def given_by(fetches: DataFrame, knowledge: Knowledge) -> DataFrame:
    """Return what each fetch gives, with the columns of GIVEN."""

    def work(given: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        expect_golden(knowledge.golden)
        found = each(rows_of(given), partial(_given, knowledge=knowledge), _lost, knowledge.page_seconds)
        yield from batches(found, GIVEN, "text")

    return fetches.mapInArrow(work, spark_schema(GIVEN))


def numbered(given: DataFrame) -> DataFrame:
    """Return `given` with `seq`: the number of the fetch over all files, from 1; null for what is no fetch."""
    counted = given.where("number IS NOT NULL").groupBy("file").agg(F.max("number").alias("last")).orderBy("file")
    starts, start = [], 0
    for row in counted.toLocalIterator():
        starts.append((row.file, start))
        start += row.last + 1
    frame = given.sparkSession.createDataFrame(starts, "file long, start long")
    return (
        given.join(F.broadcast(frame), "file", "left")
        .withColumn("seq", F.expr("start + number + 1"))
        .drop("start")
    )


def _given(row: Row, knowledge: Knowledge) -> Row:
    if row["problem"] is not None:
        return {**_nothing(row), "outcome": "unreadable", "reason": UNREADABLE, "detail": row["problem"]}
    fetch = fetch_of(row)
    task = _task(fetch, row["fetched_at"])
    known = {**_nothing(row), **_named(task, fetch)}
    result, marks = derive_in_time(fetch, knowledge.sites.get(task.site), knowledge.page_seconds)
    if kept_out(task, result, knowledge.buried, knowledge.salt, *knowledge.merged_salts):
        return {**known, "outcome": "taken down"}
    if isinstance(result, Rejected):
        return {**known, **_rejected(task, result)}
    return {**known, "outcome": "document", **_document(task, result, knowledge.salt, marks)}


def _lost(row: Row, how: str) -> Row:
    """Return what a page gives that ends the process that derives it."""
    fetch = fetch_of(row)
    task = _task(fetch, row["fetched_at"])
    return {**_nothing(row), **_named(task, fetch), **_rejected(task, Rejected(CRASHED, how))}


def _nothing(row: Row) -> Row:
    return {**dict.fromkeys(GIVEN.names), "file": row["file"], "number": row["number"], "record": row["source"]}


def _named(task: Task, fetch: Fetch) -> Row:
    return {
        "id": task.id, "url": task.url, "site": task.site, "kind": fetch.kind, "content_type": fetch.content_type,
        "fetched_at": task.fetched_at, "crawl_id": fetch.crawl_id, "status": fetch.status, "size": len(fetch.body),
    }  # fmt: skip


def _rejected(task: Task, result: Rejected) -> Row:
    told = rejection_row(task, result)
    outcome = "not-modified" if result.reason == NOT_MODIFIED else "rejected"
    return {
        "outcome": outcome, "reason": told["reason"], "detail": told["detail"], "rejected_encoding": told["encoding"],
    }  # fmt: skip


def _task(fetch: Fetch, fetched_at: str) -> Task:
    """Return a fetch as a task; its number is not known yet, its place is not a corpus' archive."""
    return Task(0, fetch.id, fetch.url, site_of(fetch.url), fetched_at, Location("", 0, 0))


def _document(task: Task, cleaned: Cleaned, salt: bytes, marks: Iterable[farms.Mark]) -> Row:
    columns = document_row(task, cleaned)
    names = [part.name for part in FINDING]
    return {
        **{name: columns[name] for name in DOCUMENT.names},
        "findings": [
            dict(zip(names, (number, *finding)))
            for number, finding in enumerate(cleaned.findings)
            if finding.stage != "script"
        ],
        "contacts": _hashed(salt, ((item.kind, item.value, mask(item.value)) for item in cleaned.contacts)),
        "marks": _hashed(salt, ((item.kind, item.value, farms.mask_mark(item.value)) for item in marks)),
    }


def _hashed(salt: bytes, values: Iterable[tuple[str, str, str]]) -> list[Row]:
    """Return values as a corpus keeps them, each once: its kind, its keyed hash, and masked for people."""
    found: dict[tuple[str, str], Row] = {}
    for kind, value, shown in values:
        key = farms.keyed_hash(salt, kind, value)
        found.setdefault((kind, key), {"kind": kind, "value_hash": key, "masked": shown})
    return list(found.values())


# --- time -----------------------------------------------------------------------------------------------------------


def derive_in_time(fetch: Fetch, site: Site | None, seconds: float) -> Derivation:
    """Return what a fetch gives; a rejection where that would take more than `seconds` of processor time."""
    try:
        with _limited(seconds):
            return derive(fetch, site)
    except _TooSlowError:
        return Derivation(Rejected(TOO_SLOW, f"it took more than {seconds:g} s of processor time"))


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise _TooSlowError inside the block once this process has spent `seconds` more of processor time.

    Processor time, not the clock: on a busy machine the same pages must be rejected. Only a process' main thread, in
    which Spark's workers run, can be stopped so; elsewhere nothing is limited. Python drops what is raised while an
    object's last reference goes: it is raised again and again, and at the block's end where that came before.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    over = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal over
        over = True
        raise _TooSlowError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if over:
        raise _TooSlowError
