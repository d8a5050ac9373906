# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""What is done to each character of a text: looked up in a set or a table, counted by kind, compared in groups of eight.

Sets and tables of the basic plane are bits, 8 KB each, so that they stay in the processor's nearest memory; only what a
bit tells is looked up further. The twins in Python are in
`cleaning.characters`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport (
    PyUnicode_1BYTE_KIND,
    PyUnicode_2BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_New,
    PyUnicode_READ,
    PyUnicode_WRITE,
)
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, qsort
from libc.string cimport memset

cdef enum:
    BMP = 65536
    LAST = 0x10FFFF
    HAN = 0x4E00
    HAN_END = 0xA000
    KINDS = 8
    NGRAM = 8
    MOST_PROBES = 64

ctypedef fused Char:
    uint8_t
    uint16_t
    uint32_t

cdef extern from *:
    """
    #define SPREAD 0x9E3779B97F4A7C15ULL  /* Knuth's multiplier, 2^64 by the golden ratio */
    """
    const uint64_t SPREAD


cdef class Chars:
    """A set of characters, with some of them as signs."""

    cdef uint32_t bits[BMP >> 5]
    cdef uint32_t signs[BMP >> 5]
    cdef set beyond

    def __cinit__(self, str characters not None, str signs not None=""):
        cdef uint32_t char
        memset(self.bits, 0, sizeof(self.bits))
        memset(self.signs, 0, sizeof(self.signs))
        self.beyond = set()
        for char in map(ord, characters):
            if char < BMP:
                self.bits[char >> 5] |= <uint32_t>1 << (char & 31)
            else:
                self.beyond.add(char)
        for char in map(ord, signs):
            if char < BMP:
                self.signs[char >> 5] |= <uint32_t>1 << (char & 31)

    cdef inline bint _near(self, uint32_t char) noexcept nogil:
        return char < BMP and self.bits[char >> 5] >> (char & 31) & 1

    cdef inline bint _in(self, Char char) except -1:
        if Char is uint32_t:
            return char in self.beyond if char >= BMP else self._near(char)
        else:
            return self._near(char)  # nothing to raise in the loops over most texts

    cdef inline bint _is_sign(self, uint32_t char) noexcept nogil:
        return char < BMP and self.signs[char >> 5] >> (char & 31) & 1

    cdef list _places(self, const Char *text, Py_ssize_t size):
        cdef Py_ssize_t at
        cdef list found = []
        for at in range(size):
            if self._in(text[at]):
                found.append(at)
        return found

    def places(self, str text not None):
        """Return the offsets of the text's characters that are in the set."""
        cdef const void *data = PyUnicode_DATA(text)
        if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
            return self._places(<const uint8_t *>data, PyUnicode_GET_LENGTH(text))
        if PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND:
            return self._places(<const uint16_t *>data, PyUnicode_GET_LENGTH(text))
        return self._places(<const uint32_t *>data, PyUnicode_GET_LENGTH(text))

    cdef list _parted(self, const Char *text, Py_ssize_t size):
        cdef Py_ssize_t at = 0
        cdef list found = []
        while at + 3 < size:
            if self._in(text[at]) and self._in(text[at + 2]) and HAN <= text[at + 1] < HAN_END and HAN <= text[at + 3] < HAN_END:
                found.append(at)
                at += 4
            else:
                at += 1
        return found

    def parted(self, str text not None):
        """Return the offsets of one of the set, a Chinese character, one of the set, a Chinese one; none overlaps."""
        cdef const void *data = PyUnicode_DATA(text)
        if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
            return []
        if PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND:
            return self._parted(<const uint16_t *>data, PyUnicode_GET_LENGTH(text))
        return self._parted(<const uint32_t *>data, PyUnicode_GET_LENGTH(text))

    cdef list _runs(self, const Char *text, Py_ssize_t size, Py_ssize_t least):
        cdef Py_ssize_t at = 0, start
        cdef bint sign
        cdef list found = []
        while at < size:
            if not self._in(text[at]):
                at += 1
                continue
            start, sign = at, False
            while at < size and self._in(text[at]):
                sign = sign or self._is_sign(text[at])
                at += 1
            if at - start >= (min(2, least) if sign else least):
                found.append((start, at))
        return found

    def runs(self, str text not None, Py_ssize_t least):
        """Return (start, end) of runs of characters of the set, of `least` and more, or of two and more with a sign."""
        cdef const void *data = PyUnicode_DATA(text)
        if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
            return self._runs(<const uint8_t *>data, PyUnicode_GET_LENGTH(text), least)
        if PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND:
            return self._runs(<const uint16_t *>data, PyUnicode_GET_LENGTH(text), least)
        return self._runs(<const uint32_t *>data, PyUnicode_GET_LENGTH(text), least)


cdef class Table:
    """A table of characters that become another one; all others stay."""

    cdef uint32_t bits[BMP >> 5]
    cdef uint32_t *plain
    cdef dict beyond

    def __cinit__(self, dict changed not None):
        cdef uint32_t char, other
        memset(self.bits, 0, sizeof(self.bits))
        self.beyond = {}
        self.plain = <uint32_t *>calloc(BMP, sizeof(uint32_t))
        if not self.plain:
            raise MemoryError
        for char, other in changed.items():
            if other > LAST:
                raise ValueError("a table holds code points")
            if char < BMP:
                self.bits[char >> 5] |= <uint32_t>1 << (char & 31)
                self.plain[char] = other
            else:
                self.beyond[char] = other

    def __dealloc__(self):
        free(self.plain)

    cdef inline uint32_t _of(self, uint32_t char) noexcept:
        if char < BMP:
            return self.plain[char] if self.bits[char >> 5] >> (char & 31) & 1 else char
        return char

    cdef str _translated(self, str text, const Char *data, Py_ssize_t size):
        cdef Py_ssize_t at
        cdef uint32_t char, other, every = 0
        cdef bint changed = False
        for at in range(size):
            char = data[at]
            other = self._of(char)
            changed = changed or other != char
            every |= other
        if every >= BMP:
            return self._beyond(text, size)
        if not changed:
            return text
        cdef str made = PyUnicode_New(size, every)  # its class of widths is that of the greatest
        cdef int kind = PyUnicode_KIND(made)
        cdef void *into = PyUnicode_DATA(made)
        if kind == PyUnicode_1BYTE_KIND:
            for at in range(size):
                (<uint8_t *>into)[at] = <uint8_t>self._of(data[at])
        else:
            for at in range(size):
                (<uint16_t *>into)[at] = <uint16_t>self._of(data[at])
        return made

    cdef str _beyond(self, str text, Py_ssize_t size):
        """The same for a text with characters outside of the basic plane."""
        cdef Py_ssize_t at
        cdef uint32_t char
        cdef list made = []
        for at in range(size):
            char = PyUnicode_READ(PyUnicode_KIND(text), PyUnicode_DATA(text), at)
            made.append(chr(self._of(char) if char < BMP else self.beyond.get(char, char)))
        cdef str joined = "".join(made)
        return text if joined == text else joined

    def translated(self, str text not None):
        """Return the text with the table's characters put for its own; the same object where none changes."""
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
        if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
            return self._translated(text, <const uint8_t *>data, size)
        if PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND:
            return self._translated(text, <const uint16_t *>data, size)
        return self._beyond(text, size)


cdef class Kinds:
    """A kind, 0 to 7, for each code point."""

    cdef bytes table
    cdef int han           # the kind that all common ideographs are of, -1 for several: they need no look at the table

    def __cinit__(self, bytes table not None):
        cdef const uint8_t *known = <const uint8_t *>PyBytes_AS_STRING(table)
        cdef uint8_t every = 0
        cdef Py_ssize_t at
        for at in range(PyBytes_GET_SIZE(table)):
            every |= known[at]
        if PyBytes_GET_SIZE(table) != LAST + 1 or every >= KINDS:
            raise ValueError("give a kind of 0 to 7 for each code point")
        self.table = table
        self.han = known[HAN]
        for at in range(HAN, HAN_END):
            if known[at] != self.han:
                self.han = -1
                break

    cdef inline int _of(self, const uint8_t *table, uint32_t char) noexcept nogil:
        if self.han >= 0 and HAN <= char < HAN_END:
            return self.han
        return table[char]

    def counts(self, str text not None):
        """Return how many characters of the text are of each kind."""
        cdef Py_ssize_t at, size = PyUnicode_GET_LENGTH(text)
        cdef Py_ssize_t found[KINDS]
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef const uint8_t *table = <const uint8_t *>PyBytes_AS_STRING(self.table)
        memset(found, 0, sizeof(found))
        if kind == PyUnicode_2BYTE_KIND:
            for at in range(size):
                found[self._of(table, (<const uint16_t *>data)[at])] += 1
        else:
            for at in range(size):
                found[table[PyUnicode_READ(kind, data, at)]] += 1
        return [found[at] for at in range(KINDS)]

    cdef Py_ssize_t _kept(self, const Char *data, Py_ssize_t size, int skipped, Py_ssize_t *found, uint64_t *kept) noexcept:
        """Count the characters of each kind; put those that are not `skipped` into `kept`, and return their number."""
        cdef const uint8_t *table = <const uint8_t *>PyBytes_AS_STRING(self.table)
        cdef Py_ssize_t at, count = 0
        cdef int kind
        for at in range(size):
            kind = self._of(table, data[at])
            found[kind] += 1
            kept[count] = data[at]
            count += kind != skipped
        return count

    def summary(self, str text not None, int skipped):
        """Return how many characters of the text are of each kind, and of the 8-grams that it has without characters of
        the kind `skipped`: how many there are, how many different ones, and how often the most frequent one occurs.
        """
        cdef Py_ssize_t at, size = PyUnicode_GET_LENGTH(text), count
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t found[KINDS]
        cdef uint64_t *kept = <uint64_t *>malloc((size + 1) * sizeof(uint64_t))
        if not kept:
            raise MemoryError
        memset(found, 0, sizeof(found))
        try:
            if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
                count = self._kept(<const uint8_t *>data, size, skipped, found, kept)
            elif PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND:
                count = self._kept(<const uint16_t *>data, size, skipped, found, kept)
            else:
                count = self._kept(<const uint32_t *>data, size, skipped, found, kept)
            told = (0, 0, 0) if count < NGRAM else _counted(kept, count)
            return [found[at] for at in range(KINDS)], *told
        finally:
            free(kept)


ctypedef fused Place:
    uint16_t
    uint32_t


cdef object _counted(uint64_t *hashes, Py_ssize_t count):
    """Return (8-grams, different ones, most of one) of characters; their place is taken by the 8-grams' hashes."""
    cdef Py_ssize_t at, total = count - NGRAM + 1
    cdef uint64_t size = 16
    cdef void *firsts = NULL  # by hash: where an 8-gram was first, and one more; in few bytes, to stay near
    cdef uint32_t *again = NULL
    if total > 0x7FFFFFFE:
        raise OverflowError("the text is too long")
    # Doubled: 2, 4, 8 characters. In place, as what is read stands behind what is written.
    for at in range(count - 1):
        hashes[at] = hashes[at] * <uint64_t>0x9E3779B97F4A7C15 + hashes[at + 1]
    for at in range(count - 3):
        hashes[at] = hashes[at] * <uint64_t>0xC2B2AE3D27D4EB4F + hashes[at + 2]
    for at in range(total):
        hashes[at] = hashes[at] * <uint64_t>0x165667B19E3779F9 + hashes[at + 4]
    while size < 2 * <uint64_t>total:
        size *= 2
    firsts = calloc(size, sizeof(uint16_t) if total < 0xFFFF else sizeof(uint32_t))
    try:
        if not firsts:
            raise MemoryError
        if total < 0xFFFF:
            return _told_apart(<uint16_t *>firsts, size - 1, hashes, total, &again)
        return _told_apart(<uint32_t *>firsts, size - 1, hashes, total, &again)
    finally:
        free(firsts)
        free(again)


cdef object _told_apart(Place *firsts, uint64_t mask, uint64_t *hashes, Py_ssize_t total, uint32_t **again):
    """Return (8-grams, different ones, most of one) of hashes; `again` counts by first place: of most texts it stays NULL."""
    cdef Py_ssize_t at, unique = 0
    cdef uint64_t place
    cdef uint32_t most = 1, seen
    cdef int probes
    for at in range(total):
        place = (hashes[at] * SPREAD) >> 32 & mask
        probes = 0
        seen = firsts[place]
        while seen and hashes[seen - 1] != hashes[at]:
            place = (place + 1) & mask
            seen = firsts[place]
            probes += 1
            if probes > MOST_PROBES:  # somebody chose them so: in order they are counted whatever they are
                return _counted_in_order(hashes, total)
        if not seen:
            firsts[place] = <Place>(at + 1)
            unique += 1
            continue
        if not again[0]:
            again[0] = <uint32_t *>calloc(total, sizeof(uint32_t))
            if not again[0]:
                raise MemoryError
        again[0][seen - 1] += 1
        if again[0][seen - 1] >= most:
            most = again[0][seen - 1] + 1
    return total, unique, most


cdef object _counted_in_order(uint64_t *hashes, Py_ssize_t total):
    cdef Py_ssize_t at, unique = 1, run = 1, most = 1
    qsort(hashes, total, sizeof(uint64_t), _compared)
    for at in range(1, total):
        if hashes[at] == hashes[at - 1]:
            run += 1
        else:
            unique += 1
            run = 1
        most = max(most, run)
    return total, unique, most


cdef int _compared(const void *one, const void *other) noexcept nogil:
    cdef uint64_t left = (<const uint64_t *>one)[0], right = (<const uint64_t *>other)[0]
    return (left > right) - (left < right)


cdef inline bint _has_no_case(uint32_t char) noexcept nogil:
    """Whether a character lies where Unicode has no letter with a lower case: marks, Chinese, compatibility forms."""
    return (
        0x2000 <= char < 0x2100
        or 0x2E80 <= char < 0xA640
        or 0xF900 <= char < 0xFB00
        or 0xFE10 <= char < 0xFF21
        or 0xFF5B <= char < 0xFFF0
    )


def lowered(str text not None):
    """Return `text.lower()`."""
    cdef Py_ssize_t at, size = PyUnicode_GET_LENGTH(text)
    cdef uint16_t *into
    cdef const uint16_t *data
    cdef bint upper = False
    cdef uint32_t char
    if PyUnicode_KIND(text) != PyUnicode_2BYTE_KIND:
        return text.lower()
    data = <const uint16_t *>PyUnicode_DATA(text)
    for at in range(size):
        char = data[at]
        if char < 0x80:
            upper = upper or 0x41 <= char <= 0x5A
        elif not _has_no_case(char):
            return text.lower()
    if not upper:
        return text
    cdef str made = PyUnicode_New(size, 0xFFFF)  # it has a character past U+00FF, which stays
    into = <uint16_t *>PyUnicode_DATA(made)
    for at in range(size):
        char = data[at]
        into[at] = <uint16_t>(char + 32 if 0x41 <= char <= 0x5A else char)
    return made
