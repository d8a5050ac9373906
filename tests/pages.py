"""A few invented pages for tests of storage: each with what should come of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from corpus.records import Fetch

WHEN = datetime(2024, 10, 13, 6, 44, 13, tzinfo=UTC)

_PARAGRAPHS = (
    "借款到期那天，账户里的余额不够，平台第二天就发来了短信，提醒尽快处理，否则会按合同约定计算罚息。",
    "先把合同找出来，看清楚约定的利率、罚息和违约金，再算一算到底欠了多少，别只听电话里报的数字。",
    "如果确实拿不出钱，可以主动联系客服说明收入变化，提出分期方案，并且把每一次沟通的时间和内容记下来。",
    "催收人员不得在深夜拨打电话，也不得骚扰与债务无关的亲友，遇到这种情况可以保留录音并向监管部门投诉。",
    "征信上的逾期记录会在结清之后保留五年，因此越早还清，对今后申请房贷和车贷的影响就越小。",
)
_OTHER = (
    "法院的传票寄到家里时不要慌，先核对案号和开庭时间，再到官方网站上查一查是不是真的有这个案子。",
    "收到起诉状后可以在十五天内提交答辩状，把已经还过的款项和不合理的费用一条一条写清楚，附上凭证。",
    "开庭时可以请求调解，很多案件在调解阶段就达成了分期协议，利息也会有一定程度的减免。",
    "判决生效之后仍不履行，对方可以申请强制执行，名下的存款、工资和车辆都可能被冻结或者扣划。",
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: where it stands, its title and paragraphs, how it answers."""

    url: str
    title: str
    paragraphs: tuple[str, ...]
    encoding: str = "utf-8"
    status: int = 200


def html(page: Page) -> bytes:
    """Return the page's bytes."""
    body = "".join(f"<p>{paragraph}</p>" for paragraph in page.paragraphs)
    text = (
        f'<html><head><meta charset="{page.encoding}"><title>{page.title}</title></head>'
        f'<body><div class="article"><h1>{page.title}</h1>{body}</div></body></html>'
    )
    return text.encode(page.encoding)


def fetch_of(page: Page) -> Fetch:
    """Return the page as fetched."""
    return Fetch(page.url, WHEN, html(page), "response", page.status, (("Content-Type", "text/html"),))


_SWAPPED = tuple(paragraph.replace("平台", "小米贷").replace("客服", "小米贷客服") for paragraph in _PARAGRAPHS)

PAGES = (
    Page("http://a.example/1.html", "借款逾期之后先做什么", _PARAGRAPHS),
    Page("http://b.example/x/1", "借款逾期之后先做什么", _PARAGRAPHS, "gbk"),
    Page("http://a.example/2.html", "收到法院传票怎么办", _OTHER),
    Page("http://a.example/gone.html", "没有这一页", ("页面不存在",), status=404),
    Page("http://c.example/3.html", "小米贷逾期先做什么", _SWAPPED),
)
