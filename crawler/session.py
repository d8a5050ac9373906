"""One run of the crawler: decides what a response means for the frontier, and keeps count. Knows no Scrapy.

Everything that follows from a response is worked out by `visited` from the entry and the archived fetch alone, so a
run that was killed is continued by working it out again from the archive.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from cleaning.findings import Rejected
from corpus.coding import BombError, decode_content, gunzip
from corpus.records import Fetch
from crawler import discover, recrawl
from crawler.discover import Link
from crawler.focus import OFF, PAGE_ENOUGH
from crawler.frontier import canonical, requestable
from crawler.health import MAX_ATTEMPTS, REFUSALS, RETRYABLE, HostHealth, backoff, retry_after
from crawler.judge import Judge, has_twin
from crawler.learned import Learned
from crawler.pipelines import Sink
from crawler.shared import FrontierAwayError, FrontierStore
from crawler.site import Site
from crawler.table import Entry, Frontier, State
from crawler.traps import folder_of, probe_paths

MAX_HOPS = 5
"""Redirects in a row (RFC 9309 asks for at least five for robots.txt; browsers stop at 20)."""

BATCH = 32
"""The fewest URLs leased per host at a time, and the fewest responses whose consequences are written together."""

MOST_LEASED = 16 * BATCH
"""URLs leased at a time for a host that answers fast: enough to fetch while another process holds the database."""

HELD_SECONDS = 1.0
"""How long that process may hold it: the storing of a batch of pages."""

PATIENCE = 128 * BATCH
"""Consequences kept in memory while another process holds the database; with more, the crawl waits for it."""

GLANCE_SECONDS = 1.0
"""How often a run looks what others have brought to a frontier that it shares, and writes what it has brought itself."""

AWAY_SECONDS = 300.0
"""How long a run waits for a shared frontier that is gone before it ends; what it archived is taken up by the next."""

MAX_HOSTS = 10_000
"""Hosts whose site is remembered; a pool of wildcard subdomains has any number."""

MAX_WARNINGS = 100
"""A hostile site may give cause for any number; the frontier's table has them all."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})

TOPIC_WORD = "--topic="
"""How a run's own focus stands among the words that it was asked with, so that the next one goes on with it too."""

SITEMAP_GUESSES = ("/sitemap.xml",)
"""Asked for where robots.txt names no sitemap: the place that sitemaps.org and every CMS plugin uses."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run ends; None is no limit. `seconds` and `bytes` count this run alone, `depth` links from a seed."""

    pages: int | None = None
    depth: int = 20
    seconds: float | None = None
    bytes: int | None = None
    body_bytes: int = 20_000_000


@dataclass(slots=True)
class CrawlSummary:
    """What a run did. `why_not` counts URLs left out or failed, by reason; `articles` pages taken for one, by site.

    `derived` counts what became of fetches, `spent` says which budget of a site's own was used up.
    """

    crawl_id: str = ""
    reason: str = "finished"
    fetched: int = 0
    bytes: int = 0
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    why_not: dict[str, int] = field(default_factory=dict)
    articles: dict[str, int] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    replayed: int = 0
    unchanged: int = 0
    topic: str = ""
    derived: dict[str, int] = field(default_factory=dict)
    spent: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands, for those who watch: what came, what waits, what cleaning made of it so far."""

    fetched: int
    bytes: int
    seconds: float
    under_way: int
    states: Mapping[str, int]
    statuses: Mapping[str, int]
    pages: Mapping[str, int]
    articles: Mapping[str, int]
    outcomes: Mapping[str, int]
    limits: Limits

    @property
    def waiting(self) -> int:
        """How many URLs wait."""
        return self.states.get("queued", 0) + max(0, self.states.get("leased", 0) - self.under_way)

    @property
    def rate(self) -> float:
        """Responses a second."""
        return self.fetched / self.seconds if self.seconds > 0 else 0.0

    @property
    def yielded(self) -> float | None:
        """Documents for each response that cleaning has looked at; None before the first."""
        looked_at = sum(self.outcomes.values())
        return self.outcomes.get("documents", 0) / looked_at if looked_at else None

    @property
    def left(self) -> float | None:
        """Seconds until what waits is fetched or a limit is reached, at the rate so far; None before the first page.

        A crawl that still finds links has more before it than it knows.
        """
        if not self.fetched or not self.rate:
            return None
        todo = float(self.waiting + self.under_way)
        if self.limits.pages is not None:
            todo = min(todo, self.limits.pages - self.fetched)
        if self.limits.bytes is not None and self.bytes:
            todo = min(todo, (self.limits.bytes - self.bytes) / (self.bytes / self.fetched))
        seconds = max(0.0, todo / self.rate)
        return (
            seconds if self.limits.seconds is None else max(0.0, min(seconds, self.limits.seconds - self.seconds))
        )


@dataclass(slots=True)
class _Portion:
    """How many URLs of a host to lease, and its answers since then by which the next size is told."""

    since: float
    size: int = BATCH
    answers: int = 0


Seen = tuple[Iterable[Link], str | None, float | None]
"""What a page leads to, why it doesn't count (None for one that does), and how much it is about the subject."""

Recrawl = Literal["", "due", "all"]
"""Which known pages a run looks at again, beside its start pages: none, those that are due, all."""

Event = Mapping[str, Any]
"""What happened, for whoever watches: `event` names it (`start`, `fetch`, `problem`, `left-out`, `warning`, `end`)."""


class Session:
    """The state of one run over a sink, for some sites. Call `open`, then `next` and `visited` or `problem` in turn."""

    def __init__(
        self,
        sink: Sink,
        sites: Sequence[Site],
        *,
        limits: Limits | None = None,
        fresh: bool = False,
        recrawl: Recrawl = "",
        retry_base: float = 5.0,
        asked: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        frontier: FrontierStore | None = None,
    ) -> None:
        """Begin with `sites`; `asked` are the words that named them, which a later run without targets takes up.

        Without a `frontier` to share, it is the corpus's own.
        """
        self.sink = sink
        self._asked = [*asked]
        self.sites = {site.name: site for site in sites}
        self.limits = limits or Limits()
        self.summary = CrawlSummary()
        self.stopping: str | None = None
        self.closed = False
        self.frontier: FrontierStore = frontier or Frontier(sink.connection, self.sites)
        self.delays: dict[str, float] = {}
        self._first_run: set[str] = set()
        self._fresh = fresh
        self._recrawl = recrawl
        self._previous: dict[str, Fetch] = {}
        self._retry_base = retry_base
        self._clock = clock
        self._started = clock()
        self._health: dict[str, HostHealth] = {}
        self._ready: dict[str, deque[Entry]] = {}
        self._turns: deque[str] = deque()
        self._out: dict[str, Entry] = {}
        self._busy: Counter[str] = Counter()
        self._pending: list[Callable[[], object]] = []
        self._known: set[str] = set()
        self.judge = Judge(self.limits.depth)
        self._probed: set[str] = set()
        self._urgent: deque[Entry] = deque()
        self._dry_until: dict[str, float] = {}
        self._portions: dict[str, _Portion] = {}
        self._articles: Counter[str] = Counter()
        self._pages: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self.listeners: list[Callable[[Event], None]] = []
        self._outcome = ""
        self._site_of: dict[str, Site | None] = {}
        self._responses: Counter[str] = Counter()
        self._received: Counter[str] = Counter()
        self._spent: set[str] = set()
        self._met: set[str] = set()
        self._unwritten = 0
        self._glanced = 0.0

    # Watching

    def _tell(self, event: str, **facts: Any) -> None:  # noqa: ANN401
        if self.listeners:
            told = {"time": datetime.fromtimestamp(self._clock(), UTC).isoformat(), "event": event, **facts}
            for listener in self.listeners:
                listener(told)

    # Begin and end

    @property
    def crawl_id(self) -> str:
        """The id of this run in the corpus."""
        return self.summary.crawl_id

    def open(self) -> None:
        """Prepare the tables, take up what an earlier run left, and queue the seeds."""
        Frontier.create(self.sink.connection)
        targets = [*self.sites]
        with self.sink.transaction():
            if self._fresh:
                self.frontier.clear()
                self.frontier.set_unfinished(False)
                self.frontier.set_watermark(self.sink.mark())
            mark = self.frontier.watermark()
            if mark is None:
                mark = self.sink.mark()
                self.frontier.set_watermark(mark)
            self.frontier.recover()
        self.judge.twins.recall(self.frontier.pages())
        self._learned = Learned(self.sink.connection)
        if self.frontier.unfinished():
            self._probed = self._learned.recall(self.judge)
        else:
            with self.sink.transaction():
                self._learned.forget()
        self.summary.crawl_id = self.sink.begin(self._asked or targets)
        self.judge.shown.update(self.frontier.shown(PAGE_ENOUGH))
        self.summary.topic = ",".join(
            sorted({site.focus.name if site.focus else OFF for site in self.sites.values()})
        )
        for site in self.sites.values():
            if site.declared:
                self.sink.declare(site)
        self._replay(mark)
        self.sink.start_cleaning()
        with self.sink.transaction():
            self.frontier.release()
            self._seed()
            if self._recrawl:
                self._look_again(only_due=self._recrawl == "due")
        self._turns.extend(self.frontier.hosts())
        self._tell("start", crawl=self.crawl_id, sites=targets, replayed=self.summary.replayed)

    def _seed(self) -> None:
        """Queue the start pages; a run that goes on with an interrupted one has looked at them already."""
        interrupted = self.frontier.unfinished()
        self.frontier.set_unfinished(True)
        for site in self.sites.values():
            starts = [(url, "seed") for url in site.seeds] + [(url, "sitemap") for url in site.sitemaps]
            for url, kind in starts:
                entry = self.judge.entry(Link(requestable(url), canonical(url), "", "seed"), site, None, kind=kind)
                if self.frontier.add([entry]):
                    self._first_run.add(site.name)
                elif not interrupted:
                    # A start page is where new articles show: every new run looks at it again.
                    self.frontier.reopen(entry.key)

    def _look_again(self, *, only_due: bool) -> None:
        """Queue known pages again, all or those that are due."""
        now = self._clock()
        for known in list(self.sink.looks(self.sites)):
            if not only_due or recrawl.due(known) <= now:
                self.frontier.reopen(canonical(known.url))

    def conditions(self, entry: Entry) -> Mapping[str, str]:
        """Return the request headers that ask for an entry only if it has changed since it was fetched before."""
        if entry.kind == "probe":
            return {}
        if self.sites[entry.site].render:
            # The response may be the same for ever while its scripts show something else each day.
            return {}
        previous = self.sink.last(entry.url)
        if previous is None:
            return {}
        self._previous[entry.key] = previous
        return recrawl.conditions(previous)

    def _replay(self, mark: int) -> None:
        """Work out again what followed from responses that were archived after `mark`."""
        rendered: Fetch | None = None
        for fetch in self.sink.since(mark):
            if fetch.kind == "conversion":
                rendered = fetch
                continue
            if urlsplit(fetch.url).path == "/robots.txt":
                self._replay_robots(fetch)
            known = self.frontier.look(canonical(fetch.url)) if "://" in fetch.url else None
            if known is None or known[1] != "queued" or known[0].url != fetch.url:
                continue
            self._out[known[0].key] = known[0]
            self._busy[known[0].host] += 1
            before = self.sink.last(fetch.url) if fetch.kind == "revisit" else None
            page = recrawl.shown(before, fetch) if before else fetch
            beside = rendered is not None and (rendered.url, rendered.fetched_at) == (fetch.url, fetch.fetched_at)
            self._follow(known[0], rendered if beside and rendered else page)
            self.summary.replayed += 1
            # Each replayed page may queue the next one's entry.
            self.checkpoint()
        with self.sink.transaction():
            self.frontier.set_watermark(self.sink.mark())

    def _replay_robots(self, fetch: Fetch) -> None:
        """Remember rules that were archived just before a kill, so that they aren't asked for again."""
        if fetch.status in REDIRECTS or fetch.status == 429 or fetch.status >= 500:
            return
        try:
            body = decode_content(fetch.body, fetch.header("content-encoding") or "", limit=self.limits.body_bytes)
        except BombError:
            body = b""
        origin = fetch.url.removesuffix("/robots.txt")
        with self.sink.transaction():
            self.frontier.remember_robots(origin, fetch.status, body, fetch.fetched_at.timestamp())

    def close(self, reason: str) -> CrawlSummary:
        """Write what is pending, register the run's end and return its summary. The sink stays open."""
        self.closed = True
        self.checkpoint()
        summary = self.summary
        summary.reason = self.stopping or reason
        with self.sink.transaction():
            self.frontier.release()
            left = self.frontier.counts()
            self.frontier.set_unfinished(bool(left.get("queued") or left.get("leased")))
        summary.seconds = round(self._clock() - self._started, 3)
        summary.statuses = dict(sorted(self._statuses.items()))
        summary.states = self.frontier.counts()
        summary.why_not = {why or "unknown": count for why, count in self.frontier.reasons().items()}
        summary.articles = {name: self._articles[name] for name in self.sites}
        summary.pages = {name: self._pages[name] for name in self.sites}
        summary.warnings += [
            warning
            for name, site in self.sites.items()
            # A later run brings only what is new, so it says nothing about how many there are.
            if summary.reason == "finished"
            and name in self._first_run
            and name not in self._spent
            and (warning := site.unexpected(self._articles[name]))
        ]
        summary.warnings += [
            f"{host}: left alone: {health.gave_up}; run the crawl again later"
            for host, health in self._health.items()
            if health.gave_up
        ]
        summary.derived = dict(self.sink.outcomes())
        self.sink.end(summary.crawl_id, asdict(summary))
        self._tell("end", crawl=self.crawl_id, **{name: value for name, value in asdict(summary).items() if value})
        self.frontier.leave()
        return summary

    def _warn(self, text: str) -> None:
        if len(self.summary.warnings) < MAX_WARNINGS:
            self.summary.warnings.append(text)
            self._tell("warning", text=text)

    def abandon(self, why: str) -> None:
        """Stop asking, and forget what is under way: the next run takes it up."""
        self.stopping = why
        self._out.clear()
        self._warn(f"the crawl was stopped by an {why}; see the log above")

    def checkpoint(self) -> None:
        """Make what was archived durable, then write what followed from it."""
        self.sink.flush()
        if not self._pending:
            return
        try:
            with self.sink.transaction(), self.frontier.together():
                for write in self._pending:
                    write()
                self._learned.save(self.judge)
                self.frontier.set_watermark(self.sink.mark())
        except FrontierAwayError:
            # Kept until it is back. Should this process die before, the archive knows.
            return
        self._pending.clear()
        self._unwritten = 0

    def _glance(self, now: float) -> None:
        """Write what a shared frontier is owed, and look what others have brought, now and then."""
        if not self.frontier.shared or 0.0 <= now - self._glanced < GLANCE_SECONDS:
            return
        self._glanced = now
        self.checkpoint()
        for host in set(self.frontier.hosts()).difference(self._turns):
            self._turns.append(host)
        self.judge.twins.recall(
            [page for page in self.frontier.pages() if page[0] not in self.judge.twins.digests]
        )

    # What to fetch

    def next(self, room: Callable[[str], bool]) -> Entry | None:
        """Return the next URL to fetch, from hosts in turn; None if none may be fetched now.

        `room` says whether a host may be asked for one more page at this moment.
        """
        now = self._clock()
        self._glance(now)
        if self._over_budget(now) or self._pages_under_way():
            return None
        # Probes first: until they are answered, a pool may be growing.
        for _ in range(len(self._urgent)):
            entry = self._urgent.popleft()
            if self.health(entry.host).ready(now) and room(entry.host) and not self.hold(entry):
                return self._hand_out(entry)
            self._urgent.append(entry)
        for _ in range(len(self._turns)):
            host = self._turns[0]
            self._turns.rotate(-1)
            if not self.health(host).ready(now) or not room(host) or self._site_spent(host, now):
                continue
            taken = self._take(host, now)
            if taken is not None:
                return self._hand_out(taken)
        return None

    def idle_for(self, most: float) -> float:
        """Return the seconds, at most `most`, until a host that was asked about in vain may be asked about again."""
        now = self._clock()
        return min((due - now for due in self._dry_until.values() if due > now), default=most)

    def _hand_out(self, entry: Entry) -> Entry:
        self._out[entry.key] = entry
        self._busy[entry.host] += 1
        return entry

    def _take(self, host: str, now: float) -> Entry | None:
        waiting = self._ready.setdefault(host, deque())
        if self._low(host, waiting) and now >= self._dry_until.get(host, 0.0):
            waiting.extend(self._take_turn(host, now) if self.frontier.shared else self._take_many(host, now))
        if self._hold(host, waiting):
            if self.frontier.shared:
                self._set_aside(waiting, now)
            return None
        while waiting:
            entry = waiting.popleft()
            why = self._late(entry)
            if why is None:
                return entry
            self._settle(entry, "excluded", why=why)
        return None

    def _take_many(self, host: str, now: float) -> list[Entry]:
        self.checkpoint()
        with self.sink.transaction():
            taken = self.frontier.take(host, self.summary.crawl_id, self._portion(host, now), now)
        if not taken:
            self._dry_until[host] = self.frontier.next_due(host) or float("inf")
        return taken

    def _portion(self, host: str, now: float) -> int:
        """Return how many URLs to lease: what the host answers in the time that storing may take, if that is more.

        No more than that, as what is found later and matters more waits for what is leased.
        """
        portion = self._portions.setdefault(host, _Portion(now))
        elapsed = now - portion.since
        # A few answers that happened to come together say nothing about a host.
        if portion.answers >= BATCH or elapsed >= HELD_SECONDS:
            most = portion.answers * HELD_SECONDS / elapsed if elapsed > 0 else MOST_LEASED
            portion.size = int(min(MOST_LEASED, max(BATCH, most)))
            portion.since, portion.answers = now, 0
        return portion.size

    def _take_turn(self, host: str, now: float) -> list[Entry]:
        """Take a URL together with its host's turn, which lasts until `_release`."""
        delay, concurrency = self._courtesy(host)
        taken = self.frontier.take(host, self.summary.crawl_id, 1, now, delay=delay, concurrency=concurrency)
        if not taken and self._pending:
            # What is to come next may be among what was not written yet.
            self.checkpoint()
            taken = self.frontier.take(host, self.summary.crawl_id, 1, now, delay=delay, concurrency=concurrency)
        if not taken:
            self._dry_until[host] = self.frontier.next_due(host) or float("inf")
        return taken

    def _set_aside(self, waiting: deque[Entry], now: float) -> None:
        """Give back what must wait for another host, and with it the turn."""
        for entry in waiting:
            self._release(entry)
            self._pending.append(
                lambda entry=entry: self.frontier.postpone(  # type: ignore[misc]
                    entry.key, now + GLANCE_SECONDS, entry.why or "", attempt=False
                )
            )
        waiting.clear()

    def _courtesy(self, host: str) -> tuple[float | None, int | None]:
        """Return a host's pace; until the rules of its robots.txt are known, one request at a time."""
        delay, concurrency = self.pace(host)
        return delay, concurrency if host in self._met else 1

    def hold(self, entry: Entry) -> float:
        """Take a host's turn for a request of our own; return 0.0, or the seconds to wait."""
        delay, concurrency = self._courtesy(entry.host)
        return self.frontier.hold(entry, delay=delay, concurrency=concurrency)

    def pause(self, host: str) -> float:
        """Return the seconds to leave between requests that one turn of a host is used for."""
        return self.frontier.gap(self.pace(host)[0])

    def let_go(self, entry: Entry, *, asked: bool = True) -> None:
        """Give a host's turn back, after a request if it was `asked`."""
        if self.frontier.shared:
            self.frontier.let_go(entry, asked=asked, delay=self.pace(entry.host)[0])
            self._dry_until[entry.host] = self._clock() + (self.pause(entry.host) if asked else 0.0)

    def _low(self, host: str, waiting: deque[Entry]) -> bool:
        """Return whether to lease more: at the last moment, or somewhat before if nobody else is writing just then."""
        if not waiting:
            return True
        portion = self._portions.get(host)
        enough = portion is not None and len(waiting) <= portion.size // 2
        return enough and len(self._pending) >= BATCH and self.sink.free()

    def _late(self, entry: Entry) -> str | None:
        """Return why an entry that was queued before is no longer to be fetched, or None."""
        site = self.sites[entry.site]
        if self.judge.pool(entry.host, site):
            return "pool"
        link = self.judge.main_name(Link(entry.url, entry.key, entry.anchor, "link"), site)
        if link.key != entry.key:
            parent = replace(entry, depth=entry.depth - 1)
            self._enqueue([self.judge.entry(link, site, parent, kind=entry.kind)])
            return "twin"
        if self.judge.too_far(entry, site):
            return "off-topic"
        return self.judge.watch.closed(entry.key)

    def busy(self, host: str) -> int:
        """Return how many of a host's URLs are being fetched."""
        return self._busy[host]

    def waiting(self) -> bool:
        """Return whether there is, or may soon be, something to fetch."""
        now = self._clock()
        if self._out:
            return True
        if self._over_budget(now):
            return False
        self.checkpoint()
        if any(self.health(entry.host).gave_up is None for entry in self._urgent):
            return True
        if any(queue and self._usable(host, now) for host, queue in self._ready.items()):
            return True
        if self.frontier.elsewhere() or self.frontier.away():
            return True
        return any(self._usable(host, now) and self._due_soon(host, now) for host in self.frontier.hosts())

    def _usable(self, host: str, now: float) -> bool:
        """Return whether the run may still ask a host."""
        return self.health(host).gave_up is None and not self._site_spent(host, now)

    def _site_spent(self, host: str, now: float) -> bool:
        """Note, once, that a site's own budget is used up; its URLs wait for the next run."""
        site = self.site_for(host)
        if site is None:
            return False
        if site.name in self._spent:
            return True
        under_way = self._busy[host] if site.budget.pages is not None else 0
        why = site.spent(self._responses[site.name], self._received[site.name], now - self._started)
        if why is None:
            return bool(site.spent(self._responses[site.name] + under_way, 0, 0.0))
        self._spent.add(site.name)
        self.summary.spent[site.name] = why
        return True

    def _due_soon(self, host: str, now: float) -> bool:
        due = self.frontier.next_due(host)
        return due is not None and due <= now + 120

    def _pages_under_way(self) -> bool:
        """Return whether what is being fetched may use up the page limit."""
        limit = self.limits.pages
        return limit is not None and self.summary.fetched + len(self._out) >= limit

    def _over_budget(self, now: float) -> bool:
        """Note, once, that a limit is reached."""
        limits = self.limits
        if self.stopping is None:
            if limits.pages is not None and self.summary.fetched >= limits.pages:
                self.stopping = "page limit"
            elif limits.seconds is not None and now - self._started >= limits.seconds:
                self.stopping = "time limit"
            elif limits.bytes is not None and self.summary.bytes >= limits.bytes:
                self.stopping = "byte limit"
            elif self.frontier.away() >= AWAY_SECONDS:
                self.stopping = "shared frontier out of reach"
                self._warn(
                    "the shared frontier can't be reached: see above; the same command goes on when it is back"
                )
        return self.stopping is not None

    def health(self, host: str) -> HostHealth:
        """Return a host's health record."""
        found = self._health.get(host)
        if found is None:
            found = self._health[host] = HostHealth(base=self._retry_base)
        return found

    def pace(self, host: str) -> tuple[float | None, int | None]:
        """Return the least delay (seconds) and the most concurrency that a host's declaration and robots.txt set."""
        site = self.site_for(host)
        delays = [delay for delay in (site.delay if site else None, self.delays.get(host)) if delay is not None]
        return max(delays, default=None), site.concurrency if site else None

    def site_for(self, host: str) -> Site | None:
        """Return the site whose scope a host is in."""
        if host not in self._site_of:
            if len(self._site_of) >= MAX_HOSTS:
                self._site_of.clear()
            self._site_of[host] = next(
                (site for site in self.sites.values() if f"http://{host}/" in site.scope), None
            )
        return self._site_of[host]

    # What became of it

    def archive(self, fetch: Fetch) -> None:
        """Archive a response that is nobody's entry in the frontier (robots.txt)."""
        self.sink.add(fetch)

    def visited(self, entry: Entry, fetch: Fetch, rendered: Fetch | None = None) -> None:
        """Archive an entry's response, and its page as `rendered` by a browser, and work out what follows from them."""
        if entry.kind == "probe":
            self._probe_answered(entry, rendered or fetch)
            return
        if rendered is not None:
            # Before its response: a run killed between the two asks for the page again.
            self.sink.add(rendered)
        previous = self._previous.pop(entry.key, None)
        unchanged = recrawl.revisit(previous, fetch) if previous is not None else None
        self.sink.add(unchanged or fetch)
        self.summary.unchanged += unchanged is not None
        self.summary.fetched += 1
        self.summary.bytes += len(fetch.body)
        self._responses[entry.site] += 1
        self._received[entry.site] += len(fetch.body)
        self._statuses[str(fetch.status)] += 1
        if (portion := self._portions.get(entry.host)) is not None:
            portion.answers += 1
        # What a page that has not changed leads to is read again: some of it may not have been followed then.
        self._follow(entry, rendered or (recrawl.shown(previous, fetch) if previous and unchanged else fetch))
        if self.listeners:
            self._tell(
                "fetch", url=fetch.url, site=entry.site, kind=entry.kind, depth=entry.depth, status=fetch.status,
                bytes=len(fetch.body), type=fetch.content_type, outcome=self._outcome,
            )  # fmt: skip
        self._unwritten += 1
        if self.frontier.shared:
            if self._unwritten >= BATCH:
                self.checkpoint()
        elif len(self._pending) >= PATIENCE or (len(self._pending) >= 4 * BATCH and self.sink.free()):
            self.checkpoint()

    def _follow(self, entry: Entry, fetch: Fetch) -> None:
        """Settle an entry by its response, and queue what it leads to."""
        now = self._clock()
        health = self.health(entry.host)
        self._met.add(entry.host)
        if fetch.status in RETRYABLE or fetch.status in REFUSALS:
            wait = retry_after(fetch.header("retry-after"), now)
            health.failed(f"status {fetch.status}", now, wait=wait, counts=entry.attempts == 0)
            self.frontier.rest(entry.host, health.ready_at - now)
            self._later(entry, f"http-{fetch.status}", retryable=fetch.status in RETRYABLE, wait=wait)
            return
        health.succeeded()
        if fetch.status in REDIRECTS:
            self._redirect(entry, fetch)
            return
        if fetch.status >= 400:
            self._settle(entry, "done", why=f"http-{fetch.status}", status=fetch.status)
            return
        links, why, relevance = self._read(entry, fetch)
        seen = entry if relevance == entry.relevance else replace(entry, relevance=relevance)
        self._queue(seen, links)
        self._settle(seen, "done", why=why, status=fetch.status)

    def _redirect(self, entry: Entry, fetch: Fetch) -> None:
        """Queue a redirect's target as an entry of its own; one that leads back to its own key is asked for as told."""
        target = (fetch.header("location") or "").strip()
        link = discover.make_link(fetch.url, target, "", "redirect") if target else None
        if link is not None and link.key == self.judge.twins.counterpart(entry.key):
            self.judge.twins.vote(entry.host, alike=True)
        place, name = folder_of(entry.key)
        if link is not None and name and link.key == place:
            self.judge.twins.vote_default(place, name, alike=True)
        if link is None or entry.hops >= MAX_HOPS:
            self._settle(entry, "done", why="redirect-loop" if link else "redirect-nowhere", status=fetch.status)
            return
        if link.key == entry.key and link.url != entry.url:
            self._release(entry)
            self._outcome = "redirect"
            self._pending.append(lambda: self.frontier.settle(entry.key, "done", status=fetch.status))
            self._dry_until.pop(entry.host, None)
            self._pending.append(lambda: self.frontier.reopen(entry.key, url=link.url, hops=entry.hops + 1))
            return
        self._queue(entry, [link])
        self._settle(entry, "done", why="redirect", status=fetch.status)

    def _read(self, entry: Entry, fetch: Fetch) -> Seen:
        """Return the links of a response's body, why its page doesn't count, if it doesn't, and its relevance."""
        try:
            body = self._body(entry, fetch)
        except BombError as error:
            self._warn(f"{fetch.url}: {error}; its links were not read")
            return (), "bomb", None
        kind = discover.sniff(body, fetch.content_type or "")
        if kind == "html":
            return self._read_html(entry, fetch, body)
        readers = {"sitemap": discover.read_sitemap, "feed": discover.read_feed, "urls": discover.read_url_list}
        return (list(readers[kind](body, fetch.url)) if kind in readers else ()), None, None

    def _body(self, entry: Entry, fetch: Fetch) -> bytes:
        """Return a response's body decoded. Raises BombError."""
        limit = self.limits.body_bytes
        body = decode_content(fetch.body, fetch.header("content-encoding") or "", limit=limit)
        packed = entry.kind == "sitemap" or urlsplit(fetch.url).path.endswith(".gz")
        return gunzip(body, limit=limit) if packed else body

    def _page(self, entry: Entry, fetch: Fetch, body: bytes) -> discover.Page | None:
        plain = _plain_utf8(body, fetch.content_type)
        if plain is not None:
            return discover.read_page(plain, fetch.url)
        # Here, as detectors of charsets take long to import.
        from cleaning.decode import decode

        site = self.sites[entry.site]
        decoded = decode(body, fetch.content_type, hint=site.charset)
        if isinstance(decoded, Rejected):
            return None
        return discover.read_page(decoded.text, fetch.url, charset=decoded.encoding)

    def _read_html(self, entry: Entry, fetch: Fetch, body: bytes) -> Seen:
        page = self._page(entry, fetch, body)
        if page is None:
            return (), "not-text", None
        if self.judge.probes.knows(entry.host) and self.judge.probes.soft_404(entry.host, page.text):
            return (), "soft-404", None
        self.judge.generated_by(entry.host, page.generator)
        self._probe(entry)
        if has_twin(entry.host, self.sites[entry.site]):
            self.judge.twins.saw(entry.key, page.text)
        if self.judge.twins.has_default(entry.key):
            self.judge.twins.saw_default(entry.key, page.text)
        digest = self.judge.twins.digests.get(entry.key)
        if digest is not None:
            self._pending.append(lambda: self.frontier.remember_page(entry.key, digest))
        self._count(entry, page)
        weighs = self.judge.weighs(self.sites[entry.site])
        relevance = self.judge.weigh(entry, self.sites[entry.site], page.text, page.title) if weighs else None
        return page.links, None, relevance

    def _count(self, entry: Entry, page: discover.Page) -> None:
        """Count a page for its site, and watch what its shape leads to."""
        self._pages[entry.site] += 1
        listing = entry.kind == "seed" or self.judge.page_type(self.sites[entry.site], entry.key) == "list"
        article = entry.kind == "article" or (not listing and page.wordy)
        self._articles[entry.site] += article
        if self.judge.watch.saw(entry.key, wordy=article, links=(link.key for link in page.links)):
            self._warn(f"{entry.url}: pages of this shape lead nowhere; no more of them are fetched")

    # Probes and twins

    def _probe(self, entry: Entry) -> None:
        """Ask a host, once, for two addresses that can't exist."""
        if entry.host in self._probed:
            return
        self._probed.add(entry.host)
        origin = "/".join(entry.url.split("/", 3)[:3])
        for path in probe_paths(entry.host):
            self._urgent.append(
                replace(entry, key=origin + path, url=origin + path, kind="probe", attempts=MAX_ATTEMPTS)
            )

    def _probe_answered(self, entry: Entry, fetch: Fetch) -> None:
        """Learn from what a host says to an address that can't exist. The answer isn't archived: nobody links to it."""
        self._release(entry)
        text = None
        if fetch.status == 200:
            try:
                page = self._page(entry, fetch, self._body(entry, fetch))
            except BombError:
                page = None
            text = page.text if page is not None else None
        if self.judge.probes.answered(entry.host, text):
            self._warn(f"{entry.host}: answers every address with a fresh page (spider pool); closed")
            self._shut(entry.host)

    def _shut(self, host: str) -> None:
        """Leave out all that waits on a host."""
        self._ready.pop(host, None)
        self._ready[host] = deque()
        self._pending.append(lambda: self.frontier.close_host(host, "pool"))

    def _hold(self, host: str, waiting: deque[Entry]) -> bool:
        """Return whether a possible alias should wait until there is something to compare its pages with.

        Brings a comparable page to the front if there is one.
        """
        site = self.site_for(host)
        if site is None or not has_twin(host, site) or self.judge.twins.same(host) is not None:
            return False
        main = self.judge.known_by(host, site)
        if main == host:
            return False
        for place, entry in enumerate(waiting):
            if self.judge.twins.comparable(entry.key):
                del waiting[place]
                waiting.appendleft(entry)
                return self._busy[host] > 0
        return self._busy[main] > 0 or bool(self._ready.get(main))

    # Queueing

    def add(self, links: Iterable[Link], site: Site, parent: str | None) -> None:
        """Queue links that no page led to (robots.txt's sitemaps)."""
        entries = [self.judge.entry(link, site, None, found_at=parent) for link in links]
        self._enqueue([entry for entry in entries if entry.why is None])

    def _queue(self, parent: Entry, links: Iterable[Link]) -> None:
        site = self.sites[parent.site]
        # Most of a page's links were met on the pages before it.
        self._enqueue([self._judge(parent, site, link) for link in links if link.key not in self._known])

    def _judge(self, parent: Entry, site: Site, link: Link) -> Entry:
        """Return a new link's frontier entry (with `why` if it is left out)."""
        self._remember(link.key)
        main = self.judge.main_name(link, site)
        if main.key == link.key:
            return self.judge.entry(link, site, parent)
        # The alias is kept too, as left out, so that one can ask what became of it.
        self._enqueue([replace(self.judge.entry(link, site, parent), why="twin")])
        return self.judge.entry(main, site, parent)

    def _remember(self, key: str) -> None:
        # Only saves work: the table ignores a key it has.
        if len(self._known) >= 200_000:
            self._known.clear()
        self._known.add(key)

    def _enqueue(self, entries: list[Entry]) -> None:
        if not entries:
            return
        self._pending.append(lambda: self.frontier.add(entries))
        for host in dict.fromkeys(entry.host for entry in entries if entry.why is None):
            self._dry_until.pop(host, None)
            if host not in self._ready:
                self._ready[host] = deque()
                self._turns.append(host)

    # Settling

    def problem(self, entry: Entry, why: str, *, retryable: bool, hosts_fault: bool = True) -> None:
        """Note that an entry gave no response: tried again later, or failed."""
        if hosts_fault:
            # That a URL fails once more says nothing new about its host.
            now = self._clock()
            self.health(entry.host).failed(why, now, counts=entry.attempts == 0)
            self.frontier.rest(entry.host, self.health(entry.host).ready_at - now)
        self._later(entry, why, retryable=retryable)
        self._tell("problem", url=entry.url, site=entry.site, why=why, outcome=self._outcome)

    def leave_out(self, entry: Entry, why: str) -> None:
        """Note that an entry is not to be fetched (robots.txt)."""
        self._release(entry, asked=False)
        self._settle(entry, "excluded", why=why)
        self._tell("left-out", url=entry.url, site=entry.site, why=why)

    def _later(self, entry: Entry, why: str, *, retryable: bool, wait: float | None = None) -> None:
        attempt = entry.attempts + 1
        if not retryable or attempt >= MAX_ATTEMPTS:
            self._settle(entry, "failed", why=why)
            return
        self._release(entry)
        self._outcome = f"again later: {why}"
        due = self._clock() + max(wait or 0.0, backoff(attempt, self._retry_base))
        self._dry_until.pop(entry.host, None)
        self._pending.append(lambda: self.frontier.postpone(entry.key, due, why))

    def put_back(self, entry: Entry) -> None:
        """Return an entry that was never asked for (the run is ending)."""
        self._release(entry)
        self._pending.append(lambda: self.frontier.postpone(entry.key, 0.0, entry.why or "", attempt=False))

    def _settle(self, entry: Entry, state: State, *, why: str | None = None, status: int | None = None) -> None:
        self._release(entry)
        self._outcome = why or state
        crawl_id = self.summary.crawl_id
        self._pending.append(
            lambda: self.frontier.settle(
                entry.key,
                state,
                why=why,
                status=status,
                crawl_id=crawl_id,
                relevance=entry.relevance,
            )
        )

    def _release(self, entry: Entry, *, asked: bool = True) -> None:
        if self._out.pop(entry.key, None) is None:
            asked = False
        else:
            self._busy[entry.host] -= 1
        self.let_go(entry, asked=asked)

    def standing(self) -> Standing:
        """Return where the run stands."""
        return Standing(
            fetched=self.summary.fetched,
            bytes=self.summary.bytes,
            seconds=self._clock() - self._started,
            under_way=len(self._out),
            states=self.frontier.counts(),
            statuses=dict(self._statuses),
            pages=dict(self._pages),
            articles=dict(self._articles),
            outcomes=dict(self.sink.outcomes()),
            limits=self.limits,
        )


def _plain_utf8(body: bytes, content_type: str | None) -> str | None:
    """Return a body that says it is UTF-8 and is, as text; None where that takes a closer look.

    Links need no more than this; what the text itself is worth is the cleaning room's to say.
    """
    if "utf-8" not in (content_type or "").lower() and b"utf-8" not in body[:1024].lower():
        return None
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
