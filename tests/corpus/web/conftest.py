"""A hostile corpus and a peaceful one, each served to tests without a socket."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from corpus.store import Corpus
from corpus.web.app import application
from tests.corpus.web import hostile
from tests.pages import PAGES, fetch_of

Ask = Callable[..., httpx.Response]
"""Asks a served corpus for a path; returns httpx's response."""


def asker(path: Path, **options: bool) -> Ask:
    """Return a function that asks the corpus at `path`, served, for a path."""
    served = application(path, **options)

    async def go(target: str, method: str, headers: Mapping[str, str] | None) -> httpx.Response:
        await served.invoke_startup()
        response: httpx.Response = await served.client.request(method, target, headers=headers)
        return response

    def ask(target: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> httpx.Response:
        return asyncio.run(go(target, method, headers))

    return ask


@pytest.fixture(scope="session")
def hostile_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus whose every text is an attack."""
    path = tmp_path_factory.mktemp("hostile") / "corpus.db"
    hostile.build(path)
    return path


@pytest.fixture(scope="session")
def ask_hostile(hostile_path: Path) -> Ask:
    """The hostile corpus, served."""
    return asker(hostile_path)


@pytest.fixture(scope="session")
def plain_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of a few articles with copies."""
    path = tmp_path_factory.mktemp("plain") / "corpus.db"
    with Corpus(path, create=True) as corpus:
        run = corpus.begin_run("ingest", ["pages"])
        for page in PAGES:
            corpus.add_fetch(fetch_of(page).with_run(run))
        corpus.derive_pending()
        corpus.end_run(run, {"read": len(PAGES)})
    return path


@pytest.fixture(scope="session")
def ask(plain_path: Path) -> Ask:
    """The peaceful corpus, served."""
    return asker(plain_path)


def column(path: Path, sql: str) -> list[Any]:
    """Return the first column of what a query gives."""
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute(sql)]
    finally:
        connection.close()
