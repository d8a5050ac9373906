"""The repair stage as a whole: one mechanism after the other, every finding in terms of the one input."""

from __future__ import annotations

from collections.abc import Sequence

from cleaning.findings import Edited
from cleaning.repair.pinyin import Table, repair_pinyin


def repair(
    text: str,
    *,
    restore: bool = False,
    title: str | None = None,
    table: Table = None,
    siblings: Sequence[str] = (),
) -> Edited:
    """Return `text` with its damage undone, and a finding for every change."""
    return repair_pinyin(text, table)
