"""Whether Spark gives the embedded path's rows: `python -m benchmarks.spark_same [PAGES] [--driver-pairs N]`.

Generates PAGES documents (50,000 unless said otherwise: articles, exact, edited and swapped copies, articles that hold
others), derives and deduplicates them once in a corpus and once on Spark in local mode, and compares the digests of the
sorted rows of every table: documents, findings, pairs, duplicates (each document's cluster and representative), clusters
and the rest. Prints a line for each table and the seconds that both paths took; exits 1 where a table differs. Needs
Linux, the extra `spark` and Java 17 or newer. 50,000 pages take some 3 GB of disk below $TMPDIR.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.spark_overhead import SETTINGS
from benchmarks.spark_pages import generated_fetches
from corpus import archive
from corpus.spark import components, job
from corpus.spark.digest import digests_of_corpus, digests_of_result
from corpus.spark.session import session
from corpus.store import Corpus


def embedded(database: Path, pages: int) -> dict[str, str]:
    """Make the corpus in this process; return the digests of its tables."""
    with Corpus(database, create=True) as corpus:
        for fetch in generated_fetches(pages):
            corpus.add_fetch(fetch)
        corpus.flush()
        began = time.monotonic()
        counts = corpus.derive_pending()
        print(f"embedded: {time.monotonic() - began:.0f} s by the clock on one processor, {counts}", flush=True)
        return digests_of_corpus(corpus.connection)


def on_spark(like: Path, out: Path, driver_pairs: int) -> dict[str, str]:
    """Make the same result of the same archive on Spark; return the digests of its tables."""
    cores = os.cpu_count() or 1
    spark = session(f"local[{cores}]", {**SETTINGS, "spark.driver.memory": "2g"})
    began = time.monotonic()
    counts = job.clean(
        spark, [str(archive.folder_of(like))], str(out), job.Beforehand.of(like), partitions=4 * cores
    )
    counts |= job.deduplicate(spark, str(out), driver_pairs=driver_pairs)
    # Workers come and go with their daemon, and what those took that are gone is in nobody's account: the clock it is.
    print(f"Spark: {time.monotonic() - began:.0f} s by the clock on {cores} processors, {counts}", flush=True)
    found = digests_of_result(spark, str(out))
    spark.stop()
    return found


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="?", type=int, default=50_000)
    parser.add_argument(
        "--driver-pairs", type=int, default=components.DRIVER_PAIRS, help="0 finds components on the workers"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yuqi-same-") as name:
        database = Path(name) / "corpus.db"
        wanted = embedded(database, asked.pages)
        found = on_spark(database, Path(name) / "out", asked.driver_pairs)
    for table, digest in wanted.items():
        print(f"{table:12} {digest} {'same' if found[table] == digest else 'DIFFERENT: ' + found[table]}")
    sys.exit(wanted != found)


if __name__ == "__main__":
    main()
