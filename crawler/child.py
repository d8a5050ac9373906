"""A crawl in a process of its own: Twisted's reactor starts only once in each (`crawler.run` starts it)."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Mapping
from typing import Any

from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import Settings

from corpus.store import CorpusError
from crawler.cleaner import Cleaner
from crawler.run import STOPPED_EXIT, USAGE_EXIT
from crawler.site import SiteError
from crawler.spiders.article import ArticleSpider
from crawler.table import FrontierError

GARBAGE = 10_000
"""New objects between two collections: those of some fifty pages; Python's default, 700, comes around with each page."""


def run(request: Mapping[str, Any], cleaner: Cleaner | None) -> int:
    """Run the crawl that is asked for, with what makes documents beside it, and return the exit code.

    What goes wrong before the crawl starts is written to stdout in one line. The end of stdin stops the crawl: its
    parent is gone, or wants no more.
    """
    settings = Settings()
    settings.setmodule("crawler.settings", priority="project")
    settings.setdict(request["settings"], priority="cmdline")
    process = AsyncCrawlerProcess(settings)
    # What is loaded by now stays: collecting it again and again takes a twentieth of a crawl's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    task = process.crawl(ArticleSpider, cleaner=cleaner, **request["arguments"])
    threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
    process.start()
    return _outcome(task)


def _stop_at_end_of_input() -> None:
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGINT)


def _outcome(task: Any) -> int:  # noqa: ANN401
    """Return the exit code, and say in one line what kept the crawl from starting."""
    if not task.done():
        # Interrupted twice: what it was doing is taken up from the archive by the next run.
        return STOPPED_EXIT
    error = None if task.cancelled() else task.exception()
    if error is None:
        return 0
    if isinstance(error, SiteError | CorpusError | FrontierError):
        sys.stdout.write(f"{error}\n")
        return USAGE_EXIT
    if isinstance(error, sqlite3.Error | OSError):
        sys.stdout.write(f"{_refused(error)}\n")
        return USAGE_EXIT
    raise error


def _refused(error: Exception) -> str:
    """Return in one line what the disk or the database refused, and what to do."""
    return f"the corpus can't be written ({str(error).splitlines()[0]}): free some space, or check its permissions"
