"""Generated articles, copies of them, and a database to add them to: what the benchmarks of near duplicates share."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence

import numpy as np

from corpus import dedup

SEED = 20241013
SENTENCES = 28
LENDERS = ("小米金融", "度小满", "招联金融", "借呗", "微粒贷", "京东白条", "安逸花", "有钱花", "拍拍贷", "分期乐")
PLACES = ("湖南", "河南", "长沙", "郑州", "合肥", "南宁", "昆明", "兰州", "沈阳", "温州")
NOTICE = (
    "免责声明：本站内容来自网络，如有侵权请联系我们删除，本站不承担任何法律责任，请读者自行判断其内容的真实性。"
)

# --- texts ----------------------------------------------------------------------------------------------------------


class Writer:
    """Writes articles of about 1,000 characters and copies of them; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        common = [chr(0x4E00 + self.rng.randrange(3500)) for _ in range(1200)]
        words = ["".join(self.rng.choices(common, k=self.rng.choice((1, 2, 2, 2, 3)))) for _ in range(6000)]
        self.words = words
        self.weights = np.cumsum(1 / np.arange(10, len(words) + 10)).tolist()

    def article(self) -> str:
        """Return a new article about one lender in one place, with the notice that every page carries."""
        lender, place = self.rng.choice(LENDERS), self.rng.choice(PLACES)
        sentences = [self._sentence(lender, place) for _ in range(SENTENCES)]
        return f"{place}{lender}逾期\n" + "\n".join(sentences) + f"\n{NOTICE}"

    def _sentence(self, lender: str, place: str) -> str:
        words = self.rng.choices(self.words, cum_weights=self.weights, k=self.rng.randrange(12, 22))
        if self.rng.random() < 0.4:
            words[self.rng.randrange(len(words))] = self.rng.choice((lender, place, lender))
        return "".join(words) + "。"

    def edited(self, text: str, rate: float) -> str:
        """Return `text` with that share of its characters replaced, dropped or doubled."""
        characters = list(text)
        for _ in range(round(len(characters) * rate)):
            at = self.rng.randrange(len(characters))
            characters[at] = self.rng.choice(("", characters[at] * 2, self.rng.choice(self.words)))
        return "".join(characters)

    def swapped(self, text: str) -> str:
        """Return `text` with each lender and place name as another."""
        for names in (LENDERS, PLACES):
            for name in names:
                if name in text:
                    text = text.replace(name, self.rng.choice([other for other in names if other != name]))
        return text


def write(count: int, seed: int = SEED) -> list[str]:
    """Return `count` texts: originals, and among them copies edited by 0.3% to 4% of their characters."""
    writer = Writer(seed)
    texts: list[str] = []
    while len(texts) < count:
        original = writer.article()
        copies = writer.rng.choice((0, 0, 0, 1, 2, 4))
        texts.append(original)
        texts += [writer.edited(original, writer.rng.choice((0.003, 0.01, 0.02, 0.04))) for _ in range(copies)]
    writer.rng.shuffle(texts)
    return texts[:count]


DOCUMENTS = """CREATE TABLE documents (id TEXT PRIMARY KEY, url TEXT, text TEXT, published TEXT, first_seen TEXT,
    content_hash TEXT, cluster_id TEXT, duplicate_of TEXT, duplicate_kind TEXT, similarity REAL, template_cluster_id TEXT)"""


def new_corpus(path: str, *, create: bool = True) -> sqlite3.Connection:
    """Return a database with the tables that deduplication needs, set up as a corpus is."""
    connection = sqlite3.connect(path)
    for pragma in (
        "page_size = 16384",
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "cache_size = -65536",
        "mmap_size = 1073741824",
    ):
        connection.execute(f"PRAGMA {pragma}")
    for statement in (DOCUMENTS, *dedup.DDL) if create else ():
        connection.execute(statement)
    return connection


def add(connection: sqlite3.Connection, texts: Sequence[str], first: int = 0) -> None:
    """Store `texts` as documents and find their duplicates, 500 to a transaction as ingest does."""
    for start in range(0, len(texts), 500):
        entries = [
            dedup.Entry(
                f"{first + number}", f"http://site.test/{first + number}", texts[number], None, "2024-10-13"
            )
            for number in range(start, min(start + 500, len(texts)))
        ]
        connection.executemany(
            "INSERT INTO documents (id, url, text, first_seen) VALUES (?, ?, ?, ?)",
            [(entry.id, entry.url, entry.text, entry.first_seen) for entry in entries],
        )
        dedup.add(connection, entries)
        connection.commit()
