"""`yuqi commoncrawl`: pages of sites, dead ones too, out of a public web archive."""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO, cast

import click

from corpus.cdx import MAX_LINE_BYTES, key_range
from corpus.cli import FriendlyCommand, as_json
from corpus.store import Corpus
from corpus.terminal import print_json, progress, say
from crawler import columnar, commoncrawl, settings
from crawler.addresses import AddressPolicy, HostsError, parse_hosts
from crawler.cli import WORTH_A_PROCESS, host_map
from crawler.commoncrawl import Line, Queue, Summary, Wanted
from crawler.ranges import Folder, RangeError, Source, Web

MAX_COMPLAINTS = 20
"""Lines about single records on stderr; the summary counts them all."""

_INDEXES = (".cdxj", ".cdx", ".cdxj.gz", ".cdx.gz")
_PARQUET = ".parquet"
_FILES = (".warc", ".warc.gz", ".wet", ".wet.gz")
_STAMP = re.compile(r"\d{4}(?:\d\d){0,5}\Z")


@click.command(
    "commoncrawl",
    cls=FriendlyCommand,
    epilog="Example: yuqi commoncrawl c.db https://data.commoncrawl.org/ example.com --index CC-MAIN-2024-10",
)
@click.argument("db", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("prefix", required=False)
@click.argument("targets", nargs=-1, metavar="[HOST|URL|FILE.cdxj|FILE.parquet|NAME.warc.gz ...]")
@click.option("--index", "indexes", multiple=True, metavar="NAME", help="Collection whose index to search.")
@click.option(
    "--columnar", "by_columns", is_flag=True, help="Search its columnar index (Parquet), all hosts in one pass."
)
@click.option(
    "--list",
    "listed",
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="More hosts and beginnings of URLs, one a line; - for stdin.",
)
@click.option("--subdomains", is_flag=True, help="Hosts with their subdomains.")
@click.option("--match", metavar="REGEX", help="Only URLs in which this is found.")
@click.option("--from", "since", metavar="DATE", help="Only captures from then on: 2019, 2019-03, 2019-03-31.")
@click.option("--to", "until", metavar="DATE", help="Only captures up to then, that time included.")
@click.option("--all-captures", "every", is_flag=True, help="Every capture of a URL, not its newest alone.")
@click.option("--limit", type=click.IntRange(min=1), help="Copy this many records at most; the rest waits.")
@click.option(
    "--delay", type=click.FloatRange(min=0), default=0.2, show_default=True, help="Least seconds between requests."
)
@click.option("--contact", help="URL or address shown in the user agent.")
@click.option("--host", "hosts", multiple=True, metavar="NAME=IP:PORT", help="Connect to this address for NAME.")
@click.option("--allow-private", is_flag=True, help="Also connect to private and loopback addresses.")
@click.option("--strict", is_flag=True, help="Exit 1 if a record could not be had.")
@as_json
def commoncrawl_command(
    db: Path,
    prefix: str | None,
    targets: tuple[str, ...],
    indexes: tuple[str, ...],
    by_columns: bool,
    listed: TextIO | None,
    subdomains: bool,
    match: str | None,
    since: str | None,
    until: str | None,
    every: bool,
    limit: int | None,
    delay: float,
    contact: str | None,
    hosts: tuple[str, ...],
    allow_private: bool,
    strict: bool,
    json_: bool,
) -> None:
    """Copy pages out of Common Crawl, or an archive laid out like it, into the corpus DB, with their own dates.

    PREFIX is the archive's address, or a folder. A HOST or the beginning of a URL is looked up in the collections
    that --index names; a CDXJ or Parquet file lists records itself; a WARC or WET file is read whole. Only pages (200,
    HTML) are copied, of each URL the newest. Run it again, without targets too, and it goes on where it stopped.
    """
    targets = (*targets, *_listed(listed))
    times, pattern = (_from(since), _to(until)), _pattern(match)
    with Corpus(db, create=True) as corpus:
        wanted = Wanted(*times, pattern, every, corpus.is_buried)
        queue = Queue(corpus.connection)
        prefix = prefix or queue.last_source()
        if prefix is None:
            raise click.UsageError("nothing waits here: name an archive (PREFIX) and a host or files of it")
        if not targets and queue.last_source() is None:
            raise click.UsageError("nothing waits here: name a host, a CDXJ file or a WARC file of the archive")
        with _sources(delay, contact, hosts, allow_private=allow_private) as sources:
            search = Search(indexes, by_columns, subdomains)
            summary = _run(corpus, queue, sources, prefix, targets, search, wanted, limit=limit)
        with progress("cleaning") as show:
            workers = max(1, min(os.cpu_count() or 1, corpus.count_pending() // WORTH_A_PROCESS))
            derived = corpus.derive_pending(workers=workers, progress=show)
    if json_:
        print_json({**summary.to_dict(), "derived": derived})
    _tell(summary, derived, db)
    if strict and (summary.failed or summary.reason != "finished"):
        sys.exit(1)


class Search(NamedTuple):
    """In which collections hosts are looked up, and how."""

    indexes: tuple[str, ...]
    columnar: bool
    subdomains: bool


def _run(
    corpus: Corpus,
    queue: Queue,
    sources: Callable[[str], Source],
    prefix: str,
    targets: tuple[str, ...],
    search: Search,
    wanted: Wanted,
    *,
    limit: int | None,
) -> Summary:
    """List what is wanted, copy it, and return how that went. Raises click.UsageError."""
    summary = Summary()
    complain = _complainer()
    run = corpus.begin_run("commoncrawl", [prefix, *targets])
    try:
        source = sources(prefix)
        for target in targets:
            if target.endswith(_FILES):
                _read_whole(corpus, source, target, run, wanted, summary, complain)
        for lines in _lists(source, [target for target in targets if not target.endswith(_FILES)], search):
            commoncrawl.enqueue(corpus, queue, source, lines, wanted, summary, complain)
    except RangeError as error:
        corpus.end_run(run, {"reason": error.why})
        raise click.UsageError(str(error)) from None
    with progress("copying") as show:
        commoncrawl.collect(corpus, sources, run, summary, limit=limit, show=show, complain=complain)
    corpus.end_run(run, summary.to_dict())
    return summary


def _lists(source: Source, targets: Sequence[str], search: Search) -> Iterator[Iterator[Line]]:
    """Yield the captures that targets name, list by list."""
    names = []
    for target in targets:
        if target.endswith((*_INDEXES, _PARQUET)):
            yield _listed_in(source, target)
        else:
            names.append(target)
    if names and not search.indexes:
        raise click.UsageError(f"{names[0]}: say in which collections to look: --index CC-MAIN-2024-10")
    ranges = [key_range(name, subdomains=search.subdomains) for name in names]
    if search.columnar and ranges:
        yield (line for index in search.indexes for line in columnar.look_up(source, index, ranges))
        return
    for keys in ranges:
        yield (line for index in search.indexes for line in commoncrawl.look_up(source, index, keys))


def _listed_in(source: Source, target: str) -> Iterator[Line]:
    """Yield the captures of a list: a file here, or else one of the archive."""
    if target.endswith(_PARQUET):
        with Path(target).open("rb") if Path(target).is_file() else columnar.opened(source, target) as stream:
            yield from columnar.search(stream, target)
        return
    with _opened(source, target) as stream:
        yield from commoncrawl.read_lines(_bounded(stream, target))


def _listed(file: TextIO | None) -> list[str]:
    """Return the names of a list, one a line; what stands behind a # is for people."""
    lines = [] if file is None else [line.partition("#")[0].strip() for line in file]
    return [line for line in lines if line]


def _opened(source: Source, target: str) -> BinaryIO:
    """Open a list of captures: a file here, or else one of the archive."""
    local = Path(target)
    stream = cast(BinaryIO, io.BytesIO(local.read_bytes())) if local.is_file() else source.stream(target)
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if target.endswith(".gz") else stream


def _bounded(stream: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        while line := stream.readline(MAX_LINE_BYTES + 1):
            yield line
    except (OSError, EOFError, zlib.error) as error:
        raise RangeError("cut-short", f"{name}: can't be read to its end: {error}") from None


def _read_whole(
    corpus: Corpus,
    source: Source,
    path: str,
    run: str,
    wanted: Wanted,
    summary: Summary,
    complain: Callable[[str], None],
) -> None:
    for item in commoncrawl.whole_file(source, path, wanted, summary):
        if isinstance(item, str):
            complain(item)
            summary.failed["damaged"] += 1
        elif corpus.has(item):
            summary.known += 1
        else:
            corpus.add_fetch(item.with_run(run))
            summary.fetched += 1
            summary.bytes += len(item.body)
    corpus.flush()


@contextmanager
def _sources(
    delay: float, contact: str | None, hosts: tuple[str, ...], *, allow_private: bool
) -> Iterator[Callable[[str], Source]]:
    """Yield a function that opens an archive by its prefix or folder, once. Raises click.UsageError."""
    try:
        policy = AddressPolicy(parse_hosts(host_map(hosts)), allow_private)
    except HostsError as error:
        raise click.UsageError(str(error)) from None
    agent = settings.USER_AGENT + (f" +{contact}" if contact else "")
    opened: dict[str, Source] = {}

    def open_source(name: str) -> Source:
        if name not in opened:
            web = "://" in name
            if not web and not Path(name).is_dir():
                raise RangeError(
                    "bad-prefix", f"{name}: neither an address like https://example.org/ nor a folder"
                )
            opened[name] = Web(name, policy, agent=agent, delay=delay) if web else Folder(Path(name))
        return opened[name]

    try:
        yield open_source
    finally:
        for source in opened.values():
            source.close()


def _complainer() -> Callable[[str], None]:
    told: list[str] = []

    def complain(text: str) -> None:
        told.append(text)
        if len(told) <= MAX_COMPLAINTS:
            say(text)
        if len(told) == MAX_COMPLAINTS:
            say("... further ones are only counted")

    return complain


def _digits(text: str, option: str) -> str:
    digits = re.sub(r"[-T:/ ]", "", text)
    if not _STAMP.match(digits):
        raise click.UsageError(f"{option} {text}: write a date like 2019, 2019-03 or 2019-03-31")
    return digits


def _from(text: str | None) -> str:
    return "" if text is None else _digits(text, "--from").ljust(14, "0")


def _to(text: str | None) -> str:
    return "9" * 14 if text is None else _digits(text, "--to").ljust(14, "9")


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise click.UsageError(f"--match {text}: not a regular expression: {error}") from None


def _tell(summary: Summary, derived: dict[str, int], db: Path) -> None:
    say(
        f"{summary.reason}: {summary.fetched} records copied ({summary.bytes / 1e6:.1f} MB), {summary.known} there"
        f" already, {summary.listed} listed"
    )
    for title, named in (("left out", summary.left_out), ("not to be had", summary.failed)):
        if named:
            say(f"  {title}: " + ", ".join(f"{count} {why}" for why, count in sorted(named.items())))
    if summary.waiting:
        say(f"  {summary.waiting} wait; go on with: yuqi commoncrawl {db}")
    say("  " + ", ".join(f"{number} {name}" for name, number in derived.items() if number))


commands: list[click.Command] = [commoncrawl_command]
