"""Where fetches go: the crawler's view of the corpus, and no more of it than it needs.

It has the place of Scrapy's item pipelines. Items are not used: Scrapy starts tasks for each, and all that would come of
them is that a fetch arrives here, so the spider hands it to the session, and the session to a sink.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import orjson

from corpus import archive
from corpus.records import Fetch, Location, site_of
from corpus.store import Corpus, CorpusError
from crawler.cleaner import Cleaner
from crawler.recrawl import Looks
from crawler.site import Site

MOST_PENDING = 5000
"""Fetches archived but not registered: a row each in memory. The session registers them long before."""


class Sink(Protocol):
    """What a crawl writes to. The frontier's tables live on `connection`, written inside `transaction` only."""

    @property
    def connection(self) -> sqlite3.Connection:
        """The database that the frontier's tables live in."""

    def transaction(self) -> AbstractContextManager[None]:
        """Return a context that commits at its end and rolls back on an exception."""

    def begin(self, targets: Sequence[str]) -> str:
        """Register the start of a crawl and return its id."""

    def end(self, crawl_id: str, summary: dict[str, Any]) -> None:
        """Register the end of a crawl."""

    def declare(self, site: Site) -> None:
        """Keep what a declaration says of a site's pages."""

    def add(self, fetch: Fetch) -> None:
        """Archive a fetch: when this returns, the response survives the death of the process."""

    def flush(self) -> None:
        """Make what was added durable and registered."""

    def free(self) -> bool:
        """Return whether writing could begin at once, because no other process is at it."""

    def outcomes(self) -> Mapping[str, int]:
        """Return how many of the crawl's fetches have given what so far (`documents`, `rejections` ...)."""

    def start_cleaning(self) -> None:
        """Begin to make documents of what is registered, beside the crawl; every site has been declared."""

    def finish_cleaning(self) -> None:
        """Say to what makes documents beside the crawl that nothing more comes; `cleaning` tells when it is done."""

    def cleaning(self) -> bool:
        """Return whether documents are being made beside the crawl."""

    def stop_cleaning(self) -> None:
        """End what makes documents beside the crawl, if anything does."""

    def derive(self) -> None:
        """Make documents of what is left of what was fetched."""

    def mark(self) -> int:
        """Return the number of the last registered fetch, 0 for none."""

    def since(self, mark: int) -> Iterator[Fetch]:
        """Yield the crawls' fetches registered after `mark`, in order, read back from the archive."""

    def last(self, url: str) -> Fetch | None:
        """Return the last page (200) that a crawl fetched at `url`, None if none did."""

    def looks(self, sites: Iterable[str]) -> Iterable[Looks]:
        """Return what is known of these sites' fetched URLs from looking at them."""

    def close(self) -> None:
        """Flush and close."""


def read_looks(
    connection: sqlite3.Connection, *, sites: Iterable[str] = (), url: str | None = None
) -> Iterator[Looks]:
    """Yield what is known of the fetched URLs of sites, or of one: a document's versions tell its changes, else bytes."""
    rows = connection.execute(
        "SELECT f.url, COUNT(*), COUNT(DISTINCT r.id) - 1, (SELECT COUNT(*) FROM versions AS v WHERE v.url = f.url),"
        " EXISTS (SELECT 1 FROM documents AS d WHERE d.url = f.url),"
        " MIN(julianday(r.fetched_at)), MAX(julianday(r.fetched_at))"
        " FROM frontier AS f JOIN fetches AS r ON r.url = f.url"
        " WHERE f.state = 'done' AND f.status IN (200, 304)"
        " AND (f.url = ? OR f.site IN (SELECT value FROM json_each(?)))"
        " AND COALESCE(r.crawl_id, 'crawl-') LIKE 'crawl-%' AND r.status IN (200, 304) GROUP BY f.id",
        (url, orjson.dumps(sorted(sites)).decode()),
    )
    for found, looks, bodies, versions, document, first, last in rows:
        changes = versions if document else bodies
        yield Looks(found, looks, changes, _seconds(first), _seconds(last), bool(document))


def _seconds(julian: float) -> float:
    """Return SQLite's Julian day in seconds of the epoch."""
    return float((julian - 2440587.5) * 86_400)


class CorpusSink:
    """A corpus as a sink, for one crawl at a time.

    Raises CorpusError if the corpus can't be opened, or another crawl is writing to it: each would take the other's
    leases for those of a dead run.
    """

    def __init__(self, path: str | Path, *, cleaner: Cleaner | None = None) -> None:
        """Open the corpus at `path`; a `cleaner` of it makes documents of what is fetched while the crawl runs."""
        self._cleaner = cleaner
        self._outcomes: Counter[str] = Counter()
        self._corpus = Corpus(path, create=True)
        # The frontier is read by its keys alone; mapped into memory, the whole file would be counted as the crawl's.
        self._corpus.connection.execute("PRAGMA mmap_size = 0")
        # Kept open until the corpus is closed: closing any descriptor of the file would drop SQLite's own locks.
        self._lock = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise CorpusError(
                f"{path}: another crawl is running on it; wait for it, or name another corpus"
            ) from None

    @property
    def connection(self) -> sqlite3.Connection:
        """The corpus's connection."""
        return self._corpus.connection

    def transaction(self) -> AbstractContextManager[None]:
        """Return the corpus's write transaction."""
        return self._corpus.transaction()

    def begin(self, targets: Sequence[str]) -> str:
        """Register the start of a crawl."""
        return self._corpus.begin_run("crawl", targets)

    def end(self, crawl_id: str, summary: dict[str, Any]) -> None:
        """Register the end of a crawl."""
        self._corpus.flush()
        self._corpus.end_run(crawl_id, summary)

    def declare(self, site: Site) -> None:
        """Keep a declaration's selectors and charset for each of the site's hosts."""
        for name in sorted({site_of(f"http://{host}/") for host in site.scope.hosts}):
            self._corpus.declare_site(name, site.selectors, site.charset)

    def add(self, fetch: Fetch) -> None:
        """Append to the archive."""
        self._corpus.add_fetch(fetch, most_pending=MOST_PENDING)

    def flush(self) -> None:
        """Sync the archive and register its new records."""
        self._corpus.flush()

    def free(self) -> bool:
        """Return whether the database's write lock is free."""
        return self._corpus.free()

    def outcomes(self) -> Mapping[str, int]:
        """Return what the process beside the crawl, and `derive`, have stored so far."""
        beside = self._cleaner.outcomes if self._cleaner is not None else Counter[str]()
        return self._outcomes + beside

    def mark(self) -> int:
        """Return the last fetch's number."""
        row = self.connection.execute("SELECT MAX(seq) FROM fetches").fetchone()
        return int(row[0] or 0)

    def since(self, mark: int) -> Iterator[Fetch]:
        """Yield later responses from the archive; one that can't be read back is passed over (`yuqi doctor` names it)."""
        rows = self.connection.execute(
            "SELECT warc_file, warc_offset, warc_length FROM fetches"
            # What ingest and web archives brought is no answer to the frontier's requests.
            " WHERE seq > ? AND kind IN ('response', 'revisit', 'conversion')"
            " AND COALESCE(crawl_id, 'crawl-') LIKE 'crawl-%' ORDER BY seq",
            (mark,),
        ).fetchall()
        for file, offset, length in rows:
            try:
                yield archive.read(self._corpus.folder, Location(file, offset, length))
            except archive.ArchiveError:
                continue

    def start_cleaning(self) -> None:
        """Let the process beside the crawl begin, if there is one; the sites must have been declared."""
        if self._cleaner is not None:
            self._cleaner.begin()

    def last(self, url: str) -> Fetch | None:
        """Return the last page fetched at `url`, read back from the archive."""
        row = self.connection.execute(
            "SELECT warc_file, warc_offset, warc_length FROM fetches WHERE url = ? AND kind = 'response'"
            " AND status = 200 AND COALESCE(crawl_id, 'crawl-') LIKE 'crawl-%' ORDER BY seq DESC LIMIT 1",
            (url,),
        ).fetchone()
        if row is None:
            return None
        try:
            found = archive.read(self._corpus.folder, Location(*row))
        except archive.ArchiveError:
            return None
        # Part of a page is nothing to compare with.
        return None if found.truncated else found

    def looks(self, sites: Iterable[str]) -> Iterator[Looks]:
        """Yield what is known of each fetched URL of these sites."""
        return read_looks(self.connection, sites=sites)

    def finish_cleaning(self) -> None:
        """Let the process beside the crawl do what waits, and end."""
        if self._cleaner is not None:
            self._cleaner.finish()

    def cleaning(self) -> bool:
        """Return whether the process beside the crawl is at work."""
        return self._cleaner is not None and self._cleaner.busy()

    def stop_cleaning(self) -> None:
        """End the process beside the crawl; what it has not come to is left for `derive`."""
        if self._cleaner is not None:
            cleaner, self._cleaner = self._cleaner, None
            cleaner.stop()
            self._outcomes += cleaner.outcomes

    def derive(self) -> None:
        """Make documents of what is left of what was fetched."""
        self.stop_cleaning()
        self._outcomes += Counter(self._corpus.derive_pending())

    def close(self) -> None:
        """Close the corpus and let the next crawl in."""
        self.stop_cleaning()
        self._corpus.close()
        os.close(self._lock)
