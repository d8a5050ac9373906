"""Scrapy's scheduler over the frontier: requests are made when they are due, not when their links are found."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from scrapy import Request
from scrapy.core.scheduler import BaseScheduler
from twisted.internet.task import LoopingCall

from crawler.session import Session

if TYPE_CHECKING:
    from scrapy import Spider
    from scrapy.crawler import Crawler
    from twisted.internet.base import DelayedCall


WAKE_SECONDS = 0.2
"""How often the engine is made to ask again; its own heart beats every 5 seconds."""

LEAST_SECONDS = 0.002
"""The shortest time until it is woken: the turn of a host that is shared comes at a known moment."""

WAKE = Request("http://wake.invalid/", dont_filter=True)
"""Not a request: handing it to the engine makes it look at the scheduler, which drops it."""


class FrontierScheduler(BaseScheduler):
    """Takes URLs from the session's frontier, hosts in turn."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._concurrency = crawler.settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")
        self._others: deque[Request] = deque()
        self._spider: Any = None
        self._empty_handed = False
        self._alarm = LoopingCall(self._wake)
        self._due: DelayedCall | None = None

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
        self._alarm.start(WAKE_SECONDS, now=False)

    def close(self, reason: str) -> None:
        """Stop waking the engine; the session is closed by the spider."""
        if self._alarm.running:
            self._alarm.stop()
        if self._due is not None and self._due.active():
            self._due.cancel()

    def _wake(self) -> None:
        """Let the engine ask again after it went away empty-handed: a pause or a back-off may be over."""
        if self._empty_handed and self._crawler.engine is not None:
            self._empty_handed = False
            self._crawler.engine.crawl(WAKE)

    def _wake_in_time(self) -> None:
        """Have the engine ask again when a host's turn comes, where that is before the next regular look."""
        from twisted.internet import reactor

        wait = self._session.idle_for(WAKE_SECONDS)
        if wait < WAKE_SECONDS and (self._due is None or not self._due.active()):
            clock: Any = reactor
            self._due = clock.callLater(max(LEAST_SECONDS, wait), self._wake)

    def has_pending_requests(self) -> bool:
        """Return whether anything is, or will soon be, to be fetched."""
        return bool(self._others) or self._session.waiting()

    def enqueue_request(self, request: Request) -> bool:
        """Take a request that didn't come from the frontier (a middleware's, another spider's)."""
        if request is not WAKE:
            self._others.append(request)
        return True

    def next_request(self) -> Request | None:
        """Return the next request that may leave now, or None."""
        if self._others:
            return self._others.popleft()
        entry = self._session.next(self._room)
        self._empty_handed = entry is None
        if entry is None and self._session.frontier.shared:
            self._wake_in_time()
        return None if entry is None else self._spider.request(entry)

    def _room(self, host: str) -> bool:
        """Return whether a host's slot can use another request: what runs, and one waiting for each."""
        _, wanted = self._session.pace(host)
        return self._session.busy(host) < 2 * (wanted or self._concurrency)
