"""Near duplicates side by side with peers, what the thresholds rest on, and how the index grows.

    python -m benchmarks.dedup                 everything, 50,000 documents (peers that aren't installed are left out)
    python -m benchmarks.dedup --documents 5000 --only speed
    python -m benchmarks.dedup --grow          how the index grows (see benchmarks/dedup_growth.py)

Peers come with the extra `bench`. Every engine runs in a process of its own, on one core, over the same generated
texts; figures are CPU time from the texts to candidate pairs. Nothing here is a test: it prints what it measured.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import multiprocessing
import os
import resource
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import dedup_growth as growth
from benchmarks.dedup_texts import SEED, Writer, add, new_corpus, write
from benchmarks.result import Row, save
from corpus import dedup, fingerprint, masking
from corpus.fingerprint import I64, U64

Pair = tuple[int, int]


def grams(text: str) -> list[str]:
    """Return the character 5-grams of `text` without punctuation, as the peers take them."""
    bare = fingerprint.fold(text)
    return [bare[at : at + fingerprint.SHINGLE] for at in range(len(bare) - fingerprint.SHINGLE + 1)]


# --- engines --------------------------------------------------------------------------------------------------------


def ours(texts: Sequence[str]) -> set[Pair]:
    """`corpus.fingerprint` alone: fold, shingle, sign, band, pair, by arrays."""
    keys = [np.empty((0, fingerprint.BANDS), np.uint64)]
    for chunk in fingerprint.chunks(texts):
        letters = fingerprint.letters(fingerprint.fold_batch(chunk))
        keys.append(fingerprint.band_keys(fingerprint.signatures(fingerprint.shingle_hashes(letters))))
    return _paired(np.concatenate(keys))


def ours_masked(texts: Sequence[str]) -> set[Pair]:
    """The same with template masking, as the index takes them: compiled where that is built, and with anchor keys."""
    made = masking.default_masker().prints(texts)
    return _paired(np.array([np.frombuffer(one.keys, "<u8", fingerprint.BANDS) for one in made]))


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


PEERS = ("datasketch", "rensa")


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


def report_speed(count: int, peers_count: int, rounds: int) -> list[Row]:
    print(
        f"\n## From text to candidate pairs, {count:,} documents ({peers_count:,} for peers), one core, CPU time"
    )
    engines = [name for name in ENGINES if _installed(name)]
    runs: dict[str, list[Run]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name in engines:
            runs[name].append(in_own_process(run_engine, name, peers_count if name in PEERS else count))
    speeds = {name: statistics.median(run.speed for run in found) for name, found in runs.items()}
    for name, found in runs.items():
        megabytes, pairs = max(run.megabytes for run in found), len(found[0].pairs)
        print(f"{name:14} {speeds[name]:9,.0f} docs/s  peak {megabytes:5.0f} MB  {pairs:8,} candidates")
    for peer in PEERS:
        if peer in speeds:
            ratios = ", ".join(f"{name} {speeds[name] / speeds[peer]:.1f}x" for name in ("yuqi", "yuqi, masked"))
            print(f"against {peer}: {ratios}")
    return [
        Row("near duplicates", name, speeds[name], "docs/s", megabytes=max(run.megabytes for run in found))
        for name, found in runs.items()
    ]


def _installed(name: str) -> bool:
    if name not in PEERS or importlib.util.find_spec(name) is not None:
        return True
    print(f"{name:14} not installed: pip install 'yuqi[bench]'")
    return False


def report_recall(count: int) -> None:
    print(
        f"\n## Recall and precision against brute force, {count:,} documents, Jaccard of 5-grams >= {dedup.NEAR}"
    )
    texts = write(count, SEED + 1)
    truth = exact_pairs(texts, dedup.NEAR)
    for name, engine in ENGINES.items():
        if not _installed(name):
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
    base = masker.sets(originals)
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
        copies = masker.sets([make(text) for text in originals])
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


def report_growth(options: argparse.Namespace) -> None:
    small, large = options.pair
    print(
        f"\n## Adding documents to {large:,} and to {small:,}, {options.batch} at a time in turn, files in WAL mode"
    )
    in_own_process(growth.compare, small, large, options.batch, options.rounds)


def report_sizes(options: argparse.Namespace) -> None:
    print("\n## The index grown: simulated documents, real ones added (files in WAL mode)")
    for size in options.sizes:
        in_own_process(growth.grow, size, options.batch)


def report_cluster(options: argparse.Namespace) -> None:
    print("\n## One cluster of copies that all differ: what one more costs")
    for size in options.copies:
        for order in growth.ORDERS:
            in_own_process(growth.large_cluster, size, order)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--peer-documents", type=int, default=None, help="fewer for the slow peers")
    parser.add_argument("--recall-documents", type=int, default=4_000)
    parser.add_argument("--grow", action="store_true", help="grow the index to --sizes, and nothing else")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--pair", type=int, nargs=2, default=[2_000, 200_000], help="sizes that growth compares")
    parser.add_argument("--copies", type=int, nargs="+", default=[500, 1_500, 5_000])
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--speed-rounds", type=int, default=1, help="runs of every engine; the median counts")
    parser.add_argument("--json", type=Path, help="also write the speeds to this file")
    parser.add_argument("--only", choices=("speed", "recall", "sweep", "growth", "cluster"))
    options = parser.parse_args()
    if options.grow:
        report_sizes(options)
        return
    if options.only in (None, "speed"):
        rows = report_speed(options.documents, options.peer_documents or options.documents, options.speed_rounds)
        if options.json:
            save(options.json, rows)
    parts: dict[str, Callable[[], None]] = {
        "recall": lambda: report_recall(options.recall_documents),
        "sweep": lambda: report_sweep(150),
        "growth": lambda: report_growth(options),
        "cluster": lambda: report_cluster(options),
    }
    for name, report in parts.items():
        if options.only in (None, name):
            report()


if __name__ == "__main__":
    main()
