"""The columnar index of Common Crawl: Parquet files of captures, sorted by key, of which only what is wanted is read.

    PREFIX/crawl-data/NAME/cc-index-table.paths.gz                                  the files' names
    PREFIX/cc-index/table/cc-main/warc/crawl=NAME/subset=warc/part-....parquet      captures, sorted by url_surtkey

A file's footer says which keys each of its row groups has; of those that may have wanted ones the keys are read, and the
other columns only where one is found. Columns are named as in github.com/commoncrawl/cc-index-table.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from corpus.cdx import KeyRange, capture_of
from corpus.coding import BombError, gunzip
from crawler.commoncrawl import Line
from crawler.ranges import RangeError, Source

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

KEY = "url_surtkey"
COLUMNS = {
    "url": "url",
    "fetch_status": "status",
    "content_mime_detected": "mime-detected",
    "content_digest": "digest",
    "warc_filename": "filename",
    "warc_record_offset": "offset",
    "warc_record_length": "length",
}
"""What is read beside the key and the time, with what a CDXJ line calls it."""

TIME = "fetch_time"
SUBSET = "/subset=warc/"
"""Pages; beside it stand `crawldiagnostics` (redirects, errors) and `robotstxt`."""

MAX_LIST_BYTES = 16_000_000
MAX_FOOTER_BYTES = 64_000_000
MAX_GROUP_BYTES = 4_000_000_000
"""A row group's wanted columns, inflated; Common Crawl's have some hundred megabytes."""

BATCH_ROWS = 10_000

_TAIL = 1 << 17
_PIECE = 16_000_000


def look_up(source: Source, collection: str, ranges: Sequence[KeyRange]) -> Iterator[Line]:
    """Yield what a collection's columnar index holds of ranges of keys. Raises RangeError."""
    for path in files_of(source, collection):
        yield from search(opened(source, path), path, ranges)


def files_of(source: Source, collection: str) -> list[str]:
    """Return the names of the files that hold a collection's pages. Raises RangeError."""
    path = f"crawl-data/{collection}/cc-index-table.paths.gz"
    with source.stream(path) as stream:
        packed = stream.read(MAX_LIST_BYTES)
    try:
        names = gunzip(packed, limit=MAX_LIST_BYTES).decode("utf-8", "replace").split()
    except BombError as error:
        raise RangeError("bad-index", f"{path}: {error}") from None
    found = [name for name in names if SUBSET in name]
    if not found:
        raise RangeError("bad-index", f"{path}: it names no file of pages ({SUBSET})")
    return found


def search(stream: BinaryIO | io.RawIOBase, name: str, ranges: Sequence[KeyRange] | None = None) -> Iterator[Line]:
    """Yield the captures of a Parquet file, those of `ranges` alone if given. Raises RangeError."""
    pa, pq = _pyarrow()
    try:
        with pq.ParquetFile(pa.PythonFile(stream, mode="r"), pre_buffer=True) as file:
            _expect_columns(file, name)
            for number in range(file.metadata.num_row_groups):
                yield from _search_group(file, name, number, ranges)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RangeError("bad-index", f"{name}: {str(error).partition(chr(10))[0][:300]}") from None


def opened(source: Source, path: str) -> io.RawIOBase:
    """Return a file of an archive, of which only what is asked for is read. Raises RangeError, also while it is read."""
    return _Part(source, path)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RangeError("no-parquet", "Parquet needs a package: pip install 'yuqi[frames]'") from error
    return pa, pq


def _expect_columns(file: pq.ParquetFile, name: str) -> None:
    if missing := {KEY, TIME, *COLUMNS} - set(file.schema_arrow.names):
        raise RangeError("bad-index", f"{name}: captures in Parquet have no column {', '.join(sorted(missing))}")


def _search_group(
    file: pq.ParquetFile, name: str, number: int, ranges: Sequence[KeyRange] | None
) -> Iterator[Line]:
    if ranges is not None and not _may_hold(file.metadata.row_group(number), ranges):
        return
    size = sum(
        _chunk(file.metadata.row_group(number), column).total_uncompressed_size for column in (KEY, *COLUMNS)
    )
    if size > MAX_GROUP_BYTES:
        yield Line(None, f"{name}: a row group of {size / 1e9:.1f} GB is over the limit")
        return
    if ranges is None:
        yield from _lines(file.read_row_group(number, [KEY, TIME, *COLUMNS]))
        return
    keys = file.read_row_group(number, [KEY]).column(KEY)
    wanted = _within(keys, ranges)
    if wanted.true_count:
        yield from _lines(file.read_row_group(number, [TIME, *COLUMNS]).append_column(KEY, keys).filter(wanted))


def _chunk(group: pq.RowGroupMetaData, column: str) -> pq.ColumnChunkMetaData:
    chunks = (group.column(index) for index in range(group.num_columns))
    return next(chunk for chunk in chunks if chunk.path_in_schema == column)


def _may_hold(group: pq.RowGroupMetaData, ranges: Sequence[KeyRange]) -> bool:
    told = _chunk(group, KEY).statistics
    if told is None or not told.has_min_max:
        return True
    return any(str(told.min) < keys.high and keys.low <= str(told.max) for keys in ranges)


def _within(keys: pa.ChunkedArray, ranges: Sequence[KeyRange]) -> pa.BooleanArray:
    """Return which keys are of one of `ranges`. Strings are compared by bytes, which is the order of code points."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pa.array([False] * len(keys)) if not ranges else None
    for low, high in ranges:
        one = pc.and_(pc.greater_equal(keys, low), pc.less(keys, high))
        found = one if found is None else pc.or_(found, one)
    combined = found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return pc.fill_null(combined, False)


def _lines(table: pa.Table) -> Iterator[Line]:
    for batch in table.to_batches(BATCH_ROWS):
        for row in batch.to_pylist():
            yield _line(row)


def _line(row: dict[str, Any]) -> Line:
    when = row[TIME]
    if row[KEY] is None or not hasattr(when, "strftime"):
        return Line(None, "a capture without a key or a time")
    told = {name: row[column] for column, name in COLUMNS.items() if row[column] is not None}
    found = capture_of(str(row[KEY]), when.strftime("%Y%m%d%H%M%S"), told)
    return Line(None, found) if isinstance(found, str) else Line(found, None)


class _Part(io.RawIOBase):
    """A file of an archive that is read here and there.

    Its end is read at once: the footer stands there, and one of unreasonable length is not asked for.
    """

    def __init__(self, source: Source, path: str) -> None:
        super().__init__()
        self._source = source
        self._path = path
        self._size = source.size(path)
        self._tail_at = max(0, self._size - _TAIL)
        self._tail = source.read(path, self._tail_at, self._size - self._tail_at) if self._size else b""
        self._position = 0
        footer = int.from_bytes(self._tail[-8:-4], "little")
        if self._tail[-4:] != b"PAR1" or footer > MAX_FOOTER_BYTES:
            raise RangeError("bad-index", f"{path}: not a Parquet file, or its footer is over the limit")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._size - self._position)
        wanted = left if size < 0 else min(size, left)
        data = self._fetch(self._position, wanted)
        self._position += len(data)
        return data

    def _fetch(self, position: int, length: int) -> bytes:
        if position >= self._tail_at:
            return self._tail[position - self._tail_at :][:length]
        end = position + length
        places = range(position, end, _PIECE)
        return b"".join(self._source.read(self._path, at, min(_PIECE, end - at)) for at in places)
