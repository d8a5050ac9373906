"""Needles: what a text that was taken down is looked for by, once the text itself may not be kept.

A needle is the polynomial hash, modulo 2**64, of WINDOW bytes of the text in UTF-8, at a base that only this corpus
knows. Whoever has the file can't read the text from it; a scan of any bytes tells whether they hold the text still.
The hash of every window of a buffer comes from one cumulative sum (the base is odd, so it has an inverse), at the
speed of a few passes of numpy over the bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

WINDOW = 48
"""Bytes to a window: sixteen Chinese characters, which two different texts seldom share by chance."""

MOST = 64
"""Needles to a text, evenly spread: what is left of it after a torn page or a cut copy still holds some."""

CHUNK = 1 << 20

Hashes = npt.NDArray[np.uint64]


class Hasher:
    """Hashes windows at one corpus' base, which is derived from its salt."""

    def __init__(self, salt: bytes) -> None:
        seed = hashlib.blake2b(b"needles", key=salt, digest_size=8).digest()
        base = int.from_bytes(seed) | 1
        self._powers, self._inverses = _powers(base), _powers(pow(base, -1, 1 << 64))

    def windows(self, data: bytes) -> Hashes:
        """Return the hash of every window of `data` (at most CHUNK + WINDOW bytes), by its offset."""
        if len(data) < WINDOW:
            return np.empty(0, dtype=np.uint64)
        values = np.frombuffer(data, dtype=np.uint8).astype(np.uint64)
        sums = np.zeros(len(values) + 1, dtype=np.uint64)
        # Unsigned arithmetic wraps: everything is modulo 2**64.
        np.cumsum(values * self._inverses[: len(values)], out=sums[1:])
        count = len(values) - WINDOW + 1
        return (sums[WINDOW:] - sums[:count]) * self._powers[:count]

    def needles(self, *texts: str) -> Hashes:
        """Return the needles of texts: at most MOST of each, none of windows across lines, sorted."""
        found = [self._of(text) for text in texts]
        return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.uint64)

    def _of(self, text: str) -> Hashes:
        windows = [line[at : at + WINDOW] for line in text.encode("utf-8", "replace").split(b"\n")
                   for at in range(0, len(line) - WINDOW + 1, WINDOW)]  # fmt: skip
        step = max(1, len(windows) // MOST)
        picked = windows[::step][:MOST]
        return np.array([self.windows(window)[0] for window in picked], dtype=np.uint64)

    def scan(self, stream: BinaryIO, needles: Hashes) -> Iterator[tuple[int, int]]:
        """Yield (offset, needle) for every window of `stream` whose hash is among `needles`, which are sorted."""
        offset, held = 0, b""
        while piece := stream.read(CHUNK):
            data = held + piece
            hashes = self.windows(data)
            places = np.flatnonzero(np.isin(hashes, needles))
            yield from ((offset + int(place), int(hashes[place])) for place in places)
            keep = min(len(data), WINDOW - 1)
            offset += len(data) - keep
            held = data[len(data) - keep :]


@lru_cache(maxsize=4)
def _powers(base: int, count: int = CHUNK + WINDOW) -> Hashes:
    """Return base**0 to base**(count - 1), modulo 2**64, by doubling."""
    powers = np.ones(count, dtype=np.uint64)
    done = 1
    while done < count:
        size = min(done, count - done)
        powers[done : done + size] = powers[:size] * np.uint64(pow(base, done, 1 << 64))
        done += size
    return powers
