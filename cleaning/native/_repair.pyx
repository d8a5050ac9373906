# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""The innermost loops of `cleaning/repair`: the language model over characters, and the searches that ask it at each.

The Python twins are `badness` (a `Scorer` answers what `total_logprob`, `bigram_score` and `run_score` do), `hybrid`
(`hybrid_line`), `solve` (`solve_pairs`) and `spans` (`swapped`). The model's values are sixteenths of a natural logarithm, so
sums are exact in whichever order they are made, and both twins say the same to the last bit. Here they are integers.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc, realloc

cdef extern from "Python.h":
    object PyUnicode_FromKindAndData(int kind, const void *buffer, Py_ssize_t size)

cdef enum:
    BMP = 65536
    OUTSIDE = 0xFFFF       # the model's slot for every character outside the basic plane ...
    UNDECODED = 0xFFFE     # ... and for this project's exact-byte markers, in plane 16
    PLANE_16 = 0x100000
    MARKERS = 0x10FF00     # a marker is this plus its byte
    HOLE = 0xFFFD
    ID_BITS = 14
    NATS = 16              # a natural logarithm in the model's units


cdef inline uint32_t slot(uint32_t code) noexcept nogil:
    """Return a code point as the model indexes it."""
    if code <= OUTSIDE:
        return code
    return UNDECODED if code >= PLANE_16 else OUTSIDE


cdef inline object text_of(const uint32_t *points, Py_ssize_t size):
    return PyUnicode_FromKindAndData(4, points, size)


cdef inline uint32_t at_(str text, Py_ssize_t place):
    return PyUnicode_READ(PyUnicode_KIND(text), PyUnicode_DATA(text), place)


cdef class Scorer:
    """The bigram model's tables; log-probabilities come out as floats, in nats."""

    cdef const uint8_t[::1] dense
    cdef const uint32_t[::1] rows, columns, ids, pairs, firsts
    cdef const uint8_t[::1] values, rare
    cdef const int16_t[::1] begin, boundary

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

    cdef inline int64_t number(self, uint32_t left, uint32_t right) noexcept nogil:
        """Return which stored pair two slots are, -1 for none."""
        cdef uint32_t first = self.ids[left]
        cdef uint32_t key = first << ID_BITS | self.ids[right]
        cdef int64_t low = self.firsts[first], high = self.firsts[first + 1], middle
        while low < high:
            middle = (low + high) >> 1
            if self.pairs[middle] < key:
                low = middle + 1
            else:
                high = middle
        if low < self.firsts[first + 1] and self.pairs[low] == key:
            return low
        return -1

    cdef inline int pair(self, uint32_t left, uint32_t right) noexcept nogil:
        """Return log P(right | left) of two slots."""
        cdef int stored = self.dense[self.rows[left] | self.columns[right]]
        cdef int64_t number
        if stored:
            return -stored
        if self.rare[left] | self.rare[right]:
            number = self.number(left, right)
            if number >= 0:
                return -<int>self.values[number]
        return self.boundary[left] + self.begin[right]

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
            total += self.pair(left, right)
            left = right
        return <double>total / NATS

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
            if self.pair(left, right) >= floor * NATS:
                found += 1
            left = right
        return found


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
                stay = clean + scorer.pair(was, now)
                begin = clean + scorer.pair(was, now_new) - half
                end = inside + scorer.pair(was_new, now) - half
                # ASCII and the like: no evidence for either
                go = inside + (scorer.pair(was, now) if now == now_new else scorer.pair(was_new, now_new))
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


# --- a hybrid: pieces that happen to be valid UTF-8 were decoded as UTF-8, every other byte as cp1252 -----------------

cdef enum:
    KEYS = 257             # no byte pending, or one of 256
    MOST_OUT = 8           # characters that one character of a hybrid can put out: four bytes make no more than five


cdef struct Link:
    int32_t before         # number of the link before, -1 for none
    int32_t end            # where it ends in the line: -1 while a byte is pending
    int32_t size
    uint32_t out[MOST_OUT]


cdef class Links:
    """Links of readings, each made once; what no reading leads to any more is forgotten from time to time."""

    cdef Link *links
    cdef int32_t count, room, due

    def __cinit__(self):
        self.count, self.room, self.due = 0, 1024, 1 << 16
        self.links = <Link *>malloc(self.room * sizeof(Link))
        if not self.links:
            raise MemoryError

    def __dealloc__(self):
        free(self.links)

    cdef int32_t add(self, int32_t before, int32_t end, int32_t size, const uint32_t *out) except -1:
        cdef Link *link
        cdef void *grown
        cdef int32_t number
        if self.count == self.room:
            if self.room > 1 << 29:
                raise MemoryError
            grown = realloc(self.links, 2 * <size_t>self.room * sizeof(Link))
            if not grown:
                raise MemoryError
            self.links = <Link *>grown
            self.room *= 2
        link = &self.links[self.count]
        link.before, link.end, link.size = before, end, size
        for number in range(size):
            link.out[number] = out[number]
        self.count += 1
        return self.count - 1

    cdef int keep(self, int32_t *ends, int count) except -1:
        """Forget the links that none of `ends` leads back to; these are renumbered."""
        cdef int32_t *places = <int32_t *>malloc(self.count * sizeof(int32_t))
        cdef int32_t number, kept = 0
        cdef int which
        if not places:
            raise MemoryError
        for number in range(self.count):
            places[number] = 0
        for which in range(count):
            number = ends[which]
            while number >= 0 and not places[number]:
                places[number] = 1
                number = self.links[number].before
        for number in range(self.count):
            if places[number]:
                if self.links[number].before >= 0:
                    self.links[number].before = places[self.links[number].before]
                self.links[kept] = self.links[number]
                places[number] = kept
                kept += 1
        for which in range(count):
            if ends[which] >= 0:
                ends[which] = places[ends[which]]
        self.count = kept
        self.due = 2 * kept + (1 << 16)
        free(places)
        return 0


cdef struct Hybrid:
    int64_t score[KEYS]
    uint32_t last[KEYS]
    int32_t link[KEYS]
    int keys[KEYS]         # in the order in which they were first reached
    int count


cdef struct Out:
    int64_t worth
    int pending
    int size
    uint32_t points[MOST_OUT]


cdef int utf8(uint32_t code, uint8_t *data) noexcept nogil:
    """Write the UTF-8 of a code point, lone surrogates too; return its length."""
    if code < 0x80:
        data[0] = code
        return 1
    if code < 0x800:
        data[0], data[1] = 0xC0 | code >> 6, 0x80 | code & 63
        return 2
    if code < 0x10000:
        data[0], data[1], data[2] = 0xE0 | code >> 12, 0x80 | code >> 6 & 63, 0x80 | code & 63
        return 3
    data[0], data[1], data[2], data[3] = 0xF0 | code >> 18, 0x80 | code >> 12 & 63, 0x80 | code >> 6 & 63, 0x80 | code & 63
    return 4


cdef void move(const uint8_t *data, int size, int pending, const uint32_t[::1] table, int per_byte, int bad, Out *out) noexcept nogil:
    """Say what bytes put out behind a pending one (-1: none)."""
    cdef int place, byte
    cdef uint32_t character
    out.worth, out.size = per_byte * size, 0
    for place in range(size):
        byte = data[place]
        if pending < 0:
            if byte > 0x80:
                pending = byte
            else:
                out.points[out.size] = byte
                out.size += 1
            continue
        character = table[pending << 8 | byte]
        if character:
            pending = -1
            out.points[out.size] = character
            out.size += 1
            continue
        out.worth += bad
        out.points[out.size] = HOLE
        out.size += 1
        pending = byte if byte > 0x80 else -1
        if byte <= 0x80:
            out.points[out.size] = byte
            out.size += 1
    out.pending = pending


def hybrid_line(
    Scorer scorer not None,
    str line not None,
    str left not None,
    const uint32_t[::1] table not None,
    const uint8_t[::1] singles not None,
    double per_byte,
    double bad_byte,
    double width,
):
    """Return the links (text put out, where it ends or -1) of the likeliest reading of one line; None where it has none.

    `table` has the character of each pair of bytes, 0 for none; `singles` the byte that cp1252 shows as a character.
    """
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(line), place
    cdef int kind = PyUnicode_KIND(line)
    cdef const void *text = PyUnicode_DATA(line)
    cdef Links links = Links()
    cdef Hybrid *now
    cdef Hybrid *ahead
    cdef Out out
    cdef uint8_t sources[2][4]
    cdef int sizes[2]
    cdef int options, option, number, key, target, kept, point, single
    cdef int worth = <int>(per_byte * NATS), bad = <int>(bad_byte * NATS), wide = <int>(width * NATS)
    cdef int64_t score, best
    cdef uint32_t code, last
    cdef int32_t ends[KEYS]
    cdef bint reached[KEYS]
    cdef int32_t link
    cdef list found = []
    if len(table) != BMP or PyUnicode_GET_LENGTH(left) != 1:
        raise ValueError("a table has 65536 pairs, and one character stands before a line")
    now = <Hybrid *>malloc(2 * sizeof(Hybrid))
    if not now:
        raise MemoryError
    ahead = now + 1
    cdef Hybrid *first = now
    try:
        now.count, now.keys[0] = 1, 0
        now.score[0], now.last[0], now.link[0] = 0, slot(at_(left, 0)), -1
        for place in range(size):
            code = PyUnicode_READ(kind, text, place)
            options = 0
            if code < 0x80:
                sources[0][0], sizes[0], options = code, 1, 1
            elif MARKERS < code <= MARKERS + 0xFF:
                sources[0][0], sizes[0], options = code - MARKERS, 1, 1
            elif code != HOLE:
                single = singles[code] if code < len(singles) else 0
                if single == 0 and code < 0x100:
                    single = code
                if single:
                    sources[0][0], sizes[0], options = single, 1, 1
                sizes[options] = utf8(code, sources[options])
                options += 1
            for number in range(KEYS):
                reached[number] = False
            ahead.count = 0
            best = -(<int64_t>1 << 62)
            for number in range(now.count):
                key = now.keys[number]
                for option in range(options):
                    move(sources[option], sizes[option], key - 1, table, worth, bad, &out)
                    score = now.score[key] + out.worth
                    last = now.last[key]
                    for point in range(out.size):
                        if out.points[point] != HOLE:
                            score += scorer.pair(last, slot(out.points[point]))
                            last = slot(out.points[point])
                    target = out.pending + 1
                    if reached[target] and ahead.score[target] >= score:
                        continue
                    if not reached[target]:
                        reached[target] = True
                        ahead.keys[ahead.count] = target
                        ahead.count += 1
                    ahead.score[target], ahead.last[target] = score, last
                    ahead.link[target] = links.add(now.link[key], place + 1 if target == 0 else -1, out.size, out.points)
                    if score > best:
                        best = score
            if not ahead.count:
                return None
            kept = 0
            for number in range(ahead.count):
                key = ahead.keys[number]
                if ahead.score[key] >= best - wide:
                    ahead.keys[kept] = key
                    kept += 1
            ahead.count = kept
            now, ahead = ahead, now
            if links.count > links.due:
                for number in range(now.count):
                    ends[number] = now.link[now.keys[number]]
                links.keep(ends, now.count)
                for number in range(now.count):
                    now.link[now.keys[number]] = ends[number]
        target, best = now.keys[0], -(<int64_t>1 << 62)
        for number in range(now.count):
            key = now.keys[number]
            score = now.score[key] + (bad if key else 0)
            if score > best:
                best, target = score, key
        link = now.link[target]
        while link >= 0:
            found.append((text_of(links.links[link].out, links.links[link].size), links.links[link].end))
            link = links.links[link].before
    finally:
        free(first)
    found.reverse()
    return found
