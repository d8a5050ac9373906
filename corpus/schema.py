"""The tables of a corpus, their versions, and what an analyst opens first.

The comments stand inside the statements on purpose: `.schema` in any SQLite shell shows them.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from corpus import buckets, dedup, farms
from corpus.archive import is_plain
from corpus.database import Database
from corpus.tokens import Indexed, indexed

APPLICATION_ID = 0x79757169
"""`yuqi` in ASCII: the mark in a SQLite file's header by which a corpus is told from any other database."""

SCHEMA_VERSION = 8
"""Raised with every change of the tables; `migrate` leads from each earlier one to this."""

VERSIONS = """CREATE TABLE versions (  -- what stood at a document's URL at another time; documents has the newest
    docid INTEGER PRIMARY KEY,  -- number of the fetch it comes from
    id TEXT NOT NULL,  -- 128-bit hash of url and body
    url TEXT NOT NULL,
    site TEXT NOT NULL,
    title TEXT,
    author TEXT,
    published TEXT,
    text TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    first_seen TEXT NOT NULL,  -- ISO 8601, UTC: when it was fetched
    last_seen TEXT NOT NULL  -- ISO 8601, UTC: when it was last found to be still the same
)"""

BURIED_TEXTS = """CREATE TABLE buried_texts (  -- of what was taken down: by what its bytes can be recognised, never the text
    docid INTEGER PRIMARY KEY,  -- number of the fetch it came from
    needles BLOB NOT NULL  -- 64-bit keyed hashes of windows of 48 bytes, little-endian
)"""

COPIES = tuple(
    f"CREATE INDEX IF NOT EXISTS {name} ON documents({column}, site) WHERE {column} IS NOT NULL"
    for name, column in (
        ("documents_cluster", "cluster_id"),
        ("documents_template", "template_cluster_id"),
        ("documents_match", "duplicate_of"),
    )
)
"""By what documents are found that are copies of each other; with the site, as farms ask which sites those are on."""

ONES = "CREATE INDEX IF NOT EXISTS documents_ones ON documents(docid, url, published) WHERE duplicate_of IS NULL"
"""What search asks of every candidate, so that it need not open the rows, which hold the texts."""

FTS = """CREATE VIRTUAL TABLE documents_fts USING fts5(  -- character bigrams of documents, see docs/search.md
    title, text, tags, content='', tokenize='ascii'
)"""
"""Tokens come in lower case with spaces between them (`corpus.tokens`): `ascii` takes them as they are, in four fifths of
the time that `unicode61` takes to look each character up. Corpora of before keep theirs, which finds the same."""

GATHERED = 4 << 20
"""Bytes of tokens that the index gathers before it writes them in order; with FTS5's own megabyte it merges more often."""

MERGED = 8
"""Segments of the index that are merged at a time, in place of FTS5's four: what is written is then written again less often
(a quarter less time for each document; a search of 6,000 took as long), and there are never more than a few dozen."""

TABLES = (
    """CREATE TABLE corpus_meta (  -- one row for each fact about this file
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE archives (  -- WARC files of the archive folder
    file TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL,  -- how far its records are registered in fetches
    torn INTEGER NOT NULL DEFAULT 0  -- bytes of a torn record behind that, left by a killed process
) WITHOUT ROWID""",
    """CREATE TABLE fetches (  -- every HTTP response received, every file ingested
    seq INTEGER PRIMARY KEY,  -- order of registration; a document's docid is its fetch's seq
    id TEXT NOT NULL,  -- 128-bit hash of url and body
    url TEXT NOT NULL,
    site TEXT NOT NULL,
    kind TEXT NOT NULL,  -- WARC record type: response, resource, conversion
    status INTEGER NOT NULL,  -- HTTP status
    content_type TEXT,
    size INTEGER NOT NULL,  -- bytes of the body as transferred
    fetched_at TEXT NOT NULL,  -- ISO 8601, UTC
    crawl_id TEXT,
    warc_file TEXT NOT NULL REFERENCES archives(file),
    warc_offset INTEGER NOT NULL,
    warc_length INTEGER NOT NULL,
    derived INTEGER NOT NULL DEFAULT 0  -- 1 once it has given a document, a rejection, or nothing new; 2: taken down
)""",
    "CREATE INDEX fetches_id ON fetches(id)",
    "CREATE INDEX fetches_url ON fetches(url)",
    "CREATE INDEX fetches_pending ON fetches(seq) WHERE derived = 0",
    """CREATE TABLE documents (  -- the article derived from a fetch; duplicates are marked, not deleted
    docid INTEGER PRIMARY KEY,  -- rowid in documents_fts
    id TEXT NOT NULL UNIQUE,  -- 128-bit hash of url and body
    url TEXT NOT NULL,
    site TEXT NOT NULL,
    title TEXT,
    author TEXT,
    published TEXT,  -- ISO 8601, as exact as the page says
    category TEXT,
    source TEXT,  -- where the page says it has the article from
    text TEXT NOT NULL,  -- repaired, stripped, Simplified; one block a line, without the title
    text_source TEXT NOT NULL,  -- the same before simplification
    script TEXT NOT NULL,  -- hans, hant or mixed: of text_source
    encoding TEXT NOT NULL,
    encoding_evidence TEXT NOT NULL,
    lenders TEXT NOT NULL,  -- JSON array, most prominent first
    topics TEXT NOT NULL,  -- JSON array of topic ids
    relevance REAL NOT NULL,  -- 0 to 1: how much it is about overdue loans
    quality TEXT NOT NULL,  -- JSON object
    counters TEXT NOT NULL,  -- JSON object: views, comments, heat, likes as the page shows them
    chars INTEGER NOT NULL,  -- length of text
    first_seen TEXT NOT NULL,  -- ISO 8601, UTC: when it was fetched
    last_seen TEXT NOT NULL DEFAULT '',  -- ISO 8601, UTC: when it was last found to be still the same
    content_hash TEXT NOT NULL,  -- hash of the folded text: equal for exact duplicates
    cluster_id TEXT,  -- NULL while nothing else is like it
    duplicate_of TEXT,  -- id of the document it duplicates; NULL for representatives
    duplicate_kind TEXT,  -- exact, near, template (names swapped), contains (embedded in a larger text)
    similarity REAL,  -- with duplicate_of: Jaccard of character 5-grams; masked for template, share held for contains
    template_cluster_id TEXT  -- equal once lender, city, number and date names are masked
)""",
    "CREATE INDEX documents_url ON documents(url)",
    "CREATE INDEX documents_site ON documents(site)",
    "CREATE INDEX documents_published ON documents(published)",
    *COPIES,
    "CREATE INDEX documents_content_hash ON documents(content_hash)",
    ONES,
    VERSIONS,
    "CREATE INDEX versions_url ON versions(url)",
    """CREATE TABLE findings (  -- every change made to a document's text, with its certainty
    docid INTEGER NOT NULL REFERENCES documents(docid) ON DELETE CASCADE,
    number INTEGER NOT NULL,  -- order within the document
    stage TEXT NOT NULL,  -- repair, strip or normalize; the script stage is text_source against text
    rule TEXT NOT NULL,
    "start" INTEGER NOT NULL,  -- characters, half open, in the stage's own input
    "end" INTEGER NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    certainty TEXT NOT NULL,  -- certified, inferred or rule
    evidence TEXT NOT NULL,
    PRIMARY KEY (docid, number)
) WITHOUT ROWID""",
    "CREATE INDEX findings_rule ON findings(rule)",
    """CREATE TABLE rejections (  -- why a fetch gave no document
    seq INTEGER PRIMARY KEY REFERENCES fetches(seq),
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    site TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    encoding TEXT
)""",
    "CREATE INDEX rejections_reason ON rejections(reason)",
    """CREATE TABLE contacts (  -- phone, QQ, WeChat and e-mail contacts that a page carries
    docid INTEGER NOT NULL REFERENCES documents(docid) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    value_hash TEXT NOT NULL,  -- BLAKE2b keyed with this corpus' own salt
    masked TEXT NOT NULL,
    PRIMARY KEY (docid, kind, value_hash)
) WITHOUT ROWID""",
    "CREATE INDEX contacts_value ON contacts(value_hash)",
    """CREATE TABLE sites (  -- what is known of a site beforehand, and learned from its pages
    site TEXT PRIMARY KEY,
    selectors TEXT,  -- JSON, from the site's declaration
    charset TEXT,
    profile TEXT,  -- JSON: the learned site profile
    profile_version TEXT,  -- its content hash
    pinyin_table TEXT  -- JSON: the learned table of injected readings
) WITHOUT ROWID""",
    """CREATE TABLE crawls (  -- one row for each run of the crawler or of ingest
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,  -- crawl or ingest
    started_at TEXT NOT NULL,
    ended_at TEXT,  -- NULL when the run was killed
    targets TEXT NOT NULL,  -- JSON array
    summary TEXT  -- JSON object
) WITHOUT ROWID""",
    """CREATE TABLE tombstones (  -- takedowns: what must stay out, through rebuilds and new crawls
    kind TEXT NOT NULL,  -- url, site, hash (of a text), contact
    value TEXT NOT NULL,  -- of a contact: its keyed hash, as in contacts.value_hash
    reason TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (kind, value)
) WITHOUT ROWID""",
    BURIED_TEXTS,
    FTS,
)

ARTICLES_VIEW = """CREATE VIEW articles AS
SELECT docid, id, url, site, title, author, published, category, source, text, text_source, script, lenders, topics,
    relevance, quality, chars, first_seen, cluster_id, template_cluster_id
FROM documents
WHERE duplicate_of IS NULL
    AND NOT EXISTS (SELECT 1 FROM tombstones AS t WHERE (t.kind = 'url' AND t.value = documents.url)
        OR (t.kind = 'site' AND t.value = documents.site) OR (t.kind = 'hash' AND t.value = documents.content_hash))"""
"""Representatives only, not tombstoned: what an analyst opens first."""

VIEWS = (
    ARTICLES_VIEW,
    """CREATE VIEW IF NOT EXISTS lender_months AS  -- how many articles speak of a lender, by month of publication
SELECT lender.value AS lender, substr(a.published, 1, 7) AS month, count(*) AS articles
FROM articles AS a, json_each(a.lenders) AS lender
WHERE a.published IS NOT NULL
GROUP BY lender, month""",
    """CREATE VIEW IF NOT EXISTS topic_months AS  -- how many articles are about a topic, by month of publication
SELECT topic.value AS topic, substr(a.published, 1, 7) AS month, count(*) AS articles
FROM articles AS a, json_each(a.topics) AS topic
WHERE a.published IS NOT NULL
GROUP BY topic, month""",
    """CREATE VIEW IF NOT EXISTS farm_documents AS  -- the documents of each farm's sites
SELECT s.farm_id AS farm, d.site, d.docid, d.id, d.url, d.title, d.published, d.duplicate_of, d.cluster_id
FROM farm_sites AS s JOIN documents AS d ON d.site = s.site""",
    """CREATE VIEW IF NOT EXISTS rule_counts AS  -- how often each rule changed a text, and in how many documents
SELECT stage, rule, certainty, count(*) AS times, count(DISTINCT docid) AS documents
FROM findings
GROUP BY stage, rule, certainty""",
)
"""What analysts ask first. A view's columns are part of the interface, as a table's are."""

DERIVED = ("documents", "versions", "findings", "rejections", "contacts")
"""The tables that `rebuild` empties and makes again, apart from those that dedup and farms own."""


class SchemaError(Exception):
    """A file that can't be used as a corpus; the text says what to do."""


def create(db: Database) -> None:
    """Make every table of an empty database."""
    for statement in (*TABLES, *dedup.DDL, *farms.DDL, *VIEWS):
        db.execute(statement)
    set_index(db)
    db.table("corpus_meta").insert({"key": "salt", "value": secrets.token_hex(16)})
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def set_index(db: Database) -> None:
    """Set how the search index is written; it is kept in the file, and says nothing of what is found."""
    for option, value in (("hashsize", GATHERED), ("automerge", MERGED)):
        db.execute("INSERT INTO documents_fts(documents_fts, rank) VALUES (?, ?)", [option, value])


def migrate(db: Database) -> None:
    """Bring the tables of an earlier version to this one, in the caller's transaction."""
    if db.execute("PRAGMA user_version").fetchone()[0] < 2:
        db.execute("ALTER TABLE documents ADD COLUMN last_seen TEXT NOT NULL DEFAULT ''")
        db.execute("UPDATE documents SET last_seen = first_seen")
        db.execute(VERSIONS)
        db.execute("CREATE INDEX versions_url ON versions(url)")
    if db.execute("PRAGMA user_version").fetchone()[0] < 3:
        db.execute(BURIED_TEXTS)
    if db.execute("PRAGMA user_version").fetchone()[0] < 4:
        dedup.add_steps(db.conn)
    if db.execute("PRAGMA user_version").fetchone()[0] < 5:
        for view in VIEWS[1:]:
            db.execute(view)
    if db.execute("PRAGMA user_version").fetchone()[0] < 6:
        _index_again(db)
    if db.execute("PRAGMA user_version").fetchone()[0] < 7:
        buckets.add_levels(db.conn)
    if db.execute("PRAGMA user_version").fetchone()[0] < 8:
        for index in ("documents_cluster", "documents_template"):
            db.execute(f"DROP INDEX IF EXISTS {index}")
        for statement in (*COPIES, *farms.COUNTS_DDL):
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _index_again(db: Database) -> None:
    """Make the search index anew from the documents."""
    db.execute("DROP TABLE documents_fts")
    db.execute(FTS)
    db.execute(ONES)
    db.conn.executemany(
        "INSERT INTO documents_fts(rowid, title, text, tags) VALUES (?, ?, ?, ?)",
        ((row["docid"], *indexed_row(row)) for row in db.table("documents").rows),
    )


def indexed_row(row: Mapping[str, Any]) -> Indexed:
    """Return what the search index holds of a row of `documents`."""
    return indexed(
        row["title"], row["text"], site=row["site"], lenders=json.loads(row["lenders"]), topics=json.loads(row["topics"]),
        script=row["script"], published=row["published"],
    )  # fmt: skip


def outdated(db: Database) -> bool:
    """Return whether the tables are of an earlier version."""
    return int(db.execute("PRAGMA user_version").fetchone()[0]) < SCHEMA_VERSION


def check(db: Database) -> None:
    """Raise SchemaError unless `db` is a corpus of a version that this program reads."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise SchemaError(
            "it is a SQLite database but not a yuqi corpus; name another file, or a new one to start"
        )
    if version > SCHEMA_VERSION:
        raise SchemaError(
            f"it was made by a newer yuqi (schema {version}; this one knows up to {SCHEMA_VERSION}): upgrade yuqi"
        )
    _check_shape(db)


_OWN = frozenset(
    re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?\"?(\w+)", "\n".join((*TABLES, *dedup.DDL, *farms.DDL)))
)
"""Our ordinary tables."""


def _check_shape(db: Database) -> None:
    """Raise SchemaError for what no program of ours makes: it would run as a part of our own statements."""
    held = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    if triggers := [name for kind, name, _ in held if kind == "trigger"]:
        raise SchemaError(
            f"it holds a trigger ({triggers[0][:60]!r}), which would run with our commands: drop it first"
        )
    for kind, name, sql in held:
        if name in _OWN and (kind != "table" or sql.upper().startswith("CREATE VIRTUAL")):
            raise SchemaError(f"{name} is no table of a corpus but a {kind}: it was tampered with")
    generated = """SELECT m.name FROM sqlite_master AS m, pragma_table_xinfo(m.name) AS c
        WHERE m.type = 'table' AND c.hidden IN (2, 3) LIMIT 1"""
    if found := db.execute(generated).fetchone():
        raise SchemaError(f"{found[0]} computes a column, which no table of a corpus does: it was tampered with")
    if strange := [name for (name,) in db.execute("SELECT file FROM archives") if not is_plain(str(name))]:
        raise SchemaError(
            f"it names an archive file outside its folder ({strange[0][:60]!r}): it was tampered with"
        )
