"""An article as rows says what the article says, and stores the same, wherever it was made into rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cleaning.findings import Rejected
from corpus.article import COLUMNS, Article, document_row
from corpus.derivation import Derived, Workers, as_rows, derive_all
from corpus.fingerprint import content_hash
from corpus.records import Fetch
from corpus.store import Corpus

WHEN = datetime(2026, 11, 1, tzinfo=UTC)
HTML = (("Content-Type", "text/html"),)
BODY = """<h1>{0}逾期怎么办</h1><div>2024-01-02 作者：小李</div><p>逾期{1}天，
先算清本金和利息，再主动联系招联金融协商分期。</p>
<p>別輕信反催收廣告，也不要以貸養貸；有事打客服４００，加微信 dkzx6688 咨询。</p>"""


def fetches() -> list[Fetch]:
    bodies = [BODY.format(name, number) for number, name in enumerate(("信用卡", "网贷", "花呗") * 14)]
    return [
        Fetch(f"http://a.example/{number}", WHEN + timedelta(hours=number), body.encode(), headers=HTML)
        for number, body in enumerate([*bodies, ""])
    ]


def fetched(path: Path) -> Corpus:
    corpus = Corpus(path, create=True)
    for fetch in fetches():
        corpus.add_fetch(fetch)
    corpus.flush()
    return corpus


def test_rows_say_what_was_cleaned(tmp_path: Path) -> None:
    with fetched(tmp_path / "c.db") as corpus:
        whole = list(derive_all(corpus.folder, corpus.tasks(), {}))
    rows = as_rows(whole)
    assert sum(isinstance(item.result, Rejected) for item in rows) == 1
    for before, after in zip(whole, rows, strict=True):
        assert after[::2] == before[::2]
        if isinstance(after.result, Rejected) or isinstance(before.result, Rejected):
            assert after == before
            continue
        assert isinstance(after.result, Article)
        assert not isinstance(before.result, Article)
        cleaned, article = before.result, after.result
        assert (article.title, article.text) == (cleaned.title, cleaned.text)
        assert (article.author, article.published) == (cleaned.author, cleaned.published)
        assert dict(zip(COLUMNS, article.document, strict=True)) == document_row(before.task, cleaned)
        assert article.made.content_hash == content_hash(cleaned.text)
    assert as_rows(rows) == rows


def test_rows_made_by_workers_are_the_same(tmp_path: Path) -> None:
    with fetched(tmp_path / "c.db") as corpus:
        tasks = list(corpus.tasks())
        whole = list(derive_all(corpus.folder, tasks, {}))
        with Workers(corpus.folder, {}, 2) as pool:
            assert list(pool.run(tasks)) == as_rows(whole)


def test_rows_are_stored_as_what_they_were_made_of(tmp_path: Path) -> None:
    def stored(name: str, *, rows: bool) -> list[list[tuple[object, ...]]]:
        with fetched(tmp_path / name) as corpus:
            # The key by which contacts are hashed is each corpus' own.
            corpus.db.table("corpus_meta").update("salt", {"value": "00" * 16})
            found: list[Derived] = list(derive_all(corpus.folder, corpus.tasks(), {}))
            corpus.store(as_rows(found) if rows else found)
            tables = ("documents", "findings", "contacts", "rejections", "clusters", "dedup_contents")
            return [
                corpus.connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables
            ]

    one, other = stored("a.db", rows=False), stored("b.db", rows=True)
    assert one == other
    assert all(one)
