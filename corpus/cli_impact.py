"""`yuqi impact`: what other rules would change."""

from __future__ import annotations

from pathlib import Path

import click

from corpus.cli import FriendlyCommand, as_json, database, workers_option
from corpus.impact import Change, Impact, impact
from corpus.store import Corpus
from corpus.story import differences, render
from corpus.terminal import print_json, progress, safe, say

_EPILOG = """Examples:

\b
  yuqi impact corpus.db --rules my-rules.toml
  yuqi impact corpus.db --since HEAD~5
  yuqi impact corpus.db                          (what a rebuild would change)
"""
_COLOURS = {"-": "red", "+": "green", "~": "yellow"}


@click.command("impact", cls=FriendlyCommand, epilog=_EPILOG)
@database
@click.option("--rules", "rule_file", type=click.Path(path_type=Path, dir_okay=False), help="A rule file: named as one "
              "of cleaning/rules it stands in for it, else its rules are added.")  # fmt: skip
@click.option("--since", metavar="REV", help="A git revision: its cleaning against that of now.")
@click.option("--examples", type=click.IntRange(0, 1000), default=20, show_default=True)
@workers_option
@as_json
def impact_command(
    db: Path, rule_file: Path | None, since: str | None, examples: int, workers: int, json_: bool
) -> None:
    """Print which documents would change under other rules, as counts and diffs. The corpus is left as it is."""
    with Corpus(db, readonly=True) as corpus, progress("deriving") as show:
        found = impact(corpus, rule_file=rule_file, since=since, examples=examples, workers=workers, progress=show)
    print_json(found.to_dict()) if json_ else _tell(found)


def _tell(found: Impact) -> None:
    for change in found.examples:
        _show(change)
    for name, number in sorted(found.rules.items(), key=lambda pair: (-abs(pair[1]), pair[0])):
        if number:
            click.echo(safe(f"{number:+d} findings of {name}"))
    say(
        f"{found.changed} of {found.fetches} pages would change: {found.lost} would give no document any more, "
        f"{found.gained} would give one, {len(found.examples)} shown"
    )


def _show(change: Change) -> None:
    click.echo(click.style(safe(change.url), bold=True))
    if change.before is None or change.after is None:
        click.echo("  no document any more" if change.after is None else "  a document now")
        return
    for line in render(differences(change.before, change.after)):
        if line[:1] in _COLOURS:
            click.echo("  " + click.style(safe(line), fg=_COLOURS[line[0]]))


commands: list[click.Command] = [impact_command]
