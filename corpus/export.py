"""Export: one JSON object a line, in a fixed order, the file whole or not there."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import orjson

from cleaning.contacts import mask_identifiers
from corpus.atomic import replacing

SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")

Pii = Literal["mask", "keep", "drop"]

_COLUMNS = (
    "id", "url", "site", "title", "author", "published", "category", "source", "text", "text_source", "script",
    "lenders", "topics", "relevance", "quality", "chars", "first_seen", "cluster_id", "template_cluster_id",
    "duplicate_of", "duplicate_kind", "similarity",
)  # fmt: skip
_JSON_COLUMNS = ("lenders", "topics", "quality")
_TEXT_COLUMNS = ("title", "text", "text_source")


class ExportError(Exception):
    """An export that can't be made as asked; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many records and bytes, and the SHA-256 of the file's bytes before packing."""

    path: Path
    records: int
    bytes: int
    sha256: str


def export(connection: sqlite3.Connection, path: Path, *, duplicates: bool = False, pii: Pii = "mask") -> Exported:
    """Write the corpus to `path` (.jsonl, .jsonl.gz or .jsonl.zst), ordered by id.

    `duplicates` writes every member of a cluster, not its representative alone; `pii` says what becomes of
    personal identifiers in the text. Raises ExportError on a path it can't write to.
    """
    if not str(path).endswith(SUFFIXES):
        raise ExportError(f"{path}: give a name that ends in {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise ExportError(f"{path}: its folder does not exist; make it first")
    try:
        with replacing(path) as stream:
            count, size, digest = _write(connection, stream, duplicates=duplicates, pii=pii)
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}; what stood there is untouched") from error
    return Exported(path, count, size, digest)


def _write(
    connection: sqlite3.Connection, stream: IO[bytes], *, duplicates: bool, pii: Pii
) -> tuple[int, int, str]:
    count = size = 0
    digest = hashlib.sha256()
    for record in records(connection, duplicates=duplicates, pii=pii):
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
        stream.write(line)
        digest.update(line)
        count += 1
        size += len(line)
    return count, size, digest.hexdigest()


def records(
    connection: sqlite3.Connection, *, duplicates: bool = False, pii: Pii = "mask"
) -> Iterator[dict[str, Any]]:
    """Yield the corpus' records, ordered by id; their fields are those of `record.schema.json`."""
    condition = "1" if duplicates else "d.duplicate_of IS NULL"
    columns = ", ".join(f"d.{name}" for name in _COLUMNS)
    # Constants only: no value of a user's goes into the statement.
    sql = f"""SELECT {columns},
            (SELECT count(*) FROM documents AS m WHERE m.cluster_id = d.cluster_id),
            (SELECT json_group_array(json_object('kind', kind, 'value', masked))
                FROM (SELECT kind, masked FROM contacts AS c WHERE c.docid = d.docid ORDER BY kind, masked))
        FROM documents AS d
        WHERE {condition} AND NOT EXISTS (SELECT 1 FROM tombstones AS t WHERE t.value IN (d.url, d.site, d.content_hash))
        ORDER BY d.id"""  # noqa: S608
    for row in connection.execute(sql):
        record = dict(zip(_COLUMNS, row))
        for name in _JSON_COLUMNS:
            record[name] = orjson.loads(record[name])
        record["cluster_size"] = max(1, row[-2])
        record["contacts"] = orjson.loads(row[-1])
        if pii != "keep":
            for name in _TEXT_COLUMNS:
                if record[name]:
                    record[name] = mask_identifiers(record[name], drop=pii == "drop")
        yield record
