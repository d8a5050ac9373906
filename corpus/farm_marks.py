"""Statistics and advertising accounts that a page's source names, and values as a corpus keeps them: hashed and masked."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable
from typing import Literal, NamedTuple

from cleaning.words import needles


class Mark(NamedTuple):
    """The id of an account that a page's code carries, in clear: `service:id`."""

    kind: Literal["analytics"]
    value: str


# What the services' own installation snippets look like, each with the words that it begins with: to look for those
# costs a hundredth of the search. Every quantifier is bounded or over one class: linear.
_ACCOUNTS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    ("baidu", "hm.baidu.com/h", re.compile(r"hm\.baidu\.com/(?:hm|h)\.js\?([0-9a-f]{32})\b")),
    ("google", "UA-", re.compile(r"\b(UA-\d{4,10}-\d{1,4})\b(?=[\"'&])")),
    ("google", "GTM-", re.compile(r"\b(GTM-[A-Z0-9]{4,9})\b(?=[\"'&])")),
    ("google", "G-", re.compile(r"\b(G-[A-Z0-9]{8,12})\b(?=[\"'&])")),
    ("adsense", "ca-pub-", re.compile(r"\bca-(pub-\d{10,20})\b")),
    (
        "cnzz",
        "cnzz.com/",
        re.compile(r"cnzz\.com/(?:z_|q_)?(?:stat|core|c)\.(?:php|js)\?[^\"'\s]{0,80}?\b(?:web_)?id=(\d{5,12})\b"),
    ),
    ("51la", "js.users.51.la/", re.compile(r"js\.users\.51\.la/(\d{5,12})\.js")),
    ("51la", "LA.init(", re.compile(r"\bLA\.init\(\{\s{0,9}id\s{0,9}:\s{0,9}[\"']([A-Za-z0-9]{8,32})[\"']")),
    ("clarity", "clarity.ms/tag/", re.compile(r"clarity\.ms/tag/([a-z0-9]{8,16})\b")),
)


_SERVICES = needles(*(words.encode() for _, words, _ in _ACCOUNTS))


def names_services(body: bytes) -> bool:
    """Return whether a page's bytes hold the words that some service's snippet can't be without.

    All words in one go: looked for one after the other they take three times as long, and most pages hold none.
    """
    return _SERVICES.within(body)


def account_marks(html: str) -> tuple[Mark, ...]:
    """Return the statistics and advertising accounts that a page's source names, without repeats, in order."""
    ends: dict[int, int] = {}
    values = set()
    # Account ids and the scripts around them are ASCII: what stands for another character moves nothing.
    for number, place in _SERVICES.places(html.encode("latin-1", "replace")):
        service, _, pattern = _ACCOUNTS[number]
        if place >= ends.get(number, 0) and (found := pattern.match(html, place)) is not None:
            values.add(f"{service}:{found[1]}")
            ends[number] = found.end()
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
            (docid, mark.kind, keyed_hash(salt, mark.kind, mark.value), mask_mark(mark.value))
            for docid, mark in marks
        ],
    )


def mask_mark(value: str) -> str:
    """Return an account's `service:id` as it is shown."""
    service, _, account = value.partition(":")
    return f"{service}:{mask_value(account)}"
