"""Fetch -> document or rejection: the single path, live and on rebuild."""

from __future__ import annotations

import io
import re
import zlib
from typing import NamedTuple
from urllib.parse import urlsplit

import zstandard

from cleaning.clean import Cleaned, Site, clean
from cleaning.decode import MAX_BODY_BYTES
from cleaning.findings import Rejected
from corpus.farms import Mark, account_marks
from corpus.records import Fetch

_TEXT_TYPES = ("text/", "application/xhtml+xml", "application/xml", "application/octet-stream", "application/json")
"""Content types that may hold a page: a wrong `octet-stream` over HTML is common on such sites."""

_FOR_MACHINES = frozenset({"/robots.txt", "/ads.txt", "/llms.txt", "/humans.txt", "/.well-known/security.txt"})
"""Plain text that sites keep for programs: crawls archive it, and it is nobody's article."""

_FEED = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?[^>]{0,200}>\s*){0,3}<(?:urlset|sitemapindex|rss|feed|rdf:RDF|opml)\b",
    re.IGNORECASE,
)


class Derivation(NamedTuple):
    """What a fetch gives: its article or why there is none, and the accounts that its source names."""

    result: Cleaned | Rejected
    marks: tuple[Mark, ...] = ()


def derive(fetch: Fetch, site: Site | None = None, *, restore: bool = False) -> Derivation:
    """Return what `fetch` gives. A function of its arguments and nothing else."""
    if fetch.kind == "response" and fetch.status != 200:
        return Derivation(Rejected(f"http-{fetch.status}", f"the server answered {fetch.status}"))
    kind = (fetch.content_type or "text/html").partition(";")[0].strip().lower()
    if kind and not kind.startswith(_TEXT_TYPES):
        return Derivation(Rejected("not-text", f"its content type is {kind[:80]}"))
    body = decoded_body(fetch)
    if isinstance(body, Rejected):
        return Derivation(body)
    if fetch.kind == "response" and (urlsplit(fetch.url).path in _FOR_MACHINES or _FEED.match(body[:1000])):
        return Derivation(
            Rejected("for-machines", "it is a file for programs (robots.txt, a sitemap or a feed), not a page")
        )
    told = "text/plain; charset=utf-8" if fetch.kind == "conversion" else fetch.content_type
    result = clean(body, told, fetch.url, fetched_at=fetch.fetched_at, site=site, restore=restore)
    # Account ids and the scripts around them are ASCII, so the bytes need no decoding to be searched.
    marks = (
        account_marks(body.decode("latin-1")) if isinstance(result, Cleaned) and fetch.kind == "response" else ()
    )
    return Derivation(result, marks)


def decoded_body(fetch: Fetch) -> bytes | Rejected:
    """Return the body without its content encoding (RFC 9110, section 8.4), inflated no further than a page may be."""
    body = fetch.body
    codings = [name.strip().lower() for name in (fetch.header("content-encoding") or "").split(",")]
    for coding in reversed(codings):
        if coding in ("", "identity"):
            continue
        inflated = _inflate(body, coding)
        if inflated is None:
            # Servers that declare gzip over a plain body are common; its own first bytes say what it is.
            if body[:2] == b"\x1f\x8b" or coding not in ("gzip", "x-gzip", "deflate"):
                return Rejected("bad-encoding", f"its body is not valid {coding[:20]}")
            continue
        body = inflated
        if len(body) > MAX_BODY_BYTES:
            return Rejected("too-large", f"it inflates to more than {MAX_BODY_BYTES / 1e6:.0f} MB")
    return body


def _inflate(body: bytes, coding: str) -> bytes | None:
    """Return `body` inflated, to one byte over MAX_BODY_BYTES at most; None when it is not in that coding."""
    limit = MAX_BODY_BYTES + 1
    try:
        if coding in ("gzip", "x-gzip"):
            return zlib.decompressobj(31).decompress(body, limit)
        if coding == "deflate":
            return _inflate_deflate(body, limit)
        if coding == "zstd":
            return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body)).read(limit)
        if coding == "br":
            return _inflate_brotli(body, limit)
    except (zlib.error, zstandard.ZstdError):
        return None
    return None


def _inflate_deflate(body: bytes, limit: int) -> bytes:
    """Inflate `deflate`: zlib format by the RFC, raw deflate by what half of the servers send."""
    try:
        return zlib.decompressobj().decompress(body, limit)
    except zlib.error:
        return zlib.decompressobj(-15).decompress(body, limit)


def _inflate_brotli(body: bytes, limit: int) -> bytes | None:
    # brotli comes with scrapy; only a crawl that asked for it meets it.
    import brotli

    parts: list[bytes] = []
    unpacker = brotli.Decompressor()
    try:
        parts.append(unpacker.process(body, output_buffer_limit=limit))
        while not unpacker.is_finished() and sum(map(len, parts)) < limit:
            part = unpacker.process(b"", output_buffer_limit=limit)
            if not part:
                break
            parts.append(part)
    except brotli.error:
        return None
    return b"".join(parts)[:limit]
