# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The full-text index's tokens of a text: pairs of Chinese characters, words, separators, a space behind each.

One pass over the characters by a table of what each of them is. The twins in Python are in `corpus.tokens`.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport (
    PyUnicode_1BYTE_KIND,
    PyUnicode_2BYTE_KIND,
    PyUnicode_4BYTE_KIND,
    PyUnicode_DATA,
    PyUnicode_FromKindAndData,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
)
from libc.stdint cimport uint8_t, uint16_t, uint32_t

cdef enum:
    # What `corpus.tokens` calls characters; CAPITAL stands above one of them.
    HAN = 1
    WORD = 2
    MARK = 3
    BREAK = 4
    KIND = 7
    CAPITAL = 8
    SIGMA = 0x3A3  # its small letter depends on what is around it

ctypedef fused Char:
    uint8_t
    uint16_t


cdef Py_ssize_t _pairs(
    Char *text, Py_ssize_t length, const uint8_t *kinds, uint16_t separator, bint lowered, uint16_t *out
) noexcept nogil:
    """Write the tokens and return how many characters they take, at most three for one of the text.

    -1 where a character is met for which this is not enough, -2 for a capital letter if the text is not lowered.
    """
    cdef Py_ssize_t place, used = 0
    cdef uint32_t char, following
    cdef uint8_t before = 0, own, after = 0
    if length:
        after = kinds[text[0]]
    for place in range(length):
        own = after
        char = text[place]
        after = kinds[text[place + 1]] if place + 1 < length else 0
        if own & CAPITAL and not lowered:
            if char >= 0x80:
                return -2
            char |= 0x20
        own &= KIND
        if char == separator or char == SIGMA:
            return -1
        if own == HAN:
            # A compatibility ideograph or a zero behind a letter is of its word.
            if before == WORD and (0xF900 <= char <= 0xFAFF or char == 0x3007):
                return -1
            out[used] = char
            used += 1
            if after & KIND == HAN:
                following = text[place + 1]
                out[used] = following
                used += 1
            out[used] = c" "
            used += 1
        elif own == WORD:
            out[used] = char
            used += 1
            if after & KIND != WORD:
                out[used] = c" "
                used += 1
        elif own == BREAK or own == MARK and before != MARK:
            out[used] = separator
            out[used + 1] = c" "
            used += 2
        before = own
    return used


def pairs(str text not None, bytes kinds not None, Py_ssize_t separator, bint lowered):
    """Return the tokens of a text with spaces between, None or False where they must be found otherwise.

    None asks for the twin in Python, False for the text in lower case.
    """
    cdef Py_ssize_t length = PyUnicode_GET_LENGTH(text), used
    cdef const uint8_t *table = <const uint8_t *>PyBytes_AS_STRING(kinds)
    cdef uint16_t *out
    if len(kinds) != 0x10000:
        raise ValueError("a kind for each of 65,536 characters is wanted")
    if PyUnicode_KIND(text) == PyUnicode_4BYTE_KIND:
        return None
    if not length:
        return ""
    out = <uint16_t *>PyMem_Malloc(3 * length * sizeof(uint16_t))
    if out == NULL:
        raise MemoryError
    try:
        if PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND:
            used = _pairs(<uint8_t *>PyUnicode_DATA(text), length, table, separator, lowered, out)
        else:
            used = _pairs(<uint16_t *>PyUnicode_DATA(text), length, table, separator, lowered, out)
        if used < 0:
            return None if used == -1 else False
        if used and out[used - 1] == c" ":
            used -= 1
        return PyUnicode_FromKindAndData(PyUnicode_2BYTE_KIND, out, used)
    finally:
        PyMem_Free(out)
