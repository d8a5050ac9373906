from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
    def beside(self, text: str, bounds: Sequence[tuple[int, int]]) -> tuple[int, float]:
        """Return how many characters of `text` outside ordered bounds are neither ASCII nor a hole, and the sum of their
        log P."""
    def likely(self, text: str, floor: float) -> int:
        """Return how many characters of `text` have at least log-probability `floor` after the one before them."""

def count_of(text: str, kinds: NDArray[np.uint8], planes: NDArray[np.uint8]) -> int:
    """Return how many characters of `text` count: `kinds` says so by BMP code point, `planes` of the 17 planes."""
