# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""The walk over lexbor's tree, and what stands in the head: the twins of `_walk`, `survey` and `collapse` in
`cleaning/dom.py`.

selectolax makes a Python object of each node that it is asked for. lexbor's own functions, which its extension module
exports, are asked here instead: functions only, no layout of their structures is known here. Where one of them is
missing, or they and selectolax disagree about a small page, importing this raises ImportError and the Python twins run.
Nothing of a tree is kept when a function returns; the tree is held by its caller as long.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.ref cimport Py_INCREF
from cpython.unicode cimport (
    PyUnicode_2BYTE_KIND,
    PyUnicode_4BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_DecodeUTF8,
    PyUnicode_FromKindAndData,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
    PyUnicode_Substring,
    Py_UNICODE_ISSPACE,
)
from libc.stdint cimport uint16_t, uint32_t, uintptr_t
from libc.string cimport memcmp, memcpy

from selectolax import lexbor
from selectolax.lexbor import LexborHTMLParser

cdef extern from "Python.h":
    object PyType_GenericAlloc(type kind, Py_ssize_t items)
    void PyTuple_SET_ITEM(object made, Py_ssize_t at, object item)  # takes over a reference

cdef extern from "<dlfcn.h>" nogil:
    void *dlopen(const char *path, int flags)
    void *dlsym(void *library, const char *name)
    int RTLD_NOLOAD
    int RTLD_NOW

ctypedef void *(*Step)(void *) noexcept nogil
ctypedef uintptr_t (*TagOf)(void *) noexcept nogil
ctypedef int (*TypeOf)(void *) noexcept nogil
ctypedef const unsigned char *(*NameOf)(void *, size_t *) noexcept nogil
ctypedef unsigned char *(*TextOf)(void *, size_t *) noexcept nogil
ctypedef void *(*GiveBack)(void *, unsigned char *) noexcept nogil

cdef Step first_child, next_node, parent_node, first_attribute, next_attribute
cdef TagOf tag_id
cdef TypeOf node_type
cdef NameOf element_name, attribute_name, attribute_value
cdef TextOf text_content
cdef GiveBack give_back

cdef enum:
    ELEMENT = 1  # the DOM's node types
    TEXT_NODE = 3
    DOCUMENT = 9
    SHORT = 4096  # bytes: a paragraph
    STANDARD = 256  # lexbor's numbers of tags that HTML knows are below; others are a page's own

cdef enum Kind:  # as in cleaning/dom.py
    BLOCK, HEADING, SPAN, LINK, STRONG, OPTION, TEXT, BREAK, UNREAD

ENGINES = (2, 3)
"""Major versions of lexbor whose functions take and give what is declared here."""


# ---- strings ----


cdef Py_ssize_t _widen(const unsigned char *data, size_t size, uint16_t *wide) noexcept nogil:
    """Write the characters of a text in UTF-8, return how many; -1 where one is invalid or above the basic plane."""
    cdef size_t at = 0
    cdef Py_ssize_t out = 0
    cdef uint32_t char
    while at < size:
        char = data[at]
        if char < 0x80:
            at += 1
        elif 0xE0 <= char < 0xF0:
            if size - at < 3 or data[at + 1] & 0xC0 != 0x80 or data[at + 2] & 0xC0 != 0x80:
                return -1
            char = (char & 0x0F) << 12 | (data[at + 1] & 0x3F) << 6 | data[at + 2] & 0x3F
            if char < 0x800 or 0xD800 <= char <= 0xDFFF:
                return -1
            at += 3
        elif 0xC2 <= char < 0xE0:
            if size - at < 2 or data[at + 1] & 0xC0 != 0x80:
                return -1
            char = (char & 0x1F) << 6 | data[at + 1] & 0x3F
            at += 2
        else:
            return -1
        wide[out] = <uint16_t>char
        out += 1
    return out


cdef str _decode(const unsigned char *data, size_t size):
    """Return bytes as selectolax does: what is no UTF-8 is replaced. Python widens what it has read when it meets Chinese."""
    cdef uint16_t[SHORT] wide
    cdef Py_ssize_t length = _widen(data, size, wide) if size <= SHORT else -1
    if length < 0:
        return PyUnicode_DecodeUTF8(<const char *>data, <Py_ssize_t>size, "replace")
    return PyUnicode_FromKindAndData(PyUnicode_2BYTE_KIND, wide, length)


cdef inline bint _is_blank(const unsigned char *data, size_t size) noexcept nogil:
    """Whether a text is HTML's ASCII white space and nothing else."""
    cdef size_t at
    for at in range(size):
        if data[at] not in b" \t\n\f\r":
            return False
    return True


cdef inline bint _is_break(uint32_t char) noexcept nogil:
    return 9 <= char <= 13 or char == 0x2028 or char == 0x2029


cdef inline bint _at_an_end(uint32_t char) noexcept nogil:
    return (
        char == 32 or _is_break(char) or char == 0xA0 or char == 0x3000 or char == 0x200B or char == 0xFEFF
    )


cdef bint _is_even(int kind, const void *data, Py_ssize_t start, Py_ssize_t end) noexcept:
    """Whether a text that neither begins nor ends with a blank has no other white space than single ones."""
    cdef Py_ssize_t at
    cdef uint32_t char
    if kind == PyUnicode_2BYTE_KIND:  # nearly all: the same, without asking for the kind at each character
        for at in range(start, end - 1):
            char = (<const uint16_t *>data)[at]
            if char <= 32 and (_is_break(char) or char == 32 and (<const uint16_t *>data)[at + 1] == 32):
                return False
            if char == 0x2028 or char == 0x2029:
                return False
        return True
    for at in range(start, end - 1):
        char = PyUnicode_READ(kind, data, at)
        if _is_break(char) or (char == 32 and PyUnicode_READ(kind, data, at + 1) == 32):
            return False
    return True


cdef inline bint _is_space(str text) noexcept:
    """Whether a text is white space and nothing else, as `str.isspace` says."""
    cdef Py_ssize_t at, size = PyUnicode_GET_LENGTH(text)
    for at in range(size):
        if not Py_UNICODE_ISSPACE(PyUnicode_READ(PyUnicode_KIND(text), PyUnicode_DATA(text), at)):
            return False
    return size > 0


def collapse(str text not None):
    """Return a line's text with ASCII white space collapsed and the indentation stripped, as `dom.collapse` does."""
    return _collapsed(text)


cdef str _collapsed(str text):
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), start = 0, end = size, at, out = 0
    cdef uint32_t char, before
    cdef bint pending
    while start < end and _at_an_end(PyUnicode_READ(kind, data, start)):
        start += 1
    while end > start:
        char = PyUnicode_READ(kind, data, end - 1)
        if not _at_an_end(char):
            break
        if char == 0xA0 and end - 1 > start:
            before = PyUnicode_READ(kind, data, end - 2)
            if 0x80 <= before <= 0xFF and before != 0xA0:
                break
        end -= 1
    if start == end:
        return ""
    if _is_even(kind, data, start, end):
        return text if end - start == size else PyUnicode_Substring(text, start, end)
    cdef uint32_t *buffer = <uint32_t *>PyMem_Malloc((end - start) * sizeof(uint32_t))
    if not buffer:
        raise MemoryError
    try:
        pending = False
        for at in range(start, end):
            char = PyUnicode_READ(kind, data, at)
            if char == 32 or _is_break(char):
                pending = True
                continue
            if pending:
                buffer[out] = 32
                out += 1
                pending = False
            buffer[out] = char
            out += 1
        return PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, buffer, out)
    finally:
        PyMem_Free(buffer)


# ---- nodes ----


cdef class _Buffer:
    """Bytes that are gathered."""

    cdef char *data
    cdef size_t size, room

    def __dealloc__(self):
        PyMem_Free(self.data)

    cdef int add(self, const unsigned char *data, size_t size) except -1:
        cdef size_t room
        cdef char *grown
        if self.room - self.size < size:
            room = 2 * (self.size + size) + 64
            grown = <char *>PyMem_Realloc(self.data, room)
            if not grown:
                raise MemoryError
            self.data, self.room = grown, room
        if size:
            memcpy(self.data + self.size, data, size)
            self.size += size
        return 0

    cdef str text(self):
        return _decode(<const unsigned char *>self.data, self.size) if self.size else ""


cdef void *_document_of(void *node) noexcept nogil:
    while node and node_type(node) != DOCUMENT:
        node = parent_node(node)
    return node


cdef void *_document_around(void *node) except NULL:
    cdef void *found = _document_of(node)
    if not found:
        raise ValueError("a node outside of any document")
    return found


cdef inline str _text_of(void *node, void *document):
    """Return the text of a text node."""
    cdef size_t size = 0
    cdef unsigned char *data = text_content(node, &size)
    if not data:
        return ""
    try:
        return _decode(data, size)
    finally:
        give_back(document, data)


cdef inline str _name_of(void *node):
    """Return an element's name, empty for another node's."""
    cdef size_t size = 0
    cdef const unsigned char *data
    if node_type(node) != ELEMENT:
        return ""
    data = element_name(node, &size)
    return _decode(data, size) if data else ""


cdef inline bint _is(const unsigned char *data, size_t size, const char *name, size_t length) noexcept nogil:
    return size == length and data and memcmp(data, name, length) == 0


cdef inline str _value_of(void *attribute):
    cdef size_t size = 0
    cdef const unsigned char *data = attribute_value(attribute, &size)
    return _decode(data, size) if data else ""


cdef uintptr_t SCRIPT, STYLE, NOSCRIPT, TITLE, META, TEXT_TAG  # lexbor's numbers, asked for at import


cdef inline bint _has_lines(void *node) noexcept nogil:
    cdef uintptr_t number = tag_id(node)
    return number != SCRIPT and number != STYLE and number != NOSCRIPT


cdef inline void *_first_read(void *node) noexcept nogil:
    """Return the first child that is no script or style."""
    node = first_child(node)
    while node and not _has_lines(node):
        node = next_node(node)
    return node


cdef inline void *_next_read(void *node) noexcept nogil:
    node = next_node(node)
    while node and not _has_lines(node):
        node = next_node(node)
    return node


cdef inline void *_onward(void *node, void *root, bint below) noexcept nogil:
    """Return the node behind `node` in the document's order, within `root`; without what is below it if so asked."""
    cdef void *following = first_child(node) if below else NULL
    if following:
        return following
    while node and node != root:
        following = next_node(node)
        if following:
            return following
        node = parent_node(node)
    return NULL


cdef str _texts_below(void *root, void *document, bint apart):
    """Return the texts in an element, joined; `apart` by blanks, and without those that are blank or of a script."""
    cdef _Buffer gathered = _Buffer()
    cdef void *node = _onward(root, root, True)
    cdef size_t size
    cdef unsigned char *data
    cdef bint some = False
    while node:
        if tag_id(node) == TEXT_TAG:
            size = 0
            data = text_content(node, &size)
            if data:
                try:
                    if not (apart and _is_blank(data, size)):
                        if apart and some:
                            gathered.add(b" ", 1)
                        some = True
                        gathered.add(data, size)
                finally:
                    give_back(document, data)
        node = _onward(node, root, not apart or _has_lines(node))
    return gathered.text()


# ---- the head ----


cdef bint _is_json_ld(void *node) noexcept nogil:
    cdef void *attribute = first_attribute(node)
    cdef const char *wanted = b"application/ld+json"
    cdef size_t size, at
    cdef const unsigned char *data
    while attribute:
        size = 0
        data = attribute_name(attribute, &size)
        if _is(data, size, b"type", 4):
            size = 0
            data = attribute_value(attribute, &size)
            if not data or size != 19:
                return False
            for at in range(size):
                if (data[at] | 32 if 65 <= data[at] <= 90 else data[at]) != <unsigned char>wanted[at]:
                    return False
            return True
        attribute = next_attribute(attribute)
    return False


cdef tuple _meta(void *node):
    """Return what a `<meta>` names and its content, None without the attribute."""
    cdef void *attribute = first_attribute(node)
    cdef str content = None, prop = "", name = "", item = ""
    cdef size_t size
    cdef const unsigned char *data
    while attribute:
        size = 0
        data = attribute_name(attribute, &size)
        if _is(data, size, b"content", 7):
            content = _value_of(attribute)
        elif _is(data, size, b"property", 8):
            prop = _value_of(attribute)
        elif _is(data, size, b"name", 4):
            name = _value_of(attribute)
        elif _is(data, size, b"itemprop", 8):
            item = _value_of(attribute)
        attribute = next_attribute(attribute)
    return None if content is None else ("meta", prop or name or item, content)


def survey(tree not None, uintptr_t root, uintptr_t head):
    """Return what the head states and how much of it stands in `head` itself, and the texts of the style sheets.

    `root` and `head` (0 for none) are the `mem_id` of two nodes of the tree; see `dom.survey`.
    """
    cdef void *top = <void *>root
    cdef void *node = top
    cdef void *document = _document_around(top)
    cdef void *around
    cdef uintptr_t number
    cdef list within = [], outside = [], found, sheets = []
    cdef tuple stated
    cdef bint inside = False
    cdef void *behind = NULL
    while node:
        if node == <void *>head:
            inside = True
            behind = _onward(node, top, False)
        elif inside and node == behind:
            inside = False
        number = tag_id(node)
        if number == META or number == TITLE or number == SCRIPT or number == STYLE:
            found = within if inside else outside
            if number == META:
                stated = _meta(node)
                if stated is not None:
                    found.append(stated)
            elif number == TITLE:
                found.append(("title", "", _texts_below(node, document, False)))
            elif number == STYLE:
                sheets.append(_texts_below(node, document, False))
            elif _is_json_ld(node):
                found.append(("script", "", _texts_below(node, document, False)))
        node = _onward(node, top, True)
    return within, outside, sheets


# ---- the walk ----


cdef inline void _put(object made, Py_ssize_t at, object item):
    """Set an item of a tuple that nobody has seen yet."""
    Py_INCREF(item)
    PyTuple_SET_ITEM(made, at, item)


cdef struct Open:
    void *node
    int kind


cdef class Walker:
    """What a walk needs of `cleaning/dom.py`: the class of a line, the kind of a tag, which styles hide, its bounds."""

    cdef type line_type
    cdef object kind_of, hides
    cdef Py_ssize_t max_lines, max_fields, min_aside, min_article
    cdef list names
    cdef int[STANDARD] kinds
    cdef bint[STANDARD] known

    def __init__(self, *, line, kind_of, hides, max_lines, max_fields, min_aside, min_article):
        if not issubclass(line, tuple):
            raise TypeError("a line is a named tuple")
        self.line_type, self.kind_of, self.hides = line, kind_of, hides
        self.max_lines, self.max_fields = max_lines, max_fields
        self.min_aside, self.min_article = min_aside, min_article
        self.names = [None] * STANDARD

    def walk(self, tree not None, uintptr_t root, dom not None, frozenset unseen not None, str title not None, part_of):
        """Fill a page's flat form with the elements and lines below the node whose `mem_id` is `root`; see `dom._walk`."""
        cdef _Walk walk = _Walk(self, dom, unseen, title, part_of)
        walk.document = _document_around(<void *>root)
        walk.run(<void *>root)

    cdef object line(self, str text, Py_ssize_t owner, Py_ssize_t linked, Py_ssize_t bold, bint hidden, tuple pieces):
        """Return a line, made as `tuple.__new__` makes it: its class's own is a Python function, and does no more."""
        cdef object made = PyType_GenericAlloc(self.line_type, 6)
        _put(made, 0, text)
        _put(made, 1, owner)
        _put(made, 2, linked)
        _put(made, 3, bold)
        _put(made, 4, hidden)
        _put(made, 5, pieces)
        return made

    cdef int kind(self, void *node) except -1:
        """Return what the walk does with a node; a standard tag's name and kind are remembered."""
        cdef uintptr_t number = tag_id(node)
        if number < STANDARD:
            if not self.known[number]:
                name = "-text" if number == TEXT_TAG else _name_of(node)
                self.kinds[number] = self.kind_of(name)
                self.names[number] = name
                self.known[number] = True
            return self.kinds[number]
        return self.kind_of(_name_of(node))

    cdef str name(self, void *node):
        cdef uintptr_t number = tag_id(node)
        return self.names[number] if number < STANDARD else _name_of(node)


cdef class _Walk:
    """One walk: its state, and the page's lists that it fills."""

    cdef Walker walker
    cdef list lines, tags, parents, hints, parts, aside
    cdef list bare  # what `part_of` says of the standard tags without class and id, which most elements are
    cdef set hidden
    cdef dict props
    cdef frozenset unseen
    cdef str title
    cdef object part_of
    cdef void *document
    cdef Open *opened
    cdef Py_ssize_t depth, room  # open elements
    cdef Py_ssize_t *path
    cdef Py_ssize_t deep  # open blocks, the page itself among them
    cdef Py_ssize_t linked, bold, looked, prose
    cdef str hint
    cdef str prop
    cdef bint concealing  # whether the attributes that were read last hide their element

    def __init__(self, Walker walker, dom, frozenset unseen, str title, part_of):
        self.walker, self.unseen, self.title, self.part_of = walker, unseen, title, part_of
        self.lines, self.tags, self.parents, self.hints = dom.lines, dom.tags, dom.parents, dom.hints
        self.hidden, self.props = dom.hidden, dom.props
        self.parts, self.aside = [], []
        self.bare = [None] * STANDARD
        self.grow()
        self.path[0] = 0
        self.deep = 1

    def __dealloc__(self):
        PyMem_Free(self.opened)
        PyMem_Free(self.path)

    cdef int grow(self) except -1:
        """Make room for twice as many open elements.

        `path` has room for two more: the page itself, and a block that is put there before its element is in `opened`.
        """
        cdef Py_ssize_t room = 2 * self.room + 64
        cdef Open *opened = <Open *>PyMem_Realloc(self.opened, room * sizeof(Open))
        if not opened:
            raise MemoryError
        self.opened = opened
        cdef Py_ssize_t *path = <Py_ssize_t *>PyMem_Realloc(self.path, (room + 2) * sizeof(Py_ssize_t))
        if not path:
            raise MemoryError
        self.path = path
        self.room = room
        return 0

    cdef int flush(self, Py_ssize_t owner, bint concealed) except -1:
        """End the line; text of hidden inline elements follows it once they are closed."""
        cdef Py_ssize_t length
        cdef str text
        cdef tuple pieces
        if self.parts:
            text = _collapsed(self.parts[0] if len(self.parts) == 1 else "".join(self.parts))
            if text:
                length = len(text)
                pieces = tuple(self.parts) if length <= self.walker.max_fields and len(self.parts) > 1 else ()
                self.lines.append(
                    self.walker.line(text, owner, min(self.linked, length), min(self.bold, length), False, pieces)
                )
            self.parts.clear()
            self.linked = self.bold = 0
        if self.aside and not concealed:
            for piece in "".join(self.aside).split("\n"):
                text = _collapsed(piece)
                if text:
                    self.lines.append(self.walker.line(text, owner, 0, 0, True, ()))
            self.aside.clear()
        return 0

    cdef int break_lines(self, Py_ssize_t owner) except -1:
        """End a line of preformatted text at each line break gathered so far."""
        cdef list whole = "".join(self.parts).split("\n")
        rest = whole.pop()
        for line in whole:
            self.parts[:] = [line]
            self.flush(owner, False)
        self.parts[:] = [rest]
        return 0

    cdef int add(self, str text, bint links, bint bolds) except -1:
        """Gather a text of the line, unless it only indents it."""
        if self.parts or not _is_space(text):
            self.parts.append(text)
            if links:
                self.linked += len(text)
            if bolds:
                self.bold += len(text)
            return 1
        return 0

    cdef int read_attributes(self, void *node, bint named) except -1:
        """Read whether an element is hidden and, if `named`, its class, id and property."""
        cdef void *attribute = first_attribute(node)
        cdef size_t size
        cdef const unsigned char *data
        cdef str classes = "", identity = "", style = ""
        cdef bint some = attribute != NULL
        self.concealing = False
        self.hint = self.prop = ""
        while attribute:
            size = 0
            data = attribute_name(attribute, &size)
            if size == 5:
                if _is(data, size, b"style", 5):
                    style = _value_of(attribute)
                elif named and _is(data, size, b"class", 5):
                    classes = _value_of(attribute)
            elif named and _is(data, size, b"id", 2):
                identity = _value_of(attribute)
            elif _is(data, size, b"hidden", 6):
                self.concealing = True
            elif named and _is(data, size, b"itemprop", 8):
                self.prop = _value_of(attribute)
            attribute = next_attribute(attribute)
        if named and some:
            self.hint = f"{classes} {identity}"
        if style and not self.concealing:
            self.concealing = self.walker.hides(style)
        if self.unseen and not self.concealing:
            self.concealing = <uintptr_t>node in self.unseen
        return 0

    cdef str part(self, void *node, str tag):
        """Return what `part_of` says of the element whose attributes were read last."""
        cdef uintptr_t number = tag_id(node)
        if self.hint or number >= STANDARD:
            return self.part_of(tag, self.hint)
        cdef object known = self.bare[number]
        if known is None:
            known = self.bare[number] = self.part_of(tag, "")
        return known

    cdef bint seen_article(self) except -1:
        """Say whether the lines so far hold an article's worth of prose; each is looked at once."""
        cdef Py_ssize_t at
        for at in range(self.looked, len(self.lines)):
            line = self.lines[at]
            if not line.linked and "\N{IDEOGRAPHIC FULL STOP}" in line.text:
                self.prose += len(line.text)
        self.looked = len(self.lines)
        return self.prose >= self.walker.min_article

    cdef object aside_line(self, str text, Py_ssize_t owner, str part):
        """Return a part's whole text as one line counted as linked, None when it must be walked."""
        if part == "aside" and text.count("\N{IDEOGRAPHIC FULL STOP}") > 1:
            return None
        if self.title and self.title in text:
            return None
        text = _collapsed(text)
        return self.walker.line(text, owner, len(text), 0, False, ()) if text else None

    cdef int run(self, void *root) except -1:
        cdef void *node = root
        cdef void *below
        cdef void *following
        cdef Py_ssize_t links = 0, bolds = 0, concealed = 0, within_short = 0, index, length
        cdef int kind
        cdef bint short, out_of_sight
        cdef size_t size
        cdef unsigned char *data
        cdef str text, tag, part
        cdef Walker walker = self.walker
        while node:
            kind = walker.kind(node)
            if kind == TEXT:
                size = 0
                data = text_content(node, &size)
                text = None
                if data:
                    try:
                        if self.parts or concealed or not _is_blank(data, size):
                            text = _decode(data, size)
                    finally:
                        give_back(self.document, data)
                if text is not None:
                    if concealed:
                        self.aside.append(text)
                    elif self.add(text, links > 0, bolds > 0):
                        if self.tags[self.path[self.deep - 1]] == "pre" and "\n" in text:
                            self.break_lines(self.path[self.deep - 1])
            elif kind == BREAK:
                self.flush(self.path[self.deep - 1], concealed > 0)
            elif kind != UNREAD:
                below = _first_read(node)
                if below:
                    self.read_attributes(node, kind < SPAN)
                    out_of_sight = self.concealing
                    if kind >= SPAN:
                        if (
                            node_type(below) == TEXT_NODE
                            and not (concealed or out_of_sight)
                            and kind != OPTION
                            and not _next_read(below)
                            and self.tags[self.path[self.deep - 1]] != "pre"
                        ):
                            self.add(
                                _text_of(below, self.document), links or kind == LINK, bolds or kind == STRONG
                            )
                            below = NULL
                        else:
                            if kind == LINK:
                                links += 1
                            elif kind == STRONG:
                                bolds += 1
                            elif kind == OPTION:
                                out_of_sight = True
                            if concealed or out_of_sight:
                                concealed += 1
                    else:
                        if self.parts or self.aside:
                            self.flush(self.path[self.deep - 1], concealed > 0)
                            if len(self.lines) > walker.max_lines:
                                break
                        index = len(self.tags)
                        tag = walker.name(node)
                        self.hints.append(self.hint)
                        if self.prop:
                            self.props[index] = self.prop
                        self.parents.append(self.path[self.deep - 1])
                        self.tags.append(tag)
                        if out_of_sight or concealed:
                            self.hidden.add(index)
                        short = False
                        if not within_short and self.part_of is not None:
                            part = self.part(node, tag)
                            if part and (part == "aside" or self.seen_article()):
                                text = _texts_below(node, self.document, True)
                                short = len(text) < walker.min_aside
                                if not short:
                                    line = self.aside_line(text, index, part)
                                    if line is not None:
                                        self.lines.append(line)
                                        below = NULL
                        if (
                            below
                            and node_type(below) == TEXT_NODE
                            and not (concealed or bolds or tag == "pre")
                            and not _next_read(below)
                        ):
                            text = _collapsed(_text_of(below, self.document))
                            if text:
                                length = len(text)
                                self.lines.append(
                                    walker.line(
                                        text, index, length if links else 0, length if kind == HEADING else 0, False, ()
                                    )
                                )
                            below = NULL
                        if below:
                            self.path[self.deep] = index
                            self.deep += 1
                            if short:
                                within_short = self.deep
                            if kind == HEADING:
                                bolds += 1
                    if below:
                        if self.depth == self.room:
                            self.grow()
                        self.opened[self.depth].node = node
                        self.opened[self.depth].kind = kind
                        self.depth += 1
                        node = below
                        continue
            following = next_node(node) if self.depth else NULL
            while not following and self.depth:
                self.depth -= 1
                kind = self.opened[self.depth].kind
                if kind >= SPAN:
                    if kind == LINK:
                        links -= 1
                    elif kind == STRONG:
                        bolds -= 1
                    if concealed:
                        concealed -= 1
                        if not concealed:
                            self.aside.append("\n")
                else:
                    if self.parts or self.aside:
                        self.flush(self.path[self.deep - 1], concealed > 0)
                    if self.deep == within_short:
                        within_short = 0
                    self.deep -= 1
                    if kind == HEADING:
                        bolds -= 1
                following = next_node(self.opened[self.depth].node) if self.depth else NULL
            node = following
        self.flush(self.path[self.deep - 1], False)
        return 0


# ---- at import: are lexbor's functions there, and are they what they are taken for? ----


cdef void *_function(void *library, const char *name) except NULL:
    cdef void *found = dlsym(library, name)
    if not found:
        raise ImportError(f"selectolax exports no {name.decode()}")
    return found


cdef int _link() except -1:
    global first_child, next_node, parent_node, first_attribute, next_attribute, tag_id, node_type
    global element_name, attribute_name, attribute_value, text_content, give_back
    if getattr(lexbor, "LEXBOR_VERSION_MAJOR", None) not in ENGINES:
        raise ImportError("this selectolax holds a lexbor that was not tried")
    path = lexbor.__file__.encode()
    cdef void *library = dlopen(path, RTLD_NOLOAD | RTLD_NOW)
    if not library:
        raise ImportError("selectolax is no library that functions can be asked of")
    first_child = <Step>_function(library, b"lxb_dom_node_first_child_noi")
    next_node = <Step>_function(library, b"lxb_dom_node_next_noi")
    parent_node = <Step>_function(library, b"lxb_dom_node_parent_noi")
    first_attribute = <Step>_function(library, b"lxb_dom_element_first_attribute_noi")
    next_attribute = <Step>_function(library, b"lxb_dom_element_next_attribute_noi")
    tag_id = <TagOf>_function(library, b"lxb_dom_node_tag_id_noi")
    node_type = <TypeOf>_function(library, b"lxb_dom_node_type_noi")
    element_name = <NameOf>_function(library, b"lxb_dom_element_qualified_name")
    attribute_name = <NameOf>_function(library, b"lxb_dom_attr_qualified_name")
    attribute_value = <NameOf>_function(library, b"lxb_dom_attr_value_noi")
    text_content = <TextOf>_function(library, b"lxb_dom_node_text_content")
    give_back = <GiveBack>_function(library, b"lxb_dom_document_destroy_text_noi")
    return 0


cdef dict _attributes_of(void *node):
    cdef dict found = {}
    cdef void *attribute = first_attribute(node)
    cdef size_t size
    cdef const unsigned char *data
    while attribute:
        size = 0
        data = attribute_name(attribute, &size)
        name = _decode(data, size)
        size = 0
        data = attribute_value(attribute, &size)
        found[name] = _decode(data, size) if data else None
        attribute = next_attribute(attribute)
    return found


cdef bint _same(void *ours, theirs) except -1:
    """Say whether lexbor's functions and selectolax tell the same of a node."""
    cdef void *document = _document_of(ours)
    if theirs is None:
        return not ours
    if <uintptr_t>ours != theirs.mem_id or tag_id(ours) != theirs.tag_id:
        return False
    if theirs.is_text_node:
        return (
            node_type(ours) == TEXT_NODE
            and document != NULL
            and _text_of(ours, document) == theirs.text_content
        )
    if not theirs.is_element_node:
        return node_type(ours) != ELEMENT and node_type(ours) != TEXT_NODE
    return (
        node_type(ours) == ELEMENT
        and _name_of(ours) == theirs.tag
        and _attributes_of(ours) == theirs.attributes
        and document != NULL
        and _texts_below(ours, document, False) == theirs.text()
    )


_SAMPLE = (
    "<!doctype html><html lang=zh><head><title>\u7532&amp;\u4e59</title><meta charset=utf-8><style>a{}</style></head>"
    "<body class='a b' id=c hidden><!-- \u4e19 --><p>\u7532<b title=''>\u4e59</b> <br></p><o:p>\u4e01</o:p><x-y z>\u620a"
    "</x-y><svg viewBox='0'><path/></svg><noscript>\u5df1</noscript><script>'\u5e9a'</script>"
)
"""Every kind of node and of attribute that a page has."""


cdef int _try() except -1:
    """Compare what lexbor's functions say of a small page with what selectolax says, and learn the numbers of tags."""
    global SCRIPT, STYLE, NOSCRIPT, TITLE, META, TEXT_TAG
    tree = LexborHTMLParser(_SAMPLE)
    root = tree.root
    SCRIPT, STYLE, NOSCRIPT, TITLE, META = (
        tree.css_first(name).tag_id for name in ("script", "style", "noscript", "title", "meta")
    )
    TEXT_TAG = tree.css_first("p").first_child.tag_id
    cdef list waiting = [root]
    cdef void *ours
    cdef bint same = True
    while waiting and same:
        theirs = waiting.pop()
        ours = <void *><uintptr_t>theirs.mem_id
        same = (
            _same(ours, theirs)
            and _same(first_child(ours), theirs.first_child)
            and _same(next_node(ours), theirs.next)
            and (theirs is root or theirs.mem_id == root.mem_id or _same(parent_node(ours), theirs.parent))
        )
        waiting += [node for node in (theirs.first_child, theirs.next) if node is not None]
    if not same:
        raise ImportError("lexbor's functions are not what they are taken for")
    return 0


def check():
    """Raise ImportError where lexbor's functions are missing, of an engine that was not tried, or not what they seem."""
    _link()
    _try()


check()
