"""HTTP/1.1 as it comes over the wire: a request's bytes, and a response read piece by piece, within limits. Pure.

An archive wants the response itself: header lines in the order and case they came, the body before content decoding,
and what was received of a body that is cut short. Servers are hostile or only sloppy: what browsers put up with is put up
with here too (RFC 9112 where nothing else is said), what would make two readers disagree is refused, and whatever comes,
no more is kept than the limits say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MAX_HEAD_BYTES = 65536
"""Status line and headers together; servers and browsers stop at 8 to 256 KB."""

MAX_SIZE_LINE = 1024
"""The line before a chunk, with its extensions."""

_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(rb"HTTP/(\d+)\.(\d+) +(\d{3})(?: .*)?", re.DOTALL)
_TARGET = re.compile(rb"[\x21-\x7e]+")
_BREAKS = bytes.maketrans(b"\r\n\0", b"   ")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

Lines = tuple[tuple[bytes, bytes], ...]


class WireError(ValueError):
    """What came isn't HTTP, or is more of it than anybody needs."""


def request_bytes(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a request without a body. Line breaks in values become spaces: some are what a server once said.

    Raises WireError for a target or a name that could be read as more than one.
    """
    if not _TARGET.fullmatch(target) or not _NAME.fullmatch(method):
        raise WireError(f"not to be asked for: {target!r}")
    lines = [method + b" " + target + b" HTTP/1.1"]
    for name, value in headers:
        if not _NAME.fullmatch(name):
            raise WireError(f"no header's name: {name!r}")
        lines.append(name + b": " + value.translate(_BREAKS).strip())
    return b"\r\n".join(lines) + b"\r\n\r\n"


class Reading:
    """One response while it is read: `feed` it what comes until it is `done`, and say when the connection `ended`.

    `begun` tells that `status` and `lines` (the header lines, as they came) are there. `truncated` says why a body is
    not whole: `length`, `disconnect` or `time`, the values that WARC-Truncated knows. `lasting` tells whether the
    connection may be asked again.
    """

    def __init__(self, limit: int, *, bodiless: bool = False) -> None:
        """Read a body of at most `limit` bytes; none at all for the answer to a HEAD (`bodiless`)."""
        self.status = 0
        self.lines: Lines = ()
        self.begun = False
        self.done = False
        self.lasting = False
        self.truncated: str | None = None
        self._limit = limit
        self._bodiless = bodiless
        self._head = bytearray()
        self._head_bytes = 0
        self._looked = 0
        self._checked = False
        self._body = bytearray()
        self._left: int | None = None
        self._chunks: _Chunks | None = None

    @property
    def body(self) -> bytes:
        """What was received of the body, as transferred but for its chunks."""
        return bytes(self._body)

    def feed(self, data: bytes) -> None:
        """Take what came. Raises WireError for what is no response; a body that can't be read on is cut short."""
        if self.done:
            # Nobody asked for that.
            self.lasting = False
        elif self.begun:
            self._take(data)
        else:
            self._head += data
            self._read_head()

    def ended(self) -> None:
        """Take note that the connection has ended. Raises WireError where there was no response yet."""
        if not self.begun:
            raise WireError("the connection was closed before there was a response")
        if not self.done and (self._chunks is not None or self._left is not None):
            self.truncated = "disconnect"
        # Without Content-Length or chunks the end of the connection is the end of the body (RFC 9112, 6.3).
        self.done = True
        self.lasting = False

    def cut(self, why: str) -> None:
        """End the body here."""
        self.truncated = why
        self.done = True
        self.lasting = False

    # Status line and headers

    def _read_head(self) -> None:
        while not self.begun and self._head:
            end = _END.search(self._head, max(0, self._looked - 2))
            self._looked = len(self._head)
            if self._head_bytes + (end.end() if end else self._looked) > MAX_HEAD_BYTES:
                raise WireError(f"more than {MAX_HEAD_BYTES} bytes of headers")
            if end is None:
                self._check_early()
                return
            head, rest = bytes(self._head[: end.start()]), bytes(self._head[end.end() :])
            self._head_bytes += end.end()
            self._head.clear()
            self._looked = 0
            self._checked = False
            self._understand(head, rest)

    def _check_early(self) -> None:
        """Refuse what doesn't begin as a response as soon as its first line is there."""
        if not self._checked and (end := self._head.find(b"\n")) >= 0:
            _status(bytes(self._head[:end]))
            self._checked = True

    def _understand(self, head: bytes, rest: bytes) -> None:
        first, _, others = head.partition(b"\n")
        version, self.status = _status(first)
        if 100 <= self.status < 200:
            # On the way to the answer; any number of them counts as one long head.
            self._head += rest
            return
        self.lines = header_lines(others)
        self._frame(version)
        self.begun = True
        if rest or self._left == 0:
            self._take(rest)

    def _frame(self, version: tuple[int, int]) -> None:
        """Work out from the headers how the body will end (RFC 9112, 6.3)."""
        told: dict[bytes, list[bytes]] = {}
        for name, value in self.lines:
            told.setdefault(name.strip().lower(), []).append(value)
        options = {word.strip().lower() for value in told.get(b"connection", ()) for word in value.split(b",")}
        self.lasting = b"close" not in options and (version >= (1, 1) or b"keep-alive" in options)
        if self._bodiless or self.status in (204, 304):
            self._left = 0
        elif coding := told.get(b"transfer-encoding"):
            if coding[0].lower() != b"chunked":
                raise WireError(f"transferred in a way nobody knows: {coding[0][:40]!r}")
            self._chunks = _Chunks()
        elif lengths := told.get(b"content-length"):
            self._left = _length(lengths)
        else:
            self.lasting = False

    # Body

    def _take(self, data: bytes) -> None:
        if self._chunks is not None:
            self._take_chunks(self._chunks, data)
        elif self._left is None:
            self._keep(data)
        else:
            whole = data[: self._left]
            self._left -= len(whole)
            if len(whole) < len(data):
                self.lasting = False
            self._keep(whole)
            self.done = self.done or not self._left

    def _take_chunks(self, chunks: _Chunks, data: bytes) -> None:
        try:
            for piece in chunks.feed(data):
                self._keep(piece)
        except WireError:
            self.cut("disconnect")
        if chunks.done and not self.done:
            self.done = True
            self.lasting = self.lasting and not chunks.rest

    def _keep(self, piece: bytes) -> None:
        if self.done:
            return
        # Joined as they come: of a body in tiny pieces a list would hold many times what they say.
        room = self._limit - len(self._body)
        self._body += piece[:room]
        if len(piece) > room:
            self.cut("length")


def _status(line: bytes) -> tuple[tuple[int, int], int]:
    """Return version and status of a response's first line. Raises WireError."""
    found = _STATUS.fullmatch(line.removesuffix(b"\r")[:4096])
    if found is None:
        raise WireError(f"no status line: {line[:40]!r}")
    return (int(found[1][:4]), int(found[2][:4])), int(found[3])


def header_lines(text: bytes) -> Lines:
    """Return headers by name and value in the order they came; a folded one is joined.

    A line without a colon, or folded where there is nothing to fold, is passed over, as browsers do.
    """
    found: list[list[bytes]] = []
    for raw in text.split(b"\n"):
        line = raw.removesuffix(b"\r")
        if line[:1] in (b" ", b"\t"):
            if found:
                found[-1].append(line)
        elif b":" in line:
            found.append([line])
    split = (b"".join(parts).split(b":", 1) for parts in found)
    return tuple((name, value.strip()) for name, value in split)


def _length(values: list[bytes]) -> int:
    """Return what Content-Length says; said twice it must say the same (RFC 9110, 8.6). Raises WireError."""
    told = {value.strip(b" \t") for line in values for value in line.split(b",")}
    if not all(value.isdigit() and len(value) <= 20 for value in told):
        raise WireError("a length that is no number")
    numbers = {int(value) for value in told}
    if len(numbers) > 1:
        raise WireError("two lengths")
    return numbers.pop()


class _Chunks:
    """Takes a chunked body apart (RFC 9112, 7.1): extensions are passed over, trailers dropped."""

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self._buffer = bytearray()
        self._left = 0
        self._in_chunk = False
        self._in_trailers = False
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the pieces of the body in what came. Raises WireError where it is no chunk that comes next."""
        self._buffer += data
        while not self.done:
            if self._left:
                piece = bytes(self._buffer[: self._left])
                if not piece:
                    return
                del self._buffer[: len(piece)]
                self._left -= len(piece)
                yield piece
            elif not (self._end_chunk() if self._in_chunk else self._line()):
                return

    def _line(self) -> bool:
        """Take a chunk's size or a trailer off the buffer; return whether it was there."""
        limit = MAX_HEAD_BYTES - self._trailer_bytes if self._in_trailers else MAX_SIZE_LINE
        end = self._buffer.find(b"\n", 0, limit)
        if end < 0:
            if len(self._buffer) >= limit:
                raise WireError("a chunk's size, or a trailer, without an end")
            return False
        line = bytes(self._buffer[:end]).removesuffix(b"\r")
        del self._buffer[: end + 1]
        if self._in_trailers:
            self._trailer_bytes += end + 1
            self.done = not line
            if self.done:
                self.rest = bytes(self._buffer)
            return True
        self._begin(line)
        return True

    def _begin(self, line: bytes) -> None:
        size = line.partition(b";")[0].strip(b" \t")
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,15}", size):
            raise WireError(f"no chunk's size: {line[:40]!r}")
        self._left = int(size, 16)
        self._in_chunk = self._left > 0
        self._in_trailers = self._left == 0

    def _end_chunk(self) -> bool:
        """Take the line break after a chunk off the buffer; return whether it was there."""
        if len(self._buffer) < 2 and self._buffer[:1] != b"\n":
            return False
        if self._buffer[:1] == b"\n":
            del self._buffer[:1]
        elif self._buffer[:2] == b"\r\n":
            del self._buffer[:2]
        else:
            raise WireError("a chunk longer than its size")
        self._in_chunk = False
        return True
