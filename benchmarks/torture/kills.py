"""`kill -9` at random instants, again and again, then the same command to its end: the rows of an undisturbed run."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.torture.world import (
    BrokenError,
    World,
    archived,
    begin,
    command,
    crawling,
    ended,
    kill,
    nothing_double,
    rows,
    same,
    whole,
)
from corpus import archive

MOST_IN_A_ROW = 6
"""Kills of one command on one corpus before it is let to its end."""

Work = Callable[[], int]


@dataclass(frozen=True)
class Victim:
    """A command that is killed: what it begins with, how it is run on a copy of that, and what must come of it."""

    name: str
    start: Callable[[World], Path]
    work: Callable[[World, Path], Work]
    check: Callable[[World, Path, Path], None]
    purges: bool = False


def _same_rows(_: World, path: Path, undisturbed: Path) -> None:
    same(rows(undisturbed), rows(path), "after kills")
    nothing_double(path)


def _same_crawl(_: World, path: Path, undisturbed: Path) -> None:
    """What was fetched when differs; what was fetched and what came of it may not, and a rebuild changes nothing."""
    same(rows(undisturbed, places=False), rows(path, places=False), "after kills")
    ours = {url for _, url in archived(archive.folder_of(undisturbed))}
    theirs = {url for _, url in archived(archive.folder_of(path))}
    if ours != theirs:
        raise BrokenError(f"another set of pages: {sorted(ours ^ theirs)[:4]}")
    live = rows(path)
    ended(begin(command("rebuild", path, "--workers", "1"), path.parent))
    same(live, rows(path), "rebuilt after kills")


def _same_profiles(world: World, path: Path, undisturbed: Path) -> None:
    from corpus.store import Corpus

    with Corpus(path, readonly=True) as ours, Corpus(undisturbed, readonly=True) as theirs:
        if ours.sites() != theirs.sites():
            raise BrokenError("other site profiles were learned")
    _same_rows(world, path, undisturbed)


def _same_files(world: World, path: Path, undisturbed: Path) -> None:
    for name in ("out.jsonl.zst", "set/manifest.json"):
        if (path.parent / name).read_bytes() != (undisturbed.parent / name).read_bytes():
            raise BrokenError(f"{name} differs")
    left = [entry.name for entry in path.parent.iterdir() if entry.name.endswith((".part", ".old"))]
    if left:
        raise BrokenError(f"left lying about: {left}")
    _same_rows(world, path, undisturbed)


def _gone(_: World, path: Path, undisturbed: Path) -> None:
    """A verification names what is left of texts that other sites hold too: the same as without kills."""
    found = [
        ended(begin(command("takedown", corpus, "--verify", "--json"), corpus.parent), codes=(0, 1))
        for corpus in (undisturbed, path)
    ]
    if found[0] != found[1]:
        raise BrokenError(f"other remains: {found[1][:300]}")
    same(rows(undisturbed), rows(path), "after kills")
    nothing_double(path)


def _export(_: World, path: Path) -> Work:
    def work() -> int:
        code = command("export", path, path.parent / "out.jsonl.zst")()
        return code or command("export", path, path.parent / "set", "--name", "x", "--replace")()

    return work


VICTIMS = {
    victim.name: victim
    for victim in (
        Victim("crawl", lambda world: world.empty, lambda world, path: crawling(path, world.hosts), _same_crawl),
        Victim("ingest", lambda world: world.empty,
               lambda world, path: command("ingest", path, world.warc, "--workers", "1"), _same_rows),
        Victim("learn", lambda world: world.full, lambda _, path: command("learn", path, "--workers", "2"), _same_profiles),
        Victim("dedup", lambda world: world.full, lambda _, path: command("dedup", path), _same_rows),
        Victim("rebuild", lambda world: world.full, lambda _, path: command("rebuild", path, "--workers", "2"), _same_rows),
        Victim("export", lambda world: world.full, _export, _same_files),
        Victim("takedown", lambda world: world.full,
               lambda _, path: command("takedown", path, "--site", "yuqi-b.test", "--purge"), _gone, purges=True),
    )
}  # fmt: skip


def kill_often(world: World, victim: Victim, kills: int, rng: random.Random) -> str:
    """Kill a command `kills` times in all, while it does its work; return a line about it. Raises BrokenError."""
    undisturbed = world.copy(victim.start(world), f"{victim.name}-undisturbed")
    began = time.monotonic()
    ended(begin(victim.work(world, undisturbed), undisturbed.parent))
    seconds = time.monotonic() - began
    killed = rounds = missed = 0
    while killed < kills:
        rounds += 1
        path = world.copy(victim.start(world), victim.name)
        seen = archived(archive.folder_of(path))
        for _ in range(min(MOST_IN_A_ROW, kills - killed)):
            child = begin(victim.work(world, path), path.parent)
            time.sleep(_instant(rng, seconds))
            if not kill(child, alone=rng.random() < 0.3):
                missed += 1
                break
            killed += 1
            seen = whole(path, Counter() if victim.purges else seen)
        ended(begin(victim.work(world, path), path.parent))
        whole(path, Counter() if victim.purges else seen)
        victim.check(world, path, undisturbed)
        if missed > 3 * kills + 10:
            raise BrokenError(f"{victim.name} ends before it can be killed")
    return f"{killed} kills in {rounds} rounds of {seconds:.1f} s, {missed} came too late; nothing lost, nothing double"


def _instant(rng: random.Random, seconds: float) -> float:
    """Return when to kill: anywhere in what an undisturbed run takes, and more often early, where files are opened."""
    return seconds * (rng.random() if rng.random() < 0.7 else rng.random() * 0.2)
