"""`yuqi demo`: the whole walk on the bundled site, and an honest account of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from corpus.cli import FriendlyCommand
from corpus.export import Exported, export
from corpus.farms import farms, keyed_hash
from corpus.learning import learn_sites
from corpus.stats import stats
from corpus.store import Corpus, CorpusError
from corpus.terminal import counts, print_json, print_table, progress, say
from crawler.run import CrawlError, crawl
from crawler.session import CrawlSummary
from demo.score import score, score_farms
from demo.server import DemoServer
from demo.site import Demo, build

SHOWN = ("Corpus", "Duplicates", "Rejections", "Documents by encoding", "Repairs and damage", "Stripped")


@click.command(cls=FriendlyCommand, epilog="Example: yuqi demo demo-out")
@click.argument(
    "folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-out")
)
@click.option("--seed", type=int, default=20240101, show_default=True, help="Another seed is another web.")
@click.option("--json", "json_", is_flag=True, help="Print the account as JSON.")
def demo(folder: Path, seed: int, json_: bool) -> None:
    """Crawl the bundled demo sites on loopback, build DIR/corpus.db, export DIR/corpus.jsonl, and score both.

    A demo of before in DIR is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    database, records = folder / "corpus.db", folder / "corpus.jsonl"
    _clear(database)
    began = time.monotonic()
    site = build(seed)
    crawled = _crawl(site, database)
    with Corpus(database, create=True) as corpus:
        derived = _build(corpus)
        written = export(corpus.connection, records)
        found = stats(corpus)
        scores = {**score(site.gold, _documents(corpus, site)), "farms": _score_farms(corpus, site)}
        shown = _most_repaired(corpus)
    site.write_gold(folder / "gold.jsonl")
    seconds = time.monotonic() - began
    account = {
        "seconds": round(seconds, 1), "fetched": crawled.fetched, "derived": derived,
        "stats": found, "scores": scores, "exported": {"records": written.records, "sha256": written.sha256},
    }  # fmt: skip
    if json_:
        print_json(account)
    else:
        _tell(crawled, found, scores, written, database, seconds, shown)


def _clear(database: Path) -> None:
    """Take away the demo of before: its database and its archive, and nothing else that stands in the folder."""
    for path in (database, database.with_name("corpus.db-wal"), database.with_name("corpus.db-shm")):
        path.unlink(missing_ok=True)
    archive = database.with_name("corpus.archive")
    for path in archive.glob("*.warc.gz"):
        path.unlink()


def _crawl(site: Demo, database: Path) -> CrawlSummary:
    say(f"crawling {len(site.start_urls)} invented sites on loopback ...")
    with DemoServer(site) as server:
        try:
            return crawl(
                str(database), site.start_urls, hosts=server.hosts, delay=0.0, retry_base=0.2, quiet=False
            )
        except CrawlError as error:
            raise CorpusError(f"the demo's crawl failed: {error}") from error


def _build(corpus: Corpus) -> dict[str, int]:
    """Derive what was fetched, learn the sites' chrome from it, and derive again with that."""
    workers = max(1, os.cpu_count() or 1)
    say("cleaning, learning each site's chrome, and rebuilding with it ...")
    with progress("cleaning") as show:
        corpus.derive_pending(workers=workers, progress=show)
    with progress("learning") as show:
        learn_sites(corpus, workers=workers, progress=show)
    with progress("rebuilding") as show:
        return corpus.rebuild(workers=workers, progress=show)


def _documents(corpus: Corpus, site: Demo) -> Iterator[Mapping[str, Any]]:
    """Yield the corpus' documents as the scorer reads them.

    The corpus holds contacts hashed, so the gold's are hashed with the same salt to tell which were found.
    """
    salt = corpus.salt
    plain = {
        keyed_hash(salt, contact["kind"], contact["value"]): contact["value"]
        for gold in site.gold
        for contact in gold.contacts
    }
    for row in corpus.db.table("documents").rows:
        contacts = corpus.db.table("contacts").rows_where("docid = ?", [row["docid"]])
        row["contacts"] = [
            {"kind": contact["kind"], "value": plain.get(contact["value_hash"], contact["masked"])}
            for contact in contacts
        ]
        yield row


def _score_farms(corpus: Corpus, site: Demo) -> dict[str, Any]:
    ties = corpus.connection.execute("SELECT site_a, site_b, kind, weight FROM farm_ties").fetchall()
    return score_farms(site.gold, (farm.sites for farm in farms(corpus.connection)), ties)


def _most_repaired(corpus: Corpus) -> str:
    """Return the beginning of the id of the document with most certified repairs: the one worth explaining."""
    sql = """SELECT d.id FROM documents AS d LEFT JOIN findings AS f ON f.docid = d.docid AND f.certainty = 'certified'
        GROUP BY d.docid ORDER BY count(f.number) DESC, d.id LIMIT 1"""
    row = corpus.db.execute(sql).fetchone()
    return str(row[0])[:12] if row else "1"


def _tell(
    crawled: CrawlSummary,
    found: Mapping[str, Mapping[str, int]],
    scores: Mapping[str, Any],
    written: Exported,
    database: Path,
    seconds: float,
    shown: str,
) -> None:
    print_table("Crawl", ["what", "count"], [["responses", crawled.fetched], *sorted(crawled.why_not.items())])
    for title in SHOWN:
        if found[title]:
            click.echo()
            counts(title, found[title], "what")
    click.echo()
    print_table("Scores against the demo's gold (shares from 0 to 1)", ["what", "figure"], list(_flat(scores)))
    click.echo(
        f"\n{written.records} records in {written.path}, {database} beside it, made in {seconds:.0f} s. Try next:\n"
    )
    yuqi = "yuqi" if os.environ.get("VIRTUAL_ENV") else ".venv/bin/yuqi"
    for line in ("search {} 催收 --limit 5", f"explain {{}} {shown}", "farms {}"):
        click.echo(f"  {yuqi} {line.format(database)}")


def _flat(value: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, object]]:
    """Yield nested figures as (dotted name, figure)."""
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{name}{key}.")
        elif not isinstance(inner, list | tuple):
            yield f"{name}{key}", inner


commands: list[click.Command] = [demo]
