# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Fold a text, mask the names in it, and make its index keys or its shingle sets, each in one pass over its characters.

Everything is as `corpus.fingerprint` and `corpus.masking` define it, whose arrays work on many texts at once and are the
twins in Python; the tables are theirs. Work is bounded by a text's length times that of the longest name.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport (
    PyUnicode_1BYTE_KIND,
    PyUnicode_2BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
)
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, qsort
from libc.string cimport memcpy

cdef extern from *:
    """
    #define PRINTS_BASE 0x9E3779B97F4A7C15ULL
    #define PRINTS_FIRST 0xBF58476D1CE4E5B9ULL
    #define PRINTS_SECOND 0x94D049BB133111EBULL
    #define PRINTS_TAG 0xA24BAED4963EE407ULL
    """
    const uint64_t PRINTS_BASE
    const uint64_t PRINTS_FIRST
    const uint64_t PRINTS_SECOND
    const uint64_t PRINTS_TAG

cdef enum:
    POINTS = 0x110000
    EXPANDS = 0xFFFFFFFF
    CODE_MASK = 0xFFFFFF
    CLASS_SHIFT = 24
    HAN = 1
    NUMBER = 3
    HEADS = 1 << 20
    SHINGLE = 5
    ROWS = 128
    BANDS = 21
    BAND_ROWS = 6
    ANCHOR_CAP = 4096
    NAME_BITS = 14         # slots of the table of names; at most half are taken
    NAMES = 1 << NAME_BITS
    KINDS = 2
    LENDER = 0

cdef uint64_t EMPTY = <uint64_t>0xFFFFFFFFFFFFFFFF
cdef uint64_t SMALL = <uint64_t>1 << 58  # a hash below is an anchor: one in 64

cdef struct Name:
    uint64_t hash
    uint32_t length        # 0: a free slot
    uint32_t kind

cdef struct Span:
    Py_ssize_t start
    Py_ssize_t end


ctypedef fused Char:
    uint8_t
    uint16_t
    uint32_t


cdef Py_ssize_t _folded(const Char *text, Py_ssize_t length, const uint32_t *table, uint32_t *out) noexcept nogil:
    """Write the folded characters and return how many there are, -1 where one becomes several."""
    cdef Py_ssize_t at, used = 0
    cdef uint32_t folded
    for at in range(length):
        folded = table[text[at]]
        if folded == EXPANDS:
            return -1
        out[used] = folded
        used += folded != 0
    return used


cdef inline uint64_t _mix(uint64_t value) noexcept nogil:
    value ^= value >> 30
    value *= PRINTS_FIRST
    value ^= value >> 27
    value *= PRINTS_SECOND
    return value ^ value >> 31


cdef int _order(const void *left, const void *right) noexcept nogil:
    cdef uint64_t one = (<const uint64_t *>left)[0], other = (<const uint64_t *>right)[0]
    return (one > other) - (one < other)


cdef class _Names:
    """Names by the polynomial hash of their characters."""

    cdef Name *slots
    cdef uint32_t longest

    def __cinit__(self, tables not None):
        cdef uint64_t hashed
        cdef uint32_t length, kind
        cdef Py_ssize_t count = 0, at
        self.slots = <Name *>calloc(NAMES, sizeof(Name))
        if self.slots == NULL:
            raise MemoryError
        for length, hashes, kinds in tables:
            for hashed, kind in zip(hashes, kinds):
                count += 1
                if not 0 < length < 256 or kind >= KINDS or 2 * count > NAMES:
                    raise ValueError("names are of less than 256 characters, of two kinds, and a few thousand")
                at = self._slot(hashed)
                while self.slots[at].length:
                    at = (at + 1) & (NAMES - 1)
                self.slots[at] = Name(hashed, length, kind)
                self.longest = max(self.longest, length)

    def __dealloc__(self):
        free(self.slots)

    cdef inline Py_ssize_t _slot(self, uint64_t hashed) noexcept nogil:
        return <Py_ssize_t>(_mix(hashed) >> (64 - NAME_BITS))

    cdef Py_ssize_t at(self, const uint32_t *folded, Py_ssize_t room, uint32_t *kind) noexcept nogil:
        """Return the length of the longest name that begins here, at most `room`; 0 for none."""
        cdef Py_ssize_t length, found = 0, slot
        cdef uint64_t hashed = 0
        for length in range(1, min(room, <Py_ssize_t>self.longest) + 1):
            hashed = hashed * PRINTS_BASE + (folded[length - 1] & CODE_MASK)
            slot = self._slot(hashed)
            while self.slots[slot].length:
                if self.slots[slot].hash == hashed and self.slots[slot].length == length:
                    found = length
                    kind[0] = self.slots[slot].kind
                    break
                slot = (slot + 1) & (NAMES - 1)
        return found


cdef class Printer:
    """Makes keys and shingle sets with one masker's names."""

    cdef const uint32_t[::1] table
    cdef const uint8_t[::1] first
    cdef const uint8_t[::1] reach
    cdef const uint8_t[::1] numerals
    cdef const uint8_t[:, ::1] probes
    cdef _Names names
    cdef _Names suffixes
    cdef uint32_t placeholders[KINDS]

    def __cinit__(
        self, const uint32_t[::1] table not None, const uint8_t[::1] first not None, const uint8_t[::1] reach not None,
        const uint8_t[::1] numerals not None, const uint8_t[:, ::1] probes not None, names not None,
        suffixes not None, placeholders not None,
    ):
        cdef Py_ssize_t row, column
        if len(table) != POINTS or len(first) != POINTS or len(numerals) != POINTS or len(reach) != HEADS:
            raise ValueError("a table has an entry for each character, or pair of them")
        if probes.shape[1] != ROWS or len(placeholders) != KINDS:
            raise ValueError("a probe names another bin for each, and each kind has a placeholder")
        for row in range(probes.shape[0]):
            for column in range(ROWS):
                if probes[row, column] >= ROWS:
                    raise ValueError("a probe names another bin for each")
        self.table, self.first, self.reach, self.numerals, self.probes = table, first, reach, numerals, probes
        self.names, self.suffixes = _Names(names), _Names(suffixes)
        for row in range(KINDS):
            self.placeholders[row] = placeholders[row]

    def keys(self, str text not None):
        """Return the fold in UTF-8, its length in characters, and the index keys in the machine's byte order.

        None for a text with a character that folds to several: they must be put in first.
        """
        cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text), used, size, count
        cdef uint32_t *folded
        cdef uint32_t *masked
        cdef uint64_t *hashes
        cdef bytes told
        # The fold, the masked fold behind it, and room for the hashes of the characters that are left.
        folded = <uint32_t *>PyMem_Malloc((length + 1) * (2 * sizeof(uint32_t) + sizeof(uint64_t)))
        if folded == NULL:
            raise MemoryError
        try:
            masked = folded + length + 1
            hashes = <uint64_t *>(masked + length + 1)
            used = self._fold(text, length, folded)
            if used < 0:
                return None
            told = _utf8(folded, used)
            size = self._mask(folded, used, masked, NULL, NULL)
            count = _shingles(masked, size, hashes)
            return told, used, self._keys(hashes, count)
        finally:
            PyMem_Free(folded)

    def sets(self, str text not None, uint64_t[::1] plain not None, uint64_t[::1] masked not None):
        """Write the shingle hashes of the fold to `plain`, of the masked one to `masked`, each with repeats.

        Both have room for one of each character. Return how many there are of each, and the names found, as strings.
        None as of `keys`.
        """
        cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text), used, size, spans = 0, at
        cdef uint32_t *folded
        cdef uint32_t *room
        cdef Span *found
        if plain.shape[0] <= length or masked.shape[0] <= length:
            raise ValueError("a place for each character, and one more, is wanted")
        found = <Span *>PyMem_Malloc((length + 1) * (2 * sizeof(uint32_t) + sizeof(Span)))
        if found == NULL:
            raise MemoryError
        try:
            folded = <uint32_t *>(found + length + 1)
            room = folded + length + 1
            used = self._fold(text, length, folded)
            if used < 0:
                return None
            size = self._mask(folded, used, room, found, &spans)
            names = frozenset([
                _utf8(folded + found[at].start, found[at].end - found[at].start).decode() for at in range(spans)
            ])
            size = _shingles(room, size, &masked[0])
            # Letters are picked out in place: nobody needs the fold any more.
            return _shingles(folded, used, &plain[0]), size, names
        finally:
            PyMem_Free(found)

    cdef Py_ssize_t _fold(self, str text, Py_ssize_t length, uint32_t *out):
        """Write the folded characters and return how many there are, -1 where one becomes several."""
        cdef const void *data = PyUnicode_DATA(text)
        if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
            return _folded(<const uint8_t *>data, length, &self.table[0], out)
        if PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND:
            return _folded(<const uint16_t *>data, length, &self.table[0], out)
        return _folded(<const uint32_t *>data, length, &self.table[0], out)

    cdef Py_ssize_t _mask(
        self, const uint32_t *folded, Py_ssize_t length, uint32_t *out, Span *spans, Py_ssize_t *count
    ) noexcept:
        """Write the masked characters and return how many there are; the names' spans, where `spans` is given."""
        cdef Py_ssize_t at = 0, used = 0, size, room
        cdef uint32_t code, kind = 0, ignored = 0, placeholder
        cdef uint64_t head
        cdef const uint8_t *first = &self.first[0]
        cdef const uint8_t *reach = &self.reach[0]
        cdef const uint8_t *numerals = &self.numerals[0]
        while at < length:
            code = folded[at] & CODE_MASK
            if first[code] and at + 1 < length:
                head = (<uint64_t>code * 40503 ^ (folded[at + 1] & CODE_MASK)) & (HEADS - 1)
                room = min(<Py_ssize_t>reach[head], length - at)
                size = self.names.at(folded + at, room, &kind)
                if size:
                    if kind == LENDER:
                        size += self.suffixes.at(folded + at + size, length - at - size, &ignored)
                    if spans != NULL:
                        spans[count[0]] = Span(at, at + size)
                        count[0] += 1
                    placeholder = self.placeholders[kind]
                    if not used or out[used - 1] != placeholder:
                        out[used] = placeholder
                        used += 1
                    at += size
                    continue
            if folded[at] >> CLASS_SHIFT != NUMBER and not numerals[code]:
                out[used] = folded[at]
                used += 1
            at += 1
        return used

    cdef bytes _keys(self, uint64_t *hashes, Py_ssize_t count):
        """Return the keys of bands and anchors; `hashes` is used up."""
        cdef uint64_t minima[ROWS]
        cdef uint64_t filled[ROWS]
        cdef uint64_t keys[BANDS]
        cdef Py_ssize_t at, row, anchors = 0
        cdef bint lacking = False, any_there = False
        cdef uint64_t value, high, low, before
        cdef bytes out
        cdef char *place
        if not count:
            return b""
        for row in range(ROWS):
            minima[row] = EMPTY
        for at in range(count):
            value = hashes[at]
            row = <Py_ssize_t>(value >> 57)
            if value < minima[row]:
                minima[row] = value
            if value < SMALL:
                hashes[anchors] = value
                anchors += 1
        for row in range(ROWS):
            filled[row] = minima[row]
            lacking |= minima[row] == EMPTY
            any_there |= minima[row] != EMPTY
        at = 0
        while lacking and any_there and at < self.probes.shape[0]:
            lacking = False
            for row in range(ROWS):
                if filled[row] == EMPTY:
                    filled[row] = minima[self.probes[at, row]]
                    lacking |= filled[row] == EMPTY
            at += 1
        for at in range(BANDS):
            row = at * BAND_ROWS
            high = filled[row] & 0xFFFF | (filled[row + 1] & 0xFFFF) << 16 | (filled[row + 2] & 0xFFFF) << 32
            low = filled[row + 3] & 0xFFFF | (filled[row + 4] & 0xFFFF) << 16 | (filled[row + 5] & 0xFFFF) << 32
            low += <uint64_t>(at + 1) << 48
            keys[at] = _mix(_mix(high) + low * PRINTS_BASE)
        anchors = _distinct(hashes, anchors)
        anchors = min(anchors, <Py_ssize_t>ANCHOR_CAP)
        for at in range(anchors):
            hashes[at] = _mix(hashes[at] ^ PRINTS_TAG)
        out = PyBytes_FromStringAndSize(NULL, (BANDS + anchors) * sizeof(uint64_t))
        place = PyBytes_AS_STRING(out)
        memcpy(place, keys, BANDS * sizeof(uint64_t))
        memcpy(place + BANDS * sizeof(uint64_t), hashes, anchors * sizeof(uint64_t))
        return out


cdef Py_ssize_t _distinct(uint64_t *values, Py_ssize_t count) noexcept nogil:
    """Sort values, leave out repeats, and return how many there are then."""
    cdef Py_ssize_t at, used = 0
    qsort(values, count, sizeof(uint64_t), _order)
    for at in range(count):
        if not used or values[at] != values[used - 1]:
            values[used] = values[at]
            used += 1
    return used


cdef Py_ssize_t _shingles(uint32_t *folded, Py_ssize_t length, uint64_t *out) noexcept nogil:
    """Write the hash of each shingle and return how many there are; `folded` is used up."""
    cdef Py_ssize_t at, used = 0, han = 0, letter = 0
    cdef uint32_t kind
    cdef bint foreign
    cdef uint64_t total
    for at in range(length):
        kind = folded[at] >> CLASS_SHIFT
        han += kind == HAN
        letter += kind != NUMBER
    foreign = 2 * han < letter
    for at in range(length):
        kind = folded[at] >> CLASS_SHIFT
        folded[used] = folded[at] & CODE_MASK
        used += kind == HAN or (foreign and kind != NUMBER)
    for at in range(used - SHINGLE + 1):
        total = folded[at]
        total = total * PRINTS_BASE + folded[at + 1]
        total = total * PRINTS_BASE + folded[at + 2]
        total = total * PRINTS_BASE + folded[at + 3]
        out[at] = _mix(total * PRINTS_BASE + folded[at + 4])
    return max(<Py_ssize_t>0, used - SHINGLE + 1)


cdef bytes _utf8(const uint32_t *folded, Py_ssize_t length):
    """Return folded characters in UTF-8; none of them is a surrogate."""
    cdef Py_ssize_t at, size = 0
    cdef uint32_t code
    cdef bytes out
    cdef uint8_t *place
    for at in range(length):
        code = folded[at] & CODE_MASK
        size += 1 + (code >= 0x80) + (code >= 0x800) + (code >= 0x10000)
    out = PyBytes_FromStringAndSize(NULL, size)
    place = <uint8_t *>PyBytes_AS_STRING(out)
    for at in range(length):
        code = folded[at] & CODE_MASK
        if code < 0x80:
            place[0] = code
            place += 1
            continue
        if code < 0x800:
            place[0] = 0xC0 | code >> 6
        else:
            if code < 0x10000:
                place[0] = 0xE0 | code >> 12
            else:
                place[0] = 0xF0 | code >> 18
                place += 1
                place[0] = 0x80 | code >> 12 & 0x3F
            place += 1
            place[0] = 0x80 | code >> 6 & 0x3F
        place[1] = 0x80 | code & 0x3F
        place += 2
    return out


def overlap(const uint64_t[::1] left not None, const uint64_t[::1] right not None, Py_ssize_t least):
    """Return how many values two sorted arrays without repeats have in common, or fewer than `least` where they have fewer.

    Most candidates have little in common: that is seen as soon as too few values are left.
    """
    cdef Py_ssize_t at = 0, other = 0, found = 0, ends = left.shape[0], others = right.shape[0], steps, step
    cdef uint64_t one, two
    while at < ends and other < others:
        steps = min(ends - at, others - other)
        if found + steps < least:
            break
        # A step passes one value of each at most.
        for step in range(min(steps, <Py_ssize_t>64)):
            one = left[at]
            two = right[other]
            found += one == two
            at += one <= two
            other += two <= one
    return found


def distinct(uint64_t[::1] values not None, Py_ssize_t count):
    """Leave out repeats of the first `count` values, which are sorted, and return how many there are then."""
    cdef Py_ssize_t at, used = 0
    if not 0 <= count <= values.shape[0]:
        raise ValueError("so many values are not there")
    for at in range(count):
        if not used or values[at] != values[used - 1]:
            values[used] = values[at]
            used += 1
    return used
