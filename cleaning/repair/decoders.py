"""Undo wrong decoders: one search over chains of them, by span, with proof.

A suspicious span is turned back into bytes under each family of decoders, decoded under each encoding, and judged by
the language model; what still looks damaged goes round again, so any chain up to `MAX_DEPTH` steps is found. The best
result is taken only where it reads as Chinese clearly better than what stood there, the more clearly the shorter it
is, and where the forward model, run over it, gives back the span. Then a finding is

* certified: the bytes say so, and the forward model proves it;
* inferred: a byte was lost, and the model filled it in where it was sure (else U+FFFD stands for the character).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from cleaning.findings import Certainty, Edited, Finding, edit
from cleaning.repair.badness import bigram_score, codes, pair_scores, total_logprob
from cleaning.repair.chains import (
    HOLE,
    INVALID_BYTE_BASE,
    MARKER,
    READERS,
    Family,
    Step,
    Writer,
    damage,
    describe,
    sources,
)
from cleaning.repair.irreversible import lost_text
from cleaning.repair.solve import Kind, Piece, join, solve_pairs, solve_utf8, stream
from cleaning.repair.spans import Region, hybrid_regions, latin_regions, suspicious, suspicious_lines, utf8_regions

MAX_DEPTH = 6
"""Decodings undone one after another: deeper chains were not seen, and each loses some bytes."""

MARGIN = 2.0
"""Nats per character by which a result must read better than what stood there."""

FLOORS: tuple[tuple[int, float], ...] = ((20, -9.0), (8, -8.5), (4, -8.0), (2, -7.0), (1, -6.0))
"""Mean log-probability that a result of at least so many ideographs must reach; running Chinese has -4.5 to -6.5."""

SWAP_GAIN = 12.0
"""Nats that a stretch read anew, character for character, must gain in all to be tried."""

SWAP_LOSS = 25.0
"""Nats lost after a stretch's best end that close it."""

_IDEOGRAPH = re.compile("[\u3001-\u3020\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff01-\uff5e\U00020000-\U0003ffff]")
_THREE_BYTES = re.compile("[\u0800-\ud7ff\uf900-\ufffc\U00010000-\U0001ffff]")


class Trial(NamedTuple):
    """A span read anew: its pieces in characters of the span, the step undone, and whether it is proved."""

    pieces: list[Piece]
    step: Step
    proved: bool

    @property
    def text(self) -> str:
        """The text that the span was."""
        return join(self.pieces)


class Repair(NamedTuple):
    """What the search settled on for a span: a trial, and the findings on its text where it was damaged again."""

    trial: Trial
    inner: Edited
    score: float


def repair_decoders(text: str) -> Edited:
    """Return `text` with wrong decodings undone, and damage that can't be undone marked.

    Findings have stage `repair` and rules `decoder.<written>-as-<family>`, `decoder.nbsp` or `damage.*`. Line breaks
    are never touched. Clean text costs a scan.
    """
    return _repair(text, 0)


def _repair(text: str, depth: int) -> Edited:
    findings: list[Finding] = []
    for start, end in suspicious_lines(text):
        findings.extend(_shift(finding, start) for finding in repair_line(text[start:end], depth))
    if depth == 0:
        findings.extend(_blanks(text, findings))
    return edit(text, findings) if findings else Edited(text)


def _shift(finding: Finding, by: int) -> Finding:
    return finding._replace(start=finding.start + by, end=finding.end + by)


def repair_line(line: str, depth: int = 0) -> list[Finding]:
    """Return the findings on one line (no line break inside)."""
    findings: list[Finding] = []
    taken = bytearray(len(line))
    for region, options in _candidates(line):
        if 1 in taken[region.start : region.end]:
            continue
        found = _repair_region(line, region, options, depth)
        if found:
            taken[region.start : region.end] = b"\x01" * (region.end - region.start)
            findings.extend(found)
    findings.extend(found for found in lost_text(line) if 1 not in taken[found.start : found.end])
    return findings


Way = tuple[Family, Writer]


def _candidates(line: str) -> Iterator[tuple[Region, tuple[Way, ...]]]:
    """Yield regions of `line` with the ways in which each may have been damaged, the surest evidence first."""
    for region in utf8_regions(line):
        yield region, (("gbk", "utf-8"),)
    for region in latin_regions(line):
        yield region, (("latin", "utf-8"), ("latin", "gb18030"), ("latin", "big5hkscs"))
    for region in hybrid_regions(line):
        yield region, (("hybrid", "gb18030"), ("hybrid", "big5hkscs"))
    for region in swapped_regions(line, "gbk", "big5hkscs"):
        yield region, (("gbk", "big5hkscs"),)
    for region in swapped_regions(line, "big5", "gb18030"):
        yield region, (("big5", "gb18030"),)


def _repair_region(line: str, region: Region, ways: Sequence[Way], depth: int) -> list[Finding]:
    """Return the findings that undo the damage of one region; none when no way is convincing."""
    span = line[region.start : region.end]
    left = line[region.start - 1] if region.start else "\n"
    right = line[region.end] if region.end < len(line) else "\n"
    best: Repair | None = None
    for way in ways:
        trial = attempt(span, way, left, right)
        if trial is None or not trial.proved:
            continue
        text = trial.text
        inner = _repair(text, depth + 1) if depth + 1 < MAX_DEPTH and suspicious(text) else Edited(text)
        score = total_logprob(inner.text) / max(1, len(inner.text))
        if convincing(span, inner.text, score, way) and (best is None or score > best.score):
            best = Repair(trial, inner, score)
    return list(_findings(span, region.start, best)) if best else []


def convincing(span: str, text: str, score: float, way: Way) -> bool:
    """Tell whether `text` (mean log-probability `score`) is clearly better Chinese than `span`.

    UTF-8 shown as single bytes needs less: three-byte sequences that are all valid don't come about by chance.
    """
    size = len(_IDEOGRAPH.findall(text))
    before = total_logprob(span) / len(span)
    if way == ("latin", "utf-8") and HOLE not in text:
        return bool(_THREE_BYTES.search(text)) and score > before
    if not size:
        return False
    floor = next(floor for least, floor in FLOORS if size >= least)
    return score >= floor and score >= before + MARGIN


def attempt(span: str, way: Way, left: str = "\n", right: str = "\n") -> Trial | None:
    """Return `span` read anew `way`, or None when it can't have been damaged so."""
    family, writer = way
    if writer == "utf-8":
        pieces = _attempt_utf8(span, family, left, right)
    else:
        pieces = _attempt_pairs(span, family, writer, left, right)
    if not pieces:
        return None
    return prove(span, pieces, family, writer)


def _attempt_utf8(span: str, family: Family, left: str, right: str) -> list[Piece]:
    """Return the pieces of `span` as UTF-8, their bounds moved to its characters."""
    read = stream(span, family)
    if read is None:
        return []
    pieces = solve_utf8(read.data, family, left, right)
    placed = []
    for piece in pieces:
        start = bisect_left(read.offsets, piece.start)
        end = bisect_left(read.offsets, piece.end)
        aligned = read.offsets[end] == piece.end
        placed.append(piece._replace(start=start, end=end if aligned else start))
    return placed


def _attempt_pairs(span: str, family: Family, writer: Writer, left: str, right: str) -> list[Piece]:
    """Return the pieces of `span` in a two-byte encoding, at once where no byte is in doubt."""
    read = stream(span, family) if family != "hybrid" else None
    if read is not None:
        try:
            return [Piece(0, len(span), read.data.decode(writer), "known")]
        except UnicodeDecodeError:
            pass
    elif family != "hybrid":
        return []
    try:
        return solve_pairs(span, family, writer, left, right) or []
    except ValueError:
        return []


def prove(span: str, pieces: list[Piece], family: Family, writer: Writer) -> Trial | None:
    """Return the trial, proved when some decoder of `family` shows the repaired text as `span`.

    An open hole stands in the proof for the likeliest character that its bytes allow.
    """
    text = "".join(piece.guess or piece.text for piece in pieces)
    if any(ord(character) > INVALID_BYTE_BASE for character in span):
        losses = [MARKER]
    elif HOLE in span:
        losses = [HOLE]
    else:
        losses = ["?", ""]
    for reader in READERS[family]:
        for lost in losses:
            step = Step(writer, reader, lost)
            shown = damage(text, (step,))
            if shown == span:
                return Trial(pieces, step, True)
            if shown.replace("\N{NO-BREAK SPACE}", " ") == span:
                return Trial(pieces, step._replace(blank=True), True)
    return Trial(pieces, Step(writer, READERS[family][0], losses[0]), False)


def _findings(span: str, offset: int, repair: Repair) -> Iterator[Finding]:
    """Yield the findings for one repaired span: a piece each, joined where pieces share a character."""
    trial = repair.trial
    family = next(family for family, readers in READERS.items() if trial.step.reader in readers)
    rule = f"decoder.{trial.step.written}-as-{family}"
    if repair.inner.text != trial.text:
        groups: Iterator[tuple[int, int, str, set[Kind]]] = iter(
            [(0, len(span), repair.inner.text, _kinds(repair))]
        )
    else:
        groups = _groups(trial.pieces, len(span))
    for start, end, text, kinds in groups:
        before = span[start:end]
        if before == text:
            continue
        certified = kinds <= {"known", "forced"}
        evidence = describe((trial.step,))
        if "open" in kinds:
            evidence += "; a byte was lost and its character is not certain"
        elif not certified:
            evidence += "; a lost byte filled by the language model"
        else:
            evidence += "; the forward model gives the input back"
        certainty: Certainty = "certified" if certified else "inferred"
        yield Finding("repair", rule, offset + start, offset + end, before, text, certainty, evidence)


def _kinds(repair: Repair) -> set[Kind]:
    kinds: set[Kind] = {piece.kind for piece in repair.trial.pieces}
    if any(finding.certainty == "inferred" for finding in repair.inner.findings):
        kinds.add("likely")
    return kinds


def _groups(pieces: list[Piece], length: int) -> Iterator[tuple[int, int, str, set[Kind]]]:
    """Yield (start, end, text, kinds) of pieces joined so that both ends fall between characters of the span."""
    texts: list[str] = []
    kinds: set[Kind] = set()
    start = 0
    for number, piece in enumerate(pieces):
        texts.append(piece.text)
        kinds.add(piece.kind)
        last = number + 1 == len(pieces)
        if piece.end > piece.start or last:
            end = length if last else piece.end
            yield start, end, "".join(texts), kinds
            texts, kinds, start = [], set(), end


def swapped_regions(line: str, family: Family, writer: Writer) -> Iterator[Region]:
    """Yield the stretches of `line` that read far better with every character's bytes decoded as `writer`."""
    mapped = "".join(_swap(character, family, writer) for character in line)
    if len(line) < 2:
        return
    gains = _gains(line, mapped)
    yield from _best_stretches(gains)
    if HOLE in line or "?" in line:
        found = re.search("[^\x00-\x7f](?:.*[^\x00-\x7f])?", line)
        if found:
            yield Region(*found.span())


def _swap(character: str, family: Family, writer: Writer) -> str:
    options = sources(character, family)
    if not options:
        return "\ue000"
    try:
        text = options[0].decode(writer)
    except UnicodeDecodeError:
        return "\ue000"
    return text if len(text) == 1 else "\ue000"


def _gains(line: str, mapped: str) -> list[float]:
    """Return by how much each character reads better when mapped, less one nat where it is changed."""
    old, new = codes("\n" + line), codes("\n" + mapped)
    gain = pair_scores(new[:-1], new[1:]).astype(np.float64) - pair_scores(old[:-1], old[1:])
    changed = old[1:] != new[1:]
    return list(np.where(changed, gain - 1.0, np.minimum(gain, 0.0)))


def _best_stretches(gains: Sequence[float]) -> Iterator[Region]:
    """Yield stretches whose gains add up to most (Kadane's scan, restarted after each that was found)."""
    total = best = 0.0
    start = begin = end = 0
    for place, gain in enumerate(gains):
        if total <= 0.0 or best - total > SWAP_LOSS:
            if best > SWAP_GAIN:
                yield Region(begin, end)
            best = total = 0.0
            start = place
        total += gain
        if total > best:
            best, begin, end = total, start, place + 1
    if best > SWAP_GAIN:
        yield Region(begin, end)


def _blanks(text: str, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield a repair for each `?` that stands for a no-break space inside a word."""
    for found in re.finditer(r"(?<=[\u4e00-\u9fff])(?: \?)+(?=[\u4e00-\u9fff])", text):
        if bigram_score(text[found.start() - 1], text[found.end()]) < -3.0:
            continue
        after = found.group().replace("?", "\N{NO-BREAK SPACE}")
        evidence = "a no-break space that GBK lacks was written as ?"
        yield Finding(
            "repair", "decoder.nbsp", found.start(), found.end(), found.group(), after, "inferred", evidence
        )
