from __future__ import annotations

import random

from benchmarks.dirty.generate import MECHANISMS
from benchmarks.dirty_pages import damaged, main, measure, sources

BY_NAME = {mechanism.name: mechanism for mechanism in MECHANISMS}


def test_texts_are_damaged_and_markup_is_not() -> None:
    page = '<p class="a">借呗逾期</p>\n<script>var a = "借呗";</script><p>协商还款</p>'
    found = damaged(page, BY_NAME["utf-8 as latin-1"], random.Random(1))
    assert found is not None
    assert found[1] == page
    before, after = "借呗逾期".encode().decode("latin-1"), "协商还款".encode().decode("latin-1")
    assert found[0] == f'<p class="a">{before}</p>\n<script>var a = "借呗";</script><p>{after}</p>'


def test_pages_damaged_without_a_loss_give_the_same_article() -> None:
    pages = list(sources(4, None))
    for name in ("gbk as latin-1", "utf-8 as latin-1 twice"):
        found = measure(pages, BY_NAME[name], 7)
        assert found.pages >= 3
        assert found.exact == found.pages
        assert found.rejected == 0


def test_a_line_for_each_class() -> None:
    told: list[str] = []
    main(["--pages", "1", "--only", "clean"], told.append)
    assert [line.split("  ")[0] for line in told[1:]] == ["clean, simplified", "clean, traditional"]
