from datetime import UTC, datetime
from pathlib import Path

import pytest

from corpus.records import Fetch
from corpus.store import CorpusError
from crawler.pipelines import CorpusSink
from crawler.session import Session
from crawler.site import parse


def fetch(number: int) -> Fetch:
    return Fetch(f"http://a.test/{number}", datetime.now(UTC), b"<p>" + bytes(str(number), "ascii"))


def test_what_was_added_is_read_back_in_order(tmp_path: Path) -> None:
    sink = CorpusSink(tmp_path / "c.db")
    for number in range(3):
        sink.add(fetch(number))
    assert sink.mark() == 0
    sink.flush()
    assert sink.mark() == 3
    assert [found.url for found in sink.since(1)] == ["http://a.test/1", "http://a.test/2"]
    sink.close()


def test_one_crawl_at_a_time(tmp_path: Path) -> None:
    first = CorpusSink(tmp_path / "c.db")
    with pytest.raises(CorpusError, match="another crawl"):
        CorpusSink(tmp_path / "c.db")
    first.add(fetch(1))
    first.close()
    second = CorpusSink(tmp_path / "c.db")
    assert second.mark() == 1
    second.close()


def test_a_declaration_is_kept_for_every_host(tmp_path: Path) -> None:
    sink = CorpusSink(tmp_path / "c.db")
    site = parse("seeds = ['http://www.a.test/']\ncharset = 'gbk'\nselect.body = '.text'", "a.toml")
    Session(sink, [site]).open()
    rows = sink.connection.execute("SELECT site, charset, selectors FROM sites").fetchall()
    assert [(name, charset) for name, charset, _ in rows] == [("a.test", "gbk")]
    assert ".text" in rows[0][2]
    sink.close()
