"""The site profile: what repeats over a site's pages is learned, whatever the order; articles are not."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.folding import fold
from cleaning.profile import MIN_PAGES, SiteProfile, learn, line_key
from cleaning.strip import strip

FOOT = "甲乙财经服务台为南湖传播旗下的网络刊物"
NOTICE = "本栏目每周更新两次，读者可以在留言簿里提出自己的疑问，编辑部收到以后会择要解答。"


def _page(number: int, *, body: str | None = None) -> list[str]:
    paragraph = (
        body
        or f"第{number}号故事里的借款人姓{chr(0x5200 + number)}，他在{chr(0x6200 + number)}城，与平台谈了三次才谈成。"
    )
    return [
        "甲乙财经服务台", "信用知识" if number % 2 else "债务故事", f"标题{chr(0x5400 + number)}", "小编导语",
        paragraph, "一、基本概述",
        f"{chr(0x5800 + number)}地的平台答复说可以延期，利息照付，双方都签了字才算数。", "小编总结",
        f"{chr(0x5a00 + number)}年的经验说明，越早沟通越容易谈成，拖到起诉就只能分期。",
        f"今日已有{number * 7}人读过", NOTICE, FOOT,
    ]  # fmt: skip


def _pages(count: int) -> list[tuple[str, list[str]]]:
    return [("site", _page(number)) for number in range(1, count + 1)]


def test_what_repeats_at_the_edges_is_learned_with_counts() -> None:
    profile = learn(_pages(8))["site"]
    assert profile.pages == 8
    assert profile.lines[line_key(fold(FOOT))] == 8
    assert {line_key(fold(line)) for line in ("甲乙财经服务台", FOOT, NOTICE, "今日已有5人读过")} <= set(
        profile.lines
    )


def test_an_articles_headings_and_paragraphs_are_not_learned() -> None:
    profile = learn(_pages(8))["site"]
    assert not [line for line in ("小编导语", "小编总结", "一、基本概述") if profile.knows(line)]
    assert all(profile.knows(line) is None for line in _page(3) if "3号故事" in line or "平台答复" in line)


def test_digits_are_folded() -> None:
    profile = learn(_pages(8))["site"]
    assert profile.knows("今日已有12345人读过") == 8


def test_copies_of_one_article_do_not_teach_its_text() -> None:
    """Thirty copies under other titles share every paragraph, and count as one page."""
    shared = "这是同一篇文章被反复转载的正文，讲的是一位借款人怎样在两年里还清了六笔网贷，过程写得很细。"
    copies = [
        ("site", ["甲乙财经服务台", f"换个标题{chr(0x5400 + n)}", shared, "延期的三个条件", f"抄本{n}", FOOT])
        for n in range(30)
    ]
    profile = learn([*copies, *_pages(30)])["site"]
    assert profile.pages == 31
    assert profile.knows(shared) is None
    assert profile.knows("延期的三个条件") is None
    assert profile.knows(FOOT) == 31


def _swapped(lender: str) -> list[str]:
    """Return one of many copies of an article that differ in the lender's name only."""
    return [
        "甲乙财经服务台", f"{lender}逾期了怎么办",
        f"{lender}逾期之后，借款人先要弄清楚案子在谁手里，再决定找谁谈。",
        "先把所有的欠款列成一张表，写下本金、利率和到期日，逐笔核对账单。",
        "主动打一通电话，说明为什么没还、什么时候能还，请对方记录还款意愿。",
        "协商达成一致之后，把金额和期限写成书面协议，各自保存一份。", "通话录音", "短信截图",
        "最后要提醒的是，不要轻信代理维权的中介，他们收费高而且常常无效。", FOOT,
    ]  # fmt: skip


def test_a_site_of_swapped_copies_does_not_teach_their_paragraphs() -> None:
    copies = [("site", _swapped(f"某{chr(0x5400 + number)}贷")) for number in range(12)]
    profile = learn(copies)["site"]
    assert {line for line in _swapped("某某贷") if profile.knows(line)} == {"甲乙财经服务台", FOOT}
    text = "\n".join(_swapped("某某贷"))
    kept = strip(text, ["paragraph"] * 10, title="某某贷逾期了怎么办", profile=profile).edited.text.split("\n")
    assert kept == _swapped("某某贷")[2:-1]


def test_swapped_copies_among_other_articles_do_not_teach_their_paragraphs() -> None:
    copies = [("site", _swapped(f"某{chr(0x5400 + number)}贷")) for number in range(12)]
    profile = learn([*copies, *_pages(12)])["site"]
    assert {line for line in _swapped("某某贷") if profile.knows(line)} == {"甲乙财经服务台", FOOT}


def test_a_line_with_a_counter_and_a_date_inside_is_one_line() -> None:
    pages = [("site", [*_page(n)[:-1], f"本页更新于2024年{n}月{n}日，共{n * 31}人收藏"]) for n in range(1, 9)]
    assert learn(pages)["site"].knows("本页更新于2025年12月31日，共7人收藏") == 8


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(rng: random.Random) -> None:
    pages = _pages(9) + [("other", _page(number)) for number in range(40, 46)]
    shuffled = rng.sample(pages, len(pages))
    first, second = learn(pages), learn(shuffled)
    assert first == second
    assert {site: profile.version for site, profile in first.items()} == {
        site: profile.version for site, profile in second.items()
    }


def test_the_same_page_twice_counts_once() -> None:
    assert learn(_pages(6) * 3) == learn(_pages(6))


def test_few_pages_teach_nothing() -> None:
    assert learn(_pages(MIN_PAGES - 1)) == {}
    assert learn([]) == {}


def test_sites_are_learned_apart() -> None:
    profiles = learn(
        [*_pages(6), *(("other", [f"别的网站{chr(0x5400 + n)}", *_page(n)[4:9]]) for n in range(60, 66))]
    )
    assert profiles["site"].knows(FOOT) == 6
    assert "other" not in profiles or profiles["other"].knows(FOOT) is None


def test_a_profile_is_stored_and_read_back() -> None:
    profile = learn(_pages(8))["site"]
    assert SiteProfile.from_dict(json.loads(json.dumps(profile.to_dict()))) == profile


def test_a_changed_profile_is_refused() -> None:
    stored = learn(_pages(8))["site"].to_dict()
    stored["lines"] = {**stored["lines"], "添上的一行": 3}
    with pytest.raises(ValueError, match="yuqi learn"):
        SiteProfile.from_dict(stored)


def test_the_version_follows_the_content() -> None:
    assert learn(_pages(8))["site"].version != learn(_pages(9))["site"].version


def test_strip_uses_what_was_learned() -> None:
    profile = learn(_pages(8))["site"]
    lines = _page(50)
    text = "\n".join(lines)
    without = strip(text, ["paragraph"] * len(lines)).edited.text.split("\n")
    kept = strip(text, ["paragraph"] * len(lines), profile=profile).edited.text.split("\n")
    assert {FOOT, NOTICE, "甲乙财经服务台"} <= set(without)
    assert kept == [lines[2], *lines[3:9]]
