"""Run the dirty-Chinese benchmark: ours and ftfy on the same damaged documents.

    python -m benchmarks.dirty [--docs N] [--chars N] [--seed S] [--only WORD]

One row for each class: documents exactly recovered, characters right (of the gold, aligned line by line), clean
documents changed, and speed on this machine (CPU time). ftfy runs with settings that leave clean Chinese alone; it is
left out when it isn't installed (`pip install yuqi[bench]`).

Documents have some 350 characters, from ten to fifteen hundred: titles, excerpts, short articles. Pages of this field have
some 2,000, which `--chars 2000` measures: what a document costs beside its characters weighs less there.
"""

from __future__ import annotations

import argparse
import difflib
import gc
import importlib.util
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.dirty.generate import MECHANISMS, Case, Mechanism, documents
from cleaning.repair import repair

WARM = 3
"""Other documents that an engine reads before its time is taken."""

Engine = Callable[[str], str]


class Score(NamedTuple):
    """What one engine made of the cases of one class."""

    exact: int
    right: float
    changed: int
    speed: float


def engines() -> dict[str, Engine]:
    """Return the engines that are installed, ours first."""
    found: dict[str, Engine] = {"yuqi": lambda text: repair(text).text}
    if importlib.util.find_spec("ftfy") is not None:
        import ftfy

        config = ftfy.TextFixerConfig(
            fix_character_width=False,
            uncurl_quotes=False,
            fix_latin_ligatures=False,
            normalization=None,
            explain=False,
        )
        found["ftfy"] = lambda text: str(ftfy.fix_text(text, config))
    return found


def right_characters(gold: str, found: str) -> int:
    """Return how many characters of `gold` stand in `found`, in order; lines are aligned one to one.

    `found` with another number of lines is compared as one.
    """
    pairs = list(zip(gold.split("\n"), found.split("\n"), strict=False))
    if gold.count("\n") != found.count("\n"):
        pairs = [(gold, found)]
    matchers = (difflib.SequenceMatcher(None, one, two, autojunk=False) for one, two in pairs if one != two)
    matched = sum(block.size for matcher in matchers for block in matcher.get_matching_blocks())
    return matched + sum(len(one) for one, two in pairs if one == two) + len(pairs) - 1


def measure(engine: Engine, cases: list[Case], others: list[Case]) -> Score:
    """Return the score of `engine` over `cases`; `others` are read before, as tables are made on first use."""
    for case in others:
        engine(case.damaged)
    gc.collect()
    gc.freeze()  # what the generator holds is no part of the engine's work
    started = time.process_time()
    found = [engine(case.damaged) for case in cases]
    spent = time.process_time() - started
    exact = sum(text == case.gold for text, case in zip(found, cases, strict=True))
    right = sum(right_characters(case.gold, text) for text, case in zip(found, cases, strict=True))
    changed = sum(text != case.damaged for text, case in zip(found, cases, strict=True))
    size = sum(len(case.damaged.encode()) for case in cases)
    return Score(exact, right / sum(len(case.gold) for case in cases), changed, size / 1e6 / max(spent, 1e-9))


def row(mechanism: Mechanism, texts: list[str], seed: int, least: int = 0) -> str:
    """Return one line of the table; `texts` and those read before have `least` characters or more."""
    rng = random.Random(f"{seed} {mechanism.name}")
    cases = [mechanism.apply(text, rng) for text in texts]
    others = [mechanism.apply(text, rng) for text in documents(WARM, random.Random(f"other {seed}"), least)]
    cells = [f"{mechanism.name:36}{mechanism.kind:11}"]
    for engine in engines().values():
        score = measure(engine, cases, others)
        false = score.changed if mechanism.kind == "clean" else 0
        cells.append(f"{score.exact:5}/{len(cases):<4}{score.right:8.4f}{false:6}{score.speed:9.2f}")
    return " |".join(cells)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dirty", description="Repair of damaged Chinese.")
    parser.add_argument("--docs", type=int, default=40, help="documents a class")
    parser.add_argument("--chars", type=int, default=0, help="characters that each document has at least")
    parser.add_argument("--seed", type=int, default=1, help="of documents, tables and spans")
    parser.add_argument("--only", default="", help="classes with this in their name")
    arguments = parser.parse_args()
    texts = documents(arguments.docs, random.Random(arguments.seed), arguments.chars)
    heads = [f"{name + ': exact':>10}{'right':>8}{'false':>6}{'MB/s':>9}" for name in engines()]
    print(" |".join([f"{'class':36}{'kind':11}", *heads]))
    for mechanism in MECHANISMS:
        if arguments.only in mechanism.name:
            print(row(mechanism, texts, arguments.seed, arguments.chars), flush=True)


if __name__ == "__main__":
    main()
