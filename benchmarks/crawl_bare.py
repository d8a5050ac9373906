"""The peer of the crawl benchmark: a bare Scrapy spider with Scrapy's own settings, which looks at no page.

python -m benchmarks.crawl_bare PORT PAGES      (prints JSON: pages, seconds)
"""

from __future__ import annotations

import json
import sys
import time

from scrapy import Spider, signals
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response

from benchmarks.crawl_server import article_path


class Bare(Spider):
    """Asks for every article by its address and does nothing with it."""

    name = "bare"
    seen = 0

    def parse(self, response: Response, **kwargs: object) -> None:
        """Count the page."""
        self.seen += response.status == 200


def main(port: int, pages: int) -> None:
    """Crawl and print what it took, from the spider's start to its end."""
    process = CrawlerProcess({"LOG_ENABLED": False})
    crawler = process.create_crawler(Bare)
    moments: list[float] = []
    for signal in (signals.spider_opened, signals.spider_closed):
        crawler.signals.connect(lambda: moments.append(time.monotonic()), signal=signal, weak=False)
    process.crawl(
        crawler, start_urls=[f"http://127.0.0.1:{port}{article_path(number)}" for number in range(pages)]
    )
    process.start()
    assert isinstance(crawler.spider, Bare)
    print(json.dumps({"pages": crawler.spider.seen, "seconds": moments[1] - moments[0]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
