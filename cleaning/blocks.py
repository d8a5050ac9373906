"""What the parts of a page are for: marks on elements from their names, and the reading of short lines."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from cleaning.dom import Dom

Mark = Literal["", "hidden", "comment", "related", "share", "caption", "nav", "footer"]

# Words that begin a part of a class or id (parts end at `-`, `_`, space, or a capital letter). The first family that
# matches names the mark. Collected from the markup that Chinese content systems and portals share.
_FAMILIES: tuple[tuple[Mark, str], ...] = (
    (
        "comment",
        r"comments?(?!ary)|commentlist|pinglun|pl(?:list|box|area)?(?=$|[-_ \d])|repl(?:y|ies)|disqus|cmt|liuyan|guestbook|"
        r"respond|feedback|changyan|sohucs|uyan|postcomment|hotcomment|hudong|gentie|tiepost|pingjia",
    ),
    (
        "share",
        r"shares?|sharing|bdshare|bdsharebuttonbox|bds|social|jiathis|bshare|dashang|reward|donate|qr(?:code)?(?=$|[-_ \d])|"
        r"erweima|ewm|weixin|wechat|sns|follow|guanzhu|tools?(?:bar|box)?(?=$|[-_ \d])|tool-bar|print|subscribe|report|vote|"
        r"zan(?=$|[-_ \d])|dianzan|praise|thumb|like(?:btn|box)?(?=$|[-_ \d])|fav|collect|fontsize|operat|action",
    ),
    (
        "caption",
        r"(?:fig)?caption|img-?(?:desc|info|title|txt|note|explain)|pic-?(?:desc|info|title|txt|note)|tuzhu|photo-?desc",
    ),
    (
        "nav",
        r"nav(?!y)|navi|bread|crumbs?|menu|weizhi|mianbaoxie|dangqian|cur(?:rent)?-?(?:pos|loc|place)|location|position|"
        r"pager?(?=$|[-_ \d])|pagination|page-?(?:nav|num|list|break|bar|link|turn)|pages(?=$|[-_ \d])|paging|prev|next|pre-?next|"
        r"shangxia|top-?bar|topnav|toolbar|header(?=$|[-_ \d])|hd-?nav|login|search|sitemap|goback|gotop|back-?top",
    ),
    (
        "footer",
        r"foot(?:er)?|copyright|copy-?right|banquan|bq|shengming|disclaim\w*|declar\w*|statement|license|beian|icp|"
        r"author-?(?:info|box|card|bio|desc|about|intro|area|profile)|about-?author|bottom-?(?:bar|nav|info)|mzsm",
    ),
    (
        "related",
        r"relat\w*|relevant|recom\w*|tuijian|tj(?=$|[-_ \d])|xiangguan|xg|hot(?=$|[-_ \d]|news|list|art|word|tag|spot|box)|rank\w*|paihang|ph(?=$|[-_ \d])|"
        r"guess|may-?like|maylike|morenews|more-?(?:news|list|read|art|link|about)|side(?:bar|box|nav|r|l)?(?=$|[-_ \d])|aside|widget|zhuanti|correl\w*|"
        r"about-?news|topic-?list|friend\w*|links?(?=$|[-_ \d])|feed-?(?:card|list)|latest|newest|random|suiji|youlike|extend\w*|yanshen|"
        r"ad(?=$|[-_ \d])|ads(?=$|[-_ \d])|adv\w*|adbox|guanggao|gg(?=$|[-_ \d])|sponsor|banner|promo\w*|tuiguang|app-?(?:down|qr|code)|download|"
        r"tags?(?=$|[-_ \d])|tag-?(?:list|box|s)|keywords?(?=$|[-_ \d])|biaoqian|right-?(?:bar|side|col|box|part|con)|popup|modal|dialog|layer|mask|toast",
    ),
)
_BOUNDARY = r"(?:^|[\s_-])"
_NEGATIVE = re.compile("|".join(rf"(?P<{mark}>{_BOUNDARY}(?:{words}))" for mark, words in _FAMILIES))
_STRONG = re.compile(
    _BOUNDARY
    + r"(?:article-?(?:body|text|con|content|detail|main|txt|inner|cont|wrap)\w*|articlecontent|art-?(?:body|text|con|content|main)\w*|artibody|"
    r"(?:main|news|post|entry|blog|detail|detailed|info|text|page|single|arc|archive|cont|content|article|show|view|read|topic|thread|note|doc|p)-?"
    r"(?:content|text|body|txt|con|nr|neirong|article|detail|message)\w*|"
    r"content-?(?:text|body|main|txt|article|detail|area|con|inner|all|news|show)\w*|rich-?media-?content|js-?content|end-?text|trs-?(?:editor|ueditor)\w*|"
    r"neirong|zhengwen|wenzhang|nr(?=$|[-_ \d])|zw(?=$|[-_ \d])|zoom(?=$|[-_ \d])|post-?message|t-?f(?=$|[-_ \d])|pcb|v-?news-?content|markdown-?body|ql-?editor|show-?text|"
    r"the-?content|entry(?=$|[-_ \d])|ue-?content|ueditor|hentry|h-?entry|left-?zw|box-?con)",
)
_WEAK = re.compile(
    _BOUNDARY
    + r"(?:article|content|contents|con|text|txt|detail|details|body|main|post|news|read|info|cont|story|essay|blog|topic|d)(?=$|[-_ \d])"
)
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
    if _STRONG.search(words):
        return Hint(mark, 1.0 if mark else 1.5)
    if _WEAK.search(words):
        return Hint(mark, 0.8 if mark else 1.2)
    return Hint(mark, 0.3 if mark else 1.0)


_TAG_MARKS: dict[str, Mark] = {
    "nav": "nav",
    "footer": "footer",
    "aside": "related",
    "figcaption": "caption",
    "caption": "caption",
    "dialog": "related",
    "menu": "nav",
}


def own_mark(dom: Dom, element: int) -> Mark:
    """Return what an element says about itself, by being hidden, by its tag, or by its name."""
    if dom.hidden[element]:
        return "hidden"
    if dom.hints[element].startswith("yuqi-dropped"):
        return "related"
    by_tag = _TAG_MARKS.get(dom.tags[element])
    if by_tag:
        return by_tag
    hint = dom.hints[element]
    return read_hint(hint).mark if len(hint) > 1 else ""


# ---- lines ----

SENTENCE_END = re.compile("[。！？!?；;，,]$")
STOPS = re.compile("[。！？；]")
_COMMAS = re.compile("[，、：“”《》]")

RELATED_CUE = re.compile(
    r"^[\s【\[■◆●▶>]*(?:相关(?:阅读|新闻|文章|推荐|报道|资讯|链接|内容|热词|专题|搜索|标签|评论|视频|话题)|相關(?:閱讀|文章|推薦|新聞|資訊|鏈接)|推荐(?:阅读|文章|新闻|内容|资讯)?|推薦(?:閱讀|文章)|"
    r"延伸阅读|延伸閱讀|猜你喜欢|猜你喜歡|你可能(?:还|也)?(?:会)?(?:喜欢|感兴趣)|您可能(?:还|也)?(?:会)?(?:喜欢|感兴趣).{0,6}|为您推荐|热门(?:文章|推荐|新闻|标签|评论|话题|资讯|排行|阅读)?|熱門(?:文章|推薦)|"
    r"热点(?:新闻|推荐|排行)?|最新(?:文章|发布|资讯|新闻|评论|推荐)|最新(?:發布|資訊)|隨機(?:看看|文章)|随机(?:看看|文章|推荐)|更多(?:>>|精彩|新闻|文章|相关|内容|推荐)?.{0,6}|精彩推荐|本类推荐|阅读排行|点击排行|排行榜|"
    r"大家都在看|大家还看|编辑推荐|今日(?:推荐|热点|头条)|图片新闻|往期(?:回顾|精选|推荐)|友情链接|合作伙伴|上一篇.{0,60}|下一篇.{0,60}|上一条.{0,60}|下一条.{0,60})[\s】\]：:>»]*$"
)
COMMENT_CUE = re.compile(
    r"^[\s【\[]*(?:(?:全部|最新|热门|网友|精彩|用户|文章|我要|发表|发布|查看|添加|最热|條|条|\d{1,6}\s?条)+(?:评论|評論|留言|回复|跟帖|点评)"
    r"|(?:评论|評論|留言|回复|跟帖)(?:列表|区|列表区)?\s?(?:[(（]\s?\d{0,7}\s?[)）]|\d{1,7}条?)"
    r"|网友评论.{0,20}|发表评论.{0,20}|登录后.{0,10}评论.{0,10}|还可以输入.{0,10})[\s】\]：:]*$"
)
"""A line that opens the readers' comments."""


def prose_weight(text: str, linked: int) -> float:
    """Return how much a line counts as prose: its unlinked length, less when nothing in it ends a sentence.

    Injected keyword lines have commas and no stop; menus have neither. Damaged text keeps most of its punctuation.
    """
    length = len(text) - linked
    if length < 2:
        return 0.0
    stops = len(STOPS.findall(text))
    if stops:
        return float(length) + 10 * min(stops, 10)
    commas = len(_COMMAS.findall(text))
    if length < 12:
        return 0.1 * length
    if commas or text[-1] in '.?!)）”"':
        return 0.6 * length
    return 0.35 * length if length < 60 else 0.5 * length


_SEPARATORS = re.compile(r"[,，、|｜_/]|\sI\s|\s{2,}")
_CHROME = re.compile(
    "版权|版權|备案|備案|ICP|Copyright|首页|首頁|关于我们|關於我們|联系|聯繫|登录|登錄|注册|網站地圖|网站地图|隐私|许可证"
)


def is_keyword_line(text: str) -> bool:
    """Say whether a line is a row of keywords as injected spam is: many short parts, no sentence, no site's footer."""
    if len(text) < 20 or len(text) > 5000 or STOPS.search(text) or _CHROME.search(text):
        return False
    parts = _SEPARATORS.split(text)
    return len(parts) >= 4 and len(text) / len(parts) <= 22


_ERROR_TITLE = re.compile(
    r"(?:^|\D)(?:404|403|500|502|503)(?:$|\D)|not found|找不到|不存在|出错|出錯|错误提示|访问错误|页面错误|系统提示|系統提示|提示信息|提示訊息|"
    r"已删除|已被删除|验证码|驗證碼|安全验证|访问验证|人机验证|^登录|^登錄|用户登录|会员登录|登录页|无权限|没有权限|access denied|forbidden|just a moment|跳转中",
    re.IGNORECASE,
)


def is_error_title(title: str) -> bool:
    """Say whether a page's title is that of an error, a login or a check for robots."""
    return bool(_ERROR_TITLE.search(title))


_CRUMB = re.compile(r"crumb|weizhi|location|position|mianbao|path|place|dangqian|daohang", re.IGNORECASE)
_CRUMB_LINE = re.compile(r"^(?:.{0,8}位置\s?[:：]|首\s?[页頁]\s{0,3}[>»›→/\-]|主页\s{0,3}[>»›])")
_CRUMB_SPLIT = re.compile(r"\s*(?:>+|»|›|→|/|\\|＞)\s*")
_NO_CATEGORY = re.compile(
    r"^(?:.{0,8}位置\s?[:：]?.{0,3}|首\s?[页頁]|主页|正文|内容|詳情|详情|文章|浏览|返回|文章正文|新闻正文|查看内容|列表|.{0,6}首页)$"
)


def breadcrumb(dom: Dom, before: int, title: str | None) -> str | None:
    """Return the innermost section that a breadcrumb above line `before` names, None without one."""
    for index in range(min(before, 400) - 1, -1, -1):
        line = dom.lines[index]
        if _CRUMB_LINE.search(line.text) or any(
            _CRUMB.search(dom.hints[e]) for e in list(dom.ancestors(line.owner))[:4]
        ):
            text = line.text if _CRUMB_SPLIT.search(line.text) else _crumbs_in_lines(dom, index)
            return _last_section(text, title)
    return None


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
    lengths = _cell_lengths(dom, cells)
    data = {table for table, rows in tables.items() if _is_data(rows, lengths, lines_in)}
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


def _is_data(rows: dict[int, set[int]], lengths: dict[int, int], lines_in: dict[int, int]) -> bool:
    wide = [cells for cells in rows.values() if len(cells) >= 2]
    if len(wide) < 2 or 2 * len(wide) < len(rows):
        return False
    cells = [cell for row in rows.values() for cell in row]
    long = sum(1 for cell in cells if lengths.get(cell, 0) > 120 or lines_in.get(cell, 0) > 4)
    return 5 * long <= len(cells)
