"""Traps that only show over time: pages of one shape that lead to more of the same and to no article. No clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from crawler.frontier import shape

BARREN_AFTER = 25
"""Pages of one shape in a row without article text or links to anything of another shape: a calendar, or
pagination past its end. List pages lead to articles, so a real list never gets there."""


@dataclass(slots=True)
class Watch:
    """Counts what each shape of URL yields, and closes shapes that yield nothing."""

    barren: Counter[str] = field(default_factory=Counter)
    shut: dict[str, str] = field(default_factory=dict)

    def saw(self, key: str, *, wordy: bool, fresh: int) -> bool:
        """Note a page; return whether this closed its shape. `fresh` counts links not met before."""
        name = shape(key)
        if name in self.shut:
            return False
        # One fresh link is the next page of the same trap.
        if wordy or fresh > 2:
            self.barren[name] = 0
            return False
        self.barren[name] += 1
        if self.barren[name] >= BARREN_AFTER:
            self.shut[name] = "barren-shape"
            return True
        return False

    def closed(self, key: str) -> str | None:
        """Return why a URL's shape is closed, or None."""
        return self.shut.get(shape(key)) if self.shut else None
