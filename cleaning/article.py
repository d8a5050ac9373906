"""The article's lines: those of its container and of its neighbourhood, each with what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cleaning import blocks as roles
from cleaning.dom import Dom, Line
from cleaning.metadata import MAX_NAME, letters, names_section, parse_byline
from cleaning.page import KEPT_ROLES, Block, Metadata, Role
from cleaning.view import HEADINGS, View, inherit

MAX_BEFORE = 40
MAX_AFTER = 30

MAX_BARE = 6
"""Lines before the article that belong to its neighbourhood when no headline begins it."""


def believable_headline(view: View, container: int) -> bool:
    """Say whether the line found as headline can be the article's: before it or at its top, and no link in a menu."""
    if view.headline is None or view.headline > view.first[container] + 5:
        return False
    line = view.dom.lines[view.headline]
    return line.linked * 2 <= len(line.text) or view.marks[line.owner] != "nav"


def nearest_heading(view: View, container: int) -> int | None:
    """Return the heading just above the container's prose: the headline where `<title>` only names the section."""
    dom, first = view.dom, view.first[container]
    for index in range(min(first + 1, view.last[container]), max(-1, first - 12), -1):
        line = dom.lines[index]
        heading = dom.tags[line.owner] in HEADINGS or roles.is_title_name(dom.hints[line.owner])
        if (
            (heading or dom.tags[line.owner] == "center")
            and not line.linked
            and not line.hidden
            and (4 if dom.tags[line.owner] == "h1" else 6) <= len(line.text) <= 80
            and not view.marks[line.owner]
        ):
            return index
    return None


@dataclass(slots=True)
class Placed:
    """A line of the article with its role, changeable until the blocks are made."""

    index: int
    line: Line
    role: Role


def inside_of(view: View, container: int) -> list[Placed]:
    """Return the container's lines with the roles that their elements and their words give them."""
    dom = view.dom
    marks = inherit(dom, view.own, container)
    _trust_prose(view, marks, container)
    placed: list[Placed] = []
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
        placed.append(Placed(index, line, role))
    _mark_records(view, placed)
    _mark_by_words(view, placed)
    return placed


def _mark_records(view: View, placed: Sequence[Placed]) -> None:
    """Mark the lists of other pages and the comments behind the article's prose; nothing of it follows comments."""
    if not placed:
        return
    start, end = placed[0].index, placed[-1].index
    for group in view.records:
        if not start <= group.first <= group.last <= end:
            continue
        before = _kept_weight(view, placed[: group.first - start])
        after = _kept_weight(view, placed[group.last + 1 - start :])
        if before < MIN_BEFORE_RECORDS or (group.mark == "related" and after > max(MIN_LEAD, before / 2)):
            continue
        last = end if group.mark == "comment" and after <= before else group.last
        for item in placed[group.first - start : last + 1 - start]:
            if item.role in KEPT_ROLES:
                item.role = group.mark


MIN_BEFORE_RECORDS = 40.0
"""Prose weight of an article in front of a list of teasers or comments, however short it is."""


def _kept_weight(view: View, placed: Sequence[Placed]) -> float:
    recorded = view.recorded
    return sum(
        view.weights[item.index] for item in placed if item.role in KEPT_ROLES and item.index not in recorded
    )


def _trust_prose(view: View, marks: list[roles.Mark], container: int) -> None:
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
    **dict.fromkeys(HEADINGS, "heading"),
    **dict.fromkeys(("li", "dd", "dt"), "item"),
    "blockquote": "quote",
}


def _mark_by_words(view: View, placed: list[Placed]) -> None:
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
            may_run = item.line.linked or len(item.line.text) <= MAX_CUE
            if may_run and (run := _link_run(placed, position)):
                for linked in placed[position : position + run]:
                    if linked.role in KEPT_ROLES:
                        linked.role = "related"
                position += run
                continue
        position += 1


MAX_CUE = 80
"""Characters of a line that may announce links."""


def _is_link(item: Placed) -> bool:
    """Say whether a line is (nearly) all link and no sentence, as the titles in a list of articles are."""
    length = len(item.line.text)
    return item.line.linked >= 0.8 * length and not roles.STOPS.search(item.line.text[:-1])


def _link_run(placed: Sequence[Placed], start: int) -> int:
    """Return how many lines from `start` are a list of links (four or more, or any behind a cue), 0 for none."""
    text = placed[start].line.text
    cued = (len(text) <= 24 or (len(text) <= MAX_CUE and text[0] in "上下")) and bool(
        roles.RELATED_CUE.search(text)
    )
    # 上一篇文章里我讲了……。 is the article speaking of another one.
    cued = cued and (placed[start].line.linked > 0 or not text.endswith(("。", "！", "？")))
    end = start + 1 if cued else start
    while end < len(placed) and _is_link(placed[end]):
        end += 1
    length = end - start
    if cued:
        return length if length > 1 or _is_link(placed[start]) or start + 1 == len(placed) else 0
    return length if length >= 4 else 0


def before_it(
    view: View, container: int, fetched_at: datetime | None
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


def _is_lead(view: View, index: int, container: int) -> bool:
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


def after_it(view: View, container: int, fetched_at: datetime | None) -> tuple[list[Block], list[Metadata]]:
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
        if _tells(line.text) and (byline := parse_byline(line.fields, fetched_at)):
            bylines.append(byline)
            break
    return found, bylines


_TOLD_BEHIND = re.compile(
    r"^(?:posted|(?:发布|發布|发表|發表|编辑|編輯)(?:于|於|时间|時間)|时间|日期|作者)", re.IGNORECASE
)
"""How a line begins that tells about the article further behind it, where lists of other articles may stand as well."""


def _tells(text: str) -> bool:
    return text[0] in "pP发發编編时時日作" and _TOLD_BEHIND.search(text) is not None


def lift(view: View, inside: list[Placed], fetched_at: datetime | None) -> list[Metadata]:
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
        byline = None if _is_bare_day(item.line.text) else parse_byline(item.line.fields, fetched_at)
        if byline is not None:
            bylines.append(byline)
            item.role = "byline"
    for item in inside[-4:]:
        line = item.line
        stated = item.role in KEPT_ROLES and not _is_bare_day(line.text)
        byline = parse_byline(line.fields, fetched_at) if stated else None
        if byline is not None:
            bylines.append(byline)
    return bylines


_BARE_DAY = re.compile(r"\d{1,2}月\d{1,2}[日号]")
"""A day without year or time inside an article: a chronicle's heading, not its date."""


def _is_bare_day(text: str) -> bool:
    return len(text) <= len("12月31日") and _BARE_DAY.fullmatch(text) is not None


def edges_of(
    view: View,
    before: Sequence[tuple[int, Block]],
    inside: Sequence[Placed],
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
            found.append(Block(line.text, "nav" if _is_menu(line) else "paragraph"))
    return found


_BETWEEN_LINKS = re.compile(r"\s*[|\u4e28/\u00b7\u2022\u00bb>_,\u3001-]\s*")


def _is_menu(line: Line) -> bool:
    """Say whether a line is links with signs between them, as `首页 | 新闻 | 理财 | 关于我们`: whosever, no article's."""
    return line.linked > 0 and 0 < sum(map(len, _BETWEEN_LINKS.split(line.text))) <= line.linked


def join_rows(view: View, inside: Sequence[Placed]) -> list[Block]:
    """Return the article's blocks, the cells of data tables joined to one block a row."""
    dom = view.dom
    rows = roles.data_rows(dom, [item.line.owner for item in inside if item.role in KEPT_ROLES])
    if not rows:
        return [Block(item.line.text, item.role) for item in inside]
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
