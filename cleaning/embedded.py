"""Articles that a page carries without showing them: in a script's string, an attribute with its state, a template."""

from __future__ import annotations

import html as html_entities
import itertools
import re
from datetime import datetime
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser

from cleaning.dates import CHINA

MAX_SCRIPT = 3_000_000
"""Characters of one script that are searched."""

MIN_ARTICLE = 80
"""Chinese characters that a string must hold to be an article."""

_STRING = re.compile(r'"((?:[^"\\\n]|\\.){8,})"' + r"|'((?:[^'\\\n]|\\.){8,})'")
_KEY = re.compile(
    r"[\"']?(content|contents|text|body|html|article|articlebody|contenthtml|content_html|articlecontent|article_content|"
    r"desc|description|detail|newscontent|rawcontent|data|value|noencode)[\"']?\s{0,3}[:=]\s{0,3}$",
    re.IGNORECASE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_SIMPLE = {"n": "\n", "r": "\n", "t": " ", "b": "", "f": " ", "v": " ", "0": ""}
_HAN = re.compile("[㐀-鿿]")
_STOP = re.compile("[。！？]")
_TAG = re.compile(r"<[a-zA-Z/][^<>]*>")


def unescape_script(text: str) -> str:
    r"""Return a script's string literal as text (`\u4f60`, `\x3c`, `\n`; a surrogate pair becomes its character)."""

    def replace(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        if code:
            return chr(int(code, 16))
        return _SIMPLE.get(match[3], match[3])

    plain = _ESCAPE.sub(replace, text)
    if any("\ud800" <= character <= "\udfff" for character in plain):
        return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return plain


def may_carry(html: str) -> bool:
    """Say whether a page has anything that `carried` returns, as far as its text tells."""
    lowered = html.lower()
    return any(sign in lowered for sign in _SIGNS)


def carried(tree: LexborHTMLParser) -> list[str]:
    """Return what a page carries for its scripts: their own text, state in attributes, templates and text areas."""
    found = [node.text() for node in tree.css(_CARRIERS)]
    for node in tree.css(",".join(f"[{name}]" for name in _STATE_ATTRIBUTES)):
        attributes = node.attributes
        found += [value for name in _STATE_ATTRIBUTES if (value := attributes.get(name)) and "{" in value]
    return [unquote(text) if "%7B%22" in text[:80] else text for text in found]


MIN_WHOLE = 200
MIN_TAGS = 4
"""Chinese characters and tags of an article that stands in the scripts of a page which shows links."""

_PLACEHOLDER = re.compile(r"\{\{|<%|\$\{")
"""What a template holds in the place of text."""

_CARRIERS = "script:not([src]),textarea"
_STATE_ATTRIBUTES = ("data-page", "data-props", "data-state", "data-initial-state", "data-json", "data-content")
_SIGNS = ("<script", "<textarea", *_STATE_ATTRIBUTES)


def find_article(carriers: list[str], *, whole: bool = False) -> str | None:
    """Return the HTML of the article that a page's scripts and templates hold, None when nothing reads like one.

    Strings are judged by their Chinese characters and stops, under a telling key or with tags in them; the pieces of one
    list (`items` of `{"type":"text","data":...}`) are joined in order. With `whole` only one string with paragraphs in it
    counts: a list of articles has their summaries in its scripts.
    """
    best: tuple[int, str] = (0, "")
    for carrier in carriers:
        if len(carrier) > MAX_SCRIPT or len(carrier) < MIN_ARTICLE:
            continue
        if carrier.lstrip().startswith("<"):
            if not _PLACEHOLDER.search(carrier):
                best = max(best, (_weight(carrier), carrier))
            continue
        pieces = _pieces(carrier)
        together = "\n".join(piece for _, piece in pieces)
        single = max((piece for _, piece in pieces), key=_weight, default="")
        # A whole article in one string beats the sum of unlike strings; short like pieces make one article together.
        chosen = single if whole or _weight(single) * 2 > _weight(together) else _same_key(pieces)
        best = max(best, (_weight(chosen), chosen))
    weight, article = best
    if weight < MIN_ARTICLE or not _STOP.search(article):
        return None
    if whole and (weight < MIN_WHOLE or len(_TAG.findall(article)) < MIN_TAGS):
        return None
    return article if _TAG.search(article) else article.replace("\n", "<br>")


_FIELD_KEYS = {
    "title": "articleTitle|article_title|newsTitle|news_title|title",
    "author": "authorName|author_name|author|nickName|nick_name|nickname|screen_name|userName",
    "source": "mediaName|media_name|sourceName|source_name|source|media",
    "published": "publishTime|publish_time|publishedAt|published_at|publishDate|publish_date|pubTime|pub_time|pubtime|ptime"
    "|datePublished|releaseTime|release_time|postTime|post_time|display_time|createTime|create_time|createdAt|created_at|ctime",
}
_FIELD = re.compile(
    r"(?<![\w])[\"']?(?:"
    + "|".join(f"(?P<{field}>{keys})" for field, keys in _FIELD_KEYS.items())
    + r")[\"']?\s{0,3}:\s{0,3}(?:\"(?P<text>(?:[^\"\\\n]|\\.){1,120})\"|(?P<stamp>\d{13}|\d{10})(?!\d))"
)
MAX_FIELDS = 2000
"""Fields of a page's state that are looked at: the article's own stand near its text, comments' come later."""


def find_fields(scripts: list[str], article: str) -> dict[str, str]:
    """Return what the script that holds `article` states: `title author source published`, the first of each.

    A time in seconds or milliseconds since 1970 becomes ISO 8601 in China's zone; other text is as it stands.
    """
    begins = _first_han(article)
    for script in scripts:
        if len(script) > MAX_SCRIPT or begins not in unescape_script(script):
            continue
        fields: dict[str, str] = {}
        for match in itertools.islice(_FIELD.finditer(script), MAX_FIELDS):
            field = next(name for name in _FIELD_KEYS if match[name])
            if match["text"]:
                fields.setdefault(field, unescape_script(match["text"]))
            elif field == "published":
                fields.setdefault(field, _moment(int(match["stamp"])))
        return fields
    return {}


def _first_han(text: str) -> str:
    """Return the first run of Chinese in a text, 12 characters at most."""
    match = _HAN_RUN.search(text)
    return match[0] if match else text[:12]


_HAN_RUN = re.compile("[㐀-鿿]{4,12}")


def _moment(stamp: int) -> str:
    seconds = stamp // 1000 if stamp >= 10**12 else stamp
    return datetime.fromtimestamp(seconds, CHINA).isoformat()


def _pieces(script: str, *, nested: bool = False) -> list[tuple[str, str]]:
    """Return the Chinese strings of a script with their keys, unescaped; a string that is itself a script is looked into.

    A string under no telling key counts when it is HTML.
    """
    found: list[tuple[str, str]] = []
    for match in _STRING.finditer(script):
        key = _KEY.search(script, max(0, match.start() - 40), match.start())
        if key is None and match.end() - match.start() < MIN_ARTICLE:
            continue
        text = html_entities.unescape(unescape_script(match[1] or match[2]))
        if not nested and _STATE.search(text):
            found += _pieces(text, nested=True)
        elif (key is not None and _HAN.search(text)) or (_TAG.search(text) and _weight(text) >= MIN_ARTICLE):
            found.append((key[1].lower() if key else "", text))
    return found


_STATE = re.compile(r"""["']\w{2,30}["']\s?:\s?["'{\[]""")
"""How a key begins its value in JSON: the sign of a string that holds a state of its own."""


def _same_key(pieces: list[tuple[str, str]]) -> str:
    """Return the pieces of the key that holds most, joined in order."""
    by_key: dict[str, list[str]] = {}
    for key, text in pieces:
        by_key.setdefault(key, []).append(text)
    return max(("\n".join(dict.fromkeys(texts)) for texts in by_key.values()), key=_weight, default="")


def _weight(text: str) -> int:
    return len(_HAN.findall(text))
