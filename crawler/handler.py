"""The download handler: one HTTP response as received, within limits, from a permitted peer.

Scrapy's own handler drops a body that grows too long and keeps headers only grouped by name; Twisted's client behind it
costs a page more than all that is made of the page here. This one has Twisted connect (names by the guarded resolver,
all addresses of a host, TLS with the certificate looked at), and reads and writes by `crawler.wire`.
"""

# Twisted calls its methods in camel case and types few of them.
# ruff: noqa: N802, ANN401
# mypy: disallow-untyped-calls=False

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from scrapy.exceptions import CannotResolveHostError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Headers, Response
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.error import TimeoutError as ConnectTimeoutError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from crawler.addresses import AddressPolicy
from crawler.frontier import host_of
from crawler.resolver import policy_of
from crawler.site import MAX_CONCURRENCY
from crawler.wire import Reading, WireError, request_bytes

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler
    from scrapy.settings import BaseSettings

IDLE_SECONDS = 30.0
"""How long a connection is kept that nobody asks anything."""

MAX_ORIGINS = 1000
"""Hosts whose endpoint is remembered."""

TRUNCATED = "truncated:"
"""A response's flag when its body was cut short, with why (`crawler.wire.Reading.truncated`)."""

PORTS = {"http": 80, "https": 443}


class AddressRefusedError(DownloadFailedError):
    """The peer's address is not one the crawl may talk to."""


class MalformedError(DownloadFailedError):
    """What came isn't HTTP: this page's fault, not a sign that its host is down."""


class LostError(DownloadFailedError):
    """The connection ended before there was a response; `unheard` if nothing came over it at all."""

    def __init__(self, text: str, *, unheard: bool) -> None:
        super().__init__(text)
        self.unheard = unheard


class Connection(Protocol):
    """A connection that speaks only to permitted peers, one request at a time."""

    def __init__(self, policy: AddressPolicy) -> None:
        self.refused: str | None = None
        self.peer = ""
        self.lost = False
        self.asked = 0
        self.idle_since = 0.0
        self._policy = policy
        self._reading: Reading | None = None
        self._begun_at = 0.0
        self._heard = False
        self._answer: asyncio.Future[None] | None = None

    def connectionMade(self) -> None:
        """Look at whom the connection was really made to."""
        transport: Any = self.transport
        peer = transport.getPeer()
        self.peer = peer.host
        reason = self._policy.refusal(peer.host, peer.port)
        if reason is not None:
            self.refused = f"{peer.host} is {reason}"
            transport.abortConnection()

    def ask(self, request: bytes, reading: Reading) -> asyncio.Future[None]:
        """Send a request; return what is done when `reading` is.

        It fails with AddressRefusedError, MalformedError or LostError.
        """
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._reading = reading
        self._heard = False
        self.asked += 1
        if self.refused is not None:
            self._end(AddressRefusedError(self.refused))
        elif self.lost:
            self._end(LostError("the connection was lost", unheard=True))
        else:
            transport: Any = self.transport
            transport.write(request)
        return answer

    def dataReceived(self, data: bytes) -> None:
        """Read what came; what nobody asked for ends the connection."""
        reading = self._reading
        if reading is None:
            self.hang_up()
            return
        self._heard = True
        begun = reading.begun
        try:
            reading.feed(data)
        except WireError as error:
            self._end(MalformedError(str(error)))
            self.hang_up()
            return
        if reading.begun and not begun:
            self._begun_at = monotonic()
        if reading.done:
            self._end(None)
            if not reading.lasting:
                self.hang_up()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end: of the connection, and of what was being read."""
        self.lost = True
        reading = self._reading
        if reading is None:
            return
        try:
            reading.ended()
        except WireError as error:
            self._end(LostError(f"{error} ({reason.getErrorMessage()})", unheard=not self._heard))
        else:
            self._end(None)

    def cut(self) -> bool:
        """Hang up because time is over; return whether there is part of a response to keep."""
        reading = self._reading
        self.hang_up()
        if reading is None or not reading.begun:
            return False
        if not reading.done:
            reading.cut("time")
        self._end(None)
        return True

    def hang_up(self) -> None:
        """End the connection at once."""
        transport: Any = self.transport
        if transport is not None and not self.lost:
            transport.abortConnection()

    def latency(self, since: float) -> float:
        """Return the seconds from `since` until the headers of the last response were there."""
        return self._begun_at - since

    def _end(self, error: Exception | None) -> None:
        self._reading = None
        answer, self._answer = self._answer, None
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)


def agent(settings: BaseSettings) -> str:
    """Return who is asking, with whom to write to if that was given."""
    contact = settings.get("YUQI_CONTACT")
    return str(settings["USER_AGENT"]) + (f" +{contact}" if contact else "")


class Origin(NamedTuple):
    """Where a connection leads."""

    scheme: str
    host: str
    port: int

    @property
    def header(self) -> bytes:
        """What the Host header says of it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == PORTS[self.scheme] else f"{host}:{self.port}").encode("ascii")


class Pool:
    """Connections to many origins: new ones, and those that were asked before and are kept for the next request."""

    def __init__(self, reactor: Any, policy: AddressPolicy, connect_seconds: float) -> None:
        self._reactor = reactor
        self._connect_seconds = connect_seconds
        self._factory = Factory.forProtocol(lambda: Connection(policy))
        self._factory.noisy = False
        self._endpoints: dict[Origin, Any] = {}
        self._idle: dict[Origin, deque[Connection]] = {}
        self._sweeper = LoopingCall(self._sweep)
        self._sweeper.clock = reactor

    async def take(self, origin: Origin, *, fresh: bool = False) -> Connection:
        """Return a connection: one that is kept, or a new one. Raises what Twisted does where none can be made."""
        waiting = self._idle.get(origin)
        while waiting and not fresh:
            # The one used last: the server has most likely kept it too.
            connection = waiting.pop()
            if not connection.lost:
                return connection
        made: Any = self._endpoint(origin).connect(self._factory)
        new: Connection = await made.asFuture(asyncio.get_running_loop())
        return new

    def keep(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection for the next request, for a while."""
        waiting = self._idle.setdefault(origin, deque())
        # As many as a declaration may ask for; opening a connection anew costs both sides more than keeping one.
        if len(waiting) >= MAX_CONCURRENCY:
            connection.hang_up()
            return
        connection.idle_since = monotonic()
        waiting.append(connection)
        if not self._sweeper.running:
            self._sweeper.start(IDLE_SECONDS / 2, now=False)

    def _sweep(self) -> None:
        """Close what was kept for long."""
        before = monotonic() - IDLE_SECONDS
        for origin, waiting in list(self._idle.items()):
            while waiting and (waiting[0].lost or waiting[0].idle_since <= before):
                waiting.popleft().hang_up()
            if not waiting:
                del self._idle[origin]

    def close(self) -> None:
        """Drop what is kept without waiting for servers that don't answer."""
        if self._sweeper.running:
            self._sweeper.stop()
        for waiting in self._idle.values():
            for connection in waiting:
                connection.hang_up()
        self._idle.clear()

    def _endpoint(self, origin: Origin) -> Any:
        """Return where to connect to, for each host but once: its name is checked and encoded anew each time."""
        if origin not in self._endpoints:
            if len(self._endpoints) >= MAX_ORIGINS:
                self._endpoints.clear()
            endpoint: Any = HostnameEndpoint(
                self._reactor, origin.host, origin.port, timeout=self._connect_seconds
            )
            if origin.scheme == "https":
                # Here, as loading OpenSSL takes a while. Certificates are looked at by what the system trusts.
                from twisted.internet.ssl import optionsForClientTLS

                endpoint = wrapClientTLS(optionsForClientTLS(origin.host), endpoint)
            self._endpoints[origin] = endpoint
        return self._endpoints[origin]


class FetchHandler:
    """Scrapy's download handler for http and https."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        from twisted.internet import reactor

        settings = crawler.settings
        self._reactor: Any = reactor
        self._timeout = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._limit = settings.getint("DOWNLOAD_MAXSIZE")
        self._pool = Pool(reactor, policy_of(settings), settings.getfloat("YUQI_CONNECT_TIMEOUT"))
        self._origins: dict[str, Origin] = {}
        usual = {**settings.getdict("DEFAULT_REQUEST_HEADERS"), "User-Agent": agent(settings)}
        self._usual = [(name.encode(), str(value).encode()) for name, value in usual.items() if value]

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> FetchHandler:
        """Build as Scrapy asks."""
        return cls(crawler)

    async def download_request(self, request: Request) -> Response:
        """Return the response to a request: body as transferred, header lines as received.

        `meta["header_lines"]` holds the latter as `(name, value)` in bytes. Raises Scrapy's download exceptions.
        """
        seconds = float(request.meta.get("download_timeout") or self._timeout)
        limit = int(request.meta.get("download_maxsize") or self._limit)
        reading = Reading(limit, bodiless=request.method == "HEAD")
        try:
            await self._exchange(request, reading, seconds)
        except DNSLookupError as error:
            raise self._lookup_error(request, error) from error
        except ConnectTimeoutError as error:
            raise DownloadTimeoutError(f"{request.url}: no connection") from error
        except (ConnectError, ConnectionClosed, LostError, ValueError) as error:
            raise DownloadFailedError(f"{request.url}: {error}") from error
        request.meta["header_lines"] = reading.lines
        headers = Headers()
        for name, value in reading.lines:
            headers.appendlist(name, value)
        flags = [TRUNCATED + reading.truncated] if reading.truncated else []
        return Response(
            request.url, status=reading.status, headers=headers, body=reading.body, flags=flags, request=request
        )

    async def _exchange(self, request: Request, reading: Reading, seconds: float) -> None:
        """Ask, and read the answer, within a time; what there is of a body then is kept."""
        origin, target = self._split(request.url)
        sent = request_bytes(request.method.encode(), target, [(b"Host", origin.header), *self._lines(request)])
        started = monotonic()
        connection: Connection | None = None
        try:
            async with asyncio.timeout(seconds):
                connection = await self._pool.take(origin)
                try:
                    await connection.ask(sent, reading)
                except LostError as error:
                    # A connection that was kept may have ended just when it was wanted again.
                    if not error.unheard or connection.asked == 1:
                        raise
                    connection = await self._pool.take(origin, fresh=True)
                    await connection.ask(sent, reading)
        except TimeoutError as error:
            if connection is None or not connection.cut():
                raise DownloadTimeoutError(f"{request.url}: no response within {seconds:.0f} s") from error
        request.meta["download_latency"] = connection.latency(started)
        if reading.lasting and not connection.lost:
            self._pool.keep(origin, connection)

    def _lines(self, request: Request) -> list[tuple[bytes, bytes]]:
        """Return a request's own headers, and the usual ones that it doesn't bring itself."""
        headers: Mapping[bytes, list[bytes]] = request.headers
        if not headers:
            return self._usual
        own = [(name, value) for name, values in headers.items() for value in values]
        return [line for line in self._usual if line[0] not in headers] + own

    def _split(self, url: str) -> tuple[Origin, bytes]:
        """Return where a URL leads, and what to ask for there."""
        start = url.find("://") + 3
        end = min((place for mark in "/?#" if (place := url.find(mark, start)) >= 0), default=len(url))
        origin = self._origins.get(url[:end])
        if origin is None:
            parts = urlsplit(url[:end])
            if len(self._origins) >= MAX_ORIGINS:
                self._origins.clear()
            origin = Origin(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])
            self._origins[url[:end]] = origin
        target = url[end:].partition("#")[0]
        return origin, (target if target.startswith("/") else "/" + target).encode("ascii")

    def _lookup_error(self, request: Request, error: DNSLookupError) -> Exception:
        """Return what a name that led nowhere means: refused by the policy, or unknown."""
        refused = getattr(self._reactor.nameResolver, "refused", {}).get(host_of(request.url).strip("[]"))
        return AddressRefusedError(refused) if refused else CannotResolveHostError(f"{request.url}: {error}")

    async def close(self) -> None:
        """Drop the connections that are kept."""
        self._pool.close()
