"""An article as rows: what is stored of it, made where it is derived, so that the process that stores has only to store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from corpus.fingerprint import Print, content_hash
from corpus.masking import default_masker
from corpus.tokens import Indexed, indexed

if TYPE_CHECKING:
    from cleaning.clean import Cleaned
    from corpus.records import Task


class Article(NamedTuple):
    """An article's rows, without what deduplication finds, and its fingerprint with the default masker's names.

    `document` is its row of `documents`, of the columns COLUMNS; `findings` are its rows of that table; `contacts` the kinds
    and values of what the page carries, in clear.
    """

    document: tuple[Any, ...]
    findings: list[tuple[Any, ...]]
    contacts: list[tuple[str, str]]
    indexed: Indexed
    made: Print

    @property
    def title(self) -> str | None:
        """The document's title."""
        title: str | None = self.document[_TITLE]
        return title

    @property
    def text(self) -> str:
        """The document's text."""
        text: str = self.document[_TEXT]
        return text

    @property
    def author(self) -> str | None:
        """The document's author."""
        author: str | None = self.document[_AUTHOR]
        return author

    @property
    def published(self) -> str | None:
        """When the page says that it was published."""
        published: str | None = self.document[_PUBLISHED]
        return published


COLUMNS = (
    "docid", "id", "url", "site", "title", "author", "published", "category", "source", "text", "text_source", "script",
    "encoding", "encoding_evidence", "lenders", "topics", "relevance", "quality", "counters", "chars", "first_seen",
    "last_seen", "content_hash",
)  # fmt: skip
"""What an article says of its row of `documents`."""

_TITLE, _AUTHOR, _PUBLISHED, _TEXT = map(COLUMNS.index, ("title", "author", "published", "text"))


def hash_of(result: Cleaned | Article) -> str:
    """Return the content hash of an article, cleaned or as rows, which bring it."""
    return result.made.content_hash if isinstance(result, Article) else content_hash(result.text)


def articles(found: Sequence[tuple[Task, Cleaned]]) -> list[Article]:
    """Return the articles of many pages: together they cost less where fingerprints are made by arrays."""
    prints = default_masker().prints([cleaned.text for _, cleaned in found])
    return [_article(task, cleaned, made) for (task, cleaned), made in zip(found, prints, strict=True)]


def _article(task: Task, cleaned: Cleaned, made: Print) -> Article:
    findings = [
        (task.seq, number, *finding)
        for number, finding in enumerate(cleaned.findings)
        if finding.stage != "script"
    ]
    contacts: list[tuple[str, str]] = [(contact.kind, contact.value) for contact in cleaned.contacts]
    return Article(_document(task, cleaned, made.content_hash), findings, contacts, _indexed(task, cleaned), made)


def document_row(task: Task, cleaned: Cleaned) -> dict[str, Any]:
    """Return the row of `documents` that a fetch's article makes, without what deduplication finds."""
    return dict(zip(COLUMNS, _document(task, cleaned, content_hash(cleaned.text)), strict=True))


def _document(task: Task, cleaned: Cleaned, hashed: str) -> tuple[Any, ...]:
    return (
        task.seq, task.id, task.url, task.site, cleaned.title, cleaned.author, cleaned.published, cleaned.category,
        cleaned.origin, cleaned.text, cleaned.text_source, cleaned.script, cleaned.encoding,
        cleaned.encoding_evidence, _json(cleaned.lenders), _json(cleaned.topics), cleaned.relevance,
        _json(cleaned.quality), _json(cleaned.counters), len(cleaned.text), task.fetched_at, task.fetched_at, hashed,
    )  # fmt: skip


def _indexed(task: Task, cleaned: Cleaned) -> Indexed:
    return indexed(
        cleaned.title, cleaned.text, site=task.site, lenders=cleaned.lenders, topics=cleaned.topics,
        script=cleaned.script, published=cleaned.published,
    )  # fmt: skip


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
