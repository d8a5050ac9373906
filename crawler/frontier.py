"""URL rules, pure: the canonical form, scope, and the shapes that lead into traps.

A URL has two forms here. The *requestable* form is what is sent: as the page wrote it, without fragment, tracking
and session parameters. The *canonical* form is only a key: two URLs with one canonical form are one entry in the
frontier. A server may care about the order of its parameters, so the key is never what is requested.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

MAX_URL_LENGTH = 2000
"""Longer URLs are refused: beyond what search engines and proxies carry, and a mark of parameter loops."""

MAX_PATH_SEGMENTS = 16
"""More path segments than this are taken for a loop of relative links."""

DEFAULT_PORTS = {"http": 80, "https": 443}

_TRACKING = """
    gclid gclsrc dclid wbraid gbraid msclkid fbclid yclid mc_cid mc_eid pk_campaign pk_kwd pk_source pk_medium _ga _gl
    bd_vid bdmark hmsr hmpl hmcu hmkw hmci spm scm wxshare_count isappinstalled weibo_id vd_source spm_id_from
    tt_from from_source fromuid srcid nsukey
"""
# First line: Google, Microsoft, Meta, Yandex, Matomo and Mailchimp document these as campaign or click identifiers;
# then Chinese share buttons and statistics: Baidu Tongji, WeChat, Weibo, Alibaba, Bilibili, Toutiao.
TRACKING_PARAMETERS = frozenset(_TRACKING.split())
"""Query parameters that say where a reader came from, not which page is meant (lower case)."""

TRACKING_PREFIXES = ("utm_", "hmsr_", "share_")

SESSION_PARAMETERS = frozenset(
    {
        "phpsessid",
        "jsessionid",
        "aspsessionid",
        "sessionid",
        "session_id",
        "sid",
        "cfid",
        "cftoken",
        "zenid",
        "oscsid",
    }
)
"""Query parameters by which PHP, Java, ASP and shop systems carry a session when cookies are refused."""

_REFERRER_WORD = re.compile(r"[A-Za-z_]{1,24}\Z")
"""`from=` is a share source when its value is a word (`timeline`, `baidu`); a number or a date there may select content."""

_SESSION_VALUE = re.compile(r"(?=[0-9A-Za-z]{0,63}[0-9])[0-9A-Za-z,-]{8,64}\Z")
"""A `sid` is a session only when it looks like one: `sid=12` is as likely a section."""

_SESSION_MATRIX = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?;]*", re.IGNORECASE)

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH_SAFE = _UNRESERVED | frozenset(b"!$&'()*+,;=:@/")
_QUERY_SAFE = _UNRESERVED | frozenset(b"!$'()*,;:@/?")
_HEX = frozenset(b"0123456789abcdefABCDEF")


class UrlError(ValueError):
    """A string that names nothing the crawler may request; the text says why."""


class Step(NamedTuple):
    """A rule that changed a part of a URL: that part before and after, an empty one where it was taken out."""

    rule: str
    before: str
    after: str


class Canonical(NamedTuple):
    """A canonical URL and the steps that made it differ from what was given, in the order applied."""

    url: str
    steps: tuple[Step, ...]

    @property
    def why(self) -> tuple[str, ...]:
        """The rules that were applied."""
        return tuple(step.rule for step in self.steps)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which URLs belong to a crawl: hosts (lower case, punycode), with their subdomains or without."""

    hosts: frozenset[str]
    subdomains: bool = False

    def __contains__(self, url: str) -> bool:
        host = host_of(url)
        if host in self.hosts:
            return True
        return self.subdomains and any(host.endswith("." + parent) for parent in self.hosts)


def canonical(url: str, *, charset: str = "utf-8") -> str:
    """Return the canonical form of an absolute http(s) URL: idempotent, ASCII only.

    `charset` is the page's encoding, in which browsers encode the query of a link (the path is always UTF-8).
    Raises UrlError for anything that isn't a well-formed http(s) URL.
    """
    return explain(url, charset=charset).url


def explain(url: str, *, charset: str = "utf-8") -> Canonical:
    """Return the canonical form with the names of the rules that changed the URL. Raises UrlError."""
    return _rewrite(url, charset, for_key=True)


def requestable(url: str, *, charset: str = "utf-8") -> str:
    """Return the form to send: parameter order and spelling as given, tracking and session parameters gone.

    Raises UrlError.
    """
    return _rewrite(url, charset, for_key=False).url


def resolve(base: str, reference: str) -> str:
    """Return `reference` made absolute against `base`. Raises UrlError if that can't be done."""
    try:
        return urljoin(base, _tidy(reference))
    except ValueError as error:
        raise UrlError(f"not a URL reference: {error}") from None


def _tidy(url: str) -> str:
    """Return `url` as browsers read it: no white space around, no tabs or line breaks inside, `\\` as `/`."""
    text = url.strip(" \t\r\n\f\0")
    for character in "\t\r\n":
        text = text.replace(character, "")
    head, mark, tail = text.partition("?")
    return head.replace("\\", "/") + mark + tail


_PLAIN = re.compile(r"https?://(?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*/[A-Za-z0-9_~/.-]*")
"""URLs that no rule changes (but for dot segments, looked for apart): most of a site's links, so worth a short cut."""


def _rewrite(url: str, charset: str, *, for_key: bool) -> Canonical:
    if len(url) <= MAX_URL_LENGTH and _PLAIN.fullmatch(url) and "/." not in url:
        return Canonical(url, ())
    text = _tidy(url)
    if len(text) > 4 * MAX_URL_LENGTH:
        raise UrlError(f"URL longer than {MAX_URL_LENGTH} characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise UrlError(f"not a URL: {error}") from None
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise UrlError(f"scheme {scheme or '(none)'} is not http or https")
    why: list[Step] = []
    host = _host(parts.hostname or "")
    if host not in parts.netloc:
        why.append(Step("host", parts.netloc, host))
    authority = host if port is None or port == DEFAULT_PORTS[scheme] else f"{host}:{port}"
    if parts.username is not None:
        why.append(Step("userinfo", parts.netloc.rpartition("@")[0] + "@", ""))
    if port is not None and port == DEFAULT_PORTS[scheme]:
        why.append(Step("default-port", f":{port}", ""))
    path = _path(parts.path, why)
    query = _query(parts.query, charset, why, for_key=for_key)
    if parts.fragment or text.endswith("#"):
        why.append(Step("fragment", f"#{parts.fragment}", ""))
    result = f"{scheme}://{authority}{path}" + (f"?{query}" if query else "")
    if len(result) > MAX_URL_LENGTH:
        raise UrlError(f"URL longer than {MAX_URL_LENGTH} characters")
    return Canonical(result, tuple(why))


def _note(why: list[Step], rule: str, before: str, after: str) -> str:
    """Return `after`, and record `rule` if that changed anything."""
    if before != after:
        why.append(Step(rule, before, after))
    return after


def _host(host: str) -> str:
    """Return a host in lower case, punycode, without trailing dot; an IPv6 address in brackets. Raises UrlError."""
    if not host:
        raise UrlError("no host")
    if ":" in host:
        try:
            return f"[{ipaddress.IPv6Address(host.partition('%')[0]).compressed}]"
        except ValueError:
            raise UrlError(f"not an IPv6 address: {host}") from None
    name = host.lower()
    if not name.isascii():
        try:
            # IDNA 2003: no name in use in Chinese differs from IDNA 2008.
            name = name[:254].encode("idna").decode("ascii").lower()
        except UnicodeError as error:
            raise UrlError(f"not a host name: {error}") from None
    name = name.removesuffix(".")  # here, as IDNA makes a dot of an ideographic full stop
    if "" in name.split(".") or len(name) > 253 or not all(mark.isalnum() or mark in "-._" for mark in name):
        raise UrlError(f"not a host name: {host[:80]!r}")
    return _legacy_ipv4(name) or name


def _legacy_ipv4(name: str) -> str | None:
    """Return the dotted form of an IPv4 address written with fewer parts, in hex or octal; None for a name.

    Source: the WHATWG URL standard's IPv4 parser, which resolvers follow too: `2130706433` is 127.0.0.1.
    """
    parts = name.split(".")
    numbers = [_ipv4_number(part) for part in parts]
    if numbers[-1] is None:
        return None
    if len(parts) > 4 or None in numbers:
        raise UrlError(f"not an IPv4 address: {name[:80]!r}")
    *head, last = [number for number in numbers if number is not None]
    if any(number > 255 for number in head) or last >= 256 ** (5 - len(parts)):
        raise UrlError(f"not an IPv4 address: {name[:80]!r}")
    value = last + sum(number << (8 * (3 - place)) for place, number in enumerate(head))
    return str(ipaddress.IPv4Address(value))


def _ipv4_number(part: str) -> int | None:
    """Return the value of one part of an IPv4 address (decimal, 0x hex, 0 octal), or None."""
    if not part or len(part) > 16 or not part.isascii():
        return None
    try:
        if part.startswith("0x"):
            return int(part[2:] or "0", 16) if "_" not in part else None
        if not part.isdigit():
            return None
        return int(part, 8) if len(part) > 1 and part[0] == "0" else int(part)
    except ValueError:
        return None


def _path(path: str, why: list[Step]) -> str:
    """Return a path with one percent-encoding, without dot segments or session parameters."""
    encoded = _note(why, "percent-encoding", path, _requote(path.encode("utf-8", "replace"), _PATH_SAFE))
    encoded = _note(why, "session", encoded, _SESSION_MATRIX.sub("", encoded))
    return _note(why, "dot-segments", encoded, _remove_dots(encoded)) or "/"


def _remove_dots(path: str) -> str:
    """Return `path` without `.` and `..` segments (RFC 3986, 5.2.4); always begins with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:] if path.startswith("/") else path.split("/")
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _query(query: str, charset: str, why: list[Step], *, for_key: bool) -> str:
    """Return a query without tracking and session parameters; for the key also sorted by name and in one spelling."""
    try:
        raw = query.encode(charset, "replace")
    except LookupError:
        raw = query.encode("utf-8", "replace")
    pairs: list[tuple[bytes, bytes]] = []
    for piece in raw.split(b"&"):
        # A page that escaped twice (`&amp;amp;`) leaves `amp;` before the name.
        name, mark, value = _strip_entity(piece).partition(b"=")
        if not name and not value:
            continue
        # Judged as it will be spelt: `1%44` is `1D` the next time it is looked at.
        name, value = _spell(name, for_key=for_key), _spell(value, for_key=for_key)
        if reason := _dropped(name, value):
            why.append(Step(reason, piece.decode("utf-8", "replace"), ""))
            continue
        pairs.append((name, mark + value))
    ordered = sorted(pairs, key=lambda pair: pair[0]) if for_key else pairs
    if ordered != pairs:
        why.append(Step("parameter-order", _joined(pairs), _joined(ordered)))
    result = _joined(ordered)
    if result != query and not why:
        why.append(Step("query-encoding", query, result))
    return result


def _joined(pairs: list[tuple[bytes, bytes]]) -> str:
    return b"&".join(name + rest for name, rest in pairs).decode("ascii")


def _strip_entity(piece: bytes) -> bytes:
    while piece[:4].lower() == b"amp;":
        piece = piece[4:]
    return piece


def _spell(part: bytes, *, for_key: bool) -> bytes:
    """Return a name or value percent-encoded once; a form's `+` and `%20` are the same space in the key."""
    if for_key:
        part = part.replace(b"+", b"%20")
        return _requote(part, _QUERY_SAFE).encode()
    return _requote(part, _QUERY_SAFE | {0x2B}).encode()


def _dropped(name: bytes, value: bytes) -> str | None:
    """Return the rule by which a parameter doesn't select the page, or None."""
    label = name.decode("ascii", "replace").lower()
    text = value.decode("ascii", "replace")
    if label in TRACKING_PARAMETERS or label.startswith(TRACKING_PREFIXES):
        return "tracking"
    if label in ("from", "source", "ref") and _REFERRER_WORD.match(text):
        return "tracking"
    if label in SESSION_PARAMETERS and _SESSION_VALUE.match(text):
        return "session"
    return None


def _requote(raw: bytes, safe: frozenset[int]) -> str:
    """Return bytes percent-encoded in one spelling: unreserved ones bare, hex in capitals, a stray `%` as `%25`.

    Escapes of other bytes are kept as they are, whatever their encoding: `%D3%E2` in a GBK query stays two bytes.
    """
    if raw.isalnum():
        return raw.decode("ascii")
    out = bytearray()
    position = 0
    length = len(raw)
    while position < length:
        byte = raw[position]
        if byte == 0x25 and position + 2 < length and raw[position + 1] in _HEX and raw[position + 2] in _HEX:
            value = int(raw[position + 1 : position + 3], 16)
            out += bytes((value,)) if value in _UNRESERVED else b"%%%02X" % value
            position += 3
            continue
        out += bytes((byte,)) if byte in safe else b"%%%02X" % byte
        position += 1
    return out.decode("ascii")


def host_of(url: str) -> str:
    """Return the host of a URL in lower case without port, or an empty string."""
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2].lower()
    if authority.startswith("["):
        return authority.partition("]")[0] + "]"
    return authority.partition(":")[0]


def twin(host: str) -> str:
    """Return a host's `www` twin: `example.test` for `www.example.test`, and the other way about."""
    return host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"


_NO_PAGES = """
    7z aac ai apk avi bmp bz2 css csv dmg doc docx eot eps exe flac flv gif ico ipa iso jar jpeg jpg js json map m3u8 m4a
    m4v mkv mov mp3 mp4 mpeg mpg msi ogg ogv otf pdf png ppt pptx psd rar rm rmvb svg swf tar tgz tif tiff ts ttf wasm
    wav webm webp wma wmv woff woff2 xls xlsx zip
"""
SKIPPED_EXTENSIONS = frozenset(_NO_PAGES.split())
"""Extensions that name no page: media, archives, fonts, office files, programs, style."""


def extension(url: str) -> str:
    """Return the lower-case extension of the last path segment, without the dot, or an empty string."""
    last = urlsplit(url).path.rpartition("/")[2]
    return last.rpartition(".")[2].lower() if "." in last else ""


_CALENDAR_WORD = re.compile(
    r"(?:^|[/?&_=-])(?:calendar|cal|rili|wannianli|huangli|events?|schedule)(?:$|[/?&_=.-])", re.IGNORECASE
)
_DATE = re.compile(r"(?:^|[/=_-])(?:19|20|21)\d\d(?:$|[/&_.-]|[01]?\d)")
_SESSION_PATH = re.compile(
    r"/\([A-Za-z]\([0-9a-z]{16,32}\)\)/|/(?:sid|session|phpsessid|jsessionid)[-_=/][0-9a-zA-Z]{16,64}(?:/|$)",
    re.IGNORECASE,
)


def trap(url: str) -> str | None:
    """Return the name of the trap whose shape a canonical URL has, or None.

    `repeating-path` the same segment three times, or the path's last segments repeated in a run: a relative link
    that grows. `deep-path` too many segments. `calendar` a date under a calendar's name. `session-in-path` a session
    identifier as a path segment (ASP.NET's `(S(...))` and its kin). `many-parameters` a faceted search.
    """
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    if len(segments) > MAX_PATH_SEGMENTS:
        return "deep-path"
    if _repeats(segments):
        return "repeating-path"
    if _SESSION_PATH.search(parts.path):
        return "session-in-path"
    place = parts.path + ("?" + parts.query if parts.query else "")
    if _CALENDAR_WORD.search(place) and _DATE.search(place):
        return "calendar"
    if parts.query.count("&") >= 8:
        return "many-parameters"
    return None


def _repeats(segments: list[str]) -> bool:
    """Return whether a segment that isn't a number comes three times, or a pair of segments twice running."""
    words = [segment for segment in segments if not segment.isdigit()]
    if any(words.count(word) >= 3 for word in set(words)):
        return True
    pairs = zip(segments, segments[1:], segments[2:], segments[3:])
    return any(a == c and b == d and not (a.isdigit() and b.isdigit()) for a, b, c, d in pairs)


_DIGITS = re.compile(r"\d+")
_OPAQUE = re.compile(r"(?=[0-9A-Za-z_-]*[0-9])[0-9A-Za-z_-]{12,}")


@lru_cache(maxsize=65536)
def shape(url: str) -> str:
    """Return a canonical URL with its numbers and opaque names blanked: pages of one template share a shape.

    `http://a.test/list/12.html?page=3` -> `a.test/list/N.html?page=N`.
    """
    parts = urlsplit(url)
    path = "/".join(
        "X" if _OPAQUE.fullmatch(segment) else _DIGITS.sub("N", segment) for segment in parts.path.split("/")
    )
    names = "&".join(
        f"{name}={_DIGITS.sub('N', value)[:12]}"
        for name, _, value in (pair.partition("=") for pair in parts.query.split("&"))
    )
    return f"{host_of(url)}{path}" + (f"?{names}" if parts.query else "")


def excluded(url: str, scope: Scope, *, extensions: Iterable[str] = ()) -> str | None:
    """Return why a canonical URL is not to be followed (`off-scope`, `file-type`, a trap's name), or None.

    `extensions` are extra ones to skip.
    """
    if url not in scope:
        return "off-scope"
    suffix = extension(url)
    if suffix in SKIPPED_EXTENSIONS or suffix in extensions:
        return "file-type"
    return trap(url)
