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
    per_byte: float,
    bad_byte: float,
    width: float,
) -> list[tuple[str, int]] | None:
    """Return the links (text put out, where it ends or -1) of a hybrid's likeliest reading; None where it has none."""
