"""The golden page: one page whose article says whether a worker derives what the driver derives.

Two machines with different Python versions carry different Unicode tables, and with different library versions another
parser: their documents would differ in a few rows of a million, and nobody would see it. So every worker process derives
this page before its first and compares the digest of all that comes of it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache

import orjson
import pyarrow as pa
from pyspark.sql import SparkSession

from cleaning.clean import Cleaned, to_dict
from corpus.derive import derive
from corpus.fingerprint import fingerprint
from corpus.masking import default_masker
from corpus.records import Fetch
from corpus.spark.rows import spark_schema

_PARAGRAPHS = (
    "借款人小米金融逾期三個月後，催收人員每天撥打電話，並且聯繫通訊錄裏的親戚朋友，要求立即還清全部欠款。",
    "根據規定，催收不得在晚上十點以後進行，也不得威脅或者恐嚇借款人；遇到這種情形可以向監管部門投訴（電話：１２３７８）。",
    "如果暫時沒有能力還款，可以主動和平台協商分期，最長可以分六十期，協商時要保留通話錄音和還款憑證作為證據。",
    "有網友表示，度小滿和招聯金融都曾經同意停息掛賬，但前提是提供真實的收入證明與困難說明，並按時履行新的協議。",
)
_BODY = (
    "<html><head><title>\u2F94小米金融逾期怎麼辦？\u3000協商還款全流程</title></head><body><h1>小米金融逾期怎麼辦？</h1>"
    "<div>发布时间：2023-04-05 06:07</div><article>" + "".join(f"<p>{text}</p>" for text in _PARAGRAPHS) + "</article>"
    "<div>㎡ ﬁ ①② Ⅻ ｱｲｳ \U0001F12F \U00030EDD</div></body></html>"
)  # fmt: skip
_FETCH = Fetch(
    "http://golden.example/overdue.html", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), _BODY.encode(),
    headers=(("Content-Type", "text/html; charset=utf-8"),),
)  # fmt: skip
_LOOKS = 4
"""Tasks to a processor core that look before a job: enough that every executor gets one; workers look again anyway."""

_SCHEMA = pa.schema([("digest", pa.string()), ("unicode", pa.string())])


class GoldenPageError(Exception):
    """A worker derives something else than the driver; the text says what to do."""


@cache
def golden_digest() -> str:
    """Return the digest of what this process makes of the golden page: its article, findings and fingerprint."""
    result = derive(_FETCH).result
    told = orjson.dumps(to_dict(result, source="golden", url=_FETCH.url), option=orjson.OPT_SORT_KEYS)
    text = result.text if isinstance(result, Cleaned) else _BODY
    prints = fingerprint([text, _BODY], default_masker().mask_folded)
    keys = prints.keys.values.astype("<u8").tobytes()
    return hashlib.blake2b(told + "".join(prints.content_hashes).encode() + keys, digest_size=16).hexdigest()


def expect_golden(wanted: str) -> None:
    """Raise GoldenPageError unless this process derives what the process did that `wanted` comes from."""
    if golden_digest() != wanted:
        raise GoldenPageError(_explained(unicodedata.unidata_version))


def _explained(version: str) -> str:
    return (
        f"a worker (Unicode {version}) derives other documents than the driver (Unicode"
        f" {unicodedata.unidata_version}): run one Python version and the same yuqi and libraries on all machines"
    )


def look(given: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the digest of the golden page once for each batch (on a worker)."""
    for _ in given:
        row = {"digest": golden_digest(), "unicode": unicodedata.unidata_version}
        yield pa.RecordBatch.from_pylist([row], _SCHEMA)


def check_executors(spark: SparkSession, wanted: str) -> None:
    """Have the executors derive the golden page; raises GoldenPageError where one differs."""
    tasks = _LOOKS * spark.sparkContext.defaultParallelism
    found = spark.range(0, tasks, 1, tasks).mapInArrow(look, spark_schema(_SCHEMA)).distinct().collect()
    for row in found:
        if row.digest != wanted:
            raise GoldenPageError(_explained(row.unicode))
