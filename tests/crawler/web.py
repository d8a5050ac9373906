"""A web in a dictionary, and a session's sink in memory: the frontier's logic without a network."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from corpus.records import Fetch
from crawler.recrawl import Looks
from crawler.session import CrawlSummary, Limits, Recrawl, Session
from crawler.site import Site, from_url

Answer = tuple[int, Mapping[str, str], str]
Web = Callable[[str], Answer | None]

PROSE = "逾期以后应该先和银行协商还款方案，保留证据，避免以贷养贷。" * 12


def page(*links: str, text: str = "", title: str = "页") -> Answer:
    anchors = "".join(f"<a href='{link}'>{link[-20:]}</a>" for link in links)
    return 200, {"content-type": "text/html; charset=utf-8"}, f"<title>{title}</title><body><p>{text}</p>{anchors}"


def redirect(target: str, status: int = 301) -> Answer:
    return status, {"location": target}, ""


class MemorySink:
    """Keeps fetches in a list, numbered as a corpus would."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.fetches: list[Fetch] = []
        self.summaries: list[dict[str, Any]] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def begin(self, targets: Sequence[str]) -> str:
        return f"crawl-{len(self.summaries)}"

    def end(self, crawl_id: str, summary: dict[str, Any]) -> None:
        self.summaries.append(summary)

    def declare(self, site: Site) -> None:
        pass

    def add(self, fetch: Fetch) -> None:
        self.fetches.append(fetch)

    def flush(self) -> None:
        pass

    def free(self) -> bool:
        return True

    def outcomes(self) -> Mapping[str, int]:
        return {}

    def start_cleaning(self) -> None:
        pass

    def finish_cleaning(self) -> None:
        pass

    def cleaning(self) -> bool:
        return False

    def stop_cleaning(self) -> None:
        pass

    def derive(self) -> None:
        pass

    def mark(self) -> int:
        return len(self.fetches)

    def since(self, mark: int) -> Iterator[Fetch]:
        yield from self.fetches[mark:]

    def last(self, url: str) -> Fetch | None:
        pages = (fetch for fetch in reversed(self.fetches) if fetch.url == url and fetch.kind == "response")
        return next((fetch for fetch in pages if fetch.status == 200), None)

    def looks(self, sites: Iterable[str]) -> Iterator[Looks]:
        for url in dict.fromkeys(fetch.url for fetch in self.fetches):
            seen = [fetch for fetch in self.fetches if fetch.url == url and fetch.status in (200, 304)]
            times = [fetch.fetched_at.timestamp() for fetch in seen]
            if seen:
                bodies = len({fetch.id for fetch in seen})
                yield Looks(url, len(seen), bodies - 1, min(times), max(times), document="/post/" in url)

    def close(self) -> None:
        pass


class Clock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class DiedError(Exception):
    """The simulated death of the crawling process."""


def _of(web: Mapping[str, Answer]) -> Web:
    return lambda url: web.get(url, (404, {}, ""))


def crawl(
    web: Web | Mapping[str, Answer],
    *start: str | Site,
    sink: MemorySink | None = None,
    limits: Limits | None = None,
    fresh: bool = False,
    recrawl: Recrawl = "",
    die_after: int | None = None,
    clock: Clock | None = None,
) -> tuple[CrawlSummary, MemorySink, Session]:
    """Crawl a web to its end; `die_after` raises DiedError after that many responses were archived."""
    sink = sink or MemorySink()
    clock = clock or Clock()
    sites = [from_url(target) if isinstance(target, str) else target for target in start]
    session = Session(sink, sites, limits=limits, fresh=fresh, recrawl=recrawl, retry_base=1.0, clock=clock)
    session.open()
    answer = web if callable(web) else _of(web)
    served = 0
    for _ in range(100_000):
        entry = session.next(lambda _host: True)
        if entry is not None:
            session.conditions(entry)
        if entry is None:
            if not session.waiting():
                break
            clock.now += 0.5
            continue
        found = answer(entry.url)
        if found is None and entry.kind != "probe":
            session.problem(entry, "timeout", retryable=True)
            continue
        status, headers, body = found if found is not None else (404, {}, "")
        when = datetime.fromtimestamp(clock.now, UTC)
        fetch = Fetch(entry.url, when, body.encode(), status=status, headers=tuple(headers.items()))
        if die_after is not None and served >= die_after and entry.kind != "probe":
            # The response is in the archive; what follows from it was never written.
            sink.add(fetch)
            sink.connection.rollback()
            raise DiedError
        session.visited(entry, fetch)
        served += entry.kind != "probe"
    return session.close("finished"), sink, session


def urls(sink: MemorySink) -> Counter[str]:
    return Counter(fetch.url for fetch in sink.fetches)
