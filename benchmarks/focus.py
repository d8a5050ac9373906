"""What focus is worth: pages on the subject among those fetched, beside breadth first, on a generated mixed site.

    python -m benchmarks.focus [--articles 5000] [--seed 7]

The site is a portal: a front page, sections, lists of twenty articles each, articles that link to others of their section
and, now and then, elsewhere. A tenth of the articles are about overdue loans: most in a section of their own, the others
strewn over the rest. Titles of a third of those don't say what they are about. No network: it weighs decisions, not speed.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Mapping
from dataclasses import replace

from crawler.session import Limits
from crawler.site import Site, from_url
from tests.crawler.web import Answer
from tests.crawler.web import crawl as crawl_web

ORIGIN = "http://mixed.test"
SECTIONS = ("体育", "天气", "旅游", "美食", "汽车", "房产", "教育", "健康", "科技", "娱乐")
LOANS = 10
"""The number of the section about money."""
PER_LIST = 20

_OTHER = (
    "周末的比赛吸引了不少观众，主队在加时赛里取得胜利，教练表示满意。本地小吃街开放到深夜，游客可以品尝各种点心。"
)
_LOANS = "信用卡逾期之后应当先与银行协商还款方案，保留证据。遇到暴力催收可以投诉，征信记录在结清后保留五年。"
_TITLES = ("网贷逾期怎么办", "催收电话一天几十个怎么应对", "信用卡欠款协商分期的经过")
_QUIET = ("我的这三年", "写给同样处境的朋友", "一位读者的来信")
_OTHERS = ("周末去哪儿玩", "本地新闻一则", "今天的比赛结果", "这样做菜更香")


def mixed_site(rng: random.Random, *, articles: int) -> tuple[dict[str, Answer], set[str]]:
    """Return a web of about that many articles, and the URLs of those about overdue loans (a tenth of them)."""
    sections: dict[int, list[tuple[str, str, bool]]] = {number: [] for number in range(len(SECTIONS) + 1)}
    for number in range(articles):
        loans = number % 10 == 0
        section = LOANS if loans and number % 30 else rng.randrange(len(SECTIONS))
        titles = _OTHERS if not loans else _QUIET if rng.random() < 1 / 3 else _TITLES
        sections[section].append((f"/c{section}/{number}.html", f"{rng.choice(titles)}{number}", loans))
    # So that the money section isn't told by being small.
    for number in range(articles // 20):
        sections[LOANS].append((f"/c{LOANS}/{articles + number}.html", f"{rng.choice(_OTHERS)}{number}", False))
    web: dict[str, Answer] = {
        ORIGIN + "/": _page("综合门户", _OTHER, [(f"/c{n}/", _section(n)) for n in sections])
    }
    for section, members in sections.items():
        _add_section(web, rng, section, members, sections)
    return web, {ORIGIN + path for members in sections.values() for path, _, loans in members if loans}


def _section(number: int) -> str:
    return "财经" if number == LOANS else SECTIONS[number]


def _add_section(
    web: dict[str, Answer],
    rng: random.Random,
    section: int,
    members: list[tuple[str, str, bool]],
    sections: Mapping[int, list[tuple[str, str, bool]]],
) -> None:
    rng.shuffle(members)
    lists = [members[at : at + PER_LIST] for at in range(0, len(members), PER_LIST)]
    for number, part in enumerate(lists):
        path = f"/c{section}/" if number == 0 else f"/c{section}/list_{number}.html"
        further = [(f"/c{section}/list_{number + 1}.html", "下一页")] if number + 1 < len(lists) else []
        web[ORIGIN + path] = _page(_section(section), "", [("/", "首页"), *((p, t) for p, t, _ in part), *further])
    for path, title, loans in members:
        near = [(p, t) for p, t, _ in rng.sample(members, min(3, len(members)))]
        elsewhere = sections[rng.randrange(len(sections))]
        far = [(p, t) for p, t, _ in rng.sample(elsewhere, min(1, len(elsewhere)))]
        text = (_LOANS if loans else _OTHER) * rng.randint(4, 9)
        web[ORIGIN + path] = _page(
            title, f"{path}{text}", [("/", "首页"), (f"/c{section}/", _section(section)), *near, *far]
        )


def _page(title: str, text: str, links: list[tuple[str, str]]) -> Answer:
    anchors = "".join(f"<li><a href='{href}'>{anchor}</a></li>" for href, anchor in links)
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p><ul>{anchors}</ul></body></html>"
    return 200, {"content-type": "text/html; charset=utf-8"}, body


def crawled(web: Mapping[str, Answer], site: Site, pages: int) -> set[str]:
    """Return the URLs that a crawl of a web fetches within a budget of pages."""
    _, sink, _ = crawl_web(web, site, limits=Limits(pages=pages))
    return {fetch.url for fetch in sink.fetches}


def main() -> None:
    """Print the harvest of both ways at several budgets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    web, relevant = mixed_site(random.Random(options.seed), articles=options.articles)
    site = from_url(ORIGIN + "/")
    print(f"{len(web)} pages, {len(relevant)} on the subject ({len(relevant) / len(web):.1%})")
    print("budget   focus: found  harvest   breadth first: found  harvest")
    for share in (0.05, 0.1, 0.2, 0.5):
        budget = round(share * len(web))
        found = [len(crawled(web, variant, budget) & relevant) for variant in (site, replace(site, focus=None))]
        row = [f"{count / len(relevant):10.1%} {count / budget:8.1%}" for count in found]
        print(f"{budget:6} {row[0]:>22} {row[1]:>28}")
    everything = crawled(web, site, 10 * len(web))
    print(
        f"to its end: {len(everything)} fetched, {len(everything & relevant) / len(relevant):.1%} of the subject found"
    )


if __name__ == "__main__":
    main()
