"""What is too short to say by itself which decoder it went through, on a page that says so as a whole.

`¡C` is Big5's full stop read as Latin-1, or an exclamation in Spanish. Where nearly all that such a decoder can show was
proved to be its work, the rest is too: bytes are taken that decode, that the forward model shows again, and that
read better.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from heapq import nlargest
from typing import cast

from cleaning.findings import Certainty, Edited, Finding, edit, untouched_lines
from cleaning.repair.badness import count_in, total_logprob
from cleaning.repair.chains import FAMILY, HOLE, MARKER, READERS, SPECIALS, Family, Step, Writer, damage
from cleaning.repair.solve import decoded
from cleaning.repair.spans import count_high

SHARE = 0.9
"""Share of the characters that a decoder can have shown which must be repaired as its work."""

LEAST = 60
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
    untouched = untouched_lines(text, edited.findings) if edited.findings else ()
    left = [(start, line) for start, line in untouched if start not in kept and not line.isascii()]
    step = _established(text, edited.findings) if left else None
    if step is None:
        return edited
    return edit(text, [*edited.findings, *_rest(left, step)])


def _established(text: str, findings: Sequence[Finding]) -> Step | None:
    """Return the one step that explains nearly all of what it can have shown in `text`."""
    covered: Counter[str] = Counter()
    for finding in findings:
        covered[finding.rule] += finding.end - finding.start
    told = next((told for rule, _ in covered.most_common() if (told := _RULE.fullmatch(rule))), None)
    if told is None:
        return None
    written, family = cast("tuple[Writer, Family]", told.groups())
    mine = [finding for finding in findings if finding.rule == told.group()]
    shown = _count_shown("\n".join(finding.before for finding in mine), family)
    if shown < LEAST or shown < SHARE * _count_shown(text, family):
        return None
    longest = nlargest(SAMPLED, mine, key=lambda finding: finding.end - finding.start)
    # All are shown at once: no encoding has a line break in a character.
    before, after = (
        "\n".join(column) for column in zip(*[(one.before, one.after) for one in longest], strict=True)
    )
    steps = (Step(written, reader, lost) for reader in READERS[family] for lost in (HOLE, MARKER))
    return next((step for step in steps if damage(after, (step,)) == before), None)


def _rest(left: Sequence[tuple[int, str]], step: Step) -> Iterator[Finding]:
    """Yield findings on those of the lines `left` that `step` shows of other text."""
    family = FAMILY[step.reader]
    rule = f"decoder.{step.written}-as-{family}"
    certainty: Certainty = "certified" if family == "latin" else "inferred"
    evidence = f"{step.written} read as {step.reader}, as all of its page; the forward model gives the input back"
    for start, line in left:
        before = _before(line, step) if _count_shown(line, family) else None
        if before is not None:
            yield Finding("repair", rule, start, start + len(line), line, before, certainty, evidence)


def _before(line: str, step: Step) -> str | None:
    """Return the one text that `step` shows as `line`; None where its bytes don't decode, or read no better."""
    text = decoded(line, FAMILY[step.reader], step.written)
    if text is None or text == line or damage(text, (step,)) != line:
        return None
    return text if total_logprob(text) > total_logprob(line) else None
