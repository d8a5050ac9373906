"""Deriving beside a crawl, in a process of its own: what is archived becomes documents while more is fetched.

    python -m corpus.beside DB [WORKERS]        (until its stdin ends; a line of JSON on stdout for every batch)

What waits is the table of fetches itself, and the bytes are read back from the archive: a crawl that is faster than its
cleaning makes the backlog longer, not the memory larger. Fetches are taken in the order in which they were registered, so
the corpus is the one that a rebuild makes. What is left when the crawl ends, or was left by a kill, `derive_pending` does.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import orjson

from corpus.derivation import Derived, Workers, spare_memory
from corpus.store import Corpus

BATCH = 64
"""Fetches stored in one transaction, for each worker: the crawl waits for the database no longer than one takes."""

IDLE_SECONDS = 0.1
"""How long to wait for more when nothing is pending."""

NICENESS = 5
"""Fetching goes first where there are fewer processors than processes."""

GRACE_SECONDS = 10.0
"""How long the page in hand may still take, and its batch be stored, after the end."""

Report = Callable[[Mapping[str, int]], None]


def follow(path: Path, *, workers: int, ended: threading.Event, report: Report) -> None:
    """Derive what is registered in the corpus at `path`, and what comes, until `ended` is set.

    `report` gets what each batch gave, by `documents`, `rejections`, `unchanged` and `taken down`. Raises CorpusError
    when the corpus can't be opened.
    """
    with Corpus(path) as corpus, Workers(corpus.folder, corpus.sites(), workers) as pool:
        # One batch ahead: a pool works on the next while this process stores the last.
        ahead: Iterator[Derived] = iter(())
        last = 0
        while not ended.is_set():
            tasks = corpus.pending(last, BATCH * workers)
            last = tasks[-1].seq if tasks else last
            current, ahead = ahead, pool.run(tasks)
            if batch := list(_until(ended, current)):
                report(corpus.store(batch))
            elif not tasks:
                ended.wait(IDLE_SECONDS)


def _until(ended: threading.Event, results: Iterator[Derived]) -> Iterator[Derived]:
    """Yield results until `ended` is set: the others stay pending."""
    for result in results:
        yield result
        if ended.is_set():
            return


def main(arguments: list[str]) -> int:
    """Run until stdin ends: its writer has ended, or was killed."""
    # Ctrl-C goes to every process of a terminal; the crawl decides when this one has done enough.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    spare_memory()
    ended = threading.Event()
    threading.Thread(target=_watch, args=(ended,), daemon=True).start()
    follow(Path(arguments[0]), workers=int(arguments[1]), ended=ended, report=_tell)
    return 0


def _watch(ended: threading.Event) -> None:
    while os.read(0, 4096):
        continue
    ended.set()
    # A hostile page may take long; whatever is cut off here is as it was after the last transaction.
    time.sleep(GRACE_SECONDS)
    os._exit(0)


def _tell(counts: Mapping[str, int]) -> None:
    # Whoever listened may be gone; the documents are stored all the same.
    try:
        os.write(1, orjson.dumps(counts) + b"\n")
    except BrokenPipeError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
