"""strip(): pages as they are met, roles, honest texts, and what holds for every input."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning import outline
from cleaning.findings import replay, undo
from cleaning.page import DROPPED_ROLES, FIELD_ROLES, KEPT_ROLES, Role
from cleaning.profile import SiteProfile
from cleaning.strip import Stripped, rule_ids, strip

CASES = Path(__file__).parent / "cases"
PAGES: list[dict[str, Any]] = json.loads((CASES / "strip_pages.json").read_text(encoding="utf-8"))
HONEST: list[str] = json.loads((CASES / "honest_sentences.json").read_text(encoding="utf-8"))["lines"]
LOOKALIKES: list[str] = json.loads((CASES / "looks_like_chrome.json").read_text(encoding="utf-8"))["lines"]
SEEDS = Path(__file__).parents[3] / "shared" / "seeds"

PROSE = "借款人逾期后应当主动联系平台，说明自己的实际困难，争取延期或者分期还款。"


def _plain(lines: list[str]) -> tuple[outline.Outline, Stripped]:
    """Take a plain-text page through outline and strip, as clean() does."""
    found = outline.find(lines)
    roles: list[Role] = ["paragraph"] * len(lines)
    for index in found.title_lines:
        roles[index] = "title"
    for index in found.byline_lines:
        roles[index] = "byline"
    return found, strip("\n".join(lines), roles, title=found.title)


def _paragraphs(lines: list[str], *, title: str | None = None, profile: SiteProfile | None = None) -> list[str]:
    text = "\n".join(lines)
    return strip(text, ["paragraph"] * len(lines), title=title, profile=profile).edited.text.split("\n")


@pytest.mark.parametrize("page", [pytest.param(page, id=page["label"]) for page in PAGES])
def test_a_page(page: dict[str, Any]) -> None:
    found, stripped = _plain(page["lines"])
    assert (found.title, list(found.title_lines)) == (page["title"], page["title_lines"])
    assert list(found.byline_lines) == page["byline_lines"]
    assert stripped.edited.text.split("\n") == page["kept"]
    for name, value in page["fields"].items():
        assert getattr(stripped.fields, name) == value
    assert [[contact.kind, contact.value] for contact in stripped.contacts] == page["contacts"]


# -- Honest text ------------------------------------------------------------------------------------------------


def test_a_page_of_fifty_honest_sentences_keeps_every_one() -> None:
    assert len(HONEST) == 50
    assert _paragraphs(HONEST) == HONEST


@pytest.mark.parametrize("line", HONEST)
def test_an_honest_sentence_stays_wherever_it_stands(line: str) -> None:
    for lines in ([line, PROSE], [PROSE, line], [PROSE, line, PROSE]):
        assert _paragraphs(lines) == lines


@pytest.mark.parametrize("line", LOOKALIKES)
def test_an_article_line_that_looks_like_furniture_stays(line: str) -> None:
    for lines in ([PROSE, line], [PROSE, line, PROSE]):
        assert _paragraphs(lines) == lines


def test_honest_sentences_between_spam_stay() -> None:
    spam = "久久精品国产 I 亚洲无码视频 I 日韩av在线 I 天天操"
    mixed = [line for sentence in HONEST for line in (spam, sentence)]
    assert _paragraphs(mixed) == HONEST


def test_an_articles_own_headings_stay() -> None:
    lines = [
        "小編導語", PROSE, "一、基本概述", "1.1 背景", PROSE, "六、小編總結", PROSE,
        "相關內容", "1. 《民法典》", "附錄", "常見問題解答",
    ]  # fmt: skip
    assert _paragraphs(lines) == lines


# -- Roles, title, profile --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(DROPPED_ROLES | FIELD_ROLES))
def test_a_line_goes_by_its_role(role: Role) -> None:
    stripped = strip(f"{PROSE}\n其他人的文字\n{PROSE}", ["paragraph", role, "paragraph"])
    (finding,) = stripped.edited.findings
    assert finding.rule == ("field." if role in FIELD_ROLES else "dom.") + role
    assert finding.before == "其他人的文字\n"
    assert stripped.edited.text == f"{PROSE}\n{PROSE}"


@pytest.mark.parametrize("role", sorted(KEPT_ROLES))
def test_a_line_of_the_article_stays_whatever_its_role(role: Role) -> None:
    assert strip(f"{PROSE}\n还款的三个步骤", ["paragraph", role]).edited.text == f"{PROSE}\n还款的三个步骤"


def test_the_title_line_serves_where_no_title_is_given() -> None:
    stripped = strip(f"催款怎么办\n{PROSE}\n催款怎么办", ["title", "paragraph", "paragraph"])
    assert stripped.edited.text == PROSE
    assert [finding.rule for finding in stripped.edited.findings] == ["field.title", "title.repeat"]


def test_the_title_is_compared_across_scripts_and_widths() -> None:
    assert _paragraphs([PROSE, "催款怎麼辦？", PROSE], title="催款怎么办?") == [PROSE, PROSE]


def test_contacts_come_from_what_is_stripped_not_from_the_article_or_comments() -> None:
    lines = [
        "对方用13800000001这个号码打来，自称是平台客服，随后要求转账。",
        "电话：13800000002",
        "我的电话13800000003",
    ]
    stripped = strip("\n".join(lines), ["paragraph", "paragraph", "comment"])
    assert [contact.value for contact in stripped.contacts] == ["13800000002"]
    contact = stripped.contacts[0]
    assert ("\n".join(lines))[contact.start : contact.end] == "13800000002"
    assert contact.line == lines[1]


def test_a_site_profile_takes_its_long_lines_anywhere_and_its_short_ones_at_the_edges() -> None:
    long, short = "本频道由某某信息服务中心提供内容支持", "信用知识"
    profile = SiteProfile("site", 9, {long: 9, short: 5})
    lines = [short, PROSE, short, long, PROSE, short]
    assert _paragraphs(lines, profile=profile) == [PROSE, short, PROSE]
    text = "\n".join(lines)
    rules = [finding.rule for finding in strip(text, ["paragraph"] * 6, profile=profile).edited.findings]
    assert rules == ["profile.line"] * 3
    assert _paragraphs(lines) == lines


def test_the_number_of_roles_is_the_number_of_lines() -> None:
    with pytest.raises(ValueError, match="one role for each line"):
        strip("一\n二", ["paragraph"])


def test_a_signature_date_at_the_end_stays_and_one_at_the_head_goes() -> None:
    assert _paragraphs(["2024年3月15日", PROSE, "2024年3月15日"]) == [PROSE, "2024年3月15日"]


def test_fields_are_lifted_from_lines() -> None:
    text = f"来源：某某网 作者：周某某 2024-03-05 浏览：12次\n{PROSE}"
    fields = strip(text, ["paragraph", "paragraph"]).fields
    assert (fields.author, fields.source, fields.published) == ("周某某", "某某网", "2024-03-05")
    assert fields.counters == {"views": 12}


def test_a_page_that_is_all_furniture_leaves_nothing() -> None:
    assert _paragraphs(["最新文章", "分享", "", "上一篇：没有了"]) == [""]


# -- Every input ------------------------------------------------------------------------------------------------

_PIECES = st.sampled_from([
    PROSE, "最新文章", "分享", "久久精品国产,亚洲无码视频,日韩av在线", "电话：13800000000", "上一篇：没有了",
    "某某贷怎么办", "", " ", "一、概述", "**重点**内容", "亚 洲 视 频", "专业停催，咨询微信:abc00000。请尽快。",
    "责任编辑：某某", "***", "2024-01-01 12:00", "主站蜘蛛池模板: 甲|乙|丙|丁|戊|己",
    "财务轨道。免费一级毛片在线播放,91精品人妻导航,国产一级牲交",
])  # fmt: skip
_LINES = st.lists(
    st.one_of(_PIECES, st.text(st.characters(exclude_characters="\n"), max_size=30)), min_size=1, max_size=14
)
_ALL_ROLES: tuple[Role, ...] = get_args(Role)
_ROLES = st.sampled_from(_ALL_ROLES)


@settings(max_examples=150, deadline=None)
@given(_LINES, st.data())
def test_findings_replay_and_undo_and_no_line_is_empty(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    roles = data.draw(st.lists(_ROLES, min_size=len(lines), max_size=len(lines)))
    edited = strip(text, roles, title="某某贷怎么办").edited
    assert replay(text, edited.findings) == edited.text
    assert undo(edited.text, edited.findings) == text
    assert {finding.rule for finding in edited.findings} <= rule_ids()
    assert edited.text == "" or all(line.strip() for line in edited.text.split("\n"))
    assert all(finding.after == "" and finding.stage == "strip" for finding in edited.findings)


def test_output_does_not_depend_on_earlier_calls() -> None:
    page = "\n".join(PAGES[0]["lines"])
    roles: list[Role] = ["paragraph"] * len(PAGES[0]["lines"])
    first = strip(page, roles)
    strip(PROSE, ["paragraph"], title="别的标题")
    assert strip(page, roles) == first


# -- The seeds --------------------------------------------------------------------------------------------------

_SEED_FIELDS = {
    "000": ("鳳澄霞", "2024-10-13T14:44:13", "逾期政策"),
    "001": (None, None, "逾期資訊"),
    "002": (None, None, "網貸逾期"),
    "003": ("秦暖玲", None, None),
    "004": (None, None, "催收科普"),
}
_CHROME = re.compile(r"最新文章|隨機看看|最新發布|歡迎訪問|刪帖|聲明|逾期頻道|^分享$|℃|首頁|責任編輯|毛片|无码")
_READING = re.compile(r"\([a-zü\u00e0-\u01dc\u0261]{1,6} ?\)")


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the seeds are not beside this checkout")
@pytest.mark.parametrize("number", sorted(_SEED_FIELDS))
def test_a_seed_keeps_its_article_and_nothing_else(number: str) -> None:
    """Readings are only cut here, not repaired: strip's own work is what is looked at."""
    raw = next(SEEDS.glob(f"{number}_*.txt")).read_text(encoding="utf-8")
    lines = [line for line in (" ".join(line.split()) for line in _READING.sub("", raw).split("\n")) if line]
    found, stripped = _plain(lines)
    kept = stripped.edited.text.split("\n")
    fields = (stripped.fields.author, stripped.fields.published, stripped.fields.category)
    assert fields == _SEED_FIELDS[number]
    assert found.title is not None
    assert found.title not in kept
    assert [line for line in kept if _CHROME.search(line)] == []
    gone = [line for line in lines if line not in kept and len(line) > 24 and not _CHROME.search(line)]
    assert [line for line in gone if "qq.com" not in line] == []
    assert all(contact.value.startswith(("150", "359")) for contact in stripped.contacts)
    assert stripped.contacts
