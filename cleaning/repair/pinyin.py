"""Undo pinyin injection: take the insertions out, read the shifted runs again, and prove it with the forward model.

The order of work on one page: find the insertions; see what the page says about its own table; read every run
that begins at a stranded byte; decide whether all this is damage at all; then edit, and run the forward model
(`injection.inject`) over the result. Where it gives the input back, the findings are certified.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from cleaning.findings import Certainty, Edited, Finding, edit
from cleaning.native import available
from cleaning.repair.badness import total_logprob
from cleaning.repair.chains import pair_points
from cleaning.repair.effort import UNSEARCHED, Budget
from cleaning.repair.gbk_bytes import BYTES, DECODERS, INVALID_BYTE_BASE, REPLACEMENT, Decoder, is_lead, units
from cleaning.repair.injection import inject
from cleaning.repair.page_evidence import Line, PageEvidence, accepted, find_lines, observe
from cleaning.repair.readings import begins, is_common, is_han, is_simplified, is_traditional, is_usual
from cleaning.repair.shifted import Hit, Knowledge, Run, Solution
from cleaning.repair.site_table import SiteTable, as_insertions
from cleaning.repair.tokens import PUNCTUATION, REPLACED, Token, first_reading, may_be_damaged, window_char

NATIVE = available("_pinyin")

Table = SiteTable | Mapping[str, str] | frozenset[str] | None

ALIGNED = "repair.pinyin.aligned"
SHIFTED = "repair.pinyin.shifted"
CUT_OFF = "repair.pinyin.cut-off"

CLEAR_GAIN = 6.0
"""Natural log: a run that is the only sign of damage must read this much better repaired than as it stands."""

BETTER = 0.5
"""Natural log for each character: by so much a run without any reading in it must read better."""

ENOUGH_WORK = 100_000
"""Hypotheses that any page may cost, apart from one for every two characters. About 2 microseconds each."""

CHANCE = 5.0
"""Natural log: that a reading fits the byte before it by chance, where only one everyday character has both."""

ENOUGH_SHOWN = 1_000_000
"""Characters that the forward model may be run over, beside twice the page: long text is tried with fewer decoders."""

DROPPED = 4.0
"""Natural log: what a lost private-use character costs against a reading without one."""

DROP_SEARCH = 8
"""Shown characters behind an insertion among which a lost private-use character is looked for."""


class Change(NamedTuple):
    """An edit to one line, before certification: offsets are in the text. `sure` is False where a model chose."""

    rule: str
    start: int
    end: int
    after: str
    sure: bool
    hits: tuple[Hit, ...]
    marks: tuple[Token, ...] = ()


def repair_pinyin(text: str, table: Table = None) -> Edited:
    """Return `text` with injected pinyin undone; `table` is what is known of the site's table.

    Text without such damage comes back as it is, at the cost of one regex scan.
    """
    if not may_be_damaged(text):
        return Edited(text)
    lines = list(find_lines(text))
    if not lines:
        return Edited(text)
    given, site_chars = as_insertions(table)
    page = observe(text, lines)
    budget = _effort(text)
    runs = _read_runs(text, lines, page, given, site_chars, budget)
    proven = any(_is_clear(line, at, run) for line, at, run in _flat(lines, runs))
    entries = accepted(page, given, site_chars, shifted=proven)
    if not (entries or proven):
        return Edited(text)
    changes = [
        change for line, solved in zip(lines, runs) for change in _changes(line, solved, entries, site_chars)
    ]
    edited = _certify(text, changes)
    return edited if budget.left > 0 else _with_unsearched(edited, text, lines)


def _with_unsearched(edited: Edited, text: str, lines: list[Line]) -> Edited:
    """Return `edited` with a finding on the first stranded byte that no run was read from, if there is one."""
    starts = [finding.start for finding in edited.findings]
    ends = [finding.end for finding in edited.findings]
    marks = [line.start + token.start for line in lines for token in line.tokens if token.mark]
    left = [at for at in marks if bisect_right(starts, at) == bisect_right(ends, at)]
    if not left:
        return edited
    at, number = left[0], len(left)
    evidence = (
        f"the effort for one text is spent: {number} torn characters from here on may not have been read anew"
    )
    mark = text[at : at + 1]
    return edit(text, [*edited.findings, Finding("repair", UNSEARCHED, at, at + 1, mark, mark, "rule", evidence)])


def learn_table(text: str) -> SiteTable:
    """Return the table that the page `text` shows: empty where it is not damaged."""
    observed: Counter[tuple[str, str]] = Counter()
    if may_be_damaged(text):
        lines = list(find_lines(text))
        page = observe(text, lines)
        runs = _read_runs(text, lines, page, {}, frozenset(), _effort(text))
        proven = any(_is_clear(line, at, run) for line, at, run in _flat(lines, runs))
        entries = accepted(page, {}, frozenset(), shifted=proven)
        for (char, inserted), times in page.observed.items():
            if entries.get(char) == inserted:
                observed[char, inserted] += times
        for _, _, run in _flat(lines, runs) if (entries or proven) else ():
            for hit in run.hits:
                if hit.sure:
                    observed[hit.char, hit.inserted] += 1
    return SiteTable.of(observed)


def _effort(text: str) -> Budget:
    return Budget(len(text) // 2 + ENOUGH_WORK)


Runs = dict[int, Solution]


def _flat(lines: Iterable[Line], runs: Iterable[Runs]) -> Iterable[tuple[Line, int, Solution]]:
    return ((line, at, run) for line, solved in zip(lines, runs) for at, run in solved.items())


def _read_runs(
    text: str,
    lines: list[Line],
    page: PageEvidence,
    given: Mapping[str, str],
    site_chars: frozenset[str],
    budget: Budget,
) -> list[Runs]:
    """Return, for each line, the runs that could be read: offset in the line -> solution."""
    if not (page.marked or any(REPLACED.search(line.text) for line in lines)):
        return [{} for _ in lines]
    likely = {char: inserted for char, inserted in page.insertions.items() if page.bare[char] == 0}
    insertions = {**given, **likely}
    by_lead: dict[tuple[int, str], tuple[str, ...]] = {}
    for char, inserted in insertions.items():
        if len(encoded := BYTES[char]) == 2:
            by_lead[encoded[0], inserted] = (*by_lead.get((encoded[0], inserted), ()), char)
    known = Knowledge(
        insertions=insertions,
        site_chars=site_chars,
        is_bare=page.is_bare,
        pair_count=_PairCount(text),
        lost_ascii=_lost_ascii(page.everywhere),
        by_lead=by_lead,
        is_foreign=_foreign(page.everywhere),
        is_seen=page.everywhere.__contains__,
        coverage=(page.coverage(traditional=False), page.coverage(traditional=True)),
        budget=budget,
    )
    return [_read_line(line, known) if known.budget.left > 0 else {} for line in lines]


class _PairCount:
    """How often a pair of characters stands in a text; counted once, on the first question."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._count: Callable[[str], int] | None = None

    def __call__(self, pair: str) -> int:
        if self._count is None:
            self._count = _pair_count(self._text)
        return self._count(pair)


def _pair_count(text: str) -> Callable[[str], int]:
    if NATIVE is not None:
        native: Callable[[str], int] = NATIVE.PairCount(text)
        return native
    return Counter(map("".join, pairwise(text))).__getitem__


def _lost_ascii(counts: Counter[str]) -> str:
    """Return the ASCII sentence mark that a text uses most: the likeliest one to have been swallowed."""
    return max(",.:;!", key=lambda mark: (counts[mark], mark == ","))


def _foreign(counts: Counter[str]) -> Callable[[str], bool]:
    """Return a test for characters of the other script: nothing passes where a text is short or mixes them."""
    traditional = sum(times for char, times in counts.items() if is_traditional(char))
    simplified = sum(times for char, times in counts.items() if is_simplified(char))
    if traditional > 4 * simplified + 20:
        return is_simplified
    if simplified > 4 * traditional + 20:
        return is_traditional
    return _nothing


def _nothing(_: str) -> bool:
    return False


def _read_line(line: Line, known: Knowledge) -> Runs:
    """Return the runs of one line that read better undone than as they stand."""
    if not (line.marked or REPLACED.search(line.text)):
        return {}
    by_start = {token.start: token for token in line.tokens}
    starts = {token.start: token.end for token in line.tokens}
    starts.update((match.start(), 0) for match in REPLACED.finditer(line.text))
    solved: Runs = {}
    free_from = floor = 0
    for start, end in sorted(starts.items()):
        token = by_start.get(start)
        if known.budget.left > 0 and start >= free_from and (token is None or (token.mark and start > floor)):
            run = _read_run(line, start, by_start, known)
            if run is not None:
                solved[start] = run
                free_from = run.end
        floor = max(floor, end)
    return solved


def _read_run(line: Line, start: int, by_start: Mapping[int, Token], known: Knowledge) -> Solution | None:
    before = BYTES[line.text[start - 1]]
    if start not in by_start:
        run = Run(line.text, by_start, known).solve_punctuation(start)
        return run if run is not None and _is_clear_of_marks(line, start, run) else None
    if len(before) != 2 or not is_lead(before[1]):
        return None
    run = Run(line.text, by_start, known).solve(start)
    if run is None or _is_odd(run, known):
        run = _with_dropped(line, start, by_start, known, run)
    if run is not None and _is_odd(run, known):
        run = replace(run, odd=True)
    return run if run is not None and _gain(line, start, run) > -_coincidence(run, known) else None


def _is_odd(run: Solution, known: Knowledge) -> bool:
    """Return whether a run reads so, or relies on such an entry, that something may have been lost from it."""
    return not all(map(is_common, run.text)) or any(
        known.insertions.get(hit.char) != hit.inserted and not is_usual(hit.char, first_reading(hit.inserted))
        for hit in run.hits
    )


def _coincidence(run: Solution, known: Knowledge) -> float:
    """Return how unlikely it is that a run's readings fit its bytes by chance: natural log, beyond the first one's.

    A rare name reads no better than what the damage made of it, but that each reading names a character under the
    byte before it is a proof of its own.
    """
    if run.guessed or not all(map(is_common, run.text)):
        return 0.0
    listed = known.insertions.get(run.hits[0].char) == run.hits[0].inserted if run.hits else False
    return CHANCE * max(0, sum(hit.sure for hit in run.hits) - (not listed))


def _with_dropped(
    line: Line, start: int, by_start: Mapping[int, Token], known: Knowledge, plain: Solution | None
) -> Solution | None:
    """Return the best reading of a run from which a private-use character was lost, or `plain` if none is better."""
    best, best_gain = None, 0.0
    if plain is not None and (gain := _gain(line, start, plain)) > 0.0:
        best, best_gain = plain, gain + DROPPED
    first = by_start[start].end
    for at in range(first, min(first + DROP_SEARCH, len(line.text) + 1)):
        if at in by_start:
            break
        run = Run(line.text, by_start, known).solve(start, at)
        if run is not None and run.end > at and (gain := _gain(line, start, run)) > best_gain:
            best, best_gain = run, gain
    return best


def _is_clear_of_marks(line: Line, start: int, run: Solution) -> bool:
    """Return whether a run that begins with `?` and a full-width mark is none that people type (`?\uff01\uff01?`).

    Every guess must be worth it, and what stands between must read better as well, character for character.
    """
    if _gain(line, start, run) <= CLEAR_GAIN * run.guessed:
        return False
    if run.hits:
        return True
    before, after = line.text[start - 1], line.text[run.end : run.end + 1]
    shown = f"{before}{line.text[start + 2 : run.end]}{after}"
    repaired = f"{before}{run.text}{after}"
    return any(map(is_han, run.text)) and total_logprob(repaired) / len(repaired) > (
        total_logprob(shown) / len(shown) + BETTER
    )


@lru_cache(maxsize=1024)
def _gain_of(before: str, after: str) -> float:
    return total_logprob(after) - total_logprob(before)


def _gain(line: Line, start: int, run: Solution) -> float:
    """Return by how much the run reads better repaired than as shown without its insertions."""
    shown = "".join(line.text[left:right] for left, right in _gaps(line.between(start, run.end), start, run.end))
    first, last = line.text[start - 1], line.text[run.end : run.end + 1]
    return _gain_of(f"{first}?{shown}{last}", f"{first}{run.text}{last}")


def _gaps(inside: Iterable[Token], start: int, end: int) -> Iterable[tuple[int, int]]:
    cursor = start
    for token in inside:
        yield cursor, token.start
        cursor = token.end
    yield cursor, end


def _is_clear(line: Line, start: int, run: Solution) -> bool:
    """Return whether this run alone shows that the machine was here: its tone is written and it reads far better."""
    token = line.token_at(start)
    if token is None:  # read only where the gain was clear
        return True
    return bool(token.reading.tone) and _gain(line, start, run) > CLEAR_GAIN


def _changes(line: Line, solved: Runs, entries: Mapping[str, str], site_chars: frozenset[str]) -> Iterable[Change]:
    """Yield the edits to one line."""
    for start, run in sorted(solved.items()):
        marks = tuple(one for one in line.between(start, run.end) if one.mark)
        sure = run.guessed == 0 and not run.odd and all(hit.sure for hit in run.hits)
        yield Change(SHIFTED, line.start + start, line.start + run.end, run.text, sure, run.hits, marks)
    spans = [(start, run.end) for start, run in sorted(solved.items())]

    def rest(char: str, token: Token) -> Change | None:
        """Return the edit for a token that an excerpt ends in."""
        if not _is_rest(char, token, entries):
            return None
        return Change(CUT_OFF, line.start + token.start, line.start + token.end, "", False, ())

    if NATIVE is not None:
        yield from NATIVE.aligned_changes(
            line.tokens, line.text, line.start, spans, entries, site_chars, units(), pair_points("gb18030")[0], Change,
            ALIGNED, _one_hit, rest,
        )  # fmt: skip
        return
    behind = (len(line.text) + 1, len(line.text) + 1)
    spans.reverse()
    begin, close = spans.pop() if spans else behind
    floor = 0
    for token in line.tokens:
        start, end, mark, _, inserted, _, char, is_cut_off = token
        while close <= start:
            floor = close
            begin, close = spans.pop() if spans else behind
        if begin <= start or mark:
            continue
        if start - 2 < floor:
            char = window_char(line.text, start, floor)
        if is_cut_off:
            change = rest(char, token)
            if change is not None:
                yield change
        elif char and (entries.get(char) == inserted or char in site_chars):
            yield Change(ALIGNED, line.start + start, line.start + end, "", True, _one_hit(char, inserted))
        floor = end


def _is_rest(char: str, token: Token, entries: Mapping[str, str]) -> bool:
    """Return whether a token that the excerpt ends in is the beginning of an insertion behind `char`."""
    return bool(char) and begins(char, token.reading) and (char in entries or is_traditional(char))


@lru_cache(maxsize=4096)
def _one_hit(char: str, inserted: str) -> tuple[Hit]:
    return (Hit(char, inserted, True),)


def _certify(text: str, changes: list[Change]) -> Edited:
    """Return the edited text; each finding is certified where the forward model gives its line or part back."""
    table = {hit.char: hit.inserted for change in changes for hit in change.hits}
    replaced = _replaced(text, changes)
    decoders = _decoders(changes)[: max(2, ENOUGH_SHOWN // len(text))]
    draft = _apply(text, changes)
    best: list[bool] = []
    for decoder in decoders:
        shown = inject(draft, table, decoder, replaced)
        if shown == text:
            return edit(text, _findings(text, changes, "whole page"))
        proven = [one == other for one, other in zip(shown.split("\n"), text.split("\n"))]
        best = max(proven, best, key=sum)
    findings: list[Finding] = []
    for number, inside in _by_line(text, changes).items():
        scope = ""
        if best[number]:
            scope = "line"
        elif any(_gives_back(text, inside, table, decoder, replaced) for decoder in decoders):
            scope = "damaged part"
        findings += _findings(text, inside, scope)
    return edit(text, findings)


def _by_line(text: str, changes: list[Change]) -> dict[int, list[Change]]:
    """Return the changes of each line by its number, in order of their places."""
    by_line: dict[int, list[Change]] = {}
    number = cursor = 0
    for change in sorted(changes, key=lambda one: one.start):
        number += text.count("\n", cursor, change.start)
        cursor = change.start
        by_line.setdefault(number, []).append(change)
    return by_line


def _gives_back(
    text: str, inside: list[Change], table: Mapping[str, str], decoder: Decoder, replaced: frozenset[str]
) -> bool:
    """Return whether the forward model gives back the part of a line from its first change to its last."""
    start, end = max(0, inside[0].start - 1), inside[-1].end
    moved = [change._replace(start=change.start - start, end=change.end - start) for change in inside]
    damaged = text[start:end]
    shown = inject(_apply(damaged, moved), table, decoder, replaced)
    return shown == damaged or (inside[-1].rule == CUT_OFF and damaged.startswith(shown))


def _apply(text: str, changes: Iterable[Change]) -> str:
    parts: list[str] = []
    cursor = 0
    for change in sorted(changes, key=lambda one: one.start):
        parts.append(text[cursor : change.start])
        parts.append(change.after)
        cursor = change.end
    parts.append(text[cursor:])
    return "".join(parts)


def _replaced(text: str, changes: list[Change]) -> frozenset[str]:
    """Return the full-width marks that the machine replaced: those behind a stranded byte in a run."""
    runs = (text[change.start : change.end + 1] for change in changes if change.rule == SHIFTED)
    return frozenset(match[0][1] for run in runs for match in re.finditer(f"[?{REPLACEMENT}][{PUNCTUATION}]", run))


def _decoders(changes: list[Change]) -> list[Decoder]:
    """Return the decoder families that could have written the marks in `changes`, at least one."""
    marks = [token for change in changes for token in change.marks]
    fitting = [
        decoder
        for decoder in DECODERS
        if all(
            (token.mark == decoder.mark or (not decoder.mark and ord(token.mark) > INVALID_BYTE_BASE))
            and token.kept_paren != decoder.swallows_paren
            for token in marks
        )
    ]
    return fitting or [DECODERS[0]]


def _findings(text: str, changes: Iterable[Change], scope: str) -> list[Finding]:
    """Return the findings of changes; `scope` says what around them the forward model gives back, if anything."""
    return [
        Finding("repair", rule, start, end, text[start:end], after, *_verdict(hits, sure, scope, rule == SHIFTED))
        for rule, start, end, after, sure, hits, _ in changes
    ]


@lru_cache(maxsize=4096)
def _verdict(hits: tuple[Hit, ...], sure: bool, scope: str, torn: bool) -> tuple[Certainty, str]:
    """Return the certainty of a change that relies on `hits`, and its proof in words: bytes, where they were `torn`."""
    entries = " ".join(
        f"{hit.char}{hit.inserted}" + (f"={BYTES[hit.char].hex().upper()}" if torn else "") for hit in hits[:4]
    )
    if not scope:
        return "inferred", f"{entries}; forward model differs on this line"
    if not sure:
        return "inferred", f"{entries}; forward({scope}) == input, but a lost byte was chosen by context"
    return "certified", f"{entries}; forward({scope}) == input"
