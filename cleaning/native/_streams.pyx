# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Spans as the bytes that a decoder showed so, and bytes of GBK with torn pairs as what shows.

The Python twins are `streams` and `gbk_bytes`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc

from cleaning.native._score cimport BMP, EURO, HOLE_BYTE, MARKERS, at_, leads_three, text_of


cdef int bytes_of(str span, uint32_t code, Py_ssize_t place, const uint8_t[::1] lengths, const uint8_t[:, ::1] parts, sources, uint8_t *data) except -1:
    """Write the likeliest bytes of one character; return how many there are."""
    cdef int number, length
    cdef bytes found
    if code < BMP:
        length = min(lengths[code], 4)
        for number in range(length):
            data[number] = parts[code, number]
        return length
    if MARKERS + 0x80 <= code <= MARKERS + 0xFF:
        data[0] = code - MARKERS
        return 1
    options = sources(span[place])
    if not options:
        return 0
    found = options[0]
    length = min(PyBytes_GET_SIZE(found), 4)
    for number in range(length):
        data[number] = PyBytes_AS_STRING(found)[number]
    return length


cdef int behind(uint8_t data[3][4], int length[3], int back) noexcept nogil:
    """Return the last byte but `back` of the two characters before this one, -1 where there is none."""
    if length[1] > back:
        return data[1][length[1] - 1 - back]
    back -= length[1]
    return data[2][length[2] - 1 - back] if length[2] > back else -1


cdef bint is_single_euro(uint8_t data[3][4], int length[3]) noexcept nogil:
    """Tell whether two bytes of UTF-8 are wanted where a euro sign stands."""
    cdef int byte = behind(data, length, 0)
    return byte >= 0 and leads_three(byte)


cdef bint wants_one(uint8_t data[3][4], int length[3]) noexcept nogil:
    """Tell whether one byte of UTF-8 is wanted there."""
    cdef int lead = behind(data, length, 1), byte = behind(data, length, 0)
    return lead >= 0 and leads_three(lead) and 0x80 <= byte <= 0xBF


def span_bytes(
    str span not None, const uint8_t[::1] lengths not None, const uint8_t[:, ::1] parts not None, int64_t[::1] starts not None,
    sources, int unshown, bint settle,
):
    """Return the bytes of `span`, and write into `starts` where each character's begin; None where one has none.

    `lengths` and `parts` say by BMP code point how many bytes a character stands for and which, `sources` of any other.
    `unshown` is a byte for a character without any, or -1. `settle` asks which euro signs are cp936's 0x80.
    """
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(span), place, at = 0
    cdef int kind = PyUnicode_KIND(span)
    cdef const void *text = PyUnicode_DATA(span)
    cdef uint32_t code
    cdef uint8_t data[3][4]         # bytes of this character and of the two before it
    cdef int length[3]
    cdef uint8_t after[4]
    cdef int number, which, known
    cdef uint8_t *out
    if len(lengths) != BMP or parts.shape[0] != BMP or parts.shape[1] != 4 or len(starts) != size + 1:
        raise ValueError("a table of bytes or the list of beginnings is not of the size it should be")
    out = <uint8_t *>malloc(4 * size + 4)
    if not out:
        raise MemoryError
    length[0] = length[1] = length[2] = 0
    try:
        for place in range(size):
            starts[place] = at
            for which in (2, 1):
                length[which] = length[which - 1]
                for number in range(4):
                    data[which][number] = data[which - 1][number]
            code = PyUnicode_READ(kind, text, place)
            length[0] = bytes_of(span, code, place, lengths, parts, sources, data[0])
            if settle and code == EURO and is_single_euro(data, length):
                length[0], data[0][0] = 1, 0x80
            elif settle and code == EURO and wants_one(data, length):
                known = 0
                if place + 1 < size:
                    known = bytes_of(span, PyUnicode_READ(kind, text, place + 1), place + 1, lengths, parts, sources, after)
                if not (known and (0x80 <= after[0] <= 0xBF or after[0] == HOLE_BYTE)):
                    length[0], data[0][0] = 1, 0x80
            if not length[0]:
                if unshown < 0:
                    return None
                out[at] = unshown
                at += 1
            for number in range(length[0]):
                out[at] = data[0][number]
                at += 1
        starts[size] = at
        return (<const char *>out)[:at]
    finally:
        free(out)


def decode_torn(bytes data not None, const uint32_t[::1] table not None, str mark not None, bint swallows):
    """Return (text, whether it ends in a stranded lead byte) of GBK bytes with torn pairs; None where a pair is nothing.

    A stranded byte shows as `mark`, or as this project's marker where that is empty; `swallows` says whether a byte of
    0x21 to 0x3F goes with it.
    """
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), place = 0, count = 0
    cdef const uint8_t *bytes_ = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef uint32_t *points
    cdef uint32_t shown = at_(mark, 0) if mark else 0
    cdef uint8_t byte
    cdef bint swallow = False, stranded = False
    if len(table) != BMP or PyUnicode_GET_LENGTH(mark) > 1:
        raise ValueError("a table has 65536 pairs, and a mark is one character or none")
    points = <uint32_t *>malloc((size + 1) * sizeof(uint32_t))
    if not points:
        raise MemoryError
    try:
        while place < size:
            byte = bytes_[place]
            stranded = False
            if 0x81 <= byte <= 0xFE and place + 1 < size and 0x40 <= bytes_[place + 1] <= 0xFE and bytes_[place + 1] != 0x7F:
                points[count] = table[byte << 8 | bytes_[place + 1]]
                if not 0 < points[count] <= 0x10FFFF:
                    return None
                count += 1
                place += 2
                swallow = False
                continue
            place += 1
            if swallow and 0x21 <= byte <= 0x3F:
                swallow = False
                continue
            if byte <= 0x80:
                points[count] = byte
                if byte == 0x80:
                    points[count] = EURO
            else:
                points[count] = shown if shown else <uint32_t>MARKERS + byte
                stranded = True
            count += 1
            swallow = stranded and swallows
        return text_of(points, count), stranded
    finally:
        free(points)


def escapes_shown(str text not None, const uint32_t[::1] shown not None):
    """Return `text` with what each of Python's escapes, U+DC00 + byte, shows as: `shown` says by byte, 0 for nothing."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), place, count = 0
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef uint32_t *points
    cdef uint32_t code
    if len(shown) != 256:
        raise ValueError("there are 256 bytes")
    if kind < 2:
        return text  # nothing beyond U+00FF
    points = <uint32_t *>malloc((size + 1) * sizeof(uint32_t))
    if not points:
        raise MemoryError
    try:
        for place in range(size):
            code = PyUnicode_READ(kind, data, place)
            if 0xDC80 <= code <= 0xDCFF:
                code = shown[code - 0xDC00]
                if not code:
                    continue
                if code > 0x10FFFF:
                    raise ValueError("a byte shows as no character")
            points[count] = code
            count += 1
        return text_of(points, count)
    finally:
        free(points)
