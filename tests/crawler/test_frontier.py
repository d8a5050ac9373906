import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.frontier import (
    MAX_URL_LENGTH,
    Scope,
    UrlError,
    canonical,
    excluded,
    explain,
    extension,
    host_of,
    requestable,
    resolve,
    shape,
    trap,
    twin,
)

CASES = json.loads((Path(__file__).parent / "data" / "urls.json").read_text("utf-8"))

hosts = st.sampled_from(["a.test", "WWW.a.TEST", "例子.测试", "127.0.0.1", "[::1]", "b.test:80", "b.test:8080"])
pieces = st.text(st.sampled_from("abZ09%2eEfF/.~ +&=;?#逾期\\é\u00a0"), max_size=30)
urls = st.builds("{}://{}/{}?{}".format, st.sampled_from(["http", "HTTPS"]), hosts, pieces, pieces)


@pytest.mark.parametrize(("name", "url", "expected"), CASES["same"], ids=[case[0] for case in CASES["same"]])
def test_canonical_form(name: str, url: str, expected: str) -> None:
    assert canonical(url) == expected


@pytest.mark.parametrize(
    ("name", "one", "other"), CASES["different"], ids=[case[0] for case in CASES["different"]]
)
def test_what_may_differ_stays_apart(name: str, one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize("url", CASES["refused"])
def test_refused(url: str) -> None:
    with pytest.raises(UrlError):
        canonical(url)


@given(urls)
@settings(max_examples=300)
def test_canonical_is_idempotent_and_ascii(url: str) -> None:
    try:
        once = canonical(url)
    except UrlError:
        return
    assert canonical(once) == once
    assert once.isascii()
    assert explain(once).why == ()


@given(urls)
@settings(max_examples=300)
def test_the_requestable_form_has_the_same_key(url: str) -> None:
    try:
        key = canonical(url)
    except UrlError:
        return
    assert canonical(requestable(url)) == key


@given(st.text(max_size=200))
@settings(max_examples=300)
def test_any_text_is_a_url_or_refused(text: str) -> None:
    for candidate in (text, "http://a.test/" + text, "http://" + text):
        try:
            assert canonical(candidate).isascii()
        except UrlError as error:
            assert str(error)


def test_the_query_is_in_the_encoding_of_the_page() -> None:
    assert canonical("http://a.test/s?wd=逾期", charset="gb18030") == "http://a.test/s?wd=%D3%E2%C6%DA"
    assert canonical("http://a.test/s?wd=逾期") == "http://a.test/s?wd=%E9%80%BE%E6%9C%9F"
    assert canonical("http://a.test/s?wd=逾期", charset="no-such-codec") == canonical("http://a.test/s?wd=逾期")


def test_the_requestable_form_keeps_what_a_server_may_care_about() -> None:
    assert requestable("http://a.test/x?b=2&utm_source=q&a=1#f") == "http://a.test/x?b=2&a=1"
    assert requestable("http://a.test/x?q=a+b") == "http://a.test/x?q=a+b"


def test_rules_are_named() -> None:
    assert explain("HTTP://A.test:80/x?b=1&a=2&spm=1#f").why == (
        "host", "default-port", "tracking", "parameter-order", "fragment",
    )  # fmt: skip


def test_too_long() -> None:
    canonical("http://a.test/" + "x" * (MAX_URL_LENGTH - 20))
    for url in ("http://a.test/" + "x" * MAX_URL_LENGTH, "http://a.test/" + "逾" * MAX_URL_LENGTH):
        with pytest.raises(UrlError, match="longer"):
            canonical(url)


@pytest.mark.parametrize(("url", "expected"), CASES["traps"])
def test_traps_by_shape(url: str, expected: str | None) -> None:
    assert trap(canonical(url)) == expected


@pytest.mark.parametrize(("one", "other", "alike"), CASES["shapes"])
def test_shapes(one: str, other: str, alike: bool) -> None:
    assert (shape(one) == shape(other)) is alike


def test_scope() -> None:
    narrow = Scope(frozenset({"a.test", "www.a.test"}))
    wide = Scope(frozenset({"a.test"}), subdomains=True)
    assert "http://www.a.test/x" in narrow
    assert "http://b.a.test/x" not in narrow
    assert "http://b.a.test/x" in wide
    assert "http://nota.test/x" not in wide
    assert "http://a.test.evil.test/x" not in wide


def test_excluded_says_why() -> None:
    scope = Scope(frozenset({"a.test"}))
    assert excluded("http://b.test/x", scope) == "off-scope"
    assert excluded("http://a.test/x.JPG", scope) == "file-type"
    assert excluded("http://a.test/x.html?file=y.jpg", scope) is None
    assert excluded("http://a.test/x.abc", scope, extensions=("abc",)) == "file-type"
    assert excluded("http://a.test/a/b/a/b/", scope) == "repeating-path"


def test_small_helpers() -> None:
    assert host_of("http://u@A.test:81/x?y=http://b.test/") == "a.test"
    assert host_of("http://[::1]:81/x") == "[::1]"
    assert twin("a.test") == "www.a.test"
    assert twin("www.a.test") == "a.test"
    assert extension("http://a.test/x.tar.GZ?a=b.html") == "gz"
    assert extension("http://a.test/v1.2/x") == ""
    assert resolve("http://a.test/b/c.html", "../d?x=1") == "http://a.test/d?x=1"
    with pytest.raises(UrlError):
        resolve("http://a.test/", "http://[::1/")
