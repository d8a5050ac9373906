from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.decode import INVALID_BYTE_BASE, MAX_BODY_BYTES, Decoded, codec_of, decode
from cleaning.findings import Rejected

ARTICLE = "网贷逾期之后，催收电话会打给紧急联系人吗？先与平台协商还款，保留每一次通话的记录。" * 3
TRADITIONAL = "網貸逾期之後，催收電話會打給緊急聯絡人嗎？先與平台協商還款，保留每一次通話的紀錄。" * 3
CASES = json.loads((Path(__file__).parent / "decode_cases.json").read_text(encoding="utf-8"))


def text_of(result: Decoded | Rejected) -> str:
    assert isinstance(result, Decoded), result
    return result.text


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_what_a_page_is_in(case: dict[str, str]) -> None:
    text = TRADITIONAL if case["script"] == "hant" else ARTICLE
    head = f'<html><head><meta charset="{case["meta"]}"></head><body>' if case["meta"] else "<html><body>"
    body = head.encode("ascii") + text.encode(case["encoded"])
    result = decode(body, case["header"] or None)
    assert text_of(result).endswith(text)
    assert isinstance(result, Decoded)
    assert result.encoding == case["expected"]
    for word in case["evidence"].split("|"):
        assert word in result.evidence


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "big5hkscs"])
def test_one_bad_byte_does_not_change_the_answer(codec: str) -> None:
    text = TRADITIONAL if codec == "big5hkscs" else ARTICLE
    body = text.encode(codec)
    result = decode(body[:60] + b"\xff" + body[60:])
    assert isinstance(result, Decoded)
    assert result.encoding == codec
    assert chr(INVALID_BYTE_BASE + 0xFF) in result.text


def test_chinese_after_a_long_ascii_head_is_found() -> None:
    body = b"<script>" + b"var a = 1;\n" * 6_000 + b"</script>" + ARTICLE.encode("gb18030")
    assert text_of(decode(body)).endswith(ARTICLE)


def test_a_stranded_lead_byte_is_kept_exactly() -> None:
    damaged = "甚至".encode("gbk") + b"\x95(x\xa8\xaa)" + "褂用较为强硬的语气。".encode("gbk") * 5
    assert chr(INVALID_BYTE_BASE + 0x95) + "(x" in text_of(decode(damaged, "text/html; charset=gbk"))


def test_the_euro_sign_of_cp936() -> None:
    assert "\N{EURO SIGN}" in text_of(decode(ARTICLE.encode("gbk") + b"\x80" + ARTICLE.encode("gbk")))


def test_byte_order_marks() -> None:
    assert text_of(decode(b"\xef\xbb\xbf" + ARTICLE.encode())) == ARTICLE
    assert text_of(decode(b"\xff\xfe" + ARTICLE.encode("utf-16-le"))) == ARTICLE
    assert text_of(decode(b"\xfe\xff" + ARTICLE.encode("utf-16-be"))) == ARTICLE


def test_utf_16_without_a_mark() -> None:
    page = "<html><head><title>overdue loans</title></head><body>" + ARTICLE
    assert text_of(decode(page.encode("utf-16-le"))) == page


def test_other_languages_are_read_too() -> None:
    assert text_of(decode("これは日本語の文章です。延滞についての説明。".encode("shift_jis"))).startswith("これは")
    assert text_of(decode("déjà vu".encode("latin-1"), "text/html; charset=iso-8859-1")) == "déjà vu"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "caf\u00e9",
            "Les \u00e9l\u00e8ves \u00e9taient tr\u00e8s f\u00e2ch\u00e9s",
            "p\u012bny\u012bn: n\u01d0 h\u01ceo",
        ),
        *(
            "\u041f\u0440\u0438\u0432\u0435\u0442",
            "\u05e9\u05dc\u05d5\u05dd",
            "\u00b15% \u00f7 \u00d7 \u00bd",
            "\u2192 \u2190",
            "逾期",
        ),
    ],
)
def test_short_utf_8_is_not_taken_for_gbk(text: str) -> None:
    assert text_of(decode(text.encode())) == text


@pytest.mark.parametrize("text", ["逾期", "你好", "催收电话", "证券", "联通"])
def test_a_word_of_gbk_is_read_as_one(text: str) -> None:
    assert text_of(decode(text.encode("gbk"))) == text


@pytest.mark.parametrize(
    ("body", "reason", "told"),
    [
        (b"", "empty", "nothing"),
        (b" \r\n\t ", "empty", "nothing"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "not-text", "PNG"),
        (b"%PDF-1.7 ...", "not-text", "PDF"),
        (b"\x1f\x8b\x08\0\0", "not-text", "gzip"),
        (bytes(range(32)) * 40, "not-text", "binary"),
        (bytes(range(0x80, 0x100)) * 40, "undecodable", "encoding"),
        (b"a" * (MAX_BODY_BYTES + 1), "too-large", "limit"),
    ],
)
def test_what_is_no_text_is_a_value_with_a_reason(body: bytes, reason: str, told: str) -> None:
    result = decode(body)
    assert isinstance(result, Rejected)
    assert result.reason == reason
    assert told in result.detail


@given(st.binary(max_size=300), st.sampled_from([None, "text/html; charset=gbk", "text/html; charset=nonsense"]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_value(body: bytes, content_type: str | None) -> None:
    assert isinstance(decode(body, content_type), Decoded | Rejected)


@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=40, max_size=200))
@settings(max_examples=60, deadline=None)
def test_valid_utf_8_of_some_length_is_utf_8(text: str) -> None:
    assert decode(text.encode("utf-8"), "text/html; charset=gb2312") == Decoded(
        text, "utf-8", "valid UTF-8; against header gb2312"
    )


@pytest.mark.parametrize("label", ["base64", "rot13", "no-such-charset", "", "zlib"])
def test_a_label_that_names_no_text_codec(label: str) -> None:
    assert codec_of(label) is None
