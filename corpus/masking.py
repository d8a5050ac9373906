"""Template masking: what is left of an article when its lender, place and number names are taken out.

Farms print one article under fifty lender and city names. Two texts that are equal (or nearly) after masking are
copies by template, whatever their plain Jaccard. Masking works on folded texts, many at once, and is only ever applied
to both sides of a comparison: a name that is also an ordinary word (白银, 还呗) is masked on both sides and does no harm.
"""

from __future__ import annotations

import hashlib
import sys
import tomllib
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.lenders import lenders
from cleaning.native import available
from corpus.fingerprint import (
    CLASS_SHIFT,
    CODE_MASK,
    HAN,
    I64,
    NUMBER,
    U32,
    U64,
    Print,
    Ragged,
    chunks,
    decode,
    expansions,
    extend_hash,
    fingerprint,
    fold_batch,
    fold_table,
    folds,
    hash_fold,
    keep_values,
    probes,
    shingle_sets,
)

_native = available("_prints") if sys.byteorder == "little" else None

MaskKind = Literal["lender", "place"]

PLACEHOLDERS: dict[MaskKind, str] = {"lender": "\N{SQUARE LOZENGE}", "place": "\N{BULLSEYE}"}
"""What stands in a masked text for a name; no fold contains these characters."""

NUMERALS = "〇零一二三四五六七八九十百千万亿两"
"""Number characters, dropped by masking wherever they stand (三个月 and 六个月 are the same template)."""

LENDER_SUFFIXES = ("金融", "消费金融", "网贷", "小贷", "借贷", "借款", "贷款", "平台")
"""What follows a lender's name and is masked with it: 小米, 小米金融 and 小米网贷 are one lender in a template."""

LONGEST_NAME = 24
"""Names of more folded characters than this are cut: their head is enough to find them."""


class Match(NamedTuple):
    """A name found in a folded text: half-open offsets into the fold, and what it names."""

    start: int
    end: int
    kind: MaskKind


class Sets(NamedTuple):
    """The shingle sets of a text, as it is and masked, and the names that were masked."""

    plain: U64
    masked: U64
    names: frozenset[str]


class Masker:
    """Masks lender names, place names and numbers in folded texts.

    `version` is a digest of the names: an index made under another version must be made again.
    """

    def __init__(self, lenders: Iterable[str], places: Iterable[str]) -> None:
        names = _folded_names(lenders, places)
        self.version = hashlib.blake2b(repr(sorted(names.items())).encode(), digest_size=8).hexdigest()
        self._tables = _tables(names)
        self._suffixes = _tables(dict.fromkeys(LENDER_SUFFIXES, "lender"))
        self._numerals = _character_table(NUMERALS)
        self._first = _character_table(name[0] for name in names)
        self._reach = _reach(names)

    def prints(self, texts: Sequence[str]) -> list[Print]:
        """Return the fingerprints of `texts`, masked before shingling."""
        if _native is None:
            return fingerprint(texts, self.mask_folded).each()
        return [self._print(text) for text in texts]

    def _print(self, text: str) -> Print:
        folded, length, keys = self._printer.keys(text) or self._printer.keys(text.translate(expansions()))
        return Print(hash_fold(folded), length, keys)

    def sets(self, texts: Sequence[str]) -> list[Sets]:
        """Return the shingle sets of `texts`, and the names in them."""
        if _native is None:
            return [sets for chunk in chunks(texts) for sets in self._sets_of(fold_batch(chunk))]
        return [self._sets(text) for text in texts]

    def _sets_of(self, folded: Ragged[np.uint32]) -> list[Sets]:
        return list(map(Sets, shingle_sets(folded), shingle_sets(self.mask_folded(folded)), self.names(folded)))

    def _sets(self, text: str) -> Sets:
        room = np.empty((2, len(text) + 1), np.uint64)
        found = self._printer.sets(text, *room)
        if found is None:
            return self._sets(text.translate(expansions()))
        plain, masked, names = found
        return Sets(_distinct(room[0, :plain]), _distinct(room[1, :masked]), names)

    @cached_property
    def _printer(self) -> Any:  # noqa: ANN401  # of a module that may not be there
        assert _native is not None
        tables = (
            [(length, hashes.tolist(), kinds.tolist()) for length, hashes, kinds in tables]
            for tables in (self._tables, self._suffixes)
        )
        first, numerals = (table.view(np.uint8) for table in (self._first, self._numerals))
        rows = probes().astype(np.uint8)
        return _native.Printer(
            fold_table(), first, self._reach, numerals, rows, *tables, _PLACEHOLDER_VALUES.tolist()
        )

    def mask(self, text: str) -> str:
        """Return the fold of `text` with placeholders for names and without numbers."""
        return decode(self.mask_folded(fold_batch([text])).values)

    def mask_folded(self, folded: Ragged[np.uint32]) -> Ragged[np.uint32]:
        """Return folded texts with each name (or run of names of one kind) as one placeholder, and without numbers."""
        values = folded.values.copy()
        keep = values >> np.uint32(CLASS_SHIFT) != NUMBER
        keep &= ~self._numerals[values & np.uint32(CODE_MASK)]
        found = self._found(folded)
        keep[_inside(found.starts, found.ends)] = False
        keep[found.starts] = True
        values[found.starts] = _PLACEHOLDER_VALUES[found.kinds]
        return _collapse(keep_values(Ragged(values, folded.bounds), keep))

    def matches(self, text: str) -> list[Match]:
        """Return the names in `text`, in order; their spans are in its fold."""
        found = self._found(fold_batch([text]))
        rows = zip(found.starts.tolist(), found.ends.tolist(), found.kinds.tolist())
        return [Match(start, end, _KINDS[kind]) for start, end, kind in rows]

    def names(self, folded: Ragged[np.uint32]) -> list[frozenset[str]]:
        """Return the set of names in each folded text."""
        key = decode(folded.values)
        names: list[set[str]] = [set() for _ in folded.bounds[1:]]
        found = self._found(folded)
        rows = np.searchsorted(folded.bounds, found.starts, side="right") - 1
        for row, start, end in zip(rows.tolist(), found.starts.tolist(), found.ends.tolist()):
            names[row].add(key[start:end])
        return [frozenset(group) for group in names]

    def _found(self, folded: Ragged[np.uint32]) -> _Found:
        """Return the leftmost longest matches in the whole flat array; none crosses from one text into the next."""
        codes = folded.values & np.uint32(CODE_MASK)
        starts = np.flatnonzero(self._first[codes[:-1]])
        reach = self._reach[_head(codes[starts], codes[starts + 1])]
        starts, reach = starts[reach > 0], reach[reach > 0]
        ends_of_texts = folded.bounds[np.searchsorted(folded.bounds, starts, side="right")]
        lengths, kinds = _longest(self._tables, codes, starts, np.minimum(reach, ends_of_texts - starts))
        matched = np.flatnonzero(lengths)
        found = _Found(starts[matched], (starts + lengths)[matched], kinds[matched])
        self._take_suffixes(codes, found, ends_of_texts[matched])
        return _leftmost(found)

    def _take_suffixes(self, codes: U32, found: _Found, ends_of_texts: I64) -> None:
        """Lengthen the lenders' names among the matches by the suffix that follows them, if one does."""
        lenders_found = np.flatnonzero(found.kinds == _KINDS.index("lender"))
        after = found.ends[lenders_found]
        suffixes, _ = _longest(self._suffixes, codes, after, ends_of_texts[lenders_found] - after)
        found.ends[lenders_found] += suffixes


def _distinct(values: U64) -> U64:
    """Return `values` sorted and without repeats, in an array of its own; `values` is used up."""
    assert _native is not None
    values.sort()
    return values[: _native.distinct(values, len(values))].copy()


class _Found(NamedTuple):
    """Matches in a flat array of folded texts: half-open spans and the numbers of their kinds."""

    starts: I64
    ends: I64
    kinds: NDArray[np.uint8]


_KINDS: tuple[MaskKind, ...] = ("lender", "place")
_Table = tuple[int, U64, NDArray[np.uint8]]


_HEADS = 1 << 20


def _head(first: U32, second: U32) -> I64:
    """Return a place in a table of _HEADS for each pair of characters; few pairs share one."""
    return (first.astype(np.int64) * 40503 ^ second.astype(np.int64)) & (_HEADS - 1)


def _reach(names: Collection[str]) -> NDArray[np.uint8]:
    """Return, for each pair of characters that begins a name, the length of the longest such name; else 0."""
    reach = np.zeros(_HEADS, np.uint8)
    heads = np.array([[ord(name[0]), ord(name[1])] for name in names], np.uint32).reshape(-1, 2)
    np.maximum.at(reach, _head(heads[:, 0], heads[:, 1]), np.array(list(map(len, names)), np.uint8))
    return reach


def _character_table(characters: Iterable[str]) -> NDArray[np.bool_]:
    table = np.zeros(0x110000, np.bool_)
    table[[ord(character) for character in characters]] = True
    return table


def _longest(tables: Sequence[_Table], codes: U32, starts: I64, room: I64) -> tuple[I64, NDArray[np.uint8]]:
    """Return, for each start, the length of the longest name there (0 for none; at most `room`) and its kind's number."""
    lengths = np.zeros(len(starts), np.int64)
    kinds = np.zeros(len(starts), np.uint8)
    alive = np.arange(len(starts))
    hashes = np.zeros(len(starts), np.uint64)
    done = 0
    for length, names, table_kinds in tables:
        going = room[alive] >= length
        alive, hashes = alive[going], hashes[going]
        for offset in range(done, length):
            hashes = extend_hash(hashes, codes[starts[alive] + offset])
        done = length
        places, hit = _lookup(names, hashes)
        lengths[alive[hit]] = length
        kinds[alive[hit]] = table_kinds[places[hit]]
    return lengths, kinds


def _folded_names(lenders: Iterable[str], places: Iterable[str]) -> dict[str, MaskKind]:
    """Return the folded names of at least two characters; a name that is both counts as a lender."""
    names: dict[str, MaskKind] = {name[:LONGEST_NAME]: "place" for name in folds(list(places))}
    names.update({name[:LONGEST_NAME]: "lender" for name in folds(list(lenders))})
    return {name: kind for name, kind in names.items() if len(name) > 1}


def _tables(names: dict[str, MaskKind]) -> list[_Table]:
    """Return, for each length of name, shortest first: the sorted hashes of the names and their kinds' numbers."""
    tables = []
    for length in sorted({len(name) for name in names}):
        group = [name for name in names if len(name) == length]
        hashes = np.zeros(len(group), np.uint64)
        for offset in range(length):
            hashes = extend_hash(hashes, np.array([ord(name[offset]) for name in group], np.uint32))
        order = np.argsort(hashes)
        kinds = np.array([_KINDS.index(names[name]) for name in group], np.uint8)
        tables.append((length, hashes[order], kinds[order]))
    return tables


def _lookup(hashes: U64, wanted: U64) -> tuple[I64, I64]:
    """Return where each wanted hash would stand in the sorted `hashes`, and the indices of those that do stand there."""
    places = np.searchsorted(hashes, wanted)
    places[places == len(hashes)] = 0
    return places.astype(np.int64), np.flatnonzero(hashes[places] == wanted)


def _leftmost(found: _Found) -> _Found:
    """Return `found` (in order of start) without the matches that begin inside an earlier one that stays."""
    if not (found.starts[1:] < found.ends[:-1]).any():
        return found
    stay = []
    free = 0
    for index, (start, end) in enumerate(zip(found.starts.tolist(), found.ends.tolist())):
        if start >= free:
            free = end
            stay.append(index)
    return _Found(found.starts[stay], found.ends[stay], found.kinds[stay])


def _inside(starts: I64, ends: I64) -> I64:
    """Return every place within the half-open spans."""
    lengths = ends - starts
    before = np.cumsum(lengths) - lengths
    places: I64 = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
    return places


# Counted as Han, so that they stay among the characters that shingles are made of.
_PLACEHOLDER_VALUES = np.array([ord(PLACEHOLDERS[kind]) | HAN << CLASS_SHIFT for kind in _KINDS], np.uint32)


def _collapse(masked: Ragged[np.uint32]) -> Ragged[np.uint32]:
    """Return `masked` with runs of one placeholder as one (湖南省长沙市 is one place)."""
    values = masked.values
    repeated = np.zeros(len(values), np.bool_)
    if len(values) > 1:
        repeated[1:] = (values[1:] == values[:-1]) & np.isin(values[1:], _PLACEHOLDER_VALUES)
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
    return Masker(aliases, place_names())
