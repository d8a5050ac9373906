from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from demo.gold import Gold
from demo.score import fold, gram_f1, score, score_farms
from demo.site import Demo

PAGE = Gold(
    "http://a.test/1", "a", "article", title="标题", author="某编", published="2024-01-02T03:04", category="资讯",
    text="正文的头一段话。\n正文的第二段话。", text_source="正文的頭一段話。\n正文的第二段話。",
    spam_lines=("免费影院在线观看",), chrome_lines=("首页", "联系方式：13800000000"),
    contacts=({"kind": "phone", "value": "13800000000"},), damage=({"mechanism": "pinyin", "recoverable": True},),
)  # fmt: skip
LIST = Gold("http://a.test/", "a", "list")


def document(gold: Gold, **changes: object) -> dict[str, Any]:
    fields = {
        name: getattr(gold, name)
        for name in ("url", "title", "author", "published", "category", "text", "text_source")
    }
    same = {
        "cluster_id": gold.cluster,
        "template_cluster_id": gold.template_cluster,
        "contacts": list(gold.contacts),
    }
    return fields | same | changes


def test_the_truth_scores_full_marks(demo: Demo) -> None:
    truth = [document(gold) for gold in demo.gold if gold.kind == "article" and not gold.twin_of]
    result = score(demo.gold, truth)
    assert result["articles"]["share"] == result["rejected"]["share"] == 1
    assert result["text"]["exact_share"] == result["text"]["f1"] == result["text_source"]["exact_share"] == 1
    assert result["text"]["lines_lost"] == result["spam"]["left"] == result["chrome"]["left"] == 0
    assert result["contacts"]["share"] == 1
    assert {mechanism["share"] for mechanism in result["damage"].values()} == {1}
    for name in ("clusters", "templates"):
        assert result[name]["precision"] == result[name]["recall"] == 1
        assert result[name]["expected"] > 10
    assert all(field["share"] == 1 for field in result["fields"].values())


def test_nothing_scores_nothing(demo: Demo) -> None:
    result = score(demo.gold, [])
    assert result["articles"]["found"] == 0
    assert result["text"]["f1"] is None
    assert len(result["articles"]["missing"]) == result["articles"]["expected"]


def test_a_lost_line_is_counted() -> None:
    result = score([PAGE], [document(PAGE, text="正文的头一段话。")])
    assert result["text"]["lines_lost"] == 1
    assert result["text"]["exact"] == 0
    assert result["damage"]["pinyin"]["repaired"] == 0


def test_width_and_white_space_do_not_count() -> None:
    assert score([PAGE], [document(PAGE, text="　正文的头一段话。\n\n正文的 第二段话。")])["text"]["exact"] == 1
    assert fold("Ａ ，\n") == "A,"


@pytest.mark.parametrize(
    ("line", "spam", "chrome"),
    [
        ("免费影院在线观看", 1, 0),
        ("正文，免费影院在线观看，正文", 1, 0),
        ("首页", 0, 1),
        ("回到首页去", 0, 0),  # a short line inside a sentence is no leftover
        ("联系方式:13800000000", 0, 1),
    ],
)
def test_lines_left_are_counted(line: str, spam: int, chrome: int) -> None:
    result = score([PAGE], [document(PAGE, text=f"{PAGE.text}\n{line}")])
    assert (result["spam"]["left"], result["chrome"]["left"]) == (spam, chrome)


def test_a_page_that_cannot_be_restored_is_scored_apart() -> None:
    lost = replace(PAGE, damage=({"mechanism": "utf8-as-gbk", "recoverable": False},))
    result = score([lost], [document(lost, text="正文的头一段")])
    assert result["text"]["of"] == 0
    assert result["unrecoverable"]["of"] == 1
    assert 0 < result["unrecoverable"]["f1"] < 1
    assert result["damage"] == {}


def test_a_document_from_a_list_page_is_wrong() -> None:
    result = score([PAGE, LIST], [document(PAGE), document(LIST, text="x")])
    assert result["rejected"]["documents_from_no_article"] == [LIST.url]
    assert result["rejected"]["right"] == 0


def test_a_twin_counts_for_its_page_once() -> None:
    twin = replace(PAGE, url="http://a.test/1?from=x", twin_of=PAGE.url)
    assert score([PAGE, twin], [document(twin)])["articles"]["found"] == 1
    both = score([PAGE, twin], [document(twin, text="x"), document(PAGE)])
    assert both["articles"]["found"] == both["articles"]["twins_kept_apart"] == 1
    assert both["text"]["exact"] == 1


def test_fields_are_compared_where_the_page_states_them() -> None:
    changes = {"title": "别的", "published": "2024-01-02", "author": None, "category": "资讯"}
    fields = score([PAGE], [document(PAGE, **changes)])["fields"]
    assert {name: field["right"] for name, field in fields.items()} == {
        "title": 0, "published": 1, "author": 0, "category": 1,
    }  # fmt: skip
    assert score([replace(PAGE, author=None)], [document(PAGE)])["fields"]["author"]["share"] is None


def test_clusters_are_scored_by_pairs() -> None:
    urls = ("http://a.test/1", "http://a.test/2", "http://a.test/3")
    ids = (("x", "t"), ("x", "t"), (None, "t"))
    gold = [replace(PAGE, url=url, cluster=near, template_cluster=t) for url, (near, t) in zip(urls, ids)]
    whole = score(gold, [document(entry) for entry in gold])
    assert whole["clusters"]["expected"] == 1
    assert whole["templates"]["expected"] == 2  # 1-3 and 2-3; 1-2 is a near pair already
    merged = score(gold, [document(entry, cluster_id="y") for entry in gold])["clusters"]
    assert (merged["precision"], merged["recall"]) == (0.3333, 1.0)
    assert len(merged["wrong"]) == 2
    apart = score(gold, [document(entry, cluster_id=None) for entry in gold])["clusters"]
    assert apart["recall"] == 0
    assert apart["missed"] == [list(urls[:2])]


def test_contacts_found_and_extra() -> None:
    found = [{"kind": "qq", "value": "1"}]
    result = score([PAGE], [document(PAGE, contacts=found)])["contacts"]
    assert result == {"expected": 1, "found": 0, "share": 0.0, "extra": 1}


@pytest.mark.parametrize(
    ("left", "right", "f1"), [("abcd", "abcd", 1), ("abcd", "wxyz", 0), ("", "", 1), ("a", "", 0)]
)
def test_gram_f1(left: str, right: str, f1: float) -> None:
    assert gram_f1(left, right) == f1


def test_gram_f1_counts_repeats() -> None:
    assert gram_f1("abcdabcd", "abcd") < 1


def farm_gold(site: str, farm: str | None, *accounts: str) -> Gold:
    contacts = PAGE.contacts if farm else ()
    return replace(PAGE, url=f"http://{site}.test/1", site=site, farm=farm, accounts=accounts, contacts=contacts)


FARM_GOLD = [
    farm_gold("a", "farm-1", "baidu:x", "cnzz:w"),
    farm_gold("b", "farm-1", "baidu:x", "cnzz:w"),
    farm_gold("c", None, "cnzz:w"),
]


def test_farms_are_right_where_an_operators_sites_stand_together_and_alone() -> None:
    ties = [("a.test", "b.test", "analytics", 1.0), ("a.test", "c.test", "analytics", 0.0)]
    result = score_farms(FARM_GOLD, [("a.test", "b.test")], ties)
    assert (result["expected"], result["right"], result["wrong"], result["missed"]) == (1, 1, [], [])
    assert result["ties"]["analytics"] == {"expected": 1, "found": 1, "wrong": 0}
    assert result["ties"]["phone"] == {"expected": 1, "found": 0, "wrong": 0}


def test_an_innocent_site_in_a_farm_is_counted() -> None:
    ties = [("a.test", "c.test", "analytics", 1.0), ("a.test", "c.test", "copies", 0.5)]
    result = score_farms(FARM_GOLD, [("a.test", "b.test", "c.test")], ties)
    assert (result["right"], result["sites_tied_wrongly"]) == (0, 1)
    assert result["missed"] == [["a.test", "b.test"]]
    assert result["ties"]["analytics"]["wrong"] == 1
    assert result["ties"]["copies"] == {"expected": 0, "found": 0, "between_others": 1}


def test_the_demo_holds_farms_and_what_must_tie_nobody(demo: Demo) -> None:
    result = score_farms(demo.gold, [], [])
    assert result["expected"] == 2
    kinds = ("phone", "qq", "wechat", "email", "analytics", "copies")
    assert all(result["ties"][kind]["expected"] for kind in kinds)
    farms_own = {c["value"] for gold in demo.gold if gold.farm for c in gold.contacts}
    assert any(c["value"] in farms_own for gold in demo.gold if gold.site == "c" for c in gold.contacts)
    shown = [set(gold.accounts) for gold in demo.gold if gold.kind == "article"]
    assert len(set.intersection(*shown)) == 1
