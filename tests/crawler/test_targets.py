"""What a crawl was asked for: several start URLs of one host, and what a later run without targets goes on with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpus.store import Corpus
from crawler.run import crawl
from crawler.session import Limits
from crawler.spiders.article import _asked, _sites
from demo.server import DemoServer
from demo.site import build


def test_start_urls_of_one_host_are_one_site() -> None:
    sites = _sites(
        {"site": ["http://a.example/x/1.html", "http://a.example/y/", "http://b.example/", "http://a.example/y/"]}
    )
    assert [(site.name, site.seeds) for site in sites] == [
        ("a.example", ("http://a.example/x/1.html", "http://a.example/y/")),
        ("b.example", ("http://b.example/",)),
    ]


def test_targets_are_kept_as_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"site": ["demo-a", "mine.toml"], "url": "http://a.example:8080/x"}
    assert _asked(given) == ["demo-a", str(tmp_path / "mine.toml"), "http://a.example:8080/x"]


def test_a_run_registers_the_urls_it_was_given(tmp_path: Path) -> None:
    demo = build(20240101)
    with DemoServer(demo) as server:
        start = demo.start_urls[0] + "list.html"
        crawl(tmp_path / "c.db", [start], hosts=server.hosts, delay=0.0, limits=Limits(pages=1), cleaners=0)
    with Corpus(tmp_path / "c.db", readonly=True) as corpus:
        assert corpus.last_targets("crawl") == (start,)
        assert json.loads(corpus.connection.execute("SELECT targets FROM crawls").fetchone()[0]) == [start]
