from pathlib import Path

import pytest

from crawler.site import Budget, SiteError, cms_of, declared, from_url, known_cms, load, parse, resolve_target

MINIMAL = 'seeds = ["http://a.test/"]\n'


def test_a_minimal_declaration() -> None:
    site = parse(MINIMAL, "mine.toml")
    assert site.name == "mine"
    assert site.scope.hosts == {"a.test", "www.a.test"}
    assert site.declared
    assert site.patterns.page_type("http://a.test/x") is None


def test_a_full_declaration() -> None:
    site = parse(
        MINIMAL
        + """
        name = "n"
        hosts = ["A.test", "例子.测试"]
        subdomains = true
        charset = "gbk"
        sitemaps = ["http://a.test/map.xml"]
        [follow]
        article = ['/post/\\d+']
        list = ['page=']
        skip = ['/post/0']
        strict = true
        [select]
        body = "div.content"
        drop = [".ad"]
        [rate]
        delay = 1.5
        concurrency = 1
        [expect]
        min = 2
        max = 3
        """,
        "x.toml",
    )
    assert site.scope.hosts == {"a.test", "xn--fsqu00a.xn--0zwm56d"}
    assert [
        site.patterns.page_type(f"http://a.test{path}") for path in ("/post/1", "/?page=2", "/post/0", "/z")
    ] == [
        "article",
        "list",
        "skip",
        None,
    ]
    assert site.selectors.body == "div.content"
    assert site.selectors.drop == (".ad",)
    assert (site.delay, site.concurrency) == (1.5, 1)
    assert site.unexpected(1) is not None
    assert site.unexpected(2) is None
    assert site.unexpected(4) is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sedes = []", "did you mean seeds"),
        ("nonsense = 1", "known are name"),
        ("seeds = []", "no seeds"),
        ("seeds = 'http://a.test/'", "must be a list"),
        ("seeds = [1]", "list of strings"),
        ("seeds = ['ftp://a.test/']", "not http"),
        ("seeds = [", "not valid TOML"),
        (MINIMAL + "a." * 50_000 + "a = 1", "line 2: a key of fifty parts"),
        (MINIMAL + "['a' . " + '"b" . ' * 50 + "c]", "a key of fifty parts"),
        (MINIMAL + "a." * 48 + "a = 1", "unknown key a"),
        (MINIMAL + "hosts = ['b.test']", "outside hosts"),
        (MINIMAL + "hosts = ['http://b.test']", "bare host names"),
        (MINIMAL + "sitemaps = ['http://b.test/x']", "outside hosts"),
        (MINIMAL + "charset = 'klingon'", "charset"),
        (MINIMAL + "follow.article = ['(']", "not a regular expression"),
        (MINIMAL + "follow.strict = true", "would follow nothing"),
        (MINIMAL + "follow.artikel = []", "did you mean follow.article"),
        (MINIMAL + "select.body = '>>'", "not a CSS selector"),
        (MINIMAL + "rate.delay = -1", "not between"),
        (MINIMAL + "rate.concurrency = 99", "not between"),
        (MINIMAL + "rate.delay = true", "must be a number"),
        (MINIMAL + "expect.min = 5\nexpect.max = 4", "larger than"),
    ],
)
def test_mistakes_are_named(text: str, message: str) -> None:
    with pytest.raises(SiteError, match=r"x\.toml") as caught:
        parse(text, "x.toml")
    assert message in str(caught.value)


def test_dots_that_are_no_key_are_let_through() -> None:
    host = ".".join("abcdefghij")
    dots = f"seeds = ['http://{host}.test/'] # {'.' * 200} {'1. ' * 3}\nhosts = ['{host}.test']\n"
    assert parse(dots, "x.toml").seeds == (f"http://{host}.test/",)


def test_a_start_url_is_a_site() -> None:
    site = from_url("http://www.a.test/list?x=1")
    assert site.name == "a.test"
    assert site.scope.hosts == {"a.test", "www.a.test"}
    assert not site.declared
    assert from_url("http://127.0.0.1:8000/").scope.hosts == {"127.0.0.1"}


def test_targets(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(MINIMAL, "utf-8")
    assert resolve_target(str(path)).name == "own"
    assert resolve_target("own", (tmp_path,)).name == "own"
    assert resolve_target("demo-a").declared
    assert resolve_target("a.test").seeds == ("http://a.test/",)
    assert resolve_target("https://a.test/x").seeds == ("https://a.test/x",)
    with pytest.raises(SiteError, match="did you mean demo-"):
        resolve_target("demo-x")
    for wrong in ("nothing-of-this", "ftp://a.test/", str(tmp_path / "missing.toml")):
        with pytest.raises(SiteError):
            resolve_target(wrong)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SiteError, match="can't be read"):
        load(path)


def test_budgets() -> None:
    site = parse(MINIMAL + "\n[budget]\npages = 9\nbytes = 1000\nseconds = 2.5\ndepth = 3\n", "a.toml")
    assert site.budget == Budget(9, 1000, 2.5, 3)
    assert site.spent(8, 999, 2.4) is None
    assert [site.spent(9, 0, 0), site.spent(0, 1000, 0), site.spent(0, 0, 2.5)] == [
        "page budget",
        "byte budget",
        "time budget",
    ]
    assert parse(MINIMAL, "a.toml").spent(10**9, 10**12, 1e9) is None
    with pytest.raises(SiteError, match="pages = 0 is not between"):
        parse(MINIMAL + "\n[budget]\npages = 0\n", "a.toml")
    with pytest.raises(SiteError, match=r"did you mean budget\.pages"):
        parse(MINIMAL + "\n[budget]\npage = 3\n", "a.toml")


def test_every_shipped_declaration_is_valid() -> None:
    assert {"demo-a", "demo-b", "demo-c", "demo-d", "demo-e", "demo-f"} <= set(declared())
    assert all(name == site.name for name, site in declared().items())


@pytest.mark.parametrize(
    ("generator", "name", "article", "listing"),
    [
        ("Z-BlogPHP 1.7.3", "zblog", "/post/12.html", "/category-1_2.html"),
        ("DedeCMS V57", "dedecms", "/a/2023/0512/88.html", "/list_1_2.html"),
        ("EmpireCMS", "empirecms", "/news/2023-05-12/88.html", "/news/index_2.html"),
        ("WordPress 6.4", "wordpress", "/2023/05/overdue/", "/category/loans/"),
    ],
)
def test_cms_patterns(generator: str, name: str, article: str, listing: str) -> None:
    cms = cms_of(generator)
    assert cms is not None
    assert cms.name == name
    assert cms.patterns.page_type(f"http://a.test{article}") == "article"
    assert cms.patterns.page_type(f"http://a.test{listing}") == "list"
    assert cms.patterns.page_type("http://a.test/about.html") is None


def test_unknown_generators() -> None:
    assert cms_of("Hugo 0.1") is None
    assert len(known_cms()) >= 4
