"""HTML in the manner of the CMSs that such sites run on: one pair of functions (article, list) a template.

Every text that isn't the article's goes through `Sheet.chrome`, which notes it, so the gold knows each such line.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from demo.articles import Line

Convert = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Link:
    """A link on a page: where it goes, what it says."""

    href: str
    text: str


@dataclass(slots=True)
class Sheet:
    """One page being written: what is shown on it, how, and the notes for the gold.

    `write` turns clean text into page text (script conversion, damage, escaping). `before` and `after` are lines of
    other people's text around the body, `hidden` is markup put in as it stands.
    """

    site_name: str
    title: str
    write: Convert
    charset: str | None = "utf-8"
    author: str = ""
    published: str = ""
    category: str = ""
    source: str = ""
    lines: Sequence[Line] = ()
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    hidden: str = ""
    notice: str = ""
    repeat_title: bool = False
    caption: str = ""
    related: Sequence[Link] = ()
    navigation: Sequence[Link] = ()
    entries: Sequence[Link] = ()
    pages: Sequence[Link] = ()
    serial: int = 0
    noted: list[str] = field(default_factory=list)
    write_line: Convert | None = None

    def chrome(self, text: str) -> str:
        """Return a chrome line as page text, and note it."""
        if text not in self.noted:
            self.noted.append(text)
        return self.write(text)

    def body_text(self, text: str) -> str:
        """Return article text as page text: damaged by `write_line` where the page's body is."""
        return (self.write_line or self.write)(text)

    def meta_charset(self) -> str:
        """Return the page's charset declaration, or nothing where it has none."""
        return (
            f'<meta http-equiv="Content-Type" content="text/html; charset={self.charset}">' if self.charset else ""
        )

    def anchor(self, link: Link) -> str:
        """Return a chrome link."""
        return f'<a href="{html.escape(link.href)}">{self.chrome(link.text)}</a>'

    def anchors(self, links: Iterable[Link], separator: str = "") -> str:
        """Return chrome links one after the other."""
        return separator.join(self.anchor(link) for link in links)

    def items(self, links: Iterable[Link]) -> str:
        """Return chrome links as list items."""
        return "".join(f"<li>{self.anchor(link)}</li>\n" for link in links)

    def wrap(self, texts: Iterable[str], tag: str, attributes: str = "") -> str:
        """Return chrome lines each in its own element."""
        space = " " if attributes else ""
        return "".join(f"<{tag}{space}{attributes}>{self.chrome(text)}</{tag}>\n" for text in texts)


Template = Callable[[Sheet], str]


def blocks(sheet: Sheet, *, heading: str = "h2", subheading: str = "h3", close: bool = True) -> str:
    """Return the body as headings, paragraphs, lists, quotes and tables; `close=False` leaves `p` and `li` open."""
    end = {"p": "</p>", "li": "</li>"} if close else {"p": "", "li": ""}
    out: list[str] = []
    index = 0
    while index < len(sheet.lines):
        kind = sheet.lines[index].kind
        stop = index
        while stop < len(sheet.lines) and sheet.lines[stop].kind == kind:
            stop += 1
        group = sheet.lines[index:stop]
        if kind == "item":
            inner = "".join(f"<li>{sheet.body_text(line.text)}{end['li']}\n" for line in group)
            out.append(f"<ul>\n{inner}</ul>\n")
        elif kind == "row":
            out.append(f"<table border=1>\n{''.join(_row(sheet, line) for line in group)}</table>\n")
        elif kind == "quote":
            inner = "".join(f"<p>{sheet.body_text(line.text)}</p>" for line in group)
            out.append(f"<blockquote>{inner}</blockquote>\n")
        else:
            tag = {"heading": heading, "subheading": subheading}.get(kind, "p")
            out += [f"<{tag}>{sheet.body_text(line.text)}{end.get(tag, f'</{tag}>')}\n" for line in group]
        index = stop
    if sheet.repeat_title:
        out.insert(min(3, len(out)), f"<p>{sheet.chrome(sheet.title)}</p>\n")
    if sheet.caption:
        out.insert(
            min(2, len(out)),
            f'<p class="pic"><img src="/static/a.png" alt=""><br>{sheet.chrome(sheet.caption)}</p>\n',
        )
    return "".join(out)


def _row(sheet: Sheet, line: Line) -> str:
    return "<tr>" + "".join(f"<td>{sheet.body_text(cell)}</td>" for cell in line.cells()) + "</tr>\n"


def runs(sheet: Sheet, separator: str = "<br><br>\n") -> str:
    """Return the body as lines between `br` elements, each with two ideographic spaces before it."""
    texts = [f"\N{IDEOGRAPHIC SPACE}\N{IDEOGRAPHIC SPACE}{sheet.body_text(line.plain())}" for line in sheet.lines]
    if sheet.repeat_title:
        texts.insert(min(3, len(texts)), sheet.chrome(sheet.title))
    if sheet.caption:
        texts.insert(min(2, len(texts)), sheet.chrome(sheet.caption))
    return separator.join(texts)


def _head(sheet: Sheet, extra: str = "") -> str:
    title = sheet.write(f"{sheet.title}_{sheet.site_name}" if sheet.title != sheet.site_name else sheet.title)
    return f"<head>{sheet.meta_charset()}\n<title>{title}</title>\n{extra}</head>\n"


# Z-Blog -------------------------------------------------------------------------------------------


_ZBLOG_MARK = '<meta name="generator" content="Z-BlogPHP 1.7.3">\n'


def zblog_article(sheet: Sheet) -> str:
    """An article as Z-Blog's default themes write it."""
    return (
        f"<!doctype html>\n<html lang=zh-CN>\n{_head(sheet, _ZBLOG_MARK)}<body>\n{sheet.wrap(sheet.first, 'div')}"
        f'<div id="divTop"><p>{sheet.chrome(f"您好！欢迎访问{sheet.site_name}！")}</p>\n'
        f'<ul id="nav">{sheet.items(sheet.navigation)}</ul></div>\n'
        f'<div id="divMain"><div class="post single"><h1 class="post-title">{sheet.write(sheet.title)}</h1>\n'
        f'<div class="post-info"><span class="author">{sheet.write(sheet.author)}</span> '
        f"<time>{sheet.published}</time></div>\n"
        f"{sheet.wrap(sheet.before, 'p')}"
        f'<div class="post-body">\n{blocks(sheet)}{sheet.wrap(sheet.after, "p")}</div>\n{sheet.hidden}'
        f'<div class="post-nav">{sheet.anchors(sheet.related[:2], " ")}</div></div>\n'
        f'<div class="related"><h4>{sheet.chrome("相关文章")}</h4><ul>{sheet.items(sheet.related[2:])}</ul></div></div>\n'
        f'<div id="divBottom"><p>{sheet.chrome("Powered By Z-BlogPHP")}</p>{sheet.wrap(sheet.last, "p")}</div>\n'
        f"</body></html>\n"
    )


def zblog_list(sheet: Sheet) -> str:
    """A list page as Z-Blog writes it."""
    entries = "".join(
        f'<div class="post multi"><h2 class="post-title">{sheet.anchor(link)}</h2></div>\n'
        for link in sheet.entries
    )
    return (
        f"<!doctype html>\n<html lang=zh-CN>\n{_head(sheet)}<body>\n"
        f'<ul id="nav">{sheet.items(sheet.navigation)}</ul>\n<div id="divMain">{entries}'
        f'<div class="pagebar">{sheet.anchors(sheet.pages, " ")}</div></div>\n</body></html>\n'
    )


# DedeCMS ------------------------------------------------------------------------------------------


def dede_article(sheet: Sheet) -> str:
    """An article as DedeCMS's default templates write it: an information line, paragraphs left open, a table cell."""
    return (
        f"<html>\n{_head(sheet)}<body>\n{sheet.wrap(sheet.first, 'div')}"
        f'<div class="nav">{sheet.anchors(sheet.navigation, " | ")}</div>\n'
        f'<div class="place">{sheet.chrome(f"当前位置：首页 > {sheet.category} > 正文")}</div>\n'
        f'<div class="viewbox"><div class="title"><h2>{sheet.write(sheet.title)}</h2></div>\n'
        f'<div class="info"><small>{sheet.write("时间:")}</small>{sheet.published} '
        f"<small>{sheet.write('来源:')}</small>{sheet.write(sheet.source)} "
        f"<small>{sheet.write('作者:')}</small>{sheet.write(sheet.author)}</div>\n"
        f"{sheet.wrap(sheet.before, 'div')}"
        f'<div class="content"><table width="100%"><tr><td>\n'
        f"{blocks(sheet, heading='p', subheading='p', close=False)}{sheet.wrap(sheet.after, 'div')}</td></tr></table>"
        f'</div>\n{sheet.hidden}<div class="handle"><ul>{sheet.items(sheet.related[:2])}</ul></div></div>\n'
        f'<dl class="tbox"><dt>{sheet.chrome("最新文章")}</dt><dd><ul>{sheet.items(sheet.related[2:])}</ul></dd></dl>\n'
        f"{sheet.wrap(sheet.last, 'p')}</body></html>\n"
    )


def dede_list(sheet: Sheet) -> str:
    """A list page as DedeCMS writes it."""
    entries = "".join(
        f'<li><a class="title" href="{link.href}">{sheet.chrome(link.text)}</a>' for link in sheet.entries
    )
    return (
        f'<html>\n{_head(sheet)}<body>\n<div class="nav">{sheet.anchors(sheet.navigation, " | ")}</div>\n'
        f'<div class="listbox"><ul class="e2">{entries}</ul></div>\n'
        f'<ul class="pagelist">{sheet.items(sheet.pages)}</ul>\n</body></html>\n'
    )


# WordPress ----------------------------------------------------------------------------------------


def _json_ld(sheet: Sheet) -> str:
    data: Mapping[str, object] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": sheet.title,
        "datePublished": sheet.published,
        "author": {"@type": "Person", "name": sheet.author},
        "articleSection": sheet.category,
    }
    return f'<script type="application/ld+json">{json.dumps(data, ensure_ascii=False)}</script>\n'


def wordpress_article(sheet: Sheet) -> str:
    """An article as WordPress's block themes write it, with JSON-LD."""
    return (
        f"<!DOCTYPE html>\n<html lang=zh-Hans>\n{_head(sheet, _json_ld(sheet))}<body class=single>\n"
        f"{sheet.wrap(sheet.first, 'div')}"
        f'<nav class="main-navigation"><ul>{sheet.items(sheet.navigation)}</ul></nav>\n'
        f'<main><article id="post-{sheet.serial}" class="post type-post"><header class="entry-header">'
        f'<h1 class="entry-title">{sheet.write(sheet.title)}</h1>\n<div class="entry-meta">'
        f'<span class="byline">{sheet.write(sheet.author)}</span> '
        f'<time class="entry-date published" datetime="{sheet.published}">{sheet.published[:10]}</time> '
        f'<span class="cat-links">{sheet.write(sheet.category)}</span></div></header>\n'
        f"{sheet.wrap(sheet.before, 'p')}"
        f'<div class="entry-content">\n{blocks(sheet)}{sheet.wrap(sheet.after, "p")}</div>\n{sheet.hidden}</article>\n'
        f'<nav class="post-navigation">{sheet.anchors(sheet.related[:2], " ")}</nav>\n'
        f'<section id="comments"><h2>{sheet.chrome("发表评论")}</h2><ol class="comment-list"><li><p>'
        f"{sheet.chrome('写得很实在，收藏了。')}</p></li><li><p>{sheet.chrome('请问这个流程大概要多少天？')}</p></li></ol>"
        f"</section></main>\n"
        f'<aside class="widget"><h3>{sheet.chrome("近期文章")}</h3><ul>{sheet.items(sheet.related[2:])}</ul></aside>\n'
        f"<footer>{sheet.wrap(sheet.last, 'p')}</footer></body></html>\n"
    )


def wordpress_list(sheet: Sheet) -> str:
    """A list page as WordPress writes it."""
    entries = "".join(
        f'<article class="post"><h2 class="entry-title">{sheet.anchor(link)}</h2></article>\n'
        for link in sheet.entries
    )
    return (
        f"<!DOCTYPE html>\n<html lang=zh-Hans>\n{_head(sheet)}<body class=blog>\n"
        f'<nav class="main-navigation"><ul>{sheet.items(sheet.navigation)}</ul></nav>\n<main>{entries}</main>\n'
        f'<nav class="navigation pagination">{sheet.anchors(sheet.pages, " ")}</nav></body></html>\n'
    )


# A soup of nested div elements --------------------------------------------------------------------


def soup_article(sheet: Sheet) -> str:
    """An article in nested, unclosed `div` elements without telling names: every line is a `div`."""
    body = [f'<div class="x7">{sheet.body_text(line.plain())}</div>\n' for line in sheet.lines]
    if sheet.repeat_title:
        body.insert(min(3, len(body)), f"<div><span>{sheet.chrome(sheet.title)}</span></div>\n")
    if sheet.caption:
        body.insert(min(2, len(body)), f'<div align="center">{sheet.chrome(sheet.caption)}</div>\n')
    return (
        f"<html>{_head(sheet)}<body>{sheet.wrap(sheet.first, 'div')}<div><div>\n"
        f"<div>{sheet.anchors(sheet.navigation, ' ')}</div>\n<div><div><div>"
        f'<font size="5"><b>{sheet.write(sheet.title)}</b></font></div>\n'
        f"<div>{sheet.write(sheet.author)}\N{NO-BREAK SPACE}{sheet.published}</div>\n{sheet.wrap(sheet.before, 'div')}"
        f'<div class="x5"><div>\n{"".join(body)}{sheet.wrap(sheet.after, "div")}</div>\n{sheet.hidden}'
        f"<div><div>{sheet.chrome('随机看看')}</div>{sheet.wrap([link.text for link in sheet.related[:1]], 'div')}"
        f"<div>{sheet.anchors(sheet.related[1:], '<br>')}</div></div>\n{sheet.wrap(sheet.last, 'div')}</body></html>\n"
    )


def soup_list(sheet: Sheet) -> str:
    """A list page in nested `div` elements."""
    entries = "".join(f'<div class="x2"><div>{sheet.anchor(link)}</div></div>\n' for link in sheet.entries)
    return (
        f"<html>{_head(sheet)}<body><div>{sheet.anchors(sheet.navigation, ' ')}</div>\n<div><div>{entries}</div>"
        f"<div>{sheet.anchors(sheet.pages, ' ')}</div></div></body></html>\n"
    )


# Lines between br elements ------------------------------------------------------------------------


def runs_article(sheet: Sheet) -> str:
    """An article as runs of text between `br` elements in one `div`."""
    return (
        f'<html>{_head(sheet)}<body bgcolor="#ffffff">{sheet.wrap(sheet.first, "p")}'
        f"<p>{sheet.chrome(f'首页>>{sheet.category}>>正文')}</p>\n<p>{sheet.anchors(sheet.navigation, ' ')}</p>\n"
        f"<h1>{sheet.write(sheet.title)}</h1>\n"
        f"<p>{sheet.write('发布时间：')}{sheet.published} {sheet.write('编辑：')}{sheet.write(sheet.author)}</p>\n"
        f"{sheet.wrap(sheet.before, 'p')}<div id=zoom>\n{runs(sheet)}<br>\n"
        f"{sheet.wrap(sheet.after, 'p')}</div>\n{sheet.hidden}<hr>\n"
        f"<p>{sheet.chrome('相关阅读')}</p><ul>{sheet.items(sheet.related)}</ul>\n"
        f"{sheet.wrap(sheet.last, 'p')}</body></html>\n"
    )


def runs_list(sheet: Sheet) -> str:
    """A list page as links between `br` elements."""
    return (
        f"<html>{_head(sheet)}<body><p>{sheet.anchors(sheet.navigation, ' ')}</p>\n"
        f"{sheet.anchors(sheet.entries, '<br>' + chr(10))}\n<p>{sheet.anchors(sheet.pages, ' ')}</p></body></html>\n"
    )


# Layout tables ------------------------------------------------------------------------------------


def table_article(sheet: Sheet) -> str:
    """An article in a page laid out by nested tables."""
    return (
        f"<html>{_head(sheet)}<body>{sheet.wrap(sheet.first, 'p')}<table width=960><tr><td colspan=2>"
        f"{sheet.anchors(sheet.navigation, ' | ')}</td></tr>\n<tr><td width=700 valign=top><table><tr><td>"
        f"<h1>{sheet.write(sheet.title)}</h1></td></tr>\n<tr><td><span class=date>{sheet.published}</span> "
        f"<span class=author>{sheet.write(sheet.author)}</span></td></tr>\n"
        f"<tr><td>{sheet.wrap(sheet.before, 'p')}{blocks(sheet, heading='h3', subheading='h4')}"
        f"{sheet.wrap(sheet.after, 'p')}{sheet.hidden}</td></tr></table></td>\n"
        f"<td width=260 valign=top><b>{sheet.chrome('延伸阅读')}</b><ul>{sheet.items(sheet.related)}</ul></td></tr>\n"
        f"<tr><td colspan=2>{sheet.wrap(sheet.last, 'p')}</td></tr></table></body></html>\n"
    )


def table_list(sheet: Sheet) -> str:
    """A list page laid out by a table."""
    rows = "".join(f"<tr><td>{sheet.anchor(link)}</td></tr>\n" for link in sheet.entries)
    return (
        f"<html>{_head(sheet)}<body><p>{sheet.anchors(sheet.navigation, ' | ')}</p>\n<table>{rows}</table>\n"
        f"<p>{sheet.anchors(sheet.pages, ' ')}</p></body></html>\n"
    )


TEMPLATES: Mapping[str, tuple[Template, Template]] = {
    "zblog": (zblog_article, zblog_list),
    "dede": (dede_article, dede_list),
    "wordpress": (wordpress_article, wordpress_list),
    "soup": (soup_article, soup_list),
    "runs": (runs_article, runs_list),
    "table": (table_article, table_list),
}
"""Template name to its article and list functions."""
