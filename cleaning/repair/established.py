"""What is too short to say by itself which decoder it went through, on a page that says so as a whole.

`¡C` is Big5's full stop read as Latin-1, or an exclamation in Spanish. Where nearly all that such a decoder can show was
proved to be its work, the rest is too: bytes are taken that decode, that the forward model shows again, and that
read better.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import cast

from cleaning.findings import Certainty, Edited, Finding, edit
from cleaning.repair.badness import count_in, total_logprob
from cleaning.repair.chains import FAMILY, HOLE, MARKER, READERS, SPECIALS, Family, Step, Writer, damage
from cleaning.repair.solve import decoded
from cleaning.repair.spans import count_high

SHARE = 0.9
"""Share of the characters that a decoder can have shown which must be repaired as its work."""

LEAST = 200
"""Characters so repaired from which a page says enough."""

SAMPLED = 20
"""Findings, the longest, that tell the exact decoder."""

_RULE = re.compile(r"decoder\.(utf-8|gb18030|big5hkscs)-as-(latin|gbk|big5)")
_SINGLE = re.compile(f"[\x80-\xff{''.join(SPECIALS)}]")


def _count_shown(text: str, family: Family) -> int:
    """Return how many characters of `text` a family's decoders can have shown of bytes above ASCII."""
    return count_in(text, _SINGLE) if family == "latin" else count_high(text)


def repair_rest(text: str, edited: Edited, kept: Container[int] = ()) -> Edited:
    """Return `edited`, the repair of `text`, with the lines repaired too that were left but went the way of all others.

    Their findings are certified for single bytes, inferred for pairs, of which clean text is made as well. Lines that
    start at a place in `kept` were never bytes, and stay.
    """
    step = _established(text, edited.findings)
    if step is None:
        return edited
    return edit(text, [*edited.findings, *_rest(text, edited.findings, step, kept)])


def _established(text: str, findings: Sequence[Finding]) -> Step | None:
    """Return the one step that explains nearly all of what it can have shown in `text`."""
    covered: Counter[tuple[Writer, Family]] = Counter()
    for finding in findings:
        if (told := _RULE.fullmatch(finding.rule)) is not None:
            covered[cast("tuple[Writer, Family]", told.groups())] += finding.end - finding.start
    if not covered:
        return None
    written, family = covered.most_common(1)[0][0]
    mine = [finding for finding in findings if finding.rule == f"decoder.{written}-as-{family}"]
    shown = _count_shown("\n".join(finding.before for finding in mine), family)
    if shown < LEAST or shown < SHARE * _count_shown(text, family):
        return None
    longest = sorted(mine, key=lambda finding: finding.start - finding.end)[:SAMPLED]
    for step in (Step(written, reader, lost) for reader in READERS[family] for lost in (HOLE, MARKER)):
        if all(damage(finding.after, (step,)) == finding.before for finding in longest):
            return step
    return None


def _rest(text: str, findings: Sequence[Finding], step: Step, kept: Container[int]) -> Iterator[Finding]:
    """Yield findings on the lines of `text` that have none and that `step` shows of other text."""
    family = FAMILY[step.reader]
    certainty: Certainty = "certified" if family == "latin" else "inferred"
    evidence = f"{step.written} read as {step.reader}, as all of its page; the forward model gives the input back"
    starts = [finding.start for finding in findings]
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        found = bisect_left(starts, start) < bisect_right(starts, end)
        if not found and start not in kept and _count_shown(line, family):
            before = _before(line, step)
            if before is not None:
                rule = f"decoder.{step.written}-as-{family}"
                yield Finding("repair", rule, start, end, line, before, certainty, evidence)
        start = end + 1


def _before(line: str, step: Step) -> str | None:
    """Return the one text that `step` shows as `line`; None where its bytes don't decode, or read no better."""
    text = decoded(line, FAMILY[step.reader], step.written)
    if text is None or text == line or damage(text, (step,)) != line:
        return None
    return text if total_logprob(text) > total_logprob(line) else None
