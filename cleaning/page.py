"""What extraction hands on: a page as lines with roles, and the fields found beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Role = Literal[
    "heading", "paragraph", "item", "row", "quote",  # the article's own blocks, kept
    "title", "byline",  # lifted into fields, so not part of the text
    "hidden", "comment", "related", "share", "caption", "nav", "footer",  # other people's text
]  # fmt: skip

KEPT_ROLES: frozenset[str] = frozenset({"heading", "paragraph", "item", "row", "quote"})
FIELD_ROLES: frozenset[str] = frozenset({"title", "byline"})
DROPPED_ROLES: frozenset[str] = frozenset({"hidden", "comment", "related", "share", "caption", "nav", "footer"})

PageKind = Literal["article", "list", "junk"]


class Block(NamedTuple):
    """One line of the page: its text (no line breaks, white space collapsed) and what it is."""

    text: str
    role: Role


@dataclass(frozen=True, slots=True)
class Metadata:
    """Fields as the page states them, not yet repaired or simplified; None means not stated.

    `published` is ISO 8601 (a date, or a date and time with the zone where the page gives one).
    `counters` maps `views`, `comments`, `heat`, `likes` to what the page shows.
    """

    title: str | None = None
    author: str | None = None
    published: str | None = None
    category: str | None = None
    source: str | None = None
    counters: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The article part of a page: blocks in reading order, the dropped ones among them marked by role."""

    kind: PageKind
    blocks: tuple[Block, ...]
    meta: Metadata = Metadata()


@dataclass(frozen=True, slots=True)
class Selectors:
    """CSS selectors that a site's declaration gives; they win over what extraction would choose."""

    body: str | None = None
    title: str | None = None
    author: str | None = None
    published: str | None = None
    category: str | None = None
    drop: tuple[str, ...] = ()
