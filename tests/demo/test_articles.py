from __future__ import annotations

import random
from itertools import combinations

import pytest
from opencc import OpenCC

from demo.articles import (
    Article,
    compilation,
    near_copy,
    parse_body,
    read_articles,
    salad,
    simplified,
    swap,
    traditional_table,
)
from demo.cluster import grams, jaccard

ARTICLES = read_articles()


def test_there_are_sixty_different_articles() -> None:
    assert len(ARTICLES) >= 60
    assert len({article.title for article in ARTICLES}) == len(ARTICLES)


def test_no_two_articles_resemble_each_other() -> None:
    shingles = [grams(article.text) for article in ARTICLES]
    assert max(jaccard(left, right) for left, right in combinations(shingles, 2)) < 0.5


def test_no_sentence_stands_in_two_articles() -> None:
    lines = [line.text for article in ARTICLES for line in article.lines if len(line.text) > 12]
    assert len(lines) == len(set(lines))


def test_lengths_are_varied() -> None:
    lengths = sorted(len(article.text) for article in ARTICLES)
    assert lengths[0] < 150 < lengths[len(lengths) // 2] < 1000 < lengths[-2]


@pytest.mark.parametrize(
    ("word", "style"),
    [
        ("色情", "fraud"),
        ("赌博", "fraud"),
        ("裸聊", "fraud"),
        ("博彩", "fraud"),
        ("12378", "hotline"),
        ("APR", "english"),
    ],
)
def test_classes_that_cleaning_must_leave_alone_are_there(word: str, style: str) -> None:
    assert any(word in article.text for article in ARTICLES if article.style == style)


def test_the_gloss_annotates_simplified_common_characters() -> None:
    gloss = next(article for article in ARTICLES if article.style == "gloss")
    assert "我(wǒ)" in gloss.text


@pytest.mark.parametrize("kind", ["heading", "subheading", "paragraph", "item", "quote", "row"])
def test_every_kind_of_block_occurs(kind: str) -> None:
    assert any(line.kind == kind for article in ARTICLES for line in article.lines)


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.key)
def test_every_block_is_one_clean_line(article: Article) -> None:
    for line in article.lines:
        assert line.text == line.text.strip()
        assert line.text
        assert "\n" not in line.text


def test_markup_is_read() -> None:
    lines = parse_body("# 一\n## 1.1 二\n- 三\n> 四\n| 五 | 六 |\n七\n\n")
    assert [line.kind for line in lines] == ["heading", "subheading", "item", "quote", "row", "paragraph"]
    assert lines[4].cells() == ["五", "六"]
    assert lines[4].plain() == "五 | 六"


def swappable() -> list[Article]:
    return [article for article in ARTICLES if article.lender]


@pytest.mark.parametrize("article", swappable(), ids=lambda article: article.key)
def test_a_swapped_copy_names_only_the_new_names(article: Article) -> None:
    copy = swap(article, lender="甲乙贷", city="某市", number="十个月")
    whole = copy.title + copy.text
    assert article.lender
    assert article.lender not in whole
    assert whole.count("甲乙贷") == (article.title + article.text).count(article.lender)
    assert [line.kind for line in copy.lines] == [line.kind for line in article.lines]


def test_a_swap_without_names_changes_nothing() -> None:
    article = next(article for article in ARTICLES if not article.lender)
    assert swap(article, lender="甲乙贷", city="某市") == article


@pytest.mark.parametrize(
    "article", [a for a in ARTICLES if len(a.text) >= 250 and a.style == "advice"], ids=lambda a: a.key
)
def test_a_near_copy_is_near_and_not_equal(article: Article) -> None:
    copy = near_copy(article, random.Random(3))
    assert copy.text != article.text
    assert 0.8 <= jaccard(grams(article.text), grams(copy.text)) < 1


def test_the_script_tables_are_what_opencc_says_for_every_character_in_use() -> None:
    hans = sorted({c for a in ARTICLES if a.script == "hans" for c in a.title + a.text if c >= "\u3400"})
    hant = sorted({c for a in ARTICLES if a.script == "hant" for c in a.title + a.text if c >= "\u3400"} - {"著"})
    assert "".join(hans).translate(traditional_table()) == _one_by_one(hans, "s2tw")
    assert "".join(map(simplified, hant)) == _one_by_one(hant, "t2s")


def _one_by_one(characters: list[str], config: str) -> str:
    converted: str = OpenCC(config).convert("\n".join(characters))
    return converted.replace("\n", "")


def test_simplified_reads_the_aspect_particle() -> None:
    assert simplified("看著帳單，顯著") == "看着帐单，显著"


def test_a_site_that_forgets_characters_half_converts() -> None:
    assert "后來余額".translate(traditional_table(keep="后余")) == "后來余額"
    assert "后来".translate(traditional_table()) == "後來"


def test_traditional_text_comes_back_as_it_was() -> None:
    to_simplified = OpenCC("t2s")
    table = traditional_table(keep="后余")
    for article in ARTICLES[::9]:
        if article.script == "hans":
            back = to_simplified.convert(article.text.translate(table))
            assert back.replace("著", "着") == article.text.replace("著", "着")


def test_a_compilation_holds_its_articles_whole() -> None:
    digest = compilation(ARTICLES[:3])
    assert all(article.text in digest.text for article in ARTICLES[:3])
    assert digest.embeds == tuple(article.key for article in ARTICLES[:3])
    assert all(jaccard(grams(digest.text), grams(article.text)) < 0.8 for article in ARTICLES[:3])


def test_a_salad_takes_one_paragraph_of_each() -> None:
    spun = salad(ARTICLES[:5], random.Random(1))
    assert len(spun.lines) == 5
    assert all(any(line in article.lines for line in spun.lines) for article in ARTICLES[:5])
