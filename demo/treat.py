"""Treatments: each puts one kind of damage or spam on a page being drafted, and notes it for the gold."""

from __future__ import annotations

import html
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from demo import damage
from demo.articles import Article, Line
from demo.templates import Sheet


@dataclass(slots=True)
class Draft:
    """A page on its way: the article, the sheet it is shown on, and what the gold needs to know.

    `lines` are the gold's blocks (Simplified); `sheet.lines` are the shown ones. `alone` says that no other page has
    a copy of the article: only such a page takes damage that can't be undone. `traditional` converts text.
    """

    article: Article
    sheet: Sheet
    lines: list[Line]
    rng: random.Random
    traditional: Callable[[str], str]
    alone: bool
    published_traditional: bool = False
    spam: list[str] = field(default_factory=list)
    damage: list[Mapping[str, object]] = field(default_factory=list)

    def note(self, mechanism: str, *, recoverable: bool = True, **details: object) -> None:
        """Record a mechanism for the gold."""
        self.damage.append({"mechanism": mechanism, "recoverable": recoverable, **details})

    def show(self, change: Callable[[str], str]) -> None:
        """Replace the shown blocks by their changed texts; a row's cells change one by one."""
        self.sheet.lines = [_changed(line, change) for line in self.sheet.lines]


Treatment = Callable[[Draft], None]


def _changed(line: Line, change: Callable[[str], str]) -> Line:
    if line.kind == "row":
        return line._replace(text="|".join(change(cell) for cell in line.cells()))
    return line._replace(text=change(line.text))


def clean(draft: Draft) -> None:
    """Leave the page as it is."""


# Spam ---------------------------------------------------------------------------------------------


def keyword_ends(draft: Draft) -> None:
    """Put a line of keywords first and another last."""
    separator = draft.rng.choice((",", " I ", "_", " | "))
    first, last = (damage.keyword_line(draft.rng, separator, count) for count in (7, 5))
    draft.sheet.first.append(first)
    draft.sheet.last.append(last)
    draft.spam += [first, last]
    draft.note("spam-ends")


def keyword_glued(draft: Draft) -> None:
    """Glue a keyword to a line of the site's own furniture."""
    keyword = draft.rng.choice(damage.KEYWORDS)
    draft.sheet.before.append(f"最新发布 {keyword}")
    draft.spam.append(keyword)
    draft.note("spam-glued")


def hidden_block(draft: Draft) -> None:
    """Hide blocks of keywords: not displayed, of no size, off the screen."""
    styles = ("display:none", "width:0;height:0;overflow:hidden", "position:absolute;left:-9999px")
    for style in draft.rng.sample(styles, 2):
        line = damage.keyword_line(draft.rng, " ", 5)
        draft.sheet.hidden += f'<div style="{style}"><p>{html.escape(line)}</p></div>\n'
        draft.spam.append(line)
    draft.note("spam-hidden")


def pool_footer(draft: Draft) -> None:
    """Leave a spider pool's footer on the page."""
    footer = damage.pool_footer(draft.rng)
    draft.sheet.last.append(footer)
    draft.spam.append(footer)
    draft.note("spam-pool-footer")


def spaced_out(draft: Draft) -> None:
    """Put a line of keywords with a blank between all characters first."""
    line = damage.spaced_out(draft.rng)
    draft.sheet.first.append(line)
    draft.spam.append(line)
    draft.note("spam-spaced")


def mid_sentence(draft: Draft) -> None:
    """Put a keyword into the middle of a sentence of the article."""
    candidates = [i for i, line in enumerate(draft.sheet.lines) if line.kind == "paragraph" and "，" in line.text]
    index = draft.rng.choice(candidates)
    keyword = draft.rng.choice(damage.KEYWORDS)
    line = draft.sheet.lines[index]
    shown = list(draft.sheet.lines)
    shown[index] = line._replace(text=line.text.replace("，", f"，{keyword}", 1))
    draft.sheet.lines = shown
    draft.spam.append(keyword)
    draft.note("spam-mid-sentence")


def advert(draft: Draft) -> None:
    """Put the advert that several sites carry after the article."""
    draft.sheet.after.append(damage.ADVERT)
    draft.spam.append(damage.ADVERT)
    draft.note("spam-advert")


def tag_junk(draft: Draft) -> None:
    """Leave a hacking tool's random tags in the page."""
    draft.sheet.hidden += damage.tag_junk(draft.rng)
    draft.note("spam-tag-junk")


# Damage to the text -------------------------------------------------------------------------------


def deleted_words(draft: Draft) -> None:
    """Delete or mask words as a site's filter does. The gold is the text as it then stands."""
    if draft.article.lender:
        return  # A swapped copy must stay equal to the others once its names are masked.
    lost: list[str] = []

    def change(text: str) -> str:
        changed, words = damage.delete_words(text)
        lost.extend(words)
        return changed

    draft.show(change)
    draft.lines = list(draft.sheet.lines)
    if lost:
        draft.note("deleted-words", lost=lost)


def entities(draft: Draft) -> None:
    """Write every character of the body as a numeric character reference."""
    write = draft.sheet.write
    draft.sheet.write_line = lambda text: damage.numeric_entities(html.unescape(write(text)))
    draft.note("entities")


def _decoder(mechanism: str, written: str, read: str, *, times: int = 1) -> Treatment:
    """Return a treatment that reads the body with the wrong decoder.

    Where a line would lose bytes it is damaged only on a page without copies, and the damage noted as unrecoverable;
    on other pages such a line stays clean, as on the mixed pages that are seen.
    """

    def treatment(draft: Draft) -> None:
        kept_all = True
        hit = 0

        def change(text: str) -> str:
            nonlocal kept_all, hit
            damaged, kept = text, True
            for _ in range(times):
                damaged, once = damage.wrong_decoder(damaged, written, read)
                kept = kept and once
            if not kept and not draft.alone:
                return text
            kept_all = kept_all and kept
            hit += 1
            return damaged

        draft.show(change)
        if hit:
            draft.note(mechanism, recoverable=kept_all, lines=hit)

    return treatment


def hybrid(draft: Draft) -> None:
    """Read the body's GBK bytes as Latin-1, those that happen to be valid UTF-8 as UTF-8."""
    draft.show(damage.hybrid_latin)
    draft.note("gbk-as-latin1-hybrid")


def pinyin_lossy(draft: Draft) -> None:
    """Publish in Traditional with pinyin injected into its GBK bytes, read by a decoder that loses bytes to `?`."""

    def write(text: str) -> str:
        return html.escape(damage.inject_pinyin(draft.traditional(text), damage.PINYIN_SMALL))

    draft.published_traditional = True
    draft.sheet.write = write
    torn = damage.torn_lines(draft.traditional(draft.article.text), damage.PINYIN_SMALL)
    draft.note("pinyin", torn_lines=torn, lossy=True)


def big5_as_gbk(draft: Draft) -> None:
    """Publish in Traditional, the body's Big5 bytes read as GBK."""
    draft.show(lambda text: damage.wrong_decoder(draft.traditional(text), "big5hkscs", "gb18030")[0])
    draft.published_traditional = True
    draft.note("big5-as-gbk")


utf8_as_gbk = _decoder("utf8-as-gbk", "utf-8", "gb18030")
utf8_as_gbk_twice = _decoder("utf8-as-gbk-twice", "utf-8", "gb18030", times=2)
utf8_as_latin1 = _decoder("utf8-as-latin1", "utf-8", "latin-1")
utf8_as_cp1252 = _decoder("utf8-as-cp1252", "utf-8", "cp1252")
gbk_as_latin1 = _decoder("gbk-as-latin1", "gbk", "latin-1")
gbk_as_cp1252 = _decoder("gbk-as-cp1252", "gbk", "cp1252")
gbk_as_big5 = _decoder("gbk-as-big5", "gbk", "big5hkscs")
