"""Queries as people type them: words, "phrases", AND OR NOT, parentheses and filters, for the index of `corpus.tokens`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from cleaning.lenders import lenders
from cleaning.script import to_simplified
from cleaning.topics import topics
from corpus.tokens import match_phrase, tagged

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
_MONTH = re.compile(r"\d{4}-\d{2}")
_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")
_OPERATORS = {"AND", "OR", "NOT"}
MAX_QUERY_TERMS = 64
_ONLY_WITHOUT = "say what to look for as well: NOT only takes away from what other words find"


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
        found = [tagged(asked.name, asked.value) for asked in self.filters if asked.name in _TAGGED]
        years = _years(self.filters)
        if years is not None:
            found.append(tagged("year", *map(str, years)))
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


def lender_name(name: str) -> str:
    """Return a lender's name as documents hold it, from any of its aliases or its id; unknown names as they are."""
    return _lender_names().get(name.lower(), name)


@cache
def _lender_names() -> Mapping[str, str]:
    names = {alias.lower(): lender.name for lender in lenders() for alias in (lender.id, *lender.aliases)}
    return {**names, **{lender.name.lower(): lender.name for lender in lenders()}}


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
        operand = tagged(term.asked.name, term.asked.value)
        # Filters joined by OR are one operand, whatever stands beside them without an operator.
        found[index] = [*([] if after_filter else ["("]), operand, *([] if to_filter else [")"])]
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
        return _topic_id(value)
    return value.lower().removeprefix("www.") if field == "site" else value


def _topic_id(name: str) -> str:
    """Return a topic's id, from itself or the topic's name in either script. Raises QueryError for an unknown one."""
    simplified = to_simplified(name)
    for topic in topics():
        if simplified in (topic.id, topic.name):
            return topic.id
    raise QueryError(f"topic:{name}: no such topic; there are {', '.join(topic.id for topic in topics())}")


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
