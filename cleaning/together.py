"""Several readers' lists of words, found in a text in one go.

Lenders, subjects, relevance and quality are read from the same text, each by a list of its own. Each brings it here and
is given what asks for its words; the first question about a text looks for all of them, and the others' answers are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from cleaning.words import Found, Place, Words, words

Listed = Callable[[], Sequence[str]]
"""What gives a reader's words; it is asked when a text is read for the first time."""


class Together:
    """Lists that are found together; what the last few texts hold is kept, and nobody may change it."""

    def __init__(self) -> None:
        self._lists: list[Listed] = []
        self._placed = 0
        self._matcher: Words | None = None
        self._read = lru_cache(maxsize=4)(self._look)

    def tallied(self, listed: Listed) -> Callable[[str], dict[int, int]]:
        """Take a list in; return what tells how often each of its words is among the longest (`Words.tally`)."""
        number = self._add(listed)
        return lambda text: self._read(text)[0][number]

    def placed(self, listed: Listed) -> Callable[[str], list[Place]]:
        """Take a list in; return what tells where its longest words are (`Words.longest`)."""
        number = self._add(listed)
        self._placed |= 1 << number
        return lambda text: self._read(text)[1][number]

    def _add(self, listed: Listed) -> int:
        self._lists.append(listed)
        self._matcher = None
        self._read.cache_clear()
        return len(self._lists) - 1

    def _look(self, text: str) -> Found:
        if self._matcher is None:
            self._matcher = words(*(listed() for listed in self._lists))
        return self._matcher.found(text, self._placed)


ARTICLE = Together()
"""What an article's fields are read by, in lower case."""
