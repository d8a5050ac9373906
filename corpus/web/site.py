"""What one served corpus needs beside its tables: where its archive is, and its facets."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from pathlib import Path

from corpus.archive import folder_of
from corpus.search import matching
from corpus.web.facets import Facets, FacetTable, Tally

TALLIES = 64
"""Queries whose counts are kept: a reader pages through one, or goes back to it."""


class Site:
    """One served corpus."""

    def __init__(self, path: Path, *, immutable: bool, local_only: bool) -> None:
        self.folder = folder_of(path)
        self.local_only = local_only
        self.facets = Facets(path, immutable=immutable)
        self._tallies: OrderedDict[tuple[FacetTable, str, bool], Tally] = OrderedDict()

    def tally(self, connection: sqlite3.Connection, asked: str, duplicates: bool) -> Tally:
        """Return how many documents `asked` (empty for all) finds and their facets, kept for the pages that follow.

        Raises QueryError when the query can't be understood.
        """
        table = self.facets.get()
        key = (table, asked, duplicates)
        found = self._tallies.get(key)
        if found is None:
            found = table.tally(matching(connection, asked) if asked else None, duplicates=duplicates)
            self._tallies[key] = found
            while len(self._tallies) > TALLIES:
                self._tallies.popitem(last=False)
        return found

    def forget(self) -> None:
        """Forget what was counted, as if nobody had asked."""
        self._tallies.clear()
