"""The frontier in Redis or Valkey, for several crawling processes on any number of machines.

A URL is leased to a corpus and is its own until it is settled, which happens once its response stands in the archive; a
thread renews the leases. When a process dies they run out, and what it had goes back into the queue. A host's turn, by
the server's clock, is taken in the same step as its URL and lasts until the host has answered; the next one begins the
host's delay later. So no two requests of any processes are closer than that, however late one of them is.

Every change is one call of the script `redis_frontier.lua`, and may be made twice: where the connection breaks, nobody
knows whether a call was heard.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
import secrets
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypeVar

import orjson
from redis.exceptions import RedisError

from crawler.focus import PAGE_ENOUGH
from crawler.redis_link import Link, explain
from crawler.shared import FrontierAwayError
from crawler.table import Entry, Frontier, FrontierError, State

LEASE_SECONDS = 60.0
"""How long a process may be silent before what it has under way is given to others: a garbage collection, a short loss
of the network or a restart of the server should not cost a fetch."""

BEATS = 4
"""Renewals in the time of a lease."""

MAX_LOST = 5
"""Processes that may die with one URL under way before it is a dead letter. Most die of something else."""

CHUNK = 500
"""Changes sent in one call: the server does nothing else meanwhile."""

FORGOTTEN = (
    "the server has forgotten this crawl (was it restarted without `appendonly yes`?); nothing that was archived is lost, "
    "and the same command begins a new frontier"
)

BURIED_IN_A_ROW = 20
"""URLs that were taken down here and not elsewhere, passed over in one go."""

_FIELDS = tuple(item.name for item in fields(Entry))
_UNPRINTABLE = re.compile(r"[\ud800-\udfff]")

log = logging.getLogger(__name__)
Found = TypeVar("Found")


class RedisFrontier:
    """A shared frontier, as one crawling process sees it (`crawler.shared.FrontierStore`).

    Without a `connection` to a corpus it is for looking only. What `away` and the others say of a server that is gone is
    the last that was known; nothing but `together`, `recover`, `look` and `clear` raises then.
    """

    def __init__(
        self,
        link: Link,
        connection: sqlite3.Connection | None = None,
        sites: Iterable[str] = (),
        *,
        lease: float = LEASE_SECONDS,
        delay: float = 0.5,
        concurrency: int = 2,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Look at a crawl's keys; `delay` and `concurrency` are for hosts that no declaration speaks of."""
        self.link = link
        self._connection = connection
        self._sites = sorted(sites)
        self._table = Frontier(connection, self._sites) if connection is not None else None
        self._lease = lease
        self._delay = delay
        self._concurrency = concurrency
        self._clock = clock
        self._owner = ""
        self._run = ""
        self._held: set[str] = set()
        self._adopted: set[str] = set()
        self._turns: set[str] = set()
        self._owed: list[tuple[str, dict[str, Any]]] = []
        self._batch: list[tuple[str, dict[str, Any]]] | None = None
        self._due: dict[str, float] = {}
        self._counts: dict[str, str] = {}
        self._pages_read = 0
        self._lost = False
        self._born: str | None = None
        self._lapsed = threading.Event()
        self._over = threading.Event()
        self._renewer = threading.Thread(target=self._renew_on, daemon=True, name="leases")

    @property
    def shared(self) -> bool:
        """True."""
        return True

    @property
    def connection(self) -> sqlite3.Connection | None:
        """The corpus's connection, None for one that only looks."""
        return self._connection

    # The server

    def _ask(self, question: Callable[[], Found]) -> Found:
        if self._lost:
            raise FrontierAwayError(f"{self.link.address.shown}: {FORGOTTEN}")
        if self._run and (self.link.away() or self._lapsed.is_set()):
            self._reconcile()
            self._lapsed.clear()
        return self.link.ask(question)

    def _softly(self, question: Callable[[], Found], otherwise: Found) -> Found:
        try:
            return self._ask(question)
        except FrontierAwayError:
            return otherwise

    def _do(self, operation: str, **arguments: Any) -> Any:  # noqa: ANN401  # what the script answers
        told = {name: value for name, value in arguments.items() if value is not None}
        return self._ask(lambda: self.link.run(operation, told))

    def _write(self, operation: str, **arguments: Any) -> int:  # noqa: ANN401
        """Do a change, or note it where several are made together."""
        told = {name: value for name, value in arguments.items() if value is not None}
        if self._batch is not None:
            self._batch.append((operation, told))
            return 0
        return int(self._ask(lambda: self.link.run(operation, told)))

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what is written inside at the end, in the order written."""
        self._batch = []
        try:
            yield
            batch = self._batch
        finally:
            self._batch = None
        self._pay()
        for chunk in _chunks(batch):
            self._ask(lambda chunk=chunk: self.link.run("together", chunk))  # type: ignore[misc]
            # No lease is held any more of what was settled or put back.
            self._held -= {told["key"] for operation, told in chunk if operation in ("settle", "postpone")}

    def _pay(self) -> None:
        """Give back the turns that could not be given back when the server was away."""
        while self._owed:
            operation, told = self._owed[0]
            self._do(operation, **told)
            self._owed.pop(0)

    def _soon(self, operation: str, **told: Any) -> None:  # noqa: ANN401
        """Do a change, now or when the server is back."""
        self._owed.append((operation, told))
        self._softly(self._pay, None)

    def _reconcile(self) -> None:
        """After a silence: put back what the server takes for ours and we know nothing of.

        An answer may have been lost on its way; a server that was killed may have forgotten its last second, or all.
        """
        if self.link.ask(self._birth) != self._born:
            self._lost = True
            log.error("%s: %s", self.link.address.shown, FORGOTTEN)
            raise FrontierAwayError(f"{self.link.address.shown}: {FORGOTTEN}")
        strays = self._on_the_server() - self._held - self._adopted
        self.link.call("release", self._giving(strays, died=False))

    def _birth(self) -> str | None:
        """Return the mark that the crawl's first process has left."""
        found: str | None = self.link.client.hget(self.link.key("meta"), "born")
        return found

    def _on_the_server(self) -> set[str]:
        return set(self.link.ask(lambda: self.link.client.smembers(self.link.key(f"held:{self._owner}"))))

    def _giving(self, keys: Iterable[str], *, died: bool) -> dict[str, Any]:
        return {"owner": self._owner, "keys": sorted(keys), "died": died, "most": MAX_LOST}

    def away(self) -> float:
        """Return for how many seconds the server has not been there; for ever, once it has forgotten the crawl."""
        return float("inf") if self._lost else self.link.away()

    # Begin and end

    def clear(self) -> None:
        """Forget every URL. Raises FrontierError while others are at work."""
        others = [name for name in self.crawlers() if name != self._name()]
        if others:
            raise FrontierError(
                f"{self.link.address.shown}: {len(others)} other crawls are at work on it; stop them first, or give this "
                "one a name of its own (#NAME)"
            )
        client = self.link.client
        for key in self.link.ask(lambda: list(client.scan_iter(match=self.link.prefix + "*", count=1000))):
            self.link.ask(lambda key=key: client.unlink(key))  # type: ignore[misc]

    def crawlers(self) -> list[str]:
        """Return the owners whose leases hold."""
        return list(self._do("owners"))

    def _name(self) -> str:
        """Return what this corpus is called among the owners: the same over restarts, another for a copy elsewhere."""
        assert self._table is not None
        assert self._connection is not None
        place = self._connection.execute("PRAGMA database_list").fetchone()[2]
        where = f"{socket.gethostname()}\0{os.path.realpath(place) if place else id(self._connection)}"
        return hashlib.blake2b(where.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()

    def recover(self) -> None:
        """Begin to hold leases; those of a killed run of this corpus are ours again until `release`.

        Nobody else can be at work under the corpus's name: its file is locked.
        """
        self._owner = self._name()
        run = f"{self._owner}-{secrets.token_hex(6)}"
        self.link.call("renew", self._renewal(run))
        self.link.ask(lambda: self.link.client.hsetnx(self.link.key("meta"), "born", run))
        self._born = self.link.ask(self._birth)
        self._adopted = self._on_the_server()
        self._run = run
        self._renewer.start()

    def _renewal(self, run: str) -> dict[str, Any]:
        return {"owner": self._owner, "run": run, "lease": int(1000 * self._lease), "most": MAX_LOST}

    def _renew_on(self) -> None:
        """Renew the leases until the run is over, whatever becomes of the server meanwhile."""
        usual = self._lease / BEATS
        pause = usual
        while not self._over.wait(pause):
            try:
                held = self.link.run("renew", self._renewal(self._run))
            except (RedisError, OSError) as error:
                log.info("leases not renewed: %s", explain(error, self.link.address))
                pause = min(usual, 2 * pause if pause < usual else usual / 8)
                continue
            pause = usual
            if not held:
                self._lapsed.set()

    def release(self) -> int:
        """Put back what is leased and not settled; what a dead run had counts as lost once more."""
        adopted, self._adopted = self._adopted - self._held, set()

        def give() -> int:
            ours = self._on_the_server()
            self.link.call("release", self._giving(ours & adopted, died=True))
            return len(ours & adopted) + int(self.link.call("release", self._giving(ours - adopted, died=False)))

        self._held.clear()
        return self._softly(give, 0)

    def leave(self) -> None:
        """Say that the run is over and close the connection."""
        self._over.set()
        if self._renewer.is_alive():
            self._renewer.join()
            self._softly(lambda: self.link.run("leave", {"owner": self._owner, "run": self._run}), 0)
        self.link.close()

    # URLs

    def add(self, entries: Iterable[Entry]) -> int:
        """Add URLs whose keys are new, those with `why` as excluded."""
        new = 0
        for entry in entries:
            why = "taken-down" if self._is_buried(entry.url) else entry.why
            told = {name: getattr(entry, name) for name in _FIELDS if name not in ("due", "attempts", "relevance")}
            new += self._write("add", **{**told, "why": why, "anchor": _text(entry.anchor)}, attempts=0)
        return new

    def _is_buried(self, url: str) -> bool:
        return self._table is not None and self._table.is_buried(url)

    def reopen(self, key: str, *, url: str | None = None, hops: int = 0) -> None:
        """Queue a URL again that was done, failed or left out, to be requested as `url` if given."""
        if not self._is_buried(url or key):
            self._write("reopen", key=key, url=url, hops=hops)

    def take(
        self,
        host: str,
        lease: str,
        limit: int,
        now: float,
        *,
        delay: float | None = None,
        concurrency: int | None = None,
    ) -> list[Entry]:
        """Lease the host's next URL together with its turn; nothing where it has none, or it is not its turn.

        `lease` and `limit` say nothing here: the lease is the corpus's, and there is one URL to a turn.
        """
        asked = {**self._turn(host, delay, concurrency), "sites": self._sites}
        for _ in range(BURIED_IN_A_ROW):
            entry = self._softly(lambda: self._take(asked, now), None)
            if entry is None:
                break
            if not self._is_buried(entry.url):
                return [entry]
            self._soon("settle", key=entry.key, owner=self._owner, state="excluded", why="taken-down")
            self._held.discard(entry.key)
            self.let_go(entry, asked=False)
        return []

    def _take(self, asked: Mapping[str, Any], now: float) -> Entry | None:
        self._due[asked["host"]] = now + max(0.1, self.link.retry_in())
        self._pay()
        found, wait = self._do("take", **asked)
        self._due[asked["host"]] = now + wait / 1000
        if found is None:
            return None
        entry = _entry(orjson.loads(found))
        self._held.add(entry.key)
        self._turns.add(entry.key)
        return entry

    def _turn(self, host: str, delay: float | None, concurrency: int | None) -> dict[str, Any]:
        delay = self._delay if delay is None else delay
        return {
            "host": host,
            "owner": self._owner,
            "run": self._run,
            "delay": int(1000 * delay),
            "concurrency": concurrency or self._concurrency,
        }

    def hold(self, entry: Entry, *, delay: float | None = None, concurrency: int | None = None) -> float:
        """Take the host's turn for a request that is no URL of the frontier; return 0.0, or the seconds to wait."""
        asked = {**self._turn(entry.host, delay, concurrency), "token": entry.key}
        wait = self._softly(lambda: self._do("hold", **asked) / 1000, max(0.1, self.link.retry_in()))
        if not wait:
            self._turns.add(entry.key)
        return wait

    def let_go(self, entry: Entry, *, asked: bool, delay: float | None = None) -> None:
        """Give back a host's turn, if this run has it for the entry."""
        if entry.key in self._turns:
            self._turns.discard(entry.key)
            pause = int(1000 * (self._delay if delay is None else delay))
            self._soon("let_go", host=entry.host, token=entry.key, asked=asked, delay=pause)

    def gap(self, delay: float | None) -> float:
        """Return the seconds to leave between requests that one turn is used for (a robots.txt and its page)."""
        return self._delay if delay is None else delay

    def rest(self, host: str, seconds: float) -> None:
        """Let nobody ask a host for that long."""
        if seconds > 0:
            self._soon("rest", host=host, ms=int(1000 * seconds))

    def hosts(self) -> list[str]:
        """Return the hosts with URLs of our sites waiting, sorted."""
        keys = [self.link.key(f"hosts:{site}") for site in self._sites]
        return sorted(self._softly(lambda: self.link.client.sunion(keys), ()))

    def next_due(self, host: str) -> float | None:
        """Return when `take` is to be asked for the host again."""
        return self._due.get(host, self._clock())

    def elsewhere(self) -> bool:
        """Return whether other processes have URLs of our sites under way."""
        self._read_counts()
        return sum(int(self._counts.get(f"leased {site}", 0)) for site in self._sites) > len(self._held)

    def settle(
        self,
        key: str,
        state: State,
        *,
        why: str | None = None,
        status: int | None = None,
        crawl_id: str = "",
        relevance: float | None = None,
    ) -> None:
        """End a URL's lease: `done`, `failed` or `excluded`."""
        shown = True if relevance is not None and relevance >= PAGE_ENOUGH else None
        self._write(
            "settle", key=key, owner=self._owner, state=state, why=why, status=status, crawl_id=crawl_id,
            relevance=relevance, shown=shown,
        )  # fmt: skip

    def postpone(self, key: str, due: float, why: str, *, attempt: bool = True) -> None:
        """Put a leased URL back, not to be tried before `due` (seconds of the epoch, by this machine's clock)."""
        wait = max(0, int(1000 * (due - self._clock())))
        self._write("postpone", key=key, owner=self._owner, wait=wait, why=why, attempt=int(attempt))

    def close_host(self, host: str, why: str) -> None:
        """Leave out all that waits on a host."""
        self._write("close", host=host, why=why)

    # Looking

    def _table_of(self, name: str) -> dict[str, str]:
        return dict(self.link.client.hgetall(self.link.key(name)))

    def _read_counts(self) -> None:
        self._counts = self._softly(lambda: self._table_of("counts"), self._counts)

    def counts(self, site: str | None = None) -> dict[str, int]:
        """Return how many URLs are in each state, of one site or of all."""
        self._read_counts()
        found: Counter[str] = Counter()
        for field, number in self._counts.items():
            state, _, name = field.partition(" ")
            if site in (None, name):
                found[state] += int(number)
        return {state: number for state, number in sorted(found.items()) if number}

    def reasons(self) -> dict[str, int]:
        """Return how many URLs were left out or failed, by reason."""
        found: dict[str, str] = self._softly(lambda: self._table_of("reasons"), {})
        return {why: int(number) for why, number in sorted(found.items()) if int(number)}

    def shown(self, enough: float) -> dict[str, int]:
        """Return how many pages of at least that relevance, which is `PAGE_ENOUGH`, each site has shown."""
        assert enough == PAGE_ENOUGH
        found: dict[str, str] = self._softly(lambda: self._table_of("shown"), {})
        return {site: int(number) for site, number in found.items()}

    def look(self, key: str) -> tuple[Entry, str, int | None] | None:
        """Return what is known of a canonical URL; what a dead run of this corpus had taken shows as queued.

        Raises FrontierAwayError.
        """
        text = self._ask(lambda: self.link.client.hget(self.link.key("urls"), key))
        if text is None:
            return None
        record = orjson.loads(text)
        state = "queued" if key in self._adopted else record["state"]
        return _entry(record), state, record.get("status")

    def _mark(self, name: str) -> str | None:
        found: str | None = self._softly(lambda: self.link.client.hget(self.link.key("meta"), name), None)
        return found

    def unfinished(self) -> bool:
        """Return whether the crawl has something left to do, or others are at it."""
        return self._mark("unfinished") == "1"

    def set_unfinished(self, unfinished: bool) -> None:
        """Note that a run began or the crawl came to its end."""
        self._softly(lambda: self.link.client.hset(self.link.key("meta"), "unfinished", int(unfinished)), 0)

    def paused(self) -> bool:
        """Return whether nobody is given anything for now."""
        return self._mark("paused") is not None

    def pause(self) -> None:
        """Give nobody anything until `resume`; what is under way is finished. Raises FrontierAwayError."""
        self._ask(lambda: self.link.client.hset(self.link.key("meta"), "paused", 1))

    def resume(self) -> None:
        """Go on after `pause`. Raises FrontierAwayError."""
        self._ask(lambda: self.link.client.hdel(self.link.key("meta"), "paused"))

    def watermark(self) -> int | None:
        """Return the corpus's own mark: its archive's last fetch that the frontier has heard of."""
        return None if self._table is None else self._table.watermark()

    def set_watermark(self, mark: int) -> None:
        """Set the corpus's own mark, in the caller's transaction."""
        if self._table is not None:
            self._table.set_watermark(mark)

    def pages(self) -> list[tuple[str, int]]:
        """Return the pages by which twins are told that were not returned before."""
        key, first = self.link.key("pages"), self._pages_read
        found: list[str] = self._softly(lambda: self.link.client.lrange(key, first, -1), [])
        self._pages_read += len(found)
        return [(page, int(digest)) for page, digest in map(orjson.loads, found)]

    def remember_page(self, key: str, digest: int) -> None:
        """Tell the others of a page's digest."""
        # As text: the script's numbers hold 53 bits.
        self._write("page", key=key, digest=str(digest))

    def robots(self, origin: str, newer_than: float) -> tuple[int, bytes] | None:
        """Return a remembered robots.txt (status, body) fetched after that time, or None."""
        text = self._softly(lambda: self.link.client.hget(self.link.key("robots"), origin), None)
        if text is None:
            return None
        status, body, fetched = orjson.loads(text)
        return (int(status), base64.b64decode(body)) if fetched >= newer_than else None

    def remember_robots(self, origin: str, status: int, body: bytes, now: float) -> None:
        """Keep a robots.txt, so that nobody asks again."""
        text = orjson.dumps([status, base64.b64encode(body).decode("ascii"), now])
        self._softly(lambda: self.link.client.hset(self.link.key("robots"), origin, text), 0)


def _chunks(batch: list[tuple[str, dict[str, Any]]]) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Yield a batch in parts, each of which leaves nothing half done: what reopens a URL stays with what settles it."""
    chunk: list[tuple[str, dict[str, Any]]] = []
    for change in batch:
        if len(chunk) >= CHUNK and change[0] != "reopen":
            yield chunk
            chunk = []
        chunk.append(change)
    if chunk:
        yield chunk


def _text(value: str) -> str:
    """Return a text without lone surrogates, which JSON can't hold."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", value)


def _entry(record: Mapping[str, Any]) -> Entry:
    told = {name: record[name] for name in _FIELDS if name in record}
    whole = ("priority", "depth", "hops", "attempts", "away")
    return Entry(**{**told, **{name: int(told.get(name, 0)) for name in whole}, "due": told.get("due", 0) / 1000})
