"""Versions: what stands at a URL now goes to `documents`, what stood there at other times to `versions`.

The newest by its fetch's time is the document, whatever the order in which captures come in; a text that has not
changed is no version, however much its page's counters have. Files without a URL of their own have no versions:
two files of one name are two documents.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cleaning.findings import Rejected
from corpus.article import Article, hash_of
from corpus.derivation import Derived
from corpus.records import Task

if TYPE_CHECKING:
    from cleaning.clean import Cleaned

Outcome = Literal["documents", "versions", "unchanged"]

OUTCOMES = ("documents", "versions", "rejections", "unchanged", "taken down")
"""What a fetch may come to: `versions` are changed pages, or older captures of one that is known."""


@dataclass(slots=True)
class _Standing:
    """The newest that is known of a URL: in the table, or (with `item`) of the batch being stored."""

    docid: int
    id: str
    title: str | None
    text: str
    first_seen: str
    last_seen: str
    stored: bool
    item: Derived | None = None


class Version(NamedTuple):
    """One state of a page, or one look at it that showed no other: a fetch and what it came to.

    `outcome` is `current`, `version`, `not-modified`, `same-text`, or `rejected: REASON`. `title` and `text` are set
    for the first two.
    """

    seq: int
    fetched_at: str
    status: int
    kind: str
    id: str
    outcome: str
    title: str | None
    text: str | None


class Timelines:
    """Places results in the timelines of their URLs; `superseded`, `added` and `write` then say what to do."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._standing: dict[str, _Standing | None] = {}
        self._others: dict[str, Derived] = {}
        self._superseded: list[int] = []
        self._versions: list[tuple[Any, ...]] = []
        self._nothing: set[str] = set()

    def place(self, item: Derived, result: Cleaned | Article) -> Outcome:
        """Take in an article, in order of registration, and return what it is to its URL."""
        task = item.task
        if not task.url.startswith(("http://", "https://")):
            return self._place_file(item)
        now = self._look(task.url)
        if now is None:
            self._standing[task.url] = _standing(item, result)
            return "documents"
        if now.id == task.id or (now.text == result.text and now.title == result.title):
            now.last_seen = max(now.last_seen, task.fetched_at)
            return "unchanged"
        newer = self._rank(task.fetched_at, task.seq) > self._rank(now.last_seen, now.docid)
        # A response and the page that a browser made of it, or a WET record, are one look, not two versions.
        same_look = task.fetched_at == now.first_seen
        if not newer:
            if not same_look:
                self._versions.append(_row(_standing(item, result), item))
            return "unchanged" if same_look else "versions"
        if not same_look:
            self._versions.append(_row(now, now.item) if now.item else self._stored_row(now))
        if now.stored:
            self._superseded.append(now.docid)
        self._standing[task.url] = _standing(item, result)
        return "unchanged" if same_look else "versions"

    def seen(self, task: Task) -> None:
        """Note that a URL was found unchanged since the fetch with the task's id."""
        now = self._look(task.url)
        rejected = "SELECT 1 FROM rejections WHERE id = ?"
        if now is None or task.id in self._nothing or self._connection.execute(rejected, (task.id,)).fetchone():
            # What has not changed is a page that gave no document, not the one before it that did.
            return
        now.last_seen = max(now.last_seen, task.fetched_at)

    def gave_nothing(self, task: Task) -> None:
        """Note that a fetch was rejected."""
        self._nothing.add(task.id)

    def superseded(self) -> list[int]:
        """Return the docids that are to leave `documents`, before `added` go in."""
        return self._superseded

    def added(self) -> list[Derived]:
        """Return the results that are to go into `documents`, in order of registration."""
        found = [now.item for now in self._standing.values() if now is not None and now.item is not None]
        return sorted([*found, *self._others.values()], key=lambda item: item.task.seq)

    def write(self) -> None:
        """Write the versions, and when the documents were last seen."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO versions (docid, id, url, site, title, author, published, text, content_hash,"
            " first_seen, last_seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            self._versions,
        )
        self._connection.executemany(
            "UPDATE documents SET last_seen = ? WHERE docid = ?",
            [
                (now.last_seen, now.docid)
                for now in self._standing.values()
                if now is not None and (now.stored or now.last_seen != now.first_seen)
            ],
        )

    def _place_file(self, item: Derived) -> Outcome:
        known = "SELECT 1 FROM documents WHERE id = ?"
        if item.task.id in self._others or self._connection.execute(known, (item.task.id,)).fetchone():
            return "unchanged"
        self._others[item.task.id] = item
        return "documents"

    def _look(self, url: str) -> _Standing | None:
        if url not in self._standing:
            sql = "SELECT docid, id, title, text, first_seen, last_seen FROM documents WHERE url = ?"
            row = self._connection.execute(sql, (url,)).fetchone()
            self._standing[url] = _from_row(row) if row else None
        return self._standing[url]

    def _rank(self, when: str, seq: int) -> tuple[str, int, int]:
        """Return what decides which of two is the newer: of one instant, the rendered page, then the response."""
        sql = "SELECT kind, content_type LIKE 'text/html%' FROM fetches WHERE seq = ?"
        kind, markup = self._connection.execute(sql, (seq,)).fetchone()
        return when, (1 if kind != "conversion" else 2 if markup else 0), seq

    def _stored_row(self, now: _Standing) -> tuple[Any, ...]:
        sql = """SELECT docid, id, url, site, title, author, published, text, content_hash, first_seen
            FROM documents WHERE docid = ?"""
        row: tuple[Any, ...] = self._connection.execute(sql, (now.docid,)).fetchone()
        return (*row, now.last_seen)


def _from_row(row: tuple[int, str, str | None, str, str, str]) -> _Standing:
    docid, identifier, title, text, first_seen, last_seen = row
    return _Standing(docid, identifier, title, text, first_seen, last_seen, stored=True)


def _standing(item: Derived, result: Cleaned | Article) -> _Standing:
    task = item.task
    when = task.fetched_at
    return _Standing(task.seq, task.id, result.title, result.text, when, when, stored=False, item=item)


def _row(now: _Standing, item: Derived) -> tuple[Any, ...]:
    """Return a version's row for a result that is in no table yet."""
    task, result = item.task, item.result
    assert not isinstance(result, Rejected)
    return (
        task.seq, task.id, task.url, task.site, result.title, result.author, result.published, result.text,
        hash_of(result), now.first_seen, now.last_seen,
    )  # fmt: skip


def history(connection: sqlite3.Connection, url: str) -> Iterator[Version]:
    """Yield every fetch of `url` in order of time, with what it came to; nothing for a URL never fetched."""
    sql = """SELECT f.seq, f.fetched_at, f.status, f.kind, f.id, d.title, d.text, v.title, v.text, r.reason
        FROM fetches AS f LEFT JOIN documents AS d ON d.docid = f.seq LEFT JOIN versions AS v ON v.docid = f.seq
            LEFT JOIN rejections AS r ON r.seq = f.seq
        WHERE f.url = ? ORDER BY f.fetched_at, f.seq"""
    for seq, when, status, kind, identifier, *found, reason in connection.execute(sql, (url,)):
        title, text, old_title, old_text = found
        if text is not None:
            yield Version(seq, when, status, kind, identifier, "current", title, text)
        elif old_text is not None:
            yield Version(seq, when, status, kind, identifier, "version", old_title, old_text)
        else:
            outcome = f"rejected: {reason}" if reason else "not-modified" if kind == "revisit" else "same-text"
            yield Version(seq, when, status, kind, identifier, outcome, None, None)
