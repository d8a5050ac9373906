"""Findings: the account of every change that a stage makes to a text.

A stage never edits a text in place. It lists findings and builds its output from them with `edit`, so
`replay(input, findings) == output` holds by construction.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Literal, NamedTuple

Stage = Literal["repair", "strip", "normalize", "script"]
Certainty = Literal["certified", "inferred", "rule"]

STAGES: tuple[Stage, ...] = ("repair", "strip", "normalize", "script")
"""The text stages in the order of a page's walk; each one's spans are offsets into its own input."""


class Finding(NamedTuple):
    """One change, or one spot of damage left as it stood (then `before == after`).

    `start` and `end` are half-open character offsets into the stage's input; `before` is the text there.
    `evidence` says in a few words what the certainty rests on.
    """

    stage: Stage
    rule: str
    start: int
    end: int
    before: str
    after: str
    certainty: Certainty
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Edited:
    """A stage's output text with the findings it was built from, in order of `start`."""

    text: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why an input gave no document: a data problem as a value, never an exception.

    `reason` is a short stable identifier (`empty`, `not-text`, `list-page` ...), `detail` one line for people.
    """

    reason: str
    detail: str = ""
    encoding: str | None = None
    encoding_evidence: str | None = None
    findings: tuple[Finding, ...] = field(default=())


def replay(text: str, findings: Iterable[Finding]) -> str:
    """Return `text` with `findings` of one stage applied.

    Raises ValueError when the findings overlap, are out of order, or do not fit the text.
    """
    parts: list[str] = []
    cursor = 0
    for _, rule, start, end, before, after, _, _ in findings:
        if start < cursor or text[start:end] != before:
            raise ValueError(f"finding {rule} at {start}:{end} does not fit the text")
        parts.append(text[cursor:start])
        parts.append(after)
        cursor = end
    parts.append(text[cursor:])
    return "".join(parts)


def replay_stages(text: str, findings: Sequence[Finding]) -> str:
    """Return `text` taken through every stage of `STAGES`, each with its own findings."""
    for stage in STAGES:
        text = replay(text, [finding for finding in findings if finding.stage == stage])
    return text


def undo(text: str, findings: Sequence[Finding]) -> str:
    """Return the input of one stage from its output and its findings: the inverse of `replay`.

    Raises ValueError when the findings do not fit the text.
    """
    parts: list[str] = []
    cursor = 0
    shift = 0
    for finding in findings:
        start = finding.start + shift
        end = start + len(finding.after)
        if start < cursor or text[start:end] != finding.after:
            raise ValueError(f"finding {finding.rule} at {finding.start}:{finding.end} does not fit the output")
        parts.append(text[cursor:start])
        parts.append(finding.before)
        cursor = end
        shift += len(finding.after) - len(finding.before)
    parts.append(text[cursor:])
    return "".join(parts)


def untouched_lines(text: str, findings: Iterable[Finding]) -> Iterator[tuple[int, str]]:
    """Yield where each line of `text` begins that none of `findings`, in any order, begins in, and the line."""
    starts = sorted(finding.start for finding in findings)
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if bisect_left(starts, start) == bisect_right(starts, end):
            yield start, line
        start = end + 1


def edit(text: str, findings: Iterable[Finding]) -> Edited:
    """Return the `Edited` that `findings` (in any order) make of `text`.

    Raises ValueError when two findings overlap or one does not fit.
    """
    ordered = tuple(sorted(findings, key=_BOUNDS))
    return Edited(replay(text, ordered), ordered)


_BOUNDS = itemgetter(2, 3)
