"""Near duplicates side by side with peers, what the thresholds rest on, and how the index grows.

    python -m benchmarks.dedup                 everything, 50,000 documents (peers that aren't installed are left out)
    python -m benchmarks.dedup --documents 5000 --only speed

Peers come with the extra `bench`. Every engine runs in a process of its own, on one core, over the same generated
texts; figures are CPU time from the texts to candidate pairs. Nothing here is a test: it prints what it measured.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import multiprocessing
import os
import random
import resource
import sqlite3
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from corpus import buckets, dedup, fingerprint, masking
from corpus.fingerprint import I64, U64

SEED = 20241013
SENTENCES = 28
LENDERS = ("小米金融", "度小满", "招联金融", "借呗", "微粒贷", "京东白条", "安逸花", "有钱花", "拍拍贷", "分期乐")
PLACES = ("湖南", "河南", "长沙", "郑州", "合肥", "南宁", "昆明", "兰州", "沈阳", "温州")
NOTICE = (
    "免责声明：本站内容来自网络，如有侵权请联系我们删除，本站不承担任何法律责任，请读者自行判断其内容的真实性。"
)

Pair = tuple[int, int]


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


def grams(text: str) -> list[str]:
    """Return the character 5-grams of `text` without punctuation, as the peers take them."""
    bare = fingerprint.fold(text)
    return [bare[at : at + fingerprint.SHINGLE] for at in range(len(bare) - fingerprint.SHINGLE + 1)]


# --- engines --------------------------------------------------------------------------------------------------------


def ours(texts: Sequence[str]) -> set[Pair]:
    """`corpus.fingerprint` alone: fold, shingle, sign, band, pair."""
    return _paired(_band_keys(texts, None))


def ours_masked(texts: Sequence[str]) -> set[Pair]:
    """The same with template masking, as the index takes them."""
    return _paired(_band_keys(texts, masking.default_masker().mask_folded))


def _band_keys(texts: Sequence[str], mask: fingerprint.Mask | None) -> U64:
    keys = [np.empty((0, fingerprint.BANDS), np.uint64)]
    for chunk in fingerprint.chunks(texts):
        folded = fingerprint.fold_batch(chunk)
        masked = folded if mask is None else mask(folded)
        keys.append(
            fingerprint.band_keys(fingerprint.signatures(fingerprint.shingle_hashes(fingerprint.letters(masked))))
        )
    return np.concatenate(keys)


def _paired(keys: U64) -> set[Pair]:
    found: I64 = fingerprint.candidate_pairs(keys)
    return set(map(tuple, found.tolist()))


def datasketch(texts: Sequence[str]) -> set[Pair]:
    """datasketch's MinHashLSH, one MinHash a text from a batch of its 5-grams."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=128, params=(16, 8))
    found: set[Pair] = set()
    for number, text in enumerate(texts):
        signature = MinHash(num_perm=128)
        signature.update_batch([gram.encode() for gram in set(grams(text))])
        found.update((other, number) for other in index.query(signature))
        index.insert(number, signature)
    return found


def rensa(texts: Sequence[str]) -> set[Pair]:
    """rensa's RMinHash in bulk and its LSH index."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16)
    signatures = RMinHash.from_token_sets((grams(text) for text in texts), num_perm=128, seed=1)
    index.insert_many(signatures)
    answers = enumerate(index.query_all(signatures))
    return {(other, number) for number, others in answers for other in others if other < number}


ENGINES: dict[str, Callable[[Sequence[str]], set[Pair]]] = {
    "yuqi": ours,
    "yuqi, masked": ours_masked,
    "datasketch": datasketch,
    "rensa": rensa,
}


class Run(NamedTuple):
    """One engine's run: documents a second, resident megabytes at the peak, and candidate pairs."""

    speed: float
    megabytes: float
    pairs: set[Pair]


def run_engine(name: str, count: int) -> Run:
    """Run one engine over `count` generated texts in this process."""
    texts = write(count)
    ENGINES[name](texts[:200])
    start = time.process_time()
    pairs = ENGINES[name](texts)
    spent = time.process_time() - start
    return Run(count / spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, pairs)


def in_own_process(function: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401  # what the function returns
    """Return what `function` returns in a fresh process that is kept to one thread."""
    os.environ.update(RAYON_NUM_THREADS="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


# --- measurements ---------------------------------------------------------------------------------------------------


def exact_pairs(texts: Sequence[str], least: float) -> set[Pair]:
    """Return every pair with Jaccard of at least `least`, exactly.

    Two sets that are so alike share one of the rarest shingles of each: with shingles in order of rarity, one of the
    first |A| - ceil(least * |A|) + 1. So only those need be looked up, and no pair is missed.
    """
    sets = [fingerprint.shingles(text) for text in texts]
    counts = Counter(value for values in sets for value in values.tolist())
    owners: defaultdict[int, list[int]] = defaultdict(list)
    pairs = set()
    for number, values in enumerate(sets):
        rarest = sorted(values.tolist(), key=lambda value: (counts[value], value))
        prefix = rarest[: len(rarest) - math.ceil(least * len(rarest)) + 1]
        others = {other for value in prefix for other in owners[value]}
        pairs |= {(other, number) for other in others if fingerprint.jaccard(sets[other], values) >= least}
        for value in prefix:
            owners[value].append(number)
    return pairs


def report_speed(count: int, peers_count: int) -> None:
    print(
        f"\n## From text to candidate pairs, {count:,} documents ({peers_count:,} for peers), one core, CPU time"
    )
    runs: dict[str, Run] = {}
    for name in ENGINES:
        if name in ("datasketch", "rensa") and importlib.util.find_spec(name) is None:
            print(f"{name:14} not installed: pip install 'yuqi[bench]'")
            continue
        runs[name] = in_own_process(run_engine, name, peers_count if name in ("datasketch", "rensa") else count)
        run = runs[name]
        print(f"{name:14} {run.speed:9,.0f} docs/s  peak {run.megabytes:5.0f} MB  {len(run.pairs):8,} candidates")
    for peer in ("datasketch", "rensa"):
        if peer in runs:
            ratios = ", ".join(
                f"{name} {runs[name].speed / runs[peer].speed:.1f}x" for name in ("yuqi", "yuqi, masked")
            )
            print(f"against {peer}: {ratios}")


def report_recall(count: int) -> None:
    print(
        f"\n## Recall and precision against brute force, {count:,} documents, Jaccard of 5-grams >= {dedup.NEAR}"
    )
    texts = write(count, SEED + 1)
    truth = exact_pairs(texts, dedup.NEAR)
    for name, engine in ENGINES.items():
        if name in ("datasketch", "rensa") and importlib.util.find_spec(name) is None:
            continue
        candidates = engine(texts)
        recall = len(truth & candidates) / len(truth)
        right = len(truth & candidates) / len(candidates)
        print(f"{name:14} {len(truth):6,} pairs, recall {recall:.4f}, candidates that are right {right:.3f}")
    print("after verification: ", end="")
    found = _stored_pairs(texts)
    print(f"recall {len(truth & found) / len(truth):.4f}, precision {len(truth & found) / len(found):.4f}")


def _stored_pairs(texts: Sequence[str]) -> set[Pair]:
    """Return the pairs that the index in SQLite holds as near after adding `texts`."""
    connection = new_corpus(":memory:")
    add(connection, texts)
    sql = """SELECT x.id, y.id FROM dedup_pairs AS p JOIN dedup_documents AS x ON x.node = p.a
        JOIN dedup_documents AS y ON y.node = p.b WHERE p.near"""
    return {tuple(sorted((int(left), int(right)))) for left, right in connection.execute(sql)}  # type: ignore[misc]


def report_sweep(count: int) -> None:
    print(
        f"\n## Thresholds: share of {count} copies that reach them, by how they were made; unrelated pairs at most"
    )
    writer = Writer(SEED + 2)
    originals = [writer.article() for _ in range(count)]
    masker = masking.default_masker()
    base = dedup.sets_of(originals, masker)
    print(
        f"{'copies':28} "
        + " ".join(f"J>={least:<5}" for least in (0.6, 0.7, 0.75, 0.8, 0.85, 0.9))
        + "  masked >=.9  mean"
    )
    kinds: dict[str, Callable[[str], str]] = {
        **{f"{rate:.1%} edited": _editing(writer, rate) for rate in (0.005, 0.01, 0.02, 0.03, 0.05)},
        "names swapped": writer.swapped,
        "names swapped, 1% edited": lambda text: writer.edited(writer.swapped(text), 0.01),
        "half of it": lambda text: text[: len(text) // 2],
    }
    for label, make in kinds.items():
        copies = dedup.sets_of([make(text) for text in originals], masker)
        plain = [fingerprint.jaccard(a.plain, b.plain) for a, b in zip(base, copies)]
        masked = [fingerprint.jaccard(a.masked, b.masked) for a, b in zip(base, copies)]
        shares = " ".join(
            f"{np.mean(np.array(plain) >= least):7.3f}" for least in (0.6, 0.7, 0.75, 0.8, 0.85, 0.9)
        )
        print(f"{label:28} {shares}  {np.mean(np.array(masked) >= dedup.TEMPLATE):11.3f}  {np.mean(plain):.3f}")
    pairs = list(combinations(range(count), 2))
    unrelated = max(fingerprint.jaccard(base[a].plain, base[b].plain) for a, b in pairs)
    unrelated_masked = max(fingerprint.jaccard(base[a].masked, base[b].masked) for a, b in pairs)
    inside = max(fingerprint.containment(base[a].plain, base[b].plain) for a, b in pairs)
    print(
        f"unrelated, the same notice: plain {unrelated:.3f}, masked {unrelated_masked:.3f}, contained {inside:.3f}"
    )


def _editing(writer: Writer, rate: float) -> Callable[[str], str]:
    return lambda text: writer.edited(text, rate)


DOCUMENTS = """CREATE TABLE documents (id TEXT PRIMARY KEY, url TEXT, text TEXT, published TEXT, first_seen TEXT,
    content_hash TEXT, cluster_id TEXT, duplicate_of TEXT, duplicate_kind TEXT, similarity REAL, template_cluster_id TEXT)"""


def new_corpus(path: str) -> sqlite3.Connection:
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
    for statement in (DOCUMENTS, *dedup.DDL):
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


def simulate(connection: sqlite3.Connection, count: int) -> None:
    """Put `count` contents with random keys into the index: what as many unrelated documents would leave there."""
    random_numbers = np.random.default_rng(SEED)
    keys_each = fingerprint.BANDS + 1000 // fingerprint.ANCHOR_RATE
    for first in range(0, count, 20_000):
        size = min(20_000, count - first)
        nodes = random_numbers.integers(-(2**63), 2**63 - 1, size)
        keys = random_numbers.integers(-(2**63), 2**63 - 1, (size, keys_each))
        connection.executemany(
            "INSERT INTO dedup_contents (node, keys, length, root) VALUES (?, ?, 1000, ?)",
            [(node, row.tobytes(), node) for node, row in zip(nodes.tolist(), keys)],
        )
        connection.executemany(
            "INSERT INTO dedup_documents (id, node, day, url) VALUES (?, ?, '2024', ?)",
            [
                (f"simulated-{first + number}", node, f"{first + number}")
                for number, node in enumerate(nodes.tolist())
            ],
        )
        flat = np.stack([keys.ravel(), np.repeat(nodes, keys_each)], axis=1)
        buckets.insert(connection, map(tuple, flat.tolist()))
        connection.commit()


def measure_growth(size: int, batch: int) -> tuple[float, float, float]:
    """Return what adding a document to `size` costs (milliseconds of CPU, of the clock), and index bytes a document."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.db"
        connection = new_corpus(str(path))
        simulate(connection, size)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        bytes_each = path.stat().st_size / size
        texts = write(batch * 3, SEED + 3)
        add(connection, texts[:batch])
        clock, spent = time.perf_counter(), time.process_time()
        add(connection, texts[batch:], batch)
        spent, clock = time.process_time() - spent, time.perf_counter() - clock
        connection.close()
    return 500 * spent / batch, 500 * clock / batch, bytes_each


def report_growth(sizes: Sequence[int], batch: int) -> None:
    print(f"\n## Adding {batch:,} documents to an index of so many (simulated signatures), a file in WAL mode")
    first: float | None = None
    for size in sizes:
        cpu, clock, bytes_each = in_own_process(measure_growth, size, batch)
        first = first or clock
        print(f"{size:10,}: {cpu:.3f} ms CPU, {clock:.3f} ms a document ({clock / first:.2f}x)", end="")
        print(f", {bytes_each:,.0f} bytes a document in the index")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--peer-documents", type=int, default=None, help="fewer for the slow peers")
    parser.add_argument("--recall-documents", type=int, default=4_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2_000, 20_000, 200_000])
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--only", choices=("speed", "recall", "sweep", "growth"))
    options = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "speed": lambda: report_speed(options.documents, options.peer_documents or options.documents),
        "recall": lambda: report_recall(options.recall_documents),
        "sweep": lambda: report_sweep(150),
        "growth": lambda: report_growth(options.sizes, options.batch),
    }
    for name, report in parts.items():
        if options.only in (None, name):
            report()


if __name__ == "__main__":
    main()
