"""Connections: asked again while they last, given up when they don't, and never waited for beyond a limit.

A real server on loopback and the reactor that a crawl runs on, in a process of their own: a reactor starts only once.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[2]

SCRIPT = """
import asyncio, json, os, socket, ssl, sys, threading, time
from scrapy import Request
from scrapy.utils.reactor import install_reactor
install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
from scrapy.settings import Settings
from types import SimpleNamespace
from twisted.internet import defer, reactor
from crawler.handler import FetchHandler
from crawler.resolver import GuardedResolver

connections = []
asked = []
CERTIFICATE = os.environ.get("CERTIFICATE")
if CERTIFICATE:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
server = socket.create_server(("127.0.0.1", 0), backlog=64)
PORT = server.getsockname()[1]

def serve(sock, number):
    rest = b""
    while True:
        while b"\\r\\n\\r\\n" not in rest:
            data = sock.recv(65536)
            if not data:
                return
            rest += data
        head, _, rest = rest.partition(b"\\r\\n\\r\\n")
        path = head.split(b" ", 2)[1].decode()
        asked.append([number, path, head.decode("latin-1")])
        if path == "/silent":
            time.sleep(3)
            return sock.close()
        if path == "/slow-body":
            sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\npart")
            time.sleep(3)
            return sock.close()
        if path == "/hang-up":
            return sock.close()
        body = path.encode()
        last = b"Connection: close\\r\\n" if path == "/close" else b""
        lines = b"%sX-A: 1\\r\\nx-a: 2\\r\\nContent-Length: %d\\r\\n\\r\\n" % (last, len(body))
        sock.sendall(b"HTTP/1.1 200 OK\\r\\n" + lines + body)
        if path == "/unannounced":
            time.sleep(0.05)
            return sock.close()

def accept():
    while True:
        sock, _ = server.accept()
        connections.append(sock)
        if CERTIFICATE:
            try:
                sock = context.wrap_socket(sock, server_side=True)
            except OSError:
                continue
        threading.Thread(target=serve, args=(sock, len(connections)), daemon=True).start()

threading.Thread(target=accept, daemon=True).start()
settings = Settings()
settings.setmodule("crawler.settings", priority="project")
settings.setdict({"YUQI_HOSTS": {"a.test": f"127.0.0.1:{PORT}", "dead.test": "127.0.0.1:1"}, "DOWNLOAD_TIMEOUT": 0.5})
crawler = SimpleNamespace(settings=settings, spider=None)
GuardedResolver.from_crawler(crawler, reactor).install_on_reactor()
handler = FetchHandler.from_crawler(crawler)

async def get(url, **options):
    request = Request(url, **options)
    try:
        response = await handler.download_request(request)
    except Exception as error:
        return type(error).__name__
    return [response.status, response.body.decode(), response.flags, [n.decode() for n, _ in request.meta["header_lines"]]]

async def main():
    STEPS
    return results

def done(result):
    if not isinstance(result, list):
        sys.exit(str(result))
    print(json.dumps({"results": result, "asked": asked, "connections": len(connections)}))
    reactor.stop()

reactor.callWhenRunning(lambda: defer.Deferred.fromFuture(asyncio.ensure_future(main())).addBoth(done))
reactor.run()
"""


def run(steps: str, **environment: str) -> dict[str, Any]:
    """Run steps that fill `results` against the server; return them, what was asked, and how many connections were made."""
    lines = "\n    ".join(["results = []", *steps.strip().splitlines()])
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("STEPS", lines)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
        timeout=60,
    )
    told: dict[str, Any] = json.loads(output.stdout)
    return told


def test_a_connection_is_asked_again_while_it_lasts() -> None:
    told = run("for path in ('/1', '/2', '/close', '/3'): results.append(await get(f'http://a.test{path}'))")
    assert [result[1] for result in told["results"]] == ["/1", "/2", "/close", "/3"]
    assert told["results"][0][3] == ["X-A", "x-a", "Content-Length"]
    assert [number for number, _, _ in told["asked"]] == [1, 1, 1, 2]
    assert "Host: a.test" in told["asked"][0][2].split("\r\n")


def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    told = run("results += await asyncio.gather(*(get(f'http://a.test/{n}') for n in range(5)))")
    assert [result[1] for result in told["results"]] == [f"/{n}" for n in range(5)]
    assert told["connections"] == 5


@pytest.mark.parametrize("pause", ["0.2", "0.0"])
def test_one_that_the_server_has_closed_meanwhile_is_replaced(pause: str) -> None:
    told = run(
        "results.append(await get('http://a.test/unannounced'))\n"
        f"await asyncio.sleep({pause})\n"
        "results.append(await get('http://a.test/after'))"
    )
    assert [result[1] for result in told["results"]] == ["/unannounced", "/after"]


def test_a_new_one_that_ends_unheard_is_not_asked_twice() -> None:
    told = run("results.append(await get('http://a.test/hang-up'))")
    assert told["results"] == ["DownloadFailedError"]
    assert [path for _, path, _ in told["asked"]] == ["/hang-up"]


def test_time_is_limited() -> None:
    told = run(
        "results.append(await get('http://a.test/silent'))\n"
        "results.append(await get('http://a.test/slow-body'))\n"
        "results.append(await get('http://a.test/after'))"
    )
    assert told["results"][0] == "DownloadTimeoutError"
    assert told["results"][1][:3] == [200, "part", ["truncated:time"]]
    assert told["results"][2][1] == "/after"
    assert told["connections"] == 3


def test_what_leads_nowhere() -> None:
    told = run(
        "results.append(await get('http://dead.test/'))\n"
        "results.append(await get('http://127.0.0.1/'))\n"
        "results.append(await get('http://a.test/', method='POST', headers={'X\\\\r\\\\nY': '1'}))"
    )
    assert told["results"] == ["DownloadFailedError", "AddressRefusedError", "DownloadFailedError"]
    assert told["asked"] == []


def test_a_url_is_asked_for_as_it_is_written() -> None:
    told = run(
        "for url in ('http://a.test', 'http://A.test?x=1', 'http://a.test/a;b?', 'http://a.test/a#b'):\n"
        "    results.append(await get(url, meta={'verbatim_url': True}))"
    )
    assert [path for _, path, _ in told["asked"]] == ["/", "/?x=1", "/a;b?", "/a"]
    assert told["connections"] == 1


def certificate(folder: Path, name: str) -> Path:
    """Write a certificate for `name`, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize(
    ("name", "trusted", "expected"),
    [("a.test", True, "/x"), ("a.test", False, None), ("b.test", True, None)],
)
def test_certificates_are_looked_at(tmp_path: Path, name: str, *, trusted: bool, expected: str | None) -> None:
    path = str(certificate(tmp_path, name))
    told = run(
        "for path in ('/x', '/y'): results.append(await get(f'https://a.test:443{path}'))",
        CERTIFICATE=path,
        **({"SSL_CERT_FILE": path} if trusted else {}),
    )
    if expected:
        assert [result[1] for result in told["results"]] == ["/x", "/y"]
        assert told["connections"] == 1
    else:
        assert told["results"] == ["DownloadFailedError"] * 2
        assert told["asked"] == []
