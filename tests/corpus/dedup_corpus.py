"""A database with what deduplication and farms need of a corpus, and invented articles to fill it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from corpus import buckets, dedup, farms
from corpus.masking import Masker, place_names

DOCUMENTS = """CREATE TABLE documents (docid INTEGER PRIMARY KEY, id TEXT UNIQUE, url TEXT, site TEXT, title TEXT, text TEXT,
    published TEXT, first_seen TEXT, content_hash TEXT, cluster_id TEXT, duplicate_of TEXT, duplicate_kind TEXT,
    similarity REAL, template_cluster_id TEXT)"""
CONTACTS = "CREATE TABLE contacts (docid INTEGER, kind TEXT, value_hash TEXT, masked TEXT)"

LENDERS = ("小米金融", "度小满", "招联金融", "微粒贷", "安逸花")
MASKER = Masker(LENDERS, place_names())

_OPENINGS = ("随着", "由于", "面对", "关于", "根据", "为了", "如果", "当前", "近年来", "不少")
_MIDDLES = (
    "借款人",
    "金融机构",
    "催收人员",
    "信用记录",
    "还款计划",
    "法律法规",
    "客服热线",
    "分期协商",
    "利息费用",
    "逾期账单",
)
_ENDINGS = (
    "需要及时处理",
    "会产生影响",
    "应当保留证据",
    "可以主动沟通",
    "不要轻易失联",
    "必须如实说明",
    "建议咨询律师",
    "有权提出异议",
)


def connect() -> sqlite3.Connection:
    """Return an empty database in memory with the tables."""
    connection = sqlite3.connect(":memory:")
    for statement in (DOCUMENTS, CONTACTS, *dedup.DDL, *farms.DDL):
        connection.execute(statement)
    return connection


def article(seed: int, lender: str = "小米金融", place: str = "湖南", sentences: int = 24) -> str:
    """Return an article of `sentences` lines about one lender and place; other seeds give other articles."""
    rng = random.Random(seed)
    lines = []
    for number in range(sentences):
        body = "".join(rng.choice(_MIDDLES) + chr(0x4E00 + rng.randrange(3000)) for _ in range(3))
        name = (lender, place, "", "", "")[number % 5]
        lines.append(rng.choice(_OPENINGS) + name + body + rng.choice(_ENDINGS) + "。")
    return f"{place}{lender}逾期怎么办\n" + "\n".join(lines)


def edited(text: str, edits: int, seed: int = 0) -> str:
    """Return `text` with so many of its characters replaced."""
    rng = random.Random(seed)
    characters = list(text)
    for _ in range(edits):
        characters[rng.randrange(len(characters))] = chr(0x6000 + rng.randrange(2000))
    return "".join(characters)


def entry(
    identifier: str, text: str, published: str | None = None, first_seen: str = "2024-06-01T00:00:00+00:00"
) -> dedup.Entry:
    """Return an entry with a URL made of its id."""
    return dedup.Entry(identifier, f"http://{identifier[0]}.test/{identifier}", text, published, first_seen)


def store(connection: sqlite3.Connection, entries: Iterable[dedup.Entry]) -> None:
    """Put the rows of `entries` into `documents`; the site is the id's first character."""
    connection.executemany(
        "INSERT OR IGNORE INTO documents (id, url, site, text, published, first_seen) VALUES (?, ?, ?, ?, ?, ?)",
        [(item.id, item.url, item.id[0], item.text, item.published, item.first_seen) for item in entries],
    )


def filled(entries: Sequence[dedup.Entry], masker: Masker = MASKER) -> sqlite3.Connection:
    """Return a database that holds `entries`, added in one batch."""
    connection = connect()
    store(connection, entries)
    dedup.add(connection, entries, masker)
    return connection


def marks(connection: sqlite3.Connection) -> dict[str, dedup.Duplicate]:
    """Return what each document is marked as."""
    sql = "SELECT id, cluster_id, duplicate_of, duplicate_kind, similarity, template_cluster_id FROM documents ORDER BY id"
    return {identifier: dedup.Duplicate(*rest) for identifier, *rest in connection.execute(sql)}


def derived(connection: sqlite3.Connection) -> tuple[Any, ...]:
    """Return every derived row that must not depend on the order of arrival."""
    tables = (
        "clusters ORDER BY id",
        "dedup_pairs ORDER BY a, b",
        "dedup_documents ORDER BY id",
        "dedup_contents ORDER BY node",
    )
    rows = [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    return (marks(connection), *rows, sorted(keys(connection)))


def keys(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    """Return the rows of the index, whatever level they are on."""
    return [row for level in buckets.LEVELS for row in connection.execute(f"SELECT key, node FROM {level}")]
