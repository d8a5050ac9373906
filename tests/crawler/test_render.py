"""Pages that only a browser can read, and what the browser may not reach."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from scrapy.settings import Settings
from warcio.archiveiterator import ArchiveIterator

from corpus.store import Corpus
from crawler.render import install, missing
from crawler.run import CrawlError, crawl
from crawler.site import SiteError, parse

TEXT = "信用卡逾期三个月之后，他先和银行协商了个性化分期，把每一次沟通都记了下来，最后按约定还清了全部欠款。"
LACKING = missing()
browser = pytest.mark.skipif(LACKING is not None, reason=f"rendering: {LACKING}")

SHELL = """<!doctype html><html><head><meta charset="utf-8"><title>加载中</title>
<script src="/app.js"></script><img src="SECRET/image.png"><link rel="stylesheet" href="SECRET/style.css">
<script src="SECRET/script.js"></script><script src="http://inwards.test/x.js"></script>
<script src="/forbidden/x.js"></script><script src="/bounce.js"></script></head>
<body><div id="app"></div><iframe src="SECRET/frame.html"></iframe></body></html>"""

SCRIPT = """
const quiet = promise => promise.catch(() => {});
async function show() {
  const data = await (await fetch("/data.json")).json();
  document.title = data.title;
  document.getElementById("app").innerHTML =
    `<h1>${data.title}</h1><article>${data.text.map(line => `<p>${line}</p>`).join("")}</article>`
    + `<a href="/next.html">下一篇逾期经历</a>`;
  for (const url of ["SECRET/fetch", "http://169.254.169.254/latest/meta-data/", "http://[::1]:PORT/six",
                     "file:///etc/passwd", "ftp://127.0.0.1/x"])
    await quiet(fetch(url, {mode: "no-cors"}));
  await quiet(fetch("/posted", {method: "POST", body: "x"}));
  try { new WebSocket("ws://127.0.0.1:PORT/socket"); } catch {}
  try { navigator.sendBeacon("SECRET/beacon", "x"); } catch {}
  try { new EventSource("SECRET/events"); } catch {}
  try { new Worker("SECRET/worker.js"); } catch {}
  try { navigator.serviceWorker.register("/sw.js"); } catch {}
  try { new RTCPeerConnection({iceServers: [{urls: "stun:127.0.0.1:PORT"}]}).createOffer(); } catch {}
  for (const [rel, href] of [["preconnect", "SECRET"], ["prefetch", "SECRET/ahead"], ["dns-prefetch", "//inwards.test"]]) {
    const hint = document.createElement("link"); hint.rel = rel; hint.href = href; document.head.append(hint);
  }
  if (location.pathname === "/leaves.html") setTimeout(() => { location.href = "SECRET/elsewhere"; }, 50);
}
document.addEventListener("DOMContentLoaded", show);
"""


class Counting:
    """A loopback server that counts what it is asked for."""

    def __init__(self, pages: dict[str, tuple[str, str]]) -> None:
        self.pages = pages
        self.asked: Counter[str] = Counter()
        self.methods: Counter[str] = Counter()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked[self.path] += 1
                outer.methods[self.command] += 1
                if self.path == "/bounce.js":
                    self.send_response(302)
                    self.send_header("Location", f"http://127.0.0.1:{outer.elsewhere}/bounced.js")
                    self.end_headers()
                    return
                kind, text = outer.pages.get(self.path, ("text/plain", ""))
                body = text.encode()
                self.send_response(200 if self.path in outer.pages else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.elsewhere = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Counting, Counting]]:
    secret = Counting({})
    spot = f"http://127.0.0.1:{secret.port}"
    html, script, data = "text/html; charset=utf-8", "text/javascript", "application/json"
    shell = SHELL.replace("SECRET", spot)
    site = Counting({
        "/": (html, shell),
        "/next.html": (html, shell),
        "/leaves.html": (html, shell),
        "/app.js": (script, SCRIPT.replace("SECRET", spot).replace("PORT", str(secret.port))),
        "/data.json": (data, json.dumps({"title": "逾期协商的经过", "text": [f"第{n}天：{TEXT}" for n in range(5)]})),
        "/forbidden/x.js": (script, "document.title = 'forbidden';"),
        "/robots.txt": ("text/plain", "User-agent: *\nDisallow: /forbidden/\n"),
    })  # fmt: skip
    site.elsewhere = secret.port
    yield site, secret
    site.close()
    secret.close()


@pytest.fixture(scope="module")
def rendered(servers: tuple[Counting, Counting], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("render")
    declaration = folder / "spa.toml"
    declaration.write_text(
        "seeds = ['http://spa.test/', 'http://spa.test/leaves.html']\nhosts = ['spa.test']\nrender = true\n"
        "[rate]\ndelay = 0\nconcurrency = 4\n",
        "utf-8",
    )
    crawl(
        folder / "c.db", [str(declaration)], hosts={"spa.test": f"127.0.0.1:{servers[0].port}"}, retry_base=0.05,
        settings={"DNS_TIMEOUT": 3},
    )  # fmt: skip
    with Corpus(folder / "c.db") as corpus:
        corpus.derive_pending()
    return folder / "c.db"


@browser
def test_text_that_only_scripts_write_is_collected(rendered: Path) -> None:
    with Corpus(rendered) as corpus:
        found = corpus.find("http://spa.test/")
        assert found is not None
        assert found["title"] == "逾期协商的经过"
        assert found["text"].count("个性化分期") == 5
        # A link that a script wrote was followed.
        assert corpus.find("http://spa.test/next.html") is not None
        live = [repr(row) for row in corpus.connection.execute("SELECT * FROM documents ORDER BY docid")]
        corpus.rebuild()
        assert [repr(row) for row in corpus.connection.execute("SELECT * FROM documents ORDER BY docid")] == live


@browser
def test_the_browser_reaches_nothing_that_the_crawl_may_not(
    rendered: Path, servers: tuple[Counting, Counting]
) -> None:
    site, secret = servers
    assert secret.asked == Counter()
    assert "/forbidden/x.js" not in site.asked
    assert "/posted" not in site.asked
    assert set(site.methods) == {"GET"}
    # Each page was asked for once: the browser got the archived response.
    assert site.asked["/"] == site.asked["/next.html"] == 1


@browser
def test_what_is_not_caught_finds_no_network(servers: tuple[Counting, Counting]) -> None:
    """The second lock alone: a browser started as ours is, with nobody to answer its requests."""
    from playwright.async_api import Error, async_playwright

    settings = Settings()
    install(settings, ["a"])
    options = settings.getdict("PLAYWRIGHT_LAUNCH_OPTIONS")

    async def failures() -> list[str]:
        found = []
        async with async_playwright() as playwright:
            started = await playwright.chromium.launch(**options)
            for port in (servers[1].port, servers[0].port):
                for host in ("127.0.0.1", "localhost", "[::1]"):
                    page = await started.new_page()
                    try:
                        await page.goto(f"http://{host}:{port}/", timeout=10_000)
                    except Error as error:
                        found.append(str(error))
            await started.close()
        return found

    before = Counter(servers[0].asked)
    assert len(asyncio.run(failures())) == 6
    assert servers[1].asked == Counter()
    assert servers[0].asked == before


@browser
def test_a_page_that_goes_elsewhere_is_kept_as_it_was(rendered: Path) -> None:
    with Corpus(rendered, readonly=True) as corpus:
        found = corpus.find("http://spa.test/leaves.html")
        assert found is not None
        assert "个性化分期" in found["text"]


@browser
def test_the_archive_holds_both(rendered: Path) -> None:
    with Corpus(rendered, readonly=True) as corpus:
        files = sorted(corpus.folder.glob("*.warc.gz"))
    records = {}
    for file in files:
        for record in ArchiveIterator(file.open("rb"), check_digests="raise"):
            if record.rec_headers.get_header("WARC-Target-URI") == "http://spa.test/":
                records[record.rec_type] = (
                    dict(record.rec_headers.headers),
                    record.content_stream().read().decode(),
                )
    conversion, response = records["conversion"], records["response"]
    assert conversion[0]["WARC-Refers-To"] == response[0]["WARC-Record-ID"]
    assert conversion[0]["WARC-Date"] == response[0]["WARC-Date"]
    assert "个性化分期" in conversion[1]
    assert "个性化分期" not in response[1]


def test_a_site_asks_for_it_in_its_declaration() -> None:
    assert parse("seeds = ['http://a.test/']\nrender = true\n", "a.toml").render
    assert not parse("seeds = ['http://a.test/']\n", "a.toml").render


def test_without_a_browser_the_crawl_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"a: asks for a browser.*(apt-get install|pip install)"):
        install(Settings({"YUQI_BROWSER": "no-such-browser"}), ["a"])
    declaration = tmp_path / "a.toml"
    declaration.write_text("seeds = ['http://a.test/']\nrender = true\n", "utf-8")
    with pytest.raises(CrawlError, match="asks for a browser"):
        crawl(tmp_path / "c.db", [str(declaration)], settings={"YUQI_BROWSER": "no-such-browser"}, quiet=True)
    assert not (tmp_path / "c.db").exists()
