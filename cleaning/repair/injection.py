"""The forward model of pinyin injection: what the site's machine did.

The machine holds the text as GBK bytes and goes from left to right with a window of two bytes. Where the window is an
entry of its table it copies both bytes, appends `(reading)` and goes on behind them; otherwise it copies ONE byte. So a
window that stands across two characters is a hit as well: the insertion then tears the second character, its lead
byte is stranded before the bracket, and everything after is read one byte off until the stream finds its step again:

    \u81f3\u6703            D6C1 95FE            C195 is \u7fd2, read x\xed
    D6C1 95 28 78 A8AA 29 FE..         shown as \u81f3 ? x \xed ) and the rest one byte off
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from cleaning.repair.gbk_bytes import BYTES, SEED_DECODER, Decoder, encode_line


def inject(
    text: str, table: Mapping[str, str], decoder: Decoder = SEED_DECODER, replaced: frozenset[str] = frozenset()
) -> str:
    """Return `text` as the machine leaves it: `table` gives each annotated character's inserted string.

    `replaced` are characters that the machine puts in anew wherever their two bytes stand, so that a lead byte before
    them is stranded: `\u4fdd\u56de` is B1A3 BBD8 and A3BB is `\uff1b`, which leaves `?\uff1b` and a shifted run.

    Lines are independent: no GBK pair holds a newline. A character that GBK lacks ends a window and stays as it is.
    """
    machine = _machine(tuple(sorted({**table, **dict.fromkeys(replaced, "")}.items())))
    return "\n".join(_inject_line(line, machine, decoder) for line in text.split("\n"))


class _Machine(NamedTuple):
    """The table as one regex over bytes, whose leftmost matches are the machine's greedy hits, and what each inserts.

    `whole` maps a hit to itself with its insertion as bytes; empty where the machine replaces, or GBK lacks a letter.
    """

    pattern: re.Pattern[bytes] | None
    inserted: dict[bytes, str]
    whole: dict[bytes, bytes]


@lru_cache(maxsize=8)
def _machine(entries: tuple[tuple[str, str], ...]) -> _Machine:
    """Return the machine that works with `entries` (an empty string: replaced)."""
    inserted = {BYTES[char]: string for char, string in entries if len(BYTES[char]) == 2}
    by_lead: dict[int, list[int]] = {}
    for lead, trail in inserted:
        by_lead.setdefault(lead, []).append(trail)
    branches = [re.escape(bytes([lead])) + _byte_class(trails) for lead, trails in sorted(by_lead.items())]
    pattern = re.compile(b"|".join(branches), re.DOTALL) if branches else None
    encoded = {hit: encode_line(string) for hit, string in inserted.items()}
    whole = {hit: hit + string for hit, string in encoded.items() if string}
    return _Machine(pattern, inserted, whole if len(whole) == len(inserted) else {})


def _byte_class(trails: list[int]) -> bytes:
    return b"[" + b"".join(re.escape(bytes([trail])) for trail in sorted(trails)) + b"]"


def _inject_line(line: str, machine: _Machine, decoder: Decoder) -> str:
    data = encode_line(line)
    if data is not None:
        return _show(data, machine, decoder)
    return "".join(_show(part, machine, decoder) if isinstance(part, bytes) else part for part in _parts(line))


def _parts(line: str) -> Iterator[bytes | str]:
    """Yield the runs of `line` that GBK can hold as bytes, and what stands between them as text."""
    run: list[bytes] = []
    for char in line:
        if encoded := BYTES[char]:
            run.append(encoded)
            continue
        yield b"".join(run)
        yield char
        run = []
    yield b"".join(run)


def _show(data: bytes, machine: _Machine, decoder: Decoder) -> str:
    pattern, inserted, whole = machine
    if pattern is None:
        return decoder.decode(data)[0]
    if whole:
        try:
            return pattern.sub(lambda match: whole[match[0]], data).decode("gbk")
        except UnicodeDecodeError:  # a byte is stranded: piece by piece, then
            return _show_pieces(data, pattern, inserted, decoder)
    return _show_pieces(data, pattern, inserted, decoder)


def _show_pieces(data: bytes, pattern: re.Pattern[bytes], inserted: Mapping[bytes, str], decoder: Decoder) -> str:
    """Return what `decoder` shows for `data`: it is in step again behind every insertion."""
    parts: list[str] = []
    cursor = 0
    for match in pattern.finditer(data):
        string = inserted[match[0]]
        if not string:
            parts.append(decoder.decode(data[cursor : match.start()])[0])
            parts.append(match[0].decode("gbk"))
            cursor = match.end()
            continue
        shown, stranded = decoder.decode(data[cursor : match.end()])
        parts.append(shown)
        parts.append(string[1:] if stranded and decoder.swallows_paren else string)
        cursor = match.end()
    parts.append(decoder.decode(data[cursor:])[0])
    return "".join(parts)
