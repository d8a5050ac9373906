from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_Sources = Callable[[str], tuple[bytes, ...]]

def span_bytes(
    span: str,
    lengths: NDArray[np.uint8],
    parts: NDArray[np.uint8],
    starts: NDArray[np.int64],
    sources: _Sources,
    unshown: int,
    settle: bool,
) -> bytes | None:
    """Return the bytes of `span`, and write into `starts` where each character's begin; None where one has none.

    `lengths` and `parts` say by BMP code point how many bytes a character stands for and which, `sources` of any other.
    `unshown` is a byte for a character without any, or -1. `settle` asks which euro signs are cp936's 0x80.
    """

def single_bytes(span: str, lengths: NDArray[np.uint8], parts: NDArray[np.uint8]) -> bytes | None:
    """Return the bytes of a span of single bytes, by tables as in `span_bytes`; None where a character is none."""

def decode_torn(data: bytes, table: NDArray[np.uint32], mark: str, swallows: bool) -> tuple[str, bool] | None:
    """Return (text, whether it ends in a stranded lead byte) of GBK bytes with torn pairs; None where a pair is nothing.

    A stranded byte shows as `mark`, or as this project's marker where that is empty; `swallows` says whether a byte of
    0x21 to 0x3F goes with it.
    """

def escapes_shown(text: str, shown: NDArray[np.uint32]) -> str:
    """Return `text` with what each of Python's escapes, U+DC00 + byte, shows as: `shown` says by byte, 0 for nothing."""
