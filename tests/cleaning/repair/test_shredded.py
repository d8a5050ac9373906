"""UTF-8 that Big5's decoders read is marked where it stands, and nothing else is taken for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.findings import replay
from cleaning.repair import repair, shredded
from cleaning.repair.chains import HOLE, READERS
from cleaning.repair.decoders import damage_share, repair_decoders
from cleaning.repair.shredded import RULE, shreds

CASES = Path(__file__).parents[3] / "benchmarks" / "dirty" / "cases" / "irreversible.json"

SENTENCES = (
    "借款人逾期之后，平台会先用短信提醒还款，再由催收人员打电话。",
    "催收公司不得向无关的人透露欠款的情况，也不得使用威胁的手段。",
    "法院受理以后，被告应当在规定的期限内答辩，否则缺席判决！",
    "網絡貸款的逾期利息應當按照合同約定計算，不能超過法定上限。",
    "如果暂时没有能力偿还，可以主动联系银行，说明家里的情况并协商分期。",
    "信用卡逾期 90 天以上，会影响征信记录：买房、买车都要受限。",
)
texts = st.lists(st.sampled_from(SENTENCES), min_size=2, max_size=8).map("\n".join)


def in_a_browser(data: bytes, lost: str) -> str:
    """Return what the WHATWG's decoder of Big5 shows: with a pair that is none, its second byte goes as well."""
    shown: list[str] = []
    place = 0
    while place < len(data):
        pair = data[place : place + 2]
        found = pair[:1].decode("ascii", "ignore") or pair.decode("big5hkscs", "ignore")
        single = pair[0] < 0x80 or pair[0] in (0x80, 0xFF) or len(pair) < 2 or pair[1] < 0x80
        if len(pair) == 2 and not single and pair.decode("big5hkscs", "ignore") == "":
            found = ""
        shown.append(found if found else lost)
        place += 1 if single else 2
    return "".join(shown)


def shown_as(text: str, reader: str, lost: str) -> str:
    """Return `text` in UTF-8 as `reader` shows it, each byte that doesn't decode as `lost`."""
    if reader == "browser":
        return in_a_browser(text.encode(), lost)
    return text.encode().decode(reader, "replace").replace(HOLE, lost)


ways = [(reader, lost) for reader in (*READERS["big5"], "browser") for lost in (HOLE, "?", "")]


@pytest.mark.parametrize(("reader", "lost"), ways)
def test_it_is_marked(reader: str, lost: str) -> None:
    damaged = shown_as("\n".join(SENTENCES), reader, lost)
    edited = repair(damaged)
    assert edited.text == damaged
    assert {finding.rule for finding in edited.findings} == {RULE}
    marked = sum(finding.end - finding.start for finding in edited.findings)
    assert marked > 0.85 * len(damaged.replace("\n", ""))
    assert damage_share(damaged) > 0.85


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from(ways))
def test_only_what_is_damaged_is_marked(text: str, way: tuple[str, str]) -> None:
    assert shreds(text) == []
    damaged = shown_as(text, *way)
    page = f"{SENTENCES[0]}\n{damaged}\n{SENTENCES[3]}"
    edited = repair_decoders(page)
    assert edited.text == page == replay(page, edited.findings)
    first, last = len(SENTENCES[0]) + 1, len(SENTENCES[0]) + 1 + len(damaged)
    assert all(first <= finding.start < finding.end <= last for finding in edited.findings)
    assert all("\n" not in finding.before for finding in edited.findings)
    assert 0.0 < damage_share(page) < 1.0


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["label"]) for case in json.loads(CASES.read_text("utf-8"))]
)
def test_case_is_marked(case: dict[str, Any]) -> None:
    edited = repair_decoders(case["damaged"])
    assert edited.text == case["damaged"]
    assert [finding.before for finding in edited.findings] == case["marked"]
    assert {finding.rule for finding in edited.findings} <= {case["rule"]}


def test_a_short_line_is_marked_only_on_such_a_page() -> None:
    title = shown_as("逾期还款", "big5", "")
    body = shown_as("\n".join(SENTENCES), "big5", "")
    assert len(title) < shredded.LEAST
    assert shreds(title) == []
    assert shreds(f"{title}\n{body}")[0] == (0, len(title))


def test_a_chart_of_rare_characters_is_none() -> None:
    rows = [bytes((lead, trail)).decode("big5") for lead in range(0xE4, 0xEA) for trail in range(0xA1, 0xC0)]
    assert shreds(" ".join(rows)) == shreds("".join(rows)) == []


def test_running_text_in_its_characters_is_none() -> None:
    """Text of nothing but inner pairs and crosses, as by chance, has no head."""
    inner = [bytes((lead, trail)).decode("big5") for lead in range(0xA4, 0xBA) for trail in range(0xA1, 0xC0)]
    assert shreds("".join(inner)) == []
