"""Fingerprints: what folds away, what shingles are, that the bytes never change, that batches equal single texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import fingerprint
from corpus.fingerprint import fold, jaccard, shingles

STATUTES = Path(__file__).parents[3] / "shared" / "data" / "statutes"
TEXT = "小编导语：随着互联网金融的快速发展，越来越多的人选择了小额贷款来解决短期资金需求。逾期之后怎么办？"

anything = st.text(st.characters(exclude_categories=[]), max_size=60)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("逾期，3 个月！", "逾期3个月"),
        ("ＡＢＣ\N{IDEOGRAPHIC SPACE}１２３", "abc123"),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE} cafe\N{COMBINING ACUTE ACCENT}", "cafecafe"),
        ("\N{CIRCLED DIGIT ONE}先还款 \N{PARENTHESIZED IDEOGRAPH ONE}", "1先还款一"),
        ("\N{LATIN SMALL LIGATURE FI}n \N{SQUARE MG}", "finmg"),
        ("\N{ZERO WIDTH SPACE}逾\N{SOFT HYPHEN}期\N{REPLACEMENT CHARACTER}", "逾期"),
        ("\N{MATHEMATICAL BOLD DIGIT ONE}\N{MATHEMATICAL BOLD DIGIT THREE}", "13"),
        ("\ud800逾期\U0010ff85", "逾期"),
        ("", ""),
    ],
)
def test_fold_keeps_letters_and_digits_in_plain_form(text: str, key: str) -> None:
    assert fold(text) == key


@given(anything)
def test_folding_is_idempotent_and_knows_where_each_character_came_from(text: str) -> None:
    key = fold(text)
    assert fold(key) == key
    again, places = fingerprint.fold_places(text)
    assert again == key
    assert places == sorted(places)
    assert all(set(part) <= set(fold(text[place])) for part, place in zip(again, places))


@given(st.lists(anything, max_size=8))
@settings(max_examples=60)
def test_a_batch_gives_what_single_texts_give(texts: list[str]) -> None:
    batch = fingerprint.fingerprint(texts)
    assert batch.content_hashes == [fingerprint.content_hash(text) for text in texts]
    assert batch.lengths.tolist() == [len(fold(text)) for text in texts]
    for index, text in enumerate(texts):
        alone = fingerprint.fingerprint([text])
        assert np.array_equal(alone.signatures[0], batch.signatures[index])
        assert np.array_equal(alone.keys.values, batch.keys.row(index))
    sets = fingerprint.shingle_sets(fingerprint.fold_batch(texts))
    assert all(np.array_equal(found, shingles(text)) for found, text in zip(sets, texts))


def test_a_batch_longer_than_a_chunk_gives_what_single_texts_give() -> None:
    texts = [TEXT * 700 + "甲" * index for index in range(5)]
    batch = fingerprint.fingerprint(texts)
    assert [list(part) for part in fingerprint.chunks(texts)] != [texts]
    for index, text in enumerate(texts):
        assert np.array_equal(fingerprint.fingerprint([text]).keys.values, batch.keys.row(index))


def test_fingerprints_are_the_same_bytes_on_every_machine() -> None:
    found = fingerprint.fingerprint([TEXT])
    assert found.content_hashes == ["257bf255b4836b7d68a6f9ba1455d03d"]
    assert found.signatures[0, :6].tolist() == [43577, 7899, 62860, 9457, 51306, 35013]
    assert found.keys.values[:2].tolist() == [3964256189743021855, 10074003107558840669]


@given(
    st.text("逾期还款催收征信协商", min_size=5, max_size=40),
    st.text("逾期还款催收征信协商", min_size=5, max_size=40),
)
def test_jaccard_is_that_of_the_sets_of_five_characters(left: str, right: str) -> None:
    ours, theirs = ({text[at : at + 5] for at in range(len(text) - 4)} for text in (left, right))
    assert jaccard(shingles(left), shingles(right)) == len(ours & theirs) / len(ours | theirs)
    assert fingerprint.containment(shingles(left), shingles(right)) == len(ours & theirs) / len(ours)


@pytest.mark.parametrize("text", ["", "逾期", "逾期怎么", "。。。。。。。。", "2024-10-13", "逾期12345678"])
def test_texts_shorter_than_a_shingle_have_no_keys_and_are_like_nothing(text: str) -> None:
    found = fingerprint.fingerprint([text, TEXT])
    assert len(found.keys.row(0)) == 0
    assert jaccard(shingles(text), shingles(text)) == 0.0
    assert found.content_hashes[0] != found.content_hashes[1]


def test_digits_and_latin_words_do_not_count_in_a_chinese_text_but_do_in_another() -> None:
    assert np.array_equal(shingles("逾期3个月app怎么办"), shingles("逾期12个月怎么办"))
    assert jaccard(shingles("what to do when a loan is overdue"), shingles("what to eat when a day is long")) < 0.5
    assert len(shingles("what to do when a loan is overdue")) > 10


def test_anchors_of_an_embedded_text_are_among_the_larger_ones_and_bounded() -> None:
    inner = "".join(chr(0x4E00 + at * 37 % 5000) for at in range(4000))
    small, large = (
        fingerprint.anchor_keys(fingerprint.shingle_hashes(fingerprint.letters(fingerprint.fold_batch([text]))))
        for text in (inner, TEXT + inner + TEXT)
    )
    assert len(small.values) > 30
    assert set(small.values.tolist()) <= set(large.values.tolist())


def test_estimates_agree_with_exact_similarity() -> None:
    base = "".join(chr(0x4E00 + at * 7919 % 6000) for at in range(1500))
    other = base[:1200] + "".join(chr(0x4E00 + at * 104729 % 6000) for at in range(300))
    found = fingerprint.fingerprint([base, other])
    estimate = fingerprint.agreement(found.signatures[0], found.signatures[1:])[0]
    assert estimate == pytest.approx(jaccard(shingles(base), shingles(other)), abs=0.15)


def test_candidates_are_the_pairs_that_share_a_band() -> None:
    keys = np.array([[1, 2], [3, 2], [1, 9], [7, 8]], np.uint64)
    assert fingerprint.candidate_pairs(keys).tolist() == [[0, 1], [0, 2]]
    assert fingerprint.candidate_pairs(keys[:0]).tolist() == []


def statute_pairs() -> list[dict[str, Any]]:
    if not STATUTES.is_dir():
        pytest.skip("the statutes of ../shared are not beside this checkout")
    pairs: list[dict[str, Any]] = json.loads((STATUTES / "pairs.json").read_text(encoding="utf-8"))
    # One entry pairs a file with itself and gives a figure below 1.
    return [entry for entry in pairs if entry["a"] != entry["b"]]


def test_shingles_reproduce_the_statutes_similarities() -> None:
    for entry in statute_pairs():
        left, right = (shingles((STATUTES / entry[side]).read_text(encoding="utf-8")) for side in ("a", "b"))
        assert jaccard(left, right) == pytest.approx(entry["jaccard5"], abs=0.0006), entry["a"]
