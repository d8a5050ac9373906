"""The corpus room's commands that read: search, show, explain, stats, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson

from corpus import doctor as doctors
from corpus import explain as explaining
from corpus.cli import FriendlyCommand, as_json, database
from corpus.cli_cluster import document_of
from corpus.query import QueryError
from corpus.search import Hit
from corpus.search import search as find_hits
from corpus.stats import stats as collect_stats
from corpus.store import Corpus
from corpus.terminal import counts, print_json, print_table, safe, say

_COLOURS = {"certified": "green", "inferred": "yellow", "rule": "red"}


@click.command(
    cls=FriendlyCommand, epilog="Example: yuqi search corpus.db '催收 电话 site:example.org after:2024-01'"
)
@database
@click.argument("query", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--all", "duplicates", is_flag=True, help="Duplicates too, not representatives alone.")
@as_json
def search(db: Path, query: tuple[str, ...], limit: int, duplicates: bool, json_: bool) -> None:
    """Search titles and texts: words, "phrases", AND OR NOT, and site: lender: topic: author: script: after: before:.

    Traditional and Simplified queries find the same documents.
    """
    with Corpus(db, readonly=True) as corpus:
        try:
            hits = find_hits(corpus.connection, " ".join(query), limit=limit, duplicates=duplicates)
        except QueryError as error:
            raise click.UsageError(str(error)) from error
    for hit in hits:
        print_json(_hit_row(hit)) if json_ else _print_hit(hit)
    if not hits:
        say("nothing found")


def _hit_row(hit: Hit) -> dict[str, Any]:
    return {name: getattr(hit, name) for name in Hit.__slots__}


def _print_hit(hit: Hit) -> None:
    others = f"  (+{hit.cluster_size - 1} like it)" if hit.cluster_size > 1 else ""
    click.echo(click.style(safe(hit.title or "(no title)"), bold=True) + others)
    parts: list[str] = []
    cursor = 0
    for start, end in hit.marks:
        parts += [
            safe(hit.snippet[cursor:start]),
            click.style(safe(hit.snippet[start:end]), fg="yellow", bold=True),
        ]
        cursor = end
    click.echo("  " + "".join([*parts, safe(hit.snippet[cursor:])]))
    click.echo(click.style(f"  {hit.id[:12]}  {safe(hit.published or '')}  {safe(hit.url)}", dim=True))


@click.command(cls=FriendlyCommand, epilog="Example: yuqi show corpus.db http://example.org/a.html")
@database
@click.argument("key", metavar="ID|URL")
@click.option("--source", is_flag=True, help="The text as published, before simplification.")
@as_json
def show(db: Path, key: str, source: bool, json_: bool) -> None:
    """Print one document: its fields and its text."""
    with Corpus(db, readonly=True) as corpus:
        document = document_of(corpus, key)
    if json_:
        loaded = {name: orjson.loads(document[name]) for name in ("lenders", "topics", "quality", "counters")}
        print_json({**document, **loaded})
        return
    for name in ("id", "url", "title", "author", "published", "category", "script", "encoding", "lenders", "topics",
                 "duplicate_of", "duplicate_kind", "similarity", "cluster_id"):  # fmt: skip
        value = document[name]
        if value not in (None, "", "[]"):
            click.echo(click.style(f"{name}: ", dim=True) + safe(str(value)))
    click.echo("\n" + safe(document["text_source" if source else "text"]))


@click.command(cls=FriendlyCommand, epilog="Example: yuqi explain corpus.db 3f2a9c01")
@database
@click.argument("key", metavar="ID|URL")
@as_json
def explain(db: Path, key: str, json_: bool) -> None:
    """Print what was done to a document: before and after, rule by rule, with the certainty and its proof."""
    with Corpus(db, readonly=True) as corpus:
        document = document_of(corpus, key)
        account = explaining.explain(document, corpus.findings(document["docid"]))
    if json_:
        print_json(account)
        return
    click.echo(click.style(safe(f"{account['title'] or '(no title)'}  {account['url']}"), bold=True))
    click.echo(f"encoding: {account['encoding']} ({safe(account['encoding_evidence'])})")
    for finding in account["findings"]:
        _print_finding(finding)
    click.echo(
        f"{len(account['findings'])} findings; replayed over the page they give the text: {account['replayed']}"
    )


def _print_finding(finding: dict[str, Any]) -> None:
    before, after = safe(finding["before"]), safe(finding["after"])
    left, right = safe(finding["left"]), safe(finding["right"])
    colour = _COLOURS[finding["certainty"]]
    click.echo(click.style(f"{finding['stage']}/{finding['rule']}", bold=True) + f" {finding['start']}-{finding['end']} "
               + click.style(finding["certainty"], fg=colour)
               + (f": {safe(finding['evidence'])}" if finding["evidence"] else ""))  # fmt: skip
    if before == after:
        click.echo(f"    left as it is: {left}{click.style(before or '·', fg=colour, underline=True)}{right}")
        return
    click.echo(f"    - {left}{click.style(before, fg='red')}{right}")
    click.echo(f"    + {left}{click.style(after, fg='green')}{right}")


@click.command(cls=FriendlyCommand, epilog="Example: yuqi stats corpus.db --json")
@database
@as_json
def stats(db: Path, json_: bool) -> None:
    """Print what is in a corpus: documents, duplicates, rejections by reason, repairs and strips by rule."""
    with Corpus(db, readonly=True) as corpus:
        found = collect_stats(corpus)
    if json_:
        print_json(found)
        return
    for title, named in found.items():
        if named:
            counts(title, named, "what")
            click.echo()


@click.command(cls=FriendlyCommand, epilog="Example: yuqi doctor corpus.db")
@click.argument("db", type=click.Path(path_type=Path), required=False)
@as_json
def doctor(db: Path | None, json_: bool) -> None:
    """Check the set-up and, given DB, the corpus: integrity, references, search index, archive. Exit 1 if one fails."""
    checks = [*doctors.check_setup(), *(doctors.check_corpus(db) if db else ())]
    if json_:
        print_json([{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks])
    else:
        print_table("", ["", "check", "detail"], [["ok" if c.ok else "FAILED", c.name, c.detail] for c in checks])
    if not all(check.ok for check in checks):
        sys.exit(1)


commands: list[click.Command] = [search, show, explain, stats, doctor]
