"""Dates, bylines, headlines and head fields as Chinese pages write them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.extract import extract
from cleaning.metadata import (
    best_title,
    head_metadata,
    json_ld_metadata,
    merge,
    parse_byline,
    parse_published,
    strip_site_name,
)
from cleaning.page import Metadata

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "metadata_cases.json").read_text("utf-8"))
FETCHED = datetime.fromisoformat(CASES["fetched_at"])


@pytest.mark.parametrize(("text", "published"), CASES["published"])
def test_published(text: str, published: str | None) -> None:
    assert parse_published(text, FETCHED) == published


@pytest.mark.parametrize("text", ["10-13", "3天前", "35秒前", "昨天 12:30", "10月13日 14:44", "刚刚"])
def test_relative_dates_need_the_fetch_time(text: str) -> None:
    assert parse_published(text) is None


def test_a_day_is_counted_in_china() -> None:
    """At 20:00 UTC it is the next day in China, so 昨天 is the day that UTC still calls today."""
    evening = datetime.fromisoformat("2024-10-13T20:00:00+00:00")
    assert parse_published("昨天", evening) == "2024-10-13"


@pytest.mark.parametrize(("line", "fields"), CASES["bylines"])
def test_byline(line: str, fields: dict[str, Any]) -> None:
    assert parse_byline(line, FETCHED) == Metadata(**fields)


@pytest.mark.parametrize("line", CASES["not_bylines"])
def test_prose_is_no_byline(line: str) -> None:
    assert parse_byline(line, FETCHED) is None


def test_a_relative_date_without_a_fetch_time_is_a_byline_without_a_date() -> None:
    assert parse_byline("admin 3天前 浏览:5") == Metadata(author="admin", counters={"views": 5})


@pytest.mark.parametrize(("title", "headline"), CASES["site_names"])
def test_site_name_goes(title: str, headline: str) -> None:
    assert strip_site_name(title) == headline


@pytest.mark.parametrize(("stated", "title"), CASES["titles"])
def test_title(stated: dict[str, Any], title: str | None) -> None:
    assert best_title(stated["document"], stated["headings"], stated["og"]) == title


def test_head_fields_by_rank_not_by_order() -> None:
    metas = [
        ("publishdate", "2024-10-12"),
        ("article:published_time", "2024-10-13T14:44:13+08:00"),
        ("author", "某某网"),
        ("article:author", "秦暖玲"),
        ("og:category ", "网贷逾期"),
        ("mediaid", "来源：某某日报"),
        ("unknown", "x"),
        ("og:title", " "),
    ]
    assert head_metadata(metas) == {
        "published": "2024-10-13T14:44:13+08:00",
        "author": "秦暖玲",
        "category": "网贷逾期",
        "source": "某某日报",
    }


def test_json_ld() -> None:
    script = json.dumps(
        {"@graph": [{"@type": "Organization", "name": "x"}, {"@type": ["NewsArticle"], "headline": " 某某 标题 "}]}
        | {"@type": "NewsArticle"}
    )
    assert json_ld_metadata([script]) == {"title": "某某 标题"}
    baidu = '{"title":"某某标题","pubDate":"2024-10-13T14:44:13","author":[{"name":"秦暖玲"}]}'
    assert json_ld_metadata([baidu]) == {
        "title": "某某标题",
        "published": "2024-10-13T14:44:13",
        "author": "秦暖玲",
    }


@pytest.mark.parametrize(
    "script", ["", "{", "[]", "null", "3", '{"@type":"BreadcrumbList","title":"x"}', '{"author":{"name":{}}}']
)
def test_json_ld_without_an_article(script: str) -> None:
    assert json_ld_metadata([script]) == {}


def test_fields_of_a_page_win_by_exactness() -> None:
    page = (
        '<title>某某标题如此_某某网</title><meta property="article:published_time" content="2024-10-13">'
        '<script type="application/ld+json">{"@type":"NewsArticle","headline":"某某标题如此","author":"李四"}</script>'
        '<div class="crumbs"><a href="/">首页</a> &gt; <a href="/w">网贷逾期</a> &gt; 正文</div><h1>某某标题如此</h1>'
        "<p>2024-10-13 14:44:13 作者：秦暖玲 阅读(7)</p>"
        "<div class=content><p>逾期以后不要慌张，先和平台联系，说明情况，再谈每月能够还多少。</p>"
        "<p>协商的时候要留下证据，通话录音、聊天记录、还款凭证都要保存好。</p></div>"
    )
    assert extract(page).meta == Metadata(
        title="某某标题如此",
        author="秦暖玲",
        published="2024-10-13T14:44:13",
        category="网贷逾期",
        counters={"views": 7},
    )


def test_merge_takes_the_first_that_states() -> None:
    merged = merge(
        Metadata(author="甲", counters={"views": 1}),
        Metadata(author="乙", source="某网", counters={"views": 2, "likes": 3}),
    )
    assert merged == Metadata(author="甲", source="某网", counters={"views": 1, "likes": 3})


@given(st.text(alphabet="0123456789-/.:年月日前天小时分钟秒昨今 Tt+Z作者来源:|℃浏览", max_size=60))
@settings(max_examples=200, deadline=None)
def test_what_is_published_is_a_date(line: str) -> None:
    for fetched_at in (None, FETCHED):
        published = parse_published(line, fetched_at)
        if published is not None:
            assert 1990 <= datetime.fromisoformat(published).year <= 2099
        byline = parse_byline(line, fetched_at)
        if byline is not None and byline.published:
            datetime.fromisoformat(byline.published)
