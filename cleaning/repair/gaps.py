"""Blanks and masks that stand for a word which the site's filter took out everywhere.

A page's gaps are weighed together: one stray blank says nothing, two that the same word fits, on a page whose sentences
never say that word, do; so does one where a heading or the site's other pages say it. Asterisks and boxes are a
sign of their own; letters and \u67d0\u67d0, which people write for a name, need the word on both sides.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from cleaning.repair.filtered import FILTERED, STRONG, Fit, fits, in_script, mentioned, missing, near, telling

DELETED = "damage.deleted"
MASKED = "damage.masked"

ENOUGH_GAPS = 2000
"""Gaps of one page that are weighed: more than that is no text with words missing."""

SPACED = 6
"""Ideographs for each blank between two of them below which a line is spaced out, not cut."""

_HAN = "\u4e00-\u9fff"

BLANK = rf" (?=[{_HAN}\u3001\uff0c\u3002])(?<=[{_HAN}] )(?<![\u6761\u689d\u7ae0\u8282\u7bc0] )"
"""A blank between ideographs, but not behind the number of an article, chapter or section."""


def _beside(pairs: Iterable[str]) -> str:
    """Return a pattern of two characters that matches each of `pairs`, and not much else."""
    return "".join(f"[{re.escape(''.join(sorted(set(chars))))}]" for chars in zip(*pairs, strict=True))


TELLING_BLANK = rf"{BLANK}(?:(?<={_beside(telling()[0])} )|(?={_beside(telling()[1])}))"
"""A blank that stands beside what speaks for a word; nothing is known of any other. No page has more than a few."""

MARKS = r"\*\*|\uff0a\uff0a|\u25a1\u25a1|\xd7\xd7|XX|xx|\u67d0\u67d0"

_MASK = re.compile(
    r"(?P<mask>\*{3,20}|\uff0a{2,20}|\u25a1{2,20})|(?P<letters>\xd7{2,6}|X{2,4}|x{2,4}|\u67d0\u67d0)"
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


_NO_WORDS: frozenset[str] = frozenset()


class _Gap(NamedTuple):
    """A blank or a mask; the text goes on at `behind`.

    `kind`: "mask", "letters" (XX and the like), "torn" (a blank before what begins no phrase), "blank". `near` are the
    words that may have a strong neighbour beside it.
    """

    start: int
    end: int
    behind: int
    kind: str
    near: frozenset[str]


Scores = Mapping[str, Fit]
"""How well each word that may be missing fits into a gap."""


def find_gaps(
    text: str,
    places: Sequence[int],
    *,
    title: str | None,
    siblings: Sequence[str],
    is_traditional: Callable[[str], bool],
) -> Iterator[Spot]:
    """Yield the gaps of `text` among `places` (where `TELLING_BLANK` or one of `MARKS` stands) that a missing word
    explains.

    `title` and the page's own headings are evidence that something is missing; `siblings`, the texts of the site's other
    pages, only for which word it is.
    """
    near_by = (
        (at, near(text[max(0, at - 2) : at], text[at + 1 : at + 3]) if text[at] == " " else None) for at in places
    )
    signs = list(islice(((at, words) for at, words in near_by if words is None or words), ENOUGH_GAPS))
    if not signs:
        return
    sentences = Sentences(text)
    gaps = list(_gaps(text, signs, sentences))
    words = _missing(gaps, sentences)
    headings = [title or "", sentences.text(running=False)] if words else []
    # First whatever the lines look like: nearly always nothing is left to be asked of them.
    words = _explained(words, text, gaps, headings)
    if not words:
        return
    plain: dict[int, bool] = {}
    gaps = [gap for gap in gaps if _is_in_plain_line(gap, sentences, plain)]
    told = {word: _source(word, headings, siblings) for word in _explained(words, text, gaps, headings)}
    if told:
        yield from _spots(text, gaps, told, traditional=is_traditional(text))


def _spots(text: str, gaps: Sequence[_Gap], told: Mapping[str, str], *, traditional: bool) -> Iterator[Spot]:
    """Yield those of `gaps` that the accepted words explain; `told` says of each where it is said, if anywhere."""
    scores = [{word: fits(word, text, gap.start, gap.behind) for word in told} for gap in gaps]
    strong = {word: sum(STRONG in score[word][:2] for score in scores) for word in told}
    best_words = [_best(gap, score) for gap, score in zip(gaps, scores, strict=True)]
    masked = any(gap.kind == "mask" and best for gap, best in zip(gaps, best_words, strict=True))
    for gap, score, best in zip(gaps, scores, best_words, strict=True):
        rule = DELETED if gap.kind in ("blank", "torn") else MASKED
        if best:
            said = [word for word in best if told[word]]
            word = min(said or best)
            sure = 1 in (len(said), len(best)) and (said or _is_sure(score[word], strong[word]))
            fill = in_script(word, traditional=traditional) if sure else ""
            why = f"{word} fits, and the sentences never say it; {told[word] or 'the usual word there'}"
            yield Spot(gap.start, gap.end, rule, fill, why)
        elif masked and gap.kind == "mask":
            yield Spot(gap.start, gap.end, rule, "", "a mask as on the rest of the page")


def _source(word: str, headings: Sequence[str], siblings: Sequence[str]) -> str:
    """Return where `word` is said, if anywhere."""
    if mentioned(word, headings):
        return "in the title or a heading"
    return "on the site's other pages" if mentioned(word, siblings) else ""


def _missing(gaps: Iterable[_Gap], sentences: Sentences) -> Sequence[str]:
    """Return the words that the running text never says, of those that have a strong neighbour beside some gap."""
    if not (beside := _NO_WORDS.union(*(gap.near for gap in gaps))):
        return ()
    return missing([word for word in FILTERED if word in beside], sentences.text(running=True))


def _explained(words: Iterable[str], text: str, gaps: Sequence[_Gap], headings: Sequence[str]) -> Sequence[str]:
    """Return those of `words` that `gaps` show to have been taken out of their page."""
    return [word for word in words if _is_explained(word, text, gaps, mentioned(word, headings))]


def _is_explained(word: str, text: str, gaps: Sequence[_Gap], is_topic: bool) -> bool:
    """Return whether the gaps of a page show that `word`, which its headings may name, was taken out of it.

    Fewer gaps never show more.
    """
    scores = ((gap.kind, fits(word, text, gap.start, gap.behind)) for gap in gaps if word in gap.near)
    fitting = [(kind, score) for kind, score in scores if STRONG in score[:2]]
    both = sum(min(score[:2]) > 0 for _, score in fitting)
    signs = sum(kind == "mask" for kind, _ in fitting)
    torn = any(kind == "torn" and min(score[:2]) == STRONG for kind, score in fitting)
    return bool(fitting) and (is_topic or signs > 0 or torn or (len(fitting) > 1 and both > 0))


def _is_sure(fit: Fit, strong: int) -> bool:
    """Return whether a fit is good enough to fill a gap: strong on both sides, or on one and not on this gap alone.

    `strong` counts the page's gaps where the word has a strong neighbour.
    """
    return fit.before + fit.after > STRONG + (strong < 2)


def _best(gap: _Gap, scores: Scores) -> list[str]:
    """Return the words that fit a gap best, if any does: where one neighbour is strong, or both speak for it."""
    need = STRONG + 1 if gap.kind == "letters" else STRONG
    sums = {
        word: (fit.before + fit.after, fit.length)
        for word, fit in scores.items()
        if fit.before + fit.after >= need
    }
    best = max(sums.values(), default=None)
    return [word for word, score in sums.items() if score == best]


def _gaps(text: str, signs: Iterable[tuple[int, frozenset[str] | None]], sentences: Sentences) -> Iterator[_Gap]:
    """Yield the gaps that stand in running text between ideographs.

    `signs` are places in order; with that of a blank come the words near it.
    """
    end = -1
    for place, words in signs:
        if place < end or not sentences.hold(place):
            continue
        if words is not None:
            end = place + 1
            yield _Gap(place, end, end, "torn" if text[end] in _CLINGING else "blank", words)
        elif found := _MASK.match(text, place):
            start, end = found.span()
            if _stands_free(text, start, end):
                # a blank beside a mask goes with it
                start -= text[start - 1 : start] == " "
                behind = end + (text[end : end + 1] == " ")
                beside = near(text[max(0, start - 2) : start], text[behind : behind + 2])
                yield _Gap(start, end, behind, str(found.lastgroup), beside)


def _is_in_plain_line(gap: _Gap, sentences: Sentences, known: dict[int, bool]) -> bool:
    """Return whether the line of `gap` is plain; `known` keeps the answers by number of the line."""
    number = sentences.number(gap.start)
    if number not in known:
        known[number] = _is_plain(sentences.lines[number])
    return known[number]


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
