"""The words of `rules/lexicon.toml`, and the one look over a page that finds the lines with them or with a gate's words.

One pass over the text finds the words that alone decide whether a line is worth more (`look`). Few lines of an article
hold any, and only those are looked at again, word by word.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from cleaning.ruleset import Tried, gate
from cleaning.words import Place, Words, words

_LATIN = frozenset(string.ascii_letters + string.digits)

LONG_LINE = 1000
MARGIN = 64
"""Lines from this length on are not searched inside runs of Latin letters and digits, so many from either end apart; no
word of the lexicon is that long."""

NOTHING = "\0"
"""A character that no word has."""

_LATIN_RUN = re.compile(rf"(?<![a-zA-Z0-9])[a-zA-Z0-9]{{{2 * MARGIN},}}")


class Hit(NamedTuple):
    """A lexicon word in a folded line."""

    start: int
    end: int
    weight: int


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of `rules/lexicon.toml`, their weights, and whether they begin or end in a Latin letter or digit."""

    words: tuple[str, ...]
    weights: tuple[int, ...]
    latin: tuple[bool, ...]


@cache
def lexicon(*, rows: bool = False) -> Lexicon:
    """Return the lexicon; a word listed twice keeps its greater weight. With `rows` the groups that count in rows of
    keywords only are in it too."""
    weights: dict[str, int] = {}
    for group in _groups():
        if rows or not group.get("rows"):
            for word in group["list"]:
                weights[word] = max(weights.get(word, 0), group["weight"])
    latin = tuple(word[0].isascii() or word[-1].isascii() for word in weights)
    return Lexicon(tuple(weights), tuple(weights.values()), latin)


@cache
def _groups() -> list[dict]:  # type: ignore[type-arg]
    raw = (resources.files("cleaning.rules") / "lexicon.toml").read_text(encoding="utf-8")
    groups: list[dict] = tomllib.loads(raw)["words"]  # type: ignore[type-arg]
    return groups


@cache
def _own_weights() -> tuple[int, ...]:
    """Return the weight in the lexicon without rows of each word of the one with them, -1 for a word of rows only."""
    known = lexicon()
    weights = dict(zip(known.words, known.weights, strict=True))
    return tuple(weights.get(word, -1) for word in lexicon(rows=True).words)


@cache
def _matcher() -> Words:
    return words(lexicon(rows=True).words)


@cache
def _first() -> Words:
    """Return the matcher of a first look: words of weight 2 and 3, and the rules' gate words."""
    known = lexicon(rows=True)
    heavy = [word for word, weight in zip(known.words, known.weights, strict=True) if weight > 1]
    return words(heavy, gate().words)


def scan(key: str, *, rows: bool = False) -> list[Hit]:
    """Return the lexicon words in a folded text, in order of place, overlapping ones included.

    A Latin word counts only as a whole one: `av` is not in `java`. With `rows` the words for rows of keywords too.
    """
    return hits_at(key, _matcher().overlapping(key)[0], rows=rows)


def hits_at(key: str, found: Iterable[Place], *, rows: bool = False) -> list[Hit]:
    """Return what `scan` does, for a caller that has the places of the words already (`Look.places`)."""
    known = lexicon(rows=True)
    weights, latin = known.weights if rows else _own_weights(), known.latin
    made = tuple.__new__  # as the class makes them, without its Python function
    return [
        made(Hit, (start, end, weights[word]))
        for word, start, end in found
        if weights[word] >= 0 and (not latin[word] or _stands_alone(key, start, end))
    ]


def _stands_alone(key: str, start: int, end: int) -> bool:
    """Whether no Latin letter or digit goes on at either end of a span that begins or ends with one."""
    if start and key[start - 1] in _LATIN and key[start] in _LATIN:
        return False
    return not (end < len(key) and key[end] in _LATIN and key[end - 1] in _LATIN)


class Look(NamedTuple):
    """What the lines of a page hold, by index: words of spam with one of weight 2 or 3 among them, the rules worth
    trying, where the first word to end of weight 2 or 3 begins (`heavy`), trade words among them, and in those lines
    every word (`places`: `hits_at` makes hits of them)."""

    hits: dict[int, list[Hit]]
    rules: dict[int, Tried]
    heavy: dict[int, int]
    places: dict[int, list[Place]]


def look(key: str, lines: Sequence[str], kept: Sequence[bool] | None = None) -> Look:
    """Return what the lines of a folded text hold.

    `key` is the lines joined; `kept` says which of them are looked at, without it all.
    """
    heavy, gated = _first().by_line(key)
    found, own = Look({}, {}, {}, {}), _own_weights()
    for line in sorted(heavy):
        if kept is None or kept[line]:
            places = found.places[line] = _places(lines[line])
            found.heavy[line] = _first_heavy(places)
            if any(own[word] > 1 for word, _, _ in places):  # few lines; of most no hit is made
                hits = hits_at(lines[line], places)
                if any(hit.weight > 1 for hit in hits):
                    found.hits[line] = hits
    tried = gate().tried
    for line in sorted(gated):
        if kept is None or kept[line]:
            found.rules[line] = tried(gated[line])
    return found


def _places(line: str) -> list[Place]:
    """Return the places of the words in a folded line, without some that stand inside long runs of Latin letters.

    None of those stands alone, so that `hits_at` would make nothing of them: a page of one letter has millions.
    """
    if len(line) > LONG_LINE:
        line = _LATIN_RUN.sub(
            lambda run: f"{run[0][:MARGIN]}{NOTHING * (len(run[0]) - 2 * MARGIN)}{run[0][-MARGIN:]}", line
        )
    return _matcher().overlapping(line)[0]


def _first_heavy(found: Iterable[Place]) -> int:
    """Return where the word of weight 2 or 3 begins that ends first; where it isn't told, it is far from the head."""
    weights = lexicon(rows=True).weights
    return next((start for word, start, _ in found if weights[word] > 1), LONG_LINE)
