from collections.abc import Sequence

class Automaton:
    """The words of a list, ready to be found; a word's number is its place in the list."""

    def __init__(self, words: Sequence[str]) -> None: ...
    def overlapping(self, text: str) -> list[tuple[int, int, int]]:
        """Return (word, start, end) of every word in the text, by end, the longer first."""
    def longest(self, text: str) -> list[tuple[int, int, int]]:
        """Return (word, start, end) of words that don't overlap: the leftmost, of several there the longest."""
