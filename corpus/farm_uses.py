"""Who shows which contact, brought up to date for the documents that have changed.

Whether an article is a site's own is decided among the documents with the same contact that are copies of each other,
directly or by way of others. So those that hang together with a changed document are looked at, as they were and as they
are, with two exceptions that keep this small: a contact that stands on one site alone has no copies to look for; and where
copies stand on several sites already, they are nobody's own before and after, whatever comes to them.

A page that is nobody's copy costs the same in a corpus of any size, however many pages show its contact. The most that a
page can cost is in proportion to its copies with its contact on one site, where another site shows the contact too.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

from corpus.farm_changes import Change, Touched
from corpus.farm_counts import (
    OPERATOR_KINDS,
    PLACE,
    Link,
    Place,
    Uses,
    Value,
    add_masks,
    fresh_of,
    is_own,
    least_own,
    links_of,
    mask_of,
)

Shown = dict[int, dict[Value, str]]
"""What documents show, by docid: values, and how each is masked."""

_Places = dict[int, Place]


def count_uses(connection: sqlite3.Connection, changes: Iterable[Change], touched: Touched) -> None:
    """Bring up to date how many articles of which sites show what, and whose own that is; add to what that touches."""
    changed = {change.docid: change for change in changes}
    now = _shown(connection, [docid for docid, change in changed.items() if change.now is not None])
    gone = _shown(connection, [docid for docid, change in changed.items() if change.gone], ("farming_lost",))
    was = {
        docid: (gone if change.gone else now).get(docid, {})
        for docid, change in changed.items()
        if change.was is not None
    }
    _count_masks(connection, was, now, touched)
    before: defaultdict[Value, _Places] = defaultdict(dict)
    after: defaultdict[Value, _Places] = defaultdict(dict)
    for docid, change in changed.items():
        for places, place, held in ((before, change.was, was), (after, change.now, now)):
            if place is not None:
                for value in held.get(docid, ()):
                    places[value][docid] = place
    for value in sorted(before.keys() | after.keys()):
        _count_value(connection, value, before[value], after[value], changed.keys(), touched)
    _weigh_again(connection, touched)


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


def _count_masks(connection: sqlite3.Connection, was: Shown, now: Shown, touched: Touched) -> None:
    """Bring up to date how values are shown."""
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


# --- one value ------------------------------------------------------------------------------------------------------


def _count_value(
    connection: sqlite3.Connection,
    value: Value,
    was: _Places,
    now: _Places,
    changed: Collection[int],
    touched: Touched,
) -> None:
    """Add what differs for one value, given the changed documents that showed it and that show it."""
    articles = _articles(connection, value, was, now, changed)
    sql = "SELECT site FROM farming_uses WHERE kind = ? AND value_hash = ? LIMIT 2"
    sites = {site for (site,) in connection.execute(sql, value)}
    sites.update(place.site for places in (was, now) for place in places.values())
    if len(sites) == 1:
        fresh = articles
    else:
        others, spread = _Copies(connection, value, changed).of([*was.values(), *now.values()])
        fresh = fresh_of([*now.values(), *others], spread)
        fresh.subtract(fresh_of([*was.values(), *others], spread))
    for site in sorted(articles.keys() | fresh.keys()):
        if articles[site] or fresh[site]:
            _add_uses(connection, value, site, Uses(articles[site], fresh[site]), touched)


def _articles(
    connection: sqlite3.Connection, value: Value, was: _Places, now: _Places, changed: Collection[int]
) -> Counter[str]:
    """Return how many more articles of each site show a value."""
    had, have = ({(place.site, place.article) for place in places.values()} for places in (was, now))
    clusters = {place.cluster for places in (was, now) for place in places.values()}
    sql = f"SELECT d.docid FROM documents AS d WHERE d.cluster_id = ?3 AND d.site = ?4 AND {_SHOWS}"  # noqa: S608  # constants
    more: Counter[str] = Counter()
    for site, article in had ^ have:
        others = connection.execute(sql, (*value, article, site)) if article in clusters else ()
        if all(docid in changed for (docid,) in others):
            more[site] += 1 if (site, article) in have else -1
    return more


_SHOWS = """(EXISTS (SELECT 1 FROM contacts AS c WHERE c.docid = d.docid AND c.kind = ?1 AND c.value_hash = ?2)
    OR EXISTS (SELECT 1 FROM site_marks AS m WHERE m.docid = d.docid AND m.kind = ?1 AND m.value_hash = ?2))"""

_BESIDE = f"SELECT d.docid, {PLACE} FROM documents AS d WHERE {_SHOWS} AND "  # noqa: S608  # constants
_ATTACHED = (
    (f"{_BESIDE} d.id = ?3", *(
        f"{_BESIDE} d.{column} = ?3 ORDER BY d.site {way}"
        for column in ("cluster_id", "duplicate_of")
        for way in ("DESC", "ASC")
    )),
    tuple(f"{_BESIDE} d.template_cluster_id = ?3 ORDER BY d.site {way}" for way in ("DESC", "ASC")),
)  # fmt: skip
"""What finds documents by each kind of link. The last by site comes first: then it shows soon if there are several sites."""


class _Copies:
    """What hangs together with changed documents by one value, among the documents that have not changed."""

    def __init__(self, connection: sqlite3.Connection, value: Value, changed: Collection[int]) -> None:
        self._connection = connection
        self._value = value
        self._changed = changed

    def of(self, places: Iterable[Place]) -> tuple[list[Place], set[Link]]:
        """Return these documents, and by which links there are some on several sites, which are left out."""
        found: _Places = {}
        spread: set[Link] = set()
        known = {link for place in places for link in _all_links(place)}
        ahead = sorted(known)
        while ahead:
            link = ahead.pop()
            beside: _Places = {}
            for docid, place in self._attached(link):
                beside[docid] = place
                if place.site != next(iter(beside.values())).site or not spread.isdisjoint(_all_links(place)):
                    spread.add(link)
                    break
            else:
                found |= beside
                reached = {link for place in beside.values() for link in _all_links(place)} - known
                known |= reached
                ahead += sorted(reached)
        return list(found.values()), spread

    def _attached(self, link: Link) -> Iterator[tuple[int, Place]]:
        """Yield documents with the value by what joins them: first, where it can be told, some of several sites."""
        number, name = link
        for sql in _ATTACHED[number]:
            rows = self._connection.execute(sql, (*self._value, name))
            found = ((docid, Place(*columns)) for docid, *columns in rows if docid not in self._changed)
            yield from islice(found, 1) if sql.endswith("DESC") else found


def _all_links(place: Place) -> list[Link]:
    return [(0, place.id), *links_of(place)]


def _add_uses(connection: sqlite3.Connection, value: Value, site: str, more: Uses, touched: Touched) -> None:
    """Add to the uses of a value on a site."""
    sql = "SELECT articles, fresh, own FROM farming_uses WHERE kind = ? AND value_hash = ? AND site = ?"
    articles, fresh, own = connection.execute(sql, (*value, site)).fetchone() or (0, 0, 0)
    if own and more.articles:
        touched.values.add(value)
    _store_uses(connection, value, site, Uses(articles + more.articles, fresh + more.fresh), bool(own), touched)


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


def _weigh_again(connection: sqlite3.Connection, touched: Touched) -> None:
    """Tell anew which values are their sites' own, as the sites have more or fewer articles.

    Those that too few articles show are nobody's own before or after: what is left is some tens of a site's values.
    """
    for site, size in touched.sites.items():
        sql = "SELECT kind, value_hash, articles, fresh, own FROM farming_uses WHERE site = ? AND articles >= ?"
        for kind, value_hash, *uses, own in connection.execute(sql, (site, least_own(min(size)))).fetchall():
            if is_own(Uses(*uses), size.now) != bool(own):
                _store_uses(connection, (kind, value_hash), site, Uses(*uses), bool(own), touched)
