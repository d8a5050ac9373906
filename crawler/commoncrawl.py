"""Common Crawl, and archives laid out like it: captures of pages, named by an index, copied record by record.

    PREFIX/cc-index/collections/NAME/indexes/cluster.idx      first key of every block of the index, sorted
    PREFIX/cc-index/collections/NAME/indexes/cdx-00000.gz     the blocks: gzip members of CDXJ lines
    PREFIX/crawl-data/.../warc/....warc.gz                    the records: a gzip member each

What the index names is a queue in the corpus (`captures`), so that a run goes on where it was killed: a record is
archived before its capture is marked done, and one that is archived already is not archived again.
"""

from __future__ import annotations

import io
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple

from corpus import archive
from corpus.cdx import MAX_MEMBER_BYTES, Block, Capture, KeyRange, parse_block, parse_line
from corpus.coding import BombError, gunzip
from corpus.records import Fetch
from corpus.store import Corpus
from crawler.frontier import UrlError, canonical
from crawler.ranges import RangeError, Source, UnavailableError

MAX_BLOCK_BYTES = 64_000_000
"""A block of the index inflated; Common Crawl's have 3,000 lines, about a megabyte."""

MAX_BLOCKS = 100_000
"""Blocks read for one target: some 300 million captures."""

REFUSALS_TO_STOP = 6
"""Refusals in a row (403 and its like) after which the server is left alone."""

BATCH = 50
"""Captures whose records are made durable and marked done together."""

_WINDOW = 16_384
_MAX_WINDOW = 1 << 20

SCHEMA = """
CREATE TABLE IF NOT EXISTS captures (  -- records of web archives that were asked for
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,  -- the archive's prefix or folder
    filename TEXT NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    key TEXT NOT NULL,  -- the URL as the index sorts it
    stamp TEXT NOT NULL,  -- 14 digits, UTC
    url TEXT NOT NULL,
    digest TEXT NOT NULL,
    state TEXT NOT NULL,  -- listed, queued, done, failed, excluded
    why TEXT,
    UNIQUE (source, filename, offset)
);
CREATE INDEX IF NOT EXISTS captures_key ON captures (key, stamp);
CREATE INDEX IF NOT EXISTS captures_waiting ON captures (source, filename, offset) WHERE state = 'queued';
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which captures are taken: pages (200, HTML) of these times, whose URL matches; the newest of each URL, or all.

    `buried` says of a URL whether a takedown keeps it out.
    """

    since: str = ""
    until: str = "99999999999999"
    match: re.Pattern[str] | None = None
    every: bool = False
    buried: Callable[[str], bool] = lambda _: False

    def refusal(self, capture: Capture) -> str | None:
        """Return why a capture is not taken, or None."""
        if not self.since <= capture.stamp <= self.until:
            return "date"
        if capture.status not in ("200", ""):
            return "status"
        if capture.mime and not capture.mime.startswith(("text/html", "application/xhtml")):
            return "mime"
        if self.match is not None and not self.match.search(capture.url):
            return "pattern"
        if self.buried(capture.url):
            return "taken-down"
        return "too-large" if capture.length > MAX_MEMBER_BYTES else None


@dataclass(slots=True)
class Summary:
    """What a run did. `left_out` counts captures by why they were not asked for, `failed` by why they were not had."""

    reason: str = "finished"
    listed: int = 0
    queued: int = 0
    fetched: int = 0
    bytes: int = 0
    known: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    waiting: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON holds it."""
        return {"left_out": dict(self.left_out), "failed": dict(self.failed)} | {
            name: getattr(self, name)
            for name in ("reason", "listed", "queued", "fetched", "bytes", "known", "waiting")
        }


class Line(NamedTuple):
    """A line of an index: a capture, or what is wrong with it."""

    capture: Capture | None
    problem: str | None


def read_lines(lines: Iterable[bytes], keys: KeyRange | None = None) -> Iterator[Line]:
    """Yield the captures of CDXJ lines, those of `keys` alone if given."""
    for line in lines:
        if not line.strip() or line.startswith(b"!"):
            continue  # pywb's files begin with a line of their own
        if keys is not None and line.partition(b" ")[0].decode("utf-8", "replace") not in keys:
            continue
        found = parse_line(line)
        yield Line(None, found) if isinstance(found, str) else Line(found, None)


def look_up(source: Source, collection: str, keys: KeyRange) -> Iterator[Line]:
    """Yield what a collection's index holds of a range of keys. Raises RangeError."""
    folder = f"cc-index/collections/{collection}/indexes"
    for number, block in enumerate(blocks(source, f"{folder}/cluster.idx", keys)):
        if number >= MAX_BLOCKS:
            yield Line(None, f"more than {MAX_BLOCKS} blocks of the index: name something smaller")
            return
        packed = source.read(f"{folder}/{block.filename}", block.offset, block.length)
        try:
            yield from read_lines(gunzip(packed, limit=MAX_BLOCK_BYTES).splitlines(), keys)
        except BombError as error:
            yield Line(None, f"{block.filename} at {block.offset}: {error}")


def blocks(source: Source, path: str, keys: KeyRange) -> Iterator[Block]:
    """Yield the blocks that may hold keys of the range, found in `cluster.idx` by binary search. Raises RangeError."""
    size = source.size(path)
    before: Block | None = None
    for line in _lines_from(source, path, _last_before(source, path, size, keys.low), size):
        block = parse_block(line)
        if isinstance(block, str):
            raise RangeError("bad-index", f"{path}: {block}")
        # A block's keys reach up to the next one's first, which it may share.
        if before is not None and block.key >= keys.low:
            yield before
        before = block
        if block.key >= keys.high:
            return
    if before is not None and before.key < keys.high:
        yield before


def _last_before(source: Source, path: str, size: int, low: str) -> int:
    """Return where a line begins that stands before the first line with a key of `low` or behind it, or 0."""
    begin, end = 0, size
    while end - begin > _WINDOW:
        middle = (begin + end) // 2
        found = _line_behind(source, path, middle, end)
        if found is None:
            end = middle
            continue
        start, line = found
        if line.partition(b" ")[0].decode("utf-8", "replace") < low:
            begin = start
        else:
            end = middle
    return begin


def _line_behind(source: Source, path: str, position: int, end: int) -> tuple[int, bytes] | None:
    """Return the first whole line that begins behind `position` and before `end`, and where; None if there is none."""
    window = _WINDOW
    while True:
        data = source.read(path, position, min(window, end - position))
        start = data.find(b"\n") + 1
        stop = data.find(b"\n", start)
        if start and stop >= 0:
            return position + start, data[start:stop]
        if position + window >= end:
            return None
        if window >= _MAX_WINDOW:
            raise RangeError("bad-index", f"{path}: a line of more than {_MAX_WINDOW} bytes")
        window *= 4


def _lines_from(source: Source, path: str, position: int, size: int) -> Iterator[bytes]:
    rest = b""
    while position < size:
        data = source.read(path, position, min(_WINDOW, size - position))
        position += len(data)
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > _MAX_WINDOW:
            raise RangeError("bad-index", f"{path}: a line of more than {_MAX_WINDOW} bytes")
        yield from (line for line in lines if line)
    if rest:
        yield rest


class Queue:
    """The captures asked for, in the corpus' own database. Its statements run in the caller's transactions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.executescript(SCHEMA)
        self._connection = connection

    def add(self, source: str, captures: Iterable[Capture]) -> int:
        """List captures that are new, to be queued by `promote`; return how many were."""
        rows = [
            (source, c.filename, c.offset, c.length, c.key, c.stamp, c.url, c.digest)
            for c in captures
        ]  # fmt: skip
        return self._connection.executemany(
            "INSERT OR IGNORE INTO captures (source, filename, offset, length, key, stamp, url, digest, state)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'listed')",
            rows,
        ).rowcount

    def promote(self, *, every: bool) -> tuple[int, int]:
        """Queue what was listed; return how many now wait, and how many were left out for a newer one of their URL."""
        older = 0
        if not every:
            older = self._connection.execute(
                "UPDATE captures SET state = 'excluded', why = 'older' WHERE state IN ('listed', 'queued') AND EXISTS ("
                " SELECT 1 FROM captures AS c WHERE c.key = captures.key AND c.state IN ('listed', 'queued', 'done')"
                " AND (c.stamp, c.id) > (captures.stamp, captures.id))"
            ).rowcount
        queued = self._connection.execute(
            "UPDATE captures SET state = 'queued', why = NULL"
            " WHERE state = 'listed' OR (? AND state = 'excluded' AND why = 'older')",
            (every,),
        ).rowcount
        return queued, older

    def next(self, limit: int) -> list[tuple[int, str, Capture]]:
        """Return the next captures as (id, source, capture): in the order in which their records stand."""
        rows = self._connection.execute(
            "SELECT id, source, key, stamp, url, filename, offset, length, digest FROM captures"
            " WHERE state = 'queued' ORDER BY source, filename, offset LIMIT ?",
            (limit,),
        )
        return [
            (number, source, Capture(key, stamp, url, filename, offset, length, digest=digest))
            for number, source, key, stamp, url, filename, offset, length, digest in rows
        ]

    def settle(self, identifier: int, why: str | None) -> None:
        """Mark a capture done, or failed; for a failed one the next older of its URL is queued in its place."""
        state = "failed" if why else "done"
        self._connection.execute("UPDATE captures SET state = ?, why = ? WHERE id = ?", (state, why, identifier))
        if why:
            self._connection.execute(
                "UPDATE captures SET state = 'queued', why = NULL WHERE id = (SELECT o.id FROM captures AS o"
                " JOIN captures AS f ON f.key = o.key WHERE f.id = ? AND o.state = 'excluded' AND o.why = 'older'"
                " AND o.stamp <= f.stamp ORDER BY o.stamp DESC, o.id DESC LIMIT 1)",
                (identifier,),
            )

    def waiting(self) -> int:
        """Return how many wait."""
        return int(self._connection.execute("SELECT count(*) FROM captures WHERE state = 'queued'").fetchone()[0])

    def last_source(self) -> str | None:
        """Return the archive of the captures that wait, if any do."""
        row = self._connection.execute("SELECT source FROM captures WHERE state = 'queued' LIMIT 1").fetchone()
        return None if row is None else str(row[0])


def enqueue(
    corpus: Corpus,
    queue: Queue,
    source: Source,
    lines: Iterable[Line],
    wanted: Wanted,
    summary: Summary,
    complain: Callable[[str], None],
) -> None:
    """Queue the captures that are wanted: all of them when the list is at its end, none when it breaks off."""
    for batch in _batches(_wanted(lines, wanted, summary, complain)):
        with corpus.transaction():
            queue.add(source.name, batch)
    with corpus.transaction():
        queued, older = queue.promote(every=wanted.every)
    summary.queued += queued
    if older:
        summary.left_out["older"] += older


def _wanted(
    lines: Iterable[Line], wanted: Wanted, summary: Summary, complain: Callable[[str], None]
) -> Iterator[Capture]:
    for capture, problem in lines:
        summary.listed += 1
        if capture is None:
            summary.left_out["unreadable"] += 1
            complain(problem or "")
        elif why := wanted.refusal(capture):
            summary.left_out[why] += 1
        else:
            yield capture


def _batches(captures: Iterator[Capture]) -> Iterator[list[Capture]]:
    while batch := list(islice(captures, 10_000)):
        yield batch


def whole_file(source: Source, path: str, wanted: Wanted, summary: Summary) -> Iterator[Fetch | str]:
    """Yield the pages of a WARC or WET file that are wanted, read as it comes, or what is wrong with a record."""
    with source.stream(path) as stream:
        for entry in archive.walk(stream):
            summary.listed += 1
            found = entry.fetch
            if found is None:
                yield f"{path} at {entry.offset}: {entry.problem}"
                continue
            stamp = found.fetched_at.strftime("%Y%m%d%H%M%S")
            mime = (found.content_type or "").partition(";")[0].strip().lower()
            if found.kind == "conversion":
                mime = ""  # text that was made of a page
            why = wanted.refusal(Capture("", stamp, found.url, path, 0, 0, str(found.status), mime))
            if why is not None:
                summary.left_out[why] += 1
                continue
            yield replace(found, origin=f"{source.name} {path} {entry.offset}")


def fetch(source: Source, capture: Capture) -> Fetch:
    """Return a capture's record as a fetch, with its own date and URL. Raises RangeError for anything else there."""
    member = source.read(capture.filename, capture.offset, capture.length)
    where = f"{capture.filename} at {capture.offset}"
    length = archive.member_length(member)
    if length is None:
        raise RangeError("damaged", f"{where}: not a whole gzip member")
    if length != len(member):
        raise RangeError("wrong-length", f"{where}: the record has {length} bytes, the index says {len(member)}")
    entry = next(iter(archive.walk(io.BytesIO(member))), None)
    if entry is None or entry.fetch is None or entry.fetch.kind != "response":
        raise RangeError(
            "no-response", f"{where}: {entry.problem if entry and entry.problem else 'no response record'}"
        )
    found = entry.fetch
    if not _same_url(found.url, capture.url):
        raise RangeError("another-record", f"{where}: the record is of {found.url[:200]!r}")
    if capture.digest and archive.payload_digest(found) != f"sha1:{capture.digest}":
        raise RangeError("another-digest", f"{where}: other bytes than the index says")
    return replace(found, origin=f"{source.name} {capture.filename} {capture.offset}+{capture.length}")


def _same_url(a: str, b: str) -> bool:
    try:
        return a == b or canonical(a) == canonical(b)
    except UrlError:
        return False


def collect(
    corpus: Corpus,
    sources: Callable[[str], Source],
    run: str,
    summary: Summary,
    *,
    limit: int | None = None,
    show: Callable[[int, int], None] | None = None,
    complain: Callable[[str], None] = lambda _: None,
) -> None:
    """Copy what waits into the corpus, up to `limit` records, and note in `summary` how that went."""
    queue = Queue(corpus.connection)
    refused = 0
    total = queue.waiting() if limit is None else min(limit, queue.waiting())
    asked = 0
    while asked < total and summary.reason == "finished":
        settled: list[tuple[int, str | None]] = []
        for identifier, name, capture in queue.next(min(BATCH, total - asked)):
            asked += 1
            try:
                why = _take(corpus, sources(name), capture, run, summary)
                refused = 0
            except UnavailableError as error:
                complain(f"{error}; what is left waits for the next run")
                summary.reason = "unavailable"
                break
            except RangeError as error:
                complain(str(error))
                why = error.why
                summary.failed[why] += 1
                refused = refused + 1 if why.startswith("http-4") else 0
            settled.append((identifier, why))
            if refused >= REFUSALS_TO_STOP:
                summary.reason = "refused"
                break
            if show is not None:
                show(asked, total)
        _settle(corpus, queue, settled if summary.reason != "refused" else settled[: len(settled) - refused])
        if not settled:
            break
        total = min(max(total, asked + queue.waiting()), limit) if limit is not None else asked + queue.waiting()
    summary.waiting = queue.waiting()


def _take(corpus: Corpus, source: Source, capture: Capture, run: str, summary: Summary) -> str | None:
    found = fetch(source, capture).with_run(run)
    if corpus.has(found):
        summary.known += 1
        return None
    corpus.add_fetch(found)
    summary.fetched += 1
    summary.bytes += capture.length
    return None


def _settle(corpus: Corpus, queue: Queue, settled: Sequence[tuple[int, str | None]]) -> None:
    corpus.flush()
    with corpus.transaction():
        for identifier, why in settled:
            queue.settle(identifier, why)
