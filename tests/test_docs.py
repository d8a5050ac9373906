"""Every block of the documentation runs, its reference is of this program, and the site that is made of it builds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.store import Corpus

DOCS = Path(__file__).parent.parent / "docs"
BLOCKS = [
    (path.name, block)
    for path in sorted(DOCS.glob("*.md"))
    for block in re.findall(r"^```sql\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
]


def test_there_are_blocks() -> None:
    assert BLOCKS


@pytest.mark.parametrize(("name", "block"), BLOCKS)
def test_a_block_runs(corpus: Corpus, name: str, block: str) -> None:
    cursor = corpus.connection.execute(block)
    assert cursor.description, name
    cursor.fetchall()


def test_the_recipe_finds_what_the_command_finds(corpus: Corpus) -> None:
    sql = "SELECT d.title FROM documents_fts JOIN articles AS d ON d.docid = documents_fts.rowid WHERE documents_fts MATCH ?"
    assert corpus.connection.execute(sql, ["催收"]).fetchall() == [("借款逾期之后先做什么",)]
    assert corpus.connection.execute(sql, ['"强制 制执 执行"']).fetchall() == [("收到法院传票怎么办",)]
    assert corpus.connection.execute(sql, ['"催" *']).fetchall() == [("借款逾期之后先做什么",)]


def test_links_lead_somewhere() -> None:
    root = DOCS.parent
    for path in [*root.glob("*.md"), *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


RUN = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [path for path in sorted(DOCS.glob("*.md")) if RUN.search(path.read_text(encoding="utf-8"))]


def test_there_are_pages_to_run() -> None:
    assert {"datasets.md", "takedowns.md", "python.md"} <= {path.name for path in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_blocks_of_a_page_work_in_order(corpus: Corpus, page: Path, tmp_path: Path) -> None:
    corpus.close()
    programs = Path(sys.executable).parent
    environment = {
        **os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(DOCS.parent),
        "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home"),
    }  # fmt: skip
    for language, block in RUN.findall(page.read_text(encoding="utf-8")):
        command = [sys.executable, "-c", block] if language == "python" else ["sh", "-euc", block]
        done = subprocess.run(
            command,
            cwd=corpus.path.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


def test_the_reference_is_of_this_program() -> None:
    # In a process of its own: click keeps the help option that a command was first asked with, in a test perhaps.
    command = [sys.executable, str(DOCS / "reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}run `python docs/reference.py`"


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path / "site")]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=DOCS.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "tables" / "index.html").is_file()
    for page in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=\"(https?:[^\"]+)", page.read_text(encoding="utf-8")
        )
        assert not loaded, f"{page.name} loads from elsewhere: {loaded}"
