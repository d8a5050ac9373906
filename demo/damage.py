"""Forward models of what happens to these pages: damage to the text, and other people's lines put around it.

Each takes clean text and returns what a reader would receive, so that the clean text is exact gold.
All contacts are invented: the numbers are of the 1380000xxxx kind, the mail hosts are `example` domains.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

PINYIN_SMALL: Mapping[str, str] = {
    "應": "yīng", "務": "wù", "經": "jīng", "產": "chǎn", "發": "fā", "現": "xiàn", "聯": "lián", "業": "yè",
    "據": "jù", "內": "nèi", "環": "huán", "關": "guān", "規": "guī", "權": "quán", "術": "shù", "轉": "zhuǎn",
    "數": "shù", "調": "diào", "優": "yōu", "結": "jié", "穩": "wěn", "網": "wǎng",
}  # fmt: skip
"""The table of a site that annotates few characters."""

PINYIN_LARGE: Mapping[str, str] = {
    **PINYIN_SMALL,
    "導": "dǎo", "語": "yǔ", "時": "shí", "來": "lái", "過": "guò", "對": "duì", "問": "wèn", "險": "xiǎn",
    "會": "huì", "個": "gè", "強": "qiáng", "認": "rèn", "還": "hái", "貸": "dài", "習": "xí", "負": "fù",
    "責": "zé", "戰": "zhàn", "記": "jì", "錄": "lù", "說": "shuō", "話": "huà", "電": "diàn", "機": "jī",
    "構": "gòu", "幫": "bāng", "財": "cái", "報": "bào", "單": "dān", "則": "zé", "額": "é", "計": "jì",
    "劃": "huà", "協": "xié", "議": "yì", "書": "shū", "訴": "sù", "訟": "sòng", "證": "zhèng", "債": "zhài",
    "賬": "zhàng", "戶": "hù", "費": "fèi", "頁": "yè", "連": "lián", "隨": "suí", "維": "wéi", "為": "wéi",
    "違": "wéi", "約": "yuē", "擔": "dān", "護": "hù", "實": "shí", "際": "jì", "讓": "ràng", "選": "xuǎn",
    "擇": "zé", "動": "dòng", "從": "cóng", "後": "hòu", "這": "zhè", "種": "zhǒng", "東": "dōng", "門": "mén",
}  # fmt: skip
"""The table of a site that annotates many."""


def inject_pinyin(body: bytes, table: Mapping[str, str]) -> tuple[bytes, int, int]:
    """Return GBK bytes after the byte-blind replacement, with the counts of aligned and misaligned hits.

    `(reading)` goes in after every pair of bytes that is a table entry, whether or not the pair is one character
    (corruption.md, section 1).
    """
    entries = {character.encode("gbk"): f"({reading})".encode("gbk") for character, reading in table.items()}
    starts = _character_starts(body)
    out = bytearray()
    hits = [0, 0]
    index = 0
    while index < len(body):
        pair = body[index : index + 2]
        if pair in entries:
            out += pair + entries[pair]
            hits[index not in starts] += 1
            index += 2
        else:
            out.append(body[index])
            index += 1
    return bytes(out), hits[0], hits[1]


def _character_starts(body: bytes) -> set[int]:
    starts: set[int] = set()
    index = 0
    while index < len(body):
        starts.add(index)
        index += 2 if body[index] > 0x80 else 1
    return starts


def read_lossy(body: bytes) -> str:
    """Return `body` as a decoder reads it that writes `?` for a pair that is no character.

    It swallows the second byte of the pair unless that is a space or a control character, reads the user-defined
    area as private-use characters and 0x80 as the euro sign (corruption.md, section 1).
    """
    out: list[str] = []
    index = 0
    while index < len(body):
        first = body[index]
        if first < 0x80:
            out.append(chr(first))
            index += 1
        elif first == 0x80:
            out.append("\N{EURO SIGN}")
            index += 1
        else:
            pair = body[index : index + 2]
            character = _gbk_pair(pair)
            out.append(character or "?")
            index += 2 if character or (len(pair) == 2 and pair[1] > 0x20) else 1
    return "".join(out)


def _gbk_pair(pair: bytes) -> str | None:
    try:
        character = pair.decode("gb18030")
    except UnicodeDecodeError:
        return None
    return character if len(character) == 1 else None


def wrong_decoder(text: str, written: str, read: str) -> tuple[str, bool]:
    """Return `text` written with one codec and read with another, and whether no byte was lost on the way.

    A byte that `read` has no character for becomes `?` (and is lost); Latin-1 has one for every byte.
    """
    body = text.encode(written)
    damaged = body.decode(read, errors="replace").replace("\N{REPLACEMENT CHARACTER}", "?")
    try:
        kept = damaged.encode(read) == body
    except UnicodeEncodeError:
        kept = False
    return damaged, kept


def hybrid_latin(text: str) -> str:
    """Return `text` as GBK bytes in which valid UTF-8 pairs were read as UTF-8 and all others as Latin-1."""
    body = text.encode("gbk")
    out: list[str] = []
    index = 0
    while index < len(body):
        pair = body[index : index + 2]
        if len(pair) == 2 and 0xC2 <= pair[0] <= 0xDF and 0x80 <= pair[1] <= 0xBF:
            out.append(pair.decode("utf-8"))
            index += 2
        else:
            out.append(chr(body[index]))
            index += 1
    return "".join(out)


def numeric_entities(text: str) -> str:
    """Return `text` with every character as a decimal character reference."""
    return "".join(f"&#{ord(character)};" for character in text)


DELETIONS: Mapping[str, str] = {
    "电话": " ", "问题": "问", "突发情况": "突 况", "措施": "措,", "高效": "gao效", "第一": "之一",
}  # fmt: skip
"""What a site's own filter makes of a word: a blank, a part of it, a mask."""


def delete_words(text: str, deletions: Mapping[str, str] = DELETIONS) -> tuple[str, tuple[str, ...]]:
    """Return `text` after a site's word filter, and the words that it touched, each as often as it was touched."""
    touched: list[str] = []
    for word, remainder in deletions.items():
        touched += [word] * text.count(word)
        text = text.replace(word, remainder)
    return text, tuple(touched)


KEYWORDS: tuple[str, ...] = (
    "高清影片免费在线观看", "成人视频手机版入口", "午夜影院永久地址", "真人娱乐平台注册送彩金", "线上博彩官网登录",
    "美女直播间破解版下载", "老虎机游戏试玩大厅", "亚洲影视一区二区", "激情小说全集阅读", "电子棋牌上分客服",
    "私密写真合集下载", "体育投注首存优惠", "无码短片在线播放", "六合彩资料网站大全", "国产剧情片中文字幕",
    "百家乐玩法技巧", "丝袜主播热舞视频", "彩票平台稳定计划群", "免费成人动漫排行", "夜间福利社app安装",
    "欧美伦理片网址导航", "捕鱼游戏提现秒到账", "一级影片不卡顿版", "精品主播私房视频", "时时彩预测软件",
    "同城约会交友网站", "三级电影手机看", "德州扑克俱乐部加盟", "久久影院综合频道", "滚球盘口直播网",
)  # fmt: skip
"""Invented keywords of the kind that hacked pages carry."""

ADVERT = "专业代还信用卡，停息挂账包成功，最长分六十期，不成功不收费，名额有限，点击右侧头像马上办理！"
"""An advert paragraph that stands on several sites."""


def keyword_line(rng: random.Random, separator: str, count: int) -> str:
    """Return a line of `count` keywords joined by `separator`."""
    return separator.join(rng.sample(KEYWORDS, count))


def spaced_out(rng: random.Random) -> str:
    """Return a keyword line with a blank between all characters."""
    return " ".join(keyword_line(rng, "", 3))


def pool_footer(rng: random.Random) -> str:
    """Return the footer that a spider pool's template leaves on a page."""
    return "主站蜘蛛池模板: " + " | ".join(rng.sample(KEYWORDS, 6))


def tag_junk(rng: random.Random) -> str:
    """Return a hidden run of the random tags that hacking tools leave in a page."""
    names = ["".join(rng.choices("abcdefghijklmnop0123456789", k=5)) for _ in range(6)]
    return '<div style="display:none">' + "".join(f'<option id="{name}"></option>' for name in names) + "</div>"


@dataclass(frozen=True, slots=True)
class Operator:
    """Who runs a site: what its contact lines show. All of it is invented."""

    name: str
    phone: str
    email: str
    qq: str = ""
    wechat: str = ""

    def contacts(self) -> list[dict[str, str]]:
        """Return the contacts as `kind` and `value`, those that are set."""
        values = {"phone": self.phone, "email": self.email, "qq": self.qq, "wechat": self.wechat}
        return [{"kind": kind, "value": value} for kind, value in values.items() if value]
