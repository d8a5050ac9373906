"""The whole walk of a page, top to bottom: bytes in, a cleaned article or the reason why there is none out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from cleaning import outline
from cleaning.contacts import Contact, find_contacts
from cleaning.decode import Decoded, decode
from cleaning.extract import extract
from cleaning.findings import Edited, Finding, Rejected, edit
from cleaning.lenders import find_lenders
from cleaning.mend import Mended, is_damaged, is_injected, joined, texts_of
from cleaning.metadata import merge, parse_byline
from cleaning.normalize import normalize
from cleaning.page import FIELD_ROLES, Block, Extracted, Metadata, Role, Selectors
from cleaning.profile import SiteProfile
from cleaning.quality import quality
from cleaning.relevance import relevance_score
from cleaning.repair import SiteTable, learn_table, repair
from cleaning.repair.irreversible import damage_share
from cleaning.script import detect, simplify, to_simplified
from cleaning.strip import Stripped, strip
from cleaning.topics import find_topics

MAX_DAMAGE_SHARE = 0.5
"""A page of which more than half is irreversibly damaged text is rejected: corruption.md, section 2."""

_MARKUP = re.compile(
    r"<(?:!doctype|html|head|body|div|p|br|span|table|meta|title|a|h[1-6]|article)\b", re.IGNORECASE
)
_READING = re.compile("\\((?<=[\u3400-\u9fff]\\()[a-z]{0,5}[\u00e0-\u01dc][a-z]{0,5}\\)")
"""A reading in brackets, its tone marked, behind a character; it begins with a sign that is soon found."""

_BLANKS = re.compile(r"[ \t\r\f\v\u3000]+")


@dataclass(frozen=True, slots=True)
class Site:
    """What is known of a page's site beforehand: its declaration's selectors, its learned profile and table."""

    selectors: Selectors | None = None
    charset: str | None = None
    profile: SiteProfile | None = None
    table: SiteTable | None = None


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A page's article. `text` is repaired, stripped and simplified, one block a line, without the title;
    `text_source` is the same before simplification; `page_text` is the input of the first text stage, from which
    `findings` lead to `text` (`cleaning.findings.replay_stages`).
    """

    text: str
    text_source: str
    page_text: str
    script: str
    encoding: str
    encoding_evidence: str
    title: str | None = None
    author: str | None = None
    published: str | None = None
    category: str | None = None
    origin: str | None = None
    counters: dict[str, int] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()
    lenders: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    relevance: float = 0.0
    quality: dict[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def clean(
    body: bytes,
    content_type: str | None = None,
    url: str | None = None,
    *,
    fetched_at: datetime | None = None,
    site: Site | None = None,
    restore: bool = False,
) -> Cleaned | Rejected:
    """Return the article of one page, or why it has none.

    `content_type` is the HTTP header's value; `fetched_at` resolves relative times such as 3天前; `restore` fills
    in words that the site's own filter cut out, where the evidence supports it.
    """
    site = site or Site()
    decoded = decode(body, content_type, hint=site.charset)
    if isinstance(decoded, Rejected):
        return decoded
    read = _read(decoded, content_type, url, fetched_at, site, restore=restore)
    if read.repaired is None:
        return _rejected(f"{read.page.kind}-page", _WHY_NO_ARTICLE[read.page.kind], decoded)
    page, lines, page_text, repaired = read.page, read.lines, read.text, read.repaired
    if (share := damage_share(repaired.text)) > MAX_DAMAGE_SHARE:
        return _rejected("damaged", f"{share:.0%} of its text is irreversibly damaged", decoded, repaired.findings)
    texts = repaired.text.split("\n")
    if _is_html(decoded.text, content_type):
        roles = [block.role for block in lines]
        told = Metadata() if read.mended else _repaired_bylines(lines, texts, fetched_at)
    else:
        roles, told = _outlined(lines, texts, fetched_at)
    title = _first(texts, roles, "title")
    stripped = strip(repaired.text, roles, title=title, profile=site.profile)
    normalized = normalize(stripped.edited.text)
    if not normalized.text:
        return _rejected("no-article", "nothing is left of it after stripping", decoded)
    simplified = simplify(normalized.text)
    found = (*repaired.findings, *stripped.edited.findings, *normalized.findings, *simplified.findings)
    meta = _fields(page.meta, texts, lines, told, stripped, title)
    return _cleaned(simplified.text, normalized.text, page_text, decoded, meta, stripped, share, found)


_WHY_NO_ARTICLE = {
    "list": "it is a page of links to articles, not an article",
    "junk": "there is no article in it (an error, search, login or empty page)",
}


def _rejected(reason: str, detail: str, decoded: Decoded, findings: tuple[Finding, ...] = ()) -> Rejected:
    return Rejected(reason, detail, decoded.encoding, decoded.evidence, findings)


class _Read(NamedTuple):
    """A page's lines, as text before and after repair, which is None where they are no article's.

    `mended` says that they were chosen in the page as it was before it was damaged.
    """

    page: Extracted
    lines: tuple[Block, ...]
    text: str
    repaired: Edited | None
    mended: bool = False


def _read(
    decoded: Decoded,
    content_type: str | None,
    url: str | None,
    fetched_at: datetime | None,
    site: Site,
    *,
    restore: bool,
) -> _Read:
    """Return the page's lines; where their damage hides what they are, as `cleaning.mend` lets them be told."""
    html = _is_html(decoded.text, content_type)

    def take(text: str, utf8: bytes | None = None) -> tuple[Extracted, tuple[Block, ...]]:
        page = read_page(text, content_type, url=url, selectors=site.selectors, fetched_at=fetched_at, utf8=utf8)
        return page, _with_fields(page)

    def read(page: Extracted, lines: tuple[Block, ...], source: Mended | None = None) -> _Read:
        undone = None
        if source is not None:
            stood = [source.as_it_stood(block.text) for block in lines]
            lines = tuple(block._replace(text=line.text) for block, line in zip(lines, stood, strict=True))
            undone = edit(*joined(stood, "\n"))
        whole = "\n".join(block.text for block in lines)
        if page.kind != "article":
            return _Read(page, lines, whole, None)
        quotes = site.profile.quotes if site.profile else ()
        mended = partial(repair, whole, restore=restore, siblings=quotes, decoded=undone)
        repaired = mended(table=site.table)
        if site.table is None and html and _READING.search(repaired.text):
            # One insertion in a short article says little; the page's other lines may say whose work it is.
            table = source.learn_table() if source else learn_table(texts_of(decoded.text))
            repaired = mended(table=table) if table else repaired
        return _Read(page, lines, whole, repaired, source is not None)

    def mend() -> _Read | None:
        source = Mended(decoded.text, site.table)
        return None if source.html == decoded.text else read(*take(source.html), source)

    page, lines = take(decoded.text, decoded.utf8)
    shown = "\n".join(block.text for block in lines)
    suspected = html and (_READING.search(shown) is not None or is_damaged(shown))
    if suspected and (mended := mend()) is not None:
        return mended
    found = read(page, lines)
    if html and not suspected and found.repaired is not None and is_injected(found.repaired.findings):
        return mend() or found
    return found


def _is_html(text: str, content_type: str | None) -> bool:
    """Whether `text` is markup: as its type says, and by its first tags where nothing is said."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == "text/plain":
        return False
    if kind in ("text/html", "application/xhtml+xml", "application/xml", "text/xml"):
        return True
    return bool(_MARKUP.search(text[:20_000]))


def read_page(
    text: str,
    content_type: str | None = None,
    *,
    url: str | None = None,
    selectors: Selectors | None = None,
    fetched_at: datetime | None = None,
    utf8: bytes | None = None,
) -> Extracted:
    """Return the page's lines: by extraction for markup, every non-empty line for plain text; `utf8` as for `extract`."""
    if _is_html(text, content_type):
        return extract(text, url=url, selectors=selectors, fetched_at=fetched_at, utf8=utf8)
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    blocks = tuple(Block(line, "paragraph") for line in lines if line)
    return Extracted("article" if blocks else "junk", blocks)  # blanks that are not ASCII are no text either


def _with_fields(page: Extracted) -> tuple[Block, ...]:
    """Return the page's lines, its stated fields before them.

    A title that only <title> holds is damaged as its page is: as a line of the page it is repaired with it.
    """
    meta = page.meta
    stated: list[Block] = []
    if meta.title:
        stated.append(Block(_one_line(meta.title), "title"))
    stated += [Block(_one_line(value), "byline") for value in (meta.author, meta.category, meta.source) if value]
    return (*stated, *page.blocks)


def _one_line(value: str) -> str:
    return " ".join(value.split())


def _outlined(
    lines: Sequence[Block], texts: Sequence[str], fetched_at: datetime | None
) -> tuple[list[Role], Metadata]:
    """Return each line's role in a plain text, and the fields that its lines state."""
    roles = [block.role for block in lines]
    found = outline.find(texts)
    if len({*found.title_lines, *found.byline_lines}) == len(roles):
        # A snippet of one line is its text, not a title without one.
        return roles, Metadata()
    for index in found.title_lines:
        roles[index] = "title"
    for index in found.byline_lines:
        roles[index] = "byline"
    # The outline knows no clock: relative times such as 3天前 are resolved here.
    dated = (parse_byline(texts[index], fetched_at) for index in found.byline_lines)
    return roles, merge(found.fields, *(fields for fields in dated if fields is not None))


def _repaired_bylines(lines: Sequence[Block], texts: Sequence[str], fetched_at: datetime | None) -> Metadata:
    """Return what the bylines say that repair changed: extraction could not read their labels, and called some `nav`."""
    changed = (
        parse_byline(line, fetched_at)
        for block, line in zip(lines, texts, strict=True)
        if line != block.text and block.role in ("byline", "nav")
    )
    return merge(*(found for found in changed if found is not None))


def _first(texts: Sequence[str], roles: Sequence[Role], role: Role) -> str | None:
    for line, held in zip(texts, roles, strict=True):
        if held == role and line.strip():
            return line.strip()
    return None


def _fields(
    meta: Metadata,
    texts: Sequence[str],
    lines: Sequence[Block],
    told: Metadata,
    stripped: Stripped,
    title: str | None,
) -> Metadata:
    """Return the page's fields, repaired and simplified: read from lines after repair, stated by it, met by strip."""
    mended = {block.text: line for block, line in zip(lines, texts, strict=True) if block.role in FIELD_ROLES}

    def pick(name: str) -> str | None:
        stated = getattr(meta, name)
        value = getattr(told, name) or (mended.get(_one_line(stated), stated) if stated else None)
        value = value or getattr(stripped.fields, name)
        return to_simplified(normalize(value).text) or None if value else None

    return Metadata(
        title=to_simplified(normalize(title).text) if title else None,
        author=pick("author"),
        published=told.published or meta.published or stripped.fields.published,
        category=pick("category"),
        source=pick("source"),
        counters={**stripped.fields.counters, **told.counters, **meta.counters},
    )


def _cleaned(
    text: str,
    text_source: str,
    page_text: str,
    decoded: Decoded,
    meta: Metadata,
    stripped: Stripped,
    damaged: float,
    findings: tuple[Finding, ...],
) -> Cleaned:
    return Cleaned(
        text=text,
        text_source=text_source,
        page_text=page_text,
        script=detect(text_source),
        encoding=decoded.encoding,
        encoding_evidence=decoded.evidence,
        title=meta.title,
        author=meta.author,
        published=meta.published,
        category=meta.category,
        origin=meta.source,
        counters=meta.counters,
        contacts=stripped.contacts
        or tuple(found for found in find_contacts(text_source) if found.kind != "hotline"),
        lenders=tuple(find_lenders(text, meta.title)),
        topics=tuple(find_topics(text, meta.title)),
        relevance=relevance_score(text, meta.title),
        quality=quality(text, damage_share=damaged),
        findings=findings,
    )


def to_dict(result: Cleaned | Rejected, *, source: str, url: str | None) -> dict[str, Any]:
    """Return what `yuqi clean` prints for one input: the same keys whether it is an article or a rejection."""
    head = {"source": source, "status": "ok", "reason": None, "url": url}
    if isinstance(result, Rejected):
        head |= {"status": "rejected", "reason": result.reason, "detail": result.detail}
        nothing = dict.fromkeys(("title", "author", "published", "category", "text", "text_source", "script"))
        empty: dict[str, Any] = {"contacts": [], "lenders": [], "topics": [], "quality": {}}
        told = {"encoding": result.encoding, "encoding_evidence": result.encoding_evidence}
        return {**head, **nothing, **told, **empty, "findings": findings_as_dicts(result.findings)}
    return {
        **head,
        "title": result.title,
        "author": result.author,
        "published": result.published,
        "category": result.category,
        "text": result.text,
        "text_source": result.text_source,
        "script": result.script,
        "encoding": result.encoding,
        "encoding_evidence": result.encoding_evidence,
        "contacts": [{"kind": contact.kind, "value": contact.value} for contact in _unique(result.contacts)],
        "lenders": list(result.lenders),
        "topics": list(result.topics),
        "quality": result.quality,
        "findings": findings_as_dicts(result.findings),
    }


def _unique(contacts: Sequence[Contact]) -> list[Contact]:
    """Return one contact for each kind and value, in order of first appearance."""
    return list({(contact.kind, contact.value): contact for contact in reversed(contacts)}.values())[::-1]


def findings_as_dicts(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as JSON objects."""
    return [finding._asdict() for finding in findings]
