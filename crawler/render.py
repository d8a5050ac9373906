"""Pages that only a browser can read: rendered by Chromium (scrapy-playwright), for sites whose declaration asks for it.

The browser has no network of its own. Its proxy is an address where nothing listens and no name resolves for it; every
request that it makes is caught, and answered by the crawler's own downloader: addresses are checked as for any other
fetch, robots.txt and the delays of each host hold, sizes and times are bounded. The page itself is not asked for twice:
the browser is given the response that was archived. Only scripts and what they fetch are had for it, by GET; images,
styles, fonts, frames, sockets, workers and navigation elsewhere are refused.

The archive then holds the response as it came, and the page as rendered: a WARC `conversion` record of the same date
that refers to it. A rebuild reads both and needs no browser.
"""

# Imported only where a site asks for rendering: the packages are an extra (`pip install '.[render]'`).
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http.request import NO_CALLBACK

from corpus import archive
from corpus.coding import BombError, decode_content
from corpus.records import Fetch
from crawler.frontier import UrlError, requestable, resolve
from crawler.handler import FetchHandler
from crawler.session import MAX_HOPS, REDIRECTS
from crawler.site import SiteError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names under which Debian, Ubuntu and Google install it."""

SLOT = "(browser)"
"""The downloader's slot of the browser itself: in its page's own slot it would wait for what its page waits for."""

RENDER_SECONDS = 30.0
"""From the start of a page until its network is quiet."""

MAX_REQUESTS = 60
MAX_RESOURCE_BYTES = 5_000_000
MAX_PAGE_BYTES = 20_000_000
"""Bounds on what one page may fetch, each and together, and on the rendered page."""

_WANTED = frozenset({"script", "xhr", "fetch"})
_DROPPED = frozenset(
    {"content-encoding", "content-length", "transfer-encoding", "connection", "set-cookie", "keep-alive"}
)

_ARGUMENTS = (
    # Whatever is not caught ends here: a proxy that isn't there, and names that don't resolve.
    "--proxy-server=http://127.0.0.1:1",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

log = logging.getLogger(__name__)


def missing(browser: str | None = None) -> str | None:
    """Return what rendering lacks on this machine and what to do about it, None where nothing is missing."""
    if find_spec("scrapy_playwright") is None:
        return "scrapy-playwright is missing: pip install 'yuqi[render]' (in a checkout: pip install '.[render]')"
    if _executable(browser) is None:
        return f"no browser ({browser or ', '.join(BROWSERS)}) on the path: apt-get install chromium"
    return None


def _executable(browser: str | None) -> str | None:
    return next((found for name in ([browser] if browser else BROWSERS) if (found := shutil.which(name))), None)


def install(settings: BaseSettings, names: Iterable[str]) -> None:
    """Set a crawl up for rendering these sites. Raises SiteError where something is missing."""
    browser = settings.get("YUQI_BROWSER")
    lacking = missing(browser)
    if lacking is not None:
        raise SiteError(f"{', '.join(names)}: asks for a browser (render = true): {lacking}")
    handlers = dict.fromkeys(("http", "https"), "crawler.render.RenderHandler")
    settings.set("DOWNLOAD_HANDLERS", {**settings.getdict("DOWNLOAD_HANDLERS"), **handlers}, priority="cmdline")
    launch = {
        "executable_path": _executable(browser),
        "args": list(_ARGUMENTS),
        # Chromium's own sandbox does not run for root, as in most containers.
        "chromium_sandbox": os.geteuid() != 0,
        "timeout": 1000 * RENDER_SECONDS,
    }
    settings.set("PLAYWRIGHT_LAUNCH_OPTIONS", launch, priority="cmdline")
    settings.set("PLAYWRIGHT_MAX_PAGES_PER_CONTEXT", 2, priority="cmdline")
    settings.set("PLAYWRIGHT_DEFAULT_NAVIGATION_TIMEOUT", 1000 * RENDER_SECONDS, priority="cmdline")


class RenderHandler(FetchHandler):
    """The crawler's download handler, which gives requests for a rendered page to scrapy-playwright's."""

    def __init__(self, crawler: Crawler) -> None:
        from scrapy_playwright.handler import ScrapyPlaywrightDownloadHandler

        super().__init__(crawler)
        self._browser = ScrapyPlaywrightDownloadHandler(crawler)

    async def download_request(self, request: Request) -> Response:
        """Return the response, or the rendered page."""
        if request.meta.get("playwright"):
            return await self._browser.download_request(request)
        return await super().download_request(request)

    async def close(self) -> None:
        """Close connections and the browser."""
        await super().close()
        await self._browser.close()


@dataclass(slots=True)
class _Visit:
    """One page being rendered: what the browser is given, and what it has had fetched."""

    url: str
    body: bytes
    content_type: str
    requests: int = 0
    bytes: int = 0
    served: bool = False
    refused: list[str] = field(default_factory=list)


class Renderer:
    """Renders archived responses through a crawl's own downloader."""

    def __init__(self, crawler: Crawler, agent: str) -> None:
        self._crawler = crawler
        self._agent = agent

    async def render(self, fetch: Fetch, site: str) -> Fetch | None:
        """Return a response's page as the browser makes it, None where it makes none."""
        body = _markup(fetch)
        if body is None:
            return None
        visit = _Visit(fetch.url, body, fetch.content_type or "text/html")
        try:
            answer = await self._engine().download_async(self._request(visit, site))
        # Whatever went wrong in a browser, the response itself is there and counts.
        except Exception as error:  # noqa: BLE001
            log.warning(
                "%s: not rendered: %s", fetch.url, str(error).splitlines()[0] if str(error) else type(error)
            )
            return None
        if (
            not visit.served
            or len(answer.body) > MAX_PAGE_BYTES
            or not answer.url.startswith(("http://", "https://"))
        ):
            return None
        headers = (("Content-Type", "text/html; charset=utf-8"),)
        page = answer.body.decode(getattr(answer, "encoding", "utf-8"), "replace").encode("utf-8", "replace")
        return Fetch(
            fetch.url, fetch.fetched_at, page, "conversion", 200, headers, fetch.crawl_id,
            refers_to=archive.reference(fetch),
        )  # fmt: skip

    def _engine(self) -> Any:  # noqa: ANN401
        assert self._crawler.engine is not None
        return self._crawler.engine

    def _request(self, visit: _Visit, site: str) -> Request:
        async def prepare(page: Any, _request: Request) -> None:  # noqa: ANN401
            # Registered last, so asked first, and it hands nothing on.
            await page.route("**", lambda route: self._answer(route, visit))
            await page.route_web_socket("**", lambda socket: socket.close())

        meta = {
            "playwright": True,
            "playwright_context": site,
            "playwright_context_kwargs": {
                "service_workers": "block", "accept_downloads": False, "user_agent": self._agent, "locale": "zh-CN",
            },
            "playwright_page_goto_kwargs": {"wait_until": "networkidle"},
            "playwright_page_init_callback": prepare,
            "download_slot": SLOT,
            "autothrottle_dont_adjust_delay": True,
            "is_robots": True,  # the page was allowed when it was fetched
        }  # fmt: skip
        return Request(visit.url, callback=NO_CALLBACK, meta=meta, dont_filter=True)

    async def _answer(self, route: Any, visit: _Visit) -> None:  # noqa: ANN401
        """Answer one request of the browser's, or refuse it."""
        asked = route.request
        if asked.is_navigation_request():
            if asked.frame.parent_frame is not None:
                await self._refuse(route, visit)
                return
            if visit.served:
                # "No content" leaves a browser on the page where it is (RFC 9110, 15.3.5); an error would replace it.
                visit.refused.append(asked.url[:200])
                await route.fulfill(status=204)
                return
            visit.served = True
            await route.fulfill(status=200, headers={"Content-Type": visit.content_type}, body=visit.body)
            return
        visit.requests += 1
        if asked.resource_type not in _WANTED or asked.method != "GET" or visit.requests > MAX_REQUESTS:
            await self._refuse(route, visit)
            return
        found = await self._fetched(asked.url, visit)
        if found is None:
            await self._refuse(route, visit)
            return
        status, headers, body = found
        await route.fulfill(status=status, headers=headers, body=body)

    @staticmethod
    async def _refuse(route: Any, visit: _Visit) -> None:  # noqa: ANN401
        visit.refused.append(route.request.url[:200])
        await route.abort()

    async def _fetched(self, url: str, visit: _Visit) -> tuple[int, dict[str, str], bytes] | None:
        """Return what the crawler's downloader gets for a script's URL, redirects followed; None where it may not."""
        for _ in range(MAX_HOPS + 1):
            if urlsplit(url).scheme not in ("http", "https"):
                return None
            meta = {"download_maxsize": MAX_RESOURCE_BYTES, "download_timeout": RENDER_SECONDS / 2}
            headers = {"User-Agent": self._agent, "Accept": "*/*"}
            try:
                request = Request(
                    requestable(url), callback=NO_CALLBACK, headers=headers, meta=meta, dont_filter=True
                )
                response = await self._engine().download_async(request)
            # A refused address, a forbidding robots.txt, a broken connection: for the page it is not to be had.
            except Exception as error:  # noqa: BLE001
                log.info("%s: for %s: %s", url, visit.url, error)
                return None
            location = response.headers.get(b"Location")
            if response.status not in REDIRECTS or not location:
                return self._resource(response, visit)
            try:
                url = resolve(url, location.decode("utf-8", "replace"))
            except UrlError:
                return None
        return None

    @staticmethod
    def _resource(response: Response, visit: _Visit) -> tuple[int, dict[str, str], bytes] | None:
        headers = {
            name.decode("latin-1").lower(): b", ".join(values).decode("latin-1")
            for name, values in response.headers.items()
        }
        try:
            body = decode_content(response.body, headers.get("content-encoding", ""), limit=MAX_RESOURCE_BYTES)
        except BombError:
            return None
        visit.bytes += len(body)
        if visit.bytes > MAX_PAGE_BYTES:
            return None
        return response.status, {name: value for name, value in headers.items() if name not in _DROPPED}, body


def _markup(fetch: Fetch) -> bytes | None:
    """Return the body of a response that a browser can make a page of, or None."""
    if fetch.status != 200 or "html" not in (fetch.content_type or "text/html").lower():
        return None
    try:
        return decode_content(fetch.body, fetch.header("content-encoding") or "", limit=MAX_PAGE_BYTES)
    except BombError:
        return None
