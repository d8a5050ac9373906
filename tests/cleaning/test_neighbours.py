"""What stands beside an article under names that say nothing: teasers, comments, a second article, parts and adverts."""

from __future__ import annotations

from datetime import datetime

import pytest

from cleaning import container
from cleaning.dom import read
from cleaning.extract import extract
from cleaning.metadata import parse_byline
from cleaning.page import KEPT_ROLES, Extracted, Metadata
from cleaning.records import MAX_LISTS, find_records
from tests.cleaning.test_extract_layouts import PARAGRAPHS

HEAD = "<title>逾期之后应该先做什么_某某网</title>"
TITLE = "<h1>逾期之后应该先做什么</h1>"
SHORT = PARAGRAPHS[2:4]
WORDS = [
    "我也遇到过，打了好几次电话都没有人管，后来去投诉才解决的。",
    "还是要看合同怎么写，不能光听客服的一面之词！",
    "收藏了，谢谢。请问二线城市是不是也一样？",
]


def paragraphs(texts: list[str], tag: str = "p") -> str:
    return "".join(f"<{tag}>{text}</{tag}>" for text in texts)


def kept(found: Extracted) -> list[str]:
    return [block.text for block in found.blocks if block.role in KEPT_ROLES]


def teasers(count: int = 12) -> str:
    return "".join(
        f'<div class="x81f"><h4><a href="/{n}">第{n}个问题的答案在这里面</a></h4>'
        f"<p>{WORDS[n % 3]}{WORDS[(n + 1) % 3]}</p></div>"
        for n in range(count)
    )


def comments(count: int = 20) -> str:
    return "".join(
        f'<div class="k9i"><b>网友{n}</b><div>{WORDS[n % 3]}{WORDS[(n + 2) % 3]}</div>'
        f"<i>2024-03-0{n % 9 + 1} 12:0{n % 10}</i></div>"
        for n in range(count)
    )


@pytest.mark.parametrize("around", ["<div class=k7>{}</div>", "{}", "<section>{}</section>"])
@pytest.mark.parametrize("other", [teasers(), comments()], ids=["teasers", "comments"])
def test_a_short_article_before_a_longer_list_without_a_telling_name(other: str, around: str) -> None:
    body = f'<div class="q2">{paragraphs(SHORT)}</div>'
    found = extract(f'{HEAD}<div class="w">{TITLE}<p>2024-03-05 08:12</p>{body}{around.format(other)}</div>')
    assert (found.kind, kept(found)) == ("article", SHORT)


def test_dated_parts_of_a_chronicle_are_the_article() -> None:
    """The counter-example: they tell when, but nobody signs them."""
    days = [f"3月{n + 1}日" for n in range(6)]
    parts = "".join(
        f"<div class=day><h3>{day}</h3><p>{text}</p></div>" for day, text in zip(days, PARAGRAPHS, strict=False)
    )
    found = extract(f"{HEAD}{TITLE}<div class=content><p>{PARAGRAPHS[6]}</p>{parts}</div>")
    assert [line for line in PARAGRAPHS if line not in kept(found)] == []


def test_products_under_linked_names_inside_an_article_stay() -> None:
    """The counter-example: prose of the article follows them."""
    products = "".join(
        f"<div class=pd><h3><a href=/{n}>某某平台第{n}期账单</a></h3><p>{WORDS[n % 3]}</p></div>" for n in range(5)
    )
    rest = paragraphs(PARAGRAPHS[:2]), paragraphs(PARAGRAPHS[3:6])
    found = extract(f"{HEAD}{TITLE}<div class=content>{rest[0]}{products}{rest[1]}</div>")
    assert WORDS[0] in kept(found)
    assert [line for line in [*PARAGRAPHS[:2], *PARAGRAPHS[3:6]] if line not in kept(found)] == []


@pytest.mark.parametrize(
    "advert", ["<div class=z1><a href=/x>低至五折，限时抢购</a></div>", "<ins></ins>", "<div id=ad_7></div>"]
)
def test_an_article_in_several_containers_with_adverts_between(advert: str) -> None:
    parts = [paragraphs(PARAGRAPHS[:3]), paragraphs(PARAGRAPHS[3:5]), paragraphs(PARAGRAPHS[5:])]
    body = advert.join(f'<div class="m3">{part}</div>' for part in parts)
    menu = "".join(f"<li><a href=/{n}>栏目{n}</a></li>" for n in range(30))
    side = f"<div class=y1><ul>{menu}</ul></div>"
    found = extract(f"{HEAD}<div class=b2>{side}{TITLE}{body}{side}{teasers(6)}</div>")
    assert [line for line in kept(found) if "五折" not in line] == PARAGRAPHS
    assert found.kind == "article"


@pytest.mark.parametrize("name", ["class=body1", "id=n_{}", ""])
def test_a_page_that_goes_on_with_another_article_ends_with_its_own(name: str) -> None:
    first = f"<div {name.format(1)}>{paragraphs(SHORT)}</div>"
    second = f"<div {name.format(2)}>{paragraphs(PARAGRAPHS[4:] * 2)}</div>"
    other = "<h1>另一篇文章的题目是这个</h1><p>2024-03-04 10:11 来源：某某报</p>"
    found = extract(
        f"{HEAD}<div class=flow>{TITLE}<p>2024-03-05 08:12 来源：某某报</p>{first}{other}{second}</div>"
    )
    assert (found.kind, kept(found)) == ("article", SHORT)


def test_an_articles_own_large_headings_do_not_end_it() -> None:
    """The counter-example: no byline stands under them."""
    parts = "".join(f"<h1>{n}、第{n}个要点</h1><p>{text}</p>" for n, text in enumerate(PARAGRAPHS))
    found = extract(f"{HEAD}<div class=content>{TITLE}{parts}</div>")
    assert [line for line in PARAGRAPHS if line not in kept(found)] == []


@pytest.mark.parametrize(
    "wrap", ["<div>{}</div>", "<section><section>{}</section></section>", "<div><span>{}</span></div>"]
)
def test_paragraphs_in_elements_without_a_name(wrap: str) -> None:
    body = "".join(wrap.format(text) for text in SHORT)
    side = "".join(f"<div><div>{word}</div></div>" for word in WORDS)
    page = f"{HEAD}<div><div>{TITLE}<div>2024-03-05</div><div class=q8>{body}</div><div class=q9>{side}</div></div></div>"
    found = extract(page)
    assert kept(found)[:2] == SHORT


def test_a_container_named_for_sharing_too_is_the_article() -> None:
    body = f'<div class="bshare_pop" id="artibody">{paragraphs(SHORT)}</div>'
    others = f"<div class=k1><div class=k2>{WORDS[0] * 2}</div></div><div class=k3><div class=k4>{WORDS[1] * 3}</div></div>"
    found = extract(f"{HEAD}{TITLE}{body}{others}")
    assert (found.kind, kept(found)[:2]) == ("article", SHORT)
    named = extract(
        f'{HEAD}{TITLE}<div id="artibody">{paragraphs(SHORT)}<p class="share-article">分享到微信</p></div>'
    )
    assert kept(named) == SHORT


def test_headings_without_end_are_not_all_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def counting(line: str, fetched_at: datetime | None = None) -> Metadata | None:
        looked.append(line)
        return parse_byline(line, fetched_at)

    monkeypatch.setattr(container, "parse_byline", counting)
    parts = "".join(f"<h2>另外的题目{n}</h2><p>没有日期的一行</p>" for n in range(3000))
    extract(f"{HEAD}<div class=content>{TITLE}{paragraphs(PARAGRAPHS)}{parts}</div>")
    assert 0 < len(looked) <= 2 * 3 * container.MAX_HEADS


def test_lists_without_end_are_not_all_kept() -> None:
    names = [f"n{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(100)]
    record = f"<a href=/x>另一篇文章的题目是这个</a><p>{WORDS[0]}</p>"
    dom = read("".join(f"<div class={name}>{record}</div>" * 4 for name in names))
    lines, count = dom.lines, len(dom.tags)
    first, last = [len(lines)] * count, [-1] * count
    for index, line in enumerate(lines):
        for element in dom.ancestors(line.owner):
            first[element], last[element] = min(first[element], index), index
    assert len(find_records(dom, [100.0] * count, first, last)) == MAX_LISTS
