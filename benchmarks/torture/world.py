"""What the faults are done to: invented pages, a corpus of them, commands as child processes, and what must hold after."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import yuqi
from corpus import archive, buckets, dedup, farms, schema
from corpus.doctor import Check, check_corpus
from corpus.records import Fetch
from corpus.store import Corpus, CorpusError
from crawler.run import crawl
from demo.site import build

ROOT = Path(__file__).parents[2]
WHEN = datetime(2024, 10, 13, 6, 44, 13, tzinfo=UTC)
SITE = "demo-f"
"""The demo's site that is crawled: it has no endless lists, whose counters a killed crawl begins anew."""

_SPLIT = buckets.LEVELS
_QUERY = "SELECT rowid FROM documents_fts WHERE documents_fts MATCH '催收 OR 法院 OR 平台' ORDER BY rowid"
Rows = dict[str, list[str]]


class BrokenError(AssertionError):
    """Something that must hold after a fault did not; the text says what."""


@dataclass
class World:
    """A folder to work in, with the pages and the undisturbed corpus that every scenario begins with."""

    folder: Path
    pages: int = 90
    hosts: dict[str, str] = field(default_factory=dict)

    @cached_property
    def warc(self) -> Path:
        """Pages of the demo's sites as a WARC file: articles, copies of them, lists and errors, damaged ones among them."""
        path = self.folder / "pages.warc.gz"
        demo = build(slow_seconds=0.0, oversized_bytes=200_000)
        gold = [item for item in demo.gold if item.kind in ("article", "list", "error", "junk")][::1]
        step = max(1, len(gold) // self.pages)
        writer = archive.ArchiveWriter(self.folder / "made")
        for number, item in enumerate(gold[::step]):
            answer = demo.respond(item.url)
            headers = tuple(answer.headers)
            writer.append(
                Fetch(item.url, WHEN + timedelta(minutes=number), answer.body, "response", answer.status, headers)
            )
        writer.close()
        (made,) = (self.folder / "made").glob("*.warc.gz")
        made.rename(path)
        return path

    @cached_property
    def empty(self) -> Path:
        """A corpus without a page: copies of it share its salt, so that their rows can be compared."""
        path = self.folder / "empty" / "c.db"
        path.parent.mkdir()
        Corpus(path, create=True).close()
        return path

    @cached_property
    def full(self) -> Path:
        """The corpus that undisturbed commands make of the pages."""
        path = self.copy(self.empty, "full")
        ended(begin(command("ingest", path, self.warc, "--workers", "1"), path.parent))
        ended(begin(command("learn", path, "--workers", "1"), path.parent))
        ended(begin(command("rebuild", path, "--workers", "1"), path.parent))
        return path

    def copy(self, corpus: Path, name: str) -> Path:
        """Return a copy of a corpus with its archive, in a folder of its own."""
        target = self.folder / name
        if target.exists():
            shutil.rmtree(target)
        shutil.copytree(corpus.parent, target)
        return target / corpus.name


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """Serve the demo's sites in a process of their own; yield where each host is answered."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.torture.site"], cwd=ROOT, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as server:  # fmt: skip
        assert server.stdout is not None
        assert server.stdin is not None
        yield json.loads(server.stdout.readline())
        server.stdin.close()


# --- child processes ------------------------------------------------------------------------------------------------


def command(name: str, database: Path, *arguments: object) -> Callable[[], int]:
    """Return what a child does to run one of our commands: the front door, in the process that was forked."""

    def run() -> int:
        try:
            yuqi.main([name, str(database), *map(str, arguments)], standalone_mode=True)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
        return 0

    return run


def crawling(database: Path, hosts: dict[str, str]) -> Callable[[], int]:
    """Return what a child does to crawl a site of the demo and make documents of what it has fetched."""

    def run() -> int:
        crawl(database, [SITE], hosts=hosts, delay=0.0, retry_base=0.05, quiet=True, cleaners=1)
        with Corpus(database) as corpus:
            corpus.derive_pending()
        return 0

    return run


@dataclass(frozen=True)
class Child:
    """A process that was begun, the leader of a group of its own; what it says goes to `log`."""

    pid: int
    log: Path


def begin(work: Callable[[], int], folder: Path, *, prepare: Callable[[], object] = lambda: None) -> Child:
    """Fork a process that does `work` in a group of its own, with its output in a file beside `folder`."""
    log = folder.with_name(folder.name + ".log")
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        with suppress(OSError):  # the child may have done so, or have ended
            os.setpgid(pid, pid)
        return Child(pid, log)
    code = 70
    try:
        os.setpgid(0, 0)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        prepare()
        code = work()
    except BaseException as error:  # noqa: BLE001  # the child's last word, whatever it is; it may not return from here
        os.write(2, f"TRACEBACK {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def ended(child: Child, *, codes: Sequence[int] = (0,)) -> str:
    """Wait for a process and return what it said. Raises BrokenError for another exit code, or a traceback."""
    code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
    said = child.log.read_text(encoding="utf-8", errors="replace")
    if code not in codes or "Traceback" in said or "TRACEBACK" in said:
        raise BrokenError(f"exit code {code}, not {codes}: {said[-600:]}")
    return said


def kill(child: Child, *, alone: bool) -> bool:
    """Kill -9 a process (`alone`) or it and all its children, as a power cut does; return whether it was alive.

    What it leaves behind when killed alone must end by itself. Raises BrokenError where it doesn't within a minute.
    """
    done, _ = os.waitpid(child.pid, os.WNOHANG)
    if done:
        return False
    os.kill(child.pid, signal.SIGSTOP)  # so that it starts no other while its children are listed
    family = [child.pid, *_descendants(child.pid)]
    for pid in family[:1] if alone else family:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os.waitpid(child.pid, 0)
    for _ in range(1200):
        left = [line for line in map(_running, family[1:]) if line]
        if not left:
            return True
        time.sleep(0.05)
    for pid in family[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    raise BrokenError(f"a minute after the kill its children are still there: {left}")


def _descendants(pid: int) -> list[int]:
    """Return a process's children and theirs, in whatever groups and sessions they are."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue  # that thread has just ended
        found += [member for child in children for member in (child, *_descendants(child))]
    return found


def _running(pid: int) -> str:
    """Return the command line of a process that has not ended, an empty string for one that has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return "" if state == "Z" else Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:80] or str(pid)
    except OSError:
        return ""


# --- what must hold -------------------------------------------------------------------------------------------------


def rows(path: Path, *, places: bool = True) -> Rows:
    """Return every derived row of a corpus, and what its index finds; without `places` no numbers of fetches."""
    tables = dict.fromkeys((*schema.DERIVED, *dedup.TABLES, *farms.TABLES))
    with Corpus(path, readonly=True) as corpus:
        execute = corpus.connection.execute
        if not places:
            return {
                "documents": sorted(
                    repr(row) for row in execute("SELECT url, title, text, published, content_hash FROM documents")
                )
            }
        found = {
            name: sorted(map(repr, execute(f'SELECT * FROM "{name}"'))) for name in tables if name not in _SPLIT
        }
        found["keys"] = sorted(repr(row) for name in _SPLIT for row in execute(f'SELECT * FROM "{name}"'))
        found["index"] = [repr(row) for row in execute(_QUERY)]
    return found


def same(left: Rows, right: Rows, what: str) -> None:
    """Raise BrokenError unless two corpora hold the same rows, with a first one that only one of them has."""
    for name in left:
        if left[name] != right[name]:
            ours, theirs = Counter(left[name]), Counter(right[name])
            lost, more = list((ours - theirs).elements()), list((theirs - ours).elements())
            told = f"{what}: {name}: {len(lost)} rows missing, {len(more)} more"
            raise BrokenError(f"{told}; {_differing(*(rows[0] if rows else '' for rows in (lost, more)))}")


def _differing(one: str, other: str) -> str:
    """Return two texts from a little before where they begin to differ."""
    same_for = next((at for at, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
    start = max(0, same_for - 60)
    return f"{one[start : same_for + 120]!r} against {other[start : same_for + 120]!r}, behind {one[:80]!r}"


def archived(folder: Path) -> Counter[tuple[str, str]]:
    """Return every whole record of an archive, by id and URL, with how often it stands there."""
    found: Counter[tuple[str, str]] = Counter()
    for file in sorted(folder.glob("*.warc.gz")):
        for entry in (
            item for location in (archive.tail(folder, file.name, 0) or ([], 0))[0] for item in location[:1]
        ):
            found[entry.id, entry.url] += 1
    return found


def doctored(path: Path) -> dict[str, Check]:
    """Return what the doctor says of a corpus, by name."""
    return {check.name: check for check in check_corpus(path)}


def whole(path: Path, before: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """Check a corpus as a killed command left it, and return what its archive holds.

    The doctor must find nothing broken and count what is pending right; nothing archived may be missing.
    """
    if not path.exists() or not path.stat().st_size:
        return before
    now = archived(archive.folder_of(path))
    if lost := before - now:
        raise BrokenError(f"{sum(lost.values())} archived records are gone, such as {next(iter(lost))}")
    try:
        found = doctored(path)
    except CorpusError as error:
        if "holds no tables" in str(error):
            return now  # killed before its first transaction
        raise BrokenError(f"the doctor can't open it: {error}") from error
    if broken := [check for check in found.values() if not check.ok and check.name != "fetches"]:
        raise BrokenError(f"the doctor finds it broken: {broken}")
    with Corpus(path, readonly=True) as corpus:
        pending = corpus.count_pending()
    if found["fetches"].ok != (pending == 0):
        raise BrokenError(f"{pending} are pending, and the doctor says: {found['fetches'].detail}")
    return now


def nothing_double(path: Path) -> None:
    """Raise BrokenError unless every whole record of the archive is registered, once, and stands there once."""
    with Corpus(path, readonly=True) as corpus:
        listed = Counter((row[0], row[1]) for row in corpus.connection.execute("SELECT id, url FROM fetches"))
        kinds = {row[0] for row in corpus.connection.execute("SELECT kind FROM fetches")}
    standing = archived(archive.folder_of(path))
    if listed != standing:
        raise BrokenError(f"archive and table differ: {list((listed - standing) + (standing - listed))[:3]}")
    twice = [key for key, count in listed.items() if count > 1]
    if twice and "revisit" not in kinds:
        raise BrokenError(f"{len(twice)} fetches are double, such as {twice[0]}")
