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
from libc.stdlib cimport calloc, free, malloc, realloc

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
    LEVELS = 256           # what the model says of one character, in these units
    BEYOND = 0x110000      # a table's entries from here on are texts of several characters
    FEW = 256              # texts that are sorted by insertion


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
    type piece not None,
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
            found.append(link)
            link = links.links[link].before
    finally:
        free(first)
    found.reverse()
    return hybrid_pieces(links, found, line, singles, piece)


cdef list hybrid_pieces(Links links, list path, str line, const uint8_t[::1] singles, type piece):
    """Return the pieces of a reading, joined where one character puts nothing out or leaves a byte pending."""
    cdef list pieces = []
    cdef Py_ssize_t start = 0
    cdef int32_t number, point
    cdef Link *link
    cdef str text = ""
    cdef uint32_t shown
    make = tuple.__new__
    for number in path:
        link = &links.links[number]
        if link.size:
            text = text + text_of(link.out, link.size) if text else text_of(link.out, link.size)
        if link.end < 0 or not text:
            continue
        if _HOLE in text:
            kind = _OPEN
        elif text.isascii():
            kind = _KNOWN
        else:
            # One character of UTF-8 allows one reading; single bytes could be two pairs as well.
            shown = at_(line, start)
            single = shown <= 0xFF or (shown < len(singles) and singles[shown])
            kind = _LIKELY if single or link.end - start != 1 or PyUnicode_GET_LENGTH(text) != 1 else _KNOWN
        pieces.append(make(piece, (start, link.end, text, kind, "")))
        start, text = link.end, ""
    if start < PyUnicode_GET_LENGTH(line):
        pieces.append(make(piece, (start, PyUnicode_GET_LENGTH(line), text + _HOLE, _OPEN, "")))
    return pieces


def moved(pieces not None, Py_ssize_t by, type piece not None):
    """Return `pieces` so many characters further on."""
    cdef list found = []
    cdef Py_ssize_t start, end
    make = tuple.__new__
    for start, end, text, kind, guess in pieces:
        found.append(make(piece, (start + by, end + by, text, kind, guess)))
    return found


# --- a two-byte encoding was written and read as another ---------------------------------------------------------------

cdef tuple _NO_TRAIL = ()
cdef object _KNOWN = "known", _FORCED = "forced", _LIKELY = "likely", _OPEN = "open", _HOLE = "\N{REPLACEMENT CHARACTER}"


@cython.final
@cython.freelist(64)
cdef class Reading:
    """One way to read a span so far; see the Python twin's."""

    cdef int64_t score
    cdef uint32_t last
    cdef int32_t since
    cdef int waiting            # bytes that have not made a character yet
    cdef uint8_t pending[4]
    cdef bytes leads            # what a lost lead may be, None where none is lost
    cdef object trail           # (the trail before, start, end, text, kind, options), None at the beginning


cdef Reading with_pending(Reading old, const uint8_t *pending, int waiting, int64_t worth):
    """Return `old` with other bytes pending, no lost lead among them, and a score that is so much better."""
    cdef Reading new = Reading.__new__(Reading)
    cdef int place
    new.score, new.last, new.since, new.trail = old.score + worth, old.last, old.since, old.trail
    new.waiting, new.leads = waiting, None
    for place in range(min(waiting, 4)):  # never more than three
        new.pending[place] = pending[place]
    return new


cdef class Workspace:
    """Memory for one span: its bytes, where each character's begin, and what is decoded."""

    cdef uint8_t *data
    cdef uint8_t *whole
    cdef uint32_t *points
    cdef int32_t *offsets
    cdef Py_ssize_t size

    def __cinit__(self, Py_ssize_t size):
        # No character has more than four bytes; up to three are pending before those of a run.
        if size > 1 << 28:
            raise MemoryError
        self.data = <uint8_t *>malloc(4 * size + 8)
        self.whole = <uint8_t *>malloc(4 * size + 16)
        self.points = <uint32_t *>malloc((4 * size + 16) * sizeof(uint32_t))
        self.offsets = <int32_t *>malloc((size + 1) * sizeof(int32_t))
        if not (self.data and self.whole and self.points and self.offsets):
            raise MemoryError

    def __dealloc__(self):
        free(self.data)
        free(self.whole)
        free(self.points)
        free(self.offsets)


def pair_texts(const uint32_t[::1] table not None, bytes leads not None, bytes trails not None):
    """Return the characters that one of `leads` makes with one of `trails`, each once, in order; no text of several."""
    cdef const uint8_t *firsts = <const uint8_t *>PyBytes_AS_STRING(leads)
    cdef const uint8_t *seconds = <const uint8_t *>PyBytes_AS_STRING(trails)
    cdef Py_ssize_t many = PyBytes_GET_SIZE(leads), more = PyBytes_GET_SIZE(trails), one, other, size = 0
    cdef uint32_t code
    cdef uint8_t *known
    cdef uint32_t *found
    if len(table) != BMP:
        raise ValueError("a table of pairs has one entry for each")
    if not many or not more:
        return ""
    if many > 256 or more > 256:
        raise ValueError("there are 256 bytes")
    known = <uint8_t *>calloc(BEYOND >> 3, 1)
    found = <uint32_t *>malloc(many * more * sizeof(uint32_t))
    try:
        if not known or not found:
            raise MemoryError
        for one in range(many):
            for other in range(more):
                code = table[firsts[one] << 8 | seconds[other]]
                if 0 < code < BEYOND and not known[code >> 3] & 1 << (code & 7):
                    known[code >> 3] |= 1 << (code & 7)
                    found[size] = code
                    size += 1
        return text_of(found, size)
    finally:
        free(known)
        free(found)


def most_common(Scorer scorer not None, str text not None, int most):
    """Return the `most` commonest characters of `text`, in their order; of equals those that come first."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), place, kept = 0, above = 0, equal
    cdef int kind = PyUnicode_KIND(text), value, floor = 0
    cdef const void *data = PyUnicode_DATA(text)
    cdef Py_ssize_t counts[LEVELS]
    cdef uint32_t *found
    if size <= most:
        return text
    for value in range(LEVELS):
        counts[value] = 0
    for place in range(size):
        counts[level(scorer, PyUnicode_READ(kind, data, place))] += 1
    while above + counts[floor] < most and floor < LEVELS - 1:
        above += counts[floor]
        floor += 1
    equal = most - above
    found = <uint32_t *>malloc(size * sizeof(uint32_t))
    try:
        if not found:
            raise MemoryError
        for place in range(size):
            value = level(scorer, PyUnicode_READ(kind, data, place))
            if value < floor or (value == floor and equal > 0):
                equal -= value == floor
                found[kept] = PyUnicode_READ(kind, data, place)
                kept += 1
        return text_of(found, kept)
    finally:
        free(found)


cdef inline int level(Scorer scorer, uint32_t code) noexcept:
    """Return how rare a character is, from 0."""
    return min(max(-<int>scorer.begin[slot(code)], 0), LEVELS - 1)


cdef class Pairs:
    """The search through spans that one decoder of pairs, or of single bytes, read and that hold pairs of another."""

    cdef Scorer scorer
    cdef const uint8_t[::1] lengths
    cdef const uint8_t[:, ::1] parts
    cdef const uint8_t[::1] several
    cdef const uint32_t[::1] table
    cdef list longer
    cdef bint four_bytes, single_bytes
    cdef object sources, lost, lead_options, trail_options, piece
    cdef str writer
    cdef int bad, beam, wide, look_ahead, soon
    cdef double hopeless, sure
    cdef const int64_t[::1] weights

    def __init__(
        self, Scorer scorer not None, tuple tables not None, tuple written not None, tuple asked not None,
        type piece not None, const int64_t[::1] weights not None, str writer not None, bint single_bytes,
        double bad_byte, int beam, double width, int look_ahead, int soon, double hopeless, double sure,
    ):
        self.scorer, self.weights, self.writer, self.single_bytes = scorer, weights, writer, single_bytes
        self.lengths, self.parts, self.several = tables
        self.table, self.longer = written
        self.sources, self.lost, self.lead_options, self.trail_options = asked
        self.piece, self.four_bytes = piece, writer == "gb18030"
        self.bad, self.beam, self.wide = <int>(bad_byte * NATS), beam, <int>(width * NATS)
        self.look_ahead, self.soon, self.hopeless, self.sure = look_ahead, soon, hopeless, sure
        sizes = {len(self.lengths), self.parts.shape[0], len(self.several), len(self.table)}
        if sizes != {BMP} or self.parts.shape[1] != 4 or not len(weights):
            raise ValueError("a table of this search is not of the size it should be")

    def solve(self, str span not None, str left not None):
        """Return the trails of the readings of `span`, the likeliest first; none where it can't have been read so.

        Raises ValueError when a character of the span is never shown by the decoder.
        """
        cdef Workspace work = Workspace(PyUnicode_GET_LENGTH(span))
        cdef int kind = PyUnicode_KIND(span)
        cdef const void *text = PyUnicode_DATA(span)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(span), place = 0, start, used
        cdef uint32_t code
        cdef int length
        cdef bint mark
        cdef Reading first = Reading.__new__(Reading)
        cdef list readings = [first], spread
        cdef Reading reading
        cdef bytes option
        if PyUnicode_GET_LENGTH(left) != 1:
            raise ValueError("one character stands before a span")
        first.last = at_(left, 0)
        work.offsets[0] = 0
        for place in range(size):  # all of it is looked at before any of it is searched
            code = PyUnicode_READ(kind, text, place)
            length = 0 if code == HOLE else self._length(span, code, place)
            if length == 0 and code != HOLE:
                raise ValueError(f"{span[place]!r} is never shown by this decoder")
            work.offsets[place + 1] = work.offsets[place] + length
        place = 0
        while place < size:
            code = PyUnicode_READ(kind, text, place)
            mark = code == HOLE or code == c"?" or (self.single_bytes and code == c" ")
            spread = []
            if mark:
                self._mark(work, span, place, readings, spread)
                place += 1
            elif self._is_several(code):
                for reading in readings:
                    for option in self.sources(span[place]):
                        spread.append(
                            self._feed(work, reading, <const uint8_t *>PyBytes_AS_STRING(option), PyBytes_GET_SIZE(option), place, place + 1)
                        )
                place += 1
            else:
                start, used = place, 0
                while place < size:
                    code = PyUnicode_READ(kind, text, place)
                    if code == HOLE or code == c"?" or (self.single_bytes and code == c" ") or self._is_several(code):
                        break
                    used += self._write(span, code, place, work.data + used)
                    place += 1
                for reading in readings:
                    spread.append(self._feed(work, reading, work.data, used, start, place))
            if not spread:
                return []
            readings = self._best(spread)
            reading = readings[0]
            if place > self.soon and <double>reading.score / NATS < self.hopeless * place:
                return []
        scored = [(-(<Reading>one).score - (self.bad if (<Reading>one).waiting else 0), number) for number, one in enumerate(readings)]
        return [self._ended(readings[number], size) for _, number in sorted(scored)]

    cdef object _ended(self, Reading reading, Py_ssize_t size):
        if reading.waiting:
            reading = self._put_text(reading, _HOLE, HOLE, 0, size, _OPEN, None)
        return reading.trail

    cdef inline bint _is_several(self, uint32_t code) noexcept:
        """Tell whether a character has several sources; outside the basic plane none has."""
        return code < BMP and self.several[code]

    cdef int _length(self, str span, uint32_t code, Py_ssize_t place) except -1:
        """Return how many bytes a character stands for, its likeliest ones."""
        cdef tuple found
        if code < BMP and code != UNDECODED:
            return self.lengths[code]
        if MARKERS < code <= MARKERS + 0xFF:
            return 1
        found = self.sources(span[place])
        return len(found[0]) if found else 0

    cdef int _write(self, str span, uint32_t code, Py_ssize_t place, uint8_t *data) except -1:
        """Write the same bytes; return how many there are."""
        cdef int number, length
        cdef bytes found
        if code < BMP and code != UNDECODED:
            length = self.lengths[code]
            for number in range(length):
                data[number] = self.parts[code, number]
            return length
        if MARKERS < code <= MARKERS + 0xFF:
            data[0] = code - MARKERS
            return 1
        found = self.sources(span[place])[0]
        for number in range(PyBytes_GET_SIZE(found)):
            data[number] = PyBytes_AS_STRING(found)[number]
        return PyBytes_GET_SIZE(found)

    cdef Reading _put(self, Reading old, const uint32_t *points, Py_ssize_t size, Py_ssize_t end, object kind, object options):
        """Return `old` with so many characters put out; `end` is where in the span these end, or -1 inside one."""
        cdef Reading new = self._put_text(old, text_of(points, size), points[0], 0, end, kind, options)
        cdef Py_ssize_t place
        for place in range(1, min(size, self.look_ahead)):
            new.score += self.scorer.pair(slot(points[place - 1]), slot(points[place]))
        new.last = points[size - 1]
        return new

    cdef Reading _put_text(self, Reading old, object text, uint32_t code, int64_t worth, Py_ssize_t end, object kind, object options):
        """The same for a text of one character."""
        cdef Reading new = Reading.__new__(Reading)
        cdef int place
        new.since = old.since if end < 0 else end
        new.score = old.score + worth + self.scorer.pair(slot(old.last), slot(code))
        new.last, new.waiting, new.leads = code, old.waiting, old.leads
        for place in range(old.waiting):
            new.pending[place] = old.pending[place]
        new.trail = (old.trail, old.since, new.since, text, kind, options)
        return new

    cdef int64_t _four(self, const uint8_t *data) except -2:
        """Return the code point of a four-byte form, -1 where it is none."""
        try:
            text = (<const char *>data)[:4].decode("gb18030")
        except UnicodeDecodeError:
            return -1
        return ord(text) if len(text) == 1 else -1

    cdef Reading _feed(self, Workspace work, Reading reading, const uint8_t *data, Py_ssize_t size, Py_ssize_t start, Py_ssize_t end):
        """Return `reading` after the known bytes `data`, which are those of `span[start:end]` (or its last ones)."""
        cdef Py_ssize_t total, place, count = 0
        cdef uint32_t shown
        cdef int64_t four
        if reading.leads is not None:
            options = self.lead_options(reading.leads, data[0], self.writer)
            if options:
                best = self._likeliest(reading.last, options)
                reading = self._put_text(reading, options[best], at_(options, best), 0, end if size == 1 else -1, _LIKELY, options)
                reading = with_pending(reading, NULL, 0, 0)
                data += 1
                size -= 1
            else:
                reading = with_pending(self._put_text(reading, _HOLE, HOLE, 0, -1, _OPEN, None), NULL, 0, self.bad)
        if not size:
            return reading
        for place in range(reading.waiting):
            work.whole[place] = reading.pending[place]
        for place in range(size):
            work.whole[reading.waiting + place] = data[place]
        total = reading.waiting + size
        place = 0
        while place < total:
            if work.whole[place] < 0x80:
                work.points[count] = work.whole[place]
                count += 1
                place += 1
                continue
            if place + 1 >= total:
                break
            if self.four_bytes and 0x30 <= work.whole[place + 1] <= 0x39:
                if place + 3 >= total:
                    break
                four = self._four(work.whole + place)
                if four < 0:
                    return self._feed_broken(work, reading, total, start, end)
                work.points[count] = <uint32_t>four
                count += 1
                place += 4
                continue
            shown = self.table[work.whole[place] << 8 | work.whole[place + 1]]
            if not shown:
                return self._feed_broken(work, reading, total, start, end)
            count = self._show(work, shown, count)
            place += 2
        if count:
            reading = self._put(reading, work.points, count, -1 if place < total else end, _KNOWN, None)
        return with_pending(reading, work.whole + place, total - place, 0)

    cdef Reading _feed_broken(self, Workspace work, Reading reading, Py_ssize_t total, Py_ssize_t start, Py_ssize_t end):
        """Return `reading` after bytes that don't all decode: each stretch of bad ones becomes a hole."""
        cdef Py_ssize_t place = 0, remaining = total, boundary = start, count = 0, used = 0, width, number
        cdef uint32_t shown
        cdef int64_t score
        cdef bint bad, was_bad = False, begun = False
        cdef Py_ssize_t stop = total
        # The last byte, if it could begin a character and doesn't follow bad ones, is pending.
        cdef Py_ssize_t tail = self._tail(work, total)
        reading = with_pending(reading, NULL, 0, 0)
        if tail:
            stop = total - 1
        while place <= stop:
            bad, width, shown = False, 1, 0
            if place < stop:
                shown = work.whole[place]
                if shown >= 0x80:
                    width, shown, bad = self._unit(work, place, total)
            if begun and (place == stop or bad != was_bad):
                remaining -= used
                while boundary < end and work.offsets[end] - work.offsets[boundary] > remaining:
                    boundary += 1
                number = boundary if work.offsets[end] - work.offsets[boundary] == remaining else -1
                if was_bad:  # bad bytes have their own price, and none for the hole that they leave
                    score = reading.score + self.bad * used
                    reading = self._put_text(reading, _HOLE, HOLE, 0, number, _OPEN, None)
                    reading.score = score
                else:
                    reading = self._put(reading, work.points, count, number, _KNOWN, None)
                count = used = 0
            if place == stop:
                break
            begun, was_bad = True, bad
            used += width
            if not bad:
                count = self._show(work, shown, count)
            place += width
        return with_pending(reading, work.whole + stop, total - stop, 0)

    cdef inline Py_ssize_t _show(self, Workspace work, uint32_t shown, Py_ssize_t count) except -1:
        """Put out what the table has for a pair of bytes, one character or several, behind `count` others; return the new count."""
        cdef str longer
        cdef Py_ssize_t number
        if shown <= 0x10FFFF:
            work.points[count] = shown
            return count + 1
        longer = self.longer[shown - 0x110000]
        for number in range(PyUnicode_GET_LENGTH(longer)):
            work.points[count + number] = at_(longer, number)
        return count + PyUnicode_GET_LENGTH(longer)

    cdef (Py_ssize_t, uint32_t, bint) _unit(self, Workspace work, Py_ssize_t place, Py_ssize_t total):
        """Return how many bytes the character at `place` has, what it is, and whether its first byte is bad."""
        cdef int64_t four
        cdef uint32_t shown
        if place + 1 < total:
            if self.four_bytes and 0x30 <= work.whole[place + 1] <= 0x39:
                if place + 3 < total:
                    four = self._four(work.whole + place)
                    if four >= 0:
                        return 4, <uint32_t>four, False
            else:
                shown = self.table[work.whole[place] << 8 | work.whole[place + 1]]
                if shown:
                    return 2, shown, False
        return 1, 0, True

    cdef bint _tail(self, Workspace work, Py_ssize_t total):
        """Tell whether the last byte is bad, but could begin a character, and stands behind a character."""
        cdef Py_ssize_t place = 0, width
        cdef uint32_t shown
        cdef bint bad = False, before = True
        while place < total:
            before = bad if place else True
            width, bad = 1, False
            if work.whole[place] >= 0x80:
                width, shown, bad = self._unit(work, place, total)
            place += width
        return bad and not before and 0x81 <= work.whole[total - 1] <= 0xFE

    cdef Py_ssize_t _likeliest(self, uint32_t last, str options):
        """Return the place of the option that follows `last` best."""
        cdef Py_ssize_t place, best = 0
        cdef int score, most = -(1 << 30)
        for place in range(PyUnicode_GET_LENGTH(options)):
            score = self.scorer.pair(slot(last), slot(at_(options, place)))
            if score > most:
                most, best = score, place
        return best

    cdef int _mark(self, Workspace work, str span, Py_ssize_t place, list readings, list spread) except -1:
        """Put the readings after a mark, which may stand for a lost byte or, but for U+FFFD, for itself, in `spread`."""
        cdef uint32_t code = at_(span, place), following
        cdef uint8_t itself = code & 0x7F
        cdef uint8_t data[4]
        cdef uint8_t lost_lead = 0xFF
        cdef Py_ssize_t before, best
        cdef bint waiting
        cdef Reading reading, new
        cdef bytes behind = b"", lost = None
        if place + 1 < PyUnicode_GET_LENGTH(span):
            following = at_(span, place + 1)
            if following != HOLE:
                behind = (<const char *>data)[:self._write(span, following, place + 1, data)]
        for reading in readings:
            before = len(spread)
            waiting = reading.waiting > 0 or reading.leads is not None
            if code != HOLE:
                spread.append(self._feed(work, reading, &itself, 1, place, place + 1))
                if code == c" " and not waiting:
                    continue
            if lost is None:
                lost = self.lost(span[place], behind)
            if lost and not waiting:
                new = with_pending(reading, &lost_lead, 1, -NATS)
                new.leads = lost
                spread.append(new)
            elif lost:
                options = self.trail_options(
                    reading.leads if reading.leads is not None else (<const char *>reading.pending)[reading.waiting - 1:reading.waiting],
                    lost, self.writer,
                )
                if options and reading.waiting == 1:
                    best = self._likeliest(reading.last, options)
                    new = self._put_text(reading, options[best], at_(options, best), 0, place + 1, _LIKELY, options)
                    spread.append(with_pending(new, NULL, 0, 0))
            if len(spread) == before:
                new = self._put_text(reading, _HOLE, HOLE, 0, place + 1, _OPEN, None)
                spread.append(with_pending(new, NULL, 0, self.bad))
        return 0

    cdef list _best(self, list spread):
        """Return the best reading of each state, the best first, without the hopeless ones."""
        cdef list ordered, kept = []
        cdef Reading one, other
        cdef Py_ssize_t place
        cdef bint known
        if len(spread) == 1:
            return spread
        ordered = []
        for one in spread:
            place = len(ordered)
            while place and (<Reading>ordered[place - 1]).score < one.score:
                place -= 1
            ordered.insert(place, one)
        for one in ordered:
            known = False
            for other in kept:
                if other.last == one.last and other.waiting == one.waiting:
                    known = True
                    for place in range(one.waiting):
                        known = known and other.pending[place] == one.pending[place]
                    if known:
                        break
            if not known:
                if len(kept) == self.beam or (kept and one.score < (<Reading>kept[0]).score - self.wide):
                    break
                kept.append(one)
        return kept

    def pieces(self, trail, str left not None, str right not None):
        """Return the pieces of a reading in order, its fills judged again between both neighbours."""
        cdef list trails = [], pieces = []
        cdef Py_ssize_t place
        cdef tuple one
        cdef str text, options, last = left
        while trail is not None:
            trails.append(trail)
            trail = (<tuple>trail)[0]
        trails.reverse()
        make = tuple.__new__
        for place in range(len(trails)):
            one = trails[place]
            text, options = one[3], one[5]
            if options is None or not options:
                pieces.append(make(self.piece, (one[1], one[2], text, one[4], "")))
            else:
                after = (<tuple>trails[place + 1])[3] if place + 1 < len(trails) else right
                pieces.append(make(self.piece, (one[1], one[2], *self._choose(options, at_(last, PyUnicode_GET_LENGTH(last) - 1), at_(after, 0)))))
                text = (<tuple>pieces[place])[2]
            last = text
        return pieces

    cdef tuple _choose(self, str options, uint32_t before, uint32_t after):
        """Return the option that the model is sure of between its neighbours, or a hole; a single option is forced."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(options), place, best = 0
        cdef int most = -(1 << 30), off
        cdef int scores[256]
        cdef int64_t weight = 0
        cdef uint32_t code
        if size == 1:
            return options, _FORCED, ""
        if size > 256:
            raise ValueError("too many options for one lost byte")
        for place in range(size):
            code = slot(at_(options, place))
            scores[place] = self.scorer.pair(slot(before), code)
            if not 0xDC80 <= after <= 0xDCFF:
                scores[place] += self.scorer.pair(code, slot(after))
            if scores[place] > most:
                most, best = scores[place], place
        for place in range(size):
            off = most - scores[place]
            weight += self.weights[off] if off < len(self.weights) else 0
        if self.weights[0] >= self.sure * weight:
            return options[best], _LIKELY, ""
        return _HOLE, _OPEN, options[best]


# --- UTF-8 was written and bytes were lost -----------------------------------------------------------------------------

cdef int decoded(const uint8_t *data, Py_ssize_t size, uint32_t *points) noexcept nogil:
    """Write the characters of `data`, strict UTF-8; return how many there are, -1 where it is none."""
    cdef Py_ssize_t place = 0
    cdef int count = 0, more, number
    cdef uint32_t code
    while place < size:
        code = data[place]
        place += 1
        if code < 0x80:
            points[count] = code
            count += 1
            continue
        if 0xC2 <= code < 0xE0:
            more, code = 1, code & 0x1F
        elif 0xE0 <= code < 0xF0:
            more, code = 2, code & 0x0F
        elif 0xF0 <= code < 0xF5:
            more, code = 3, code & 0x07
        else:
            return -1
        if place + more > size:
            return -1
        for number in range(more):
            if data[place] & 0xC0 != 0x80:
                return -1
            code = code << 6 | (data[place] & 0x3F)
            place += 1
        if (more == 2 and (code < 0x800 or 0xD800 <= code < 0xE000)) or (more == 3 and not 0x10000 <= code <= 0x10FFFF):
            return -1
        points[count] = code
        count += 1
    return count


cdef enum:
    MOST_RAW = 64          # bytes of one broken place up to which it is filled in here, with room for two more


cdef Py_ssize_t wanted(uint8_t lead) noexcept nogil:
    """Return how many bytes follow `lead` in UTF-8; -1 when it leads nothing."""
    if lead < 0x80:
        return 0
    return 1 if 0xC2 <= lead < 0xE0 else 2 if 0xE0 <= lead < 0xF0 else 3 if 0xF0 <= lead < 0xF5 else -1


def shown_as(texts not None, const uint8_t[::1] lengths not None, sources):
    """Return those of `texts` of which every character has bytes: `lengths` by BMP code point, `sources` for any other."""
    cdef list kept = []
    cdef str text
    cdef Py_ssize_t place
    cdef uint32_t code
    cdef bint whole
    if len(lengths) != BMP:
        raise ValueError("a length for each character of the basic plane is wanted")
    for text in texts:
        whole = True
        for place in range(PyUnicode_GET_LENGTH(text)):
            code = at_(text, place)
            whole = whole and (lengths[code] > 0 if code < UNDECODED else bool(sources(text[place])))
        if whole:
            kept.append(text)
    return kept


def written_as(tuple texts not None, const uint8_t[::1] lengths not None, const uint8_t[:, ::1] parts not None, sources):
    """Return the bytes of each of `texts`, each byte string once: `lengths` and `parts` by BMP code point."""
    cdef list found = []
    cdef set known = set()
    cdef str text
    cdef bytearray data
    cdef Py_ssize_t place, number
    cdef uint32_t code
    if len(lengths) != BMP or parts.shape[0] != BMP or parts.shape[1] != 4:
        raise ValueError("lengths and bytes for each character of the basic plane are wanted")
    for text in texts:
        data = bytearray()
        for place in range(PyUnicode_GET_LENGTH(text)):
            code = at_(text, place)
            if code < UNDECODED:
                for number in range(min(lengths[code], 4)):
                    data.append(parts[code, number])
            else:
                options = sources(text[place])
                data += options[0] if options else b""
        whole = bytes(data)
        if whole not in known:
            known.add(whole)
            found.append(whole)
    return tuple(found)


cdef class Fillings:
    """Broken places of UTF-8, filled with every byte string that may have been lost there."""

    cdef object lost
    cdef list found
    cdef set known
    cdef Py_ssize_t left
    cdef uint8_t hole, choice, unmarked
    cdef bytes tail
    cdef object reader, mark

    def __init__(self, lost, uint8_t hole, uint8_t choice, uint8_t unmarked):
        self.lost, self.hole, self.choice, self.unmarked = lost, hole, choice, unmarked

    def texts(self, bytes raw not None, tuple options not None, tuple edges not None, bytes tail not None, reader, mark, Py_ssize_t most):
        """Return the texts of `raw`, one broken character, with lost bytes filled in; each text once.

        `options` are what its one choice stands for, `edges` the places where an unmarked byte may be wanting, `tail` the
        bytes behind it, which decide what `reader` loses and shows as `mark`. No more than `most` are tried.
        """
        cdef bytes option
        cdef uint8_t data[MOST_RAW]
        cdef Py_ssize_t place, size, number
        self.found, self.known, self.left = [], set(), most
        self.tail, self.reader, self.mark = tail, reader, mark
        for option in options:
            if PyBytes_GET_SIZE(raw) + PyBytes_GET_SIZE(option) + 4 > MOST_RAW:
                raise ValueError("a broken place has a few bytes only")
            size = 0
            for place in range(PyBytes_GET_SIZE(raw)):
                if <uint8_t>PyBytes_AS_STRING(raw)[place] == self.choice:
                    for number in range(PyBytes_GET_SIZE(option)):
                        data[size] = PyBytes_AS_STRING(option)[number]
                        size += 1
                else:
                    data[size] = PyBytes_AS_STRING(raw)[place]
                    size += 1
            if not self._hole(data, size, edges):
                break
        return self.found

    cdef bint _hole(self, uint8_t *data, Py_ssize_t size, tuple edges) except -1:
        """Mark every byte that `data` wants and no hole stands for, and fill it; return whether more may be tried."""
        cdef uint8_t holed[MOST_RAW]
        cdef Py_ssize_t place, first, second, missing = 0, holes = 0
        cdef uint8_t shown
        if size:
            missing = wanted(data[0])
        for place in range(size):
            if data[place] == self.unmarked:
                return True  # a byte that UTF-8 doesn't have
            holes += data[place] == self.hole
            missing -= place > 0 and data[place] >= 0x80
        if max(missing, 0) + holes > 2:
            return True
        if missing <= 0 or self.mark is None:
            return self._fill_if(data, size)
        if self.mark:
            shown = ord(self.mark)
            for place in range(size):
                holed[place] = data[place]
                if missing and data[place] == shown:
                    holed[place] = self.unmarked
                    missing -= 1
            return self._fill_if(holed, size)
        for first in range(len(edges)):
            if missing == 1:
                if not self._fill_if(holed, self._insert(holed, data, size, edges[first], -1)):
                    return False
                continue
            for second in range(first, len(edges)):
                if not self._fill_if(holed, self._insert(holed, data, size, edges[first], edges[second])):
                    return False
        return True

    cdef Py_ssize_t _insert(self, uint8_t *holed, const uint8_t *data, Py_ssize_t size, Py_ssize_t first, Py_ssize_t second) noexcept:
        """Write `data` with a mark before one place or two, both of them in order; return how long it is."""
        cdef Py_ssize_t place, written = 0
        first, second = min(first, size), min(second, size)
        for place in range(size + 1):
            if place == first:
                holed[written] = self.unmarked
                written += 1
            if place == second:
                holed[written] = self.unmarked
                written += 1
            if place < size:
                holed[written] = data[place]
                written += 1
        return written

    cdef bint _fill_if(self, uint8_t *data, Py_ssize_t size) except -1:
        """Fill `data` if any later bytes make UTF-8 of it: one of three does, whatever its first byte asks for."""
        cdef uint8_t tried[MOST_RAW]
        cdef uint32_t points[MOST_RAW]
        cdef uint8_t byte
        cdef Py_ssize_t place
        for byte in (0x90, 0xA0, 0x80):
            for place in range(size):
                tried[place] = byte if data[place] == self.hole or data[place] == self.unmarked else data[place]
            if decoded(tried, size, points) > 0:
                return self._fill(data, size)
        return True

    cdef bint _fill(self, uint8_t *data, Py_ssize_t size) except -1:
        """Put the texts of `data` among those found, the last lost byte filled first; return whether more may be tried."""
        cdef Py_ssize_t place = size - 1, behind
        cdef bytes following, lost
        cdef uint32_t points[MOST_RAW]
        cdef uint8_t mark
        cdef int count
        cdef uint8_t byte
        while place >= 0 and data[place] != self.hole and data[place] != self.unmarked:
            place -= 1
        if place < 0:
            if self.left <= 0:
                return False
            self.left -= 1
            count = decoded(data, size, points)
            if count >= 0:
                text = text_of(points, count)
                if text not in self.known:
                    self.known.add(text)
                    self.found.append(text)
            return self.left > 0
        mark = data[place]
        behind = size - place - 1
        if behind:
            following = (<const char *>data)[place + 1:min(size, place + 4)]
            if behind < 3 and 0x30 <= data[place + 1] <= 0x39:
                following = (following + self.tail)[:3]
        else:
            following = self.tail[:3]
        if not (following and 0x30 <= <uint8_t>PyBytes_AS_STRING(following)[0] <= 0x39):
            following = following[:1]
        lost = self.lost(following, self.reader, _HOLE if mark == self.hole else self.mark)
        for byte in lost:
            data[place] = byte
            if not self._fill(data, size):
                data[place] = mark
                return False
        data[place] = mark
        return True


def commonest(Scorer scorer not None, list texts not None, int most):
    """Return the `most` texts whose characters are commonest, these first; of equals those that come first."""
    cdef Py_ssize_t size = len(texts), number, place, length
    cdef list ranked = []
    cdef str text
    cdef int64_t total
    cdef double keys[FEW]
    cdef int order[FEW]
    cdef double key
    if size < 2:
        return texts
    if size <= FEW:
        for number in range(size):
            text = texts[number]
            length, total = PyUnicode_GET_LENGTH(text), 0
            for place in range(length):
                total -= scorer.begin[slot(at_(text, place))]
            key, place = <double>total / length, number
            while place > 0 and keys[place - 1] > key:
                keys[place], order[place] = keys[place - 1], order[place - 1]
                place -= 1
            keys[place], order[place] = key, number
        return [texts[order[number]] for number in range(min(size, most))]
    for number in range(size):
        text = texts[number]
        length, total = PyUnicode_GET_LENGTH(text), 0
        for place in range(length):
            total -= scorer.begin[slot(at_(text, place))]
        ranked.append((<double>total / length, number))
    ranked.sort()
    return [texts[number] for _, number in ranked[:most]]


cdef class Filler:
    """The choice between what broken places can have been, by two neighbours on either side."""

    cdef Scorer scorer
    cdef const uint32_t[::1] keys, starts
    cdef const uint8_t[::1] values, backoff
    cdef const int64_t[::1] weights
    cdef uint32_t bits
    cdef int near
    cdef double sure

    def __init__(
        self, Scorer scorer not None, const uint32_t[::1] keys not None, const uint8_t[::1] values not None,
        const uint8_t[::1] backoff not None, const uint32_t[::1] starts not None, const int64_t[::1] weights not None,
        int bits, double near, double sure,
    ):
        cdef Py_ssize_t place
        if len(values) != len(keys) or len(backoff) != len(scorer.pairs) or len(starts) != len(backoff) + 1:
            raise ValueError("the model's triples don't fit their values or its pairs")
        for place in range(len(backoff)):
            if starts[place] > starts[place + 1]:
                raise ValueError("the index of the model's triples goes backwards")
        if starts[len(backoff)] != len(keys) or not len(weights):
            raise ValueError("the index of the model's triples is of another length")
        self.scorer, self.keys, self.values, self.backoff, self.starts = scorer, keys, values, backoff, starts
        self.weights, self.bits, self.near, self.sure = weights, bits, <int>(near * NATS), sure

    cdef int triple(self, uint32_t first, uint32_t second, uint32_t third) noexcept nogil:
        """Return log P(third | first, second) of three slots."""
        cdef int score = self.scorer.pair(second, third)
        cdef int64_t number = self.scorer.number(first, second), low, high, middle
        cdef uint32_t last, key
        if number < 0:
            return score
        score -= self.backoff[number]
        last = self.scorer.ids[third]
        if last == 0 or last >= <uint32_t>1 << self.bits:
            return score
        key = <uint32_t>number << self.bits | last
        low, high = self.starts[number], self.starts[number + 1]
        while low < high:
            middle = (low + high) >> 1
            if self.keys[middle] < key:
                low = middle + 1
            else:
                high = middle
        if low < self.starts[number + 1] and self.keys[low] == key:
            return -<int>self.values[low]
        return score

    def triples(self, str text not None):
        """Return the sum of log P(third | first, second) over `text`, for tests."""
        cdef int64_t total = 0
        cdef Py_ssize_t place
        for place in range(2, PyUnicode_GET_LENGTH(text)):
            total += self.triple(slot(at_(text, place - 2)), slot(at_(text, place - 1)), slot(at_(text, place)))
        return <double>total / NATS

    cdef (Py_ssize_t, bint) _weigh(self, tuple texts, const uint32_t *around, const int16_t *foreign, int *scores) except *:
        """Return the number of the likeliest of `texts` between its neighbours, and whether it has its share of all weight.

        `scores` has room for two numbers for each text.
        """
        cdef Py_ssize_t size = len(texts), number, place, length, best = -1, shortest, longest
        cdef int rough, most
        cdef int64_t weight = 0
        cdef uint32_t first, second, third
        cdef str text
        shortest, longest = 1 << 30, 0
        for number in range(size):
            text = texts[number]
            length = PyUnicode_GET_LENGTH(text)
            shortest, longest = min(shortest, length), max(longest, length)
            second, rough = slot(around[1]), 0
            for place in range(length):
                third = slot(at_(text, place))
                rough += self.scorer.pair(second, third)
                second = third
            scores[number] = rough + self.scorer.pair(second, slot(around[2]))
        for number in range(size):
            scores[size + number] = -(1 << 29)
        for length in range(shortest, longest + 1):  # those of one length are compared with each other first
            most = -(1 << 30)
            for number in range(size):
                if PyUnicode_GET_LENGTH(<str>texts[number]) == length:
                    most = max(most, scores[number])
            for number in range(size):
                text = texts[number]
                if PyUnicode_GET_LENGTH(text) != length or scores[number] < most - self.near:
                    continue
                rough, first, second = 0, slot(around[0]), slot(around[1])
                for place in range(length + 2):
                    third = slot(at_(text, place)) if place < length else slot(around[2 + place - length])
                    rough += self.triple(first, second, third)
                    if place < length and foreign != NULL:
                        rough -= foreign[third]
                    first, second = second, third
                scores[size + number] = rough
                if best < 0 or rough > scores[size + best]:
                    best = number
        most = scores[size + best]
        for number in range(size):
            rough = most - scores[size + number]
            weight += self.weights[rough] if rough < len(self.weights) else 0
        return best, self.weights[0] >= self.sure * weight

    def fill(self, list cells not None, str left not None, str right not None, sides, foreign):
        """Return the likeliest text of every cell, and of each whether the model is sure of it.

        A cell is (start, end, text, options): see the Python twin. `foreign` is what each character costs, or None.
        """
        cdef Py_ssize_t count = len(cells), number, which, most = 1, rounds, size
        cdef list best = [], sure = [], unsure = [], lines = []
        cdef object options
        cdef tuple texts
        cdef str text
        cdef const int16_t[::1] costs
        cdef const int16_t *cost = NULL
        cdef uint32_t *around = NULL
        cdef uint32_t now[4]
        cdef int *scores = NULL
        cdef bytearray fresh
        cdef Py_ssize_t line = 0, chosen
        cdef bint certain
        if foreign is not None:
            costs = foreign
            if len(costs) != BMP:
                raise ValueError("a cost for each character of the basic plane is wanted")
            cost = &costs[0]
        for number in range(count):
            _, _, text, options = cells[number]
            if options is None:
                best.append(text)
                sure.append(True)
            else:
                texts = options.texts
                best.append(texts[0] if texts else _HOLE)
                sure.append(len(texts) == 1)
                if len(texts) > 1:
                    unsure.append((number, texts, line))
                    most = max(most, len(texts))
            if sides:
                line += (<str>best[number]).count("\n")
        if not unsure:
            return best, sure
        size = len(unsure)
        around = <uint32_t *>malloc(4 * size * sizeof(uint32_t))
        scores = <int *>malloc(2 * most * sizeof(int))
        fresh = bytearray(size)
        try:
            if not around or not scores:
                raise MemoryError
            for rounds in range(2):
                for which in range(size):
                    number, texts, line = unsure[which]
                    self._context(best, number, left, right, sides[line] if sides else None, now)
                    fresh[which] = rounds == 0 or not (
                        now[0] == around[4 * which] and now[1] == around[4 * which + 1]
                        and now[2] == around[4 * which + 2] and now[3] == around[4 * which + 3]
                    )
                    for chosen in range(4):
                        around[4 * which + chosen] = now[chosen]
                for which in range(size):
                    if fresh[which]:
                        number, texts, line = unsure[which]
                        chosen, certain = self._weigh(texts, around + 4 * which, cost, scores)
                        best[number], sure[number] = texts[chosen], certain
        finally:
            free(around)
            free(scores)
        return best, sure

    cdef int _context(self, list best, Py_ssize_t number, str left, str right, sides, uint32_t *found) except -1:
        """Write the two characters on either side of a cell."""
        cdef str one = best[number - 1] if number else left
        cdef str two
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(one)
        if size < 2:
            one = (<str>best[number - 2] if number > 1 else left) + one
            size = PyUnicode_GET_LENGTH(one)
        found[0] = at_(one, size - 2) if size > 1 else 10
        found[1] = at_(one, size - 1) if size else 10
        two = best[number + 1] if number + 1 < len(best) else right
        if PyUnicode_GET_LENGTH(two) < 2:
            two = two + (<str>best[number + 2] if number + 2 < len(best) else right)
        size = PyUnicode_GET_LENGTH(two)
        found[2] = at_(two, 0) if size else 10
        found[3] = at_(two, 1) if size > 1 else 10
        if sides is None:
            return 0
        one, two = sides
        if PyUnicode_GET_LENGTH(one) != 1 or PyUnicode_GET_LENGTH(two) != 1:
            raise ValueError("one character stands on either side of a line")
        if found[1] == 10:
            found[0], found[1] = 10, at_(one, 0)
        elif found[0] == 10:
            found[0] = at_(one, 0)
        if found[2] == 10:
            found[2], found[3] = at_(two, 0), 10
        elif found[3] == 10:
            found[3] = at_(two, 0)
        return 0


# --- spans as bytes, bytes as cells, pieces as groups -------------------------------------------------------------------

cdef enum:
    EURO = 0x20AC
    HOLE_BYTE = 0xFF


cdef inline bint leads_three(uint8_t byte) noexcept nogil:
    """Tell whether a byte leads three bytes of UTF-8 that are an ideograph or its punctuation."""
    return 0xE2 <= byte <= 0xE9 or byte == 0xEF


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


def layer_cells(bytes data not None, list places not None, bytes begins not None, tail_of, solve, uint8_t choice, type cell not None, dict known not None):
    """Return the cells of a layer: (start, end, text, options), the last two from `places` and `solve`.

    `solve` is asked once of what is alike, which `known` keeps, and each time where it has a choice, with the bytes of the broken place, what
    `tail_of` says of those behind them, where characters begin, and how many choices stood before it.
    """
    cdef list cells = []
    cdef dict tails = {}
    cdef Py_ssize_t start, end, choices = 0, count
    cdef bytes raw, tail
    cdef str text
    make = tuple.__new__
    for start, end, text in places:
        if text:
            cells.append(make(cell, (start, end, text, None)))
            continue
        raw, tail = data[start:end], data[end:end + 3]
        following = tails.get(tail)
        if following is None:
            following = tails[tail] = tail_of(tail)
        alike = (raw, following, begins[start:end + 1])
        options = known.get(alike)
        if options is None:
            count = raw.count(choice)
            options = solve(raw, following, alike[2], choices, count)
            choices += count
            if not count:
                known[alike] = options
        texts = options.texts
        cells.append(make(cell, (start, end, texts[0] if len(texts) == 1 else "", options)))
    return cells


def layer_pieces(list cells not None, list best not None, list sure not None, const int64_t[::1] starts not None, type piece not None):
    """Return the pieces of a reading in characters; one that ends inside a character ends where it starts."""
    cdef list pieces = []
    cdef Py_ssize_t place = 0, number, first, start, end
    cdef str text
    make = tuple.__new__
    for number in range(len(cells)):
        start, end, text, options = cells[number]
        while place < len(starts) and starts[place] < start:
            place += 1
        first = place
        while place < len(starts) and starts[place] < end:
            place += 1
        end = place if place < len(starts) and starts[place] == end else first
        text = best[number]
        if options is None:
            pieces.append(make(piece, (first, end, text, _KNOWN, "")))
        elif not sure[number] or not options.texts:
            pieces.append(make(piece, (first, end, _HOLE, _OPEN, text if options.texts else "")))
        else:
            pieces.append(make(piece, (first, end, text, _FORCED if len(options.texts) == 1 else _LIKELY, "")))
    return pieces


def groups(list pieces not None, Py_ssize_t length, type group not None, dict kinds not None):
    """Return the groups of `pieces`, and the text that the proof of each runs on.

    `kinds` has the set of each kind alone.
    """
    cdef list found = [], proofs = []
    cdef str text = "", proof = "", one, kind, guess
    cdef object together = None
    cdef Py_ssize_t start, end, begun = 0
    make = tuple.__new__
    for start, end, one, kind, guess in pieces:
        text = text + one if text else one
        proof = proof + (guess or one) if proof else guess or one
        together = kinds[kind] if together is None else together | kinds[kind]
        if end > start:
            found.append(make(group, (begun, end, text, together, True)))
            proofs.append(proof)
            text, proof, together, begun = "", "", None, end
    if together is not None:
        found.append(make(group, (begun, length, text, together, True)))
        proofs.append(proof)
    elif found:
        begun, _, text, together, _ = found[len(found) - 1]
        found[len(found) - 1] = make(group, (begun, length, text, together, True))
    return found, proofs


def merged(list found not None, str span not None, object sure not None):
    """Return (start, end, text, sure) of proved groups, neighbours that are as sure joined, and none that changes nothing."""
    cdef list runs = [], texts = []
    cdef Py_ssize_t start, end, begun = 0, stop = 0
    cdef bint proved, certain, was_certain = False
    cdef str text
    for start, end, text, kinds, proved in found:
        certain = kinds <= sure
        if texts and (not proved or certain != was_certain):
            whole = "".join(texts)
            if span[begun:stop] != whole:
                runs.append((begun, stop, whole, was_certain))
            texts = []
        if proved:
            if not texts:
                begun, was_certain = start, certain
            texts.append(text)
            stop = end
    if texts:
        whole = "".join(texts)
        if span[begun:stop] != whole:
            runs.append((begun, stop, whole, was_certain))
    return runs


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


def broken_places(bytes data not None, str shown not None, str mark):
    """Return where `data` is UTF-8, with its text, and where it is broken ("" for text).

    `shown` is `data` decoded with escapes for what does not decode; `mark` may stand for lost bytes.
    """
    cdef int kind = PyUnicode_KIND(shown)
    cdef const void *text = PyUnicode_DATA(shown)
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(shown), at = 0, begun = 0, place = 0, start = 0, marks, number
    cdef uint32_t code, sign = 0
    cdef list found = []
    if mark:
        sign = at_(mark, 0)
    while at < size:
        code = PyUnicode_READ(kind, text, at)
        if not 0xDC80 <= code <= 0xDCFF:
            place += 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
            at += 1
            continue
        if at > begun:
            found.append((start, place, shown[begun:at]))
        start, begun = place, at
        at = later(kind, text, size, at + 1)
        for number in range(3 if sign else 0):
            marks = 0
            while marks < 2 and at < size and PyUnicode_READ(kind, text, at) == sign:
                marks += 1
                at += 1
            if not marks:
                break
            at = later(kind, text, size, at)
        place += at - begun
        found.append((start, place, ""))
        start, begun = place, at
    if at > begun:
        found.append((start, PyBytes_GET_SIZE(data), shown[begun:at]))
    return found


def aligned(bytes data not None, list runs not None, const int64_t[::1] starts not None):
    """Return (first, last) of `starts` that are edges of sequences of UTF-8 in each of `runs`, where these are two."""
    cdef const uint8_t *raw = <const uint8_t *>PyBytes_AS_STRING(data)
    cdef Py_ssize_t place, end, at = 0, first, last, size = PyBytes_GET_SIZE(data)
    cdef list found = []
    for place, end in runs:
        if place < 0 or end > size:
            raise ValueError("a run goes beyond its bytes")
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
    return found


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


cdef Py_ssize_t later(int kind, const void *text, Py_ssize_t size, Py_ssize_t at) noexcept:
    """Return where the escapes of bytes that begin no character of UTF-8 end."""
    cdef uint32_t code
    while at < size:
        code = PyUnicode_READ(kind, text, at)
        if not (0xDC80 <= code <= 0xDCC1 or 0xDCF5 <= code <= 0xDCFF):
            break
        at += 1
    return at


def shown_apart(str shown not None, list found not None, list proofs not None, str span not None):
    """Return of each group whether its proof is shown as the span has it; `shown` has all of them, a line or more each."""
    cdef list proved = []
    cdef Py_ssize_t place = 0, end, start, stop, breaks, number, at
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(shown), length = PyUnicode_GET_LENGTH(span)
    cdef str proof
    cdef bint same
    if len(found) != len(proofs):
        raise ValueError("each group has a proof")
    for number in range(len(found)):
        proof = proofs[number]
        start, stop, _, _, _ = found[number]
        breaks = 1
        for at in range(PyUnicode_GET_LENGTH(proof)):
            breaks += at_(proof, at) == 10
        end = place
        while end < size:
            if at_(shown, end) == 10:
                breaks -= 1
                if not breaks:
                    break
            end += 1
        same = end - place == stop - start and 0 <= start and stop <= length
        if same:
            for at in range(stop - start):
                if at_(shown, place + at) != at_(span, start + at):
                    same = False
                    break
        proved.append(same)
        place = end + 1
    return proved


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
