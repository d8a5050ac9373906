from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.findings import Finding, edit, replay, replay_stages, undo, untouched_lines

TEXT = st.text(alphabet="逾期催收abc\n ", max_size=40)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, list[Finding]]:
    text = draw(TEXT)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    findings = []
    for start, end in zip(cuts[::2], cuts[1::2]):
        findings.append(Finding("repair", "r", start, end, text[start:end], draw(TEXT), "rule"))
    return text, findings


@given(edits())
def test_undo_is_the_inverse_of_replay(case: tuple[str, list[Finding]]) -> None:
    text, findings = case
    edited = edit(text, findings)
    assert replay(text, edited.findings) == edited.text
    assert undo(edited.text, edited.findings) == text


@given(edits())
def test_edit_takes_findings_in_any_order(case: tuple[str, list[Finding]]) -> None:
    text, findings = case
    assert edit(text, findings[::-1]) == edit(text, findings)


def test_a_finding_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        replay("逾期", [Finding("repair", "r", 0, 1, "催", "", "rule")])
    with pytest.raises(ValueError, match="does not fit"):
        undo("逾期", [Finding("repair", "r", 0, 1, "", "催", "rule")])


def test_overlapping_findings_are_refused() -> None:
    overlapping = [Finding("strip", "a", 0, 2, "逾期", "", "rule"), Finding("strip", "b", 1, 2, "期", "", "rule")]
    with pytest.raises(ValueError, match="does not fit"):
        edit("逾期", overlapping)


def test_stages_are_replayed_each_over_the_other_s_output() -> None:
    findings = [
        Finding("script", "s", 0, 1, "甲", "乙", "rule"),
        Finding("repair", "r", 0, 2, "xx", "甲", "certified"),
    ]
    assert replay_stages("xx", findings) == "乙"


def test_untouched_lines_are_those_that_no_finding_begins_in() -> None:
    text = "一\n二三\n\n四五六\n"
    findings = [Finding("repair", "x", at, at, "", "", "rule") for at in (8, 2)]
    assert list(untouched_lines(text, findings)) == [(0, "一"), (5, ""), (10, "")]
    assert [line for _, line in untouched_lines(text, [])] == text.split("\n")
