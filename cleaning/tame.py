"""What would make lexbor slow or large is taken out of a page before it is parsed.

Length, depth, formatting elements left open and tags with thousands of attributes are bounded. Nearly every page is
within all bounds; that is seen from its bytes, in a fraction of the time that parsing takes. The look at the tags has a
compiled twin in `cleaning/native/_page.pyx`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import cast

import numpy as np
import numpy.typing as npt

from cleaning.native import available

_NATIVE = available("_page")

MAX_CHARS = 6_000_000
"""Characters of a page that are parsed: no article is longer, and a parser holds about 10 bytes a character."""

MAX_DEPTH = 600
"""Open block elements: lexbor walks the open ones at each start tag, so depth makes it quadratic (100,000: 29 s)."""

MAX_FORMATTING = 60
"""Open formatting elements: HTML re-opens them all in each paragraph (300 in 3,000 paragraphs: 903,000 nodes)."""

MAX_UNCHECKED = 10_000
"""Tags up to which depth need not be looked at: 10,000 open elements cost lexbor a fifth of a second."""

MAX_ATTRIBUTES = 500
"""Attributes of one tag; lexbor looks through all before it for each new one: 20,000 of them cost 1.5 s."""

LONG_TAG = 2000
"""Bytes from which a start tag's attributes are counted at all."""

MAX_NAMES = 20_000
"""Different names of tags and attributes: lexbor's table of them slows down by their square (200,000: 16 s)."""

BIG_PAGE = 500_000
"""Bytes from which names are counted; in half a megabyte at most 70,000 fit, which cost half a second."""


def names(text: str) -> frozenset[str]:
    """Return the words of a text as a set: a readable way to write many names."""
    return frozenset(text.split())


_DATA_URI_IN_TEXT = re.compile(r"data:[\w/+.-]{1,60};base64,[A-Za-z0-9+/=]{64,}")
_DATA_URI = re.compile(rb"data:[\w/+.-]{1,60};base64,[A-Za-z0-9+/=]{64,}")
_FORMATTING = names("b big code em font i nobr s small strike strong tt u")
_FORMATTING_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_FORMATTING))})(?:\s[^<>]*)?>", re.IGNORECASE)
# Elements that nest, and whose start tag makes the parser look for an open `<p>` through all that are open.
_NESTING = names(
    "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer form"
    " h1 h2 h3 h4 h5 h6 header hgroup listing main menu nav ol pre section summary table ul li dd dt plaintext xmp"
)
_CLOSED_BY_NEXT = frozenset({"li", "dd", "dt"})
"""Elements that the next of their kind closes: pages leave their end tags out, and nothing gets deep by it."""

_KNOWN = (
    _NESTING
    | _FORMATTING
    | names(
        "html head title body a p span br hr img script style noscript iframe tr td th tbody thead tfoot caption sub sup"
        " label input button select option textarea form time q cite del ins mark pre section svg"
    )
)
_NAME = re.compile(r"[^\s=<>\"'/]{1,200}")
_BLOCK_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})[^<>]*>")
_TAG_NAME = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]{0,20})")
_TAG_START = re.compile(rb"<[a-zA-Z]")
_SEPARATOR = re.compile(rb"[\s/\"']+")
_SEPARATOR_IN_TEXT = re.compile(r"[\s/\"']+")
# Those with attributes: of elements that are alike, HTML re-opens three at most.
_FORMATTING_START_IN_TEXT = re.compile(rf"<(?:{'|'.join(sorted(_FORMATTING))})\s", re.IGNORECASE)
_FORMATTING_START = re.compile(_FORMATTING_START_IN_TEXT.pattern.encode(), re.IGNORECASE)


def utf8(html: str, data: bytes | None = None) -> bytes:
    """Return the page within bounds as UTF-8, ready for the parser; a lone surrogate becomes `?`.

    `data` are the bytes that the page was decoded from, where they are its UTF-8.
    """
    if data is None:
        data = html.encode("utf-8", "replace")
    return data if len(html) <= MAX_CHARS and _within_bounds(data) else tame(html).encode("utf-8", "replace")


def tame(html: str) -> str:
    """Return the page within bounds: its length, depth, names, open formatting elements, and a tag's attributes."""
    if len(html) <= MAX_CHARS and _within_bounds(html.encode("utf-8", "replace")):
        return html
    html = _close_tags(_DATA_URI_IN_TEXT.sub("", html[: 10 * MAX_CHARS])[:MAX_CHARS])
    if len(html) > BIG_PAGE and _count_names(html) > MAX_NAMES:
        html = _without_attributes(html)
    formatting, depth = _extremes(_TAG_NAME.findall(html))
    if formatting > MAX_FORMATTING and len(_FORMATTING_START_IN_TEXT.findall(html)) > MAX_FORMATTING:
        html = _FORMATTING_TAG.sub("", html)
    return _flatten(html) if depth > MAX_DEPTH else html


def lean(data: bytes) -> bytes:
    """Return a page's bytes without its scripts' texts and most attributes, as far as that changes nothing else in its tree.

    Scripts are half of a page and lexbor reads each letter of them. JSON-LD is kept, and of attributes `class`, `id`,
    `style`, `hidden` and `itemprop`. Without the compiled twin the page stays as it is.
    """
    return data if _NATIVE is None else cast(bytes, _NATIVE.lean(data))


# ---- the quick look ----


def _starts() -> npt.NDArray[np.bool_]:
    """Return, for each pair of bytes behind a `<`, whether a formatting element may begin so.

    Two bytes tell `<b ` from `<br` and let a few others pass (`<form`, `<style`).
    """
    table = np.zeros(0x10000, dtype=np.bool_)
    for name in _FORMATTING:
        seconds = name[1:2] or " \t\n\r\f\v"
        for first in (name[0], name[0].upper()):
            for second in seconds + seconds.upper():
                table[ord(first) << 8 | ord(second)] = True
    return table


_FORMATTING_STARTS = _starts()


def _within_bounds(data: bytes) -> bool:
    """Say whether a page's bytes show that nothing in it needs taming."""
    if len(data) > BIG_PAGE:
        return False
    if len(data) <= LONG_TAG and data.count(b"<") <= MAX_FORMATTING:
        return True
    count, starts, gaps = _tags(data) if _NATIVE is None else _NATIVE.tags(data, _STARTS, LONG_TAG)
    if count > MAX_UNCHECKED:
        return False
    if len(starts) > MAX_FORMATTING:
        matched = sum(1 for start in starts if _FORMATTING_START.match(data, start))
        if matched > MAX_FORMATTING:
            return False
    return not any(_crowded(data, start, end) for start, end in gaps)


_STARTS = _FORMATTING_STARTS.tobytes()


def _tags(data: bytes) -> tuple[int, list[int], list[tuple[int, int]]]:
    """Return how many `<` a page has, where formatting elements may begin, and where no `>` stands for `LONG_TAG` bytes."""
    codes = np.frombuffer(data, dtype=np.uint8)
    tags = (codes == ord("<")).nonzero()[0]
    count = len(tags)
    if count > MAX_UNCHECKED:
        return count, [], []
    while len(tags) and tags[-1] >= len(data) - 2:
        tags = tags[:-1]
    firsts = codes.take(tags + 1).astype(np.uint16)
    starts = tags[_FORMATTING_STARTS.take(firsts << 8 | codes.take(tags + 2))]
    return count, starts.tolist(), list(_gaps(data, codes))


_ROW = LONG_TAG // 2
"""Bytes that are asked together whether a `>` is among them: a longer tag has one such row in it, wherever it begins."""


def _gaps(data: bytes, codes: npt.NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Yield where no `>` stands for `LONG_TAG` bytes: the positions of the `>` around, or the page's ends."""
    rows = len(data) // _ROW
    if not rows:
        return
    filled = (codes[: rows * _ROW].reshape(rows, _ROW) == ord(">")).any(axis=1)
    end = 0
    for row in (~filled).nonzero()[0].tolist():
        at = row * _ROW
        if at < end:
            continue
        start, end = max(data.rfind(b">", 0, at), 0), data.find(b">", at)
        end = end if end >= 0 else len(data)
        if end - start > LONG_TAG:
            yield start, end


def _crowded(data: bytes, start: int, end: int) -> bool:
    """Say whether a tag between two `>` has too many attributes; of several `<` there the first one begins it."""
    # The one byte first: most of such gaps are a text or a script without any tag, and an expression looks longer.
    first = data.find(b"<", start, end)
    tag = _TAG_START.search(data, first, end) if first >= 0 else None
    if tag is None or end - tag.start() <= LONG_TAG:
        return False
    inner = data[tag.start() : end]
    if sum(map(inner.count, (b" ", b"/", b'"', b"'", b"\n", b"\r", b"\t", b"\f", b"\v"))) <= MAX_ATTRIBUTES:
        return False
    return len(_SEPARATOR.findall(_DATA_URI.sub(b"", inner))) > MAX_ATTRIBUTES


# ---- the taming ----


def _close_tags(html: str) -> str:
    """Return the page with a `>` put into each tag that has more attributes than any page needs.

    Inside a quoted value or a script, where it may fall too, one more `>` changes nothing.
    """
    pieces = html.split(">")
    for index, piece in enumerate(pieces):
        start = piece.find("<")
        if start >= 0 and len(piece) - start > LONG_TAG:
            words = [match.end() for match in _SEPARATOR_IN_TEXT.finditer(piece, start)][
                MAX_ATTRIBUTES::MAX_ATTRIBUTES
            ]
            bounds = [0, *words, len(piece)]
            pieces[index] = ">".join(piece[left:right] for left, right in itertools.pairwise(bounds))
    return ">".join(pieces)


def _count_names(html: str) -> int:
    """Return how many different names of tags and attributes a page has."""
    names: set[str] = set()
    for piece in html.split(">"):
        names.update(_NAME.findall(piece, max(piece.find("<"), 0)))
    return len(names)


def _without_attributes(html: str) -> str:
    """Return the page with all its tags bare, and those that HTML doesn't know gone."""
    pieces = html.split(">")
    for index, piece in enumerate(pieces[:-1]):
        tag = _TAG_NAME.search(piece)
        if tag is not None:
            known = tag[1].lstrip("/").lower() in _KNOWN
            pieces[index] = f"{piece[: tag.start()]}<{tag[1]}>" if known else piece[: tag.start()]
        else:
            pieces[index] = f"{piece}>"
    return "".join(pieces)


def _extremes(names: list[str]) -> tuple[int, int]:
    """Return how many formatting and how many nesting elements are ever open at once, as far as tags tell."""
    formatting = deepest_formatting = depth = deepest = 0
    for name in names:
        plain = name.lstrip("/").lower()
        step = -1 if name[0] == "/" else 1
        if plain in _FORMATTING:
            formatting = max(formatting + step, 0)
            deepest_formatting = max(formatting, deepest_formatting)
        elif plain in _NESTING and plain not in _CLOSED_BY_NEXT:
            depth = max(depth + step, 0)
            deepest = max(depth, deepest)
    return deepest_formatting, deepest


def _flatten(html: str) -> str:
    """Return the page without the block tags that open or close below `MAX_DEPTH`."""
    depth = 0

    def keep(match: re.Match[str]) -> str:
        nonlocal depth
        name = match[2].lower()
        if name not in _NESTING or name in _CLOSED_BY_NEXT:
            return match[0]
        if match[1]:
            depth = max(depth - 1, 0)
            return match[0] if depth < MAX_DEPTH else " "
        depth += 1
        return match[0] if depth <= MAX_DEPTH else " "

    return _BLOCK_TAG.sub(keep, html)
