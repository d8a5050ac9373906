"""Which subjects of overdue lending a text treats: collection calls, negotiation, credit record, lawsuits ...

Subjects and their words are data (`data/topics.toml`). One pass takes the leftmost longest words; a word may belong to
several subjects. Works on Simplified text.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from cleaning.folding import lowered
from cleaning.together import ARTICLE

TERM_POINTS = 2
HINT_POINTS = 1
TITLE_FACTOR = 4
"""A word in the title says four times as much as one in the text."""
MAX_COUNT = 3
"""How often one word counts: an article that says 逾期 fifty times is not fifty times about it."""
THRESHOLD = 4.0
"""The least points of a subject in a text of up to `SHORT` characters: two of its words, or one in the title."""
SHORT = 400
"""Beyond this many characters the threshold grows with the cube root of the length: a long article touches on
everything. The square root left the five seed pages (2,100-2,600 characters) with one or two subjects each."""


class Topic(NamedTuple):
    """A subject: its stable id (English, snake_case) and its Chinese name."""

    id: str
    name: str


@cache
def topics() -> tuple[Topic, ...]:
    """Return the subjects in the order of the data file."""
    return tuple(Topic(key, str(entry["name"])) for key, entry in _data().items())


def topic_words(key: str) -> list[str]:
    """Return the words that tell the subject with this id, none for an unknown id."""
    terms = _data().get(key, {}).get("terms", [])
    assert isinstance(terms, list), key
    return list(terms)


def find_topics(text: str, title: str | None = None) -> list[str]:
    """Return the ids of the subjects that `text` under `title` treats, the one with most points first."""
    scores = _scores(text, title)
    threshold = THRESHOLD * math.cbrt(max(len(text) / SHORT, 1.0))
    treated = [number for number, score in enumerate(scores) if score >= threshold]
    return [topics()[number].id for number in sorted(treated, key=lambda number: -scores[number])]


def topic_scores(text: str, title: str | None = None) -> dict[str, int]:
    """Return the points of every subject with any: what `find_topics` decides on."""
    return {topic.id: score for topic, score in zip(topics(), _scores(text, title), strict=True) if score}


def _scores(text: str, title: str | None) -> list[int]:
    """Return the points of each subject, in the order of `topics()`."""
    worths = _worths()
    scores = [0] * len(topics())
    for source, factor in ((text, 1), (title, TITLE_FACTOR)):
        if source:
            for index, count in _tally(lowered(source)).items():
                worth = factor * (count if count < MAX_COUNT else MAX_COUNT)
                for topic, points in worths[index]:
                    scores[topic] += points * worth
    return scores


@cache
def _data() -> Mapping[str, Mapping[str, object]]:
    source = resources.files("cleaning.data").joinpath("topics.toml").read_text(encoding="utf-8")
    data: Mapping[str, Mapping[str, object]] = tomllib.loads(source)["topics"]
    return data


@cache
def _words() -> Mapping[str, tuple[tuple[int, int], ...]]:
    """Return for each word what it is worth to which subjects, by their places in `topics()`."""
    points: dict[str, dict[int, int]] = {}
    for key, entry in enumerate(_data().values()):
        for kind, worth in (("hints", HINT_POINTS), ("terms", TERM_POINTS)):
            listed = entry[kind]
            assert isinstance(listed, list), (key, kind)
            for word in listed:
                points.setdefault(word, {})[key] = worth
    return {word: tuple(worth.items()) for word, worth in points.items()}


@cache
def _worths() -> tuple[tuple[tuple[int, int], ...], ...]:
    return tuple(_words().values())


_tally = ARTICLE.tallied(lambda: list(_words()))
