"""The two gates before a connection: what a name resolves to, and whom the connection was made to."""

# Twisted's interfaces are in camel case, and its objects carry few types.
# ruff: noqa: N802, ANN401
# mypy: disallow-untyped-calls=False

import asyncio
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.testing import StringTransport

from crawler.addresses import AddressPolicy, parse_hosts
from crawler.handler import AddressRefusedError, Connection
from crawler.resolver import GuardedResolver
from crawler.wire import Reading


class FakeSystem:
    """Answers a name with other addresses every time it is asked, as a rebinding attacker's DNS does."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)

    def resolveHostName(self, receiver: Any, name: str, port: int = 0, *_: Any) -> None:
        receiver.resolutionBegan(None)
        for address in self.answers.pop(0):
            kind = IPv6Address if ":" in address else IPv4Address
            receiver.addressResolved(kind("TCP", address, port))
        receiver.resolutionComplete()


class Receiver:
    def __init__(self) -> None:
        self.addresses: list[tuple[str, int]] = []
        self.complete = False

    def resolutionBegan(self, _: Any) -> None:
        pass

    def addressResolved(self, address: Any) -> None:
        self.addresses.append((address.host, address.port))

    def resolutionComplete(self) -> None:
        self.complete = True


class FakeReactor:
    def __init__(self, system: FakeSystem) -> None:
        self.nameResolver: Any = system

    def installNameResolver(self, resolver: Any) -> None:
        self.nameResolver = resolver


def resolve(resolver: GuardedResolver, name: str, port: int = 80) -> list[tuple[str, int]]:
    receiver = Receiver()
    resolver.resolveHostName(receiver, name, port)
    assert receiver.complete
    return receiver.addresses


def test_only_public_addresses_are_handed_out() -> None:
    system = FakeSystem(["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1111"])
    resolver = GuardedResolver(FakeReactor(system), AddressPolicy())
    assert resolve(resolver, "a.test") == [("1.1.1.1", 80), ("2606:4700::1111", 80)]


def test_rebinding_gains_nothing() -> None:
    system = FakeSystem(["1.1.1.1"], ["127.0.0.1"], ["169.254.169.254"])
    resolver = GuardedResolver(FakeReactor(system), AddressPolicy())
    assert [resolve(resolver, "a.test") for _ in range(3)] == [[("1.1.1.1", 80)], [], []]
    assert resolver.refused["a.test"] == "169.254.169.254 is link-local"


def test_mapped_names_never_reach_the_system() -> None:
    reactor = FakeReactor(FakeSystem())
    resolver = GuardedResolver(reactor, AddressPolicy(parse_hosts({"a.test": "127.0.0.1:8000"})))
    resolver.install_on_reactor()
    assert reactor.nameResolver is resolver
    assert resolve(resolver, "A.test") == [("127.0.0.1", 8000)]


def connect(policy: AddressPolicy, host: str, port: int) -> tuple[Connection, StringTransport]:
    protocol = Connection(policy)
    transport = StringTransport(peerAddress=IPv4Address("TCP", host, port))
    protocol.makeConnection(transport)
    return protocol, transport


def test_a_connection_to_a_forbidden_peer_is_dropped_before_anything_is_sent() -> None:
    protocol, transport = connect(AddressPolicy(), "127.0.0.1", 80)

    async def ask() -> None:
        await protocol.ask(b"GET / HTTP/1.1\r\n\r\n", Reading(10))

    with pytest.raises(AddressRefusedError):
        asyncio.run(ask())
    assert transport.disconnecting or transport.disconnected
    assert transport.value() == b""


@pytest.mark.parametrize(
    ("policy", "host"),
    [
        (AddressPolicy(), "1.1.1.1"),
        (AddressPolicy(allow_private=True), "127.0.0.1"),
        (AddressPolicy(parse_hosts({"a.test": "127.0.0.1:80"})), "127.0.0.1"),
    ],
)
def test_a_permitted_peer_is_spoken_to(policy: AddressPolicy, host: str) -> None:
    protocol, transport = connect(policy, host, 80)
    assert protocol.refused is None
    assert not transport.disconnecting
