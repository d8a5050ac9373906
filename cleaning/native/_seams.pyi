from collections.abc import Mapping, Sequence

from cleaning.native._score import Scorer

class Reader:
    """The numbers of `cleaning.seams`, and the model of running Chinese."""

    def __init__(
        self,
        scorer: Scorer,
        *,
        sentences: str,
        marks: Mapping[str, float],
        edge: str,
        word_nats: tuple[float, ...],
        most_nats: tuple[float, ...],
        unknown: float,
        new: float,
        again: float,
        closing: float,
        tie: float,
        gap: int,
        reach: int,
        again_within: int,
        beam: int,
        least: int,
        most: int,
    ) -> None: ...
    def stretches(
        self, text: str, hits: Sequence[tuple[int, int, int]], least: float
    ) -> list[tuple[int, int, float, float, int]]:
        """Return (start, end, nats, odds, telling) of what was likelier put into `text` than written, in order.

        `hits` are the (start, end, weight) of the lexicon's words in it; ValueError where one lies outside.
        """
