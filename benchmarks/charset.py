"""Encodings told, beside peers: `python -m benchmarks.charset [PAGES] [--rounds 5] [--json FILE]`.

Each page of a folder (`../shared/data/pages_dev`, else generated pages) is written in UTF-8, GB18030 and Big5-HKSCS, every
declaration in it gone, whole and as pieces of its text: that an engine's answer gives back the text it was, character for
character, counts as right. Engines take turns; the time is processor time, the median of the rounds.
"""

from __future__ import annotations

import argparse
import importlib
import random
import re
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.pages import generate
from benchmarks.result import Row, save, table
from cleaning.decode import Decoded, decode
from demo.articles import traditional_table

ROOT = Path(__file__).resolve().parent.parent
ENCODINGS = ("utf-8", "gb18030", "big5hkscs")
PIECES = (8, 40, 400)
"""Characters of the pieces that each page gives as well; the page counts too."""

_DECLARED = re.compile(r"charset\s*=\s*[\"']?[\w-]+[\"']?", re.IGNORECASE)

Engine = Callable[[bytes], str]


def yuqi(data: bytes) -> str:
    found = decode(data, None)
    return found.text if isinstance(found, Decoded) else ""


def named(answer: Callable[[bytes], str | None]) -> Engine:
    """Return the engine that decodes by the name that `answer` gives."""

    def engine(data: bytes) -> str:
        name = answer(data)
        # All read GB2312 and GBK for what they are parts of, as browsers do.
        wide = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "cp950": "big5hkscs"}
        try:
            return data.decode(wide.get((name or "utf-8").lower().replace("-", ""), name or "utf-8"), "replace")
        except LookupError:
            return ""

    return engine


def engines() -> dict[str, Engine]:
    """Return the engines that are installed."""
    found: dict[str, Engine] = {
        "yuqi": yuqi,
        "plain decode (no choice)": lambda data: data.decode("utf-8", "replace"),
    }
    chardet: Any = importlib.import_module("chardet")
    found["chardet"] = named(lambda data: chardet.detect(data)["encoding"])
    for name, module, ask in (
        ("charset-normalizer", "charset_normalizer", _normalizer),
        ("resiliparse", "resiliparse.parse.encoding", _resiliparse),
    ):
        try:
            found[name] = named(partial(ask, importlib.import_module(module)))
        except ImportError:
            print(f"not installed, left out: {name}", file=sys.stderr)
    return found


def _normalizer(module: Any, data: bytes) -> str | None:  # noqa: ANN401  # a package without types
    match = module.from_bytes(data).best()
    return match.encoding if match else None


def _resiliparse(module: Any, data: bytes) -> str | None:  # noqa: ANN401  # a package without types
    found: str | None = module.detect_encoding(data)
    return found


def cases(folder: Path) -> list[tuple[str, bytes]]:
    """Return texts with the bytes that stand for them."""
    if (folder / "gold.json").exists():
        pages = [path.read_text("utf-8", errors="replace") for path in sorted(folder.glob("*.html"))]
    else:
        pages = [page.fetch.body.decode("utf-8", "replace") for page in generate(30)]
    dice = random.Random(7)
    table = traditional_table()
    found: list[tuple[str, bytes]] = []
    for page in pages:
        whole = _DECLARED.sub("", page).replace("\ufffd", "")
        han = re.sub(r"[^\u4e00-\u9fff，。]", "", whole)
        texts = [
            whole,
            *(han[at : at + size] for size in PIECES for at in [dice.randrange(max(1, len(han) - size))]),
        ]
        for encoding in ENCODINGS:
            for text in texts:
                wanted = text.translate(table) if encoding == "big5hkscs" else text
                # What the encoding can't write isn't in the text that it wrote.
                data = wanted.encode(encoding, "ignore")
                found.append((data.decode(encoding), data))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="?", type=Path, default=ROOT.parent / "shared/data/pages_dev")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    wanted = cases(options.pages)
    size = sum(len(data) for _, data in wanted)
    spent: dict[str, list[float]] = {}
    right: dict[str, float] = {}
    for _ in range(options.rounds):
        for name, engine in engines().items():
            began = time.process_time()
            answers = [engine(data) for _, data in wanted]
            spent.setdefault(name, []).append(time.process_time() - began)
            right[name] = sum(answer == text for answer, (text, _) in zip(answers, wanted)) / len(wanted)
    rows = [
        Row("charset", name, size / statistics.median(seconds) / 1e6, "MB/s", right[name], "right")
        for name, seconds in spent.items()
    ]
    print(f"{len(wanted)} cases, {size / 1e6:.1f} MB")
    print(table(rows, "yuqi"))
    if options.json:
        save(options.json, rows)


if __name__ == "__main__":
    main()
