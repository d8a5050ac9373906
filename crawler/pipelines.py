"""The item pipeline: every Fetch goes to the archive, then what follows from it to the frontier."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from scrapy.logformatter import LogFormatter, LogFormatterResult

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


class QuietFormatter(LogFormatter):
    """Scrapy's log messages, with a fetch's URL in the place of its bytes."""

    def item_error(self, item: Any, exception: BaseException, response: Any, spider: Any) -> LogFormatterResult:  # noqa: ANN401
        """Return the message for an item that couldn't be stored."""
        name = item.url if isinstance(item, Fetch) else type(item).__name__
        return {"level": logging.ERROR, "msg": "Error storing %(name)s", "args": {"name": name}}
