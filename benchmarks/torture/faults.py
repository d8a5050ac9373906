"""Faults other than kills: disks that are full or can't be written, two writers, torn and damaged files, clock steps."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.torture.world import (
    SITE,
    BrokenError,
    Rows,
    World,
    archived,
    begin,
    command,
    crawling,
    doctored,
    ended,
    nothing_double,
    rows,
    same,
)
from corpus import archive
from corpus.records import site_of
from corpus.store import Corpus, CorpusError
from crawler.site import resolve_target

FAKETIME = tuple(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
"""libfaketime, as Debian's package `faketime` installs it."""


def _needs_root(what: str) -> str | None:
    return (
        None
        if os.geteuid() == 0 and shutil.which("mount")
        else f"left out: {what} needs root, to mount a file system"
    )


@contextmanager
def _small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system in memory of `size` bytes at `folder`."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def _one_line(said: str, what: str) -> None:
    lines = [line for line in said.splitlines() if line.strip()]
    if len(lines) != 1 or ": :" in lines[0]:
        raise BrokenError(f"{what}: not one line that says what is wrong: {said[:400]!r}")


def full_disk(world: World, rng: random.Random) -> str:
    """Run commands on a disk with no room for what they write, then give it room and run them again."""
    if why := _needs_root("a full disk"):
        return why
    undisturbed = rows(world.full)
    hit = 0
    with _small_disk(world.folder / "disk", 64 << 20) as disk:
        path = disk / "c.db"
        shutil.copy(world.empty, path)
        for room in sorted(rng.sample(range(50, 2500), 5)):
            _remount(disk, f"size={_used(disk) + (room << 10)}")
            hit += _fails_well(command("ingest", path, world.warc, "--workers", "1"), disk, "ingest")
            _remount(disk, "size=64m")
            _sound(path)
        ended(begin(command("ingest", path, world.warc, "--workers", "1"), disk))
        ended(begin(command("learn", path, "--workers", "1"), disk))
        for name, *arguments in _writing(disk):
            for _ in range(2):
                _remount(disk, f"size={_used(disk) + (rng.randrange(4, 90) << 10)}")
                hit += _fails_well(command(str(name), path, *arguments), disk, str(name))
                _remount(disk, "size=64m")
                _sound(path)
                if left := [entry.name for entry in disk.iterdir() if entry.name.endswith((".part", ".old"))]:
                    raise BrokenError(f"{name} left {left}")
                shutil.rmtree(disk / "set", ignore_errors=True)
        ended(begin(command("rebuild", path, "--workers", "1"), disk))
        same(undisturbed, rows(path), "after full disks")
        nothing_double(path)
    return f"{hit} commands met a full disk, said so in a line, and went on once there was room"


def _writing(folder: Path) -> tuple[tuple[object, ...], ...]:
    """Return commands that write, with what stands behind the corpus."""
    return (("rebuild", "--workers", "1"), ("dedup",), ("learn",), ("report", folder / "r.html"),
            ("export", folder / "o.jsonl"), ("export", folder / "set"))  # fmt: skip


def _used(disk: Path) -> int:
    usage = shutil.disk_usage(disk)
    return usage.used


def _fails_well(work: Callable[[], int], folder: Path, name: str) -> bool:
    """Run a command that may meet the end of the disk; return whether it did. Raises BrokenError where it says so badly."""
    child = begin(work, folder)
    said = ended(child, codes=(0, 2))
    if "disk is full" not in said and "No space left" not in said:
        return False
    _one_line(said, str(name))
    return True


def _sound(path: Path) -> None:
    if broken := [check for check in doctored(path).values() if not check.ok and check.name != "fetches"]:
        raise BrokenError(f"the doctor finds it broken: {broken}")


def read_only(world: World, _: random.Random) -> str:
    """Run commands on a corpus whose disk can't be written."""
    if why := _needs_root("a read-only disk"):
        return why
    read = []
    with _small_disk(world.folder / "fixed", 64 << 20) as disk:
        shutil.copytree(world.full.parent, disk, dirs_exist_ok=True)
        path = disk / world.full.name
        _remount(disk, "ro")
        for name, *arguments in (*_writing(disk), ("ingest", world.warc), ("takedown", "--site", "x.test")):
            said = ended(begin(command(str(name), path, *arguments), disk), codes=(2,))
            _one_line(said.strip().split("\n")[-1], str(name))  # click puts the usage before its line
        looks: tuple[tuple[object, ...], ...] = (
            ("stats",), ("doctor",), ("search", "催收"), ("export", world.folder / "o.jsonl")
        )  # fmt: skip
        for name, *arguments in looks:
            said = ended(begin(command(str(name), path, *arguments), disk), codes=(0, 2))
            if "can't be opened" in said:
                _one_line(said, str(name))
            else:
                read.append(str(name))
        _remount(disk, "rw")
        same(rows(world.full), rows(path), "after a read-only disk")
    return f"what writes said so in a line; {', '.join(read) or 'nothing'} read it"


def two_writers(world: World, _: random.Random) -> str:
    """Take in the same pages twice at once, then again while the corpus is crawled into and rebuilt."""
    path = world.copy(world.empty, "two")
    others = path.parent.with_name("other")
    others.mkdir()
    both = [
        begin(command("ingest", path, world.warc, "--workers", "1"), folder) for folder in (path.parent, others)
    ]
    for child in both:
        ended(child)
    _sound(path)
    pages = archived(archive.folder_of(world.full))
    twice = archived(archive.folder_of(path))
    if set(twice) != set(pages):
        raise BrokenError("two writers at once: other pages than either's")
    texts = _texts(path)
    if texts != _texts(_unlearned(world)):
        raise BrokenError("two writers at once: other documents than either's")
    # What a declaration says counts from when it is known: said first, both writers' pages are read with it.
    site = resolve_target(SITE)
    with Corpus(path) as corpus:
        for name in {site_of(f"http://{host}/") for host in site.scope.hosts}:
            corpus.declare_site(name, site.selectors, site.charset)
        corpus.rebuild()
    crawled = begin(crawling(path, world.hosts), path.parent)
    again = begin(command("ingest", path, world.warc, "--workers", "1"), others)
    ended(crawled)
    ended(again)
    _sound(path)
    live = rows(path)
    ended(begin(command("rebuild", path, "--workers", "1"), path.parent))
    same(live, rows(path), "rebuilt after two writers")
    return "two ingests at once, a crawl and an ingest at once: every page is there, and a rebuild changes nothing"


def _texts(path: Path) -> list[str]:
    """Return what the documents of a corpus say."""
    with Corpus(path, readonly=True) as corpus:
        return sorted(
            {f"{url} {text}" for url, text in corpus.connection.execute("SELECT url, text FROM documents")}
        )


def _unlearned(world: World) -> Path:
    """Return a corpus of the same pages as the full one, taken in with no site profile."""
    path = world.copy(world.full, "plain")
    with Corpus(path) as corpus, corpus.transaction():
        corpus.db.execute("UPDATE sites SET profile = NULL, pinyin_table = NULL")
    ended(begin(command("rebuild", path, "--workers", "1"), path.parent))
    return path


def torn_record(world: World, rng: random.Random) -> str:
    """Cut the archive's last record, and put half a record behind it: what a power cut leaves."""
    said = 0
    for round_ in range(6):
        path = world.copy(world.full, "torn")
        last = max(archive.folder_of(path).glob("*.warc.gz"))
        data = last.read_bytes()
        if round_ % 2:
            with Corpus(path, readonly=True) as corpus:
                sql = "SELECT warc_offset, warc_length FROM fetches WHERE warc_file = ? ORDER BY seq"
                start, length = rng.choice(corpus.connection.execute(sql, [last.name]).fetchall())
            with last.open("ab") as stream:
                stream.write(data[start : start + rng.randrange(1, length)])
            before = rows(path)
            ended(begin(command("ingest", path, world.warc, "--workers", "1"), path.parent))
            found = doctored(path)
            if not all(check.ok for check in found.values()):
                raise BrokenError(f"half a record behind the last: {found}")
            same(before, rows(path), "with half a record behind the last")
            nothing_double(path)
        else:
            last.write_bytes(data[: -rng.randrange(1, 600)])
            found = doctored(path)
            if found["archive"].ok:
                raise BrokenError("the doctor takes a cut record for whole")
        said += 1
    return f"{said} archives: the doctor names a record that is cut; half a record behind the last harms nothing"


def bad_page(world: World, rng: random.Random) -> str:
    """Overwrite pages of the database, one at a time: the doctor must tell, and the archive give everything again."""
    path = world.copy(world.full, "page")
    clean = path.read_bytes()
    size = int.from_bytes(clean[16:18], "big") or 65536
    told, silent = 0, []
    for number in sorted(rng.sample(range(len(clean) // size), min(24, len(clean) // size))):
        damaged = bytearray(clean)
        damaged[number * size : (number + 1) * size] = rng.randbytes(size)
        path.write_bytes(damaged)
        for beside in (path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            beside.unlink(missing_ok=True)
        said = ended(begin(command("doctor", path), path.parent), codes=(0, 1, 2))
        if _well(path, said):
            silent.append(number)
        told += 1
    if silent:
        raise BrokenError(
            f"the doctor saw nothing of {len(silent)} of {told} overwritten pages ({_owners(world.full, silent)})"
        )
    again = world.folder / "again.db"
    ended(begin(command("ingest", again, archive.folder_of(path), "--workers", "1"), world.folder / "again"))
    if _texts(again) != _texts(_unlearned(world)):
        raise BrokenError("the archive gave other documents than it had given before")
    return f"the doctor told of {told} of {told} overwritten pages; from the archive a new file has the same documents"


def _well(path: Path, said: str) -> bool:
    try:
        return all(check.ok for check in doctored(path).values())
    except (CorpusError, Exception) as error:  # which error a damaged page makes is SQLite's to choose
        if "yuqi doctor:" not in said:
            raise BrokenError(f"the doctor: {error}, and said {said[:300]}") from error
        return False


def _owners(path: Path, pages: list[int]) -> Rows:
    with Corpus(path, readonly=True) as corpus:
        listed = corpus.connection.execute(
            "SELECT name FROM dbstat WHERE pageno IN (" + ",".join(str(page + 1) for page in pages) + ")"
        )
        return {"tables": [row[0] for row in listed]}


def clock(world: World, _: random.Random) -> str:
    """Crawl with a clock four years ahead, be killed, and go on with the right one; take in files with one in the past."""
    if not FAKETIME:
        return "left out: libfaketime is not installed (Debian: apt-get install faketime)"
    path = world.copy(world.empty, "clock")
    program = (f"from pathlib import Path; from benchmarks.torture.world import crawling; "
               f"crawling(Path({str(path)!r}), {world.hosts!r})()")  # fmt: skip
    for shift in ("+1500d", "-1500d", "+0d"):
        environment = {
            **os.environ,
            "LD_PRELOAD": str(FAKETIME[0]),
            "FAKETIME": shift,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        try:
            subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True,
                           timeout=6 if shift != "+0d" else 300)  # fmt: skip
        except subprocess.TimeoutExpired:
            continue  # killed on its way: what was meant
        except subprocess.CalledProcessError as error:
            raise BrokenError(
                f"with the clock at {shift}: {error.stderr.decode(errors='replace')[-500:]}"
            ) from error
    _sound(path)
    other = world.copy(world.empty, "right")
    ended(begin(crawling(other, world.hosts), other.parent))
    ours, theirs = ({url for _, url in archived(archive.folder_of(corpus))} for corpus in (path, other))
    if ours != theirs:
        raise BrokenError(f"another set of pages than with a right clock: {sorted(ours ^ theirs)[:5]}")
    live = rows(path)
    ended(begin(command("rebuild", path, "--workers", "1"), path.parent))
    same(live, rows(path), "rebuilt after clock steps")
    return f"crawls of {SITE} four years ahead, four years back and right: the same pages as with a right clock"


FAULTS: dict[str, Callable[[World, random.Random], str]] = {
    "full-disk": full_disk,
    "read-only": read_only,
    "two-writers": two_writers,
    "torn-record": torn_record,
    "bad-page": bad_page,
    "clock": clock,
}
