from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cleaning.repair.chains import Reader, Writer
from cleaning.repair.lattice import Cell, Options
from cleaning.repair.search import Group
from cleaning.repair.solve import Kind, Piece

Trail = tuple[object, ...] | None
"""The pieces of a reading so far, newest first: (the trail before, start, end, text, kind, options of a lost byte)."""

_Sources = Callable[[str], tuple[bytes, ...]]
_Leads = Callable[[bytes, int, Writer], str]
_Trails = Callable[[bytes, bytes, Writer], str]

class Scorer:
    """The bigram model's tables; log-probabilities come out as floats, in nats."""

    def __init__(
        self,
        dense: NDArray[np.uint8],
        rows: NDArray[np.uint32],
        columns: NDArray[np.uint32],
        ids: NDArray[np.uint32],
        rare: NDArray[np.uint8],
        begin: NDArray[np.int16],
        boundary: NDArray[np.int16],
        pairs: NDArray[np.uint32],
        values: NDArray[np.uint8],
        firsts: NDArray[np.uint32],
    ) -> None: ...
    def total(self, text: str, last: str) -> float:
        """Return the sum of log P(character | the one before it) over `text`, which follows the one character `last`."""
    def likely(self, text: str, floor: float) -> int:
        """Return how many characters of `text` have at least log-probability `floor` after the one before them."""

def swapped(
    scorer: Scorer, old: NDArray[np.uint32], new: NDArray[np.uint32], gain: float
) -> list[tuple[int, int]]:
    """Return the stretches that read best as `new` where everything else stays `old`, without `old[0]`."""

def hybrid_line(
    scorer: Scorer,
    line: str,
    left: str,
    table: NDArray[np.uint32],
    singles: bytearray,
    piece: type[Piece],
    per_byte: float,
    bad_byte: float,
    width: float,
) -> list[Piece] | None:
    """Return the pieces of the likeliest reading of one line of a hybrid; None where it has none."""

def moved(pieces: Iterable[Piece], by: int, piece: type[Piece]) -> list[Piece]:
    """Return `pieces` so many characters further on."""

def pair_texts(table: NDArray[np.uint32], leads: bytes, trails: bytes) -> str:
    """Return the characters that one of `leads` makes with one of `trails`, each once, in order."""

def most_common(scorer: Scorer, text: str, most: int) -> str:
    """Return the `most` commonest characters of `text`, in their order; of equals those that come first."""

class Pairs:
    """The search through spans that one decoder of pairs, or of single bytes, read and that hold pairs of another."""

    def __init__(
        self,
        scorer: Scorer,
        tables: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]],
        written: tuple[NDArray[np.uint32], list[str]],
        asked: tuple[_Sources, Callable[[str, bytes], bytes], _Leads, _Trails],
        piece: type[tuple[object, ...]],
        weights: NDArray[np.int64],
        writer: str,
        single_bytes: bool,
        bad_byte: float,
        beam: int,
        width: float,
        look_ahead: int,
        soon: int,
        hopeless: float,
        sure: float,
    ) -> None: ...
    def solve(self, span: str, left: str) -> list[Trail]:
        """Return the trails of the readings of `span`, the likeliest first; none where it can't have been read so.

        Raises ValueError when a character of the span is never shown by the decoder.
        """
    def pieces(self, trail: Trail, left: str, right: str) -> list[Piece]:
        """Return the pieces of a reading in order, its fills judged again between both neighbours."""

class Fillings:
    """Broken places of UTF-8, filled with every byte string that may have been lost there."""

    def __init__(self, lost: Callable[[bytes, Reader, str | None], bytes], hole: int, unmarked: int) -> None: ...
    def texts(
        self,
        raw: bytes,
        options: tuple[bytes, ...],
        edges: tuple[int, ...],
        tail: bytes,
        reader: Reader,
        mark: str | None,
        most: int,
    ) -> list[str]:
        """Return the texts of `raw`, one broken character, with lost bytes filled in; each text once.

        `options` are what its one choice stands for, `edges` the places where an unmarked byte may be wanting, `tail`
        the bytes behind it, which decide what `reader` loses and shows as `mark`. No more than `most` are tried.
        """

def shown_as(texts: Iterable[str], lengths: NDArray[np.uint8], sources: _Sources) -> list[str]:
    """Return those of `texts` of which every character has bytes: `lengths` by BMP code point, `sources` for any other."""

def written_as(
    texts: tuple[str, ...], lengths: NDArray[np.uint8], parts: NDArray[np.uint8], sources: _Sources
) -> tuple[bytes, ...]:
    """Return the bytes of each of `texts`, each byte string once: `lengths` and `parts` by BMP code point."""

def commonest(scorer: Scorer, texts: list[str], most: int) -> list[str]:
    """Return the `most` texts whose characters are commonest, these first; of equals those that come first."""

class Filler:
    """The choice between what broken places can have been, by two neighbours on either side."""

    def __init__(
        self,
        scorer: Scorer,
        keys: NDArray[np.uint32],
        values: NDArray[np.uint8],
        backoff: NDArray[np.uint8],
        starts: NDArray[np.uint32],
        weights: NDArray[np.int64],
        bits: int,
        near: float,
        sure: float,
    ) -> None: ...
    def triples(self, text: str) -> float:
        """Return the sum of log P(third | first, second) over `text`, for tests."""
    def fill(
        self,
        cells: Sequence[Cell],
        left: str,
        right: str,
        sides: Sequence[tuple[str, str]],
        foreign: NDArray[np.int16] | None,
    ) -> tuple[list[str], list[bool]]:
        """Return the likeliest text of every cell, and of each whether the model is sure of it.

        `foreign` is what each character costs, or None.
        """

def span_bytes(
    span: str,
    lengths: NDArray[np.uint8],
    parts: NDArray[np.uint8],
    starts: NDArray[np.int64],
    sources: _Sources,
    unshown: int,
    settle: bool,
) -> bytes | None:
    """Return the bytes of `span`, and write into `starts` where each character's begin; None where one has none.

    `lengths` and `parts` say by BMP code point how many bytes a character stands for and which, `sources` of any other.
    `unshown` is a byte for a character without any, or -1. `settle` asks which euro signs are cp936's 0x80.
    """

def layer_cells(
    data: bytes,
    places: list[tuple[int, int, str]],
    begins: bytes,
    tail_of: Callable[[bytes], bytes],
    solve: Callable[[bytes, bytes, bytes, int, int], Options],
    choice: int,
    cell: type[Cell],
    known: dict[tuple[bytes, bytes, bytes], Options],
) -> list[Cell]:
    """Return the cells of a layer; `solve` is asked once of what is alike, which `known` keeps, and each time where it
    has a choice.
    """

def layer_pieces(
    cells: list[Cell], best: list[str], sure: list[bool], starts: NDArray[np.int64], piece: type[Piece]
) -> list[Piece]:
    """Return the pieces of a reading in characters; one that ends inside a character ends where it starts."""

def groups(
    pieces: list[Piece], length: int, group: type[Group], kinds: dict[Kind, frozenset[Kind]]
) -> tuple[list[Group], list[str]]:
    """Return the groups of `pieces`, and the text that the proof of each runs on."""

def merged(found: list[Group], span: str, sure: frozenset[Kind]) -> list[tuple[int, int, str, bool]]:
    """Return (start, end, text, sure) of proved groups, neighbours that are as sure joined, none that changes nothing."""

def high_runs(text: str) -> tuple[int, int]:
    """Return how many characters of `text` stand above ASCII, and how many of them with ASCII on either side."""

def has_near(text: str, kinds: NDArray[np.uint8]) -> bool:
    """Tell whether two characters that `kinds` marks by BMP code point stand side by side or with one between them."""

def in_ranges(points: NDArray[np.uint32], ranges: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Return how many of `points` stand above ASCII, and how many of these in the half-open range that has most."""

def aligned(data: bytes, runs: list[tuple[int, int]], starts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (first, last) of `starts` that are edges of sequences of UTF-8 in each of `runs`, where these are two."""

def broken_places(data: bytes, shown: str, mark: str | None) -> list[tuple[int, int, str]]:
    """Return where `data` is UTF-8, with its text, and where it is broken ("" for text).

    `shown` is `data` decoded with escapes for what does not decode; `mark` may stand for lost bytes.
    """

def shown_apart(shown: str, found: list[Group], proofs: list[str], span: str) -> list[bool]:
    """Return of each group whether its proof is shown as the span has it; `shown` has all of them, a line or more each."""

def count_of(text: str, kinds: NDArray[np.uint8], planes: NDArray[np.uint8]) -> int:
    """Return how many characters of `text` count: `kinds` says so by BMP code point, `planes` of the 17 planes."""

def decode_torn(data: bytes, table: NDArray[np.uint32], mark: str, swallows: bool) -> tuple[str, bool] | None:
    """Return (text, whether it ends in a stranded lead byte) of GBK bytes with torn pairs; None where a pair is nothing.

    A stranded byte shows as `mark`, or as this project's marker where that is empty; `swallows` says whether a byte of
    0x21 to 0x3F goes with it.
    """

def hits(
    text: str, relations: NDArray[np.uint32], next_bit: int, swaps: int, three: int, first: bool
) -> list[int]:
    """Return where a suspicious group of characters begins; the `first` alone if only that is asked for."""
