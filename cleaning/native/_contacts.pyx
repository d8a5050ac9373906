# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Where a folded text may hold contacts, and contacts of which kinds: one look at each character.

`Signs.runs` gives what the searches in `cleaning.contacts` give (the twin: `plain_runs` there). `Signs.kinds` only turns
away: a kind it doesn't name is not in the text, one it names is looked for (the twin names all).
"""

from cpython.unicode cimport (
    PyUnicode_1BYTE_KIND,
    PyUnicode_2BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
)
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset

cdef enum:
    PLANES = 0x20000  # no digit lies further out
    DIGIT = 2
    FORM = 4
    GAP = 8
    WORD = 16
    EMAIL_SIGN = 32
    WECHAT_SIGN = 64
    QQ_SIGN = 128
    LEAST_RUN = 4
    AI = 0x827E
    TE = 0x7279
    ELEVEN = 11
    MOST_GAP = 3

cdef enum:
    EMAIL_BIT = 1
    WECHAT_BIT = 2
    QQ_BIT = 4
    HOTLINE_BIT = 8
    SHORT_BIT = 16
    MOBILE_BIT = 32
    LOOKALIKE_BIT = 64
    LANDLINE_BIT = 128

ctypedef fused Char:
    uint8_t
    uint16_t
    uint32_t


cdef class Signs:
    """What characters tell of contacts."""

    cdef uint8_t known[PLANES]
    cdef uint32_t in_runs[PLANES >> 5]  # as bits: nearly every character is turned away by it, and it stays near

    def __cinit__(self, *, str run not None, str digits not None, str forms not None, str gaps not None,
                  str wechat not None, str qq not None):
        cdef uint32_t char
        memset(self.known, 0, PLANES)
        memset(self.in_runs, 0, sizeof(self.in_runs))
        for char in map(ord, run):
            if char >= PLANES:
                raise ValueError("a sign lies in the first two planes")
            self.in_runs[char >> 5] |= <uint32_t>1 << (char & 31)
        self._add(digits, DIGIT)
        self._add(forms, FORM)
        self._add(gaps, GAP)
        self._add("abcdefghijklmnopqrstuvwxyz0123456789_-", WORD)
        self._add("@#" + chr(AI), EMAIL_SIGN)
        self._add(wechat, WECHAT_SIGN)
        self._add(qq, QQ_SIGN)

    cdef _add(self, str characters, uint8_t bit):
        cdef uint32_t char
        for char in map(ord, characters):
            if char >= PLANES:
                raise ValueError("a sign lies in the first two planes")
            self.known[char] |= bit

    cdef inline uint8_t _of(self, uint32_t char) noexcept nogil:
        return self.known[char] if char < PLANES else 0

    cdef inline bint _runs_on(self, uint32_t char) noexcept nogil:
        return char < PLANES and self.in_runs[char >> 5] >> (char & 31) & 1

    cdef bint _chained(self, const Char *text, Py_ssize_t at, Py_ssize_t end, uint8_t kind) noexcept nogil:
        """Whether four more characters of a kind follow, with up to three gaps (between forms: one of three) before each."""
        cdef int more, gaps
        for more in range(4):
            gaps = 0
            at += 1
            while at < end and gaps < (MOST_GAP if kind == DIGIT else 1):
                if kind == DIGIT:
                    if not self._of(text[at]) & GAP:
                        break
                elif text[at] != c" " and text[at] != c"." and text[at] != c"-":
                    break
                gaps += 1
                at += 1
            if at >= end or not self._of(text[at]) & kind:
                return False
        return True

    cdef bint _begins(self, const Char *text, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
        """Whether what may be a contact begins at a place of a run."""
        cdef uint32_t char = text[at]
        cdef uint8_t known = self._of(char)
        cdef Py_ssize_t place
        if known & DIGIT and self._chained(text, at, end, DIGIT):
            return True
        if known & FORM and self._chained(text, at, end, FORM):
            return True
        if c"a" <= char <= c"z":
            if end - at < 6:
                return False
            for place in range(at + 1, at + 6):
                if not self._of(text[place]) & WORD:
                    return False
            return True
        if char == c"@":
            return True
        if char == c"(" or char == c"[" or char == c"{":
            return (
                end - at > 3 and text[at + 1] == c"a" and text[at + 2] == c"t"
                and (text[at + 3] == c")" or text[at + 3] == c"]" or text[at + 3] == c"}")
            )
        if char == c" ":
            return end - at > 3 and text[at + 1] == c"a" and text[at + 2] == c"t" and text[at + 3] == c" "
        if char == c"#":
            return end - at > 1 and (
                text[at + 1] == c"q" or text[at + 1] == c"s" or text[at + 1] == c"1" or text[at + 1] == c"f"
            )
        return char == AI and end - at > 1 and <uint32_t>text[at + 1] == TE

    cdef list _runs(self, const Char *text, Py_ssize_t size):
        cdef Py_ssize_t at = 0, start, place
        cdef bint sign
        cdef list found = []
        while at < size:
            if not self._runs_on(text[at]):
                at += 1
                continue
            start, sign = at, False
            while at < size and self._runs_on(text[at]):
                sign = sign or self._of(text[at]) & EMAIL_SIGN != 0
                at += 1
            if at - start >= (2 if sign else LEAST_RUN):
                for place in range(start, at):
                    if self._begins(text, place, at):
                        found.append(start)
                        break
        return found

    def runs(self, str text not None):
        """Return the offsets of the runs that may be contacts."""
        cdef const void *data = PyUnicode_DATA(text)
        if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
            return self._runs(<const uint8_t *>data, PyUnicode_GET_LENGTH(text))
        if PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND:
            return self._runs(<const uint16_t *>data, PyUnicode_GET_LENGTH(text))
        return self._runs(<const uint32_t *>data, PyUnicode_GET_LENGTH(text))

    cdef int _by_digit(self, const Char *text, Py_ssize_t at, Py_ssize_t size) noexcept nogil:
        """Return the kinds whose numbers may begin with the ASCII digit at a place."""
        cdef uint32_t char = text[at]
        cdef Py_ssize_t left = size - at
        cdef int told = 0
        if left < 4:
            return 0  # none is that short
        if (char == c"4" or char == c"8") and (
            (text[at + 1] == c"0" and text[at + 2] == c"0") or (text[at + 1] == c" " and text[at + 2] == c"0")
        ):
            told |= HOTLINE_BIT
        if char == c"1" and text[at + 1] == c"0" and text[at + 2] == c"1":
            told |= HOTLINE_BIT
        if (
            (char == c"9" and (text[at + 1] == c"5" or text[at + 1] == c"6")) or (char == c"1" and text[at + 1] == c"2")
        ) and self._of(text[at + 2]) & DIGIT and self._of(text[at + 3]) & DIGIT:
            told |= SHORT_BIT
        if (
            char == c"0" and self._of(text[at + 1]) & DIGIT and self._of(text[at + 2]) & DIGIT
            and not (at > 0 and (self._of(text[at - 1]) & DIGIT or text[at - 1] == c"." or text[at - 1] == c"-"))
        ):
            told |= LANDLINE_BIT
        return told

    cdef int _kinds(self, const Char *text, Py_ssize_t size) noexcept nogil:
        cdef Py_ssize_t at
        cdef Py_ssize_t digits = 0, alike = 0
        cdef uint32_t char, before = 0
        cdef uint8_t known, all_known = 0
        cdef int told = 0
        for at in range(size):
            char = text[at]
            known = self._of(char)
            all_known |= known
            if c"0" <= char <= c"9" or known & FORM:
                digits += 1
                if digits >= ELEVEN:
                    told |= MOBILE_BIT
            elif not known & GAP and char != c")" and char != 0xB7:
                digits = 0
            if known & DIGIT or char == c"o" or char == c"i" or char == c"l":
                alike += 1
                if alike >= ELEVEN:
                    told |= LOOKALIKE_BIT
            else:
                alike = 0
            if c"0" <= char <= c"9":
                told |= self._by_digit(text, at, size)
            elif char == c"t" and before == c"a":
                told |= EMAIL_BIT
            before = char
        if all_known & EMAIL_SIGN:
            told |= EMAIL_BIT
        if all_known & WECHAT_SIGN:
            told |= WECHAT_BIT
        if all_known & QQ_SIGN:
            told |= QQ_BIT
        return told

    def kinds(self, str text not None):
        """Return the kinds that the text may hold, as bits in the order of `cleaning.contacts`."""
        cdef const void *data = PyUnicode_DATA(text)
        if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
            return self._kinds(<const uint8_t *>data, PyUnicode_GET_LENGTH(text))
        if PyUnicode_KIND(text) == PyUnicode_2BYTE_KIND:
            return self._kinds(<const uint16_t *>data, PyUnicode_GET_LENGTH(text))
        return self._kinds(<const uint32_t *>data, PyUnicode_GET_LENGTH(text))
