"""The compiled walk gives what the Python walk gives, keeps no memory, and leaves the tree as it was."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning import dom
from cleaning.blocks import part_of
from cleaning.extract import extract
from cleaning.native import available
from tests.cleaning.test_dom import soups

pytestmark = pytest.mark.skipif(available("_walk") is None, reason="cleaning.native._walk is not built")

TEXT = "借款人逾期以后应当主动联系银行。"
HEAD = (
    "<title>标题标题标题_站</title><meta name=description content='甲乙丙'><meta content property=x><meta name=y>"
    '<script type=\'application/ld+json\'>{"headline":"标题"}</script><style>.gone,#c{display:none}</style>'
)
PAGES = {
    "nothing": "",
    "every kind of node": f"<!-- a -->{HEAD}<p>甲<br>乙<b>丙</b><?php x?><![CDATA[丁]]>"
    "<svg><title>戊</title><style>己</style></svg>",
    "a head in the body": f"<body><p>{TEXT}{HEAD}<p class=gone>{TEXT}",
    "JSON-LD outside of the head": f"<head><title>甲</title></head><body>{HEAD}"
    "<script type=APPLICATION/LD+JSON>{}</script>",
    "a frameset": f"{HEAD}<frameset><frame></frameset><noframes>{TEXT}</noframes>",
    "a frameset that takes the body out": f"<p>{TEXT}<frameset><frame>{HEAD}",
    "deep blocks": "<div>" * 700 + TEXT,
    "deep inline elements": "<span>" * 3000 + TEXT + "<b>" * 50 + TEXT,
    "as deep as the room for open elements": "".join(
        f"{'<div>' * depth}{TEXT}{'</div>' * depth}" for depth in range(60, 70)
    ),
    "nested asides": "<nav>" * 40 + f"<a>{TEXT}</a>" * 30,
    "comments": f"<p>{TEXT * 30}</p><div class=comment><p>{TEXT * 10}</p></div>",
    "hidden pieces": f"<p>甲<span style='display:none'>乙<i>丙</i></span>丁<option>戊</option><i hidden>己</i>{TEXT}",
    "preformatted text": f"<pre>甲\n\n乙<b>丙\n丁</b>\n<span>戊\n己</span></pre><PRE>{TEXT}\n</PRE>",
    "attributes": f"<div CLASS=a class=b ID itemprop=articleBody hidden=0>{TEXT}</div><div class>{TEXT}</div>"
    f"<div x>{TEXT}</div>",
    "characters": "<p>\x00\ufffd\ud800&#0;&#xd800;\U0001f600\xa0</p><p>\u3000甲 \xa0</p><p>\xe9\xa0</p>\u2028乙",
    "unknown tags": f"<o:p>{TEXT}</o:p><x-y>{TEXT}</x-y><xy>{TEXT}</xy><{'z' * 5000} {'a' * 5000}=1>{TEXT}",
    "scripts between texts": f"<p>甲<script>乙</script></p><p><script>丙</script></p><nav>{TEXT * 5}<style>丁</style></nav>",
}


@contextmanager
def in_python() -> Iterator[None]:
    """Walk with the Python twins for as long as the context lasts."""
    with (
        mock.patch.object(dom, "_NATIVE", None),
        mock.patch.object(dom, "_WALKER", None),
        mock.patch.object(dom, "collapse", dom._collapse),
    ):
        yield


def told(html: str) -> tuple[Any, ...]:
    """Return what is made of a page: its flat form with and without parts read in one go, and what its head states."""
    stated = dom.survey(dom.parse(html), html).stated
    return dom.flatten(dom.parse(html), "标题", part_of), dom.read(html), stated


@pytest.mark.parametrize("html", PAGES.values(), ids=PAGES.keys())
def test_pages_give_the_same(html: str) -> None:
    with in_python():
        expected = *told(html), extract(html)
    assert (*told(html), extract(html)) == expected


@settings(max_examples=250, deadline=None)
@given(st.lists(st.one_of(soups, st.just(HEAD), st.sampled_from(sorted(PAGES.values()))), max_size=4).map("".join))
def test_any_page_gives_the_same(html: str) -> None:
    with in_python():
        expected = told(html)
    assert told(html) == expected


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from(" \t\n\v\x85\xa0\u3000\u200b\ufeff\u2028\u2029\xe9\xe4\x1c甲a\U0001f600"), max_size=14)
)
def test_any_text_collapses_alike(text: str) -> None:
    assert dom.collapse(text) == dom._collapse(text)


def test_the_kinds_of_tags_are_numbered_alike() -> None:
    numbered = [
        (dom._BLOCK, "div"), (dom._HEADING, "h1"), (dom._SPAN, "i"), (dom._LINK, "a"), (dom._STRONG, "b"),
        (dom._OPTION, "option"), (dom._TEXT, "-text"), (dom._BREAK, "br"), (dom._UNREAD, "script"),
    ]  # fmt: skip
    assert [dom._kind(tag) for _, tag in numbered] == [number for number, _ in numbered] == list(range(9))


def test_a_tree_is_read_again_and_again_without_growing() -> None:
    """What lexbor allocates for a text is given back at once: selectolax has it allocate through Python, which counts."""
    page = f"<title>甲</title>{f'<p>{TEXT}<a>乙</a></p><nav>{TEXT * 9}</nav>' * 300}"
    tree = dom.parse(page)
    tracemalloc.start()
    try:
        for _ in range(3):
            dom.survey(tree, page), dom.flatten(tree, "甲", part_of)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(30):
            dom.survey(tree, page), dom.flatten(tree, "甲", part_of)
        assert tracemalloc.get_traced_memory()[0] < before + 50_000
    finally:
        tracemalloc.stop()


def test_pages_leave_nothing_behind() -> None:
    page = "".join(PAGES.values())
    tracemalloc.start()
    try:
        for _ in range(5):
            extract(page)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(40):
            extract(page)
        assert tracemalloc.get_traced_memory()[0] < before + 50_000
    finally:
        tracemalloc.stop()


def test_the_tree_keeps_its_scripts() -> None:
    tree = dom.parse(f"<p>{TEXT}<script>1</script><style>a{{}}</style>")
    dom.flatten(tree)
    assert tree.css_first("script") is not None and tree.css_first("style") is not None


def test_a_node_of_no_document_is_refused() -> None:
    native = available("_walk")
    assert native is not None
    tree = dom.parse("<p>甲</p>")
    paragraph = tree.css_first("p")
    assert paragraph is not None
    paragraph.decompose(recursive=False)
    with pytest.raises(ValueError, match="outside of any document"):
        native.survey(tree, paragraph.mem_id, 0)


def test_an_unknown_engine_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions of a lexbor that nobody has tried are not called: the Python twins run, slower."""
    native = available("_walk")
    assert native is not None
    monkeypatch.setattr("selectolax.lexbor.LEXBOR_VERSION_MAJOR", 99)
    with pytest.raises(ImportError, match="not tried"):
        native.check()
