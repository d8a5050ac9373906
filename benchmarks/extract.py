"""Extraction beside its peers: time and F1 on the same pages, in the same run, on one core.

    python -m benchmarks.extract [PAGES] [--rounds 5] [--without newspaper4k]

PAGES is a folder with `gold.json` (a list of `html`, `text`) and the pages it names; else `../shared/data/pages_dev`.
Peers that are not installed (`pip install yuqi[bench]`) are left out and named. Engines take turns page by page, so that a
busy machine disturbs all of them alike; the time is the process's CPU time, the median over the rounds.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import re
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from benchmarks.result import Row, save
from cleaning.clean import Cleaned, clean
from cleaning.extract import extract
from cleaning.page import KEPT_ROLES

Engine = Callable[[str], str]


class Page(NamedTuple):
    """A page with the text that a person would take from it."""

    name: str
    html: str
    text: str


class Result(NamedTuple):
    """One engine's figures: median CPU milliseconds a page, and the mean F1 over the pages."""

    name: str
    milliseconds: float
    score: float


def yuqi(html: str) -> str:
    return "\n".join(block.text for block in extract(html).blocks if block.role in KEPT_ROLES)


def yuqi_clean(html: str) -> str:
    """Return what the whole walk leaves of a page, from bytes to findings: repaired and stripped, not as the page has it."""
    cleaned = clean(html.encode("utf-8", "replace"), "text/html")
    return cleaned.text_source if isinstance(cleaned, Cleaned) else ""


def trafilatura_default(html: str) -> str:
    return importlib.import_module("trafilatura").extract(html) or ""


def trafilatura_precision(html: str) -> str:
    return importlib.import_module("trafilatura").extract(html, favor_precision=True) or ""


def readability(html: str) -> str:
    summary = importlib.import_module("readability").Document(html).summary()
    return "\n".join(importlib.import_module("lxml.html").fromstring(summary).itertext())


def newspaper4k(html: str) -> str:
    # It would ask the pages' real servers for their pictures: nothing here leaves the machine.
    article = importlib.import_module("newspaper").Article("http://localhost/", language="zh", fetch_images=False)
    article.download(input_html=html)
    article.parse()
    return str(article.text)


def gne(html: str) -> str:
    return str(importlib.import_module("gne").GeneralNewsExtractor().extract(html)["content"])


def resiliparse(html: str) -> str:
    return str(
        importlib.import_module("resiliparse.extract.html2text").extract_plain_text(html, main_content=True)
    )


def beautifulsoup_parse_only(html: str) -> str:
    importlib.import_module("bs4").BeautifulSoup(html, "lxml")
    return ""


def lexbor_parse_only(html: str) -> str:
    importlib.import_module("selectolax.lexbor").LexborHTMLParser(html)
    return ""


ENGINES: dict[str, tuple[Engine, str]] = {
    "yuqi": (yuqi, "cleaning.extract"),
    "yuqi, whole clean()": (yuqi_clean, "cleaning.clean"),
    "trafilatura (default)": (trafilatura_default, "trafilatura"),
    "trafilatura (precision)": (trafilatura_precision, "trafilatura"),
    "readability-lxml": (readability, "readability"),
    "newspaper4k": (newspaper4k, "newspaper.languages.zh"),
    "gne": (gne, "gne"),
    "resiliparse": (resiliparse, "resiliparse.extract.html2text"),
    "bs4+lxml, parse only": (beautifulsoup_parse_only, "bs4"),
    "lexbor, parse only": (lexbor_parse_only, "selectolax.lexbor"),
}


def load_pages(folder: Path) -> list[Page]:
    """Return the pages of a folder with their gold text. Raises FileNotFoundError when there is no `gold.json`."""
    listed = orjson.loads((folder / "gold.json").read_bytes())
    return [
        Page(entry["html"], (folder / entry["html"]).read_text("utf-8", errors="replace"), entry["text"])
        for entry in listed
    ]


def grams(text: str, size: int = 4) -> Counter[str]:
    """Return the character n-grams of a text without its white space."""
    text = re.sub(r"\s+", "", text)
    return Counter(text[start : start + size] for start in range(len(text) - size + 1))


def f1(found: str, gold: str) -> float:
    """Return the F1 of the character 4-grams of two texts, 0.0 to 1.0."""
    ours, theirs = grams(found), grams(gold)
    common = sum((ours & theirs).values())
    return 2 * common / (sum(ours.values()) + sum(theirs.values())) if common else 0.0


def installed(without: Sequence[str]) -> dict[str, Engine]:
    """Return the engines that can be imported and are wanted, and say on stderr which can't be."""
    engines: dict[str, Engine] = {}
    for name, (engine, module) in ENGINES.items():
        if name in without:
            continue
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"not installed, left out: {name}", file=sys.stderr)
        else:
            engines[name] = engine
    return engines


def measure(engines: dict[str, Engine], pages: Sequence[Page], rounds: int) -> list[Result]:
    """Run every engine over every page `rounds` times, taking turns page by page."""
    totals: dict[str, list[float]] = {name: [0.0] * rounds for name in engines}
    texts: dict[str, list[str]] = {name: [] for name in engines}
    for engine in engines.values():
        engine(pages[0].html)  # imports and caches are not a page's cost
    for turn in range(rounds):
        for page in pages:
            for name, engine in engines.items():
                started = time.process_time()
                text = engine(page.html)
                totals[name][turn] += time.process_time() - started
                if turn == 0:
                    texts[name].append(text)
        gc.collect()
    return [
        Result(
            name,
            1000 * statistics.median(totals[name]) / len(pages),
            statistics.fmean(f1(text, page.text) for text, page in zip(texts[name], pages, strict=True)),
        )
        for name in engines
    ]


def table(results: Sequence[Result]) -> str:
    """Return the results as lines of text, with each engine's time as a multiple of ours."""
    ours = next(result for result in results if result.name == "yuqi")
    lines = [f"{'engine':<26}{'ms/page':>9}{'pages/s':>9}{'x ours':>9}{'F1':>8}"]
    for result in results:
        score = "" if "parse only" in result.name else f"{result.score:8.4f}"
        rate, ratio = 1000 / result.milliseconds, result.milliseconds / ours.milliseconds
        lines.append(f"{result.name:<26}{result.milliseconds:9.2f}{rate:9.0f}{ratio:9.2f}{score}")
    return "\n".join(lines)


def rows(results: Sequence[Result]) -> list[Row]:
    """Return the results as rows of one part."""
    return [
        Row("extraction", result.name, 1000 / result.milliseconds, "pages/s")
        if "parse only" in result.name
        else Row("extraction", result.name, 1000 / result.milliseconds, "pages/s", result.score, "F1")
        for result in results
    ]


def memory_growth(pages: Sequence[Page], times: int) -> tuple[int, int]:
    """Return the process's peak memory in MB after one pass over the pages, and after `times` more."""
    for page in pages:
        extract(page.html)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for _ in range(times):
        for page in pages:
            extract(page.html)
    return before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    beside = Path(__file__).resolve().parents[2] / "shared/data/pages_dev"
    parser.add_argument("pages", nargs="?", type=Path, default=beside)
    parser.add_argument("--without", action="append", default=[], metavar="ENGINE", help="leave an engine out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--memory", type=int, default=0, metavar="TIMES", help="instead: peak memory over TIMES passes"
    )
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    pages = load_pages(options.pages)
    if options.memory:
        before, after = memory_growth(pages, options.memory)
        print(
            f"peak memory after {len(pages)} pages {before} MB, after {len(pages) * options.memory} more {after} MB"
        )
        return
    print(f"{len(pages)} pages, mean {sum(len(page.html) for page in pages) // len(pages) // 1000} k characters")
    results = measure(installed(options.without), pages, options.rounds)
    print(table(results))
    if options.json:
        save(options.json, rows(results))


if __name__ == "__main__":
    main()
