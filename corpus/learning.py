"""Learning in a batch what a site's pages share: its chrome, and the table behind its pinyin damage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from cleaning import profile
from cleaning.clean import Cleaned
from cleaning.findings import replay
from cleaning.repair import SiteTable, learn_table, merge_tables, site_quotes
from corpus.derivation import derive_all
from corpus.records import LOCAL_SITE
from corpus.store import Corpus, Progress


def learn_sites(
    corpus: Corpus, *, workers: int = 1, progress: Progress | None = None
) -> dict[str, dict[str, int]]:
    """Learn every site's profile and pinyin table from the archive, keep them in `sites`, and say what was found.

    Pages are derived without what was learned before, so learning twice learns the same, and what is learned is a
    function of the archive, not of the order of pages. Files without a site of their own are no site: they share
    nothing that could be learned.
    """
    pages: dict[str, list[list[str]]] = defaultdict(list)
    tables: dict[str, list[SiteTable]] = defaultdict(list)
    for site, cleaned in _articles(corpus, workers, progress):
        repaired = replay(
            cleaned.page_text, [finding for finding in cleaned.findings if finding.stage == "repair"]
        )
        pages[site].append(repaired.split("\n"))
        tables[site].append(learn_table(cleaned.page_text))
    profiles = profile.learn((site, lines) for site, found in pages.items() for lines in found)
    learned: dict[str, dict[str, int]] = {}
    with corpus.transaction():
        for site, found in pages.items():
            table = merge_tables(tables[site])
            corpus.set_profile(site, _with_quotes(profiles.get(site), found), table)
            lines = len(profiles[site].lines) if site in profiles else 0
            learned[site] = {"pages": len(found), "lines": lines, "readings": len(table.insertions())}
    return learned


def _with_quotes(learned: profile.SiteProfile | None, pages: list[list[str]]) -> profile.SiteProfile | None:
    """Return a site's profile with the phrases that fill its pages' gaps."""
    return replace(learned, quotes=site_quotes("\n".join(lines) for lines in pages)) if learned else None


def _articles(corpus: Corpus, workers: int, progress: Progress | None) -> Iterator[tuple[str, Cleaned]]:
    """Yield each article page's site and what came of it by its declaration alone; each page's bytes once."""
    declared = {name: replace(site, profile=None, table=None) for name, site in corpus.sites().items()}
    tasks = list({task.id: task for task in corpus.tasks() if task.site != LOCAL_SITE}.values())
    for done, derived in enumerate(derive_all(corpus.folder, tasks, declared, workers=workers), 1):
        if isinstance(derived.result, Cleaned):
            yield derived.task.site, derived.result
        if progress is not None:
            progress(done, len(tasks))
