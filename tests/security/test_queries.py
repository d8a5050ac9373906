"""Queries and values that try to be SQL or FTS5: they find things or are refused, and change nothing."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import yuqi
from corpus.export import ExportError, export
from corpus.query import QueryError
from corpus.search import matching, search
from corpus.selection import Selection, SelectionError
from corpus.store import Corpus

HOSTILE = (
    "' OR 1=1 --",
    "'; DROP TABLE documents; --",
    '" OR text:*',
    "site:x' UNION SELECT value FROM corpus_meta --",
    "lender:');DELETE FROM documents;--",
    "after:2024' OR '1'='1",
    "NEAR(催收 逾期, 2)",
    "title : 催收",
    "{title text tags} : 催收",
    "tags : *",
    "催收* ^法院",
    "^催收 + 法院",
    "documents_fts MATCH 催收",
    "(((((((催收",
    'a" OR "b',
    "\0催收\0",
    "farm:1 cluster:' month:2024-05'",
    "\N{LATIN LETTER DENTAL CLICK}site6131",
)


def tables(corpus: Corpus) -> dict[str, int]:
    return {name: corpus.count(name) for name in ("documents", "fetches", "findings", "corpus_meta", "tombstones")}


@pytest.mark.parametrize("query", HOSTILE)
def test_a_hostile_query_finds_or_is_refused(corpus: Corpus, query: str) -> None:
    before = tables(corpus)
    try:
        for hit in search(corpus.connection, query, duplicates=True):
            assert hit.id not in ("", None)
        matching(corpus.connection, query)
    except QueryError as error:
        assert str(error)
    assert tables(corpus) == before


def test_no_query_of_words_is_taken_for_a_filter_s_token(corpus: Corpus) -> None:
    site = b"a.example".hex()
    assert (
        search(corpus.connection, f"\N{LATIN LETTER DENTAL CLICK}site{site} 催收 OR site:nowhere.example")
        is not None
    )
    with pytest.raises(QueryError):
        search(corpus.connection, "\N{LATIN LETTER DENTAL CLICK}")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(alphabet="催收 逾期\"'()-:*^{}+NEARANDORNOTsite,;%_\\\0", max_size=40))
def test_whatever_is_asked(corpus: Corpus, query: str) -> None:
    try:
        search(corpus.connection, query)
    except QueryError as error:
        assert str(error)


@pytest.mark.parametrize("value", HOSTILE)
def test_values_of_an_export_s_filters_are_values(corpus: Corpus, value: str) -> None:
    before = tables(corpus)
    path = corpus.path.with_name("o.jsonl")
    for question in ({"sites": (value,)}, {"quality": (value,)}, {"after": value}, {"lenders": (value,)}):
        try:
            written = export(corpus.connection, path, selection=Selection(**question))
        except (SelectionError, ExportError, QueryError) as error:
            assert str(error)
        else:
            assert written.records == 0
    assert tables(corpus) == before


@pytest.mark.parametrize("value", HOSTILE)
def test_a_takedown_s_values_are_values(corpus: Corpus, value: str) -> None:
    documents = corpus.count("documents")
    corpus.close()
    if "\0" not in value:
        result = CliRunner().invoke(yuqi.main, ["takedown", str(corpus.path), "--site", value, "--cluster", value])
        assert result.exit_code in (0, 2), result.output
    with Corpus(corpus.path, readonly=True) as again:
        assert again.count("documents") == documents
