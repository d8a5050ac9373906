"""The forward model of pinyin injection: what the site's machine did.

The machine holds the text as GBK bytes and goes from left to right with a window of two bytes. Where the window is an
entry of its table it copies both bytes, appends `(reading)` and goes on behind them; otherwise it copies ONE byte. So a
window that stands across two characters is a hit as well: the insertion then tears the second character, its lead
byte is stranded before the bracket, and everything after is read one byte off until the stream finds its step again:

    \u81f3\u6703            D6C1 95FE            C195 is \u7fd2, read x\xed
    D6C1 95 28 78 A8AA 29 FE..         shown as \u81f3 ? x \xed ) and the rest one byte off
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.native import available
from cleaning.repair.gbk_bytes import BYTES, SEED_DECODER, Decoder, encode_line

NATIVE = available("_pinyin")


def inject(
    text: str, table: Mapping[str, str], decoder: Decoder = SEED_DECODER, replaced: frozenset[str] = frozenset()
) -> str:
    """Return `text` as the machine leaves it: `table` gives each annotated character's inserted string.

    `replaced` are characters that the machine puts in anew wherever their two bytes stand, so that a lead byte before
    them is stranded: `\u4fdd\u56de` is B1A3 BBD8 and A3BB is `\uff1b`, which leaves `?\uff1b` and a shifted run.

    Lines are independent: no GBK pair holds a newline. A character that GBK lacks ends a window and stays as it is.
    """
    machine = _machine({**table, **dict.fromkeys(replaced, "")})
    try:
        data = text.encode("gbk")
    except UnicodeEncodeError:
        return _inject_between(text, machine, decoder)
    return _show_lines(data, machine, decoder)


def _inject_between(text: str, machine: _Machine, decoder: Decoder) -> str:
    """Return `text`, which holds characters that GBK lacks (as NUL in the meantime), as the machine leaves it."""
    lacking = [char for char in text if not BYTES[char] or char == "\0"]
    data = b"".join([BYTES[char] or b"\0" for char in text])
    shown = _show_lines(data, machine, decoder).split("\0")
    return "".join(chain.from_iterable(zip(shown, [*lacking, ""], strict=True)))


class _Machine(NamedTuple):
    """The table: each window (two bytes as a number) that is an entry has a number from 1 on, every other one 0.

    By number: what is inserted behind the entry, and the same as bytes; no bytes where the machine replaces, or GBK
    lacks a letter.
    """

    numbers: NDArray[np.uint16]
    inserted: list[str]
    encoded: tuple[bytes, ...]


def _machine(entries: Mapping[str, str]) -> _Machine:
    """Return the machine that works with `entries` (an empty string: replaced)."""
    pairs = {pair: string for char, string in entries.items() if len(pair := BYTES[char]) == 2}
    windows = np.frombuffer(b"".join(pairs), dtype=">u2")
    numbers = np.zeros(0x10000, dtype=np.uint16)
    numbers[windows] = np.arange(1, len(windows) + 1)
    encoded = [_encoded(string) for string in pairs.values()]
    return _Machine(numbers, ["", *pairs.values()], (b"", *encoded) if all(encoded) else ())


@lru_cache(maxsize=4096)
def _encoded(string: str) -> bytes:
    return encode_line(string) or b""


def _injected(data: bytes, machine: _Machine) -> tuple[list[int], bytes | None]:
    """Return where the windows that the machine hits begin, and `data` with what it inserts, where that is text.

    A hit is over after two bytes.
    """
    if NATIVE is not None:
        native: tuple[list[int], bytes | None] = NATIVE.injected(data, machine.numbers, machine.encoded)
        return native
    hits = _hits(data, machine)
    return hits, _inserted(data, hits, machine) if machine.encoded else None


def _hits(data: bytes, machine: _Machine) -> list[int]:
    """Return where the windows that the machine hits begin, from left to right."""
    units = np.frombuffer(data, dtype=np.uint8).astype(np.uint16)
    found = np.flatnonzero(machine.numbers[(units[:-1] << 8) | units[1:]])
    if not len(found) or int(np.diff(found).min(initial=2)) > 1:
        return list(map(int, found))
    hits: list[int] = []
    for place in found.tolist():
        if not hits or place > hits[-1] + 1:
            hits.append(place)
    return hits


def _show_lines(data: bytes, machine: _Machine, decoder: Decoder) -> str:
    """Return what `decoder` shows for `data`, any number of lines, after the machine."""
    hits, injected = _injected(data, machine)
    if not hits:
        return decoder.decode(data)[0]
    if injected is not None:
        try:
            return injected.decode("gbk")
        except UnicodeDecodeError:
            pass  # a byte is stranded somewhere: line by line, then
    shown: list[str] = []
    start = first = 0
    for line in data.split(b"\n"):
        last = bisect_left(hits, start + len(line), first)
        shown.append(_show(line, [place - start for place in hits[first:last]], machine, decoder))
        start, first = start + len(line) + 1, last
    return "\n".join(shown)


def _inserted(data: bytes, hits: list[int], machine: _Machine) -> bytes:
    """Return `data` with the insertion behind each of `hits`."""
    parts: list[bytes] = []
    cursor = 0
    for place in hits:
        parts += data[cursor : place + 2], machine.encoded[machine.numbers[data[place] << 8 | data[place + 1]]]
        cursor = place + 2
    parts.append(data[cursor:])
    return b"".join(parts)


def _show(data: bytes, hits: list[int], machine: _Machine, decoder: Decoder) -> str:
    """Return what `decoder` shows for one line: it is in step again behind every insertion."""
    if hits and machine.encoded:
        try:
            return _inserted(data, hits, machine).decode("gbk")
        except UnicodeDecodeError:
            return _show_pieces(data, hits, machine, decoder)
    return _show_pieces(data, hits, machine, decoder)


def _show_pieces(data: bytes, hits: list[int], machine: _Machine, decoder: Decoder) -> str:
    parts: list[str] = []
    cursor = 0
    for place in hits:
        end = place + 2
        string = machine.inserted[machine.numbers[data[place] << 8 | data[place + 1]]]
        if string:
            shown, stranded = decoder.decode(data[cursor:end])
            parts += shown, string[1:] if stranded and decoder.swallows_paren else string
        else:
            parts += decoder.decode(data[cursor:place])[0], data[place:end].decode("gbk")
        cursor = end
    parts.append(decoder.decode(data[cursor:])[0])
    return "".join(parts)
