"""What a run has learned of traps and of its subject, kept in the corpus: a run that was killed goes on with it.

It is written together with the consequences of responses (`Session.checkpoint`), so it is what was known at the frontier's
watermark; what a killed run learned later is learned again from the archive. A run that came to its end is not gone on
with, so the next one learns afresh: what was a trap then may be a site's archive now.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable

from crawler.judge import Judge

SCHEMA = """
CREATE TABLE IF NOT EXISTS learned_shapes (  -- what shapes of URLs have led to
    id INTEGER PRIMARY KEY,
    shape TEXT NOT NULL UNIQUE,
    barren INTEGER NOT NULL,  -- pages in a row that led nowhere
    why TEXT  -- why it is closed
);
CREATE TABLE IF NOT EXISTS learned_links (  -- hashes of the links that pages of a shape have shown
    shape INTEGER NOT NULL,
    link INTEGER NOT NULL,
    PRIMARY KEY (shape, link)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS learned_hosts (  -- what hosts answer to addresses that can't exist
    host TEXT PRIMARY KEY,
    pool INTEGER NOT NULL,
    answers BLOB NOT NULL,  -- hashes of the answers' 5-grams, 64 bits each
    first INTEGER NOT NULL  -- how many of them are the first answer's
);
CREATE TABLE IF NOT EXISTS learned_sites (  -- how much of a site is about the subject
    site TEXT PRIMARY KEY,
    weighed INTEGER NOT NULL,
    unpromised INTEGER NOT NULL,
    surprises INTEGER NOT NULL,
    at_home INTEGER NOT NULL
);
"""
TABLES = ("learned_shapes", "learned_links", "learned_hosts", "learned_sites")


class Learned:
    """The tables, through a connection whose transactions the caller begins and ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Create the tables where they are missing; commits."""
        self._connection = connection
        self._sites: dict[str, tuple[int, int, int, bool]] = {}
        connection.executescript(SCHEMA)

    def forget(self) -> None:
        """Empty the tables."""
        for table in TABLES:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608  # constants

    def recall(self, judge: Judge) -> set[str]:
        """Teach `judge` what is kept; return the hosts that need not be probed again."""
        for shape, barren, why in self._connection.execute("SELECT shape, barren, why FROM learned_shapes"):
            judge.watch.barren[shape] = barren
            if why is not None:
                judge.watch.shut[shape] = why
        sql = "SELECT s.shape, l.link FROM learned_links AS l JOIN learned_shapes AS s ON s.id = l.shape"
        for shape, link in self._connection.execute(sql):
            judge.watch.seen.setdefault(shape, set()).add(link)
        for site, *counts, at_home in self._connection.execute(
            "SELECT site, weighed, unpromised, surprises, at_home FROM learned_sites"
        ):
            judge.recall(site, *counts, at_home=bool(at_home))
        return self._recall_hosts(judge)

    def _recall_hosts(self, judge: Judge) -> set[str]:
        hosts = set()
        for host, pool, blob, first in self._connection.execute(
            "SELECT host, pool, answers, first FROM learned_hosts"
        ):
            grams = array("Q", blob)
            if grams:
                judge.probes.answers[host] = [frozenset(grams[:first]), frozenset(grams[first:])]
            if pool:
                judge.probes.pools.add(host)
            hosts.add(host)
        return hosts

    def save(self, judge: Judge) -> None:
        """Write what `judge` has learned since the last time."""
        watch, execute = judge.watch, self._connection.execute
        if watch.forgot:
            execute("DELETE FROM learned_links")
        self._connection.executemany(
            "INSERT INTO learned_shapes (shape, barren, why) VALUES (?, ?, ?)"
            " ON CONFLICT (shape) DO UPDATE SET barren = excluded.barren, why = excluded.why",
            [(shape, watch.barren[shape], watch.shut.get(shape)) for shape in sorted(watch.changed)],
        )
        self._connection.executemany(
            "INSERT OR IGNORE INTO learned_links SELECT id, ? FROM learned_shapes WHERE shape = ?",
            [(link, shape) for shape, link in watch.fresh],
        )
        watch.written()
        self._save_hosts(judge)
        sites = {site: counts for site, counts in judge.counts() if self._sites.get(site) != counts}
        self._connection.executemany(
            "INSERT OR REPLACE INTO learned_sites VALUES (?, ?, ?, ?, ?)",
            [(site, *counts) for site, counts in sites.items()],
        )
        self._sites |= sites

    def _save_hosts(self, judge: Judge) -> None:
        probes = judge.probes
        self._connection.executemany(
            "INSERT OR REPLACE INTO learned_hosts VALUES (?, ?, ?, ?)",
            [(host, host in probes.pools, *_packed(probes.answers.get(host, ()))) for host in probes.done],
        )
        probes.done.clear()


def _packed(answers: Iterable[frozenset[int]]) -> tuple[bytes, int]:
    """Return two answers' grams as one value, and how many are the first's; nothing unless there are two."""
    both = list(answers)
    if len(both) < 2:
        return b"", 0
    return array("Q", [*both[0], *both[1]]).tobytes(), len(both[0])
