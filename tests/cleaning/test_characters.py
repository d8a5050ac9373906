"""Sets, tables and kinds of characters: the compiled twin says what the Python one does."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.characters import CODEPOINTS, PlainChars, PlainKinds, PlainTable, chars, kinds, table
from cleaning.folding import fold, lowered, unfolded
from cleaning.native import available

needs_native = pytest.mark.skipif(available("_text") is None, reason="the compiled twin is not built")

SOME = "ab é还款續後\n\ud800\uff21\U00020000\U0001d7ce"
texts = st.text(st.one_of(st.sampled_from(SOME), st.characters()), max_size=60)
narrow = st.text(st.characters(max_codepoint=0xFF), max_size=30)


def native() -> Any:  # noqa: ANN401  # a compiled module
    return available("_text")


@needs_native
@settings(max_examples=150, deadline=None)
@given(st.text(SOME, max_size=8), st.text(SOME, max_size=3), st.one_of(texts, narrow), st.integers(1, 6))
def test_sets_are_the_same(members: str, signs: str, text: str, least: int) -> None:
    members += "x"  # a regular expression has no empty class
    plain, compiled = PlainChars(members, signs), native().Chars(members, signs)
    assert compiled.places(text) == plain.places(text)
    assert compiled.runs(text, least) == plain.runs(text, least)
    assert compiled.parted(text) == plain.parted(text)


@needs_native
@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from(SOME), st.sampled_from(SOME)), st.one_of(texts, narrow))
def test_tables_are_the_same(pairs: dict[str, str], text: str) -> None:
    changed = {ord(key): ord(value) for key, value in pairs.items()}
    made = native().Table(changed).translated(text)
    assert made == PlainTable(changed).translated(text)
    assert (made is text) is (made == text)
    assert hash(made) == hash("".join(made))  # its width is the one that Python would have given it


@cache
def both_kinds(*, one_for_chinese: bool = False) -> tuple[Any, Any]:
    known = (np.arange(CODEPOINTS) % 5).astype(np.uint8)
    if one_for_chinese:
        known[0x4E00:0xA000] = 1
    return PlainKinds(known), native().Kinds(known.tobytes())


@needs_native
@settings(max_examples=150, deadline=None)
@given(st.one_of(texts, st.text("ab ", max_size=80), st.just("催收" * 40)), st.integers(0, 3), st.booleans())
def test_kinds_are_the_same(text: str, skipped: int, one_for_chinese: bool) -> None:
    plain, compiled = both_kinds(one_for_chinese=one_for_chinese)
    assert compiled.counts(text) == plain.counts(text)
    assert compiled.summary(text, skipped) == plain.summary(text, skipped)


@needs_native
@pytest.mark.parametrize("size", [0xFFFF + 5, 0xFFFF + 6, 0xFFFF + 7, 0xFFFF + 8, 70_000])
def test_long_texts_are_summed_up_the_same(size: int) -> None:
    """From 65,535 groups of eight on their places take more bytes."""
    text = "".join(chr(0x4E00 + number * number % 20_011) for number in range(size))
    plain, compiled = both_kinds()
    assert compiled.summary(text, 7) == plain.summary(text, 7)


@settings(max_examples=300, deadline=None)
@given(st.one_of(texts, narrow, st.text("AbΣσİ还款Ⅷ\uff21", max_size=20)))
def test_lower_case_is_pythons(text: str) -> None:
    assert lowered(text) == text.lower()


def test_lower_case_is_pythons_for_every_character() -> None:
    for code in range(CODEPOINTS):
        if chr(code).lower() != chr(code):
            assert lowered("还" + chr(code)) == "还" + chr(code).lower()


@needs_native
def test_the_key_of_every_character_is_the_same() -> None:
    every = "".join(map(chr, range(CODEPOINTS)))
    changed = {ord(char): ord(key) for char, key in zip(every, fold(every), strict=True) if char != key}
    assert len(changed) > 4000
    assert native().Table(changed).translated(every) == PlainTable(changed).translated(every) == fold(every)


def test_what_becomes_a_digit_is_known() -> None:
    assert set("0\uff10\U0001d7ce") <= set(unfolded("0"))
    assert "A" in unfolded("a")
    assert "A" not in unfolded("A")


@needs_native
@settings(max_examples=100, deadline=None)
@given(st.text(" .视频\u4dff\u9fff\ua000\U00020000a", max_size=30))
def test_the_compiled_twin_finds_the_same_parted_words(text: str) -> None:
    assert native().Chars(" .", "").parted(text) == PlainChars(" .").parted(text)


def test_parted_words_do_not_overlap() -> None:
    assert chars(" .").parted("看 视 频.在 线 a 网") == [1, 5]
    assert chars(" .").parted(" 视 频 在") == [0]
    assert chars(" .").parted("a b c d, 视频 在线") == []


def test_runs_are_long_or_have_a_sign() -> None:
    assert chars("0123@", "@").runs("a12b0123c@1d@e", 4) == [(4, 8), (9, 11)]


def test_a_text_without_anything_to_change_is_the_same_object() -> None:
    text = "还款"
    assert table({ord("續"): ord("续")}).translated(text) is text


def test_kinds_must_be_eight_at_most_and_for_every_character() -> None:
    for known in (np.full(CODEPOINTS, 8, dtype=np.uint8), np.zeros(100, dtype=np.uint8)):
        with pytest.raises(ValueError, match="a kind of 0 to 7"):
            kinds(known)


@needs_native
def test_texts_chosen_to_fall_into_one_place_are_counted_all_the_same() -> None:
    """Characters whose 8-grams have one place in a table of 2,048: more than 64 of them are tried one after the other."""
    last, spread = pow(2, 64), 0x9E3779B97F4A7C15
    numbers = [*map(ord, "aaaaaaa"), 0]
    for width, odd in zip((1, 2, 4), (spread, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9), strict=True):
        numbers = [(one * odd + other) % last for one, other in zip(numbers, numbers[width:], strict=False)]
    codes = (code for code in range(0x3400, 0x30000) if not 0xD800 <= code < 0xE000)
    same = [code for code in codes if ((numbers[0] + code) * spread % last >> 32) & 2047 == 5][:80]
    assert len(same) == 80
    plain, compiled = both_kinds()
    text = "".join("aaaaaaa" + chr(code) for code in same)
    assert 1024 <= 2 * (len(text) - 7) < 2048
    assert compiled.summary(text, 7) == plain.summary(text, 7)
