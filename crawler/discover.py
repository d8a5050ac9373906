"""What a response points to: links of a page, entries of sitemaps and feeds. Bytes and text in, values out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import Literal, NamedTuple, cast

from lxml import etree  # type: ignore[import-untyped]
from selectolax.lexbor import LexborHTMLParser

from cleaning.dom import parse
from crawler.frontier import UrlError, canonical, requestable, resolve
from crawler.signs import SHORT_TEXT, Sign, plain_signs, tree_signs

LinkKind = Literal["link", "next", "redirect", "sitemap", "feed", "article", "list", "seed"]
BodyKind = Literal["html", "sitemap", "feed", "urls", "other"]

MAX_LINKS = 5000
"""Links taken of one page; a page with more is a link dump, and what is beyond is found elsewhere or not wanted."""

MAX_ENTRIES = 50_000
"""Entries taken of one sitemap: the protocol's own ceiling (sitemaps.org)."""


class Link(NamedTuple):
    """A link as found: absolute and requestable, its canonical key, its text, and what it says it is."""

    url: str
    key: str
    text: str
    kind: LinkKind


class Page:
    """A page as the crawl needs it: its links, generator mark, title, and its visible text without white space.

    The tree is built when title or text are first asked for: of a page whose address says what it is, nobody asks.
    """

    __slots__ = ("_html", "_text", "_title", "_tree", "generator", "link_chars", "links")

    def __init__(self, html: str, tree: LexborHTMLParser | None, links: tuple[Link, ...], generator: str) -> None:
        """Take what was found in `html`; of its `tree`, if it was built, nobody else needs scripts and styles."""
        self.links = links
        self.generator = generator
        self.link_chars = sum(len(link.text) for link in links)
        self._html = html
        self._tree = tree
        self._title = ""
        self._text: str | None = None

    @property
    def title(self) -> str:
        """The title element's text, at most 200 characters."""
        self._read()
        return self._title

    @property
    def text(self) -> str:
        """The visible text without white space."""
        return self._read()

    def _read(self) -> str:
        """Read title and text, once, and return the text."""
        if self._text is None:
            # Tamed: lexbor is quadratic in how deep elements nest.
            tree = self._tree or parse(self._html)
            title = tree.css_first("title")
            self._title = title.text(strip=True)[:200] if title is not None else ""
            tree.strip_tags(["script", "style", "noscript", "template", "head"])
            body = tree.body
            self._text = "".join(body.text(deep=True).split()) if body is not None else ""
            self._html, self._tree = "", None
        return self._text

    @property
    def text_chars(self) -> int:
        """How many characters of text there are outside links."""
        return max(0, len(self.text) - self.link_chars)

    @property
    def wordy(self) -> bool:
        """Whether the page has an article's amount of text that isn't links (a list page has little)."""
        return self.text_chars >= 200 and self.text_chars > 2 * self.link_chars


@lru_cache(maxsize=32768)
def _absolute(base: str, href: str, charset: str) -> tuple[str, str] | None:
    """Return a reference's requestable URL and key, or None. Menus repeat over a site's pages, hence the cache."""
    try:
        url = resolve(base, href)
        return requestable(url, charset=charset), canonical(url, charset=charset)
    except UrlError:
        return None


def make_link(base: str, href: str, text: str, kind: LinkKind, charset: str = "utf-8") -> Link | None:
    """Return a link to `href` as seen from `base`, or None if it names nothing to fetch."""
    return _link(base if href[:1] in _WHOLE else _folder(base), href, text, kind, charset)


def _folder(base: str) -> str:
    """Return the part of a base that most references depend on: without the last segment and the query."""
    folder = base.partition("?")[0].rpartition("/")[0] + "/"
    return base if folder.count("/") < 3 else folder


_WHOLE = ("?", "")
"""What a reference begins with that needs all of its base's path: a query alone, nothing."""


@lru_cache(maxsize=32768)
def _link(base: str, href: str, text: str, kind: str, charset: str) -> Link | None:
    """Return a link, made once of what repeats over a site's pages with the same words: menus, lists of what is new."""
    found = _absolute(base, href, charset)
    return None if found is None else Link(found[0], found[1], text, cast("LinkKind", kind))


def read_page(html: str, url: str, *, charset: str = "utf-8") -> Page:
    """Return the links and measures of an HTML page at `url` whose bytes were in `charset`.

    A page that forbids it (`<meta name="robots" content="nofollow">`) has no links.
    """
    base, generator, nofollow = url, "", False
    references: list[Sign] = []
    found, tree = plain_signs(html), None
    if found is None:
        tree = parse(html)
        found = tree_signs(tree)
    for sign in found:
        if sign.kind == "base":
            base = _based(url, sign.value) if base == url else base
        elif sign.kind == "generator":
            generator = sign.value
        elif sign.kind == "nofollow":
            nofollow = True
        else:
            references.append(sign)
    return Page(html, tree, () if nofollow else _links(references, base, charset), generator)


def _based(url: str, reference: str) -> str:
    try:
        return resolve(url, reference)
    except UrlError:
        return url


def _links(references: list[Sign], base: str, charset: str) -> tuple[Link, ...]:
    """Return the first link to each key, up to MAX_LINKS."""
    folder = _folder(base)
    found: dict[str, Link] = {}
    for kind, reference, text in references:
        link = _link(base if reference[:1] in _WHOLE else folder, reference, text, kind, charset)
        if link is not None and link.key not in found:
            found[link.key] = link
            if len(found) >= MAX_LINKS:
                break
    return tuple(found.values())


def sniff(body: bytes, content_type: str) -> BodyKind:
    """Return what a body is, by its first bytes and then by its declared type."""
    head = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<?xml", b"<urlset", b"<sitemapindex", b"<rss", b"<feed", b"<rdf:rdf", b"<!--")):
        if b"<urlset" in head or b"<sitemapindex" in head:
            return "sitemap"
        if b"<rss" in head or b"<feed" in head or b"<rdf:rdf" in head:
            return "feed"
    kind = content_type.partition(";")[0].strip().lower()
    if head.startswith((b"<!doctype html", b"<html")) or kind in ("text/html", "application/xhtml+xml"):
        return "html"
    if kind == "text/plain" and head.startswith((b"http://", b"https://")):
        return "urls"
    if kind in ("", "text/plain", "application/octet-stream") and b"<" in head and b">" in head:
        return "html"
    return "other"


def read_sitemap(body: bytes, base: str) -> Iterator[Link]:
    """Yield the entries of a sitemap or sitemap index: kind `sitemap` for further maps, `link` for pages.

    Entities are not expanded and nothing is loaded; a broken map yields what stands before the break.
    """
    for element in _elements(body, ("loc",)):
        parent = element.getparent()
        inside = "" if parent is None else _local(parent)
        target = (element.text or "").strip()
        if not target or inside not in ("sitemap", "url"):
            continue
        link = make_link(base, target, "", "sitemap" if inside == "sitemap" else "link")
        if link is not None:
            yield link


def read_feed(body: bytes, base: str) -> Iterator[Link]:
    """Yield the entries of an RSS or Atom feed as links of kind `article`; entities are not expanded."""
    for element in _elements(body, ("item", "entry")):
        title, target = "", ""
        for child in element:
            name = _local(child)
            if name == "title":
                title = (child.text or "").strip()[:SHORT_TEXT]
            elif name == "link" and child.get("rel", "alternate") == "alternate" and not target:
                target = (child.get("href") or child.text or "").strip()
        link = make_link(base, target, title, "article") if target else None
        if link is not None:
            yield link


def read_url_list(body: bytes, base: str) -> Iterator[Link]:
    """Yield the links of a text file with one URL a line."""
    for line in body[: 100 * MAX_ENTRIES].splitlines()[:MAX_ENTRIES]:
        text = line.strip().decode("utf-8", "replace")
        link = make_link(base, text, "", "link") if text.startswith(("http://", "https://")) else None
        if link is not None:
            yield link


def _local(element: etree._Element) -> str:
    """Return an element's name without its namespace, in lower case."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _elements(body: bytes, names: tuple[str, ...]) -> Iterator[etree._Element]:
    """Yield elements of these names as they end, freeing what has been read; at most MAX_ENTRIES of them."""
    options = {
        "resolve_entities": False,
        "no_network": True,
        "load_dtd": False,
        "recover": True,
        "huge_tree": False,
    }
    events = etree.iterparse(BytesIO(body.lstrip()), events=("end",), **options)
    count = 0
    try:
        for _, element in events:
            if _local(element) not in names:
                continue
            yield element
            element.clear()
            count += 1
            if count >= MAX_ENTRIES:
                return
    except etree.XMLSyntaxError:
        # What stood before the break has been yielded already.
        return


def sitemaps_in_robots(text: str) -> list[str]:
    """Return the sitemaps that a robots.txt names, in its order, at most 100."""
    lines = (line.strip() for line in text.splitlines())
    return [line.partition(":")[2].strip() for line in lines if line[:8].lower() == "sitemap:"][:100]
