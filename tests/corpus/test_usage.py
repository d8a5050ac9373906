"""Usage errors of every command take one line on stderr, and exit code 2."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from corpus.cli import dedup
from yuqi import main


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nosuch"], "yuqi: No such command 'nosuch'; see yuqi --help"),
        (["--nosuch"], "yuqi: No such option '--nosuch'; see yuqi --help"),
        (["crawl"], "yuqi crawl: Missing argument 'DB'; see yuqi crawl --help"),
        (["dedup", "--nosuch", "c.db"], "yuqi dedup: No such option '--nosuch'; see yuqi dedup --help"),
        (["site", "nosuch"], "yuqi site: No such command 'nosuch'; see yuqi site --help"),
        (["site", "check"], "yuqi site check: Missing argument 'FILES...'; see yuqi site check --help"),
        (
            ["clean", "--format", "x"],
            "yuqi clean: Invalid value for '--format': 'x' is not one of 'json', 'text'; see yuqi clean --help",
        ),
        (["dedup", "\x1b]0;x", "\x1b[31m"], None),
    ],
)
def test_a_usage_error_is_one_line(arguments: list[str], line: str | None) -> None:
    result = CliRunner().invoke(main, arguments, prog_name="yuqi")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "\x1b" not in result.stderr
    assert line is None or result.stderr == line + "\n"


def test_a_command_alone_does_the_same() -> None:
    result = CliRunner().invoke(dedup, [])
    assert result.stderr == "yuqi: Missing argument 'DB'; see yuqi --help\n"
    assert result.exit_code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["dedup", "-h"], []])
def test_help_is_help(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments, prog_name="yuqi")
    assert result.output.startswith("Usage: yuqi")
    assert "Options:" in result.output
