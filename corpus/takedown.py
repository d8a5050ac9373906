"""Takedowns: what may not be in a corpus any more, taken out of its tables, its files, and what comes later.

A tombstone says what (`url`, `site`, `hash` of a text, `contact`), who asked, why and when. It keeps the text out of
rebuilds, ingests, crawls and exports. `purge` also writes the archive anew without the pages, and `remains` looks
for what is left in the files' bytes.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import numpy as np

from cleaning.contacts import find_contacts
from cleaning.decode import Decoded, decode
from corpus import archive
from corpus.derive import decoded_body
from corpus.farms import keyed_hash
from corpus.needles import Hasher, Hashes
from corpus.records import LOCAL_SITE, Fetch, site_of
from corpus.store import Corpus, CorpusError

Kind = Literal["url", "site", "hash", "contact"]

CONTACT_KINDS = ("phone", "qq", "wechat", "email", "hotline")

_TAKEN = 2
"""In `fetches.derived`: the fetch's page is kept out by a tombstone."""

_WRITING = 1 << 62
"""In `archives.bytes` while a file is being written anew: nobody takes in what stands in it."""


class Remains(NamedTuple):
    """A place where a text that was taken down still stands: the file, the byte offset, and what is there."""

    file: str
    offset: int
    what: str


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge did: pages taken out of the archive, files written anew, bytes given back."""

    pages: int
    files: int
    bytes: int


def asked_for(
    corpus: Corpus,
    *,
    urls: Iterable[str] = (),
    sites: Iterable[str] = (),
    clusters: Iterable[str] = (),
    contacts: Iterable[str] = (),
    hashes: Iterable[str] = (),
) -> list[tuple[Kind, str]]:
    """Return tombstones (kind, value) for what a person names.

    A cluster becomes the URLs and texts of its members; a contact is kept as its keyed hash; a hash is a document's
    id (or its beginning) or the hash of a text. Raises CorpusError for a cluster or document that isn't there, and for
    what names nothing: an empty site would be that of every page that came from a file.
    """
    urls, sites, clusters, contacts, hashes = map(tuple, (urls, sites, clusters, contacts, hashes))
    for name in (*urls, *sites, *clusters, *contacts, *hashes):
        if not name.strip():
            raise CorpusError("an empty name names nothing: nothing was taken down")
    found: list[tuple[Kind, str]] = [("url", _url(corpus, url)) for url in urls]
    found += [("site", _site(site)) for site in sites]
    for key in clusters:
        found += _cluster(corpus, key)
    for value in contacts:
        found += [("contact", keyed) for keyed in _contact(corpus, value)]
    for key in hashes:
        document = corpus.find(key)
        if document is None and len(key) != 32:
            raise CorpusError(
                f"{key}: no document with that id; give an id, its beginning, or a text's 32-digit hash"
            )
        found.append(("hash", document["content_hash"] if document else key))
    return list(dict.fromkeys(found))


def _url(corpus: Corpus, name: str) -> str:
    """Return a URL as pages are known by it: as written where a page stands there, else as a browser requests it."""
    name = name.strip()
    if corpus.connection.execute("SELECT 1 FROM fetches WHERE url = ?", (name,)).fetchone():
        return name
    try:
        parts = urlsplit(name)
    except ValueError as error:
        raise CorpusError(f"{name}: it is no URL ({error})") from None
    if not parts.scheme or not (parts.netloc or parts.path):
        raise CorpusError(f"{name}: give the whole URL, as http://{name}")
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path or "/", parts.query, ""))


def _site(name: str) -> str:
    site = site_of(name if "://" in name else f"http://{name}/")
    if site == LOCAL_SITE and name != LOCAL_SITE:
        raise CorpusError(f"{name}: it is no site's name; write it as example.org")
    return site


def _cluster(corpus: Corpus, key: str) -> Iterator[tuple[Kind, str]]:
    document = corpus.find(key)
    cluster = document["cluster_id"] or document["template_cluster_id"] if document else key
    sql = "SELECT url, content_hash FROM documents WHERE cluster_id = ?1 OR template_cluster_id = ?1 OR id = ?2"
    members = corpus.connection.execute(sql, (cluster, document["id"] if document else "")).fetchall()
    if not members:
        raise CorpusError(f"{key}: no cluster or document with that id; `yuqi cluster` lists them")
    for url, text in members:
        yield "url", url
        yield "hash", text


def _contact(corpus: Corpus, value: str) -> list[str]:
    """Return the keyed hashes that a contact may stand under: as written, and as it is read from a page."""
    salt = corpus.salt
    plain = {(kind, value.strip().lower()) for kind in CONTACT_KINDS}
    plain |= {(contact.kind, contact.value) for contact in find_contacts(value)}
    return sorted(keyed_hash(salt, kind, written) for kind, written in plain)


def purge(corpus: Corpus) -> Purged:
    """Write the archive's files anew without the pages that were taken down, and give back the database's free space.

    A kill at any moment loses nothing: the next purge goes on. Raises CorpusError while another process writes.
    """
    corpus.release_archive()
    connection = corpus.connection
    _tidy(corpus)
    taken = "SELECT DISTINCT warc_file FROM fetches WHERE derived = ? ORDER BY warc_file"
    files = [name for (name,) in connection.execute(taken, (_TAKEN,)).fetchall()]
    pages = given = 0
    for name in files:
        source = archive.place(corpus.folder, name)
        before = source.stat().st_size if source.exists() else 0
        gone, after = _rewrite(corpus, name)
        pages += gone
        given += before - after
    connection.execute("INSERT INTO documents_fts(documents_fts) VALUES ('optimize')")
    connection.commit()
    given += _compact(corpus)
    return Purged(pages, len(files), given)


def _compact(corpus: Corpus) -> int:
    """Give back free pages, with whatever they hold, and empty the write-ahead log; return the bytes given back."""
    before = corpus.path.stat().st_size
    if shutil.disk_usage(corpus.path.parent).free < 2 * before:
        raise CorpusError(
            f"{corpus.path}: making the file anew needs {2 * before / 1e6:.0f} MB free beside it; "
            "free some space and run the purge again"
        )
    corpus.connection.execute("VACUUM")
    corpus.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before - corpus.path.stat().st_size


def _tidy(corpus: Corpus) -> None:
    """Finish or take back what a killed purge left: files half written, files that no fetch points at any more."""
    rows = corpus.connection.execute(
        """SELECT file, bytes FROM archives AS a
        WHERE NOT EXISTS (SELECT 1 FROM fetches AS f WHERE f.warc_file = a.file)"""
    ).fetchall()
    for name, size in rows:
        path = archive.place(corpus.folder, name)
        if size == _WRITING or _superseded(corpus, name):
            path.unlink(missing_ok=True)
            with corpus.transaction():
                corpus.db.execute("DELETE FROM archives WHERE file = ?", [name])


def _superseded(corpus: Corpus, name: str) -> bool:
    sql = "SELECT 1 FROM corpus_meta WHERE key = ?"
    return corpus.connection.execute(sql, (f"superseded {name}",)).fetchone() is not None


def _rewrite(corpus: Corpus, name: str) -> tuple[int, int]:
    """Write one file anew under a new name without what was taken down; return pages left out and bytes written."""
    source = archive.place(corpus.folder, name)
    with source.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CorpusError(
                f"{source}: a crawl or ingest is writing to it; purge when that has ended"
            ) from error
        rows = corpus.connection.execute(
            "SELECT seq, warc_offset, warc_length, derived FROM fetches WHERE warc_file = ? ORDER BY warc_offset",
            (name,),
        ).fetchall()
        target = _free_name(corpus)
        with corpus.transaction():
            corpus.db.table("archives").insert({"file": target, "bytes": _WRITING})
        moved, size = _copy(stream, corpus.folder / target, [row for row in rows if row[3] != _TAKEN])
    gone = [(row[0],) for row in rows if row[3] == _TAKEN]
    with corpus.transaction():
        corpus.db.execute("UPDATE archives SET bytes = ?, torn = 0 WHERE file = ?", [size, target])
        corpus.connection.executemany(
            "UPDATE fetches SET warc_file = ?, warc_offset = ? WHERE seq = ?",
            [(target, offset, seq) for seq, offset in moved],
        )
        for table in ("rejections", "fetches"):
            corpus.connection.executemany(f"DELETE FROM {table} WHERE seq = ?", gone)  # noqa: S608  # constants
        corpus.db.table("corpus_meta").upsert({"key": f"superseded {name}", "value": target}, pk="key")
    source.unlink()
    with corpus.transaction():
        corpus.db.execute("DELETE FROM archives WHERE file = ?", [name])
        corpus.db.execute("DELETE FROM corpus_meta WHERE key = ?", [f"superseded {name}"])
    return len(gone), size


def _copy(
    stream: BinaryIO, target: Path, rows: list[tuple[int, int, int, int]]
) -> tuple[list[tuple[int, int]], int]:
    """Copy the members at `rows` behind a new head; return (seq, new offset) of each and the bytes written."""
    moved: list[tuple[int, int]] = []
    head = archive.head(target.name)
    with target.open("wb") as out:
        out.write(head)
        offset = len(head)
        for seq, start, length, _ in rows:
            stream.seek(start)
            member = stream.read(length)
            if len(member) != length:
                raise CorpusError(f"{stream.name} ends before offset {start} + {length}: run `yuqi doctor`")
            out.write(member)
            moved.append((seq, offset))
            offset += length
        out.flush()
        os.fsync(out.fileno())
    return moved, offset


def _free_name(corpus: Corpus) -> str:
    numbers = [int(path.name[:5]) for path in corpus.folder.glob("[0-9]" * 5 + ".warc.gz")]
    rows = corpus.connection.execute("SELECT file FROM archives").fetchall()
    numbers += [int(name[:5]) for (name,) in rows if name[:5].isdecimal()]
    return f"{1 + max(numbers, default=0):05d}.warc.gz"


def remains(corpus: Corpus) -> Iterator[Remains]:
    """Yield every place in the corpus' files where a text that was taken down still stands.

    The database and its journals are searched byte by byte, every page of the archive as it is packed out, as received
    and decoded. A text of which no line has sixteen characters has no needle and can't be looked for this way.
    """
    corpus.flush()
    wanted = needles(corpus.connection)
    hasher = Hasher(corpus.salt)
    standing = _standing(corpus, hasher, wanted)
    yield from standing.places
    yield from _in_database(corpus, hasher, wanted, standing.needles)
    yield from _in_archive(corpus, hasher, wanted, standing.needles)


def needles(connection: sqlite3.Connection) -> Hashes:
    """Return the needles of all that was taken down, sorted."""
    rows = connection.execute("SELECT needles FROM buried_texts").fetchall()
    found = [np.frombuffer(packed, dtype="<u8") for (packed,) in rows]
    return np.unique(np.concatenate(found)).astype(np.uint64) if found else np.empty(0, dtype=np.uint64)


HELD_SHARE = 0.5
"""Of a text's needles, from which on another page is said to hold that text: less is a quoted sentence or a phrase that
many pages have, such as a disclaimer."""


class _Buried:
    """The texts that were taken down, as sets of needles."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT needles FROM buried_texts").fetchall()
        self._texts = [frozenset(np.frombuffer(packed, dtype="<u8").tolist()) for (packed,) in rows]

    def share(self, found: set[int]) -> float:
        """Return the largest share of one of the texts that `found` needles make up, 0 to 1."""
        return max(
            (len(text & found) / len(text) for text in self._texts if text and not text.isdisjoint(found)),
            default=0.0,
        )


class _Standing(NamedTuple):
    """Documents that hold the text of one taken down (a copy elsewhere), and the needles that documents account for."""

    places: list[Remains]
    needles: frozenset[int]


def _standing(corpus: Corpus, hasher: Hasher, wanted: Hashes) -> _Standing:
    places: list[Remains] = []
    accounted: set[int] = set()
    if not len(wanted):
        return _Standing(places, frozenset())
    buried = _Buried(corpus.connection)
    sql = """SELECT 'document', id, url, text, text_source FROM documents
        UNION ALL SELECT 'version', id, url, text, '' FROM versions"""
    for kind, identifier, url, *texts in corpus.connection.execute(sql):
        found = {
            needle
            for text in texts
            for _, needle in hasher.scan(io.BytesIO(text.encode("utf-8", "replace")), wanted)
        }
        accounted |= found
        share = buried.share(found)
        if share >= HELD_SHARE:
            told = f"{kind} {identifier[:12]} at {url} says {share:.0%} of it too: take it down as well"
            places.append(Remains(corpus.path.name, 0, told))
    return _Standing(places, frozenset(accounted))


def _in_database(corpus: Corpus, hasher: Hasher, wanted: Hashes, accounted: frozenset[int]) -> Iterator[Remains]:
    if len(wanted):
        for path in (
            corpus.path,
            *(corpus.path.with_name(corpus.path.name + end) for end in ("-wal", "-journal")),
        ):
            if path.exists():
                with path.open("rb") as stream:
                    yield from (
                        Remains(path.name, offset, "bytes of its text, in space no longer used: purge")
                        for offset, needle in hasher.scan(stream, wanted)
                        if needle not in accounted
                    )


def _in_archive(corpus: Corpus, hasher: Hasher, wanted: Hashes, accounted: frozenset[int]) -> Iterator[Remains]:
    """Look at every record of every file in the archive folder, registered or not."""
    urls, sites = _buried_places(corpus.connection)
    known = {
        (name, offset) for name, offset in corpus.connection.execute("SELECT warc_file, warc_offset FROM fetches")
    }
    for name in corpus.lost_archives():
        yield Remains(name, 0, "is missing from the archive folder, so can't be vouched for")
    for path in sorted(corpus.folder.glob("*")):
        if not path.is_file():
            continue
        with path.open("rb") as stream:
            for entry in archive.walk(stream):
                if entry.fetch is None:
                    yield Remains(
                        path.name, entry.offset, f"can't be read, so can't be vouched for: {entry.problem}"
                    )
                    continue
                fetch = entry.fetch
                if fetch.url in urls or site_of(fetch.url) in sites:
                    yield Remains(path.name, entry.offset, f"a page of {fetch.url}: purge")
                    continue
                if not len(wanted):
                    continue
                for data in _readings(fetch):
                    left = [
                        needle for _, needle in hasher.scan(io.BytesIO(data), wanted) if needle not in accounted
                    ]
                    if left:
                        place = "purge" if (path.name, entry.offset) in known else "no fetch points at it"
                        yield Remains(path.name, entry.offset, f"bytes of its text at {fetch.url}: {place}")
                        break


def _readings(fetch: Fetch) -> Iterator[bytes]:
    """Yield a page's bytes as received, unpacked, and as UTF-8 where it is in another encoding."""
    body = decoded_body(fetch)
    if isinstance(body, bytes):
        yield body
        decoded = decode(body, fetch.content_type)
        if isinstance(decoded, Decoded):
            yield decoded.text.encode("utf-8", "replace")
    else:
        yield fetch.body


def _buried_places(connection: sqlite3.Connection) -> tuple[set[str], set[str]]:
    rows = connection.execute("SELECT kind, value FROM tombstones").fetchall()
    return {value for kind, value in rows if kind == "url"}, {value for kind, value in rows if kind == "site"}
