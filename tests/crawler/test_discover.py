import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.coding import gunzip
from crawler.discover import (
    MAX_ENTRIES,
    MAX_LINKS,
    Page,
    make_link,
    read_feed,
    read_page,
    read_sitemap,
    read_url_list,
    sitemaps_in_robots,
    sniff,
)

BASE = "http://a.test/dir/index.html?id=3"


def keys(page: Page) -> list[str]:
    return [link.key for link in page.links]


def test_links_are_resolved_once_and_in_order() -> None:
    page = read_page(
        "<title> 标题 </title><a href='x.html'>一</a><a href='/y?b=2&a=1'>二</a><a href='?p=2'>三</a>"
        "<a href='//b.test/z'>四</a><a href='x.html#again'>五</a><area href='/map'><iframe src='/frame'></iframe>",
        BASE,
    )
    assert keys(page) == [
        "http://a.test/dir/x.html",
        "http://a.test/y?a=1&b=2",
        "http://a.test/dir/index.html?p=2",
        "http://b.test/z",
        "http://a.test/map",
        "http://a.test/frame",
    ]
    assert page.links[1].url == "http://a.test/y?b=2&a=1"
    assert page.title == "标题"


def test_the_base_element_counts() -> None:
    assert keys(read_page("<base href='/other/'><a href='x'>x</a>", BASE)) == ["http://a.test/other/x"]
    assert keys(read_page("<base href='http://[bad'><a href='x'>x</a>", BASE)) == ["http://a.test/dir/x"]


@pytest.mark.parametrize(
    "markup",
    [
        "<a href='#top'>x</a>",
        "<a href='javascript:void(0)'>x</a>",
        "<a href=' JavaScript:void(0)'>x</a>",
        "<a href='mailto:someone@a.test'>x</a>",
        "<a href='tel:13800000000'>x</a>",
        "<a href='data:text/html,x'>x</a>",
        "<a href=''>x</a>",
        "<a>x</a>",
        "<a href='ftp://a.test/x'>x</a>",
        "<a href='http://[::1'>x</a>",
        "<link rel=stylesheet href=x.css>",
        "<meta name=robots content='noindex, NOFOLLOW'><a href=x>x</a>",
    ],
)
def test_what_is_no_link(markup: str) -> None:
    assert keys(read_page(markup, BASE)) == []


@pytest.mark.parametrize(
    ("markup", "kind"),
    [
        ("<a href=x>下一页</a>", "next"),
        ("<a href=x> 下一页 &gt; </a>", "next"),
        ("<a href=x rel='nofollow next'>II</a>", "next"),
        ("<a href=x>下一页债务怎么还</a>", "link"),
        ("<link rel=next href=x>", "next"),
        ("<link rel=alternate type=application/rss+xml href=x>", "feed"),
        ("<link rel=sitemap href=x>", "sitemap"),
        ("<meta http-equiv=Refresh content='0; URL=\"x\"'>", "redirect"),
    ],
)
def test_kinds(markup: str, kind: str) -> None:
    assert [link.kind for link in read_page(markup, BASE).links] == [kind]


def test_a_pages_measures() -> None:
    article = read_page(
        "<body><a href=x>短</a><p>" + "逾期的正文。" * 50 + "</p><script>" + "x" * 9999 + "</script>", BASE
    )
    listing = read_page(
        "<body>" + "".join(f"<li><a href={n}>逾期之后怎么办呢第{n}篇</a>" for n in range(60)), BASE
    )
    assert article.wordy
    assert article.text_chars == 300
    assert not listing.wordy


def test_the_generator_is_found() -> None:
    assert read_page("<meta name=Generator content='Z-BlogPHP 1.7.3'>", BASE).generator == "Z-BlogPHP 1.7.3"


def test_a_link_dump_is_cut() -> None:
    page = read_page("".join(f"<a href=/{n}>x</a>" for n in range(MAX_LINKS + 100)), BASE)
    assert len(page.links) == MAX_LINKS


@given(
    st.text(max_size=300),
    st.sampled_from(
        ["<a href='{}'>x</a>", "<base href='{}'><a href=x>", "<meta http-equiv=refresh content='{}'>"]
    ),
)
@settings(max_examples=100)
def test_any_markup_is_read(text: str, markup: str) -> None:
    for link in read_page(markup.format(text), BASE).links:
        assert link.key.startswith(("http://", "https://"))


SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc> http://a.test/1 </loc><lastmod>2024-01-01</lastmod></url>
<url><loc>http://a.test/s?a=1&amp;b=2</loc></url><url><loc></loc></url>"""


def test_sitemap() -> None:
    whole = SITEMAP + b"</urlset>"
    assert sniff(whole, "text/xml") == "sitemap"
    assert [link.key for link in read_sitemap(whole, BASE)] == ["http://a.test/1", "http://a.test/s?a=1&b=2"]
    packed = gzip.compress(whole)
    assert list(read_sitemap(gunzip(packed, limit=10**6), BASE)) == list(read_sitemap(whole, BASE))


def test_a_torn_sitemap_gives_what_stands_before_the_tear() -> None:
    assert [link.key for link in read_sitemap(SITEMAP + b"<url><loc>http://a.test/3</l", BASE)][:2] == [
        "http://a.test/1",
        "http://a.test/s?a=1&b=2",
    ]
    assert list(read_sitemap(b"<urlset", BASE)) == []
    assert list(read_sitemap(b"", BASE)) == []


def test_a_sitemap_index() -> None:
    index = b"<sitemapindex><sitemap><loc>http://a.test/s1.xml.gz</loc></sitemap></sitemapindex>"
    assert sniff(index, "application/octet-stream") == "sitemap"
    assert [(link.key, link.kind) for link in read_sitemap(index, BASE)] == [
        ("http://a.test/s1.xml.gz", "sitemap")
    ]


def test_entities_are_neither_loaded_nor_expanded() -> None:
    hostile = (
        b'<?xml version="1.0"?><!DOCTYPE urlset [<!ENTITY w "word"><!ENTITY f SYSTEM "file:///etc/hostname">]>'
        b"<urlset><url><loc>http://a.test/x&w;</loc></url><url><loc>&f;</loc></url>"
        b"<url><loc>http://a.test/ok</loc></url></urlset>"
    )
    assert [link.key for link in read_sitemap(hostile, BASE)] == ["http://a.test/x", "http://a.test/ok"]


def test_a_billion_laughs() -> None:
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    body = (
        b'<!DOCTYPE urlset [<!ENTITY l0 "ha">'
        + laughs
        + b"]><urlset><url><loc>http://a.test/&l9;</loc></url></urlset>"
    )
    assert all(len(link.key) < 40 for link in read_sitemap(body, BASE))


def test_a_huge_sitemap_is_cut() -> None:
    body = b"<urlset>" + b"".join(b"<url><loc>http://a.test/%d</loc></url>" % n for n in range(MAX_ENTRIES + 10))
    assert sum(1 for _ in read_sitemap(body, BASE)) == MAX_ENTRIES


def test_rss_and_atom() -> None:
    rss = (
        b"<rss><channel><link>http://a.test/</link><item><title>T1</title><link>http://a.test/1</link></item>"
        b"<item><title>T2</title><link><![CDATA[http://a.test/2]]></link></item></channel></rss>"
    )
    atom = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><link href="http://a.test/"/><entry><title>T</title>'
        b'<link rel="edit" href="/e"/><link href="/3"/></entry></feed>'
    )
    assert sniff(rss, "application/rss+xml") == "feed"
    assert sniff(atom, "") == "feed"
    assert [(link.key, link.text, link.kind) for link in read_feed(rss, BASE)] == [
        ("http://a.test/1", "T1", "article"),
        ("http://a.test/2", "T2", "article"),
    ]
    assert [link.key for link in read_feed(atom, BASE)] == ["http://a.test/3"]


def test_url_lists() -> None:
    body = "http://a.test/1\nnot a url\nhttps://a.test/逾期\n".encode()
    assert sniff(body, "text/plain") == "urls"
    assert [link.key for link in read_url_list(body, BASE)] == [
        "http://a.test/1",
        "https://a.test/%E9%80%BE%E6%9C%9F",
    ]


@pytest.mark.parametrize(
    ("body", "mime", "kind"),
    [
        (b"<!DOCTYPE html><p>", "", "html"),
        (b"\xef\xbb\xbf\n<html>", "application/octet-stream", "html"),
        (b"<?xml version='1.0'?><!DOCTYPE html><html>", "application/xhtml+xml", "html"),
        (b"<p>", "text/html; charset=gbk", "html"),
        (b"<p>x</p>", "text/plain", "html"),
        (b"\x89PNG", "image/png", "other"),
        (b"{}", "application/json", "other"),
        (b"", "", "other"),
    ],
)
def test_sniff(body: bytes, mime: str, kind: str) -> None:
    assert sniff(body, mime) == kind


def test_sitemaps_in_robots() -> None:
    assert sitemaps_in_robots("User-agent: *\nSITEMAP : x\nSitemap: http://a.test/s.xml\r\nsitemap:/t.xml\n") == [
        "http://a.test/s.xml",
        "/t.xml",
    ]


def test_the_cache_of_links_keeps_bases_apart() -> None:
    for base, expected in (("http://a.test/x/1", "http://a.test/x/y"), ("http://a.test/z/1", "http://a.test/z/y")):
        link = make_link(base, "y", "", "link")
        assert link is not None
        assert link.key == expected
    query = make_link("http://a.test/p?a=1", "?a=2", "", "link")
    assert query is not None
    assert query.key == "http://a.test/p?a=2"
    bare = make_link("http://a.test", "y", "", "link")
    assert bare is not None
    assert bare.key == "http://a.test/y"
