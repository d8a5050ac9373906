"""Every block of the README is executed, in order, as a newcomer would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
LINKED = ("Makefile", "pyproject.toml", "constraints.txt", "LICENSE", "README.md", "yuqi.py")
ROOMS = ("cleaning", "corpus", "crawler", "demo", ".venv")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout, so that what the blocks write is not left in it."""
    if not (ROOT / ".venv" / "bin" / "yuqi").exists():
        pytest.skip("the README's commands need the .venv that make sets up")
    folder = tmp_path_factory.mktemp("checkout")
    for name in (*LINKED, *ROOMS):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_no_fence_is_left_out() -> None:
    fences = re.findall(r"^```\w*", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(fences) == 2 * len(BLOCKS)


def test_every_block_works(checkout: Path) -> None:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    for language, block in BLOCKS:
        # What make and pip would install is there already: the blocks are tried, not the network.
        shell = block.replace("make demo", "make -o .venv/.installed demo").replace(".venv/bin/pip", ": pip")
        argv = [sys.executable, "-c", block] if language == "python" else ["sh", "-euc", shell]
        done = subprocess.run(argv, cwd=checkout, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert language == "python" or done.stdout or done.stderr or "printf" in block


def test_the_blocks_made_what_the_text_says(checkout: Path) -> None:
    assert (checkout / "demo-out" / "corpus.jsonl").stat().st_size > 0
    assert (checkout / "demo-out" / "articles.jsonl.zst").stat().st_size > 0
    assert "<svg" in (checkout / "demo-out" / "report.html").read_text(encoding="utf-8")
    shutil.rmtree(checkout / "demo-out")
