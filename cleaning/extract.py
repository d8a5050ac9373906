"""The article of a page: which subtree it is, what its lines are, and what the page says about it.

lexbor parses, `dom` flattens, `blocks` reads names and lines, `view` sums, `container` chooses the article's element,
`article` gives its lines and its neighbourhood's roles, `kind` tells articles from lists: here they are called in order.
A site's selectors win where given; they, and only they, are read with BeautifulSoup (what that costs and buys is in
DECISIONS.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from cleaning.article import (
    MAX_BEFORE,
    after_it,
    before_it,
    believable_headline,
    edges_of,
    inside_of,
    join_rows,
    lift,
    nearest_heading,
)
from cleaning.blocks import breadcrumb, part_of
from cleaning.container import find_container
from cleaning.dates import parse_published
from cleaning.declared import declared_body, declared_fields
from cleaning.dom import Dom, flatten, parse, read, restore_swallowed, survey
from cleaning.embedded import carried, find_article, find_fields, may_carry
from cleaning.kind import BARE_PAGE, mostly_links, page_kind
from cleaning.metadata import best_title, head_metadata, json_ld_metadata, letters, merge
from cleaning.page import KEPT_ROLES, Block, Extracted, Metadata, PageKind, Selectors
from cleaning.view import Head, View, look


def extract(
    html: str,
    *,
    url: str | None = None,
    selectors: Selectors | None = None,
    fetched_at: datetime | None = None,
    utf8: bytes | None = None,
) -> Extracted:
    """Return the page's kind, its article's blocks in reading order and its fields.

    Text is as the page has it: marks of undecodable bytes and private-use characters pass untouched. A data table's
    row is one line, its cells joined by ` | `. `fetched_at` resolves relative dates; `url` tells a site's front page;
    `utf8` are the page's bytes, where they are the UTF-8 of `html`.
    No page raises, whatever it holds; a selector that is not CSS raises ValueError.
    """
    tree = parse(html, utf8, whole=selectors is not None)
    surveyed = survey(tree, html)
    head = _read_head(surveyed.stated, fetched_at)
    declared = declared_fields(tree, selectors, fetched_at) if selectors else _NOTHING
    if selectors and selectors.body and (subtree := declared_body(tree, html, selectors)) is not None:
        return _from_declared(read(subtree), head, declared, fetched_at)
    dom = flatten(tree, head.title, part_of, surveyed.sheets)
    restored = restore_swallowed(html, dom)
    view = look(dom if restored is None else read(restored), head)
    container = find_container(view)
    if view.prose[container] < _SCANT:
        carriers = carried(parse(html)) if may_carry(html) else []
        article = find_article(carriers, whole=mostly_links(view))
        if article is not None and not _shows_another(view, container, article):
            head.state = _stated_in_script(carriers, article, fetched_at)
            view = look(read(article), head)
            container = find_container(view) or 1
    return _assemble(view, container, head, declared, url, fetched_at)


_SCANT = 120.0
"""Prose weight under which a page's scripts are searched for the article."""


def _shows_another(view: View, container: int, article: str) -> bool:
    """Say whether the page shows a short text of its own, which the article in its scripts does not hold."""
    lines = range(view.first[container], view.last[container] + 1) if container else range(0)
    first = next((view.dom.lines[index].text for index in lines if view.weights[index] >= 20), "")
    return view.prose[container] >= _SCANT / 2 and letters(first)[:10] not in letters(article)


def _stated_in_script(scripts: list[str], article: str, fetched_at: datetime | None) -> dict[str, str]:
    """Return the fields beside an article that stands in a script, dates in ISO 8601."""
    fields = find_fields(scripts, article)
    published = parse_published(fields.pop("published", ""), fetched_at)
    return fields | ({"published": published} if published else {})


def _read_head(stated: Iterable[tuple[str, str, str]], fetched_at: datetime | None) -> Head:
    """Return what the head states: a title, fields by name, JSON-LD."""
    title: str | None = None
    metas: list[tuple[str, str]] = []
    description = ""
    scripts: list[str] = []
    for kind, name, text in stated:
        if kind == "title":
            title = title or " ".join(text.split())
        elif kind == "script":
            scripts.append(text)
        elif name and text:
            metas.append((name, text))
            if len(text) > len(description) and name.lower() in {"description", "og:description"}:
                description = text
    return Head(title, head_metadata(metas, fetched_at), description, json_ld_metadata(scripts, fetched_at))


def _assemble(
    view: View,
    container: int,
    head: Head,
    declared: Metadata,
    url: str | None,
    fetched_at: datetime | None,
) -> Extracted:
    """Return the blocks of the container and its neighbourhood, with the page's kind and fields."""
    lines = view.dom.lines
    if not lines or not container:
        kind: PageKind = "list" if mostly_links(view) else "junk"
        blocks = tuple(Block(line.text, "hidden" if line.hidden else "nav") for line in lines[:MAX_BEFORE])
        return Extracted(kind, blocks, merge(declared, _stated(head, [])))
    if not believable_headline(view, container):
        view.headline = nearest_heading(view, container)
    inside = inside_of(view, container)
    before, bylines = before_it(view, container, fetched_at)
    bylines += lift(view, inside, fetched_at)
    after, later = after_it(view, container, fetched_at)
    bylines += later
    edges = edges_of(view, before, inside, after)
    rows = join_rows(view, inside)
    blocks = (*edges[0], *(block for _, block in before), *rows, *after, *edges[1])
    meta = merge(declared, _visible(view, head, bylines, container))
    return Extracted(page_kind(view, inside, container, blocks, head, bool(bylines), url), blocks, meta)


def _stated(head: Head, bylines: Sequence[Metadata]) -> Metadata:
    """Return the fields of head, JSON-LD and bylines, the most exact source first."""
    return merge(_from_fields(head.ld, titled=True), _from_fields(head.fields), _from_fields(head.state), *bylines)


_NOTHING = Metadata()


def _from_fields(fields: Mapping[str, str], *, titled: bool = False) -> Metadata:
    if not fields:
        return _NOTHING
    return Metadata(
        title=fields.get("title") if titled else None,
        author=fields.get("author"),
        published=fields.get("published"),
        category=fields.get("category"),
        source=fields.get("source"),
    )


def _visible(view: View, head: Head, bylines: Sequence[Metadata], container: int) -> Metadata:
    """Return the page's fields: what its byline shows first for names, what its head states first for the date."""
    stated = _stated(head, [])
    shown = merge(*bylines) if bylines else _NOTHING
    headline = view.dom.lines[view.headline].text if view.headline is not None else None
    title = best_title(
        head.title,
        [headline] if headline else [],
        head.fields.get("title") or stated.title,
        head.fields.get("site"),
    )
    return Metadata(
        title=title,
        author=shown.author or stated.author,
        published=_most_exact(stated.published, shown.published),
        category=shown.category or breadcrumb(view.dom, view.first[container], title) or stated.category,
        source=shown.source or stated.source,
        counters=shown.counters,
    )


def _most_exact(stated: str | None, shown: str | None) -> str | None:
    """Return the stated date, or the shown one where it is the same day with more of it."""
    if stated and shown and shown.startswith(stated[:10]) and len(shown) > len(stated):
        return shown
    return stated or shown


def _from_declared(dom: Dom, head: Head, declared: Metadata, fetched_at: datetime | None) -> Extracted:
    """Return the blocks of a declared body: nothing is chosen, only what it hides or the site drops is marked."""
    view = look(dom, head)
    inside = inside_of(view, 0) if dom.lines else []
    bylines = lift(view, inside, fetched_at)
    blocks = tuple(join_rows(view, inside))
    kept = sum(len(block.text) for block in blocks if block.role in KEPT_ROLES)
    meta = merge(declared, _visible(view, head, bylines, 0) if dom.lines else _stated(head, []))
    return Extracted("article" if kept >= BARE_PAGE else "junk", blocks, meta)
