from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cleaning.native._pieces import Pieces
from cleaning.native._score import Scorer
from cleaning.repair.chains import Writer

_Sources = Callable[[str], tuple[bytes, ...]]
_Leads = Callable[[bytes, int, Writer], str]
_Trails = Callable[[bytes, bytes, Writer], str]

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
    def solve(self, span: str, left: str, right: str) -> list[Pieces]:
        """Return the readings of `span` in pieces, the likeliest first; none where it can't have been read so.

        Raises ValueError when a character of the span is never shown by the decoder.
        """
