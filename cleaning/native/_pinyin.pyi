from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from cleaning.repair.pinyin import Change
from cleaning.repair.readings import Reading
from cleaning.repair.shifted import Hit
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

def aligned_changes(
    tokens: tuple[Token, ...],
    text: str,
    offset: int,
    runs: list[tuple[int, int]],
    entries: Mapping[str, str],
    site_chars: frozenset[str],
    units: NDArray[np.uint16],
    pairs: NDArray[np.uint32],
    change: type[Change],
    rule: str,
    hits: Callable[[str, str], tuple[Hit]],
    rest: Callable[[str, Token], Change | None],
) -> list[Change]:
    """Return the edits that take insertions out of one line, `text` at `offset` of its page, outside its `runs` (bounds).

    `entries` and `site_chars` are the table, `hits` gives what an edit relies on, and `rest` the edit for a token that
    the line ends in, or None.
    """

def counted(text: str) -> dict[str, int]:
    """Return how often each character stands in `text`."""

class PairCount:
    """How often each pair of neighbours stands in a text; asked for like a function."""

    def __init__(self, text: str) -> None: ...
    def __call__(self, pair: str) -> int: ...

def injected(
    data: bytes, numbers: NDArray[np.uint16], encoded: tuple[bytes, ...]
) -> tuple[list[int], bytes | None]:
    """Return (where the windows that are entries begin; `data` with the insertion behind each, None without `encoded`)."""
