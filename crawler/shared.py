"""What a run asks of its frontier, whether that is a table of its own corpus or one that several processes share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from crawler.table import Entry, FrontierError, State

SCHEMES = ("redis://", "rediss://", "unix://", "valkey://", "valkeys://")
"""What the address of a shared frontier begins with."""


NEEDS_REDIS = "a shared frontier needs redis-py: pip install 'yuqi[redis]' (in a checkout: pip install '.[redis]')"


def is_address(text: str) -> bool:
    """Return whether `text` is the address of a shared frontier, and not a corpus's path."""
    return text.lower().startswith(SCHEMES)


class FrontierAwayError(FrontierError):
    """A shared frontier that can't be reached just now; what was to be written is written when it is back."""


class FrontierStore(Protocol):
    """The frontier of a run. `crawler.table.Frontier` says what each call means; here is what sharing adds.

    A shared one hands out a host's URLs one at a time, each together with the host's turn: `take` and `hold` count the
    host's `delay` and `concurrency` over all processes, `let_go` gives the turn back, and `rest` closes the host for a
    while. What is written inside `together` is written as one.
    """

    @property
    def shared(self) -> bool:
        """Whether other processes take from it too."""

    @property
    def connection(self) -> sqlite3.Connection | None:
        """The corpus's connection, None where there is no corpus."""

    def clear(self) -> None:
        """Forget every URL. Raises FrontierError while other processes work on them."""

    def recover(self) -> None:
        """Take up what a run of this corpus that is no more had taken: `look` shows it as queued."""

    def release(self) -> int:
        """Put back what this corpus's runs have taken and not settled; return how many."""

    def add(self, entries: Iterable[Entry]) -> int:
        """Add URLs whose keys are new; return how many were, 0 inside `together` of a shared frontier."""

    def reopen(self, key: str, *, url: str | None = None, hops: int = 0) -> None:
        """Queue a URL again."""

    def take(
        self,
        host: str,
        lease: str,
        limit: int,
        now: float,
        *,
        delay: float | None = None,
        concurrency: int | None = None,
    ) -> list[Entry]:
        """Lease the next URLs of a host."""

    def hold(self, entry: Entry, *, delay: float | None = None, concurrency: int | None = None) -> float:
        """Take a host's turn for a request that is no URL of the frontier; return 0.0, or the seconds to wait."""

    def let_go(self, entry: Entry, *, asked: bool, delay: float | None = None) -> None:
        """Give back a host's turn: `delay` seconds from now the next may be had, if the host was `asked`."""

    def gap(self, delay: float | None) -> float:
        """Return the seconds to leave between requests that one turn is used for: 0.0 where the downloader sees to it."""

    def rest(self, host: str, seconds: float) -> None:
        """Let nobody ask a host for that long."""

    def hosts(self) -> list[str]:
        """Return the hosts with URLs waiting, sorted."""

    def next_due(self, host: str) -> float | None:
        """Return when the next waiting URL of a host may be fetched."""

    def elsewhere(self) -> bool:
        """Return whether other processes have URLs under way, which may lead to more."""

    def leave(self) -> None:
        """Say that the run is over."""

    def away(self) -> float:
        """Return for how many seconds the frontier has been out of reach, 0.0 while it can be reached."""

    def together(self) -> AbstractContextManager[None]:
        """Return a context whose writes are done at its end. Raises FrontierAwayError if they can't be."""

    def settle(
        self,
        key: str,
        state: State,
        *,
        why: str | None = None,
        status: int | None = None,
        crawl_id: str = "",
        relevance: float | None = None,
    ) -> None:
        """End a URL's lease."""

    def shown(self, enough: float) -> dict[str, int]:
        """Return how many pages of at least that relevance each site has shown."""

    def postpone(self, key: str, due: float, why: str, *, attempt: bool = True) -> None:
        """Put a leased URL back, not to be tried before `due`."""

    def close_host(self, host: str, why: str) -> None:
        """Leave out all that waits on a host."""

    def counts(self, site: str | None = None) -> dict[str, int]:
        """Return how many URLs are in each state."""

    def reasons(self) -> dict[str, int]:
        """Return how many URLs were left out or failed, by reason."""

    def look(self, key: str) -> tuple[Entry, str, int | None] | None:
        """Return what is known of a URL: its entry, state and last status."""

    def watermark(self) -> int | None:
        """Return the number of the corpus's last fetch whose consequences are in the frontier."""

    def set_watermark(self, mark: int) -> None:
        """Note up to which fetch the frontier knows."""

    def unfinished(self) -> bool:
        """Return whether something was left waiting, or a run was killed."""

    def set_unfinished(self, unfinished: bool) -> None:
        """Note that a run began or came to its end."""

    def pages(self) -> list[tuple[str, int]]:
        """Return the pages by which twins are told; of a shared frontier, those not returned before."""

    def remember_page(self, key: str, digest: int) -> None:
        """Keep a page's digest."""

    def robots(self, origin: str, newer_than: float) -> tuple[int, bytes] | None:
        """Return a remembered robots.txt."""

    def remember_robots(self, origin: str, status: int, body: bytes, now: float) -> None:
        """Keep a robots.txt."""
