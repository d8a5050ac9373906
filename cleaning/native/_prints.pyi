from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Tables = Iterable[tuple[int, Sequence[int], Sequence[int]]]

class Printer:
    """Makes keys and shingle sets of texts, by the tables of `corpus.fingerprint` and one masker."""

    def __init__(
        self,
        table: NDArray[np.uint32],
        first: NDArray[np.uint8],
        reach: NDArray[np.uint8],
        numerals: NDArray[np.uint8],
        probes: NDArray[np.uint8],
        names: Tables,
        suffixes: Tables,
        placeholders: Sequence[int],
    ) -> None:
        """Take the fold of each character; which begin a name, and how long one may be by its first two; which are numerals;

        which bin an empty one borrows from; names and suffixes of lenders by length, with their hashes and kinds; what
        stands for each kind. Raises ValueError for tables of other sizes.
        """

    def keys(self, text: str) -> tuple[bytes, int, bytes] | None:
        """Return the fold in UTF-8, its length in characters, and the index keys in the machine's byte order.

        None for a text with a character that folds to several: they must be put in first.
        """

    def sets(
        self, text: str, plain: NDArray[np.uint64], masked: NDArray[np.uint64]
    ) -> tuple[int, int, frozenset[str]] | None:
        """Write the shingle hashes of the text and of the masked text, with repeats; return their numbers, and the names.

        Each array has room for one more than the text has characters, else ValueError is raised. None as of `keys`.
        """

def overlap(left: NDArray[np.uint64], right: NDArray[np.uint64], least: int) -> int:
    """Return how many values two sorted arrays without repeats share; if fewer than `least`, maybe fewer still."""

def distinct(values: NDArray[np.uint64], count: int) -> int:
    """Leave out repeats of the first `count` values, which are sorted, and return how many there are then."""
