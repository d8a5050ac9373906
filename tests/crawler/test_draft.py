import re
from pathlib import Path
from urllib.parse import urlsplit

from click.testing import CliRunner

from crawler.cli import site_group
from crawler.draft import Seen, declaration, pattern, patterns
from crawler.site import parse
from demo.server import DemoServer
from demo.site import build

A = "http://a.test"


def seen(path: str, *, wordy: bool, encoding: str = "gb18030", generator: str = "") -> Seen:
    return Seen(A + path, wordy, encoding, generator)


def test_shapes_become_patterns() -> None:
    pages = [
        seen("/", wordy=False),
        seen("/about.html", wordy=True),
        *(seen(f"/a/2023/0{n}12/{n}.html", wordy=n != 3) for n in range(1, 6)),
        *(seen(f"/list_{n}.html", wordy=False) for n in range(3)),
        *(seen(f"/show.php?id={n}", wordy=True) for n in range(3)),
    ]
    assert patterns(pages) == ([r"^/a/\d+/\d+/\d+\.html$", r"^/show\.php\?id=\d+$"], [r"^/list_\d+\.html$"])


def test_a_pattern_fits_its_like_and_nothing_else() -> None:
    for path, like, unlike in (
        ("/post/12.html", "/post/7.html", "/post/x.html"),
        ("/show.php?id=1&p=2", "/show.php?id=33&p=4", "/showXphp?id=33&p=4"),
        ("/x/8f3a21bc99aa77", "/x/0011aabbccddeeff", "/x/y/0011aabbccddeeff"),
    ):
        found = pattern(A + path)
        parts = urlsplit(A + like)
        assert re.search(found, parts.path + (f"?{parts.query}" if parts.query else ""))
        assert not re.search(found, unlike)


def test_a_draft_is_a_valid_declaration() -> None:
    text = declaration(f"{A}/", [seen(f"/post/{n}.html", wordy=True, generator="Z-BlogPHP 1.7") for n in range(3)])
    site = parse(text, "drafted.toml")
    assert site.charset == "gb18030"
    assert site.scope.hosts == {"a.test"}
    assert site.patterns.page_type(f"{A}/post/77.html") == "article"
    assert "made by zblog" in text


def test_a_draft_of_a_real_site(tmp_path: Path) -> None:
    with DemoServer(build(slow_seconds=0.0)) as server:
        mapped = [
            f"--host={name}={endpoint}" for name, endpoint in server.hosts.items() if name.endswith("yuqi-f.test")
        ]
        result = CliRunner().invoke(
            site_group, ["new", "http://www.yuqi-f.test/", "--pages", "8", "--delay", "0", *mapped]
        )
    assert result.exit_code == 0, result.stderr
    site = parse(result.stdout, "drafted.toml")
    assert site.patterns.page_type("http://www.yuqi-f.test/news/12345.html") == "article"
    assert site.charset == "big5hkscs"
