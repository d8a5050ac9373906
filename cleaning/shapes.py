"""Lines of a page: where they begin, and their shape (prose, heading or neither)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

PROSE_LENGTH = 24
"""Least length of a paragraph of prose. Of the seeds' paragraphs the shortest has 25 characters, of their headings
the longest has 17."""

UNSTOPPED_PROSE_LENGTH = 40
"""The same where no full stop ends a sentence: headlines have a comma too (`某贷逾期两个月,收到短信怎么分辨`), but not so
many characters."""

_PAUSE = re.compile(r"[!?;,]")
_HEADING = re.compile(
    r"(?:第[一二三四五六七八九十百]{1,3}[章节条编款]|[一二三四五六七八九十百]{1,3}[、.]|[(]?[一二三四五六七八九十\d]{1,2}[)]|\d{1,2}(?:[.、]|\.\d)"
    r"|小编|导[语读]|总结|结[语论]|附录|相关内容|参考|前言|引言|概述|背景|摘要|常见问题|q\d?[:.]|问[:]|答[:])"
)


TITLE_LABEL = re.compile(r"[\[【#*\s]{0,6}(?:文章)?标题[\]】*\s]{0,4}:[*\s]{0,3}")
"""A label before a title (`标题:`, `【文章标题】`), as models and editors leave it."""

FIELD_MARK = re.compile(r"[\d:/℃]")
"""What a line that states fields holds: a number, a colon, a slash or a counter's sign."""

IN_FORCE = re.compile(r"\d日?\s?起?(?:施行|通过|公布|修订|修正|实施|生效|签订|签署)")
"""A statute's or contract's own date, which says nothing of when the page was written."""


def is_prose(key: str) -> bool:
    """Whether a folded line is a paragraph of running text: long, with a full stop or (longer) a comma in it."""
    if len(key) < PROSE_LENGTH:
        return False
    return "。" in key or (len(key) >= UNSTOPPED_PROSE_LENGTH and _PAUSE.search(key) is not None)


def is_heading(key: str) -> bool:
    """Whether a folded line begins as an article's own heading does: `一、`, `1.1`, `小编导语`, `附录`."""
    return _HEADING.match(key) is not None


def line_starts(lines: Sequence[str]) -> list[int]:
    """Return the offset at which each line begins in the lines joined by line breaks."""
    starts, start = [0], 0
    for line in lines[:-1]:
        start += len(line) + 1
        starts.append(start)
    return starts


def lines_at(offsets: Iterable[int], starts: Sequence[int]) -> set[int]:
    """Return the lines that offsets lie in, `starts` being where the lines begin."""
    return {bisect_right(starts, offset) - 1 for offset in offsets}
