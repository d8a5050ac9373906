"""Damage that nothing undoes: marked where it stands, never repaired.

* U+FFFD, whose UTF-8 bytes EF BF BD, twice over, read as GBK are `\u951f\u65a4\u62f7`;
* uninitialised memory, CC CC and CD CD, which GBK reads as `\u70eb` and `\u5c6f`: three or more in a row, since
  either character occurs in words, and doubled at most;
* UTF-8 that Big5's decoders read, see `shredded`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cleaning.findings import Finding
from cleaning.repair.chains import INVALID_BYTE_BASE
from cleaning.repair.shredded import shreds

IRREVERSIBLE = re.compile(
    "(?P<replaced>\\ufffd(?:[\\ufffd? ]*\\ufffd)?)"
    "|(?P<kuntaku>(?:\\u951f\\u65a4\\u62f7)+\\u951f?\\??|(?:\\u951f\\u65a4(?=\\s|$|[?\\ufffd]))|(?:\\u65a4\\u62f7\\u951f)+)"
    "|(?P<memory>\\u70eb{3,}|\\u5c6f{3,})"
)
"""What is left of text that was lost. No piece of it holds the bytes that were there."""

_EVIDENCE = {
    "replaced": "characters replaced by U+FFFD: their bytes are gone",
    "kuntaku": "U+FFFD written as UTF-8, read as GBK: the bytes are gone",
    "memory": "uninitialised memory (CC or CD) read as GBK",
}
_MARKERS = f"{chr(INVALID_BYTE_BASE + 0x80)}-{chr(INVALID_BYTE_BASE + 0xFF)}"
_MARKER = re.compile(f"[{_MARKERS}]")
_LOST = re.compile("[\\ufffd\\u951f\\u65a4\\u70eb\\u5c6f]")
_SIGN = re.compile(f"{_LOST.pattern[:-1]}{_MARKERS}]")
_LETTER = re.compile(f"[^\\W\\d_]|\\ufffd|[{_MARKERS}]")


def lost_text(text: str) -> Iterator[Finding]:
    """Yield a damage finding for every irreversible stretch of `text`; its text stays as it is."""
    if not _LOST.search(text):  # the pattern cannot begin with a literal: alone it costs ten times as much
        return
    for found in IRREVERSIBLE.finditer(text):
        rule = f"damage.{found.lastgroup}"
        evidence = _EVIDENCE[str(found.lastgroup)]
        yield Finding(
            "repair", rule, found.start(), found.end(), found.group(), found.group(), "certified", evidence
        )


def damage_share(text: str) -> float:
    """Return which share of the letters and ideographs of `text` is irreversible damage, 0.0 to 1.0.

    Undecoded bytes (this project's markers) count as damage too, and all of UTF-8 read as Big5. An empty text has none.
    """
    torn = shreds(text)
    if not (torn or _SIGN.search(text)):
        return 0.0
    ends, starts = [0, *(end for _, end in torn)], [*(start for start, _ in torn), len(text)]
    rest = "\n".join([text[end:start] for end, start in zip(ends, starts, strict=True)])
    lost = sum(len(_LETTER.findall(found.group())) for found in IRREVERSIBLE.finditer(rest))
    lost += len(_MARKER.findall(rest)) + sum(len(_LETTER.findall(text, start, end)) for start, end in torn)
    if not lost:
        # Nearly every page: its letters need no counting.
        return 0.0
    return min(1.0, lost / max(1, len(_LETTER.findall(text))))
