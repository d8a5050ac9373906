"""The process beside the crawl that makes documents of what is archived."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import orjson

STOP_SECONDS = 30.0
"""How long to wait for the process when the crawl ends; it gives itself less (`corpus.beside.GRACE_SECONDS`)."""


def environment() -> dict[str, str]:
    """Return the environment in which a child process finds this project, wherever the caller found it."""
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, "PYTHONPATH": path}


def default_workers() -> int:
    """Return how many processes derive beside a crawl: all processors but the one that fetches."""
    return max(1, (os.cpu_count() or 1) - 1)


class Cleaner:
    """Runs `corpus.beside` for a corpus; `outcomes` counts what it has stored so far."""

    def __init__(self, path: str | Path, workers: int) -> None:
        self.outcomes: Counter[str] = Counter()
        # It holds no end of its own stdin, so it ends with this process, however this process ends.
        self._child = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", "corpus.beside", os.fspath(path), str(workers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.outcomes.update(orjson.loads(line))

    def stop(self) -> bool:
        """Let it store what it has begun, and wait for that; return whether all went well.

        What it leaves is derived later, from the archive.
        """
        assert self._child.stdin is not None
        self._child.stdin.close()
        try:
            code = self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._listener.join()
        return code == 0
