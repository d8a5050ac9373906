"""Figures of a running crawl for Prometheus, in its text format, at http://127.0.0.1:PORT/metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from scrapy import signals
from scrapy.exceptions import NotConfigured

from crawler.session import Session, Standing

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

LOOPBACK = "127.0.0.1"
"""The only address it listens on: what a crawl is doing is nobody else's business."""

PATIENCE_SECONDS = 10.0
"""How long a client may take to send its request."""

MAX_HEAD = 16384

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

log = logging.getLogger(__name__)


class Metrics:
    """Answers `GET /metrics` while the crawl runs."""

    def __init__(self, crawler: Crawler) -> None:
        """Raise NotConfigured when no port is asked for."""
        port = crawler.settings.get("YUQI_METRICS_PORT")
        if port is None or port == "":
            raise NotConfigured
        self._crawler = crawler
        self._port = int(port)
        self._server: asyncio.Server | None = None
        crawler.signals.connect(self._open, signal=signals.spider_opened)
        crawler.signals.connect(self._close, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Metrics:
        """Build as Scrapy asks."""
        return cls(crawler)

    async def _open(self) -> None:
        try:
            self._server = await asyncio.start_server(self._answer, LOOPBACK, self._port, limit=MAX_HEAD)
        except OSError as error:
            # A crawl of days should not fail for want of a port.
            log.error("no metrics: port %d can't be listened on (%s)", self._port, error.strerror)
            return
        log.warning("metrics at http://%s:%d/metrics", LOOPBACK, self._server.sockets[0].getsockname()[1])

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
            writer.write(self._response(head))
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            log.debug("metrics: a client went away: %s", error)
        finally:
            writer.close()

    def _response(self, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or words[0] not in (b"GET", b"HEAD"):
            return _http("400 Bad Request", b"")
        if words[1].partition(b"?")[0] != b"/metrics":
            return _http("404 Not Found", b"")
        session: Session = self._crawler.spider.session  # type: ignore[union-attr]
        body = exposition(session.standing()).encode()
        return _http("200 OK", body, with_body=words[0] == b"GET")


def _http(status: str, body: bytes, *, with_body: bool = True) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + (body if with_body else b"")


def exposition(standing: Standing) -> str:
    """Return where a crawl stands in Prometheus' text format 0.0.4."""
    return "\n".join(_lines(standing)) + "\n"


def _lines(standing: Standing) -> Iterator[str]:
    yield from _metric("responses_total", "counter", "Responses archived.", "status", standing.statuses)
    yield from _metric("bytes_total", "counter", "Bytes of response bodies.", None, {"": standing.bytes})
    yield from _metric("urls", "gauge", "URLs of the frontier by state.", "state", standing.states)
    yield from _metric("under_way", "gauge", "URLs being fetched.", None, {"": standing.under_way})
    yield from _metric("pages_total", "counter", "HTML pages by site.", "site", standing.pages)
    yield from _metric("articles_total", "counter", "Pages taken for articles by site.", "site", standing.articles)
    yield from _metric("outcomes_total", "counter", "What cleaning made of fetches.", "outcome", standing.outcomes)
    yield from _metric("seconds", "gauge", "How long this run has taken.", None, {"": round(standing.seconds, 3)})


def _metric(
    name: str, kind: str, text: str, label: str | None, values: Mapping[str, int | float]
) -> Iterator[str]:
    yield f"# HELP yuqi_crawl_{name} {text}"
    yield f"# TYPE yuqi_crawl_{name} {kind}"
    for value, number in sorted(values.items()):
        labels = f'{{{label}="{_escaped(value)}"}}' if label is not None else ""
        yield f"yuqi_crawl_{name}{labels} {number}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
