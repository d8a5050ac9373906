"""The download handler: one HTTP response as received, within limits, from a permitted peer.

Scrapy's own handler drops a body that grows too long and keeps headers only grouped by name. An archive wants the
response itself: headers in the order and case they came, the body before content decoding, and what was received of
a body cut short, marked as such. Twisted's public `Agent` does the talking; two small subclasses of its HTTP/1.1
client keep the header lines, bound their size, and refuse a connection whose peer the policy forbids.
"""

# Twisted calls its methods in camel case and types few of them.
# ruff: noqa: N802, ANN401
# mypy: disallow-untyped-calls=False

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from scrapy.exceptions import CannotResolveHostError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Headers, Response
from scrapy.utils.defer import maybe_deferred_to_future
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectError, ConnectionClosed, DNSLookupError
from twisted.internet.error import TimeoutError as ConnectTimeoutError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web._newclient import (
    HEADER,
    STATUS,
    HTTP11ClientProtocol,
    HTTPClientParser,
    ParseError,
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
)
from twisted.web.client import URI, Agent, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers as TxHeaders
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer  # type: ignore[import-untyped]

from crawler.addresses import AddressPolicy
from crawler.frontier import host_of
from crawler.resolver import policy_of
from crawler.site import MAX_CONCURRENCY

if TYPE_CHECKING:
    from scrapy import Request
    from scrapy.crawler import Crawler

MAX_HEAD_BYTES = 65536
"""Status line and headers together; servers and browsers stop at 8 to 256 KB."""

MAX_ENDPOINTS = 1000
"""Hosts whose endpoint is remembered."""

TRUNCATED = "truncated:"
"""A response's flag when its body was cut short: `truncated:length`, `truncated:time` or `truncated:disconnect`,
the values that WARC-Truncated knows."""


class AddressRefusedError(DownloadFailedError):
    """The peer's address is not one the crawl may talk to."""


class MalformedError(DownloadFailedError):
    """What came isn't HTTP: this page's fault, not a sign that its host is down."""


class HeadTooLongError(Exception):
    """The server went on sending headers beyond the limit."""


class _RecordingParser(HTTPClientParser):
    """Keeps the header lines as they came, and bounds them."""

    head_bytes = 0

    def dataReceived(self, data: bytes) -> None:
        """Parse, and give up on a head that doesn't end."""
        in_head = self.state in (STATUS, HEADER)
        super().dataReceived(data)
        if in_head and self.state in (STATUS, HEADER):
            self.head_bytes += len(data)
            if self.head_bytes > MAX_HEAD_BYTES:
                raise HeadTooLongError(f"more than {MAX_HEAD_BYTES} bytes of headers")

    def lineReceived(self, line: bytes) -> None:
        """Skip a header line without a colon, as browsers do, rather than lose the page."""
        stripped = line.strip()
        if self.state == HEADER and stripped and line[:1] not in b" \t" and b":" not in stripped:
            return
        if self.state == HEADER and line[:1] in b" \t" and stripped and self._partialHeader is None:
            return
        super().lineReceived(line)

    def statusReceived(self, status: bytes) -> None:
        """Begin a new list of header lines."""
        super().statusReceived(status)
        self.response.header_lines = []

    def headerReceived(self, name: bytes, value: bytes) -> None:
        """Keep the line, then let Twisted sort it in."""
        self.response.header_lines.append((name, value))
        super().headerReceived(name, value)


class _GuardedProtocol(HTTP11ClientProtocol):
    """An HTTP/1.1 connection that speaks only to permitted peers."""

    policy = AddressPolicy()
    refused: str | None = None

    def connectionMade(self) -> None:
        """Look at whom the connection was really made to."""
        transport: Any = self.transport
        peer = transport.getPeer()
        reason = self.policy.refusal(peer.host, peer.port)
        if reason is not None:
            self.refused = f"{peer.host} is {reason}"
            transport.abortConnection()
            return
        super().connectionMade()

    def request(self, request: Any) -> Deferred[Any]:
        """Send a request, with the parser that keeps header lines."""
        if self.refused is not None:
            return fail(AddressRefusedError(self.refused))
        result: Deferred[Any] = super().request(request)
        if self._parser is not None:
            # Twisted names its parser class inside `request`; the subclass adds no state that needs a constructor.
            self._parser.__class__ = _RecordingParser
        result.addCallback(self._remember)
        return result

    def _remember(self, response: Any) -> Any:
        response.connection = self
        return response


class _Factory(Factory):
    noisy = False

    def __init__(self, policy: AddressPolicy, quiescent: Any) -> None:
        self._policy = policy
        self._quiescent = quiescent

    def buildProtocol(self, addr: Any) -> HTTP11ClientProtocol:
        protocol = _GuardedProtocol(self._quiescent)
        protocol.policy = self._policy
        return protocol


@implementer(IAgentEndpointFactory)
class _Endpoints:
    """Where Twisted's agent connects to, for each host but once: its name is checked and encoded anew each time."""

    def __init__(self, factory: Any) -> None:
        self._factory = factory
        self._known: dict[tuple[bytes, bytes, int], Any] = {}

    def endpointForURI(self, uri: URI) -> Any:
        """Return the endpoint of a URI's host and port."""
        origin = (uri.scheme, uri.host, uri.port)
        if origin not in self._known:
            if len(self._known) >= MAX_ENDPOINTS:
                self._known.clear()
            self._known[origin] = self._factory.endpointForURI(uri)
        return self._known[origin]


class _Body(Protocol):
    """Collects a body up to a limit, and says how it ended."""

    def __init__(self, connection: Any, limit: int) -> None:
        self.finished: Deferred[None] = Deferred()
        self.truncated: str | None = None
        self._connection = connection
        self._limit = limit
        self._pieces: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        """Take a piece of the body, or stop at the limit."""
        if self.finished.called:
            return
        room = self._limit - self._size
        self._pieces.append(data[:room])
        self._size += min(len(data), room)
        if len(data) > room:
            self.stop("length")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note the end: complete, or short of what was announced."""
        if self.finished.called:
            return
        # Without Content-Length or chunks the end of the connection is the end of the body (RFC 9112, 6.3).
        if reason.check(ResponseDone, PotentialDataLoss) is None:
            self.truncated = "disconnect"
        self.finished.callback(None)

    def stop(self, why: str) -> None:
        """Hang up and keep what came so far."""
        if self.finished.called:
            return
        self.truncated = why
        self.finished.callback(None)
        if self._connection.transport is not None:
            self._connection.transport.abortConnection()

    def body(self) -> bytes:
        """Return what was received."""
        return b"".join(self._pieces)


class _Exchange:
    """One request and what comes of it: its headers, then its body, without a turn of the event loop between them.

    Taking the body at once spares the connection a pause, and the loop a task's step, for every page.
    """

    def __init__(self, request: Request, limit: int) -> None:
        self._request = request
        self._limit = limit
        self._started = monotonic()
        self._answer: Any = None
        self._body: _Body | None = None

    def begun(self, answer: Any) -> Deferred[None] | None:
        """Take Twisted's response when its headers are there; return what waits for its body, if it has one."""
        self._request.meta["download_latency"] = monotonic() - self._started
        self._request.meta["header_lines"] = tuple(answer.header_lines)
        self._answer = answer
        # A response without a body never hands its transport to a protocol.
        if answer.length == 0:
            return None
        self._body = _Body(answer.connection, self._limit)
        answer.deliverBody(self._body)
        return self._body.finished

    def late(self, waiting: Deferred[Any]) -> None:
        """Keep what came of a body, or give up waiting for headers."""
        if self._body is not None:
            self._body.stop("time")
        else:
            waiting.cancel()

    def response(self) -> Response:
        """Return Scrapy's response."""
        request, answer, body = self._request, self._answer, self._body
        peer = answer.connection.transport.getPeer() if answer.connection.transport is not None else None
        if peer is not None:
            request.meta["peer"] = peer.host
        headers = Headers()
        for name, value in answer.header_lines:
            headers.appendlist(name, value)
        flags = [TRUNCATED + body.truncated] if body is not None and body.truncated else []
        content = b"" if body is None else body.body()
        return Response(
            request.url, status=int(answer.code), headers=headers, body=content, flags=flags, request=request
        )


class FetchHandler:
    """Scrapy's download handler for http and https."""

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        from twisted.internet import reactor

        settings = crawler.settings
        self._reactor: Any = reactor
        self._timeout = settings.getfloat("DOWNLOAD_TIMEOUT")
        self._limit = settings.getint("DOWNLOAD_MAXSIZE")
        self._policy = policy_of(settings)
        pool: Any = HTTPConnectionPool(reactor, persistent=True)
        # As many as a declaration may ask for; opening a connection anew costs both sides more than keeping one.
        pool.maxPersistentPerHost = MAX_CONCURRENCY
        pool.cachedConnectionTimeout = 30
        pool._factory = self._build_factory
        self._pool = pool
        agent: Any = Agent(reactor, connectTimeout=settings.getfloat("YUQI_CONNECT_TIMEOUT"))
        self._agent: Any = Agent.usingEndpointFactory(reactor, _Endpoints(agent._endpointFactory), pool)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> FetchHandler:
        """Build as Scrapy asks."""
        return cls(crawler)

    def _build_factory(self, quiescent: Any, _metadata: Any) -> Factory:
        return _Factory(self._policy, quiescent)

    async def download_request(self, request: Request) -> Response:
        """Return the response to a request: body as transferred, header lines as received.

        `meta["header_lines"]` holds the latter as `(name, value)` in bytes. Raises Scrapy's download exceptions.
        """
        exchange = _Exchange(request, int(request.meta.get("download_maxsize") or self._limit))
        seconds = float(request.meta.get("download_timeout") or self._timeout)
        headers = TxHeaders({name: list(values) for name, values in request.headers.items()})
        waiting = self._agent.request(request.method.encode(), request.url.encode("ascii"), headers, None)
        waiting.addCallback(exchange.begun)
        alarm = self._reactor.callLater(seconds, exchange.late, waiting)
        try:
            await maybe_deferred_to_future(waiting)
        except (CancelledError, ResponseFailed, RequestGenerationFailed, RequestTransmissionFailed) as error:
            if not alarm.active():
                raise DownloadTimeoutError(f"{request.url}: no response within {seconds:.0f} s") from error
            failure = MalformedError if _malformed(error) else DownloadFailedError
            raise failure(f"{request.url}: {_reason(error)}") from error
        except DNSLookupError as error:
            raise self._lookup_error(request, error) from error
        except ConnectTimeoutError as error:
            raise DownloadTimeoutError(f"{request.url}: no connection") from error
        except (ConnectError, ConnectionClosed) as error:
            raise DownloadFailedError(f"{request.url}: {error}") from error
        finally:
            if alarm.active():
                alarm.cancel()
        return exchange.response()

    def _lookup_error(self, request: Request, error: DNSLookupError) -> Exception:
        """Return what a name that led nowhere means: refused by the policy, or unknown."""
        refused = getattr(self._reactor.nameResolver, "refused", {}).get(host_of(request.url).strip("[]"))
        return AddressRefusedError(refused) if refused else CannotResolveHostError(f"{request.url}: {error}")

    async def close(self) -> None:
        """Drop the pooled connections without waiting for servers that don't answer."""
        for connections in list(self._pool._connections.values()):
            for connection in list(connections):
                connection.transport.abortConnection()


def _malformed(error: Exception) -> bool:
    """Return whether the connection was given up because of what came over it, not because it broke."""
    reasons = getattr(error, "reasons", None) or ()
    return any(reason.check(ParseError, ValueError, KeyError, HeadTooLongError) for reason in reasons)


def _reason(error: Exception) -> str:
    """Return the first underlying reason of a Twisted wrapper exception, in words."""
    reasons = getattr(error, "reasons", None)
    return str(reasons[0].value) if reasons else str(error) or type(error).__name__
