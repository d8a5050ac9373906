"""A data set: a folder of shards with a manifest, a card and Croissant metadata; and the delta since an earlier one.

The folder is whole or not there. The same corpus and the same question give the same bytes, so nothing in it says
when it was made: its date is that of the newest page it holds.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from corpus import card, croissant
from corpus.atomic import begin_part, claim, packed, sweep
from corpus.export import ExportError, Pii, encoded
from corpus.fields import FIELDS, Field, chosen
from corpus.formats import FormatError, Write, sink
from corpus.selection import Selection, SelectionError

MANIFEST = "manifest.json"
INDEX = "index.csv.gz"
FORMATS = ("jsonl.gz", "jsonl.zst", "jsonl", "parquet", "csv", "csv.gz", "csv.zst")
DELTA_FORMATS = ("jsonl.gz", "jsonl.zst", "jsonl")

DEFAULT_SPLITS = (("train", 1.0),)
SHARD_BYTES = 256 << 20
"""Bytes of JSON to a shard before packing: what loaders and hubs handle well."""

_MANIFEST_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Description:
    """What a publisher says of a data set: its name, licence and address. None of it changes the records."""

    name: str
    license: str = "other"
    url: str | None = None
    description: str | None = None


@dataclass(slots=True)
class Tally:
    """What was written, counted as it went by."""

    records: int = 0
    bytes: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    topics: Counter[str] = field(default_factory=Counter)
    lenders: Counter[str] = field(default_factory=Counter)
    scripts: Counter[str] = field(default_factory=Counter)
    years: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    newest: str = ""

    def add(self, record: Mapping[str, Any], split: str, size: int) -> None:
        """Count a record, whose lists are JSON text."""
        self.records += 1
        self.bytes += size
        self.splits[split] += 1
        for counter, name in ((self.sites, "site"), (self.scripts, "script")):
            if name in record:
                counter[record[name]] += 1
        for counter, name in ((self.topics, "topics"), (self.lenders, "lenders")):
            if name in record:
                counter.update(orjson.loads(record[name]))
        if "published" in record:
            self.years[record["published"][:4] if record["published"] else "unknown"] += 1
        self.newest = max(self.newest, record.get("first_seen") or "")

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as JSON holds them, each table with its largest first."""
        tables = ("splits", "sites", "topics", "lenders", "scripts", "years", "operations")
        found = {name: ordered(getattr(self, name)) for name in tables if getattr(self, name)}
        return {"records": self.records, "bytes": self.bytes, **found}


def ordered(counter: Mapping[str, int]) -> dict[str, int]:
    """Return counts, the largest first, equal ones by name."""
    return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))


def parse_splits(text: str) -> tuple[tuple[str, float], ...]:
    """Return (`train`, .9), ... from `train=0.9,test=0.1`. Raises ExportError unless the shares add up to 1."""
    found: list[tuple[str, float]] = []
    for part in text.split(","):
        name, _, share = part.partition("=")
        name = name.strip()
        try:
            value = float(share)
        except ValueError:
            raise ExportError(f"{part}: write splits as train=0.9,validation=0.05,test=0.05") from None
        if not name.isidentifier() or not 0 < value <= 1 or name in dict(found):
            raise ExportError(f"{part}: each split needs a plain name of its own and a share between 0 and 1")
        found.append((name, value))
    if abs(sum(share for _, share in found) - 1) > 1e-6:
        raise ExportError(f"{text}: the shares add up to {sum(share for _, share in found):g}; they must give 1")
    return tuple(found)


class Splitter:
    """Which split a document is of: the same for a whole cluster, whatever ties its members.

    A document's group is its cluster joined with every cluster that shares a document with it (a near copy and a
    name-swapped copy of one article are one group); its split is where the group's hash falls.
    """

    def __init__(self, connection: sqlite3.Connection, splits: Sequence[tuple[str, float]]) -> None:
        self._splits = tuple(splits)
        pairs = connection.execute(
            """SELECT DISTINCT cluster_id, template_cluster_id FROM documents
            WHERE cluster_id IS NOT NULL AND template_cluster_id IS NOT NULL"""
        )
        self._roots = _joined((f"c{near}", f"t{template}") for near, template in pairs)
        rows = connection.execute(
            """SELECT id, cluster_id, template_cluster_id FROM documents
            WHERE cluster_id IS NOT NULL OR template_cluster_id IS NOT NULL"""
        )
        self._keys = {identifier: self._key(near, template) for identifier, near, template in rows}

    def _key(self, near: str | None, template: str | None) -> str:
        key = f"c{near}" if near is not None else f"t{template}"
        return self._roots.get(key, key)

    def __call__(self, identifier: str) -> str:
        """Return the split of the document with that id."""
        if len(self._splits) == 1:
            return self._splits[0][0]
        key = self._keys.get(identifier, identifier)
        place = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest()) / 2**64
        for name, share in self._splits:
            place -= share
            if place < 0:
                return name
        return self._splits[-1][0]


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return, for each name in `pairs`, the smallest name that pairs tie it to, however far."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {name: root(name) for name in parent}


@dataclass(slots=True)
class _Shards:
    """The shards of one split: a new one once the last holds `limit` bytes of JSON."""

    folder: Path
    split: str
    suffix: str
    fields: tuple[Field, ...]
    limit: int
    files: list[dict[str, Any]] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)
    _write: Write | None = None
    _bytes: int = 0

    def write(self, line: bytes, record: Mapping[str, Any]) -> None:
        """Write a record to the open shard, or to a new one."""
        if self._write is None or self._bytes + len(line) > self.limit:
            self.close()
            path = self.folder / f"{self.split}-{len(self.files):05d}.{self.suffix}"
            raw = self._stack.enter_context(path.open("wb"))
            stream = self._stack.enter_context(packed(raw, path.suffix))
            self._write = self._stack.enter_context(sink(path.name, stream, self.fields))
            self.files.append({"path": path, "split": self.split, "records": 0})
            self._bytes = 0
        self._write(line, record)
        self._bytes += len(line)
        self.files[-1]["records"] += 1

    def close(self) -> None:
        """Finish the open shard."""
        self._stack.close()
        self._write = None

    def named(self) -> Iterator[dict[str, Any]]:
        """Give every shard the name that says how many there are; yield what the manifest says of each."""
        for number, entry in enumerate(self.files):
            path = entry["path"]
            final = path.with_name(f"{self.split}-{number:05d}-of-{len(self.files):05d}.{self.suffix}")
            path.rename(final)
            yield {**entry, "path": f"{final.parent.name}/{final.name}", **_sizes(final)}


def _sizes(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def write_dataset(
    connection: sqlite3.Connection,
    folder: Path,
    description: Description,
    *,
    selection: Selection | None = None,
    fields: tuple[Field, ...] = FIELDS,
    pii: Pii = "mask",
    splits: Sequence[tuple[str, float]] = DEFAULT_SPLITS,
    suffix: str = "jsonl.gz",
    shard_bytes: int = SHARD_BYTES,
    replace: bool = False,
) -> dict[str, Any]:
    """Write the selected documents to `folder` as a data set and return its manifest.

    `data/` holds the shards, `manifest.json` what they are (sizes, SHA-256, counts, versions, the question asked),
    `index.csv.gz` each record's id and digest, from which the next delta is made, `README.md` the card,
    `croissant.json` the metadata. Raises ExportError when the folder can't be written or holds something else.
    """
    wanted = selection or Selection()
    if suffix not in FORMATS:
        raise ExportError(f"{suffix}: no such format; there are {', '.join(FORMATS)}")
    with _Folder(folder, replace=replace) as place:
        tally = Tally()
        splitter = Splitter(connection, splits)
        data = place / "data"
        data.mkdir()
        shards = {name: _Shards(data, name, suffix, fields, shard_bytes) for name, _ in splits}
        try:
            with _index(place) as note:
                for line, record in _with_id(connection, wanted, fields, pii):
                    split = splitter(record["id"])
                    shards[split].write(line, record)
                    note((record["id"], split, digest_of(line)))
                    tally.add(record, split, len(line))
        finally:
            for shard in shards.values():
                shard.close()
        question = {
            "filters": wanted.to_dict(), "fields": [item.name for item in fields], "pii": pii,
            "splits": [list(split) for split in splits], "format": suffix, "shard_bytes": shard_bytes,
        }  # fmt: skip
        files = [entry for shard in shards.values() for entry in shard.named()]
        manifest = _manifest("dataset", connection, description, question, tally, files, place)
        _publish(place, manifest, fields)
    return manifest


def write_delta(
    connection: sqlite3.Connection, folder: Path, since: Path, *, replace: bool = False
) -> dict[str, Any]:
    """Write what has changed since the data set or delta whose manifest is at `since`; return the new manifest.

    `data/delta-*.jsonl` holds one object a line, ordered by id: `op` (`ADD`, `MOD`, `DEL`), `id`, `split` and, but
    for `DEL`, the `record`. The question is that of the earlier manifest. Raises ExportError when it can't be read.
    """
    before = read_manifest(since)
    try:
        question = before["question"]
        wanted = Selection.from_dict(question["filters"])
        fields = chosen(tuple(question["fields"]))
        suffix = question["format"] if question["format"] in DELTA_FORMATS else "jsonl.gz"
        splits = tuple((name, share) for name, share in question["splits"])
        old = _read_index(since.parent / INDEX, before["index"]["sha256"])
        description = Description(**before["description"])
    except (SelectionError, ValueError) as error:
        raise ExportError(f"{since}: {error}") from error
    except (KeyError, TypeError) as error:
        raise ExportError(
            f"{since}: it lacks what a delta needs ({error}); name a manifest as it was written"
        ) from error
    with _Folder(folder, replace=replace) as place:
        tally = Tally()
        splitter = Splitter(connection, splits)
        data = place / "data"
        data.mkdir()
        shards = _Shards(data, "delta", suffix, fields, question["shard_bytes"])
        try:
            with _index(place) as note:
                earlier = next(old, None)
                for line, record in _with_id(connection, wanted, fields, question["pii"]):
                    identifier = record["id"]
                    split, digest = splitter(identifier), digest_of(line)
                    while earlier is not None and earlier[0] < identifier:
                        _change(shards, tally, "DEL", earlier[0], earlier[1], None)
                        earlier = next(old, None)
                    if earlier is None or earlier[0] != identifier:
                        _change(shards, tally, "ADD", identifier, split, line)
                    else:
                        if earlier[1:] != (split, digest):
                            _change(shards, tally, "MOD", identifier, split, line)
                        earlier = next(old, None)
                    note((identifier, split, digest))
                    tally.add(record, split, len(line))
                while earlier is not None:
                    _change(shards, tally, "DEL", earlier[0], earlier[1], None)
                    earlier = next(old, None)
        finally:
            shards.close()
        manifest = _manifest("delta", connection, description, question, tally, list(shards.named()), place)
        manifest["since"] = hashlib.sha256(since.read_bytes()).hexdigest()
        _write_json(place / MANIFEST, manifest)
    return manifest


def _change(shards: _Shards, tally: Tally, op: str, identifier: str, split: str, line: bytes | None) -> None:
    tally.operations[op] += 1
    record = None if line is None else orjson.Fragment(line.rstrip(b"\n"))
    change = {"op": op, "id": identifier, "split": split, "record": record}
    shards.write(orjson.dumps(change, option=orjson.OPT_APPEND_NEWLINE), change)


def _with_id(
    connection: sqlite3.Connection, selection: Selection, fields: tuple[Field, ...], pii: Pii
) -> Iterator[tuple[bytes, Mapping[str, Any]]]:
    if fields[0].name != "id":
        raise ExportError("a data set's records need the field id: shards, index and deltas go by it")
    return encoded(connection, selection, fields=fields, pii=pii)


def digest_of(line: bytes) -> str:
    """Return the digest by which a delta tells whether a record has changed: 32 hex digits of its JSON line."""
    return hashlib.blake2b(line, digest_size=16).hexdigest()


def read_manifest(path: Path) -> dict[str, Any]:
    """Return a manifest. Raises ExportError when it can't be read or isn't one of ours."""
    try:
        manifest: Any = orjson.loads(path.read_bytes())
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}; name the manifest.json of an earlier data set") from error
    except orjson.JSONDecodeError as error:
        raise ExportError(f"{path}: it is not JSON; name the manifest.json of an earlier data set") from error
    if not isinstance(manifest, dict) or manifest.get("manifest_format") != _MANIFEST_FORMAT:
        raise ExportError(f"{path}: it is no manifest that this yuqi reads; name one that it wrote")
    return manifest


def _read_index(path: Path, sha256: str) -> Iterator[tuple[str, str, str]]:
    try:
        found = _sizes(path)["sha256"]
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}; a delta needs the index beside the manifest") from error
    if found != sha256:
        raise ExportError(f"{path}: it is not the index that the manifest names (its SHA-256 differs)")
    return _index_rows(path)


def _index_rows(path: Path) -> Iterator[tuple[str, str, str]]:
    with gzip.open(path, "rt", encoding="ascii", newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        yield from ((identifier, split, digest) for identifier, split, digest in rows)


@contextmanager
def _index(folder: Path) -> Iterator[Callable[[tuple[str, str, str]], object]]:
    """Yield the function that writes a row (id, split, digest) to the index of a data set."""
    with (folder / INDEX).open("wb") as raw, packed(raw, ".gz") as stream:
        text = io.TextIOWrapper(stream, encoding="ascii", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("id", "split", "digest"))
        yield writer.writerow
        text.detach()


def _manifest(
    kind: str,
    connection: sqlite3.Connection,
    description: Description,
    question: dict[str, Any],
    tally: Tally,
    files: list[dict[str, Any]],
    place: Path,
) -> dict[str, Any]:
    packages = ("yuqi", "opencc-python-reimplemented", "orjson", "zstandard")
    return {
        "manifest_format": _MANIFEST_FORMAT,
        "kind": kind,
        "description": {
            "name": description.name, "license": description.license, "url": description.url,
            "description": description.description,
        },
        "newest_page": tally.newest or None,
        "question": question,
        "counts": tally.to_dict(),
        "files": files,
        "index": {"path": INDEX, **_sizes(place / INDEX)},
        "versions": {
            **{name: version(name) for name in packages},
            "schema": connection.execute("PRAGMA user_version").fetchone()[0],
        },
    }  # fmt: skip


def _publish(place: Path, manifest: dict[str, Any], fields: tuple[Field, ...]) -> None:
    _write_json(place / MANIFEST, manifest)
    (place / "README.md").write_text(card.render(manifest, fields), encoding="utf-8")
    _write_json(place / "croissant.json", croissant.metadata(manifest, fields))


def _write_json(path: Path, value: object) -> None:
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


class _Folder:
    """A folder that is whole or not there: written beside its place, synced, then renamed.

    An earlier data set at that place is replaced only where that is asked for, and anything else never.
    """

    def __init__(self, path: Path, *, replace: bool) -> None:
        self._path = path
        sweep(path)
        if path.is_file():
            raise ExportError(
                f"{path}: it is a file; a data set is a folder (or name a file ending in .jsonl, .csv ...)"
            )
        if not path.absolute().parent.is_dir():
            raise ExportError(f"{path}: its folder does not exist; make it first")
        if path.exists() and any(path.iterdir()):
            if not (path / MANIFEST).is_file():
                raise ExportError(f"{path}: it holds something else than a data set; name a new folder")
            if not replace:
                raise ExportError(f"{path}: a data set is there already; --replace replaces it")

    def __enter__(self) -> Path:
        try:
            self._made, self._lock = begin_part(self._path, folder=True)
        except OSError as error:
            raise ExportError(f"{self._path}: {error.strerror}; nothing was written") from error
        return self._made

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            if kind is None:
                self._put_in_place()
        finally:
            shutil.rmtree(self._made, ignore_errors=True)
            os.close(self._lock)
        if isinstance(error, FormatError):
            raise ExportError(str(error)) from error
        if isinstance(error, OSError):
            raise ExportError(f"{self._path}: {error.strerror or error}; nothing there was changed") from error

    def _put_in_place(self) -> None:
        for path in self._made.rglob("*"):
            if path.is_file():
                with path.open("rb") as stream:
                    os.fsync(stream.fileno())
        self._made.chmod(0o755)
        old = self._made.with_suffix(".old")
        if self._path.exists():
            # Its lock tells `sweep` that it is not a killed process's.
            held = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
            claim(held)
            self._path.rename(old)
            self._made.rename(self._path)
            shutil.rmtree(old, ignore_errors=True)
            os.close(held)
        else:
            self._made.rename(self._path)
