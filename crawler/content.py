"""Content decoding within limits: what a response's body is once its compression is undone."""

from __future__ import annotations

import zlib

MAX_RATIO = 200
"""Growth beyond this is a bomb: HTML compresses 4 to 12 times, a page of repeated markup perhaps 60 (deflate's own
ceiling is 1,032)."""

RATIO_FLOOR = 1 << 20
"""Below this size growth is never called a bomb: it does no harm."""

_PIECE = 1 << 16


class BombError(ValueError):
    """A compressed body that grows beyond the limits; the text says how far it got."""


def decode_content(body: bytes, encoding: str, *, limit: int) -> bytes:
    """Return `body` with its Content-Encoding undone; a body cut short yields what can be had of it.

    `encoding` is the header's value (`gzip`, `deflate`, a list, or empty). Unknown encodings and bodies that aren't
    what the header says are returned as they are: servers label plain pages `gzip`. Raises BombError beyond `limit`
    bytes or MAX_RATIO.
    """
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        if name in ("gzip", "x-gzip"):
            body = gunzip(body, limit=limit)
        elif name == "deflate":
            body = _inflate(body, (zlib.MAX_WBITS, -zlib.MAX_WBITS), limit)
    return body


def gunzip(body: bytes, *, limit: int) -> bytes:
    """Return the members of a gzip body joined, or `body` itself if it isn't gzip. Raises BombError."""
    return _inflate(body, (zlib.MAX_WBITS | 16,), limit) if body[:2] == b"\x1f\x8b" else body


def _inflate(body: bytes, windows: tuple[int, ...], limit: int) -> bytes:
    """Return `body` inflated with the first window size that yields anything, else `body`."""
    for window in windows:
        out = _inflate_as(body, window, limit)
        if out:
            return out
    return body


def _inflate_as(body: bytes, window: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    rest = body
    while rest:
        engine = zlib.decompressobj(window)
        try:
            while rest:
                piece = engine.decompress(rest, _PIECE)
                rest = engine.unconsumed_tail
                pieces.append(piece)
                size += len(piece)
                _check(size, len(body), limit)
                if engine.eof or not (piece or rest):
                    break
        except zlib.error:
            break
        rest = engine.unused_data if engine.eof else b""
    return b"".join(pieces)


def _check(size: int, compressed: int, limit: int) -> None:
    if size > limit:
        raise BombError(f"{compressed} bytes inflate to more than {limit}")
    if size > RATIO_FLOOR and size > MAX_RATIO * compressed:
        raise BombError(f"{compressed} bytes inflate to more than {MAX_RATIO} times as many")
