"""Insertions as they stand in a damaged text: `(y\u012bng)`, `?x\xed)`, `(w\u01d2 )`, `(xi)(xi)(xi)`."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.native import available
from cleaning.repair.chains import pair_points
from cleaning.repair.gbk_bytes import BYTES, CHARS, MARKS, REPLACEMENT, is_lead, is_trail, units
from cleaning.repair.readings import LETTERS, Reading, parse, syllables

NATIVE = available("_pinyin")

_LETTERS = LETTERS + "A-Z"
_READING = rf" ?[{_LETTERS}]{{1,8}} ?"

TOKEN = re.compile(
    rf"(?:([{MARKS}])(\(?)|(\())({_READING}\)(?:\({_READING}\))*)|\uff08{_READING}\uff09",
)
"""An insertion: a mark that may have swallowed the bracket, or the bracket; then reading and `)`, perhaps repeated; or
a reading in full-width brackets, which tears no run of its own kind."""

PUNCTUATION = "\uff1b\u3002\uff1a\uff01\uff1f\uff0c"
"""The full-width marks that machines of this kind replace as well, at any byte offset: A3BB A1A3 A3BA A3A1 A3BF A3AC."""

REPLACED = re.compile(rf"[?{REPLACEMENT}](?<=[\u4e00-\u9fff)].)[{PUNCTUATION}]")
"""A stranded lead byte before full-width punctuation that the machine replaced."""

_SIGNS = (
    re.compile(rf"\)(?<=[{_LETTERS} ]\))"),
    re.compile(rf"\uff09(?<=[{_LETTERS} ]\uff09)"),
    re.compile(rf"\?(?=[{PUNCTUATION}])(?<=[\u4e00-\u9fff)]\?)"),
    re.compile(rf"{REPLACEMENT}(?=[{PUNCTUATION}])(?<=[\u4e00-\u9fff)]{REPLACEMENT})"),
)

CUT_OFF = re.compile(rf"\( ?([{_LETTERS}]{{1,8}})\Z")
"""An insertion whose end was cut off with the excerpt."""


def may_be_damaged(text: str) -> bool:
    """Return whether `text` holds anything like an insertion: False decides that it needs nothing from this mechanism.

    Each sign begins with a literal, so this costs about as much as finding a character.
    """
    return any(sign.search(text) for sign in _SIGNS)


class Token(NamedTuple):
    """One insertion in a line at `start`:`end`. `mark` is the stranded byte's mark or empty.

    `inserted` is the whole string the site's machine inserted, brackets and repeats included. `char` is the character
    whose two bytes stand right before an unmarked one ("" where there is none). `is_cut_off` says that the excerpt
    ended inside it.
    """

    start: int
    end: int
    mark: str
    kept_paren: bool
    inserted: str
    reading: Reading
    char: str
    is_cut_off: bool = False


@lru_cache(maxsize=4096)
def first_reading(inserted: str) -> Reading:
    """Return the first reading of an inserted string such as `(xi)(xi)`."""
    return parse(inserted[1:].partition(")")[0].rstrip("\uff09"))


@lru_cache(maxsize=4096)
def _syllable(inserted: str) -> Reading | None:
    """Return the first reading of an inserted string, None where it is no syllable of Mandarin."""
    reading = first_reading(inserted)
    return reading if reading.base in syllables() else None


def is_machine_made(inserted: str) -> bool:
    """Return whether nobody would type this by hand: a blank inside the brackets, or the reading repeated.

    `inserted` is one inserted string, or several with newlines between: whether one of them is such.
    """
    return " " in inserted or ")(" in inserted


def tokens(line: str) -> list[Token]:
    """Return the insertions of `line` whose reading is a syllable of Mandarin, from left to right."""
    found: list[Token]
    if NATIVE is not None:
        found, floor = NATIVE.insertions(line, _kinds(), units(), pair_points("gb18030")[0], _syllable, Token)
    else:
        found, floor = _insertions(line)
    if cut := CUT_OFF.search(line, max(0, len(line) - 12)):
        char = window_char(line, cut.start(), floor)
        found.append(Token(cut.start(), cut.end(), "", False, cut[0], parse(cut[1]), char, True))
    return found


def _insertions(line: str) -> tuple[list[Token], int]:
    """Return the whole insertions among them, and where the last one ends."""
    floor = 0
    found: list[Token] = []
    for match in TOKEN.finditer(line):
        mark, paren, rest = match.group(1, 2, 4)
        inserted = "(" + rest if rest else match[0]
        reading = _syllable(inserted)
        if reading is not None:
            start, end = match.span()
            char = "" if mark else window_char(line, start, floor)
            found.append(Token(start, end, mark or "", bool(paren), inserted, reading, char))
            floor = end
    return found, floor


@cache
def _kinds() -> NDArray[np.uint8]:
    """Return, by BMP code point, 1 for a letter of readings and 2 for a mark."""
    kinds = np.zeros(1 << 16, dtype=np.uint8)
    plane = "".join(map(chr, range(1 << 16)))
    for kind, members in ((1, _LETTERS), (2, MARKS)):
        for match in re.finditer(f"[{members}]+", plane):
            kinds[match.start() : match.end()] = kind
    return kinds


def window_char(line: str, end: int, floor: int) -> str:
    """Return the character whose two bytes end at `end`, or "" where there is none.

    Mostly the character shown there. A letter 0x40..0x7E (or the euro sign, 0x80) can be the second byte of a
    window whose first is the last byte of the character before it. No window reaches before `floor`.
    """
    here = end - 1
    if here < floor:
        return ""
    last = BYTES[line[here]]
    if len(last) == 2:
        return line[here]
    if here - 1 < floor or not last or not is_trail(last[0]):
        return ""
    before = BYTES[line[here - 1]]
    return CHARS[before[1] << 8 | last[0]] if len(before) == 2 and is_lead(before[1]) else ""
