"""The one spider: it asks for what the frontier says, and hands back every response as a Fetch."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import orjson
from scrapy import Request, Spider, signals
from scrapy.exceptions import CannotResolveHostError, IgnoreRequest

from corpus.records import Fetch
from crawler.cleaner import Cleaner, default_workers
from crawler.handler import TRUNCATED, AddressRefusedError, MalformedError, agent
from crawler.middlewares.robots import ForbiddenError
from crawler.pipelines import CorpusSink, Sink
from crawler.render import Renderer, install
from crawler.session import TOPIC_WORD, Limits, Recrawl, Session
from crawler.shared import NEEDS_REDIS, FrontierStore
from crawler.site import MAX_CONCURRENCY, Site, SiteError, resolve_target, with_topic
from crawler.table import Entry
from crawler.watching import OneLine

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings
    from twisted.python.failure import Failure

CLEANING_SECONDS = 0.05
"""How often to ask, when all is fetched, whether all is cleaned."""

MAX_PARTIAL_TRIES = 2
"""How often a body that was cut short is asked for again before the part is archived."""


SHARED_SETTINGS = {
    "AUTOTHROTTLE_ENABLED": False,
    "DOWNLOAD_DELAY": 0.0,
    "DOWNLOAD_DELAY_JITTER": 0.0,
    "CONCURRENT_REQUESTS_PER_DOMAIN": MAX_CONCURRENCY,
}
"""Scrapy's settings under a shared frontier, which hands a request out only when it may leave."""


class ArticleSpider(Spider):
    """Crawls declared sites (`-a site=NAME`, several with commas) or bare start URLs (`-a url=URL`).

    `-a db=PATH` names the corpus, `-a pages=N`, `-a depth=N`, `-a seconds=N`, `-a bytes=N` the limits, `-a fresh=1`
    forgets the frontier, `-a recrawl=due` or `all` looks at known pages again, `-a topic=WORDS` sets the focus,
    `-a frontier=redis://HOST/0#NAME` shares the frontier with other processes, `-a summary=PATH` writes the run's
    summary there as JSON.
    """

    name = "article"
    session: Session

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> ArticleSpider:  # noqa: ANN401
        """Build with the session that the arguments describe."""
        # Under `scrapy crawl` asyncio reports what is raised here.
        logging.getLogger("asyncio").addFilter(OneLine())
        options = dict(kwargs)
        spider = super().from_crawler(crawler, *args, **kwargs)
        settings = crawler.settings
        # Before the corpus, which a mistyped name or a missing browser should not make.
        sites = _sites(options)
        rendered = [site.name for site in sites if site.render]
        if rendered:
            install(settings, rendered)
        join = _shared(options, sites, settings)
        path = options.get("db") or settings["YUQI_DB"]
        sink = cls.open_sink(path, options.get("cleaner") or _cleaner(path, settings))
        spider.session = Session(
            sink,
            sites,
            limits=_limits(options, settings.getint("DOWNLOAD_MAXSIZE")),
            fresh=str(options.get("fresh", "")) in ("1", "true", "yes"),
            recrawl=_recrawl(options),
            retry_base=settings.getfloat("YUQI_RETRY_BASE"),
            asked=_asked(options),
            frontier=join(sink.connection) if join else None,
        )
        spider._summary_path = options.get("summary")
        spider._derives = settings.getbool("YUQI_DERIVE")
        if rendered:
            spider._renderer = Renderer(crawler, agent(settings))
        crawler.signals.connect(spider._closed, signal=signals.spider_closed)
        # An error of ours would leave its entry under way for ever: better to stop, loudly, and go on another time.
        crawler.signals.connect(spider._broken, signal=signals.spider_error)
        return spider

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._summary_path: str | None = None
        self._derives = False
        self._renderer: Renderer | None = None

    @staticmethod
    def open_sink(path: str, cleaner: Cleaner | None) -> Sink:
        """Return where fetches go; `cleaner` makes documents of them meanwhile."""
        return CorpusSink(path, cleaner=cleaner)

    async def start(self) -> AsyncIterator[Any]:
        """Yield nothing: the seeds are in the session's frontier, where the scheduler takes them."""
        for nothing in list[Request]():
            yield nothing

    def request(self, entry: Entry) -> Request:
        """Return the request for a frontier entry."""
        return Request(
            entry.url,
            callback=self.parse_rendered if self.session.sites[entry.site].render else self.parse,
            errback=self.failed,
            headers=self.session.conditions(entry) or None,
            # What the frontier asks for is ASCII and percent-encoded already: Scrapy need not look it over again.
            meta={"entry": entry, "verbatim_url": True},
            dont_filter=True,
        )

    def parse(self, response: Response, **kwargs: Any) -> None:  # noqa: ANN401
        """Archive the response and let the session draw its conclusions; one cut short is first asked for again.

        It yields no item: Scrapy starts tasks for each, and all that would come of it is that the fetch arrives here.
        """
        entry: Entry = response.meta["entry"]
        cut = _truncated(response)
        if cut in ("disconnect", "time") and entry.attempts < MAX_PARTIAL_TRIES:
            self.session.problem(entry, f"cut-short-{cut}", retryable=True, hosts_fault=False)
            return
        self.session.visited(entry, self._fetch(response, cut))

    async def parse_rendered(self, response: Response) -> None:
        """Have a browser make the page of a response, then archive both."""
        entry: Entry = response.meta["entry"]
        if _truncated(response) is not None or self._renderer is None:
            self.parse(response)
            return
        fetch = self._fetch(response, None)
        self.session.visited(entry, fetch, await self._renderer.render(fetch, entry.site))

    def archive(self, response: Response) -> None:
        """Archive a response that has no entry in the frontier."""
        self.session.archive(self._fetch(response, _truncated(response)))

    def _fetch(self, response: Response, truncated: str | None) -> Fetch:
        lines = response.meta.get("header_lines") or ()
        return Fetch(
            url=response.url,
            fetched_at=datetime.now(UTC),
            body=response.body,
            status=response.status,
            headers=tuple((_text(name), _text(value)) for name, value in lines),
            crawl_id=self.session.crawl_id,
            truncated=truncated,
        )

    def failed(self, failure: Failure) -> None:
        """Tell the session why an entry gave no response."""
        request: Request = failure.request  # type: ignore[attr-defined]
        entry: Entry = request.meta["entry"]
        error = failure.value
        if isinstance(error, ForbiddenError):
            self.session.leave_out(entry, str(error.args[0]))
        elif isinstance(error, AddressRefusedError):
            self.session.leave_out(entry, "address")
        elif isinstance(error, IgnoreRequest):
            self.session.leave_out(entry, "ignored")
        else:
            malformed = isinstance(error, MalformedError)
            retryable = not isinstance(error, CannotResolveHostError)
            self.session.problem(entry, _error_name(error), retryable=retryable, hosts_fault=not malformed)

    def _broken(self) -> None:
        """Stop the run after an internal error; Scrapy has logged it."""
        self.session.abandon("internal error")

    async def _closed(self, reason: str) -> None:
        """End the session, let cleaning come to its end unless it was interrupted, and write the summary."""
        sink = self.session.sink
        summary = self.session.close({"finished": "finished", "shutdown": "stopped"}.get(reason, reason))
        if reason == "finished":
            sink.finish_cleaning()
            # Scrapy's word for a crawl that nobody has asked to stop.
            while sink.cleaning() and self.crawler.crawling:
                await asyncio.sleep(CLEANING_SECONDS)
        sink.stop_cleaning()
        if self._derives:
            sink.derive()
        summary.derived = dict(sink.outcomes())
        sink.end(summary.crawl_id, asdict(summary))
        sink.close()
        if self._summary_path:
            Path(self._summary_path).write_bytes(orjson.dumps(asdict(summary)))


class ArticlesSpider(ArticleSpider):
    """The same under the plural name."""

    name = "articles"


def _cleaner(path: str, settings: BaseSettings) -> Cleaner | None:
    """Start what makes documents beside the crawl, unless none is wanted."""
    wanted = settings.get("YUQI_CLEANERS")
    workers = default_workers() if wanted is None else int(wanted)
    return Cleaner(path, workers) if workers else None


def _sites(options: dict[str, Any]) -> list[Site]:
    words = [*_words(options.get("site")), *_words(options.get("url"))]
    if not words:
        raise SiteError("nothing to crawl: give -a site=NAME or -a url=https://example.com/")
    topic = options.get("topic")
    sites: dict[str, Site] = {}
    for word in words:
        site = resolve_target(word)
        if topic:
            site = with_topic(site, str(topic))
        known = sites.get(site.name)
        if known is not None and not known.declared:
            # Several start URLs of one host are one site.
            site = replace(known, seeds=tuple(dict.fromkeys([*known.seeds, *site.seeds])))
        sites[site.name] = site if known is None or not known.declared else known
    return list(sites.values())


def _asked(options: dict[str, Any]) -> list[str]:
    """Return what was asked for in words that mean the same from any folder, so that a later run can go on with it."""
    words = [*_words(options.get("site")), *_words(options.get("url"))]
    topic = options.get("topic")
    return [
        os.fspath(Path(word).absolute()) if word.endswith(".toml") and "://" not in word else word
        for word in words
    ] + ([TOPIC_WORD + str(topic)] if topic else [])


def _shared(
    options: dict[str, Any], sites: list[Site], settings: BaseSettings
) -> Callable[[sqlite3.Connection], FrontierStore] | None:
    """Set the crawl up for the frontier that it is to share; return what makes it for a corpus, None for none.

    Delays and concurrency are the shared frontier's business then: the downloader's own would come on top of them.
    Raises FrontierError, SiteError.
    """
    # Not a setting: Scrapy logs those, and the address may hold a password.
    address = options.get("frontier")
    if not address:
        return None
    if find_spec("redis") is None:
        raise SiteError(NEEDS_REDIS)
    if _recrawl(options):
        raise SiteError(
            "--recrawl goes by one corpus's own fetches: merge the corpora, and recrawl without --frontier"
        )
    if any(site.render for site in sites):
        raise SiteError(
            "sites that ask for a browser (render = true) can't share a frontier: crawl them on their own"
        )
    from crawler.redis_frontier import LEASE_SECONDS, RedisFrontier
    from crawler.redis_link import Link

    link = Link(str(address))
    for text in link.warnings():
        logging.getLogger(__name__).warning("%s", text)
    delay, concurrency = settings.getfloat("DOWNLOAD_DELAY"), settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")
    lease = settings.getfloat("YUQI_LEASE_SECONDS", LEASE_SECONDS)
    for name, value in SHARED_SETTINGS.items():
        settings.set(name, value, priority="cmdline")
    return lambda connection: RedisFrontier(
        link, connection, [site.name for site in sites], lease=lease, delay=delay, concurrency=concurrency
    )


def _recrawl(options: dict[str, Any]) -> Recrawl:
    word = str(options.get("recrawl") or "")
    if word not in ("", "due", "all"):
        raise SiteError(f"recrawl={word}: give due or all")
    return cast(Recrawl, word)


def _words(value: Any) -> list[str]:  # noqa: ANN401
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [word for word in str(value).split(",") if word]


def _limits(options: dict[str, Any], body_bytes: int) -> Limits:
    def number(name: str) -> float | None:
        value = options.get(name)
        return None if value in (None, "") else float(value)

    pages, depth, size = number("pages"), number("depth"), number("bytes")
    return Limits(
        pages=None if pages is None else int(pages),
        depth=20 if depth is None else int(depth),
        seconds=number("seconds"),
        bytes=None if size is None else int(size),
        body_bytes=body_bytes,
    )


def _truncated(response: Response) -> str | None:
    flags = [flag.removeprefix(TRUNCATED) for flag in response.flags if flag.startswith(TRUNCATED)]
    return flags[0] if flags else None


def _text(raw: bytes) -> str:
    """Return a header's bytes as text from which the archive makes the same bytes again."""
    return raw.decode("utf-8", "surrogateescape")


def _error_name(error: BaseException | None) -> str:
    """Return a short stable name for what went wrong."""
    name = type(error).__name__.removesuffix("Error").removeprefix("Download")
    return "".join("-" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("-") or "failed"
