# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""What repair's compiled modules share: the model's tables, how it is asked, and how characters are read and written."""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t

cdef extern from "Python.h":
    object PyUnicode_FromKindAndData(int kind, const void *buffer, Py_ssize_t size)

cdef enum:
    BMP = 65536
    OUTSIDE = 0xFFFF       # the model's slot for every character outside the basic plane ...
    UNDECODED = 0xFFFE     # ... and for this project's exact-byte markers, in plane 16
    PLANE_16 = 0x100000
    MARKERS = 0x10FF00     # a marker is this plus its byte
    HOLE = 0xFFFD
    HOLE_BYTE = 0xFF
    EURO = 0x20AC
    ID_BITS = 14
    DENSE_BITS = 12        # of the number of a character that the table of all pairs of such has
    NATS = 16              # a natural logarithm in the model's units
    LEVELS = 256           # what the model says of one character, in these units
    BEYOND = 0x110000      # a table's entries from here on are texts of several characters


cdef inline uint32_t slot(uint32_t code) noexcept nogil:
    """Return a code point as the model indexes it."""
    if code <= OUTSIDE:
        return code
    return UNDECODED if code >= PLANE_16 else OUTSIDE


cdef inline object text_of(const uint32_t *points, Py_ssize_t size):
    return PyUnicode_FromKindAndData(4, points, size)


cdef inline uint32_t at_(str text, Py_ssize_t place):
    return PyUnicode_READ(PyUnicode_KIND(text), PyUnicode_DATA(text), place)


cdef inline bint leads_three(uint8_t byte) noexcept nogil:
    """Tell whether a byte leads three bytes of UTF-8 that are an ideograph or its punctuation."""
    return 0xE2 <= byte <= 0xE9 or byte == 0xEF


cdef class Scorer:
    cdef const uint8_t[::1] dense
    cdef const uint32_t[::1] rows, columns, ids, pairs, firsts
    cdef const uint8_t[::1] values, rare
    cdef const int16_t[::1] begin, boundary
    cdef uint8_t *turned             # `dense` by the second character: made by `turn`
    cdef int turn(self) except -1


cdef inline int64_t stored_pair(Scorer scorer, uint32_t left, uint32_t right) noexcept nogil:
    """Return which stored pair two slots are, -1 for none."""
    cdef uint32_t first = scorer.ids[left]
    cdef uint32_t key = first << ID_BITS | scorer.ids[right]
    cdef int64_t low = scorer.firsts[first], high = scorer.firsts[first + 1], middle
    while low < high:
        middle = (low + high) >> 1
        if scorer.pairs[middle] < key:
            low = middle + 1
        else:
            high = middle
    if low < scorer.firsts[first + 1] and scorer.pairs[low] == key:
        return low
    return -1


cdef inline int pair(Scorer scorer, uint32_t left, uint32_t right) noexcept nogil:
    """Return log P(right | left) of two slots."""
    cdef int stored = scorer.dense[scorer.rows[left] | scorer.columns[right]]
    cdef int64_t number
    if stored:
        return -stored
    if scorer.rare[left] | scorer.rare[right]:
        number = stored_pair(scorer, left, right)
        if number >= 0:
            return -<int>scorer.values[number]
    return scorer.boundary[left] + scorer.begin[right]


cdef inline int pair_turned(Scorer scorer, uint32_t left, uint32_t right) noexcept nogil:
    """Return the same, for many `left` before one `right`: these stand together in memory. `turn` comes before."""
    cdef int stored = scorer.turned[scorer.columns[right] << DENSE_BITS | scorer.rows[left] >> DENSE_BITS]
    cdef int64_t number
    if stored:
        return -stored
    if scorer.rare[left] | scorer.rare[right]:
        number = stored_pair(scorer, left, right)
        if number >= 0:
            return -<int>scorer.values[number]
    return scorer.boundary[left] + scorer.begin[right]


cdef inline int level(Scorer scorer, uint32_t code) noexcept:
    """Return how rare a character is, from 0."""
    return min(max(-<int>scorer.begin[slot(code)], 0), LEVELS - 1)
