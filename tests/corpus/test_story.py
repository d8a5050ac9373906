"""What a cluster tells: swaps, aligned differences, shared blocks, members in the order they were first seen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import story
from corpus.align import EDITS, align
from corpus.fingerprint import decode, fold, fold_batch
from corpus.masking import LENDER_SUFFIXES, PLACEHOLDERS, Masker, default_masker, place_names
from tests.corpus.dedup_corpus import MASKER, article, edited, entry, filled

LENDER, PLACE = PLACEHOLDERS["lender"], PLACEHOLDERS["place"]


# --- masking --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("湖南小米金融逾期处理", f"{PLACE}{LENDER}逾期处理"),
        ("河南省郑州市度小满逾期处理", f"{PLACE}{LENDER}逾期处理"),
        ("湘西土家族苗族自治州", PLACE),
        ("逾期3个月，2024年十月", "逾期个月年月"),
        ("度小满网贷逾期", f"{LENDER}逾期"),
        ("小 米，金融", LENDER),
        ("网贷逾期", "网贷逾期"),
        ("", ""),
    ],
)
def test_names_and_numbers_are_masked(text: str, masked: str) -> None:
    assert MASKER.mask(text) == masked


@given(st.text("湖南长沙小米金融度满省市逾期三3，\n", max_size=40))
def test_masking_many_texts_at_once_is_masking_each(text: str) -> None:
    texts = [text, "", text[::-1], "小米", "金融", text]
    masked = MASKER.mask_folded(fold_batch(texts))
    assert [decode(masked.row(index)) for index in range(len(texts))] == [MASKER.mask(item) for item in texts]


@given(st.text("湖南长沙小米金融度满省市逾期", max_size=30))
def test_matches_are_the_leftmost_longest_names(text: str) -> None:
    names = {*("小米金融", "度小满"), *(name for name in place_names() if set(name) <= set("湖南长沙省市"))}
    at = 0
    expected = []
    while at < len(text):
        found = max((name for name in names if text.startswith(name, at)), key=len, default="")
        if found in ("小米金融", "度小满"):
            found += max(
                (end for end in LENDER_SUFFIXES if text.startswith(end, at + len(found))), key=len, default=""
            )
        if found:
            expected.append(found)
        at += len(found) or 1
    masker = Masker(("小米金融", "度小满"), [name for name in names if name not in ("小米金融", "度小满")])
    assert [text[match.start : match.end] for match in masker.matches(text)] == expected


def test_the_same_names_make_the_same_version_in_any_order() -> None:
    assert Masker(("小米", "借呗"), ("湖南",)).version == Masker(("借呗", "小米"), ("湖南",)).version
    assert Masker(("小米",), ()).version != Masker(("借呗",), ()).version
    assert default_masker().mask("北京的微粒贷") == f"{PLACE}的{LENDER}"


# --- swaps ----------------------------------------------------------------------------------------------------------


def test_swaps_are_whole_names_with_how_often() -> None:
    left = "湖南小米金融逾期处理\n随着发展，湖南小米金融成立于2015年。\n小米金融不错"
    right = left.replace("湖南", "河南").replace("小米金融", "度小满").replace("2015", "2017")
    assert story.swaps(left, right, MASKER) == (
        story.Swap("lender", "小米金融", "度小满", 3),
        story.Swap("place", "湖南", "河南", 2),
        story.Swap("number", "2015", "2017", 1),
    )
    assert [swap.after for swap in story.swaps(right, left, MASKER)] == ["小米金融", "湖南", "2015"]


def test_a_name_swapped_for_an_unknown_one_is_told_too() -> None:
    assert story.swaps("关于小米金融逾期", "关于新新贷逾期", MASKER) == (
        story.Swap("lender", "小米金融", "新新贷", 1),
    )


def test_rewriting_is_no_swap() -> None:
    assert story.swaps("借款人需要冷静", "借款人应当冷静", MASKER) == ()
    assert story.swaps(article(1), article(1), MASKER) == ()
    assert story.swaps("小米金融" + article(1), article(2)[12:], MASKER) == ()


# --- differences ----------------------------------------------------------------------------------------------------


def test_differences_align_lines_and_characters() -> None:
    left = "标题\n第一段说的是小米金融的事情。\n第二段\n第三段"
    right = "标题\n第一段说的是度小满的事情。\n第三段\n全新的一段"
    assert list(story.render(story.differences(left, right))) == [
        "  标题",
        "~ 第一段说的是[-小米金融-]{+度小满+}的事情。",
        "- 第二段",
        "  第三段",
        "+ 全新的一段",
    ]


@given(
    st.lists(st.text("甲乙丙丁", max_size=6), max_size=8), st.lists(st.text("甲乙丙丁", max_size=6), max_size=8)
)
def test_differences_rebuild_both_texts(left: list[str], right: list[str]) -> None:
    ours, theirs = "\n".join(left), "\n".join(right)
    found = story.differences(ours, theirs)
    assert "\n".join(line for difference in found for line in difference.left) == ours
    assert "\n".join(line for difference in found for line in difference.right) == theirs
    for difference in found:
        if difference.parts:
            assert "".join(part.left for part in difference.parts) == difference.left[0]
            assert "".join(part.right for part in difference.parts) == difference.right[0]
        elif difference.operation == "equal":
            assert difference.left == difference.right


def test_aligning_hostile_texts_is_bounded() -> None:
    """Two long texts with nothing unique in them: the work stops after EDITS steps, and the rest counts as replaced."""
    left, right = "甲乙" * 4000, "乙丙甲" * 3000
    looked_at = 0

    class Counted(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            nonlocal looked_at
            looked_at += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    assert align([Counted(item) for item in left], [Counted(item) for item in right]) == []
    assert looked_at < 40 * EDITS * EDITS + 4 * (len(left) + len(right))


# --- shared blocks --------------------------------------------------------------------------------------------------


def test_shared_blocks_are_found_whatever_their_order() -> None:
    first, second = (article(seed, sentences=2) for seed in (1, 2))
    third = article(3, "度小满", "河南", sentences=2)
    left, right = f"{first}\n{second}", f"{second}，\n{third}\n{first}"
    blocks = story.shared_blocks(left, right)
    assert [left[block.left : block.left_end] for block in blocks] == [second.rstrip("。"), first.rstrip("。")]
    assert all(block.left_end - block.left >= story.BLOCK for block in blocks)
    assert story.shared_blocks(first, third[:9]) == ()


def test_stirred_texts_are_told_from_edited_ones() -> None:
    sentences = article(1, sentences=12).split("\n")
    whole, turned = "\n".join(sentences), "\n".join([*sentences[6:], *sentences[:6]])
    assert story.stirred(story.shared_blocks(whole, turned))
    assert not story.stirred(story.shared_blocks(whole, edited(whole, 12)))
    repeated = "这一句话在每一段里都要说一遍。".join(sentences)
    assert not story.stirred(story.shared_blocks(repeated, edited(repeated, 12)))
    assert not story.stirred(())


@given(st.text("甲乙丙 ", max_size=60), st.text("甲乙丙 ", max_size=60))
@settings(max_examples=60)
def test_shared_blocks_fold_alike_and_do_not_overlap(left: str, right: str) -> None:
    end = 0
    for block in story.shared_blocks(left, right):
        assert fold(left[block.left : block.left_end]) == fold(right[block.right : block.right_end])
        assert block.right >= end
        end = block.right_end


# --- clusters -------------------------------------------------------------------------------------------------------


def test_members_come_in_the_order_they_were_first_seen_with_their_swaps() -> None:
    swapped = article(1, "度小满", "河南")
    entries = [
        entry("a1", article(1), "2024-01-01", "2024-06-03T00:00:00+00:00"),
        entry("b1", swapped, "2024-01-02", "2024-06-02T00:00:00+00:00"),
        entry("c1", edited(swapped, 2), "2024-01-03", "2024-06-01T00:00:00+00:00"),
        entry("d1", article(2)),
    ]
    connection = filled(entries)
    members = story.story(connection, "a1", MASKER)
    assert [member.id for member in members] == ["c1", "b1", "a1"]
    assert [member.site for member in members] == ["c", "b", "a"]
    assert members[2].swaps == ()
    assert {(swap.before, swap.after) for swap in members[1].swaps} == {("小米金融", "度小满"), ("湖南", "河南")}
    assert story.story(connection, "d1", MASKER) == ()
