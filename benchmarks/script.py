"""Script conversion beside opencc-python-reimplemented, same texts, same run: `python -m benchmarks.script`.

Process CPU time, engines interleaved, the median of the rounds. Texts are made here from a passage of this
domain, so that the figure needs no data beside the checkout; `--texts DIR` times the .txt files of a folder. OpenCC's
C++ build installs a module of the library's name, so `--peers` names the Python of an environment that has it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import opencc

from benchmarks.result import Row, save, table
from cleaning.script import detect, simplify, to_simplified

ROOT = Path(__file__).resolve().parent.parent
PASSAGE = (
    "隨著互聯網金融的發展，越來越多的人選擇通過網絡平臺借款，這也意味著逾期的風險在上升。借款人收到催收電話時，應當先瞭解合同約定的利率與還款期限，"
    "保留通話錄音與還款憑證。根據《民法典》的規定，借貸雙方約定的利率不得違反國家有關規定；超過部分，人民法院不予支持。貸款機構委託第三方催收的，"
    "不得採取騷擾、恐嚇的手段，更不得向無關的第三人透露欠款資訊。協商時可以說明收入減少的原因，提出切實可行的分期方案，並要求對方出具書面協議。\n"
)
PARAGRAPHS = 8
"""Eight paragraphs make about 1,300 characters, the median article of the corpus."""


def _timed(run: Callable[[str], object], texts: list[str], repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        for text in texts:
            run(text)
    return (time.process_time() - start) / repeats


def _texts(folder: Path | None, to_traditional: Callable[[str], str]) -> list[str]:
    if folder is None:
        return [PASSAGE * PARAGRAPHS]
    return [to_traditional(path.read_text(encoding="utf-8")[:4000]) for path in sorted(folder.glob("*.txt"))[:12]]


_CPP = """
import sys, time, opencc
convert, text = opencc.OpenCC("t2s").convert, sys.stdin.buffer.read().decode("utf-8")
convert(text)
began = time.process_time()
for _ in range(50):
    convert(text)
print((time.process_time() - began) / 50)
"""
OURS = "to_simplified, Traditional"


def _cpp(peers: Path, texts: list[str]) -> float:
    """Return the processor seconds that OpenCC's C++ build takes for all `texts`."""
    source = "\n".join(texts).encode()
    return float(subprocess.run([str(peers), "-c", _CPP], input=source, capture_output=True, check=True).stdout)


def main() -> None:
    """Print megabytes (UTF-8) a second per engine and its ratio to the library."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--texts", type=Path, help="a folder of Simplified .txt files, made Traditional by s2t first"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv-peers/bin/python", help="Python of theirs")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    arguments = parser.parse_args()
    library = opencc.OpenCC("t2s")
    texts = _texts(arguments.texts, opencc.OpenCC("s2t").convert)
    simplified = [to_simplified(text) for text in texts]
    assert all(to_simplified(text, corrections=False) == library.convert(text) for text in texts)

    engines: list[tuple[str, Callable[[str], object], list[str], int]] = [
        ("opencc-python-reimplemented, Traditional", library.convert, texts, 1),
        ("opencc-python-reimplemented, Simplified", library.convert, simplified, 1),
        (
            "to_simplified without corrections, Traditional",
            lambda t: to_simplified(t, corrections=False),
            texts,
            50,
        ),
        ("to_simplified, Traditional", to_simplified, texts, 50),
        ("to_simplified, Simplified", to_simplified, simplified, 50),
        ("simplify with findings, Traditional", simplify, texts, 50),
        ("detect, Traditional", detect, texts, 50),
    ]
    seconds: dict[str, list[float]] = {name: [] for name, *_ in engines}
    if arguments.peers.exists():
        seconds["opencc (C++), Traditional"] = []
    for _ in range(arguments.rounds):
        for name, run, inputs, repeats in engines:
            seconds[name].append(_timed(run, inputs, repeats))
        if arguments.peers.exists():
            seconds["opencc (C++), Traditional"].append(_cpp(arguments.peers, texts))
    size = sum(len(text.encode()) for text in texts)
    rows = [
        Row("script conversion", name, size / statistics.median(spent) / 1e6, "MB/s")
        for name, spent in seconds.items()
    ]
    print(table(rows, OURS))
    if arguments.json:
        save(arguments.json, rows)


if __name__ == "__main__":
    main()
