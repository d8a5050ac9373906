"""Learning in a batch what a site's pages share: its chrome, and the table behind its pinyin damage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from cleaning import profile
from cleaning.clean import Cleaned
from cleaning.findings import replay
from cleaning.repair import SiteTable, learn_table, merge_tables, site_quotes
from corpus.derivation import derive_all
from corpus.records import LOCAL_SITE
from corpus.store import Corpus, Progress

MOST_PAGES = 5000
"""Pages of a site that are learned from, those with the smallest ids: what a site puts on its pages stands on any
thousand of them, and memory doesn't grow with the largest site."""

Learned = tuple[profile.SiteProfile | None, SiteTable]


class Page(NamedTuple):
    """What is learned from of an article page: its lines, repaired, and the pinyin that stands in it."""

    lines: list[str]
    table: SiteTable


def learn_sites(
    corpus: Corpus, *, workers: int = 1, progress: Progress | None = None
) -> dict[str, dict[str, int]]:
    """Learn every site's profile and pinyin table from the archive, keep them in `sites`, and say what was found.

    Pages are derived without what was learned before, so learning twice learns the same, and what is learned is a
    function of the archive, not of the order of pages. Files without a site of their own are no site: they share
    nothing that could be learned.
    """
    told: dict[str, dict[str, int]] = {}
    learned: dict[str, Learned] = {}
    for site, pages in _articles(corpus, workers, progress):
        if not pages:
            continue
        found, table = learned[site] = _learn(site, pages)
        lines = len(found.lines) if found else 0
        told[site] = {"pages": len(pages), "lines": lines, "readings": len(table.insertions())}
    with corpus.transaction():
        for site, (found, table) in learned.items():
            corpus.set_profile(site, found, table)
    return told


def _learn(site: str, pages: list[Page]) -> Learned:
    """Return a site's profile, with the phrases that fill its pages' gaps, and its table."""
    found = profile.learn((site, page.lines) for page in pages).get(site)
    if found is not None:
        found = replace(found, quotes=site_quotes("\n".join(page.lines) for page in pages))
    return found, merge_tables(page.table for page in pages)


def _articles(corpus: Corpus, workers: int, progress: Progress | None) -> Iterator[tuple[str, list[Page]]]:
    """Yield each site with its article pages as its declaration alone reads them; each page's bytes once."""
    sql = "SELECT site, count(DISTINCT id) FROM fetches WHERE site <> ? GROUP BY site ORDER BY site"
    sites = corpus.connection.execute(sql, (LOCAL_SITE,)).fetchall()
    todo, done = sum(min(pages, MOST_PAGES) for _, pages in sites), 0
    declared = {name: replace(site, profile=None, table=None) for name, site in corpus.sites().items()}
    tasks = (task for site, _ in sites for task in corpus.site_tasks(site, MOST_PAGES))
    found = derive_all(corpus.folder, tasks, declared, workers=workers)
    for site, derived in groupby(found, key=lambda item: item.task.site):
        pages: list[Page] = []
        for item in derived:
            if isinstance(item.result, Cleaned):
                pages.append(_page(item.result))
            done += 1
            if progress is not None:
                progress(done, todo)
        yield site, pages


def _page(cleaned: Cleaned) -> Page:
    repairs = [finding for finding in cleaned.findings if finding.stage == "repair"]
    return Page(replay(cleaned.page_text, repairs).split("\n"), learn_table(cleaned.page_text))
