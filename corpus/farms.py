"""Farms: sites that one operator runs, told by what they share, with the evidence for every tie.

A tie joins two sites by one piece of evidence. Each kind has a weight, and two sites whose ties add up to 1 belong
to one farm:

* `phone`, `qq`, `wechat`, `email` and `analytics` (a statistics account's id) weigh 1: they name the operator. A hotline
  (400..., 12378) is no evidence, and neither is a contact that stands on few of a site's pages: it is an article's,
  and came with a copied article.
* `profile` weighs .5: at least PROFILE_LINES long chrome lines that few other sites have.
* `copies` weighs .5: at least COPIES articles in common; 1 where that is nearly all that the smaller site has (a mirror).

What many sites share says little: a value on more than COMMON_SITES sites is not counted for `profile`, and ties such
sites one to the next (not each to each) where it names the operator. Everything is computed from the tables as they
stand, in order of names and hashes, so it depends on nothing else. Nothing here commits.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Literal, NamedTuple

from corpus.fingerprint import fold

TieKind = Literal["phone", "qq", "wechat", "email", "analytics", "profile", "copies"]

OPERATOR_KINDS: tuple[TieKind, ...] = ("phone", "qq", "wechat", "email", "analytics")
WEIGHTS: dict[TieKind, float] = {**dict.fromkeys(OPERATOR_KINDS, 1.0), "profile": 0.5, "copies": 0.5}
ENOUGH = 1.0
"""Sum of weights that makes two sites one farm's."""

COMMON_SITES = 20
"""More sites than this share what a theme, a content system or a market of copied articles gives to everybody."""

OWN_SHARE = 0.1
OWN_ARTICLES = 3
"""A contact is its site's own when it stands with this share of the site's articles or this many, whichever is less;
copies of one article count once."""

PROFILE_LINES = 3
PROFILE_LINE_LENGTH = 12
"""Folded characters; shorter chrome lines (首页, 上一篇) are everybody's."""

COPIES = 3
MIRROR_SHARE = 0.8
MIRROR_ARTICLES = 5

DDL = (
    """CREATE TABLE site_marks (  -- ids of statistics and advertising accounts that a page carries
    docid INTEGER NOT NULL REFERENCES documents(docid) ON DELETE CASCADE,
    kind TEXT NOT NULL,  -- analytics
    value_hash TEXT NOT NULL,  -- BLAKE2b keyed with this corpus' own salt
    masked TEXT NOT NULL,
    PRIMARY KEY (docid, kind, value_hash)
) WITHOUT ROWID""",
    """CREATE TABLE farms (  -- sites that one operator runs
    id TEXT PRIMARY KEY,  -- its first site by name
    sites INTEGER NOT NULL,
    documents INTEGER NOT NULL,
    ties INTEGER NOT NULL
) WITHOUT ROWID""",
    """CREATE TABLE farm_sites (  -- which sites belong to a farm
    site TEXT PRIMARY KEY,
    farm_id TEXT NOT NULL REFERENCES farms(id)
) WITHOUT ROWID""",
    """CREATE TABLE farm_ties (  -- what two sites share; a tie too weak alone for a farm is kept too
    site_a TEXT NOT NULL,
    site_b TEXT NOT NULL,
    kind TEXT NOT NULL,  -- phone, qq, wechat, email, analytics, profile, copies
    value_hash TEXT NOT NULL,  -- the shared value, BLAKE2b keyed with this corpus' own salt; empty for copies
    masked TEXT NOT NULL,  -- the same for people to read
    weight REAL NOT NULL,
    evidence INTEGER NOT NULL,  -- documents that show it on the site with fewer; lines or articles shared
    PRIMARY KEY (site_a, site_b, kind, value_hash)
) WITHOUT ROWID""",
)
TABLES = ("farm_ties", "farm_sites", "farms", "site_marks")


class Mark(NamedTuple):
    """The id of an account that a page's code carries, in clear: `service:id`."""

    kind: Literal["analytics"]
    value: str


class Tie(NamedTuple):
    """One piece of evidence that two sites (`site_a < site_b`) are one operator's."""

    site_a: str
    site_b: str
    kind: TieKind
    value_hash: str
    masked: str
    weight: float
    evidence: int


class Farm(NamedTuple):
    """A farm with its sites and the ties between them, in order."""

    id: str
    sites: tuple[str, ...]
    documents: int
    ties: tuple[Tie, ...]


# --- marks ----------------------------------------------------------------------------------------------------------

# What the services' own installation snippets look like, each behind words that it can't be without: to look for those
# costs a hundredth of the search. Every quantifier is bounded or over one class: linear.
_ACCOUNTS: tuple[tuple[str, tuple[str, ...], re.Pattern[str]], ...] = (
    ("baidu", ("hm.baidu.com/h",), re.compile(r"hm\.baidu\.com/(?:hm|h)\.js\?([0-9a-f]{32})\b")),
    (
        "google",
        ("UA-", "GTM-", "G-"),
        re.compile(r"\b(UA-\d{4,10}-\d{1,4}|GTM-[A-Z0-9]{4,9}|G-[A-Z0-9]{8,12})\b(?=[\"'&])"),
    ),
    ("adsense", ("ca-pub-",), re.compile(r"\bca-(pub-\d{10,20})\b")),
    (
        "cnzz",
        ("cnzz.com/",),
        re.compile(r"cnzz\.com/(?:z_|q_)?(?:stat|core|c)\.(?:php|js)\?[^\"'\s]{0,80}?\b(?:web_)?id=(\d{5,12})\b"),
    ),
    ("51la", ("js.users.51.la/",), re.compile(r"js\.users\.51\.la/(\d{5,12})\.js")),
    ("51la", ("LA.init(",), re.compile(r"\bLA\.init\(\{\s{0,9}id\s{0,9}:\s{0,9}[\"']([A-Za-z0-9]{8,32})[\"']")),
    ("clarity", ("clarity.ms/tag/",), re.compile(r"clarity\.ms/tag/([a-z0-9]{8,16})\b")),
)


def account_marks(html: str) -> tuple[Mark, ...]:
    """Return the statistics and advertising accounts that a page's source names, without repeats, in order."""
    values = {
        f"{service}:{found}"
        for service, needed, pattern in _ACCOUNTS
        if any(words in html for words in needed)
        for found in pattern.findall(html)
    }
    return tuple(Mark("analytics", value) for value in sorted(values))


def keyed_hash(salt: bytes, kind: str, value: str) -> str:
    """Return 32 hex digits that stand for a value within one corpus and can't be looked up outside it."""
    return hashlib.blake2b(f"{kind}:{value}".encode(), key=salt, digest_size=16).hexdigest()


def mask_value(value: str) -> str:
    """Return `value` with its middle hidden: enough for a person to recognise, too little to look up."""
    shown = min(3, len(value) // 4)
    return value[:shown] + "*" * (len(value) - 2 * shown) + value[len(value) - shown :]


def add_marks(connection: sqlite3.Connection, salt: bytes, marks: Iterable[tuple[int, Mark]]) -> None:
    """Store the marks of documents, given by docid."""
    connection.executemany(
        "INSERT OR IGNORE INTO site_marks (docid, kind, value_hash, masked) VALUES (?, ?, ?, ?)",
        [
            (docid, mark.kind, keyed_hash(salt, mark.kind, mark.value), _mask_mark(mark.value))
            for docid, mark in marks
        ],
    )


def _mask_mark(value: str) -> str:
    service, _, account = value.partition(":")
    return f"{service}:{mask_value(account)}"


# --- ties -----------------------------------------------------------------------------------------------------------


def rederive(
    connection: sqlite3.Connection, salt: bytes, profile_lines: Mapping[str, Iterable[str]] | None = None
) -> None:
    """Make `farm_ties`, `farms` and `farm_sites` again from documents, contacts, marks, clusters and profiles.

    `profile_lines` maps a site to the chrome lines learned of it.
    """
    sizes = _site_sizes(connection)
    ties = [
        *_operator_ties(_own_values(connection, sizes)),
        *_profile_ties(salt, profile_lines or {}),
        *_copy_ties(_shared_articles(connection), sizes),
    ]
    for table in ("farm_ties", "farm_sites", "farms"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608  # constants
    connection.executemany("INSERT INTO farm_ties VALUES (?, ?, ?, ?, ?, ?, ?)", sorted(ties))
    farm_of = {site: sites[0] for sites in _groups(ties) for site in sites}
    counts = Counter(farm_of.get(tie.site_a) for tie in ties if farm_of.get(tie.site_a) == farm_of.get(tie.site_b))
    # The farms stand before their sites, which refer to them.
    connection.executemany(
        "INSERT INTO farms (id, sites, documents, ties) VALUES (?, 0, 0, ?)",
        sorted((farm, counts[farm]) for farm in set(farm_of.values())),
    )
    connection.executemany("INSERT INTO farm_sites (site, farm_id) VALUES (?, ?)", sorted(farm_of.items()))
    connection.execute("""UPDATE farms SET
        sites = (SELECT count(*) FROM farm_sites AS f WHERE f.farm_id = farms.id),
        documents = (SELECT count(*) FROM farm_sites AS f JOIN documents AS d ON d.site = f.site
            WHERE f.farm_id = farms.id)""")


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


class _Use(NamedTuple):
    """How many articles of a site show a value."""

    site: str
    articles: int


_Value = tuple[TieKind, str]
_ARTICLE = "coalesce(d.cluster_id, d.id)"


def _site_sizes(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many different articles each site has; copies of one article count once."""
    sql = f"SELECT d.site, count(DISTINCT {_ARTICLE}) FROM documents AS d GROUP BY d.site"  # noqa: S608  # constants
    return dict(connection.execute(sql).fetchall())


def _own_values(connection: sqlite3.Connection, sizes: Mapping[str, int]) -> dict[_Value, tuple[str, list[_Use]]]:
    """Return, for each contact or mark, its masked form and the sites whose own it is, in order."""
    sql = f"""SELECT v.kind, v.value_hash, min(v.masked), d.site, count(DISTINCT {_ARTICLE})
        FROM (SELECT docid, kind, value_hash, masked FROM contacts
            UNION ALL SELECT docid, kind, value_hash, masked FROM site_marks) AS v
        JOIN documents AS d ON d.docid = v.docid
        GROUP BY v.kind, v.value_hash, d.site ORDER BY v.kind, v.value_hash, d.site"""  # noqa: S608  # constants
    found: dict[_Value, tuple[str, list[_Use]]] = {}
    for kind, value_hash, masked, site, articles in connection.execute(sql):
        if kind in OPERATOR_KINDS and articles >= min(OWN_ARTICLES, OWN_SHARE * sizes[site]):
            found.setdefault((kind, value_hash), (masked, []))[1].append(_Use(site, articles))
    return found


def _operator_ties(values: Mapping[_Value, tuple[str, Sequence[_Use]]]) -> Iterator[Tie]:
    for (kind, value_hash), (masked, uses) in values.items():
        couples = combinations(uses, 2) if len(uses) <= COMMON_SITES else pairwise(uses)
        for one, other in couples:
            fewer = min(one.articles, other.articles)
            yield Tie(one.site, other.site, kind, value_hash, masked, WEIGHTS[kind], fewer)


def _profile_ties(salt: bytes, profile_lines: Mapping[str, Iterable[str]]) -> Iterator[Tie]:
    """Yield a tie for each pair of sites with enough long lines in common that few other sites have."""
    sites_with: defaultdict[str, set[str]] = defaultdict(set)
    for site, lines in profile_lines.items():
        for line in lines:
            if len(key := fold(line)) >= PROFILE_LINE_LENGTH:
                sites_with[key].add(site)
    shared: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for key, sites in sites_with.items():
        if len(sites) <= COMMON_SITES:
            for couple in combinations(sorted(sites), 2):
                shared[couple].append(key)
    for (one, other), keys in shared.items():
        if len(keys) >= PROFILE_LINES:
            together = "\n".join(sorted(keys))
            masked = mask_value(min(keys))
            yield Tie(
                one, other, "profile", keyed_hash(salt, "profile", together), masked, WEIGHTS["profile"], len(keys)
            )


def _shared_articles(connection: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """Return how many clusters each pair of sites has in common; clusters on too many sites say nothing."""
    sql = "SELECT DISTINCT cluster_id, site FROM documents WHERE cluster_id IS NOT NULL ORDER BY cluster_id, site"
    sites_of: defaultdict[str, list[str]] = defaultdict(list)
    for cluster, site in connection.execute(sql):
        sites_of[cluster].append(site)
    shared: defaultdict[tuple[str, str], int] = defaultdict(int)
    for sites in sites_of.values():
        if len(sites) <= COMMON_SITES:
            for couple in combinations(sites, 2):
                shared[couple] += 1
    return shared


def _copy_ties(shared: Mapping[tuple[str, str], int], sizes: Mapping[str, int]) -> Iterator[Tie]:
    for (one, other), articles in shared.items():
        if articles < COPIES:
            continue
        smaller = min(sizes[one], sizes[other])
        mirror = articles >= MIRROR_ARTICLES and articles >= MIRROR_SHARE * smaller
        weight = ENOUGH if mirror else WEIGHTS["copies"]
        yield Tie(one, other, "copies", "", f"{articles} of {smaller} articles", weight, articles)


def _groups(ties: Iterable[Tie]) -> list[list[str]]:
    """Return the sites of each farm, in order: connected by pairs of sites with enough weight between them."""
    weights: defaultdict[tuple[str, str], float] = defaultdict(float)
    for tie in ties:
        weights[tie.site_a, tie.site_b] += tie.weight
    parent: dict[str, str] = {}
    for (one, other), weight in weights.items():
        if weight >= ENOUGH:
            left, right = _find(parent, one), _find(parent, other)
            parent[max(left, right)] = min(left, right)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for site in sorted(parent):
        groups[_find(parent, site)].append(site)
    return [groups[first] for first in sorted(groups)]


def _find(parent: dict[str, str], site: str) -> str:
    parent.setdefault(site, site)
    while parent[site] != site:
        parent[site] = parent[parent[site]]
        site = parent[site]
    return site
