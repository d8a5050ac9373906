"""The formats of an export: JSON Lines, CSV and Parquet, each as a function that takes one record at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import orjson

from corpus.fields import QUALITY, Field

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".csv", ".csv.gz", ".csv.zst", ".parquet")

ROW_GROUP = 2000
"""Records to a row group of Parquet: some 10 MB, so that a reader of one group needs little memory."""

_FORMULA_STARTS = tuple("=+-@\t\r\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}"
                        "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
"""What makes a spreadsheet run a cell (OWASP, CSV injection), where its language is Chinese full-width signs too."""

Write = Callable[[bytes, Mapping[str, Any]], None]
"""Takes a record as its JSON line and as a mapping whose lists and objects are JSON text."""


class FormatError(Exception):
    """A format that can't be written here; the text says what to install."""


@contextmanager
def sink(name: str, stream: IO[bytes], fields: tuple[Field, ...]) -> Iterator[Write]:
    """Yield the function that writes records to `stream` in the format that the file's name says.

    Raises FormatError for Parquet where pyarrow isn't installed.
    """
    if name.endswith(".parquet"):
        with _parquet(stream, fields) as write:
            yield write
    elif ".csv" in name:
        with _csv(stream, fields) as write:
            yield write
    else:
        yield lambda line, _: _discard(stream.write(line))


def _discard(_: int) -> None:
    """A stream's own answer is of no use here."""


@contextmanager
def _csv(stream: IO[bytes], fields: tuple[Field, ...]) -> Iterator[Write]:
    """CSV as RFC 4180 has it, with the mark by which spreadsheets know UTF-8, and cells that they won't run."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    names = [field.name for field in fields]
    writer.writerow(names)
    try:
        yield lambda _, record: _discard(writer.writerow([_cell(record[name]) for name in names]))
    finally:
        text.detach()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


@contextmanager
def _parquet(stream: IO[bytes], fields: tuple[Field, ...]) -> Iterator[Write]:
    schema = arrow_schema(fields)
    import pyarrow.parquet as pq

    packed = [field.name for field in fields if field.packed]
    rows: list[dict[str, Any]] = []

    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:

        def write(_: bytes, record: Mapping[str, Any]) -> None:
            rows.append({**record, **{name: orjson.loads(record[name]) for name in packed}})
            if len(rows) >= ROW_GROUP:
                flush()

        def flush() -> None:
            if rows:
                writer.write_batch(to_batch(rows, schema))
                rows.clear()

        yield write
        flush()


def to_batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Return records as one Arrow batch."""
    import pyarrow as pa

    return pa.RecordBatch.from_pylist(rows, schema=schema)


def arrow_schema(fields: tuple[Field, ...]) -> pa.Schema:
    """Return the Arrow schema of records with these fields, each with its description.

    Raises FormatError where pyarrow isn't installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise FormatError("Parquet and Arrow need a package: pip install 'yuqi[frames]'") from error
    contact = pa.struct([pa.field("kind", pa.string()), pa.field("value", pa.string())])
    scalars = {"integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "texts": pa.list_(pa.string()),
        "contacts": pa.list_(contact),
        "quality": pa.struct([pa.field(name, scalars[kind]) for name, kind in QUALITY.items()]),
    }
    return pa.schema(
        [pa.field(field.name, types[field.kind], field.nullable, {"about": field.about}) for field in fields]
    )
