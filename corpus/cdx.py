"""The index of a web archive: CDXJ lines, and the sorted keys by which a host's captures stand together. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import orjson

MAX_MEMBER_BYTES = 32_000_000
"""Longer records are left out: a page's compressed record has some ten thousand bytes."""

MAX_LINE_BYTES = 100_000

_WWW = re.compile(r"www\d*\.")
_STAMP = re.compile(r"\d{4,14}\Z")
_PATH = re.compile(r"[A-Za-z0-9_.+=~,@-]+(?:/[A-Za-z0-9_.+=~,@-]+)*\Z")


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture of a page as an index names it: its sorted key, 14-digit time, URL, and where its record stands."""

    key: str
    stamp: str
    url: str
    filename: str
    offset: int
    length: int
    status: str = ""
    mime: str = ""
    digest: str = ""


class KeyRange(NamedTuple):
    """Half-open range of sorted keys."""

    low: str
    high: str

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.low <= key < self.high


class Block(NamedTuple):
    """A line of `cluster.idx`: the first key of a compressed block of the index, and where the block stands."""

    key: str
    filename: str
    offset: int
    length: int


def parse_line(line: bytes) -> Capture | str:
    """Return the capture that a CDXJ line names, or what is wrong with the line."""
    if len(line) > MAX_LINE_BYTES:
        return f"a line of more than {MAX_LINE_BYTES} bytes"
    parts = line.strip().split(b" ", 2)
    if len(parts) != 3 or not parts[2].startswith(b"{"):
        return "not a CDXJ line: key, time and a JSON object are wanted"
    try:
        table = orjson.loads(parts[2])
        key, stamp = parts[0].decode(), parts[1].decode()
    except (orjson.JSONDecodeError, UnicodeDecodeError) as error:
        return f"not a CDXJ line: {error}"
    if not isinstance(table, dict) or not _STAMP.match(stamp):
        return "not a CDXJ line: its time or its JSON object is amiss"
    return capture_of(key, stamp, table)


def capture_of(key: str, stamp: str, table: dict[str, object]) -> Capture | str:
    """Return the capture that the fields of an index name (as CDXJ calls them), or what is wrong with them."""
    try:
        offset, length = int(str(table["offset"])), int(str(table["length"]))
        url, filename = str(table["url"]), str(table["filename"])
    except (KeyError, ValueError) as error:
        return f"no usable url, filename, offset and length ({error})"
    if offset < 0 or length <= 0:
        return f"no such place: offset {offset}, length {length}"
    if safe_path(filename) is None:
        return f"not a file's name under the prefix: {filename[:200]!r}"
    mime = str(table.get("mime-detected") or table.get("mime") or "")
    digest = str(table.get("digest") or "").removeprefix("sha1:")
    return Capture(
        key, stamp.ljust(14, "0"), url, filename, offset, length, str(table.get("status") or ""), mime, digest
    )


def parse_block(line: bytes) -> Block | str:
    """Return the block that a line of `cluster.idx` names, or what is wrong with the line."""
    fields = line.strip().split(b"\t")
    try:
        key = fields[0].split(b" ")[0].decode()
        filename, offset, length = fields[1].decode(), int(fields[2]), int(fields[3])
    except (IndexError, ValueError) as error:
        return f"not a line of cluster.idx: {error}"
    if safe_path(filename) is None or offset < 0 or not 0 < length <= MAX_MEMBER_BYTES:
        return f"no such block: {filename[:200]!r}, offset {offset}, length {length}"
    return Block(key, filename, offset, length)


def safe_path(name: str) -> str | None:
    """Return a relative path that stays below the folder it is taken from, or None for one that may not."""
    if len(name) > 1000 or not _PATH.match(name):
        return None
    return None if any(set(segment) == {"."} for segment in name.split("/")) else name


def host_key(host: str) -> str:
    """Return a host in the order of sorted keys, `www` left out: `www.example.com` -> `com,example`."""
    plain = (
        _WWW.sub("", host.lower().rstrip("."), count=1) if _WWW.match(host.lower()) else host.lower().rstrip(".")
    )
    try:
        plain = plain.encode("idna").decode() if not plain.isascii() else plain
    except UnicodeError:
        plain = plain.encode("ascii", "replace").decode()
    return ",".join(reversed(plain.split(".")))


def key_range(target: str, *, subdomains: bool = False) -> KeyRange:
    """Return the keys of what a target names: a host, or the beginning of a URL (`example.com/blog/`).

    `subdomains` takes in the host's subdomains; it is ignored where a path is given.
    """
    parts = urlsplit(target if "://" in target else f"http://{target}")
    key = host_key(parts.hostname or "")
    path = unquote(parts.path).lower().rstrip("*")
    if path not in ("", "/"):
        # Behind every character that a key may have.
        return KeyRange(f"{key}){path}", f"{key}){path}\x7f")
    # In ASCII `)` ends a host, and `,` begins a subdomain; `*`, `+` and `-` stand between and behind.
    return KeyRange(f"{key})", f"{key}-" if subdomains else f"{key}*")
