"""Deleted and masked words: marked by default, filled in on request from what speaks for them, clean text untouched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.findings import replay
from cleaning.profile import SiteProfile
from cleaning.repair.deleted import delete_words, mark_deleted, site_quotes

CASES: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("deleted_cases.json").read_text("utf-8")
)

PAGE = "催款電話的頻率較高，催款電話也會帶來壓力，借款人接到催款電話時應保持冷靜。"


def params(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["label"]) for case in CASES[kind]]


@pytest.mark.parametrize("case", params("damaged"))
def test_spot_is_marked_and_text_stays(case: dict[str, Any]) -> None:
    edited = mark_deleted(case["damaged"])
    assert edited.text == case["damaged"]
    assert [finding.rule for finding in edited.findings] == [case["rule"]]
    assert edited.findings[0].certainty == "rule"


@pytest.mark.parametrize("case", params("damaged"))
def test_spot_is_filled_on_request(case: dict[str, Any]) -> None:
    edited = mark_deleted(case["damaged"], restore=True)
    assert edited.text == case["repaired"]
    assert replay(case["damaged"], edited.findings) == edited.text
    filled = [finding for finding in edited.findings if finding.before != finding.after]
    assert all(finding.certainty == "inferred" and finding.evidence for finding in filled)


@pytest.mark.parametrize("case", params("clean"))
def test_clean_text_is_not_marked(case: dict[str, Any]) -> None:
    assert mark_deleted(case["text"], restore=True).findings == ()


def test_the_title_says_which_word_is_missing() -> None:
    damaged = delete_words(PAGE, ["電話"], " ")
    assert mark_deleted(damaged, restore=True, title="某平臺催款電話").text == PAGE
    evidence = mark_deleted(damaged, restore=True, title="某平臺催款電話").findings[0].evidence
    assert "title" in evidence


def test_the_site_says_which_word_is_missing() -> None:
    damaged = delete_words("催收短信的頻率較高，催收短信也會帶來壓力。", ["短信"], " ")
    edited = mark_deleted(damaged, restore=True, siblings=["本站介紹催收短信。"])
    assert edited.text == "催收短信的頻率較高，催收短信也會帶來壓力。"
    assert "site" in edited.findings[0].evidence


def test_a_site_s_quotes_say_as_much_as_its_pages() -> None:
    pages = ["本站介绍催收短信。", "平台成立于2015年。", "催收短信很多，催收短信也要留证。"]
    quotes = site_quotes(pages)
    assert quotes == site_quotes(reversed(pages))
    assert {"催收短信", "成立于2015年"} <= set(quotes)
    damaged = delete_words("催收短信的频率较高，催收短信也会带来压力。", ["短信"], " ")
    assert mark_deleted(damaged, restore=True, siblings=quotes) == mark_deleted(
        damaged, restore=True, siblings=pages
    )


def test_quotes_survive_json_and_change_the_profile_s_version() -> None:
    profile = SiteProfile("site", 9, {"a": 9}, ("催收短信",))
    assert SiteProfile.from_dict(json.loads(json.dumps(profile.to_dict()))) == profile
    assert profile.version != SiteProfile("site", 9, {"a": 9}).version


def test_the_site_s_pages_do_not_make_a_gap_by_themselves() -> None:
    text = "接到催收 就挂断的人很多，其实应该先听完再说。"
    assert mark_deleted(text, siblings=["催收电话"]).findings == ()


def test_a_page_with_asterisks_everywhere_is_masked_everywhere() -> None:
    text = "客服***为95588，接通后按提示选择。很多人把***记在本子上，接到***就挂断。"
    findings = mark_deleted(text, restore=True).findings
    assert [(found.before, found.after) for found in findings] == [
        ("***", "电话"),
        ("***", "***"),
        ("***", "电话"),
    ]


@pytest.mark.parametrize("unit", ["客服 ", "催收 为", "客服*** ", "XX", "某某 ", "客服 为9，", "□□，"])
def test_hostile_gaps_end(unit: str) -> None:
    text = unit * 20_000
    assert mark_deleted(text).text == text


def test_a_year_is_filled_only_where_all_mentions_agree() -> None:
    damaged = "平臺成立於年，總部不詳。"
    one = ["平臺成立於2015年。"]
    assert mark_deleted(damaged, restore=True, siblings=one).text == "平臺成立於2015年，總部不詳。"
    assert mark_deleted(damaged, restore=True, siblings=[*one, "平臺成立於2016年。"]).text == damaged


def test_the_filter_deletes_the_longest_word_first() -> None:
    assert delete_words("催收電話", ["電話", "催收電話"], "*") == "*"
    assert delete_words("催收電話", []) == "催收電話"


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("催款收 的问題也，。突況措之一时间*年于成立gao效\n"), max_size=60), st.booleans())
def test_any_text_replays(text: str, restore: bool) -> None:
    edited = mark_deleted(text, restore=restore)
    assert replay(text, edited.findings) == edited.text
    assert edited.text.count("\n") == text.count("\n")
    assert restore or edited.text == text


@pytest.mark.parametrize("unit", ["催款 ", "催款 的,", "逾期问，", "*** ", "*", "成立于年", "突 况"])
def test_hostile_repetition_ends(unit: str) -> None:
    text = unit * 3000
    edited = mark_deleted(text)
    assert edited.text == text
