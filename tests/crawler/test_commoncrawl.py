"""Captures out of a public archive, from a folder and from a server that may lie."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.cdx import Capture, KeyRange, host_key, key_range, parse_line, safe_path
from corpus.records import Fetch
from corpus.store import Corpus
from crawler import ranges
from crawler.commoncrawl import blocks, look_up
from crawler.ranges import Folder
from tests.crawler.archive_server import (
    COLLECTION,
    WHEN,
    ArchiveServer,
    Stored,
    key_of,
    line_of,
    looked_at_twice,
    page_at,
    run,
    store,
    write_index,
)  # fmt: skip

ROOT = Path(__file__).parents[2]
HOSTS = ("dead.example", "www.dead.example", "old.dead.example", "alive.example", "dead.example.org")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def kept(root: Path) -> list[Stored]:
    """Two captures of each of six pages on each host, ten days apart."""
    found = store(root, looked_at_twice(HOSTS, 6))
    write_index(root, [stored.line for stored in found])
    return found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "backoff", lambda attempt, base: 0.01)


def copied(path: Path) -> dict[str, str]:
    with Corpus(path, readonly=True) as corpus:
        return dict(corpus.connection.execute("SELECT url, fetched_at FROM fetches").fetchall())


def summary(result: Result) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(result.stdout)
    return table


def cdxj(path: Path, lines: Sequence[bytes]) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def test_a_dead_site_out_of_a_served_archive(tmp_path: Path, root: Path, kept: list[Stored]) -> None:
    path = tmp_path / "c.db"
    with ArchiveServer(root) as server:
        result = run(
            path, server.prefix, "dead.example", "--index", COLLECTION, "--allow-private", "--delay", 0,
            "--contact", "https://example.org/why", "--json",
        )  # fmt: skip
        agents = server.agents
        # One connection, kept open, and each record asked for once.
        assert server.connections == 1
        assert {times for asked, times in server.asked.items() if "warc.gz" in asked} == {1}
    assert result.exit_code == 0, result.output
    # `www` stands under the same key, and so do its captures; the newest of both names is one capture.
    newest = (WHEN + timedelta(days=10)).isoformat()
    have = copied(path)
    assert set(have.values()) == {newest}
    assert {url.replace("www.", "") for url in have} == {
        f"http://dead.example/{number}.html" for number in range(6)
    }
    with Corpus(path, readonly=True) as corpus:
        assert corpus.count("documents") == 6
    assert summary(result)["left_out"]["older"] == 18
    assert all("yuqi/" in agent and "https://example.org/why" in agent for agent in agents)


def test_provenance_is_kept_in_the_archive(tmp_path: Path, root: Path, kept: list[Stored]) -> None:
    path = tmp_path / "c.db"
    assert run(path, root, cdxj(tmp_path / "a.cdxj", [kept[0].line])).exit_code == 0
    with Corpus(path, readonly=True) as corpus:
        records = [gzip.decompress(file.read_bytes()) for file in corpus.folder.glob("*.warc.gz")]
    assert f"WARC-Yuqi-Origin: {root} {kept[0].filename} {kept[0].offset}+{kept[0].length}".encode() in records[0]


@pytest.mark.parametrize(
    ("options", "pages"),
    [
        (["dead.example", "--subdomains"], 12),
        (["dead.example", "--all-captures"], 24),
        (["http://dead.example/3"], 1),
        (["dead.example", "--match", r"/[24]\.html$"], 2),
        (["dead.example", "--to", "2020-01-05"], 6),
        (["dead.example", "--from", "2021"], 0),
        (["dead.example", "--limit", "4"], 4),
        (["nobody.example"], 0),
        (["dead.example", "alive.example"], 12),
    ],
)
def test_what_is_taken(tmp_path: Path, root: Path, kept: list[Stored], options: list[str], pages: int) -> None:
    result = run(tmp_path / "c.db", root, *options, "--index", COLLECTION, "--json")
    assert result.exit_code == 0, result.output
    assert summary(result)["fetched"] == pages


def test_only_pages_are_taken(tmp_path: Path, root: Path) -> None:
    (stored, *_) = store(root, [page_at("http://a.example/1", 1)])
    place = (stored.filename, stored.offset, stored.length)
    lines = [
        line_of(place, stored.fetch, status="404"),
        line_of(place, stored.fetch, **{"mime-detected": "application/pdf"}),
        line_of(place, stored.fetch, length=10**9),
        b"not a line",
        b"com,example)/ 20200101000000 {broken",
        line_of(place, stored.fetch, filename="../../etc/passwd"),
    ]
    result = run(tmp_path / "c.db", root, cdxj(tmp_path / "a.cdxj", lines), "--json")
    assert summary(result)["left_out"] == {"mime": 1, "status": 1, "too-large": 1, "unreadable": 3}


TRICKS = {
    "404": "missing",
    "403": "http-403",
    "416": "no-such-part",
    "whole": "no-ranges",
    "elsewhere": "wrong-range",
    "shifted": "damaged",
    "longer": "wrong-length",
    "cut": "cut-short",
    "to:ftp://127.0.0.1/": "redirect",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_lying_server_spoils_no_other_record(tmp_path: Path, root: Path, kept: list[Stored], trick: str) -> None:
    alive = [stored for stored in kept if "//alive" in stored.fetch.url]
    bad = alive[-1]
    spot = f"{bad.filename} bytes={bad.offset}-{bad.offset + bad.length - 1}$"
    with ArchiveServer(root, {spot: trick}) as server:
        result = run(
            tmp_path / "c.db", server.prefix, cdxj(tmp_path / "a.cdxj", [stored.line for stored in alive]),
            "--all-captures", "--allow-private", "--delay", 0, "--json", "--strict",
        )  # fmt: skip
    assert result.exit_code == 1
    assert summary(result)["failed"] == {TRICKS[trick]: 1}
    assert summary(result)["fetched"] == len(alive) - 1


def test_a_record_that_cannot_be_had_is_replaced_by_the_next_older(
    tmp_path: Path, root: Path, kept: list[Stored]
) -> None:
    pair = [stored for stored in kept if stored.fetch.url == "http://alive.example/2.html"]
    spot = f"{pair[1].filename} bytes={pair[1].offset}-"
    with ArchiveServer(root, {spot: "404"}) as server:
        lines = cdxj(tmp_path / "a.cdxj", [stored.line for stored in pair])
        run(tmp_path / "c.db", server.prefix, lines, "--allow-private", "--delay", 0)
    assert copied(tmp_path / "c.db") == {"http://alive.example/2.html": WHEN.isoformat()}


@pytest.mark.parametrize("changes", [{"length": -1}, {"length": 40}, {"offset": 10**12}, {"digest": "A" * 32}])
def test_a_lying_index(tmp_path: Path, root: Path, changes: dict[str, int | str]) -> None:
    good, other = store(root, [page_at("http://a.example/1", 1), page_at("http://a.example/2", 2)], files=1)
    lines = [line_of((good.filename, good.offset, good.length), good.fetch, **changes), other.line]
    result = run(tmp_path / "c.db", root, cdxj(tmp_path / "a.cdxj", lines), "--json")
    assert set(copied(tmp_path / "c.db")) == {other.fetch.url}
    assert sum(summary(result)["failed"].values()) + summary(result)["left_out"].get("unreadable", 0) == 1


def test_a_record_of_another_page_is_refused(tmp_path: Path, root: Path) -> None:
    one, two = store(root, [page_at("http://a.example/1", 1), page_at("http://a.example/2", 2)], files=1)
    swapped = line_of((two.filename, two.offset, two.length), one.fetch)
    result = run(tmp_path / "c.db", root, cdxj(tmp_path / "a.cdxj", [swapped]), "--json")
    assert summary(result)["failed"] == {"another-record": 1}


def test_a_busy_server_is_waited_for(tmp_path: Path, root: Path, kept: list[Stored]) -> None:
    with ArchiveServer(root, {"warc.gz": "busy"}) as server:
        lines = cdxj(tmp_path / "a.cdxj", [kept[0].line])
        result = run(tmp_path / "c.db", server.prefix, lines, "--allow-private", "--delay", 0, "--json")
    assert summary(result)["fetched"] == 1


@pytest.mark.parametrize(("status", "reason"), [("503", "unavailable"), ("403", "refused")])
def test_a_server_that_refuses_is_left_alone_and_asked_again_another_day(
    tmp_path: Path, root: Path, kept: list[Stored], status: str, reason: str
) -> None:
    path = tmp_path / "c.db"
    lines = cdxj(tmp_path / "a.cdxj", [stored.line for stored in kept])
    with ArchiveServer(root, {"warc.gz": status}) as server:
        result = run(path, server.prefix, lines, "--allow-private", "--delay", 0, "--json")
        assert summary(result)["reason"] == reason
        waiting = summary(result)["waiting"]
        assert waiting == summary(result)["queued"]
        assert sum(server.asked.values()) < 10
        server.tricks.clear()
        again = run(path, server.prefix, "--allow-private", "--delay", 0, "--json")
    assert summary(again)["fetched"] == waiting


def test_addresses_are_checked(tmp_path: Path, root: Path, kept: list[Stored]) -> None:
    lines = cdxj(tmp_path / "a.cdxj", [kept[0].line])
    with ArchiveServer(root) as server:
        refused = run(tmp_path / "c.db", server.prefix, lines, "--json")
        mapped = run(
            tmp_path / "d.db",
            "http://archive.test/",
            lines,
            "--host",
            f"archive.test=127.0.0.1:{server.port}",
            "--json",
        )
        with ArchiveServer(root, {"warc.gz": f"to:{server.prefix}x"}) as outside:
            inwards = run(
                tmp_path / "e.db", "http://archive.test/", lines, "--host", f"archive.test=127.0.0.1:{outside.port}",
                "--json",
            )  # fmt: skip
        assert not any("/x " in asked for asked in server.asked)
    assert summary(refused)["failed"] == {"address": 1}
    assert summary(mapped)["fetched"] == 1
    assert summary(inwards)["failed"] == {"address": 1}


def test_whole_files(tmp_path: Path, root: Path, kept: list[Stored]) -> None:
    name = kept[0].filename
    expected = {
        stored.fetch.url for stored in kept if stored.filename == name and "//dead.example/" in stored.fetch.url
    }
    with ArchiveServer(root) as server:
        result = run(
            tmp_path / "c.db",
            server.prefix,
            name,
            "--match",
            "//dead.example/",
            "--allow-private",
            "--delay",
            0,
            "--json",
        )
    assert set(copied(tmp_path / "c.db")) == expected
    assert summary(result)["left_out"]["pattern"] > 0


def test_a_list_of_the_archive_itself(tmp_path: Path, root: Path, kept: list[Stored]) -> None:
    (root / "lists").mkdir()
    (root / "lists/a.cdxj.gz").write_bytes(gzip.compress(kept[0].line + b"\n" + kept[1].line + b"\n"))
    with ArchiveServer(root) as server:
        result = run(
            tmp_path / "c.db", server.prefix, "lists/a.cdxj.gz", "--allow-private", "--delay", 0, "--json"
        )
    assert summary(result)["listed"] == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing waits here"),
        (["ftp://x/", "a.cdxj"], "https://example.org/"),
        (["no-such-folder", "a.example", "--index", "X"], "nor a folder"),
        (["http://127.0.0.1:1/", "a.example"], "--index"),
        (["http://127.0.0.1:1/", "a.example", "--index", "X"], "--allow-private"),
        (["http://127.0.0.1:1/", "a.example", "--index", "X", "--match", "("], "regular expression"),
        (["http://127.0.0.1:1/", "a.example", "--index", "X", "--from", "last year"], "2019-03"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(tmp_path: Path, arguments: list[str], told: str) -> None:
    result = run(tmp_path / "c.db", *arguments)
    assert result.exit_code == 2
    assert told in result.output


def test_killed_and_gone_on_with(tmp_path: Path, root: Path, kept: list[Stored]) -> None:
    path = tmp_path / "c.db"
    kept = kept[:24]
    lines = cdxj(tmp_path / "a.cdxj", [stored.line for stored in kept])
    with ArchiveServer(root) as server:
        options = ["--allow-private", "--delay", "0.01", "--all-captures"]
        command = [sys.executable, "-m", "yuqi", "commoncrawl", str(path), server.prefix, str(lines), *options]
        for wait in (3, 12):
            child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
            before = sum(server.asked.values())
            while sum(server.asked.values()) < before + wait and child.poll() is None:
                time.sleep(0.005)
            child.send_signal(signal.SIGKILL)
            child.wait()
        result = run(path, server.prefix, "--allow-private", "--delay", 0, "--json")
    assert result.exit_code == 0, result.output
    with Corpus(path, readonly=True) as corpus:
        looks = corpus.connection.execute("SELECT url, fetched_at FROM fetches").fetchall()
    assert sorted(looks) == sorted({(stored.fetch.url, stored.fetch.fetched_at.isoformat()) for stored in kept})


# The index


@pytest.mark.parametrize("per_block", [1, 3, 50])
def test_the_index_is_searched_and_not_read_whole(tmp_path: Path, per_block: int) -> None:
    fetches = [Fetch(f"http://h{n:04d}.example/{m}", WHEN, b"x") for n in range(900) for m in range(4)]
    lines = [line_of(("a.warc.gz", 0, 10), fetch) for fetch in fetches]
    write_index(tmp_path, lines, per_block=per_block)
    reads = 0

    class Counting(Folder):
        def read(self, path: str, offset: int, length: int) -> bytes:
            nonlocal reads
            reads += 1
            return super().read(path, offset, length)

    for host in ("h0000", "h0450", "h0899", "h04505", "a", "z"):
        reads = 0
        found = [line.capture for line in look_up(Counting(tmp_path), COLLECTION, key_range(f"{host}.example"))]
        expected = [f"http://{host}.example/{m}" for m in range(4)] if len(host) == 5 else []
        assert [capture.url for capture in found if capture] == expected
        assert reads < 25


def test_a_range_over_many_blocks(tmp_path: Path) -> None:
    fetches = [Fetch(f"http://big.example/{n:05d}", WHEN, b"x") for n in range(2000)]
    write_index(tmp_path, [line_of(("a.warc.gz", 0, 10), fetch) for fetch in fetches], per_block=7)
    found = list(look_up(Folder(tmp_path), COLLECTION, key_range("big.example/0")))
    assert len(found) == 2000
    assert len(list(look_up(Folder(tmp_path), COLLECTION, key_range("big.example/0012")))) == 10


@given(
    st.lists(st.text("ab,)/1", min_size=1, max_size=6), min_size=1, max_size=40),
    st.text("ab,)/1", max_size=4),
    st.integers(1, 5),
)
@settings(max_examples=60, deadline=None)
def test_a_search_finds_what_a_scan_finds(
    tmp_path_factory: pytest.TempPathFactory, keys: list[str], low: str, per_block: int
) -> None:
    folder = tmp_path_factory.mktemp("index")
    table = json.dumps({"url": "http://a.example/", "filename": "a", "offset": "0", "length": "1"})
    write_index(folder, [f"{key} 20200101000000 {table}".encode() for key in keys], per_block=per_block)
    wanted = KeyRange(low, low + "1")
    found = [line.capture.key for line in look_up(Folder(folder), COLLECTION, wanted) if line.capture]
    assert found == sorted(key for key in keys if key in wanted)


def test_a_broken_index_is_told(tmp_path: Path) -> None:
    folder = tmp_path / f"cc-index/collections/{COLLECTION}/indexes"
    folder.mkdir(parents=True)
    (folder / "cluster.idx").write_text("com,example)/ 2020\t../../x\t0\t10\t1\n")
    with pytest.raises(ranges.RangeError, match="no such block"):
        list(
            blocks(
                Folder(tmp_path),
                f"cc-index/collections/{COLLECTION}/indexes/cluster.idx",
                key_range("example.com"),
            )
        )


def test_lines() -> None:
    table = b'{"url": "http://example.com/a", "filename": "x/y.warc.gz", "offset": "5", "length": 7}'
    line = b"com,example)/a 20200102030405 " + table
    assert parse_line(line) == Capture(
        "com,example)/a", "20200102030405", "http://example.com/a", "x/y.warc.gz", 5, 7
    )
    for broken in (b"", b"a b", b'a x {"url": 1}', b"a 2020 []", b'a 2020 {"url": "u", "offset": "x"}'):
        assert isinstance(parse_line(broken), str)


@given(st.binary(max_size=200))
@settings(max_examples=60)
def test_no_line_breaks_the_reader(data: bytes) -> None:
    assert isinstance(parse_line(b"com,a)/ 2020 {" + data), Capture | str)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x", "a/../../b", "http://x/y", "a//b", "a?b", "a b", "", "a\\b", "a/./b"]
)
def test_paths_stay_below_the_prefix(name: str) -> None:
    assert safe_path(name) is None


@pytest.mark.parametrize(
    "name", ["crawl-data/CC-MAIN-2024-10/segments/1707947473347.0/warc/CC-MAIN-x-00000.warc.gz", "a..b"]
)
def test_ordinary_paths_are_taken(name: str) -> None:
    assert safe_path(name) == name


def test_a_link_out_of_the_folder_is_no_file_of_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "a/link").symlink_to(tmp_path / "secret")
    with pytest.raises(ranges.RangeError, match="leads out"):
        Folder(tmp_path / "a").read("link", 0, 6)


def test_keys() -> None:
    assert host_key("WWW2.Example.com.") == "com,example"
    assert host_key("逾期.example") == "example,xn--7uq7q" or host_key("逾期.example").startswith("example,xn--")
    inside = key_range("example.com", subdomains=True)
    assert "com,example)/" in inside
    assert "com,example,blog)/x" in inside
    assert "com,example-other)/" not in inside
    assert "com,example,blog)/x" not in key_range("example.com")
    assert key_of("http://www.example.com/A") in key_range("http://example.com/a*")
