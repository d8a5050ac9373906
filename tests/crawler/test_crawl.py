"""Real crawls in child processes: the demo's sites, kills, and a server that misbehaves."""

import gzip
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from scrapy.settings import Settings
from scrapy.spiderloader import SpiderLoader
from warcio.archiveiterator import ArchiveIterator

from corpus.store import Corpus
from crawler.run import CrawlError, crawl
from crawler.session import CrawlSummary, Limits
from crawler.site import SiteError
from demo.server import DemoServer
from demo.site import Demo, build
from tests.corpus.test_store import rows
from tests.crawler.hostile import RAW, HostileServer, article_paths

ROOT = Path(__file__).parents[2]
SITES = ["demo-a", "demo-b", "demo-c", "demo-d", "demo-e", "demo-f"]


@pytest.fixture(scope="module")
def demo() -> Demo:
    return build(slow_seconds=0.2)


@pytest.fixture(scope="module")
def server(demo: Demo) -> Iterator[DemoServer]:
    with DemoServer(demo) as running:
        yield running


@pytest.fixture(scope="module")
def crawled(server: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CrawlSummary]:
    path = tmp_path_factory.mktemp("crawl") / "c.db"
    return path, crawl(path, SITES, hosts=server.hosts, retry_base=0.05, contact="https://example.org/why")


def fetched(path: Path) -> Counter[str]:
    with sqlite3.connect(path) as connection:
        return Counter(url for (url,) in connection.execute("SELECT url FROM fetches"))


def state(path: Path, url: str) -> tuple[str, str | None]:
    with sqlite3.connect(path) as connection:
        row = connection.execute("SELECT state, why FROM frontier WHERE key = ?", [url]).fetchone()
    return row[0], row[1]


def test_every_article_is_collected(demo: Demo, crawled: tuple[Path, CrawlSummary]) -> None:
    have = fetched(crawled[0])
    missing = [
        gold.url
        for gold in demo.gold
        if gold.kind in ("article", "list", "error", "redirect")
        and gold.url not in have
        and gold.twin_of not in have
        # The bare host was proved to be the other's twin, so the rest of it was left out.
        and gold.url.replace("//", "//www.", 1) not in have
    ]
    assert missing == []


def test_robots_and_traps_are_kept_out(demo: Demo, crawled: tuple[Path, CrawlSummary]) -> None:
    path, summary = crawled
    have = fetched(path)
    assert [gold.url for gold in demo.gold if gold.kind == "disallowed" and gold.url in have] == []
    assert sum("/calendar/" in url for url in have) <= 15
    assert sum("/tag/loan/" in url for url in have) <= 15
    assert summary.why_not["robots"] >= 2
    assert state(path, "http://www.yuqi-c.test/private/members.html") == ("excluded", "robots")


def test_nothing_is_fetched_twice_but_what_failed(crawled: tuple[Path, CrawlSummary]) -> None:
    path, summary = crawled
    twice = {url for url, count in fetched(path).items() if count > 1}
    assert all(state(path, url)[0] == "failed" for url in twice)
    assert summary.reason == "finished"
    assert set(summary.states) == {"done", "excluded", "failed"}
    assert all(summary.articles[site] >= 10 for site in SITES)


def test_the_archive_holds_responses_as_received(demo: Demo, crawled: tuple[Path, CrawlSummary]) -> None:
    seen = 0
    for warc in sorted(crawled[0].with_name("c.archive").glob("*.warc.gz")):
        with warc.open("rb") as stream:
            for record in ArchiveIterator(stream, check_digests="raise"):
                if record.rec_type != "response":
                    continue
                url = record.rec_headers.get_header("WARC-Target-URI")
                body = record.raw_stream.read()
                names = [name for name, _ in record.http_headers.headers]
                assert names[:2] == ["Server", "Date"]
                assert int(record.http_headers.get_statuscode()) == demo.respond(url).status
                if record.http_headers.get_header("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert body == demo.respond(url).body
                seen += 1
    assert seen == sum(fetched(crawled[0]).values())


def kill_during(path: Path, server: DemoServer, after: float) -> bool:
    """Start a crawl in a process of its own and kill it after some seconds of fetching; return whether it was alive."""
    request = {
        "settings": {"YUQI_HOSTS": server.hosts, "YUQI_RETRY_BASE": 0.05},
        "arguments": {"site": ["demo-f"], "db": str(path)},
    }
    process = subprocess.Popen([sys.executable, "-m", "crawler"], stdin=subprocess.PIPE, cwd=ROOT)
    assert process.stdin is not None
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    archive = path.with_name(path.stem + ".archive")
    sizes = sum(file.stat().st_size for file in archive.glob("*"))
    while process.poll() is None and sum(file.stat().st_size for file in archive.glob("*")) <= sizes:
        time.sleep(0.005)
    time.sleep(after)
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.stdin.close()
    process.wait()
    return alive


def test_kill_9_loses_and_doubles_nothing(
    server: DemoServer, crawled: tuple[Path, CrawlSummary], tmp_path: Path
) -> None:
    path = tmp_path / "k.db"
    deaths = [kill_during(path, server, after) for after in (0.0, 0.02)]
    assert any(deaths)
    summary = crawl(path, ["demo-f"], hosts=server.hosts, retry_base=0.05)
    assert summary.reason == "finished"
    undisturbed = {url: count for url, count in fetched(crawled[0]).items() if "yuqi-f.test/" in url}
    assert fetched(path) == undisturbed

    # What was cleaned beside the killed runs, and what was left of them, is what a rebuild makes.
    with Corpus(path) as corpus:
        corpus.derive_pending()
        live = rows(corpus)
        corpus.rebuild()
        assert rows(corpus) == live
    again = crawl(path, ["demo-f"], hosts=server.hosts, retry_base=0.05)
    assert again.fetched == 1
    assert fetched(path) == {**undisturbed, "http://www.yuqi-f.test/": 2}


def test_plain_scrapy_works(server: DemoServer, tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    hosts = json.dumps(server.hosts).replace(" ", "")
    command = f"crawl articles -a site=demo-f -a db={path} -a pages=3 -s YUQI_HOSTS={hosts}".split()
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", *command], cwd=ROOT, capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b""
    assert sum(not url.endswith("robots.txt") for url in fetched(path)) == 3
    with Corpus(path, readonly=True) as corpus:
        assert corpus.db.execute("SELECT count(*) FROM fetches WHERE derived = 0").fetchone()[0] == 0
        assert corpus.count("documents") + corpus.count("rejections") == corpus.count("fetches")


def test_the_command_makes_documents_of_what_it_fetched(server: DemoServer, tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    hosts = [part for name, endpoint in server.hosts.items() for part in ("--host", f"{name}={endpoint}")]
    command = [sys.executable, "-m", "yuqi", "crawl", str(path)]
    first = subprocess.run(
        [*command, "demo-f", *hosts, "--pages", "9"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert first.returncode == 0, first.stderr
    assert "documents" in first.stderr
    assert first.stdout == ""
    with Corpus(path, readonly=True) as corpus:
        before = corpus.count("documents")
    assert before > 0
    again = subprocess.run(
        [*command, *hosts, "--pages", "12", "--json"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert json.loads(again.stdout)["derived"]["documents"] > 0
    with Corpus(path, readonly=True) as corpus:
        assert corpus.count("documents") > before


def test_the_spider_has_both_names() -> None:
    settings = Settings()
    settings.setmodule("crawler.settings")
    loader = SpiderLoader.from_settings(settings)
    assert sorted(loader.list()) == ["article", "articles"]


def test_an_interrupt_stops_cleanly(server: DemoServer, tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    code = (
        "import sys, json; from crawler.run import crawl; "
        f"s = crawl({str(path)!r}, ['http://www.yuqi-c.test/'], hosts=json.loads({json.dumps(server.hosts)!r}), delay=0.3); "
        "print(s.reason, s.fetched)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    archive = tmp_path / "c.archive"
    while process.poll() is None and not any(file.stat().st_size > 3000 for file in archive.glob("*")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    reason, count = output.split()
    assert reason == "stopped"
    assert int(count) <= sum(fetched(path).values()) <= int(count) + 1
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM frontier WHERE state = 'leased'").fetchone() == (0,)
        assert connection.execute("SELECT ended_at IS NOT NULL FROM crawls").fetchone() == (1,)


def test_plain_scrapy_says_mistakes_in_one_line(tmp_path: Path) -> None:
    for wrong, told in (
        ("site=nosuch", "nosuch: no such site"),
        ("pages=3", "nothing to crawl: give -a site=NAME"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "scrapy", "crawl", "articles", "-a", wrong, "-a", f"db={tmp_path / 'c.db'}"],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert len(done.stderr.splitlines()) == 1
        assert told in done.stderr
    assert not (tmp_path / "c.db").exists()


def test_mistakes_get_one_line(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="no such site"):
        crawl(tmp_path / "c.db", ["nothing"])
    with pytest.raises(CrawlError, match="name a site"):
        crawl(tmp_path / "c.db", [])
    with pytest.raises(CrawlError, match="the log can't be written"):
        crawl(tmp_path / "c.db", ["demo-a"], log_json=tmp_path / "none" / "log.jsonl")
    (tmp_path / "no.db").write_bytes(b"this is no database, whatever its name says" * 50)
    with pytest.raises(CrawlError, match="not a SQLite database"):
        crawl(tmp_path / "no.db", ["demo-a"], hosts={"www.yuqi-a.test": "127.0.0.1:9"}, quiet=True)


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CrawlSummary, HostileServer]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "hostile.toml").write_text(
        "seeds = ['http://hostile.test/']\nhosts = ['hostile.test', '10.0.0.1', '127.0.0.1', '169.254.169.254']\n"
        "rate.delay = 0\nrate.concurrency = 16\n",
        "utf-8",
    )
    with HostileServer() as server:
        summary = crawl(
            folder / "c.db",
            [str(folder / "hostile.toml")],
            hosts=server.hosts,
            retry_base=0.02,
            limits=Limits(seconds=60, body_bytes=500_000),
            settings={"DOWNLOAD_TIMEOUT": 1.0, "YUQI_CONNECT_TIMEOUT": 1.0},
            quiet=True,
        )
    return folder / "c.db", summary, server


def test_hostile_responses_leave_the_crawl_running(besieged: tuple[Path, CrawlSummary, HostileServer]) -> None:
    path, summary, server = besieged
    assert summary.reason == "finished"
    assert all(state(path, f"http://hostile.test{article}") == ("done", None) for article in article_paths())
    assert all(server.asked[f"{name}?copy=0"] in range(1, 4) for name in RAW)
    with sqlite3.connect(path) as connection:
        sizes = dict(connection.execute("SELECT url, size FROM fetches").fetchall())
    assert max(sizes.values()) <= 500_000
    assert sizes["http://hostile.test/endless-body?copy=0"] == 500_000


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/no-colon", ("done", None)),
        ("/continue", ("done", None)),
        ("/no-gzip", ("done", None)),
        ("/gzip-bomb", ("done", "bomb")),
        ("/endless-headers", ("failed", "malformed")),
        ("/silence", ("failed", "timeout")),
        ("/to-file", ("done", "redirect-nowhere")),
    ],
)
def test_what_becomes_of_them(
    path: str, expected: tuple[str, str | None], besieged: tuple[Path, CrawlSummary, HostileServer]
) -> None:
    assert state(besieged[0], f"http://hostile.test{path}?copy=0") == expected


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://127.0.0.1:1/secret", "http://169.254.169.254/latest/meta-data/"]
)
def test_nothing_inside_is_asked(url: str, besieged: tuple[Path, CrawlSummary, HostileServer]) -> None:
    assert state(besieged[0], url) == ("excluded", "address")


def test_cut_bodies_are_marked(besieged: tuple[Path, CrawlSummary, HostileServer]) -> None:
    marks = {}
    for warc in besieged[0].with_name("c.archive").glob("*.warc.gz"):
        with warc.open("rb") as stream:
            for record in ArchiveIterator(stream):
                if record.rec_type == "response":
                    marks[record.rec_headers.get_header("WARC-Target-URI")] = record.rec_headers.get_header(
                        "WARC-Truncated"
                    )
    prefix = "http://hostile.test"
    assert marks[f"{prefix}/endless-chunks?copy=0"] == "length"
    assert marks[f"{prefix}/longer?copy=0"] == "disconnect"
    assert marks[f"{prefix}/drip?copy=0"] == "time"
    assert marks[f"{prefix}/shorter?copy=0"] is None


def test_loopback_is_refused_without_leave(tmp_path: Path) -> None:
    with HostileServer() as server:
        port = server.hosts["hostile.test"].rpartition(":")[2]
        target = f"http://127.0.0.1:{port}/article/1.html"
        refused = crawl(tmp_path / "a.db", [target], retry_base=0.02, quiet=True)
    assert server.asked == {}
    assert refused.fetched == 0
    assert refused.why_not == {"address": 1}
