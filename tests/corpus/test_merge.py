"""Several corpora as one: the rows of a single corpus, in any order, once, with every takedown kept."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cleaning.page import Selectors
from corpus import archive, merge
from corpus.doctor import check_corpus
from corpus.merge import Merged
from corpus.records import Fetch
from corpus.store import Corpus, CorpusError
from corpus.takedown import asked_for, purge
from tests.corpus.test_store import rows
from tests.pages import PAGES, WHEN, Page, fetch_of
from yuqi import main

SALT = "00" * 16
CONTACT = "13800000000"
BY = {"by": "the author", "why": "asked for", "at": "2024-01-01T00:00:00+00:00"}

LOOKS = [
    *(fetch_of(page) for page in PAGES),
    # The same pages again, later: unchanged, and changed.
    replace(fetch_of(PAGES[0]), fetched_at=WHEN + timedelta(days=2)),
    replace(
        fetch_of(
            Page(PAGES[2].url, PAGES[2].title, (*PAGES[2].paragraphs, "后来又加了一段，说明协商结果和还款安排。"))
        ),
        fetched_at=WHEN + timedelta(days=3),
    ),
    fetch_of(
        Page("http://c.example/contact", "联系方式", (*PAGES[0].paragraphs, f"加微信 {CONTACT} 咨询逾期协商"))
    ),
]


def made(path: Path, fetches: Iterable[Fetch], *, salt: str = SALT) -> Path:
    with Corpus(path, create=True) as corpus:
        corpus.db.table("corpus_meta").upsert({"key": "salt", "value": salt}, pk="key")
        for fetch in fetches:
            corpus.add_fetch(fetch)
        corpus.derive_pending()
    return path


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return a corpus's rows, derived and not, and its records as they stand packed.

    Where they stand is left out: an archive's file begins with the date when it was begun.
    """
    with Corpus(path) as corpus:
        found = rows(corpus)
        for table in ("sites", "crawls", "tombstones"):
            found[table] = sorted(corpus.connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
        names = "seq, id, url, site, kind, status, content_type, size, fetched_at, crawl_id, derived"
        found["fetches"] = [
            tuple(row) for row in corpus.connection.execute(f"SELECT {names} FROM fetches ORDER BY seq")
        ]
        found["records"] = []
        for file, offset, length in corpus.connection.execute(
            "SELECT warc_file, warc_offset, warc_length FROM fetches ORDER BY seq"
        ):
            found["records"].append(((corpus.folder / file).read_bytes()[offset : offset + length],))
        corpus.rebuild()
        assert rows(corpus) == {name: found[name] for name in rows(corpus)}, "a rebuild gives the same"
    assert [check for check in check_corpus(path) if not check.ok] == []
    return found


def by_time(fetches: Iterable[Fetch]) -> list[Fetch]:
    return sorted(fetches, key=lambda fetch: (fetch.fetched_at, fetch.url, fetch.kind, fetch.id))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["merge", *map(str, arguments)])


@pytest.mark.parametrize("seed", range(3))
def test_a_corpus_dealt_out_and_merged_is_the_corpus(tmp_path: Path, seed: int) -> None:
    folder, rng = tmp_path, random.Random(seed)
    # Some to one, some to several.
    dealt = [set(rng.choices(range(3), k=rng.choice([1, 1, 2, 3]))) for _ in LOOKS]
    whole = everything(made(folder / "whole.db", by_time(LOOKS)))
    parts = []
    for number in range(3):
        hand = [fetch for fetch, to in zip(LOOKS, dealt) if number in to]
        rng.shuffle(hand)
        parts.append(made(folder / f"{number}.db", hand))
    rng.shuffle(parts)
    done = merge.merge(folder / "out.db", parts)
    assert done.fetches == len(LOOKS)
    assert done.known == sum(map(len, dealt)) - len(LOOKS)
    assert everything(folder / "out.db") == whole


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    half = len(LOOKS) // 2
    return made(tmp_path / "a.db", LOOKS[:half], salt="11" * 16), made(
        tmp_path / "b.db", LOOKS[half:], salt="22" * 16
    )


def test_merging_again_changes_nothing(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.db"
    assert merge.merge(out, two).fetches == len(LOOKS)
    before = everything(out)
    assert merge.merge(out, two[::-1]) == Merged(2, 0, len(LOOKS), outcomes=dict.fromkeys(
        ("documents", "versions", "rejections", "unchanged", "taken down"), 0))  # fmt: skip
    assert everything(out) == before


def test_one_after_the_other_gives_the_same_documents(two: tuple[Path, Path], tmp_path: Path) -> None:
    together, apart = tmp_path / "together.db", tmp_path / "apart.db"
    merge.merge(together, two)
    merge.merge(apart, two[:1])
    merge.merge(apart, two[1:])
    columns = "id, url, title, text, first_seen, last_seen, duplicate_of, duplicate_kind, cluster_id"
    found = []
    for path in (together, apart):
        with Corpus(path) as corpus:
            found.append(corpus.connection.execute(f"SELECT {columns} FROM documents ORDER BY id").fetchall())
    assert found[0] == found[1]


def test_a_killed_merge_is_gone_on_with(
    two: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge.merge(tmp_path / "whole.db", two)
    out = tmp_path / "out.db"
    copied = 0

    def killed(*arguments: object) -> None:
        nonlocal copied
        copied += 1
        if copied == 4:
            raise KeyboardInterrupt
        original(*arguments)  # type: ignore[arg-type]

    original = merge._copy
    monkeypatch.setattr(merge, "_copy", killed)
    with pytest.raises(KeyboardInterrupt):
        merge.merge(out, two)
    monkeypatch.undo()
    done = merge.merge(out, two)
    assert done.fetches == len(LOOKS) - 3
    assert everything(out) == everything(tmp_path / "whole.db")


def test_what_a_killed_run_left_in_its_archive_is_brought_too(two: tuple[Path, Path], tmp_path: Path) -> None:
    writer = archive.ArchiveWriter(archive.folder_of(two[0]))
    extra = fetch_of(Page("http://late.example/", "迟到", PAGES[0].paragraphs))
    writer.append(extra)
    writer.close()
    merge.merge(tmp_path / "out.db", two)
    with Corpus(tmp_path / "out.db") as corpus:
        assert corpus.find("http://late.example/") is not None


def test_takedowns_of_any_hold(two: tuple[Path, Path], tmp_path: Path) -> None:
    """One buries a URL that the other has, and a contact, by its own salt, that stands on the other's page."""
    first, second = two
    with Corpus(first) as corpus:
        url = LOOKS[-2].url
        corpus.take_down(asked_for(corpus, urls=[url], contacts=[CONTACT]), **BY)
        purge(corpus)
        asked = corpus.count("tombstones")
    out = tmp_path / "out.db"
    done = merge.merge(out, (second, first))
    assert done.taken_down > 0
    with Corpus(out) as corpus:
        urls = {row["url"] for row in corpus.db.table("documents").rows}
        assert url not in urls
        assert LOOKS[-1].url not in urls
        assert PAGES[0].url in urls
        assert corpus.count("tombstones") == asked
        assert url not in {row["url"] for row in corpus.db.table("fetches").rows}, "nor are its bytes copied"
    everything(out)


def test_takedowns_that_come_later_hold_for_what_is_there(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.db"
    # A salt that is neither's, so that the contact can't be looked up by its hash.
    made(out, [], salt="33" * 16)
    merge.merge(out, two)
    with Corpus(out) as corpus:
        assert corpus.find(LOOKS[-1].url) is not None
    with Corpus(two[0]) as corpus:
        corpus.take_down(asked_for(corpus, contacts=[CONTACT]), **BY)
    done = merge.merge(out, two)
    assert done.rebuilt
    with Corpus(out) as corpus:
        assert corpus.find(LOOKS[-1].url) is None
        assert corpus.find(PAGES[0].url) is not None
    assert not merge.merge(out, two).rebuilt


def test_sites_and_runs_are_united_whatever_the_order(two: tuple[Path, Path], tmp_path: Path) -> None:
    for path, selector in zip(two, ("div.b", "div.a")):
        with Corpus(path) as corpus:
            corpus.declare_site("x.example", Selectors(body=selector), "gbk")
            corpus.end_run(corpus.begin_run("crawl", ["http://x.example/"]), {"fetched": 1})
            corpus.db.table("sites").upsert(
                {"site": "y.example", "profile": None, "profile_version": selector, "pinyin_table": None},
                pk="site",
            )
    found = []
    for number, order in enumerate((two, two[::-1])):
        done = merge.merge(tmp_path / f"{number}.db", order)
        assert done.unlearned == ["y.example"]
        found.append(everything(tmp_path / f"{number}.db"))
    assert found[0] == found[1]
    assert len(found[0]["crawls"]) == 2
    with Corpus(tmp_path / "0.db") as corpus:
        chosen = corpus.sites()["x.example"]
    assert chosen.charset == "gbk"
    assert chosen.selectors == Selectors(body="div.a")


def test_a_corpus_that_can_only_be_read(two: tuple[Path, Path], tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    two[0].chmod(0o444)
    assert merge.merge(tmp_path / "out.db", two).fetches == len(LOOKS)


def test_the_command(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.db"
    done = run(out, *two)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert f"2 corpora: {len(LOOKS)} fetches copied" in done.stderr
    assert "documents" in done.stderr
    told = json.loads(run(out, *two, "--json").stdout)
    assert (told["fetches"], told["known"], told["problems"]) == (0, len(LOOKS), [])


def test_what_can_t_be_merged_is_one_line_and_makes_nothing(two: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.db"
    for arguments, what in (
        ((out, two[0], tmp_path / "none.db"), "no such corpus"),
        ((two[0], *two), "can't be merged into itself"),
        ((out,), "Missing argument"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert what in done.stderr
        assert not out.exists()
    shutil.rmtree(archive.folder_of(two[1]))
    with pytest.raises(CorpusError, match="missing"):
        merge.merge(out, two)
    assert not out.exists()


def test_an_archive_that_ends_too_soon_is_told(two: tuple[Path, Path], tmp_path: Path) -> None:
    file = next(archive.folder_of(two[0]).glob("*.warc.gz"))
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size - 5)
    done = run(tmp_path / "out.db", *two, "--strict")
    assert done.exit_code == 1
    assert "is left out" in done.stderr
    with Corpus(tmp_path / "out.db") as corpus:
        assert corpus.count("fetches") == len(LOOKS) - 1
