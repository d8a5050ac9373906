"""The tables of farms: what anybody reads (`farms`, `farm_sites`, `farm_ties`, `site_marks`), and `farming_*`.

The second are counts from which ties follow, and notes of which documents have changed since those were taken, so that
a run reads again what its pages touch and not the whole corpus (`corpus.farm_counts`). What comes is noted by who stores
it, what changes or goes by triggers of a connection's own: a corpus comes with none, and one that does is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

_DDL = (
    """CREATE TABLE site_marks (  -- ids of statistics and advertising accounts that a page carries
    docid INTEGER NOT NULL REFERENCES documents(docid) ON DELETE CASCADE,
    kind TEXT NOT NULL,  -- analytics
    value_hash TEXT NOT NULL,  -- BLAKE2b keyed with this corpus' own salt
    masked TEXT NOT NULL,
    PRIMARY KEY (docid, kind, value_hash)
) WITHOUT ROWID""",
    """CREATE TABLE farms (  -- sites that one operator runs
    id TEXT PRIMARY KEY,  -- its first site by name
    sites INTEGER NOT NULL,
    documents INTEGER NOT NULL,
    ties INTEGER NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE farm_sites (  -- which sites belong to a farm
    site TEXT PRIMARY KEY,
    farm_id TEXT NOT NULL REFERENCES farms(id)
) WITHOUT ROWID""",
    """CREATE TABLE farm_ties (  -- what two sites share; a tie too weak alone for a farm is kept too
    site_a TEXT NOT NULL,
    site_b TEXT NOT NULL,
    kind TEXT NOT NULL,  -- phone, qq, wechat, email, analytics, profile, copies
    value_hash TEXT NOT NULL,  -- the shared value, BLAKE2b keyed with this corpus' own salt; empty for copies
    masked TEXT NOT NULL,  -- the same for people to read
    weight REAL NOT NULL,
    evidence INTEGER NOT NULL,  -- documents that show it on the site with fewer; lines or articles shared
    PRIMARY KEY (site_a, site_b, kind, value_hash)
) WITHOUT ROWID""",
)

COUNTS_DDL = (
    "CREATE INDEX IF NOT EXISTS farm_ties_value ON farm_ties(kind, value_hash)",
    "CREATE INDEX IF NOT EXISTS farm_sites_farm ON farm_sites(farm_id)",
    """CREATE TABLE IF NOT EXISTS farming_sites (  -- how much each site has; copies of one article count once
    site TEXT PRIMARY KEY,
    documents INTEGER NOT NULL,
    articles INTEGER NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS farming_pairs (  -- articles that two sites have in common
    site_a TEXT NOT NULL,
    site_b TEXT NOT NULL,
    articles INTEGER NOT NULL,
    PRIMARY KEY (site_a, site_b)
) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS farming_pairs_b ON farming_pairs(site_b)",
    """CREATE TABLE IF NOT EXISTS farming_values (  -- contacts and accounts that documents show
    kind TEXT NOT NULL,
    value_hash TEXT NOT NULL,
    masked TEXT NOT NULL,
    documents INTEGER NOT NULL,
    PRIMARY KEY (kind, value_hash, masked)
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS farming_uses (  -- which sites show them
    kind TEXT NOT NULL,
    value_hash TEXT NOT NULL,
    site TEXT NOT NULL,
    articles INTEGER NOT NULL,  -- of the site, that show it
    fresh INTEGER NOT NULL,  -- those of them of which no other site that shows it has a copy
    own INTEGER NOT NULL,  -- 1 where it is the site's own
    PRIMARY KEY (kind, value_hash, site)
) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS farming_uses_site ON farming_uses(site, articles)",
    """CREATE TABLE IF NOT EXISTS farming_changes (  -- documents that came, changed or went since, as they were
    docid INTEGER PRIMARY KEY,
    site TEXT,  -- NULL for one that was not there
    id TEXT,
    cluster_id TEXT,
    template_cluster_id TEXT,
    duplicate_of TEXT,
    gone INTEGER NOT NULL DEFAULT 0  -- 1 for one that was there and was taken out
)""",
    """CREATE TABLE IF NOT EXISTS farming_lost (  -- what the documents that are gone showed
    docid INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value_hash TEXT NOT NULL,
    masked TEXT NOT NULL,
    PRIMARY KEY (docid, kind, value_hash)
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS farming_learned (  -- sites whose profile has changed since
    site TEXT PRIMARY KEY
) WITHOUT ROWID""",
)
"""New with schema 8."""

DDL = (*_DDL, *COUNTS_DDL)

COUNTS = ("farming_sites", "farming_pairs", "farming_values", "farming_uses")
NOTES = ("farming_changes", "farming_lost", "farming_learned")
TABLES = ("farm_ties", "farm_sites", "farms", "site_marks", *COUNTS)
"""What follows from the documents; `NOTES` only tell how far it has been brought up to date."""

_PLACE = "site, id, cluster_id, template_cluster_id, duplicate_of"
_OLD_PLACE = "OLD.site, OLD.id, OLD.cluster_id, OLD.template_cluster_id, OLD.duplicate_of"
_OLD = f"INSERT OR IGNORE INTO farming_changes (docid, {_PLACE}) VALUES (OLD.docid, {_OLD_PLACE});"  # noqa: S608  # constants
_WAS_THERE = "(SELECT site IS NOT NULL AND NOT gone FROM farming_changes WHERE docid = OLD.docid)"

_TRIGGERS = {
    "farming_changed": f"AFTER UPDATE OF {_PLACE} ON documents BEGIN {_OLD} END",
    # Before, as what the document shows goes with it.
    "farming_removed": f"""BEFORE DELETE ON documents BEGIN
        {_OLD}
        INSERT OR IGNORE INTO farming_lost SELECT docid, kind, value_hash, masked FROM contacts
            WHERE docid = OLD.docid AND {_WAS_THERE};
        INSERT OR IGNORE INTO farming_lost SELECT docid, kind, value_hash, masked FROM site_marks
            WHERE docid = OLD.docid AND {_WAS_THERE};
        UPDATE farming_changes SET gone = 1 WHERE docid = OLD.docid AND site IS NOT NULL;
    END""",  # noqa: S608  # constants
    "farming_taught": """AFTER INSERT ON sites WHEN NEW.profile IS NOT NULL BEGIN
        INSERT OR IGNORE INTO farming_learned VALUES (NEW.site);
    END""",
    "farming_relearned": """AFTER UPDATE OF profile ON sites WHEN OLD.profile IS NOT NEW.profile BEGIN
        INSERT OR IGNORE INTO farming_learned VALUES (NEW.site);
    END""",
    "farming_unlearned": """AFTER DELETE ON sites WHEN OLD.profile IS NOT NULL BEGIN
        INSERT OR IGNORE INTO farming_learned VALUES (OLD.site);
    END""",
}  # fmt: skip


def watch(connection: sqlite3.Connection) -> None:
    """Have the connection note which documents change or go, and which profiles change, in the same transaction.

    Documents that come are noted by `note_added`.
    """
    for name, what in _TRIGGERS.items():
        connection.execute(f"CREATE TEMP TRIGGER IF NOT EXISTS {name} {what}")


def note_added(connection: sqlite3.Connection, docids: Iterable[int]) -> None:
    """Note documents that have come.

    Not by a trigger, which would make the insertion of a document two thirds dearer (59 microseconds, not 36).
    """
    sql = "INSERT OR IGNORE INTO farming_changes (docid) VALUES (?)"
    connection.executemany(sql, [(docid,) for docid in docids])


@contextmanager
def unwatched(connection: sqlite3.Connection) -> Iterator[None]:
    """Note nothing meanwhile: for what changes everything, within a transaction, and has farms told from the start.

    Where it fails, the rollback brings the triggers back.
    """
    for name in _TRIGGERS:
        connection.execute(f"DROP TRIGGER IF EXISTS temp.{name}")
    yield
    watch(connection)


def forget_changes(connection: sqlite3.Connection) -> None:
    """Begin to note anew: the counts are those of the documents of now."""
    for table in NOTES:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608  # constants


class Difference(NamedTuple):
    """What is to leave a table, and what is to come into it; a changed row is in both."""

    gone: set[tuple[Any, ...]]
    come: set[tuple[Any, ...]]


def difference(old: Iterable[tuple[Any, ...]], new: Iterable[tuple[Any, ...]]) -> Difference:
    """Return what differs between the rows that a table has and those that it is to have."""
    before, after = set(old), set(new)
    return Difference(before - after, after - before)


def delete_rows(connection: sqlite3.Connection, table: str, keys: Sequence[str], found: Difference) -> None:
    """Delete the rows that no row with the same keys replaces; `keys` are the table's first columns."""
    kept = {row[: len(keys)] for row in found.come}
    stale = {row[: len(keys)] for row in found.gone} - kept
    where = " AND ".join(f"{key} = ?" for key in keys)
    connection.executemany(f"DELETE FROM {table} WHERE {where}", sorted(stale))  # noqa: S608  # our own names


def write_rows(connection: sqlite3.Connection, table: str, found: Difference) -> None:
    """Write the rows that are new or changed."""
    if found.come:
        marks = ", ".join("?" * len(next(iter(found.come))))
        connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", sorted(found.come))  # noqa: S608
