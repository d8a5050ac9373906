from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
import zstandard
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from corpus import dataset as datasets_of_ours
from corpus.card import cell, render
from corpus.dataset import Description, Splitter, parse_splits, write_dataset, write_delta
from corpus.export import ExportError, records
from corpus.fields import FIELDS, NAMES, QUALITY, chosen
from corpus.selection import Selection, SelectionError
from corpus.store import Corpus
from yuqi import main

NAMED = Description("demo")
ALL = Selection(duplicates=True)
SCHEMA = json.loads((Path(__file__).parents[2] / "corpus" / "record.schema.json").read_text(encoding="utf-8"))
SPLITS = parse_splits("train=0.5,validation=0.2,test=0.3")


def lines(folder: Path, manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in manifest["files"]:
        data = (folder / entry["path"]).read_bytes()
        text = gzip.decompress(data) if entry["path"].endswith(".gz") else data
        if entry["path"].endswith(".zst"):
            text = zstandard.ZstdDecompressor().stream_reader(data).read()
        yield from map(orjson.loads, text.splitlines())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_fields_are_those_of_the_schema() -> None:
    assert list(NAMES) == SCHEMA["required"] == list(SCHEMA["properties"])
    for field in FIELDS:
        said = SCHEMA["properties"][field.name]
        types = said.get("type", "string")
        assert field.nullable == ("null" in types or None in said.get("enum", [])), field.name


def test_the_quality_attributes_are_those_that_documents_have(corpus: Corpus) -> None:
    kinds: dict[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}
    for record in records(corpus.connection):
        assert list(record["quality"]) == list(QUALITY)
        assert all(isinstance(record["quality"][name], kinds[kind]) for name, kind in QUALITY.items())


@pytest.mark.parametrize("suffix", datasets_of_ours.FORMATS)
def test_the_same_corpus_gives_the_same_data_set(corpus: Corpus, tmp_path: Path, suffix: str) -> None:
    for name in ("a", "b"):
        write_dataset(corpus.connection, tmp_path / name, NAMED, selection=ALL, splits=SPLITS, suffix=suffix)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        "README.md", "croissant.json", "data", "index.csv.gz", "manifest.json",
    }  # fmt: skip


def test_shards_hold_every_record_once(corpus: Corpus, tmp_path: Path) -> None:
    manifest = write_dataset(corpus.connection, tmp_path / "a", NAMED, selection=ALL, shard_bytes=4000)
    assert len(manifest["files"]) > 1
    assert all(entry["path"].endswith(f"-of-{len(manifest['files']):05d}.jsonl.gz") for entry in manifest["files"])
    found = sorted(lines(tmp_path / "a", manifest), key=lambda record: str(record["id"]))
    assert found == list(records(corpus.connection, duplicates=True))
    assert sum(entry["records"] for entry in manifest["files"]) == manifest["counts"]["records"] == len(found)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), max_size=6), st.integers(0, 9))
def test_a_cluster_is_never_split(pairs: list[tuple[str, str]], extra: int) -> None:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE documents (id, cluster_id, template_cluster_id)")
    rows: list[tuple[str, str | None, str]] = [
        (f"{number:032x}", near, template) for number, (near, template) in enumerate(pairs)
    ]
    rows += [(f"f{number:031x}", None, "w") for number in range(extra)]
    connection.executemany("INSERT INTO documents VALUES (?, ?, ?)", rows)
    split = Splitter(connection, SPLITS)
    for column in (1, 2):
        for key in {row[column] for row in rows} - {None}:
            assert len({split(row[0]) for row in rows if row[column] == key}) == 1


def test_splits_take_about_their_shares(corpus: Corpus) -> None:
    split = Splitter(corpus.connection, SPLITS)
    counts = Counter(split(f"{number:032x}") for number in range(3000))
    assert all(abs(counts[name] / 3000 - share) < 0.05 for name, share in SPLITS)


@pytest.mark.parametrize(
    "text", ["train", "train=0.5", "train=2", "train=.5,train=.5", "a b=1", "=1", "train=nan"]
)
def test_splits_that_make_no_sense_are_told(text: str) -> None:
    with pytest.raises(ExportError):
        parse_splits(text)


def apply(old: dict[str, Any], delta: list[dict[str, Any]]) -> dict[str, Any]:
    new = dict(old)
    for change in delta:
        if change["op"] == "DEL":
            del new[change["id"]]
        else:
            assert (change["op"] == "MOD") == (change["id"] in new)
            new[change["id"]] = change["record"]
    return new


def test_a_delta_leads_from_one_data_set_to_the_next(corpus: Corpus, tmp_path: Path) -> None:
    first = write_dataset(corpus.connection, tmp_path / "first", NAMED, selection=ALL)
    old = {record["id"]: record for record in lines(tmp_path / "first", first)}
    victim, changed = sorted(old)[:2]
    corpus.take_down([("url", old[victim]["url"])], by="somebody", why="asked", at="2024-01-01T00:00:00+00:00")
    with corpus.transaction():
        corpus.db.execute("UPDATE documents SET category = 'another' WHERE id = ?", [changed])
    manifest = write_delta(corpus.connection, tmp_path / "delta", tmp_path / "first" / "manifest.json")
    changes = list(lines(tmp_path / "delta", manifest))
    assert {"op": "DEL", "id": victim, "split": "train", "record": None} in changes
    assert "MOD" in {change["op"] for change in changes if change["id"] == changed}
    now = {record["id"]: record for record in records(corpus.connection, duplicates=True)}
    assert apply(old, changes) == now
    assert manifest["counts"]["operations"]["DEL"] == 1
    # The next delta is made from this one, and nothing has changed since.
    again = write_delta(corpus.connection, tmp_path / "next", tmp_path / "delta" / "manifest.json")
    assert list(lines(tmp_path / "next", again)) == []


def test_a_delta_adds_what_is_new(corpus: Corpus, tmp_path: Path) -> None:
    few = Selection(sites=("nowhere.example",))
    empty = write_dataset(corpus.connection, tmp_path / "a", NAMED, selection=few)
    assert empty["counts"]["records"] == 0
    manifest = orjson.loads((tmp_path / "a" / "manifest.json").read_bytes())
    manifest["question"]["filters"] = {}
    (tmp_path / "a" / "manifest.json").write_bytes(orjson.dumps(manifest))
    delta = write_delta(corpus.connection, tmp_path / "d", tmp_path / "a" / "manifest.json")
    changes = list(lines(tmp_path / "d", delta))
    assert [change["op"] for change in changes] == ["ADD"] * len(list(records(corpus.connection)))
    assert [change["id"] for change in changes] == sorted(change["id"] for change in changes)


@pytest.mark.parametrize("damage", ["missing", "no json", "other json", "index", "lacking"])
def test_a_manifest_that_cannot_be_used_is_told(corpus: Corpus, tmp_path: Path, damage: str) -> None:
    write_dataset(corpus.connection, tmp_path / "a", NAMED)
    manifest = tmp_path / "a" / "manifest.json"
    if damage == "missing":
        manifest.unlink()
    elif damage == "index":
        (tmp_path / "a" / "index.csv.gz").write_bytes(gzip.compress(b"id,split,digest\n"))
    else:
        text = {"no json": "{", "other json": "[1]", "lacking": '{"manifest_format": 1}'}[damage]
        manifest.write_text(text, encoding="utf-8")
    with pytest.raises(ExportError, match=r"manifest\.json|index"):
        write_delta(corpus.connection, tmp_path / "d", manifest)
    assert not (tmp_path / "d").exists()


def test_what_is_at_the_place_is_only_replaced_when_asked(corpus: Corpus, tmp_path: Path) -> None:
    place = tmp_path / "a"
    write_dataset(corpus.connection, place, NAMED)
    before = files(place)
    with pytest.raises(ExportError, match="--replace"):
        write_dataset(corpus.connection, place, NAMED)
    assert files(place) == before
    write_dataset(corpus.connection, place, Description("another"), replace=True)
    assert files(place) != before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ExportError, match="something else"):
        write_dataset(corpus.connection, other, NAMED, replace=True)


def test_a_failure_leaves_nothing_behind(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(datasets_of_ours, "_publish", full)
    with pytest.raises(ExportError, match="No space left"):
        write_dataset(corpus.connection, tmp_path / "a", NAMED)
    assert not (tmp_path / "a").exists()
    assert list(tmp_path.glob(".a.*")) == []


def test_parquet_holds_what_the_lines_hold(corpus: Corpus, tmp_path: Path) -> None:
    manifest = write_dataset(corpus.connection, tmp_path / "a", NAMED, selection=ALL, suffix="parquet")
    table = pq.read_table(tmp_path / "a" / manifest["files"][0]["path"])
    assert table.to_pylist() == list(records(corpus.connection, duplicates=True))


def test_csv_cells_are_not_run_by_a_spreadsheet(corpus: Corpus, tmp_path: Path) -> None:
    with corpus.transaction():
        corpus.db.execute(
            "UPDATE documents SET title = '=cmd|'' /C calc''!A0', author = '+1', source = '\N{FULLWIDTH EQUALS SIGN}1'"
        )
    manifest = write_dataset(corpus.connection, tmp_path / "a", NAMED, suffix="csv")
    text = (tmp_path / "a" / manifest["files"][0]["path"]).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows
    assert not [
        row for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@", "\t", "\r"))
    ]
    assert rows[0]["title"].startswith("'=cmd")
    assert rows[0]["source"] == "'\N{FULLWIDTH EQUALS SIGN}1"
    assert [row["id"] for row in rows] == [record["id"] for record in records(corpus.connection)]


@pytest.mark.parametrize("suffix", ["jsonl.gz", "jsonl.zst", "jsonl", "parquet"])
def test_it_loads_with_the_usual_loader(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    from datasets import load_dataset

    write_dataset(corpus.connection, tmp_path / "a", NAMED, selection=ALL, splits=SPLITS, suffix=suffix)
    loaded = load_dataset(str(tmp_path / "a"), cache_dir=str(tmp_path / "cache"))
    found = sorted((row for split in loaded.values() for row in split), key=lambda row: row["id"])
    dates = () if suffix == "parquet" else ("published", "first_seen")
    for record, expected in zip(found, records(corpus.connection, duplicates=True), strict=True):
        for name in dates:
            # The loader's JSON reader takes ISO dates for timestamps and writes them out in its own form.
            record[name], expected[name] = ((value or "")[:10] for value in (record[name], expected[name]))
        assert {name: value for name, value in record.items() if value != expected[name]} == {}


@pytest.mark.parametrize("suffix", ["jsonl.gz", "parquet", "csv", "jsonl.zst"])
def test_the_metadata_is_valid_and_leads_to_the_records(corpus: Corpus, tmp_path: Path, suffix: str) -> None:
    from mlcroissant import Dataset

    write_dataset(corpus.connection, tmp_path / "a", NAMED, selection=ALL, suffix=suffix)
    described = Dataset(jsonld=tmp_path / "a" / "croissant.json")
    assert not described.metadata.ctx.issues.errors
    assert [record_set.name for record_set in described.metadata.record_sets] == ["train"]
    if suffix in ("jsonl.gz", "parquet"):
        read = [row["train/id"].decode() for row in described.records("train")]
        assert read == [record["id"] for record in records(corpus.connection, duplicates=True)]


def test_the_card_says_what_is_in_it(corpus: Corpus, tmp_path: Path) -> None:
    write_dataset(corpus.connection, tmp_path / "a", Description('a "name"\n# of mine'))
    text = (tmp_path / "a" / "README.md").read_text(encoding="utf-8")
    assert 'pretty_name: "a \\"name\\" # of mine"' in text
    assert '\n# a "name" \\# of mine\n' in text
    assert f"| all | {len(list(records(corpus.connection)))} |" in text


@given(st.text())
def test_the_front_matter_is_yaml_whatever_the_name(text: str) -> None:
    counts = {"records": 0, "splits": {}}
    question = {"format": "jsonl", "filters": {}, "pii": "mask"}
    described = {"name": text, "license": text, "url": None, "description": "x"}
    manifest = {"description": described, "counts": counts, "question": question, "files": [], "newest_page": None,
                "versions": {}}  # fmt: skip
    front = render(manifest, FIELDS).split("---\n")[1]
    line = next(line for line in front.splitlines() if line.startswith("pretty_name: "))
    # What yaml.reader refuses, by its own expression, and a scalar that JSON reads.
    assert re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", front) is None
    assert isinstance(json.loads(line.removeprefix("pretty_name: ")), str)


@given(st.text())
def test_a_value_stays_inside_its_cell(text: str) -> None:
    line = cell(text)
    assert len(line.splitlines()) <= 1
    assert "|" not in line.replace("\\|", "")


@pytest.mark.parametrize(
    ("selection", "holds"),
    [
        (Selection(topics=("lawsuit",)), lambda record: "lawsuit" in record["topics"]),
        (Selection(scripts=("hans",)), lambda record: record["script"] == "hans"),
        (Selection(min_relevance=0.5), lambda record: record["relevance"] >= 0.5),
        (Selection(quality=("chars>=150",)), lambda record: record["quality"]["chars"] >= 150),
        (Selection(quality=("complete=true",)), lambda record: record["quality"]["complete"]),
        (Selection(after="2023"), lambda record: (record["published"] or "") >= "2023"),
        (Selection(query="催收"), lambda record: "催收" in record["text"] + (record["title"] or "")),
    ],
)
def test_filters_take_what_they_say(
    corpus: Corpus, selection: Selection, holds: Callable[[dict[str, Any]], bool]
) -> None:
    everything = list(records(corpus.connection))
    found = list(records(corpus.connection, selection))
    assert found == [record for record in everything if holds(record)]
    assert selection.count(corpus.connection) == len(found)
    assert Selection.from_dict(orjson.loads(orjson.dumps(selection.to_dict()))) == selection


def test_a_lender_is_found_by_any_of_its_names(corpus: Corpus) -> None:
    with corpus.transaction():
        corpus.db.execute("UPDATE documents SET lenders = '[\"招商银行\"]' WHERE docid = 1")
    assert Selection(lenders=("招行",)).count(corpus.connection) == 1
    assert Selection(lenders=("招商银行",)).count(corpus.connection) == 1
    assert Selection(lenders=("招行';--",)).count(corpus.connection) == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"topics": ("nosuch",)}, {"scripts": ("latin",)}, {"after": "yesterday"}, {"quality": ("damage_share",)},
        {"quality": ("nosuch>1",)}, {"quality": ("chars>1; DROP TABLE documents",)}, {"query": "AND"},
        {"sites": "yuqi-a.test"}, {"min_relevance": float("nan")},
    ],
)  # fmt: skip
def test_a_filter_that_can_match_nothing_is_told(asked: dict[str, Any]) -> None:
    with pytest.raises(SelectionError):
        Selection(**asked)


def test_fields_keep_the_records_own_order(corpus: Corpus) -> None:
    found = list(records(corpus.connection, fields=chosen(("text", "id", "contacts"))))
    assert all(list(record) == ["id", "text", "contacts"] for record in found)
    with pytest.raises(ValueError, match="no such field: nosuch"):
        chosen(("nosuch",))


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet", "a.jsonl.zst"])
def test_the_command_writes_files(corpus: Corpus, tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(main, ["export", str(corpus.path), str(tmp_path / name), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["records"] == len(list(records(corpus.connection)))
    assert (tmp_path / name).stat().st_size


def test_the_command_writes_data_sets_and_deltas(corpus: Corpus, tmp_path: Path) -> None:
    run, database = CliRunner().invoke, str(corpus.path)
    options = ["--splits", "train=0.5,test=0.5", "--shard-size", "1KB", "--fields", "id,text", "--format", "jsonl"]
    result = run(main, ["export", database, str(tmp_path / "a"), *options])
    assert result.exit_code == 0, result.output
    result = run(main, ["export", database, str(tmp_path / "b"), "--since", str(tmp_path / "a" / "manifest.json")])
    assert (result.exit_code, "0 ADD, 0 MOD, 0 DEL" in result.stderr) == (0, True)


def test_an_export_into_the_archive_is_refused(corpus: Corpus) -> None:
    for name in ("a.jsonl", "dataset"):
        result = CliRunner().invoke(main, ["export", str(corpus.path), str(corpus.folder / name)])
        assert (result.exit_code, "the corpus' archive" in result.stderr) == (2, True)
        assert not (corpus.folder / name).exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["a.jsonl", "--splits", "train=1"], "--splits is for data sets"),
        (["a", "--splits", "train=0.5"], "must give 1"),
        (["a", "--topic", "nosuch"], "no such topic"),
        (["a", "--fields", "nosuch"], "no such field"),
        (["a", "--fields", "text"], "need the field id"),
        (["a", "--shard-size", "many"], "write a size"),
        (["a", "--since", "nowhere.json"], "nowhere.json"),
        (["a", "--since", "nowhere.json", "--all"], "leave the other options away"),
        (["articles.json"], "ends in .json"),
        (["articles.xlsx"], "ends in .xlsx"),
    ],
)
def test_the_command_says_what_to_change(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["export", str(corpus.path), *arguments])
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "a").exists()
