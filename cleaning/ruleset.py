"""The strip rules of `rules/*.toml`, loaded and gated.

A rule is data: an id, a regular expression for the fold key of a line, where in the page it may match, what it
lifts, an example and a counter-example. No rule is tried on a line that lacks the rule's `gate` words: one pass over
the page (`cleaning.lexicon.look`) finds the lines worth a regular expression, so a page without chrome costs one pass.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Literal, NamedTuple

from cleaning.folding import fold

Kind = Literal["line", "prefix", "span", "code"]
"""`line` matches the whole line, `prefix` its beginning (the whole line goes), `span` only what matches goes; a
`code` rule is decided by a function (spam shape, repeated titles) and is listed for its examples."""

Where = Literal["head", "tail", "edge", "any"]
"""Before the first paragraph of prose, after the last one, either of the two, or anywhere."""

_FAMILIES = ("spam", "chrome", "contact", "disclaimer", "field", "residue", "tail")
_KEYS = frozenset(
    {"id", "kind", "where", "gate", "pattern", "also", "also_min", "max_length", "seen", "about", "examples",
     "counter_examples", "title"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """One strip rule; see `Kind` and `Where`. `also` words, of which a line must hold `also_min`, narrow it."""

    id: str
    kind: Kind
    where: Where
    gate: tuple[str, ...]
    expression: str
    also: tuple[str, ...]
    also_min: int
    max_length: int
    seen: str
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...]
    title: str | None = None

    @property
    def pattern(self) -> re.Pattern[str]:
        """Return the expression compiled, at the first use: few pages hold the gate words of all rules."""
        return _compiled(self.expression)

    def match(self, line: str) -> re.Match[str] | None:
        """Return the match of a folded line (stripped of white space) that the whole line goes for, else None."""
        if len(line) > self.max_length or self.kind in {"span", "code"}:
            return None
        found = self.pattern.fullmatch(line) if self.kind == "line" else self.pattern.match(line)
        if found is None or sum(word in line for word in self.also) < self.also_min:
            return None
        return found

    def check(self) -> None:
        """Raise RuleError where the pattern doesn't take an example of its own, or takes a counter-example.

        Examples of several lines, or with the page's title in them, are a matter of the whole page, and so are those of
        `code` rules: they are not looked at.
        """
        if self.kind == "code":
            return
        for text, wanted in (
            *((text, True) for text in self.examples),
            *((text, False) for text in self.counter_examples),
        ):
            if "\n" in text or "{title}" in text:
                continue
            line = fold(text).strip()
            found = self.pattern.search(line) if self.kind == "span" else self.match(line)
            if (found is not None and any(word in line for word in self.gate)) != wanted:
                told = "isn't taken by it" if wanted else "is taken by it"
                raise RuleError(
                    f"rule {self.id}: its own {'' if wanted else 'counter-'}example {text[:60]!r} {told}"
                )


class RuleError(ValueError):
    """A rule file that can't be used; the message names the rule and what to change."""


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.VERBOSE)


def parse_rules(document: Mapping[str, Any], source: str, *, ours: bool = False) -> tuple[Rule, ...]:
    """Return the rules of one parsed TOML document; the patterns of `ours` are known to compile, and aren't tried here.

    Raises RuleError for a missing or unknown key, a bad pattern, or a rule without an example.
    """
    found = tuple(_parse_rule(raw, source) for raw in document.get("rule", ()))
    for rule in () if ours else found:
        try:
            re.compile(rule.expression, re.VERBOSE)
        except re.error as error:
            raise RuleError(f"{source}: rule {rule.id}: the pattern doesn't compile ({error})") from error
    return found


def _parse_rule(raw: Mapping[str, Any], source: str) -> Rule:
    name = f"{source}: rule {raw.get('id', '(without id)')}"
    if unknown := set(raw) - _KEYS:
        raise RuleError(f"{name}: unknown key {sorted(unknown)[0]!r}; known are {', '.join(sorted(_KEYS))}")
    if missing := {"id", "kind", "where", "seen", "examples", "counter_examples"} - set(raw):
        raise RuleError(f"{name}: add {sorted(missing)[0]!r}")
    if raw["kind"] != "code" and not (raw.get("gate") and raw.get("pattern")):
        raise RuleError(
            f"{name}: a {raw['kind']} rule needs a pattern and gate words, one of which a match must hold"
        )
    if not raw["examples"] or not raw["counter_examples"]:
        raise RuleError(f"{name}: give at least one example and one counter-example")
    return Rule(
        raw["id"], raw["kind"], raw["where"], tuple(raw.get("gate", ())), raw.get("pattern", ""), tuple(raw.get("also", ())),
        raw.get("also_min", 1 if raw.get("also") else 0), raw.get("max_length", 160), raw["seen"],
        tuple(raw["examples"]), tuple(raw["counter_examples"]), raw.get("title"),
    )  # fmt: skip


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule of `cleaning/rules`, in the order in which they are tried on a line."""
    folder = resources.files("cleaning.rules")
    found: list[Rule] = []
    for family in _FAMILIES:
        name = f"{family}.toml"
        found.extend(parse_rules(tomllib.loads((folder / name).read_text(encoding="utf-8")), name, ours=True))
    ids = [rule.id for rule in found]
    if len(set(ids)) < len(ids):
        raise RuleError(f"rule ids must be unique; listed twice: {sorted(i for i in ids if ids.count(i) > 1)[0]}")
    return tuple(found)


class Tried(NamedTuple):
    """The rules worth trying on a line, in their order: all, those that take a line anywhere, at the page's head, at its
    tail, and those that take a part of it."""

    rules: tuple[Rule, ...] = ()
    anywhere: tuple[Rule, ...] = ()
    head: tuple[Rule, ...] = ()
    tail: tuple[Rule, ...] = ()
    spans: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """The gate words of all rules; a word's place in `words` is its number. `masks` has a bit for each rule of a word."""

    words: tuple[str, ...]
    masks: tuple[int, ...]

    def tried(self, found: Iterable[int]) -> Tried:
        """Return the rules worth trying on a line that holds the gate words with these numbers."""
        every = 0
        for word in found:
            every |= self.masks[word]
        return _tried(every)


@lru_cache(maxsize=4096)
def _tried(mask: int) -> Tried:
    """The same few sets of rules come on every page."""
    found = tuple(rule for number, rule in enumerate(rules()) if mask >> number & 1)
    whole = [rule for rule in found if rule.kind in ("line", "prefix")]
    return Tried(
        found,
        tuple(rule for rule in whole if rule.where == "any"),
        tuple(rule for rule in whole if rule.where in ("edge", "head")),
        tuple(rule for rule in whole if rule.where in ("edge", "tail")),
        tuple(rule for rule in found if rule.kind == "span"),
    )


@cache
def gate() -> Gate:
    """Return the gate words of `rules()`: no rule is worth trying on a line without one of its own."""
    words: dict[str, int] = {}
    for index, rule in enumerate(rules()):
        for word in rule.gate:
            words[word] = words.get(word, 0) | 1 << index
    return Gate(tuple(words), tuple(words.values()))
