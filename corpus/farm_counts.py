"""What farms are told by, as counts: articles of each site, articles that two sites share, who shows which contact.

`count_all` takes them from all documents; `corpus.farm_changes` and `corpus.farm_uses` bring them up to date for some.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations, groupby
from operator import itemgetter
from typing import Literal, NamedTuple

from corpus.farm_tables import COUNTS
from corpus.graph import grouped

OperatorKind = Literal["phone", "qq", "wechat", "email", "analytics"]
OPERATOR_KINDS: tuple[OperatorKind, ...] = ("phone", "qq", "wechat", "email", "analytics")

COMMON_SITES = 20
"""More sites than this share what a theme, a content system or a market of copied articles gives to everybody."""

OWN_SHARE = 0.1
OWN_ARTICLES = 2
"""A contact is its site's own when it stands with this share of the site's articles and at least so many of them (a site
of one article: with that one), not counting articles that another site with the contact has too..."""

OWN_MOST = 0.5
"""...or, copied or not, with this share of them and OWN_ARTICLES: then it is on the page, not in the article."""

Value = tuple[str, str]
"""A contact or account: its kind and its hash."""

Couple = tuple[str, str]
"""Two sites, in order of their names."""


Link = tuple[int, str]
"""What joins copies: the name of a document or cluster (0), or of a template cluster (1)."""


class Place(NamedTuple):
    """A document as farms see it: its site, and what it is a copy of."""

    site: str
    id: str
    cluster: str | None
    template: str | None
    duplicate_of: str | None

    @property
    def article(self) -> str:
        """The article that it is a copy of: exact and near copies count once."""
        return self.cluster or self.id


class Uses(NamedTuple):
    """How many articles of a site show a value, and how many of them no other site with the value has."""

    articles: int
    fresh: int


PLACE = "d.site, d.id, d.cluster_id, d.template_cluster_id, d.duplicate_of"
_ARTICLE = "coalesce(d.cluster_id, d.id)"


# --- everything -----------------------------------------------------------------------------------------------------


def count_all(connection: sqlite3.Connection) -> None:
    """Take all counts from the documents as they stand."""
    for table in COUNTS:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608  # constants
    connection.execute(f"""INSERT INTO farming_sites
        SELECT d.site, count(*), count(DISTINCT {_ARTICLE}) FROM documents AS d GROUP BY d.site""")  # noqa: S608  # constants
    shared = sorted((*couple, articles) for couple, articles in _all_shared(connection).items())
    connection.executemany("INSERT INTO farming_pairs VALUES (?, ?, ?)", shared)
    sizes = dict(connection.execute("SELECT site, articles FROM farming_sites").fetchall())
    masks: Counter[tuple[str, str, str]] = Counter()
    connection.executemany(
        "INSERT INTO farming_uses VALUES (?, ?, ?, ?, ?, ?)",
        (
            (*value, site, *uses, is_own(uses, sizes[site]))
            for value, showing in _all_values(connection, masks)
            for site, uses in sorted(uses_of(showing).items())
        ),
    )
    add_masks(connection, masks)


def add_masks(connection: sqlite3.Connection, masks: Mapping[tuple[str, str, str], int]) -> None:
    """Count documents more (or fewer) that show a value, masked as it is with them."""
    sql = """INSERT INTO farming_values VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET documents = documents + excluded.documents"""
    rows = [(*key, number) for key, number in sorted(masks.items()) if number]
    connection.executemany(sql, rows)
    drop = "DELETE FROM farming_values WHERE kind = ? AND value_hash = ? AND masked = ? AND documents <= 0"
    connection.executemany(drop, [row[:3] for row in rows if row[3] < 0])


def _all_shared(connection: sqlite3.Connection) -> Counter[Couple]:
    """Return how many clusters each pair of sites has in common; clusters on too many sites say nothing."""
    sql = "SELECT DISTINCT cluster_id, site FROM documents WHERE cluster_id IS NOT NULL ORDER BY cluster_id, site"
    shared: Counter[Couple] = Counter()
    for _, rows in groupby(connection.execute(sql), key=itemgetter(0)):
        shared.update(couples_of({site for _, site in rows}))
    return shared


def couples_of(sites: Collection[str]) -> Iterable[Couple]:
    """Return the pairs of sites that a cluster on `sites` says something about."""
    return combinations(sorted(sites), 2) if len(sites) <= COMMON_SITES else ()


def _all_values(
    connection: sqlite3.Connection, masks: Counter[tuple[str, str, str]]
) -> Iterator[tuple[Value, list[Place]]]:
    """Yield each contact or account with the documents that show it; count in `masks` how it is shown."""
    sql = f"""SELECT v.kind, v.value_hash, v.masked, {PLACE}
        FROM (SELECT docid, kind, value_hash, masked FROM contacts
            UNION ALL SELECT docid, kind, value_hash, masked FROM site_marks) AS v
        JOIN documents AS d ON d.docid = v.docid
        ORDER BY v.kind, v.value_hash"""  # noqa: S608  # constants
    for (kind, value_hash), rows in groupby(connection.execute(sql), key=itemgetter(0, 1)):
        if kind in OPERATOR_KINDS:
            found = list(rows)
            masks.update((kind, value_hash, row[2]) for row in found)
            yield (kind, value_hash), [Place(*row[3:]) for row in found]


def uses_of(showing: Collection[Place]) -> dict[str, Uses]:
    """Return, for each site, how many of its articles show a value, by all documents that show it."""
    articles: defaultdict[str, set[str]] = defaultdict(set)
    for one in showing:
        articles[one.site].add(one.article)
    fresh = fresh_of(showing)
    return {site: Uses(len(shown), fresh[site]) for site, shown in articles.items()}


def fresh_of(showing: Collection[Place], spread: Collection[Link] = ()) -> Counter[str]:
    """Return, for each site, how many articles that show a value no other site with the value has a copy of.

    A copy is an exact, near, swapped or embedded one, also of a copy. `spread` are links by which other documents, on
    several sites, hang together.
    """
    pairs = [((0, one.id), link) for one in showing for link in links_of(one)]
    places = {one.id: one for one in showing}
    fresh: dict[tuple[str, str], None] = {}
    for group in grouped([(0, one.id) for one in showing] + [other for _, other in pairs], pairs):
        members = [places[name] for number, name in group if number == 0 and name in places]
        if len({one.site for one in members}) == 1 and not any(link in spread for link in group):
            fresh.update(dict.fromkeys((one.site, one.article) for one in members))
    return Counter(site for site, _ in fresh)


def links_of(one: Place) -> list[Link]:
    """Return what joins a document to its copies."""
    named = ((0, one.duplicate_of), (0, one.cluster), (1, one.template))
    return [(number, name) for number, name in named if name is not None]


def is_own(uses: Uses, size: int) -> bool:
    """Return whether a value is its site's own; `size` is how many articles the site has."""
    return uses.articles >= max(OWN_ARTICLES, OWN_MOST * size) or uses.fresh >= least_own(size)


def least_own(size: int) -> float:
    """Return how many articles must show a value that is its site's own."""
    return max(min(OWN_ARTICLES, size), OWN_SHARE * size)


def mask_of(connection: sqlite3.Connection, value: Value) -> str | None:
    """Return a value as it is shown to people, None where no document shows it."""
    sql = "SELECT min(masked) FROM farming_values WHERE kind = ? AND value_hash = ?"
    masked: str | None = connection.execute(sql, value).fetchone()[0]
    return masked
