"""Fetches for the comparison of the two paths: the demo's, statutes, URLs fetched again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from benchmarks.spark_pages import WHEN
from corpus import archive
from corpus.records import Fetch
from demo.site import build
from tests.conftest import SHARED
from tests.pages import PAGES, Page, fetch_of


def demo_fetches() -> Iterator[Fetch]:
    """Yield every response of the demo's site, articles and traps."""
    for url, response in build().responses.items():
        yield Fetch(url, WHEN, response.body, "response", response.status, tuple(response.headers))


def statutes() -> Iterator[Fetch]:
    """Yield the statutes as plain text, nothing where they are not there."""
    for path in sorted((SHARED / "data" / "statutes").glob("*.txt")):
        yield Fetch(
            f"file:///{path.name}", WHEN, path.read_bytes(), "resource", 200, (("Content-Type", "text/plain"),)
        )


def looks() -> Iterator[Fetch]:
    """Yield captures of URLs fetched again, out of order: changed, unchanged, as it was before, gone, not modified."""
    first, other = PAGES[0], PAGES[2]
    changed = Page(
        first.url, first.title, (*first.paragraphs, "后来平台又加了一条规定，逾期满三十天的要一次还清。")
    )
    recounted = Page(first.url, first.title, first.paragraphs, "gbk")
    gone = Page(other.url, other.title, other.paragraphs, status=404)
    days = ((changed, 3), (first, 1), (recounted, 5), (changed, 2), (other, 1), (gone, 4), (PAGES[4], 0))
    for page, day in days:
        fetch = fetch_of(page)
        yield Fetch(fetch.url, WHEN + timedelta(days=day), fetch.body, "response", fetch.status, fetch.headers)
    same = fetch_of(other)
    looked = Fetch(same.url, WHEN + timedelta(days=1), same.body, "response", 200, same.headers)
    yield Fetch(same.url, WHEN + timedelta(days=9), b"", "revisit", 304, (), refers_to=archive.reference(looked))
