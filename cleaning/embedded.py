"""Articles that stand only in a page's scripts: as a JSON string, or as escaped HTML in an assignment."""

from __future__ import annotations

import html as html_entities
import itertools
import re
from datetime import datetime

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


def find_article(scripts: list[str]) -> str | None:
    """Return the HTML of the article that the page's scripts hold, None when no string reads like one.

    Strings under a telling key are judged by their Chinese characters and stops; the pieces of one list (`items` of
    `{"type":"text","data":...}`) are joined in order.
    """
    best: tuple[int, str] = (0, "")
    for script in scripts:
        if len(script) > MAX_SCRIPT or len(script) < MIN_ARTICLE:
            continue
        pieces = _pieces(script)
        whole = "\n".join(piece for _, piece in pieces)
        single = max((piece for _, piece in pieces), key=_weight, default="")
        # A whole article in one string beats the sum of unlike strings; short like pieces make one article together.
        chosen = single if _weight(single) * 2 > _weight(whole) else _same_key(pieces)
        best = max(best, (_weight(chosen), chosen))
    weight, article = best
    if weight < MIN_ARTICLE or not _STOP.search(article):
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


def _pieces(script: str) -> list[tuple[str, str]]:
    """Return the Chinese strings of a script with their keys, unescaped."""
    found: list[tuple[str, str]] = []
    for match in _STRING.finditer(script):
        key = _KEY.search(script, max(0, match.start() - 40), match.start())
        if key is None:
            continue
        text = html_entities.unescape(unescape_script(match[1] or match[2]))
        if _HAN.search(text):
            found.append((key[1].lower(), text))
    return found


def _same_key(pieces: list[tuple[str, str]]) -> str:
    """Return the pieces of the key that holds most, joined in order."""
    by_key: dict[str, list[str]] = {}
    for key, text in pieces:
        by_key.setdefault(key, []).append(text)
    return max(("\n".join(dict.fromkeys(texts)) for texts in by_key.values()), key=_weight, default="")


def _weight(text: str) -> int:
    return len(_HAN.findall(text))
