"""Search that works in Chinese: character bigrams in FTS5, and queries as people type them.

FTS5's own tokenizers don't serve: `unicode61` takes a whole clause as one word, `trigram` finds no two-character
word. The index holds every adjacent pair of Chinese characters as a token, and each run's last character alone, so
that a word of any length is a phrase of its pairs and a single character is a prefix. Where punctuation stood a
separator token stands, so that no word matches across it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cleaning.script import to_simplified

SEPARATOR = "\N{LATIN LETTER DENTAL CLICK}"
"""A letter to FTS5's unicode61 that no Chinese page holds: it stands where punctuation stood."""

TITLE_WEIGHT = 5.0
"""BM25 weight of the title column over the text column."""

SNIPPET_CHARS = 60

_TOKEN_RUN = re.compile(
    r"([\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3007]+)|([^\W_\u3400-\u9fff]+)|([^\s\w]+|\n)"
)
_QUERY = re.compile(
    r'\s*(?:(?P<paren>[()])|(?P<minus>-)?(?:(?P<field>[a-z_]{2,20}):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s()"]+)))'
)
_FILTERS = {
    "site": "d.site = ?",
    "author": "d.author = ?",
    "script": "d.script = ?",
    "lender": "EXISTS (SELECT 1 FROM json_each(d.lenders) WHERE value = ?)",
    "topic": "EXISTS (SELECT 1 FROM json_each(d.topics) WHERE value = ?)",
    "after": "d.published >= ?",
    "before": "d.published < ?",
    "cluster": "d.cluster_id = ?",
    "month": "substr(d.published, 1, 7) = ?",
    "farm": "d.site IN (SELECT site FROM farm_sites WHERE farm_id = ?)",
}
_OPERATORS = {"AND", "OR", "NOT"}
MAX_QUERY_TERMS = 64


class QueryError(Exception):
    """A query that can't be run; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: the FTS5 expression (None for filters alone), SQL filters with their values, words to mark."""

    match: str | None
    filters: tuple[tuple[str, str], ...]
    words: tuple[str, ...]


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


def index_text(text: str) -> str:
    """Return `text` (Simplified) as the space-separated tokens that `documents_fts` holds."""
    return " ".join(_tokens(text))


def _tokens(text: str) -> Iterator[str]:
    for han, word, mark in _TOKEN_RUN.findall(text):
        if han:
            yield from map(str.__add__, han, han[1:])
            yield han[-1]
        elif word:
            yield word.lower()
        elif mark:
            yield SEPARATOR


def match_phrase(text: str) -> str | None:
    """Return the FTS5 phrase that finds `text` (either script) in the index, None when nothing in it is indexed."""
    tokens = list(_tokens(to_simplified(text)))
    while tokens and tokens[-1] == SEPARATOR:
        tokens.pop()
    while tokens and tokens[0] == SEPARATOR:
        tokens.pop(0)
    if not tokens:
        return None
    if not _is_han(tokens[-1]):
        return f'"{" ".join(tokens)}"'
    if len(tokens) > 1 and len(tokens[-2]) > 1 and tokens[-2][-1] == tokens[-1]:
        # The query's last character may stand within a longer run of the text, where it is no token of its own.
        return f'"{" ".join(tokens[:-1])}"'
    return f'"{" ".join(tokens)}" *'


def _is_han(token: str) -> bool:
    char = token[0]
    return "\u3400" <= char <= "\u9fff" or char >= "\U00020000"


def parse(query: str) -> Query:
    """Return what `query` asks for: words, "phrases", AND OR NOT, -word, parentheses, and field:value filters.

    Raises QueryError on an unknown field or an empty query.
    """
    parts: list[str] = []
    without: list[str] = []
    filters: list[tuple[str, str]] = []
    words: list[str] = []
    negated = False
    for index, found in enumerate(_QUERY.finditer(query)):
        if index >= MAX_QUERY_TERMS:
            raise QueryError(f"more than {MAX_QUERY_TERMS} words in one query: use fewer")
        paren, field = found["paren"], found["field"]
        value = found["phrase"] if found["phrase"] is not None else found["word"]
        if paren:
            parts += ["NOT", paren] if negated else [paren]
        elif field in _FILTERS:
            filters.append((_FILTERS[field], _filter_value(field, value)))
        elif field is None and value in _OPERATORS and found["phrase"] is None and not found["minus"]:
            negated = value == "NOT"
            parts += [] if negated else [value]
            continue
        elif value.endswith(":") and value[:-1] in _FILTERS:
            raise QueryError(f"{value} needs a value right behind the colon")
        elif phrase := match_phrase(f"{field}:{value}" if field else value or ""):
            if found["minus"] or negated:
                without.append(phrase)
            else:
                parts.append(phrase)
                words.append(to_simplified(value))
        negated = False
    match = _balanced(parts)
    if match is None and without:
        raise QueryError("say what to look for as well: NOT only takes away from what other words find")
    if match is None and not filters:
        raise QueryError("nothing to look for in that query: give at least one word, such as 催收")
    if without:
        match = " NOT ".join([f"({match})", *without])
    return Query(match, tuple(filters), tuple(words))


def _filter_value(field: str, value: str) -> str:
    """Return what a filter compares with. Raises QueryError for a value that can match nothing."""
    if field in ("after", "before") and not _DATE.fullmatch(value):
        raise QueryError(f"{field}:{value}: write a date as 2024, 2024-05 or 2024-05-01")
    return value.removeprefix("www.") if field == "site" else value


_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")


def _balanced(parts: Sequence[str]) -> str | None:
    """Return an FTS5 expression of `parts` that always parses: AND where none is said, stray operators dropped."""
    out: list[str] = []
    depth = 0
    for part in parts:
        operand_before = bool(out) and out[-1] not in _OPERATORS and out[-1] != "("
        if part in _OPERATORS:
            if operand_before:
                out.append(part)
        elif part == ")":
            if depth and operand_before:
                out.append(part)
                depth -= 1
        else:
            if operand_before:
                out.append("AND")
            out.append(part)
            depth += part == "("
    while out and (out[-1] in _OPERATORS or out[-1] == "("):
        depth -= out.pop() == "("
    return " ".join(out + [")"] * depth) or None


def search(
    connection: sqlite3.Connection, query: str, *, limit: int = 20, offset: int = 0, duplicates: bool = False
) -> list[Hit]:
    """Return the best `limit` documents, best first; only representatives unless `duplicates`.

    Raises QueryError when the query can't be understood.
    """
    asked = parse(query)
    where = [condition for condition, _ in asked.filters]
    values: list[Any] = [value for _, value in asked.filters]
    if not duplicates:
        where.append("d.duplicate_of IS NULL")
    where.append("NOT EXISTS (SELECT 1 FROM tombstones t WHERE t.kind = 'url' AND t.value = d.url)")
    source = "documents AS d"
    order = "d.published DESC, d.docid"
    score = "0.0"
    if asked.match is not None:
        source = "documents_fts AS f JOIN documents AS d ON d.docid = f.rowid"
        where.insert(0, "documents_fts MATCH ?")
        values.insert(0, asked.match)
        score = f"bm25(documents_fts, {TITLE_WEIGHT}, 1.0)"
        order = "score, d.docid"
    # Every part of the statement is a constant of this module; what the user typed goes in as parameters.
    sql = f"""SELECT d.id, d.url, d.site, d.title, d.published, d.text, {score} AS score,
        (SELECT count(*) FROM documents AS m WHERE m.cluster_id = d.cluster_id) AS cluster_size
        FROM {source} WHERE {" AND ".join(where)} ORDER BY {order} LIMIT ? OFFSET ?"""  # noqa: S608
    try:
        rows = connection.execute(sql, [*values, limit, offset]).fetchall()
    except sqlite3.OperationalError as error:
        raise QueryError(f"the query can't be run ({error}): quote words with signs in them") from error
    return [_hit(row, asked.words) for row in rows]


def matching(connection: sqlite3.Connection, query: str) -> list[int]:
    """Return the docid of every document that `query` finds, duplicates and takedowns too, in no order.

    For counting over all that was found. Raises QueryError when the query can't be understood.
    """
    asked = parse(query)
    where = [condition for condition, _ in asked.filters]
    values = [value for _, value in asked.filters]
    source, column = "documents AS d", "d.docid"
    if asked.match is not None:
        source, column = "documents_fts AS f", "f.rowid"
        source += " JOIN documents AS d ON d.docid = f.rowid" if where else ""
        where.insert(0, "documents_fts MATCH ?")
        values.insert(0, asked.match)
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
