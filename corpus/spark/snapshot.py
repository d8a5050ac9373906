"""The Parquet folders of a result, written and read wherever Spark can write, and read by DuckDB, Polars or pyarrow.

The folders have the names and columns of a corpus' tables, so a query of one runs on the other, with one difference:
what deduplication finds stands in `duplicates/` and `clusters/`, not in `documents/`, so that to cluster again rewrites
only what is small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from corpus.spark.rows import spark_schema

STAGE = "_stage"
"""What stands between two stages; it goes when the job ends."""

ABOUT = pa.schema([("key", pa.string()), ("value", pa.string())])


class SnapshotError(Exception):
    """A result that isn't there, or is in the way; the text says what to do."""


class Snapshot:
    """The folder of one result."""

    def __init__(self, spark: SparkSession, folder: str) -> None:
        self.spark = spark
        self.folder = folder.rstrip("/")

    def path(self, table: str) -> str:
        """Return where a table stands."""
        return f"{self.folder}/{table}"

    def read(self, table: str) -> DataFrame:
        """Return a table; raises SnapshotError where it isn't there."""
        if not self.has(table):
            raise SnapshotError(
                f"{self.folder}: it holds no {table}; make it with `yuqi spark build INPUTS {self.folder}`"
            )
        return self.spark.read.parquet(self.path(table))

    def write(self, table: str, frame: DataFrame) -> DataFrame:
        """Write a table, in place of the one that is there, and return it as read back: what led to it is forgotten."""
        frame.write.mode("overwrite").parquet(self.path(table))
        return self.read(table)

    def write_arrow(self, table: str, rows: pa.Table) -> None:
        """Write a small table from the driver."""
        frame = self.spark.createDataFrame(rows.to_pylist(), spark_schema(rows.schema))
        frame.coalesce(1).write.mode("overwrite").parquet(self.path(table))

    def begin(self, about: Mapping[str, str]) -> None:
        """Begin a result; raises SnapshotError where one stands already."""
        if self.has("documents"):
            raise SnapshotError(
                f"{self.folder}: it holds a result already; name another folder, or delete it first"
            )
        rows = [{"key": key, "value": value} for key, value in sorted(about.items())]
        self.write_arrow("about", pa.Table.from_pylist(rows, ABOUT))

    def about(self) -> dict[str, str]:
        """Return the facts that the result began with."""
        return {row.key: row.value for row in self.read("about").collect()}

    def has(self, table: str) -> bool:
        """Whether a table stands there, whole: Spark leaves a mark when it has written all of one."""
        files, path = self._at(f"{table}/_SUCCESS")
        return bool(files.exists(path))

    def clear(self) -> None:
        """Delete what stands between stages."""
        self.delete(STAGE)

    def delete(self, table: str) -> None:
        """Delete a table, if it is there."""
        files, path = self._at(table)
        files.delete(path, True)

    def _at(self, name: str) -> tuple[Any, Any]:
        """Return Hadoop's file system for a path, and the path."""
        context = self.spark.sparkContext
        assert context._jvm is not None
        path = context._jvm.org.apache.hadoop.fs.Path(self.path(name))
        return path.getFileSystem(context._jsc.hadoopConfiguration()), path
