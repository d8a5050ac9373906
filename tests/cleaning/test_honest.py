"""strip() loses nobody's sentence: what news, law and readers say about gambling, porn, fraud and other trades."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cleaning.stripping import stripped

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "cases" / "honest_templates.json").read_text(encoding="utf-8")
)
PROSE = [
    "借款人逾期后应当主动联系平台，说明自己的实际困难，争取延期或者分期还款。",
    "协商的时候要留下证据，通话录音、聊天记录和还款凭证都要保存好。",
]
STEPS = (1, 7, 16, 29)
"""How far the words move on from one sentence to the next: each template is filled four times."""


def _sentences(step: int) -> list[str]:
    words = CASES["words"]
    return [
        template.format(
            a=words[place % len(words)], b=words[(place + 5) % len(words)], c=words[(place + 11) % len(words)]
        )
        for place, template in zip(range(step, 10**6, step), CASES["templates"], strict=False)
    ]


def _stripped(lines: list[str]) -> list[str]:
    return stripped(lines, title="某某贷怎么办")


@pytest.mark.parametrize("step", STEPS)
def test_an_honest_sentence_on_a_page_that_does_not_speak_of_such_things(step: int) -> None:
    lost = []
    for sentence in _sentences(step):
        for lines in (
            [sentence, *PROSE],
            [PROSE[0], sentence, PROSE[1]],
            [*PROSE, sentence],
            [PROSE[0], sentence + PROSE[1]],
            [PROSE[1] + sentence, PROSE[0]],
        ):
            if _stripped(lines) != lines:
                lost.append(sentence)
    assert lost == []


@pytest.mark.parametrize("step", STEPS)
def test_a_page_of_honest_sentences(step: int) -> None:
    lines = _sentences(step)
    assert _stripped(lines) == lines
