from collections.abc import Callable

class Reader:
    """What letters and marks count, how many chains are followed at a time, and how long they may be."""

    def __init__(
        self,
        sentences: frozenset[str],
        marks: dict[str, float],
        *,
        unknown: float,
        new: float,
        beam: int,
        least: int,
        most: int,
    ) -> None: ...
    def candidates(
        self,
        line: str,
        left: int,
        right: int,
        words: list[tuple[int, int, float, float, bool]],
        pairs: list[float],
        closing: Callable[[int, int], float],
    ) -> list[tuple[int, int, float, float, int]]:
        """Return (start, end, nats, odds, telling) of each way to read a part of `line[left:right]` as keywords.

        `words` are (start, end, odds, nats, heavy) in order of start, `pairs` how likely the letter at each place from
        `left` to `right` is after the one before it; `closing(start, end)` is asked how well the line closes without.
        """
