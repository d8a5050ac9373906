"""Short questions to lines give what the longer ones they stand for would give."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.blocks import count_stops, is_disclaimer, is_keyword_line, own_mark, own_marks
from cleaning.dates import ANY_TIME, find_dates, may_hold_date
from cleaning.kind import _is_front_page
from cleaning.metadata import letters

SEPARATORS = re.compile(r"[,，、|｜_]|\sI\s|\s{2,}")
KEYWORDS = [
    *",，、|｜_ I\N{IDEOGRAPHIC SPACE}\N{NO-BREAK SPACE}\n\N{EM SPACE}\x1c",
    "  ",
    " I ",
    "逾期",
    "催收话术",
    "x",
    "。",
    "…",
]


def rows(text: str) -> bool:
    """Say whether a line is a row of keywords, by one expression for all that may stand between them."""
    parts = SEPARATORS.split(text)
    cut_short = text.endswith(("…", "..."))
    return (
        20 <= len(text) <= 5000
        and not count_stops(text)
        and not cut_short
        and len(parts) >= 4
        and len(text) <= 22 * len(parts)
    )


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(KEYWORDS), min_size=8, max_size=60).map("".join))
def test_rows_of_keywords_are_told_by_what_stands_between(text: str) -> None:
    assert is_keyword_line(text) == rows(text)


@pytest.mark.parametrize(
    "text",
    ["网贷逾期、信用卡逾期、催收电话、停息挂账、协商还款", "甲乙丙丁 I 戊己庚辛 I 壬癸子丑 I 寅卯辰巳 I 午未"],
)
def test_keywords_are_a_row(text: str) -> None:
    assert is_keyword_line(text)


@pytest.mark.parametrize(
    "text",
    [
        "网贷逾期、信用卡逾期、催收电话、停息挂账、协商还款。",
        "版权所有、网贷逾期、信用卡逾期、催收电话、停息挂账",
        "借款人逾期以后应当主动联系银行说明困难并协商还款方案再签书面协议",
        "甲、乙、丙、丁",
    ],
)
def test_sentences_footers_and_short_lines_are_none(text: str) -> None:
    assert not is_keyword_line(text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *"0123年月日-/.:：／－．〇—前今昨刚aJ ",
                "2024",
                "Jan 5, 2024",
                "３",
                "二〇二四年五月一日",
                "民国113年1月2日",
                "3天前",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_a_line_without_the_sign_of_a_date_holds_none(text: str) -> None:
    assert may_hold_date(text) or not list(find_dates(text, ANY_TIME))


def test_a_declaration_needs_a_sign_and_four_words() -> None:
    assert is_disclaimer("本站转载文章，版权归原作者，如有侵权请联系删除，不构成投资建议")
    assert not is_disclaimer("版权归原作者，如有侵权请联系删除，不构成投资建议")
    assert not is_disclaimer("本站转载文章")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["div", "nav", "p", "aside"]),
            st.sampled_from(["", " ", "nav ", "comment x", "content ", "yuqi-dropped "]),
        ),
        max_size=8,
    )
)
def test_marks_are_those_of_each_element(elements: list[tuple[str, str]]) -> None:
    tags, hints = [tag for tag, _ in elements], [hint for _, hint in elements]
    told = {element: mark for element, (tag, hint) in enumerate(elements) if (mark := own_mark(tag, hint))}
    assert own_marks(tags, hints) == told


@given(st.text(max_size=40))
def test_letters_are_what_is_no_sign(text: str) -> None:
    assert letters(text) == re.sub(r"[\W_]+", "", text)


@pytest.mark.parametrize(
    "url", ["http://a.example", "http://a.example/", "https://a.example/index.html", "http://a.example/HOME.php"]
)
def test_front_pages(url: str) -> None:
    assert _is_front_page(url)


@pytest.mark.parametrize(
    "url", ["http://a.example/1.html", "http://a.example/b/index.html", "http://a.example/?p=1", "a.example"]
)
def test_other_pages(url: str) -> None:
    assert not _is_front_page(url)
