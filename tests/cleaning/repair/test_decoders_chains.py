"""The forward models and the byte solvers below the search."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.repair.chains import (
    CP1252_UNDEFINED,
    FAMILY,
    HOLE,
    INVALID_BYTE_BASE,
    MARKER,
    SPECIALS,
    Family,
    Reader,
    Step,
    blanked,
    damage,
    describe,
    is_lost,
    read,
    sources,
)
from cleaning.repair.hybrid import characters_table, solve_hybrid
from cleaning.repair.pieces import join
from cleaning.repair.search import attempt, reads_as_chinese
from cleaning.repair.solve import as_bytes, choose, lost_bytes, solve_pairs
from cleaning.repair.spans import suspicious_lines, swapped_regions, utf8_regions
from cleaning.repair.utf8 import mostly_utf8, peel, solve_utf8


def test_the_issue_of_the_catalogue() -> None:
    assert damage("你好", (Step("gb18030", "latin-1"),)) == "\xc4\xe3\xba\xc3"
    assert damage("你好", (Step("utf-8", "gbk"),)) == "\u6d63\u72b2\u30bd"
    assert damage("证券", (Step("gb18030", "hybrid"),)) == "\u05a4\u022f"


@pytest.mark.parametrize(
    ("lost", "shown"), [(HOLE, "\u9286" + HOLE), ("?", "\u9286?"), ("", "\u9286"), (MARKER, "\u9286\U0010ff82")]
)
def test_what_a_lost_byte_shows_as(lost: str, shown: str) -> None:
    assert damage("。", (Step("utf-8", "gbk", lost),)) == shown


def test_cp1252_leaves_five_bytes_out() -> None:
    assert len(SPECIALS) + len(CP1252_UNDEFINED) == 32
    assert read(bytes(CP1252_UNDEFINED), "cp1252") == HOLE * 5
    assert read(bytes(CP1252_UNDEFINED), "hybrid") == "".join(map(chr, CP1252_UNDEFINED))


def test_controls_taken_out_and_blanks() -> None:
    assert read(b"\xe4\x8d\xa0", "latin-1", "") == "\xe4\xa0"
    assert blanked("\xe4\xa0\x85") == "\xe4  "
    assert damage("你", (Step("utf-8", "latin-1", HOLE, blank=True),)) == "\xe4\xbd "


def test_describe_names_every_step() -> None:
    chain = (Step("gb18030", "latin-1"), Step("utf-8", "cp1252"))
    assert describe(chain) == "gb18030 read as latin-1, then utf-8 read as cp1252"


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=40), st.sampled_from(list(FAMILY)))
def test_every_reader_reads_any_bytes(data: bytes, reader: Reader) -> None:
    for lost in (HOLE, "?", "", MARKER):
        assert isinstance(read(data, reader, lost), str)


TWO_BYTE: tuple[Family, ...] = ("gbk", "big5")


@settings(max_examples=80, deadline=None)
@given(st.integers(0x81, 0xFE), st.integers(0x40, 0xFE), st.sampled_from(TWO_BYTE))
def test_sources_undo_what_a_reader_shows(first: int, second: int, family: Family) -> None:
    data = bytes((first, second))
    shown = data.decode(family, "ignore")
    if len(shown) == 1 and shown >= "\x80":
        assert data in sources(shown, family)


def test_sources_of_markers_holes_and_the_euro() -> None:
    assert sources(chr(INVALID_BYTE_BASE + 0x82), "gbk") == (b"\x82",)
    assert sources(HOLE, "gbk") == ()
    assert sources("\N{EURO SIGN}", "gbk") == (b"\xa2\xe3", b"\x80")
    assert read(b"\xe4\xb8\x80", "cp936") == "\u6d93\N{EURO SIGN}"
    assert sources("\xfb", "hybrid") == (b"\xfb", b"\xc3\xbb")
    assert sources("\u4f60", "latin") == ()


def test_which_bytes_are_lost() -> None:
    assert is_lost(b"\x80\xe4", "gbk")
    assert not is_lost(b"\xe4\xbd", "gbk")
    assert lost_bytes(HOLE, b"\xe4", "gb18030") == b"\x80"
    assert set(lost_bytes(HOLE, b"", "gb18030")) >= set(range(0x81, 0xFF))
    assert lost_bytes(" ", b"", "latin-1") == b"\xa0\x85"
    assert lost_bytes(" ", b"", "gbk") == b""


def test_choose_is_sure_forced_or_open() -> None:
    assert choose("款", "还", "。") == ("款", "forced", "")
    assert choose("款歀歁", "还", "。")[:2] == ("款", "likely")
    assert choose("", "还", "。")[:2] == (HOLE, "open")


@pytest.mark.parametrize(
    "text", ["\u4e00\u4e2a\u6708\u8fd8\u4e00\u6b21", "\u6cd5\u9662\u300a\u5224\u51b3\u4e66\u300b\u4e00\u4efd"]
)
def test_a_euro_sign_is_one_byte_or_two(text: str) -> None:
    for reader in ("cp936", "gb18030"):
        span = read(text.encode(), reader, MARKER)
        assert as_bytes(span, "gbk") == text.encode()


def test_utf8_with_holes() -> None:
    span = damage("应当按时还款，\n", (Step("utf-8", "gbk"),))
    _, reading = next(iter(solve_utf8(span, "gbk")))
    pieces = list(reading)
    assert join(pieces) == "应当按时还款，\n"
    assert [piece.kind for piece in pieces] == ["known", "likely", "known"]
    assert pieces[-1].end == len(span)


@pytest.mark.parametrize("reader", ["gbk", "gb18030"])
@pytest.mark.parametrize("times", [2, 3])
def test_layers_that_lost_bytes_are_undone_as_one(reader: Reader, times: int) -> None:
    text = "借款人应当主动联系平台，协商分期还款的方案，不要失联。"
    found = peel(damage(text, (Step("utf-8", reader),) * times))
    assert found is not None
    assert len(found.chain) == times and not found.sure
    assert damage(found.text, found.chain) == damage(text, found.chain)
    assert sum(one == two for one, two in zip(found.text, text, strict=True)) >= len(text) - 2


def test_layers_of_several_decoders() -> None:
    text = "借款人应当主动联系平台，协商分期还款的方案。"
    chain = (Step("utf-8", "latin-1"), Step("utf-8", "latin-1"), Step("utf-8", "gb18030"))
    found = peel(damage(text, chain))
    assert found is not None and found.text == text and found.sure


@pytest.mark.parametrize(
    "text", ["借款人应当主动联系平台", "", "abc", "\xe9\xe8\xe0", damage("还款", (Step("utf-8", "gbk"),))]
)
def test_one_layer_or_none_is_not_several(text: str) -> None:
    assert peel(text) is None


def test_pairs_after_a_lost_byte_find_their_step() -> None:
    text = "曾在殡仪馆任职，每天和死亡打交道"
    span = damage(text, (Step("gb18030", "big5"),))
    readings = [join(pieces) for pieces in solve_pairs(span, "big5", "gb18030")]
    assert readings[0] == text[:-1] + HOLE  # both bytes of the last one are gone


def test_hybrid_choices() -> None:
    text = "没有路可以走，只好和平台协商"
    span = damage(text, (Step("gb18030", "hybrid"),))
    assert join(solve_hybrid(span, "gb18030")) == text
    assert len(solve_hybrid("\u4f60\ud800", "gb18030")) == 0 or len(solve_hybrid("\u4f60", "gb18030")) > 0
    assert characters_table("gb18030")[0xC4E3] == "你"


def test_bytes_of_a_span() -> None:
    assert as_bytes("\xc4\xe3\u20ac" + HOLE, "latin") == b"\xc4\xe3\x80\xff"
    assert as_bytes("你", "latin") is None
    assert as_bytes("浣" + HOLE, "gbk") == b"\xe4\xbd\xff"
    assert mostly_utf8("你好".encode())
    assert not mostly_utf8("你好吗朋友".encode("gb18030"))


def test_attempt_proves_what_it_reads() -> None:
    span = damage("借款人应当按时还款", (Step("utf-8", "latin-1"),))
    trial = attempt(span, ("latin", "utf-8"))
    assert trial is not None
    assert trial.proved and trial.evident
    assert trial.text(span) == "借款人应当按时还款"
    assert attempt("借款人", ("latin", "utf-8")) is None


def test_short_results_need_more() -> None:
    assert not reads_as_chinese("\u6d63\u72b2", "的的", ("gbk", "big5hkscs"), established=False)
    assert not reads_as_chinese("\xe1\xe1 L\xe1\xe1", "後 L後", ("latin", "gb18030"), established=False)
    assert reads_as_chinese("\xc4\xe3\xba\xc3", "你好", ("latin", "gb18030"), established=False)


def test_regions() -> None:
    line = "标题：" + damage("应当按时还款", (Step("utf-8", "gb18030"),)) + "（完）"
    region = next(iter(utf8_regions(line)))
    assert line[region.start : region.end] == damage("应当按时还款", (Step("utf-8", "gb18030"),))
    assert list(utf8_regions("借款人应当按时还款")) == []
    assert list(swapped_regions("借款人应当按时还款", "gbk", "big5hkscs")) == []


def test_suspicious_lines_count_astral_characters_once() -> None:
    text = "\U0001f600\n\U00020000好\n\xc4\xe3\xba\xc3\nend"
    assert [text[start:end] for start, end in suspicious_lines(text)] == ["\xc4\xe3\xba\xc3"]


@pytest.mark.parametrize(
    "alphabet",
    ["\xc4\xe3\xba\xc3", "浣犲ソ\ufffd?", "\u05a4\u022f\xcd\xb6", "崠婓澣\ufffd", "き矗眶Τ", "锟斤拷烫"],
)
def test_hostile_input_is_read_in_bounded_steps(alphabet: str) -> None:
    from cleaning.repair.decoders import repair_decoders

    text = (alphabet * 3000)[:6000]
    assert len(repair_decoders(text).text) > 0
