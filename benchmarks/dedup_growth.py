"""How the index of near duplicates grows: bytes and time a document from 10,000 documents up, simulated.

    python -m benchmarks.dedup --grow                         10,000, 100,000 and 1,000,000 documents
    python -m benchmarks.dedup --grow --sizes 10000 3000000   others
    python -m benchmarks.dedup --only growth                  200,000 against 2,000, taking turns
    python -m benchmarks.dedup --only cluster                 one cluster of 500, 1,500 and 5,000 copies

A simulated document has random keys, as unrelated texts leave them; one in three copies most of another's, one anchor
stands in every document (a notice that everybody carries), two in every document of its site. What is measured is real
articles, added through `corpus.dedup`, before and after the file was dropped from the page cache.
"""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.dedup_texts import NOTICE, SEED, Writer, add, new_corpus, write
from corpus import buckets, dedup, fingerprint, masking
from corpus.fingerprint import I64

ANCHORS = 1000 // fingerprint.ANCHOR_RATE
KEYS = fingerprint.BANDS + ANCHORS
SITE = 1000
"""Documents of one simulated site."""

COPIES = 1 / 3
BAND_KEPT, ANCHOR_KEPT = 0.73, 0.95
"""How many of its original's bands and anchors a copy of Jaccard .95 keeps: .95**6 and .95."""

CHUNK = 50_000


# --- simulated documents --------------------------------------------------------------------------------------------


def simulate(connection: sqlite3.Connection, count: int) -> None:
    """Put `count` simulated contents, their documents and pairs into the tables, as if added long ago."""
    numbers = np.random.default_rng(SEED)
    hot = _notice_anchor()
    keys = np.empty((count, KEYS), np.int64)
    nodes = numbers.integers(-(2**63), 2**63 - 1, count)
    for first in range(0, count, CHUNK):
        size = min(CHUNK, count - first)
        part = keys[first : first + size]
        part[:] = numbers.integers(-(2**63), 2**63 - 1, (size, KEYS))
        sites = (first + np.arange(size)) // SITE
        part[:, -3:-1] = np.stack([sites * 2, sites * 2 + 1], axis=1)
        part[:, -1] = hot
        originals = _copy_some(numbers, part, nodes[first : first + size])
        _store_contents(connection, first, nodes[first : first + size], part, originals)
        connection.commit()
    _store_keys(connection, nodes, keys)
    connection.commit()


def _notice_anchor() -> int:
    """Return an anchor that every article of the benchmark has, as its notice does."""
    writer = Writer(SEED)
    prints = fingerprint.fingerprint(
        [writer.article() + NOTICE * 9 for _ in range(3)], masking.default_masker().mask_folded
    )
    rows = [set(prints.keys.row(index).view(np.int64).tolist()) for index in range(3)]
    shared = set.intersection(*rows)
    return min(shared) if shared else 7


def _copy_some(numbers: np.random.Generator, keys: I64, nodes: I64) -> I64:
    """Let a third of the rows keep most keys of an earlier row; return each row's original, itself for the others."""
    originals = np.arange(len(keys))
    copies = np.flatnonzero(numbers.random(len(keys)) < COPIES)
    copies = copies[copies > 0]
    sources = (copies * numbers.random(len(copies))).astype(np.int64)
    plain = ~np.isin(sources, copies)
    copies, sources = copies[plain], sources[plain]
    kept = np.concatenate([np.full(fingerprint.BANDS, BAND_KEPT), np.full(ANCHORS, ANCHOR_KEPT)])
    keep = numbers.random((len(copies), KEYS)) < kept
    keys[copies] = np.where(keep, keys[sources], keys[copies])
    originals[copies] = sources
    return originals


def _store_contents(connection: sqlite3.Connection, first: int, nodes: I64, keys: I64, originals: I64) -> None:
    roots = nodes[originals]
    connection.executemany(
        "INSERT INTO dedup_contents (node, keys, length, root, steps) VALUES (?, ?, 1000, ?, ?)",
        [
            (node, row.tobytes(), root, int(root != node))
            for node, row, root in zip(nodes.tolist(), keys, roots.tolist())
        ],
    )
    connection.executemany(
        "INSERT INTO dedup_documents (id, node, day, url) VALUES (?, ?, '2024-06-01T00:00:00.000000', ?)",
        [
            (f"{node & (1 << 64) - 1:032x}", node, f"http://site{number // SITE}.test/article/{number}.html")
            for number, node in enumerate(nodes.tolist(), first)
        ],
    )
    pairs = [buckets.pair(node, root) for node, root in zip(nodes.tolist(), roots.tolist()) if node != root]
    connection.executemany(
        "INSERT OR IGNORE INTO dedup_pairs VALUES (?, ?, 'near', 0.95, 1, 1, NULL)", sorted(pairs)
    )


def _store_keys(connection: sqlite3.Connection, nodes: I64, keys: I64) -> None:
    """Put the keys on the index's levels, the last documents' on the smaller ones, each level in order."""
    room = buckets.LEVEL_ROWS
    ends = [len(nodes)]
    for _ in buckets.LEVELS[:-1]:
        ends.append(max(0, ends[-1] - room // 2 // KEYS))
        room *= buckets.LEVEL_GROWTH
    for level, start, end in zip(buckets.LEVELS, [*ends[1:], 0], ends):
        flat = keys[start:end].ravel()
        owners = np.repeat(nodes[start:end], KEYS)
        order = np.lexsort((owners, flat))
        for first in range(0, len(order), 1_000_000):
            part = order[first : first + 1_000_000]
            sql = f"INSERT OR IGNORE INTO {level} (key, node) VALUES (?, ?)"  # constants
            connection.executemany(sql, zip(flat[part].tolist(), owners[part].tolist()))
        connection.execute("INSERT INTO dedup_key_counts VALUES (?, ?)", (level, len(order)))


# --- growth ---------------------------------------------------------------------------------------------------------


class Cost(NamedTuple):
    """What a document costs: milliseconds of processor and clock, bytes written to the log, each a document."""

    processor: float
    clock: float
    written: float


def measure(connection: sqlite3.Connection, path: Path, texts: Sequence[str], first: int) -> Cost:
    """Add `texts` and return what one costs."""
    log = path.with_name(path.name + "-wal")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    clock, spent = time.perf_counter(), time.process_time()
    add(connection, texts, first)
    spent, clock = time.process_time() - spent, time.perf_counter() - clock
    each = 1000 / len(texts)
    return Cost(spent * each, clock * each, log.stat().st_size / len(texts))


def grow(size: int, batch: int) -> None:
    """Print what an index of `size` simulated documents takes, and what adding to it costs, warm and cold."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.db"
        connection = new_corpus(str(path))
        began = time.process_time()
        simulate(connection, size)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        made = time.process_time() - began
        taken = path.stat().st_size / size
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        texts = write(batch * 4, SEED + 3)
        measure(connection, path, texts[:batch], 0)
        warm = measure(connection, path, texts[batch : batch * 3], batch)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        _forget_pages(path)
        connection = new_corpus(str(path), create=False)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        cold = measure(connection, path, texts[batch * 3 :], batch * 3)
        largest = max(
            connection.execute(f"SELECT max(n) FROM (SELECT count(*) AS n FROM {level} GROUP BY key)").fetchone()[
                0
            ]
            or 0
            for level in buckets.LEVELS
        )
        connection.close()
    print(
        f"{size:11,}: {taken:6,.0f} bytes a document; adding one: {warm.processor:.2f} ms processor,"
        f" {warm.clock:.2f} ms clock, {warm.written / 1024:,.0f} KB written; from a cold file {cold.processor:.2f} ms"
        f" and {cold.clock:.2f} ms; largest bucket {largest:,}; made in {made:,.0f} s",
        flush=True,
    )


def _forget_pages(path: Path) -> None:
    """Drop a file from the operating system's page cache."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def compare(small: int, large: int, batch: int, rounds: int) -> None:
    """Print what adding a document costs at two sizes, the two taking turns so that noise hits both alike."""
    with tempfile.TemporaryDirectory() as folder:
        corpora = []
        for size in (small, large):
            path = Path(folder) / f"{size}.db"
            connection = new_corpus(str(path))
            simulate(connection, size)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            corpora.append((connection, path))
        texts = write(batch * (rounds + 1), SEED + 3)
        costs: list[list[Cost]] = [[], []]
        for turn in range(rounds + 1):
            part = texts[turn * batch : (turn + 1) * batch]
            for which in (0, 1) if turn % 2 else (1, 0):
                connection, path = corpora[which]
                cost = measure(connection, path, part, turn * batch)
                if turn:
                    costs[which].append(cost)
        for connection, _ in corpora:
            connection.close()
    for size, found in zip((small, large), costs):
        print(f"{size:11,}: " + _told([Cost(*map(float, np.mean(found, axis=0)))]) + " a document")
    ratios = np.array(costs[1]) / np.array(costs[0])
    print(f"ratio by turns: processor {_spread(ratios[:, 0])}, clock {_spread(ratios[:, 1])}")
    totals = np.sum(costs[1], axis=0) / np.sum(costs[0], axis=0)
    print(
        f"ratio of totals: processor {totals[0]:.2f}x, clock {totals[1]:.2f}x, written {totals[2]:.2f}x",
        flush=True,
    )


def _told(costs: Sequence[Cost]) -> str:
    (cost,) = costs
    return f"{cost.processor:.3f} ms processor, {cost.clock:.3f} ms clock, {cost.written / 1024:.1f} KB written"


def _spread(ratios: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    return f"median {np.median(ratios):.2f}x ({ratios.min():.2f} to {ratios.max():.2f})"


# --- one large cluster ----------------------------------------------------------------------------------------------

ONE_BY_ONE = 60
ORDERS = ("in order", "at random", "newest first")


def large_cluster(size: int, order: str) -> None:
    """Print what one more copy costs a cluster of `size` different copies, added one at a time."""
    writer = Writer(SEED + 4)
    rng = random.Random(SEED)
    base = writer.article()
    texts = [writer.edited(base, 0.008) for _ in range(size)]
    moments = list(range(size)) if order == "in order" else rng.sample(range(size * 9), size)
    if order == "newest first":
        moments = list(range(size, 0, -1))
    entries = [
        dedup.Entry(f"{number}", f"http://site.test/{number}", text, f"2024-01-{1 + moment // 86400:02d}"
                    f"T{moment // 3600 % 24:02d}:{moment // 60 % 60:02d}:{moment % 60:02d}", "2024-10-13")
        for number, (text, moment) in enumerate(zip(texts, moments))
    ]  # fmt: skip
    connection = new_corpus(":memory:")
    began = time.process_time()
    for first in range(0, size - ONE_BY_ONE, 500):
        _add_entries(connection, entries[first : min(first + 500, size - ONE_BY_ONE)])
    batch = 1000 * (time.process_time() - began) / (size - ONE_BY_ONE)
    costs = []
    for entry in entries[size - ONE_BY_ONE :]:
        began = time.process_time()
        _add_entries(connection, [entry])
        costs.append(1000 * (time.process_time() - began))
    pairs = connection.execute("SELECT count(*) FROM dedup_pairs").fetchone()[0]
    print(
        f"{size:6,} copies, {order:12}: in batches {batch:.1f} ms each; one by one mean {np.mean(costs):.0f},"
        f" median {np.median(costs):.0f}, worst {max(costs):.0f} ms processor; {pairs:,} pairs",
        flush=True,
    )


def _add_entries(connection: sqlite3.Connection, entries: Sequence[dedup.Entry]) -> None:
    connection.executemany(
        "INSERT INTO documents (id, url, text, published, first_seen) VALUES (?, ?, ?, ?, ?)",
        [(entry.id, entry.url, entry.text, entry.published, entry.first_seen) for entry in entries],
    )
    dedup.add(connection, entries)
    connection.commit()
