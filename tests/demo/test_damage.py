from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo import damage
from demo.articles import read_articles

CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=60)


def test_pinyin_after_whole_characters() -> None:
    assert damage.inject_pinyin("應對", {"應": "yīng"}) == "應(yīng)對"


def test_pinyin_across_two_characters_tears_the_second() -> None:
    # corruption.md, section 1: 習 is C195, and C1|95 stands across 至|會.
    assert damage.inject_pinyin("甚至會使用", {"習": "xí"}).startswith("甚至?xí)")
    assert damage.inject_pinyin_bytes("甚至會使用", {"習": "xí"}) == bytes.fromhex(
        "C9F5D6C195 2878A8AA29 FECAB9D3C3".replace(" ", "")
    )
    assert damage.torn_lines("甚至會使用\n學習", {"習": "xí"}) == 1


def test_the_bytes_of_text_without_hits_are_its_gbk() -> None:
    assert damage.inject_pinyin_bytes("<p>借款人</p>", damage.PINYIN_LARGE) == "<p>借款人</p>".encode("gbk")


@given(CHINESE)
@settings(max_examples=60)
def test_taking_readings_out_of_the_bytes_gives_the_text_back(text: str) -> None:
    body = damage.inject_pinyin_bytes(text, {"習": "xí", "應": "yīng"})
    for reading in ("(xí)", "(yīng)"):
        body = body.replace(reading.encode("gbk"), b"")
    assert body.decode("gb18030") == text


def test_the_large_table_holds_the_small_one_and_gbk_holds_both() -> None:
    assert damage.PINYIN_SMALL.items() <= damage.PINYIN_LARGE.items()
    assert len(damage.PINYIN_LARGE) > 10 * len(damage.PINYIN_SMALL)
    for character, reading in damage.PINYIN_LARGE.items():
        assert len(character.encode("gbk")) == 2
        assert reading.encode("gbk")
        assert reading.isalpha()


@pytest.mark.parametrize(
    ("text", "written", "read", "expected"),
    [
        ("你好", "gbk", "latin-1", "ÄãºÃ"),
        ("你好", "utf-8", "gb18030", "浣犲ソ"),
        ("你好", "utf-8", "latin-1", "ä½\xa0å¥½"),
        ("你好", "utf-8", "cp1252", "ä½\xa0å¥½"),
    ],
)
def test_known_pairs_of_decoders(text: str, written: str, read: str, expected: str) -> None:
    assert damage.wrong_decoder(text, written, read) == (expected, True)


def test_a_lost_byte_is_owned_up_to() -> None:
    damaged, kept = damage.wrong_decoder("你好吗", "utf-8", "gb18030")
    assert not kept
    assert damaged.endswith("?")


@given(CHINESE)
@settings(max_examples=60)
def test_what_is_said_to_be_kept_can_be_had_back(text: str) -> None:
    for written, read in (
        ("utf-8", "gb18030"),
        ("gbk", "latin-1"),
        ("gbk", "big5hkscs"),
        ("big5hkscs", "gb18030"),
    ):
        try:
            damaged, kept = damage.wrong_decoder(text, written, read)
        except UnicodeEncodeError:
            continue  # the encoding lacks one of the characters
        if kept:
            assert damaged.encode(read).decode(written) == text


def test_the_hybrid_reads_valid_pairs_as_utf8() -> None:
    assert damage.hybrid_latin("证券投资基金") == "֤ȯͶ×Ê»ù½ð"


def test_entities() -> None:
    assert damage.numeric_entities("你A") == "&#20320;&#65;"


def test_deleted_words_are_named() -> None:
    assert damage.delete_words("催收电话的问题") == ("催收 的问", ("电话", "问题"))
    assert damage.delete_words("按时还款") == ("按时还款", ())


@pytest.mark.parametrize("separator", [",", " I ", "_", " | "])
def test_keyword_lines_have_no_sentence(separator: str) -> None:
    line = damage.keyword_line(random.Random(1), separator, 6)
    assert len(line.split(separator)) == 6
    assert "。" not in line


def test_no_article_holds_a_keyword() -> None:
    texts = [article.text for article in read_articles()]
    assert not [keyword for keyword in damage.KEYWORDS if any(keyword in text for text in texts)]


def test_an_operator_lists_what_is_set() -> None:
    operator = damage.Operator("某", "13800000000", "a@example.com", qq="1000000000")
    assert [contact["kind"] for contact in operator.contacts()] == ["phone", "email", "qq"]
