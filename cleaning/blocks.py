"""What the parts of a page are for: marks on elements from their names, and the reading of short lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from itertools import compress
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from cleaning.characters import CODEPOINTS, Kinds, kinds
from cleaning.dom import Dom, Line, Part
from cleaning.tame import names
from cleaning.words import words

Mark = Literal["", "hidden", "comment", "related", "share", "caption", "nav", "footer"]

_DATA = tomllib.loads(Path(__file__).with_name("parts.toml").read_text("utf-8"))
_END = r"(?=$|[-_ \d])"
_BOUNDARY = r"(?:^|[\s_-])"


def _alternatives(patterns: Iterable[str]) -> str:
    return "(?:" + "|".join(patterns).replace("END", _END) + ")"


_NEGATIVE = re.compile(
    "|".join(f"(?P<{family['mark']}>{_BOUNDARY}{_alternatives(family['names'])})" for family in _DATA["family"])
)
_SURE = re.compile(_BOUNDARY + _alternatives(_DATA["container"]["sure"]))
_LIKELY = re.compile(_BOUNDARY + _alternatives(_DATA["container"]["likely"]))
_CAMEL = re.compile(r"([a-z])([A-Z])")


class Hint(NamedTuple):
    """What a class and id say: the mark of a part that is not the article, and a factor for its being it."""

    mark: Mark
    factor: float


@lru_cache(maxsize=8192)
def read_hint(hint: str) -> Hint:
    """Return what a class and id (joined by a space) say. Pure; cached because sites repeat their names."""
    words = _CAMEL.sub(r"\1-\2", hint[:300]).lower()
    negative = _NEGATIVE.search(words)
    mark: Mark = ""
    if negative:
        mark = negative.lastgroup  # type: ignore[assignment]  # the group names are the marks
    if _SURE.search(words):
        if mark and mark != "comment" and any(map(_is_sure, words.split())):
            return Hint("", 1.2)
        return Hint(mark, 1.0 if mark else 1.5)
    if _LIKELY.search(words):
        return Hint(mark, 0.8 if mark else 1.2)
    return Hint(mark, 0.3 if mark else 1.0)


def _is_sure(name: str) -> bool:
    """Say whether one class or id is an article's container's, and nothing in it speaks against that."""
    return _SURE.search(name) is not None and _NEGATIVE.search(name) is None


_TAG_MARKS: dict[str, Mark] = {
    "nav": "nav",
    "footer": "footer",
    "aside": "related",
    "figcaption": "caption",
    "caption": "caption",
    "dialog": "related",
    "menu": "nav",
}


@lru_cache(maxsize=8192)
def own_mark(tag: str, hint: str) -> Mark:
    """Return what an element says about itself by its tag or its name. Pure; cached because sites repeat both."""
    if hint.startswith("yuqi-dropped"):
        return "related"
    return _TAG_MARKS.get(tag) or (read_hint(hint).mark if len(hint) > 1 else "")


def own_marks(tags: Sequence[str], hints: Sequence[str]) -> dict[int, Mark]:
    """Return `own_mark` of each element of a page that has one; most have neither class nor id."""
    found: dict[int, Mark] = {}
    if not _TAG_MARKS.keys().isdisjoint(tags):
        found = {element: _TAG_MARKS[tag] for element, tag in enumerate(tags) if tag in _TAG_MARKS}
    for element in compress(range(len(hints)), hints):
        if mark := own_mark(tags[element], hints[element]):
            found[element] = mark
    return found


_ASIDE_MARKS = frozenset({"nav", "related", "footer", "share"})


@lru_cache(maxsize=8192)
def part_of(tag: str, hint: str) -> Part:
    """Return what part beside an article a tag or name says it is, where nothing says otherwise. Pure; cached."""
    if tag in {"nav", "footer", "aside"}:
        return "aside"
    if len(hint) < 2 or tag == "body":
        return ""
    read = read_hint(hint)
    if read.factor >= 1.0:
        return ""
    return "comment" if read.mark == "comment" else "aside" if read.mark in _ASIDE_MARKS else ""


_TITLE_NAME = re.compile(_BOUNDARY + r"(?:title|tit|headline|subject|biaoti|bt)" + _END)


@lru_cache(maxsize=4096)
def is_title_name(hint: str) -> bool:
    """Say whether a class or id names a headline."""
    return bool(_TITLE_NAME.search(_CAMEL.sub(r"\1-\2", hint[:300]).lower()))


_SUMMARY_NAME = re.compile(_BOUNDARY + _alternatives(_DATA["container"]["summary"]))


@lru_cache(maxsize=4096)
def is_summary_name(hint: str) -> bool:
    """Say whether a class or id names a summary or an introduction of the author."""
    return bool(_SUMMARY_NAME.search(_CAMEL.sub(r"\1-\2", hint[:300]).lower()))


_AUTHOR_NAME = re.compile(_BOUNDARY + _alternatives(_DATA["container"]["author"]))
_NAME_LINE = re.compile(r"[^\W\d_](?:[^\W_]|[ .·•-]){1,15}")
_NO_NAME = re.compile(
    "关注|關注|楼主|樓主|作者|认证|认證|订阅|举报|评论|分享|展开|收起|登录|注册|会员|粉丝|私信|更多|原创|转载|了$"
)


@lru_cache(maxsize=4096)
def _is_author_name(hint: str) -> bool:
    return bool(_AUTHOR_NAME.search(_CAMEL.sub(r"\1-\2", hint[:300]).lower()))


def is_name_line(text: str) -> bool:
    """Say whether a line may be an account's name: 2 to 16 letters, no digits, no button's caption."""
    return bool(_NAME_LINE.fullmatch(text)) and not _NO_NAME.search(text)


def named_author(dom: Dom, line: Line) -> str | None:
    """Return a line that is a name, by its shape and by the name of the element around it, None for any other."""
    text = line.text
    if not is_name_line(text):
        return None
    around = line.owner, dom.parents[line.owner]
    return text if any(_is_author_name(dom.hints[element]) for element in around) else None


# ---- lines ----

SENTENCE_END = re.compile("[。！？!?；;，,]$")
STOPS = re.compile("[。！？；]")
_COMMAS = re.compile("[，、：“”《》]")

RELATED_CUE = re.compile(rf"^[\s【\[■◆●▶>]*{_alternatives(_DATA['cues']['related'])}[\s】\]：:>»]*$")
"""A line that does nothing but announce links to other articles."""

COMMENT_CUE = re.compile(rf"^[\s【\[]*{_alternatives(_DATA['cues']['comment'])}[\s】\]：:]*$")
"""A line that opens the readers' comments."""

_ERROR_TITLE = re.compile(_alternatives(_DATA["cues"]["error"]), re.IGNORECASE)


def count_stops(text: str) -> int:
    """Return how many marks that end a sentence a text holds."""
    return text.count("\N{IDEOGRAPHIC FULL STOP}") + text.count("！") + text.count("？") + text.count("；")


def prose_weight(text: str, linked: int) -> float:
    """Return how much a line counts as prose: its unlinked length, less when nothing in it ends a sentence.

    Injected keyword lines have commas and no stop; menus have neither. Damaged text keeps most of its punctuation.
    """
    length = len(text) - linked
    if length < 2:
        return 0.0
    if stops := count_stops(text):
        return float(length) + 10 * min(stops, 10)
    commas = len(_COMMAS.findall(text))
    if length < 12:
        return 0.1 * length
    if commas or text[-1] in '.?!)）”"':
        return 0.6 * length
    return 0.35 * length if length < 60 else 0.5 * length


_GAPS = re.compile(r"\s(?:I\s|\s+)")
"""What stands between keywords, as does each of the signs that `_kinds` calls separators."""

_STOP, _SEPARATOR, _ODD_SPACE = 1, 2, 3


@cache
def _kinds() -> Kinds:
    """Return which characters end a sentence, which stand between keywords, and which are white space but no blank."""
    known = np.zeros(CODEPOINTS, dtype=np.uint8)
    for kind, characters in (
        (_STOP, "。！？；"),
        (_SEPARATOR, ",，、|｜_"),
        (_ODD_SPACE, (char for char in map(chr, range(0x3001)) if char.isspace() and char != " ")),
    ):
        known[[ord(char) for char in characters]] = kind
    return kinds(known)


_CHROME = words(
    sorted(
        names(
            "版权 版權 备案 備案 ICP Copyright 首页 首頁 关于我们 關於我們 联系我们 聯繫我們 網站地圖 网站地图 隐私 许可证"
            " http: https:"
        )
    )
)


def is_keyword_line(text: str) -> bool:
    """Say whether a line is a row of keywords as injected spam is: many short parts, no sentence, no site's footer."""
    if len(text) < 20 or len(text) > 5000:
        return False
    counted = _kinds().counts(text)
    if counted[_STOP] or text.endswith(("…", "...")):
        return False  # a sentence, or the teaser of another article, cut short
    parts = 1 + counted[_SEPARATOR]
    if counted[_ODD_SPACE] or "  " in text or " I " in text:
        parts += len(_GAPS.findall(text))
    return parts >= 4 and len(text) / parts <= 22 and not _CHROME.tally(text)[0]


_SIGNS_OF_LEGAL = tuple(sorted(names("本网 本站 本平台 转载 轉載 声明 聲明")))
SIGNS_OF_DISCLAIMERS = "载載声聲本"
"""Characters of which every line has one that `is_disclaimer` knows."""

_LEGAL = words(
    sorted(
        names(
            "本网 本网站 本網 本網站 本站 本平台 转载 转載 轉载 轉載 版权 版權 侵权 侵權 投资建议 投资建議 投資建议 投資建議"
            " 据此操作 據此操作 解释权 解释權 解釋权 解釋權 不代表 不构成 不構成 删除 刪除 责任 責任 举报 举報 舉报 舉報"
        )
    ),
)


def is_disclaimer(text: str) -> bool:
    """Say whether a line is a site's own declaration: four and more of the words that such texts are made of."""
    for sign in _SIGNS_OF_LEGAL:  # a loop of its own, as this is asked of every long line
        if sign in text:
            return len(_LEGAL.tally(text)[0]) >= 4
    return False


def is_error_title(title: str) -> bool:
    """Say whether a page's title is that of an error, a login or a check for robots."""
    return bool(_ERROR_TITLE.search(title))


_CRUMB = re.compile(r"crumb|weizhi|location|position|mianbao|path|place|dangqian|daohang", re.IGNORECASE)
_CRUMB_LINE = re.compile(r"^(?:.{0,8}位置\s?[:：]|首\s?[页頁]\s{0,3}[>»›→/\-]|主页\s{0,3}[>»›])")
_CRUMB_SPLIT = re.compile(r"\s*(?:>+|»|›|→|/|\\|＞|\s[-–|]\s|\s(?=正文$))\s*")
_NO_CATEGORY = re.compile(
    r"^(?:.{0,8}位置\s?[:：]?.{0,3}|首\s?[页頁]|主页|正文|内容|詳情|详情|文章|浏览|返回|文章正文|新闻正文|查看内容|列表|.{0,6}首页)$"
)


@lru_cache(maxsize=4096)
def _is_crumb(hint: str) -> bool:
    return bool(_CRUMB.search(hint))


def breadcrumb(dom: Dom, before: int, title: str | None) -> str | None:
    """Return the innermost section that a breadcrumb above line `before` names, None without one."""
    for index in range(min(before, 400) - 1, -1, -1):
        line = dom.lines[index]
        owner = line.owner
        parent = dom.parents[owner]
        around = dom.hints[owner], dom.hints[parent], dom.hints[dom.parents[parent]]
        if any(map(_is_crumb, filter(None, around))) or _begins_with_crumbs(line.text):
            text = line.text if _CRUMB_SPLIT.search(line.text) else _crumbs_in_lines(dom, index)
            return _last_section(text, title)
    return None


def _begins_with_crumbs(text: str) -> bool:
    return ("位置" in text or text[0] in "首主") and _CRUMB_LINE.search(text) is not None


def _crumbs_in_lines(dom: Dom, last: int) -> str:
    """Return a breadcrumb whose steps are items of a list, joined; its last line is `last`."""
    around = dom.parents[dom.lines[last].owner]
    steps = []
    for index in range(last, max(-1, last - 6), -1):
        if dom.parents[dom.lines[index].owner] != around:
            break
        steps.append(dom.lines[index].text)
    return " > ".join(reversed(steps))


def _last_section(crumbs: str, title: str | None) -> str | None:
    for step in reversed(_CRUMB_SPLIT.split(crumbs)):
        step = step.strip(" :：")
        if (
            2 <= len(step) <= 12
            and not _NO_CATEGORY.search(step)
            and not (title and step in title and len(step) > 6)
        ):
            return re.sub(r"^.{0,8}位置\s?[:：]\s?", "", step)
    return None


def data_rows(dom: Dom, owners: list[int]) -> dict[int, int]:
    """Return, for each owner that is a cell of a data table (or stands in one), the index of its row.

    A table is data when it holds no other table, at least two rows with two cells or more, and its cells are short; a
    table that only lays a page out is not.
    """
    if "table" not in dom.tags:
        return {}
    cells: dict[int, tuple[int, int, int]] = {}
    for owner in set(owners):
        found = _cell(dom, owner)
        if found is not None:
            cells[owner] = found
    if not cells:
        return {}
    lines_in: dict[int, int] = {}
    for owner in owners:
        if owner in cells:
            lines_in[cells[owner][0]] = lines_in.get(cells[owner][0], 0) + 1
    tables: dict[int, dict[int, set[int]]] = {}
    for cell, row, table in cells.values():
        tables.setdefault(table, {}).setdefault(row, set()).add(cell)
    wide = {table: rows for table, rows in tables.items() if _has_columns(rows)}
    lengths = _cell_lengths(dom, cells) if wide else {}
    data = {table for table, rows in wide.items() if _is_short(rows, lengths, lines_in)}
    return {owner: row for owner, (_, row, table) in cells.items() if table in data}


def _cell(dom: Dom, owner: int) -> tuple[int, int, int] | None:
    """Return the innermost cell, row and table around an element."""
    cell = row = 0
    for element in dom.ancestors(owner):
        tag = dom.tags[element]
        if tag in {"td", "th"} and not cell:
            cell = element
        elif tag == "tr" and not row:
            row = element
        elif tag == "table":
            return (cell, row, element) if cell and row else None
    return None


def _cell_lengths(dom: Dom, cells: dict[int, tuple[int, int, int]]) -> dict[int, int]:
    lengths: dict[int, int] = {}
    for line in dom.lines:
        if line.owner in cells:
            cell = cells[line.owner][0]
            lengths[cell] = lengths.get(cell, 0) + len(line.text)
    return lengths


def _has_columns(rows: dict[int, set[int]]) -> bool:
    wide = sum(len(cells) >= 2 for cells in rows.values())
    return wide >= 2 and 2 * wide >= len(rows)


def _is_short(rows: dict[int, set[int]], lengths: dict[int, int], lines_in: dict[int, int]) -> bool:
    cells = [cell for row in rows.values() for cell in row]
    long = sum(1 for cell in cells if lengths.get(cell, 0) > 120 or lines_in.get(cell, 0) > 4)
    return 5 * long <= len(cells)
