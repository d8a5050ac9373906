"""What holds for any text and any table: the machine is undone, proofs are never wrong, and nothing moves twice."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cleaning.findings import replay, undo
from cleaning.repair import learn_table
from cleaning.repair.gbk_bytes import DECODERS, Decoder
from cleaning.repair.injection import inject
from cleaning.repair.pinyin import repair_pinyin
from cleaning.repair.readings import is_usual, parse

SENTENCES = (
    "隨著互聯網金融的快速發展，網貸成為許多人解決資金需求的重要方式。",
    "借款人應當根據自身的經濟狀況，制定合理的還款計劃。",
    "催收行為不得使用威脅、騷擾等不當手段，也不得公開個人資訊。",
    "平臺通常會提供協商還款的機會，用戶可以主動聯繫客服說明情況。",
    "逾期記錄將被上傳至徵信系統，對未來的貸款、信用卡申請造成嚴重影響。",
    "如果認為合同條款不合法，可以向人民法院提起訴訟，維護自己的權益。",
    "許多借款人因為擔心後果而感到焦慮，甚至影響正常的生活和工作。",
    "本站將深入探討逾期的原因、影響以及如何有效預防。",
    "監管部門對催收行業進行了嚴格的規定，金融機構應遵循相關法律法規。",
    "用戶需要根據自己的實際收入和支出，確保在規定時間內還清貸款。",
    "協商時應保留所有的通話錄音和聊天記錄，以備後續需要。",
    "專業的財務顧問能夠為廣大借款人提供實用的建議和指導。",
)

READINGS = {
    "應": "yīng", "對": "duì", "網": "wǎng", "會": "huì", "經": "jīng", "發": "fā", "為": "wéi", "協": "xié", "還": "hái",
    "聯": "lián", "說": "shuō", "將": "jiāng", "錄": "lù", "認": "rèn", "個": "gè", "關": "guān", "規": "guī", "據": "jù",
    "嚴": "yán", "記": "jì", "業": "yè", "時": "shí", "後": "hòu", "貸": "dài", "實": "shí", "習": "xí", "驗": "yàn",
    "負": "fù", "責": "zé", "戰": "zhàn", "點": "diǎn", "務": "wù", "護": "hù", "機": "jī", "確": "què", "權": "quán",
}  # fmt: skip

texts = st.lists(st.sampled_from(SENTENCES), min_size=2, max_size=8).map("\n".join)
tables = st.sets(st.sampled_from(sorted(READINGS)), min_size=4).map(
    lambda chars: {char: f"({READINGS[char]})" for char in sorted(chars)}
)
decoders = st.sampled_from(DECODERS)


def keeps_everything(text: str, table: dict[str, str]) -> bool:
    """Return whether every mark that the machine leaves stands before an insertion, so that no byte is lost."""
    bare = dict.fromkeys(table, "(\N{SNOWMAN})")
    shown = inject(text, bare)
    return shown.count("?") == shown.count("?\N{SNOWMAN}")


@settings(max_examples=120, deadline=None)
@given(texts, tables, decoders)
def test_what_the_machine_did_is_undone(text: str, table: dict[str, str], decoder: Decoder) -> None:
    assume(keeps_everything(text, table))
    damaged = inject(text, table, decoder)
    edited = repair_pinyin(damaged, table)
    assert edited.text == text
    assert replay(damaged, edited.findings) == text
    assert undo(text, edited.findings) == damaged


@settings(max_examples=120, deadline=None)
@given(texts, tables)
def test_certified_is_never_wrong_and_nothing_moves_twice(text: str, table: dict[str, str]) -> None:
    damaged = inject(text, table)
    edited = repair_pinyin(damaged)
    if edited.findings and all(finding.certainty == "certified" for finding in edited.findings):
        assert edited.text == text
    again = repair_pinyin(edited.text)
    assert again.text == edited.text
    assert again.findings == ()


@settings(max_examples=60, deadline=None)
@given(texts, tables)
def test_a_learned_table_says_only_what_is_so(text: str, table: dict[str, str]) -> None:
    learned = learn_table(inject(text, table)).insertions()
    assert learned.items() <= table.items()


@settings(max_examples=60, deadline=None)
@given(texts)
def test_clean_text_never_changes(text: str) -> None:
    assert repair_pinyin(text).findings == ()


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("至習應對A1 \n?()（）；。xíyīng褂幂\ue491€\ufffd為我你"), max_size=60))
def test_any_text_replays_and_keeps_its_lines(text: str) -> None:
    edited = repair_pinyin(text)
    assert replay(text, edited.findings) == edited.text
    assert edited.text.count("\n") == text.count("\n")


strings = st.sampled_from(["({})", "({} )", "( {})", "({0})({0})"])


@settings(max_examples=60, deadline=None)
@given(texts, tables, strings, st.booleans())
def test_a_page_with_many_hits_needs_no_table(
    text: str, table: dict[str, str], string: str, capital: bool
) -> None:
    spelt = {char: inserted[1:-1] for char, inserted in table.items()}
    toneless = {char: parse(reading).base for char, reading in spelt.items()}
    made = {
        char: string.format(toneless[char].capitalize() if capital else reading) for char, reading in spelt.items()
    }
    damaged = inject(text, made)
    told = "\n".join(dict.fromkeys(damaged.split("\n")))  # a line that comes again says nothing more
    hits = {char: told.count(char + one) for char, one in made.items()}
    assume(keeps_everything(text, made) and sum(hits.values()) >= 6)
    # Readings that are not the usual ones are what people gloss: plain brackets must not hold mostly these.
    usual = sum(times for char, times in hits.items() if is_usual(char, parse(spelt[char])))
    assume(string != "({})" or 2 * usual >= sum(hits.values()))
    assert repair_pinyin(damaged).text == text


@settings(max_examples=60, deadline=None)
@given(texts, tables, decoders)
def test_the_certificate_is_the_forward_model(text: str, table: dict[str, str], decoder: Decoder) -> None:
    damaged = inject(text, table, decoder)
    edited = repair_pinyin(damaged)
    if edited.findings and all("forward(whole page)" in finding.evidence for finding in edited.findings):
        learned = {**table, **learn_table(damaged).insertions()}
        assert inject(edited.text, learned, decoder) == damaged
