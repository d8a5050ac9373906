"""Undo wrong decoders: one search over chains of them, by span, with proof.

A suspicious span is turned back into bytes under each family of decoders, decoded under each encoding, and judged by
the language model; what still looks damaged goes round again, so any chain up to `MAX_DEPTH` steps is found. The best
result is taken only where it reads as Chinese clearly better than what stood there, and where the forward model, run
over it, gives back the span. Then a finding is

* certified: the bytes say so, and the forward model proves it;
* inferred: a byte was lost, and the model filled it in where it was sure (else U+FFFD stands for the character).

Long lines are read first: what they were damaged by is then believed sooner of short ones, which say little alone.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from cleaning.findings import Certainty, Edited, Finding, edit, untouched_lines
from cleaning.native import available
from cleaning.repair.badness import beside, bigram_score, total_logprob
from cleaning.repair.chains import FAMILY, HOLE, READERS, Chain, Step, Writer, describe
from cleaning.repair.edges import parted
from cleaning.repair.effort import UNSEARCHED, Budget
from cleaning.repair.established import repair_rest
from cleaning.repair.irreversible import damage_share, lost_text
from cleaning.repair.pieces import Merged
from cleaning.repair.search import (
    NOT_SINGLE,
    Trial,
    Way,
    attempt,
    count_ideographs,
    peeled,
    plainly_utf8,
    reads_as_chinese,
    trials,
)
from cleaning.repair.shredded import mark_shreds
from cleaning.repair.solve import as_bytes
from cleaning.repair.spans import (
    QUOTES,
    Region,
    any_shredded,
    count_high,
    hybrid_regions,
    is_clustered,
    latin_regions,
    latin_runs_of,
    line_counts,
    quoted,
    suspicious,
    suspicious_lines,
    swapped_regions,
    utf8_regions,
    utf8_regions_of,
)

NATIVE = available("_pieces")

__all__ = ["damage_share", "repair_decoders", "repair_line"]

MAX_DEPTH = 6
"""Decodings undone one after another: deeper chains were not seen, and each loses some bytes."""

ENOUGH = 20
"""Ideographs repaired one way on a page after which shorter lines are believed to be damaged so too."""

SPARE = 4.0
"""Nats per character that a result must beat what stood there by for no other way to be tried."""


CHUNK = 120
"""Characters from which a run of damaged lines is first read as one."""

PROVED = 0.9
"""Share of a run of lines that must be proved; a line with anything else suspicious in it is read by itself."""

PLAIN = -7.5
"""Mean log-probability from which a run of lines is so plainly Chinese that no other way needs to be tried."""

_CHUNK_WAYS: tuple[Way, ...] = (
    ("latin", "utf-8"), ("latin", "gb18030"), ("latin", "big5hkscs"), ("gbk", "utf-8"), ("gbk", "big5hkscs"),
    ("big5", "gb18030"), ("hybrid", "gb18030"),
)  # fmt: skip


EFFORT, EFFORT_EACH = 1_000_000, 20
"""What a text may cost to search, in steps (see `search.TRIED`): beside so much for each of its characters. After that the
rest is left as it stands, which bounds the time that hostile input takes, and a finding says so."""

_PAIR_WAYS: frozenset[Way] = frozenset({("gbk", "big5hkscs"), ("big5", "gb18030")})


@dataclass(slots=True)
class Search(Budget):
    """What the search in one text may still cost, and what was repaired so far.

    `seen` counts, by how many steps deep the damage lay, the ideographs repaired in each way.
    """

    seen: dict[int, Counter[Way]] = field(default_factory=dict)


class Repair(NamedTuple):
    """A convincing reading of a region: the trial, its text with inner damage repaired too, and what it gains."""

    region: Region
    way: Way
    trial: Trial
    inner: Edited
    gain: float


def repair_decoders(text: str, kept: Container[int] = ()) -> Edited:
    """Return `text` with wrong decodings undone, and damage that can't be undone marked.

    Findings have stage `repair` and rules `decoder.<written>-as-<family>`, `decoder.nbsp` or `damage.*`. Line breaks
    are never touched. Clean text costs a scan. What is left unread because the effort for one text is spent is a finding
    too (`UNSEARCHED`). Lines that start at a place in `kept` were never bytes: they don't go the way of all others.
    """
    budget = Search(EFFORT + EFFORT_EACH * len(text))
    apart = parted(text)
    edited = repair_rest(apart, _repair(apart, 0, budget), kept)
    if apart != text:
        edited = edit(text, edited.findings)
    return edited if budget.left > 0 else _with_unsearched(edited, text)


def _with_unsearched(edited: Edited, text: str) -> Edited:
    """Return `edited` with a finding on the first suspicious line of `text` that nothing was found in, if there is one."""
    starts = [finding.start for finding in edited.findings]
    left = [
        (start, end)
        for start, end in suspicious_lines(text)
        if bisect_left(starts, start) == bisect_left(starts, end)
    ]
    if not left:
        return edited
    (start, end), number = left[0], len(left)
    evidence = (
        f"the effort for one text is spent: {number} suspicious lines from here on may not have been read anew"
    )
    line = text[start:end]
    return edit(text, [*edited.findings, Finding("repair", UNSEARCHED, start, end, line, line, "rule", evidence)])


def _repair(text: str, depth: int, budget: Search) -> Edited:
    lines = list(suspicious_lines(text))
    if not lines and depth == 0:
        return edit(text, _blanks(text)) if _BLANK_SIGN in text else Edited(text)
    findings: list[Finding] = []
    if depth == 0 and any_shredded(text, lines):
        findings = mark_shreds(text)
    torn = [(finding.start, finding.end) for finding in findings]
    if torn:
        lines = [(start, end) for start, end in lines if not _touches(torn, start, end)]
    seen = budget.seen.setdefault(depth, Counter())
    done: set[int] = set()
    whole, spans = _pools(text, lines)
    for pool in whole:
        repaired = _repair_pool(text, pool, seen, depth, budget)
        findings += repaired.findings
        done.update(text.rfind("\n", 0, place) + 1 for place in repaired.places)
    found = [finding for pool in spans for finding in _repair_pool(text, pool, seen, depth, budget).findings]
    for line, mended in _mended_lines(text, lines, found):
        if line not in done:
            findings += mended
            done.add(line)
    lines = [bounds for bounds in lines if bounds[0] not in done]
    for start, end in sorted(lines, key=lambda bounds: (bounds[0] - bounds[1], bounds[0])):
        findings.extend(_shift(finding, start) for finding in _repair_line(text[start:end], seen, depth, budget))
    findings += list(_quiet_lines(text, findings, seen, depth, budget))
    if depth == 0:
        findings.extend(blank for blank in _blanks(text) if not _touches(torn, blank.start, blank.end))
    return edit(text, findings) if findings else Edited(text)


def _touches(bounds: list[Bounds], start: int, end: int) -> bool:
    """Tell whether one of the ordered `bounds`, none over another, has a part of `start`:`end`."""
    number = bisect_left(bounds, (end, 0))
    return number > 0 and bounds[number - 1][1] > start


_QUIET: tuple[Way, ...] = (
    ("gbk", "utf-8"), ("gbk", "big5hkscs"), ("big5", "gb18030"), ("latin", "big5hkscs"), ("latin", "gb18030"),
)  # fmt: skip


def _quiet_lines(
    text: str, findings: list[Finding], seen: Counter[Way], depth: int, budget: Search
) -> Iterator[Finding]:
    """Yield repairs of lines that give too little sign by themselves, on a page where one mix-up is established.

    A heading of four characters in Big5 read as GBK may hold none that gives it away; the page around it does.
    """
    ways = [way for way in _QUIET if seen[way] >= ENOUGH]
    untouched = untouched_lines(text, findings) if ways else ()
    left = [(start, start + len(line)) for start, line in untouched if count_high(line) > 1]
    utf8 = utf8_regions_of(text, left) if ("gbk", "utf-8") in ways else [[] for _ in left]
    for (start, end), regions in zip(left, utf8, strict=True):
        line = text[start:end]
        likely = [way for way in ways if (regions if way == ("gbk", "utf-8") else _may_be(line, way))]
        repair = _repair_region(line, Region(0, len(line)), likely, seen, depth, budget) if likely else None
        if repair is not None:
            yield from (_shift(finding, start) for finding in _findings(line, repair, part=False))


def _may_be(line: str, way: Way) -> bool:
    """Tell, at little cost, whether a line can have been damaged in one of the other ways of `_QUIET` at all."""
    return way[0] != "latin" or as_bytes(line, "latin") is not None


Bounds = tuple[int, int]
Sides = tuple[str, str]


LEAST = 3
"""Characters of a span of UTF-8 read as pairs that is read with others: two of them may be a clean rare character."""

_CLEAN = re.compile("[\u3001-\u303f\u4e00-\u9fff\uff01-\uff5e]")


def _pools(text: str, lines: list[Bounds]) -> tuple[list[list[Bounds]], list[list[Bounds]]]:
    """Return what may have been damaged in one way: pools of whole lines, and pools of spans inside clean lines.

    Single bytes and pairs go apart. Lines whose characters above ASCII stand alone are letters with accents.
    """
    single: list[Bounds] = []
    pairs: list[Bounds] = []
    single_spans: list[Bounds] = []
    pair_spans: list[Bounds] = []
    others: list[Bounds] = []
    for (start, end), (high, alone, low) in zip(lines, line_counts(text, lines), strict=True):
        if not is_clustered(high, alone):
            continue
        if 10 * low > 9 * high or (2 * low > high and not _CLEAN.search(text, start, end)):
            single.append((start, end))
        else:
            others.append((start, end))
    found = zip(others, utf8_regions_of(text, others), latin_runs_of(text, others), strict=True)
    for (start, end), every, runs in found:
        regions = [region for region in every if region.end - region.start >= LEAST]
        if not (regions or runs) or (regions and not _clean_beside(text[start:end], regions)):
            pairs.append((start, end))
            continue
        pair_spans += [(start + region.start, start + region.end) for region in regions]
        single_spans += [(start + run.start, start + run.end) for run in runs]
    whole = [*_sifted(text, single), pairs]
    spans = [*_sifted(text, single_spans), pair_spans]
    return [pool for pool in whole if len(pool) > 1], [pool for pool in spans if len(pool) > 1]


_WRITERS: tuple[Writer, ...] = ("utf-8", "gb18030", "big5hkscs")


def _clean_beside(line: str, regions: list[Region]) -> bool:
    """Tell whether what stands beside `regions` in `line` reads as clean Chinese, and not as more of the same damage."""
    size, score = beside(line, regions)
    return size > 0 and score > CLEAN * size


CLEAN = -9.0
"""Mean log-probability above which the rest of a line is taken for clean; damaged characters have -11 or less."""


def _sifted(text: str, pool: list[Bounds]) -> list[list[Bounds]]:
    """Return a pool of single bytes as those that one encoding explains without a loss, and the others.

    Quotes at the ends of a span may be the line's own: they are left out where the rest decodes without them.
    """
    hybrid = sum(NOT_SINGLE.search(text, start, end) is not None for start, end in pool)
    if 10 * hybrid > len(pool):
        return [pool]  # such a page has lines that decode, but not as what they were
    best: list[tuple[Bounds, Bounds]] = []
    variants = [_variants(text, bounds) for bounds in pool]
    for writer in _WRITERS:
        fits = [
            (bounds, inner)
            for bounds, stretches in zip(pool, variants, strict=True)
            if (inner := _decodable(text, bounds, stretches, writer)) is not None
        ]
        if len(fits) > len(best):
            best = fits
        if 2 * len(best) > len(pool) and writer == "utf-8":
            break
    taken = {bounds for bounds, _ in best}
    return [[inner for _, inner in best], [bounds for bounds in pool if bounds not in taken]]


def _variants(text: str, bounds: Bounds) -> list[tuple[str, bytes]]:
    """Return the single bytes in `bounds`, without quotes at the ends too: none where a lost byte lets nothing decode."""
    start, end = bounds
    span = text[start:end]
    if HOLE in span:
        return []
    stretches = [span[first - start : last - start] for first, last in quoted(Region(start, end), span)]
    return [(found, data) for found in stretches if (data := as_bytes(found, "latin"))]


def _decodable(text: str, bounds: Bounds, variants: list[tuple[str, bytes]], writer: Writer) -> Bounds | None:
    """Return the bounds, without quotes at the ends if need be, whose single bytes decode; None if they don't.

    Quotes are bytes of cp1252 too, and often decode with what stands beside them: the better Chinese is taken.
    """
    read = []
    for found, data in variants:
        try:
            read.append((found, data.decode(writer)))
        except UnicodeDecodeError:
            continue
    if not read:
        return None
    start, end = bounds
    if len(read) == 1 and len(read[0][0]) == end - start:
        return bounds
    span, left, right = text[start:end], text[start - 1 : start], text[end : end + 1]

    def worth(one: tuple[str, str]) -> float:
        """Return how well the line reads with a stretch of it decoded."""
        whole = total_logprob(f"{left}{span.replace(one[0], one[1], 1)}{right}")
        return whole - (_taken_quotes(one[0]) if writer != "utf-8" else 0.0)

    found, _ = max(read, key=worth)
    first = start + span.index(found)
    return first, first + len(found)


def _mended_lines(text: str, lines: list[Bounds], found: list[Finding]) -> Iterator[tuple[int, list[Finding]]]:
    """Yield the start of each line that `found` mends, with its findings; a line that stays suspicious is left out."""
    by_line: dict[Bounds, list[Finding]] = {}
    starts = [start for start, _ in lines]
    for finding in found:
        by_line.setdefault(lines[bisect_right(starts, finding.start) - 1], []).append(finding)
    for (start, end), mended in by_line.items():
        apart = sorted(mended)
        if any(one.end > other.start for one, other in pairwise(apart)):
            continue
        after = edit(text[start:end], [_shift(finding, -start) for finding in apart]).text
        if not suspicious(after.replace(HOLE, "\N{MIDDLE DOT}")):
            yield start, apart


class Pooled(NamedTuple):
    """A line or span of a pool: its half-open offsets in the joined text, where it starts in the page, its neighbours."""

    start: int
    end: int
    place: int
    sides: Sides


class Repaired(NamedTuple):
    """The findings on a pool, and where the lines or spans start in which they stand."""

    findings: list[Finding]
    places: set[int]


def _repair_pool(text: str, pool: list[Bounds], seen: Counter[Way], depth: int, budget: Search) -> Repaired:
    """Return the findings on lines or spans read as one text, wherever they stand."""
    joined = "\n".join([text[start:end] for start, end in pool])
    parts: list[Pooled] = []
    at = 0
    for start, end in pool:
        parts.append(
            Pooled(at, at + end - start, start, (text[start - 1 : start] or "\n", text[end : end + 1] or "\n"))
        )
        at += end - start + 1
    found = Repaired([], set())
    _repair_chunk(joined, parts, found, seen, depth, budget)
    return found


def _repair_chunk(
    text: str, chunk: list[Pooled], found: Repaired, seen: Counter[Way], depth: int, budget: Search
) -> None:
    """Add to `found` what there is on lines that were all damaged in one way: the common case, read as one.

    A run that no single way explains is halved, down to `CHUNK` characters; what is left is read line by line.
    """
    start, end = chunk[0].start, chunk[-1].end
    if len(chunk) < 2 or end - start < CHUNK or budget.left < 0:
        return  # its lines may still be read one by one, as far as the budget goes
    span = text[start:end]
    once = _one_way(span, seen, [part.sides for part in chunk], budget)
    if once is not None:
        way, trial = once
        repaired = trial.text(span)
        seen[way] += count_ideographs(repaired)
        _add(found, span, chunk, trial, _ruined_lines(span, repaired))
    elif (again := _damaged_again(span, depth, budget)) is not None:
        for finding in again:
            part = chunk[bisect_right(chunk, start + finding.start, key=_START) - 1]
            found.findings.append(_shift(finding, start + part.place - part.start))
            found.places.add(part.place)
    else:
        middle = len(chunk) // 2
        _repair_chunk(text, chunk[:middle], found, seen, depth, budget)
        _repair_chunk(text, chunk[middle:], found, seen, depth, budget)


_START = itemgetter(0)


def _add(found: Repaired, span: str, chunk: list[Pooled], trial: Trial, ruined: list[Bounds]) -> None:
    """Add to `found` what `trial` repairs in `span`, the text of `chunk`, but for its `ruined` lines."""
    rule = f"decoder.{trial.step.written}-as-{FAMILY[trial.step.reader]}"
    if NATIVE is not None:
        evidence = tuple(_account(trial.before, trial.step, *known) for known in _EVIDENCE)
        found.findings.extend(
            NATIVE.placed(
                trial.groups.runs(span),
                span,
                chunk,
                found.places,
                ruined,
                Finding,
                rule,
                evidence,
                *_doubts(trial),
            )
        )
        return
    start = chunk[0].start
    for first, last, after, sure in _by_line(trial.groups.runs(span), span):
        if not (ruined and _inside(ruined, first)):
            part = chunk[bisect_right(chunk, start + first, key=_START) - 1]
            place = start + first + part.place - part.start
            found.findings.append(_finding(rule, trial, place, span[first:last], after, sure))
            found.places.add(part.place)


_EVIDENCE = ((True, False), (False, True), (False, False))
"""Whether a finding is sure and has holes, in the order in which the compiled twin knows what to say of them."""


def _doubts(trial: Trial) -> tuple[bool, bool, bool]:
    """Return which of `_doubtful`'s questions are asked: of holes, of UTF-8 and of Big5 among pairs."""
    paired = trial.step.reader in READERS["gbk"]
    written = trial.step.written
    return written != "utf-8", paired and written == "utf-8", paired and written == "big5hkscs"


def _damaged_again(span: str, depth: int, budget: Search) -> list[Finding] | None:
    """Return the findings, a line each, on a long span that valid UTF-8 shows to have been damaged more than once."""
    if depth + 1 >= MAX_DEPTH or budget.left < 0:
        return None
    layered = True
    if len(span) > 4 * HEAD:  # what its beginning is not is not looked for in all of it
        head = span[: span.rfind("\n", 0, 2 * HEAD)]
        layered = peeled(head, budget) is not None
        if not layered and not _evident_head(head, budget):
            return None
    layers = peeled(span, budget) if layered else None
    if layers is not None and reads_as_chinese(span, layers.text(span), _way(layers), established=False):
        rule = f"decoder.{layers.step.written}-as-{FAMILY[layers.step.reader]}"
        return [
            _finding(rule, layers, start, span[start:end], after, sure)
            for start, end, after, sure in _by_line(layers.groups.runs(span), span)
        ]
    for way in _EVIDENT_WAYS:
        trial = attempt(span, way, budget=budget)
        if trial is None or not trial.evident or len(trial.groups) > 1:
            continue
        inner = _repair(trial.text(span), depth + 1, budget)
        if inner.findings and reads_as_chinese(span, inner.text, way, established=False):
            rule = f"decoder.{trial.step.written}-as-{FAMILY[trial.step.reader]}"
            whole = iter(
                [(0, len(span), inner.text, all(found.certainty == "certified" for found in inner.findings))]
            )
            rules = " after ".join(dict.fromkeys([rule, *(found.rule for found in inner.findings)]))
            return [
                _finding(rule, trial, start, span[start:end], after, sure)._replace(
                    evidence=f"{rules}; {_evidence(sure, HOLE in after)}"
                )
                for start, end, after, sure in _by_line(whole, span)
            ]
    return None


def _evident_head(head: str, budget: Search) -> bool:
    """Tell whether the beginning of a long run is evidently UTF-8 read wrongly, so that all of it is worth a search."""
    trials = (attempt(head, way, budget=budget) for way in _EVIDENT_WAYS)
    return any(trial is not None and trial.evident for trial in trials)


def _way(trial: Trial) -> Way:
    return FAMILY[trial.step.reader], trial.step.written


_EVIDENT_WAYS: tuple[Way, ...] = (("latin", "utf-8"), ("gbk", "utf-8"))


def _ruined_lines(span: str, repaired: str) -> list[Bounds]:
    """Return the lines of `span`, as bounds, whose text in `repaired` still looks damaged, but for holes."""
    bad = {
        repaired.count("\n", 0, start) for start, end in suspicious_lines(repaired.replace(HOLE, "\N{MIDDLE DOT}"))
    }
    bounds = []
    start = 0
    for number, line in enumerate(span.split("\n") if bad else []):
        if number in bad:
            bounds.append((start, start + len(line)))
        start += len(line) + 1
    return bounds


def _inside(bounds: list[Bounds], place: int) -> bool:
    """Tell whether `place` lies in one of the ordered `bounds`."""
    number = bisect_right(bounds, (place, place)) - 1
    return any(start <= place < end for start, end in bounds[max(0, number) : number + 2])


def _one_way(span: str, seen: Counter[Way], sides: Sequence[Sides], budget: Search) -> tuple[Way, Trial] | None:
    """Return the one way that explains all of a long span beyond doubt, if there is one."""
    for way in sorted(_CHUNK_WAYS, key=lambda item: -seen[item]):
        searched = _is_searched(span, way) or way[0] == "hybrid" or (way == ("gbk", "utf-8") and HOLE in span)
        if searched and len(span) > 2 * HEAD and not _worth_a_search(span[:HEAD], way, budget):
            continue
        trial = attempt(span, way, quick=True, sides=sides, budget=budget)
        if trial is None or trial.share < PROVED * len(span):
            continue
        repaired = trial.text(span)
        if not reads_as_chinese(span, repaired, way, established=False):
            continue
        if total_logprob(repaired.replace(HOLE, "")) > PLAIN * len(repaired):
            return way, trial
    return None


HEAD = 400
"""Characters of a long run that are searched for lost bytes before all of it is."""


def _worth_a_search(head: str, way: Way, budget: Search) -> bool:
    """Tell whether the beginning of a long run can be explained so, at least by half, and nearly reads as Chinese."""
    if way[1] == "utf-8" and plainly_utf8(head, way[0]):
        return True
    for trial in trials(head, way, quick=True, budget=budget):
        text = trial.text(head).replace(HOLE, "")
        if 2 * trial.share >= len(head) and total_logprob(text) > (PLAIN - 1.5) * len(text):
            return True
    return False


def _by_line(groups: Iterable[Merged], span: str) -> Iterator[Merged]:
    """Yield `groups` cut at line breaks, which every encoding here keeps as they are."""
    for start, end, text, sure in groups:
        if span.find("\n", start, end) < 0:
            yield start, end, text, sure
            continue
        for before, after in zip(span[start:end].split("\n"), text.split("\n"), strict=True):
            if before != after:
                yield start, start + len(before), after, sure
            start += len(before) + 1


def _shift(finding: Finding, by: int) -> Finding:
    if not by:
        return finding
    stage, rule, start, end, before, after, certainty, evidence = finding
    return Finding(stage, rule, start + by, end + by, before, after, certainty, evidence)


def repair_line(line: str) -> list[Finding]:
    """Return the findings on one line (no line break inside), without the evidence of a page around it."""
    return _repair_line(line, Counter(), 0, Search(EFFORT))


def _repair_line(line: str, seen: Counter[Way], depth: int, budget: Search) -> list[Finding]:
    """Return the findings on one line; `seen` counts the ideographs repaired so far by the way they were damaged in."""
    findings: list[Finding] = []
    taken = bytearray(len(line))
    for repair in sorted(_repairs(line, seen, depth, budget), key=lambda item: -item.gain):
        start, end = repair.region
        if 1 in taken[start:end]:
            continue
        taken[start:end] = b"\x01" * (end - start)
        seen[repair.way] += count_ideographs(repair.inner.text)
        part = count_high(line) > count_high(line[start:end])
        if repair.way in _PAIR_WAYS and not part:
            part = not _all_swapped(line, repair)
        findings.extend(_findings(line[start:end], repair, part=part))
    findings.extend(found for found in lost_text(line) if 1 not in taken[found.start : found.end])
    return findings


def _all_swapped(line: str, repair: Repair) -> bool:
    """Tell whether a line of pairs reads best with every character swapped, none of them left as it stands."""
    start, end = repair.region
    best = list(swapped_regions(line, repair.way[0], repair.way[1]))[1:]
    return len(best) == 1 and best[0].start <= start and not _ABOVE_ASCII.search(line, best[0].end, end)


def _whole_utf8(line: str, regions: list[Region], span: str, budget: Search) -> bool:
    """Tell whether all of a line is UTF-8 read as pairs, though lost bytes keep its regions apart."""
    if _clean_beside(line, regions):
        return False
    once = attempt(span, ("gbk", "utf-8"), budget=budget)
    return (once is not None and once.proved) or peeled(span, budget) is not None


_OUTERMOST = re.compile("[^\x00-\x7f](?:.*[^\x00-\x7f])?\\?{0,2}")


def _candidates(line: str, budget: Search) -> Iterator[tuple[Region, tuple[Way, ...]]]:
    """Yield regions of `line` with the ways in which each may have been damaged, the surest evidence first."""
    regions = list(utf8_regions(line))
    outermost = _OUTERMOST.search(line) if regions else None
    if (
        outermost is not None
        and outermost.span() not in regions
        and _whole_utf8(line, regions, outermost.group(), budget)
    ):
        yield Region(*outermost.span()), (("gbk", "utf-8"),)
    for region in regions:
        yield region, (("gbk", "utf-8"),)
    for region in latin_regions(line):
        yield region, (("latin", "utf-8"), ("latin", "gb18030"), ("latin", "big5hkscs"))
    for region in hybrid_regions(line):
        yield region, (("hybrid", "gb18030"), ("hybrid", "big5hkscs"))
    for region in swapped_regions(line, "gbk", "big5hkscs"):
        yield region, (("gbk", "big5hkscs"),)
    for region in swapped_regions(line, "big5", "gb18030"):
        yield region, (("big5", "gb18030"),)


_ABOVE_ASCII = re.compile("[^\x00-\x7f]")


def _repairs(line: str, seen: Counter[Way], depth: int, budget: Search) -> Iterator[Repair]:
    """Yield the convincing repairs of a line's regions; none after one that explains the line beyond doubt."""
    if budget.left < 0:
        return
    high = count_high(line)
    simple = False
    for region, ways in _candidates(line, budget):
        if budget.left < 0:
            return
        if simple and ways[0][0] == "hybrid":
            continue
        repair = _repair_region(line, region, sorted(ways, key=lambda item: -seen[item]), seen, depth, budget)
        if repair is None:
            continue
        yield repair
        simple = simple or (repair.way[0] == "latin" and not NOT_SINGLE.search(line))
        span = line[region.start : region.end]
        if repair.gain > SPARE * len(span) and count_high(span) == high:
            return


def _repair_region(
    line: str, region: Region, ways: list[Way], seen: Counter[Way], depth: int, budget: Search
) -> Repair | None:
    """Return the best convincing repair of one region: damaged once if that will do, else damaged again before."""
    span = line[region.start : region.end]
    left = line[region.start - 1] if region.start else "\n"
    right = line[region.end] if region.end < len(line) else "\n"
    trials: list[tuple[Way, Trial]] = []
    for way in ways:
        trial = attempt(span, way, left, right, budget=budget)
        if trial is not None:
            trials.append((way, trial))
            if seen[way] >= ENOUGH and _is_plain(span, trial, way):
                break
    for deeper in (False, True):
        best: Repair | None = None
        for way, trial in trials:
            text = trial.text(span)
            inner = Edited(text)
            if deeper and trial.evident and depth + 1 < MAX_DEPTH and budget.left > 0 and suspicious(text):
                inner = _repair(text, depth + 1, budget)
            if text == span or not reads_as_chinese(span, inner.text, way, seen[way] >= ENOUGH, left, right):
                continue
            gain = total_logprob(left + inner.text + right) - total_logprob(left + span + right)
            if way[0] == "latin" and way[1] != "utf-8":
                gain -= _taken_quotes(span)
            if best is None or gain > best.gain:
                best = Repair(region, way, trial, inner, gain)
        if (
            deeper
            and budget.left > 0
            and any(way[1] == "utf-8" for way in ways)
            and (layers := peeled(span, budget, left, right)) is not None
        ):
            text = layers.text(span)
            gain = total_logprob(left + text + right) - total_logprob(left + span + right)
            if (best is None or gain > best.gain) and reads_as_chinese(
                span, text, _way(layers), seen[_way(layers)] >= ENOUGH
            ):
                best = Repair(region, _way(layers), layers, Edited(text), gain)
        if best is not None:
            return best if deeper else _repair_inside(best, depth, budget)
    return None


_OWN = 3.0
"""Nats by which a reading that takes a quote at an end for a byte must be better: `\u201d\u201c` reads as U+6541, which
hardly anybody writes, about as well as it does as it stands."""


def _taken_quotes(span: str) -> float:
    """Return what the quotes at the ends of a span of single bytes cost that are read as bytes of pairs."""
    return _OWN * ((span[:1] in _CP1252_QUOTES) + (span[-1:] in _CP1252_QUOTES))


_CP1252_QUOTES = frozenset(QUOTES) - {"\N{MIDDLE DOT}"}


def _is_plain(span: str, trial: Trial, way: Way) -> bool:
    """Tell whether single bytes decode without a loss, the way that others on the page do, to plain Chinese."""
    if way[0] != "latin" or not trial.evident or len(trial.groups) > 1:
        return False
    text = trial.text(span)
    return len(text) > 3 and total_logprob(text) > PLAIN * len(text)


def _is_searched(span: str, way: Way) -> bool:
    """Tell whether a span asked for the search for lost bytes between two encodings of pairs."""
    return way in _PAIR_WAYS and HOLE in span


def _repair_inside(repair: Repair, depth: int, budget: Search) -> Repair:
    """Return `repair` with what is damaged in its own text repaired too."""
    if depth + 1 < MAX_DEPTH and suspicious(repair.inner.text):
        return repair._replace(inner=_repair(repair.inner.text, depth + 1, budget))
    return repair


def _findings(span: str, repair: Repair, *, part: bool) -> Iterator[Finding]:
    """Yield the findings for one repaired span: one for each group, one for all of it when it was damaged twice.

    `part` says that other characters of its line are clean. Between two encodings of pairs nothing but the language
    model says where such a span ends, so it is not certain.
    """
    open_ended = part and repair.way in _PAIR_WAYS
    trial, offset = repair.trial, repair.region.start
    rule = f"decoder.{trial.step.written}-as-{FAMILY[trial.step.reader]}"
    if any(finding.before != finding.after for finding in repair.inner.findings):
        sure = trial.proved and trial.groups.sure and HOLE not in repair.inner.text
        sure = sure and all(finding.certainty == "certified" for finding in repair.inner.findings)
        sure = sure and not any(finding.rule.startswith("damage.") for finding in repair.inner.findings)
        sure = (
            sure
            and not suspicious(repair.inner.text)
            and not _doubtful(span, trial, repair.inner.text)
            and not open_ended
        )
        rules = " after ".join(dict.fromkeys([rule, *(finding.rule for finding in repair.inner.findings)]))
        evidence = f"{rules}; {_evidence(sure, HOLE in repair.inner.text)}"
        certainty: Certainty = "certified" if sure else "inferred"
        yield Finding("repair", rule, offset, offset + len(span), span, repair.inner.text, certainty, evidence)
        return
    for start, end, text, sure in trial.groups.runs(span):
        yield _finding(rule, trial, offset + start, span[start:end], text, sure and not open_ended)


def _finding(rule: str, trial: Trial, start: int, before: str, after: str, sure: bool) -> Finding:
    sure = sure and HOLE not in after and not _doubtful(before, trial, after)
    evidence = _account(trial.before, trial.step, sure, HOLE in after)
    certainty: Certainty = "certified" if sure else "inferred"
    return Finding("repair", rule, start, start + len(before), before, after, certainty, evidence)


@lru_cache(maxsize=256)
def _account(before: Chain, step: Step, sure: bool, holes: bool) -> str:
    return f"{describe((*before, step))}; {_evidence(sure, holes)}"


_TORN_PAIR = re.compile("[^\x00-\x7f][?@-~][^\x00-\x7f]")


def _doubtful(before: str, trial: Trial, after: str) -> bool:
    """Tell whether another text may have been shown the same way, so that the forward model alone proves too little.

    Between characters of Big5 read as GBK a lone ASCII character may be the second byte of a torn pair. Beside UTF-8 read
    as GBK a question mark may stand for a lost byte and a last euro sign for one byte or two; one clean character (C3 BB)
    is a letter with an accent.
    """
    if HOLE in before and trial.step.written != "utf-8":
        return True  # what was lost depends on which of several decoders read it
    if trial.step.reader not in READERS["gbk"]:
        return False
    if trial.step.written == "utf-8":
        return bool(_AMBIGUOUS.search(before)) or "\x80" <= after[:1] <= "\xff" or "\x80" <= after[-1:] <= "\xff"
    return trial.step.written == "big5hkscs" and bool(_TORN_PAIR.search(before))


_AMBIGUOUS = re.compile("[^\x00-\x7f]\\?|\\?[^\x00-\x7f]|\N{EURO SIGN}(?:\ufffd|\\Z)")


def _evidence(sure: bool, holes: bool) -> str:
    if sure:
        return "the forward model gives the input back"
    if holes:
        return "a byte was lost and its character is not certain"
    return "chosen by the language model among the readings that the bytes allow"


_NBSP = re.compile("(?<=[\u4e00-\u9fff])(?: \\?|\\? (?=\\?))+\\??(?=[\u4e00-\u9fff])")
_BLANK_SIGN = " ?"  # stands in whatever `_NBSP` matches
_INSIDE_A_WORD = -3.0  # log P(right | left) from which two ideographs belong together


def _blanks(text: str) -> Iterator[Finding]:
    """Yield a repair for each `?` that stands for a no-break space inside a word."""
    if _BLANK_SIGN not in text:  # the pattern begins with a class: alone it would cost more than all other gates
        return
    for found in _NBSP.finditer(text):
        if bigram_score(text[found.start() - 1], text[found.end()]) < _INSIDE_A_WORD:
            continue
        after = found.group().replace("?", "\N{NO-BREAK SPACE}")
        evidence = "a no-break space that GBK lacks was written as ?"
        yield Finding(
            "repair", "decoder.nbsp", found.start(), found.end(), found.group(), after, "inferred", evidence
        )
