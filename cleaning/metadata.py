"""Fields that a page states about itself, from its head, its JSON-LD and the lines under its headline.

Everything here works on strings and values: the plain-text path and the site's selectors use the same readers as
the HTML path does. Nothing is repaired or simplified here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import orjson

from cleaning.dates import ANY_TIME, DateFound, find_dates, may_hold_date, may_need_time, parse_published
from cleaning.page import Metadata
from cleaning.tame import names as words

__all__ = [
    "best_title",
    "head_metadata",
    "json_ld_metadata",
    "letters",
    "merge",
    "parse_byline",
    "parse_published",
    "strip_site_name",
]

MAX_BYLINE = 200
"""Characters: a longer line is prose or a whole page in one line, never a byline."""

MAX_JSON_LD = 400_000
"""Characters of one JSON-LD script that are parsed; more is not a description of an article."""

_COUNTER_KINDS = {
    "views": "浏览次数|瀏覽次數|浏览量|瀏覽量|浏览数|浏览|瀏覽|阅读次数|阅读量|閱讀量|阅读数|阅读|閱讀"
    "|点击次数|点击量|点击数|点击|點擊|人气|人氣"
    "|访问量|访问|訪問|查看|围观|次数",
    "heat": "热度|熱度",
    "comments": "评论数|评论|評論|回复|回覆|回帖|跟帖|参与",
    "likes": "点赞数|点赞|點贊|点讚|赞|讚|喜欢|喜歡",
}
_COUNTER_OF = {word: kind for kind, words in _COUNTER_KINDS.items() for word in words.split("|")}
_COUNTER_WORDS = "|".join(sorted(_COUNTER_OF, key=len, reverse=True))
_NUMBER = r"(?P<{0}>\d{{1,3}}(?:,\d{{3}})+|\d{{1,10}}(?:\.\d{{1,2}})?)(?P<{0}_unit>[万萬wWkK千]?)\+?"
_FIRST_OF_COUNTER = "".join(sorted({word[0] for word in _COUNTER_OF}))
# The lookahead turns most positions away before the long alternatives are tried.
_COUNTER = re.compile(
    rf"(?=[\d共已有{_FIRST_OF_COUNTER}])(?:(?:共|已有|有)?(?P<word>{_COUNTER_WORDS})\s{{0,2}}[:：(（]?\s{{0,3}}{_NUMBER.format('after')}\s?[)）]?\s?(?:次|人|条|條|个|度)?"
    rf"|{_NUMBER.format('before')}\s?(?:次|人次|人|条|條|个)?(?P<word2>{_COUNTER_WORDS})"
    rf"|{_NUMBER.format('heat')}\s?[℃°]C?(?:\s{{1,4}}(?P<replies>\d{{1,7}})(?![\d:年月./\-]))?)"
)
_COUNTER_SIGN = re.compile(rf"\d\s?[℃°]|(?=[{_FIRST_OF_COUNTER}])(?:{_COUNTER_WORDS})")
_COUNTER_LETTER = re.compile(f"[℃°{_FIRST_OF_COUNTER}]")
_MULTIPLIER = {"": 1, "万": 10_000, "萬": 10_000, "w": 10_000, "W": 10_000, "k": 1000, "K": 1000, "千": 1000}

_LABELS = {
    "editor": "责任编辑|責任編輯|责编|責編|编辑|編輯|网络编辑|值班编辑|校对|审核|審核",
    "author": "作者|撰文|文/图|图/文|文|记者|記者|通讯员|发布者|發布者|发布人|发表者|作 者|楼主|樓主|博主|供稿",
    "from": "来自|來自",
    "source": "信息来源|稿件来源|新闻来源|文章来源|本文来源|来源|來源|来 源|稿源|出处|出處|转自",
    "category": "所属分类|分类目录|文章分类|分类|分類|栏目|欄目|所属栏目|频道|版块|板块",
    "date": "发布时间|發布時間|發佈時間|发表时间|发布日期|更新时间|更新時間|更新日期|最后更新|时间|時間|日期"
    "|最後更新|最后修改|最後修改|发布于|發布於|发表于|發表於|编辑于|編輯於|修改于|发布|發布|更新于|更新|添加时间|录入时间|上传时间|创建时间",
    "other": "字号|字號|字体|标签|標籤|關鍵詞|关键词|关键字|编号|索引号|文号",
}
_LABEL_OF = {label: kind for kind, labels in _LABELS.items() for label in labels.split("|")}
_LABEL_WORDS = "|".join(sorted(_LABEL_OF, key=len, reverse=True))
_FIRST_OF_LABEL = "".join(sorted({label[0] for label in _LABEL_OF}))
# A label is one only with its colon; 文 and 记者 also take a slash. The value ends at white space or a separator,
# except that 来源 and 标签 may hold several words.
_LABEL = re.compile(
    rf"(?<![一-鿿])(?=[{_FIRST_OF_LABEL}【\[(（])[【\[(（]?(?P<label>{_LABEL_WORDS})\s?[:：/／丨]\s{{0,4}}"
    r"(?P<value>[^\s|｜丨,，;；。!！?？)）\]】]{0,30})[)）\]】]?"
)
_GLUED_LABEL = re.compile(
    "(?:"
    + "|".join(
        sorted(
            (word for word, kind in _LABEL_OF.items() if kind != "other" and len(word) > 1), key=len, reverse=True
        )
    )
    + r")(?=\s?[:：])"
)
_LABEL_SIGN = re.compile(r"[:：/／丨]")
_TAG_LIST = re.compile(r"(?:标签|標籤|關鍵詞|关键词|关键字|tags?)\s?[:：][^|｜]*$", re.IGNORECASE)
_TAG_LETTER = re.compile("[标標關关tT]")
_CLOCK = re.compile(r"\d[:：时時]\s?\d\d")
_BARE_DATE_LABEL = re.compile(
    r"(?:最后|首次)?(?:编辑于|編輯於|修改于|发布于|發布於|發佈於|发表于|發表於|更新于|更新|发布|發布|发表|發表|时间|日期)\s?[:：]?\s?$"
)
_CHROME_WORDS = re.compile(
    r"(?=[我收只打字大中小纠举分关投评阅浏点原整转手查倒显])(?:我要(?:投稿|评论|纠错)|我有话说|收藏本文|只看(?:该作者|楼主)|打开APP\w*|字[号體体大小]+|(?<![一-鿿])[大中小](?![一-鿿])|打印|收藏|纠错|举报|分享到?|关注|投稿|评论|阅读|浏览|点赞|原创稿?|原創稿?|整理|转载|手机看新闻|我要评论|查看评论|只看该作者|倒序浏览|显示全部楼层)"
)
# What stands in a byline and states nothing: words counted, floors, clients, places of an address, praise, empty counters.
_NOISE = re.compile(
    rf"(?=[全本共字约阅\d第来IiTt{_FIRST_OF_COUNTER}])(?:"
    r"(?:全文|本文)?共?字[数數]\s?[:：]?\s{0,3}\d[\d,]{0,9}\s?字?|(?:约|约需|阅读)?\s?\d{1,3}\s?分钟(?:读完|阅读)"
    r"|(?<!\d)\d{1,6}\s?[楼樓#](?!\w)|第\s?[A-Z]?\d{1,3}\s?版|来自\s?\w{0,12}(?:客户端|手机版?)"
    r"|(?:IP|ip)\s?[属屬]地\s?[:：]?\s?\w{2,4}|[Tt][Aa](?:已)?获得\S{0,12}赞"
    rf"|(?:{_COUNTER_WORDS})\s?[:：]\s?(?:次|人|条)?(?=\s*(?:$|[^\d\s])))"
)
_NOISE_LETTER = re.compile(f"[字分楼樓#版自属屬获{_FIRST_OF_COUNTER}]")
"""One letter of each kind of noise: a search for it first turns most lines away."""

_PROVINCES = words(
    "河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾"
)
_CITIES = words("北京 天津 上海 重庆")
_PLACES = (
    _PROVINCES
    | _CITIES
    | {f"{name}省" for name in _PROVINCES}
    | {f"{name}市" for name in _CITIES}
    | words("内蒙古 广西 西藏 宁夏 新疆 香港 澳门")
)
"""Where a platform says that an account writes from: no author's name."""

_UPDATED = re.compile(
    r"(?:最[后後](?:更新|修改|编辑|編輯)(?:时间|時間|日期|于|於)?|(?:更新|修改|编辑|編輯)(?:时间|時間|日期|于|於))\s?[:：]?\s{0,3}(?=\d)"
)
_UPDATE_SIGN = re.compile("[新改辑輯][时時日于於]|[后後][更修编編]")
_UPDATE_MARK = "\x02"
"""Stands for the label of a page's last change: the date behind it is taken only where there is no other."""

_BARRED_LABEL = re.compile(r"(?<![一-鿿])(作者|撰文|文|编辑|责编|来源|记者)\s?[|｜]\s?(?=\w)")
_BAR_BEHIND_LABEL = re.compile(r"[者文辑编源]\s?[|｜]")
_UNMARKED_LABEL = re.compile(r"(?<=[|｜]\s)(来源|作者|编辑)\s(?=\w)")
_ALIAS = re.compile(r"(来自\s?[:：]\s?[^\s(（]{1,16})\s?[(（][^()（）]{1,12}[)）]")
_ENGLISH = re.compile(
    r"\b(?:(?:posted|published|written|updated|created)\s{1,3}(?P<verb>by|on|at|in|@)?|(?P<word>by|on)\b)\s{0,3}[:：]?\s{0,3}",
    re.IGNORECASE,
)
"""`Posted by … on …`, `posted @ …`, as blog themes have it that nobody translated."""

_JUNK_RUN = re.compile(r"[\s\x02|｜丨·•,，:：;；/\\()（）\[\]【】<>《》—_+=*#@​\xa0]+")
_UNKNOWN_LABEL = re.compile(r"[\u4e00-\u9fff]\s?[:：]")
# No name, section or source holds these: a line that leaves such a rest is a sentence.
_PROSE = re.compile(
    r"[。!！?？…、“”\"]|的|了|是|吗|嗎|怎么|怎麼|如何|什么|什麼|可以|应该|應該|不|我|你|他|在|被|将|將|年|月|第"
)
# A person's name may hold 在 or 月; a stated author or source is prose only when it has one of these.
_PROSE_IN_VALUE = re.compile(r"[。!！?？…、“”\"]|的|了|是|吗|嗎|怎么|怎麼|如何|什么|什麼|可以|应该|應該|帮助|需要")

_SURNAMES = frozenset(
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝安常乐于时傅"
    "皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫房裘缪"
    "干解应宗丁宣邓郁单洪包诸左石崔吉龚程邢裴陆荣翁荀羊甄封芮储靳松井段富巫乌焦巴牧车侯全班秋仲伊宫宁仇栾甘厉祖武符刘景詹束龙叶幸司黎薄印白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴"
    "趙錢孫馮陳衛韓楊許呂張嚴華謝鄒竇蘇魯韋馬鳳費賀湯羅畢樂時齊顧黃蕭貝計談龐熊紀項藍閔賈婁顏鍾駱萬盧單諸龔陸榮儲車寧厲劉龍葉陰賴藺喬聶聂曾关關游肖闫阎閻涂尚温溫文柴耿辛"
)
"""First characters of the common surnames in both scripts (the old list of the hundred surnames, plus common later ones)."""

_SECTION_ENDINGS = (
    "逾期",
    "资讯",
    "資訊",
    "网贷",
    "網貸",
    "科普",
    "知识",
    "知識",
    "百科",
    "问答",
    "問答",
    "新闻",
    "新聞",
    "动态",
    "動態",
    "政策",
    "法律",
    "法规",
    "攻略",
    "催收",
    "信用卡",
    "贷款",
    "貸款",
    "征信",
    "協商",
    "协商",
    "指南",
    "头条",
    "要闻",
    "财经",
    "导读",
    "案例",
    "维权",
    "債務",
    "债务",
)
_SOURCE_ENDINGS = (
    "网",
    "網",
    "报",
    "報",
    "社",
    "日报",
    "晚报",
    "晨报",
    "早报",
    "时报",
    "商报",
    "在线",
    "频道",
    "電視台",
    "电视台",
    "电台",
    "杂志",
    "周刊",
    "客户端",
    "公众号",
    "工作室",
    "传媒",
    "新闻",
    "财经",
    "科技",
    "娱乐",
    "体育",
    "资讯",
    "中心",
    "银行",
    "协会",
    "理财",
    "集团",
    "公司",
    "研究院",
    "委员会",
)


def _may_count(text: str) -> bool:
    """Say whether a text shows the sign of a counter; a search for one character first turns most away."""
    return _COUNTER_LETTER.search(text) is not None and _COUNTER_SIGN.search(text) is not None


def _counter_value(number: str, unit: str) -> int:
    return int(float(number.replace(",", "")) * _MULTIPLIER[unit])


def _take_counters(line: str) -> tuple[str, dict[str, int]]:
    """Return the line with its counters blanked out, and the counters; the first of a kind stands."""
    counters: dict[str, int] = {}
    if not _may_count(line):
        return line, counters

    def note(match: re.Match[str]) -> str:
        if match["heat"]:
            counters.setdefault("heat", _counter_value(match["heat"], match["heat_unit"]))
            if match["replies"]:
                counters.setdefault("comments", int(match["replies"]))
            return "\N{NO-BREAK SPACE}|"
        word = match["word"] or match["word2"]
        name = "after" if match["word"] else "before"
        counters.setdefault(_COUNTER_OF[word], _counter_value(match[name], match[name + "_unit"]))
        return " | "

    return _COUNTER.sub(note, line), counters


def _take_labels(line: str) -> tuple[str, dict[str, str]]:
    """Return the line with its labelled fields blanked out, and the fields by kind; the first of a kind stands.

    Behind a date's label the value is left in place: it may hold a space, and is read as a date.
    """
    fields: dict[str, str] = {}
    if _TAG_LETTER.search(line):
        line = _TAG_LIST.sub(" | ", line)

    def note(match: re.Match[str]) -> str:
        kind, value = _LABEL_OF[match["label"]], match["value"].strip("·•-—_ ")
        if kind == "date":
            return f" | {match['value']}"
        if kind == "from":
            kind = "source" if value.endswith((*_SOURCE_ENDINGS, "微博", "知乎", "微信", "贴吧")) else "author"
        if _PROSE_IN_VALUE.search(value) or (kind == "category" and value.isdecimal()):
            return match[0]
        fields.setdefault(kind, value)
        return " | "

    return (_LABEL.sub(note, line) if _LABEL_SIGN.search(line) else line), fields


def _take_dates(line: str, fetched_at: datetime | None) -> tuple[str, DateFound | None, bool]:
    """Return the line with its dates blanked out, the first of them, and whether a fetch time may change them.

    Without a fetch time the relative forms are recognised too (so that the line is known as a byline) but give none.
    """
    found = list(find_dates(line))
    stated = bool(found) or fetched_at is not None
    resolved = not found and may_need_time(line)
    if not found:
        found = list(find_dates(line, fetched_at or ANY_TIME)) if resolved else []
        if not found:
            return line, None, resolved
    if len(found) == 1:
        only = found[0]
        before = _without_date_label(line[: only.start])
        return f"{before} \N{BULLET} {line[only.end :]}", only if stated else None, resolved
    published = (one for one in found if not line[: one.start].rstrip().endswith(_UPDATE_MARK))
    first = next(published, found[0]) if stated else None
    parts: list[str] = []
    cursor = 0
    for start, end in sorted((one.start, one.end) for one in found):
        if start < cursor:
            continue
        parts.append(_without_date_label(line[cursor:start]))
        parts.append(" \N{BULLET} ")
        cursor = end
    parts.append(line[cursor:])
    return "".join(parts), first, resolved


def _without_date_label(text: str) -> str:
    """Return what stands before a date without the word that announces it."""
    return _BARE_DATE_LABEL.sub("", text) if text else text


_SENTENCE = re.compile("[。！？；，](?:(?<!，)|.*，)")
_BYLINE_SIGN = re.compile(r"[\d:：/／丨｜℃]|(?:作者|文|编辑|来源|记者)\s?\||前|昨|今|[刚剛]|[零〇○]|字[号號]")
"""What every byline has one of: most lines are turned away by this one search."""

_TELLING = re.compile(r"[:：/／丨｜|℃@]|\d\s?[-年月./]\s?\d|[A-Za-z]{2}|前|昨|今|[刚剛]|年")
"""A date or a label has one of these; a number alone (500业主) is no byline without a counter's word."""


MAX_NAME = 8
"""Characters of a pen name or a desk's name under a title (逾期观察员, 债务笔记编辑部)."""


_ACCOUNTS = ("admin", "Admin", "administrator", "小编", "小編", "管理员", "管理員", "佚名", "匿名")


def parse_byline(line: str, fetched_at: datetime | None = None, *, under_title: bool = False) -> Metadata | None:
    """Return the fields of a line that is nothing but a byline, None for every other line.

    Reads `鳳澄霞 2024-10-13 14:44:13`, `網貸逾期 6℃ 0`, `来源:某网 作者:某某 浏览:12次`, `責任編輯:秦暖玲`. A line in which
    anything remains that is not a short name, section or source is prose. Relative dates need `fetched_at`. Directly
    `under_title` a bare word beside a bare day is a name, elsewhere it may as well be a heading's.
    """
    line = line.strip()
    if not line or len(line) > MAX_BYLINE:
        return None
    read = _read_byline(line, None)
    if read.resolved and fetched_at is not None:
        read = _read_byline(line, fetched_at)
    return read.fields if under_title or read.plausible else None


def _may_be_byline(line: str) -> bool:
    """Say whether a line shows the signs of a byline."""
    if _SENTENCE.search(line) or not _BYLINE_SIGN.search(line):  # prose shows itself soonest
        return False
    named = line.startswith(_ACCOUNTS)
    if not (_TELLING.search(line) or named or _may_count(line)):
        return False
    return may_hold_date(line) or _may_count(line) or _states(line, named)


def _states(line: str, named: bool) -> bool:
    """Say whether a line without a date or a counter may be a byline: an account's (`named`), or labels with a sign."""
    if not _STATED.search(line):
        return False
    return named or bool(_LABEL_SIGN.search(line) or _LABEL_SIGN.search(_in_plain_labels(line)))


class _Read(NamedTuple):
    """A line's fields, None where it is no byline; whether it is one where no title is above it, too; and whether the
    time of the fetch may change what is read."""

    fields: Metadata | None = None
    plausible: bool = False
    resolved: bool = False


@lru_cache(maxsize=1024)
def _read_byline(line: str, fetched_at: datetime | None) -> _Read:
    """Return what a line states.

    Cached because a page's lines are asked several times: what stands before the article, in it, and at the page's
    ends, with a fetch time and without; and the pages of a site have menus and notices in common. So the time is only
    given for a line that is read otherwise with one.
    """
    line = line.replace("\N{NO-BREAK SPACE}", " ").replace("\N{IDEOGRAPHIC SPACE}", " ")
    line = line.replace("\N{BULLET}", "\N{MIDDLE DOT}")  # a bullet stands in a date's place below
    if not _may_be_byline(line):
        return _Read()
    line = _in_plain_labels(_set_labels_apart(line))
    if _NOISE_LETTER.search(line):
        line = _NOISE.sub(" | ", line)
    rest, fields = _take_labels(line)
    rest, first, resolved = _take_dates(rest, fetched_at)
    has_date = "\N{BULLET}" in rest
    rest, counters = _take_counters(rest)
    known = bool(fields) or has_date or bool(counters)
    if not known and not rest.startswith(_ACCOUNTS):
        return _Read(resolved=resolved)
    remaining = _remaining_words(rest)
    if remaining is None or not (known or _template_account(remaining)):
        return _Read(resolved=resolved)
    names, trailing = _names_and_numbers(remaining)
    named = has_date and len(names) == 1 and len(names[0]) <= MAX_NAME
    plausible = _plausible(names, fields, counters, first, has_date)
    if not named and not plausible:
        return _Read(resolved=resolved)
    _assign_names(names, fields, "heat" in counters)
    for kind, number in zip(("views", "comments"), trailing, strict=False):
        counters.setdefault(kind, number)
    stated = Metadata(
        author=_name(fields.get("author")) or _name(fields.get("editor")),
        published=first.value if first else None,
        category=fields.get("category") or None,
        source=_source(fields.get("source")),
        counters=counters,
    )
    return _Read(stated, plausible, resolved)


_STATED = re.compile(f"{_LABEL_WORDS}|{'|'.join(_ACCOUNTS)}|[BbOo][YyNn]|[PpWwUuCc][A-Za-z]{{4}}")
"""Words of labels, accounts and English bylines: without any, a date or a counter a line states nothing."""


def _source(value: str | None) -> str | None:
    """Return a stated source, None for a word that names none."""
    return value if value and value not in _NO_SOURCES else None


def _in_plain_labels(line: str) -> str:
    """Return the line with labels in the one form that is read: a word and a colon; English ones in Chinese."""
    if _UPDATE_SIGN.search(line):
        line = _UPDATED.sub(f" | {_UPDATE_MARK}", line)
    if _BAR_BEHIND_LABEL.search(line):
        line = _BARRED_LABEL.sub(r"\1:", line)
    if ("|" in line or "｜" in line) and ("来源" in line or "作者" in line or "编辑" in line):
        line = _UNMARKED_LABEL.sub(r"\1:", line)
    if "来自" in line:
        line = _ALIAS.sub(r"\1", line)
    return _ENGLISH.sub(_translated, line) if _LATIN.search(line) else line


_LATIN = re.compile("[A-Za-z]{2}")


def _set_labels_apart(line: str) -> str:
    """Return the line with a blank before each label that follows another field without one.

    `12:11来源:某网作者:某某`: a label may stand right behind a time, a medium's name or, once there was one, any value.
    """
    if not _LABEL_SIGN.search(line):
        return line
    parts: list[str] = []
    end, labelled = 0, False
    for match in _GLUED_LABEL.finditer(line):
        start = match.start()
        before = line[start - 1 : start]
        if labelled or not before or before in _BEFORE_LABEL or not "一" <= before <= "鿿":
            parts.append(line[end:start])
            end, labelled = start, True
    return " ".join([*parts, line[end:]]) if parts else line


_BEFORE_LABEL = frozenset("0123456789网網报報社台站道")


def _translated(match: re.Match[str]) -> str:
    """Return a Chinese label for an English one: the author's behind `by`, none before a date or a section."""
    return " | 作者:" if "by" in (match["verb"] or match["word"] or "").lower() else " | "


def _remaining_words(rest: str) -> list[str] | None:
    """Return the words left once dates, labels and counters are out, None when they make a sentence."""
    rest = rest.replace("\N{BULLET}", "  ")
    rest = _CHROME_WORDS.sub(" ", rest)
    if _UNKNOWN_LABEL.search(rest):
        return None
    words = [word for word in _JUNK_RUN.split(rest) if word and word not in _PLACES]
    # A date's label without its colon, which a decoder may have lost, names nobody.
    words = [word for word in words if _LABEL_OF.get(word.strip("\N{REPLACEMENT CHARACTER}")) != "date"]
    if len(words) > 5 or sum(map(len, words)) > 24 or any(_PROSE.search(word) for word in words):
        return None
    return words


def _template_account(words: Sequence[str]) -> bool:
    """Say whether the words are a content system's account name with its counters (`admin 152 0`)."""
    return len(words) > 1 and words[0] in _ACCOUNTS and all(word.isdecimal() for word in words[1:])


def _names_and_numbers(words: Sequence[str]) -> tuple[list[str], list[int]]:
    """Split words into names and the bare numbers that templates print for views and comments."""
    names = [word for word in words if not word.isdecimal()]
    numbers = [int(word) for word in words if word.isdecimal() and len(word) <= 9]
    return names, numbers


def _plausible(
    names: Sequence[str],
    fields: Mapping[str, str],
    counters: Mapping[str, int],
    first: DateFound | None,
    has_date: bool,
) -> bool:
    """Say whether what was recognised outweighs the unlabelled words.

    A bare day beside a bare word is not enough (`春节 2024-02-10` may be a heading): it takes a time of day, a
    surname or a section's name, a label, or a counter.
    """
    if len(names) > 3:
        return False
    if not names or fields or names[0] in _ACCOUNTS:
        return True
    if counters:
        return len(names) <= 2
    if first is not None and first.timed:
        return True
    return (
        has_date
        and len(names) == 1
        and (_person(names[0]) or names[0].endswith(_SECTION_ENDINGS + _SOURCE_ENDINGS))
    )


def _person(word: str) -> bool:
    """Say whether a word has the shape of a Chinese person's name (two to four characters, a known surname)."""
    return 2 <= len(word) <= 4 and word[0] in _SURNAMES and not word.endswith(_SECTION_ENDINGS)


def _assign_names(names: Sequence[str], fields: dict[str, str], before_heat: bool) -> None:
    """Give each unlabelled word the field that its shape fits, if that field is still free.

    The word before a heat (`網貸逾期 6℃`) is the section; a second name without a label is the account's or the paper's.
    """
    for index, name in enumerate(names):
        if before_heat and index == len(names) - 1:
            fields.setdefault("category", name)
        elif name.startswith(("来源", "來源")):
            fields.setdefault("source", name[2:])
        elif names_section(name):
            fields.setdefault("category", name)
        elif name.endswith(_SOURCE_ENDINGS) and not _person(name):
            fields.setdefault("source", name)
        elif "author" not in fields:
            fields["author"] = name
        elif len(name) > 2 and not _person(name):
            fields.setdefault("source", name)


_MEDIA_ENDINGS = ("财经", "財經", "新闻", "新聞", "头条", "頭條")
_TOPICS_OF_NEWS = re.compile(
    "^(?:社会|国内|国际|行业|公司|企业|地方|本地|时政|民生|金融|法[制治]|热点|最新|图片|财经|娱乐|体育|科技|汽车|房产)"
)


def names_section(name: str) -> bool:
    """Say whether a word names a section: 逾期资讯 and 行业新闻 do, 某某财经 and 某某新闻 are media."""
    if not name.endswith(_SECTION_ENDINGS) or _person(name):
        return False
    return len(name) < 4 or not name.endswith(_MEDIA_ENDINGS) or bool(_TOPICS_OF_NEWS.search(name))


def _name(value: str | None) -> str | None:
    """Return a stated author, None for an empty one, a number or a word that is no name."""
    if not value:
        return None
    value = value.strip(" \t:：|-—_/")
    value = _NAME_PREFIX.sub("", value)
    if (
        len(value) < 2
        or value.isdecimal()
        or value.lower() in _NO_NAMES
        or "@" in value
        or value.startswith("http")
    ):
        return None
    return value[:40]


_NAME_PREFIX = re.compile(r"^(?:作者|记者|記者|编辑|来源|文)(?=[\u4e00-\u9fff]{2,4}$)\s?")
_NO_SOURCES = words("未知 本站 原创 网络 互联网 本站整理 网络整理 互联网整理 网络转载 转载 整理 佚名")
_NO_NAMES = words(
    "name null none undefined author 未知 佚名 匿名 无 暂无 匿名用户 匿名网友 热心网友 网友 网络 本站 互联网"
)


# ---- the headline ----

_STRONG_SEPARATOR = re.compile(r"\s*(?:_+|[|｜丨]|-{2,}|—{1,2}|\s[-–·•]\s|»|::|<<|>>)\s*")
_WEAK_SEPARATOR = re.compile(r"[-–·]")
_SITE_WORDS = re.compile(
    r"(?:网|網|官网|官方网站|网站|網站|频道|頻道|论坛|論壇|社区|社區|博客|部落格|日报|晚报|新闻|新聞"
    r"|资讯|資訊|平台|门户|首页|首頁|中心|正文|在线|客户端|空间|专栏|百科|知乎|贴吧|^Powered by .{1,30}"
    r"|\.com|\.cn|\.net|blog)$",
    re.IGNORECASE,
)


def strip_site_name(title: str, site_name: str | None = None) -> str:
    """Return a `<title>` without the site's and section's names behind (or before) the headline.

    Segments at strong separators (`_`, `|`, ` - `, `--`) are dropped from the end when they are the site's name,
    look like one, or are short beside what remains; a bare hyphen splits only before something that looks like a
    site's name, because headlines hold hyphens too.
    """
    title = " ".join(title.split())
    pieces = _STRONG_SEPARATOR.split(title)
    head = _headline(title, pieces, site_name) if len(pieces) > 1 else title
    parts = _WEAK_SEPARATOR.split(head)
    while (
        len(parts) > 1 and len(parts[0]) >= 4 and (_SITE_WORDS.search(parts[-1]) or parts[-1].strip() == site_name)
    ):
        parts.pop()
        head = head[: len(head) - len(_WEAK_SEPARATOR.split(head)[-1]) - 1].rstrip()
    return head.strip() or title


def _headline(title: str, pieces: list[str], site_name: str | None) -> str:
    """Keep the leading run of segments up to the last one that is not the site's."""
    last = len(pieces)
    while last > 1:
        piece = pieces[last - 1]
        kept = sum(map(len, pieces[: last - 1]))
        if not piece or piece == site_name or _SITE_WORDS.search(piece) or (len(piece) <= 12 and kept >= 6):
            last -= 1
        else:
            break
    kept_end = _end_of_segment(title, last)
    head = title[:kept_end].strip()
    if last == 1 and len(head) < 6:
        longest = max(pieces, key=len)
        return longest if len(longest) > 2 * len(head) and not _SITE_WORDS.search(longest) else head
    return head


def _end_of_segment(title: str, count: int) -> int:
    """Return where the first `count` segments of the title end."""
    for index, match in enumerate(_STRONG_SEPARATOR.finditer(title), start=1):
        if index == count:
            return match.start()
    return len(title)


def letters(text: str) -> str:
    """Return a text's letters and digits alone, for comparing headlines that differ in spaces and punctuation."""
    return text if text.isalnum() else "".join(filter(str.isalnum, text))


def best_title(
    document_title: str | None, headings: Sequence[str], og_title: str | None, site_name: str | None = None
) -> str | None:
    """Return the article's title from `<title>`, `og:title` and the page's headings, None when all are empty.

    A heading counts when `<title>` or `og:title` holds it (so a logo's `<h1>` does not); then the longest such
    heading. Without one, `og:title` and then `<title>`, each without the site's name, unless that only names a section
    and the page has a longer heading.
    """
    whole = letters(" ".join(filter(None, (document_title, og_title))))
    if whole:
        confirmed = [heading for heading in headings if len(bare := letters(heading)) >= 4 and bare in whole]
        if confirmed:
            return max(confirmed, key=len)
    heading = max(headings, key=len, default="")
    for stated in (og_title, document_title):
        if stated and stated.strip():
            title = strip_site_name(stated, site_name)
            names_section = len(letters(title)) <= MAX_SECTION_NAME or bool(_SITE_WORDS.search(title))
            return heading if names_section and len(heading) > len(title) else title
    return heading or None


MAX_SECTION_NAME = 6
"""Letters of a `<title>` that can't be a headline where the page shows a longer one: `新闻动态`, `逾期资讯`."""


# ---- head and JSON-LD ----

_META_FIELDS: dict[str, tuple[str, ...]] = {
    "author": ("article:author", "og:article:author", "author", "byl", "dc.creator", "contentauthor"),
    "published": (
        "article:published_time",
        "og:published_time",
        "og:release_date",
        "og:time",
        "weibo:article:create_at",
        "publishdate",
        "pubdate",
        "publish_date",
        "published_at",
        "publication_date",
        "datepublished",
        "dateupdate",
        "bytedance:published_time",
        "dc.date.issued",
        "apub:time",
        "_pubtime",
        "article:create_at",
        "date",
    ),
    "category": ("article:section", "og:category", "category", "columnname", "og:article:section"),
    "source": ("mediaid", "contentsource", "og:article:source", "source", "copyright-source"),
    "title": ("og:title", "articletitle", "twitter:title"),
    "site": ("og:site_name", "sitename", "application-name", "apple-mobile-web-app-title"),
}
_FIELD_OF_META = {name: (field, rank) for field, names in _META_FIELDS.items() for rank, name in enumerate(names)}
_SOURCE_LABEL = re.compile(r"^(?:来源|來源|稿源)\s?[:：]\s?")
_DEPARTMENT = re.compile(r"\s.*$")


def head_metadata(metas: Iterable[tuple[str, str]], fetched_at: datetime | None = None) -> dict[str, str]:
    """Return fields from `(name or property, content)` pairs: `author published category source title site`.

    Where several names state one field, the order of `_META_FIELDS` decides, not the order on the page.
    """
    ranked: dict[str, tuple[int, str]] = {}
    for name, content in metas:
        field, rank = _FIELD_OF_META.get(name.lower().replace(" ", ""), ("", 0))
        if not field or not content.strip():
            continue
        value = _clean_field(field, content, fetched_at)
        if value and (field not in ranked or rank < ranked[field][0]):
            ranked[field] = (rank, value)
    return {field: value for field, (_, value) in ranked.items()}


def _clean_field(field: str, content: str, fetched_at: datetime | None) -> str | None:
    content = " ".join(content.split())
    if field == "published":
        return parse_published(content, fetched_at)
    if field == "author":
        return None if _looks_like_site(content) else _name(content)
    if field == "source":
        return _DEPARTMENT.sub("", _SOURCE_LABEL.sub("", content))[:40] or None
    return content[:300]


def _looks_like_site(text: str) -> bool:
    """Say whether an `author` tag holds the site's own name or address, as most templates fill it."""
    return bool(_SITE_WORDS.search(text)) or "," in text or "." in text


_ARTICLE_TYPES = frozenset(
    {
        "Article",
        "NewsArticle",
        "BlogPosting",
        "Report",
        "WebPage",
        "TechArticle",
        "DiscussionForumPosting",
        "QAPage",
        "Posting",
    }
)


def json_ld_metadata(scripts: Iterable[str], fetched_at: datetime | None = None) -> dict[str, str]:
    """Return fields from JSON-LD scripts: `title author published category source`; broken JSON gives nothing.

    Reads schema.org articles, and Baidu's dialect (`title`, `pubDate`) which most Chinese pages carry.
    """
    fields: dict[str, str] = {}
    for script in scripts:
        if len(script) > MAX_JSON_LD:
            continue
        for node in _ld_nodes(script):
            _read_ld(node, fields, fetched_at)
    return fields


def _ld_nodes(script: str) -> list[Mapping[str, object]]:
    """Return the objects of a script: itself, a list's members, or its `@graph`."""
    try:
        loaded: object = orjson.loads(_CONTROLS.sub(" ", script.strip().rstrip(";")))
    except orjson.JSONDecodeError:
        return []
    if isinstance(loaded, dict) and isinstance(loaded.get("@graph"), list):
        loaded = loaded["@graph"]
    members = loaded if isinstance(loaded, list) else [loaded]
    return [member for member in members[:50] if isinstance(member, dict)]


_CONTROLS = re.compile(r"[\x00-\x1f]")


def _read_ld(node: Mapping[str, object], fields: dict[str, str], fetched_at: datetime | None) -> None:
    kinds = node.get("@type")
    named = (
        {kinds}
        if isinstance(kinds, str)
        else set(kinds)
        if isinstance(kinds, list) and all(isinstance(k, str) for k in kinds)
        else set()
    )
    if kinds is not None and not named & _ARTICLE_TYPES:
        return
    title = node.get("headline") or node.get("title")
    if isinstance(title, str) and title.strip():
        fields.setdefault("title", " ".join(title.split()))
    published = node.get("datePublished") or node.get("pubDate") or node.get("dateCreated") or node.get("upDate")
    if isinstance(published, str) and (value := parse_published(published, fetched_at)):
        fields.setdefault("published", value)
    for field, keys in (
        ("author", ("author",)),
        ("source", ("sourceOrganization",)),
        ("category", ("articleSection",)),
    ):
        if named_value := _ld_name(next((node[key] for key in keys if node.get(key)), None)):
            fields.setdefault(field, named_value)


def _ld_name(value: object) -> str | None:
    """Return the name in a JSON-LD value: a string, an object with `name`, or the first of a list."""
    for _ in range(3):
        if isinstance(value, list):
            value = value[0] if value else None
        elif isinstance(value, dict):
            value = value.get("name")
    return _name(" ".join(value.split())) if isinstance(value, str) else None


def merge(*sources: Metadata) -> Metadata:
    """Return the fields of the sources, the first that states a field winning; counters are united likewise."""
    title = author = published = category = origin = None
    counters: dict[str, int] = {}
    for source in sources:
        title = title or source.title
        author = author or source.author
        published = published or source.published
        category = category or source.category
        origin = origin or source.source
        for kind, value in source.counters.items():
            counters.setdefault(kind, value)
    return Metadata(title or None, author or None, published or None, category or None, origin or None, counters)
