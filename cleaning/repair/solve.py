"""From what a wrong decoder showed back to the text: known bytes are decoded, lost bytes are searched for.

A damaged span becomes a stream of bytes with holes. Where UTF-8 was written the stream synchronises by itself, so each
hole is judged where it stands. Two-byte encodings don't: after a lost byte the rest may be read in either phase, so
there a beam search carries the few readings that are left, scored by the language model. Work is linear in the span's
length: a hole has at most 128 candidates and the beam keeps at most `BEAM` readings.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import cache, lru_cache, partial
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from cleaning.native import available
from cleaning.repair.badness import (
    WEIGHTS,
    Scores,
    codes,
    is_sure,
    model,
    pair_scores,
    run_score,
    scorer,
)
from cleaning.repair.chains import (
    CP1252_UNDEFINED,
    FAMILY,
    HOLE,
    READERS,
    Family,
    Reader,
    Writer,
    is_lost,
    lost_firsts,
    pair_points,
    sources,
)
from cleaning.repair.pieces import Kind, Piece, Pieces
from cleaning.repair.streams import encoded, single_bytes, stream, tables

if TYPE_CHECKING:
    from cleaning.native._pairs import Pairs

NATIVE = available("_pairs")

SURE = 0.5
"""Posterior that a fill must reach; below it the hole stays open. Swept on the benchmark's lossy classes."""

BEAM = 6
BEAM_WIDTH = 14.0  # nats behind the best reading at which another is given up
LOOK_AHEAD = 12  # characters of a known run that are scored to tell readings apart
BAD_BYTE = -16.0  # the score of a byte that a reading cannot explain


SOON, HOPELESS = 100, -9.5
"""After so many characters a span whose best reading scores worse than this for each of them is given up."""

MOST = 96
"""Characters that a lost byte is weighed against: the commonest; where both bytes are lost there are thousands."""


_NOT_PLAIN_GBK = re.compile("[\ufffd\u20ac\U0010ff80-\U0010ffff]")


def as_bytes(span: str, family: Family) -> bytes | None:
    """Return the likeliest bytes of `span` under `family`, `HOLE_BYTE` for U+FFFD; None when it can't have any."""
    try:
        if family == "latin":
            return single_bytes(span)
        if family == "gbk" and not _NOT_PLAIN_GBK.search(span):
            return span.encode("gb18030")
    except UnicodeEncodeError:
        return None
    found = stream(span, family)
    return None if found is None else found.data


def decoded(span: str, family: Family, writer: Writer) -> str | None:
    """Return what the likeliest bytes of `span` under `family` are in an encoding; None where they don't decode."""
    if HOLE in span:
        return None  # `HOLE_BYTE` is a byte of no encoding here
    data = as_bytes(span, family)
    try:
        return None if data is None else data.decode(writer)
    except UnicodeDecodeError:
        return None


_HOLE_MARKS = ("\udcff", HOLE)
_SINGLE_BYTE: tuple[Reader, ...] = ("latin-1", "cp1252")
_BLANKS = b"\xa0\x85"  # what folding white space turns into a blank
_DROPPED = bytes((*range(0x80, 0xA1), 0xAD))  # controls, no-break space, soft hyphen: pages are cleaned of them


@lru_cache(maxsize=1 << 14)
def lost_bytes(mark: str, following: bytes, reader: Reader) -> bytes:
    """Return the bytes that `reader` can have shown as `mark` (empty: dropped) before `following`."""
    if reader in _SINGLE_BYTE:
        if mark == " ":
            return _BLANKS
        return bytes(CP1252_UNDEFINED) if mark in _HOLE_MARKS else _DROPPED
    if mark == " ":
        return b""
    following = following.replace(b"\xff", b"")[:1]  # the rare four-byte forms are left to the proof
    if following and not following.isdigit():
        return lost_firsts(reader)[following[0]].rstrip(b"\xff")
    return bytes(byte for byte in range(0x80, 0xFF) if is_lost(bytes([byte]) + following, reader))


@lru_cache(maxsize=1 << 14)
def choose(options: str, before: str, after: str) -> tuple[str, Kind, str]:
    """Return the option that the model is sure of between its neighbours, or a hole; a single option is forced."""
    if len(options) <= 1:
        return (options, "forced", "") if options else (HOLE, "open", "")
    pool = codes(options)
    scores = _scores_after(before, options).astype(np.float64)
    if not "\udc80" <= after <= "\udcff":
        scores += pair_scores(pool, np.full_like(pool, codes(after)[0]))
    best = int(scores.argmax())
    if is_sure(scores, SURE):
        return options[best], "likely", ""
    return HOLE, "open", options[best]


# --- a two-byte encoding was written -----------------------------------------------------------------------------


class Trail(NamedTuple):
    """What a reading has put out so far, newest first; `options` are what the piece's lost byte can have made."""

    before: Trail | None
    piece: Piece
    options: str


class Reading(NamedTuple):
    """One way to read a span so far. `pending` has not made a character yet; a lost lead shows there as `HOLE_BYTE`.

    `since` is where in the span the characters began that `pending` belongs to, `leads` what a lost lead may be.
    """

    score: float
    pending: bytes
    last: str
    since: int
    leads: bytes = b""
    trail: Trail | None = None


def solve_pairs(
    span: str, reader: Reader, writer: Writer, left: str = "\n", right: str = "\n"
) -> Iterator[Pieces]:
    """Yield texts of `span`, written in a two-byte encoding and read by `reader`, the likeliest first.

    Pieces count characters of `span` here, and `start == end` marks one that the next piece must be joined to.
    """
    family = FAMILY[reader]
    if NATIVE is not None:
        yield from _twin(reader, writer).solve(span, left, right)
        return
    readings = [Reading(0.0, b"", left, 0)]
    for start, end, options in units(span, family):
        if options is None:
            following = _first_bytes(span[end : end + 1], family)
            spread = [
                new
                for reading in readings
                for new in _lose(reading, span[start], following, writer, Run(span, start, end, family), reader)
            ]
        else:
            run = Run(span, start, end, family)
            spread = [_feed(reading, data, writer, run) for reading in readings for data in options]
        if not spread:
            return
        readings = _best(spread)
        if end > SOON and readings[0].score < HOPELESS * end:
            return
    for reading in sorted(readings, key=lambda item: -item.score - BAD_BYTE * bool(item.pending)):
        yield _pieces(reading, len(span), left, right)


@cache
def _twin(reader: Reader, writer: Writer) -> Pairs:
    """Return the compiled twin of the search for one reader of what was written in `writer`."""
    assert NATIVE is not None
    family = FAMILY[reader]
    lengths, parts = tables(family)
    points, longer = pair_points(writer)
    twin: Pairs = NATIVE.Pairs(
        scorer(),
        (lengths, parts, _several(family)),
        (points, longer),
        (partial(sources, family=family), partial(lost_bytes, reader=reader), _lead_options, _trail_options),
        WEIGHTS,
        writer,
        family == "latin",
        BAD_BYTE,
        BEAM,
        BEAM_WIDTH,
        LOOK_AHEAD,
        SOON,
        HOPELESS,
        SURE,
    )
    return twin


@cache
def _several(family: Family) -> NDArray[np.uint8]:
    """Return, by BMP code point, 1 where a character has several sources."""
    found = np.zeros(0x10000, dtype=np.uint8)
    if family == "gbk":
        found[ord("\N{EURO SIGN}")] = 1
    if family == "big5":
        written = [
            encoded(reader)[1].astype(np.uint32) @ (1 << np.arange(4, dtype=np.uint32) * 8)
            for reader in READERS["big5"]
        ]
        for one, other in combinations(written, 2):
            found |= (one > 0) & (other > 0) & (one != other)
    return found


@lru_cache(maxsize=4)
def units(span: str, family: Family) -> list[tuple[int, int, tuple[bytes, ...] | None]]:
    """Return `span` as runs of known bytes, choices between byte strings, and lost bytes (None), with their places.

    Raises ValueError when a character has no source in `family`.
    """
    found: list[tuple[int, int, tuple[bytes, ...] | None]] = []
    run: list[bytes] = []
    start = 0
    marks = "?\ufffd " if family == "latin" else "?\ufffd"
    for place, character in enumerate(span):
        options = None if character in marks else sources(character, family)
        if options is not None and len(options) == 1:
            run.append(options[0])
            continue
        if options == ():
            raise ValueError(f"{character!r} is never shown by a {family} decoder")
        if run:
            found.append((start, place, (b"".join(run),)))
        found.append((place, place + 1, options))
        run, start = [], place + 1
    if run:
        found.append((start, len(span), (b"".join(run),)))
    return found


_DECODERS = {writer: codecs.getincrementaldecoder(writer) for writer in get_args(Writer)}


class Run(NamedTuple):
    """The characters of a span that some bytes come from."""

    span: str
    start: int
    end: int
    family: Family

    def places(self) -> dict[int, int]:
        """Return, by how many of the run's bytes remain after it, each boundary between its characters."""
        remaining = 0
        found = {0: self.end}
        for place in range(self.end - 1, self.start - 1, -1):
            remaining += len(_first_bytes(self.span[place], self.family))
            found[remaining] = place
        return found


def _first_bytes(text: str, family: Family) -> bytes:
    return b"".join(next(iter(sources(character, family)), b"") for character in text)


def _best(readings: list[Reading]) -> list[Reading]:
    """Return the best reading of each state, the best first, without the hopeless ones."""
    if len(readings) == 1:
        return readings
    states: dict[tuple[bytes, str], Reading] = {}
    for reading in sorted(readings, key=lambda item: -item.score):
        states.setdefault((reading.pending, reading.last), reading)
    kept = list(states.values())[:BEAM]
    return [reading for reading in kept if reading.score >= kept[0].score - BEAM_WIDTH]


def _put(reading: Reading, text: str, end: int, kind: Kind, options: str = "") -> Reading:
    """Return `reading` with `text` put out; `end` is where in the span its characters end, or -1 inside one."""
    piece = Piece(reading.since, reading.since if end < 0 else end, text, kind)
    score = reading.score + run_score(reading.last, text[:LOOK_AHEAD])
    since = reading.since if end < 0 else end
    return Reading(score, reading.pending, text[-1], since, reading.leads, Trail(reading.trail, piece, options))


def _feed(reading: Reading, data: bytes, writer: Writer, run: Run) -> Reading:
    """Return `reading` after the known bytes `data`, which are those of `run` (or its last ones)."""
    if reading.leads:
        reading, data = _close_lead(reading, data, writer, run.end)
    if not data:
        return reading
    decoder = _DECODERS[writer]()
    whole = reading.pending + data
    try:
        text = decoder.decode(whole)
    except UnicodeDecodeError:
        return _feed_broken(_leave(reading, b""), whole, writer, run)
    rest = decoder.getstate()[0]
    if text:
        reading = _put(reading, text, -1 if rest else run.end, "known")
    return _leave(reading, rest)


def _leave(reading: Reading, pending: bytes, worth: float = 0.0) -> Reading:
    """Return `reading` with other bytes pending, no lost lead among them, and a score that is so much better."""
    score, _, last, since, _, trail = reading
    return Reading(score + worth, pending, last, since, b"", trail)


def _feed_broken(reading: Reading, data: bytes, writer: Writer, run: Run) -> Reading:
    """Return `reading` after bytes that don't all decode: each stretch of bad ones becomes a hole."""
    places = run.places()
    shown = data.decode(writer, "surrogateescape")
    rest = b""
    if len(shown) > 1 and "\udc81" <= shown[-1] <= "\udcfe" and not "\udc80" <= shown[-2] <= "\udcff":
        rest, shown = data[-1:], shown[:-1]
    remaining = len(data)
    for part in _BAD_OR_GOOD.findall(shown):
        bad = "\udc80" <= part[0] <= "\udcff"
        remaining -= len(part) if bad else len(part.encode(writer))
        end = places.get(remaining, -1)
        if bad:
            reading = _put(reading, HOLE, end, "open")._replace(score=reading.score + BAD_BYTE * len(part))
        else:
            reading = _put(reading, part, end, "known")
    return _leave(reading, rest)


_BAD_OR_GOOD = re.compile("[\udc80-\udcff]+|[^\udc80-\udcff]+")


def _close_lead(reading: Reading, data: bytes, writer: Writer, end: int) -> tuple[Reading, bytes]:
    """Return `reading` with its lost lead byte joined to the first of `data`, and what is left of `data`."""
    options = _lead_options(reading.leads, data[0], writer)
    if not options:
        return _leave(_put(reading, HOLE, -1, "open"), b"", BAD_BYTE), data
    best = _likeliest(reading.last, options)
    done = _put(reading, best, end if len(data) == 1 else -1, "likely", options)
    return _leave(done, b""), data[1:]


@lru_cache(maxsize=1 << 14)
def _likeliest(last: str, options: str) -> str:
    """Return the option that follows `last` best."""
    return options[int(_scores_after(last, options).argmax())]


@lru_cache(maxsize=1 << 12)
def _scores_after(last: str, options: str) -> Scores:
    """Return the log-probability of each of `options` after `last`."""
    pool = codes(options)
    return pair_scores(np.full_like(pool, codes(last)[0]), pool)


@lru_cache(maxsize=1 << 12)
def _lead_options(leads: bytes, trail: int, writer: Writer) -> str:
    """Return the characters that one of `leads` makes with `trail`."""
    if NATIVE is not None:
        return _commonest(NATIVE.pair_texts(pair_points(writer)[0], leads, bytes([trail])))
    return _commonest("".join(dict.fromkeys(_character(bytes((lead, trail)), writer) for lead in leads)))


def _commonest(options: str) -> str:
    """Return the `MOST` commonest of `options`, in their order."""
    if len(options) <= MOST:
        return options
    if NATIVE is not None:
        native: str = NATIVE.most_common(scorer(), options, MOST)
        return native
    kept = np.sort(np.argsort(-model().begin[codes(options)], kind="stable")[:MOST])
    return "".join(options[place] for place in kept.tolist())


def _lose(
    reading: Reading, mark: str, following: bytes, writer: Writer, run: Run, reader: Reader
) -> list[Reading]:
    """Return the readings after `mark`, which may stand for a lost byte or, but for U+FFFD, for itself."""
    spread = []
    waiting = bool(reading.pending or reading.leads)
    if mark != HOLE:
        spread.append(_feed(reading, mark.encode("ascii"), writer, run))
        if mark == " " and not waiting:
            return spread
    lost = lost_bytes(mark, following, reader)
    if lost and not waiting:
        spread.append(Reading(reading.score - 1.0, b"\xff", reading.last, reading.since, lost, reading.trail))
    elif lost:
        options = _trail_options(reading.leads or reading.pending[-1:], lost, writer)
        if options and len(reading.pending) == 1:
            best = _likeliest(reading.last, options)
            spread.append(_leave(_put(reading, best, run.end, "likely", options), b""))
    if not spread:
        spread.append(_leave(_put(reading, HOLE, run.end, "open"), b"", BAD_BYTE))
    return spread


@lru_cache(maxsize=1 << 12)
def _trail_options(leads: bytes, lost: bytes, writer: Writer) -> str:
    """Return the characters that one of `leads` makes with one of `lost`."""
    if NATIVE is not None:
        return _commonest(NATIVE.pair_texts(pair_points(writer)[0], leads, lost))
    found = (_character(bytes((lead, byte)), writer) for lead in leads for byte in lost)
    return _commonest("".join(dict.fromkeys(found)))


@lru_cache(maxsize=1 << 16)
def _character(data: bytes, writer: Writer) -> str:
    """Return the one character that `data` is in `writer`, or nothing."""
    try:
        text = data.decode(writer)
    except UnicodeDecodeError:
        return ""
    return text if len(text) == 1 else ""


def _pieces(reading: Reading, length: int, left: str, right: str) -> list[Piece]:
    """Return the pieces of the best reading in order, its fills judged again between both neighbours."""
    if reading.pending:
        reading = _put(reading, HOLE, length, "open")
    trail = []
    step = reading.trail
    while step is not None:
        trail.append(step)
        step = step.before
    trail.reverse()
    pieces: list[Piece] = []
    for place, (_, piece, options) in enumerate(trail):
        if options:
            before = pieces[-1].text[-1] if pieces else left
            after = trail[place + 1].piece.text[0] if place + 1 < len(trail) else right
            piece = Piece(piece.start, piece.end, *choose(options, before, after))
        pieces.append(piece)
    return pieces
