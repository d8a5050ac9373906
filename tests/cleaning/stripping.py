"""A page of paragraphs as strip leaves it."""

from __future__ import annotations

from cleaning.findings import replay
from cleaning.strip import strip


def stripped(lines: list[str], title: str | None = None) -> list[str]:
    text = "\n".join(lines)
    edited = strip(text, ["paragraph"] * len(lines), title=title).edited
    assert replay(text, edited.findings) == edited.text
    return edited.text.split("\n")
