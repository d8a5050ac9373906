from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.clean import Cleaned, Site, clean, to_dict
from cleaning.decode import INVALID_BYTE_BASE
from cleaning.findings import Finding, Rejected, replay, replay_stages
from cleaning.page import Selectors
from cleaning.repair.gbk_bytes import Decoder
from cleaning.repair.injection import inject
from tests.pages import PAGES, Page, html

SEEDS = json.loads((Path(__file__).parent / "seed_expectations.json").read_text(encoding="utf-8"))


def cleaned(body: bytes, content_type: str | None = None, **more: object) -> Cleaned:
    result = clean(body, content_type, **more)  # type: ignore[arg-type]  # passed through as given
    assert isinstance(result, Cleaned), result
    return result


def assert_accounted_for(page: Cleaned) -> None:
    """The promise of findings: they lead from the page's lines to the text, stage by stage."""
    assert replay_stages(page.page_text, page.findings) == page.text
    script = [finding for finding in page.findings if finding.stage == "script"]
    assert replay(page.text_source, script) == page.text


@pytest.mark.parametrize("page", PAGES[:3], ids=lambda page: page.url)
def test_a_plain_page(page: Page) -> None:
    result = cleaned(html(page), "text/html")
    assert result.title == page.title
    assert result.text.split("\n") == list(page.paragraphs)
    assert_accounted_for(result)


def test_a_damaged_page_from_gbk_bytes() -> None:
    """The bytes as the site sends them: the swallowed lead byte is still there, so nothing need be guessed."""
    readings = {
        "應": "yīng",
        "對": "duì",
        "習": "xí",
        "語": "yǔ",
        "氣": "qì",
        "強": "qiáng",
        "還": "huán",
        "時": "shí",
    }
    table = {char: f"({reading})" for char, reading in readings.items()}
    lines = (
        "有些甚至會使用較為強硬的語氣。",
        "借款人應及時還款，學習應對強硬的語氣。",
        "強調：對應時還是要還，習以為常。",
    )
    raw = Decoder(mark="", swallows_paren=False)
    damaged = "".join(f"<p>{inject(line, table, raw)}</p>" for line in lines)
    body = "<h1>怎樣回答強硬的電話催收</h1>".encode("gbk") + b"".join(map(gbk_byte, damaged))
    result = cleaned(body, "text/html; charset=gbk")
    assert result.encoding == "gb18030"
    assert result.text_source.split("\n") == list(lines)
    assert_accounted_for(result)


def gbk_byte(char: str) -> bytes:
    return bytes([ord(char) - INVALID_BYTE_BASE]) if ord(char) > INVALID_BYTE_BASE else char.encode("gb18030")


@pytest.mark.parametrize("expected", SEEDS, ids=[case["file"] for case in SEEDS])
def test_the_seeds(shared: Path, expected: dict[str, Any]) -> None:
    (path,) = (shared / "seeds").glob(f"{expected['file']}*.txt")
    result = cleaned(path.read_bytes(), "text/plain")
    assert_accounted_for(result)
    for field in ("title", "author", "published", "category"):
        assert getattr(result, field) == expected[field], field
    assert {contact.kind for contact in result.contacts} == set(expected["contacts"])
    lines = result.text.split("\n")
    assert (lines[0], lines[-1][-12:]) == (expected["first"], expected["last"])
    assert len(lines) == expected["lines"]
    assert result.title not in lines
    for fragment in expected["holds"]:
        assert fragment in result.text
    for sign in ("(", "?", "qq.com", "首页>>", "欢迎访问", "毛片", "成人", "随机看看", "最新文章", "侵权", "声明"):
        assert sign not in result.text, sign
    assert not any("\ue000" <= char <= "\uf8ff" for char in result.text)


def test_clean_text_is_changed_by_no_stage(shared: Path) -> None:
    """Statutes are the control: nothing but their markdown and their title may be taken from them."""
    for path in sorted((shared / "data" / "statutes").glob("*.txt"))[::5]:
        result = cleaned(path.read_bytes(), "text/plain")
        assert not [finding for finding in result.findings if finding.stage in ("repair", "script")], path.name
        kept = {finding.rule for finding in result.findings if finding.stage == "strip"}
        assert kept <= {"residue.heading-mark", "field.title", "chrome.symbols", "chrome.crumb"}, path.name


def test_a_page_that_does_not_say_what_it_is() -> None:
    assert cleaned(html(PAGES[0])).title == PAGES[0].title
    assert (
        cleaned("逾期之后先算清本金和利息，再与平台协商。".encode()).text
        == "逾期之后先算清本金和利息，再与平台协商。"
    )


@pytest.mark.parametrize("text", ["應(yīng)對(duì)問(wèn)題", "反饋?zhàn)陨淼倪€款"])
def test_a_snippet_keeps_its_only_line(text: str) -> None:
    assert cleaned(text.encode()).text in ("应对问题", "反馈自身的还款")


def test_selectors_of_a_declaration_win() -> None:
    blocks = ["".join(f"<p>{line}</p>" for line in page.paragraphs) for page in (PAGES[0], PAGES[2])]
    page = f"<div id=a>{blocks[0]}</div><div id=b>{blocks[1]}</div>"
    site = Site(selectors=Selectors(body="#b"))
    assert cleaned(page.encode(), "text/html", site=site).text.split("\n") == list(PAGES[2].paragraphs)


def test_relative_times_are_resolved_against_the_fetch_time() -> None:
    page = f"<h1>{PAGES[0].title}</h1><p>作者：林编辑　3天前</p>" + "".join(
        f"<p>{line}</p>" for line in PAGES[0].paragraphs
    )
    result = cleaned(page.encode(), "text/html", fetched_at=datetime(2024, 10, 13, tzinfo=UTC))
    assert result.published is not None
    assert result.published.startswith("2024-10-10")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "not-text"),
        ("锟斤拷".encode() * 60, "damaged"),
        (b"<html><body></body></html>", "junk-page"),
        ("\N{IDEOGRAPHIC SPACE}".encode() * 9, "junk-page"),
        ("\N{NO-BREAK SPACE}\n\N{LINE SEPARATOR}".encode(), "junk-page"),
    ],
)
def test_what_gives_no_article_says_why(body: bytes, reason: str) -> None:
    result = clean(body)
    assert isinstance(result, Rejected)
    assert result.reason == reason
    assert result.detail
    assert to_dict(result, source="-", url=None)["reason"] == reason


def test_both_outcomes_print_the_same_keys() -> None:
    ok = to_dict(cleaned(html(PAGES[0])), source="a", url="b")
    rejected = to_dict(Rejected("empty", "nothing"), source="a", url="b")
    assert set(ok) | {"detail"} == set(rejected) | {"detail"}
    json.dumps(ok, ensure_ascii=False)


FRAGMENTS = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<div class=content>",
            "<br>",
            "<h1>逾期</h1>",
            "<table><tr><td>",
            "<li><a href=/1.html>",
            "<!--",
        ),
        *(
            "催收电话打来时先别慌，",
            "應(yīng)對(duì)",
            "?zhàn)",
            "锟斤拷",
            "\ue491",
            "ÄãºÃ",
            "浣犲ソ",
            "\U0010ff95",
        ),
        *(
            "免费毛片,在线观看,成人视频",
            "&#36926;&#26399;",
            "<script>alert(1)</script>",
            "\x1b[31m",
            "\u202e",
            "\n",
        ),
        *("上一篇：", "2024-10-13", "微信：yuqi_demo01"),
    ]
)


@given(
    st.lists(FRAGMENTS, max_size=30),
    st.sampled_from([None, "text/html", "text/plain"]),
    st.sampled_from(["utf-8", "gb18030"]),
)
@settings(max_examples=120, deadline=None)
def test_any_page_is_accounted_for(fragments: list[str], content_type: str | None, encoding: str) -> None:
    result = clean("".join(fragments).encode(encoding, "ignore"), content_type)
    if isinstance(result, Cleaned):
        assert_accounted_for(result)
        assert result.text
        assert "\n\n" not in result.text
        assert all(isinstance(finding, Finding) for finding in result.findings)


def test_it_is_a_function_of_its_input() -> None:
    pages = [html(page) for page in PAGES]
    first = [clean(body) for body in pages]
    assert [clean(body) for body in reversed(pages)][::-1] == first
