# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""UTF-8 was written and bytes were lost: broken places, every text that each can have been, and the choice between these.

The Python twin is `lattice`; `layer_pieces` is one of `utf8`.
"""

from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc

from cleaning.native._pieces cimport FORCED, KNOWN, LIKELY, OPEN, Pieces
from cleaning.native._score cimport BMP, ID_BITS, NATS, UNDECODED, Scorer, at_, pair, pair_turned, slot, stored_pair, text_of


cdef object _HOLE = "\N{REPLACEMENT CHARACTER}"


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
    cdef Py_ssize_t left, enough
    cdef tuple firsts
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
        self.firsts = None
        return self.fill_in(raw, options, edges, tail, reader, mark, most, most)

    cdef list fill_in(
        self, bytes raw, tuple options, tuple edges, bytes tail, object reader, object mark, Py_ssize_t most, Py_ssize_t enough
    ):
        """The same, until there are `enough`."""
        cdef bytes option
        cdef uint8_t data[MOST_RAW]
        cdef Py_ssize_t place, size, number
        self.found, self.known, self.left, self.enough = [], set(), most, enough
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
                    if len(self.found) >= self.enough:
                        return False
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
        byte = <uint8_t>PyBytes_AS_STRING(following)[0] if PyBytes_GET_SIZE(following) else 0x30
        if self.firsts is not None and not 0x30 <= byte <= 0x39:
            lost = (<tuple>self.firsts[mark != self.hole])[byte]
        else:
            lost = self.lost(following, self.reader, _HOLE if mark == self.hole else self.mark)
        for byte in lost:
            data[place] = byte
            if not self._fill(data, size):
                data[place] = mark
                return False
        data[place] = mark
        return True


cdef enum:
    FEW = 256              # texts that are sorted by insertion
    REMEMBERED = 4096      # broken places with a choice whose texts are remembered


cpdef list commonest(Scorer scorer, list texts, int most):
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


cdef inline uint32_t ending(str text, Py_ssize_t back):
    """Return the last character of a text but so many, a line break where it has no more."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
    return at_(text, size - 1 - back) if size > back else 10


cdef inline uint32_t beginning(str text, Py_ssize_t place):
    """Return a character of a text, a line break where it has no more."""
    return at_(text, place) if PyUnicode_GET_LENGTH(text) > place else 10


cdef class Filler:
    """The choice between what broken places can have been, by two neighbours on either side."""

    cdef Scorer scorer
    cdef const uint32_t[::1] keys, starts
    cdef const uint8_t[::1] values, backoff
    cdef const int64_t[::1] weights
    cdef uint32_t bits
    cdef int near
    cdef double sure
    cdef bytearray certain           # by id, whether a pair that it begins is stored with a value of 0

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
        scorer.turn()
        self.scorer, self.keys, self.values, self.backoff, self.starts = scorer, keys, values, backoff, starts
        self.weights, self.bits, self.near, self.sure = weights, bits, <int>(near * NATS), sure
        self.certain = bytearray(1 << ID_BITS)
        for place in range(len(scorer.pairs)):
            if not scorer.values[place]:
                self.certain[scorer.pairs[place] >> ID_BITS] = 1

    cdef inline int64_t number(self, uint32_t left, uint32_t right, const uint8_t *certain) noexcept nogil:
        """Return which stored pair two slots are, -1 for none: most are none, which the table of frequent ones tells."""
        if not (
            self.scorer.dense[self.scorer.rows[left] | self.scorer.columns[right]]
            or self.scorer.rare[left] | self.scorer.rare[right]
            or certain[self.scorer.ids[left]]
        ):
            return -1
        return stored_pair(self.scorer, left, right)

    cdef inline int after(self, int64_t number, uint32_t third, int score) noexcept nogil:
        """Return log P(third | a stored pair), where that of its second one alone is `score`."""
        cdef int64_t low, high, middle
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

    cdef int triple(self, uint32_t first, uint32_t second, uint32_t third) noexcept nogil:
        """Return log P(third | first, second) of three slots."""
        return self.after(stored_pair(self.scorer, first, second), third, pair(self.scorer, second, third))

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
        cdef int rough, most, most_of, last
        cdef int64_t weight = 0, begun
        cdef uint32_t first, second, third
        cdef uint32_t before = slot(around[1]), behind = slot(around[2]), beyond = slot(around[3])
        cdef const uint8_t *certain = <const uint8_t *>PyByteArray_AS_STRING(self.certain)
        cdef Scorer scorer = self.scorer
        cdef str text
        shortest, longest = 1 << 30, 0
        for number in range(size):
            text = texts[number]
            length = PyUnicode_GET_LENGTH(text)
            shortest, longest = min(shortest, length), max(longest, length)
            second, rough = before, 0
            for place in range(length):
                third = slot(at_(text, place))
                rough += pair(scorer, second, third)
                second = third
            scores[number] = rough + pair_turned(scorer, second, behind)
            scores[size + number] = -(1 << 29)
        begun, last = self.number(slot(around[0]), before, certain), pair(scorer, behind, beyond)
        for length in range(shortest, longest + 1):  # those of one length are compared with each other first
            most = -(1 << 30)
            for number in range(size):
                if PyUnicode_GET_LENGTH(<str>texts[number]) == length:
                    most = max(most, scores[number])
            for number in range(size):
                text = texts[number]
                if PyUnicode_GET_LENGTH(text) != length or scores[number] < most - self.near:
                    continue
                if length == 1:
                    second = slot(at_(text, 0))
                    third = behind
                    rough = pair(scorer, before, second)
                    most_of = scores[number] - rough  # what follows the one character, by pairs
                    rough = self.after(begun, second, rough)
                    rough += self.after(self.number(before, second, certain), third, most_of)
                    rough += self.after(self.number(second, third, certain), beyond, last)
                    if foreign != NULL:
                        rough -= foreign[second]
                else:
                    rough, first, second = 0, slot(around[0]), before
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

    def fill(self, list cells not None, str left not None, str right not None, sides, tuple scripts not None, tuple costs not None):
        """Return the likeliest text of every cell, and of each whether the model is sure of it.

        A cell is (start, end, text, options): see the Python twin. `scripts` tells which characters only Simplified text has,
        and which only Traditional, and `costs` what those of the one and of the other cost in a text of the other script.
        """
        cdef Py_ssize_t count = len(cells), number, which, most = 1, rounds, size, place
        cdef list best = [], sure = [], unsure = []
        cdef object options
        cdef tuple texts
        cdef str text
        cdef const uint8_t[::1] ours = scripts[0], others = scripts[1]
        cdef const int16_t[::1] cost_of
        cdef const int16_t *cost = NULL
        cdef uint32_t *around = NULL
        cdef uint32_t now[4]
        cdef uint32_t code
        cdef int *scores = NULL
        cdef bytearray fresh
        cdef Py_ssize_t line = 0, chosen, our_count = 0, other_count = 0
        cdef bint certain
        if {len(ours), len(others)} != {BMP}:
            raise ValueError("an answer for each character of the basic plane is wanted")
        for number in range(count):
            _, _, text, options = cells[number]
            for place in range(PyUnicode_GET_LENGTH(text)):
                code = at_(text, place)
                if code < BMP:
                    our_count += ours[code]
                    other_count += others[code]
            if options is None:
                best.append(text)
                sure.append(True)
            else:
                texts = options.texts
                text = texts[0] if texts else _HOLE
                best.append(text)
                sure.append(len(texts) == 1)
                if len(texts) > 1:
                    unsure.append((number, texts, line))
                    most = max(most, len(texts))
            if sides:
                for place in range(PyUnicode_GET_LENGTH(text)):
                    line += at_(text, place) == 10
        if not unsure:
            return best, sure
        if max(our_count, other_count) > 4 * min(our_count, other_count):
            cost_of = costs[our_count > other_count]
            if len(cost_of) != BMP:
                raise ValueError("a cost for each character of the basic plane is wanted")
            cost = &cost_of[0]
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
        cdef str two = best[number - 2] if number > 1 else left
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(one)
        if size > 1:
            found[0], found[1] = at_(one, size - 2), at_(one, size - 1)
        else:
            found[0], found[1] = ending(two, 0), at_(one, 0) if size else ending(two, 0)
            if not size:
                found[0] = ending(two, 1)
        one = best[number + 1] if number + 1 < len(best) else right
        two = best[number + 2] if number + 2 < len(best) else right
        size = PyUnicode_GET_LENGTH(one)
        if size > 1:
            found[2], found[3] = at_(one, 0), at_(one, 1)
        elif size:
            found[2], found[3] = at_(one, 0), beginning(two, 0)
        else:
            found[2], found[3] = beginning(two, 0), beginning(two, 1)
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


cdef class Cells:
    """The cells of layers of one kind: which bytes are lost, and what is asked of what they can have been."""

    cdef Scorer scorer
    cdef Fillings fillings
    cdef object reader, mark, solve, sources
    cdef tuple canon
    cdef tuple firsts
    cdef type cell, options
    cdef const uint8_t[::1] lengths
    cdef Py_ssize_t most_tried, most_kept, most_between, short
    cdef bint sketch, inner
    cdef dict chosen                 # what was found where there is a choice

    def __init__(
        self, Scorer scorer not None, Fillings fillings not None, reader, mark, tuple canon, tuple firsts not None, type cell not None,
        type options not None, const uint8_t[::1] lengths, sources, tuple limits not None, bint sketch,
    ):
        self.scorer, self.fillings, self.reader, self.mark = scorer, fillings, reader, mark
        self.canon, self.firsts, self.cell, self.options = canon, firsts, cell, options
        self.inner, self.chosen = lengths is not None, {}
        self.lengths, self.sources, self.sketch = lengths, sources, sketch
        self.most_tried, self.most_kept, self.most_between, self.short = limits
        if (canon is not None and len(canon) != 256) or len(firsts) != 2 or {len(firsts[0]), len(firsts[1])} != {256}:
            raise ValueError("a table of bytes has one entry for each")
        if self.inner and len(lengths) != BMP:
            raise ValueError("a length for each character of the basic plane is wanted")

    cdef bytes tail(self, const uint8_t *data, Py_ssize_t size):
        """Return what decides whether the byte before `data` is lost: the same one of those that decide alike."""
        if not size or 0x30 <= data[0] <= 0x39 or self.canon is None:
            return (<const char *>data)[:min(size, 3)]
        return self.canon[data[0]]

    cdef object asked(self, bytes raw, tuple choice, bytes tail, const uint8_t *begun):
        """Return what a broken place can have been, whose one choice, if it has one, stands for `choice`."""
        cdef list edges = []
        cdef list texts
        cdef Py_ssize_t place, size = PyBytes_GET_SIZE(raw)
        if begun != NULL:
            for place in range(size + 1):
                if begun[place]:
                    edges.append(place)
        self.fillings.firsts = self.firsts
        texts = self.fillings.fill_in(
            raw, choice, tuple(edges), tail, self.reader, self.mark, self.most_tried, 1 if self.sketch else self.most_tried
        )
        if self.sketch:
            pass
        elif self.inner:
            texts = shown_as(texts, self.lengths, self.sources)[:self.most_between]
        else:
            texts = commonest(self.scorer, texts, self.most_kept)
        return self.options(tuple(texts))

    def of(
        self, bytes data not None, list places not None, bytes begins not None, list choices not None, uint8_t mark, dict known not None,
        solve, bint strict,
    ):
        """Return the cells of a layer: (start, end, text, options); None where a `strict` one has a place that allows nothing.

        What is alike is asked once, which `known` keeps, and each time where it has a choice; `solve` is asked what has
        several or is long, with the bytes of the broken place, what decides behind it, where characters begin, and how many
        choices stood before it and stand in it.
        """
        cdef const uint8_t *raw_data = <const uint8_t *>PyBytes_AS_STRING(data)
        cdef const uint8_t *begun = <const uint8_t *>PyBytes_AS_STRING(begins) if begins else NULL
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef list cells = []
        cdef Py_ssize_t start, end, before = 0, count, place, longest
        cdef bytes raw, tail, slice_, one
        cdef tuple texts, choice, nothing = (b"",)
        cdef str text
        if begun != NULL and PyBytes_GET_SIZE(begins) != size + 1:
            raise ValueError("each byte of a layer begins a character or does not")
        make = tuple.__new__
        for start, end, text in places:
            if text:
                cells.append(make(self.cell, (start, end, text, None)))
                continue
            if start < 0 or end > size or start >= end:
                raise ValueError("a broken place goes beyond its bytes")
            raw = (<const char *>raw_data)[start:end]
            tail = self.tail(raw_data + end, size - end)
            slice_ = (<const char *>begun)[start:end + 1] if begun != NULL else b""
            alike = (raw, tail, slice_)
            options = known.get(alike)
            if options is None:
                count = 0
                for place in range(start, end):
                    count += raw_data[place] == mark
                choice = nothing
                longest = end - start
                if count == 1:
                    choice = choices[before]
                    for one in choice:
                        longest = max(longest, end - start + PyBytes_GET_SIZE(one))
                if count > 1 or longest > self.short:
                    options = solve(raw, tail, slice_, before, count)
                elif not count:
                    options = self.asked(raw, nothing, tail, begun + start if begun != NULL else NULL)
                else:
                    options = self.chosen.get((alike, choice))
                    if options is None:
                        if len(self.chosen) >= REMEMBERED:
                            self.chosen.clear()
                        options = self.asked(raw, choice, tail, begun + start if begun != NULL else NULL)
                        self.chosen[alike, choice] = options
                before += count
                if not count:
                    known[alike] = options
            texts = options.texts
            if strict and not texts:
                return None
            cells.append(make(self.cell, (start, end, <str>texts[0] if len(texts) == 1 else "", options)))
        return cells


def allows_all(list cells not None):
    """Tell whether every broken place among cells can have been anything."""
    for _, _, _, options in cells:
        if options is not None and not options.texts:
            return False
    return True


def cells_text(list cells not None):
    """Return the text of cells, each broken place filled with the first that it allows, or a hole."""
    cdef list parts = []
    cdef str text
    cdef tuple texts
    for _, _, text, options in cells:
        if options is not None:
            texts = options.texts
            text = texts[0] if texts else _HOLE
        parts.append(text)
    return "".join(parts)


def layer_pieces(list cells not None, list best not None, list sure not None, const int64_t[::1] starts not None, Py_ssize_t length):
    """Return the pieces of a reading in characters; one that ends inside a character ends where it starts."""
    cdef Pieces pieces = Pieces()
    cdef Py_ssize_t place = 0, number, first, start, end, size = len(cells)
    cdef str text
    for number in range(size):
        start, end, text, options = cells[number]
        while place < len(starts) and starts[place] < start:
            place += 1
        first = place
        while place < len(starts) and starts[place] < end:
            place += 1
        end = place if place < len(starts) and starts[place] == end else first
        if size == 1:
            first, end = 0, length
        text = best[number]
        if options is None:
            pieces.add(first, end, text, KNOWN, "")
        elif not sure[number] or not options.texts:
            pieces.add(first, end, _HOLE, OPEN, text if options.texts else "")
        else:
            pieces.add(first, end, text, FORCED if len(options.texts) == 1 else LIKELY, "")
    return pieces


cdef Py_ssize_t later(int kind, const void *text, Py_ssize_t size, Py_ssize_t at) noexcept:
    """Return where the escapes of bytes that begin no character of UTF-8 end."""
    cdef uint32_t code
    while at < size:
        code = PyUnicode_READ(kind, text, at)
        if not (0xDC80 <= code <= 0xDCC1 or 0xDCF5 <= code <= 0xDCFF):
            break
        at += 1
    return at


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
