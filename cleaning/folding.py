"""fold(): a comparison key that is as long as the text, one script and one width, never stored as text.

One rule has to serve `聲明:本網站`, `声明：本网站` and a page that mixes both. So rules are written for the key:
Simplified, half-width, lower case. Every character maps to exactly one character, so a span found in the key is
the span in the text.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from importlib import resources

from cleaning import characters
from cleaning.characters import Table
from cleaning.native import available

_native = available("_text")

_FULLWIDTH_FIRST, _FULLWIDTH_LAST, _FULLWIDTH_SHIFT = 0xFF01, 0xFF5E, 0xFEE0
_OTHER_FORMS = {
    "\N{IDEOGRAPHIC SPACE}": " ",
    "\N{NO-BREAK SPACE}": " ",
    "\N{CHARACTER TABULATION}": " ",
    "\N{EN SPACE}": " ",
    "\N{EM SPACE}": " ",
    "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": ">",
    "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}": ">",
    "\N{RIGHTWARDS ARROW}": ">",
    "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": "<",
    "\N{LEFTWARDS ARROW}": "<",
    "\N{BOX DRAWINGS LIGHT VERTICAL}": "|",
    "\N{BOX DRAWINGS HEAVY VERTICAL}": "|",
    "\N{EM DASH}": "-",
    "\N{EN DASH}": "-",
    "\N{KATAKANA MIDDLE DOT}": "\N{MIDDLE DOT}",
    "\N{GREEK SMALL LETTER ALPHA}": "a",
    # Forms that OpenCC's table keeps, because they are right in some words; for comparing they are one.
    "著": "着",
    "瞭": "了",
    "閤": "合",
    "裏": "里",
}


def fold(text: str) -> str:
    """Return the comparison key of `text`: same length, Simplified, half-width punctuation, lower case."""
    return _table().translated(text)


@lru_cache(maxsize=4)
def lowered(text: str) -> str:
    """Return `text` in lower case. The last few are kept: lenders, subjects, relevance and quality all read one text."""
    return _native.lowered(text) if _native else text.lower()


def unfolded(wanted: str) -> str:
    """Return every character that `fold` makes one of `wanted`, these included."""
    points = frozenset(map(ord, wanted))
    changes = _changes()
    made = (code for code, other in changes.items() if other in points)
    return "".join(map(chr, sorted({*made, *(code for code in points if code not in changes)})))


def letters(text: str) -> str:
    """Return the letters, digits and Chinese characters of a folded text: what two lines are compared by."""
    return "".join(filter(str.isalnum, text))


@cache
def _table() -> Table:
    return characters.table(_changes())


@cache
def _changes() -> dict[int, int]:
    """Return the code points that the key has others for."""
    table = {ord(traditional): ord(simplified) for traditional, simplified in _simplified_characters()}
    for code in range(_FULLWIDTH_FIRST, _FULLWIDTH_LAST + 1):
        table[code] = ord(chr(code - _FULLWIDTH_SHIFT).lower())
    for code in range(ord("A"), ord("Z") + 1):
        table[code] = code + 32
    for code in range(0xD800, 0xE000):
        table[code] = ord("\N{REPLACEMENT CHARACTER}")  # no matcher takes a lone surrogate
    for code in (*range(0x24B6, 0x24EA), *range(0x1D400, 0x1D800)):  # circled and mathematical letters and digits
        plain_form = unicodedata.normalize("NFKC", chr(code)).lower()
        if len(plain_form) == 1:
            table[code] = ord(plain_form)
    for form, plain in _OTHER_FORMS.items():
        table[ord(form)] = ord(plain)
    return table


def _simplified_characters() -> list[tuple[str, str]]:
    """Read the single-character table of opencc-python-reimplemented (TSCharacters, first choice of each)."""
    source = resources.files("opencc") / "dictionary" / "TSCharacters.txt"
    pairs = (line.split("\t") for line in source.read_text(encoding="utf-8").splitlines() if "\t" in line)
    return [(left, right.split(" ")[0]) for left, right in pairs if len(left) == 1 == len(right.split(" ")[0])]
