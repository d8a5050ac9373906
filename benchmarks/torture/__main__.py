"""`python -m benchmarks.torture`: every fault in turn, a line each; exit code 1 when something did not hold.

Seeded and bounded: 200 kills take some ten minutes on two processors. A full disk and a read-only one need root, to
mount a small file system in memory; without it their scenarios say that they were left out.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.torture.faults import FAULTS
from benchmarks.torture.kills import VICTIMS, kill_often
from benchmarks.torture.world import BrokenError, World, served


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.torture", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200, help="in all, shared by the commands that are killed")
    parser.add_argument("--pages", type=int, default=90, help="pages of the corpus")
    parser.add_argument("--only", help=f"some of: {','.join([*VICTIMS, *FAULTS])}")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else [*VICTIMS, *FAULTS]
    victims = [name for name in names if name in VICTIMS]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="yuqi-torture-") as folder, served() as hosts:
        world = World(Path(folder), options.pages, hosts)
        for number, name in enumerate(names):
            rng = random.Random(f"{options.seed}/{name}")
            began = time.monotonic()
            try:
                if name in VICTIMS:
                    share = options.kills // len(victims) + (number < options.kills % len(victims))
                    told = kill_often(world, VICTIMS[name], share, rng)
                else:
                    told = FAULTS[name](world, rng)
            except BrokenError as error:
                failed += 1
                told = f"BROKEN: {error}"
            print(f"{name:14} {told} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{len(names) - failed} of {len(names)} hold; seed {options.seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
