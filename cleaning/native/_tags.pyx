# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Find a page's links and marks in its source: those tags that stand in the tree as they stand there.

One pass over the characters, tag by tag as the HTML standard's tokenizer reads them. What would make the tree differ from
the source ends it with None, and the page is read by its tree: that is the twin in Python (`crawler.signs.tree_signs`).
Every character is read at a place that was compared with the page's length; nothing is kept but a stack of bounded depth.
"""

from cpython.unicode cimport (
    PyUnicode_DATA,
    PyUnicode_FindChar,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
    PyUnicode_Substring,
)
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    SLOTS = 512
    DEEPEST = 16

    # What a tag is to the page.
    PLAIN = 0
    ANCHOR
    VOID               # says something by itself
    RAW                # holds no tags
    FRAME              # both
    ROWS               # of a table, outside its cells
    CELL
    SELECT
    STRANGE
    PARAGRAPH
    BLOCK              # ends an open paragraph
    SCOPE              # hides an open paragraph from what is in it

    # What it may be in an anchor.
    NEVER = 0
    INLINE
    EMPTY
    HOLDER
    LIST
    ITEM
    TERMS
    TERM
    HEADING
    TEXT

cdef uint64_t LONG = 1ULL << 63  # ASCII letters leave this bit free
cdef uint64_t TABLE = int.from_bytes(b"table", "big")

cdef struct Tag:
    uint64_t code
    uint8_t page
    uint8_t inner

cdef Tag _tags[SLOTS]
cdef Tag _unknown
_unknown.code, _unknown.page, _unknown.inner = 0, PLAIN, NEVER


cdef inline Tag *_slot(uint64_t code) noexcept nogil:
    """The slot of a name, or the free one where it belongs; most are free."""
    cdef uint32_t at = (code * 0x9E3779B97F4A7C15ULL) >> 55
    while _tags[at].code and _tags[at].code != code:
        at = (at + 1) % SLOTS
    return &_tags[at]


def _fill():
    cdef Tag *tag
    pages = {
        ANCHOR: "a", VOID: "link meta base area", RAW: "script style title textarea", FRAME: "iframe",
        ROWS: "table tbody thead tfoot tr colgroup col", CELL: "td th caption", SELECT: "select",
        STRANGE: "svg math template frame frameset plaintext xmp noembed noframes", PARAGRAPH: "p",
        # Not form, which is passed over in another form.
        BLOCK: "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer h1 h2 h3"
        " h4 h5 h6 header hgroup hr listing main menu nav ol pre search section summary ul li dd dt",
        SCOPE: "button object applet marquee",
    }
    inner = {
        INLINE: "span em strong b i u font small big s del ins sub sup label time mark cite code tt abbr",
        EMPTY: "img br wbr", HOLDER: "div section article header footer aside figure figcaption", LIST: "ul ol", ITEM: "li",
        TERMS: "dl", TERM: "dt dd", HEADING: "h1 h2 h3 h4 h5 h6", TEXT: "p",
    }
    for kind, names in (*pages.items(), *((-kind, names) for kind, names in inner.items())):
        for name in names.split():
            code = int.from_bytes(name.encode()[:8], "big") | (LONG if len(name) > 8 else 0)
            tag = _slot(code)
            tag.code = code
            if kind > 0:
                tag.page = kind
            else:
                tag.inner = -kind


_fill()

cdef struct Page:
    void *data
    int kind
    Py_ssize_t length


cdef inline uint32_t _at(Page *page, Py_ssize_t at) noexcept:
    """The character at a place, 0 behind the end (pages with a NUL are turned away before)."""
    return PyUnicode_READ(page.kind, page.data, at) if at < page.length else 0


cdef inline bint _is_space(uint32_t char) noexcept nogil:
    return char == c" " or char == c"\n" or char == c"\t" or char == c"\r" or char == c"\f"


cdef inline bint _ends_name(uint32_t char) noexcept nogil:
    return char == c">" or char == c"/" or _is_space(char)


cdef inline uint32_t _letter(uint32_t char) noexcept nogil:
    """An ASCII letter in lower case, 0 for anything else."""
    char |= 0x20
    return char if c"a" <= char <= c"z" else 0


cdef Py_ssize_t _name(Page *page, Py_ssize_t at, Tag **tag) noexcept:
    """Read a tag's name, which begins with a letter; return where it ends, -1 at the page's end.

    Names are told by their first eight characters and by whether there are more; HTML has no two that are alike so.
    """
    cdef uint64_t code = 0
    cdef Py_ssize_t start = at
    cdef uint32_t char = _at(page, at)
    while char and not _ends_name(char):
        if at - start < 8:
            code = code << 8 | (char | 0x20 if c"A" <= char <= c"Z" else char if char < 0x80 else 0xFF)
        at += 1
        char = _at(page, at)
    if not char:
        return -1
    if at - start > 8:
        code |= LONG
    tag[0] = _slot(code)
    if not tag[0].code:
        tag[0] = &_unknown
    return at


cdef Py_ssize_t _attributes(str html, Page *page, Py_ssize_t at) except -2:
    """Return where a tag ends whose name ends at `at`, -1 where its attributes are not written as usual."""
    cdef uint32_t char
    cdef Py_ssize_t after
    while True:
        char = _at(page, at)
        while char == c"/" or _is_space(char):
            at += 1
            char = _at(page, at)
        if char == c">":
            return at + 1
        if char == 0 or char == c"=":
            return -1
        while char and char != c"=" and not _ends_name(char):
            if char == c'"' or char == c"'" or char == c"<":
                return -1
            at += 1
            char = _at(page, at)
        after = at
        while _is_space(char):
            after += 1
            char = _at(page, after)
        if char != c"=":
            continue
        at = after + 1
        while _is_space(_at(page, at)):
            at += 1
        char = _at(page, at)
        if char == c'"' or char == c"'":
            at = PyUnicode_FindChar(html, char, at + 1, page.length, 1) + 1
            if at <= 0:
                return -1
            continue
        if char == 0 or char == c">" or char == c"=":
            return -1
        while char and char != c">" and not _is_space(char):
            if char == c'"' or char == c"'" or char == c"<" or char == c"`":
                return -1
            at += 1
            char = _at(page, at)


cdef Py_ssize_t _comment(str html, Page *page, Py_ssize_t at) except -2:
    """Return where what begins with `<!` or `<?` at `at` ends, the page's length where it doesn't."""
    cdef Py_ssize_t end
    if _at(page, at + 1) == c"!" and _at(page, at + 2) == c"-" and _at(page, at + 3) == c"-":
        at += 4
        if _at(page, at) == c">":
            return at + 1
        if _at(page, at) == c"-" and _at(page, at + 1) == c">":
            return at + 2
        while True:
            end = PyUnicode_FindChar(html, c">", at, page.length, 1)
            if end < 0:
                return page.length
            if end - at >= 2 and _at(page, end - 1) == c"-" and _at(page, end - 2) == c"-":
                return end + 1
            if end - at >= 3 and _at(page, end - 1) == c"!" and _at(page, end - 2) == c"-" and _at(page, end - 3) == c"-":
                return end + 1
            at = end + 1
    end = PyUnicode_FindChar(html, c">", at, page.length, 1)
    return page.length if end < 0 else end + 1


cdef Py_ssize_t _raw(str html, Page *page, Py_ssize_t at, uint64_t code) except -2:
    """Return where the end tag of an element without tags begins, the page's length where there is none.

    -1 where another one begins within a comment in it: a script's end is another's then.
    """
    cdef Tag *tag = NULL
    cdef bint commented = False
    cdef Py_ssize_t end
    while True:
        at = PyUnicode_FindChar(html, c"<", at, page.length, 1)
        if at < 0:
            return page.length
        if _at(page, at + 1) == c"!" and _at(page, at + 2) == c"-":
            commented = True
        elif commented and _letter(_at(page, at + 1)) == c"s":
            end = _name(page, at + 1, &tag)
            if end >= 0 and tag.code == code:
                return -1
        elif _at(page, at + 1) == c"/" and _letter(_at(page, at + 2)):
            end = _name(page, at + 2, &tag)
            if end >= 0 and tag.code == code:
                return at
        at += 1


cdef Py_ssize_t _selection(str html, Page *page, Py_ssize_t at) except -2:
    """Return where a `select` ends whose content begins at `at`, -1 where it holds more than options."""
    cdef Tag *tag = NULL
    cdef Py_ssize_t start
    cdef bint ends
    while True:
        at = PyUnicode_FindChar(html, c"<", at, page.length, 1)
        if at < 0:
            return -1
        ends = _at(page, at + 1) == c"/"
        start = at + 1 + ends
        if not _letter(_at(page, start)):
            return -1
        at = _name(page, start, &tag)
        if at < 0:
            return -1
        name = PyUnicode_Substring(html, start, at).lower()
        at = _attributes(html, page, at)
        if at < 0:
            return -1
        if name == "select":
            return at if ends else -1
        if name != "option" and name != "optgroup":
            return -1


cdef Py_ssize_t _anchor(str html, Page *page, Py_ssize_t at, bint blocks) except -2:
    """Return where an anchor ends whose content begins at `at`; -1 where the tree may split it.

    What it holds must end in it; elements other than inline ones only with `blocks`.
    """
    cdef Tag *open_tags[DEEPEST]
    cdef Tag *tag = NULL
    cdef Py_ssize_t start
    cdef int depth = 0, above
    cdef bint ends
    while True:
        at = PyUnicode_FindChar(html, c"<", at, page.length, 1)
        if at < 0:
            return -1
        if _at(page, at + 1) == c"!":
            at = _comment(html, page, at)
            continue
        ends = _at(page, at + 1) == c"/"
        start = at + 1 + ends
        if not _letter(_at(page, start)):
            return -1
        at = _name(page, start, &tag)
        if at < 0:
            return -1
        at = _attributes(html, page, at)
        if at < 0:
            return -1
        if tag.page == ANCHOR:
            return at if ends and not depth else -1
        if tag.inner == NEVER or (tag.inner > EMPTY and not blocks):
            return -1
        if ends:
            if not depth or open_tags[depth - 1] != tag:
                return -1
            depth -= 1
            continue
        if tag.inner == EMPTY:
            continue
        above = open_tags[depth - 1].inner if depth else NEVER
        if tag.inner > EMPTY and _has_text(open_tags, depth):
            return -1
        if (tag.inner == ITEM) != (above == LIST) and (tag.inner == ITEM or tag.inner > EMPTY):
            return -1
        if (tag.inner == TERM) != (above == TERMS) and (tag.inner == TERM or tag.inner > EMPTY):
            return -1
        if tag.inner == HEADING and above == HEADING or depth == DEEPEST:
            return -1
        open_tags[depth] = tag
        depth += 1


cdef inline bint _has_text(Tag **open_tags, int depth) noexcept nogil:
    """Whether a paragraph is open, which any block would end."""
    cdef int place
    for place in range(depth):
        if open_tags[place].inner == TEXT:
            return True
    return False


def sources(str html not None, Py_ssize_t most):
    """Return the sources of a page's anchors, links, bases, metas, areas and iframes in order, None if it isn't plain."""
    cdef Page page
    cdef Tag *tag = NULL
    cdef Py_ssize_t at = 0, start, begin
    cdef uint32_t char
    cdef bint ends, in_place = True, paragraph = False, hidden = False
    cdef list found = []
    page.data = PyUnicode_DATA(html)
    page.kind = PyUnicode_KIND(html)
    page.length = PyUnicode_GET_LENGTH(html)
    if PyUnicode_FindChar(html, 0, 0, page.length, 1) >= 0:
        return None
    while True:
        at = PyUnicode_FindChar(html, c"<", at, page.length, 1)
        if at < 0:
            return found
        char = _at(&page, at + 1)
        if char == c"!" or char == c"?":
            at = _comment(html, &page, at)
            continue
        ends = char == c"/"
        if not _letter(_at(&page, at + 1 + ends)):
            if ends:
                return None
            at += 1
            continue
        start = at
        begin = _name(&page, at + 1 + ends, &tag)
        if begin < 0:
            return None
        at = _attributes(html, &page, begin)
        if at < 0:
            return None
        if tag.page == PLAIN:
            continue
        if tag.page == ROWS or tag.page == CELL:
            hidden |= paragraph
            # Behind the others of a table the tree has what is no cell's before the table.
            in_place = tag.page == CELL and not ends or ends and begin - start == 7 and tag.code == TABLE
            continue
        if ends:
            if tag.page == PARAGRAPH:
                paragraph = False
            continue
        if tag.page == STRANGE:
            return None
        if tag.page == PARAGRAPH or tag.page == BLOCK:
            paragraph = tag.page == PARAGRAPH
        elif tag.page == SCOPE:
            hidden |= paragraph
        elif tag.page == SELECT:
            at = _selection(html, &page, at)
            if at < 0:
                return None
        elif tag.page == RAW:
            at = _raw(html, &page, at, tag.code)
            if at < 0:
                return None
        else:
            if not in_place or len(found) >= most:
                return None
            if tag.page == FRAME:
                found.append(PyUnicode_Substring(html, start, at) + "</iframe>")
                at = _raw(html, &page, at, tag.code)
            elif tag.page == ANCHOR:
                at = _anchor(html, &page, at, not paragraph and not hidden)
            if at < 0:
                return None
            if tag.page != FRAME:
                found.append(PyUnicode_Substring(html, start, at))
