"""The Datasette application over one corpus: its settings, its read-only database, and our plugin's hooks.

Datasette finds hooks in a module registered with its plugin manager, for all applications of a process; they leave any
that is not `Served` alone.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from datasette.app import Datasette
from datasette.database import Database
from datasette.plugins import pm
from datasette.utils.asgi import Base400
from datasette.utils.asgi import NotFound as Missing
from datasette.views.base import DatasetteError
from jinja2 import Environment
from markupsafe import Markup
from pluggy import HookimplMarker

from corpus.query import QueryError
from corpus.store import MAPPED_BYTES
from corpus.tokens import match_phrase
from corpus.web import pages, shown
from corpus.web.config import DATABASE, configuration
from corpus.web.facets import open_reader
from corpus.web.guard import Guard
from corpus.web.site import Site

Hook = HookimplMarker("datasette")

HERE = Path(__file__).parent

SETTINGS = {
    "sql_time_limit_ms": 2000,
    "max_returned_rows": 2000,
    "default_page_size": 50,
    "facet_time_limit_ms": 200,
    "allow_download": False,
    "default_cache_ttl": 0,
    "num_sql_threads": 3,
    "suggest_facets": False,
    "truncate_cells_html": 300,
}
"""No downloads: the file holds the salt that the contacts' hashes are keyed with. No caching: a crawl may be writing.
Suggested facets cost up to 50 ms a column of every table page."""

_NEVER_READ = frozenset({("corpus_meta", "value")})
"""Columns that no query may read: with the salt, a phone number could be looked up by trying all of them."""


class ReadOnly(Database):  # type: ignore[misc]  # datasette has no types
    """A corpus' file, opened for reading only. Where the folder can't be written, as it stands, without locks."""

    def connect(self, write: bool = False) -> sqlite3.Connection:
        """Return a connection that reads. Raises RuntimeError when asked for one that writes."""
        if write:
            raise RuntimeError("a served corpus is never written to")
        connection = open_reader(Path(self.path), immutable=not self.is_mutable)
        self._all_file_connections.append(connection)
        return connection


MOST_BYTES = 64 << 20
"""Bytes of a value that a query may make: no time limit ends a single call such as randomblob(1000000000)."""


class Served(Datasette):  # type: ignore[misc]  # datasette has no types
    """Datasette over one corpus."""

    def __init__(self, site: Site, metadata: Mapping[str, Any]) -> None:
        self.site = site  # first: Datasette's constructor asks the hooks for routes
        super().__init__(
            [],
            metadata=dict(metadata),
            template_dir=str(HERE / "templates"),
            static_mounts=[("yuqi-static", str(HERE / "static"))],
            settings=SETTINGS,
        )


def application(path: Path, *, immutable: bool = False, local_only: bool = True) -> Any:  # noqa: ANN401  # Datasette
    """Return Datasette over the corpus at `path`; its `app()` is the ASGI application.

    `immutable` reads a file that nothing changes, in a folder that can't be written. `local_only` refuses requests that
    name another host than this machine.
    """
    connection = open_reader(path, immutable=immutable)
    try:
        metadata = configuration(connection, own_functions=True)
    finally:
        connection.close()
    if not pm.is_registered(sys.modules[__name__]):
        pm.register(sys.modules[__name__], name="yuqi")
    served = Served(Site(path, immutable=immutable, local_only=local_only), metadata)
    served.remove_database("_memory")
    served.add_database(ReadOnly(served, path, is_mutable=not immutable), name=DATABASE)
    return served


@cache
def asset_version() -> str:
    """Return a short hash of the static files: their URLs change when they do."""
    digest = hashlib.sha256()
    for file in sorted((HERE / "static").iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


# --- hooks ----------------------------------------------------------------------------------------------------------


@Hook
def prepare_connection(conn: sqlite3.Connection, database: str, datasette: Any) -> None:  # noqa: ANN401
    """Make a connection fast to read, able to search Chinese, and unable to read secrets or other files."""
    if not isinstance(datasette, Served) or database != DATABASE:
        return
    conn.execute("PRAGMA cache_size = -32768")
    conn.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
    conn.create_function("match_phrase", 1, _match_phrase, deterministic=True)
    conn.set_authorizer(_authorize)


def _match_phrase(words: object) -> str:
    """SQL function: the FTS5 expression that finds `words` (either script) in documents_fts."""
    return match_phrase(str(words or "")) or '""'


def _authorize(action: int, one: str | None, two: str | None, _database: str | None, _trigger: str | None) -> int:
    if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and (one, two) in _NEVER_READ:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


@Hook
def prepare_jinja2_environment(env: Environment, datasette: Any) -> None:  # noqa: ANN401
    """Give the templates the filters that hostile text goes through."""
    if not isinstance(datasette, Served):
        return
    env.filters.update(pages.FILTERS)
    env.globals["asset_version"] = asset_version()


@Hook
def register_routes(datasette: Any) -> list[tuple[str, Callable[..., Awaitable[Any]]]]:  # noqa: ANN401
    """Serve our pages before Datasette's own, and shut those of Datasette's that serve its developers."""
    return pages.routes(datasette.site) if isinstance(datasette, Served) else []


@Hook
def asgi_wrapper(datasette: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    """Put the security headers on every response."""
    if not isinstance(datasette, Served):
        return lambda app: app
    return lambda app: Guard(app, datasette.site.local_only)


@Hook
def render_cell(value: object, column: str, table: str | None, datasette: Any) -> Any:  # noqa: ANN401  # None: not ours
    """Show text in tables and query results with hidden characters visible, and ids as links to our pages."""
    if not isinstance(datasette, Served):
        return None
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if not isinstance(value, str):
        return None
    limit = datasette.setting("truncate_cells_html")
    text = shown.visible(value if len(value) <= limit else value[:limit] + "\N{HORIZONTAL ELLIPSIS}")
    target = pages.target(value, column, table)
    return Markup('<a href="{}">{}</a>').format(target, text) if target else text


@Hook(wrapper=True)
def handle_exception(
    datasette: Any,  # noqa: ANN401
    request: Any,  # noqa: ANN401
    exception: Exception,
) -> Generator[None, list[Any], list[Any]]:
    """Answer an error with one line on a page of ours, in place of Datasette's handler, which prints local variables."""
    others = yield
    if not isinstance(datasette, Served):
        return others

    async def answer() -> object:
        return await pages.error(datasette, request, *_told(exception))

    return [answer]


def _told(exception: Exception) -> tuple[int, str]:
    if isinstance(exception, QueryError):
        return 400, str(exception)
    if isinstance(exception, Missing):
        return 404, str(exception) or "nothing stands here"
    if isinstance(exception, Base400):
        return int(exception.status), str(exception.args[0]) if exception.args else "a bad request"
    if isinstance(exception, DatasetteError):
        return int(exception.status), str(exception.message)
    sys.excepthook(type(exception), exception, exception.__traceback__)
    return 500, "this page could not be made; what went wrong is told where yuqi serve runs"
