"""Watching a crawl and stopping it: documents made meanwhile, the log, metrics, progress, real interrupts."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.settings import Settings

from corpus.store import Corpus
from crawler.metrics import exposition
from crawler.progress import cleaning_line, clock, line
from crawler.run import crawl
from crawler.session import Limits, Standing
from crawler.watching import QuietFormatter
from demo.server import DemoServer
from demo.site import build
from tests.corpus.test_store import rows
from tests.crawler.hostile import HostileServer

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(build(slow_seconds=0.2)) as running:
        yield running


def start(path: Path, target: str, hosts: dict[str, str], *options: str, stderr: int) -> subprocess.Popen[str]:
    mapped = [part for name, endpoint in hosts.items() for part in ("--host", f"{name}={endpoint}")]
    command = [sys.executable, "-m", "yuqi", "crawl", str(path), target, *mapped, *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True)


def wait_for(what: Callable[[], Any], process: subprocess.Popen[str]) -> Any:  # noqa: ANN401
    """Return what `what` gives once it gives something; fail when the process ends before."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := what():
            return found
        assert process.poll() is None, "the crawl ended before"
        time.sleep(0.02)
    raise AssertionError("nothing for a minute")


def events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(text) for text in log.read_text("utf-8").splitlines()] if log.exists() else []


def scraped(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            return str(answer.read().decode())
    except OSError:
        return ""


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_one_interrupt_stops_cleanly(server: DemoServer, tmp_path: Path) -> None:
    path, log, port = tmp_path / "c.db", tmp_path / "log.jsonl", free_port()
    options = ("--delay", "0.2", "--log-json", str(log), "--metrics-port", str(port), "--cleaners", "1")
    process = start(path, "http://www.yuqi-c.test/", server.hosts, *options, stderr=subprocess.PIPE)
    text = wait_for(lambda: scraped(port), process)
    assert "# TYPE yuqi_crawl_responses_total counter" in text
    wait_for(lambda: sum(event["event"] == "fetch" for event in events(log)) >= 3, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, stderr
    assert stdout == ""
    assert stderr.splitlines()[-1] != ""
    assert "stopped: " in stderr
    told = events(log)
    assert [told[0]["event"], told[-1]["event"], told[-1]["reason"]] == ["start", "end", "stopped"]
    fetches = [event for event in told if event["event"] == "fetch"]
    assert len(fetches) == told[-1]["fetched"]
    assert set(fetches[0]) >= {"time", "url", "status", "bytes", "outcome", "site", "depth"}
    with Corpus(path, readonly=True) as corpus:
        assert corpus.count_pending() == 0
        summary = json.loads(corpus.connection.execute("SELECT summary FROM crawls").fetchone()[0])
    assert sum(summary["derived"].values()) == told[-1]["fetched"] + 1  # and robots.txt
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM frontier WHERE state = 'leased'").fetchone() == (0,)


def test_a_second_interrupt_stops_at_once(tmp_path: Path) -> None:
    path, log = tmp_path / "c.db", tmp_path / "log.jsonl"
    options = ("--delay", "0", "--log-json", str(log))
    # To a file: the process beside the crawl holds a pipe open until it is done with the page in hand.
    with HostileServer() as hostile, (tmp_path / "stderr").open("w+", encoding="utf-8") as said:
        process = start(path, "http://hostile.test/", hostile.hosts, *options, stderr=said.fileno())
        # It is silent for half a minute: a clean stop would wait for it.
        wait_for(lambda: hostile.asked["/silence?copy=0"], process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 2
        said.seek(0)
        stderr = said.read()
        assert stderr.splitlines()[-1].startswith(
            "yuqi crawl: the crawl was stopped at once; nothing that was archived"
        )
        assert "Traceback" not in stderr
        before = Counter(event["url"] for event in events(log) if event["event"] == "fetch")
        assert before
        summary = crawl(
            path,
            ["http://hostile.test/"],
            hosts=hostile.hosts,
            delay=0,
            retry_base=0.02,
            limits=Limits(pages=3),
            quiet=True,
        )
    assert summary.reason == "page limit"
    with sqlite3.connect(path) as connection:
        done = {url for (url,) in connection.execute("SELECT url FROM frontier WHERE state = 'done'")}
        counts = Counter(url for (url,) in connection.execute("SELECT url FROM fetches"))
    assert set(before) <= done | {"http://hostile.test/"}
    assert all(counts[url] == 1 for url, times in before.items() if url in done)


def test_the_corpus_of_a_crawl_with_cleaners_is_the_rebuilt_one(server: DemoServer, tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    summary = crawl(path, ["demo-f"], hosts=server.hosts, retry_base=0.05, cleaners=1)
    with Corpus(path) as corpus:
        corpus.derive_pending()
        live = rows(corpus)
        # Nothing was left to do: it had gone on until all was cleaned.
        assert sum(summary.derived.values()) == corpus.count("fetches")
        corpus.rebuild()
        assert rows(corpus) == live


def test_progress_is_for_terminals_only(server: DemoServer, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    options = ("--delay", "0.1", "--strict")  # slow enough to be seen
    site = tmp_path / "s.toml"
    site.write_text(
        "seeds = ['http://www.yuqi-f.test/']\n[budget]\npages = 15\n[expect]\nmin = 1000\n", encoding="utf-8"
    )
    process = start(tmp_path / "c.db", str(site), server.hosts, *options, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:
        pass  # how Linux says that the other end of a terminal has closed
    os.close(ours)
    process.communicate(timeout=PATIENCE)
    text = shown.decode("utf-8", "replace")
    assert " fetched, " in text
    assert " waiting" in text
    assert "page budget is used up" in text
    assert process.returncode == 0  # fewer than expected, but the run was not let to find them


def test_strict_tells_of_too_few_articles(server: DemoServer, tmp_path: Path) -> None:
    site = tmp_path / "s.toml"
    site.write_text(
        "seeds = ['http://www.yuqi-f.test/']\nexpect.min = 1000\nfollow.article = ['/none/']\nfollow.strict = true\n",
        encoding="utf-8",
    )
    process = start(tmp_path / "c.db", str(site), server.hosts, "--strict", stderr=subprocess.PIPE)
    _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "expected at least 1000; has the site changed?" in stderr
    assert "\r" not in stderr


def standing(**values: Any) -> Standing:  # noqa: ANN401
    usual: dict[str, Any] = {
        "fetched": 100, "bytes": 1000, "seconds": 50.0, "under_way": 2, "states": {"queued": 300, "leased": 2},
        "statuses": {"200": 99, "404": 1}, "pages": {"a.test": 90}, "articles": {"a.test": 60},
        "outcomes": {"documents": 45, "rejections": 15}, "limits": Limits(),
    }  # fmt: skip
    return Standing(**{**usual, **values})


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({}, 151.0),
        ({"limits": Limits(pages=120)}, 10.0),
        ({"limits": Limits(seconds=60.0)}, 10.0),
        ({"limits": Limits(bytes=1500)}, 25.0),
        ({"fetched": 0}, None),
    ],
)
def test_the_time_that_is_left(values: dict[str, Any], left: float | None) -> None:
    assert standing(**values).left == left


def test_a_line_of_progress() -> None:
    assert (
        line(standing())
        == "[####................] 100 fetched, 2.0/s, 45 documents (0.75 a fetch), 300 waiting, 2:31 left"
    )
    assert line(standing(fetched=0, outcomes={})) == "[" + "." * 20 + "] 0 fetched, 0.0/s, 300 waiting"
    assert clock(3725) == "1:02:05"
    assert cleaning_line(standing()) == "100 fetched; cleaning: 40 left, 45 documents"


def test_metrics_are_escaped_and_sorted() -> None:
    text = exposition(standing(pages={'a"\n\\': 1}))
    assert 'yuqi_crawl_pages_total{site="a\\"\\n\\\\"} 1' in text
    assert 'yuqi_crawl_urls{state="leased"} 2\nyuqi_crawl_urls{state="queued"} 300' in text
    assert text.endswith("yuqi_crawl_seconds 50.0\n")
    assert all(part.startswith(("#", "yuqi_crawl_")) for part in text.splitlines())


@pytest.mark.parametrize(
    ("level", "enabled", "told"), [("DEBUG", True, True), ("WARNING", True, False), ("DEBUG", False, False)]
)
def test_responses_are_logged_where_somebody_would_see_it(level: str, enabled: bool, told: bool) -> None:
    crawler: Any = SimpleNamespace(settings=Settings({"LOG_LEVEL": level, "LOG_ENABLED": enabled}))
    request = Request("http://a.test/")
    message = QuietFormatter.from_crawler(crawler).crawled(request, Response(request.url, request=request), None)
    assert (message is not None) == told
