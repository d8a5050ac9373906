from __future__ import annotations

import gzip
import io
import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator as WarcioIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from corpus.archive import ArchiveError, ArchiveWriter, folder_of, read, record_bytes, tail, walk
from corpus.records import Fetch, Location

WHEN = datetime(2024, 10, 13, 6, 44, 13, 250_000, tzinfo=UTC)
HEADERS = (("Content-Type", "text/html; charset=gbk"), ("Server", "nginx"))


def page(number: int, body: bytes = b"") -> Fetch:
    return Fetch(
        f"http://a.example/{number}", WHEN, body or "逾期".encode("gbk") * (number + 1), "response", 200, HEADERS
    )


def written(folder: Path, fetches: list[Fetch]) -> list[Location]:
    writer = ArchiveWriter(folder)
    locations = [writer.append(fetch) for fetch in fetches]
    writer.close()
    return locations


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    fetches = [
        page(0),
        page(1),
        Fetch("file:///a.txt", WHEN, b"text", "resource", 200, (("Content-Type", "text/plain"),)),
    ]
    locations = written(tmp_path, fetches)
    assert [read(tmp_path, location) for location in locations] == fetches


@given(st.binary(max_size=400), st.integers(100, 599), st.text(max_size=30), st.text(max_size=30))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_and_header_reads_back(tmp_path: Path, body: bytes, status: int, name: str, value: str) -> None:
    hostile = (("X-" + name.encode("ascii", "ignore").decode(), value.encode("utf-8", "ignore").decode()),)
    record = record_bytes(Fetch("http://a.example/", WHEN, body, "response", status, hostile))
    (entry,) = walk(io.BytesIO(record))
    assert entry.fetch is not None, entry.problem
    assert (entry.fetch.body, entry.fetch.status) == (body, status)
    assert len(entry.fetch.headers) <= 1


@given(
    st.text(
        st.sampled_from("ab :;<>/\t\r\n\0\x0b\N{NO-BREAK SPACE}\N{LATIN SMALL LETTER E WITH ACUTE}"), max_size=8
    ),
    st.text(st.sampled_from("ab :,\t\r\n\0\x1e\N{LATIN SMALL LETTER E WITH ACUTE}\udc80"), max_size=12),
    st.sampled_from(["X", "transfer-encoding", ""]),
    st.sampled_from([None, "", " a", "length"]),
    st.binary(max_size=9),
)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_record_reads_as_it_does_among_others(
    tmp_path: Path, path: str, value: str, name: str, word: str | None, body: bytes
) -> None:
    url = "http://a.example/" + path
    fetch = Fetch(url, WHEN, body, "response", 200, ((name, value),), word, word, None, word)
    (location,) = written(tmp_path, [fetch])
    *_, entry = walk(io.BytesIO((tmp_path / location.file).read_bytes()))
    assert entry.fetch == read(tmp_path, location)


@pytest.mark.parametrize(
    ("found", "put"),
    [(b"as it was", b"as it is!"), (b"Content-Length: ", b"Content-Length: 9"), (b"\r\n\r\n", b"\r\n")],
)
def test_a_packed_record_that_was_altered_is_refused(tmp_path: Path, found: bytes, put: bytes) -> None:
    (location,) = written(tmp_path, [page(0, b"the body as it was")])
    record = record_bytes(page(0, b"the body as it was")).replace(found, put)
    (tmp_path / location.file).write_bytes(packed := gzip.compress(record))
    with pytest.raises(ArchiveError):
        read(tmp_path, Location(location.file, 0, len(packed)))


def test_a_header_cannot_start_another(tmp_path: Path) -> None:
    fetch = Fetch("http://a.example/", WHEN, b"x", "response", 200, (("A", "b\r\nSet-Cookie: c\r\n\r\nbody"),))
    (location,) = written(tmp_path, [fetch])
    assert len(read(tmp_path, location).headers) == 1
    assert read(tmp_path, location).body == b"x"


def test_other_libraries_read_the_files_and_find_the_digests_right(tmp_path: Path) -> None:
    fetches = [page(0), page(1)]
    (location, _) = written(tmp_path, fetches)
    with (tmp_path / location.file).open("rb") as stream:
        bodies = []
        for record in WarcioIterator(stream, check_digests="raise"):
            if record.rec_type == "response":
                assert record.http_headers.get_statuscode() == "200"
                bodies.append(record.content_stream().read())
    assert bodies == [fetch.body for fetch in fetches]
    with (tmp_path / location.file).open("rb") as stream:
        assert all(record.verify_block_digest() for record in ArchiveIterator(stream, parse_http=False))


def test_the_same_fetch_gives_the_same_bytes() -> None:
    assert record_bytes(page(3)) == record_bytes(page(3))


def test_every_writer_has_a_file_of_its_own(tmp_path: Path) -> None:
    first, second = ArchiveWriter(tmp_path), ArchiveWriter(tmp_path)
    names = {first.append(page(0)).file, second.append(page(1)).file}
    assert len(names) == 2
    first.close()
    second.close()


@pytest.mark.parametrize("cut", [12, 40, 200])
def test_a_torn_last_record_is_told_from_a_short_body(tmp_path: Path, cut: int) -> None:
    *_, last = written(tmp_path, [page(0), page(1, b"y" * 500)])
    data = (tmp_path / last.file).read_bytes()[:-cut]
    entries = list(walk(io.BytesIO(data)))
    assert entries[0].fetch == page(0)
    assert len(entries) <= 2
    assert all(entry.fetch is None and entry.problem for entry in entries[1:])


def test_a_record_whose_digest_does_not_fit_is_refused() -> None:
    record = record_bytes(page(0, b"the body as it was"))
    (entry,) = walk(io.BytesIO(record.replace(b"as it was", b"as it is!")))
    assert entry.fetch is None
    assert "digest" in (entry.problem or "")


def test_tail_finds_complete_records_and_where_the_torn_one_begins(tmp_path: Path) -> None:
    locations = written(tmp_path, [page(0), page(1), page(2)])
    path = tmp_path / locations[0].file
    data = path.read_bytes()
    for cut in range(0, locations[2].length, 7):
        path.write_bytes(data[: len(data) - cut])
        found = tail(tmp_path, path.name, locations[1].offset)
        assert found is not None
        fetches, end = found
        complete = [page(1), page(2)] if cut == 0 else [page(1)]
        assert [fetch for fetch, _ in fetches] == complete
        assert end == (len(data) if cut == 0 else locations[2].offset)
        assert [read(tmp_path, location) for _, location in fetches] == complete


def test_tail_leaves_a_file_alone_that_is_being_written(tmp_path: Path) -> None:
    writer = ArchiveWriter(tmp_path)
    location = writer.append(page(0))
    assert tail(tmp_path, location.file, 0) is None
    writer.close()
    assert tail(tmp_path, location.file, 0) is not None


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (Location("00009.warc.gz", 0, 10), "archive folder"),
        (Location("00001.warc.gz", 0, 1_000_000), "ends before"),
        (Location("00001.warc.gz", 3, 50), "00001.warc.gz at 3"),
    ],
)
def test_what_cannot_be_read_back_is_named(tmp_path: Path, location: Location, told: str) -> None:
    written(tmp_path, [page(0)])
    with pytest.raises(ArchiveError, match=told):
        read(tmp_path, location)


def test_records_of_other_kinds_are_passed_over() -> None:
    request = (
        b"WARC/1.0\r\nWARC-Type: request\r\nWARC-Target-URI: http://a.example/\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
        b"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>\r\nContent-Length: 4\r\n\r\nGET \r\n\r\n"
    )
    assert [entry.fetch for entry in walk(io.BytesIO(request + record_bytes(page(0))))] == [page(0)]


def test_garbage_is_one_problem() -> None:
    entries = list(itertools.islice(walk(io.BytesIO(b"\x1f\x8b\x08garbage garbage garbage" * 20)), 5))
    assert len(entries) <= 1
    assert all(entry.fetch is None and entry.problem for entry in entries)


def test_the_folder_stands_beside_the_database() -> None:
    assert folder_of(Path("data/corpus.db")) == Path("data/corpus.archive")


def test_a_foreign_record_s_transfer_coding_is_undone() -> None:
    body = "逾期之后怎么办".encode("gbk")
    chunks = (
        b"5\r\n" + body[:5] + b"\r\n" + f"{len(body) - 5:x}".encode() + b";x=y\r\n" + body[5:] + b"\r\n0\r\n\r\n"
    )
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=True)
    headers = StatusAndHeaders("200 OK", [("Transfer-Encoding", "chunked")], protocol="HTTP/1.1")
    writer.write_record(
        writer.create_warc_record("http://a.example/", "response", io.BytesIO(chunks), http_headers=headers)
    )
    (entry,) = walk(io.BytesIO(buffer.getvalue()))
    assert entry.fetch is not None
    assert entry.fetch.body == body
    (again,) = walk(io.BytesIO(record_bytes(entry.fetch)))
    assert again.fetch == entry.fetch
