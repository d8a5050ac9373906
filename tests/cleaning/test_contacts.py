"""Contacts and personal identifiers: what is found, what is not, what a mask leaves."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.contacts import (
    find_contacts,
    find_identifiers,
    is_bank_card,
    is_contact_line,
    is_id_card,
    mask,
    mask_identifiers,
)
from cleaning.folding import fold

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "cases" / "contacts.json").read_text(encoding="utf-8")
)

ID_CARD = "110101199003070011"

BANK_CARD = "6222021234567890128"


def _valid_id(stem: str) -> str:
    return next(stem + check for check in "0123456789X" if is_id_card(stem + check))


def _valid_card(stem: str) -> str:
    return next(stem + check for check in "0123456789" if is_bank_card(stem + check))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["text"]) for case in CASES])
def test_contacts(case: dict[str, Any]) -> None:
    assert [[contact.kind, contact.value] for contact in find_contacts(case["text"])] == case["found"], case["why"]


def test_a_contact_has_its_line_and_span() -> None:
    text = "第一行\n聯系電話：１３８００００００００ 謝謝\n第三行"
    (contact,) = find_contacts(text)
    assert contact.line == "聯系電話：１３８００００００００ 謝謝"
    assert text[contact.start : contact.end] == "１３８００００００００"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("陈先生:13800000000 1000000001@qq.com", True),
        ("QQ/微信：100000001", True),
        ("客服邮箱：kf@example.com", True),
        ("张经理 13800000000（微信同号）", True),
        ("客服电话：95500", False),
        ("对方留下的号码是13800000000，后来再也打不通。", False),
        ("联系电话：", False),
        ("贷款5万元", False),
    ],
)
def test_a_contact_line_is_nothing_but_contacts(line: str, expected: bool) -> None:
    assert is_contact_line(fold(line)) is expected


def test_id_cards_are_checked() -> None:
    valid = _valid_id("11010119900307001")
    wrong = valid[:-1] + ("0" if valid[-1] != "0" else "1")
    assert [(found.kind, found.value) for found in find_identifiers(f"身份证号{valid}。")] == [("id_card", valid)]
    assert find_identifiers(f"身份证号{wrong}。") == ()


def test_id_cards_may_be_grouped_and_end_in_x() -> None:
    stem = next(f"1101011990030{n:04}" for n in range(1000, 2000) if is_id_card(f"1101011990030{n:04}X"))
    text = f"{stem[:6]} {stem[6:14]} {stem[14:]}x"
    (found,) = find_identifiers(text)
    assert (found.value, text[found.start : found.end]) == (stem + "X", text)


def test_bank_cards_are_checked() -> None:
    valid = _valid_card("622202123456789012")
    spaced = " ".join(valid[start : start + 4] for start in range(0, len(valid), 4))
    wrong = valid[:-1] + str((int(valid[-1]) + 1) % 10)
    assert [(found.kind, found.value) for found in find_identifiers(f"卡号{valid}")] == [("bank_card", valid)]
    assert [(found.kind, found.value) for found in find_identifiers(f"卡号{spaced}")] == [("bank_card", valid)]
    assert find_identifiers(f"卡号{wrong}") == ()


@pytest.mark.parametrize("text", ["热线400-555-0000", "客服热线95500", "2024-10-13 14:44:13", "欠款13800000000元"])
def test_what_is_nobodys_own_number_is_no_identifier(text: str) -> None:
    assert find_identifiers(text) == ()


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("13800000012", "138******12"),
        ("138-0000-0012", "138-****-**12"),
        ("12", "12"),
        ("", ""),
        ("123456", "123*56"),
    ],
)
def test_mask(value: str, masked: str) -> None:
    assert mask(value) == masked


def test_masking_a_text_leaves_the_rest_alone() -> None:
    text = "他的手机号是13800000012，客服热线是95500。"
    assert mask_identifiers(text) == "他的手机号是138******12，客服热线是95500。"


_PIECES = st.lists(
    st.one_of(
        st.sampled_from([
            "13800000000", "微信", "abc_0000", "QQ", "100000001", " ", "\n", "一三八", "零零零零", "@qq.com", BANK_CARD,
            ID_CARD, "95500", "拨打", "加", "元", "-", ".", "(微信同号)",
        ]),
        st.text(max_size=6),
    ),
    max_size=14,
).map("".join)  # fmt: skip


@pytest.mark.parametrize("drop", [False, True])
def test_digits_left_by_a_mask_make_no_number_with_their_neighbours(drop: bool) -> None:
    keycap = "\N{COMBINING ENCLOSING KEYCAP}"
    masked = mask_identifiers(f"逾期3年，13801380{keycap}1380{keycap}0000000，欠款120000元", drop=drop)
    assert not find_identifiers(masked)
    assert masked.startswith("逾期3年，")
    assert masked.endswith("，欠款120000元")


@settings(max_examples=200, deadline=None)
@given(_PIECES)
def test_spans_fit_the_text_and_masks_keep_its_length(text: str) -> None:
    for contact in find_contacts(text):
        assert 0 <= contact.start < contact.end <= len(text)
        assert contact.value
        assert text[contact.start : contact.end] in contact.line or "\n" in text[contact.start : contact.end]
    masked = mask_identifiers(text)
    assert len(masked) == len(text)
    assert not find_identifiers(masked)
    assert not find_identifiers(mask_identifiers(text, drop=True))
    spans = [(found.start, found.end) for found in find_identifiers(text)]
    assert all(left[1] <= right[0] for left, right in pairwise(spans))


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", " ", "-"]))
def test_every_mobile_number_is_found_and_masked(number: str, gap: str) -> None:
    written = gap.join((number[:3], number[3:7], number[7:]))
    text = f"请拨打{written}联系"
    assert [(contact.kind, contact.value) for contact in find_contacts(text)] == [("phone", number)]
    assert number not in mask_identifiers(text)
