"""What is fuzzed: each target reads bytes as hostile as can be, and says what must hold of what comes out.

A target returns a short account of how it went (which rules applied, why it was refused): an input that makes a new
account is kept and changed further, which leads the changes into the code without watching its lines. Whatever a
function's documentation says that it raises is an answer like any other; everything else is a find.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import zstandard
from protego import Protego

from cleaning.clean import Cleaned, clean
from cleaning.contacts import find_contacts, find_identifiers, mask_identifiers
from cleaning.dates import find_dates, parse_published
from cleaning.decode import Decoded, decode
from cleaning.extract import extract
from cleaning.findings import Edited, replay, replay_stages, undo
from cleaning.lenders import find_lenders
from cleaning.metadata import parse_byline
from cleaning.normalize import normalize
from cleaning.quality import quality
from cleaning.relevance import relevance
from cleaning.repair import repair
from cleaning.script import detect, simplify
from cleaning.strip import strip
from cleaning.topics import find_topics
from corpus import archive
from corpus.cdx import parse_block, parse_line, safe_path
from corpus.coding import BombError, CodingError, decode_content
from corpus.farms import account_marks
from corpus.fingerprint import content_hash, fingerprint, shingles
from corpus.intake import Intake, read_paths
from corpus.masking import default_masker
from corpus.query import QueryError
from corpus.query import parse as parse_query
from corpus.records import Fetch, site_of
from corpus.search import search
from corpus.store import Corpus
from corpus.terminal import safe
from crawler.discover import read_feed, read_page, read_sitemap, read_url_list, sitemaps_in_robots, sniff
from crawler.frontier import (
    Scope,
    UrlError,
    canonical,
    excluded,
    explain,
    host_of,
    requestable,
    resolve,
    shape,
    trap,
)
from crawler.site import SiteError
from crawler.site import parse as parse_site
from demo.articles import read_articles
from demo.damage import PINYIN_SMALL, delete_words, hybrid_latin, inject_pinyin, inject_pinyin_bytes, wrong_decoder

WHEN = datetime(2024, 10, 13, 6, 44, 13, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to try: what is run, what changed inputs begin with, and the words of its format.

    `units` are what an input is made of when its growth is looked at: repeated thousands of times.
    """

    name: str
    run: Callable[[bytes], Hashable]
    seeds: Callable[[], Sequence[bytes]]
    words: tuple[bytes, ...] = ()
    units: tuple[bytes, ...] = field(default=())


# --- what inputs begin with -----------------------------------------------------------------------------------------


@cache
def _texts() -> tuple[str, ...]:
    return tuple(article.text[:500] for article in read_articles()[:12])


@cache
def _damaged() -> tuple[str, ...]:
    found = []
    for text in _texts()[:6]:
        short = text[:160]
        found += [inject_pinyin(short, PINYIN_SMALL), hybrid_latin(short[:80]), delete_words(short)[0]]
        for written, read in (
            ("utf-8", "latin-1"),
            ("gb18030", "latin-1"),
            ("utf-8", "gb18030"),
            ("gb18030", "big5"),
        ):
            found.append(wrong_decoder(short, written, read)[0])
    return tuple(found)


def _utf8(texts: Sequence[str]) -> tuple[bytes, ...]:
    return tuple(text.encode("utf-8", "replace") for text in texts)


@cache
def _pages() -> tuple[bytes, ...]:
    pages = []
    for number, text in enumerate([*_texts(), *_damaged()]):
        encoding = ("utf-8", "gb18030", "big5")[number % 3]
        lines = "".join(f"<p>{line}</p>" for line in text.split("\n"))
        page = f"""<!doctype html><html><head><meta charset="{encoding}"><title>{text[:12]}_网站</title>
            <meta name="description" content="{text[:40]}"><link rel="next" href="?p={number}">
            <script type="application/ld+json">{{"@type":"Article","datePublished":"2024-05-01",
            "author":{{"name":"张三"}}}}</script>
            <style>.x{{display:none}}</style></head><body><div class="nav"><a href="/a/{number}.html">首页</a></div>
            <div class="article"><h1>{text[:12]}</h1><span>2024-05-01 作者：张三</span>{lines}
            <table><tr><td>利率</td><td>年化</td></tr></table><ul><li>一</li></ul></div></body></html>"""
        pages.append(page.encode(encoding, "replace"))
    return (*pages, inject_pinyin_bytes(_texts()[0][:600], PINYIN_SMALL))


@cache
def _fetches() -> tuple[Fetch, ...]:
    plain = [
        Fetch(f"http://a.example/{number}.html", WHEN, page[:1500]) for number, page in enumerate(_pages()[:6])
    ]
    kinds = [Fetch("http://a.example/t", WHEN, page[:300], "conversion") for page in _pages()[:1]]
    packed = Fetch("http://a.example/z", WHEN, gzip.compress(_pages()[0]), headers=(("Content-Encoding", "gzip"),))
    revisit = Fetch("http://a.example/0.html", WHEN, b"", "revisit", 304, refers_to=archive.reference(plain[0]))
    return (*plain, *kinds, packed, revisit)


@cache
def _warcs() -> tuple[bytes, ...]:
    records = [archive.record_bytes(fetch) for fetch in _fetches()]
    return (*records, b"".join(records[:3]), *(gzip.compress(record, 1) for record in records[:3]))


@cache
def _rows() -> tuple[bytes, ...]:
    rows = [{"url": f"http://a.example/{number}", "text": text[:300], "date": "2024-05-01T00:00:00Z"}
            for number, text in enumerate(_texts()[:4])]  # fmt: skip
    lines = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    return (*lines, b"\n".join(lines), json.dumps({"html": _pages()[0].decode("utf-8", "replace")}).encode())


def _bodies() -> Sequence[bytes]:
    return [
        *_warcs(),
        *_rows(),
        *_pages()[:5],
        *(gzip.compress(row, 1) for row in _rows()),
        b"PK\x03\x04",
        b"%PDF-1.4",
    ]


_URLS = (
    b"http://www.Example.com:80/a/../b/./index.html?b=2&a=1&utm_source=x#top",
    b"https://\xe4\xbe\x8b\xe5\xad\x90.example/\xe9\x80\xbe",
    b"http://[::ffff:127.0.0.1]/",
    b"http://0x7f.1/",
    b"http://user:pass@a.example/%7Ea%2fb;jsessionid=1?x[]=1&amp;y=%GG",
    b"//a.example/2024/05/01/1.html",
    b"../list_2.html?page=3",
    b"javascript:alert(1)",
    b"http://a.example/calendar/2024/13/?d=1",
)
_QUERIES = _utf8(
    (
        "催收 电话 site:example.org after:2024-01",
        '"反催收" AND (分期 OR 协商) -广告',
        "NOT 逾期 lender:小米贷",
        "（微粒贷）：逾期",
        "topic:collection_calls before:2025",
        "title:x OR site:a",
        "month:2024-05 farm:1 cluster:ab",
        "逾",
        "ＡＮＤ OR NOT ((",
        "催收人員",
    )
)
_BYLINES = _utf8(
    (
        "发布时间：2024-05-01 10:20 来源：新华网 作者：张三 浏览：1.2万次",
        "3天前 · 阅读 1002",
        "posted @ 2024-05-01 李四 阅读(12)",
        "May 1, 2024",
        "二〇二四年五月一日",
        "昨天 23:59",
        "电话：一三八零零零零零零零零 微信 abc_12345",
        "QQ群：1 2 3 4 5 6 7 8",
        "a[at]b.example",
    )
)
_CDXJ = (
    b'example,a)/1.html 20240501000000 {"url": "http://a.example/1.html", "mime": "text/html", "status": "200", '
    b'"digest": "ABC", "length": "1043", "offset": "0", "filename": "crawl-data/x.warc.gz"}',
    b"example,a)/ 20240501\tcdx-00000.gz\t0\t188224\t1",
)
_ROBOTS = (
    b"User-agent: *\nDisallow: /*.php$\nAllow: /a*b\nCrawl-delay: 2\nSitemap: http://a.example/s.xml\n",
    b"User-agent: yuqi\nDisallow:\n\nUser-agent: *\nDisallow: /\nRequest-rate: 1/5\nVisit-time: 0600-0845\n",
)
_FEEDS = (
    b'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    b"<url><loc>http://a.example/1</loc></url></urlset>",
    b'<rss version="2.0"><channel><item><title>x</title><link>http://a.example/2</link></item></channel></rss>',
    b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]>'
    b'<feed><entry><link href="http://a.example/3"/>&d;</entry></feed>',
    b"http://a.example/1\nhttp://a.example/2\n",
)
_SITE = b"""title = "x"
seeds = ["http://a.example/"]
hosts = ["a.example"]
charset = "gb18030"
[follow]
article = ["/a/[0-9]+[.]html$"]
skip = ["/login"]
topic = "overdue"
[select]
body = "div.article"
drop = [".ad"]
[rate]
delay = 1.5
[expect]
min = 1
[budget]
pages = 10
"""
_HTML_WORDS = tuple(
    b"<p> </p> <div> </div> <a href='/x'> <br> <table> <tr> <td> <script> </script> <style> </style> <!-- --> "
    b"<![CDATA[ ]]> "
    b"<svg> <math> <select> <template> <noscript> <frameset> <plaintext> <textarea> <title> <base href='//x'> hidden "
    b"style='display:none' class='article' id='content' <h1> <li> <ul> <meta charset=gbk> &nbsp; &#160; <".split()
)
_TEXT_WORDS = _utf8(
    (
        "逾期",
        "(yuqi)",
        "應(yīng)",
        "時(shí)",
        "Ã©",
        "鐢ㄦ埛",
        "ä½ å¥½",
        "锟斤拷",
        "???",
        "***",
        "XX",
        "\N{REPLACEMENT CHARACTER}",
        "\n",
        "　",
        "\U0010ff81",
        "加微信",
        "http://a.example",
        "13800000000",
        "2024年5月1日",
        "上一篇：",
        "责任编辑：",
        "|",
        "免责声明",
        "著",
        "一",
        "①",
        "\N{COMBINING ENCLOSING KEYCAP}",
        "\N{ZERO WIDTH SPACE}",
        "\N{RIGHT-TO-LEFT OVERRIDE}",
    )
)


# --- what is run ----------------------------------------------------------------------------------------------------


def _text(data: bytes) -> str:
    """Return what a text stage may be given: text without lone surrogates, the marks of lost bytes among it."""
    return data.decode("utf-8", "replace")


def _holds(before: str, edited: Edited) -> Hashable:
    assert replay(before, edited.findings) == edited.text, "its findings don't give its text"
    assert undo(edited.text, edited.findings) == before, "its findings can't be undone"
    return frozenset(finding.rule for finding in edited.findings)


def _decode(data: bytes) -> Hashable:
    kind, _, body = data.partition(b"\n") if data[:1] == b"t" else (b"", b"", data)
    result = decode(body, kind.decode("latin-1") or None)
    if isinstance(result, Decoded):
        result.text.encode("utf-8")
        return result.encoding, result.evidence[:20]
    return result.reason


def _extract(data: bytes) -> Hashable:
    page = extract(_text(data), url="http://a.example/1.html", fetched_at=WHEN)
    assert all("\n" not in block.text for block in page.blocks), "a block of several lines"
    return page.kind, frozenset(block.role for block in page.blocks)


def _repair(data: bytes) -> Hashable:
    text = _text(data)
    edited = repair(text)
    assert edited.text.count("\n") == text.count("\n"), "it touched a line's end"
    return _holds(text, edited)


def _strip(data: bytes) -> Hashable:
    text = _text(data)
    lines = text.split("\n")
    roles = ["paragraph" if len(line) % 5 else ("title", "byline", "nav")[len(line) % 3] for line in lines]
    stripped = strip(text, roles)  # type: ignore[arg-type]  # roles' names, of which there are more
    return _holds(text, stripped.edited)


def _normalize(data: bytes) -> Hashable:
    text = _text(data)
    edited = normalize(text)
    assert normalize(edited.text).text == edited.text, "twice isn't once"
    return _holds(text, edited)


def _script(data: bytes) -> Hashable:
    text = _text(data)
    return detect(text), bool(_holds(text, simplify(text)))


def _clean(data: bytes) -> Hashable:
    result = clean(data, "text/html", "http://a.example/1.html", fetched_at=WHEN)
    if not isinstance(result, Cleaned):
        return result.reason
    assert replay_stages(result.page_text, result.findings) == result.text, "its findings don't give its text"
    json.dumps(result.quality, allow_nan=False)
    return result.encoding, frozenset(finding.rule for finding in result.findings)


def _facts(data: bytes) -> Hashable:
    text = _text(data)
    contacts = find_contacts(text)
    masked = mask_identifiers(text)
    assert not find_identifiers(masked), "an identifier is left after masking"
    found = parse_byline(text[:200], WHEN)
    dates = [date.value for date in find_dates(text, WHEN)]
    score = relevance(text).score
    assert 0 <= score <= 1
    quality(text)
    return (
        frozenset(contact.kind for contact in contacts),
        found is None,
        len(dates) > 0,
        bool(find_lenders(text)),
        bool(find_topics(text)),
        parse_published(text[:60], WHEN) is None,
    )


def _prints(data: bytes) -> Hashable:
    text = _text(data)
    content_hash(text)
    fingerprint([text, text[: len(text) // 2]], default_masker().mask_folded)
    assert "\x1b" not in safe(text)
    return len(shingles(text)).bit_length(), len(account_marks(text))


def _url(data: bytes) -> Hashable:
    text = data.decode("utf-8", "surrogateescape")
    charset = ("utf-8", "gb18030", "big5")[len(data) % 3]
    site_of(text)
    try:
        asked = explain(resolve("http://a.example/x/y.html?q#f", text), charset=charset)
    except UrlError as error:
        return str(error)[:12]
    assert asked.url.isascii(), "a canonical URL that isn't ASCII"
    assert canonical(asked.url, charset=charset) == asked.url, "twice isn't once"
    assert canonical(requestable(asked.url), charset=charset) == asked.url
    host_of(asked.url)
    shape(asked.url)
    excluded(asked.url, _scope())
    return frozenset(asked.why), trap(asked.url)


@cache
def _scope() -> Scope:
    return Scope(frozenset({"a.example"}), subdomains=True)


def _links(data: bytes) -> Hashable:
    page = read_page(_text(data), "http://a.example/x/")
    assert all(canonical(link.key) == link.key for link in page.links[:5])
    return frozenset(link.kind for link in page.links), bool(page.generator), page.wordy


def _feed(data: bytes) -> Hashable:
    base = "http://a.example/s.xml"
    kind = sniff(data, "text/xml")
    counts = [sum(1 for _ in read(data, base)) for read in (read_sitemap, read_feed, read_url_list)]
    return kind, *(count > 0 for count in counts)


def _robots(data: bytes) -> Hashable:
    text = data.decode("utf-8-sig", "replace")
    rules = Protego.parse(text)
    url = "http://a.example/" + "a" * 60 + "/b.php?x=1"
    return rules.can_fetch(url, "yuqi"), rules.crawl_delay("yuqi") is None, bool(sitemaps_in_robots(text))


def _site(data: bytes) -> Hashable:
    try:
        site = parse_site(data.decode("utf-8", "replace"), "x.toml")
    except SiteError as error:
        return str(error)[:24]
    return site.render, site.charset, len(site.seeds)


def _warc(data: bytes) -> Hashable:
    problems = []
    for entry in archive.walk(io.BytesIO(data)):
        problems.append((entry.problem or "")[:16])
        if entry.fetch is not None:
            assert archive.record_bytes(entry.fetch)
    archive.member_length(data)
    return tuple(problems[:4])


def _warc_gz(data: bytes) -> Hashable:
    return _warc(gzip.compress(data, 1))


def _intake(data: bytes) -> Hashable:
    kinds: list[str] = []
    for item in read_paths(["-"], io.BytesIO(data)):
        if isinstance(item, Intake):
            # What is taken in must read back from the archive as it was.
            (again,) = archive.walk(io.BytesIO(archive.record_bytes(item.fetch)))
            assert again.fetch is not None, again.problem
            assert again.fetch.id == item.fetch.id, "it reads back as another fetch"
            kinds.append(item.fetch.kind)
        else:
            kinds.append(item.message[:12])
    return tuple(kinds[:4])


def _coding(data: bytes) -> Hashable:
    names = ("gzip", "deflate", "br", "zstd", "gzip, br", "x-gzip,identity")
    try:
        return (
            len(decode_content(data[1:], names[(data or b"\0")[0] % len(names)], limit=1 << 20, strict=True)) > 0
        )
    except (BombError, CodingError) as error:
        return type(error).__name__


@cache
def _packed() -> tuple[bytes, ...]:
    packers = (gzip.compress, zlib.compress, lambda page: page, zstandard.ZstdCompressor().compress)
    return tuple(
        bytes([number]) + pack(page[:800]) for number, pack in enumerate(packers) for page in _pages()[:4]
    )


def _cdxj(data: bytes) -> Hashable:
    line, block = parse_line(data), parse_block(data)
    for found in (line, block):
        if not isinstance(found, str):
            assert safe_path(found.filename) == found.filename
    return (line if isinstance(line, str) else "")[:16], isinstance(block, str)


def _query(data: bytes) -> Hashable:
    text = data.decode("utf-8", "replace")
    try:
        asked = parse_query(text)
    except QueryError as error:
        return str(error)[:16]
    asked.title_expression()
    return asked.expression() is None, len(asked.filters), len(asked.words)


def _search(data: bytes) -> Hashable:
    text = data.decode("utf-8", "replace")
    try:
        return bool(search(_corpus(), text, limit=3)), bool(search(_corpus(), text, limit=3, duplicates=True))
    except QueryError as error:
        return str(error)[:16]


@cache
def _corpus() -> sqlite3.Connection:
    folder = Path(tempfile.mkdtemp(prefix="yuqi-fuzz-"))
    corpus = Corpus(folder / "c.db", create=True)
    for fetch in _fetches()[:6]:
        corpus.add_fetch(
            Fetch(fetch.url, WHEN, _pages()[int(fetch.url[-6])], headers=(("Content-Type", "text/html"),))
        )
    corpus.derive_pending()
    corpus.close()
    return Corpus(folder / "c.db", readonly=True).connection


_URL_WORDS = (
    b"%2e%2e/",
    b"?",
    b"&",
    b"=",
    b"#",
    b"//",
    b"@",
    b":",
    b"[",
    b"]",
    b"..;",
    b"utm_id=",
    b"&amp;",
    b"%u9038",
    b"\xe3\x80\x82",
    b"xn--",
    b"\\",
    b"sid=",
    b"index.php",
    b"/2024/05",
    b"%",
    b"+",
    b";",
)
_QUERY_WORDS = _utf8(
    (
        '"',
        "(",
        ")",
        "-",
        "AND",
        "OR",
        "NOT",
        "site:",
        "lender:",
        "topic:",
        "after:",
        "before:",
        "month:",
        "farm:",
        "{",
        "*",
        "^",
        "NEAR(",
        "title :",
        "催收",
        "，",
        "：",
        "2024",
        "\N{LATIN LETTER DENTAL CLICK}",
        "'",
        ";",
        "--",
    )
)
_WARC_WORDS = (
    b"WARC/1.1\r\n",
    b"WARC/1.0\r\n",
    b"WARC-Type: response\r\n",
    b"WARC-Type: revisit\r\n",
    b"Content-Length: 0\r\n",
    b"\r\n\r\n",
    b"WARC-Date: 2024-13-41T99:00:00Z\r\n",
    b"WARC-Target-URI: <http://a>\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"ffffffff\r\n",
    b"\x1f\x8b\x08\0",
    b"WARC-Yuqi-Fetch: x\r\n",
)
_JSON_WORDS = (
    b'{"',
    b'":',
    b'"text": "',
    b'"html": "',
    b'"url": "',
    b'"date": "',
    b"\\ud800",
    b"\\u0000",
    b"[",
    b"{",
    b"}",
    b"]",
    b"null",
    b"0001-01-01T00:00:00+23:59",
    b"9999-12-31",
    b'"filename": "',
    b'"offset": "',
    b"../",
)
_TOML_WORDS = (
    b"[",
    b"]",
    b"[[",
    b'"',
    b"'''",
    b"=",
    b"seeds",
    b"hosts",
    b"follow",
    b"select.body",
    b"charset",
    b"a.b.c",
    b"inf",
    b"nan",
    b"1979-05-27",
    b"{",
    b"}",
    b"rate",
    b"delay = -1",
    b"(?P<a>",
    b"topic",
    b"\\u0000",
    b"render = true",
    b"budget",
)
_ROBOTS_WORDS = (
    b"User-agent: *\n",
    b"Disallow: ",
    b"Allow: /",
    b"*",
    b"$",
    b"Crawl-delay: ",
    b"\n",
    b"Sitemap: ",
    b"%",
    b"#",
    b"\xef\xbb\xbf",
    b"Request-rate: 1/0\n",
    b"1e309",
    b"Visit-time: 9999-0\n",
)
_XML_WORDS = (
    b"<loc>",
    b"</loc>",
    b"<link>",
    b"<url>",
    b"<sitemap>",
    b"<!DOCTYPE ",
    b"<!ENTITY ",
    b"SYSTEM 'file:///etc/passwd'",
    b"&a;",
    b"<?xml encoding='",
    b"<![CDATA[",
    b"]]>",
    b"<item>",
    b"xmlns='",
    b"http://a.example/",
)


def _article_seeds() -> Sequence[bytes]:
    return _utf8([*_texts(), *_damaged()])


_BY_KIND: tuple[Target, ...] = (
    Target(
        "decode",
        _decode,
        _pages,
        (*_HTML_WORDS, b"charset=big5", b"t text/html; charset=gbk\n"),
        (b"\xd3\xe2", b"\xe9\x80\xbe", b"\xff", b"\x81\x30\x81\x30", b"a\0", b"<meta charset=x>", b"\xa4\xa4"),
    ),
    Target(
        "extract",
        _extract,
        _pages,
        _HTML_WORDS,
        (*_HTML_WORDS, b"<p>a", b"<b><i>", b"<a b=c", b"<!", b"<x y", b"</"),
    ),
    Target(
        "repair",
        _repair,
        _article_seeds,
        _TEXT_WORDS,
        (*_TEXT_WORDS, b"a(b", b"(", b"?", "應(yīng)及時(shí)".encode(), "鐢ㄦ埛鍚".encode()),
    ),
    Target("strip", _strip, _article_seeds, (*_TEXT_WORDS, *_BYLINES), (*_TEXT_WORDS, *_BYLINES)),
    Target("normalize", _normalize, _article_seeds, _TEXT_WORDS, _TEXT_WORDS),
    Target("script", _script, _article_seeds, _TEXT_WORDS, (*_TEXT_WORDS, "乾坤".encode(), "發髮".encode())),
    Target("clean", _clean, _pages, _HTML_WORDS, (b"<p>\xe9\x80\xbe\xe6\x9c\x9f", b"<div>", *_TEXT_WORDS)),
    Target(
        "facts",
        _facts,
        lambda: (*_BYLINES, *_article_seeds()[:8]),
        (*_TEXT_WORDS, *_BYLINES),
        (*_TEXT_WORDS, *_BYLINES, b"1", b"1 ", b"a@", b".a"),
    ),
    Target("prints", _prints, _article_seeds, _TEXT_WORDS, _TEXT_WORDS),
    Target("url", _url, lambda: _URLS, _URL_WORDS, (*_URL_WORDS, b"a/", b"../", b"a=b&", b"&a")),
    Target(
        "links",
        _links,
        _pages,
        (*_HTML_WORDS, *_URL_WORDS, b"<a href='"),
        (b"<a href=/x>", b"<a href='a/", b"<base>", b"<b>"),
    ),
    Target(
        "feed",
        _feed,
        lambda: _FEEDS,
        _XML_WORDS,
        (*_XML_WORDS, b"<a>", b"<loc>http://a.example/1</loc>", b"http://a.example/1\n"),
    ),
    Target("robots", _robots, lambda: _ROBOTS, _ROBOTS_WORDS, (*_ROBOTS_WORDS, b"*a", b"Disallow: /a*b\n")),
    Target("site", _site, lambda: [_SITE], _TOML_WORDS, (b"[", b"a = 1\n", b"'", b"a.", b"# x\n")),
    Target("warc", _warc, _warcs, _WARC_WORDS, (*_WARC_WORDS, b"a: b\r\n", b"\r\n", b"W")),
    Target("warc_gz", _warc_gz, lambda: _warcs()[:9], _WARC_WORDS, (*_WARC_WORDS, b"a: b\r\n")),
    Target(
        "intake", _intake, _bodies, (*_WARC_WORDS, *_JSON_WORDS), (*_JSON_WORDS, b'{"text": "a"}\n', b"\n", b"x")
    ),
    Target(
        "coding", _coding, _packed, (b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"x\x9c"), (b"\0", b"\x1f\x8b", b"a")
    ),
    Target("cdxj", _cdxj, lambda: _CDXJ, _JSON_WORDS, (*_JSON_WORDS, b"a ", b"\t")),
    Target("query", _query, lambda: _QUERIES, _QUERY_WORDS, (*_QUERY_WORDS, b"a ", b"((", b"a")),
    Target("search", _search, lambda: _QUERIES, _QUERY_WORDS),
)

TARGETS = {target.name: target for target in _BY_KIND}


def first_inputs(target: Target, rng: random.Random) -> list[bytes]:
    """Return what a target's inputs begin with, in an order of their own."""
    found = list(target.seeds())
    rng.shuffle(found)
    return found
