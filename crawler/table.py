"""The frontier as a table: which URLs wait, are under way, are done, or were left out, and why.

It lives in the corpus's own database, and it is never ahead of the archive: a response is archived first, then its
URL is marked done together with the links found on it. What a killed process archived but did not come to mark is
replayed from the archive by the next run (`Session.replay`), from the fetch that `watermark` names.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from corpus.records import site_of
from corpus.schema import SCHEMA_VERSION

State = Literal["queued", "leased", "done", "failed", "excluded"]
Kind = Literal["seed", "list", "article", "next", "link", "redirect", "sitemap", "feed"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS frontier (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    url TEXT NOT NULL,
    site TEXT NOT NULL,
    host TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    why TEXT,
    priority INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    hops INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    parent TEXT,
    lease TEXT,
    due REAL NOT NULL,
    status INTEGER,
    crawl_id TEXT,
    anchor TEXT NOT NULL DEFAULT '',
    away INTEGER NOT NULL DEFAULT 0,
    relevance REAL
);
CREATE INDEX IF NOT EXISTS frontier_waiting ON frontier (host, priority DESC, id) WHERE state = 'queued';
CREATE INDEX IF NOT EXISTS frontier_state ON frontier (state, site);
CREATE TABLE IF NOT EXISTS frontier_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS frontier_pages (key TEXT PRIMARY KEY, digest INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS robots (
    origin TEXT PRIMARY KEY,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    fetched REAL NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One URL of the frontier: `key` is canonical, `url` what is requested.

    `depth` counts links from a seed, `hops` redirects in a row, `attempts` requests that failed so far. `why` is set
    for one that is left out. `anchor` is the text of the link that led to it, `away` how many pages in a row on the way
    were off the subject, `relevance` how much its own page is about the subject, once that was fetched.
    """

    key: str
    url: str
    site: str
    host: str
    kind: str
    priority: int = 0
    depth: int = 0
    hops: int = 0
    attempts: int = 0
    parent: str | None = None
    why: str | None = None
    due: float = 0.0
    anchor: str = ""
    away: int = 0
    relevance: float | None = None


_OURS = "site IN (SELECT value FROM json_each(?))"
_ENTRY = "key, url, site, host, kind, priority, depth, hops, attempts, parent, why, due, anchor, away, relevance"
_FIELDS = len(_ENTRY.split(","))
_LATER_COLUMNS = {"anchor": "TEXT NOT NULL DEFAULT ''", "away": "INTEGER NOT NULL DEFAULT 0", "relevance": "REAL"}


def _buried(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the URLs and sites that takedowns keep out; none where the frontier stands in no corpus."""
    there = "SELECT 1 FROM sqlite_master WHERE name = 'tombstones'"
    if connection.execute(there).fetchone() is None:
        return frozenset()
    rows = connection.execute("SELECT value FROM tombstones WHERE kind IN ('url', 'site')")
    return frozenset(value for (value,) in rows)


def _state(entry: Entry) -> State:
    return "excluded" if entry.why else "queued"


class Frontier:
    """The table, through a connection whose transactions the caller begins and ends."""

    def __init__(self, connection: sqlite3.Connection, sites: Iterable[str] = ()) -> None:
        """Look at a connection's tables; `take`, `hosts` and `next_due` know only of these sites' URLs."""
        self._connection = connection
        self._sites = json.dumps(sorted(sites))
        self._buried = _buried(connection)

    @staticmethod
    def create(connection: sqlite3.Connection) -> None:
        """Create the tables where they are missing; commits."""
        connection.executescript(SCHEMA)
        have = {row[1] for row in connection.execute("PRAGMA table_info(frontier)")}
        for name, kind in _LATER_COLUMNS.items():
            if name not in have:
                connection.execute(f"ALTER TABLE frontier ADD COLUMN {name} {kind}")

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection that the tables are read through."""
        return self._connection

    @property
    def shared(self) -> bool:
        """False: one crawl at a time works on a corpus, so that hosts' delays are its own affair."""
        return False

    def clear(self, site: str | None = None) -> None:
        """Forget every URL, or those of one site."""
        if site is None:
            self._connection.execute("DELETE FROM frontier")
            self._connection.execute("DELETE FROM robots")
            self._connection.execute("DELETE FROM frontier_pages")
        else:
            self._connection.execute("DELETE FROM frontier WHERE site = ?", (site,))

    def recover(self) -> None:
        """Put back what a killed run had taken."""
        self.release()

    def release(self) -> int:
        """Put back what a run that is no more had taken; return how many. What was taken down since is left out."""
        if self._buried:
            queued = self._connection.execute("SELECT key, url FROM frontier WHERE state IN ('queued', 'leased')")
            out = [(key,) for key, url in queued.fetchall() if self.is_buried(url)]
            sql = "UPDATE frontier SET state = 'excluded', why = 'taken-down', lease = NULL WHERE key = ?"
            self._connection.executemany(sql, out)
        return self._connection.execute(
            "UPDATE frontier SET state = 'queued', lease = NULL WHERE state = 'leased'"
        ).rowcount

    def is_buried(self, url: str) -> bool:
        """Return whether a takedown keeps out what stands at `url`."""
        return bool(self._buried) and (url in self._buried or site_of(url) in self._buried)

    def add(self, entries: Iterable[Entry]) -> int:
        """Add URLs whose keys are new, those with `why` as excluded; return how many were new."""
        rows = [
            (
                e.key,
                e.url,
                e.site,
                e.host,
                e.kind,
                _state(e),
                e.why,
                e.priority,
                e.depth,
                e.hops,
                e.parent,
                e.anchor,
                e.away,
            )
            for e in (
                replace(entry, why="taken-down") if self.is_buried(entry.url) else entry for entry in entries
            )
        ]
        cursor = self._connection.executemany(
            "INSERT OR IGNORE INTO frontier (key, url, site, host, kind, state, why, priority, depth, hops, attempts,"
            " parent, due, anchor, away) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, ?, ?)",
            rows,
        )
        return cursor.rowcount

    def reopen(self, key: str, *, url: str | None = None, hops: int = 0) -> None:
        """Queue a URL again that was done, failed or left out, to be requested as `url` if given."""
        if self.is_buried(url or key):
            return
        self._connection.execute(
            "UPDATE frontier SET state = 'queued', why = NULL, attempts = 0, due = 0, hops = ?, url = COALESCE(?, url)"
            " WHERE key = ? AND state != 'leased'",
            (hops, url, key),
        )

    def take(
        self,
        host: str,
        lease: str,
        limit: int,
        now: float,
        *,
        delay: float | None = None,  # a shared frontier's business
        concurrency: int | None = None,
    ) -> list[Entry]:
        """Lease the next URLs of a host: by priority, then in the order found."""
        rows = self._connection.execute(
            f"SELECT id, {_ENTRY} FROM frontier WHERE state = 'queued' AND host = ? AND due <= ?"  # noqa: S608
            f" AND {_OURS} ORDER BY priority DESC, id LIMIT ?",
            (host, now, self._sites, limit),
        ).fetchall()
        self._connection.executemany(
            "UPDATE frontier SET state = 'leased', lease = ? WHERE id = ?", [(lease, row[0]) for row in rows]
        )
        return [Entry(*row[1:]) for row in rows]

    def hold(self, entry: Entry, *, delay: float | None = None, concurrency: int | None = None) -> float:
        """Return 0.0: the downloader keeps to each host's delay."""
        return 0.0

    def let_go(self, entry: Entry, *, asked: bool, delay: float | None = None) -> None:
        """Do nothing: no host's turn was taken."""

    def gap(self, delay: float | None) -> float:
        """Return 0.0: the downloader keeps to each host's delay."""
        return 0.0

    def rest(self, host: str, seconds: float) -> None:
        """Do nothing: the run itself knows which host it leaves alone."""

    def elsewhere(self) -> bool:
        """Return False: nobody else takes from the table."""
        return False

    def leave(self) -> None:
        """Do nothing: nobody else is told."""

    def away(self) -> float:
        """Return 0.0: the table is where the corpus is."""
        return 0.0

    def together(self) -> AbstractContextManager[None]:
        """Return an empty context: the caller's transaction does it."""
        return nullcontext()

    def hosts(self) -> list[str]:
        """Return the hosts with URLs waiting, sorted."""
        rows = self._connection.execute(
            f"SELECT DISTINCT host FROM frontier WHERE state = 'queued' AND {_OURS} ORDER BY host",  # noqa: S608
            (self._sites,),
        )
        return [row[0] for row in rows]

    def next_due(self, host: str) -> float | None:
        """Return when the next waiting URL of a host may be fetched, or None if none waits."""
        row = self._connection.execute(
            "SELECT MIN(due) FROM frontier WHERE state = 'queued' AND host = ?", (host,)
        )
        due: float | None = row.fetchone()[0]
        return due

    def settle(
        self,
        key: str,
        state: State,
        *,
        why: str | None = None,
        status: int | None = None,
        crawl_id: str = "",
        relevance: float | None = None,
    ) -> None:
        """End a URL's lease: `done`, `failed` or `excluded`."""
        self._connection.execute(
            "UPDATE frontier SET state = ?, why = ?, status = ?, crawl_id = ?, lease = NULL,"
            " relevance = COALESCE(?, relevance) WHERE key = ?",
            (state, why, status, crawl_id, relevance, key),
        )

    def shown(self, enough: float) -> dict[str, int]:
        """Return how many pages of at least that relevance each site has shown."""
        sql = "SELECT site, COUNT(*) FROM frontier WHERE relevance >= ? GROUP BY site"
        return dict(self._connection.execute(sql, (enough,)).fetchall())

    def postpone(self, key: str, due: float, why: str, *, attempt: bool = True) -> None:
        """Put a leased URL back, not to be tried before `due` (seconds of the epoch)."""
        self._connection.execute(
            "UPDATE frontier SET state = 'queued', lease = NULL, due = ?, why = ?, attempts = attempts + ? WHERE key = ?",
            (due, why, int(attempt), key),
        )

    def close_host(self, host: str, why: str) -> None:
        """Leave out all that waits on a host."""
        self._connection.execute(
            "UPDATE frontier SET state = 'excluded', why = ?, lease = NULL WHERE host = ? AND state IN ('queued', 'leased')",
            (why, host),
        )

    def counts(self, site: str | None = None) -> dict[str, int]:
        """Return how many URLs are in each state, of one site or of all."""
        where, values = ("", ()) if site is None else (" WHERE site = ?", (site,))
        rows = self._connection.execute(f"SELECT state, COUNT(*) FROM frontier{where} GROUP BY state", values)  # noqa: S608
        return dict(rows.fetchall())

    def reasons(self) -> dict[str, int]:
        """Return how many URLs were left out or failed, by reason."""
        rows = self._connection.execute(
            "SELECT why, COUNT(*) FROM frontier WHERE state IN ('excluded', 'failed') GROUP BY why ORDER BY why"
        )
        return dict(rows.fetchall())

    def look(self, key: str) -> tuple[Entry, str, int | None] | None:
        """Return what is known of a canonical URL: its entry, state and last status; None if it was never met."""
        row = self._connection.execute(
            f"SELECT {_ENTRY}, state, status FROM frontier WHERE key = ?",  # noqa: S608
            (key,),
        ).fetchone()
        return None if row is None else (Entry(*row[:_FIELDS]), row[_FIELDS], row[_FIELDS + 1])

    def watermark(self) -> int | None:
        """Return the number of the last fetch whose consequences are in the table; None before the first crawl."""
        return self._meta("watermark")

    def set_watermark(self, mark: int) -> None:
        """Note up to which fetch the table knows."""
        self._set_meta("watermark", mark)

    def unfinished(self) -> bool:
        """Return whether the last run left something waiting, or was killed."""
        return bool(self._meta("unfinished"))

    def set_unfinished(self, unfinished: bool) -> None:
        """Note that a run began (True) or came to its end (False)."""
        self._set_meta("unfinished", int(unfinished))

    def _meta(self, key: str) -> int | None:
        row = self._connection.execute("SELECT value FROM frontier_meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def _set_meta(self, key: str, value: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO frontier_meta VALUES (?, ?)", (key, value))

    def pages(self) -> list[tuple[str, int]]:
        """Return the pages by which twins are told, with the digests of their texts, in the order they were seen."""
        return self._connection.execute("SELECT key, digest FROM frontier_pages ORDER BY rowid").fetchall()

    def remember_page(self, key: str, digest: int) -> None:
        """Keep a page's digest, so that a resumed run knows the twins that this one has proved."""
        self._connection.execute(
            "INSERT OR REPLACE INTO frontier_pages (key, digest) VALUES (?, ?)", (key, digest)
        )

    def robots(self, origin: str, newer_than: float) -> tuple[int, bytes] | None:
        """Return a remembered robots.txt (status, body) fetched after that time, or None."""
        row = self._connection.execute(
            "SELECT status, body FROM robots WHERE origin = ? AND fetched >= ?", (origin, newer_than)
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def remember_robots(self, origin: str, status: int, body: bytes, now: float) -> None:
        """Keep a robots.txt, so that a resumed run doesn't ask again."""
        self._connection.execute(
            "INSERT OR REPLACE INTO robots (origin, status, body, fetched) VALUES (?, ?, ?, ?)",
            (origin, status, body, now),
        )


class FrontierError(Exception):
    """A frontier that can't be used; the text says what to do."""


@contextmanager
def open_readonly(path: Path) -> Iterator[Frontier]:
    """Open the frontier of the corpus at `path` for reading. Raises FrontierError if it has none."""
    if not path.is_file():
        raise FrontierError(f"{path}: no such corpus; `yuqi crawl {path} SITE` makes one")
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        connection = sqlite3.connect(f"file:{quoted}?mode=ro", uri=True, timeout=10)
    except sqlite3.Error as error:
        raise FrontierError(f"{path}: {error}") from None
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] > SCHEMA_VERSION:
            raise FrontierError(f"{path}: it was made by a newer yuqi: upgrade yuqi")
        connection.execute("SELECT 1 FROM frontier LIMIT 1")
        yield Frontier(connection)
    except sqlite3.Error as error:
        raise FrontierError(f"{path}: no frontier here ({error}); `yuqi crawl` makes one") from None
    finally:
        connection.close()
