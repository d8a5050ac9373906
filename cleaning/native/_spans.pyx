# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Which stretches of a text look damaged: the gate, kinds of characters beside each other, stretches that read better swapped.

The Python twin is `spans`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc

from cleaning.native._score cimport BMP, NATS, Scorer, leads_three, pair, slot


def swapped(Scorer scorer not None, const uint32_t[::1] old not None, const uint32_t[::1] new not None, double gain):
    """Return the stretches (start, end) that read best as `new` where everything else stays `old`, without `old[0]`.

    Each stretch pays `gain`, half at either end.
    """
    cdef Py_ssize_t size = len(old) - 1, place, stop
    cdef int half = <int>(gain * NATS / 2)
    cdef int64_t clean = 0, inside = -2 * half, stay, begin, end, go
    cdef uint32_t was, now, was_new, now_new
    cdef bint swap, other
    cdef uint8_t *steps
    cdef list found = []
    if len(new) != len(old):
        raise ValueError("both readings of a line are of one length")
    if size < 1:
        return found
    steps = <uint8_t *>malloc(size)
    if not steps:
        raise MemoryError
    try:
        with nogil:
            was, was_new = slot(old[0]), slot(new[0])
            for place in range(size):
                now, now_new = slot(old[place + 1]), slot(new[place + 1])
                stay = clean + pair(scorer, was, now)
                begin = clean + pair(scorer, was, now_new) - half
                end = inside + pair(scorer, was_new, now) - half
                # ASCII and the like: no evidence for either
                go = inside + (pair(scorer, was, now) if now == now_new else pair(scorer, was_new, now_new))
                steps[place] = (end > stay) | (begin > go) << 1
                clean, inside = end if end > stay else stay, begin if begin > go else go
                was, was_new = now, now_new
        swap, stop = inside - half > clean, size
        for place in range(size - 1, -1, -1):
            other = steps[place] >> swap & 1
            if other and swap:
                found.append((place, stop))
                swap = False
            elif other:
                stop, swap = place, True
        if swap:
            found.append((0, stop))
    finally:
        free(steps)
    found.reverse()
    return found


def high_runs(str text not None):
    """Return how many characters of `text` stand above ASCII, and how many of them with ASCII on either side."""
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t place, high = 0, alone = 0, run = 0
    for place in range(PyUnicode_GET_LENGTH(text)):
        if PyUnicode_READ(kind, data, place) >= 0x80:
            run += 1
        elif run:
            high += run
            alone += run == 1
            run = 0
    return high + run, alone + (run == 1)


def line_counts(str text not None, list bounds not None, const uint8_t[::1] kinds not None):
    """Return of each line: how many characters stand above ASCII, how many of them alone, how many `kinds` marks by code point."""
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), start, end, place, high, alone, low, run
    cdef uint32_t code
    cdef list found = []
    if len(kinds) != BMP:
        raise ValueError("one answer for each character of the basic plane is wanted")
    for start, end in bounds:
        if start < 0 or end > size:
            raise ValueError("a line goes beyond its text")
        high = alone = low = run = 0
        for place in range(start, end):
            code = PyUnicode_READ(kind, data, place)
            if code >= 0x80:
                run += 1
                low += code < BMP and kinds[code]
            elif run:
                high += run
                alone += run == 1
                run = 0
        found.append((high + run, alone + (run == 1), low))
    return found


def has_near(str text not None, const uint8_t[::1] kinds not None):
    """Tell whether two characters that `kinds` marks by BMP code point stand side by side or with one between them."""
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t place, last = -3
    cdef uint32_t code
    if len(kinds) != BMP:
        raise ValueError("one answer for each character of the basic plane is wanted")
    for place in range(PyUnicode_GET_LENGTH(text)):
        code = PyUnicode_READ(kind, data, place)
        if code < BMP and kinds[code]:
            if place - last <= 2:
                return True
            last = place
    return False


def in_ranges(const uint32_t[::1] points not None, tuple ranges not None):
    """Return how many of `points` stand above ASCII, and how many of these in the half-open range that has most."""
    cdef Py_ssize_t place, high = 0, most = 0, found
    cdef uint32_t low, end
    for place in range(len(points)):
        high += points[place] >= 0x80
    for low, end in ranges:
        found = 0
        for place in range(len(points)):
            found += low <= points[place] < end
        most = max(most, found)
    return high, most


cdef inline bint is_later(uint8_t byte) noexcept:
    return 0x80 <= byte < 0xC0


cdef inline bint is_mark(uint8_t byte) noexcept:
    """Tell whether a byte stands for a lost one: a hole's, or a question mark."""
    return byte == 0xFF or byte == 0x3F


cdef Py_ssize_t sequence(const uint8_t *raw, Py_ssize_t size) noexcept:
    """Return how many bytes the next piece of UTF-8 has, a byte lost here and there: one where it is none."""
    if leads_three(raw[0]) and size > 1:
        if is_later(raw[1]):
            return 3 if size > 2 and (is_later(raw[2]) or is_mark(raw[2])) else 2
        if size > 2 and is_mark(raw[1]) and (is_later(raw[2]) or raw[2] == raw[1]):
            return 3
        return 1
    if raw[0] == 0xF0 and size > 3 and 0x90 <= raw[1] < 0xA0 and is_later(raw[2]) and is_later(raw[3]):
        return 4
    if size > 1 and ((raw[0] == 0xC2 and 0xA0 <= raw[1] < 0xC0) or (raw[0] == 0xC3 and is_later(raw[1]))):
        return 2
    return 1


cdef Py_ssize_t unit(const uint8_t *raw, Py_ssize_t size) noexcept:
    """Return how many bytes a character of UTF-8 has that begins here, a byte of it lost perhaps; 0 where none does."""
    if size < 2:
        return 0
    if leads_three(raw[0]):
        if is_later(raw[1]):
            return 3 if size > 2 and (is_later(raw[2]) or is_mark(raw[2])) else 2
        return 3 if size > 2 and is_mark(raw[1]) and (is_later(raw[2]) or raw[2] == raw[1]) else 0
    if raw[0] == 0xF0 and size > 3 and 0x90 <= raw[1] < 0xA0 and is_later(raw[2]) and is_later(raw[3]):
        return 4
    return doubled(raw, size)


cdef Py_ssize_t doubled(const uint8_t *raw, Py_ssize_t size) noexcept:
    """Return how many bytes there are of single bytes shown one by one before: a first byte and five later ones at least."""
    cdef Py_ssize_t place = 2
    if size < 12 or raw[0] != 0xC3 or not (0xA2 <= raw[1] <= 0xA9 or raw[1] == 0xAF):
        return 0
    while place + 1 < size and 0xC2 <= raw[place] <= 0xC3 and is_later(raw[place + 1]):
        place += 2
    return place if place >= 12 else 0


cdef Py_ssize_t further(const uint8_t *raw, Py_ssize_t size) noexcept:
    """Return how far the next character of UTF-8 goes that stands behind ASCII and single bytes shown one by one, 0 for none."""
    cdef Py_ssize_t place = 0, first, found
    while place < size and place < 60 and 0x20 <= raw[place] <= 0x7E:
        place += 1
    first = place
    while place < size:
        if raw[place] == 0xFF:
            place += 1
        elif place + 1 < size and ((raw[place] == 0xC2 and 0xA0 <= raw[place + 1] < 0xC0) or (raw[place] == 0xC3 and is_later(raw[place + 1]))):
            place += 2
        else:
            break
    found = unit(raw + place, size - place)
    while not found and place > first:  # the last of those may begin a doubled one
        place -= 1 if raw[place - 1] == 0xFF else 2
        found = doubled(raw + place, size - place)
    return place + found if found else 0


def utf8_regions(bytes data not None, const int64_t[::1] starts not None):
    """Return (first, last) of `starts` that are edges of characters of UTF-8 in each run of these, where they are two."""
    cdef const uint8_t *raw = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t place = 0, end, more, at = 0, first, last, size = PyBytes_GET_SIZE(data)
    cdef list found = []
    while place < size:
        more = unit(raw + place, size - place) if raw[place] >= 0xC3 else 0
        if not more:
            place += 1
            continue
        end = place
        while more:
            end += more
            more = further(raw + end, size - end)
        first = last = -1
        while True:
            while at < len(starts) and starts[at] < place:
                at += 1
            if at < len(starts) and starts[at] == place:
                last = at
                if first < 0:
                    first = at
            if place >= end:
                break
            place += sequence(raw + place, end - place)
        if first < last:
            found.append((first, last))
        place = end
    return found


def hits(str text not None, const uint32_t[::1] relations not None, int next_bit, uint32_t swaps, uint32_t three, bint first):
    """Return where a suspicious group of characters begins; the `first` alone if only that is asked for.

    `relations` says by UTF-16 unit what a character can begin, and above `next_bit` what it can complete; the groups of
    `three` are complete with a third one only, which `swaps` and the bits before them say.
    """
    cdef int kind = PyUnicode_KIND(text)
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), place = 0, told = -1
    cdef Py_ssize_t owner0 = -1, owner1 = -1, owner
    cdef uint32_t code, low = 0, here = 0, then = 0, last = 0, pairs
    cdef int ends = 0
    cdef list found = []
    if len(relations) != BMP:
        raise ValueError("a relation for each UTF-16 unit is wanted")
    while ends < 2:  # two units more complete what a lost byte at the very end begins, and nothing else
        if low:
            code, low = low, 0
            owner = place - 1
        elif place < size:
            code = PyUnicode_READ(kind, data, place)
            owner = place
            place += 1
            if code >= BMP:
                low = 0xDC00 | (code - BMP) & 0x3FF
                code = 0xD800 | (code - BMP) >> 10
        else:
            code, owner = 0, size
            ends += 1
        here, then, last = then, last, relations[code]
        if owner0 >= 0:
            pairs = here & then >> next_bit
            if pairs & ~three or (pairs << 2 | here & swaps) & last >> next_bit:
                if owner0 != told:
                    found.append(owner0)
                    told = owner0
                    if first:
                        break
        owner0, owner1 = owner1, owner
    return found
