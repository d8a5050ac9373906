"""Topics and relevance: what a text is about, and why."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.relevance import link_relevance, relevance
from cleaning.script import to_simplified
from cleaning.topics import MAX_COUNT, find_topics, topic_scores, topics

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared"
CASES = json.loads((HERE / "topics_cases.json").read_text(encoding="utf-8"))
WORDS = st.lists(
    st.sampled_from(["催收", "逾期", "贷款", "征信", "的", "，", "天气", "花呗", "起诉"]), max_size=40
).map("".join)


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_topics(case: dict[str, Any]) -> None:
    found = find_topics(case["text"], case.get("title"))
    assert set(case["has"]) <= set(found)
    assert not set(case["not"]) & set(found)


def test_ids_and_names_are_unique_and_simplified() -> None:
    ids = [topic.id for topic in topics()]
    names = [topic.name for topic in topics()]
    assert len(set(ids)) == len(ids) >= 20
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+", key) for key in ids)
    assert all(to_simplified(name) == name for name in names)


def test_more_points_come_first() -> None:
    text = "起诉后法院判决，强制执行，被执行人限高。征信报告有不良记录。"
    found = find_topics(text)
    scores = topic_scores(text)
    assert found[0] == "lawsuit"
    assert [scores[key] for key in found] == sorted((scores[key] for key in found), reverse=True)


def test_repeating_a_word_stops_counting() -> None:
    assert topic_scores("催收电话" * 50) == topic_scores("催收电话" * MAX_COUNT)


def test_a_long_text_needs_more_to_be_about_a_subject() -> None:
    mention = "与银行协商减免利息，延期还款。"
    assert "negotiation" in find_topics(mention)
    assert find_topics(mention + "天气很好，我们去散步。" * 800) == []


@given(text=WORDS, title=st.none() | WORDS)
@settings(max_examples=100, deadline=None)
def test_topics_found_are_known_and_once(text: str, title: str | None) -> None:
    found = find_topics(text, title)
    assert len(set(found)) == len(found)
    assert set(found) <= {topic.id for topic in topics()}


@given(text=WORDS, title=st.none() | WORDS)
@settings(max_examples=100, deadline=None)
def test_a_score_is_made_of_its_reasons(text: str, title: str | None) -> None:
    found = relevance(text, title)
    assert found.score == pytest.approx(1 - math.exp(-sum(weight for _, weight in found.reasons)))
    assert 0 <= found.score <= 1
    assert list(found.reasons) == sorted(found.reasons, key=lambda reason: (-reason.weight, reason.term))


@given(text=st.text(max_size=60), url=st.text(max_size=30))
@settings(max_examples=100, deadline=None)
def test_any_anchor_and_address_is_taken(text: str, url: str) -> None:
    assert 0 <= link_relevance(text, url).score <= 1


def test_an_article_of_the_field_is_relevant() -> None:
    text = "小米金融逾期后，催收人员会打电话。借款人应主动协商还款，否则影响征信，贷款机构可以起诉。"
    found = relevance(text)
    assert found.score > 0.8
    assert {"小米金融", "协商还款", "征信"} <= {reason.term for reason in found.reasons}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "图书逾期归还的读者请尽快到图书馆办理。逾期归还图书者暂停借阅。",
        "他的签证逾期，逾期居留会被罚款。",
        "本店提供上门安装、上门维修，欢迎来电。",
        "信用卡新户首刷礼，贷款利率优惠，银行网点周末照常营业。",
        "今天的天气很好，我们去公园散步，孩子们很高兴。",
    ],
)
def test_other_pages_are_not(text: str) -> None:
    assert relevance(text).score < 0.3


def test_seeds_are_relevant_and_the_news_is_not() -> None:
    if not SHARED.exists():
        pytest.skip("../shared is not beside this checkout")
    seeds = [path.read_text(encoding="utf-8") for path in sorted((SHARED / "seeds").glob("*.txt"))]
    assert min(relevance(to_simplified(seed)).score for seed in seeds) > 0.85
    news = json.loads((SHARED / "data" / "pages_dev" / "gold.json").read_text(encoding="utf-8"))
    high = [page["html"] for page in news if relevance(page["text"]).score > 0.5]
    assert high in ([], ["cjddsb_1.html"])  # a bank's campaign about credit records
    statutes = [path.read_text(encoding="utf-8") for path in sorted((SHARED / "data" / "statutes").glob("*.txt"))]
    assert max(relevance(statute).score for statute in statutes) < 0.6


@pytest.mark.parametrize(
    ("anchor", "url", "relevant"),
    [
        ("小米網貸催款電話", "https://e.test/a/1.html", True),
        ("小米金融逾期4个月了该怎么办", "https://e.test/a/2.html", True),
        ("下一页", "https://e.test/yuqi/list_2.html", True),
        ("", "https://e.test/wangdai/12.html", True),
        ("首页", "https://e.test/", False),
        ("关于我们", "https://e.test/about.html", False),
        ("图书逾期归还须知", "https://e.test/library/1.html", False),
        ("信用卡推荐", "https://e.test/card/1.html", False),
        ("下一页", "https://yuqi.test/list_2.html", False),
        ("坏地址", "http://[", False),
    ],
)
def test_links(anchor: str, url: str, relevant: bool) -> None:
    assert (link_relevance(anchor, url).score >= 0.35) is relevant
