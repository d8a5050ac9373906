"""Sets and tables of characters, and kinds of them to count: compiled where it can be (`cleaning.native`), else numpy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from cleaning.native import available

CODEPOINTS = 0x110000
NGRAM = 8
"""Length in characters of the n-grams that repetition is counted on: longer than the names a page is about
(小米金融逾期 ...), shorter than a clause."""

Codes: TypeAlias = npt.NDArray[np.uint32]

_native = available("_text")
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))


class Chars(Protocol):
    """A set of characters, with some of them as signs."""

    def places(self, text: str) -> list[int]:
        """Return the offsets of the text's characters that are in the set."""

    def runs(self, text: str, least: int) -> list[tuple[int, int]]:
        """Return (start, end) of runs of characters of the set, of `least` and more, or of two and more with a sign."""

    def parted(self, text: str) -> list[int]:
        """Return the offsets of one of the set, a Chinese character, one of the set, a Chinese one; none overlaps."""


class Table(Protocol):
    """A table of characters that become another one; all others stay."""

    def translated(self, text: str) -> str:
        """Return the text with the table's characters put for its own; the same object where none changes."""


class Kinds(Protocol):
    """A kind, 0 to 7, for each code point."""

    def counts(self, text: str) -> list[int]:
        """Return how many characters of the text are of each of the eight kinds."""

    def summary(self, text: str, skipped: int) -> tuple[list[int], int, int, int]:
        """Return how many characters of the text are of each of the eight kinds, and of the 8-grams that it has without
        characters of the kind `skipped`: how many there are, how many different ones, how often the most frequent occurs.

        They are compared by a 64-bit hash made by doubling: 2, 4, 8 characters. A collision would make one less.
        """


def chars(characters: str, signs: str = "") -> Chars:
    """Return the set of some characters."""
    return cast(Chars, _native.Chars(characters, signs)) if _native else PlainChars(characters, signs)


def table(changed: Mapping[int, int]) -> Table:
    """Return the table that puts code points for others."""
    return cast(Table, _native.Table(dict(changed))) if _native else PlainTable(changed)


def kinds(known: npt.NDArray[np.uint8]) -> Kinds:
    """Return the kinds that an array of CODEPOINTS numbers says; ValueError where it is shorter or one is over 7."""
    return cast(Kinds, _native.Kinds(known.tobytes())) if _native else PlainKinds(known)


def codes(text: str) -> Codes:
    """Return the code points of a text, lone surrogates too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def from_codes(points: Codes) -> str:
    """Return the text of code points."""
    return points.tobytes().decode("utf-32-le", "surrogatepass")


class PlainChars:
    """The twin of `_text.Chars`."""

    def __init__(self, characters: str, signs: str = "") -> None:
        self._characters = characters
        self._signs = frozenset(signs)

    @cached_property
    def _known(self) -> npt.NDArray[np.bool_]:
        known = np.zeros(CODEPOINTS, dtype=np.bool_)
        known[[ord(char) for char in self._characters]] = True
        return known

    def places(self, text: str) -> list[int]:
        """Return what `Chars.places` does."""
        found: list[int] = np.flatnonzero(self._known[codes(text)]).tolist()
        return found

    def runs(self, text: str, least: int) -> list[tuple[int, int]]:
        """Return what `Chars.runs` does."""
        edges = np.flatnonzero(np.diff(self._known[codes(text)], prepend=False, append=False)).tolist()
        return [
            (start, end)
            for start, end in zip(edges[::2], edges[1::2], strict=True)
            if end - start >= least or (end - start > 1 and not self._signs.isdisjoint(text[start:end]))
        ]

    def parted(self, text: str) -> list[int]:
        """Return what `Chars.parted` does."""
        known, points = self._known, codes(text)
        inside = known[points]
        chinese = (points >= 0x4E00) & (points <= 0x9FFF)
        found: list[int] = []
        for at in np.flatnonzero(inside[:-3] & chinese[1:-2] & inside[2:-1] & chinese[3:]).tolist():
            if not found or at >= found[-1] + 4:
                found.append(at)
        return found


class PlainTable:
    """The twin of `_text.Table`."""

    def __init__(self, changed: Mapping[int, int]) -> None:
        self._changed = changed

    @cached_property
    def _table(self) -> Codes:
        known = np.arange(CODEPOINTS, dtype=np.uint32)
        known[list(self._changed)] = list(self._changed.values())
        return known

    def translated(self, text: str) -> str:
        """Return what `Table.translated` does."""
        before = codes(text)
        after = self._table[before]
        return text if np.array_equal(before, after) else from_codes(after)


class PlainKinds:
    """The twin of `_text.Kinds`."""

    def __init__(self, known: npt.NDArray[np.uint8]) -> None:
        if len(known) != CODEPOINTS or known.max() > 7:
            raise ValueError("give a kind of 0 to 7 for each code point")
        self._kinds = known

    def counts(self, text: str) -> list[int]:
        """Return what `Kinds.counts` does."""
        found: list[int] = np.bincount(self._kinds[codes(text)], minlength=8).tolist()
        return found

    def summary(self, text: str, skipped: int) -> tuple[list[int], int, int, int]:
        """Return what `Kinds.summary` does."""
        points = codes(text)
        kinds = self._kinds[points]
        counts: list[int] = np.bincount(kinds, minlength=8).tolist()
        hashes = points[kinds != skipped].astype(np.uint64)
        total = len(hashes) - NGRAM + 1
        if total < 1:
            return counts, 0, 0, 0
        for width, odd in zip((1, 2, 4), _ODD):
            hashes = hashes[:-width] * odd + hashes[width:]
        hashes.sort()
        edges = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1], [True])))
        return counts, total, len(edges) - 1, int(np.diff(edges).max())
