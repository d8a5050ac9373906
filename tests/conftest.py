"""What many tests share: the development data, where it is there, and a small corpus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.store import Corpus
from tests.pages import PAGES, fetch_of

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development data beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("the development data (../shared) is not beside this checkout")
    return SHARED


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    """A corpus of a few pages: articles, an exact copy, a swapped copy, a list page, an error."""
    with Corpus(tmp_path / "corpus.db", create=True) as corpus:
        for page in PAGES:
            corpus.add_fetch(fetch_of(page))
        corpus.derive_pending()
        yield corpus
