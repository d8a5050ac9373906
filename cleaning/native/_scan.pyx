# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Find the words of a list in a text: Aho and Corasick's automaton over the text's own characters.

The texts are Chinese and the lists have some hundred words: most characters begin no word, so a look-up for each in a
table of first characters does most of the work, and no copy of the text is made.
"""

from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

cdef extern from *:
    """
    #define SPREAD 0x9E3779B97F4A7C15ULL  /* Knuth's multiplier, 2^64 by the golden ratio */
    """
    const uint64_t SPREAD

cdef enum:
    BMP = 65536


cdef class Automaton:
    """The words of a list, ready to be found; a word's number is its place in the list."""

    cdef int32_t *first            # state after a first character of the basic plane, 0 where no word begins with it
    cdef uint64_t *keys            # hash table of the edges: state and character (0: free) ...
    cdef int32_t *targets          # ... and the state that the edge leads to
    cdef uint64_t mask
    cdef int32_t *fail             # state of the longest proper suffix that begins a word
    cdef int32_t *word             # number of the word that ends in a state, -1 for none
    cdef int32_t *shorter          # next state along `fail` in which a word ends, 0 for none
    cdef int32_t *length           # characters of the word that ends in a state

    def __cinit__(self, words):
        cdef list edges = [{}]
        cdef list ends = [-1]
        cdef list sizes = [0]
        cdef int state, number, at
        for number, text in enumerate(words):
            if not text:
                raise ValueError("a word of an automaton can't be empty")
            state = 0
            for char in text:
                known = edges[state].get(char)
                if known is None:
                    known = len(edges)
                    edges[state][char] = known
                    edges.append({})
                    ends.append(-1)
                    sizes.append(0)
                state = known
            if ends[state] < 0:  # the first of two equal words
                ends[state] = number
                sizes[state] = len(text)
        cdef int count = len(edges)
        cdef uint64_t size = 16
        while size < 3 * <uint64_t>count:
            size *= 2
        self.mask = size - 1
        self.first = <int32_t *>calloc(BMP, sizeof(int32_t))
        self.keys = <uint64_t *>calloc(size, sizeof(uint64_t))
        self.targets = <int32_t *>calloc(size, sizeof(int32_t))
        self.fail = <int32_t *>calloc(count, sizeof(int32_t))
        self.word = <int32_t *>calloc(count, sizeof(int32_t))
        self.shorter = <int32_t *>calloc(count, sizeof(int32_t))
        self.length = <int32_t *>calloc(count, sizeof(int32_t))
        if not (self.first and self.keys and self.targets and self.fail and self.word and self.shorter and self.length):
            raise MemoryError
        for state in range(count):
            self.word[state] = ends[state]
            self.length[state] = sizes[state]
            for char, target in edges[state].items():
                self._put(state, ord(char), target)
                if state == 0 and ord(char) < BMP:
                    self.first[ord(char)] = target
        cdef list queue = list(edges[0].values())
        cdef int place = 0
        cdef int32_t suffix
        while place < len(queue):  # breadth first: a state's suffixes are shorter than it
            state = queue[place]
            place += 1
            for char, target in edges[state].items():
                at = target
                suffix = self.fail[state]
                while suffix and not self._next(suffix, ord(char)):
                    suffix = self.fail[suffix]
                self.fail[at] = self._next(suffix, ord(char))
                queue.append(target)
            suffix = self.fail[state]
            self.shorter[state] = suffix if self.word[suffix] >= 0 else self.shorter[suffix]

    def __dealloc__(self):
        free(self.first)
        free(self.keys)
        free(self.targets)
        free(self.fail)
        free(self.word)
        free(self.shorter)
        free(self.length)

    cdef void _put(self, int32_t state, uint32_t char, int32_t target) noexcept:
        cdef uint64_t key = ((<uint64_t>state) << 21 | char) + 1
        cdef uint64_t at = (key * SPREAD) >> 32 & self.mask
        while self.keys[at]:
            at = (at + 1) & self.mask
        self.keys[at] = key
        self.targets[at] = target

    cdef inline int32_t _next(self, int32_t state, uint32_t char) noexcept nogil:
        if state == 0 and char < BMP:
            return self.first[char]
        cdef uint64_t key = ((<uint64_t>state) << 21 | char) + 1
        cdef uint64_t at = (key * SPREAD) >> 32 & self.mask
        while self.keys[at]:
            if self.keys[at] == key:
                return self.targets[at]
            at = (at + 1) & self.mask
        return 0

    def overlapping(self, str text not None):
        """Return (word, start, end) of every word in the text, by end, the longer first."""
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at
        cdef int32_t state = 0, target, told
        cdef uint32_t char
        cdef list found = []
        for at in range(size):
            char = PyUnicode_READ(kind, data, at)
            target = self._next(state, char)
            while not target and state:
                state = self.fail[state]
                target = self._next(state, char)
            state = target
            if state:
                told = state if self.word[state] >= 0 else self.shorter[state]
                while told:
                    found.append((self.word[told], at + 1 - self.length[told], at + 1))
                    told = self.shorter[told]
        return found

    def longest(self, str text not None):
        """Return (word, start, end) of words that don't overlap: the leftmost, of several there the longest."""
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), at = 0, ahead
        cdef int32_t state, best
        cdef list found = []
        while at < size:
            state = self._next(0, PyUnicode_READ(kind, data, at))
            best = 0
            ahead = at + 1
            while state:
                if self.word[state] >= 0:
                    best = state
                if ahead == size:
                    break
                state = self._next(state, PyUnicode_READ(kind, data, ahead))
                ahead += 1
            if best:
                found.append((self.word[best], at, at + self.length[best]))
                at += self.length[best]
            else:
                at += 1
        return found
