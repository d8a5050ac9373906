"""A web archive laid out like Common Crawl's, and a loopback server of ranges that can misbehave."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq
from click.testing import CliRunner, Result

from corpus import archive
from corpus.cdx import host_key, parse_line
from corpus.records import Fetch
from tests.pages import Page, html
from yuqi import main

COLLECTION = "CC-TEST-2020-01"
WHEN = datetime(2020, 1, 1, tzinfo=UTC)


class Stored(NamedTuple):
    """A fetch in the archive, and the CDXJ line that names it."""

    fetch: Fetch
    line: bytes
    filename: str
    offset: int
    length: int


def page_at(url: str, number: int, day: int = 0) -> Fetch:
    """Return a page about overdue loans, each with a text of its own."""
    text = (
        f"第{number}位借款人逾期之后，先和平台协商还款方案，把合同里的利率核对了{number + 2}遍。",
        f"催收电话一天打来{number + 5}次，他保留了录音，并向监管部门投诉了{number + 1}次，最后达成了分期协议。",
    )
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    return Fetch(
        url, WHEN + timedelta(days=day), html(Page(url, f"逾期经历之{number}", text)), "response", 200, headers
    )


def looked_at_twice(hosts: Sequence[str], pages: int) -> list[Fetch]:
    """Return two captures, ten days apart, of so many pages on each host."""
    return [
        page_at(f"http://{host}/{number}.html", 10 * place + number + 100 * turn, 10 * turn)
        for place, host in enumerate(hosts)
        for number in range(pages)
        for turn in range(2)
    ]


def run(path: Path, *arguments: object) -> Result:
    """Run `yuqi commoncrawl` on the corpus at `path`."""
    return CliRunner().invoke(main, ["commoncrawl", str(path), *map(str, arguments)])


def key_of(url: str) -> str:
    host, _, path = url.partition("://")[2].partition("/")
    return f"{host_key(host)})/{path.lower()}"


def line_of(stored_at: tuple[str, int, int], fetch: Fetch, **changes: object) -> bytes:
    filename, offset, length = stored_at
    table = {
        "url": fetch.url, "mime": "text/html", "mime-detected": "text/html", "status": str(fetch.status),
        "digest": archive.payload_digest(fetch).removeprefix("sha1:"), "length": str(length), "offset": str(offset),
        "filename": filename,
    } | changes  # fmt: skip
    stamp = fetch.fetched_at.strftime("%Y%m%d%H%M%S")
    return f"{key_of(fetch.url)} {stamp} {json.dumps(table)}".encode()


def store(root: Path, fetches: Sequence[Fetch], *, files: int = 2) -> list[Stored]:
    """Write fetches into WARC files below `root` and return where they stand."""
    found: list[Stored] = []
    for number in range(files):
        name = f"crawl-data/{COLLECTION}/segments/1/warc/part-{number:05d}.warc.gz"
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            for fetch in fetches[number::files]:
                member = gzip.compress(archive.record_bytes(fetch))
                place = (name, stream.tell(), len(member))
                stream.write(member)
                found.append(Stored(fetch, line_of(place, fetch), *place))
    return found


def write_index(root: Path, lines: Sequence[bytes], *, per_block: int = 3, files: int = 2) -> None:
    """Write sorted CDXJ lines as blocks, and the index of the blocks."""
    folder = root / f"cc-index/collections/{COLLECTION}/indexes"
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(lines)
    blocks = [ordered[at : at + per_block] for at in range(0, len(ordered), per_block)]
    cluster: list[str] = []
    for number in range(files):
        name = f"cdx-{number:05d}.gz"
        share = blocks[number * len(blocks) // files : (number + 1) * len(blocks) // files]
        with (folder / name).open("wb") as stream:
            for block in share:
                packed = gzip.compress(b"".join(line + b"\n" for line in block))
                first = b" ".join(block[0].split(b" ")[:2]).decode()
                cluster.append(f"{first}\t{name}\t{stream.tell()}\t{len(packed)}\t{len(cluster) + 1}\n")
                stream.write(packed)
    (folder / "cluster.idx").write_text("".join(cluster))


def write_columnar(root: Path, lines: Sequence[bytes], *, files: int = 3, group: int = 5) -> list[str]:
    """Write CDXJ lines as the columnar index has them: Parquet files by ranges of keys, and the list of the files."""
    ordered = sorted(filter(None, (parsed(line) for line in lines)), key=lambda row: str(row["url_surtkey"]))
    names = []
    for number in range(files):
        share = ordered[number * len(ordered) // files : (number + 1) * len(ordered) // files]
        names.append(
            f"cc-index/table/cc-main/warc/crawl={COLLECTION}/subset=warc/part-{number:05d}.c000.gz.parquet"
        )
        path = root / names[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(share, COLUMNAR), path, row_group_size=group, compression="gzip")
    told = [*names, f"cc-index/table/cc-main/warc/crawl={COLLECTION}/subset=robotstxt/part-00000.c000.gz.parquet"]
    listed = root / f"crawl-data/{COLLECTION}/cc-index-table.paths.gz"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_bytes(gzip.compress("\n".join(told).encode()))
    return names


COLUMNAR = pa.schema(
    [("url_surtkey", pa.string()), ("url", pa.string()), ("url_host_tld", pa.string()),
     ("fetch_time", pa.timestamp("ms")), ("fetch_status", pa.int16()), ("content_digest", pa.string()),
     ("content_mime_type", pa.string()), ("content_mime_detected", pa.string()), ("content_languages", pa.string()),
     ("warc_filename", pa.string()), ("warc_record_offset", pa.int32()), ("warc_record_length", pa.int32())]
)  # fmt: skip
"""Columns of the real table, some of those that nothing reads here among them."""


def parsed(line: bytes) -> dict[str, object] | None:
    """Return a CDXJ line as a row of the columnar index."""
    found = parse_line(line)
    if isinstance(found, str):
        return None
    return {
        "url_surtkey": found.key, "url": found.url, "url_host_tld": "example", "content_languages": "zho",
        "fetch_time": datetime.strptime(found.stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC),
        "fetch_status": int(found.status), "content_digest": found.digest, "content_mime_type": found.mime,
        "content_mime_detected": found.mime, "warc_filename": found.filename, "warc_record_offset": found.offset,
        "warc_record_length": found.length,
    }  # fmt: skip


class ArchiveServer:
    """Serves a folder by ranges. `tricks` maps a regular expression of path and range to what goes wrong."""

    def __init__(self, root: Path, tricks: dict[str, str] | None = None) -> None:
        self.root = root
        self.tricks = tricks or {}
        self.asked: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.connections = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                outer.connections += 1

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.prefix = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range", "")
        self.asked[f"{handler.path} {asked}"] += 1
        self.agents.add(handler.headers.get("User-Agent", ""))
        trick = next(
            (what for where, what in self.tricks.items() if re.search(where, f"{handler.path} {asked}")), ""
        )
        path = self.root / handler.path.lstrip("/")
        if trick.isdigit() or not path.is_file():
            self._status(handler, int(trick or 404))
            return
        if trick.startswith("busy"):
            # Answers as it should from the second time on.
            if self.asked[f"{handler.path} {asked}"] == 1:
                self._status(handler, 503, **{"Retry-After": "1"})
                return
            trick = ""
        if trick.startswith("to:"):
            self._status(handler, 302, Location=trick[3:])
            return
        self._send(handler, path.read_bytes(), asked, trick)

    @staticmethod
    def _status(handler: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            handler.send_header(name, value)
        handler.end_headers()

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, data: bytes, asked: str, trick: str) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
        if wanted is None or trick == "whole":
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
            return
        first, last = int(wanted[1]), min(int(wanted[2]), len(data) - 1)
        if first > last:
            ArchiveServer._status(handler, 416)
            return
        part = data[first : last + 1]
        told = f"bytes {first}-{last}/{len(data)}"
        if trick == "elsewhere":
            told = f"bytes {first + 1}-{last + 1}/{len(data)}"
        if trick == "shifted":
            part = data[first + 1 : last + 2]
        if trick == "longer":
            part += b"x" * 100_000
        handler.send_response(206)
        handler.send_header("Content-Range", told)
        handler.send_header("Content-Length", str(len(part)))
        handler.end_headers()
        handler.wfile.write(part[: len(part) // 2] if trick == "cut" else part)
        if trick == "cut":
            handler.close_connection = True
