"""The compiled loops over injected pinyin say exactly what their Python twins say."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cleaning import native
from cleaning.repair import injection, page_evidence, pinyin, readings, repair, tokens
from cleaning.repair.gbk_bytes import BYTES, CHARS, DECODERS, Decoder, units
from cleaning.repair.injection import inject
from cleaning.repair.pinyin import learn_table, repair_pinyin
from cleaning.repair.readings import Reading

twin = native.available("_pinyin")

needs_twin = pytest.mark.skipif(twin is None, reason="the compiled twin is not built, or YUQI_PURE asks for none")

PIECES = (
    "(", ")", "?", "\N{REPLACEMENT CHARACTER}", "\U0010ff95", " ", "x\xed", "y\u012bng", "lu", "abcdefgh", "abcdefghi",
    "(xi)", "\uff08", "\uff09", "\u61c9", "\u5c0d", "\u7fd2", "\u4fdd", "\uff1b", "\ue491", "\N{EURO SIGN}", "\u8902", "^",
    "\0", "\n", "\U00020000", "\ud800", "w\u0301",
)  # fmt: skip

damaged = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)

TEXT = "借款人應當對自身的經濟狀況負責，甚至會使用較為強硬的手段。以確保回款，反饋自身的還款。"
TABLE = {"應": "(yīng)", "對": "(duì)", "習": "(xí)", "為": "(wéi )", "戰": "(zhàn)", "還": "(huan)(huan)"}


@needs_twin
@settings(max_examples=300, deadline=None)
@given(damaged)
@example("\u81f3?x\xed)\ue491\u8902")
@example("(a)(b)(")
@example("\uff08a\uff09(a)")
@example("?(?(a)")
def test_insertions_are_found_alike(line: str) -> None:
    found = tokens.tokens(line)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "NATIVE", None)
        assert tokens.tokens(line) == found
    assert all(type(token) is tokens.Token for token in found)


@needs_twin
@settings(max_examples=100, deadline=None)
@given(damaged)
def test_characters_are_counted_alike(text: str) -> None:
    assert twin is not None
    assert twin.counted(text) == Counter(text)


@needs_twin
@settings(max_examples=100, deadline=None)
@given(damaged)
@example("\u54c8" * 9)
@example("".join(map(chr, range(0x4E00, 0x7E00))))
def test_pairs_are_counted_alike(text: str) -> None:
    assert twin is not None
    count, counts = twin.PairCount(text), Counter(map("".join, pairwise(text)))
    assert all(count(pair) == times for pair, times in counts.items())
    assert count("\u9006\u9006") == counts["\u9006\u9006"]
    with pytest.raises(ValueError, match="two characters"):
        count("\u9006")


@needs_twin
@settings(max_examples=300, deadline=None)
@given(damaged, st.sets(st.sampled_from("\u61c9\u5c0d\u7fd2\u4fdd")))
@example("\u7fd2(x\xed)\u61c9(y\u012bng)\u5c0d(du", {"\u7fd2", "\u61c9", "\u5c0d"})
@example("\u81f3?x\xed)\ue491\u8902\u7fd2(x\xed)", {"\u7fd2"})
@example("\u7fd2(xi)^(lu)", {"\u7fd2"})
def test_insertions_are_taken_out_alike(line: str, chars: set[str]) -> None:
    text = f"{line}\n{line}\u7fd2(x\xed)\n{line}"
    found = repair_pinyin(text, frozenset(chars))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pinyin, "NATIVE", None)
        assert repair_pinyin(text, frozenset(chars)) == found


@needs_twin
@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*TEXT, "\n", "a", "\N{SNOWMAN}"]), max_size=60).map("".join),
    st.sets(st.sampled_from(sorted(TABLE))),
    st.sampled_from(DECODERS),
    st.sampled_from(["", "\uff1b", "\u3002\uff0c"]),
)
def test_the_machine_works_alike(text: str, chars: set[str], decoder: Decoder, replaced: str) -> None:
    table = {char: TABLE[char] for char in sorted(chars)}
    shown = inject(text, table, decoder, frozenset(replaced))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(injection, "NATIVE", None)
        assert inject(text, table, decoder, frozenset(replaced)) == shown


@needs_twin
@pytest.mark.parametrize("decoder", DECODERS)
def test_repair_says_the_same_in_python(decoder: Decoder) -> None:
    for text in (inject(TEXT, TABLE, decoder), inject(f"{TEXT}\n{TEXT * 3}", TABLE, decoder)[:-3]):
        found = repair(text), learn_table(text)
        with pytest.MonkeyPatch.context() as patch:
            for module in (tokens, injection, page_evidence, pinyin):
                patch.setattr(module, "NATIVE", None)
            assert (repair(text), learn_table(text)) == found


@needs_twin
def test_tables_of_another_size_are_refused() -> None:
    assert twin is not None
    small = np.zeros(3, dtype=np.uint16)
    with pytest.raises(ValueError, match="65536"):
        twin.injected(b"ab", small, ())
    with pytest.raises(ValueError, match="65536"):
        twin.insertions(
            "(a)", small.astype(np.uint8), small, small.astype(np.uint32), readings.parse, tokens.Token
        )
    numbers = np.full(1 << 16, 7, dtype=np.uint16)
    with pytest.raises(ValueError, match="every number"):
        twin.injected(b"ab", numbers, (b"", b"x"))


def test_units_are_the_bytes_of_each_character() -> None:
    table = units()
    assert all(int.from_bytes(BYTES[chr(code)], "big") == table[code] for code in range(1 << 16))


@pytest.mark.parametrize("lead", [0x81, 0x95, 0xB0, 0xD8, 0xFE])
def test_characters_by_lead_and_reading_are_those_that_are_read_so(lead: int) -> None:
    row = [CHARS[lead << 8 | trail] for trail in range(0x81, 0xFF)]
    han = [char for char in row if not "\ue000" <= char <= "\uf8ff"]
    for base in ("ying", "xi", "lv", "a", "zzz"):
        for tone in ("", "1", "3"):
            asked = Reading(base, tone)
            assert readings.with_lead(lead, asked) == tuple(char for char in han if readings.reads(char, asked))
