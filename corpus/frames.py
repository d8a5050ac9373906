"""Documents for notebooks: iterate over them, count them, or take them as Arrow, pandas or Polars."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypedDict, cast

from corpus.export import Pii, records
from corpus.fields import FIELDS, Field
from corpus.formats import ROW_GROUP, arrow_schema, to_batch
from corpus.selection import Selection

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


class ContactOnPage(TypedDict):
    """A contact that a page carries: `phone`, `qq`, `wechat` ... and the masked value."""

    kind: str
    value: str


class Record(TypedDict, total=False):
    """One document as exported; what each field says stands in `corpus.fields.FIELDS`. Only chosen fields are there."""

    id: str
    url: str
    site: str
    title: str | None
    author: str | None
    published: str | None
    category: str | None
    source: str | None
    text: str
    text_source: str
    script: str
    lenders: list[str]
    topics: list[str]
    relevance: float
    quality: dict[str, float]
    chars: int
    first_seen: str
    cluster_id: str | None
    cluster_size: int
    template_cluster_id: str | None
    duplicate_of: str | None
    duplicate_kind: str | None
    similarity: float | None
    contacts: list[ContactOnPage]


class Documents:
    """The documents of a corpus that a selection takes, ordered by id; read from the file anew by every method.

    `len()` counts them, iteration yields a `Record` each. The frames hold all of them in memory.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        selection: Selection,
        fields: tuple[Field, ...] = FIELDS,
        pii: Pii = "mask",
    ) -> None:
        self._connection = connection
        self.selection = selection
        self.fields = fields
        self.pii = pii

    def __len__(self) -> int:
        return self.selection.count(self._connection)

    def __iter__(self) -> Iterator[Record]:
        found = records(self._connection, self.selection, fields=self.fields, pii=self.pii)
        return cast(Iterator[Record], found)

    def head(self, count: int = 5) -> list[Record]:
        """Return the first `count` documents."""
        return list(islice(self, count))

    def batches(self, size: int = ROW_GROUP) -> Iterator[pa.RecordBatch]:
        """Yield the documents as Arrow batches of at most `size` rows. Raises FormatError without pyarrow."""
        schema = arrow_schema(self.fields)
        rows = records(self._connection, self.selection, fields=self.fields, pii=self.pii)
        while batch := list(islice(rows, size)):
            yield to_batch(batch, schema)

    def to_arrow(self) -> pa.Table:
        """Return the documents as one Arrow table. Raises FormatError without pyarrow."""
        schema = arrow_schema(self.fields)
        import pyarrow as pa

        return pa.Table.from_batches(self.batches(), schema=schema)

    def to_pandas(self) -> pd.DataFrame:
        """Return the documents as a pandas frame, lists as arrays. Raises FormatError without pyarrow and pandas."""
        return cast("pd.DataFrame", self.to_arrow().to_pandas())

    def to_polars(self) -> pl.DataFrame:
        """Return the documents as a Polars frame. Raises FormatError without pyarrow; ImportError without Polars."""
        import polars as pl

        return cast(pl.DataFrame, pl.from_arrow(self.to_arrow()))
