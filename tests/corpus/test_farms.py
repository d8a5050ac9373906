"""Farms: which sites one operator runs, the evidence for it, and what is no evidence."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence

import pytest

from corpus import dedup, farms
from tests.corpus.dedup_corpus import MASKER, article, connect, edited, entry, store

SALT = b"\x01" * 16


def with_articles(sites: str, each: int = 4) -> sqlite3.Connection:
    """Return a database where each site (a letter) has so many articles of its own."""
    connection = connect()
    entries = [
        entry(f"{site}{number}", article(ord(site) * 100 + number, sentences=6))
        for site in sites
        for number in range(each)
    ]
    store(connection, entries)
    dedup.add(connection, entries, MASKER)
    return connection


def contact(connection: sqlite3.Connection, identifiers: Sequence[str], value: str, kind: str = "phone") -> None:
    """Make the documents carry a contact."""
    row = (kind, farms.keyed_hash(SALT, kind, value), farms.mask_value(value))
    connection.executemany(
        "INSERT INTO contacts SELECT docid, ?, ?, ? FROM documents WHERE id = ?",
        [(*row, item) for item in identifiers],
    )


def groups(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    return [farm.sites for farm in farms.farms(connection)]


@pytest.mark.parametrize("kind", ["phone", "qq", "wechat", "email"])
def test_a_contact_that_two_sites_show_ties_them(kind: str) -> None:
    connection = with_articles("abc")
    contact(connection, ["a0", "a1", "b0", "b1", "b2"], "13800000001", kind)
    farms.rederive(connection, SALT)
    (farm,) = farms.farms(connection)
    assert (farm.id, farm.sites, farm.documents) == ("a", ("a", "b"), 8)
    (tie,) = farm.ties
    assert (tie.site_a, tie.site_b, tie.kind, tie.masked, tie.evidence) == ("a", "b", kind, "13*******01", 2)
    assert "13800000001" not in "".join(connection.iterdump())


def test_a_hotline_ties_nobody() -> None:
    connection = with_articles("ab")
    contact(connection, ["a0", "a1", "b0", "b1"], "12378", "hotline")
    farms.rederive(connection, SALT)
    assert groups(connection) == []


def test_a_contact_that_came_with_a_copied_article_ties_nobody() -> None:
    connection = with_articles("ab", each=40)
    copies = [entry(f"{site}x{number}", article(7, sentences=8)) for site in "ab" for number in range(5)]
    store(connection, copies)
    dedup.add(connection, copies, MASKER)
    contact(connection, [copy.id for copy in copies], "13800000001")
    farms.rederive(connection, SALT)
    assert groups(connection) == []


def test_a_small_site_that_reprints_one_article_with_its_contact_is_not_tied() -> None:
    connection = with_articles("abf", each=3)
    copies = [
        entry(f"{site}x", edited(article(7), edits), "2024-01-01")
        for site, edits in (("a", 0), ("b", 0), ("f", 4))
    ]
    store(connection, copies)
    dedup.add(connection, copies, MASKER)
    contact(connection, ["a0", "a1", "a2", "b0", "b1", "b2", *(copy.id for copy in copies)], "13800000001")
    farms.rederive(connection, SALT)
    assert groups(connection) == [("a", "b")]


def test_a_site_whose_every_page_shows_the_contact_is_tied_though_all_it_has_is_copied() -> None:
    connection = with_articles("ab", each=8)
    copies = [entry(f"m{number}", article(ord("a") * 100 + number, sentences=6)) for number in range(2)]
    store(connection, copies)
    dedup.add(connection, copies, MASKER)
    contact(connection, [*(f"a{number}" for number in range(8)), "m0", "m1"], "13800000001")
    farms.rederive(connection, SALT)
    assert groups(connection) == [("a", "m")]


def test_a_lenders_number_in_one_article_of_each_site_ties_nobody() -> None:
    connection = with_articles("ab", each=10)
    contact(connection, ["a3", "b4"], "010-60000006")
    farms.rederive(connection, SALT)
    assert groups(connection) == []


def test_a_widgets_account_ties_nobody_where_the_sites_have_accounts_of_their_own() -> None:
    connection = with_articles("abcd")
    accounts = {"abcd": "w" * 12, "ab": "x" * 12, "c": "y" * 12, "d": "z" * 12}
    rows = [
        (docid, farms.Mark("analytics", f"clarity:{account}"))
        for sites, account in accounts.items()
        for site in sites
        for (docid,) in connection.execute("SELECT docid FROM documents WHERE site = ?", (site,))
    ]
    farms.add_marks(connection, SALT, rows)
    farms.rederive(connection, SALT)
    assert groups(connection) == [("a", "b")]
    weights = dict(connection.execute("SELECT masked, min(weight) FROM farm_ties GROUP BY masked").fetchall())
    assert sorted(weights.values()) == [0.0, 1.0]


def test_an_account_on_very_many_sites_ties_nobody() -> None:
    sites = "abcdefghijklmnopqrstuvwxyz"
    connection = with_articles(sites, each=1)
    docids = [docid for (docid,) in connection.execute("SELECT docid FROM documents")]
    farms.add_marks(
        connection, SALT, [(docid, farms.Mark("analytics", "adsense:pub-1000000000")) for docid in docids]
    )
    farms.rederive(connection, SALT)
    assert groups(connection) == []


def test_the_footer_of_a_content_system_is_no_evidence() -> None:
    footer = [
        "Powered by Z-BlogPHP 1.7.3 Theme by 某某主题",
        "Copyright 2024 Some Rights. All Rights Reserved.",
        "织梦内容管理系统提供技术支持与模板下载",
    ]
    connection = with_articles("ab")
    farms.rederive(connection, SALT, {"a": footer, "b": footer})
    assert connection.execute("SELECT count(*) FROM farm_ties").fetchone() == (0,)


def test_ties_chain_into_one_farm_and_farms_stay_apart() -> None:
    connection = with_articles("abcdef")
    contact(connection, ["a0", "a1", "b0", "b2"], "13800000001")
    contact(connection, ["b0", "b1", "c0", "c1"], "10000001", "qq")
    contact(connection, ["d0", "d3", "e0", "e2"], "someone@farm.example", "email")
    farms.rederive(connection, SALT)
    assert groups(connection) == [("a", "b", "c"), ("d", "e")]


def test_accounts_in_a_pages_source_tie_sites() -> None:
    account = "0123456789abcdef" * 2
    html = f'<script>hm.src="https://hm.baidu.com/hm.js?{account}";</script>'
    connection = with_articles("ab")
    found = farms.account_marks(html)
    assert found == (farms.Mark("analytics", f"baidu:{account}"),)
    docids = [docid for (docid,) in connection.execute("SELECT docid FROM documents")]
    farms.add_marks(connection, SALT, [(docid, mark) for docid in docids for mark in found])
    farms.rederive(connection, SALT)
    assert groups(connection) == [("a", "b")]
    assert account not in "".join(connection.iterdump())


@pytest.mark.parametrize(
    ("html", "values"),
    [
        ("gtag('config', 'G-ABCDEF1234');", ["google:G-ABCDEF1234"]),
        ("ga('create', 'UA-1234567-1', 'auto')", ["google:UA-1234567-1"]),
        ('data-ad-client="ca-pub-1234567890123456"', ["adsense:pub-1234567890123456"]),
        ('src="https://s4.cnzz.com/z_stat.php?id=1234567&web_id=1234567"', ["cnzz:1234567"]),
        ('<script src="//js.users.51.la/1234567.js">', ["51la:1234567"]),
        ('LA.init({id:"ABCDEF123456",ck:"ABCDEF123456"})', ["51la:ABCDEF123456"]),
        ("信用卡UA-12 G-8 显卡 GTM 说明 id=1234567 hm.js?abc", []),
        ("", []),
    ],
)
def test_accounts_are_read_from_installation_snippets_only(html: str, values: list[str]) -> None:
    assert [mark.value for mark in farms.account_marks(html)] == values
    # The quick look misses none, and most pages need no other.
    assert farms.names_services(html.encode()) or not values
    assert not farms.names_services("一页没有统计代码的文章 UA G 51.la".encode())


def test_shared_chrome_lines_count_only_with_something_else() -> None:
    lines = [
        "本站专注于个人债务协商与逾期处理咨询",
        "商务合作请联系站长小王工作日在线",
        "版权所有逾期频道未经许可不得转载",
    ]
    connection = with_articles("abc")
    profiles = {"a": lines, "b": [*lines, "首页", "上一篇"], "c": ["首页", "上一篇", lines[0]]}
    farms.rederive(connection, SALT, profiles)
    assert groups(connection) == []
    kinds = [row[0] for row in connection.execute("SELECT kind FROM farm_ties")]
    assert kinds == ["profile"]
    copies = [entry(f"{site}x{number}", article(number, sentences=9)) for site in "ab" for number in range(3)]
    store(connection, copies)
    dedup.add(connection, copies, MASKER)
    farms.rederive(connection, SALT, profiles)
    (farm,) = farms.farms(connection)
    assert (farm.sites, [tie.kind for tie in farm.ties]) == (("a", "b"), ["copies", "profile"])


def test_copying_alone_makes_no_farm_but_a_mirror_does() -> None:
    connection = with_articles("abc", each=6)
    copies = [
        entry(f"{site}x{number}", article(ord("a") * 100 + number, sentences=6))
        for site, count in (("b", 3), ("m", 6))
        for number in range(count)
    ]
    store(connection, copies)
    dedup.add(connection, copies, MASKER)
    farms.rederive(connection, SALT)
    assert groups(connection) == [("a", "m")]
    ties = connection.execute("SELECT site_a, site_b, kind, masked FROM farm_ties ORDER BY 1, 2").fetchall()
    assert ties[:2] == [("a", "b", "copies", "3 of 6 articles"), ("a", "m", "copies", "6 of 6 articles")]


def test_a_value_on_very_many_sites_ties_them_without_pairing_each_with_each() -> None:
    sites = "abcdefghijklmnopqrstuvwxyz"
    connection = with_articles(sites, each=1)
    contact(connection, [f"{site}0" for site in sites], "13800000001")
    farms.rederive(connection, SALT)
    assert groups(connection) == [tuple(sites)]
    assert connection.execute("SELECT count(*) FROM farm_ties").fetchone() == (len(sites) - 1,)


def test_farms_do_not_depend_on_the_order_of_rows() -> None:
    def build(seed: int) -> list[farms.Farm]:
        connection = connect()
        entries = [
            entry(f"{site}{number}", article(ord(site) * 100 + number, sentences=6))
            for site in "abcd"
            for number in range(3)
        ]
        random.Random(seed).shuffle(entries)
        store(connection, entries)
        dedup.add(connection, entries, MASKER)
        contact(connection, ["d0", "d1", "b0", "b2"], "13800000001")
        contact(connection, ["c0", "c2", "d1", "d2", "a2", "a1"], "10000001", "qq")
        farms.rederive(connection, SALT)
        farms.rederive(connection, SALT)
        return list(farms.farms(connection))

    assert build(1) == build(2)
    assert build(1)[0].sites == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("value", "masked"),
    [("13800000001", "13*******01"), ("abc", "***"), ("someone@a.example", "som***********ple"), ("", "")],
)
def test_masked_values_hide_their_middle(value: str, masked: str) -> None:
    assert farms.mask_value(value) == masked


def test_hashes_differ_between_corpora_and_kinds() -> None:
    assert farms.keyed_hash(SALT, "qq", "10000001") != farms.keyed_hash(b"\x02" * 16, "qq", "10000001")
    assert farms.keyed_hash(SALT, "qq", "10000001") != farms.keyed_hash(SALT, "phone", "10000001")
