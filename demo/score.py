"""Scores a corpus's documents against the demo's gold. Pure: gold and documents in, figures out.

Texts are compared after `fold`: width folded, white space gone, so that no indent counts.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from corpus.farms import COPIES
from corpus.records import site_of
from demo.gold import Gold

Document = Mapping[str, Any]
"""A document under `url`, `title`, `text`, `text_source`, `author`, `published`, `category`, `cluster_id`,
`template_cluster_id` and `contacts` (mappings with `kind` and `value`). Only `url` and `text` must be there."""

_SUBSTRING_FROM = 6
"""A stripped line of at least so many characters is looked for inside other lines too; a shorter one (`首页`) only
as a line of its own, since it may well be a part of an honest sentence."""


Tie = tuple[str, str, str, float]
"""Two sites, the kind of what ties them, and its weight."""


class Pair(NamedTuple):
    """One expected article with the document that was found for it."""

    gold: Gold
    document: Document


def fold(text: str) -> str:
    """Return the comparison key of a text: NFKC, without white space."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def folded_lines(text: str) -> list[str]:
    """Return the folded lines of a text that hold something."""
    return [line for line in map(fold, text.splitlines()) if line]


def gram_f1(expected: str, found: str, size: int = 4) -> float:
    """Return the F1 of character n-grams as multisets, 0 to 1; two empty texts agree."""
    left, right = _grams(fold(expected), size), _grams(fold(found), size)
    if not left or not right:
        return float(not left and not right)
    return 2 * (left & right).total() / (left.total() + right.total())


def _grams(text: str, size: int) -> Counter[str]:
    if len(text) < size:
        return Counter([text] if text else [])
    return Counter(text[start : start + size] for start in range(len(text) - size + 1))


def score(gold: Iterable[Gold], documents: Iterable[Document]) -> dict[str, Any]:
    """Return the figures of `documents` against `gold`, grouped by what they measure.

    Every share is from 0 to 1, or None where there was nothing to measure. A document counts for the article
    whose URL, or whose twin's URL, it has.
    """
    gold = list(gold)
    documents = list(documents)
    pairs, found = match(gold, documents)
    whole = [pair for pair in pairs if pair.gold.recoverable]
    return {
        "articles": _articles(gold, found, pairs),
        "rejected": _rejected(gold, documents),
        "fields": {name: _field(pairs, name) for name in ("title", "author", "published", "category")},
        "text": _text(whole, "text"),
        "text_source": _text(whole, "text_source"),
        "unrecoverable": _text([pair for pair in pairs if not pair.gold.recoverable], "text"),
        "spam": _stripped(pairs, [pair.gold.spam_lines for pair in pairs]),
        "chrome": _stripped(pairs, [pair.gold.chrome_lines for pair in pairs]),
        "damage": _damage(pairs),
        "clusters": _pairs_right(pairs, ("cluster",), ("cluster_id",)),
        "templates": _pairs_right(pairs, ("cluster", "template_cluster"), ("cluster_id", "template_cluster_id")),
        "contacts": _contacts(pairs),
    }


def match(gold: Sequence[Gold], documents: Iterable[Document]) -> tuple[list[Pair], dict[str, list[Document]]]:
    """Return each found article's best-named document, and the documents of each article by its own URL."""
    articles = {entry.url: entry for entry in gold if entry.kind == "article"}
    found: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        entry = articles.get(document["url"])
        if entry is not None:
            found[entry.twin_of or entry.url].append(document)
    pairs = [
        Pair(articles[url], min(candidates, key=lambda document: (document["url"] != url, document["url"])))
        for url, candidates in sorted(found.items())
    ]
    return pairs, dict(found)


def _share(part: int | float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _articles(
    gold: Sequence[Gold], found: Mapping[str, Sequence[Document]], pairs: Sequence[Pair]
) -> dict[str, Any]:
    expected = {entry.url for entry in gold if entry.kind == "article" and not entry.twin_of}
    return {
        "expected": len(expected),
        "found": len(pairs),
        "share": _share(len(pairs), len(expected)),
        "missing": sorted(expected - found.keys()),
        "twins_kept_apart": sum(len(candidates) - 1 for candidates in found.values()),
    }


def _rejected(gold: Sequence[Gold], documents: Iterable[Document]) -> dict[str, Any]:
    """Pages without an article must give no document; a document from a URL unknown to the gold is one too many."""
    articles = {entry.url for entry in gold if entry.kind == "article"}
    others = {entry.url: entry.kind for entry in gold if entry.kind != "article"}
    wrong = sorted({document["url"] for document in documents} - articles)
    known_wrong = sum(url in others for url in wrong)
    return {
        "expected": len(others),
        "right": len(others) - known_wrong,
        "share": _share(len(others) - known_wrong, len(others)),
        "documents_from_no_article": wrong,
        "disallowed_fetched": sum(others.get(url) == "disallowed" for url in wrong),
    }


def _field(pairs: Sequence[Pair], name: str) -> dict[str, Any]:
    """How often a field is right, where the page states it; of a date the day counts, not the zone it is told in."""
    stated = [pair for pair in pairs if getattr(pair.gold, name)]
    right = sum(_same_field(name, getattr(pair.gold, name), pair.document.get(name)) for pair in stated)
    return {"of": len(stated), "right": right, "share": _share(right, len(stated))}


def _same_field(name: str, expected: str, found: str | None) -> bool:
    if found is None:
        return False
    return expected[:10] == found[:10] if name == "published" else fold(expected) == fold(found)


def _text(pairs: Sequence[Pair], name: str) -> dict[str, Any]:
    expected = [folded_lines(getattr(pair.gold, name)) for pair in pairs]
    found = [folded_lines(pair.document.get(name) or "") for pair in pairs]
    exact = sum(left == right for left, right in zip(expected, found))
    f1 = sum(gram_f1("\n".join(left), "\n".join(right)) for left, right in zip(expected, found))
    lost = sum((Counter(left) - Counter(right)).total() for left, right in zip(expected, found))
    return {
        "of": len(pairs),
        "exact": exact,
        "exact_share": _share(exact, len(pairs)),
        "f1": _share(f1, len(pairs)),
        "lines": sum(map(len, expected)),
        "lines_lost": lost,
    }


def _stripped(pairs: Sequence[Pair], unwanted: Sequence[Sequence[str]]) -> dict[str, Any]:
    """How many of the lines that aren't the article's are gone from the document's text."""
    left: list[str] = []
    total = 0
    for pair, lines in zip(pairs, unwanted):
        own, found = fold(pair.gold.text), folded_lines(pair.document.get("text") or "")
        keys = [key for key in map(fold, lines) if key and key not in own]
        total += len(keys)
        left += [f"{pair.gold.url} {key}" for key in keys if _remains(key, found)]
    return {
        "lines": total,
        "left": len(left),
        "stripped_share": _share(total - len(left), total),
        "left_lines": left,
    }


def _remains(key: str, lines: Sequence[str]) -> bool:
    return any(key == line or (len(key) >= _SUBSTRING_FROM and key in line) for line in lines)


def _damage(pairs: Sequence[Pair]) -> dict[str, dict[str, Any]]:
    """By mechanism: the pages that carry it and can be restored, how many came back exactly, their F1."""
    by_mechanism: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        for mechanism in {str(damage["mechanism"]) for damage in pair.gold.damage}:
            if pair.gold.recoverable:
                by_mechanism[mechanism].append(pair)
    return {mechanism: _repaired(by_mechanism[mechanism]) for mechanism in sorted(by_mechanism)}


def _repaired(pairs: Sequence[Pair]) -> dict[str, Any]:
    text = _text(pairs, "text")
    return {"pages": text["of"], "repaired": text["exact"], "share": text["exact_share"], "f1": text["f1"]}


def _pairs_right(pairs: Sequence[Pair], expected: Sequence[str], found: Sequence[str]) -> dict[str, Any]:
    """Precision and recall of the pairs that share the last of the named ids and none of those before it.

    So `templates` counts swapped copies alone, not the exact and near copies inside them. Pages that can't be
    restored are left out: what they resemble is anyone's guess.
    """
    whole = [pair for pair in pairs if pair.gold.recoverable]
    truth = _joined([[getattr(pair.gold, name) for name in expected] for pair in whole])
    claimed = _joined([[pair.document.get(name) for name in found] for pair in whole])
    right = len(truth & claimed)
    return {
        "expected": len(truth),
        "claimed": len(claimed),
        "right": right,
        "precision": _share(right, len(claimed)),
        "recall": _share(right, len(truth)),
        "wrong": [[whole[a].gold.url, whole[b].gold.url] for a, b in sorted(claimed - truth)],
        "missed": [[whole[a].gold.url, whole[b].gold.url] for a, b in sorted(truth - claimed)],
    }


def _joined(ids: Sequence[Sequence[Any]]) -> set[tuple[int, int]]:
    """Index pairs with the same last id (not None) and no earlier id in common."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for index, names in enumerate(ids):
        if names[-1] is not None:
            groups[names[-1]].append(index)
    return {
        (a, b)
        for members in groups.values()
        for a, b in combinations(members, 2)
        if not any(x is not None and x == y for x, y in zip(ids[a][:-1], ids[b][:-1]))
    }


def score_farms(gold: Iterable[Gold], farms: Iterable[Sequence[str]], ties: Iterable[Tie]) -> dict[str, Any]:
    """Return how the farms found (the sites of each, in order) agree with the gold's operators, and by kind the ties.

    `ties` are all, those too weak for a farm among them. Of a contact or an account, a tie is expected where two sites of
    one operator show the same value; of copies, where they have COPIES articles in common. A tie is wrong where it weighs
    something between two sites of different operators: such copies are expected (articles are reprinted), and alone
    they make no farm.
    """
    gold = list(gold)
    operators = {
        site_of(entry.url): entry.farm or f"alone {entry.site}" for entry in gold if entry.kind == "article"
    }
    expected: defaultdict[str, list[str]] = defaultdict(list)
    for site, operator in operators.items():
        expected[operator].append(site)
    truth = {tuple(sorted(sites)) for sites in expected.values() if len(sites) > 1}
    claimed = {tuple(sites) for sites in farms}
    return {
        "expected": len(truth),
        "right": len(truth & claimed),
        "wrong": [list(sites) for sites in sorted(claimed - truth)],
        "missed": [list(sites) for sites in sorted(truth - claimed)],
        "sites_tied_wrongly": sum(len({operators.get(site) for site in sites}) > 1 for sites in claimed),
        "ties": _ties(_expected_ties(gold, operators), list(ties), operators),
    }


def _expected_ties(gold: Iterable[Gold], operators: Mapping[str, str]) -> dict[str, set[tuple[str, str]]]:
    """Return, by kind of evidence, the pairs of one operator's sites that show it."""
    shown: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    clusters: defaultdict[str, set[str]] = defaultdict(set)
    for entry in gold:
        if entry.kind != "article" or entry.twin_of:
            continue
        site = site_of(entry.url)
        values = [(str(contact["kind"]), str(contact["value"])) for contact in entry.contacts]
        for value in [*values, *(("analytics", account) for account in entry.accounts)]:
            shown[value].add(site)
        if entry.cluster:
            clusters[entry.cluster].add(site)
    expected: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for (kind, _), sites in shown.items():
        expected[kind].update(_same_operator(sites, operators))
    shared = Counter(pair for sites in clusters.values() for pair in _same_operator(sites, operators))
    expected["copies"] = {pair for pair, articles in shared.items() if articles >= COPIES}
    return expected


def _same_operator(sites: Iterable[str], operators: Mapping[str, str]) -> list[tuple[str, str]]:
    return [pair for pair in combinations(sorted(sites), 2) if operators[pair[0]] == operators[pair[1]]]


def _ties(
    expected: Mapping[str, set[tuple[str, str]]], found: Sequence[Tie], operators: Mapping[str, str]
) -> dict[str, dict[str, int]]:
    figures = {}
    for kind in sorted({*expected, *(tie[2] for tie in found)}):
        pairs = {tie[:2] for tie in found if tie[2] == kind and tie[3] > 0}
        wrong = {pair for pair in pairs if operators.get(pair[0]) != operators.get(pair[1])}
        right = expected.get(kind, set())
        figures[kind] = {"expected": len(right), "found": len(right & pairs)}
        figures[kind]["between_others" if kind == "copies" else "wrong"] = len(wrong)
    return figures


def _contacts(pairs: Sequence[Pair]) -> dict[str, Any]:
    expected = [{(c["kind"], c["value"]) for c in pair.gold.contacts} for pair in pairs]
    found = [{(c["kind"], c["value"]) for c in pair.document.get("contacts") or ()} for pair in pairs]
    right = sum(len(left & right) for left, right in zip(expected, found))
    total = sum(map(len, expected))
    extra = sum(len(right - left) for left, right in zip(expected, found))
    return {"expected": total, "found": right, "share": _share(right, total), "extra": extra}
