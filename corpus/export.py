"""Export: records in a fixed order, written to a file that is whole or not there."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from cleaning.contacts import mask_identifiers, may_identify
from corpus.atomic import replacing
from corpus.fields import FIELDS, Field
from corpus.formats import SUFFIXES, FormatError, sink
from corpus.selection import Selection

Pii = Literal["mask", "keep", "drop"]

_MASKED = ("title", "author", "source", "text", "text_source")
"""Fields whose text may hold a personal identifier."""

ROWS = 200
"""Rows read, and looked at for identifiers, at a time."""

_CONTACTS = """(SELECT json_group_array(json_object('kind', kind, 'value', masked))
    FROM (SELECT kind, masked FROM contacts AS c WHERE c.docid = d.docid ORDER BY kind, masked))"""


class ExportError(Exception):
    """An export that can't be made as asked; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many records, their bytes as JSON lines, and the SHA-256 of those lines."""

    path: Path
    records: int
    bytes: int
    sha256: str


def export(
    connection: sqlite3.Connection,
    path: Path,
    *,
    selection: Selection | None = None,
    fields: tuple[Field, ...] = FIELDS,
    pii: Pii = "mask",
    duplicates: bool = False,
) -> Exported:
    """Write the selected documents to one file, ordered by id, in the format that its suffix names.

    `duplicates` is short for a selection of everything; `pii` says what becomes of personal identifiers.
    Raises ExportError on a path it can't write to or a format that needs a package which isn't there.
    """
    wanted = selection or Selection(duplicates=duplicates)
    if not str(path).endswith(SUFFIXES):
        raise ExportError(f"{path}: give a name that ends in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise ExportError(f"{path}: its folder does not exist; make it first")
    count = size = 0
    digest = hashlib.sha256()
    try:
        with replacing(path) as stream, sink(path.name, stream, fields) as write:
            for line, record in encoded(connection, wanted, fields=fields, pii=pii):
                write(line, record)
                digest.update(line)
                count += 1
                size += len(line)
    except FormatError as error:
        raise ExportError(str(error)) from error
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror or error}; what stood there is untouched") from error
    return Exported(path, count, size, digest.hexdigest())


def encoded(
    connection: sqlite3.Connection, selection: Selection, *, fields: tuple[Field, ...] = FIELDS, pii: Pii = "mask"
) -> Iterator[tuple[bytes, Mapping[str, Any]]]:
    """Yield each selected document as its JSON line and as a mapping whose lists and objects are JSON text still.

    What the tables hold as JSON goes into the line as it stands: taking it apart first would cost half the time.
    """
    names = [field.name for field in fields]
    packed = [field.name for field in fields if field.packed]
    for row in _rows(connection, selection, fields, pii):
        record = dict(zip(names, row))
        ready = record.copy()
        for name in packed:
            ready[name] = orjson.Fragment(record[name])
        yield orjson.dumps(ready, option=orjson.OPT_APPEND_NEWLINE), record


def records(
    connection: sqlite3.Connection,
    selection: Selection | None = None,
    *,
    fields: tuple[Field, ...] = FIELDS,
    duplicates: bool = False,
    pii: Pii = "mask",
) -> Iterator[dict[str, Any]]:
    """Yield the corpus' records, ordered by id; their fields are those of `record.schema.json`."""
    names = [field.name for field in fields]
    packed = [field.name for field in fields if field.packed]
    for row in _rows(connection, selection or Selection(duplicates=duplicates), fields, pii):
        record = dict(zip(names, row))
        yield record | {name: orjson.loads(record[name]) for name in packed}


Row = list[Any]


def _rows(
    connection: sqlite3.Connection, selection: Selection, fields: tuple[Field, ...], pii: Pii
) -> Iterator[Row]:
    """Yield the fields' values of each selected document, in the order of `fields`; lists and objects as JSON text."""
    names = [field.name for field in fields]
    columns = ", ".join(_column(name, pii) for name in names)
    where, values = selection.where()
    # Constants only: what a user gives goes in as parameters.
    sql = f"SELECT {columns} FROM documents AS d WHERE {where} ORDER BY d.id"  # noqa: S608
    cursor = connection.execute(sql, values)
    size = names.index("cluster_size") if "cluster_size" in names else None
    sizes = {} if size is None else _cluster_sizes(connection)
    texts = [] if pii == "keep" else [names.index(name) for name in _MASKED if name in names]
    while found := cursor.fetchmany(ROWS):
        rows = list(map(list, found))
        if size is not None:
            for row in rows:
                row[size] = sizes.get(row[size], 1)
        if texts:
            _mask(rows, texts, drop=pii == "drop")
        yield from rows


def _mask(rows: list[Row], places: list[int], *, drop: bool) -> None:
    """Mask the identifiers in the texts at `places` of rows; one look tells of all rows which may have any."""
    joined = ["\n".join({row[place] for place in places if row[place]}) for row in rows]
    for row, may in zip(rows, may_identify(joined)):
        if may:
            # The two texts of a Simplified page are one.
            masked = {text: mask_identifiers(text, drop=drop) for text in {row[place] for place in places} if text}
            for place in places:
                row[place] = masked.get(row[place], row[place])


def _column(name: str, pii: Pii) -> str:
    if name == "contacts":
        return "'[]'" if pii == "drop" else _CONTACTS
    return "d.cluster_id" if name == "cluster_size" else f"d.{name}"


def _cluster_sizes(connection: sqlite3.Connection) -> dict[str, int]:
    sql = "SELECT cluster_id, count(*) FROM documents WHERE cluster_id IS NOT NULL GROUP BY cluster_id"
    return dict(connection.execute(sql).fetchall())
