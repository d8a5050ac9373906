"""What the demo's server sends: a status, headers and a body, byte for byte the same at every port."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `delay` is how many seconds the server waits before it; `headers` keep their order."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay: float = 0.0

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def page(
    body: bytes,
    *,
    status: int = 200,
    charset: str | None = "utf-8",
    modified: datetime | None = None,
    kind: str = "text/html",
) -> Response:
    """Return a page with its Content-Type, an ETag, and Last-Modified where `modified` (UTC) is given."""
    content_type = f"{kind}; charset={charset}" if charset else kind
    headers = [
        ("Content-Type", content_type),
        ("ETag", f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()[:16]}"'),
    ]
    if modified is not None:
        headers.append(("Last-Modified", format_datetime(modified.replace(tzinfo=UTC), usegmt=True)))
    return Response(status, tuple(headers), body)


def redirect(target: str, status: int = 302) -> Response:
    """Return a redirect to `target`."""
    return Response(status, (("Location", target), ("Content-Type", "text/html")), b"")


def slow(response: Response, seconds: float) -> Response:
    """Return `response` sent after `seconds`."""
    return replace(response, delay=seconds)
