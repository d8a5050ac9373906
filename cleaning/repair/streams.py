"""A damaged span as the bytes that a family of decoders showed so, in one vectorised pass, with where each begins."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.native import available
from cleaning.repair.chains import (
    HOLE,
    INVALID_BYTE_BASE,
    READERS,
    SPECIALS,
    Family,
    Reader,
    Translation,
    sources,
)

NATIVE = available("_streams")

HOLE_BYTE = 0xFF
"""Stands for a lost byte in a stream; no UTF-8, GB18030 or Big5 text contains it."""

CHOICE, CHOICE_BYTE = "\ufffe", 0xFE
"""Stand for a choice between texts that is still open, as a (non-)character and as a byte that UTF-8 doesn't have."""

_UNSHOWN = 0  # length of a character that no decoder of the family shows
_ASTRAL = 0x10000


class Stream(NamedTuple):
    """Bytes, `HOLE_BYTE` for a lost one, and the offset of each character's first byte, then of the end."""

    data: bytes
    starts: NDArray[np.int64]


@cache
def tables(family: Family) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return, by BMP code point, how many bytes a character stands for, and these (four columns)."""
    if family in ("gbk", "big5"):
        readers: tuple[Reader, ...] = ("gb18030",) if family == "gbk" else READERS[family]
        lengths, parts = (table.copy() for table in encoded(readers[0]))
        for other, bytes_of in map(encoded, readers[1:]):
            missing = np.flatnonzero(lengths == _UNSHOWN)
            lengths[missing], parts[missing] = other[missing], bytes_of[missing]
    else:
        lengths, parts = np.zeros(0x10000, dtype=np.uint8), np.zeros((0x10000, 4), dtype=np.uint8)
        for code in (*range(0x100), *_SPECIAL_POINTS):
            lengths[code] = 1
            parts[code, 0] = sources(chr(code), family)[0][0]
    for mark, byte in ((HOLE, HOLE_BYTE), (CHOICE, CHOICE_BYTE)):
        lengths[ord(mark)], parts[ord(mark)] = 1, (byte, 0, 0, 0)
    return lengths, parts


_SPECIAL_POINTS = tuple(map(ord, SPECIALS))


@cache
def encoded(reader: Reader) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return how many bytes each character has in a two-byte encoding, and these: all are encoded at once."""
    every = "\0".join(map(chr, range(1, 0x10000)))
    data = np.frombuffer(every.encode(reader, "ignore") + b"\0\0\0\0", dtype=np.uint8)
    ends = np.flatnonzero(data == 0)[: 0x10000 - 1]  # no character but U+0000 has this byte
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = np.ones(0x10000, dtype=np.uint8)
    lengths[1:] = ends - starts
    parts = np.zeros((0x10000, 4), dtype=np.uint8)
    for column in range(4):
        here = np.flatnonzero(lengths[1:] > column)
        parts[1 + here, column] = data[starts[here] + column]
    return lengths, parts


def stream(span: str, family: Family, unshown: bytes = b"") -> Stream | None:
    """Return the likeliest bytes of `span` under `family`; None when it has a character that is never shown so.

    `unshown` is one byte that stands for such a character instead.

    `hybrid` has no such bytes: its characters have several sources. A euro sign is GBK's two bytes or, as Windows shows
    it, the byte 80: what the UTF-8 around it asks for.
    """
    lengths, parts = tables(family)
    if NATIVE is not None:
        beginnings = np.empty(len(span) + 1, dtype=np.int64)
        asked = partial(sources, family=family)
        data = NATIVE.span_bytes(
            span, lengths, parts, beginnings, asked, unshown[0] if unshown else -1, family == "gbk"
        )
        return None if data is None else Stream(data, beginnings)
    points = np.frombuffer(span.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    astral = points >= _ASTRAL
    if astral.any():
        lengths, parts = _with_astral(points, astral, span, family)
    else:
        lengths, parts = lengths[points], parts[points]
    if family == "gbk" and _EURO in span:
        _settle_euros(span, lengths, parts)
    return _assemble(lengths, parts, unshown)


def single_bytes(span: str) -> bytes | None:
    """Return the bytes of characters that stand for one each, `HOLE_BYTE` for U+FFFD; None where one stands for none."""
    try:
        return span.encode("latin-1")  # most often there is nothing to translate
    except UnicodeEncodeError:
        pass
    if NATIVE is not None:
        native: bytes | None = NATIVE.single_bytes(span, *tables("latin"))
        return native
    return None if _NOT_A_BYTE.search(span) else span.translate(_TO_BYTE).encode("latin-1")


_TO_BYTE = Translation({ord(character): byte for character, byte in SPECIALS.items()})
_TO_BYTE |= {INVALID_BYTE_BASE + byte: byte for byte in range(0x80, 0x100)} | {ord(HOLE): HOLE_BYTE}
_NOT_A_BYTE = re.compile(f"[^\x00-\xff\ufffd\U0010ff80-\U0010ffff{''.join(SPECIALS)}]")


_EURO = "\N{EURO SIGN}"
_WANTS_ONE = re.compile(rb"[\xe2-\xe9\xef][\x80-\xbf]\Z")
_WANTS_TWO = re.compile(rb"[\xe2-\xe9\xef]\Z")


def _settle_euros(span: str, lengths: NDArray[np.uint8], parts: NDArray[np.uint8]) -> None:
    """Set which euro signs of `span` are cp936's 0x80, by the UTF-8 around them; the others are A2 E3."""
    for found in re.finditer(_EURO, span):
        place = found.start()
        before = b"".join(parts[at, : lengths[at]].tobytes() for at in range(max(0, place - 2), place))
        after = int(parts[place + 1, 0]) if place + 1 < len(span) else 0
        continued = 0x80 <= after <= 0xBF or after == HOLE_BYTE  # a lost byte is never a character's first
        if _WANTS_TWO.search(before) or (_WANTS_ONE.search(before) and not continued):
            lengths[place], parts[place, 0] = 1, 0x80


def _with_astral(
    points: NDArray[np.uint32], astral: NDArray[np.bool_], span: str, family: Family
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return lengths and bytes for a span with characters outside the BMP: this project's markers, or four-byte forms."""
    lengths, parts = tables(family)
    low = np.where(astral, 0, points)
    own_lengths, own_parts = lengths[low], parts[low]
    for place in np.flatnonzero(astral).tolist():
        code = int(points[place])
        marker = INVALID_BYTE_BASE + 0x80 <= code <= INVALID_BYTE_BASE + 0xFF
        data = bytes([code - INVALID_BYTE_BASE]) if marker else next(iter(sources(span[place], family)), b"")
        own_lengths[place] = len(data)
        own_parts[place, : len(data)] = list(data)
    return own_lengths, own_parts


def _assemble(lengths: NDArray[np.uint8], parts: NDArray[np.uint8], unshown: bytes) -> Stream | None:
    missing = lengths == _UNSHOWN
    if missing.any():
        if not unshown:
            return None
        lengths, parts = np.where(missing, np.uint8(1), lengths), parts.copy()
        parts[missing, 0] = unshown[0]
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])
    out = np.zeros(int(starts[-1]), dtype=np.uint8)
    for column in range(4):
        here = np.flatnonzero(lengths > column)
        if not len(here):
            break
        out[starts[:-1][here] + column] = parts[here, column]
    return Stream(out.tobytes(), starts)
