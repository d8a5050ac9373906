"""How much a page, or a link to one, is about overdue loans and debt collection.

The score is computed from its reasons and from nothing else: `score == 1 - exp(-sum(weights))`. The words are
data (`[relevance]` of `data/topics.toml`). Works on Simplified text; anchors are simplified here.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from cleaning.folding import lowered
from cleaning.lenders import lender_counts, lenders
from cleaning.script import to_simplified
from cleaning.together import ARTICLE
from cleaning.words import Words, words

_Kind = Literal["both", "overdue", "credit"]

POINTS: Mapping[_Kind, float] = {"both": 0.5, "overdue": 0.2, "credit": 0.2}
"""What a word is worth the first time, per `UNIT` characters of text."""
ALONE = 0.15
"""The share of its worth that a word of lending keeps where none of being overdue occurs, and the reverse."""
TITLE_FACTOR = 3.0
"""A word of the title is worth this much more; a title's worth doesn't depend on the length of the text."""
UNIT = 500
"""Characters in which a word counts once: a text twice as long must say it twice as often."""
MAX_COUNT = 8
"""Beyond this many times per text a word adds nothing: repeating is not being more about it."""


class Reason(NamedTuple):
    """A word that spoke for the page, and what it added to the sum."""

    term: str
    weight: float


@dataclass(frozen=True, slots=True)
class Relevance:
    """A score from 0 to 1, and the reasons it is made of, the heaviest first."""

    score: float
    reasons: tuple[Reason, ...] = ()


class _Word(NamedTuple):
    text: str
    kind: _Kind


@dataclass(frozen=True, slots=True)
class _Known:
    """Every word that speaks for a page, and its number for each word of the lists of texts and of addresses, each lender;
    the numbers of each kind.

    Words of the texts' list that are about something else stand behind the others and have none.
    """

    words: tuple[_Word, ...]
    points: tuple[float, ...]
    in_texts: tuple[int, ...]
    in_addresses: tuple[int, ...]
    lenders: Mapping[str, int]
    kinds: Mapping[_Kind, frozenset[int]]


def relevance(text: str, title: str | None = None) -> Relevance:
    """Return how much `text` under `title` is about overdue loans."""
    return _scored(_worth(text, title))


def relevance_score(text: str, title: str | None = None) -> float:
    """Return `relevance(text, title).score` without its reasons."""
    worth = _worth(text, title)
    return _score(_weights(worth))


def _worth(text: str, title: str | None) -> dict[int, float]:
    """Return what each word adds, by its number."""
    worth: dict[int, float] = {}
    _add(worth, _counts(text), UNIT / max(len(text), UNIT))
    if title:
        _add(worth, _counts(title), TITLE_FACTOR)
    return worth


def link_relevance(anchor: str, url: str) -> Relevance:
    """Return how much the page behind a link promises to be about overdue loans, by its text and its path."""
    worth: dict[int, float] = {}
    _add(worth, _counts(to_simplified(anchor)), TITLE_FACTOR)
    _add(worth, _numbered(_in_addresses(lowered(_path(url))), _known().in_addresses), 1.0)
    return _scored(worth)


def _add(worth: dict[int, float], counts: Mapping[int, int], factor: float) -> None:
    points = _known().points
    for word, count in counts.items():
        worth[word] = worth.get(word, 0.0) + points[word] * (count if count < MAX_COUNT else MAX_COUNT) * factor


def _scored(worth: Mapping[int, float]) -> Relevance:
    known = _known().words
    reasons = [Reason(known[word].text, weight) for word, weight in zip(worth, _weights(worth), strict=True)]
    reasons.sort(key=lambda reason: (-reason.weight, reason.term))
    return Relevance(_score([reason.weight for reason in reasons]), tuple(reasons))


def _weights(worth: Mapping[int, float]) -> list[float]:
    """Return what each word adds in the end, to four places, as `round` gives them.

    A number that is not near the middle between two of four places is rounded in a quarter of `round`'s time: as a whole
    number of ten-thousandths, which is exact, divided once.
    """
    share = _share(worth)
    weights = []
    for value in worth.values():
        scaled = value * share * 10_000
        whole = int(scaled + 0.5)
        weights.append(whole / 10_000 if abs(scaled - whole) < 0.499 else round(value * share, 4))
    return weights


def _share(worth: Iterable[int]) -> float:
    kinds = _known().kinds
    both = not kinds["both"].isdisjoint(worth)
    return 1.0 if both or not (kinds["overdue"].isdisjoint(worth) or kinds["credit"].isdisjoint(worth)) else ALONE


def _score(weights: Iterable[float]) -> float:
    """Return the score that weights give; they are added in one order, so that it is the same to the last digit."""
    return 1 - math.exp(-sum(sorted(weights, reverse=True)))


def _counts(text: str) -> dict[int, int]:
    """Return how often the words of the list and the lenders occur."""
    counts = _numbered(_in_texts(lowered(text)), _known().in_texts)
    numbers = _known().lenders
    for name, count in lender_counts(text).items():
        lender = numbers[name]
        counts[lender] = counts.get(lender, 0) + count
    return counts


def _numbered(found: Mapping[int, int], numbers: Sequence[int]) -> dict[int, int]:
    """Return the counts of a list's words that speak for a page, by their numbers."""
    return {numbers[word]: count for word, count in found.items() if word < len(numbers)}


def _path(url: str) -> str:
    """Return the path and query of an address; of one that can't be parsed, all of it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return unquote(f"{parts.path} {parts.query}")


@cache
def _known() -> _Known:
    data = _data()
    kinds: tuple[_Kind, ...] = ("both", "overdue", "credit")
    in_texts = [_Word(text, kind) for kind in kinds for text in data[kind]]
    in_addresses = [_Word(text, "both") for text in data["url_both"]]
    in_addresses += [_Word(text, "credit") for text in data["url_credit"]]
    named = {lender.name: _Word(lender.name, "credit") for lender in lenders()}
    every = tuple(dict.fromkeys((*in_texts, *in_addresses, *named.values())))
    number = {word: place for place, word in enumerate(every)}
    return _Known(
        every,
        tuple(POINTS[word.kind] for word in every),
        tuple(number[word] for word in in_texts),
        tuple(number[word] for word in in_addresses),
        {name: number[word] for name, word in named.items()},
        {kind: frozenset(place for word, place in number.items() if word.kind == kind) for kind in kinds},
    )


def _texts_words() -> list[str]:
    known = _known()
    return [*(known.words[word].text for word in known.in_texts), *_data()["other"]]


_in_texts = ARTICLE.tallied(_texts_words)


def _in_addresses(text: str) -> dict[int, int]:
    return _addresses().tally(text)[0]


@cache
def _addresses() -> Words:
    known = _known()
    return words([known.words[word].text for word in known.in_addresses])


@cache
def _data() -> Mapping[str, list[str]]:
    source = resources.files("cleaning.data").joinpath("topics.toml").read_text(encoding="utf-8")
    data: Mapping[str, list[str]] = tomllib.loads(source)["relevance"]
    return data
