from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from corpus import archive, intake
from corpus.archive import ArchiveWriter
from corpus.intake import Intake, Problem, read_paths
from corpus.records import Fetch, Location
from corpus.store import Corpus

PAGE = "<html><body><p>逾期之后怎么办？</p></body></html>"


def fetches(*paths: object, stdin: bytes = b"") -> list[Fetch]:
    return [item.fetch for item in items(*paths, stdin=stdin) if isinstance(item, Intake)]


def problems(*paths: object, stdin: bytes = b"") -> list[Problem]:
    return [item for item in items(*paths, stdin=stdin) if isinstance(item, Problem)]


def items(*paths: object, stdin: bytes = b"") -> list[Intake | Problem]:
    return list(read_paths([str(path) for path in paths], io.BytesIO(stdin)))


def test_a_page_keeps_its_bytes_its_type_and_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(PAGE.encode("gbk"))
    (fetch,) = fetches(path)
    assert fetch.body == PAGE.encode("gbk")
    assert fetch.url == "file:///a.html"
    assert fetch.content_type == "text/html"
    assert abs(fetch.fetched_at.timestamp() - path.stat().st_mtime) < 1


def test_a_folder_is_read_in_order_and_names_its_pages_by_their_place(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "2.txt").write_text("乙", encoding="utf-8")
    (folder / "1.html").write_text(PAGE, encoding="utf-8")
    (folder / "logo.png").write_bytes(b"\x89PNG")
    assert [fetch.url for fetch in fetches(folder)] == ["file:///pages/1.html", "file:///pages/b/2.txt"]


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    assert "no .html" in problems(tmp_path)[0].message


def test_a_warc_file_gives_its_records(tmp_path: Path) -> None:
    fetch = Fetch("http://a.example/", datetime(2024, 1, 1, tzinfo=UTC), PAGE.encode(), headers=(("A", "b"),))
    writer = ArchiveWriter(tmp_path)
    name = writer.append(fetch).file
    writer.close()
    assert fetches(tmp_path / name) == [fetch]
    assert fetches("-", stdin=(tmp_path / name).read_bytes()) == [fetch]


def test_a_wet_file_gives_text() -> None:
    text = "逾期之后怎么办".encode()
    record = (
        b"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: http://a.example/\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
        b"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000002>\r\nContent-Type: text/plain\r\n"
        b"Content-Length: " + str(len(text)).encode() + b"\r\n\r\n" + text + b"\r\n\r\n"
    )
    (fetch,) = fetches("-", stdin=record)
    assert (fetch.kind, fetch.body, fetch.url) == ("conversion", text, "http://a.example/")


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson"])
def test_rows(tmp_path: Path, suffix: str) -> None:
    rows = (
        '{"url": "http://a.example/1", "html": "<p>逾期</p>", "date": "2024-05-01"}\n\n{"text": "催收"}\n'.encode()
    )
    pack = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}.get(Path(suffix).suffix, bytes)
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(pack(rows))
    first, second = fetches(path)
    assert (first.url, first.body) == ("http://a.example/1", "<p>逾期</p>".encode())
    assert first.content_type == "text/html; charset=utf-8"
    assert first.fetched_at == datetime(2024, 5, 1, tzinfo=UTC)
    assert second.url.startswith("file:///rows")
    assert second.content_type == "text/plain; charset=utf-8"


def test_a_bad_row_does_not_stop_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "一"}\nnot json\n[1]\n{"title": "x"}\n{"text": "二"}\n', encoding="utf-8")
    assert len(fetches(path)) == 2
    assert [problem.source.rpartition(":")[2] for problem in problems(path)] == ["2", "3", "4"]


def test_bad_files_are_problems_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = tmp_path / "good.txt"
    good.write_text("逾期", encoding="utf-8")
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(gzip.compress(b'{"text": "a"}\n' * 2000)[:-9])
    found = items(tmp_path / "missing.html", torn, good)
    assert isinstance(found[0], Problem)
    assert "no such file" in found[0].message
    assert any(isinstance(item, Problem) and "to its end" in item.message for item in found)
    assert isinstance(found[-1], Intake)


@pytest.mark.parametrize("name", ["empty.warc.gz", "empty.jsonl"])
def test_an_empty_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert len(problems(tmp_path / name)) == 1


def test_a_date_at_the_edge_of_the_calendar(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "一", "date": "0001-01-01T00:00:00+14:00"}\n{"text": "二"}\n', encoding="utf-8")
    assert len(fetches(path)) == 2


def test_a_page_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_FILE_BYTES", 100)
    path = tmp_path / "large.html"
    path.write_bytes(b"x" * 101)
    assert "over the limit" in problems(path)[0].message
    assert "one page" in problems("-", stdin=b"x" * 101)[0].message


def test_standard_input_is_told_apart_by_its_first_bytes() -> None:
    assert fetches("-", stdin=PAGE.encode())[0].content_type is None
    assert fetches("-", stdin=b'{"text": "a"}\n{"text": "b"}\n')[1].body == b"b"
    # A page that merely begins with a brace is a page.
    assert fetches("-", stdin=b"{ not a row }")[0].body == b"{ not a row }"


def test_gzip_on_standard_input_is_what_is_inside(tmp_path: Path) -> None:
    assert fetches("-", stdin=gzip.compress(PAGE.encode()))[0].body == PAGE.encode()
    assert fetches("-", stdin=gzip.compress(b'{"text": "a"}\n{"text": "b"}\n'))[1].body == b"b"
    assert [fetch.body for fetch in fetches("-", stdin=_warc(tmp_path, 2))] == [b"page 0", b"page 1"]
    assert "to its end" in problems("-", stdin=gzip.compress(PAGE.encode() * 99)[:-9])[0].message


def _warc(folder: Path, pages: int) -> bytes:
    writer = ArchiveWriter(folder)
    for number in range(pages):
        where = writer.append(
            Fetch(f"http://a.test/{number}", datetime(2024, 1, 1, tzinfo=UTC), b"page %d" % number)
        )
    writer.close()
    return (folder / where.file).read_bytes()


@pytest.mark.parametrize("left", [3, 40, 200])
def test_a_file_cut_inside_its_last_record_says_so(tmp_path: Path, left: int) -> None:
    data = _warc(tmp_path, 2)
    begins = data.rindex(b"\x1f\x8b\x08\x00\x00\x00\x00\x00")
    path = tmp_path / "cut.warc.gz"
    path.write_bytes(data[: begins + left])
    assert len(fetches(path)) == 1
    (problem,) = problems(path)
    assert problem.source == f"{path}@{begins}"
    assert "the file ends inside" in problem.message


def test_a_whole_file_has_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "whole.warc.gz"
    path.write_bytes(_warc(tmp_path, 3))
    assert problems(path) == []


def test_a_url_with_control_characters_can_be_read_back_from_the_archive(tmp_path: Path) -> None:
    row = {
        "url": " http://a.example/x\r\nWARC-Type: evil\x00\t ",
        "text": "逾期之后先联系平台，说明情况，协商分期还款。",
    }
    source = tmp_path / "a.jsonl"
    source.write_text(json.dumps(row), encoding="utf-8")
    with Corpus(tmp_path / "c.db", create=True) as corpus:
        for item in read_paths([str(source)], io.BytesIO()):
            assert isinstance(item, Intake)
            corpus.add_fetch(item.fetch)
        corpus.flush()
        where = corpus.connection.execute(
            "SELECT id, url, warc_file, warc_offset, warc_length FROM fetches"
        ).fetchone()
        assert where[1] == "http://a.example/x%0D%0AWARC-Type:%20evil%00"
        assert archive.read(corpus.folder, Location(*where[2:])).id == where[0]
