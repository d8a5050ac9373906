"""A whole crawl beside a bare Scrapy spider: fetch, archive, clean, deduplicate and store, against fetching alone.

    python -m benchmarks.crawl [--pages 2000] [--rounds 3] [--cleaners N]

Both crawl the same site of 30 KB pages, which a process of its own serves on loopback, and take turns. The bare
spider is given every address and looks at no page; `yuqi crawl` is given the start page, and finds, keeps and
understands the rest. Its time is from the crawl's beginning to the last document stored, as the corpus has it. Memory
is what all its processes hold together (Pss: what they share is counted once), looked at twice a second; apart from it
what is theirs alone, without the pages of files that the kernel may take back.

Both run from compiled modules, as what is installed does: a small crawl with each, which isn't counted, compiles them.

On a machine with other work the clock says little. The last line works the ratio out from processor time: what two
processors would do that had nothing else to do, serving included, if the crawl could use both all the time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.result import Row, save
from corpus.store import Corpus
from crawler.cleaner import default_workers

ROOT = Path(__file__).resolve().parent.parent
WARMING = 60
"""Pages of the crawls that aren't counted."""

CONCURRENCY = 8
"""What Scrapy's default allows one host."""


class Run(NamedTuple):
    """One crawl: pages, seconds by the clock and of processors, and memory held (MB: all, and its own) over time."""

    pages: int
    seconds: float
    processor: float
    serving: float
    memory: tuple[tuple[float, float], ...]

    @property
    def rate(self) -> float:
        """Pages a second."""
        return self.pages / self.seconds


@contextmanager
def compiled() -> Iterator[None]:
    """Let the processes to come keep compiled modules in a folder of their own, and fill it."""
    before = {name: os.environ.get(name) for name in ("PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE")}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(PYTHONPYCACHEPREFIX=folder, PYTHONDONTWRITEBYTECODE="")
        try:
            with served(WARMING) as (port, server):
                bare(port, server, WARMING)
                whole(port, server, WARMING, 2)
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                os.environ.update({name: value} if value is not None else {})


@contextmanager
def served(pages: int) -> Iterator[tuple[int, int]]:
    """Serve the site in a process of its own, and yield its port and its process id."""
    command = [sys.executable, "-m", "benchmarks.crawl_server", str(pages)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield int(server.stdout.readline()), server.pid
        server.stdin.close()


def worked(pid: int) -> float:
    """Return the processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(command: Sequence[str], output: Path) -> tuple[float, tuple[tuple[float, float], ...]]:
    """Run a command; return its and its children's processor seconds, and the memory they held over time."""
    memory: list[tuple[float, float]] = []
    with output.open("wb") as stream:
        child = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=subprocess.PIPE)
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            parts = [held(member) for member in family(child.pid)]
            memory.append((sum(part[0] for part in parts), sum(part[1] for part in parts)))
            time.sleep(0.5)
        assert child.stderr is not None
        complaint = child.stderr.read().decode("utf-8", "replace")
        child.stderr.close()
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: exit {child.returncode}\n{complaint}")
    return usage.ru_utime + usage.ru_stime, tuple(memory)


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [member for child in task.read_text().split() for member in family(int(child))]
        except OSError:
            continue
    return found


def held(pid: int) -> tuple[float, float]:
    """Return a process's share of memory in MB, and the part of it that is no file's; 0.0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0, 0.0
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
    return kilobytes.get("Pss", 0) / 1000, kilobytes.get("Pss_Anon", 0) / 1000


def bare(port: int, server: int, pages: int) -> Run:
    """Crawl with the bare spider."""
    before = worked(server)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.json"
        command = [sys.executable, "-m", "benchmarks.crawl_bare", str(port), str(pages)]
        processor, memory = watch(command, output)
        told = json.loads(output.read_bytes())
    return Run(told["pages"], told["seconds"], processor, worked(server) - before, memory)


def whole(port: int, server: int, pages: int, cleaners: int) -> Run:
    """Crawl with `yuqi crawl`, and check that every article became a document."""
    before = worked(server)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "c.db"
        site = Path(folder) / "bench.toml"
        site.write_text(
            "seeds = ['http://bench.test/']\nhosts = ['bench.test']\nrate.delay = 0\n"
            f"rate.concurrency = {CONCURRENCY}\nfollow.article = ['/article/']\nfollow.list = ['/list/']\n"
        )
        command = [
            sys.executable, "-m", "yuqi", "crawl", str(database), str(site), "--host", f"bench.test=127.0.0.1:{port}",
            "--cleaners", str(cleaners), "--depth", "1000000", "--json",
        ]  # fmt: skip
        processor, memory = watch(command, Path(folder) / "out.json")
        with Corpus(database, readonly=True) as corpus:
            began, ended = corpus.db.execute("SELECT started_at, ended_at FROM crawls").fetchone()
            fetched, documents = corpus.count("fetches"), corpus.count("documents")
        if documents != pages:
            raise SystemExit(f"{documents} documents of {pages} articles: the crawl was not whole")
    seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds()
    return Run(fetched, seconds, processor, worked(server) - before, memory)


def flatness(memory: Sequence[tuple[float, float]]) -> float:
    """Return how much more of its own is held in the last quarter of a run than in its second, as a ratio."""
    own = [part[1] for part in memory]
    quarter = max(1, len(own) // 4)
    return statistics.mean(own[-quarter:]) / statistics.mean(own[quarter : 2 * quarter] or own)


def told(name: str, runs: Sequence[Run]) -> str:
    """Return the medians of some runs."""
    rate = statistics.median(run.rate for run in runs)
    cost = statistics.median(1000 * run.processor / run.pages for run in runs)
    most = max(held[0] for run in runs for held in run.memory)
    own = max(held[1] for run in runs for held in run.memory)
    flat = statistics.median(flatness(run.memory) for run in runs)
    return (
        f"{name:22} {rate:7.1f} pages/s, {cost:5.2f} ms of processors a page, at most {most:.0f} MB ({own:.0f} its own,"
        f" last quarter {flat:.2f} times the second)"
    )


def by_processor(theirs: Run, ours: Run) -> float:
    """Return the ratio of rates on two processors with nothing else to do; the bare spider can use but one."""
    alone = max(theirs.processor, theirs.serving) / theirs.pages
    return alone / ((ours.processor + ours.serving) / ours.pages / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cleaners", type=int, default=default_workers())
    parser.add_argument("--json", type=Path, help="also write the rates to this file")
    options = parser.parse_args()
    pairs: list[tuple[Run, Run]] = []
    with compiled(), served(options.pages) as (port, server):
        for _ in range(options.rounds):
            load = os.getloadavg()[0]
            theirs = bare(port, server, options.pages)
            ours = whole(port, server, options.pages, options.cleaners)
            pairs.append((theirs, ours))
            print(
                f"bare {theirs.rate:.1f}/s, whole {ours.rate:.1f}/s: {ours.rate / theirs.rate:.2f} by the clock,"
                f" {by_processor(theirs, ours):.2f} by processors; load before {load:.1f}",
                file=sys.stderr,
                flush=True,
            )
    engines = {
        "bare Scrapy, fetching": [theirs for theirs, _ in pairs],
        "yuqi crawl, everything": [ours for _, ours in pairs],
    }
    for name, runs in engines.items():
        print(told(name, runs))
    clock = statistics.median(ours.rate / theirs.rate for theirs, ours in pairs)
    work = statistics.median(by_processor(theirs, ours) for theirs, ours in pairs)
    print(f"ratio, median of {len(pairs)}: {clock:.2f} by the clock, {work:.2f} by processors")
    if options.json:
        save(options.json, [
            Row("crawl", name, statistics.median(run.rate for run in runs), "pages/s by the clock",
                megabytes=max(held[0] for run in runs for held in run.memory))
            for name, runs in engines.items()
        ])  # fmt: skip


if __name__ == "__main__":
    main()
