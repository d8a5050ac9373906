"""Aligning two sequences: which stretches of one stand in the other, in order. Pure, and bounded for any input.

Elements that occur once in both sequences anchor the alignment (patience diff: the longest increasing run of them);
between anchors Myers' algorithm finds the shortest edit of at most EDITS steps, and a stretch that needs more counts as
replaced. So the work is about EDITS steps an element at the very most, whatever a hostile page holds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

EDITS = 48
"""Most edits looked for between two anchors."""


class Run(NamedTuple):
    """Equal stretches: `length` elements from `left` in one sequence and from `right` in the other."""

    left: int
    right: int
    length: int


class Hunk(NamedTuple):
    """Half-open stretches that stand against each other; `equal` says whether they are the same."""

    left: int
    left_end: int
    right: int
    right_end: int
    equal: bool


def hunks(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Hunk]:
    """Return the hunks that the two sequences fall into, in order; equal and different ones take turns."""
    found: list[Hunk] = []
    at_left = at_right = 0
    for run in [*align(left, right), Run(len(left), len(right), 0)]:
        if run.left > at_left or run.right > at_right:
            found.append(Hunk(at_left, run.left, at_right, run.right, False))
        at_left, at_right = run.left + run.length, run.right + run.length
        if run.length:
            found.append(Hunk(run.left, at_left, run.right, at_right, True))
    return found


def align(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Run]:
    """Return the runs that the two sequences share, in order, none touching the next in both."""
    runs: list[Run] = []
    at = (0, 0)
    for anchor in [*_anchors(left, right), (len(left), len(right))]:
        for run in _between(left, right, at, anchor):
            _append(runs, run)
        if anchor[0] < len(left):
            _append(runs, Run(*anchor, 1))
        at = (anchor[0] + 1, anchor[1] + 1)
    return runs


def _append(runs: list[Run], run: Run) -> None:
    """Append `run`, joined to the last one where it follows it directly in both sequences."""
    if runs and (runs[-1].left + runs[-1].length, runs[-1].right + runs[-1].length) == (run.left, run.right):
        run = Run(runs[-1].left, runs[-1].right, runs[-1].length + run.length)
        runs.pop()
    runs.append(run)


def _anchors(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return the longest chain of places of elements that are unique in both, rising in both."""
    once_left, once_right = _once(left), _once(right)
    places = [(once_left[item], once_right[item]) for item in left if item in once_left and item in once_right]
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(places):
        at = bisect_left(tails, place)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [place]
        ends[at : at + 1] = [index]
    chain = []
    index = ends[-1] if ends else -1
    while index >= 0:
        chain.append(places[index])
        index = before[index]
    return chain[::-1]


def _once(items: Sequence[Hashable]) -> dict[Hashable, int]:
    counts = Counter(items)
    return {item: index for index, item in enumerate(items) if counts[item] == 1}


def _between(
    left: Sequence[Hashable], right: Sequence[Hashable], start: tuple[int, int], end: tuple[int, int]
) -> Iterator[Run]:
    """Yield the runs within one gap: its common head and tail, and what Myers finds between them."""
    (left_start, right_start), (left_end, right_end) = start, end
    head = 0
    room = min(left_end - left_start, right_end - right_start)
    while head < room and left[left_start + head] == right[right_start + head]:
        head += 1
    tail = 0
    while tail < room - head and left[left_end - tail - 1] == right[right_end - tail - 1]:
        tail += 1
    if head:
        yield Run(left_start, right_start, head)
    inner_left = left[left_start + head : left_end - tail]
    inner_right = right[right_start + head : right_end - tail]
    for run in _myers(inner_left, inner_right):
        yield Run(run.left + left_start + head, run.right + right_start + head, run.length)
    if tail:
        yield Run(left_end - tail, right_end - tail, tail)


def _myers(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Run]:
    """Return the runs of a shortest edit of at most EDITS steps (Myers 1986), none where it takes more."""
    if not left or not right:
        return []
    furthest = {1: 0}
    history: list[dict[int, int]] = []
    for edits in range(EDITS + 1):
        history.append(dict(furthest))
        for diagonal in range(-edits, edits + 1, 2):
            down = diagonal == -edits or (
                diagonal != edits and furthest[diagonal - 1] < furthest.get(diagonal + 1, 0)
            )
            x = furthest[diagonal + 1] if down else furthest[diagonal - 1] + 1
            y = x - diagonal
            while x < len(left) and y < len(right) and left[x] == right[y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            if x >= len(left) and y >= len(right):
                return _walk_back(history, len(left), len(right))
    return []


def _walk_back(history: Sequence[dict[int, int]], x: int, y: int) -> list[Run]:
    runs: list[Run] = []
    for edits in range(len(history) - 1, -1, -1):
        furthest = history[edits]
        diagonal = x - y
        down = diagonal == -edits or (diagonal != edits and furthest[diagonal - 1] < furthest.get(diagonal + 1, 0))
        came = furthest.get(diagonal + 1, 0) if down else furthest[diagonal - 1]
        before = (came, came - diagonal - 1) if down else (came, came - diagonal + 1)
        after_x = before[0] if down else before[0] + 1
        if edits == 0:
            after_x = 0
        if x > after_x:
            runs.append(Run(after_x, after_x - diagonal, x - after_x))
        x, y = before
    return runs[::-1]
