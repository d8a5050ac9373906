"""Every SQL block of the documentation runs on a corpus, and finds what it says."""

from __future__ import annotations

import re
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
