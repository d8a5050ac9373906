"""normalize(): the form of the characters, never the content.

What changes, and why:

* blanks of any kind (no-break, ideographic, en, em, tab) -> space: the layout of the page, not of the text;
* zero-width characters, soft hyphen, byte order mark, bidi controls, variation selectors, tag characters -> nothing:
  they can't be seen, and split words for search and comparison;
* control characters -> nothing: no text holds them;
* markers of undecodable bytes (`INVALID_BYTE_BASE`) and lone surrogates -> U+FFFD: repair is over, and what it could
  not use is a hole;
* compatibility ideographs, Kangxi radicals -> the unified ideograph: two codes of one character by Unicode's mapping;
* full-width letters and digits, signs between them -> ASCII: `９５５３３` and `95533` are one number;
* runs of spaces -> one; spaces at a line's ends and empty lines -> nothing: one block a line.

What stays: Chinese punctuation (，。：；！？（）), because it is the text's own; private-use characters, because repair
reports them; and a single blank between two Chinese characters, because it may be the hole a filter left
(`催收 的作用`) and analysts count those.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from cleaning.characters import Chars, chars
from cleaning.decode import INVALID_BYTE_BASE
from cleaning.findings import Edited, Finding, edit

_BLANKS = "\t\v\f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u3164\uffa0"
_INVISIBLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_CONTROLS = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_HOLES = f"{chr(INVALID_BYTE_BASE)}-{chr(INVALID_BYTE_BASE + 0xFF)}\ud800-\udfff"
_UNIFIED_ELSEWHERE = "\u2e9f\u2ef3\u2f00-\u2fd5\uf900-\ufaff\U0002f800-\U0002fa1f"
_WIDE = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
_WIDE_SIGNS = "\uff03-\uff06\uff0a\uff0b\uff0d-\uff0f\uff1d\uff20\uff3f"
"""Full-width # $ % & * + - . / = @ _, narrowed only between full-width letters or digits (`１３８－００００`)."""

_FORM = f" {_BLANKS}{_INVISIBLE}{_CONTROLS}\r\n"
_ODD = f"{_BLANKS}{_INVISIBLE}{_CONTROLS}{_HOLES}{_UNIFIED_ELSEWHERE}{_WIDE}\r"
# Maximal runs of one class each: no two alternatives begin alike, so the scan is linear.
_SPOT = re.compile(
    f"(?P<form>[{_FORM}]+)|(?P<hole>[{_HOLES}])|(?P<variant>[{_UNIFIED_ELSEWHERE}])"
    f"|(?P<width>[{_WIDE}]+(?:[{_WIDE_SIGNS}][{_WIDE}]+)*)"
)
_BLANK = re.compile(f"[ {_BLANKS}]")
_EDGES = (" ", "\n")
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def normalize(text: str) -> Edited:
    """Return `text` with its form made even; the module's table says what changes. Applying it twice is once."""
    if not (text[:1] in _EDGES or text[-1:] in _EDGES or _breaks().runs(text, 2) or _odd().places(text)):
        return Edited(text)
    return edit(
        text, (finding for match in _SPOT.finditer(text) if (finding := _finding(text, match)) is not None)
    )


@cache
def _odd() -> Chars:
    """Return the characters of which each makes a finding."""
    return chars(_members(_ODD))


@cache
def _breaks() -> Chars:
    """Return those of which two in a row do."""
    return chars(" \n")


def _members(ranges: str) -> str:
    """Return the characters of a regular expression's class."""
    spans = re.findall("(.)(?:-(.))?", ranges, re.DOTALL)
    return "".join(chr(code) for first, last in spans for code in range(ord(first), ord(last or first) + 1))


def _finding(text: str, match: re.Match[str]) -> Finding | None:
    """Return the change at one spot, None where the form is right already."""
    before = match[0]
    kind = match.lastgroup
    if kind == "form":
        rule, after = _form(text, match)
    elif kind == "hole":
        rule, after = "form.hole", "\N{REPLACEMENT CHARACTER}"
    elif kind == "variant":
        rule, after = "form.variant", unicodedata.normalize("NFKC", before)
    else:
        rule, after = "form.width", before.translate(_NARROW)
    if before == after:
        return None
    return Finding("normalize", rule, match.start(), match.end(), before, after, "rule")


def _form(text: str, match: re.Match[str]) -> tuple[str, str]:
    """Return the rule and the replacement for a run of blanks, line breaks and invisible characters."""
    run = match[0]
    if match.start() == 0 or match.end() == len(text):
        return "form.line", ""
    if "\n" in run:
        return "form.line", "\n"
    if _BLANK.search(run):
        return "form.space", " "
    return "form.invisible", ""
