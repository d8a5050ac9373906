"""What a crawl writes down of itself: a log of JSON lines for programs, and few of Scrapy's messages for people."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson
from scrapy import Request, signals
from scrapy.exceptions import NotConfigured
from scrapy.logformatter import LogFormatter, LogFormatterResult

from corpus.store import CorpusError
from crawler.session import Event
from crawler.site import SiteError
from crawler.table import FrontierError

if TYPE_CHECKING:
    from scrapy.crawler import Crawler
    from scrapy.http import Response
    from scrapy.settings import BaseSettings


class JsonLog:
    """Appends every event of the crawl to a file, one JSON object a line: `time` and `event` first."""

    def __init__(self, crawler: Crawler) -> None:
        """Raise NotConfigured when no file is asked for, OSError when it can't be written."""
        path = crawler.settings.get("YUQI_LOG_JSON")
        if not path:
            raise NotConfigured
        self._crawler = crawler
        # Unbuffered: what was told stands in the file when the process is killed.
        self._stream: BinaryIO = open(path, "ab", buffering=0)  # noqa: SIM115, PTH123  # open as long as the crawl
        spider: Any = crawler.spider
        spider.session.listeners.append(self._write)
        crawler.signals.connect(self._close, signal=signals.engine_stopped)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> JsonLog:
        """Build as Scrapy asks."""
        return cls(crawler)

    def _close(self) -> None:
        self._stream.close()

    def _write(self, event: Event) -> None:
        self._stream.write(orjson.dumps(event) + b"\n")


def tells_all(settings: BaseSettings) -> bool:
    """Return whether a message for every response is wanted.

    Scrapy's loggers take every message whatever the level, and its handler drops those below it.
    """
    level = logging.getLevelNamesMapping().get(str(settings["LOG_LEVEL"]).upper(), logging.DEBUG)
    return settings.getbool("LOG_ENABLED") and level <= logging.DEBUG


class QuietFormatter(LogFormatter):
    """Scrapy's log messages; the one for every response only where it is wanted (`-s LOG_LEVEL=DEBUG`)."""

    wanted = True

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> QuietFormatter:
        """Build as Scrapy asks."""
        formatter = cls()
        formatter.wanted = tells_all(crawler.settings)
        return formatter

    def crawled(self, request: Request, response: Response, spider: Any) -> LogFormatterResult | None:  # type: ignore[override]  # noqa: ANN401
        """Return the message for a response, None while debugging is off."""
        return super().crawled(request, response, spider) if self.wanted else None


class OneLine(logging.Filter):
    """Says a mistake in what was asked for in one line, where Python would print how the program came upon it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record; one that carries such a mistake without its traceback."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, SiteError | CorpusError | FrontierError):
            record.name, record.msg, record.args, record.exc_info = "yuqi", str(error), (), None
        return True
