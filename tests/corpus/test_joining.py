"""Joining clusters that are there: the same rows as arranging all anew, at the cost of what is new."""

from __future__ import annotations

import random
import sqlite3

import pytest

from corpus import buckets, clusters, dedup, joining, verify
from tests.corpus.dedup_corpus import LENDERS, MASKER, article, connect, derived, edited, entry, filled, store

PLACES = ("湖南", "河南", "广东")


def variant(rng: random.Random, base: str) -> str:
    """Return a copy of one of the ways in which articles are copied."""
    way = rng.randrange(6)
    if way == 0:
        return base
    if way == 1:
        return base + article(rng.randrange(40), sentences=rng.choice((3, 24)))
    if way == 2:
        return base[: len(base) * 2 // 3]
    swapped = base
    if way > 3:
        for names in (LENDERS, PLACES):
            swapped = swapped.replace(next((name for name in names if name in base), "-"), rng.choice(names))
    return edited(swapped, rng.choice((1, 3, 8, 16)), rng.randrange(10**6))


def crowd(seed: int, size: int) -> list[dedup.Entry]:
    """Return documents that copy each other in every way, with days in no order, some of them equal or missing."""
    rng = random.Random(seed)
    texts: list[str] = []
    for _ in range(size):
        fresh = not texts or rng.random() < 0.2
        texts.append(
            article(rng.randrange(5), sentences=rng.choice((8, 24))) if fresh else variant(rng, rng.choice(texts))
        )
    days = [None, *(f"2024-01-{day:02d}" for day in range(1, 15))]
    return [entry(f"{'abcd'[number % 4]}{number}", text, rng.choice(days)) for number, text in enumerate(texts)]


def play(entries: list[dedup.Entry], rng: random.Random) -> sqlite3.Connection:
    """Return a database that got `entries` in some order, in batches of some sizes, losing and regaining some."""
    connection = connect()
    waiting = rng.sample(entries, len(entries))
    there: list[dedup.Entry] = []
    while waiting:
        size = rng.choice((1, 1, 2, 5))
        batch, waiting = waiting[:size], waiting[size:]
        store(connection, batch)
        dedup.add(connection, batch, MASKER)
        there += batch
        if rng.random() < 0.15:
            gone = rng.sample(there, min(len(there), rng.choice((1, 3))))
            dedup.remove(connection, [item.id for item in gone], MASKER)
            connection.executemany("DELETE FROM documents WHERE id = ?", [(item.id,) for item in gone])
            there = [item for item in there if item not in gone]
            waiting += gone
    return connection


@pytest.mark.parametrize("seed", range(12))
def test_every_order_batch_and_removal_gives_the_same_rows(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(buckets, "LEADERS", rng.choice((1, 2, 8)))
    monkeypatch.setattr(buckets, "LISTED", rng.choice((2, 5, buckets.LISTED)))
    monkeypatch.setattr(verify, "SWEPT", rng.choice((3, verify.SWEPT)))
    entries = crowd(seed, 24)
    assert derived(play(entries, rng)) == derived(filled(entries))


def test_a_copy_more_of_a_large_cluster_reads_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies that come after the earliest join; what arranges whole components is called for few of them."""
    base = article(1, sentences=30)
    arranged: list[int] = []
    refresh = clusters.refresh

    def counted(connection: sqlite3.Connection, roots: set[int]) -> None:
        arranged.append(len(roots))
        refresh(connection, roots)

    monkeypatch.setattr(joining, "refresh", counted)
    connection = connect()
    entries = [entry(f"a{number}", edited(base, 6, number), f"2024-01-01T00:{number // 60:02d}:{number % 60:02d}")
               for number in range(240)]  # fmt: skip
    store(connection, entries[:200])
    dedup.add(connection, entries[:200], MASKER)
    arranged.clear()
    for item in entries[200:]:
        store(connection, [item])
        dedup.add(connection, [item], MASKER)
    assert len(arranged) == 40
    assert sum(map(bool, arranged)) <= 12
    assert derived(connection) == derived(filled(entries))


def test_exact_copies_of_one_text_are_marked_without_reading_the_others() -> None:
    connection = connect()
    entries = [entry(f"a{number}", article(1), f"2024-01-{number + 1:02d}") for number in range(20)]
    for item in [*entries[1:], entries[0]]:
        store(connection, [item])
        dedup.add(connection, [item], MASKER)
    assert derived(connection) == derived(filled(entries))
    (found,) = dedup.clusters(connection)
    assert (found.id, len(found.members)) == ("a0", 20)


def test_an_index_of_before_the_steps_is_brought_up_to_date() -> None:
    texts = [article(3)]
    for step in range(6):
        texts.append(edited(texts[-1], 6, seed=step))
    entries = [entry(f"a{number}", text, f"2024-01-0{number + 1}") for number, text in enumerate(texts)]
    connection = filled([*entries, entry("b1", article(2))])
    expected = derived(connection)
    assert connection.execute("SELECT max(steps) FROM dedup_contents").fetchone()[0] > 1
    connection.execute("ALTER TABLE dedup_contents DROP COLUMN steps")
    dedup.add_steps(connection)
    dedup.add_steps(connection)
    assert derived(connection) == expected
