"""The pages in Debian's Chromium: found, clicked, read by keyboard, on a phone and in the dark, without a complaint."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from corpus.report import report
from corpus.store import Corpus
from tests.corpus.web.conftest import column
from tests.corpus.web.hostile import IMAGE, SCRIPT, SITE
from tests.corpus.web.test_pages import CLUSTER, FIRST

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="Chromium and its driver are not installed (apt: chromium chromium-driver)"
)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--no-proxy-server")  # fmt: skip
WAIT_SECONDS = 30.0
DESKTOP, PHONE = (1200, 900), (375, 800)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One headless browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield started
    started.quit()


def serve(path: Path) -> Iterator[str]:
    """Serve the corpus at `path` by the command itself; yield its address."""
    command = [sys.executable, "-m", "yuqi", "serve", str(path), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("http://127.0.0.1:"), line
        yield line.split()[0].rstrip("/")
    finally:
        process.terminate()
        process.wait(timeout=WAIT_SECONDS)


@pytest.fixture(scope="module")
def plain_site(plain_path: Path) -> Iterator[str]:
    """The peaceful corpus on a loopback port."""
    yield from serve(plain_path)


@pytest.fixture(scope="module")
def hostile_site(hostile_path: Path) -> Iterator[str]:
    """The hostile corpus on a loopback port."""
    yield from serve(hostile_path)


def look(browser: webdriver.Chrome, url: str, size: tuple[int, int] = DESKTOP, *, dark: bool = False) -> None:
    """Open a page at a size, in light or dark, and check that the browser has nothing to complain of."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(url)
    assert complaints(browser) == []


def complaints(browser: webdriver.Chrome) -> list[str]:
    """Return what the console holds: errors of scripts, refusals by the policy, resources that are missing."""
    return [entry["message"] for entry in browser.get_log("browser")]  # type: ignore[no-untyped-call]


def one(browser: webdriver.Chrome, selector: str) -> WebElement:
    """Wait for an element and return it."""
    return WebDriverWait(browser, WAIT_SECONDS).until(
        lambda driver: driver.find_element(By.CSS_SELECTOR, selector)
    )


def colours(browser: webdriver.Chrome) -> int:
    """Return how many colours a screenshot has: a blank page has one."""
    image = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    return len(image.getcolors(maxcolors=1 << 24) or ())


def pages(path: Path) -> list[str]:
    """Return the paths of every kind of page."""
    document = column(path, FIRST)[0]
    farms, clusters = column(path, "SELECT id FROM farms"), column(path, CLUSTER)
    return [
        "/", "/?q=" + quote("催收"), f"/doc/{document}", f"/doc/{document}?stage=strip", f"/doc/{document}?stage=script",
        *(f"/cluster/{key}" for key in clusters[:1]), "/farms", *(f"/farm?id={quote(key)}" for key in farms[:1]),
        "/crawls", f"/crawl?id={column(path, 'SELECT id FROM crawls')[0]}", "/corpus", "/corpus/documents",
        "/corpus/growth", "/corpus?sql=" + quote("select title, site, text from documents"),
    ]  # fmt: skip


def test_search_click_through_and_compare(browser: webdriver.Chrome, plain_site: str) -> None:
    look(browser, plain_site + "/")
    field = browser.switch_to.active_element
    assert field.get_attribute("id") == "q"
    field.send_keys("催收人員", Keys.ENTER)
    assert one(browser, ".hit mark").text == "催收人员"
    one(browser, ".hit h3 a").click()
    assert "借款逾期之后先做什么" in one(browser, "h1").text
    walk = one(browser, ".walk")
    assert "先把合同找出来" in walk.text
    removed = one(browser, ".walk .gone del")
    assert removed.is_displayed()
    one(browser, "label[for=view-text]").click()
    assert not removed.is_displayed()
    assert "先把合同找出来" in walk.text
    one(browser, "label[for=view-page]").click()
    assert removed.is_displayed()
    assert removed.value_of_css_property("text-decoration-line") == "none"
    one(browser, ".facts a[href^='/cluster/']").click()
    assert one(browser, "#aligned")
    assert complaints(browser) == []


def test_a_facet_narrows_and_its_chip_takes_it_back(browser: webdriver.Chrome, plain_site: str) -> None:
    look(browser, plain_site + "/?q=" + quote("借款"))
    before = len(browser.find_elements(By.CSS_SELECTOR, ".hit"))
    one(browser, "aside li a").click()
    chip = one(browser, ".chips a")
    assert len(browser.find_elements(By.CSS_SELECTOR, ".hit")) <= before
    chip.click()
    WebDriverWait(browser, WAIT_SECONDS).until(lambda driver: not driver.find_elements(By.CSS_SELECTOR, ".chips"))
    assert len(browser.find_elements(By.CSS_SELECTOR, ".hit")) == before


def test_changes_are_read_by_keyboard(browser: webdriver.Chrome, hostile_site: str, hostile_path: Path) -> None:
    look(browser, f"{hostile_site}/doc/{column(hostile_path, FIRST)[0]}")
    one(browser, "body").click()
    for _ in range(40):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if "change" in (browser.switch_to.active_element.get_attribute("class") or ""):
            break
    first = browser.switch_to.active_element
    assert "change" in (first.get_attribute("class") or ""), "Tab leads into the text"
    panel = one(browser, "#proof")
    assert panel.is_displayed()
    told = panel.text
    assert "field.title" in told
    first.send_keys(Keys.ARROW_RIGHT)
    second = browser.switch_to.active_element
    assert second.id != first.id
    assert panel.text != told
    second.send_keys(Keys.ESCAPE)
    assert not panel.is_displayed()
    second.send_keys(Keys.HOME)
    assert browser.switch_to.active_element.id == first.id
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert "change" not in (browser.switch_to.active_element.get_attribute("class") or ""), "and out again"
    assert complaints(browser) == []


def test_a_finding_leads_to_its_place(browser: webdriver.Chrome, hostile_site: str, hostile_path: Path) -> None:
    look(browser, f"{hostile_site}/doc/{column(hostile_path, FIRST)[0]}")
    one(browser, "table.findings tbody tr:first-child a").click()
    WebDriverWait(browser, WAIT_SECONDS).until(
        lambda driver: "change" in (driver.switch_to.active_element.get_attribute("class") or "")
    )
    assert "certified" in one(browser, "#proof").text


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)], ids=["desktop", "phone in the dark"])
def test_every_page_of_a_hostile_corpus_is_quiet(
    browser: webdriver.Chrome, hostile_site: str, hostile_path: Path, size: tuple[int, int], dark: bool
) -> None:
    more = [f"/?q={quote(SCRIPT)}", f"/?f=site:{quote(SITE + '0')}", f"/?q={quote(IMAGE)}&all=1"]
    for path in [*pages(hostile_path), *more]:
        look(browser, hostile_site + path, size, dark=dark)
        assert browser.title != "pwned", path
        assert browser.execute_script("return document.querySelectorAll('main img, main script').length") == 0
        assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0], path
        loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert {urlsplit(name).netloc for name in loaded} <= {urlsplit(hostile_site).netloc}, path
        assert colours(browser) > 20, path
        red, green, blue = browser.execute_script(
            "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
        )[:3]
        assert (red + green + blue < 200) == dark


def test_raw_bytes_never_become_a_page(browser: webdriver.Chrome, hostile_site: str, hostile_path: Path) -> None:
    look(browser, f"{hostile_site}/doc/{column(hostile_path, FIRST)[0]}/source")
    assert SCRIPT in one(browser, "pre").text
    assert browser.title != "pwned"


@pytest.mark.parametrize("dark", [False, True])
def test_the_report_is_quiet_and_its_tables_open(
    browser: webdriver.Chrome, hostile_path: Path, tmp_path: Path, dark: bool
) -> None:
    out = tmp_path / "report.html"
    with Corpus(hostile_path, readonly=True) as corpus:
        report(corpus.connection, out, name=SCRIPT)
    look(browser, out.as_uri(), PHONE, dark=dark)
    assert "script" in browser.title
    assert browser.execute_script("return document.querySelectorAll('script, img').length") == 0
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE[0]
    assert colours(browser) > 20
    bar = browser.find_element(By.CSS_SELECTOR, "section svg .fill-s0")
    assert bar.value_of_css_property("fill") != "rgb(0, 0, 0)", "the page's own sheet colours the charts"
    summary = one(browser, "details summary")
    summary.send_keys(Keys.ENTER)
    assert one(browser, "details table").is_displayed()
