"""`python -m benchmarks.fuzz`: hostile input into every reader, for a while, counted.

Prints a line a target; finds are written to a folder, and the exit code is 1 when there is one. A tally beside them
adds up what several runs have executed.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from benchmarks.fuzz import linear, run
from benchmarks.fuzz.targets import TARGETS

FOLDER = Path(tempfile.gettempdir()) / "yuqi-fuzz"


def main() -> int:
    """Return the exit code."""
    options = _options()
    if options.again:
        return _again(options.again)
    run.bound_memory()
    names = options.only.split(",") if options.only else list(TARGETS)
    tally = options.folder / "tally.json"
    seed = run.runs_so_far(tally) if options.seed is None else options.seed
    print(f"seed {seed}, {options.seconds:.0f} s of processor time in all", flush=True)
    failed = _linear(names, seed, options.joined) if options.linear else _fuzz(names, seed, options, tally)
    return 1 if failed else 0


def _fuzz(names: list[str], seed: int, options: argparse.Namespace, tally: Path) -> bool:
    tried = {}
    print(f"{'target':10} {'executions':>10} {'a second':>9} {'accounts':>8}  finds", flush=True)
    for name in names:
        rng = random.Random(f"{seed}/{name}")
        done = run.try_target(TARGETS[name], seconds=options.seconds / len(names), rng=rng)
        tried[name] = done
        rate = done.executions / max(done.seconds, 1e-9)
        print(f"{name:10} {done.executions:10,} {rate:9,.0f} {done.accounts:8,}  {len(done.finds)}", flush=True)
        for find in done.finds:
            print(f"  {find.error} in {find.place}: {run.keep_find(find, options.folder)}", flush=True)
    counted = run.add_to_tally(tally, seed, tried)
    ran = sum(done.executions for done in tried.values())
    print(f"{ran:,} executions now, {sum(counted.values()):,} in all runs of {tally}", flush=True)
    return any(done.finds for done in tried.values())


def _linear(names: list[str], seed: int, joined: int) -> bool:
    failed = False
    for name in names:
        worst = None
        for grown in linear.growths(TARGETS[name], random.Random(f"{seed}/{name}"), joined=joined):
            if isinstance(grown, run.Find):
                failed = True
                print(
                    f"  {grown.error} in {grown.place}: {grown.data[:40]!r}, {len(grown.data)} bytes", flush=True
                )
                continue
            if grown.ratio > linear.MOST_RATIO:
                failed = True
                print(f"  {_grown(grown)}", flush=True)
            if worst is None or grown.ratio > worst.ratio:
                worst = grown
        if worst is not None:
            print(f"{name:10} {_grown(worst)}", flush=True)
    return failed


def _grown(grown: linear.Growth) -> str:
    times = ", ".join(f"{size >> 10} KB {took:.2f} s" for size, took in zip(grown.sizes, grown.seconds))
    return f"{grown.ratio:.2f} times for twice of {grown.unit.decode('utf-8', 'replace')[:40]!r} ({times})"


def _again(path: Path) -> int:
    told = json.loads(path.read_text(encoding="utf-8"))
    came = run.execute(TARGETS[told["target"]], told["data"].encode("latin-1"))
    print(came)
    return 1 if isinstance(came, run.Find) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="of processor time, shared by the targets")
    parser.add_argument("--seed", type=int, help="if not given, another for each run of the tally")
    parser.add_argument("--only", help=f"some of: {','.join(TARGETS)}")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where tally and finds are kept")
    parser.add_argument(
        "--linear", action="store_true", help="look at growth instead: input doubled, time at most 2.2 times"
    )
    parser.add_argument(
        "--joined", type=int, default=20, help="with --linear: units made of several, for each target"
    )
    parser.add_argument("--again", type=Path, help="run one find again")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
