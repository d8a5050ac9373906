"""The counts that farms are told by, brought up to date for the documents that have changed since they were taken.

Counts add up over documents that have nothing to do with each other. So what hangs together with a changed document is
counted as it was and as it is, and the difference is added:

* for sites and pairs of sites, the clusters that changed documents are or were in: which sites they are on;
* for contacts and accounts that changed documents show or showed, the documents with these that are copies of each
  other, directly or by way of others: among them it is decided which articles are a site's own.

A page that is nobody's copy costs the same in a corpus of any size. One that joins copies of itself costs in proportion to
their number, and that is also the most that a contact on very many pages can cost.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from corpus.farm_counts import (
    COMMON_SITES,
    OPERATOR_KINDS,
    PLACE,
    Couple,
    Place,
    Uses,
    Value,
    add_masks,
    couples_of,
    is_own,
    least_own,
    links_of,
    mask_of,
    uses_of,
)

Shown = dict[int, dict[Value, str]]
"""What documents show, by docid: values, and how each is masked."""


class Change(NamedTuple):
    """A document that came (`was` is None), went (`now` is None) or changed since the counts were taken.

    `gone` says that it was taken out, also where it has come again.
    """

    docid: int
    was: Place | None
    now: Place | None
    gone: bool


class Touched(NamedTuple):
    """What ties may be others for: values; accounts, each with a site whose own it is now or is no more; sites with more or
    fewer articles; pairs of sites with more or fewer in common. And how many documents sites have gained."""

    values: set[Value]
    accounts: set[tuple[Value, str]]
    sites: set[str]
    couples: set[Couple]
    documents: Counter[str]


class _Sizes(NamedTuple):
    """How many articles a site had and has."""

    was: int
    now: int


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


def count_changes(connection: sqlite3.Connection, changes: Collection[Change]) -> Touched:
    """Bring the counts up to date, and return what that touches."""
    documents: Counter[str] = Counter()
    for change in changes:
        documents.update([] if change.now is None else [change.now.site])
        documents.subtract([] if change.was is None else [change.was.site])
    articles, shared = _articles(connection, changes)
    sizes = _add_sizes(connection, documents, articles)
    _add_couples(connection, shared)
    resized = {site: size for site, size in sizes.items() if size.was != size.now}
    touched = Touched(set(), set(), set(resized), set(shared), documents)
    _count_values(connection, changes, touched)
    _weigh_again(connection, resized, touched)
    return touched


# --- sites and pairs of sites ---------------------------------------------------------------------------------------


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
) -> dict[str, _Sizes]:
    """Add to the sites' counts; return how many articles each of them had and has."""
    sizes = {}
    for site in sorted(documents.keys() | articles.keys()):
        sql = "SELECT documents, articles FROM farming_sites WHERE site = ?"
        had = connection.execute(sql, (site,)).fetchone() or (0, 0)
        have = had[0] + documents.get(site, 0), had[1] + articles.get(site, 0)
        sizes[site] = _Sizes(had[1], have[1])
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


# --- contacts and accounts ------------------------------------------------------------------------------------------


def _count_values(connection: sqlite3.Connection, changes: Iterable[Change], touched: Touched) -> None:
    """Bring up to date how many articles of which sites show what changed documents show."""
    changed = {change.docid: change for change in changes}
    now = _shown(connection, [docid for docid, change in changed.items() if change.now is not None])
    gone = _shown(connection, [docid for docid, change in changed.items() if change.gone], ("farming_lost",))
    was = {
        docid: (gone if change.gone else now).get(docid, {})
        for docid, change in changed.items()
        if change.was is not None
    }
    values = _count_masks(connection, was, now, touched)
    if not values:
        return
    showing = {docid: change for docid, change in changed.items() if was.get(docid) or now.get(docid)}
    others = _copies(connection, showing, values)
    shown = _shown(connection, others)
    before: defaultdict[Value, list[Place]] = defaultdict(list)
    after: defaultdict[Value, list[Place]] = defaultdict(list)
    for places, docids, held in (
        (before, {docid: change.was for docid, change in showing.items()}, was),
        (after, {docid: change.now for docid, change in showing.items()}, now),
        (before, others, shown),
        (after, others, shown),
    ):
        for docid, place in docids.items():
            for value in held.get(docid, ()):
                if place is not None and value in values:
                    places[value].append(place)
    for value in sorted(values):
        _add_uses(connection, value, uses_of(before[value]), uses_of(after[value]), touched)


def _shown(
    connection: sqlite3.Connection, docids: Collection[int], tables: Iterable[str] = ("contacts", "site_marks")
) -> Shown:
    """Return what documents show that could name an operator."""
    found: Shown = {}
    for table in tables:
        sql = f"""SELECT docid, kind, value_hash, masked FROM {table}
            WHERE docid IN (SELECT value FROM json_each(?))"""  # noqa: S608  # our own names
        for docid, kind, value_hash, masked in connection.execute(sql, (json.dumps(list(docids)),)):
            if kind in OPERATOR_KINDS:
                found.setdefault(docid, {})[kind, value_hash] = masked
    return found


def _count_masks(connection: sqlite3.Connection, was: Shown, now: Shown, touched: Touched) -> set[Value]:
    """Bring up to date how values are shown, and return those that changed documents showed or show."""
    masks: Counter[tuple[str, str, str]] = Counter()
    for shown, step in ((was, -1), (now, 1)):
        for held in shown.values():
            for value, masked in held.items():
                masks[*value, masked] += step
    values = {(kind, value_hash) for kind, value_hash, _ in masks}
    before = {value: mask_of(connection, value) for value in values}
    add_masks(connection, masks)
    other = {value for value in values if mask_of(connection, value) != before[value]}
    touched.values.update(other)
    touched.accounts.update((value, "") for value in other if value[0] == "analytics")
    return values


_SHOWS = """EXISTS (SELECT 1 FROM contacts AS c
        WHERE c.docid = d.docid AND c.value_hash IN (SELECT value FROM json_each(?2)))
    OR EXISTS (SELECT 1 FROM site_marks AS m
        WHERE m.docid = d.docid AND m.value_hash IN (SELECT value FROM json_each(?2)))"""

_NAMED = ("d.id", "d.cluster_id", "d.duplicate_kind = 'contains' AND d.duplicate_of")
_OF_TEMPLATE = ("d.template_cluster_id",)
"""How documents are found by what joins them to their copies. A copy of any other kind than `contains` is also in the
cluster or the template cluster of what it is a copy of."""


def _copies(
    connection: sqlite3.Connection, changed: Mapping[int, Change], values: Collection[Value]
) -> dict[int, Place]:
    """Return the unchanged documents with any of `values` that hang together with changed ones, as those were or are."""
    hashes = json.dumps(sorted({value_hash for _, value_hash in values}))
    found: dict[int, Place] = {}
    known: set[tuple[int, str]] = set()
    ahead = {
        link
        for change in changed.values()
        for place in (change.was, change.now)
        if place is not None
        for link in [(0, place.id), *links_of(place)]
    }
    while ahead:
        known |= ahead
        reached: set[tuple[int, str]] = set()
        for number, columns in enumerate((_NAMED, _OF_TEMPLATE)):
            names = json.dumps([name for kind, name in ahead if kind == number])
            for column in columns:
                sql = f"""SELECT d.docid, {PLACE} FROM documents AS d
                    WHERE {column} IN (SELECT value FROM json_each(?1)) AND ({_SHOWS})"""  # noqa: S608  # constants
                for docid, *named in connection.execute(sql, (names, hashes)):
                    if docid not in changed and docid not in found:
                        place = found[docid] = Place(*named)
                        reached.update([(0, place.id), *links_of(place)])
        ahead = reached - known
    return found


def _add_uses(
    connection: sqlite3.Connection,
    value: Value,
    was: Mapping[str, Uses],
    now: Mapping[str, Uses],
    touched: Touched,
) -> None:
    """Add what differs between two counts of the same documents to the uses of a value."""
    none = Uses(0, 0)
    for site in sorted(was.keys() | now.keys()):
        less, more = was.get(site, none), now.get(site, none)
        if less == more:
            continue
        sql = "SELECT articles, fresh, own FROM farming_uses WHERE kind = ? AND value_hash = ? AND site = ?"
        articles, fresh, own = connection.execute(sql, (*value, site)).fetchone() or (0, 0, 0)
        uses = Uses(articles - less.articles + more.articles, fresh - less.fresh + more.fresh)
        if own and uses.articles != articles:
            touched.values.add(value)
        _store_uses(connection, value, site, uses, bool(own), touched)


def _store_uses(
    connection: sqlite3.Connection, value: Value, site: str, uses: Uses, was_own: bool, touched: Touched
) -> None:
    if not uses.articles:
        own = False
        sql = "DELETE FROM farming_uses WHERE kind = ? AND value_hash = ? AND site = ?"
        connection.execute(sql, (*value, site))
    else:
        sql = "SELECT coalesce(max(articles), 0) FROM farming_sites WHERE site = ?"
        own = is_own(uses, connection.execute(sql, (site,)).fetchone()[0])
        row = (*value, site, *uses, own)
        connection.execute("INSERT OR REPLACE INTO farming_uses VALUES (?, ?, ?, ?, ?, ?)", row)
    if own != was_own:
        touched.values.add(value)
        touched.accounts.update([(value, site)] if value[0] == "analytics" else [])


def _weigh_again(connection: sqlite3.Connection, sizes: Mapping[str, _Sizes], touched: Touched) -> None:
    """Tell anew which values are their sites' own, as the sites have more or fewer articles.

    Those that too few articles show are nobody's own before or after: what is left is some tens of a site's values.
    """
    for site, size in sizes.items():
        sql = "SELECT kind, value_hash, articles, fresh, own FROM farming_uses WHERE site = ? AND articles >= ?"
        for kind, value_hash, *uses, own in connection.execute(sql, (site, least_own(min(size)))).fetchall():
            if is_own(Uses(*uses), size.now) != bool(own):
                _store_uses(connection, (kind, value_hash), site, Uses(*uses), bool(own), touched)
