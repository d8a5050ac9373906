"""Duplicates of many signatures on Spark in local mode: `python -m benchmarks.spark_signatures [NUMBER] [--driver-pairs N]`.

NUMBER (1,000,000 unless said otherwise) simulated contents have 21 bands and 15 anchors, as articles of 1,000 characters
do. One in three copies most keys of another, one anchor stands in every content (a notice that everybody carries), two in
every content of its site of 1,000. Buckets, candidates, the sieve by keys, components and clusters run as in the job; as
there are no texts, what the sieve leaves counts as near. Prints, for each stage, rows and processor time, and the most
memory that the JVM and its Python workers had together. Needs Linux, the extra `spark` and Java 17 or newer.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation calls it

from benchmarks.spark_overhead import SETTINGS, below, spent
from corpus import fingerprint
from corpus.spark import components, dedup
from corpus.spark.session import session
from corpus.spark.snapshot import Snapshot

SEED = 20241013
ANCHORS = 1000 // fingerprint.ANCHOR_RATE
SITE = 1000
COPIES = 1 / 3
BAND_KEPT, ANCHOR_KEPT = 0.73, 0.95
"""How many of its original's bands and anchors a copy of Jaccard .95 keeps: .95**6 and .95."""

CHUNK = 50_000
PAGE = os.sysconf("SC_PAGE_SIZE")


def simulate(folder: Path, number: int) -> None:
    """Write the keys of `number` documents, of one content each, as `corpus.spark.dedup.keyed` does."""
    folder.mkdir()
    numbers = np.random.default_rng(SEED)
    for first in range(0, number, CHUNK):
        size = min(CHUNK, number - first)
        keys = numbers.integers(-(2**63), 2**63 - 1, (size, fingerprint.BANDS + ANCHORS))
        sites = (first + np.arange(size)) // SITE
        keys[:, -3:] = np.stack([sites * 2, sites * 2 + 1, np.full(size, -1)], axis=1)
        copies = np.flatnonzero(numbers.random(size) < COPIES)
        copies = copies[copies > 0]
        originals = (numbers.random(len(copies)) * copies).astype(np.int64)
        kept = numbers.random((len(copies), keys.shape[1] - 3))
        keep = kept < np.where(np.arange(kept.shape[1]) < fingerprint.BANDS, BAND_KEPT, ANCHOR_KEPT)
        for copy, original, which in zip(copies, originals, keep):
            keys[copy, :-3][which] = keys[original, :-3][which]
        names = [f"{index:032x}" for index in range(first, first + size)]
        nodes = numbers.integers(-(2**63), 2**63 - 1, size)
        rows = [names, nodes, ["2024-10-13"] * size, names, [1000] * size, list(keys)]
        pq.write_table(pa.table(rows, dedup.KEYED), folder / f"{first:09d}.parquet")


def held() -> int:
    """Return the bytes of memory that the processes below this one have: their own, and shared ones for each."""
    found = 0
    for process in below():
        try:
            found += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@contextmanager
def watched() -> Iterator[list[int]]:
    """Hold a list of one number: the most memory held so far."""
    most = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            most[0] = max(most[0], held())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        done.set()
        watcher.join()


def run(snapshot: Snapshot, driver_pairs: int) -> None:
    """Run the stages, printing a line for each."""

    def stage(name: str, frame: DataFrame) -> DataFrame:
        before, began = sum(spent()), time.process_time()
        written = snapshot.write(name, frame)
        took = sum(spent()) - before + time.process_time() - began
        print(f"{name:10} {written.count():12,} rows {took:7.0f} s of processor time", flush=True)
        return written

    keys = snapshot.read("keys")
    contents = stage("contents", dedup.contents_of(keys))
    shared = stage("shared", dedup.shared_keys(contents))
    candidates = stage("candidates", dedup.candidates(shared))
    promising = stage("promising", dedup.promising(candidates, shared, contents))
    near = promising.select(
        "a", "b", F.lit("near").alias("kind"), F.lit(0.9).alias("similarity"), F.lit(True).alias("near"),
        F.lit(False).alias("template"), F.lit(None).cast("long").alias("embedded"),
    )  # fmt: skip
    pairs = stage("pairs", near)
    hulls = stage("hulls", dedup.hulls(pairs, snapshot, driver_pairs))
    arranged = stage("arranged", dedup.arranged(keys, pairs, hulls))
    print(f"{'clusters':10} {dedup.clusters(arranged).count():12,}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("number", nargs="?", type=int, default=1_000_000)
    parser.add_argument(
        "--driver-pairs", type=int, default=components.DRIVER_PAIRS, help="0 finds components on the workers"
    )
    parser.add_argument("--memory", default="2g", help="of the JVM, as spark.driver.memory  [default: 2g]")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yuqi-signatures-") as name:
        simulate(Path(name) / "keys", asked.number)
        (Path(name) / "keys" / "_SUCCESS").touch()
        local = {
            "spark.local.dir": name,
            "spark.driver.memory": asked.memory,
            "spark.sql.shuffle.partitions": "32",
        }
        spark = session(f"local[{os.cpu_count()}]", {**SETTINGS, **local})
        with watched() as most:
            run(Snapshot(spark, name), asked.driver_pairs)
        spark.stop()
    print(f"most memory held by the JVM and its workers: {most[0] / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
