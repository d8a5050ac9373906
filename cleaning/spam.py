"""Injected keyword spam: told from an article by shape and density, never by one word.

A hacked site or a spider pool puts porn, gambling and SEO keywords into a page: as a line of its own, glued to the
end of another line, or in the middle of a sentence. All three look alike: words of the lexicon
(`rules/lexicon.toml`) follow each other without the function words and full stops that sentences need. An article
that speaks *about* fraud, gambling or porn has those words one at a time, inside sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import NamedTuple

from cleaning.characters import Chars, chars
from cleaning.lexicon import Hit, scan
from cleaning.repair.badness import bigram_score

SEPARATORS = " ,_|-/;+*~#&=<>·…┅•\t"
"""What keyword lines are cut up with; 、 is missing on purpose, it is how sentences enumerate."""

LINE_SCORE = 6
"""Least weight of a spam line: two phrases that only spam has, or three of its trade words."""

LINE_SHARE = 0.5
"""Least share of a line's letters that lexicon words cover. Injected lines read: .55 to 1; honest sentences about
gambling and porn stay below .35."""

SHORT_SHARE = 0.85
"""The same for a line of less weight: one keyword alone."""

SPACED_SHARE = 0.5
"""The same for a line with a blank after each character: nobody writes 视 频 so but to pass a filter."""

SEGMENT_SHARE = 0.5
"""Least share of a line's keywords that hold a lexicon word of weight 2 or 3, for lines of three and more."""

HONEST_SEGMENT_SHARE = 0.7
"""The same where the line also has words of this corpus's own subject."""

RUN_SCORE = 4
RUN_LENGTH = 5
"""Least weight and length of a run of lexicon words that is cut out of a sentence."""

HEAD_LETTERS = 6
"""Most letters before the first keyword of a row at a line's head: a name that no list has."""

TRADE_RUN_LENGTH = 6
"""Least length of a run without a phrase that only spam has: words of betting sites, which honest sentences hold too."""

_FUNCTION = frozenset(
    "的了是在和与及被将会应不也就都而但其该这那从对为把向由因可能要有我你他她它您们如若则并或者以等只常均所"
)
_SUBJECT = re.compile(
    r"诈骗|骗局|骗子|陷阱|反诈|赌博|赌债|网赌|欠债|欠款|犯罪|违法|警方|民警|公安|受害|防范|逾期|债务|还款|贷款|借款|"
    r"催收|催款|征信|信用卡|起诉|律师|法院|法律|利息|协商|敲诈|勒索|裸聊|洗钱|涉案|被骗|上当|色情|涉黄|扫黄|声明|涉赌|沉迷|诱饵|嗜赌|赌徒|戒赌|招嫖|嫖|输光|输掉|名义|金融|小贷|信贷"
)
_ABOUT_IT = re.compile(
    r"赌|博彩|输(?![入送出液血])|赢|骗|诈|警|公安|涉|沉迷|中奖|诱|犯罪|违法|非法|打击|查处|直播|主播|打赏|充值|投注|为名|名义|色情|黄色|低俗|名为|所谓|"
    r"网站|广告|受害|嫌疑|点击|下载|链接|短信|发布|推送|传播|参与|观看|浏览|宣传|推广|裸聊|敲诈|勒索|购买|玩|之类|等(?:平台|网站|软件|名|方式)"
)
_BETTING = re.compile(r"赌|博彩|输(?![入送出液血])|沉迷|涉黄|色情|裸聊")
_CLAUSE_END = re.compile(r"[,。;!?:]")
_STOP = re.compile(r"[。!?]")
_SPACED = re.compile(r"(?:[\u4e00-\u9fff][ .·_*|/-]){3}[\u4e00-\u9fff]")
_SPACES = " .·_*|/-"
_SPACED_MARK = re.compile(r"[ .·_*|/-][\u4e00-\u9fff][ .·_*|/-][\u4e00-\u9fff]")
_GAP = re.compile(r"(?<=[\u4e00-\u9fff])[ .·_*|/-](?=[\u4e00-\u9fff])")
_QUOTES_OPEN = "“‘「『《\"'("
_QUOTES_CLOSE = "”’」』》\"')"
_CUT_AFTER = re.compile(r"[。!?;:]['\"”’」』)]?")
_MAX_CUTS = 8


_START, _END = itemgetter(0), itemgetter(1)


class Cut(NamedTuple):
    """A span of a line that is spam; `whole` when nothing else is in the line."""

    rule: str
    start: int
    end: int
    evidence: str


def spaced_out(key: str) -> list[int]:
    """Return offsets in a folded text where words are written with a blank after each character."""
    return _spaces().parted(key)


@cache
def _spaces() -> Chars:
    return chars(_SPACES)


def find_spam(line: str, hits: Sequence[Hit]) -> tuple[Cut, ...]:
    """Return the spans of a folded line that are spam: the whole line, a part glued to it, or words put into it.

    `hits` are the lexicon words in the line, offsets relative to it.
    """
    if _SPACED_MARK.search(line) and _SPACED.search(line):  # the first is ten times as fast
        spaced = _spaced_out(line)
        if spaced:
            return spaced
    if not any(hit.weight > 1 for hit in hits):
        return ()
    kept = longest(hits)
    if _is_spam(line, kept) and not (_SUBJECT.search(line) and _leaves_article(line, _glued(line, hits, kept))):
        return (Cut("spam.line", 0, len(line), _evidence(line, kept)),)
    if sum(hit.weight for hit in hits) < RUN_SCORE:
        return ()
    return _glued(line, hits, kept) or _inserted(line, kept)


def _leaves_article(line: str, cuts: Sequence[Cut]) -> bool:
    """Whether what the cuts leave of the line is about this corpus's subject, so that the line is not all spam."""
    rest = "".join(line[: cut.start] + line[cut.end :] for cut in cuts)
    return len(rest) >= 4 and _SUBJECT.search(rest) is not None


def _is_spam(line: str, kept: Sequence[Hit]) -> bool:
    """Whether a whole line, or a part cut off it, is keyword spam; `kept` are its `longest` words."""
    score = sum(hit.weight for hit in kept)
    if score < 3 or not any(hit.weight > 1 for hit in kept):
        return False
    honest = _SUBJECT.search(line) is not None
    if _by_segments(line, kept, score, honest):
        return True
    if honest or not any(hit.weight > 2 for hit in kept) or _STOP.search(line) or _reads_as_sentence(line, kept):
        return False
    covered = sum(hit.end - hit.start for hit in kept)
    return covered >= (LINE_SHARE if score >= LINE_SCORE else SHORT_SHARE) * sum(map(str.isalnum, line))


def _by_segments(line: str, hits: Sequence[Hit], score: int, honest: bool) -> bool:
    """Whether the line is a row of keywords, most of which hold a word of the lexicon."""
    segments = [match for match in _SEGMENT.finditer(line) if len(match[0]) > 1]
    if len(segments) < 3 or score < LINE_SCORE or "。" in line:
        return False
    heavy = _count_segments(segments, [hit for hit in hits if hit.weight > 1])
    if heavy < (HONEST_SEGMENT_SHARE if honest else SEGMENT_SHARE) * len(segments):
        # Names of sites that no list has yet, beside words that such lines hold (`某某体育app,某某娱乐官网`).
        if honest or len(segments) < 4 or heavy < 1:
            return False
        if _count_segments(segments, hits) < HONEST_SEGMENT_SHARE * len(segments):
            return False
    return _KEYWORD_MARK.search(line) is not None or not _reads_as_sentence(line, hits)


_KEYWORD_MARK = re.compile(r"[^_|]_[^_|]|\|| i ")
_SEGMENT = re.compile(f"[^{re.escape(SEPARATORS)}]+")


def _count_segments(segments: Sequence[re.Match[str]], hits: Sequence[Hit]) -> int:
    """Count the segments that a hit begins in; both lists are in order of place."""
    count = position = 0
    for segment in segments:
        while position < len(hits) and hits[position].start < segment.start():
            position += 1
        if position < len(hits) and hits[position].start < segment.end():
            count += 1
    return count


def _reads_as_sentence(line: str, hits: Sequence[Hit]) -> bool:
    """Whether what the lexicon leaves uncovered has the function words of a sentence."""
    cursor = rest = function = 0
    for hit in [*hits, Hit(len(line), len(line), 0)]:
        uncovered = line[cursor : hit.start]
        rest += sum(map(str.isalnum, uncovered))
        function += sum(char in _FUNCTION for char in uncovered)
        cursor = hit.end
    return function >= 3 and function >= 0.12 * rest


def longest(hits: Iterable[Hit]) -> list[Hit]:
    """Return non-overlapping hits, leftmost first and longest first; of one span the heaviest."""
    kept: list[Hit] = []
    end = 0
    for hit in sorted(sorted(hits, key=_END, reverse=True), key=_START):
        if hit.start >= end:
            kept.append(hit)
            end = hit.end
        elif hit.end > end and hit.weight > 1:
            # Overlapping phrases (久久精|精品国产) cover together; the rest of the later one is counted.
            kept.append(Hit(end, hit.end, hit.weight - 1))
            end = hit.end
    return kept


def _within(hits: Sequence[Hit], start: int, end: int) -> list[Hit]:
    return [
        Hit(hit.start - start, hit.end - start, hit.weight)
        for hit in hits
        if start <= hit.start and hit.end <= end
    ]


def _glued(line: str, hits: Sequence[Hit], kept: Sequence[Hit]) -> tuple[Cut, ...]:
    """Return the spam that follows (or comes before) something else in the line; `kept` are the `longest` of `hits`."""
    runs = [_trimmed(line, run) for run in _runs(line, kept)]
    runs = [run for run in runs if sum(hit.weight for hit in run) >= 3]
    if not runs:
        return ()
    for start in _cuts(line, runs[0][0].start):
        tail = _within(hits, start, len(line))
        sure = sum(hit.weight > 2 for hit in tail)
        if _STOP.search(line, start, len(line) - 1):
            continue  # a sentence goes on in it
        if sure > (line[start - 1] not in "。!?") and len(line) - start >= 8:
            part, longer = line[start:], longest(tail)
            if _is_spam(part, longer):
                return (Cut("spam.glued", start, len(line), _evidence(part, longer)),)
    end = _head_end(line, runs[-1])
    if end >= len(line) or _STOP.search(line, 0, end) is not None:
        return ()
    head = _within(hits, 0, end)
    if (head and min(hit.start for hit in head) > HEAD_LETTERS) or points_back(line, end):
        return ()
    part, longer = line[:end], longest(head)
    if _is_spam(part, longer) and _enough(part, longer):
        while end < len(line) and line[end] in SEPARATORS:
            end += 1
        return (Cut("spam.glued", 0, end, _evidence(line[:end], longer)),)
    return ()


def _head_end(line: str, run: Sequence[Hit]) -> int:
    """Return where keywords at the head of a line end: ordinary words before more text begin the sentence."""
    hits = list(run)
    while len(hits) > 1 and not hits[-1].weight and line[hits[-1].end : hits[-1].end + 1].isalnum():
        hits.pop()
    return hits[-1].end


def _enough(part: str, kept: Sequence[Hit]) -> bool:
    """A part at the head of a line is cut off only when it is a row of keywords, not one phrase of a title."""
    return sum(hit.weight for hit in kept) >= 2 * LINE_SCORE and any(char in SEPARATORS for char in part)


def _cuts(line: str, first_run: int) -> list[int]:
    """Return where spam may begin: after each of the last sentence ends, and where the first run of words does."""
    ends = [match.end() for match in _CUT_AFTER.finditer(line)][-_MAX_CUTS:]
    return sorted({*ends, first_run} - {0})


def _runs(line: str, kept: Sequence[Hit]) -> list[list[Hit]]:
    """Group neighbouring words of the `longest` to runs; one separator may stand between two words of a run."""
    runs: list[list[Hit]] = []
    for hit in kept:
        if runs and _joins(line, runs[-1][-1].end, hit.start):
            runs[-1].append(hit)
        else:
            runs.append([hit])
    return runs


def _trimmed(line: str, run: list[Hit]) -> list[Hit]:
    """Return the run without ordinary words at its start where a sentence leads into it (`与平台|久久精品`).

    At its end they stay: keywords end in 软件, 下载, 官网 more often than the sentence goes on with them.
    """
    places = [index for index, hit in enumerate(run) if hit.weight]
    if not places:
        return []
    before = line[max(0, run[0].start - 1) : run[0].start]
    return run[0 if not before or before in SEPARATORS else places[0] :]


def _sentence_kept(line: str, run: list[Hit]) -> list[Hit]:
    """Return the run without the stems at its end that go with the sentence behind them."""
    while len(run) > 1 and run[-1].weight < 2 and line[run[-1].end : run[-1].end + 1].isalnum():
        if meets_by_chance(line, (run[0].start, run[-1].start), run[-1]):
            break
        run = run[:-1]
    return run


CHANCE_NATS = -6.0
"""Below this log-probability two characters meet by chance; pairs inside a sentence are mostly above. Of keywords put
into sentences of the demo's articles more were cut whole with -6 than with -7 or -8, and no more sentences broken."""


def meets_by_chance(line: str, cut: tuple[int, int], word: Hit) -> bool:
    """Return whether a word that touches a cut reads on with neither side of the sentence, and the sentence without
    it does: the sentence's own word goes with a neighbour, the insertion's meets both by chance.
    """
    left, right = min(cut[0], word.start), max(cut[1], word.end)
    if not left or right >= len(line):
        return False
    before, after = line[left - 1], line[right]
    into, out_of = bigram_after(before, line[word.start]), bigram_after(line[word.end - 1], after)
    return max(into, out_of) < CHANCE_NATS and bigram_after(before, after) > max(into, out_of)


def bigram_after(left: str, right: str) -> float:
    """Return the natural-log probability of the character `right` after `left` in running Chinese."""
    return bigram_score(left, right)


def _joins(line: str, end: int, start: int) -> bool:
    gap = line[end:start]
    return not gap or (len(gap) == 1 and gap in SEPARATORS)


def _inserted(line: str, kept: Sequence[Hit]) -> tuple[Cut, ...]:
    """Return the runs of spam words inside a sentence, unless the sentence quotes them or speaks about them."""
    cuts = []
    for run in (_sentence_kept(line, _trimmed(line, run)) for run in _runs(line, kept)):
        if not run:
            continue
        start, end = run[0].start, run[-1].end
        score = sum(hit.weight for hit in run)
        sure = any(hit.weight > 2 for hit in run)
        if score < RUN_SCORE or end - start < (RUN_LENGTH if sure else TRADE_RUN_LENGTH):
            continue
        if _is_quoted(line, start, end) or is_the_sentences(line, start, end):
            continue
        if not sure and ("," in line[start:end] or _is_about_betting(line, start, end)):
            continue
        if not (sure and score >= LINE_SCORE) and _is_about_it(line, start, end):
            continue
        if start and line[start - 1] in ",、 " and end < len(line) and line[end] in ",、 ":
            end += 1
        cuts.append(Cut("spam.insert", start, end, f"{score} points in a row inside a sentence"))
    return tuple(cuts)


def _is_about_it(line: str, start: int, end: int) -> bool:
    """Whether the clause around a run has what such words honestly go with: somebody offers, clicks, bets, is duped."""
    left, right = max(0, start - _NEAR), min(len(line), end + _NEAR)
    before = max((match.end() for match in _CLAUSE_END.finditer(line, left, start)), default=left)
    after = _CLAUSE_END.search(line, end, right)
    rest = line[before:start] + line[end : after.start() if after else right]
    return _ABOUT_IT.search(rest) is not None


def _is_about_betting(line: str, start: int, end: int) -> bool:
    """Whether what stands around a run speaks of gambling or porn in words that only an author uses."""
    left, right = max(0, start - 3 * _NEAR), end + 3 * _NEAR
    return _BETTING.search(line[left:start] + "\n" + line[end:right]) is not None


_NEAR = 60
"""Characters around a run that are looked at: a clause; three times as many are a sentence or two."""


_GOVERNS = re.compile(
    "(?:参与|参加|沉迷于?|戒掉?|戒除|迷上|染上|玩|看过?|陷入|组织|涉嫌?|涉及|关于|搜索|浏览|下载|点开|打开|访问|注册|登录|推广|发布|传播|观看"
    "|从事|搭建|开发|运营|开设|经营|购买|出售|用于|不少|所谓|这种|那种|这类|各种|叫做?|碰|信|找|做|干|搞|靠|有关|对于|通过|利用|以|因|在|从|被|给|向|和|与|跟|及|或|是|有)$"
)
"""What stands before a word that the sentence itself needs: it takes an object."""

_GOES_ON = re.compile(
    "的|平台|网站|站点|软件|群|案|类|等|团伙|广告|诈骗|骗局|上|里|中|后|时|app|所|之|而|就|都|也|是|被|来自|背后|受害|输|欠|[?:、)]|-{2}"
)
_BACK = re.compile(r"(?:^|[,\s-])(?:这[些样类种]|此类|上述|以上|诸如|之类|标题|字样|几个词|一类)|--")
_BACK_WITHIN = 16
"""What stands behind such a word: it tells something of it, or points back to it (`…,这些词一旦出现`)."""


def is_the_sentences(line: str, start: int, end: int) -> bool:
    """Return whether the sentence around a span of a folded line governs its words or says something of them."""
    return points_back(line, end) or is_governed(line, start)


def is_governed(line: str, place: int) -> bool:
    """Return whether a word before a place in a folded line takes what stands there as its object."""
    return _GOVERNS.search(line, max(0, place - 4), place) is not None


def points_back(line: str, end: int) -> bool:
    """Return whether what follows a span of a folded line tells something of it."""
    return _GOES_ON.match(line, end) is not None or is_pointed_at(line, end)


def is_pointed_at(line: str, end: int) -> bool:
    """Return whether what follows a span of a folded line points back to it as words (`这些词`, a dash)."""
    return _BACK.search(line[end : end + _BACK_WITHIN]) is not None


def _is_quoted(line: str, start: int, end: int) -> bool:
    before, after = line[max(0, start - 1) : start], line[end : end + 1]
    return bool(before and before in _QUOTES_OPEN) or bool(after and after in _QUOTES_CLOSE)


def _spaced_out(line: str) -> tuple[Cut, ...]:
    """Return the spam of a line whose words are written with a blank after each character."""
    places = [index for index in range(len(line)) if not _GAP.match(line, index)]
    closed = "".join(line[index] for index in places)
    hits = scan(closed)
    kept = longest(hits)
    covered = sum(hit.end - hit.start for hit in kept)
    if kept and sum(hit.weight for hit in kept) > 1 and covered >= SPACED_SHARE * sum(map(str.isalnum, closed)):
        return (Cut("spam.spaced", 0, len(line), _evidence(closed, kept)),)
    if sum(hit.weight for hit in kept) < RUN_SCORE:
        return ()
    found = _glued(closed, hits, kept) or _inserted(closed, kept)
    return tuple(Cut("spam.spaced", places[cut.start], places[cut.end - 1] + 1, cut.evidence) for cut in found)


def _evidence(line: str, kept: Sequence[Hit]) -> str:
    size = sum(map(str.isalnum, line)) or 1
    share = sum(hit.end - hit.start for hit in kept) / size
    return f"{len(kept)} lexicon words cover {min(share, 1):.0%}"
