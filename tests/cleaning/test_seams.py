"""Keywords put into sentences: what is cut by likelihood, where it ends, and what an author keeps."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning import seams
from cleaning.folding import fold
from cleaning.insertions import inserted
from cleaning.lexicon import Hit, scan
from cleaning.native import available
from tests.cleaning.stripping import stripped

PAGE = [
    "借款人逾期后应当主动联系平台，说明自己的实际困难，争取延期或者分期还款。",
    "协商的时候要留下证据，通话录音、聊天记录和还款凭证都要保存好。",
]


def _stripped(lines: list[str]) -> list[str]:
    return stripped(lines, title="某某贷怎么办")


@pytest.mark.parametrize(
    ("keywords", "sentence"),
    [
        ("线上博彩官网登录", "电话那头是人，{}这头也是人。把彼此当人看，账就好算多了。"),
        ("私密写真合集下载", "她登录平台，{}下载八个月的明细，发现账上有两笔还款被自己漏记了。"),
        ("欧洲杯外围投注网址", "他把工资分成四份，个人还{}要继续生活，先还了房租。"),
        ("无码毛片免费观看", "平台应当按照合同约定的利{}率计算利息，不得另收费用。"),
        ("穿越火线透视自瞄辅助", "调解员会先核对借款{}本金，再看双方的还款记录。"),
        ("棋牌官网下载安装 abc888.cc", "银行应当在收到申{}请之后的十五日内答复借款人。"),
    ],
)
def test_keywords_no_one_listed_are_cut_where_the_sentence_closes(keywords: str, sentence: str) -> None:
    assert _stripped([PAGE[0], sentence.format(keywords), PAGE[1]]) == [PAGE[0], sentence.format(""), PAGE[1]]


@pytest.mark.parametrize(
    "line",
    [
        "什么百家乐，老虎机，捕鱼游戏，他都玩过，最后剩下一身的账单。",
        "大学生小李为了彩票投注站向十一个平台借款，逾期后被催收。",
        "对方称要把约炮软件截图发给他的同事和家人。",
        "群里每天都有人推销强开花呗额度，管理员从来不管。",
        "弹窗广告里写着时时彩计划群三个大字，旁边是一个闪烁的按钮。",
        "电子游艺|皇冠体育|同城约会--办案民警在嫌疑人的手机里看到的全是这些。",
        "建成一套现代化的污水处理系统，污水处理水平达到国内领先。",
    ],
)
def test_an_authors_words_stay(line: str) -> None:
    assert _stripped([PAGE[0], line, PAGE[1]]) == [PAGE[0], line, PAGE[1]]


@pytest.mark.parametrize(
    "line",
    ["毕业证、学位证、驾驶证", "外挂、私服、代练", "绝地求生、王者荣耀、和平精英", "足疗、按摩、洗浴"],
)
def test_an_enumeration_is_an_authors(line: str) -> None:
    assert _stripped([PAGE[0], line, PAGE[1]]) == [PAGE[0], line, PAGE[1]]


def test_words_that_the_page_uses_itself_end_no_cut() -> None:
    sentence = "香港媒体直播显示，当事人已经离开，记者没有能够采访到他。"
    other = "这家香港媒体后来又说，借款合同的原件还在法院。"
    assert _stripped([other, "欧美激情视频|樱花动漫官网入口|足球直播在线观看香港" + sentence[2:]]) == [
        other,
        sentence,
    ]


def test_a_statutes_line_begins_with_its_number() -> None:
    line = "第十二条 科学技术协会是科普工作的主要社会力量，应当支持有关组织开展活动。"
    assert _stripped([PAGE[0], "站群程序源码下载,寄生虫排名,蜘蛛池出租" + line]) == [PAGE[0], line]


def test_a_news_agency_behind_the_full_stop_stays() -> None:
    line = "他说这笔钱已经全部还清，平台也出具了结清证明。（完）"
    assert _stripped([PAGE[0], line + "开云体育_华体会官网_乐鱼体育app"]) == [PAGE[0], line]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([*PAGE, "线上博彩", "官网登录", "_", ",", "久久", "av", " ", "的", "香港"]), max_size=40
    )
)
def test_stretches_are_apart_and_inside_the_line(parts: list[str]) -> None:
    line = fold("".join(parts))
    end = 0
    for stretch in seams.stretches(line, scan(line, rows=True)):
        assert end <= stretch.start < stretch.end <= len(line)
        assert stretch.nats >= seams.LEAST_NATS
        end = stretch.end


_native = available("_seams")


_without_twin = pytest.mark.skipif(_native is None, reason="the compiled twin is not built")


@_without_twin
@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*PAGE, "线上博彩", "官网登录", "_", "|", ",", "、", "久久", "av", " ", "的", "香港", "\U00020000"]
        ),
        min_size=1,
        max_size=40,
    ),
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 6), st.integers(0, 4)), max_size=12),
    st.sampled_from([seams.LEAST_NATS, 5.0, -60.0]),
)
def test_the_compiled_twin_finds_the_same(
    parts: list[str], more: list[tuple[int, int, int]], least: float
) -> None:
    """Also with words that no lexicon has, in any order, and where so little is asked that all chains count."""
    line = fold("".join(parts))
    hits = scan(line, rows=True)
    hits += [Hit(at, min(len(line), at + size), weight) for at, size, weight in more if at < len(line)]
    assert seams.stretches(line, hits, least) == seams.plain_stretches(line, hits, least)


@_without_twin
@pytest.mark.parametrize("hit", [(-1, 2, 1), (0, 4, 1), (2, 2, 1), (2, 1, 1), (0, 2, -1), (0, 2, 5)])
def test_the_compiled_twin_refuses_what_lies_outside(hit: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="a word lies in the line"):
        seams.stretches("久久精", [Hit(*hit)])


def test_a_long_hostile_line_is_bounded() -> None:
    line = fold("久久av精品_线上博彩官网" * 400 + "。")
    assert len(inserted(line)) <= len(line)
