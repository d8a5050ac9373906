"""Inputs made of others: bytes turned, cut, doubled and joined, with the words of the format put in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

MAX_BYTES = 1 << 16
"""No input grows beyond this: a run is to make many inputs, and growth is looked at apart (`linear.py`)."""

_NUMBERS = (b"0", b"-1", b"1", b"127", b"255", b"256", b"65536", b"2147483648", b"4294967295",
            b"9223372036854775808", b"1e999", b"0x7f", b"017", b"NaN", b"99999999999999999999999")  # fmt: skip
_BYTES = (b"\0", b"\n", b"\r\n", b"\xff", b"\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1b[2J", b"\xed\xa0\x80",
          b"\xf4\x90\x80\x80", b"\xe2\x80\xae", b"\xa1", b"\x81\x30\x81\x30", b"%00", b"&#0;", b"&#x110000;")  # fmt: skip


def mutated(data: bytes, pool: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> bytes:
    """Return `data` after one to six changes; `pool` gives inputs to join it with, `words` what its format is made of."""
    out = bytearray(data)
    for _ in range(1 << rng.randrange(3)):
        _change(out, pool, words, rng)
    for _ in range(rng.randrange(3)):
        _change(out, pool, words, rng)
    return bytes(out[:MAX_BYTES])


def _change(out: bytearray, pool: Sequence[bytes], words: Sequence[bytes], rng: random.Random) -> None:
    start = rng.randrange(len(out) + 1)
    end = min(len(out), start + 1 + int(rng.expovariate(0.1)))
    kind = rng.randrange(10)
    if kind == 0 and out:
        out[min(start, len(out) - 1)] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del out[start:end]
    elif kind == 2:
        out[start:start] = out[start:end] * (1 + rng.randrange(1 + int(rng.expovariate(0.05))))
    elif kind == 3:
        other = rng.choice(pool)
        cut = rng.randrange(len(other) + 1)
        out[start:] = other[cut:]
    elif kind == 4:
        other = rng.choice(pool)
        cut = rng.randrange(len(other) + 1)
        out[start:start] = other[cut : cut + 1 + int(rng.expovariate(0.02))]
    elif kind == 5:
        out[start:end] = rng.choice(_NUMBERS)
    elif kind == 6:
        out[start:start] = rng.choice(_BYTES)
    elif kind == 7:
        out[start:end] = rng.randbytes(1 + rng.randrange(4))
    elif words:
        out[start : end if kind == 8 else start] = rng.choice(words)


def shrunk(data: bytes, fails: Callable[[bytes], bool], *, tries: int = 400) -> bytes:
    """Return a smaller input for which `fails` still holds: halves, quarters and so on are left out while they can be."""
    size = len(data) // 2
    while size and tries > 0:
        start = 0
        while start < len(data) and tries > 0:
            tries -= 1
            shorter = data[:start] + data[start + size :]
            if fails(shorter):
                data = shorter
            else:
                start += size
        size //= 2
    return data
