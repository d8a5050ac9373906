"""Wrong decoders undone: JSON cases, round trips of random text through random chains, and what must not be touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.findings import replay
from cleaning.repair.chains import HOLE, INVALID_BYTE_BASE, MARKER, Chain, Reader, Step, damage
from cleaning.repair.decoders import damage_share, repair_decoders, repair_line
from cleaning.repair.spans import suspicious

CASES = Path(__file__).parents[3] / "benchmarks" / "dirty" / "cases"
SHARED = Path(__file__).parents[4] / "shared"

Case = dict[str, Any]


def cases(name: str) -> list[Any]:
    """Return the cases of one JSON file as parameters with their labels."""
    return [pytest.param(case, id=case["label"]) for case in json.loads((CASES / name).read_text("utf-8"))]


@pytest.mark.parametrize("case", [*cases("in_the_wild.json"), *cases("synthetic.json")])
def test_case_is_repaired(case: Case) -> None:
    edited = repair_decoders(case["damaged"])
    assert edited.text == case["repaired"]
    assert replay(case["damaged"], edited.findings) == edited.text
    if "certainty" in case:
        certainties = {finding.certainty for finding in edited.findings}
        assert case["certainty"] in certainties
        assert case["certainty"] == "inferred" or certainties == {"certified"}


@pytest.mark.parametrize("case", cases("negative.json"))
def test_clean_text_is_left_alone(case: Case) -> None:
    edited = repair_decoders(case["text"])
    assert edited.text == case["text"]
    assert edited.findings == ()


@pytest.mark.xfail(reason="too few bytes are left", strict=True)
@pytest.mark.parametrize("case", cases("known_failures.json"))
def test_known_failure(case: Case) -> None:
    assert repair_decoders(case["damaged"]).text == case["repaired"]


WORDS = [
    "借款人", "逾期", "之后", "应当", "主动", "联系", "平台", "协商", "还款", "计划", "。", "，",
    "银行", "信用卡", "利息", "违约金", "催收", "电话", "短信", "法院", "起诉", "律师", "征信", "报告",
    "每个月", "工资", "收入", "家里", "父母", "朋友", "我们", "他们", "可以", "不要", "如果", "因为",
    "所以", "已经", "没有", "三千元", "十二期", "第二天", "以后", "合同", "约定", "减免", "部分",
    "费用", "？", "：", "《", "》",
]  # fmt: skip
SENTENCES = st.lists(st.sampled_from(WORDS), min_size=8, max_size=30).map("".join)
TEXTS = st.lists(SENTENCES, min_size=1, max_size=4).map("\n".join)

REVERSIBLE: tuple[Chain, ...] = (
    (Step("gb18030", "latin-1"),),
    (Step("gb18030", "cp1252"),),
    (Step("utf-8", "latin-1"),),
    (Step("utf-8", "latin-1"),) * 2,
    (Step("gb18030", "latin-1"), Step("utf-8", "latin-1")),
    (Step("utf-8", "gb18030", MARKER),),
)
LOSSY: tuple[Chain, ...] = (
    (Step("utf-8", "gbk"),),
    (Step("utf-8", "gb18030", "?"),),
    (Step("utf-8", "cp1252"),),
    (Step("gb18030", "big5"),),
    (Step("gb18030", "hybrid"),),
)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.sampled_from(REVERSIBLE))
def test_nothing_lost_is_nothing_missing(text: str, chain: Chain) -> None:
    damaged = damage(text, chain)
    edited = repair_decoders(damaged)
    assert edited.text == text
    assert {finding.certainty for finding in edited.findings} == {"certified"}
    assert damage(edited.text, chain) == damaged


@settings(max_examples=50, deadline=None)
@given(TEXTS, st.sampled_from(REVERSIBLE + LOSSY))
def test_findings_replay_and_lines_stay(text: str, chain: Chain) -> None:
    damaged = damage(text, chain)
    edited = repair_decoders(damaged)
    assert replay(damaged, edited.findings) == edited.text
    assert edited.text.count("\n") == damaged.count("\n")
    assert all("\n" not in finding.before + finding.after for finding in edited.findings)


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.sampled_from(REVERSIBLE + LOSSY))
def test_a_second_repair_changes_nothing(text: str, chain: Chain) -> None:
    once = repair_decoders(damage(text, chain)).text
    assert repair_decoders(once).text == once


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-16-le"), max_size=60))
def test_any_text_replays(text: str) -> None:
    edited = repair_decoders(text)
    assert replay(text, edited.findings) == edited.text


@settings(max_examples=40, deadline=None)
@given(TEXTS)
def test_clean_sentences_never_change(text: str) -> None:
    assert repair_decoders(text).findings == ()


def test_traditional_big5_comes_back() -> None:
    text = "逾期之後應當主動聯繫銀行協商還款計劃，不要躲避催收電話。"
    readers: tuple[Reader, ...] = ("latin-1", "cp1252", "gb18030")
    for reader in readers:
        damaged = damage(text, (Step("big5hkscs", reader),))
        assert repair_decoders(damaged).text == text


def test_every_step_of_a_chain_is_in_the_evidence() -> None:
    text = "借款人应当按时还款，避免产生违约金。"
    finding = repair_decoders(damage(text, (Step("gb18030", "latin-1"), Step("utf-8", "latin-1")))).findings[0]
    assert finding.certainty == "certified"
    assert "gb18030" in finding.evidence and "utf-8" in finding.evidence


def test_a_page_vouches_for_its_short_lines() -> None:
    gold = "借款人逾期以后应当主动联系平台，协商分期还款的方案，不要失联。\n四、结果\n5月10日"
    damaged = damage(gold, (Step("gb18030", "latin-1"),))
    assert repair_decoders(damaged).text == gold


def test_a_page_in_big5_vouches_for_a_heading_without_a_sign() -> None:
    gold = "逾期之後應當主動聯繫銀行協商還款計劃，不要躲避催收電話，以免影響信用。\n四、結果\n這一行沒有問題"
    damaged = damage(gold, (Step("big5hkscs", "gb18030"),))
    assert repair_decoders(damaged).text == gold
    assert repair_decoders("四、结果\n结果").findings == ()


def test_an_unsure_hole_is_marked_not_invented() -> None:
    gold = "协商以后每月只还三百，他的名字叫王珏\n下一行照旧"
    edited = repair_decoders(damage(gold, (Step("utf-8", "gb18030"),)))
    wrong = [got for got, want in zip(edited.text, gold, strict=True) if got != want]
    assert set(wrong) <= {HOLE}
    assert [finding for finding in edited.findings if finding.certainty == "inferred"]


def test_a_filled_byte_is_only_inferred() -> None:
    edited = repair_decoders(damage("我们应当主动联系银行协商还款计划。", (Step("utf-8", "gb18030"),)))
    assert edited.text.endswith("还款计划。")
    assert edited.findings[-1].certainty == "inferred"


def test_our_own_markers_keep_the_byte() -> None:
    damaged = damage("借款人应当按时还款。", (Step("utf-8", "gb18030", MARKER),))
    assert any(ord(character) > INVALID_BYTE_BASE for character in damaged)
    edited = repair_decoders(damaged)
    assert edited.text == "借款人应当按时还款。"
    assert {finding.certainty for finding in edited.findings} == {"certified"}


def test_damage_that_is_gone_is_marked_in_place() -> None:
    text = "正文\ufffd\ufffd正文，锟斤拷锟斤拷，烫烫烫烫"
    findings = repair_decoders(text).findings
    assert [finding.rule for finding in findings] == ["damage.replaced", "damage.kuntaku", "damage.memory"]
    assert all(finding.before == finding.after for finding in findings)


@pytest.mark.parametrize("text", ["开水很烫烫的", "屯屯是小名", "斤斤计较，拷贝一份", "一锟一斤"])
def test_their_characters_alone_are_no_damage(text: str) -> None:
    assert repair_decoders(text).findings == ()


def test_damage_share() -> None:
    assert damage_share("") == 0.0
    assert damage_share("借款人应当按时还款") == 0.0
    assert damage_share("锟斤拷锟斤拷锟斤拷") == 1.0
    assert damage_share("\ufffd" * 30 + "正文") > 0.9
    assert 0.2 < damage_share("按时还款\ufffd\ufffd") < 0.5
    assert damage_share("".join(chr(INVALID_BYTE_BASE + byte) for byte in range(0x80, 0x90))) == 1.0


def test_a_span_inside_a_clean_line() -> None:
    line = f"请联系{damage('客服人员核实情况', (Step('utf-8', 'latin-1'),))}后再还款"
    findings = repair_line(line)
    assert [finding.after for finding in findings] == ["客服人员核实情况"]
    assert findings[0].before in line


@pytest.mark.skipif(not (SHARED / "data" / "statutes").is_dir(), reason="../shared is not beside this checkout")
def test_statutes_need_nothing() -> None:
    for path in sorted((SHARED / "data" / "statutes").glob("*.txt")):
        assert repair_decoders(path.read_text("utf-8")).findings == (), path.name


def test_deciding_that_clean_text_needs_nothing_is_one_scan() -> None:
    assert not suspicious("借款人逾期以后应当主动联系平台。\n" * 50)
    assert not suspicious("Le café est à côté, 25\N{DEGREE SIGN}C, 3\N{MULTIPLICATION SIGN}4")
