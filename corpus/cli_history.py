"""`yuqi history`: what stood at a URL when, and what changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from corpus.cli import FriendlyCommand, as_json, database
from corpus.store import Corpus, CorpusError
from corpus.story import differences, render
from corpus.terminal import print_json, safe
from corpus.versions import Version
from corpus.versions import history as find_history

_COLOURS = {"-": "red", "+": "green", "~": "yellow"}


@click.command(cls=FriendlyCommand, epilog="Example: yuqi history corpus.db http://example.org/a.html")
@database
@click.argument("url")
@as_json
def history(db: Path, url: str, json_: bool) -> None:
    """List every look at URL with its date, digest and what it came to; for a changed text, the lines that changed."""
    with Corpus(db, readonly=True) as corpus:
        if corpus.outdated:
            raise CorpusError(f"{db}: made before versions were kept; `yuqi rebuild {db}` adds them")
        found = list(find_history(corpus.connection, url))
    if not found:
        raise CorpusError(
            f"{url}: never fetched; give the URL as it was requested (`yuqi frontier {db} --why {url}`)"
        )
    for version, changes in _with_changes(found):
        if json_:
            print_json({**_row(version), "changes": changes})
            continue
        told = f"{version.fetched_at}  {version.id[:12]}  {version.status}  {version.outcome}"
        click.echo(click.style(safe(told), bold=version.text is not None))
        for line in changes:
            click.echo("    " + click.style(safe(line), fg=_COLOURS.get(line[:1])))


def _row(version: Version) -> dict[str, Any]:
    return {name: value for name, value in version._asdict().items() if name != "text"}


def _with_changes(found: list[Version]) -> Iterator[tuple[Version, list[str]]]:
    """Yield each look with the lines by which its text differs from the one before it."""
    before: str | None = None
    for version in found:
        changes: list[str] = []
        if version.text is not None:
            text = f"{version.title or ''}\n{version.text}"
            if before is not None:
                changes = [line for line in render(differences(before, text)) if line[:1] != " "]
            before = text
        yield version, changes


commands: list[click.Command] = [history]
