"""A damaged span as the bytes that a family of decoders showed so, in one vectorised pass, with where each begins."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.repair.chains import HOLE, INVALID_BYTE_BASE, SPECIALS, Family, sources

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
def _tables(family: Family) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return, by BMP code point, how many bytes a character stands for, and these (four columns)."""
    found = [b""] * 0x10000
    for code in (*range(0x100), *_SPECIAL_POINTS) if family == "latin" else range(0x10000):
        found[code] = _first(chr(code), family)
    found[ord(HOLE)] = bytes([HOLE_BYTE])
    found[ord(CHOICE)] = bytes([CHOICE_BYTE])
    lengths = np.array([len(data) for data in found], dtype=np.uint8)
    parts = np.frombuffer(b"".join(data.ljust(4, b"\0") for data in found), dtype=np.uint8).reshape(-1, 4)
    return lengths, parts


_SPECIAL_POINTS = tuple(map(ord, SPECIALS))


def _first(character: str, family: Family) -> bytes:
    """Return the likeliest bytes of a character; those of GBK without the memory of `sources`, for whole tables."""
    if family != "gbk":
        return next(iter(sources(character, family)), b"")
    return character.encode("gb18030", "ignore")


def stream(span: str, family: Family, unshown: bytes = b"") -> Stream | None:
    """Return the likeliest bytes of `span` under `family`; None when it has a character that is never shown so.

    `unshown` is one byte that stands for such a character instead.

    `hybrid` has no such bytes: its characters have several sources. The euro sign is taken for the two bytes of GBK.
    """
    points = np.frombuffer(span.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths, parts = _tables(family)
    astral = points >= _ASTRAL
    if astral.any():
        return _with_astral(points, astral, span, family, unshown)
    return _assemble(lengths[points], parts[points], unshown)


def _with_astral(
    points: NDArray[np.uint32], astral: NDArray[np.bool_], span: str, family: Family, unshown: bytes
) -> Stream | None:
    """Return the stream of a span with characters outside the BMP: this project's markers, or four-byte forms."""
    lengths, parts = _tables(family)
    low = np.where(astral, 0, points)
    own_lengths, own_parts = lengths[low], parts[low]
    for place in np.flatnonzero(astral).tolist():
        code = int(points[place])
        marker = INVALID_BYTE_BASE + 0x80 <= code <= INVALID_BYTE_BASE + 0xFF
        data = bytes([code - INVALID_BYTE_BASE]) if marker else next(iter(sources(span[place], family)), b"")
        own_lengths[place] = len(data)
        own_parts[place, : len(data)] = list(data)
    return _assemble(own_lengths, own_parts, unshown)


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
