"""Fingerprints of texts: fold, shingles, one-permutation MinHash, bands. Pure, and the same bytes on every machine.

A *fold* is a lossy comparison key. Shingles are runs of five of its Han characters: white space, punctuation,
digits and (in a Chinese text) Latin letters say little about whether two articles are the same one, and a rewrite
changes them first. A character 5-gram keeps .91 of its Jaccard under 1% random edits where word-like tokens keep
.45 (benchmarks/dedup.py prints such a sweep).

Everything is computed on many texts at once as *ragged* arrays (one flat array, and where each text starts); a single
text is a batch of one, so both ways give identical results. All arithmetic is on unsigned 64-bit integers modulo
2**64 with the constants below, and the character table rests on the frozen Unicode 3.2 tables that every Python
carries, so neither the machine nor the Python version changes a fingerprint.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from cleaning.native import available

U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
Number = TypeVar("Number", np.uint32, np.uint64)

VERSION = 1
"""Changes whenever the fingerprint of some text changes; an index made with another version must be made again."""

SHINGLE = 5
"""Characters in a shingle."""

ROWS = 128
"""Rows of a signature: the bins that the one permutation's 64-bit values fall into by their top seven bits."""

BANDS = 21
BAND_ROWS = 6
"""A pair of Jaccard J shares a band with probability 1-(1-J**6)**21: .998 at .8, .93 at .7, .015 at .3.

16 bands of 8 rows, the usual choice, find only .947 of the pairs at .8 exactly."""

ANCHOR_RATE = 64
"""One shingle in so many (those with small hashes, whatever the text) is an anchor: a text that embeds another
holds nearly all of the other's anchors. A text of 300 shingles has none with probability .009."""

ANCHOR_CAP = 4096
"""At most so many anchors a text, smallest first: a bound for hostile pages (reached at about 262,000 characters)."""

HAN, LETTER, NUMBER = 1, 2, 3
"""Classes of folded characters, kept above the code point in a folded value (`value >> CLASS_SHIFT`)."""

CLASS_SHIFT = 24
CODE_MASK = (1 << CLASS_SHIFT) - 1

_CHUNK = 1 << 17
"""Characters worked on at a time: arrays of 64-bit values stay near the processor, and memory stays bounded."""

# Multipliers of splitmix64 (Steele, Lea, Flood 2014); the shingle polynomial's base is splitmix64's increment.
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLY_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLY_2 = np.uint64(0x94D049BB133111EB)
_ANCHOR_TAG = np.uint64(0xA24BAED4963EE407)
_EMPTY = np.uint64((1 << 64) - 1)

_native = available("_prints")


class Ragged(NamedTuple, Generic[Number]):
    """Rows of unequal length: row i is `values[bounds[i]:bounds[i + 1]]`; `bounds` has one entry more than rows."""

    values: NDArray[Number]
    bounds: I64

    def row(self, index: int) -> NDArray[Number]:
        """Return row `index` as a view."""
        return self.values[self.bounds[index] : self.bounds[index + 1]]


class Print(NamedTuple):
    """The fingerprint of one text: its content hash, its fold's length in characters, and its index keys.

    `keys` are little-endian 64-bit, band keys and then anchor keys; none for a text shorter than a shingle.
    """

    content_hash: str
    length: int
    keys: bytes


class Prints(NamedTuple):
    """The fingerprints of n texts.

    `content_hashes` has n hex strings; `lengths` the folds' lengths in characters; `signatures` is (n, ROWS) of the
    MinHash rows' low 16 bits; `keys` is a ragged array of the index keys (band keys, then anchor keys). A text
    shorter than a shingle has no keys at all, so it can only be found as an exact duplicate.
    """

    content_hashes: list[str]
    lengths: I64
    signatures: U16
    keys: Ragged[np.uint64]

    def each(self) -> list[Print]:
        """Return them one by one."""
        keys = Ragged(self.keys.values.astype("<u8"), self.keys.bounds)
        rows = enumerate(zip(self.content_hashes, self.lengths.tolist(), strict=True))
        return [Print(content, length, keys.row(index).tobytes()) for index, (content, length) in rows]


Mask = Callable[[Ragged[np.uint32]], Ragged[np.uint32]]
"""What template masking does to folded texts (`corpus.masking.Masker.mask_folded`)."""


# --- fold -----------------------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """Return the comparison key of `text`: its letters and digits alone, in compatibility form, lower case, no accents.

    `text` is expected in Simplified Chinese already. The key is for comparing, never for showing or storing as text.
    """
    return decode(fold_batch([text]).values)


def folds(texts: Sequence[str]) -> list[str]:
    """Return the comparison key of each of `texts`, in a fraction of the time that one after the other takes."""
    return _apart(fold_batch(texts))


def fold_batch(texts: Sequence[str]) -> Ragged[np.uint32]:
    """Return the folds of `texts` as code points, each with its class above it."""
    joined = "".join(texts)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    codes = _code_points(joined)
    table = fold_table()
    folded = table[codes]
    if (folded == _EXPANDS).any():
        return fold_batch([text.translate(expansions()) for text in texts])
    return keep_values(Ragged(folded, _bounds(lengths)), folded != 0)


def fold_places(text: str) -> tuple[str, list[int]]:
    """Return the fold of `text` and, for each of its characters, the place in `text` that it comes from."""
    several = expansions()
    pieces = [several.get(ord(character), character) for character in text]
    places = [index for index, piece in enumerate(pieces) for _ in piece]
    folded = fold_table()[_code_points("".join(pieces))]
    kept = np.flatnonzero(folded)
    return decode(folded[kept]), [places[index] for index in kept.tolist()]


def decode(folded: U32) -> str:
    """Return folded values as a string."""
    return (folded & np.uint32(CODE_MASK)).astype("<u4").tobytes().decode("utf-32-le")


def content_hash(text: str) -> str:
    """Return 128 bits of BLAKE2b (RFC 7693) over the fold in UTF-8, as hex: equal for texts that fold alike."""
    return _hash_fold(fold(text))


def content_hashes(texts: Sequence[str]) -> list[str]:
    """Return the content hash of each of `texts`, in a fraction of the time that one after the other takes."""
    return [found for chunk in chunks(texts) for found in _hash_folds(fold_batch(chunk))]


def _hash_folds(folded: Ragged[np.uint32]) -> list[str]:
    return list(map(_hash_fold, _apart(folded)))


def _apart(folded: Ragged[np.uint32]) -> list[str]:
    whole, bounds = decode(folded.values), folded.bounds.tolist()
    return [whole[start:end] for start, end in pairwise(bounds)]


def _hash_fold(folded: str) -> str:
    return hash_fold(folded.encode())


def hash_fold(folded: bytes) -> str:
    """Return the content hash of a text by its fold in UTF-8."""
    return hashlib.blake2b(folded, digest_size=16).hexdigest()


def _code_points(text: str) -> U32:
    # surrogatepass: a lone surrogate in a hostile page folds to nothing instead of raising.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


_EXPANDS = np.uint32(0xFFFFFFFF)
_HAN_RANGES = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x2EBEF), (0x30000, 0x323AF))
_SUPPLEMENTARY = ((0x10300, 0x1044F), (0x1D400, 0x1D7FF), (0x2F800, 0x2FA1F))
"""Old Italic to Deseret, mathematical letters (a spammer's way to write a phone number), compatibility Han."""
_HANGUL_RANGE = (0xAC00, 0xD7A3)


@lru_cache(maxsize=1)
def fold_table() -> U32:
    """Return, for each code point, its folded value, 0 where it is dropped, `_EXPANDS` where it becomes several."""
    table = np.zeros(0x110000, np.uint32)
    for first, last, kind in (*((*bounds, HAN) for bounds in _HAN_RANGES), (*_HANGUL_RANGE, LETTER)):
        table[first : last + 1] = np.arange(first, last + 1, dtype=np.uint32) | np.uint32(kind << CLASS_SHIFT)
    for code in _irregular_codes():
        folded = _fold_character(chr(code))
        if folded:
            table[code] = _EXPANDS if len(folded) > 1 else _classed(folded)
    return table


@lru_cache(maxsize=1)
def expansions() -> dict[int, str]:
    """Return the code points that fold to several characters (ligatures, squared words), with what they become."""
    table = fold_table()
    return {int(code): _fold_character(chr(code)) for code in np.flatnonzero(table == _EXPANDS)}


def _irregular_codes() -> Iterator[int]:
    """Yield the code points that the regular ranges leave: alphabets, compatibility forms, numbers."""
    for first, last in ((0, 0x33FF), (0x4DC0, 0x4DFF), (0xA000, 0xABFF), (0xF900, 0xFFFF), *_SUPPLEMENTARY):
        yield from range(first, last + 1)


def _fold_character(character: str) -> str:
    """Return the letters and digits that one character stands for (Unicode 3.2), accents taken off."""
    unicode = unicodedata.ucd_3_2_0
    bare = "".join(part for part in unicode.normalize("NFKD", character) if unicode.category(part) != "Mn")
    lowered = unicode.normalize("NFKC", bare).lower()
    return "".join(part for part in lowered if _category(part) in "LN")


def _category(character: str) -> str:
    return unicodedata.ucd_3_2_0.category(character)[0]


def _classed(character: str) -> np.uint32:
    code = ord(character)
    if any(first <= code <= last for first, last in _HAN_RANGES):
        kind = HAN
    else:
        kind = NUMBER if _category(character) == "N" else LETTER
    return np.uint32(code | kind << CLASS_SHIFT)


# --- ragged arrays --------------------------------------------------------------------------------------------------


def _bounds(lengths: I64) -> I64:
    bounds = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


def keep_values(ragged: Ragged[Number], keep: NDArray[np.bool_]) -> Ragged[Number]:
    """Return `ragged` with only the values where `keep` holds."""
    positions = np.flatnonzero(keep)
    return Ragged(ragged.values[positions], np.searchsorted(positions, ragged.bounds).astype(np.int64))


def _owners(bounds: I64) -> I64:
    """Return the row that each value belongs to."""
    return np.repeat(np.arange(len(bounds) - 1, dtype=np.int64), np.diff(bounds))


# --- shingles -------------------------------------------------------------------------------------------------------


def letters(folded: Ragged[np.uint32]) -> Ragged[np.uint32]:
    """Return the characters that shingles are made of: the Han characters, or every letter where Han is the minority.

    Digits never count: dates, amounts and section numbers are the first thing a copy changes.
    """
    kinds = folded.values >> np.uint32(CLASS_SHIFT)
    han = kinds == HAN
    letter = kinds != NUMBER
    han_counts = np.diff(np.searchsorted(np.flatnonzero(han), folded.bounds))
    letter_counts = np.diff(np.searchsorted(np.flatnonzero(letter), folded.bounds))
    foreign = han_counts * 2 < letter_counts
    if foreign.any():
        han |= letter & foreign[_owners(folded.bounds)]
    return keep_values(folded, han)


def shingle_hashes(characters: Ragged[np.uint32]) -> Ragged[np.uint64]:
    """Return one 64-bit hash per character: of the shingle that starts there.

    The last four positions of a row start no shingle; they repeat the row's first hash, which changes no set and no
    minimum. A row shorter than a shingle becomes empty.
    """
    lengths = np.diff(characters.bounds)
    if (short := (lengths > 0) & (lengths < SHINGLE)).any():
        characters = keep_values(characters, ~short[_owners(characters.bounds)])
        lengths = np.diff(characters.bounds)
    count = len(characters.values)
    codes = np.zeros(count + SHINGLE - 1, np.uint64)
    codes[:count] = characters.values & np.uint32(CODE_MASK)
    total = codes[:count].copy()
    for offset in range(1, SHINGLE):
        total *= _BASE
        total += codes[offset : offset + count]
    hashes = mix(total)
    full = lengths > 0
    starts = characters.bounds[:-1][full]
    ends = characters.bounds[1:][full]
    for back in range(1, SHINGLE):
        hashes[ends - back] = hashes[starts]
    return Ragged(hashes, characters.bounds)


def extend_hash(hashes: U64, codes: U32) -> U64:
    """Return the polynomial hashes of strings lengthened by one code point each: h * _BASE + code."""
    return hashes * _BASE + codes


def mix(values: U64) -> U64:
    """Return splitmix64's finalizer of `values`: every input bit reaches every output bit."""
    mixed = values ^ (values >> np.uint64(30))
    mixed *= _MULTIPLY_1
    mixed ^= mixed >> np.uint64(27)
    mixed *= _MULTIPLY_2
    mixed ^= mixed >> np.uint64(31)
    return mixed


def shingles(text: str, mask: Mask | None = None) -> U64:
    """Return the set of shingle hashes of `text` as a sorted array; empty if it is shorter than a shingle."""
    folded = fold_batch([text])
    return shingle_set(folded if mask is None else mask(folded))


def shingle_set(folded: Ragged[np.uint32]) -> U64:
    """Return the shingles of a single folded text (a ragged array of one row) as a sorted array without repeats."""
    return shingle_sets(folded)[0]


def shingle_sets(folded: Ragged[np.uint32]) -> list[U64]:
    """Return the shingles of each folded text as a sorted array without repeats."""
    hashes = shingle_hashes(letters(folded))
    return [_distinct(hashes.row(index)) for index in range(len(hashes.bounds) - 1)]


def _distinct(values: U64) -> U64:
    """Return `values` sorted and without repeats (several times faster than numpy's `unique`)."""
    ordered = np.sort(values)
    new = np.ones(len(ordered), np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    return ordered[new]


def overlap(left: U64, right: U64, least: int = 0) -> int:
    """Return how many shingles two sorted shingle sets share; any number below `least` where they share fewer."""
    if _native is not None:
        return int(_native.overlap(left, right, least))
    return _overlap(left, right)


def _overlap(left: U64, right: U64) -> int:
    """Return the same by sorting."""
    both = np.concatenate([left, right])
    both.sort(kind="stable")  # merges two sorted runs in linear time
    return int(np.count_nonzero(both[1:] == both[:-1]))


def jaccard(left: U64, right: U64, least: float = 0.0) -> float:
    """Return the exact Jaccard similarity of two shingle sets; 0.0 when either is empty (short texts never match).

    Where it is below `least`, it may be any number below.
    """
    if not len(left) or not len(right):
        return 0.0
    both = len(left) + len(right)
    shared = overlap(left, right, least_shared(least, both))
    return shared / (both - shared)


def least_shared(similarity: float, both: int) -> int:
    """Return how many shingles two sets, of `both` together, share at least if their Jaccard is `similarity` or more."""
    # One less, so that no rounding of the division is worth a pair.
    return max(0, int(similarity * both / (1 + similarity)) - 1)


def containment(inner: U64, outer: U64) -> float:
    """Return the share of `inner`'s shingles that `outer` holds too; 0.0 when `inner` is empty."""
    return overlap(inner, outer) / len(inner) if len(inner) else 0.0


# --- signatures and keys --------------------------------------------------------------------------------------------


def signatures(hashes: Ragged[np.uint64]) -> U16:
    """Return the (n, ROWS) one-permutation MinHash signatures; rows of an empty text are all 0xFFFF.

    A value's top seven bits choose its bin, a bin keeps its minimum, an empty bin borrows from a full one (optimal
    densification: Shrivastava 2017), and the low 16 bits stay (b-bit MinHash: Li and Koenig 2010).
    """
    count = len(hashes.bounds) - 1
    minima = np.full(count * ROWS, _EMPTY, np.uint64)
    bins = (hashes.values >> np.uint64(57)).astype(np.int64)
    bins += np.repeat(np.arange(count, dtype=np.int64) * ROWS, np.diff(hashes.bounds))
    np.minimum.at(minima, bins, hashes.values)
    return (_densify(minima.reshape(count, ROWS)) & np.uint64(0xFFFF)).astype(np.uint16)


def _densify(minima: U64) -> U64:
    """Fill the empty bins of each row that has a full one, probing `probes` in order; return `minima`, changed."""
    lacking = np.flatnonzero((minima == _EMPTY).any(axis=1) & (minima != _EMPTY).any(axis=1))
    original = minima[lacking]
    filled = original.copy()
    for probe in probes():
        empty = filled == _EMPTY
        if not empty.any():
            break
        filled = np.where(empty, original[:, probe], filled)
    minima[lacking] = filled
    return minima


@lru_cache(maxsize=1)
def probes() -> I64:
    """Return which bin each bin borrows from at each attempt: 32 fixed random choices, then every bin in turn."""
    attempts = np.arange(32 * ROWS, dtype=np.uint64) + np.uint64(1)
    random = (mix(attempts * _BASE) >> np.uint64(57)).astype(np.int64).reshape(32, ROWS)
    turns = (np.arange(ROWS)[None, :] + np.arange(1, ROWS)[:, None]) % ROWS
    return np.concatenate([random, turns])


def band_keys(signature_rows: U16) -> U64:
    """Return the (n, BANDS) keys of signatures: 64 bits mixed from a band's six rows and its number."""
    rows = signature_rows[:, : BANDS * BAND_ROWS].reshape(-1, BANDS, BAND_ROWS).astype(np.uint64)
    high = rows[:, :, 0] | rows[:, :, 1] << np.uint64(16) | rows[:, :, 2] << np.uint64(32)
    low = rows[:, :, 3] | rows[:, :, 4] << np.uint64(16) | rows[:, :, 5] << np.uint64(32)
    low += np.arange(1, BANDS + 1, dtype=np.uint64)[None, :] << np.uint64(48)
    return mix(mix(high) + low * _BASE)


def anchor_keys(hashes: Ragged[np.uint64]) -> Ragged[np.uint64]:
    """Return the keys of each text's anchors, without repeats: its ANCHOR_CAP smallest below 2**64 / ANCHOR_RATE."""
    small = keep_values(hashes, hashes.values < np.uint64((1 << 64) // ANCHOR_RATE))
    rows = [_distinct(small.row(index))[:ANCHOR_CAP] for index in range(len(hashes.bounds) - 1)]
    keys = np.concatenate([*rows, np.empty(0, np.uint64)])
    return Ragged(mix(keys ^ _ANCHOR_TAG), _bounds(np.fromiter(map(len, rows), np.int64, len(rows))))


def agreement(signature: U16, others: U16) -> NDArray[np.float64]:
    """Return the estimated Jaccard of one signature (ROWS,) with each of `others` (n, ROWS)."""
    estimate: NDArray[np.float64] = np.mean(others == signature[None, :], axis=1)
    return estimate


def fingerprint(texts: Sequence[str], mask: Mask | None = None) -> Prints:
    """Return the fingerprints of `texts`, with `mask` applied to the folds before shingling where one is given.

    Content hashes are always of the unmasked fold.
    """
    return _concatenate([_fingerprint_chunk(chunk, mask) for chunk in chunks(texts)])


def chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield slices of `texts` of bounded total length (a longer text stands alone)."""
    first = size = 0
    for index, text in enumerate(texts):
        if size and size + len(text) > _CHUNK:
            yield texts[first:index]
            first, size = index, 0
        size += len(text)
    if first < len(texts):
        yield texts[first:]


def _fingerprint_chunk(texts: Sequence[str], mask: Mask | None) -> Prints:
    folded = fold_batch(texts)
    values = shingle_hashes(letters(folded if mask is None else mask(folded)))
    signature_rows = signatures(values)
    return Prints(_hash_folds(folded), np.diff(folded.bounds), signature_rows, _index_keys(signature_rows, values))


def _index_keys(signature_rows: U16, hashes: Ragged[np.uint64]) -> Ragged[np.uint64]:
    bands = band_keys(signature_rows)
    anchors = anchor_keys(hashes)
    full = np.diff(hashes.bounds) > 0
    rows = [
        np.concatenate([bands[index], anchors.row(index)]) if full[index] else bands[index][:0]
        for index in range(len(full))
    ]
    values = np.concatenate([*rows, np.empty(0, np.uint64)])
    return Ragged(values, _bounds(np.fromiter(map(len, rows), np.int64, len(rows))))


def _concatenate(parts: Sequence[Prints]) -> Prints:
    if not parts:
        nothing = Ragged(np.empty(0, np.uint64), np.zeros(1, np.int64))
        return Prints([], np.empty(0, np.int64), np.empty((0, ROWS), np.uint16), nothing)
    lengths = np.concatenate([np.diff(part.keys.bounds) for part in parts])
    return Prints(
        [value for part in parts for value in part.content_hashes],
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.signatures for part in parts]),
        Ragged(np.concatenate([part.keys.values for part in parts]), _bounds(lengths)),
    )


def candidate_pairs(keys: U64) -> I64:
    """Return the (m, 2) pairs of rows i < j of an (n, BANDS) key array that share a key in some column, in order.

    For batches held in memory; `corpus.dedup` finds the same through its index.
    """
    found = [np.empty(0, np.int64)]
    count = len(keys)
    for column in range(keys.shape[1]):
        order = np.argsort(keys[:, column], kind="stable")
        ordered = keys[order, column]
        distance = 1
        while (same := np.flatnonzero(ordered[distance:] == ordered[:-distance])).size:
            first, second = order[same], order[same + distance]
            found.append(np.minimum(first, second) * count + np.maximum(first, second))
            distance += 1
    pairs = np.unique(np.concatenate(found))
    return np.stack([pairs // max(count, 1), pairs % max(count, 1)], axis=1)
