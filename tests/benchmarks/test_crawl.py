"""The crawl benchmark serves what it says it serves, and counts as it says it counts."""

from __future__ import annotations

import re

from benchmarks.crawl import Run, by_processor, flatness
from benchmarks.crawl_server import COPY_EVERY, PAGE_BYTES, answer, article_page, list_page, paragraphs, respond
from cleaning.clean import Cleaned, clean
from crawler.discover import read_page


def test_pages_are_of_the_size_and_the_same_every_time() -> None:
    pages = [article_page(number, 1000) for number in range(0, 1000, 97)]
    assert all(PAGE_BYTES - 100 <= len(page) <= PAGE_BYTES for page in pages)
    assert pages == [article_page(number, 1000) for number in range(0, 1000, 97)]
    assert len(set(pages)) == len(pages)


def test_some_articles_are_copies() -> None:
    number = COPY_EVERY + 7
    assert paragraphs(number) == paragraphs(number - 1) != paragraphs(number + 1)


def test_every_article_is_found_from_the_start() -> None:
    count = 120
    found: set[str] = set()
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        body = respond(path, count)
        assert body is not None, path
        for link in read_page(body.decode(), f"http://bench.test{path}").links:
            target = link.url.removeprefix("http://bench.test")
            if re.match("/(article|list)/", target) and target not in found:
                found.add(target)
                waiting.append(target)
    assert {f"/article/{number}.html" for number in range(count)} <= found


def test_articles_are_articles() -> None:
    result = clean(article_page(5, 1000), "text/html; charset=utf-8", "http://bench.test/article/5.html")
    assert isinstance(result, Cleaned)
    assert paragraphs(5)[0] in result.text


def test_what_is_not_there_is_not_found() -> None:
    assert respond("/article/1000.html", 1000) is None
    assert respond("/list/20.html", 1000) is None
    assert respond("/robots.txt", 1000) is None
    assert answer("/x", 10, {}).startswith(b"HTTP/1.1 404 ")
    assert answer("/list/0.html", 10, {}).endswith(list_page(0, 10))


def test_ratios() -> None:
    bare = Run(1000, 2.0, 2.0, 0.2, ((60.0, 50.0),))
    # Twice the bare spider's work on two processors, serving left out of neither side.
    assert by_processor(bare, Run(1000, 9.0, 3.8, 0.2, ())) == 1.0
    assert flatness([(0.0, value) for value in (1.0, 2.0, 2.0, 3.0)]) == 1.5
