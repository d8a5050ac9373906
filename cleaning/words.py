"""Words of lists in a text: one place that makes a matcher, compiled where that is there (`cleaning.native`).

Without the compiled twin `ahocorasick_rs` finds the same, in an automaton for each list and way of matching.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol, TypeAlias, cast

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation, MatchKind

from cleaning.native import available

Place: TypeAlias = tuple[int, int, int]
"""A word's number in its list, and the half-open span of the text."""

Found: TypeAlias = tuple[list[dict[int, int]], list[list[Place]]]
"""For each list how often each of its words is in a text, and for each where they are; one of the two is empty."""

_native = available("_scan")
_BREAK = re.compile("\n")


class Words(Protocol):
    """Lists of words, ready to be found; a word's number is its place in its list."""

    def overlapping(self, text: str) -> list[list[Place]]:
        """Return for each list every word in the text, by end, the longer first."""

    def longest(self, text: str) -> list[list[Place]]:
        """Return for each list its words that don't overlap: the leftmost, of several there the longest."""

    def tally(self, text: str) -> list[dict[int, int]]:
        """Return for each list how often each word is among the `longest`, in order of first occurrence."""

    def found(self, text: str, placed: int) -> Found:
        """Return the `tally` of each list, but the `longest` of those whose bit is set in `placed`."""

    def by_line(self, text: str) -> list[dict[int, set[int]]]:
        """Return for each list which of its words each line holds that holds any: {line: {word, ...}}."""


class Needles(Protocol):
    """A few words of bytes."""

    def within(self, body: bytes) -> bool:
        """Return whether one of the words is in `body`."""

    def places(self, body: bytes) -> list[tuple[int, int]]:
        """Return (word, start) of every word in `body`; those of one word are in order."""


def words(*lists: Sequence[str]) -> Words:
    """Return the matcher of some lists of words.

    Raises ValueError for an empty word and for one that is twice in a list.
    """
    return cast(Words, _native.Words(lists)) if _native else PlainWords(lists)


def needles(*sought: bytes) -> Needles:
    """Return what tells whether bytes hold one of some words. Raises ValueError for an empty word."""
    return cast(Needles, _native.Needles(sought)) if _native else PlainNeedles(sought)


class PlainWords:
    """The twin of `_scan.Words`."""

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        for found in lists:
            if not all(found):
                raise ValueError("a word of a list can't be empty")
            if len(set(found)) < len(found):
                raise ValueError(f"twice in one list: {Counter(found).most_common(1)[0][0]!r}")
        self._lists = lists

    @cached_property
    def _overlapping(self) -> list[AhoCorasick]:
        return [AhoCorasick(found, implementation=Implementation.DFA) for found in self._lists]

    @cached_property
    def _longest(self) -> list[AhoCorasick]:
        kind = MatchKind.LeftmostLongest
        return [AhoCorasick(found, kind, implementation=Implementation.DFA) for found in self._lists]

    def overlapping(self, text: str) -> list[list[Place]]:
        """Return what `Words.overlapping` does."""
        text = _encodable(text)
        return [matcher.find_matches_as_indexes(text, overlapping=True) for matcher in self._overlapping]

    def longest(self, text: str) -> list[list[Place]]:
        """Return what `Words.longest` does."""
        text = _encodable(text)
        return [matcher.find_matches_as_indexes(text) for matcher in self._longest]

    def tally(self, text: str) -> list[dict[int, int]]:
        """Return what `Words.tally` does."""
        return [_tally(found) for found in self.longest(text)]

    def found(self, text: str, placed: int) -> Found:
        """Return what `Words.found` does."""
        told = self.longest(text)
        tallies = [{} if placed >> number & 1 else _tally(found) for number, found in enumerate(told)]
        return tallies, [found if placed >> number & 1 else [] for number, found in enumerate(told)]

    def by_line(self, text: str) -> list[dict[int, set[int]]]:
        """Return what `Words.by_line` does."""
        starts = [0, *(match.end() for match in _BREAK.finditer(text))]
        told: list[dict[int, set[int]]] = []
        for found in self.overlapping(text):
            lines: dict[int, set[int]] = {}
            for number, start, _ in found:
                lines.setdefault(bisect_right(starts, start) - 1, set()).add(number)
            told.append(lines)
        return told


class PlainNeedles:
    """The twin of `_scan.Needles`."""

    def __init__(self, sought: Sequence[bytes]) -> None:
        if not sought or not all(sought):
            raise ValueError("give words, none of them empty")
        self._matcher = BytesAhoCorasick(list(sought), implementation=Implementation.DFA)

    def within(self, body: bytes) -> bool:
        """Return what `Needles.within` does."""
        return bool(self._matcher.find_matches_as_indexes(body))

    def places(self, body: bytes) -> list[tuple[int, int]]:
        """Return what `Needles.places` does."""
        return [(word, start) for word, start, _ in self._matcher.find_matches_as_indexes(body, overlapping=True)]


def _tally(found: Sequence[Place]) -> dict[int, int]:
    return dict(Counter([number for number, _, _ in found]))


def _encodable(text: str) -> str:
    """Return `text` without lone surrogates, which ahocorasick_rs can't take and no word holds."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= char <= "\udfff" else char for char in text)
    return text
