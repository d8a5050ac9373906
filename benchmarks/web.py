"""A synthetic corpus, and what `yuqi serve` and `yuqi report` take over it: `python -m benchmarks.web --docs 50000`.

The documents are made of the demo's sentences and go in through the store's own API, so every table, index and
cluster is as a crawl would leave it; only fetching and cleaning are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cleaning.clean import Cleaned
from cleaning.contacts import Contact
from cleaning.findings import Finding, Rejected
from cleaning.lenders import lenders
from cleaning.topics import topics
from corpus.derivation import Derived
from corpus.records import Fetch
from corpus.report import report
from corpus.store import BATCH_DOCUMENTS, Corpus
from corpus.web.app import application
from demo.articles import read_articles

SITES = 120
SEED = 20240501
DAY = datetime(2024, 11, 1, tzinfo=UTC)
PATHS = (
    "/",
    "/?q=催收",
    "/?q=催收 协商",
    "/?q=停息挂账&f=script:hans",
    "/?q=征信&f=topic:lawsuit",
    "/?f=site:s7.test",
    "/?q=逾期&page=3",
)
RULES = ("dom.nav", "chrome.share", "spam.line", "disclaimer.headed")
DAMAGE = ("repair.pinyin.aligned", "decoder.gb18030-as-latin", "decoder.utf-8-as-gbk", "decoder.big5hkscs-as-gbk")
REASONS = ("list-page", "http-404", "junk-page", "damaged", "not-text")


def sentences() -> list[str]:
    """Return every sentence of the demo's articles, once, in order."""
    lines = [line.text for article in read_articles() for line in article.lines]
    parts = [part + "。" for line in lines for part in line.split("。") if len(part) > 8]
    return list(dict.fromkeys(parts))


def results(number: int) -> Iterator[tuple[Fetch, Cleaned | Rejected]]:
    """Yield `number` fetches and what each gives: one in six a copy, one in ten a rejection."""
    rng = random.Random(SEED)
    stock = sentences()
    names = [lender.name for lender in lenders()]
    ids = [topic.id for topic in topics()]
    written: list[str] = []
    for index in range(number):
        site = f"s{min(int(rng.expovariate(0.05)), SITES - 1)}.test"
        url = f"http://{site}/news/{index}.html"
        fetch = Fetch(url, DAY + timedelta(minutes=index), f"page {index}".encode(), crawl_id="crawl-synthetic")
        if rng.random() < 0.1:
            yield fetch, Rejected(rng.choice(REASONS), "made for a measurement")
            continue
        lender = rng.choice(names)
        if written and rng.random() < 0.16:
            body = rng.choice(written[-2000:])
        else:
            body = "\n".join(rng.choice(stock) for _ in range(rng.randrange(12, 36)))
            written.append(body)
        yield fetch, _cleaned(rng, body, f"{lender}逾期{index}天怎么办", lender, ids)


def _cleaned(rng: random.Random, body: str, title: str, lender: str, ids: list[str]) -> Cleaned:
    published = DAY - timedelta(days=int(rng.expovariate(0.004)))
    chrome = ["首页>>逾期资讯>>正文", "分享到微信", "上一篇下一篇", "本网站所提供的信息"]
    page_text = "\n".join([title, *chrome, body])
    findings = [_spot(page_text, title + "\n", "field.title")]
    findings += [_spot(page_text, line + "\n", rule) for line, rule in zip(chrome, RULES)]
    if rng.random() < 0.3:
        rule = rng.choice(DAMAGE)
        findings = [
            Finding("repair", rule, place, place + 1, page_text[place], page_text[place], "certified", "forward")
            for place in sorted(rng.sample(range(len(page_text)), 20))
        ] + findings
    contacts = (Contact("phone", f"139{rng.randrange(60):08d}", "", 0, 0),) if rng.random() < 0.3 else ()
    return Cleaned(
        text=body, text_source=body, page_text=page_text, script=rng.choice(["hans", "hans", "hant", "mixed"]),
        encoding=rng.choice(["utf-8", "gb18030", "big5hkscs"]), encoding_evidence="made", title=title,
        published=published.date().isoformat(), contacts=contacts, lenders=(lender,),
        topics=tuple(rng.sample(ids, rng.randrange(1, 4))), relevance=rng.random(), findings=tuple(findings),
    )  # fmt: skip


def _spot(text: str, part: str, rule: str) -> Finding:
    start = text.index(part)
    return Finding("strip", rule, start, start + len(part), part, "", "rule")


def build(path: Path, number: int) -> None:
    """Make a corpus of `number` fetches at `path`."""
    with Corpus(path, create=True) as corpus:
        run = corpus.begin_run("crawl", ["synthetic"])
        made: dict[str, Cleaned | Rejected] = {}
        for fetch, result in results(number):
            corpus.add_fetch(fetch.with_run(run))
            made[fetch.id] = result
        corpus.flush()
        tasks = list(corpus.tasks())
        for start in range(0, len(tasks), BATCH_DOCUMENTS):
            with corpus.transaction():
                batch = tasks[start : start + BATCH_DOCUMENTS]
                corpus._store([Derived(task, made[task.id]) for task in batch])
        with corpus.transaction():
            corpus._rederive_farms()
        corpus.end_run(run, {"fetched": number, "seconds": 1.0, "reason": "finished"})


def _served(path: Path, rounds: int) -> dict[str, list[float]]:
    """Return, for each path, the processor milliseconds of each of `rounds` requests."""

    async def ask() -> dict[str, list[float]]:
        site = application(path)
        await site.invoke_startup()
        times: dict[str, list[float]] = {}
        await site.client.get("/")  # the facets are counted once
        for page in PATHS:
            for _ in range(rounds):
                started = time.process_time()
                response = await site.client.get(page)
                assert response.status_code == 200, (page, response.status_code)
                times.setdefault(page, []).append(1000 * (time.process_time() - started))
                site.site.forget()  # each round counts its facets anew
        return times

    return asyncio.run(ask())


def main() -> None:
    """Build (or take `--db`), measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--docs", type=int, default=50_000)
    parser.add_argument("--db", type=Path, help="a corpus made before; made here when it isn't there")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.db or Path(folder) / "synthetic.db"
        if not path.exists():
            started = time.process_time()
            build(path, options.docs)
            print(f"{options.docs} fetches stored in {time.process_time() - started:.1f} s of processor time")
        for page, times in _served(path, options.rounds).items():
            print(
                f"{page:32} median {statistics.median(times):7.1f} ms, worst {max(times):7.1f} ms of processor time"
            )
        started, clock = time.process_time(), time.perf_counter()
        out = Path(folder) / "report.html"
        with Corpus(path, readonly=True) as corpus:
            report(corpus.connection, out, name="synthetic")
        digest = hashlib.sha256(out.read_bytes()).hexdigest()[:12]
        print(
            f"report: {time.process_time() - started:.1f} s of processor time, {time.perf_counter() - clock:.1f} s "
            f"by the clock, {out.stat().st_size / 1e3:.0f} kB, sha256 {digest}"
        )


if __name__ == "__main__":
    main()
