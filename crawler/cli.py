"""The crawler's commands for the front door."""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import orjson

from corpus.cli import FriendlyCommand
from corpus.store import Corpus
from corpus.terminal import progress, safe, say
from crawler.addresses import HostsError
from crawler.cleaner import default_workers
from crawler.frontier import UrlError, explain, requestable
from crawler.run import CrawlError, crawl
from crawler.session import TOPIC_WORD, CrawlSummary, Limits
from crawler.shared import NEEDS_REDIS, SCHEMES, FrontierStore, is_address
from crawler.site import SiteError, declared, load
from crawler.table import FrontierError, open_readonly
from crawler.why import account

WORTH_A_PROCESS = 150
"""Pages left to clean for which one more process pays: it takes a second to start."""


class Refused(click.ClickException):
    """What was asked for can't be done: one line on stderr that says what to do, and exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(message)
        # Under `python -m yuqi` click names the file.
        self._command = " ".join(["yuqi", *click.get_current_context().command_path.split()[1:]])

    def show(self, file: Any = None) -> None:  # noqa: ANN401  # as click declares it
        """Print the line."""
        say(f"{self._command}: {self.message}")


@click.command("crawl", cls=FriendlyCommand)
@click.argument("db", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("targets", nargs=-1, metavar="[SITE|URL|FILE.toml ...]")
@click.option(
    "--pages", "--max-pages", "pages", type=click.IntRange(min=1), help="Stop after this many responses."
)
@click.option(
    "--depth",
    "--max-depth",
    "depth",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Links from a start page.",
)
@click.option(
    "--seconds", "--max-time", "seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after this time."
)
@click.option(
    "--bytes", "--max-bytes", "size", type=click.IntRange(min=1), help="Stop after this many bytes of bodies."
)
@click.option("--delay", type=click.FloatRange(min=0), help="Least seconds between requests to one host.")
@click.option("--contact", help="URL or address shown in the user agent, for owners of the sites.")
@click.option("--host", "hosts", multiple=True, metavar="NAME=IP:PORT", help="Connect to this address for NAME.")
@click.option("--allow-private", is_flag=True, help="Also connect to private and loopback addresses.")
@click.option("--fresh", is_flag=True, help="Forget the frontier and start over (the archive stays).")
@click.option("--recrawl", is_flag=True, help="Look again at known pages that are due by how often they change.")
@click.option("--recrawl-all", is_flag=True, help="Look again at all known pages.")
@click.option(
    "--topic", help="Follow this: overdue, a topic's id, words with commas between; off for whole sites."
)
@click.option("--strict", is_flag=True, help="Exit 1 if a site brought fewer or more articles than it declares.")
@click.option(
    "--cleaners",
    type=click.IntRange(0, 256),
    default=default_workers,
    show_default="processors",
    help="Processes that make documents while the crawl runs; 0: afterwards.",
)
@click.option(
    "--log-json", type=click.Path(dir_okay=False, path_type=Path), help="Append every event to this file as JSON."
)
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Answer Prometheus on this loopback port.")
@click.option(
    "--frontier",
    metavar="redis://HOST/0#NAME",
    help="Share the frontier NAME on this Redis or Valkey with other crawls.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on stdout.")
def crawl_command(
    db: Path,
    targets: tuple[str, ...],
    pages: int | None,
    depth: int,
    seconds: float | None,
    size: int | None,
    delay: float | None,
    contact: str | None,
    hosts: tuple[str, ...],
    allow_private: bool,
    fresh: bool,
    recrawl: bool,
    recrawl_all: bool,
    topic: str | None,
    strict: bool,
    cleaners: int,
    log_json: Path | None,
    metrics_port: int | None,
    frontier: str | None,
    as_json: bool,
) -> None:
    """Fetch declared sites or start URLs into the corpus DB, and make documents of what came.

    Responses go to the archive beside DB; run it again and it goes on where it stopped, also after a kill. Without
    targets, the last crawl's are gone on with, and its topic. Ctrl-C stops it cleanly, a second one at once.

    \b
    Examples:
      yuqi crawl c.db https://example.com/ --pages 200 --contact https://example.org/about-our-crawl
      yuqi crawl c.db mysite.toml
    """
    if frontier and (recrawl or recrawl_all):
        raise Refused(
            "--recrawl goes by one corpus's own fetches: merge the corpora, and recrawl without --frontier"
        )
    if not targets:
        targets, last_topic = _last_asked(db)
        topic = topic or last_topic
    limits = Limits(pages=pages, depth=depth, seconds=seconds, bytes=size)
    try:
        summary = crawl(
            db,
            targets,
            limits=limits,
            hosts=host_map(hosts),
            allow_private=allow_private,
            contact=contact,
            fresh=fresh,
            recrawl="all" if recrawl_all else "due" if recrawl else "",
            topic=topic,
            delay=delay,
            cleaners=cleaners,
            log_json=log_json,
            metrics_port=metrics_port,
            frontier=frontier,
        )
    except (SiteError, HostsError, CrawlError) as error:
        raise Refused(str(error)) from None
    _clean_the_rest(db, summary)
    _report(summary, as_json=as_json)
    if strict and summary.warnings:
        sys.exit(1)


def _clean_the_rest(db: Path, summary: CrawlSummary) -> None:
    """Make documents of what the processes beside the crawl left, and add that to its summary."""
    with Corpus(db) as corpus, progress("cleaning") as show:
        left = corpus.count_pending()
        workers = max(1, min(os.cpu_count() or 1, left // WORTH_A_PROCESS))
        derived = Counter(summary.derived) + Counter(corpus.derive_pending(workers=workers, progress=show))
        summary.derived = dict(derived)
        if summary.crawl_id:
            corpus.end_run(summary.crawl_id, asdict(summary))


def host_map(hosts: tuple[str, ...]) -> dict[str, str]:
    """Return what `--host NAME=IP:PORT` options say. Raises click.UsageError."""
    table = {}
    for item in hosts:
        name, mark, endpoint = item.partition("=")
        if not mark:
            raise Refused(f"--host {item}: write it like example.test=127.0.0.1:8000")
        table[name] = endpoint
    return table


def _last_asked(db: Path) -> tuple[tuple[str, ...], str | None]:
    """Return the targets and the topic that the last crawl of `db` was asked for. Raises Refused when there was none."""
    if db.exists():
        with Corpus(db, readonly=True) as corpus:
            words = corpus.last_targets("crawl")
        topics = [word.removeprefix(TOPIC_WORD) for word in words if word.startswith(TOPIC_WORD)]
        if targets := tuple(word for word in words if not word.startswith(TOPIC_WORD)):
            return targets, next(iter(topics), None)
    raise Refused("nothing to crawl: name a site, a start URL or a .toml declaration")


def _report(summary: CrawlSummary, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(asdict(summary), option=orjson.OPT_INDENT_2))
    for line in _lines(summary):
        say(line)


def _lines(summary: CrawlSummary) -> list[str]:
    """Return a run's summary for people."""
    rate = summary.fetched / summary.seconds if summary.seconds else 0.0
    lines = [
        f"{summary.reason}: {summary.fetched} responses, {summary.bytes / 1e6:.1f} MB in {summary.seconds:.1f} s"
        f" ({rate:.1f}/s)",
        *(
            f"  {name}: {pages} pages, {summary.articles.get(name, 0)} articles"
            for name, pages in summary.pages.items()
        ),
    ]
    if summary.derived:
        lines.append(
            "  made of them: " + ", ".join(f"{number} {name}" for name, number in summary.derived.items())
        )
    if summary.unchanged:
        lines.append(f"  {summary.unchanged} of them unchanged since they were fetched before")
    if summary.replayed:
        lines.append(f"  {summary.replayed} responses of an interrupted run were taken up from the archive")
    if summary.why_not:
        lines.append("  not fetched: " + ", ".join(f"{count} {why}" for why, count in summary.why_not.items()))
    lines += [
        f"  {name}: its {what} is used up; the next run goes on with it" for name, what in summary.spent.items()
    ]
    if waiting := summary.states.get("queued"):
        lines.append(f"  {waiting} URLs wait; the same command goes on with them")
    return lines + [f"warning: {warning}" for warning in summary.warnings]


@click.command("frontier", cls=FriendlyCommand)
@click.argument("db", metavar="DB|redis://HOST/0#NAME")
@click.option("--why", "url", metavar="URL", help="What became of this URL, and why.")
@click.option("--pause", is_flag=True, help="Let no crawl take anything from a shared frontier until --resume.")
@click.option("--resume", is_flag=True, help="Go on after --pause.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def frontier_command(db: str, url: str | None, pause: bool, resume: bool, as_json: bool) -> None:
    """Show what the crawl of DB has fetched, left out and still to do; or the crawls that share a frontier.

    \b
    Examples:
      yuqi frontier c.db
      yuqi frontier c.db --why https://example.com/tag/x
      yuqi frontier redis://localhost/0#loans --pause
    """
    if (pause or resume) and not is_address(db):
        raise Refused(
            f"--pause and --resume are for a shared frontier ({', '.join(SCHEMES)}); Ctrl-C stops a crawl"
        )
    if pause and resume:
        raise Refused("--pause or --resume, not both")
    try:
        if is_address(db):
            table = _shared_table(db, url, pause=pause, resume=resume)
        else:
            with open_readonly(Path(db)) as frontier:
                table = account(frontier, url) if url else _standing_of(frontier)
    except (FrontierError, UrlError) as error:
        raise Refused(str(error)) from None
    if as_json:
        click.echo(orjson.dumps(table, option=orjson.OPT_INDENT_2))
        return
    for name, value in table.items():
        if value not in (None, "", []):
            click.echo(safe(f"{name}: {'; '.join(map(str, value)) if isinstance(value, list) else value}"))


def _standing_of(frontier: FrontierStore) -> dict[str, object]:
    return {"states": frontier.counts(), "why": frontier.reasons()}


def _shared_table(address: str, url: str | None, *, pause: bool, resume: bool) -> dict[str, object]:
    """Return what is to be shown of a shared frontier, after pausing it or not. Raises FrontierError, UrlError."""
    if find_spec("redis") is None:
        raise Refused(NEEDS_REDIS)
    from crawler.redis_frontier import RedisFrontier
    from crawler.redis_link import Link

    frontier = RedisFrontier(Link(address))
    if pause:
        frontier.pause()
    if resume:
        frontier.resume()
    if url:
        return account(frontier, url)
    told = {"frontier": frontier.link.address.shown, "paused": "yes" if frontier.paused() else "no"}
    return {**told, "crawls at work": len(frontier.crawlers()), **_standing_of(frontier)}


@click.group("site")
def site_group() -> None:
    """List, draft and check declarations of sites to crawl.

    \b
    Examples:
      yuqi site list
      yuqi site new https://example.com/ > mysite.toml
      yuqi site check mysite.toml
    """


@site_group.command("list")
def site_list() -> None:
    """Print the declared sites, one a line."""
    for name, site in declared().items():
        click.echo(f"{name}\t{', '.join(site.seeds)}\t{site.title}")


@site_group.command("new")
@click.argument("url")
@click.option(
    "--pages", type=click.IntRange(min=2, max=500), default=30, show_default=True, help="Pages to look at."
)
@click.option("--host", "hosts", multiple=True, metavar="NAME=IP:PORT", help="Connect to this address for NAME.")
@click.option("--allow-private", is_flag=True, help="Also connect to private and loopback addresses.")
@click.option("--delay", type=click.FloatRange(min=0), help="Least seconds between requests.")
def site_new(url: str, pages: int, hosts: tuple[str, ...], allow_private: bool, delay: float | None) -> None:
    """Look at some pages of a site and print a declaration to review.

    \b
    Example:
      yuqi site new https://example.com/ > example.toml
    """
    try:
        # Here, as detectors of charsets take long to import.
        from crawler.draft import draft

        text = draft(url, pages=pages, hosts=host_map(hosts), allow_private=allow_private, delay=delay)
    except (SiteError, HostsError, CrawlError) as error:
        raise Refused(str(error)) from None
    click.echo(text, nl=False)


@site_group.command("canonical")
@click.argument("url")
@click.option(
    "--charset", default="utf-8", show_default=True, help="Encoding of the page that the link stands on."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def site_canonical(url: str, charset: str, as_json: bool) -> None:
    """Show by which URL an address is known, what is requested for it, and which rule changed what.

    \b
    Example:
      yuqi site canonical 'http://Example.com:80/a/../b?utm_source=x&id=5#top'
    """
    try:
        found, sent = explain(url, charset=charset), requestable(url, charset=charset)
    except UrlError as error:
        raise Refused(f"{url}: {error}") from None
    if as_json:
        steps = [step._asdict() for step in found.steps]
        click.echo(
            orjson.dumps({"canonical": found.url, "requested": sent, "steps": steps}, option=orjson.OPT_INDENT_2)
        )
        return
    click.echo(safe(f"canonical: {found.url}\nrequested: {sent}"))
    for step in found.steps:
        click.echo(safe(f"  {step.rule}: {step.before or '-'} -> {step.after or '-'}"))


@site_group.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def site_check(files: tuple[Path, ...]) -> None:
    """Check declarations; exit 1 if one is wrong.

    \b
    Example:
      yuqi site check crawler/sites/*.toml
    """
    wrong = 0
    for path in files:
        try:
            site = load(path)
        except SiteError as error:
            click.echo(str(error), err=True)
            wrong += 1
        else:
            click.echo(f"{path.name}: {site.name}, {len(site.seeds)} seeds, {len(site.scope.hosts)} hosts")
    sys.exit(1 if wrong else 0)


commands: list[click.Command] = [crawl_command, frontier_command, site_group]
