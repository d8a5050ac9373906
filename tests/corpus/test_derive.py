"""A page at which our own code fails is one rejection; the run goes on, and a mended version gives its article."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cleaning.clean import Cleaned, Site
from cleaning.clean import clean as really_clean
from cleaning.findings import Rejected
from corpus import derive
from corpus.records import Fetch
from corpus.store import Corpus

BODY = "<h1>逾期怎么办</h1><p>先算清本金和利息，再主动联系平台协商分期，别轻信反催收广告，也不要以贷养贷。</p>"


def page(number: int) -> Fetch:
    body = BODY.replace("逾期", f"逾期{number}天").encode()
    when = datetime(2026, 11, 1, tzinfo=UTC)
    return Fetch(f"http://a.example/{number}.html", when, body, headers=(("Content-Type", "text/html"),))


def failing(
    body: bytes,
    content_type: str | None,
    url: str | None,
    *,
    fetched_at: datetime | None,
    site: Site | None,
    restore: bool,
) -> Cleaned | Rejected:
    if "逾期2天".encode() in body:
        raise IndexError
    return really_clean(body, content_type, url, fetched_at=fetched_at, site=site, restore=restore)


def test_a_page_that_we_fail_at_does_not_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Corpus(tmp_path / "c.db", create=True) as corpus:
        for number in range(4):
            corpus.add_fetch(page(number))
        with monkeypatch.context() as patched:
            patched.setattr(derive, "clean", failing)
            counts = corpus.derive_pending()
        assert (counts["documents"], counts["rejections"]) == (3, 1)
        (told,) = corpus.connection.execute("SELECT url, reason, detail FROM rejections").fetchall()
        assert told[:2] == ("http://a.example/2.html", derive.FAILED)
        assert "IndexError in test_derive.failing" in told[2]
        assert corpus.rebuild()["documents"] == 4


def test_an_article_is_no_fault() -> None:
    assert isinstance(derive.derive(page(1)).result, Cleaned)


@pytest.mark.parametrize("ends", [MemoryError, KeyboardInterrupt])
def test_what_is_not_the_page_s_is_not_kept_from_those_who_asked(
    ends: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def ending(*_: object, **__: object) -> Rejected:
        raise ends

    monkeypatch.setattr(derive, "clean", ending)
    with pytest.raises(ends):
        derive.derive(page(1))
