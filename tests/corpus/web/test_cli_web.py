"""`yuqi serve` as people call it: its configuration file, what it says when it can't."""

from __future__ import annotations

import importlib.util
import json
import socket
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from click.testing import CliRunner, Result

import yuqi
from corpus.store import Corpus
from corpus.web.config import configuration, to_yaml


def run(*arguments: str) -> Result:
    return CliRunner().invoke(yuqi.main, list(arguments))


def test_the_configuration_is_made_from_the_schema(plain_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "datasette.yaml"
    result = run("serve", str(plain_path), "--write-config", str(out))
    assert result.exit_code == 0, result.output
    read = yaml.safe_load(out.read_text(encoding="utf-8"))
    with Corpus(plain_path, readonly=True) as corpus:
        assert read == json.loads(json.dumps(configuration(corpus.connection, own_functions=False)))
    tables = read["databases"]["corpus"]["tables"]
    assert tables["documents"]["columns"]["published"] == "ISO 8601, as exact as the page says"
    assert tables["fetches"]["units"] == {"size": "byte"}
    assert tables["documents"]["label_column"] == "title"
    assert tables["dedup_contents"]["hidden"] is True
    assert "search" not in read["databases"]["corpus"]["queries"], "it needs a function that plain Datasette lacks"


def test_every_commented_column_is_there(plain_path: Path) -> None:
    with Corpus(plain_path, readonly=True) as corpus:
        tables = configuration(corpus.connection, own_functions=True)["databases"]["corpus"]["tables"]
        for name, table in tables.items():
            real = {row[1] for row in corpus.connection.execute(f'PRAGMA table_info("{name}")')}
            assert set(table.get("columns", {})) <= real, name
        assert {"description", "columns"} <= set(tables["findings"])


def test_yaml_keeps_texts_of_several_lines() -> None:
    value = {"a": {"b: #": "x\n  y\n\nz", "c": True}, "d": 'say "no": {}', "e": 3}
    assert yaml.safe_load(to_yaml(value)) == value


@pytest.mark.parametrize(("command", "module"), [("serve", "datasette"), ("report", "matplotlib")])
def test_a_missing_extra_is_one_line(
    plain_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, module: str
) -> None:
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == module else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    result = run(command, str(plain_path), *([str(tmp_path / "out.html")] if command == "report" else []))
    assert result.exit_code == 2
    assert f"pip install 'yuqi[{command}]'" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_port_that_is_taken_is_one_line(plain_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", str(plain_path), "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "another --port" in result.stderr


@pytest.mark.parametrize("command", ["serve", "report"])
def test_what_is_no_corpus_is_told(tmp_path: Path, command: str) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is not a database" * 50, encoding="utf-8")
    result = run(command, str(path), *([str(tmp_path / "out.html")] if command == "report" else []))
    assert result.exit_code == 2
    assert "not a SQLite database" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
