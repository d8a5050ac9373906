"""Which banks, consumer-finance companies and loan apps a text is about.

The names are data (`data/lenders.toml`). One pass takes the leftmost longest names,
among them *decoys*: longer words that contain a name and mean something else (小米手机, 中国银行业, 加工行业).
Works on Simplified text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple, TypeAlias

from cleaning.folding import lowered
from cleaning.together import ARTICLE


class Lender(NamedTuple):
    """An entry of the list: a stable id, the name shown, its kind (`city_bank`, `loan_app` ...), all aliases.

    `ambiguous` are those of the aliases that are also ordinary words.
    """

    id: str
    name: str
    kind: str
    aliases: tuple[str, ...]
    ambiguous: frozenset[str]


class Mention(NamedTuple):
    """A place (half-open character span) where a text names a lender."""

    lender: Lender
    start: int
    end: int


class _Name(NamedTuple):
    """A pattern of the matcher: whose it is (None for a decoy), and whether it needs context."""

    text: str
    lender: Lender | None
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class _Matcher:
    """All names in the order of their list, with what may stand around an ambiguous one."""

    names: tuple[_Name, ...]
    after: re.Pattern[str]
    before: tuple[str, ...]


def find_lenders(text: str, title: str | None = None) -> list[str]:
    """Return the names of the lenders that `text` and `title` name, the most prominent first.

    Those in the title come first, then the more often named, then the earlier.
    """
    in_title = _found(title) if title else ()
    in_text = _found(text)
    firm = {lender.id for lender, _, _, sure in (*in_title, *in_text) if sure == "name"}
    rank: dict[str, list[int]] = {}
    names: dict[str, str] = {}
    for source, found in ((0, in_title), (1, in_text)):
        for lender, start, _, sure in found:
            key = lender.id
            if (seen := rank.get(key)) is not None:
                seen[1] -= sure != "no" or key in firm
            elif sure != "no" or key in firm:
                rank[key], names[key] = [source, -1, start], lender.name
    return [names[key] for key in sorted(rank, key=lambda key: (rank[key], key))]


def lender_counts(text: str) -> dict[str, int]:
    """Return how often `text` names each lender, by its name; the same as counting `lender_mentions`."""
    found = _found(text)
    firm = {lender.id for lender, _, _, sure in found if sure == "name"}
    counts: dict[str, int] = {}
    for lender, _, _, sure in found:
        if sure != "no" or lender.id in firm:
            counts[lender.name] = counts.get(lender.name, 0) + 1
    return counts


def lender_mentions(text: str) -> list[Mention]:
    """Return every place where `text` names a lender, in order, none overlapping."""
    found = _found(text)
    firm = {lender.id for lender, _, _, sure in found if sure == "name"}
    return [Mention(lender, start, end) for lender, start, end, sure in found if sure != "no" or lender.id in firm]


@cache
def lenders() -> tuple[Lender, ...]:
    """Return the list of lenders, in the order of the data file."""
    return tuple(
        Lender(
            key,
            aliases[0].removeprefix("?"),
            kind,
            tuple(alias.removeprefix("?") for alias in aliases),
            frozenset(alias.removeprefix("?") for alias in aliases if alias.startswith("?")),
        )
        for kind, entries in _data()["lenders"].items()
        for key, aliases in entries.items()
    )


_Found: TypeAlias = tuple[Lender, int, int, str]
"""A name in a text and its span; the last is `name`, `context` (ambiguous, but the words around it tell) or `no`."""


@lru_cache(maxsize=4)
def _found(text: str) -> tuple[_Found, ...]:
    """Return the names in a text. The last few are kept: `relevance` asks for what `find_lenders` has just found."""
    matcher = _matcher()
    folded = _lower(text)
    found: list[_Found] = []
    for index, start, end in _places(folded):
        _, lender, ambiguous = matcher.names[index]
        if lender is None:
            continue
        sure = "name"
        if ambiguous:
            told = matcher.after.match(folded, end) or folded.endswith(matcher.before, 0, start)
            sure = "context" if told else "no"
        found.append((lender, start, end, sure))
    return tuple(found)


def _lower(text: str) -> str:
    """Return `text` in lower case, or as it is where that would move the offsets."""
    lower = lowered(text)
    return lower if len(lower) == len(text) else text


@cache
def _data() -> Mapping[str, Mapping[str, Mapping[str, list[str]]]]:
    source = resources.files("cleaning.data").joinpath("lenders.toml").read_text(encoding="utf-8")
    data: Mapping[str, Mapping[str, Mapping[str, list[str]]]] = tomllib.loads(source)
    return data


def _lists(table: str) -> Mapping[str, list[str]]:
    lists = _data()[table]
    assert all(isinstance(value, list) for value in lists.values()), table
    return {key: list(value) for key, value in lists.items()}


@cache
def _matcher() -> _Matcher:
    context = _lists("context")
    names = tuple(_names())
    after = re.compile(f"(?:{_alternatives(context['gap'])})(?:{_alternatives(context['after'])})")
    return _Matcher(names, after, tuple(context["before"]))


_places = ARTICLE.placed(lambda: [name.text for name in _matcher().names])


def _alternatives(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _names() -> Iterator[_Name]:
    """Yield every pattern once: aliases before decoys, so an alias is never lost to a decoy of the same text."""
    seen: set[str] = set()
    for name in (*_alias_names(), *(_Name(word, None) for word in _decoys())):
        if name.text not in seen:
            seen.add(name.text)
            yield name


def _alias_names() -> Iterator[_Name]:
    decoys = _lists("decoys")
    for lender in lenders():
        for alias in lender.aliases:
            text = alias.lower()
            yield _Name(text, lender, alias in lender.ambiguous)
            if text.endswith("行"):
                yield from (_Name(text + word, lender, alias in lender.ambiguous) for word in decoys["bank_again"])


def _decoys() -> Iterator[str]:
    decoys = _lists("decoys")
    yield from decoys["words"]
    yield from decoys["short_inside"]
    yield from (short + word for short in decoys["short"] for word in decoys["short_after"])
    for lender in lenders():
        banks = [alias for alias in lender.aliases if alias.endswith("银行")]
        yield from (bank + word for bank in banks for word in decoys["bank_after"])
