"""outline.find(): the title and bylines of plain-text pages. Whole pages are in cases/strip_pages.json."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning import outline

PROSE = "借款人逾期后应当主动联系平台，说明自己的实际困难，争取延期或者分期还款。"


@pytest.mark.parametrize(
    ("label", "lines", "title"),
    [
        ("first line", ["某某贷逾期怎么办", PROSE], "某某贷逾期怎么办"),
        ("after a breadcrumb", ["首页>>逾期资讯>>正文", "某某贷逾期怎么办", PROSE], "某某贷逾期怎么办"),
        ("after spam", ["久久精品国产,亚洲无码视频,日韩av在线", "某某贷逾期怎么办", PROSE], "某某贷逾期怎么办"),
        ("before a byline", ["逾期频道", "信用常识", "某贷怎么办", "周某某 2024-10-13 14:44:13", PROSE], "某贷怎么办"),
        ("repeated in the body", ["逾期政策", "某贷怎么办", "导语", PROSE, "某贷怎么办", PROSE], "某贷怎么办"),
        ("a category twice is no title", ["逾期政策", "分享", "逾期政策", "某贷怎么办", PROSE, "某贷怎么办"], "某贷怎么办"),
        ("the longer of two that share words", ["某贷逾期4个月了", "某贷逾期4个月了怎么办", PROSE], "某贷逾期4个月了怎么办"),
        ("not a contact line", ["您好!欢迎访问逾期频道!", "陈先生:13800000000", "某某贷怎么办", PROSE], "某某贷怎么办"),
        ("not the article's first heading", ["小编导语", PROSE], None),
        ("labelled", ["标题：某某贷逾期怎么办", PROSE], "某某贷逾期怎么办"),
        ("a page that begins with prose", [PROSE, "某某贷逾期怎么办"], None),
        ("blank lines between", ["", "某某贷逾期怎么办", "", PROSE], "某某贷逾期怎么办"),
        ("before a name and a day", ["某贷怎么办", "逾期观察员 2023年09月11日", "浏览：12次 评论：3", PROSE], "某贷怎么办"),
        ("begins with a numeral", ["一条街上的五家店，五种还债的方式", PROSE], "一条街上的五家店，五种还债的方式"),
        ("nothing", [], None),
        ("only blanks", ["", " "], None),
    ],
)  # fmt: skip
def test_the_title(label: str, lines: list[str], title: str | None) -> None:
    assert outline.find(lines).title == title, label


def test_a_name_and_a_day_under_the_title_are_its_byline() -> None:
    found = outline.find(["某某贷怎么办", "逾期观察员 2023年09月11日", PROSE])
    assert found.byline_lines == (1,)
    assert (found.fields.author, found.fields.published) == ("逾期观察员", "2023-09-11")
    assert outline.find(["某某贷怎么办", PROSE, "逾期观察员 2023年09月11日"]).byline_lines == ()


def test_the_file_name_decides_where_the_page_does_not() -> None:
    lines = ["信用卡知识大全", "逾期以后怎样协商还款", PROSE]
    assert outline.find(lines).title == "信用卡知识大全"
    assert outline.find(lines, filename="017_逾期以后怎样协商还款.txt").title == "逾期以后怎样协商还款"


def test_repeated_title_lines_of_the_head_are_title_lines_too() -> None:
    found = outline.find(["某某贷怎么办", "某某貸怎麼辦", PROSE, "某某贷怎么办"])
    assert found.title_lines == (0, 1)


def test_bylines_of_head_and_tail_state_fields() -> None:
    found = outline.find(["某某贷怎么办", "網貸逾期 6℃ 0", PROSE, "責任編輯:秦某某"])
    assert found.byline_lines == (1, 3)
    assert (found.fields.category, found.fields.author) == ("網貸逾期", "秦某某")


@pytest.mark.parametrize("line", ["2015年9月1日 施行", "2024年3月15日", "1.1 平台背景", "逾期90天 罚息2000元"])
def test_what_is_no_byline_at_the_end(line: str) -> None:
    assert outline.find(["某某贷怎么办", PROSE, line]).byline_lines == ()


def test_a_law_in_force_since_a_day_is_no_byline() -> None:
    assert outline.find(["某某办法", "2015年9月1日 施行", PROSE]).byline_lines == ()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=30).map(lambda text: text.replace("\n", "")),  # a line holds no line break
            st.sampled_from([PROSE, "某某贷怎么办", "", "作者：某某", "分享"]),
        ),
        max_size=12,
    )
)
def test_lines_named_exist_and_are_apart(lines: list[str]) -> None:
    found = outline.find(lines)
    named = [*found.title_lines, *found.byline_lines]
    assert len(set(named)) == len(named)
    assert all(0 <= index < len(lines) for index in named)
    assert (found.title is None) == (found.title_lines == ())
