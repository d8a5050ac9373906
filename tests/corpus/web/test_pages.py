"""Every page of a served corpus: what it shows, what it refuses, and that hostile texts stay text."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest
from selectolax.lexbor import LexborHTMLParser

from corpus.store import Corpus
from corpus.web.config import queries
from tests.corpus.web.conftest import Ask, asker, column
from tests.corpus.web.hostile import IMAGE, PHONE, SCRIPT, SITE, page_text
from tests.pages import PAGES, fetch_of

FIRST = "SELECT id FROM documents ORDER BY docid"
CLUSTER = "SELECT DISTINCT cluster_id FROM documents WHERE cluster_id IS NOT NULL"


def hostile_pages(path: Path) -> list[str]:
    """Return the paths of every kind of page over the hostile corpus."""
    document, cluster = column(path, FIRST)[0], column(path, CLUSTER)[0]
    run, copy = column(path, "SELECT id FROM crawls")[0], column(path, FIRST)[1]
    return [
        "/", "/?q=催收", f"/?q={quote(SCRIPT)}", f"/?f=site:{quote(SITE + '0')}", f"/?q={quote(IMAGE)}&all=1",
        f"/?f=lender:{quote('借呗')}&f=topic:{quote(SCRIPT)}", f"/?q=nosuchfield:{quote(IMAGE)}", "/?q=((",
        f"/doc/{document}", *(f"/doc/{document}?stage={name}" for name in ("repair", "strip", "normalize", "script")),
        f"/doc/{document}?stage={quote(SCRIPT)}", f"/cluster/{cluster}", f"/cluster/{cluster}?with={copy}",
        "/farms", f"/farm?id={quote(SITE + '0')}", "/crawls", f"/crawl?id={run}", "/corpus", "/corpus/documents",
        "/corpus/articles?_facet=site", "/corpus/fetches", "/corpus/findings", "/corpus/contacts", "/corpus/farm_ties",
        "/corpus/rejections", "/corpus/documents/1", f"/corpus?sql=select+{quote(repr(SCRIPT).replace(chr(39), chr(34)))}",
        "/corpus?sql=select+title,url,site,text+from+documents", f"/corpus/search?words={quote(SCRIPT)}",
        "/corpus/documents_by_rule?rule=dom.nav", f"/farm?id={quote(SCRIPT)}", f"/{quote(SCRIPT)}",
        f"/crawl?id={quote(IMAGE)}",
        f"/corpus/{quote(SCRIPT)}", "/-/versions", "/-/metadata",
    ]  # fmt: skip


def test_no_text_of_a_hostile_corpus_becomes_markup(hostile_path: Path, ask_hostile: Ask) -> None:
    for path in hostile_pages(hostile_path):
        response = ask_hostile(path)
        if response.status_code == 302:  # Datasette spells odd characters its own way
            response = ask_hostile(response.headers["location"])
        assert response.status_code in (200, 400, 404), (path, response.text[-300:])
        tree = LexborHTMLParser(response.text)
        scripts = [node.attributes.get("src") or "" for node in tree.css("script")]
        assert len(scripts) == 1, path
        assert scripts[0].startswith("/yuqi-static/yuqi.js"), path
        assert not tree.css("img, iframe, object, embed, style, base, form[method=post]"), path
        for node in tree.css("*"):
            names = {name.lower() for name in node.attributes}
            assert not [name for name in names if name.startswith("on") or name == "style"], (path, node.html)
            for name in ("href", "src", "action"):
                value = node.attributes.get(name)
                assert value is None or value.startswith(("/", "?", "#", "http://localhost/")), (path, value)
                assert value is None or not value.startswith("//"), (path, value)
        assert "1337" not in response.text, (path, "a template in a text was executed")
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in response.text, path


def test_contacts_are_masked_on_our_pages(hostile_path: Path, ask_hostile: Ask) -> None:
    assert PHONE in page_text(0)
    for path in hostile_pages(hostile_path):
        if not path.startswith("/corpus"):
            assert PHONE not in ask_hostile(path).text, path


def test_headers_of_every_answer(hostile_path: Path, ask_hostile: Ask) -> None:
    for path in [*hostile_pages(hostile_path), "/yuqi-static/yuqi.css", "/corpus/documents.json", "/nosuch"]:
        headers = ask_hostile(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'"), path
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in headers


def test_raw_bytes_are_a_download_and_never_a_page(hostile_path: Path, ask_hostile: Ask) -> None:
    key = column(hostile_path, FIRST)[0]
    raw = ask_hostile(f"/doc/{key}/raw")
    assert raw.content == f"<html>{SCRIPT}0".encode()
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith("attachment")
    source = ask_hostile(f"/doc/{key}/source")
    assert source.headers["content-type"] == "text/plain; charset=utf-8"
    assert source.text == f"<html>{SCRIPT}0"
    for response in (raw, source):
        assert response.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_lost_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "corpus.db"
    with Corpus(path, create=True) as corpus:
        corpus.add_fetch(fetch_of(PAGES[0]))
        corpus.derive_pending()
        key = corpus.connection.execute(FIRST).fetchone()[0]
    for file in tmp_path.glob("*.archive/*"):
        file.unlink()
    response = asker(path)(f"/doc/{key}/raw")
    assert response.status_code == 404
    assert "archive" in response.text


def test_the_search_page(ask: Ask) -> None:
    landing = LexborHTMLParser(ask("/").text)
    assert {node.text() for node in landing.css("aside h2")} >= {"site", "month", "script"} - {"month"}
    assert len(landing.css("article.hit")) == 2
    found = LexborHTMLParser(ask("/?q=催收人員").text)
    assert len(found.css("article.hit")) == 1
    assert [node.text() for node in found.css("mark")][:1] == ["催收人员"]
    narrowed = LexborHTMLParser(ask("/?q=催收&f=site:c.example").text)
    assert "Nothing found" in narrowed.text()
    chips = narrowed.css(".chips a")
    assert [chip.attributes["href"] for chip in chips] == ["/?q=%E5%82%AC%E6%94%B6"]
    everything = LexborHTMLParser(ask("/?q=催收&all=1").text)
    assert len(everything.css("article.hit")) == 3


def test_a_query_that_can_t_be_run_is_told_on_the_page(ask: Ask) -> None:
    response = ask("/?q=NOT 催收")
    assert response.status_code == 200
    assert "NOT only takes away" in response.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999", "2", "\u0663"])
def test_page_numbers_that_lead_nowhere(ask: Ask, page: str) -> None:
    assert ask(f"/?q=催收&page={page}").status_code == 200


def test_before_and_after_hold_the_page_and_the_text(hostile_path: Path, ask_hostile: Ask) -> None:
    key, text = (
        column(hostile_path, FIRST)[0],
        column(hostile_path, "SELECT text FROM documents ORDER BY docid")[0],
    )
    walk = LexborHTMLParser(ask_hostile(f"/doc/{key}").text).css_first(".walk")
    assert walk is not None
    repaired = walk.css_first(".change.certified")
    assert repaired is not None
    assert repaired.text() == "(yīng)"
    assert "repair.pinyin.aligned" in (repaired.attributes["title"] or "")
    assert {node.attributes["class"].split()[-1] for node in walk.css(".gone") if node.attributes["class"]} == {
        "field", "chrome", "contact",
    }  # fmt: skip
    for node in walk.css("del"):
        node.decompose()
    shown = re.sub(r"202E|200B", "", walk.text())
    assert shown == re.sub("[\N{RIGHT-TO-LEFT OVERRIDE}\N{ZERO WIDTH SPACE}]", "", text)


def test_every_change_has_its_row_and_one_takes_focus_by_tab(hostile_path: Path, ask_hostile: Ask) -> None:
    tree = LexborHTMLParser(ask_hostile(f"/doc/{column(hostile_path, FIRST)[0]}").text)
    changes = tree.css(".change")
    assert [node.attributes["tabindex"] for node in changes] == ["0", *["-1"] * (len(changes) - 1)]
    for node in changes:
        for number in (node.attributes["data-findings"] or "").split():
            assert tree.css_first(f"#t{number}") is not None


def test_a_cluster_names_what_was_swapped(plain_path: Path, ask: Ask) -> None:
    sql = "SELECT coalesce(template_cluster_id, cluster_id) FROM documents WHERE site = 'c.example'"
    key = column(plain_path, sql)[0]
    tree = LexborHTMLParser(ask(f"/cluster/{key}").text)
    assert len(tree.css(".members tbody tr")) == 3
    assert "小米贷" in " ".join(node.text() for node in tree.css(".aligned ins"))


def test_a_farm_and_its_evidence(ask_hostile: Ask) -> None:
    tree = LexborHTMLParser(ask_hostile(f"/farm?id={quote(SITE + '0')}").text)
    assert len(tree.css("svg circle.site")) == 2
    assert tree.css("svg line.tie")
    assert "139******34" in tree.text()


def test_a_run(ask_hostile: Ask, hostile_path: Path) -> None:
    tree = LexborHTMLParser(ask_hostile(f"/crawl?id={column(hostile_path, 'SELECT id FROM crawls')[0]}").text)
    figures = {node.css_first("dt").text(): node.css_first("dd").text() for node in tree.css(".figures div")}  # type: ignore[union-attr]
    assert figures["responses"] == "9"
    assert figures["documents"] == "8"
    assert figures["rejected"] == "1"
    assert tree.css("svg rect.documents")


@pytest.mark.parametrize(
    "sql",
    [
        "select value from corpus_meta",
        "select * from corpus_meta",
        "attach '/etc/passwd' as other",
        "delete from documents",
        "pragma user_version = 3",
        "select load_extension('x')",
        "select randomblob(1000000000)",
        "select hex(zeroblob(500000000))",
        "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n",
    ],
)
def test_sql_that_is_refused(ask: Ask, sql: str) -> None:
    response = ask("/corpus?sql=" + quote(sql))
    assert response.status_code == 400, response.text
    assert "alert" in response.text


def test_every_canned_query_runs_here_and_in_plain_sqlite(plain_path: Path, ask: Ask) -> None:
    connection = sqlite3.connect(plain_path)
    values = {"lender": "小米贷", "rule": "field.title"}
    for name, query in queries().items():
        response = ask(f"/corpus/{name}.json?_shape=array&lender=小米贷&rule=field.title")
        assert response.status_code == 200, (name, response.text)
        assert len(response.json()) == len(connection.execute(query["sql"], values).fetchall()), name
    connection.close()
    assert [row["title"] for row in ask("/corpus/search.json?_shape=array&words=法院傳票").json()] == [
        PAGES[2].title
    ]


def test_tables_say_what_their_columns_mean(ask: Ask) -> None:
    assert "ISO 8601, as exact as the page says" in ask("/corpus/documents").text
    assert ask("/corpus/corpus_meta").status_code == 403


def test_ids_lead_to_our_pages(plain_path: Path, ask: Ask) -> None:
    key = column(plain_path, FIRST)[0]
    assert f'<a href="/doc/{key}">' in ask("/corpus/documents").text


@pytest.mark.parametrize("path", ["/corpus.db", "/-/plugins", "/-/databases.json", "/-/permissions",
                                  "/_internal", "/-/threads", "/-/messages", "/-/auth-token", "/yuqi-static/../app.py",
                                  "/doc/x"])  # fmt: skip
def test_what_is_not_served(ask: Ask, path: str) -> None:
    assert ask(path).status_code in (403, 404)


def test_only_reading(ask: Ask) -> None:
    assert ask("/", method="POST").status_code == 405
    assert ask("/corpus", method="DELETE").status_code == 405


def test_other_names_for_this_machine_are_refused(plain_path: Path, ask: Ask) -> None:
    assert ask("/", headers={"host": "rebound.example"}).status_code == 421
    assert ask("/", headers={"host": "[::1]:8001"}).status_code == 200
    assert ask("/", headers={"host": "["}).status_code == 421
    assert asker(plain_path, local_only=False)("/", headers={"host": "data.example"}).status_code == 200


@pytest.mark.parametrize("path", ["//evil.test/%41", "//evil.test/%2e%2e", "///%41"])
def test_nobody_is_sent_elsewhere(ask: Ask, path: str) -> None:
    response = ask(path)
    assert response.status_code == 404
    assert "location" not in response.headers


def test_it_reads_while_somebody_writes(tmp_path: Path) -> None:
    path = tmp_path / "odd name #1?.db"
    with Corpus(path, create=True) as corpus:
        corpus.add_fetch(fetch_of(PAGES[0]))
        corpus.derive_pending()
        ask = asker(path)
        assert ask("/corpus/documents.json?_shape=array").json()[0]["title"] == PAGES[0].title
        corpus.add_fetch(fetch_of(PAGES[2]))
        corpus.derive_pending()
        with corpus.transaction():
            assert len(ask("/corpus/documents.json?_shape=array").json()) == 2
            assert ask("/?q=传票").text.count('class="hit"') == 1


def test_a_file_that_nothing_changes_is_read_without_locks(plain_path: Path) -> None:
    assert asker(plain_path, immutable=True)("/?q=催收").text.count('class="hit"') == 1


def test_errors_print_nothing_of_the_program(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    response = ask("/nosuch/table")
    assert response.status_code == 404
    assert "Traceback" not in capsys.readouterr().out + capsys.readouterr().err
    assert json.loads(ask("/corpus/nosuch.json").text)["ok"] is False


def test_static_files_load_nothing_from_elsewhere() -> None:
    folder = Path(__file__).parents[3] / "corpus" / "web"
    for file in [*folder.glob("static/*"), *folder.glob("templates/*")]:
        text = file.read_text(encoding="utf-8").replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE) or file.name == "yuqi.js", file
        assert "@import" not in text
        assert "url(" not in text
