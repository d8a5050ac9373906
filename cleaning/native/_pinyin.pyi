from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cleaning.repair.readings import Reading
from cleaning.repair.tokens import Token

def insertions(
    text: str,
    kinds: NDArray[np.uint8],
    units: NDArray[np.uint16],
    pairs: NDArray[np.uint32],
    known: Callable[[str], Reading | None],
    token: type[Token],
) -> tuple[list[Token], int]:
    """Return (the insertions of one line whose reading is `known`, where the last one ends)."""

def counted(text: str) -> dict[str, int]:
    """Return how often each character stands in `text`."""

def injected(
    data: bytes, numbers: NDArray[np.uint16], encoded: tuple[bytes, ...]
) -> tuple[list[int], bytes | None]:
    """Return (where the windows that are entries begin; `data` with the insertion behind each, None without `encoded`)."""
