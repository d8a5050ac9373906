"""One Spark session for all tests, and two archives with what the embedded path makes of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.spark_pages import generated_fetches
from corpus import archive
from corpus.records import Fetch
from corpus.store import Corpus
from tests.corpus.spark.fetches import demo_fetches, looks, statutes

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "3",
    # Of many small queries most time goes into compiling them well, in Spark and in the JVM.
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    if any(importlib.util.find_spec(name) is None for name in ("pyspark", "pyarrow")):
        pytest.skip("the extra `spark` is not installed")
    from corpus.spark.session import JavaMissingError, session

    try:
        found = session("local[2]", SETTINGS)
    except JavaMissingError as error:
        pytest.skip(str(error))
    yield found
    found.stop()


@dataclass(frozen=True, slots=True)
class Embedded:
    """A corpus of the embedded path: its file, its archive's folder, the digests of its tables."""

    database: Path
    archive: Path
    digests: dict[str, str]


def embed(folder: Path, fetches: Sequence[Fetch]) -> Embedded:
    """Return the corpus that the embedded path makes of `fetches`."""
    from corpus.spark.digest import digests_of_corpus

    database = folder / "corpus.db"
    with Corpus(database, create=True) as corpus:
        for fetch in fetches:
            corpus.add_fetch(fetch)
        corpus.derive_pending(workers=2)
        digests = digests_of_corpus(corpus.connection)
    return Embedded(database, archive.folder_of(database), digests)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Embedded:
    """Generated articles with copies of every kind, and URLs fetched more than once."""
    return embed(tmp_path_factory.mktemp("small"), [*generated_fetches(60), *looks()])


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Embedded:
    """The demo's pages and, where they are there, statutes."""
    return embed(tmp_path_factory.mktemp("large"), [*demo_fetches(), *statutes()])
