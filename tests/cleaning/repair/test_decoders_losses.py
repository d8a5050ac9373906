"""What lossy classes must at least give back, on the benchmark's own documents, and what a fill may claim."""

from __future__ import annotations

import random

import pytest

from benchmarks.dirty.__main__ import right_characters
from benchmarks.dirty.generate import CHAINS, chained, documents
from cleaning.repair import search
from cleaning.repair.chains import HOLE, READERS, Reader, Step, damage
from cleaning.repair.decoders import repair_decoders
from cleaning.repair.lattice import Loss, fill, inner, outer, undo
from cleaning.repair.streams import HOLE_BYTE, stream
from cleaning.repair.utf8 import HEAD, _whole_head

FLOORS = {
    "gbk as hybrid": 0.99,
    "utf-8 as cp1252": 0.98,
    "utf-8 as gbk": 0.975,
    "utf-8 as gbk, ?": 0.975,
    "utf-8 as gbk, dropped": 0.97,
    "utf-8 as gb18030": 0.985,
    "utf-8 as gb18030 twice": 0.98,
    "gbk as big5": 0.975,
}
"""Share of characters right; what was seen lies about .01 above."""


@pytest.mark.parametrize("name", FLOORS)
def test_a_lossy_class_gives_back_what_was_asked(name: str) -> None:
    rng = random.Random(7)
    cases = [chained(text, rng, chain=CHAINS[name][1]) for text in documents(5, random.Random(7))]
    found = [repair_decoders(case.damaged) for case in cases]
    right = sum(right_characters(case.gold, edited.text) for case, edited in zip(cases, found, strict=True))
    assert right / sum(len(case.gold) for case in cases) >= FLOORS[name]
    for edited in found:
        fills = [one for one in edited.findings if one.before != one.after]
        assert not [one for one in fills if one.certainty == "certified" and HOLE in one.after]


@pytest.mark.parametrize("name", ["utf-8 as gbk", "utf-8 as gbk, dropped", "utf-8 as gb18030"])
def test_the_text_that_was_there_is_always_among_the_options(name: str) -> None:
    step = CHAINS[name][1][0]
    case = chained(documents(1, random.Random(3))[0], random.Random(3), chain=(step,))
    layer = outer(case.damaged, "gbk")
    assert layer is not None
    place = 0
    for cell in undo(layer, Loss(step.reader, step.lost if step.lost != HOLE else None)):
        allowed = [cell.text] if cell.options is None else cell.options.texts
        fitting = [text for text in allowed if case.gold.startswith(text, place)]
        assert fitting, (case.gold[place : place + 4], allowed)
        place += len(fitting[0])
    assert place == len(case.gold)


def test_neighbours_decide_a_fill_and_nothing_else_is_certain() -> None:
    layer = outer("\u6769\ufffd", "gbk")  # two bytes of three, before a line's end: 64 characters
    assert layer is not None
    cells = undo(layer, Loss("gbk", None))
    assert cells[-1].options is not None and len(cells[-1].options.texts) > 30
    assert fill(cells, "归", "款").texts[-1] == "还"
    assert not fill(cells, "\n", "\n").sure[-1]


def test_an_inner_layer_keeps_its_choices() -> None:
    layer = outer("\u6769\ufffd", "gbk")
    assert layer is not None
    below = inner(undo(layer, Loss("gbk", None), "gbk"), "gbk")
    assert below is not None and len(below.choices) == 1
    assert all(len(data) == 2 for data in below.choices[0])


def test_a_stream_knows_what_no_decoder_shows() -> None:
    assert stream("\u4f60", "latin") is None
    shown = stream("a\u4f60\ufffd", "latin", b"\n")
    assert shown is not None
    assert shown.data == b"a\n" + bytes([HOLE_BYTE])
    assert shown.starts.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("reader", READERS["gbk"])
def test_a_certified_fill_is_what_was_there_whoever_read_it(reader: Reader) -> None:
    for text in documents(4, random.Random(5)):
        lines = text.split("\n")
        shown = "\n".join(damage(line, (Step("utf-8", reader),)) if line[0] < "\u7000" else line for line in lines)
        for finding in repair_decoders(shown).findings:
            if finding.certainty == "certified" and finding.before != finding.after:
                assert finding.after in lines[shown.count("\n", 0, finding.start)]


@pytest.mark.parametrize("moved", range(3))
def test_a_long_beginning_ends_before_a_character(moved: int) -> None:
    text = "a" * moved + "借款人逾期之后应当主动联系平台协商还款。" * 40
    layer = outer(damage(text, (Step("utf-8", "gb18030"),)), "gbk")
    assert layer is not None
    length = _whole_head(layer)
    assert HEAD - 6 < length <= HEAD
    assert layer.data[int(layer.starts[length]) :].decode("utf-8", "replace")[0] != HOLE


@pytest.mark.parametrize("lost", [HOLE, "?"])
@pytest.mark.parametrize("reader", READERS["big5"])
def test_whoever_is_left_out_explains_no_more(reader: Reader, lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in documents(4, random.Random(f"{reader} {lost}")):
        span = chained(text, random.Random(1), chain=(Step("gb18030", reader, lost),)).damaged
        found = search.attempt(span, ("big5", "gb18030"))
        with monkeypatch.context() as patched:
            patched.setattr(search, "_may_explain_more", lambda *_: True)
            full = search.attempt(span, ("big5", "gb18030"))
        assert (found and (found.step, found.text(span))) == (full and (full.step, full.text(span)))


def test_lines_that_hold_something_are_named_once() -> None:
    span = "ab\ncd\nef\ngh"
    assert list(search._lines_of(span, [(0, 1), (1, 2), (7, 8)])) == [(0, 3), (6, 9)]
    assert list(search._lines_of(span, [(1, 4), (4, 5), (9, 11)])) == [(0, 6), (9, 11)]
    assert list(search._lines_of(span, [])) == []
