"""Kills a worker in the middle of a Spark job and compares the result with the embedded path's.

    python -m benchmarks.spark_faults [PAGES] [STAGE ...]

A standalone master and two workers run on loopback; when the job comes to a stage (the folder that it writes), one worker
and its executor are killed (SIGKILL) and their local files deleted. The digests of all tables must be those of the
embedded path. Needs the extra `spark` and Java 17 or newer.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

from benchmarks.spark_pages import generated_fetches
from corpus import archive
from corpus.spark import job
from corpus.spark.digest import digests_of_corpus, digests_of_result
from corpus.spark.session import session
from corpus.store import Corpus

STAGES = ("_stage/given", "findings", "_stage/promising", "pairs")
"""Where a worker is killed: while pages are derived, tables written, candidates joined, pairs verified."""

START_SECONDS = 60
HOME = Path(pyspark.__file__).parent


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Hold a master and two workers; yield the master's URL and the workers, each the leader of its process group."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"spark://127.0.0.1:{port}"
    started = [_start(folder / "master", "master.Master", "--port", str(port))]
    try:
        _await_port(port)
        workers = [
            _start(folder / f"worker{number}", "worker.Worker", "--cores", "1", "--memory", "1g", url)
            for number in (1, 2)
        ]
        started += workers
        yield url, workers
    finally:
        for process in started:
            _kill(process)


def _start(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    ours = {"SPARK_LOCAL_DIRS": str(folder / "local"), "SPARK_WORKER_DIR": str(folder / "work")}
    environment = {**os.environ, **ours, "SPARK_DAEMON_MEMORY": "256m", "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [str(HOME / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*command, "--webui-port", "0", *arguments],
            stdout=log, stderr=log, env=environment, start_new_session=True,
        )  # fmt: skip


def _await_port(port: int) -> None:
    for _ in range(START_SECONDS * 5):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SystemExit("the master has not come up")


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run(folder: Path, source: Path, like: Path, kill_at: str) -> dict[str, str]:
    """Return the digests of a job during which a worker is killed at a stage."""
    out = folder / "out"
    with cluster(folder) as (url, workers):
        spark = session(
            url,
            {
                "spark.ui.enabled": "false", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
                "spark.driver.memory": "1g", "spark.executor.memory": "512m", "spark.executor.cores": "1",
                "spark.sql.shuffle.partitions": "4",
            },
        )  # fmt: skip
        killed = threading.Event()
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                if (out / kill_at / "_temporary").exists():
                    time.sleep(1)  # some tasks have begun, and their shuffle files are there
                    _kill(workers[0])
                    shutil.rmtree(folder / "worker1" / "local", ignore_errors=True)
                    killed.set()
                    return
                time.sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            job.clean(spark, [str(source)], str(out), job.Beforehand.of(like), partitions=8)
            job.deduplicate(spark, str(out))
            found = digests_of_result(spark, str(out))
        finally:
            done.set()
            watcher.join()
            spark.stop()
    if not killed.is_set():
        raise SystemExit(
            f"the job had gone through {kill_at} before the worker could be killed; give it more pages"
        )
    return found


def main() -> None:
    """Print one line for each kill."""
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    with tempfile.TemporaryDirectory(prefix="yuqi-faults-") as name:
        folder = Path(name)
        database = folder / "corpus.db"
        with Corpus(database, create=True) as corpus:
            for fetch in generated_fetches(pages):
                corpus.add_fetch(fetch)
            corpus.derive_pending()
            wanted = digests_of_corpus(corpus.connection)
        for number, stage in enumerate(sys.argv[2:] or STAGES):
            began = time.monotonic()
            found = run(folder / str(number), archive.folder_of(database), database, stage)
            wrong = [table for table in wanted if found[table] != wanted[table]]
            told = "the same result" if not wrong else f"DIFFERENT: {', '.join(wrong)}"
            print(
                f"a worker killed in {stage}: {told} ({pages} pages, {time.monotonic() - began:.0f} s)", flush=True
            )
            if wrong:
                raise SystemExit(1)


if __name__ == "__main__":
    main()
