"""Which element is the article's own: prose stands close together in it, near the headline, under a fitting name."""

from __future__ import annotations

import re
from datetime import datetime

from cleaning.blocks import read_hint
from cleaning.dates import find_dates
from cleaning.dom import Dom
from cleaning.view import LEAVES, View


def find_container(view: View) -> int:
    """Return the element that is most likely the article's own container; 0 when the page has no prose."""
    best, chosen = 0.0, 0
    for element, near in enumerate(view.near):
        if near * 3 < best or near <= 0.0:
            continue
        score = near * _factor(view, element)
        if score > best:
            best, chosen = score, element
    if not chosen:
        return 0
    return _first_of_alike(view, _widen(view, chosen))


def _factor(view: View, element: int) -> float:
    dom = view.dom
    density = view.linked[element] / (view.chars[element] or 1)
    factor: float = (1.0 - density) ** 1.5 * read_hint(dom.hints[element]).factor
    if dom.props[element] == "articleBody":
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
    """Climb while the parent holds prose of its own beside the container: a part of the article left outside."""
    dom = view.dom
    for _ in range(3):
        parent = dom.parents[container]
        if not parent or dom.tags[parent] in {"body", "tr", "tbody", "table"}:
            break
        outside = sum(
            view.weights[index]
            for index in range(view.first[parent], view.last[parent] + 1)
            if not view.first[container] <= index <= view.last[container]
            and index != view.headline
            and view.weights[index] >= 40
            and _belongs(view, dom.lines[index].owner, parent, container)
        )
        if outside < 0.1 * view.prose[container]:
            break
        container = parent
    return container


def _belongs(view: View, owner: int, parent: int, container: int) -> bool:
    """Say whether a line beside the container is of its article.

    It stands in `parent` directly, in a paragraph directly below it, or in a sibling with the container's tag and name
    that no date tells from it (posts of a thread have dates).
    """
    dom = view.dom
    if view.own[owner]:
        return False
    if owner == parent or (dom.parents[owner] == parent and dom.tags[owner] in LEAVES):
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
    return _DIGITS.sub("", dom.hints[element]).strip()


def _dated(view: View, start: int, end: int) -> bool:
    """Say whether a short line from `start` to `end` holds a date or tells how long ago: a post's head."""
    lines = view.dom.lines[start : min(end, start + 40)]
    return any(len(line.text) <= 60 and next(find_dates(line.text, _NOW), None) is not None for line in lines)


_NOW = datetime(2024, 6, 15, 12)
"""Any time: with one, relative dates are found too."""


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
