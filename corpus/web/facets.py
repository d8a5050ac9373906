"""Facets counted in memory: what each document is, as small integers, so that counting costs no scan of the file.

One pass over the documents makes the table. It is made again when the file has changed, at most once in
REFRESH_SECONDS, so that a crawl that is writing doesn't make every request pay for it.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corpus.database import distrust

Codes = npt.NDArray[np.int32]

FACETS = ("site", "lender", "topic", "month", "script", "farm")
"""In the order shown; each is also a filter of the query language."""

SHOWN = 10
REFRESH_SECONDS = 30.0


class Count(NamedTuple):
    """How many of the documents found have a value."""

    value: str
    documents: int


class _Column(NamedTuple):
    """One facet: its values, and which document (by place) has which (by place), one pair for each."""

    values: tuple[str, ...]
    places: Codes
    codes: Codes


Tally = tuple[int, dict[str, list[Count]]]
"""How many documents were found, and each facet's most frequent values among them."""


@dataclass(frozen=True, slots=True, eq=False)
class FacetTable:
    """Every document's facets. `docids` is in order; `shown` tells those that search shows: no duplicate, no takedown."""

    docids: npt.NDArray[np.int64]
    shown: npt.NDArray[np.bool_]
    columns: Mapping[str, _Column]

    def tally(self, matched: Iterable[int] | None, *, duplicates: bool = False) -> Tally:
        """Return how many of the documents `matched` (docids; None for all) are shown, and each facet's top values."""
        chosen = np.ones(len(self.docids), bool) if duplicates else self.shown.copy()
        if matched is not None:
            chosen &= self._among(np.fromiter(matched, np.int64))
        found = {name: _top(column, chosen) for name, column in self.columns.items()}
        return int(chosen.sum()), found

    def _among(self, docids: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        places = np.searchsorted(self.docids, docids)
        known = places < len(self.docids)
        known[known] = self.docids[places[known]] == docids[known]
        among = np.zeros(len(self.docids), bool)
        among[places[known]] = True
        return among


def _top(column: _Column, chosen: npt.NDArray[np.bool_]) -> list[Count]:
    numbers = np.bincount(column.codes[chosen[column.places]], minlength=len(column.values))
    ranked = sorted((-int(numbers[code]), column.values[code]) for code in np.argsort(-numbers)[: 2 * SHOWN])
    return [Count(value, -number) for number, value in ranked if number][:SHOWN]


class _Builder:
    """Collects one facet's pairs."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.pairs: list[tuple[int, int]] = []

    def add(self, place: int, values: Sequence[str]) -> None:
        """Note that the document at `place` has `values`."""
        for value in values:
            self.pairs.append((place, self.codes.setdefault(value, len(self.codes))))

    def column(self) -> _Column:
        """Return what was collected."""
        pairs = np.array(self.pairs, np.int32).reshape(-1, 2)
        return _Column(tuple(self.codes), pairs[:, 0], pairs[:, 1])


def open_reader(path: Path, *, immutable: bool) -> sqlite3.Connection:
    """Return a connection that can't write: `immutable` for a file that nothing changes, in a folder without write access.

    Raises sqlite3.Error when the file can't be opened.
    """
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    mode = "immutable=1" if immutable else "mode=ro"
    connection = sqlite3.connect(f"file:{quoted}?{mode}", uri=True, check_same_thread=False)
    distrust(connection)
    return connection


def read(connection: sqlite3.Connection) -> FacetTable:
    """Return the facets of every document, in one pass."""
    sql = """SELECT d.docid, d.duplicate_of IS NULL AND NOT EXISTS (SELECT 1 FROM tombstones AS t
            WHERE t.kind = 'url' AND t.value = d.url), d.site, d.lenders, d.topics, substr(d.published, 1, 7),
            d.script, f.farm_id
        FROM documents AS d LEFT JOIN farm_sites AS f ON f.site = d.site ORDER BY d.docid"""
    builders = {name: _Builder() for name in FACETS}
    docids, shown = [], []
    lists: dict[str, list[str]] = {}
    for place, row in enumerate(connection.execute(sql)):
        docid, is_shown, site, lenders, topics, month, script, farm = row
        docids.append(docid)
        shown.append(bool(is_shown))
        for name, packed in (("lender", lenders), ("topic", topics)):
            builders[name].add(place, lists.setdefault(packed, json.loads(packed)))
        for name, value in (("site", site), ("month", month), ("script", script), ("farm", farm)):
            if value:
                builders[name].add(place, (value,))
    columns = {name: builder.column() for name, builder in builders.items()}
    return FacetTable(np.array(docids, np.int64), np.array(shown, bool), columns)


class Facets:
    """The facet table of one file, kept current enough. It may be asked from several threads."""

    def __init__(self, path: Path, *, immutable: bool = False) -> None:
        self._path = path
        self._immutable = immutable
        self._table: FacetTable | None = None
        self._stamp: tuple[tuple[int, int], ...] = ()
        self._made = 0.0
        self._making = threading.Lock()

    def get(self) -> FacetTable:
        """Return the table. The first to ask waits for it; when the file has changed since, a new one is made beside."""
        if self._table is None:
            with self._making:
                return self._table or self._make()
        if time.monotonic() - self._made > REFRESH_SECONDS and self._stamp != self._now():
            self.refresh()
        return self._table

    def refresh(self) -> None:
        """Make the table again in a thread of its own, unless that is being done."""
        threading.Thread(target=self._make_beside, name="facets", daemon=True).start()

    def _make_beside(self) -> None:
        if self._making.acquire(blocking=False):
            try:
                self._make()
            finally:
                self._making.release()

    def _make(self) -> FacetTable:
        stamp = self._now()
        connection = open_reader(self._path, immutable=self._immutable)
        try:
            table = read(connection)
        finally:
            connection.close()
        self._table, self._stamp, self._made = table, stamp, time.monotonic()
        return table

    def _now(self) -> tuple[tuple[int, int], ...]:
        """Return what changes with every commit: sizes and times of the file and its write-ahead log."""
        stamps = []
        for name in (str(self._path), f"{self._path}-wal"):
            try:
                stat = os.stat(name)  # noqa: PTH116  # twice a request
            except FileNotFoundError:
                stamps.append((0, 0))
            else:
                stamps.append((stat.st_mtime_ns, stat.st_size))
        return tuple(stamps)
