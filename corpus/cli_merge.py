"""`yuqi merge`: several corpora as one."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from corpus.cli import FriendlyCommand, as_json, workers_option
from corpus.merge import Merged, merge
from corpus.terminal import print_json, progress, safe, say


@click.command("merge", cls=FriendlyCommand, epilog="Example: yuqi merge all.db one.db two.db three.db")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("paths", metavar="DB...", nargs=-1, required=True, type=click.Path(path_type=Path))
@workers_option
@click.option("--strict", is_flag=True, help="Exit with 1 when a record could not be read.")
@as_json
def merge_command(out: Path, paths: tuple[Path, ...], workers: int, strict: bool, json_: bool) -> None:
    """Bring corpora together in OUT, which is made if it isn't there, as if one crawl had brought it all.

    Archives are copied, each record once; documents, duplicates and farms are found over all of them. The order of the
    corpora doesn't matter, what is there already is passed over, and what was taken down in any of them stays out.
    """
    with progress("deriving") as show:
        done = merge(out, paths, workers=workers, progress=show)
    print_json(asdict(done)) if json_ else _tell(out, done)
    if strict and done.problems:
        sys.exit(1)


def _tell(out: Path, done: Merged) -> None:
    for problem in done.problems:
        say(safe(problem))
    left = [(done.known, "there already"), (done.taken_down, "taken down"), (len(done.problems), "unreadable")]
    say(
        f"{done.corpora} corpora: {done.fetches} fetches copied"
        + "".join(f", {number} {what}" for number, what in left if number)
    )
    made = ", ".join(f"{number} {name}" for name, number in done.outcomes.items() if number)
    say(f"{'derived anew' if done.rebuilt else 'made of them'}: {made or 'nothing'}")
    if done.unlearned:
        say(
            f"{len(done.unlearned)} sites were learned differently: now run `yuqi learn {out}` and `yuqi rebuild {out}`"
        )


commands: list[click.Command] = [merge_command]
