"""The item pipeline: every Fetch goes to the archive, then what follows from it to the frontier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corpus.records import Fetch

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class ArchivePipeline:
    """Hands fetches to the spider's session, which archives them before anything is derived."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ArchivePipeline:
        """Build as Scrapy asks."""
        return cls(crawler)

    def process_item(self, item: Any) -> Any:  # noqa: ANN401  (Scrapy's items are of any type)
        """Archive a Fetch; pass anything else on."""
        spider: Any = self._crawler.spider
        if isinstance(item, Fetch):
            spider.take(item)
        return item
