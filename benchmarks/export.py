"""Export beside the least that could do it: `python -m benchmarks.export [--documents 20000] [--rounds 5] [--json FILE]`.

A synthetic corpus (`benchmarks.web`) is written as JSON Lines by `yuqi export`, masked and not, and by ten lines of
Python that read the same columns and hand them to orjson or to json. Engines take turns; processor time, the median.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from benchmarks import web
from benchmarks.result import Row, save, table
from corpus.export import export
from corpus.fields import FIELDS
from corpus.store import Corpus

STORED = [field.name for field in FIELDS if field.name not in ("contacts", "cluster_size")]
"""The columns that one table holds: a bare reader has neither the contacts nor the sizes of clusters."""


def bare(corpus: Corpus, path: Path, dumps: Callable[[dict[str, Any]], bytes]) -> None:
    """Write the representatives' columns as JSON Lines with nothing checked, masked, counted or made whole."""
    sql = f"SELECT {', '.join(STORED)} FROM documents WHERE duplicate_of IS NULL ORDER BY id"
    with path.open("wb") as stream:
        for row in corpus.connection.execute(sql):
            stream.write(dumps(dict(zip(STORED, row))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path, out = Path(name) / "corpus.db", Path(name) / "out.jsonl"
        web.build(path, options.documents)
        with Corpus(path, readonly=True) as corpus:
            rows = measure(corpus, out, options.rounds)
    print(table(rows, "yuqi export, masked"))
    if options.json:
        save(options.json, rows)


def measure(corpus: Corpus, out: Path, rounds: int) -> list[Row]:
    """Return a row for every way of writing the corpus."""
    connection = corpus.connection
    ways: dict[str, Callable[[], object]] = {
        "yuqi export, masked": lambda: export(connection, out),
        "yuqi export --pii keep": lambda: export(connection, out, pii="keep"),
        "bare SQLite to orjson": lambda: bare(corpus, out, lambda row: orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)),
        "bare SQLite to json": lambda: bare(corpus, out, lambda row: json.dumps(row).encode() + b"\n"),
        "yuqi export, masked, zst": lambda: export(connection, out.with_name("out.jsonl.zst")),
    }  # fmt: skip
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.process_time()
            way()
            spent[name].append(time.process_time() - began)
    (number,) = connection.execute("SELECT count(*) FROM documents WHERE duplicate_of IS NULL").fetchone()
    return [Row("export", name, number / statistics.median(seconds), "rows/s") for name, seconds in spent.items()]


if __name__ == "__main__":
    main()
