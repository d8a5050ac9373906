# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The language model over characters, as the searches of `cleaning/repair` ask it at each step; and characters counted by kind.

The Python twin is `badness`: a `Scorer` answers what `total_logprob`, `bigram_score` and `run_score` do. The model's values
are sixteenths of a natural logarithm, so sums are exact in whichever order they are made, and both twins say the same to
the last bit. Here they are integers. What other modules share of this one is in `_score.pxd`.
"""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc

cdef enum:
    DENSE = 4096           # 1 << DENSE_BITS
    BLOCK = 64


cdef class Scorer:
    """The bigram model's tables; log-probabilities come out as floats, in nats."""

    def __init__(
        self,
        const uint8_t[::1] dense not None,
        const uint32_t[::1] rows not None,
        const uint32_t[::1] columns not None,
        const uint32_t[::1] ids not None,
        const uint8_t[::1] rare not None,
        const int16_t[::1] begin not None,
        const int16_t[::1] boundary not None,
        const uint32_t[::1] pairs not None,
        const uint8_t[::1] values not None,
        const uint32_t[::1] firsts not None,
    ):
        cdef Py_ssize_t code
        if {len(rows), len(columns), len(ids), len(rare), len(begin), len(boundary)} != {BMP}:
            raise ValueError("a table of the model has one row for each character of the basic plane")
        if len(values) != len(pairs) or len(firsts) != (1 << ID_BITS) + 1 or firsts[1 << ID_BITS] != len(pairs):
            raise ValueError("the model's pairs don't fit their values or their index")
        for code in range(1 << ID_BITS):
            if firsts[code] > firsts[code + 1]:
                raise ValueError("the index of the model's pairs goes backwards")
        for code in range(BMP):
            if ids[code] >= 1 << ID_BITS or (rows[code] | 4095) >= len(dense) or columns[code] > 4095:
                raise ValueError("an id of the model is out of range")
        self.dense, self.rows, self.columns, self.ids = dense, rows, columns, ids
        self.rare, self.begin, self.boundary = rare, begin, boundary
        self.pairs, self.values, self.firsts = pairs, values, firsts

    def __cinit__(self):
        self.turned = NULL

    def __dealloc__(self):
        free(self.turned)

    cdef int turn(self) except -1:
        """Let `pair_turned` be asked."""
        cdef Py_ssize_t code, left, right, first, other
        cdef uint8_t *turned
        if self.turned:
            return 0
        if len(self.dense) != 1 << 2 * DENSE_BITS:
            raise ValueError("the table of pairs is no square")
        for code in range(BMP):
            if self.rows[code] & DENSE - 1:
                raise ValueError("a row of the table of pairs begins inside another one")
        turned = <uint8_t *>malloc(1 << 2 * DENSE_BITS)
        if not turned:
            raise MemoryError
        for first in range(0, DENSE, BLOCK):  # a block of either table is near while it is copied
            for other in range(0, DENSE, BLOCK):
                for left in range(first, first + BLOCK):
                    for right in range(other, other + BLOCK):
                        turned[right << DENSE_BITS | left] = self.dense[left << DENSE_BITS | right]
        self.turned = turned
        return 0

    def total(self, str text not None, str last not None):
        """Return the sum of log P(character | the one before it) over `text`, which follows the one character `last`."""
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), place
        cdef int64_t total = 0
        cdef uint32_t left, right
        if PyUnicode_GET_LENGTH(last) != 1:
            raise ValueError("one character stands before a text")
        left = slot(at_(last, 0))
        for place in range(size):
            right = slot(PyUnicode_READ(kind, data, place))
            total += pair(self, left, right)
            left = right
        return <double>total / NATS

    def beside(self, str text not None, bounds not None):
        """Return how many characters of `text` outside ordered bounds are neither ASCII nor a hole, and the sum of their log P."""
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), place = 0, found = 0, start, end, number
        cdef int64_t total = 0
        cdef uint32_t left = 10, right
        for number in range(len(bounds) + 1):
            start, end = bounds[number] if number < len(bounds) else (size, size)
            if start < place or end < start or end > size:
                raise ValueError("bounds are in order and inside the text")
            for place in range(place, start):
                right = PyUnicode_READ(kind, data, place)
                if right >= 0x80 and right != HOLE:
                    right = slot(right)
                    total += pair(self, left, right)
                    left = right
                    found += 1
            place = end
        return found, <double>total / NATS

    def likely(self, str text not None, double floor):
        """Return how many characters of `text` have at least log-probability `floor` after the one before them."""
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), place, found = 0
        cdef uint32_t left, right
        if not size:
            return 0
        left = slot(PyUnicode_READ(kind, data, 0))
        for place in range(1, size):
            right = slot(PyUnicode_READ(kind, data, place))
            if pair(self, left, right) >= floor * NATS:
                found += 1
            left = right
        return found


def count_of(str text not None, const uint8_t[::1] kinds not None, const uint8_t[::1] planes not None):
    """Return how many characters of `text` count: `kinds` says so by BMP code point, `planes` of each plane."""
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t place, found = 0
    cdef uint32_t code
    if len(kinds) != BMP or len(planes) != 17:
        raise ValueError("one answer for each character of the basic plane and for each plane is wanted")
    for place in range(PyUnicode_GET_LENGTH(text)):
        code = PyUnicode_READ(kind, data, place)
        found += kinds[code] != 0 if code < BMP else planes[code >> 16] != 0
    return found
