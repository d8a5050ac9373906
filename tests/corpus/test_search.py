from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import tokens
from corpus.query import QueryError, parse
from corpus.search import CANDIDATES, excerpt, matching, search, spans
from corpus.tokens import index_text, indexed, match_phrase

DOCUMENTS = [
    (
        "a",
        "小米贷逾期",
        "催收电话打给了紧急联系人。小米贷款要还。",
        "xm.example",
        "2024-03-01",
        '["小米金融"]',
        '["collection_calls"]',
    ),
    (
        "b",
        "信用卡停息挂账",
        "与银行协商，停息挂账。买小米，贷款利息高。",
        "bank.example",
        "2023-05-01",
        "[]",
        "[]",
    ),
    (
        "c",
        "花呗 overdue 说明",
        "APP提示overdue后，催收员上门。",
        "xm.example",
        None,
        '["花呗"]',
        '["collection_calls"]',
    ),
    ("d", "催收电话（转载）", "催收电话打给了紧急联系人。", "copy.example", "2024-04-01", "[]", "[]"),
]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE TABLE documents (docid INTEGER PRIMARY KEY, id TEXT, url TEXT, site TEXT, title TEXT, author TEXT,"
        " published TEXT, text TEXT, script TEXT, lenders TEXT, topics TEXT, cluster_id TEXT, duplicate_of TEXT)"
    )
    connection.execute("CREATE TABLE tombstones (kind TEXT, value TEXT)")
    connection.execute(
        "CREATE VIRTUAL TABLE documents_fts USING fts5(title, text, tags, content='', tokenize='ascii')"
    )
    for number, (name, title, text, site, published, lenders, topics) in enumerate(DOCUMENTS, 1):
        connection.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?, ?, NULL, ?, ?, 'hans', ?, ?, NULL, ?)",
            [
                number,
                name,
                f"http://{site}/{name}",
                site,
                title,
                published,
                text,
                lenders,
                topics,
                "a" if name == "d" else None,
            ],
        )
        connection.execute(
            "INSERT INTO documents_fts(rowid, title, text, tags) VALUES (?, ?, ?, ?)",
            [number, *indexed(title, text, site=site, lenders=json.loads(lenders), topics=json.loads(topics),
                              script="hans", published=published)],
        )  # fmt: skip
    yield connection
    connection.close()


def found(connection: sqlite3.Connection, query: str, *, duplicates: bool = False) -> set[str]:
    return {hit.id for hit in search(connection, query, duplicates=duplicates)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("催收", {"a", "c"}),  # two characters, which unicode61 and trigram both miss
        ("收", {"a", "c"}),  # one character, within a word
        ("人", {"a"}),  # one character, at the end of a run
        ("催收电话打给了紧急联系人", {"a"}),
        ("催收電話", {"a"}),  # a Traditional query
        ("小米贷", {"a"}),  # in b a comma stands between 小米 and 贷: no match across it
        ("overdue", {"c"}),
        ("OVERDUE", {"c"}),
        ("APP提示", {"c"}),
        ("催收 NOT 上门", {"a"}),
        ("催收 -上门", {"a"}),
        ("-上门 催收", {"a"}),
        ("NOT 上门 催收", {"a"}),
        ("催收 AND NOT 上门", {"a"}),
        ("site:www.bank.example 协商", {"b"}),
        ("停息挂账 OR 花呗", {"b", "c"}),
        ("(停息挂账 OR 催收) 协商", {"b"}),
        ('"催收 电话"', set()),
        ("site:xm.example", {"a", "c"}),
        ("lender:花呗", {"c"}),
        ("topic:collection_calls after:2024-01", {"a"}),
        ("before:2024-01-01", {"b"}),
        ("催收 site:nowhere.example", set()),
        ("催收 NOT site:xm.example", set()),
        ("协商 NOT site:xm.example", {"b"}),
        ("-site:xm.example", {"b"}),
        ("NOT lender:花呗", {"a", "b"}),
        ("催收 NOT after:2024-01", {"c"}),
        ("site:xm.example OR site:bank.example", {"a", "b", "c"}),
        ("催收 (site:nowhere.example OR site:xm.example)", {"a", "c"}),
        ("催收 site:bank.example OR site:xm.example", {"a", "c"}),
        ("协商 OR lender:花呗", {"b", "c"}),
        ("催收 AND NOT (上门 OR 花呗)", {"a"}),
        ("催收 NOT (site:xm.example OR site:bank.example)", set()),
        ("\N{FULLWIDTH LEFT PARENTHESIS}停息挂账 OR 催收\N{FULLWIDTH RIGHT PARENTHESIS} 协商", {"b"}),
        ("催收 lender\N{FULLWIDTH COLON}花唄", {"c"}),
        ("不存在的词", set()),
    ],
)
def test_queries(connection: sqlite3.Connection, query: str, expected: set[str]) -> None:
    assert found(connection, query) == expected


def test_duplicates_are_left_out_unless_asked_for(connection: sqlite3.Connection) -> None:
    assert found(connection, "紧急联系人") == {"a"}
    assert found(connection, "紧急联系人", duplicates=True) == {"a", "d"}


def test_the_title_weighs_more(connection: sqlite3.Connection) -> None:
    assert next(iter(search(connection, "小米贷"))).id == "a"


def test_what_is_taken_down_is_not_found(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO tombstones VALUES ('url', 'http://xm.example/a')")
    assert found(connection, "催收") == {"c"}


@pytest.mark.parametrize("query", ["", "   ", "AND", "( )", "。", '""'])
def test_a_query_with_nothing_in_it_is_refused(connection: sqlite3.Connection, query: str) -> None:
    with pytest.raises(QueryError, match="nothing to look for"):
        search(connection, query)


@pytest.mark.parametrize(
    "query",
    [
        "NOT 催收",
        "-催收",
        "after:soon 催收",
        "site: 催收",
        "before:2024-1 催收",
        "NOT (催收 OR 上门)",
        "催收 OR NOT (上门)",
        "after:2024 OR 催收",
        "topic:no_such 催收",
    ],
)
def test_a_query_that_can_t_mean_what_it_says_is_refused(connection: sqlite3.Connection, query: str) -> None:
    with pytest.raises(QueryError):
        search(connection, query)


def test_a_query_of_too_many_words_is_refused() -> None:
    with pytest.raises(QueryError, match="use fewer"):
        parse("催收 " * 100)


@given(st.text(alphabet="催收贷 ()\"*-:^ANDORNOT'{}+~\\\u0000site", max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_query_runs_or_is_refused(query: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE documents_fts USING fts5(title, text, tags, content='')")
    try:
        asked = parse(query)
    except QueryError:
        return
    for expression in (asked.expression(), asked.title_expression()):
        if expression is not None:
            connection.execute(
                "SELECT rowid FROM documents_fts WHERE documents_fts MATCH ?", [expression]
            ).fetchall()


@given(
    st.text(alphabet="催收电话贷a1，。 ", min_size=1, max_size=12),
    st.text(alphabet="催收电话贷a1，。 ", max_size=12),
)
@settings(max_examples=200, deadline=None)
def test_every_part_of_a_run_is_found(word: str, around: str) -> None:
    phrase = match_phrase(word)
    if phrase is None or any(mark in word for mark in "，。 a1"):
        return
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5(text, content='', tokenize='ascii')")
    connection.execute("INSERT INTO t(rowid, text) VALUES (1, ?)", [index_text(around + word + around)])
    assert connection.execute("SELECT rowid FROM t WHERE t MATCH ?", [phrase]).fetchall() == [(1,)]


def test_the_index_holds_what_that_of_earlier_corpora_holds() -> None:
    held = []
    for tokenizer in ("ascii", "unicode61 remove_diacritics 0"):
        connection = sqlite3.connect(":memory:")
        connection.execute(f"CREATE VIRTUAL TABLE t USING fts5(title, text, content='', tokenize='{tokenizer}')")
        connection.executemany(
            "INSERT INTO t(rowid, title, text) VALUES (?, ?, ?)",
            [
                (number, index_text(title), index_text(text))
                for number, (_, title, text, *_) in enumerate(DOCUMENTS)
            ],
        )
        connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
        held.append(connection.execute("SELECT * FROM v ORDER BY doc, col, offset").fetchall())
    assert held[0] == held[1] != []


def test_the_snippet_shows_the_word_in_the_original_text() -> None:
    text = "甲" * 200 + "催收电话" + "乙" * 200
    snippet, marks = excerpt(text, ["催收"])
    assert [snippet[start:end] for start, end in marks] == ["催收"]
    assert len(snippet) <= 60


def test_overlapping_marks_are_merged() -> None:
    assert spans("催收电话", ["催收", "收电", "电话"]) == ((0, 4),)


def many(connection: sqlite3.Connection, number: int, title: str, text: str) -> None:
    """Add `number` documents behind those that are there."""
    first = connection.execute("SELECT max(docid) + 1 FROM documents").fetchone()[0]
    row = indexed(title, text, site="many.example", lenders=[], topics=[], script="hans", published="2023-01-01")
    for docid in range(first, first + number):
        connection.execute(
            "INSERT INTO documents VALUES"
            " (?, ?, ?, 'many.example', ?, NULL, '2023-01-01', ?, 'hans', '[]', '[]', NULL, NULL)",
            [docid, f"m{docid}", f"http://many.example/{docid}", title, text],
        )
        connection.execute(
            "INSERT INTO documents_fts(rowid, title, text, tags) VALUES (?, ?, ?, ?)", [docid, *row]
        )


def test_of_very_many_matches_those_with_the_word_in_the_title_come_first(connection: sqlite3.Connection) -> None:
    many(connection, 3, "逾期怎么办", "这里说的是还款。")
    many(connection, CANDIDATES + 50, "别的", "逾期之后先做什么，逾期会怎样。")
    hits = search(connection, "逾期", limit=10)
    assert [hit.title for hit in hits][:3] == ["逾期怎么办"] * 3
    assert len(hits) == 10
    assert len(matching(connection, "逾期")) > CANDIDATES
    pages = [hit.id for page in range(3) for hit in search(connection, "逾期", limit=10, offset=10 * page)]
    assert len(set(pages)) == 30


def test_filters_hold_beside_very_many_matches(connection: sqlite3.Connection) -> None:
    many(connection, CANDIDATES + 50, "别的", "逾期之后协商还款。")
    assert found(connection, "协商 site:www.bank.example") == {"b"}
    assert {hit.site for hit in search(connection, "协商 after:2024-01")} <= {
        "bank.example",
        "xm.example",
        "copy.example",
    }


def test_no_query_of_words_reaches_the_tags(connection: sqlite3.Connection) -> None:
    for query in ("ǀsite", "ǀtopic", "site", "hans", '"ǀscript68616e73"'):
        assert found(connection, query) == set(), query


@pytest.mark.parametrize("alias", ["招行", "招商银行", "cmb"])
def test_a_lender_goes_by_any_of_its_names(alias: str) -> None:
    assert parse(f"lender:{alias}").filters[0].value in ("招商银行", "cmb")


@given(
    st.lists(
        st.sampled_from(
            [
                *"催收贷款，。！. \n\t_aZ9éÉ\u03a3\u0130\u3007\uf900\u2160\u00b5",
                "\U00020000",
                "\U0001f600",
                "ab",
                "\ud800",
            ]
        )
        | st.characters(),
        max_size=40,
    ).map("".join)
)
@settings(max_examples=500, deadline=None)
def test_the_index_holds_the_same_tokens_however_they_are_made(text: str) -> None:
    # Long enough for both ways: by arrays, and one by one as short texts are.
    for times in (1, 1 + tokens.SHORT // max(1, len(text))):
        one_by_one = " ".join(tokens._tokens(text * times))
        assert index_text(text * times) == tokens._index_text(text * times) == one_by_one


def test_every_character_is_of_the_kind_that_the_expression_takes_it_for() -> None:
    found = [tokens._TOKEN_RUN.fullmatch(chr(code)) for code in range(1 << 16)]
    wanted = [
        tokens._SKIPPED if match is None
        else tokens._HAN if match[1]
        else tokens._WORD if match[2]
        else tokens._BREAK if match[3] == "\n"
        else tokens._MARK
        for match in found
    ]  # fmt: skip
    assert tokens._kinds().tolist() == wanted
    capitals = [tokens._CAPITAL * (chr(code).lower() != chr(code)) for code in range(1 << 16)]
    assert [*tokens._native_kinds()] == [kind + capital for kind, capital in zip(wanted, capitals, strict=True)]
