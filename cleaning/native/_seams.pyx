# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Follow the ways in which a stretch of a line can be read as keywords: words of the lexicon and letters between them.

The twin in Python is `cleaning.seams.plain_candidates`.
"""

from cpython.unicode cimport (
    Py_UNICODE_ISALNUM,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
)
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc

cdef enum:
    MOST_BEAM = 16

cdef struct Chain:
    double odds
    double nats
    Py_ssize_t start
    Py_ssize_t telling     # where its first word of weight 2 or 3 begins, -1 for none
    bint unknown           # whether its last letter is in no word
    Py_ssize_t next        # number of another chain that ends at the same place, -1 for none


cdef inline bint _better(const Chain *one, const Chain *other) noexcept nogil:
    if one.odds != other.odds:
        return one.odds > other.odds
    if one.nats != other.nats:
        return one.nats > other.nats
    if one.start != other.start:
        return one.start > other.start
    if one.telling != other.telling:
        return one.telling > other.telling
    return one.unknown > other.unknown


cdef class Reader:
    """What letters and marks count, how many chains are followed at a time, and how long they may be."""

    cdef frozenset sentences
    cdef dict marks
    cdef double unknown, new
    cdef Py_ssize_t beam, least, most

    def __init__(
        self, frozenset sentences not None, dict marks not None, *, double unknown, double new, Py_ssize_t beam,
        Py_ssize_t least, Py_ssize_t most,
    ):
        if not 0 < beam < MOST_BEAM or least < 1:
            raise ValueError(f"follow 1 to {MOST_BEAM - 1} chains of one letter and more")
        self.sentences, self.marks, self.unknown, self.new = sentences, marks, unknown, new
        self.beam, self.least, self.most = beam, least, most

    def candidates(self, str line not None, Py_ssize_t left, Py_ssize_t right, list words not None, list pairs not None, closing):
        """Return (start, end, nats, odds, telling) of each way to read a part of `line[left:right]` as keywords.

        `words` are (start, end, odds, nats, heavy) in order of start, `pairs` how likely the letter at each place from
        `left` to `right` is after the one before it; `closing(start, end)` is asked how well the line closes without.
        """
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(line), room, made = 0, place, number, count, at, upto, word = 0, last
        cdef Py_ssize_t after, end, telling
        cdef int kind = PyUnicode_KIND(line)
        cdef const void *data = PyUnicode_DATA(line)
        cdef Chain here[MOST_BEAM + 1]
        cdef Chain *pool = NULL
        cdef Py_ssize_t *heads = NULL
        cdef Chain chain
        cdef double seam, gain, nats
        cdef uint32_t char
        cdef bint letter, open_, heavy
        cdef list found = []
        if not 0 <= left <= right <= size or len(pairs) != right - left + 1:
            raise ValueError("the part lies in the line, and has a pair for each place")
        after = left
        for start, end, *_ in words:
            if not after <= start < end <= right:
                raise ValueError("the words are in order and lie in the part")
            after = start
        room = (self.beam + 1) * (len(words) + right - left + 1)
        pool = <Chain *>malloc(room * sizeof(Chain))
        heads = <Py_ssize_t *>malloc((right - left + 1) * sizeof(Py_ssize_t))
        try:
            if not (pool and heads):
                raise MemoryError
            for place in range(right - left + 1):
                heads[place] = -1
            for place in range(left, right + 1):
                count = 0
                number = heads[place - left]
                while number >= 0:  # the best ones, the very best first
                    at = count
                    while at and _better(&pool[number], &here[at - 1]):
                        if at < self.beam:
                            here[at] = here[at - 1]
                        at -= 1
                    if at < self.beam:
                        here[at] = pool[number]
                        count = min(count + 1, self.beam)
                    number = pool[number].next
                char = PyUnicode_READ(kind, data, place - 1) if place else 0
                for at in range(count):
                    if (
                        here[at].telling >= 0
                        and place - here[at].start >= self.least
                        and Py_UNICODE_ISALNUM(char)
                        and (here[at].start > 0 or place < size)
                    ):
                        seam = <double>closing(here[at].start, place) - <double>pairs[place - left]
                        found.append((here[at].start, place, here[at].nats + seam, here[at].odds + seam, here[at].telling))
                if place == right:
                    break
                char = PyUnicode_READ(kind, data, place)
                letter = Py_UNICODE_ISALNUM(char)
                open_ = chr(char) not in self.sentences
                if letter:
                    here[count].odds = here[count].nats = 0.0
                    here[count].start, here[count].telling, here[count].unknown = place, -1, False
                    count += 1
                last = word
                while last < len(words) and words[last][0] == place:
                    last += 1
                for at in range(count):
                    if place - here[at].start > self.most:
                        continue
                    for upto in range(word, last):
                        _, end, gain, nats, heavy = words[upto]
                        chain = here[at]
                        chain.odds, chain.nats, chain.unknown = chain.odds + gain, chain.nats + nats, False
                        if chain.telling < 0 and heavy:
                            chain.telling = place
                        chain.next = heads[end - left]
                        pool[made] = chain
                        heads[end - left] = made
                        made += 1
                    if open_:
                        chain = here[at]
                        if letter:
                            gain = self.unknown + (0.0 if chain.unknown else self.new)
                        else:
                            gain = self.marks.get(chr(char), 0.0)
                        chain.odds, chain.nats, chain.unknown = chain.odds + gain, chain.nats + gain, letter
                        chain.next = heads[place + 1 - left]
                        pool[made] = chain
                        heads[place + 1 - left] = made
                        made += 1
                word = last
            return found
        finally:
            free(pool)
            free(heads)
