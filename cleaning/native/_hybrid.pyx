# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""A hybrid: pieces that happen to be valid UTF-8 were decoded as UTF-8, every other byte as cp1252.

The Python twin is `hybrid`.
"""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc, realloc

from cleaning.native._pieces cimport KNOWN, LIKELY, OPEN, Pieces
from cleaning.native._score cimport BMP, HOLE, MARKERS, NATS, Scorer, at_, pair, slot


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
    """Return the pieces of the likeliest reading of one line; None where it has none.

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
        for number in range(KEYS):
            reached[number] = False
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
                            score += pair(scorer, last, slot(out.points[point]))
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
                reached[key] = False
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
            found.append(link)
            link = links.links[link].before
    finally:
        free(first)
    found.reverse()
    return hybrid_pieces(links, found, line, singles)


cdef Pieces hybrid_pieces(Links links, list path, str line, const uint8_t[::1] singles):
    """Return the pieces of a reading, joined where one character puts nothing out or leaves a byte pending."""
    cdef Pieces pieces = Pieces()
    cdef Py_ssize_t start = 0, size = 0
    cdef int32_t number, point
    cdef Link *link
    cdef uint32_t shown, hole = HOLE
    cdef bint has_hole = False, plain = True, single
    cdef int kind
    for number in path:
        link = &links.links[number]
        pieces.put(link.out, link.size)
        size += link.size
        for point in range(link.size):
            has_hole |= link.out[point] == HOLE
            plain &= link.out[point] < 0x80
        if link.end < 0 or not size:
            continue
        if has_hole:
            kind = OPEN
        elif plain:
            kind = KNOWN
        else:
            # One character of UTF-8 allows one reading; single bytes could be two pairs as well.
            shown = at_(line, start)
            single = shown <= 0xFF or (shown < len(singles) and singles[shown])
            kind = LIKELY if single or link.end - start != 1 or size != 1 else KNOWN
        pieces.close(start, link.end, kind)
        start, size, has_hole, plain = link.end, 0, False, True
    if start < PyUnicode_GET_LENGTH(line):
        pieces.put(&hole, 1)
        pieces.close(start, PyUnicode_GET_LENGTH(line), OPEN)
    return pieces
