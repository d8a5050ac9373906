"""The way to a server: addresses, passwords that nobody sees, TLS, clusters, and one clear line for each trouble."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("redis")

from crawler.redis_frontier import RedisFrontier
from crawler.redis_link import Link, parse
from crawler.table import Entry, Frontier, FrontierError
from tests.crawler.redis_server import RedisServer, free_port, needs_server
from tests.crawler.test_redis_frontier import join, take
from yuqi import main

ROOT = Path(__file__).parents[2]
SECRET = "nobody-sees-this"


@pytest.mark.parametrize(
    ("text", "name", "shown", "url"),
    [
        ("redis://h", "crawl", "redis://h#crawl", "redis://h"),
        ("redis://h:1/2#a.b-c_1", "a.b-c_1", "redis://h:1/2#a.b-c_1", "redis://h:1/2"),
        (f"redis://u:{SECRET}@h/0#x", "x", "redis://h/0#x", f"redis://u:{SECRET}@h/0"),
        (f"rediss://h/0?password={SECRET}", "crawl", "rediss://h/0#crawl", f"rediss://h/0?password={SECRET}"),
        ("valkeys://h", "crawl", "valkeys://h#crawl", "rediss://h"),
        ("valkey://h", "crawl", "valkey://h#crawl", "redis://h"),
        ("unix:///run/redis.sock#x", "x", "unix:///run/redis.sock#x", "unix:///run/redis.sock"),
    ],
)
def test_addresses(text: str, name: str, shown: str, url: str) -> None:
    found = parse(text)
    assert (found.name, found.shown, found.url) == (name, shown, url)
    assert SECRET not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "c.db",
        "redis://",
        "redis://h#two words",
        "redis://h#" + "x" * 65,
        "redis://h#{slot}",
        f"redis://:{SECRET}/@h:1/0",
        f"redis://:{SECRET}@h:port/0",
        f"redis://:{SECRET}?@h",
        f"redis://:{SECRET}#@h",
        f"redis://[{SECRET}@h",
    ],
)
def test_what_is_no_address_is_said_without_what_it_may_hold(text: str) -> None:
    with pytest.raises(FrontierError) as caught:
        parse(text)
    assert SECRET not in str(caught.value)


def test_a_password_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YUQI_REDIS_PASSWORD", "a/b@c")
    assert parse("redis://h:1/0").url == "redis://:a%2Fb%40c@h:1/0"
    monkeypatch.setenv("YUQI_REDIS_USERNAME", "me")
    assert parse("redis://h:1/0").url == "redis://me:a%2Fb%40c@h:1/0"
    assert parse("redis://h:1/0").shown == "redis://h:1/0#crawl"
    assert parse("redis://:other@h:1/0").url == "redis://:other@h:1/0"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("locked"), "--requirepass", SECRET) as running:
        yield running


def with_password(server: RedisServer, password: str) -> str:
    return server.url.replace("://", f"://:{password}@")


@needs_server
def test_a_server_with_a_password(locked: RedisServer) -> None:
    assert Link(with_password(locked, SECRET)).away() == 0.0
    for address in (locked.url, with_password(locked, SECRET + "x")):
        with pytest.raises(FrontierError, match="wants another user or password") as caught:
            Link(address)
        assert SECRET not in str(caught.value)


@needs_server
def test_no_password_in_what_is_printed_or_kept(
    locked: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crawl of a page that isn't there, with all that it says, logs and stores."""
    address = with_password(locked, SECRET) + "#quiet"
    where = ["--host", f"a.test=127.0.0.1:{free_port()}"]
    command = [sys.executable, "-m", "yuqi", "crawl", "c.db", "http://a.test/", "--frontier", address, "--json"]
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command += [*where, "--log-json", "log.jsonl", "--seconds", "1", "--cleaners", "0"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["states"]
    assert SECRET not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path
    told = CliRunner().invoke(main, ["frontier", address])
    assert told.exit_code == 0
    assert "quiet" in told.output
    assert SECRET not in told.output


@needs_server
def test_inspecting_pausing_and_asking_why(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, ["frontier", *arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    with RedisServer(tmp_path) as server:
        address = server.url + "#look"
        frontier = join(address)
        frontier.add([Entry("http://s.test/x", "http://s.test/x", "s.test", "s.test", "link", why="pattern")])
        frontier.add([Entry("http://s.test/y", "http://s.test/y", "s.test", "s.test", "link")])
        assert json.loads(run(address, "--json")) == {
            "frontier": address, "paused": "no", "crawls at work": 1, "states": {"excluded": 1, "queued": 1},
            "why": {"pattern": 1},
        }  # fmt: skip
        assert "paused: yes" in run(address, "--pause")
        assert take(frontier) is None
        assert "paused: no" in run(address, "--resume")
        assert take(frontier)
        assert json.loads(run(address, "--why", "http://s.test/x", "--json"))["why"] == "pattern"
        assert "unknown" in run(address, "--why", "http://s.test/z")
    gone = CliRunner().invoke(main, ["frontier", address])
    assert gone.exit_code == 2
    assert "it can't be reached" in gone.stderr
    assert CliRunner().invoke(main, ["frontier", str(tmp_path / "c.db"), "--pause"]).exit_code == 2
    assert CliRunner().invoke(main, ["frontier", address, "--pause", "--resume"]).exit_code == 2


@pytest.mark.parametrize(
    ("address", "options", "what"),
    [
        ("redis://127.0.0.1:{port}/0", (), "it can't be reached"),
        ("redis://127.0.0.1:{port}/0?nonsense=1", (), "can't be"),
        ("c2.db", (), "a shared frontier's address begins with"),
        ("redis://127.0.0.1:{port}/0", ("--recrawl",), "--recrawl goes by one corpus's own fetches"),
    ],
)
def test_a_crawl_that_can_t_begin_says_why_and_makes_nothing(
    tmp_path: Path, address: str, options: tuple[str, ...], what: str
) -> None:
    path = tmp_path / "c.db"
    told = ["crawl", str(path), "http://a.test/", "--frontier", address.format(port=free_port()), *options]
    done = CliRunner().invoke(main, told)
    assert done.exit_code == 2
    assert what in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not path.exists()


@needs_server
def test_a_server_that_only_speaks_tls(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    port = free_port()
    options = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
    options += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    server = RedisServer(tmp_path, *options, port=port)
    try:
        server.start()
    except AssertionError:
        pytest.skip("this server was built without TLS")
    try:
        address = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}"
        frontier = join(address)
        frontier.add([Entry("http://s.test/", "http://s.test/", "s.test", "s.test", "link")])
        assert take(frontier)
        frontier.leave()
        with pytest.raises(FrontierError, match="unknown certificate"):
            Link(f"rediss://127.0.0.1:{port}/0")
        with pytest.raises(FrontierError, match="it can't be reached"):
            Link(f"redis://127.0.0.1:{port}/0")
    finally:
        server.kill()


@needs_server
def test_all_of_a_crawl_s_keys_lie_in_one_slot_of_a_cluster(tmp_path: Path) -> None:
    # The nodes talk to one another on a port 10,000 higher.
    port = next(found for found in iter(free_port, None) if found < 55_000)
    with RedisServer(tmp_path, "--cluster-enabled", "yes", port=port) as server:
        import redis

        node = redis.Redis(port=server.port, protocol=2)  # what Redis 5 speaks
        node.cluster("addslots", *range(16384))
        deadline = time.monotonic() + 20
        while node.cluster("info")["cluster_state"] != "ok" and time.monotonic() < deadline:
            time.sleep(0.05)
        frontier, other = join(server.url + "#one"), join(server.url + "#two")
        hosts = [f"{letter}.test" for letter in "abcdef"]
        for one in (frontier, other):
            one.add(Entry(f"http://{host}/", f"http://{host}/", "s.test", host, "link") for host in hosts)
        assert frontier.hosts() == hosts
        assert all(take(frontier, host) for host in hosts)
        frontier.remember_page("http://a.test/", 7)
        frontier.remember_robots("http://a.test", 200, b"", 0.0)
        slots = {node.cluster("keyslot", key) for key in node.scan_iter("yuqi:{one}:*")}
        assert len(slots) == 1
        frontier.leave()
        looker = RedisFrontier(Link(server.url + "#one"))
        assert looker.counts() == {"leased": 6}
        again = RedisFrontier(Link(server.url + "#one"), frontier.connection)
        again.clear()
        assert looker.counts() == {}
        assert other.counts() == {"queued": 6}
        other.leave()


def test_a_corpus_of_its_own_needs_no_server(tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "c.db")
    Frontier.create(connection)
    own = Frontier(connection, ["s"])
    entry = Entry("http://a.test/", "http://a.test/", "s", "a.test", "link")
    assert (own.shared, own.elsewhere(), own.away(), own.gap(1.0), own.hold(entry)) == (
        False,
        False,
        0.0,
        0.0,
        0.0,
    )
