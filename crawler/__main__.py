"""`python -m crawler`: one crawl, as `crawler.run` asks for it with a line of JSON on stdin."""

from __future__ import annotations

import os

import orjson

from crawler.cleaner import Cleaner


def main() -> int:
    """Run one crawl and return the exit code."""
    # Unbuffered: a buffered reader's lock, held by the watching thread, would be waited for at exit.
    stdin = os.fdopen(0, "rb", buffering=0, closefd=False)
    request = orjson.loads(stdin.readline())
    workers = request["settings"].get("YUQI_CLEANERS")
    cleaner = Cleaner(request["arguments"]["db"], workers) if workers else None
    # Only now: loading Scrapy takes as long as what the process beside the crawl loads, and they do it at once.
    from crawler.child import run

    return run(request, cleaner)


if __name__ == "__main__":
    raise SystemExit(main())
