"""outline.find(): which line of a plain-text page is the title, which are bylines.

Plain text has no markup to say so. What is left of a page's shape does: the title stands before the first paragraph,
after the site's furniture; it is repeated inside the body (an image's alternative text); a byline stands under it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import PurePath

from cleaning import spam
from cleaning.contacts import is_contact_line, may_hold_contacts
from cleaning.dates import parse_published
from cleaning.folding import fold, letters
from cleaning.lexicon import look
from cleaning.metadata import merge, parse_byline
from cleaning.page import Metadata
from cleaning.shapes import FIELD_MARK, IN_FORCE, TITLE_LABEL, is_heading, is_prose, line_starts, lines_at

HEAD_LINES = 20
"""Lines before the first paragraph among which the title is looked for."""

MIN_TITLE, MAX_TITLE = 4, 70
"""Characters of a title; the seeds' titles have 7 to 14."""

_ENDS_AS_SENTENCE = re.compile(r"[。;,:、]$")
_DATE_ONLY = re.compile(r"[\s\d年月日./-]{6,14}")


@dataclass(frozen=True, slots=True)
class Outline:
    """The title as its line states it, the lines that hold it and those that are bylines, and what bylines state."""

    title: str | None = None
    title_lines: tuple[int, ...] = ()
    byline_lines: tuple[int, ...] = ()
    fields: Metadata = field(default_factory=Metadata)


def find(lines: Sequence[str], *, filename: str | None = None) -> Outline:
    """Return the outline of a plain-text page; a page that begins with prose has no title.

    `filename` is the file the text came from, where it was named after the article.
    """
    keys = [fold(line).strip() for line in lines]
    furniture = _furniture(keys)
    first_prose = next((i for i, key in enumerate(keys) if i not in furniture and is_prose(key)), len(keys))
    head = [i for i in range(first_prose) if keys[i] and i not in furniture][:HEAD_LINES]
    bylines = {i: found for i in head if (found := _byline(lines[i], keys[i])) is not None}
    dated = {i: found for i in head if i not in bylines and (found := _dated(lines[i])) is not None}
    title = _choose(
        keys, [i for i in head if i not in bylines], bylines.keys() | dated.keys(), first_prose, filename
    )
    if title is not None and title + 1 in dated:
        bylines[title + 1] = dated[title + 1]
    bylines |= _tail_bylines(lines, keys, first_prose, furniture)
    fields = merge(*(bylines[i] for i in sorted(bylines)))
    if title is None:
        return Outline(None, (), tuple(sorted(bylines)), fields)
    label = TITLE_LABEL.match(fold(lines[title]))
    stated = lines[title][label.end() if label else 0 :].strip()
    key = letters(fold(stated))
    same = (i for i in head if letters(TITLE_LABEL.sub("", keys[i], count=1)) == key)
    return Outline(stated, tuple(sorted({title, *same})), tuple(sorted(bylines)), fields)


def _furniture(keys: Sequence[str]) -> frozenset[int]:
    """Return the lines that are spam or contacts, or that a rule for the head or for anywhere takes whole."""
    starts = line_starts(keys)
    text = "\n".join(keys)
    seen = look(text, keys)
    found = {
        index
        for index, tried in seen.rules.items()
        if any(rule.where != "tail" and rule.match(keys[index]) is not None for rule in tried.rules)
    }
    hits = seen.hits
    for index in (hits.keys() | lines_at(spam.spaced_out(text), starts)) - found:
        cuts = spam.find_spam(keys[index], hits.get(index, ()))
        if cuts and cuts[0].end - cuts[0].start >= len(keys[index]):
            found.add(index)
    numbered = lines_at(may_hold_contacts(text), starts)
    return frozenset(found | {index for index in numbered - found if is_contact_line(keys[index])})


def _byline(line: str, key: str) -> Metadata | None:
    """Return the fields of a byline; a name and a day alone are one only near a title, see `_dated`."""
    if len(key) > 160 or is_heading(key) or not FIELD_MARK.search(key) or IN_FORCE.search(key):
        return None
    return parse_byline(line)


def _dated(line: str) -> Metadata | None:
    """Return author and day of `某某 2023年09月11日`: a byline under a title, elsewhere perhaps a heading."""
    match = _NAME_AND_DAY.fullmatch(line.strip())
    if match is None:
        return None
    published = parse_published(match["day"])
    return None if published is None else Metadata(author=match["name"], published=published)


_NAME_AND_DAY = re.compile(
    r"(?P<name>[^\W\d_][^\W_]{1,9})[\s|/·]{1,3}(?P<day>(?:19|20)\d\d[年./-]\d{1,2}[月./-]\d{1,2}日?)"
)


def _tail_bylines(
    lines: Sequence[str], keys: Sequence[str], first_prose: int, furniture: frozenset[int]
) -> dict[int, Metadata]:
    """Return the bylines after the last paragraph (an editor's line); a bare date there is a notice's signature."""
    found: dict[int, Metadata] = {}
    for index in range(len(lines) - 1, first_prose, -1):
        if is_prose(keys[index]) and index not in furniture:
            break
        byline = _byline(lines[index], keys[index])
        if byline is not None and not _DATE_ONLY.fullmatch(keys[index]):
            found[index] = byline
    return found


def _choose(
    keys: Sequence[str], head: Sequence[int], bylines: Set[int], first_prose: int, filename: str | None
) -> int | None:
    """Return the head line that is most like a title; of equals the first."""
    body = {letters(key) for key in keys[first_prose:]}
    able = [i for i in head if _can_be_title(keys[i]) and (not is_heading(keys[i]) or letters(keys[i]) in body)]
    if not able:
        return None
    again = {letters(keys[i]): i for i in head}
    stem = letters(fold(PurePath(filename).stem)) if filename else ""

    def score(index: int) -> int:
        own = letters(keys[index])
        points = 4 * (own in body) + (again[own] > index and first_prose > again[own])
        points += 4 * (index + 1 in bylines) + 2 * (index + 2 in bylines and not keys[index + 1])
        points += 3 * (len(own) >= 8 and own in stem) + 6 * bool(TITLE_LABEL.match(keys[index]))
        points -= 6 * (index in bylines) + 3 * (len(own) < 6) + 3 * bool(is_heading(keys[index]))
        points += 2 * any(own != other and other in own for other in again if len(other) >= 6)
        return points

    return max(able, key=lambda index: (score(index), -index))


def _can_be_title(key: str) -> bool:
    return MIN_TITLE <= len(key) <= MAX_TITLE and not _ENDS_AS_SENTENCE.search(key) and any(map(str.isalpha, key))
