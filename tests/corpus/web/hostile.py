"""A corpus whose every text attacks the page that shows it, stored as it stands through the store's own API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cleaning.clean import Cleaned
from cleaning.contacts import Contact
from cleaning.findings import Finding, Rejected, replay
from corpus.derivation import Derived
from corpus.records import Fetch, Task
from corpus.store import Corpus
from demo.articles import read_articles

WHEN = datetime(2024, 10, 13, 6, 44, 13, tzinfo=UTC)
SCRIPT = "<script>document.title='pwned'</script>"
IMAGE = '"><img src=x onerror="document.title=\'pwned\'">'
TEMPLATE = "{{ 7 * 191 }}{% include 'x' %}"
BIDI = "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe\N{ZERO WIDTH SPACE}"
SITE = "evil\"'><svg onload=alert(1)>.test"
URL = "javascript:alert(1)//http://evil.test/"
PHONE = "13900001234"
PLAIN = "催收人员不得在深夜拨打电话，也不得骚扰与债务无关的亲友，遇到这种情况可以保留录音并向监管部门投诉。"


def page_text(index: int) -> str:
    """Return the page's text before any stage; the first two pages are one article."""
    article = read_articles()[max(index, 1)]
    return "\n".join(
        [
            f"标题{SCRIPT}{index}",
            f"首页>>{IMAGE}>>正文",
            f"{PLAIN}應(yīng){BIDI}{TEMPLATE}",
            f"</del></div><script src=//evil.test/x.js></script>第{index}段说的是借呗",
            f"内容侵权请联系:{PHONE} 微信{PHONE}",
            *(line.plain() for line in article.lines),
            f"{PLAIN[::-1]}{index}",
        ]
    )


def cleaned(index: int) -> Cleaned:
    """Return what a page gives: a repair, lines stripped, hostile fields."""
    page = page_text(index)
    at = page.index("(yīng)")
    repairs = [Finding("repair", "repair.pinyin.aligned", at, at + 6, "(yīng)", "", "certified", f"應 {SCRIPT}")]
    repaired = replay(page, repairs)
    strips = [
        Finding("strip", rule, start, start + len(line) + 1, line + "\n", "", "rule", IMAGE)
        for rule, line in (("field.title", repaired.split("\n")[0]), ("dom.nav", repaired.split("\n")[1]),
                           ("contact.line", repaired.split("\n")[4]))
        for start in [repaired.index(line)]
    ]  # fmt: skip
    text = replay(repaired, strips)
    return Cleaned(
        text=text, text_source=text, page_text=page, script="hans", encoding="utf-8", encoding_evidence=SCRIPT,
        title=f"标题{SCRIPT}{BIDI}{index}", author=IMAGE, published="2024-05-01", category=SCRIPT, origin=IMAGE,
        counters={SCRIPT: 3}, contacts=(Contact("phone", PHONE, "", 0, 0),), lenders=("借呗", IMAGE),
        topics=("debt_collection", SCRIPT), relevance=0.5, quality={SCRIPT: IMAGE}, findings=(*repairs, *strips),
    )  # fmt: skip


def build(path: Path, number: int = 8) -> None:
    """Make the corpus at `path`: a few documents of two hostile sites that one operator runs, and a rejection."""
    with Corpus(path, create=True) as corpus:
        run = corpus.begin_run("crawl", [SCRIPT, URL])
        for index in range(number + 1):
            body = f"<html>{SCRIPT}{index}".encode()
            url = f"{URL}{SCRIPT}{index}"
            corpus.add_fetch(Fetch(url, WHEN + timedelta(minutes=index), body, crawl_id=run))
        corpus.flush()
        tasks = [_at_site(task, SITE + str(index % 2)) for index, task in enumerate(corpus.tasks())]
        results: list[Cleaned | Rejected] = [*map(cleaned, range(number)), Rejected("junk-page" + SCRIPT, IMAGE)]
        with corpus.transaction():
            corpus.connection.executemany(
                "UPDATE fetches SET site = ? WHERE seq = ?", [(task.site, task.seq) for task in tasks]
            )
            corpus._store([Derived(task, result) for task, result in zip(tasks, results, strict=True)])
            corpus._rederive_farms()
        corpus.end_run(run, {"reason": SCRIPT, "seconds": 3.0, "warnings": [IMAGE], SCRIPT: {SCRIPT: 1}})


def _at_site(task: Task, site: str) -> Task:
    return Task(task.seq, task.id, task.url, site, task.fetched_at, task.location)
