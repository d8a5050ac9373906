# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The inner loops of `cleaning/repair` over text with injected pinyin.

The Python twins are `tokens.tokens` (`insertions`), `collections.Counter` (`counted`) and `injection` (`injected`).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

cdef enum:
    BMP = 65536
    LETTER = 1             # kinds of characters: what a reading is spelt with ...
    MARK = 2               # ... and what decoders write for a stranded byte
    MARKERS = 0x10FF00     # this project's exact-byte marker is this plus its byte
    LONGEST = 8            # letters of a reading
    WIDE_OPEN = 0xFF08
    WIDE_CLOSE = 0xFF09


cdef struct Line:
    int kind
    const void *data
    Py_ssize_t size
    const uint8_t *kinds
    const uint16_t *units


cdef inline uint32_t read(const Line *line, Py_ssize_t place) noexcept:
    """Return the character at `place`, 0 behind the end."""
    return PyUnicode_READ(line.kind, line.data, place) if place < line.size else 0


cdef inline uint32_t unit(const Line *line, Py_ssize_t place) noexcept:
    """Return a character's one or two bytes, 0 where GBK has none. `place` is in the line."""
    cdef uint32_t code = PyUnicode_READ(line.kind, line.data, place)
    return line.units[code] if code < BMP else 0


cdef inline bint is_mark(const Line *line, uint32_t code) noexcept:
    if code < BMP:
        return line.kinds[code] & MARK
    return MARKERS + 0x81 <= code <= MARKERS + 0xFE


cdef Py_ssize_t reading_end(const Line *line, Py_ssize_t place, uint32_t closing) noexcept:
    """Return where a reading that begins at `place` and its bracket end, -1 where there is none."""
    cdef Py_ssize_t first
    cdef uint32_t code
    if read(line, place) == b" ":
        place += 1
    first = place
    code = read(line, place)
    while code and code < BMP and line.kinds[code] & LETTER and place - first <= LONGEST:
        place += 1
        code = read(line, place)
    if not 0 < place - first <= LONGEST:
        return -1
    if code == b" ":
        place += 1
    return place + 1 if read(line, place) == closing else -1


cdef str window(const Line *line, str text, Py_ssize_t end, Py_ssize_t floor, const uint32_t *pairs):
    """Return the character whose two bytes end at `end`, "" where there is none: not before `floor`."""
    cdef Py_ssize_t here = end - 1
    cdef uint32_t last, before
    if here < floor:
        return ""
    last = unit(line, here)
    if last > 0xFF:
        return text[here:end]
    if here - 1 < floor or not 0x40 <= last <= 0xFE or last == 0x7F:
        return ""
    before = unit(line, here - 1)
    if before > 0xFF and 0x81 <= before & 0xFF <= 0xFE:
        return chr(pairs[(before & 0xFF) << 8 | last])
    return ""


def insertions(str text not None, const uint8_t[::1] kinds not None, const uint16_t[::1] units not None, const uint32_t[::1] pairs not None, known, type token not None):
    """Return (the insertions of one line as `token`s, where the last one ends).

    By BMP code point, `kinds` has what a character is and `units` its bytes; `pairs` has the character of each two bytes.
    `known` gives an inserted string and its reading, or None where it is no syllable of Mandarin.
    """
    cdef Line line
    cdef Py_ssize_t place = 0, start, body, end, more, floor = 0
    cdef uint32_t code
    cdef bint marked, kept
    cdef str inserted
    cdef list found = []
    if len(kinds) != BMP or len(units) != BMP or len(pairs) != BMP:
        raise ValueError("a table has 65536 entries")
    line.kind, line.data, line.size = PyUnicode_KIND(text), PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text)
    line.kinds, line.units = &kinds[0], &units[0]
    make = tuple.__new__
    while place < line.size:
        start, body, marked, kept = place, place + 1, False, False
        place += 1
        code = read(&line, start)
        if code == b"(":
            end = reading_end(&line, body, b")")
        elif code == WIDE_OPEN:
            end = reading_end(&line, body, WIDE_CLOSE)
        elif is_mark(&line, code):
            marked = True
            kept = read(&line, body) == b"("
            body += kept
            end = reading_end(&line, body, b")")
        else:
            continue
        if end < 0:
            continue
        while code != WIDE_OPEN and read(&line, end) == b"(":
            more = reading_end(&line, end + 1, b")")
            if more < 0:
                break
            end = more
        inserted = "(" + text[body:end] if marked and not kept else text[body - 1 : end]
        reading = known(inserted)
        if reading is not None:
            if marked:
                found.append(make(token, (start, end, text[start : start + 1], kept, inserted, reading, "", False)))
            else:
                found.append(make(token, (start, end, "", False, inserted, reading, window(&line, text, start, floor, &pairs[0]), False)))
            floor = end
        place = end
    return found, floor


cdef uint32_t COUNTS[BMP]  # all 0 between calls; nothing of Python's runs while it is not


def counted(str text not None):
    """Return how often each character stands in `text`."""
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), place, many = 0, beyond = 0
    cdef uint32_t code
    cdef uint32_t *found = <uint32_t *>malloc((2 * min(size, <Py_ssize_t>BMP) + 1) * sizeof(uint32_t))
    cdef dict counts = {}
    if not found:
        raise MemoryError
    try:
        for place in range(size):
            code = PyUnicode_READ(kind, data, place)
            if code >= BMP:
                beyond += 1
                continue
            if not COUNTS[code]:
                found[2 * many] = code
                many += 1
            COUNTS[code] += 1
        for place in range(many):
            code = found[2 * place]
            found[2 * place + 1] = COUNTS[code]
            COUNTS[code] = 0
        for place in range(many):
            counts[chr(found[2 * place])] = found[2 * place + 1]
    finally:
        free(found)
    if beyond:
        for character in text:
            if character > "\uffff":
                counts[character] = counts.get(character, 0) + 1
    return counts


def injected(bytes data not None, const uint16_t[::1] numbers not None, tuple encoded not None):
    """Return (where the windows that are entries begin, from left to right; `data` with the insertion behind each).

    `numbers` has the number of each window's entry, 0 for none, and `encoded` what each number inserts; where it is
    empty no text is made: None.
    """
    cdef Py_ssize_t size = PyBytes_GET_SIZE(data), place = 0, longer = size, cursor = 0, out = 0, part
    cdef const uint8_t *old = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef char *new
    cdef Py_ssize_t entries = len(encoded)
    cdef uint32_t number
    cdef list hits = []
    cdef bytes insertion, whole
    if len(numbers) != BMP:
        raise ValueError("a table has 65536 windows")
    while place + 1 < size:
        number = numbers[old[place] << 8 | old[place + 1]]
        if not number:
            place += 1
            continue
        hits.append(place)
        if entries:
            if number >= entries:
                raise ValueError("every number inserts something")
            longer += len(<bytes?>encoded[number])
        place += 2
    if not entries:
        return hits, None
    whole = PyBytes_FromStringAndSize(NULL, longer)
    new = PyBytes_AS_STRING(whole)
    for place in hits:
        insertion = encoded[numbers[old[place] << 8 | old[place + 1]]]
        part = place + 2 - cursor
        memcpy(new + out, old + cursor, part)
        out += part
        cursor = place + 2
        part = PyBytes_GET_SIZE(insertion)
        memcpy(new + out, PyBytes_AS_STRING(insertion), part)
        out += part
    memcpy(new + out, old + cursor, size - cursor)
    return hits, whole
