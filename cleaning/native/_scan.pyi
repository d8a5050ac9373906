from collections.abc import Sequence

class Words:
    """Lists of words, ready to be found; a word's number is its place in its list."""

    def __init__(self, lists: Sequence[Sequence[str]]) -> None: ...
    def overlapping(self, text: str) -> list[list[tuple[int, int, int]]]:
        """Return for each list (word, start, end) of every word in the text, by end, the longer first."""
    def longest(self, text: str) -> list[list[tuple[int, int, int]]]:
        """Return for each list (word, start, end) of its words that don't overlap: leftmost, of several the longest."""
    def tally(self, text: str) -> list[dict[int, int]]:
        """Return for each list how often each word is among the `longest`, in order of first occurrence."""
    def found(self, text: str, placed: int) -> tuple[list[dict[int, int]], list[list[tuple[int, int, int]]]]:
        """Return the `tally` of each list, but the `longest` of those whose bit is set in `placed`."""
    def by_line(self, text: str) -> list[dict[int, set[int]]]:
        """Return for each list which of its words each line holds that holds any: {line: {word, ...}}."""

class Needles:
    """A few words of bytes; told is whether bytes hold one."""

    def __init__(self, words: Sequence[bytes]) -> None: ...
    def within(self, body: bytes) -> bool:
        """Return whether one of the words is in `body`."""
    def places(self, body: bytes) -> list[tuple[int, int]]:
        """Return (word, start) of every word in `body`; those of one word are in order."""
