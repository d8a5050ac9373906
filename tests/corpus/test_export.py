from __future__ import annotations

import gzip
import json
import stat
from pathlib import Path

import pytest
import zstandard
from jsonschema import Draft202012Validator

from cleaning.contacts import mask_identifiers
from corpus import atomic
from corpus.atomic import replacing
from corpus.export import ExportError, export, records
from corpus.store import Corpus

SCHEMA = json.loads((Path(__file__).parents[2] / "corpus" / "record.schema.json").read_text(encoding="utf-8"))


def unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().stream_reader(data).read() if path.suffix == ".zst" else data


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_the_same_corpus_gives_the_same_bytes(corpus: Corpus, tmp_path: Path, suffix: str) -> None:
    first = export(corpus.connection, tmp_path / f"a{suffix}")
    second = export(corpus.connection, tmp_path / f"b{suffix}")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256
    lines = unpacked(first.path).decode("utf-8").splitlines()
    assert len(lines) == first.records > 0
    assert [json.loads(line)["id"] for line in lines] == sorted(json.loads(line)["id"] for line in lines)


def test_every_record_fits_the_schema(corpus: Corpus) -> None:
    validator = Draft202012Validator(SCHEMA)
    found = list(records(corpus.connection, duplicates=True))
    assert found
    for record in found:
        assert not list(validator.iter_errors(record))


def test_one_record_for_a_cluster_unless_all_are_asked_for(corpus: Corpus) -> None:
    ones, every = list(records(corpus.connection)), list(records(corpus.connection, duplicates=True))
    assert len(ones) < len(every) == corpus.count("documents")
    assert all(record["duplicate_of"] is None for record in ones)


def test_a_failed_export_leaves_what_was_there(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("what was there", encoding="utf-8")

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_sync_folder", full)
    monkeypatch.setattr(Path, "replace", lambda self, target: full(target))
    with pytest.raises(ExportError, match="No space left"):
        export(corpus.connection, path)
    assert path.read_text(encoding="utf-8") == "what was there"
    assert [entry.name for entry in tmp_path.glob("*.part")] == []


def test_an_exception_in_the_block_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), replacing(path) as stream:
        stream.write(b"new")
        raise ZeroDivisionError
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"old"]


def test_the_file_can_be_read_by_others(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path) as stream:
        stream.write(b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("name", ["a.txt", "a.json", "nowhere/a.jsonl"])
def test_a_path_that_cannot_be_written_is_told(corpus: Corpus, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError, match=r"\.jsonl"):
        export(corpus.connection, tmp_path / name)


def test_identifiers_are_masked() -> None:
    text = "他的电话是13800000000，身份证号是11010519491231002X。"
    masked = mask_identifiers(text)
    assert "13800000000" not in masked
    assert "11010519491231002X" not in masked
    assert masked.startswith("他的电话是")
    assert mask_identifiers(text, drop=True) == "他的电话是，身份证号是。"
    assert mask_identifiers("逾期3年，欠款120000元。") == "逾期3年，欠款120000元。"
