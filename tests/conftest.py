"""What many tests share: the development data, where it is there, and a small corpus."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.store import Corpus
from tests.pages import PAGES, fetch_of


def _loopback_only(event: str, arguments: tuple[object, ...]) -> None:
    """Keep the tests from speaking to anybody but this machine, whatever library they do it through."""
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not host.startswith("127.") and host not in ("::1", "localhost", "::ffff:127.0.0.1", ""):
            raise RuntimeError(f"a test reaches beyond loopback: {arguments[1]}")


sys.addaudithook(_loopback_only)

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
