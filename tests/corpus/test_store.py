from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleaning.page import Selectors
from corpus import archive, buckets, dedup, derivation, farms, schema
from corpus.derivation import derive_all
from corpus.doctor import check_corpus
from corpus.learning import learn_sites
from corpus.records import Fetch, Task, site_of
from corpus.store import Corpus, CorpusError
from corpus.versions import OUTCOMES
from tests.pages import PAGES, WHEN, Page, fetch_of

# The union of the index's levels is determined by the documents, how it is split by the batches.
SPLIT = buckets.LEVELS
TABLES = (*schema.DERIVED, *dedup.TABLES, *farms.TABLES)


def rows(corpus: Corpus) -> dict[str, list[tuple[object, ...]]]:
    """Every derived row of a corpus, and what its index finds."""
    found = {
        table: sorted(corpus.connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
        for table in dict.fromkeys(TABLES)
        if table not in SPLIT
    }
    found["dedup_keys"] = sorted(
        row for table in SPLIT for row in corpus.connection.execute(f"SELECT * FROM {table}").fetchall()
    )
    query = "SELECT rowid FROM documents_fts WHERE documents_fts MATCH '催收 OR 法院 OR 平台' ORDER BY rowid"
    return {**found, "index": corpus.connection.execute(query).fetchall()}


def filled(path: Path, pages: tuple[Page, ...] = PAGES) -> Corpus:
    corpus = Corpus(path, create=True)
    for page in pages:
        corpus.add_fetch(fetch_of(page))
    corpus.derive_pending()
    return corpus


def test_what_comes_of_the_pages(corpus: Corpus) -> None:
    by_url = {row["url"]: row for row in corpus.db.table("documents").rows}
    assert set(by_url) == {page.url for page in PAGES if page.status == 200}
    assert by_url[PAGES[0].url]["title"] == PAGES[0].title
    assert by_url[PAGES[0].url]["text"].split("\n") == list(PAGES[0].paragraphs)
    (rejection,) = corpus.db.table("rejections").rows
    assert (rejection["url"], rejection["reason"]) == (PAGES[3].url, "http-404")


def test_an_exact_copy_in_another_encoding_is_marked_and_kept(corpus: Corpus) -> None:
    first, copy = corpus.find(PAGES[0].url), corpus.find(PAGES[1].url)
    assert first is not None
    assert copy is not None
    assert (first["encoding"], copy["encoding"]) == ("utf-8", "gb18030")
    assert (copy["duplicate_of"], copy["duplicate_kind"], copy["similarity"]) == (first["id"], "exact", 1.0)
    assert first["duplicate_of"] is None
    assert first["cluster_id"] == copy["cluster_id"]


def test_articles_are_representatives_only(corpus: Corpus) -> None:
    urls = {row[0] for row in corpus.db.execute("SELECT url FROM articles")}
    assert PAGES[0].url in urls
    assert PAGES[1].url not in urls


@pytest.mark.parametrize("workers", [1, 2])
def test_rebuild_gives_the_rows_of_the_live_run(corpus: Corpus, workers: int) -> None:
    live = rows(corpus)
    corpus.rebuild(workers=workers)
    assert rows(corpus) == live


def test_workers_do_not_change_the_result(tmp_path: Path) -> None:
    pages = tuple(
        Page(
            f"http://s{number % 3}.example/{number}",
            f"{PAGES[0].title}{number}",
            (*PAGES[0].paragraphs, f"第{number}段。" * 9),
        )
        for number in range(40)
    )
    results = []
    for workers in (1, 2):
        with Corpus(tmp_path / f"{workers}.db", create=True) as corpus:
            for page in pages:
                corpus.add_fetch(fetch_of(page))
            corpus.derive_pending(workers=workers)
            corpus.db.execute("UPDATE contacts SET value_hash = ''")
            results.append(rows(corpus))
    assert results[0] == results[1]


@given(st.permutations(range(len(PAGES))), st.sets(st.integers(0, len(PAGES) - 1)))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_arrival_does_not_matter(tmp_path: Path, order: list[int], flushed: set[int]) -> None:
    def found(path: Path, sequence: list[int], cuts: set[int]) -> list[tuple[object, ...]]:
        with Corpus(path, create=True) as corpus:
            for index in sequence:
                corpus.add_fetch(fetch_of(PAGES[index]))
                if index in cuts:
                    corpus.derive_pending()
            corpus.derive_pending()
            columns = "id, url, text, cluster_id, duplicate_of, duplicate_kind, similarity, template_cluster_id"
            return corpus.connection.execute(f"SELECT {columns} FROM documents ORDER BY id").fetchall()

    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    assert found(folder / "a.db", order, flushed) == found(folder / "b.db", list(range(len(PAGES))), set())


def test_the_same_bytes_at_the_same_url_are_one_document(tmp_path: Path) -> None:
    with filled(tmp_path / "c.db", (PAGES[0], PAGES[0])) as corpus:
        assert corpus.count("fetches") == 2
        assert corpus.count("documents") == 1
        assert corpus.has(fetch_of(PAGES[0]))
        live = rows(corpus)
        corpus.rebuild()
        assert rows(corpus) == live


def test_learned_profiles_are_used_by_rebuild(tmp_path: Path) -> None:
    chrome = "本站精选债务资讯每日更新欢迎收藏"
    lines = (*PAGES[0].paragraphs, *PAGES[2].paragraphs)
    pages = tuple(
        Page(
            f"http://a.example/{number}",
            f"{PAGES[0].title}第{number}篇",
            (chrome, *random.Random(number).sample(lines, 4)),
        )
        for number in range(12)
    )
    with filled(tmp_path / "c.db", pages) as corpus:
        before = corpus.connection.execute(
            "SELECT count(*) FROM documents WHERE text LIKE ?", [f"%{chrome}%"]
        ).fetchone()[0]
        learned = learn_sites(corpus)
        assert learned["a.example"]["pages"] == len(pages)
        corpus.rebuild()
        after = corpus.connection.execute(
            "SELECT count(*) FROM documents WHERE text LIKE ?", [f"%{chrome}%"]
        ).fetchone()[0]
        assert (before, after) == (len(pages), 0)
        assert learn_sites(corpus) == learned, "learning looks at the pages, not at what a profile left of them"


def test_a_declaration_is_kept_for_rebuilds(tmp_path: Path) -> None:
    with Corpus(tmp_path / "c.db", create=True) as corpus:
        selectors = Selectors(body=".article", drop=(".ad",))
        corpus.declare_site("a.example", selectors, "gbk")
    with Corpus(tmp_path / "c.db") as corpus:
        assert corpus.sites()["a.example"].selectors == selectors
        assert corpus.sites()["a.example"].charset == "gbk"


def test_takedown_survives_rebuild_and_new_fetches(corpus: Corpus) -> None:
    assert corpus.take_down([("url", PAGES[2].url)], by="the author", why="asked for", at="2024-01-01") == 1
    corpus.rebuild()
    corpus.add_fetch(
        fetch_of(Page(PAGES[2].url, "又来了", (*PAGES[2].paragraphs, "再加一段不同的内容，看看会不会回来。")))
    )
    assert corpus.derive_pending()["taken down"] == 1
    assert corpus.find(PAGES[2].url) is None
    assert not corpus.connection.execute("SELECT 1 FROM articles WHERE url = ?", [PAGES[2].url]).fetchall()


def test_taking_down_a_representative_promotes_its_copy(corpus: Corpus) -> None:
    corpus.take_down([("url", PAGES[0].url)], by="x", why="y", at="2024-01-01")
    copy = corpus.find(PAGES[1].url)
    assert copy is not None
    assert copy["duplicate_of"] is None
    live = rows(corpus)
    corpus.rebuild()
    assert rows(corpus) == live


# Accidents


def test_what_was_archived_but_not_registered_is_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as corpus:
        corpus.add_fetch(fetch_of(PAGES[0]))
    writer = archive.ArchiveWriter(archive.folder_of(path))
    writer.append(fetch_of(PAGES[2]))
    torn = writer.append(fetch_of(PAGES[1]))
    writer.close()
    with (archive.folder_of(path) / torn.file).open("rb+") as stream:
        stream.truncate(torn.offset + torn.length // 2)
    for _ in range(2):
        with Corpus(path) as corpus:
            assert corpus.count("fetches") == 2
            corpus.derive_pending()
    checks = {check.name: check for check in check_corpus(path)}
    assert all(check.ok for check in checks.values()), checks
    assert "torn records" in checks


def _write_until_killed(path: str) -> None:
    with Corpus(path) as corpus:
        number = 0
        while True:
            number += 1
            page = Page(
                f"http://k.example/{os.getpid()}/{number}",
                PAGES[0].title,
                (*PAGES[0].paragraphs, f"编号{number}。"),
            )
            corpus.add_fetch(fetch_of(page))
            if number % 7 == 0:
                corpus.flush()
            if number % 21 == 0:
                corpus.derive_pending()


def test_kill_9_loses_nothing_that_was_archived(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    Corpus(path, create=True).close()
    context = multiprocessing.get_context("spawn")
    chance = random.Random(7)
    for _ in range(4):
        child = context.Process(target=_write_until_killed, args=(str(path),))
        child.start()
        folder = archive.folder_of(path)
        before = len(list(folder.glob("*")))
        deadline = time.monotonic() + 60
        while len(list(folder.glob("*"))) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.4))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    archived = 0
    for file in sorted(archive.folder_of(path).glob("*.warc.gz")):
        found = archive.tail(file.parent, file.name, 0)
        assert found is not None
        archived += len(found[0])
    with Corpus(path) as corpus:
        assert corpus.count("fetches") == archived > 0
        corpus.derive_pending()
        live = rows(corpus)
        corpus.rebuild()
        assert rows(corpus) == live
    assert all(check.ok for check in check_corpus(path))


def test_a_failing_disk_leaves_the_corpus_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.db"
    with filled(path) as corpus:
        live = rows(corpus)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(dedup, "add", full)
        with pytest.raises(OSError, match="No space"):
            corpus.rebuild()
        assert rows(corpus) == live
        monkeypatch.undo()
    assert all(check.ok for check in check_corpus(path))


def test_a_reader_sees_the_old_rows_until_a_rebuild_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with filled(path) as corpus, Corpus(path, readonly=True) as reader:
        seen = []
        corpus.rebuild(progress=lambda done, total: seen.append(reader.count("documents")))
        assert seen == [4]
        assert reader.count("documents") == 4


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as first, Corpus(path) as second:
        first.add_fetch(fetch_of(PAGES[0]))
        second.add_fetch(fetch_of(PAGES[2]))
        first.derive_pending()
        second.derive_pending()
        assert first.count("documents") == second.count("documents") == 2


def test_two_processes_deriving_the_same_fetches_store_each_once(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as first, Corpus(path) as second:
        for page in PAGES:
            first.add_fetch(fetch_of(page))
        first.flush()

        def meanwhile(done: int, total: int) -> None:
            raise AssertionError("nothing is left to store")

        tasks = list(second.tasks())
        assert first.derive_pending()["documents"] == 4
        batch = list(derive_all(second.folder, tasks, {}))
        with second.transaction():
            assert sum(second._store(batch).values()) == 0
        assert second.derive_pending(progress=meanwhile) == dict.fromkeys(OUTCOMES, 0)


def test_a_record_that_can_t_be_read_back_is_a_rejection(tmp_path: Path) -> None:
    with filled(tmp_path / "c.db") as corpus:
        (file,) = corpus.folder.glob("*.warc.gz")
        data = bytearray(file.read_bytes())
        offset, length = corpus.connection.execute(
            "SELECT warc_offset, warc_length FROM fetches WHERE seq = 3"
        ).fetchone()
        data[offset + length // 2] ^= 0xFF
        file.write_bytes(bytes(data))
        corpus.rebuild()
        (rejection,) = corpus.db.table("rejections").rows_where("seq = 3")
        assert rejection["reason"] == "archive"
        assert corpus.count("documents") == 3


def test_a_read_only_corpus_is_not_written(corpus: Corpus) -> None:
    with Corpus(corpus.path, readonly=True) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.db.execute("DELETE FROM documents")


@pytest.mark.parametrize("name", ["no-such-folder/c.db", "."])
def test_a_path_where_no_corpus_can_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match="folder"):
        Corpus(tmp_path / name, create=True)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("http://www.a.example/x", "a.example"),
        ("https://a.example:443/x", "a.example"),
        ("http://a.example:8080/", "a.example:8080"),
        ("file:///a/b.html", "local"),
        ("not a url", "local"),
        ("http://[::1", "local"),
    ],
)
def test_the_site_of_a_url(url: str, site: str) -> None:
    assert site_of(url) == site


def test_documents_are_found_by_id_part_of_it_number_and_url(corpus: Corpus) -> None:
    document = corpus.find(PAGES[0].url)
    assert document is not None
    for key in (document["id"], document["id"][:10], str(document["docid"])):
        assert corpus.find(key) == document
    assert corpus.find("ffffffff") is None
    assert corpus.find("' OR 1=1 --") is None


def test_several_versions_at_one_url_give_the_latest(tmp_path: Path) -> None:
    older, newer = PAGES[0], Page(PAGES[0].url, "新的标题", PAGES[2].paragraphs)
    with filled(tmp_path / "c.db", (older, newer)) as corpus:
        found = corpus.find(PAGES[0].url)
        assert found is not None
        assert found["title"] == "新的标题"


def test_fetch_ids_depend_on_url_and_body_alone() -> None:
    first = Fetch("http://a.example/", WHEN, b"x")
    assert first.id == Fetch("http://a.example/", WHEN, b"x", status=404, headers=(("A", "b"),)).id
    assert (
        len({first.id, Fetch("http://a.example/", WHEN, b"y").id, Fetch("http://a.example/b", WHEN, b"x").id}) == 3
    )


def test_fetches_are_drawn_for_two_windows_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivation, "WINDOW", 1)
    drawn: list[int] = []

    def tasks(corpus: Corpus) -> Iterator[Task]:
        for task in corpus.tasks():
            drawn.append(task.seq)
            yield task

    with filled(tmp_path / "c.db") as corpus:
        results = derive_all(corpus.folder, tasks(corpus), {})
        first = next(results)
        assert drawn == [1, 2]
        assert [item.task.seq for item in (first, *results)] == drawn
        assert len(drawn) == corpus.count("fetches")
