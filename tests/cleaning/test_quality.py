"""Quality attributes: what they count, and their bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.characters import NGRAM
from cleaning.quality import quality

CASES = json.loads((Path(__file__).parent / "quality_cases.json").read_text(encoding="utf-8"))
KEYS = [
    "chars", "lines", "mean_line_chars", "han_share", "punctuation_share", "digit_share", "duplicate_line_share",
    "repeated_ngram_share", "top_ngram_share", "residue_marks", "spun_words", "complete", "damage_share",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_attributes(case: dict[str, Any]) -> None:
    found = quality(case["text"])
    assert {key: found[key] for key in case["is"]} == case["is"]


def test_damage_share_is_passed_on() -> None:
    assert quality("逾期", damage_share=0.123456)["damage_share"] == 0.1235
    assert quality("逾期")["damage_share"] == 0.0


@given(st.text(max_size=200) | st.text(alphabet="逾期还款\n。 1a", max_size=200))
@settings(max_examples=150, deadline=None)
def test_keys_and_bounds(text: str) -> None:
    found = quality(text)
    assert list(found) == KEYS
    assert all(0 <= value <= 1 for key, value in found.items() if key.endswith("share"))
    assert found["chars"] == sum(not char.isspace() for char in text)
    assert found["lines"] == sum(bool(line.strip()) for line in text.split("\n"))


@given(st.text(alphabet="逾期还款协商征信", min_size=NGRAM, max_size=60))
@settings(max_examples=150, deadline=None)
def test_repetition_is_that_of_the_grams_counted_one_by_one(text: str) -> None:
    grams = [text[start : start + NGRAM] for start in range(len(text) - NGRAM + 1)]
    most = max(grams.count(gram) for gram in set(grams))
    found = quality(text)
    assert found["repeated_ngram_share"] == round(1 - len(set(grams)) / len(grams), 4)
    assert found["top_ngram_share"] == (round(most / len(grams), 4) if most > 1 else 0.0)


def test_saying_it_twice_makes_half_of_it_repeated() -> None:
    text = "借款人逾期后应主动与平台协商，说明收入减少的原因，并提出可行的分期方案。"
    once, twice = quality(text), quality(text + "\n" + text)
    assert once["repeated_ngram_share"] == 0.0
    assert twice["repeated_ngram_share"] >= 0.4
    assert twice["duplicate_line_share"] == 0.5
