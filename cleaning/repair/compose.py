"""Put two edits in a row into terms of the first one's input: no place is edited twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cleaning.findings import Certainty, Edited, Finding, edit, replay

_WEAKEST: tuple[Certainty, ...] = ("inferred", "rule", "certified")


class _Item(NamedTuple):
    """A finding at its place in the text between the two edits; `late` marks the second edit's."""

    start: int
    end: int
    late: bool
    finding: Finding


def compose(text: str, first: Edited, second: Edited) -> Edited:
    """Return the edit of `text` that does what `first` (on `text`) and then `second` (on `first.text`) do.

    Findings that touch the same characters become one, with the weaker certainty and both rules.
    """
    if not first.findings:
        return second
    if not second.findings:
        return first
    shift = 0
    composed: list[Finding] = []
    for group in map(_without_marks, _groups([*_placed(first.findings), *_in_place(second.findings)])):
        early = [item.finding for item in group if not item.late]
        composed.append(_merge(text, first.text, group, shift))
        shift += sum(len(finding.before) - len(finding.after) for finding in early)
    return edit(text, composed)


def _placed(findings: Sequence[Finding]) -> Iterator[_Item]:
    """Yield the first edit's findings at their places in its output."""
    shift = 0
    for finding in findings:
        start = finding.start + shift
        yield _Item(start, start + len(finding.after), False, finding)
        shift += len(finding.after) - len(finding.before)


def _in_place(findings: Sequence[Finding]) -> Iterator[_Item]:
    return (_Item(finding.start, finding.end, True, finding) for finding in findings)


def _groups(items: list[_Item]) -> Iterator[list[_Item]]:
    """Yield the items that overlap together, in order."""
    group: list[_Item] = []
    end = -1
    for item in sorted(items, key=lambda one: (one.start, one.end, one.late)):
        if group and item.start >= end:
            yield group
            group = []
        group.append(item)
        end = max(end, item.end) if len(group) > 1 else item.end
    if group:
        yield group


def _without_marks(group: list[_Item]) -> list[_Item]:
    """Return `group` without findings that change nothing, where another one edits the same place."""
    changing = [item for item in group if item.finding.before != item.finding.after]
    return changing if changing and len(group) > 1 else group


def _merge(text: str, between: str, group: list[_Item], shift: int) -> Finding:
    """Return one finding for a group; `shift` takes a place before it from the text between to `text`."""
    if len(group) == 1 and not group[0].late:
        return group[0].finding
    start, end = group[0].start, max(item.end for item in group)
    growth = sum(len(item.finding.before) - len(item.finding.after) for item in group if not item.late)
    late = [item.finding for item in group if item.late]
    moved = [finding._replace(start=finding.start - start, end=finding.end - start) for finding in late]
    findings = [item.finding for item in group]
    first_char, last_char = start + shift, end + shift + growth
    return Finding(
        "repair",
        "+".join(dict.fromkeys(finding.rule for finding in findings)),
        first_char,
        last_char,
        text[first_char:last_char],
        replay(between[start:end], moved),
        min((finding.certainty for finding in findings), key=_WEAKEST.index),
        "; ".join(dict.fromkeys(finding.evidence for finding in findings if finding.evidence)),
    )
