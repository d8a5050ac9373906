"""The process beside the crawl that makes documents of what is archived."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import orjson

from corpus.beside import BEGIN, FINISH, TOLD

STOP_SECONDS = 30.0
"""How long to wait for the process when the crawl ends; it gives itself less (`corpus.beside.GRACE_SECONDS`)."""

STALLED_SECONDS = 300.0
"""How long it may store nothing while it finishes: one of its workers was killed, and it waits for that for ever."""


def environment() -> dict[str, str]:
    """Return the environment in which a child process finds this project, wherever the caller found it."""
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    # OpenBLAS, which comes with NumPy, starts a thread for each processor; nothing here multiplies matrices.
    return {"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path}


def default_workers() -> int:
    """Return how many processes derive beside a crawl: one for each processor.

    Fetching goes first where it wants a processor; what it leaves is theirs, and all of them when it is done.
    """
    return os.cpu_count() or 1


class Cleaner:
    """Runs `corpus.beside` for a corpus, from `begin` on; `outcomes` counts what it has stored so far.

    The process loads from the start, which takes about as long as what else a crawl has to load: make this first.
    """

    def __init__(self, path: str | Path, workers: int) -> None:
        self.outcomes: Counter[str] = Counter()
        # It holds no end of its own stdin, so it ends with this process, however this process ends.
        self._child = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", "corpus.beside", os.fspath(path), str(workers), TOLD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        self._stored_at = time.monotonic()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.outcomes.update(orjson.loads(line))
            self._stored_at = time.monotonic()

    def begin(self) -> None:
        """Tell it that the corpus is there, and its sites declared."""
        self._say(BEGIN)

    def finish(self) -> None:
        """Tell it that nothing more comes: it ends when it has done what waits (`busy` says whether it has)."""
        self._stored_at = time.monotonic()
        self._say(FINISH)

    def _say(self, word: bytes) -> None:
        assert self._child.stdin is not None
        # Where it has come to grief, what it leaves is derived later.
        with suppress(BrokenPipeError):
            self._child.stdin.write(word + b"\n")
            self._child.stdin.flush()

    def busy(self) -> bool:
        """Return whether it is at work."""
        return self._child.poll() is None and time.monotonic() - self._stored_at < STALLED_SECONDS

    def stop(self) -> bool:
        """Let it store what it has begun, and wait for that; return whether all went well.

        What it leaves is derived later, from the archive.
        """
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):
            self._child.stdin.close()
        try:
            code = self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._listener.join()
        return code == 0
