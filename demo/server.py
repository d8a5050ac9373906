"""Serves the demo on loopback: one port, the sites told apart by the Host header."""

from __future__ import annotations

import argparse
import gzip
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar
from urllib.parse import urlsplit

from demo.responses import Response
from demo.site import Demo, build

LOOPBACK = "127.0.0.1"


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD from the demo: conditional requests with 304, gzip where it is asked for."""

    protocol_version = "HTTP/1.1"
    demo: ClassVar[Demo]

    def do_GET(self) -> None:
        """Answer with the page and its body."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer with the page's headers alone."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        response = self.demo.respond(self._url())
        if response.delay:
            time.sleep(response.delay)
        if self._unchanged(response):
            response = Response(304, tuple((name, value) for name, value in response.headers if name == "ETag"))
        headers, body = self._encoded(response)
        self.send_response(response.status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body and body:
            self.wfile.write(body)

    def _url(self) -> str:
        """The URL that was asked for, as the demo names it: the Host header's name without its port."""
        target = self.path
        if target.startswith("http://"):
            parts = urlsplit(target)
            return f"http://{parts.hostname}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        host = (self.headers.get("Host") or "").split(":")[0].lower()
        return f"http://{host}{target}"

    def _unchanged(self, response: Response) -> bool:
        """Whether the client has this page already (RFC 9110, 13.1: If-None-Match goes before If-Modified-Since)."""
        if response.status != 200:
            return False
        asked = self.headers.get("If-None-Match")
        if asked is not None:
            return response.header("ETag") in {tag.strip().removeprefix("W/") for tag in asked.split(",")}
        since = self.headers.get("If-Modified-Since")
        return since is not None and since == response.header("Last-Modified")

    def _encoded(self, response: Response) -> tuple[tuple[tuple[str, str], ...], bytes]:
        accepted = (self.headers.get("Accept-Encoding") or "").lower()
        if "gzip" not in accepted or len(response.body) < 512 or not _is_text(response):
            return response.headers, response.body
        headers = (*response.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
        return headers, gzip.compress(response.body, 6, mtime=0)

    def version_string(self) -> str:
        """Return a constant Server header, so that two runs archive the same headers."""
        return "yuqi-demo"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return a constant Date header, for the same reason."""
        return "Mon, 01 Jan 2024 00:00:00 GMT"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: stderr belongs to the crawl."""


def _is_text(response: Response) -> bool:
    kind = response.header("Content-Type") or ""
    return kind.startswith("text/") or "xml" in kind


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A crawler opens many connections at once; the default backlog of 5 makes some of them wait a second.
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over clients that hang up in the middle of an answer; report anything else."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class DemoServer:
    """A context manager that serves `demo` on 127.0.0.1 while it is open; `port` 0 picks a free one."""

    def __init__(self, demo: Demo, port: int = 0) -> None:
        self.demo = demo
        handler = type("Handler", (_Handler,), {"demo": demo})
        self._server = _Server((LOOPBACK, port), handler)
        # How long `stop` waits at most: tests start and stop many servers.
        poll = {"poll_interval": 0.02}
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs=poll, name="demo-server", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that is served."""
        return self._server.server_address[1]

    @property
    def hosts(self) -> dict[str, str]:
        """Each host name with the `127.0.0.1:PORT` that serves it: what the crawler's YUQI_HOSTS setting takes."""
        return self.demo.hosts(self.port, LOOPBACK)

    def start(self) -> None:
        """Serve in a thread of its own until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> DemoServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the demo until it is interrupted, saying on stderr how to look at it."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Serve the demo's sites on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="port to serve (default: any free one)")
    parser.add_argument("--seed", type=int, default=20240101, help="seed that the sites are generated from")
    parser.add_argument("--gold", metavar="FILE", help="also write the gold to FILE as JSON Lines")
    options = parser.parse_args(arguments)
    demo = build(options.seed)
    if options.gold:
        demo.write_gold(options.gold)
    with DemoServer(demo, options.port) as server:
        sys.stderr.write(_greeting(server))
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stderr.write("stopped\n")
    return 0


def _greeting(server: DemoServer) -> str:
    first = server.demo.start_urls[0]
    example = f"curl -x {LOOPBACK}:{server.port} {first}"
    names = "\n".join(f"  {url}" for url in server.demo.start_urls)
    return (
        f"{len(server.demo.gold)} pages on port {server.port}, through it as a proxy:\n{names}\ntry: {example}\n"
    )
