"""The demo's articles: read from `articles_*.toml`, and the copies that are made of them.

Every sentence in the data files was written for this project. A body is light markup, one block a line:
`# ` heading, `## ` subheading, `- ` list item, `> ` quote, `| a | b |` table row, anything else a paragraph.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

LineKind = Literal["heading", "subheading", "paragraph", "item", "quote", "row"]

_MARKS: tuple[tuple[str, LineKind], ...] = (
    ("## ", "subheading"),
    ("# ", "heading"),
    ("- ", "item"),
    ("> ", "quote"),
    ("|", "row"),
)

_EXTRA_SENTENCES = (
    "这一点在和客服通话之前就要想清楚。",
    "手里有凭证，说话才有底气。",
    "每个人的账单不同，照搬别人的做法往往行不通。",
    "拖得越久，可以选择的余地越小。",
    "把日期写在日历上，比记在脑子里可靠得多。",
    "家里人如果愿意一起商量，压力会轻一半。",
    "别忘了给自己留出吃饭和看病的钱。",
    "这里说的是一般情形，合同另有约定的以合同为准。",
    "遇到拿不准的条款，宁可多问一句再签字。",
    "小额的欠款先结清，心里会踏实不少。",
)
"""Sentences that near copies add: none of them occurs in an article."""


class Line(NamedTuple):
    """One block of an article. A row's `text` holds its cells joined by `|`."""

    kind: LineKind
    text: str

    def plain(self) -> str:
        """Return the block as one line of text, a row's cells joined as extraction joins them."""
        return " | ".join(self.cells()) if self.kind == "row" else self.text

    def cells(self) -> list[str]:
        """Return the cells of a row; any other block is one cell."""
        return self.text.split("|") if self.kind == "row" else [self.text]


@dataclass(frozen=True, slots=True)
class Article:
    """A clean article: its title, its blocks without the title, and the names that a swapped copy exchanges.

    `style` names the class it stands for: `advice` for the ordinary run, or one that must survive cleaning
    (`fraud`, `hotline`, `english`, `gloss`, `hant`), or `compilation` and `salad`, which are made of others.
    `script` is `hans` or `hant`. `embeds` are the keys of the articles that it holds the whole of.
    """

    key: str
    title: str
    category: str
    lines: tuple[Line, ...]
    style: str = "advice"
    script: str = "hans"
    lender: str | None = None
    city: str | None = None
    number: str | None = None
    embeds: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The article's text, one block a line, without the title."""
        return "\n".join(line.plain() for line in self.lines)


def read_articles() -> tuple[Article, ...]:
    """Return every article of the data files, in file order.

    Raises ValueError when two articles share a key.
    """
    articles: list[Article] = []
    for path in sorted(Path(__file__).parent.glob("articles_*.toml")):
        with path.open("rb") as file:
            articles.extend(_article(entry) for entry in tomllib.load(file)["article"])
    if len({article.key for article in articles}) != len(articles):
        raise ValueError("two articles in demo/articles_*.toml share a key: rename one")
    return tuple(articles)


def parse_body(body: str) -> tuple[Line, ...]:
    """Return the blocks of an article's light markup."""
    return tuple(_line(line.strip()) for line in body.splitlines() if line.strip())


def _article(entry: dict[str, str]) -> Article:
    fields: dict[str, Any] = {name: value for name, value in entry.items() if name != "body"}
    return Article(lines=parse_body(entry["body"]), **fields)


def _line(line: str) -> Line:
    for mark, kind in _MARKS:
        if line.startswith(mark):
            if kind == "row":
                return Line(kind, "|".join(cell.strip() for cell in line.strip("|").split("|")))
            return Line(kind, line.removeprefix(mark).strip())
    return Line("paragraph", line)


def swap(
    article: Article, *, lender: str | None = None, city: str | None = None, number: str | None = None
) -> Article:
    """Return the copy of `article` in which the named lender, city or number is another one.

    A name that the article doesn't have stays as it is.
    """
    pairs = [
        (old, new)
        for old, new in ((article.lender, lender), (article.city, city), (article.number, number))
        if old and new
    ]

    def exchange(text: str) -> str:
        for old, new in pairs:
            text = text.replace(old, new)
        return text

    return replace(
        article,
        title=exchange(article.title),
        lines=tuple(line._replace(text=exchange(line.text)) for line in article.lines),
        lender=lender if article.lender and lender else article.lender,
        city=city if article.city and city else article.city,
        number=number if article.number and number else article.number,
    )


def near_copy(article: Article, rng: random.Random) -> Article:
    """Return `article` with a few sentences edited: some added, and one left out where a paragraph has three.

    The edits grow with the length, so that a short article's copy stays a near copy.
    """
    lines = list(article.lines)
    paragraphs = [index for index, line in enumerate(lines) if line.kind == "paragraph" and len(line.text) > 20]
    edits = max(1, min(3, len(article.text) // 400))
    extra = rng.sample(_EXTRA_SENTENCES, edits)
    for index, sentence in zip(rng.sample(paragraphs, min(edits, len(paragraphs))), extra):
        lines[index] = lines[index]._replace(text=lines[index].text + sentence)
    if edits > 1:
        _drop_sentence(lines, paragraphs, rng)
    return replace(article, lines=tuple(lines))


def _drop_sentence(lines: list[Line], paragraphs: list[int], rng: random.Random) -> None:
    long = [index for index in paragraphs if lines[index].text.count("。") >= 3]
    if not long:
        return
    index = rng.choice(long)
    sentences = lines[index].text.split("。")
    del sentences[1]
    lines[index] = lines[index]._replace(text="。".join(sentences))


def compilation(articles: Sequence[Article]) -> Article:
    """Return a digest that holds the whole of each of `articles` under its title."""
    lines = [Line("paragraph", "本周整理了几篇读者反响较好的旧文，合在一起方便收藏。")]
    for article in articles:
        lines += [Line("heading", article.title), *article.lines]
    title = "逾期旧文合集：几篇值得再读的文章"
    keys = tuple(article.key for article in articles)
    return Article("compilation", title, "逾期资讯", tuple(lines), style="compilation", embeds=keys)


def salad(articles: Sequence[Article], rng: random.Random) -> Article:
    """Return a spun page: one long paragraph from each of `articles`, in random order."""
    picked = [
        max(article.lines, key=lambda line: len(line.text) * (line.kind == "paragraph")) for article in articles
    ]
    rng.shuffle(picked)
    return Article("salad", "欠款了怎么办快速处理办法", "逾期资讯", tuple(picked), style="salad")


def traditional_table(*, keep: str = "") -> dict[int, str]:
    """Return a `str.translate` table from Simplified to Traditional, for the characters that the demo uses.

    Character by character, as these sites convert, not by phrases; `keep` are characters that a site's converter
    forgets (`后`, `余`), which leaves the half-converted words that such pages show.
    """
    table = _script_tables()["traditional"]
    return {ord(old): new for old, new in table.items() if old not in keep}


def simplified(text: str) -> str:
    """Return a Traditional article's text in Simplified, 著 as the aspect particle read as 着."""
    text = text.translate({ord(old): new for old, new in _script_tables()["simplified"].items()})
    return text.replace("显著", "\0").replace("著", "着").replace("\0", "显著")


@cache
def _script_tables() -> dict[str, dict[str, str]]:
    """The two tables of `script.toml`, which a test holds against OpenCC: here nothing under test makes the gold."""
    with Path(__file__).with_name("script.toml").open("rb") as file:
        tables = tomllib.load(file)
    return {name: dict(zip(table["from"], table["to"], strict=True)) for name, table in tables.items()}
