"""How a host is doing, and what courtesy that asks for: pauses, back-off, a circuit breaker. Pure; the clock is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

BREAK_AFTER = 6
"""Failures in a row that open a host's circuit."""

GIVE_UP_AFTER = 3
"""Times the circuit may open before a run leaves the host alone; its URLs wait for the next run."""

MAX_ATTEMPTS = 3
"""Requests for one URL before it counts as failed."""

MAX_PAUSE = 900.0
"""Seconds: no pause is longer; a server that asks for more than this is left for the next run."""

RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
"""Statuses that may be different next time (RFC 9110, 15; 52x are Cloudflare's for an origin that is down)."""

REFUSALS = frozenset({401, 403, 429})
"""Statuses by which a server says that it doesn't want this client, or not this often."""


def retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date; None if it says neither."""
    if not value:
        return None
    text = value.strip()
    if text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)


def backoff(attempt: int, base: float) -> float:
    """Return the seconds to wait after the `attempt`th failure (from 1): `base`, then double each time, bounded."""
    return float(min(MAX_PAUSE, base * 2 ** min(attempt - 1, 10)))


@dataclass(slots=True)
class HostHealth:
    """One host's recent history. `base` is the first back-off in seconds."""

    base: float = 5.0
    ready_at: float = 0.0
    failures: int = 0
    opened: int = 0
    gave_up: str | None = None

    def succeeded(self) -> None:
        """Note an answer that shows the host well."""
        self.failures = 0

    def failed(self, why: str, now: float, *, wait: float | None = None, counts: bool = True) -> None:
        """Note a failure; enough in a row that count open the circuit, and in the end the host is left for this run.

        `wait` is what the server asked for, in seconds.
        """
        if wait is not None:
            self.ready_at = max(self.ready_at, now + min(wait, MAX_PAUSE))
            if wait > MAX_PAUSE:
                self.gave_up = f"asked to wait {wait:.0f} s"
        if now < self.ready_at:
            # Asked before the circuit opened, answered after: it has been counted for.
            return
        self.failures += counts
        if self.failures < BREAK_AFTER:
            return
        self.failures = 0
        self.opened += 1
        self.ready_at = max(self.ready_at, now + backoff(self.opened, 6 * self.base))
        if self.opened >= GIVE_UP_AFTER:
            self.gave_up = f"circuit opened {self.opened} times, last by {why}"

    def ready(self, now: float) -> bool:
        """Whether a request may go to the host now."""
        return self.gave_up is None and now >= self.ready_at
