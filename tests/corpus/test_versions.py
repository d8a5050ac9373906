"""Versions of a page over time: the newest is the document, the older are kept, and a rebuild gives the same."""

from __future__ import annotations

import io
import itertools
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from warcio.archiveiterator import ArchiveIterator

from corpus import archive, schema
from corpus.records import Fetch
from corpus.store import Corpus
from corpus.versions import history
from tests.pages import PAGES, WHEN, Page, fetch_of, html
from yuqi import main

URL = "http://a.example/1.html"
FIRST, OTHER = PAGES[0], PAGES[2]
CHANGED = Page(URL, FIRST.title, (*FIRST.paragraphs[:-1], "结清之后记得向平台要一份结清证明，并且妥善保管。"))


def look(page: Page, day: int, *, tail: bytes = b"", url: str = URL) -> Fetch:
    """Return a page as it stood at the URL on a day."""
    headers = (("Content-Type", "text/html"),)
    return Fetch(url, WHEN + timedelta(days=day), html(page) + tail, "response", page.status, headers)


def again(fetch: Fetch, day: int, status: int = 304) -> Fetch:
    """Return the answer that nothing has changed since."""
    when = WHEN + timedelta(days=day)
    return Fetch(fetch.url, when, b"", "revisit", status, (), refers_to=archive.reference(fetch))


def taken_in(path: Path, fetches: Sequence[Fetch], *, at_once: bool = True) -> Corpus:
    corpus = Corpus(path, create=True)
    for fetch in fetches:
        corpus.add_fetch(fetch)
        if not at_once:
            corpus.derive_pending()
    corpus.derive_pending()
    return corpus


def tables(corpus: Corpus) -> dict[str, list[Any]]:
    names = ("documents", "versions", "findings", "rejections", "contacts", "clusters", "dedup_documents")
    return {name: sorted(map(repr, corpus.connection.execute(f"SELECT * FROM {name}"))) for name in names}


def outcomes(corpus: Corpus, url: str = URL) -> list[str]:
    return [version.outcome for version in history(corpus.connection, url)]


A, B = look(FIRST, 0), look(CHANGED, 10)
STORIES = {
    "changed": ([A, B], ["version", "current"]),
    "changed back": ([A, B, look(FIRST, 20)], ["version", "version", "current"]),
    "another body, the same text": ([A, look(FIRST, 5, tail=b"<!-- 17 views -->")], ["current", "same-text"]),
    "not modified": ([A, again(A, 5)], ["current", "not-modified"]),
    "the same bytes": ([A, again(A, 5, 200), B], ["version", "not-modified", "current"]),
    "an older capture comes late": ([B, A], ["version", "current"]),
    "seen once more before an older capture of something else": (
        [A, again(A, 20), B],
        ["current", "version", "not-modified"],
    ),
    "gone": ([A, look(Page(URL, "x", (), status=404), 9)], ["current", "rejected: http-404"]),
}


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("name", STORIES)
def test_a_pages_story(tmp_path: Path, name: str, at_once: bool) -> None:
    fetches, expected = STORIES[name]
    with taken_in(
        tmp_path / "c.db", [*fetches, look(OTHER, 1, url="http://a.example/2.html")], at_once=at_once
    ) as corpus:
        assert outcomes(corpus) == expected
        assert corpus.count("documents") == corpus.count("articles") == 2
        live = tables(corpus)
        corpus.rebuild()
        assert tables(corpus) == live
        assert corpus.connection.execute("SELECT count(*) FROM documents_fts_docsize").fetchone() == (2,)


def test_the_order_of_arrival_does_not_decide_which_is_newest(tmp_path: Path) -> None:
    third = look(Page(URL, "又改了题目", CHANGED.paragraphs), 30)
    for number, order in enumerate(itertools.permutations([A, B, third])):
        with taken_in(tmp_path / f"{number}.db", order) as corpus:
            assert outcomes(corpus) == ["version", "version", "current"]
            assert corpus.find(URL)["title"] == "又改了题目"  # type: ignore[index]


def test_last_seen_is_when_it_was_last_the_same(tmp_path: Path) -> None:
    with taken_in(tmp_path / "c.db", [A, again(A, 5), look(FIRST, 7, tail=b"<!-- -->")]) as corpus:
        document = corpus.find(URL)
        assert document is not None
        days = [datetime.fromisoformat(document[name]) - WHEN for name in ("first_seen", "last_seen")]
        assert days == [timedelta(0), timedelta(days=7)]


def test_not_modified_since_a_page_that_was_none_says_nothing_of_the_one_before(tmp_path: Path) -> None:
    empty = Fetch(URL, WHEN + timedelta(days=3), b"<p>x", "response", 200, (("Content-Type", "text/html"),))
    with taken_in(tmp_path / "c.db", [A, empty, again(empty, 9)]) as corpus:
        document = corpus.find(URL)
        assert document is not None
        assert document["last_seen"] == document["first_seen"]


def test_a_rendered_page_takes_the_place_of_its_response(tmp_path: Path) -> None:
    rendered = Fetch(
        URL, WHEN, html(CHANGED), "conversion", 200, (("Content-Type", "text/html; charset=utf-8"),),
        refers_to=archive.reference(A),
    )  # fmt: skip
    for number, order in enumerate(([A, rendered], [rendered, A])):
        with taken_in(tmp_path / f"{number}.db", order) as corpus:
            found = corpus.find(URL)
            assert found is not None
            assert "结清证明" in found["text"]
            assert corpus.count("versions") == 0
            live = tables(corpus)
            corpus.rebuild()
            assert tables(corpus) == live


def test_a_wet_record_does_not_take_the_place_of_its_response(tmp_path: Path) -> None:
    text = "\n".join(CHANGED.paragraphs).encode()
    wet = Fetch(URL, WHEN, text, "conversion", 200, (("Content-Type", "text/plain"),))
    with taken_in(tmp_path / "c.db", [A, wet]) as corpus:
        found = corpus.find(URL)
        assert found is not None
        assert found["id"] == A.id
        assert corpus.count("versions") == 0


def test_files_of_one_name_are_documents_of_their_own(tmp_path: Path) -> None:
    with taken_in(
        tmp_path / "c.db", [look(FIRST, 0, url="file:///a.html"), look(OTHER, 1, url="file:///a.html")]
    ) as corpus:
        assert corpus.count("documents") == 2
        assert corpus.count("versions") == 0


def test_a_takedown_takes_older_versions_too(tmp_path: Path) -> None:
    with taken_in(tmp_path / "c.db", [A, B]) as corpus:
        assert corpus.take_down([("url", URL)], by="x", why="y", at="2024-01-01") == 1
        assert corpus.count("versions") == 0
        corpus.rebuild()
        assert (corpus.count("documents"), corpus.count("versions")) == (0, 0)


def test_history_shows_what_changed(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    taken_in(path, [A, again(A, 5), B]).close()
    shown = CliRunner().invoke(main, ["history", str(path), URL])
    assert shown.exit_code == 0
    assert "结清证明" in shown.output
    assert shown.output.index("not-modified") < shown.output.index("current")
    unknown = CliRunner().invoke(main, ["history", str(path), "http://a.example/none"])
    assert unknown.exit_code == 2
    assert "never fetched" in unknown.output


def test_an_earlier_corpus_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    taken_in(path, [A, look(OTHER, 1, url="http://a.example/2.html")]).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE versions")
        connection.execute("DROP TABLE buried_texts")
        connection.execute("ALTER TABLE documents DROP COLUMN last_seen")
        connection.execute("PRAGMA user_version = 1")
    refused = CliRunner().invoke(main, ["history", str(path), URL])
    assert (refused.exit_code, "rebuild" in refused.output) == (2, True)
    with Corpus(path) as corpus:
        corpus.add_fetch(B)
        corpus.derive_pending()
        assert outcomes(corpus) == ["version", "current"]
        assert corpus.connection.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)


def test_other_tools_read_our_revisits() -> None:
    records = b"".join(archive.record_bytes(fetch) for fetch in (A, again(A, 5), again(A, 6, 200)))
    found = [
        (
            record.rec_type,
            record.rec_headers.get_header("WARC-Profile"),
            record.rec_headers.get_header("WARC-Refers-To"),
        )
        for record in ArchiveIterator(io.BytesIO(records), check_digests="raise")
    ]
    profile = "http://netpreserve.org/warc/1.1/revisit/"
    first = next(iter(ArchiveIterator(io.BytesIO(records)))).rec_headers.get_header("WARC-Record-ID")
    assert found[1:] == [
        ("revisit", profile + "server-not-modified", first),
        ("revisit", profile + "identical-payload-digest", first),
    ]
    assert [entry.fetch for entry in archive.walk(io.BytesIO(records))] == [A, again(A, 5), again(A, 6, 200)]


def test_an_archive_with_revisits_makes_the_same_corpus_again(tmp_path: Path) -> None:
    with taken_in(tmp_path / "c.db", [A, again(A, 5), B]) as corpus:
        expected = outcomes(corpus)
        folder = corpus.folder
    result = CliRunner().invoke(main, ["ingest", str(tmp_path / "new.db"), str(folder)])
    assert result.exit_code == 0, result.output
    with Corpus(tmp_path / "new.db", readonly=True) as corpus:
        assert outcomes(corpus)[-1] == expected[-1]
        assert corpus.count("versions") == 1


def test_pages_in_general(corpus: Corpus) -> None:
    assert {fetch_of(page).url for page in PAGES if page.status == 200} == {
        url for (url,) in corpus.connection.execute("SELECT url FROM documents")
    }
