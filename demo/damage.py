"""Forward models of what happens to these pages: damage to the text, and other people's lines put around it.

Each takes clean text and returns what a reader would receive, so that the clean text is exact gold.
All contacts are invented: the numbers are of the 1380000xxxx kind, the mail hosts are `example` domains.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cleaning.repair.gbk_bytes import BYTES, INVALID_BYTE_BASE, Decoder
from cleaning.repair.injection import inject


def _read_tables() -> tuple[dict[str, str], dict[str, str]]:
    with Path(__file__).with_name("pinyin.toml").open("rb") as file:
        tables = tomllib.load(file)
    small, more = ({entry[0]: entry[1:] for entry in tables[name].split()} for name in ("small", "more"))
    return small, small | more


PINYIN_SMALL, PINYIN_LARGE = _read_tables()
"""Character to reading: the tables of a site that annotates few characters and of one that annotates many."""

_KEEPS_BYTES = Decoder(mark="", swallows_paren=False, swallows_ascii=False)
"""Shows a stranded byte as its exact marker, so that the page's bytes can be had back from the shown text."""


def inject_pinyin(text: str, table: Mapping[str, str]) -> str:
    """Return `text` after the byte-blind replacement and a decoder that loses stranded bytes to `?`."""
    return inject(text, _inserted(table))


def inject_pinyin_bytes(text: str, table: Mapping[str, str]) -> bytes:
    """Return the GBK bytes that the byte-blind replacement leaves of `text`: what such a site sends."""
    return b"".join(map(_shown_bytes, inject(text, _inserted(table), _KEEPS_BYTES)))


def annotate(text: str, table: Mapping[str, str]) -> str:
    """Return `text` with the readings after whole characters alone: the damage without its misaligned hits."""
    return text.translate({ord(character): f"{character}({reading})" for character, reading in table.items()})


def torn_lines(text: str, table: Mapping[str, str]) -> int:
    """Return in how many lines of `text` a hit falls across two characters."""
    shown = inject_pinyin(text, table).split("\n")
    return sum(left != right for left, right in zip(shown, annotate(text, table).split("\n"), strict=True))


def _inserted(table: Mapping[str, str]) -> dict[str, str]:
    return {character: f"({reading})" for character, reading in table.items()}


def _shown_bytes(character: str) -> bytes:
    code = ord(character)
    return bytes([code - INVALID_BYTE_BASE]) if code >= INVALID_BYTE_BASE else BYTES[character]


def wrong_decoder(text: str, written: str, read: str) -> tuple[str, bool]:
    """Return `text` written with one codec and read with another, and whether no byte was lost on the way.

    A byte that `read` has no character for becomes `?` (and is lost). Latin-1 has one for every byte, and so has
    `cp1252` as browsers read it: Latin-1 where Windows left a hole (WHATWG Encoding, index windows-1252).
    """
    body = text.encode(written)
    if read == "cp1252":
        return "".join(_cp1252(byte) for byte in body), True
    damaged = body.decode(read, errors="replace").replace("\N{REPLACEMENT CHARACTER}", "?")
    return damaged, damaged.encode(read) == body


def _cp1252(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def hybrid_latin(text: str) -> str:
    """Return `text` as GBK read as Latin-1, but for characters whose two bytes happen to be valid UTF-8."""
    return "".join(map(_hybrid, text))


def _hybrid(character: str) -> str:
    pair = character.encode("gbk")
    if len(pair) == 2 and 0xC2 <= pair[0] <= 0xDF and 0x80 <= pair[1] <= 0xBF:
        return pair.decode("utf-8")
    return pair.decode("latin-1")


def numeric_entities(text: str) -> str:
    """Return `text` with every character as a decimal character reference."""
    return "".join(f"&#{ord(character)};" for character in text)


DELETIONS: Mapping[str, str] = {
    "电话": " ", "问题": "问", "突发情况": "突 况", "措施": "措,", "高效": "gao效", "第一": "之一",
    "身份证": "***", "赌博": " ", "色情": "se情", "短信": "",
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
