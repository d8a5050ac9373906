"""A response goes to the spider as soon as it is there: for nothing else there is to do with it."""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import NotConfigured
from twisted.python.failure import Failure

from crawler.scheduler import WAKE
from crawler.watching import tells_all

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.http import Response


class HandOver:
    """Calls the spider for a page of the frontier, and gives Scrapy in its place what makes it ask for the next one.

    Scrapy's own way from the downloader to the spider costs a page four tasks and two turns of the event loop, for
    spider middlewares and for items, which this crawl has none of. A middleware may answer with a request, and `WAKE`
    is one that comes to nothing.
    """

    def __init__(self, crawler: Crawler) -> None:
        """Raise NotConfigured where Scrapy's own messages are wanted, which are made on the way that this cuts short."""
        if tells_all(crawler.settings):
            raise NotConfigured
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> HandOver:
        """Build as Scrapy asks."""
        return cls(crawler)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Return `WAKE` when the spider has taken the response, which is the response itself where it must wait."""
        callback: Any = request.callback
        if "entry" not in request.meta or iscoroutinefunction(callback):
            return response
        response.request = request
        try:
            callback(response)
        # What it is doesn't matter: Scrapy logs it, and the spider stops the crawl.
        except Exception:  # noqa: BLE001
            engine: Any = self._crawler.engine
            engine.scraper.handle_spider_error(Failure(), request, response)
        return WAKE
