"""The archive: raw bytes in WARC files, append-only, one gzip member for each record.

A corpus `c.db` keeps its archive in the folder `c.archive` beside it. Every writing process opens a file of its
own and holds a lock on it, so two writers never share one; what a killed process left behind its last commit is
found by `Archive.tail` and either taken in (complete records) or left where it stands (a torn one).
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import io
import os
import re
import uuid
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType
from isal import isal_zlib

from corpus.records import Fetch, Location, RecordKind, Reference

MAX_FILE_BYTES = 1_000_000_000
"""A file that has grown past this is closed and the next begun: 1 GB is what the WARC guidelines advise."""

PACKING = 2
"""Level of ISA-L's deflate: of 30 KB pages it packs 340 MB a second, 5.7 to 1; zlib's usual 6 packs 67, 6.1 to 1."""

MAX_RECORD_BYTES = 256_000_000
"""A record that inflates to more than this is refused on reading: it is a bomb, not a page."""

_PROFILE = "http://netpreserve.org/warc/1.1/revisit/"
"""WARC 1.1, section 6.7: `server-not-modified` for a 304, `identical-payload-digest` for the same bytes again."""
_IDENTIFIER = re.compile(r"[0-9a-f]{32}")
"""A fetch's id."""

_ARCHIVED = {"transfer-encoding": "X-Archive-Orig-Transfer-Encoding"}
"""Headers that would no longer be true of the archived body, and the names that they are kept under."""

_REASONS = {
    200: "OK",
    301: "Moved Permanently",
    302: "Found",
    304: "Not Modified",
    403: "Forbidden",
    404: "Not Found",
}


class ArchiveError(Exception):
    """A record that can't be read back; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record met while walking a WARC file: its fetch or why it holds none, and where it stands."""

    fetch: Fetch | None
    problem: str | None
    offset: int
    length: int


def folder_of(database: Path) -> Path:
    """Return the archive folder of the corpus at `database`."""
    return database.with_name(database.stem + ".archive")


def place(folder: Path, name: str) -> Path:
    """Return where a file of the archive stands. Raises ArchiveError for a name that leads out of its folder."""
    if not is_plain(name):
        raise ArchiveError(f"{name[:80]!r} is no name of a file in the archive: the corpus was tampered with")
    return folder / name


def is_plain(name: str) -> bool:
    """Return whether a name is a file's own, without any folder."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


class ArchiveWriter:
    """Appends records to a WARC file of its own; nothing is durable before `sync`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stream: BinaryIO | None = None
        self._name = ""
        self._offset = 0

    def append(self, fetch: Fetch, identifier: str | None = None) -> Location:
        """Write one record and return where it stands; `identifier` is the fetch's id, where that is known already.

        Raises OSError as `append_member` does.
        """
        return self.append_member(_compress(_record(fetch, identifier)))

    def append_member(self, member: bytes) -> Location:
        """Write a record as it stands packed in another file and return where it stands now.

        Raises OSError when the disk refuses it; what was written of it is cut off again.
        """
        stream = self._open()
        start = self._offset
        try:
            stream.write(member)
            stream.flush()
        except OSError:
            os.ftruncate(stream.fileno(), start)
            stream.seek(start)
            raise
        self._offset += len(member)
        return Location(self._name, start, len(member))

    def sync(self) -> None:
        """Force what was appended to the disk."""
        if self._stream is not None:
            os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Sync and close the file; the next `append` begins another."""
        if self._stream is not None:
            self.sync()
            self._stream.close()
            self._stream = None

    def _open(self) -> BinaryIO:
        if self._stream is not None and self._offset >= MAX_FILE_BYTES:
            self.close()
        if self._stream is None:
            self._stream, self._name = self._begin()
            info = head(self._name)
            self._stream.write(info)
            self._offset = len(info)
        return self._stream

    def _begin(self) -> tuple[BinaryIO, str]:
        self._folder.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(path.name[:5]) for path in self._folder.glob("[0-9]" * 5 + ".warc.gz")), default=0)
        while True:
            name = f"{number:05d}.warc.gz"
            try:
                stream = (self._folder / name).open("xb", buffering=0)
            except FileExistsError:
                # Another writer took the number between the look and the open.
                number += 1
                continue
            fcntl.flock(stream, fcntl.LOCK_EX)
            return stream, name


def _compress(record: Iterable[bytes]) -> bytes:
    """Return a record's parts as one gzip member; without a time stamp, so that the same record gives the same bytes."""
    packer = isal_zlib.compressobj(PACKING, isal_zlib.DEFLATED, 31)
    return b"".join([*map(packer.compress, record), packer.flush()])


def head(name: str) -> bytes:
    """Return what every file of an archive begins with: its `warcinfo` record, packed."""
    return _compress(_warcinfo(name))


def _sha1(*parts: bytes | memoryview) -> str:
    """Return the WARC digest of what stands in parts: labelled base32 of SHA-1, the form that every replay tool reads."""
    made = hashlib.sha1(usedforsecurity=False)
    for part in parts:
        made.update(part)
    return "sha1:" + base64.b32encode(made.digest()).decode("ascii")


def _warcinfo(name: str) -> tuple[bytes, ...]:
    fields = [
        ("WARC-Type", "warcinfo"),
        ("WARC-Date", _stamp(datetime.now(UTC))),
        ("WARC-Record-ID", f"<urn:uuid:{_uuid(f'warcinfo:{name}'.encode())}>"),
        ("WARC-Filename", name),
        ("Content-Type", "application/warc-fields"),
    ]
    return _written(fields, b"software: yuqi\r\nformat: WARC File Format 1.1\r\n")


def record_bytes(fetch: Fetch, identifier: str | None = None) -> bytes:
    """Return the uncompressed WARC record of `fetch`, with block and payload digests.

    `identifier` is the fetch's id, where that is known already.
    """
    return b"".join(_record(fetch, identifier))


def _record(fetch: Fetch, identifier: str | None) -> tuple[bytes, ...]:
    """Return what `record_bytes` does in parts: to put a page together only to take it in takes as long as to hash it."""
    stamp = _stamp(fetch.fetched_at)
    fields = [
        ("WARC-Type", fetch.kind),
        ("WARC-Date", stamp),
        ("WARC-Record-ID", f"<urn:uuid:{_uuid(f'{identifier or fetch.id}{stamp}'.encode())}>"),
        ("WARC-Target-URI", fetch.url),
    ]
    if fetch.refers_to is not None:
        fields += _reference_fields(fetch, fetch.refers_to)
    own = {
        "WARC-Truncated": fetch.truncated,
        "WARC-Yuqi-Crawl": fetch.crawl_id,
        "WARC-Yuqi-Origin": fetch.origin,
    }
    fields += [(name, value) for name, value in own.items() if value]
    if fetch.kind in ("response", "revisit"):
        fields.append(("Content-Type", "application/http; msgtype=response"))
    else:
        fields.append(("Content-Type", fetch.content_type or "application/octet-stream"))
    if fetch.kind == "revisit":
        return _written(fields, _http_head(fetch))
    digest = payload_digest(fetch)
    fields.append(("WARC-Payload-Digest", digest))
    if fetch.kind == "response":
        return _written(fields, _http_head(fetch), fetch.body)
    return _written(fields, fetch.body, digest=digest)


def payload_digest(fetch: Fetch) -> str:
    """Return the digest of a fetch's body as WARC writes it."""
    return _sha1(fetch.body)


def reference(fetch: Fetch) -> Reference:
    """Return how a later record refers to `fetch`; to a revisit's own original where it is one."""
    return fetch.refers_to or Reference(fetch.id, fetch.url, fetch.fetched_at, payload_digest(fetch))


def _stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _reference_fields(fetch: Fetch, other: Reference) -> list[tuple[str, str]]:
    """Return which record this one refers to. `WARC-Yuqi-Fetch` is our own, by which the corpus finds it again."""
    when = _stamp(other.fetched_at)
    fields = [
        ("WARC-Refers-To", f"<urn:uuid:{_uuid(f'{other.id}{when}'.encode())}>"),
        ("WARC-Refers-To-Target-URI", other.url),
        ("WARC-Refers-To-Date", when),
        ("WARC-Yuqi-Fetch", other.id),
        ("WARC-Yuqi-Digest", other.digest),
    ]
    if fetch.kind == "revisit":
        profile = "server-not-modified" if fetch.status == 304 else "identical-payload-digest"
        fields += [("WARC-Profile", _PROFILE + profile), ("WARC-Payload-Digest", other.digest)]
    return fields


def _uuid(seed: bytes) -> str:
    return str(uuid.UUID(bytes=hashlib.blake2b(seed, digest_size=16).digest(), version=4))


def _written(fields: Sequence[tuple[str, str]], *block: bytes, digest: str | None = None) -> tuple[bytes, ...]:
    """Return the parts of a record of these fields (WARC 1.1, section 4), its length and digest added.

    `digest` is the block's, where that is known already.
    """
    lines = [f"{name}: {_header_safe(value)}" for name, value in fields]
    lines += [f"Content-Length: {sum(map(len, block))}", f"WARC-Block-Digest: {digest or _sha1(*block)}"]
    head = "\r\n".join(["WARC/1.1", *lines]).encode("utf-8")
    return head, b"\r\n\r\n", *block, b"\r\n\r\n"


def _http_head(fetch: Fetch) -> bytes:
    """Return the HTTP head as received; a transfer coding that the client undid goes under another name."""
    lines = [f"HTTP/1.1 {fetch.status} {_REASONS.get(fetch.status, '')}".rstrip()]
    for key, value in fetch.headers:
        name = _ARCHIVED.get(key.lower(), key)
        lines.append(f"{_header_safe(name)}: {_header_safe(value)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def _header_safe(value: str) -> str:
    """Return `value` without line breaks: a hostile header may not start another one."""
    return value.replace("\r", " ").replace("\n", " ").replace("\0", " ")


def read(folder: Path, location: Location) -> Fetch:
    """Return the fetch at `location`.

    Raises ArchiveError when the file is missing, short, or its digest does not fit.
    """
    try:
        # Without a stream and its buffer: that takes longer than the reading.
        file = os.open(place(folder, location.file), os.O_RDONLY)
        try:
            member = os.pread(file, location.length, location.offset)
        finally:
            os.close(file)
    except OSError as error:
        raise ArchiveError(
            f"{location.file}: {error.strerror}; is the archive folder beside the database?"
        ) from error
    if len(member) != location.length:
        raise ArchiveError(f"{location.file} ends before offset {location.offset} + {location.length}")
    plain = _plain_response(member)
    if plain is not None:
        return plain
    for entry in walk(io.BytesIO(member)):
        if entry.fetch is not None:
            return entry.fetch
        raise ArchiveError(f"{location.file} at {location.offset}: {entry.problem}")
    raise ArchiveError(f"{location.file} at {location.offset}: no record there")


_PLAIN_FIELDS = frozenset(
    {
        "WARC-Type",
        "WARC-Date",
        "WARC-Record-ID",
        "WARC-Target-URI",
        "WARC-Truncated",
        "WARC-Yuqi-Crawl",
        "WARC-Yuqi-Origin",
        "Content-Type",
        "WARC-Payload-Digest",
        "Content-Length",
        "WARC-Block-Digest",
    }
)
"""What `record_bytes` says of a response."""


def _plain_response(member: bytes) -> Fetch | None:
    """Return the response that a member as this module writes it holds, what `walk` gives in half the time.

    None for all others, for `walk` to look at: records of other kinds, of other tools, damaged ones.
    """
    inflater = isal_zlib.decompressobj(31)
    try:
        record: bytes = inflater.decompress(member, MAX_RECORD_BYTES)
    except isal_zlib.IsalError:  # type: ignore[misc]  # a class, whatever its stub says
        return None
    start, end = record.find(b"\r\n\r\n") + 4, len(record) - 4
    head = record[: max(start - 4, 0)]
    if (
        not inflater.eof
        or inflater.unused_data
        or end < start
        or record[end:] != b"\r\n\r\n"
        or not head.isascii()
    ):
        return None
    first, *lines = head.decode("ascii").split("\r\n")
    fields = {name: value.strip() for name, _, value in (line.partition(": ") for line in lines)}
    if first != "WARC/1.1" or not len(fields) == len(lines) == len(_PLAIN_FIELDS.intersection(fields)):
        return None
    if not all(map(str.isprintable, lines)):
        return None
    block = memoryview(record)[start:end]
    told = (fields.get("WARC-Type"), fields.get("Content-Length"), fields.get("WARC-Block-Digest"))
    if told != ("response", str(len(block)), _sha1(block)):
        return None
    try:
        status, headers, body = _split_http(record, start, end)
        when = datetime.fromisoformat(fields["WARC-Date"])
        url = fields["WARC-Target-URI"].strip("<>")
    except (ValueError, KeyError):
        return None
    if any(name.lower() == "transfer-encoding" for name, _ in headers):
        return None
    crawl, truncated, origin = map(fields.get, ("WARC-Yuqi-Crawl", "WARC-Truncated", "WARC-Yuqi-Origin"))
    return Fetch(
        url, when, body, "response", status, headers, crawl or None, truncated or None, None, origin or None
    )


def walk(stream: BinaryIO, start: int = 0) -> Iterator[Entry]:
    """Yield an entry for every record of a WARC file (plain, gzip or zstd) that holds a page, in order.

    Records of other kinds are passed over, and so are revisits of other tools: their bytes stand elsewhere. A torn
    or damaged record yields an entry with its problem; what stands behind a place where the file can't be parsed is
    not reached, and the last entry says so.
    """
    wanted = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion | WarcRecordType.revisit
    end = start
    last = 0
    try:
        for record in ArchiveIterator(stream, parse_http=False, quirks_mode=True, fsspec_args=False):
            last = record.stream_pos
            offset = start + last
            entry = (
                _entry(record, offset) if record.record_type & wanted and not _foreign_revisit(record) else None
            )
            end = start + stream.tell()
            if entry is not None:
                yield entry
    except (OSError, EOFError, ValueError) as error:
        yield Entry(None, f"unreadable from about byte {end}: {_first_line(error)}", end, 0)
        return
    rest = _rest(stream, last)
    if rest is not None:
        yield Entry(None, "the file ends inside the record that begins here: it is cut short", start + rest, 0)


def _rest(stream: BinaryIO, last: int) -> int | None:
    """Return where bytes stand behind the last gzip member that gave a record, None when there are none.

    The library ends in silence when a file is cut inside a record's head. Nothing is known of a pipe.
    """
    if not stream.seekable():
        return None
    stream.seek(last)
    inflater = zlib.decompressobj(31)
    end = last
    try:
        while not inflater.eof and (piece := stream.read(65_536)):
            end += len(piece)
            pending = piece
            while pending and not inflater.eof:
                inflater.decompress(pending, 1 << 20)
                pending = inflater.unconsumed_tail
    except zlib.error:
        return None
    end -= len(inflater.unused_data)
    stream.seek(end)
    return end if inflater.eof and stream.read(1) else None


def _foreign_revisit(record: WarcRecord) -> bool:
    return record.record_type == WarcRecordType.revisit and not record.headers.get("WARC-Yuqi-Fetch")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _entry(record: WarcRecord, offset: int) -> Entry:
    stated = record.headers.get("Content-Length")
    if stated is None:
        return Entry(
            None, "the file ends inside this record's head, which states no length: it is cut short", offset, 0
        )
    declared = int(stated or 0)
    if declared > MAX_RECORD_BYTES:
        return Entry(None, f"record of {declared / 1e6:.0f} MB is over the limit", offset, 0)
    block = record.reader.read()
    if len(block) != declared:
        return Entry(
            None,
            f"the file ends inside this record ({len(block)} of {declared} bytes are there): it is cut short",
            offset,
            0,
        )
    digest = record.headers.get("WARC-Block-Digest") or ""
    if digest.startswith("sha1:") and _sha1(block) != digest:
        return Entry(None, "its block digest does not fit: the record is damaged", offset, 0)
    try:
        return Entry(_fetch(record, block), None, offset, 0)
    except ValueError as error:
        return Entry(None, f"{_first_line(error)}; the file may be cut short or damaged there", offset, 0)


def _fetch(record: WarcRecord, block: bytes) -> Fetch:
    """Return the fetch that a record's block holds. Raises ValueError when its headers make no sense."""
    url = (record.headers.get("WARC-Target-URI") or "").strip("<>")
    when = record.record_date or datetime(1970, 1, 1, tzinfo=UTC)
    crawl = record.headers.get("WARC-Yuqi-Crawl") or None
    truncated = record.headers.get("WARC-Truncated") or None
    other = _reference(record)
    origin = record.headers.get("WARC-Yuqi-Origin") or None
    if record.record_type in (WarcRecordType.response, WarcRecordType.revisit):
        status, headers, body = _split_http(block, 0, len(block))
        if record.record_type == WarcRecordType.revisit:
            return Fetch(url, when, b"", "revisit", status, headers, crawl, truncated, other, origin)
        if any(key.lower() == "transfer-encoding" and "chunked" in value.lower() for key, value in headers):
            # Tools that record the wire, as wget and browsers do, leave the transfer coding in the body.
            body = _dechunk(body)
            headers = tuple((_ARCHIVED.get(key.lower(), key), value) for key, value in headers)
        return Fetch(url, when, body, "response", status, headers, crawl, truncated, None, origin)
    kind: RecordKind = "conversion" if record.record_type == WarcRecordType.conversion else "resource"
    told = record.headers.get("Content-Type") or "application/octet-stream"
    return Fetch(url, when, block, kind, 200, (("Content-Type", told),), crawl, truncated, other, origin)


def _reference(record: WarcRecord) -> Reference | None:
    """Return the fetch that one of our records refers to, None where it names none. Raises ValueError."""
    identifier = record.headers.get("WARC-Yuqi-Fetch")
    if not identifier:
        return None
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"it refers to {identifier[:40]!r}, which is no fetch's id")
    url = record.headers.get("WARC-Refers-To-Target-URI") or ""
    when = datetime.fromisoformat(record.headers.get("WARC-Refers-To-Date") or "")
    return Reference(identifier, url, when, record.headers.get("WARC-Yuqi-Digest") or "")


def _dechunk(body: bytes) -> bytes:
    """Return `body` without chunked coding (RFC 9112, section 7.1), as it stands where it isn't chunked after all."""
    parts: list[bytes] = []
    position = 0
    while True:
        line_end = body.find(b"\r\n", position, position + 64)
        size_text = body[position:line_end].partition(b";")[0].strip() if line_end >= 0 else b""
        try:
            size = int(size_text, 16)
        except ValueError:
            return b"".join(parts) if parts else body
        if size <= 0:
            return b"".join(parts)
        parts.append(body[line_end + 2 : line_end + 2 + size])
        position = line_end + 2 + size + 2


def _split_http(record: bytes, start: int, end: int) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
    """Return status, headers and body of the HTTP response that stands in a part of `record`. Raises ValueError."""
    cut, gap = record.find(b"\r\n\r\n", start, end), 4
    if cut < 0:
        cut, gap = record.find(b"\n\n", start, end), 2
    head, body = (record[start:cut], record[cut + gap : end]) if cut >= 0 else (record[start:end], b"")
    # By line feeds alone: `splitlines` would also break a value at U+001E and its like.
    first, *rest = head.decode("utf-8", "surrogateescape").split("\n")
    words = first.split()
    if len(words) < 2 or not words[1].isdigit():
        raise ValueError("it holds no HTTP response")
    pairs = (line.partition(":") for line in rest if ":" in line)
    return int(words[1]), tuple((key.strip(), value.strip()) for key, _, value in pairs), body


def tail(folder: Path, name: str, committed: int) -> tuple[list[tuple[Fetch, Location]], int] | None:
    """Return the complete records of a file behind its `committed` bytes, and where the last of them ends.

    None when another process is writing the file. Members are inflated one by one, so that a torn last one is
    told from a complete one by its own checksum and not by how the file ends.
    """
    found: list[tuple[Fetch, Location]] = []
    with place(folder, name).open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        stream.seek(committed)
        data = stream.read()
    offset = 0
    while offset < len(data):
        length = member_length(data, offset)
        if length is None:
            break
        location = Location(name, committed + offset, length)
        entries = walk(io.BytesIO(data[offset : offset + length]))
        found += [(entry.fetch, location) for entry in entries if entry.fetch is not None]
        offset += length
    return found, committed + offset


def member_length(data: bytes, offset: int = 0) -> int | None:
    """Return the length of the gzip member at `offset`; None when it is torn, no gzip, or inflates beyond the limit."""
    inflater = zlib.decompressobj(31)
    view = memoryview(data)[offset:]
    position = inflated = 0
    try:
        while not inflater.eof and position < len(view):
            pending: bytes | memoryview = view[position : position + 65_536]
            position += len(pending)
            while pending and not inflater.eof:
                inflated += len(inflater.decompress(pending, 1 << 20))
                pending = inflater.unconsumed_tail
                if inflated > 2 * MAX_RECORD_BYTES:
                    return None
    except zlib.error:
        return None
    return position - len(inflater.unused_data) if inflater.eof else None
