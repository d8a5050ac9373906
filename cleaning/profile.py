"""The site profile: lines that repeat over a site's pages are the site's, not the articles'.

Learned in a batch, from all pages at once, so the order of arrival can't matter. Digits are folded (`浏览12次` and
`浏览7次` are one line). Copies of one article must not teach its text as chrome, so pages are counted by what they
are about: pages whose rarest paragraph is the same count once. Copies with a lender's or city's name swapped differ
in the paragraphs that hold the name and share the others; more shared paragraphs than a site has notices are an
article's and are not learned, nor what stands between them. An article's own headings repeat too (`小编导语`,
`一、`); a heading is never learned, nor a line that leads into a paragraph.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import xxhash

from cleaning.folding import fold, letters
from cleaning.shapes import is_heading, is_prose

MIN_PAGES = 4
"""Fewer distinct pages teach nothing: two articles may well share a line by chance."""

MIN_SHARE = 0.3
"""Least share of a site's distinct pages that a line stands on. A site's categories each hold a part of its pages, so
their names and blocks are below one half; an article's line is on one page, however often it was copied."""

PROSE_SHARE = 0.6
"""The same for a paragraph: a notice stands on nearly all pages; articles made from one template share theirs too."""

MAX_NOTICES = 3
"""Most paragraphs that a page may share with nearly all others before they count as an article's: a site has a notice
or two at its pages' foot, a swapped copy shares all but the paragraphs that name the lender."""

MIN_COUNT = 3
"""Fewest distinct pages for any line."""

HEAD_WINDOW = 20
TAIL_WINDOW = 40
"""How many lines from either end of a page are looked at; a site's furniture stands there."""

LONG_LINE = 12
"""Letters from which a learned line is known anywhere; a shorter one (a category's name) only at a page's edges."""

_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class SiteProfile:
    """A site's repeated lines: `lines` maps the comparison key of a line to the number of distinct pages it is on.

    `quotes` are phrases that its pages use: evidence for words that its filter cut out (`repair.site_quotes`).
    """

    site: str
    pages: int
    lines: Mapping[str, int] = field(default_factory=dict)
    quotes: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """A hash of the content: equal profiles have equal versions, whoever learned them, in whatever order."""
        known = [self.site, self.pages, sorted(self.lines.items()), *self.quotes]
        content = json.dumps(known, ensure_ascii=False)
        return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()

    def knows(self, line: str) -> int | None:
        """Return on how many pages a line (as written) was seen, None when it is not the site's."""
        return self.lines.get(line_key(fold(line)))

    def to_dict(self) -> dict[str, Any]:
        """Return a plain dict that `from_dict` reads, for JSON."""
        lines = dict(sorted(self.lines.items()))
        told = {"site": self.site, "pages": self.pages, "version": self.version, "lines": lines}
        return {**told, "quotes": list(self.quotes)} if self.quotes else told

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> SiteProfile:
        """Return the profile that `to_dict` gave. Raises ValueError when its version doesn't fit its content."""
        profile = cls(stored["site"], stored["pages"], dict(stored["lines"]), tuple(stored.get("quotes", ())))
        if stored.get("version", profile.version) != profile.version:
            raise ValueError(f"the stored profile of {profile.site} was changed by hand; run `yuqi learn` again")
        return profile


def line_key(folded: str) -> str:
    """Return what lines are compared by: letters of the fold key, every number as one 0."""
    return letters(_DIGITS.sub("0", folded))


class _Line(NamedTuple):
    code: int
    prose: bool
    heading: bool


class _Seen(NamedTuple):
    """A page as the learner keeps it: its first and last lines and its longest paragraphs, as hashes."""

    head: tuple[_Line, ...]
    tail: tuple[_Line, ...]
    prose: tuple[int, ...]


@dataclass(slots=True)
class _Site:
    """What is kept of a site while pages come in: hashes for every page, text only for lines met twice."""

    pages: dict[int, _Seen] = field(default_factory=dict)
    once: set[int] = field(default_factory=set)
    texts: dict[int, str] = field(default_factory=dict)

    def add(self, lines: Sequence[str]) -> None:
        keys = [key for key in (fold(line).strip() for line in lines) if any(map(str.isalnum, key))]
        if not keys:
            return
        page = xxhash.xxh3_64_intdigest("\n".join(keys).encode("utf-8", "surrogatepass"))
        if page in self.pages:
            return
        known = [self._line(key) for key in keys]
        prose = sorted(
            {(len(key), line.code) for key, line in zip(keys, known, strict=True) if line.prose}, reverse=True
        )
        self.pages[page] = _Seen(
            tuple(known[:HEAD_WINDOW]), tuple(known[-TAIL_WINDOW:]), tuple(c for _, c in prose[:8])
        )

    def _line(self, key: str) -> _Line:
        text = line_key(key)
        code = xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))
        if code in self.once:
            self.texts.setdefault(code, text)
        self.once.add(code)
        return _Line(code, is_prose(key), is_heading(key))


def learn(pages: Iterable[tuple[str, Sequence[str]]]) -> dict[str, SiteProfile]:
    """Return a profile for each site with enough pages, from `(site, lines of a page)` in any order.

    The lines are those of the page text (before anything is stripped). A site with fewer than `MIN_PAGES` distinct
    pages, or without a repeated line, has none.
    """
    sites: dict[str, _Site] = {}
    for site, lines in pages:
        sites.setdefault(site, _Site()).add(lines)
    learned = {name: _profile(name, site) for name, site in sorted(sites.items())}
    return {name: profile for name, profile in learned.items() if profile.lines}


def _profile(name: str, site: _Site) -> SiteProfile:
    subjects = _subjects(site)
    total = len(set(subjects.values()))
    if total < MIN_PAGES:
        return SiteProfile(name, total)
    on_pages = _count(site, subjects)
    prose = {line.code for page in site.pages.values() for line in (*page.head, *page.tail) if line.prose}
    common = {
        code
        for code, about in on_pages.items()
        if len(about) >= max(MIN_COUNT, (PROSE_SHARE if code in prose else MIN_SHARE) * total)
    }
    if _is_template(site, common & prose):
        common -= prose
    at_edge, leading = _places(site, common)
    kept = {
        site.texts[code]: len(on_pages[code])
        for code in common
        if code in site.texts and 2 * at_edge[code] > len(on_pages[code]) and 2 * leading[code] < at_edge[code]
    }
    return SiteProfile(name, total, kept)


def _is_template(site: _Site, shared: set[int]) -> bool:
    """Whether most pages share more paragraphs than a site has notices: then they are copies of one article with
    other names in it, and what they share is the article's."""
    held = (len({line.code for line in (*page.head, *page.tail)} & shared) for page in site.pages.values())
    return 2 * sum(count > MAX_NOTICES for count in held) > len(site.pages)


def _subjects(site: _Site) -> dict[int, int]:
    """Return what each page is about: of its longest paragraphs the one that fewest pages have."""
    spread = Counter(code for page in site.pages.values() for code in page.prose)
    return {
        page: min(seen.prose, key=lambda code: (spread[code], seen.prose.index(code)), default=page)
        for page, seen in site.pages.items()
    }


def _count(site: _Site, subjects: Mapping[int, int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for page, seen in site.pages.items():
        for line in {*seen.head, *seen.tail}:
            found.setdefault(line.code, set()).add(subjects[page])
    return found


def _places(site: _Site, common: set[int]) -> tuple[Counter[int], Counter[int]]:
    """Count, for each common line, the pages where it stands before or after the article's prose, and those where it
    leads directly into it as a heading does."""
    at_edge: Counter[int] = Counter()
    leading: Counter[int] = Counter()
    for seen in site.pages.values():
        edge = _until_prose(seen.head, common)
        at_edge.update({line.code for line in (*edge, *_until_prose(seen.tail[::-1], common)) if not line.heading})
        if edge and len(edge) < len(seen.head):
            leading[edge[-1].code] += 1
    return at_edge, leading


def _until_prose(lines: Sequence[_Line], common: set[int]) -> list[_Line]:
    """Return the lines from a page's end up to the first paragraph that is not itself a common line."""
    edge: list[_Line] = []
    for line in lines:
        if line.prose and line.code not in common:
            break
        edge.append(line)
    return edge
