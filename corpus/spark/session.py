"""The Spark session: settings that the result or the memory of workers hangs on, each with its reason."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from corpus.derivation import spare_memory

LEAST_JAVA = 17
"""What PySpark 4 runs on."""

ARROW_ROWS = 512
"""Rows to an Arrow batch: pages of 20 KB to 2 MB, so some 10 MB to a batch, and never a whole partition at once."""

TRIES = 4
"""How often a task may run on this machine: as often as Spark lets it on a cluster (spark.task.maxFailures)."""

_LOCAL = re.compile(r"local(?:\[(\d+|\*)\])?")

_SETTINGS = {
    # A page is a row: batches must be bounded, and Python's results may come in batches of any size.
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(ARROW_ROWS),
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # Skewed buckets (a notice that everybody carries) are split by Spark while it runs.
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.adaptive.skewJoin.enabled": "true",
    # Times are text here (ISO 8601, UTC) and numbers are checked: an overflow is an error, never another number.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.python.daemon.module": "corpus.spark.daemon",
    "spark.ui.showConsoleProgress": "false",
    # See corpus.derivation.spare_memory: a dictionary of phrases that nothing here reads.
    "spark.executorEnv.PYPINYIN_NO_PHRASES": "true",
    "spark.executorEnv.PYPINYIN_NO_DICT_COPY": "true",
}


class JavaMissingError(Exception):
    """No Java that Spark runs on; the text says what to do."""


def session(master: str | None = None, settings: dict[str, str] | None = None) -> SparkSession:
    """Return a session on `master` (None: what spark-submit or an installed Spark says, else this machine's cores).

    Raises JavaMissingError where there is no Java 17 or newer.
    """
    expect_java()
    spare_memory()
    # Workers run this interpreter, unless the cluster says which: another Python may lack what the job imports.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("yuqi")
    if master or not _is_configured():
        builder = builder.master(_patient(master or "local[*]"))
    for key, value in {**_SETTINGS, **(settings or {})}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    # What goes wrong is told in one line by who asked; Spark would print each trace three times.
    spark.sparkContext.setLogLevel("FATAL")
    return spark


def _is_configured() -> bool:
    """Whether spark-submit runs this, or an installation of Spark that has a configuration of its own."""
    return any(name in os.environ for name in ("PYSPARK_GATEWAY_PORT", "SPARK_HOME", "SPARK_CONF_DIR"))


def _patient(master: str) -> str:
    """Return a master on which a task may fail and run again, as it may on clusters; plain `local` gives up at once."""
    told = _LOCAL.fullmatch(master)
    return f"local[{told[1] or 1},{TRIES}]" if told else master


def expect_java() -> None:
    """Raise JavaMissingError unless Spark would find a Java that it runs on."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        raise JavaMissingError(
            f"Spark needs Java {LEAST_JAVA} or newer; install one (apt install openjdk-17-jre-headless) or set JAVA_HOME"
        )
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603  # a path
    version = told.partition('version "')[2].partition(".")[0].partition('"')[0]
    if not version.isdecimal() or int(version) < LEAST_JAVA:
        raise JavaMissingError(
            f"Spark needs Java {LEAST_JAVA} or newer, but {java} is {version or 'unknown'}; set JAVA_HOME"
        )
