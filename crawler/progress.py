"""Progress on stderr: one moving line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from scrapy import signals
from twisted.internet.task import LoopingCall

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

PLAIN_SECONDS = 15.0
LIVE_SECONDS = 0.5


class Progress:
    """Reports fetched pages, articles, rate and queue while the spider runs."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._live = sys.stderr.isatty()
        self._started = time.monotonic()
        self._loop = LoopingCall(self._report)
        crawler.signals.connect(self._opened, signal=signals.spider_opened)
        crawler.signals.connect(self._closed, signal=signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Progress:
        """Build as Scrapy asks."""
        return cls(crawler)

    def _opened(self) -> None:
        self._started = time.monotonic()
        self._loop.start(LIVE_SECONDS if self._live else PLAIN_SECONDS, now=False)

    def _closed(self) -> None:
        if self._loop.running:
            self._loop.stop()
        if self._live:
            sys.stderr.write("\r\x1b[K")

    def _report(self) -> None:
        spider: Any = self._crawler.spider
        fetched, articles, under_way = spider.session.progress()
        elapsed = time.monotonic() - self._started
        waiting = spider.session.queued()
        rate = fetched / max(elapsed, 0.1)
        line = f"{fetched} fetched, {articles} articles, {waiting} waiting, {under_way} under way, {rate:.1f}/s"
        sys.stderr.write(f"\r\x1b[K{line}" if self._live else f"{line}\n")
        sys.stderr.flush()
