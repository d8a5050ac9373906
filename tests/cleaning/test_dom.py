"""What holds of a page's flat form whatever the page: nothing shown is lost, nothing is told twice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborNode

from cleaning import tame
from cleaning.blocks import part_of
from cleaning.dom import Dom, collapse, flatten, hides, parse, read

UNREAD = tame.names(
    "script style noscript template svg iframe object embed canvas audio video map head select button textarea datalist"
    " title noframes math applet"
)
TAGS = (
    "div p span a b strong font h1 h2 table tr td th ul li dl dt dd br img pre section article aside nav footer svg math"
    " template script style noscript iframe textarea title xmp noembed select option button form center em o:p x-foo"
)
ATTRIBUTES = (
    "",
    " class=nav",
    " class='comment list' id=c",
    " class='main content'",
    " style='display: none'",
    " style='width:10px'",
    " hidden",
    ' title="a>b<c"',
    " itemprop=articleBody",
    " class='gone'",
)
TEXTS = (
    "借款人逾期以后应当主动联系银行。",
    "首页",
    "\n   ",
    " 甲  乙 ",
    "&nbsp;",
    "&lt;b&gt;",
    "目录" * 60,
    "一。二。三。" * 20,
    "<!-- 注释 -->",
    "<style>.gone{display:none}</style>",
    "<script>var 甲='</div>'</script>",
)
starts = st.builds("<{}{}>".format, st.sampled_from(TAGS.split()), st.sampled_from(ATTRIBUTES))
ends = st.builds("</{}>".format, st.sampled_from(TAGS.split()))
soups = st.lists(st.one_of(starts, starts, ends, st.sampled_from(TEXTS)), max_size=40).map("".join)


def shown(node: LexborNode, found: list[str]) -> list[str]:
    """Return the texts below a node, read plainly: what a page holds outside of elements that nobody reads."""
    child = node.first_child
    while child is not None:
        if child.is_text_node:
            found.append(child.text_content or "")
        elif child.is_element_node and child.tag not in UNREAD:
            shown(child, found)
        child = child.next
    return found


def characters(texts: list[str]) -> Counter[str]:
    return Counter(
        character for text in texts for character in text if character.isprintable() and character != " "
    )


def walked(html: str, *, parts: bool = False) -> Dom:
    return flatten(parse(html), "标题", part_of if parts else None)


@settings(max_examples=150, deadline=None)
@given(soups)
def test_every_character_shown_stands_in_one_line(html: str) -> None:
    body = parse(html).body
    plain = characters(shown(body, [])) if body is not None else Counter()
    assert characters([line.text for line in walked(html).lines]) == plain


@settings(max_examples=150, deadline=None)
@given(soups)
def test_parts_read_in_one_go_keep_what_is_shown(html: str) -> None:
    apart, whole = walked(html), walked(html, parts=True)
    lost = characters([line.text for line in apart.lines]) - characters([line.text for line in whole.lines])
    assert not lost
    assert len(whole.tags) <= len(apart.tags)


@settings(max_examples=150, deadline=None)
@given(soups, st.booleans())
def test_elements_and_lines_fit_together(html: str, parts: bool) -> None:
    dom = walked(html, parts=parts)
    count = len(dom.tags)
    assert len(dom.parents) == len(dom.hints) == count
    assert all(parent < element for element, parent in enumerate(dom.parents) if element)
    assert dom.hidden | dom.props.keys() <= set(range(1, count))
    last = [0] * count
    for index, line in enumerate(dom.lines):
        assert line.text and line.text == collapse(line.text)
        assert 0 <= line.owner < count and 0 <= line.linked <= len(line.text) and 0 <= line.bold <= len(line.text)
        for element in dom.ancestors(line.owner):
            between = dom.lines[last[element] + 1 : index] if last[element] else []
            assert all(
                element in dom.ancestors(other.owner) for other in between
            )  # an element's lines stand together
            last[element] = index


def test_style_and_sheet_and_attribute_hide() -> None:
    page = (
        "<style>.gone{display:none}</style><body><noscript><p>脚本关闭</p></noscript>"
        "<p class=gone>甲</p><p hidden>乙</p><p style='visibility:hidden'>丙</p><p style='color:red'>丁</p>"
    )
    dom = read(page)
    assert [line.text for line in dom.lines] == ["甲", "乙", "丙", "丁"]
    assert [line.owner in dom.hidden for line in dom.lines] == [True, True, True, False]


@pytest.mark.parametrize(
    "html", ["<nav>短<b>的</b></nav>", "<nav><nav><div class=menu><a>首页</a></div></nav></nav>"]
)
def test_short_parts_are_walked(html: str) -> None:
    dom = walked(html, parts=True)
    assert all(line.pieces or line.text == "首页" for line in dom.lines)
    assert "div" in dom.tags or "menu" not in html


@settings(max_examples=300, deadline=None)
@given(st.text(" \t\n\r\f\v\u2028\xa0\u3000\u200b\ufeff甲aé?", max_size=12))
def test_collapsed_text_has_single_blanks_and_bare_ends(text: str) -> None:
    collapsed = collapse(text)
    assert collapse(collapsed) == collapsed
    assert "  " not in collapsed and not set("\t\n\r\f\v\u2028") & set(collapsed)
    assert collapsed[:1] not in set(" \xa0\u3000\u200b\ufeff") and collapsed[-1:] not in set(" \u3000\u200b\ufeff")


@pytest.mark.parametrize("style", ["display : none", "DISPLAY:NONE", "left:-999px", "font-size:0", "opacity: 0"])
def test_hiding_styles(style: str) -> None:
    assert hides(style)


@pytest.mark.parametrize("style", ["display:block", "left:-9px", "font-size:0.9em", "opacity:0.5", "width:100%"])
def test_showing_styles(style: str) -> None:
    assert not hides(style)


pieces = st.one_of(
    st.just(b">"), st.just(b"<a "), st.integers(0, 2300).map(lambda count: b"y" * count), st.just(b"x=1 " * 501)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(pieces, max_size=9).map(b"".join))
def test_gaps_are_those_that_the_page_taken_apart_has(data: bytes) -> None:
    expected = []
    start = 0
    for position in [*(index for index, byte in enumerate(data) if byte == ord(">")), len(data)]:
        if position - start > tame.LONG_TAG:
            expected.append((start, position))
        start = position
    assert list(tame._gaps(data, np.frombuffer(data, dtype=np.uint8))) == expected
