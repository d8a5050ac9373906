# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The inner loops of `cleaning/repair` over text with injected pinyin.

The Python twins are `tokens.tokens` (`insertions`), `collections.Counter` (`counted`, `PairCount`) and `injection` (`injected`).
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
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


def aligned_changes(
    tuple tokens not None, str text not None, Py_ssize_t offset, list runs not None, entries, site_chars,
    const uint16_t[::1] units not None, const uint32_t[::1] pairs not None, type change not None, str rule not None, hits, rest,
):
    """Return the edits that take insertions out of one line, `text` at `offset` of its page, outside its `runs` (bounds).

    `entries` and `site_chars` are the table, `hits` gives what an edit relies on, and `rest` the edit for a token that the
    line ends in, or None.
    """
    cdef Line line
    cdef Py_ssize_t start, end, floor = 0, number = 0, begin, close
    cdef list found = []
    cdef str mark, inserted, char
    if len(units) != BMP or len(pairs) != BMP:
        raise ValueError("a table has 65536 entries")
    line.kind, line.data, line.size = PyUnicode_KIND(text), PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text)
    line.kinds, line.units = NULL, &units[0]
    make = tuple.__new__
    begin = close = line.size + 1
    if runs:
        begin, close = runs[0]
    for token in tokens:
        start, end, mark, _, inserted, _, char, is_cut_off = token
        if not 0 <= start < end <= line.size:
            raise ValueError("a token goes beyond its line")
        while close <= start:
            floor = close
            number += 1
            begin = close = line.size + 1
            if number < len(runs):
                begin, close = runs[number]
        if begin <= start or mark:
            continue
        if start - 2 < floor:
            char = window(&line, text, start, floor, &pairs[0])
        if is_cut_off:
            edit = rest(char, token)
            if edit is not None:
                found.append(edit)
        elif char and (entries.get(char) == inserted or char in site_chars):
            found.append(make(change, (rule, offset + start, offset + end, "", True, hits(char, inserted), ())))
        floor = end
    return found


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


cdef class PairCount:
    """How often each pair of neighbours stands in a text; asked for like a function."""

    cdef uint64_t *keys              # 0 where there is none: characters are counted from 1 there
    cdef uint32_t *times
    cdef size_t mask, used

    def __cinit__(self):
        self.keys, self.times, self.mask, self.used = NULL, NULL, 0, 0

    def __init__(self, str text not None):
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t place
        cdef uint64_t key
        cdef size_t at
        if self.keys:
            raise ValueError("counted once")
        self.grow(FIRST_SLOTS)
        for place in range(PyUnicode_GET_LENGTH(text) - 1):
            key = pair_key(PyUnicode_READ(kind, data, place), PyUnicode_READ(kind, data, place + 1))
            at = self.find(key)
            if not self.keys[at]:
                if 2 * self.used > self.mask:
                    self.grow(2 * self.mask + 2)
                    at = self.find(key)
                self.used += 1
                self.keys[at] = key
            self.times[at] += 1

    def __dealloc__(self):
        free(self.keys)
        free(self.times)

    cdef int grow(self, size_t slots) except -1:
        """Move what is counted to a table of so many places, a power of two."""
        cdef uint64_t *keys = self.keys
        cdef uint32_t *times = self.times
        cdef size_t old, at, size = self.mask + 1
        self.keys = <uint64_t *>calloc(slots, sizeof(uint64_t))
        self.times = <uint32_t *>calloc(slots, sizeof(uint32_t))
        if not self.keys or not self.times:
            free(keys)
            free(times)
            raise MemoryError
        self.mask = slots - 1
        if keys:
            for old in range(size):
                if keys[old]:
                    at = self.find(keys[old])
                    self.keys[at], self.times[at] = keys[old], times[old]
        free(keys)
        free(times)
        return 0

    cdef size_t find(self, uint64_t key) noexcept:
        """Return where a pair is counted, or would be."""
        cdef size_t at = <size_t>(key * MIX >> 32) & self.mask
        while self.keys[at] and self.keys[at] != key:
            at = (at + 1) & self.mask
        return at

    def __call__(self, str pair not None):
        if PyUnicode_GET_LENGTH(pair) != 2:
            raise ValueError("a pair has two characters")
        return self.times[self.find(pair_key(at_(pair, 0), at_(pair, 1)))]


cdef enum:
    FIRST_SLOTS = 4096


cdef uint64_t MIX = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio: neighbours' keys end far apart


cdef inline uint64_t pair_key(uint32_t left, uint32_t right) noexcept:
    return (<uint64_t>left + 1) << 32 | right


cdef inline uint32_t at_(str text, Py_ssize_t place):
    return PyUnicode_READ(PyUnicode_KIND(text), PyUnicode_DATA(text), place)


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
