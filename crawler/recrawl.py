"""Looking again: what to ask a server, what its answer means, and when the next look is due. Pure.

The estimator: a page changes at random times, at a rate of its own. Of `looks` intervals, `changes` showed a change; the
chance that one does is estimated as (changes + 1/2) / (looks + 1), which is the observed share with one more look at the
prior interval that half changed, so that nothing is certain after a few looks. With exponential waiting times the rate is
-ln(1 - chance) / mean interval (Cho and Garcia-Molina, "Estimating frequency of change", 2003, use the same form with
another correction of bias). The next look is due when a change has become as likely as not: after ln 2 / rate. Before
any second look that is the prior interval itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from corpus import archive
from corpus.records import Fetch

DAY = 86_400.0

PRIOR_ARTICLE = 30 * DAY
"""An article is corrected within weeks or never."""

PRIOR_LIST = DAY
"""A list shows new articles daily."""

MIN_INTERVAL = DAY / 4
MAX_INTERVAL = 180 * DAY
"""No page is looked at more often than four times a day, and none is forgotten for longer than half a year."""

MAX_VALIDATOR = 500
"""Characters of an ETag or date that are sent back; servers write some 40."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What is known of a URL from being fetched: how often, how many changes that showed, when (seconds of the epoch)."""

    url: str
    looks: int
    changes: int
    first: float
    last: float
    document: bool


def conditions(previous: Fetch) -> dict[str, str]:
    """Return the request headers that ask for a page only if it has changed since (RFC 9110, section 13.1)."""
    asked = {"If-None-Match": previous.header("etag"), "If-Modified-Since": previous.header("last-modified")}
    return {name: value for name, value in asked.items() if value and _sendable(value)}


def _sendable(value: str) -> bool:
    return len(value) <= MAX_VALIDATOR and value.isascii() and value.isprintable()


def revisit(previous: Fetch, fetch: Fetch) -> Fetch | None:
    """Return the record of a look that showed nothing new: 304, or the same bytes again; None for anything else."""
    same = fetch.status == previous.status and fetch.body == previous.body and not fetch.truncated
    if fetch.status != 304 and not same:
        return None
    return replace(fetch, kind="revisit", body=b"", refers_to=archive.reference(previous))


def shown(previous: Fetch, record: Fetch) -> Fetch:
    """Return what a revisit showed: the bytes of before, at the time of now."""
    return replace(previous, fetched_at=record.fetched_at, crawl_id=record.crawl_id, status=record.status)


def interval(looks: int, changes: int, seconds: float, prior: float) -> float:
    """Return the seconds from the last look to the next: `looks` comparisons over `seconds`, `changes` of them changed."""
    changes = min(changes, looks)
    chance = (changes + 0.5) / (looks + 1)
    mean = (max(seconds, 0.0) + prior) / (looks + 1)
    rate = -math.log(1 - chance) / mean
    return min(MAX_INTERVAL, max(MIN_INTERVAL, math.log(2) / rate))


def due(known: Looks) -> float:
    """Return when a URL is to be looked at again, in seconds of the epoch."""
    prior = PRIOR_ARTICLE if known.document else PRIOR_LIST
    return known.last + interval(known.looks - 1, known.changes, known.last - known.first, prior)
