"""Where a text may be damaged: sets of characters derived from the byte arithmetic, and the spans they point at.

`hits` decides in one vectorised pass, at hundreds of megabytes a second, that a clean text needs nothing. What it
points at is only a suspicion: the spans found here are judged by what they read as when decoded.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.native import available
from cleaning.repair.badness import (
    Codes,
    Scores,
    codes,
    count_in,
    count_marked,
    model,
    pair_scores,
    scorer,
)
from cleaning.repair.chains import HOLE, INVALID_BYTE_BASE, READERS, SPECIALS, Family, Writer, pair_points
from cleaning.repair.shredded import FEW_HEADS, heads_and_crosses, is_shredded
from cleaning.repair.streams import stream

NATIVE = available("_spans")

_LATIN, _HEAD, _CROSS, _INNER, _BIG5_AS_GBK, _GBK_AS_BIG5, _LOST, _OTHER, _DEAD, _TWICE, _LATER = (
    1 << bit for bit in range(11)
)
_SHRED, _SHREDS = 1 << 11, 1 << 12

_ORDINARY_LATIN = (
    "\N{NO-BREAK SPACE}\N{MIDDLE DOT}\N{MULTIPLICATION SIGN}\N{DEGREE SIGN}\N{COPYRIGHT SIGN}\N{REGISTERED SIGN}"
)
"""Characters of Latin-1 that clean Chinese pages use; alone they don't make a text suspicious."""

_PUNCTUATION = "\u2018\u2019\u201c\u201d\u2026\u2013\u2014\u2022"
"""Specials of cp1252 that stand beside letters with accents in clean text."""

COMMON = 3000
"""How many of the commonest characters of each script are looked for in disguise: 99% of running text."""

_RARER = 3.0  # nats by which a disguise must be rarer than the character behind it

IRREVERSIBLE = "\u951f\u65a4\u62f7\u70eb\u5c6f"
"""Characters of U+FFFD read as GBK, and of uninitialised memory (CC, CD) read as GBK."""


def _common() -> list[str]:
    """Return the commonest Han characters of either script, by the model."""
    begin = model().begin[0x4E00:0xA000]
    return [chr(0x4E00 + int(place)) for place in np.argsort(-begin, kind="stable")[: 2 * COMMON]]


def _disguises(written: str, read: str) -> Iterator[str]:
    """Yield what common characters written in one two-byte encoding look like read in another, if that is rarer."""
    begin = model().begin
    for character in _common():
        try:
            shown = character.encode(written).decode(read)
        except UnicodeError:
            continue
        if "\u0370" <= shown < "\u0530":  # Greek and Cyrillic: whole languages would look suspicious
            continue
        if len(shown) == 1 and ord(shown) < 0x10000 and begin[ord(shown)] < begin[ord(character)] - _RARER:
            yield shown


@cache
def classes() -> NDArray[np.uint16]:
    """Return, by UTF-16 unit, the bit set of the classes that a character belongs to."""
    table = np.zeros(0x10000, dtype=np.uint16)
    for code in range(0x80, 0x100):
        table[code] |= _OTHER if chr(code) in _ORDINARY_LATIN + "\xab\xbb" else _LATIN
    for character in set(SPECIALS) - set(_PUNCTUATION):
        table[ord(character)] |= _OTHER
    table[0x100:0x800] |= _OTHER
    _mark_gbk(table)
    for character in _disguises("big5hkscs", "gb18030"):
        table[ord(character)] |= _BIG5_AS_GBK
    for character in _disguises("gb18030", "big5hkscs"):
        table[ord(character)] |= _GBK_AS_BIG5
    for character in IRREVERSIBLE:
        table[ord(character)] |= _DEAD
    for shown, flags in zip(heads_and_crosses(), (_SHRED | _SHREDS, _SHREDS), strict=True):
        table[shown > 0] |= flags
    table[ord(HOLE)] |= _LOST
    table[0xDBFF] |= _LOST  # first UTF-16 unit of this project's exact-byte markers
    return table


def _mark_gbk(table: NDArray[np.uint16]) -> None:
    """Mark the GBK characters whose two bytes are pieces of UTF-8: lead E2-E9 or EF, continuation 80-BF.

    Two Han characters are six bytes, (E4 BD)(A0 E5)(A5 BD): head, cross, inner. Bytes that were shown one by one before
    are two each: (C3 A4)(C2 BD)(C2 A0), a first byte and later ones.
    """
    for byte in (*range(0xE2, 0xEA), 0xEF):
        table[ord(bytes((0xC3, byte - 0x40)).decode("gb18030"))] |= _TWICE
    for byte in range(0x80, 0xC0):
        table[ord(bytes((0xC2, byte)).decode("gb18030"))] |= _LATER
    leads = [*range(0xE2, 0xEA), 0xEF]
    tails = range(0x80, 0xC0)
    for firsts, seconds, flag in ((leads, tails, _HEAD), (tails, leads, _CROSS), (tails, tails, _INNER)):
        for first in firsts:
            for second in seconds:
                shown = bytes((first, second)).decode("gb18030", "ignore")
                if len(shown) == 1:
                    table[ord(shown)] |= flag


def suspicious(text: str) -> bool:
    """Tell whether any part of `text` looks damaged; False for clean text, at the cost of a scan."""
    if NATIVE is not None:
        return bool(NATIVE.hits(text, _relations(), _NEXT, _SWAPS, _THREE, True))
    return bool(_hits(text).any())


def suspicious_lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of every line of `text` that has a suspicious place in it."""
    places, number = _places(text), 0
    while number < len(places):
        start = text.rfind("\n", 0, places[number]) + 1
        end = text.find("\n", places[number])
        end = len(text) if end < 0 else end
        yield start, end
        number = bisect_left(places, end, number + 1)


_PAIRS = (
    (_DEAD, _DEAD),
    (_LATIN, _LATIN | _OTHER),
    (_OTHER, _LATIN),
    (_BIG5_AS_GBK, _BIG5_AS_GBK),
    (_GBK_AS_BIG5, _GBK_AS_BIG5),
    (_HEAD, _LOST),
    (_SHRED, _SHREDS),
    (_TWICE, _LATER),
    (_HEAD, _CROSS),
)
"""Neighbours that are suspicious, each pair a relation with a bit of its own.

The last two are so only before a third character, a `_LATER` and an `_INNER`.
"""

_NEXT = 16  # where a relation's second side begins in the bits of `_relations`
_ALONE, _SWAPS, _THREE = 1 << len(_PAIRS) + 2, 0b11000, 0b11 << len(_PAIRS) - 2


@cache
def _relations() -> NDArray[np.uint32]:
    """Return, by UTF-16 unit, which relations a character can begin (low bits) and which it can complete (high bits).

    So one look-up, shifted against itself, answers all questions about neighbours. A lost byte is suspicious alone:
    every character completes that relation. A question mark can stand for one, behind a head only.
    """
    flags = classes().astype(np.uint32)
    flags[ord("?")] |= _LOST
    table = np.full(len(flags), _ALONE << _NEXT, dtype=np.uint32)
    for bit, (first, second) in enumerate(_PAIRS):
        table |= ((classes() & first) > 0).astype(np.uint32) << bit
        table |= ((flags & second) > 0).astype(np.uint32) << (bit + _NEXT)
    table |= ((classes() & _LOST) > 0).astype(np.uint32) * _ALONE
    for third, bit in ((_LATER, len(_PAIRS)), (_INNER, len(_PAIRS) + 1)):
        table |= ((flags & third) > 0).astype(np.uint32) << bit + _NEXT
    return table


def _hits(text: str) -> NDArray[np.bool_]:
    """Return, by UTF-16 unit, where a suspicious group of characters begins."""
    # The two units more complete what a lost byte at the very end begins, and nothing else.
    units = np.frombuffer((text + "\0\0").encode("utf-16-le", "surrogatepass"), dtype=np.uint16)
    # Every unit is in the table: "clip" spares the check, a third of all the time.
    begun = _relations().take(units, mode="clip")
    completed = begun >> _NEXT
    pairs = (begun[:-1] & completed[1:])[:-1]
    # What a pair's bits shifted by two may add beside `_THREE` stands where a pair has been found anyway.
    threes = (pairs << 2 | begun[:-2] & _SWAPS) & completed[2:]
    return np.asarray((pairs & ~np.uint32(_THREE) | threes) != 0, dtype=np.bool_)


@cache
def _flagged(flag: int) -> NDArray[np.uint8]:
    """Return which characters of the basic plane are of a class."""
    return ((classes() & flag) > 0).astype(np.uint8)


def _places(text: str) -> list[int]:
    """Return at which characters a suspicious group begins."""
    if NATIVE is not None:
        native: list[int] = NATIVE.hits(text, _relations(), _NEXT, _SWAPS, _THREE, False)
        return native
    found = _hits(text)
    places = found.nonzero()[0]
    if len(found) != len(text) and len(places):
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        places = np.unique(np.arange(len(text)).repeat(1 + (points > 0xFFFF))[places])
    return [int(place) for place in places]


class Region(NamedTuple):
    """A part of a line that one family of decoders may have read: half-open character offsets."""

    start: int
    end: int


_HIGH = "\x80-\u07ff\ufffd\U0010ff80-\U0010ffff" + "".join(SPECIALS)
_LATIN_RUN = re.compile(f"[{_HIGH}](?:[\\x20-\\x7e{_HIGH}]*[{_HIGH}])?[@-~]?")
_DAMAGED_LATIN = re.compile("[\x80-\x9f\xa1-\xb6\xb8-\xff]")
QUOTES = "\u201c\u201d\u2018\u2019\u2026\u2014\u2013\u2022\xb7"
_BESIDE = QUOTES + " "
"""Marks beside a damaged span that are cp1252's too, but may be the clean line's own."""


MOST_QUOTES = 3
"""Quotes and blanks that are left out at either end: two full stops in a row, and one that is a byte."""


def quoted(region: Region, span: str) -> Iterator[Region]:
    """Yield a stretch, then those without some or all quotes and blanks at its ends: each may be a byte, or itself.

    A quoted number or ASCII word at an end (`\u201c95\u201d`) may be the clean line's own as well.
    """
    if not span or (span[0] not in _BESIDE and span[-1] not in _BESIDE):
        yield region
        return
    before = min(len(span) - len(span.lstrip(_BESIDE)), len(span) - 1)
    after = max(len(span.rstrip(_BESIDE)), before + 1)
    firsts = dict.fromkeys((*range(min(before, MOST_QUOTES) + 1), before))
    lasts = dict.fromkeys((*range(len(span), max(after, len(span) - MOST_QUOTES) - 1, -1), after))
    if span[0] in QUOTES and (word := _QUOTED_FIRST.match(span, before)) is not None and word.end() < after:
        firsts[word.end()] = None
    if (
        span[-1] in QUOTES
        and (word := _QUOTED_LAST.search(span, max(before, after - LONGEST_WORD - 2), after)) is not None
    ):
        lasts[max(word.start(), before + 1)] = None
    for first in firsts:
        for last in lasts:
            if first < last:
                yield Region(region.start + first, region.start + last)


LONGEST_WORD = 20
"""Characters of a quoted ASCII word that stands beside a damaged stretch."""

_QUOTED_FIRST = re.compile(f"[!-~ ]{{1,{LONGEST_WORD}}}[{_BESIDE}]+")
_QUOTED_LAST = re.compile(f"[{_BESIDE}]+[!-~ ]{{1,{LONGEST_WORD}}}\\Z")


def latin_regions(line: str) -> Iterator[Region]:
    """Yield the stretches of `line` that may be bytes shown one by one, each whole first, then without its quotes."""
    for run in _latin_found(line):
        yield from quoted(Region(*run.span()), run.group())


def latin_runs_of(text: str, lines: list[tuple[int, int]]) -> list[list[Region]]:
    """Return for each of `lines` of `text` the stretches that `latin_regions` yields, each once and with its quotes."""
    found = zip(lines, _marked_in(text, lines, _damaged_latin()), strict=True)
    return [
        [Region(*run.span()) for run in _latin_found(text[start:end])] if marked else []
        for (start, end), marked in found
    ]


@cache
def _damaged_latin() -> NDArray[np.uint8]:
    """Return which characters of the basic plane `_DAMAGED_LATIN` finds."""
    found = np.zeros(1 << 16, dtype=np.uint8)
    found[[code for code in range(0x80, 0x100) if _DAMAGED_LATIN.match(chr(code))]] = 1
    return found


def _latin_found(line: str) -> Iterator[re.Match[str]]:
    """Yield the runs of `line` that may be bytes shown one by one: most lines have no character that such a run needs."""
    if NATIVE is None or count_in(line, _DAMAGED_LATIN):
        for run in _LATIN_RUN.finditer(line):
            if _DAMAGED_LATIN.search(run.group()) and clustered(run.group()):
                yield run


def hybrid_regions(line: str) -> Iterator[Region]:
    """Yield the stretch of `line` from its first to its last character above ASCII, if half of those are low."""
    found = _HYBRID.search(line) if _SINGLE.search(line) else None  # without single bytes a line has neither kind
    if found is None:
        return
    span = found.group()
    high, low, single = count_high(span), count_low(span), len(_SINGLE.findall(span))
    if 2 * low > high and 5 * single > high and clustered(span):
        yield Region(*found.span())
    if low < high:
        for run in _hybrid_runs(line):
            if run.end - run.start > 2 and _foreign(line[run.start : run.end]):
                yield run


_HYBRID = re.compile("[^\x00-\x7f](?:.*[^\x00-\x7f])?[@-~]?")
_RARE = -12.5  # log-probability of a character that hardly any text has


@cache
def _hybrid_kinds() -> NDArray[np.uint8]:
    """Return, by code point as the model indexes it, what a character may be in a hybrid, as a letter.

    `h`: a byte, or two of UTF-8; `t`: three bytes of UTF-8, which are no frequent ideograph; `p`: a pair's second byte;
    `a`: other ASCII; a blank: nothing.
    """
    table = np.full(0x10000, ord(" "), dtype=np.uint8)
    table[0x20:0x40], table[0x40:0x7F] = ord("a"), ord("p")
    for first, last in ((0x800, 0x2000), (0xA000, 0xD800), (0xE000, 0xF900)):
        table[first:last] = ord("t")
    table[0x3400:0xA000][model().begin[0x3400:0xA000] < _RARE] = ord("t")
    table[codes(f"\ufffd{chr(INVALID_BYTE_BASE + 0x80)}{''.join(SPECIALS)}")] = ord("h")
    table[0x80:0x800] = ord("h")
    return table


_HYBRID_RUN = re.compile(b"h(?:[apht]*[ht])?p?")
"""A run with pieces of two bytes and, inside or at its end, of three bytes of UTF-8."""


def _hybrid_runs(line: str) -> Iterator[Region]:
    """Yield the runs of `line` that may be a hybrid, and are nothing else but that and ASCII."""
    for run in _HYBRID_RUN.finditer(_hybrid_kinds().take(codes(line)).tobytes()):
        yield Region(*run.span())


_LATER_PAIR = re.compile("[\u0100-\u07ff]")
_ASCII_LETTER = re.compile("[A-Za-z]")


def _foreign(run: str) -> bool:
    """Tell whether a run inside other text mixes alphabets or single bytes as no language does."""
    strange = _LATER_PAIR.search(run) or (len(run) > 3 and not _ASCII_LETTER.search(run))
    if not strange or not _DAMAGED_LATIN.search(run) or len(set(run)) < 3:
        return False
    return clustered(run) and not _one_alphabet(codes(run))


_HIGH_RUN = re.compile("[^\x00-\x7f]+")
LOW = re.compile(f"[\x80-\u07ff{''.join(SPECIALS)}]")
"""Characters that one byte or two of UTF-8 make, or cp1252's beside them."""

_SINGLE = re.compile("[\x80-\xff]")


def count_low(text: str) -> int:
    """Return how many characters of `text` are `LOW`."""
    return count_in(text, LOW)


def count_high(text: str) -> int:
    """Return how many characters of `text` stand above ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


def clustered(text: str) -> bool:
    """Tell whether the characters above ASCII mostly stand next to each other: letters with accents don't."""
    return is_clustered(*(_high_runs(text) if NATIVE is None else NATIVE.high_runs(text)))


def is_clustered(high: int, alone: int) -> bool:
    """Tell the same of so many characters above ASCII, of which so many stand alone."""
    return 5 * (high - alone) >= 2 * high


def _high_runs(text: str) -> tuple[int, int]:
    """Return how many characters of `text` stand above ASCII, and how many of them with ASCII on either side."""
    runs = list(map(len, _HIGH_RUN.findall(text)))
    return sum(runs), runs.count(1)


def line_counts(text: str, lines: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return of each of `lines` how many characters stand above ASCII, how many of these alone, how many are `LOW`."""
    if NATIVE is not None:
        native: list[tuple[int, int, int]] = NATIVE.line_counts(text, lines, _low())
        return native
    return [(*_high_runs(text[start:end]), count_low(text[start:end])) for start, end in lines]


@cache
def _low() -> NDArray[np.uint8]:
    """Return which characters of the basic plane are `LOW`."""
    found = np.zeros(1 << 16, dtype=np.uint8)
    found[0x80:0x800] = 1
    found[list(map(ord, SPECIALS))] = 1
    return found


def any_shredded(text: str, lines: list[tuple[int, int]]) -> bool:
    """Tell whether one of `lines` may be UTF-8 that Big5 read, see `shredded`; no text without heads has any."""
    if count_marked(text, _flagged(_SHRED)) < FEW_HEADS:
        return False
    found = zip(lines, _marked_in(text, lines, _flagged(_SHREDS)), strict=True)
    return any(is_shredded(text[start:end], pairs) for (start, end), pairs in found if pairs)


def _marked_in(text: str, lines: list[tuple[int, int]], table: NDArray[np.uint8]) -> list[int]:
    """Return how many characters of each of `lines`, above ASCII, are 1 in `table`."""
    if NATIVE is not None:
        return [marked for _, _, marked in NATIVE.line_counts(text, lines, table)]
    return [count_marked(text[start:end], table) for start, end in lines]


_WHOLE = rb"[\xe2-\xe9\xef][\x80-\xbf]{2}|\xf0[\x90-\x9f][\x80-\xbf]{2}"
_PART = rb"[\xe2-\xe9\xef][\x80-\xbf][\xff?]?|[\xe2-\xe9\xef][\xff?][\x80-\xbf]|[\xe2-\xe9\xef](?:\xff\xff|\?\?)"
_DOUBLED = rb"\xc3[\xa2-\xa9\xaf](?:[\xc2\xc3][\x80-\xbf]){5,}"
_UTF8_RUN = re.compile(
    rb"(?:" + _WHOLE + rb"|" + _PART + rb"|" + _DOUBLED + rb")"
    rb"(?:[\x20-\x7e]{0,60}(?:\xc2[\xa0-\xbf]|\xc3[\x80-\xbf]|\xff)*(?:"
    + _WHOLE
    + rb"|"
    + _PART
    + rb"|"
    + _DOUBLED
    + rb"))*"
)


def utf8_regions(line: str) -> Iterator[Region]:
    """Yield the stretches of `line` whose GB18030 bytes are UTF-8, but for a byte lost here and there."""
    return iter(utf8_regions_of(line, [(0, len(line))])[0])


def utf8_regions_of(text: str, lines: list[tuple[int, int]]) -> list[list[Region]]:
    """Return the same for each of `lines` of `text`, read as one: a run of UTF-8 never goes over a line's end."""
    found: list[list[Region]] = [[] for _ in lines]
    numbers = [number for number, marked in enumerate(_marked_in(text, lines, _flagged(_HEAD | _TWICE))) if marked]
    if not numbers:
        return found
    kept = [text[start:end] for start, end in map(lines.__getitem__, numbers)]
    shown = stream("\n".join(kept), "gbk", b"\n")
    assert shown is not None
    ends = list(accumulate(len(line) + 1 for line in kept))
    for first, last in _aligned(*shown):
        place = bisect_right(ends, first)
        start = ends[place - 1] if place else 0
        found[numbers[place]].append(Region(first - start, last - start))
    return found


def _aligned(data: bytes, starts: NDArray[np.int64]) -> Sequence[tuple[int, int]]:
    """Return the longest stretch of characters inside each run of UTF-8 sequences that has one."""
    if NATIVE is not None:
        native: list[tuple[int, int]] = NATIVE.utf8_regions(data, starts)
        return native
    found = []
    for run in _UTF8_RUN.finditer(data):
        begin = run.start()
        first, last = starts.searchsorted(run.span()).tolist()
        edges = {begin, *(begin + found.end() for found in _SEQUENCE.finditer(run.group()))}
        inside = [
            number for number, start in enumerate(starts[first : last + 1].tolist(), first) if start in edges
        ]
        if len(inside) > 1:
            found.append((inside[0], inside[-1]))
    return found


_SEQUENCE = re.compile(_WHOLE + rb"|" + _PART + rb"|\xc2[\xa0-\xbf]|\xc3[\x80-\xbf]|[\x00-\xff]")


SWAP_GAIN = 12.0
"""Nats that a stretch read anew, character for character, must gain in all, for itself and where it joins the rest."""

_UNMAPPED = 0xFFFF


@cache
def _swaps(family: Family, writer: Writer) -> NDArray[np.uint32]:
    """Return, by BMP code point, what a character is when its bytes under `family` are decoded as `writer`."""
    reader = "gb18030" if family == "gbk" else READERS[family][0]  # user-defined pairs included
    table = np.full(0x10000, _UNMAPPED, dtype=np.uint32)
    table[:0x80] = np.arange(0x80)
    shown, text = pair_points(reader)[0], pair_points(writer)[0]
    both = (shown > 0) & (text > 0) & (shown < 0x10000) & (text < 0x10000)
    table[shown[both]] = text[both]  # of two pairs that show alike the last one, as assigned in order
    return table


def swapped_regions(line: str, family: Family, writer: Writer) -> Iterator[Region]:
    """Yield stretches of `line` that read far better with each character's bytes decoded as `writer`.

    First the whole line between its outermost characters above ASCII, then what gains most by itself.
    """
    if not _has_near(line, _flagged(_BIG5_AS_GBK if family == "gbk" else _GBK_AS_BIG5)):
        return
    old = codes("\n" + line)
    if _one_alphabet(old):
        return
    whole = _ABOVE_ASCII.search(line)
    if whole is not None:
        yield Region(*whole.span())
    yield from _swapped_stretches(old, _swaps(family, writer).take(old))


def _has_near(line: str, table: NDArray[np.uint8]) -> bool:
    """Tell whether two characters that are 1 in `table` stand side by side or with one between them."""
    if NATIVE is not None:
        return bool(NATIVE.has_near(line, table))
    flags = table.take(codes(line)) > 0
    return bool((flags[:-1] & flags[1:]).any() or (flags[:-2] & flags[2:]).any())


_ALPHABETS = ((0x370, 0x400), (0x400, 0x530), (0x3040, 0x3100), (0x3100, 0x3130), (0x2500, 0x2600))


def _one_alphabet(points: NDArray[np.uint32]) -> bool:
    """Tell whether most characters above ASCII are Greek, or Cyrillic, or kana ...: damaged Chinese mixes them."""
    if NATIVE is not None:
        above, most = NATIVE.in_ranges(points, _ALPHABETS)
        return bool(5 * most > 3 * above)
    high = points[points >= 0x80]
    return any(5 * int(((high >= low) & (high < end)).sum()) > 3 * len(high) for low, end in _ALPHABETS)


_ABOVE_ASCII = re.compile("[^\x00-\x7f](?:.*[^\x00-\x7f])?\\??")


def _swapped_stretches(old: Codes, new: Codes) -> Iterator[Region]:
    """Yield the stretches that read best as `new` where everything else stays `old`: the best path through two states.

    A path pays `SWAP_GAIN` for every stretch, half at either end, so what a stretch gains is also judged by how it
    joins the clean characters beside it. `old[0]` is the line's start.
    """
    if NATIVE is not None:
        found = [Region(*bounds) for bounds in NATIVE.swapped(scorer(), old, new, SWAP_GAIN)]
        yield from _mixed(old, found)
        return
    kept = pair_scores(old[:-1], old[1:])
    begun = pair_scores(old[:-1], new[1:]) - SWAP_GAIN / 2
    ended = pair_scores(new[:-1], old[1:]) - SWAP_GAIN / 2
    # ASCII and the like: no evidence for either
    going = np.where((old == new)[1:], kept, pair_scores(new[:-1], new[1:]))
    if _may_gain(kept, begun, ended, going):
        yield from _best_path(old, *(scores.tolist() for scores in (kept, begun, ended, going)))


_NEAR_NOTHING = 0.01  # nats: more than rounding adds up to over the longest line


def _may_gain(kept: Scores, begun: Scores, ended: Scores, going: Scores) -> bool:
    """Tell whether any stretch reads better as `new`, by sums alone: nearly every suspicious line of a clean page has
    none, and the walk below takes a step for each character.
    """
    more = np.cumsum(going.astype(np.float64) - kept)
    inside = more + np.maximum(np.maximum.accumulate(begun.astype(np.float64) - kept - more), -SWAP_GAIN)
    before = np.concatenate(([-SWAP_GAIN], inside[:-1]))
    best = max(float((before + ended - kept).max()), float(inside[-1]) - SWAP_GAIN / 2)
    return best > -_NEAR_NOTHING


def _best_path(
    old: Codes, kept: list[float], begun: list[float], ended: list[float], going: list[float]
) -> Iterator[Region]:
    """Yield the stretches of the best path; each list says, by step, what it costs to stay, begin, end or go on."""
    clean, swapped = 0.0, -SWAP_GAIN
    steps: list[tuple[bool, bool]] = []
    for stay, begin, end, go in zip(kept, begun, ended, going, strict=True):
        steps.append((swapped + end > clean + stay, clean + begin > swapped + go))
        clean, swapped = max(clean + stay, swapped + end), max(swapped + go, clean + begin)
    inside = swapped - SWAP_GAIN / 2 > clean
    stop = len(steps)
    found = []
    for place in range(len(steps) - 1, -1, -1):
        from_other = steps[place][inside]
        if from_other and inside:
            found.append(Region(place, stop))
            inside = False
        elif from_other:
            stop, inside = place, True
    if inside:
        found.append(Region(0, stop))
    yield from _mixed(old, found[::-1])


def _mixed(old: Codes, found: list[Region]) -> Iterator[Region]:
    """Yield the stretches that are not of one alphabet."""
    return (region for region in found if not _one_alphabet(old[1 + region.start : 1 + region.end]))
