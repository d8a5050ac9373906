"""AutoThrottle with a floor for each host: the site's declaration, robots.txt's Crawl-delay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrapy import Request, Spider, signals
from scrapy.extensions.throttle import AutoThrottle

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class SiteThrottle(AutoThrottle):
    """Adjusts each host's delay to its latency, within what its site declares."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        crawler.signals.connect(self._set_up, signal=signals.request_reached_downloader)

    def _set_up(self, request: Request, spider: Spider) -> None:
        """Give a new slot its host's delay and concurrency before the first request leaves."""
        key, slot = self._get_slot(request, spider)
        if slot is None or key is None or slot.lastseen:
            return
        delay, concurrency = self._wanted(spider, key)
        if delay is not None:
            slot.delay = delay
        if concurrency is not None:
            slot.concurrency = concurrency

    def _adjust_delay(self, slot: Any, latency: float, response: Response) -> None:  # noqa: ANN401
        """Follow the latency, but never go below what the host asked for."""
        super()._adjust_delay(slot, latency, response)
        spider = self.crawler.spider
        key = (response.request.meta if response.request is not None else {}).get("download_slot")
        delay, _ = self._wanted(spider, key or "")
        if delay is not None:
            slot.delay = delay if delay == 0 else max(delay, slot.delay)

    @staticmethod
    def _wanted(spider: Any, host: str) -> tuple[float | None, int | None]:  # noqa: ANN401
        session = getattr(spider, "session", None)
        return (None, None) if session is None else session.pace(host)
