"""What a page is: an article, a list of articles, or neither."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cleaning import blocks as roles
from cleaning.article import Placed
from cleaning.blocks import read_hint
from cleaning.page import KEPT_ROLES, Block, PageKind
from cleaning.records import is_linked_title
from cleaning.view import Head, View

BARE_PAGE = 20
"""Characters of prose that make a page of nothing else an article; placeholders (本月没有文章。) are shorter."""


def page_kind(
    view: View,
    inside: Sequence[Placed],
    container: int,
    blocks: Sequence[Block],
    head: Head,
    has_byline: bool,
    url: str | None,
) -> PageKind:
    """Tell an article from a list of articles and from a page that holds neither."""
    kept = [block.text for block in blocks if block.role in KEPT_ROLES]
    length = sum(map(len, kept))
    stops = _few_stops(kept)
    if length < 400 and roles.is_error_title(head.title or ""):
        return "junk"
    if _lists_articles(view, inside) or (url and _is_front_page(url) and mostly_links(view)):
        return "list"
    evidence = (
        (view.headline is not None and view.headline <= view.first[container] + 3)
        + has_byline
        + (view.described is not None)
        + (read_hint(view.dom.hints[container]).factor > 1.2)
    )
    if length >= 300 and stops >= MIN_STOPS:
        if evidence or view.linked[0] < 0.7 * view.chars[0] or length > 800:
            return "article"
        return "list"
    if evidence and (stops or length >= 120) and length >= (40 if evidence < 2 else 25):
        return "article"
    if length >= 80 and stops and view.linked[0] < 0.5 * view.chars[0]:
        return "article"
    if (
        length >= BARE_PAGE
        and (stops or length >= 2 * BARE_PAGE)  # damaged text shows no full stops
        and view.chars[0] < 1.5 * length + 40
        and view.linked[0] < 0.2 * view.chars[0]
    ):
        # Nothing stands around it: a saved fragment is an article, however short, a notice of an error is none.
        return "junk" if any(map(roles.is_error_title, kept)) else "article"
    return "list" if mostly_links(view) else "junk"


def _few_stops(texts: Sequence[str]) -> int:
    """Return how many marks that end a sentence the texts hold, as soon as it is an article's worth."""
    stops = 0
    for text in texts:
        stops += roles.count_stops(text)
        if stops >= MIN_STOPS:
            break
    return stops


MIN_STOPS = 3
"""Marks that end a sentence which make a longer text an article."""

_FRONT_PAGE = re.compile(r"https?://[^/?#]*/?(?:(?:index|default|main|home)\.\w{2,5})?$", re.IGNORECASE)


def _is_front_page(url: str) -> bool:
    """Say whether a URL is a site's front page; few have so few slashes."""
    return url.count("/") <= 3 and _FRONT_PAGE.match(url) is not None


def mostly_links(view: View) -> bool:
    """Say whether a page without an article is a list: three linked titles or more, and mostly links."""
    titles = sum(1 for line in view.dom.lines if is_linked_title(line))
    return titles >= 3 and view.linked[0] > 0.4 * view.chars[0]


MIN_LISTED = 5
"""Titles in front of teasers that make a page a list of articles, though each teaser is a paragraph long."""

_READ_ON = re.compile(
    r"[\[【(（]?(?:详细|詳細|全文|阅读(?:全文|更多|原文)|查看(?:全文|详情|更多)|更多|详情)[\]】)）]?\s?[>»›.…]{0,4}$"
)


def _lists_articles(view: View, inside: Sequence[Placed]) -> bool:
    """Say whether what is kept of the container is a list of articles: linked titles, each with a teaser or none."""
    titles = prose = linked = chars = teasers = read_on = 0
    behind_title = False
    for item in inside:
        line = item.line
        if item.role not in KEPT_ROLES and item.role != "related":
            continue
        if item.role == "related" and prose:
            continue  # links behind an article's prose are no list page
        linked += line.linked
        chars += len(line.text)
        read_on += bool(line.linked and _READ_ON.search(line.text[-12:]))
        if line.linked and is_linked_title(line):
            titles += 1
            behind_title = True
        elif view.weights[item.index] >= 40:
            prose += 1
            teasers += behind_title
            behind_title = False
    density = linked / (chars or 1)
    if density > 0.6 or (titles >= MIN_LISTED and titles >= 0.7 * prose and density > 0.12):
        return True
    # However long the teasers: every paragraph stands behind a title of its own, and no headline stands above them all.
    return teasers >= MIN_LISTED and teasers >= 0.9 * prose and (view.headline is None or read_on >= 3)
