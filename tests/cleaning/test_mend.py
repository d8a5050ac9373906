"""A page that went through a wrong decoder is taken apart as the page that it was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.clean import Cleaned, clean
from cleaning.findings import Edited, Finding, edit, replay, replay_stages
from cleaning.mend import Mended, Stood, is_damaged
from cleaning.repair.chains import MARKER, Chain, Step, damage
from cleaning.repair.injection import inject

ARTICLE = (
    "借呗逾期后先别慌，整理好账单和还款记录。",
    "如果一时还不上，可以主动联系平台，说明困难并申请延期；客服通常会记录下来，几天内答复。",
    "催收打电话来的时候，要问清对方的姓名、工号和所属公司，并且全程录音。",
    "协商的结果一定要落在纸面上，没有书面协议就不要急着转账。",
)
SKIN = """<!DOCTYPE html><html><head><meta charset="utf-8"><title>{title}_示例网</title>
<meta name="description" content="{first}"></head><body>
<div class="nav"><a href="/">首页</a> <a href="/a">网贷资讯</a> <a href="/b">法律知识</a> <a href="/c">信用卡</a></div>
<div class="main"><h1>{title}</h1><div class="info">来源：示例网 作者：王小明 2021-03-05</div>
<div class="content"><p>&nbsp;&nbsp;&nbsp;{0}</p>
<p>{1}&nbsp;</p><p><b>&ldquo;提醒&rdquo;</b>{2}</p><p>{3}</p></div></div>
<div class="side"><ul><li><a href="/1">网贷逾期三个月会怎么样</a></li><li><a href="/2">信用卡分期怎么算利息</a></li>
<li><a href="/3">被起诉以后还能协商吗</a></li><li><a href="/4">花呗逾期上征信吗</a></li></ul></div>
<div class="footer">Copyright 2021 示例网 版权所有 联系我们 网站地图</div></body></html>"""
PAGE = SKIN.format(*ARTICLE, title="借呗逾期了怎么办", first=ARTICLE[0])

CHAINS: dict[str, Chain] = {
    "gbk as latin-1": (Step("gb18030", "latin-1"),),
    "gbk as cp1252": (Step("gb18030", "cp1252", MARKER),),
    "utf-8 as latin-1": (Step("utf-8", "latin-1"),),
    "utf-8 as latin-1 twice": (Step("utf-8", "latin-1"),) * 2,
    "utf-8 as browsers' cp1252": (Step("utf-8", "cp1252", MARKER),),
    "gbk as latin-1 as utf-8 as latin-1": (Step("gb18030", "latin-1"), Step("utf-8", "latin-1")),
}
"""Ways to damage a page that lose nothing."""


def cleaned(html: str) -> Cleaned:
    result = clean(html.encode("utf-8", "surrogatepass"), "text/html; charset=utf-8")
    assert isinstance(result, Cleaned), result
    return result


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_damaged_page_gives_what_it_gave_before(chain: Chain) -> None:
    whole, result = cleaned(PAGE), cleaned(damage(PAGE, chain))
    assert whole.text.split("\n")[0] == ARTICLE[0]
    assert [result.text, result.title, result.author, result.published] == [
        whole.text,
        whole.title,
        whole.author,
        whole.published,
    ]


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_its_lines_are_those_of_the_page_and_accounted_for(chain: Chain) -> None:
    result = cleaned(damage(PAGE, chain))
    assert replay_stages(result.page_text, result.findings) == result.text
    assert damage(ARTICLE[1], chain) in result.page_text.split("\n")
    assert any(found.rule.startswith("decoder.") and found.certainty == "certified" for found in result.findings)


def test_letters_written_as_entities_are_damage_too() -> None:
    """What a converter makes of mojibake: `&Ouml;&ETH;`, its no-break spaces included."""
    seen = damage(ARTICLE[1], CHAINS["gbk as latin-1"])
    written = "".join(f"&#{ord(sign)};" if sign in "&<>" else sign for sign in seen)
    written = re.sub("[ÀÖÐ]", lambda sign: {"À": "&Agrave;", "Ö": "&Ouml;", "Ð": "&ETH;"}[sign[0]], written)
    assert written != seen
    assert ARTICLE[1] in Mended(f"<p>{damage(ARTICLE[0], CHAINS['gbk as latin-1'])}</p><p>{written}</p>").html


def test_a_no_break_space_of_the_page_itself_is_no_byte_of_its_text() -> None:
    seen = damage(ARTICLE[2], CHAINS["gbk as latin-1"])
    mended = Mended(f"<p>&nbsp;&nbsp;&nbsp;{seen}&nbsp;</p>")
    assert mended.html == f"<p>&nbsp;&nbsp;&nbsp;{ARTICLE[2]}&nbsp;</p>"
    assert mended.as_it_stood(ARTICLE[2]).text == seen


def test_blanks_between_elements_part_their_words() -> None:
    seen = [damage(text, CHAINS["utf-8 as latin-1"]) for text in ("编辑小王", "来源本站", "二〇二一年")]
    mended = Mended("<p><b>{}</b> <i>{}</i>\n<u>{}</u></p>".format(*seen))
    assert mended.as_it_stood("编辑小王 来源本站 二〇二一年").text == " ".join(seen)


def test_a_row_of_cells_is_led_back_cell_by_cell() -> None:
    seen = [damage(text, CHAINS["utf-8 as latin-1"]) for text in ARTICLE[:2]]
    mended = Mended("<tr><td>{}</td>\n<td>{}</td></tr>".format(*seen))
    assert mended.as_it_stood(" | ".join(ARTICLE[:2])).text == " | ".join(seen)


def test_a_line_that_ends_inside_a_mark_of_damage_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark may cover a whole line of the source, of which a `<` that a byte had swallowed makes two."""

    def marked(text: str, _: object) -> Edited:
        return edit(text, [Finding("repair", "damage.unsearched", 2, 12, text[2:12], text[2:12], "rule")])

    monkeypatch.setattr("cleaning.mend.repair_decoders", marked)
    assert Mended(f"<p>{ARTICLE[1]}</p>").as_it_stood(ARTICLE[1][:6]) == Stood(ARTICLE[1][:6])


def test_what_the_page_does_not_hold_stays() -> None:
    mended = Mended(f"<p>{damage(ARTICLE[0], CHAINS['utf-8 as latin-1'])}</p>")
    assert mended.as_it_stood("这里没有的一句话") == Stood("这里没有的一句话")


@pytest.mark.parametrize(
    "text",
    [*ARTICLE, "Le café est à côté de l'hôtel, près du musée.", "お問い合わせはこちら", "대한민국 서울", "🙂🙃"],
)
def test_an_undamaged_text_is_not_looked_at_again(text: str) -> None:
    assert not is_damaged(text)
    assert Mended(f"<p>{text}</p>").html == f"<p>{text}</p>"


def test_one_insertion_in_an_article_is_told_by_the_rest_of_its_page() -> None:
    table = {
        char: f"({reading})" for char, reading in {"時": "shí", "會": "huì", "還": "huán", "費": "fèi"}.items()
    }
    article = "據中國人民銀行九月二十六日消息，信用卡逾期的利息計算方式將在一小時內公布，請持卡人留意公告。" * 3
    links = (
        "逾期後銀行會起訴嗎",
        "還款時間可以延長嗎",
        "違約費和利息費怎麼算",
        "分期還款會上徵信嗎",
        "消費貸款還不上怎麼辦",
    )
    menu = "".join(f'<li><a href="/{number}">{line}</a></li>' for number, line in enumerate(links))
    skin = "<html><head><title>{0}</title></head><body><h1>{0}</h1><p>{1}</p><ul>{2}</ul></body></html>"
    gold = skin.format("信用卡逾期利息", article, menu)
    result, whole = cleaned(inject(gold, table)), cleaned(gold)
    assert result.text_source == whole.text_source
    alone = skin.format("信用卡逾期利息", article.replace("時", "時(shí)", 1), menu)
    assert cleaned(alone).text_source == whole.text_source.replace("時", "時(shí)", 1)


INJECTED = """<html><head><meta charset="utf-8"><title>{title}_示例網</title></head><body>
<div class="nav"><a href="/">首頁</a> <a href="/a">網貸資訊</a> <a href="/b">法律知識</a></div>
<h1>{title}</h1><div class="info">2021-03-05 10:30 新示報</div>
<div class="content"><p>{0}</p><p>{1}</p><p class="editor">責任編輯：王小明</p></div>
<div class="more"><a href="/1">應對逾期的辦法</a></div></body></html>""".format(
    "還款日到期那天，賬戶裏的餘額不夠，平臺第二天就發來了短信，提醒儘快處理，否則會按合同約定計算罰息。" * 2,
    "如果確實拿不出錢，應當主動聯繫平臺說明情況，客服一般會記錄下來，幾天內給出答覆，切忌失聯。" * 2,
    title="網貸逾期後應該怎樣應對",
)
READINGS = {
    "應": "(yīng)", "報": "(bào)", "責": "(zé)", "編": "(biān)", "輯": "(jí)", "時": "(shí)", "會": "(huì)", "還": "(huán)",
    "發": "(fā)", "間": "(jiān)", "款": "(kuǎn)", "記": "(jì)",
}  # fmt: skip


def test_a_page_with_injected_readings_gives_what_it_gave_before() -> None:
    """Its labels too: an editor's name behind three injected readings, a paper's that ends in one."""
    seen = inject(INJECTED, READINGS)
    assert "(bào)" in seen
    whole, result = cleaned(INJECTED), cleaned(seen)
    assert whole.author == "王小明"
    names = ("text", "text_source", "title", "author", "published", "origin", "category")
    assert [getattr(result, name) for name in names] == [getattr(whole, name) for name in names]
    assert replay_stages(result.page_text, result.findings) == result.text
    injected = [found for found in result.findings if ".pinyin." in found.rule]
    assert len(injected) > 20
    assert {found.certainty for found in injected} == {"certified"}
    assert any("(yīng)" in line for line in result.page_text.split("\n"))


def test_a_learner_s_page_keeps_its_readings() -> None:
    gloss = "很多人問“逾(yú)期”兩個字怎麼讀，其實“逾”讀作第二聲，意思是超過，和“期(qī)限”的期連用。" * 3
    page = INJECTED.replace("如果確實拿不出錢", gloss + "如果確實拿不出錢")
    assert "逾(yú)期" in cleaned(page).text_source


HAN = st.text(
    st.sampled_from("借呗逾期后先别慌整理好账单和还款记录，。：；催收电话协商的结果"), min_size=1, max_size=30
)
MARKUP = st.sampled_from(
    ["<p>", "</p>", "<b>", "</b>", "\n", "&nbsp;", "<br>", "<td>", "2021 ", "&amp;", "<", ">", '"']
)


@settings(max_examples=60)
@given(st.lists(st.one_of(HAN, MARKUP), max_size=30), st.sampled_from(list(CHAINS.values())))
def test_mending_never_fails_and_leaves_the_markup(parts: list[str], chain: Chain) -> None:
    page = "".join(parts)
    mended = Mended(damage(page, chain))
    assert re.findall(r"</?\w+>", mended.html) == re.findall(r"</?\w+>", page)
    for line in page.split("\n"):
        stood = mended.as_it_stood(line)
        assert "\n" not in stood.text
        replay(stood.text, stood.findings)


@given(st.lists(st.one_of(HAN, MARKUP), max_size=30))
def test_a_clean_page_stays_to_the_letter(parts: list[str]) -> None:
    page = "".join(parts)
    assert Mended(page).html == page
