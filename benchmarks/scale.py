"""One machine, a growing corpus: what each stage takes at 10,000, 100,000 and a million documents. `make scale N=1000000`.

    python -m benchmarks.scale [N] [--workers 2] [--folder scale-out] [--rebuild-most 100000]

Generated pages (`benchmarks.pages`) fill one corpus, which is measured each time it is ten times as large: archiving and
deriving (with what was learned of nothing: sites are new), bytes a document, search, one more page, export, rebuild. Every
stage runs in a process of its own, whose memory is its peak with its workers'. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.pages import CITIES, LENDERS, generate
from corpus.derivation import spare_memory
from corpus.export import export
from corpus.search import search
from corpus.store import Corpus

ROOT = Path(__file__).resolve().parent.parent
FIRST = 10_000
MORE = 200
"""Pages added to the filled corpus, to see what one more costs."""

ELSEWHERE = 100_000_000
"""Numbers of pages that no filling comes to."""

BLOCK = 20_000
"""Pages archived before they are derived, as a crawl's cleaning follows it."""

QUERIES = (
    "催收", "逾期", "协商还款", "停息挂账", "征信 恢复", "法院传票", '"最低还款"', "催收 NOT 法院", "通讯录", "利息 违约金",
    "lender:借呗", "lender:微粒贷 逾期", "topic:negotiation", "site:s1.example", "site:s1.example 催收",
    "after:2021-06 协商", "before:2021-02 分期", "催收 OR 起诉", "合同 证据 录音", "不存在的一个词",
    *(f"{city} {lender}" for city, lender in zip(CITIES, LENDERS)),
)  # fmt: skip

Told = dict[str, Any]


def fill(path: Path, first: int, until: int, workers: int) -> Told:
    """Archive and derive pages `first` to `until`; return processor seconds of each part and how many documents came."""
    spare_memory()
    archiving = deriving = 0.0
    documents = 0
    began = time.monotonic()
    making = 0.0
    with Corpus(path, create=True) as corpus:
        for start in range(first, until, BLOCK):
            for page in generate(min(BLOCK, until - start), first=start):
                if corpus.has(page.fetch):
                    continue  # of a run that was stopped
                at = time.process_time()
                corpus.add_fetch(page.fetch)
                archiving += time.process_time() - at
            at, clock = _processor(), time.monotonic()
            documents += corpus.derive_pending(workers=workers)["documents"]
            deriving += _processor() - at
            making += time.monotonic() - clock
    return {
        "pages": until - first, "documents": documents, "archiving": archiving, "deriving": deriving,
        "deriving_clock": making, "clock": time.monotonic() - began,
    }  # fmt: skip


def more(path: Path, first: int) -> Told:
    """Add pages one at a time, each stored before the next comes; return milliseconds of processor for one."""
    spare_memory()
    spent: list[float] = []
    with Corpus(path) as corpus:
        for page in generate(MORE, first=first):
            at = time.process_time()
            corpus.add_fetch(page.fetch)
            corpus.derive_pending()
            spent.append(time.process_time() - at)
    return {"one_more_ms": 1000 * statistics.median(spent[len(spent) // 4 :])}


def look(path: Path) -> Told:
    """Run the queries, each five times; return the median's and the 95th percentile's milliseconds of processor."""
    spent: list[float] = []
    slowest = ("", 0.0)
    with Corpus(path, readonly=True) as corpus:
        for query in QUERIES:
            search(corpus.connection, query)
            took = statistics.median(_timed(partial(search, corpus.connection, query)) for _ in range(5))
            spent.append(took)
            slowest = max(slowest, (query, took), key=lambda pair: pair[1])
    ordered = sorted(spent)
    return {
        "search_p50_ms": 1000 * statistics.median(ordered), "search_p95_ms": 1000 * ordered[int(0.95 * len(ordered))],
        "slowest": slowest[0],
    }  # fmt: skip


def write(path: Path) -> Told:
    """Export everything as zstd-packed JSON Lines; return records a second of processor."""
    out = path.with_name("out.jsonl.zst")
    with Corpus(path, readonly=True) as corpus:
        at = time.process_time()
        done = export(corpus.connection, out)
        spent = time.process_time() - at
    out.unlink()
    return {"export_rate": done.records / spent}


def rebuild(path: Path, workers: int) -> Told:
    """Make all derived tables again; return pages a second by the clock."""
    spare_memory()
    with Corpus(path) as corpus:
        pages = corpus.count("fetches")
        at = time.monotonic()
        corpus.rebuild(workers=workers)
        return {f"rebuild_rate_{workers}": pages / (time.monotonic() - at)}


def size(path: Path) -> Told:
    """Return documents, duplicates and bytes a document of the file and of the archive."""
    with Corpus(path, readonly=True) as corpus:
        documents = corpus.count("documents")
        sql = "SELECT count(*) FROM documents WHERE duplicate_of IS NOT NULL"
        (duplicates,) = corpus.connection.execute(sql).fetchone()
        archived = sum(file.stat().st_size for file in corpus.folder.iterdir())
    return {
        "documents": documents, "duplicates": duplicates, "bytes_each": path.stat().st_size / documents,
        "archive_each": archived / documents,
    }  # fmt: skip


def _timed(function: Callable[[], object]) -> float:
    began = time.process_time()
    function()
    return time.process_time() - began


def _processor() -> float:
    """Return the processor seconds of this process and its ended children."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


STEPS: dict[str, Callable[..., Told]] = {
    "fill": fill, "more": more, "look": look, "write": write, "rebuild": rebuild, "size": size,
}  # fmt: skip


def step(name: str, path: Path, *numbers: int) -> Told:
    """Run one step in a process of its own; return what it told, with its peak memory in MB."""
    command = [sys.executable, "-m", "benchmarks.scale", "--step", name, str(path), *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed (exit {done.returncode}); the same command goes on from here")
    told: Told = json.loads(done.stdout)
    return told


def _step(name: str, path: str, *numbers: str) -> None:
    told = STEPS[name](Path(path), *map(int, numbers))
    peak = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    json.dump({**told, "megabytes": peak[0], "worker_megabytes": peak[1]}, sys.stdout)


def grow(folder: Path, wanted: int, workers: int, rebuild_most: int) -> list[Told]:
    """Grow the corpus in `folder` to `wanted` pages, and measure it at every power of ten on the way."""
    folder.mkdir(parents=True, exist_ok=True)
    path, notes = folder / "corpus.db", folder / "found.json"
    found: list[Told] = json.loads(notes.read_text()) if notes.exists() else []
    sizes = [10**power for power in range(4, 10) if FIRST <= 10**power < wanted]
    for target in [*sizes, wanted]:
        if any(entry["pages"] == target for entry in found):
            continue
        done = found[-1]["pages"] if found else 0
        told = {"pages": target, "workers": workers, "fill": step("fill", path, done, target, workers)}
        told |= {"size": step("size", path), "search": step("look", path), "export": step("write", path)}
        if target <= rebuild_most:
            told["rebuild"] = [step("rebuild", path, each) for each in sorted({1, workers})]
        told["more"] = step("more", path, ELSEWHERE + target)
        found.append(told)
        notes.write_text(json.dumps(found, indent=1))
        print(line(told), flush=True)
    return found


def line(told: Told) -> str:
    """Return what was found at one size as a few lines of text."""
    filled, sized, searched = told["fill"], told["size"], told["search"]
    share = sized["duplicates"] / sized["documents"]
    each = {name: 1000 * filled[name] / filled["pages"] for name in ("archiving", "deriving")}
    clock = filled["pages"] / filled["deriving_clock"]
    parts = [
        f"{told['pages']:,} pages: {sized['documents']:,} documents, {share:.0%} of them duplicates",
        f"  archiving {each['archiving']:.2f} ms, deriving and storing {each['deriving']:.2f} ms of processor a page;"
        f" {clock:.0f} pages/s by the clock with {told['workers']} workers",
        f"  {sized['bytes_each']:,.0f} bytes a document in the file, {sized['archive_each']:,.0f} in the archive",
        f"  memory: filling {filled['megabytes']:.0f} MB and {filled['worker_megabytes']:.0f} MB a worker,"
        f" export {told['export']['megabytes']:.0f} MB",
        f"  search p50 {searched['search_p50_ms']:.1f} ms, p95 {searched['search_p95_ms']:.1f} ms"
        f" (slowest: {searched['slowest']})",
        f"  one more page {told['more']['one_more_ms']:.1f} ms; export {told['export']['export_rate']:,.0f} records/s",
    ]
    rates = [
        f"{value:.0f} pages/s ({name.rpartition('_')[2]})"
        for run in told.get("rebuild", ())
        for name, value in run.items()
        if name.startswith("rebuild_rate")
    ]
    if rates:
        parts.append(f"  rebuild by the clock, workers in brackets: {', '.join(rates)}")
    return "\n".join(parts)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="?", type=int, default=FIRST)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "scale-out", help="kept, so that a stopped run goes on"
    )
    parser.add_argument("--rebuild-most", type=int, default=100_000, help="rebuild up to this size")
    parser.add_argument("--fresh", action="store_true", help="begin again")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.step:
        _step(*options.step)
        return
    if options.fresh:
        shutil.rmtree(options.folder, ignore_errors=True)
    grow(options.folder, options.pages, options.workers, options.rebuild_most)


if __name__ == "__main__":
    main()
