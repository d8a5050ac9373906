"""Lenders: the list's own order, what is found, what must not be."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.lenders import find_lenders, lender_mentions, lenders
from cleaning.script import to_simplified

HERE = Path(__file__).parent
CASES = json.loads((HERE / "lenders_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_found(case: dict[str, Any]) -> None:
    assert find_lenders(case["text"], case.get("title")) == case["lenders"]


def test_the_list_is_large_and_of_every_kind() -> None:
    kinds = Counter(lender.kind for lender in lenders())
    assert kinds.total() >= 450
    assert set(kinds) == {
        "state_bank", "policy_bank", "joint_stock_bank", "private_bank", "city_bank", "rural_bank", "foreign_bank",
        "consumer_finance", "loan_app", "micro_loan", "p2p", "auto_finance",
    }  # fmt: skip


def test_ids_names_and_aliases_belong_to_one_lender() -> None:
    for values in (
        [lender.id for lender in lenders()],
        [lender.name for lender in lenders()],
        [alias.lower() for lender in lenders() for alias in lender.aliases],
    ):
        assert [value for value, count in Counter(values).items() if count > 1] == []


def test_aliases_are_simplified_and_long_enough() -> None:
    for lender in lenders():
        assert re.fullmatch(r"[a-z0-9_]+", lender.id)
        for alias in lender.aliases:
            assert len(alias) >= 2
            assert alias == alias.strip() == alias.lower()
            assert to_simplified(alias) == alias


def test_every_alias_is_found_in_an_article() -> None:
    for lender in lenders():
        for alias in lender.aliases:
            assert find_lenders(f"我在{alias}逾期三个月，催收天天来电") == [lender.name], alias


@given(
    st.lists(st.sampled_from(["小米", "平安", "工行", "业", "逾期", "招行", "花呗", "，", "的"]), max_size=30).map(
        "".join
    )
)
@settings(max_examples=100, deadline=None)
def test_mentions_are_spans_of_aliases_in_order(text: str) -> None:
    mentions = lender_mentions(text)
    cursor = 0
    for mention in mentions:
        assert mention.start >= cursor
        assert text[mention.start : mention.end].lower().removesuffix("业务") in mention.lender.aliases
        cursor = mention.end
    assert set(find_lenders(text)) == {mention.lender.name for mention in mentions}


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_text_is_taken(text: str) -> None:
    assert find_lenders(text, text) == find_lenders(text, text)


def test_statutes_are_about_no_lender() -> None:
    folder = HERE.parents[2] / "shared" / "data" / "statutes"
    if not folder.exists():
        pytest.skip("../shared is not beside this checkout")
    for path in sorted(folder.glob("*.txt")):
        assert find_lenders(path.read_text(encoding="utf-8")) == []


def test_characters_that_grow_in_lower_case_do_not_move_the_spans() -> None:
    text = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}花呗逾期"
    (mention,) = lender_mentions(text)
    assert text[mention.start : mention.end] == "花呗"
