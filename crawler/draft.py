"""Drafting a site's declaration from a few of its pages: which shapes of URL hold articles, which lists."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import orjson

from cleaning.decode import decode
from cleaning.findings import Rejected
from corpus.coding import BombError, decode_content
from corpus.records import Fetch
from crawler.discover import read_page, sniff
from crawler.frontier import canonical, host_of, shape
from crawler.pipelines import CorpusSink
from crawler.run import CrawlError, crawl
from crawler.session import Limits
from crawler.site import cms_of, from_url

MIN_PAGES_OF_A_SHAPE = 2
"""Fewer pages of one shape are a single page (about, contact), not a template."""

_NUMBER = re.compile(r"\d+")
_OPAQUE = re.compile(r"(?=[0-9A-Za-z_-]*\d)[0-9A-Za-z_-]{12,}")


class Seen(NamedTuple):
    """One page as a draft needs it: its URL, whether it has an article's text, its encoding and generator mark."""

    url: str
    wordy: bool
    encoding: str
    generator: str


def draft(
    url: str,
    *,
    pages: int = 30,
    hosts: Mapping[str, str] | None = None,
    allow_private: bool = False,
    delay: float | None = None,
) -> str:
    """Fetch some pages from `url` on and return a declaration in TOML for a person to review.

    Raises SiteError for a URL that can't be one, CrawlError when nothing could be fetched.
    """
    start = from_url(url).seeds[0]
    with tempfile.TemporaryDirectory(prefix="yuqi-draft-") as folder:
        path = Path(folder) / "draft.db"
        summary = crawl(
            path, [url], limits=Limits(pages=pages), hosts=hosts, allow_private=allow_private, delay=delay
        )
        sink = CorpusSink(path)
        try:
            seen = [page for fetch in sink.since(0) if (page := _seen(fetch)) is not None]
        finally:
            sink.close()
    if not seen:
        raise CrawlError(
            f"{url}: no page could be read ({summary.statuses or summary.why_not}); is it up, and allowed?"
        )
    return declaration(start, seen)


def _seen(fetch: Fetch) -> Seen | None:
    """Return what a fetch tells, or None if it is no page."""
    if fetch.status != 200:
        return None
    try:
        body = decode_content(fetch.body, fetch.header("content-encoding") or "", limit=Limits().body_bytes)
    except BombError:
        return None
    decoded = decode(body, fetch.content_type)
    if sniff(body, fetch.content_type or "") != "html" or isinstance(decoded, Rejected):
        return None
    page = read_page(decoded.text, fetch.url, charset=decoded.encoding)
    return Seen(canonical(fetch.url), page.wordy, decoded.encoding, page.generator)


def declaration(start: str, seen: Iterable[Seen]) -> str:
    """Return a declaration in TOML for a site whose pages were seen."""
    pages = list(seen)
    articles, lists = patterns(pages)
    encodings = sorted({page.encoding for page in pages})
    cms = next((found for page in pages if page.generator and (found := cms_of(page.generator))), None)
    lines = [
        f"# Drafted from {len(pages)} pages: look it over before you rely on it.",
        *([f"# Its pages say they are made by {cms.name}."] if cms else []),
        f"seeds = [{_quoted(start)}]",
        f"hosts = [{', '.join(_quoted(host) for host in sorted({host_of(page.url) for page in pages}))}]",
        *([f"charset = {_quoted(encodings[0])}"] if len(encodings) == 1 and encodings != ["utf-8"] else []),
        "",
        "[follow]",
        f"article = [{', '.join(_quoted(pattern) for pattern in articles)}]",
        f"list = [{', '.join(_quoted(pattern) for pattern in lists)}]",
        "",
        "[rate]",
        "delay = 1.0",
        "concurrency = 1",
    ]
    return "\n".join(lines) + "\n"


def patterns(pages: Iterable[Seen]) -> tuple[list[str], list[str]]:
    """Return regular expressions for articles and for lists: shapes met more than once, by what most of their pages are."""
    shapes: defaultdict[str, list[Seen]] = defaultdict(list)
    for page in pages:
        shapes[shape(page.url)].append(page)
    articles: set[str] = set()
    lists: set[str] = set()
    for members in shapes.values():
        if len(members) < MIN_PAGES_OF_A_SHAPE:
            continue
        wordy = sum(page.wordy for page in members)
        (articles if 2 * wordy > len(members) else lists).add(pattern(members[0].url))
    return sorted(articles), sorted(lists)


def pattern(url: str) -> str:
    """Return a regular expression for the path and query of a canonical URL and its like, numbers left open."""
    parts = urlsplit(url)
    path = "/".join(_segment(segment) for segment in parts.path.split("/"))
    query = "&".join(_segment(pair) for pair in parts.query.split("&"))
    return f"^{path}" + (rf"\?{query}" if parts.query else "") + "$"


def _segment(text: str) -> str:
    if _OPAQUE.fullmatch(text):
        return "[0-9A-Za-z_-]+"
    return r"\d+".join(re.escape(piece) for piece in _NUMBER.split(text))


def _quoted(text: str) -> str:
    """Return a TOML basic string: JSON's escapes are a subset of TOML's."""
    return orjson.dumps(text).decode()
