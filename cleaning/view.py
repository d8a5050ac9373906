"""A page as extraction looks at it: its flat form, and the sums over its tree that every choice rests on.

Prose, links and characters of each subtree, what each element says about itself, which line is the headline and how much
prose stands close below each element. The sums have compiled twins in `cleaning/native/_page.pyx`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from cleaning import blocks as roles
from cleaning.blocks import own_marks, prose_weight
from cleaning.dom import Dom, Line
from cleaning.metadata import letters
from cleaning.native import available
from cleaning.records import Records, find_records

_NATIVE = available("_page")

DECAY = 0.6
"""How much of a line's weight each further ancestor gets: a container is where prose stands close together."""

REACH = 6
"""Ancestors that a line's weight reaches, those around nothing else not counted."""

MAX_CLIMB = 40
"""Ancestors that are looked at for each line, whatever they are around."""

MARKED_SHARE = 0.2
"""Weight of prose in a part whose name says it is not the article: names lie, so it is not nothing."""

RECORDED_SHARE = 0.1
"""Weight of prose in a list of teasers or comments (`cleaning/records.py`): on the page of a thread it is all there is."""

LONG = 60.0
"""Prose weight of a line that may be a site's declaration, longer than a short article."""

MAX_SEARCHED = 3000
"""Lines of a page in which its headline and the line that its description quotes are looked for."""

LEAVES = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "li", "dd", "dt", "figcaption", "center"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


@dataclass(slots=True)
class Head:
    """What stands in a page's head and scripts."""

    title: str | None
    fields: dict[str, str]
    description: str
    ld: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class View:
    """A page's elements with the sums that the choice rests on; lists are parallel to `dom.tags`."""

    dom: Dom
    weights: list[float]
    near: list[float]
    prose: list[float]
    linked: list[int]
    chars: list[int]
    first: list[int]
    last: list[int]
    own: list[roles.Mark]
    marks: list[roles.Mark]
    records: list[Records] = field(default_factory=list)
    recorded: frozenset[int] = frozenset()
    headline: int | None = None
    described: int | None = None


def look(dom: Dom, head: Head) -> View:
    """Return the page with its sums: prose, links and characters of each subtree, and prose near each element."""
    weigh = _weigh if _NATIVE is None else _NATIVE.weigh
    weights, prose, linked, chars, first, last = weigh(
        dom.lines, dom.parents, roles.is_disclaimer, roles.SIGNS_OF_DISCLAIMERS, LONG, MARKED_SHARE
    )
    view = View(dom, weights, [], prose, linked, chars, first, last, [], [])
    view.headline = _headline(view, head)
    view.described = _described(view, head)
    view.records = find_records(dom, prose, first, last)
    view.recorded = frozenset(index for group in view.records for index in range(group.first, group.last + 1))
    view.own = _own_marks(view)
    view.marks = inherit(dom, view.own)
    view.near = _near(view)
    return view


_Sums = tuple[list[float], list[float], list[int], list[int], list[int], list[int]]


def _weigh(
    lines: Sequence[Line],
    parents: Sequence[int],
    declares: Callable[[str], bool],
    signs: str,
    longest: float,
    share: float,
) -> _Sums:
    """Return each line's prose weight and each element's prose, linked and all characters, first and last line.

    Lines that weigh `longest` and more and are a site's declaration, as `declares` says, count by `share`. Such a
    declaration has one of `signs` in it: most lines need not be asked about.
    """
    count, known = len(parents), frozenset(signs)
    weights: list[float] = []
    prose, linked, chars = [0.0] * count, [0] * count, [0] * count
    first, last = [len(lines)] * count, [-1] * count
    for index, line in enumerate(lines):
        text, owner, in_links = line.text, line.owner, line.linked
        length = len(text)
        weight = 0.0
        if in_links + 1 < length and not line.hidden:
            weight = prose_weight(text, in_links)
            if weight >= longest and not known.isdisjoint(text) and declares(text):
                weight *= share
            prose[owner] += weight
        weights.append(weight)
        linked[owner] += in_links
        chars[owner] += length
        if last[owner] < 0:
            first[owner] = index
        last[owner] = index
    for element in range(count - 1, 0, -1):
        if chars[element]:
            parent = parents[element]
            prose[parent] += prose[element]
            linked[parent] += linked[element]
            chars[parent] += chars[element]
            if first[element] < first[parent]:
                first[parent] = first[element]
            if last[element] > last[parent]:
                last[parent] = last[element]
    return weights, prose, linked, chars, first, last


def _own_marks(view: View) -> list[roles.Mark]:
    """Return what each element says about itself, where that can be believed."""
    dom, prose = view.dom, view.prose
    half = prose[0] / 2
    found = own_marks(dom.tags, dom.hints) | dict.fromkeys(dom.hidden, _HIDDEN)
    marks: list[roles.Mark] = [""] * len(dom.tags)
    for element, mark in found.items():
        if element and view.chars[element] and not (prose[element] > half and _misnamed(view, element, mark)):
            marks[element] = mark
    return marks


_HIDDEN: roles.Mark = "hidden"


def _misnamed(view: View, element: int, mark: roles.Mark) -> bool:
    """Say whether an element that holds most of the page's prose is the article in spite of its mark.

    It is not hidden for a reader: pages hide the article until a script has run. It is no menu or footer either, if it holds
    nearly all prose; comments can outweigh an article, but then the headline and some prose stand outside.
    """
    if mark == "hidden":
        return True
    outside = view.prose[0] - view.prose[element]
    if mark == "comment":
        holds_headline = view.headline is not None and view.first[element] <= view.headline <= view.last[element]
        return holds_headline or outside < 60
    return view.prose[element] > 0.75 * view.prose[0]


def inherit(dom: Dom, own: Sequence[roles.Mark], top: int = 0) -> list[roles.Mark]:
    """Return the mark of each element below `top`, its own or an ancestor's; marks at `top` and above it don't count."""
    parents = dom.parents
    marks: list[roles.Mark]
    if _NATIVE is not None and isinstance(own, list):
        marks = _NATIVE.inherit(parents, own, top)
        return marks
    if not top:
        marks = [""]
        for parent, mark in islice(zip(parents, own, strict=True), 1, None):
            marks.append(marks[parent] or mark)
        return marks
    marks = [""] * len(own)
    for element in range(top + 1, len(own)):
        if parents[element] < top:
            break  # elements are in document order: behind the last one below `top`
        marks[element] = marks[parents[element]] or own[element]
    return marks


def _near(view: View) -> list[float]:
    """Return how much prose stands close below each element.

    An element around a single one counts with it: editors wrap each paragraph in four sections, and what holds the
    paragraphs together is no further away for that.
    """
    tags, parents, chars = view.dom.tags, view.dom.parents, view.chars
    hints, first, last = view.dom.hints, view.first, view.last
    recorded = view.recorded
    near: list[float]
    if _NATIVE is not None:
        near = _NATIVE.near(
            view.dom.lines, view.weights, view.marks, tags, parents, hints, chars, first, last, recorded, LEAVES,
            MARKED_SHARE, RECORDED_SHARE, DECAY, REACH, MAX_CLIMB,
        )  # fmt: skip
        return near
    near = [0.0] * len(view.marks)
    for index, (line, weight) in enumerate(zip(view.dom.lines, view.weights, strict=True)):
        if not weight:
            continue
        element = line.owner
        mark = view.marks[element]
        if mark:
            weight *= 0.0 if mark == "hidden" else MARKED_SHARE
        if index in recorded:
            weight *= RECORDED_SHARE
        if tags[element] in LEAVES:
            element = parents[element]
        else:
            while first[element] == last[element] and element and not hints[element].strip():
                near[element] += weight
                element = parents[element]  # a paragraph, though its element is a `div` without a name
        steps, climbed = REACH, MAX_CLIMB
        while element and weight and steps and climbed:
            near[element] += weight
            parent = parents[element]
            if chars[parent] > chars[element]:
                weight *= DECAY
                steps -= 1
            climbed -= 1
            element = parent
    return near


def _headline(view: View, head: Head) -> int | None:
    """Return the line that is the page's headline: `<title>` or `og:title` holds it; headings and long ones first."""
    stated = letters(" ".join(filter(None, (head.title, head.fields.get("title"), head.ld.get("title")))))
    if len(stated) < 4:
        return None
    alike = _alike if _NATIVE is None else _NATIVE.alike
    best: int | None = None
    rank = 0.0
    for index in alike(view.dom.lines, MAX_SEARCHED, stated, 4, 150):
        line = view.dom.lines[index]
        text = line.text
        tag = view.dom.tags[line.owner]
        by_tag = 3.0 if tag == "h1" else 2.0 if tag in HEADINGS else 1.0
        by_links = 0.3 if line.linked * 2 > len(text) else 1.0
        if len(text) * by_tag * by_links <= rank:
            continue
        bare = letters(_KIND_OF_POST.sub("", text, count=1) if text[0] in "[【" else text)
        own = len(bare) * by_tag * by_links
        if len(bare) >= 4 and own > rank and bare in stated:
            rank, best = own, index
    return best


def _alike(lines: Sequence[Line], most: int, stated: str, shortest: int, longest: int) -> Iterator[int]:
    """Yield which of the first `most` lines may stand in `stated`, as far as three of their characters tell.

    Those tell nearly all others from it. They have `shortest` to `longest` characters and are not hidden.
    """
    known = set(stated)

    def foreign(letter: str) -> bool:
        return letter not in known and letter.isalnum()

    for index, line in enumerate(lines[:most]):
        text = line.text
        middle = text[len(text) // 2]  # asked here, without a call: it turns most away
        if (middle not in known and middle.isalnum()) or not shortest <= len(text) <= longest:
            continue
        if foreign(text[-1]) or foreign(text[0]) or line.hidden:
            continue
        yield index


_KIND_OF_POST = re.compile(r"^[\[【][^\]】]{1,8}[\]】]")
"""What a forum prints before a thread's subject (`[求助]`), and not in `<title>`."""


def _described(view: View, head: Head) -> int | None:
    """Return the line that the page's description quotes: most descriptions are the article's beginning."""
    quoted = letters(head.description)[:14]
    if len(quoted) < 10 or (head.title and quoted in letters(head.title)):
        return None
    begins, weights = quoted[0], view.weights
    for index, line in enumerate(view.dom.lines[:MAX_SEARCHED]):
        if weights[index] > 0 and len(text := line.text) >= len(quoted):
            beginning = text[:60]
            if begins in beginning and letters(beginning).startswith(quoted):
                return index
    return None
