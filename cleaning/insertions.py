"""Keywords put into an article's line: before its first sentence, or into the middle of one.

`cleaning/spam.py` cuts what its own words show. This goes further: inside a line where it is likelier with the keywords
put in than written so (`cleaning/seams.py`), at its head with the trade words of `cleaning/rows.py`. What may be the
sentence's stays.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence

from cleaning import rows, seams, spam
from cleaning.lexicon import Hit, scan
from cleaning.spam import Cut

DISGUISED_WEIGHT = 2
DOMAIN_WEIGHT = 1
"""What a word spelt in pinyin or with look-alikes, and a site's name, count beside the lexicon's words."""

FOREIGN_WEIGHT = 4
"""What a word that only spam has counts in a script that no Chinese author writes."""

AUTHORS_NATS = 9.0
"""What it counts for the author when the words around a stretch govern it or speak of fraud, sites and adverts."""

SPEAKS_NATS = 8.0
"""How much more is asked on a page that speaks of such things itself."""

BESIDE_NATS = 3.0
"""How much less is asked on a page that other spam was put into."""

KEYWORD_COVER = 0.65
"""Least share of a piece before a comma or blank that known words cover, for it to be a keyword at a line's head."""

ESTABLISHED = 3
"""Keywords in a row behind which half of the next piece may be unknown, where it ends in a known one."""

HEAD_LENGTH = 12
"""Letters at a line's head that are looked at for a word of the lexicon."""

MIN_HEAD = 6
"""Letters of keywords before a sentence; fewer may be its subject."""

MARK_LENGTH = 40
"""Letters at a line's head that are looked at for a mark between keywords."""

REPEATED = 3
REPEATED_WITHIN = 200
"""How often a line's first two characters occur near its head when a place's name is before every keyword."""

NEAR = 24
"""Characters on either side of a stretch that say whether an author speaks of it."""
SPEAKS = 2
"""How many words of such subjects a page holds that speaks of them."""

_MARK = re.compile(r"[_|](?=\w)")
_AUTHORS_BEFORE = "“‘「『《\"'(、"
_AUTHORS_AFTER = "”’」』》\"')、"
_SPOKEN_OF = re.compile(
    r"骗|诈|赌|涉|警方|公安|为名|名义|名为|所谓|之类|广告|链接|网站|色情|刷单|中奖|诱|输(?:掉|光|了)|沉迷|写着|显示|字样"
)
_SPEAKS = re.compile(
    r"赌|博彩|彩票|色情|淫秽|黄色|涉黄|裸聊|裸照|嫖|卖淫|成人网站|直播|打赏|游戏充值|网游|私服|假证|证件|文凭|发票|代写|论文|"
    r"黑产|黑客|植入|站群|蜘蛛池|搜索引擎|引流|毒品|迷药|虚拟货币|炒币|杀猪盘|整容|医美|影视|小说|电影"
)
_AUTHORS_MARK = re.compile("[、;!?\\[\\]【】…]")
_ARTICLE = re.compile(r"第[一二三四五六七八九十百千零\d]{1,7}[条章节款编]")
REACH = 10
"""How a statute's lines begin: a row of keywords goes as far as there, if that is near, and no further."""
_SPACES = " .\u00b7_*|/-"
_SPACED_HEAD = re.compile(r"(?:[\u4e00-\u9fffa-z\d][ .\u00b7_*|/-]){3,60}[\u4e00-\u9fffa-z\d]")


def inserted(line: str, words: Sequence[Hit] | None = None, *, least: float = seams.LEAST_NATS) -> tuple[Cut, ...]:
    """Return the keywords that were put into a folded line of an article, at its head or inside a sentence.

    `words` are those of the lexicon in it, for a caller that has them (`scan` with rows); `least` is the log-likelihood
    ratio from which a stretch goes (`cleaning/seams.py`). What may belong to the sentence stays: a keyword left behind is
    better than a word lost.
    """
    if words is None:
        words = scan(line, rows=True)
    hits = [_by_script(line, hit) if hit.weight > 2 else hit for hit in words]
    if rows.MAY_BE_DISGUISED.search(line):
        hits += (Hit(*match.span(), DISGUISED_WEIGHT) for match in rows.DISGUISED.finditer(line))
    if "." in line:
        hits += (Hit(*match.span(), DOMAIN_WEIGHT) for match in rows.DOMAIN.finditer(line))
    cuts: list[Cut] = []
    for stretch in seams.stretches(line, hits, least):
        if stretch.nats - _authors_nats(line, stretch) >= least:
            start, end = _with_own_script(line, stretch.start, stretch.end)
            found = f"e^{stretch.odds:.0f} times likelier put in than written"
            if cuts and line[cuts[-1].end : start] == ",":
                cuts[-1] = cuts[-1]._replace(end=end)  # a comma between two of them is theirs
            else:
                cuts.append(Cut("spam.insert" if start else "spam.glued", start, end, found))
    return tuple(cuts)


def _by_script(line: str, hit: Hit) -> Hit:
    """Return a word of weight 3, or one of the weight that foreign scripts have."""
    foreign = _script(line[hit.start]) not in ("", "LATIN")
    return hit._replace(weight=FOREIGN_WEIGHT) if foreign else hit


def _authors_nats(line: str, stretch: seams.Stretch) -> float:
    """Return what speaks for the author: quotation marks more than any ratio, the words around it some nats."""
    start, end = stretch.start, stretch.end
    before, after = line[max(0, start - 1) : start], line[end : end + 1]
    if (before and before in _AUTHORS_BEFORE) or (after and after in _AUTHORS_AFTER):
        return math.inf
    if spam.is_pointed_at(line, end):
        return math.inf
    around = line[max(0, start - NEAR) : start] + "\n" + line[end : end + NEAR]
    told = spam.is_the_sentences(line, start, end) or spam.is_governed(line, stretch.telling)
    return AUTHORS_NATS if told or _SPOKEN_OF.search(around) else 0.0


def may_be_headed(line: str, heavy: int | None) -> bool:
    """Return whether a folded line may begin with keywords: with a word of weight 2 or 3 (`heavy` says where the first
    one is) or with a mark between keywords. No other line has anything to cut at its head.
    """
    return (
        (heavy is not None and heavy < HEAD_LENGTH)
        or (("_" in line or "|" in line) and _MARK.search(line, 0, MARK_LENGTH) is not None)
        or (line[1:2] in _SPACES and _SPACED_HEAD.match(line) is not None)
        or (rows.MAY_BE_DISGUISED.search(line, 0, HEAD_LENGTH) and rows.DISGUISED.search(line, 0, HEAD_LENGTH))
        is not None
    )


def head(line: str, shared: Callable[[str], float]) -> Cut | None:
    """Return the row of keywords that stands before the sentence of a folded line, None without one.

    The pieces before the last separator are a row by themselves; of the piece that the sentence goes on in, the
    words that it begins with belong to the row too.
    """
    spaced = _SPACED_HEAD.match(line)
    end = _spaced_end(spaced) if spaced is not None else _offer_end(line) or _row_end(line)
    if end and (article := _ARTICLE.search(line, 0, end + REACH)) is not None:
        end = article.start()
    if end < MIN_HEAD or spam.points_back(line, len(line[:end].rstrip(" _|,-"))):
        return None
    found = rows.judge(line[:end].strip(" _|,-"), shared)
    if found is None:
        return None
    while end < len(line) and line[end] in " _|,-":
        end += 1
    return Cut("spam.glued", 0, end, found)


def merged(before: Cut, found: Sequence[Cut]) -> tuple[Cut, ...]:
    """Return the row at a line's head with the stretches behind it; one that it runs into belongs to it."""
    end = before.end
    for cut in found:
        if cut.start <= end:
            end = max(end, cut.end)
    return (before._replace(end=end), *(cut for cut in found if cut.start > end))


def trimmed(line: str, cut: Cut, elsewhere: Callable[[str], bool]) -> Cut | None:
    """Return the cut without the words at its ends that are the page's own, None where nothing is left.

    `elsewhere` tells whether a text stands in another line of the page. A word is its own when it stands there with
    the letter that it meets here too (`苹果` before `公司`), or is a name of three letters.
    """
    start, end = cut.start, cut.end
    hits = [hit for hit in spam.longest(scan(line[start:end], rows=True)) if hit.weight < 3]
    for hit in reversed(hits):
        word = line[start + hit.start : start + hit.end]
        if start + hit.end != end or not (elsewhere(line[end - len(word) : end + 1]) or _is_name(word, elsewhere)):
            break
        end -= len(word)
    for hit in hits:
        word = line[cut.start + hit.start : cut.start + hit.end]
        if cut.start + hit.start != start or not start or not elsewhere(line[start - 1] + word):
            break
        start += len(word)
    return cut._replace(start=start, end=end) if end - start >= seams.LEAST_LENGTH else None


def _is_name(word: str, elsewhere: Callable[[str], bool]) -> bool:
    return len(word) > 2 and elsewhere(word)


def _spaced_end(spaced: re.Match[str]) -> int:
    """Return where spaced-out keywords end; the last character may be the sentence's first one."""
    closed = rows.GAP.sub("", spaced[0])
    covered = max((hit.end for hit in scan(closed, rows=True)), default=0)
    return spaced.end() if covered == len(closed) else spaced.end() - 1


def _is_keyword(piece: str, *, strong: bool, established: bool) -> bool:
    """Whether a piece before a separator is a keyword; before a comma or blank most of its letters are known ones, or
    behind several keywords the last ones.
    """
    if (
        len(piece) > rows.MAX_PIECE
        or rows.FUNCTION.search(piece)
        or rows.STOP.search(piece)
        or not rows.is_touched(piece)
    ):
        return False
    hits = spam.longest(scan(piece, rows=True))
    covered = sum(hit.end - hit.start for hit in hits)
    ends = established and bool(hits) and hits[-1].end == len(piece) and 2 * covered >= len(piece)
    return strong or ends or covered >= KEYWORD_COVER * len(piece)


def _row_end(line: str) -> int:
    """Return where the keywords at a line's head end: 0 where the line begins with its sentence."""
    end = seen = 0
    begins = line[:2] if line.count(line[:2], 0, REPEATED_WITHIN) >= REPEATED else None
    comma = False
    for mark in rows.SEPARATORS.finditer(line, 0, rows.MAX_LENGTH):
        if _AUTHORS_MARK.search(mark[0]) or (seen and not comma and mark[0] == ","):
            break  # a comma behind other marks is the sentence's
        piece = line[end : mark.start()]
        alike = begins is not None and piece.startswith(begins)
        strong = rows.STRONG.search(mark[0]) is not None
        if piece and not _is_keyword(piece, strong=strong, established=alike or seen >= ESTABLISHED):
            break
        end, seen, comma = mark.end(), seen + 1, comma or "," in mark[0]
    hits = spam.longest(scan(line[end : end + 2 * rows.MAX_PIECE], rows=True))
    last = cursor = end
    for hit in hits:
        if hit.start + end != cursor:
            break
        cursor = hit.end + end
        if hit.weight > 1 or (last == end + hit.start and last and _goes_with_row(line, last, cursor)):
            last = cursor
    domain = rows.DOMAIN.match(line, last + (line[last : last + 1] == " ")) if last else None
    last = domain.end() if domain else last
    return 0 if line[last : last + 1] in ("、", ":") else last


def _goes_with_row(line: str, start: int, end: int) -> bool:
    """Whether a stem between keywords and a sentence reads on with the keywords, and meets the sentence by chance."""
    if end >= len(line):
        return False
    out_of = spam.bigram_after(line[end - 1], line[end])
    return out_of < spam.CHANCE_NATS and out_of < spam.bigram_after(line[start - 1], line[start])


def _offer_end(line: str) -> int:
    """Return where a row ends that is written as an offer (`某某为您提供某某等内容,欢迎收藏本站`), 0 without one."""
    found = rows.OFFER_END.match(line)
    return found.end() if found else 0


def _with_own_script(line: str, start: int, end: int) -> tuple[int, int]:
    """Return the span with the rest of its Latin, Thai, Cyrillic or kana word, and the marks behind it."""
    while 0 < start < len(line) and _script(line[start]) and _script(line[start - 1]) == _script(line[start]):
        start -= 1
    while end < len(line) and (script := _script(line[end - 1])) and _goes_on_in(line, end, script):
        end += 1 + (line[end] == " ")
    while end < len(line) and line[end] in "_|":
        end += 1
    return start, end


def _goes_on_in(line: str, place: int, script: str) -> bool:
    """Whether the next letter is of the script too; behind a blank only where no Chinese writer uses it."""
    if _script(line[place]) == script:
        return True
    return script != "LATIN" and line[place] == " " and _script(line[place + 1 : place + 2]) == script


def _script(char: str) -> str:
    """Return the script of a letter or vowel sign that is not Chinese, by the first word of its name; else nothing."""
    if (
        not char
        or char.isdecimal()
        or "\u4e00" <= char <= "\u9fff"
        or not (char.isalpha() or unicodedata.combining(char))
    ):
        return "THAI" if "\u0e00" <= char <= "\u0e7f" else ""
    return unicodedata.name(char, "").partition(" ")[0]


def without_keywords(line: str) -> str:
    """Return a folded text without the words that only spam has."""
    parts, cursor = [], 0
    for hit in spam.longest(hit for hit in scan(line) if hit.weight > 2):
        parts.append(line[cursor : hit.start])
        cursor = hit.end
    return "\n".join([*parts, line[cursor:]])


def speaks_of_it(prose: str) -> bool:
    """Whether a page's prose is about porn, gambling, the spam industry or its trades, so that keywords may be its own."""
    return len(_SPEAKS.findall(prose)) >= SPEAKS
