"""Keywords put into a sentence, told by likelihood: is a line likelier with a foreign stretch in it than without?

Two readings of a line are compared. Either all of it is running Chinese (character pairs of the repair model), or a
stretch of it was put in: a chain of the lexicon's words, unknown letters between them, and the text reads on from what
stands before it to what stands after it. The logarithm of their ratio has three parts: how much better the lexicon
tells the stretch than running Chinese does, what the pairs at its two ends cost, and how well the line closes without
it. An honest sentence has such words too, but its pairs do not close better without them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cleaning import spam
from cleaning.lexicon import Hit
from cleaning.native import available
from cleaning.repair.badness import bigram_score, scorer

if TYPE_CHECKING:
    from cleaning.native._seams import Reader

_native = available("_seams")

LEAST_NATS = 14.5
"""Least log-likelihood ratio of a stretch. Of 32,025 honest lines (statutes, gold, our articles, a newspaper, reviews,
5,700 sentences about fraud and betting) none without a guard had more than 13.7."""

MOST_NATS = (2.5, 3.0, 6.0, 10.0, 18.0)
"""What a word may count at most, by its weight: an author who speaks of betting says one such word, not three."""

WORD_NATS = (-7.5, -6.5, -7.0, -7.0, -7.0)
"""Log-probability of a word in a row of keywords, by its weight: stems are in every second row."""

UNKNOWN_NATS = -0.7
NEW_NATS = -2.5
"""What a letter costs that no word covers, and the first one of several: keywords hold names that no list has."""

AGAIN_NATS = -4.0
"""What a word counts that the line had shortly before: it is the sentence's (`..合集下载下载八个月..`)."""

AGAIN_WITHIN = 40
"""How far back that is looked for."""

MARKS = {"_": 2.0, "|": 2.0, ",": -2.0}
"""What a separator counts: no sentence has the first two."""

TIE_NATS = 3.0
"""Of ends that are about as likely the nearer ones are taken: a keyword left is better than a word lost."""

LEAST_LENGTH = 4
MOST_LENGTH = 120
GAP = 5
"""Letters without a word of the lexicon that a stretch may hold."""

REACH = 4
"""Letters before the first word and behind the last one that may belong to the stretch."""

BEAM = 6
"""How many beginnings are followed at a time: bounds the work for hostile lines."""

CLOSING_NATS = 6.0
"""What the seams may add at most, for a first look at the words alone."""

_EDGE = "。"
_SENTENCES = frozenset(
    '、。!?;:“”‘’「」『』《》"()[]的了是在和与及被将会应不也就都而但其该这那从对把由因若则并或等每常均所么吗吧呢谁为于予即以未须至各再还很'
    "第先后已别更他她它我你们"
)
"""Marks and function words: no keyword that the lexicon does not know holds one."""


class Stretch(NamedTuple):
    """A span of a line that may have been put in: its log-likelihood ratio as it is judged, and as it stands."""

    start: int
    end: int
    nats: float
    odds: float
    telling: int
    """Where its first word of weight 2 or 3 begins."""


class _Chain(NamedTuple):
    odds: float
    nats: float
    start: int
    telling: int
    unknown: bool


class Word(NamedTuple):
    """A word of the lexicon that a chain may go on with: where it is, what it adds to `odds` and `nats`."""

    start: int
    end: int
    gain: float
    nats: float
    heavy: bool


def stretches(line: str, hits: Sequence[Hit], least: float = LEAST_NATS) -> list[Stretch]:
    """Return the spans of a folded line that were likelier put in than written there, in order, none overlapping.

    `hits` are the words of the lexicon in it (`spam.scan` with rows). A line that is one stretch from end to end has none.
    """
    if _native is None:
        return plain_stretches(line, hits, least)
    return [Stretch(*found) for found in _reader().stretches(line, hits, least)]


def plain_stretches(line: str, hits: Sequence[Hit], least: float) -> list[Stretch]:
    """Return what `stretches` does: the twin of `_seams.Reader.stretches`."""
    groups = [group for group in _groups(line, hits) if _most(group) + CLOSING_NATS >= least]
    found = [_chosen(_candidates(line, group), least) for group in groups]
    return [stretch for stretch in found if stretch is not None]


def _groups(line: str, hits: Sequence[Hit]) -> list[list[Hit]]:
    """Return the words that stand near each other, as far as one of them has weight 2 or 3.

    A comma parts them where no phrase that only spam has is among them: an author's list of games and trades.
    """
    groups: list[list[Hit]] = []
    group: list[Hit] = []
    end, sure, heavy = 0, False, False
    for hit in sorted(hits):
        start, stop, weight = hit
        near = bool(group) and start - end <= GAP
        if near and start > end:
            gap = line[end:start]
            near = _SENTENCES.isdisjoint(gap) and ("," not in gap or sure or weight > 2)
        if near:
            group.append(hit)
        else:
            if heavy:
                groups.append(group)
            group, sure, heavy = [hit], False, False
        end, sure, heavy = max(end, stop), sure or weight > 2, heavy or weight > 1
    return [*groups, group] if heavy else groups


def _most(group: Sequence[Hit]) -> float:
    return sum(MOST_NATS[hit.weight] for hit in spam.longest(group))


def _chosen(found: Sequence[Stretch], least: float) -> Stretch | None:
    """Return the likeliest of overlapping spans, of those about as likely the shortest."""
    sure = [stretch for stretch in found if stretch.nats >= least]
    if not sure:
        return None
    best = max(stretch.odds for stretch in sure)
    near = (stretch for stretch in sure if stretch.odds >= best - TIE_NATS)
    return min(near, key=lambda stretch: stretch.end - stretch.start)


def _candidates(line: str, group: Sequence[Hit]) -> list[Stretch]:
    """Return the spans around a group of words with their ratios."""
    left, right = _reach(line, group[0].start, -1), _reach(line, max(hit.end for hit in group), 1)
    # How likely the letter at each place is after the one before it, from `left` on.
    pairs = [bigram_score(*pair) for pair in pairwise((_EDGE + line + _EDGE)[left : right + 2])]
    words = []
    for hit in group:
        gain = _gain(line, hit, sum(pairs[hit.start - left : hit.end - left]))
        words.append(Word(hit.start, hit.end, gain, min(MOST_NATS[hit.weight], gain), hit.weight > 1))

    def closing(start: int, end: int) -> float:
        return bigram_score(line[start - 1] if start else _EDGE, line[end] if end < len(line) else _EDGE)

    return _ways(line, left, right, words, pairs, closing)


@cache
def _reader() -> Reader:
    assert _native is not None
    made: Reader = _native.Reader(
        scorer(),
        sentences="".join(_SENTENCES),
        marks=MARKS,
        edge=_EDGE,
        word_nats=WORD_NATS,
        most_nats=MOST_NATS,
        unknown=UNKNOWN_NATS,
        new=NEW_NATS,
        again=AGAIN_NATS,
        closing=CLOSING_NATS,
        tie=TIE_NATS,
        gap=GAP,
        reach=REACH,
        again_within=AGAIN_WITHIN,
        beam=BEAM,
        least=LEAST_LENGTH,
        most=MOST_LENGTH,
    )
    return made


def _ways(
    line: str,
    left: int,
    right: int,
    words: Sequence[Word],
    pairs: Sequence[float],
    closing: Callable[[int, int], float],
) -> list[Stretch]:
    """Return each way to read a part of `line[left:right]` as keywords.

    `words` are in order of start, `pairs` how likely the letter at each place from `left` to `right` is after the one
    before it; `closing(start, end)` is asked how well the line closes without.
    """
    begins: dict[int, list[Word]] = {}
    for word in words:
        begins.setdefault(word.start, []).append(word)
    chains: dict[int, list[_Chain]] = {}
    found: list[Stretch] = []
    for place in range(left, right + 1):
        here = heapq.nlargest(BEAM, chains.pop(place, ()))
        for chain in here:
            if _may_end(line, chain, place):
                seam = closing(chain.start, place) - pairs[place - left]
                found.append(Stretch(chain.start, place, chain.nats + seam, chain.odds + seam, chain.telling))
        if place == right:
            break
        if line[place].isalnum():
            here.append(_Chain(0.0, 0.0, place, -1, False))
        for chain in here:
            if place - chain.start <= MOST_LENGTH:
                for end, longer in _longer(line[place], chain, place, begins.get(place, ())):
                    chains.setdefault(end, []).append(longer)
    return found


def _gain(line: str, hit: Hit, written: float) -> float:
    """Return how much likelier a word is among keywords than `written` into the sentence."""
    gain = WORD_NATS[hit.weight] - written
    again = line.find(line[hit.start : hit.end], max(0, hit.start - AGAIN_WITHIN), hit.start) >= 0
    return min(gain, AGAIN_NATS) if again else gain


def _reach(line: str, place: int, step: int) -> int:
    """Return how far unknown letters before (step -1) or behind a place may belong to keywords."""
    for _ in range(REACH):
        char = line[place - 1 : place] if step < 0 else line[place : place + 1]
        if not char.isalnum() or char in _SENTENCES:
            break
        place += step
    return place


def _may_end(line: str, chain: _Chain, place: int) -> bool:
    return (
        chain.telling >= 0
        and place - chain.start >= LEAST_LENGTH
        and line[place - 1].isalnum()
        and (chain.start > 0 or place < len(line))
    )


def _longer(char: str, chain: _Chain, place: int, words: Sequence[Word]) -> list[tuple[int, _Chain]]:
    """Return the chain with each word that begins at `place`, and with the one character there, and where they end."""
    odds, nats, start, told, was_unknown = chain
    longer = [
        (
            word.end,
            _Chain(odds + word.gain, nats + word.nats, start, place if told < 0 and word.heavy else told, False),
        )
        for word in words
    ]
    if char not in _SENTENCES:
        unknown = char.isalnum()
        gain = UNKNOWN_NATS + (0.0 if was_unknown else NEW_NATS) if unknown else MARKS.get(char, 0.0)
        longer.append((place + 1, _Chain(odds + gain, nats + gain, start, told, unknown)))
    return longer
