"""The corpus room's commands that write: ingest, dedup, learn, rebuild; and `clean`, which needs no corpus."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path
from typing import BinaryIO, cast

import click
import orjson

from cleaning.findings import Rejected
from corpus.archive import ArchiveError
from corpus.intake import Intake, Problem, read_paths
from corpus.store import Corpus, CorpusError, explain_error
from corpus.terminal import counts, print_json, progress, say
from corpus.usage import OneLineCommand

DEFAULT_WORKERS = max(1, os.cpu_count() or 1)


class FriendlyCommand(OneLineCommand):
    """A command whose expected failures end in one line that says what to do, and exit code 2."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; return what it returns."""
        try:
            return super().invoke(ctx)
        except (CorpusError, ArchiveError) as error:
            say(f"yuqi {self.name}: {error}")
            ctx.exit(2)
        except sqlite3.Error as error:
            say(f"yuqi {self.name}: {explain_error(Path(str(ctx.params.get('db', 'corpus'))), error)}")
            ctx.exit(2)
        except BrokenPipeError:
            # The reader of our output (head, less) has gone: nothing is wrong.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except OSError as error:
            # A write that fails, as on a full disk, doesn't know its file's name.
            where = error.filename or ctx.params.get("out") or ctx.params.get("db") or "a file"
            say(f"yuqi {self.name}: {where}: {error.strerror or error}; nothing that was stored is lost")
            ctx.exit(2)


database = click.argument("db", type=click.Path(path_type=Path))
strict = click.option("--strict", is_flag=True, help="Exit with 1 when any input was rejected.")
as_json = click.option("--json", "json_", is_flag=True, help="Print JSON instead of a table.")
workers_option = click.option(
    "--workers", type=click.IntRange(1, 256), default=DEFAULT_WORKERS, show_default=True, help="Processes to use."
)


@click.command(
    cls=FriendlyCommand, epilog="Example: yuqi ingest corpus.db pages/ crawl.warc.gz  (use - for standard input)"
)
@database
@click.argument("paths", nargs=-1, required=True)
@workers_option
@strict
@as_json
def ingest(db: Path, paths: tuple[str, ...], workers: int, strict: bool, json_: bool) -> None:
    """Archive pages from files and add their articles to the corpus DB, which is made if it isn't there.

    PATHS are .html, .txt, .warc[.gz], .wet[.gz] and .jsonl[.gz|.zst] files, folders of them, or - for standard input.
    """
    with Corpus(db, create=True) as corpus:
        run = corpus.begin_run("ingest", paths)
        read, known, problems = _take_in(corpus, paths, run)
        with progress("deriving") as show:
            outcome = corpus.derive_pending(workers=workers, progress=show)
        rejected = corpus.rejected_by_reason(run)
        summary = {
            "read": read, "already there": known, "problems": problems, **outcome, "rejected": rejected,
            "duplicates": corpus.duplicates_of_run(run),
        }  # fmt: skip
        corpus.end_run(run, summary)
    if json_:
        print_json(summary)
    else:
        _tell_ingest(summary, rejected)
    if strict and (problems or rejected):
        sys.exit(1)


def _take_in(corpus: Corpus, paths: tuple[str, ...], run: str) -> tuple[int, int, int]:
    """Archive what is at `paths`; return how many pages were read, how many were there already, how many problems."""
    read = known = problems = 0
    for item in read_paths(paths, _stdin()):
        if isinstance(item, Problem):
            problems += 1
            say(f"{item.source}: {item.message}")
            continue
        read += 1
        if corpus.is_buried(item.fetch.url):
            say(f"{item.source}: taken down: it stays out")
            continue
        if corpus.has(item.fetch):
            known += 1
            continue
        corpus.add_fetch(item.fetch.with_run(run))
    return read, known, problems


def _stdin() -> BinaryIO:
    return cast(BinaryIO, sys.stdin.buffer)


def _tell_ingest(summary: dict[str, object], rejected: dict[str, int]) -> None:
    say(
        f"{summary['read']} pages read: {summary['documents']} new documents ({summary['duplicates']} duplicates), "
        f"{sum(rejected.values())} rejected, {summary['already there']} there already, {summary['problems']} unreadable"
    )
    if rejected:
        say("rejected: " + ", ".join(f"{reason} {number}" for reason, number in sorted(rejected.items())))


@click.command(
    cls=FriendlyCommand, epilog="Example: curl -s https://example.org/a.html | yuqi clean --format text -"
)
@click.argument("paths", nargs=-1)
@click.option("--format", "format_", type=click.Choice(["json", "text"]), default="json", show_default=True)
@click.option(
    "--restore", is_flag=True, help="Fill in words that the site's filter cut out, where evidence supports it."
)
@strict
def clean(paths: tuple[str, ...], format_: str, restore: bool, strict: bool) -> None:
    """Clean pages without a corpus: one JSON object a line, or with --format text the articles' text alone."""
    # Here, as cleaning takes half a second to import, and every command imports this module.
    from cleaning.clean import to_dict

    failed = 0
    for item in read_paths(paths or ("-",), _stdin()):
        if isinstance(item, Problem):
            failed += 1
            say(f"{item.source}: {item.message}")
            if format_ == "json":
                click.echo(
                    orjson.dumps(to_dict(Rejected("unreadable", item.message), source=item.source, url=None))
                )
            continue
        failed += not _print_cleaned(item, format_, restore)
    if strict and failed:
        sys.exit(1)


def _print_cleaned(item: Intake, format_: str, restore: bool) -> bool:
    from cleaning.clean import to_dict
    from corpus.derive import derive

    result = derive(item.fetch, restore=restore).result
    if format_ == "json":
        url = None if item.fetch.url.startswith("file:") else item.fetch.url
        click.echo(orjson.dumps(to_dict(result, source=item.source, url=url)))
    elif not isinstance(result, Rejected):
        click.echo("\n".join(filter(None, (result.title, result.text))) + "\n")
    else:
        say(f"{item.source}: {result.reason}: {result.detail}")
    return not isinstance(result, Rejected)


@click.command(cls=FriendlyCommand, epilog="Example: yuqi dedup corpus.db")
@database
@as_json
def dedup(db: Path, json_: bool) -> None:
    """Find duplicates, spun copies and farms again, from the documents as they stand."""
    with Corpus(db) as corpus:
        found = corpus.rederive_duplicates()
    print_json(found) if json_ else counts("Duplicates", found, "kind")


@click.command(cls=FriendlyCommand, epilog="Example: yuqi learn corpus.db && yuqi rebuild corpus.db")
@database
@workers_option
@as_json
def learn(db: Path, workers: int, json_: bool) -> None:
    """Learn each site's chrome (lines that repeat over its pages) and pinyin table; `yuqi rebuild` then uses them."""
    from corpus.learning import learn_sites

    with Corpus(db) as corpus, progress("learning") as show:
        learned = learn_sites(corpus, workers=workers, progress=show)
    if json_:
        print_json(learned)
        return
    for site, facts in sorted(learned.items()):
        say(
            f"{site}: {facts['lines']} chrome lines from {facts['pages']} pages, {facts['readings']} pinyin readings"
        )
    say(f"now run: yuqi rebuild {db}")


@click.command(cls=FriendlyCommand, epilog="Example: yuqi rebuild corpus.db --workers 4")
@database
@workers_option
@as_json
def rebuild(db: Path, workers: int, json_: bool) -> None:
    """Make every derived table again from the archive, with the rules and site profiles of now."""
    with Corpus(db) as corpus, progress("rebuilding") as show:
        outcome = corpus.rebuild(workers=workers, progress=show)
    print_json(outcome) if json_ else say(
        ", ".join(f"{number} {name}" for name, number in outcome.items() if number)
    )


commands: list[click.Command] = [ingest, clean, dedup, learn, rebuild]
