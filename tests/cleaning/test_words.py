"""Words of lists in a text, and words in bytes: the compiled twin finds what the Python one does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.lexicon import LONG_LINE, MARGIN, NOTHING, hits_at, lexicon, look, scan
from cleaning.native import available
from cleaning.ruleset import gate
from cleaning.together import Together
from cleaning.words import PlainNeedles, PlainWords, needles, words

_native = available("_scan")
needs_native = pytest.mark.skipif(_native is None, reason="the compiled twin is not built")

LETTERS = "ab还款\n\U00020000"
some_words = st.lists(st.text(LETTERS, min_size=1, max_size=5), max_size=12, unique=True)
texts = st.text(LETTERS + "c\ud800é", max_size=60)


def native(*lists: Any) -> Any:  # noqa: ANN401  # a compiled class
    assert _native is not None
    return _native.Words(lists)


@needs_native
@settings(max_examples=150, deadline=None)
@given(st.lists(some_words, min_size=1, max_size=3), texts)
def test_the_twins_find_the_same(lists: list[list[str]], text: str) -> None:
    plain, compiled = PlainWords(lists), native(*lists)
    assert compiled.overlapping(text) == plain.overlapping(text)
    assert compiled.longest(text) == plain.longest(text)
    assert compiled.by_line(text) == plain.by_line(text)
    tallies = compiled.tally(text)
    assert tallies == plain.tally(text)
    assert [list(found) for found in tallies] == [list(found) for found in plain.tally(text)]
    for placed in range(1 << len(lists)):
        assert compiled.found(text, placed) == plain.found(text, placed)


@needs_native
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_twins_find_the_same_of_our_own_lists(data: st.DataObject) -> None:
    lists = (lexicon(rows=True).words, gate().words)
    pieces = st.one_of(
        st.sampled_from(lists[0]), st.sampled_from(lists[1]), st.sampled_from(["还款", "，", "a", "\n"])
    )
    text = "".join(data.draw(st.lists(pieces, max_size=40)))
    assert native(*lists).overlapping(text) == PlainWords(lists).overlapping(text)
    assert native(*lists).longest(text) == PlainWords(lists).longest(text)


@needs_native
@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=6, unique=True),
    st.binary(max_size=40),
    st.integers(0, 5),
    st.integers(0, 40),
)
def test_the_twins_tell_the_same_of_bytes(sought: list[bytes], body: bytes, which: int, place: int) -> None:
    assert _native is not None
    with_word = body[:place] + sought[which % len(sought)] + body[place:]
    plain, compiled = PlainNeedles(sought), _native.Needles(sought)
    assert plain.within(with_word) is compiled.within(with_word) is True
    assert plain.within(body) is compiled.within(body)
    assert compiled.within(with_word[:-1]) is plain.within(with_word[:-1])
    places = compiled.places(with_word)
    assert sorted(places) == sorted(plain.places(with_word))
    assert sorted(places, key=lambda place: place[0]) == sorted(places)


def test_words_of_several_lists_are_told_apart() -> None:
    found = words(["逾期", "逾期还款"], ["还款", "逾期"])
    assert found.overlapping("逾期还款")[0] == [(0, 0, 2), (1, 0, 4)]
    assert found.longest("逾期还款") == [[(1, 0, 4)], [(1, 0, 2), (0, 2, 4)]]
    assert found.tally("还款，逾期还款") == [{1: 1}, {0: 2, 1: 1}]


def test_of_words_that_overlap_the_leftmost_longest_is_taken() -> None:
    (found,) = words(["征信", "信用", "信用卡", "用卡"]).longest("征信用卡，信用卡")
    assert found == [(0, 0, 2), (3, 2, 4), (2, 5, 8)]


def test_which_words_each_line_holds() -> None:
    found = words(["催收", "的"], ["催"])
    assert found.by_line("催收\n\n我的\n催的催收") == [{0: {0}, 2: {1}, 3: {0, 1}}, {0: {0}, 3: {0}}]
    assert found.by_line("") == [{}, {}]


def test_lists_of_several_readers_are_found_in_one_go() -> None:
    read: list[str] = []

    def listed(*found: str) -> list[str]:
        read.extend(found)
        return list(found)

    together = Together()
    counts = together.tallied(lambda: listed("逾期", "还款"))
    places = together.placed(lambda: listed("逾期还款"))
    assert read == []
    assert (counts("逾期还款，还款"), places("逾期还款，还款")) == ({0: 1, 1: 2}, [(0, 0, 4)])
    assert read == ["逾期", "还款", "逾期还款"]
    later = together.tallied(lambda: ["款"])
    assert (later("逾期还款，还款"), counts("逾期还款，还款")) == ({0: 2}, {0: 1, 1: 2})


@pytest.mark.parametrize("listed", [["还款", ""], ["还款", "逾期", "还款"]])
def test_an_empty_word_and_a_word_twice_are_refused(listed: list[str]) -> None:
    with pytest.raises(ValueError, match=r"empty|twice"):
        words(listed)
    with pytest.raises(ValueError, match=r"empty|twice"):
        PlainWords([listed])


@pytest.mark.parametrize("sought", [(), (b"ab", b"")])
def test_an_empty_word_of_bytes_is_refused(sought: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="none of them empty"):
        needles(*sought)
    with pytest.raises(ValueError, match="none of them empty"):
        PlainNeedles(sought)


def test_no_word_is_as_long_as_what_is_looked_at_of_a_run() -> None:
    assert max(map(len, lexicon(rows=True).words)) < MARGIN
    assert not any(NOTHING in word for word in lexicon(rows=True).words)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["x", "av", "xxx", "视频", "棋牌", "久久精品", "。", " ", "A1"]), max_size=12),
    st.lists(
        st.tuples(st.sampled_from(["x", "xav", "app9", "bet365"]), st.integers(1, 400)), min_size=1, max_size=4
    ),
)
def test_words_inside_long_runs_of_latin_letters_change_nothing(
    parts: list[str], runs: list[tuple[str, int]]
) -> None:
    line = "".join(parts) + "色情av".join(text * times for text, times in runs) + "".join(parts)
    line += "久久精品" + "的" * LONG_LINE
    seen = look(line, [line])
    assert seen.hits.get(0, []) == scan(line)
    assert hits_at(line, seen.places[0], rows=True) == scan(line, rows=True)


def test_a_page_of_one_letter_has_few_places() -> None:
    line = "x" * 50_000
    assert sum(map(len, look(line, [line]).places.values())) < 40 * MARGIN
