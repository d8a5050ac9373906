"""The compiled twins of repair's innermost loops say exactly what the Python twins say."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import TypeVar, get_args

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cleaning import native
from cleaning.repair import (
    badness,
    chains,
    decoders,
    gbk_bytes,
    hybrid,
    lattice,
    pieces,
    repair,
    search,
    solve,
    spans,
    streams,
    utf8,
)
from cleaning.repair.chains import Step, damage
from cleaning.repair.injection import inject

MODULES = (badness, chains, decoders, gbk_bytes, hybrid, lattice, pieces, solve, spans, streams, utf8)
CACHES = (
    badness.run_score, hybrid._remembered_line, lattice._alike, lattice._encoded, lattice._options, lattice.outer,
    solve.choose, solve._lead_options, solve._likeliest, solve._trail_options,
)  # fmt: skip
TWINS = [
    native.available(name) for name in ("_score", "_spans", "_hybrid", "_pairs", "_lattice", "_streams", "_pieces")
]

pytestmark = pytest.mark.skipif(
    None in TWINS, reason="the compiled twins are not built, or YUQI_PURE asks for none"
)

CASES = Path(__file__).parents[3] / "benchmarks/dirty/cases"
SENTENCES = (
    "借款人逾期之后，贷款平台会先用短信提醒还款。",
    "催收公司不得向无关的人透露欠款的情况 | 560元。",
    "法院受理以后，被告应当在规定的期限内答辩，否则缺席判决！",
    "網絡貸款的逾期利息應當按照合同約定計算，不能超過法定上限。",
)
CHAINS = [
    (Step("utf-8", "gbk", lost),) for lost in (chains.HOLE, "?", "")
] + [
    (Step("utf-8", "gb18030"),),
    (Step("utf-8", "cp936"),),
    (Step("utf-8", "gb18030"),) * 2,
    (Step("utf-8", "cp1252"),),
    (Step("utf-8", "latin-1", blank=True),),
    (Step("utf-8", "latin-1"),) * 2,
    (Step("gb18030", "hybrid"),),
    (Step("gb18030", "latin-1"),),
    (Step("gb18030", "big5"),),
    (Step("gb18030", "big5", "?"),),
    (Step("gb18030", "big5hkscs", ""),),
    (Step("big5hkscs", "gb18030"),),
    (Step("big5hkscs", "gbk", "?"),),
    (Step("big5hkscs", "cp1252"),),
]  # fmt: skip


Result = TypeVar("Result")


def pure(ask: Callable[[], Result]) -> Result:
    """Return what `ask` gives with the Python twins, with nothing remembered before or after."""
    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            patch.setattr(module, "NATIVE", None)
        for cached in CACHES:
            cached.cache_clear()
        found = ask()
    for cached in CACHES:
        cached.cache_clear()
    return found


def agree(ask: Callable[[], object]) -> None:
    """Check that both twins answer the same."""
    assert ask() == pure(ask)


def strings(value: object) -> Iterator[str]:
    """Yield every string in a JSON value."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(inner)


@pytest.mark.parametrize("name", ["in_the_wild", "synthetic", "negative", "known_failures"])
def test_known_cases_are_repaired_alike(name: str) -> None:
    for text in strings(json.loads((CASES / f"{name}.json").read_text("utf-8"))):
        agree(lambda text=text: repair(text))  # type: ignore[misc]


@pytest.mark.parametrize("chain", CHAINS, ids=chains.describe)
def test_damage_is_repaired_alike(chain: chains.Chain) -> None:
    rng = random.Random(f"{chain}")
    lines = [damage(line, chain) for line in SENTENCES * 4]
    rng.shuffle(lines)
    whole = "\n".join(lines)
    cut = whole[rng.randrange(40) : -rng.randrange(1, 40)]
    mixed = "\n".join(rng.choice((line, damage(line, rng.choice(CHAINS)))) for line in SENTENCES * 3)
    torn = "".join(character for character in whole if rng.random() > 0.02)
    for text in (whole, cut, mixed, torn, whole.replace("\n", "")):
        agree(lambda text=text: repair(text))  # type: ignore[misc]


def test_shifted_runs_are_repaired_alike() -> None:
    table = {"習": "(xí)", "應": "(yīng)", "時": "(shí)", "對": "(duì)", "還": "(huán)"}
    for decoder in gbk_bytes.DECODERS:
        text = inject("應對及時，甚至會使用較為強硬的方式。還應當按時還款。\n" * 3, table, decoder)
        agree(lambda text=text: repair(text))  # type: ignore[misc]


HOSTILE = st.text(
    st.one_of(
        st.sampled_from(
            "?\ufffd \n\u20ac\u8ddf\u93c8\u9428\u951b\u6d93\u6769\xe4\xbd\xa0\xc4\xe3\u2039\u0160\U0010ff81\U0010ffe4"
        ),
        st.sampled_from("".join(SENTENCES)),
        st.characters(min_codepoint=0x80, max_codepoint=0xFF),
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
        st.characters(),
    ),
    max_size=60,
)


@settings(max_examples=40, deadline=None)
@given(HOSTILE, st.sampled_from(CHAINS), st.integers(0, 60))
@example("0", (Step("big5hkscs", "cp1252"),), 22)  # bad bytes between good ones
def test_anything_is_repaired_alike(text: str, chain: chains.Chain, place: int) -> None:
    dirty = damage(SENTENCES[0] * 2, chain)
    agree(lambda: repair(dirty[:place] + text + dirty[place:]))


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_the_gate_opens_alike(text: str) -> None:
    agree(lambda: (spans.suspicious(text), spans._places(text), list(spans.suspicious_lines(text))))


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_runs_and_neighbours_are_found_alike(text: str) -> None:
    lines = text.split("\n")
    agree(lambda: (spans.clustered(text), spans.count_low(text), spans._one_alphabet(badness.codes(text))))
    agree(lambda: [spans._has_near(text, spans._flagged(flag)) for flag in (spans._BIG5_AS_GBK, spans._LATIN)])
    agree(
        lambda: [[list(spans.latin_regions(line)), spans.latin_runs_of(line, [(0, len(line))])] for line in lines]
    )
    agree(lambda: [list(spans.hybrid_regions(line)) for line in lines])


@settings(max_examples=100, deadline=None)
@given(
    HOSTILE,
    st.text(st.sampled_from("a\xe4\xff\u20ac\u0178\ufffd\ufffe\uffff\U0010ff7f\U0010ff80\U0010ffff\u4e00")),
)
def test_single_bytes_are_alike(text: str, other: str) -> None:
    agree(lambda: [streams.single_bytes(span) for span in (text, other)])


PIECES = st.lists(
    st.sampled_from(
        [
            b"\xe4\xbd\xa0",
            b"\xe4\xbd",
            b"\xe5",
            b"\xbd",
            b"\xff",
            b"?",
            b" ",
            b"a",
            b"\xc3\xa4",
            b"\xc2",
            b"\xf0\x90\x80",
        ]
    ),
    max_size=14,
).map(b"".join)


@settings(max_examples=100, deadline=None)
@given(PIECES, st.sampled_from([None, "", "?", " "]))
def test_broken_places_are_found_alike(data: bytes, mark: str | None) -> None:
    agree(lambda: lattice._places.__wrapped__(data, mark))
    starts = np.arange(0, len(data) + 1, 2)
    agree(lambda: spans._aligned(data, starts))
    agree(lambda: spans._aligned(data, np.arange(len(data) + 1)))


UNITS = st.sampled_from(
    [
        *(
            b"\xe4\xb8\xad",
            b"\xe4\xb8",
            b"\xe4\xff\xb8",
            b"\xe4??",
            b"\xe4\xb8?",
            b"\xf0\x9f\x98\x80",
            b"\xff",
            b"\x80",
        ),
        *(b"\xc3\xa4", b"\xc2\xb8", b"\xc2\x81", b"\xc3\xa4\xc2\xb8\xc2\xad\xc3\xa5\xc2\x9b\xc2\xbd"),
        *(b"a?" * 3, b" " * 59, b"~" * 61, b"\n"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(UNITS, st.binary(max_size=2)), max_size=14).map(b"".join))
def test_runs_of_utf8_are_found_alike(data: bytes) -> None:
    agree(lambda: spans._aligned(data, np.arange(len(data) + 1)))


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
def test_scores_and_counts_are_alike(text: str) -> None:
    agree(lambda: (badness.total_logprob(text), badness.run_score("\n", text), search.count_ideographs(text)))
    agree(
        lambda: (
            badness.count_likely(text, search.LIKELY),
            [region for line in text.split("\n") for region in spans.utf8_regions(line)],
        )
    )
    agree(lambda: [list(spans.swapped_regions(line, "gbk", "big5hkscs")) for line in text.split("\n")])
    points = badness.codes(text)
    if len(points) > 2:
        scores = badness.triple_scores(points[:-2], points[1:-1], points[2:])
        assert lattice._filler().triples(text) == float(scores.sum(dtype=np.float64))


@settings(max_examples=40, deadline=None)
@given(HOSTILE, st.sampled_from(get_args(chains.Family)), st.booleans())
def test_bytes_are_alike(text: str, family: chains.Family, stands_in: bool) -> None:
    def ask() -> object:
        found = streams.stream(text, family, b"\n" if stands_in else b"")
        return found and (found.data, found.starts.tolist())

    agree(ask)


@settings(max_examples=40, deadline=None)
@given(
    HOSTILE,
    st.sampled_from([reader for reader in chains.FAMILY if reader != "hybrid"]),
    st.sampled_from(["gb18030", "big5hkscs"]),
)
def test_pairs_are_read_alike(text: str, reader: chains.Reader, writer: chains.Writer) -> None:
    def ask() -> object:
        try:
            return list(map(list, solve.solve_pairs(text, reader, writer, "\n", "\n")))
        except ValueError:
            return "never shown"

    agree(ask)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(get_args(chains.Writer)), st.sampled_from(list(chains.FAMILY)))
def test_bytes_that_nobody_wrote_are_read_alike(data: bytes, writer: chains.Writer, reader: chains.Reader) -> None:
    shown = chains.read(data, reader, chains.MARKER if reader == "cp1252" else chains.HOLE)
    family = chains.FAMILY[reader]
    if family == "hybrid":
        agree(lambda: list(hybrid.solve_hybrid(shown, writer)))
    elif writer == "utf-8":
        agree(lambda: [(readers, list(found)) for readers, found in utf8.solve_utf8(shown, family)])
    else:
        agree(lambda: list(map(list, solve.solve_pairs(shown, reader, writer))))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.text("欠款\n\ufffda", max_size=3), st.sampled_from(get_args(pieces.Kind)))
    )
)
def test_pieces_are_grouped_alike(parts: list[tuple[int, str, pieces.Kind]]) -> None:
    ends = [0, *accumulate(size for size, _, _ in parts)]
    made = [
        pieces.Piece(start, start + size, text, kind, "逾" if kind == "open" and size > 1 else "")
        for start, (size, text, kind) in zip(ends, parts, strict=False)
    ]
    span = "".join("款a\n欠"[number % 4] for number in range(ends[-1]))

    def ask() -> object:
        groups = pieces.grouped(made, len(span))
        found: list[object] = [
            len(groups),
            groups.proof,
            groups.apart,
            groups.share,
            groups.sure,
            groups.runs(span),
        ]
        proved = groups.shown_apart(f"{span}\n{groups.apart}", span)
        marked = groups.as_proved(proved)
        assert marked.share == len(span) - sum(end - start for start, end in marked.unproved)
        return [
            *found,
            list(map(int, proved)),
            marked.proved,
            marked.unproved,
            marked.text(span),
            marked.runs(span),
        ]

    agree(ask)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=40),
    st.sampled_from(list(chains.FAMILY)),
    st.sampled_from([chains.HOLE, "?", "", chains.MARKER]),
)
def test_bytes_that_do_not_decode_show_alike(data: bytes, reader: chains.Reader, lost: str) -> None:
    agree(lambda: chains.read(data, reader, lost))


@settings(max_examples=60, deadline=None)
@given(HOSTILE, st.lists(st.integers(0, 60), max_size=6))
def test_lines_and_what_stands_beside_spans_are_counted_alike(text: str, places: list[int]) -> None:
    ends = sorted(min(place, len(text)) for place in places)
    bounds = list(zip(ends[::2], ends[1::2], strict=False))
    agree(
        lambda: (spans.line_counts(text, bounds), badness.beside(text, bounds), spans.any_shredded(text, bounds))
    )
    for start, end in bounds:
        high, alone, low = spans.line_counts(text, [(start, end)])[0]
        assert (high, low) == (spans.count_high(text[start:end]), spans.count_low(text[start:end]))
        assert spans.is_clustered(high, alone) == spans.clustered(text[start:end])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=40), st.sampled_from(gbk_bytes.DECODERS))
def test_torn_pairs_show_alike(data: bytes, decoder: gbk_bytes.Decoder) -> None:
    agree(lambda: decoder._decode_torn(data))


def test_links_of_a_long_hybrid_are_forgotten_without_a_loss() -> None:
    line = damage("".join(SENTENCES[:3]) * 1500, (Step("gb18030", "hybrid"),))
    agree(lambda: list(hybrid._solve_line(line, "gb18030", "\n") or ()))


def test_tables_of_a_wrong_size_are_refused() -> None:
    score, lattice_twin, streams_twin = map(native.available, ("_score", "_lattice", "_streams"))
    assert score is not None
    assert lattice_twin is not None
    assert streams_twin is not None
    short = np.zeros(3, dtype=np.uint8)
    with pytest.raises(ValueError, match="plane"):
        score.count_of("text", short, np.zeros(17, dtype=np.uint8))
    with pytest.raises(ValueError, match="pairs"):
        streams_twin.decode_torn(b"\xb0\xa1", np.zeros(3, dtype=np.uint32), "?", False)
    with pytest.raises(ValueError, match="basic plane"):
        lattice_twin.shown_as(["text"], short, None)


@pytest.mark.parametrize("chain", CHAINS, ids=chains.describe)
def test_effort_grows_as_the_text_does(chain: chains.Chain) -> None:
    def spent(times: int) -> int:
        budget = decoders.Search(1 << 40)
        decoders._repair(damage("\n".join(SENTENCES[:3] * times), chain), 0, budget)
        return (1 << 40) - budget.left

    assert spent(80) <= 2.3 * spent(40) + 10_000
