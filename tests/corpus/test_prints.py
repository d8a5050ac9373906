"""The compiled fingerprints and shingle sets are those of the arrays, whatever the text."""

from __future__ import annotations

import random
from types import ModuleType

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cleaning import native
from corpus import fingerprint, verify
from corpus.fingerprint import ANCHOR_CAP, BANDS, fold_batch
from corpus.masking import default_masker
from corpus.verify import compare

_native = native.available("_prints")
pytestmark = pytest.mark.skipif(_native is None, reason="the compiled twin was not built, or YUQI_PURE is set")

MASKER = default_masker()
PIECES = [
    *("湖南省", "长沙", "长沙市", "小米", "小米金融", "招联", "消费金融", "贷款平台", "工商银行", "还呗"),
    *("逾期", "还款", "银", "金", "三", "百", "〇", "2024", "1", "abc", "é", "。", "\n", " "),
    *("\N{CIRCLED NUMBER TEN}", "\N{LATIN SMALL LIGATURE FI}", "\N{FULLWIDTH LATIN CAPITAL LETTER A}"),
    *("\N{CJK UNIFIED IDEOGRAPH-20000}", "\N{CJK COMPATIBILITY IDEOGRAPH-2F800}", "\ud800", "\N{COMBINING ACUTE ACCENT}"),
]  # fmt: skip
made_up = st.one_of(st.lists(st.sampled_from(PIECES), max_size=80).map("".join), st.text(max_size=200))


@pytest.fixture(scope="module")
def twin() -> ModuleType:
    assert _native is not None
    return _native


@given(made_up)
@example("逾期怎么办")
@example("借" * 3000)
@example("x" * 3000)
@example("".join(chr(0x4E00 + number * 7919 % 20000) for number in range(20000)))
@settings(max_examples=300, deadline=None)
def test_keys_are_those_of_the_arrays(text: str) -> None:
    (wanted,) = fingerprint.fingerprint([text], MASKER.mask_folded).each()
    assert MASKER._print(text) == wanted


@given(made_up)
@settings(max_examples=300, deadline=None)
def test_sets_and_names_are_those_of_the_arrays(text: str) -> None:
    (wanted,), found = MASKER._sets_of(fold_batch([text])), MASKER._sets(text)
    assert np.array_equal(found.plain, wanted.plain)
    assert np.array_equal(found.masked, wanted.masked)
    assert found.names == wanted.names


def test_a_text_of_a_million_characters_has_no_more_keys_than_may_be() -> None:
    text = "".join(chr(0x4E00 + number * number % 19997) for number in range(1_000_000))
    assert len(MASKER._print(text).keys) <= 8 * (BANDS + ANCHOR_CAP)


@given(st.sets(st.integers(0, 300)), st.sets(st.integers(0, 300)), st.integers(-1, 310))
def test_an_overlap_is_what_both_hold(twin: ModuleType, left: set[int], right: set[int], least: int) -> None:
    one, other = (np.array(sorted(values), np.uint64) for values in (left, right))
    wanted = len(left & right)
    assert twin.overlap(one, other, 0) == wanted == fingerprint._overlap(one, other)
    found = twin.overlap(one, other, least)
    assert found == wanted if wanted >= least else found < least


@given(st.lists(st.integers(0, 20)))
def test_repeats_are_left_out(twin: ModuleType, values: list[int]) -> None:
    held = np.array(sorted(values), np.uint64)
    assert held[: twin.distinct(held, len(held))].tolist() == sorted(set(values))


def test_arrays_without_room_are_refused(twin: ModuleType) -> None:
    with pytest.raises(ValueError, match="a place for each"):
        MASKER._printer.sets("逾期", np.empty(2, np.uint64), np.empty(3, np.uint64))
    with pytest.raises(ValueError, match="not there"):
        twin.distinct(np.empty(2, np.uint64), 3)


@pytest.mark.parametrize("place", range(5))
def test_tables_of_another_size_are_refused(twin: ModuleType, place: int) -> None:
    shapes: list[tuple[int, ...]] = [(0x110000,), (0x110000,), (1 << 20,), (0x110000,), (1, 128)]
    shapes[place] = (*shapes[place][:-1], 5)
    arrays = [np.zeros(shape, np.uint8 if number else np.uint32) for number, shape in enumerate(shapes)]
    with pytest.raises(ValueError, match=r"a table has|a probe names"):
        twin.Printer(*arrays, [], [], [1, 2])


@pytest.mark.parametrize("seed", range(20))
def test_counting_no_further_than_needed_changes_no_likeness(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    letters = [chr(0x4E00 + number) for number in range(2000)]
    whole = rng.choices(letters, k=rng.randrange(100, 900))
    edits = [
        [rng.choice(letters) if rng.random() < rate else letter for letter in whole]
        for rate in (0, 0.01, 0.02, 0.022, 0.024, 0.03, 0.1)
    ]
    parts = [whole[: int(len(whole) * share)] for share in (0.5, 0.88, 0.9, 0.92)]
    others = MASKER.sets(["".join(text) for text in (*edits, *parts, whole + rng.choices(letters, k=600))])
    (own,) = MASKER.sets(["".join(whole)])
    found = [compare(own, other) for other in others]
    for module in (fingerprint, verify):
        monkeypatch.setattr(module, "least_shared", lambda similarity, both: 0)
    assert found == [compare(own, other) for other in others]
