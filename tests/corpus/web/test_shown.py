"""Hostile text made fit to show."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.marks import INVALID_BYTE_BASE
from corpus.web.shown import highlighted, masked, plain, visible

ANYTHING = st.text(st.characters(codec="utf-8"), max_size=60)


@given(ANYTHING)
def test_nothing_of_a_text_becomes_markup(text: str) -> None:
    shown = visible(text)
    without = re.sub(r'<span class="hidden-char" title="[^"<>]*">x?[0-9A-F]{2,6}</span>', "", shown)
    assert "<" not in without
    assert ">" not in without
    assert '"' not in without


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=60))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    fillers = {"\u115f", "\u1160", "\u3164", "\uffa0"}
    if not fillers & set(text):
        assert html.unescape(visible(text)) == text
        assert plain(text) == text


@pytest.mark.parametrize(
    ("character", "code"),
    [
        ("\N{RIGHT-TO-LEFT OVERRIDE}", "202E"),
        ("\N{LEFT-TO-RIGHT ISOLATE}", "2066"),
        ("\N{ARABIC LETTER MARK}", "061C"),
        ("\N{ZERO WIDTH SPACE}", "200B"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}", "FEFF"),
        ("\x00", "0000"),
        ("\x1b", "001B"),
        ("\x85", "0085"),
        ("\ue491", "E491"),
        ("\N{TAG LATIN SMALL LETTER A}", "E0061"),
        ("\N{LINE SEPARATOR}", "2028"),
        (chr(INVALID_BYTE_BASE + 0x95), "x95"),
    ],
)
def test_what_hides_or_reorders_is_made_visible(character: str, code: str) -> None:
    assert f">{code}</span>" in visible(f"甲{character}乙")
    assert character not in visible(character)
    assert (
        plain(f"甲{character}乙")
        == f"甲\N{MATHEMATICAL LEFT ANGLE BRACKET}{code}\N{MATHEMATICAL RIGHT ANGLE BRACKET}乙"
    )


def test_a_tooltip_names_the_character() -> None:
    assert 'title="U+202E RIGHT-TO-LEFT OVERRIDE"' in visible("\N{RIGHT-TO-LEFT OVERRIDE}")


def test_lines_stay_lines_and_nothing_is_nothing() -> None:
    assert visible("甲\n乙") == "甲\n乙"
    assert visible(None) == ""
    assert visible(3) == "3"


@pytest.mark.parametrize(
    "text", ["内容侵权请联系:13900001234", "微信号:abcd13900", "邮箱 someone@invented.example"]
)
def test_contacts_are_masked_in_place(text: str) -> None:
    shown = masked(text)
    assert len(shown) == len(text)
    assert "*" in shown
    assert "13900001234" not in shown


@pytest.mark.parametrize(
    "text", ["本金10000元，逾期90天，年利率24%", "2024年5月1日", "拨打12368或12378", "逾期怎么办", "abc"]
)
def test_what_is_no_contact_stays(text: str) -> None:
    assert masked(text) == text


def test_marks_stand_where_the_words_are() -> None:
    assert highlighted("甲<乙>催收丙", ((4, 6),)) == "甲&lt;乙&gt;<mark>催收</mark>丙"
