"""A response goes straight to the spider; what must wait, or isn't the frontier's, goes Scrapy's way."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.settings import Settings

from crawler.middlewares.handover import HandOver
from crawler.run import crawl
from crawler.scheduler import WAKE
from tests.crawler.hostile import HEALTHY, HostileServer

ROOT = Path(__file__).parents[2]
URL = "http://a.test/"


def hand_over(**settings: object) -> tuple[HandOver, list[Any]]:
    """Return a middleware, and what Scrapy is told of errors."""
    errors: list[Any] = []
    scraper = SimpleNamespace(handle_spider_error=lambda *told: errors.append(told))
    crawler: Any = SimpleNamespace(
        settings=Settings({"LOG_LEVEL": "WARNING", **settings}), engine=SimpleNamespace(scraper=scraper)
    )
    return HandOver.from_crawler(crawler), errors


async def later(response: Response) -> None:
    """Take a response in a callback that has to wait for something."""


def test_a_page_of_the_frontier_is_handed_over() -> None:
    middleware, errors = hand_over()
    taken: list[Response] = []
    request, response = Request(URL, callback=taken.append, meta={"entry": 1}), Response(URL)
    assert middleware.process_response(request, response) is WAKE
    assert taken == [response]
    assert taken[0].request is request
    assert errors == []


@pytest.mark.parametrize(
    "request_", [Request(URL, meta={"entry": 1}, callback=later), Request(URL, callback=print)]
)
def test_what_must_wait_or_is_not_the_frontier_s_goes_scrapy_s_way(request_: Request) -> None:
    middleware, _ = hand_over()
    response = Response(URL)
    assert middleware.process_response(request_, response) is response


def test_an_error_is_scrapy_s_to_tell() -> None:
    middleware, errors = hand_over()

    def broken(_: Response) -> None:
        raise ValueError("ours")

    request, response = Request(URL, callback=broken, meta={"entry": 1}), Response(URL)
    assert middleware.process_response(request, response) is WAKE
    [(failure, *about)] = errors
    assert isinstance(failure.value, ValueError)
    assert about == [request, response]


def test_it_steps_aside_where_every_message_is_wanted() -> None:
    with pytest.raises(NotConfigured):
        hand_over(LOG_LEVEL="DEBUG")


BROKEN = """
import json, sys
from crawler.child import run
from crawler.session import Session
follow, seen = Session._follow, []
def broken(self, entry, fetch):
    seen.append(entry)
    if len(seen) == 4:
        raise ValueError("ours")
    follow(self, entry, fetch)
Session._follow = broken
sys.exit(run(json.loads(sys.argv[1]), None))
"""


def test_an_error_of_ours_stops_the_run_and_the_next_goes_on(tmp_path: Path) -> None:
    site = tmp_path / "a.toml"
    site.write_text(
        "seeds = ['http://hostile.test/']\nhosts = ['hostile.test']\nrate.delay = 0\nrate.concurrency = 8\n"
        "follow.article = ['/article/']\n",
        "utf-8",
    )
    with HostileServer(copies=0) as server:
        arguments = {"site": [str(site)], "db": str(tmp_path / "c.db"), "summary": str(tmp_path / "s.json")}
        settings = {"YUQI_HOSTS": server.hosts, "YUQI_CLEANERS": 0, "YUQI_DERIVE": False, "YUQI_RETRY_BASE": 0.05}
        asked_for = json.dumps({"settings": settings, "arguments": arguments})
        command = [sys.executable, "-c", BROKEN, asked_for]
        # The end of its stdin would stop it.
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            assert child.wait(60) == 0
        first = json.loads((tmp_path / "s.json").read_text())
        second = crawl(tmp_path / "c.db", [str(site)], hosts=server.hosts, retry_base=0.05, quiet=True)
    assert first["reason"] == "internal error"
    assert second.reason == "finished"
    asked = Counter({path: count for path, count in server.asked.items() if path.startswith("/article/")})
    assert len(asked) == HEALTHY
    # The run that stopped had archived what it broke at: that isn't asked for again, what was under way then is.
    assert sum(asked.values()) <= HEALTHY + 8
