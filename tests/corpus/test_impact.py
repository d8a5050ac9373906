from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from corpus import impact as impacts
from corpus.impact import impact
from corpus.store import Corpus, CorpusError
from tests.pages import PAGES, Page, fetch_of
from yuqi import main

LINE = "本文由量子债务互助社首发。"
"""A line that no rule of ours takes."""

RULE = f"""
[[rule]]
id = "chrome.test-first-published"
kind = "line"
where = "any"
gate = ["互助社首发"]
pattern = '.{{0,20}}互助社首发。?'
seen = "invented"
examples = ["{LINE}"]
counter_examples = ["互助社的首发阵容有五个人，都来自不同的行业。"]
"""


@pytest.fixture
def marked(corpus: Corpus) -> Iterator[Corpus]:
    """The corpus with one more page, which holds LINE in the middle."""
    page = Page(
        "http://e.example/1.html", "欠款两年后的选择", (*PAGES[0].paragraphs[:2], LINE, *PAGES[2].paragraphs[:2])
    )
    corpus.add_fetch(fetch_of(page))
    corpus.derive_pending()
    document = corpus.find(page.url)
    assert document
    assert LINE in document["text"]
    yield corpus


def rule_file(folder: Path, text: str = RULE, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_changes_under_the_same_rules(corpus: Corpus) -> None:
    found = impact(corpus)
    assert (found.changed, found.fetches) == (0, 4)
    assert not any(found.rules.values())


def test_an_added_rule_changes_the_pages_it_matches_and_nothing_is_written(marked: Corpus, tmp_path: Path) -> None:
    before = marked.path.read_bytes()
    found = impact(marked, rule_file=rule_file(tmp_path))
    assert (found.changed, found.lost, found.gained) == (1, 0, 0)
    change = found.examples[0]
    assert change.url == "http://e.example/1.html"
    assert change.before is not None
    assert change.after == change.before.replace(f"\n{LINE}", "")
    assert {name: number for name, number in found.rules.items() if number} == {
        "strip/chrome.test-first-published": 1
    }
    assert marked.path.read_bytes() == before


def test_a_file_named_as_one_of_ours_stands_in_for_it(marked: Corpus, tmp_path: Path) -> None:
    ours = Path(impacts.__file__).parents[1] / "cleaning" / "rules" / "disclaimer.toml"
    changed = ours.read_text(encoding="utf-8") + RULE
    assert impact(marked, rule_file=rule_file(tmp_path, changed, "disclaimer.toml")).changed == 1


def test_what_the_corpus_holds_is_compared_with_the_rules_of_now(corpus: Corpus) -> None:
    with corpus.transaction():
        corpus.db.execute("UPDATE documents SET text = text || '多出来的一行' WHERE docid = 1")
    found = impact(corpus, examples=0)
    assert (found.changed, found.examples) == (1, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[rule", "not TOML"),
        ("a = 1", "no [[rule]]"),
        ('[[rule]]\nid = "x"', "add"),
        (RULE.replace("chrome.test-first-published", "chrome.breadcrumb"), "there already"),
        (RULE.replace(".{0,20}", "("), "compile"),
    ],
)
def test_a_rule_file_that_cannot_be_used_is_told(corpus: Corpus, tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CorpusError) as error:
        impact(corpus, rule_file=rule_file(tmp_path, text))
    assert told in str(error.value)


def test_a_revision_is_taken_from_the_checkout(
    marked: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Path(impacts.__file__).parents[1] / "cleaning"
    checkout = tmp_path / "checkout"
    shutil.copytree(package, checkout / "cleaning", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "cleaning" / "rules" / "disclaimer.toml").open("a", encoding="utf-8").write(RULE)
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", "-C", str(checkout), *command], check=True)
    monkeypatch.setattr("importlib.resources.files", lambda _: checkout / "cleaning")
    found = impact(marked, since="HEAD")
    # The revision took the line out, the rules of now leave it.
    assert found.changed == 1
    assert found.rules["strip/chrome.test-first-published"] == -1
    with pytest.raises(CorpusError, match="nosuch"):
        impact(marked, since="nosuch")
    with pytest.raises(CorpusError, match="--output"):
        impact(marked, since="--output=x")


def test_without_a_checkout_it_says_so(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path / "cleaning")
    with pytest.raises(CorpusError, match="checkout"):
        impact(corpus, since="HEAD")


def test_the_command(marked: Corpus, tmp_path: Path) -> None:
    path, rules = str(marked.path), str(rule_file(tmp_path))
    marked.close()
    shown = CliRunner().invoke(main, ["impact", path, "--rules", rules])
    assert shown.exit_code == 0, shown.output
    assert f"- {LINE}" in shown.stdout
    assert "1 of 5 pages would change" in shown.stderr
    told = CliRunner().invoke(main, ["impact", path, "--rules", rules, "--json"])
    assert json.loads(told.stdout)["changed"] == 1
    both = CliRunner().invoke(main, ["impact", path, "--rules", rules, "--since", "HEAD"])
    assert (both.exit_code, "one at a time" in both.stderr) == (2, True)
