from __future__ import annotations

import gzip
from http.client import HTTPConnection, HTTPResponse

import pytest

from demo.server import DemoServer, main
from demo.site import Demo

START = "http://www.yuqi-a.test/"


def ask(server: DemoServer, url: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    """Ask the server for a URL as a crawler does: connected to its address, the site named by the Host header."""
    _, _, rest = url.partition("//")
    host, _, path = rest.partition("/")
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(
            method, f"/{path}", headers={"Host": host} | {k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_every_page_arrives_as_it_was_built(server: DemoServer, demo: Demo) -> None:
    for url, expected in demo.responses.items():
        response, body = ask(server, url)
        assert (response.status, body) == (expected.status, expected.body), url
        assert response.getheader("Content-Type") == expected.header("Content-Type")


def test_sites_are_told_apart_by_host(server: DemoServer) -> None:
    assert ask(server, START)[1] != ask(server, "http://www.yuqi-c.test/")[1]
    assert ask(server, "http://WWW.YUQI-A.test:80/")[1] == ask(server, START)[1]


def test_a_proxy_request_names_the_site_in_its_target(server: DemoServer, demo: Demo) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", START)
        assert connection.getresponse().read() == demo.responses[START].body
    finally:
        connection.close()


def test_head_has_the_length_and_no_body(server: DemoServer, demo: Demo) -> None:
    response, body = ask(server, START, "HEAD")
    assert body == b""
    assert response.getheader("Content-Length") == str(len(demo.responses[START].body))


def test_gzip_where_it_is_asked_for(server: DemoServer, demo: Demo) -> None:
    response, body = ask(server, START, Accept_Encoding="gzip")
    assert response.getheader("Content-Encoding") == "gzip"
    assert gzip.decompress(body) == demo.responses[START].body


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}'])
def test_an_unchanged_page_is_answered_with_304(server: DemoServer, form: str) -> None:
    tag = ask(server, START)[0].getheader("ETag") or ""
    response, body = ask(server, START, If_None_Match=form.format(tag))
    assert (response.status, body) == (304, b"")


def test_a_changed_page_is_sent(server: DemoServer) -> None:
    assert ask(server, START, If_None_Match='"other"')[0].status == 200


def test_if_modified_since(server: DemoServer, demo: Demo) -> None:
    url = next(gold.url for gold in demo.gold if gold.kind == "article")
    modified = ask(server, url)[0].getheader("Last-Modified") or ""
    assert ask(server, url, If_Modified_Since=modified)[0].status == 304
    assert ask(server, url, If_Modified_Since="Mon, 01 Jan 1990 00:00:00 GMT")[0].status == 200


def test_headers_do_not_depend_on_the_clock_or_the_port(demo: Demo) -> None:
    with DemoServer(demo) as one, DemoServer(demo) as two:
        assert one.port != two.port
        assert ask(one, START)[0].getheaders() == ask(two, START)[0].getheaders()


def test_a_client_that_hangs_up_leaves_the_server_running(server: DemoServer) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/dump.html", headers={"Host": "news.yuqi-d.test"})
    connection.close()
    assert ask(server, START)[0].status == 200


def test_it_listens_on_loopback_only(server: DemoServer) -> None:
    assert set(server.hosts.values()) == {f"127.0.0.1:{server.port}"}
    assert server._server.server_address[0] == "127.0.0.1"


def test_the_command_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    assert "127.0.0.1" in capsys.readouterr().out
