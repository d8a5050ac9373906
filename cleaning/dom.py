"""A page as flat arrays: its elements in document order and its lines of text.

lexbor parses (unclosed tags, tables in the wrong place and entities are its business); one pass over its nodes, without
recursion, gives everything that extraction looks at. What is hostile in a page is tamed before the parser sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

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

_BOLD = frozenset({"b", "strong", "h1", "h2", "h3", "h4", "h5", "h6", "th"})
_SPACES = re.compile("[ \t\n\r\f\v\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}]+")
_LEADING = " \N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"

HIDDEN_STYLE = re.compile(
    r"display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}(?:hidden|collapse)|font-size\s{0,3}:\s{0,3}0(?![.\d]*[1-9])"
    r"|opacity\s{0,3}:\s{0,3}0(?![.\d]*[1-9])|(?:text-indent|left|top|margin-left|margin-top)\s{0,3}:\s{0,3}-\d{3,}"
    r"|(?<![-\w])(?:max-)?(?:width|height)\s{0,3}:\s{0,3}0(?![.\d]*[1-9])|clip\s{0,3}:\s{0,3}rect\(0",
    re.IGNORECASE,
)
"""Inline CSS by which an element is not seen: not displayed, without size, or far off the screen."""

_HIDING_RULE = re.compile(r"([^{}]{1,300})\{([^{}]{1,600})\}")
_SIMPLE_SELECTOR = re.compile(r"^\s*([.#][\w-]{1,60})\s*$")


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
    heading: bool = False


@dataclass(slots=True)
class Dom:
    """The body's elements in document order (parallel lists) and its lines; element 0 stands for the page.

    `hints` holds class and id, `style` the reason an element is hidden ("" if it isn't).
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

_TAG_NAME = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]{0,20})")
_DATA_URI = re.compile(r"data:[\w/+.-]{1,60};base64,[A-Za-z0-9+/=]{64,}")
_FORMATTING = frozenset(
    {"b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
_FORMATTING_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_FORMATTING))})(?:\s[^<>]*)?>", re.IGNORECASE)
# Elements that close one another, so that many open ones are no depth, and elements that hold nothing.
_FLAT = frozenset(
    [
        *(
            "p",
            "li",
            "td",
            "th",
            "tr",
            "option",
            "dd",
            "dt",
            "tbody",
            "thead",
            "tfoot",
            "html",
            "head",
            "body",
            "a",
        ),
        *(
            "br",
            "img",
            "input",
            "link",
            "meta",
            "hr",
            "source",
            "wbr",
            "col",
            "area",
            "base",
            "embed",
            "param",
            "track",
        ),
        *("span", "script", "style", "label"),
    ]
)
_BLOCK_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})[^<>]*>")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMES_OF_BARE_TAGS = "p|br|div|span|strong|b|li|ul|ol|td|tr|table|h[1-6]|a|font|section|em|blockquote|dd|dl"
_SWALLOWED = re.compile(
    rf"(?<=[?\N{{REPLACEMENT CHARACTER}}\ue000-\uf8ff\U0010ff80-\U0010ffff])(?=/(?:{_NAMES_OF_BARE_TAGS})>|br\s?/?>|p>)"
)
_SWALLOWED_SIGNS = ("?/", "?p>", "?br", "\N{REPLACEMENT CHARACTER}/", "/p>", "/div>")


def tame(html: str) -> str:
    """Return the page within bounds: its length, its depth and its open formatting elements.

    A `<` that a damaged byte swallowed (`?/p>`, the byte's mark before the rest of a tag) is put back, because
    without it the rest of the tag would stand in the text.
    """
    if len(html) > MAX_CHARS:
        html = _DATA_URI.sub("", html[: 10 * MAX_CHARS])[:MAX_CHARS]
    html = _restore_swallowed(html)
    if not html.isascii() and _SURROGATE.search(html):
        html = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", html)
    if html.count("<") < MAX_FORMATTING:
        return html
    names = _TAG_NAME.findall(html)
    formatting, depth = _extremes(names)
    if formatting > MAX_FORMATTING:
        html = _FORMATTING_TAG.sub("", html)
    return _flatten(html) if depth > MAX_DEPTH else html


def _restore_swallowed(html: str) -> str:
    if html.count("/p>") == html.count("</p>") and not any(sign in html for sign in _SWALLOWED_SIGNS[:4]):
        return html
    return _SWALLOWED.sub("<", html)


def _extremes(names: list[str]) -> tuple[int, int]:
    """Return how many formatting and how many block elements are ever open at once, as far as tags tell."""
    formatting = deepest_formatting = depth = deepest = 0
    for name in names:
        closing = name[0] == "/"
        plain = name[1:] if closing else name
        if plain in _FLAT:
            continue
        if plain in _FORMATTING or plain.lower() in _FORMATTING:
            formatting = max(formatting - 1, 0) if closing else formatting + 1
            deepest_formatting = max(formatting, deepest_formatting)
        elif plain.lower() not in _FLAT:
            depth = max(depth - 1, 0) if closing else depth + 1
            deepest = max(depth, deepest)
    return deepest_formatting, deepest


def _flatten(html: str) -> str:
    """Return the page without the block tags that open or close below `MAX_DEPTH`."""
    depth = 0

    def keep(match: re.Match[str]) -> str:
        nonlocal depth
        name = match[2].lower()
        if name in _FLAT or name in _FORMATTING:
            return match[0]
        if match[1]:
            depth = max(depth - 1, 0)
            return match[0] if depth < MAX_DEPTH else " "
        depth += 1
        return match[0] if depth <= MAX_DEPTH else " "

    return _BLOCK_TAG.sub(keep, html)


# ---- after the parser ----


def hidden_names(css: str) -> frozenset[str]:
    """Return the `.class` and `#id` selectors that a style sheet in the page hides outright; `@media` is left out."""
    if "none" not in css and ":-" not in css and ": -" not in css:
        return frozenset()
    css = css[:200_000]
    if "@" in css:
        css = css[: css.index("@")]
    found: set[str] = set()
    for match in _HIDING_RULE.finditer(css):
        if HIDDEN_STYLE.search(match[2]):
            found.update(name[1] for part in match[1].split(",") if (name := _SIMPLE_SELECTOR.match(part)))
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


class _Walker:
    """Builds a `Dom` from lexbor's nodes, which come in document order."""

    def __init__(self, hiding: frozenset[str]) -> None:
        self.dom = Dom()
        self.hiding = hiding
        self.stack_ids: list[int] = []
        self.stack: list[int] = [0]
        self.links = 0
        self.bolds = 0
        self.skipping = 0
        self.inline_hidden = 0
        self.parts: list[str] = []
        self.linked = 0
        self.bold = 0
        self.aside: list[str] = []
        self.owners: list[int] = [0]

    def run(self, root: LexborNode) -> Dom:
        """Walk the subtree under `root` (inclusive)."""
        lines, stack_ids = self.dom.lines, self.stack_ids
        for node in root.traverse(include_text=True):
            parent = node.parent
            parent_id = parent.mem_id if parent is not None else 0
            while stack_ids and stack_ids[-1] != parent_id:
                self._leave()
            if node.is_text_node:
                if not self.skipping:
                    self._text(node.text_content or "")
            elif node.is_element_node:
                self._enter(node)
                if len(lines) > MAX_LINES:
                    break
        while stack_ids:
            self._leave()
        self._flush()
        return self.dom

    def _text(self, text: str) -> None:
        if self.inline_hidden:
            self.aside.append(text)
            return
        self.parts.append(text)
        if self.links:
            self.linked += len(text)
        if self.bolds:
            self.bold += len(text)
        if "\n" in text and self.dom.tags[self.owners[-1]] == "pre":
            self._preformatted()

    def _preformatted(self) -> None:
        *whole, rest = "".join(self.parts).split("\n")
        for line in whole:
            self.parts = [line]
            self._flush()
        self.parts = [rest]

    def _enter(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag == "br":
            self._flush()
            return
        dom = self.dom
        index = len(dom.tags)
        dom.tags.append(tag)
        dom.parents.append(self.stack[-1])
        attributes = node.attributes
        hint, hidden, prop = "", False, ""
        if attributes:
            hint = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
            prop = attributes.get("itemprop") or ""
            hidden = self._is_hidden(attributes, hint)
        dom.hints.append(hint)
        dom.hidden.append(hidden)
        dom.props.append(prop)
        self.stack_ids.append(node.mem_id)
        self.stack.append(index)
        if tag in _SKIPPED:
            self.skipping += 1
        elif tag in INLINE or "-" in tag:
            self._enter_inline(tag, hidden)
        else:
            self._flush()
            self.owners.append(index)
            if tag in _BOLD:
                self.bolds += 1

    def _enter_inline(self, tag: str, hidden: bool) -> None:
        if tag == "a":
            self.links += 1
        elif tag in _BOLD:
            self.bolds += 1
        if self.inline_hidden or hidden or tag == "option":
            self.inline_hidden += 1

    def _is_hidden(self, attributes: dict[str, str | None], hint: str) -> bool:
        style = attributes.get("style")
        if style and HIDDEN_STYLE.search(style):
            return True
        if "hidden" in attributes:
            return True
        if self.hiding and len(hint) > 1:
            classes = (attributes.get("class") or "").split()
            return f"#{attributes.get('id')}" in self.hiding or any(f".{name}" in self.hiding for name in classes)
        return False

    def _leave(self) -> None:
        self.stack_ids.pop()
        tag = self.dom.tags[self.stack.pop()]
        if tag in _SKIPPED:
            self.skipping -= 1
        elif tag in INLINE or "-" in tag:
            if tag == "a":
                self.links -= 1
            elif tag in _BOLD:
                self.bolds -= 1
            if self.inline_hidden:
                self.inline_hidden -= 1
                if not self.inline_hidden:
                    self.aside.append("\n")
        else:
            self._flush()
            self.owners.pop()
            if tag in _BOLD:
                self.bolds -= 1

    def _flush(self) -> None:
        owner = self.owners[-1]
        if self.parts:
            text = collapse("".join(self.parts))
            if text:
                self.dom.lines.append(Line(text, owner, min(self.linked, len(text)), min(self.bold, len(text))))
            self.parts = []
            self.linked = self.bold = 0
        if self.aside and not self.inline_hidden:
            for text in "".join(self.aside).split("\n"):
                if text := collapse(text):
                    self.dom.lines.append(Line(text, owner, hidden=True))
            self.aside = []


def read(tree: LexborHTMLParser) -> Dom:
    """Return the flat form of a page's body."""
    body = tree.body or tree.root
    if body is None:
        return Dom()
    hiding: frozenset[str] = frozenset()
    for style in tree.css("style"):
        hiding |= hidden_names(style.text())
    return _Walker(hiding).run(body)


def read_node(node: LexborNode) -> Dom:
    """Return the flat form of one subtree."""
    return _Walker(frozenset()).run(node)
