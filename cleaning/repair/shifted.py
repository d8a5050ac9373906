"""The search that undoes a shifted run: from the mark of a stranded byte to where the stream is in step again.

What is known in a run: every shown character's bytes, in order. What is not: the byte under each mark. A mark before
an insertion is the second byte of the window that was hit, so the table and the reading leave few choices; a mark
before anything else is the second byte of a true character whose first byte is known. The parse of the true text
is then fixed by the bytes alone; hypotheses differ only in the unknown bytes and meet again one character later. So the
search keeps a handful of them and costs the same per character, however long the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from cleaning.repair.badness import bigram_score, model
from cleaning.repair.effort import Budget
from cleaning.repair.gbk_bytes import BYTES, CHARS, INVALID_BYTE_BASE, REPLACEMENT, is_lead, is_private, is_trail
from cleaning.repair.readings import is_common, is_traditional, is_usual, with_lead
from cleaning.repair.tokens import PUNCTUATION, Token

BEAM = 24
"""Hypotheses kept: no reading has more candidates under one lead byte that are worth keeping."""

UNKNOWN_ENTRY = -4.0
"""Natural log: a character that the page never annotates elsewhere, where its table is small."""

CONTRADICTED = -15.0
"""Natural log: a character that stands bare on the page or is annotated with another string."""

UNUSUAL = -2.5
"""Natural log: a reading that is not the character's usual one."""

RARE = -3.0
"""Natural log: a character outside everyday use."""

CLEAR = 7.0
"""Natural log: by how much a reading must beat what any other entry would make of the bytes to be beyond doubt."""

UNCOMMON = -6.0
"""Natural log: what a torn hit would restore is no character of everyday use (kana share bytes with Chinese)."""

UNSEEN = -1.5
"""Natural log: the character it would restore stands nowhere else on the page."""

SEEN_ON_PAGE = 2.0
"""Natural log, for each doubling: the pair of characters occurs elsewhere on the page."""

CLOSING = 6.0
"""Natural log: a quotation mark or bracket that closes one which stands open in the line."""

SENTENCE = 120
"""Characters before a lost byte among which an open quotation mark or bracket is looked for."""

_PAIRED = dict(zip("\u201c\u2018\u300c\u300e\uff08\u300a", "\u201d\u2019\u300d\u300f\uff09\u300b", strict=True))

FIELD_WORD = 6.0
"""Natural log: a pair that is a word of this field."""

FIELD_WORDS = frozenset(
    re.findall("..", "催款貸款贷款還款还款借款回款欠款罰款存款匯款汇款催收逾期借貸借贷網貸网贷債務债务信用金融")
)
"""Two-character words on which articles about overdue loans turn: where nothing else decides, they do."""

USER_DEFINED_LEADS = (*range(0xAA, 0xB0), *range(0xF8, 0xFF), *range(0xA1, 0xA8))
"""Lead bytes of the user-defined areas AAA1..AFFE, F8A1..FEFE and A140..A7A0."""

_TRAILS = range(0x81, 0xFF)

_MARKS = "?" + REPLACEMENT


class Hit(NamedTuple):
    """A table entry that a run relies on; `sure` where no other entry explains the same bytes as well.

    `rivals` are the other entries that do: what each would make of the next true character ("" where that is not
    known), and by how much it is less likely (natural log) to be in the table.
    """

    char: str
    inserted: str
    sure: bool
    rivals: tuple[tuple[str, float], ...] = ()


class Hypothesis(NamedTuple):
    """A partial reading of a run: `pending` is a true lead byte whose trail has not come yet (-1: none).

    `found` is a linked chain of true characters and of hits, each hit before the character that it decides on.
    """

    score: float
    last: str
    pending: int
    found: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Solution:
    """A run undone: it ends at `end` (offset in the line) and reads `text`.

    `guessed` counts true characters chosen by the language model alone; `odd` says that it reads so, or relies on such
    an entry, that something may have been lost from it.
    """

    end: int
    text: str
    hits: tuple[Hit, ...]
    guessed: int
    odd: bool = False


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known when a run is read.

    `insertions` is the table (`by_lead`: lead byte and inserted string -> its characters), `site_chars` characters
    known to be in the site's; `is_bare` tells characters that stand without insertion, `is_foreign` those of the
    script that the page is not written in, `is_seen` those that stand on it, `pair_count` how often a pair stands
    on it. `lost_ascii` is the page's usual sentence mark. `coverage` is how large the table is: which share of the
    (other, Traditional-only) characters it annotates.
    """

    insertions: Mapping[str, str]
    site_chars: frozenset[str]
    is_bare: Callable[[str], bool]
    pair_count: Callable[[str], int]
    lost_ascii: str
    by_lead: Mapping[tuple[int, str], tuple[str, ...]]
    is_foreign: Callable[[str], bool]
    is_seen: Callable[[str], bool]
    coverage: tuple[float, float]
    budget: Budget


@lru_cache(maxsize=1 << 16)
def _likelihood(left: str, right: str) -> float:
    """Return log P(right | left): `badness.bigram_score` without the cost of arrays."""
    if left > "\uffff" or right > "\uffff":
        return bigram_score(left, right)
    tables = model()
    first, second = ord(left), ord(right)
    if tables.ids[first] and tables.ids[second]:
        key = np.uint32(tables.ids[first] << 14 | tables.ids[second])
        place = int(tables.pairs.searchsorted(key))
        if place < len(tables.pairs) and tables.pairs[place] == key:
            return float(tables.values[place])
    return float(tables.boundary[first] + tables.begin[second])


def _unwind(chain: tuple[object, ...]) -> list[object]:
    """Return the items of a linked chain (rest, item), first to last."""
    items: list[object] = []
    while chain:
        rest, item = chain
        items.append(item)
        assert isinstance(rest, tuple)
        chain = rest
    return items[::-1]


class Run:
    """One attempt to read a run of `line` that starts at a marked insertion. Use `solve`."""

    def __init__(self, line: str, by_start: Mapping[int, Token], known: Knowledge) -> None:
        self.line = line
        self.by_start = by_start
        self.known = known
        self.since = 0  # bytes since the last insertion: a window never reaches over one
        self.tail = 0  # the last byte, where since > 0
        self.before_tail = 0
        self.before = ""  # the character before the run
        self.guessed = 0
        self.dropped_at = -1
        self.alone = True  # one hypothesis left: nothing to weigh, so the model is not asked

    def solve(self, start: int, dropped_at: int = -1) -> Solution | None:
        """Return the run that begins with the insertion at `start`, or None where its bytes do not read as text.

        `dropped_at`: an offset where a private-use character is taken to have been lost in copying, -1 for none.
        """
        self.dropped_at = dropped_at
        self.known.budget.left -= 10
        previous = self.before = self.line[start - 1]
        self._pass_bytes(BYTES[previous])
        return self._follow([Hypothesis(0.0, previous, -1)], start)

    def solve_punctuation(self, start: int) -> Solution | None:
        """Return the run that begins with a mark at `start` and the full-width mark behind it, which was replaced.

        The replaced mark's first byte ends a true character whose lead is under the mark; its second is pending.
        """
        if self.known.budget.left <= 0:
            return None
        previous = self.before = self._true_char_before(start)
        first, second = BYTES[self.line[start + 1]]
        self.guessed = 1
        self.alone = False
        beam = [
            self._extend(Hypothesis(0.0, previous, -1), true, second, self._familiar(previous + true))
            for true in _of_trail(first)
        ]
        self._pass_bytes(bytes([second]))
        return self._follow(_prune(beam), start + 2)

    def _true_char_before(self, at: int) -> str:
        """Return the character before `at`, or before the insertion that ends there."""
        opening = self.line.rfind("(", max(0, at - 12), at) if self.line[at - 1] == ")" else at
        return self.line[max(0, opening - 1)]

    def _follow(self, beam: list[Hypothesis], at: int) -> Solution | None:
        """Return the run that `beam` and what stands at `at` lead to."""
        while beam and self.known.budget.left > 0:
            self.alone = len(beam) == 1
            step = self._step(beam, at)
            if step is None:
                return self._finish(beam, at)
            at, beam = step
        return None

    def _finish(self, beam: list[Hypothesis], at: int) -> Solution | None:
        if beam[0].pending >= 0:
            return None
        following = self.line[at] if at < len(self.line) else "\n"
        best = max(beam, key=lambda one: one.score + _likelihood(one.last, following))
        found = _unwind(best.found)
        text = "".join(item for item in found if isinstance(item, str))
        return Solution(at, text, tuple(self._weighed(found, text, following)), self.guessed)

    def _weighed(self, found: list[object], text: str, following: str) -> Iterator[Hit]:
        """Yield the hits among `found`, which read `text`: sure where no rival reads nearly as well."""
        number = 0
        for item in found:
            if isinstance(item, Hit):
                before = text[number - 1] if number else self.before
                around = (text[number : number + 2] + following)[:2]
                yield Hit(
                    item.char, item.inserted, not any(self._rivals(before, around, *one) for one in item.rivals)
                )
            else:
                number += 1

    def _rivals(self, before: str, around: str, other: str, less: float) -> bool:
        """Return whether `other` in place of the first character of `around` is a second explanation."""
        if not other:
            return less < CLEAR
        true, after = around[0], around[1]
        gain = _likelihood(before, true) + _likelihood(true, after) + self._seen_pairs(before, true, after)
        loss = _likelihood(before, other) + _likelihood(other, after) + self._seen_pairs(before, other, after)
        return less + gain - loss < CLEAR

    def _seen_pairs(self, before: str, char: str, after: str) -> float:
        return self._familiar(before + char) + self._familiar(char + after)

    def _step(self, beam: list[Hypothesis], at: int) -> tuple[int, list[Hypothesis]] | None:
        """Return (next offset, hypotheses) after what stands at `at`, or None where the run is over."""
        pending = beam[0].pending >= 0
        token = self.by_start.get(at)
        if token is not None and token.mark:
            if self.since == 0 or not is_lead(self.tail):
                return (at, []) if pending else None
            grown = self._torn_true_hit(beam, token) if pending else self._torn_hit(beam, token)
            self.since = 0
            return token.end, grown
        if token is not None and (passed := self._whole_hit(beam, token)) is not None:
            self.since = 0
            return token.end, passed
        if not pending:
            return None
        if at == self.dropped_at:
            self.dropped_at = -1
            self.guessed += 1
            return at, self._dropped(beam, at)
        if at >= len(self.line):
            return at, []
        return self._shown(beam, at)

    def _dropped(self, beam: list[Hypothesis], at: int) -> list[Hypothesis]:
        """Return the hypotheses behind a lost private-use character: two lost bytes of a user-defined pair."""
        following = _first_byte(self.line, at)
        if not is_trail(following):
            return []
        grown: list[tuple[float, Hypothesis]] = []
        self.alone = False
        for one in beam[:4]:
            ends = [CHARS[one.pending << 8 | lead] for lead in USER_DEFINED_LEADS]
            firsts = [self._extend(one, true, -1) for true in ends if is_common(true)]
            for first in sorted(firsts, key=lambda two: -two.score)[:6]:
                self.known.budget.left -= len(_TRAILS)
                for lead in _TRAILS:
                    second = CHARS[lead << 8 | following]
                    if is_common(second) and _is_user_defined(BYTES[first.last][1], lead):
                        rank = first.score + _likelihood(first.last, second)
                        grown.append((rank, first._replace(pending=lead)))
        return [one for _, one in sorted(grown, key=lambda two: (-two[0], two[1].pending, two[1].last))[:BEAM]]

    def _pass_bytes(self, data: bytes) -> None:
        for byte in data:
            self.before_tail, self.tail = self.tail, byte
        self.since += len(data)

    def _whole_hit(self, beam: list[Hypothesis], token: Token) -> list[Hypothesis] | None:
        """Return the hypotheses behind an insertion that tore nothing, or None where it is no insertion."""
        if self.since < 2 or not (is_lead(self.before_tail) and is_trail(self.tail)):
            return None
        char = CHARS[self.before_tail << 8 | self.tail]
        if self.known.insertions.get(char) != token.inserted and char not in self.known.site_chars:
            return None
        hit = Hit(char, token.inserted, True)
        return [one._replace(found=(one.found, hit)) for one in beam]

    def _entries(self, lead: int, token: Token) -> Iterator[tuple[str, float]]:
        """Yield (character, log weight) of the table entries that the mark's window may be."""
        mark = ord(token.mark) - INVALID_BYTE_BASE
        for char in _candidates(lead, token, self.known):
            if mark > 0 and BYTES[char][1] != mark:
                continue
            entry = self.known.insertions.get(char)
            weight = 0.0 if is_common(char) else RARE
            if entry is None:
                weight += 0.0 if char in self.known.site_chars else self._unknown(char)
                weight += CONTRADICTED if self.known.is_bare(char) else 0.0
                weight += 0.0 if is_usual(char, token.reading) else UNUSUAL
            elif entry != token.inserted:
                weight += CONTRADICTED
            yield char, weight

    def _unknown(self, char: str) -> float:
        """Return the weight of an entry that the page shows nowhere else."""
        return UNKNOWN_ENTRY * (1.0 - self.known.coverage[is_traditional(char)])

    def _familiar(self, pair: str) -> float:
        """Return the weight of a pair of characters for standing elsewhere on the page."""
        known = (FIELD_WORD if pair in FIELD_WORDS else 0.0) + (
            UNCOMMON if self.known.is_foreign(pair[1]) else 0.0
        )
        return known + SEEN_ON_PAGE * min(4, self.known.pair_count(pair).bit_length())

    def _makes(self, lead: int, trail: int) -> float:
        """Return the log weight of the character that `lead` begins (`trail` unknown: -1); positive if it is none."""
        if trail < 0:
            return 0.0
        if not is_trail(trail) or is_private(char := CHARS[lead << 8 | trail]):
            return 1.0
        if not is_common(char) or self.known.is_foreign(char):
            return UNCOMMON
        return 0.0 if self.known.is_seen(char) else UNSEEN

    def _torn_hit(self, beam: list[Hypothesis], token: Token) -> list[Hypothesis]:
        """Return the hypotheses behind a hit across two true characters: the mark is the second one's lead."""
        entries = list(self._entries(self.tail, token))
        following = _first_byte(self.line, token.end)
        rated = [
            (char, weight + made)
            for char, weight in entries
            if (made := self._makes(BYTES[char][1], following)) <= 0.0
        ]
        hits = {char: self._hit(char, token, rated, following) for char, _ in rated}
        grown = [
            Hypothesis(one.score + weight, one.last, BYTES[char][1], (one.found, hits[char]))
            for one in beam
            for char, weight in rated
        ]
        return _prune(grown)

    def _torn_true_hit(self, beam: list[Hypothesis], token: Token) -> list[Hypothesis]:
        """Return the hypotheses behind a hit on a true character inside a run: the mark is its second byte."""
        rated = list(self._entries(self.tail, token))
        self.alone = len(rated) * len(beam) == 1
        hits = {char: self._hit(char, token, rated, None) for char, _ in rated}
        grown = [
            self._extend(one._replace(found=(one.found, hits[char])), char, -1, weight)
            for one in beam
            for char, weight in rated
        ]
        return _prune(grown)

    def _hit(self, char: str, token: Token, rated: list[tuple[str, float]], following: int | None) -> Hit:
        """Return the hit on `char` with its rivals among `rated`; `following` is the trail byte, None: `char` is true."""
        own = dict(rated)[char]
        rivals = []
        for other, weight in rated if len(rated) > 1 else ():
            if other == char or weight < CONTRADICTED / 2 or not is_common(other):
                continue
            made = self._makes(BYTES[other][1], following) if following is not None else 0.0
            if UNCOMMON < made <= 0.0:
                rivals.append((_made_of(other, following), own - weight))
        return Hit(char, token.inserted, not rivals, tuple(rivals))

    def _shown(self, beam: list[Hypothesis], at: int) -> tuple[int, list[Hypothesis]]:
        """Return the hypotheses behind one shown character, where a true lead byte is pending."""
        char = self.line[at]
        data = BYTES[char]
        if char in _MARKS:
            self.guessed += 1
            self.alone = False
            self.since = 0
            grown = self._guess(beam, at + 1)
            lost = self._swallowed(at + 1)
            return at + 1, [self._extend(one, lost, -1) for one in grown] if lost else grown
        if INVALID_BYTE_BASE < ord(char) <= INVALID_BYTE_BASE + 0xFF:
            data = bytes([ord(char) - INVALID_BYTE_BASE])
        if not data or not is_trail(data[0]) or (len(data) == 2 and data[1] == 0x80):
            return at, []
        self._pass_bytes(data)
        grown = []
        for one in beam:
            true = CHARS[one.pending << 8 | data[0]]
            if is_private(true):
                continue
            if len(data) == 1:
                grown.append(self._extend(one, true, -1))
            elif is_lead(data[1]):
                weight = 0.0 if self.alone else self._familiar(one.last + true)
                grown.append(self._extend(one, true, data[1], weight))
            else:
                grown.append(self._extend(self._extend(one, true, -1), chr(data[1]), -1))
        return at + 1, _prune(grown)

    def _swallowed(self, after: int) -> str:
        """Return what a swallowing decoder took along with the byte marked before `after`: "" where nothing is lost.

        Where the byte after a stranded lead stayed, it is below 0x40, or the line ends, or it is punctuation that the
        machine replaced. Anything else could have been its trail, so some byte 0x21..0x3F went with it.
        """
        if after >= len(self.line) or self.line[after] in PUNCTUATION or _first_byte(self.line, after) < 0x40:
            return ""
        return self.known.lost_ascii

    def _guess(self, beam: list[Hypothesis], after: int) -> list[Hypothesis]:
        """Return the likeliest characters that each pending lead byte and a lost byte can make.

        What follows weighs in the choice only: it is scored when its turn comes.
        """
        following = self.line[after] if after < len(self.line) else "\n"
        closing = self._open_pair(after)
        rated: list[tuple[float, Hypothesis]] = []
        for one in beam[:6]:
            for true in _of_lead(one.pending):
                weight = self._familiar(one.last + true)
                if following == "\n":
                    weight += self._familiar(true + following) / 2
                if true == closing:
                    weight += CLOSING
                grown = self._extend(one, true, -1, weight)
                rated.append((grown.score + _likelihood(true, following), grown))
        rated.sort(key=lambda two: (-two[0], two[1].last))
        return [grown for _, grown in rated[:BEAM]]

    def _open_pair(self, at: int) -> str:
        """Return the mark that closes what last stands open shortly before `at`, or ""."""
        before = self.line[max(0, at - SENTENCE) : at]
        place, opening = max((before.rfind(opening), opening) for opening in _PAIRED)
        return _PAIRED[opening] if place > before.rfind(_PAIRED[opening]) else ""

    def _extend(self, one: Hypothesis, char: str, pending: int, weight: float = 0.0) -> Hypothesis:
        self.known.budget.left -= 1
        score = one.score + weight + (0.0 if self.alone else _likelihood(one.last, char))
        return Hypothesis(score, char, pending, (one.found, char))


def _made_of(entry: str, following: int | None) -> str:
    """Return the true character that the table's `entry` decides on, given the byte behind a torn one (-1: unknown)."""
    if following is None:
        return entry
    return CHARS[BYTES[entry][1] << 8 | following] if following >= 0 else ""


@lru_cache(maxsize=256)
def _of_lead(lead: int) -> tuple[str, ...]:
    """Return the characters of everyday use under `lead` whose trail byte could be stranded."""
    shown = (CHARS[lead << 8 | trail] for trail in range(0x81, 0xFF))
    return tuple(char for char in shown if is_common(char))


@lru_cache(maxsize=256)
def _of_trail(trail: int) -> tuple[str, ...]:
    """Return the characters of everyday use that end in `trail`."""
    return tuple(filter(is_common, (CHARS[lead << 8 | trail] for lead in range(0x81, 0xFF))))


def _candidates(lead: int, token: Token, known: Knowledge) -> list[str]:
    """Return the characters under `lead` that the reading allows, and those the table gives this very string."""
    found = with_lead(lead, token.reading)
    named = known.by_lead.get((lead, token.inserted), ())
    return [*found, *(char for char in named if char not in found and BYTES[char][1] in _TRAILS)]


def _is_user_defined(lead: int, trail: int) -> bool:
    """Return whether the pair shows as a private-use character."""
    return trail <= 0xA0 if lead <= 0xA7 else trail >= 0xA1


def _first_byte(line: str, at: int) -> int:
    """Return the first byte of what stands at `at`, or -1 where it is unknown or missing."""
    if at >= len(line) or line[at] in _MARKS:
        return -1
    data = BYTES[line[at]]
    return data[0] if data else -1


def _prune(beam: list[Hypothesis]) -> list[Hypothesis]:
    """Return the best hypothesis of each (pending byte, last character), the best `BEAM` of them."""
    if len(beam) <= 1:
        return beam
    best: dict[tuple[int, str], Hypothesis] = {}
    for one in beam:
        key = (one.pending, one.last)
        if key not in best or one.score > best[key].score:
            best[key] = one
    return sorted(best.values(), key=lambda one: (-one.score, one.pending, one.last))[:BEAM]
