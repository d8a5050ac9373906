"""The compiled look at what may be contacts tells what the searches in Python do, and misses no kind."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning import contacts, native
from cleaning.folding import fold

_native = native.available("_contacts")
pytestmark = pytest.mark.skipif(_native is None, reason="the compiled twin was not built, or YUQI_PURE is set")

CASES = Path(__file__).parents[1] / "cases"
PIECES = [
    *"0123456789oilqxvtn@#艾特信微薇扣群企鹅蔻球()[]{}.-_*~ :,。元\n",
    *("\N{MIDDLE DOT}", "\N{VARIATION SELECTOR-16}", "\N{COMBINING ENCLOSING KEYCAP}", "\N{HEAVY BLACK HEART}"),
    *(
        "\N{ARABIC-INDIC DIGIT FIVE}",
        "\N{CIRCLED DIGIT ONE}",
        "\N{OSMANYA DIGIT ONE}",
        "\N{MUSICAL SYMBOL G CLEF}",
    ),
    *(
        "\N{CJK UNIFIED IDEOGRAPH-20000}",
        "一三八零",
        "138",
        "0000",
        "400 ",
        "95588",
        "12378",
        "1010",
        "4 0 0 ",
        "86",
    ),
    *(" at ", "[at]", " dot com", "qq.com", "微信:", "电话", "热线", "wechat", "loan", "(021)", "0755-", "l3o"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def told_otherwise(key: str) -> list[str]:
    """Return what the compiled look gets wrong in a folded text."""
    signs = contacts._signs()
    wrong = []
    if signs.runs(key) != contacts.plain_runs(key):
        wrong.append("runs")
    if list(contacts._readings(key, signs.kinds(key))) != list(contacts._readings(key, contacts.ALL_KINDS)):
        wrong.append("kinds")
    return wrong


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_texts_of_signs(text: str) -> None:
    assert not told_otherwise(fold(text))


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text(text: str) -> None:
    assert not told_otherwise(text)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.json")), ids=lambda path: path.stem)
def test_texts_of_cases(path: Path) -> None:
    for text in strings(json.loads(path.read_text(encoding="utf-8"))):
        assert not told_otherwise(fold(text))


def strings(value: object) -> list[str]:
    """Return every text in parsed JSON."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    return [text for part in value for text in strings(part)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("", 0),
        ("逾期三个月以后再协商", 0),
        ("2024年11月17日 12:30", 0),
        ("010-8888 号", contacts._LANDLINES),
        ("13811111111", contacts._MOBILES | contacts._LOOKALIKES),
        ("a@b", contacts._EMAILS),
        ("企鹅", contacts._QQS),
        ("微", contacts._WECHATS),
        ("95588", contacts._SHORT_HOTLINES),
        ("400-888-6666", contacts._HOTLINES),
    ],
)
def test_what_is_left_to_be_looked_for(text: str, kinds: int) -> None:
    assert contacts._signs().kinds(fold(text)) == kinds


def test_a_sign_beyond_the_planes_is_refused() -> None:
    assert isinstance(_native, ModuleType)
    with pytest.raises(ValueError, match="planes"):
        _native.Signs(run="\N{TAG SPACE}", digits="", forms="", gaps="", wechat="", qq="")
