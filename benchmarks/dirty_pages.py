"""Whole pages damaged in every way of `benchmarks.dirty`, markup and all: does `clean()` still find what it found before?

    python -m benchmarks.dirty_pages [--pages 30] [--folder DIR] [--only NAME] [--seed 7]

The texts between a page's tags go through the mechanism: that is what a site does which reads its pages with the wrong
decoder and stores them again. Gold is what `clean()` makes of the page with the mechanism's gold in its place. Pages are
generated (`benchmarks.pages`), or all `.html` of a folder. A column each: pages whose article is the same to the letter,
pages rejected, and the mean F1 of character 4-grams.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.dirty.generate import MECHANISMS, Mechanism
from benchmarks.extract import f1
from benchmarks.pages import generate
from cleaning.clean import Cleaned, clean
from cleaning.decode import decode
from cleaning.findings import Rejected

_CHARSET = re.compile(r"<meta[^<>]{0,200}charset[^<>]{0,200}>", re.IGNORECASE)
_UNREAD = re.compile(
    r"(<(?:script|style)\b[^<>]*>.*?</(?:script|style)>|<!--.*?-->|<[^<>]*>)", re.DOTALL | re.IGNORECASE
)


class Outcome(NamedTuple):
    """How the pages of one class came out, of `pages` that have an article at all."""

    name: str
    pages: int
    exact: int
    rejected: int
    f1: float


def damaged(html: str, mechanism: Mechanism, rng: random.Random) -> tuple[str, str] | None:
    """Return a page damaged, and the page that a perfect repair would give; None where the mechanism moves lines."""
    parts = _UNREAD.split(html)
    texts = [number for number in range(0, len(parts), 2) if parts[number].strip()]
    case = mechanism.apply("\n".join(" ".join(parts[number].split("\n")) for number in texts), rng)
    before, after = case.damaged.split("\n"), case.gold.split("\n")
    if not len(before) == len(after) == len(texts):
        return None
    pages = []
    for lines in (before, after):
        filled = list(parts)
        for number, line in zip(texts, lines, strict=True):
            filled[number] = line
        pages.append("".join(filled))
    return pages[0], pages[1]


def measure(sources: Sequence[str], mechanism: Mechanism, seed: int) -> Outcome:
    """Return how pages (their text, decoded) come out of one mechanism."""
    scores: list[float] = []
    exact = rejected = 0
    for number, html in enumerate(sources):
        pages = damaged(html, mechanism, random.Random(f"{seed} {mechanism.name} {number}"))
        if pages is None or isinstance(gold := _cleaned(pages[1]), Rejected):
            continue
        found = _cleaned(pages[0])
        if isinstance(found, Rejected):
            rejected += 1
            scores.append(0.0)
            continue
        exact += found.text_source == gold.text_source
        scores.append(f1(found.text_source, gold.text_source))
    return Outcome(mechanism.name, len(scores), exact, rejected, statistics.fmean(scores) if scores else 0.0)


def _cleaned(html: str) -> Cleaned | Rejected:
    return clean(html.encode("utf-8", "surrogatepass"), "text/html; charset=utf-8")


def sources(count: int, folder: Path | None) -> Iterator[str]:
    """Yield pages as text that say they are UTF-8: generated ones, or those of a folder, in order of their names."""
    bodies = (
        (page.fetch.body for page in generate(count))
        if folder is None
        else (path.read_bytes() for path in sorted(folder.glob("*.html")))
    )
    for body in bodies:
        read = decode(body, "text/html")
        if not isinstance(read, Rejected):
            yield _CHARSET.sub('<meta charset="utf-8">', read.text)


def main(arguments: Sequence[str] | None = None, say: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=30)
    parser.add_argument("--folder", type=Path, help="take its .html files")
    parser.add_argument("--only", default="", help="classes whose names hold this")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    pages = list(sources(options.pages, options.folder))
    say(f"{'class':<36}{'kind':<12}{'pages':>6}{'exact':>7}{'rejected':>10}{'F1':>9}")
    for mechanism in MECHANISMS:
        if options.only in mechanism.name:
            found = measure(pages, mechanism, options.seed)
            say(
                f"{found.name:<36}{mechanism.kind:<12}{found.pages:>6}{found.exact:>7}{found.rejected:>10}{found.f1:>9.4f}"
            )


if __name__ == "__main__":
    main()
