"""What tags say by a page's source is what they say by its tree, for every page that is taken for plain."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.crawl_server import article_page, list_page
from cleaning.dom import parse
from cleaning.native import available
from crawler import signs
from crawler.discover import read_page
from crawler.signs import MAX_SIGNS, Sign, plain_signs, tree_signs

PAGES = Path(__file__).resolve().parents[3] / "shared/data/pages_dev"
compiled = pytest.mark.skipif(available("_tags") is None, reason="cleaning.native._tags is not built")

PLAIN = {
    "<a href=x>一</a>": [Sign("link", "x", "一")],
    "<A HREF='x' title='a > b'>一 <b>二</b></A >": [Sign("link", "x", "一 二")],
    '<a href="x?a=1&amp;b=2&copy=3">&lt;下一页&nbsp;</a>': [Sign("link", "x?a=1&b=2&copy=3", "<下一页")],
    "<p>文 <a href=x>a<img src=y>b</a> 文": [Sign("link", "x", "ab")],
    "<a href=x><div><h3>题</h3><p>文</p></div></a>": [Sign("link", "x", "题文")],
    "<!-- <a href=x>一</a> --><script>'<a href=x>'</script><title><a href=x></title>": [],
    "<script><!-- a --></script><a href=y>二</a>": [Sign("link", "y", "二")],
    "<iframe src=x><a href=y></iframe><a href=z></a>": [Sign("link", "x"), Sign("link", "z")],
    "<table><tr><td><a href=x>一</a></td></tr></table><a href=y>二</a>": [Sign("link", "x", "一"), Sign("link", "y", "二")],
    "<select><option value='<a href=x>'>一</select><a href=y></a>": [Sign("link", "y")],
    "1 < 2 <a href=x>一</a> <": [Sign("link", "x", "一")],
    "<base href=/d/><meta name=generator content='Z 1'><link rel=next href=2><meta http-equiv=refresh content='0;url=y'>": [
        Sign("base", "/d/"), Sign("generator", "Z 1"), Sign("next", "2"), Sign("redirect", "y"),
    ],
}  # fmt: skip

NOT_PLAIN = (
    "<a href=x>一<a href=y>二</a>",  # left open
    "<p><a href=x><div>一</div></a>",  # the div ends the paragraph, and the anchor is there twice
    "<b><a href=x>一</b>二</a>",  # so is it here
    "<form><p><form><a href=x><div>一</div></a>",  # the second form isn't one
    "<ul><li><a href=x><li>一</li></a></ul>",
    "<table><a href=x>一</a><tr><td>",  # stands before the table
    "<table><tr><td></td><a href=x>一</a></tr></table>",
    "<svg><a href=x>一</a></svg>",
    "<template><a href=x>一</a></template>",
    "<frameset><frame src=x></frameset>",
    "<select><a href=x>一</a></select>",
    "<script><!-- <script></script> --></script><a href=x>一</a>",
    "<a href=x title='<p>一</a>",  # a value that doesn't end
    "<plaintext><a href=x>一</a>",
    "<a href=x>一</a>\0",
)


@pytest.mark.parametrize("html", [*PLAIN, *NOT_PLAIN])
def test_a_page_says_the_same_with_the_compiled_module_and_without(
    html: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_it = read_page(html, "http://a.test/").links
    monkeypatch.setattr(signs, "_native", None)
    assert plain_signs(html) is None
    assert read_page(html, "http://a.test/").links == with_it


@compiled
@pytest.mark.parametrize(("html", "said"), PLAIN.items())
def test_a_plain_page_is_read_by_its_source(html: str, said: list[Sign]) -> None:
    assert plain_signs(html) == said == tree_signs(parse(html))


@compiled
@pytest.mark.parametrize("html", NOT_PLAIN)
def test_a_page_whose_tree_may_differ_is_left_to_the_tree(html: str) -> None:
    assert plain_signs(html) is None


@compiled
def test_the_benchmarks_pages_are_plain() -> None:
    for body in [list_page(0, 200), *(article_page(number, 200) for number in range(20))]:
        html = body.decode()
        assert plain_signs(html) == tree_signs(parse(html))


@compiled
@pytest.mark.skipif(not PAGES.is_dir(), reason="needs ../shared beside the checkout")
def test_most_real_pages_are_plain_and_say_the_same() -> None:
    pages = [path.read_bytes().decode("utf-8", "replace") for path in sorted(PAGES.glob("*.html"))]
    said = [plain_signs(html) for html in pages]
    assert all(found is None or found == tree_signs(parse(html)) for found, html in zip(said, pages, strict=True))
    assert sum(found is not None for found in said) > 0.8 * len(pages)


_WORDS = """
    a a a a p p div span b i h2 h3 ul li dl dt table tr td caption select option textarea title script style iframe link
    meta base area img button object marquee svg form blockquote nobr custom-x
"""
_NAMES = st.sampled_from(_WORDS.split())
_PARTS = """
    href=1|href='/2'|href="3?a=1&amp;b=2"|src=4|title="<a href=5>"|class='a>b'|name=robots content=none|rel=next
    |name=generator content='x'|http-equiv=refresh content='0;url=/6'|x|a=b/|=|'
"""
_ATTRIBUTES = st.lists(st.sampled_from("".join(_PARTS.split("\n")).split("|")), max_size=2)
_TOKENS = st.one_of(
    st.builds(
        lambda name, attributes, end: f"<{' '.join([name, *attributes])}{end}>",
        _NAMES, _ATTRIBUTES, st.sampled_from(["", "/", " "]),
    ),
    st.builds("</{}>".format, _NAMES),
    st.builds(
        "<a href={}>{}</a>".format,
        st.integers(0, 9), st.sampled_from(["t", "<b>t</b>", "<div>t</div>", "<p>t", "t</b>"]),
    ),
    st.sampled_from(
        ["文", "下一页", "<", "&lt;", "<!-- <a href=7> -->", "<!-->", "<!--->", "<!-- --!>", "<?x>", "<!x>",
         "</ >", "-->", "\0"]
    ),
)  # fmt: skip


@compiled
@settings(max_examples=300)
@given(st.lists(_TOKENS, max_size=14).map("".join), st.integers(0, 3))
def test_any_page_says_what_its_tree_says_or_is_not_plain(html: str, cut: int) -> None:
    html = html[: len(html) - cut]
    said = plain_signs(html)
    assert said is None or said == tree_signs(parse(html))


@compiled
def test_what_a_tag_says_is_forgotten_before_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signs, "MAX_KNOWN", 3)
    for turn in range(4):
        html = "".join(f"<a href={turn}{number}>x</a>" for number in range(3))
        assert plain_signs(html) == tree_signs(parse(html))
        assert len(signs._known) <= 3


@compiled
@pytest.mark.parametrize(
    "piece", ["<a href=x>一</a>", "<a href=x>", "<!--", "<script>", "<", "</", "<a ", "<p", "<a href='"]
)
def test_a_page_of_one_piece_over_and_over_has_an_end(piece: str) -> None:
    html = piece * (200_000 // len(piece))
    said = plain_signs(html)
    assert said is None or len(said) <= MAX_SIGNS
