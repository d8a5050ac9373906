"""Damage clean text: every mechanism of `cleaning/repair/` as a generator with exact gold.

A mechanism gives a damaged text and the text that a perfect repair would give back. All randomness comes from the
`random.Random` that is handed in, so a seed is a benchmark.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from functools import cache, partial
from typing import Literal, NamedTuple

from opencc import OpenCC
from pypinyin import Style, pinyin

from cleaning.repair.chains import HOLE, MARKER, Chain, Step, Writer, damage
from cleaning.repair.injection import inject
from cleaning.repair.tokens import may_be_damaged
from demo.articles import read_articles

Kind = Literal["reversible", "lossy", "clean"]


class Case(NamedTuple):
    """A damaged text and its gold."""

    damaged: str
    gold: str


class Mechanism(NamedTuple):
    """A named way to damage a text, and whether it loses anything."""

    name: str
    kind: Kind
    apply: Callable[[str, random.Random], Case]


def documents(count: int, rng: random.Random, least: int = 0) -> list[str]:
    """Return `count` clean Simplified documents: lines of the demo's articles, shuffled and dealt out anew.

    Sizes vary from a title of some ten characters to an article of some fifteen hundred; those of fewer than `least`
    characters are dealt more. Lines with readings in brackets (glosses) are left out: among injected ones nobody could say
    which of them belong to the text.
    """
    lines = [line for article in read_articles() if article.script == "hans" for line in article.text.split("\n")]
    lines = [
        line.replace("\N{NO-BREAK SPACE}", " ") for line in lines if line.strip() and not may_be_damaged(line)
    ]

    def dealt() -> str:
        return "\n".join(rng.sample(lines, min(len(lines), rng.choice((1, 4, 10, 25, 40)))))

    found = []
    for _ in range(count):
        text = dealt()
        while len(text) < least:
            text = f"{text}\n{dealt()}"
        found.append(text)
    return found


@cache
def _converter() -> OpenCC:
    return OpenCC("s2t")


def traditional(text: str) -> str:
    """Return the Traditional form of `text`."""
    return str(_converter().convert(text))


def holdable(text: str, encoding: str) -> str:
    """Return `text` without the characters that `encoding` lacks."""
    return text.encode(encoding, "ignore").decode(encoding)


def chained(text: str, rng: random.Random, *, chain: Chain) -> Case:
    """Take the whole text through a chain of wrong decoders."""
    gold = _written(text, chain)
    return Case(damage(gold, chain), gold)


def _written(text: str, chain: Chain) -> str:
    """Return the gold for `chain`: in the script and the character set of what was written first."""
    written = chain[0].written
    if written == "big5hkscs":
        return holdable(traditional(text), "big5hkscs")
    return holdable(text, "gbk") if written == "gb18030" else text


def some_lines(text: str, rng: random.Random, *, chain: Chain) -> Case:
    """Damage a third of the lines or more: a clean title over a ruined body, or the other way round."""
    lines = _written(text, chain).split("\n")
    chosen = [rng.random() < 0.5 for _ in lines]
    dirty = [damage(line, chain) if hit else line for line, hit in zip(lines, chosen, strict=True)]
    return Case("\n".join(dirty), "\n".join(lines))


def some_spans(text: str, rng: random.Random, *, chain: Chain) -> Case:
    """Damage one span of 8 to 40 characters in every line that is long enough."""
    gold = _written(text, chain).split("\n")
    dirty = []
    for line in gold:
        if len(line) >= 12:
            size = rng.randint(8, min(40, len(line)))
            start = rng.randrange(len(line) - size + 1)
            line = line[:start] + damage(line[start : start + size], chain) + line[start + size :]
        dirty.append(line)
    return Case("\n".join(dirty), "\n".join(gold))


def cut_tail(text: str, rng: random.Random, *, chain: Chain) -> Case:
    """Cut the damaged text off after a random character, as an excerpt does; the gold is what its bytes still hold."""
    chain_text = _written(text, chain)
    dirty = damage(chain_text, chain)
    end = rng.randint(max(1, 2 * len(dirty) // 3), len(dirty))
    kept = len(dirty[:end].encode("latin-1", "replace"))
    return Case(dirty[:end], chain_text.encode(chain[0].written)[:kept].decode(chain[0].written, "replace"))


def pinyin_table(text: str, rng: random.Random, share: float) -> dict[str, str]:
    """Return a random injection table: `share` of the characters of `text` that Simplified text lacks, with readings.

    The machines of real pages annotate what their conversion to Traditional changed. A table of any characters at all
    would leave what a learner's text looks like.
    """
    characters = sorted({character for character in text if "\u4e00" <= character <= "\u9fff"} - _simplified(text))
    chosen = rng.sample(characters, math.ceil(share * len(characters)))
    return {character: f"({pinyin(character, style=Style.TONE)[0][0]})" for character in chosen}


def _simplified(text: str) -> set[str]:
    """Return the characters of `text` that GB 2312 holds."""
    return set(holdable(text, "gb2312"))


def injected(text: str, rng: random.Random, *, share: float) -> Case:
    """Inject pinyin over the GBK bytes of the Traditional text, aligned and misaligned hits alike."""
    gold = holdable(traditional(text), "gbk")
    return Case(inject(gold, pinyin_table(gold, rng, share)), gold)


def injected_then_chained(text: str, rng: random.Random, *, chain: Chain) -> Case:
    """Inject pinyin, then read the page with a wrong decoder: two mechanisms, one over the other."""
    inner = injected(text, rng, share=0.3)
    return Case(damage(inner.damaged, chain), inner.gold)


def untouched(text: str, rng: random.Random, *, script: Literal["hans", "hant"]) -> Case:
    """Leave the text alone: any change is a false positive."""
    gold = text if script == "hans" else traditional(text)
    return Case(gold, gold)


def _step(written: Writer, reader: str, lost: str = HOLE, *, blank: bool = False) -> Chain:
    return (Step(written, reader, lost, blank),)  # type: ignore[arg-type]


CHAINS: dict[str, tuple[Kind, Chain]] = {
    "gbk as latin-1": ("reversible", _step("gb18030", "latin-1")),
    "gbk as cp1252": ("reversible", _step("gb18030", "cp1252")),
    "gbk as hybrid": ("lossy", _step("gb18030", "hybrid")),
    "big5 as latin-1": ("reversible", _step("big5hkscs", "latin-1")),
    "big5 as gb18030": ("reversible", _step("big5hkscs", "gb18030")),
    "utf-8 as latin-1": ("reversible", _step("utf-8", "latin-1")),
    "utf-8 as latin-1 twice": ("reversible", _step("utf-8", "latin-1") * 2),
    "utf-8 as latin-1, blanks": ("lossy", _step("utf-8", "latin-1", blank=True)),
    "utf-8 as browsers' cp1252": ("reversible", _step("utf-8", "cp1252", MARKER)),
    "utf-8 as cp1252": ("lossy", _step("utf-8", "cp1252")),
    "utf-8 as gbk": ("lossy", _step("utf-8", "gbk")),
    "utf-8 as gbk, ?": ("lossy", _step("utf-8", "gbk", "?")),
    "utf-8 as gbk, dropped": ("lossy", _step("utf-8", "gbk", "")),
    "utf-8 as gb18030": ("lossy", _step("utf-8", "gb18030")),
    "utf-8 as gb18030 twice": ("lossy", _step("utf-8", "gb18030") * 2),
    "utf-8 as big5": ("lossy", _step("utf-8", "big5")),
    "utf-8 as big5, dropped": ("lossy", _step("utf-8", "big5", "")),
    "gbk as big5": ("lossy", _step("gb18030", "big5")),
    "gbk as big5, ?": ("lossy", _step("gb18030", "big5", "?")),
    "gbk as latin-1 as utf-8 as latin-1": ("reversible", _step("gb18030", "latin-1") + _step("utf-8", "latin-1")),
}
"""Whole-text damage by wrong decoders. A class is lossy when its decoder drops bytes or two texts look the same."""

MECHANISMS: tuple[Mechanism, ...] = (
    *(Mechanism(name, kind, partial(chained, chain=chain)) for name, (kind, chain) in CHAINS.items()),
    Mechanism("lines: gbk as latin-1", "reversible", partial(some_lines, chain=_step("gb18030", "latin-1"))),
    Mechanism("lines: utf-8 as gbk", "lossy", partial(some_lines, chain=_step("utf-8", "gbk"))),
    Mechanism("spans: utf-8 as latin-1", "reversible", partial(some_spans, chain=_step("utf-8", "latin-1"))),
    Mechanism("spans: gbk as latin-1", "reversible", partial(some_spans, chain=_step("gb18030", "latin-1"))),
    Mechanism("spans: utf-8 as gbk", "lossy", partial(some_spans, chain=_step("utf-8", "gbk"))),
    Mechanism("tail cut: gbk as latin-1", "lossy", partial(cut_tail, chain=_step("gb18030", "latin-1"))),
    Mechanism("pinyin, small table", "lossy", partial(injected, share=0.1)),
    Mechanism("pinyin, large table", "lossy", partial(injected, share=0.5)),
    Mechanism("pinyin, full table", "lossy", partial(injected, share=1.0)),
    Mechanism(
        "pinyin, then utf-8 as latin-1", "lossy", partial(injected_then_chained, chain=_step("utf-8", "latin-1"))
    ),
    Mechanism("clean, simplified", "clean", partial(untouched, script="hans")),
    Mechanism("clean, traditional", "clean", partial(untouched, script="hant")),
)
"""Every class of the benchmark, in the order of its table."""
