"""Traditional to Simplified Chinese at native speed, with the dictionaries of opencc-python-reimplemented.

The conversion has two layers. The first gives exactly what `opencc.OpenCC(config).convert` gives, from the same
dictionary files: one table look-up per character (`cleaning.characters`), and a Python step only where a phrase entry
that says something else than its characters may begin. The second corrects what the dictionaries get wrong on real
pages (著 as aspect particle, the county 乾安 ...); its words are data, in `data/script.toml`.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from cleaning.characters import CODEPOINTS, Chars, Kinds, Table, chars, codes, kinds, table
from cleaning.findings import Edited, Finding

Config = Literal["t2s", "tw2s", "tw2sp", "hk2s", "hk2sp"]
Script = Literal["hans", "hant", "mixed"]

CONFIGS: tuple[Config, ...] = get_args(Config)
"""Conversions by their OpenCC names. The package has no `hk2sp`: it is composed here of `hk2s` and `tw2sp`'s words."""

MINORITY_SHARE = 0.1
"""A text is `mixed` when the rarer script has more than this share of the characters that tell the scripts apart.

Real pages carry a few characters of the other script (names, a quoted line) and stay well below it; pages that
are half converted lie between a fifth and four fifths.
"""

_Decide: TypeAlias = Callable[[str, int, bool], str | None]
"""What a correction says of the character at an offset of the converted text: the right one, or None.

The third argument tells whether the page was in Traditional characters, at least in part.
"""


class _Phrase(NamedTuple):
    """A dictionary entry that its characters alone don't give; `rank` is its dictionary's place in the group."""

    rank: int
    key: str
    value: str


class _Splice(NamedTuple):
    """A phrase that changed the text's length: input span and the new text."""

    start: int
    end: int
    after: str


@dataclass(frozen=True, slots=True)
class _Stage:
    """One group of dictionaries: characters as a table, phrases by their anchors; `special` are anchors and triggers.

    A phrase's anchor is one of its characters that few other words have; `phrases` maps the anchor with its
    neighbour in the phrase (the next character, or the one before when the anchor ends it) to the phrases and the
    anchor's offset in each.
    """

    table: Table
    special: Chars
    triggers: frozenset[str]
    anchors: frozenset[str]
    phrases: Mapping[str, tuple[tuple[int, _Phrase], ...]]


class _Converted(NamedTuple):
    """A stage's output: its text, and the phrases that moved what follows them."""

    text: str
    splices: tuple[_Splice, ...] = ()
    triggers: tuple[int, ...] = ()


class _Correction(NamedTuple):
    """One character that the second layer sets, by its offset in the converted text."""

    at: int
    char: str
    rule: str


# --- public ---------------------------------------------------------------------------------------------------


def to_simplified(text: str, config: Config = "t2s", *, corrections: bool = True) -> str:
    """Return `text` in Simplified characters; text that is Simplified already comes back as the same object.

    With `corrections=False` the result is that of `opencc.OpenCC(config).convert(text)`, character for character.

    Raises ValueError for an unknown `config`, RuntimeError when the dictionaries aren't installed.
    """
    return text if text.isascii() else _convert(text, config, corrections)[0].text


def simplify(text: str, config: Config = "t2s", *, corrections: bool = True) -> Edited:
    """Return `to_simplified(text)` with a finding (stage `script`) for each run of changed characters.

    Rules are `script.<config>` for the dictionaries and `script.<correction>` for the second layer. Raises what
    `to_simplified` raises.
    """
    if text.isascii():
        return Edited(text)
    converted, made = _convert(text, config, corrections)
    if converted.text is text:
        return Edited(text)
    return Edited(converted.text, tuple(_findings(text, converted, made, f"script.{config}")))


def detect(text: str) -> Script:
    """Return which script `text` is in, by the characters that only one of the two has.

    A text without any such character (Latin text, 你好) counts as `hans`: there is nothing to convert in it.
    """
    if text.isascii():
        return "hans"
    _, simplified, traditional, *_ = _kinds().counts(text)
    if min(simplified, traditional) > MINORITY_SHARE * (simplified + traditional):
        return "mixed"
    return "hant" if traditional > simplified else "hans"


# --- first layer: the library's conversion ---------------------------------------------------------------------


def _convert(text: str, config: Config, corrections: bool) -> tuple[_Converted, list[_Correction]]:
    """Return the converted text and the corrections in it. The text is `text` itself when nothing changed."""
    stages = _stages(config)
    splices: tuple[_Splice, ...] = ()
    middle = text
    for stage in stages[:-1]:
        done = _run(stage, middle)
        middle, splices = done.text, done.splices
    done = _run(stages[-1], middle)
    made = list(_corrections(middle, done)) if corrections and done.triggers else []
    result = _corrected(done, made) if made else done
    if result.text == text:
        return _Converted(text), []
    return result._replace(splices=splices), made


def _run(stage: _Stage, text: str) -> _Converted:
    """Return `text` taken through one group of dictionaries."""
    result = stage.table.translated(text)
    special = stage.special.places(text)
    if not special:
        return _Converted(result)
    triggers = tuple(at for at in special if text[at] in stage.triggers)
    chosen = _chosen(stage, text, [at for at in special if text[at] in stage.anchors])
    if not chosen:
        return _Converted(result, (), triggers)
    splices = [_Splice(start, start + len(phrase.key), phrase.value) for start, phrase in chosen]
    moving = tuple(splice for splice in splices if len(splice.after) != splice.end - splice.start)
    return _Converted(_spliced(result, splices), moving, triggers)


def _chosen(stage: _Stage, text: str, anchors: list[int]) -> list[tuple[int, _Phrase]]:
    """Return the phrases that apply, by position.

    The library takes the first dictionary of a group before the second, and within one the longest match
    anywhere in the text, the leftmost of several; what is left to either side goes the same way. That is a
    greedy choice in the order (dictionary, longest, leftmost).
    """
    found = []
    index = stage.phrases
    for at in anchors:
        for pair in (text[at : at + 2], text[max(at - 1, 0) : at + 1], text[at]):
            for offset, phrase in index.get(pair, ()):
                if at >= offset and text.startswith(phrase.key, at - offset):
                    found.append((phrase.rank, -len(phrase.key), at - offset, phrase))
    if len(found) < 2:
        return [(start, phrase) for _, _, start, phrase in found]
    found.sort()
    taken = bytearray(len(text))
    chosen = []
    for _, negative_length, start, phrase in found:
        end = start - negative_length
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\x01" * (end - start)
            chosen.append((start, phrase))
    return sorted(chosen)


def _spliced(text: str, splices: list[_Splice]) -> str:
    parts = []
    cursor = 0
    for splice in splices:
        parts += [text[cursor : splice.start], splice.after]
        cursor = splice.end
    return "".join([*parts, text[cursor:]])


# --- the dictionaries ------------------------------------------------------------------------------------------


@cache
def _stages(config: Config) -> tuple[_Stage, ...]:
    """Return the groups of dictionaries of a conversion; made at the first use of each."""
    if config not in CONFIGS:
        raise ValueError(f"unknown conversion {config!r}: use one of {', '.join(CONFIGS)}")
    *first, last = _groups(config)
    return (*(_stage(group, "") for group in first), _stage(last, _rules().triggers))


def _groups(config: Config) -> list[list[str]]:
    """Return the dictionary file names of `config`, group by group, as the package's configuration has them."""
    if config == "hk2sp":
        first, last = _groups("hk2s")
        return [[*_groups("tw2sp")[0][:1], *first], last]
    chain = json.loads(_resource("config", f"{config}.json"))["conversion_chain"]
    return [[entry["file"] for entry in link["dict"]["dicts"]] for link in chain]


def _resource(folder: str, name: str) -> str:
    try:
        return resources.files("opencc").joinpath(folder, name).read_text(encoding="utf-8")
    except (FileNotFoundError, ModuleNotFoundError) as error:
        raise RuntimeError(
            f"{folder}/{name} is not in the installed module 'opencc': uninstall the distribution 'opencc' if it is "
            "there (it takes the same module name), then run: pip install --force-reinstall opencc-python-reimplemented"
        ) from error


def _entries(name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each entry of a dictionary file: its key, and its values in order of preference."""
    for line in _resource("dictionary", name).split("\n"):
        if line.strip():
            key, values = line.strip().split("\t")
            yield key, values.split(" ")


def _stage(names: list[str], triggers: str) -> _Stage:
    """Return the stage for a group: the last dictionary is the one of characters, the others hold phrases."""
    *phrase_names, character_name = names
    characters = {key: values[0] for key, values in _entries(character_name)}
    phrases = [
        _Phrase(rank, key, values[0]) for rank, name in enumerate(phrase_names) for key, values in _entries(name)
    ]
    needed = _needed(phrases, characters)
    index: dict[str, tuple[tuple[int, _Phrase], ...]] = {}
    anchors = set()
    for anchor, phrase in _anchored(needed):
        anchors.add(anchor)
        offset = phrase.key.index(anchor)
        last = offset == len(phrase.key) - 1
        pair = phrase.key[max(offset - 1, 0) : offset + 1] if last else phrase.key[offset : offset + 2]
        index[pair] = (*index.get(pair, ()), (offset, phrase))
    changed = {ord(key): ord(value) for key, value in characters.items()}
    special = chars("".join(sorted(anchors.union(triggers))))
    return _Stage(table(changed), special, frozenset(triggers), frozenset(anchors), index)


def _anchored(phrases: list[_Phrase]) -> Iterator[tuple[str, _Phrase]]:
    """Yield each phrase with its anchor: again and again the character that most of the phrases left share.

    That makes few anchors, and odd ones (覆, 藉, 乾), so that ordinary text seldom stops at one.
    """
    left = phrases
    while left:
        counts = Counter(char for phrase in left for char in dict.fromkeys(phrase.key))
        anchor = max(counts, key=lambda char: (counts[char], char))
        yield from ((anchor, phrase) for phrase in left if anchor in phrase.key)
        left = [phrase for phrase in left if anchor not in phrase.key]


def _needed(phrases: list[_Phrase], characters: Mapping[str, str]) -> list[_Phrase]:
    """Return the phrases that can matter: those that differ from their characters, and those that may block one.

    A phrase that says what its characters say matters only if it can overlap a needed one, so only if they share
    a character.
    """
    plain = {phrase: "".join(characters.get(char, char) for char in phrase.key) for phrase in phrases}
    needed = [phrase for phrase in phrases if phrase.value != plain[phrase]]
    rest = [phrase for phrase in phrases if phrase.value == plain[phrase]]
    shared = {char for phrase in needed for char in phrase.key}
    while blocking := [phrase for phrase in rest if not shared.isdisjoint(phrase.key)]:
        needed += blocking
        rest = [phrase for phrase in rest if shared.isdisjoint(phrase.key)]
        shared.update(char for phrase in blocking for char in phrase.key)
    return needed


@cache
def _kinds() -> Kinds:
    """Return for each code point 1 for characters that only Simplified text has, 2 for only Traditional, else 0."""
    known = np.zeros(CODEPOINTS, dtype=np.uint8)
    for name, kind in (("STCharacters.txt", 1), ("TSCharacters.txt", 2)):
        known[[ord(key) for key, values in _entries(name) if key not in values]] = kind
    return kinds(known)


# --- findings --------------------------------------------------------------------------------------------------


def _findings(text: str, converted: _Converted, made: list[_Correction], rule: str) -> Iterator[Finding]:
    """Yield a finding for each run of changed characters that one rule made."""
    corrected = np.zeros(len(converted.text), dtype=np.uint32)
    rules = [rule]
    for correction in made:
        corrected[correction.at] = len(rules)
        rules.append(correction.rule)
    before, new, after_codes = codes(text), converted.text, codes(converted.text)
    made_of = tuple.__new__
    cursor = shift = 0
    for splice in (*converted.splices, None):
        end = len(text) if splice is None else splice.start
        changes = np.where(
            before[cursor:end] != after_codes[cursor + shift : end + shift],
            corrected[cursor + shift : end + shift] + 1,
            0,
        )
        starts, ends, made_by = _runs(changes)
        # As the class makes them, without its Python function: a Traditional page has hundreds.
        yield from (
            made_of(
                Finding,
                ("script", rules[kind - 1], at, end, text[at:end], new[at + shift : end + shift], "rule", ""),
            )
            for at, end, kind in zip((starts + cursor).tolist(), (ends + cursor).tolist(), made_by.tolist())
        )
        if splice is not None:
            at = splice.start + shift
            after = new[at : at + len(splice.after)]
            yield Finding("script", rule, splice.start, splice.end, text[splice.start : splice.end], after, "rule")
            cursor = splice.end
            shift += len(splice.after) - (splice.end - splice.start)


def _runs(kinds: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return starts, ends and values of the runs of equal non-zero values."""
    padded = np.concatenate(([0], kinds, [0]))
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    starts, ends = edges[:-1], edges[1:]
    values = padded[starts + 1]
    full = values != 0
    return starts[full], ends[full], values[full]


# --- second layer: corrections -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rules:
    """`data/script.toml`, read. `rules` maps a character to what decides on it, in the text before conversion."""

    rules: Mapping[str, tuple[str, _Decide]]
    words: Mapping[str, tuple[tuple[str, str, int], ...]]
    triggers: str


def _corrections(middle: str, done: _Converted) -> Iterator[_Correction]:
    """Yield the characters to set otherwise in a converted text; `middle` is the text before its last stage."""
    rules = _rules()
    traditional: bool | None = None
    for at in done.triggers:
        char = middle[at]
        whole = _whole_word(rules, char, done.text, at)
        if whole:
            yield _Correction(at, whole, "script.word")
        elif char in rules.rules:
            rule, decide = rules.rules[char]
            traditional = detect(middle) != "hans" if traditional is None else traditional
            right = decide(done.text, at, traditional)
            if right is not None and right != done.text[at]:
                yield _Correction(at, right, rule)


def _whole_word(rules: _Rules, char: str, text: str, at: int) -> str | None:
    for word, right, offset in rules.words.get(char, ()):
        if at >= offset and text.startswith(word, at - offset):
            return right[offset]
    return None


def _corrected(done: _Converted, made: list[_Correction]) -> _Converted:
    characters = list(done.text)
    for correction in made:
        characters[correction.at] = correction.char
    return done._replace(text="".join(characters))


@cache
def _rules() -> _Rules:
    """Return the correction rules; read once, never changed."""
    source = resources.files("cleaning.data").joinpath("script.toml").read_text(encoding="utf-8")
    data = tomllib.loads(source)
    rules: dict[str, tuple[str, _Decide]] = {
        "著": ("script.particle", _particle_rule(data["particle"])),
        "乾": ("script.qian", _qian_rule(data["qian"])),
        "瞭": ("script.liao", _liao_rule(data["liao"])),
        "藉": ("script.jie", _jie_rule(data["jie"])),
        "壹": ("script.numeral", _numeral_rule(data["numeral"])),
        "甯": ("script.ning", _ning_rule(data["ning"])),
    }
    for variant, plain in zip(data["variants"]["from"], data["variants"]["to"], strict=True):
        rules[variant] = ("script.variant", _always(plain))
    words: dict[str, list[tuple[str, str, int]]] = {}
    for wrong, right in data["words"].items():
        offset = next(index for index, (old, new) in enumerate(zip(wrong, right, strict=True)) if old != new)
        words.setdefault(wrong[offset], []).append((wrong, right, offset))
    return _Rules(rules, {char: tuple(found) for char, found in words.items()}, "".join({**rules, **words}))


def _always(char: str) -> _Decide:
    return lambda _text, _at, _traditional: char


def _goes_on(text: str, at: int, words: tuple[str, ...]) -> bool:
    return text.startswith(words, at + 1)


def _particle_rule(data: Mapping[str, object]) -> _Decide:
    """著 is the aspect particle (着) after a verb, and a word of its own in 著作, 显著, 著名 (BYVoid/OpenCC#555).

    In a Traditional page it is the particle unless a word of its own is recognised; in a Simplified one, where it is
    right more often than not, only after a known verb.
    """
    verbs = frozenset(_string(data["verbs"])) - {"\n"}
    phrases = frozenset(_strings(data["phrases"]))
    stay_before = frozenset(_string(data["stay_before"]))
    begins = frozenset(_strings(data["begins"]))
    stay_after = {key: frozenset(_string(value)) for key, value in _table(data["stay_after"]).items()}
    title_verbs = frozenset(_string(data["title_verbs"]))
    always = frozenset(_string(data["always"]))

    def decide(text: str, at: int, traditional: bool) -> str | None:
        before, after = text[max(at - 1, 0) : at], text[at + 1 : at + 2]
        if text.startswith("作权", at + 1):
            return None
        if text[max(at - 2, 0) : at] in phrases or before in (always if traditional else {"随"}):
            return "着"
        if before in stay_before:
            return None
        if after in begins:
            return "着"
        if after == "《":
            return "着" if before in title_verbs else None
        if before in verbs:
            goes_on = stay_after.get(after)
            return "着" if goes_on is None or text[at + 2 : at + 3] in goes_on else None
        if traditional and _is_han(before) and _is_han(after) and after not in stay_after:
            return "着"
        return None

    return decide


def _is_han(char: str) -> bool:
    """Whether a character (or nothing) is a common ideograph: the block CJK Unified Ideographs."""
    return "\u4e00" <= char <= "\u9fff"


def _qian_rule(data: Mapping[str, object]) -> _Decide:
    """乾 read qian keeps its form in Simplified text: the county 乾安, reign titles, names (opencc-js#24).

    In a Simplified page every 乾 is one, unless what stands beside it says dry.
    """
    after, before = tuple(_strings(data["after"])), frozenset(_strings(data["before"]))
    dry_before = frozenset(_string(data["dry_before"]))
    dry_after = frozenset(_string(data["dry_after"]))
    not_name = tuple(_strings(data["not_name"]))

    def decide(text: str, at: int, traditional: bool) -> str | None:
        before_it = text[max(at - 1, 0) : at]
        if text[at] != "干" or before_it in dry_before or text[at + 1 : at + 2] in dry_after:
            return None
        if not traditional:
            return "乾"
        if _goes_on(text, at, not_name):
            return None
        return "乾" if _goes_on(text, at, after) or before_it in before else None

    return decide


def _liao_rule(data: Mapping[str, object]) -> _Decide:
    """瞭 is kept only where it is read liao, to look far; pages that over-convert write it for every 了."""
    after = tuple(_strings(data["after"]))

    def decide(text: str, at: int, traditional: bool) -> str | None:
        wrong = traditional and at > 0 and not _goes_on(text, at, after)
        return "了" if wrong else None

    return decide


def _jie_rule(data: Mapping[str, object]) -> _Decide:
    """藉 is kept in 慰藉 and 狼藉; in the sense of borrowing it is 借."""
    stay_before = frozenset(_string(data["stay_before"]))
    after, before = frozenset(_string(data["after"])), frozenset(_string(data["before"]))

    def decide(text: str, at: int, traditional: bool) -> str | None:
        if text[max(at - 1, 0) : at] in stay_before:
            return "藉"
        return "借" if text[at + 1 : at + 2] in after or text[max(at - 1, 0) : at] in before else None

    return decide


def _numeral_rule(data: Mapping[str, object]) -> _Decide:
    """壹 is the numeral of contracts and cheques; before 个, 些, 定 it is an over-converted 一."""
    after, formal = tuple(_strings(data["after"])), tuple(_strings(data["formal"]))
    amount = frozenset(_string(data["amount"]))

    def decide(text: str, at: int, traditional: bool) -> str | None:
        if text[max(at - 1, 0) : at] in amount or _goes_on(text, at, formal):
            return None
        return "一" if _goes_on(text, at, after) else None

    return decide


def _ning_rule(data: Mapping[str, object]) -> _Decide:
    """甯 is a surname of its own since the table of 2013; elsewhere it is a variant of 宁."""
    after, before = frozenset(_string(data["after"])), frozenset(_string(data["before"]))

    def decide(text: str, at: int, traditional: bool) -> str | None:
        return "宁" if text[at + 1 : at + 2] in after or text[max(at - 1, 0) : at] in before else "甯"

    return decide


def _string(value: object) -> str:
    assert isinstance(value, str), value
    return value


def _strings(value: object) -> list[str]:
    assert isinstance(value, list), value
    return [_string(item) for item in value]


def _table(value: object) -> dict[str, object]:
    assert isinstance(value, dict), value
    return value
