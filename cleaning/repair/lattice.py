"""UTF-8 read by a decoder that lost bytes, once or several times over: what the surviving bytes still allow.

UTF-8 finds its step again with every character, so a lost byte leaves one broken place and nothing more. There, every
byte string is built that is valid UTF-8, keeps the bytes that survived, and would have been shown just so: a decoder
loses a byte only where the byte and what follows are nothing to it, which leaves some 8 of the 64 continuation bytes
before another character and all of them before a line's end. One layer's broken places are the next one's choices, so
texts damaged twice are solved as one. The language model chooses last, between whole characters, with two neighbours on
either side; no choice is made on the way there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from itertools import accumulate, combinations_with_replacement, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.native import available
from cleaning.repair.badness import (
    SCALE,
    THIRD_BITS,
    WEIGHTS,
    Codes,
    codes,
    count_marked,
    model,
    pair_scores,
    scorer,
    triple_scores,
    triples,
    weights,
)
from cleaning.repair.chains import CP1252_UNDEFINED, HOLE, Family, Reader, is_lost, lost_firsts, sources
from cleaning.repair.readings import scripts
from cleaning.repair.streams import CHOICE, CHOICE_BYTE, HOLE_BYTE, stream, tables

if TYPE_CHECKING:
    from cleaning.native._lattice import Cells, Filler, Fillings

NATIVE = available("_lattice")

SURE = 0.5
"""Posterior that a fill must reach; below it the hole stays open. Swept on the benchmark's lossy classes."""

MOST = 64
"""Readings of one broken place that the model chooses from, the commonest characters: all that one lost byte allows."""

MOST_BETWEEN = 400
"""Readings of one broken place that are kept between two layers, where the next layer's bytes tell most of them apart."""

MOST_LOST = 2
"""Bytes that one character may have lost: one is left of three then, and next to nothing of four."""

MOST_STEPS = 6000
"""Bytes tried for one broken place before it is given up."""

NEAR = 9.0
"""Nats behind the best by its nearest neighbours within which a reading is weighed by both neighbours on each side."""

FOREIGN = 3.0
"""Nats that an option of the other script costs, in a text that is written in one."""

_UNMARKED = 0xF8  # stands for a lost byte that shows as `Loss.mark`; no part of UTF-8
_CONTINUATION = bytes(range(0x80, 0xC0))
_NO_CONTINUATION = bytes(range(0xC0, 0x100))
_HOLES_AS = {
    byte: bytes.maketrans(bytes((HOLE_BYTE, _UNMARKED)), byte * 2) for byte in (b"\x80", b"\x90", b"\xa0")
}
_DROPPED = bytes((*range(0x80, 0xA1), 0xAD))  # controls, no-break space, soft hyphen: pages are cleaned of them
_BLANKS = b"\xa0\x85"  # what folding white space turns into a blank
_SINGLE_BYTE: tuple[Reader, ...] = ("latin-1", "cp1252")


@dataclass(slots=True, eq=False)
class Options:
    """What a broken place can have been.

    Places that are alike share one object, so it counts as equal to nothing but itself.
    """

    texts: tuple[str, ...]


@lru_cache(maxsize=1 << 15)
def _points(options: Options) -> tuple[tuple[NDArray[np.intp], Codes], ...]:
    """Return the code points of the texts by length, each with its number."""
    texts = options.texts
    by_length: dict[int, list[int]] = {}
    for number, text in enumerate(texts):
        by_length.setdefault(len(text), []).append(number)
    return tuple(
        (np.array(numbers), codes("".join([texts[number] for number in numbers])).reshape(-1, length))
        for length, numbers in by_length.items()
    )


class Cell(NamedTuple):
    """A stretch of a layer's bytes: `text` where they say one thing, else what they allow (None: nothing at all)."""

    start: int
    end: int
    text: str
    options: Options | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Bytes with `HOLE_BYTE` and `CHOICE_BYTE` in them, what each of the latter stands for, where characters begin.

    `undone` remembers what was found under it.
    """

    data: bytes
    choices: list[tuple[bytes, ...]]
    starts: NDArray[np.int64]
    undone: dict[tuple[Loss, Family | None, bool] | None, list[Cell]] = field(default_factory=dict)
    heads: dict[int, Layer] = field(default_factory=dict)

    def head(self, length: int) -> Layer:
        """Return the layer of the first `length` characters, itself where it has no more."""
        if len(self.starts) <= length + 1:
            return self
        if length not in self.heads:
            data = self.data[: int(self.starts[length])]
            self.heads[length] = Layer(data, self.choices, self.starts[: length + 1])
        return self.heads[length]


class Loss(NamedTuple):
    """Who lost bytes, and what shows in their place beside U+FFFD: nothing (""), `?` or a blank; None for U+FFFD alone."""

    reader: Reader
    mark: str | None


@lru_cache(maxsize=4)
def outer(span: str, family: Family) -> Layer | None:
    """Return the bytes of what was seen; None when no decoder of `family` shows it, or no bytes of UTF-8 so."""
    found = stream(span, family)
    if found is None or CHOICE_BYTE in found.data:
        return None
    return Layer(found.data, [], found.starts)


def inner(cells: Sequence[Cell], family: Family) -> Layer | None:
    """Return the bytes of a layer that is itself only known up to its cells' options."""
    choices: list[tuple[bytes, ...]] = []
    texts: list[str] = []
    for cell in cells:
        if cell.options is None or len(cell.options.texts) == 1:
            texts.append(cell.text)
        else:
            texts.append(CHOICE)
            choices.append(_encoded(cell.options.texts, family))
    found = stream("".join(texts), family)
    if found is None or found.data.count(CHOICE_BYTE) != len(choices):
        return None  # a byte that UTF-8 doesn't have, so no layer
    return Layer(found.data, choices, found.starts)


@lru_cache(maxsize=1 << 14)
def _encoded(texts: tuple[str, ...], family: Family) -> tuple[bytes, ...]:
    """Return what `texts` can stand for under `family`; a lost byte where there is nothing to choose from."""
    if NATIVE is not None and texts:
        native: tuple[bytes, ...] = NATIVE.written_as(texts, *tables(family), partial(sources, family=family))
        return native
    found = (
        b"".join(bytes([HOLE_BYTE]) if char == HOLE else next(iter(sources(char, family)), b"") for char in text)
        for text in texts
    )
    return tuple(dict.fromkeys(found)) or (bytes([HOLE_BYTE]),)


def undo(layer: Layer, loss: Loss, following: Family | None = None, *, sketch: bool = False) -> list[Cell]:
    """Return the text of a layer's bytes, read as the UTF-8 they are: cells in order, bounds in bytes.

    `following` is the family of decoders that the text was shown by before, if this layer isn't the last. A `sketch` has
    one text for each broken place, whichever comes first: enough to say that there is any. What is found is remembered.
    """
    cells = _undone(layer, loss, following, sketch, strict=False)
    assert cells is not None
    return cells


def undo_wholly(layer: Layer, loss: Loss) -> list[Cell] | None:
    """Return what `undo` does, or a sketch of it; None when a broken place allows nothing, whatever the others are."""
    cells = _undone(layer, loss, None, sketch=True, strict=True)
    return cells if cells is not None and allows_all(cells) else None


def allows_all(cells: list[Cell]) -> bool:
    """Tell whether every broken place among `cells` can have been anything."""
    if NATIVE is not None:
        return bool(NATIVE.allows_all(cells))
    return all(cell.options is None or cell.options.texts for cell in cells)


def _undone(layer: Layer, loss: Loss, following: Family | None, sketch: bool, strict: bool) -> list[Cell] | None:
    if NATIVE is not None and not layer.choices:
        sketch = False  # compiled, all texts cost hardly more than the first
    if None in layer.undone:
        return layer.undone[None]
    asked = loss, following, sketch
    if asked not in layer.undone:
        cells = _undo(layer, loss, following, sketch, strict)
        if cells is None:
            return None
        whole = all(cell.options is None for cell in cells)  # whoever read it lost nothing
        layer.undone[None if whole else asked] = cells
        return cells
    return layer.undone[asked]


def _undo(layer: Layer, loss: Loss, following: Family | None, sketch: bool, strict: bool) -> list[Cell] | None:
    data = layer.data
    begins = _begins(layer) if loss.mark == "" else b""

    def solve(raw: bytes, following_bytes: bytes, begun: bytes, number: int, count: int) -> Options:
        """Return what a broken place can have been; it has `count` choices, and `number` stood before it."""
        choices = tuple(layer.choices[number : number + count]) if count else ()
        edges = tuple([at for at, one in enumerate(begun) if one]) if begun else ()
        return _options(raw, choices, edges, following_bytes, loss, following, sketch)

    places = _places(data, loss.mark)
    remembered = _alike(loss, following, sketch)
    memo = remembered if len(remembered) + len(places) <= REMEMBERED else {}
    if memo is not remembered:
        remembered.clear()  # a page with more of them keeps its own
    if NATIVE is not None:
        found: list[Cell] | None = _cells(loss, following, sketch).of(
            data, places, begins, layer.choices, CHOICE_BYTE, memo, solve, strict
        )
        return found
    cells: list[Cell] = []
    number = 0
    for place, end, known in places:
        if known:
            cells.append(Cell(place, end, known))
            continue
        alike = data[place:end], _tail(data[end : end + 3], loss.reader), begins[place : end + 1]
        options = memo.get(alike)
        if options is None:
            count = alike[0].count(CHOICE_BYTE)
            options = solve(*alike, number, count)
            number += count
            if not count:
                memo[alike] = options
        if strict and not options.texts:
            return None
        cells.append(Cell(place, end, options.texts[0] if len(options.texts) == 1 else "", options))
    return cells


@cache
def _cells(loss: Loss, following: Family | None, sketch: bool) -> Cells:
    """Return the compiled twin of `_undo` for one way to lose bytes."""
    assert NATIVE is not None
    asked = None if following is None else partial(sources, family=following)
    twin: Cells = NATIVE.Cells(
        scorer(),
        _fillings(),
        *loss,
        _tails(loss.reader),
        (_lost_firsts(loss.reader, HOLE), _lost_firsts(loss.reader, loss.mark)),
        Cell,
        Options,
        None if following is None else tables(following)[0],
        asked,
        (MOST_STEPS, MOST, MOST_BETWEEN, SHORT),
        sketch,
    )
    return twin


@cache
def _lost_firsts(reader: Reader, mark: str | None) -> tuple[bytes, ...]:
    """Return `_lost_before` by the byte that follows, which is no digit: digits ask for more than one."""
    if mark == " " or reader in _SINGLE_BYTE:
        return (_lost_before(b"\xe4", reader, mark),) * 0x100
    return tuple(lost.translate(None, _NO_CONTINUATION) for lost in lost_firsts(reader))


def text_of(cells: list[Cell]) -> str:
    """Return the text of `cells`, each broken place filled with the first that it allows, or a hole."""
    if NATIVE is not None:
        found: str = NATIVE.cells_text(cells)
        return found
    return "".join([cell.text if cell.options is None else next(iter(cell.options.texts), HOLE) for cell in cells])


REMEMBERED = 1 << 11
"""Broken places without a choice that are remembered of each way to lose bytes, with what they can have been."""


@cache
def _alike(loss: Loss, following: Family | None, sketch: bool) -> dict[tuple[bytes, bytes, bytes], Options]:
    """Return what is remembered of broken places: bytes, what stands behind them, where characters begin -> options."""
    return {}


def _begins(layer: Layer) -> bytes:
    """Return, by byte of a layer, 1 where a character begins or the layer ends, else 0."""
    found = np.zeros(len(layer.data) + 1, dtype=np.uint8)
    found[layer.starts] = 1
    return found.tobytes()


@lru_cache(maxsize=8)
def _places(data: bytes, mark: str | None) -> list[tuple[int, int, str]]:
    """Return where `data` is UTF-8, with its text, and where it is broken ("" for text); `mark` may stand for lost bytes.

    Several decoders are tried on the same bytes, so the last answers are kept.
    """
    shown = data.decode("utf-8", "surrogateescape")
    if NATIVE is not None:
        native: list[tuple[int, int, str]] = NATIVE.broken_places(data, shown, mark)
        return native
    found: list[tuple[int, int, str]] = []
    cursor = place = 0
    for match in _broken(mark).finditer(shown):
        first, last = match.span()
        if first > cursor:
            known = shown[cursor:first]
            found.append((place, place := place + len(known.encode()), known))
        end = place + last - first  # every character matched stands for one byte
        found.append((place, end, ""))
        place, cursor = end, last
    if cursor < len(shown):
        found.append((place, len(data), shown[cursor:]))
    return found


def allowed(layer: Layer, cell: Cell, loss: Loss) -> Options:
    """Return what a broken place of a layer without choices can have been if its bytes were lost so."""
    raw, following = layer.data[cell.start : cell.end], layer.data[cell.end : cell.end + 3]
    edges: tuple[int, ...] = ()
    if loss.mark == "":
        first, last = layer.starts.searchsorted((cell.start, cell.end + 1)).tolist()
        edges = tuple((layer.starts[first:last] - cell.start).tolist())
    return _options(raw, (), edges, _tail(following, loss.reader), loss, None)


def _tail(following: bytes, reader: Reader) -> bytes:
    """Return what decides whether the byte before `following` is lost: three bytes where a four-byte form may begin, else
    one, and of those that decide alike the same one, so that a broken place is solved once.
    """
    tails = _tails(reader)
    return following if following[:1].isdigit() or not following or tails is None else tails[following[0]]


@cache
def _tails(reader: Reader) -> tuple[bytes, ...] | None:
    """Return, by byte, the first one that decides as it does; None where what follows a lost byte doesn't matter."""
    if reader in _SINGLE_BYTE:
        return None
    fates = lost_firsts(reader)
    firsts = {fate: bytes([byte]) for byte, fate in reversed([*enumerate(fates)])}
    return tuple(firsts[fate] for fate in fates)


@cache
def _broken(mark: str | None) -> re.Pattern[str]:
    """Return the pattern of one broken character, with the marks that may stand for lost bytes of it.

    First bytes are never lost: before a later byte of UTF-8 every decoder of GBK finds a pair.
    """
    first, later = "[\udc80-\udcff]", "[\udc80-\udcc1\udcf5-\udcff]*"
    return re.compile(f"{first}{later}(?:[{mark}]{{1,2}}{later}){{0,3}}" if mark else first + later)


@lru_cache(maxsize=1 << 15)
def _options(
    raw: bytes,
    choices: tuple[tuple[bytes, ...], ...],
    edges: tuple[int, ...],
    tail: bytes,
    loss: Loss,
    following: Family | None,
    sketch: bool = False,
) -> Options:
    """Return what one broken place can have been, the commonest characters first; a `sketch` has the first one found."""
    if len(choices) > 1:
        found = _texts(islice(_expand(raw, choices, tail, loss), MOST_STEPS))
    else:
        options = choices[0] if choices else (b"",)
        if NATIVE is not None and len(raw) + max(map(len, options)) <= SHORT:
            once = _fillings().texts(raw, options, edges, tail, loss.reader, loss.mark, MOST_STEPS)
            if following is None:
                return Options(tuple(once[:1] if sketch else _commonest(once)))
            found = iter(once)
        else:
            found = _filled_texts(raw, options, edges, tail, loss)
    if sketch:
        return Options(tuple(islice(found, 1)))
    spread = dict.fromkeys(found)
    if following is not None:
        texts = _shown(spread, following)
        return Options(tuple(texts[:MOST_BETWEEN]))
    return Options(tuple(_commonest(list(spread))))


def _filled_texts(
    raw: bytes, options: tuple[bytes, ...], edges: tuple[int, ...], tail: bytes, loss: Loss
) -> Iterator[str]:
    """Yield the texts of one broken character with lost bytes filled in, which may have one choice in it."""
    each = (raw.replace(bytes([CHOICE_BYTE]), option) for option in options)
    every = (holed for one in each for holed in _holed(one, edges, loss) if _is_fillable(holed))
    filled = (data for holed in every for data in _filled(holed, tail, loss))
    return _texts(islice(filled, MOST_STEPS))


def _shown(texts: Iterable[str], family: Family) -> list[str]:
    """Return those of `texts` that a decoder of `family` can have shown."""
    if NATIVE is not None:
        kept: list[str] = NATIVE.shown_as(texts, tables(family)[0], partial(sources, family=family))
        return kept
    return [text for text in texts if all(char == HOLE or sources(char, family) for char in text)]


SHORT = 32
"""Bytes of a broken place up to which the compiled twin fills it in; nothing makes UTF-8 of longer ones."""


@cache
def _fillings() -> Fillings:
    """Return the compiled twin of `_filled`."""
    assert NATIVE is not None
    twin: Fillings = NATIVE.Fillings(_lost_before, HOLE_BYTE, CHOICE_BYTE, _UNMARKED)
    return twin


def _commonest(texts: list[str]) -> list[str]:
    """Return the `MOST` texts whose characters are commonest, these first."""
    if NATIVE is not None:
        ranked: list[str] = NATIVE.commonest(scorer(), texts, MOST)
        return ranked
    if len(texts) < 2:
        return texts
    sizes = np.array([len(text) for text in texts])
    sums = np.add.reduceat(model().begin[codes("".join(texts))], np.cumsum(sizes) - sizes)
    return [texts[place] for place in np.argsort(-sums / sizes, kind="stable")[:MOST].tolist()]


def _holed(raw: bytes, edges: tuple[int, ...], loss: Loss) -> Iterator[bytes]:
    """Yield `raw`, one broken character, with `_UNMARKED` for every byte that it wants and no U+FFFD stands for."""
    if _UNMARKED in raw:
        return  # a byte that UTF-8 doesn't have
    missing = _wants(raw[0]) - sum(byte >= 0x80 for byte in raw[1:]) if raw else 0
    if max(missing, 0) + raw.count(HOLE_BYTE) > MOST_LOST:
        return
    if missing <= 0 or loss.mark is None:
        yield raw
    elif loss.mark:
        yield raw.replace(loss.mark.encode(), bytes([_UNMARKED]), missing)
    else:
        for places in combinations_with_replacement(edges, missing):
            holed = raw
            for place in reversed(places):
                holed = holed[:place] + bytes([_UNMARKED]) + holed[place:]
            yield holed


def _is_fillable(holed: bytes) -> bool:
    """Tell whether any later bytes make UTF-8 of `holed`: one of three does, whatever its first byte asks for."""
    for byte in (b"\x90", b"\xa0", b"\x80"):
        try:
            return bool(holed.translate(_HOLES_AS[byte]).decode("utf-8"))
        except UnicodeDecodeError:
            continue
    return False


def _filled(holed: bytes, tail: bytes, loss: Loss) -> Iterable[bytes]:
    """Return `holed` with every lost byte filled in, the last one first, as what follows decides what is lost."""
    at = max(holed.rfind(HOLE_BYTE), holed.rfind(_UNMARKED))
    if at < 0:
        return (holed,)
    before, behind = holed[:at], holed[at + 1 :]
    following = (behind + tail)[:3]
    mark = HOLE if holed[at] == HOLE_BYTE else loss.mark
    lost = _lost_before(following if following[:1].isdigit() else following[:1], loss.reader, mark)
    once = [b"%b%c%b" % (before, byte, behind) for byte in lost]
    if HOLE_BYTE not in before and _UNMARKED not in before:
        return once
    return (filled for one in once for filled in _filled(one, tail, loss))


@lru_cache(maxsize=1 << 12)
def _lost_before(following: bytes, reader: Reader, mark: str | None) -> bytes:
    """Return the later bytes of UTF-8 that `reader` loses before `following` and shows as `mark`."""
    if reader in _SINGLE_BYTE:
        return _BLANKS if mark == " " else _DROPPED if mark == "" else bytes(CP1252_UNDEFINED)
    if mark == " ":
        return b""
    if len(following) == 1 and not following.isdigit():
        return lost_firsts(reader)[following[0]].translate(None, _NO_CONTINUATION)
    return bytes(byte for byte in _CONTINUATION if is_lost(bytes([byte]) + following, reader))


def _texts(found: Iterator[bytes]) -> Iterator[str]:
    for data in found:
        try:
            yield data.decode("utf-8")
        except UnicodeDecodeError:
            continue


class _State(NamedTuple):
    """A reading of a broken place so far: its bytes, how many the last character wants, which ones were lost."""

    data: bytes
    need: int
    lost: tuple[int, ...]


def _expand(raw: bytes, choices: tuple[tuple[bytes, ...], ...], tail: bytes, loss: Loss) -> Iterator[bytes]:
    """Yield every byte string that survives as `raw` before `tail`, where several choices of the layer above meet."""
    states = [_State(b"", 0, ())]
    left = iter(choices)
    steps = 0
    for place, byte in enumerate(raw):
        options = next(left) if byte == CHOICE_BYTE else (raw[place : place + 1],)
        states = [end for state in states for option in options for end in _feed(state, option, loss)]
        steps += len(states)
        if steps > MOST_STEPS:
            return
    for state in states:
        after = state.data + tail
        if not state.need and all(_loses(after[at : at + 4], loss.reader) for at in state.lost):
            yield state.data


def _loses(data: bytes, reader: Reader) -> bool:
    """Tell whether `reader` loses the first byte of `data`; single bytes were chosen among those it loses."""
    return reader in _SINGLE_BYTE or is_lost(data, reader)


def _feed(state: _State, data: bytes, loss: Loss) -> list[_State]:
    """Return what `state` is after `data`, in which `HOLE_BYTE` is a lost byte."""
    states = [state]
    for byte in data:
        if byte == HOLE_BYTE:
            states = [more for one in states for more in _lose(one, loss)]
        else:
            states = [more for one in states if (more := _take(one, byte, loss)) is not None]
    return states


def _take(state: _State, byte: int, loss: Loss) -> _State | None:
    """Return what `state` is after a byte that was kept; None when it can't stand there."""
    if (state.need > 0) != (0x80 <= byte < 0xC0):
        return None
    if (
        state.lost
        and state.lost[-1] == len(state.data) - 1
        and not _loses(state.data[-1:] + bytes([byte]), loss.reader)
    ):
        return None
    need = state.need - 1 if state.need else _wants(byte)
    return None if need < 0 else _State(state.data + bytes([byte]), need, state.lost)


def _wants(lead: int) -> int:
    """Return how many bytes follow `lead` in UTF-8; -1 when it leads nothing."""
    if lead < 0x80:
        return 0
    return 1 if 0xC2 <= lead < 0xE0 else 2 if 0xE0 <= lead < 0xF0 else 3 if 0xF0 <= lead < 0xF5 else -1


def _lose(state: _State, loss: Loss) -> list[_State]:
    """Return what `state` is after a lost byte: only a character's later bytes are ever lost."""
    if not state.need:
        return []
    pool = bytes(CP1252_UNDEFINED) if loss.reader in _SINGLE_BYTE else _CONTINUATION
    place = len(state.data)
    twice = bool(state.lost) and state.lost[-1] == place - 1
    return [
        _State(state.data + bytes([byte]), state.need - 1, (*state.lost, place))
        for byte in pool
        if not twice or _loses(state.data[-1:] + bytes([byte]), loss.reader)
    ]


class Fills(NamedTuple):
    """What stands for each of some cells: its likeliest text, and whether the model is sure of it."""

    texts: list[str]
    sure: list[bool]


def fill(
    cells: Sequence[Cell], left: str = "\n", right: str = "\n", sides: Sequence[tuple[str, str]] = ()
) -> Fills:
    """Return the likeliest text of every cell, with the characters beside the span for context.

    `sides` has the characters beside every line of the cells, where these are spans of longer ones.

    A cell that allows nothing is a hole. Each cell is judged with what its neighbours most likely are, twice over.
    """
    if NATIVE is not None:
        return _filled_natively(cells, left, right, sides)
    best = [cell.text if cell.options is None else next(iter(cell.options.texts), HOLE) for cell in cells]
    sure = [cell.options is None or len(cell.options.texts) == 1 for cell in cells]
    unsure = [
        number for number, cell in enumerate(cells) if cell.options is not None and len(cell.options.texts) > 1
    ]
    foreign = _foreign("".join([cell.text for cell in cells]))
    lines = [0, *accumulate(text.count("\n") for text in best)] if sides else []
    known: dict[_Question, tuple[int, float]] = {}
    asked: dict[int, str] = {}
    for _ in range(2):
        fresh: dict[int, _Question] = {}
        for number in unsure:
            context = _context(best, number, left, right)
            if sides:
                context = _beside(context, sides[lines[number]])
            options = cells[number].options
            assert options is not None
            if asked.get(number) != context:
                asked[number] = context
                fresh[number] = options, context
        known |= _weigh([question for question in dict.fromkeys(fresh.values()) if question not in known], foreign)
        for number, question in fresh.items():
            choice, posterior = known[question]
            best[number], sure[number] = question[0].texts[choice], posterior >= SURE
    return Fills(best, sure)


def _filled_natively(cells: Sequence[Cell], left: str, right: str, sides: Sequence[tuple[str, str]]) -> Fills:
    """Return what `fill` does, by its compiled twin."""
    costs = _whole_costs(False), _whole_costs(True)
    return Fills(*_filler().fill(cells, left, right, sides, _scripts(), costs))


@cache
def _whole_costs(simplified: bool) -> NDArray[np.int16]:
    """Return `_costs` in the model's units."""
    return (_costs(simplified) * SCALE).astype(np.int16)


@cache
def _filler() -> Filler:
    """Return the compiled twin of `fill`."""
    assert NATIVE is not None
    stored = triples()
    twin: Filler = NATIVE.Filler(
        scorer(),
        stored.keys,
        (stored.values * -SCALE).astype(np.uint8),
        (stored.backoff * -SCALE).astype(np.uint8),
        np.searchsorted(stored.keys >> THIRD_BITS, np.arange(len(stored.backoff) + 1)).astype(np.uint32),
        WEIGHTS,
        THIRD_BITS,
        NEAR,
        SURE,
    )
    return twin


_Question = tuple[Options, str]
"""What a broken place can have been, and the two characters on either side."""


def _context(best: Sequence[str], number: int, left: str, right: str) -> str:
    """Return the two characters on either side of a cell."""
    before = best[number - 1] if number else left
    if len(before) < 2:
        before = (best[number - 2] if number > 1 else left) + before
    after = best[number + 1] if number + 1 < len(best) else right
    if len(after) < 2:
        after += best[number + 2] if number + 2 < len(best) else right
    return ("\n" + before)[-2:] + (after + "\n")[:2]


def _beside(context: str, sides: tuple[str, str]) -> str:
    """Return a context with what stands beside a span in place of the line breaks around it."""
    before, after = context[:2], context[2:]
    if "\n" in before:
        before = "\n" + sides[0] if before[1] == "\n" else sides[0] + before[1]
    if "\n" in after:
        after = sides[1] + "\n" if after[0] == "\n" else after[0] + sides[1]
    return before + after


@cache
def _scripts() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return, by BMP code point, which characters only Simplified text has, and which only Traditional."""
    found = (np.zeros(0x10000, dtype=np.uint8), np.zeros(0x10000, dtype=np.uint8))
    for table, characters in zip(found, scripts(), strict=True):
        table[[ord(character) for character in characters]] = 1
    return found


def _foreign(known: str) -> NDArray[np.float32] | None:
    """Return what each character costs in a text of whose characters `known` are certain; None where that is no one
    script.
    """
    ours, others = (count_marked(known, table) for table in _scripts())
    return None if max(ours, others) <= 4 * min(ours, others) else _costs(ours > others)


@cache
def _costs(simplified: bool) -> NDArray[np.float32]:
    """Return, by BMP code point, what a character of the other script costs."""
    return np.where(_scripts()[simplified] > 0, np.float32(FOREIGN), np.float32(0))


def _weigh(
    questions: Sequence[_Question], foreign: NDArray[np.float32] | None
) -> dict[_Question, tuple[int, float]]:
    """Return the number of the likeliest option for each of `questions`, and that one's share of all weight."""
    if not questions:
        return {}
    around = codes("".join([context for _, context in questions])).reshape(-1, 4)
    by_length: dict[int, list[tuple[int, NDArray[np.intp], Codes]]] = {}
    for order, (options, _) in enumerate(questions):
        for numbers, points in _points(options):
            by_length.setdefault(points.shape[1], []).append((order, numbers, points))
    owners, choices, scores = [], [], []
    for _, parts in sorted(by_length.items()):
        orders, numbered, pointed = zip(*parts, strict=True)
        owner = np.array(orders).repeat(list(map(len, numbered)))
        owners.append(owner)
        choices.append(np.concatenate(numbered))
        points = np.concatenate(pointed)
        costs = foreign.take(points).sum(axis=1) if foreign is not None else 0.0
        scores.append(_scores(around.take(owner, axis=0), points, owner) - costs)
    owner, choice, score = owners[0], choices[0], scores[0]
    if len(owners) > 1:
        owner, choice, score = np.concatenate(owners), np.concatenate(choices), np.concatenate(scores)
        ranked = owner.argsort(kind="stable")
        owner, choice, score = owner.take(ranked), choice.take(ranked), score.take(ranked)
    first = _firsts(owner)
    best = np.maximum.reduceat(score, first)[
        owner
    ]  # every question has options, so owners are numbers of segments
    weighed = np.add.reduceat(weights(best - score), first)
    likeliest = (score == best).nonzero()[0]
    likeliest = likeliest[_firsts(owner[likeliest])]
    answers = zip(choice[likeliest].tolist(), (WEIGHTS[0] / weighed).tolist(), strict=True)
    return dict(zip(questions, answers, strict=True))


def _firsts(owner: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return where each owner's stretch begins."""
    return np.concatenate((_ZERO, (owner[1:] != owner[:-1]).nonzero()[0] + 1))


_ZERO = np.zeros(1, dtype=np.intp)


def _scores(around: Codes, points: Codes, owner: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the log-probability of each option among its neighbours: by pairs, then by triples where that is near.

    `owner` tells whose option each one is; those of one owner stand together.
    """
    line = np.concatenate([around[:, :2], points, around[:, 2:]], axis=1).T.copy()
    rough = np.zeros(len(owner))
    for pairs in pair_scores(line[1:-2].ravel(), line[2:-1].ravel()).reshape(-1, len(owner)):
        rough += pairs
    first = _firsts(owner)
    best = np.maximum.reduceat(rough, first).repeat(np.diff(first, append=len(owner)))
    scores = np.full(len(owner), -1e9)
    near = (rough >= best - NEAR).nonzero()[0]
    line = line.take(near, axis=1)
    total = np.zeros(len(near))
    for scored in triple_scores(line[:-2].ravel(), line[1:-1].ravel(), line[2:].ravel()).reshape(-1, len(near)):
        total += scored
    scores[near] = total
    return scores
