"""Blanks and masks that stand for a word which the site's filter took out everywhere.

A page's gaps are weighed together: one stray blank says nothing, two that the same word fits, on a page whose sentences
never say that word, do; so does one where a heading or the site's other pages say it. Asterisks and boxes are a
sign of their own; letters and \u67d0\u67d0, which people write for a name, need the word on both sides.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from cleaning.repair.filtered import STRONG, Fit, fits, in_script, may_fit, mentioned, missing

DELETED = "damage.deleted"
MASKED = "damage.masked"

ENOUGH_GAPS = 2000
"""Gaps of one page that are weighed: more than that is no text with words missing."""

SPACED = 6
"""Ideographs for each blank between two of them below which a line is spaced out, not cut."""

_HAN = "\u4e00-\u9fff"

BLANK = rf" (?=[{_HAN}\u3001\uff0c\u3002])(?<=[{_HAN}] )(?<![\u6761\u689d\u7ae0\u8282\u7bc0] )"
"""A blank between ideographs, but not behind the number of an article, chapter or section."""

MARKS = r"\*\*|\uff0a\uff0a|\u25a1\u25a1|\xd7\xd7|XX|xx|\u67d0\u67d0"

_GAP = re.compile(
    rf"{BLANK}|(?P<mask>\*{{3,20}}|\uff0a{{2,20}}|\u25a1{{2,20}})|(?P<letters>\xd7{{2,6}}|X{{2,4}}|x{{2,4}}|\u67d0\u67d0)"
)
_SIDE = re.compile(rf"[{_HAN}\u3001\uff0c\u3002\uff1b\uff1a\uff01\uff1f\u201c\u201d,.;:!? ]")
_CLINGING = "\u4e3a\u70ba\u662f\u91cc\u88e1\u3001\u548c\u4e0e\u8207\u4e5f\u4e2d"
_MARK = re.compile("[\uff0c\u3002,\uff1b]")
_STOP = re.compile("[\uff0c\u3002\uff1b\uff01\uff1f,;!?]")
_SPACES = re.compile(BLANK)
_IDEOGRAPH = re.compile(f"[{_HAN}]")


class Spot(NamedTuple):
    """A place where something is missing: `fill` is what would stand there (empty: nobody knows), `why` for whom."""

    start: int
    end: int
    rule: str
    fill: str
    why: str


class Sentences:
    """The lines of a text that are running text: a dozen characters and a sentence mark."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.starts: list[int] = []
        self.running: list[bool] = []
        start = 0
        for line in self.lines:
            self.starts.append(start)
            self.running.append(len(line) >= 12 and _MARK.search(line) is not None)
            start += len(line) + 1

    def number(self, at: int) -> int:
        """Return the number of the line around `at`."""
        return bisect_right(self.starts, at) - 1

    def hold(self, at: int) -> bool:
        """Return whether the line around `at` is running text."""
        return self.running[self.number(at)]

    def text(self, *, running: bool) -> str:
        """Return the lines that are running text, or the others: headings, lists."""
        return "\n".join(line for line, is_running in zip(self.lines, self.running) if is_running is running)


class _Gap(NamedTuple):
    """A blank or a mask; `score` says how well each word that may be missing fits on its left and its right.

    `kind`: "mask", "letters" (XX and the like), "torn" (a blank before what begins no phrase), "blank".
    """

    start: int
    end: int
    kind: str
    score: dict[str, Fit]


def find_gaps(
    text: str,
    places: Sequence[int],
    *,
    title: str | None,
    siblings: Sequence[str],
    is_traditional: Callable[[str], bool],
) -> Iterator[Spot]:
    """Yield the gaps of `text` among `places` (where `BLANK` or one of `MARKS` stands) that a missing word explains.

    `title` and the page's own headings are evidence that something is missing; `siblings`, the texts of the site's other
    pages, only for which word it is.
    """
    places = [at for at in places if text[at] != " " or may_fit(text[max(0, at - 2) : at], text[at + 1 : at + 3])]
    if not places:
        return
    sentences = Sentences(text)
    words = missing(sentences.text(running=True))
    gaps = list(_gaps(text, places[:ENOUGH_GAPS], sentences, words))
    headings = [title or "", sentences.text(running=False)]
    told = {word: _source(word, headings, siblings) for word in words}
    accepted = {word for word in words if _is_explained(word, gaps, mentioned(word, headings))}
    masked = any(gap.kind == "mask" and _best(gap, accepted) for gap in gaps)
    for gap in gaps:
        rule = DELETED if gap.kind in ("blank", "torn") else MASKED
        if best := _best(gap, accepted):
            said = [word for word in best if told[word]]
            word = min(said or best)
            sure = 1 in (len(said), len(best)) and (said or _is_sure(gap.score[word], word, gaps))
            fill = in_script(word, traditional=is_traditional(text)) if sure else ""
            why = f"{word} fits, and the sentences never say it; {told[word] or 'the usual word there'}"
            yield Spot(gap.start, gap.end, rule, fill, why)
        elif masked and gap.kind == "mask":
            yield Spot(gap.start, gap.end, rule, "", "a mask as on the rest of the page")


def _source(word: str, headings: Sequence[str], siblings: Sequence[str]) -> str:
    """Return where `word` is said, if anywhere."""
    if mentioned(word, headings):
        return "in the title or a heading"
    return "on the site's other pages" if mentioned(word, siblings) else ""


def _is_explained(word: str, gaps: Sequence[_Gap], is_topic: bool) -> bool:
    """Return whether the gaps of a page show that `word`, which its headings may name, was taken out of it."""
    fitting = [(gap.kind, gap.score[word]) for gap in gaps if max(gap.score[word][:2]) == STRONG]
    both = sum(min(score[:2]) > 0 for _, score in fitting)
    signs = sum(kind == "mask" for kind, _ in fitting)
    torn = any(kind == "torn" and min(score[:2]) == STRONG for kind, score in fitting)
    return bool(fitting) and (is_topic or signs > 0 or torn or (len(fitting) > 1 and both > 0))


def _is_sure(fit: Fit, word: str, gaps: Sequence[_Gap]) -> bool:
    """Return whether a fit is good enough to fill a gap: strong on both sides, or on one and not on this gap alone."""
    strong = sum(STRONG in gap.score[word][:2] for gap in gaps)
    return fit.before + fit.after > STRONG + (strong < 2)


def _best(gap: _Gap, accepted: set[str]) -> list[str]:
    """Return the accepted words that fit a gap best, if any does: where one neighbour is strong, or both speak for it."""
    need = STRONG + 1 if gap.kind == "letters" else STRONG
    scores = {
        word: (fit.before + fit.after, fit.length)
        for word, fit in gap.score.items()
        if word in accepted and fit.before + fit.after >= need
    }
    best = max(scores.values(), default=None)
    return [word for word, score in scores.items() if score == best]


def _gaps(text: str, places: Sequence[int], sentences: Sentences, words: Sequence[str]) -> Iterator[_Gap]:
    """Yield the gaps at `places` that stand in running text between ideographs, each with its scores."""
    end = -1
    plain: dict[int, bool] = {}
    for place in places:
        number = sentences.number(place)
        if place < end or not sentences.running[number] or (found := _GAP.match(text, place)) is None:
            continue
        line = sentences.lines[number]
        if number not in plain:
            plain[number] = _is_plain(line)
        start, end = found.span()
        is_blank = found[0] == " "
        kind = "mask" if found["mask"] else "letters" if found["letters"] else "blank"
        if is_blank and text[end] in _CLINGING:
            kind = "torn"
        if not plain[number] or not (is_blank or _stands_free(text, start, end)):
            continue
        if not is_blank:  # a blank before a mask goes with it
            start -= text[start - 1 : start] == " "
        yield _Gap(
            start,
            end,
            kind,
            {word: fits(word, text, start, end + (text[end : end + 1] == " ")) for word in words},
        )


def _is_plain(line: str) -> bool:
    """Return whether a line is neither spaced out nor marked up with asterisks in pairs around words."""
    if len(_SPACES.findall(line)) * SPACED > len(_IDEOGRAPH.findall(line)):
        return False
    parts = re.split(r"\*{2,3}(?!\*)", line)
    return len(parts) < 3 or len(parts) % 2 == 0 or any(_STOP.search(inner) for inner in parts[1::2])


def _stands_free(text: str, start: int, end: int) -> bool:
    """Return whether a mask stands between ideographs and marks, not in a number or a word of letters."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    return (not before or bool(_SIDE.match(before))) and (not after or bool(_SIDE.match(after)))
