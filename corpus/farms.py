"""Farms: sites that one operator runs, told by what they share, with the evidence for every tie.

A tie joins two sites by one piece of evidence. Each kind has a weight, and two sites whose ties add up to 1 belong
to one farm:

* `phone`, `qq`, `wechat`, `email` and `analytics` (a statistics or advertising account's id) weigh 1: they name the
  operator. A hotline (400..., 95588, 12378) is no evidence, and neither is a contact that came with copied articles or
  that stands on few of a site's pages (`farm_counts.is_own`). An account that many sites carry, or that everywhere stands
  beside another account that fewer sites have, is a platform's or a widget's: its ties weigh nothing.
* `profile` weighs .5: at least PROFILE_LINES long chrome lines that few other sites have and that name no content system.
* `copies` weighs .5: at least COPIES articles in common; 1 where that is nearly all that the smaller site has (a mirror).

What many sites share says little: a value on more than COMMON_SITES sites is not counted for `profile`, and ties such
sites one to the next (not each to each) where it names the operator. Everything is a function of the tables as they
stand, so it depends on nothing else: `update`, which a run ends with, reads what has changed (`farm_changes`), `rederive`
reads everything, and both leave the same rows. Nothing here commits.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from corpus.farm_changes import Touched, count_sites, read_changes
from corpus.farm_counts import COMMON_SITES, OPERATOR_KINDS, Couple, Value, count_all, mask_of
from corpus.farm_marks import Mark, account_marks, add_marks, keyed_hash, mask_mark, mask_value, names_services
from corpus.farm_tables import (
    COUNTS_DDL,
    DDL,
    TABLES,
    delete_rows,
    difference,
    forget_changes,
    note_added,
    unwatched,
    watch,
    write_rows,
)
from corpus.farm_ties import COPIES, Owned, Tie, Use, copy_ties, everybodys, farms_of, operator_ties, profile_ties
from corpus.farm_uses import count_uses

__all__ = [
    "COMMON_SITES", "COPIES", "COUNTS_DDL", "DDL", "OPERATOR_KINDS", "TABLES", "Farm", "Mark", "ProfileLines",
    "Tie", "account_marks", "add_marks", "farms", "keyed_hash", "mask_mark", "mask_value", "names_services",
    "note_added", "rederive", "unwatched", "update", "watch",
]  # fmt: skip

ProfileLines = Mapping[str, Iterable[str]]
"""The chrome lines learned of each site."""

MOST_CHANGED = 0.25
"""Where more than this share of the documents has changed, all are counted anew: that costs less for each of them."""


class Farm(NamedTuple):
    """A farm with its sites and the ties between them, in order."""

    id: str
    sites: tuple[str, ...]
    documents: int
    ties: tuple[Tie, ...]


def farms(connection: sqlite3.Connection) -> Iterator[Farm]:
    """Yield the farms in order of id, each with its sites and the evidence."""
    for identifier, documents in connection.execute("SELECT id, documents FROM farms ORDER BY id").fetchall():
        sql = "SELECT site FROM farm_sites WHERE farm_id = ? ORDER BY site"
        sites = tuple(site for (site,) in connection.execute(sql, (identifier,)))
        sql = """SELECT t.* FROM farm_ties AS t JOIN farm_sites AS a ON a.site = t.site_a JOIN farm_sites AS b
            ON b.site = t.site_b WHERE a.farm_id = ?1 AND b.farm_id = ?1
            ORDER BY t.site_a, t.site_b, t.kind, t.value_hash"""
        ties = tuple(Tie(*row) for row in connection.execute(sql, (identifier,)))
        yield Farm(identifier, sites, documents, ties)


# --- telling them ---------------------------------------------------------------------------------------------------


def rederive(connection: sqlite3.Connection, salt: bytes, profile_lines: ProfileLines | None = None) -> None:
    """Make `farm_ties`, `farms` and `farm_sites` again from all documents, contacts, marks, clusters and profiles."""
    count_all(connection)
    forget_changes(connection)
    values = _owned(connection)
    ties = [
        *operator_ties(values, everybodys(values)),
        *profile_ties(salt, profile_lines or {}),
        *copy_ties(connection.execute(_SHARED)),
    ]
    _write_ties(connection, _Ties(_ties(connection, "1"), ties))
    old = [connection.execute(f"SELECT * FROM {table}").fetchall() for table in ("farms", "farm_sites")]  # noqa: S608
    _write_farms(connection, _Farms(*old), _grouped(connection, ties))


def update(connection: sqlite3.Connection, salt: bytes, profile_lines: Callable[[], ProfileLines]) -> None:
    """Bring the tables up to date for the documents and profiles that have changed since; see `farm_tables.watch`.

    `profile_lines` is called only where it is needed.
    """
    changes = read_changes(connection)
    (documents,) = connection.execute("SELECT coalesce(sum(documents), 0) FROM farming_sites").fetchone()
    if len(changes) > MOST_CHANGED * documents:
        rederive(connection, salt, profile_lines())
        return
    ties = _Ties([], [])
    if connection.execute("SELECT 1 FROM farming_learned LIMIT 1").fetchone():
        ties.old.extend(_ties(connection, "kind = 'profile'"))
        ties.new.extend(profile_ties(salt, profile_lines()))
    if changes:
        touched = count_sites(connection, changes)
        count_uses(connection, changes, touched)
        for part in (_operators(connection, touched), _copiers(connection, touched)):
            ties.old.extend(part.old)
            ties.new.extend(part.new)
        _count_documents(connection, touched.documents)
    forget_changes(connection)
    if moved := _write_ties(connection, ties):
        _regroup(connection, moved)


def _operators(connection: sqlite3.Connection, touched: Touched) -> _Ties:
    """Return the ties by contacts and accounts that were touched, as they stand and as they are to be."""
    values = set(touched.values)
    accounts = _owned(connection, "kind = 'analytics'") if touched.accounts else []
    values |= _beside(accounts, touched.accounts)
    old = _ties(connection, "kind = ? AND value_hash = ?", sorted(values))
    # What an account weighs hangs on whose own the accounts are, and on nothing else.
    common = everybodys(accounts) if touched.accounts else {tie.value_hash for tie in old if not tie.weight}
    owned = [one for value in sorted(values) for one in _owned(connection, "kind = ? AND value_hash = ?", value)]
    return _Ties(old, list(operator_ties(owned, common)))


def _beside(accounts: Collection[Owned], changed: Collection[tuple[Value, str]]) -> set[Value]:
    """Return the accounts that stand beside one that has come to a site or left it: they are weighed by each other."""
    values = {value for value, _ in changed}
    sites = {site for _, site in changed}
    for one in accounts:
        if (one.kind, one.value_hash) in values:
            sites.update(use.site for use in one.uses)
    return {(one.kind, one.value_hash) for one in accounts if any(use.site in sites for use in one.uses)}


def _copiers(connection: sqlite3.Connection, touched: Touched) -> _Ties:
    """Return the ties by common articles of the sites that were touched, as they stand and as they are to be."""
    couples = set(touched.couples)
    for column in ("site_a", "site_b"):
        sql = f"SELECT site_a, site_b FROM farming_pairs WHERE {column} = ? AND articles >= ?"  # noqa: S608  # constants
        for site in touched.sites:
            couples.update(connection.execute(sql, (site, COPIES)))
    old = _ties(connection, "site_a = ? AND site_b = ? AND kind = 'copies'", sorted(couples))
    sql = f"{_SHARED} WHERE p.site_a = ? AND p.site_b = ?"
    shared = [row for couple in sorted(couples) for row in connection.execute(sql, couple)]
    return _Ties(old, list(copy_ties(shared)))


def _count_documents(connection: sqlite3.Connection, gained: Mapping[str, int]) -> None:
    sql = "UPDATE farms SET documents = documents + ? WHERE id = (SELECT farm_id FROM farm_sites WHERE site = ?)"
    connection.executemany(sql, [(number, site) for site, number in sorted(gained.items()) if number])


# --- the tables -----------------------------------------------------------------------------------------------------

_SHARED = """SELECT p.site_a, p.site_b, p.articles, a.articles, b.articles FROM farming_pairs AS p
    JOIN farming_sites AS a ON a.site = p.site_a JOIN farming_sites AS b ON b.site = p.site_b"""


class _Ties(NamedTuple):
    """The same ties as they stand in the table and as they are to be."""

    old: list[Tie]
    new: list[Tie]


def _owned(connection: sqlite3.Connection, condition: str = "1", values: Sequence[str] = ()) -> list[Owned]:
    """Return contacts and accounts with the sites whose own they are."""
    sql = f"""SELECT kind, value_hash, site, articles FROM farming_uses WHERE own = 1 AND {condition}
        ORDER BY kind, value_hash, site"""  # noqa: S608  # our own conditions
    rows = connection.execute(sql, values).fetchall()
    return [
        Owned(kind, value_hash, mask_of(connection, (kind, value_hash)) or "", [Use(*row[2:]) for row in uses])
        for (kind, value_hash), uses in groupby(rows, key=itemgetter(0, 1))
    ]


def _ties(connection: sqlite3.Connection, condition: str, values: Iterable[Sequence[str]] = ((),)) -> list[Tie]:
    """Return the stored ties that meet a condition, with each of `values` in turn."""
    sql = f"SELECT * FROM farm_ties WHERE {condition}"  # noqa: S608  # our own conditions
    return [Tie(*row) for each in values for row in connection.execute(sql, each)]


def _write_ties(connection: sqlite3.Connection, ties: _Ties) -> set[str]:
    """Write what differs; return the sites that something else ties now, or with another weight."""
    found = difference(ties.old, ties.new)
    delete_rows(connection, "farm_ties", ("site_a", "site_b", "kind", "value_hash"), found)
    write_rows(connection, "farm_ties", found)
    weights = [{row[:4]: Tie(*row).weight for row in rows} for rows in found]
    keys = weights[0].keys() | weights[1].keys()
    return {site for key in keys if weights[0].get(key) != weights[1].get(key) for site in key[:2]}


def _regroup(connection: sqlite3.Connection, moved: Collection[str]) -> None:
    """Find the farms of `moved` and of those in one farm with them; no other site can be tied to these strongly enough."""
    sql = "SELECT farm_id FROM farm_sites WHERE site = ?"
    identifiers = sorted({farm for site in moved for (farm,) in connection.execute(sql, (site,))})
    sql = "SELECT site, farm_id FROM farm_sites WHERE farm_id = ?"
    members = [row for farm in identifiers for row in connection.execute(sql, (farm,))]
    sites = {*moved, *(site for site, _ in members)}
    ties = [
        tie for tie in _ties(connection, "site_a = ?", [(site,) for site in sorted(sites)]) if tie.site_b in sites
    ]
    rows = [connection.execute("SELECT * FROM farms WHERE id = ?", (farm,)).fetchone() for farm in identifiers]
    _write_farms(connection, _Farms(rows, members), _grouped(connection, ties))


class _Farms(NamedTuple):
    """Rows of `farms` and of `farm_sites`."""

    farms: list[tuple[str, int, int, int]]
    sites: list[tuple[str, str]]


def _grouped(connection: sqlite3.Connection, ties: Iterable[Tie]) -> _Farms:
    """Return the farms that the ties make."""
    between: defaultdict[Couple, list[float]] = defaultdict(list)
    for tie in ties:
        between[tie.site_a, tie.site_b].append(tie.weight)
    found = farms_of({couple: sum(weights) for couple, weights in between.items()})
    farm_of = {site: sites[0] for sites in found for site in sites}
    shown = Counter[str]()
    for (one, other), weights in between.items():
        if one in farm_of and farm_of[one] == farm_of.get(other):
            shown[farm_of[one]] += len(weights)
    sql = "SELECT documents FROM farming_sites WHERE site = ?"
    documents = Counter[str]()
    for site, farm in farm_of.items():
        documents[farm] += sum(number for (number,) in connection.execute(sql, (site,)))
    rows = [(sites[0], len(sites), documents[sites[0]], shown[sites[0]]) for sites in found]
    return _Farms(rows, list(farm_of.items()))


def _write_farms(connection: sqlite3.Connection, old: _Farms, new: _Farms) -> None:
    """Write what differs. A site refers to its farm: it is there after that, and gone before it."""
    rows, sites = difference(old.farms, new.farms), difference(old.sites, new.sites)
    delete_rows(connection, "farm_sites", ("site",), sites)
    write_rows(connection, "farms", rows)
    write_rows(connection, "farm_sites", sites)
    delete_rows(connection, "farms", ("id",), rows)
