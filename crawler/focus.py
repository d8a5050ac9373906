"""Focus: how much a page, or the text of a link to it, is about the subject, and what that means for the crawl. Pure.

A link is worth what its own text and address say, and what the page it stands on is about. A page off the subject may
still lead to one that is on it, so a few such pages in a row are walked through; what lies further is left out. The
score and its parts are the ones of `cleaning.relevance`, for words of one's own by the same formula.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cleaning.relevance import POINTS, TITLE_FACTOR, UNIT, Reason, Relevance, link_relevance, relevance
from cleaning.script import to_simplified
from cleaning.topics import topic_words
from cleaning.words import Words, words

Cut = Literal["never", "once-shown", "always"]

LINK_ENOUGH = 0.3
"""A link of this score is followed from anywhere: one word of overdue loans in its text scores .78, one word that
lending and other trades share .09, or .45 together with one of being overdue."""

PAGE_ENOUGH = 0.5
"""A page of this score is on the subject (half of the scale)."""

STEPS = 2
"""Pages off the subject in a row that are walked through: from a portal's front page by a section to its articles."""

LINK_WEIGHT, PAGE_WEIGHT, STEP_WEIGHT = 45, 10, 15
"""What a link's and its page's score add to a priority, and a step off the subject takes away: a promising link (45) goes
before an article that promises nothing (60 - 15), not before seeds, sitemaps and feeds."""

MAX_TEXT = 3_000
"""Characters of a page that are looked at: the head of an article says what it is about."""

MIN_TEXT = 200
"""A page with less text, such as a bare list, says nothing about its subject: it is neither on it nor off it."""

SURE_AFTER, SURE_SHARE = 30, 0.8
"""A site whose front page and so many of its first pages are on the subject is all about it: its further pages and
links aren't weighed, which costs a quarter of a millisecond for each."""

SUBJECT = "overdue"
OFF = "off"


@dataclass(frozen=True, slots=True)
class Focus:
    """A subject: its words (none: overdue loans), and when links too far from it are cut off.

    `once-shown` cuts only on a site that has shown a page on the subject: one that has none was named on purpose.
    """

    name: str = SUBJECT
    words: tuple[str, ...] = ()
    cut: Cut = "never"

    def page(self, text: str, title: str) -> Relevance:
        """Return how much a page is about the subject."""
        plain, heading = to_simplified(text[:MAX_TEXT]), to_simplified(title)
        return _by_words(self.words, plain, heading) if self.words else relevance(plain, heading)

    def link(self, anchor: str, url: str) -> Relevance:
        """Return how much a link promises to lead to the subject."""
        return _by_words(self.words, "", to_simplified(anchor)) if self.words else _promise(anchor, url)

    def priority(self, link: float, page: float, away: int) -> int:
        """Return what is to be added to a link's priority."""
        return round(LINK_WEIGHT * link + PAGE_WEIGHT * page) - STEP_WEIGHT * min(away, STEPS + 1)


def too_far(link: float, away: int) -> bool:
    """Return whether a link is cut off: it promises nothing, and too many pages in a row had nothing either."""
    return link < LINK_ENOUGH and away > STEPS


def focus_on(topic: str | Sequence[str], cut: Cut = "always") -> Focus | None:
    """Return the focus that a word names: `off` (None), `overdue`, a topic's id, or words of one's own with commas.

    Raises ValueError for a name that is neither a topic's nor Chinese words.
    """
    words = [topic] if isinstance(topic, str) else list(topic)
    parts = [part for word in words for part in (piece.strip() for piece in word.split(",")) if part]
    if parts == [OFF]:
        return None
    if parts == [SUBJECT]:
        return Focus(cut=cut)
    if not parts:
        raise ValueError("no topic: give off, overdue, a topic's id, or words with commas between them")
    found: list[str] = []
    for part in parts:
        known = topic_words(part)
        if not known and part.isascii():
            raise ValueError(
                f"{part}: no such topic; give off, overdue, a topic's id, or words with commas between them"
            )
        found += known or [to_simplified(part)]
    return Focus(",".join(parts), tuple(dict.fromkeys(found)), cut)


@lru_cache(maxsize=65_536)
def _promise(anchor: str, url: str) -> Relevance:
    # Menus repeat over a site's pages.
    return link_relevance(anchor, url)


@lru_cache(maxsize=16)
def _matcher(sought: tuple[str, ...]) -> tuple[Words, tuple[str, ...]]:
    """Return what finds some words in lower case, and the word that each stands for: the first of those alike."""
    alike: dict[str, str] = {}
    for word in sought:
        alike.setdefault(word.lower(), word)
    return words(list(alike)), tuple(alike.values())


def _by_words(sought: tuple[str, ...], text: str, title: str) -> Relevance:
    """Return a score by words of one's own: each counts as one that tells the subject alone."""
    worth: Counter[str] = Counter()
    matcher, named = _matcher(sought)
    for part, factor in ((text, UNIT / max(len(text), UNIT)), (title, TITLE_FACTOR)):
        for number, count in matcher.tally(part.lower())[0].items():
            worth[named[number]] += POINTS["both"] * min(count, 8) * factor  # type: ignore[assignment]
    reasons = tuple(
        Reason(word, round(value, 4)) for word, value in sorted(worth.items(), key=lambda x: (-x[1], x[0]))
    )
    return Relevance(1 - math.exp(-sum(reason.weight for reason in reasons)), reasons)
