"""`yuqi doctor`: is everything here that is needed, and is a corpus whole."""

from __future__ import annotations

import importlib.metadata
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cleaning import native
from corpus import archive
from corpus.fingerprint import content_hash
from corpus.records import Location
from corpus.store import Corpus

MIN_PYTHON = (3, 11)
MIN_SQLITE = (3, 35, 0)
"""RETURNING and the JSON functions that the views use came with 3.35."""

_NEEDED = (
    "scrapy", "beautifulsoup4", "chardet", "opencc-python-reimplemented", "sqlite-utils", "selectolax", "fastwarc",
    "numpy", "orjson", "pypinyin", "ahocorasick_rs", "zstandard", "xxhash", "lxml", "click", "rich",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is well, and what to do where it isn't."""

    name: str
    ok: bool
    detail: str


def check_setup() -> Iterator[Check]:
    """Yield a check for Python, SQLite, every library and the compiled twins."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", sys.version_info >= MIN_PYTHON, f"{version} (3.11 or newer is needed)")
    yield Check(
        "sqlite", sqlite3.sqlite_version_info >= MIN_SQLITE, f"{sqlite3.sqlite_version} (3.35 or newer is needed)"
    )
    yield _check_fts()
    for name in _NEEDED:
        try:
            yield Check(name, True, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Check(name, False, f"missing: pip install {name}")
    try:
        importlib.metadata.version("opencc")
    except importlib.metadata.PackageNotFoundError:
        yield Check("opencc", True, "only opencc-python-reimplemented provides the module opencc")
    else:
        yield Check(
            "opencc", False, "the package `opencc` hides opencc-python-reimplemented: pip uninstall opencc"
        )
    yield _check_compiled()


def _check_compiled() -> Check:
    """Return which loops run compiled; none has to, so that this is well either way."""
    if native.PURE:
        return Check("compiled", True, "switched off by YUQI_PURE: the same results, slower")
    missing = [name for name, compiled in native.twins().items() if not compiled]
    if missing:
        advice = "install a C compiler and Python's headers, then yuqi again"
        return Check("compiled", True, f"not {', '.join(missing)}: the same results, slower; {advice}")
    return Check("compiled", True, "all of it")


def _check_fts() -> Check:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(x)")
    except sqlite3.OperationalError:
        return Check("fts5", False, "this Python's SQLite has no FTS5: use another build of Python")
    finally:
        connection.close()
    return Check("fts5", True, "there")


def check_corpus(path: Path, *, archive_too: bool = True) -> Iterator[Check]:
    """Yield checks of a corpus: the database's integrity, its tables against each other, its archive's offsets.

    Raises CorpusError when it can't be opened at all.
    """
    with Corpus(path, readonly=True) as corpus:
        db = corpus.connection
        problems = [row[0] for row in db.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
        yield Check("database", not problems, "; ".join(problems) or "every page of the file is sound")
        orphans = db.execute("PRAGMA foreign_key_check").fetchall()
        yield Check(
            "references", not orphans, f"{len(orphans)} rows point at nothing" if orphans else "all lead somewhere"
        )
        yield _check_texts(db)
        yield _check_index(db)
        pending = db.execute("SELECT count(*) FROM fetches WHERE derived = 0").fetchone()[0]
        detail = f"{pending} not derived yet: yuqi rebuild {path}" if pending else "every fetch is accounted for"
        yield Check("fetches", pending == 0, detail)
        torn = db.execute("SELECT count(*), sum(torn) FROM archives WHERE torn > 0").fetchone()
        if torn[0]:
            yield Check(
                "torn records",
                True,
                f"{torn[0]} (a run was killed while writing; {torn[1]} bytes, nothing registered lost)",
            )
        if archive_too:
            yield _check_archive(corpus)


def _check_texts(db: sqlite3.Connection) -> Check:
    """Compare every document's text with the hash it was stored with: SQLite sees no change inside a value."""
    total, bad = 0, []
    for url, text, stored in db.execute("SELECT url, CAST(text AS BLOB), content_hash FROM documents"):
        total += 1
        if content_hash(text.decode("utf-8", "replace")) != stored:
            bad.append(url)
    detail = (
        f"{total} texts fit their hashes"
        if not bad
        else f"{len(bad)} of {total} are altered: {bad[0]}: run yuqi rebuild"
    )
    return Check("texts", not bad, detail)


def _check_index(db: sqlite3.Connection) -> Check:
    documents = db.execute("SELECT count(*) FROM documents").fetchone()[0]
    indexed = db.execute("SELECT count(*) FROM documents_fts_docsize").fetchone()[0]
    ok = documents == indexed
    detail = f"{documents} documents" if ok else f"{documents} documents, {indexed} indexed: run yuqi rebuild"
    return Check("search index", ok, detail)


def _check_archive(corpus: Corpus) -> Check:
    """Read back every record that `fetches` points at and verify its digest and its id."""
    bad: list[str] = []
    total = 0
    rows = corpus.connection.execute("SELECT id, warc_file, warc_offset, warc_length FROM fetches ORDER BY seq")
    for identifier, *where in rows:
        total += 1
        try:
            fetch = archive.read(corpus.folder, Location(*where))
        except archive.ArchiveError as error:
            bad.append(str(error))
            continue
        if fetch.id != identifier:
            bad.append(f"{where[0]} at {where[1]}: another record than registered")
    detail = f"{total} records read back and verified" if not bad else f"{len(bad)} of {total} bad: {bad[0]}"
    return Check("archive", not bad, detail)
