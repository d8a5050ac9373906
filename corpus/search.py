"""Search that works in Chinese: character bigrams in FTS5, and queries as people type them.

FTS5's own tokenizers don't serve: `unicode61` takes a whole clause as one word, `trigram` finds no two-character
word. The index holds every adjacent pair of Chinese characters as a token, and each run's last character alone, so
that a word of any length is a phrase of its pairs and a single character is a prefix. Where punctuation stood a
separator token stands, so that no word matches across it.

A third column holds the document's site, lenders, topics, script and year as one token each, so that a filter is an
intersection of two lists of the index and not a look at every row that the words find. Ranking by BM25 looks at
every row too; so where more than CANDIDATES match, the latest of them are ranked, those with the words in their
title before others.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from cleaning.lenders import lenders
from cleaning.script import to_simplified
from cleaning.topics import topics

SEPARATOR = "\N{LATIN LETTER DENTAL CLICK}"
"""A letter to FTS5's unicode61 that no Chinese page holds: it stands where punctuation stood."""

TITLE_WEIGHT = 5.0
"""BM25 weight of the title column over the text column."""

CANDIDATES = 1000
"""How many matches are ranked: with twice as many, a word that every document holds takes over 20 ms at 200,000."""

_TITLES_FIRST = 1000.0
"""More than any BM25 score: what is ranked by its title stands before what is ranked by its text."""

SNIPPET_CHARS = 60

_TOKEN_RUN = re.compile(
    r"([\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3007]+)|([^\W_\u3400-\u9fff]+)|([^\s\w]+|\n)"
)
_QUERY = re.compile(
    r"\s*(?:(?P<paren>[()])|(?P<minus>-)?(?:(?P<field>[a-z_]{2,20}):)?"
    r'(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s()"]+)))'
)
_PLAIN = {
    wide: wide - 0xFEE0
    for wide in range(0xFF01, 0xFF5F)
    if chr(wide - 0xFEE0).isalnum() or wide in (0xFF08, 0xFF09, 0xFF1A)
}
"""Fullwidth letters, digits, parentheses and colon, as Chinese keyboards give them; texts hold them plain."""

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
_TAGGED = ("site", "lender", "topic", "script")
"""Filters that a tag answers alone; dates are narrowed by the tag of their year."""

_FIRST_YEAR, _LAST_YEAR = 1995, 2060
_OPERATORS = {"AND", "OR", "NOT"}
MAX_QUERY_TERMS = 64


class QueryError(Exception):
    """A query that can't be run; the text says what to change."""


class Filter(NamedTuple):
    """One `field:value` of a query, with the SQL condition over `documents AS d` that says the same."""

    name: str
    condition: str
    value: str


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: the FTS5 expression of its words (None for filters alone), its filters, the words to mark.

    `filters` hold for the whole query. Those that OR joins stand in `match`, or without words in `either`.
    """

    match: str | None
    filters: tuple[Filter, ...]
    words: tuple[str, ...]
    either: str | None = None

    def expression(self) -> str | None:
        """Return the FTS5 expression for words and tagged filters together, None where there are neither."""
        parts = [f"({part})" for part in (self.match, self.either) if part]
        return " AND ".join([*parts, *self._tags()]) or None

    def title_expression(self) -> str | None:
        """Return the same, for documents that have the words in their title; None where OR mixes in filters."""
        if self.match is None or "{tags}" in self.match:
            return None
        return " AND ".join([f"({{title}} : ({self.match}))", *self._tags()])

    def untagged(self) -> tuple[Filter, ...]:
        """Return the filters that the index alone doesn't answer."""
        return tuple(asked for asked in self.filters if asked.name not in _TAGGED)

    def _tags(self) -> list[str]:
        tags = [_tag(asked.name, asked.value) for asked in self.filters if asked.name in _TAGGED]
        found = [_tagged(tag) for tag in tags]
        years = _years(self.filters)
        if years is not None:
            found.append("({tags} : (" + " OR ".join(f'"{_tag("year", str(year))}"' for year in years) + "))")
        return found


def _years(filters: Iterable[Filter]) -> range | None:
    """Return the years that date filters leave, None without any."""
    first, last = _FIRST_YEAR, _LAST_YEAR
    dated = [asked for asked in filters if asked.name in ("after", "before", "month")]
    for asked in dated:
        year = int(asked.value[:4])
        first = max(first, year) if asked.name != "before" else first
        last = min(last, year) if asked.name != "after" else last
    # A year outside every range still needs one that no document has.
    return (range(first, last + 1) if first <= last else range(_LAST_YEAR + 1, _LAST_YEAR + 2)) if dated else None


def _tag(name: str, value: str) -> str:
    """Return the token of a document's attribute: no query of words holds one, whatever the value's own letters."""
    return f"{SEPARATOR}{name}{value.encode().hex()}"


def _tagged(tag: str) -> str:
    """Return the FTS5 expression for documents with a tag."""
    return f'({{tags}} : "{tag}")'


class Indexed(NamedTuple):
    """A document as `documents_fts` holds it: three columns of space-separated tokens."""

    title: str
    text: str
    tags: str


def indexed(
    title: str | None, text: str, *, site: str, lenders: Iterable[str], topics: Iterable[str], script: str,
    published: str | None,
) -> Indexed:  # fmt: skip
    """Return what the index holds of a document. To forget a row, FTS5 must be told exactly this again."""
    tags = [_tag("site", site), _tag("script", script)]
    tags += [_tag("lender", name) for name in lenders]
    tags += [_tag("topic", name) for name in topics]
    if published:
        tags.append(_tag("year", published[:4]))
    return Indexed(index_text(title or ""), index_text(text), " ".join(tags))


def lender_name(name: str) -> str:
    """Return a lender's name as documents hold it, from any of its aliases or its id; unknown names as they are."""
    return _lender_names().get(name.lower(), name)


@cache
def _lender_names() -> Mapping[str, str]:
    names = {alias.lower(): lender.name for lender in lenders() for alias in (lender.id, *lender.aliases)}
    return {**names, **{lender.name.lower(): lender.name for lender in lenders()}}


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
            # No page's own letters make a token of ours.
            yield word.lower().replace(SEPARATOR, "") or SEPARATOR
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

    A filter holds for the whole query, and so does NOT before a word or a filter; filters that OR joins are
    alternatives. Raises QueryError on a query that can't be understood, or is empty.
    """
    parts: list[str] = []
    without: list[str] = []
    filters: list[Filter] = []
    words: list[str] = []
    terms = list(_terms(query))
    either = _alternatives(terms)
    for index, term in enumerate(terms):
        if term.asked is not None and index in either:
            parts += either[index]
        elif term.asked is not None:
            filters.append(_negated(term.asked) if term.negated else term.asked)
        elif term.operator is not None:
            parts += ["NOT", term.operator] if term.negated else [term.operator]
        elif phrase := match_phrase(term.text):
            (without if term.negated else parts).append(phrase)
            words += [] if term.negated else [to_simplified(term.word)]
    match = _balanced(parts)
    if match is None and without:
        raise QueryError(_ONLY_WITHOUT)
    if match is None and not filters:
        raise QueryError("nothing to look for in that query: give at least one word, such as 催收")
    if without:
        match = " NOT ".join([f"({match})", *without])
    return Query(match, tuple(filters), tuple(words)) if words else Query(None, tuple(filters), (), match)


_ONLY_WITHOUT = "say what to look for as well: NOT only takes away from what other words find"


class _Term(NamedTuple):
    """One part of a query: an operator or parenthesis, a filter, or a word."""

    operator: str | None = None
    asked: Filter | None = None
    text: str = ""
    word: str = ""
    negated: bool = False


def _terms(query: str) -> Iterator[_Term]:
    negated = False
    for index, found in enumerate(_QUERY.finditer(query.translate(_PLAIN))):
        if index >= MAX_QUERY_TERMS:
            raise QueryError(f"more than {MAX_QUERY_TERMS} words in one query: use fewer")
        field, minus = found["field"], found["minus"] is not None
        value = found["phrase"] if found["phrase"] is not None else found["word"]
        if found["paren"]:
            yield _Term(operator=found["paren"], negated=negated and found["paren"] == "(")
        elif field in _FILTERS:
            asked = Filter(field, _FILTERS[field], _filter_value(field, value))
            yield _Term(asked=asked, negated=negated or minus)
        elif field is None and value in _OPERATORS and found["phrase"] is None and not minus:
            negated = value == "NOT"
            if not negated:
                yield _Term(operator=value)
            continue
        elif value.endswith(":") and value[:-1] in _FILTERS:
            raise QueryError(f"{value} needs a value right behind the colon")
        else:
            yield _Term(text=f"{field}:{value}" if field else value, word=value, negated=negated or minus)
        negated = False


def _negated(asked: Filter) -> Filter:
    """Return the filter for what `asked` doesn't find; its name is no tag's, so SQL alone answers it."""
    return Filter(f"-{asked.name}", f"NOT coalesce({asked.condition}, 0)", asked.value)


def _alternatives(terms: Sequence[_Term]) -> dict[int, list[str]]:
    """Return, by its place in `terms`, what stands in the expression for each filter that OR joins to something.

    Raises QueryError for a filter that no tag answers: the index knows no dates.
    """
    found: dict[int, list[str]] = {}
    operators = [term.operator for term in terms]
    depth = 0
    for index, term in enumerate(terms):
        depth += {"(": 1, ")": -1}.get(term.operator or "", 0)
        before = operators[index - 1] if index else None
        behind = operators[index + 1] if index + 1 < len(terms) else None
        if term.asked is None or not ("OR" in (before, behind) or (depth > 0 and "OR" in operators)):
            continue
        if term.negated:
            continue
        if term.asked.name not in _TAGGED:
            named = f"{term.asked.name}:{term.asked.value}"
            raise QueryError(f"{named} holds for the whole query: leave it out of OR and parentheses")
        after_filter = before == "OR" and index - 2 in found
        to_filter = behind == "OR" and index + 2 < len(terms) and terms[index + 2].asked is not None
        tag = _tagged(_tag(term.asked.name, term.asked.value))
        # Filters joined by OR are one operand, whatever stands beside them without an operator.
        found[index] = [*([] if after_filter else ["("]), tag, *([] if to_filter else [")"])]
    return found


def _filter_value(field: str, value: str) -> str:
    """Return what a filter compares with. Raises QueryError for a value that can match nothing."""
    if field in ("after", "before") and not _DATE.fullmatch(value):
        raise QueryError(f"{field}:{value}: write a date as 2024, 2024-05 or 2024-05-01")
    if field == "month" and not _MONTH.fullmatch(value):
        raise QueryError(f"{field}:{value}: write a month as 2024-05")
    if field == "lender":
        return lender_name(to_simplified(value))
    if field == "topic":
        return _topic_ids().get(to_simplified(value), value)
    return value.lower().removeprefix("www.") if field == "site" else value


@cache
def _topic_ids() -> Mapping[str, str]:
    return {topic.name: topic.id for topic in topics()}


_MONTH = re.compile(r"\d{4}-\d{2}")
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
            elif part == "NOT" and out and out[-1] == "AND":
                out[-1] = part
            elif part == "NOT":
                raise QueryError(_ONLY_WITHOUT)
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
