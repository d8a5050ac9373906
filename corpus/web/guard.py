"""Security headers on every response, and no answer to other machines' names.

A page on the web can make a browser ask this server by a name that its own DNS points at 127.0.0.1 (DNS rebinding); a
server bound to loopback therefore answers to loopback's names alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing inline, nothing from elsewhere, nobody may frame it (CSP Level 3)."""

RAW_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""For the bytes of a page: should a browser show them after all, nothing in them may run or load."""

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], local_only: bool) -> None:
        self._app = app
        self._local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._local_only and not _is_local(scope):
            await _refuse(send, 421, "This server answers to localhost and 127.0.0.1 only.\n")
            return
        if scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, 405, "This corpus is read-only.\n")
            return

        if scope["path"].startswith("//"):
            # Datasette redirects some paths to themselves, respelt: //host/ would lead to that host.
            await _refuse(send, 404, "Nothing stands here.\n")
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", []))
                names = {bytes(name).lower() for name, _ in headers}
                headers += [(name, value) for name, value in _HEADERS if name not in names]
                if b"content-security-policy" not in names:
                    headers.append((b"content-security-policy", POLICY.encode()))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, guarded)


def _is_local(scope: Scope) -> bool:
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    try:
        return urlsplit(f"//{host}").hostname in LOCAL_NAMES
    except ValueError:
        return False


async def _refuse(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
