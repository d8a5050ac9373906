# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""A two-byte encoding was written and read as another: the beam over what its bytes, some of them lost, can have been.

The Python twin is `solve`.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from cleaning.native._pieces cimport FORCED, KNOWN, LIKELY, OPEN, Pieces
from cleaning.native._score cimport BEYOND, BMP, HOLE, HOLE_BYTE, LEVELS, MARKERS, NATS, UNDECODED, Scorer, at_, level, pair, pair_turned, slot, text_of


cdef enum:
    MOST_AHEAD = 32        # neighbours in a run that tell readings apart
    WAITING = 4            # bytes that may wait for a character's last one, and one more
    MOST_READINGS = 64     # those kept, each with what it can become at one place: with one lost byte, or several sources


cdef struct Step:
    # A piece of a reading: see the Python twin's trail.
    int32_t before         # which step stands before it, -1 at the beginning
    int32_t start, end
    Py_ssize_t text, size  # where its characters begin, and how many they are
    int32_t options        # which text has what a lost byte can have made, -1 where none was lost
    int kind


cdef struct Reading:
    # One way to read a span so far: see the Python twin's.
    int64_t score
    uint32_t last
    int32_t since
    int32_t trail          # its last step, -1 at the beginning
    int32_t leads          # which of the bytes that were told a lost lead may be, -1 where none is lost
    int waiting            # bytes that have not made a character yet
    uint8_t pending[WAITING]


cdef struct Decoded:
    # The bytes of a run from its first or its second one on, decoded: what readings that are in step with them share.
    bint done, broken
    Py_ssize_t count, rest  # characters, and bytes behind them that don't make another
    uint32_t *points
    int scored              # how many of its first neighbours are scored, and what these come to, in turn
    int64_t[MOST_AHEAD] scores


@cython.final
cdef class Workspace:
    """Memory for one span: its bytes, where each character's begin, what is decoded, and the steps of all readings."""

    cdef uint8_t *data
    cdef uint8_t *whole
    cdef uint32_t *points
    cdef Decoded[2] decoded
    cdef int32_t *offsets
    cdef Step *steps
    cdef uint32_t *text
    cdef Py_ssize_t count, room, used, space
    cdef list told                  # the bytes and texts that readings and steps name by number
    cdef object asked_leads         # the last question about a lost lead: most readings ask it alike ...
    cdef int asked_byte
    cdef str lead_options           # ... and its answer, with its number
    cdef int32_t lead_told
    cdef Reading[MOST_READINGS] readings
    cdef Reading[MOST_READINGS] spread
    cdef int kept, spreading

    def __cinit__(self, Py_ssize_t size):
        # No character has more than four bytes; up to three are pending before those of a run.
        if size > 1 << 27:
            raise MemoryError
        self.room, self.space, self.told = 32, size + 32, []
        self.data = <uint8_t *>malloc(4 * size + 8)
        self.whole = <uint8_t *>malloc(4 * size + 16)
        self.points = <uint32_t *>malloc((4 * size + 16) * sizeof(uint32_t))
        self.offsets = <int32_t *>malloc((size + 1) * sizeof(int32_t))
        self.steps = <Step *>malloc(self.room * sizeof(Step))
        self.text = <uint32_t *>malloc(self.space * sizeof(uint32_t))
        self.decoded[0].points = <uint32_t *>malloc((4 * size + 16) * sizeof(uint32_t))
        self.decoded[1].points = <uint32_t *>malloc((4 * size + 16) * sizeof(uint32_t))
        if not (self.data and self.whole and self.points and self.offsets and self.steps and self.text):
            raise MemoryError
        if not (self.decoded[0].points and self.decoded[1].points):
            raise MemoryError

    def __dealloc__(self):
        free(self.data)
        free(self.whole)
        free(self.points)
        free(self.decoded[0].points)
        free(self.decoded[1].points)
        free(self.offsets)
        free(self.steps)
        free(self.text)

    cdef int32_t tell(self, object what) except -1:
        """Return the number of some bytes or a text."""
        self.told.append(what)
        return len(self.told) - 1

    cdef Reading *spawn(self, const Reading *old) except NULL:
        """Return a copy of a reading among those that are spread."""
        if self.spreading == MOST_READINGS:
            raise ValueError("more readings than a place can have")
        self.spread[self.spreading] = old[0]
        self.spreading += 1
        return &self.spread[self.spreading - 1]

    cdef int step(self, Reading *reading, const uint32_t *points, Py_ssize_t size, Py_ssize_t end, int kind, int32_t options) except -1:
        """Let a reading have so many characters more; `end` is where in the span these end, or -1 inside one."""
        cdef void *more
        cdef Step *new
        if self.count == self.room:
            more = realloc(self.steps, 2 * self.room * sizeof(Step))
            if not more:
                raise MemoryError
            self.steps = <Step *>more
            self.room *= 2
        if self.used + size > self.space:
            more = realloc(self.text, 2 * (self.used + size) * sizeof(uint32_t))
            if not more:
                raise MemoryError
            self.text = <uint32_t *>more
            self.space = 2 * (self.used + size)
        memcpy(self.text + self.used, points, size * sizeof(uint32_t))
        new = &self.steps[self.count]
        new.before, new.text, new.size, new.options, new.kind = reading.trail, self.used, size, options, kind
        new.start, new.end = reading.since, reading.since if end < 0 else end
        reading.trail, reading.since, reading.last = self.count, new.end, points[size - 1]
        self.count += 1
        self.used += size
        return 0


cdef inline void wait(Reading *reading, const uint8_t *pending, int waiting) noexcept:
    """Let other bytes be pending, no lost lead among them."""
    cdef int place
    for place in range(min(waiting, WAITING)):  # never more than three
        reading.pending[place] = pending[place]
    reading.waiting, reading.leads = waiting, -1


cdef uint8_t[BEYOND] _known  # what `pair_texts` has found so far, all 0 when it returns: nothing else runs meanwhile


def pair_texts(const uint32_t[::1] table not None, bytes leads not None, bytes trails not None):
    """Return the characters that one of `leads` makes with one of `trails`, each once, in order; no text of several."""
    cdef const uint8_t *firsts = <const uint8_t *>PyBytes_AS_STRING(leads)
    cdef const uint8_t *seconds = <const uint8_t *>PyBytes_AS_STRING(trails)
    cdef Py_ssize_t many = PyBytes_GET_SIZE(leads), more = PyBytes_GET_SIZE(trails), one, other, size = 0
    cdef uint32_t code
    cdef uint32_t *found
    if len(table) != BMP:
        raise ValueError("a table of pairs has one entry for each")
    if not many or not more:
        return ""
    if many > 256 or more > 256:
        raise ValueError("there are 256 bytes")
    found = <uint32_t *>malloc(many * more * sizeof(uint32_t))
    if not found:
        raise MemoryError
    try:
        for one in range(many):
            for other in range(more):
                code = table[firsts[one] << 8 | seconds[other]]
                if 0 < code < BEYOND and not _known[code]:
                    _known[code] = 1
                    found[size] = code
                    size += 1
        for one in range(size):
            _known[found[one]] = 0
        return text_of(found, size)
    finally:
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


cdef class Pairs:
    """The search through spans that one decoder of pairs, or of single bytes, read and that hold pairs of another."""

    cdef Scorer scorer
    cdef const uint8_t[::1] lengths
    cdef const uint8_t[:, ::1] parts
    cdef const uint8_t[::1] several
    cdef const uint32_t[::1] table
    cdef list longer
    cdef bint four_bytes, single_bytes
    cdef object sources, lost, lead_options, trail_options
    cdef str writer
    cdef int bad, beam, wide, look_ahead, soon
    cdef double hopeless, sure
    cdef const int64_t[::1] weights

    def __init__(
        self, Scorer scorer not None, tuple tables not None, tuple written not None, tuple asked not None,
        const int64_t[::1] weights not None, str writer not None, bint single_bytes,
        double bad_byte, int beam, double width, int look_ahead, int soon, double hopeless, double sure,
    ):
        self.scorer, self.weights, self.writer, self.single_bytes = scorer, weights, writer, single_bytes
        self.lengths, self.parts, self.several = tables
        self.table, self.longer = written
        self.sources, self.lost, self.lead_options, self.trail_options = asked
        self.four_bytes = writer == "gb18030"
        self.bad, self.beam, self.wide = <int>(bad_byte * NATS), beam, <int>(width * NATS)
        self.look_ahead, self.soon, self.hopeless, self.sure = look_ahead, soon, hopeless, sure
        scorer.turn()
        if not 0 < look_ahead <= MOST_AHEAD:
            raise ValueError("so many neighbours are not scored")
        sizes = {len(self.lengths), self.parts.shape[0], len(self.several), len(self.table)}
        if sizes != {BMP} or self.parts.shape[1] != 4 or not len(weights):
            raise ValueError("a table of this search is not of the size it should be")

    def solve(self, str span not None, str left not None, str right not None):
        """Return the readings of `span` in pieces, the likeliest first; none where it can't have been read so.

        Raises ValueError when a character of the span is never shown by the decoder.
        """
        cdef Workspace work = Workspace(PyUnicode_GET_LENGTH(span))
        cdef int kind = PyUnicode_KIND(span), number
        cdef const void *text = PyUnicode_DATA(span)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(span), place = 0, start, used
        cdef uint32_t code
        cdef int length
        cdef Reading *first = &work.readings[0]
        cdef bytes option
        if PyUnicode_GET_LENGTH(left) != 1 or PyUnicode_GET_LENGTH(right) != 1:
            raise ValueError("one character stands on either side of a span")
        first.score, first.last, first.since, first.trail, first.leads, first.waiting = 0, at_(left, 0), 0, -1, -1, 0
        work.kept = 1
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
            work.spreading = 0
            if self._is_mark(code):
                self._mark(work, span, place)
                place += 1
            elif self._is_several(code):
                options = self.sources(span[place])
                for number in range(work.kept):
                    for option in options:
                        self._feed(
                            work, work.spawn(&work.readings[number]),
                            <const uint8_t *>PyBytes_AS_STRING(option), PyBytes_GET_SIZE(option), place, place + 1,
                        )
                place += 1
            else:
                start, used = place, 0
                while place < size:
                    code = PyUnicode_READ(kind, text, place)
                    if self._is_mark(code) or self._is_several(code):
                        break
                    used += self._write(span, code, place, work.data + used)
                    place += 1
                work.decoded[0].done = work.decoded[1].done = False
                for number in range(work.kept):
                    self._feed(work, work.spawn(&work.readings[number]), work.data, used, start, place)
            if not work.spreading:
                return []
            self._keep_best(work)
            if place > self.soon and <double>work.readings[0].score / NATS < self.hopeless * place:
                return []
        ordered = []
        for number in range(work.kept):
            first = &work.readings[number]
            ordered.append((-first.score - (self.bad if first.waiting else 0), number))
            if first.waiting:
                self._put_one(work, first, HOLE, size, OPEN, -1)
        ordered.sort()
        return [self._pieces(work, work.readings[<int>one].trail, at_(left, 0), at_(right, 0)) for _, one in ordered]

    cdef inline bint _is_mark(self, uint32_t code) noexcept:
        """Tell whether a character may stand for a lost byte."""
        return code == HOLE or code == c"?" or (self.single_bytes and code == c" ")

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

    cdef int _put(self, Workspace work, Reading *reading, const uint32_t *points, Py_ssize_t size, Py_ssize_t end) except -1:
        """Put out so many known characters; `end` is where in the span these end, or -1 inside one."""
        self._score(reading, points, size)
        return work.step(reading, points, size, end, KNOWN, -1)

    cdef void _score(self, Reading *reading, const uint32_t *points, Py_ssize_t size) noexcept:
        """Score the first of so many known characters."""
        cdef Py_ssize_t place
        reading.score += pair(self.scorer, slot(reading.last), slot(points[0]))
        for place in range(1, min(size, self.look_ahead)):
            reading.score += pair(self.scorer, slot(points[place - 1]), slot(points[place]))

    cdef int _put_one(self, Workspace work, Reading *reading, uint32_t code, Py_ssize_t end, int kind, int32_t options) except -1:
        """Put out one character of another kind."""
        reading.score += pair(self.scorer, slot(reading.last), slot(code))
        return work.step(reading, &code, 1, end, kind, options)

    cdef int64_t _four(self, const uint8_t *data) except -2:
        """Return the code point of a four-byte form, -1 where it is none."""
        try:
            text = (<const char *>data)[:4].decode("gb18030")
        except UnicodeDecodeError:
            return -1
        return ord(text) if len(text) == 1 else -1

    cdef int _feed(self, Workspace work, Reading *reading, const uint8_t *data, Py_ssize_t size, Py_ssize_t start, Py_ssize_t end) except -1:
        """Let a reading have the known bytes `data`, which are those of `span[start:end]` (or its last ones)."""
        cdef Py_ssize_t total, place, count = 0
        cdef int width
        cdef Decoded own
        cdef Decoded *shared
        if reading.leads >= 0:
            leads = work.told[reading.leads]
            if work.asked_leads is not leads or work.asked_byte != data[0]:
                work.asked_leads, work.asked_byte = leads, data[0]
                work.lead_options = self.lead_options(leads, data[0], self.writer)
                work.lead_told = work.tell(work.lead_options)
            options = work.lead_options
            if options:
                self._put_one(
                    work, reading, self._likeliest(reading.last, options), end if size == 1 else -1, LIKELY, work.lead_told
                )
                data += 1
                size -= 1
            else:
                self._put_one(work, reading, HOLE, -1, OPEN, -1)
                reading.score += self.bad
            wait(reading, NULL, 0)
        if not size:
            return 0
        memcpy(work.whole, reading.pending, reading.waiting)
        memcpy(work.whole + reading.waiting, data, size)
        total = reading.waiting + size
        place = 0
        while place < reading.waiting and place < total:
            width = self._character(work.whole + place, total - place, work.points, &count)
            if width < 0:
                return self._feed_broken(work, reading, total, start, end)
            if not width:
                break
            place += width
        else:
            data += place - reading.waiting
            if data == work.data or data == work.data + 1:
                shared = &work.decoded[data - work.data]
                if not shared.done:
                    self._decode(data, total - place, shared)
                if not shared.broken:
                    memcpy(work.points + count, shared.points, shared.count * sizeof(uint32_t))
            else:
                own.points = work.points + count
                self._decode(data, total - place, &own)
                shared = &own
            if shared.broken:
                return self._feed_broken(work, reading, total, start, end)
            if shared.count:
                self._score(reading, work.points, count + 1)
                reading.score += self._ahead(shared, self.look_ahead - count - 1)
                count += shared.count
                place = total - shared.rest
                work.step(reading, work.points, count, -1 if place < total else end, KNOWN, -1)
                wait(reading, work.whole + place, total - place)
                return 0
            place = total - shared.rest
        if count:
            self._put(work, reading, work.points, count, -1 if place < total else end)
        wait(reading, work.whole + place, total - place)
        return 0

    cdef int64_t _ahead(self, Decoded *found, int most) noexcept:
        """Return the score of the first neighbours of a run, at most so many."""
        cdef int64_t score
        most = <int>min(most, found.count - 1)
        while found.scored < most:
            score = found.scores[found.scored - 1] if found.scored else 0
            score += pair(self.scorer, slot(found.points[found.scored]), slot(found.points[found.scored + 1]))
            found.scores[found.scored] = score
            found.scored += 1
        return found.scores[most - 1] if most > 0 else 0

    cdef int _decode(self, const uint8_t *data, Py_ssize_t size, Decoded *found) except -1:
        """Decode bytes as far as they make characters."""
        cdef Py_ssize_t place = 0
        cdef int width = 1
        found.done, found.count, found.scored = True, 0, 0
        while place < size and width > 0:
            width = self._character(data + place, size - place, found.points, &found.count)
            place += max(width, 0)
        found.broken, found.rest = width < 0, size - place
        return 0

    cdef inline int _character(self, const uint8_t *data, Py_ssize_t size, uint32_t *points, Py_ssize_t *count) except -2:
        """Put out the character that bytes begin with; return how many it has, 0 where more are wanted, -1 where they are none."""
        cdef uint32_t shown
        cdef int64_t four
        if data[0] < 0x80:
            points[count[0]] = data[0]
            count[0] += 1
            return 1
        if size < 2:
            return 0
        if self.four_bytes and 0x30 <= data[1] <= 0x39:
            if size < 4:
                return 0
            four = self._four(data)
            if four < 0:
                return -1
            points[count[0]] = <uint32_t>four
            count[0] += 1
            return 4
        shown = self.table[data[0] << 8 | data[1]]
        if not shown:
            return -1
        count[0] = self._show(shown, points, count[0])
        return 2

    cdef int _feed_broken(self, Workspace work, Reading *reading, Py_ssize_t total, Py_ssize_t start, Py_ssize_t end) except -1:
        """Let a reading have bytes that don't all decode: each stretch of bad ones becomes a hole."""
        cdef Py_ssize_t place = 0, remaining = total, boundary = start, count = 0, used = 0, width, number
        cdef uint32_t shown
        cdef int64_t score
        cdef bint bad, was_bad = False, begun = False
        cdef Py_ssize_t stop = total
        # The last byte, if it could begin a character and doesn't follow bad ones, is pending.
        cdef Py_ssize_t tail = self._tail(work, total)
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
                    self._put_one(work, reading, HOLE, number, OPEN, -1)
                    reading.score = score
                else:
                    self._put(work, reading, work.points, count, number)
                count = used = 0
            if place == stop:
                break
            begun, was_bad = True, bad
            used += width
            if not bad:
                count = self._show(shown, work.points, count)
            place += width
        wait(reading, work.whole + stop, total - stop)
        return 0

    cdef inline Py_ssize_t _show(self, uint32_t shown, uint32_t *points, Py_ssize_t count) except -1:
        """Put out what the table has for a pair of bytes, one character or several, behind `count` others; return the new count."""
        cdef str longer
        cdef Py_ssize_t number
        if shown <= 0x10FFFF:
            points[count] = shown
            return count + 1
        longer = self.longer[shown - 0x110000]
        for number in range(PyUnicode_GET_LENGTH(longer)):
            points[count + number] = at_(longer, number)
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

    cdef uint32_t _likeliest(self, uint32_t last, str options) noexcept:
        """Return the option that follows `last` best."""
        cdef Py_ssize_t place
        cdef int score, most = -(1 << 30)
        cdef uint32_t code, best = HOLE
        for place in range(PyUnicode_GET_LENGTH(options)):
            code = at_(options, place)
            score = pair(self.scorer, slot(last), slot(code))
            if score > most:
                most, best = score, code
        return best

    cdef int _mark(self, Workspace work, str span, Py_ssize_t place) except -1:
        """Spread the readings after a mark, which may stand for a lost byte or, but for U+FFFD, for itself."""
        cdef uint32_t code = at_(span, place), following
        cdef uint8_t itself = code & 0x7F
        cdef uint8_t data[4]
        cdef uint8_t lost_lead = HOLE_BYTE
        cdef int number, before, width
        cdef bint waiting
        cdef Reading *old
        cdef Reading *new
        cdef bytes behind = b"", lost = None
        if place + 1 < PyUnicode_GET_LENGTH(span):
            following = at_(span, place + 1)
            if following != HOLE:
                width = self._write(span, following, place + 1, data)
                behind = (<const char *>data)[:1 if data[0] != HOLE_BYTE else width]  # what decides: one question for many
        for number in range(work.kept):
            old = &work.readings[number]
            before = work.spreading
            waiting = old.waiting > 0
            if code != HOLE:
                self._feed(work, work.spawn(old), &itself, 1, place, place + 1)
                if code == c" " and not waiting:
                    continue
            if lost is None:
                lost = self.lost(span[place], behind)
            if lost and not waiting:
                new = work.spawn(old)
                wait(new, &lost_lead, 1)
                new.score -= NATS
                new.leads = work.tell(lost)
            elif lost:
                options = self.trail_options(
                    work.told[old.leads] if old.leads >= 0 else (<const char *>old.pending)[old.waiting - 1:old.waiting],
                    lost, self.writer,
                )
                if options and old.waiting == 1:
                    new = work.spawn(old)
                    self._put_one(work, new, self._likeliest(old.last, options), place + 1, LIKELY, work.tell(options))
                    wait(new, NULL, 0)
            if work.spreading == before:
                new = work.spawn(old)
                self._put_one(work, new, HOLE, place + 1, OPEN, -1)
                wait(new, NULL, 0)
                new.score += self.bad
        return 0

    cdef int _keep_best(self, Workspace work) except -1:
        """Keep of the spread readings the best one of each state, the best first, without the hopeless ones."""
        cdef Reading *one
        cdef int[MOST_READINGS] order
        cdef int number, place, other
        for number in range(work.spreading):
            place = number
            while place and work.spread[order[place - 1]].score < work.spread[number].score:
                order[place] = order[place - 1]
                place -= 1
            order[place] = number
        work.kept = 0
        for number in range(work.spreading):
            one = &work.spread[order[number]]
            for other in range(work.kept):
                if same_state(&work.readings[other], one):
                    break
            else:
                if work.kept == self.beam or (work.kept and one.score < work.readings[0].score - self.wide):
                    break
                work.readings[work.kept] = one[0]
                work.kept += 1
        return 0

    cdef Pieces _pieces(self, Workspace work, int32_t trail, uint32_t last, uint32_t right):
        """Return the pieces of a reading in order, its fills judged again between both neighbours."""
        cdef Pieces pieces = Pieces()
        cdef Step *one
        cdef Py_ssize_t number = work.count
        cdef uint32_t code
        cdef int kind
        cdef int32_t *order = <int32_t *>malloc((work.count + 1) * sizeof(int32_t))
        if not order:
            raise MemoryError
        try:
            while trail >= 0:
                number -= 1
                order[number] = trail
                trail = work.steps[trail].before
            for number in range(number, work.count):
                one = &work.steps[order[number]]
                if one.options < 0:
                    pieces.put(work.text + one.text, one.size)
                    pieces.close(one.start, one.end, one.kind)
                    last = work.text[one.text + one.size - 1]
                    continue
                code = work.text[work.steps[order[number + 1]].text] if number + 1 < work.count else right
                kind = self._choose(work.told[one.options], last, code, &code)
                last = HOLE if kind == OPEN else code
                pieces.put(&last, 1)
                if kind == OPEN:
                    pieces.guess(text_of(&code, 1))
                pieces.close(one.start, one.end, kind)
            return pieces
        finally:
            free(order)

    cdef int _choose(self, str options, uint32_t before, uint32_t after, uint32_t *chosen) except -1:
        """Write the likeliest option between its neighbours; return whether it is forced, or the model is sure of it, or not."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(options), place, best = 0
        cdef int most = -(1 << 30), off
        cdef int scores[256]
        cdef int64_t weight = 0
        cdef uint32_t code
        if size == 1:
            chosen[0] = at_(options, 0)
            return FORCED
        if size > 256:
            raise ValueError("too many options for one lost byte")
        for place in range(size):
            code = slot(at_(options, place))
            scores[place] = pair(self.scorer, slot(before), code)
            if not 0xDC80 <= after <= 0xDCFF:
                scores[place] += pair_turned(self.scorer, code, slot(after))
            if scores[place] > most:
                most, best = scores[place], place
        for place in range(size):
            off = most - scores[place]
            weight += self.weights[off] if off < len(self.weights) else 0
        chosen[0] = at_(options, best)
        return LIKELY if self.weights[0] >= self.sure * weight else OPEN


cdef inline bint same_state(const Reading *one, const Reading *other) noexcept:
    """Tell whether two readings go on alike."""
    cdef int place
    if one.last != other.last or one.waiting != other.waiting:
        return False
    for place in range(one.waiting):
        if one.pending[place] != other.pending[place]:
            return False
    return True
