"""The job: inputs -> documents -> duplicates -> farms, stage by stage, each written before the next begins."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # as all of Spark's documentation calls it

from cleaning.clean import Site
from corpus.spark import dedup, derive, farms, timelines
from corpus.spark.components import DRIVER_PAIRS
from corpus.spark.golden import check_executors, golden_digest
from corpus.spark.reading import read_inputs
from corpus.spark.snapshot import STAGE, Snapshot
from corpus.store import Corpus, site_from

SITES = pa.schema(
    [
        (name, pa.string())
        for name in ("site", "selectors", "charset", "profile", "profile_version", "pinyin_table")
    ]
)

_FETCHES = ("id", "url", "site", "kind", "status", "content_type", "size", "fetched_at", "crawl_id", "outcome")
_VERSIONS = ("id", "url", "site", "title", "author", "published", "text", "content_hash")
_DOCID = "seq AS docid"


@dataclass(frozen=True, slots=True)
class Beforehand:
    """What a corpus knows before the job: its salt, its rows of `sites`, what its takedowns name, and by what salts."""

    salt: bytes
    sites: Sequence[dict[str, str | None]] = ()
    buried: frozenset[str] = frozenset()
    merged_salts: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, database: Path | None) -> Beforehand:
        """Return what the corpus at `database` knows; of none: nothing, and a new salt. Raises CorpusError."""
        if database is None:
            return cls(secrets.token_bytes(16))
        with Corpus(database, readonly=True) as corpus:
            rows = corpus.connection.execute(f"SELECT {', '.join(SITES.names)} FROM sites ORDER BY site")  # noqa: S608
            sites = [dict(zip(SITES.names, row)) for row in rows]
            return cls(corpus.salt, sites, corpus.buried(), corpus.salts[1:])


def clean(
    spark: SparkSession,
    inputs: Sequence[str],
    out: str,
    beforehand: Beforehand,
    *,
    partitions: int | None = None,
    page_seconds: float = derive.PAGE_SECONDS,
) -> dict[str, int]:
    """Derive every fetch of `inputs` and write fetches, documents, findings, contacts, versions and rejections.

    Returns how many fetches gave what. Raises InputError, SnapshotError, GoldenPageError.
    """
    snapshot = Snapshot(spark, out)
    fetches = read_inputs(spark, inputs, partitions)
    golden = golden_digest()
    check_executors(spark, golden)
    snapshot.begin({"salt": beforehand.salt.hex(), "inputs": json.dumps(list(inputs)), "golden": golden})
    snapshot.write_arrow("sites", pa.Table.from_pylist(list(beforehand.sites), SITES))
    known = _sites(beforehand.sites)
    knowledge = derive.Knowledge(
        golden, beforehand.salt, known, beforehand.buried, page_seconds, beforehand.merged_salts
    )
    given = derive.numbered(snapshot.write(f"{STAGE}/given", derive.given_by(fetches, knowledge)))
    placed = snapshot.write(f"{STAGE}/placed", timelines.places(given))
    _write_tables(snapshot, given, timelines.articles(given, placed))
    snapshot.clear()
    counted = snapshot.read("fetches").groupBy("outcome").count().collect()
    outcomes = {row["outcome"]: row["count"] for row in counted}
    return {**outcomes, "documents": snapshot.read("documents").count()}


def _sites(rows: Sequence[dict[str, str | None]]) -> dict[str, Site]:
    return {
        str(row["site"]): site_from(row["selectors"], row["charset"], row["profile"], row["pinyin_table"])
        for row in rows
    }


def _write_tables(snapshot: Snapshot, given: DataFrame, articles: DataFrame) -> None:
    snapshot.write("fetches", given.where("seq IS NOT NULL").select("seq", *_FETCHES))
    rejected = given.where("outcome IN ('rejected', 'unreadable')")
    encoding = F.col("rejected_encoding").alias("encoding")
    snapshot.write(
        "rejections", rejected.select("seq", "id", "url", "site", "reason", "detail", encoding, "record")
    )
    first, last = F.col("placed_first").alias("first_seen"), F.col("placed_last").alias("last_seen")
    versions = articles.where("place = 'versions'")
    snapshot.write("versions", versions.select(F.expr(_DOCID), *_VERSIONS, first, last))
    documents = articles.where("place = 'documents'")
    snapshot.write(
        "documents", documents.select(F.expr(_DOCID), "id", "url", "site", *derive.DOCUMENT.names, last)
    )
    findings = documents.select(F.expr(_DOCID), F.inline("findings"))
    snapshot.write("findings", findings)
    snapshot.write("contacts", documents.select(F.expr(_DOCID), F.inline("contacts")))
    snapshot.write("site_marks", documents.select(F.expr(_DOCID), F.inline("marks")))


def deduplicate(spark: SparkSession, out: str, *, driver_pairs: int = DRIVER_PAIRS) -> dict[str, int]:
    """Find the duplicates and farms of a cleaned result; return how many there are by kind.

    Of more than `driver_pairs` verified pairs the components are found on the workers. Raises SnapshotError,
    GoldenPageError.
    """
    snapshot = Snapshot(spark, out)
    documents = snapshot.read("documents")
    golden = golden_digest()
    check_executors(spark, golden)
    keys = snapshot.write(f"{STAGE}/keys", dedup.keyed(documents, golden))
    contents = snapshot.write(f"{STAGE}/contents", dedup.contents_of(keys))
    shared = snapshot.write(f"{STAGE}/shared", dedup.shared_keys(contents))
    promising = snapshot.write(f"{STAGE}/promising", dedup.promising(dedup.candidates(shared), shared, contents))
    pairs = snapshot.write("pairs", dedup.verified(promising, contents, documents))
    hulls = dedup.hulls(pairs, snapshot, driver_pairs)
    arranged = snapshot.write(f"{STAGE}/arranged", dedup.arranged(keys, pairs, hulls))
    duplicates = snapshot.write("duplicates", dedup.duplicates(arranged))
    clusters = snapshot.write("clusters", dedup.clusters(arranged))
    snapshot.clear()
    kinds = duplicates.where("duplicate_of IS NOT NULL").groupBy("duplicate_kind").count().collect()
    farm_count = _find_farms(snapshot, documents, duplicates)
    counts = {row["duplicate_kind"]: row["count"] for row in kinds}
    return {**counts, "clusters": clusters.count(), "farms": farm_count}


def _find_farms(snapshot: Snapshot, documents: DataFrame, duplicates: DataFrame) -> int:
    marked = documents.select("docid", "id", "site").join(duplicates, "id", "left")
    sites = _sites([row.asDict() for row in snapshot.read("sites").collect()])
    lines = {name: site.profile.lines for name, site in sites.items() if site.profile}
    salt = bytes.fromhex(snapshot.about()["salt"])
    tables = farms.find_farms(marked, snapshot.read("contacts"), snapshot.read("site_marks"), salt, lines)
    for name, table in tables.items():
        snapshot.write_arrow(name, table)
    return int(tables["farms"].num_rows)
