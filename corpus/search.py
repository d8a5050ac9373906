"""Search: runs queries over the full-text index, ranked, with the words marked in the original text.

Ranking by BM25 looks at every row that matches; so where more than CANDIDATES match, the latest of them are ranked,
those with the words in their title before others.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpus.query import Query, QueryError, parse

TITLE_WEIGHT = 5.0
"""BM25 weight of the title column over the text column."""

CANDIDATES = 1000
"""How many matches are ranked: with twice as many, a word that every document holds takes over 20 ms at 200,000."""

_TITLES_FIRST = 1000.0
"""More than any BM25 score: what is ranked by its title stands before what is ranked by its text."""

SNIPPET_CHARS = 60


@dataclass(frozen=True, slots=True)
class Hit:
    """One document found. `snippet` is of its text; `marks` are spans of the words in the snippet."""

    id: str
    url: str
    site: str
    title: str
    published: str | None
    cluster_size: int
    score: float
    snippet: str
    marks: tuple[tuple[int, int], ...]


def search(
    connection: sqlite3.Connection, query: str, *, limit: int = 20, offset: int = 0, duplicates: bool = False
) -> list[Hit]:
    """Return the best `limit` documents, best first; only representatives unless `duplicates`.

    Where more than CANDIDATES documents match, the best of the latest that many are returned, those that have the
    words in their title among them first. Filters without words give the latest published of them. Raises QueryError
    when the query can't be understood.
    """
    asked = parse(query)
    look = _Look(connection, asked, max(CANDIDATES, 2 * (limit + offset)), duplicates)
    try:
        return _hits(connection, asked, look.best(limit + offset), limit, offset)
    except sqlite3.OperationalError as error:
        raise QueryError(f"the query can't be run ({error}): quote words with signs in them") from error


Scores = dict[int, float]
"""By docid, the smaller the better."""


@dataclass(frozen=True, slots=True)
class _Look:
    """One look into the index: at most `most` documents are ranked."""

    connection: sqlite3.Connection
    asked: Query
    most: int
    duplicates: bool

    def best(self, wanted: int) -> Scores:
        """Return the documents found with their scores, `wanted` of them at least where there are so many."""
        expression = self.asked.expression()
        if self.asked.match is None or self._count(expression) < self.most:
            return self._ranked(expression)
        # To count costs a tenth of ranking: titles are ranked alone where they fill the page.
        titled = self.asked.title_expression()
        in_title = self._ranked(titled) if titled else {}
        if len(in_title) >= wanted:
            return in_title
        return self._ranked(expression) | {docid: score - _TITLES_FIRST for docid, score in in_title.items()}

    def _count(self, expression: str | None) -> int:
        return len(self._select("0", expression))

    def _ranked(self, expression: str | None) -> Scores:
        score = f"bm25(documents_fts, {TITLE_WEIGHT}, 1.0, 0.0)" if self.asked.match else "0.0"
        return dict(self._select(score, expression))

    def _select(self, score: str, expression: str | None) -> list[tuple[int, float]]:
        untagged = self.asked.untagged()
        where = [asked.condition for asked in untagged]
        values: list[Any] = [asked.value for asked in untagged]
        if not self.duplicates:
            where.append("d.duplicate_of IS NULL")
        where.append("d.url NOT IN (SELECT value FROM tombstones WHERE kind = 'url')")
        source, docid = "documents AS d", "d.docid"
        if expression is not None:
            source, docid = "documents_fts AS f CROSS JOIN documents AS d ON d.docid = f.rowid", "f.rowid"
            where.insert(0, "documents_fts MATCH ?")
            values.insert(0, expression)
        # Every part of the statement is a constant of this module; what the user typed goes in as parameters.
        sql = f"""SELECT {docid}, {score} FROM {source} WHERE {" AND ".join(where)}
            ORDER BY {docid} DESC LIMIT ?"""  # noqa: S608
        return self.connection.execute(sql, [*values, self.most]).fetchall()


def _hits(connection: sqlite3.Connection, asked: Query, found: Scores, limit: int, offset: int) -> list[Hit]:
    order = "published DESC, d.docid" if asked.match is None else "score, d.docid"
    sql = f"""SELECT d.id, d.url, d.site, d.title, d.published, d.text, h.value ->> 1 AS score,
        (SELECT count(*) FROM documents AS m WHERE m.cluster_id = d.cluster_id) AS cluster_size
        FROM json_each(?) AS h JOIN documents AS d ON d.docid = h.value ->> 0
        ORDER BY {order} LIMIT ?"""  # noqa: S608  # one of two constants
    ranked = list(found.items())
    if asked.match is not None:
        ranked = sorted(ranked, key=lambda pair: (pair[1], pair[0]))[offset : offset + limit]
        offset = 0
    rows = connection.execute(sql, [json.dumps(ranked), limit + offset]).fetchall()
    return [_hit(row, asked.words) for row in rows[offset:]]


def matching(connection: sqlite3.Connection, query: str) -> list[int]:
    """Return the docid of every document that `query` finds, duplicates and takedowns too, in no order.

    For counting over all that was found. Raises QueryError when the query can't be understood.
    """
    asked = parse(query)
    where = [asked_for.condition for asked_for in asked.untagged()]
    values = [asked_for.value for asked_for in asked.untagged()]
    source, column = "documents AS d", "d.docid"
    expression = asked.expression()
    if expression is not None:
        source, column = "documents_fts AS f", "f.rowid"
        source += " JOIN documents AS d ON d.docid = f.rowid" if where else ""
        where.insert(0, "documents_fts MATCH ?")
        values.insert(0, expression)
    sql = f"SELECT {column} FROM {source} WHERE {' AND '.join(where)}"  # noqa: S608  # constants of this module
    try:
        return [docid for (docid,) in connection.execute(sql, values)]
    except sqlite3.OperationalError as error:
        raise QueryError(f"the query can't be run ({error}): quote words with signs in them") from error


def _hit(row: Sequence[Any], words: Sequence[str]) -> Hit:
    identifier, url, site, title, published, text, score, size = row
    snippet, marks = excerpt(text, words)
    return Hit(identifier, url, site, title or "", published, max(1, size), -float(score), snippet, marks)


def excerpt(text: str, words: Sequence[str], size: int = SNIPPET_CHARS) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return about `size` characters of `text` around the first of `words`, and the spans of all words in it."""
    lowered = text.lower()
    # Where lower-casing changes the length (İ), offsets would be off: search the text as it stands.
    hay = lowered if len(lowered) == len(text) else text
    keys = [word.lower() for word in words if word]
    first = min((at for key in keys if (at := hay.find(key)) >= 0), default=0)
    start = max(0, first - size // 3)
    snippet = text[start : start + size].replace("\n", " ")
    return snippet, spans(snippet, keys)


def spans(text: str, words: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return the spans of `words` in `text`, in order, overlapping ones merged."""
    found = sorted(
        (match.start(), match.end())
        for word in set(words)
        if word
        for match in re.finditer(re.escape(word), text, re.IGNORECASE)
    )
    merged: list[tuple[int, int]] = []
    for start, end in found:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
