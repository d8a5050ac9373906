"""Which documents of a corpus are meant: filters as data, turned into SQL whose values are always parameters."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from cleaning.topics import topics as known_topics
from corpus.fields import QUALITY
from corpus.query import QueryError, lender_name, parse

SCRIPTS = ("hans", "hant", "mixed")

_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")
_QUALITY = re.compile(r"\s*([a-z_]+)\s*(<=|>=|<|>|=)\s*(\d+(?:\.\d+)?|true|false)\s*")

NOT_BURIED = """d.url NOT IN (SELECT value FROM tombstones WHERE kind = 'url')
    AND d.site NOT IN (SELECT value FROM tombstones WHERE kind = 'site')
    AND d.content_hash NOT IN (SELECT value FROM tombstones WHERE kind = 'hash')"""
"""A takedown takes its documents out of the tables; this holds even where another program has put one back."""


class SelectionError(ValueError):
    """A filter that can match nothing as written; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters over documents: every one given must hold; of several values of one, any.

    `after` and `before` are dates of publication (half open). `quality` holds conditions such as
    `damage_share<=0.02`. `query` is a search as `yuqi search` takes it. `duplicates` takes every member of a
    cluster, not its representative alone. Raises SelectionError on an unknown topic, lender, script, attribute or date.
    """

    topics: tuple[str, ...] = ()
    lenders: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    after: str | None = None
    before: str | None = None
    min_relevance: float | None = None
    quality: tuple[str, ...] = ()
    query: str | None = None
    duplicates: bool = False

    def __post_init__(self) -> None:
        for name in ("topics", "lenders", "sites", "scripts", "quality"):
            if isinstance(getattr(self, name), str):
                raise SelectionError(f"{name}: give a list, as {name}=[{getattr(self, name)!r}]")
        _known("topic", self.topics, [topic.id for topic in known_topics()])
        _known("script", self.scripts, SCRIPTS)
        for date in (self.after, self.before):
            if date is not None and not _DATE.fullmatch(date):
                raise SelectionError(f"{date}: write a date as 2024, 2024-05 or 2024-05-01")
        if self.min_relevance is not None and not 0 <= self.min_relevance <= 1:
            raise SelectionError(f"{self.min_relevance}: relevance is a number from 0 to 1")
        for condition in self.quality:
            _quality_condition(condition)
        if self.query is not None:
            try:
                parse(self.query)
            except QueryError as error:
                raise SelectionError(str(error)) from error

    def where(self) -> tuple[str, list[Any]]:
        """Return an SQL condition over `documents AS d` and its parameters."""
        parts, values = [NOT_BURIED], list[Any]()
        if not self.duplicates:
            parts.append("d.duplicate_of IS NULL")
        for column, wanted in (("d.site", map(_site, self.sites)), ("d.script", self.scripts)):
            _add_any(parts, values, f"{column} IN ({{}})", wanted)
        for held, wanted in (
            ("EXISTS (SELECT 1 FROM json_each(d.lenders) WHERE value IN ({}))", map(lender_name, self.lenders)),
            ("EXISTS (SELECT 1 FROM json_each(d.topics) WHERE value IN ({}))", self.topics),
        ):
            _add_any(parts, values, held, wanted)
        for condition, value in (
            ("d.published >= ?", self.after),
            ("d.published < ?", self.before),
            ("d.relevance >= ?", self.min_relevance),
        ):
            if value is not None:
                parts.append(condition)
                values.append(value)
        for asked in self.quality:
            condition, number = _quality_condition(asked)
            parts.append(condition)
            values.append(number)
        if self.query is not None:
            query = parse(self.query)
            for asked_for in query.untagged():
                parts.append(asked_for.condition)
                values.append(asked_for.value)
            expression = query.expression()
            if expression is not None:
                parts.append("d.docid IN (SELECT rowid FROM documents_fts WHERE documents_fts MATCH ?)")
                values.append(expression)
        return " AND ".join(parts), values

    def count(self, connection: sqlite3.Connection) -> int:
        """Return how many documents are selected."""
        where, values = self.where()
        sql = f"SELECT count(*) FROM documents AS d WHERE {where}"  # noqa: S608  # constants, see where()
        return int(connection.execute(sql, values).fetchone()[0])

    def to_dict(self) -> dict[str, Any]:
        """Return what was asked for as JSON holds it, without the filters not given."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value not in ((), None, False)
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        """Return the selection that `to_dict` wrote. Raises SelectionError on what it wouldn't write."""
        names = {field.name for field in fields(cls)}
        if unknown := set(value) - names:
            raise SelectionError(f"unknown filters: {', '.join(sorted(unknown))}; a newer yuqi wrote this")
        given: dict[str, Any] = {
            name: tuple(item) if isinstance(item, list) else item for name, item in value.items()
        }
        return cls(**given)


def _site(name: str) -> str:
    return name.lower().removeprefix("www.")


def _known(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    there = list(known)
    for value in given:
        if value not in there:
            raise SelectionError(f"no such {what}: {value}; there are {', '.join(there)}")


def _add_any(parts: list[str], values: list[Any], condition: str, wanted: Iterable[str]) -> None:
    given = list(wanted)
    if given:
        parts.append(condition.format(", ".join("?" * len(given))))
        values += given


def _quality_condition(asked: str) -> tuple[str, float]:
    """Return an SQL condition and its parameter for `damage_share<=0.02` and the like."""
    match = _QUALITY.fullmatch(asked)
    if match is None or match[1] not in QUALITY:
        names = ", ".join(QUALITY)
        raise SelectionError(
            f"{asked}: write an attribute, a sign and a number, as damage_share<=0.02; there are {names}"
        )
    value = {"true": 1.0, "false": 0.0}.get(match[3])
    # The attribute is one of ours and the sign one of five: only the number is the user's.
    return f"json_extract(d.quality, '$.{match[1]}') {match[2]} ?", float(match[3]) if value is None else value
