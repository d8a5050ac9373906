"""What goes to a terminal: hostile text made harmless, tables that know how wide Chinese is, progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

_UNSAFE = {
    **dict.fromkeys([*range(0x20), 0x7F, *range(0x80, 0xA0)], "\N{REPLACEMENT CHARACTER}"),
    ord("\t"): " ",
    ord("\n"): "\n",
    # Bidirectional controls reorder what stands after them on the line: a page may not rewrite our output.
    **dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], ""),
}


def safe(text: str) -> str:
    """Return `text` without what a terminal would obey: escapes, other controls, bidirectional overrides."""
    return text.translate(_UNSAFE)


def say(message: str) -> None:
    """Print talk on stderr: stdout is for data."""
    click.echo(safe(message), err=True)


def print_json(value: object) -> None:
    """Print one JSON value on one line of stdout."""
    click.echo(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on stdout; numbers to the right, text shortened by nothing but the reader's own pager."""
    table = Table(box=None, pad_edge=False)
    for index, heading in enumerate(headings):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*[Text(safe(_cell(value))) for value in row])
    console = Console(width=None if sys.stdout.isatty() else 160)
    if title:
        console.print(Text(title, style="bold"))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counts(title: str, named: Mapping[str, int], what: str) -> None:
    """Print a table of counts, largest first, then by name."""
    rows = sorted(named.items(), key=lambda pair: (-pair[1], pair[0]))
    print_table(title, [what, "count"], rows)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a function that shows how many of how many are done; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show
