"""Decoder chains: what a reader with the wrong decoder sees of some bytes, and which bytes a seen character was.

One step of damage is "the bytes of encoding W, read with decoder R"; a chain is several of them. Both directions are
here. Forward, `damage` and `read` model the decoders found in the wild exactly, losses included. Backward, `sources`
gives the byte strings that one seen character can have come from; `solve` puts them together.

The byte arithmetic, by family of decoders:

* **latin**: every byte is one character. 0x80-0x9F show as C1 controls (ISO 8859-1) or as cp1252's specials; the five
  bytes that cp1252 leaves out show as controls (WHATWG), U+FFFD, `?` or nothing. 0xA0 often became a blank later.
* **hybrid**: pieces that happen to be valid UTF-8 were decoded as UTF-8, every other byte as cp1252: D6 A4, the GBK
  bytes of U+8BC1, shows as U+05A4.
* **gbk**: two bytes a character, GB18030's four-byte forms, private use for user-defined pairs. UTF-8 has three bytes
  for a Han character: a run of odd length loses its last byte or takes the ASCII letter after it in. A lone 0x80 is
  lost too, or the euro sign in Windows' cp936.
* **big5**: a pair that Big5 leaves unassigned (C7 and C8 lead many GBK characters) loses its first byte, and what
  follows is read shifted by one until the next loss or ASCII.
"""

from __future__ import annotations

from functools import cache, cached_property, lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cleaning.marks import INVALID_BYTE_BASE as INVALID_BYTE_BASE
from cleaning.native import available

NATIVE = available("_streams")

Reader = Literal["latin-1", "cp1252", "hybrid", "gbk", "cp936", "gb18030", "big5", "cp950", "big5hkscs"]
Family = Literal["latin", "hybrid", "gbk", "big5"]
Writer = Literal["utf-8", "gb18030", "big5hkscs"]


HOLE = "\N{REPLACEMENT CHARACTER}"
MARKER = "marker"
"""As `Step.lost`: bytes that don't decode are kept as this project's exact-byte markers."""

SPECIALS: dict[str, int] = {
    bytes([byte]).decode("cp1252"): byte
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
"""The 27 characters that cp1252 shows for bytes of 0x80-0x9F."""

CP1252_UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
"""Bytes that cp1252 leaves out: C1 controls to the WHATWG, an error to Python."""

READERS: dict[Family, tuple[Reader, ...]] = {
    "latin": ("latin-1", "cp1252"),
    "hybrid": ("hybrid",),
    "gbk": ("gbk", "cp936", "gb18030"),
    "big5": ("big5", "big5hkscs", "cp950"),
}
"""The decoders of each family, the likelier first."""

FAMILY: dict[Reader, Family] = {reader: family for family, readers in READERS.items() for reader in readers}
"""The family of each decoder."""


class Translation(dict[int, int | str]):
    """A table for `str.translate` in which a character that isn't listed is learned to stay: asking in vain is slow."""

    def __missing__(self, code: int) -> int:
        if code < 0x10000:
            self[code] = code
        return code

    @cached_property
    def by_byte(self) -> NDArray[np.uint32]:
        """What each of Python's escapes becomes, by byte; 0 for nothing."""
        shown = (self.get(_ESCAPED + byte, "") for byte in range(0x100))
        return np.array([ord(text) if isinstance(text, str) and text else 0 for text in shown], dtype=np.uint32)


_ESCAPED = 0xDC00  # Python's `surrogateescape` shows an undecodable byte as this plus the byte
_AS_CP1252 = Translation(
    {
        _ESCAPED + byte: chr(byte)
        if 0x80 <= byte < 0xA0 and byte in CP1252_UNDEFINED
        else bytes([byte]).decode("cp1252")
        for byte in range(0x80, 0x100)
    }
)
_CONTROLS = bytes(range(0x80, 0xA0))
_AS_MARKER = Translation({_ESCAPED + byte: chr(INVALID_BYTE_BASE + byte) for byte in range(0x80, 0x100)})


class Step(NamedTuple):
    """One wrong decoding: written as `written`, read as `reader`, a byte that doesn't decode shown as `lost`.

    `lost` is U+FFFD, `?`, nothing, or `MARKER`; ISO 8859-1 loses nothing, so there nothing means that C1 controls were
    taken out later. `blank` tells whether 0xA0 and 0x85 (no-break space, next line) became blanks afterwards.
    """

    written: Writer
    reader: Reader
    lost: str = HOLE
    blank: bool = False


Chain = tuple[Step, ...]
"""Steps in the order in which they damaged the text."""


@lru_cache(maxsize=256)
def describe(chain: Chain) -> str:
    """Return `chain` in words, for a finding's evidence."""
    return ", then ".join(f"{step.written} read as {step.reader}" for step in chain)


def damage(text: str, chain: Chain) -> str:
    """Return what `chain` makes of `text`: the forward model. A character that the encoding lacks becomes `?`."""
    for step in chain:
        text = read(text.encode(step.written, "replace"), step.reader, step.lost)
        if step.blank:
            text = blanked(text)
    return text


def blanked(text: str) -> str:
    """Return `text` as folding of white space leaves it."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\x85", " ")


def read(data: bytes, reader: Reader, lost: str = HOLE) -> str:
    """Return `data` as seen through `reader`, each byte that doesn't decode shown as `lost`."""
    if reader == "hybrid":
        return _with_escapes(data.decode("utf-8", "surrogateescape"), _AS_CP1252)
    if reader == "cp936":
        return _with_escapes(data.decode("gbk", "surrogateescape"), _as_cp936(lost))
    if lost == MARKER:
        shown = data.decode(reader, "surrogateescape")
        return _with_escapes(shown, _AS_CP1252 if reader == "cp1252" else _AS_MARKER)
    if lost == "":
        return data.translate(None, _CONTROLS if reader == "latin-1" else b"").decode(reader, "ignore")
    shown = data.decode(reader, "replace")
    return shown if lost == HOLE else shown.replace(HOLE, lost)


def _with_escapes(text: str, shown: Translation) -> str:
    """Return `text` with Python's escapes as `shown` says, a character or nothing for each."""
    return text.translate(shown) if NATIVE is None else NATIVE.escapes_shown(text, shown.by_byte)


@cache
def _as_cp936(lost: str) -> Translation:
    """Return what Windows' decoder of GBK writes for each byte that Python's escapes."""
    shown = {byte: chr(INVALID_BYTE_BASE + byte) if lost == MARKER else lost for byte in range(0x81, 0x100)}
    shown[0x80] = "\N{EURO SIGN}"
    return Translation({_ESCAPED + byte: text for byte, text in shown.items()})


@lru_cache(maxsize=4)
def has_markers(text: str) -> bool:
    """Tell whether `text` has this project's exact-byte markers; each way that is tried asks of the same span."""
    if len(text.encode("utf-16-le", "surrogatepass")) == 2 * len(text):
        return False  # nothing outside the BMP, which costs far less than a look at each character
    return max(text) > chr(INVALID_BYTE_BASE)


@lru_cache(maxsize=1 << 17)
def sources(character: str, family: Family) -> tuple[bytes, ...]:
    """Return the byte strings that `character` can stand for when read by `family`, the likelier first.

    ASCII stands for itself and a marker for its byte. Empty when no decoder of the family shows this character;
    what a lost byte may have been depends on its neighbours, so U+FFFD has no sources here.
    """
    code = ord(character)
    if code < 0x80:
        return (character.encode("ascii"),)
    if INVALID_BYTE_BASE < code <= INVALID_BYTE_BASE + 0xFF:
        return (bytes([code - INVALID_BYTE_BASE]),)
    if character == HOLE:
        return ()
    if family in ("latin", "hybrid"):
        return _single_sources(character, family)
    if family == "gbk":
        return _gbk_sources(character)
    found = (_encode(character, reader) for reader in READERS["big5"])
    return tuple(dict.fromkeys(data for data in found if data))


def _single_sources(character: str, family: Family) -> tuple[bytes, ...]:
    """Return the sources of a character read as one byte or, in a hybrid, as a piece of UTF-8."""
    code = ord(character)
    single = (bytes([code]),) if code < 0x100 else ()
    if character in SPECIALS:
        single = (bytes([SPECIALS[character]]),)
    if family == "latin":
        return single
    return (*single, character.encode("utf-8", "surrogatepass"))


def _gbk_sources(character: str) -> tuple[bytes, ...]:
    """Return the sources of a character read by a decoder of the GB family; cp936 shows 0x80 as the euro sign."""
    data = _encode(character, "gb18030")
    if character == "\N{EURO SIGN}":
        return (data, b"\x80")
    return (data,) if data else ()


def _encode(character: str, encoding: str) -> bytes:
    try:
        return character.encode(encoding)
    except UnicodeEncodeError:
        return b""


@cache
def pairs_table(encoding: str) -> list[str]:
    """Return what each pair of bytes is in a two-byte encoding, at `first << 8 | second`; empty where it is nothing.

    All pairs are decoded at once. A few of Big5-HKSCS are two characters.
    """
    shown = iter(_every_pair(encoding).split("\0"))
    table = [""] * 0x10000
    for first in range(0x81, 0xFF):
        row = [next(shown) for _ in range(0x40, 0x100)]
        table[first << 8 | 0x40 : (first + 1) << 8] = [
            "" if "\udc80" <= text[0] <= "\udcff" else text for text in row
        ]
    return table


@cache
def pair_points(encoding: str) -> tuple[NDArray[np.uint32], list[str]]:
    """Return the same as code points, 0 for nothing, and above all code points the number of a text of several."""
    shown = _every_pair(encoding)
    points = np.frombuffer(f"{shown}\0".encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    ends = np.flatnonzero(points == 0)
    starts = np.concatenate(([0], ends[:-1] + 1))
    found = points[starts]
    found[(found >= _ESCAPED) & (found < _ESCAPED + 0x100)] = 0
    several = np.flatnonzero((ends - starts > 1) & (found > 0))
    longer = sorted({shown[starts[place] : ends[place]] for place in several.tolist()})
    for place in several.tolist():
        found[place] = _BEYOND + longer.index(shown[starts[place] : ends[place]])
    table = np.zeros((0x100, 0x100), dtype=np.uint32)
    table[0x81:0xFF, 0x40:] = found.reshape(0xFF - 0x81, -1)
    return table.ravel(), longer


_BEYOND = 0x110000


def _every_pair(encoding: str) -> str:
    """Return all pairs of bytes that may be characters, decoded at once, with NULs between."""
    pairs = np.zeros((0xFF - 0x81, 0x100 - 0x40, 3), dtype=np.uint8)
    pairs[:, :, 0] = np.arange(0x81, 0xFF)[:, None]
    pairs[:, :, 1] = np.arange(0x40, 0x100)
    return pairs.tobytes()[:-1].decode(encoding, "surrogateescape")


@cache
def lost_firsts(reader: Reader) -> tuple[bytes, ...]:
    """Return, by the byte that follows, which bytes above ASCII `reader`, of a two-byte encoding, fails on before it.

    The same as `is_lost` of each pair; but what a digit makes of four bytes is left out.
    """
    first = 0x81 if reader == "cp936" else 0x80
    lost = (pair_points(reader)[0].reshape(0x100, 0x100)[first:] == 0).T
    firsts = np.arange(first, 0x100, dtype=np.uint8)
    return tuple(firsts[one].tobytes() for one in lost)


@lru_cache(maxsize=1 << 14)
def is_lost(data: bytes, reader: Reader) -> bool:
    """Tell whether `reader` fails on the first byte of `data`: on it alone, not on a later one."""
    if reader == "cp936" and data[0] == 0x80:
        return False
    try:
        data.decode(reader)
    except UnicodeDecodeError as error:
        return error.start == 0
    return False
