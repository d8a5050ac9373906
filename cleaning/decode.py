"""bytes -> text: which encoding a page is really in, and what says so.

What a page declares is evidence, not proof: `gb2312` is declared over GBK, UTF-8 and Big5 alike. The bytes decide
between UTF-8, GB18030 and Big5-HKSCS by how much of them decodes and how much of that is common Chinese; the
declaration settles what the bytes leave open. chardet is asked when none of the three reads as Chinese.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from functools import cache

import chardet
import numpy as np
import numpy.typing as npt
from bs4.dammit import EncodingDetector

from cleaning.findings import Rejected
from cleaning.marks import INVALID_BYTE_BASE as INVALID_BYTE_BASE
from cleaning.native import available

_NATIVE = available("_page")

MAX_BODY_BYTES = 20_000_000
"""Larger bodies are rejected: the longest article page seen was 0.5 MB, and a parser needs ten times the bytes."""

ENCODINGS = ("utf-8", "gb18030", "big5hkscs")
"""The codecs that Chinese pages are read with: GB18030 holds GB2312 and GBK, Big5-HKSCS holds Big5."""

SAMPLE_BYTES = 24_000
"""How many bytes around non-ASCII text are scored; more changed no answer on 26 real pages in three encodings."""

MAX_INVALID_SHARE = 0.3
"""A text with more undecodable bytes than this (of its non-ASCII bytes) is not text in that encoding."""

MIN_GUESS_CONFIDENCE = 0.1
"""chardet 7 answers noise with confidences up to .07, and short Cyrillic, Greek or Latin text from .1."""

MOST_SCORE = 1.0
FIT = 0.35
"""The best score that there is, and the least of a reading that is Chinese: a sixth of it at most is undecodable then."""

MOST_BEHIND = 0.08
"""How far the score of a declared encoding may be behind the best one's."""

SHORT_SAMPLE = 40
"""Below this many bytes a score rests on too few characters to tell damage from noise."""

SURE_SNIPPET = 0.75
"""Score from which a few bytes that are valid UTF-8 are Chinese in another encoding all the same: nearly all common."""

_ALIASES = {
    "gb2312": "gb18030", "gb_2312-80": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "cp936": "gb18030",
    "ms936": "gb18030", "x-gbk": "gb18030", "hz-gb-2312": "hz", "euc-cn": "gb18030", "euccn": "gb18030",
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "big5hkscs": "big5hkscs", "cp950": "big5hkscs", "x-x-big5": "big5hkscs",
    "utf8": "utf-8", "utf-8": "utf-8", "utf-8-sig": "utf-8", "utf_8": "utf-8", "unicode-1-1-utf-8": "utf-8",
    "iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252",
}  # fmt: skip
"""WHATWG labels of the encodings met here, and the superset each is read as (Encoding Standard, section 4.2)."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"), (b"GIF8", "a GIF image"),
    (b"%PDF-", "a PDF file"), (b"PK\x03\x04", "a ZIP archive or Office file"), (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"), (b"\xfd7zXZ\x00", "xz data"), (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"Rar!\x1a\x07", "a RAR archive"), (b"7z\xbc\xaf\x27\x1c", "a 7z archive"), (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "a SQLite file"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office file"),
    (b"ID3", "an MP3 file"), (b"OggS", "an Ogg file"), (b"wOFF", "a font"), (b"wOF2", "a font"),
)  # fmt: skip
"""First bytes of the binary formats that turn up under an .html name."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL_BYTES = bytes(byte for byte in range(0x20) if byte not in b"\t\n\r\f\x1b")
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A page's text, the encoding it was read with, and what decided for it; `utf8` is the text in UTF-8, where at hand."""

    text: str
    encoding: str
    evidence: str
    utf8: bytes | None = field(default=None, repr=False, compare=False)


def decode(body: bytes, content_type: str | None = None, *, hint: str | None = None) -> Decoded | Rejected:
    """Return the text of `body`, or why it has none.

    `content_type` is the HTTP header's value; `hint` is the charset that a site's declaration gives.
    """
    refused = _refuse(body)
    if refused is not None:
        return refused
    for bom, name in _BOMS:
        if body.startswith(bom):
            return Decoded(body[len(bom) :].decode(name, "replace"), name, "byte order mark")
    if _looks_utf16(body):
        name = "utf-16-le" if body[1] == 0 else "utf-16-be"
        return Decoded(body.decode(name, "replace"), name, "every other byte is NUL")
    if body.isascii():
        return Decoded(body.decode("ascii"), "utf-8", "only ASCII bytes", body)
    return _decide(body, _declared(body, content_type, hint))


def _refuse(body: bytes) -> Rejected | None:
    if not body or body.isspace():
        return Rejected("empty", "there is nothing in it")
    if len(body) > MAX_BODY_BYTES:
        size = f"{len(body) / 1e6:.1f} MB"
        return Rejected(
            "too-large", f"{size} is over the limit of {MAX_BODY_BYTES / 1e6:.0f} MB for one page; split it"
        )
    for magic, name in _MAGIC:
        if body.startswith(magic):
            return Rejected("not-text", f"it is {name}, not a page")
    head = body[:4096]
    if _looks_utf16(body) or body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        return None
    if head.count(0) * 20 > len(head):
        return Rejected("not-text", "it is binary data (many NUL bytes), not a page")
    if len(head.translate(None, _CONTROL_BYTES)) < 0.97 * len(head):
        return Rejected("not-text", "it is binary data (many control bytes), not a page")
    return None


def _looks_utf16(body: bytes) -> bool:
    """Whether markup in UTF-16 without a byte order mark: nearly every other byte of the head is NUL."""
    head = body[:64]
    if len(head) < 8 or head.count(0) < len(head) * 0.4:
        return False
    return head[1::2].count(0) > 0.8 * len(head[1::2]) or head[0::2].count(0) > 0.8 * len(head[0::2])


def _declared(body: bytes, content_type: str | None, hint: str | None) -> list[tuple[str, str]]:
    """Return (codec, where it is declared), strongest first; labels without a codec are left out."""
    found: list[tuple[str, str]] = []
    header = _HEADER_CHARSET.search(content_type or "")
    in_page = EncodingDetector.find_declared_encoding(body[:20_000], is_html=True, search_entire_document=True)
    for label, where in ((hint, "site"), (header.group(1) if header else None, "header"), (in_page, "meta")):
        codec = codec_of(label) if label else None
        if codec:
            found.append((codec, f"{where} {str(label).lower()}"))
    return found


def codec_of(label: str) -> str | None:
    """Return the Python codec that a charset label is read with, None for a label that names no text codec."""
    name = label.strip().lower()
    if name in _ALIASES:
        return _ALIASES[name]
    try:
        # A codec such as base64 or rot13 maps no bytes to text, and bytes.decode refuses it with LookupError.
        b"a".decode(name)
    except UnicodeError:
        pass  # a text codec that "a" alone is too short for, as UTF-16
    except (LookupError, ValueError):
        return None
    return codecs.lookup(name).name


def _decide(body: bytes, declared: list[tuple[str, str]]) -> Decoded | Rejected:
    strict = _strict_utf8(body)
    if strict is not None and not _by_chance(strict, declared):
        return Decoded(strict, "utf-8", _evidence("valid UTF-8", "utf-8", declared), body)
    sample = _sample(body)
    codec, where = next(((codec, where) for codec, where in declared if codec in ENCODINGS), ("", ""))
    if strict is None and codec and (fit := score(sample, codec)) >= MOST_SCORE - MOST_BEHIND:
        return _read(body, codec, f"{where}, and the bytes fit ({fit:.2f})")  # no other can read clearly better
    scores = {codec: score(sample, codec) for codec in ENCODINGS}
    best = max(ENCODINGS, key=lambda codec: scores[codec])
    if strict is not None and scores[best] < SURE_SNIPPET:
        return Decoded(strict, "utf-8", _evidence("valid UTF-8", "utf-8", declared), body)
    for codec, where in declared:
        # The declaration stands when the bytes fit it and no other encoding reads clearly better.
        if codec in scores and scores[codec] > FIT and scores[codec] >= scores[best] - MOST_BEHIND:
            return _read(body, codec, f"{where}, and the bytes fit ({scores[codec]:.2f})")
    if scores[best] > FIT:
        detail = ", ".join(f"{codec} {scores[codec]:.2f}" for codec in ENCODINGS)
        return _read(body, best, _evidence(f"bytes score {detail}", best, declared))
    return _not_chinese(body, sample, declared, scores)


def _evidence(what: str, codec: str, declared: list[tuple[str, str]]) -> str:
    """Return `what`, with the declarations it agrees with or overrules."""
    agree = [where for name, where in declared if name == codec]
    against = [where for name, where in declared if name != codec]
    told = [f"as declared ({', '.join(agree)})"] if agree else []
    told += [f"against {', '.join(against)}"] if against else []
    return "; ".join([what, *told])


def _not_chinese(
    body: bytes, sample: bytes, declared: list[tuple[str, str]], scores: dict[str, float]
) -> Decoded | Rejected:
    """Read a text in which no Chinese encoding makes sense: by its declaration, else as chardet says."""
    for codec, where in declared:
        if codec not in scores or scores[codec] > -0.5:
            reading = _read_checked(body, sample, codec, where)
            if isinstance(reading, Decoded):
                return reading
    guess = chardet.detect(sample)
    guessed = codec_of(guess["encoding"] or "")
    if guessed is not None and guess["confidence"] >= MIN_GUESS_CONFIDENCE:
        return _read_checked(body, sample, guessed, f"chardet {guess['encoding']} ({guess['confidence']:.2f})")
    best = max(ENCODINGS, key=lambda codec: scores[codec])
    # A snippet with one damaged byte scores low though it is plainly Chinese; random bytes of a page's length don't.
    if scores[best] > (-0.4 if len(sample) < SHORT_SAMPLE else 0.3):
        return _read_checked(body, sample, best, f"the best of poor scores ({best} {scores[best]:.2f})")
    return Rejected("undecodable", "its bytes are text in no encoding known here")


_THREE_BYTES = re.compile("[\u0800-\U0010ffff]")
_FOREIGN = re.compile("[^\x00-\x7f]")
_WORD = re.compile("[A-Za-z0-9]")


def _by_chance(text: str, declared: list[tuple[str, str]]) -> bool:
    """Whether bytes that are valid UTF-8, as `text`, may yet be a few Chinese characters of another encoding.

    The only GBK or Big5 text that is valid UTF-8 throughout is made of two-byte sequences (\u8054\u901a is the famous
    one), so one character from U+0800 on settles it, and so do eight of any kind.
    """
    if any(codec == "utf-8" for codec, _ in declared) or _THREE_BYTES.search(text):
        return False
    foreign = _FOREIGN.findall(text)
    if len(foreign) >= 8:
        return False
    # Letters of one word stand beside it: caf\u00e9 is no GBK. Chinese in GBK would be all there is on its line.
    if _WORD.search(text):
        return False
    return len(foreign) % 2 == 0


def _strict_utf8(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _sample(body: bytes) -> bytes:
    """Return non-ASCII stretches of `body`, about SAMPLE_BYTES from its head, middle and tail.

    A stretch ends at markup, so that the sample is text; the whole body is looked at, as pages of scripts hold
    their first Chinese beyond the window that detectors read.
    """
    if len(body) <= SAMPLE_BYTES:
        windows = [body]
    else:
        third = SAMPLE_BYTES // 3
        start = _first_foreign(body, 0)
        middle = _first_foreign(body, (start + len(body)) // 2)
        windows = [body[start : start + third], body[middle : middle + third], body[-third:]]
    stretches = _stretches if _NATIVE is None else _NATIVE.stretches
    return b"\n".join(stretches(window, LONGEST_STRETCH) for window in windows)


LONGEST_STRETCH = 400
"""Bytes of one line that are looked at in one piece: a line of text is no longer."""


def _stretches(window: bytes, longest: int) -> bytes:
    """Return the stretches of a window that begin with a byte above ASCII, joined by line breaks."""
    return b"\n".join(re.findall(rb"[\x80-\xff][^<>\r\n]{0,%d}" % longest, window))


def _first_foreign(body: bytes, at: int) -> int:
    """Return where the first non-ASCII byte at or after `at` stands, `at` when there is none."""
    return at + int((np.frombuffer(body, dtype=np.uint8)[at:] >= 0x80).argmax())


@cache
def _weights() -> npt.NDArray[np.float32]:
    """Return the weight of every code point of the basic plane in `score`.

    The common characters are GB2312 level 1 (rows B0-D7) and Big5 level 1 (rows A4-C6), those standards'
    frequently used ones, and Chinese punctuation.
    """
    simplified = bytes(b for lead in range(0xB0, 0xD8) for trail in range(0xA1, 0xFF) for b in (lead, trail))
    trails = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    traditional = bytes(b for lead in range(0xA4, 0xC7) for trail in trails for b in (lead, trail))
    chars = simplified.decode("gb2312", "ignore") + traditional.decode("big5", "ignore")
    table = np.full(0x10000, -0.5, dtype=np.float32)
    table[0x3400:0xA000] = 0.0
    table[[ord(char) for char in chars if "\u4e00" <= char <= "\u9fff"]] = 1.0
    table[[ord(char) for char in "，。、；：？！（）《》“”‘’【】—…·％"]] = 1.0
    table[0xFFFD] = -3.0
    return table


def score(sample: bytes, codec: str) -> float:
    """Return how much `sample` reads as Chinese in `codec`: 1 all common characters, below 0 mostly errors.

    The mean over non-ASCII characters: 1 for a common one, 0 for another Han character, -0.5 for anything else,
    -3 for an undecodable byte: a right reading has next to none of those, a wrong one has one in ten.
    """
    if _NATIVE is None or codec not in _TWO_BYTES:
        total, count = _weigh(sample.decode(codec, "replace"))
    else:
        doubled, count, others = _NATIVE.score(sample, _pairs(codec), _doubled_weights())
        total = doubled / 2
        if others:
            # Breaks enough that no line's end looks for the rest of a character in the next line.
            rest = b"".join(line + b"\n\n\n" if line.endswith(b"\n") else line for line in others)
            weight, found = _weigh(rest.decode(codec, "replace"))
            total, count = total + weight, count + found
    return total / count if count else 0.0


def _weigh(text: str) -> tuple[float, int]:
    """Return the weight of a text's characters above ASCII, and how many they are."""
    codes = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32)
    codes = codes[codes >= 0x80]
    basic = codes[codes < 0x10000]
    return float(_weights()[basic].sum()) - 0.5 * (codes.size - basic.size), codes.size


@cache
def _doubled_weights() -> bytes:
    """Return `_weights`, doubled, as signed bytes: all are multiples of a half, so their sums are exact."""
    return (2 * _weights()).astype(np.int8).tobytes()


def _mark_invalid(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: keep each undecodable byte as its marker; 0x80 is the euro sign in CP936."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    euro = error.encoding in ("gb18030", "gbk")
    marks = (
        "\N{EURO SIGN}" if euro and byte == 0x80 else chr(INVALID_BYTE_BASE + byte)
        for byte in error.object[error.start : error.end]
    )
    return "".join(marks), error.end


codecs.register_error("yuqi.mark-invalid", _mark_invalid)


def _read_checked(body: bytes, sample: bytes, codec: str, evidence: str) -> Decoded | Rejected:
    """Return `body` read with `codec`; Rejected when too much of its sample is undecodable."""
    probe = sample.decode(codec, "replace")
    foreign = len(probe) - len(probe.encode("ascii", "ignore"))
    if foreign >= SHORT_SAMPLE and probe.count("\ufffd") > MAX_INVALID_SHARE * foreign:
        return Rejected(
            "undecodable", f"most of its bytes are not text in {codec}, nor in any other encoding tried"
        )
    return _read(body, codec, evidence)


def _read(body: bytes, codec: str, evidence: str) -> Decoded:
    """Return `body` read with `codec`, undecodable bytes marked."""
    text = _NATIVE.two_bytes(body, _pairs(codec)) if _NATIVE is not None and codec in _TWO_BYTES else None
    return Decoded(body.decode(codec, "yuqi.mark-invalid") if text is None else text, codec, evidence)


_TWO_BYTES = frozenset({"gb18030", "big5hkscs"})
"""Codecs of which nearly every text is ASCII and pairs of bytes: five times as fast by a table as by Python's codec."""


@cache
def _pairs(codec: str) -> bytes:
    """Return the character of each pair of bytes, as 65,536 native 16-bit integers: 0 for none, several, or a higher one."""
    table = np.zeros(0x10000, dtype=np.uint16)
    for lead in range(0x81, 0xFF):
        for trail in range(0x40, 0xFF):
            read = bytes((lead, trail)).decode(codec, "ignore")
            if len(read) == 1 and "\x7f" < read <= "\uffff":
                table[lead << 8 | trail] = ord(read)
    return table.tobytes()
