"""Pages without end for the benchmarks of the whole chain and of scale: each a function of the seed and its number.

They are written in the demo's six templates, with sentences put together from clauses of the demo's articles, and their
sizes follow the 26 development pages: article length (quartiles 485, 1,139 and 1,988 characters), links (71, 181, 245),
encodings and declarations as such sites have them. Of a hundred pages 12 are exact, 8 edited and 10 swapped copies of an
earlier one; 20 have spam first, 15 last, 40 a contact line, 3 a body read by the wrong decoder, 3 pinyin injected.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from corpus.records import Fetch
from demo import damage
from demo.articles import Line, read_articles, traditional_table
from demo.templates import TEMPLATES, Link, Sheet

SEED = 20241117
BEGIN = datetime(2021, 1, 1, tzinfo=UTC)
PAGES_PER_SITE = 400
MOST_SITES = 5000
LENDERS = (
    "度小满",
    "马上消费",
    "中邮消费金融",
    "京东金条",
    "美团借钱",
    "平安普惠",
    "兴业消费金融",
    "分期乐",
    "借呗",
    "微粒贷",
)
CITIES = ("郑州", "合肥", "南宁", "昆明", "兰州", "沈阳", "温州", "佛山", "长沙", "济南")
QUESTIONS = (
    "逾期了怎么办",
    "协商还款要准备什么",
    "催收打电话给家人合法吗",
    "能不能停息挂账",
    "会不会被起诉",
    "征信多久能恢复",
)
ENCODINGS = ("utf-8",) * 14 + ("gb18030",) * 4 + ("big5hkscs",) * 2
MEDIAN_CHARS, CHARS_SPREAD = 1139, 1.05
MEDIAN_LINKS, LINKS_SPREAD = 160, 0.9
MEDIAN_BYTES, BYTES_SPREAD = 40_000, 0.9
"""Medians, and standard deviations of the logarithms. Bytes are less than the development pages' 113,000: those are of
portals, and farms have smaller ones."""

_CLAUSE = re.compile("[^，。；！？：“”]{4,30}")


class Generated(NamedTuple):
    """A page, and the article's text as a person would take it: Simplified, one block a line."""

    fetch: Fetch
    text: str


class _Story(NamedTuple):
    """What a page tells: its title and its paragraphs."""

    title: str
    paragraphs: tuple[str, ...]


@lru_cache(maxsize=1)
def clauses() -> tuple[str, ...]:
    """Return every clause of the demo's Simplified articles, once, in order."""
    found = [
        clause
        for article in read_articles()
        if article.script == "hans" and article.style == "advice"
        for line in article.lines
        if line.kind == "paragraph"
        for clause in _CLAUSE.findall(line.text)
    ]
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1)
def _traditional() -> Mapping[int, str]:
    return traditional_table()


def generate(count: int, *, first: int = 0, seed: int = SEED) -> Iterator[Generated]:
    """Yield pages `first` to `first + count - 1`; the same for the same seed, wherever one begins."""
    for number in range(first, first + count):
        yield page(number, seed)


def page(number: int, seed: int = SEED) -> Generated:
    """Return one page."""
    dice = random.Random(f"page {seed} {number}")
    story = _story(number, seed)
    encoding = dice.choice(ENCODINGS)
    traditional = encoding == "big5hkscs"
    written = _written(_sheet(number, story, dice, traditional=traditional), dice, encoding)
    body = written.encode(encoding, "replace")
    site = f"s{number // PAGES_PER_SITE % MOST_SITES}.example"
    headers = (("Content-Type", dice.choice(("text/html", "text/html; charset=gb2312" if encoding == "gb18030" else
                                             f"text/html; charset={'big5' if traditional else encoding}"))),)  # fmt: skip
    fetch = Fetch(
        f"http://{site}/post/{number}.html", BEGIN + timedelta(minutes=2 * number), body, "response", 200, headers
    )
    return Generated(fetch, "\n".join(story.paragraphs))


def _story(number: int, seed: int) -> _Story:
    """Return what page `number` tells; a copy's story is made from an earlier page's."""
    dice = random.Random(f"story {seed} {number}")
    kind = dice.random()
    if number == 0 or kind >= 0.30:
        return _new(dice, number)
    original = _story(dice.randrange(number), seed)
    if kind < 0.12:
        return original
    if kind < 0.20:
        return _edited(original, dice)
    return _swapped(original, dice)


def _new(dice: random.Random, number: int) -> _Story:
    lender, city = dice.choice(LENDERS), dice.choice(CITIES)
    length = min(12_000, max(200, round(dice.lognormvariate(0, CHARS_SPREAD) * MEDIAN_CHARS)))
    paragraphs: list[str] = []
    written = 0
    while written < length:
        sentences = [_sentence(dice, lender, city) for _ in range(dice.randint(2, 5))]
        paragraphs.append("".join(sentences))
        written += len(paragraphs[-1])
    return _Story(f"{city}{lender}{dice.choice(QUESTIONS)}（{number}）", tuple(paragraphs))


def _sentence(dice: random.Random, lender: str, city: str) -> str:
    picked = dice.sample(clauses(), dice.randint(2, 4))
    kind = dice.random()
    if kind < 0.15:
        picked.insert(0, f"在{city}借了{lender}")
    elif kind < 0.35:
        picked.append(f"前后共{dice.randint(2, 990)}元拖了{dice.randint(2, 360)}天")
    return "，".join(picked) + "。"


def _edited(story: _Story, dice: random.Random) -> _Story:
    paragraphs = list(story.paragraphs)
    place = dice.randrange(len(paragraphs))
    paragraphs[place] = _sentence(dice, dice.choice(LENDERS), dice.choice(CITIES))
    return _Story(story.title, tuple(paragraphs))


def _swapped(story: _Story, dice: random.Random) -> _Story:
    def swap(text: str) -> str:
        for old, new in pairs:
            text = text.replace(old, new)
        return text

    told = story.title + "".join(story.paragraphs)
    pairs = [
        (name, dice.choice([other for other in names if other not in told]))
        for names in (LENDERS, CITIES)
        for name in names
        if name in told and any(other not in told for other in names)
    ]
    return _Story(swap(story.title), tuple(map(swap, story.paragraphs)))


def _sheet(number: int, story: _Story, dice: random.Random, *, traditional: bool) -> Sheet:
    table = _traditional()
    links = min(600, round(dice.lognormvariate(0, LINKS_SPREAD) * MEDIAN_LINKS))
    sheet = Sheet(
        site_name=f"逾期资讯{number // PAGES_PER_SITE}",
        title=story.title,
        write=(lambda text: html.escape(text.translate(table))) if traditional else html.escape,
        charset=None,
        author=f"编辑{dice.randrange(40)}",
        published=f"{BEGIN + timedelta(minutes=2 * number):%Y-%m-%d %H:%M}",
        category="逾期资讯",
        source="网络整理",
        lines=[Line("paragraph", paragraph) for paragraph in story.paragraphs],
        related=[
            Link(f"/post/{number + step}.html", f"{dice.choice(CITIES)}{dice.choice(LENDERS)}{dice.choice(QUESTIONS)}{step}")
            for step in range(1, links)
        ],
        navigation=[Link(f"/category/{place}/", f"栏目{place}") for place in range(12)],
        serial=number,
    )  # fmt: skip
    if dice.random() < 0.20:
        sheet.first.append(damage.keyword_line(dice, dice.choice((",", "_", " | ")), 7))
    if dice.random() < 0.15:
        sheet.last.append(damage.pool_footer(dice))
    if dice.random() < 0.40:
        sheet.after.append(f"商务合作请联系站长 QQ：{1_000_000_000 + number // (2 * PAGES_PER_SITE)}")
    return sheet


def _written(sheet: Sheet, dice: random.Random, encoding: str) -> str:
    kind = dice.random()
    if kind < 0.03 and encoding == "utf-8":
        sheet.lines = [
            Line("paragraph", damage.wrong_decoder(line.text, "gbk", "latin-1")[0]) for line in sheet.lines
        ]
    elif kind < 0.06 and encoding == "utf-8":
        table = _traditional()
        sheet.write_line = lambda text: html.escape(
            damage.inject_pinyin(text.translate(table), damage.PINYIN_SMALL)
        )
    # The charset is the header's where it says one; a page in twenty contradicts it.
    sheet.charset = (
        {"gb18030": "gb2312", "big5hkscs": "big5"}.get(encoding, encoding) if dice.random() < 0.8 else None
    )
    written = TEMPLATES[dice.choice(sorted(TEMPLATES))][0](sheet)
    room = round(dice.lognormvariate(0, BYTES_SPREAD) * MEDIAN_BYTES) - len(written)
    filler = f"function f{sheet.serial}(a,b){{return a*b+{sheet.serial};}}\n"
    script = f"<script>{filler * min(8000, max(1, room // len(filler)))}</script>"
    return written.replace("</body>", f"{script}</body>")
