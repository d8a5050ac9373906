"""No-break spaces among single bytes: the page's own, or bytes of its text?

In text that was read as single bytes 0xA0 is both: a byte of many a character, and what `&nbsp;` stands for, before, behind
and between the words of pages everywhere. Read as bytes of the text, the page's own shift what follows or end it early; read
as the page's own, those of the text leave broken characters. The line says which reads better.
"""

from __future__ import annotations

import re

from cleaning.repair.badness import total_logprob
from cleaning.repair.chains import HOLE, Writer
from cleaning.repair.solve import decoded

_BLANK = "\N{NO-BREAK SPACE}"
_SINGLE = re.compile("[\x80-\x9f\xa1-\xff][\x80-\xff]")
CLEARLY = 3.0
"""Nats by which a reading that takes blanks from the text must beat the one that leaves them."""

_PAIRS: tuple[Writer, ...] = ("gb18030", "big5hkscs")


def parted(text: str) -> str:
    """Return `text` with a line break in place of each no-break space that is its own, among or beside single bytes.

    To a decoder that is what such a blank is: bytes end before it, and begin behind it.
    """
    if _BLANK not in text:
        return text
    return "\n".join(
        _parted(line) if _BLANK in line and _SINGLE.search(line) else line for line in text.split("\n")
    )


def _parted(line: str) -> str:
    if HOLE in line:
        return line  # it decodes in no way
    inner = line.strip(_BLANK + " ")
    start = line.find(inner)
    end = start + len(inner)
    edges = line[:start].replace(_BLANK, "\n") + inner + line[end:].replace(_BLANK, "\n")
    ways = line, edges, line.replace(_BLANK, "\n")
    # Valid UTF-8 does not come about by chance; the fewest blanks that leave it so are the page's own.
    for way in ways:
        if decoded(way, "latin", "utf-8") is not None:
            return way
    # A line whose blanks are bytes comes first: where two read alike, nothing is taken from the text.
    best, most = line, float("-inf")
    for way in ways:
        for writer in _PAIRS:
            read = decoded(way, "latin", writer)
            if read is not None and (score := total_logprob(read)) > most + CLEARLY:
                best, most = way, score
    return best
