"""Rows of which one may end its worker: met again, each is worked on in a process of its own, and only that one is lost.

A page that makes a library fault, or takes memory or time without end where Python can't stop it, ends its worker; Spark
runs the task again, a few times, and then fails the job. So a task that is run again trusts no row: a child process takes
it, and one that dies is a rejection. The first time all rows share the worker, as nearly always nothing happens.
"""

from __future__ import annotations

import math
import os
import pickle
import resource
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, NoReturn

from pyspark import TaskContext

from corpus.spark.rows import Row

HARD_LIMIT = 2
"""How many times its processor time a row may take before the kernel ends its process: it should long have ended itself."""

CLOCK_LIMIT = 20
"""The same by the clock, for a process that waits for what never comes, on a machine that may be busy."""

_PIECE = 1 << 16


class Died(NamedTuple):
    """A process that gave nothing, and how it ended."""

    how: str


def each(
    rows: Iterable[Row], work: Callable[[Row], Row], lost: Callable[[Row, str], Row], seconds: float
) -> Iterator[Row]:
    """Yield what `work` makes of each row, and what `lost` makes of one that ends its process (and of how it ended).

    `seconds` is the processor time that `work` keeps to where it can.
    """
    context = TaskContext.get()
    again = context is not None and context.attemptNumber() > 0
    for row in rows:
        if again:
            found = in_a_process(work, row, seconds)
            yield lost(row, found.how) if isinstance(found, Died) else found
        else:
            with _limited(seconds):
                made = work(row)
            yield made


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Have the kernel end this process when the block takes much more than `seconds`; the task then runs again."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    before, most = resource.getrlimit(resource.RLIMIT_CPU)
    end = math.ceil(used.ru_utime + used.ru_stime + HARD_LIMIT * seconds) + 1
    allowed = min([end, *(limit for limit in (before, most) if limit != resource.RLIM_INFINITY)])
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (before, most))


def in_a_process(work: Callable[[Row], Row], row: Row, seconds: float) -> Row | Died:
    """Return what `work` makes of `row` in a child process, or how that ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work_and_exit(work, row, writer, seconds)
    os.close(writer)
    told = _read(reader, CLOCK_LIMIT * seconds)
    os.close(reader)
    os.kill(child, signal.SIGKILL)  # it has said all that it will, or it hangs
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if told:
        found: Row | Died = pickle.loads(told)  # noqa: S301  # of our own child
        return found
    how = f"it was ended by signal {-status} ({signal.strsignal(-status)})" if status < 0 else f"exit {status}"
    return Died(how)


def _work_and_exit(work: Callable[[Row], Row], row: Row, writer: int, seconds: float) -> NoReturn:
    found: Row | Died
    try:
        with _limited(seconds):
            found = work(row)
    except BaseException as error:  # noqa: BLE001  # this process ends here, and the other one tells of it
        found = Died(f"{type(error).__name__}: {error}")
    told = pickle.dumps(found)
    for at in range(0, len(told), _PIECE):
        os.write(writer, told[at : at + _PIECE])
    os._exit(0)


def _read(reader: int, seconds: float) -> bytes:
    """Return what comes until the other end is closed; nothing where that takes longer than `seconds`."""
    ends = time.monotonic() + seconds
    pieces: list[bytes] = []
    while select.select([reader], [], [], max(0.0, ends - time.monotonic()))[0]:
        piece = os.read(reader, _PIECE)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
    return b""
