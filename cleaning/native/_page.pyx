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
    Py_UNICODE_ISALNUM,
)
from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memchr


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
    while True:
        found = <const unsigned char *>memchr(data + start + 1, c">", size - start - 1) if start + 1 < size else NULL
        at = found - data if found else size
        if at - start > longest:
            gaps.append((start, at))
        if not found:
            return count, starts, gaps
        start = at


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


def weigh(list lines not None, list parents not None, declares, double longest, double share):
    """Return each line's prose weight and each element's prose, linked and all characters, first and last line.

    See `view.look`, whose first half this is. `declares(text)` is asked of lines that weigh `longest` and more; they count
    by `share` where it says yes. Raises ValueError for elements that are not in document order.
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
                if weight >= longest and declares(text):
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
        sums = [prose[element] for element in range(count)]
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
        return [found[element] for element in range(count)]
    finally:
        PyMem_Free(found)
