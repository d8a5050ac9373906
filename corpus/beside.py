"""Deriving beside a crawl, in processes of its own: what is archived becomes documents while more is fetched.

    python -m corpus.beside DB WORKERS [told]        (a line of JSON on stdout for every batch)

What waits is the table of fetches itself, and the bytes are read back from the archive: a crawl that is faster than its
cleaning makes the backlog longer, not the memory larger. Fetches are taken in the order in which they were registered, so
the corpus is the one that a rebuild makes.

It goes on until its stdin ends, and then stops with the page in hand; what it leaves, or was left by a kill,
`derive_pending` does. The line `finish` on stdin says that nothing more comes: it ends when nothing waits. With `told` it
loads at once, which takes a second, and looks at the corpus only after the line `begin`: a crawl starts it first of all, to
load while the crawl does, before there is a corpus to look at.

One process stores. Workers that derive are forked from it when it has loaded all that a page needs, which takes as long
as some hundred pages do, and much memory that they share.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

# What works is imported where it is used: the crawl imports this module for the words that it says to the process.
if TYPE_CHECKING:
    from corpus.derivation import Derived

BATCH = 256
"""Fetches stored in one transaction, for each worker: the crawl waits for the database no longer than one takes.

Search's index is merged at the end of each transaction, so a page takes less in larger ones.
"""

AHEAD = 3
"""Batches that the pool may hold: while one is stored its workers never wait for the next."""

IDLE_SECONDS = 0.1
"""How long to wait for more when nothing is pending."""

NICENESS = 5
"""Fetching goes first where there are fewer processors than processes."""

GRACE_SECONDS = 10.0
"""How long the page in hand may still take, and its batch be stored, after the end."""

MAPPED_BYTES = 64 << 20
"""Bytes of the database mapped into memory. Pages that were looked at count as this process's: with all of the file
mapped, what it holds would grow with the corpus."""

BEGIN = b"begin"
FINISH = b"finish"
TOLD = "told"
"""The argument with which the process waits for `BEGIN`."""

Report = Callable[[Mapping[str, int]], None]


class Ending:
    """How the work is to end: `now` with the page in hand, `in_time` when nothing waits.

    With `source`, a file descriptor, `listen` has what is read there say so, and `begun` whether to work at all.
    """

    def __init__(self, source: int | None = None) -> None:
        self.now = threading.Event()
        self.in_time = threading.Event()
        self._source = source

    def begun(self) -> bool:
        """Wait until the source says that there is work; return False if it ends before."""
        assert self._source is not None
        said = b""
        while BEGIN not in said:
            more = os.read(self._source, 4096)
            if not more:
                return False
            said += more
        if FINISH in said:
            self.in_time.set()
        return True

    def listen(self) -> None:
        """Begin to read the source, if there is one, in a thread of its own."""
        if self._source is not None:
            threading.Thread(target=self._read, args=(self._source,), daemon=True).start()

    def _read(self, source: int) -> None:
        while said := os.read(source, 4096):
            if FINISH in said:
                self.in_time.set()
        self.now.set()
        # A hostile page may take long; whatever is cut off here is as it was after the last transaction.
        time.sleep(GRACE_SECONDS)
        os._exit(0)


def follow(path: Path, *, workers: int, ending: Ending, report: Report) -> None:
    """Derive what is registered in the corpus at `path`, and what comes, until `ending` says that it is enough.

    `report` gets what each batch gave, by `documents`, `rejections`, `unchanged` and `taken down`. Raises CorpusError
    when the corpus can't be opened.
    """
    from corpus.derivation import Workers
    from corpus.store import Corpus

    with Corpus(path) as corpus:
        folder, sites = corpus.folder, corpus.sites()
    # Forked before the corpus is opened for good and before there are threads: neither may be shared.
    with Workers(folder, sites, workers, start="fork") as pool, Corpus(path) as corpus:
        ending.listen()
        corpus.connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        ahead: deque[Iterator[Derived]] = deque()
        last = 0
        while not ending.now.is_set():
            # Asked before the table is read: what was registered before that word is among the tasks.
            complete = ending.in_time.is_set()
            while len(ahead) < AHEAD and (tasks := corpus.pending(last, BATCH * workers)):
                last = tasks[-1].seq
                ahead.append(pool.run(tasks))
            if ahead:
                if batch := list(_until(ending.now, ahead.popleft())):
                    report(corpus.store(batch))
            else:
                if complete:
                    return
                ending.now.wait(IDLE_SECONDS)


def _until(ended: threading.Event, results: Iterator[Derived]) -> Iterator[Derived]:
    """Yield results until `ended` is set: the others stay pending."""
    for result in results:
        yield result
        if ended.is_set():
            return


def main(arguments: list[str]) -> int:
    """Run until stdin ends (its writer has ended, or was killed), or says that nothing more comes."""
    # Ctrl-C goes to every process of a terminal; the crawl decides when this one has done enough.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    from corpus.derivation import spare_memory

    spare_memory()
    from corpus.loading import load

    load()
    ending = Ending(0)
    if TOLD not in arguments or ending.begun():
        follow(Path(arguments[0]), workers=int(arguments[1]), ending=ending, report=_tell)
    return 0


def _tell(counts: Mapping[str, int]) -> None:
    import orjson

    # Whoever listened may be gone; the documents are stored all the same.
    try:
        os.write(1, orjson.dumps(counts) + b"\n")
    except BrokenPipeError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
