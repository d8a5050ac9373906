"""robots.txt: what it forbids, how often it lets itself be asked, and the sitemaps it names (RFC 9309)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.exceptions import IgnoreRequest
from scrapy.http.request import NO_CALLBACK

from corpus.coding import BombError, decode_content
from crawler.discover import make_link, sitemaps_in_robots
from crawler.frontier import UrlError, host_of, requestable, resolve
from crawler.handler import AddressRefusedError
from crawler.session import MAX_HOPS, REDIRECTS, SITEMAP_GUESSES, Session
from crawler.table import Entry

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response

MAX_ROBOTS_BYTES = 512_000
"""RFC 9309, 2.5: a crawler must read at least 500 KiB."""

MAX_CRAWL_DELAY = 60.0
"""A longer Crawl-delay is taken as this: some sites ask for hours, which means no."""

KEEP_SECONDS = 86_400.0
"""RFC 9309, 2.4: not to be used for longer than 24 hours."""

log = logging.getLogger(__name__)


class ForbiddenError(IgnoreRequest):
    """robots.txt doesn't allow this URL; `args[0]` is the reason as the frontier records it."""


class RobotsMiddleware:
    """Lets through what robots.txt allows; asks for each origin's file once a day."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._agent = crawler.settings["ROBOTSTXT_USER_AGENT"]
        self._obey = crawler.settings.getbool("ROBOTSTXT_OBEY")
        self._rules: dict[str, asyncio.Task[Protego | str]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        """Build as Scrapy asks."""
        return cls(crawler)

    def process_request(self, request: Request) -> Awaitable[None] | None:
        """Raise ForbiddenError where robots.txt forbids, or can't be had because the server fails.

        Returns what waits for the file where it isn't there yet: a task for each page would cost more than the look.
        """
        if not self._obey or request.meta.get("is_robots"):
            return None
        parts = urlsplit(request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        task = self._rules.get(origin)
        if task is None:
            task = self._rules[origin] = asyncio.create_task(self._load(origin))
        if not task.done() or task.cancelled():
            return self._wait(request.url, task)
        self._judge(request.url, task.result())
        return None

    async def _wait(self, url: str, task: asyncio.Task[Protego | str]) -> None:
        self._judge(url, await asyncio.shield(task))

    def _judge(self, url: str, rules: Protego | str) -> None:
        if isinstance(rules, str):
            raise ForbiddenError(rules)
        if not rules.can_fetch(url, self._agent):
            raise ForbiddenError("robots")

    async def _load(self, origin: str) -> Protego | str:
        """Return an origin's rules, or why all of it is left out: the file can't be had."""
        session: Session = self._session()
        kept = session.frontier.robots(origin, time.time() - KEEP_SECONDS)
        if kept is not None:
            return self._understand(origin, *kept, session)
        try:
            status, body = await self._fetch(f"{origin}/robots.txt")
            if status >= 500 or status == 0 or status == 429:
                return "robots-unreachable"
            with session.sink.transaction():
                session.frontier.remember_robots(origin, status, body, time.time())
            return self._understand(origin, status, body, session)
        except AddressRefusedError:
            return "address"
        finally:
            # By the delay that the file itself may have asked for.
            await self._rest(host_of(origin + "/"))

    def _understand(self, origin: str, status: int, body: bytes, session: Session) -> Protego:
        """Return what a robots.txt says, and take it to heart."""
        text = body.decode("utf-8-sig", "replace") if status < 300 else ""
        rules = Protego.parse(text)
        self._apply(origin, rules, text, session)
        return rules

    def _apply(self, origin: str, rules: Protego, text: str, session: Session) -> None:
        """Take the origin's crawl delay and sitemaps to heart."""
        delay = rules.crawl_delay(self._agent)
        host = host_of(origin + "/")
        if delay:
            session.delays[host] = max(session.delays.get(host, 0.0), min(float(delay), MAX_CRAWL_DELAY))
            self._slow_down(host, session.delays[host])
        site = session.site_for(host)
        if site is None:
            return
        named = sitemaps_in_robots(text) or list(SITEMAP_GUESSES)
        links = [make_link(f"{origin}/robots.txt", target, "", "sitemap") for target in named]
        session.add([link for link in links if link is not None], site, f"{origin}/robots.txt")

    def _slow_down(self, host: str, delay: float) -> None:
        """Apply a delay to the slot that has fetched the file, before the next request leaves."""
        engine = self._crawler.engine
        slot = engine.downloader.slots.get(host) if engine is not None else None
        if slot is not None:
            slot.delay = max(slot.delay, delay)

    async def _fetch(self, url: str) -> tuple[int, bytes]:
        """Return status and decoded body of a robots.txt, redirects followed; status 0 for no answer."""
        home = host_of(url)
        for hop in range(MAX_HOPS + 1):
            if hop:
                await self._rest(home)
            response = await self._get(url) if host_of(url) == home else await self._get_elsewhere(url)
            if response is None:
                return 0, b""
            location = response.headers.get(b"Location")
            if response.status not in REDIRECTS or not location:
                return response.status, _body(response)
            try:
                url = requestable(resolve(url, location.decode("utf-8", "replace")))
            except UrlError:
                break
            known = self._session().frontier.robots(url.removesuffix("/robots.txt"), time.time() - KEEP_SECONDS)
            if known is not None:
                return known
        # RFC 9309, 2.3.1.2: after five redirects it may be taken as unavailable, which allows everything.
        return 404, b""

    async def _get(self, url: str) -> Response | None:
        """Return the response, archived; None if there was none after one more try."""
        engine = self._crawler.engine
        assert engine is not None
        for attempt in (1, 2):
            meta: dict[str, Any] = {"is_robots": True, "download_maxsize": MAX_ROBOTS_BYTES}
            request = Request(url, callback=NO_CALLBACK, meta=meta, dont_filter=True)
            try:
                response = await engine.download_async(request)
            except AddressRefusedError:
                raise
            # Whatever kept the file from coming, the answer is the same: nothing is known, so nothing is allowed.
            except Exception as error:  # noqa: BLE001
                log.info("%s: %s", url, error)
                if attempt == 1:
                    await asyncio.sleep(self._crawler.settings.getfloat("YUQI_RETRY_BASE"))
                    await self._rest(host_of(url))
                continue
            self._spider().archive(response)
            return response
        return None

    async def _get_elsewhere(self, url: str) -> Response | None:
        """Return the response of a host whose turn this request has to take first."""
        entry = Entry(url, url, "", host_of(url), "redirect")
        while wait := self._session().hold(entry):
            await asyncio.sleep(wait)
        try:
            return await self._get(url)
        finally:
            self._session().let_go(entry)

    async def _rest(self, host: str) -> None:
        """Keep the host's delay before its next request, where no slot of the downloader does it."""
        await asyncio.sleep(self._session().pause(host))

    def _spider(self) -> Any:  # noqa: ANN401
        return self._crawler.spider

    def _session(self) -> Session:
        session: Session = self._spider().session
        return session


def _body(response: Response) -> bytes:
    encoding = (response.headers.get("Content-Encoding") or b"").decode("ascii", "replace")
    try:
        return decode_content(response.body, encoding, limit=MAX_ROBOTS_BYTES)
    except BombError:
        return b""
