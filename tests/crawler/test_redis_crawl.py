"""Real crawling processes on one frontier: killed at any time, and a server on loopback that measures what they ask."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("redis")

from corpus.merge import merge
from corpus.store import Corpus
from crawler.redis_frontier import RedisFrontier
from crawler.redis_link import Link
from crawler.session import BATCH
from tests.crawler.redis_server import RedisServer, needs_server
from tests.crawler.web import PROSE

pytestmark = needs_server

ROOT = Path(__file__).parents[2]
LEASE = 2.0


class Server(ThreadingHTTPServer):
    """A server whose clients may be killed in the middle of an answer."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as the base class has it
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Web:
    """Hosts on loopback that write down when each request came; a page of `a.test` links to ten others."""

    def __init__(self, pages: dict[str, int], robots: str = "") -> None:
        self.pages = pages
        self.robots = robots
        self.came: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.asked: Counter[str] = Counter()
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                web.open.wait(60)
                started = time.monotonic()
                host = self.headers["Host"]
                status, kind, body = web.answer(host, self.path)
                with web.lock:
                    web.asked[f"http://{host}{self.path}"] += 1
                    web.came[host].append((started, time.monotonic()))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.lock = threading.Lock()
        self.open = threading.Event()
        self.open.set()
        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.hosts = dict.fromkeys(pages, f"127.0.0.1:{self.server.server_port}")

    def answer(self, host: str, path: str) -> tuple[int, str, bytes]:
        if path == "/robots.txt":
            return 200, "text/plain", self.robots.encode()
        number = int(path[3:-5]) if path.startswith("/p/") else 0 if path == "/" else -1
        if not 0 <= number < self.pages[host]:
            return 404, "text/html", b"<title>no</title>"
        links = "".join(f"<a href='/p/{n}.html'>{n}</a>" for n in range(10 * number + 1, 10 * number + 11))
        text = f"<!doctype html><meta charset=utf-8><title>{host} {number}</title><p>{number}{PROSE}</p>{links}"
        return 200, "text/html; charset=utf-8", text.encode()

    def wanted(self) -> set[str]:
        """Return every page that is there."""
        return {
            f"http://{host}/" if number == 0 else f"http://{host}/p/{number}.html"
            for host, pages in self.pages.items()
            for number in range(pages)
        }

    def gaps(self, host: str) -> list[float]:
        """Return the seconds from each answer of a host to its next request."""
        came = sorted(self.came[host])
        return [later[0] - before[1] for before, later in pairwise(came)]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with RedisServer(folder) as running:
        yield running


def start(path: Path, web: Web, address: str, **settings: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401
    process = subprocess.Popen([sys.executable, "-m", "crawler"], stdin=subprocess.PIPE, cwd=ROOT)
    common = {"YUQI_HOSTS": web.hosts, "YUQI_RETRY_BASE": 0.05, "YUQI_LEASE_SECONDS": LEASE}
    common |= {"YUQI_CLEANERS": 0, "YUQI_DERIVE": False}
    arguments = {"url": [f"http://{host}/" for host in web.hosts], "db": str(path), "frontier": address}
    arguments |= {"summary": str(path.with_suffix(".json")), "topic": "off"}
    assert process.stdin is not None
    process.stdin.write(json.dumps({"settings": {**common, **settings}, "arguments": arguments}).encode() + b"\n")
    process.stdin.flush()
    return process


def fetched(path: Path) -> Counter[str]:
    """Return what stands in a corpus's archive as pages, registered or not."""
    with Corpus(path), sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT url FROM fetches WHERE url NOT LIKE '%/robots.txt' AND status = 200")
        return Counter(url for (url,) in rows)


def wait(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        assert process.wait(timeout=120) == 0


def test_delays_hold_across_processes(redis: RedisServer, tmp_path: Path) -> None:
    web = Web({"a.test": 8, "b.test": 8}, robots="User-agent: *\nCrawl-delay: 0.2\n")
    address = redis.url + "#polite"
    crawls = [start(tmp_path / f"{n}.db", web, address, DOWNLOAD_DELAY=0.1) for n in range(3)]
    wait(*crawls)
    total = sum((fetched(tmp_path / f"{n}.db") for n in range(3)), Counter[str]())
    assert total == dict.fromkeys(web.wanted(), 1)
    for host in web.hosts:
        # The first two are robots.txt, which says how long to wait, and what follows it.
        assert min(web.gaps(host)) >= 0.2
        assert web.asked[f"http://{host}/robots.txt"] == 1
    assert RedisFrontier(Link(address)).crawlers() == []


def test_kill_9_at_any_time_loses_nothing_and_breaks_no_delay(redis: RedisServer, tmp_path: Path) -> None:
    web = Web({"a.test": 40, "b.test": 30})
    address = redis.url + "#killed"
    rng = random.Random(3)
    delay = 0.04
    crawls = {n: start(tmp_path / f"{n}.db", web, address, DOWNLOAD_DELAY=delay) for n in range(2)}
    kills = 0
    while kills < 3 and any(process.poll() is None for process in crawls.values()):
        seen = sum(web.asked.values())
        until = time.monotonic() + 20
        while sum(web.asked.values()) <= seen + 3 and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(rng.random() * 0.1)
        victim = rng.choice([n for n, process in crawls.items() if process.poll() is None])
        crawls[victim].send_signal(signal.SIGKILL)
        crawls[victim].wait()
        kills += 1
        if kills % 2:
            # Some come back on their corpus, the others never.
            crawls[victim] = start(tmp_path / f"{victim}.db", web, address, DOWNLOAD_DELAY=delay)
        else:
            del crawls[victim]
            new = max([*crawls, 1]) + 1
            crawls[new] = start(tmp_path / f"{new}.db", web, address, DOWNLOAD_DELAY=delay)
    wait(*crawls.values())
    assert kills == 3
    total = sum((fetched(path) for path in tmp_path.glob("*.db")), Counter[str]())
    assert set(total) == web.wanted(), "no URL is lost"
    assert max(total.values()) <= 1 + kills
    assert sum(total.values()) - len(total) <= kills * BATCH
    for host in web.hosts:
        assert min(web.gaps(host)) >= delay
    looker = RedisFrontier(Link(address))
    assert set(looker.counts()) <= {"done", "excluded"}
    assert looker.crawlers() == []
    # Brought together, every page is there once, whoever fetched it and however often.
    paths = sorted(tmp_path.glob("*.db"))
    out = tmp_path / "merged" / "out.db"
    out.parent.mkdir()
    merge(out, paths)
    with Corpus(out) as corpus:
        found = Counter(url for (url,) in corpus.connection.execute("SELECT url FROM documents"))
    assert found == dict.fromkeys(web.wanted(), 1)
    assert merge(out, paths[::-1]).fetches == 0


def test_a_server_that_restarts_in_mid_crawl_is_waited_for(redis: RedisServer, tmp_path: Path) -> None:
    web = Web({"a.test": 40})
    address = redis.url + "#restart"
    web.open.clear()
    crawls = [start(tmp_path / f"{n}.db", web, address, DOWNLOAD_DELAY=0.02) for n in range(2)]
    looker, until = RedisFrontier(Link(address)), time.monotonic() + 60
    while len(looker.crawlers()) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    # Both are at work: one that begins while the server is away says so and ends.
    web.open.set()
    for count in (8, 20):
        until = time.monotonic() + 60
        while sum(web.asked.values()) < count and time.monotonic() < until:
            time.sleep(0.005)
        redis.kill()
        time.sleep(0.3)
        redis.start()
    wait(*crawls)
    total = fetched(tmp_path / "0.db") + fetched(tmp_path / "1.db")
    assert total == dict.fromkeys(web.wanted(), 1)
    assert min(web.gaps("a.test")) >= 0.02
