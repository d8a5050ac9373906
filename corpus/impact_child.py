"""Derives a corpus' fetches once more and prints what they give, one JSON line each, in order.

Run by `corpus.impact` in a process of its own, whose `cleaning` package may be another than the installed one.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import orjson

from cleaning.clean import Cleaned
from corpus.derivation import derive_all
from corpus.impact import gave_text
from corpus.store import Corpus


def main(database: str, workers: int) -> None:
    """Print (seq, text or null, findings by rule) for every fetch that gave a document or a refusal by its text."""
    with Corpus(Path(database), readonly=True) as corpus:
        tasks = (task for task in corpus.tasks() if gave_text(corpus, task.seq))
        for item in derive_all(corpus.folder, tasks, corpus.sites(), workers=workers):
            result, text, counts = item.result, None, Counter[str]()
            if isinstance(result, Cleaned):
                text = f"{result.title or ''}\n{result.text}"
                counts = Counter(
                    f"{finding.stage}/{finding.rule}" for finding in result.findings if finding.stage != "script"
                )
            sys.stdout.buffer.write(orjson.dumps([item.task.seq, text, counts], option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
