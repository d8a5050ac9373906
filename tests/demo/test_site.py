from __future__ import annotations

import gzip
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import orjson
import pytest

from demo.cluster import NEAR, grams, jaccard
from demo.gold import Gold
from demo.site import SITES, Demo, build

MECHANISMS = {
    "big5-as-gbk", "deleted-words", "entities", "gbk-as-big5", "gbk-as-cp1252", "gbk-as-latin1", "gbk-as-latin1-hybrid",
    "pinyin", "spam-advert", "spam-ends", "spam-glued", "spam-hidden", "spam-mid-sentence", "spam-pool-footer",
    "spam-spaced", "spam-tag-junk", "utf8-as-cp1252", "utf8-as-gbk", "utf8-as-gbk-twice", "utf8-as-latin1",
}  # fmt: skip


def articles(demo: Demo) -> list[Gold]:
    return [gold for gold in demo.gold if gold.kind == "article" and not gold.twin_of]


def links(demo: Demo, url: str) -> set[str]:
    body = demo.responses[url].body.decode("latin-1")
    targets = re.findall(r'href=["\']([^"\']+)', body)
    return {urljoin(url, target.replace("&amp;", "&")) for target in targets}


def test_it_is_as_large_as_promised(demo: Demo) -> None:
    assert len(demo.gold) >= 220
    assert len({gold.site for gold in demo.gold}) == len(SITES) >= 5
    assert len({gold.article for gold in articles(demo)}) >= 60


def test_the_same_seed_gives_the_same_bytes(demo: Demo, tmp_path: Path) -> None:
    again = build(slow_seconds=0.05, oversized_bytes=100_000)
    assert again.responses == demo.responses
    demo.write_gold(tmp_path / "one")
    again.write_gold(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_another_seed_gives_other_pages(demo: Demo) -> None:
    other = build(7, slow_seconds=0.05, oversized_bytes=100_000)
    assert {gold.url for gold in other.gold} != {gold.url for gold in demo.gold}
    assert {gold.article for gold in articles(other)} == {gold.article for gold in articles(demo)}


def test_gold_is_json_lines_sorted_by_url(demo: Demo, tmp_path: Path) -> None:
    demo.write_gold(tmp_path / "gold.jsonl")
    records = [orjson.loads(line) for line in (tmp_path / "gold.jsonl").read_bytes().splitlines()]
    assert [record["url"] for record in records] == sorted(demo.responses)
    assert set(records[0]) == set(Gold.__slots__)


def test_every_kind_of_page_and_status_is_there(demo: Demo) -> None:
    kinds = {gold.kind for gold in demo.gold}
    assert kinds == {"article", "list", "redirect", "junk", "error", "trap", "disallowed"}
    assert {200, 301, 302, 404, 410, 500, 503} <= {gold.status for gold in demo.gold}


def test_gold_statuses_are_the_responses(demo: Demo) -> None:
    assert all(demo.responses[gold.url].status == gold.status for gold in demo.gold)


def test_every_mechanism_is_there(demo: Demo) -> None:
    assert {str(damage["mechanism"]) for gold in demo.gold for damage in gold.damage} == MECHANISMS


def test_some_pinyin_hits_are_misaligned(demo: Demo) -> None:
    torn = [
        damage.get("torn_lines") for gold in demo.gold for damage in gold.damage if damage["mechanism"] == "pinyin"
    ]
    assert sum(bool(count) for count in torn) >= 10


def test_pages_decode_as_the_gold_says(demo: Demo) -> None:
    for gold in articles(demo):
        if gold.encoding and not any(damage["mechanism"] == "pinyin" for damage in gold.damage):
            demo.responses[gold.url].body.decode(gold.encoding)


def test_declarations_are_right_wrong_and_missing(demo: Demo) -> None:
    told: Counter[tuple[str | None, str | None, str | None]] = Counter()
    for gold in articles(demo):
        response = demo.responses[gold.url]
        header = re.search(r"charset=([\w-]+)", response.header("Content-Type") or "")
        meta = re.search(rb"charset=([\w-]+)", response.body)
        told[gold.encoding, header and header[1].lower(), meta and meta[1].decode().lower()] += 1
    for expected in (
        ("gb18030", None, None), ("gb18030", "gb2312", "gb2312"), ("gb18030", "utf-8", None), ("gb18030", None, "utf-8"),
        ("gb18030", "iso-8859-1", "gb2312"), ("gb18030", "gbk", "utf-8"), ("big5hkscs", "big5", "big5"),
        ("utf-8", "utf-8", "utf-8"),
    ):  # fmt: skip
        assert told[expected], expected


def test_clean_pages_show_the_gold_text(demo: Demo) -> None:
    checked = 0
    for gold in articles(demo):
        if gold.damage or gold.site in "bef":
            continue
        page = demo.responses[gold.url].body.decode(gold.encoding or "")
        shown = re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", page.replace("</td><td>", "|")))
        for line in gold.text.splitlines():
            assert re.sub(r"\s+", "", line) in shown.replace("&quot;", '"'), gold.url
        assert all(re.sub(r"\s+", "", line) in shown for line in gold.chrome_lines), gold.url
        checked += 1
    assert checked >= 20


def test_no_unwanted_line_is_a_line_of_the_article(demo: Demo) -> None:
    for gold in articles(demo):
        assert not set(gold.text.splitlines()) & {*gold.spam_lines, *gold.chrome_lines}, gold.url


def test_contacts_are_invented_and_shared_within_a_farm(demo: Demo) -> None:
    values: dict[str, set[str | None]] = defaultdict(set)
    for gold in articles(demo):
        for contact in gold.contacts:
            if gold.site != "c" or contact["kind"] == "email":  # c reprints one article with its farm's phone
                values[contact["value"]].add(gold.farm or gold.site)
            if contact["kind"] == "email":
                assert re.search(r"@[\w.-]+\.example\.(com|net|org)$", contact["value"])
            if contact["kind"] == "phone":
                assert re.fullmatch(r"1[379]0*\d{1,2}0*\d|0\d+", contact["value"])
                assert "00000" in contact["value"]
    assert all(len(owners) == 1 for owners in values.values())
    assert {"farm-1", "farm-2"} <= set().union(*values.values())


def test_each_contact_stands_on_its_page(demo: Demo) -> None:
    for gold in articles(demo):
        chrome = "".join(gold.chrome_lines).replace(" ", "")
        half_width = chrome.translate({ord("０") + digit: str(digit) for digit in range(10)})
        assert all(contact["value"] in half_width for contact in gold.contacts), gold.url


def families(demo: Demo) -> Iterable[list[Gold]]:
    by_article: dict[str | None, list[Gold]] = defaultdict(list)
    for gold in articles(demo):
        if gold.recoverable:
            by_article[gold.article].append(gold)
    return by_article.values()


def test_copies_are_clearly_near_or_clearly_not(demo: Demo) -> None:
    near = far = exact = 0
    for family in families(demo):
        for left, right in combinations(family, 2):
            similarity = jaccard(grams(left.text), grams(right.text))
            assert not NEAR - 0.05 < similarity < NEAR + 0.02, (left.url, right.url, similarity)
            exact += similarity == 1
            near += NEAR <= similarity < 1
            far += similarity < NEAR
    assert min(exact, near, far) >= 10


def test_clusters_are_the_near_texts(demo: Demo) -> None:
    for family in families(demo):
        for left, right in combinations(family, 2):
            together = left.cluster is not None and left.cluster == right.cluster
            assert together == (jaccard(grams(left.text), grams(right.text)) >= NEAR), (left.url, right.url)


def test_template_clusters_hold_several_lenders(demo: Demo) -> None:
    lenders: dict[str, set[str | None]] = defaultdict(set)
    for gold in articles(demo):
        if gold.template_cluster:
            lenders[gold.template_cluster].add(gold.lender)
    assert len(lenders) >= 10
    assert all(len(names) >= 2 for names in lenders.values())


def test_twins_answer_as_what_they_are_twins_of(demo: Demo) -> None:
    twins = [gold for gold in demo.gold if gold.twin_of and gold.kind in {"article", "list"}]
    assert len(twins) >= 10
    for gold in twins:
        assert gold.twin_of
        assert demo.respond(gold.url).body == demo.respond(gold.twin_of).body


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("http://www.yuqi-a.test/calendar/2031/12/", 200, "2032年1月"),
        ("http://www.yuqi-a.test/calendar/2031/13/", 404, "404"),
        ("http://www.yuqi-c.test/tag/loan/page/4711/", 200, "第4711页"),
        ("http://www.yuqi-e.test/no/such/page", 200, "不存在"),
        ("http://www.yuqi-f.test/no/such/page", 404, "404"),
        ("http://yuqi-b.test/anything", 301, ""),
    ],
)
def test_urls_without_a_page_of_their_own(demo: Demo, url: str, status: int, words: str) -> None:
    response = demo.respond(url)
    assert response.status == status
    assert words in response.body.decode()


def test_a_tracking_parameter_makes_no_other_page(demo: Demo) -> None:
    article = next(gold for gold in articles(demo) if gold.site == "c")
    assert demo.respond(article.url + "?utm_source=x").body == demo.responses[article.url].body


def test_every_article_can_be_reached(demo: Demo) -> None:
    seen: set[str] = set()
    queue = [*demo.start_urls, "http://www.yuqi-a.test/sitemap.xml", "http://www.yuqi-c.test/wp-sitemap.xml"]
    while queue:
        url = queue.pop()
        if url in seen or url not in demo.responses:
            continue
        seen.add(url)
        body = demo.responses[url].body
        if url.endswith(".gz"):
            body = gzip.decompress(body)
        queue += re.findall(r"<loc>([^<]+)</loc>", body.decode("latin-1"))
        queue += links(demo, url)
    assert {gold.url for gold in articles(demo)} <= seen
    assert {gold.url for gold in demo.gold if gold.kind in {"error", "junk", "trap", "redirect"}} - seen <= {
        url for url in demo.responses if urlsplit(url).path in {"/robots.txt", "/feed.xml", "/feed/"}
    }


def test_robots_forbids_what_the_gold_calls_disallowed(demo: Demo) -> None:
    rules = demo.responses["http://www.yuqi-c.test/robots.txt"].body.decode()
    forbidden = re.findall(r"Disallow: (\S+)", rules)
    for gold in demo.gold:
        if gold.site == "c":
            assert (gold.kind == "disallowed") == urlsplit(gold.url).path.startswith(tuple(forbidden))
    assert re.search(r"Crawl-delay: 0?\.\d+", rules)


def test_hosts_are_invented_names_on_loopback(demo: Demo) -> None:
    hosts = demo.hosts(8080)
    assert set(hosts.values()) == {"127.0.0.1:8080"}
    assert all(name.endswith(".test") for name in hosts)
    assert {urlsplit(url).netloc for url in demo.responses} == set(hosts)


def test_a_digest_names_what_it_embeds_and_is_no_copy(demo: Demo) -> None:
    digest = next(gold for gold in articles(demo) if gold.embeds)
    assert set(digest.embeds) <= {gold.article for gold in articles(demo)}
    assert digest.cluster is None
    assert digest.template_cluster is None


def test_fifty_honest_sentences_about_fraud_stand_on_one_page(demo: Demo) -> None:
    page = next(gold for gold in articles(demo) if gold.article == "fraud-fifty")
    assert page.recoverable
    assert sum(line.endswith("。") for line in page.text.splitlines()) >= 50
