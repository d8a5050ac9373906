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
        scripts: tuple[NDArray[np.uint8], NDArray[np.uint8]],
        costs: tuple[NDArray[np.int16], NDArray[np.int16]],
    ) -> tuple[list[str], list[bool]]:
        """Return the likeliest text of every cell, and of each whether the model is sure of it.

        `scripts` tells which characters only Simplified text has, and which only Traditional, and `costs` what those of
        the one and of the other cost in a text of the other script.
        """

class Cells:
    """The cells of layers of one kind: which bytes are lost, and what is asked of what they can have been."""

    def __init__(
        self,
        scorer: Scorer,
        fillings: Fillings,
        reader: Reader,
        mark: str | None,
        canon: tuple[bytes, ...] | None,
        firsts: tuple[tuple[bytes, ...], tuple[bytes, ...]],
        cell: type[Cell],
        options: type[Options],
        lengths: NDArray[np.uint8] | None,
        sources: _Sources | None,
        limits: tuple[int, int, int, int],
        sketch: bool,
    ) -> None: ...
    def of(
        self,
        data: bytes,
        places: list[tuple[int, int, str]],
        begins: bytes,
        choices: list[tuple[bytes, ...]],
        mark: int,
        known: dict[tuple[bytes, bytes, bytes], Options],
        solve: Callable[[bytes, bytes, bytes, int, int], Options],
        strict: bool,
    ) -> list[Cell] | None:
        """Return the cells of a layer; None where a `strict` one has a place that allows nothing.

        What is alike is asked once, which `known` keeps, and each time where it has a choice; `solve` is asked what has
        several or is long.
        """

def allows_all(cells: list[Cell]) -> bool:
    """Tell whether every broken place among cells can have been anything."""

def cells_text(cells: list[Cell]) -> str:
    """Return the text of cells, each broken place filled with the first that it allows, or a hole."""

def layer_pieces(
    cells: list[Cell], best: list[str], sure: list[bool], starts: NDArray[np.int64], length: int
) -> Pieces:
    """Return the pieces of a reading in characters; one that ends inside a character ends where it starts."""

def broken_places(data: bytes, shown: str, mark: str | None) -> list[tuple[int, int, str]]:
    """Return where `data` is UTF-8, with its text, and where it is broken ("" for text).

    `shown` is `data` decoded with escapes for what does not decode; `mark` may stand for lost bytes.
    """
