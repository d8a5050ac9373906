"""The records that pass between the rooms: what was fetched, and what was derived from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from cleaning.clean import Cleaned


LOCAL_SITE = "local"
"""The site of what was ingested from files that name no URL."""

NOT_MODIFIED = "not-modified"
"""The reason of a revisit, which gives nothing new and is no rejection."""

RecordKind = Literal["response", "resource", "conversion", "revisit"]


@dataclass(frozen=True, slots=True)
class Reference:
    """The earlier fetch that a record refers to: its id, where and when it was fetched, its payload's digest."""

    id: str
    url: str
    fetched_at: datetime
    digest: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """One HTTP response as received, or one file as ingested.

    `body` is as transferred: still in the content encoding that `headers` names, but without transfer coding.
    `kind` is the WARC record type: `response` with `status` and `headers`, `resource` for a file of which only
    the content type is known, `conversion` for text that another tool made of a page (WET) or for the page as a
    browser rendered it, `revisit` for an answer that says, or shows, that nothing has changed since the fetch that
    `refers_to` names (its body is empty: the bytes stand there). `origin` says from which archive a capture was copied.
    """

    url: str
    fetched_at: datetime
    body: bytes
    kind: RecordKind = "response"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    crawl_id: str | None = None
    truncated: str | None = None
    refers_to: Reference | None = None
    origin: str | None = None

    def header(self, name: str) -> str | None:
        """Return the first header of that name (in any case), None where there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def with_run(self, crawl_id: str) -> Fetch:
        """Return this fetch as part of a run."""
        return replace(self, crawl_id=crawl_id)

    @property
    def content_type(self) -> str | None:
        """The Content-Type header's value."""
        return self.header("content-type")

    @property
    def rendered(self) -> bool:
        """Whether this is a page as a browser made it of the response that stands beside it."""
        return self.kind == "conversion" and (self.content_type or "").startswith("text/html")

    @property
    def id(self) -> str:
        """32 hex digits of BLAKE2b over URL and body: the same bytes at the same place are the same fetch.

        A revisit is the fetch that it refers to, once more.
        """
        if self.kind == "revisit" and self.refers_to is not None:
            return self.refers_to.id
        digest = hashlib.blake2b(digest_size=16)
        digest.update(self.url.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
        digest.update(self.body)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Location:
    """Where a fetch's record stands: a file of the archive folder, and the gzip member's offset and length."""

    file: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Task:
    """One registered fetch to derive."""

    seq: int
    id: str
    url: str
    site: str
    fetched_at: str
    location: Location


@dataclass(frozen=True, slots=True)
class Document:
    """The article derived from one fetch. `id` is the fetch's id, `seq` the fetch's number in the corpus."""

    id: str
    seq: int
    url: str
    site: str
    first_seen: str
    cleaned: Cleaned


def site_of(url: str) -> str:
    """Return the site that a URL belongs to: its host without `www.` and default port, LOCAL_SITE for files.

    Raises nothing: a URL that can't be parsed is LOCAL_SITE's.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        return LOCAL_SITE
    if not host or parts.scheme == "file":
        return LOCAL_SITE
    host = host.removeprefix("www.")
    return f"{host}:{port}" if port and port not in (80, 443) else host
