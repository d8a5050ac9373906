"""The commands about copies, through the front door: cluster, diff, farms."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import yuqi
from corpus.fingerprint import fold
from corpus.records import Fetch
from corpus.store import Corpus
from tests.pages import PAGES, WHEN, html

BASE = tuple(
    f"{place}的借款人咨询{lender}逾期之后怎么处理，{lender}的客服说明{detail}，并且提醒保留凭证，{place}当地也有调解组织可以帮忙。"
    for place, lender, detail in [
        ("湖南", "招联金融", "可以先还一部分本金"),
        ("湖南", "招联金融", "分期方案要写进书面协议"),
        ("湖南", "招联金融", "罚息按合同约定的利率计算"),
        ("湖南", "招联金融", "深夜打来的电话可以录音投诉"),
        ("湖南", "招联金融", "结清之后要索取结清证明原件"),
    ]
)
CONTACT = "联系方式：13800000001"


def page(title: str, paragraphs: tuple[str, ...], contact: str = "") -> bytes:
    lines = "".join(f"<p>{line}</p>" for line in (*paragraphs, *filter(None, [contact])))
    text = f'<html><head><meta charset="utf-8"><title>{title}</title></head><body><h1>{title}</h1>{lines}</body></html>'
    return text.encode()


def swapped(lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line.replace("湖南", "河南").replace("招联金融", "度小满") for line in lines)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three copies of one article on three sites, a stirred one, and a page whose title is an escape sequence."""
    path = tmp_path_factory.mktemp("cluster") / "corpus.db"
    others = tuple(PAGES[2].paragraphs)
    pages = [
        ("http://a.example/1", page("招联金融逾期处理", BASE, CONTACT)),
        ("http://a.example/2", page("收到传票怎么办", others, CONTACT)),
        ("http://b.example/1", page("度小满逾期处理", swapped(BASE), CONTACT)),
        ("http://b.example/2", page("借款到期怎么办", tuple(PAGES[0].paragraphs), CONTACT)),
        ("http://c.example/1", page("招联金融逾期处理", BASE)),
        ("http://c.example/2", page("旧文重排", (*BASE[3:], *others[::-1], *BASE[:2]))),
        ("http://c.example/3", page("&#27;[31m\u202e标题", tuple(f"{line}（转载）" for line in BASE))),
    ]
    with Corpus(path, create=True) as corpus:
        for number, (url, body) in enumerate(pages):
            when = WHEN + timedelta(days=number)
            corpus.add_fetch(Fetch(url, when, body, "response", 200, (("Content-Type", "text/html"),)))
        assert corpus.derive_pending()["documents"] == len(pages)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(yuqi.main, [str(argument) for argument in arguments])


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_cluster_tells_who_had_it_when_and_what_was_swapped(database: Path) -> None:
    (found,) = rows(run("cluster", database, "http://c.example/1", "--json"))
    assert (found["documents"], found["sites"]) == (4, 3)
    members = found["members"]
    assert isinstance(members, list)
    assert [member["url"] for member in members] == [
        "http://a.example/1", "http://b.example/1", "http://c.example/1", "http://c.example/3",
    ]  # fmt: skip
    assert [member["kind"] for member in members[:3]] == [None, "template", "exact"]
    assert members[0]["id"] == found["id"] == members[1]["duplicate_of"]
    swaps = {(swap["before"], swap["after"]) for swap in members[1]["swaps"]}
    assert {("招联金融", "度小满"), ("湖南", "河南")} <= swaps
    told = run("cluster", database, "http://b.example/1").stdout
    assert "招联金融 \N{RIGHTWARDS ARROW} 度小满" in told
    assert told.index("a.example") < told.index("b.example") < told.index("c.example")


def test_the_largest_clusters_are_listed(database: Path) -> None:
    (found,) = rows(run("cluster", database, "--json"))
    assert (found["documents"], found["texts"], found["sites"]) == (4, 3, 3)
    assert run("cluster", database, "--limit", "1").stdout.count("招联金融逾期处理") == 1


def test_a_limit_cuts_members_and_says_so(database: Path) -> None:
    result = run("cluster", database, "http://c.example/1", "--limit", "2")
    assert "2 more members" in result.output
    assert "c.example" not in result.stdout.partition("kind")[2]


def test_a_document_alone_is_told_as_such(database: Path) -> None:
    result = run("cluster", database, "http://a.example/2")
    assert result.exit_code == 0
    assert "nothing else is like it" in result.output


def test_an_unknown_document_is_one_line(database: Path) -> None:
    for command in (("cluster", database, "nosuch"), ("diff", database, "nosuch", "http://a.example/1")):
        result = run(*command)
        assert result.exit_code == 2
        assert "yuqi search" in result.output
        assert len(result.output.strip().splitlines()) == 1


def test_hostile_titles_do_not_reach_the_terminal(database: Path) -> None:
    told = run("cluster", database, "http://c.example/3").output + run("cluster", database).output
    assert not {"\x1b", "\u202e"} & set(told)


def test_diff_shows_lines_and_swaps(database: Path) -> None:
    told = run("diff", database, "http://a.example/1", "http://b.example/1").stdout
    assert told.startswith("template: Jaccard")
    assert "招联金融 \N{RIGHTWARDS ARROW} 度小满  (lender, 10 times)" in told
    assert "~ [-湖-]{+河+}南的借款人咨询[-招联金融-]{+度小满+}逾期" in told
    assert "Shared blocks" not in told
    assert "Shared blocks" in run("diff", database, "http://a.example/1", "http://b.example/1", "--blocks").stdout


def test_diff_lists_the_shared_blocks_of_stirred_sentences(database: Path) -> None:
    told = run("diff", database, "http://a.example/1", "http://c.example/2").stdout
    assert "Shared blocks" in told
    (found,) = rows(run("diff", database, "http://a.example/1", "http://c.example/2", "--json"))
    with Corpus(database, readonly=True) as corpus:
        left, right = (corpus.find(url) for url in ("http://a.example/1", "http://c.example/2"))
    assert left is not None
    assert right is not None
    blocks = found["blocks"]
    assert isinstance(blocks, list)
    assert [block["left"] for block in blocks] != sorted(block["left"] for block in blocks)
    for block in blocks:
        assert fold(left["text"][block["left"] : block["left_end"]]) == fold(block["text"])
        assert right["text"][block["right"] : block["right_end"]] == block["text"]
    assert isinstance(found["shared_of_a"], float)
    assert 0.6 < found["shared_of_a"] <= 1


def test_a_document_against_itself_is_exact(database: Path) -> None:
    (found,) = rows(run("diff", database, "http://a.example/1", "http://a.example/1", "--json"))
    assert (found["kind"], found["jaccard"], found["swaps"], found["shared_of_b"]) == ("exact", 1.0, [], 1.0)


def test_contacts_are_shown_in_full_only_where_asked_for(database: Path) -> None:
    (farm,) = rows(run("farms", database, "--json"))
    assert farm["sites"] == ["a.example", "b.example"]
    assert "13800000001" not in run("farms", database).output + json.dumps(farm)
    assert "13800000001" in run("farms", database, "--contacts").stdout
    (farm,) = rows(run("farms", database, "--contacts", "--json"))
    assert "13800000001" in json.dumps(farm["ties"])
    assert (
        "13800000001"
        not in "".join(Corpus(database, readonly=True).connection.iterdump()).partition("findings")[0]
    )


def test_a_lost_archive_leaves_contacts_masked(tmp_path: Path, database: Path) -> None:
    copy = tmp_path / "alone.db"
    with Corpus(database, readonly=True) as corpus:
        corpus.connection.execute("VACUUM INTO ?", (str(copy),))
    result = run("farms", copy, "--contacts")
    assert result.exit_code == 0
    assert "138******01" in result.stdout


def test_nothing_alike_is_said(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    with Corpus(path, create=True) as corpus:
        corpus.add_fetch(Fetch("http://a.example/1", WHEN, html(PAGES[0]), "response", 200, ()))
        corpus.derive_pending()
    assert "no two documents are alike" in run("cluster", path).output
    assert run("cluster", path, "--json").stdout == ""
