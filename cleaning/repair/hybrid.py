"""The hybrid class: bytes of which the valid UTF-8 pieces were decoded as UTF-8 and every other byte as cp1252.

GBK's D6 A4 C8 AF is U+05A4 U+022F to such a reader, since D6 A4 and C8 AF are valid UTF-8. Back again, a character up to
U+00FF or one of cp1252's specials may be one byte or its UTF-8 bytes (`\u00fb` is FB, or C3 BB, which is GBK's U+6CA1), and
the two put all that follows out of step. So every character carries its choices through a search with one state for
each pending byte, pruned by the language model; the forward model then proves what came out.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from cleaning.repair.badness import bigram_score
from cleaning.repair.chains import HOLE, SPECIALS, Writer, sources
from cleaning.repair.solve import BAD_BYTE, Kind, Piece

WIDTH = 9.0
"""Nats behind the best reading at which another is given up: a reading out of step loses as much with each character."""

PER_BYTE = 1.25
"""Nats that a byte is worth, as readings of one span differ in length. Of 300 sentences 291 came out whole at 0, 295 at 1
to 1.5, 287 at 2.75 (half of what a character costs, which is too much as rare readings gain by it)."""

NOTHING = -1
"""The state of a reading with no byte pending."""


class Link(NamedTuple):
    """What one character of the span put out, linked to what came before; `end` is -1 while a byte is pending."""

    before: Link | None
    text: str
    end: int


State = tuple[float, str, Link | None]
"""Score, last character put out, and how the reading came here."""


@cache
def pairs_table(writer: Writer) -> list[str]:
    """Return the character of each pair of bytes in `writer`, at `first << 8 | second`; empty where there is none."""
    table = [""] * 0x10000
    for first in range(0x81, 0xFF):
        for second in range(0x40, 0xFF):
            try:
                text = bytes((first, second)).decode(writer)
            except UnicodeDecodeError:
                continue
            if len(text) == 1:
                table[first << 8 | second] = text
    return table


def solve_hybrid(span: str, writer: Writer, left: str = "\n") -> list[Piece]:
    """Return the likeliest text of `span` in pieces that count its characters; empty when it can't be a hybrid.

    A piece with `start == end` must be joined to the next one.
    """
    table = pairs_table(writer)
    states: dict[int, State] = {NOTHING: (0.0, left, None)}
    for place, character in enumerate(span, start=1):
        options = sources(character, "hybrid")
        if not options:
            return []
        states = _advance(states, options, place, table)
    best = max(states.items(), key=lambda item: item[1][0] + BAD_BYTE * (item[0] != NOTHING))[1]
    return _pieces(best[2], span)


def _advance(
    states: dict[int, State], options: tuple[bytes, ...], place: int, table: list[str]
) -> dict[int, State]:
    """Return the best state for each pending byte after one more character, without the hopeless ones."""
    ahead: dict[int, State] = {}
    best = float("-inf")
    for pending, (before, previous, link) in states.items():
        for data in options:
            score, last, state, text = _read(data, pending, before + PER_BYTE * len(data), previous, table)
            if state not in ahead or ahead[state][0] < score:
                ahead[state] = (score, last, Link(link, text, place if state == NOTHING else -1))
                best = max(best, score)
    if len(ahead) > 1:
        return {state: value for state, value in ahead.items() if value[0] >= best - WIDTH}
    return ahead


def _read(data: bytes, pending: int, score: float, last: str, table: list[str]) -> tuple[float, str, int, str]:
    """Return score, last character, pending byte and new text after the bytes of one option."""
    out = ""
    for byte in data:
        if pending != NOTHING:
            character = table[pending << 8 | byte]
            pending = NOTHING
            if not character:
                score += BAD_BYTE
                out += HOLE
                if byte > 0x80:
                    pending = byte
                    continue
                character = chr(byte)
        elif byte > 0x80:
            pending = byte
            continue
        else:
            character = chr(byte)
        score += bigram_score(last, character)
        last = character
        out += character
    return score, last, pending, out


def _kind(shown: str, text: str) -> Kind:
    """Return how sure a piece is: one character of UTF-8 allows one reading; single bytes could be two pairs as well.

    A character up to U+00FF or of cp1252's specials may be either, so that nothing it gives is certain.
    """
    if HOLE in text:
        return "open"
    if text.isascii():
        return "known"
    return "known" if len(shown) == 1 == len(text) and shown > "\xff" and shown not in SPECIALS else "likely"


def _pieces(link: Link | None, span: str) -> list[Piece]:
    """Return the pieces of a reading, joined where one holds no hole."""
    links = []
    while link is not None:
        links.append(link)
        link = link.before
    pieces: list[Piece] = []
    start = 0
    text = ""
    for link in reversed(links):
        text += link.text
        if link.end >= 0 and text:
            pieces.append(Piece(start, link.end, text, _kind(span[start : link.end], text)))
            start, text = link.end, ""
    if start < len(span):
        pieces.append(Piece(start, len(span), text + HOLE, "open"))
    return pieces
