"""What a mistyped command line is told: one line on stderr, like every other refusal, and not click's block of usage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError


class UsageProblem(click.UsageError):
    """A usage error that shows itself in one line: the command, what is wrong, and where to read more."""

    def show(self, file: Any = None) -> None:  # noqa: ANN401  # as click declares it
        """Print the line."""
        # It loads what draws tables, which a command line that is right may never need.
        from corpus.terminal import say

        command = named(self.ctx)
        text = " ".join(self.format_message().split()).removesuffix(".")
        say(f"{command}: {text}; see {command} --help")


def named(context: click.Context | None) -> str:
    """Return how a command is called; under `python -m yuqi` click would name the file."""
    return " ".join(["yuqi", *(context.command_path.split()[1:] if context is not None else ())])


@contextmanager
def in_one_line() -> Iterator[None]:
    """Make the usage errors that are raised inside show themselves in one line."""
    try:
        yield
    except (UsageProblem, NoArgsIsHelpError):
        raise
    except click.UsageError as error:
        raise UsageProblem(error.format_message(), error.ctx) from None


class OneLineCommand(click.Command):
    """A command or group whose usage errors take one line."""

    def make_context(self, *args: Any, **options: Any) -> click.Context:  # noqa: ANN401  # as click declares them
        """Return the context that the arguments make."""
        with in_one_line():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401
        """Run the command; return what it returns."""
        with in_one_line():
            return super().invoke(ctx)
