"""Template masking: what is left of an article when its lender, place and number names are taken out.

Farms print one article under fifty lender and city names. Two texts that are equal (or nearly) after masking are
copies by template, whatever their plain Jaccard. Masking works on folded texts, many at once, and is only ever applied
to both sides of a comparison: a name that is also an ordinary word (白银, 还呗) is masked on both sides and does no harm.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.lenders import lenders
from corpus.fingerprint import (
    CLASS_SHIFT,
    CODE_MASK,
    HAN,
    I64,
    NUMBER,
    U32,
    U64,
    Ragged,
    decode,
    fold,
    fold_batch,
    keep_values,
    mix,
    polynomial,
)

MaskKind = Literal["lender", "place"]

PLACEHOLDERS: dict[MaskKind, str] = {"lender": "\N{SQUARE LOZENGE}", "place": "\N{BULLSEYE}"}
"""What stands in a masked text for a name; no fold contains these characters."""

NUMERALS = "〇零一二三四五六七八九十百千万亿两"
"""Number characters, dropped by masking wherever they stand (三个月 and 六个月 are the same template)."""

LENDER_SUFFIXES = ("金融", "消费金融", "网贷", "小贷", "借贷", "借款", "贷款", "平台")
"""What follows a lender's name as a part of it or not, from copy to copy: 小米, 小米金融 and 小米网贷 are masked alike."""

LONGEST_NAME = 24
"""Names of more folded characters than this are cut: their head is enough to find them."""


class Match(NamedTuple):
    """A name found in a folded text: half-open offsets into the fold, and what it names."""

    start: int
    end: int
    kind: MaskKind


class Masker:
    """Masks lender names, place names and numbers in folded texts.

    `version` is a digest of the names: an index made under another version must be made again.
    """

    def __init__(self, lenders: Iterable[str], places: Iterable[str]) -> None:
        names = _folded_names(lenders, places)
        self.version = hashlib.blake2b(repr(sorted(names.items())).encode(), digest_size=8).hexdigest()
        self._tables = _tables(names)
        self._first = np.zeros(CODE_MASK + 1 >> 3, np.bool_)
        self._second = np.zeros(CODE_MASK + 1 >> 3, np.bool_)
        for name in names:
            self._first[ord(name[0])] = True
            self._second[ord(name[1])] = True

    def mask(self, text: str) -> str:
        """Return the fold of `text` with placeholders for names and without numbers."""
        return decode(self.mask_folded(fold_batch([text])).values)

    def mask_folded(self, folded: Ragged[np.uint32]) -> Ragged[np.uint32]:
        """Return folded texts with each name (or run of names of one kind) as one placeholder, and without numbers."""
        values = folded.values.copy()
        keep = ~_is_number(values)
        for start, end, kind in self._matches(folded):
            values[start] = _placeholder(kind)
            keep[start] = True
            keep[start + 1 : end] = False
        return _collapse(keep_values(Ragged(values, folded.bounds), keep))

    def matches(self, text: str) -> list[Match]:
        """Return the names in `text`, in order; their spans are in its fold."""
        return self._matches(fold_batch([text]))

    def names(self, folded: Ragged[np.uint32]) -> list[frozenset[str]]:
        """Return the set of names in each folded text."""
        key = decode(folded.values)
        found: list[set[str]] = [set() for _ in folded.bounds[1:]]
        matches = self._matches(folded)
        rows = np.searchsorted(folded.bounds, [match.start for match in matches], side="right") - 1
        for row, match in zip(rows.tolist(), matches):
            found[row].add(key[match.start : match.end])
        return [frozenset(group) for group in found]

    def _matches(self, folded: Ragged[np.uint32]) -> list[Match]:
        """Return the leftmost longest matches in the whole flat array; none crosses from one text into the next."""
        codes = folded.values & np.uint32(CODE_MASK)
        starts = np.flatnonzero(self._first[codes[:-1]] & self._second[codes[1:]])
        room = folded.bounds[np.searchsorted(folded.bounds, starts, side="right")] - starts
        lengths, kinds = self._longest(codes, starts, room)
        found = np.flatnonzero(lengths)
        return _leftmost(starts[found], lengths[found], kinds[found])

    def _longest(self, codes: U32, starts: I64, room: I64) -> tuple[I64, NDArray[np.uint8]]:
        """Return, for each start, the length of the longest name there (0 for none) and its kind's number."""
        lengths = np.zeros(len(starts), np.int64)
        kinds = np.zeros(len(starts), np.uint8)
        for length, hashes, table_kinds in self._tables:
            fits = np.flatnonzero((room >= length) & (lengths == 0))
            windows = codes[starts[fits][:, None] + np.arange(length)].astype(np.uint64)
            places, hit = _lookup(hashes, _name_hashes(windows))
            lengths[fits[hit]] = length
            kinds[fits[hit]] = table_kinds[places[hit]]
        return lengths, kinds


_KINDS: tuple[MaskKind, ...] = ("lender", "place")
_Table = tuple[int, U64, NDArray[np.uint8]]


def _folded_names(lenders: Iterable[str], places: Iterable[str]) -> dict[str, MaskKind]:
    """Return the folded names of at least two characters; a name that is both counts as a lender."""
    names: dict[str, MaskKind] = {fold(name)[:LONGEST_NAME]: "place" for name in places}
    names.update({fold(name)[:LONGEST_NAME]: "lender" for name in lenders})
    return {name: kind for name, kind in names.items() if len(name) > 1}


def _tables(names: dict[str, MaskKind]) -> list[_Table]:
    """Return, for each length of name, longest first: the sorted hashes of the names and their kinds' numbers."""
    tables = []
    for length in sorted({len(name) for name in names}, reverse=True):
        group = [name for name in names if len(name) == length]
        hashes = _name_hashes(np.array([[ord(character) for character in name] for name in group], np.uint64))
        order = np.argsort(hashes)
        kinds = np.array([_KINDS.index(names[name]) for name in group], np.uint8)
        tables.append((length, hashes[order], kinds[order]))
    return tables


def _name_hashes(windows: U64) -> U64:
    """Return one hash per row of an (n, length) array of code points."""
    return mix(polynomial([windows[:, column] for column in range(windows.shape[1])]))


def _lookup(hashes: U64, wanted: U64) -> tuple[I64, I64]:
    """Return where each wanted hash would stand in the sorted `hashes`, and the indices of those that do stand there."""
    places = np.searchsorted(hashes, wanted)
    places[places == len(hashes)] = 0
    return places.astype(np.int64), np.flatnonzero(hashes[places] == wanted)


def _leftmost(starts: I64, lengths: I64, kinds: NDArray[np.uint8]) -> list[Match]:
    matches = []
    free = 0
    for start, length, kind in zip(starts.tolist(), lengths.tolist(), kinds.tolist()):
        if start >= free:
            free = start + length
            matches.append(Match(start, free, _KINDS[kind]))
    return matches


def _is_number(values: U32) -> NDArray[np.bool_]:
    numeral = np.zeros(len(values), np.bool_)
    for character in NUMERALS:
        numeral |= (values & np.uint32(CODE_MASK)) == ord(character)
    numeral |= values >> np.uint32(CLASS_SHIFT) == NUMBER
    return numeral


def _placeholder(kind: MaskKind) -> int:
    # Counted as Han, so that it stays among the characters that shingles are made of.
    return ord(PLACEHOLDERS[kind]) | HAN << CLASS_SHIFT


def _collapse(masked: Ragged[np.uint32]) -> Ragged[np.uint32]:
    """Return `masked` with runs of one placeholder as one (湖南省长沙市 is one place)."""
    values = masked.values
    repeated = np.zeros(len(values), np.bool_)
    if len(values) > 1:
        marks = [_placeholder(kind) for kind in _KINDS]
        repeated[1:] = (values[1:] == values[:-1]) & np.isin(values[1:], marks)
        inner = masked.bounds[1:-1]
        repeated[inner[inner < len(values)]] = False
    return keep_values(masked, ~repeated) if repeated.any() else masked


@lru_cache(maxsize=1)
def place_names() -> tuple[str, ...]:
    """Return the names of China's provinces and prefecture-level divisions, short and full (`data/places.toml`)."""
    data = tomllib.loads(files("corpus").joinpath("data/places.toml").read_text(encoding="utf-8"))
    short: Sequence[str] = [*data["municipalities"], *data["provinces"], *data["prefectures"]]
    return (*short, *data["full"], *(name + suffix for name in short for suffix in data["suffixes"]))


@lru_cache(maxsize=1)
def default_masker() -> Masker:
    """Return the masker of the names that this version knows."""
    aliases = [alias for lender in lenders() for alias in lender.aliases]
    return Masker((*aliases, *(alias + suffix for alias in aliases for suffix in LENDER_SUFFIXES)), place_names())
