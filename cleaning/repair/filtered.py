"""Words that the filters of this field's sites take out, each with the company that it keeps.

A blank or a mask in running text may stand for anything. What stands on either side of it says which word is missing,
if a filter took that word out everywhere: `拨打客服 为95588` is 电话, and a page about calls whose sentences never say
电话 had it cut. The lists are this project's own, of Simplified words; `fold` makes Traditional text match.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

_FOLD = str.maketrans(
    "電話號碼徵訴貸還務繫聯報請撥時發為爲詢問題過與後會個錄責單機構員團隊數資訊網費執強調傳師業規違軟應轉賬繳償談麼嗎關導證體協",
    "电话号码征诉贷还务系联报请拨时发为为询问题过与后会个录责单机构员团队数资讯网费执强调传师业规违软应转账缴偿谈么吗关导证体协",
)

_TRADITIONAL = str.maketrans("电话征诉贷还录师", "電話徵訴貸還錄師")
"""Simplified to Traditional for the words below, in which each character has one form only."""

STRONG, WEAK = 2, 1
"""What a neighbour says for a word: a word of the same phrase, or one that many words could stand beside."""


class Company(NamedTuple):
    """What stands before and after a word: strong neighbours, and weak ones."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    loosely_before: tuple[str, ...] = ()
    loosely_after: tuple[str, ...] = ()


def _company(before: str, after: str, loosely_before: str = "", loosely_after: str = "") -> Company:
    """Return the company of a word from lists of words; a single character is never a strong neighbour."""
    strong = [tuple(word for word in words.split() if len(word) > 1) for words in (before, after)]
    weak = [
        tuple(word for word in (*words.split(), *loose.split()) if len(word) == 1 or word in loose.split())
        for words, loose in ((before, loosely_before), (after, loosely_after))
    ]
    return Company(strong[0], strong[1], weak[0], weak[1])


_PHONE_AFTER = (
    "为0 为1 为4 为9 是0 是1 是4 是9 号码 录音 轰炸 骚扰 沟通 通知 、短信 、微信 、函件 和短信 热线 记录 提醒 协商"
)
_COLLECT_AFTER = "电话 人员 公司 机构 行为 函 短信 手段 团队 方式 过程 行业 流程"

FILTERED: dict[str, Company] = {
    "电话": _company(
        "拨打 拨打客服 拨打银行 客服 催收 催款 催债 讨债 联系 投诉 服务 咨询 报警 接到 接听 骚扰 官方 打来 挂断 频繁"
        " 通过",
        _PHONE_AFTER, "打 接 的 该 留下 其实", "里 为 是 联系 核实 说明 、 就 也 以 告知 来",
    ),
    "征信": _company(
        "个人 影响 查询 央行 接入 上了 会上 不上 修复 报送 纳入 上报 良好的 自己的 逾期上 向",
        "记录 报告 系统 中心 污点 异议 受损 修复 上的 不良", "上 对 在 查", "吗 有 ， 。 ， ,",
    ),
    "微信": _company(
        "添加 加客服 客服 关注 官方 加我 加 通过",
        "号 公众号 支付 转账 聊天 群 客服 好友 要求 截图 、支付宝 、QQ", "用 和", "前 联系 说明 ， 。",
    ),
    "投诉": _company(
        "平台 监管部门 监管 举报 消费者 如何 怎么 部门 协会 遭到",
        "电话 举报 渠道 热线 材料 处理 成功 维权 平台 邮箱 时要", "可以 向 被 进行 并", "时 到 。 ， ,",
    ),
    "法院": _company(
        "人民 当地 向 到 去 被 互联网 经", "起诉 提起 传票 判决 强制 执行 受理 立案 调解 申请 认定 会把 开庭",
        "， 。", "会 将 通常 也 的",
    ),
    "起诉": _company(
        "被 法院 提起 平台 银行 可能 会被 直接 债权人 到法院 向法院",
        "状 书 立案 后 以后 到法院 债务人 借款人 你 欠款人 流程 怎么办", "会 将", "的 ， 。",
    ),
    "催收": _company(
        "暴力 第三方 上门 外包 违规 正规 电话 短信 平台 不当 被 软 委外", _COLLECT_AFTER,
        "的 到 如果 有的 当", "不会 时 会 的 。 ， 、",
    ),
    "逾期": _company(
        "贷款 信用卡 网贷 发生 出现 严重 花呗 避免 造成 导致 已经 如果 一旦 再次",
        "记录 后 还款 利息 天数 未还 费 罚息 不还 用户", "的 会", "的 ， 。",
    ),
    "贷款": _company(
        "申请 网络 小额 银行 个人 房屋 办理 偿还 消费 发放", "平台 机构 合同 逾期 利率 产品 申请 用户 额度 金额 公司",
        "的 以后", "的 ， 。",
    ),
    "律师": _company("咨询 专业 委托 聘请 收到", "函 事务所 费 咨询 团队 提供", "的 请", "的 ， 。"),
    "通讯录": _company("爆 手机 联系 轰炸 读取", "好友 名单 联系人 里的 中的", "的", "里 。 ，"),
}  # fmt: skip
"""Each word with its company. 催收 and the like are filtered on sites that sell loans, 电话 and 微信 against adverts."""


def fold(text: str) -> str:
    """Return `text` with the Traditional characters that matter here as Simplified ones; as long as it was."""
    return text.translate(_FOLD)


def in_script(word: str, *, traditional: bool) -> str:
    """Return one of `FILTERED` as a text of that script writes it."""
    return word.translate(_TRADITIONAL) if traditional else word


Telling = Mapping[str, frozenset[str]]


@cache
def telling() -> tuple[Telling, Telling]:
    """Return the last two characters of every strong neighbour before a word, and the first two of every one after.

    Each pair, in whichever script, comes with the words that have such a neighbour.
    """
    forms: dict[str, list[str]] = {}
    for code, folded in _FOLD.items():
        forms.setdefault(chr(folded), []).append(chr(code))

    def by_pair(pairs: Iterable[tuple[str, str]]) -> Telling:
        words: dict[str, set[str]] = {}
        for word, pair in pairs:
            for form in product(*([char, *forms.get(char, ())] for char in pair)):
                words.setdefault("".join(form), set()).add(word)
        return {form: frozenset(found) for form, found in words.items()}

    companies = FILTERED.items()
    return (
        by_pair((word, one[-2:]) for word, company in companies for one in company.before),
        by_pair((word, one[:2]) for word, company in companies for one in company.after),
    )


_NO_WORDS: frozenset[str] = frozenset()


def near(before: str, after: str) -> frozenset[str]:
    """Return the words that may have a strong neighbour ending in the two characters `before` a gap, or beginning with
    the two `after` it: all of those that have one, and few others.
    """
    ends, beginnings = telling()
    return ends.get(before, _NO_WORDS) | beginnings.get(after, _NO_WORDS)


@cache
def _longest(word: str) -> tuple[int, int]:
    company = FILTERED[word]
    before = max(map(len, (*company.before, *company.loosely_before)))
    return before, max(map(len, (*company.after, *company.loosely_after)))


class Fit(NamedTuple):
    """How well a word fits into a gap: what its neighbours before and after say for it (0 to STRONG), and their length."""

    before: int
    after: int
    length: int


def fits(word: str, text: str, start: int, end: int) -> Fit:
    """Return how well `word` fits between `text[:start]` and `text[end:]`."""
    left, right = _longest(word)
    return _fit(word, text[max(0, start - left) : start], text[end : end + right])


@lru_cache(maxsize=4096)
def _fit(word: str, before: str, after: str) -> Fit:
    """Return how well `word` fits: asked once of the same place, which lists of comments repeat a hundred times."""
    company = FILTERED[word]
    before, after = fold(before), fold(after)
    ending = [one for one in company.before if before.endswith(one)]
    beginning = [one for one in company.after if after.startswith(one)]
    return Fit(
        STRONG if ending else WEAK * before.endswith(company.loosely_before),
        STRONG if beginning else WEAK * after.startswith(company.loosely_after),
        max(map(len, ending), default=0) + max(map(len, beginning), default=0),
    )


def missing(words: Iterable[str], running: str) -> Sequence[str]:
    """Return those of `words` that a running text never says, in either script."""
    return [word for word in words if not mentioned(word, (running,))]


def mentioned(word: str, texts: Iterable[str]) -> bool:
    """Return whether one of `texts` says `word`, in either script."""
    return any(word in text or in_script(word, traditional=True) in text for text in texts)
