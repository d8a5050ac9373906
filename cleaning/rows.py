"""Rows of keywords of any trade: short pieces without a sentence, foreign to the page that they stand on.

`cleaning/spam.py` knows the words that only spam has. Hacked pages carry more than porn and betting: private
servers, invoices, certificates, escorts, crushers, drain cleaning. Their words are honest ones, so here the shape
decides: short pieces between separators (or one piece that is all keywords), no function word, nothing of this
corpus's subject, and next to no pair of characters in common with the page's own prose. The lexicon, with its
trade words and stems, only has to touch most of the pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

from cleaning import spam
from cleaning.lexicon import Hit, scan

MIN_LETTERS = 4
MAX_LENGTH = 6000
"""A row's least letters and greatest length; what is longer is no line that a page shows."""

MAX_PIECE = 16
"""Greatest length of a keyword; a longer piece is a clause. Titles of films and products stay below."""

ROW_TOUCHED = 0.6
ROW_SCORE = 5
ROW_COVER = 0.4
"""A row of three and more pieces: least share of pieces that hold a word, sum of weights, share of letters covered."""

LISTED_TOUCHED = 0.75
LISTED_SCORE = 7
LISTED_COVER = 0.5
"""The same where only commas, 、 or blanks stand between the pieces, as in an author's own list; there one function
word makes it a sentence."""

LONG_ROW_TOUCHED = 0.4
LONG_ROW_COVER = 0.25
"""The same for four and more short pieces between marks that no sentence has."""

REPEATED_SCORE = 3
"""What it counts when every piece begins alike: `某市搬家,某市开锁,某市疏通`."""

SHORT_COVER = 0.75
SHORT_SCORE = 4
DOMAIN_COVER = 0.5
"""One or two pieces: nearly all of it is keywords; less beside a site's name."""

OFFER_COVER = 0.35
MAX_OFFER = 80
"""A sentence that offers: `某某为您提供某某,欢迎收藏`."""

LEAST_SCORE = 2
"""What any row must weigh to be looked at."""

FOREIGN = 0.34
"""Greatest share of a row's pairs of Chinese characters that the page's prose has too. Rows of the trades above read
.0 to .2 beside articles about loans, an author's list of what the article speaks of .4 and more."""

SEPARATORS = re.compile(
    r"[\s,;_|/+*~#=<>·…•!?★☆■□◆●▲▼→↓←↑【】\[\]{}丨、\u2010-\u2015\u2500-\u257f\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d"
    r"\U0001f000-\U0001faff-]+(?:i(?=\s))?"
)
STRONG = re.compile(r"[_|★☆■◆●丨/~#=·•>\u2014\u2600-\u27bf\U0001f000-\U0001faff-]|\si\s")
_NUMBERED = re.compile(r"[(]?[一二三四五六七八九十\d]{1,3}[)、.]|第[一二三四五六七八九十百\d]{1,4}[章节条款]|.*;$")
STOP = re.compile(r"[。:“”‘’「」『』《》\"]")
FUNCTION = re.compile(
    r"[的了是在和与及被将会应不也就都而但其该这那从对把由因若则并或等每常均所么吗吧呢谁为于予即以未须至各再还很先后已]"
    r"|没有|可以|如何|怎么"
)
HONEST = re.compile(
    r"诈骗|骗局|骗子|被骗|行骗|陷阱|反诈|赌债|赌资|网赌|网络赌博|赌博罪|欠债|欠款|"
    r"欠下|犯罪|违法|非法|警方|民警|公安|受害|防范|逾期|债务|债权|还款|贷款|借款|"
    r"借贷|借条|催收|催款|征信|信用卡|起诉|诉讼|律师函|法院|法律|刑法|民法|利息|利率|"
    r"罚息|违约|协商|敲诈|勒索|裸聊|洗钱|涉案|上当|色情|涉黄|扫黄|声明|涉赌|沉迷|"
    r"网贷|房贷|车贷|小贷|信贷|贷后|分期|银行|支付宝|微信支付|合同|证据|录音|凭证|"
    r"判决|执行|仲裁|调解|投诉|报警|维权|套路|风险|陷入|罪|条例|规定|办法"
)
_OFFER = re.compile(
    r"为您提供|欢迎(?:您?(?:来到|访问|收藏|光临|下载|咨询|来电|选购))|应有尽有|尽在|唯一(?:官方|授权|官网|指定)|官方(?:唯一|指定|授权)|每日更新|天天更新|任你|随你|供您|"
    r"24小时(?:在线|客服|服务)|是一家(?:专业|集)|专业(?:从事|提供|生产|承接)|免费提供|在线为您|收藏本站|第一时间更新|最大的|最全的|首选"
)
OFFER_END = re.compile(
    r"[^。!?;]{4,80}?(?:应有尽有|欢迎(?:您?(?:来到|访问|收藏|光临|下载|选购))(?:本站|本网)?|任[你您]挑?选|24小时在线|每日更新|唯一授权入口)(?=[^的])"
)
DOMAIN = re.compile(
    r"(?:www\.)?[a-z0-9-]{2,30}\.(?:cc|com|cn|net|vip|top|xyz|club|win|la|me|tv|app|icu|fun|live|site|online|shop|bet|org|info|co|io|us)(?![a-z0-9])"
)
_PINYIN = re.compile(
    r"(?<=[\u4e00-\u9fff])(?:ai|bo|cai|cao|chang|ci|da|du|fa|fu|gou|hao|he|huang|ji|jia|jian|jiao|jie|jing|kai|la|lang|"
    r"liao|lun|luo|ma|mei|meng|mi|nai|ning|nv|pai|pian|piao|ping|qi|qing|ru|sao|se|shen|shi|si|tao|wu|xiao|xie|xing|"
    r"xiong|xue|yan|yao|yin|you|yuan|yue|zheng|zuo)(?![a-z0-9])"
)
_LOOKALIKES = r"亻冫亽銫爿毜玖玳嘌枓樟嗳嫐屄屌肏菿\u24b6-\u24e9\u2070-\u209c"
_SPELT = re.compile(rf"[\u4e00-\u9fff]?[{_LOOKALIKES}]")


DISGUISED = re.compile(f"{_PINYIN.pattern}|{_SPELT.pattern}")
"""A character of a word written in pinyin or as a look-alike, to pass a filter."""

MAY_BE_DISGUISED = re.compile(f"[a-z{_LOOKALIKES}]")
"""What such a character cannot do without: looked for first, it costs a tenth."""

GAP = re.compile(r"(?<=\w)[ .\u00b7_*|/-](?=\w)")
_SPACED_OUT = re.compile(r"(?:\w[ .\u00b7_*|/-]){3,400}\w")


class _Row(NamedTuple):
    """A line taken apart: what stands between separators, the words in it (longest), their weight, its letters."""

    line: str
    pieces: list[str]
    hits: list[Hit]
    score: int
    size: int


def judge(line: str, shared: Callable[[str], float]) -> str | None:
    """Return why a folded line (or what is glued to one) is a row of keywords, None where it is not.

    `shared` tells which share of a text's pairs of Chinese characters the rest of the page has; it is asked last.
    """
    if not MIN_LETTERS <= len(line) <= MAX_LENGTH or STOP.search(line) or _NUMBERED.match(line):
        return None
    if _SPACED_OUT.fullmatch(line):
        line = GAP.sub("", line)
    pieces = [piece for piece in SEPARATORS.split(line) if piece]
    size = sum(map(len, pieces))
    if size < MIN_LETTERS:
        return None
    hits = spam.longest(scan(line, rows=True))
    score = sum(hit.weight for hit in hits) + 2 * len(_PINYIN.findall(line)) + 2 * len(_SPELT.findall(line))
    row = _Row(line, pieces, hits, score, size)
    if score < LEAST_SCORE or _is_honest(row) or _enumerates(row):
        return None
    found = _many(row) or _offer(row) or _short(row)
    return None if found is None or shared(line) > FOREIGN else found


def _is_honest(row: _Row) -> bool:
    """Whether words of this corpus's subject stand in it, outside of what the lexicon covers and in every fourth piece."""
    own = [match for match in HONEST.finditer(row.line) if not _covers(row.hits, match.start(), match.end())]
    return 4 * len(own) >= len(row.pieces) if len(row.pieces) > 3 else bool(own)


def _covers(hits: list[Hit], start: int, end: int) -> bool:
    return any(hit.start <= start and end <= hit.end and hit.weight > 1 for hit in hits)


def _many(row: _Row) -> str | None:
    """Three and more keywords between separators; where they all begin with one place's name, that is enough."""
    count = len(row.pieces)
    if count < 3 or max(map(len, row.pieces)) > 2 * MAX_PIECE or _reads_on(row):
        return None
    repeated = len({piece[:2] for piece in row.pieces}) == 1
    strong = repeated or STRONG.search(row.line) is not None
    touched = sum(map(is_touched, row.pieces)) / count
    covered = sum(hit.end - hit.start for hit in row.hits if hit.weight) / row.size
    score = row.score + REPEATED_SCORE * repeated
    if not strong and FUNCTION.search(_uncovered(row)):
        return None
    least = (ROW_SCORE, ROW_TOUCHED, ROW_COVER) if strong else (LISTED_SCORE, LISTED_TOUCHED, LISTED_COVER)
    if strong and count > 3 and max(map(len, row.pieces)) <= MAX_PIECE:
        least = (ROW_SCORE, LONG_ROW_TOUCHED, LONG_ROW_COVER)
    if score < least[0] or touched < least[1] or covered < least[2]:
        return None
    return f"{count} keywords, {touched:.0%} of them known ones, foreign to the page"


def _enumerates(row: _Row) -> bool:
    """Whether nothing but 、 stands between the pieces and none is a phrase that only spam has: an author's list."""
    return set(re.findall(r"\W", row.line)) == {"、"} and all(hit.weight < 3 for hit in row.hits)


def _short(row: _Row) -> str | None:
    """One or two keywords, or many without anything between them: nearly all letters are known ones."""
    heavy = sum(hit.weight > 1 for hit in row.hits)
    domain = DOMAIN.search(row.line)
    size = row.size - (sum(map(str.isalnum, domain[0])) if domain else 0)
    covered = sum(hit.end - hit.start for hit in row.hits if domain is None or hit.end <= domain.start()) / (
        size or 1
    )
    enough = heavy >= 1 and row.score >= 2 if domain else heavy >= 2 and row.score >= SHORT_SCORE
    if not enough or covered < (DOMAIN_COVER if domain else SHORT_COVER) or _reads_on(row):
        return None
    return f"{len(row.hits)} keywords cover {min(covered, 1):.0%}, foreign to the page"


def _offer(row: _Row) -> str | None:
    heavy = sum(hit.weight > 1 for hit in row.hits)
    covered = sum(hit.end - hit.start for hit in row.hits) / row.size
    if heavy < 2 or covered < OFFER_COVER or len(row.line) > MAX_OFFER or _OFFER.search(row.line) is None:
        return None
    return f"{heavy} keywords of other trades in an offer, foreign to the page"


def is_touched(piece: str) -> bool:
    """Return whether a folded piece holds a word of the lexicon, or one spelt in pinyin or with look-alikes."""
    return any(hit.weight for hit in scan(piece, rows=True)) or bool(_PINYIN.search(piece) or _SPELT.search(piece))


def _reads_on(row: _Row) -> bool:
    """Whether what no word covers has a function word for every sixth letter, and two at least."""
    left = _uncovered(row)
    function = len(FUNCTION.findall(left))
    return function >= 2 and 6 * function >= sum(map(str.isalnum, left))


def _uncovered(row: _Row) -> str:
    cursor, rest = 0, []
    for hit in row.hits:
        rest.append(row.line[cursor : hit.start])
        cursor = max(cursor, hit.end)
    return "\n".join([*rest, row.line[cursor:]])


def pairs(text: str) -> set[str]:
    """Return the pairs of neighbouring Chinese characters of a folded text."""
    return {left + right for left, right in pairwise(text) if "\u4e00" <= left <= "\u9fff" >= right >= "\u4e00"}
