"""The stage as a whole: one account of every change, the seeds, and clean text from end to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.findings import Edited, Finding, edit, replay
from cleaning.repair import learn_table, repair
from cleaning.repair.compose import compose
from cleaning.repair.injection import inject
from cleaning.repair.pinyin import repair_pinyin
from cleaning.repair.tokens import TOKEN

SHARED = Path(__file__).parents[4] / "shared"
SEEDS = sorted((SHARED / "seeds").glob("*.txt"))
STATUTES = sorted((SHARED / "data" / "statutes").glob("*.txt"))
needs_shared = pytest.mark.skipif(not STATUTES, reason="../shared is not beside this checkout")

RUNS = ("甚至會使用較為", "因為催款 而感到", "能夠為廣大借款人", "及時反饋自身的還款情況")


@needs_shared
def test_every_seed_is_given_back_by_the_forward_model() -> None:
    for path in SEEDS:
        damaged = path.read_text("utf-8")
        repaired = repair_pinyin(damaged).text
        assert inject(repaired, learn_table(damaged).insertions()) == damaged, path.name
        assert not TOKEN.search(repaired)


@needs_shared
def test_every_shifted_run_of_the_seeds_is_recovered() -> None:
    repaired = "".join(repair(path.read_text("utf-8")).text for path in SEEDS)
    assert all(run in repaired for run in RUNS)


@needs_shared
def test_the_seeds_are_certified_but_for_bytes_lost_before_a_blank() -> None:
    for path in SEEDS:
        findings = repair(path.read_text("utf-8")).findings
        doubtful = [finding.before for finding in findings if finding.certainty == "inferred"]
        assert all(before.endswith("?") for before in doubtful)


@needs_shared
@pytest.mark.parametrize("restore", [False, True])
def test_repairing_a_seed_twice_changes_nothing_more(restore: bool) -> None:
    for path in SEEDS:
        once = repair(path.read_text("utf-8"), restore=restore).text
        assert repair(once, restore=restore).text == once, path.name


@needs_shared
def test_statutes_never_change() -> None:
    for path in STATUTES:
        assert repair(path.read_text("utf-8")).findings == (), path.name


@needs_shared
def test_statutes_in_traditional_never_change() -> None:
    convert = opencc.OpenCC("s2t").convert
    for path in STATUTES[::5]:
        assert repair(convert(path.read_text("utf-8")[:8000])).findings == (), path.name


def test_one_mechanism_over_another_is_one_finding() -> None:
    damaged = "應(yīng)對(duì)催款問(wèn)也日益突出"
    edited = repair(damaged, restore=True)
    assert edited.text == "應對催款問題也日益突出"
    assert replay(damaged, edited.findings) == edited.text


def test_lost_words_are_marked_in_terms_of_the_input() -> None:
    damaged = "應(yīng)對(duì)催款問(wèn)也日益突出"
    edited = repair(damaged)
    (lost,) = [finding for finding in edited.findings if finding.rule == "damage.deleted"]
    assert damaged[lost.start : lost.end] == lost.before == lost.after == "問"


def test_mojibake_over_pinyin_is_undone_in_order() -> None:
    page = inject(
        "我們應當對這個問題負責，應對經濟壓力。", {"應": "(yīng)", "對": "(duì)", "問": "(wèn)", "經": "(jīng)"}
    )
    damaged = page.encode("utf-8").decode("latin-1")
    edited = repair(damaged)
    assert edited.text == "我們應當對這個問題負責，應對經濟壓力。"
    assert replay(damaged, edited.findings) == edited.text


def test_the_package_imports_without_the_reading_data() -> None:
    code = "import sys, cleaning.repair; sys.exit('pypinyin' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def finding(start: int, before: str, after: str, rule: str = "a") -> Finding:
    return Finding("repair", rule, start, start + len(before), before, after, "certified")


def test_edits_that_do_not_touch_keep_their_own_findings() -> None:
    first = edit("abcdef", [finding(1, "b", "")])
    second = edit(first.text, [finding(3, "e", "EE", "b")])
    composed = compose("abcdef", first, second)
    assert composed.text == "acdEEf"
    assert [(one.rule, one.start, one.before) for one in composed.findings] == [("a", 1, "b"), ("b", 4, "e")]


def test_edits_that_touch_become_one_with_the_weaker_certainty() -> None:
    first = edit("abcdef", [finding(1, "bc", "xyz")])
    second = edit(first.text, [finding(3, "zd", "Q", "b")._replace(certainty="inferred")])
    (merged,) = compose("abcdef", first, second).findings
    assert (merged.before, merged.after, merged.rule, merged.certainty) == ("bcd", "xyQ", "a+b", "inferred")


@st.composite
def edits(draw: st.DrawFn, text: str) -> Edited:
    """Return a random edit of `text`."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    spans = list(zip(cuts[::2], cuts[1::2]))
    kept = [span for number, span in enumerate(spans) if span[0] < span[1] or number == 0]
    return edit(text, [finding(left, text[left:right], draw(st.text("xyz", max_size=3))) for left, right in kept])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_composing_two_edits_is_doing_both(data: st.DataObject) -> None:
    text = data.draw(st.text("abc", max_size=12))
    first = data.draw(edits(text))
    second = data.draw(edits(first.text))
    composed = compose(text, first, second)
    assert composed.text == second.text
    assert replay(text, composed.findings) == second.text


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("至習應(yīng)對xí?（）；。 催款問也褂幂\ue491€\ufffdÄã浣犲ソ\n"), max_size=60))
def test_any_text_replays_and_keeps_its_lines(text: str) -> None:
    edited = repair(text)
    assert replay(text, edited.findings) == edited.text
    assert edited.text.count("\n") == text.count("\n")
