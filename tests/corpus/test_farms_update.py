"""Farms brought up to date for what has changed are the farms that all documents give, in every row and count."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import dedup, farm_tables, farms
from corpus.learning import learn_sites
from corpus.records import Fetch
from corpus.store import Corpus
from tests.corpus.dedup_corpus import MASKER, article, connect, edited, entry, store
from tests.pages import WHEN, Page, html

SALT = b"\x01" * 16
SITES = "abcde"
TABLES = tuple(table for table in (*farm_tables.TABLES, *farm_tables.NOTES) if table != "site_marks")


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much has changed, count what has changed: in a corpus of a few documents, that is always much."""
    monkeypatch.setattr(farms, "MOST_CHANGED", float("inf"))


def watched() -> sqlite3.Connection:
    connection = connect()
    connection.execute("CREATE TABLE sites (site TEXT PRIMARY KEY, profile TEXT)")
    farms.watch(connection)
    return connection


def no_lines() -> dict[str, list[str]]:
    return {}


def rows(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in TABLES}


def expect_same(connection: sqlite3.Connection, lines: dict[str, list[str]] | None = None) -> None:
    """Bring up to date, and compare with what all documents give."""
    farms.update(connection, SALT, lambda: lines or {})
    live = rows(connection)
    farms.rederive(connection, SALT, lines)
    assert rows(connection) == live


# --- any sequence of changes ----------------------------------------------------------------------------------------

_Operation = tuple[str, int, int]


class Shuffled:
    """Documents whose marks are as deduplication could have set them, changed at random."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.connection = watched()
        self.number = 0

    def add(self) -> None:
        self.number += 1
        site = self.dice.choice(SITES)
        sql = "INSERT INTO documents (docid, id, site) VALUES (?, ?, ?)"
        self.connection.execute(sql, (self.number, f"{self.number:03}", site))
        farms.note_added(self.connection, [self.number])
        for kind, count in (("phone", 3), ("qq", 2), ("hotline", 1), ("analytics", 4)):
            for value in {self.dice.randrange(count) for _ in range(self.dice.choice((0, 1, 1, 2)))}:
                table = "site_marks" if kind == "analytics" else "contacts"
                masked = f"{'baidu' if value % 2 else 'google'}:{value}" if kind == "analytics" else f"{value}*"
                row = (self.number, kind, f"{kind}{value}", masked)
                self.connection.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", row)

    def remove(self) -> None:
        if ids := self.ids():
            identifier = self.dice.choice(ids)
            self.part(identifier)
            (docid,) = self.connection.execute(
                "SELECT docid FROM documents WHERE id = ?", (identifier,)
            ).fetchone()
            self.connection.execute("DELETE FROM documents WHERE id = ?", (identifier,))
            for table in ("contacts", "site_marks"):
                self.connection.execute(f"DELETE FROM {table} WHERE docid = ?", (docid,))
            # It may come again under its number, as it was or otherwise.
            if self.dice.random() < 0.3:
                held, self.number = self.number, docid - 1
                self.add()
                self.number = held

    def part(self, identifier: str) -> None:
        """Dissolve the cluster and the template cluster that a document is in, and let no other name it."""
        for column in ("cluster_id", "template_cluster_id"):
            sql = f"""UPDATE documents SET {column} = NULL
                WHERE {column} IN (?1, (SELECT {column} FROM documents WHERE id = ?1))"""
            self.connection.execute(sql, (identifier,))
        sql = "UPDATE documents SET duplicate_of = NULL, duplicate_kind = NULL WHERE id = ?1 OR duplicate_of = ?1"
        self.connection.execute(sql, (identifier,))

    def join(self) -> None:
        """Make some documents one cluster, or one template cluster over what they are in, or embed one in another."""
        ids = self.ids()
        first, *others = self.dice.sample(ids, min(len(ids), self.dice.randint(1, 4))) or [""]
        how = self.dice.choice(("cluster_id", "template_cluster_id", "contains"))
        for other in (first, *others) if how != "contains" else ():
            sql = f"SELECT 1 FROM documents WHERE id = ? AND {how} IS NOT NULL"
            if self.connection.execute(sql, (other,)).fetchone():
                self.part(other)
        if how == "contains":
            sql = """UPDATE documents SET duplicate_of = ?, duplicate_kind = 'contains'
                WHERE id = ? AND duplicate_of IS NULL"""
            self.connection.executemany(sql, [(other, first) for other in others[:1]])
        elif others:
            sql = f"UPDATE documents SET {how} = ? WHERE id = ?"
            self.connection.executemany(sql, [(first, other) for other in (first, *others)])
            sql = "UPDATE documents SET duplicate_of = ?, duplicate_kind = 'near' WHERE id = ? AND duplicate_of IS NULL"
            self.connection.executemany(sql, [(first, other) for other in others])

    def ids(self) -> list[str]:
        return [row[0] for row in self.connection.execute("SELECT id FROM documents ORDER BY id")]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.lists(st.sampled_from(["add", "add", "add", "join", "join", "remove"]), max_size=12), max_size=8),
)
def test_any_sequence_of_changes_gives_the_farms_of_all_documents(seed: int, runs: list[list[str]]) -> None:
    shuffled = Shuffled(seed)
    for _ in range(10):
        shuffled.add()
    for run in runs:
        for operation in run:
            getattr(shuffled, operation)()
        expect_same(shuffled.connection)


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_what_deduplication_finds_gives_the_farms_of_all_documents(data: st.DataObject) -> None:
    pool = [
        entry(
            f"{site}{seed}{edits}{lender}",
            "\n".join(
                edited(article(number, ("小米金融", "度小满")[lender], sentences=4 + 8 * (number == seed)), edits)
                for number in ([seed] if seed else [1, 2])
            ),
            f"2024-01-{1 + 7 * lender + 2 * seed + edits // 2:02}",
        )
        for site in SITES[:3]
        for seed in range(3)
        for edits in (0, 2)
        for lender in range(2)
    ]
    connection = watched()
    kept: set[int] = set()
    for run in data.draw(st.lists(st.sets(st.integers(0, len(pool) - 1), max_size=8), min_size=2, max_size=5)):
        leaving = kept & run if data.draw(st.booleans()) else set()
        dedup.remove(connection, [pool[index].id for index in leaving], MASKER)
        for index in leaving:
            sql = "SELECT docid FROM documents WHERE id = ?"
            docid = connection.execute(sql, (pool[index].id,)).fetchone()
            connection.execute("DELETE FROM documents WHERE docid = ?", docid)
            connection.execute("DELETE FROM contacts WHERE docid = ?", docid)
        coming = [pool[index] for index in sorted(run - kept)]
        store(connection, coming)
        sql = "SELECT docid FROM documents WHERE id = ?"
        farms.note_added(connection, [connection.execute(sql, (one.id,)).fetchone()[0] for one in coming])
        sql = "INSERT INTO contacts SELECT docid, 'phone', ?, '1*' FROM documents WHERE id = ?"
        connection.executemany(sql, [(f"p{ord(one.id[0]) % 2}", one.id) for one in coming if one.id[1] != "2"])
        dedup.add(connection, coming, MASKER)
        kept = (kept | run) - leaving
        expect_same(connection)


def test_a_document_that_was_marked_and_unmarked_has_not_changed() -> None:
    shuffled = Shuffled(1)
    for _ in range(6):
        shuffled.add()
    farms.update(shuffled.connection, SALT, no_lines)
    before = rows(shuffled.connection)
    shuffled.connection.execute("UPDATE documents SET cluster_id = id")
    shuffled.connection.execute("UPDATE documents SET cluster_id = NULL")
    shuffled.add()
    shuffled.connection.execute("DELETE FROM documents WHERE docid = ?", (shuffled.number,))
    farms.update(shuffled.connection, SALT, no_lines)
    assert rows(shuffled.connection) == before


def test_a_chain_of_copies_reaches_to_its_end() -> None:
    connection = watched()
    for number, site in enumerate("abbcc"):
        docid = placed(connection, site, f"d{number}")
        connection.execute("INSERT INTO contacts VALUES (?, 'phone', 'p', '1*')", (docid,))
    for names, column in (("01", "cluster_id"), ("12", "template_cluster_id"), ("23", "cluster_id")):
        sql = f"UPDATE documents SET {column} = ? WHERE id = ?"
        connection.executemany(sql, [(f"d{names[0]}", f"d{name}") for name in names])
    connection.execute("UPDATE documents SET duplicate_of = 'd3', duplicate_kind = 'contains' WHERE id = 'd4'")
    expect_same(connection)
    # All but the last of them go, one after the other, and each time others have no copy left on another site.
    for number in range(4):
        connection.execute("DELETE FROM documents WHERE id = ?", (f"d{number}",))
        connection.execute("DELETE FROM contacts WHERE docid = ?", (number + 1,))
        expect_same(connection)


def test_a_document_that_comes_again_under_its_number_may_show_something_else() -> None:
    connection = watched()
    docids = [placed(connection, site, f"{site}{number}") for site in "ab" for number in range(3)]
    sql = "INSERT INTO contacts VALUES (?, 'phone', ?, '1*')"
    connection.executemany(sql, [(docid, "p") for docid in docids])
    expect_same(connection)
    for value in "qr":
        connection.execute("DELETE FROM documents WHERE docid = ?", docids[:1])
        connection.execute("DELETE FROM contacts WHERE docid = ?", docids[:1])
        connection.execute("INSERT INTO documents (docid, id, site) VALUES (?, 'a0', 'a')", docids[:1])
        farms.note_added(connection, docids[:1])
        connection.execute(sql, (docids[0], value))
    expect_same(connection)
    assert connection.execute("SELECT value_hash, documents FROM farming_values").fetchall() == [
        ("p", 5),
        ("r", 1),
    ]


# --- limits ---------------------------------------------------------------------------------------------------------


def placed(connection: sqlite3.Connection, site: str, identifier: str, cluster: str | None = None) -> int:
    sql = "INSERT INTO documents (id, site, cluster_id) VALUES (?, ?, ?) RETURNING docid"
    docid: int = connection.execute(sql, (identifier, site, cluster)).fetchone()[0]
    farms.note_added(connection, [docid])
    return docid


def test_a_cluster_on_one_site_more_than_says_something_is_counted_for_nobody_and_again_for_all() -> None:
    connection = watched()
    for number in range(farms.COMMON_SITES - 1):
        placed(connection, f"s{number:02}", f"x{number}", "x0")
    for step in range(3):
        placed(connection, f"a{step}", f"y{step}", "x0")
        expect_same(connection)
    counted = connection.execute("SELECT count(*) FROM farming_pairs").fetchone()
    assert counted == (0,)
    connection.execute("DELETE FROM documents WHERE site IN ('a1', 's03')")
    expect_same(connection)
    assert connection.execute("SELECT count(*) FROM farming_pairs").fetchone() == (190,)


def test_a_contact_is_no_more_the_sites_own_when_the_site_has_grown() -> None:
    connection = watched()
    for number in range(2):
        for site in "ab":
            docid = placed(connection, site, f"{site}{number}")
            connection.execute("INSERT INTO contacts VALUES (?, 'phone', 'p', '1*')", (docid,))
    expect_same(connection)
    assert [farm.sites for farm in farms.farms(connection)] == [("a", "b")]
    for number in range(2, 30):
        placed(connection, "a", f"a{number}")
        expect_same(connection)
    assert not list(farms.farms(connection))
    assert connection.execute("SELECT count(*) FROM farm_ties").fetchone() == (0,)


def test_a_growing_site_is_a_mirror_no_more() -> None:
    connection = watched()
    for number in range(6):
        for site in "ab":
            placed(connection, site, f"{site}{number}", f"a{number}")
    expect_same(connection)
    assert [farm.sites for farm in farms.farms(connection)] == [("a", "b")]
    for site in "ba":
        for number in range(3):
            placed(connection, site, f"{site}-{number}")
            expect_same(connection)
    assert connection.execute("SELECT masked, weight FROM farm_ties").fetchall() == [("6 of 9 articles", 0.5)]
    assert not list(farms.farms(connection))


def show(connection: sqlite3.Connection, site: str, *accounts: str) -> None:
    """Store two articles of a site that show accounts."""
    for _ in range(2):
        docid = placed(connection, site, f"{site}{connection.total_changes}")
        rows = [(docid, "analytics", account, f"baidu:{account}") for account in accounts]
        connection.executemany("INSERT INTO site_marks VALUES (?, ?, ?, ?)", rows)


def drop(connection: sqlite3.Connection, account: str) -> None:
    """Take out the articles that show an account."""
    docids = connection.execute("SELECT docid FROM site_marks WHERE value_hash = ?", (account,)).fetchall()
    connection.executemany("DELETE FROM documents WHERE docid = ?", docids)
    connection.executemany("DELETE FROM site_marks WHERE docid = ?", docids)


def test_an_account_weighs_nothing_while_all_its_sites_have_others_beside_it() -> None:
    connection = watched()
    for site in "ab":
        show(connection, site, "all")
    expect_same(connection)
    assert [farm.sites for farm in farms.farms(connection)] == [("a", "b")]
    for site in "ab":
        show(connection, site, "all", f"own of {site}")
    expect_same(connection)
    assert not list(farms.farms(connection))
    drop(connection, "own of a")
    expect_same(connection)
    assert [farm.sites for farm in farms.farms(connection)] == [("a", "b")]


def test_an_account_that_another_site_gets_is_weighed_where_it_was() -> None:
    connection = watched()
    for site in "ab":
        show(connection, site, "all", f"own of {site}")
    expect_same(connection)
    assert not list(farms.farms(connection))
    # It is on as many sites now as the one that it stands beside on the first.
    show(connection, "c", "own of a")
    expect_same(connection)
    assert [farm.sites for farm in farms.farms(connection)] == [("a", "b", "c")]


def test_how_a_value_is_masked_goes_with_the_documents_that_show_it() -> None:
    connection = watched()
    for masked, site in (("1**", "a"), ("2**", "a"), ("2**", "b"), ("2**", "b")):
        docid = placed(connection, site, f"{site}{masked}{connection.total_changes}")
        connection.execute("INSERT INTO contacts VALUES (?, 'phone', 'p', ?)", (docid, masked))
    placed(connection, "a", "another")
    expect_same(connection)
    assert connection.execute("SELECT masked FROM farm_ties").fetchall() == [("1**",)]
    docid = placed(connection, "a", "a3")
    connection.execute("INSERT INTO contacts VALUES (?, 'phone', 'p', '2**')", (docid,))
    connection.execute("DELETE FROM documents WHERE id LIKE 'a1%'")
    connection.execute("DELETE FROM contacts WHERE masked = '1**'")
    expect_same(connection)
    assert connection.execute("SELECT masked FROM farm_ties").fetchall() == [("2**",)]


def test_what_is_learned_of_a_site_counts_with_the_next_update() -> None:
    lines = [
        "本站专注于个人债务协商与逾期处理咨询",
        "商务合作请联系站长小王工作日在线",
        "版权所有逾期频道未经许可不得转载",
    ]
    connection = watched()
    for number in range(3):
        for site in "ab":
            placed(connection, site, f"{site}{number}", f"a{number}")
    expect_same(connection)
    assert not list(farms.farms(connection))
    connection.executemany("INSERT INTO sites VALUES (?, ?)", [("a", "learned"), ("b", "learned")])
    expect_same(connection, {"a": lines, "b": lines})
    assert [farm.sites for farm in farms.farms(connection)] == [("a", "b")]
    connection.execute("UPDATE sites SET profile = NULL WHERE site = 'b'")
    expect_same(connection, {"a": lines})
    assert not list(farms.farms(connection))


def test_without_changes_nothing_is_written_nor_learned_lines_read() -> None:
    shuffled = Shuffled(2)
    for _ in range(20):
        shuffled.add()
    farms.update(shuffled.connection, SALT, no_lines)
    written = shuffled.connection.total_changes
    farms.update(shuffled.connection, SALT, lambda: pytest.fail("nothing was learned"))
    assert shuffled.connection.total_changes == written


def test_only_what_differs_is_written() -> None:
    connection = watched()
    for site in ("a", "b", *(f"s{number}" for number in range(40))):
        for number in range(3):
            docid = placed(connection, site, f"{site}-{number}")
            connection.execute(
                "INSERT INTO contacts VALUES (?, 'phone', ?, '1*')", (docid, site.replace("b", "a"))
            )
    farms.update(connection, SALT, no_lines)
    docid = placed(connection, "s7", "new")
    connection.execute("INSERT INTO contacts VALUES (?, 'phone', 's7', '1*')", (docid,))
    written = connection.total_changes
    farms.update(connection, SALT, no_lines)
    # The site's articles, who shows the value, how often, and the note of the document itself.
    assert connection.total_changes - written == 4


# --- a corpus -------------------------------------------------------------------------------------------------------


def page(site: str, number: int, version: int = 0, *, copied: bool = False) -> Fetch:
    """Return a page of a site that shows the site's contact; every third site has the same one."""
    dice = random.Random(number if copied else f"{site}{number}{version}")
    told = [article(dice.randrange(10**6), sentences=5).split("\n") for _ in range(2)]
    contact = f"业务咨询请加站长 QQ：{1_000_000_001 + ord(site) % 3}"
    shown = Page(f"http://{site}.example/{number}", told[0][0], (*told[0][1:], *told[1][1:], contact))
    when = WHEN + timedelta(minutes=version, seconds=number)
    return Fetch(shown.url, when, html(shown), "response", 200, (("Content-Type", "text/html"),))


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Corpus]:
    """A corpus that came to be page by page: new ones, copies, changed ones, and a takedown."""
    with Corpus(tmp_path / "live.db", create=True) as corpus:
        for number in range(3):
            for site in "abcdef":
                corpus.add_fetch(page(site, number, copied=site in "ad"))
                corpus.derive_pending()
        for site, number in (("a", 1), ("b", 2), ("d", 0)):
            corpus.add_fetch(page(site, number, 1))
            corpus.derive_pending()
        yield corpus


def test_a_rebuild_leaves_farms_and_counts_as_they_were(live: Corpus) -> None:
    assert live.count("farms")
    before = rows(live.connection)
    live.rebuild()
    assert rows(live.connection) == before
    live.rederive_duplicates()
    assert rows(live.connection) == before


def test_takedowns_and_what_is_learned_leave_the_farms_of_a_rebuild(live: Corpus) -> None:
    live.take_down([("site", "e.example"), ("url", "http://b.example/0")], by="x", why="y", at="2024-01-01")
    learn_sites(live)
    live.rebuild()
    live.add_fetch(page("c", 7))
    live.derive_pending()
    before = rows(live.connection)
    live.rebuild()
    assert rows(live.connection) == before


def test_a_run_that_brings_nothing_new_writes_no_farm(live: Corpus) -> None:
    before = rows(live.connection)
    live.connection.execute("UPDATE farms SET documents = 77")
    live.connection.commit()
    live.add_fetch(page("c", 1, 0))
    assert live.derive_pending()["documents"] == 0
    assert live.connection.execute("SELECT DISTINCT documents FROM farms").fetchall() == [(77,)]
    assert before["farm_ties"] == rows(live.connection)["farm_ties"]


def test_a_failed_rebuild_goes_on_noting_changes(live: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Corpus, "_rederive_farms", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        live.rebuild()
    monkeypatch.undo()
    monkeypatch.setattr(farms, "MOST_CHANGED", float("inf"))
    live.add_fetch(page("f", 9))
    live.derive_pending()
    before = rows(live.connection)
    live.rebuild()
    assert rows(live.connection) == before


def test_what_a_killed_run_had_stored_is_told_by_the_next(live: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Corpus, "_update_farms", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    live.add_fetch(page("f", 9))
    with pytest.raises(KeyboardInterrupt):
        live.derive_pending()
    monkeypatch.undo()
    monkeypatch.setattr(farms, "MOST_CHANGED", float("inf"))
    path = live.path
    live.close()
    with Corpus(path) as corpus:
        corpus.derive_pending()
        before = rows(corpus.connection)
        corpus.rebuild()
        assert rows(corpus.connection) == before


def test_a_corpus_without_counts_counts_all_at_its_first_run(
    live: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farms, "MOST_CHANGED", 0.25)
    with live.transaction():
        for table in (*farm_tables.COUNTS, *farm_tables.NOTES):
            live.connection.execute(f"DELETE FROM {table}")
    live.add_fetch(page("f", 9))
    live.derive_pending()
    before = rows(live.connection)
    live.rebuild()
    assert rows(live.connection) == before
