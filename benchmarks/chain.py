"""The whole chain beside the best one that can be built of peers: bytes to stored, deduplicated, searchable documents.

    python -m benchmarks.chain [--pages 300] [--rounds 5] [--peers .venv-peers/bin/python] [--json FILE]

The same generated pages (`benchmarks.pages`) go through every chain, each run in a fresh process on one core, chains taking
turns; figures are processor time, the median of the rounds, and the mean F1 of character 4-grams against the pages' own
text. Ours does more: it archives the bytes as WARC and reads them back, keeps every finding, verifies each pair. The peers'
chain runs in an environment of its own (`make .venv-peers/.installed`) and is left out, and named, where there is none.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.extract import f1
from benchmarks.pages import generate
from benchmarks.result import Row, save, table
from corpus.derivation import spare_memory
from corpus.records import Fetch
from corpus.store import Corpus

ROOT = Path(__file__).resolve().parent.parent
WARM = 5
OURS = "yuqi"


def ours(pages: Sequence[Fetch], folder: Path) -> tuple[float, list[str]]:
    """Take pages through our chain; return the processor seconds and the texts in the pages' order."""
    spare_memory()
    _store(pages[:WARM], folder / "warm.db")  # imports and tables are not a page's cost
    began = time.process_time()
    texts = _store(pages, folder / "corpus.db")
    return time.process_time() - began, texts


def _store(pages: Sequence[Fetch], path: Path) -> list[str]:
    with Corpus(path, create=True) as corpus:
        for page in pages:
            corpus.add_fetch(page)
        corpus.derive_pending()
        found = dict(corpus.connection.execute("SELECT url, text FROM documents").fetchall())
    return [found.get(page.url, "") for page in pages]


def run_ours(source: Path, target: Path) -> None:
    """Run our chain over the pages in `source` in this process and print what `benchmarks.peer_chain` prints."""
    with source.open("rb") as lines:
        rows = [json.loads(line) for line in lines]
    pages = [_fetch(row) for row in rows]
    with tempfile.TemporaryDirectory() as name:
        seconds, texts = ours(pages, Path(name))
    target.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"pages": len(pages), "seconds": seconds, "megabytes": megabytes, "packages": {}}, sys.stdout)


def _fetch(row: dict[str, Any]) -> Fetch:
    headers = (("Content-Type", row["content_type"]),)
    when = datetime.fromisoformat(row["fetched_at"])
    return Fetch(row["url"], when, base64.b64decode(row["body"]), "response", 200, headers)


def measure(count: int, rounds: int, peers: Path | None) -> list[Row]:
    """Return a row for every chain that can run here."""
    commands = {OURS: [sys.executable, "-m", "benchmarks.chain", "--ours"]}
    if peers is not None and peers.exists():
        commands["best of peers"] = [str(peers), "-m", "benchmarks.peer_chain", "--chain", "best"]
    else:
        print("left out: the peers' chain; `make .venv-peers/.installed` makes its environment", file=sys.stderr)
    if all(_installed(name) for name in ("ftfy", "datasketch")):
        commands["naive"] = [sys.executable, "-m", "benchmarks.peer_chain", "--chain", "naive"]
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    scores: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "pages.jsonl", Path(name) / "texts.jsonl"
        gold = _write(count, source)
        for turn in range(rounds):
            for chain, command in commands.items():
                told[chain].append(_run([*command, str(source), str(target)]))
                if turn == 0:
                    texts = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
                    scores[chain] = statistics.fmean(
                        f1(text, wanted) for text, wanted in zip(texts, gold, strict=True)
                    )
    return [
        Row(
            "whole chain",
            chain,
            statistics.median(run["pages"] / run["seconds"] for run in runs),
            "pages/s",
            scores[chain],
            "F1",
            max(run["megabytes"] for run in runs),
            ", ".join(f"{package} {version}" for package, version in runs[0]["packages"].items()),
        )
        for chain, runs in told.items()
    ]


def _write(count: int, path: Path) -> list[str]:
    gold: list[str] = []
    with path.open("w", encoding="utf-8") as lines:
        for page in generate(count):
            fetch = page.fetch
            row = {
                "url": fetch.url,
                "content_type": fetch.content_type,
                "fetched_at": fetch.fetched_at.isoformat(),
            }
            lines.write(json.dumps({**row, "body": base64.b64encode(fetch.body).decode()}) + "\n")
            gold.append(page.text)
    return gold


def _run(command: Sequence[str]) -> dict[str, Any]:
    single = {"RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **single}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--peers", type=Path, default=ROOT / ".venv-peers/bin/python", help="Python of the peers' environment"
    )
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--ours", type=Path, nargs=2, metavar=("PAGES", "TEXTS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        run_ours(*options.ours)
        return
    rows = measure(options.pages, options.rounds, options.peers)
    print(table(rows, OURS))
    if options.json:
        save(options.json, rows)


if __name__ == "__main__":
    main()
