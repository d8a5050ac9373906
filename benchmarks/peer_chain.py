"""The best whole chain that can be built of peers, from bytes to a stored document with its near duplicates.

    python -m benchmarks.peer_chain PAGES.jsonl OUT.jsonl [--chain best|naive]

Run by `benchmarks.chain` in a virtual environment of its own: OpenCC's C++ build and opencc-python-reimplemented install
modules of one name, so no environment can hold both. `best` takes the fastest well-kept package for each step, `naive` the
first one that people name. Prints one line of JSON: pages, processor seconds, peak memory.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import json
import logging
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

SIZE = 5
"""Characters to a shingle, as ours; word shingles don't serve Chinese."""


class Chain(NamedTuple):
    """The steps of a chain: bytes to text, text repaired, text simplified, and which earlier ones a text is like."""

    extract: Callable[[bytes], str]
    repair: Callable[[str], str]
    simplify: Callable[[str], str]
    match: Callable[[int, str], list[int]]
    packages: tuple[str, ...]


def shingles(text: str) -> set[str]:
    """Return the character 5-grams of a text."""
    return {text[at : at + SIZE] for at in range(max(1, len(text) - SIZE + 1))}


def decoded(body: bytes) -> str:
    """Return the body's text by what chardet takes it for."""
    chardet: Any = importlib.import_module("chardet")
    return body.decode(chardet.detect(body)["encoding"] or "utf-8", "replace")


def repairer() -> Callable[[str], str]:
    """Return ftfy with the settings that leave Chinese punctuation alone."""
    ftfy: Any = importlib.import_module("ftfy")
    safe = ftfy.TextFixerConfig(
        normalization=None, fix_character_width=False, uncurl_quotes=False, unescape_html=False
    )
    return lambda text: str(ftfy.fix_text(text, safe))


def best() -> Chain:
    """trafilatura with precision, ftfy, OpenCC in C++, rensa."""
    trafilatura: Any = importlib.import_module("trafilatura")
    convert: Any = importlib.import_module("opencc").OpenCC("t2s").convert
    rensa: Any = importlib.import_module("rensa")
    index = rensa.RMinHashLSH(threshold=0.8, num_perm=128, num_bands=16)

    def match(number: int, text: str) -> list[int]:
        signature = rensa.RMinHash(num_perm=128, seed=1)
        signature.update(list(shingles(text)))
        found = list(index.query(signature))
        index.insert(number, signature)
        return found

    return Chain(
        lambda body: trafilatura.extract(decoded(body), favor_precision=True) or "",
        repairer(), lambda text: str(convert(text)), match,
        ("chardet", "trafilatura", "ftfy", "opencc", "rensa", "sqlite-utils"),
    )  # fmt: skip


def naive() -> Chain:
    """BeautifulSoup's text, ftfy, opencc-python-reimplemented, datasketch."""
    bs4: Any = importlib.import_module("bs4")
    convert: Any = importlib.import_module("opencc").OpenCC("t2s").convert
    datasketch: Any = importlib.import_module("datasketch")
    index = datasketch.MinHashLSH(num_perm=128, params=(16, 8))

    def extract(body: bytes) -> str:
        soup = bs4.BeautifulSoup(decoded(body), "html.parser")
        for element in soup(["script", "style"]):
            element.decompose()
        return str(soup.get_text("\n", strip=True))

    def match(number: int, text: str) -> list[int]:
        signature = datasketch.MinHash(num_perm=128)
        signature.update_batch([gram.encode("utf-8", "replace") for gram in shingles(text)])
        found = list(index.query(signature))
        index.insert(number, signature)
        return found

    return Chain(
        extract, repairer(), convert, match,
        ("chardet", "beautifulsoup4", "ftfy", "opencc-python-reimplemented", "datasketch", "sqlite-utils"),
    )  # fmt: skip


CHAINS: dict[str, Callable[[], Chain]] = {"best": best, "naive": naive}


def run(chain: Chain, pages: list[tuple[str, bytes]], folder: Path) -> list[str]:
    """Take pages through the chain into a SQLite file with full-text search; return their texts."""
    sqlite_utils: Any = importlib.import_module("sqlite_utils")
    database = sqlite_utils.Database(folder / "peers.db")
    table = database["documents"]
    table.create({"id": int, "url": str, "text": str, "like": str}, pk="id")
    table.enable_fts(["text"], tokenize="trigram", create_triggers=True)
    texts: list[str] = []
    rows: list[dict[str, object]] = []
    for number, (url, body) in enumerate(pages):
        text = chain.simplify(chain.repair(chain.extract(body)))
        texts.append(text)
        rows.append({"id": number, "url": url, "text": text, "like": json.dumps(chain.match(number, text))})
        if len(rows) == 500 or number == len(pages) - 1:
            table.insert_all(rows)
            rows = []
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--chain", choices=sorted(CHAINS), default="best")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with options.pages.open("rb") as lines:
        pages = [(row["url"], base64.b64decode(row["body"])) for row in map(json.loads, lines)]
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "warm").mkdir()
        run(CHAINS[options.chain](), pages[:5], Path(name) / "warm")  # imports and tables are not a page's cost
        chain = CHAINS[options.chain]()
        began = time.process_time()
        texts = run(chain, pages, Path(name))
        spent = time.process_time() - began
    options.texts.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")
    version = importlib.import_module("importlib.metadata").version
    told = {
        "pages": len(pages), "seconds": spent,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "packages": {package: version(package) for package in chain.packages},
    }  # fmt: skip
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
