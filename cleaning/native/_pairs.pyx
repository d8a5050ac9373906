# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""A two-byte encoding was written and read as another: the beam over what its bytes, some of them lost, can have been.

The Python twin is `solve`.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport calloc, free, malloc

from cleaning.native._pieces cimport FORCED, KNOWN, LIKELY, OPEN, Pieces
from cleaning.native._score cimport BEYOND, BMP, HOLE, LEVELS, MARKERS, NATS, UNDECODED, Scorer, at_, level, pair, slot, text_of


cdef object _HOLE = "\N{REPLACEMENT CHARACTER}"


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
            reading = self._put_text(reading, _HOLE, HOLE, 0, size, OPEN, None)
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

    cdef Reading _put(self, Reading old, const uint32_t *points, Py_ssize_t size, Py_ssize_t end, int kind, object options):
        """Return `old` with so many characters put out; `end` is where in the span these end, or -1 inside one."""
        cdef Reading new = self._put_text(old, text_of(points, size), points[0], 0, end, kind, options)
        cdef Py_ssize_t place
        for place in range(1, min(size, self.look_ahead)):
            new.score += pair(self.scorer, slot(points[place - 1]), slot(points[place]))
        new.last = points[size - 1]
        return new

    cdef Reading _put_text(self, Reading old, object text, uint32_t code, int64_t worth, Py_ssize_t end, int kind, object options):
        """The same for a text of one character."""
        cdef Reading new = Reading.__new__(Reading)
        cdef int place
        new.since = old.since if end < 0 else end
        new.score = old.score + worth + pair(self.scorer, slot(old.last), slot(code))
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
                reading = self._put_text(reading, options[best], at_(options, best), 0, end if size == 1 else -1, LIKELY, options)
                reading = with_pending(reading, NULL, 0, 0)
                data += 1
                size -= 1
            else:
                reading = with_pending(self._put_text(reading, _HOLE, HOLE, 0, -1, OPEN, None), NULL, 0, self.bad)
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
            reading = self._put(reading, work.points, count, -1 if place < total else end, KNOWN, None)
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
                    reading = self._put_text(reading, _HOLE, HOLE, 0, number, OPEN, None)
                    reading.score = score
                else:
                    reading = self._put(reading, work.points, count, number, KNOWN, None)
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
            score = pair(self.scorer, slot(last), slot(at_(options, place)))
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
                    new = self._put_text(reading, options[best], at_(options, best), 0, place + 1, LIKELY, options)
                    spread.append(with_pending(new, NULL, 0, 0))
            if len(spread) == before:
                new = self._put_text(reading, _HOLE, HOLE, 0, place + 1, OPEN, None)
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
        cdef list trails = []
        cdef Pieces pieces = Pieces()
        cdef Py_ssize_t place
        cdef tuple one
        cdef str text, options, guess, last = left
        cdef int kind
        while trail is not None:
            trails.append(trail)
            trail = (<tuple>trail)[0]
        trails.reverse()
        for place in range(len(trails)):
            one = trails[place]
            text, kind, options = one[3], one[4], one[5]
            guess = ""
            if options:
                after = (<tuple>trails[place + 1])[3] if place + 1 < len(trails) else right
                text, kind, guess = self._choose(options, at_(last, PyUnicode_GET_LENGTH(last) - 1), at_(after, 0))
            pieces.add(one[1], one[2], text, kind, guess)
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
            return options, FORCED, ""
        if size > 256:
            raise ValueError("too many options for one lost byte")
        for place in range(size):
            code = slot(at_(options, place))
            scores[place] = pair(self.scorer, slot(before), code)
            if not 0xDC80 <= after <= 0xDCFF:
                scores[place] += pair(self.scorer, code, slot(after))
            if scores[place] > most:
                most, best = scores[place], place
        for place in range(size):
            off = most - scores[place]
            weight += self.weights[off] if off < len(self.weights) else 0
        if self.weights[0] >= self.sure * weight:
            return options[best], LIKELY, ""
        return _HOLE, OPEN, options[best]
