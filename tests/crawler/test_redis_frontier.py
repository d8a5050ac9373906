"""The shared frontier against a real server: the same rules as the table, leases, turns, and what breaks."""

from __future__ import annotations

import random
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("redis")

from corpus.records import Fetch
from crawler import redis_frontier, session
from crawler.redis_frontier import CHUNK, MAX_LOST, RedisFrontier, _chunks
from crawler.redis_link import Link
from crawler.session import BATCH, Session
from crawler.shared import FrontierAwayError, FrontierStore
from crawler.site import from_url
from crawler.table import Entry, Frontier, FrontierError
from tests.crawler.redis_server import RedisServer, needs_server
from tests.crawler.test_session import A, small_site
from tests.crawler.web import PROSE, Answer, MemorySink, page, urls

pytestmark = needs_server

SITE = "s.test"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def address(server: RedisServer) -> str:
    return f"{server.url}#{secrets.token_hex(6)}"


def table() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    Frontier.create(connection)
    return connection


def join(address: str, connection: sqlite3.Connection | None = None, **options: Any) -> RedisFrontier:  # noqa: ANN401
    """Return a process's view of a shared frontier, its leases begun."""
    options = {"delay": 0.0, "lease": 30.0, **options}
    found = RedisFrontier(Link(address), connection or table(), [SITE], **options)
    found.recover()
    return found


def die(frontier: RedisFrontier) -> None:
    """Stop renewing, and say nothing."""
    frontier._over.set()
    frontier._renewer.join()


def entry(path: str, host: str = "s.test", **more: Any) -> Entry:  # noqa: ANN401
    return Entry(f"http://{host}/{path}", f"http://{host}/{path}", SITE, host, "article", **more)


def take(frontier: FrontierStore, host: str = "s.test", **pace: Any) -> Entry | None:  # noqa: ANN401
    found = frontier.take(host, "me", 1, time.time(), **pace)
    if found:
        frontier.let_go(found[0], asked=False)
    return found[0] if found else None


def until(what: Callable[[], Any], seconds: float = 20.0) -> Any:  # noqa: ANN401
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


# The same rules


_KEYS = st.integers(0, 5).map(lambda n: f"http://{'ab'[n % 2]}.test/{n}")
_CHANGES = st.one_of(
    st.tuples(st.just("add"), _KEYS, st.integers(-3, 3), st.sampled_from([None, "pattern"])),
    st.tuples(st.just("take"), st.sampled_from(["a.test", "b.test"])),
    st.tuples(st.just("settle"), _KEYS, st.sampled_from(["done", "failed", "excluded"])),
    st.tuples(st.just("postpone"), _KEYS, st.booleans(), st.booleans()),
    st.tuples(st.just("reopen"), _KEYS),
    st.tuples(st.just("close"), st.sampled_from(["a.test", "b.test"])),
    st.tuples(st.just("release")),
)


def change(frontier: FrontierStore, told: tuple[Any, ...], out: dict[str, Entry]) -> Any:  # noqa: ANN401
    """Make one change as a session would: only what is leased is settled or put back, and hosts are closed idle."""
    name, *rest = told
    if name == "add":
        key, priority, why = rest
        host = key.split("/")[2]
        return frontier.add([Entry(key, key, SITE, host, "link", priority=priority, why=why, anchor="锚\0")])
    if name == "take":
        found = frontier.take(rest[0], "me", 1, time.time())
        for one in found:
            out[one.key] = one
            frontier.let_go(one, asked=True)
        return [(one.key, one.attempts, one.hops) for one in found]
    if name == "reopen":
        return frontier.reopen(rest[0], url=rest[0] + "?", hops=1)
    if name == "close":
        return None if any(one.host == rest[0] for one in out.values()) else frontier.close_host(rest[0], "pool")
    if name == "release":
        out.clear()
        return frontier.release()
    if out.pop(rest[0], None) is None:
        return None
    if name == "settle":
        return frontier.settle(rest[0], rest[1], why="because", status=200, relevance=0.9)
    return frontier.postpone(rest[0], time.time() + 1000 * rest[1], "again", attempt=rest[2])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_CHANGES, max_size=40))
def test_the_table_and_the_server_keep_the_same_rules(server: RedisServer, changes: list[tuple[Any, ...]]) -> None:
    shared = join(f"{server.url}#{secrets.token_hex(6)}")
    own: FrontierStore = Frontier(table(), [SITE])
    ours: dict[str, Entry] = {}
    theirs: dict[str, Entry] = {}
    try:
        for told in changes:
            assert change(shared, told, ours) == change(own, told, theirs), told
            assert shared.counts() == own.counts()
            assert shared.reasons() == own.reasons()
        assert shared.shown(0.5) == own.shown(0.5)
        for number in range(6):
            key = f"http://{'ab'[number % 2]}.test/{number}"
            mine, other = shared.look(key), own.look(key)
            assert (mine is None) == (other is None)
            if mine and other:
                names = ("key", "url", "site", "host", "kind", "priority", "hops", "attempts", "why", "relevance")
                assert mine[1:] == other[1:]
                assert [getattr(mine[0], name) for name in names] == [getattr(other[0], name) for name in names]
    finally:
        shared.leave()


def test_what_others_add_is_given_by_priority_then_in_the_order_found(address: str) -> None:
    first, second = join(address), join(address)
    assert first.add([entry("1"), entry("2", priority=5), entry("3"), entry("4", priority=-60_000)]) == 4
    assert second.add([entry("1"), entry("5", priority=60_000)]) == 1
    taken = [take(who) for who in (second, first, second, first, second)]
    assert [one.key[-1] for one in taken if one] == ["5", "2", "1", "3", "4"]
    assert first.counts() == {"leased": 5}
    assert first.elsewhere()
    assert second.pages() == []
    first.remember_page("http://s.test/", 2**63 - 1)
    first.remember_page("http://s.test/", 1)
    assert second.pages() == [("http://s.test/", 2**63 - 1)]
    assert second.pages() == []
    first.remember_robots("http://s.test", 200, b"\xff\0", 1000.0)
    assert second.robots("http://s.test", 999.0) == (200, b"\xff\0")
    assert second.robots("http://s.test", 1001.0) is None


def test_changes_are_sent_together_or_not_at_all(address: str) -> None:
    first = join(address)
    with pytest.raises(ZeroDivisionError), first.together():
        first.add([entry("1")])
        raise ZeroDivisionError
    assert first.counts() == {}
    with first.together():
        first.add(entry(str(number)) for number in range(3 * CHUNK))
        assert first.counts() == {}
    assert first.counts() == {"queued": 3 * CHUNK}


def test_what_reopens_a_url_is_sent_with_what_settles_it() -> None:
    changes: list[tuple[str, dict[str, Any]]] = [("add", {"key": str(number)}) for number in range(CHUNK)]
    changes[-1] = ("settle", {"key": "x"})
    changes += [("reopen", {"key": "x"}), ("add", {"key": "y"})]
    parts = list(_chunks(changes))
    assert [change for part in parts for change in part] == changes
    assert [len(part) for part in parts] == [CHUNK + 1, 1]


# Leases


def test_what_a_dead_process_had_is_given_to_another(address: str) -> None:
    dead, alive = join(address, lease=0.4), join(address, lease=0.4)
    dead.add([entry("1"), entry("2")])
    assert take(dead)
    assert take(dead)
    assert take(alive) is None
    time.sleep(1.0)
    assert alive.counts() == {"leased": 2}, "a living process keeps what it has, however long"
    die(dead)
    assert until(lambda: take(alive))
    assert until(lambda: take(alive))
    # The dead one was only silent: what it has done is done, and what it puts back is not its own any more.
    dead.settle("http://s.test/1", "done", status=200)
    dead.postpone("http://s.test/2", 0.0, "late")
    assert alive.counts() == {"done": 1, "leased": 1}
    alive.settle("http://s.test/1", "failed", why="later")
    assert alive.counts() == {"done": 1, "leased": 1}
    alive.leave()


def test_a_url_that_kills_its_crawlers_is_a_dead_letter(address: str) -> None:
    watcher = join(address, lease=0.2)
    watcher.add([entry("poison")])
    for _ in range(MAX_LOST):
        victim = join(address, lease=0.2)
        until(partial(take, victim))
        die(victim)
    until(lambda: watcher.counts() == {"failed": 1})
    assert watcher.reasons() == {"crawler-died": 1}
    watcher.reopen("http://s.test/poison")
    assert take(watcher)
    watcher.leave()


def test_a_corpus_takes_up_what_its_own_dead_run_had(address: str) -> None:
    connection = table()
    dead = join(address, connection)
    dead.add([entry("1")])
    assert dead.take("s.test", "", 1, time.time(), delay=0.0)
    die(dead)
    again = join(address, connection)
    known = again.look("http://s.test/1")
    assert known is not None
    assert known[1] == "queued"
    assert again.release() == 1
    assert until(lambda: take(again)), "the dead run's turn at the host is over too"
    other = join(address)
    known = other.look("http://s.test/1")
    assert known is not None
    assert known[1] == "leased"


def test_a_takedown_of_one_corpus_keeps_it_from_asking(address: str) -> None:
    connection = table()
    connection.execute("CREATE TABLE tombstones (kind TEXT, value TEXT)")
    connection.execute("INSERT INTO tombstones VALUES ('url', 'http://s.test/1')")
    other = join(address)
    other.add([entry("1"), entry("2")])
    careful = join(address, connection)
    found = take(careful)
    assert found is not None
    assert found.key == "http://s.test/2"
    assert careful.add([entry("1")]) == 0
    assert careful.reasons() == {"taken-down": 1}


# Turns


def test_a_host_s_delay_holds_for_all(address: str) -> None:
    who = [join(address) for _ in range(3)]
    who[0].add(entry(str(number)) for number in range(6))
    last = 0.0
    for number in range(6):
        one = who[number % 3]
        found = until(partial(one.take, "s.test", "", 1, time.time(), delay=0.15, concurrency=9))
        started = time.monotonic()
        assert started - last >= 0.15
        assert who[(number + 1) % 3].take("s.test", "", 1, time.time(), delay=0.15, concurrency=9) == []
        assert who[(number + 1) % 3].hold(entry("probe"), delay=0.15) > 0
        time.sleep(0.02)
        # Answered now: from here the next delay counts.
        last = time.monotonic()
        one.let_go(found[0], asked=True, delay=0.15)


def test_without_a_delay_the_concurrency_holds_for_all(address: str) -> None:
    first, second = join(address), join(address)
    first.add(entry(str(number)) for number in range(9))
    taken = [first.take("s.test", "", 1, 0.0, delay=0.0, concurrency=3) for _ in range(2)]
    assert second.hold(entry("probe"), delay=0.0, concurrency=3) == 0.0
    for one in (first, second):
        assert one.take("s.test", "", 1, 0.0, delay=0.0, concurrency=3) == []
    first.let_go(taken[0][0], asked=True, delay=0.0)
    assert second.take("s.test", "", 1, 0.0, delay=0.0, concurrency=3)
    # Another host's turn is its own.
    second.add([entry("1", host="t.test")])
    assert second.take("t.test", "", 1, 0.0, delay=0.0, concurrency=1)


def test_a_host_that_asks_for_rest_is_left_alone_by_all(address: str) -> None:
    first, second = join(address), join(address)
    first.add([entry("1")])
    first.rest("s.test", 0.3)
    first.rest("s.test", -1.0)
    started = time.monotonic()
    assert take(second) is None
    assert (second.next_due("s.test") or 0.0) > time.time() + 0.1
    until(lambda: take(second))
    assert time.monotonic() - started >= 0.25


def test_a_dead_process_s_turn_ends_with_its_lease_and_the_delay(address: str) -> None:
    dead, alive = join(address, lease=0.3), join(address, lease=0.3)
    dead.add([entry("1"), entry("2")])
    assert dead.take("s.test", "", 1, 0.0, delay=0.2)
    die(dead)
    gone = time.monotonic()
    until(lambda: alive.take("s.test", "", 1, 0.0, delay=0.2))
    assert time.monotonic() - gone >= 0.2
    alive.leave()


def test_pause_and_resume(address: str) -> None:
    first = join(address)
    first.add([entry("1")])
    looker = RedisFrontier(Link(address))
    looker.pause()
    assert looker.paused()
    assert take(first) is None
    assert first.hold(entry("probe")) > 0
    looker.resume()
    assert take(first)


def test_fresh_forgets_this_crawl_alone_and_only_when_nobody_is_at_it(address: str) -> None:
    first, second, other = join(address), join(address), join(address + "x")
    first.add([entry("1")])
    other.add([entry("1")])
    with pytest.raises(FrontierError, match="1 other crawls are at work"):
        first.clear()
    second.leave()
    first.clear()
    assert first.counts() == {}
    assert other.counts() == {"queued": 1}


# Sessions


class Crawler:
    """One crawling process, played in this one: a session over a corpus of its own and the shared frontier."""

    def __init__(self, address: str, web: Mapping[str, Answer], sink: MemorySink, lease: float) -> None:
        self.sink = sink
        self.web = web
        site = from_url(f"{A}/")
        frontier = RedisFrontier(
            Link(address), sink.connection, [site.name], lease=lease, delay=0.0, concurrency=4
        )
        self.frontier = frontier
        self.session = Session(sink, [site], retry_base=0.01, frontier=frontier)
        self.session.open()

    def step(self, *, answer: bool = True) -> bool:
        """Ask for one URL, if there is one; return whether there is more to do."""
        entry = self.session.next(lambda _host: True)
        if entry is None:
            return self.session.waiting()
        if answer:
            status, headers, body = self.web.get(entry.url, (404, {}, ""))
            fetch = Fetch(
                entry.url, datetime.now(UTC), body.encode(), status=status, headers=tuple(headers.items())
            )
            self.session.visited(entry, fetch)
        return True

    def die(self) -> None:
        die(self.frontier)
        self.sink.connection.rollback()


def step_all(crawlers: list[Crawler]) -> bool:
    """Let each have its turn; return whether any has more to do."""
    return sum(crawler.step() for crawler in crawlers) > 0


def test_three_crawlers_together_fetch_what_one_does(address: str) -> None:
    web = small_site(8)
    first = Crawler(address, web, MemorySink(), 30.0)
    while f"{A}/" not in urls(first.sink):
        first.step()
    first.session.checkpoint()
    # The others come when there is something for each: one that finds nothing looks again only half a second later.
    crawlers = [first, *(Crawler(address, web, MemorySink(), 30.0) for _ in range(2))]
    busy = True
    while busy:
        busy = step_all(crawlers)
    total = sum((urls(crawler.sink) for crawler in crawlers), Counter[str]())
    summaries = [crawler.session.close("finished") for crawler in crawlers]
    assert total == dict.fromkeys([*web, f"{A}/list/8.html"], 1)
    assert all(len(crawler.sink.fetches) > 0 for crawler in crawlers)
    assert summaries[-1].states == {"done": len(web) + 1}
    assert sum(summary.fetched for summary in summaries) == len(web) + 1
    # A new run looks at the start page again, and at nothing else.
    again = Crawler(address, web, MemorySink(), 30.0)
    while again.step():
        pass
    assert urls(again.sink) == {f"{A}/": 1}
    again.session.close("finished")


@pytest.mark.parametrize("seed", [1, 2])
def test_dying_crawlers_lose_nothing_and_double_no_more_than_leases_allow(address: str, seed: int) -> None:
    web = small_site(8)
    rng = random.Random(seed)
    sinks: list[MemorySink] = []
    crawlers: list[Crawler] = []
    deaths = 0

    def start(sink: MemorySink) -> None:
        crawlers.append(Crawler(address, web, sink, 0.5))
        if sink not in sinks:
            sinks.append(sink)

    start(MemorySink())
    start(MemorySink())
    when = set(rng.sample(range(2, 40), 6))
    busy, turn = True, 0
    while busy:
        turn += 1
        if turn in when:
            deaths += 1
            victim = crawlers.pop(rng.randrange(len(crawlers)))
            victim.step(answer=rng.random() < 0.5)
            victim.die()
            # Half of them are started again on their corpus, at once; the others' work is left to whoever is there.
            start(victim.sink if rng.random() < 0.5 else MemorySink())
        busy = step_all(crawlers)
    total = sum((urls(sink) for sink in sinks), Counter[str]())
    assert set(total) == {*web, f"{A}/list/8.html"}, "no URL is lost"
    assert deaths == 6
    assert max(total.values()) <= 1 + deaths
    assert sum(total.values()) - len(total) <= deaths * BATCH, "no more than what was not yet acknowledged"
    assert crawlers[0].frontier.counts() == {"done": len(total)}
    for crawler in crawlers:
        crawler.session.close("finished")


def test_a_run_started_again_on_its_corpus_fetches_nothing_twice(address: str) -> None:
    web = small_site(4)
    sink = MemorySink()
    replayed = 0
    for number in range(4):
        crawler = Crawler(address, web, sink, 30.0)
        replayed += crawler.session.summary.replayed
        for _ in range(9 + number):
            crawler.step()
        crawler.step(answer=False)
        crawler.die()
    crawler = Crawler(address, web, sink, 30.0)
    while crawler.step():
        pass
    crawler.session.close("finished")
    assert replayed > 0
    assert urls(sink) == dict.fromkeys([*web, f"{A}/list/4.html"], 1)


# A server that goes away


def test_a_restart_of_the_server_loses_nothing(tmp_path: Path) -> None:
    web = small_site(5)
    with RedisServer(tmp_path) as server:
        crawlers = [Crawler(f"{server.url}#r", web, MemorySink(), 1.0) for _ in range(2)]
        for _ in range(15):
            for crawler in crawlers:
                crawler.step()
        server.kill()
        for _ in range(30):
            for crawler in crawlers:
                assert crawler.step(), "a server that is gone is waited for"
        assert crawlers[0].frontier.away() > 0
        assert sum(len(crawler.sink.fetches) for crawler in crawlers) <= 32
        server.start()
        busy = True
        while busy:
            busy = step_all(crawlers)
        total = sum((urls(crawler.sink) for crawler in crawlers), Counter[str]())
        assert total == dict.fromkeys([*web, f"{A}/list/5.html"], 1)
        # The leases were renewed all the while, and are.
        time.sleep(1.2)
        assert len(crawlers[0].frontier.crawlers()) == 2
        for crawler in crawlers:
            crawler.session.close("finished")


def test_a_server_that_stays_away_ends_the_run_and_the_next_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "AWAY_SECONDS", 0.3)
    web = small_site(3)
    with RedisServer(tmp_path) as server:
        crawler = Crawler(f"{server.url}#r", web, MemorySink(), 30.0)
        for _ in range(9):
            crawler.step()
        server.kill()
        while crawler.step():
            time.sleep(0.01)
        summary = crawler.session.close("finished")
        assert summary.reason == "shared frontier out of reach"
        assert "can't be reached" in summary.warnings[0]
        server.start()
        again = Crawler(f"{server.url}#r", web, crawler.sink, 30.0)
        while again.step():
            pass
        assert again.session.close("finished").reason == "finished"
        assert urls(crawler.sink) == dict.fromkeys([*web, f"{A}/list/3.html"], 1)


def test_a_server_that_forgot_the_crawl_stops_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    web = small_site(3)
    with RedisServer(tmp_path, keeps=False) as server:
        assert "appendonly yes" in Link(server.url).warnings()[0]
        crawler = Crawler(f"{server.url}#r", web, MemorySink(), 30.0)
        for _ in range(9):
            crawler.step()
        server.kill()
        assert crawler.step()
        server.start()
        while crawler.step():
            time.sleep(0.01)
        summary = crawler.session.close("finished")
        assert summary.reason == "shared frontier out of reach"
        assert "has forgotten this crawl" in caplog.text
        assert RedisFrontier(Link(f"{server.url}#r")).counts() == {}
        # The same corpus begins a new frontier, and archives what there is.
        again = Crawler(f"{server.url}#r", web, crawler.sink, 30.0)
        while again.step():
            pass
        again.session.close("finished")
        assert set(urls(crawler.sink)) == {*web, f"{A}/list/3.html"}


def test_an_answer_lost_on_its_way_leaves_nothing_leased(address: str) -> None:
    first = join(address)
    first.add([entry("1")])
    # The server has done it, and the client never heard.
    first.link.run("take", {**first._turn("s.test", 0.0, 4), "sites": [SITE]})
    first._lapsed.set()
    assert until(lambda: take(first))


def test_a_lapsed_lease_is_told_and_taken_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_frontier, "BEATS", 0.5)
    sleepy = join(address, lease=0.1)
    sleepy.add([entry("1")])
    until(sleepy._lapsed.is_set)
    assert take(sleepy)
    sleepy.leave()


def test_writes_wait_while_the_server_is_away(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        first = join(f"{server.url}#w")
        first.add([entry("1")])
        found = first.take("s.test", "", 1, 0.0)
        server.kill()
        first.let_go(found[0], asked=True)
        with pytest.raises(FrontierAwayError, match="can't be reached"), first.together():
            first.settle(found[0].key, "done")
        assert first.counts() == {}
        assert first.hosts() == []
        assert first.robots("http://s.test", 0.0) is None
        server.start()

        def written() -> bool:
            try:
                with first.together():
                    first.settle(found[0].key, "done")
            except FrontierAwayError:
                return False
            return True

        until(written)
        assert first.counts() == {"done": 1}
        assert first.link.client.hlen(first.link.key("turns:s.test")) == 0


def test_text_that_json_does_not_hold(address: str) -> None:
    first = join(address)
    first.add([entry("1", anchor="\ud800\0\x1b[31m'\"\\逾期" + PROSE)])
    found = take(first)
    assert found is not None
    assert found.anchor == "\N{REPLACEMENT CHARACTER}\0\x1b[31m'\"\\逾期" + PROSE
    assert page("/x")[0] == 200
