"""Several corpora as one: what crawling processes with a corpus each have brought, as if one had brought it all.

Records are copied as they stand, packed, in the order of their fetches' times, whatever the order in which the corpora
are named; what is there already is passed over, so a merge may be done again, and one that was killed is gone on with.
Takedowns of any of the corpora hold in the result.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from corpus import archive
from corpus.store import Corpus, CorpusError, Progress

_KEYS = ("fetched_at", "url", "kind", "id", "crawl_id")
_FETCH = ("id", "url", "site", "kind", "status", "content_type", "size", "fetched_at", "crawl_id")
_SITE = ("selectors", "charset", "profile", "profile_version", "pinyin_table")
_LEARNED = ("profile", "profile_version", "pinyin_table")
_TAKEN = 2
_REBUILD = "merge wants a rebuild"

MOST_OPEN = 16
"""Archive files of one corpus that are held open at a time."""


@dataclass(slots=True)
class Merged:
    """What a merge did. `outcomes` says what came of the fetches, `unlearned` which sites' profiles disagreed."""

    corpora: int = 0
    fetches: int = 0
    known: int = 0
    taken_down: int = 0
    problems: list[str] = field(default_factory=list)
    unlearned: list[str] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    rebuilt: bool = False


@dataclass(frozen=True, slots=True)
class _Record:
    """A registered fetch of one of the corpora, and where its bytes stand."""

    key: tuple[str, ...]
    source: _Source
    row: Mapping[str, Any]
    location: tuple[str, int, int]
    content_hash: str | None


class _Source:
    """One corpus that is merged into another."""

    def __init__(self, path: Path) -> None:
        self.corpus = _opened(path)
        self._streams: dict[str, BinaryIO] = {}

    def records(self) -> Iterator[_Record]:
        """Yield what is not taken down here, in the order of its time."""
        names = ", ".join(f"f.{name}" for name in _FETCH)
        sql = f"""SELECT {names}, f.warc_file, f.warc_offset, f.warc_length, d.content_hash
            FROM fetches AS f LEFT JOIN documents AS d ON d.docid = f.seq WHERE f.derived != {_TAKEN}
            ORDER BY {", ".join(f"f.{name}" for name in _KEYS)}"""  # noqa: S608  # constants
        for values in self.corpus.connection.execute(sql):
            row = dict(zip(_FETCH, values))
            key = tuple(row[name] or "" for name in _KEYS)
            yield _Record(key, self, row, values[len(_FETCH) : -1], values[-1])

    def member(self, file: str, offset: int, length: int) -> bytes | None:
        """Return a record as it stands packed, None where its file ends before it does."""
        if file not in self._streams:
            if len(self._streams) >= MOST_OPEN:
                self._streams.pop(next(iter(self._streams))).close()
            self._streams[file] = archive.place(self.corpus.folder, file).open("rb")
        self._streams[file].seek(offset)
        found = self._streams[file].read(length)
        return found if len(found) == length else None

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return a table's rows."""
        return [dict(row) for row in self.corpus.db.table(table).rows]

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()
        self.corpus.close()


def _opened(path: Path) -> Corpus:
    """Open a corpus: for writing where that can be, so that what a killed run left in its archive is taken in first."""
    try:
        return Corpus(path)
    except (CorpusError, sqlite3.OperationalError):
        return Corpus(path, readonly=True)


def merge(out: Path, paths: Sequence[Path], *, workers: int = 1, progress: Progress | None = None) -> Merged:
    """Bring the corpora at `paths` into the one at `out`, which is made if it isn't there, and derive what is new.

    Raises CorpusError for a corpus that can't be used, or named as its own source; nothing has been copied then.
    """
    if out.exists() and any(path.exists() and path.samefile(out) for path in paths):
        raise CorpusError(
            f"{out}: it can't be merged into itself; name a new file, or leave it out of the sources"
        )
    done = Merged(corpora=len(paths))
    with ExitStack() as stack:
        sources = []
        for path in paths:
            source = _Source(path)
            stack.callback(source.close)
            source.corpus.need_archive()
            sources.append(source)
        new = not out.exists()
        corpus = stack.enter_context(Corpus(out, create=True))
        _bring_knowledge(corpus, sources, done, new=new)
        _bury(corpus, sources)
        _bring_fetches(corpus, sources, done)
        done.outcomes, done.rebuilt = _derive(corpus, workers, progress)
    return done


# What is known beforehand


def _bring_knowledge(corpus: Corpus, sources: Sequence[_Source], done: Merged, *, new: bool) -> None:
    """Unite salts, sites and runs; note if what is derived already has to be derived anew for that."""
    with corpus.transaction():
        if new:
            corpus.db.table("corpus_meta").upsert({"key": "salt", "value": _salt(sources)}, pk="key")
        changed = _bring_salts(corpus, sources) | _bring_sites(corpus, sources, done)
        if changed:
            _want_rebuild(corpus)
        for row in _best_runs(source.rows("crawls") for source in sources):
            known = list(corpus.db.table("crawls").rows_where("id = ?", [row["id"]]))
            corpus.db.table("crawls").upsert(max([*map(dict, known), row], key=_completeness), pk="id")


def _salt(sources: Sequence[_Source]) -> str:
    """Return the salt of a new corpus, whatever the order of the others: one that knows contacts taken down, if any."""
    return min((not _contacts(source), source.corpus.salt.hex()) for source in sources)[1]


def _contacts(source: _Source) -> bool:
    return any(row["kind"] == "contact" for row in source.rows("tombstones"))


def _bring_salts(corpus: Corpus, sources: Sequence[_Source]) -> bool:
    """Keep the salts by which the sources' contacts were taken down; return whether one is new."""
    own, *others = corpus.salts
    found = {salt for source in sources for salt in source.corpus.salts[1:]}
    found |= {source.corpus.salt for source in sources if _contacts(source)}
    wanted = sorted({*others, *found} - {own})
    if wanted == sorted(others):
        return False
    value = json.dumps([salt.hex() for salt in wanted])
    corpus.db.table("corpus_meta").upsert({"key": "merged salts", "value": value}, pk="key")
    return True


def _bring_sites(corpus: Corpus, sources: Sequence[_Source], done: Merged) -> bool:
    """Unite what is known of sites; return whether anything is new.

    Where the corpora disagree, the first in the order of their texts is taken of what was declared; what they learned
    from different pages is dropped, to be learned from all of them, unless the corpus itself has learned something.
    """
    before = {row["site"]: dict(row) for row in corpus.db.table("sites").rows}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in [*before.values(), *(row for source in sources for row in source.rows("sites"))]:
        found.setdefault(row["site"], []).append(row)
    changed = False
    for site, rows in sorted(found.items()):
        united: dict[str, Any] = {"site": site}
        for name in _SITE:
            values = sorted({row[name] for row in rows if row[name] is not None})
            united[name] = values[0] if values else None
        if any(len({row[name] for row in rows if row[name] is not None}) > 1 for name in _LEARNED):
            own = before.get(site, {})
            united |= {name: own.get(name) for name in _LEARNED}
            done.unlearned.append(site)
        if united != before.get(site):
            changed = True
            corpus.db.table("sites").upsert(united, pk="site")
    return changed


def _best_runs(tables: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return each run once, as the corpus that knows most of it tells it."""
    best: dict[str, dict[str, Any]] = {}
    for row in (row for rows in tables for row in rows):
        best[row["id"]] = max([row, *filter(None, [best.get(row["id"])])], key=_completeness)
    return sorted(best.values(), key=lambda row: str(row["id"]))


def _completeness(run: Mapping[str, Any]) -> tuple[str, str]:
    return run["ended_at"] or "", json.dumps(dict(run), sort_keys=True)


# Takedowns


def _bury(corpus: Corpus, sources: Sequence[_Source]) -> None:
    """Take down here what was taken down in any of the sources."""
    known = {(row["kind"], row["value"]) for row in corpus.db.table("tombstones").rows}
    asked: dict[tuple[str, str], tuple[str, str, str]] = {}
    for source in sources:
        for row in source.rows("tombstones"):
            key, told = (row["kind"], row["value"]), (row["asked_by"], row["reason"], row["at"])
            asked[key] = min(told, asked.get(key, told))
            if key not in known and row["kind"] == "contact" and source.corpus.salt != corpus.salt:
                # What stands here can't be looked up by another corpus' hash: only deriving it anew tells.
                _want_rebuild(corpus)
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for key, told in sorted(asked.items()):
        if key not in known:
            groups.setdefault(told, []).append(key)
    for (by, why, at), keys in sorted(groups.items()):
        corpus.take_down(keys, by=by, why=why, at=at)


def _want_rebuild(corpus: Corpus) -> None:
    """Note that what is derived already has to be derived anew, also if this merge is killed before it comes to that."""
    if corpus.count("documents"):
        corpus.db.table("corpus_meta").upsert({"key": _REBUILD, "value": ""}, pk="key")


# Fetches


def _bring_fetches(corpus: Corpus, sources: Sequence[_Source], done: Merged) -> None:
    """Copy what is not there yet."""
    named = [(row["kind"], row["value"]) for row in corpus.db.table("tombstones").rows]
    buried: dict[str, set[str]] = {"url": set(), "site": set(), "hash": set()}
    for kind, value in named:
        buried.get(kind, set()).add(value)
    last: tuple[str, ...] = ()
    for record in heapq.merge(*(source.records() for source in sources), key=lambda record: record.key):
        same, last = record.key[:4] == last[:4], record.key
        if same or _is_here(corpus, record):
            done.known += 1
        elif (
            record.row["url"] in buried["url"]
            or record.row["site"] in buried["site"]
            or record.content_hash in buried["hash"]
        ):
            done.taken_down += 1
        else:
            _copy(corpus, record, done)
    corpus.release_archive()


def _is_here(corpus: Corpus, record: _Record) -> bool:
    sql = "SELECT 1 FROM fetches WHERE id = ? AND fetched_at = ? AND url = ? AND kind = ?"
    row = record.row
    values = [row["id"], row["fetched_at"], row["url"], row["kind"]]
    return corpus.connection.execute(sql, values).fetchone() is not None


def _copy(corpus: Corpus, record: _Record, done: Merged) -> None:
    member = record.source.member(*record.location)
    if member is None:
        file, offset, _ = record.location
        done.problems.append(
            f"{record.source.corpus.folder / file}: it ends inside the record at byte {offset}: {record.row['url']} is "
            "left out"
        )
        return
    corpus.add_record(record.row, member)
    done.fetches += 1


def _derive(corpus: Corpus, workers: int, progress: Progress | None) -> tuple[dict[str, int], bool]:
    """Make documents of what is new, or of everything where what is known beforehand has changed."""
    wanted = "SELECT 1 FROM corpus_meta WHERE key = ?"
    if corpus.connection.execute(wanted, [_REBUILD]).fetchone() is None:
        return corpus.derive_pending(workers=workers, progress=progress), False
    outcomes = corpus.rebuild(workers=workers, progress=progress)
    with corpus.transaction():
        corpus.db.execute("DELETE FROM corpus_meta WHERE key = ?", [_REBUILD])
    return outcomes, True
