from collections.abc import Callable

from cleaning.blocks import Mark
from cleaning.dom import Line

def two_bytes(body: bytes, table: bytes) -> str | None:
    """Return a text of ASCII and pairs of bytes, None where it holds anything else.

    `table` gives the character of each pair at its number (the first byte the higher), in native 16-bit integers, 0 for
    none: 131,072 bytes. Raises ValueError for a table of another size.
    """

def stretches(body: bytes, longest: int) -> bytes:
    """Return the stretches of a text that begin with a byte above ASCII, joined by line breaks.

    A stretch ends at `<`, `>` or a line break, and has at most `longest` bytes behind its first.
    """

def score(sample: bytes, table: bytes, weights: bytes) -> tuple[int, int, list[bytes]]:
    """Return the weight of the characters above ASCII in a text of pairs, how many they are, and its other lines.

    `table` is as for `two_bytes`, `weights` has a signed byte for each character of the basic plane. Lines that hold
    anything but ASCII and pairs are returned, each with its line break. Raises ValueError for tables of another
    size.
    """

def tags(page: bytes, formatting: bytes, longest: int) -> tuple[int, list[int], list[tuple[int, int]]]:
    """Return how many `<` a page has, where formatting elements may begin, and the gaps of more than `longest` bytes.

    `formatting` is 1 at the number of each pair of bytes that may begin one behind its `<`, else 0: 65,536 bytes. A gap is
    (start, end): the places of two `>` with none between, or the page's ends. Raises ValueError for a table of another
    size.
    """

def lean(page: bytes) -> bytes:
    """Return a page without its scripts' texts and without attributes that nobody reads; its tree is the same otherwise.

    Behind the first thing that is not written as usual nothing is left out.
    """

def weigh(
    lines: list[Line],
    parents: list[int],
    declares: Callable[[str], bool],
    signs: str,
    longest: float,
    share: float,
) -> tuple[list[float], list[float], list[int], list[int], list[int], list[int]]:
    """Return each line's prose weight and each element's prose, linked and all characters, first and last line.

    `declares(text)` is asked of lines that weigh `longest` and more and have one of `signs`; they count by `share` where it
    says yes. Raises ValueError for elements that are not in document order.
    """

def alike(lines: list[Line], most: int, stated: str, shortest: int, longest: int) -> list[int]:
    """Return which of the first `most` lines may stand in `stated`, as far as three of their characters tell.

    They have `shortest` to `longest` characters and are not hidden.
    """

def holding(lines: list[Line], sign: str) -> list[int]:
    """Return which lines have a character in them."""

def inherit(parents: list[int], own: list[Mark], top: int) -> list[Mark]:
    """Return the mark of each element below `top`, its own or an ancestor's."""

def near(
    lines: list[Line],
    weights: list[float],
    marks: list[Mark],
    tags: list[str],
    parents: list[int],
    hints: list[str],
    chars: list[int],
    first: list[int],
    last: list[int],
    recorded: frozenset[int],
    leaves: frozenset[str],
    marked: float,
    listed: float,
    decay: float,
    reach: int,
    most: int,
) -> list[float]:
    """Return how much prose stands close below each element.

    Prose under a mark counts by `marked` and not at all where it is hidden, in a list by `listed`; each further ancestor
    gets `decay` of it, `reach` of them that hold more than the last, `most` in all. Raises ValueError where an element is
    none of the page's.
    """
