"""Train the character-bigram model that `cleaning.repair.badness` reads, and write its file.

    python -m benchmarks.train_badness [--work DIR] [--out FILE]

Sources, fetched by their ordinary package clients into --work unless they are there already:

* jieba 0.42.1 from PyPI, `jieba/dict.txt`: words with frequencies. MIT (c) Sun Junyi.
* libreoffice-help-zh-cn and -zh-tw from Debian: running text. MPL-2.0 (c) the LibreOffice contributors.
* `badness_words.txt` beside this file: words of the field, written for this project.
* OpenCC's s2t tables (Apache-2.0), in opencc-python-reimplemented, for the Traditional forms.

Only counts of pairs of characters are taken from them, and none of it is text that the tests or the benchmarks use.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from opencc import OpenCC

from cleaning.repair.badness import MODEL_PATH, SCALE

JIEBA = "jieba==0.42.1"
HELP_PACKAGES = ("libreoffice-help-zh-cn", "libreoffice-help-zh-tw")

FIELD_WORDS = Path(__file__).with_name("badness_words.txt")
"""Words and turns of the overdue-loan field and plain glue between them, each weighted as of middling frequency."""

FIELD_FREQUENCY = 3000  # about that of 银行 / 3 in jieba's dictionary
RUNNING_WEIGHT = 6.0  # 2 x 1.2 million characters of help against 60 million word tokens: some 20% of all pairs
MIN_COUNT = 2.0
MIN_GAIN = 0.7  # a stored pair must be about twice as likely as a chance meeting
MAX_PAIRS = 330_000
RARE = 13.0  # -log P of a Han character never seen
BOUNDARY_FLOOR = 4.0

CLASS_BEGIN: tuple[tuple[int, int, float], ...] = (
    (0x00, 0x20, 14.0), (0x20, 0x7F, 6.0), (0x7F, 0xA0, 15.0), (0xA0, 0x180, 11.0), (0x180, 0x370, 12.0),
    (0x370, 0x600, 11.0), (0x600, 0x1100, 13.0), (0x1100, 0x1200, 14.0), (0x1200, 0x2000, 13.0), (0x2000, 0x2E80, 11.5),
    (0x2E80, 0x3000, 14.0), (0x3000, 0x3040, 10.0), (0x3040, 0x3100, 9.5), (0x3100, 0x3400, 12.0), (0x3400, 0x4E00, 14.5),
    (0x4E00, 0xA000, RARE), (0xA000, 0xAC00, 15.0), (0xAC00, 0xD7B0, 10.0), (0xD7B0, 0xE000, 16.0), (0xE000, 0xF900, 15.9),
    (0xF900, 0xFB00, 14.5), (0xFB00, 0xFE00, 15.0), (0xFE00, 0xFF00, 13.0), (0xFF00, 0xFFF0, 11.0),
    (0xFFF0, 0x10000, 15.9),
)  # fmt: skip
"""-log P at a boundary of what the counts don't hold, by block: set by hand, since no source has such characters."""

_TAG = re.compile(r"<[^>]*>")
_DROPPED = re.compile(r"<(script|style|header|aside)\b.*?</\1>", re.S)
_MODELLED = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uff65\u2014\u2018-\u201d\u2026\u00b7 \n]")
_LETTER, _DIGIT = "a", "0"
_LETTERS, _DIGITS = re.compile("[A-Za-z]"), re.compile("[0-9]")


class Counts(NamedTuple):
    """Pair counts, and how often a character begins or ends a unit that meets another by chance."""

    pairs: defaultdict[str, float]
    begin: defaultdict[str, float]
    end: defaultdict[str, float]
    single: defaultdict[str, float]


def fetch(work: Path) -> tuple[Path, list[Path]]:
    """Return jieba's source archive and the folders of the unpacked help packages, fetched when missing."""
    work.mkdir(parents=True, exist_ok=True)
    if not list(work.glob("jieba-*.tar.gz")):
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--no-binary",
            ":all:",
            "-d",
            str(work),
            JIEBA,
        ]
        subprocess.run(command, check=True)
    folders = []
    for package in HELP_PACKAGES:
        if not list(work.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], check=True, cwd=work)
        folders.append(work / package)
        subprocess.run(["dpkg-deb", "-x", str(next(work.glob(f"{package}_*.deb"))), str(folders[-1])], check=True)
    return next(work.glob("jieba-*.tar.gz")), folders


def words(archive: Path) -> Iterator[tuple[str, int]]:
    """Yield jieba's words with their frequencies, then this field's."""
    with tarfile.open(archive) as tar:
        member = next(item for item in tar.getmembers() if item.name.endswith("/jieba/dict.txt"))
        stream = tar.extractfile(member)
        assert stream is not None
        for line in stream.read().decode("utf-8").splitlines():
            word, frequency, _ = line.split(" ")
            yield word, int(frequency)
    for word in FIELD_WORDS.read_text("utf-8").split():
        yield word, FIELD_FREQUENCY


def pages(folder: Path) -> Iterator[str]:
    """Yield the text of every help page below `folder`."""
    for path in sorted(folder.rglob("*.html")):
        html = _DROPPED.sub("\n", path.read_text("utf-8"))
        yield re.sub(r"\s*\n\s*", "\n", _TAG.sub("\n", html.replace("&nbsp;", " ")))


def fold(text: str) -> str:
    """Return `text` with every Latin letter as one symbol and every digit as another."""
    return _DIGITS.sub(_DIGIT, _LETTERS.sub(_LETTER, text))


def scripts(text: str, convert: OpenCC) -> Iterable[str]:
    """Return `text` as it is and, where that differs, its Traditional form."""
    return (text, str(convert.convert(text)))


def count(archive: Path, folders: list[Path]) -> Counts:
    """Return the counts over all sources; each word counts half in either script."""
    counts = Counts(defaultdict(float), defaultdict(float), defaultdict(float), defaultdict(float))
    convert = OpenCC("s2t")
    for word, frequency in words(archive):
        for form in scripts(word, convert):
            add_word(counts, fold(form), frequency / 2)
    for folder in folders:
        for page in pages(folder):
            add_running(counts, fold(page))
    return counts


def add_word(counts: Counts, word: str, weight: float) -> None:
    """Count one word: its inner pairs, and its ends as places where words meet."""
    for a, b in pairwise(word):
        counts.pairs[a + b] += weight
    for character in word:
        counts.single[character] += weight
    counts.begin[word[0]] += weight
    counts.end[word[-1]] += weight


def add_running(counts: Counts, text: str) -> None:
    """Count the pairs of running text; a rare pair stays a chance meeting, so it feeds the boundary too."""
    for a, b in pairwise(text):
        counts.pairs[a + b] += RUNNING_WEIGHT
        counts.begin[b] += RUNNING_WEIGHT / 4
        counts.end[a] += RUNNING_WEIGHT / 4
    for character in text:
        counts.single[character] += RUNNING_WEIGHT


def dense(counts: Counts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return -log P(begins with b) and -log P(boundary | a), by BMP code point."""
    begin = np.full(0x10000, 15.9)
    for low, high, value in CLASS_BEGIN:
        begin[low:high] = value
    boundary = np.full(0x10000, 0.3)
    total = sum(counts.begin.values())
    for character, single in counts.single.items():
        if len(character.encode("utf-16-le")) > 2 or not _MODELLED.match(character):
            continue
        share = counts.begin[character] / total + np.exp(-RARE)
        begin[ord(character)] = -np.log(share)
        ends = (counts.end[character] + 0.5) / (single + 1.0)
        boundary[ord(character)] = min(BOUNDARY_FLOOR, -np.log(min(1.0, ends)))
    set_ascii(begin, boundary)
    return begin, boundary


def set_ascii(begin: NDArray[np.float64], boundary: NDArray[np.float64]) -> None:
    """Give ASCII mild values: foreign, but no sign of damage."""
    for code in range(0x21, 0x7F):
        begin[code] = 5.0 if chr(code).isalnum() else 7.0
        boundary[code] = 0.3


def stored_pairs(
    counts: Counts, begin: NDArray[np.float64], boundary: NDArray[np.float64]
) -> list[tuple[str, float]]:
    """Return the pairs worth storing with their -log P(b | a): those well above a chance meeting."""
    chosen = []
    for pair, number in counts.pairs.items():
        a, b = pair[0], pair[1]
        if number < MIN_COUNT or not (_MODELLED.match(a) and _MODELLED.match(b)):
            continue
        chance = np.exp(-boundary[ord(a)] - begin[ord(b)])
        own = number / counts.single[a] + chance
        if np.log(own / chance) >= MIN_GAIN:
            chosen.append((number * float(np.log(own / chance)), pair, -float(np.log(min(1.0, own)))))
    chosen.sort(reverse=True)
    return [(pair, score) for _, pair, score in chosen[:MAX_PAIRS]]


def quantize(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return -log P as bytes."""
    return np.clip(np.rint(values * SCALE), 0, 255).astype(np.uint8)


def write(counts: Counts, out: Path) -> None:
    """Write the model file."""
    begin, boundary = dense(counts)
    pairs = stored_pairs(counts, begin, boundary)
    used = {character for pair, _ in pairs for character in pair}
    ids = np.zeros(0x10000, dtype=np.uint16)
    for number, character in enumerate(sorted(used), start=1):
        ids[ord(character)] = number
    assert len(used) < 1 << 14
    keys = np.array([int(ids[ord(p[0])]) << 14 | int(ids[ord(p[1])]) for p, _ in pairs], dtype=np.uint32)
    values = quantize(np.array([score for _, score in pairs]))
    order = np.argsort(keys)
    np.savez_compressed(
        out,
        gaps=np.diff(keys[order], prepend=np.uint32(0)),
        values=values[order],
        begin=quantize(begin),
        boundary=quantize(boundary),
        ids=ids,
    )
    print(f"{len(pairs):,} pairs of {len(used):,} characters, {out.stat().st_size:,} bytes: {out.name}")


def main() -> None:
    """Fetch the sources, count, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=Path("build/badness"), help="folder for the fetched sources")
    parser.add_argument("--out", type=Path, default=MODEL_PATH, help="model file to write")
    arguments = parser.parse_args()
    write(count(*fetch(arguments.work)), arguments.out)


if __name__ == "__main__":
    main()
