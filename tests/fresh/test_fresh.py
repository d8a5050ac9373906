"""The README, to the letter, on a machine that has nothing of ours; and the oldest libraries that pyproject.toml allows.

`make fresh` runs these; `make test` doesn't, as both install everything from the registry. What is tested is what is
committed. The environment holds a PATH without virtual environments, an empty home and how pip reaches its registry.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.test_readme import BLOCK

ROOT = Path(__file__).resolve().parents[2]
FLOOR = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?>=([0-9][0-9.]*)")
MINUTES = 60
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TRIED_WITH_FLOORS = (
    "tests/test_cli.py", "tests/cleaning/test_clean.py", "tests/cleaning/test_script.py", "tests/cleaning/repair",
    "tests/corpus/test_export.py", "tests/corpus/test_store.py",
)  # fmt: skip
"""Tests that between them use every library of the core."""


def _bare(home: Path) -> dict[str, str]:
    """Return an environment with nothing of this one but how pip reaches its registry."""
    network = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    path = f"{Path(_python()).parent}:{SYSTEM_PATH}"
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **network}


def _python() -> str:
    """Return the interpreter that the virtual environments here were made with."""
    return str(getattr(sys, "_base_executable", sys.executable))


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=20 * MINUTES, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout + done.stderr


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of what is committed, and nothing beside it."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so there is nothing to clone")
    _run(["git", "clone", "-q", str(ROOT), "checkout"], tmp_path, {**os.environ})
    return tmp_path / "checkout"


def test_the_readme_is_all_that_a_newcomer_needs(clone: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = _bare(home)
    for language, block in BLOCK.findall((clone / "README.md").read_text(encoding="utf-8")):
        argv = [".venv/bin/python", "-c", block] if language == "python" else ["sh", "-euc", block]
        told = _run(argv, clone, environment)
        assert "Traceback" not in told
    assert (clone / "demo-out" / "corpus.jsonl").stat().st_size > 0
    assert (clone / "demo-out" / "articles.jsonl.zst").stat().st_size > 0


def floors(project: dict[str, object], extras: tuple[str, ...]) -> dict[str, str]:
    """Return the lowest version that a project allows of each library that it and these extras name."""
    optional = project.get("optional-dependencies", {})
    required = project["dependencies"]
    assert isinstance(optional, dict) and isinstance(required, list)
    named = [*required, *(requirement for extra in extras for requirement in optional[extra])]
    return {found[1]: found[2] for requirement in named if (found := FLOOR.match(requirement))}


def test_the_lowest_versions_allowed_do(clone: Path, tmp_path: Path) -> None:
    environment = _bare(tmp_path)
    project = tomllib.loads((clone / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = ("frames", "serve", "report", "redis")
    lowest = floors(project, extras)
    assert set(lowest) >= {"scrapy", "beautifulsoup4", "chardet", "opencc-python-reimplemented", "sqlite-utils"}
    held = tmp_path / "floors.txt"
    held.write_text("".join(f"{name}=={version}\n" for name, version in lowest.items()), encoding="utf-8")
    _run([_python(), "-m", "venv", ".venv"], clone, environment)
    wanted = [f".[{','.join(extras)}]", "pytest", "hypothesis", "jsonschema", "warcio"]
    pip = [".venv/bin/python", "-m", "pip", "install", "-q"]
    _run([*pip, "-c", str(held), "-e", *wanted], clone, environment)
    got = _run([".venv/bin/python", "-m", "pip", "list", "--format=freeze"], clone, environment).lower()
    for name in ("scrapy", "selectolax", "sqlite-utils", "chardet"):
        assert re.search(rf"^{name}=={re.escape(lowest[name])}(\.0)*$", got, re.MULTILINE), f"{name} is newer"
    _run([".venv/bin/yuqi", "demo", str(tmp_path / "demo")], clone, environment)
    _run([".venv/bin/python", "-m", "pytest", "-q", "-x", *TRIED_WITH_FLOORS], clone, environment)
