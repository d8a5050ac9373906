import numpy as np
from numpy.typing import NDArray

from cleaning.native._pieces import Pieces
from cleaning.native._score import Scorer

def hybrid_line(
    scorer: Scorer,
    line: str,
    left: str,
    table: NDArray[np.uint32],
    singles: bytearray,
    per_byte: float,
    bad_byte: float,
    width: float,
) -> Pieces | None:
    """Return the pieces of the likeliest reading of one line of a hybrid; None where it has none."""
