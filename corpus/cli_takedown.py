"""`yuqi takedown`: bury, list, purge, verify."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from corpus.cli import FriendlyCommand, as_json, database
from corpus.store import Corpus
from corpus.takedown import Purged, Remains, asked_for, purge, remains
from corpus.terminal import print_json, print_table, safe, say

_EPILOG = """Examples:

\b
  yuqi takedown corpus.db --url http://example.org/a.html --by 'the author' --why 'asked for'
  yuqi takedown corpus.db --contact 13800000000 --purge
  yuqi takedown corpus.db --verify
"""


@click.command(cls=FriendlyCommand, epilog=_EPILOG)
@database
@click.option("--url", "urls", multiple=True, help="What stands at this URL, now and later.")
@click.option("--site", "sites", multiple=True, help="Everything of this site, now and later.")
@click.option(
    "--cluster", "clusters", multiple=True, help="A document and all its copies, by cluster or document id."
)
@click.option(
    "--contact", "contacts", multiple=True, help="Every page that carries this phone, QQ, WeChat or e-mail."
)
@click.option(
    "--hash", "hashes", multiple=True, help="A text wherever it stands, by a document's id or the text's hash."
)
@click.option("--by", default="unnamed", show_default=True, help="Who asked.")
@click.option("--why", default="asked for", show_default=True, help="The reason given.")
@click.option(
    "--purge", "purging", is_flag=True, help="Also write the archive anew without the pages, and compact the file."
)
@click.option(
    "--verify", "verifying", is_flag=True, help="Search every byte for what was taken down; exit 1 if any is left."
)
@click.option("--list", "listing", is_flag=True, help="Print the takedowns: what, who asked, why, when.")
@as_json
def takedown(
    db: Path,
    urls: tuple[str, ...],
    sites: tuple[str, ...],
    clusters: tuple[str, ...],
    contacts: tuple[str, ...],
    hashes: tuple[str, ...],
    by: str,
    why: str,
    purging: bool,
    verifying: bool,
    listing: bool,
    json_: bool,
) -> None:
    """Take documents out of every table and index, and keep them out through rebuilds, crawls and exports.

    Without --purge the archive still holds the bytes as received. A contact is kept as a keyed hash, not as written.
    """
    naming = bool(urls or sites or clusters or contacts or hashes)
    if not (naming or purging or verifying or listing):
        raise click.UsageError("say what to take down (--url, --site, --cluster, --contact, --hash), or --purge, "
                               "--verify, --list")  # fmt: skip
    left: list[Remains] = []
    with Corpus(db) as corpus:
        if naming:
            asked = asked_for(corpus, urls=urls, sites=sites, clusters=clusters, contacts=contacts, hashes=hashes)
            gone = corpus.take_down(asked, by=by, why=why, at=datetime.now(UTC).isoformat())
            _tell_gone(gone, purging)
        if purging:
            _tell_purged(purge(corpus))
        if listing:
            _list(corpus, json_)
        if verifying:
            left = list(remains(corpus))
            buried = corpus.count("tombstones")
    if verifying:
        _tell_remains(left, buried, json_)
    if left:
        sys.exit(1)


def _tell_gone(gone: int, purging: bool) -> None:
    if not gone:
        say("nothing here stands there now; the takedown is kept for what may come")
    elif purging:
        say(f"{gone} documents taken down")
    else:
        say(f"{gone} documents taken down; the archive still holds their bytes (--purge takes them out)")


def _tell_purged(done: Purged) -> None:
    say(f"{done.pages} pages taken out of {done.files} archive files, {done.bytes / 1e6:.2f} MB given back")


def _list(corpus: Corpus, json_: bool) -> None:
    rows = list(corpus.db.table("tombstones").rows_where(order_by="at, kind, value"))
    if json_:
        for row in rows:
            print_json(row)
        return
    names = ["kind", "value", "reason", "asked_by", "at"]
    print_table("", names, [[row[name] for name in names] for row in rows])


def _tell_remains(left: list[Remains], buried: int, json_: bool) -> None:
    if json_:
        print_json({"takedowns": buried, "remains": [place._asdict() for place in left]})
        return
    for place in left:
        click.echo(safe(f"{place.file} at byte {place.offset}: {place.what}"))
    if left:
        say(f"{len(left)} places still hold what was taken down")
    else:
        say(
            f"searched the database, its journals and every page of the archive: nothing of {buried} takedowns is left"
        )


commands: list[click.Command] = [takedown]
