"""The front door: one click group to which every room brings its own commands."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version

import click

from corpus.usage import OneLineCommand

_COMMANDS = {
    "demo": "demo.cli", "crawl": "crawler.cli", "frontier": "crawler.cli", "site": "crawler.cli",
    "commoncrawl": "crawler.cli_commoncrawl",
    "ingest": "corpus.cli", "clean": "corpus.cli", "dedup": "corpus.cli", "learn": "corpus.cli",
    "rebuild": "corpus.cli", "takedown": "corpus.cli_takedown", "impact": "corpus.cli_impact",
    "history": "corpus.cli_history",
    "search": "corpus.cli_read", "show": "corpus.cli_read", "explain": "corpus.cli_read", "stats": "corpus.cli_read",
    "cluster": "corpus.cli_cluster", "diff": "corpus.cli_cluster", "farms": "corpus.cli_cluster",
    "export": "corpus.cli_export", "doctor": "corpus.cli_read",
    "serve": "corpus.cli_web", "report": "corpus.cli_web",
    "spark": "corpus.cli_spark", "merge": "corpus.cli_merge",
}  # fmt: skip
"""Where each command lives; it is imported when it is asked for, as Scrapy alone takes a second to import."""


class _Rooms(OneLineCommand, click.Group):
    """A group whose commands are imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        room = importlib.import_module(_COMMANDS[cmd_name])
        commands: list[click.Command] = room.commands
        return next(command for command in commands if command.name == cmd_name)


def _version() -> str:
    try:
        return version("yuqi")
    except PackageNotFoundError:
        return "not installed"


@click.group(cls=_Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="yuqi")
def main() -> None:
    """Collect Chinese overdue-loan and debt-collection articles: crawl, repair, clean, deduplicate, search, export.

    Start with `yuqi demo`, or `yuqi ingest corpus.db FILES`.
    """


if __name__ == "__main__":
    main()
