"""Pinyin readings: how an inserted reading is spelt, and which characters it can stand for.

The readings are pypinyin's data (MIT; made from Unihan and the Hanyu Da Zidian), every heteronym of a character.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

from cleaning.repair.chains import pair_points
from cleaning.repair.gbk_bytes import is_private

LETTERS = (
    "a-z"
    "\u0101\xe1\u01ce\xe0\u0113\xe9\u011b\xe8\u012b\xed\u01d0\xec\u014d\xf3\u01d2\xf2"
    "\u016b\xfa\u01d4\xf9\u01d6\u01d8\u01da\u01dc\xfc\xea\u0144\u0148\u01f9\u1e3f\u0251\u0261"
    "\u0300\u0301\u0304\u0308\u030c:"
)
"""Body of a regex character class: the letters of pinyin with tone marks (GBK A8A1..A8C0), composed or combining,
and the `u:` way of writing the u with diaeresis."""

_TONES = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
_PUNCTUATION = frozenset(
    "\u3001\u3002\uff0c\uff1b\uff1a\uff01\uff1f\u201c\u201d\u2018\u2019\uff08\uff09\u300a\u300b\u3008\u3009"
    "\u300c\u300d\u300e\u300f\u3010\u3011\u2026\u2014\xb7\uff05"
)
_FOLD = str.maketrans({"\u0251": "a", "\u0261": "g"})


class Reading(NamedTuple):
    """A reading as `base` letters (u with diaeresis as v) and `tone` ("" where none is written)."""

    base: str
    tone: str


@cache
def parse(spelling: str) -> Reading:
    """Return `spelling` (one inserted reading, without brackets) taken apart: `y\u012bng` is ("ying", "1")."""
    base: list[str] = []
    tone = ""
    for char in unicodedata.normalize("NFD", spelling.strip().lower().translate(_FOLD)):
        if char in _TONES:
            tone = _TONES[char]
        elif char in "\u0308:":
            if base and base[-1] == "u":
                base[-1] = "v"
        elif char != "\u0302":  # the circumflex of the interjection \xea
            base.append(char)
    return Reading("".join(base), tone)


@cache
def _data() -> dict[int, str]:
    from pypinyin.pinyin_dict import pinyin_dict  # 40,000 entries, needed by damaged pages only

    data: dict[int, str] = pinyin_dict
    return data


def readings(char: str) -> tuple[Reading, ...]:
    """Return the readings of `char`, the usual one first; empty where it has none."""
    return _parsed(_data().get(ord(char), ""))


@cache
def _parsed(listed: str) -> tuple[Reading, ...]:
    """Return the readings of a list in the data: many characters have the same one."""
    return tuple(dict.fromkeys([parse(spelling) for spelling in listed.split(",") if spelling]))


@cache
def _spellings() -> dict[str, list[str]]:
    """Return the ways in which the data spells each base syllable of Mandarin."""
    found: dict[str, list[str]] = {}
    for spelling in set(",".join(_data().values()).split(",")):
        found.setdefault(parse(spelling).base, []).append(spelling)
    return found


@cache
def syllables() -> frozenset[str]:
    """Return every base syllable of Mandarin that the data knows."""
    return frozenset(_spellings())


def reads(char: str, reading: Reading) -> bool:
    """Return whether `char` can be read so: the tone counts only where it is written."""
    if reading.tone:
        return reading in readings(char) or Reading(reading.base, "") in readings(char)
    return any(known.base == reading.base for known in readings(char))


def begins(char: str, reading: Reading) -> bool:
    """Return whether a reading of `char` begins with `reading`: for an insertion cut off at the end of a text."""
    return any(known.base.startswith(reading.base) for known in readings(char))


def is_usual(char: str, reading: Reading) -> bool:
    """Return whether `reading` is the usual one of `char`. A gloss is mostly written for an unusual one."""
    known = readings(char)
    return bool(known) and known[0].base == reading.base and reading.tone in ("", known[0].tone)


@cache
def _row(lead: int) -> tuple[tuple[str, str], ...]:
    """Return the characters under `lead`, in code order, with their readings as the data lists them.

    Only those whose second byte could be stranded before a bracket (0x81 and above): the others never lose it.
    """
    data = _data()
    chars = pair_points("gb18030")[0][lead << 8 | 0x81 : lead << 8 | 0xFF].tolist()
    return tuple([(chr(char), data[char]) for char in chars if char in data and not is_private(chr(char))])


@cache
def with_lead(lead: int, reading: Reading) -> tuple[str, ...]:
    """Return the characters whose first GBK byte is `lead` and which can be read `reading`, in code order."""
    row = _row(lead)
    named = [one for spelling in _spellings().get(reading.base, ()) for one in row if spelling in one[1]]
    return tuple([char for char, _ in sorted(set(named), key=row.index) if reads(char, reading)])


MAINLAND_FORMS = frozenset("\u7232\u8846\u88cf\u7fa3\u7240\u5553\u9eaa\u5cef\u507d\u8aac\u7dab")
"""Everyday Traditional characters in the forms that mainland converters write (OpenCC's standard: \u7232 for \u70ba,
\u88cf for \u88e1 ...), which Big5's first level has in the Taiwanese form only."""


def _is_big5_first_level(char: str) -> bool:
    if char in MAINLAND_FORMS:
        return True
    try:
        return b"\xa4\x40" <= char.encode("big5") <= b"\xc6\x7e"
    except UnicodeEncodeError:
        return False


@cache
def is_traditional(char: str) -> bool:
    """Return whether `char` is a common Traditional character that Simplified text does not use.

    Common: of Big5's first level (A440..C67E, the 5,401 characters of everyday use). Not used in Simplified text:
    absent from GB 2312 (but for \u5f8c, which stands there as a surname). A site's table is made of such characters;
    glosses are written for rare ones.
    """
    if char == "\u5f8c":
        return True
    if not _is_big5_first_level(char):
        return False
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return True
    return False


def is_han(char: str) -> bool:
    """Return whether `char` is an ideograph of Unicode's basic block, which holds GBK's."""
    return "\u4e00" <= char <= "\u9fff"


@cache
def is_simplified(char: str) -> bool:
    """Return whether `char` is a Simplified character that Traditional text does not use: in GB 2312, not in Big5."""
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    try:
        char.encode("big5")
    except UnicodeEncodeError:
        return char >= "\u4e00"
    return False


@cache
def is_common(char: str) -> bool:
    """Return whether `char` is in everyday use in either script, or punctuation of running text.

    Everyday use: the first level of GB 2312 (B0A1..D7F9, 3,755 characters) or of Big5. Kana, box drawings and the like
    share their bytes with Chinese and are never what a torn character was.
    """
    if char in _PUNCTUATION:
        return True
    try:
        code = char.encode("gb2312")
    except UnicodeEncodeError:
        return is_traditional(char)
    return b"\xb0\xa1" <= code <= b"\xd7\xf9" or _is_big5_first_level(char)


@cache
def scripts() -> tuple[frozenset[str], frozenset[str]]:
    """Return the ideographs of which `is_simplified` holds, and those of which `is_traditional` does, looked up at once."""
    han = [chr(code) for code in range(0x4E00, 0xA000)]
    gb2312 = frozenset("".join(han).encode("gb2312", "ignore").decode("gb2312"))
    big5 = dict(zip(han, "\0".join(han).encode("big5", "ignore").split(b"\0"), strict=True))
    first_level = {char for char, code in big5.items() if b"\xa4\x40" <= code <= b"\xc6\x7e"} | MAINLAND_FORMS
    simplified = frozenset(char for char in gb2312 if not big5[char])
    return simplified, frozenset(first_level - gb2312 | {"\u5f8c"})
