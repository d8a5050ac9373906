"""Growth: an input doubled may take about twice the time, whatever it is made of."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.fuzz.run import Find, execute
from benchmarks.fuzz.targets import Target

MOST_RATIO = 2.2
SIZES = (1 << 13, 1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18)
ENOUGH_SECONDS = 0.03
"""A size is measured from where it takes this long: below, a clock's steps and caches decide."""

MANY_SECONDS = 4.0
"""No larger size is tried once one takes this long."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How the time grew with an input made of `unit`: seconds by size, and how many times it took for the last doubling.

    An earlier step, where a bound takes hold or a table no longer fits a cache, is no growth.
    """

    target: str
    unit: bytes
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    ratio: float


def growths(target: Target, rng: random.Random, *, joined: int) -> Iterator[Growth | Find]:
    """Yield the growth of each of a target's units, and of `joined` units made of two or three of them."""
    units = list(target.units)
    if units:
        units += [b"".join(rng.choices(target.units, k=rng.randrange(2, 4))) for _ in range(joined)]
    for unit in units:
        yield growth(target, unit)


def growth(target: Target, unit: bytes) -> Growth | Find:
    """Return how a target's time grows with an input made of one unit; a suspicion is measured again, the best counts."""
    sizes: list[int] = []
    seconds: list[float] = []
    for size in SIZES:
        took = _seconds(target, _made_of(unit, size))
        if isinstance(took, Find):
            return took
        if took >= ENOUGH_SECONDS:
            sizes.append(size)
            seconds.append(took)
        if took > MANY_SECONDS:
            break
    ratio = _ratio(seconds)
    for _ in range(3):
        if ratio <= MOST_RATIO:
            break
        again = [_seconds(target, _made_of(unit, size)) for size in sizes]
        ratio = min(ratio, _ratio([took for took in again if not isinstance(took, Find)]))
    return Growth(target.name, unit, tuple(sizes), tuple(seconds), ratio)


def _made_of(unit: bytes, size: int) -> bytes:
    """Return as many whole units as `size` holds: a torn last one may say by itself that all of them are damage."""
    return unit * max(1, size // len(unit))


def _ratio(seconds: list[float]) -> float:
    return seconds[-1] / seconds[-2] if len(seconds) > 1 else 0.0


def _seconds(target: Target, data: bytes) -> float | Find:
    start = time.process_time()
    came = execute(target, data, limit=10 * MANY_SECONDS)
    took = time.process_time() - start
    return came if isinstance(came, Find) else took
