# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Pieces of a reading, the groups that they make between characters, what of these is proved, and the findings on it.

Both are tables over two texts: the one that was found, and the one that the proof runs on, in which an open hole stands
for the likeliest character. The Python twins are `pieces` and `decoders`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DATA, PyUnicode_GET_LENGTH, PyUnicode_KIND, PyUnicode_READ
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from cleaning.native._score cimport EURO, HOLE, NATS, Scorer, at_, pair, slot, text_of

cdef dict _KINDS = {"known": KNOWN, "forced": FORCED, "likely": LIKELY, "open": OPEN}
cdef dict _NAMES = {KNOWN: "known", FORCED: "forced", LIKELY: "likely", OPEN: "open"}
cdef object _HOLE = "\N{REPLACEMENT CHARACTER}"


cdef uint32_t *grown(uint32_t *text, Py_ssize_t wanted) except NULL:
    cdef void *more = realloc(text, wanted * sizeof(uint32_t))
    if not more:
        raise MemoryError
    return <uint32_t *>more


cdef class Pieces:
    """The pieces of a reading, in order."""

    def __cinit__(self):
        self.room, self.space, self.proof_space = 16, 64, 64
        self.parts = <Part *>malloc(self.room * sizeof(Part))
        self.text = <uint32_t *>malloc(self.space * sizeof(uint32_t))
        self.proof_text = <uint32_t *>malloc(self.proof_space * sizeof(uint32_t))
        if not (self.parts and self.text and self.proof_text):
            raise MemoryError

    def __dealloc__(self):
        free(self.parts)
        free(self.text)
        free(self.proof_text)

    def __len__(self):
        return self.count

    def __iter__(self):
        from cleaning.repair.pieces import Piece

        cdef Py_ssize_t number, begun = 0, guessed = 0
        cdef Part one
        cdef list found = []
        for number in range(self.count):
            one = self.parts[number]
            text = text_of(self.text + begun, one.text - begun)
            guess = text_of(self.proof_text + guessed, one.proof - guessed)
            found.append(Piece(one.start, one.end, text, _NAMES[one.kinds], "" if guess == text else guess))
            begun, guessed = one.text, one.proof
        return iter(found)

    cdef int put(self, const uint32_t *points, Py_ssize_t size) except -1:
        """Write characters of the piece that is begun, into both texts."""
        if self.used + size > self.space:
            self.space = 2 * (self.used + size)
            self.text = grown(self.text, self.space)
        if self.proof_used + size > self.proof_space:
            self.proof_space = 2 * (self.proof_used + size)
            self.proof_text = grown(self.proof_text, self.proof_space)
        memcpy(self.text + self.used, points, size * sizeof(uint32_t))
        memcpy(self.proof_text + self.proof_used, points, size * sizeof(uint32_t))
        self.used += size
        self.proof_used += size
        return 0

    cdef int put_text(self, str text) except -1:
        """The same for a text."""
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(text), place
        cdef int kind = PyUnicode_KIND(text)
        cdef const void *data = PyUnicode_DATA(text)
        cdef uint32_t code
        if kind == 4:
            return self.put(<const uint32_t *>data, size)
        if self.used + size > self.space:
            self.space = 2 * (self.used + size)
            self.text = grown(self.text, self.space)
        if self.proof_used + size > self.proof_space:
            self.proof_space = 2 * (self.proof_used + size)
            self.proof_text = grown(self.proof_text, self.proof_space)
        for place in range(size):
            code = PyUnicode_READ(kind, data, place)
            self.text[self.used + place] = code
            self.proof_text[self.proof_used + place] = code
        self.used += size
        self.proof_used += size
        return 0

    cdef int guess(self, str text) except -1:
        """Let the piece that is begun have `text` in its proof."""
        cdef Py_ssize_t place, size = PyUnicode_GET_LENGTH(text)
        self.proof_used = self.parts[self.count - 1].proof if self.count else 0
        if self.proof_used + size > self.proof_space:
            self.proof_space = 2 * (self.proof_used + size)
            self.proof_text = grown(self.proof_text, self.proof_space)
        for place in range(size):
            self.proof_text[self.proof_used + place] = at_(text, place)
        self.proof_used += size
        return 0

    cdef int close(self, Py_ssize_t start, Py_ssize_t end, int kind) except -1:
        """End the piece that is begun: it stands for so much of the span."""
        cdef void *more
        cdef Part *part
        if self.count == self.room:
            more = realloc(self.parts, 2 * self.room * sizeof(Part))
            if not more:
                raise MemoryError
            self.parts = <Part *>more
            self.room *= 2
        part = &self.parts[self.count]
        part.start, part.end, part.text, part.proof = start, end, self.used, self.proof_used
        part.kinds, part.proved = kind, True
        self.count += 1
        return 0

    cdef int add(self, Py_ssize_t start, Py_ssize_t end, str text, int kind, str guess) except -1:
        """Put a whole piece."""
        self.put_text(text)
        if guess:
            self.guess(guess)
        return self.close(start, end, kind)

    def append(self, Py_ssize_t start, Py_ssize_t end, str text not None, str kind not None, str guess not None):
        """Put a whole piece."""
        self.add(start, end, text, _KINDS[kind], guess)

    def extend(self, Pieces other not None, Py_ssize_t by):
        """Put the pieces of another reading, so many characters further on."""
        cdef Py_ssize_t number, text = self.used, proof = self.proof_used
        cdef Part *one
        if other is self:
            raise ValueError("pieces can't be put behind themselves")
        if self.proof_used + other.proof_used > self.proof_space:
            self.proof_space = 2 * (self.proof_used + other.proof_used)
            self.proof_text = grown(self.proof_text, self.proof_space)
        if self.used + other.used > self.space:
            self.space = 2 * (self.used + other.used)
            self.text = grown(self.text, self.space)
        memcpy(self.text + text, other.text, other.used * sizeof(uint32_t))
        memcpy(self.proof_text + proof, other.proof_text, other.proof_used * sizeof(uint32_t))
        for number in range(other.count):
            one = &other.parts[number]
            self.used, self.proof_used = text + one.text, proof + one.proof
            self.close(one.start + by, one.end + by, one.kinds)

    def proof(self):
        """Return the text that the proof runs on."""
        return text_of(self.proof_text, self.proof_used)

    def is_hopeless(self, Scorer scorer not None, double floor):
        """Tell whether the same, without ASCII and holes, is nothing or has a lower mean log-probability than `floor`."""
        cdef Py_ssize_t place, size = 0
        cdef int64_t total = 0
        cdef uint32_t last = 10, code
        for place in range(self.proof_used):
            code = self.proof_text[place]
            if code >= 0x80 and code != HOLE:
                total += pair(scorer, last, slot(code))
                last = slot(code)
                size += 1
        return not size or <double>total / NATS < floor * size

    def dispute(self, list cells not None, is_disputed):
        """Take forced pieces for likely ones where `is_disputed` says so of their text and cell."""
        cdef Py_ssize_t number, begun = 0
        if len(cells) != self.count:
            raise ValueError("each piece has a cell")
        for number in range(self.count):
            if self.parts[number].kinds == FORCED and is_disputed(
                text_of(self.text + begun, self.parts[number].text - begun), cells[number]
            ):
                self.parts[number].kinds = LIKELY
            begun = self.parts[number].text


cdef class Groups:
    """The groups of a reading in order; see the Python twin."""

    cdef Pieces pieces
    cdef Part *parts
    cdef Py_ssize_t count

    def __init__(self, pieces, Py_ssize_t length):
        cdef Py_ssize_t number, begun = 0
        cdef int kinds = 0
        cdef Part *one
        cdef Part *group
        if self.parts:
            raise ValueError("groups are made once")
        self.pieces = pieces if isinstance(pieces, Pieces) else tabled(pieces)
        self.parts = <Part *>malloc((self.pieces.count + 1) * sizeof(Part))
        if not self.parts:
            raise MemoryError
        for number in range(self.pieces.count):
            one = &self.pieces.parts[number]
            group = &self.parts[self.count]
            kinds |= one.kinds
            group[0] = one[0]
            group.start, group.kinds = begun, kinds
            if one.end > one.start:
                self.count += 1
                kinds, begun = 0, one.end
        if kinds:
            self.parts[self.count].end = length
            self.count += 1
        elif self.count:
            self.parts[self.count - 1].end = length

    def __dealloc__(self):
        free(self.parts)

    def __len__(self):
        return self.count

    @property
    def proof(self):
        """The text that the proof of all of them runs on."""
        return self.pieces.proof()

    @property
    def apart(self):
        """The same with a line break after each but the last."""
        cdef Py_ssize_t number, begun = 0, size = 0
        cdef uint32_t *whole = <uint32_t *>malloc((self.pieces.proof_used + self.count + 1) * sizeof(uint32_t))
        if not whole:
            raise MemoryError
        try:
            for number in range(self.count):
                if number:
                    whole[size] = 10
                    size += 1
                memcpy(whole + size, self.pieces.proof_text + begun, (self.parts[number].proof - begun) * sizeof(uint32_t))
                size += self.parts[number].proof - begun
                begun = self.parts[number].proof
            return text_of(whole, size)
        finally:
            free(whole)

    def shown_apart(self, str shown not None, str span not None):
        """Tell of each group whether its proof is shown as the span has it; `shown` is what is seen of `apart`."""
        cdef bytearray proved = bytearray(self.count)
        cdef Py_ssize_t place = 0, end, breaks, number, at, begun = 0
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(shown), length = PyUnicode_GET_LENGTH(span)
        cdef int kind = PyUnicode_KIND(shown), wide = PyUnicode_KIND(span)
        cdef const void *data = PyUnicode_DATA(shown)
        cdef const void *text = PyUnicode_DATA(span)
        cdef Part *one
        cdef bint same
        for number in range(self.count):
            one = &self.parts[number]
            breaks = 1
            for at in range(begun, one.proof):
                breaks += self.pieces.proof_text[at] == 10
            begun = one.proof
            end = place
            while end < size:
                if PyUnicode_READ(kind, data, end) == 10:
                    breaks -= 1
                    if not breaks:
                        break
                end += 1
            same = end - place == one.end - one.start and 0 <= one.start and one.end <= length
            if same:
                for at in range(one.end - one.start):
                    if PyUnicode_READ(kind, data, place + at) != PyUnicode_READ(wide, text, one.start + at):
                        same = False
                        break
            proved[number] = same
            place = end + 1
        return bytes(proved)

    def as_proved(self, bytes proved not None):
        """Take each group for proved or not; return the same."""
        cdef Py_ssize_t number
        if PyBytes_GET_SIZE(proved) != self.count:
            raise ValueError("each group is proved or not")
        for number in range(self.count):
            self.parts[number].proved = PyBytes_AS_STRING(proved)[number] != 0
        return self

    @property
    def proved(self):
        """Whether all of them are."""
        cdef Py_ssize_t number
        for number in range(self.count):
            if not self.parts[number].proved:
                return False
        return True

    @property
    def sure(self):
        """Whether no lost byte was filled in or left open in any of them."""
        cdef Py_ssize_t number
        for number in range(self.count):
            if self.parts[number].kinds & (LIKELY | OPEN):
                return False
        return True

    @property
    def share(self):
        """How many characters of the span are proved."""
        cdef Py_ssize_t number, found = 0
        for number in range(self.count):
            if self.parts[number].proved:
                found += self.parts[number].end - self.parts[number].start
        return found

    @property
    def unproved(self):
        """Start and end of each that is not."""
        cdef Py_ssize_t number
        return [(self.parts[number].start, self.parts[number].end) for number in range(self.count) if not self.parts[number].proved]

    def text(self, str span not None):
        """Return the repaired text; what is not proved stays as it stood."""
        cdef Py_ssize_t number, begun = 0
        cdef list parts = []
        if self.proved:
            return text_of(self.pieces.text, self.parts[self.count - 1].text if self.count else 0)
        for number in range(self.count):
            if self.parts[number].proved:
                parts.append(text_of(self.pieces.text + begun, self.parts[number].text - begun))
            else:
                parts.append(span[self.parts[number].start:self.parts[number].end])
            begun = self.parts[number].text
        return "".join(parts)

    def runs(self, str span not None):
        """Return (start, end, text, sure) of proved groups, neighbours that are as sure joined, none that changes nothing."""
        cdef list found = []
        cdef Py_ssize_t number, first = -1, begun = 0, text = 0, length = PyUnicode_GET_LENGTH(span)
        cdef Part *one
        cdef bint sure, was_sure = False
        for number in range(self.count + 1):
            one = &self.parts[number] if number < self.count else NULL
            sure = one != NULL and not one.kinds & (LIKELY | OPEN)
            if first >= 0 and (one == NULL or not one.proved or sure != was_sure):
                self.run(found, span, length, self.parts[first].start, self.parts[number - 1].end, text, begun, was_sure)
                first = -1
            if one != NULL:
                if one.proved and first < 0:
                    first, text, was_sure = number, begun, sure
                begun = one.text
        return found

    cdef int run(
        self, list found, str span, Py_ssize_t length, Py_ssize_t start, Py_ssize_t end, Py_ssize_t text, Py_ssize_t stop, bint sure
    ) except -1:
        """Put a run among those found if it changes anything."""
        cdef Py_ssize_t place
        cdef bint same = stop - text == end - start and 0 <= start and end <= length
        if same:
            for place in range(end - start):
                if self.pieces.text[text + place] != at_(span, start + place):
                    same = False
                    break
        if not same:
            found.append((start, end, text_of(self.pieces.text + text, stop - text), sure))
        return 0


cdef Pieces tabled(pieces):
    """Return a list of pieces as a table."""
    cdef Pieces found = Pieces()
    for start, end, text, kind, guess in pieces:
        found.add(start, end, text, _KINDS[kind], guess)
    return found


def placed(
    list runs not None, str span not None, list chunk not None, set places not None, list ruined not None, type finding not None,
    str rule not None, tuple evidence not None, bint ask_holes, bint ask_utf8, bint ask_big5,
):
    """Return the findings on `span`, the text of `chunk`, that `runs` are, but for its `ruined` lines; fill `places`.

    A part of the chunk is (start, end, where it starts in the page, its neighbours); the parts and the bounds of ruined
    lines stand in order, as `runs` do. `evidence` is what to say of a sure finding, of one with holes, of any other.
    """
    cdef list found = []
    cdef Py_ssize_t start, end, first, last, bad = 0, part = 0, place, place_of, next_start, begun, ruin_start = 0, ruin_end = 0
    cdef str before, after, whole
    cdef bint sure, certain, holes
    if not chunk or len(evidence) != 3:
        raise ValueError("a chunk has parts, and there are three things to say")
    make = tuple.__new__
    certified, inferred = "certified", "inferred"
    begun = chunk[0][0]
    for start, end, whole, sure in runs:
        if span.find("\n", start, end) < 0:
            lines = ((span[start:end], whole),)
        else:
            lines = zip(span[start:end].split("\n"), whole.split("\n"), strict=True)
        last = start - 1
        for before, after in lines:
            first, last = last + 1, last + 1 + PyUnicode_GET_LENGTH(before)
            if before == after:
                continue
            while bad < len(ruined) and ruined[bad][1] <= first:
                bad += 1
            if bad < len(ruined) and ruined[bad][0] <= first:
                continue
            while part + 1 < len(chunk) and chunk[part + 1][0] <= begun + first:
                part += 1
            next_start, _, place_of, _ = chunk[part]
            places.add(place_of)
            place = begun + first - next_start + place_of
            holes = _HOLE in after
            certain = sure and not holes and not (ask_holes and _HOLE in before)
            if certain and ask_utf8:
                certain = not ambiguous(before, after)
            elif certain and ask_big5:
                certain = not has_torn_pair(before)
            found.append(make(finding, (
                "repair", rule, place, place + last - first, before, after, certified if certain else inferred,
                evidence[0 if certain else 1 if holes else 2],
            )))
    return found


cdef bint ambiguous(str before, str after):
    """Tell whether a question mark may stand for a lost byte or a euro sign for one or two, or an accent was made."""
    cdef Py_ssize_t size = PyUnicode_GET_LENGTH(before), place
    cdef uint32_t code, last = 0
    cdef Py_ssize_t made = PyUnicode_GET_LENGTH(after)
    if made and (0x80 <= at_(after, 0) <= 0xFF or 0x80 <= at_(after, made - 1) <= 0xFF):
        return True
    for place in range(size):
        code = at_(before, place)
        if (code == c"?" and last >= 0x80) or (last == c"?" and code >= 0x80) or (last == EURO and code == HOLE):
            return True
        last = code
    return last == EURO


cdef bint has_torn_pair(str before):
    """Tell whether a lone ASCII character between two others may be the second byte of a torn pair."""
    cdef Py_ssize_t place
    for place in range(2, PyUnicode_GET_LENGTH(before)):
        if at_(before, place) >= 0x80 and at_(before, place - 2) >= 0x80 and 0x3F <= at_(before, place - 1) <= 0x7E:
            return True
    return False
