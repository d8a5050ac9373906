"""Focus: what is followed, in which order, and what is said about the rest."""

from __future__ import annotations

import json
import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.focus import crawled, mixed_site
from corpus.store import Corpus
from crawler import cli
from crawler.focus import LINK_ENOUGH, PAGE_ENOUGH, SURE_AFTER, Focus, focus_on, too_far
from crawler.session import Limits
from crawler.site import SiteError, from_url, parse, with_topic
from tests.crawler.web import PROSE, Answer, crawl, page, urls

A = "http://a.test"
WEATHER = "今天多云转晴，气温回升，适合出门散步，晚间有风，请注意添衣。" * 8


def portal(sections: int = 3) -> dict[str, Answer]:
    """Return a site whose way to loans leads through the front page and a section; further sections lead ever deeper."""
    web: dict[str, Answer] = {f"{A}/": page("/money/", *(f"/s{n}/" for n in range(sections)), text=WEATHER)}
    web[f"{A}/money/"] = page(*(f"/money/{n}x.html" for n in range(5)), text=WEATHER)
    for n in range(5):
        web[f"{A}/money/{n}x.html"] = page("/", text=f"{n}" + PROSE, title="网贷逾期")
    for n in range(sections):
        for level in range(8):
            deeper = "/" + "/".join("abcdefgh"[at] + str(n) for at in range(level + 1)) + "/"
            web[A + _path(n, level)] = page(_path(n, level + 1), text=f"{deeper}{WEATHER}")
    return web


def _path(section: int, level: int) -> str:
    return f"/s{section}/" + "".join(f"{'bcdefghij'[at]}/" for at in range(level))


def test_what_is_far_from_the_subject_is_left_out_on_a_site_that_has_it() -> None:
    summary, sink, session = crawl(portal(), f"{A}/")
    fetched = urls(sink)
    assert all(f"{A}/money/{n}x.html" in fetched for n in range(5))
    assert summary.why_not.get("off-topic", 0) == 3
    assert not any(url.count("/") > 6 for url in fetched)
    assert session.judge.shown["a.test"] == 5


def test_a_site_that_never_shows_the_subject_is_crawled_whole_unless_the_topic_was_named() -> None:
    web = {url: answer for url, answer in portal().items() if "money" not in url}
    site = from_url(f"{A}/")
    _, whole, _ = crawl(web, site)
    assert set(web) <= set(urls(whole))
    summary, part, _ = crawl(web, with_topic(site, "overdue"))
    assert summary.why_not["off-topic"] == 3
    assert len(urls(part)) < len(urls(whole))


def test_topic_off_takes_the_whole_site() -> None:
    web = portal()
    summary, sink, _ = crawl(web, with_topic(from_url(f"{A}/"), "off"))
    assert set(web) <= set(urls(sink))
    assert "off-topic" not in summary.why_not


def test_declared_sites_are_cut_only_when_they_say_so() -> None:
    web = portal()
    plain = parse(f"seeds = ['{A}/']", "a.toml")
    focused = parse(f"seeds = ['{A}/']\n[follow]\ntopic = 'overdue'", "a.toml")
    assert "off-topic" not in crawl(web, plain)[0].why_not
    assert crawl(web, focused)[0].why_not["off-topic"] == 3


def test_a_promising_link_is_followed_from_anywhere_and_soon() -> None:
    web = portal()
    deep = A + _path(0, 1)
    answer = web[deep]
    web[deep] = answer[0], answer[1], answer[2] + "<a href='/hidden.html'>信用卡逾期被起诉怎么办</a>"
    web[f"{A}/hidden.html"] = page(text=PROSE)
    _, sink, _ = crawl(web, f"{A}/")
    assert f"{A}/hidden.html" in urls(sink)


def test_promising_links_go_first() -> None:
    web: dict[str, Answer] = {f"{A}/": (200, {"content-type": "text/html"}, "".join(
        f"<a href='/{n}.html'>{'催收电话怎么应对' if n % 10 == 0 else '今日天气'}</a>" for n in range(100)))}  # fmt: skip
    for n in range(100):
        web[f"{A}/{n}.html"] = page(text=(PROSE if n % 10 == 0 else WEATHER) + str(n))
    _, sink, _ = crawl(web, f"{A}/", limits=Limits(pages=13))
    articles = [fetch.url for fetch in sink.fetches if fetch.url.endswith(".html")]
    assert {f"{A}/{n}.html" for n in range(0, 100, 10)} <= set(articles)


def test_a_site_about_nothing_else_is_not_weighed_for_ever() -> None:
    web = {f"{A}/": page(*(f"/{n}.html" for n in range(100)), text=PROSE)}
    web |= {f"{A}/{n}.html": page(text=f"{n}" + PROSE) for n in range(100)}
    _, _, session = crawl(web, f"{A}/")
    assert SURE_AFTER <= session.judge.weighed["a.test"] < 80


def test_focus_survives_a_resume() -> None:
    web = portal(1)
    _, sink, _ = crawl(web, f"{A}/", limits=Limits(pages=9))
    summary, sink, session = crawl(web, f"{A}/", sink=sink)
    assert session.judge.shown["a.test"] == 5
    assert summary.states.get("queued", 0) == 0
    assert summary.why_not["off-topic"] == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_harvest_beats_breadth_first(seed: int) -> None:
    """A tenth of the site is on the subject; with a sixth of it fetched, focus has found most of that tenth."""
    web, relevant = mixed_site(random.Random(seed), articles=1200)
    budget = len(web) // 6
    site = from_url("http://mixed.test/")
    focused = crawled(web, site, budget)
    breadth = crawled(web, replace(site, focus=None), budget)
    assert len(focused & relevant) > 3 * len(breadth & relevant)


# Scores


def test_scores_are_explained_by_their_parts() -> None:
    link = Focus().link("網貸逾期被催收怎麼辦", f"{A}/1")
    assert link.score >= LINK_ENOUGH
    assert any(reason.term == "催收" for reason in link.reasons)
    assert Focus().link("今日天气", f"{A}/2").score == 0.0
    assert Focus().page(PROSE, "逾期").score >= PAGE_ENOUGH
    assert Focus().page(WEATHER, "天气").score < PAGE_ENOUGH


def test_words_of_ones_own() -> None:
    focus = focus_on("减肥,健身")
    assert focus is not None
    assert focus.link("健身房减肥", A).score > LINK_ENOUGH
    assert focus.link("健身房減肥", A).score == focus.link("健身房减肥", A).score
    assert focus.link("信用卡逾期", A).score == 0.0
    assert focus.page("减肥" * 20, "").score > PAGE_ENOUGH


def test_a_topic_by_its_id() -> None:
    focus = focus_on("collection_calls")
    assert focus is not None
    assert "催收电话" in focus.words


def test_topics_that_are_none() -> None:
    assert focus_on("off") is None
    for wrong in ("", ",", "no_such_topic"):
        with pytest.raises(ValueError, match="overdue"):
            focus_on(wrong)
    with pytest.raises(SiteError, match="--topic"):
        with_topic(from_url(A), "no_such_topic")
    with pytest.raises(SiteError, match=r"follow\.topic"):
        parse(f"seeds = ['{A}/']\n[follow]\ntopic = 'nope'", "a.toml")


@given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 20))
def test_scores_stay_in_bounds(anchor: str, text: str, away: int) -> None:
    for focus in (Focus(), focus_on("减肥")):
        assert focus is not None
        assert 0 <= focus.link(anchor, A).score <= 1
        assert 0 <= focus.page(text, anchor).score <= 1
        assert -50 <= focus.priority(1.0, 1.0, away) <= 60
    assert not too_far(LINK_ENOUGH, away)


# Asked for


def test_why_a_url_was_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    summary, sink, _ = crawl(portal(1), f"{A}/")
    with Corpus(path, create=True) as corpus:
        run = corpus.begin_run("crawl", ["a.test"])
        corpus.end_run(run, {"topic": summary.topic})
    with sqlite3.connect(path) as connection:
        connection.execute("ATTACH ? AS memory", (":memory:",))
        script = "\n".join(line for line in sink.connection.iterdump() if "frontier" in line)
        connection.executescript(script.replace("BEGIN TRANSACTION;", "").replace("COMMIT;", ""))
        (url,) = connection.execute("SELECT url FROM frontier WHERE why = 'off-topic'").fetchone()
    told = json.loads(CliRunner().invoke(cli.frontier_command, [str(path), "--why", url, "--json"]).stdout)
    assert told["state"] == "excluded"
    assert told["link to the subject"].startswith("0.00 (no word of it)")
    assert told["pages off the subject before it"].startswith("3;")
    assert "--topic off" in told["off-topic"]
    assert told["page it stands on"].startswith("0.")
