"""A page as flat arrays: its elements in document order and its lines of text.

lexbor parses (unclosed tags, tables in the wrong place and entities are its business); one pass over its nodes, without
recursion, gives everything that extraction looks at. What is hostile in a page is tamed before the parser sees it.
The walk, `survey` and `collapse` have compiled twins in `cleaning/native/_walk.pyx`, `_holding` in `_page.pyx`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from cleaning.native import available
from cleaning.tame import lean, names, utf8

_NATIVE = available("_walk")
_PAGE = available("_page")

MAX_LINES = 60_000
"""Lines kept of a page; the rest of a bigger one is not looked at."""

_SKIPPED = names(
    "script style noscript template svg iframe object embed canvas audio video map head select button textarea datalist"
    " title noframes math applet"
)
"""Elements whose text nobody reads as part of a page."""

INLINE = names(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i img input ins kbd label legend mark nobr q rb rp rt"
    " ruby s samp small source span strike strong sub sup time tt u var wbr o:p option col colgroup picture track link"
    " meta param area optgroup progress meter"
)
"""Elements that don't end a line; all others do, unknown ones included when their name has no hyphen."""

_SPACES = re.compile("[ \t\n\r\f\v\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}]+")
_LINE_BREAK = re.compile("[\t\n\r\f\v\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}]")

_ASCII_SPACES = " \t\n\r\f\v\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
_LEADING = " \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"

_HIDING_DECLARATIONS = ("display:none", "visibility:hidden", "visibility:collapse", "clip:rect(0")
_HIDING_SIZE = re.compile(
    r"(?:^|;)(?:(?:font-size|opacity|(?:max-)?width|(?:max-)?height):0(?![.\d]*[1-9])"
    r"|(?:text-indent|left|top|margin-left|margin-top):-\d{3})"
)
MAX_HIDING_NAMES = 50
"""Hiding classes and ids that are looked for, those of the shortest style sheets first: what others put in is short, and
a portal's own sheet hides hundreds, each of which lexbor compares with every element.
"""

_SIMPLE_SELECTOR = re.compile(r"^\s*([.#][a-zA-Z_][\w-]{0,60})\s*$", re.ASCII)


@lru_cache(maxsize=4096)
def hides(style: str) -> bool:
    """Say whether CSS declarations hide an element: not displayed, without size, or far off the screen.

    Cached because a page repeats its styles.
    """
    style = style[:600].lower().replace(" ", "")
    if any(declaration in style for declaration in _HIDING_DECLARATIONS):
        return True
    return (":0" in style or ":-" in style) and bool(_HIDING_SIZE.search(style))


Part = Literal["", "aside", "comment"]
"""What an element is beside the article: nothing of the kind, menus and links, or the readers' comments."""


class Line(NamedTuple):
    """One line of text: `owner` is the index of the block element it stands in directly.

    `linked` and `bold` count the characters inside links and bold elements; `hidden` marks text of a hidden inline
    element, which stands after the line that surrounded it; `pieces` are the texts of a short line's inline elements.
    """

    text: str
    owner: int
    linked: int = 0
    bold: int = 0
    hidden: bool = False
    pieces: tuple[str, ...] = ()

    @property
    def fields(self) -> str:
        """The line with its inline elements set apart by blanks, as a byline's name and date are by style alone."""
        return collapse(" ".join(self.pieces)) if self.pieces else self.text


@dataclass(slots=True)
class Dom:
    """The body's elements in document order (parallel lists) and its lines; element 0 stands for the page.

    `hints` holds class and id; `hidden` are the elements out of sight, `props` the `itemprop` of those that have one.
    """

    tags: list[str] = field(default_factory=lambda: ["#page"])
    parents: list[int] = field(default_factory=lambda: [0])
    hints: list[str] = field(default_factory=lambda: [""])
    hidden: set[int] = field(default_factory=set)
    props: dict[int, str] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    def ancestors(self, element: int) -> Iterator[int]:
        """Yield the element and those around it, from the inside out, without the page itself."""
        while element:
            yield element
            element = self.parents[element]


def parse(html: str, data: bytes | None = None, *, whole: bool = True) -> LexborHTMLParser:
    """Return lexbor's tree of a page, with what would make the parser slow taken out first.

    `data` is the page in UTF-8, where at hand. A tree that need not be `whole` may lack what the walk does not read.
    """
    page = utf8(html, data)
    return LexborHTMLParser(page if whole else lean(page))


# ---- after the parser ----


MAX_CSS = 20_000
"""Characters of the page's style sheets that are searched, the shortest first: those put in by others are short."""

_HIDING_SIGNS = ("display:none", "display: none", "visibility:hidden", "-999", "font-size:0")


def hidden_names(css: str) -> frozenset[str]:
    """Return the `.class` and `#id` selectors that a style sheet in the page hides outright, before any `@media`."""
    css = css.partition("@media")[0]
    found: set[str] = set()
    for sign in _HIDING_SIGNS:
        position = css.find(sign)
        while position >= 0:
            start, end = css.rfind("{", 0, position), css.find("}", position)
            end = end if end >= 0 else len(css)
            if start >= 0 and hides("".join(css[start + 1 : end].split())):
                names = css[css.rfind("}", 0, start) + 1 : start][-300:]
                found.update(match[1] for name in names.split(",") if (match := _SIMPLE_SELECTOR.match(name)))
            position = css.find(sign, end)
    return frozenset(found)


def _collapse(text: str) -> str:
    """Return a line's text with ASCII white space collapsed and the indentation stripped.

    A no-break space inside stays, and one at the end after a Latin-1 character: in mojibake it is a byte of the text.
    """
    text = text.strip(_ASCII_SPACES)
    if text.isprintable():  # most lines: a blank is the only white space that is
        return _SPACES.sub(" ", text) if "  " in text else text
    if "  " in text or _LINE_BREAK.search(text):
        text = _SPACES.sub(" ", text)
    text = text.lstrip(_LEADING)
    while text and text[-1] in _LEADING:
        if (
            text[-1] == "\N{NO-BREAK SPACE}"
            and len(text) > 1
            and "\x80" <= text[-2] <= "\xff"
            and text[-2] != "\xa0"
        ):
            break
        text = text[:-1]
    return text


collapse: Callable[[str], str] = _collapse if _NATIVE is None else _NATIVE.collapse


_BLOCK, _HEADING, _SPAN, _LINK, _STRONG, _OPTION, _TEXT, _BREAK, _UNREAD = range(9)
_FIRST_INLINE = _SPAN

_KIND_OF_TAG = (
    dict.fromkeys(INLINE, _SPAN)
    | dict.fromkeys([*_SKIPPED, "-comment", "-doctype", "!doctype"], _UNREAD)
    | {"a": _LINK, "b": _STRONG, "strong": _STRONG, "br": _BREAK, "option": _OPTION, "-text": _TEXT}
    | dict.fromkeys(["h1", "h2", "h3", "h4", "h5", "h6", "th"], _HEADING)
)


def _kind(tag: str) -> int:
    """Return what the walk does with an element; an unknown tag ends a line, unless its name has a hyphen."""
    known = _KIND_OF_TAG.get(tag)
    return known if known is not None else _SPAN if "-" in tag else _BLOCK


class _KnownTags(dict[int, tuple[str, int]]):
    """Name and kind by lexbor's number of a tag, filled as tags are met; numbers from 256 on are a page's own."""

    def of(self, node: LexborNode) -> tuple[str, int]:
        """Return the node's tag and kind, and remember a standard tag's."""
        tag = node.tag or ""
        found = tag, _kind(tag)
        if node.tag_id < 256:
            self[node.tag_id] = found
        return found


_KNOWN_TAGS = _KnownTags()


MAX_FIELDS = 160
"""Characters of a line that may be a byline."""


class _Lines:
    """Gathers pieces of text into lines."""

    __slots__ = ("aside", "bold", "lines", "linked", "parts")

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.parts: list[str] = []
        self.aside: list[str] = []
        self.linked = self.bold = 0

    def flush(self, owner: int, concealed: int) -> None:
        """End the line; text of hidden inline elements follows it once they are closed."""
        parts = self.parts
        if parts:
            text = collapse(parts[0] if len(parts) == 1 else "".join(parts))
            if text:
                length, linked, bold = len(text), self.linked, self.bold
                pieces = tuple(parts) if length <= MAX_FIELDS and len(parts) > 1 else ()
                linked, bold = linked if linked < length else length, bold if bold < length else length
                self.lines.append(Line(text, owner, linked, bold, False, pieces))
            parts.clear()
            self.linked = self.bold = 0
        if self.aside and not concealed:
            texts = [collapse(text) for text in "".join(self.aside).split("\n")]
            self.lines.extend(Line(text, owner, hidden=True) for text in texts if text)
            self.aside.clear()

    def break_lines(self, owner: int) -> None:
        """End a line of preformatted text at each line break gathered so far."""
        *whole, rest = "".join(self.parts).split("\n")
        for line in whole:
            self.parts[:] = [line]
            self.flush(owner, 0)
        self.parts[:] = [rest]


def _walk(root: LexborNode, unseen: frozenset[int], title: str, part_of: Callable[[str, str], Part] | None) -> Dom:
    """Return the flat form of the subtree under `root` (inclusive); elements without content are left out.

    `unseen` holds the memory ids of hidden elements. One loop with its state in locals and as few questions to a node as
    will do: a question costs a tenth of a microsecond, attributes ten times that, and a page has thousands of nodes. A link
    or another element that holds one piece of text and no more (two fifths of all elements do) is read at once.
    """
    dom = Dom()
    lines = dom.lines
    gathered = _Lines(lines)
    parts, aside = gathered.parts, gathered.aside
    tags, parents, hints, hidden, props = dom.tags, dom.parents, dom.hints, dom.hidden, dom.props
    open_nodes: list[LexborNode] = []
    kinds: list[int] = []
    path = [0]
    links = bolds = concealed = within_short = 0
    known_tags, seen = _KNOWN_TAGS, _Seen()
    node: LexborNode | None = root
    while node is not None:
        try:
            tag, kind = known_tags[node.tag_id]
        except KeyError:
            tag, kind = known_tags.of(node)
        if kind == _TEXT:
            if parts or concealed or not node.is_empty_text_node:  # asked first: half of all texts are indentation
                text = node.text_content or ""
                if concealed:
                    aside.append(text)
                elif parts or not text.isspace():
                    parts.append(text)
                    if links:
                        gathered.linked += len(text)
                    if bolds:
                        gathered.bold += len(text)
                    if "\n" in text and tags[path[-1]] == "pre":
                        gathered.break_lines(path[-1])
        elif kind == _BREAK:
            gathered.flush(path[-1], concealed)
        elif kind != _UNREAD and (below := node.first_child) is not None:
            out_of_sight = unseen and node.mem_id in unseen
            if kind >= _FIRST_INLINE:
                if (
                    below.is_text_node
                    and not (concealed or out_of_sight)
                    and kind != _OPTION
                    and below.next is None
                    and tags[path[-1]] != "pre"
                ):
                    text = below.text_content or ""
                    if parts or not text.isspace():
                        parts.append(text)
                        if links or kind == _LINK:
                            gathered.linked += len(text)
                        if bolds or kind == _STRONG:
                            gathered.bold += len(text)
                    below = None
                else:
                    if kind == _LINK:
                        links += 1
                    elif kind == _STRONG:
                        bolds += 1
                    elif kind == _OPTION:
                        out_of_sight = True
                    if concealed or out_of_sight:
                        concealed += 1
            else:
                if parts or aside:
                    gathered.flush(path[-1], concealed)
                    if len(lines) > MAX_LINES:
                        break
                index = len(tags)
                attributes = node.attributes
                hint = ""
                if attributes:
                    get = attributes.get
                    hint = f"{get('class') or ''} {get('id') or ''}"
                    if prop := get("itemprop"):
                        props[index] = prop
                hints.append(hint)
                parents.append(path[-1])
                tags.append(tag)
                if out_of_sight or concealed:
                    hidden.add(index)
                short = False
                if (
                    not within_short
                    and part_of
                    and (part := part_of(tag, hint))
                    and (part == "aside" or seen.article(lines))
                ):
                    text = node.text(separator=" ", skip_empty=True)
                    short = len(text) < MIN_ASIDE
                    if not short and (line := _aside_line(text, index, title, part)):
                        lines.append(line)
                        below = None
                if (
                    below is not None
                    and below.is_text_node
                    and below.next is None
                    and not (concealed or bolds or tag == "pre")
                ):
                    text = collapse(below.text_content or "")
                    if text:
                        length = len(text)
                        lines.append(Line(text, index, length if links else 0, length if kind == _HEADING else 0))
                    below = None
                if below is not None:
                    path.append(index)
                    if short:
                        within_short = len(path)
                    if kind == _HEADING:
                        bolds += 1
            if below is not None:
                open_nodes.append(node)
                kinds.append(kind)
                node = below
                continue
        following = node.next if open_nodes else None
        while following is None and open_nodes:
            kind = kinds.pop()
            if kind >= _FIRST_INLINE:
                if kind == _LINK:
                    links -= 1
                elif kind == _STRONG:
                    bolds -= 1
                if concealed:
                    concealed -= 1
                    if not concealed:
                        aside.append("\n")
            else:
                if parts or aside:
                    gathered.flush(path[-1], concealed)
                if len(path) == within_short:
                    within_short = 0
                path.pop()
                if kind == _HEADING:
                    bolds -= 1
            above = open_nodes.pop()
            following = above.next if open_nodes else None
        node = following
    gathered.flush(path[-1], 0)
    return dom


def _take_out(tree: LexborHTMLParser) -> frozenset[int]:
    """Take out of the tree what has no lines, and return the memory ids of the elements that are hidden.

    Their own style or attribute hides them, or a style sheet in the page. All that is asked of the whole tree is asked at
    once: a search through it costs as much as a tenth of parsing, whatever is looked for.
    """
    found: set[int] = set()
    sheets: list[str] = []
    without_lines: list[LexborNode] = []
    for node in tree.css("script,style,noscript,[style],[hidden]"):
        tag = node.tag
        if tag in _WITHOUT_LINES:
            without_lines.append(node)
            if tag == "style":
                sheets.append(node.text())
            continue
        attributes = node.attributes
        style = attributes.get("style")
        if (style and hides(style)) or "hidden" in attributes:
            found.add(node.mem_id)
    for node in without_lines:
        node.decompose()
    return frozenset(found | _hidden_by(tree, sheets))


def _hidden_by(tree: LexborHTMLParser, sheets: Sequence[str]) -> set[int]:
    """Return the memory ids of the elements that style sheets hide."""
    hiding: list[str] = []
    searched = 0
    for sheet in sorted(sheets, key=len):
        searched += len(sheet)
        if searched > MAX_CSS or len(hiding) >= MAX_HIDING_NAMES:
            break
        hiding += sorted(hidden_names(sheet))
    return {node.mem_id for node in tree.css(",".join(hiding[:MAX_HIDING_NAMES]))} if hiding else set()


class Survey(NamedTuple):
    """What a page states in its head, as (`title`, `meta`, `script`; a meta's name; text), and the style sheets' texts.

    Scripts are JSON-LD. The sheets are only told by the compiled twin, which meets them on its way.
    """

    stated: list[tuple[str, str, str]]
    sheets: list[str] | None


def survey(tree: LexborHTMLParser, html: str = "") -> Survey:
    """Return what a page states; where markup has pushed its head's elements into the body, they are found there.

    `html` is the page's text: a look at it costs a third of a search for JSON-LD outside the head.
    """
    root, head = tree.root, tree.head
    if _NATIVE is None or root is None:
        return Survey(_stated(tree, html), None)
    stated, elsewhere, sheets = _NATIVE.survey(tree, root.mem_id, head.mem_id if head else 0)
    if all(kind != "title" for kind, _, _ in stated):
        stated += elsewhere
    elif all(kind != "script" for kind, _, _ in stated):
        scripts = [told for told in elsewhere if told[0] == "script"]
        if scripts and _JSON_LD_TYPE in html:
            stated += scripts
    return Survey(stated, sheets)


def _stated(tree: LexborHTMLParser, html: str) -> list[tuple[str, str, str]]:
    """Return what `Survey.stated` holds."""
    nodes = tree.head.css(_HEAD_ELEMENTS) if tree.head else []
    if not any(node.tag == "title" for node in nodes):
        nodes = tree.css(_HEAD_ELEMENTS)
    found: list[tuple[str, str, str]] = []
    for node in nodes:
        tag = node.tag or ""
        if tag != "meta":
            found.append((tag, "", node.text()))
            continue
        told = node.attributes
        name = told.get("property") or told.get("name") or told.get("itemprop") or ""
        found.append((tag, name, told.get("content") or ""))
    if all(tag != "script" for tag, _, _ in found) and _JSON_LD_TYPE in html:
        found += [("script", "", node.text()) for node in tree.css(_JSON_LD)]
    return found


_JSON_LD_TYPE = "application/ld+json"
_JSON_LD = f'script[type="{_JSON_LD_TYPE}"]'
_HEAD_ELEMENTS = f"title,meta[content],{_JSON_LD}"


def flatten(
    tree: LexborHTMLParser,
    title: str | None = None,
    part_of: Callable[[str, str], Part] | None = None,
    sheets: Sequence[str] | None = None,
) -> Dom:
    """Return the flat form of a page's body; the tree may lose its scripts and styles.

    What `part_of(tag, hint)` calls an aside is not walked but read as one line, its text counted as linked, unless it
    holds sentences or the beginning of `title`: most of a portal's page is menus and lists of links. So are comments that
    follow an article. `sheets` are the texts of the page's style sheets, where `survey` has told them.
    """
    body = tree.body or tree.root
    if body is None:
        return Dom()
    title = (title or "")[:6].strip()
    if _WALKER is None or body.parent is None:  # a frameset takes the body out of the document
        return _walk(body, _take_out(tree), title, part_of)
    dom = Dom()
    unseen = _hidden_by(tree, (survey(tree).sheets or ()) if sheets is None else sheets)
    _WALKER.walk(tree, body.mem_id, dom, frozenset(unseen), title, part_of)
    return dom


_WITHOUT_LINES = names("script style noscript")
"""What stands in menus and lists, which are read without looking at their elements."""

MIN_ASIDE = 100
"""Characters that a part must have to be read in one go: a shorter one, and all parts within it, may be the byline."""


MIN_ARTICLE = 300
"""Characters of lines with sentences after which an element that is named for comments is believed to hold them."""


class _Seen:
    """Whether the walk has passed an article's worth of prose; each line is looked at once."""

    __slots__ = ("looked", "prose")

    def __init__(self) -> None:
        self.looked = self.prose = 0

    def article(self, lines: list[Line]) -> bool:
        """Say whether the lines so far hold `MIN_ARTICLE` characters of prose."""
        for line in lines[self.looked :]:
            if not line.linked and "\N{IDEOGRAPHIC FULL STOP}" in line.text:
                self.prose += len(line.text)
        self.looked = len(lines)
        return self.prose >= MIN_ARTICLE


def _aside_line(text: str, owner: int, title: str, part: Part) -> Line | None:
    """Return a part's whole text as one line counted as linked, None when it must be walked."""
    if part == "aside" and text.count("\N{IDEOGRAPHIC FULL STOP}") > 1:
        return None
    if title and title in text:
        return None
    text = collapse(text)
    return Line(text, owner, len(text)) if text else None


_WALKER = (
    None
    if _NATIVE is None
    else _NATIVE.Walker(
        line=Line,
        kind_of=_kind,
        hides=hides,
        max_lines=MAX_LINES,
        max_fields=MAX_FIELDS,
        min_aside=MIN_ASIDE,
        min_article=MIN_ARTICLE,
    )
)


_NAMES_OF_BARE_TAGS = "p|br|div|span|strong|b|li|ul|ol|td|tr|table|h[1-6]|a|font|section|em|blockquote|dd|dl"
_BARE_TAG = (
    r"(?<=[?\N{REPLACEMENT CHARACTER}\ue000-\uf8ff\U0010ff80-\U0010ffff])"
    rf"(?=/(?:{_NAMES_OF_BARE_TAGS})>|br\s?/?>|p>)"
)
_SWALLOWED = re.compile(_BARE_TAG)


def restore_swallowed(html: str, dom: Dom) -> str | None:
    """Return the page with each `<` put back that a damaged byte swallowed, None when its lines show no such tag.

    `?/p>`, or a byte's mark before the rest of a tag, shows in the text of a line.
    """
    holding = _holding if _PAGE is None else _PAGE.holding
    if any(_SWALLOWED.search(dom.lines[index].text) for index in holding(dom.lines, ">")):
        return _SWALLOWED.sub("<", html)
    return None


def _holding(lines: Sequence[Line], sign: str) -> list[int]:
    """Return which lines have a character in them."""
    return [index for index, line in enumerate(lines) if sign in line.text]


def read(html: str) -> Dom:
    """Return the flat form of a piece of HTML, all of it walked."""
    return flatten(parse(html, whole=False))
