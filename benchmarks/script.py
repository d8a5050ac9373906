"""Script conversion beside opencc-python-reimplemented, same texts, same run: `python -m benchmarks.script`.

Process CPU time, engines interleaved, the median of the rounds. Texts are made here from a passage of this
domain, so that the figure needs no data beside the checkout; `--texts DIR` times the .txt files of a folder.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import opencc

from cleaning.script import detect, simplify, to_simplified

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


def main() -> None:
    """Print megabytes (UTF-8) a second per engine and its ratio to the library."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--texts", type=Path, help="a folder of Simplified .txt files, made Traditional by s2t first"
    )
    parser.add_argument("--rounds", type=int, default=5)
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
    for _ in range(arguments.rounds):
        for name, run, inputs, repeats in engines:
            seconds[name].append(_timed(run, inputs, repeats))
    size = sum(len(text.encode()) for text in texts)
    baseline = statistics.median(seconds[engines[0][0]])
    for name, *_ in engines:
        median = statistics.median(seconds[name])
        print(f"{name:<50}{size / median / 1e6:9.2f} MB/s {baseline / median:8.1f}x")


if __name__ == "__main__":
    main()
