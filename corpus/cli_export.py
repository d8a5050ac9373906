"""`yuqi export`: one file, a data set, or the delta since an earlier one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import click

from corpus.cli import FriendlyCommand, as_json, database
from corpus.dataset import (
    DEFAULT_SPLITS,
    FORMATS,
    SHARD_BYTES,
    Description,
    parse_splits,
    write_dataset,
    write_delta,
)
from corpus.export import ExportError, Pii
from corpus.export import export as export_file
from corpus.fields import FIELDS, NAMES, chosen
from corpus.formats import SUFFIXES
from corpus.selection import Selection, SelectionError
from corpus.store import Corpus
from corpus.terminal import print_json, say

_EPILOG = """Examples:

\b
  yuqi export corpus.db articles.jsonl.zst
  yuqi export corpus.db loans.csv --topic collection_calls --after 2024
  yuqi export corpus.db dataset --splits train=0.9,test=0.1 --name overdue-loans
  yuqi export corpus.db delta --since dataset/manifest.json
"""


class _Size(click.ParamType[int]):
    """A size in bytes, as 500000, 64MB or 1GiB."""

    name = "size"
    _UNITS: ClassVar = {
        "": 1,
        "B": 1,
        "KB": 10**3,
        "MB": 10**6,
        "GB": 10**9,
        "KIB": 2**10,
        "MIB": 2**20,
        "GIB": 2**30,
    }

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Return the bytes; a usage error for what isn't a size."""
        text = str(value).strip().upper()
        number = text.rstrip("KMGIB")
        unit = text[len(number) :]
        if not number.isdecimal() or unit not in self._UNITS or int(number) == 0:
            self.fail(f"{value}: write a size as 500000, 64MB or 1GiB", param, ctx)
        return int(number) * self._UNITS[unit]


@click.command(cls=FriendlyCommand, epilog=_EPILOG)
@database
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--topic", "topics", multiple=True, help="Documents of this topic (again for another: any of them).")
@click.option("--lender", "lenders", multiple=True, help="Documents that name this lender, by any of its names.")
@click.option("--site", "sites", multiple=True, help="Documents of this site.")
@click.option("--script", "scripts", multiple=True, help="hans, hant or mixed.")
@click.option("--after", help="Published on this date or later: 2024, 2024-05 or 2024-05-01.")
@click.option("--before", help="Published before this date.")
@click.option("--min-relevance", type=click.FloatRange(0, 1), help="How much it is about overdue loans, 0 to 1.")
@click.option(
    "--quality", multiple=True, help="A condition such as damage_share<=0.02 (again for another: all hold)."
)
@click.option("--query", help="What `yuqi search` would find.")
@click.option(
    "--all", "duplicates", is_flag=True, help="Every document of a cluster, not its representative alone."
)
@click.option("--fields", "names", help=f"Comma-separated, of: {', '.join(NAMES)}.")
@click.option("--pii", type=click.Choice(["mask", "keep", "drop"]), default="mask", show_default=True,
              help="What becomes of phone, ID and bank card numbers in the text.")  # fmt: skip
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), help="Of a data set's shards; jsonl.gz if not given."
)
@click.option("--splits", help="Of a data set, as train=0.9,test=0.1; a cluster is never separated.")
@click.option("--shard-size", type=_Size(), help="Of a data set: bytes of JSON to a shard, as 64MB.")
@click.option("--name", help="A data set's name; the corpus file's if not given.")
@click.option("--license", "license_", help="A data set's licence, an SPDX id or `other`.")
@click.option("--url", help="Where the data set will be found.")
@click.option("--since", type=click.Path(path_type=Path, dir_okay=False), help="The manifest.json of an earlier data set "
              "or delta: write what was added, changed and taken out since, by the same filters.")  # fmt: skip
@click.option("--replace", is_flag=True, help="Replace a data set that is at OUT already.")
@as_json
@click.pass_context
def export(ctx: click.Context, /, db: Path, out: Path, json_: bool, **options: Any) -> None:  # noqa: ANN401
    """Write documents to a file (.jsonl .csv .parquet, also .gz and .zst) or, as OUT is a folder, to a data set.

    A data set is a folder of shards with manifest.json, a card (README.md) and croissant.json. Records are ordered by
    id and the same corpus gives the same bytes. Files and folders are whole or not there.
    """
    try:
        told = _export(ctx, db, out, options)
    except (ExportError, SelectionError) as error:
        raise click.UsageError(str(error)) from error
    if json_:
        print_json(told)
        return
    if "operations" in told:
        operations = ", ".join(f"{told['operations'].get(name, 0)} {name}" for name in ("ADD", "MOD", "DEL"))
        say(f"{out}: {operations}; {told['records']} records now")
    else:
        say(f"{out}: {told['records']} records, {told['bytes'] / 1e6:.1f} MB of JSON, {told['told']}")


def _export(ctx: click.Context, db: Path, out: Path, options: dict[str, Any]) -> dict[str, Any]:
    as_file = str(out).endswith(SUFFIXES) and not out.is_dir()
    only_folder = [
        name for name in ("format_", "splits", "shard_size", "name", "license_", "url", "since") if options[name]
    ]
    if as_file and only_folder:
        asked = only_folder[0].rstrip("_").replace("_", "-")
        raise ExportError(f"--{asked} is for data sets: name a folder, not {out.name}")
    if not as_file and out.suffix.lower() in _NO_DATASET and not out.is_dir():
        raise ExportError(
            f"{out}: no format of an export ends in {out.suffix}; a file ends in {', '.join(SUFFIXES)}, "
            "a data set's folder in neither"
        )
    with Corpus(db, readonly=True) as corpus:
        if corpus.folder.resolve() in out.resolve().parents:
            raise ExportError(f"{out}: that folder is the corpus' archive and holds pages alone; name another")
        if options["since"]:
            return _delta(ctx, corpus, out, options)
        selection = Selection(
            topics=options["topics"], lenders=options["lenders"], sites=options["sites"], scripts=options["scripts"],
            after=options["after"], before=options["before"], min_relevance=options["min_relevance"],
            quality=options["quality"], query=options["query"], duplicates=options["duplicates"],
        )  # fmt: skip
        fields = _fields(options["names"])
        pii: Pii = options["pii"]
        if as_file:
            written = export_file(corpus.connection, out, selection=selection, fields=fields, pii=pii)
            told = f"sha256 {written.sha256[:16]}…"
            return {"path": str(out), "records": written.records, "bytes": written.bytes, "sha256": written.sha256,
                    "told": told}  # fmt: skip
        manifest = write_dataset(
            corpus.connection,
            out,
            Description(options["name"] or db.stem, options["license_"] or "other", options["url"]),
            selection=selection,
            fields=fields,
            pii=pii,
            splits=parse_splits(options["splits"]) if options["splits"] else DEFAULT_SPLITS,
            suffix=options["format_"] or FORMATS[0],
            shard_bytes=options["shard_size"] or SHARD_BYTES,
            replace=options["replace"],
        )
    counts = manifest["counts"]
    shards = f"{len(manifest['files'])} shards, manifest.json, README.md, croissant.json"
    return {"path": str(out), **counts, "files": manifest["files"], "told": shards}


_NO_DATASET = frozenset(
    (".json", ".ndjson", ".txt", ".tsv", ".xls", ".xlsx", ".ods", ".gz", ".zst", ".zip", ".bz2", ".xz", ".arrow",
     ".feather", ".db", ".sqlite", ".html", ".xml")
)  # fmt: skip
"""Endings of files: who writes one doesn't want a folder of that name."""

_BESIDE_SINCE = {"db", "out", "since", "replace", "json_"}


def _delta(ctx: click.Context, corpus: Corpus, out: Path, options: dict[str, Any]) -> dict[str, Any]:
    given = [
        name
        for name in ctx.params
        if name not in _BESIDE_SINCE and ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise ExportError(
            "--since asks what the manifest asked, filters and format too: leave the other options away"
        )
    manifest = write_delta(corpus.connection, out, options["since"], replace=options["replace"])
    return {"path": str(out), "operations": {}, **manifest["counts"], "files": manifest["files"]}


def _fields(names: str | None) -> tuple[Any, ...]:
    if names is None:
        return FIELDS
    try:
        return chosen(tuple(name.strip() for name in names.split(",")))
    except ValueError as error:
        raise ExportError(str(error)) from error


commands: list[click.Command] = [export]
