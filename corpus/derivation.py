"""Many fetches -> results, in order, over one process or several."""

from __future__ import annotations

import fcntl
import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from cleaning.findings import Rejected
from corpus import archive
from corpus.records import Task

if TYPE_CHECKING:
    from cleaning.clean import Cleaned, Site
    from corpus.article import Article
    from corpus.farms import Mark

CHUNK = 16
"""Tasks handed to a worker at a time: enough to make the hand-over cheap, few enough to keep all workers busy."""

RESULT_BYTES = 1 << 20
"""Results that may wait to be read: those of some 80 pages. Linux lets every user have pipes of that size."""

WINDOW = 512
"""Tasks that a pool holds at a time; it works on one window while the results of the one before are stored."""


class Derived(NamedTuple):
    """What came of a task: its article, as cleaned or as rows, or why there is none."""

    task: Task
    result: Cleaned | Article | Rejected
    marks: tuple[Mark, ...] = ()


def spare_memory() -> None:
    """Keep this process and its children from loading what no derivation reads; for processes of our own.

    pypinyin loads a dictionary of phrases (45 MB, half a second) beside the readings that repair wants of it.
    """
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")


_worker_folder: Path
_worker_sites: Mapping[str, Site]


_worker_rows: bool


def _start_worker(folder: Path, sites: Mapping[str, Site], rows: bool) -> None:
    """Give a worker process what all its tasks share, once."""
    global _worker_folder, _worker_sites, _worker_rows  # a worker's whole state, set before its first task
    _worker_folder, _worker_sites, _worker_rows = folder, sites, rows
    spare_memory()
    # A collection would write into all that a forked process shares, and so make a copy of it.
    gc.freeze()


def _work(tasks: Sequence[Task]) -> list[tuple[Cleaned | Article | Rejected, tuple[Mark, ...]]]:
    """Return what came of tasks, without them: who asked has them."""
    found = [derive_one(_worker_folder, task, _worker_sites) for task in tasks]
    return [(item.result, item.marks) for item in (as_rows(found) if _worker_rows else found)]


def as_rows(found: Sequence[Derived]) -> list[Derived]:
    """Return `found` with all articles among them as rows."""
    from corpus.article import Article, articles

    cleaned = [(item.task, item.result) for item in found if not isinstance(item.result, Article | Rejected)]
    made = iter(articles(cleaned))
    return [
        item if isinstance(item.result, Article | Rejected) else item._replace(result=next(made)) for item in found
    ]


def derive_one(folder: Path, task: Task, sites: Mapping[str, Site]) -> Derived:
    """Read a task's record and derive it; a record that can't be read back is a rejection."""
    # Here, as cleaning takes half a second to import: a crawl's own process and most commands derive nothing.
    from corpus.derive import derive

    try:
        fetch = archive.read(folder, task.location)
    except archive.ArchiveError as error:
        return Derived(task, Rejected("archive", str(error)))
    return Derived(task, *derive(fetch, sites.get(task.site)))


def _widen(pool: Any) -> None:  # noqa: ANN401  # multiprocessing doesn't type what is its own
    """Let workers put down what they have derived and go on, where the system can do that.

    A pipe holds 64 KB, a third of what one hands over, and who stores reads it between two moments of storing.
    """
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # More than the system allows a user is refused, and nothing depends on it.
        with suppress(OSError):
            fcntl.fcntl(pool._outqueue._writer.fileno(), fcntl.F_SETPIPE_SZ, RESULT_BYTES)


class Workers:
    """Processes that derive, for as long as the context lasts; a single worker is the caller's own process."""

    def __init__(
        self,
        folder: Path,
        sites: Mapping[str, Site],
        workers: int,
        *,
        start: Literal["spawn", "fork"] = "spawn",
        rows: bool = True,
    ) -> None:
        """Start `workers` processes; forked ones (`start`) share what this process has loaded.

        With `rows` they give articles as rows, which is less to hand over, and less to do for the process that stores.
        """
        self._folder = folder
        self._sites = sites
        # Not forked by default: of a process with SQLite and Twisted open that shares what it may not share.
        context = multiprocessing.get_context(start)
        self._pool = context.Pool(workers, _start_worker, (folder, sites, rows)) if workers > 1 else None
        if self._pool is not None:
            _widen(self._pool)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.terminate()

    def run(self, tasks: Sequence[Task]) -> Iterator[Derived]:
        """Return a result for every task, in the order of `tasks`.

        A pool begins at once and holds all of `tasks`; a single worker derives as its results are asked for.
        """
        if self._pool is not None:
            chunks = [tasks[first : first + CHUNK] for first in range(0, len(tasks), CHUNK)]
            found = chain.from_iterable(self._pool.imap(_work, chunks))
            return (Derived(task, *given) for task, given in zip(tasks, found, strict=True))
        return (derive_one(self._folder, task, self._sites) for task in tasks)


def _start() -> Literal["spawn", "fork"]:
    """Return how workers of this process may begin, and load what forked ones share.

    Two that load for themselves take as long as some hundred pages each. A fork is a copy of one thread alone, so there must
    be no other; what workers inherit of a corpus that is open they neither use nor close: they end without any clearing up.
    """
    if sys.platform != "linux" or threading.active_count() > 1 or "twisted.internet.reactor" in sys.modules:
        return "spawn"
    spare_memory()
    from corpus.loading import load

    load()
    return "fork"


def derive_all(
    folder: Path, tasks: Iterable[Task], sites: Mapping[str, Site], *, workers: int = 1, rows: bool = False
) -> Iterator[Derived]:
    """Yield a result for every task, in the order of `tasks` whatever the number of workers.

    With `rows` workers other than this process give articles as rows (`corpus.article`), which are for storing alone.

    Tasks are drawn, and results kept, for two windows at most: memory doesn't grow with the corpus where storing is
    slower than deriving.
    """
    drawn = iter(tasks)
    window = list(islice(drawn, WINDOW))
    several = workers if len(window) > CHUNK else 1
    with Workers(folder, sites, several, start=_start() if several > 1 else "spawn", rows=rows) as pool:
        current: Iterator[Derived] = iter(())
        while window:
            current, before = pool.run(window), current
            yield from before
            window = list(islice(drawn, WINDOW))
        yield from current
