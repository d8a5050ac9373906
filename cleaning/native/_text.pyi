from collections.abc import Mapping

class Chars:
    """A set of characters, with some of them as signs."""

    def __init__(self, characters: str, signs: str = "") -> None: ...
    def places(self, text: str) -> list[int]:
        """Return the offsets of the text's characters that are in the set."""
    def runs(self, text: str, least: int) -> list[tuple[int, int]]:
        """Return (start, end) of runs of characters of the set, of `least` and more, or of two and more with a sign."""
    def parted(self, text: str) -> list[int]:
        """Return the offsets of one of the set, a Chinese character, one of the set, a Chinese one; none overlaps."""

class Table:
    """A table of characters that become another one; all others stay."""

    def __init__(self, changed: Mapping[int, int]) -> None: ...
    def translated(self, text: str) -> str:
        """Return the text with the table's characters put for its own; the same object where none changes."""

class Kinds:
    """A kind, 0 to 7, for each code point."""

    def __init__(self, table: bytes) -> None: ...
    def counts(self, text: str) -> list[int]:
        """Return how many characters of the text are of each kind."""
    def summary(self, text: str, skipped: int) -> tuple[list[int], int, int, int]:
        """Return how many characters of the text are of each kind, and of the 8-grams that it has without characters of
        the kind `skipped`: how many there are, how many different ones, and how often the most frequent one occurs."""

def lowered(text: str) -> str:
    """Return `text.lower()`."""
