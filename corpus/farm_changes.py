"""Which documents have changed since the counts of farms were taken; sites and pairs of sites counted anew for them.

Counts add up over documents that have nothing to do with each other. So what hangs together with a changed document is
counted as it was and as it is, and the difference is added: here the clusters that changed documents are or were in, of
which only the sites matter; in `corpus.farm_uses` the contacts and accounts that they show or showed.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from corpus.farm_counts import COMMON_SITES, PLACE, Couple, Place, Value, couples_of


class Change(NamedTuple):
    """A document that came (`was` is None), went (`now` is None) or changed since the counts were taken.

    `gone` says that it was taken out, also where it has come again.
    """

    docid: int
    was: Place | None
    now: Place | None
    gone: bool


class Sizes(NamedTuple):
    """How many articles a site had and has."""

    was: int
    now: int


class Touched(NamedTuple):
    """What ties may be others for: values; accounts, each with a site whose own it is now or is no more; sites with more or
    fewer articles; pairs of sites with more or fewer in common. And how many documents sites have gained."""

    values: set[Value]
    accounts: set[tuple[Value, str]]
    sites: dict[str, Sizes]
    couples: set[Couple]
    documents: Counter[str]


def read_changes(connection: sqlite3.Connection) -> list[Change]:
    """Return the documents that are not as they were when the counts were taken."""
    sql = f"""SELECT c.docid, c.gone, c.site, c.id, c.cluster_id, c.template_cluster_id, c.duplicate_of, {PLACE}
        FROM farming_changes AS c LEFT JOIN documents AS d ON d.docid = c.docid ORDER BY c.docid"""  # noqa: S608  # constants
    found = []
    for docid, gone, *places in connection.execute(sql):
        was, now = _place(places[:5]), _place(places[5:])
        if gone or was != now:
            found.append(Change(docid, was, now, bool(gone)))
    return found


def _place(columns: list[str]) -> Place | None:
    return Place(*columns) if columns[0] is not None else None


def count_sites(connection: sqlite3.Connection, changes: Collection[Change]) -> Touched:
    """Bring up to date how much sites have, and have in common; return what that touches."""
    documents: Counter[str] = Counter()
    for change in changes:
        documents.update([] if change.now is None else [change.now.site])
        documents.subtract([] if change.was is None else [change.was.site])
    articles, shared = _articles(connection, changes)
    sizes = _add_sizes(connection, documents, articles)
    _add_couples(connection, shared)
    resized = {site: size for site, size in sizes.items() if size.was != size.now}
    return Touched(set(), set(), resized, set(shared), documents)


def _articles(connection: sqlite3.Connection, changes: Iterable[Change]) -> tuple[Counter[str], dict[Couple, int]]:
    """Return how many articles more sites have, and pairs of sites in common."""
    articles: Counter[str] = Counter()
    shared: Counter[Couple] = Counter()
    moves: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for change in changes:
        for column, place in enumerate((change.was, change.now)):
            if place is not None and place.cluster is None:
                articles[place.site] += (-1, 1)[column]
            elif place is not None and place.cluster is not None:
                moves[place.cluster][place.site][column] += 1
    for cluster, sites in moves.items():
        was, now = _sites_of(connection, cluster, sites)
        articles.update(now - was)
        articles.subtract(was - now)
        shared.update(couples_of(now))
        shared.subtract(couples_of(was))
    return articles, {couple: number for couple, number in shared.items() if number}


def _sites_of(
    connection: sqlite3.Connection, cluster: str, moved: Mapping[str, list[int]]
) -> tuple[set[str], set[str]]:
    """Return the sites that a cluster was on and is on; of very many others, as many as show that there are.

    `moved` says for sites how many changed documents they had in it and have.
    """
    sql = "SELECT DISTINCT site FROM documents WHERE cluster_id = ? ORDER BY site LIMIT ?"
    others = {site for (site,) in connection.execute(sql, (cluster, COMMON_SITES + len(moved) + 1))} - moved.keys()
    was, now = set(others), set(others)
    for site, (had, have) in moved.items():
        if _more_than(connection, cluster, site, have):
            was.add(site)
            now.add(site)
        if had:
            was.add(site)
        if have:
            now.add(site)
    return was, now


def _more_than(connection: sqlite3.Connection, cluster: str, site: str, than: int) -> bool:
    """Return whether a site has more documents in a cluster than so many."""
    sql = "SELECT 1 FROM documents WHERE cluster_id = ? AND site = ? LIMIT 1 OFFSET ?"
    return connection.execute(sql, (cluster, site, than)).fetchone() is not None


def _add_sizes(
    connection: sqlite3.Connection, documents: Mapping[str, int], articles: Mapping[str, int]
) -> dict[str, Sizes]:
    """Add to the sites' counts; return how many articles each of them had and has."""
    sizes = {}
    for site in sorted(documents.keys() | articles.keys()):
        sql = "SELECT documents, articles FROM farming_sites WHERE site = ?"
        had = connection.execute(sql, (site,)).fetchone() or (0, 0)
        have = had[0] + documents.get(site, 0), had[1] + articles.get(site, 0)
        sizes[site] = Sizes(had[1], have[1])
        if not have[0]:
            connection.execute("DELETE FROM farming_sites WHERE site = ?", (site,))
        elif have != had:
            connection.execute("INSERT OR REPLACE INTO farming_sites VALUES (?, ?, ?)", (site, *have))
    return sizes


def _add_couples(connection: sqlite3.Connection, shared: Mapping[Couple, int]) -> None:
    sql = """INSERT INTO farming_pairs VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET articles = articles + excluded.articles"""
    connection.executemany(sql, [(*couple, number) for couple, number in sorted(shared.items())])
    drop = "DELETE FROM farming_pairs WHERE site_a = ? AND site_b = ? AND articles <= 0"
    connection.executemany(drop, [couple for couple, number in sorted(shared.items()) if number < 0])
