"""A damaged page as it was written: what extraction looks at to find the article.

Which lines are the article's is told by words, sentences and links, and nothing of that shows in a page that went through a
wrong decoder: a line of UTF-8 read as Latin-1 is three times as long and holds no full stop. Readings written into a page
hide less, but the labels of its fields. So such a page is repaired whole, article and fields are read in that, and its lines
are handed on as they stood: the stages behind see, and account for, what the page holds.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape
from itertools import accumulate
from typing import NamedTuple

from cleaning.dom import collapse
from cleaning.findings import Edited, Finding
from cleaning.repair.compose import compose
from cleaning.repair.decoders import repair_decoders
from cleaning.repair.pinyin import learn_table, repair_pinyin
from cleaning.repair.site_table import SiteTable
from cleaning.repair.spans import suspicious_lines

DAMAGED_SHARE = 0.2
"""Share of a page's lines, by characters, from which their damage hides what they are."""

MAX_CHARACTERS = 4_000_000
"""A longer page is taken as it stands."""

MAX_MISSES = 50
"""Lines that are looked for in vain, each through the whole page, before no more are looked for."""

_TAG = re.compile(r"<[^<>]*>")
_NAMED = re.compile(r"<(script|style|meta)\b", re.IGNORECASE)
_CODE_ENDS = re.compile("</(?:script|style)", re.IGNORECASE)
_CONTENT = re.compile(r"\scontent\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_BREAK, _ENTITY, _BREAK_OR_ENTITY = map(re.compile, ("\n", r"&#?\w{1,12};", r"\n|&#?\w{1,12};"))
_LATIN = re.compile("&[A-Z][a-z]{2,5};")
"""How a letter of Latin-1 is written as an entity (`&Ouml;`), and little else."""

_UNSEEN = "\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"
_BLANKS = re.compile(rf"[\s{_UNSEEN}]+")
_CELLS = " | "
"""What extraction puts between the cells of a row."""


def is_damaged(text: str) -> bool:
    """Return whether so much of a page's lines looks damaged that what they are can't be told by them."""
    return sum(end - start for start, end in suspicious_lines(text)) > DAMAGED_SHARE * len(text)


def is_injected(findings: Iterable[Finding]) -> bool:
    """Return whether some of the findings on a page are readings that were written into it."""
    return any(".pinyin." in found.rule for found in findings)


def texts_of(html: str) -> str:
    """Return what stands between a page's tags, a line each; nothing of a page that is too long."""
    return "\n".join(_text(html[piece.start : piece.end]) for piece in _pieces_of(html))


class _Piece(NamedTuple):
    """What stands in a page's source, half open, between tags, line breaks and entities, and what follows it in a line."""

    start: int
    end: int
    joint: str


class Stood(NamedTuple):
    """A line as a page holds it, and the findings that lead from it to how it is mended; spans are the line's own."""

    text: str
    findings: tuple[Finding, ...] = ()


class Mended:
    """A page with wrong decodings and injected readings of its texts undone (`html`), and what stood there before.

    `table` is whose readings these are, where the site's is known.
    """

    def __init__(self, html: str, table: SiteTable | None = None) -> None:
        pieces = _pieces_of(html)
        texts = [_text(html[piece.start : piece.end]) for piece in pieces]
        self._before = "\n".join(texts)
        starts = accumulate((len(text) + 1 for text in texts), initial=0)
        entities = {at for at, piece in zip(starts, pieces) if _ENTITY.fullmatch(html, piece.start, piece.end)}
        edited = repair_decoders(self._before, entities)
        self._decoded = edited.text
        edited = compose(self._before, edited, repair_pinyin(edited.text, table))
        self.html = _with(html, pieces, texts, edited.text.split("\n")) if pieces else html
        self._origin = _Origin(edited)
        self._findings = edited.findings
        self._starts = [finding.start for finding in edited.findings]
        self._joints = [piece.joint for piece in pieces]
        self._breaks = [found.start() for found in re.finditer("\n", self._before)]
        self._bare, self._places = _bare(edited.text)
        self._next = self._misses = 0

    def learn_table(self) -> SiteTable:
        """Return what the page's texts, decoded, show of the table behind their readings."""
        return learn_table(self._decoded)

    def as_it_stood(self, line: str) -> Stood:
        """Return what the page held where its mended form has `line`, and `line` itself where that can't be told.

        Lines are asked for in the order in which they stand; any other order is right too, but slower.
        """
        before = self._find(line)
        if before is None and _CELLS in line:
            return joined([self._find(cell) or Stood(cell) for cell in line.split(_CELLS)], _CELLS)
        return before or Stood(line)

    def _find(self, line: str) -> Stood | None:
        wanted = _BLANKS.sub("", line)
        if not wanted or self._misses >= MAX_MISSES:
            return None
        place = self._bare.find(wanted, self._next)
        if place < 0:
            place = self._bare.find(wanted)
        if place < 0:
            self._misses += 1
            return None
        self._next = place + len(wanted)
        bounds = self._origin.of(self._places[place], self._places[self._next - 1] + 1)
        return None if bounds is None else self._stood(*bounds)

    def _stood(self, start: int, end: int) -> Stood | None:
        """Return a part of the page's texts as one line; what elements alone part stands together.

        None where its blanks can't be collapsed without changing what a finding is about, or one goes on behind it.
        """
        parts: list[str] = []
        places: list[int] = []
        length = 0
        first = bisect_left(self._breaks, start)
        for number, part in enumerate(self._before[start:end].split("\n"), first):
            places += range(length, length + len(part) + 1)
            parts += part, self._joints[number]
            length += len(part) + len(self._joints[number])
        line = "".join(parts[:-1])
        text = collapse(line)
        left = _collapsed_places(line, text)
        findings = self._findings[bisect_left(self._starts, start) : bisect_left(self._starts, end)]
        if any(found.end > end for found in findings):
            return None
        moved = tuple(
            found._replace(start=left[places[found.start - start]], end=left[places[found.end - start]])
            for found in findings
        )
        return Stood(text, moved) if all(text[one.start : one.end] == one.before for one in moved) else None


def joined(lines: Sequence[Stood], between: str) -> Stood:
    """Return lines put together, with their findings."""
    findings: list[Finding] = []
    at = 0
    for line in lines:
        findings += [found._replace(start=found.start + at, end=found.end + at) for found in line.findings]
        at += len(line.text) + len(between)
    return Stood(between.join(line.text for line in lines), tuple(findings))


def _collapsed_places(line: str, text: str) -> list[int]:
    """Return where each character of `line`, and its end, is in `text`, which is `line` with its blanks collapsed."""
    places: list[int] = []
    at = 0
    for sign in line:
        places.append(at)
        at += at < len(text) and (text[at] == sign or (text[at] == " " and _is_blank(sign)))
    return [*places, at]


class _Origin:
    """Leads from places in an edited text back to the text that it was made of."""

    def __init__(self, edited: Edited) -> None:
        self._text = edited.text
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._shifts = [0]
        for finding in edited.findings:
            if finding.before == finding.after:
                continue
            self._starts.append(finding.start + self._shifts[-1])
            self._ends.append(self._starts[-1] + len(finding.after))
            self._shifts.append(self._ends[-1] - finding.end)

    def of(self, start: int, end: int) -> tuple[int, int] | None:
        """Return the bounds of what became `start`:`end` and the blanks around it, None where an edit goes beyond that."""
        text = self._text
        while start and _is_blank(text[start - 1]):
            start -= 1
        while end < len(text) and _is_blank(text[end]):
            end += 1
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        if (first and self._ends[first - 1] > start) or (last and self._ends[last - 1] > end):
            return None
        return start - self._shifts[first], end - self._shifts[last]


def _is_blank(character: str) -> bool:
    return character != "\n" and (character.isspace() or character in _UNSEEN)


def _pieces_of(html: str) -> list[_Piece]:
    """Return what stands between tags and in `meta` elements, line by line.

    Of scripts, some of which hold the article, only what is not ASCII.
    """
    found: list[_Piece] = []
    for start, end in _texts(html) if len(html) <= MAX_CHARACTERS else ():
        if not html[start:end].isspace():
            found += _lines(html, start, end)
        elif found:
            found[-1] = found[-1]._replace(joint=" ")
    return found


def _texts(html: str) -> Iterator[tuple[int, int]]:
    """Yield the bounds of what `_pieces_of` takes apart."""
    cursor = 0
    code = False
    for tag in _TAG.finditer(html):
        start, end = tag.span()
        if cursor < start and not (code and html[cursor:start].isascii()):
            yield cursor, start
        cursor = end
        if (named := _NAMED.match(html, start)) is not None:
            code = named[1].lower() in ("script", "style")
            if named[1].lower() == "meta" and (content := _CONTENT.search(html, start, end)):
                yield content.span(content.lastindex or 0)
        elif code:
            code = _CODE_ENDS.match(html, start) is None
    if cursor < len(html):
        yield cursor, len(html)


def _lines(html: str, start: int, end: int) -> Iterator[_Piece]:
    """Yield the lines of a part of the source.

    An entity stands apart: what was written so was never a byte that a decoder could misread, `&nbsp;` least of all,
    unless the damaged letters themselves are written so.
    """
    part = html[start:end]
    parting = _BREAK if "&" not in part or _LATIN.search(part) else _BREAK_OR_ENTITY
    for found in parting.finditer(html, start, end):
        if start < found.start():
            yield _Piece(start, found.start(), " " if found[0] == "\n" else "")
        if found[0] != "\n":
            yield _Piece(*found.span(), "")
        start = found.end()
    if start < end:
        yield _Piece(start, end, "")


def _text(source: str) -> str:
    """Return the text of a piece of the source, one line."""
    if "&" not in source:
        return source
    text = unescape(source).replace("\n", " ")
    return text if _LATIN.search(source) else text.replace("\N{NO-BREAK SPACE}", " ")


def _with(html: str, pieces: Sequence[_Piece], before: Sequence[str], after: Sequence[str]) -> str:
    """Return the source with other texts in it; written as markup wants it where it was so before."""
    parts: list[str] = []
    cursor = 0
    for piece, old, new in zip(pieces, before, after, strict=True):
        if new != old:
            written = escape(new) if "&" in html[piece.start : piece.end] else new
            parts += html[cursor : piece.start], written
            cursor = piece.end
    return "".join((*parts, html[cursor:]))


def _bare(text: str) -> tuple[str, array[int]]:
    """Return `text` without blanks, and where each of its characters stood."""
    places = array("L")
    parts: list[str] = []
    cursor = 0
    for blank in _BLANKS.finditer(text):
        parts.append(text[cursor : blank.start()])
        places.extend(range(cursor, blank.start()))
        cursor = blank.end()
    places.extend(range(cursor, len(text)))
    return "".join((*parts, text[cursor:])), places
