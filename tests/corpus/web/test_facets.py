"""Facets counted in memory are what SQL counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.search import matching
from corpus.store import Corpus
from corpus.web import facets
from corpus.web.facets import Facets, read
from tests.pages import PAGES, fetch_of


def test_counts_are_those_of_sql(corpus: Corpus) -> None:
    total, counts = read(corpus.connection).tally(None)
    shown = "WHERE duplicate_of IS NULL"
    assert total == corpus.count("articles")
    sql = f"SELECT site, count(*) FROM documents {shown} GROUP BY site"
    assert dict(counts["site"]) == dict(corpus.connection.execute(sql).fetchall())
    sql = f"SELECT value, count(*) FROM documents, json_each(topics) {shown} GROUP BY value"
    assert dict(counts["topic"]) == dict(corpus.connection.execute(sql).fetchall())
    assert [count.documents for count in counts["topic"]] == sorted(dict(counts["topic"]).values(), reverse=True)


def test_duplicates_count_when_asked_for(corpus: Corpus) -> None:
    table = read(corpus.connection)
    assert table.tally(None, duplicates=True)[0] == corpus.count("documents") > table.tally(None)[0]


def test_only_what_was_found_counts(corpus: Corpus) -> None:
    table = read(corpus.connection)
    total, counts = table.tally(matching(corpus.connection, "传票"))
    assert total == 1
    assert dict(counts["site"]) == {"a.example": 1}
    assert table.tally([])[0] == 0
    assert table.tally([10**9, -5])[0] == 0


@pytest.mark.parametrize("query", ["site:a.example", "传票 script:hans", "script:hant"])
def test_a_facet_s_number_is_what_choosing_it_finds(corpus: Corpus, query: str) -> None:
    table = read(corpus.connection)
    _, counts = table.tally(matching(corpus.connection, query))
    for name, found in counts.items():
        for count in found:
            narrower = matching(corpus.connection, f'{query} {name}:"{count.value}"')
            assert table.tally(narrower)[0] == count.documents, (name, count)


def test_the_table_is_made_again_once_the_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "corpus.db"
    with Corpus(path, create=True) as corpus:
        corpus.add_fetch(fetch_of(PAGES[0]))
        corpus.derive_pending()
        kept = Facets(path)
        first = kept.get()
        assert kept.get() is first
        corpus.add_fetch(fetch_of(PAGES[2]))
        corpus.derive_pending()
        assert kept.get() is first, "a crawl that is writing makes no request pay"
        monkeypatch.setattr(facets, "REFRESH_SECONDS", 0.0)
        monkeypatch.setattr(Facets, "refresh", Facets._make_beside)
        kept.get()
        assert len(kept.get().docids) == 2
