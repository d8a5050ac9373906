"""The tokens of the full-text index: what a document is held as, and the phrase that finds a text in it.

FTS5's own tokenizers don't serve: `unicode61` takes a whole clause as one word, `trigram` finds no two-character
word. The index holds every adjacent pair of Chinese characters as a token, and each run's last character alone, so
that a word of any length is a phrase of its pairs and a single character is a prefix. Where punctuation stood a
separator token stands, so that no word matches across it.

A third column holds the document's site, lenders, topics, script and year as one token each, so that a filter is an
intersection of two lists of the index and not a look at every row that the words find.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from operator import add
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.native import available
from cleaning.script import to_simplified

SEPARATOR = "\N{LATIN LETTER DENTAL CLICK}"
"""A letter to FTS5's unicode61 that no Chinese page holds: it stands where punctuation stood."""

SHORT = 150
"""Characters up to which a text's tokens are found one by one: arrays cost the same for a title as for an article."""

_SIGMA = "\N{GREEK CAPITAL LETTER SIGMA}"

_native = available("_grams")

_TOKEN_RUN = re.compile(
    r"([\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3007]+)|([^\W_\u3400-\u9fff]+)|([^\s\w]+|\n)"
)
_IN_WORD = re.compile(r"[^\W_\u3400-\u9fff\uf900-\ufaff\u3007][\uf900-\ufaff\u3007]")


class Indexed(NamedTuple):
    """A document as `documents_fts` holds it: three columns of space-separated tokens."""

    title: str
    text: str
    tags: str


def indexed(
    title: str | None, text: str, *, site: str, lenders: Iterable[str], topics: Iterable[str], script: str,
    published: str | None,
) -> Indexed:  # fmt: skip
    """Return what the index holds of a document. To forget a row, FTS5 must be told exactly this again."""
    tags = [tag("site", site), tag("script", script)]
    tags += [tag("lender", name) for name in lenders]
    tags += [tag("topic", name) for name in topics]
    if published:
        tags.append(tag("year", published[:4]))
    return Indexed(index_text(title or ""), index_text(text), " ".join(tags))


@lru_cache(maxsize=4096)
def tag(name: str, value: str) -> str:
    """Return the token of a document's attribute: no query of words holds one, whatever the value's own letters."""
    return f"{SEPARATOR}{name}{value.encode().hex()}"


def tagged(name: str, *values: str) -> str:
    """Return the FTS5 expression for documents whose attribute `name` has one of `values`."""
    return "({tags} : (" + " OR ".join(f'"{tag(name, value)}"' for value in values) + "))"


def index_text(text: str) -> str:
    """Return `text` (Simplified) as the space-separated tokens that `documents_fts` holds."""
    if _native is not None:
        kinds = _native_kinds()
        found = _native.pairs(text, kinds, ord(SEPARATOR), False)
        if found is False and len(lowered := text.lower()) == len(text):
            found = _native.pairs(lowered, kinds, ord(SEPARATOR), True)
        if isinstance(found, str):
            return found
    return _index_text(text)


def _index_text(text: str) -> str:
    """Do the same by arrays."""
    if len(text) < SHORT:
        return " ".join(_tokens(text))
    lowered = text.lower()
    units = np.frombuffer(lowered.encode("utf-16-le", "surrogatepass"), dtype=np.uint16)
    if not len(units) == len(lowered) == len(text) or SEPARATOR in text or _SIGMA in text:
        # Beyond the basic plane, or a capital that has no small letter of one character, or of one form.
        return " ".join(_tokens(text))
    kinds = np.empty(len(units) + 2, np.uint8)
    kinds[0] = kinds[-1] = _SKIPPED
    np.take(_kinds(), units, out=kinds[1:-1])
    before, own, after = kinds[:-2], kinds[1:-1], kinds[2:]
    han, word = own == _HAN, own == _WORD
    if (han & (before == _WORD)).any() and _IN_WORD.search(lowered):
        # A compatibility ideograph or 〇 behind a letter is of its word, which the kinds of characters don't tell.
        return " ".join(_tokens(text))
    mark = (own == _MARK) & (before != _MARK) | (own == _BREAK)
    # What each character gives: itself or a separator, the next one of a pair, a space. Zeros are taken out.
    out = np.empty((len(units), 3), dtype=np.uint16)
    np.multiply(units, han | word, out=out[:, 0])
    out[np.flatnonzero(mark), 0] = ord(SEPARATOR)
    np.multiply(units[1:], han[:-1] & han[1:], out=out[:-1, 1])
    out[-1, 1] = 0
    np.multiply(np.uint16(ord(" ")), han | mark | (word & (after != _WORD)), out=out[:, 2])
    flat = out.ravel()
    packed: bytes = flat[flat != 0].tobytes()
    return packed.decode("utf-16-le", "surrogatepass").rstrip(" ")


_SKIPPED, _HAN, _WORD, _MARK, _BREAK = range(5)
_CAPITAL = 8


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Return what each character of the basic plane is to `_TOKEN_RUN`."""
    characters = [chr(code) for code in range(1 << 16)]
    # Python's `\w` is these and the underscore, its `\s` these: a search for each character takes four times as long.
    word = np.fromiter(map(str.isalnum, characters), np.bool_, len(characters))
    skipped = np.fromiter(map(str.isspace, characters), np.bool_, len(characters))
    skipped[ord("_")] = True
    kinds = np.where(word, _WORD, np.where(skipped, _SKIPPED, _MARK)).astype(np.uint8)
    kinds[ord("\n")] = _BREAK
    for first, last in ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x3007, 0x3007)):
        kinds[first : last + 1] = _HAN
    return kinds


@cache
def _native_kinds() -> bytes:
    """Return the same for the compiled twin, capital letters marked."""
    kinds = _kinds().copy()
    # Between these there are no letters of two cases: a look at every character takes longer than a thousand pages.
    some = (*range(0x3000), *range(0xA000, 0xB000), *range(0xFF00, 0x10000))
    kinds[[code for code in some if chr(code).lower() != chr(code)]] |= _CAPITAL
    return kinds.tobytes()


def _tokens(text: str) -> list[str]:
    # A list that grows by whole runs: a generator's step for each of a page's thousand pairs takes three times as long.
    found: list[str] = []
    for han, word, mark in _TOKEN_RUN.findall(text):
        if han:
            found.extend(map(add, han, han[1:]))
            found.append(han[-1])
        elif word:
            # No page's own letters make a token of ours.
            found.append(word.lower().replace(SEPARATOR, "") or SEPARATOR)
        elif mark:
            found.append(SEPARATOR)
    return found


def match_phrase(text: str) -> str | None:
    """Return the FTS5 phrase that finds `text` (either script) in the index, None when nothing in it is indexed."""
    tokens = _tokens(to_simplified(text))
    while tokens and tokens[-1] == SEPARATOR:
        tokens.pop()
    while tokens and tokens[0] == SEPARATOR:
        tokens.pop(0)
    if not tokens:
        return None
    if not _is_han(tokens[-1]):
        return f'"{" ".join(tokens)}"'
    if len(tokens) > 1 and len(tokens[-2]) > 1 and tokens[-2][-1] == tokens[-1]:
        # The query's last character may stand within a longer run of the text, where it is no token of its own.
        return f'"{" ".join(tokens[:-1])}"'
    return f'"{" ".join(tokens)}" *'


def _is_han(token: str) -> bool:
    char = token[0]
    return "\u3400" <= char <= "\u9fff" or char >= "\U00020000"
