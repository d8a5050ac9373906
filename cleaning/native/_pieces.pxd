# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Pieces as repair's compiled solvers put them out."""

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    KNOWN = 1
    FORCED = 2
    LIKELY = 4
    OPEN = 8


cdef struct Part:
    Py_ssize_t start, end      # in the span
    Py_ssize_t text, proof     # where its characters end in the two texts
    uint8_t kinds
    bint proved


cdef class Pieces:
    cdef Part *parts
    cdef Py_ssize_t count, room
    cdef uint32_t *text
    cdef Py_ssize_t used, space
    cdef uint32_t *proof_text
    cdef Py_ssize_t proof_used, proof_space

    cdef int put(self, const uint32_t *points, Py_ssize_t size) except -1
    cdef int put_text(self, str text) except -1
    cdef int guess(self, str text) except -1
    cdef int close(self, Py_ssize_t start, Py_ssize_t end, int kind) except -1
    cdef int add(self, Py_ssize_t start, Py_ssize_t end, str text, int kind, str guess) except -1
