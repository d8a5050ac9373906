# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""A page's bytes, characters and lines counted: twins of loops in `cleaning/decode.py`, `cleaning/tame.py`,
`cleaning/dom.py` and `cleaning/view.py`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.unicode cimport (
    PyUnicode_2BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_FindChar,
    PyUnicode_FromKindAndData,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
    PyUnicode_READ_CHAR,
    Py_UNICODE_ISALNUM,
)
from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memchr, memcpy


# ---- bytes to text ----


def two_bytes(bytes body not None, bytes table not None):
    """Return a text of ASCII and pairs of bytes, None where it holds anything else.

    `table` gives the character of each pair at its number (the first byte the higher), in native 16-bit integers, 0 for
    none: 131,072 bytes. Raises ValueError for a table of another size.
    """
    if PyBytes_GET_SIZE(table) != 131072:
        raise ValueError("a table of pairs has 65,536 entries")
    cdef const unsigned char *data = <const unsigned char *>PyBytes_AS_STRING(body)
    cdef const uint16_t *pairs = <const uint16_t *>PyBytes_AS_STRING(table)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(body), at = 0, out = 0
    cdef uint16_t char
    cdef uint16_t *text = <uint16_t *>PyMem_Malloc(size * sizeof(uint16_t) + 1)
    if not text:
        raise MemoryError
    try:
        while at < size:
            if data[at] < 0x80:
                text[out] = data[at]
                at += 1
            else:
                if at + 1 == size:
                    return None
                char = pairs[data[at] << 8 | data[at + 1]]
                if not char:
                    return None
                text[out] = char
                at += 2
            out += 1
        return PyUnicode_FromKindAndData(PyUnicode_2BYTE_KIND, text, out)
    finally:
        PyMem_Free(text)


def stretches(bytes body not None, Py_ssize_t longest):
    """Return the stretches of a text that begin with a byte above ASCII, joined by line breaks.

    A stretch ends at `<`, `>` or a line break, and has at most `longest` bytes behind its first.
    """
    cdef const unsigned char *data = <const unsigned char *>PyBytes_AS_STRING(body)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(body), at = 0, end, out = 0
    cdef unsigned char *found = <unsigned char *>PyMem_Malloc(2 * size + 1)  # a stretch has a byte at least, and one between
    if not found:
        raise MemoryError
    try:
        while at < size:
            if data[at] < 0x80:
                at += 1
                continue
            end = min(size, at + 1 + longest)
            if out:
                found[out] = c"\n"
                out += 1
            found[out] = data[at]
            out += 1
            at += 1
            while at < end and data[at] not in b"<>\r\n":
                found[out] = data[at]
                out += 1
                at += 1
        return PyBytes_FromStringAndSize(<char *>found, out)
    finally:
        PyMem_Free(found)


def score(bytes sample not None, bytes table not None, bytes weights not None):
    """Return the weight of the characters above ASCII in a text of pairs, how many they are, and its other lines.

    `table` is as for `two_bytes`, `weights` has a signed byte for each character of the basic plane. Lines that hold
    anything but ASCII and pairs are returned, each with its line break. Raises ValueError for tables of another
    size.
    """
    if PyBytes_GET_SIZE(table) != 131072 or PyBytes_GET_SIZE(weights) != 65536:
        raise ValueError("a table of pairs has 65,536 entries")
    cdef const unsigned char *data = <const unsigned char *>PyBytes_AS_STRING(sample)
    cdef const uint16_t *pairs = <const uint16_t *>PyBytes_AS_STRING(table)
    cdef const signed char *weighed = <const signed char *>PyBytes_AS_STRING(weights)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(sample), at = 0, start, end, weight, count
    cdef Py_ssize_t total = 0, characters = 0
    cdef const unsigned char *found
    cdef uint16_t char
    cdef list others = []
    while at < size:
        start = at
        found = <const unsigned char *>memchr(data + at, c"\n", size - at)
        end = found - data if found else size
        weight = count = 0
        while at < end:
            if data[at] < 0x80:
                at += 1
                continue
            char = pairs[data[at] << 8 | data[at + 1]] if at + 1 < end else 0
            if not char:
                break
            weight += weighed[char]
            count += 1
            at += 2
        if at < end:
            others.append(sample[start : min(end + 1, size)])
        else:
            total += weight
            characters += count
        at = end + 1
    return total, characters, others


# ---- the parser's bytes ----


def tags(bytes page not None, bytes formatting not None, Py_ssize_t longest):
    """Return how many `<` a page has, where formatting elements may begin, and the gaps of more than `longest` bytes.

    `formatting` is 1 at the number of each pair of bytes that may begin one behind its `<`, else 0: 65,536 bytes. A gap is
    (start, end): the places of two `>` with none between, or the page's ends. Raises ValueError for a table of another size.
    """
    if PyBytes_GET_SIZE(formatting) != 65536:
        raise ValueError("a table of pairs has 65,536 entries")
    cdef const unsigned char *data = <const unsigned char *>PyBytes_AS_STRING(page)
    cdef const unsigned char *table = <const unsigned char *>PyBytes_AS_STRING(formatting)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(page), count = 0, start = 0, at
    cdef const unsigned char *end = data + size
    cdef const unsigned char *found = <const unsigned char *>memchr(data, c"<", size)
    cdef list starts = [], gaps = []
    while found:
        count += 1
        if end - found > 2 and table[found[1] << 8 | found[2]]:
            starts.append(found - data)
        found += 1
        found = <const unsigned char *>memchr(found, c"<", end - found)
    if longest < 1:
        raise ValueError("a gap has a length")
    while size - start > longest:
        at = start + longest  # from behind: nearly always one is near, and all before it may be passed over
        while at > start and data[at] != c">":
            at -= 1
        if at == start:
            found = <const unsigned char *>memchr(data + start + longest, c">", size - start - longest)
            at = found - data if found else size
            gaps.append((start, at))
        start = at
    return count, starts, gaps


# ---- what the parser need not see ----


cdef enum:
    BLANK = 1
    SLASH = 2
    ENDS = 4
    EQUALS = 8
    QUOTE = 16
    ODD = 32

cdef unsigned char[256] _signs


def _fill():
    for signs, kind in ((b" \n\t\r\f", BLANK), (b"/", SLASH), (b">", ENDS), (b"=", EQUALS), (b"\"'", QUOTE), (b"<`", ODD)):
        for sign in signs:
            _signs[sign] = kind


_fill()


cdef inline bint _is(
    const unsigned char *data, Py_ssize_t start, Py_ssize_t end, const char *name, Py_ssize_t length
) noexcept nogil:
    """Whether a name is one of small letters, in any case."""
    cdef Py_ssize_t at
    if end - start != length:
        return False
    for at in range(length):
        if data[start + at] | 0x20 != <unsigned char>name[at]:
            return False
    return True


cdef Py_ssize_t _name_end(const unsigned char *data, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    while at < size and not _signs[data[at]] & (BLANK | SLASH | ENDS):
        at += 1
    return at


cdef enum What:
    PLAIN, BARE, BLOCK, ONLY_TEXT, A_SCRIPT, STRANGE


cdef What _what(const unsigned char *data, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
    """What an element's name says: BARE and BLOCK are those whose attributes change no tree, ONLY_TEXT has no tags in it.

    By a tag's attributes HTML compares formatting elements with each other (of anchors but one is ever open), an `input` with
    a hidden one, and foreign elements; they are STRANGE, and what makes all that follows text or frames.
    """
    cdef unsigned char first = data[start] | 0x20
    if first == c"s":
        if _is(data, start, end, b"script", 6):
            return A_SCRIPT
        if _is(data, start, end, b"style", 5):
            return ONLY_TEXT
        if _is(data, start, end, b"svg", 3):
            return STRANGE
        if _is(data, start, end, b"section", 7):
            return BLOCK
        return BARE if _is(data, start, end, b"span", 4) else PLAIN
    if first == c"t":
        if _is(data, start, end, b"title", 5) or _is(data, start, end, b"textarea", 8):
            return ONLY_TEXT
        return BLOCK if _is(data, start, end, b"td", 2) or _is(data, start, end, b"tr", 2) else PLAIN
    if first == c"n" and (_is(data, start, end, b"noembed", 7) or _is(data, start, end, b"noframes", 8)):
        return ONLY_TEXT
    if first == c"i":
        if _is(data, start, end, b"iframe", 6):
            return ONLY_TEXT
        return BARE if _is(data, start, end, b"img", 3) else PLAIN
    if first == c"x" and _is(data, start, end, b"xmp", 3):
        return ONLY_TEXT
    if first == c"m" and _is(data, start, end, b"math", 4) or first == c"p" and _is(data, start, end, b"plaintext", 9):
        return STRANGE
    if first == c"f" and _is(data, start, end, b"frameset", 8):
        return STRANGE
    if first == c"a" and end - start == 1:
        return BARE
    if first == c"d" and _is(data, start, end, b"div", 3) or first == c"l" and _is(data, start, end, b"li", 2):
        return BLOCK
    if first == c"p" and end - start == 1:
        return BLOCK
    return PLAIN


cdef inline bint _is_read(const unsigned char *data, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
    """Whether an attribute of any element is read."""
    return (
        _is(data, start, end, b"class", 5)
        or _is(data, start, end, b"id", 2)
        or _is(data, start, end, b"style", 5)
        or _is(data, start, end, b"hidden", 6)
        or _is(data, start, end, b"itemprop", 8)
    )


cdef bint _closes(
    const unsigned char *data, Py_ssize_t at, Py_ssize_t size, Py_ssize_t start, Py_ssize_t end
) noexcept nogil:
    """Whether the end tag of an element stands at `at`, whose name in its start tag has a place."""
    cdef Py_ssize_t length = end - start, place
    if size - at <= length + 2 or data[at + 1] != c"/" or _name_end(data, at + 2, size) != at + 2 + length:
        return False
    for place in range(length):
        if data[at + 2 + place] | 0x20 != data[start + place] | 0x20:
            return False
    return True


cdef Py_ssize_t _script_end(const unsigned char *data, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
    """Return where a script's end tag begins, -1 for none, or where another begins within a comment in it."""
    cdef const unsigned char *found
    cdef bint commented = False
    while True:
        found = <const unsigned char *>memchr(data + at, c"<", size - at)
        if not found or size - (found - data) < 9:
            return -1
        at = found - data + 1
        if data[at] == c"!":
            commented = True
        elif commented and _is(data, at, at + 6, b"script", 6):
            return -1
        elif data[at] == c"/" and _is(data, at + 1, _name_end(data, at + 1, size), b"script", 6):
            return at - 1


cdef class _Lean:
    """A page's bytes, and those of them that are kept."""

    cdef const unsigned char *data
    cdef unsigned char *kept
    cdef Py_ssize_t size, done, out

    def __cinit__(self, bytes page):
        self.data = <const unsigned char *>PyBytes_AS_STRING(page)
        self.size = PyBytes_GET_SIZE(page)
        self.kept = <unsigned char *>PyMem_Malloc(self.size + 1)
        if not self.kept:
            raise MemoryError

    def __dealloc__(self):
        PyMem_Free(self.kept)

    cdef void leave_out(self, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
        """Keep all up to `start`, and go on at `end`; both are in order, and no more is kept than there is."""
        memcpy(self.kept + self.out, self.data + self.done, start - self.done)
        self.out += start - self.done
        self.done = end

    cdef Py_ssize_t tag(self, Py_ssize_t at, What what) noexcept nogil:
        """Return where a tag ends whose name ends at `at`, attributes that nobody reads left out as the element allows.

        Of a block one stays, whatever it is: whether there are any is read too (`Dom.hints`).
        -1 where they are not written as usual.
        """
        cdef const unsigned char *data = self.data
        cdef const unsigned char *found
        cdef Py_ssize_t size = self.size, start, end, after
        while True:
            while at < size and _signs[data[at]] & (BLANK | SLASH):
                at += 1
            if at == size or data[at] == c"=":
                return -1
            if data[at] == c">":
                return at + 1
            start = at
            while at < size and not _signs[data[at]]:
                at += 1
            if at == size or _signs[data[at]] & (QUOTE | ODD):
                return -1
            end = after = at
            while after < size and _signs[data[after]] == BLANK:
                after += 1
            if after < size and data[after] == c"=":
                at = after + 1
                while at < size and _signs[data[at]] == BLANK:
                    at += 1
                if at == size or _signs[data[at]] & (ENDS | EQUALS):
                    return -1
                if _signs[data[at]] == QUOTE:
                    found = <const unsigned char *>memchr(data + at + 1, data[at], size - at - 1)
                    if not found:
                        return -1
                    at = found - data + 1
                else:
                    while at < size and not _signs[data[at]] & (BLANK | ENDS):
                        if _signs[data[at]] & (QUOTE | ODD):
                            return -1
                        at += 1
            if what == BARE and not _is_read(data, start, end):
                self.leave_out(start, at)
            elif what == BLOCK:
                what = BARE

    cdef Py_ssize_t comment(self, Py_ssize_t at) noexcept nogil:
        """Return where what begins with `<!` or `<?` at `at` ends, -1 where it doesn't."""
        cdef const unsigned char *data = self.data
        cdef const unsigned char *found
        cdef Py_ssize_t size = self.size, begin = at + 2, end
        cdef bint dashed = size - at > 4 and data[at + 1] == c"!" and data[at + 2] == c"-" and data[at + 3] == c"-"
        if dashed:
            begin = at + 4
            if data[begin] == c">":
                return begin + 1
            if data[begin] == c"-" and begin + 1 < size and data[begin + 1] == c">":
                return begin + 2
        while begin < size:
            found = <const unsigned char *>memchr(data + begin, c">", size - begin)
            if not found:
                return -1
            end = found - data
            if (
                not dashed
                or end - begin >= 2 and data[end - 1] == c"-" and data[end - 2] == c"-"
                or end - begin >= 3 and data[end - 1] == c"!" and data[end - 2] == c"-" and data[end - 3] == c"-"
            ):
                return end + 1
            begin = end + 1
        return -1

    cdef Py_ssize_t element(self, Py_ssize_t at, bint ends) noexcept nogil:
        """Return where a tag ends whose name begins at `at`, or its script; -1 where what follows is not to be told."""
        cdef const unsigned char *data = self.data
        cdef Py_ssize_t size = self.size, name = at, named = _name_end(data, at, size), end
        cdef const unsigned char *found
        cdef What what = _what(data, name, named)
        at = self.tag(named, PLAIN if ends else what)
        if at < 0 or ends or what == PLAIN or what == BARE or what == BLOCK:
            return at
        if what == ONLY_TEXT:
            found = <const unsigned char *>memchr(data + at, c"<", size - at)
            end = found - data if found else size
            return end if _closes(data, end, size, name, named) else -1
        if what == STRANGE:
            return -1
        end = _script_end(data, at, size)
        # JSON-LD's type is read; a letter of it may be written as an entity.
        if end > at and not memchr(data + named, c"+", at - named) and not memchr(data + named, c"&", at - named):
            self.leave_out(at, end)
        return end

    cdef void read(self) noexcept nogil:
        cdef const unsigned char *data = self.data
        cdef const unsigned char *found
        cdef Py_ssize_t size = self.size, at = 0, out, done
        cdef unsigned char first
        cdef bint ends
        while size - at > 2:
            found = <const unsigned char *>memchr(data + at, c"<", size - at - 2)
            if not found:
                return
            at = found - data
            ends = data[at + 1] == c"/"
            first = data[at + 1 + ends]
            if c"a" <= first | 0x20 <= c"z":
                out, done = self.out, self.done
                at = self.element(at + 1 + ends, ends)
                if at < 0:
                    self.out, self.done = out, done
                    return
            elif ends or first == c"!" or first == c"?":
                at = self.comment(at)
                if at < 0:
                    return
            else:
                at += 1


def lean(bytes page not None):
    """Return a page without its scripts' texts and without attributes that nobody reads; its tree is the same otherwise.

    Behind the first thing that is not written as usual nothing is left out; see `tame.lean`.
    """
    cdef _Lean it = _Lean(page)
    it.read()
    if not it.done:
        return page
    it.leave_out(it.size, it.size)
    return PyBytes_FromStringAndSize(<char *>it.kept, it.out)


# ---- lines: tuples of text, owner, linked, bold, hidden, pieces (`dom.Line`) ----


cdef inline tuple _line(list lines, Py_ssize_t index):
    line = lines[index]
    if not isinstance(line, tuple):
        raise TypeError("a line is a named tuple")
    return <tuple>line


cdef extern from *:
    """
    /* A compiler may fuse a product and a sum, which rounds once and not twice as Python does. */
    static double rounded_product(double a, double b) { volatile double product = a * b; return product; }
    """
    double rounded_product(double a, double b) noexcept nogil


cdef double _prose_weight(str text, Py_ssize_t linked) noexcept:
    """Return how much a line counts as prose, as `blocks.prose_weight` does."""
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), length = size - linked, at
    cdef int stops = 0, commas = 0
    cdef uint32_t char = 0
    if length < 2:
        return 0.0
    for at in range(size):
        char = PyUnicode_READ(kind, data, at)
        if char < 0x2018:
            continue
        if char == 0x3002 or char == 0xFF01 or char == 0xFF1F or char == 0xFF1B:
            stops += 1
        elif char == 0xFF0C or char == 0x3001 or char == 0xFF1A or char == 0x201C or char == 0x201D:
            commas += 1
        elif char == 0x300A or char == 0x300B:
            commas += 1
    if stops:
        return <double>length + 10 * min(stops, 10)
    if length < 12:
        return rounded_product(0.1, <double>length)
    # . ? ! ) ) \u201d "
    if commas or char in (0x2E, 0x3F, 0x21, 0x29, 0xFF09, 0x201D, 0x22):
        return rounded_product(0.6, <double>length)
    return rounded_product(0.35 if length < 60 else 0.5, <double>length)


cdef list _numbers(const Py_ssize_t *values, Py_ssize_t count):
    cdef Py_ssize_t at
    return [values[at] for at in range(count)]


cdef object _nothing = 0.0


cdef list _floats(const double *values, Py_ssize_t count):
    """Return numbers as objects; most are zero, and those are one object."""
    cdef Py_ssize_t at
    return [values[at] if values[at] else _nothing for at in range(count)]


cdef bint _holds(str text, str signs) except -1:
    """Whether a text has one of some characters."""
    cdef Py_ssize_t at
    for at in range(PyUnicode_GET_LENGTH(signs)):
        if PyUnicode_FindChar(text, PyUnicode_READ_CHAR(signs, at), 0, PyUnicode_GET_LENGTH(text), 1) >= 0:
            return True
    return False


def weigh(list lines not None, list parents not None, declares, str signs not None, double longest, double share):
    """Return each line's prose weight and each element's prose, linked and all characters, first and last line.

    See `view.look`, whose first half this is. `declares(text)` is asked of lines that weigh `longest` and more and have one
    of `signs`; they count by `share` where it says yes. Raises ValueError for elements that are not in document order.
    """
    cdef Py_ssize_t count = len(parents), total = len(lines), index, owner, length, in_links, parent, element
    cdef double weight
    cdef list weights = [], sums = []
    cdef tuple line
    cdef object kept
    cdef str text
    cdef double *prose = <double *>PyMem_Calloc(count + 1, sizeof(double))
    cdef Py_ssize_t *linked = <Py_ssize_t *>PyMem_Calloc(4 * count + 1, sizeof(Py_ssize_t))
    cdef Py_ssize_t *chars = linked + count
    cdef Py_ssize_t *first = chars + count
    cdef Py_ssize_t *last = first + count
    try:
        if not prose or not linked:
            raise MemoryError
        for element in range(count):
            first[element] = total
            last[element] = -1
        for index in range(total):
            line = _line(lines, index)
            text, owner, in_links = line[0], line[1], line[2]
            if not 0 <= owner < count:
                raise ValueError("a line of no element")
            length = len(text)
            kept = 0.0
            if in_links + 1 < length and not line[4]:
                weight = _prose_weight(text, in_links)
                if weight >= longest and _holds(text, signs) and declares(text):
                    weight = rounded_product(weight, share)
                kept = weight
                prose[owner] += weight
            weights.append(kept)
            linked[owner] += in_links
            chars[owner] += length
            if last[owner] < 0:
                first[owner] = index
            last[owner] = index
        for element in range(count - 1, 0, -1):
            if chars[element]:
                parent = parents[element]
                if not 0 <= parent < element:
                    raise ValueError("an element before its parent")
                prose[parent] += prose[element]
                linked[parent] += linked[element]
                chars[parent] += chars[element]
                if first[element] < first[parent]:
                    first[parent] = first[element]
                if last[element] > last[parent]:
                    last[parent] = last[element]
        sums = _floats(prose, count)
        return (
            weights, sums, _numbers(linked, count), _numbers(chars, count), _numbers(first, count), _numbers(last, count)
        )
    finally:
        PyMem_Free(prose)
        PyMem_Free(linked)


cdef inline bint _foreign(str stated, uint32_t char) except -1:
    return PyUnicode_FindChar(stated, char, 0, PyUnicode_GET_LENGTH(stated), 1) < 0 and Py_UNICODE_ISALNUM(char)


def alike(list lines not None, Py_ssize_t most, str stated not None, Py_ssize_t shortest, Py_ssize_t longest):
    """Return which of the first `most` lines may stand in `stated`, as far as three of their characters tell.

    They have `shortest` to `longest` characters and are not hidden.
    """
    cdef Py_ssize_t index, length
    cdef list found = []
    cdef str text
    cdef int kind
    cdef const void *data
    for index in range(min(len(lines), most)):
        text = (_line(lines, index))[0]
        length = PyUnicode_GET_LENGTH(text)
        if not shortest <= length <= longest or not length:
            continue
        kind, data = PyUnicode_KIND(text), PyUnicode_DATA(text)
        if (
            _foreign(stated, PyUnicode_READ(kind, data, length // 2))
            or _foreign(stated, PyUnicode_READ(kind, data, length - 1))
            or _foreign(stated, PyUnicode_READ(kind, data, 0))
        ):
            continue
        if not (_line(lines, index))[4]:
            found.append(index)
    return found


def holding(list lines not None, Py_UCS4 sign):
    """Return which lines have a character in them."""
    cdef Py_ssize_t index
    cdef list found = []
    cdef str text
    for index in range(len(lines)):
        text = (_line(lines, index))[0]
        if PyUnicode_FindChar(text, sign, 0, PyUnicode_GET_LENGTH(text), 1) >= 0:
            found.append(index)
    return found


def inherit(list parents not None, list own not None, Py_ssize_t top):
    """Return the mark of each element below `top`, as `view.inherit` does."""
    cdef Py_ssize_t element, parent, count = len(own)
    cdef list marks = [""] * count
    for element in range(top + 1, count):
        parent = parents[element]
        if top and parent < top:
            break
        mark = marks[parent]
        marks[element] = mark if mark else own[element]
    return marks


def near(
    list lines not None, list weights not None, list marks not None, list tags not None, list parents not None,
    list hints not None, list chars not None, list first not None, list last not None, recorded, leaves,
    double marked, double listed, double decay, int reach, int most,
):
    """Return how much prose stands close below each element, as `view._near` does."""
    cdef Py_ssize_t count = len(marks), index, element, parent, total = min(len(lines), len(weights))
    cdef int steps, climbed
    cdef double weight
    cdef double *found = <double *>PyMem_Calloc(count + 1, sizeof(double))
    if not found:
        raise MemoryError
    try:
        for index in range(total):
            weight = weights[index]
            if not weight:
                continue
            element = (_line(lines, index))[1]
            if not 0 <= element < count:
                raise ValueError("a line of no element")
            mark = marks[element]
            if mark:
                weight = 0.0 if mark == "hidden" else rounded_product(weight, marked)
            if index in recorded:
                weight = rounded_product(weight, listed)
            if tags[element] in leaves:
                element = parents[element]
            else:
                while element and first[element] == last[element] and not hints[element].strip():
                    found[element] += weight
                    element = parents[element]
                    if not 0 <= element < count:
                        raise ValueError("an element that is none of the page's")
            steps, climbed = reach, most
            while element and weight and steps and climbed:
                parent = parents[element]
                if not (0 <= parent < count and 0 <= element < count):
                    raise ValueError("an element that is none of the page's")
                found[element] += weight
                if chars[parent] > chars[element]:
                    weight = rounded_product(weight, decay)
                    steps -= 1
                climbed -= 1
                element = parent
        return _floats(found, count)
    finally:
        PyMem_Free(found)
