"""What one page says about its own damage: which characters are annotated, every time or only sometimes.

In a damaged page a table character is annotated *every* time: wherever the reader sees such a character bare inside
the damaged part, it cannot be in the table (a character's two bytes shown side by side are a window that the machine
looked at). Learners' texts and glosses break this rule, or annotate what no table holds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from cleaning.repair.badness import count_marked, model
from cleaning.repair.readings import Reading, begins, is_han, is_traditional, is_usual, reads
from cleaning.repair.tokens import NATIVE, REPLACED, Token, first_reading, is_machine_made, tokens

FEW_HITS = 2
"""Hits on frequent Traditional characters with their usual reading that prove a text without any bare one."""

WRONG_HETERONYM = ("\u8457", Reading("zhu", "4"))
"""\u96a8\u8457(zh\xf9): the particle is read zhe, so nobody glosses it like this. (GB 2312 has the character, too.)"""

FREQUENT = -10.9
"""Natural log of how often a frequent character begins a word, by the bigram model: \u9019 has -5.5, \u8cb8 -9.4, \u511f
-10.3; \u95a9, \u8d1b and \u95bb, which people explain, -11.1 and less."""

HEADWORD = -9.3
"""Natural log: the same for a character that is no headword of anything."""

FEW_CHARACTERS = 2
"""Characters that agree with the site's table: as many prove a page."""

DENSE = 0.8
"""Share of annotated ideographs above which aligned hits prove nothing: a learner's text has a reading behind nearly
every character, while of Traditional text some 40% is not Simplified as well."""

MANY_HITS = 30
"""As many on whatever characters prove a text where each is annotated every time and half of the text is not: a learner's
text has a reading behind nearly every character or behind each new one once, and a gloss stands alone."""

MANY_CHARACTERS = 8
"""As many prove a text even if some stand bare in other parts of it (a template around a damaged article)."""


@lru_cache(maxsize=8192)
def is_frequent(char: str) -> bool:
    """Return whether `char` is so frequent that nobody explains how to read it."""
    return char <= "\uffff" and float(model().begin[ord(char)]) >= FREQUENT


@dataclass(frozen=True, slots=True)
class Line:
    """A line that holds insertions: `start` is its offset in the text, `places` those of its tokens in the line.

    `marked` counts the insertions behind a stranded byte.
    """

    start: int
    text: str
    tokens: tuple[Token, ...]
    places: tuple[int, ...]
    marked: int

    def between(self, start: int, end: int) -> tuple[Token, ...]:
        """Return the tokens that begin in `start`:`end`."""
        return self.tokens[bisect_left(self.places, start) : bisect_left(self.places, end)]

    def token_at(self, start: int) -> Token | None:
        """Return the token that begins at `start`, if one does."""
        return next(iter(self.between(start, start + 1)), None)


def find_lines(text: str) -> Iterator[Line]:
    """Yield the lines of `text` that hold insertions or marks before replaced punctuation."""
    start = 0
    for line in text.split("\n"):
        found = tokens(line) if ")" in line or "(" in line or "\uff09" in line else []
        if found or REPLACED.search(line):
            places = tuple([token.start for token in found])
            yield Line(start, line, tuple(found), places, sum([bool(token.mark) for token in found]))
        start += len(line) + 1


@dataclass(slots=True)
class PageEvidence:
    """The observations of one page; `insertions` is the table read off it (most frequent string per character)."""

    observed: Counter[tuple[str, str]] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    bare: Counter[str] = field(default_factory=Counter)
    bare_anywhere: Counter[str] = field(default_factory=Counter)
    text: str = ""
    lines: Sequence[Line] = ()
    extent: tuple[int, int] = (0, 0)
    inside: Counter[str] = field(default_factory=Counter)
    everywhere: Counter[str] = field(default_factory=Counter)
    cut_off: set[str] = field(default_factory=set)
    marked: int = 0
    insertions: dict[str, str] = field(default_factory=dict)

    def is_bare(self, char: str) -> bool:
        """Return whether `char` stands somewhere inside the damage without its insertion."""
        return self.bare[char] > 0 if char in self.insertions else self.inside[char] > 0

    def coverage(self, traditional: bool) -> float:
        """Return which share of the characters inside the damage is annotated: of Traditional ones, or of the others.

        What a large table annotates is nearly everything, so a character that was never seen is likely to be in it.
        """
        shown = [
            char for char in self.inside if is_traditional(char) is traditional and "\u4e00" <= char <= "\u9fff"
        ]
        annotated = sum(char in self.insertions and not self.bare[char] for char in shown)
        return (annotated + 0.5) / (len(shown) + 1)


def observe(text: str, lines: list[Line]) -> PageEvidence:
    """Return what `lines` of `text` show."""
    page = PageEvidence(text=text, lines=lines, extent=_extent(lines))
    aligned = [token for line in lines for token in line.tokens if token.char]
    page.marked = sum([line.marked for line in lines])
    page.observed = Counter([(token.char, token.inserted) for token in aligned if not token.is_cut_off])
    page.cut_off.update(
        token.char
        for token in aligned
        if token.is_cut_off and begins(token.char, token.reading) and is_traditional(token.char)
    )
    holding = [line for line in lines if line.tokens]
    damaged = [line.text[max(0, line.tokens[0].start - 1) : line.tokens[-1].end] for line in holding]
    inside = page.inside = _counted("".join(damaged))
    page.insertions = _majority(page.observed)
    everywhere = page.everywhere = _counted(text)
    hits = page.hits = _hits(page.observed)
    page.bare = Counter({char: max(0, inside[char] - times) for char, times in hits.items()})
    page.bare_anywhere = Counter({char: max(0, everywhere[char] - times) for char, times in hits.items()})
    return page


def _counted(text: str) -> Counter[str]:
    """Return how often each character stands in `text`."""
    return Counter(NATIVE.counted(text) if NATIVE is not None else text)


def _extent(lines: list[Line]) -> tuple[int, int]:
    """Return where the damage begins and ends in the text: from before the first insertion to behind the last."""
    holding = [line for line in lines if line.tokens]
    if not holding:
        return 0, 0
    first, last = holding[0], holding[-1]
    return max(0, first.start + first.tokens[0].start - 1), last.start + last.tokens[-1].end


def _majority(observed: Mapping[tuple[str, str], int]) -> dict[str, str]:
    ordered = sorted(observed)
    if len(only := dict(ordered)) == len(ordered):  # no character with two strings
        return only
    best: dict[str, tuple[int, str]] = {}
    for char, inserted in ordered:
        times = observed[char, inserted]
        if char not in best or times > best[char][0]:
            best[char] = (times, inserted)
    return {char: inserted for char, (_, inserted) in best.items()}


def _hits(observed: Mapping[tuple[str, str], int]) -> Counter[str]:
    hits: Counter[str] = Counter()
    for (char, _), times in observed.items():
        hits[char] += times
    return hits


def accepted(
    page: PageEvidence, given: Mapping[str, str], site_chars: frozenset[str], *, shifted: bool
) -> dict[str, str]:
    """Return the table to undo on this page: empty where nothing proves damage.

    `given` and `site_chars` are the site's table: what they name is damage wherever it stands. `shifted` says whether a
    shifted run was solved: nothing but this machine makes one.
    """
    plausible = {char: inserted for char, inserted in page.insertions.items() if _plausible(page, char, inserted)}
    from_site = {
        char: inserted
        for char, inserted in page.insertions.items()
        if given.get(char) == inserted or char in site_chars
    }
    if not (shifted or _proven(page, plausible) or len(from_site) >= FEW_CHARACTERS):
        return from_site
    return plausible | from_site


def _plausible(page: PageEvidence, char: str, inserted: str) -> bool:
    """Return whether `char` may be in the page's table: never bare inside the damage, and read so."""
    times = page.hits[char]
    return page.bare[char] * 4 <= times and (times >= 3 or _is_read_so(char, inserted))


@lru_cache(maxsize=8192)
def _is_read_so(char: str, inserted: str) -> bool:
    """Return whether `char` can be read as `inserted` says.

    The tone may be that of another word which its Simplified form writes as well: \u767c as in \u9aee, f\xe0.
    """
    reading = first_reading(inserted)
    return reads(char, reading._replace(tone="") if is_traditional(char) else reading)


def _weighty_lines(page: PageEvidence) -> tuple[list[Line], int]:
    """Return the lines that may prove damage, and how many ideographs they hold.

    Each line once, as a heading comes again in a list, and none of a learner's, in which nearly every character has
    its reading.
    """
    lines = {line.text: line for line in page.lines if line.tokens}.values()
    counted = [(line, count_marked(line.text, _ideographs())) for line in lines]
    weighty = [(line, han) for line, han in counted if len(line.tokens) < 3 or len(line.tokens) <= DENSE * han]
    return [line for line, _ in weighty], sum([han for _, han in weighty])


@cache
def _ideographs() -> NDArray[np.uint8]:
    """Return 1 for each code point of the basic plane that `is_han`."""
    table = np.zeros(1 << 16, dtype=np.uint8)
    table[0x4E00:0xA000] = 1
    return table


def _proven(page: PageEvidence, plausible: Mapping[str, str]) -> bool:
    """Return whether aligned hits alone prove that a machine annotated this page.

    A blank inside the brackets or a repeated reading is nobody's typing. Without such a thing: nearly all hits are of
    the typical kind and no such character is ever bare; or many are (or fewer, again and again), whatever a template
    around them shows; or some are and every annotated character is annotated every time, again and again. A text with
    a reading behind every character is a learner's, not a machine's.
    """
    lines, han = _weighty_lines(page)
    hits = Counter([token.char for line in lines for token in line.tokens if token.char and not token.is_cut_off])
    total = sum(hits.values())
    annotated = {char for char, inserted in plausible.items() if char in hits and _is_typical(char, inserted)}
    typical = {char for char in annotated if _is_usual(char, plausible[char])}
    typical_hits = sum([hits[char] for char in typical])
    annotated_hits = sum([hits[char] for char in annotated])
    density = total / max(1, han)
    if is_machine_made("\n".join(plausible.values())):
        return True
    if not total:
        return False
    odd_few = annotated_hits * 5 >= total * 4 and typical_hits * 2 >= annotated_hits
    if odd_few and not any(page.bare_anywhere[char] for char in annotated):
        telling = _telling(lines, {char for char in typical if is_frequent(char)})
        by_hand = all(inserted[0] == "\uff08" for inserted in plausible.values())
        enough = telling + len(page.cut_off) >= (MANY_CHARACTERS if by_hand else FEW_HITS)
        return enough and density <= DENSE
    again = typical_hits - len(typical)
    if typical_hits * 5 >= total * 4 and density < 0.6 and _is_one_part(page, hits, typical):
        return True
    many = len(typical) >= MANY_CHARACTERS or (len(typical) >= 4 and again >= 3)
    if many and typical_hits * 2 >= total and density < 0.9:
        return sum(page.bare[char] for char in typical) * 20 <= typical_hits
    if any(page.bare_anywhere[char] for char in hits) or density > 0.6:
        return False
    if len(hits) >= MANY_CHARACTERS and total >= MANY_HITS and total * 2 >= len(hits) * 3 and density < 0.5:
        return True
    if len(typical) < 3 or typical_hits * 5 < total:
        return False
    return total >= 10 and total * 10 >= 13 * len(hits)


def _telling(lines: Sequence[Line], chars: set[str]) -> float:
    """Return how many hits on `chars` nobody would have typed; a rarer character's second and later ones count half.

    A character that stands for itself, as in a list of words to learn, tells nothing; one character alone may be a
    headword, annotated at each mention, unless it is among the most frequent.
    """
    times: Counter[str] = Counter()
    for line in lines:
        for token in line.tokens if sum(times.values()) < MANY_HITS else ():
            if token.char in chars and _is_in_words(line.text, token):
                times[token.char] += 1
    if len(times) == 1 and not _is_no_headword(*times):
        return 0.0
    return sum(count if _is_no_headword(char) else 1 + (count - 1) / 2 for char, count in times.items())


@lru_cache(maxsize=8192)
def _is_no_headword(char: str) -> bool:
    return float(model().begin[ord(char)]) >= HEADWORD


def _is_in_words(line: str, token: Token) -> bool:
    """Return whether an ideograph, or another insertion, stands on either side of an annotated character."""
    before = line[token.start - 2 : token.start - 1]
    after = line[token.end : token.end + 1]
    return before == ")" or any(map(is_han, before + after))


def _is_one_part(page: PageEvidence, hits: Counter[str], typical: set[str]) -> bool:
    """Return whether one part of the text is annotated as machines do it: never bare between first and last hit.

    People who annotate a character once do it where it first stands: so it must be annotated again, or stand bare
    before the part.
    """
    first, last = page.extent
    bare = [char for char in typical if page.everywhere[char] > hits[char]]
    between = Counter(page.text[first:last] if bare else "")
    if any(between[char] > hits[char] for char in bare):
        return False
    frequent = [char for char in typical if is_frequent(char)]
    if len(frequent) >= 3 and sum(hits[char] - 1 for char in typical) >= 2:
        return True
    before = set(page.text[:first])
    return len(frequent) >= 4 and any(char in before for char in frequent)


@lru_cache(maxsize=8192)
def _is_usual(char: str, inserted: str) -> bool:
    """Return whether the reading in `inserted` is the usual one of `char`."""
    return is_usual(char, first_reading(inserted))


@lru_cache(maxsize=8192)
def _is_typical(char: str, inserted: str) -> bool:
    """Return whether this is an annotation of the kind that tables make: of a character that only Traditional has.

    At its usual reading, people make none such; at another one they may gloss it.
    """
    return is_traditional(char) or (char, first_reading(inserted)) == WRONG_HETERONYM
