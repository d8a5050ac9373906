"""A page as flat arrays: its elements in document order and its lines of text.

lexbor parses (unclosed tags, tables in the wrong place and entities are its business); one pass over its nodes, without
recursion, gives everything that extraction looks at. What is hostile in a page is tamed before the parser sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_CHARS = 6_000_000
"""Characters of a page that are parsed: no article is longer, and a parser holds about 10 bytes a character."""

MAX_DEPTH = 600
"""Open block elements: lexbor walks the open ones at each start tag, so depth makes it quadratic (100,000: 29 s)."""

MAX_FORMATTING = 60
"""Open formatting elements: HTML re-opens them all in each paragraph (300 in 3,000 paragraphs: 903,000 nodes)."""

MAX_LINES = 60_000
"""Lines kept of a page; the rest of a bigger one is not looked at."""

_SKIPPED = frozenset(
    [
        *(
            "script",
            "style",
            "noscript",
            "template",
            "svg",
            "iframe",
            "object",
            "embed",
            "canvas",
            "audio",
            "video",
        ),
        *("map", "head", "select", "button", "textarea", "datalist", "title", "noframes", "math", "applet"),
    ]
)
"""Elements whose text nobody reads as part of a page."""

INLINE = frozenset(
    [
        *(
            "a",
            "abbr",
            "acronym",
            "b",
            "bdi",
            "bdo",
            "big",
            "cite",
            "code",
            "data",
            "del",
            "dfn",
            "em",
            "font",
            "i",
        ),
        *(
            "img",
            "input",
            "ins",
            "kbd",
            "label",
            "legend",
            "mark",
            "nobr",
            "q",
            "rb",
            "rp",
            "rt",
            "ruby",
            "s",
            "samp",
        ),
        *(
            "small",
            "source",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
            "time",
            "tt",
            "u",
            "var",
            "wbr",
            "o:p",
            "option",
        ),
        *("col", "colgroup", "picture", "track", "link", "meta", "param", "area", "optgroup", "progress", "meter"),
    ]
)
"""Elements that don't end a line; all others do, unknown ones included when their name has no hyphen."""

_SPACES = re.compile("[ \t\n\r\f\v\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}]+")
_LEADING = " \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"

_HIDING_DECLARATIONS = ("display:none", "visibility:hidden", "visibility:collapse", "clip:rect(0")
_HIDING_SIZE = re.compile(
    r"(?:^|;)(?:(?:font-size|opacity|(?:max-)?width|(?:max-)?height):0(?![.\d]*[1-9])"
    r"|(?:text-indent|left|top|margin-left|margin-top):-\d{3})"
)
MAX_HIDING_NAMES = 200
"""Hiding classes and ids of the page's style sheets that are looked for."""

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


@dataclass(slots=True)
class Line:
    """One line of text: `owner` is the index of the block element it stands in directly.

    `linked` and `bold` count the characters inside links and bold elements; `hidden` marks text of a hidden inline
    element, which stands after the line that surrounded it.
    """

    text: str
    owner: int
    linked: int = 0
    bold: int = 0
    hidden: bool = False


@dataclass(slots=True)
class Dom:
    """The body's elements in document order (parallel lists) and its lines; element 0 stands for the page.

    `hints` holds class and id, `props` its `itemprop`.
    """

    tags: list[str] = field(default_factory=lambda: ["#page"])
    parents: list[int] = field(default_factory=lambda: [0])
    hints: list[str] = field(default_factory=lambda: [""])
    hidden: list[bool] = field(default_factory=lambda: [False])
    props: list[str] = field(default_factory=lambda: [""])
    lines: list[Line] = field(default_factory=list)

    def ancestors(self, element: int) -> Iterator[int]:
        """Yield the element and those around it, from the inside out, without the page itself."""
        while element:
            yield element
            element = self.parents[element]


def parse(html: str) -> LexborHTMLParser:
    """Return lexbor's tree of a page, with what would make the parser slow taken out first."""
    return LexborHTMLParser(tame(html))


# ---- before the parser ----

MAX_UNCHECKED = 10_000
"""Tags up to which depth need not be looked at: 10,000 open elements cost lexbor a fifth of a second."""

_DATA_URI = re.compile(r"data:[\w/+.-]{1,60};base64,[A-Za-z0-9+/=]{64,}")
_FORMATTING = frozenset(
    {"b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
# Those with attributes: of elements that are alike, HTML re-opens three at most.
_FORMATTING_START = re.compile(
    "<(?:" + "|".join("".join(f"[{c}{c.upper()}]" for c in name) for name in sorted(_FORMATTING)) + r")\s"
)
_FORMATTING_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_FORMATTING))})(?:\s[^<>]*)?>", re.IGNORECASE)
# Elements that nest, and whose start tag makes the parser look for an open `<p>` through all that are open.
_NESTING = frozenset(
    [
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "center",
            "details",
            "dialog",
            "dir",
            "div",
            "dl",
            "fieldset",
        ),
        *(
            "figcaption",
            "figure",
            "footer",
            "form",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "header",
            "hgroup",
            "listing",
        ),
        *(
            "main",
            "menu",
            "nav",
            "ol",
            "pre",
            "section",
            "summary",
            "table",
            "ul",
            "li",
            "dd",
            "dt",
            "plaintext",
            "xmp",
        ),
    ]
)
_BLOCK_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})[^<>]*>")
_TAG_NAME = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]{0,20})")
_NAMES_OF_BARE_TAGS = "p|br|div|span|strong|b|li|ul|ol|td|tr|table|h[1-6]|a|font|section|em|blockquote|dd|dl"
_BARE_TAG = (
    r"(?<=[?\N{REPLACEMENT CHARACTER}\ue000-\uf8ff\U0010ff80-\U0010ffff])"
    rf"(?=/(?:{_NAMES_OF_BARE_TAGS})>|br\s?/?>|p>)"
)
_SWALLOWED = re.compile(_BARE_TAG)


def tame(html: str) -> str:
    """Return the page within bounds: its length, its depth and its open formatting elements."""
    pieces = html.split("<")
    if [piece for piece in pieces if len(piece) > LONG_TAG and _LONG_TAG.match(piece)]:
        html = "<".join(map(_without_attributes, pieces))
    if len(html) > MAX_CHARS:
        html = _DATA_URI.sub("", html[: 10 * MAX_CHARS])[:MAX_CHARS]
    if len(pieces) <= MAX_UNCHECKED and len(_FORMATTING_START.findall(html)) <= MAX_FORMATTING:
        return html
    formatting, depth = _extremes(_TAG_NAME.findall(html))
    if formatting > MAX_FORMATTING:
        html = _FORMATTING_TAG.sub("", html)
    return _flatten(html) if depth > MAX_DEPTH else html


MAX_ATTRIBUTES = 500
"""Attributes of one tag; lexbor looks through all before it for each new one: 20,000 of them cost 1.5 s."""

LONG_TAG = 2000
"""Characters from which a start tag's attributes are counted at all."""

_LONG_TAG = re.compile(r"([a-zA-Z][a-zA-Z0-9]{0,20})\s([^<>]{2000,})>")


def _without_attributes(piece: str) -> str:
    """Return a stretch of markup between two `<`; its start tag bare where it has more attributes than any page needs."""
    tag = _LONG_TAG.match(piece) if len(piece) > LONG_TAG else None
    if tag is None or len(_ATTRIBUTE_START.findall(tag[2])) <= MAX_ATTRIBUTES:
        return piece
    return f"{tag[1]}>{piece[tag.end() :]}"


_ATTRIBUTE_START = re.compile(r"\s[^\s=<>\"']")


def _extremes(names: list[str]) -> tuple[int, int]:
    """Return how many formatting and how many nesting elements are ever open at once, as far as tags tell."""
    formatting = deepest_formatting = depth = deepest = 0
    for name in names:
        plain = name.lstrip("/").lower()
        step = -1 if name[0] == "/" else 1
        if plain in _FORMATTING:
            formatting = max(formatting + step, 0)
            deepest_formatting = max(formatting, deepest_formatting)
        elif plain in _NESTING and plain not in _CLOSED_BY_NEXT:
            depth = max(depth + step, 0)
            deepest = max(depth, deepest)
    return deepest_formatting, deepest


_CLOSED_BY_NEXT = frozenset({"li", "dd", "dt"})
"""Elements that the next of their kind closes: pages leave their end tags out, and nothing gets deep by it."""


def _flatten(html: str) -> str:
    """Return the page without the block tags that open or close below `MAX_DEPTH`."""
    depth = 0

    def keep(match: re.Match[str]) -> str:
        nonlocal depth
        name = match[2].lower()
        if name not in _NESTING or name in _CLOSED_BY_NEXT:
            return match[0]
        if match[1]:
            depth = max(depth - 1, 0)
            return match[0] if depth < MAX_DEPTH else " "
        depth += 1
        return match[0] if depth <= MAX_DEPTH else " "

    return _BLOCK_TAG.sub(keep, html)


# ---- after the parser ----


MAX_CSS = 20_000
"""Characters of a style sheet in the page up to which it is searched: those put in by others are short."""

_HIDING_SIGNS = ("display:none", "display: none", "visibility:hidden", "-999", "font-size:0")


def _style_sheets(html: str) -> Iterator[str]:
    """Yield the page's style sheets up to `MAX_CSS`, cut from its text: most pages carry long ones of their own."""
    start = html.find("<style")
    while start >= 0:
        end = html.find("</style", start)
        if end < 0:
            return
        if end - start <= MAX_CSS:
            yield html[html.find(">", start) + 1 : end]
        start = html.find("<style", end)


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


def collapse(text: str) -> str:
    """Return a line's text with ASCII white space collapsed and the indentation stripped.

    A no-break space inside stays, and one at the end after a Latin-1 character: in mojibake it is a byte of the text.
    """
    text = _SPACES.sub(" ", text).lstrip(_LEADING).rstrip(" ")
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
        if self.parts:
            text = collapse("".join(self.parts))
            if text:
                length = len(text)
                self.lines.append(Line(text, owner, min(self.linked, length), min(self.bold, length)))
            self.parts.clear()
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


def _walk(
    root: LexborNode, unseen: frozenset[int], title: str, is_aside: Callable[[str, str], bool] | None
) -> Dom:
    """Return the flat form of the subtree under `root` (inclusive); elements without content are left out.

    `unseen` holds the memory ids of hidden elements. One loop with its state in locals and as few questions to a node as
    will do: a question costs a tenth of a microsecond, attributes ten times that, and a page has thousands of nodes.
    """
    dom = Dom()
    gathered = _Lines(dom.lines)
    parts, aside = gathered.parts, gathered.aside
    tags, parents, hints, hidden, props = dom.tags, dom.parents, dom.hints, dom.hidden, dom.props
    nodes: list[LexborNode] = []
    kinds: list[int] = []
    path = [0]
    owners = [0]
    links = bolds = concealed = 0
    node: LexborNode | None = root
    while node is not None:
        tag, kind = _KNOWN_TAGS.get(node.tag_id) or _KNOWN_TAGS.of(node)
        if kind == _TEXT:
            text = node.text_content or ""
            if concealed:
                aside.append(text)
            elif parts or not text.isspace():
                parts.append(text)
                if links:
                    gathered.linked += len(text)
                if bolds:
                    gathered.bold += len(text)
                if "\n" in text and tags[owners[-1]] == "pre":
                    gathered.break_lines(owners[-1])
        elif kind == _BREAK:
            gathered.flush(owners[-1], concealed)
        elif kind != _UNREAD and (below := node.first_child) is not None:
            out_of_sight = bool(unseen) and node.mem_id in unseen
            if kind >= _FIRST_INLINE:
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
                    gathered.flush(owners[-1], concealed)
                    if len(dom.lines) > MAX_LINES:
                        break
                index = len(tags)
                attributes = node.attributes
                if attributes:
                    hints.append(f"{attributes.get('class') or ''} {attributes.get('id') or ''}")
                    props.append(attributes.get("itemprop") or "")
                else:
                    hints.append("")
                    props.append("")
                hidden.append(out_of_sight or concealed > 0)
                parents.append(path[-1])
                tags.append(tag)
                line = _aside_line(node, index, title) if is_aside and is_aside(tag, hints[-1]) else None
                if line is not None:
                    dom.lines.append(line)
                    below = None
                else:
                    owners.append(index)
                    path.append(index)
                    if kind == _HEADING:
                        bolds += 1
            if below is not None:
                nodes.append(node)
                kinds.append(kind)
                node = below
                continue
        following = node.next if nodes else None
        while following is None and nodes:
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
                    gathered.flush(owners[-1], concealed)
                owners.pop()
                path.pop()
                if kind == _HEADING:
                    bolds -= 1
            above = nodes.pop()
            following = above.next if nodes else None
        node = following
    gathered.flush(owners[-1], 0)
    return dom


def _hidden_nodes(tree: LexborHTMLParser, html: str) -> frozenset[int]:
    """Return the memory ids of the elements that their own style, attribute or a style sheet in the page hides."""
    found: set[int] = set()
    for node in tree.css("[style],[hidden]"):
        attributes = node.attributes
        if "hidden" in attributes or hides(attributes.get("style") or ""):
            found.add(node.mem_id)
    names: set[str] = set()
    for sheet in _style_sheets(html):
        names |= hidden_names(sheet)
    if names:
        found.update(node.mem_id for node in tree.css(",".join(sorted(names)[:MAX_HIDING_NAMES])))
    return frozenset(found)


def flatten(
    tree: LexborHTMLParser, html: str, title: str | None = None, is_aside: Callable[[str, str], bool] | None = None
) -> Dom:
    """Return the flat form of a page's body; the tree loses its scripts and styles.

    What `is_aside(tag, hint)` holds for is not walked but read as one line, its text counted as linked, unless it holds
    sentences or the beginning of `title`: most of a portal's page is menus and lists of links.
    """
    body = tree.body or tree.root
    if body is None:
        return Dom()
    unseen = _hidden_nodes(tree, html)
    tree.strip_tags(_WITHOUT_LINES, recursive=True)
    return _walk(body, unseen, (title or "")[:6].strip(), is_aside)


_WITHOUT_LINES = ["script", "style", "noscript", "svg", "iframe", "select", "textarea", "template"]

MIN_ASIDE = 100
"""Characters that a part must have to be read in one go: a shorter one may be the byline."""


def _aside_line(node: LexborNode, owner: int, title: str) -> Line | None:
    """Return a part's whole text as one line counted as linked, None when it must be walked."""
    text = node.text(separator=" ", skip_empty=True)
    if len(text) < MIN_ASIDE or text.count("。") > 1 or (title and title in text):
        return None
    text = collapse(text)
    return Line(text, owner, len(text)) if text else None


def restore_swallowed(html: str, dom: Dom) -> str | None:
    """Return the page with each `<` put back that a damaged byte swallowed, None when its lines show no such tag.

    `?/p>`, or a byte's mark before the rest of a tag, shows in the text of a line.
    """
    if any(">" in line.text and _SWALLOWED.search(line.text) for line in dom.lines):
        return _SWALLOWED.sub("<", html)
    return None


def read(html: str) -> Dom:
    """Return the flat form of a piece of HTML, all of it walked."""
    return flatten(parse(html), html)
