"""The command line as people and programs use it: each command through the front door."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import yuqi
from corpus.store import Corpus
from tests.pages import PAGES, html


@pytest.fixture
def database(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    for number, page in enumerate(PAGES):
        (folder / f"{number}.html").write_bytes(html(page))
    path = tmp_path / "corpus.db"
    assert run("ingest", str(path), str(folder)).exit_code == 0
    return path


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(yuqi.main, list(arguments), input=stdin)


def test_every_command_has_help_and_an_example() -> None:
    for name in yuqi.main.list_commands(None):  # type: ignore[arg-type]  # no context is needed for the names
        result = run(name, "--help")
        assert result.exit_code == 0, result.output
        assert re.search(r"Examples?:", result.output), name
        assert f"yuqi {name}" in result.output, name


def test_every_command_of_the_readme_exists() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    table = readme.partition("## Commands")[2].partition("## More")[0]
    named = {
        name for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)", row)
    }
    assert named == set(yuqi.main.list_commands(None))  # type: ignore[arg-type]  # as above


def test_clean_prints_the_contract_s_object() -> None:
    page = PAGES[0]
    result = run("clean", "-", stdin=html(page))
    assert result.exit_code == 0
    (row,) = [json.loads(line) for line in result.stdout.splitlines()]
    wanted = "source status reason url title author published category text text_source script encoding encoding_evidence"
    assert set(wanted.split()) <= set(row)
    assert {"contacts", "lenders", "topics", "quality", "findings"} <= set(row)
    assert row["status"] == "ok"
    assert row["title"] == page.title
    assert row["text"].split("\n") == list(page.paragraphs)


def test_clean_of_something_that_is_no_page() -> None:
    result = run("clean", "--strict", "-", stdin=b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    assert result.exit_code == 1
    row = json.loads(result.stdout)
    assert (row["status"], row["reason"], row["text"]) == ("rejected", "not-text", None)
    assert set(row) >= {"title", "contacts", "findings", "encoding"}


def test_clean_prints_text_alone(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(html(PAGES[2]))
    result = run("clean", "--format", "text", str(path))
    assert result.stdout == "\n".join([PAGES[2].title, *PAGES[2].paragraphs]) + "\n\n"


def test_a_missing_file_among_good_ones_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = tmp_path / "good.html"
    good.write_bytes(html(PAGES[0]))
    result = run("ingest", str(tmp_path / "c.db"), str(tmp_path / "missing.html"), str(good))
    assert result.exit_code == 0
    assert "missing.html: no such file" in result.stderr
    assert "1 new documents" in result.stderr
    assert run("ingest", str(tmp_path / "c.db"), str(tmp_path / "missing.html"), "--strict").exit_code == 1


def test_what_is_there_already_is_not_taken_in_again(database: Path) -> None:
    result = run("ingest", str(database), str(database.parent / "pages"), "--json")
    summary = json.loads(result.stdout)
    assert summary["already there"] == len(PAGES)
    assert summary["documents"] == 0


def test_search_finds_and_shows(database: Path) -> None:
    result = run("search", str(database), "催收人员", "--json")
    hits = [json.loads(line) for line in result.stdout.splitlines()]
    assert [hit["title"] for hit in hits] == [PAGES[0].title]
    assert "催收人员" in hits[0]["snippet"]
    assert "催收人员" in run("search", str(database), "催收人員").stdout
    assert "nothing found" in run("search", str(database), "不存在的词").stderr
    assert run("search", str(database), "()").exit_code == 2


def test_show_and_explain(database: Path) -> None:
    shown = run("show", str(database), "1")
    assert PAGES[0].title in shown.stdout
    account = json.loads(run("explain", str(database), "1", "--json").stdout)
    assert account["replayed"] is True
    assert {finding["rule"] for finding in account["findings"]} >= {"field.title"}
    assert "replayed over the page they give the text: True" in run("explain", str(database), "1").stdout


def test_a_key_that_names_nothing(database: Path) -> None:
    result = run("show", str(database), "http://nowhere.example/")
    assert result.exit_code == 2
    assert "no document" in result.stderr


def test_a_key_that_names_a_rejection(tmp_path: Path) -> None:
    path = tmp_path / "logo.html"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    run("ingest", str(tmp_path / "c.db"), str(path))
    assert "PNG" in run("show", str(tmp_path / "c.db"), "file:///logo.html").stderr


def test_stats_and_doctor(database: Path) -> None:
    found = json.loads(run("stats", str(database), "--json").stdout)
    assert found["Corpus"]["fetches"] == len(PAGES)
    assert sum(found["Documents by encoding"].values()) == found["Corpus"]["documents"]
    result = run("doctor", str(database))
    assert result.exit_code == 0, result.stdout
    assert "records read back and verified" in result.stdout


def test_doctor_tells_a_broken_archive(database: Path) -> None:
    (warc,) = database.with_name("corpus.archive").glob("*.warc.gz")
    data = bytearray(warc.read_bytes())
    data[len(data) // 2] ^= 0xFF
    warc.write_bytes(bytes(data))
    result = run("doctor", str(database), "--json")
    assert result.exit_code == 1
    (archive,) = [check for check in json.loads(result.stdout) if check["name"] == "archive"]
    assert not archive["ok"]


def test_export_and_rebuild_give_the_same_bytes(database: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    assert run("export", str(database), str(first)).exit_code == 0
    assert run("rebuild", str(database)).exit_code == 0
    assert run("export", str(database), str(second)).exit_code == 0
    assert first.read_bytes() == second.read_bytes()


def test_learn_dedup_and_takedown(database: Path) -> None:
    assert run("learn", str(database)).exit_code == 0
    assert "clusters" in json.loads(run("dedup", str(database), "--json").stdout)
    assert run("takedown", str(database)).exit_code == 2
    result = run(
        "takedown", str(database), "--url", "file:///pages/2.html", "--by", "the author", "--why", "asked for"
    )
    assert "1 documents taken down" in result.stderr
    assert "nothing found" in run("search", str(database), "法院的传票").stderr
    run("rebuild", str(database))
    assert "nothing found" in run("search", str(database), "法院的传票", "--all").stderr
    with Corpus(database) as corpus:
        assert corpus.find("file:///pages/2.html") is None


@pytest.mark.parametrize(
    "command", ["search", "show", "stats", "export", "rebuild", "dedup", "learn", "explain", "doctor"]
)
def test_a_path_that_is_no_corpus(tmp_path: Path, command: str) -> None:
    more = {"search": ["催收"], "show": ["1"], "explain": ["1"], "export": [str(tmp_path / "o.jsonl")]}.get(
        command, []
    )
    missing, text, other, newer = (tmp_path / name for name in ("missing.db", "text.db", "other.db", "newer.db"))
    text.write_text("this is not a database, whatever its name says" * 20, encoding="utf-8")
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE t (x)")
    with Corpus(newer, create=True) as corpus:
        corpus.db.execute("PRAGMA user_version = 9999")
    for path, told in ((missing, "no such corpus"), (text, "not a SQLite database"), (other, "not a yuqi corpus"),
                       (newer, "newer yuqi"), (tmp_path, "folder")):  # fmt: skip
        before = path.read_bytes() if path.is_file() else None
        result = run(command, str(path), *more)
        assert result.exit_code == 2, (command, path, result.output)
        assert told in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        assert before is None or path.read_bytes() == before


def test_ingest_into_a_path_that_is_no_corpus_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("notes" * 300, encoding="utf-8")
    result = run("ingest", str(path), str(path))
    assert result.exit_code == 2
    assert path.read_text(encoding="utf-8") == "notes" * 300


def test_hostile_text_does_not_reach_the_terminal(tmp_path: Path) -> None:
    page = tmp_path / "hostile.html"
    body = PAGES[0].paragraphs[0]
    page.write_text(
        f"<h1>标题\x1b[2J\u202e</h1><p>{body}\x1b]0;pwned\x07</p><p>{body[::-1]}</p>", encoding="utf-8"
    )
    run("ingest", str(tmp_path / "c.db"), str(page))
    for command in (["show"], ["explain"]):
        shown = run(*command, str(tmp_path / "c.db"), "1").stdout
        assert "\x1b]" not in shown
        assert "\x1b[2J" not in shown
        assert "\u202e" not in shown


def test_a_damaged_database_is_told_and_can_be_made_again_from_the_archive(database: Path, tmp_path: Path) -> None:
    with Corpus(database, readonly=True) as corpus:
        before = corpus.count("documents")
    data = bytearray(database.read_bytes())
    data[100:40_000] = b"\xff" * 39_900
    database.write_bytes(bytes(data))
    result = run("stats", str(database))
    assert result.exit_code == 2
    assert "make it again from the archive" in result.stderr
    again = tmp_path / "again.db"
    assert run("ingest", str(again), str(database.with_name("corpus.archive"))).exit_code == 0
    with Corpus(again, readonly=True) as corpus:
        assert corpus.count("documents") == before


def test_a_full_disk_is_one_line(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Corpus, "rebuild", full)
    result = run("rebuild", str(database))
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "free some space" in result.stderr
