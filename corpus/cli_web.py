"""The commands that show a corpus in a browser: serve and report."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
from pathlib import Path

import click

from corpus.atomic import replacing
from corpus.cli import FriendlyCommand, database
from corpus.store import Corpus, CorpusError
from corpus.terminal import say
from corpus.web.config import configuration, to_yaml
from corpus.web.facets import open_reader

DEFAULT_PORT = 8001


def _need(extra: str, *modules: str) -> None:
    """Stop with one line when the packages of an extra aren't installed."""
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise CorpusError(f"it needs the extra `{extra}`, which is not installed: pip install 'yuqi[{extra}]'")


@click.command(cls=FriendlyCommand, epilog="Example: yuqi serve corpus.db --port 8001")
@database
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0 for any free one."
)
@click.option("--write-config", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write Datasette's configuration (comments, units, canned queries) as YAML and stop.")  # fmt: skip
def serve(db: Path, host: str, port: int, write_config: Path | None) -> None:
    """Look at a corpus in the browser: search, before and after, copies, farms, crawls, SQL. Nothing is ever written.

    It runs beside a crawl, loads nothing from elsewhere, and listens on this machine alone unless told otherwise.
    """
    # Reading a file in WAL mode takes a folder that can be written, unless nobody else has it open.
    immutable = db.is_file() and not os.access(db.parent, os.W_OK) and not Path(f"{db}-wal").exists()
    if not immutable:
        with Corpus(db, readonly=True):
            pass
    if write_config is not None:
        _write_config(db, write_config, immutable=immutable)
        return
    _need("serve", "datasette", "uvicorn")
    from corpus.web.server import run

    local = _is_loopback(host)
    if not local:
        say(f"listening on {host}: everybody who reaches this address can read the corpus, unmasked through SQL")
    run(db, host, port, immutable=immutable, local_only=local)


def _write_config(db: Path, out: Path, *, immutable: bool) -> None:
    connection = open_reader(db, immutable=immutable)
    try:
        text = to_yaml(configuration(connection, own_functions=False))
    finally:
        connection.close()
    with replacing(out) as stream:
        stream.write(text.encode())
    say(f"{out}: written; try: datasette {db} -m {out}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@click.command(cls=FriendlyCommand, epilog="Example: yuqi report corpus.db report.html")
@database
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
def report(db: Path, out: Path) -> None:
    """Write one self-contained page about a corpus: charts with their tables, no scripts, nothing from elsewhere."""
    _need("report", "matplotlib", "jinja2")
    from corpus.report import report as write

    with Corpus(db, readonly=True) as corpus:
        size = write(corpus.connection, out, name=db.stem)
    say(f"{out}: {size / 1e3:.0f} kB")


commands: list[click.Command] = [serve, report]
