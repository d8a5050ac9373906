"""Which of the demo's documents belong together, from what their texts are rather than from how they were made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from demo.articles import Article
from demo.gold import Gold

NEAR = 0.8
"""Jaccard similarity of character 5-grams from which two documents count as copies."""


def grams(text: str, size: int = 5) -> frozenset[str]:
    """Return the character n-grams of the letters and digits of `text`."""
    folded = "".join(character for character in text if character.isalnum())
    return frozenset(folded[start : start + size] for start in range(max(1, len(folded) - size + 1)))


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Return the share of n-grams that two texts have in common."""
    return len(left & right) / (len(left | right) or 1)


def assign_clusters(gold: Iterable[Gold], articles: Mapping[str, Article]) -> list[Gold]:
    """Return `gold` with `cluster` and `template_cluster` set where a document has company.

    Documents of one base article are compared; those of different ones are held apart by a test. A page that
    can't be restored belongs to no cluster.
    """
    gold = list(gold)
    families: dict[str, list[Gold]] = defaultdict(list)
    for entry in gold:
        if entry.kind == "article" and entry.article and entry.recoverable and not entry.twin_of:
            families[entry.article].append(entry)
    near: dict[str, str] = {}
    template: dict[str, str] = {}
    for key, family in families.items():
        near |= _near(key, family)
        template |= _template(key, family, near, articles)
    joined = []
    for entry in gold:
        url = entry.twin_of or entry.url
        joined.append(replace(entry, cluster=near.get(url), template_cluster=template.get(url)))
    return joined


def _near(key: str, family: list[Gold]) -> dict[str, str]:
    """Single-link clusters of one family: each URL to its cluster's id, for clusters of at least two."""
    clusters: list[list[tuple[str, frozenset[str]]]] = []
    for entry in sorted(family, key=lambda entry: entry.url):
        own = grams(entry.text)
        linked = [c for c in clusters if any(jaccard(own, other) >= NEAR for _, other in c)]
        merged = [(entry.url, own), *(member for cluster in linked for member in cluster)]
        clusters = [c for c in clusters if c not in linked] + [merged]
    return {
        url: f"{key}-{number}"
        for number, cluster in enumerate(clusters, 1)
        if len(cluster) > 1
        for url, _ in cluster
    }


def _template(
    key: str, family: list[Gold], near: Mapping[str, str], articles: Mapping[str, Article]
) -> dict[str, str]:
    """URLs whose masked texts are equal, to one id, where more than one near cluster is among them."""
    groups: dict[str, list[str]] = defaultdict(list)
    for entry in family:
        groups[_masked(entry.text, articles[entry.url])].append(entry.url)
    found: dict[str, str] = {}
    for number, urls in enumerate(groups.values(), 1):
        if len({near.get(url, url) for url in urls}) > 1:
            found |= dict.fromkeys(urls, f"{key}-template-{number}")
    return found


def _masked(text: str, article: Article) -> str:
    for name, mask in ((article.lender, "<lender>"), (article.city, "<city>"), (article.number, "<number>")):
        if name:
            text = text.replace(name, mask)
    return text
