"""Content codings within limits: what a response's body is once its compression is undone."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator

import zstandard

MAX_RATIO = 200
"""Growth beyond this is a bomb: HTML compresses 4 to 12 times, a page of repeated markup perhaps 60 (deflate's own
ceiling is 1,032)."""

RATIO_FLOOR = 1 << 20
"""Below this size growth is never called a bomb: it does no harm."""

MAX_CODINGS = 8
"""Codings one over the other that are undone; servers apply one, misconfigured chains two."""

MAX_ZSTD_WINDOW = 8 << 20
"""RFC 9659: content encoders must not use a larger window, so a larger one is not to be given memory."""

_PIECE = 1 << 16


class BombError(ValueError):
    """A compressed body that grows beyond the limits; the text says how far it got."""


class CodingError(ValueError):
    """A body that is not in the coding that its header names; the text names the coding."""


def decode_content(body: bytes, encoding: str, *, limit: int, strict: bool = False) -> bytes:
    """Return `body` with its Content-Encoding undone (RFC 9110, section 8.4); one cut short yields what can be had.

    `encoding` is the header's value: `gzip`, `deflate`, `br`, `zstd`, a list of them, or empty. A body that isn't what
    the header says is returned as it is, since servers label plain pages `gzip`; with `strict` only where it may be
    plain, else CodingError is raised. Raises BombError beyond `limit` bytes or MAX_RATIO.
    """
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    for name in reversed(names[-MAX_CODINGS:]):
        undone = _undone(body, name.removeprefix("x-"), limit)
        if undone is not None:
            body = undone
        elif strict and not (name in ("gzip", "x-gzip", "deflate") and body[:2] != b"\x1f\x8b"):
            raise CodingError(f"its body is not valid {name[:20]}")
    return body


def gunzip(body: bytes, *, limit: int) -> bytes:
    """Return the members of a gzip body joined, or `body` itself if it isn't gzip. Raises BombError."""
    return _undone(body, "gzip", limit) or body


def _undone(body: bytes, name: str, limit: int) -> bytes | None:
    """Return `body` without one coding; None where the coding is unknown or gives nothing."""
    for pieces in _READERS.get(name, ()):
        out = _bounded(pieces(body), len(body), limit)
        if out:
            return out
    return None


def _bounded(pieces: Iterator[bytes], compressed: int, limit: int) -> bytes:
    """Return pieces joined, up to where they can't be read on. Raises BombError."""
    kept: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            kept.append(piece)
            size += len(piece)
            if size > limit:
                raise BombError(f"{compressed} bytes inflate to more than {limit}")
            if size > RATIO_FLOOR and size > MAX_RATIO * compressed:
                raise BombError(f"{compressed} bytes inflate to more than {MAX_RATIO} times as many")
    except (zlib.error, zstandard.ZstdError):
        # What stood before the break is as good as a page cut short.
        pass
    return b"".join(kept)


def _gzip(body: bytes) -> Iterator[bytes]:
    return _inflate(body, zlib.MAX_WBITS | 16) if body[:2] == b"\x1f\x8b" else iter(())


def _deflate(body: bytes) -> Iterator[bytes]:
    """By the RFC, in the zlib format."""
    return _inflate(body, zlib.MAX_WBITS)


def _raw_deflate(body: bytes) -> Iterator[bytes]:
    """As half of the servers send it."""
    return _inflate(body, -zlib.MAX_WBITS)


def _inflate(body: bytes, window: int) -> Iterator[bytes]:
    rest = body
    while rest:
        engine = zlib.decompressobj(window)
        while rest:
            piece = engine.decompress(rest, _PIECE)
            rest = engine.unconsumed_tail
            yield piece
            if engine.eof or not (piece or rest):
                break
        rest = engine.unused_data if engine.eof else b""


def _zstd(body: bytes) -> Iterator[bytes]:
    engine = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
    reader = engine.stream_reader(io.BytesIO(body), read_across_frames=True)
    while piece := reader.read(_PIECE):
        yield piece


def _brotli(body: bytes) -> Iterator[bytes]:
    # brotli comes with scrapy; only a body that says so needs it.
    import brotli

    engine = brotli.Decompressor()
    try:
        piece = engine.process(body, output_buffer_limit=_PIECE)
        while piece:
            yield piece
            if engine.is_finished():
                return
            piece = engine.process(b"", output_buffer_limit=_PIECE)
    except brotli.error as error:
        raise zlib.error(str(error)) from None


_READERS: dict[str, tuple[Callable[[bytes], Iterator[bytes]], ...]] = {
    "gzip": (_gzip,),
    "deflate": (_deflate, _raw_deflate),
    "zstd": (_zstd,),
    "br": (_brotli,),
}
