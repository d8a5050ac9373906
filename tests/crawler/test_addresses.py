import pytest

from crawler.addresses import AddressPolicy, Endpoint, HostsError, parse_hosts, refusal


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.8.8", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("10.1.2.3", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("fd00:ec2::254", "private"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("224.0.0.1", "multicast"),
        ("100.64.0.1", "not-global"),
        ("255.255.255.255", "private"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("2001:0:7f00:1:0:0:80ff:fffe", "loopback"),
        ("2606:4700::5efe:7f00:1", "loopback"),
        ("2606:4700::200:5efe:a00:1", "private"),
        ("::127.0.0.1", "not-global"),
        ("::ffff:0:127.0.0.1", "not-global"),
        ("64:ff9b:1::7f00:1", "not-global"),
        ("fec0::1", "not-global"),
        ("5f00::1", "not-global"),
        ("3fff::1", "not-global"),
        ("192.0.0.8", "not-global"),
        ("192.88.99.1", "not-global"),
        ("not an address", "not-an-address"),
    ],
)
def test_refused(address: str, reason: str) -> None:
    assert refusal(address) == reason


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "93.184.216.34",
        "2606:4700::1111",
        "::ffff:1.1.1.1",
        "172.32.0.1",
        "64:ff9b::101:101",
        "2400:3200::1",
    ],
)
def test_public(address: str) -> None:
    assert refusal(address) is None


def test_a_mapped_endpoint_is_allowed_and_nothing_beside_it() -> None:
    policy = AddressPolicy(parse_hosts({"A.test": "127.0.0.1:8000"}))
    assert policy.mapped("a.TEST.") == Endpoint("127.0.0.1", 8000)
    assert policy.mapped("b.test") is None
    assert policy.refusal("127.0.0.1", 8000) is None
    assert policy.refusal("127.0.0.1", 22) == "loopback"
    assert policy.refusal("127.0.0.1") == "loopback"
    assert AddressPolicy(allow_private=True).refusal("127.0.0.1", 22) is None


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "localhost:80", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:x", ""]
)
def test_hosts_take_numeric_endpoints_only(text: str) -> None:
    with pytest.raises(HostsError, match=r"a\.test"):
        parse_hosts({"a.test": text})


def test_hosts_take_ipv6() -> None:
    assert parse_hosts({"a.test": "[::1]:80"}) == {"a.test": Endpoint("::1", 80)}
