"""What was taken down is not fetched again: neither what waits nor what links still name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from corpus.cdx import Capture
from corpus.store import Corpus
from crawler.commoncrawl import Wanted
from crawler.table import Entry, Frontier

GONE = "http://a.example/gone.html"


def entry(url: str) -> Entry:
    host = url.split("/")[2]
    return Entry(key=url, url=url, site=host, host=host, kind="article", priority=1, depth=0, hops=0)


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    with Corpus(tmp_path / "c.db", create=True) as corpus:
        Frontier.create(corpus.connection)
        yield corpus


def bury(corpus: Corpus, *asked: tuple[str, str]) -> Frontier:
    corpus.connection.commit()
    corpus.take_down(asked, by="x", why="y", at="2024-01-01")
    return Frontier(corpus.connection, ["a.example", "b.example"])


def state(frontier: Frontier, url: str) -> tuple[str, str | None]:
    found = frontier.look(url)
    assert found
    return found[1], found[0].why


def test_a_link_to_it_is_left_out_and_others_are_not(corpus: Corpus) -> None:
    frontier = bury(corpus, ("url", GONE), ("site", "b.example"))
    others = ["http://a.example/other.html", "http://a.example/gone.html?page=2", "http://bb.example/x"]
    frontier.add([entry(url) for url in (GONE, "http://www.b.example/any", *others)])
    assert state(frontier, GONE) == ("excluded", "taken-down")
    assert state(frontier, "http://www.b.example/any") == ("excluded", "taken-down")
    assert [state(frontier, url) for url in others] == [("queued", None)] * 3


def test_what_waited_before_the_takedown_is_left_out_by_the_next_run(corpus: Corpus) -> None:
    frontier = Frontier(corpus.connection, ["a.example"])
    frontier.add([entry(GONE), entry("http://a.example/other.html")])
    assert len(frontier.take("a.example", "run", 2, 0.0)) == 2
    again = bury(corpus, ("url", GONE))
    again.release()
    assert state(again, GONE) == ("excluded", "taken-down")
    assert [found.url for found in again.take("a.example", "run", 5, 0.0)] == ["http://a.example/other.html"]


def test_it_is_not_looked_at_again(corpus: Corpus) -> None:
    frontier = Frontier(corpus.connection, ["a.example"])
    frontier.add([entry(GONE)])
    frontier.take("a.example", "run", 1, 0.0)
    frontier.settle(GONE, "done", status=200)
    again = bury(corpus, ("url", GONE))
    again.reopen(GONE)
    assert state(again, GONE)[0] == "done"


def test_common_crawl_leaves_it_out(corpus: Corpus) -> None:
    bury(corpus, ("url", GONE))
    wanted = Wanted(buried=corpus.is_buried)
    page = Capture("", "20240101000000", GONE, "f", 0, 1, "200", "text/html")
    assert wanted.refusal(page) == "taken-down"
    assert wanted.refusal(replace(page, url="http://a.example/other.html")) is None
