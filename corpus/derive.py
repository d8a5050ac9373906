"""Fetch -> document or rejection: the single path, live and on rebuild."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cleaning.clean import Cleaned, Site, clean
from cleaning.decode import MAX_BODY_BYTES
from cleaning.findings import Rejected
from corpus.coding import BombError, CodingError, decode_content
from corpus.farms import Mark, account_marks, names_services
from corpus.records import NOT_MODIFIED, Fetch

_TEXT_TYPES = ("text/", "application/xhtml+xml", "application/xml", "application/octet-stream", "application/json")
"""Content types that may hold a page: a wrong `octet-stream` over HTML is common on such sites."""

_FOR_MACHINES = frozenset({"/robots.txt", "/ads.txt", "/llms.txt", "/humans.txt", "/.well-known/security.txt"})
"""Plain text that sites keep for programs: crawls archive it, and it is nobody's article."""

_FEED = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?[^>]{0,200}>\s*){0,3}<(?:urlset|sitemapindex|rss|feed|rdf:RDF|opml)\b",
    re.IGNORECASE,
)


FAILED = "failed"
"""The reason of a page at which our own code fails. It stays in the archive; `rebuild` with a mended version gives its
article.
"""


class Derivation(NamedTuple):
    """What a fetch gives: its article or why there is none, and the accounts that its source names."""

    result: Cleaned | Rejected
    marks: tuple[Mark, ...] = ()


def derive(fetch: Fetch, site: Site | None = None, *, restore: bool = False) -> Derivation:
    """Return what `fetch` gives. A function of its arguments and nothing else."""
    if fetch.kind == "revisit":
        return Derivation(Rejected(NOT_MODIFIED, "nothing has changed since it was fetched before"))
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
    plain = fetch.kind == "conversion" and not fetch.rendered
    told = "text/plain; charset=utf-8" if plain else fetch.content_type
    try:
        result = clean(body, told, fetch.url, fetched_at=fetch.fetched_at, site=site, restore=restore)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  # one page that we fail at must not end a run over a million
        return Derivation(Rejected(FAILED, _our_fault(error)))
    # Account ids and the scripts around them are ASCII, so the bytes need no decoding to be searched.
    named = isinstance(result, Cleaned) and fetch.kind != "resource" and names_services(body)
    return Derivation(result, account_marks(body.decode("latin-1")) if named else ())


def _our_fault(error: Exception) -> str:
    """Return in one line what failed, and in which function."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    place = f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"
    return f"cleaning it failed ({type(error).__name__} in {place}); this is our fault: please report it with the page"


def decoded_body(fetch: Fetch) -> bytes | Rejected:
    """Return the body without its content encoding, inflated no further than a page may be."""
    try:
        return decode_content(
            fetch.body, fetch.header("content-encoding") or "", limit=MAX_BODY_BYTES, strict=True
        )
    except CodingError as error:
        return Rejected("bad-encoding", str(error))
    except BombError as error:
        return Rejected("too-large", str(error))
