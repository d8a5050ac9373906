"""Files and folders that are whole or not there, also after a kill."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from corpus.atomic import begin_part, replacing, sweep


def _write_and_wait(path: str, folder: bool, told: object) -> None:
    begin_part(Path(path), folder=folder)
    told.set()  # type: ignore[attr-defined]  # an Event
    signal.pause()


def writer(path: Path, *, folder: bool) -> multiprocessing.process.BaseProcess:
    """Start a process that has begun to write `path` and waits."""
    context = multiprocessing.get_context("spawn")
    told = context.Event()
    child = context.Process(target=_write_and_wait, args=(str(path), folder, told))
    child.start()
    assert told.wait(30)
    return child


def parts(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir() if entry.name.endswith((".part", ".old"))]


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_killed_writer_left_is_taken_away_and_what_a_living_one_writes_is_not(
    tmp_path: Path, folder: bool
) -> None:
    path = tmp_path / "out.jsonl"
    child = writer(path, folder=folder)
    assert child.pid is not None
    sweep(path)
    assert len(parts(tmp_path)) == 1
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    with replacing(path) as stream:
        stream.write(b"{}\n")
    assert parts(tmp_path) == []
    assert path.read_bytes() == b"{}\n"


def test_files_that_only_look_alike_stay(tmp_path: Path) -> None:
    others = [".out.jsonl.notes.part", ".out.jsonl.part", ".other.jsonl.abcdefgh.part", "out.jsonl.abcdefgh.part"]
    for name in others:
        (tmp_path / name).touch()
    with replacing(tmp_path / "out.jsonl") as stream:
        stream.write(b"x")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([*others, "out.jsonl"])


def test_a_folder_that_was_set_aside_by_a_killed_writer_comes_back(tmp_path: Path) -> None:
    aside = tmp_path / ".set.abcdefgh.old"
    aside.mkdir()
    (aside / "manifest.json").write_text("{}")
    sweep(tmp_path / "set")
    assert (tmp_path / "set" / "manifest.json").is_file()
    aside.mkdir()
    sweep(tmp_path / "set")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["set"]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replacing(path) as stream:
        stream.write(b"new")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert parts(tmp_path) == []


def test_a_disk_without_locks_is_written_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    left = tmp_path / ".out.jsonl.abcdefgh.part"
    left.write_bytes(b"of another writer, for all that can be told")
    with replacing(tmp_path / "out.jsonl") as stream:
        stream.write(b"whole")
    assert (tmp_path / "out.jsonl").read_bytes() == b"whole"
    assert parts(tmp_path) == [left.name]
