"""Injected pinyin undone: cases from the wild, the forward model byte by byte, tables, and what must not be touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cleaning.findings import replay
from cleaning.repair import SiteTable, learn_table, merge_tables
from cleaning.repair.gbk_bytes import Decoder
from cleaning.repair.injection import inject
from cleaning.repair.pinyin import repair_pinyin
from cleaning.repair.readings import Reading, is_common, is_traditional, parse, reads
from cleaning.repair.tokens import may_be_damaged

CASES: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("pinyin_cases.json").read_text("utf-8")
)

PAGE = "我們應當對這個問題負責，並且應對過程中的經濟壓力。經濟問題會影響還款，問題越大，應對越難。"
TABLE = {"應": "(yīng)", "對": "(duì)", "問": "(wèn)", "經": "(jīng)", "濟": "(jì)", "壓": "(yā)", "負": "(fù)"}


def params(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["label"]) for case in CASES[kind]]


@pytest.mark.parametrize("case", params("damaged"))
def test_damage_from_the_wild_is_undone(case: dict[str, Any]) -> None:
    edited = repair_pinyin(case["damaged"])
    assert edited.text == case["repaired"]
    assert replay(case["damaged"], edited.findings) == edited.text
    certainties = {finding.certainty for finding in edited.findings}
    assert case["certainty"] in certainties
    assert case["certainty"] == "inferred" or certainties == {"certified"}


@pytest.mark.parametrize("case", params("clean"))
def test_clean_text_passes(case: dict[str, Any]) -> None:
    edited = repair_pinyin(case["text"])
    assert edited.text == case["text"]
    assert edited.findings == ()


def test_the_machine_works_on_bytes_not_characters() -> None:
    assert inject("甚至會使用較為", {"習": "(xí)"}) == "甚至?xí)\ue491褂幂^為"


def test_a_lead_byte_before_a_blank_leaves_the_blank() -> None:
    assert inject("因為催款 而感到", {"驗": "(yàn)"}) == "因?yàn)榇呖? 而感到"


def test_replaced_punctuation_strands_without_inserting() -> None:
    assert inject("以確保回款。", {}, replaced=frozenset("；。")) == "以確?；乜?。"


@pytest.mark.parametrize(
    ("decoder", "shown"),
    [
        (Decoder("?", swallows_paren=True, swallows_ascii=True), "?yàn)榇呖?而"),
        (Decoder("?", swallows_paren=False), "?(yàn)榇呖?,而"),
        (Decoder("\ufffd", swallows_paren=False), "\ufffd(yàn)榇呖\ufffd,而"),
    ],
)
def test_decoders_differ_on_a_stranded_byte(decoder: Decoder, shown: str) -> None:
    damaged = inject("因為催款,而", {"驗": "(yàn)"}, decoder)
    assert damaged == "因" + shown
    assert repair_pinyin(damaged).text == "因為催款,而"


def test_characters_outside_gbk_end_a_window_and_stay() -> None:
    assert inject("應\N{GRINNING FACE}對", TABLE) == "應(yīng)\N{GRINNING FACE}對(duì)"


def test_lines_are_independent() -> None:
    assert inject("應\n對", TABLE) == "應(yīng)\n對(duì)"


def test_whole_page_is_certified_by_the_forward_model() -> None:
    damaged = inject(PAGE, TABLE)
    edited = repair_pinyin(damaged)
    assert edited.text == PAGE
    assert {finding.certainty for finding in edited.findings} == {"certified"}
    assert all("forward(whole page) == input" in finding.evidence for finding in edited.findings)


def test_a_shifted_run_is_proved_with_the_bytes_of_its_windows() -> None:
    (found,) = repair_pinyin("甚至?xí)\ue491褂幂^為").findings
    assert (found.before, found.after) == ("?xí)\ue491褂幂^", "會使用較")
    assert found.evidence == "習(xí)=C195; forward(whole page) == input"


def test_another_entry_that_reads_as_well_takes_the_certificate() -> None:
    # 計 (8B under D3) stands in a run, 記 (9B under D3, the same reading) is what the page annotates elsewhere.
    text = "把違約金併入本金，重新計算，記錄在案，經濟問題應當說明。"
    table = {
        "饋": "(kuì)",
        "計": "(jì)",
        "記": "(jì)",
        "經": "(jīng)",
        "問": "(wèn)",
        "應": "(yīng)",
        "說": "(shuō)",
    }
    damaged = inject(text, table)
    assert "\ue0f1匦掠?jì)" in damaged
    (torn,) = [one for one in repair_pinyin(damaged).findings if one.before.startswith("?")]
    assert torn.certainty == "inferred" or torn.after.endswith("計")


def test_damage_inside_a_clean_page_is_undone_line_by_line() -> None:
    clean = "您好!歡迎訪問逾期頻道!"
    damaged = clean + "\n" + inject(PAGE, TABLE)
    edited = repair_pinyin(damaged)
    assert edited.text.endswith(PAGE)


def test_a_gloss_in_a_damaged_page_stays() -> None:
    page = PAGE + "重慶人說重(chóng)慶。"
    edited = repair_pinyin(inject(page, TABLE))
    assert edited.text == page


def test_a_letter_can_be_the_second_byte_of_a_window() -> None:
    # Byte C1 of 至 and the letter A are the window C1 41.
    char = b"\xc1A".decode("gbk")
    damaged = inject("甚至A級，" + PAGE, {**TABLE, char: "(tíng)"})
    assert "A(" in damaged
    assert repair_pinyin(damaged, {char: "(tíng)", **TABLE}).text == "甚至A級，" + PAGE


def test_site_table_tells_what_one_hit_cannot() -> None:
    damaged = "他在農業(yè)部門工作。"
    assert repair_pinyin(damaged).text == damaged
    assert repair_pinyin(damaged, {"業": "yè"}).text == "他在農業部門工作。"
    assert repair_pinyin(damaged, frozenset("業")).text == "他在農業部門工作。"
    assert repair_pinyin(damaged, SiteTable.of({("業", "(yè)"): 1})).text == "他在農業部門工作。"


def test_a_table_is_learned_from_a_damaged_page_only() -> None:
    assert set(learn_table(inject(PAGE, TABLE)).insertions().items()) <= set(TABLE.items())
    assert learn_table(inject(PAGE, TABLE)).insertions()["應"] == "(yīng)"
    assert not learn_table("我(wǒ)愛(ài)你(nǐ)")
    assert not learn_table(PAGE)


def test_tables_merge_in_any_order_and_survive_json() -> None:
    one = SiteTable.of({("應", "(yīng)"): 2, ("對", "(duì)"): 1})
    two = SiteTable.of({("應", "(yìng)"): 3})
    merged = merge_tables([one, two])
    assert merged == merge_tables([two, one])
    assert merged.insertions() == {"應": "(yìng)", "對": "(duì)"}
    assert SiteTable.from_json(json.loads(json.dumps(merged.to_json()))) == merged


def test_a_wrong_table_row_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="pinyin table's row"):
        SiteTable.from_json([["應", 3]])


@pytest.mark.parametrize(
    ("spelling", "reading"),
    [
        ("yīng", Reading("ying", "1")),
        ("lǜ", Reading("lv", "4")),
        ("lu:", Reading("lv", "")),
        ("xi\u0301", Reading("xi", "2")),
        ("ɡuó", Reading("guo", "2")),
        (" wǒ ", Reading("wo", "3")),
    ],
)
def test_readings_are_parsed(spelling: str, reading: Reading) -> None:
    assert parse(spelling) == reading


def test_readings_come_from_the_data() -> None:
    assert reads("會", parse("huì"))
    assert reads("會", parse("hui"))
    assert not reads("會", parse("huí"))


def test_character_classes() -> None:
    assert is_traditional("應")
    assert not is_traditional("我")
    assert not is_traditional("应")
    assert is_common("的")
    assert not is_common("あ")


def test_the_gate_lets_clean_text_through() -> None:
    assert not may_be_damaged(PAGE + "第(一)項，100(%)。真的嗎?")
    assert may_be_damaged("應(yīng)")
    assert may_be_damaged("以確?；")


@pytest.mark.parametrize(
    "unit", ["?", "(", "xí)", "至?xí)", "至?xí)\n", "\ue491", "確?；乜", "應(yīng)", "€", "因?yàn)榇呖? ", "(yī"]
)
def test_hostile_repetition_ends(unit: str) -> None:
    text = unit * 3000
    edited = repair_pinyin(text)
    assert replay(text, edited.findings) == edited.text
    assert edited.text.count("\n") == text.count("\n")
