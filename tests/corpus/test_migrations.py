"""Corpora as earlier versions left them open and upgrade.

`released/N.tar.gz` is a database of schema N with its archive; numbers that only stood between two releases have none.
"""

from __future__ import annotations

import sqlite3
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from corpus import schema
from corpus.farm_tables import COUNTS, NOTES, TABLES
from corpus.records import Fetch
from corpus.store import Corpus
from tests.corpus.dedup_corpus import article
from tests.pages import Page, fetch_of
from yuqi import main

RELEASED = sorted((Path(__file__).parent / "released").glob("*.tar.gz"))


@pytest.fixture(params=RELEASED, ids=lambda path: path.name.partition(".")[0])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path, filter="data")
    return next(tmp_path.glob("*.db"))


def structure(path: Path) -> dict[str, tuple[str, ...]]:
    """Every table and view with its columns."""
    with sqlite3.connect(path) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
        return {
            name: tuple(sorted(row[1] for row in connection.execute(f"PRAGMA table_info({name})")))
            for (name,) in names
            if not name.startswith("sqlite_")
        }


def documents(path: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT id, text FROM documents ORDER BY id").fetchall()


def test_there_are_earlier_versions_to_open() -> None:
    assert RELEASED
    assert all(int(path.name.partition(".")[0]) < schema.SCHEMA_VERSION for path in RELEASED)


def test_it_opens_upgrades_and_has_every_table_of_now(old: Path, tmp_path: Path) -> None:
    before = documents(old)
    assert before
    with Corpus(old) as corpus:
        assert corpus.connection.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)
    assert documents(old) == before
    with Corpus(tmp_path / "new.db", create=True):
        pass
    assert structure(old) == structure(tmp_path / "new.db")


def test_it_is_sound_and_can_be_made_again(old: Path) -> None:
    with Corpus(old) as corpus:
        corpus.rebuild()
    assert len(documents(old)) == 4
    assert CliRunner().invoke(main, ["doctor", str(old)]).exit_code == 0
    found = CliRunner().invoke(main, ["search", str(old), "催收"])
    assert (found.exit_code, "借款逾期之后先做什么" in found.output) == (0, True)


def test_a_corpus_without_the_counts_of_farms_keeps_its_farms_and_updates_them(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    pages = [contact_page(site, number) for site in "abc" for number in range(3)]
    with Corpus(path, create=True) as corpus:
        for page in pages[:-1]:
            corpus.add_fetch(page)
        corpus.derive_pending()
        farms = corpus.connection.execute("SELECT * FROM farms").fetchall()
        assert [row[:3] for row in farms] == [("a.example", 3, 8)]
    back_to_7(path)
    with Corpus(path, readonly=True) as corpus:
        assert corpus.outdated
        assert corpus.connection.execute("SELECT * FROM farms").fetchall() == farms
    with Corpus(path) as corpus:
        assert corpus.connection.execute("SELECT * FROM farms").fetchall() == farms
        corpus.add_fetch(pages[-1])
        corpus.derive_pending()
        assert corpus.connection.execute("SELECT documents FROM farms").fetchall() == [(9,)]
        counted = {table: corpus.db.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
        corpus.rebuild()
        assert counted == {table: corpus.db.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


def contact_page(site: str, number: int) -> Fetch:
    """Return a page with an article of its own and the contact that all have."""
    told = article(ord(site) * 10 + number, sentences=8).split("\n")
    page = Page(f"http://{site}.example/{number}", told[0], (*told[1:], "业务咨询请加站长 QQ：1000000001"))
    return fetch_of(page)


def back_to_7(path: Path) -> None:
    """Take from a corpus what schema 8 brought."""
    with sqlite3.connect(path) as connection:
        for table in (*COUNTS, *NOTES):
            connection.execute(f"DROP TABLE {table}")
        for index in ("documents_match", "farm_ties_value", "farm_sites_farm"):
            connection.execute(f"DROP INDEX {index}")
        connection.execute("PRAGMA user_version = 7")


def test_views_answer(old: Path) -> None:
    with Corpus(old) as corpus:
        for view in ("articles", "lender_months", "topic_months", "farm_documents", "rule_counts"):
            corpus.connection.execute(f"SELECT * FROM {view}").fetchall()
