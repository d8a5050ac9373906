"""Deriving beside a crawl: the same rows as a rebuild, whatever is killed when."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from corpus import beside
from corpus.beside import BEGIN, FINISH, TOLD, Ending, follow
from corpus.derivation import RESULT_BYTES, Derived, Workers
from corpus.records import Fetch
from corpus.store import Corpus, CorpusError
from tests.corpus.test_store import rows

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


def fetch(number: int) -> Fetch:
    """A page on the subject; one in five is another's copy, one in seven is no article."""
    told = number - 1 if number % 5 == 4 else number
    body = "".join(
        f"<p>第{told * 31 + line}位借款人逾期{line + told % 17}天以后先和银行协商，"
        f"再把第{told}份还款方案写下来留作证据。</p>"
        for line in range(12)
    )
    status = 404 if number % 7 == 6 else 200
    return Fetch(
        f"http://a.test/{number}.html",
        datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=number),
        f"<title>逾期第{number}问</title><body><h1>逾期第{number}问</h1>{body}</body>".encode(),
        status=status,
        headers=(("Content-Type", "text/html; charset=utf-8"),),
    )


def registered(corpus: Corpus, numbers: range) -> None:
    for number in numbers:
        corpus.add_fetch(fetch(number))
    corpus.flush()


def followed_for_a_batch(path: Path, *, workers: int) -> list[Mapping[str, int]]:
    """Derive until a batch is stored, and stop; return what was reported."""
    ending = Ending()
    reported: list[Mapping[str, int]] = []

    def report(counts: Mapping[str, int]) -> None:
        reported.append(counts)
        ending.now.set()

    follow(path, workers=workers, ending=ending, report=report)
    return reported


def wait_until_derived(corpus: Corpus) -> None:
    deadline = time.monotonic() + PATIENCE
    while corpus.count_pending():
        assert time.monotonic() < deadline, "nothing was derived for a minute"
        time.sleep(0.02)


def start(path: Path, workers: int, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "corpus.beside", str(path), str(workers), *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def same_as_rebuilt(corpus: Corpus) -> bool:
    live = rows(corpus)
    meta = corpus.connection.execute("SELECT * FROM corpus_meta ORDER BY key").fetchall()
    corpus.rebuild()
    return (
        live == rows(corpus)
        and meta == corpus.connection.execute("SELECT * FROM corpus_meta ORDER BY key").fetchall()
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_what_comes_is_derived_while_more_is_written(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as corpus:
        registered(corpus, range(30))
        child = start(path, workers)
        for first in range(30, 90, 20):
            registered(corpus, range(first, first + 20))
        wait_until_derived(corpus)
        output, _ = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0
        told: Counter[str] = Counter()
        for line in output.splitlines():
            told.update(json.loads(line))
        assert told["documents"] == corpus.count("documents") > 50
        assert told["rejections"] == corpus.count("rejections") == 12
        assert corpus.derive_pending()["documents"] == 0
        assert same_as_rebuilt(corpus)


@pytest.mark.parametrize("workers", [1, 3])
def test_when_nothing_more_comes_it_does_what_waits_and_ends(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as corpus:
        registered(corpus, range(150))
        child = start(path, workers)
        output = finished(child)
        assert child.returncode == 0
        assert corpus.count_pending() == 0
        told: Counter[str] = Counter()
        for line in output.splitlines():
            told.update(json.loads(line))
        assert told["documents"] + told["rejections"] == 150
        corpus.derive_pending()  # works farms out
        assert same_as_rebuilt(corpus)


def finished(child: subprocess.Popen[bytes]) -> bytes:
    """Say that nothing more comes, keep the pipe open until the child has ended, and return what it told."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(FINISH + b"\n")
    child.stdin.flush()
    output = child.stdout.read()
    child.wait(PATIENCE)
    child.stdin.close()
    child.stdout.close()
    return output


def test_a_killed_process_leaves_whole_batches_and_the_rest_to_do(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as corpus:
        registered(corpus, range(400))
        child = start(path, 1)
        deadline = time.monotonic() + PATIENCE
        while corpus.count_pending() == 400 and time.monotonic() < deadline:
            time.sleep(0.005)
        child.kill()
        child.communicate()
        left = corpus.count_pending()
        assert 0 < left < 400
        corpus.derive_pending()
        assert same_as_rebuilt(corpus)


def test_batches_ahead_are_stored_in_the_order_of_registration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "BATCH", 8)
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as corpus:
        registered(corpus, range(150))
    ending = Ending()
    ending.in_time.set()
    stored: list[int] = []
    store = Corpus.store

    def watched(self: Corpus, batch: Sequence[Derived]) -> dict[str, int]:
        stored.extend(derived.task.seq for derived in batch)
        return store(self, batch)

    monkeypatch.setattr(Corpus, "store", watched)
    batches: list[Mapping[str, int]] = []
    follow(path, workers=2, ending=ending, report=batches.append)
    assert stored == sorted(stored)
    assert len(stored) == 150
    assert len(batches) == -(-150 // 16) > beside.AHEAD
    with Corpus(path) as corpus:
        corpus.derive_pending()
        assert same_as_rebuilt(corpus)


def test_stopped_with_batches_ahead_it_leaves_the_rest_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "BATCH", 8)
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as corpus:
        registered(corpus, range(150))
    reported = followed_for_a_batch(path, workers=2)
    assert len(reported) == 1
    with Corpus(path) as corpus:
        assert corpus.count_pending() == 150 - 16
        # Nothing was stored of the batches that were under way, and what was stored has no gap.
        stored = "SELECT MIN(seq), MAX(seq), COUNT(*) FROM fetches WHERE derived != 0"
        assert corpus.connection.execute(stored).fetchone() == (1, 16, 16)
        corpus.derive_pending()
        assert corpus.count_pending() == 0
        assert same_as_rebuilt(corpus)


def test_killed_with_batches_ahead_it_leaves_the_rest_to_do(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    script = "import sys; from corpus import beside; beside.BATCH = 8; sys.exit(beside.main(sys.argv[1:]))"  # small batches
    with Corpus(path, create=True) as corpus:
        registered(corpus, range(300))
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(path), "2"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        deadline = time.monotonic() + PATIENCE
        while corpus.count_pending() == 300 and time.monotonic() < deadline:
            time.sleep(0.005)
        child.kill()
        child.communicate()
        left = corpus.count_pending()
        assert 0 < left < 300
        assert (300 - left) % 16 == 0
        corpus.derive_pending()
        assert same_as_rebuilt(corpus)


def test_told_to_it_begins_when_there_is_a_corpus(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    child = start(path, 1, TOLD)
    assert child.stdin is not None
    with Corpus(path, create=True) as corpus:
        registered(corpus, range(10))
        child.stdin.write(BEGIN + b"\n")
        child.stdin.flush()
        wait_until_derived(corpus)
        finished(child)
        assert child.returncode == 0


def test_told_to_begin_and_to_finish_at_once_it_does_both(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as corpus:
        registered(corpus, range(10))
        child = start(path, 1, TOLD)
        assert child.stdin is not None
        child.stdin.write(BEGIN + b"\n")
        finished(child)
        assert child.returncode == 0
        assert corpus.count_pending() == 0


def test_never_told_to_it_looks_at_nothing_and_ends(tmp_path: Path) -> None:
    child = start(tmp_path / "no.db", 1, TOLD)
    output, _ = child.communicate(timeout=PATIENCE)
    assert (child.returncode, output) == (0, b"")
    assert not (tmp_path / "no.db").exists()


@pytest.mark.skipif(not hasattr(fcntl, "F_GETPIPE_SZ"), reason="only Linux lets one ask how much a pipe holds")
def test_workers_need_not_wait_until_their_results_are_read(tmp_path: Path) -> None:
    with Workers(tmp_path, {}, 2, start="fork") as workers:
        pool: Any = workers._pool
        assert fcntl.fcntl(pool._outqueue._writer.fileno(), fcntl.F_GETPIPE_SZ) == RESULT_BYTES


def test_farms_are_due_until_they_are_worked_out(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as corpus:
        registered(corpus, range(3))
    seen = followed_for_a_batch(path, workers=1)
    assert [counts["documents"] for counts in seen] == [3]
    due = "SELECT count(*) FROM corpus_meta WHERE key = 'farms due'"
    with Corpus(path) as corpus:
        assert corpus.connection.execute(due).fetchone() == (1,)
        corpus.derive_pending()
        assert corpus.connection.execute(due).fetchone() == (0,)


def test_a_missing_corpus_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such corpus"):
        follow(tmp_path / "no.db", workers=1, ending=Ending(), report=lambda _: None)


def test_whether_the_lock_is_free(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Corpus(path, create=True) as mine, Corpus(path) as other:
        assert mine.free()
        with other.transaction():
            assert not mine.free()
        assert mine.free()
        assert not mine.connection.in_transaction
