import numpy as np
from numpy.typing import NDArray

from cleaning.native._score import Scorer

def swapped(
    scorer: Scorer, old: NDArray[np.uint32], new: NDArray[np.uint32], gain: float
) -> list[tuple[int, int]]:
    """Return the stretches that read best as `new` where everything else stays `old`, without `old[0]`."""

def high_runs(text: str) -> tuple[int, int]:
    """Return how many characters of `text` stand above ASCII, and how many of them with ASCII on either side."""

def line_counts(text: str, bounds: list[tuple[int, int]], kinds: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Return of each line how many characters stand above ASCII, how many of them alone, how many `kinds` marks.

    `kinds` says so by code point of the basic plane.
    """

def has_near(text: str, kinds: NDArray[np.uint8]) -> bool:
    """Tell whether two characters that `kinds` marks by BMP code point stand side by side or with one between them."""

def in_ranges(points: NDArray[np.uint32], ranges: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Return how many of `points` stand above ASCII, and how many of these in the half-open range that has most."""

def utf8_regions(data: bytes, starts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (first, last) of `starts` that are edges of characters of UTF-8 in each run of these, where they are two."""

def hits(
    text: str, relations: NDArray[np.uint32], next_bit: int, swaps: int, three: int, first: bool
) -> list[int]:
    """Return where a suspicious group of characters begins; the `first` alone if only that is asked for."""
