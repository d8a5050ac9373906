from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from cleaning.native._pieces import Pieces
from cleaning.native._score import Scorer
from cleaning.repair.chains import Reader
from cleaning.repair.lattice import Cell, Options

_Sources = Callable[[str], tuple[bytes, ...]]

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
    cells: list[Cell], best: list[str], sure: list[bool], starts: NDArray[np.int64], length: int
) -> Pieces:
    """Return the pieces of a reading in characters; one that ends inside a character ends where it starts."""

def broken_places(data: bytes, shown: str, mark: str | None) -> list[tuple[int, int, str]]:
    """Return where `data` is UTF-8, with its text, and where it is broken ("" for text).

    `shown` is `data` decoded with escapes for what does not decode; `mark` may stand for lost bytes.
    """
