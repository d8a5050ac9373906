"""Parts of large files, from a folder or from a web server that serves ranges: one at a time, politely, bounded.

No Scrapy here: a public archive is one host asked for many small parts in a row, which a plain connection kept open does
best. Its addresses are checked as for any other fetch: after resolution, on the very address that is connected to, and
once more on the peer.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

from corpus.cdx import safe_path
from crawler.addresses import AddressPolicy
from crawler.health import MAX_PAUSE, backoff, retry_after

MAX_TRIES = 4
"""Requests for one part before it counts as not to be had now."""

MAX_HOPS = 5
TIMEOUT = 60.0
"""Seconds for a connection, and for each answer as a whole."""

_T = TypeVar("_T")
_PIECE = 1 << 16
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(?:(\d{1,18})|\*)\Z")
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class RangeError(Exception):
    """A part that can't be had; `why` is a short stable name, the text a sentence."""

    def __init__(self, why: str, text: str) -> None:
        super().__init__(text)
        self.why = why


class UnavailableError(RangeError):
    """The server fails or asks for patience: nothing is wrong with the part, and others would fare no better now."""


class Source(Protocol):
    """Where files are read from in parts."""

    name: str

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes of a file. Raises RangeError."""

    def size(self, path: str) -> int:
        """Return a file's length. Raises RangeError."""

    def stream(self, path: str) -> BinaryIO:
        """Return a file to be read from its beginning on. Raises RangeError, also while it is read."""

    def close(self) -> None:
        """Let go of what is open."""


class Folder:
    """A folder that holds the files."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root.resolve()

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Return a part of a file."""
        with self.stream(path) as stream:
            stream.seek(offset)
            data = stream.read(length)
        if len(data) != length:
            raise RangeError("cut-short", f"{path} ends before byte {offset + length}")
        return data

    def size(self, path: str) -> int:
        """Return a file's length."""
        with self.stream(path) as stream:
            return stream.seek(0, io.SEEK_END)

    def stream(self, path: str) -> BinaryIO:
        """Open a file; a link that leads out of the folder is no file of it."""
        target = (self._root / _safe(path)).resolve()
        if not target.is_relative_to(self._root):
            raise RangeError("bad-path", f"{path} leads out of {self._root}")
        try:
            return target.open("rb")
        except OSError as error:
            raise RangeError("missing", f"{path}: {error.strerror}") from None

    def close(self) -> None:
        """Nothing is kept open."""


class Web:
    """Files below an http(s) prefix. `delay` is the least time in seconds between two requests."""

    def __init__(
        self,
        prefix: str,
        policy: AddressPolicy,
        *,
        agent: str,
        delay: float = 0.2,
        retry_base: float = 2.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(prefix)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RangeError("bad-prefix", f"{prefix}: give an address like https://example.org/ or a folder")
        self.name = prefix if prefix.endswith("/") else prefix + "/"
        self._policy = policy
        self._agent = agent
        self._delay = delay
        self._retry_base = retry_base
        self._sleep = sleep
        self._next = 0.0
        self._connections: dict[tuple[str, str], _Connection] = {}

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Return a part of a file."""
        last = offset + length - 1

        def part(answer: http.client.HTTPResponse) -> bytes:
            first, end, _ = _answered_range(answer, path)
            if (first, end) != (offset, last):
                raise RangeError("wrong-range", f"{path}: asked for {offset}-{last}, answered {first}-{end}")
            return _body(answer, path, length)

        return self._ask(path, f"bytes={offset}-{last}", part)

    def size(self, path: str) -> int:
        """Return a file's length, as an answer to a range names it."""

        def total(answer: http.client.HTTPResponse) -> int:
            _, _, size = _answered_range(answer, path)
            _body(answer, path, 1)
            if size is None:
                raise RangeError("no-size", f"{path}: the server doesn't say how long it is")
            return size

        return self._ask(path, "bytes=0-0", total)

    def stream(self, path: str) -> BinaryIO:
        """Return a file as it comes over a connection of its own."""
        return io.BufferedReader(_Streamed(self, path), 1 << 20)

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _ask(self, path: str, asked: str, take: Callable[[http.client.HTTPResponse], _T]) -> _T:
        """Ask until there is an answer that `take` can use, pausing longer each time."""
        url = urljoin(self.name, _safe(path))
        for attempt in range(1, MAX_TRIES + 1):
            wait = None
            problem: RangeError
            try:
                answer = self._open(url, asked)
                if answer.status == 206:
                    return take(answer)
                self._drop()
                if answer.status not in _LATER:
                    raise _refusal(answer.status, path)
                wait = retry_after(answer.getheader("Retry-After"), time.time())
                problem = UnavailableError(f"http-{answer.status}", f"{url}: the server answers {answer.status}")
            except (OSError, http.client.HTTPException) as error:
                problem = UnavailableError("connection", f"{url}: {error or type(error).__name__}")
            except CutShortError as error:
                problem = error
            except RangeError:
                self._drop()
                raise
            self._drop()
            if attempt == MAX_TRIES or (wait or 0.0) > MAX_PAUSE:
                raise problem
            self._sleep(max(wait or 0.0, backoff(attempt, self._retry_base)))
        raise AssertionError("the last try returns or raises")

    def _drop(self) -> None:
        """Close connections after an answer that wasn't read to its end."""
        self.close()

    def _open(self, url: str, asked: str | None) -> http.client.HTTPResponse:
        """Return the answer for a URL, redirects followed; each hop's address is checked as the first one's is."""
        for _ in range(MAX_HOPS + 1):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise RangeError("redirect", f"redirected to {url[:200]!r}, which is neither http nor https")
            pause = self._next - time.monotonic()
            if pause > 0:
                self._sleep(pause)
            self._next = time.monotonic() + self._delay
            place = parts.path + (f"?{parts.query}" if parts.query else "")
            answer = self._connection(parts.scheme, parts.netloc).ask(place, self._agent, asked)
            target = answer.getheader("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            self._drop()
            url = urljoin(url, target)
        raise RangeError("redirect", f"more than {MAX_HOPS} redirects")

    def _connection(self, scheme: str, netloc: str) -> _Connection:
        found = self._connections.get((scheme, netloc))
        if found is None:
            found = self._connections[scheme, netloc] = _Connection(scheme, netloc, self._policy)
        return found


class CutShortError(RangeError):
    """An answer that ended before its time."""


class _Connection(http.client.HTTPConnection):
    """A connection to a permitted address, kept open between requests."""

    def __init__(self, scheme: str, netloc: str, policy: AddressPolicy) -> None:
        parts = urlsplit(f"{scheme}://{netloc}")
        super().__init__(parts.hostname or "", parts.port or (443 if scheme == "https" else 80), timeout=TIMEOUT)
        self._tls = ssl.create_default_context() if scheme == "https" else None
        self._policy = policy
        self._netloc = netloc.rpartition("@")[2]

    def connect(self) -> None:
        """Connect to the first permitted address. Raises RangeError when there is none."""
        raw = _permitted(self.host, self.port, self._policy)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self.host) if self._tls else raw

    def ask(self, place: str, agent: str, asked: str | None) -> http.client.HTTPResponse:
        """Send a request and return the answer's head; a connection that the server has closed is opened anew."""
        headers = {"User-Agent": agent, "Accept-Encoding": "identity", "Host": self._netloc}
        if asked:
            headers["Range"] = asked
        fresh = self.sock is None
        try:
            self.request("GET", place or "/", headers=headers)
            return self.getresponse()
        except (ConnectionError, http.client.BadStatusLine):
            self.close()
            if fresh:
                raise
            self.request("GET", place or "/", headers=headers)
            return self.getresponse()


def _permitted(host: str, port: int, policy: AddressPolicy) -> socket.socket:
    mapped = policy.mapped(host)
    if mapped is not None:
        return socket.create_connection(mapped, timeout=TIMEOUT)
    refused = None
    failed: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        reason = policy.refusal(str(address[0]), port)
        if reason is not None:
            refused = f"{host} is {address[0]}, which is {reason}"
            continue
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(TIMEOUT)
        try:
            sock.connect(address)
        except OSError as error:
            sock.close()
            failed = error
            continue
        peer = str(sock.getpeername()[0])
        if policy.refusal(peer, port) is None:
            return sock
        sock.close()
        refused = f"{host} is {peer}"
    if failed is not None:
        raise failed
    raise RangeError("address", f"not connecting: {refused or host}; --allow-private lifts that")


def _safe(path: str) -> str:
    checked = safe_path(path)
    if checked is None:
        raise RangeError("bad-path", f"not a file's name under the prefix: {path[:200]!r}")
    return checked


def _refusal(status: int, path: str) -> RangeError:
    """Return what a status other than 206 means for the part."""
    if status == 200:
        return RangeError("no-ranges", f"{path}: the server sends the whole file for a part of it")
    if status in (404, 410):
        return RangeError("missing", f"{path}: there is no such file ({status})")
    if status == 416:
        return RangeError("no-such-part", f"{path}: the file is shorter than the index says (416)")
    return RangeError(f"http-{status}", f"{path}: the server answers {status}")


def _answered_range(answer: http.client.HTTPResponse, path: str) -> tuple[int, int, int | None]:
    """Return first byte, last byte and total of a partial answer (RFC 9110, 14.4)."""
    told = _CONTENT_RANGE.match((answer.getheader("Content-Range") or "").strip())
    if told is None:
        raise RangeError("wrong-range", f"{path}: a part without a valid Content-Range")
    return int(told[1]), int(told[2]), int(told[3]) if told[3] else None


def _body(answer: http.client.HTTPResponse, path: str, length: int) -> bytes:
    """Return a body of exactly `length` bytes, read no further than one more, within the time."""
    deadline = time.monotonic() + TIMEOUT
    pieces: list[bytes] = []
    size = 0
    while size <= length:
        try:
            piece = answer.read1(min(_PIECE, length + 1 - size))
        except http.client.IncompleteRead as error:
            piece = error.partial
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
        if time.monotonic() > deadline:
            raise CutShortError("cut-short", f"{path}: {size} of {length} bytes came in {TIMEOUT:.0f} s")
    if size > length:
        raise RangeError("wrong-length", f"{path}: more than the {length} bytes asked for")
    if size < length:
        raise CutShortError("cut-short", f"{path}: {size} of {length} bytes came")
    # `read1` leaves an answer open that has been read to its end, and with it the connection unusable.
    answer.read()
    return b"".join(pieces)


class _Streamed(io.RawIOBase):
    """A whole file as it comes."""

    def __init__(self, web: Web, path: str) -> None:
        super().__init__()
        self._web = web
        self._path = path
        self._position = 0
        self._answer: http.client.HTTPResponse | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # the base class takes any writable buffer
        if self._answer is None:
            self._answer = self._web._open(urljoin(self._web.name, _safe(self._path)), None)
            if self._answer.status != 200:
                status = self._answer.status
                self._web.close()
                raise _refusal(status, self._path)
        count = self._answer.readinto(buffer)
        self._position += count
        return count

    def tell(self) -> int:
        # fastwarc panics on a stream that can't tell where it is.
        return self._position
