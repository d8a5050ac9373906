"""The report: numbers as SQL counts them, hostile names as text, the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import re
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

import yuqi
from corpus.charts import Series, bars, columns_over, shorten
from corpus.report import page, report
from corpus.store import Corpus
from tests.corpus.web import hostile
from tests.pages import PAGES

HOSTILE_NAME = "\"'></title><script>alert(1)</script>$\\frac{1}{$\N{RIGHT-TO-LEFT OVERRIDE}"


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "corpus.db"
    hostile.build(path)
    with Corpus(path, readonly=True) as corpus:
        return page(corpus.connection, HOSTILE_NAME)


def table(tree: LexborHTMLParser, title: str) -> dict[str, list[str]]:
    """Return a section's table: the numbers of each row by its name."""
    section = next(node for node in tree.css("section") if node.css_first("h2").text() == title)  # type: ignore[union-attr]
    return {
        row.css_first("th").text(): [cell.text() for cell in row.css("td")]  # type: ignore[union-attr]
        for row in section.css("tbody tr")
    }


def test_every_number_is_the_table_s(corpus: Corpus) -> None:
    tree = LexborHTMLParser(page(corpus.connection, "corpus"))
    figures = {node.css_first("dt").text(): node.css_first("dd").text() for node in tree.css(".figures div")}  # type: ignore[union-attr]
    assert figures["documents"] == str(corpus.count("documents"))
    assert figures["articles"] == str(corpus.count("articles"))
    assert figures["rejected"] == str(corpus.count("rejections"))
    sites = {name: sum(map(int, numbers)) for name, numbers in table(tree, "Documents by site").items()}
    sql = "SELECT site, count(*) FROM documents GROUP BY site"
    assert sites == dict(corpus.connection.execute(sql).fetchall())
    rejected = {name: int(numbers[0]) for name, numbers in table(tree, "Rejected pages").items()}
    sql = "SELECT reason, count(*) FROM rejections GROUP BY reason"
    assert rejected == dict(corpus.connection.execute(sql).fetchall())
    kinds = {name: int(numbers[0]) for name, numbers in table(tree, "Duplicates by kind").items()}
    sql = "SELECT duplicate_kind, count(*) FROM documents WHERE duplicate_of IS NOT NULL GROUP BY 1"
    assert kinds == dict(corpus.connection.execute(sql).fetchall())


def test_spun_articles_are_documents_of_one_template(corpus: Corpus) -> None:
    keys = [key for (key,) in corpus.connection.execute("SELECT id FROM documents ORDER BY docid")]
    corpus.connection.execute("UPDATE documents SET template_cluster_id = NULL")
    chosen = (keys[0], *keys[1:3])
    corpus.connection.execute("UPDATE documents SET template_cluster_id = ? WHERE id IN (?, ?)", chosen)
    corpus.connection.commit()
    found = table(LexborHTMLParser(page(corpus.connection, "corpus")), "Spun articles")
    assert {name: numbers[0] for name, numbers in found.items()} == {PAGES[0].title: "2"}


def test_damage_and_chrome_are_counted_by_rule(hostile_page: str) -> None:
    tree = LexborHTMLParser(hostile_page)
    assert table(tree, "Damage classes") == {"repair.pinyin.aligned": ["8", "8", "0", "0", "8"]}
    assert table(tree, "What else was taken out") == {
        "contact.line": ["8"],
        "dom.nav": ["8"],
        "field.title": ["8"],
    }
    assert table(tree, "Farms")[hostile.SITE + "0"][:2] == ["8", "2"]


def test_every_chart_has_its_table(hostile_page: str) -> None:
    tree = LexborHTMLParser(hostile_page)
    charts = [node for node in tree.css("section") if node.css("svg[role=img]")]
    assert len(charts) >= 8
    for section in charts:
        chart, heading = section.css_first("svg[role=img]"), section.css_first("h2")
        assert chart is not None
        assert heading is not None
        assert (chart.attributes["aria-label"] or "").startswith(heading.text())
        assert section.css("details table tbody tr")


def test_nothing_of_a_name_becomes_markup(hostile_page: str) -> None:
    tree = LexborHTMLParser(hostile_page)
    assert not tree.css("script, img, iframe, object, link, base, form, a[href], foreignObject")
    for node in tree.css("*"):
        names = {name.lower() for name in node.attributes}
        assert not [name for name in names if name.startswith("on") or name == "style"], node.html
        assert (node.attributes.get("href") or "#").startswith("#")
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in hostile_page
    assert hostile.PHONE not in hostile_page
    assert "http" not in re.sub(r"http-equiv", "", hostile_page)


def test_the_policy_allows_the_page_s_own_sheet_and_nothing_else(hostile_page: str) -> None:
    style = re.search(r"<style>(.*?)</style>", hostile_page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = LexborHTMLParser(hostile_page).css_first("meta[http-equiv]").attributes["content"]  # type: ignore[union-attr]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert hostile_page.count("<style") == 1


def test_the_same_corpus_gives_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    first, second = tmp_path / "1.html", tmp_path / "2.html"
    size = report(corpus.connection, first, name="corpus")
    report(corpus.connection, second, name="corpus")
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size == size


def test_an_empty_corpus_has_a_report(tmp_path: Path) -> None:
    with Corpus(tmp_path / "c.db", create=True) as corpus:
        tree = LexborHTMLParser(page(corpus.connection, "empty"))
    assert not tree.css("svg")
    assert len(tree.css("section")) > 8


def test_a_failure_leaves_what_was_there(corpus: Corpus, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("before", encoding="utf-8")
    corpus.connection.execute("DROP TABLE farms")
    with pytest.raises(sqlite3.OperationalError):
        report(corpus.connection, out, name="corpus")
    assert out.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.glob(".*.part")) == []


def test_the_command(corpus: Corpus, tmp_path: Path) -> None:
    corpus.flush()
    out = tmp_path / "out.html"
    result = CliRunner().invoke(yuqi.main, ["report", str(corpus.path), str(out)])
    assert result.exit_code == 0, result.output
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    missing = CliRunner().invoke(yuqi.main, ["report", str(tmp_path / "no.db"), str(out)])
    assert missing.exit_code == 2
    assert "no such corpus" in missing.stderr


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), max_size=40))
def test_any_label_is_drawn_as_it_is(label: str) -> None:
    drawn = LexborHTMLParser(bars([label], [Series("articles", (3,))], "Any"))
    assert "".join(shorten(label).split()) in "".join("".join(node.text() for node in drawn.css("text")).split())


def test_columns_over_time_are_drawn_for_each_month() -> None:
    months = [f"2024-{month:02d}" for month in range(1, 13)]
    drawn = columns_over(months, [Series("a", tuple(map(float, range(12)))), Series("b", (1.0,) * 12)], "Growth")
    assert drawn.count("fill-s0") == 12
    assert drawn.count("fill-s1") == 12
    assert "style=" not in drawn


@pytest.mark.parametrize(("name", "short"), [("借呗", "借呗"), ("x" * 26, "x" * 26), ("x" * 27, "x" * 25 + "\u2026"),
                                             ("贷" * 14, "贷" * 12 + "\u2026")])  # fmt: skip
def test_long_labels_are_cut_by_their_width(name: str, short: str) -> None:
    assert shorten(name) == short
