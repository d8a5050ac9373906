"""Running a crawl from another program: in a process of its own, because Twisted's reactor starts only once in each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from crawler.addresses import parse_hosts
from crawler.cleaner import environment
from crawler.session import CrawlSummary, Limits, Recrawl
from crawler.shared import NEEDS_REDIS
from crawler.site import resolve_target, with_topic
from crawler.table import FrontierError

USAGE_EXIT = 2

STOPPED_EXIT = 130
"""A crawl that was interrupted twice and stopped at once (128 and the number of SIGINT, as shells count)."""


class CrawlError(Exception):
    """A crawl that couldn't run or didn't end by itself; the text says what to do."""


def crawl(
    corpus: str | os.PathLike[str],
    targets: Sequence[str],
    *,
    limits: Limits | None = None,
    hosts: Mapping[str, str] | None = None,
    allow_private: bool = False,
    contact: str | None = None,
    fresh: bool = False,
    recrawl: Recrawl = "",
    topic: str | None = None,
    delay: float | None = None,
    retry_base: float | None = None,
    settings: Mapping[str, Any] | None = None,
    quiet: bool = False,
    cleaners: int = 0,
    log_json: str | os.PathLike[str] | None = None,
    metrics_port: int | None = None,
    frontier: str | None = None,
) -> CrawlSummary:
    """Crawl `targets` into the corpus at path `corpus`, and return what happened.

    With `cleaners` that many processes make documents of what is archived while the crawl runs. They stop with it;
    what is left then, or all without them, `Corpus.derive_pending` makes.

    A target is a declared site's name, a `.toml` declaration or a start URL. `hosts` maps host names to `ip:port`
    (loopback included). `contact` is a URL or address that the user agent shows. `settings` override Scrapy's.
    `recrawl` looks again at known pages that are due, or at all. `topic` sets the focus (`crawler.focus.focus_on`).
    `log_json` names a file to which every event is appended as a line of JSON, `metrics_port` a loopback port that
    answers Prometheus. `frontier` is the address of one that other processes share (docs/shared-crawl.md). The caller
    should hold no open transaction on the corpus.

    Raises SiteError or HostsError for targets and hosts that mean nothing, CrawlError when the crawling process fails.
    An interrupt (Ctrl-C) stops it cleanly, a second one at once.
    """
    for target in targets:
        site = resolve_target(target)
        if topic:
            with_topic(site, topic)
    if not targets:
        raise CrawlError("nothing to crawl: name a site or a start URL")
    parse_hosts(hosts or {})
    if frontier:
        _check_frontier(frontier)
    overrides: dict[str, Any] = dict(settings or {})
    overrides |= {"YUQI_HOSTS": dict(hosts or {}), "YUQI_ALLOW_PRIVATE": allow_private, "YUQI_DERIVE": False}
    overrides |= {"YUQI_CLEANERS": cleaners, "YUQI_METRICS_PORT": metrics_port}
    if log_json is not None:
        _check_log(Path(log_json))
        overrides["YUQI_LOG_JSON"] = os.fspath(log_json)
    if contact:
        overrides["YUQI_CONTACT"] = contact
    if delay is not None:
        overrides |= {"DOWNLOAD_DELAY": delay, "AUTOTHROTTLE_START_DELAY": delay}
    if retry_base is not None:
        overrides["YUQI_RETRY_BASE"] = retry_base
    bounds = {name: value for name, value in asdict(limits or Limits()).items() if name != "body_bytes"}
    if limits is not None:
        overrides.setdefault("DOWNLOAD_MAXSIZE", limits.body_bytes)
    arguments = {"site": list(targets), "db": os.fspath(corpus), "fresh": "1" if fresh else "", **bounds}
    arguments |= {"recrawl": recrawl, "topic": topic or "", "frontier": frontier or ""}
    with tempfile.TemporaryDirectory(prefix="yuqi-crawl-") as folder:
        report = Path(folder) / "summary.json"
        code, complaint = _run(
            {"settings": overrides, "arguments": {**arguments, "summary": str(report)}}, quiet=quiet
        )
        if not report.is_file():
            raise CrawlError(_explain(code, complaint))
        table = orjson.loads(report.read_bytes())
    known = {item.name for item in fields(CrawlSummary)}
    return CrawlSummary(**{name: value for name, value in table.items() if name in known})


def _check_frontier(address: str) -> None:
    """Ask a shared frontier's server once, before a process is started for it."""
    if find_spec("redis") is None:
        raise CrawlError(NEEDS_REDIS)
    from crawler.redis_link import Link

    try:
        Link(address).close()
    except FrontierError as error:
        raise CrawlError(str(error)) from None


def _check_log(path: Path) -> None:
    try:
        path.open("ab").close()
    except OSError as error:
        raise CrawlError(f"{path}: the log can't be written ({error.strerror}); name another file") from None


def _explain(code: int, complaint: str) -> str:
    if complaint:
        return complaint
    if code < 0:
        return f"the crawl was killed ({signal.Signals(-code).name}); run the same command again and it goes on from there"
    if code == STOPPED_EXIT:
        return (
            "the crawl was stopped at once; nothing that was archived is lost, the same command goes on from there"
        )
    return f"the crawl ended with exit code {code} and left no summary; its messages are above"


def _run(request: dict[str, Any], *, quiet: bool) -> tuple[int, str]:
    """Run the crawl in a child process; return its exit code and what it said was wrong, if anything."""
    child = subprocess.Popen(
        [sys.executable, "-m", "crawler"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
        env=environment(),
        # Ctrl-C goes to this process alone, which passes it on once; and the child stops when its stdin ends.
        start_new_session=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(orjson.dumps(request) + b"\n")
        child.stdin.flush()
        complaint = _wait(child)
    finally:
        child.stdin.close()
    return child.wait(), complaint


def _wait(child: subprocess.Popen[bytes]) -> str:
    """Return what the child wrote to stdout; interrupts are passed on to it."""
    assert child.stdout is not None
    pieces: list[bytes] = []
    while True:
        try:
            piece = child.stdout.read(65536)
        except KeyboardInterrupt:
            child.send_signal(signal.SIGINT)
            continue
        if not piece:
            return b"".join(pieces).decode("utf-8", "replace").strip()
        pieces.append(piece)
