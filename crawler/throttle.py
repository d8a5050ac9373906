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
        """Follow the latency, from the least delay that the host's own rules set, or else the project's."""
        request = response.request
        delay, _ = self._wanted(self.crawler.spider, request.meta.get("download_slot", "") if request else "")
        if delay == 0:
            # A declaration that says so: its server is ours (the demo, a mirror).
            slot.delay = 0.0
            return
        self.mindelay = self._min_delay() if delay is None else delay
        super()._adjust_delay(slot, latency, response)

    @staticmethod
    def _wanted(spider: Any, host: str) -> tuple[float | None, int | None]:  # noqa: ANN401
        session = getattr(spider, "session", None)
        return (None, None) if session is None else session.pace(host)
