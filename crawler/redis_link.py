"""The way to a Redis (or Valkey) server: its address, the client, and what its troubles mean in one line.

Nothing here prints or keeps a password: people are shown `Address.shown`, and the client alone has the rest.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import orjson
import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError
from redis.retry import Retry

from crawler.shared import SCHEMES, FrontierAwayError, is_address
from crawler.table import FrontierError

Found = TypeVar("Found")
log = logging.getLogger(__name__)

DEFAULT_NAME = "crawl"

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 15.0
"""How long to wait for a connection and for an answer: the crawl stands still meanwhile."""

FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0
"""Seconds until the server is asked again after it was not there; doubled each time."""

_SPOKEN = {"valkey": "redis", "valkeys": "rediss"}
_NAME = re.compile(r"[\w.-]{1,64}\Z", re.ASCII)
_SCRIPT = "redis_frontier.lua"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a shared frontier is: the server's URL for the client, the crawl's name, and what people may see of it."""

    url: str = field(repr=False)
    name: str
    shown: str
    password: str | None = field(default=None, repr=False)


def parse(text: str) -> Address:
    """Return what `redis://[USER:PASSWORD@]HOST[:PORT][/DB][#CRAWL]` says.

    A password that isn't there is looked for in the environment: `YUQI_REDIS_PASSWORD`, with `YUQI_REDIS_USERNAME`.
    Raises FrontierError for anything else.
    """
    if not is_address(text):
        raise FrontierError(f"a shared frontier's address begins with one of {', '.join(SCHEMES)}")
    unreadable = "the frontier's address can't be read: redis://[USER:PASSWORD@]HOST:PORT/0#NAME, specials as %XX"
    try:
        parts = urlsplit(text)
        host, password, user, _ = parts.hostname, parts.password, parts.username, parts.port
    except ValueError:
        # What Python says of it may hold a part of the password.
        raise FrontierError(unreadable) from None
    if "@" in parts.path + parts.query + parts.fragment:
        raise FrontierError(unreadable)
    name = parts.fragment or DEFAULT_NAME
    if not _NAME.match(name):
        raise FrontierError("a shared crawl's name (behind #) has letters, digits, dots, dashes and underscores")
    place = parts.netloc.rpartition("@")[2]
    shown = f"{parts.scheme}://{place}{parts.path}#{name}"
    if password is None and (given := os.environ.get("YUQI_REDIS_PASSWORD")):
        password = given
        user = user or os.environ.get("YUQI_REDIS_USERNAME") or ""
        place = f"{quote(user, safe='')}:{quote(given, safe='')}@{place}"
    else:
        place = parts.netloc
    if parts.scheme != "unix" and not host:
        raise FrontierError("the frontier's address names no host: redis://HOST:PORT/0#NAME")
    scheme = _SPOKEN.get(parts.scheme, parts.scheme)
    query = f"?{parts.query}" if parts.query else ""
    return Address(f"{scheme}://{place}{parts.path}{query}", name, shown, password)


class Link:
    """A connection to one crawl's keys. `call` runs an operation of the script, `ask` anything else.

    Both raise FrontierAwayError where the server can't be had; until some time has passed the next try fails at once.
    """

    def __init__(self, address: str) -> None:
        """Connect. Raises FrontierError, with what to do, when the server can't be had or used."""
        self.address = parse(address)
        self.prefix = f"yuqi:{{{self.address.name}}}:"
        self._away_since: float | None = None
        self._next_try = 0.0
        self._pause = FIRST_PAUSE
        self._trouble = ""
        try:
            self.client = _client(self.address)
            self._script = self.client.register_script((resources.files("crawler") / _SCRIPT).read_text("utf-8"))
            self.client.ping()
        except (RedisError, OSError) as error:
            raise FrontierError(f"{self.address.shown}: {explain(error, self.address)}") from None
        except (TypeError, ValueError) as error:
            raise FrontierError(f"{self.address.shown}: the address can't be used ({error})") from None

    def key(self, name: str) -> str:
        """Return the crawl's key of that name."""
        return self.prefix + name

    def call(self, operation: str, arguments: Any) -> Any:  # noqa: ANN401  # what JSON holds
        """Run an operation of the script and return its answer."""
        return self.ask(lambda: self.run(operation, arguments))

    def run(self, operation: str, arguments: Any) -> Any:  # noqa: ANN401
        """Run an operation once, whatever comes of it; from any thread."""
        return self._script(keys=[self.prefix], args=[operation, orjson.dumps(arguments)])

    def ask(self, question: Callable[[], Found]) -> Found:
        """Return what `question` returns."""
        now = time.monotonic()
        if now < self._next_try:
            raise FrontierAwayError(self._trouble)
        try:
            found = question()
        except (RedisError, OSError) as error:
            self._next_try = time.monotonic() + self._pause
            self._pause = min(LAST_PAUSE, 2 * self._pause)
            self._trouble = f"{self.address.shown}: {explain(error, self.address)}"
            if self._away_since is None:
                self._away_since = now
                log.warning("%s; the crawl waits for it", self._trouble)
            raise FrontierAwayError(self._trouble) from None
        if self._away_since is not None:
            log.warning("%s: it is back", self.address.shown)
        self._away_since, self._pause = None, FIRST_PAUSE
        return found

    def away(self) -> float:
        """Return for how many seconds the server has not been there."""
        return 0.0 if self._away_since is None else max(1e-9, time.monotonic() - self._away_since)

    def retry_in(self) -> float:
        """Return the seconds until the server is asked again."""
        return max(0.0, self._next_try - time.monotonic())

    def warnings(self) -> list[str]:
        """Return what about the server's settings puts a crawl at risk; nothing where it doesn't let itself be asked."""
        try:
            kept, memory = self.client.info("persistence"), self.client.info("memory")
        except (RedisError, OSError):
            return []
        found = []
        if not kept.get("aof_enabled"):
            found.append("a restart of it forgets what the frontier learned last: set `appendonly yes`")
        if memory.get("maxmemory") and memory.get("maxmemory_policy") != "noeviction":
            found.append("it may drop URLs when its memory is full: set `maxmemory-policy noeviction`")
        return [f"{self.address.shown}: {text}" for text in found]

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def _client(address: Address) -> Any:  # noqa: ANN401  # one of two clients that share what is used of them
    options: dict[str, Any] = {
        # Redis 5 speaks no other.
        "protocol": 2,
        "decode_responses": True,
        "socket_timeout": ANSWER_SECONDS,
        "socket_connect_timeout": CONNECT_SECONDS,
        # Once more, for a connection that a restart has cut; what takes longer is waited for here.
        "retry": Retry(NoBackoff(), 1),
    }
    if address.url.startswith("unix:"):
        del options["socket_connect_timeout"]
    client = redis.Redis.from_url(address.url, **options)
    try:
        clustered = bool(client.info("cluster").get("cluster_enabled"))
    except ResponseError as error:
        if "NOPERM" not in str(error) and "no permissions" not in str(error):
            raise
        clustered = False
    if not clustered:
        return client
    client.close()
    return RedisCluster.from_url(address.url, **{**options, "retry": Retry(NoBackoff(), 3)})


def explain(error: Exception, address: Address) -> str:
    """Return in one line what kept the server from answering, and what to do."""
    text = (str(error).splitlines() or [type(error).__name__])[0][:300]
    if address.password:
        text = text.replace(address.password, "***")
    if isinstance(error, AuthenticationError) or "NOAUTH" in text or "WRONGPASS" in text:
        return (
            "it wants another user or password: write it in the address (USER:PASSWORD@ before the host), or set "
            "YUQI_REDIS_PASSWORD"
        )
    if isinstance(error, BusyLoadingError):
        return "it is still loading its data; try again when it has"
    if "NOPERM" in text or "no permissions" in text:
        return f"its user may not do all that a frontier needs ({text})"
    if isinstance(error, redis.ReadOnlyError):
        return "it is a replica; name the server that is written to"
    if isinstance(error, redis.OutOfMemoryError):
        return "its memory is full; give it more"
    if "SSL" in text:
        return f"no encrypted connection ({text}); is it rediss:// for a server without TLS, or an unknown certificate?"
    if isinstance(error, redis.ConnectionError | redis.TimeoutError | OSError):
        return f"it can't be reached ({text}); start it, or check the address"
    return text
