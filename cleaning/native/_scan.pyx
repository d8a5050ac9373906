# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Find the words of several lists in a text in one go, and tell whether bytes hold one of a few words.

From each character of a text the tree of all words is followed as far as it goes. The texts are Chinese and the lists
have some thousand words: half of the characters begin some word, but few pairs of characters do, so a bit for each pair
turns nearly all places away, in a table that stays in the processor's nearest memory from one page to the next. Work is
bounded by the text's length times that of the longest word.

The twin in Python is `cleaning.words`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport (
    PyUnicode_1BYTE_KIND,
    PyUnicode_2BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_FindChar,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
)
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memchr, memcmp, memset

cdef extern from *:
    """
    #define SPREAD 0x9E3779B97F4A7C15ULL  /* Knuth's multiplier, 2^64 by the golden ratio */
    #define PAIR (1ULL << 62)
    #define SINGLE (1ULL << 63)
    """
    const uint64_t SPREAD
    const uint64_t PAIR
    const uint64_t SINGLE

cdef enum:
    PAIR_BITS = 17         # 16 KB of bits for pairs of characters that begin a word
    SINGLE_BITS = 12       # and 512 bytes for characters that are one
    FIRST_ROOM = 64
    MOST_LISTS = 16

ctypedef fused Char:
    uint8_t
    uint16_t
    uint32_t

cdef struct Edge:
    uint64_t key           # where from, and the character; 0: a free slot
    int32_t node           # where to
    int32_t entry          # the first word that ends there, -1 for none

cdef struct Entry:
    int32_t group          # the list that a word is in
    int32_t number         # its place there
    int32_t next           # the same word in another list, -1 for none

cdef struct Match:
    int32_t start
    int32_t end
    int32_t entry

cdef struct Found:
    Match *matches
    Py_ssize_t count
    Py_ssize_t room


cdef inline uint32_t _pair_bit(uint32_t first, uint32_t second) noexcept nogil:
    return (first * 0x9E3779B1u + second * 0x85EBCA77u) >> (32 - PAIR_BITS)


cdef inline uint32_t _single_bit(uint32_t char) noexcept nogil:
    return (char * 0x9E3779B1u) >> (32 - SINGLE_BITS)


cdef inline bint _has(const uint32_t *bits, uint32_t bit) noexcept nogil:
    return bits[bit >> 5] >> (bit & 31) & 1


cdef inline void _set(uint32_t *bits, uint32_t bit) noexcept nogil:
    bits[bit >> 5] |= <uint32_t>1 << (bit & 31)


cdef inline Edge *_slot(Edge *edges, uint64_t mask, uint64_t key) noexcept nogil:
    """The slot that holds a key, or the free one where it belongs; there always is a free one."""
    cdef uint64_t at = (key * SPREAD) >> 32 & mask
    while edges[at].key and edges[at].key != key:
        at = (at + 1) & mask
    return &edges[at]


cdef inline uint64_t _from(int32_t node, uint32_t char) noexcept nogil:
    return (<uint64_t>node + 1) << 21 | char


cdef class Words:
    """Lists of words, ready to be found; a word's number is its place in its list."""

    cdef Edge *edges
    cdef uint64_t mask
    cdef Entry *entries
    cdef uint32_t pairs[1 << (PAIR_BITS - 5)]
    cdef uint32_t singles[1 << (SINGLE_BITS - 5)]
    cdef int groups

    def __cinit__(self, lists):
        cdef Py_ssize_t letters = 0, total = 0
        cdef uint64_t size = 16
        if len(lists) > MOST_LISTS:
            raise ValueError(f"at most {MOST_LISTS} lists")
        self.groups = len(lists)
        memset(self.pairs, 0, sizeof(self.pairs))
        memset(self.singles, 0, sizeof(self.singles))
        for words in lists:
            for word in words:
                if not word:
                    raise ValueError("a word of a list can't be empty")
                letters += len(word)
                total += 1
        while size < 2 * <uint64_t>letters + 2:
            size *= 2
        cdef Edge *tree = <Edge *>calloc(size, sizeof(Edge))
        cdef uint32_t *first = <uint32_t *>calloc(letters + 1, sizeof(uint32_t))
        self.entries = <Entry *>calloc(total + 1, sizeof(Entry))
        if not (tree and first and self.entries):
            free(tree)
            free(first)
            raise MemoryError
        try:
            self._grow(lists, tree, size - 1, first)
            self._settle(tree, size, first)
        finally:
            free(tree)
            free(first)

    def __dealloc__(self):
        free(self.edges)
        free(self.entries)

    cdef int _grow(self, lists, Edge *tree, uint64_t mask, uint32_t *first) except -1:
        """Make the tree of all words; `first` is told the character that leads to each node under the root."""
        cdef int32_t node, nodes = 1, entry = 0, number
        cdef int group
        cdef Edge *edge
        cdef Entry *seen
        cdef str word
        cdef Py_ssize_t at
        for group in range(self.groups):
            for number, word in enumerate(lists[group]):
                node, edge = 0, NULL
                for at in range(len(word)):
                    edge = _slot(tree, mask, _from(node, ord(word[at])))
                    if not edge.key:
                        edge.key, edge.node, edge.entry = _from(node, ord(word[at])), nodes, -1
                        if node == 0:
                            first[nodes] = ord(word[at])
                        nodes += 1
                    node = edge.node
                if edge.entry >= 0 and self.entries[edge.entry].group == group:
                    raise ValueError(f"twice in one list: {word!r}")
                seen = &self.entries[entry]
                seen.group, seen.number, seen.next = group, number, edge.entry
                edge.entry = entry
                entry += 1
        return 0

    cdef int _settle(self, const Edge *tree, uint64_t size, const uint32_t *first) except -1:
        """Move the tree to where it is kept: two characters at once under the root, single ones apart."""
        cdef uint64_t at, key, kept = 16
        cdef uint64_t edges = 0
        cdef uint32_t char
        cdef int32_t node
        cdef Edge *slot
        for at in range(size):
            edges += tree[at].key != 0
        while kept < 2 * edges + 2:
            kept *= 2
        self.edges = <Edge *>calloc(kept, sizeof(Edge))
        if not self.edges:
            raise MemoryError
        self.mask = kept - 1
        for at in range(size):
            key = tree[at].key
            if not key:
                continue
            char, node = key & 0x1FFFFF, <int32_t>((key >> 21) - 1)
            if node == 0:
                if tree[at].entry < 0:
                    continue
                key = SINGLE | char
                _set(self.singles, _single_bit(char))
            elif first[node]:
                key = PAIR | <uint64_t>first[node] << 21 | char
                _set(self.pairs, _pair_bit(first[node], char))
            slot = _slot(self.edges, self.mask, key)
            slot.key, slot.node, slot.entry = key, tree[at].node, tree[at].entry
        return 0

    cdef int _add(self, Found *found, Py_ssize_t start, Py_ssize_t end, int32_t entry) except -1:
        cdef Match *more
        while entry >= 0:
            if found.count == found.room:
                more = <Match *>realloc(found.matches, 2 * found.room * sizeof(Match))
                if not more:
                    raise MemoryError
                found.matches, found.room = more, 2 * found.room
            found.matches[found.count].start = <int32_t>start
            found.matches[found.count].end = <int32_t>end
            found.matches[found.count].entry = entry
            found.count += 1
            entry = self.entries[entry].next
        return 0

    cdef int _walk(self, const Char *text, Py_ssize_t size, Found *found) except -1:
        """Note every word in a text: by its start, the shorter first."""
        cdef Py_ssize_t at, ahead
        cdef uint32_t char, next = text[0] if size else 0
        cdef const Edge *edge
        for at in range(size):
            char = next
            next = text[at + 1] if at + 1 < size else 0
            if _has(self.singles, _single_bit(char)):
                edge = _slot(self.edges, self.mask, SINGLE | char)
                if edge.key:
                    self._add(found, at, at + 1, edge.entry)
            if at + 1 == size or not _has(self.pairs, _pair_bit(char, next)):
                continue
            edge = _slot(self.edges, self.mask, PAIR | <uint64_t>char << 21 | next)
            ahead = at + 2
            while edge.key:
                if edge.entry >= 0:
                    self._add(found, at, ahead, edge.entry)
                if ahead == size:
                    break
                edge = _slot(self.edges, self.mask, _from(edge.node, text[ahead]))
                ahead += 1
        return 0

    cdef int _find(self, str text, Found *found) except -1:
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text)
        cdef const void *data = PyUnicode_DATA(text)
        if size > 0x7FFFFFFE:
            raise OverflowError("the text is too long")
        found.count, found.room = 0, FIRST_ROOM
        found.matches = <Match *>malloc(FIRST_ROOM * sizeof(Match))
        if not found.matches:
            raise MemoryError
        if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
            return self._walk(<const uint8_t *>data, size, found)
        if PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND:
            return self._walk(<const uint16_t *>data, size, found)
        return self._walk(<const uint32_t *>data, size, found)

    cdef inline tuple _told(self, const Match *match):
        return self.entries[match.entry].number, match.start, match.end

    def overlapping(self, str text not None):
        """Return for each list (word, start, end) of every word in the text, by end, the longer first."""
        cdef Found found
        cdef Py_ssize_t at, place
        cdef Match match
        cdef list told = [[] for _ in range(self.groups)]
        found.matches = NULL
        try:
            self._find(text, &found)
            # By start they come; what ends earlier began at most a word's length before.
            for at in range(1, found.count):
                match = found.matches[at]
                place = at
                while place and (found.matches[place - 1].end > match.end):
                    found.matches[place] = found.matches[place - 1]
                    place -= 1
                found.matches[place] = match
            for at in range(found.count):
                (<list>told[self.entries[found.matches[at].entry].group]).append(self._told(&found.matches[at]))
        finally:
            free(found.matches)
        return told

    cdef void _keep_longest(self, Found *found) noexcept nogil:
        """Keep of each list's words those that don't overlap; the others' entry becomes -1."""
        cdef Py_ssize_t at
        cdef Py_ssize_t held[MOST_LISTS]
        cdef Match *match
        cdef Match *best
        cdef int group
        for group in range(self.groups):
            held[group] = -1
        for at in range(found.count):
            match = &found.matches[at]
            group = self.entries[match.entry].group
            if held[group] < 0:
                held[group] = at
                continue
            best = &found.matches[held[group]]
            if match.start >= best.end:
                held[group] = at
            elif match.start == best.start:
                best.entry = -1
                held[group] = at
            else:
                match.entry = -1

    def longest(self, str text not None):
        """Return for each list (word, start, end) of its words that don't overlap: leftmost, of several the longest."""
        cdef Found found
        cdef Py_ssize_t at
        cdef list told = [[] for _ in range(self.groups)]
        found.matches = NULL
        try:
            self._find(text, &found)
            self._keep_longest(&found)
            for at in range(found.count):
                if found.matches[at].entry >= 0:
                    (<list>told[self.entries[found.matches[at].entry].group]).append(self._told(&found.matches[at]))
        finally:
            free(found.matches)
        return told

    def tally(self, str text not None):
        """Return for each list how often each word is among the `longest`, in order of first occurrence."""
        cdef Found found
        cdef Py_ssize_t at
        cdef dict counts
        cdef int32_t number
        cdef list told = [{} for _ in range(self.groups)]
        found.matches = NULL
        try:
            self._find(text, &found)
            self._keep_longest(&found)
            for at in range(found.count):
                if found.matches[at].entry >= 0:
                    number = self.entries[found.matches[at].entry].number
                    counts = <dict>told[self.entries[found.matches[at].entry].group]
                    counts[number] = counts.get(number, 0) + 1
        finally:
            free(found.matches)
        return told

    def found(self, str text not None, uint32_t placed):
        """Return the `tally` of each list, but the `longest` of those whose bit is set in `placed`."""
        cdef Found found
        cdef Py_ssize_t at
        cdef dict counts
        cdef const Entry *entry
        cdef list tallies = [{} for _ in range(self.groups)]
        cdef list places = [[] for _ in range(self.groups)]
        found.matches = NULL
        try:
            self._find(text, &found)
            self._keep_longest(&found)
            for at in range(found.count):
                if found.matches[at].entry < 0:
                    continue
                entry = &self.entries[found.matches[at].entry]
                if placed >> entry.group & 1:
                    (<list>places[entry.group]).append(self._told(&found.matches[at]))
                else:
                    counts = <dict>tallies[entry.group]
                    counts[entry.number] = counts.get(entry.number, 0) + 1
        finally:
            free(found.matches)
        return tallies, places

    def by_line(self, str text not None):
        """Return for each list which of its words each line holds that holds any: {line: {word, ...}}."""
        cdef Found found
        cdef Py_ssize_t at, line = -1, ends = -1, size = PyUnicode_GET_LENGTH(text)
        cdef Py_ssize_t lines[MOST_LISTS]
        cdef const Entry *entry
        cdef list told = [{} for _ in range(self.groups)]
        cdef list held = [None] * self.groups  # each list's words of its last line with any
        for at in range(self.groups):
            lines[at] = -1
        found.matches = NULL
        try:
            self._find(text, &found)
            for at in range(found.count):
                while ends < found.matches[at].start:  # a line break in a word counts for its first line
                    line += 1
                    ends = PyUnicode_FindChar(text, 10, ends + 1, size, 1)
                    if ends < 0:
                        ends = size
                entry = &self.entries[found.matches[at].entry]
                if lines[entry.group] != line:
                    lines[entry.group] = line
                    held[entry.group] = (<dict>told[entry.group])[line] = set()
                (<set>held[entry.group]).add(entry.number)
        finally:
            free(found.matches)
        return told


cdef enum:
    MOST_NEEDLES = 64


cdef class Needles:
    """A few words of bytes; told is whether bytes hold one.

    Each word has an anchor, a sign that many of them share (`-` of `UA-`, `G-`, `GTM-`): the C library jumps from one to
    the next at many bytes a cycle, and there alone words are compared.
    """

    cdef tuple words
    cdef list anchors
    cdef const char *starts[MOST_NEEDLES]
    cdef Py_ssize_t sizes[MOST_NEEDLES]
    cdef Py_ssize_t before[MOST_NEEDLES]
    cdef uint8_t signs[MOST_NEEDLES]
    cdef Py_ssize_t count

    def __cinit__(self, words):
        cdef Py_ssize_t number
        cdef bytes word
        self.words = tuple(words)
        self.count = len(self.words)
        if not 0 < self.count <= MOST_NEEDLES or not all(self.words):
            raise ValueError(f"give 1 to {MOST_NEEDLES} words, none of them empty")
        left = list(self.words)
        self.anchors = []
        while left:
            shared = {sign: sum(sign in word for word in left) for word in left for sign in word}
            sign = max(shared, key=lambda one: (not chr(one).isalnum(), shared[one], one))
            self.anchors.append(sign)
            left = [word for word in left if sign not in word]
        for number in range(self.count):
            word = self.words[number]
            self.signs[number] = next(sign for sign in self.anchors if sign in word)
            self.before[number] = word.index(self.signs[number])
            self.starts[number], self.sizes[number] = PyBytes_AS_STRING(word), PyBytes_GET_SIZE(word)

    def within(self, bytes body not None):
        """Return whether one of the words is in `body`."""
        return self._look(body, None)

    def places(self, bytes body not None):
        """Return (word, start) of every word in `body`; those of one word are in order."""
        cdef list found = []
        self._look(body, found)
        return found

    cdef bint _look(self, bytes body, list found) except -1:
        """Note every place, without a list only whether there is one."""
        cdef const char *data = PyBytes_AS_STRING(body)
        cdef const char *end = data + PyBytes_GET_SIZE(body)
        cdef const char *place
        cdef const char *start
        cdef int sign
        cdef Py_ssize_t number
        for sign in self.anchors:
            place = <const char *>memchr(data, sign, end - data)
            while place != NULL:
                for number in range(self.count):
                    if self.signs[number] != sign or self.before[number] > place - data:
                        continue
                    start = place - self.before[number]
                    if self.sizes[number] <= end - start and not memcmp(self.starts[number], start, self.sizes[number]):
                        if found is None:
                            return True
                        found.append((number, start - data))
                place = <const char *>memchr(place + 1, sign, end - place - 1)
        return False
