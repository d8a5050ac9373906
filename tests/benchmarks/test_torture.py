"""A small part of `make torture`: a few kills and torn archives, and that what is broken is told."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.torture.world import BrokenError, archived, nothing_double, rows, same, whole
from corpus import archive
from corpus.store import Corpus

ROOT = Path(__file__).parents[2]


def test_kills_and_torn_records() -> None:
    command = [
        sys.executable,
        "-m",
        "benchmarks.torture",
        "--kills",
        "4",
        "--pages",
        "6",
        "--only",
        "dedup,export,torn-record",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 hold" in done.stdout
    assert done.stdout.count("2 kills in") == 2


def test_what_is_broken_is_told(corpus: Corpus) -> None:
    corpus.close()
    path = corpus.path
    before, held = rows(path), archived(archive.folder_of(path))
    whole(path, held)
    nothing_double(path)
    with pytest.raises(BrokenError, match="archived records are gone"):
        whole(path, held + Counter({("id", "http://gone.example/"): 1}))
    with Corpus(path) as again, again.transaction():
        again.db.execute("UPDATE documents SET text = text || '改' WHERE docid = 1")
    with pytest.raises(BrokenError, match="documents: 1 rows missing"):
        same(before, rows(path), "altered")
    with pytest.raises(BrokenError, match="are altered"):
        whole(path, held)
    with Corpus(path) as again, again.transaction():
        again.db.execute("INSERT INTO fetches SELECT 99, id, url, site, kind, status, content_type, size, fetched_at, "
                         "crawl_id, warc_file, warc_offset, warc_length, 1 FROM fetches WHERE seq = 1")  # fmt: skip
    with pytest.raises(BrokenError, match="archive and table differ"):
        nothing_double(path)
