"""UTF-8 that a decoder of Big5 read: too little of it is left to be read anew, so it is marked where it stands.

Big5 has no second byte of 80..A0 and, but for its Hong Kong extension, no such first byte either. Of a Han character's
three bytes in UTF-8, E4..E9 80..BF 80..BF, either of the last two is one of those in half of all cases; a first byte
goes with the second one, and where a decoder has lost its step the next character goes as well. By decoder, of the
characters of running text:

* Python's and Windows' (big5, cp950) leave one in six whole and nothing at all of one in five;
* browsers' (WHATWG) swallow the second byte of a pair that is none: three in ten whole, nothing of one in seven;
* Python's with the extension (big5hkscs): one in three whole, nothing of one in thirteen.

What does show is unmistakable: every pair is two bytes of UTF-8. Two characters are six bytes, (E4 BD)(A0 E5)(A5 BD): a
head, a cross and an inner pair. A head is a character of Big5's second level that running text hardly ever has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.findings import Finding
from cleaning.repair.badness import codes, count_marked
from cleaning.repair.chains import HOLE, INVALID_BYTE_BASE, READERS

RULE = "damage.utf8-as-big5"

LEAST = 8
"""Pairs of UTF-8 one after another that show the damage by themselves: in clean text every fifth character is such."""

FEW_HEADS = 2
"""Heads among those; of 38,000 lines of statutes none has even four in all."""

CROSSES = 5
"""One pair of so many at least must be a cross (every second one is): a chart of rare characters has heads alone."""

DENSE = 3
"""One shown character of so many is a head or cross in such a line: two of three are, of clean text one in 25."""

ENOUGH = 20
"""Pairs on a page from which on its shorter lines are believed to be damaged so too."""

_FIRST = (*range(0xE2, 0xEA), 0xEF)  # first bytes of what Chinese text is written with in UTF-8
_LATER = range(0xA1, 0xC0)  # the later bytes that Big5 can show
_LEADS = range(0x87, 0xC0)  # the same, where Hong Kong's first bytes are read as well

_EVIDENCE = "what a decoder of Big5 shows of UTF-8: most of its bytes are gone"


class Shred(NamedTuple):
    """A stretch of such text: half-open offsets, and how many pairs, heads and crosses it has."""

    start: int
    end: int
    pairs: int
    heads: int
    crosses: int


def mark_shreds(text: str) -> list[Finding]:
    """Return a damage finding for each stretch of `text` that is UTF-8 read as Big5; its text stays as it is."""
    return [
        Finding("repair", RULE, start, end, text[start:end], text[start:end], "certified", _EVIDENCE)
        for start, end in shreds(text)
    ]


def is_shredded(line: str, pairs: int) -> bool:
    """Return whether so many heads and crosses stand in `line` that a look for such stretches is worth its time."""
    shown = len(line) - line.count(HOLE) - line.count("?")
    return pairs * DENSE >= max(1, shown)


def shreds(text: str) -> list[tuple[int, int]]:
    """Return start and end of each stretch of `text`, inside one line, that is UTF-8 read as Big5."""
    if count_marked(text, heads_and_crosses()[0]) < FEW_HEADS:
        return []
    kinds = _kinds().take(codes(text)).tobytes()
    sure = [shred for shred in _shreds(kinds, _LONG) if shred.pairs >= LEAST and shred.heads >= FEW_HEADS]
    if sum(shred.pairs for shred in sure) >= ENOUGH:
        known = set(sure)
        sure = [shred for shred in _shreds(kinds, _ANY) if shred in known or _is_whole_line(text, shred)]
    return [(shred.start, shred.end) for shred in sure]


def _shreds(kinds: bytes, run: re.Pattern[bytes]) -> Iterator[Shred]:
    """Yield the stretches of nothing but pairs of UTF-8, what was lost, and ASCII, that have enough crosses and heads."""
    for match in run.finditer(kinds):
        start, end = match.span()
        heads, crosses = match[0].count(b"h"), match[0].count(b"c")
        pairs = heads + crosses + match[0].count(b"i")
        if crosses * CROSSES >= pairs and 2 * (heads + crosses) >= pairs:
            yield Shred(_with_lost(kinds, start), end, pairs, heads, crosses)


def _with_lost(kinds: bytes, start: int) -> int:
    """Return where the lost bytes right before `start` begin."""
    while start and kinds[start - 1] == _L:
        start -= 1
    return start


def _is_whole_line(text: str, shred: Shred) -> bool:
    """Return whether nothing else above ASCII stands in the line of `shred`."""
    first, last = text.rfind("\n", 0, shred.start) + 1, text.find("\n", shred.end)
    beside = text[first : shred.start] + text[shred.end : last if last >= 0 else len(text)]
    return beside.isascii()


_LONG, _ANY = (re.compile(b"[hci](?:[al]*[hci]){%d,}l*" % least) for least in (LEAST - 1, 0))
"""Such a stretch, by `_kinds`, from its first pair to its last, with what was lost behind it: a long one, or any."""

_L = ord("l")


@cache
def _kinds() -> NDArray[np.uint8]:
    """Return, by code point as the model indexes it, what a character may be of UTF-8 read as Big5, as a letter.

    `h`, `c`, `i`: a head, a cross, an inner pair; `l`: what stands for a lost byte; `a`: ASCII; a blank: nothing. Outside
    the basic plane the Hong Kong extension has inner pairs and crosses only.
    """
    table = np.full(1 << 16, ord(" "), dtype=np.uint8)
    table[codes("".join(sorted(_shown(_LEADS, _LATER))))] = ord("i")
    for kind, members in zip("hc", heads_and_crosses(), strict=True):
        table[members > 0] = ord(kind)
    table[codes(f"{HOLE}{chr(INVALID_BYTE_BASE + 0x80)}")] = ord("l")
    table[0x20:0x7F] = ord("a")
    return table


@cache
def heads_and_crosses() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return, by BMP code point, which characters are heads, and which are crosses."""
    found = (np.zeros(1 << 16, dtype=np.uint8), np.zeros(1 << 16, dtype=np.uint8))
    for table, shown in zip(found, (_shown(_FIRST, _LATER), _shown(_LEADS, _FIRST)), strict=True):
        table[[ord(one) for one in shown if one <= "\uffff"]] = 1
    return found


def _shown(leads: tuple[int, ...] | range, trails: tuple[int, ...] | range) -> set[str]:
    """Return the characters that any decoder of Big5 shows for these pairs of bytes."""
    pairs = b"\n".join([bytes((lead, trail)) for lead in leads for trail in trails])
    texts = {text for reader in READERS["big5"] for text in pairs.decode(reader, "ignore").split("\n")}
    return {text for text in texts if len(text) == 1}
