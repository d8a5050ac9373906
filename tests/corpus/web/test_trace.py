"""The page and its text are both there in the pieces, whatever the findings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.findings import Finding, Stage, replay
from corpus.web.trace import Piece, trace

LETTERS = "甲乙丙(a)\n"
STAGES: tuple[Stage, ...] = ("repair", "strip", "normalize")


@st.composite
def stages(draw: st.DrawFn) -> tuple[str, list[list[tuple[int, Finding]]], str]:
    """Return a page, three stages of findings over it, and the text they lead to."""
    page = text = draw(st.text(LETTERS, max_size=30))
    found: list[list[tuple[int, Finding]]] = []
    number = 0
    for stage in STAGES:
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
        of_stage = []
        for start, end in zip(cuts[::2], cuts[1::2]):
            before = text[start:end]
            after = draw(st.sampled_from(["", before, draw(st.text(LETTERS, max_size=4))]))
            of_stage.append((number, Finding(stage, "rule", start, end, before, after, "rule")))
            number += 1
        found.append(of_stage)
        text = replay(text, [finding for _, finding in of_stage])
    return page, found, text


@given(stages())
def test_pieces_join_to_the_page_and_to_the_text(case: tuple[str, list[list[tuple[int, Finding]]], str]) -> None:
    page, found, text = case
    pieces = trace(page, found)
    assert "".join(piece.page for piece in pieces) == page
    assert "".join(piece.text for piece in pieces if not piece.gone) == text


def test_a_line_repaired_and_then_taken_out_tells_both() -> None:
    page = "首頁(yè)\n正文"
    repair = Finding("repair", "repair.pinyin.aligned", 2, 6, "(yè)", "", "certified")
    strip = Finding("strip", "dom.nav", 0, 3, "首頁\n", "", "rule")
    assert trace(page, [[(0, repair)], [(1, strip)]]) == [
        Piece("首頁", "首頁", True, (1,)),
        Piece("(yè)", "(yè)", True, (0,)),
        Piece("\n", "\n", True, (1,)),
        Piece("正文", "正文"),
    ]


def test_a_spot_left_as_it_stands_is_marked() -> None:
    damage = Finding("repair", "damage.deleted", 1, 1, "", "", "rule")
    assert trace("催收", [[(0, damage)]]) == [Piece("催", "催"), Piece("", "", False, (0,)), Piece("收", "收")]


def test_a_finding_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        trace("催收", [[(0, Finding("repair", "r", 0, 1, "电", "", "rule"))]])
