"""What became of a URL, and why: the answer to `yuqi frontier DB --why URL`."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from crawler.focus import LINK_ENOUGH, PAGE_ENOUGH, STEPS, Focus, focus_on
from crawler.frontier import explain, host_of, twin
from crawler.pipelines import read_looks
from crawler.recrawl import due
from crawler.shared import FrontierStore
from crawler.table import Entry
from crawler.traps import folder_of


def account(frontier: FrontierStore, url: str) -> dict[str, Any]:
    """Return what is known of a URL: its canonical form and the rules behind it, its state, and the reasons for that.

    Raises UrlError for a URL that can't be one.
    """
    found = explain(url)
    told: dict[str, Any] = {
        "url": found.url,
        "rules": list(found.why),
        "changes": [f"{step.rule}: {step.before or '-'} -> {step.after or '-'}" for step in found.steps],
    }
    known = frontier.look(found.url)
    if known is None:
        return told | {"state": "unknown", "why": "no fetched page has led to it"} | _twin(frontier, found.url)
    entry, state, status = known
    told |= {"state": state, "status": status, **asdict(entry)}
    if entry.why == "twin":
        told |= _twin(frontier, entry.key)
    connection = frontier.connection
    if connection is None or not _beside_a_corpus(connection):
        return told
    return told | _subject(frontier, connection, entry) | _again(connection, entry)


def _beside_a_corpus(connection: sqlite3.Connection) -> bool:
    sql = "SELECT COUNT(*) FROM sqlite_master WHERE name IN ('crawls', 'fetches', 'documents', 'versions')"
    return bool(connection.execute(sql).fetchone()[0] == 4)


def _twin(frontier: FrontierStore, key: str) -> dict[str, Any]:
    """Return the other address of the same page that was fetched, if there is one."""
    host = host_of(key)
    plain = folder_of(key)[0]
    for other in (plain, *(place.replace(f"://{host}", f"://{twin(host)}", 1) for place in (key, plain))):
        known = frontier.look(other) if other != key else None
        if known is not None and known[1] in ("done", "queued", "leased"):
            return {"same page as": other}
    return {}


def _subject(frontier: FrontierStore, connection: sqlite3.Connection, entry: Entry) -> dict[str, Any]:
    """Return how much a link promised, with the words that did, and how far from the subject it stands."""
    focus = _focus(connection)
    if focus is None:
        return {}
    link = focus.link(entry.anchor, entry.url)
    parent = frontier.look(entry.parent) if entry.parent else None
    page = parent[0].relevance if parent else None
    words = ", ".join(f"{reason.term} {reason.weight}" for reason in link.reasons) or "no word of it"
    told = {
        "link to the subject": f"{link.score:.2f} ({words}); {LINK_ENOUGH} is enough from anywhere",
        "pages off the subject before it": f"{entry.away}; {STEPS} are walked through",
    }
    if page is not None:
        told["page it stands on"] = f"{page:.2f} on the subject; {PAGE_ENOUGH} is enough"
    if entry.why == "off-topic":
        told["off-topic"] = f"too far from the subject ({focus.name}): `--topic off` follows it all the same"
    return told


def _focus(connection: sqlite3.Connection) -> Focus | None:
    """Return the focus of the last crawl, None where it had none or several."""
    row = connection.execute(
        "SELECT json_extract(summary, '$.topic') FROM crawls WHERE kind = 'crawl' AND summary IS NOT NULL"
        " ORDER BY started_at DESC LIMIT 1"
    ).fetchone()
    if row is None or not row[0]:
        return None
    try:
        return focus_on(str(row[0]))
    except ValueError:
        return None


def _again(connection: sqlite3.Connection, entry: Entry) -> dict[str, Any]:
    """Return when a fetched page is due to be looked at again."""
    for known in read_looks(connection, url=entry.url):
        when = datetime.fromtimestamp(due(known), UTC).isoformat(timespec="minutes")
        return {"next look": f"{when} (seen {known.looks} times, {known.changes} changes)"}
    return {}
