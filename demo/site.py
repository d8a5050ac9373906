"""Builds the demo: six sites under invented `.test` names, every response and the truth about it, from a seed.

a  Z-Blog, UTF-8; contacts shared with b (farm-1)        d  div soup, GBK under every kind of declaration (farm-2)
b  DedeCMS, GBK with pinyin injected (farm-1)            e  br runs, UTF-8 with wrong-decoder bodies (farm-2)
c  WordPress, UTF-8, nearly clean, robots and delay      f  layout tables, Big5

Farms: each operator has an account of its own, as c and f have. What must tie nobody stands there too: a share widget's
account on all six sites, and on c a reprinted article with the contact of the farm that it comes from.
"""

from __future__ import annotations

import html
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from demo import damage, treat
from demo.accounts import WIDGET, with_accounts
from demo.articles import (
    Article,
    compilation,
    near_copy,
    read_articles,
    salad,
    simplified,
    swap,
    traditional_table,
)
from demo.cluster import assign_clusters
from demo.extras import extra_entries, respond_unlisted
from demo.gold import Gold
from demo.responses import Response, page
from demo.templates import TEMPLATES, Link, Sheet
from demo.treat import Draft, Treatment

PER_PAGE = 8
"""Articles on one list page."""

SHORT = 250
"""Characters below which an article has exact copies only: one more sentence would make it another text."""

_FARM_1 = damage.Operator("陈先生", "13800000001", "webmaster@yuqi-farm.example.com", qq="1000000001")
_FARM_2 = damage.Operator("小吴", "13900000002", "service@second-farm.example.net", wechat="demo_wx_0002")
_ACCOUNTS_1 = (f"baidu:{'a1' * 16}", WIDGET)
_ACCOUNTS_2 = ("cnzz:800000002", WIDGET)
_ACCOUNTS_C = (f"baidu:{'c3' * 16}", "cnzz:800000003", WIDGET)
_ACCOUNTS_F = ("cnzz:800000004", WIDGET)
_SITE_C = damage.Operator("站长", "13700000003", "hello@site-c.example.org")
_SITE_F = damage.Operator("編輯室", "0200000004", "editor@site-f.example.org")


@dataclass(frozen=True, slots=True)
class Site:
    """How one site publishes.

    `declared` are (header charset, meta charset) pairs that its articles take in turn, as they do `treatments`;
    `lone_treatments` go to articles that have no copy anywhere. `keep` are characters that its converter to
    Traditional forgets.
    """

    key: str
    host: str
    name: str
    template: str
    codec: str
    declared: tuple[tuple[str | None, str | None], ...]
    address: Callable[[int, datetime], str]
    list_address: Callable[[int], str]
    date_format: str
    gold_date_format: str
    operator: damage.Operator
    accounts: tuple[str, ...]
    treatments: tuple[Treatment, ...]
    lone_treatments: tuple[Treatment, ...] = ()
    farm: str | None = None
    traditional: bool = False
    keep: str = ""
    pinyin: Mapping[str, str] | None = None

    def url(self, path: str) -> str:
        """Return the absolute URL of a path of this site."""
        return f"http://{self.host}{path}"


def _first(path: str, first: str = "/") -> Callable[[int], str]:
    return lambda number: first if number == 1 else path.format(number)


SITES: tuple[Site, ...] = (
    Site(
        "a", "www.yuqi-a.test", "逾期频道", "zblog", "utf-8", (("utf-8", "utf-8"),),
        lambda n, _: f"/post/{n}.html", _first("/page_{}.html"), "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", _FARM_1,
        _ACCOUNTS_1,
        (treat.keyword_ends, treat.clean, treat.hidden_block, treat.deleted_words, treat.keyword_glued, treat.clean,
         treat.tag_junk, treat.entities),
        lone_treatments=(treat.deleted_words, treat.keyword_ends, treat.hidden_block, treat.entities),
        farm="farm-1",
    ),
    Site(
        "b", "www.yuqi-b.test", "债务资讯网", "dede", "gbk", (("gb2312", "gb2312"), (None, "gb2312"), ("gbk", None)),
        lambda n, day: f"/a/yuqi/{day:%Y/%m%d}/{n}.html", _first("/list_1_{}.html"), "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
        _FARM_1, _ACCOUNTS_1, (treat.clean, treat.clean, treat.keyword_ends, treat.deleted_words, treat.clean),
        lone_treatments=(treat.deleted_words, treat.clean, treat.keyword_glued),
        farm="farm-1", traditional=True, keep="后余", pinyin=damage.PINYIN_LARGE,
    ),
    Site(
        "c", "www.yuqi-c.test", "负债者笔记", "wordpress", "utf-8", (("UTF-8", "UTF-8"), (None, "utf-8"), ("utf-8", None)),
        lambda n, _: f"/archives/{n}", _first("/page/{}/"), "%Y-%m-%dT%H:%M:%S+08:00", "%Y-%m-%dT%H:%M:%S+08:00",
        _SITE_C, _ACCOUNTS_C, (treat.clean, treat.clean, treat.clean, treat.entities),
    ),
    Site(
        "d", "news.yuqi-d.test", "还款参考", "soup", "gb18030",
        ((None, None), ("utf-8", None), ("iso-8859-1", None), (None, "utf-8"), ("gbk", "utf-8"), ("iso-8859-1", "gb2312"),
         ("gb2312", None), (None, "gb2312")),
        lambda n, _: f"/show.php?id={n}", _first("/list.php?page={}"), "%Y年%m月%d日", "%Y-%m-%d", _FARM_2,
        _ACCOUNTS_2,
        (treat.pool_footer, treat.clean, treat.mid_sentence, treat.spaced_out, treat.advert, treat.keyword_ends),
        farm="farm-2",
    ),
    Site(
        "e", "www.yuqi-e.test", "清欠知识库", "runs", "utf-8", (("utf-8", "utf-8"),),
        lambda n, _: f"/html/{n}.htm", _first("/index_{}.htm", "/index.html"), "%Y-%m-%d", "%Y-%m-%d", _FARM_2,
        _ACCOUNTS_2,
        (treat.gbk_as_latin1, treat.clean, treat.utf8_as_latin1, treat.pinyin_lossy, treat.hybrid, treat.big5_as_gbk,
         treat.utf8_as_cp1252, treat.advert, treat.gbk_as_cp1252, treat.utf8_as_gbk),
        lone_treatments=(treat.utf8_as_gbk, treat.gbk_as_big5, treat.utf8_as_gbk_twice, treat.entities),
        farm="farm-2",
    ),
    Site(
        "f", "www.yuqi-f.test", "欠款求助站", "table", "big5hkscs", (("big5", "big5"), (None, "big5"), (None, None)),
        lambda n, _: f"/news/{n}.html", _first("/list/{}.html"), "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M", _SITE_F,
        _ACCOUNTS_F,
        (treat.clean, treat.clean, treat.keyword_ends), traditional=True,
    ),
)  # fmt: skip

_AUTHORS = ("林编辑", "周小满", "编辑部", "何知远", "逾期观察员", "苏禾", "程编", "老余", "顾清平", "债务笔记")
_SOURCES = ("本站原创", "网络整理", "读者投稿")
_CAPTIONS = ("图片来源网络，侵删", "（图片来自网络，如有侵权请联系删除）")
_DISCLAIMERS = (
    "声明：本站内容只供参考，不代表本站立场，也不构成任何建议；若您认为内容有误，请与我们联系。",
    "免责声明：文章由作者自行上传，本站仅提供信息存储，不对其真实性负责。",
    "特别声明：以上文字仅代表作者个人观点，与本站无关。",
)
_SHARES = ("分享到： 微信 微博 QQ空间 复制链接", "点赞 收藏 转发 打赏", "扫一扫，分享给好友")
_CATEGORIES = ("逾期资讯", "协商还款", "催收科普", "法律常识", "征信修复")
_LENDERS = ("度小满", "马上消费", "中邮消费金融", "京东金条", "美团借钱", "平安普惠", "兴业消费金融", "分期乐")
_CITIES = ("郑州", "合肥", "南宁", "昆明", "兰州", "沈阳", "温州", "佛山")
_NUMBERS = ("两个月", "四个月", "五个月", "七个月", "八个月", "十个月")


@dataclass(frozen=True, slots=True)
class Demo:
    """The built demo: what every URL answers, and the truth about it."""

    seed: int
    responses: Mapping[str, Response]
    gold: tuple[Gold, ...]
    start_urls: tuple[str, ...]
    slow_seconds: float

    def respond(self, url: str) -> Response:
        """Return what a GET of `url` is answered with: a page, a trap's page, or the site's error page."""
        known = self.responses.get(url)
        return known if known is not None else respond_unlisted(url, self.responses)

    def host_names(self) -> tuple[str, ...]:
        """Return every host name that the demo answers under, sorted."""
        return tuple(sorted({urlsplit(url).netloc for url in self.responses}))

    def hosts(self, port: int, address: str = "127.0.0.1") -> dict[str, str]:
        """Return each host name with the `address:port` that serves it."""
        return dict.fromkeys(self.host_names(), f"{address}:{port}")

    def write_gold(self, path: str | Path) -> None:
        """Write the gold as JSON Lines, sorted by URL: the same bytes for the same seed."""
        lines = [orjson.dumps(gold.record(), option=orjson.OPT_SORT_KEYS) + b"\n" for gold in self.gold]
        Path(path).write_bytes(b"".join(lines))


@dataclass(frozen=True, slots=True)
class Placement:
    """One article at one address of one site."""

    site: Site
    article: Article
    serial: int
    published: datetime
    alone: bool
    turn: int
    home: Site

    @property
    def path(self) -> str:
        """The path, with its query, of the article on its site."""
        return self.site.address(self.serial, self.published)


@dataclass(slots=True)
class _Build:
    """What accumulates while the sites are written."""

    responses: dict[str, Response] = field(default_factory=dict)
    gold: dict[str, Gold] = field(default_factory=dict)

    def add(self, gold: Gold, response: Response) -> None:
        self.responses[gold.url] = response
        self.gold[gold.url] = replace(gold, status=response.status)


def build(seed: int = 20240101, *, slow_seconds: float = 1.0, oversized_bytes: int = 2_000_000) -> Demo:
    """Return the demo of a seed.

    `slow_seconds` is how long the slow page takes to answer, `oversized_bytes` the size of the oversized one.
    """
    rng = random.Random(seed)
    placements = list(_place(_with_spun(read_articles(), seed), rng))
    tables = {site.key: traditional_table(keep=site.keep) for site in SITES}
    built = _Build()
    for site in SITES:
        own = [placement for placement in placements if placement.site is site]
        _write_site(built, site, own, tables[site.key], rng)
    for gold, response in extra_entries(
        built.gold.values(), built.responses, slow_seconds=slow_seconds, oversized_bytes=oversized_bytes
    ):
        built.add(gold, response)
    gold_list = assign_clusters(built.gold.values(), {_address(p): p.article for p in placements})
    return Demo(
        seed=seed,
        responses=built.responses,
        gold=tuple(sorted(gold_list, key=lambda gold: gold.url)),
        start_urls=tuple(site.url(site.list_address(1)) for site in SITES),
        slow_seconds=slow_seconds,
    )


def _address(placement: Placement) -> str:
    return placement.site.url(placement.path)


# Which article stands where -----------------------------------------------------------------------


def _with_spun(articles: Sequence[Article], seed: int) -> list[Article]:
    """Return `articles` with a digest of a few of them and a salad of others behind them."""
    rng = random.Random(f"spun {seed}")
    ordinary = [article for article in articles if article.style == "advice" and not article.lender]
    whole = [article for article in ordinary if 350 <= len(article.text) <= 600]
    return [*articles, compilation(rng.sample(whole, 3)), salad(rng.sample(ordinary, 8), rng)]


def _place(articles: Sequence[Article], rng: random.Random) -> Iterator[Placement]:
    """Yield every placement: each article at home on one site, its copies on others."""
    serials: dict[str, int] = defaultdict(lambda: 10)
    turns: dict[str, int] = defaultdict(int)
    home_sites = [site for site in SITES if site.key != "f"]
    for index, article in enumerate(articles):
        home = SITES[5] if article.script == "hant" else home_sites[index % len(home_sites)]
        variants = list(_variants(article, index, rng))
        others = [
            site for site in SITES if site is not home and not (article.script == "hant" and site.codec != "utf-8")
        ]
        rng.shuffle(others)
        for variant, site in zip([article, *variants], [home, *others]):
            serials[site.key] += rng.randint(1, 4)
            published = datetime(2022, 1, 3, 8, 0, 0) + timedelta(minutes=rng.randrange(1_400_000))
            yield Placement(site, variant, serials[site.key], published, not variants, turns[site.key], home)
            turns[site.key] += 1


def _variants(article: Article, index: int, rng: random.Random) -> Iterator[Article]:
    """Yield the copies of an article that stand on other sites: swapped, near or exact ones, or none."""
    if article.style != "advice":
        return
    if article.lender or article.city:
        lenders = [name for name in _LENDERS if name != article.lender]
        cities = [name for name in _CITIES if name != article.city]
        numbers = [number for number in _NUMBERS if number != article.number]
        for lender, city, number in zip(rng.sample(lenders, 2), rng.sample(cities, 2), rng.sample(numbers, 2)):
            yield swap(article, lender=lender, city=city, number=number)
    elif index % 3 == 0 or len(article.text) < SHORT:
        yield from [article] * rng.randint(1, 3)
    elif index % 3 == 1:
        yield near_copy(article, rng)
        if rng.random() < 0.5:
            yield near_copy(article, rng)


# Writing a site -----------------------------------------------------------------------------------


def _write_site(
    built: _Build, site: Site, placements: Sequence[Placement], table: Mapping[int, str], rng: random.Random
) -> None:
    reprint = _credited(site, placements)
    newest_first = sorted(placements, key=lambda placement: placement.published, reverse=True)
    links = {p.serial: Link(p.path, _shown_title(p)) for p in placements}
    for position, placement in enumerate(newest_first):
        beside = [links[other.serial] for other in _beside(newest_first, position, rng)]
        credit = placement.home.operator if placement is reprint else None
        built.add(*_write_article(placement, beside, table, rng, credit))
    unlisted = {placement.serial for placement in newest_first[3:5]} if site.key in "ac" else set()
    listed = [links[placement.serial] for placement in newest_first if placement.serial not in unlisted]
    for gold, response in _write_lists(site, listed, table):
        built.add(gold, response)


def _credited(site: Site, placements: Sequence[Placement]) -> Placement | None:
    """Return the one article of c that was reprinted together with its farm's contact."""
    if site.key != "c":
        return None
    return next((p for p in placements if p.home.farm and p.article.style == "advice"), None)


def _shown_title(placement: Placement) -> str:
    return placement.article.title


def _beside(placements: Sequence[Placement], position: int, rng: random.Random) -> list[Placement]:
    others = [p for index, p in enumerate(placements) if index != position]
    return rng.sample(others, min(6, len(others)))


def _navigation(site: Site) -> list[Link]:
    links = [
        Link(site.list_address(1), "首页"),
        *(Link(f"/category/{n}/", name) for n, name in enumerate(_CATEGORIES, 1)),
    ]
    return [*links, Link("/about.html", "关于我们"), Link("/map.html", "网站地图")]


def _writer(site: Site, table: Mapping[int, str]) -> Callable[[str], str]:
    if site.traditional:
        return lambda text: html.escape(text.translate(table))
    return html.escape


def _write_article(
    placement: Placement,
    beside: Sequence[Link],
    table: Mapping[int, str],
    rng: random.Random,
    credit: damage.Operator | None,
) -> tuple[Gold, Response]:
    site, article = placement.site, placement.article
    header_charset, meta_charset = site.declared[placement.turn % len(site.declared)]
    sheet = Sheet(
        site_name=site.name,
        title=article.title,
        write=_writer(site, table),
        charset=meta_charset,
        author=rng.choice(_AUTHORS),
        published=placement.published.strftime(site.date_format),
        category=article.category,
        source=rng.choice(_SOURCES),
        lines=article.lines,
        related=beside,
        navigation=_navigation(site),
        serial=placement.serial,
    )
    contacts = _furnish(sheet, site, rng)
    if credit is not None:
        sheet.after.append(f"联系电话：{credit.phone}")
        contacts.append({"kind": "phone", "value": credit.phone})
    draft = Draft(
        article,
        sheet,
        list(article.lines),
        rng,
        lambda text: text.translate(table),
        placement.alone,
        site.traditional,
    )
    if article.script == "hans":
        _treat(draft, site, placement)
    written = with_accounts(TEMPLATES[site.template][0](sheet), site.accounts)
    if site.pinyin:
        draft.note("pinyin", torn_lines=damage.torn_lines(written, site.pinyin), lossy=False)
        body = damage.inject_pinyin_bytes(written, site.pinyin)
    else:
        body = written.encode(site.codec)
    gold = _gold_of(placement, draft, contacts, table)
    return gold, page(body, charset=header_charset, modified=placement.published)


def _treat(draft: Draft, site: Site, placement: Placement) -> None:
    """Apply the site's treatment whose turn it is, or the next one that finds something to do."""
    treatments = site.lone_treatments if placement.alone and site.lone_treatments else site.treatments
    for offset in range(len(treatments)):
        treatment = treatments[(placement.turn + offset) % len(treatments)]
        treatment(draft)
        if draft.damage or treatment is treat.clean:
            return


def _gold_of(
    placement: Placement, draft: Draft, contacts: Sequence[Mapping[str, str]], table: Mapping[int, str]
) -> Gold:
    site, article, sheet = placement.site, placement.article, draft.sheet
    shown = "\n".join(line.plain() for line in draft.lines)
    hant = article.script == "hant"
    spam = tuple(dict.fromkeys(draft.spam))
    return Gold(
        url=site.url(placement.path),
        site=site.key,
        kind="article",
        encoding={"gbk": "gb18030"}.get(site.codec, site.codec),
        title=simplified(article.title) if hant else article.title,
        author=sheet.author,
        published=placement.published.strftime(site.gold_date_format),
        category=article.category if site.template in {"zblog", "dede", "wordpress", "runs"} else None,
        text=simplified(shown) if hant else shown,
        text_source=shown.translate(table) if draft.published_traditional and not hant else shown,
        spam_lines=spam,
        chrome_lines=tuple(line for line in sheet.noted if line not in spam and line != article.title),
        contacts=tuple(contacts),
        damage=tuple(draft.damage),
        farm=site.farm,
        article=article.key,
        lender=article.lender,
        embeds=article.embeds,
        accounts=site.accounts,
    )


def _furnish(sheet: Sheet, site: Site, rng: random.Random) -> list[Mapping[str, str]]:
    """Put a site's usual lines around the body, and return the contacts that they show."""
    shown: list[str] = []
    operator = site.operator
    heat, comments = rng.randint(1, 99), rng.randint(0, 9)
    if site.key in "ab":
        lines = _contact_lines(operator, rng)
        (sheet.before if rng.random() < 0.5 else sheet.after).extend(lines)
        shown += lines
        sheet.before.append(f"{sheet.category} {heat}℃ {comments}")
    if site.key in "de" and rng.random() < 0.7:
        line = rng.choice((
            f"商务合作请加V信：{operator.wechat} 电话：{operator.phone}",
            f"删帖请联系：{_full_width(operator.phone)}　薇信 {operator.wechat}",
            f"内容举报：{operator.email} 或 {_spaced(operator.phone)}",
        ))  # fmt: skip
        sheet.after.append(line)
        shown.append(line)
    if site.key in "cf" and rng.random() < 0.3:
        line = f"联系方式：{operator.email}"
        sheet.after.append(line)
        shown.append(line)
    if site.key in "de":
        sheet.before.append(f"浏览：{rng.randint(12, 4000)}次 评论：{comments}")
    if site.key != "c" and rng.random() < 0.6:
        sheet.after.append(rng.choice(_DISCLAIMERS))
    if rng.random() < 0.5:
        sheet.after.append(rng.choice(_SHARES))
    if rng.random() < 0.4:
        sheet.after.append(f"责任编辑：{sheet.author}")
    if site.key in "abde":
        sheet.repeat_title = rng.random() < 0.5
        sheet.caption = rng.choice(_CAPTIONS) if rng.random() < 0.3 else ""
    return _shown_contacts(operator, shown)


def _contact_lines(operator: damage.Operator, rng: random.Random) -> list[str]:
    return rng.choice((
        [f"内容侵权、删帖举报联系方式：{operator.phone} {operator.email}"],
        ["内容侵权、删帖举报联系方式：", f"{operator.name}：{operator.phone} {operator.email}"],
        [f"如需删除本文，请联系扣扣：{operator.qq}", f"投诉邮箱：{operator.email}"],
        [f"站务联系：{_full_width(operator.phone)}（QQ {operator.qq}）"],
    ))  # fmt: skip


def _full_width(digits: str) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)


def _spaced(digits: str) -> str:
    return " ".join((digits[:3], digits[3:7], digits[7:]))


def _shown_contacts(operator: damage.Operator, lines: Iterable[str]) -> list[Mapping[str, str]]:
    text = " ".join(lines)
    shown: list[Mapping[str, str]] = []
    for contact in operator.contacts():
        value = contact["value"]
        forms = (value, _full_width(value), _spaced(value)) if contact["kind"] == "phone" else (value,)
        if any(form in text for form in forms):
            shown.append(contact)
    return shown


def _write_lists(site: Site, links: Sequence[Link], table: Mapping[int, str]) -> Iterator[tuple[Gold, Response]]:
    pages = [links[start : start + PER_PAGE] for start in range(0, len(links), PER_PAGE)]
    for number, entries in enumerate(pages, 1):
        around = [Link(site.list_address(n), str(n)) for n in range(1, len(pages) + 1)]
        if number < len(pages):
            around.append(Link(site.list_address(number + 1), "下一页"))
        yield _list_page(site, site.list_address(number), site.name, entries, around, table)
    for number, name in enumerate(_CATEGORIES, 1):
        entries = list(links[number - 1 :: len(_CATEGORIES)])
        yield _list_page(site, f"/category/{number}/", name, entries, [], table)


def _list_page(
    site: Site, path: str, title: str, entries: Sequence[Link], pages: Sequence[Link], table: Mapping[int, str]
) -> tuple[Gold, Response]:
    sheet = Sheet(
        site_name=site.name,
        title=title,
        write=_writer(site, table),
        charset=site.declared[0][1],
        entries=entries,
        pages=pages,
        navigation=_navigation(site),
    )
    body = TEMPLATES[site.template][1](sheet).encode(site.codec)
    encoding = {"gbk": "gb18030"}.get(site.codec, site.codec)
    gold = Gold(site.url(path), site.key, "list", encoding=encoding, title=title, farm=site.farm)
    return gold, page(body, charset=site.declared[0][0])
