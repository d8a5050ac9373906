"""The hybrid class: bytes of which the valid UTF-8 pieces were decoded as UTF-8 and every other byte as cp1252.

GBK's D6 A4 C8 AF is U+05A4 U+022F to such a reader, since D6 A4 and C8 AF are valid UTF-8. Back again, a character up to
U+00FF or one of cp1252's specials may be one byte or its UTF-8 bytes (`\u00fb` is FB, or C3 BB, which is GBK's U+6CA1), and
the two put all that follows out of step. So every character carries its choices through a search with one state for
each pending byte, pruned by the language model; the forward model then proves what came out.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cleaning.native import available
from cleaning.repair.badness import run_score, scorer
from cleaning.repair.chains import HOLE, SPECIALS, Writer, pair_points, pairs_table, sources
from cleaning.repair.pieces import Kind, Piece, Pieces, table
from cleaning.repair.solve import BAD_BYTE

if TYPE_CHECKING:
    from cleaning.native._pieces import Pieces as NativePieces

NATIVE = available("_hybrid")

WIDTH = 9.0
"""Nats behind the best reading at which another is given up: a reading out of step loses as much with each character."""

PER_BYTE = 1.25
"""Nats that a byte is worth, as readings of one span differ in length. Of 300 sentences 291 came out whole at 0, 295 at 1
to 1.5, 287 at 2.75 (half of what a character costs, which is too much as rare readings gain by it)."""

NOTHING = -1
"""The state of a reading with no byte pending."""


Link = tuple["Link | None", str, int]
"""What came before, what one character of the span put out, and where that ends: -1 while a byte is pending.

A plain tuple, as several are made for each character."""

State = tuple[float, str, Link | None]
"""Score, last character put out, and how the reading came here."""


@cache
def characters_table(writer: Writer) -> list[str]:
    """Return the character of each pair of bytes in `writer`, at `first << 8 | second`; empty where there is none."""
    return [text if len(text) == 1 else "" for text in pairs_table(writer)]


@cache
def _points(writer: Writer) -> NDArray[np.uint32]:
    """Return `characters_table` as code points, 0 where there is none."""
    points = pair_points(writer)[0]
    return np.where(points < 0x110000, points, np.uint32(0))


_SINGLES = bytearray(1 + max(map(ord, SPECIALS)))
"""By code point, the byte that cp1252 shows so, for its specials; 0 for any other."""
for _character, _byte in SPECIALS.items():
    _SINGLES[ord(_character)] = _byte


def solve_hybrid(span: str, writer: Writer, left: str = "\n") -> Pieces:
    """Return the likeliest text of `span` in pieces that count its characters; empty when it can't be a hybrid.

    A piece with `start == end` must be joined to the next one. No byte is pending behind a line break, so each line is
    read by itself, and those met again are remembered: a span's beginning is read before all of it is.
    """
    pieces: list[Piece] = []
    native = table() if NATIVE is not None else None
    start = 0
    for line in _LINE.findall(span):
        found = (_remembered_line if len(line) <= LONG else _solve_line)(line, writer, left)
        if found is None:
            return []
        if native is not None and not isinstance(found, list):
            native.extend(found, start)
        else:
            pieces += [Piece(start + one.start, start + one.end, one.text, one.kind) for one in found]
        start += len(line)
        left = "\n"
    return pieces if native is None else native


_LINE = re.compile("[^\n]*\n|[^\n]+")

LONG = 1000
"""Characters up to which a line's reading is remembered."""


def _solve_line(line: str, writer: Writer, left: str) -> Pieces | None:
    """Return the pieces of one line, with its line break if it has one; None when it can't be a hybrid."""
    if NATIVE is not None:
        native: NativePieces | None = NATIVE.hybrid_line(
            scorer(), line, left, _points(writer), _SINGLES, PER_BYTE, BAD_BYTE, WIDTH
        )
        return native
    states: dict[int, State] = {NOTHING: (0.0, left, None)}
    for place, character in enumerate(line, start=1):
        states = _advance(states, character, place, writer)
        if not states:
            return None
    best = max(states.items(), key=lambda item: item[1][0] + BAD_BYTE * (item[0] != NOTHING))[1]
    return _pieces(_walked(best[2]), line)


_remembered_line = lru_cache(maxsize=512)(_solve_line)


def _advance(states: dict[int, State], character: str, place: int, writer: Writer) -> dict[int, State]:
    """Return the best state for each pending byte after one more character, without the hopeless ones."""
    ahead: dict[int, State] = {}
    best = float("-inf")
    for pending, (before, last, link) in states.items():
        for worth, text, known, state in _moves(pending, character, writer):
            score = before + worth
            if known:
                score += run_score(last, known)
            rival = ahead.get(state)
            if rival is None or rival[0] < score:
                end = place if state == NOTHING else -1
                ahead[state] = (score, known[-1] if known else last, (link, text, end))
                if score > best:
                    best = score
    if len(ahead) > 1:
        return {state: value for state, value in ahead.items() if value[0] >= best - WIDTH}
    return ahead


@lru_cache(maxsize=1 << 16)
def _moves(pending: int, character: str, writer: Writer) -> tuple[tuple[float, str, str, int], ...]:
    """Return what `character` can put out after a pending byte: what its bytes are worth, the text, the same without holes,
    and the byte then pending.
    """
    table = characters_table(writer)
    return tuple(_move(data, pending, table) for data in sources(character, "hybrid"))


def _move(data: bytes, pending: int, table: list[str]) -> tuple[float, str, str, int]:
    """Return the same for the bytes of one option."""
    worth = PER_BYTE * len(data)
    out = ""
    for byte in data:
        if pending == NOTHING:
            if byte > 0x80:
                pending = byte
            else:
                out += chr(byte)
        elif character := table[pending << 8 | byte]:
            pending = NOTHING
            out += character
        else:
            worth += BAD_BYTE
            pending = byte if byte > 0x80 else NOTHING
            out += HOLE if byte > 0x80 else HOLE + chr(byte)
    return worth, out, out.replace(HOLE, ""), pending


def _kind(shown: str, text: str) -> Kind:
    """Return how sure a piece is: one character of UTF-8 allows one reading; single bytes could be two pairs as well.

    A character up to U+00FF or of cp1252's specials may be either, so that nothing it gives is certain.
    """
    if HOLE in text:
        return "open"
    if text.isascii():
        return "known"
    return "known" if len(shown) == 1 == len(text) and shown > "\xff" and shown not in SPECIALS else "likely"


def _walked(link: Link | None) -> list[tuple[str, int]]:
    """Return what the links of a reading put out and where they end, in order."""
    links: list[tuple[str, int]] = []
    while link is not None:
        link, put, end = link
        links.append((put, end))
    links.reverse()
    return links


def _pieces(links: list[tuple[str, int]], span: str) -> list[Piece]:
    """Return the pieces of a reading, joined where one holds no hole."""
    pieces: list[Piece] = []
    start = 0
    text = ""
    for put, end in links:
        text += put
        if end >= 0 and text:
            pieces.append(Piece(start, end, text, _kind(span[start:end], text)))
            start, text = end, ""
    if start < len(span):
        pieces.append(Piece(start, len(span), text + HOLE, "open"))
    return pieces
