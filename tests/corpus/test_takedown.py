from __future__ import annotations

import gzip
import io
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from corpus import archive
from corpus.cli_takedown import _tell_remains
from corpus.impact import impact
from corpus.needles import CHUNK, WINDOW, Hasher
from corpus.records import Fetch
from corpus.store import Corpus, CorpusError
from corpus.takedown import Remains, asked_for, needles, purge, remains
from tests.pages import PAGES, WHEN, Page, fetch_of, html
from yuqi import main

URL = PAGES[2].url
"""A page whose text stands nowhere else."""

TEXT = "".join(PAGES[2].paragraphs)
BY = {"by": "the author", "why": "asked for", "at": "2024-01-01T00:00:00+00:00"}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["takedown", *arguments])


def archived(corpus: Corpus) -> bytes:
    """Every byte of the archive, packed out."""
    return b"".join(gzip.decompress(path.read_bytes()) for path in sorted(corpus.folder.glob("*.warc.gz")))


def plain(text: str) -> bytes:
    return text[:20].encode("utf-8")


@given(st.binary(min_size=WINDOW, max_size=WINDOW * 5), st.binary(max_size=100), st.binary(max_size=100))
def test_a_window_is_found_wherever_it_stands(text: bytes, before: bytes, after: bytes) -> None:
    hasher = Hasher(b"salt")
    needle = hasher.windows(text[:WINDOW])[:1]
    found = list(hasher.scan(io.BytesIO(before + text + after), needle))
    assert len(before) in [offset for offset, _ in found]


def test_a_window_is_found_across_the_chunks_of_a_scan() -> None:
    hasher, source = Hasher(b"salt"), random.Random(7)
    data = source.randbytes(CHUNK + 500)
    for place in (0, CHUNK - WINDOW, CHUNK - 20, CHUNK - 1, CHUNK, len(data) - WINDOW):
        needle = hasher.windows(data[place : place + WINDOW])
        assert [offset for offset, _ in hasher.scan(io.BytesIO(data), needle)] == [place]


def test_other_bytes_are_not_taken_for_a_needle() -> None:
    hasher = Hasher(b"salt")
    wanted = hasher.needles(TEXT)
    assert len(wanted) > 3
    other = "".join(PAGES[0].paragraphs).encode() * 50
    assert list(hasher.scan(io.BytesIO(other), wanted)) == []
    assert not np.isin(Hasher(b"another salt").needles(TEXT), wanted).any()


def test_what_is_taken_down_is_nowhere_after_a_purge(corpus: Corpus) -> None:
    others = {row["id"]: row["text"] for row in corpus.db["documents"].rows if row["url"] != URL}
    assert plain(TEXT) in corpus.path.read_bytes() + Path(f"{corpus.path}-wal").read_bytes()
    assert corpus.take_down([("url", URL)], **BY) == 1
    assert plain(TEXT) not in corpus.path.read_bytes() + Path(f"{corpus.path}-wal").read_bytes()
    assert plain(TEXT) in archived(corpus)
    assert {place.what for place in remains(corpus)} == {f"a page of {URL}: purge"}
    done = purge(corpus)
    assert (done.pages, done.files) == (1, 1)
    assert plain(TEXT) not in archived(corpus)
    assert list(remains(corpus)) == []
    assert {row["id"]: row["text"] for row in corpus.db["documents"].rows} == others
    corpus.rebuild()
    assert {row["id"]: row["text"] for row in corpus.db["documents"].rows} == others
    assert purge(corpus).pages == 0


def test_after_a_purge_the_doctor_finds_everything_sound(corpus: Corpus) -> None:
    corpus.take_down([("url", URL)], **BY)
    purge(corpus)
    result = CliRunner().invoke(main, ["doctor", str(corpus.path)])
    assert result.exit_code == 0, result.output


def test_a_copy_elsewhere_is_told(corpus: Corpus) -> None:
    corpus.take_down([("url", PAGES[0].url)], **BY)
    purge(corpus)
    told = [place.what for place in remains(corpus)]
    assert len([what for what in told if PAGES[1].url in what and "of it too" in what]) == 1
    assert not [what for what in told if "no longer used" in what]


def test_a_whole_cluster_goes(corpus: Corpus) -> None:
    identifier = corpus.find(PAGES[0].url)
    assert identifier
    asked = asked_for(corpus, clusters=[identifier["id"]])
    assert corpus.take_down(asked, **BY) == 3
    purge(corpus)
    assert list(remains(corpus)) == []
    assert corpus.count("documents") == 1


def test_a_text_goes_wherever_it_stands_and_stays_out(corpus: Corpus) -> None:
    found = corpus.find(URL)
    assert found
    corpus.take_down(asked_for(corpus, hashes=[found["id"][:12]]), **BY)
    copy = Page("http://elsewhere.example/9.html", PAGES[2].title, PAGES[2].paragraphs)
    corpus.add_fetch(fetch_of(copy))
    assert corpus.derive_pending()["taken down"] == 1
    assert corpus.find(copy.url) is None
    purge(corpus)
    assert list(remains(corpus)) == []
    assert plain(TEXT) not in archived(corpus)


def test_a_contact_takes_its_pages_with_it(corpus: Corpus) -> None:
    page = Page(
        "http://a.example/c.html", "逾期了怎么协商还款", (*PAGES[2].paragraphs[::-1], "客服电话：13800000000")
    )
    corpus.add_fetch(fetch_of(page))
    corpus.derive_pending()
    assert corpus.find(page.url)
    asked = asked_for(corpus, contacts=["138 0000 0000"])
    assert "13800000000" not in str(asked)
    assert corpus.take_down(asked, **BY) == 1
    purge(corpus)
    assert corpus.find(page.url) is None
    # The same contact on a page that comes later.
    later = Page("http://b.example/c.html", "另一篇文章", (*PAGES[0].paragraphs[::-1], "客服电话：13800000000"))
    corpus.add_fetch(fetch_of(later))
    assert corpus.derive_pending()["taken down"] == 1


def test_a_site_goes_with_its_rejected_pages(corpus: Corpus) -> None:
    corpus.take_down(asked_for(corpus, sites=["a.example"]), **BY)
    purge(corpus)
    assert {place.what[:8] for place in remains(corpus)} == {"document"}, "copies on other sites, and nothing else"
    assert b"a.example" not in archived(corpus)
    assert corpus.db.execute("SELECT count(*) FROM fetches WHERE site = 'a.example'").fetchone()[0] == 0


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_bytes_left_in_an_unregistered_file_are_told(corpus: Corpus, encoding: str) -> None:
    found = corpus.find(URL)
    assert found
    corpus.take_down([("hash", found["content_hash"])], **BY)
    purge(corpus)
    body = html(Page("http://elsewhere.example/x", PAGES[2].title, PAGES[2].paragraphs, encoding))
    fetch = Fetch("http://elsewhere.example/x", WHEN, body, headers=(("Content-Type", "text/html"),))
    with archive_file(corpus.folder / "old-copy.warc.gz", archive.record_bytes(fetch)):
        told = list(remains(corpus))
    assert [place.file for place in told] == ["old-copy.warc.gz"]


class archive_file:  # noqa: N801  # reads as a phrase
    def __init__(self, path: Path, record: bytes) -> None:
        self._path = path
        path.write_bytes(gzip.compress(record))

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self._path.unlink()


_KILLED = """
import os, sys
from pathlib import Path
from corpus import takedown
from corpus.store import Corpus
calls = int(sys.argv[2])
real = Corpus.transaction
def counted(self):
    global calls
    calls -= 1
    if calls < 0:
        os.kill(os.getpid(), 9)
    return real(self)
with Corpus(Path(sys.argv[1])) as corpus:
    Corpus.transaction = counted
    unlink = Path.unlink
    if len(sys.argv) > 3:
        Path.unlink = lambda self, missing_ok=False: os.kill(os.getpid(), 9)
    takedown.purge(corpus)
"""


@pytest.mark.parametrize("steps", [["0"], ["1"], ["2"], ["9", "unlink"]])
def test_a_killed_purge_loses_nothing_and_goes_on(corpus: Corpus, steps: list[str]) -> None:
    before = {row["id"]: row["text"] for row in corpus.db["documents"].rows if row["url"] != URL}
    corpus.take_down([("url", URL)], **BY)
    path = corpus.path
    corpus.close()
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(path), *steps], cwd=Path(__file__).parents[2], check=False
    )
    assert killed.returncode == -9
    with Corpus(path) as again:
        assert again.derive_pending()["documents"] == 0
        purge(again)
        assert list(remains(again)) == []
        assert {row["id"]: row["text"] for row in again.db["documents"].rows} == before
        again.rebuild()
        assert {row["id"]: row["text"] for row in again.db["documents"].rows} == before
    assert CliRunner().invoke(main, ["doctor", str(path)]).exit_code == 0


def test_a_purge_waits_for_no_writer_but_says_so(corpus: Corpus) -> None:
    corpus.take_down([("url", URL)], **BY)
    corpus.add_fetch(fetch_of(Page("http://d.example/1", "新的一页", PAGES[0].paragraphs[:2])))
    with Corpus(corpus.path) as other, pytest.raises(CorpusError, match="is writing"):
        purge(other)


def test_the_command_from_end_to_end(corpus: Corpus) -> None:
    path = str(corpus.path)
    corpus.close()
    result = run(path, "--url", URL, "--by", "the author", "--purge", "--verify")
    assert result.exit_code == 0, result.output
    assert "1 documents taken down" in result.stderr
    assert "nothing of 1 takedowns is left" in result.stderr
    listed = json.loads(run(path, "--list", "--json").stdout)
    assert (listed["kind"], listed["value"], listed["asked_by"]) == ("url", URL, "the author")


def test_the_command_without_purge_tells_what_is_left(corpus: Corpus) -> None:
    path = str(corpus.path)
    corpus.close()
    assert "still holds their bytes" in run(path, "--url", URL).stderr
    result = run(path, "--verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["remains"]


def test_what_was_taken_down_is_not_ingested_again(corpus: Corpus, tmp_path: Path) -> None:
    path, folder = str(corpus.path), corpus.folder
    corpus.take_down([("url", URL)], **BY)
    corpus.close()
    source = tmp_path / "copy.warc.gz"
    source.write_bytes(gzip.compress(archive.record_bytes(fetch_of(PAGES[2]))))
    before = sum(entry.stat().st_size for entry in folder.iterdir())
    result = CliRunner().invoke(main, ["ingest", path, str(source)])
    assert "taken down" in result.stderr
    assert sum(entry.stat().st_size for entry in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "say what to take down"),
        (["--cluster", "nosuch"], "no cluster"),
        (["--hash", "nosuch"], "no document"),
        (["--site", ""], "names nothing"),
        (["--url", URL, "--contact", " "], "names nothing"),
        (["--site", "http:///a"], "no site's name"),
        (["--url", "example.org/a.html"], "give the whole URL"),
        (["--url", "http://[a/"], "no URL"),
    ],
)
def test_the_command_says_what_to_change(corpus: Corpus, arguments: list[str], told: str) -> None:
    result = run(str(corpus.path), *arguments)
    assert (result.exit_code, told in result.stderr) == (2, True)
    assert corpus.count("tombstones") == 0


def test_a_url_is_taken_as_a_browser_would_request_it(corpus: Corpus) -> None:
    scheme, _, rest = URL.partition("://")
    host, _, path = rest.partition("/")
    assert asked_for(corpus, urls=[f" {scheme.upper()}://{host.upper()}/{path}#top"]) == [("url", URL)]
    assert asked_for(corpus, urls=["http://Other.test"]) == [("url", "http://other.test/")]


def test_what_is_left_is_told_without_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_remains(
        [Remains("00001.warc.gz", 7, "a page of http://x.test/\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}: purge")],
        1,
        False,
    )
    told = capsys.readouterr().out
    assert "at byte 7" in told
    assert "\x1b" not in told
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in told


def test_a_lost_archive_is_told_and_costs_no_document(corpus: Corpus) -> None:
    corpus.take_down([("url", URL)], **BY)
    purge(corpus)
    documents = corpus.count("documents")
    for path in corpus.folder.iterdir():
        path.unlink()
    assert [place.what for place in remains(corpus) if "missing" in place.what]
    with pytest.raises(CorpusError, match="is missing"):
        corpus.rebuild()
    with pytest.raises(CorpusError, match="is missing"):
        impact(corpus)
    assert corpus.count("documents") == documents > 0


def test_needles_do_not_hold_the_text(corpus: Corpus) -> None:
    corpus.take_down([("url", URL)], **BY)
    assert needles(corpus.connection).dtype == np.uint64
    packed = corpus.db.execute("SELECT needles FROM buried_texts").fetchone()[0]
    assert plain(TEXT)[:3] not in packed


def test_a_sentence_that_others_have_too_is_no_remainder(corpus: Corpus) -> None:
    shared = PAGES[2].paragraphs[0]
    quoting = Page("http://d.example/q.html", "逾期之后先做什么", (*PAGES[0].paragraphs[::-1][:4], shared))
    corpus.add_fetch(fetch_of(quoting))
    corpus.derive_pending()
    document = corpus.find(quoting.url)
    assert document
    assert shared in document["text"]
    corpus.take_down([("url", URL)], **BY)
    purge(corpus)
    assert list(remains(corpus)) == []
