"""Hostile text on a page: escaped, what hides or reorders made visible, contacts and identifiers masked."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

from cleaning.contacts import find_contacts, mask, mask_identifiers
from cleaning.marks import INVALID_BYTE_BASE

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
"""Controls, bidirectional controls, zero-width and tag characters, fillers, variation selectors, private use: what a
reader can't see, or what changes how the text beside it is read (Unicode TR 36, TR 9)."""

_TAG = re.compile(r"(<[^<>]*>)")
_MAY_HOLD_CONTACT = re.compile(r"[0-9\uff10-\uff19@\uff20]|[A-Za-z]{4}")


def named(character: str) -> str:
    """Return a hidden character's code point and name, for a tooltip."""
    if ord(character) >= INVALID_BYTE_BASE:
        return f"byte 0x{ord(character) - INVALID_BYTE_BASE:02X}, of which no character came"
    code = f"U+{ord(character):04X}"
    return f"{code} {unicodedata.name(character, '')}".strip()


def _label(character: str) -> str:
    """Return what stands in a hidden character's place: its code point, or the byte that it keeps."""
    kept = ord(character) - INVALID_BYTE_BASE
    return f"x{kept:02X}" if kept >= 0 else f"{ord(character):04X}"


def plain(value: object) -> str:
    """Return `value` as text in which hidden characters stand as their code points, for titles and attributes."""
    return _HIDDEN.sub(lambda found: f"\N{MATHEMATICAL LEFT ANGLE BRACKET}{_label(found[0])}"
                       "\N{MATHEMATICAL RIGHT ANGLE BRACKET}", "" if value is None else str(value))  # fmt: skip


def visible(value: object) -> Markup:
    """Return `value` escaped for HTML; hidden characters stand as marked code points with their names."""
    text = "" if value is None else str(value)
    parts: list[Markup] = []
    cursor = 0
    for found in _HIDDEN.finditer(text):
        parts.append(escape(text[cursor : found.start()]))
        parts.append(_marked(found))
        cursor = found.end()
    return Markup("").join([*parts, escape(text[cursor:])])


def _marked(found: re.Match[str]) -> Markup:
    mark = Markup('<span class="hidden-char" title="{}">{}</span>')
    return mark.format(named(found[0]), _label(found[0]))


def revealed(markup: object) -> Markup:
    """Return markup that Datasette made, hidden characters in its text made visible; its tags stay as they are."""
    if not isinstance(markup, Markup):
        return visible(markup)
    parts = _TAG.split(str(markup))
    # Every second part is a tag; what stands between is escaped already.
    shown = [part if index % 2 else _HIDDEN.sub(_marked, part) for index, part in enumerate(parts)]
    return Markup("".join(shown))  # noqa: S704  # parts of one Markup


def masked(value: object) -> str:
    """Return `value` with phone, QQ, WeChat and e-mail contacts and personal numbers masked in place, same length."""
    text = "" if value is None else str(value)
    if len(text) < 5 or not _MAY_HOLD_CONTACT.search(text):
        return text
    parts: list[str] = []
    cursor = 0
    for contact in sorted(find_contacts(text), key=lambda found: (found.start, found.end)):
        if contact.start < cursor or contact.kind == "hotline":
            continue
        parts += text[cursor : contact.start], mask(text[contact.start : contact.end])
        cursor = contact.end
    return mask_identifiers("".join([*parts, text[cursor:]]))


def highlighted(text: str, marks: tuple[tuple[int, int], ...]) -> Markup:
    """Return `text` masked and escaped, with `marks` (spans in order) as <mark> elements."""
    covered = masked(text)
    parts: list[Markup] = []
    cursor = 0
    for start, end in marks:
        parts += visible(covered[cursor:start]), Markup("<mark>"), visible(covered[start:end]), Markup("</mark>")
        cursor = end
    return Markup("").join([*parts, visible(covered[cursor:])])
