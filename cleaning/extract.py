"""The article of a page: which subtree it is, what its lines are, and what the page says about it.

lexbor parses, `dom` flattens, `blocks` reads names and lines; here the article's container is chosen by how much prose
stands close together, and its neighbourhood becomes blocks with roles. A site's selectors win where given; they, and
only they, are read with BeautifulSoup (what that costs and buys is in DECISIONS.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from selectolax.lexbor import LexborHTMLParser

from cleaning import blocks as roles
from cleaning.blocks import own_mark, part_of, prose_weight, read_hint
from cleaning.dates import find_dates, parse_published
from cleaning.declared import declared_body, declared_fields
from cleaning.dom import Dom, Line, flatten, parse, read, restore_swallowed
from cleaning.embedded import find_article, find_fields
from cleaning.metadata import (
    MAX_NAME,
    best_title,
    head_metadata,
    json_ld_metadata,
    letters,
    merge,
    names_section,
    parse_byline,
)
from cleaning.page import KEPT_ROLES, Block, Extracted, Metadata, PageKind, Role, Selectors

DECAY = 0.6
"""How much of a line's weight each further ancestor gets: a container is where prose stands close together."""

REACH = 6
"""Ancestors that a line's weight reaches, those around nothing else not counted."""

MAX_CLIMB = 40
"""Ancestors that are looked at for each line, whatever they are around."""

MARKED_SHARE = 0.2
"""Weight of prose in a part whose name says it is not the article: names lie, so it is not nothing."""

MAX_BEFORE = 40
MAX_AFTER = 30
"""Lines between headline and article, and after the article, that belong to its neighbourhood."""

BARE_PAGE = 20
"""Characters of prose that make a page of nothing else an article; placeholders (本月没有文章。) are shorter."""

MAX_BARE = 6
"""Lines before the article that belong to its neighbourhood when no headline begins it."""

MAX_DATED = 30
"""Characters of a linked line behind an article that may tell when it was written (`编辑于 2024-10-13`)."""

MAX_SEARCHED = 3000
"""Lines of a page in which its headline and the line that its description quotes are looked for."""

_LEAVES = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "li", "dd", "dt", "figcaption", "center"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


@dataclass(slots=True)
class _Head:
    """What stands in a page's head and scripts."""

    title: str | None
    fields: dict[str, str]
    description: str
    ld: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _View:
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
    headline: int | None = None
    described: int | None = None


def extract(
    html: str,
    *,
    url: str | None = None,
    selectors: Selectors | None = None,
    fetched_at: datetime | None = None,
) -> Extracted:
    """Return the page's kind, its article's blocks in reading order and its fields.

    Text is as the page has it: marks of undecodable bytes and private-use characters pass untouched. A data table's
    row is one line, its cells joined by ` | `. `fetched_at` resolves relative dates; `url` tells a site's front page.
    No page raises, whatever it holds; a selector that is not CSS raises ValueError.
    """
    tree = parse(html)
    head = _read_head(tree, fetched_at)
    declared = declared_fields(tree, selectors, fetched_at) if selectors else Metadata()
    if selectors and selectors.body and (subtree := declared_body(tree, html, selectors)) is not None:
        return _from_declared(read(subtree), head, declared, fetched_at)
    dom = flatten(tree, head.title, part_of)
    restored = restore_swallowed(html, dom)
    view = _look(dom if restored is None else read(restored), head)
    container = _container(view)
    if view.prose[container] < _SCANT:
        scripts = [script.text() for script in parse(html).css("script:not([src])")]
        article = find_article(scripts)
        if article is not None:
            head.state = _stated_in_script(scripts, article, fetched_at)
            view = _look(read(article), head)
            container = _container(view) or 1
    return _assemble(view, container, head, declared, url, fetched_at)


_SCANT = 120.0
"""Prose weight under which a page's scripts are searched for the article."""


def _stated_in_script(scripts: list[str], article: str, fetched_at: datetime | None) -> dict[str, str]:
    """Return the fields beside an article that stands in a script, dates in ISO 8601."""
    fields = find_fields(scripts, article)
    published = parse_published(fields.pop("published", ""), fetched_at)
    return fields | ({"published": published} if published else {})


def _read_head(tree: LexborHTMLParser, fetched_at: datetime | None) -> _Head:
    """Return what the head states; where markup has pushed its elements into the body, they are found there."""
    title: str | None = None
    metas: list[tuple[str, str]] = []
    description = ""
    nodes = tree.head.css(_HEAD_ELEMENTS) if tree.head else []
    if not any(node.tag == "title" for node in nodes):
        nodes = tree.css(_HEAD_ELEMENTS)
    scripts: list[str] = []
    for node in nodes:
        tag = node.tag
        if tag == "title":
            title = title or " ".join(node.text().split())
            continue
        if tag == "script":
            scripts.append(node.text())
            continue
        attributes = node.attributes
        content = attributes.get("content") or ""
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        if name and content:
            metas.append((name, content))
            if len(content) > len(description) and name.lower() in {"description", "og:description"}:
                description = content
    scripts = scripts or [node.text() for node in tree.css(_JSON_LD)]
    ld = json_ld_metadata(scripts, fetched_at)
    return _Head(title, head_metadata(metas, fetched_at), description, ld)


_JSON_LD = 'script[type="application/ld+json"]'
_HEAD_ELEMENTS = f"title,meta[content],{_JSON_LD}"


# ---- sums over the tree ----


def _look(dom: Dom, head: _Head) -> _View:
    """Return the page with its sums: prose, links and characters of each subtree, and prose near each element."""
    count, lines = len(dom.tags), dom.lines
    weights = [
        0.0 if line.hidden or line.linked + 1 >= len(line.text) else prose_weight(line.text, line.linked)
        for line in lines
    ]
    prose, linked, chars = [0.0] * count, [0] * count, [0] * count
    first, last = [len(lines)] * count, [-1] * count
    for index, line in enumerate(lines):
        owner = line.owner
        prose[owner] += weights[index]
        linked[owner] += line.linked
        chars[owner] += len(line.text)
        if last[owner] < 0:
            first[owner] = index
        last[owner] = index
    parents = dom.parents
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
    view = _View(dom, weights, [], prose, linked, chars, first, last, [], [])
    view.headline = _headline(view, head)
    view.described = _described(view, head)
    view.own = _own_marks(view)
    view.marks = _inherit(dom, view.own)
    view.near = _near(view)
    return view


def _own_marks(view: _View) -> list[roles.Mark]:
    """Return what each element says about itself, where that can be believed."""
    dom, prose = view.dom, view.prose
    half = prose[0] / 2
    marks: list[roles.Mark] = [
        "hidden" if hidden else own_mark(tag, hint)
        for tag, hint, hidden in zip(dom.tags, dom.hints, dom.hidden, strict=True)
    ]
    marks[0] = ""
    for element, mark in enumerate(marks):
        if mark and (not view.chars[element] or (prose[element] > half and _misnamed(view, element, mark))):
            marks[element] = ""
    return marks


def _misnamed(view: _View, element: int, mark: roles.Mark) -> bool:
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


def _inherit(dom: Dom, own: Sequence[roles.Mark], top: int = 0) -> list[roles.Mark]:
    """Return each element's mark, its own or an ancestor's; marks at `top` and above it don't count."""
    marks: list[roles.Mark] = [""] * len(own)
    parents = dom.parents
    for element in range(top + 1, len(own)):
        marks[element] = marks[parents[element]] or own[element]
    return marks


def _near(view: _View) -> list[float]:
    """Return how much prose stands close below each element.

    An element around a single one counts with it: editors wrap each paragraph in four sections, and what holds the
    paragraphs together is no further away for that.
    """
    near = [0.0] * len(view.marks)
    tags, parents, chars = view.dom.tags, view.dom.parents, view.chars
    for line, weight in zip(view.dom.lines, view.weights, strict=True):
        if not weight:
            continue
        element = line.owner
        mark = view.marks[element]
        if mark:
            weight *= 0.0 if mark == "hidden" else MARKED_SHARE
        if tags[element] in _LEAVES:
            element = parents[element]
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


# ---- the headline and the container ----


def _headline(view: _View, head: _Head) -> int | None:
    """Return the line that is the page's headline: `<title>` or `og:title` holds it; headings and long ones first."""
    stated = letters(" ".join(filter(None, (head.title, head.fields.get("title"), head.ld.get("title")))))
    if len(stated) < 4:
        return None
    known = set(stated)
    best: tuple[float, int] | None = None
    for index, line in enumerate(view.dom.lines[:MAX_SEARCHED]):
        text = line.text
        middle = text[len(text) // 2]
        if (middle not in known and middle.isalnum()) or line.hidden or not 4 <= len(text) <= 150:
            continue
        bare = letters(_KIND_OF_POST.sub("", text, count=1) if text[0] in "[【" else text)
        if len(bare) < 4 or bare not in stated:
            continue
        tag = view.dom.tags[line.owner]
        rank = len(bare) * (3.0 if tag == "h1" else 2.0 if tag in _HEADINGS else 1.0)
        if line.linked * 2 > len(text):
            rank *= 0.3
        if best is None or rank > best[0]:
            best = (rank, index)
    return best[1] if best else None


_KIND_OF_POST = re.compile(r"^[\[【][^\]】]{1,8}[\]】]")
"""What a forum prints before a thread's subject (`[求助]`), and not in `<title>`."""


def _believable_headline(view: _View, container: int) -> bool:
    """Say whether the line found as headline can be the article's: before it or at its top, and no link in a menu."""
    if view.headline is None or view.headline > view.first[container] + 5:
        return False
    line = view.dom.lines[view.headline]
    return line.linked * 2 <= len(line.text) or view.marks[line.owner] != "nav"


def _nearest_heading(view: _View, container: int) -> int | None:
    """Return the heading just above the container's prose: the headline where `<title>` only names the section."""
    dom, first = view.dom, view.first[container]
    for index in range(min(first + 1, view.last[container]), max(-1, first - 12), -1):
        line = dom.lines[index]
        heading = dom.tags[line.owner] in _HEADINGS or roles.is_title_name(dom.hints[line.owner])
        if (
            (heading or dom.tags[line.owner] == "center")
            and not line.linked
            and not line.hidden
            and (4 if dom.tags[line.owner] == "h1" else 6) <= len(line.text) <= 80
            and not view.marks[line.owner]
        ):
            return index
    return None


def _described(view: _View, head: _Head) -> int | None:
    """Return the line that the page's description quotes: most descriptions are the article's beginning."""
    quoted = letters(head.description)[:14]
    if len(quoted) < 10 or (head.title and quoted in letters(head.title)):
        return None
    for index, line in enumerate(view.dom.lines[:MAX_SEARCHED]):
        if (
            len(line.text) >= len(quoted)
            and view.weights[index] > 0
            and letters(line.text[:60]).startswith(quoted)
        ):
            return index
    return None


def _container(view: _View) -> int:
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


def _factor(view: _View, element: int) -> float:
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


def _widen(view: _View, container: int) -> int:
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


def _belongs(view: _View, owner: int, parent: int, container: int) -> bool:
    """Say whether a line beside the container is of its article.

    It stands in `parent` directly, in a paragraph directly below it, or in a sibling with the container's tag and name
    that no date tells from it (posts of a thread have dates).
    """
    dom = view.dom
    if view.own[owner]:
        return False
    if owner == parent or (dom.parents[owner] == parent and dom.tags[owner] in _LEAVES):
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


def _dated(view: _View, start: int, end: int) -> bool:
    """Say whether a short line from `start` to `end` holds a date or tells how long ago: a post's head."""
    lines = view.dom.lines[start : min(end, start + 40)]
    return any(len(line.text) <= 60 and next(find_dates(line.text, _NOW), None) is not None for line in lines)


_NOW = datetime(2024, 6, 15, 12)
"""Any time: with one, relative dates are found too."""


def _first_of_alike(view: _View, container: int) -> int:
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


# ---- blocks ----


def _assemble(
    view: _View,
    container: int,
    head: _Head,
    declared: Metadata,
    url: str | None,
    fetched_at: datetime | None,
) -> Extracted:
    """Return the blocks of the container and its neighbourhood, with the page's kind and fields."""
    lines = view.dom.lines
    if not lines or not container:
        kind: PageKind = "list" if _mostly_links(view) else "junk"
        blocks = tuple(Block(line.text, "hidden" if line.hidden else "nav") for line in lines[:MAX_BEFORE])
        return Extracted(kind, blocks, merge(declared, _stated(head, [])))
    if not _believable_headline(view, container):
        view.headline = _nearest_heading(view, container)
    inside = _inside(view, container)
    before, bylines = _before(view, container, fetched_at)
    bylines += _lift(view, inside, before, fetched_at)
    after, later = _after(view, container, fetched_at)
    bylines += later
    edges = _edges(view, before, inside, after)
    rows = _join_rows(view, inside)
    blocks = (*edges[0], *(block for _, block in before), *rows, *after, *edges[1])
    meta = merge(declared, _visible(view, head, bylines, container))
    return Extracted(_kind(view, inside, container, blocks, head, bool(bylines), url), blocks, meta)


@dataclass(slots=True)
class _Placed:
    """A line of the article with its role, changeable until the blocks are made."""

    index: int
    line: Line
    role: Role


def _inside(view: _View, container: int) -> list[_Placed]:
    """Return the container's lines with the roles that their elements and their words give them."""
    dom = view.dom
    marks = _inherit(dom, view.own, container)
    _trust_prose(view, marks, container)
    placed: list[_Placed] = []
    for index in range(view.first[container], view.last[container] + 1):
        line = dom.lines[index]
        mark = marks[line.owner]
        role: Role
        if line.hidden:
            role = "hidden"
        elif mark:
            role = mark
        else:
            role = _plain_role(dom, line, container)
        placed.append(_Placed(index, line, role))
    _mark_by_words(view, placed)
    return placed


def _trust_prose(view: _View, marks: list[roles.Mark], container: int) -> None:
    """Take the mark from prose in the middle of an article: a name like `follow` or `links` may lie.

    Prose that more of the article follows is the article's own, unless it is hidden, a comment or a picture's caption.
    """
    dom = view.dom
    remaining = 0.0
    for index in range(view.last[container], view.first[container] - 1, -1):
        owner, weight = dom.lines[index].owner, view.weights[index]
        mark = marks[owner]
        if not mark:
            remaining += weight
        elif (
            mark in {"share", "related", "nav", "footer"}
            and weight >= 60
            and remaining >= 0.3 * view.prose[container]
            and dom.lines[index].linked == 0
            and roles.STOPS.search(dom.lines[index].text)
        ):
            marks[owner] = ""


def _plain_role(dom: Dom, line: Line, container: int) -> Role:
    """Return the role that a line's block element gives it."""
    element = line.owner
    while element and element != container:
        role = _ROLE_OF_TAG.get(dom.tags[element])
        if role is not None:
            return role
        element = dom.parents[element]
    if line.bold == len(line.text) <= 40 and not roles.SENTENCE_END.search(line.text):
        return "heading"
    return "paragraph"


_ROLE_OF_TAG: dict[str, Role] = {
    **dict.fromkeys(_HEADINGS, "heading"),
    **dict.fromkeys(("li", "dd", "dt"), "item"),
    "blockquote": "quote",
}


def _mark_by_words(view: _View, placed: list[_Placed]) -> None:
    """Mark lists of links, what a cue line announces, and the comments at the end."""
    total = sum(view.weights[item.index] for item in placed if item.role in KEPT_ROLES) or 1.0
    passed = 0.0
    position = 0
    while position < len(placed):
        item = placed[position]
        if item.role in KEPT_ROLES:
            passed += view.weights[item.index]
            if len(item.line.text) <= 40 and roles.COMMENT_CUE.search(item.line.text) and passed > 0.5 * total:
                for later in placed[position:]:
                    if later.role in KEPT_ROLES:
                        later.role = "comment"
                return
            run = _link_run(placed, position)
            if run:
                for linked in placed[position : position + run]:
                    if linked.role in KEPT_ROLES:
                        linked.role = "related"
                position += run
                continue
        position += 1


def _is_link(item: _Placed) -> bool:
    """Say whether a line is (nearly) all link and no sentence, as the titles in a list of articles are."""
    length = len(item.line.text)
    return item.line.linked >= 0.8 * length and not roles.STOPS.search(item.line.text[:-1])


def _link_run(placed: Sequence[_Placed], start: int) -> int:
    """Return how many lines from `start` are a list of links (four or more, or any behind a cue), 0 for none."""
    text = placed[start].line.text
    cued = (len(text) <= 24 or (len(text) <= 80 and text[0] in "上下")) and bool(roles.RELATED_CUE.search(text))
    # 上一篇文章里我讲了……。 is the article speaking of another one.
    cued = cued and (placed[start].line.linked > 0 or not text.endswith(("。", "！", "？")))
    end = start + 1 if cued else start
    while end < len(placed) and _is_link(placed[end]):
        end += 1
    length = end - start
    if cued:
        return length if length > 1 or _is_link(placed[start]) or start + 1 == len(placed) else 0
    return length if length >= 4 else 0


def _before(
    view: _View, container: int, fetched_at: datetime | None
) -> tuple[list[tuple[int, Block]], list[Metadata]]:
    """Return the lines from the headline to the container as blocks, and the bylines among them."""
    first = view.first[container]
    start = view.headline
    if start is None or start >= first:
        start = max(0, first - MAX_BARE) if start is None else first
    elif first - start > MAX_BEFORE:
        return [(start, Block(view.dom.lines[start].text, "title"))], []
    marks = view.marks
    found: list[tuple[int, Block]] = []
    bylines: list[Metadata] = []
    authors: list[Metadata] = []
    for index in range(start, first):
        line = view.dom.lines[index]
        if index == view.headline:
            found.append((index, Block(line.text, "title")))
            continue
        all_link = line.linked >= len(line.text)
        below = view.headline is not None and index > view.headline
        byline = None if line.hidden or all_link else parse_byline(line.fields, fetched_at, under_title=below)
        role: Role = "hidden" if line.hidden else marks[line.owner] or "nav"
        if byline is not None and role != "hidden":
            bylines.append(byline)
            role = "byline"
        elif below and role in {"nav", "footer"} and (author := roles.named_author(view.dom, line)):
            authors.append(Metadata(author=author))
            role = "byline"
        elif below and role == "nav" and _is_lead(view, index, container):
            role = "paragraph"
        found.append((index, Block(line.text, role)))
    if view.headline is not None and not authors and bylines and not bylines[0].author:
        authors += _name_above_date(view.dom.lines[view.headline + 1 : first], fetched_at)
    return found, bylines + authors


def _name_above_date(lines: Sequence[Line], fetched_at: datetime | None) -> list[Metadata]:
    """Return the name that stands alone between the headline and a line with the date, as its author or section."""
    if (
        len(lines) < 2
        or lines[0].hidden
        or len(lines[0].text) > MAX_NAME + 4
        or not roles.is_name_line(lines[0].text)
    ):
        return []
    dated = parse_byline(lines[1].fields, fetched_at)
    if dated is None or not (dated.published or fetched_at is None) or dated.author or dated.source:
        return []
    name = lines[0].text
    return [Metadata(category=name) if names_section(name) else Metadata(author=name)]


def _is_lead(view: _View, index: int, container: int) -> bool:
    """Say whether a line between headline and article is the article's first paragraph, set apart from the rest.

    A summary is not: it is named so, or says what the article begins with.
    """
    line = view.dom.lines[index]
    if view.weights[index] < MIN_LEAD or line.linked or view.marks[line.owner] or not roles.count_stops(line.text):
        return False
    if any(roles.is_summary_name(view.dom.hints[element]) for element in view.dom.ancestors(line.owner)):
        return False
    begins = letters(line.text)[:20]
    first = view.first[container]
    opening = view.dom.lines[first : min(first + 5, view.last[container] + 1)]
    return not any(letters(later.text[:60]).startswith(begins) for later in opening)


MIN_LEAD = 60
"""Prose weight of a first paragraph outside the container; authors' descriptions of themselves are shorter."""


def _after(view: _View, container: int, fetched_at: datetime | None) -> tuple[list[Block], list[Metadata]]:
    """Return the lines after the container inside its parent as blocks, and the bylines among them."""
    marks = view.marks
    end = view.last[container]
    parent = view.dom.parents[container]
    while view.last[parent] == end and view.dom.parents[parent]:
        parent = view.dom.parents[parent]  # nothing follows the article in what is only around it
    last = min(view.last[parent] if parent else end, end + MAX_AFTER)
    found: list[Block] = []
    bylines: list[Metadata] = []
    for index in range(end + 1, last + 1):
        line = view.dom.lines[index]
        role: Role = "hidden" if line.hidden else marks[line.owner] or ("related" if line.linked else "footer")
        if role in {"footer", "share"} and (byline := parse_byline(line.fields, fetched_at)) is not None:
            bylines.append(byline)
            role = "byline"
        elif role == "footer" and not marks[line.owner] and roles.is_keyword_line(line.text):
            role = "paragraph"
        found.append(Block(line.text, role))
    around = view.dom.parents[parent] if parent else 0
    for line in view.dom.lines[last + 1 : min(view.last[around], end + MAX_AFTER) + 1]:
        if marks[line.owner] == "comment":
            break
        if _TOLD_BEHIND.search(line.text) and (byline := parse_byline(line.fields, fetched_at)):
            bylines.append(byline)
            break
    return found, bylines


_TOLD_BEHIND = re.compile(
    r"^(?:posted|(?:发布|發布|发表|發表|编辑|編輯)(?:于|於|时间|時間)|时间|日期|作者)", re.IGNORECASE
)
"""How a line begins that tells about the article further behind it, where lists of other articles may stand as well."""


def _lift(
    view: _View, inside: list[_Placed], before: Sequence[tuple[int, Block]], fetched_at: datetime | None
) -> list[Metadata]:
    """Mark the headline and the bylines that stand in the container, before its prose; return the bylines.

    The author under the article (`責任編輯:…`) is read, and its line stays for the strip stage to judge.
    """
    bylines: list[Metadata] = []
    seen_prose = False
    for item in inside:
        if item.index == view.headline:
            item.role = "title"
            continue
        if item.role == "hidden":
            continue
        seen_prose = seen_prose or (item.role in KEPT_ROLES and view.weights[item.index] >= 40)
        if seen_prose:
            continue
        byline = None if _BARE_DAY.fullmatch(item.line.text) else parse_byline(item.line.fields, fetched_at)
        if byline is not None:
            bylines.append(byline)
            item.role = "byline"
    for item in inside[-4:]:
        line = item.line
        stated = item.role in KEPT_ROLES and not _BARE_DAY.fullmatch(line.text)
        byline = parse_byline(line.fields, fetched_at) if stated else None
        if byline is not None:
            bylines.append(byline)
    return bylines


_BARE_DAY = re.compile(r"\d{1,2}月\d{1,2}[日号]")
"""A day without year or time inside an article: a chronicle's heading, not its date."""


def _edges(
    view: _View,
    before: Sequence[tuple[int, Block]],
    inside: Sequence[_Placed],
    after: Sequence[Block],
) -> tuple[list[Block], list[Block]]:
    """Return the page's first and last lines outside the neighbourhood that look put there by someone else.

    Hacked sites carry keyword lines at the very top or bottom of the body; hidden ones are marked, visible ones go on
    as paragraphs for the strip stage to judge.
    """
    lines = view.dom.lines
    start = before[0][0] if before else inside[0].index
    end = inside[-1].index + len(after) + 1
    marks = view.marks
    tail = range(max(end, len(lines) - 4), len(lines))
    return _foreign(lines, marks, range(min(4, start))), _foreign(lines, marks, tail)


def _foreign(lines: Sequence[Line], marks: Sequence[roles.Mark], indexes: Sequence[int]) -> list[Block]:
    found: list[Block] = []
    for index in indexes:
        line = lines[index]
        if line.hidden or marks[line.owner] == "hidden":
            found.append(Block(line.text, "hidden"))
        elif roles.is_keyword_line(line.text) and parse_byline(line.fields) is None:
            found.append(Block(line.text, "paragraph"))
    return found


def _join_rows(view: _View, inside: Sequence[_Placed]) -> list[Block]:
    """Return the article's blocks, the cells of data tables joined to one block a row."""
    dom = view.dom
    rows = roles.data_rows(dom, [item.line.owner for item in inside if item.role in KEPT_ROLES])
    blocks: list[Block] = []
    current = 0
    for item in inside:
        row = rows.get(item.line.owner, 0) if item.role in KEPT_ROLES else 0
        if row and row == current:
            blocks[-1] = Block(f"{blocks[-1].text} | {item.line.text}", "row")
        else:
            blocks.append(Block(item.line.text, "row" if row else item.role))
        current = row
    return blocks


# ---- fields and kind ----


def _stated(head: _Head, bylines: Sequence[Metadata]) -> Metadata:
    """Return the fields of head, JSON-LD and bylines, the most exact source first."""
    head_fields = replace(_from_fields(head.fields), title=None)
    return merge(_from_fields(head.ld), head_fields, replace(_from_fields(head.state), title=None), *bylines)


def _from_fields(fields: Mapping[str, str]) -> Metadata:
    return Metadata(
        title=fields.get("title"),
        author=fields.get("author"),
        published=fields.get("published"),
        category=fields.get("category"),
        source=fields.get("source"),
    )


def _visible(view: _View, head: _Head, bylines: Sequence[Metadata], container: int) -> Metadata:
    """Return the page's fields: what its byline shows first for names, what its head states first for the date."""
    stated = _stated(head, [])
    shown = merge(*bylines) if bylines else Metadata()
    headline = view.dom.lines[view.headline].text if view.headline is not None else None
    title = best_title(
        head.title,
        [headline] if headline else [],
        head.fields.get("title") or stated.title,
        head.fields.get("site"),
    )
    return Metadata(
        title=title,
        author=shown.author or stated.author,
        published=_most_exact(stated.published, shown.published),
        category=shown.category or roles.breadcrumb(view.dom, view.first[container], title) or stated.category,
        source=shown.source or stated.source,
        counters=shown.counters,
    )


def _most_exact(stated: str | None, shown: str | None) -> str | None:
    """Return the stated date, or the shown one where it is the same day with more of it."""
    if stated and shown and shown.startswith(stated[:10]) and len(shown) > len(stated):
        return shown
    return stated or shown


def _kind(
    view: _View,
    inside: Sequence[_Placed],
    container: int,
    blocks: Sequence[Block],
    head: _Head,
    has_byline: bool,
    url: str | None,
) -> PageKind:
    """Tell an article from a list of articles and from a page that holds neither."""
    kept = [block.text for block in blocks if block.role in KEPT_ROLES]
    length = sum(map(len, kept))
    stops = sum(map(roles.count_stops, kept))
    if length < 400 and roles.is_error_title(head.title or ""):
        return "junk"
    if _lists_articles(view, inside):
        return "list"
    evidence = (
        (view.headline is not None and view.headline <= view.first[container] + 3)
        + has_byline
        + (view.described is not None)
        + (read_hint(view.dom.hints[container]).factor > 1.2)
    )
    if length >= 300 and stops >= 3:
        if evidence or view.linked[0] < 0.7 * view.chars[0] or length > 800:
            return "article"
        return "list"
    if evidence and (stops or length >= 120) and length >= (40 if evidence < 2 else 25):
        return "article"
    if length >= 80 and stops and view.linked[0] < 0.5 * view.chars[0]:
        return "article"
    if (
        length >= BARE_PAGE
        and (stops or length >= 2 * BARE_PAGE)  # damaged text shows no full stops
        and view.chars[0] < 1.5 * length + 40
        and view.linked[0] < 0.2 * view.chars[0]
    ):
        # Nothing stands around it: a saved fragment is an article, however short, a notice of an error is none.
        return "junk" if any(map(roles.is_error_title, kept)) else "article"
    return "list" if _mostly_links(view) else "junk"


def _mostly_links(view: _View) -> bool:
    """Say whether a page without an article is a list: three linked titles or more, and mostly links."""
    titles = sum(1 for line in view.dom.lines if _is_linked_title(line))
    return titles >= 3 and view.linked[0] > 0.4 * view.chars[0]


def _is_linked_title(line: Line) -> bool:
    """Say whether a line is the linked title of another page, alone or beside its date or counter."""
    return line.linked >= 6 and len(line.text) <= MAX_TITLE_LINE and line.linked > 0.5 * len(line.text)


MAX_TITLE_LINE = 100
"""Characters of a list's line that is a title with a date, a section or a counter."""

MIN_LISTED = 5
"""Titles in front of teasers that make a page a list of articles, though each teaser is a paragraph long."""

_READ_ON = re.compile(
    r"[\[【(（]?(?:详细|詳細|全文|阅读(?:全文|更多|原文)|查看(?:全文|详情|更多)|更多|详情)[\]】)）]?\s?[>»›.…]{0,4}$"
)


def _lists_articles(view: _View, inside: Sequence[_Placed]) -> bool:
    """Say whether what is kept of the container is a list of articles: linked titles, each with a teaser or none."""
    titles = prose = linked = chars = teasers = read_on = 0
    behind_title = False
    for item in inside:
        line = item.line
        if item.role not in KEPT_ROLES and item.role != "related":
            continue
        if item.role == "related" and prose:
            continue  # links behind an article's prose are no list page
        linked += line.linked
        chars += len(line.text)
        read_on += bool(line.linked and _READ_ON.search(line.text[-12:]))
        if _is_linked_title(line):
            titles += 1
            behind_title = True
        elif view.weights[item.index] >= 40:
            prose += 1
            teasers += behind_title
            behind_title = False
    density = linked / (chars or 1)
    if density > 0.6 or (titles >= MIN_LISTED and titles >= 0.7 * prose and density > 0.12):
        return True
    # However long the teasers: every paragraph stands behind a title of its own, and no headline stands above them all.
    return teasers >= MIN_LISTED and teasers >= 0.9 * prose and (view.headline is None or read_on >= 3)


def _from_declared(dom: Dom, head: _Head, declared: Metadata, fetched_at: datetime | None) -> Extracted:
    """Return the blocks of a declared body: nothing is chosen, only what it hides or the site drops is marked."""
    view = _look(dom, head)
    inside = _inside(view, 0) if dom.lines else []
    bylines = _lift(view, inside, [], fetched_at)
    blocks = tuple(_join_rows(view, inside))
    kept = sum(len(block.text) for block in blocks if block.role in KEPT_ROLES)
    meta = merge(declared, _visible(view, head, bylines, 0) if dom.lines else _stated(head, []))
    return Extracted("article" if kept >= BARE_PAGE else "junk", blocks, replace(meta, counters=meta.counters))
