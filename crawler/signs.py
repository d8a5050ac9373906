"""What a page's tags say to a crawler (links, the base, marks), found without building the page's tree where it is plain.

A crawler wants fifty tags of a page, and a tree of all of it costs it half a millisecond. On a plain page these tags stand
in the tree as they stand in the source: one pass over it finds them (`cleaning.native._tags`), lexbor reads them apart
from the rest, and what a tag says is remembered, since menus repeat over a site's pages. What makes a tree differ from its
source (an anchor left open or split by blocks, tags between the cells of a table, foreign elements, templates, frames) is
looked out for, and such a page is left to the tree. Where both can read a page they give the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from cleaning.dom import parse
from cleaning.native import available

SignKind = Literal["link", "next", "redirect", "sitemap", "feed", "base", "generator", "nofollow"]

MAX_PLAIN = 1_000_000
"""Characters of a page up to which it may be plain; the tree bounds what is larger."""

MAX_SIGNS = 5000
"""Tags up to which a page may be plain."""

MAX_KNOWN = 20_000
"""Tags remembered, some 300 bytes each; then all are forgotten."""

MAX_KNOWN_CHARS = 1000
"""Longer tags aren't remembered."""

SELECTOR = "a[href], area[href], link[href], frame[src], iframe[src], base[href], meta"

_NEXT = "下一页 下页 后一页 后页 下一頁 下頁 next 下一页» 下一页> next» > >> » › 更多 加载更多"
NEXT_WORDS = frozenset(_NEXT.split())
"""Texts of a link to the list's next page."""

_LONGEST_NEXT = 2 * max(map(len, NEXT_WORDS))
"""The longest of them, with a space behind each character."""

SHORT_TEXT = 80
"""Characters kept of a link's text."""

_REFRESH_URL = re.compile(r"url\s*=\s*['\"]?([^'\"\s>]{1,2000})", re.IGNORECASE)


class Sign(NamedTuple):
    """What one tag says: a reference as written with its text, or a mark of the page (its text empty)."""

    kind: SignKind
    value: str
    text: str = ""


# --- by the tree ----------------------------------------------------------------------------------------------------


def tree_signs(tree: LexborHTMLParser) -> list[Sign]:
    """Return what the tags of a page's tree say; at most twice MAX_SIGNS of them are looked at."""
    nodes = tree.css(SELECTOR)[: 2 * MAX_SIGNS]
    return [sign for sign in map(_sign, nodes) if sign is not None]


def _sign(node: LexborNode) -> Sign | None:
    """Return what an element says, or None if that is nothing to a crawler."""
    attributes = node.attributes
    tag = node.tag
    if tag in ("a", "area"):
        return _anchor(node, attributes.get("href"), attributes.get("rel"))
    if tag in ("frame", "iframe"):
        source = attributes.get("src")
        return None if not source or source.startswith(("javascript:", "about:")) else Sign("link", source)
    if tag == "link":
        return _head_link(attributes.get("href") or "", attributes.get("rel") or "", attributes.get("type") or "")
    if tag == "base":
        return Sign("base", attributes.get("href") or "") if "href" in attributes else None
    return _meta(attributes)


def _anchor(node: LexborNode, href: str | None, rel: str | None) -> Sign | None:
    # Most hrefs have no colon so early, and most texts are too long: what is asked of every link is kept short.
    if (
        not href
        or href[0] == "#"
        or (
            ":" in href[:11] and href[:11].lower().lstrip().startswith(("javascript:", "mailto:", "tel:", "data:"))
        )
    ):
        return None
    text = " ".join(node.text(deep=True).split())[:SHORT_TEXT]
    following = len(text) <= _LONGEST_NEXT and text.lower().replace(" ", "") in NEXT_WORDS
    if not following and rel:
        following = "next" in rel.lower().split()
    return Sign("next" if following else "link", href, text)


def _head_link(href: str, rel: str, mime: str) -> Sign | None:
    names = rel.lower().split()
    if not href:
        return None
    if "alternate" in names and ("rss" in mime or "atom" in mime):
        return Sign("feed", href)
    if "next" in names or "prev" in names:
        return Sign("next", href)
    return Sign("sitemap", href) if "sitemap" in names else None


def _meta(attributes: dict[str, str | None]) -> Sign | None:
    content = attributes.get("content") or ""
    if (attributes.get("http-equiv") or "").lower() == "refresh":
        target = _REFRESH_URL.search(content)
        return Sign("redirect", target[1]) if target else None
    name = (attributes.get("name") or "").lower()
    if name == "generator":
        return Sign("generator", content[:100])
    if name == "robots" and ("nofollow" in content.lower() or content.lower().strip() == "none"):
        return Sign("nofollow", "")
    return None


# --- by the source --------------------------------------------------------------------------------------------------

_native = available("_tags")
_TAGS = "a, area, link, iframe, base, meta"

_known: dict[str, Sign | None] = {}
"""What tags say, by their source: it depends on nothing else."""


def plain_signs(html: str) -> list[Sign] | None:
    """Return what the tags of a plain page say, in their order; None for a page that is not plain.

    Without the compiled module no page is.
    """
    if _native is None or len(html) > MAX_PLAIN:
        return None
    sources: list[str] | None = _native.sources(html, MAX_SIGNS)
    if sources is None:
        return None
    missing = [source for source in dict.fromkeys(sources) if source not in _known]
    if len(_known) + len(missing) > MAX_KNOWN:
        _known.clear()
        missing = list(dict.fromkeys(sources))
    fresh = _read(missing) if missing else {}
    if fresh is None:
        return None
    _known.update((source, sign) for source, sign in fresh.items() if len(source) <= MAX_KNOWN_CHARS)
    said = (fresh[source] if source in fresh else _known[source] for source in sources)
    return [sign for sign in said if sign is not None]


def _read(sources: Sequence[str]) -> dict[str, Sign | None] | None:
    """Return what each of these tags says; None where the tree of them all has others."""
    nodes = parse("".join(sources)).css(_TAGS)
    return dict(zip(sources, map(_sign, nodes), strict=True)) if len(nodes) == len(sources) else None
