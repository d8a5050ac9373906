"""Invented pages in the layouts of the content systems that such sites run on: every line of the article, nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cleaning.extract import extract
from cleaning.page import KEPT_ROLES

PARAGRAPHS = [
    "在当今社会，随着金融科技的发展，越来越多的人选择通过互联网平台借款，逾期的情况也跟着多了起来。",
    "本站将从逾期的后果、应对办法和预防三个方面，说一说借款人应该怎么做。",
    "首先要弄清楚自己欠了多少：把每一笔的本金、利息、违约金分开列出来，再和平台的账单核对。",
    "逾期四个月以后，平台一般会把债权交给第三方催收；催收可以打电话、发短信，但不得威胁、辱骂，也不得骚扰无关的人。",
    "如果一时还不上，可以主动和平台协商，说明失业、生病等实际困难，提出每月能够承担的金额。",
    "协商的时候要留下证据，通话录音、聊天记录、还款凭证都要保存好。",
    "最后，量入为出，不要以贷养贷，建立三到六个月生活费的应急基金。",
]
LAYOUTS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "pages/layouts.json").read_text("utf-8"))


def render(layout: dict[str, Any], paragraphs: list[str]) -> str:
    return str(layout["page"]).replace("@BODY@", "".join(layout["wrap"].format(text) for text in paragraphs))


def expected(layout: dict[str, Any], paragraphs: list[str]) -> list[str]:
    lines = []
    for text in paragraphs:
        if layout.get("headings"):
            lines.append("一、小标题")
        lines.append(text + layout.get("suffix", ""))
    return [*lines, *layout.get("extra_kept", [])]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout["name"])
def test_layout(layout: dict[str, Any]) -> None:
    paragraphs = PARAGRAPHS[: layout.get("take", len(PARAGRAPHS))]
    found = extract(render(layout, paragraphs))
    assert found.kind == "article"
    assert [block.text for block in found.blocks if block.role in KEPT_ROLES] == expected(layout, paragraphs)
    if "role" in layout:
        assert {block.role for block in found.blocks if block.role in KEPT_ROLES} == {layout["role"]}
    hidden = [block.text for block in found.blocks if block.role == "hidden"]
    assert [text for text in layout.get("hidden", []) if text not in hidden] == []
    for field, value in layout["meta"].items():
        assert getattr(found.meta, field) == value, field


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout["name"])
def test_layout_in_numeric_entities(layout: dict[str, Any]) -> None:
    """A page that writes every Chinese character as a numeric entity says the same."""
    paragraphs = PARAGRAPHS[: layout.get("take", len(PARAGRAPHS))]
    page = render(layout, paragraphs)
    escaped = "".join(f"&#{ord(character)};" if "㐀" <= character <= "鿿" else character for character in page)
    assert extract(escaped) == extract(page)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout["name"])
def test_layout_with_damaged_text(layout: dict[str, Any]) -> None:
    """Pinyin insertions, bytes' marks and private-use characters in the text change neither the choice nor themselves."""
    marks = "\U0010ff95\ue491"
    paragraphs = [text.replace("的", f"的({marks}dí)").replace("。", "?。") for text in PARAGRAPHS][
        : layout.get("take", 7)
    ]
    found = extract(render(layout, paragraphs))
    assert [block.text for block in found.blocks if block.role in KEPT_ROLES] == expected(layout, paragraphs)
