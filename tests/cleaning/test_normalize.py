"""normalize(): form changes, content does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.decode import INVALID_BYTE_BASE
from cleaning.findings import replay, undo
from cleaning.normalize import normalize


@pytest.mark.parametrize(
    ("label", "before", "after"),
    [
        ("no-break space", "还款\N{NO-BREAK SPACE}计划 表", "还款 计划 表"),
        ("ideographic indent", "\N{IDEOGRAPHIC SPACE}\N{IDEOGRAPHIC SPACE}借款人", "借款人"),
        ("tab and runs", "一\t \t二   三", "一 二 三"),
        ("zero width", "催\N{ZERO WIDTH SPACE}收\N{WORD JOINER}电\N{SOFT HYPHEN}话", "催收电话"),
        ("byte order mark", "\N{ZERO WIDTH NO-BREAK SPACE}正文", "正文"),
        ("bidi controls", "\N{RIGHT-TO-LEFT OVERRIDE}逾期\N{POP DIRECTIONAL FORMATTING}", "逾期"),
        ("variation selector", "\u2600\ufe0f晴", "\u2600晴"),
        ("tag character", "甲\U000e0041乙", "甲乙"),
        ("control characters", "甲\x00乙\x1f丙\x7f", "甲乙丙"),
        ("zero width between blanks", "甲 \u200b 乙", "甲 乙"),
        ("an undecodable byte", f"甲{chr(INVALID_BYTE_BASE + 0x95)}乙", "甲\N{REPLACEMENT CHARACTER}乙"),
        ("a lone surrogate", "甲\ud800乙", "甲\N{REPLACEMENT CHARACTER}乙"),
        ("compatibility ideograph", "\uf900", "\u8c48"),
        ("Kangxi radical", "\u2f00", "一"),
        ("full-width digits", "拨打９５５００", "拨打95500"),
        ("full-width letters", "ＡＰＰ", "APP"),
        ("signs between full-width digits", "１３８－００００", "138-0000"),
        ("line ends and empty lines", " 甲 \r\n\n \n乙\n", "甲\n乙"),
        ("a zero-width line", "甲\n\u200b\n乙", "甲\n乙"),
    ],
)
def test_form(label: str, before: str, after: str) -> None:
    assert normalize(before).text == after, label


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("Chinese punctuation", "（一）逾期，怎么办？先看：合同；再问！“好”。"),
        ("a blank that a filter may have left", "催收 的作用"),
        ("private-use characters", "甲\ue491乙"),
        ("a replacement character", "甲\N{REPLACEMENT CHARACTER}"),
        ("full-width signs alone", "１０％".replace("１０", "10") + "～"),
        ("traditional characters", "隨著還款"),
        ("compatibility ideograph without a mapping", "\ufa0e"),
        ("nothing", ""),
        ("lines", "甲\n乙"),
    ],
)
def test_what_stays(label: str, text: str) -> None:
    edited = normalize(text)
    assert (edited.text, edited.findings) == (text, ()), label


_TEXT = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(" \t\n\r\u3000\xa0\u200b\ufeff\u202e\x00９Ａ－／．，。\uf900\u2f00\ud800"),
        st.just(chr(INVALID_BYTE_BASE + 7)),
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(_TEXT)
def test_twice_is_once_and_findings_replay(text: str) -> None:
    edited = normalize(text)
    assert replay(text, edited.findings) == edited.text
    assert undo(edited.text, edited.findings) == text
    again = normalize(edited.text)
    assert (again.text, again.findings) == (edited.text, ())


@settings(max_examples=100, deadline=None)
@given(_TEXT)
def test_no_line_is_empty_or_ends_in_a_blank(text: str) -> None:
    result = normalize(text).text
    assert result == "" or all(line and line == line.strip(" ") for line in result.split("\n"))


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(categories=["Lo", "Nd", "Po"], max_codepoint=0x9FFF), max_size=40))
def test_letters_digits_and_punctuation_are_never_lost(text: str) -> None:
    """Only invisible fillers among the letters (Hangul fillers, Khmer inherent vowels) may go."""
    kept = [char for char in text if char not in "\u115f\u1160\u3164\u17b4\u17b5"]
    assert len("".join(normalize("".join(kept)).text.split())) == len("".join("".join(kept).split()))
