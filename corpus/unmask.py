"""Contacts in clear, only where somebody asks: read again from the archive, never stored.

The corpus holds contacts and accounts hashed with its own salt. What a hash stands for is found by deriving one page
that shows the value and hashing what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from cleaning.findings import Rejected
from corpus.article import Article
from corpus.derivation import derive_one
from corpus.farms import OPERATOR_KINDS, Tie, keyed_hash
from corpus.records import Location, Task
from corpus.store import Corpus


def plain_values(corpus: Corpus, ties: Iterable[Tie]) -> dict[str, str]:
    """Return, by hash, the values that `ties` stand for, as far as the archive still shows them.

    Profile lines and copies are no contact: they have no entry.
    """
    sites = corpus.sites()
    salt = corpus.salt
    found: dict[str, str] = {}
    wanted = {(tie.kind, tie.value_hash) for tie in ties if tie.kind in OPERATOR_KINDS}
    for kind, value_hash in sorted(wanted):
        task = _page_showing(corpus, kind, value_hash)
        if task is None or value_hash in found:
            continue
        derived = derive_one(corpus.folder, task, sites)
        shown: list[tuple[str, str]] = [(mark.kind, mark.value) for mark in derived.marks]
        if not isinstance(derived.result, Article | Rejected):
            shown += [(contact.kind, contact.value) for contact in derived.result.contacts]
        found.update((keyed_hash(salt, *pair), pair[1]) for pair in shown)
    hashes = {value_hash for _, value_hash in wanted}
    return {value_hash: value for value_hash, value in found.items() if value_hash in hashes}


def _page_showing(corpus: Corpus, kind: str, value_hash: str) -> Task | None:
    """Return the first fetch whose document shows a value."""
    table = "site_marks" if kind == "analytics" else "contacts"
    sql = f"""SELECT f.seq, f.id, f.url, f.site, f.fetched_at, f.warc_file, f.warc_offset, f.warc_length
        FROM {table} AS v JOIN fetches AS f ON f.seq = v.docid
        WHERE v.value_hash = ? AND v.kind = ? ORDER BY v.docid LIMIT 1"""  # noqa: S608  # one of two constants
    row = corpus.connection.execute(sql, (value_hash, kind)).fetchone()
    if row is None:
        return None
    seq, identifier, url, site, fetched_at, *where = row
    return Task(seq, identifier, url, site, fetched_at, Location(*where))
