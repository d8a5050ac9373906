"""The corpus room's commands about copies: cluster, diff, farms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from corpus import dedup
from corpus.cli import FriendlyCommand, as_json, database
from corpus.farms import Farm, Tie
from corpus.farms import farms as find_farms
from corpus.fingerprint import fold, jaccard
from corpus.masking import default_masker
from corpus.store import Corpus, CorpusError
from corpus.story import (
    Difference,
    Family,
    Member,
    SharedBlock,
    Size,
    Swap,
    differences,
    family,
    largest,
    render,
    shared_blocks,
    stirred,
    swaps,
)
from corpus.terminal import print_json, print_table, safe, say
from corpus.unmask import plain_values

SHORT_ID = 12
"""Digits of an id that are shown: enough to find the document by."""

SWAPS_SHOWN = 6
"""Swaps told on a member's line; the others are counted, and `--json` holds them all."""

SNIPPET = 60
"""Characters of a shared block that are shown of its beginning."""

_COLOURS = {"-": "red", "+": "green", "~": "yellow"}


def document_of(corpus: Corpus, key: str) -> dict[str, Any]:
    """Return the row of the document with that id or URL; raises CorpusError that says why there is none."""
    found = corpus.find(key)
    if found is None:
        why = corpus.rejection(key)
        told = f"it was rejected: {why}" if why else "no document with that id or URL; `yuqi search` finds them"
        raise CorpusError(f"{key}: {told}")
    return found


# --- cluster --------------------------------------------------------------------------------------------------------


@click.command(
    cls=FriendlyCommand,
    epilog="Examples: yuqi cluster corpus.db   yuqi cluster corpus.db http://example.org/copy.html --json",
)
@database
@click.argument("key", metavar="[ID|URL]", required=False)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True,
              help="Most clusters, or most members of one, to print.")  # fmt: skip
@as_json
def cluster(db: Path, key: str | None, limit: int, json_: bool) -> None:
    """Print one article's story: who had it when, how alike, and what was swapped. Without ID: the largest clusters."""
    with Corpus(db, readonly=True) as corpus:
        if key is None:
            sizes = largest(corpus.connection, limit)
            _print_sizes(sizes, json_)
            return
        identifier = document_of(corpus, key)["id"]
        found = family(corpus.connection, identifier, limit=limit)
    if found is None:
        raise CorpusError(f"{key}: the index of duplicates doesn't know it; run `yuqi dedup {db}`")
    if json_:
        print_json(_family_row(found))
    else:
        _print_family(found)


def _print_sizes(sizes: Sequence[Size], json_: bool) -> None:
    if json_:
        for size in sizes:
            print_json(size._asdict())
    elif sizes:
        rows = [
            [size.documents, size.texts, size.sites, size.first_seen[:10], size.last_seen[:10], size.id[:SHORT_ID],
             size.title or size.url]
            for size in sizes
        ]  # fmt: skip
        print_table("", ["documents", "texts", "sites", "first seen", "last seen", "id", "title"], rows)
    else:
        say("no two documents are alike")


def _family_row(found: Family) -> dict[str, Any]:
    members = [
        {**member._asdict(), "swaps": [swap._asdict() for swap in member.swaps]} for member in found.members
    ]
    return {**found._asdict(), "members": members, "embedded": [item._asdict() for item in found.embedded]}


def _print_family(found: Family) -> None:
    title = next((member.title for member in found.members if member.id == found.id), None)
    title = title or next((member.title for member in found.members if member.title), "(no title)")
    click.echo(click.style(safe(title), bold=True))
    click.echo(
        f"{found.documents} documents, {found.texts} texts, {found.sites} sites,"
        f" first seen {found.first_seen[:10]}, last {found.last_seen[:10]}; the earliest is {found.id[:SHORT_ID]}\n"
    )
    headings = ["first seen", "published", "site", "id", "kind", "similarity", "of", "swapped"]
    print_table("", headings, [_member_row(member) for member in found.members])
    if len(found.members) < found.documents:
        say(f"{found.documents - len(found.members)} more members; --limit shows more")
    if found.documents == 1 and found.members[0].kind is None:
        say("nothing else is like it")
    if found.embedded:
        headings = ["site", "id", "share", "in", "title"]
        rows = [
            [item.site, item.id[:SHORT_ID], item.similarity, item.container[:SHORT_ID], item.title or item.url]
            for item in found.embedded
        ]
        click.echo()
        print_table("Articles that it holds", headings, rows)


def _member_row(member: Member) -> list[object]:
    kind = member.kind or ("earliest" if member.duplicate_of is None else "")
    told = "; ".join(map(_told_swap, member.swaps[:SWAPS_SHOWN]))
    if len(member.swaps) > SWAPS_SHOWN:
        told += f"; {len(member.swaps) - SWAPS_SHOWN} more"
    return [
        member.first_seen[:10], (member.published or "")[:10], member.site, member.id[:SHORT_ID], kind,
        "" if member.similarity is None else f"{member.similarity:.3f}", (member.duplicate_of or "")[:SHORT_ID], told,
    ]  # fmt: skip


def _told_swap(swap: Swap) -> str:
    return f"{swap.before} \N{RIGHTWARDS ARROW} {swap.after}" + (f" x{swap.times}" if swap.times > 1 else "")


# --- diff -----------------------------------------------------------------------------------------------------------


@click.command(cls=FriendlyCommand, epilog="Example: yuqi diff corpus.db 3f2a9c01 http://example.org/copy.html")
@database
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--blocks", is_flag=True, help="List the shared blocks, even where both texts have one order.")
@as_json
def diff(db: Path, a: str, b: str, blocks: bool, json_: bool) -> None:
    """Print how two documents differ: names swapped, then line by line with changes inside lines marked.

    Where the same sentences stand in another order, the shared blocks are listed with their places in both.
    """
    with Corpus(db, readonly=True) as corpus:
        left, right = document_of(corpus, a), document_of(corpus, b)
    ours, theirs = left["text"], right["text"]
    swapped, found, shared = swaps(ours, theirs), differences(ours, theirs), shared_blocks(ours, theirs)
    figures = _likeness(ours, theirs, shared)
    if json_:
        lines = [difference._asdict() for difference in found]
        spans = [{**block._asdict(), "text": theirs[block.right : block.right_end]} for block in shared]
        print_json({"a": left["id"], "b": right["id"], **figures, "swaps": [swap._asdict() for swap in swapped],
                    "lines": lines, "blocks": spans})  # fmt: skip
        return
    click.echo(_told_likeness(figures))
    for swap in swapped:
        click.echo(safe(f"{swap.before} \N{RIGHTWARDS ARROW} {swap.after}  ({swap.kind}, {_times(swap.times)})"))
    _print_lines(found)
    if blocks or stirred(shared):
        _print_blocks(shared, theirs)


def _likeness(left: str, right: str, shared: Sequence[SharedBlock]) -> dict[str, Any]:
    """Return in figures how alike two texts are, and as what the one counts as a duplicate of the other."""
    ours, theirs = default_masker().sets([left, right])
    if fold(left) == fold(right):
        kind: dedup.Kind | None = "exact"
    else:
        likeness = dedup.compare(ours, theirs)
        kind = likeness.kind if likeness else None
    return {
        "kind": kind,
        "jaccard": round(jaccard(ours.plain, theirs.plain), 4),
        "jaccard_masked": round(jaccard(ours.masked, theirs.masked), 4),
        "shared_of_a": _shared_part(left, [(block.left, block.left_end) for block in shared]),
        "shared_of_b": _shared_part(right, [(block.right, block.right_end) for block in shared]),
    }


def _shared_part(text: str, spans: Sequence[tuple[int, int]]) -> float:
    """Return the share of a text's folded characters inside the spans; one that stands in several counts once."""
    covered = end = 0
    for start, stop in sorted(spans):
        covered += len(fold(text[max(start, end) : stop])) if stop > end else 0
        end = max(end, stop)
    return round(covered / max(1, len(fold(text))), 4)


def _told_likeness(figures: dict[str, Any]) -> str:
    kind = figures["kind"] or "no duplicates"
    return (
        f"{kind}: Jaccard {figures['jaccard']:.3f}, names masked {figures['jaccard_masked']:.3f};"
        f" shared blocks make up {figures['shared_of_a']:.0%} of A and {figures['shared_of_b']:.0%} of B"
    )


def _times(times: int) -> str:
    return "once" if times == 1 else f"{times} times"


def _print_lines(found: Sequence[Difference]) -> None:
    for line in render(found):
        click.echo(click.style(safe(line), fg=_COLOURS.get(line[:1])))


def _print_blocks(shared: Sequence[SharedBlock], right: str) -> None:
    rows = [
        [f"{block.left}-{block.left_end}", f"{block.right}-{block.right_end}",
         _snippet(right[block.right : block.right_end])]
        for block in shared
    ]  # fmt: skip
    click.echo()
    print_table("Shared blocks, in the order of B", ["in A", "in B", "text"], rows)


def _snippet(text: str) -> str:
    flat = " ".join(text.split("\n"))
    return flat if len(flat) <= SNIPPET else flat[:SNIPPET] + "\N{HORIZONTAL ELLIPSIS}"


# --- farms ----------------------------------------------------------------------------------------------------------


@click.command(
    cls=FriendlyCommand, epilog="Examples: yuqi farms corpus.db   yuqi farms corpus.db --contacts --json"
)
@database
@click.option("--contacts", is_flag=True, help="Show contacts and accounts in full, read again from the archive.")
@as_json
def farms(db: Path, contacts: bool, json_: bool) -> None:
    """Print the farms: sites that one operator runs, with the evidence for every tie. Contacts are shown masked."""
    with Corpus(db, readonly=True) as corpus:
        found = list(find_farms(corpus.connection))
        plain = plain_values(corpus, [tie for farm in found for tie in farm.ties]) if contacts else {}
    for farm in found:
        _print_farm(farm, plain, json_)
    if not found:
        say("no two sites share a contact, an account, chrome or enough copies")


def _print_farm(farm: Farm, plain: dict[str, str], json_: bool) -> None:
    if json_:
        ties = [_tie_row(tie, plain) for tie in farm.ties]
        print_json({**farm._asdict(), "ties": ties})
        return
    click.echo(click.style(safe(f"{', '.join(farm.sites)}  ({farm.documents} documents)"), bold=True))
    for tie in farm.ties:
        shown = plain.get(tie.value_hash, tie.masked)
        click.echo(
            safe(f"  {tie.site_a} - {tie.site_b}: {tie.kind} {shown} ({tie.evidence}, weight {tie.weight:g})")
        )


def _tie_row(tie: Tie, plain: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = tie._asdict()
    return {**row, "value": plain[tie.value_hash]} if tie.value_hash in plain else row


commands: list[click.Command] = [cluster, diff, farms]
