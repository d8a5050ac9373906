"""Files -> fetches: what `ingest` and `clean` read. A bad file is a problem to report, never an exception."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

import orjson
import zstandard

from corpus import archive
from corpus.records import Fetch

MAX_FILE_BYTES = 64_000_000
"""A page file larger than this is not read at all; WARC, WET and JSONL files may be of any size."""

MAX_LINE_BYTES = 64_000_000
"""The longest JSONL line that is read."""

_WARC = (".warc", ".wet", ".wat")
_PAGES = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".shtml": "text/html",
    ".txt": "text/plain",
}
_ROWS = (".jsonl", ".ndjson")
_PACKED = (".gz", ".zst")
_BODY_FIELDS = {"html": "text/html", "raw_html": "text/html", "text": "text/plain", "content": "text/plain"}
_DATE_FIELDS = ("fetched_at", "first_seen", "crawled_at", "timestamp", "date")


@dataclass(frozen=True, slots=True)
class Problem:
    """An input, or a part of one, that could not be read: one line for people, saying what to do where that helps."""

    source: str
    message: str


@dataclass(frozen=True, slots=True)
class Intake:
    """A fetch, and the path (and record) it came from."""

    source: str
    fetch: Fetch


def read_paths(paths: Iterable[str], stdin: BinaryIO | None = None) -> Iterator[Intake | Problem]:
    """Yield what is found in files and folders (in sorted order), `-` standing for `stdin`."""
    for path in paths:
        if path == "-":
            if stdin is not None:
                yield from _read_stdin(stdin)
        elif Path(path).is_dir():
            yield from _read_folder(Path(path))
        else:
            yield from _guarded(Path(path), Path(path).name)


def _read_folder(folder: Path) -> Iterator[Intake | Problem]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and _kind(path) is not None]
    if not files:
        yield Problem(str(folder), "no .html, .txt, .warc, .wet or .jsonl file in it")
    for path in files:
        yield from _guarded(path, f"{folder.resolve().name}/{path.relative_to(folder).as_posix()}")


def _guarded(path: Path, name: str) -> Iterator[Intake | Problem]:
    try:
        yield from _read_file(path, name)
    except FileNotFoundError:
        yield Problem(str(path), "no such file; check the path")
    except IsADirectoryError:
        yield Problem(str(path), "it is a folder")
    except PermissionError:
        yield Problem(str(path), "no permission to read it")
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        yield Problem(
            str(path), f"could not be read to its end: {str(error).splitlines()[0] if str(error) else error!r}"
        )


def _kind(path: Path) -> str | None:
    """Return `warc`, `rows` or a content type by the file's name, None for a name that says nothing."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    if last in _WARC:
        return "warc"
    return "rows" if last in _ROWS else _PAGES.get(last)


def _read_file(path: Path, name: str) -> Iterator[Intake | Problem]:
    kind = _kind(path)
    if kind == "warc":
        with path.open("rb") as stream:
            yield from _read_warc(stream, str(path))
        return
    if kind == "rows":
        with _unpacked(path) as stream:
            yield from _read_rows(stream, str(path), name, _mtime(path))
        return
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        limit = f"{MAX_FILE_BYTES / 1e6:.0f} MB"
        yield Problem(str(path), f"{size / 1e6:.0f} MB is over the limit of {limit} for one page; split it")
        return
    with _unpacked(path) as stream:
        body = stream.read(MAX_FILE_BYTES + 1)
    yield Intake(str(path), _page(body, f"file:///{name}", kind, _mtime(path)))


def _mtime(path: Path) -> datetime:
    """Return when the file was last changed: the nearest thing it has to a fetch time."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)


def _unpacked(path: Path) -> BinaryIO:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    stream = path.open("rb")
    if suffix == ".zst":
        reader = zstandard.ZstdDecompressor().stream_reader(stream, closefd=True)
        return io.BufferedReader(reader)
    return stream


def _page(body: bytes, url: str, kind: str | None, when: datetime) -> Fetch:
    headers = (("Content-Type", kind),) if kind else ()
    return Fetch(url, when, body, "resource", 200, headers)


def _read_stdin(stdin: BinaryIO) -> Iterator[Intake | Problem]:
    """Read one page, a JSONL stream or a WARC file from standard input, told apart by the first bytes."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)  # a pipe has no time, and derivation may not ask the clock
    head = stdin.read(65_536)
    stream: BinaryIO = io.BufferedReader(_Rejoined(head, stdin))
    inside = _inside(head)
    if inside.startswith(b"WARC/"):
        yield from _read_warc(stream, "-")
        return
    if inside is not head:
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    try:
        yield from _read_plain_stdin(stream, inside, epoch)
    except (OSError, EOFError, zlib.error) as error:
        yield Problem("-", f"could not be read to its end: {error}")


def _inside(head: bytes) -> bytes:
    """Return the first bytes of what a pipe holds, inflated where it is gzip; `head` itself where it isn't."""
    if head[:2] != b"\x1f\x8b":
        return head
    try:
        return zlib.decompressobj(31).decompress(head, 65_536)
    except zlib.error:
        return head


def _read_plain_stdin(stream: BinaryIO, head: bytes, epoch: datetime) -> Iterator[Intake | Problem]:
    """Read rows or one page."""
    if _is_row(head):
        yield from _read_rows(stream, "-", "stdin", epoch)
    else:
        body = stream.read(MAX_FILE_BYTES + 1)
        if len(body) > MAX_FILE_BYTES:
            yield Problem("-", f"more than {MAX_FILE_BYTES / 1e6:.0f} MB for one page; split it")
        else:
            yield Intake("-", _page(body, "file:///stdin", None, epoch))


class _Rejoined(io.RawIOBase):
    """A pipe with its first bytes, already read for a look, put back."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head = memoryview(head)
        self._rest = rest
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # the base class takes any writable buffer
        if self._head:
            part = self._head[: len(buffer)]
            self._head = self._head[len(part) :]
        else:
            part = memoryview(self._rest.read(len(buffer)))
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def tell(self) -> int:
        # fastwarc panics on a stream that can't tell where it is.
        return self._position


def _is_row(head: bytes) -> bool:
    first = head.lstrip().split(b"\n", 1)[0]
    if not first.startswith(b"{"):
        return False
    try:
        row = orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return isinstance(row, dict) and any(name in row for name in _BODY_FIELDS)


def _read_warc(stream: BinaryIO, source: str) -> Iterator[Intake | Problem]:
    empty = True
    for entry in archive.walk(stream):
        empty = False
        where = f"{source}@{entry.offset}"
        if entry.fetch is not None:
            yield Intake(where, replace(entry.fetch, url=_plain_url(entry.fetch.url)))
        else:
            yield Problem(where, entry.problem or "it holds no page")
    if empty:
        yield Problem(source, "no WARC record with a page in it; is it a WARC or WET file, and whole?")


def _read_rows(stream: BinaryIO, source: str, name: str, when: datetime) -> Iterator[Intake | Problem]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        where = f"{source}:{number}"
        if len(line) > MAX_LINE_BYTES:
            yield Problem(
                where, f"the line is over {MAX_LINE_BYTES / 1e6:.0f} MB; the rest of the file is not read"
            )
            return
        if line.strip():
            fetch = _row(line, f"file:///{name}#{number}", when)
            yield Problem(where, fetch) if isinstance(fetch, str) else Intake(where, fetch)
    if number == 0:
        yield Problem(source, "it is empty")


def _row(line: bytes, fallback_url: str, when: datetime) -> Fetch | str:
    """Return the fetch that a JSONL row holds, or what is wrong with the row."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}"
    if not isinstance(row, dict):
        return "not a JSON object"
    field = next((name for name in _BODY_FIELDS if isinstance(row.get(name), str)), None)
    if field is None:
        return f"no field of {', '.join(_BODY_FIELDS)} holds the page"
    url = row.get("url")
    body = row[field].encode("utf-8", "surrogatepass")
    headers = (("Content-Type", f"{_BODY_FIELDS[field]}; charset=utf-8"),)
    return Fetch(
        _plain_url(url) if isinstance(url, str) and url else fallback_url,
        _row_time(row) or when,
        body,
        "resource",
        200,
        headers,
    )


_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\ud800-\udfff]")


def _plain_url(url: str) -> str:
    """Return a URL without control characters and blanks, percent-encoded: a WARC header holds none of them."""
    return _CONTROLS.sub(lambda found: quote(found[0], safe="", errors="replace"), url.strip())


MIN_YEAR, MAX_YEAR = 1970, 9000


def _in_utc(when: datetime) -> datetime:
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _row_time(row: dict[str, Any]) -> datetime | None:
    for name in _DATE_FIELDS:
        value = row.get(name)
        if isinstance(value, str):
            try:
                found = datetime.fromisoformat(value)
            except ValueError:
                continue
            # A date at the edge of the calendar has no UTC.
            return None if found.year < MIN_YEAR or found.year > MAX_YEAR else _in_utc(found)
    return None
