"""Where a page's time goes, from bytes to a stored, deduplicated, searchable document, beside what could not be less.

    python -m benchmarks.stages [--pages 300] [--rounds 3] [--out FILE]

Each stage's own processor time (stages inside it left out), median of the rounds, over generated pages
(`benchmarks.pages`); beside it a floor, measured over the same pages in the same round: lexbor parsing the page, a regex
running over the page's or the article's characters, packing and hashing the bytes, SQLite inserting the same rows into
tables without an index. Nothing that reads, keeps and explains text can be cheaper than that, so a ratio says what a stage
does beyond it. `rebuild` is the same without archiving.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import re
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from isal import isal_zlib
from selectolax.lexbor import LexborHTMLParser

from benchmarks.pages import generate
from corpus.derivation import spare_memory
from corpus.records import Fetch
from corpus.store import Corpus

WARM = 20
PACK, UNPACK, DECODE, PARSE, SCAN_PAGE, SCAN_TEXT, INSERT, INDEX, HASH = (
    "pack and hash", "unpack", "the codec", "lexbor's parse", "a regex over the page", "a regex over the article",
    "SQLite's bare insert", "bare inserts, FTS5's too", "blake2b of each 6 characters",
)  # fmt: skip


class Stage(NamedTuple):
    """A stage: the functions it is made of (`module:name`, where they are looked up), and its floor."""

    name: str
    functions: tuple[str, ...]
    floor: str


STAGES = (
    Stage("archive: append", ("corpus.archive:ArchiveWriter.append",), PACK),
    Stage("archive: read back", ("corpus.archive:read",), UNPACK),
    Stage("decode", ("cleaning.clean:decode",), DECODE),
    Stage("parse", ("cleaning.extract:parse",), PARSE),
    Stage("extract", ("cleaning.clean:extract",), PARSE),
    Stage("repair", ("cleaning.clean:repair",), SCAN_TEXT),
    Stage("strip", ("cleaning.clean:strip",), SCAN_TEXT),
    Stage("normalize, script", ("cleaning.clean:normalize", "cleaning.clean:simplify"), SCAN_TEXT),
    Stage("fields: lenders, topics, quality, contacts", ("cleaning.clean:_cleaned", "cleaning.clean:_fields"), SCAN_TEXT),
    Stage("accounts in the source", ("corpus.derive:names_services", "corpus.derive:account_marks"), SCAN_PAGE),
    Stage("fingerprint", ("corpus.masking:Masker.prints",), HASH),
    Stage("candidates, verify, clusters", ("corpus.dedup:add",), INSERT),
    Stage("tokens", ("corpus.article:_indexed",), SCAN_TEXT),
    Stage("store: rows, versions, findings, full text", ("corpus.store:Corpus.derive_pending",), INDEX),
)  # fmt: skip


class Clock:
    """Processor seconds of each stage, without what ran inside it in another."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner: list[float] = []

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function`, which also adds its own time to `stage`."""

        def run(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  # whatever it stands for
            self._inner.append(0.0)
            began = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                taken = time.process_time() - began
                self.seconds[stage] += taken - self._inner.pop()
                if self._inner:
                    self._inner[-1] += taken

        return run

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time all stages for as long as the context lasts."""
        with ExitStack() as stack:
            for stage in STAGES:
                for function in stage.functions:
                    holder, name = owner(function)
                    timed = self.timed(stage.name, getattr(holder, name))
                    stack.enter_context(mock.patch.object(holder, name, timed))
            yield


def owner(function: str) -> tuple[Any, str]:
    """Return the module or class that holds `module:name`, and the name in it."""
    module, _, path = function.partition(":")
    holder: Any = importlib.import_module(module)
    *above, name = path.split(".")
    for part in above:
        holder = getattr(holder, part)
    return holder, name


class Stored(NamedTuple):
    """What a corpus holds after a run: bodies with their encodings, and the documents' titles and texts."""

    bodies: list[bytes]
    encodings: list[str]
    texts: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]


def run(pages: Sequence[Fetch], path: Path) -> tuple[dict[str, float], Stored]:
    """Take pages through the chain; return seconds by stage and what came of them."""
    clock = Clock()
    with Corpus(path, create=True) as corpus:
        with clock.watching():
            for page in pages:
                corpus.add_fetch(page)
            corpus.derive_pending()
        rows = corpus.connection.execute("SELECT * FROM documents ORDER BY docid").fetchall()
        told = corpus.connection.execute("SELECT title, text, encoding FROM documents ORDER BY docid").fetchall()
    bodies = [page.body for page in pages]
    return clock.seconds, Stored(bodies, [row[2] for row in told], [row[:2] for row in told], rows)


def floors(stored: Stored, folder: Path) -> dict[str, float]:
    """Return processor seconds of each floor over what was stored."""
    han = re.compile("[\u4e00-\u9fff]+")
    htmls = [body.decode(name, "replace") for body, name in zip(stored.bodies, stored.encodings, strict=False)]
    utf8 = [html.encode() for html in htmls]
    packed = [isal_zlib.compress(body, 1) for body in stored.bodies]
    texts = [text for _, text in stored.texts]
    marks = ", ".join("?" * len(stored.rows[0]))
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"CREATE TABLE bare ({', '.join(f'c{number}' for number in range(len(stored.rows[0])))})")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5(title, text, content='', tokenize='ascii')")
    halves = [(title, " ".join(map("".join, pairwise(text)))) for title, text in stored.texts]

    def insert() -> None:
        connection.execute("BEGIN")
        connection.executemany(f"INSERT INTO bare VALUES ({marks})", stored.rows)  # question marks
        connection.execute("COMMIT")

    def index() -> None:
        insert()
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO words(title, text) VALUES (?, ?)", halves)
        connection.execute("COMMIT")

    def grams(text: str) -> list[bytes]:
        places = range(len(text) - 5)
        return [hashlib.blake2b(text[at : at + 6].encode(), digest_size=8).digest() for at in places]

    works: dict[str, Callable[[], object]] = {
        PACK: lambda: [(isal_zlib.compress(body, 1), hashlib.sha1(body).digest()) for body in stored.bodies],
        UNPACK: lambda: [isal_zlib.decompress(body) for body in packed],
        DECODE: lambda: [body.decode(name, "replace") for body, name in zip(stored.bodies, stored.encodings)],
        PARSE: lambda: [LexborHTMLParser(html) for html in utf8],
        SCAN_PAGE: lambda: [han.findall(html) for html in htmls],
        SCAN_TEXT: lambda: [han.findall(text) for text in texts],
        INSERT: insert,
        INDEX: index,
        HASH: lambda: [grams(text) for text in texts],
    }
    found = {}
    for name, work in works.items():
        began = time.process_time()
        work()
        found[name] = time.process_time() - began
    connection.close()
    return found


def measure(count: int, rounds: int) -> list[tuple[str, float, str, float]]:
    """Return for each stage its name, milliseconds a page, its floor and that floor's milliseconds a page."""
    pages = [page.fetch for page in generate(count)]
    spare_memory()
    ours: dict[str, list[float]] = defaultdict(list)
    least: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        run(pages[:WARM], Path(name) / "warm.db")  # imports and tables are not a page's cost
        for turn in range(rounds):
            folder = Path(name) / str(turn)
            folder.mkdir()
            seconds, stored = run(pages, folder / "corpus.db")
            for stage in STAGES:
                ours[stage.name].append(seconds[stage.name])
            for floor, taken in floors(stored, folder).items():
                least[floor].append(taken)

    def each(values: Sequence[float]) -> float:
        return 1000 * statistics.median(values) / count

    return [(stage.name, each(ours[stage.name]), stage.floor, each(least[stage.floor])) for stage in STAGES]


def table(rows: Sequence[tuple[str, float, str, float]]) -> str:
    """Return the rows as a Markdown table with a sum."""
    lines = ["| stage | ms a page | floor | ms | ratio |", "|---|---:|---|---:|---:|"]
    lines += [
        f"| {name} | {taken:.2f} | {floor} | {least:.3f} | {taken / least:.1f} |"
        for name, taken, floor, least in rows
    ]
    return "\n".join([*lines, f"| all | {sum(row[1] for row in rows):.2f} | | | |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    text = table(measure(options.pages, options.rounds))
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
