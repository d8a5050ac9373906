"""The strip rules as data: every example goes by its rule, every counter-example stays."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib import resources
from typing import Any

import pytest

from cleaning.findings import replay
from cleaning.lexicon import lexicon
from cleaning.page import Role
from cleaning.ruleset import Rule, RuleError, parse_rules, rules
from cleaning.strip import Stripped, rule_ids, strip

parse_pattern: Any = re._parser.parse  # type: ignore[attr-defined]  # the parser has no public name and no types
TITLE = "某某金融催款怎么办"
PROSE = "借款人逾期后应当主动联系平台，说明自己的实际困难，争取延期或者分期还款。"
OTHER = "平台也应当遵循法律法规，文明催收，不得以威胁、骚扰等方式对待借款人。"


def _page(rule: Rule, text: str) -> tuple[list[str], list[Role], list[str]]:
    """Return a small page that has `text` where the rule looks, the roles, and the lines of `text`."""
    own = text.replace("{title}", rule.title or TITLE).split("\n")
    before = [] if rule.where == "head" else [PROSE]
    after = [] if rule.where in ("tail", "edge") else [OTHER]
    lines = [*before, *own, *after]
    roles: list[Role] = [
        "title" if "{title}" in text and "\n" in text and line == TITLE else "paragraph" for line in lines
    ]
    return lines, roles, own


def _strip(rule: Rule, text: str) -> tuple[Stripped, list[str]]:
    lines, roles, own = _page(rule, text)
    return strip("\n".join(lines), roles, title=rule.title or TITLE), own


def _examples(kind: str) -> list[pytest.ParameterSet]:
    return [
        pytest.param(rule, text, id=f"{rule.id}-{number}")
        for rule in rules()
        for number, text in enumerate(rule.examples if kind == "examples" else rule.counter_examples)
    ]


@pytest.mark.parametrize(("rule", "text"), _examples("examples"))
def test_an_example_goes_by_its_rule(rule: Rule, text: str) -> None:
    stripped, own = _strip(rule, text)
    assert rule.id in {finding.rule for finding in stripped.edited.findings}
    kept = stripped.edited.text.split("\n")
    assert own[-1] not in kept
    assert set(kept) >= {PROSE, OTHER} - ({OTHER} if rule.where in ("tail", "edge") else set()) - (
        {PROSE} if rule.where == "head" else set()
    )


@pytest.mark.parametrize(("rule", "text"), _examples("counter_examples"))
def test_a_counter_example_stays(rule: Rule, text: str) -> None:
    stripped, own = _strip(rule, text)
    kept = stripped.edited.text.split("\n")
    assert [line for line in own if line not in kept and line != TITLE] == []


def test_every_rule_keeps_its_own_word() -> None:
    for rule in rules():
        rule.check()


@pytest.mark.parametrize(
    ("examples", "counter_examples", "told"),
    [(["逾期资讯"], ["别的"], "isn't taken by it"), (["来源:本站"], ["来源:别处"], "is taken by it")],
)
def test_a_rule_against_its_own_examples_is_told(
    examples: list[str], counter_examples: list[str], told: str
) -> None:
    raw = {"id": "chrome.test", "kind": "line", "where": "any", "gate": ["来源"], "pattern": "来源:.{1,9}", "seen": "here",
           "examples": examples, "counter_examples": counter_examples}  # fmt: skip
    (rule,) = parse_rules({"rule": [raw]}, "test.toml")
    with pytest.raises(RuleError, match=told):
        rule.check()


def test_every_rule_can_be_replayed() -> None:
    for rule in rules():
        for text in (*rule.examples, *rule.counter_examples):
            lines, roles, _ = _page(rule, text)
            page = "\n".join(lines)
            edited = strip(page, roles, title=TITLE).edited
            assert replay(page, edited.findings) == edited.text


def test_findings_carry_known_rules() -> None:
    assert {rule.id for rule in rules()} <= rule_ids()


def test_no_word_is_in_the_lexicon_that_honest_articles_need() -> None:
    honest = {"色情", "裸聊", "赌博", "网赌", "嫖娼", "招嫖", "诈骗", "敲诈", "逾期", "贷款", "还款", "催收"}
    assert honest.isdisjoint(lexicon().words)


def test_the_lexicon_is_written_for_the_fold_key() -> None:
    from cleaning.folding import fold

    assert [word for word in lexicon().words if fold(word) != word] == []


def test_gates_are_written_for_the_fold_key() -> None:
    from cleaning.folding import fold

    assert [(rule.id, word) for rule in rules() for word in (*rule.gate, *rule.also) if fold(word) != word] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pattern": "("}, "doesn't compile"),
        ({"examples": []}, "at least one example"),
        ({"gate": []}, "gate words"),
        ({"flavour": "x"}, "unknown key 'flavour'"),
    ],
)
def test_a_bad_rule_says_what_to_change(change: dict[str, object], message: str) -> None:
    good: dict[str, object] = {
        "id": "x.y", "kind": "line", "where": "any", "gate": ["a"], "pattern": "a", "seen": "here",
        "examples": ["a"], "counter_examples": ["b"],
    }  # fmt: skip
    with pytest.raises(RuleError, match=message):
        parse_rules({"rule": [good | change]}, "test.toml")


def test_a_rule_without_a_counter_example_is_refused() -> None:
    with pytest.raises(RuleError, match="add 'counter_examples'"):
        parse_rules(
            {"rule": [{"id": "x", "kind": "code", "where": "any", "seen": "", "examples": ["a"]}]}, "t.toml"
        )


def test_each_rule_file_is_loaded() -> None:
    folder = resources.files("cleaning.rules")
    names = {entry.name for entry in folder.iterdir() if entry.name.endswith(".toml")} - {
        "lexicon.toml",
        "furniture.toml",
    }
    listed = sum(len(tomllib.loads((folder / name).read_text(encoding="utf-8"))["rule"]) for name in names)
    assert listed == len(rules())


# -- Linear in the line's length --------------------------------------------------------------------------------

MANY = 1000
"""A repetition that may go on for so long is unbounded as far as a line is concerned."""


def _nested(parsed: Iterable[tuple[object, Any]], inside: bool = False) -> bool:
    """Whether a parsed pattern repeats without bound what repeats without bound: the shape of exponential search."""
    for op, argument in parsed:
        name = str(op)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, body = argument
            unbounded = int(most) > MANY
            if (inside and unbounded) or _nested(body, inside or unbounded):
                return True
        elif name == "BRANCH":
            if any(_nested(branch, inside) for branch in argument[1]):
                return True
        elif name == "SUBPATTERN":
            if _nested(argument[-1], inside):
                return True
        elif name in ("ASSERT", "ASSERT_NOT") and _nested(argument[1], inside):
            return True
    return False


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in rules() if rule.kind != "code"])
def test_no_pattern_repeats_a_repetition_without_bound(rule: Rule) -> None:
    assert not _nested(parse_pattern(rule.pattern.pattern, rule.pattern.flags))


def test_a_nested_repetition_would_be_seen() -> None:
    assert _nested(parse_pattern("(?:a+b?)*c"))
    assert not _nested(parse_pattern("a+(?:b{0,5}|c)*"))


@pytest.mark.parametrize(
    "unit",
    [
        "久久",
        "久久_",
        "|",
        "1 ",
        "微信",
        "a@b.",
        "搬家 ",
        "首页>",
        "分享 ",
        "**a",
        "[[1]",
        "声明:",
        "1\u20e3",
        "\u65e0\u7801,",
    ],
)
def test_a_hostile_line_is_stripped_with_findings_that_replay(unit: str) -> None:
    text = f"{PROSE}{unit * 2000}\n{unit * 2000}\n{OTHER}"
    edited = strip(text, ["paragraph"] * 3, title=TITLE).edited
    assert replay(text, edited.findings) == edited.text
