"""Generated pages for comparing the Spark path with the embedded one: articles, copies of every kind, shared contacts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.dedup_texts import Writer
from corpus.records import Fetch

WHEN = datetime(2024, 10, 13, 6, 44, 13, tzinfo=UTC)
SITES = 7
CONTACT = "详情请加微信：qingyuan{owner}zx888 咨询。"


def generated_fetches(number: int, seed: int = 7) -> Iterator[Fetch]:
    """Yield so many pages; of five, one is an exact, one an edited, one a swapped copy, and one holds another."""
    writer = Writer(seed)
    texts: list[str] = []
    for index in range(number):
        old = texts[index // 2] if texts else ""
        made = {1: old, 2: writer.edited(old, 0.01), 3: writer.swapped(old)}.get(index % 5)
        if index % 5 == 4:
            # Only an article that copies nothing is put into another: texts must not grow without end.
            made = f"{writer.article()}\n{texts[index // 10 * 5]}"
        texts.append(made or writer.article())
        yield _page(index, texts[-1])


def _page(index: int, text: str) -> Fetch:
    site = index % SITES
    title, *paragraphs = text.split("\n")
    lines = "".join(f"<p>{line}</p>" for line in (*paragraphs, CONTACT.format(owner=site // 2)))
    html = (
        f'<html><head><meta charset="utf-8"><title>{title}</title></head>'
        f'<body><div class="article"><h1>{title}</h1>{lines}</div></body></html>'
    )
    # A header that is no UTF-8, as servers send them.
    headers = (("Content-Type", "text/html; charset=utf-8"), ("X-Odd", "\udcff"))
    when = WHEN + timedelta(hours=index * 37 % 101)
    return Fetch(f"http://s{site}.example/{index}.html", when, html.encode(), "response", 200, headers)
