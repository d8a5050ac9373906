"""The table behind a site's damage: which characters it annotates, and with exactly what string."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SiteTable:
    """How often each character was seen annotated with each inserted string, over any number of pages.

    `counts` holds (character, inserted string, times), sorted, so equal observations give equal tables.
    """

    counts: tuple[tuple[str, str, int], ...] = ()

    @classmethod
    def of(cls, observed: Mapping[tuple[str, str], int]) -> SiteTable:
        """Return the table of `observed`: (character, inserted string) -> times."""
        return cls(tuple(sorted((char, inserted, times) for (char, inserted), times in observed.items())))

    @classmethod
    def from_json(cls, rows: Iterable[Iterable[object]]) -> SiteTable:
        """Return the table that `to_json` gave, after a walk through JSON.

        Raises ValueError when a row is not (character, inserted string, times).
        """
        observed: Counter[tuple[str, str]] = Counter()
        for row in rows:
            match tuple(row):
                case (str(char), str(inserted), int(times)) if len(char) == 1:
                    observed[char, inserted] += times
                case other:
                    raise ValueError(f"a pinyin table's row is [character, inserted string, times], not {other!r}")
        return cls.of(observed)

    def to_json(self) -> list[list[str | int]]:
        """Return the table as JSON rows [character, inserted string, times]."""
        return [list(row) for row in self.counts]

    def insertions(self) -> dict[str, str]:
        """Return each character's inserted string: the most frequent one, the first in code order on a tie."""
        best: dict[str, tuple[int, str]] = {}
        for char, inserted, times in self.counts:
            if char not in best or times > best[char][0]:
                best[char] = (times, inserted)
        return {char: inserted for char, (_, inserted) in best.items()}

    def __bool__(self) -> bool:
        return bool(self.counts)

    def __iter__(self) -> Iterator[tuple[str, str, int]]:
        return iter(self.counts)


def merge_tables(tables: Iterable[SiteTable]) -> SiteTable:
    """Return one table of all `tables`; their order does not matter."""
    observed: Counter[tuple[str, str]] = Counter()
    for table in tables:
        for char, inserted, times in table.counts:
            observed[char, inserted] += times
    return SiteTable.of(observed)


def as_insertions(
    table: SiteTable | Mapping[str, str] | frozenset[str] | None,
) -> tuple[dict[str, str], frozenset[str]]:
    """Return (character -> inserted string, characters known to be in the table without a reading).

    A mapping may give bare readings (`y\u012bng`) or whole inserted strings (`(y\u012bng)`).
    """
    if table is None:
        return {}, frozenset()
    if isinstance(table, SiteTable):
        return table.insertions(), frozenset()
    if isinstance(table, frozenset):
        return {}, table
    return {char: text if text.startswith("(") else f"({text})" for char, text in table.items()}, frozenset()
