# cython: language_level=3, boundscheck=True, wraparound=False, initializedcheck=False
"""A page's bytes, characters and lines counted: twins of loops in `cleaning/decode.py`, `cleaning/tame.py` and
`cleaning/view.py`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_2BYTE_KIND, PyUnicode_FromKindAndData
from libc.stdint cimport uint16_t
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
