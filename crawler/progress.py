"""Progress on stderr while a crawl runs: one moving line, on a terminal only."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

from scrapy import signals
from scrapy.exceptions import NotConfigured
from twisted.internet.task import LoopingCall

from crawler.session import Standing

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

LIVE_SECONDS = 1.0
BAR = 20


class Progress:
    """Shows responses, documents, rate, queue and the time that is left."""

    def __init__(self, crawler: Crawler) -> None:
        """Raise NotConfigured where stderr is no terminal; `YUQI_LOG_JSON` is for those who look later."""
        if not sys.stderr.isatty():
            raise NotConfigured
        self._crawler = crawler
        self._loop = LoopingCall(self._report)
        crawler.signals.connect(self._opened, signal=signals.spider_opened)
        # Later than the spider's end, which waits for what is still to be cleaned.
        crawler.signals.connect(self._closed, signal=signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Progress:
        """Build as Scrapy asks."""
        return cls(crawler)

    def _opened(self) -> None:
        self._loop.start(LIVE_SECONDS, now=False)

    def _closed(self) -> None:
        if self._loop.running:
            self._loop.stop()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()

    def _report(self) -> None:
        spider: Any = self._crawler.spider
        standing = spider.session.standing()
        text = cleaning_line(standing) if spider.session.closed else line(standing)
        sys.stderr.write("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1])
        sys.stderr.flush()


def line(standing: Standing) -> str:
    """Return one line that says where a crawl stands."""
    left = standing.left
    total = standing.fetched + (left or 0.0) * standing.rate
    share = min(1.0, standing.fetched / total) if total else 0.0
    done = int(share * BAR)
    parts = [f"[{'#' * done}{'.' * (BAR - done)}] {standing.fetched} fetched, {standing.rate:.1f}/s"]
    if standing.yielded is not None:
        parts.append(f"{standing.outcomes.get('documents', 0)} documents ({standing.yielded:.2f} a fetch)")
    parts.append(f"{standing.waiting} waiting")
    if left is not None:
        parts.append(f"{clock(left)} left")
    return ", ".join(parts)


def cleaning_line(standing: Standing) -> str:
    """Return one line that says how far cleaning has come when all is fetched."""
    cleaned = sum(standing.outcomes.values())
    documents = standing.outcomes.get("documents", 0)
    return (
        f"{standing.fetched} fetched; cleaning: {max(0, standing.fetched - cleaned)} left, {documents} documents"
    )


def clock(seconds: float) -> str:
    """Return seconds as `m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
