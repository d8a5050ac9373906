"""A no-break space among single bytes is the page's own, or a byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.repair import repair
from cleaning.repair.chains import Chain, Step, damage
from cleaning.repair.edges import parted

LINES = (
    "借呗逾期后先别慌，整理好账单和还款记录。",
    "如果一时还不上，可以主动联系平台，说明困难并申请延期；客服通常会记录下来。",
    "催收打电话来的时候，要问清对方的姓名、工号和所属公司，并且全程录音。",
)
GBK, UTF8 = Step("gb18030", "latin-1"), Step("utf-8", "latin-1")
CHAINS: dict[str, Chain] = {
    "gbk": (GBK,),
    "gbk as cp1252": (Step("gb18030", "cp1252"),),
    "utf-8": (UTF8,),
    "utf-8 twice": (UTF8, UTF8),
    "gbk, then utf-8": (GBK, UTF8),
}


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
@pytest.mark.parametrize(
    "where", ["\xa0\xa0\xa0{}", "{}\xa0", "\xa0 \xa0{}\xa0\xa0", "{}\xa0{}", "\xa0{}\xa0\xa0{}\xa0"]
)
def test_the_pages_own_blanks_cost_no_line(chain: Chain, where: str) -> None:
    gold = [where.format(line, line) for line in LINES]
    seen = [where.format(*(damage(line, chain),) * 2) for line in LINES]
    assert repair("\n".join(seen)).text == "\n".join(gold)
    assert [repair(line).text for line in seen] == gold


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("現狀如此，爾等還在牆外等候答覆。", (GBK,)),
        ("你好，你們的賬單已經逾期了。", (UTF8,)),
        ("你好，你們的賬單已經逾期了。", (UTF8, UTF8)),
    ],
)
def test_blanks_that_are_bytes_stay_bytes(text: str, chain: Chain) -> None:
    seen = damage(text, chain)
    assert "\xa0" in seen
    assert parted(seen) == seen
    assert repair(seen).text == text


@pytest.mark.parametrize(
    "text", ["\xa0\xa0借呗逾期了\xa0怎么办", "à\xa0Paris\xa0: l'été", "a\xa0b\n\xa0\n", "\xa0" * 50]
)
def test_clean_text_keeps_its_blanks(text: str) -> None:
    assert parted(text) == text
    assert repair(text).text == text


@given(st.text(st.sampled_from("\xa0 \n\xc4\xfa\xba\xc3\xa1\xa3借呗a€"), max_size=40))
def test_nothing_but_blanks_is_touched(text: str) -> None:
    apart = parted(text)
    assert len(apart) == len(text)
    assert all(one == other or (one == "\xa0" and other == "\n") for one, other in zip(text, apart, strict=True))


def test_quotes_beside_spans_are_not_taken_for_their_bytes() -> None:
    """In cp1252 a quote is a byte: with the first of what follows it is a character of GBK, and so on to the end."""
    parts = [
        ("平台把这种做法叫做“", "点对点催收", "”，其实就是上门，遇到时不必惊慌。"),
        ("他写信、打电话、上门说明情况……", "客服的态度也比以前好", "，答应三天之内给答复。"),
        ("来源：示例网·", "法律频道编辑部整理", "，转载请注明，谢谢配合和理解。"),
    ]
    gold = "\n".join("".join(part) for part in parts)
    seen = "\n".join(before + damage(span, (GBK,)) + after for before, span, after in parts)
    assert repair(seen).text == gold


@pytest.mark.parametrize(
    ("before", "span", "after"),
    [
        ("记住以“95”", "开头的电话冒充客服行骗", "，不要轻信。"),
        ("他说“月息两分”“", "日息万五", "”都不算贵。"),
        ("先看", "平台发来的通知里写的", "“2021”年那份合同。"),
        ("看到“APP”和“", "屏幕共享", "”就挂电话。"),
    ],
)
def test_a_quoted_word_beside_a_span_stays(before: str, span: str, after: str) -> None:
    line = before + damage(span, (GBK,)) + after
    others = damage("今天下午大家去看房子\n然后一起去吃饭", (GBK,))
    gold = before + span + after
    assert repair(line).text == gold
    assert repair(f"{line}\n{others}").text == f"{gold}\n今天下午大家去看房子\n然后一起去吃饭"


def test_a_quote_that_is_a_byte_is_one() -> None:
    """What GBK adds to the older set begins with such bytes, and Traditional text is full of it."""
    gold = "應當還款\n戶口所在地\n據此可以要求減免"
    cp1252 = (Step("gb18030", "cp1252"),)
    assert repair(damage(gold, cp1252)).text == gold
