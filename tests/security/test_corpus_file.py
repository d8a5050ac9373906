"""A corpus that somebody else made: what its schema and its rows can make our commands do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import yuqi
from corpus import archive
from corpus.archive import ArchiveError, is_plain
from corpus.database import distrust
from corpus.records import Location
from corpus.store import Corpus


@pytest.fixture
def path(corpus: Corpus) -> Path:
    """The corpus of a few pages, closed."""
    corpus.close()
    return corpus.path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(yuqi.main, [str(argument) for argument in arguments])


def alter(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["CREATE TRIGGER t AFTER INSERT ON fetches BEGIN DELETE FROM documents; END"], "trigger"),
        (["CREATE TEMP TABLE x (y)", "CREATE TRIGGER t BEFORE UPDATE ON sites BEGIN SELECT 1; END"], "trigger"),
        (["DROP TABLE tombstones", "CREATE VIEW tombstones AS SELECT url AS value FROM documents"], "tombstones"),
        (["DROP TABLE crawls", "CREATE VIRTUAL TABLE crawls USING fts5(id, kind, started_at, targets)"], "crawls"),
        (["ALTER TABLE sites ADD COLUMN more AS (site || site)"], "computes a column"),
        (["INSERT INTO archives (file, bytes) VALUES ('../../victim', 0)"], "outside its folder"),
        (["INSERT INTO archives (file, bytes) VALUES ('/etc/passwd', 0)"], "outside its folder"),
    ],
)  # fmt: skip
def test_a_schema_that_no_program_of_ours_makes_is_refused_in_a_line(
    path: Path, statements: list[str], told: str
) -> None:
    alter(path, *statements)
    for command in (("stats",), ("doctor",), ("rebuild",), ("export", path.with_name("o.jsonl"))):
        result = run(command[0], path, *command[1:])
        assert result.exit_code == 2, result.output
        assert told in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


def test_a_corpus_with_views_and_tables_of_an_analyst_s_own_opens(path: Path) -> None:
    alter(path, "CREATE VIEW mine AS SELECT url FROM documents", "CREATE TABLE notes (docid, note)")
    assert run("stats", path).exit_code == 0


def test_no_file_outside_the_archive_is_read_or_removed(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim.warc.gz"
    victim.write_bytes((archive.folder_of(path) / "00001.warc.gz").read_bytes())
    for name in ("../victim.warc.gz", str(victim)):
        with pytest.raises(ArchiveError, match="no name of a file in the archive"):
            archive.read(archive.folder_of(path), Location(name, 0, 100))
    alter(
        path,
        "PRAGMA foreign_keys = OFF",
        "UPDATE fetches SET warc_file = '../victim.warc.gz', derived = 2 WHERE seq = 1",
    )
    result = run("takedown", path, "--purge")
    assert result.exit_code == 2
    assert "no name of a file in the archive" in result.stderr
    assert victim.exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "../a", "a\0b"])
def test_names_that_lead_elsewhere(name: str) -> None:
    assert not is_plain(name)
    assert is_plain("00001.warc.gz")


def test_a_schema_s_own_functions_are_not_trusted(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.create_function("ours", 1, lambda value: value)
    connection.execute("CREATE VIEW calling AS SELECT ours(1) AS x")
    distrust(connection)
    with pytest.raises(sqlite3.OperationalError, match="unsafe use"):
        connection.execute("SELECT * FROM calling").fetchall()
    connection.close()


def test_reading_commands_can_t_write(path: Path) -> None:
    with Corpus(path, readonly=True) as corpus, pytest.raises(sqlite3.OperationalError, match="readonly"):
        corpus.connection.execute("DELETE FROM documents")
    before = path.read_bytes()
    for command in (("stats",), ("search", "催收"), ("show", "1"), ("explain", "1"), ("doctor",)):
        assert run(command[0], path, *command[1:]).exit_code == 0
    assert path.read_bytes() == before


def test_extensions_can_t_be_loaded(path: Path) -> None:
    with (
        Corpus(path, readonly=True) as corpus,
        pytest.raises((sqlite3.OperationalError, AttributeError), match=r"not authorized|no attribute"),
    ):
        corpus.connection.execute("SELECT load_extension('x')")


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0" + b"\xff" * 4096, b"not a database" * 100])
def test_a_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "c.db"
    path.write_bytes(content)
    for command in ("stats", "doctor", "rebuild"):
        result = run(command, path)
        assert result.exit_code == 2
        assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("value", ["[]", "{", '{"drop": 1}', "null", '{"nosuch": 1}', "[" * 5000])
def test_values_that_are_not_what_they_should_be_are_told_in_a_line(path: Path, value: str) -> None:
    alter(path, f"INSERT INTO sites (site, selectors, profile) VALUES ('x', '{value}', '{value}')")
    result = run("rebuild", path, "--workers", "1")
    assert result.exit_code == 2, result.output
    assert "the row of sites for 'x' can't be read" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
