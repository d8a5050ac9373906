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
from corpus.store import Corpus
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


def test_views_answer(old: Path) -> None:
    with Corpus(old) as corpus:
        for view in ("articles", "lender_months", "topic_months", "farm_documents", "rule_counts"):
            corpus.connection.execute(f"SELECT * FROM {view}").fetchall()
