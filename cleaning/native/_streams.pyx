# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Spans as the bytes that a decoder showed so, and bytes of GBK with torn pairs as what shows.

The Python twins are `streams` and `gbk_bytes`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from cleaning.native._score cimport BMP, EURO, HOLE_BYTE, MARKERS, at_, leads_three, text_of


cdef enum:
    CHOICE = 0xFFFE        # stands for a choice between texts; no decoder shows it


cdef inline int bytes_of(str span, uint32_t code, Py_ssize_t place, const uint8_t[::1] lengths, const uint8_t[:, ::1] parts, sources, uint8_t *data) except -1:
    """Write the likeliest bytes of one character, up to four; return how many there are."""
    cdef int number, length
    cdef bytes found
    if code < BMP:
        memcpy(data, &parts[code, 0], 4)  # there is room for four
        return min(lengths[code], 4)
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


cdef int single_euro(const uint8_t *out, const int64_t[::1] starts, Py_ssize_t place, bint[2] unshown) noexcept:
    """Tell whether UTF-8 wants two bytes where a euro sign stands (2), or one (1), by the two characters before it."""
    cdef int[2] last = [-1, -1]  # the bytes before it, the nearest first; what stands in for a character is none
    cdef int found = 0, back
    cdef int64_t at
    for back in range(min(place, 2)):
        at = starts[place - back]
        while not unshown[back] and found < 2 and at > starts[place - back - 1]:
            at -= 1
            last[found] = out[at]
            found += 1
    if last[0] >= 0 and leads_three(last[0]):
        return 2
    return last[1] >= 0 and leads_three(last[1]) and 0x80 <= last[0] <= 0xBF


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
    cdef uint8_t after[4]
    cdef int length, wanted, known
    cdef bint[2] none_shown = [False, False]  # whether the character before this one, and the one before that, is not shown
    cdef uint8_t *out
    if len(lengths) != BMP or parts.shape[0] != BMP or parts.shape[1] != 4 or len(starts) != size + 1:
        raise ValueError("a table of bytes or the list of beginnings is not of the size it should be")
    out = <uint8_t *>malloc(4 * size + 4)
    if not out:
        raise MemoryError
    try:
        for place in range(size):
            starts[place] = at
            code = PyUnicode_READ(kind, text, place)
            length = bytes_of(span, code, place, lengths, parts, sources, out + at)
            if settle and code == EURO:
                wanted, known = single_euro(out, starts, place, none_shown), 0
                if wanted == 1 and place + 1 < size:
                    known = bytes_of(span, PyUnicode_READ(kind, text, place + 1), place + 1, lengths, parts, sources, after)
                if wanted and not (known and (0x80 <= after[0] <= 0xBF or after[0] == HOLE_BYTE)):
                    length, out[at] = 1, 0x80
            none_shown[1], none_shown[0] = none_shown[0], length == 0
            if not length:
                if unshown < 0:
                    return None
                length, out[at] = 1, unshown
            at += length
        starts[size] = at
        return (<const char *>out)[:at]
    finally:
        free(out)


def single_bytes(str span not None, const uint8_t[::1] lengths not None, const uint8_t[:, ::1] parts not None):
    """Return the bytes of a span of single bytes, by tables as in `span_bytes`; None where a character is none."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(span), place
    cdef int kind = PyUnicode_KIND(span)
    cdef const void *text = PyUnicode_DATA(span)
    cdef uint32_t code
    cdef bytes found = PyBytes_FromStringAndSize(NULL, size)
    cdef uint8_t *out = <uint8_t *>PyBytes_AS_STRING(found)
    if len(lengths) != BMP or parts.shape[0] != BMP or parts.shape[1] != 4:
        raise ValueError("a table of bytes is not of the size it should be")
    for place in range(size):
        code = PyUnicode_READ(kind, text, place)
        if code < 0x100:
            out[place] = code
        elif code < BMP and lengths[code] == 1 and code != CHOICE:
            out[place] = parts[code, 0]
        elif MARKERS + 0x80 <= code <= MARKERS + 0xFF:
            out[place] = code - MARKERS
        else:
            return None
    return found


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
