import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from corpus.records import Fetch
from crawler.frontier import Scope, canonical
from crawler.session import BATCH, MAX_HOPS, MOST_LEASED, Limits, Session
from crawler.site import Site, from_url, parse
from crawler.traps import probe_paths
from tests.crawler.web import PROSE, Answer, Clock, DiedError, MemorySink, Web, crawl, page, redirect, urls

A = "http://a.test"


def small_site(pages: int = 30) -> dict[str, Answer]:
    """Return a site of list pages with ten articles each, which link to one another."""
    web: dict[str, Answer] = {}
    for number in range(pages):
        articles = [f"/post/{number * 10 + n}.html" for n in range(10)]
        web[f"{A}/list/{number}.html"] = page(*articles, f"/list/{number + 1}.html", "/")
        for n, article in enumerate(articles):
            web[A + article] = page(
                "/", f"/post/{(number * 10 + n * 7) % (pages * 10)}.html", text=f"{number}-{n}" + PROSE
            )
    web[f"{A}/"] = page("/list/0.html", "/about.html")
    web[f"{A}/about.html"] = page("/", text="关于")
    return web


def test_a_site_is_collected_whole_and_once() -> None:
    web = small_site()
    summary, sink, _ = crawl(web, f"{A}/")
    assert urls(sink) == dict.fromkeys([*web, f"{A}/list/30.html"], 1)
    assert summary.reason == "finished"
    assert summary.states == {"done": len(web) + 1}
    assert summary.articles == {"a.test": 300}


def test_dying_at_any_response_loses_and_doubles_nothing() -> None:
    web = small_site(6)
    _, undisturbed, _ = crawl(web, f"{A}/")
    rng = random.Random(11)
    sink = MemorySink()
    deaths = 0
    for _ in range(25):
        try:
            crawl(web, f"{A}/", sink=sink, die_after=rng.randrange(0, 12))
        except DiedError:
            deaths += 1
    _, _, session = crawl(web, f"{A}/", sink=sink)
    counts = urls(sink)
    # A new run, after one that came to its end, looks at its start page again.
    assert counts.pop(f"{A}/") >= 1
    expected = urls(undisturbed)
    del expected[f"{A}/"]
    assert counts == expected
    assert deaths > 5
    assert session.frontier.counts() == {"done": len(expected) + 1}


def test_a_later_run_fetches_what_is_new() -> None:
    web = small_site(2)
    _, sink, _ = crawl(web, f"{A}/")
    before = len(sink.fetches)
    web[f"{A}/"] = page("/list/0.html", "/about.html", "/post/new.html")
    web[f"{A}/post/new.html"] = page(text=PROSE)
    crawl(web, f"{A}/", sink=sink)
    assert [fetch.url for fetch in sink.fetches[before:]] == [f"{A}/", f"{A}/post/new.html"]


def test_fresh_starts_over() -> None:
    web = small_site(1)
    _, sink, _ = crawl(web, f"{A}/")
    crawl(web, f"{A}/", sink=sink, fresh=True)
    assert set(urls(sink).values()) == {2}


def test_scope_and_file_types_are_recorded_as_reasons() -> None:
    web = {f"{A}/": page("http://b.test/x", "/pic.jpg", "/a/b/a/b/", "/ok"), f"{A}/ok": page(text=PROSE)}
    summary, sink, session = crawl(web, f"{A}/")
    assert set(urls(sink)) == {f"{A}/", f"{A}/ok"}
    assert summary.why_not == {"file-type": 1, "off-scope": 1, "repeating-path": 1}
    known = session.frontier.look(canonical("http://b.test/x"))
    assert known is not None
    assert (known[0].why, known[1], known[0].parent) == ("off-scope", "excluded", f"{A}/")


@pytest.mark.parametrize(
    ("limits", "reason", "most"),
    [
        (Limits(pages=7), "page limit", 7),
        (Limits(bytes=4000), "byte limit", 40),
        (Limits(depth=1), "finished", 33),
    ],
)
def test_limits(limits: Limits, reason: str, most: int) -> None:
    summary, sink, _ = crawl(small_site(), f"{A}/", limits=limits)
    assert summary.reason == reason
    assert len(sink.fetches) <= most
    if reason != "finished":
        assert summary.states["queued"] > 0


B = "http://b.test"


def two_sites(budget: str) -> tuple[Site, Site]:
    limited = parse(f"name = 'a'\nseeds = ['{A}/']\n[budget]\n{budget}\n", "a.toml")
    return limited, from_url(f"{B}/")


def other_site() -> dict[str, Answer]:
    return {url.replace(A, B): (status, head, text) for url, (status, head, text) in small_site().items()}


@pytest.mark.parametrize(
    ("budget", "what", "most"),
    [("pages = 5", "page budget", 5), ("bytes = 4000", "byte budget", 8), ("seconds = 1", "time budget", 60)],
)
def test_a_site_s_own_budget_leaves_the_others_theirs(budget: str, what: str, most: int) -> None:
    web = {**small_site(), **other_site()}
    clock = Clock()

    def slow(url: str) -> Answer | None:
        clock.now += 0.2
        return web.get(url, (404, {}, ""))

    summary, sink, _ = crawl(slow, *two_sites(budget), clock=clock)
    fetched = urls(sink)
    assert summary.reason == "finished"
    assert summary.spent == {"a": what}
    assert summary.warnings == []
    assert 0 < sum(url.startswith(A) for url in fetched) <= most
    assert {url for url in web if url.startswith(B)} <= set(fetched)
    # What was left waits, and the next run goes on with it.
    assert summary.states["queued"] > 0
    again, _, _ = crawl(web, from_url(f"{A}/"), from_url(f"{B}/"), sink=sink)
    assert again.spent == {}


def test_a_site_s_own_depth() -> None:
    summary, sink, _ = crawl({**small_site(), **other_site()}, *two_sites("depth = 0"))
    assert {url for url in urls(sink) if url.startswith(A)} == {f"{A}/"}
    assert summary.why_not["depth"] > 0


def test_robots_that_were_archived_just_before_a_kill_are_known() -> None:
    sink = MemorySink()
    crawl(small_site(3), f"{A}/", sink=sink)
    rules = b"User-agent: *\nDisallow: /x"
    found = (
        (200, rules, (200, rules)), (404, b"", (404, b"")), (503, b"", None), (429, b"", None), (301, b"", None),
    )  # fmt: skip
    for number, (status, body, _) in enumerate(found):
        sink.add(Fetch(f"http://{number}.test/robots.txt", datetime.now(UTC), body, status=status))
    _, _, session = crawl(small_site(3), f"{A}/", sink=sink)
    assert [session.frontier.robots(f"http://{n}.test", 0.0) for n in range(5)] == [known for _, _, known in found]


class BusySink(MemorySink):
    """A sink whose database somebody else is always writing to."""

    def free(self) -> bool:
        return False


def test_a_busy_database_holds_nothing_up_and_loses_nothing() -> None:
    told: list[int] = []
    sink = BusySink()
    web = small_site(60)

    def held(url: str) -> Answer:
        told.append(sink.connection.execute("SELECT count(*) FROM frontier WHERE state = 'done'").fetchone()[0])
        return web.get(url, (404, {}, ""))

    summary, _, _ = crawl(held, f"{A}/", sink=sink)
    assert summary.states["done"] == len(urls(sink))
    # Consequences are written when URLs are leased, many at a time.
    assert len(set(told)) <= 4 * len(told) / BATCH


def test_the_page_limit_is_per_run_and_the_next_run_goes_on() -> None:
    web = small_site(2)
    sink = MemorySink()
    for _ in range(20):
        summary, _, _ = crawl(web, f"{A}/", sink=sink, limits=Limits(pages=5))
        if not summary.states.get("queued"):
            break
    assert urls(sink) == dict.fromkeys({*web, f"{A}/list/2.html"}, 1)


def test_redirects_are_urls_of_their_own() -> None:
    web = {
        f"{A}/": page("/r1", "/loop1", "/out", "/nowhere"),
        f"{A}/r1": redirect("/r2"),
        f"{A}/r2": redirect("/target", 302),
        f"{A}/target": page(text=PROSE),
        f"{A}/loop1": redirect("/loop2"),
        f"{A}/loop2": redirect("/loop1"),
        f"{A}/out": redirect("http://b.test/"),
        f"{A}/nowhere": (301, {}, ""),
    }
    summary, sink, session = crawl(web, f"{A}/")
    assert set(urls(sink).values()) == {1}
    assert set(urls(sink)) == set(web)
    assert summary.why_not == {"off-scope": 1}
    nowhere = session.frontier.look(f"{A}/nowhere")
    assert nowhere is not None
    assert nowhere[0].why == "redirect-nowhere"


def test_an_endless_chain_of_redirects_ends() -> None:
    def web(url: str) -> Answer:
        number = int(url.rpartition("/")[2] or 0)
        return redirect(f"/hop/{number + 1}")

    _, sink, _ = crawl(web, f"{A}/hop/0")
    assert len(sink.fetches) == MAX_HOPS + 1


def test_a_redirect_to_another_spelling_of_the_same_url_is_followed() -> None:
    web = {
        f"{A}/": page("/x?b=1&a=2"),
        f"{A}/x?b=1&a=2": redirect("/x?a=2&b=1"),
        f"{A}/x?a=2&b=1": page(text=PROSE),
    }
    _, sink, _ = crawl(web, f"{A}/")
    assert urls(sink) == dict.fromkeys(web, 1)


def test_failures_are_tried_again_and_then_given_up() -> None:
    calls: dict[str, int] = {}

    def web(url: str) -> Answer | None:
        calls[url] = calls.get(url, 0) + 1
        if url == f"{A}/":
            return page("/flaky", "/broken", "/silent", "/gone")
        if url == f"{A}/flaky":
            return (503, {"retry-after": "30"}, "") if calls[url] == 1 else page(text=PROSE)
        return (
            {"/broken": (500, {}, ""), "/gone": (410, {}, ""), "/silent": None}[url.removeprefix(A)]
            if url.removeprefix(A) in ("/broken", "/gone", "/silent")
            else (404, {}, "")
        )

    clock = Clock()
    start = clock.now
    summary, _, session = crawl(web, f"{A}/", clock=clock)
    assert calls[f"{A}/flaky"] == 2
    assert calls[f"{A}/broken"] == calls[f"{A}/silent"] == 3
    assert calls[f"{A}/gone"] == 1
    assert clock.now - start >= 30
    assert summary.why_not == {"http-500": 1, "timeout": 1}
    flaky = session.frontier.look(f"{A}/flaky")
    assert flaky is not None
    assert flaky[1:] == ("done", 200)


def test_a_dead_host_is_left_alone_and_the_other_goes_on() -> None:
    web = {**small_site(3), "http://dead.test/": page(*(f"/{n}" for n in range(50)))}
    summary, sink, _ = crawl(web.get, f"{A}/", "http://dead.test/")
    asked = [url for url in urls(sink) if url.startswith(A)]
    assert len(asked) == len(small_site(3))
    assert any(warning.startswith("dead.test: left alone") for warning in summary.warnings)


def test_a_calendar_that_no_rule_knows_is_closed() -> None:
    def web(url: str) -> Answer:
        if url.startswith(f"{A}/rota/"):
            number = int(url.rpartition("/")[2])
            return page(f"/rota/{number + 1}", "/", text="无")
        return small_site(2).get(url, (404, {}, "")) if url != f"{A}/" else page("/rota/0", "/list/0.html")

    summary, sink, _ = crawl(web, f"{A}/")
    assert sum("/rota/" in url for url in urls(sink)) < 20
    assert sum("/post/" in url for url in urls(sink)) == 20
    assert summary.why_not["barren-shape"] == 1


def pool(seed: int) -> Web:
    """Return a web in which every path of every host answers with fresh text and fresh links."""

    def web(url: str) -> Answer:
        rng = random.Random(f"{seed}{url}")
        text = "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(800))
        links = [f"http://{rng.randrange(10**9)}.pool.test/{rng.randrange(10**9)}.html" for _ in range(10)]
        return page(*links, *(f"/{rng.randrange(10**9)}/" for _ in range(10)), text=text, title=text[:12])

    return web


def test_a_spider_pool_is_closed_and_the_healthy_site_collected() -> None:
    healthy, nonsense = small_site(5), pool(3)
    site = replace(from_url("http://pool.test/"), scope=Scope(frozenset({"pool.test"}), subdomains=True))

    def web(url: str) -> Answer:
        return healthy.get(url, (404, {}, "")) if url.startswith(A) else nonsense(url) or (404, {}, "")

    summary, sink, _ = crawl(web, f"{A}/", site)
    pool_fetches = sum(count for url, count in urls(sink).items() if "pool.test" in url)
    assert pool_fetches < 200
    assert {url for url in urls(sink) if url.startswith(A)} >= set(healthy)
    assert summary.why_not["pool"] > 0


def test_soft_404s_are_recorded() -> None:
    def web(url: str) -> Answer:
        known = small_site(1)
        return known[url] if url in known else page("/", text="您访问的页面不存在，可能已经删除。请返回首页。" * 3)

    web_links = page("/list/0.html", "/missing/1", "/missing/2")
    _, _, session = crawl(lambda url: web_links if url == f"{A}/" else web(url), f"{A}/")
    missing = session.frontier.look(f"{A}/missing/1")
    assert missing is not None
    assert missing[0].why == "soft-404"
    article = session.frontier.look(f"{A}/post/1.html")
    assert article is not None
    assert article[0].why is None


def test_www_twins_are_found_by_content() -> None:
    bare = small_site(4)

    def web(url: str) -> Answer:
        return bare.get(url.replace("//www.", "//"), (404, {}, ""))

    both = {
        **bare,
        f"{A}/": page("/list/0.html", "http://www.a.test/list/0.html", "http://www.a.test/list/1.html"),
    }
    _, sink, _ = crawl(lambda url: both[url] if url == f"{A}/" else web(url), f"{A}/")
    assert sum("//www." in url for url in urls(sink)) <= 4
    assert {url for url in urls(sink) if "//www." not in url} >= set(bare) - {f"{A}/about.html"}


def test_twins_that_were_proved_before_a_kill_are_known_after_it() -> None:
    bare = small_site(20)
    bare[f"{A}/"] = page("/list/0.html", *(f"http://www.a.test/list/{n}.html" for n in range(20)))

    def web(url: str) -> Answer:
        return bare.get(url.replace("//www.", "//"), (404, {}, ""))

    sink = MemorySink()
    with pytest.raises(DiedError):
        crawl(web, f"{A}/", sink=sink, die_after=150)
    before = {url for url in urls(sink) if "//www." in url}
    _, _, session = crawl(web, f"{A}/", sink=sink)
    after = {url for url in urls(sink) if "//www." in url}
    assert session.judge.twins.same("www.a.test") is True
    assert len(before) >= 2
    assert after == before
    # Starting over forgets it: the sites may have parted since.
    _, _, fresh = crawl({}, f"{A}/", sink=sink, fresh=True)
    assert fresh.judge.twins.same("www.a.test") is None


def trapped(url: str) -> Answer:
    """A site with two calendars, error pages that answer 200, and articles behind its lists."""
    for name, width in (("rota", 1), ("turnus", 3)):
        if url.startswith(f"{A}/{name}/"):
            number = int(url.rpartition("/")[2])
            return page(*(f"/{name}/{number * width + step}" for step in range(1, width + 1)), "/", text="无")
    if url == f"{A}/":
        return page("/rota/0", "/turnus/0", "/list/0.html", "/list/1.html", *(f"/gone/{n}" for n in range(5)))
    gone = page("/", text="您访问的页面不存在，可能已经删除。请返回首页。" * 3)
    return small_site(3).get(url, gone)


@pytest.mark.parametrize("step", [3, 7, 11, 26])
def test_traps_that_were_learned_before_kills_are_known_after_them(step: int) -> None:
    """However often it is killed, a crawl fetches what an undisturbed one does, and asks each host's probes once."""
    undisturbed, sink, _ = crawl(trapped, f"{A}/")
    probes: Counter[str] = Counter()

    def web(url: str) -> Answer:
        probes[url] += url.rpartition("/")[2] in {path.rpartition("/")[2] for path in probe_paths("a.test")}
        return trapped(url)

    disturbed = MemorySink()
    for _ in range(100):
        try:
            summary, _, session = crawl(web, f"{A}/", sink=disturbed, die_after=step)
            break
        except DiedError:
            continue
    assert urls(disturbed) == urls(sink)
    assert summary.states == undisturbed.states
    assert set(session.judge.watch.shut.values()) == {"barren-shape"}
    assert max(probes.values()) <= (1 if step > 3 else 2)
    # A run that was not interrupted learns afresh.
    _, _, later = crawl({}, f"{A}/", sink=disturbed)
    assert not later.judge.watch.shut


def test_hosts_that_differ_are_both_collected() -> None:
    web = {f"{A}/": page("http://www.a.test/")}
    for n in range(8):
        web[f"{A}/x{n}"] = page(text=f"甲{n}" + PROSE)
        web[f"http://www.a.test/x{n}"] = page(text=PROSE + f"乙{n}另一篇文章，讲的是别的事情。")
    web[f"{A}/"] = page("http://www.a.test/", *(f"/x{n}" for n in range(8)))
    web["http://www.a.test/"] = page(*(f"/x{n}" for n in range(8)))
    _, sink, _ = crawl(web, f"{A}/")
    assert set(urls(sink)) == set(web)


def test_sitemaps_and_feeds_lead_to_pages() -> None:
    xml = {"content-type": "application/xml"}
    site = parse(f"seeds = ['{A}/']\nsitemaps = ['{A}/map.xml']", "x.toml")
    web: dict[str, Answer] = {
        f"{A}/": (200, {"content-type": "text/html"}, "<link rel=alternate type=application/atom+xml href=/feed>"),
        f"{A}/map.xml": (200, xml, f"<sitemapindex><sitemap><loc>{A}/map1.xml</loc></sitemap></sitemapindex>"),
        f"{A}/map1.xml": (
            200,
            xml,
            f"<urlset><url><loc>{A}/m</loc></url><url><loc>http://b.test/</loc></url></urlset>",
        ),
        f"{A}/feed": (200, xml, "<feed><entry><link href='/f'/></entry></feed>"),
        f"{A}/m": page(text=PROSE),
        f"{A}/f": page(text=PROSE),
    }
    _, sink, _ = crawl(web, site)
    assert set(urls(sink)) == set(web)


def test_declared_patterns_decide() -> None:
    site = parse(
        f"seeds = ['{A}/']\nfollow.article = ['^/post/']\nfollow.list = ['^/list/']\nfollow.skip = ['/post/0']\n"
        "follow.strict = true\nexpect.min = 50",
        "x.toml",
    )
    summary, sink, session = crawl(small_site(2), site)
    assert f"{A}/about.html" not in urls(sink)
    assert f"{A}/post/0.html" not in urls(sink)
    assert summary.articles == {"x": 19}
    assert any("expected at least 50" in warning for warning in summary.warnings)
    about = session.frontier.look(f"{A}/about.html")
    assert about is not None
    assert about[0].why == "no-pattern"


def test_articles_come_before_other_links() -> None:
    site = parse(f"seeds = ['{A}/']\nfollow.article = ['^/post/']", "x.toml")
    web = {f"{A}/": page(*(f"/z{n}" for n in range(20)), "/post/1", "/post/2")}
    _, sink, _ = crawl(web.get, site, limits=Limits(pages=1))
    assert [fetch.url for fetch in sink.fetches] == [f"{A}/"]
    order: list[str] = []

    def recording(url: str) -> Answer:
        order.append(url)
        return web.get(url, page(text=PROSE))

    crawl(recording, site)
    assert [url for url in order if "/z" in url or "/post/" in url][:2] == [f"{A}/post/1", f"{A}/post/2"]


def test_links_about_the_subject_come_first() -> None:
    anchors = (
        "".join(f"<a href='/n{n}'>今日新闻{n}</a>" for n in range(20)) + "<a href='/debt'>信用卡逾期怎么协商</a>"
    )
    start: Answer = (200, {"content-type": "text/html; charset=utf-8"}, anchors)
    order: list[str] = []

    def web(url: str) -> Answer:
        order.append(url)
        return start if url == f"{A}/" else page(text=PROSE)

    crawl(web, f"{A}/")
    asked = [url for url in order if "/n" in url or "/debt" in url]
    assert asked[0] == f"{A}/debt"
    assert len(asked) == 21


def test_a_run_leaves_other_sites_of_the_corpus_alone() -> None:
    one = small_site(2)
    both = {**one, **{url.replace("a.test", "b.test"): answer for url, answer in one.items()}}
    sink = MemorySink()
    crawl(both, f"{A}/", "http://b.test/", sink=sink, limits=Limits(pages=6))
    before = {url for url in urls(sink) if "b.test" in url}
    summary, _, session = crawl(both, f"{A}/", sink=sink)
    assert summary.reason == "finished"
    assert {url for url in urls(sink) if "b.test" in url} == before
    assert set(urls(sink)) >= set(one)
    assert session.frontier.counts("b.test")["queued"] > 0


def test_a_folders_default_document_is_fetched_once_it_is_proved() -> None:
    folders = [f"/c{n}/" for n in range(6)]
    web = {f"{A}/": page("/index.html", *folders, *(f"{folder}index.html" for folder in folders), text=PROSE)}
    web[f"{A}/index.html"] = web[f"{A}/"]
    for n, folder in enumerate(folders):
        web[A + folder] = web[f"{A}{folder}index.html"] = page(
            "/", f"/post/{n}.html", text=f"{'甲乙丙丁戊己'[n]}{PROSE}"
        )
    summary, sink, session = crawl(web, f"{A}/")
    fetched = urls(sink)
    assert set(folders) <= {url.removeprefix(A) for url in fetched}
    assert sum(url.endswith("index.html") for url in fetched) < 6
    assert summary.why_not["twin"] >= 1
    assert session.judge.twins.plain(f"{A}/c9/index.html") == f"{A}/c9/"


def test_a_redirect_from_a_default_document_is_evidence_too() -> None:
    folders = [f"/c{n}/" for n in range(4)]
    web = {f"{A}/": page(*folders, *(f"{folder}index.html" for folder in folders), text=PROSE)}
    for folder in folders:
        web[A + folder] = page("/", text=f"{folder}{PROSE}")
        web[f"{A}{folder}index.html"] = redirect(f"{A}{folder}")
    _, _, session = crawl(web, f"{A}/")
    assert session.judge.twins.plain(f"{A}/c9/index.html") == f"{A}/c9/"


def wide_site(count: int) -> dict[str, Answer]:
    """Return a site whose start page names all of its articles."""
    articles = [f"/post/{number}.html" for number in range(count)]
    texts = {A + article: page(text=f"{article}{PROSE}") for article in articles}
    return {f"{A}/": page(*articles), **texts}


def leased(web: dict[str, Answer], seconds: float, *, pages: int | None = None) -> tuple[list[int], MemorySink]:
    """Crawl with that many seconds to an answer; return how many URLs stood leased at each, and the sink."""
    clock, sink, seen = Clock(), MemorySink(), list[int]()

    def answer(url: str) -> Answer | None:
        clock.now += seconds
        row = sink.connection.execute("SELECT COUNT(*) FROM frontier WHERE state = 'leased'").fetchone()
        seen.append(row[0])
        return web.get(url, (404, {}, ""))

    crawl(answer, f"{A}/", sink=sink, clock=clock, limits=Limits(pages=pages))
    return seen, sink


def test_more_is_leased_of_a_host_that_answers_fast() -> None:
    seen, sink = leased(wide_site(1500), 0.002)
    assert BATCH < max(seen) <= MOST_LEASED + MOST_LEASED // 2
    assert set(urls(sink).values()) == {1}
    assert len(urls(sink)) == 1501


@pytest.mark.parametrize("seconds", [0.1, 0.5, 20.0])
def test_a_polite_crawl_leases_no_more_than_a_batch(seconds: float) -> None:
    seen, _ = leased(wide_site(300), seconds)
    assert max(seen) <= BATCH + BATCH // 2


def test_a_host_that_gives_out_few_links_at_a_time_is_not_taken_for_a_fast_one() -> None:
    # Each page names the next: a lease is used up at once, whatever the host's pace; then comes a long list.
    chain = {f"{A}/post/{n}.html": page(f"/post/{n + 1}.html", text=f"{n}{PROSE}") for n in range(40)}
    ends = [f"/post/{n}.html" for n in range(100, 400)]
    web = {f"{A}/": page("/post/0.html"), **chain, f"{A}/post/40.html": page(*ends, text=PROSE)}
    web |= {A + end: page(text=end + PROSE) for end in ends}
    seen, _ = leased(web, 0.2)
    assert max(seen) <= BATCH + BATCH // 2


def test_a_host_that_becomes_slow_is_leased_less() -> None:
    clock, sink = Clock(), MemorySink()
    session = Session(sink, [from_url(f"{A}/")], clock=clock)
    session.open()
    body = "".join(f"<a href='/post/{n}.html'>{n}</a>" for n in range(3000))
    sizes = []
    for number in range(1200):
        entry = session.next(lambda _host: True)
        assert entry is not None
        clock.now += 0.001 if number < 600 else 0.5
        when = datetime.fromtimestamp(clock.now, UTC)
        headers = (("content-type", "text/html; charset=utf-8"),)
        text = body if entry.url == f"{A}/" else f"{entry.url}{PROSE}"
        session.visited(entry, Fetch(entry.url, when, text.encode(), status=200, headers=headers))
        sizes.append(session._portion("a.test", clock.now))
    assert max(sizes) == MOST_LEASED
    assert sizes[-1] == BATCH


def test_what_is_leased_when_a_run_ends_is_fetched_by_the_next() -> None:
    web = wide_site(1500)
    seen, sink = leased(web, 0.002, pages=1000)
    assert seen[-1] > BATCH
    states = sink.connection.execute(
        "SELECT state, COUNT(*) FROM frontier GROUP BY state ORDER BY state"
    ).fetchall()
    assert dict(states) == {"done": 1000, "queued": 501}
    crawl(web, f"{A}/", sink=sink)
    assert urls(sink) == dict.fromkeys(web, 1)


def test_dying_with_many_leased_loses_and_doubles_nothing() -> None:
    web = wide_site(1500)
    sink = MemorySink()
    for die_after in (700, 300):
        with pytest.raises(DiedError):
            crawl(web, f"{A}/", sink=sink, die_after=die_after)
        row = sink.connection.execute("SELECT COUNT(*) FROM frontier WHERE state = 'leased'").fetchone()
        assert row[0] > BATCH
    crawl(web, f"{A}/", sink=sink)
    assert urls(sink) == dict.fromkeys(web, 1)


def test_what_matters_more_waits_for_a_second_of_a_fast_host_s_pages_at_most() -> None:
    plain = [f"/x/{number}" for number in range(2000)]
    web = {f"{A}/": page(*plain), **{A + path: page(text=f"{path}{PROSE}") for path in plain}}
    web[f"{A}/x/300"] = page("/post/1.html", text=PROSE)
    web[f"{A}/post/1.html"] = page(text=f"1{PROSE}")
    _, sink = leased(web, 0.01)
    order = [fetch.url for fetch in sink.fetches]
    between = order.index(f"{A}/post/1.html") - order.index(f"{A}/x/300")
    assert between <= 100 + 100 // 2 + 4 * BATCH
