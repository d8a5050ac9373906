"""Spans that are UTF-8 read wrongly: read anew once, in pieces that `search` proves, or through several layers at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cleaning.native import available
from cleaning.repair.badness import count_in, logprob
from cleaning.repair.chains import (
    CP1252_UNDEFINED,
    HOLE,
    MARKER,
    READERS,
    SPECIALS,
    Chain,
    Family,
    Reader,
    Step,
    damage,
    has_markers,
)
from cleaning.repair.lattice import (
    Cell,
    Fills,
    Layer,
    Loss,
    allowed,
    fill,
    inner,
    outer,
    text_of,
    undo,
    undo_wholly,
)
from cleaning.repair.pieces import Piece, Pieces

if TYPE_CHECKING:
    from cleaning.native._pieces import Pieces as NativePieces

NATIVE = available("_lattice")

MOST_LAYERS = 4
"""Readings of UTF-8 that are undone as one; each makes a text half as long again, so nobody keeps a fifth."""

HEAD = 600
"""Characters of a long span that decide by whom and with which losses it was read."""

LONG = 6000
"""Characters from which all of a span decides in which order those are tried who may have read it."""

UNEXPLAINED = 0.05
"""Share of an inner layer's characters that nothing explains, up to which it is taken for UTF-8 read wrongly."""

PLAIN = -8.0
"""Mean log-probability from which what lies below several layers is taken for Chinese without a look at those above."""

SHORT = 40
"""Characters up to which a text may read as Chinese by chance; longer ones that do, half of them above ASCII, are."""

MOST_READERS = 3
"""Ways of losing bytes that are tried for the outermost of several layers."""

_ASCII_BYTES = bytes(range(0x80))


def mostly_utf8(data: bytes, share: float = 0.5) -> bool:
    """Tell whether at least `share` of the bytes above ASCII stand in whole UTF-8 sequences."""
    high = len(data.translate(None, _ASCII_BYTES))
    valid = len(data.decode("utf-8", "ignore").encode("utf-8").translate(None, _ASCII_BYTES))
    return valid >= share * high


def _marks(span: str, family: Family) -> tuple[str | None, ...]:
    """Return what may show in place of a lost byte of `span`, beside U+FFFD."""
    if HOLE in span:
        return (" ", None) if family == "latin" and " " in span else (None,)
    if has_markers(span):
        return (None,)
    marks = [mark for mark in ("?", " ") if mark in span and (mark == "?" or family == "latin")]
    return (None, *marks, "")


def _losses(span: str, family: Family, layer: Layer) -> Iterator[Loss]:
    """Return who can have read `span` and with which losses, those first that leave the fewest places unexplained."""
    return _ranked(_choices(span, family), span, family, layer)


def _ranked(choices: Sequence[Loss], span: str, family: Family, layer: Layer) -> Iterator[Loss]:
    """Yield `choices` in that order; none is looked at before it must be."""
    if len(choices) == 1:
        yield from choices
        return
    head = layer.head(HEAD)
    ranks: dict[Loss, tuple[int, bool]] = {}
    for loss in choices:
        ranks[loss] = _rank(span[:HEAD], head, family, loss)
        if ranks[loss] == _EXPLAINED:
            yield loss
    yield from sorted((loss for loss in choices if ranks[loss] != _EXPLAINED), key=lambda loss: ranks[loss])


def _choices(span: str, family: Family) -> tuple[Loss, ...]:
    return _losses_of(family, _marks(span, family))


@cache
def _losses_of(family: Family, marks: tuple[str | None, ...]) -> tuple[Loss, ...]:
    """Return every way to lose bytes by the decoders of a family, some marks in their place."""
    return tuple(Loss(reader, mark) for reader in READERS[family] for mark in marks)


_EXPLAINED = (0, False)
"""The best that `_rank` gives: nothing unexplained, nothing shown differently."""


def _rank(span: str, layer: Layer, family: Family, loss: Loss) -> tuple[int, bool]:
    """Return how many places of `span` a loss leaves unexplained, and whether the forward model then differs."""
    cells = undo(layer, loss, sketch=True)
    unexplained = sum([cell.options is not None and not cell.options.texts for cell in cells])
    if unexplained or layer.choices:
        return unexplained, True
    shown = damage(_commonest(layer, loss), (_step(loss, _Below(layer, family, span)),))
    return 0, shown[: len(span) - 4] != span[:-4]  # the cut may have torn a character


def _proved(span: str, family: Family, layer: Layer) -> Loss | None:
    """Return who read `span` and with which losses: the first that the forward model bears out, if any does.

    All of a long span is looked at only where its beginning is explained.
    """
    cut = (_whole_head(layer) if family == "gbk" else HEAD) if len(span) > HEAD else 0
    head = layer.head(cut) if cut else None
    for loss in _choices(span, family):
        if head is not None and (
            not _leaves_nothing(head, loss) or _rank(span[:cut], head, family, loss) != _EXPLAINED
        ):
            continue
        if _proves(span, layer, family, loss):
            return loss
    return None


def _whole_head(layer: Layer) -> int:
    """Return how many characters a long layer's beginning has that ends before a character of UTF-8 begins.

    A torn one at the end would be held against whoever read the span.
    """
    for length in range(HEAD, HEAD - 6, -1):
        byte = layer.data[int(layer.starts[length])]
        if byte < 0x80 or 0xC2 <= byte <= 0xF4:
            return length
    return HEAD


def solve_utf8(
    span: str, family: Family, left: str = "\n", right: str = "\n", sides: Sequence[tuple[str, str]] = ()
) -> Iterator[tuple[tuple[Reader, ...], Pieces]]:
    """Yield readings of `span` as UTF-8 read by a decoder of `family`: who read it, and pieces that count characters.

    The likeliest comes first. Nothing is yielded when its bytes are not mostly UTF-8. `left` and `right` are the
    characters beside the span, for the model, and `sides` those of each line where its lines are spans. A piece with
    `start == end` must be joined to the next one.
    """
    layer = outer(span, family)
    if layer is None or not mostly_utf8(layer.data):
        return
    proved = _proved(span, family, layer)
    for loss in _ordered(span, family, layer) if proved is None else (proved,):
        cells = undo(layer, loss)
        whole = all(cell.options is None for cell in cells)
        readers = READERS[family] if whole or family == "latin" else (loss.reader,)
        pieces = _pieces(cells, fill(cells, left, right, sides), layer, len(span))
        yield readers, pieces if whole else _disputed(pieces, cells, layer, family, loss)
        if whole:
            return


def _ordered(span: str, family: Family, layer: Layer) -> Iterable[Loss]:
    """Return who can have read `span`, those first that the forward model bears out in the most lines.

    The beginning of a long span may not tell two of them apart, and each one tried costs as much as the right one.
    """
    losses = _losses(span, family, layer)
    if len(span) <= LONG:
        return losses
    seen = _Below(layer, family, span)
    lines = span.split("\n")

    def unlike(loss: Loss) -> int:
        """Return how many lines would have been shown in another way."""
        shown = damage(_commonest(layer, loss), (_step(loss, seen),)).split("\n")
        return sum([one != other for one, other in zip(shown, lines)]) + abs(len(lines) - len(shown))

    return sorted(losses, key=unlike)


def _disputed(pieces: Pieces, cells: list[Cell], layer: Layer, family: Family, loss: Loss) -> Pieces:
    """Return `pieces`, none of them forced where another decoder of the family may have lost another byte there.

    Which of them read a span is seldom certain, and one loses what the next one shows.
    """
    if family == "latin":
        return pieces
    others = [Loss(reader, loss.mark) for reader in READERS[family] if reader != loss.reader]

    def is_disputed(text: str, cell: Cell) -> bool:
        return any(not {text}.issuperset(allowed(layer, cell, other).texts) for other in others)

    if not isinstance(pieces, list):
        pieces.dispute(cells, is_disputed)
        return pieces
    return [
        piece._replace(kind="likely") if piece.kind == "forced" and is_disputed(piece.text, cell) else piece
        for piece, cell in zip(pieces, cells, strict=True)
    ]


def _proves(span: str, layer: Layer, family: Family, loss: Loss) -> bool:
    """Tell whether the forward model gives `span` back, each broken place filled with the commonest that it allows."""
    if not _leaves_nothing(layer, loss):
        return False
    return damage(_commonest(layer, loss), (_step(loss, _Below(layer, family, span)),)) == span


def _leaves_nothing(layer: Layer, loss: Loss) -> bool:
    """Tell whether a loss explains every broken place of a layer."""
    return undo_wholly(layer, loss) is not None


def _commonest(layer: Layer, loss: Loss) -> str:
    """Return the text of a layer that `loss` explains, filled with the commonest characters.

    Bytes that are dropped are not quite those that our model of dropping drops: what nobody writes must not decide.
    """
    return text_of(undo(layer, loss))


def _pieces(cells: list[Cell], fills: Fills, layer: Layer, length: int) -> Pieces:
    """Return the pieces of a reading in characters; one that ends inside a character ends where it starts."""
    if NATIVE is not None:
        pieces: NativePieces = NATIVE.layer_pieces(cells, *fills, layer.starts, length)
        return pieces
    if len(cells) == 1:
        return [_piece(cells[0], fills.texts[0], fills.sure[0], 0, length)]
    starts = layer.starts.searchsorted([cell.start for cell in cells]).tolist()
    edges = np.array([cell.end for cell in cells])
    ends = layer.starts.searchsorted(edges)
    whole = layer.starts[ends] == edges
    return [
        _piece(cell, text, sure, start, end if ok else start)
        for cell, text, sure, start, end, ok in zip(
            cells, *fills, starts, ends.tolist(), whole.tolist(), strict=True
        )
    ]


def _piece(cell: Cell, text: str, sure: bool, start: int, end: int) -> Piece:
    if cell.options is None:
        return Piece(start, end, text, "known")
    if not sure or not cell.options.texts:
        return Piece(start, end, HOLE, "open", text if cell.options.texts else "")
    return Piece(start, end, text, "forced" if len(cell.options.texts) == 1 else "likely")


class Peeled(NamedTuple):
    """A span read anew through several layers: the chain, the text with unsure holes, and whether nothing was guessed."""

    chain: Chain
    text: str
    sure: bool


def peel(
    span: str, left: str = "\n", right: str = "\n", may_try: Callable[[], bool] = lambda: True
) -> Peeled | None:
    """Return `span` read anew as UTF-8 read wrongly two times or more; None unless the forward model proves it.

    Lost bytes of every layer are searched for together, and only the whole is judged. `may_try` is asked before each
    way of losing bytes that is tried for the outermost layer.
    """
    for family in _PEELED:
        layer = outer(span, family)
        if layer is None or not mostly_utf8(layer.data):
            continue
        outermost = _Below(layer, family, span)
        losses = islice(_losses(span, family, layer), MOST_READERS)
        for number, loss in enumerate(_proved_first(losses, span, layer, family)):
            if number == 0 and not _explained(layer, loss):
                break
            if not may_try():
                return None
            found = _peel(span, outermost, loss, (), left, right)
            if found is not None:
                return found
    return None


def _proved_first(losses: Iterable[Loss], span: str, layer: Layer, family: Family) -> Iterator[Loss]:
    """Yield `losses`, those first that show all of `span` whatever lies below; the layers below cost far more to read."""
    others = []
    for loss in losses:
        if _proves(span, layer, family, loss):
            yield loss
        else:
            others.append(loss)
    yield from others


_PEELED: tuple[Family, ...] = ("gbk", "latin")


def is_peelable(span: str) -> bool:
    """Tell whether the bytes of `span` are mostly UTF-8 at all: a cheap look before `peel`."""
    layers = (outer(span, family) for family in _PEELED)
    return any(layer is not None and mostly_utf8(layer.data) for layer in layers)


class _Below(NamedTuple):
    """A layer, the family of decoders that showed it, and what it showed, as far as that is known."""

    layer: Layer
    family: Family
    shown: str


def _peel(span: str, here: _Below, loss: Loss, steps: Chain, left: str, right: str) -> Peeled | None:
    """Return the likeliest text under a layer; `steps` are those undone already, the last one last."""
    steps = (_step(loss, here), *steps)
    if len(steps) < MOST_LAYERS:
        below = _below(here, loss)
        deeper = None if below is None else _peel(span, below, _next_loss(below, loss), steps, left, right)
        if deeper is not None and logprob(deeper.text.replace(HOLE, "")) > PLAIN:
            return deeper
    if len(steps) < 2:
        return None
    cells = undo(here.layer, loss)
    fills = fill(cells, left, right)
    if damage("".join(fills.texts), steps) != span:
        return None
    sure = all(cell.options is None for cell in cells)
    return Peeled(steps, "".join([text if one else HOLE for text, one in zip(*fills, strict=True)]), sure)


def _next_loss(below: _Below, above: Loss) -> Loss:
    """Return how a layer lost bytes: by the same reader as the one above it, if that explains it as well as any."""
    same = [loss for loss in _choices(below.shown, below.family) if loss.reader == above.reader]
    if not same:
        return next(iter(_losses(below.shown, below.family, below.layer)))
    return next(iter(_ranked(same, below.shown, below.family, below.layer)))


def _below(here: _Below, loss: Loss) -> _Below | None:
    """Return the layer under `here`, if what it says is UTF-8 read wrongly once more."""
    known = "".join([cell.text for cell in undo(here.layer, loss)])
    high = count_in(known, _HIGH)
    if 2 * high > len(known) > SHORT and logprob(known) > PLAIN:
        return None
    family: Family = "latin" if 2 * count_in(known, _SINGLE) > high else "gbk"
    layer = inner(undo(here.layer, loss, family), family)
    if layer is None or not high or not _explained(layer, Loss(READERS[family][-1], loss.mark)):
        return None
    return _Below(layer, family, known)


def _explained(layer: Layer, loss: Loss) -> bool:
    """Tell whether the bytes of an inner layer are UTF-8 but for what was lost, by as much of it as is surely enough."""
    cells = undo(layer.head(HEAD), loss, sketch=True)
    known = [cell.text for cell in cells if cell.options is None]
    whole, broken = count_in("".join(known), _HIGH), len(cells) - len(known)
    unexplained = sum([cell.options is not None and not cell.options.texts for cell in cells])
    return whole > broken / 2 and unexplained <= UNEXPLAINED * (whole + broken)


_HIGH = re.compile("[^\x00-\x7f\ufffd]")
_SINGLE = re.compile(f"[\x80-\xff{''.join(SPECIALS)}]")
_LEFT_OUT = re.compile(f"[{''.join(map(chr, CP1252_UNDEFINED))}]")
_SPECIAL = re.compile(f"[{''.join(SPECIALS)}{HOLE}]")


def _step(loss: Loss, here: _Below) -> Step:
    """Return the step that showed a layer so."""
    reader = loss.reader
    if here.family == "latin":
        reader = "cp1252" if _SPECIAL.search(here.shown) else "latin-1"
    lost = loss.mark if loss.mark in ("?", "") else HOLE
    if has_markers(here.shown) or (reader == "cp1252" and _LEFT_OUT.search(here.shown)):
        lost = MARKER
    return Step("utf-8", reader, lost or "", loss.mark == " ")
