"""A page without its scripts' texts and unread attributes has the tree of the whole page, as far as anybody reads it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from cleaning.native import available

native = available("_page")
pytestmark = pytest.mark.skipif(native is None, reason="cleaning.native._page is not built")

READ = ("class", "id", "style", "hidden", "itemprop")


def lean(page: bytes) -> bytes:
    assert native is not None
    found: bytes = native.lean(page)
    return found


def outline(page: bytes) -> list[object]:
    """Return a tree's nodes with what is read of them, in order."""
    told: list[object] = []
    root = LexborHTMLParser(page).root
    waiting: list[LexborNode | str] = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            told.append(node)
            continue
        told.append(read(node))
        below: list[LexborNode | str] = []
        child = node.first_child
        while child is not None:
            below.append(child)
            child = child.next
        if node.tag == "script" and not is_json_ld(node):
            below = []
        waiting += ["up", *reversed(below)]
    return told


def is_json_ld(node: LexborNode) -> bool:
    return (node.attributes.get("type") or "").lower() == "application/ld+json"


def read(node: LexborNode) -> object:
    if node.is_text_node:
        return node.text_content
    if not node.is_element_node:
        return node.tag, node.text_content
    told = node.attributes
    if node.tag in ("meta", "input", "font", "b"):
        return node.tag, told
    known = {name: told[name] for name in READ if name in told}
    return (
        node.tag,
        known,
        bool(told) and node.tag not in ("a", "img", "span"),
        node.tag == "script" and is_json_ld(node),
    )


PIECES = [
    "<script>", "<script src=a.js>", "<SCRIPT type='text/javascript'>", "</script>", "</SCRIPT >",
    "</script", "</scripty>", "<script/>", '<script type="application/ld+json">',
    "<script type=application/ld&#43;json>", "<script a='>", "</script/>", "var a = '<p>甲</p>';",
    "if (a < b) {}", "<!--", "-->", "--!>", "<!-- <script> -->", "<!-->", "<!--->", "<!x>", "<?x>", "</>",
    "</3>", "<![CDATA[", "]]>", "<", ">", "'", '"', "=", " ", "\n", "/", "甲乙", "&amp;", "a" * 70, "<p>",
    "</p>", "<a href=/x class=y>", '<a href="/x>" title=\'<script>\'>', "</a>", "<a =x>", "<a href=x =\">",
    "<a x/=y>", "<a href= class=z>", "<a href>", '<a id=a"b>', '<a class="y"href="x"id=z>',
    "<A HREF='q' CLASS='r' Id=s hidden>", "<a href=x/>",
    "<div data-x='1' itemprop=articleBody style='display:none'>", "</div>", "<li value=3>",
    "<img src=x alt='>'>", "<b x=1>", "<b x=2>", "</b>", "<font color=red>", "</font>",
    "<input type=hidden>", "<table>", "<tr align=left>", "<td width=3 id=w>", "</td>", "</table>",
    "<select>", "<option>", "</select>", "<textarea>", "</textarea>", "<title>", "</title>", "<style>",
    "</style>", "p{}", "<iframe>", "</iframe>", "<xmp>", "</xmp>", "<noembed>", "<noframes>", "</noframes>",
    "<plaintext>", "<noscript>", "</noscript>", "<svg>", "</svg>", "<math>", "<mi>", "</math>",
    "<template>", "</template>", "<frameset>", "<frame>", "</frameset>", "<body x=1>", "<html lang=zh>",
    "</body>", "</html>", "<head>", "</head>", "<meta name=a content=b>", "<span x=1 class=c>", "</span>",
    "<form>", "<section data-a=1>", "<x-y a=1 class=2>", "<p\x00a=1 class=q>", "\x00", "\r", "\f",
    "<p\ra=1\fclass=q>", "<a `=1>", "<a x=`>", "<a x=1`2 y=3>",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_nothing_that_is_read_changes(page: str) -> None:
    body = page.encode()
    assert outline(lean(body)) == outline(body)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_pass(body: bytes) -> None:
    assert len(lean(body)) <= len(body)
    assert outline(lean(body)) == outline(body)


def test_scripts_and_attributes_are_left_out() -> None:
    page = b"<script src=x>var a = '<p>';</script><a href='/1' rel=x class=c>A</a><p align=left x=y>B<script>c</script>"
    assert lean(page) == b"<script src=x></script><a   class=c>A</a><p align=left >B<script></script>"


@pytest.mark.parametrize(
    "page",
    [
        "<p>甲<b class=x>乙</b></p>",
        "<script type=application/ld+json>{}</script>",
        "<svg><script>甲</script></svg><a href=x>",
        "<!-- <script>甲</script> <a href=x>",
        "<title><script>甲</script></title>",
        "<script>/* <!-- <script> */</script> --></script>",
        "<script>甲",
        "<meta name=a content=b><input type=hidden><font color=red>",
        "",
    ],
)
def test_what_is_read_or_not_sure_stays(page: str) -> None:
    assert lean(page.encode()) == page.encode()
