"""What hostile text may cost: what is given up is said, and tables made in one go say what one look at a time says."""

from __future__ import annotations

import random

import pytest

from benchmarks.dirty.generate import MECHANISMS, documents
from cleaning.findings import replay
from cleaning.repair import decoders, pinyin
from cleaning.repair.chains import READERS, Reader, is_lost, lost_firsts, pairs_table, read
from cleaning.repair.decoders import repair_decoders
from cleaning.repair.effort import UNSEARCHED
from cleaning.repair.hybrid import solve_hybrid
from cleaning.repair.injection import inject
from cleaning.repair.pieces import Piece, join
from cleaning.repair.pinyin import repair_pinyin

SENTENCES = (
    "借款人逾期之后，贷款平台会先用短信提醒还款。",
    "催收公司不得向无关的人透露欠款的情况。",
    "法院受理以后，被告应当在规定的期限内答辩。",
)
PAIR_READERS: list[Reader] = [*READERS["gbk"], *READERS["big5"]]


def test_lines_that_are_left_unread_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = "\n".join(read(line.encode("gb18030"), "latin-1") for line in SENTENCES * 3)
    assert UNSEARCHED not in {finding.rule for finding in repair_decoders(damaged).findings}
    monkeypatch.setattr(decoders, "EFFORT", 100)
    monkeypatch.setattr(decoders, "EFFORT_EACH", 0)
    edited = repair_decoders(damaged)
    told = [finding for finding in edited.findings if finding.rule == UNSEARCHED]
    assert len(told) == 1
    assert told[0].before == told[0].after == damaged.split("\n")[damaged.count("\n", 0, told[0].start)]
    assert "9 suspicious lines" in told[0].evidence
    assert replay(damaged, edited.findings) == edited.text == damaged


def test_runs_that_are_left_unread_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"習": "(xí)", "應": "(yīng)", "時": "(shí)", "對": "(duì)"}
    damaged = inject("應對及時，甚至會使用較為強硬的方式。\n" * 40, table)
    assert UNSEARCHED not in {finding.rule for finding in repair_pinyin(damaged).findings}
    monkeypatch.setattr(pinyin, "ENOUGH_WORK", 60 - len(damaged) // 2)
    edited = repair_pinyin(damaged)
    told = [finding for finding in edited.findings if finding.rule == UNSEARCHED]
    assert len(told) == 1
    assert told[0].before == told[0].after == "?"
    assert replay(damaged, edited.findings) == edited.text
    assert not edited.text[: edited.text.index("?")].count("(")


@pytest.mark.parametrize("reader", PAIR_READERS)
def test_lost_bytes_of_all_pairs_are_those_of_each(reader: Reader) -> None:
    for second in (0x21, 0x40, 0x41, 0x5C, 0x7E, 0x7F, 0x80, 0x81, 0xA0, 0xA1, 0xC7, 0xE5, 0xFE, 0xFF):
        lost = bytes(first for first in range(0x80, 0x100) if is_lost(bytes((first, second)), reader))
        assert lost_firsts(reader)[second] == lost


@pytest.mark.parametrize("reader", PAIR_READERS)
def test_all_pairs_are_what_each_decodes_to(reader: Reader) -> None:
    table = pairs_table(reader)
    for first in range(0x81, 0xFF, 5):
        for second in (*range(0x40, 0x100, 7), 0x7F, 0xFF):
            shown = bytes((first, second)).decode(reader, "surrogateescape")
            assert table[first << 8 | second] == ("" if "\udc80" <= shown[0] <= "\udcff" else shown)


def test_a_hybrid_reads_the_same_line_by_line() -> None:
    lines = [read(line.encode("gb18030"), "hybrid") for line in SENTENCES]
    whole = solve_hybrid("\n".join(lines), "gb18030")
    apart: list[Piece] = []
    start = 0
    for line in lines:
        apart += [
            Piece(start + one.start, start + one.end, one.text, one.kind) for one in solve_hybrid(line, "gb18030")
        ]
        start += len(line) + 1
    assert [piece for piece in whole if piece.text != "\n"] == apart
    assert join(whole) == "\n".join(SENTENCES)


LONG = [
    ("utf-8 as latin-1 twice", 1.0),
    ("gbk as latin-1 as utf-8 as latin-1", 1.0),
    ("utf-8 as gb18030", 0.85),
    ("spans: utf-8 as latin-1", 1.0),
    ("spans: gbk as latin-1", 0.97),
]


@pytest.mark.parametrize(("name", "share"), LONG)
def test_a_long_page_is_repaired_as_a_short_one_is(name: str, share: float) -> None:
    mechanism = next(mechanism for mechanism in MECHANISMS if mechanism.name == name)
    case = mechanism.apply("\n".join(documents(100, random.Random(7))), random.Random(7))
    found = repair_decoders(case.damaged).text.split("\n")
    gold = case.gold.split("\n")
    assert sum(one == other for one, other in zip(found, gold, strict=True)) >= share * len(gold)
