"""Column comments, units, labels and canned queries for Datasette, made from the schema that the file itself holds.

The comments inside the CREATE statements are the one source: what `.schema` shows, Datasette shows.
"""

from __future__ import annotations

import json
import re
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

DATABASE = "corpus"
"""The database's name in URLs, whatever the file is called."""

_TABLE_COMMENT = re.compile(r"\A[^\n]*?--[ \t]*([^\n]*)")
_COLUMN_LINE = re.compile(r'^[ \t]*"?(\w+)"?[ \t][^\n]*?--[ \t]*([^\n]*)$', re.MULTILINE)

UNITS = {("fetches", "size"): "byte", ("archives", "bytes"): "byte", ("archives", "torn"): "byte"}
LABELS = {
    "documents": "title",
    "articles": "title",
    "farms": "id",
    "crawls": "id",
    "sites": "site",
    "rejections": "url",
}
SORTS = {"documents": "docid", "articles": "docid", "fetches": "seq", "rejections": "seq"}
INTERNAL = ("documents_fts", "dedup_", "farming_", "corpus_meta", "frontier_meta", "frontier_pages", "learned_")
"""Tables that answer no question by themselves: listed last, on demand."""

UNCOMMENTED = {"articles": "One row for each article: representatives only, nothing taken down. Start here."}

SEARCH_QUERY = {
    "title": "Search by words, in SQL",
    "description": "match_phrase(words) is the FTS5 expression for words in either script.",
    "sql": """SELECT d.title, d.site, d.published, d.id
FROM documents_fts JOIN articles AS d ON d.docid = documents_fts.rowid
WHERE documents_fts MATCH match_phrase(:words)
ORDER BY bm25(documents_fts, 5.0, 1.0, 0.0)
LIMIT 50""",
}


def configuration(connection: sqlite3.Connection, *, own_functions: bool) -> dict[str, Any]:
    """Return Datasette's metadata for a corpus; `own_functions` adds queries that need `yuqi serve`'s SQL functions."""
    sql = "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
    tables = {name: table for name, _, made in connection.execute(sql) if (table := _table(name, made or ""))}
    asked = dict(queries())
    if own_functions:
        asked = {"search": SEARCH_QUERY, **asked}
    database = {
        "description": "Articles on overdue loans and debt collection. Open the view `articles` first.",
        "tables": tables,
        "queries": asked,
    }
    return {"title": "yuqi", "databases": {DATABASE: database}}


@cache
def queries() -> Mapping[str, Mapping[str, str]]:
    """Return the canned queries by name: title, description, sql. They run in any SQLite."""
    read = tomllib.loads(files("corpus.web").joinpath("queries.toml").read_text(encoding="utf-8"))
    return {name: {**query, "sql": query["sql"].strip()} for name, query in read.items()}


def _table(name: str, made: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if told := _TABLE_COMMENT.match(made):
        found["description"] = _sentence(told[1])
    elif name in UNCOMMENTED:
        found["description"] = UNCOMMENTED[name]
    if columns := dict(_columns(made)):
        found["columns"] = columns
    if units := {column: unit for (table, column), unit in UNITS.items() if table == name}:
        found["units"] = units
    if name in LABELS:
        found["label_column"] = LABELS[name]
    if name in SORTS:
        found["sort_desc"] = SORTS[name]
    if name.startswith(INTERNAL):
        found["hidden"] = True
    if name == "corpus_meta":
        found["allow"] = False
    return found


def _columns(made: str) -> Iterator[tuple[str, str]]:
    body = made.partition("\n")[2]
    for column, comment in _COLUMN_LINE.findall(body):
        yield column, _sentence(comment)


def _sentence(comment: str) -> str:
    text = comment.strip()
    return text[:1].upper() + text[1:]


def to_yaml(value: Mapping[str, Any], indent: int = 0) -> str:
    """Return nested mappings of text, numbers and booleans as YAML 1.2, in their own order."""
    lines: list[str] = []
    pad = " " * indent
    for key, item in value.items():
        if isinstance(item, Mapping):
            lines += [f"{pad}{json.dumps(key)}:", to_yaml(item, indent + 2).rstrip("\n")]
        elif isinstance(item, str) and "\n" in item:
            block = "\n".join(f"{pad}  {line}".rstrip() for line in item.split("\n"))
            lines.append(f"{pad}{json.dumps(key)}: |-\n{block}")
        else:
            lines.append(f"{pad}{json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
