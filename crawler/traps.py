"""Traps that only show over time, and twins that only content can prove. Pure: no clock, no network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import xxhash

from crawler.frontier import host_of, shape, twin

BARREN_AFTER = 12
"""Pages of one shape in a row without article text or a link that pages of that shape hadn't shown: a calendar, or
pagination past its end. A real list's next page shows other articles, so it never gets there."""

MAX_SEEN_PER_SHAPE = 20_000
MAX_SHAPES = 2_000
MAX_DIGESTS = 20_000
"""Bounds on what is remembered; beyond them something is forgotten, and a trap may take longer to be seen."""

POOL_SIMILARITY = 0.3
"""Two impossible addresses that answer with pages less alike than this (Jaccard of character 5-grams) are written
fresh for every address. One site's error page, asked for twice, is alike but for the address and a few links."""

SOFT_404_SIMILARITY = 0.8
"""A page as like the host's answer to an impossible address as this is that answer."""

POOLS_PER_SITE = 3
"""Hosts of one site found to be pools before all its further hosts are taken for such (wildcard subdomains)."""


def probe_paths(host: str) -> tuple[str, str]:
    """Return two addresses that no site has: the same ones for a host every time."""
    first, second = (xxhash.xxh3_64_hexdigest(f"{turn}:{host}".encode()) for turn in (1, 2))
    return f"/{first}.html", f"/{second[:8]}/{second[8:]}.html"


def grams(text: str) -> frozenset[int]:
    """Return hashes of a text's character 5-grams (at most of its first 4,000 characters)."""
    plain = "".join(text.split())[:4000]
    return frozenset(_hash(plain[at : at + 5]) for at in range(max(1, len(plain) - 4)))


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def _digest(text: str) -> int:
    """Return 63 bits (what SQLite's integers hold) of a page's text without white space and digits."""
    return _hash("".join(char for char in text if not char.isspace() and not char.isdigit())) >> 1


def similarity(a: frozenset[int], b: frozenset[int]) -> float:
    """Return the Jaccard similarity of two sets of grams, 1.0 for two empty ones."""
    union = len(a | b)
    return len(a & b) / union if union else 1.0


@dataclass(slots=True)
class Watch:
    """Counts what each shape of URL leads to, and closes shapes that lead nowhere."""

    barren: Counter[str] = field(default_factory=Counter)
    seen: dict[str, set[int]] = field(default_factory=dict)
    shut: dict[str, str] = field(default_factory=dict)
    # What `crawler.learned` has not written yet.
    changed: set[str] = field(default_factory=set)
    fresh: list[tuple[str, int]] = field(default_factory=list)
    forgot: bool = False

    def written(self) -> None:
        """Note that what has changed is written."""
        self.changed.clear()
        self.fresh.clear()
        self.forgot = False

    def saw(self, key: str, *, wordy: bool, links: Iterable[str]) -> bool:
        """Note a page at `key` with links to these keys; return whether this closed its shape."""
        name = shape(key)
        if name in self.shut:
            return False
        if wordy:
            if self.barren[name]:
                self.barren[name] = 0
                self.changed.add(name)
            return False
        self.changed.add(name)
        if len(self.seen) >= MAX_SHAPES:
            self.seen.clear()
            self.fresh.clear()
            self.forgot = True
        known = self.seen.setdefault(name, set())
        # 63 bits: what SQLite's integers hold.
        new = {_hash(link) >> 1 for link in links if shape(link) != name} - known
        novel = len(new)
        if len(known) < MAX_SEEN_PER_SHAPE:
            known |= new
            self.fresh += ((name, link) for link in new)
        # One stray link (a random article in the margin) doesn't make a page worth its fetch.
        if novel > 1:
            self.barren[name] = 0
            return False
        self.barren[name] += 1
        if self.barren[name] >= BARREN_AFTER:
            self.shut[name] = "barren-shape"
            return True
        return False

    def closed(self, key: str) -> str | None:
        """Return why a URL's shape is closed, or None."""
        return self.shut.get(shape(key)) if self.shut else None


@dataclass(slots=True)
class Probes:
    """What hosts answer to addresses that can't exist."""

    answers: dict[str, list[frozenset[int]]] = field(default_factory=dict)
    pools: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    """Hosts that have given both answers, until `crawler.learned` has written that."""
    _told: Counter[str] = field(default_factory=Counter)

    def answered(self, host: str, text: str | None) -> bool:
        """Note an answer (None for an honest error); return whether the host is now known to be a pool."""
        self._told[host] += 1
        if self._told[host] == len(probe_paths(host)):
            self.done.add(host)
        if text is None:
            return False
        texts = self.answers.setdefault(host, [])
        texts.append(grams(text))
        if len(texts) >= 2 and similarity(texts[0], texts[1]) < POOL_SIMILARITY:
            self.pools.add(host)
            return True
        return False

    def knows(self, host: str) -> bool:
        """Return whether there is an answer of the host's to compare its pages with."""
        return bool(self.answers.get(host)) and host not in self.pools

    def soft_404(self, host: str, text: str) -> bool:
        """Return whether a page is what its host answers to addresses that can't exist."""
        if not self.knows(host):
            return False
        page = grams(text)
        return any(similarity(page, answer) >= SOFT_404_SIMILARITY for answer in self.answers[host])

    def wild(self, hosts: Iterable[str]) -> bool:
        """Return whether so many of these hosts are pools that others of their kind needn't be asked."""
        return len(self.pools.intersection(hosts)) >= POOLS_PER_SITE


_DEFAULT_DOCUMENT = re.compile(r"(?:index|default|home)\.(?:s?html?|php|aspx?|jsp)\Z")


def folder_of(key: str) -> tuple[str, str]:
    """Return a URL's folder and the name of its default document, an empty name for any other URL."""
    place, _, name = key.rpartition("/")
    return (place + "/", name) if _DEFAULT_DOCUMENT.match(name) and "?" not in key else (key, "")


@dataclass(slots=True)
class Twins:
    """Which addresses are one page: a host and its `www` twin, a folder and its default document (`/index.html`).

    Each is proved by two pages alike and none unlike; then it holds for the whole host.
    """

    digests: dict[str, int] = field(default_factory=dict)
    votes: dict[str, int] = field(default_factory=dict)
    unlike: set[str] = field(default_factory=set)
    folders: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    others: set[tuple[str, str]] = field(default_factory=set)

    def saw(self, key: str, text: str) -> None:
        """Note a page's text, and compare it with the twin host's page at the same address."""
        self._compare(key, _digest(text))

    def _compare(self, key: str, digest: int) -> None:
        if len(self.digests) < MAX_DIGESTS:
            self.digests[key] = digest
        other = self.digests.get(self.counterpart(key))
        if other is not None:
            self.vote(host_of(key), alike=other == digest)

    def recall(self, pages: Iterable[tuple[str, int]]) -> None:
        """Learn again what an earlier run saw: the digests (`digests`) of pages, in the order it saw them."""
        for key, digest in pages:
            self._compare(key, digest)
            self._compare_default(key, digest)

    def saw_default(self, key: str, text: str) -> None:
        """Note the text of a folder or of a default document, and compare the one with the other."""
        if self.has_default(key):
            self._compare_default(key, _digest(text))

    @staticmethod
    def has_default(key: str) -> bool:
        """Return whether a URL is a folder's, or that of a folder's default document."""
        return key.endswith("/") or bool(folder_of(key)[1])

    def _compare_default(self, key: str, digest: int) -> None:
        place, name = folder_of(key)
        if not name and not key.endswith("/"):
            return
        if len(self.digests) < MAX_DIGESTS:
            self.digests[key] = digest
        host = host_of(key)
        if name:
            self.folders.setdefault((host, name), set())
            pairs = [(place, name)]
        else:
            pairs = [(key, known) for owner, known in self.folders if owner == host]
        for folder, known in pairs:
            other = self.digests.get(folder if name else folder + known)
            if other is not None:
                self.vote_default(folder, known, alike=other == digest)

    def vote_default(self, place: str, name: str, *, alike: bool) -> None:
        """Note that a folder's default document of this name is, or is not, the folder's own page."""
        pair = (host_of(place), name)
        if alike:
            self.folders.setdefault(pair, set()).add(place)
        else:
            self.others.add(pair)

    def plain(self, key: str) -> str | None:
        """Return the folder that a default document is proved to be the page of, None for any other address."""
        place, name = folder_of(key)
        pair = (host_of(key), name)
        if not name or pair in self.others or len(self.folders.get(pair, ())) < 2:
            return None
        return place

    def vote(self, host: str, *, alike: bool) -> None:
        """Note that a page of `host` is, or is not, its twin's."""
        pair = host.removeprefix("www.")
        if alike:
            self.votes[pair] = self.votes.get(pair, 0) + 1
        else:
            self.unlike.add(pair)

    def same(self, host: str) -> bool | None:
        """Return whether a host is its twin under another name; None while that is open."""
        pair = host.removeprefix("www.")
        if pair in self.unlike:
            return False
        return True if self.votes.get(pair, 0) >= 2 else None

    def comparable(self, key: str) -> bool:
        """Return whether the twin host's page at the same address is known."""
        return self.counterpart(key) in self.digests

    @staticmethod
    def counterpart(key: str) -> str:
        """Return a canonical URL with its host's twin in the host's place."""
        host = host_of(key)
        return key.replace(f"://{host}", f"://{twin(host)}", 1)
