"""Quality attributes of a text: numbers to query and export by. They tag; no text is dropped for them here."""

from __future__ import annotations

import tomllib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypeAlias

import numpy as np

from cleaning.characters import CODEPOINTS, Kinds, kinds
from cleaning.folding import lowered
from cleaning.together import ARTICLE

Quality: TypeAlias = dict[str, float | int | bool]

_OTHER, _HAN, _PUNCTUATION, _DIGIT, _SPACE = range(5)
_HAN_RANGES = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F), (0x30000, 0x323AF),
)  # fmt: skip
"""Unified and compatibility ideographs with extensions A to I (Unicode 15.1, Blocks.txt)."""
_SENTENCE_ENDS = tuple("。！？…!?.；;”」』）)")


@dataclass(frozen=True, slots=True)
class _Marks:
    """Both lists of marks; the first `residue` words are residue, the rest spun words."""

    words: list[str]
    residue: int


def quality(text: str, *, damage_share: float = 0.0) -> Quality:
    """Return the attributes of `text` (Simplified, a block a line). Shares are 0 to 1, rounded to four places.

    `chars` characters that are not white space · `lines` with any · `mean_line_chars` · `han_share`,
    `punctuation_share`, `digit_share` of `chars` · `duplicate_line_share` of the characters, in lines said before ·
    `repeated_ngram_share` of the character 8-grams, said before · `top_ngram_share` of the 8-grams that are the most
    frequent one · `residue_marks`, `spun_words` counts of what models and synonym tables leave · `complete` whether
    the last line ends as a sentence does · `damage_share` as given.
    """
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    counts, total, unique, most = _kinds().summary(text, _SPACE)
    chars = len(text) - counts[_SPACE]
    repeated, top = _repetition(total, unique, most)
    residue, spun = _marks_in(text)
    return {
        "chars": chars,
        "lines": len(lines),
        "mean_line_chars": round(chars / len(lines), 1) if lines else 0.0,
        "han_share": _share(counts[_HAN], chars),
        "punctuation_share": _share(counts[_PUNCTUATION], chars),
        "digit_share": _share(counts[_DIGIT], chars),
        "duplicate_line_share": _duplicate_line_share(lines),
        "repeated_ngram_share": repeated,
        "top_ngram_share": top,
        "residue_marks": residue,
        "spun_words": spun,
        "complete": bool(lines) and lines[-1].endswith(_SENTENCE_ENDS),
        "damage_share": round(damage_share, 4),
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _duplicate_line_share(lines: list[str]) -> float:
    if len(set(lines)) == len(lines):
        return 0.0
    counts = Counter(lines)
    again = sum(len(line) * (count - 1) for line, count in counts.items())
    return _share(again, sum(map(len, lines)))


def _repetition(total: int, unique: int, most: int) -> tuple[float, float]:
    """Return the share of n-grams said before, and of the most frequent one where it occurs more than once."""
    return (0.0, 0.0) if unique == total else (_share(total - unique, total), _share(most, total))


def _marks_in(text: str) -> tuple[int, int]:
    """Return how many residue marks and how many spun words occur, leftmost longest."""
    found = _tally(lowered(text))
    residue = sum(count for index, count in found.items() if index < _marks().residue)
    return residue, sum(found.values()) - residue


@cache
def _marks() -> _Marks:
    source = resources.files("cleaning.data").joinpath("quality.toml").read_text(encoding="utf-8")
    data = tomllib.loads(source)
    return _Marks([*data["residue"], *data["spun"]], len(data["residue"]))


_tally = ARTICLE.tallied(lambda: _marks().words)


@cache
def _kinds() -> Kinds:
    """Return for each code point: Han, punctuation or symbol, decimal digit, white space, other."""
    known = np.full(CODEPOINTS, _OTHER, dtype=np.uint8)
    for start, end in _HAN_RANGES:
        known[start : end + 1] = _HAN
    # Everything that Chinese pages use for punctuation lies in these blocks.
    for code in (*range(0x3100), *range(0xFE10, 0xFE70), *range(0xFF00, 0xFFF0)):
        char = chr(code)
        category = unicodedata.category(char)
        if char.isspace():
            known[code] = _SPACE
        elif category == "Nd":
            known[code] = _DIGIT
        elif category[0] in "PS":
            known[code] = _PUNCTUATION
    return kinds(known)
