"""Many fetches -> results, in order, over one process or several."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from cleaning.findings import Rejected
from corpus import archive
from corpus.records import Location

if TYPE_CHECKING:
    from cleaning.clean import Cleaned, Site
    from corpus.farms import Mark

CHUNK = 16
"""Tasks handed to a worker at a time: enough to make the hand-over cheap, few enough to keep all workers busy."""

RESULT_BYTES = 1 << 20
"""Results that may wait to be read: those of some 80 pages. Linux lets every user have pipes of that size."""

WINDOW = 512
"""Tasks that a pool holds at a time; it works on one window while the results of the one before are stored."""


@dataclass(frozen=True, slots=True)
class Task:
    """One registered fetch to derive."""

    seq: int
    id: str
    url: str
    site: str
    fetched_at: str
    location: Location


class Derived(NamedTuple):
    """What came of a task."""

    task: Task
    result: Cleaned | Rejected
    marks: tuple[Mark, ...] = ()


def spare_memory() -> None:
    """Keep this process and its children from loading what no derivation reads; for processes of our own.

    pypinyin loads a dictionary of phrases (45 MB, half a second) beside the readings that repair wants of it.
    """
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "true")


_worker_folder: Path
_worker_sites: Mapping[str, Site]


def _start_worker(folder: Path, sites: Mapping[str, Site]) -> None:
    """Give a worker process what all its tasks share, once."""
    global _worker_folder, _worker_sites  # a worker's whole state, set before its first task
    _worker_folder, _worker_sites = folder, sites
    spare_memory()


def _work(task: Task) -> Derived:
    return derive_one(_worker_folder, task, _worker_sites)


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
        self, folder: Path, sites: Mapping[str, Site], workers: int, *, start: Literal["spawn", "fork"] = "spawn"
    ) -> None:
        """Start `workers` processes; forked ones (`start`) share what this process has loaded."""
        self._folder = folder
        self._sites = sites
        # Not forked by default: of a process with SQLite and Twisted open that shares what it may not share.
        context = multiprocessing.get_context(start)
        self._pool = context.Pool(workers, _start_worker, (folder, sites)) if workers > 1 else None
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
            return self._pool.imap(_work, tasks, chunksize=CHUNK)
        return (derive_one(self._folder, task, self._sites) for task in tasks)


def derive_all(
    folder: Path, tasks: Iterable[Task], sites: Mapping[str, Site], *, workers: int = 1
) -> Iterator[Derived]:
    """Yield a result for every task, in the order of `tasks` whatever the number of workers.

    Tasks are drawn, and results kept, for two windows at most: memory doesn't grow with the corpus where storing is
    slower than deriving.
    """
    drawn = iter(tasks)
    window = list(islice(drawn, WINDOW))
    with Workers(folder, sites, workers if len(window) > CHUNK else 1) as pool:
        current: Iterator[Derived] = iter(())
        while window:
            current, before = pool.run(window), current
            yield from before
            window = list(islice(drawn, WINDOW))
        yield from current
