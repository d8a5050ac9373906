"""The commands that run on Spark: clean, dedup, build, collect. Nothing of Spark is imported before one runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpus.cli import FriendlyCommand
from corpus.store import CorpusError
from corpus.terminal import print_json

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

master_option = click.option(
    "--master",
    help="Where to run: local[4], spark://host:7077, yarn, k8s://...  [default: as spark-submit says, or this machine]",
)
setting_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of Spark's, such as spark.driver.memory=4g.",
)
partitions_option = click.option(
    "--partitions", type=click.IntRange(1, 100_000), help="Deal pages out to so many tasks where files are fewer."
)
sites_option = click.option(
    "--sites", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="DB",
    help="Take site declarations, learned profiles, takedowns and the salt of contacts from this corpus.",
)  # fmt: skip
driver_pairs_option = click.option(
    "--driver-pairs", type=click.IntRange(0), metavar="N",
    help="Bring up to N duplicate pairs together on the driver, more on the workers.  [default: 20000000]",
)  # fmt: skip
inputs_argument = click.argument("inputs", nargs=-1, required=True, metavar="IN...")
out_argument = click.argument("out")


@contextmanager
def _session(master: str | None, settings: tuple[str, ...]) -> Iterator[SparkSession]:
    """Hold a session for a command; what goes wrong in one line becomes the command's one line."""
    if any(importlib.util.find_spec(module) is None for module in ("pyspark", "pyarrow")):
        raise CorpusError("it needs the extra `spark`, which is not installed: pip install 'yuqi[spark]'")
    from pyspark.errors import PySparkException

    from corpus.spark.golden import GoldenPageError
    from corpus.spark.reading import InputError
    from corpus.spark.session import JavaMissingError, session
    from corpus.spark.snapshot import SnapshotError

    try:
        spark = session(master, _pairs(settings))
        try:
            yield spark
        finally:
            spark.stop()
    except (JavaMissingError, InputError, SnapshotError, GoldenPageError) as error:
        raise CorpusError(str(error)) from error
    except PySparkException as error:
        told = [line for line in str(error).splitlines() if line.strip()]
        # The last line of a worker's trace names the cause; the first says only that a worker failed.
        raise CorpusError(f"Spark could not finish: {told[-1] if told else error!r}") from error


def _pairs(settings: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator or not key.startswith("spark."):
            raise click.BadParameter(f"{setting}: write spark.NAME=VALUE", param_hint="--set")
        found[key] = value
    return found


@click.group(epilog="Example: yuqi spark build 'crawl-*.warc.gz' out --master 'local[4]'")
def spark() -> None:
    """The same on many machines: WARC files to Parquet of documents, duplicates and farms, on Apache Spark.

    Needs `pip install 'yuqi[spark]'` and Java 17 or newer. The result is that of `ingest` and `dedup`, row for row.
    """


def _command(example: str) -> Callable[[Callable[..., Any]], click.Command]:
    return click.command(cls=FriendlyCommand, epilog=f"Example: {example}")


def _cleaning(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments of a job that reads pages."""
    for option in (partitions_option, sites_option, out_argument, inputs_argument):
        command = option(command)
    return command


def _cluster(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where it runs."""
    return master_option(setting_option(command))


@_command("yuqi spark clean 'crawl-*.warc.gz' out --master 'local[4]'")
@_cleaning
@_cluster
def clean(master: str | None, settings: tuple[str, ...], **job: Any) -> None:  # noqa: ANN401  # what `_clean` takes
    """Derive documents, findings and rejections of WARC, WET or Parquet IN... and write them as Parquet under OUT."""
    with _session(master, settings) as session:
        print_json(_clean(session, **job))


@_command("yuqi spark dedup out")
@out_argument
@driver_pairs_option
@_cluster
def dedup(out: str, driver_pairs: int | None, master: str | None, settings: tuple[str, ...]) -> None:
    """Find duplicates, clusters and farms of the documents under OUT (again)."""
    with _session(master, settings) as session:
        print_json(_dedup(session, out, driver_pairs))


@_command("yuqi spark build s3a://bucket/crawl/ s3a://bucket/out --partitions 400")
@_cleaning
@driver_pairs_option
@_cluster
def build(
    out: str,
    driver_pairs: int | None,
    master: str | None,
    settings: tuple[str, ...],
    **job: Any,  # noqa: ANN401
) -> None:
    """Do both: `clean`, then `dedup`."""
    with _session(master, settings) as session:
        print_json({**_clean(session, out=out, **job), **_dedup(session, out, driver_pairs)})


def _clean(
    session: SparkSession, inputs: tuple[str, ...], out: str, partitions: int | None, sites: Path | None
) -> dict[str, int]:
    from corpus.spark import job

    return job.clean(session, inputs, out, job.Beforehand.of(sites), partitions=partitions)


def _dedup(session: SparkSession, out: str, driver_pairs: int | None) -> dict[str, int]:
    from corpus.spark import components, job

    pairs = components.DRIVER_PAIRS if driver_pairs is None else driver_pairs
    return job.deduplicate(session, out, driver_pairs=pairs)


@_command("yuqi spark collect out corpus.db")
@out_argument
@click.argument("db", type=click.Path(path_type=Path))
@_cluster
def collect(out: str, db: Path, master: str | None, settings: tuple[str, ...]) -> None:
    """Make a new corpus DB, archive and all, of a result under OUT and the inputs it was made of."""
    with _session(master, settings) as session:
        from corpus.spark.collect import collect as collect_result

        print_json(collect_result(session, out, db))


for command in (clean, dedup, build, collect):
    spark.add_command(command)

commands: list[click.Command] = [spark]
