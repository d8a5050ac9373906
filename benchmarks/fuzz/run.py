"""Executions: one input at a time within a limit of processor time, finds made small, and a tally that adds up."""

from __future__ import annotations

import hashlib
import json
import random
import resource
import signal
import time
import traceback
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.fuzz.mutate import mutated, shrunk
from benchmarks.fuzz.targets import Target, first_inputs

LIMIT_SECONDS = 5.0
"""Of processor time for one input of at most 64 KB: more is a find."""

LIMIT_BYTES = 6 << 30
"""Of address space: what asks for more gets a MemoryError, which is a find."""

POOL = 2000
"""Inputs kept for further changes; a new one takes the place of one by chance."""


class TooSlowError(Exception):
    """One input took more than LIMIT_SECONDS of processor time."""


@dataclass(frozen=True, slots=True)
class Find:
    """An input that a target failed on, made as small as it would get, and where it failed."""

    target: str
    data: bytes
    error: str
    place: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What a while with one target came to; `accounts` is how many ways of going it has shown."""

    executions: int
    seconds: float
    accounts: int
    finds: tuple[Find, ...]


def bound_memory() -> None:
    """Keep this process from taking the machine's memory."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))


def _stop(_: int, __: FrameType | None) -> None:
    raise TooSlowError("more than its limit of processor time")


def execute(target: Target, data: bytes, limit: float = LIMIT_SECONDS) -> Hashable | Find:
    """Return the account that a target gives of an input, or the find: also after `limit` seconds of processor time."""
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    try:
        return target.run(data)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  # whatever a target raises is what is looked for, a library's panic too
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if "benchmarks" not in frame.filename
        ]
        place = f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "the target itself"
        return Find(target.name, data, f"{type(error).__name__}: {str(error)[:120]}", place)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def try_target(target: Target, *, seconds: float, rng: random.Random, most: int | None = None) -> Tried:
    """Run changed inputs for some seconds of processor time, or `most` of them; finds of one place count once."""
    pool = first_inputs(target, rng)
    accounts: set[Hashable] = set()
    finds: dict[tuple[str, str], Find] = {}
    executions = 0
    start = time.process_time()
    for data in pool:
        executions += 1
        _note(target, data, execute(target, data), accounts, finds)
    while (time.process_time() - start < seconds) if most is None else executions < most:
        data = mutated(pool[rng.randrange(len(pool))], pool, target.words, rng)
        executions += 1
        if _note(target, data, execute(target, data), accounts, finds):
            if len(pool) < POOL:
                pool.append(data)
            else:
                pool[rng.randrange(POOL)] = data
    return Tried(executions, time.process_time() - start, len(accounts), tuple(finds.values()))


def _note(
    target: Target,
    data: bytes,
    came: Hashable | Find,
    accounts: set[Hashable],
    finds: dict[tuple[str, str], Find],
) -> bool:
    """Keep what an execution came to; return whether its account is new."""
    if isinstance(came, Find):
        kind = (came.error.partition(":")[0], came.place)
        if kind not in finds:
            finds[kind] = _small(target, came)
        return False
    if came in accounts:
        return False
    accounts.add(came)
    return True


def _small(target: Target, find: Find) -> Find:
    def fails(data: bytes) -> bool:
        other = execute(target, data)
        return isinstance(other, Find) and (other.error.partition(":")[0], other.place) == (
            find.error.partition(":")[0], find.place)  # fmt: skip

    data = shrunk(find.data, fails, tries=40 if find.error.startswith("TooSlowError") else 400)
    again = execute(target, data)
    return again if isinstance(again, Find) else find


def keep_find(find: Find, folder: Path) -> Path:
    """Write a find where it can be run again (`--again FILE`); return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(find.data, digest_size=6).hexdigest()
    path = folder / f"{find.target}-{digest}.json"
    told = {"target": find.target, "data": find.data.decode("latin-1"), "error": find.error, "place": find.place}
    path.write_text(json.dumps(told, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")
    return path


def add_to_tally(path: Path, seed: int, tried: dict[str, Tried]) -> dict[str, int]:
    """Add a run to the tally and return executions by target over all runs it holds."""
    tally: dict[str, Any] = {"runs": 0, "executions": {}}
    if path.exists():
        tally = json.loads(path.read_text(encoding="utf-8"))
    counted: dict[str, int] = tally["executions"]
    for name, done in tried.items():
        counted[name] = counted.get(name, 0) + done.executions
    tally = {"runs": tally["runs"] + 1, "last seed": seed, "executions": counted}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(tally, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    beside.replace(path)
    return counted


def runs_so_far(path: Path) -> int:
    """Return how many runs a tally holds: the next run's seed where none is given, so that none repeats another."""
    return int(json.loads(path.read_text(encoding="utf-8"))["runs"]) if path.exists() else 0
