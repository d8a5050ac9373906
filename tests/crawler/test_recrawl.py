"""Looking again: conditional requests, revisit records, versions, and when the next look is due."""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from corpus.records import Fetch
from corpus.store import Corpus
from corpus.versions import history
from crawler.recrawl import (
    DAY,
    MAX_INTERVAL,
    MIN_INTERVAL,
    PRIOR_ARTICLE,
    PRIOR_LIST,
    Looks,
    conditions,
    due,
    interval,
    revisit,
    shown,
)
from crawler.run import crawl
from crawler.session import CrawlSummary, Recrawl
from crawler.table import open_readonly
from crawler.why import account
from tests.crawler.web import PROSE, Clock, DiedError, page
from tests.crawler.web import crawl as crawl_web

WHEN = datetime(2024, 1, 1, tzinfo=UTC)
SINCE = "Mon, 01 Jan 2024 00:00:00 GMT"
PAGE = Fetch("http://a.test/", WHEN, b"<p>body", headers=(("ETag", '"v1"'), ("Last-Modified", SINCE)))


class Changing:
    """A loopback site whose pages change when told to; it knows ETags, dates, or neither."""

    def __init__(self) -> None:
        self.texts = {"/": "", "/etag.html": "甲", "/date.html": "乙", "/plain.html": "丙", "/packed.html": "丁"}
        self.asked: Counter[tuple[str, int]] = Counter()
        self.conditional: Counter[str] = Counter()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.hosts = {"a.test": f"127.0.0.1:{self.server.server_address[1]}"}

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path
        text = self.texts.get(path)
        if text is None:
            self._send(handler, 404, b"")
            return
        tag, date = f'"{text}-{len(text)}"'.encode().hex(), SINCE
        headers = {"/etag.html": {"ETag": f'"{tag}"'}, "/date.html": {"Last-Modified": date}}.get(path, {})
        given = (handler.headers.get("If-None-Match"), handler.headers.get("If-Modified-Since"))
        self.conditional[path] += any(given)
        if given[0] == f'"{tag}"' or (path == "/date.html" and given[1] == date and text == "乙"):
            self._send(handler, 304, b"", **headers)
            return
        body = self.body(path, text)
        if path == "/packed.html":
            body = gzip.compress(body, mtime=0)
            headers = {"Content-Encoding": "gzip"}
        self._send(handler, 200, body, **headers)

    def body(self, path: str, text: str) -> bytes:
        links = "".join(f"<a href='{name}'>逾期{name}</a>" for name in self.texts if path == "/")
        return f"<title>逾期{path}</title><h1>逾期{path}</h1><p>{text}{PROSE}</p><p>{links}</p>".encode()

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
        self.asked[handler.path, status] += 1
        handler.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def site() -> Iterator[Changing]:
    changing = Changing()
    yield changing
    changing.server.shutdown()
    changing.server.server_close()


def run(path: Path, site: Changing, recrawl: Recrawl = "") -> CrawlSummary:
    summary = crawl(
        path, ["http://a.test/"], hosts=site.hosts, delay=0.0, retry_base=0.05, quiet=True, recrawl=recrawl
    )
    with Corpus(path) as corpus:
        corpus.derive_pending()
    return summary


def tables(corpus: Corpus) -> list[str]:
    return [
        repr(row)
        for name in ("documents", "versions", "findings", "rejections")
        for row in sorted(corpus.connection.execute(f"SELECT * FROM {name}"), key=repr)
    ]


def test_unchanged_pages_cost_a_header_and_changed_ones_become_versions(tmp_path: Path, site: Changing) -> None:
    path = tmp_path / "c.db"
    run(path, site)
    site.texts["/etag.html"] = "甲甲甲"
    site.texts["/new.html"] = "新"
    site.asked.clear()
    second = run(path, site, "all")
    assert site.asked["/date.html", 304] == site.asked["/etag.html", 200] == site.asked["/new.html", 200] == 1
    assert site.conditional["/etag.html"] == site.conditional["/date.html"] == 1
    # /plain.html and /packed.html sent the same bytes, /date.html said so.
    assert second.unchanged == 3
    with Corpus(path) as corpus:
        outcomes = {
            url: [v.outcome for v in history(corpus.connection, f"http://a.test{url}")] for url in site.texts
        }
        assert outcomes["/etag.html"] == ["version", "current"]
        assert (
            outcomes["/date.html"]
            == outcomes["/plain.html"]
            == outcomes["/packed.html"]
            == ["current", "not-modified"]
        )
        assert outcomes["/new.html"] == ["current"]
        assert corpus.connection.execute("SELECT count(*), count(DISTINCT url) FROM articles").fetchone()[0] >= 1
        live = tables(corpus)
        corpus.rebuild()
        assert tables(corpus) == live
        kinds = Counter(
            record.rec_type
            for file in corpus.folder.glob("*.warc.gz")
            for record in ArchiveIterator(file.open("rb"), check_digests="raise")
        )
    assert kinds["revisit"] == 3


def test_what_is_due_is_asked_for_and_no_more(tmp_path: Path, site: Changing) -> None:
    path = tmp_path / "c.db"
    run(path, site)
    with Corpus(path) as corpus, corpus.transaction():
        past = (datetime.now(UTC) - timedelta(days=40)).isoformat()
        corpus.connection.execute("UPDATE fetches SET fetched_at = ? WHERE url LIKE '%/plain.html'", [past])
    with open_readonly(path) as frontier:
        told = account(frontier, "http://a.test/etag.html")
    assert "seen 1 times, 0 changes" in told["next look"]
    site.asked.clear()
    run(path, site, "due")
    assert site.asked["/plain.html", 200] == 1
    assert not {name for name, _ in site.asked} & {"/etag.html", "/date.html", "/packed.html"}


def test_what_an_unchanged_page_leads_to_is_still_followed() -> None:
    web = {"http://a.test/": page("/post/1.html", text=PROSE), "http://a.test/post/1.html": page(text=PROSE)}
    _, sink, _ = crawl_web(web, "http://a.test/")
    with sink.transaction():
        sink.connection.execute("DELETE FROM frontier WHERE key LIKE '%post%'")
    asked: list[str] = []

    def unchanged(url: str) -> tuple[int, dict[str, str], str] | None:
        asked.append(url)
        return (304, {}, "") if url == "http://a.test/" else (404, {}, "")

    crawl_web(unchanged, "http://a.test/", sink=sink)
    assert "http://a.test/post/1.html" in asked


def test_recrawl_by_due_dates_in_memory() -> None:
    web = {"http://a.test/": page(*(f"/post/{n}.html" for n in range(4)), text=PROSE)}
    web |= {f"http://a.test/post/{n}.html": page(text=f"{n}{PROSE}") for n in range(4)}
    clock = Clock()
    clock.now = datetime.now(UTC).timestamp()
    _, sink, _ = crawl_web(web, "http://a.test/", clock=clock)
    before = len(sink.fetches)
    clock.now += 10 * DAY
    crawl_web(web, "http://a.test/", sink=sink, clock=clock, recrawl="due")
    assert {fetch.url for fetch in sink.fetches[before:]} == {"http://a.test/"}
    before = len(sink.fetches)
    clock.now += 25 * DAY
    crawl_web(web, "http://a.test/", sink=sink, clock=clock, recrawl="due")
    assert len({fetch.url for fetch in sink.fetches[before:]}) == 5
    assert all(fetch.kind == "revisit" for fetch in sink.fetches[before:])


def test_dying_in_a_recrawl_loses_and_doubles_nothing() -> None:
    web = {"http://a.test/": page(*(f"/post/{n}.html" for n in range(12)), text=PROSE)}
    web |= {f"http://a.test/post/{n}.html": page(text=f"{n}{PROSE}") for n in range(12)}
    clock = Clock()
    clock.now = datetime.now(UTC).timestamp()
    _, sink, _ = crawl_web(web, "http://a.test/", clock=clock)
    before = len(sink.fetches)
    clock.now += 100 * DAY
    with pytest.raises(DiedError):
        crawl_web(web, "http://a.test/", sink=sink, clock=clock, recrawl="all", die_after=5)
    crawl_web(web, "http://a.test/", sink=sink, clock=clock)
    looks = Counter(fetch.url for fetch in sink.fetches[before:] if not fetch.url.endswith("a.test/"))
    # The one that was archived without its consequences is worked out from the archive, not asked for again.
    assert looks == dict.fromkeys((url for url in web if "post" in url), 1)


# Pure


def test_conditions_are_what_the_server_gave() -> None:
    assert conditions(PAGE) == {"If-None-Match": '"v1"', "If-Modified-Since": SINCE}
    assert conditions(replace(PAGE, headers=())) == {}


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "\N{SNOWMAN}", "x" * 600, ""])
def test_a_hostile_validator_is_not_sent_back(value: str) -> None:
    assert conditions(replace(PAGE, headers=(("ETag", value),))) == {}


def test_what_is_a_revisit() -> None:
    later = WHEN + timedelta(days=3)
    not_modified = revisit(PAGE, Fetch(PAGE.url, later, b"", status=304))
    same = revisit(PAGE, replace(PAGE, fetched_at=later))
    assert not_modified is not None
    assert same is not None
    assert (not_modified.kind, not_modified.status, not_modified.id) == ("revisit", 304, PAGE.id)
    assert (same.kind, same.status, same.body) == ("revisit", 200, b"")
    assert shown(PAGE, not_modified).body == PAGE.body
    for other in (
        replace(PAGE, body=b"other"),
        replace(PAGE, status=404),
        replace(PAGE, body=b"", status=503),
        replace(PAGE, truncated="length"),
    ):
        assert revisit(PAGE, replace(other, fetched_at=later)) is None


def test_before_a_second_look_the_prior_decides() -> None:
    assert interval(0, 0, 0, PRIOR_ARTICLE) == pytest.approx(PRIOR_ARTICLE)
    assert interval(0, 0, 0, PRIOR_LIST) == pytest.approx(PRIOR_LIST)
    assert due(Looks("u", 1, 0, 100.0, 100.0, document=True)) == pytest.approx(100 + PRIOR_ARTICLE)


@given(st.integers(0, 500), st.integers(0, 600), st.floats(0, 4e9), st.sampled_from([PRIOR_ARTICLE, PRIOR_LIST]))
def test_intervals_stay_in_bounds(looks: int, changes: int, seconds: float, prior: float) -> None:
    assert MIN_INTERVAL <= interval(looks, changes, seconds, prior) <= MAX_INTERVAL


@given(st.integers(1, 100), st.integers(0, 99), st.floats(DAY, 400 * DAY))
def test_more_changes_mean_an_earlier_look(looks: int, changes: int, seconds: float) -> None:
    changes = min(changes, looks - 1)
    fewer, more = (interval(looks, number, seconds, PRIOR_ARTICLE) for number in (changes, changes + 1))
    assert more <= fewer


def test_the_estimate_nears_the_true_rate() -> None:
    """A page that changes every ten days on average, looked at daily for 200 days: e^-.1 of looks show no change."""
    changes = round(200 * (1 - 2.718281828**-0.1))
    assert interval(200, changes, 200 * DAY, PRIOR_ARTICLE) == pytest.approx(10 * DAY * 0.693, rel=0.25)
