"""What paragraphs begin with on Chinese pages, two ideographic spaces, is read out of lost and doubtful bytes."""

from __future__ import annotations

import pytest

from cleaning.repair import repair
from cleaning.repair.badness import bigram_score, total_logprob
from cleaning.repair.chains import Chain, Step, damage

LINES = (
    "借呗逾期后先别慌，整理好账单和还款记录。",
    "如果一时还不上，可以主动联系平台，说明困难并申请延期；客服通常会记录下来。",
    "催收打电话来的时候，要问清对方的姓名、工号和所属公司，并且全程录音。",
)
CHAINS: dict[str, Chain] = {
    "utf-8 as gbk": (Step("utf-8", "gbk"),),
    "utf-8 as gbk, ?": (Step("utf-8", "gbk", "?"),),
    "utf-8 as gbk, dropped": (Step("utf-8", "gbk", ""),),
    "utf-8 as gb18030 twice": (Step("utf-8", "gb18030"),) * 2,
    "gbk as hybrid": (Step("gb18030", "hybrid"),),
    "gbk as big5": (Step("gb18030", "big5"),),
    "utf-8 as cp1252": (Step("utf-8", "cp1252"),),
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_indented_paragraphs_keep_their_indentation(chain: Chain) -> None:
    page = "\n".join(damage("\u3000\u3000" + line, chain) for line in LINES)
    assert [line[:4] for line in repair(page).text.split("\n")] == ["\u3000\u3000" + line[:2] for line in LINES]


def test_an_indentation_is_likely_at_a_line_start_only() -> None:
    assert bigram_score("\n", "\u3000") > bigram_score("\n", "\N{LEFT DOUBLE ANGLE BRACKET}")
    assert bigram_score("款", "\u3000") < -9
    assert total_logprob("\u3000\u3000" + LINES[0]) < total_logprob(LINES[0])
