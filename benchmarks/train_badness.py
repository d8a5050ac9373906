"""Train the language model that `cleaning.repair.badness` reads, and write its two files: pairs and triples.

    python -m benchmarks.train_badness [--work DIR] [--out DIR]

The texts are those of `benchmarks.badness_sources`, fetched into --work unless they are there already, each also in its
Traditional form by OpenCC's s2t tables (Apache-2.0). Only counts of two and of three characters are taken from them.
"""

from __future__ import annotations

import argparse
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from opencc import OpenCC

from benchmarks import badness_sources as sources
from cleaning.repair.badness import MODEL_PATH, SCALE, THIRD_BITS, TRIPLES_PATH

HELP_WEIGHT = 4.0  # 2 x 1.2 million characters against 60 million word tokens
PROSE_WEIGHT = 3.0  # 3 million characters; as much again in Traditional, from every second line
MIN_COUNT = 2.0
MIN_GAIN = 0.7  # a stored pair must be about twice as likely as a chance meeting
MAX_PAIRS = 460_000
MAX_TRIPLES = 700_000
MIN_TRIPLE = 9.0  # weighted: some three times in running text
MIN_TRIPLE_GAIN = 0.5
DISCOUNT = 2.0  # taken off each triple's weighted count for those never seen
RARE = 13.0  # -log P of a Han character never seen
BOUNDARY_FLOOR = 4.0

CLASS_BEGIN: tuple[tuple[int, int, float], ...] = (
    (0x00, 0x20, 14.0), (0x20, 0x7F, 6.0), (0x7F, 0xA0, 15.0), (0xA0, 0x180, 11.0), (0x180, 0x370, 12.0),
    (0x370, 0x600, 11.0), (0x600, 0x1100, 13.0), (0x1100, 0x1200, 14.0), (0x1200, 0x2000, 13.0), (0x2000, 0x2E80, 11.5),
    (0x2E80, 0x3000, 14.0), (0x3000, 0x3040, 10.0), (0x3040, 0x3100, 9.5), (0x3100, 0x3400, 12.0), (0x3400, 0x4E00, 14.5),
    (0x4E00, 0xA000, RARE), (0xA000, 0xAC00, 15.0), (0xAC00, 0xD7B0, 10.0), (0xD7B0, 0xE000, 16.0), (0xE000, 0xF900, 15.9),
    (0xF900, 0xFB00, 14.5), (0xFB00, 0xFE00, 15.0), (0xFE00, 0xFF00, 13.0), (0xFF00, 0xFFF0, 11.0),
    (0xFFF0, 0x10000, 15.9),
)  # fmt: skip
"""-log P at a boundary of what the counts don't hold, by block: set by hand, since no source has such characters."""

_MODELLED = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uff65\u2014\u2018-\u201d\u2026\u00b7 \n]")
_LETTER, _DIGIT = "a", "0"
_LETTERS, _DIGITS = re.compile("[A-Za-z]"), re.compile("[0-9]")


class Counts(NamedTuple):
    """Weighted counts of pairs, triples and single characters, and how often each begins or ends a unit."""

    pairs: defaultdict[str, float]
    triples: defaultdict[str, float]
    begin: defaultdict[str, float]
    end: defaultdict[str, float]
    single: defaultdict[str, float]


def fold(text: str) -> str:
    """Return `text` with every Latin letter as one symbol and every digit as another."""
    return _DIGITS.sub(_DIGIT, _LETTERS.sub(_LETTER, text))


def scripts(text: str, convert: OpenCC) -> Iterable[str]:
    """Return `text` as it is and, where that differs, its Traditional form."""
    return (text, str(convert.convert(text)))


def count(work: Path) -> Counts:
    """Return the counts over all sources; each word counts half in either script."""
    counts = Counts(*(defaultdict(float) for _ in Counts._fields))
    convert = OpenCC("s2t")
    for word, frequency in sources.words(work):
        for form in scripts(word, convert):
            add_word(counts, fold(form), frequency / 2)
    add_running(counts, fold("\n".join(sources.help_pages(work))), HELP_WEIGHT)
    lines = list(sources.prose(work))
    add_running(counts, fold("\n".join(lines)), PROSE_WEIGHT)
    traditional = (
        str(convert.convert("\n".join(lines[start : start + 1000 : 2]))) for start in range(0, len(lines), 1000)
    )
    add_running(counts, fold("\n".join(traditional)), 2 * PROSE_WEIGHT)
    return counts


def add_word(counts: Counts, word: str, weight: float) -> None:
    """Count one word: its inner pairs, and its ends as places where words meet."""
    for a, b in pairwise(word):
        counts.pairs[a + b] += weight
    for place in range(len(word) - 2):
        counts.triples[word[place : place + 3]] += weight
    for character in word:
        counts.single[character] += weight
    counts.begin[word[0]] += weight
    counts.end[word[-1]] += weight


def add_running(counts: Counts, text: str, weight: float) -> None:
    """Count running text; a rare pair stays a chance meeting, so it feeds the boundary too."""
    points = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    wide: NDArray[np.uint64] = np.minimum(points, 0xFFFF).astype(np.uint64)
    for into, size in ((counts.single, 1), (counts.pairs, 2), (counts.triples, 3)):
        keys = np.zeros(len(wide) - size + 1, dtype=np.uint64)
        for place in range(size):
            keys = keys << np.uint64(16) | wide[place : len(wide) - size + 1 + place]
        for key, number in _counted(keys):
            if size < 3 or number > 1:
                into["".join(chr(key >> 16 * place & 0xFFFF) for place in reversed(range(size)))] += (
                    weight * number
                )
    for code, number in _counted(wide):
        counts.begin[chr(code)] += weight / 4 * number
        counts.end[chr(code)] += weight / 4 * number


def _counted(keys: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Yield every key and how often it occurs."""
    unique, numbers = np.unique(keys, return_counts=True)
    yield from zip(unique.tolist(), numbers.tolist(), strict=True)


def dense(counts: Counts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return -log P(begins with b) and -log P(boundary | a), by BMP code point."""
    begin = np.full(0x10000, 15.9)
    for low, high, value in CLASS_BEGIN:
        begin[low:high] = value
    boundary = np.full(0x10000, 0.3)
    total = sum(counts.begin.values())
    for character, single in counts.single.items():
        if len(character.encode("utf-16-le")) > 2 or not _MODELLED.match(character):
            continue
        share = counts.begin[character] / total + np.exp(-RARE)
        begin[ord(character)] = -np.log(share)
        ends = (counts.end[character] + 0.5) / (single + 1.0)
        boundary[ord(character)] = min(BOUNDARY_FLOOR, -np.log(min(1.0, ends)))
    set_ascii(begin, boundary)
    return begin, boundary


def set_ascii(begin: NDArray[np.float64], boundary: NDArray[np.float64]) -> None:
    """Give ASCII mild values: foreign, but no sign of damage."""
    for code in range(0x21, 0x7F):
        begin[code] = 5.0 if chr(code).isalnum() else 7.0
        boundary[code] = 0.3


def stored_pairs(
    counts: Counts, begin: NDArray[np.float64], boundary: NDArray[np.float64]
) -> list[tuple[str, float]]:
    """Return the pairs worth storing with their -log P(b | a): those well above a chance meeting."""
    chosen = []
    for pair, number in counts.pairs.items():
        a, b = pair[0], pair[1]
        if number < MIN_COUNT or not (_MODELLED.match(a) and _MODELLED.match(b)):
            continue
        chance = np.exp(-boundary[ord(a)] - begin[ord(b)])
        own = number / counts.single[a] + chance
        if np.log(own / chance) >= MIN_GAIN:
            chosen.append((number * float(np.log(own / chance)), pair, -float(np.log(min(1.0, own)))))
    chosen.sort(reverse=True)
    return [(pair, score) for _, pair, score in chosen[:MAX_PAIRS]]


def quantize(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return -log P as bytes."""
    return np.clip(np.rint(values * SCALE), 0, 255).astype(np.uint8)


def write(counts: Counts, folder: Path) -> None:
    """Write both files."""
    begin, boundary = dense(counts)
    pairs = stored_pairs(counts, begin, boundary)
    weight: defaultdict[str, float] = defaultdict(float)
    for pair, _ in pairs:
        for character in pair:
            weight[character] += counts.single[character]
    assert len(weight) < 1 << 14
    ids = np.zeros(0x10000, dtype=np.uint16)
    for number, character in enumerate(sorted(weight, key=lambda item: (-weight[item], item)), start=1):
        ids[ord(character)] = number
    keys = np.array([int(ids[ord(p[0])]) << 14 | int(ids[ord(p[1])]) for p, _ in pairs], dtype=np.uint32)
    values = quantize(np.array([score for _, score in pairs]))
    order = np.argsort(keys)
    np.savez_compressed(
        folder / MODEL_PATH.name,
        gaps=np.diff(keys[order], prepend=np.uint32(0)),
        values=values[order],
        begin=quantize(begin),
        boundary=quantize(boundary),
        ids=ids,
    )
    scores = {pairs[place][0]: (number, pairs[place][1]) for number, place in enumerate(order.tolist())}
    triples, backoff = stored_triples(counts, scores, begin, boundary, ids)
    np.savez_compressed(
        folder / TRIPLES_PATH.name,
        gaps=np.diff(np.array([key for key, _ in triples], dtype=np.uint32), prepend=np.uint32(0)),
        values=quantize(np.array([score for _, score in triples])),
        backoff=quantize(np.maximum(0.0, backoff)),
    )
    for name, number in ((MODEL_PATH.name, len(pairs)), (TRIPLES_PATH.name, len(triples))):
        print(
            f"{name}: {number:,} entries of {len(weight):,} characters, {(folder / name).stat().st_size:,} bytes"
        )


INDENTATION: tuple[tuple[str, float], ...] = (("\n\N{IDEOGRAPHIC SPACE}", 2.0), ("\N{IDEOGRAPHIC SPACE}" * 2, 0.5))
"""-log P of what Chinese paragraphs begin with on web pages; none of the sources is set so. By hand: a seventh of lines."""


def add_pairs(folder: Path, wanted: Sequence[tuple[str, float]]) -> None:
    """Add pairs of characters that the model knows one by one to both files, those that are stored already left out.

    A triple is kept by the number of its first pair, so all numbers behind a new pair go up by one.
    """
    with np.load(folder / MODEL_PATH.name) as stored:
        tables = dict(stored)
    keys, ids = np.cumsum(tables["gaps"], dtype=np.uint32), tables["ids"]
    pairs = {int(ids[ord(pair[0])]) << 14 | int(ids[ord(pair[1])]): score for pair, score in wanted}
    new = np.array(sorted(set(pairs) - set(keys.tolist())), dtype=np.uint32)
    places = np.searchsorted(keys, new)
    added = quantize(np.array([pairs[key] for key in new.tolist()]))
    tables["gaps"] = np.diff(np.insert(keys, places, new), prepend=np.uint32(0))
    tables["values"] = np.insert(tables["values"], places, added)
    np.savez_compressed(folder / MODEL_PATH.name, **tables)
    with np.load(folder / TRIPLES_PATH.name) as stored:
        tables = dict(stored)
    keys = np.cumsum(tables["gaps"], dtype=np.uint32)
    moved = np.searchsorted(places, keys >> THIRD_BITS, side="right").astype(np.uint32)
    tables["gaps"] = np.diff(keys + (moved << np.uint32(THIRD_BITS)), prepend=np.uint32(0))
    tables["backoff"] = np.insert(tables["backoff"], places, np.uint8(0))
    np.savez_compressed(folder / TRIPLES_PATH.name, **tables)


def stored_triples(
    counts: Counts,
    scores: dict[str, tuple[int, float]],
    begin: NDArray[np.float64],
    boundary: NDArray[np.float64],
    ids: NDArray[np.uint16],
) -> tuple[list[tuple[int, float]], NDArray[np.float64]]:
    """Return (key, -log P(c | a, b)) of the triples worth storing, by key, and -log of what the others are scaled by.

    A triple's key is the number of its pair (a, b) among the stored ones, then the id of c.
    """
    contexts: defaultdict[str, float] = defaultdict(float)
    kinds: defaultdict[str, int] = defaultdict(int)
    for triple, number in counts.triples.items():
        contexts[triple[:2]] += number
        kinds[triple[:2]] += 1
    chosen = []
    for triple, number in counts.triples.items():
        a_b, b_c, third = triple[:2], triple[1:], int(ids[ord(triple[2])])
        if (
            number < MIN_TRIPLE
            or a_b not in scores
            or not 0 < third < 1 << THIRD_BITS
            or not _MODELLED.match(triple[2])
        ):
            continue
        lower = np.exp(-(scores[b_c][1] if b_c in scores else boundary[ord(b_c[0])] + begin[ord(b_c[1])]))
        total = contexts[a_b] + DISCOUNT
        own = (number - DISCOUNT + DISCOUNT * kinds[a_b] * lower) / total
        own = min(0.999, own)
        gain = abs(np.log(own / lower))
        if gain >= MIN_TRIPLE_GAIN:
            chosen.append((number * gain, scores[a_b][0] << THIRD_BITS | third, own, lower))
    chosen.sort(reverse=True)
    kept = chosen[:MAX_TRIPLES]
    mass, below = np.zeros(len(scores)), np.zeros(len(scores))
    for _, key, own, lower in kept:
        mass[key >> THIRD_BITS] += own
        below[key >> THIRD_BITS] += lower
    backoff = -np.log(np.clip(1 - mass, 0.02, 1.0) / np.clip(1 - below, 0.02, 1.0))
    return sorted((key, -float(np.log(own))) for _, key, own, _ in kept), np.where(mass > 0, backoff, 0.0)


def main() -> None:
    """Fetch the sources, count, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=Path("build/badness"), help="folder for the fetched sources")
    parser.add_argument("--out", type=Path, default=MODEL_PATH.parent, help="folder to write the model to")
    arguments = parser.parse_args()
    sources.fetch(arguments.work)
    write(count(arguments.work), arguments.out)
    add_pairs(arguments.out, INDENTATION)


if __name__ == "__main__":
    main()
