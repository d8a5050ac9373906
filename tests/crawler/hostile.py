"""A loopback server that misbehaves by path: raw sockets, so that it can lie about anything."""

from __future__ import annotations

import contextlib
import gzip
import socket
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

PROSE = ("逾期以后应该先和银行协商还款方案，保留证据，避免以贷养贷。" * 12).encode()


def html(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Type: text/html; charset=utf-8", *headers])
    return head + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


def endless_headers(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        sock.sendall(b"X-%d: %s\r\n" % (number, b"x" * 500))


def endless_body(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>")
    while True:
        sock.sendall(b"x" * 65536)


def endless_chunks(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        sock.sendall(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")


def drip(sock: socket.socket) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(600):
        sock.sendall(b"x")
        time.sleep(0.05)


def silence(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.settimeout(30)
        sock.recv(1)


RAW: dict[str, bytes | Callable[[socket.socket], None]] = {
    "/longer": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n<p>short",
    "/shorter": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>longer than it says",
    "/negative": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n<p>x",
    "/two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n<p>xx",
    "/huge-length": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n<p>x",
    "/bad-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<p>\r\n0\r\n\r\n",
    "/cut-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n<p>",
    "/odd-coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\n<p>",
    "/no-status": b"<p>no status line at all",
    "/odd-status": b"HTTP/1.1 abc OK\r\n\r\n<p>",
    "/status-999": b"HTTP/1.1 999 Go Away\r\nContent-Length: 1\r\n\r\nx",
    "/no-colon": b"HTTP/1.1 200 OK\r\nrubbish line\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\n<p>",
    "/folded": b"HTTP/1.1 200 OK\r\n folded first\r\nX-A: b\r\n c\r\nContent-Length: 3\r\n\r\n<p>",
    "/bytes-in-headers": b"HTTP/1.1 200 OK\r\nX-A: \xd3\xe2\xff\r\nContent-Length: 3\r\n\r\n<p>",
    "/nothing": b"",
    "/continue": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: after\r\nContent-Length: 3\r\n\r\n<p>",
    "/gzip-bomb": html(gzip.compress(bytes(60_000_000)), b"Content-Encoding: gzip"),
    "/no-gzip": html(b"<p>plain", b"Content-Encoding: gzip"),
    "/cut-gzip": html(gzip.compress(PROSE * 50)[:-30], b"Content-Encoding: gzip"),
    "/null-bytes": html(b"\0" * 3000),
    "/deep": html(b"<div>" * 100_000),
    "/long-line": html(b"<a href='" + b"x" * 1_000_000 + b"'>x</a>"),
    "/inward": html(b"", b"Location: http://127.0.0.1:1/secret", status=b"302 Found"),
    "/metadata": html(b"", b"Location: http://169.254.169.254/latest/meta-data/", status=b"302 Found"),
    "/to-file": html(b"", b"Location: file:///etc/hostname", status=b"302 Found"),
    "/to-nowhere": html(b"", b"Location: http://[::1", status=b"302 Found"),
    "/endless-headers": endless_headers,
    "/endless-body": endless_body,
    "/endless-chunks": endless_chunks,
    "/drip": drip,
    "/silence": silence,
}

HEALTHY = 12


class HostileServer:
    """Serves `http://hostile.test/`: a start page, HEALTHY articles, and every path of RAW. A context manager."""

    def __init__(self, copies: int = 1) -> None:
        self.asked: Counter[str] = Counter()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer._answer(self.request)

        class Server(socketserver.ThreadingTCPServer):
            # The default backlog of 5 makes connections wait a second for the next try.
            request_queue_size = 128
            daemon_threads = True

        self._server: Any = Server(("127.0.0.1", 0), Handler)
        self._server.block_on_close = False
        links = [f"/article/{n}.html" for n in range(HEALTHY)] + [
            f"{path}?copy={copy}" for copy in range(copies) for path in RAW
        ]
        anchors = "".join(f"<a href='{link}'>x</a>" for link in [*links, "http://inner.test/", "http://10.0.0.1/"])
        self.start_page = html(anchors.encode())

    def _answer(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            request = sock.recv(65536)
            target = request.split(b" ", 2)[1].decode() if request.count(b" ") >= 2 else ""
            self.asked[target] += 1
            path = target.partition("?")[0]
            if path == "/":
                sock.sendall(self.start_page)
            elif path.startswith("/article/"):
                sock.sendall(html(b"<title>t</title><p>" + path.encode() + PROSE))
            elif path in RAW:
                answer = RAW[path]
                if callable(answer):
                    answer(sock)
                else:
                    sock.sendall(answer)
            else:
                sock.sendall(html(b"<p>no such page", status=b"404 Not Found"))

    @property
    def hosts(self) -> dict[str, str]:
        return {"hostile.test": f"127.0.0.1:{self._server.server_address[1]}"}

    def __enter__(self) -> HostileServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def article_paths() -> Iterator[str]:
    """Yield the paths of the healthy articles."""
    yield from (f"/article/{n}.html" for n in range(HEALTHY))
