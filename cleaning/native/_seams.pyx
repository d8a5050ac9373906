# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Find the stretches of a line that were likelier put in as keywords than written: words of the lexicon, letters between.

The twin in Python is `cleaning.seams.plain_stretches`. The model of running Chinese is repair's (`_score`), whose values
are sixteenths of a nat, so that sums are the twin's to the last bit.
"""

from cpython.unicode cimport (
    Py_UNICODE_ISALNUM,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
)
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from cleaning.native._score cimport NATS, Scorer, pair, slot

cdef enum:
    MOST_BEAM = 16
    MOST_MARKS = 8
    WEIGHTS = 5
    PLANE = 65536

cdef struct Word:
    Py_ssize_t start
    Py_ssize_t end
    int weight
    double gain
    double nats

cdef struct Chain:
    double odds
    double nats
    Py_ssize_t start
    Py_ssize_t telling     # where its first word of weight 2 or 3 begins, -1 for none
    bint unknown           # whether its last letter is in no word
    Py_ssize_t next        # number of another chain that ends at the same place, -1 for none

cdef struct Stretch:
    Py_ssize_t start
    Py_ssize_t end
    double nats
    double odds
    Py_ssize_t telling

cdef struct Line:
    int kind
    const void *data
    Py_ssize_t size


cdef inline uint32_t _char(const Line *line, Py_ssize_t place) noexcept:
    return PyUnicode_READ(line.kind, line.data, place)


cdef inline bint _better(const Chain *one, const Chain *other) noexcept:
    if one.odds != other.odds:
        return one.odds > other.odds
    if one.nats != other.nats:
        return one.nats > other.nats
    if one.start != other.start:
        return one.start > other.start
    if one.telling != other.telling:
        return one.telling > other.telling
    return one.unknown > other.unknown


cdef inline bint _before(const Word *one, const Word *other) noexcept:
    if one.start != other.start:
        return one.start < other.start
    if one.end != other.end:
        return one.end < other.end
    return one.weight < other.weight


cdef class Reader:
    """The numbers of `cleaning.seams`, and the model of running Chinese."""

    cdef Scorer scorer
    cdef uint32_t sentences[PLANE >> 5]
    cdef uint32_t marks[MOST_MARKS]
    cdef double marked[MOST_MARKS]
    cdef Py_ssize_t mark_count
    cdef uint32_t edge
    cdef double word_nats[WEIGHTS]
    cdef double most_nats[WEIGHTS]
    cdef double unknown, new, again, closing, tie
    cdef Py_ssize_t gap, reach, again_within, beam, least, most

    def __init__(
        self, Scorer scorer not None, *, str sentences not None, dict marks not None, str edge not None,
        tuple word_nats not None, tuple most_nats not None, double unknown, double new, double again, double closing,
        double tie, Py_ssize_t gap, Py_ssize_t reach, Py_ssize_t again_within, Py_ssize_t beam, Py_ssize_t least,
        Py_ssize_t most,
    ):
        cdef uint32_t char
        cdef int weight
        if not 0 < beam < MOST_BEAM or least < 1:
            raise ValueError(f"follow 1 to {MOST_BEAM - 1} chains of one letter and more")
        if len(marks) > MOST_MARKS or len(word_nats) != WEIGHTS or len(most_nats) != WEIGHTS or len(edge) != 1:
            raise ValueError(f"give {WEIGHTS} weights, at most {MOST_MARKS} marks and one edge")
        memset(self.sentences, 0, sizeof(self.sentences))
        for char in map(ord, sentences):
            if char >= PLANE:
                raise ValueError("a mark of sentences lies in the basic plane")
            self.sentences[char >> 5] |= <uint32_t>1 << (char & 31)
        self.mark_count = 0
        for mark, gain in marks.items():
            self.marks[self.mark_count], self.marked[self.mark_count] = ord(mark), gain
            self.mark_count += 1
        for weight in range(WEIGHTS):
            self.word_nats[weight], self.most_nats[weight] = word_nats[weight], most_nats[weight]
        self.scorer, self.edge = scorer, ord(edge)
        self.unknown, self.new, self.again, self.closing, self.tie = unknown, new, again, closing, tie
        self.gap, self.reach, self.again_within = gap, reach, again_within
        self.beam, self.least, self.most = beam, least, most

    cdef inline bint _in_sentences(self, uint32_t char) noexcept:
        return char < PLANE and self.sentences[char >> 5] >> (char & 31) & 1

    cdef inline double _mark(self, uint32_t char) noexcept:
        cdef Py_ssize_t at
        for at in range(self.mark_count):
            if self.marks[at] == char:
                return self.marked[at]
        return 0.0

    cdef inline int _pair(self, const Line *line, Py_ssize_t left, Py_ssize_t right) noexcept:
        """How likely the character at one place is after that at another, in sixteenths; outside the line is its edge."""
        return pair(
            self.scorer,
            slot(_char(line, left) if left >= 0 else self.edge),
            slot(_char(line, right) if right < line.size else self.edge),
        )

    def stretches(self, str text not None, hits not None, double least):
        """Return (start, end, nats, odds, telling) of what was likelier put into `text` than written, in order.

        `hits` are the (start, end, weight) of the lexicon's words in it; ValueError where one lies outside.
        """
        cdef Line line
        cdef Py_ssize_t count = 0, at
        cdef Word word
        cdef Word *words = NULL
        cdef list found = []
        line.kind, line.data, line.size = PyUnicode_KIND(text), PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text)
        words = <Word *>malloc((len(hits) + 1) * sizeof(Word))
        if not words:
            raise MemoryError
        try:
            for start, end, weight in hits:
                word.start, word.end, word.weight, word.gain, word.nats = start, end, weight, 0.0, 0.0
                if not 0 <= word.start < word.end <= line.size or not 0 <= word.weight < WEIGHTS:
                    raise ValueError("a word lies in the line and has a weight of the lexicon's")
                at = count
                while at and _before(&word, &words[at - 1]):  # they come nearly in order
                    words[at] = words[at - 1]
                    at -= 1
                words[at] = word
                count += 1
            self._by_group(&line, words, count, least, found)
            return found
        finally:
            free(words)

    cdef int _by_group(self, const Line *line, Word *words, Py_ssize_t count, double least, list found) except -1:
        """Look at the words that stand near each other together, as far as one of them has weight 2 or 3."""
        cdef Py_ssize_t at, first = 0, end = 0
        cdef bint sure = False, heavy = False
        for at in range(count):
            if at > first and not self._near(line, end, &words[at], sure):
                if heavy:
                    self._look(line, words + first, at - first, least, found)
                first, sure, heavy = at, False, False
            end = max(end, words[at].end)
            sure = sure or words[at].weight > 2
            heavy = heavy or words[at].weight > 1
        if heavy:
            self._look(line, words + first, count - first, least, found)
        return 0

    cdef bint _near(self, const Line *line, Py_ssize_t end, const Word *word, bint sure) noexcept:
        """Whether a word goes on with those before it, which end at `end`."""
        cdef Py_ssize_t place
        if word.start - end > self.gap:
            return False
        for place in range(end, word.start):
            if self._in_sentences(_char(line, place)):
                return False
            if _char(line, place) == c"," and not (sure or word.weight > 2):
                return False
        return True

    cdef double _most(self, const Word *words, Py_ssize_t count) noexcept:
        """The most that a group's words may count: those of `spam.longest`."""
        cdef Py_ssize_t first = 0, after, upto, last, at, end = 0
        cdef double total = 0.0
        while first < count:
            after = first
            while after < count and words[after].start == words[first].start:
                after += 1
            last = after
            while last > first:  # of those that begin alike the longer first, of one span the lighter
                upto = last
                last -= 1
                while last > first and words[last - 1].end == words[last].end:
                    last -= 1
                for at in range(last, upto):
                    if words[at].start >= end:
                        total += self.most_nats[words[at].weight]
                        end = words[at].end
                    elif words[at].end > end and words[at].weight > 1:
                        total += self.most_nats[words[at].weight - 1]
                        end = words[at].end
            first = after
        return total

    cdef Py_ssize_t _reached(self, const Line *line, Py_ssize_t place, int step) noexcept:
        """How far unknown letters before (step -1) or behind a place may belong to keywords."""
        cdef Py_ssize_t left, next
        cdef uint32_t char
        for left in range(self.reach):
            next = place - 1 if step < 0 else place
            if next < 0 or next >= line.size:
                break
            char = _char(line, next)
            if not Py_UNICODE_ISALNUM(char) or self._in_sentences(char):
                break
            place += step
        return place

    cdef bint _said(self, const Line *line, const Word *word) noexcept:
        """Whether the line has a word's text shortly before it."""
        cdef Py_ssize_t at, same, size = word.end - word.start
        for at in range(max(0, word.start - self.again_within), word.start - size + 1):
            same = 0
            while same < size and _char(line, at + same) == _char(line, word.start + same):
                same += 1
            if same == size:
                return True
        return False

    cdef int _look(self, const Line *line, Word *words, Py_ssize_t count, double least, list found) except -1:
        """Add the likeliest stretch around a group of words, where there is one."""
        cdef Py_ssize_t left, right, at, place, size, seen
        cdef int *pairs = NULL
        cdef Chain *pool = NULL
        cdef Py_ssize_t *heads = NULL
        cdef Stretch *ways = NULL
        cdef int64_t written
        if self._most(words, count) + self.closing < least:
            return 0
        right = 0
        for at in range(count):
            right = max(right, words[at].end)
        left, right = self._reached(line, words[0].start, -1), self._reached(line, right, 1)
        size = right - left + 1
        pairs = <int *>malloc(size * sizeof(int))
        pool = <Chain *>malloc((self.beam + 1) * (count + size) * sizeof(Chain))
        heads = <Py_ssize_t *>malloc(size * sizeof(Py_ssize_t))
        ways = <Stretch *>malloc(self.beam * size * sizeof(Stretch))
        try:
            if not (pairs and pool and heads and ways):
                raise MemoryError
            for place in range(left, right + 1):
                pairs[place - left] = self._pair(line, place - 1, place)
            for at in range(count):
                written = 0
                for place in range(words[at].start, words[at].end):
                    written += pairs[place - left]
                words[at].gain = self.word_nats[words[at].weight] - <double>written / NATS
                if self._said(line, &words[at]):
                    words[at].gain = min(words[at].gain, self.again)
                words[at].nats = min(self.most_nats[words[at].weight], words[at].gain)
            seen = self._follow(line, left, right, words, count, pairs, pool, heads, ways)
            self._choose(ways, seen, least, found)
            return 0
        finally:
            free(pairs)
            free(pool)
            free(heads)
            free(ways)

    cdef int _choose(self, const Stretch *ways, Py_ssize_t count, double least, list found) except -1:
        """Add the likeliest of overlapping stretches, of those about as likely the shortest."""
        cdef Py_ssize_t at, best = -1, shortest = -1
        for at in range(count):
            if ways[at].nats >= least and (best < 0 or ways[at].odds > ways[best].odds):
                best = at
        if best < 0:
            return 0
        for at in range(count):
            if ways[at].nats >= least and ways[at].odds >= ways[best].odds - self.tie:
                if shortest < 0 or ways[at].end - ways[at].start < ways[shortest].end - ways[shortest].start:
                    shortest = at
        found.append((ways[shortest].start, ways[shortest].end, ways[shortest].nats, ways[shortest].odds, ways[shortest].telling))
        return 0

    cdef Py_ssize_t _follow(
        self, const Line *line, Py_ssize_t left, Py_ssize_t right, const Word *words, Py_ssize_t count,
        const int *pairs, Chain *pool, Py_ssize_t *heads, Stretch *ways,
    ) noexcept:
        """Note each way to read a part of the line from `left` to `right` as keywords; return how many there are.

        At each place at most `beam` chains end and one begins, each is noted once and goes on with each word there and
        with the one character: so `pool` and `ways` have room.
        """
        cdef Chain here[MOST_BEAM + 1]
        cdef Chain chain
        cdef Py_ssize_t place, number, at, upto, last, word = 0, made = 0, seen = 0, held
        cdef double seam, gain
        cdef bint letter, open_, ends
        for place in range(right - left + 1):
            heads[place] = -1
        for place in range(left, right + 1):
            held = 0
            number = heads[place - left]
            while number >= 0:  # the best ones, the very best first
                at = held
                while at and _better(&pool[number], &here[at - 1]):
                    if at < self.beam:
                        here[at] = here[at - 1]
                    at -= 1
                if at < self.beam:
                    here[at] = pool[number]
                    held = min(held + 1, self.beam)
                number = pool[number].next
            ends = place > 0 and Py_UNICODE_ISALNUM(_char(line, place - 1))
            for at in range(held):
                if (
                    ends
                    and here[at].telling >= 0
                    and place - here[at].start >= self.least
                    and (here[at].start > 0 or place < line.size)
                ):
                    seam = <double>self._pair(line, here[at].start - 1, place) / NATS - <double>pairs[place - left] / NATS
                    ways[seen].start, ways[seen].end, ways[seen].telling = here[at].start, place, here[at].telling
                    ways[seen].nats, ways[seen].odds = here[at].nats + seam, here[at].odds + seam
                    seen += 1
            if place == right:
                break
            letter = Py_UNICODE_ISALNUM(_char(line, place))
            open_ = not self._in_sentences(_char(line, place))
            if letter:
                here[held].odds = here[held].nats = 0.0
                here[held].start, here[held].telling, here[held].unknown = place, -1, False
                held += 1
            last = word
            while last < count and words[last].start == place:
                last += 1
            for at in range(held):
                if place - here[at].start > self.most:
                    continue
                for upto in range(word, last):
                    chain = here[at]
                    chain.odds, chain.nats = chain.odds + words[upto].gain, chain.nats + words[upto].nats
                    chain.unknown = False
                    if chain.telling < 0 and words[upto].weight > 1:
                        chain.telling = place
                    chain.next = heads[words[upto].end - left]
                    pool[made] = chain
                    heads[words[upto].end - left] = made
                    made += 1
                if open_:
                    chain = here[at]
                    if letter:
                        gain = self.unknown + (0.0 if chain.unknown else self.new)
                    else:
                        gain = self._mark(_char(line, place))
                    chain.odds, chain.nats, chain.unknown = chain.odds + gain, chain.nats + gain, letter
                    chain.next = heads[place + 1 - left]
                    pool[made] = chain
                    heads[place + 1 - left] = made
                    made += 1
            word = last
        return seen
