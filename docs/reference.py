"""Writes what the documentation takes from the program itself: `python docs/reference.py` in the checkout.

With `--check` nothing is written, and the exit code is 1 where a file is out of date.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))

from corpus.store import Corpus  # noqa: E402
from corpus.web.config import DATABASE, configuration  # noqa: E402
from yuqi import main  # noqa: E402

MARK = "## Every table\n"


def tables() -> str:
    """Return `tables.md` with its list of tables made anew from the schema of a new corpus."""
    with tempfile.TemporaryDirectory() as folder, Corpus(Path(folder) / "c.db", create=True) as corpus:
        found = configuration(corpus.connection, own_functions=False)["databases"][DATABASE]["tables"]
        columns = {
            name: [row[1] for row in corpus.connection.execute(f"PRAGMA table_info({name})")] for name in found
        }
    parts = [(DOCS / "tables.md").read_text(encoding="utf-8").partition(MARK)[0] + MARK]
    for name, told in found.items():
        if told.get("hidden"):
            continue
        comments = told.get("columns", {})
        rows = [f"| `{column}` | {comments.get(column, '')} |" for column in columns[name]]
        about = [f"{told['description']}.".replace("..", "."), ""] if "description" in told else []
        parts.append("\n".join([f"### {name}", "", *about, "| column | |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def commands() -> str:
    """Return `commands.md`: the help of every command."""
    parts = ["# Commands\n\nWhat `yuqi COMMAND --help` prints.\n"]
    context = click.Context(main, info_name="yuqi", **main.context_settings)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        parts.append(_help(command, context, name))
        if isinstance(command, click.Group):
            inner = click.Context(command, info_name=name, parent=context)
            for sub in command.list_commands(inner):
                found = command.get_command(inner, sub)
                assert found is not None
                parts.append(_help(found, inner, sub))
    return "\n".join(parts)


def _help(command: click.Command, parent: click.Context, name: str) -> str:
    context = click.Context(command, info_name=name, parent=parent, max_content_width=100, terminal_width=100)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"## {context.command_path.removeprefix('yuqi ')}\n\n```text\n{text}\n```\n"


def main_() -> None:
    """Write the files, or with `--check` print the names of those that are out of date."""
    made = {DOCS / "tables.md": tables(), DOCS / "commands.md": commands()}
    stale = [path for path, text in made.items() if path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        sys.exit("".join(f"{path.name} is out of date\n" for path in stale) or 0)
    for path in stale:
        path.write_text(made[path], encoding="utf-8")


if __name__ == "__main__":
    main_()
