"""A page's text and what became of every stretch of it: the page as it stood, with all stages' findings laid over it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from cleaning.findings import Finding

Numbered = tuple[int, Finding]
"""A finding with its number within the document."""


class Piece(NamedTuple):
    """A stretch of a page: as it stood, as it reads after the changes, whether it was taken out, which findings made it.

    A stretch that was taken out keeps in `text` what it read as when it went.
    """

    page: str
    text: str
    gone: bool = False
    findings: tuple[int, ...] = ()

    @property
    def length(self) -> int:
        """Characters it has in the text of the stage reached so far."""
        return 0 if self.gone else len(self.text)


def trace(page: str, stages: Iterable[Sequence[Numbered]]) -> list[Piece]:
    """Return `page` as pieces after each stage's findings (in order of start, spans in that stage's input).

    The pieces' `page` joined is `page`; the `text` of those not gone, joined, is the last stage's output. Raises
    ValueError when a finding doesn't fit.
    """
    pieces = [Piece(page, page)]
    for found in stages:
        pieces = _apply(pieces, found)
    return _merged(pieces)


def _apply(pieces: Sequence[Piece], found: Sequence[Numbered]) -> list[Piece]:
    """Return the pieces after one stage."""
    queue = deque(pieces)
    out: list[Piece] = []
    at = 0
    for number, finding in found:
        out += _take(queue, finding.start - at)
        covered = _take(queue, finding.end - finding.start)
        reads = "".join(piece.text for piece in covered if not piece.gone)
        if finding.start < at or reads != finding.before:
            raise ValueError(f"finding {finding.rule} at {finding.start}:{finding.end} does not fit the text")
        at = finding.end
        out += _changed(covered, number, finding)
    return [*out, *queue]


def _take(queue: deque[Piece], length: int) -> list[Piece]:
    """Take pieces of `length` characters off the queue, splitting the last."""
    taken: list[Piece] = []
    while length > 0 and queue:
        piece = queue.popleft()
        if piece.length > length:
            piece, rest = _split(piece, length)
            queue.appendleft(rest)
        length -= piece.length
        taken.append(piece)
    return taken


def _split(piece: Piece, at: int) -> tuple[Piece, Piece]:
    """Return a piece in two. What a change made of the page can't be told apart: the page's part goes with the first."""
    if piece.page == piece.text:
        left, right = piece.page[:at], piece.page[at:]
    else:
        left, right = piece.page, ""
    return piece._replace(page=left, text=piece.text[:at]), piece._replace(page=right, text=piece.text[at:])


def _changed(covered: Sequence[Piece], number: int, finding: Finding) -> list[Piece]:
    if finding.before == finding.after:
        noted = covered or [Piece("", "")]
        return [piece._replace(findings=(*piece.findings, number)) for piece in noted]
    if not finding.after:
        return [
            piece if piece.gone else piece._replace(gone=True, findings=(*piece.findings, number))
            for piece in covered
        ]
    page = "".join(piece.page for piece in covered)
    earlier = dict.fromkeys(number for piece in covered for number in piece.findings)
    return [Piece(page, finding.after, False, (*earlier, number))]


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Return the pieces with neighbours that the same findings made joined."""
    merged = []
    for (gone, findings), group in groupby(pieces, key=lambda piece: (piece.gone, piece.findings)):
        same = list(group)
        merged.append(Piece("".join(p.page for p in same), "".join(p.text for p in same), gone, findings))
    return merged
