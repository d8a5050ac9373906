"""What the pages show, read from the corpus: one function a page, each bounded, each over a read-only connection."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from cleaning.findings import STAGES, Finding
from corpus import archive
from corpus.derive import decoded_body
from corpus.explain import stage_texts
from corpus.farms import Farm, Tie, farms
from corpus.query import QueryError, parse
from corpus.records import Fetch, Location
from corpus.search import Hit, search, spans
from corpus.story import Difference, Swap, differences, swaps
from corpus.web.facets import FACETS, Count, FacetTable, Tally
from corpus.web.trace import Numbered, Piece, trace

PAGE_SIZE = 20
MAX_PAGE = 50
"""Pages of results that can be reached: past a thousand, a narrower query serves better."""

MAX_MEMBERS = 200
MAX_COLUMNS = 8
"""Copies whose swaps stand side by side on a cluster's page."""

MAX_COMPARED = 60_000
"""Characters of each of two texts that are aligned on a cluster's page."""

MAX_TRACED = 300_000
"""Characters of a page whose changes are laid over each other; a longer page is shown by its stages alone."""

MAX_LISTED = 400
"""Findings in the table below a document."""

GRAPH_SITES = 40
"""Sites drawn in a farm's graph; the table holds all."""

TIMELINE_COLUMNS = 60


class UnknownError(Exception):
    """Nothing stands under that id; the text says what was looked for."""


class FacetLink(NamedTuple):
    """A facet's value with how many documents have it, and where choosing (or dropping) it leads."""

    value: str
    documents: int
    share: float
    chosen: bool
    href: str


class Results(NamedTuple):
    """What the search page shows."""

    query: str
    chosen: tuple[tuple[str, str, str], ...]
    error: str | None
    hits: tuple[Hit, ...]
    title_marks: tuple[tuple[tuple[int, int], ...], ...]
    total: int
    page: int
    pages: int
    facets: tuple[tuple[str, tuple[FacetLink, ...]], ...]
    earlier: str | None
    later: str | None
    duplicates: bool
    toggle_duplicates: str


def results(
    connection: sqlite3.Connection,
    tally: Callable[[str], Tally],
    query: str,
    filters: Sequence[str],
    page: int,
    duplicates: bool,
) -> Results:
    """Return one page of what `query` and `filters` (`field:value` each) find, with facets over all of it.

    `tally` counts what a query in full finds.
    """
    chosen = list(dict.fromkeys(pair for text in filters if (pair := _filter(text))))
    page = max(1, min(page, MAX_PAGE))
    asked = " ".join([query.strip(), *(f'{name}:"{value}"' for name, value in chosen)]).strip()
    error: str | None = None
    hits: list[Hit] = []
    words: tuple[str, ...] = ()
    total, counts = 0, dict[str, list[Count]]()
    try:
        total, counts = tally(asked)
        if asked:
            hits, words = (
                search(connection, asked, limit=PAGE_SIZE, offset=PAGE_SIZE * (page - 1), duplicates=duplicates),
                parse(asked).words,
            )
        else:
            hits = _latest(connection, PAGE_SIZE * (page - 1), duplicates)
    except QueryError as problem:
        error, total, counts = str(problem), 0, {}
    pages = min(MAX_PAGE, max(1, math.ceil(total / PAGE_SIZE)))

    def link(filters: Sequence[tuple[str, str]], at: int = 1, all_: bool = duplicates) -> str:
        pairs = [("q", query)] if query else []
        pairs += [("f", f"{name}:{value}") for name, value in filters]
        pairs += [("all", "1")] if all_ else []
        pairs += [("page", str(at))] if at > 1 else []
        return "/?" + urlencode(pairs) if pairs else "/"

    return Results(
        query=query,
        chosen=tuple((name, value, link([c for c in chosen if c != (name, value)])) for name, value in chosen),
        error=error,
        hits=tuple(hits),
        title_marks=tuple(spans(hit.title, words) for hit in hits),
        total=total,
        page=page,
        pages=pages,
        facets=tuple((name, _links(name, counts.get(name, []), chosen, link, total)) for name in FACETS),
        earlier=link(chosen, page - 1) if page > 1 else None,
        later=link(chosen, page + 1) if page < pages else None,
        duplicates=duplicates,
        toggle_duplicates=link(chosen, 1, not duplicates),
    )


def _filter(text: str) -> tuple[str, str] | None:
    name, _, value = text.partition(":")
    return (name, value) if name in FACETS and value and '"' not in value else None


def _links(
    name: str,
    counts: Sequence[Count],
    chosen: Sequence[tuple[str, str]],
    link: Callable[[Sequence[tuple[str, str]]], str],
    total: int,
) -> tuple[FacetLink, ...]:
    found = []
    for value, documents in counts:
        pair = (name, value)
        others = [other for other in chosen if other != pair]
        if '"' not in value:
            leads = link(others if pair in chosen else [*chosen, pair])
            found.append(FacetLink(value, documents, documents / max(total, 1), pair in chosen, leads))
    return tuple(found)


def _latest(connection: sqlite3.Connection, offset: int, duplicates: bool) -> list[Hit]:
    """Return the documents stored last, as hits without marks."""
    sql = f"""SELECT d.id, d.url, d.site, coalesce(d.title, ''), d.published,
            (SELECT count(*) FROM documents AS m WHERE m.cluster_id = d.cluster_id), substr(d.text, 1, 60)
        FROM documents AS d WHERE {"1" if duplicates else "d.duplicate_of IS NULL"}
            AND NOT EXISTS (SELECT 1 FROM tombstones AS t WHERE t.kind = 'url' AND t.value = d.url)
        ORDER BY d.docid DESC LIMIT ? OFFSET ?"""  # noqa: S608  # one of two constants
    rows = connection.execute(sql, (PAGE_SIZE, offset)).fetchall()
    return [
        Hit(key, url, site, title, published, max(1, size), 0.0, text.replace("\n", " "), ())
        for key, url, site, title, published, size, text in rows
    ]


# --- documents ------------------------------------------------------------------------------------------------------


class StageView(NamedTuple):
    """One stage's input with its own findings laid over it."""

    name: str
    pieces: tuple[Piece, ...]
    changes: int


def document(connection: sqlite3.Connection, key: str, stage: str | None) -> dict[str, Any]:
    """Return what the page of the document `key` (id) shows. Raises UnknownError."""
    row = _row(connection, "SELECT * FROM documents WHERE id = ?", (key,), f"document {key}")
    found = findings(connection, row["docid"])
    plain = [finding for _, finding in found]
    texts = stage_texts(row, plain)
    view: dict[str, Any] = {"document": row, "findings": found, "stage": stage if stage in STAGES else None}
    view["too_long"] = len(texts["repair"]) > MAX_TRACED
    if view["stage"]:
        view["pieces"] = _stage_pieces(view["stage"], row, texts, found)
    else:
        stages = [] if view["too_long"] else [_of_stage(found, name) for name in STAGES]
        view["pieces"] = trace(texts["repair"][:MAX_TRACED], stages)
    view["stages"] = [(name, len(_of_stage(found, name))) for name in STAGES]
    view["rules"] = Counter(f.rule for f in plain).most_common()
    view["certainties"] = Counter(f.certainty for f in plain if f.stage == "repair")
    view["listed"] = found[:MAX_LISTED]
    view["contacts"] = connection.execute(
        "SELECT DISTINCT kind, masked FROM contacts WHERE docid = ? ORDER BY kind, masked", (row["docid"],)
    ).fetchall()
    view["fetch"] = _row(connection, "SELECT * FROM fetches WHERE seq = ?", (row["docid"],), "its fetch")
    view["farm"] = connection.execute("SELECT farm_id FROM farm_sites WHERE site = ?", (row["site"],)).fetchone()
    for name in ("lenders", "topics", "quality", "counters"):
        view[name] = json.loads(row[name])
    return view


def findings(connection: sqlite3.Connection, docid: int) -> list[Numbered]:
    """Return a document's findings with their numbers, in order."""
    sql = """SELECT number, stage, rule, "start", "end", before, after, certainty, evidence FROM findings
        WHERE docid = ? ORDER BY number"""
    return [(number, Finding(*rest)) for number, *rest in connection.execute(sql, (docid,))]


def _of_stage(found: Sequence[Numbered], stage: str) -> list[Numbered]:
    return [(number, finding) for number, finding in found if finding.stage == stage]


def _stage_pieces(
    stage: str, row: Mapping[str, Any], texts: Mapping[str, str], found: Sequence[Numbered]
) -> list[Piece]:
    if stage != "script":
        return trace(texts[stage], [_of_stage(found, stage)])
    pieces = []
    for difference in differences(row["text_source"], row["text"]):
        for part in difference.parts or [
            ("equal" if difference.operation == "equal" else "", *_joined(difference))
        ]:
            operation, left, right = part
            pieces.append(Piece(left, right, operation == "delete"))
        pieces.append(Piece("\n", "\n"))
    return pieces


def _joined(difference: Difference) -> tuple[str, str]:
    return "\n".join(difference.left), "\n".join(difference.right)


def fetched(connection: sqlite3.Connection, folder: Path, key: str) -> tuple[Fetch, str]:
    """Return the fetch that the document or rejection `key` came from, read back from the archive, and its encoding.

    Raises UnknownError when there is none, or when the archive no longer gives it.
    """
    sql = """SELECT f.warc_file, f.warc_offset, f.warc_length, coalesce(d.encoding, 'utf-8') FROM fetches AS f
        LEFT JOIN documents AS d ON d.docid = f.seq WHERE f.id = ? LIMIT 1"""
    row = _row(connection, sql, (key,), f"fetch {key}")
    try:
        return archive.read(folder, Location(*tuple(row.values())[:3])), tuple(row.values())[3]
    except archive.ArchiveError as error:
        raise UnknownError(f"the archive does not give its bytes back: {error}") from error


def source_text(fetch: Fetch, encoding: str) -> str:
    """Return a fetch's body as text, undecodable bytes as replacement characters."""
    body = decoded_body(fetch)
    data = body if isinstance(body, bytes) else fetch.body
    try:
        return data.decode(encoding, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


# --- clusters -------------------------------------------------------------------------------------------------------


def cluster(connection: sqlite3.Connection, key: str, chosen: str | None) -> dict[str, Any]:
    """Return what the page of a cluster or template cluster shows; `chosen` is the copy to align. Raises UnknownError."""
    sql = """SELECT id, url, site, title, first_seen, published, duplicate_of, duplicate_kind, similarity
        FROM documents WHERE cluster_id = ?1 OR template_cluster_id = ?1 ORDER BY first_seen, url, id LIMIT ?2"""
    members = [dict(row) for row in connection.execute(sql, (key, MAX_MEMBERS + 1))]
    if not members:
        raise UnknownError(f"no cluster {key}")
    original = next(
        (m for m in members if m["id"] == key), next((m for m in members if not m["duplicate_of"]), members[0])
    )
    copies = [member for member in members if member is not original][:MAX_COLUMNS]
    base = _text(connection, original["id"])
    texts = {member["id"]: _text(connection, member["id"]) for member in copies}
    swapped = {key: swaps(base, text) for key, text in texts.items()}
    by_id = {member["id"]: member for member in members if member is not original}
    differs = {key: (len(swapped[key]), text != base) for key, text in texts.items()}
    other = by_id.get(chosen or "") or max(copies, key=lambda member: differs[member["id"]], default=None)
    view = {
        "cluster": key, "members": members[:MAX_MEMBERS], "more": len(members) > MAX_MEMBERS, "original": original,
        "copies": copies, "matrix": _matrix(copies, swapped), "other": other, "lines": (), "same": False, "swaps": (),
    }  # fmt: skip
    if other is not None:
        text = texts.get(other["id"]) or _text(connection, other["id"])
        view["swaps"] = swapped.get(other["id"]) or swaps(base, text)
        view["lines"] = differences(base, text)
        view["same"] = base == text
    return view


def _text(connection: sqlite3.Connection, key: str) -> str:
    text: str = connection.execute("SELECT text FROM documents WHERE id = ?", (key,)).fetchone()[0]
    return text[:MAX_COMPARED]


def _matrix(
    copies: Sequence[Mapping[str, Any]], swapped: Mapping[str, Sequence[Swap]]
) -> list[tuple[str, str, list[str]]]:
    """Return a row for each name of the original: its kind, the name, and what each copy has in its place."""
    names: Counter[tuple[str, str]] = Counter()
    for found in swapped.values():
        for swap in found:
            names[swap.kind, swap.before] += swap.times
    rows = []
    for (kind, before), _ in names.most_common(20):
        cells = [
            next((s.after for s in swapped[copy["id"]] if (s.kind, s.before) == (kind, before)), "")
            for copy in copies
        ]
        rows.append((kind, before, cells))
    return rows


# --- farms ----------------------------------------------------------------------------------------------------------


class Node(NamedTuple):
    """A site in a farm's graph: where it stands (its label towards the rim) and how large it is drawn."""

    site: str
    x: float
    y: float
    radius: float
    label_x: float
    label_y: float
    anchor: str


class Link(NamedTuple):
    """Two sites' ties, drawn as one line."""

    x1: float
    y1: float
    x2: float
    y2: float
    width: float
    kind: str
    title: str


def all_farms(connection: sqlite3.Connection) -> list[Farm]:
    """Return the farms, those with most sites first."""
    return sorted(farms(connection), key=lambda farm: (-len(farm.sites), -farm.documents, farm.id))


def farm(connection: sqlite3.Connection, key: str) -> dict[str, Any]:
    """Return what the page of a farm shows. Raises UnknownError."""
    found = next((farm for farm in farms(connection) if farm.id == key), None)
    if found is None:
        raise UnknownError(f"no farm {key}")
    sql = """SELECT f.site, count(d.docid) AS documents, coalesce(sum(d.duplicate_of IS NULL), 0) AS articles,
            min(d.first_seen) AS first_seen, max(d.first_seen) AS last_seen
        FROM farm_sites AS f LEFT JOIN documents AS d ON d.site = f.site
        WHERE f.farm_id = ? GROUP BY f.site ORDER BY documents DESC, f.site"""
    sites = [dict(row) for row in connection.execute(sql, (key,))]
    nodes, links = graph([(site["site"], site["documents"]) for site in sites], found.ties)
    return {"farm": found, "sites": sites, "nodes": nodes, "links": links, "left_out": len(sites) - len(nodes)}


def graph(sites: Sequence[tuple[str, int]], ties: Sequence[Tie]) -> tuple[list[Node], list[Link]]:
    """Return a farm's graph on a circle of radius 100 around 0, 0: its largest sites, and the ties between them.

    A circle shows a few dozen sites without one label on another, and the same farm always looks the same.
    """
    drawn = sorted(site for site, _ in sites[:GRAPH_SITES])
    size = dict(sites)
    most = max(size.values(), default=1) or 1
    places: dict[str, tuple[float, float]] = {}
    nodes = []
    for index, site in enumerate(drawn):
        angle = 2 * math.pi * index / len(drawn) - math.pi / 2
        x, y = 100 * math.cos(angle), 100 * math.sin(angle)
        places[site] = x, y
        anchor = "middle" if abs(x) < 25 else "start" if x > 0 else "end"
        radius = 4 + 8 * math.sqrt(size[site] / most)
        out = 1 + (radius + 6) / 100
        label_y = y * out + (4 if abs(x) >= 25 else 10 if y > 0 else -4)
        nodes.append(
            Node(site, round(x, 1), round(y, 1), round(radius, 1), round(x * out, 1), round(label_y, 1), anchor)
        )
    return nodes, _graph_links(places, ties)


def _graph_links(places: Mapping[str, tuple[float, float]], ties: Sequence[Tie]) -> list[Link]:
    between: defaultdict[tuple[str, str], list[Tie]] = defaultdict(list)
    for tie in ties:
        if tie.site_a in places and tie.site_b in places:
            between[tie.site_a, tie.site_b].append(tie)
    links = []
    for (one, other), found in sorted(between.items()):
        weight = sum(tie.weight for tie in found)
        strongest = max(found, key=lambda tie: (tie.weight, tie.kind))
        kinds = ", ".join(sorted({tie.kind for tie in found}))
        (x1, y1), (x2, y2) = places[one], places[other]
        links.append(
            Link(round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1), round(min(6.0, 1 + weight), 1),
                 strongest.kind, f"{one} - {other}: {kinds}")
        )  # fmt: skip
    return links


# --- crawls ---------------------------------------------------------------------------------------------------------


class Column(NamedTuple):
    """One column of a timeline: its label and its parts, (class, from, height) in percent of the tallest."""

    label: str
    total: int
    parts: tuple[tuple[str, float, float], ...]


def runs(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return the runs of crawl and ingest, latest first."""
    rows = connection.execute("SELECT * FROM crawls ORDER BY started_at DESC, id DESC LIMIT 200")
    return [{**dict(row), "targets": json.loads(row["targets"])} for row in rows]


def run(connection: sqlite3.Connection, key: str) -> dict[str, Any]:
    """Return what the page of a run shows: its health, its yield, what it rejected. Raises UnknownError."""
    row = _row(connection, "SELECT * FROM crawls WHERE id = ?", (key,), f"run {key}")
    sql = """SELECT f.site, count(*) AS fetched, sum(f.status BETWEEN 200 AND 299) AS ok,
            sum(f.status BETWEEN 300 AND 399) AS redirected, sum(f.status >= 400) AS failed, sum(f.size) AS bytes,
            count(d.docid) AS documents, sum(d.duplicate_of IS NOT NULL) AS duplicates, count(r.seq) AS rejected,
            min(f.fetched_at) AS started, max(f.fetched_at) AS ended
        FROM fetches AS f LEFT JOIN documents AS d ON d.docid = f.seq LEFT JOIN rejections AS r ON r.seq = f.seq
        WHERE f.crawl_id = ? GROUP BY f.site ORDER BY fetched DESC, f.site"""
    sites = [dict(found) for found in connection.execute(sql, (key,))]
    names = ("fetched", "ok", "redirected", "failed", "bytes", "documents", "duplicates", "rejected")
    totals = {name: sum(site[name] or 0 for site in sites) for name in names}
    reasons = connection.execute(
        """SELECT r.reason, count(*) AS pages FROM fetches AS f JOIN rejections AS r ON r.seq = f.seq
        WHERE f.crawl_id = ? GROUP BY r.reason ORDER BY pages DESC, r.reason""",
        (key,),
    ).fetchall()
    statuses = connection.execute(
        "SELECT status, count(*) AS pages FROM fetches WHERE crawl_id = ? GROUP BY status ORDER BY status", (key,)
    ).fetchall()
    return {
        "run": row, "targets": json.loads(row["targets"]), "summary": json.loads(row["summary"] or "{}"),
        "sites": sites, "totals": totals, "reasons": reasons, "statuses": statuses,
        "timeline": _timeline(connection, key, sites),
    }  # fmt: skip


def _timeline(connection: sqlite3.Connection, key: str, sites: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Return the run's responses over its time, in TIMELINE_COLUMNS equal parts, by what they gave."""
    if not sites:
        return []
    first, last = min(site["started"] for site in sites), max(site["ended"] for site in sites)
    sql = """WITH span AS (SELECT julianday(:first) AS low, max(julianday(:last) - julianday(:first), 1e-9) AS wide)
        SELECT min(:columns - 1, CAST(:columns * (julianday(f.fetched_at) - low) / wide AS INTEGER)) AS place,
            min(f.fetched_at), count(d.docid), count(r.seq), count(*)
        FROM span, fetches AS f LEFT JOIN documents AS d ON d.docid = f.seq LEFT JOIN rejections AS r ON r.seq = f.seq
        WHERE f.crawl_id = :key GROUP BY place ORDER BY place"""
    values = {"first": first, "last": last, "key": key, "columns": TIMELINE_COLUMNS}
    rows = {place: rest for place, *rest in connection.execute(sql, values)}
    most = max((rest[3] for rest in rows.values()), default=1)
    columns = []
    for place in range(TIMELINE_COLUMNS):
        label, documents, rejected, total = rows.get(place, ("", 0, 0, 0))
        at = 0.0
        parts = []
        for name, number in (
            ("documents", documents),
            ("rejected", rejected),
            ("other", total - documents - rejected),
        ):
            height = 100 * number / most
            parts.append((name, round(at, 2), round(height, 2)))
            at += height
        columns.append(Column(label, total, tuple(parts)))
    return columns


def overview(connection: sqlite3.Connection, table: FacetTable) -> dict[str, int]:
    """Return the few numbers at the head of the landing page."""
    return {
        "articles": int(table.shown.sum()),
        "documents": len(table.docids),
        "sites": len(table.columns["site"].values),
        "farms": int(connection.execute("SELECT count(*) FROM farms").fetchone()[0]),
    }


def _row(connection: sqlite3.Connection, sql: str, values: Sequence[Any], what: str) -> dict[str, Any]:
    row = connection.execute(sql, values).fetchone()
    if row is None:
        raise UnknownError(f"no {what}")
    return dict(row)
