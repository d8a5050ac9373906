"""Captures out of the columnar index: Parquet files on a server of ranges, of which little is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

pytest.importorskip("pyarrow")

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.cdx import key_range
from corpus.store import Corpus
from crawler import columnar, commoncrawl, ranges
from crawler.ranges import Folder, RangeError
from tests.crawler.archive_server import (
    COLLECTION,
    COLUMNAR,
    ArchiveServer,
    Stored,
    line_of,
    looked_at_twice,
    page_at,
    parsed,
    run,
    store,
    write_columnar,
    write_index,
)  # fmt: skip

HOSTS = ("dead.example", "old.dead.example", "alive.example", "dead.example.org", "zzz.example")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def kept(root: Path) -> list[Stored]:
    """Two captures of each of four pages on each host, in both indexes."""
    found = store(root, looked_at_twice(HOSTS, 4))
    lines = [stored.line for stored in found]
    write_index(root, lines)
    write_columnar(root, lines)
    return found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "backoff", lambda attempt, base: 0.01)


def copied(path: Path) -> set[tuple[str, str]]:
    with Corpus(path, readonly=True) as corpus:
        return set(corpus.connection.execute("SELECT url, fetched_at FROM fetches").fetchall())


def summary(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    table: dict[str, Any] = json.loads(result.stdout)
    return table


@pytest.mark.parametrize(
    "options",
    [
        ["dead.example"],
        ["dead.example", "--subdomains"],
        ["dead.example/2", "alive.example"],
        ["dead.example", "alive.example", "--all-captures", "--match", r"/[12]\.html"],
        ["nobody.example"],
    ],
)
def test_both_indexes_give_the_same_pages(
    tmp_path: Path, root: Path, kept: list[Stored], options: Sequence[str]
) -> None:
    with ArchiveServer(root) as server:
        common = [*options, "--index", COLLECTION, "--allow-private", "--delay", 0, "--json"]
        lines = summary(run(tmp_path / "lines.db", server.prefix, *common))
        columns = summary(run(tmp_path / "columns.db", server.prefix, *common, "--columnar"))
    assert copied(tmp_path / "columns.db") == copied(tmp_path / "lines.db")
    assert columns["fetched"] == lines["fetched"]
    assert columns["derived"] == lines["derived"]


def test_only_what_may_hold_the_host_is_read(root: Path, kept: list[Stored], tmp_path: Path) -> None:
    with ArchiveServer(root) as server:
        run(tmp_path / "c.db", server.prefix, "zzz.example", "--index", COLLECTION, "--columnar", "--allow-private",
            "--delay", 0)  # fmt: skip
        parts = [asked.partition(" ")[0].rpartition("/")[2] for asked in server.asked if "parquet" in asked]
        assert not any("robotstxt" in asked for asked in server.asked)
    # A file's length and its end are asked for; small ones, as here, are then in hand.
    assert {parts.count(part) for part in parts} == {2}


def test_row_groups_of_other_keys_are_passed_over(
    root: Path, kept: list[Stored], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "_TAIL", 64)
    read: list[int] = []

    class Counting(Folder):
        def read(self, path: str, offset: int, length: int) -> bytes:
            read.append(length)
            return super().read(path, offset, length)

    (name,) = write_columnar(root, [stored.line for stored in kept], files=1, group=8)
    size = (root / name).stat().st_size
    found = list(columnar.look_up(Counting(root), COLLECTION, [key_range("zzz.example")]))
    assert len([line for line in found if line.capture]) == 8
    some = sum(read)
    read.clear()
    assert len(list(columnar.search(columnar.opened(Counting(root), name), name))) == len(kept)
    assert some < sum(read) <= 2 * size


def test_a_file_of_captures_and_a_list_of_hosts(tmp_path: Path, root: Path, kept: list[Stored]) -> None:
    """What a query of another engine found, as it was saved; and hosts from a file."""
    found = tmp_path / "found.parquet"
    rows = [parsed(stored.line) for stored in kept if "//dead.example/" in stored.fetch.url]
    pq.write_table(pa.Table.from_pylist(rows, COLUMNAR), found)
    assert summary(run(tmp_path / "a.db", root, found, "--json"))["fetched"] == 4
    names = write_columnar(root, [stored.line for stored in kept], files=1)
    assert summary(run(tmp_path / "b.db", root, names[0], "--all-captures", "--json"))["fetched"] == len(kept)
    hosts = tmp_path / "hosts.txt"
    hosts.write_text("dead.example  # gone since 2021\n\nalive.example\n")
    told = run(tmp_path / "c.db", root, "--list", hosts, "--index", COLLECTION, "--columnar", "--json")
    assert summary(told)["fetched"] == 8


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"fetch_status": 404}, "status"), ({"content_mime_detected": "application/pdf"}, "mime"),
     ({"warc_filename": "../../etc/passwd"}, "unreadable"), ({"warc_record_length": -1}, "unreadable"),
     ({"fetch_time": None}, "unreadable"), ({"url_surtkey": None}, "unreadable"), ({"warc_filename": None}, "unreadable")],
)  # fmt: skip
def test_rows_that_are_not_taken(
    tmp_path: Path, root: Path, kept: list[Stored], changes: dict[str, object], problem: str
) -> None:
    found = tmp_path / "found.parquet"
    row = parsed(kept[0].line)
    assert row is not None
    pq.write_table(pa.Table.from_pylist([row | changes], COLUMNAR), found)
    assert summary(run(tmp_path / "c.db", root, found, "--json"))["left_out"] == {problem: 1}


@pytest.mark.parametrize(
    "spoil", [b"", b"PAR1", b"no Parquet at all, but long enough", b"x" * 90 + b"\xff\xff\xff\x7fPAR1"]
)
def test_what_is_no_parquet_is_one_line(tmp_path: Path, root: Path, kept: list[Stored], spoil: bytes) -> None:
    (name,) = write_columnar(root, [kept[0].line], files=1)
    (root / name).write_bytes(spoil)
    (tmp_path / "local.parquet").write_bytes(spoil)
    for target in ("dead.example", tmp_path / "local.parquet"):
        result = run(tmp_path / "c.db", root, target, "--index", COLLECTION, "--columnar")
        assert result.exit_code == 2
        assert "parquet" in result.output.splitlines()[-1]


def test_torn_and_foreign_files_are_told(tmp_path: Path, root: Path, kept: list[Stored]) -> None:
    (name,) = write_columnar(root, [stored.line for stored in kept], files=1)
    whole = (root / name).read_bytes()
    (root / name).write_bytes(whole[:40] + bytes(len(whole) // 2) + whole[40 + len(whole) // 2 :])
    with pytest.raises(RangeError, match="parquet"):
        list(columnar.look_up(Folder(root), COLLECTION, [key_range("dead.example")]))
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"url": ["http://a.example/"]}), other)
    assert "no column" in run(tmp_path / "c.db", root, other).output
    with pytest.raises(RangeError, match="No such file"):
        columnar.files_of(Folder(root), "CC-OTHER")


def test_a_server_that_fails_while_a_file_is_read_is_told_as_itself(root: Path, kept: list[Stored]) -> None:
    (name,) = write_columnar(root, [stored.line for stored in kept], files=1)

    class Failing(Folder):
        def read(self, path: str, offset: int, length: int) -> bytes:
            if offset:
                return super().read(path, offset, length)
            raise RangeError("cut-short", "the line is down")

    part = columnar.opened(Folder(root), name)
    assert len(list(columnar.search(part, name))) == len(kept)
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(columnar, "_TAIL", 64)
        patch.setattr(part, "_source", Failing(root))
        patch.setattr(part, "_tail_at", 1 << 40)
        with pytest.raises(RangeError, match="line is down"):
            list(columnar.search(part, name))


def test_a_row_group_beyond_the_limit_is_left_out(
    root: Path, kept: list[Stored], monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = write_columnar(root, [stored.line for stored in kept], files=1, group=100)
    monkeypatch.setattr(columnar, "MAX_GROUP_BYTES", 100)
    (line,) = columnar.search(columnar.opened(Folder(root), name), name)
    assert line.capture is None
    assert "over the limit" in (line.problem or "")


def test_keys_are_compared_as_the_index_sorts_them(root: Path) -> None:
    hosts = ("a.example", "a-b.example", "ab.example", "x.a.example")
    fetches = [page_at(f"http://{host}/", number) for number, host in enumerate(hosts)]
    lines = [line_of(("a.warc.gz", 0, 10), fetch) for fetch in fetches]
    write_columnar(root, lines, files=1, group=2)
    write_index(root, lines)
    for keys in (
        key_range("a.example"),
        key_range("a.example", subdomains=True),
        key_range("example", subdomains=True),
    ):
        by_columns = [line.capture for line in columnar.look_up(Folder(root), COLLECTION, [keys])]
        by_lines = [line.capture for line in commoncrawl.look_up(Folder(root), COLLECTION, keys)]
        assert by_columns == by_lines
