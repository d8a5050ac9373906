"""Learning in a batch what a site's pages share: its chrome, and the table behind its pinyin damage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from cleaning import profile
from cleaning.repair import SiteTable, learn_table, merge_tables
from corpus.explain import stage_texts
from corpus.records import LOCAL_SITE
from corpus.store import Corpus


def learn_sites(corpus: Corpus) -> dict[str, dict[str, int]]:
    """Learn every site's profile and pinyin table from its documents, keep them in `sites`, and say what was found.

    What is learned is a function of the set of documents, not of their order. Files without a site of their own
    are no site: they share nothing that could be learned.
    """
    pages = defaultdict(list)
    tables: dict[str, list[SiteTable]] = defaultdict(list)
    for site, texts in _page_texts(corpus):
        pages[site].append(texts["strip"].split("\n"))
        tables[site].append(learn_table(texts["repair"]))
    profiles = profile.learn((site, lines) for site, found in pages.items() for lines in found)
    learned: dict[str, dict[str, int]] = {}
    with corpus.transaction():
        for site, found in pages.items():
            table = merge_tables(tables[site])
            corpus.set_profile(site, profiles.get(site), table)
            lines = len(profiles[site].lines) if site in profiles else 0
            learned[site] = {"pages": len(found), "lines": lines, "readings": len(table.insertions())}
    return learned


def _page_texts(corpus: Corpus) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield each document's site and its text before every stage, worked back from what the tables hold."""
    sql = "SELECT docid, site, text_source FROM documents WHERE site != ? ORDER BY docid"
    for docid, site, text_source in corpus.connection.execute(sql, [LOCAL_SITE]).fetchall():
        yield site, stage_texts({"text_source": text_source}, corpus.findings(docid))
