"""Responses read from the wire: the same however they are cut into pieces, whole or marked, within limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.wire import MAX_HEAD_BYTES, Reading, WireError, header_lines, request_bytes
from tests.crawler.hostile import RAW

LIMIT = 1000


def read(*pieces: bytes, ended: bool = True, limit: int = LIMIT, bodiless: bool = False) -> Reading:
    """Read a response that comes in pieces, after which the connection ends (or doesn't)."""
    reading = Reading(limit, bodiless=bodiless)
    for piece in pieces:
        reading.feed(piece)
    if ended:
        reading.ended()
    return reading


@pytest.mark.parametrize(
    ("told", "body", "truncated"),
    [
        (b"Content-Length: 5\r\n\r\nhello", b"hello", None),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", b"hello", None),
        (b"Content-Length: 5, 05\r\n\r\nhello", b"hello", None),
        (b"content-length:5\n\nhello", b"hello", None),
        (b"Content-Length: 5\r\n\r\nhello and more", b"hello", None),
        (b"Content-Length: 9\r\n\r\nhello", b"hello", "disconnect"),
        (b"Content-Length: 99999999999999999999\r\n\r\nhello", b"hello", "disconnect"),
        (b"Content-Length: 0\r\n\r\n", b"", None),
        (b"\r\nhello", b"hello", None),
        (b"\r\n" + b"x" * (LIMIT + 1), b"x" * LIMIT, "length"),
        (b"\r\n" + b"x" * LIMIT, b"x" * LIMIT, None),
        (b"Content-Length: 2000\r\n\r\n" + b"x" * 2000, b"x" * LIMIT, "length"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\n\r\n", b"hello", None),
        (b"Transfer-Encoding: Chunked\r\n\r\n5\nhello\n0\nTrailer: 1\n\n", b"hello", None),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello", None),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"hello", "disconnect"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello more\r\n", b"hello", "disconnect"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n-3\r\n", b"hello", "disconnect"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + b"0" * 2000, b"hello", "disconnect"),
        (b"Transfer-Encoding: chunked\r\n\r\n600\r\n" + b"x" * 1536 + b"\r\n0\r\n\r\n", b"x" * LIMIT, "length"),
    ],
)
def test_where_a_body_ends(told: bytes, body: bytes, truncated: str | None) -> None:
    whole = b"HTTP/1.1 200 OK\r\n" + told
    at_once = read(whole)
    in_bytes = read(*(whole[place : place + 1] for place in range(len(whole))))
    for reading in (at_once, in_bytes):
        assert (reading.status, reading.body, reading.truncated) == (200, body, truncated)


@pytest.mark.parametrize(
    "answer",
    [
        b"<p>no status line\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/x.1 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5_0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3000,
    ],
)
def test_what_is_no_response(answer: bytes) -> None:
    with pytest.raises(WireError):
        read(answer, ended=False)
    with pytest.raises(WireError):
        read(*(answer[place : place + 1] for place in range(len(answer))), ended=False)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n"])
def test_an_end_before_there_is_a_response(answer: bytes) -> None:
    with pytest.raises(WireError, match="before there was a response"):
        read(answer)


def test_header_lines_are_kept_as_they_came() -> None:
    text = b" folded first\r\nX-A: b\r\n\tc\r\nrubbish\r\nX-a:  \xd3\xe2\xff \r\nSet-Cookie: a=b:c\r\n:\r\n"
    assert header_lines(text) == (
        (b"X-A", b"b\tc"), (b"X-a", b"\xd3\xe2\xff"), (b"Set-Cookie", b"a=b:c"), (b"", b""),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "lasting"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: x, Close\r\n\r\nx", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK", False),
    ],
)
def test_whether_a_connection_may_be_asked_again(answer: bytes, lasting: bool) -> None:
    reading = read(answer, ended=False)
    assert reading.done
    assert reading.lasting == lasting
    reading.feed(b"more that nobody asked for")
    assert not reading.lasting


def test_an_answer_to_head_has_no_body() -> None:
    reading = read(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", ended=False, bodiless=True)
    assert (reading.done, reading.lasting, reading.body, reading.truncated) == (True, True, b"", None)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([raw for raw in RAW.values() if isinstance(raw, bytes) and len(raw) < 5000]) | st.binary(),
    st.data(),
)
def test_pieces_make_no_difference(answer: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=6)))
    pieces = [answer[start:end] for start, end in zip([0, *cuts], [*cuts, len(answer)], strict=True)]

    def outcome(*parts: bytes) -> object:
        try:
            reading = read(*parts, limit=30)
        except WireError:
            return None
        return reading.status, reading.lines, reading.body, reading.truncated

    assert outcome(*pieces) == outcome(answer)
    assert len(getattr(outcome(answer), "body", b"")) <= 30


def test_a_request() -> None:
    headers = [(b"Host", b"a.test"), (b"If-None-Match", b'"x"\r\nX-Injected: 1')]
    assert request_bytes(b"GET", b"/a?b", headers) == (
        b'GET /a?b HTTP/1.1\r\nHost: a.test\r\nIf-None-Match: "x"  X-Injected: 1\r\n\r\n'
    )


@pytest.mark.parametrize(
    ("method", "target", "name"),
    [
        (b"GET", b"/a b", b"X"),
        (b"GET", b"/a\r\nX: 1", b"X"),
        (b"GET", b"", b"X"),
        (b"GET", b"/\xe4", b"X"),
        (b"G T", b"/", b"X"),
        (b"GET", b"/", b"X\r\nY"),
        (b"GET", b"/", b"X:"),
    ],
)
def test_what_could_be_read_as_more_than_one_request_is_not_sent(
    method: bytes, target: bytes, name: bytes
) -> None:
    with pytest.raises(WireError):
        request_bytes(method, target, [(name, b"x")])
