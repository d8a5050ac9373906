"""Name resolution that hands out only addresses the crawl may connect to.

Twisted's endpoints connect to the very addresses this resolver returns, without asking the DNS again, so a name that
resolves to a public address for the check and to a private one for the connection gains nothing.
"""

# Twisted's interfaces are in camel case, and its objects carry no useful types.
# ruff: noqa: N802, N803, ANN401

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]

from crawler.addresses import AddressPolicy, parse_hosts

if TYPE_CHECKING:
    from scrapy.crawler import Crawler

MAX_REFUSED = 10_000
"""Names whose refusal is remembered for messages."""

log = logging.getLogger(__name__)


def policy_of(settings: Any) -> AddressPolicy:
    """Return the address policy that the settings YUQI_HOSTS and YUQI_ALLOW_PRIVATE describe."""
    return AddressPolicy(parse_hosts(settings.getdict("YUQI_HOSTS")), settings.getbool("YUQI_ALLOW_PRIVATE"))


@implementer(IHostResolution)
class _Resolution:
    """The name being looked up, as the interface wants it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """Do nothing: a mapped name is answered at once."""


@implementer(IResolutionReceiver)
class _Filter:
    """Passes on only the addresses that the policy allows."""

    def __init__(self, receiver: Any, policy: AddressPolicy, name: str, refused: dict[str, str]) -> None:
        self._receiver = receiver
        self._policy = policy
        self._name = name
        self._refused = refused

    def resolutionBegan(self, resolution: Any) -> None:
        self._receiver.resolutionBegan(resolution)

    def addressResolved(self, address: IPv4Address | IPv6Address) -> None:
        reason = self._policy.refusal(address.host, address.port)
        if reason is None:
            self._receiver.addressResolved(address)
        else:
            log.info("%s resolves to %s (%s): not connecting", self._name, address.host, reason)
            if len(self._refused) < MAX_REFUSED:
                self._refused[self._name] = f"{address.host} is {reason}"

    def resolutionComplete(self) -> None:
        self._receiver.resolutionComplete()


@implementer(IHostnameResolver)
class GuardedResolver:
    """A reactor-wide resolver: mapped names to their endpoints, others by the system, filtered by the policy."""

    def __init__(self, reactor: Any, policy: AddressPolicy) -> None:
        self._reactor = reactor
        self._system = reactor.nameResolver
        self._policy = policy
        self.refused: dict[str, str] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: Any) -> GuardedResolver:
        """Build from settings, as Scrapy's TWISTED_DNS_RESOLVER asks."""
        return cls(reactor, policy_of(crawler.settings))

    def install_on_reactor(self) -> None:
        """Take the place of the reactor's resolver."""
        self._reactor.installNameResolver(self)

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type] | None = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        """Resolve a name for a connection; a name with no permitted address resolves to nothing."""
        mapped = self._policy.mapped(hostName)
        if mapped is None:
            receiver = _Filter(resolutionReceiver, self._policy, hostName, self.refused)
            return self._system.resolveHostName(receiver, hostName, portNumber, addressTypes, transportSemantics)
        resolution = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        kind = IPv6Address if ":" in mapped.address else IPv4Address
        resolutionReceiver.addressResolved(kind("TCP", mapped.address, mapped.port))
        resolutionReceiver.resolutionComplete()
        return resolution
