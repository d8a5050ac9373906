"""Corpus: storage and derivation. Knows cleaning; does not know Scrapy.

`from corpus import Corpus` is the way in for notebooks and programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from corpus.store import Corpus

__all__ = ["Corpus"]


def __getattr__(name: str) -> object:
    """Return what the package offers, imported on use: the store takes a fifth of a second that `fields` needs not."""
    if name == "Corpus":
        from corpus.store import Corpus

        return Corpus
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
