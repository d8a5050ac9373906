# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""UTF-8 was written and bytes were lost: broken places, every text that each can have been, and the choice between these.

The Python twin is `lattice`; `layer_pieces` is one of `utf8`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int16_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc

from cleaning.native._pieces cimport FORCED, KNOWN, LIKELY, OPEN, Pieces
from cleaning.native._score cimport BMP, NATS, UNDECODED, Scorer, at_, pair, slot, stored_pair, text_of


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


cdef enum:
    FEW = 256              # texts that are sorted by insertion


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
        cdef int score = pair(self.scorer, second, third)
        cdef int64_t number = stored_pair(self.scorer, first, second), low, high, middle
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
                rough += pair(self.scorer, second, third)
                second = third
            scores[number] = rough + pair(self.scorer, second, slot(around[2]))
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
