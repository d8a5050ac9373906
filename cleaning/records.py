"""Lists of other pages and of readers' words, told by their shape: the same element again and again, each with a head.

A teaser begins with the linked title of another page, a comment has a name and a date. Sites name them as they like, or with
letters that a program made up; that four and more of them stand side by side is the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import compress
from typing import Literal, NamedTuple

from cleaning.blocks import count_stops
from cleaning.dates import ANY_TIME, find_dates
from cleaning.dom import Dom, Line

MIN_RECORDS = 4
"""Elements of one name side by side that make a list."""

HEADED_SHARE = 0.75
"""Least share of them that have a head of the same kind."""

MAX_LISTS = 30
"""Lists that are looked for in a page: a bound for hostile ones."""

MIN_PROSE = 20.0
"""Prose weight that an element must have to count as one: menus don't matter here."""

MAX_TITLE_LINE = 100
"""Characters of a list's line that is a title with a date, a section or a counter."""

MAX_NAME_LINE = 16
MAX_DATE_LINE = 40
"""Characters of a line that holds the name of who wrote a comment, and of one that tells when."""

HEAD_LINES = 4
"""Lines at the beginning and at the end of a record that are looked at."""


class Records(NamedTuple):
    """A list of records: its lines from `first` to `last`, both in it, and what its records are."""

    first: int
    last: int
    mark: Literal["related", "comment"]


def find_records(dom: Dom, prose: Sequence[float], first: Sequence[int], last: Sequence[int]) -> list[Records]:
    """Return the lists of a page, in the order of their first elements. The sequences are parallel to `dom.tags`."""
    groups: dict[tuple[int, str, str], list[int]] = {}
    for element in compress(range(len(prose)), prose):
        if prose[element] >= MIN_PROSE and last[element] > first[element]:
            hint = dom.hints[element]
            name = _DIGITS.sub("", hint) if hint else ""
            groups.setdefault((dom.parents[element], dom.tags[element], name), []).append(element)
    found: list[Records] = []
    for group in groups.values():
        if len(group) < MIN_RECORDS:
            continue
        if len(found) >= MAX_LISTS:
            break
        mark = _mark([dom.lines[first[element] : last[element] + 1] for element in group])
        if mark is not None:
            found.append(Records(first[group[0]], last[group[-1]], mark))
    return found


_DIGITS = re.compile(r"\d+")


def _mark(records: Sequence[Sequence[Line]]) -> Literal["related", "comment"] | None:
    """Return what records with these lines are, None where they may be an article's own parts."""
    least = HEADED_SHARE * len(records)
    if sum(any(map(is_linked_title, lines[:HEAD_LINES])) for lines in records) >= least:
        return "related"
    return "comment" if sum(map(_is_signed, records)) >= least else None


def is_linked_title(line: Line) -> bool:
    """Say whether a line is the linked title of another page, alone or beside its date or counter."""
    return line.linked >= 6 and len(line.text) <= MAX_TITLE_LINE and line.linked > 0.5 * len(line.text)


def _is_signed(lines: Sequence[Line]) -> bool:
    """Say whether a record tells who wrote it and when, as a comment does; a chronicle's part only tells when."""
    edges = lines if len(lines) <= 2 * HEAD_LINES else [*lines[:HEAD_LINES], *lines[-HEAD_LINES:]]
    dated = named = False
    for line in edges:
        if len(line.text) <= MAX_DATE_LINE and _TELLS_TIME.search(line.text) and not count_stops(line.text):
            date = next(find_dates(line.text, ANY_TIME), None)
            dated = dated or date is not None
            named = named or (date is not None and date.start > 1)
        elif len(line.text) <= MAX_NAME_LINE and not count_stops(line.text):
            named = True
    return dated and named


_TELLS_TIME = re.compile(r"\d\s?[-年月./:]\s?\d|前|昨|今|[刚剛]")
