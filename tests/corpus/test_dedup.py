"""Duplicates: kinds, representatives, verification, and independence of the order in which documents come and go."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import buckets, dedup, fingerprint, verify
from corpus.align import hunks
from corpus.dedup_tables import keys_of
from corpus.fingerprint import jaccard, shingles
from corpus.masking import Masker, place_names
from tests.corpus.dedup_corpus import (
    LENDERS,
    MASKER,
    article,
    connect,
    derived,
    edited,
    entry,
    filled,
    marks,
    store,
)

SHARED = Path(__file__).parents[3] / "shared"


# --- kinds ----------------------------------------------------------------------------------------------------------


def test_a_document_alone_is_no_duplicate() -> None:
    connection = filled([entry("a1", article(1)), entry("b1", article(2))])
    assert set(marks(connection).values()) == {dedup.Duplicate(None, None, None, None, None)}
    assert list(dedup.clusters(connection)) == []


def test_texts_that_fold_alike_are_exact_duplicates_of_the_earliest() -> None:
    text = article(1)
    spaced = text.replace("，", ",").replace("\n", " \n\n")
    connection = filled(
        [entry("b1", spaced, "2024-03-02"), entry("a1", text, "2024-03-03"), entry("c1", article(2))]
    )
    assert marks(connection)["a1"] == dedup.Duplicate("b1", "b1", "exact", 1.0, None)
    assert marks(connection)["b1"] == dedup.Duplicate("b1", None, None, None, None)
    assert list(dedup.clusters(connection)) == [dedup.Cluster("b1", ("b1", "a1"), None)]


def test_near_copies_name_their_match_and_its_exact_similarity() -> None:
    text = article(1)
    copy = edited(text, 8)
    connection = filled([entry("a1", text, "2024-01-01"), entry("b1", copy, "2024-01-02")])
    assert marks(connection)["b1"] == dedup.Duplicate(
        "a1", "a1", "near", jaccard(shingles(text), shingles(copy)), None
    )


def test_a_chain_of_copies_is_one_cluster_and_every_match_is_a_verified_one() -> None:
    versions = [article(3)]
    for step in range(6):
        versions.append(edited(versions[-1], 6, seed=step))
    entries = [entry(f"a{number}", text, f"2024-01-0{number + 1}") for number, text in enumerate(versions)]
    connection = filled(entries)
    assert jaccard(shingles(versions[0]), shingles(versions[-1])) < dedup.NEAR
    assert {mark.cluster_id for mark in marks(connection).values()} == {"a0"}
    texts = {item.id: item.text for item in entries}
    for identifier, mark in marks(connection).items():
        if mark.duplicate_of:
            found = jaccard(shingles(texts[identifier]), shingles(texts[mark.duplicate_of]))
            assert mark.similarity == found
            assert found >= dedup.NEAR


def test_swapped_copies_share_a_template_cluster_over_their_own_clusters() -> None:
    swapped = article(1, "度小满", "河南")
    entries = [
        entry("a1", article(1), "2024-01-01"),
        entry("b1", swapped, "2024-01-02"),
        entry("c1", edited(swapped, 3), "2024-01-03"),
    ]
    found = marks(filled(entries))
    assert found["b1"] == dedup.Duplicate("b1", "a1", "template", 1.0, "a1")
    assert found["a1"] == dedup.Duplicate(None, None, None, None, "a1")
    assert found["c1"].kind in ("near", "template")
    assert found["c1"].cluster_id == "b1"


def test_numbers_and_dates_are_masked_too() -> None:
    text = article(1) + "\n逾期三个月，2023年5月1日还款5000元。"
    other = article(1) + "\n逾期六个月，2024年10月12日还款800元。"
    assert marks(filled([entry("a1", text, "2024-01-01"), entry("b1", other)]))["b1"].kind == "template"


def test_one_skeleton_with_other_words_is_no_template() -> None:
    headings = "\n".join(
        f"{number}、{title}" for number, title in zip("一二三四", ("小编导语", "概述", "原因", "小编总结"))
    )
    connection = filled([entry("a1", headings + article(1)), entry("b1", headings + article(2, "度小满", "河南"))])
    assert {mark.duplicate_of for mark in marks(connection).values()} == {None}


def test_an_embedded_text_names_what_contains_it_but_joins_no_cluster() -> None:
    inner, other = article(1), article(2)
    connection = filled([entry("a1", inner, "2023-01-01"), entry("b1", inner + "\n" + other), entry("c1", other)])
    found = marks(connection)
    assert found["a1"] == dedup.Duplicate(None, "b1", "contains", 1.0, None)
    assert found["c1"] == dedup.Duplicate(None, "b1", "contains", 1.0, None)
    assert found["b1"] == dedup.Duplicate(None, None, None, None, None)


def test_a_short_paragraph_in_a_long_article_is_not_embedded() -> None:
    notice = article(9, sentences=5)
    connection = filled([entry("a1", notice), entry("b1", article(1) + notice), entry("c1", article(2) + notice)])
    assert {mark.duplicate_of for mark in marks(connection).values()} == {None}


@pytest.mark.parametrize("texts", [["", "逾期", "网贷"], ["。", "！", "1"], ["逾期怎么", "逾期咋办"]])
def test_short_texts_do_not_collide(texts: list[str]) -> None:
    connection = filled([entry(f"a{number}", text) for number, text in enumerate(texts)])
    folded = {text for text in texts if text not in ("。", "！")}
    expected = 1 if len(folded) < len(texts) else 0
    assert sum(mark.kind == "exact" for mark in marks(connection).values()) == expected


def test_a_broken_document_row_says_what_to_do() -> None:
    connection = filled([entry("a1", article(1))])
    connection.execute("DELETE FROM documents")
    with pytest.raises(LookupError, match="yuqi dedup"):
        dedup.add(connection, [entry("b1", edited(article(1), 3))], MASKER)


def test_directories_and_headlines_of_names_are_no_templates() -> None:
    """Masked, lists of other names are equal, and there is nothing else in them."""
    places = ("湖南", "河南", "湖北", "河北", "山东", "山西")
    lists = [
        "、".join(random.Random(seed).sample((*places, *LENDERS) * 9, 60)) + "逾期电话查询网点"
        for seed in range(20)
    ]
    lines = [f"{place}{lender}逾期了" for place in places for lender in LENDERS]
    found = marks(filled([entry(f"a{number}", text) for number, text in enumerate([*lists, *lines])]))
    assert {mark.kind for mark in found.values()} == {None}


def test_two_articles_that_share_most_of_a_skeleton_stay_apart() -> None:
    """Headings, notices and closing words are the same and make up nearly half; what is told is not."""
    notice = article(50, sentences=20)
    entries = [entry(f"a{number}", article(number, sentences=24) + notice) for number in range(12)]
    assert {mark.duplicate_of for mark in marks(filled(entries)).values()} == {None}


def test_a_text_that_holds_a_hundred_others_is_a_duplicate_of_none_and_they_come_and_go() -> None:
    articles = [entry(f"a{number}", article(number), f"2024-01-{number % 28 + 1:02d}") for number in range(100)]
    whole = entry("b1", "\n".join(item.text for item in articles))
    for order in ([*articles, whole], [whole, *articles]):
        connection = connect()
        for first in range(0, len(order), 30):
            store(connection, order[first : first + 30])
            dedup.add(connection, order[first : first + 30], MASKER)
        found = marks(connection)
        assert found["b1"] == dedup.Duplicate(None, None, None, None, None)
        assert {found[item.id].duplicate_of for item in articles} == {"b1"}
    dedup.remove(connection, ["b1"], MASKER)
    assert {mark.duplicate_of for mark in marks(connection).values()} == {None}


@pytest.mark.parametrize("gone", [1, 2, 3, 4, 5])
def test_a_chain_that_loses_a_link_falls_apart_and_comes_together_again(gone: int) -> None:
    versions = [article(3)]
    for step in range(6):
        versions.append(edited(versions[-1], 9, seed=step))
    entries = [entry(f"a{number}", text, f"2024-01-0{number + 1}") for number, text in enumerate(versions)]
    rest = [item for item in entries if item.id != f"a{gone}"]
    connection = filled(entries)
    expected = derived(connection)
    dedup.remove(connection, [f"a{gone}"], MASKER)
    connection.execute("DELETE FROM documents WHERE id = ?", (f"a{gone}",))
    assert derived(connection) == derived(filled(rest))
    store(connection, [entries[gone]])
    dedup.add(connection, [entries[gone]], MASKER)
    assert derived(connection) == expected


def test_a_text_of_a_million_characters_is_compared_as_any_other() -> None:
    long = "\n".join(article(number, sentences=60) for number in range(600))
    connection = filled(
        [entry("a1", long, "2024-01-01"), entry("a2", edited(long, 900)), entry("a3", "逾期" * 400_000)]
    )
    assert len(long) > 900_000
    assert marks(connection)["a2"].kind == "near"
    assert marks(connection)["a3"] == dedup.Duplicate(None, None, None, None, None)


# --- representatives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("2024-01-01", "2024-06-01T00:00:00+00:00"), (None, "2024-01-02T00:00:00+00:00")),
        (("2024-01-01T00:30:00+08:00", "x"), ("2023-12-31T17:00:00+00:00", "x")),
        (("2024-01-01", "x"), ("2024-01-01T00:00:01", "x")),
        (("not a date", "2024-01-01"), (None, "2024-01-02")),
        (("2024-01-01", "x"), ("not a date", "neither")),
    ],
)
def test_rank_is_the_stated_date_or_else_when_it_was_seen_in_one_zone(
    first: tuple[str | None, str], second: tuple[str | None, str]
) -> None:
    assert dedup.rank_day(*first) < dedup.rank_day(*second)


def test_an_earlier_document_becomes_the_representative() -> None:
    connection = filled([entry("b1", article(1), "2024-02-01")])
    earlier = [entry("c1", article(1), "2024-01-01"), entry("d1", edited(article(1), 5), "2023-12-01")]
    store(connection, earlier)
    dedup.add(connection, earlier, MASKER)
    assert [cluster.members for cluster in dedup.clusters(connection)] == [("d1", "c1", "b1")]


# --- order ----------------------------------------------------------------------------------------------------------


def family() -> list[dedup.Entry]:
    """Return documents with every kind of duplicate among them, and two articles of their own."""
    entries = []
    for seed in (1, 2):
        base = article(seed)
        texts = [base, base + "。", edited(base, 6, 1), edited(base, 14, 2), edited(edited(base, 10, 3), 10, 4)]
        texts += [
            article(seed, "度小满", "河南"),
            edited(article(seed, "微粒贷", "广东"), 4, 5),
            base[:260],
            base + article(7),
        ]
        days = ("2024-01-03", None, "2024-01-01", "2024-01-09", None, "2024-01-02", None, "2023-05-05", None)
        entries += [
            entry(f"{'ab'[seed - 1]}{number}", text, day) for number, (text, day) in enumerate(zip(texts, days))
        ]
    return [*entries, entry("c1", article(5)), entry("c2", "逾期")]


FAMILY = family()
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["add", "remove"]), st.lists(st.sampled_from(FAMILY), min_size=1, max_size=9)),
    max_size=6,
)


def play(operations: list[tuple[str, list[dedup.Entry]]], order: list[dedup.Entry]) -> sqlite3.Connection:
    """Return a database that went through `operations`, and then got what was missing one by one."""
    connection = connect()
    for operation, entries in operations:
        if operation == "add":
            store(connection, entries)
            dedup.add(connection, entries, MASKER)
        else:
            ids = {item.id for item in entries}
            dedup.remove(connection, ids, MASKER)
            connection.executemany("DELETE FROM documents WHERE id = ?", [(identifier,) for identifier in ids])
    for item in order:
        store(connection, [item])
        dedup.add(connection, [item], MASKER)
    return connection


@pytest.mark.parametrize("leaders", [1, 2, buckets.LEADERS])
def test_what_is_derived_depends_on_the_documents_alone(leaders: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With few leaders a bucket, leadership changes hands all the time; that must not show either."""
    monkeypatch.setattr(buckets, "LEADERS", leaders)
    expected = derived(filled(FAMILY))
    assert {mark.kind for mark in expected[0].values()} >= {"exact", "near", "template", "contains", None}

    @given(OPERATIONS, st.permutations(FAMILY))
    @settings(max_examples=12, deadline=None)
    def check(operations: list[tuple[str, list[dedup.Entry]]], order: list[dedup.Entry]) -> None:
        assert derived(play(operations, order)) == expected

    check()


@given(st.permutations(FAMILY), st.integers(1, len(FAMILY) - 1))
@settings(max_examples=10, deadline=None)
def test_what_stays_after_a_removal_is_as_if_the_rest_had_never_come(order: list[dedup.Entry], kept: int) -> None:
    connection = filled(order)
    dedup.remove(connection, [item.id for item in order[kept:]], MASKER)
    assert all(
        marks(connection)[item.id] == dedup.Duplicate(None, None, None, None, None) for item in order[kept:]
    )
    connection.executemany("DELETE FROM documents WHERE id = ?", [(item.id,) for item in order[kept:]])
    assert derived(connection) == derived(filled(order[:kept]))


def test_removing_after_the_rows_went_gives_the_same() -> None:
    connection = filled(FAMILY)
    gone = [item.id for item in FAMILY[::2]]
    connection.executemany("DELETE FROM documents WHERE id = ?", [(identifier,) for identifier in gone])
    dedup.remove(connection, gone, MASKER)
    assert derived(connection) == derived(filled(FAMILY[1::2]))


def test_a_changed_text_is_taken_out_and_put_in_anew() -> None:
    connection = filled(FAMILY)
    changed = FAMILY[0]._replace(text=article(8))
    connection.execute("UPDATE documents SET text = ? WHERE id = ?", (changed.text, changed.id))
    dedup.add(connection, [changed], MASKER)
    assert derived(connection) == derived(filled([changed, *FAMILY[1:]]))


def test_rederiving_changes_nothing_and_mends_everything() -> None:
    connection = filled(FAMILY)
    expected = derived(connection)
    dedup.rederive(connection, MASKER)
    assert derived(connection) == expected
    connection.execute("DELETE FROM dedup_pairs")
    connection.execute("UPDATE documents SET duplicate_of = 'x', cluster_id = 'y'")
    dedup.rederive(connection, MASKER)
    assert derived(connection) == expected


def test_an_index_made_with_other_names_is_made_again() -> None:
    connection = filled(FAMILY, Masker((), ()))
    assert not dedup.is_current(connection, MASKER)
    late = entry("d1", article(11))
    store(connection, [late])
    dedup.add(connection, [late], MASKER)
    assert dedup.is_current(connection, MASKER)
    assert derived(connection) == derived(filled([*FAMILY, late]))


@pytest.mark.parametrize(("rows", "growth"), [(1, 1), (40, 2), (10, 3)])
def test_merging_the_index_changes_nothing(rows: int, growth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = derived(filled(FAMILY))
    monkeypatch.setattr(buckets, "LEVEL_ROWS", rows)
    monkeypatch.setattr(buckets, "LEVEL_GROWTH", growth)
    connection = play([("add", FAMILY[:5]), ("remove", FAMILY[2:4])], FAMILY)
    assert connection.execute("SELECT count(*) FROM dedup_keys").fetchone()[0] > 0
    assert derived(connection) == expected


def test_an_index_of_two_levels_goes_on_with_four() -> None:
    connection = filled(FAMILY[:9])
    for level in ("dedup_keys_recent", "dedup_keys_middle"):
        connection.execute(f"DROP TABLE {level}")
    connection.execute("UPDATE dedup_key_counts SET name = 'fresh'")
    buckets.add_levels(connection)
    buckets.add_levels(connection)
    store(connection, FAMILY[9:])
    dedup.add(connection, FAMILY[9:], MASKER)
    assert derived(connection) == derived(filled(FAMILY))
    counted = dict(connection.execute("SELECT name, rows FROM dedup_key_counts").fetchall())
    assert counted == {
        "dedup_keys_fresh": connection.execute("SELECT count(*) FROM dedup_keys_fresh").fetchone()[0]
    }


def test_text_that_everybody_carries_does_not_make_everybody_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[tuple[dedup.Sets, dedup.Sets]] = []
    compare = verify.compare

    def counted(left: dedup.Sets, right: dedup.Sets) -> dedup.Likeness | None:
        looked_at.append((left, right))
        return compare(left, right)

    monkeypatch.setattr(verify, "compare", counted)
    notice = article(99, sentences=4)
    filled([entry(f"a{number}", article(number) + notice) for number in range(80)])
    assert len(looked_at) < 80 * 79 / 2 / 10


def test_a_bucket_of_thousands_costs_a_newcomer_its_leaders_only() -> None:
    connection = connect()
    buckets.insert(connection, np.array([(7, node) for node in range(0, 6000, 2)]))
    assert len(buckets.insert(connection, np.array([(7, 5001)])).gained) == buckets.LEADERS
    assert len(buckets.insert(connection, np.array([(7, 1)])).gained) == 3001


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_candidates_are_told_at_once_as_they_are_one_by_one(data: st.DataObject) -> None:
    connection = connect()
    # Few different keys, so that any two contents may have any number of them in common.
    counts = data.draw(st.lists(st.integers(0, 12), min_size=2, max_size=6))
    for node, count in enumerate(counts):
        own = st.lists(st.integers(1, 30), min_size=count, max_size=count, unique=True)
        common = data.draw(st.sets(st.integers(0, fingerprint.BANDS - 1), max_size=1))
        bands = [-100 * band - (0 if band in common else node + 1) for band in range(fingerprint.BANDS)]
        blob = np.array(bands + data.draw(own), "<i8").tobytes()
        connection.execute("INSERT INTO dedup_contents VALUES (?, ?, 0, ?, 0)", (node, blob, node))
    pairs = set(combinations(range(len(counts)), 2))
    held = keys_of(connection, range(len(counts)))
    wanted = {pair for pair in pairs if verify.is_promising(held[pair[0]], held[pair[1]])}
    assert verify._promising(connection, np.array(sorted(pairs), np.int64).reshape(-1, 2)) == wanted


def test_the_pairs_of_a_bucket_are_those_that_a_leader_is_in() -> None:
    connection = connect()
    old, new = [*range(10, 40, 3)], [1, 12, 35, 50]
    buckets.insert(connection, np.array([(7, node) for node in old]))
    leading = sorted(old + new)[: buckets.LEADERS]
    wanted = {
        (left, right)
        for left, right in combinations(sorted(old + new), 2)
        if left in leading and not {left, right}.isdisjoint(new)
    }
    gained = buckets.insert(connection, np.array([(7, node) for node in new])).gained
    assert [(left, right) for left, right in gained.tolist()] == sorted(wanted)


# --- real texts -----------------------------------------------------------------------------------------------------


def test_statutes_that_are_alike_are_found_and_no_two_laws_are_merged() -> None:
    folder = SHARED / "data" / "statutes"
    if not folder.is_dir():
        pytest.skip("the statutes of ../shared are not beside this checkout")
    entries = [entry(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.txt"))]
    found = marks(filled(entries))
    for pair in json.loads((folder / "pairs.json").read_text(encoding="utf-8")):
        left, right = pair["a"].removesuffix(".txt"), pair["b"].removesuffix(".txt")
        if left != right:
            together = found[left].cluster_id is not None and found[left].cluster_id == found[right].cluster_id
            assert together == (pair["jaccard5"] >= dedup.NEAR), pair
    assert all(mark.duplicate_of is None or mark.duplicate_of[:2] == name[:2] for name, mark in found.items())
    assert all(mark.template_cluster_id is None for mark in found.values())


def test_the_five_seeds_are_five_documents() -> None:
    folder = SHARED / "seeds"
    if not folder.is_dir():
        pytest.skip("the seeds of ../shared are not beside this checkout")
    reading = re.compile(r"\([a-z\u00e0-\u01dc ]{1,8}\)")
    entries = [
        entry(path.stem, reading.sub("", path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.txt"))
    ]
    assert len(entries) == 5
    assert {
        mark.duplicate_of
        for mark in marks(filled(entries, Masker((*LENDERS, "米贷金融"), place_names()))).values()
    } == {None}


# --- aligning -------------------------------------------------------------------------------------------------------


@given(st.text("abcde", max_size=30), st.text("abcde", max_size=30))
def test_hunks_rebuild_both_sides_and_take_turns(left: str, right: str) -> None:
    found = hunks(left, right)
    assert "".join(left[hunk.left : hunk.left_end] for hunk in found) == left
    assert "".join(right[hunk.right : hunk.right_end] for hunk in found) == right
    assert all(left[h.left : h.left_end] == right[h.right : h.right_end] for h in found if h.equal)
    assert all(one.equal != other.equal for one, other in pairwise(found))
