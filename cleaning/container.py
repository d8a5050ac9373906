"""Which element is the article's own: prose stands close together in it, near the headline, under a fitting name."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import compress, islice

from cleaning.blocks import read_hint
from cleaning.dates import ANY_TIME, find_dates
from cleaning.dom import Dom
from cleaning.metadata import parse_byline
from cleaning.view import LEAVES, View


def find_container(view: View) -> int:
    """Return the element that is most likely the article's own container; 0 when the page has no prose."""
    # Most elements are links' and have no prose near: left out at once.
    chosen = _best(view, compress(range(1, len(view.near)), islice(view.near, 1, None)))
    if not chosen:
        return 0
    if (end := _next_begins(view, chosen)) is not None and view.headline is not None:
        before = [
            element
            for element in range(1, len(view.near))
            if view.headline <= view.first[element] and view.last[element] < end
        ]
        chosen = _best(view, before) or chosen
    container = _widen(view, _first_of_alike(view, _first_part(view, chosen)))
    if (end := _next_begins(view, container)) is not None and end > view.first[container]:
        view.last[container] = end - 1
    return container


def _holds(view: View, element: int, lines: Sequence[int]) -> bool:
    """Say whether an element holds one of the lines, which are in order."""
    place = bisect_left(lines, view.first[element])
    return place < len(lines) and lines[place] <= view.last[element]


def _best(view: View, elements: Iterable[int]) -> int:
    """Return the element with the best score for being the article's container, 0 where none has prose near it."""
    best, chosen = 0.0, 0
    for element in elements:
        near = view.near[element]
        if near * 3 < best or near <= 0.0:
            continue
        score = near * _factor(view, element)
        if score > best:
            best, chosen = score, element
    return chosen


def _next_begins(view: View, container: int) -> int | None:
    """Return the line on which pages that never end begin another article, behind the headline's own; None without."""
    start = view.first[container] if view.headline is None else min(view.first[container], view.headline)
    passed = 0.0
    heads = 0
    lines, tags, weights = view.dom.lines, view.dom.tags, view.weights
    for index in range(start, view.last[container] + 1):
        if passed < MIN_PART:
            passed += weights[index]
        elif tags[lines[index].owner] in _HEADS:
            heads += 1
            if heads > MAX_HEADS:
                break
            if _begins_next(view, index):
                return index
    return None


_HEADS = frozenset({"h1", "h2"})
MAX_HEADS = 40
"""Headings that are looked at for another article's."""


def _first_part(view: View, chosen: int) -> int:
    """Return the first of several like parts that make up what was chosen, where it is not chosen for them all.

    It is not where another article's head stands between them, or where together they are the article and other things
    stand among them.
    """
    dom = view.dom
    alike: dict[tuple[str, str], list[int]] = {}
    for element in range(chosen + 1, len(dom.tags)):
        if view.first[element] > view.last[chosen] and view.chars[element]:
            break
        if (
            dom.parents[element] == chosen
            and view.prose[element] >= MIN_PART
            and not view.marks[element]
            and view.last[element] > view.first[element]
            and (name := _name(dom, element))
        ):
            alike.setdefault((dom.tags[element], name), []).append(element)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return chosen
    group = max(groups, key=lambda group: sum(view.near[element] for element in group))
    near = sum(view.near[element] for element in group)
    if near < PARTS_SHARE * view.near[chosen]:
        return chosen
    head = view.headline if view.headline is not None else -1
    first = next((element for element in group if view.first[element] >= head), group[0])
    parts = _parts(view, chosen, first, range(view.last[first] + 1, view.last[chosen] + 1))
    together = sum(view.near[element] for element in group if element == first or _holds(view, element, parts))
    between = range(view.last[first] + 1, next((view.first[e] for e in group if e > first), 0))
    return first if together >= PARTS_SHARE * near or any(_begins_next(view, i) for i in between) else chosen


MIN_PART = 60.0
"""Prose weight of a part of an article that stands in an element of its own."""

PARTS_SHARE = 0.6
"""Share of the prose near an element that its like parts must have to be looked at instead of it."""


def _begins_next(view: View, index: int) -> bool:
    """Say whether another article begins with a line: a headline of its own, and under it who published it when."""
    lines, tags = view.dom.lines, view.dom.tags
    line = lines[index]
    if index == view.headline or tags[line.owner] not in _HEADS or 2 * line.linked > len(line.text):
        return False
    under = lines[index + 1 : index + 4]
    return any(
        (byline := parse_byline(line.fields, ANY_TIME)) is not None and bool(byline.published) for line in under
    )


def _factor(view: View, element: int) -> float:
    dom = view.dom
    density = view.linked[element] / (view.chars[element] or 1)
    factor: float = (1.0 - density) ** 1.5 * read_hint(dom.hints[element]).factor
    if dom.props.get(element) == "articleBody":
        factor *= 2.0
    if dom.tags[element] == "article":
        factor *= 1.2
    first, last = view.first[element], view.last[element]
    if view.headline is not None:
        if last < view.headline:
            factor *= 0.3
        elif first <= view.headline + 15:
            factor *= 1.4
    if view.described is not None and first <= view.described <= last:
        factor *= 1.6
    return factor


def _widen(view: View, container: int) -> int:
    """Climb while the parent holds prose of its own beside the container: a part of the article left outside.

    Of the parent only the lines from the article's first part to its last one are the container's from then on.
    """
    dom = view.dom
    for _ in range(3):
        parent = dom.parents[container]
        if not parent or dom.tags[parent] in {"tr", "tbody", "table"}:
            break
        before = range(view.first[container] - 1, view.first[parent] - 1, -1)
        after = range(view.last[container] + 1, view.last[parent] + 1)
        parts = [*_parts(view, parent, container, before)[::-1], *_parts(view, parent, container, after)]
        if sum(view.weights[index] for index in parts) < 0.1 * view.prose[container]:
            break
        _narrow(
            view, parent, container, min(view.first[container], parts[0]), max(view.last[container], parts[-1])
        )
        container = parent
    return container


def _parts(view: View, parent: int, container: int, beside: range) -> list[int]:
    """Return the lines of prose on one side of the container that are of its article, up to another article's head."""
    lines = view.dom.lines
    found: list[int] = []
    if max(view.weights[min(beside) : max(beside) + 1] if beside else (), default=0.0) < MIN_BESIDE:
        return found  # behind most articles stand lists of links alone, hundreds of lines
    between: list[int] = []
    for index in beside:
        if index == view.headline:
            continue
        if view.weights[index] < MIN_BESIDE or not _belongs(view, lines[index].owner, parent, container):
            between.append(index)
            continue
        # Asked only where prose follows.
        if any(len(lines[at].text) <= 60 and _heads_another(view, at) for at in between):
            break
        found.append(index)
        between.clear()
    return found


MIN_BESIDE = 40.0
"""Prose weight of a line beside the container that may be of its article."""


def _narrow(view: View, parent: int, container: int, start: int, end: int) -> None:
    """Make the lines from `start` to `end`, and those around them that are of the same parts, all that `parent` has."""
    lines = view.dom.lines

    def goes_on(index: int) -> bool:
        line = lines[index]
        return (
            index != view.headline
            and line.linked < len(line.text)
            and _belongs(view, line.owner, parent, container)
        )

    while start > view.first[parent] and goes_on(start - 1):
        start -= 1
    while end < view.last[parent] and goes_on(end + 1):
        end += 1
    view.first[parent], view.last[parent] = start, end
    view.prose[parent] = sum(view.weights[start : end + 1])


def _belongs(view: View, owner: int, parent: int, container: int) -> bool:
    """Say whether a line beside the container is of its article.

    It stands in `parent` directly, in a paragraph directly below it, or in a sibling with the container's tag and name
    that no date tells from it (posts of a thread have dates).
    """
    dom = view.dom
    if view.own[owner]:
        return False
    if dom.tags[parent] != "body" and (
        owner == parent or (dom.parents[owner] == parent and dom.tags[owner] in LEAVES)
    ):
        return True
    sibling = next((element for element in dom.ancestors(owner) if dom.parents[element] == parent), 0)
    return (
        dom.tags[sibling] == dom.tags[container]
        and not view.own[sibling]
        and _name(dom, sibling) == _name(dom, container)
        and view.linked[sibling] < 0.2 * view.chars[sibling]
        and not _dated(view, view.first[sibling], view.last[sibling] + 1)
    )


_DIGITS = re.compile(r"\d+")


def _name(dom: Dom, element: int) -> str:
    """Return an element's class, or its id where it has none, without digits: what tells its kind from others."""
    classes, _, identity = dom.hints[element].rpartition(" ")
    return _DIGITS.sub("", classes or identity).strip()


def _heads_another(view: View, index: int) -> bool:
    """Say whether a line is the head of another article or post: a heading as large as can be, or it holds a date."""
    return view.dom.tags[view.dom.lines[index].owner] == "h1" or _dated(view, index, index + 1)


def _dated(view: View, start: int, end: int) -> bool:
    """Say whether a short line from `start` to `end` holds a date or tells how long ago: a post's head."""
    lines = view.dom.lines[start : min(end, start + 40)]
    return any(len(line.text) <= 60 and next(find_dates(line.text, ANY_TIME), None) is not None for line in lines)


def _first_of_alike(view: View, container: int) -> int:
    """Return the first of several containers of one name with dates between them: a thread's opening post."""
    dom = view.dom
    name = _name(dom, container)
    if not name:
        return container
    for element in range(1, container):
        if (
            dom.tags[element] == dom.tags[container]
            and view.last[element] < view.first[container]
            and view.near[element] >= 40
            and _name(dom, element) == name
            and (view.headline is None or view.first[element] >= view.headline)
            and _dated(view, view.last[element] + 1, view.first[container])
        ):
            return element
    return container
