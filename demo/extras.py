"""The demo's pages that are no article: feeds, maps, redirects, errors, twins, junk and traps."""

from __future__ import annotations

import gzip
import html
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from demo.gold import Gold
from demo.responses import Response, page, redirect, slow

TWIN_PARAMETERS = frozenset({"from", "utm_source", "utm_medium", "sid"})
"""Query parameters that make no difference to what a page says."""

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)
"""A picture of one transparent pixel."""

_A, _B, _C, _D, _E, _F = (f"http://{host}" for host in (
    "www.yuqi-a.test", "www.yuqi-b.test", "www.yuqi-c.test", "news.yuqi-d.test", "www.yuqi-e.test", "www.yuqi-f.test",
))  # fmt: skip
_CALENDAR = re.compile(r"/calendar/(\d{4})/(\d{2})/\Z")
_TAG_PAGE = re.compile(r"/tag/loan/page/(\d{1,9})/\Z")

Entry = tuple[Gold, Response]


@dataclass(frozen=True, slots=True)
class Collected:
    """The article entries of one site, by URL, with the answers they have."""

    articles: tuple[Gold, ...]
    responses: Mapping[str, Response]

    def of(self, site: str) -> list[Gold]:
        """Return the articles of one site, sorted by URL."""
        return [gold for gold in self.articles if gold.site == site]


def extra_entries(
    gold: Iterable[Gold], responses: Mapping[str, Response], *, slow_seconds: float, oversized_bytes: int
) -> list[Entry]:
    """Return the entries beside articles and lists. An entry may replace one that exists (the slow article)."""
    articles = tuple(sorted((entry for entry in gold if entry.kind == "article"), key=lambda entry: entry.url))
    collected = Collected(articles, responses)
    entries = [
        *_control_files(collected),
        *_redirects(collected),
        *_errors(),
        *_junk(oversized_bytes),
        *_disallowed(),
        *_twins(collected),
        *_trap_entries(),
    ]
    slow_article = collected.of("c")[0]
    entries.append((slow_article, slow(responses[slow_article.url], slow_seconds)))
    return [*entries, *_maps([entry for entry, _ in entries])]


def _plain_page(title: str, inner: str, *, status: int = 200) -> Response:
    text = f"<!doctype html><html><head><meta charset=utf-8><title>{title}</title></head><body>{inner}</body></html>\n"
    return page(text.encode(), status=status)


def _entry(url: str, kind: str, response: Response, **fields: str) -> Entry:
    site = urlsplit(url).netloc.split("yuqi-")[1][0]
    encoding = fields.pop("encoding", "utf-8") or None
    return Gold(url, site, kind, response.status, encoding, **fields), response  # type: ignore[arg-type]


# robots.txt, sitemaps, feeds ----------------------------------------------------------------------


def _control_files(collected: Collected) -> Iterator[Entry]:
    yield _entry(f"{_A}/robots.txt", "junk", _text(f"User-agent: *\nAllow: /\nSitemap: {_A}/sitemap.xml\n"))
    rules = "User-agent: *\nDisallow: /private/\nDisallow: /wp-admin/\nCrawl-delay: 0.05\n"
    yield _entry(f"{_C}/robots.txt", "junk", _text(f"{rules}Sitemap: {_C}/wp-sitemap.xml\n"))
    yield _entry(f"{_D}/robots.txt", "junk", _text(""))
    yield _entry(
        f"{_A}/sitemap.xml",
        "junk",
        _xml(_sitemap_index([f"{_A}/sitemap-articles.xml.gz", f"{_A}/sitemap-lists.xml"])),
    )
    packed = gzip.compress(_url_set(collected.of("a")).encode(), mtime=0)
    yield _entry(
        f"{_A}/sitemap-articles.xml.gz", "junk", page(packed, charset=None, kind="application/gzip"), encoding=""
    )
    lists = [Gold(f"{_A}/", "a", "list"), Gold(f"{_A}/page_2.html", "a", "list")]
    yield _entry(f"{_A}/sitemap-lists.xml", "junk", _xml(_url_set(lists)))
    yield _entry(f"{_C}/wp-sitemap.xml", "junk", _xml(_url_set(collected.of("c"))))
    yield _entry(f"{_A}/feed.xml", "junk", _xml(_rss(_A, collected.of("a"))))
    yield _entry(f"{_C}/feed/", "junk", _xml(_rss(_C, collected.of("c"))))


def _text(text: str) -> Response:
    return page(text.encode(), kind="text/plain")


def _xml(text: str) -> Response:
    return page(text.encode(), kind="application/xml")


def _sitemap_index(urls: Iterable[str]) -> str:
    inner = "".join(f"<sitemap><loc>{html.escape(url)}</loc></sitemap>" for url in urls)
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<sitemapindex xmlns="{space}">{inner}</sitemapindex>\n'


def _url_set(entries: Iterable[Gold]) -> str:
    inner = "".join(
        f"<url><loc>{html.escape(entry.url)}</loc>{_last_modified(entry)}</url>\n" for entry in entries
    )
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{space}">{inner}</urlset>\n'


def _last_modified(entry: Gold) -> str:
    return f"<lastmod>{entry.published[:10]}</lastmod>" if entry.published else ""


def _rss(base: str, entries: Sequence[Gold]) -> str:
    newest = sorted(entries, key=lambda entry: entry.published or "", reverse=True)[:10]
    items = "".join(
        f"<item><title>{html.escape(entry.title or '')}</title><link>{html.escape(entry.url)}</link></item>\n"
        for entry in newest
    )
    channel = f"<channel><link>{base}/</link>{items}</channel>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0">{channel}</rss>\n'


# Redirects, errors, junk --------------------------------------------------------------------------


def _redirects(collected: Collected) -> Iterator[Entry]:
    first = {site: collected.of(site)[0].url for site in "abcdef"}
    yield _redirect(f"{_A}/old/1.html", first["a"], 301)
    yield _redirect(f"{_D}/go.php?to=1", first["d"], 302)
    yield _redirect(f"{_C}/loop-1", f"{_C}/loop-2")
    yield _redirect(f"{_C}/loop-2", f"{_C}/loop-1")
    yield _redirect("http://yuqi-b.test/", f"{_B}/", 301)
    refresh = f'<html><head><meta http-equiv="refresh" content="0; url={first["b"]}"></head><body></body></html>\n'
    yield _entry(f"{_B}/jump.html", "redirect", page(refresh.encode()), twin_of=first["b"])


def _redirect(url: str, target: str, status: int = 302) -> Entry:
    return _entry(url, "redirect", redirect(target, status), encoding="", twin_of=target)


def _errors() -> Iterator[Entry]:
    yield _entry(f"{_A}/post/9.html", "error", _plain_page("410", "<p>该文章已被删除</p>", status=410))
    yield _entry(f"{_B}/a/yuqi/missing.html", "error", NOT_FOUND)
    yield _entry(f"{_C}/archives/999999", "error", NOT_FOUND)
    yield _entry(
        f"{_B}/plus/view.php?aid=7", "error", _plain_page("500", "<h1>Internal Server Error</h1>", status=500)
    )
    yield _entry(f"{_F}/news/0.html", "error", _plain_page("503", "<p>系統維護中</p>", status=503))
    yield _entry(f"{_E}/html/gone.htm", "error", SOFT_NOT_FOUND)


NOT_FOUND = _plain_page("404 Not Found", "<h1>404</h1><p>您访问的页面不存在。</p>", status=404)
SOFT_NOT_FOUND = _plain_page(
    "页面不存在", "<h1>抱歉</h1><p>您要找的页面不存在或已被删除。</p><p><a href='/'>返回首页</a></p>"
)


def _junk(oversized_bytes: int) -> Iterator[Entry]:
    for base in (_A, _B, _C, _D, _E, _F):
        yield _entry(
            f"{base}/about.html", "junk", _plain_page("关于我们", "<h1>关于我们</h1><p>本站创建于二〇二一年。</p>")
        )
    yield _entry(f"{_A}/pic/chart.html", "junk", page(PNG), encoding="")
    yield _entry(f"{_B}/a/yuqi/empty.html", "junk", page(b""))
    noise = random.Random(7).randbytes(4096)
    yield _entry(
        f"{_D}/download/form.bin", "junk", page(noise, charset=None, kind="application/octet-stream"), encoding=""
    )
    yield _entry(f"{_D}/noise.html", "junk", page(noise), encoding="")
    filler = b"<html><body>\n" + b"<div><span>0</span></div>\n" * (oversized_bytes // 26) + b"</body></html>\n"
    yield _entry(f"{_D}/dump.html", "junk", page(filler))
    lost = "".join(f"<p>{'锟斤拷' * 20}，{'锟斤拷' * 14}</p>\n" for _ in range(12))
    yield _entry(f"{_E}/html/3.htm", "junk", _plain_page("锟斤拷锟斤拷", f"<h1>锟斤拷锟斤拷</h1>{lost}"))


def _disallowed() -> Iterator[Entry]:
    inner = "<h1>会员内部资料</h1><p>这一页写在 robots.txt 的禁止范围里，守规矩的爬虫不会读到它。</p>"
    yield _entry(f"{_C}/private/members.html", "disallowed", _plain_page("会员内部资料", inner))
    yield _entry(
        f"{_C}/wp-admin/index.php", "disallowed", _plain_page("后台登录", "<form><input name=log></form>")
    )


# Twins: other names for the same page -------------------------------------------------------------


def _twins(collected: Collected) -> Iterator[Entry]:
    suffixes = {
        "a": "?from=list",
        "c": "?utm_source=feed&utm_medium=rss",
        "d": "&sid=8f3a21",
        "e": "?from=groupmessage",
    }
    for site, suffix in suffixes.items():
        for gold in collected.of(site)[2:5]:
            yield _twin(gold, gold.url + suffix, collected.responses)
    for gold in collected.of("d")[2:4]:
        yield _twin(gold, f"{gold.url}&sid=77b0c4", collected.responses)
    for gold in collected.of("a")[5:9]:
        yield _twin(gold, gold.url.replace("//www.", "//"), collected.responses)
    yield _twin(Gold(f"{_A}/", "a", "list", encoding="utf-8"), "http://yuqi-a.test/", collected.responses)


def _twin(gold: Gold, url: str, responses: Mapping[str, Response]) -> Entry:
    return replace(gold, url=url, twin_of=gold.url), responses[gold.url]


# Traps --------------------------------------------------------------------------------------------


def _trap_entries() -> Iterator[Entry]:
    for month in range(1, 4):
        yield _entry(f"{_A}/calendar/2024/{month:02d}/", "trap", _calendar(2024, month))
    for number in range(1, 4):
        yield _entry(f"{_C}/tag/loan/page/{number}/", "trap", _tag_page(number))


def _calendar(year: int, month: int) -> Response:
    before, after = divmod(year * 12 + month - 2, 12), divmod(year * 12 + month, 12)
    links = "".join(
        f'<a href="/calendar/{y:04d}/{m + 1:02d}/">{y}年{m + 1}月</a>\n'
        for y, m in (before, after)
        if 1 <= y <= 9999
    )
    return _plain_page(f"{year}年{month}月归档", f"<h1>{year}年{month}月</h1><p>本月没有文章。</p>{links}")


def _tag_page(number: int) -> Response:
    links = f'<a href="/tag/loan/page/{number + 1}/">下一页</a>'
    return _plain_page(f"标签：贷款 第{number}页", f"<h1>标签：贷款</h1><p>第{number}页，暂无内容。</p>{links}")


def respond_unlisted(url: str, responses: Mapping[str, Response]) -> Response:
    """Return the answer to a URL without one of its own: a trap's page, a twin's, or the site's error page."""
    parts = urlsplit(url)
    path = parts.path
    if parts.netloc == "yuqi-b.test":
        return redirect(urlunsplit(parts._replace(netloc="www.yuqi-b.test")), 301)
    if match := _CALENDAR.match(path):
        year, month = int(match[1]), int(match[2])
        if parts.netloc.endswith("yuqi-a.test") and year and 1 <= month <= 12:
            return _calendar(year, month)
    if (match := _TAG_PAGE.match(path)) and url.startswith(_C):
        return _tag_page(int(match[1]))
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in TWIN_PARAMETERS]
    host = "www.yuqi-a.test" if parts.netloc == "yuqi-a.test" else parts.netloc
    plain = urlunsplit(parts._replace(netloc=host, query=urlencode(kept), fragment=""))
    if plain in responses:
        return responses[plain]
    return SOFT_NOT_FOUND if url.startswith(_E) else NOT_FOUND


# The page on each site that links to all of these -------------------------------------------------


def _maps(entries: Sequence[Gold]) -> Iterator[Entry]:
    for base in (_A, _B, _C, _D, _E, _F):
        own = [e for e in entries if e.url.startswith((base, base.replace("//www.", "//")))]
        listed = [
            e
            for e in own
            if (not e.url.endswith(("robots.txt", ".xml", ".gz")) and e.published is None) or e.twin_of
        ]
        links = "".join(f'<li><a href="{html.escape(e.url)}">{html.escape(_label(e))}</a></li>\n' for e in listed)
        yield _entry(
            f"{base}/map.html",
            "list",
            _plain_page("网站地图", f"<h1>网站地图</h1><ul>{links}</ul>"),
            title="网站地图",
        )


def _label(entry: Gold) -> str:
    return entry.title or {"error": "旧文存档", "trap": "按月归档", "redirect": "转到原文"}.get(
        entry.kind, "更多资料"
    )
