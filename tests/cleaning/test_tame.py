"""What a page may do to the parser is bounded before it is parsed, and ordinary pages pass untouched."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.dom import parse
from cleaning.tame import MAX_ATTRIBUTES, MAX_CHARS, MAX_DEPTH, MAX_NAMES, names, tame, utf8

TEXT = "逾期以后先和平台联系，说明困难，提出每月能够承担的金额。"


def attributes(page: str) -> int:
    """Return the most attributes that any element of a page has."""
    return max((len(node.attributes) for node in parse(page).css("*")), default=0)


@pytest.mark.parametrize(
    "form",
    ["x{}=1 ", "x{} ", "x{}<=1 ", "x{}/", "x{}='1'", 'x{}="1"', "x{}<a =1 ", "x{}</=1 "],
)
def test_attributes_of_a_tag_are_bounded_however_they_are_set_apart(form: str) -> None:
    page = "<a " + "".join(form.format(number) for number in range(5000)) + f">{TEXT}"
    assert attributes(page) <= MAX_ATTRIBUTES + 1
    assert TEXT in (parse(page).text() or "")


@pytest.mark.parametrize("form", ["<p x{}=1>", "<p x{}>", "<x{}>a</x{}>"])
def test_names_of_a_big_page_are_bounded(form: str) -> None:
    count = 3 * MAX_NAMES
    page = "".join(form.replace("{}", f"{number:020}") for number in range(count)) + TEXT
    tamed = tame(page)
    assert f"{count - 1:020}=" not in tamed
    assert f"<x{count - 1:020}" not in tamed
    assert tamed.endswith(TEXT)


def test_a_page_of_many_attributes_of_few_names_stays() -> None:
    page = "".join(f'<p class="row" id="r{number}">{TEXT}</p>' for number in range(9000))
    assert tame(page) == page


@pytest.mark.parametrize(
    "page",
    [
        f'<img src="data:image/png;base64,{"iVBORw0K/" * 2000}"><p>{TEXT}</p>',
        f'<div style="background:url(x)" data-text="{TEXT * 200}">{TEXT}</div>',
        f"<script>{'if (i<n) { a(i, n) } ' * 20}{'var a = 1; ' * 100}</script><p>{TEXT}</p>",
        f"<i class=icon></i><b class=hot>{TEXT}</b><font color=red>{TEXT}</font>" * 20,
        "<ul>" + "<li>".join([TEXT] * 3000) + "</ul>",
    ],
)
def test_ordinary_pages_are_not_touched(page: str) -> None:
    assert tame(page) == page
    assert utf8(page) == page.encode()


def test_formatting_left_open_goes() -> None:
    page = "".join(f"<fOnt color={number}>" for number in range(300)) + f"<p>{TEXT}</p>" * 50
    assert "<fOnt" not in tame(page)
    assert tame(page).count(TEXT) == 50


def test_depth_and_length_are_bounded() -> None:
    assert tame("<section>" * 20_000 + TEXT).count("<section>") == MAX_DEPTH
    assert len(tame("字" * (MAX_CHARS + 1))) == MAX_CHARS


@given(st.text(alphabet="<>/ab p=\"' 字\ud800", max_size=60))
@settings(max_examples=100, deadline=None)
def test_small_pages_pass_as_they_are(page: str) -> None:
    assert tame(page) == page
    assert utf8(page) == page.encode("utf-8", "replace")


def test_names_are_a_set_of_words() -> None:
    assert names("a b\n c") == {"a", "b", "c"}
