"""Articles that a page carries in its scripts, attributes and templates, in the forms that frameworks write."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

import pytest

from cleaning.extract import extract
from cleaning.page import KEPT_ROLES, Extracted
from tests.cleaning.test_extract_layouts import PARAGRAPHS

HEAD = "<title>逾期之后应该先做什么</title><div id=app>加载中...</div>"
CONTENT = "".join(f"<p>{text}</p>" for text in PARAGRAPHS)
STATE = {"post": {"title": "逾期之后应该先做什么", "authorName": "某某", "content": CONTENT, "views": 12}}


def kept(found: Extracted) -> list[str]:
    return [block.text for block in found.blocks if block.role in KEPT_ROLES]


def _nested(state: object) -> str:
    return json.dumps("5:" + json.dumps(state, ensure_ascii=False), ensure_ascii=False)


CARRIERS = {
    "assignment": f"<script>window.__STATE__={json.dumps(STATE)}</script>",
    "percent-encoded": f'<script type="application/json">{quote(json.dumps(STATE))}</script>',
    "a name of its own": f"<script>var d={json.dumps({'widgetContent': CONTENT})}</script>",
    "arguments of a function": f'<script>window.__N__=(function(a,b){{return {{c:a}}}}({json.dumps(CONTENT)},"x"))</script>',
    "a string in a string": f"<script>self.__f.push([1,{_nested(STATE)}])</script>",
    "an attribute": f'<div id="p" data-page="{html.escape(json.dumps(STATE))}"></div>',
    "a text area": f'<textarea style="display:none">{html.escape(CONTENT)}</textarea>',
    "a template": f'<script type="text/template">{CONTENT}</script>',
}


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_an_article_that_is_not_shown(carrier: str) -> None:
    found = extract(HEAD + carrier)
    assert (found.kind, kept(found)) == ("article", PARAGRAPHS)


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_a_short_article_that_is_shown_stays(carrier: str) -> None:
    """The counter-example: what its scripts hold is another article (the next one of a feed)."""
    shown = ["某某银行今日宣布下调延期还款的手续费。", "新的标准从十一月一日起执行，此前申请的客户不受影响。"]
    body = "".join(f"<p>{text}</p>" for text in shown)
    page = f"<title>某某银行下调手续费</title><h1>某某银行下调手续费</h1><div class=content>{body}</div>"
    assert kept(extract(page + carrier)) == shown


@pytest.mark.parametrize(
    "carrier",
    [
        f"<script>var d={json.dumps([{'title': f'第{n}篇', 'desc': text} for n, text in enumerate(PARAGRAPHS)])}</script>",
        f'<script type="text/template"><p>{{{{ title }}}}</p>{CONTENT}</script>',
    ],
    ids=["summaries", "a template with places"],
)
def test_a_list_of_links_with_a_state_stays_a_list(carrier: str) -> None:
    links = "".join(f"<li><a href=/{n}.html>{text[:16]}</a></li>" for n, text in enumerate(PARAGRAPHS * 2))
    assert extract(f"<title>逾期资讯</title><ul>{links}</ul>{carrier}").kind == "list"


def test_a_form_is_no_article() -> None:
    page = "<title>留言</title><form><textarea>请在这里写下您的问题，我们会尽快回复。</textarea></form>"
    assert extract(page).kind == "junk"


def test_a_front_page_with_links_is_a_list() -> None:
    links = "".join(f"<li><a href=/{n}.html>{text[:16]}</a></li>" for n, text in enumerate(PARAGRAPHS * 2))
    page = f"<title>某某网</title><h1>某某网</h1><div class=content>{CONTENT}</div><ul>{links}</ul>"
    assert extract(page, url="http://site.example/").kind == "list"
    assert extract(page, url="http://site.example/a/1.html").kind == "article"
    assert extract(f"<h1>某某网</h1>{CONTENT}", url="http://site.example/").kind == "article"


def test_a_sites_declaration_longer_than_the_article() -> None:
    declaration = (
        "本网站所提供的信息仅供参考，不构成任何投资建议，据此操作风险自担。凡本网转载的稿件不代表本网观点，"
        "如涉及版权问题请联系删除，本网保留最终解释权。"
    )
    shown = PARAGRAPHS[2]
    page = f"<title>下调手续费_某某网</title><div class=a><h1>下调手续费</h1><div class=c>{shown}</div></div>"
    assert kept(extract(f"{page}<div class=b><p>{declaration}</p><p>{declaration}</p></div>")) == [shown]
