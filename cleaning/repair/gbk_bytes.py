"""GBK (CP936) as the damaged sites' machinery sees it: bytes in pairs, and what a decoder makes of a torn pair.

Byte arithmetic, used by every mechanism that inserts into GBK bytes:

* a byte below 0x80 is a character of its own; 0x80 alone is the euro sign (CP936, and WHATWG's GBK decoder);
* a lead byte is 0x81..0xFE, a trail byte 0x40..0x7E or 0x80..0xFE: lead and trail are one character;
* three areas of pairs are user-defined (AAA1..AFFE, F8A1..FEFE, A140..A7A0) and come out as private-use
  characters U+E000..U+E765 (GB18030 maps them so; it has a character for every pair);
* a lead byte before anything else is *stranded*: the decoder writes a mark for it. What becomes of the byte after
  it differs by decoder, see `Decoder`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cleaning.marks import INVALID_BYTE_BASE as INVALID_BYTE_BASE
from cleaning.native import available
from cleaning.repair.chains import pair_points

NATIVE = available("_streams")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

MARKS = f"?{REPLACEMENT}{chr(INVALID_BYTE_BASE + 0x81)}-{chr(INVALID_BYTE_BASE + 0xFE)}"
"""Body of a regex character class: what decoders write for a stranded lead byte."""

_EURO = "\N{EURO SIGN}"
_UNIT = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]|[\x00-\xff]", re.DOTALL)
_PRIVATE = ("\ue000", "\uf8ff")


class _Bytes(dict[str, bytes]):
    """Memo of `char_bytes`: a pure function of its key."""

    def __missing__(self, char: str) -> bytes:
        self[char] = found = _char_bytes(char)
        return found


class _Chars(dict[int, str]):
    """Memo of `pair_char`: a pure function of its key."""

    def __missing__(self, code: int) -> str:
        self[code] = found = code.to_bytes(2, "big").decode("gb18030")
        return found


def _char_bytes(char: str) -> bytes:
    if char == _EURO:
        return b"\x80"
    try:
        encoded = char.encode("gb18030")
    except UnicodeEncodeError:  # a lone surrogate
        return b""
    return encoded if len(encoded) <= 2 else b""


BYTES = _Bytes()
"""Character -> its GBK bytes (one or two); empty where GBK has none."""

CHARS = _Chars()
"""A pair as the number lead * 256 + trail -> the character it shows as. Only for valid leads and trails."""


@cache
def _points() -> NDArray[np.uint32]:
    """Return the code point of each pair."""
    return pair_points("gb18030")[0]


@cache
def units() -> NDArray[np.uint16]:
    """Return what `BYTES` has for each code point of the basic plane: one or two bytes as a number, 0 for none."""
    table = np.zeros(0x10000, dtype=np.uint16)
    table[:0x80] = range(0x80)
    points = _points()
    pairs = np.flatnonzero(points)
    table[points[pairs]] = pairs
    table[ord(_EURO)] = 0x80
    return table


def is_trail(byte: int) -> bool:
    """Return whether `byte` can end a pair."""
    return 0x40 <= byte <= 0xFE and byte != 0x7F


def is_lead(byte: int) -> bool:
    """Return whether `byte` can begin a pair."""
    return 0x81 <= byte <= 0xFE


def is_private(char: str) -> bool:
    """Return whether `char` is a private-use character: what a user-defined pair shows as."""
    return _PRIVATE[0] <= char <= _PRIVATE[1]


def encode_line(line: str) -> bytes | None:
    """Return the GBK bytes of `line`, or None where a character has none."""
    try:
        return line.encode("gbk")
    except UnicodeEncodeError:
        parts = [BYTES[char] for char in line]
        return b"".join(parts) if all(parts) else None


@dataclass(frozen=True, slots=True)
class Decoder:
    """What one family of decoders does with a stranded lead byte.

    `mark` is written for it (empty: our own exact-byte marker). `swallows_paren` says whether a `(` after it
    vanishes with it, `swallows_ascii` the same for other bytes 0x21..0x3F. Blanks and controls always stay. The seeds'
    decoder swallows: the lead byte takes the byte after it along unless that is a blank.
    """

    mark: str = "?"
    swallows_paren: bool = True
    swallows_ascii: bool = False

    def show(self, lead: int) -> str:
        """Return what is written for the stranded byte `lead`."""
        return self.mark or chr(INVALID_BYTE_BASE + lead)

    def decode(self, data: bytes) -> tuple[str, bool]:
        """Return (text, whether the last byte of `data` is a stranded lead, already shown by its mark)."""
        try:
            return data.decode("gbk"), False
        except UnicodeDecodeError:
            return self._decode_torn(data)

    def _decode_torn(self, data: bytes) -> tuple[str, bool]:
        if NATIVE is not None:
            shown: tuple[str, bool] | None = NATIVE.decode_torn(data, _points(), self.mark, self.swallows_ascii)
            if shown is not None:
                return shown
        parts: list[str] = []
        swallow = False
        stranded = False
        for match in _UNIT.finditer(data):
            unit = match[0]
            stranded = False
            if len(unit) == 2:
                parts.append(CHARS[unit[0] << 8 | unit[1]])
            elif swallow and 0x21 <= unit[0] <= 0x3F:
                pass  # went with the lead byte before it
            elif unit[0] < 0x80:
                parts.append(chr(unit[0]))
            elif unit[0] == 0x80:
                parts.append(_EURO)
            else:
                parts.append(self.show(unit[0]))
                stranded = True
            swallow = stranded and self.swallows_ascii
        return "".join(parts), stranded


SEED_DECODER = Decoder()
"""The decoder behind the five seed pages."""

DECODERS = tuple(
    Decoder(mark, paren, other)
    for mark in ("?", REPLACEMENT, "")
    for paren, other in ((True, False), (True, True), (False, False))
)
"""The families seen or known: PHP and Java write `?` and swallow, WHATWG and Python write U+FFFD and keep."""
