# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Pieces of a reading as groups, groups proved apart, and what is proved joined again.

The Python twins are `search` and `decoders`.
"""

from cpython.unicode cimport PyUnicode_GET_LENGTH

from cleaning.native._score cimport at_


def groups(list pieces not None, Py_ssize_t length, type group not None, dict kinds not None):
    """Return the groups of `pieces`, and the text that the proof of each runs on.

    `kinds` has the set of each kind alone.
    """
    cdef list found = [], proofs = []
    cdef str text = "", proof = "", one, kind, guess
    cdef object together = None
    cdef Py_ssize_t start, end, begun = 0
    make = tuple.__new__
    for start, end, one, kind, guess in pieces:
        text = text + one if text else one
        proof = proof + (guess or one) if proof else guess or one
        together = kinds[kind] if together is None else together | kinds[kind]
        if end > start:
            found.append(make(group, (begun, end, text, together, True)))
            proofs.append(proof)
            text, proof, together, begun = "", "", None, end
    if together is not None:
        found.append(make(group, (begun, length, text, together, True)))
        proofs.append(proof)
    elif found:
        begun, _, text, together, _ = found[len(found) - 1]
        found[len(found) - 1] = make(group, (begun, length, text, together, True))
    return found, proofs


def merged(list found not None, str span not None, object sure not None):
    """Return (start, end, text, sure) of proved groups, neighbours that are as sure joined, and none that changes nothing."""
    cdef list runs = [], texts = []
    cdef Py_ssize_t start, end, begun = 0, stop = 0
    cdef bint proved, certain, was_certain = False
    cdef str text
    for start, end, text, kinds, proved in found:
        certain = kinds <= sure
        if texts and (not proved or certain != was_certain):
            whole = "".join(texts)
            if span[begun:stop] != whole:
                runs.append((begun, stop, whole, was_certain))
            texts = []
        if proved:
            if not texts:
                begun, was_certain = start, certain
            texts.append(text)
            stop = end
    if texts:
        whole = "".join(texts)
        if span[begun:stop] != whole:
            runs.append((begun, stop, whole, was_certain))
    return runs


def shown_apart(str shown not None, list found not None, list proofs not None, str span not None):
    """Return of each group whether its proof is shown as the span has it; `shown` has all of them, a line or more each."""
    cdef list proved = []
    cdef Py_ssize_t place = 0, end, start, stop, breaks, number, at
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(shown), length = PyUnicode_GET_LENGTH(span)
    cdef str proof
    cdef bint same
    if len(found) != len(proofs):
        raise ValueError("each group has a proof")
    for number in range(len(found)):
        proof = proofs[number]
        start, stop, _, _, _ = found[number]
        breaks = 1
        for at in range(PyUnicode_GET_LENGTH(proof)):
            breaks += at_(proof, at) == 10
        end = place
        while end < size:
            if at_(shown, end) == 10:
                breaks -= 1
                if not breaks:
                    break
            end += 1
        same = end - place == stop - start and 0 <= start and stop <= length
        if same:
            for at in range(stop - start):
                if at_(shown, place + at) != at_(span, start + at):
                    same = False
                    break
        proved.append(same)
        place = end + 1
    return proved
