"""Scrapy's scheduler over the frontier: requests are made when they are due, not when their links are found."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.core.scheduler import BaseScheduler

from crawler.session import Session

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler


class FrontierScheduler(BaseScheduler):
    """Takes URLs from the session's frontier, hosts in turn."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._concurrency = crawler.settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")
        self._others: deque[Request] = deque()
        self._spider: Any = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> FrontierScheduler:
        """Build as Scrapy asks."""
        return cls(crawler)

    @property
    def _session(self) -> Session:
        session: Session = self._spider.session
        return session

    def open(self, spider: Spider) -> None:
        """Open the spider's session, which holds the frontier."""
        self._spider = spider
        self._session.open()

    def close(self, reason: str) -> None:
        """Do nothing: the session is closed by the spider."""

    def has_pending_requests(self) -> bool:
        """Return whether anything is, or will soon be, to be fetched."""
        return bool(self._others) or self._session.waiting()

    def enqueue_request(self, request: Request) -> bool:
        """Take a request that didn't come from the frontier (a middleware's, another spider's)."""
        self._others.append(request)
        return True

    def next_request(self) -> Request | None:
        """Return the next request that may leave now, or None."""
        if self._others:
            return self._others.popleft()
        entry = self._session.next(self._room)
        return None if entry is None else self._spider.request(entry)

    def _room(self, host: str) -> bool:
        """Return whether a host's slot can use another request: what runs, and one waiting for each."""
        _, wanted = self._session.pace(host)
        return self._session.busy(host) < 2 * (wanted or self._concurrency)
