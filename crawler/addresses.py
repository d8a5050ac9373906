"""Which network addresses the crawler may talk to: pure rules, applied after name resolution.

A page can point anywhere, and a name can resolve to anything, to something else the next time it is asked. So the
rule is put where no second lookup follows it: on the addresses a connection is about to be opened to (`resolver.py`),
and once more on the peer actually connected (`handler.py`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052's well-known prefix: an IPv6 address that a gateway turns into the IPv4 address in its last 32 bits."""

_ISATAP = (0x00005EFE, 0x02005EFE)
"""RFC 5214, 6.1: an interface identifier that begins so ends in the IPv4 address that the packet goes to."""

_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
"""All that IANA has given out as global unicast; the rest is reserved, deprecated (fec0::/10, ::a.b.c.d) or local
(64:ff9b:1::/48), and which of it counts as private differs between versions of Python."""

_NOT_GLOBAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
"""Of IANA's registries of special addresses, what `ipaddress` of Python 3.11 takes for global."""


class Endpoint(NamedTuple):
    """A numeric address and a port."""

    address: str
    port: int


class HostsError(ValueError):
    """A host mapping that names no numeric endpoint; the text says what was expected."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which peers a crawl may connect to.

    `hosts` maps host names (lower case) to the endpoint the user gave for them: these bypass the DNS and are allowed
    wherever they point. `allow_private` lifts the ban on addresses that aren't globally routable.
    """

    hosts: Mapping[str, Endpoint] = field(default_factory=dict)
    allow_private: bool = False

    def mapped(self, host: str) -> Endpoint | None:
        """Return the endpoint that the user gave for `host`, or None."""
        return self.hosts.get(host.lower().rstrip("."))

    def refusal(self, address: str, port: int | None = None) -> str | None:
        """Return why a connection to this numeric address may not be made, or None if it may.

        With a `port`, an endpoint the user mapped a name to is allowed.
        """
        if self.allow_private:
            return None
        if port is not None and Endpoint(address, port) in self.hosts.values():
            return None
        return refusal(address)


def refusal(address: str) -> str | None:
    """Return why a numeric address isn't a public one (`loopback`, `private` ...), or None if it is.

    IPv4 addresses inside IPv6 ones (mapped, 6to4, Teredo, NAT64, ISATAP) are judged by the IPv4 address. Cloud metadata
    services (169.254.169.254, fd00:ec2::254) are link-local and private, so they need no rule of their own.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "not-an-address"
    inner = _embedded(parsed) if isinstance(parsed, ipaddress.IPv6Address) else None
    if inner is not None:
        return refusal(str(inner))
    if parsed.is_unspecified:
        return "unspecified"
    if parsed.is_loopback:
        return "loopback"
    if parsed.is_link_local:
        return "link-local"
    if parsed.is_multicast:
        return "multicast"
    if parsed.is_private:
        return "private"
    if parsed.version == 6 and parsed not in _GLOBAL_IPV6:
        return "not-global"
    return None if parsed.is_global and not any(parsed in network for network in _NOT_GLOBAL) else "not-global"


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, or None."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def parse_hosts(hosts: Mapping[str, str]) -> dict[str, Endpoint]:
    """Return `{"host": "ip:port"}` with its endpoints parsed. Raises HostsError for anything but a numeric address."""
    return {host.lower().rstrip("."): _endpoint(host, text) for host, text in hosts.items()}


def _endpoint(host: str, text: str) -> Endpoint:
    address, _, port = text.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    try:
        number = int(port)
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise HostsError(f"{host}: {text!r} is not an address and port; write it like 127.0.0.1:8000") from None
    if not 0 < number < 65536:
        raise HostsError(f"{host}: port {number} is not between 1 and 65535")
    return Endpoint(str(parsed), number)
