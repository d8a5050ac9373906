"""Corpus: the only door to the SQLite file and its archive."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import orjson

from cleaning.contacts import mask
from cleaning.findings import Finding, Rejected
from cleaning.page import Selectors
from corpus import archive, dedup, farms, schema
from corpus.article import COLUMNS, Article, hash_of
from corpus.database import Database, distrust, insert_rows
from corpus.derivation import Derived, as_rows, derive_all
from corpus.export import Pii
from corpus.fields import chosen
from corpus.frames import Documents
from corpus.needles import Hasher, Hashes
from corpus.records import NOT_MODIFIED, Fetch, Location, Task, site_of
from corpus.selection import Selection
from corpus.versions import OUTCOMES, Timelines

if TYPE_CHECKING:
    from cleaning.clean import Cleaned, Site
    from cleaning.profile import SiteProfile
    from cleaning.repair import SiteTable

BATCH_FETCHES = 200
"""Fetches are registered this many to a transaction: a kill -9 costs at most re-reading these from the archive."""

BATCH_DOCUMENTS = 500
"""Documents are stored this many to a transaction."""

TASKS_AT_ONCE = 5000
"""Fetches listed at a time for deriving."""

MAPPED_BYTES = 256 << 20
"""Bytes of the file mapped into memory. What was looked at there counts as this process's: with more, filling or
exporting a corpus of many gigabytes would hold more than one."""

BUSY_TIMEOUT_SECONDS = 60.0

LOG_PAGES = 4000
"""Pages of 16 KB in SQLite's write-ahead log before it is copied into the file (its own default is 1000): what is written
often, the ends of indexes above all, is copied once for four times."""

_FARMS_ARE_DUE = "SELECT 1 FROM corpus_meta WHERE key = 'farms due'"
"""Documents were stored since farms were last worked out: also by a process that was killed before it came to that."""

_DOCUMENT = f"INSERT INTO documents ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608  # constants

Progress = Callable[[int, int], None]
"""Called with how many are done and how many there are."""


class CorpusError(Exception):
    """A corpus that can't be opened or used; the text says what to do."""


class Corpus:
    """One corpus: a SQLite file and the archive folder beside it.

    Use as a context manager. Raises CorpusError when the file is missing (unless `create`), is no corpus, was made
    by a newer version, or can't be written.
    """

    def __init__(self, path: str | Path, *, create: bool = False, readonly: bool = False) -> None:
        self.path = Path(path)
        self.folder = archive.folder_of(self.path)
        self.readonly = readonly
        self.db = Database(_connect(self.path, create=create, readonly=readonly))
        self._writer = archive.ArchiveWriter(self.folder)
        self._pending: list[dict[str, Any]] = []
        try:
            self._prepare(create)
        except BaseException:
            self.db.close()
            raise

    def _prepare(self, create: bool) -> None:
        try:
            empty = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        except sqlite3.DatabaseError as error:
            raise CorpusError(explain_error(self.path, error)) from error
        if empty and not create:
            raise CorpusError(
                f"{self.path}: it holds no tables; start a corpus with `yuqi ingest` or `yuqi crawl`"
            )
        try:
            if empty:
                self.db.execute("PRAGMA page_size = 16384")
                self.db.execute("PRAGMA journal_mode = WAL")
                with self.transaction():
                    schema.create(self.db)
            schema.check(self.db)
        except schema.SchemaError as error:
            raise CorpusError(f"{self.path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise CorpusError(explain_error(self.path, error)) from error
        if not self.readonly:
            if schema.outdated(self.db):
                with self.transaction():
                    schema.migrate(self.db)
            farms.watch(self.connection)
            self._recover()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Register what was fetched and close the file and the archive."""
        try:
            if not self.readonly:
                self.flush()
            self._writer.close()
        finally:
            self.db.close()

    @property
    def outdated(self) -> bool:
        """Whether the file, open for reading only, still has an earlier version's tables."""
        return schema.outdated(self.db)

    def release_archive(self) -> None:
        """Close the archive's open file, if there is one, and with it the lock on it; the next fetch begins another."""
        self.flush()
        self._writer.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """The SQLite connection, for queries."""
        connection: sqlite3.Connection = self.db.conn
        return connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock from the start, so that a second writer waits and does not fail half way."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.rollback()
            raise
        self.db.commit()

    # Fetches

    def add_fetch(self, fetch: Fetch, *, most_pending: int = BATCH_FETCHES) -> None:
        """Archive a fetch. It is registered with the next `flush`, at the latest after `most_pending` of them."""
        identifier = fetch.id
        location = self._writer.append(fetch, identifier)
        self._pending.append(_fetch_row(fetch, identifier, location))
        if len(self._pending) >= most_pending:
            self.flush()

    def add_record(self, row: Mapping[str, Any], member: bytes) -> None:
        """Archive a record of another corpus as it stands, `row` being what its `fetches` says of it."""
        location = self._writer.append_member(member)
        where = {"warc_file": location.file, "warc_offset": location.offset, "warc_length": location.length}
        self._pending.append({**row, **where, "derived": 0})
        if len(self._pending) >= BATCH_FETCHES:
            self.flush()

    def flush(self) -> None:
        """Make what was archived durable, then register it: the archive is never behind the table."""
        if not self._pending:
            return
        self._writer.sync()
        with self.transaction():
            self._register(self._pending)
        self._pending = []

    def free(self) -> bool:
        """Return whether no other process is writing at this moment, so that a transaction could begin at once."""
        self.db.execute("PRAGMA busy_timeout = 0")
        try:
            self.db.execute("BEGIN IMMEDIATE")
            self.db.rollback()
        except sqlite3.OperationalError:
            return False
        finally:
            self.db.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_SECONDS * 1000)}")
        return True

    def has(self, fetch: Fetch) -> bool:
        """Whether a fetch tells nothing that is not there: the same bytes were the last that its URL showed by then.

        A revisit is there when the very look is.
        """
        when = fetch.fetched_at.astimezone(UTC).isoformat()
        sql = "SELECT fetched_at, id, kind FROM fetches WHERE url = ? AND fetched_at <= ?"
        looks = [*self.db.execute(sql, [fetch.url, when])]
        looks += [
            (row["fetched_at"], row["id"], row["kind"])
            for row in self._pending
            if row["url"] == fetch.url and row["fetched_at"] <= when
        ]
        if fetch.kind == "revisit":
            return (when, fetch.id, "revisit") in looks
        return bool(looks) and max(looks, key=lambda look: look[0])[1] == fetch.id

    def _register(self, rows: Sequence[dict[str, Any]]) -> None:
        ends: dict[str, int] = {}
        for row in rows:
            ends[row["warc_file"]] = max(ends.get(row["warc_file"], 0), row["warc_offset"] + row["warc_length"])
        sql = "INSERT INTO archives (file, bytes) VALUES (?, ?) ON CONFLICT (file) DO UPDATE SET bytes = excluded.bytes"
        self.connection.executemany(sql, list(ends.items()))
        insert_rows(self.connection, "fetches", rows)

    def _recover(self) -> None:
        """Take in what a killed process archived but did not come to register; note what it tore."""
        known = dict(self.db.execute("SELECT file, bytes + torn FROM archives").fetchall())
        for path in sorted(self.folder.glob("*.warc.gz")):
            size = path.stat().st_size
            committed = self.db.execute("SELECT bytes FROM archives WHERE file = ?", [path.name]).fetchone()
            if size <= known.get(path.name, 0):
                continue
            found = archive.tail(self.folder, path.name, committed[0] if committed else 0)
            if found is None:
                continue
            fetched, end = found
            with self.transaction():
                self._register([_fetch_row(fetch, fetch.id, location) for fetch, location in fetched])
                row = {"file": path.name, "bytes": end, "torn": size - end}
                self.db.table("archives").upsert(row, pk="file")

    # Runs

    def begin_run(self, kind: str, targets: Sequence[str]) -> str:
        """Register the start of a crawl or an ingest and return its id."""
        now = datetime.now(UTC)
        identifier = f"{kind}-{now.strftime('%Y%m%dT%H%M%S.%f')}"
        row = {"id": identifier, "kind": kind, "started_at": now.isoformat(), "targets": _json(list(targets))}
        self.db.table("crawls").insert(row)
        return identifier

    def end_run(self, identifier: str, summary: dict[str, Any]) -> None:
        """Register the end of a run and what it did."""
        ended = datetime.now(UTC).isoformat()
        self.db.table("crawls").update(identifier, {"ended_at": ended, "summary": _json(summary)})

    def last_targets(self, kind: str) -> tuple[str, ...]:
        """Return what the last run of that kind was asked for, nothing when there was none."""
        rows = self.db.table("crawls").rows_where("kind = ?", [kind], order_by="started_at desc", limit=1)
        return next((tuple(orjson.loads(row["targets"])) for row in rows), ())

    # Sites

    def declare_site(self, site: str, selectors: Selectors | None, charset: str | None = None) -> None:
        """Keep what a site's declaration says of its pages, so that a rebuild derives as the crawl did."""
        chosen = _json(dataclasses.asdict(selectors)) if selectors else None
        self.db.table("sites").upsert({"site": site, "selectors": chosen, "charset": charset}, pk="site")

    def set_profile(self, site: str, profile: SiteProfile | None, table: SiteTable | None) -> None:
        """Keep what was learned of a site; deriving reads this frozen copy."""
        row = {
            "site": site,
            "profile": _json(profile.to_dict()) if profile else None,
            "profile_version": profile.version if profile else None,
            "pinyin_table": _json(table.to_json()) if table else None,
        }
        self.db.table("sites").upsert(row, pk="site")

    def sites(self) -> dict[str, Site]:
        """Return what is known of each site beforehand."""
        columns = "site, selectors, charset, profile, pinyin_table"
        rows = self.db.execute(f"SELECT {columns} FROM sites").fetchall()  # noqa: S608  # a constant
        found = {}
        for name, *rest in rows:
            try:
                found[name] = site_from(*rest)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                why = str(error)[:60]
                raise CorpusError(
                    f"{self.path}: the row of sites for {name!r} can't be read ({why}): delete it, then run yuqi learn"
                ) from error
        return found

    # Derivation

    def derive_pending(self, *, workers: int = 1, progress: Progress | None = None) -> dict[str, int]:
        """Derive every fetch that has given nothing yet, in order; return how many gave what."""
        self.flush()
        counts = dict.fromkeys(OUTCOMES, 0)
        todo, done = self.count_pending(), 0
        # Nothing of cleaning is loaded where nothing waits, as behind most crawls.
        tasks = self._each_task("derived = 0")
        derived = derive_all(self.folder, tasks, self.sites(), workers=workers, rows=True) if todo else ()
        for batch in _batched(derived, BATCH_DOCUMENTS):
            with self.transaction():
                for outcome, number in self._store(batch).items():
                    counts[outcome] += number
            done += len(batch)
            if progress is not None:
                progress(done, todo)
        if self.db.execute(_FARMS_ARE_DUE).fetchone():
            with self.transaction():
                self._update_farms()
        return counts

    def pending(self, after: int, limit: int) -> list[Task]:
        """Return the next registered fetches behind number `after` that have given nothing yet, in order."""
        return self._tasks("derived = 0 AND seq > ?", [after], limit)

    def count_pending(self) -> int:
        """Return how many fetches have given nothing yet."""
        return int(self.db.execute("SELECT count(*) FROM fetches WHERE derived = 0").fetchone()[0])

    def store(self, batch: Sequence[Derived]) -> dict[str, int]:
        """Store what fetches have given, in one transaction; return how many gave what.

        Farms are brought up to date by the next `derive_pending`.
        """
        with self.transaction():
            return self._store(batch)

    def lost_archives(self) -> list[str]:
        """Return the files that fetches point at and that aren't in the archive folder."""
        rows = self.db.execute("SELECT DISTINCT warc_file FROM fetches ORDER BY warc_file").fetchall()
        return [name for (name,) in rows if not (self.folder / name).is_file()]

    def need_archive(self) -> None:
        """Raise CorpusError where a file of the archive is missing: deriving without it would drop its documents."""
        if lost := self.lost_archives():
            raise CorpusError(
                f"{self.folder / lost[0]} is missing ({len(lost)} of the archive's files are): put it back; what came "
                "from it can't be made again without it"
            )

    def rebuild(self, *, workers: int = 1, progress: Progress | None = None) -> dict[str, int]:
        """Make every derived table again from the archive; a reader sees the old rows until the new ones are whole.

        Raises CorpusError where a file of the archive is missing.
        """
        self.flush()
        self.need_archive()
        counts = dict.fromkeys(OUTCOMES, 0)
        with self.transaction(), farms.unwatched(self.connection):
            self._empty()
            todo, done = self.count("fetches"), 0
            tasks = self.tasks()
            for batch in _batched(
                derive_all(self.folder, tasks, self.sites(), workers=workers, rows=True), BATCH_DOCUMENTS
            ):
                for outcome, number in self._store(batch).items():
                    counts[outcome] += number
                done += len(batch)
                if progress is not None:
                    progress(done, todo)
            self._rederive_farms()
        return counts

    def _rederive_farms(self) -> None:
        farms.rederive(self.connection, self.salt, self._profile_lines())
        self.db.execute("DELETE FROM corpus_meta WHERE key = 'farms due'")

    def _update_farms(self) -> None:
        farms.update(self.connection, self.salt, self._profile_lines)
        self.db.execute("DELETE FROM corpus_meta WHERE key = 'farms due'")

    def _profile_lines(self) -> farms.ProfileLines:
        """Return the chrome lines learned of each site."""
        learned = self.db.execute("SELECT 1 FROM sites WHERE profile IS NOT NULL LIMIT 1").fetchone()
        sites = self.sites() if learned else {}
        return {name: site.profile.lines for name, site in sites.items() if site.profile}

    def tasks(self) -> Iterator[Task]:
        """Yield every registered fetch as a task, in order of registration."""
        return self._each_task("1")

    def site_tasks(self, site: str, most: int) -> list[Task]:
        """Return at most `most` of a site's pages, each once: those with the smallest ids, in order of their ids."""
        latest = "seq IN (SELECT max(seq) FROM fetches WHERE site = ? GROUP BY id)"
        return self._tasks(latest, [site], most, order="id")

    def _each_task(self, condition: str) -> Iterator[Task]:
        """Yield tasks, some thousand at a time: all at once would take half a gigabyte of a million."""
        last = -1
        while tasks := self._tasks(f"{condition} AND seq > ?", [last], TASKS_AT_ONCE):
            yield from tasks
            last = tasks[-1].seq

    def _tasks(
        self, condition: str, values: Sequence[int | str], limit: int, *, order: Literal["seq", "id"] = "seq"
    ) -> list[Task]:
        sql = f"""SELECT seq, id, url, site, fetched_at, warc_file, warc_offset, warc_length
            FROM fetches WHERE {condition} ORDER BY {order} LIMIT ?"""  # noqa: S608  # constants of this module
        rows = self.db.execute(sql, [*values, limit]).fetchall()
        return [Task(seq, name, url, site, when, Location(*where)) for seq, name, url, site, when, *where in rows]

    def _empty(self) -> None:
        for table in (*schema.DERIVED, *dedup.TABLES, *farms.TABLES):
            self.db.execute(f"DELETE FROM {table}")  # noqa: S608  # table names are constants
        self.db.execute("INSERT INTO documents_fts(documents_fts) VALUES ('delete-all')")
        schema.set_index(self.db)
        self.db.execute("UPDATE fetches SET derived = 0")

    def _store(self, batch: Sequence[Derived]) -> dict[str, int]:
        """Store one batch in the open transaction and bring duplicates up to date."""
        counts = dict.fromkeys(OUTCOMES, 0)
        batch = as_rows(self._still_pending(batch))
        lines = Timelines(self.connection)
        rejections: list[dict[str, Any]] = []
        buried, salts = self.buried(), self.salts
        taken: list[tuple[int]] = []
        for item in batch:
            task, result = item.task, item.result
            if kept_out(task, result, buried, *salts):
                counts["taken down"] += 1
                taken.append((task.seq,))
            elif isinstance(result, Rejected):
                if result.reason == NOT_MODIFIED:
                    lines.seen(task)
                    counts["unchanged"] += 1
                else:
                    lines.gave_nothing(task)
                    rejections.append(rejection_row(task, result))
            else:
                counts[lines.place(item, result)] += 1
        counts["rejections"] = len(rejections)
        if superseded := lines.superseded():
            self._remove_documents(superseded)
        added = lines.added()
        self._store_documents([(item.task, item.result) for item in added if isinstance(item.result, Article)])
        lines.write()
        farms.add_marks(
            self.connection,
            self.salt,
            [(item.task.seq, mark) for item in added for mark in item.marks],
        )
        insert_rows(self.connection, "rejections", rejections)
        if added or superseded:
            self.db.execute("INSERT OR IGNORE INTO corpus_meta (key, value) VALUES ('farms due', '')")
        done = [(item.task.seq,) for item in batch]
        self.connection.executemany("UPDATE fetches SET derived = 1 WHERE seq = ?", done)
        self.connection.executemany("UPDATE fetches SET derived = 2 WHERE seq = ?", taken)
        return counts

    def _still_pending(self, batch: Sequence[Derived]) -> list[Derived]:
        """Return what no other process has stored since the tasks were listed; asked under the write lock."""
        numbers = _json([item.task.seq for item in batch])
        sql = "SELECT seq FROM fetches WHERE derived = 0 AND seq IN (SELECT value FROM json_each(?))"
        pending = {seq for (seq,) in self.db.execute(sql, [numbers])}
        return [item for item in batch if item.task.seq in pending]

    def buried(self) -> frozenset[str]:
        """Return what takedowns name: URLs, sites, hashes of texts and keyed hashes of contacts."""
        return frozenset(value for (value,) in self.db.execute("SELECT value FROM tombstones"))

    def _store_documents(self, documents: Sequence[tuple[Task, Article]]) -> None:
        if not documents:
            return
        salt = self.salt
        self.connection.executemany(_DOCUMENT, [article.document for _, article in documents])
        farms.note_added(self.connection, [task.seq for task, _ in documents])
        self.connection.executemany(
            "INSERT INTO documents_fts(rowid, title, text, tags) VALUES (?, ?, ?, ?)",
            [(task.seq, *article.indexed) for task, article in documents],
        )
        self.connection.executemany(
            "INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [finding for _, article in documents for finding in article.findings],
        )
        self.connection.executemany(
            "INSERT OR IGNORE INTO contacts VALUES (?, ?, ?, ?)",
            [
                (task.seq, kind, farms.keyed_hash(salt, kind, value), mask(value))
                for task, article in documents
                for kind, value in article.contacts
            ],
        )
        entries = [
            dedup.Entry(task.id, task.url, article.text, article.published, task.fetched_at, article.made)
            for task, article in documents
        ]
        dedup.add(self.connection, entries)

    def _remove_documents(self, docids: Sequence[int]) -> None:
        """Take documents out of every table and index, in the open transaction."""
        dedup.remove(self.connection, self._ids(docids))
        for docid in docids:
            # A contentless index forgets a row only when it is told again what the row held.
            row = schema.indexed_row(self.db.table("documents").get(docid))
            self.db.execute(
                "INSERT INTO documents_fts(documents_fts, rowid, title, text, tags) VALUES ('delete', ?, ?, ?, ?)",
                [docid, *row],
            )
            self.db.execute("DELETE FROM documents WHERE docid = ?", [docid])

    def _ids(self, docids: Sequence[int]) -> list[str]:
        marks = ", ".join("?" * len(docids))
        sql = f"SELECT id FROM documents WHERE docid IN ({marks})"  # noqa: S608  # only question marks
        return [identifier for (identifier,) in self.db.execute(sql, list(docids))]

    def rederive_duplicates(self) -> dict[str, int]:
        """Find duplicates and farms again from the documents as they stand; return how many there are by kind."""
        with self.transaction(), farms.unwatched(self.connection):
            dedup.rederive(self.connection)
            self._rederive_farms()
        sql = "SELECT duplicate_kind, count(*) FROM documents WHERE duplicate_of IS NOT NULL GROUP BY 1 ORDER BY 1"
        kinds = dict(self.db.execute(sql).fetchall())
        return {**kinds, "clusters": self.count("clusters"), "farms": self.count("farms")}

    def take_down(self, asked: Sequence[tuple[str, str]], *, by: str, why: str, at: str) -> int:
        """Bury what `asked` names, (`url`|`site`|`hash`|`contact`, value) each; return how many documents went.

        A contact's value is its keyed hash. Freed space in the file is overwritten at once.
        """
        self.flush()
        # Without it SQLite leaves what was deleted readable in pages that are free.
        self.db.execute("PRAGMA secure_delete = ON")
        gone = 0
        with self.transaction():
            for kind, value in asked:
                row = {"kind": kind, "value": value, "reason": why, "asked_by": by, "at": at}
                self.db.table("tombstones").upsert(row, pk=("kind", "value"))
                gone += self._bury(kind, value)
            if gone:
                self._update_farms()
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def _bury(self, kind: str, value: str) -> int:
        """Take out what a tombstone names, in the open transaction; return how many documents went."""
        hasher = Hasher(self.salt)
        column = {"url": "url", "site": "site", "hash": "content_hash"}.get(kind)
        condition = f"{column} = ?" if column else "docid IN (SELECT docid FROM contacts WHERE value_hash = ?)"
        rows = list(
            self.db.table("documents").rows_where(condition, [value], select="docid, url, text, text_source")
        )
        self._keep_needles((row["docid"], hasher.needles(row["text"], row["text_source"])) for row in rows)
        self._remove_documents([row["docid"] for row in rows])
        older: list[dict[str, Any]] = []
        if column:
            older = list(self.db.table("versions").rows_where(condition, [value], select="docid, url, text"))
            self._keep_needles((row["docid"], hasher.needles(row["text"])) for row in older)
            self.db.table("versions").delete_where(condition, [value])
        if kind in ("url", "site"):
            self.db.execute(f"UPDATE fetches SET derived = 2 WHERE {column} = ?", [value])  # noqa: S608  # a constant
        # Of the same page, what gave no text of its own: a look that showed no change, the page before rendering.
        sql = """UPDATE fetches SET derived = 2 WHERE url = ? AND seq NOT IN (SELECT docid FROM documents)
            AND seq NOT IN (SELECT docid FROM versions)"""
        self.connection.executemany(sql, [(row["url"],) for row in (*rows, *older)])
        return len(rows)

    def _keep_needles(self, found: Iterable[tuple[int, Hashes]]) -> None:
        self.connection.executemany(
            "INSERT OR REPLACE INTO buried_texts VALUES (?, ?)",
            [(docid, needles.astype("<u8").tobytes()) for docid, needles in found],
        )

    def is_buried(self, url: str) -> bool:
        """Whether a takedown keeps out what stands at `url`."""
        sql = "SELECT 1 FROM tombstones WHERE (kind = 'url' AND value = ?) OR (kind = 'site' AND value = ?)"
        return self.db.execute(sql, [url, site_of(url)]).fetchone() is not None

    @property
    def salt(self) -> bytes:
        """This corpus' own key for hashing contacts."""
        value: str = self.db.table("corpus_meta").get("salt")["value"]
        return bytes.fromhex(value)

    @property
    def salts(self) -> tuple[bytes, ...]:
        """The keys by which contacts that were taken down are known: this corpus' own, then those of merged ones."""
        rows = self.db.execute("SELECT value FROM corpus_meta WHERE key = 'merged salts'").fetchall()
        return (self.salt, *(bytes.fromhex(salt) for (value,) in rows for salt in orjson.loads(value)))

    # Reading

    def documents(self, *, fields: Sequence[str] | None = None, pii: Pii = "mask", **filters: Any) -> Documents:  # noqa: ANN401
        """Return the documents that the filters take: `topics=("scam",)`, `after="2024"`, `query="催收"` ...

        The filters are those of `corpus.selection.Selection`, `fields` names of `corpus.fields.FIELDS`. One document
        of each cluster unless `duplicates=True`. Raises SelectionError for a filter that can match nothing as
        written, ValueError for an unknown field, TypeError for an unknown filter.
        """
        wanted: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in filters.items()
        }
        picked = chosen(None if fields is None else tuple(fields))
        return Documents(self.connection, Selection(**wanted), picked, pii)

    def find(self, key: str) -> dict[str, Any] | None:
        """Return the document with that id, beginning of an id (8 digits or more), docid, or URL; None if there is none.

        Of several at one URL the latest fetched is returned.
        """
        conditions: list[tuple[str, Any]] = [("id = ?", key), ("url = ?", key)]
        if key.isdecimal() and len(key) < 12:
            conditions.append(("docid = ?", int(key)))
        if len(key) >= 8 and all(char in "0123456789abcdef" for char in key):
            conditions.append(("id >= ? AND id < ? || 'g'", key))
        for condition, value in conditions:
            values = [value] * condition.count("?")
            rows = list(self.db.table("documents").rows_where(condition, values, order_by="docid desc", limit=1))
            if rows:
                return dict(rows[0])
        return None

    def rejection(self, key: str) -> str | None:
        """Return why the fetch with that URL or id gave no document, None when it did or is unknown."""
        rows = self.db.table("rejections").rows_where(
            "url = ? OR id = ?", [key, key], order_by="seq desc", limit=1
        )
        return next((f"{row['reason']}: {row['detail']}" for row in rows), None)

    def rejected_by_reason(self, run: str) -> dict[str, int]:
        """Return how many fetches of a run gave no document, by reason."""
        sql = """SELECT r.reason, count(*) FROM rejections AS r JOIN fetches AS f ON f.seq = r.seq
            WHERE f.crawl_id = ? GROUP BY r.reason ORDER BY r.reason"""
        return dict(self.db.execute(sql, [run]).fetchall())

    def duplicates_of_run(self, run: str) -> int:
        """Return how many documents of a run duplicate another document."""
        sql = """SELECT count(*) FROM documents AS d JOIN fetches AS f ON f.seq = d.docid
            WHERE f.crawl_id = ? AND d.duplicate_of IS NOT NULL"""
        return int(self.db.execute(sql, [run]).fetchone()[0])

    def findings(self, docid: int) -> tuple[Finding, ...]:
        """Return a document's findings in order, without those of the script stage."""
        columns = 'stage, rule, "start", "end", before, after, certainty, evidence'
        sql = f"SELECT {columns} FROM findings WHERE docid = ? ORDER BY number"  # noqa: S608  # constants
        return tuple(Finding(*row) for row in self.db.execute(sql, [docid]))

    def count(self, table: str) -> int:
        """Return the number of rows of a table or view."""
        return int(self.db.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608  # our own names


def _connect(path: Path, *, create: bool, readonly: bool) -> sqlite3.Connection:
    if not path.exists() and not create:
        raise CorpusError(
            f"{path}: no such corpus; make one with `yuqi ingest {path} FILES` or `yuqi crawl {path} SITE`"
        )
    if path.is_dir():
        raise CorpusError(f"{path}: it is a folder; name a file, such as {path / 'corpus.db'}")
    if not path.parent.exists():
        raise CorpusError(f"{path}: its folder does not exist; make it first")
    mode = "ro" if readonly else "rwc" if create else "rw"
    quoted = str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        connection = sqlite3.connect(f"file:{quoted}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_SECONDS)
        distrust(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
        # Look-ups in the index of near duplicates hit cold pages at random; mapped, they cost a quarter.
        connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
        if not readonly:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    except sqlite3.Error as error:
        raise CorpusError(explain_error(path, error)) from error
    return connection


def explain_error(path: Path, error: sqlite3.Error) -> str:
    """Return one line on what SQLite says of the corpus at `path`, and what to do about it."""
    text = str(error)
    if "not a database" in text:
        return f"{path}: it is not a SQLite database; name another file"
    if "malformed" in text:
        again = f"yuqi ingest NEW.db {archive.folder_of(path)}"
        return (
            f"{path}: the database is damaged; take a copy of before, or make it again from the archive: {again}"
        )
    if "readonly" in text or "unable to open" in text:
        return f"{path}: it can't be opened for writing; check its permissions and its folder's"
    if "locked" in text or "busy" in text:
        return f"{path}: another program is writing to it; try again when that has ended"
    if "full" in text or "disk I/O" in text:
        return f"{path}: the disk is full or failing; nothing was lost, free some space and run the command again"
    return f"{path}: {text}"


def _json(value: Any) -> str:  # noqa: ANN401  # anything JSON holds
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def site_from(selectors: str | None, charset: str | None, profile: str | None, table: str | None) -> Site:
    """Return what is known of a site by its row's columns."""
    # Here, as cleaning takes half a second to import, and few commands clean.
    from cleaning.clean import Site
    from cleaning.profile import SiteProfile
    from cleaning.repair import SiteTable

    chosen = orjson.loads(selectors) if selectors else None
    return Site(
        selectors=Selectors(**{**chosen, "drop": tuple(chosen["drop"])}) if chosen else None,
        charset=charset,
        profile=SiteProfile.from_dict(orjson.loads(profile)) if profile else None,
        table=SiteTable.from_json(orjson.loads(table)) if table else None,
    )


def _fetch_row(fetch: Fetch, identifier: str, location: Location) -> dict[str, Any]:
    return {
        "id": identifier,
        "url": fetch.url,
        "site": site_of(fetch.url),
        "kind": fetch.kind,
        "status": fetch.status,
        "content_type": fetch.content_type,
        "size": len(fetch.body),
        "fetched_at": fetch.fetched_at.astimezone(UTC).isoformat(),
        "crawl_id": fetch.crawl_id,
        "warc_file": location.file,
        "warc_offset": location.offset,
        "warc_length": location.length,
        "derived": 0,
    }


def kept_out(task: Task, result: Cleaned | Article | Rejected, buried: frozenset[str], *salts: bytes) -> bool:
    """Whether a takedown (`Corpus.buried`) keeps out what a fetch gave; `salts` are the corpus' (`Corpus.salts`)."""
    if not buried:
        return False
    if task.url in buried or task.site in buried:
        return True
    if isinstance(result, Rejected):
        return False
    if hash_of(result) in buried:
        return True
    contacts = (
        result.contacts if isinstance(result, Article) else [(item.kind, item.value) for item in result.contacts]
    )
    return any(farms.keyed_hash(salt, *contact) in buried for contact in contacts for salt in salts)


def rejection_row(task: Task, rejected: Rejected) -> dict[str, Any]:
    """Return the row of `rejections` for a fetch without an article."""
    return {
        "seq": task.seq,
        "id": task.id,
        "url": task.url,
        "site": task.site,
        "reason": rejected.reason,
        "detail": rejected.detail,
        "encoding": rejected.encoding,
    }


def _batched(items: Iterable[Derived], size: int) -> Iterator[list[Derived]]:
    batch: list[Derived] = []
    for item in items:
        batch.append(item)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
