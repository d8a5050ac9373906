"""A site's furniture told by its words: a short line at a page's edge that says next to nothing else.

The rules of `rules/chrome.toml` name wordings. Sites invent new ones daily, out of the same few words: tap, view,
share, comments, full text, top. A line that is made of these words and what holds them together is furniture in
any order; one with a content word of its own (还款, 证据, a lender) is not.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

from cleaning import rows
from cleaning.shapes import is_heading
from cleaning.words import Words, words

MAX_LENGTH = 60
"""Greatest length of such a line."""

UNKNOWN_SHARE = 0.12
"""Greatest share of letters that no list has: a mistyped or rare word."""

NAMED_SHARE = 0.34
MAX_NAME = 6
"""The same, and the greatest number, where two and more strong words leave room for a site's name; no sentence does."""


class _Words(NamedTuple):
    matcher: Words
    strong: int
    """Words before this index are strong ones."""
    alone: frozenset[str]


@cache
def _words() -> _Words:
    raw = (resources.files("cleaning.rules") / "furniture.toml").read_text(encoding="utf-8")
    data = tomllib.loads(raw)
    listed = tuple(dict.fromkeys((*data["strong"], *data["plain"], *data["glue"])))
    return _Words(words(listed), len(set(data["strong"])), frozenset(data["alone"]))


def is_furniture(line: str) -> bool:
    """Return whether a folded line (stripped of white space) is nothing but the words of a site's furniture.

    Digits and signs count for nothing. Quotation marks and words of this corpus's subject are an author's.
    """
    if not 2 <= len(line) <= MAX_LENGTH or rows.HONEST.search(line) or any(char in _QUOTES for char in line):
        return False
    if is_heading(line) or _LISTED.match(line):
        return False
    letters = sum(char.isalpha() for char in line)
    if letters < 2:
        return False
    known = _words()
    if line.strip(_SIGNS) in known.alone:
        return True
    (found,) = known.matcher.longest(line)
    strong = sum(word < known.strong for word, _, _ in found)
    unknown = letters - sum(sum(map(str.isalpha, line[start:end])) for _, start, end in found)
    if strong > 1 and "。" not in line and unknown <= min(MAX_NAME, NAMED_SHARE * letters):
        return True
    return bool(strong) and len(found) > 1 and unknown <= UNKNOWN_SHARE * letters


_LISTED = re.compile(r"[\u2460-\u2473\u2776-\u277f-]|\w[.)、]")
_SIGNS = " <>«»‹›>|/·•:.…-—[]【】()#×↑↓→←▲▼∨∧+"
_QUOTES = "“”‘’《》「」\"'"
