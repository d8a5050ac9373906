"""A site's own selectors, read with BeautifulSoup on the subtree that lexbor finds.

BeautifulSoup builds a Python object for each node, so a whole page costs about as much as another tool's extraction;
a declared body is a tenth of the page. lexbor finds it, BeautifulSoup applies the selectors inside it.
"""

from __future__ import annotations

from datetime import datetime

from bs4 import BeautifulSoup, Tag
from selectolax.lexbor import LexborHTMLParser, SelectolaxError
from soupsieve import SelectorSyntaxError

from cleaning.dom import collapse
from cleaning.metadata import parse_byline, parse_published
from cleaning.page import Metadata, Selectors
from cleaning.tame import tame

DROPPED = "yuqi-dropped"
"""Class given to what a site's `drop` selectors match, so that its lines are kept and marked."""


def declared_body(tree: LexborHTMLParser, html: str, selectors: Selectors) -> str | None:
    """Return the HTML of the declared body with the declared drops marked, None when nothing matches it.

    Raises ValueError for a selector that is not CSS.
    """
    assert selectors.body is not None
    subtree = _subtree(tree, html, selectors.body)
    if subtree is None or not selectors.drop:
        return subtree
    soup = BeautifulSoup(subtree, "lxml")
    for selector in selectors.drop:
        for match in _select(soup, selector):
            match["class"] = DROPPED
    return str(soup)


def declared_fields(tree: LexborHTMLParser, selectors: Selectors, fetched_at: datetime | None = None) -> Metadata:
    """Return the fields that the site's selectors find; a match without text is no match.

    Raises ValueError for a selector that is not CSS.
    """
    author = _text(tree, selectors.author)
    byline = parse_byline(author, fetched_at) if author else None
    published = _text(tree, selectors.published)
    return Metadata(
        title=_text(tree, selectors.title),
        author=byline.author if byline and byline.author else author,
        published=parse_published(published, fetched_at) if published else None,
        category=_text(tree, selectors.category),
    )


def _subtree(tree: LexborHTMLParser, html: str, selector: str) -> str | None:
    """Return the HTML of the first match; selectors that only BeautifulSoup knows are tried on the whole page."""
    try:
        node = tree.css_first(selector)
    except SelectolaxError:
        matches = _select(BeautifulSoup(tame(html), "lxml"), selector)
        return str(matches[0]) if matches else None
    return None if node is None else node.html


def _text(tree: LexborHTMLParser, selector: str | None) -> str | None:
    if not selector:
        return None
    subtree = _subtree(tree, tree.html or "", selector)
    return collapse(BeautifulSoup(subtree, "lxml").get_text(" ")) or None if subtree else None


def _select(soup: BeautifulSoup, selector: str) -> list[Tag]:
    try:
        return list(soup.select(selector))
    except SelectorSyntaxError as error:
        raise ValueError(f"{selector!r} is not a CSS selector: {error}; correct it in the site's file") from error
