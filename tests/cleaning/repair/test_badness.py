"""The language model tells Chinese from what wrong decoders make of it, in both scripts and at every length."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.repair import badness as lm

NATURAL = [
    "催收电话",
    "催收電話",
    "今天天气不错",
    "证券投资基金",
    "借款人應與平台協商還款計劃。",
    "法院起诉，请尽快处理",
]
WRONG = [("gb18030", "latin-1"), ("utf-8", "latin-1"), ("utf-8", "gb18030"), ("gb18030", "big5")]


@pytest.mark.parametrize("text", NATURAL)
@pytest.mark.parametrize("written,read", WRONG)
def test_a_wrong_decoder_scores_far_worse(text: str, written: str, read: str) -> None:
    damaged = text.encode(written).decode(read, "replace")
    assert lm.logprob(damaged) < lm.logprob(text) - 3


@pytest.mark.parametrize("text", NATURAL)
def test_natural_text_has_no_badness(text: str) -> None:
    assert lm.badness(text) == 0.0


def test_word_order_matters() -> None:
    assert lm.logprob("催收电话") > lm.logprob("话电收催") + 1


def test_empty_text_is_neutral() -> None:
    assert lm.logprob("") == 0.0
    assert lm.badness("") == 0.0


def test_bigram_score_is_what_pair_scores_says() -> None:
    pairs = lm.pair_scores(lm.codes("催银"), lm.codes("收行"))
    assert [lm.bigram_score("催", "收"), lm.bigram_score("银", "行")] == pairs.tolist()


def test_characters_outside_the_bmp_have_scores() -> None:
    text = "\N{GRINNING FACE}\U00020000\U0010ff81\ud800"
    assert -18 <= lm.logprob(text) < -10


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(NATURAL) * 3
    whole = lm.total_logprob(text)
    monkeypatch.setattr(lm, "_BATCH", 7)
    assert lm.total_logprob(text) == pytest.approx(whole)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1))
def test_every_text_has_a_finite_score(text: str) -> None:
    assert -20 <= lm.logprob(text) <= 0
    assert 0 <= lm.badness(text) <= 20
