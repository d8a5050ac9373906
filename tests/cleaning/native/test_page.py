"""What is counted compiled of a page's bytes and lines is what Python counts."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning import blocks, decode, dom, tame, view
from cleaning.native import available

native = available("_page")
pytestmark = pytest.mark.skipif(native is None, reason="cleaning.native._page is not built")

TEXT = "借款人逾期以後應當主動聯繫銀行 APR 24%。\N{EURO SIGN}\U00020547\u00ca\u0304"
CODECS = ("gb18030", "big5hkscs")


def two_bytes(body: bytes, codec: str) -> str | None:
    assert native is not None
    read: str | None = native.two_bytes(body, decode._pairs(codec))
    return read


def read(body: bytes, codec: str) -> str | None:
    """Return what Python's codec reads, None where something is undecodable."""
    try:
        return body.decode(codec)
    except UnicodeDecodeError:
        return None


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.one_of(st.characters(codec="gb18030"), st.sampled_from(TEXT)), max_size=40), st.sampled_from(CODECS)
)
def test_text_of_pairs_is_read_as_the_codec_reads_it(text: str, codec: str) -> None:
    body = text.encode(codec, "ignore")
    assert two_bytes(body, codec) in (None, read(body, codec))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=40), st.sampled_from(CODECS))
def test_bytes_are_never_read_in_another_way_than_by_the_codec(body: bytes, codec: str) -> None:
    assert two_bytes(body, codec) in (None, read(body, codec))


@pytest.mark.parametrize("codec", CODECS)
def test_all_pairs_and_common_text(codec: str) -> None:
    pairs = [bytes((lead, trail)) for lead in range(0x80, 0x100) for trail in range(0x100)]
    assert all(two_bytes(pair, codec) in (None, read(pair, codec)) for pair in pairs)
    common = "逾期協商 APR\r\n" * 50
    assert two_bytes(common.encode(codec), codec) == common
    assert two_bytes(b"", codec) == "" and two_bytes(b"abc", codec) == "abc"
    assert two_bytes(common.encode(codec) + b"\xb0", codec) is None
    assert two_bytes(b"\x80" + common.encode(codec), codec) is None


def test_damaged_pages_are_read_alike_with_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"<meta charset=gbk><p>{'借款人逾期以后应当主动联系银行。' * 30}</p>".encode("gbk")
    bodies = [page, page[:-31], page.replace(b"\xd2\xf8", b"\xd2", 3), b"\x80" + page, page + b"\x81\x30\x84\x36"]
    compiled = [decode.decode(body) for body in bodies]
    monkeypatch.setattr(decode, "_NATIVE", None)
    assert compiled == [decode.decode(body) for body in bodies]


fragments = st.one_of(
    st.sampled_from(
        [
            b"\x81",
            b"\x81\x30",
            b"\x81\x30\x81",
            b"\x81\x30\x84\x36",
            b"\n",
            b"\xff",
            b"\x80",
            b"\x88\x62",
            b"<a>",
            b"\r",
        ]
    ),
    st.sampled_from(["逾期", "協商，", "a ", "\u3000", "银行。" * 150]).map(lambda text: text.encode("gb18030")),
    st.sampled_from(["逾期", "協商，", "銀行。" * 150]).map(lambda text: text.encode("big5hkscs", "ignore")),
    st.binary(max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(fragments, max_size=12).map(b"".join), st.sampled_from(["gb18030", "big5hkscs", "utf-8"]))
def test_samples_are_taken_and_scored_alike(body: bytes, codec: str) -> None:
    assert native is not None
    assert native.stretches(body, 400) == decode._stretches(body, 400)
    compiled = decode.score(body, codec), decode.score(decode._sample(body), codec)
    with mock.patch.object(decode, "_NATIVE", None):
        assert compiled == (decode.score(body, codec), decode.score(decode._sample(body), codec))


def test_tables_of_another_size_are_refused() -> None:
    assert native is not None
    with pytest.raises(ValueError, match="entries"):
        native.two_bytes(b"abc", b"\0" * 65536)
    with pytest.raises(ValueError, match="entries"):
        native.score(b"abc", b"\0" * 131072, b"\0" * 3)
    with pytest.raises(ValueError, match="entries"):
        native.tags(b"<b>", b"\0" * 131072, 10)


pieces = st.one_of(
    st.sampled_from(
        ["<b ", "<B>", "<br", "<", ">", "<i\n", "<font a=1>", "<p>", "</b>", "<strong ", "甲", "a" * 2500]
    ),
    st.builds(
        "{}{}".format, st.sampled_from(["x=1 " * 700, "-" * 1001, "<" * 30]), st.sampled_from(["", ">", "<u "])
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(pieces, max_size=30).map("".join))
def test_tags_are_counted_alike(page: str) -> None:
    assert native is not None
    data = page.encode()
    assert native.tags(data, tame._STARTS, tame.LONG_TAG) == tame._tags(data)


@pytest.mark.parametrize("page", ["", "<", ">", "<b", "><", ">" * 3000, "<" * 3000, "a" * 5000, "<b >" * 5000])
def test_ends_of_pages_are_counted_alike(page: str) -> None:
    assert native is not None
    data = page.encode()
    assert native.tags(data, tame._STARTS, tame.LONG_TAG) == tame._tags(data)


def test_more_tags_than_are_looked_at_are_told_by_their_number() -> None:
    assert native is not None
    data = b"<b >" * (tame.MAX_UNCHECKED + 1)
    assert native.tags(data, tame._STARTS, tame.LONG_TAG)[0] == tame._tags(data)[0] > tame.MAX_UNCHECKED


def test_a_gap_has_a_length() -> None:
    assert native is not None
    with pytest.raises(ValueError, match="length"):
        native.tags(b"<b>", tame._STARTS, 0)


SENTENCES = st.sampled_from(
    [
        "借款人逾期以后应当主动联系银行。",
        "首页",
        "甲，乙",
        "a b c",
        "x" * 70,
        "《甲》（乙）",
        "“甲”",
        "本站转载声明：版权，侵权，删除，责任。",
        "!",
        "12)",
    ]
)
lines = st.builds(
    lambda text, owner, linked, hidden: dom.Line(text, owner, min(linked, len(text)), 0, hidden),
    st.lists(SENTENCES, min_size=1, max_size=6).map("".join),
    st.integers(0, 11),
    st.sampled_from([0, 0, 1, 7, 500]),
    st.booleans(),
)
pages = st.builds(
    lambda ups, found: ([0, *(max(0, element - up) for element, up in enumerate(ups))], found),
    st.lists(st.integers(0, 3), min_size=11, max_size=11),
    st.lists(lines, max_size=25),
)


@settings(max_examples=200, deadline=None)
@given(pages)
def test_lines_weigh_alike(page: tuple[list[int], list[dom.Line]]) -> None:
    assert native is not None
    parents, found = page
    asked = (found, parents, blocks.is_disclaimer, blocks.SIGNS_OF_DISCLAIMERS, view.LONG, view.MARKED_SHARE)
    assert native.weigh(*asked) == view._weigh(*asked)


def test_every_sign_of_a_declaration_has_a_character_that_is_looked_for() -> None:
    assert all(set(word) & set(blocks.SIGNS_OF_DISCLAIMERS) for word in blocks._SIGNS_OF_LEGAL)


@pytest.mark.parametrize(("owner", "parents"), [(3, [0, 0]), (-1, [0, 0]), (1, [0, 2, 0]), (1, [0, -1])])
def test_elements_in_no_order_are_refused(owner: int, parents: list[int]) -> None:
    assert native is not None
    with pytest.raises(ValueError, match="element"):
        native.weigh([dom.Line("甲" * 30, owner)], parents, blocks.is_disclaimer, "", view.LONG, view.MARKED_SHARE)


@settings(max_examples=200, deadline=None)
@given(pages, st.text(st.sampled_from("借款人逾期首页甲乙abx。 12"), max_size=20))
def test_lines_like_a_headline_are_the_same(page: tuple[list[int], list[dom.Line]], stated: str) -> None:
    assert native is not None
    for most in (0, 5, 3000):
        assert native.alike(page[1], most, stated, 4, 150) == list(view._alike(page[1], most, stated, 4, 150))
    for sign in "a>逾":
        assert native.holding(page[1], sign) == dom._holding(page[1], sign)


MARKS: list[blocks.Mark] = ["", "", "hidden", "nav", "comment"]


@settings(max_examples=200, deadline=None)
@given(pages, st.lists(st.sampled_from(MARKS), min_size=12, max_size=12), st.integers(0, 11), st.data())
def test_marks_and_what_stands_near_are_the_same(
    page: tuple[list[int], list[dom.Line]], own: list[blocks.Mark], top: int, data: st.DataObject
) -> None:
    parents, found = page
    tags = data.draw(st.lists(st.sampled_from(["div", "p", "section", "li"]), min_size=12, max_size=12))
    hints = data.draw(st.lists(st.sampled_from(["", " ", "a b"]), min_size=12, max_size=12))
    flat = dom.Dom(tags, parents, hints, set(), {}, found)
    head = view.Head("借款人逾期首页", {}, "")
    told = []
    for compiled in (native, None):
        with mock.patch.object(view, "_NATIVE", compiled):
            seen = view.look(flat, head)
            told.append((seen, view.inherit(flat, own), view.inherit(flat, own, top)))
    assert told[0] == told[1]
