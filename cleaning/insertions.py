"""Keywords put into an article's line: before its first sentence, or into the middle of one.

`cleaning/spam.py` cuts what its own words show. This goes further on a page that does not speak of such things
itself, and at the head of a line with the trade words of `cleaning/rows.py`. What may be the sentence's stays.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence

from cleaning import rows, spam
from cleaning.shapes import line_starts
from cleaning.spam import Cut, Hit

MAX_GAP = 5
"""Letters without a word of the lexicon that a run may hold: a brand that no list has."""

INSERT_SCORE = 5
INSERT_LENGTH = 4
ALONE_LENGTH = 6
TRADE_WORDS = 3
TRADE_WEIGHT = 2
MEETING_NATS = -5.0
HEALING_NATS = 1.5
"""Greatest log-probability of the pairs at either end of what was put into a sentence, and how much likelier the pair
is that meets when it is cut. Of 1,611 runs of such words in 21,929 honest lines (statutes, gold pages, our articles and
controls) none is cut; -5 and 1.5 cut 182 of 900 insertions whole, -6 and 2 148."""

GLUED_SCORE = 6
"""Least weight of a run inside a sentence, or least length of its one phrase; least weight at a line's head."""

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
"""Characters on either side of a run that say whether an author speaks of it."""
SPEAKS = 2
_MARK = re.compile(r"[_|](?=\w)")
_PAUSE = re.compile(r"[,。;!?:“”‘’「」『』《》\"()]")
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
_SPACED_HEAD = re.compile(r"(?:[\u4e00-\u9fffa-z\d][ .\u00b7_*|/-]){3,60}[\u4e00-\u9fffa-z\d]")


def inserted(line: str) -> tuple[Cut, ...]:
    """Return the runs of keywords that were put into a folded line of an article, at its head or inside a sentence.

    Only for a page that does not speak of such things itself: there a single phrase that only spam has is enough.
    What may belong to the sentence stays: a keyword left behind is better than a word lost.
    """
    cuts: list[Cut] = []
    for run in _runs(line, spam.longest(spam.scan(line, rows=True))):
        found = _span(line, run)
        if found is None:
            continue
        start, end = found
        start = max(start, cuts[-1].end if cuts else 0)
        if start >= end:
            continue
        if start == 0 and not _is_head(line, run, end):
            continue
        heavy = sum(hit.weight > 1 for hit in run)
        cuts.append(
            Cut("spam.insert" if start else "spam.glued", start, end, f"{heavy} foreign keywords in a row")
        )
    return tuple(cuts)


def _span(line: str, run: list[Hit]) -> tuple[int, int] | None:
    """Return what to cut of a run: all of it where the sentence reads on without it, else what is unmistakable."""
    start, end = run[0].start, run[-1].end
    if _is_put_in(line, run) and not _is_spoken_of(line, start, end):
        return start, end
    core = _core(line, run)
    if (
        core is None
        or _is_spoken_of(line, run[core[0]].start, run[core[1]].end)
        or spam.is_the_sentences(line, start, end)
    ):
        return None
    return _bounds(line, run, *core)


def _is_put_in(line: str, run: list[Hit]) -> bool:
    """Whether a run meets both sides of the sentence by chance, and they read on across it: it was put in between."""
    start, end = run[0].start, run[-1].end
    if not start or end >= len(line) or not (line[start - 1].isalnum() and line[end].isalnum()):
        return False
    size = sum(map(str.isalnum, line[start:end]))
    if size < INSERT_LENGTH or sum(hit.end - hit.start for hit in run) < size:
        return False
    into = spam.bigram_after(line[start - 1], line[start])
    out_of = spam.bigram_after(line[end - 1], line[end])
    meeting = max(into, out_of)
    return meeting < MEETING_NATS and spam.bigram_after(line[start - 1], line[end]) > meeting + HEALING_NATS


def worth_trying(lines: Sequence[str]) -> tuple[set[int], set[int]]:
    """Return which of the folded lines hold a word of weight 2 or 3, and which may begin with keywords: with such a
    word, or with a mark between keywords. No other line has anything to cut. One pass over all of them.
    """
    headed = {
        place
        for place, line in enumerate(lines)
        if (("_" in line or "|" in line) and _MARK.search(line, 0, MARK_LENGTH))
        or _SPACED_HEAD.match(line)
        or rows.DISGUISED.search(line, 0, HEAD_LENGTH)
    }
    told: set[int] = set()
    starts = line_starts(lines) if lines else []
    for found in spam.heavy_places("\n".join(lines)):
        place = bisect_right(starts, found) - 1
        told.add(place)
        if found - starts[place] < HEAD_LENGTH:
            headed.add(place)
    return told, headed


def head(line: str, shared: Callable[[str], float]) -> Cut | None:
    """Return the row of keywords that stands before the sentence of a folded line, None without one.

    The pieces before the last separator are a row by themselves; of the piece that the sentence goes on in, the
    words that it begins with belong to the row too.
    """
    spaced = _SPACED_HEAD.match(line)
    end = _spaced_end(spaced) if spaced is not None else _offer_end(line) or _row_end(line)
    if end < MIN_HEAD or spam.points_back(line, len(line[:end].rstrip(" _|,-"))):
        return None
    found = rows.judge(line[:end].strip(" _|,-"), shared)
    if found is None:
        return None
    while end < len(line) and line[end] in " _|,-":
        end += 1
    return Cut("spam.glued", 0, end, found)


def _spaced_end(spaced: re.Match[str]) -> int:
    """Return where spaced-out keywords end; the last character may be the sentence's first one."""
    closed = rows.GAP.sub("", spaced[0])
    covered = max((hit.end for hit in spam.scan(closed, rows=True)), default=0)
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
    hits = spam.longest(spam.scan(piece, rows=True))
    covered = sum(hit.end - hit.start for hit in hits)
    ends = established and hits[-1].end == len(piece) and 2 * covered >= len(piece)
    return strong or ends or covered >= KEYWORD_COVER * len(piece)


def _row_end(line: str) -> int:
    """Return where the keywords at a line's head end: 0 where the line begins with its sentence."""
    end = seen = 0
    begins = line[:2] if line.count(line[:2], 0, REPEATED_WITHIN) >= REPEATED else None
    for mark in rows.SEPARATORS.finditer(line, 0, rows.MAX_LENGTH):
        if _AUTHORS_MARK.search(mark[0]):
            break
        piece = line[end : mark.start()]
        alike = begins is not None and piece.startswith(begins)
        strong = rows.STRONG.search(mark[0]) is not None
        if piece and not _is_keyword(piece, strong=strong, established=alike or seen >= ESTABLISHED):
            break
        end, seen = mark.end(), seen + 1
    hits = spam.longest(spam.scan(line[end : end + 2 * rows.MAX_PIECE], rows=True))
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


def _is_head(line: str, run: list[Hit], end: int) -> bool:
    """Keywords before a sentence are a row: enough of them, and nearly nothing else."""
    inside = [hit for hit in run if hit.end <= end]
    covered = sum(hit.end - hit.start for hit in inside) / (sum(map(str.isalnum, line[:end])) or 1)
    return sum(hit.weight for hit in inside) >= GLUED_SCORE and covered >= rows.ROW_TOUCHED


def _runs(line: str, hits: list[Hit]) -> list[list[Hit]]:
    """Group neighbouring words to runs: a separator may stand between them, or a few letters that no list has."""
    runs: list[list[Hit]] = []
    for hit in hits:
        if runs and _goes_on(line, runs[-1][-1], hit):
            runs[-1].append(hit)
        else:
            runs.append([hit])
    return [run for run in runs if any(hit.weight > 1 for hit in run)]


def _goes_on(line: str, last: Hit, hit: Hit) -> bool:
    gap = line[last.end : hit.start]
    if not gap or (len(gap) == 1 and gap in spam.SEPARATORS):
        return True
    if len(gap) > MAX_GAP or rows.FUNCTION.search(gap) or rows.HONEST.search(gap) or _PAUSE.search(gap):
        return False
    return _MARK.search(gap) is not None or (last.weight > 1 < hit.weight and last.weight + hit.weight > 4)


def _core(line: str, run: list[Hit]) -> tuple[int, int] | None:
    """Return the first and last hit of what is unmistakable in a run, None where nothing is.

    That is a long phrase that only spam has; a shorter one with other keywords or with what adjoins it; or several trade
    words in a row, joined by `_` or `|` or by nothing at all. A brand's or an app's name alone may be the author's.
    """
    sure = [index for index, hit in enumerate(run) if hit.weight > 2]
    heavy = [index for index, hit in enumerate(run) if hit.weight > 1]
    if sure:
        length = run[sure[-1]].end - run[sure[0]].start
        if length == INSERT_LENGTH - 1:
            length = _adjoining(run, sure[0])
        weight = sum(hit.weight for hit in run[sure[0] : sure[-1] + 1])
        if len(heavy) == 1 and length < ALONE_LENGTH:
            return None
        return (sure[0], sure[-1]) if length >= INSERT_LENGTH or weight >= INSERT_SCORE else None
    if len(heavy) < 2:
        return None
    first, last = run[heavy[0]], run[heavy[-1]]
    joined = _MARK.search(line, first.start, last.end) is not None
    return (heavy[0], heavy[-1]) if joined or len(heavy) >= TRADE_WORDS else None


def _adjoining(run: list[Hit], index: int) -> int:
    """Return the length of the word at `index` with those that touch it."""
    first = last = index
    while first and run[first - 1].end == run[first].start:
        first -= 1
    while last + 1 < len(run) and run[last].end == run[last + 1].start:
        last += 1
    return run[last].end - run[first].start


def _is_spoken_of(line: str, start: int, end: int) -> bool:
    """Whether an author has the words: quoted, in a list, or in a clause that speaks of fraud, sites and adverts."""
    before, after = line[max(0, start - 1) : start], line[end : end + 1]
    if (before and before in _AUTHORS_BEFORE) or (after and after in _AUTHORS_AFTER):
        return True
    if spam.is_the_sentences(line, start, end):
        return True
    around = line[max(0, start - NEAR) : start] + "\n" + line[end : end + NEAR]
    return _SPOKEN_OF.search(around) is not None


def _bounds(line: str, run: list[Hit], first: int, last: int) -> tuple[int, int]:
    """Return where to cut: around the core and the words that a mark joins to it. A word that only touches it stays:
    as often as not it is the sentence's."""
    start, end = run[first].start, run[last].end
    for place in range(last + 1, len(run)):
        gap = line[end : run[place].start]
        if not (_is_joined(gap, run[place:]) or (place > last + 1 and not gap and run[place].weight > 1)):
            break
        end = run[place].end
    for hit in run[:first][::-1]:
        if line[hit.end : start] not in ("_", "|"):
            break
        start = hit.start
    start, end = _with_own_script(line, start, end)
    for hit in run:
        if hit.start == end and hit.weight < 2 and spam.meets_by_chance(line, (start, end), hit):
            end = hit.end
    return start, end


def _is_joined(gap: str, rest: list[Hit]) -> bool:
    """Whether the next word belongs to the keywords before it: behind a mark, or four letters of trade words and more
    behind a comma or blank."""
    if gap in ("_", "|"):
        return True
    if gap not in (",", " "):
        return False
    length, end = 0, rest[0].start
    for hit in rest:
        if hit.start != end or hit.weight < TRADE_WEIGHT:
            break
        length, end = length + hit.end - hit.start, hit.end
    return length >= INSERT_LENGTH


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
    for hit in spam.longest(hit for hit in spam.scan(line) if hit.weight > 2):
        parts.append(line[cursor : hit.start])
        cursor = hit.end
    return "\n".join([*parts, line[cursor:]])


def speaks_of_it(prose: str) -> bool:
    """Whether a page's prose is about porn, gambling, the spam industry or its trades, so that keywords may be its own."""
    return len(_SPEAKS.findall(prose)) >= SPEAKS
