"""Processor time of a page, embedded and on Spark, in one run: `python -m benchmarks.spark_overhead [PAGES]`.

Both read the same archive (the demo's pages and generated ones). Embedded: reading and deriving alone in this process, and
the whole of `rebuild`. Spark: all that the Python workers took for the stage that derives, and the JVM beside them, both
from the kernel's own accounts. Needs Linux, the extra `spark` and Java 17 or newer.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.spark_pages import generated_fetches
from corpus import archive
from corpus.derivation import derive_all, spare_memory
from corpus.records import Fetch
from corpus.spark import derive, job
from corpus.spark.golden import check_executors, golden_digest
from corpus.spark.reading import read_inputs
from corpus.spark.session import session
from corpus.store import Corpus
from demo.site import build

WHEN = datetime(2024, 10, 13, tzinfo=UTC)
TICKS = os.sysconf("SC_CLK_TCK")
FIRST, LAST = 11, 15
"""utime, stime, cutime and cstime in /proc/PID/stat, counted behind the command's name (see proc(5))."""

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
}
"""Of a session on this machine alone."""


class Spent(NamedTuple):
    """Processor seconds of this process' children: Python workers, and the JVM."""

    python: float
    jvm: float


def processes() -> Iterator[tuple[int, str, list[str]]]:
    """Yield every process of the machine: its number, its command's name, and what /proc/PID/stat says behind that."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name, _, rest = told.partition("(")[2].rpartition(")")
        yield int(folder.name), name, rest.split()


def below() -> set[int]:
    """Return the processes that this one has started, and those that they have."""
    parents = {process: int(values[1]) for process, _, values in processes()}
    found = {os.getpid()}
    while more := {process for process, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


def spent() -> Spent:
    """Return what the processes below this one have taken so far, ended ones included."""
    ours = below()
    taken = [
        (name, sum(map(int, values[FIRST:LAST])) / TICKS)
        for process, name, values in processes()
        if process in ours
    ]
    return Spent(
        sum(seconds for name, seconds in taken if "python" in name),
        sum(seconds for name, seconds in taken if "java" in name),
    )


def main() -> None:
    """Print the figures, processor milliseconds a page."""
    spare_memory()
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    with tempfile.TemporaryDirectory(prefix="yuqi-overhead-") as name:
        database = Path(name) / "corpus.db"
        with Corpus(database, create=True) as corpus:
            for url, response in build().responses.items():
                corpus.add_fetch(
                    Fetch(url, WHEN, response.body, "response", response.status, tuple(response.headers))
                )
            for fetch in generated_fetches(number):
                corpus.add_fetch(fetch)
            corpus.flush()
            tasks = list(corpus.tasks())
            list(derive_all(corpus.folder, tasks[:50], corpus.sites()))  # what is loaded once
            began = time.process_time()
            list(derive_all(corpus.folder, tasks, corpus.sites()))
            derived = time.process_time() - began
            began = time.process_time()
            corpus.rebuild()
            rebuilt = time.process_time() - began
        python, jvm = _on_spark(archive.folder_of(database), Path(name) / "out")
    pages = len(tasks)
    for told, seconds in (("embedded: read and derive", derived), ("embedded: rebuild", rebuilt),
                          ("Spark: Python workers", python), ("Spark: JVM", jvm)):  # fmt: skip
        print(
            f"{told:28} {1000 * seconds / pages:7.2f} ms a page  {seconds / derived:5.2f} of deriving", flush=True
        )


def _on_spark(source: Path, out: Path) -> Spent:
    spark = session("local[2]", SETTINGS)
    golden = golden_digest()
    check_executors(spark, golden)  # and so the workers have loaded all that they need
    before = spent()
    knowledge = derive.Knowledge(golden, job.Beforehand.of(None).salt)
    derive.given_by(read_inputs(spark, [str(source)], partitions=4), knowledge).write.parquet(str(out))
    after = spent()
    spark.stop()
    return Spent(after.python - before.python, after.jvm - before.jvm)


if __name__ == "__main__":
    main()
