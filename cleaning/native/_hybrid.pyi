from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from cleaning.native._score import Scorer
from cleaning.repair.solve import Piece

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
