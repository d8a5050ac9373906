"""What a link is worth: which site it belongs to, whether it is followed, how soon, and if not, why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from crawler.discover import Link
from crawler.focus import LINK_ENOUGH, MIN_TEXT, PAGE_ENOUGH, SURE_AFTER, SURE_SHARE, Focus, too_far
from crawler.frontier import canonical, excluded, host_of, shape, twin
from crawler.site import Cms, Site, cms_of
from crawler.table import Entry
from crawler.traps import Probes, Twins, Watch, folder_of

PRIORITY = Counter(
    {"seed": 100, "sitemap": 90, "feed": 80, "redirect": 75, "article": 60, "next": 40, "list": 30, "link": 10}
)
"""What is fetched first: what leads to pages, then articles, then the lists that lead to more of them."""


@dataclass(slots=True)
class Judge:
    """Judges links by declarations, URL rules and what the run has learned so far. `depth` is the run's limit."""

    depth: int
    watch: Watch = field(default_factory=Watch)
    probes: Probes = field(default_factory=Probes)
    twins: Twins = field(default_factory=Twins)
    weighed: Counter[str] = field(default_factory=Counter)
    shown: Counter[str] = field(default_factory=Counter)
    _at_home: set[str] = field(default_factory=set)
    _unpromised: Counter[str] = field(default_factory=Counter)
    _surprises: Counter[str] = field(default_factory=Counter)
    _cms: dict[str, Cms] = field(default_factory=dict)

    def entry(
        self, link: Link, site: Site, parent: Entry | None, *, kind: str | None = None, found_at: str | None = None
    ) -> Entry:
        """Return a link's frontier entry, with `why` if it is to be left out.

        `parent` is the entry whose page it stands on, `found_at` the URL that named it where that is no entry.
        """
        page_type = self.page_type(site, link.key)
        kind = _kind(kind or link.kind, page_type)
        # A list's next page is no deeper than the list; `Watch` ends the lists that don't.
        level = parent is None or kind in ("redirect", "next") or shape(link.key) == shape(parent.key)
        away = self._away(link, site, parent, level=level)
        entry = Entry(
            key=link.key,
            url=link.url,
            site=site.name,
            host=host_of(link.key),
            kind=kind,
            priority=PRIORITY[kind] + self._promise(link, site, parent, away),
            depth=0 if parent is None else parent.depth + (not level),
            hops=parent.hops + 1 if parent is not None and kind == "redirect" else 0,
            parent=found_at or (parent.key if parent else None),
            anchor=link.text,
            away=away,
        )
        why = excluded(link.key, site.scope) or self._unwanted(entry, site, page_type)
        return entry if why is None else replace(entry, why=why)

    def _unwanted(self, entry: Entry, site: Site, page_type: str | None) -> str | None:
        """Return why an entry within scope is not to be followed, or None."""
        if page_type == "skip":
            return "pattern"
        if self.pool(entry.host, site):
            return "pool"
        if entry.depth > self.depth or (site.budget.depth is not None and entry.depth > site.budget.depth):
            return "depth"
        if site.patterns.strict and entry.kind == "link":
            return "no-pattern"
        return self.watch.closed(entry.key)

    # Focus

    def weighs(self, site: Site) -> bool:
        """Return whether it is asked how much the pages of a site are about the subject."""
        return self._focus(site) is not None

    def weigh(self, entry: Entry, site: Site, text: str, title: str) -> float | None:
        """Return how much a page is about the subject, and count it; None where that isn't asked."""
        focus = self._focus(site)
        if focus is None or len(text) < MIN_TEXT:
            return None
        score = round(focus.page(text, title).score, 3)
        self.weighed[site.name] += 1
        self.shown[site.name] += score >= PAGE_ENOUGH
        if entry.kind == "seed" and score >= PAGE_ENOUGH:
            self._at_home.add(site.name)
        if focus.link(entry.anchor, entry.url).score < LINK_ENOUGH:
            self._unpromised[site.name] += 1
            self._surprises[site.name] += score >= PAGE_ENOUGH
        return score

    def counts(self) -> Iterator[tuple[str, tuple[int, int, int, bool]]]:
        """Yield for each weighed site: pages weighed, pages that promised nothing and of those the ones on the subject,
        and whether its front page is on it."""
        for site, weighed in self.weighed.items():
            yield site, (weighed, self._unpromised[site], self._surprises[site], site in self._at_home)

    def recall(self, site: str, weighed: int, unpromised: int, surprises: int, *, at_home: bool) -> None:
        """Take up what an earlier run has counted (`counts`)."""
        self.weighed[site] = weighed
        self._unpromised[site] = unpromised
        self._surprises[site] = surprises
        if at_home:
            self._at_home.add(site)

    def too_far(self, entry: Entry, site: Site) -> bool:
        """Return whether an entry is too far from the subject to be followed."""
        focus = self._focus(site)
        if focus is None or focus.cut == "never" or entry.kind in ("seed", "sitemap", "feed", "redirect"):
            return False
        if focus.cut == "once-shown" and not self.shown[site.name]:
            return False
        return too_far(focus.link(entry.anchor, entry.url).score, entry.away)

    def _focus(self, site: Site) -> Focus | None:
        """Return a site's focus, None where it has none or needs none."""
        return None if self._all_about_it(site.name) else site.focus

    def _all_about_it(self, name: str) -> bool:
        """Return whether a whole site is about the subject, so that nothing of it needs weighing.

        What comes first is no sample, for the focus has chosen it: the front page must be on the subject too, or what
        was fetched without promising anything.
        """
        if name in self._at_home and self._mostly(self.shown[name], self.weighed[name]):
            return True
        return self._mostly(self._surprises[name], self._unpromised[name])

    @staticmethod
    def _mostly(on: int, of: int) -> bool:
        return of >= SURE_AFTER and on >= SURE_SHARE * of

    def _away(self, link: Link, site: Site, parent: Entry | None, *, level: bool) -> int:
        """Return how many pages off the subject, in a row, lead up to a link."""
        if parent is None or self._focus(site) is None:
            return 0
        if parent.kind in ("sitemap", "feed"):
            # Such a list says nothing of its own: one step, so that what promises something goes first.
            return 1
        if parent.relevance is None:
            return parent.away
        if parent.relevance >= PAGE_ENOUGH:
            return 0
        # The next page of a list is as far as the list is.
        return parent.away + (not level or parent.away == 0)

    def _promise(self, link: Link, site: Site, parent: Entry | None, away: int) -> int:
        focus = self._focus(site)
        if focus is None:
            return 0
        page = parent.relevance or 0.0 if parent is not None else 0.0
        return focus.priority(focus.link(link.text, link.url).score, page, away)

    def page_type(self, site: Site, key: str) -> str | None:
        """Return what a site's patterns, or else those of its content management system, take a URL for."""
        found = site.patterns.page_type(key)
        if found is None and not site.patterns.article and (cms := self._cms.get(host_of(key))):
            found = cms.patterns.page_type(key)
        return found

    def generated_by(self, host: str, generator: str) -> None:
        """Note a page's generator mark."""
        if generator and host not in self._cms and (cms := cms_of(generator)):
            self._cms[host] = cms

    def pool(self, host: str, site: Site) -> bool:
        """Return whether a host is, or is to be taken for, a spider pool."""
        if host in self.probes.pools:
            return True
        return site.scope.subdomains and host not in site.scope.hosts and self._wild(site)

    def _wild(self, site: Site) -> bool:
        return self.probes.wild(host for host in self.probes.pools if f"http://{host}/" in site.scope)

    def is_alias(self, host: str, site: Site) -> bool:
        """Return whether a host is proved to be its twin under another name, and is not the one the site is known by."""
        return self.twins.same(host) is True and host != self.known_by(host, site)

    def known_by(self, host: str, site: Site) -> str:
        """Return which of a host and its twin the site's seeds name."""
        named = [host_of(canonical(seed)) for seed in site.seeds]
        return host if host in named or twin(host) not in named else twin(host)

    def main_name(self, link: Link, site: Site) -> Link:
        """Return a link to an alias (a `www` twin, a default document) as a link to what it is an alias of."""
        if self.is_alias(host_of(link.key), site):
            link = link._replace(url=self.twins.counterpart(link.url), key=self.twins.counterpart(link.key))
        if (place := self.twins.plain(link.key)) is not None:
            link = link._replace(url=folder_of(link.url)[0], key=place)
        return link


def _kind(kind: str, page_type: str | None) -> str:
    """Return an entry's kind: a declared pattern says more than how the link looks."""
    if kind == "next" and page_type == "list":
        return "next"
    return page_type if kind in ("link", "next") and page_type in ("article", "list") else kind


def has_twin(host: str, site: Site) -> bool:
    """Return whether a host's `www` twin is in a site's scope too."""
    return f"http://{twin(host)}/" in site.scope
