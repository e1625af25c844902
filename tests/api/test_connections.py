"""Bytes before a request is complete: limited in size and time, parsed in one way only, and refused with a problem."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from service.api import protocol
from service.api.protocol import HEAD_LIMIT, Connection

GET = b"GET /asked HTTP/1.1\r\nHost: here\r\n"
POST = b"POST /asked HTTP/1.1\r\nHost: here\r\n"
CLOSE = b"Connection: close\r\n\r\n"
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: here\r\n\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the path and the body of the request, and the headers that not every request has."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    own = [b"%b=%b" % header for header in scope["headers"] if header[0].startswith(b"x-") or header[1] == b"there"]
    told = b" ".join([scope["path"].encode(), body, *own])
    headers = [(b"content-length", b"%d" % len(told))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told})


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """Yield the address of a server with a minimal application."""
    config = uvicorn.Config(echo, log_config=None, access_log=False, timeout_keep_alive=75)
    state = ServerState()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        server = runner.run(loop.create_server(lambda: Connection(config, state, {}, loop), "127.0.0.1", 0))
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        yield server.sockets[0].getsockname()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for connection in state.connections:
            connection.transport.abort()
        runner.run(server.wait_closed())


def answered(address: tuple[str, int], *parts: bytes) -> bytes:
    """Send the parts one after another. Return all bytes until the server closes the connection."""
    got = b""
    with closing(socket.create_connection(address, timeout=10)) as c:
        for part in parts:
            c.sendall(part)
            time.sleep(0.05)
        while some := c.recv(65536):
            got += some
    return got


def problem(answer: bytes) -> tuple[int, str]:
    """Return the status and the kind of a refusal. Assert that it closes the connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    document = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % document["status"])
    return document["status"], document["type"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /vi\xc3\xadsas HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET /asked HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /asked HTTP/1.1\r\nHost: here\r\nHost: there\r\n\r\n",
        b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET /asked\r\n\r\n",
        b"GET /asked HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /asked HTTP/1.1\r\nHost: here/elsewhere?\r\n\r\n",
        b"GET /asked HTTP/1.1\r\nHost: [::1\r\n\r\n",
        GET + b"X: a\x00b\r\n\r\n",
        GET + b"X: a\r\n b\r\n\r\n",
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        POST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody!",
        POST + b"Content-Length: +4\r\n\r\nbody",
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nfour\r\nbody\r\n0\r\n\r\n",
    ],
    ids=[
        *("TLS", "HTTP/2", "letters beyond ASCII", "no host", "two hosts", "CONNECT"),
        *("HTTP/0.9", "blank in a host", "path in a host", "half an address", "NUL", "folded line"),
        *(
            "length and chunks",
            "two lengths",
            "signed length",
            "space before colon",
            "chunked is not last",
            "bad chunk",
        ),
    ],
)
def test_malformed_and_ambiguous_requests_are_refused(address: tuple[str, int], sent: bytes) -> None:
    answer = answered(address, sent)
    assert problem(answer) == (400, "/problems/malformed-request")
    assert b"smuggled" not in answer


@pytest.mark.parametrize(
    "flood",
    [
        b"GET /" + b"y" * HEAD_LIMIT,
        b"GET /asked?" + b"&".join(b"p%d=1" % n for n in range(10_000)) + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        GET + b"X: " + b"y" * HEAD_LIMIT + b"\r\n\r\n",
        GET + b"X: " + b"y" * 8 * HEAD_LIMIT,
        GET + b"X: y\r\n" * 20_000 + b"\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n4;" + b"y" * 8 * HEAD_LIMIT,
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 100_000,
    ],
    ids=["address", "parameters", "header", "endless header", "headers", "chunk extension", "trailers"],
)
def test_the_size_of_a_request_head_is_limited(address: tuple[str, int], flood: bytes) -> None:
    assert problem(answered(address, flood)) == (431, "/problems/head-too-large")


def test_a_large_body_in_small_chunks_does_not_count_as_head(address: tuple[str, int]) -> None:
    chunks = b"1\r\ny\r\n" * HEAD_LIMIT
    answer = answered(address, POST + b"Transfer-Encoding: chunked\r\n" + CLOSE + chunks + b"0\r\n\r\n")
    assert answer.endswith(b"/asked " + b"y" * HEAD_LIMIT)


def test_trailers_of_a_body_do_not_become_headers(address: tuple[str, int]) -> None:
    chunks = b"4\r\nbody\r\n0\r\nX-After: 1\r\n\r\n"
    head = POST + b"Transfer-Encoding: chunked\r\nX-Before: 1\r\n\r\n"
    for parts in ((head + chunks + GET + CLOSE,), (head, chunks, GET + CLOSE)):
        answer = answered(address, *parts)
        assert b"/asked body x-before=1HTTP/1.1 200" in answer
        assert b"after" not in answer


@pytest.mark.parametrize("host", [b"", b"here:8000", b"[::1]:8000", b"127.0.0.1", b"xn--bcher-kva.example"])
def test_a_host_is_a_name_or_an_address(address: tuple[str, int], host: bytes) -> None:
    assert answered(address, b"GET /asked HTTP/1.1\r\nHost: %b\r\n" % host + CLOSE).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("together", [True, False], ids=["together", "apart"])
@pytest.mark.parametrize(
    ("head", "body"),
    [(b"Content-Length: %d\r\n\r\n" % len(SMUGGLED), SMUGGLED), (b"Transfer-Encoding: chunked\r\n\r\n", b"")],
    ids=["length", "chunks"],
)
def test_an_upgrade_is_ignored_and_the_body_stays_whole(
    address: tuple[str, int], head: bytes, body: bytes, *, together: bool
) -> None:
    sent = body or b"%x\r\n%b\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    parts = (POST + OFFER + head, sent, GET + CLOSE)
    answer = answered(address, *([b"".join(parts)] if together else parts))
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert b"/asked " + SMUGGLED in answer
    assert answer.endswith(b"/asked ")


def test_repeated_upgrades_are_ignored(address: tuple[str, int]) -> None:
    assert answered(address, (GET + OFFER + b"\r\n") * 50 + GET + CLOSE).count(b"HTTP/1.1 200 ") == 51


def test_a_malformed_second_request_does_not_replace_the_first_answer(address: tuple[str, int]) -> None:
    assert b"HTTP/1.1 400" not in answered(address, GET + b"\r\n" + b"\x00\x01\r\n\r\n")


@pytest.mark.parametrize("begun", [b"\r\n", b"GET /as", GET], ids=["empty line", "address", "header"])
def test_the_time_for_a_request_head_is_limited(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    assert problem(answered(address, begun)) == (408, "/problems/slow-head")


def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]) -> None:
    made = Connection.connection_made

    def impatient(connection: Connection, transport: asyncio.Transport) -> None:
        connection.timeout_keep_alive = 0.1  # type: ignore[assignment]
        made(connection, transport)

    monkeypatch.setattr(Connection, "connection_made", impatient)
    with closing(socket.create_connection(address, timeout=10)) as c:
        assert c.recv(1) == b""


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (b"http://there/asked", b"/asked  host=there"),
        (b"HTTPS://there/asked?a=b", b"/asked  host=there"),
        (b"http://there", b"/  host=there"),
        (b"http://there?a=b", b"/  host=there"),
    ],
)
def test_a_host_in_the_target_replaces_the_host_header(address: tuple[str, int], target: bytes, answer: bytes) -> None:
    got = answered(address, b"GET " + target + b" HTTP/1.1\r\nHost: here\r\n" + CLOSE)
    assert got.endswith(b"\r\n\r\n" + answer)


@pytest.mark.parametrize("target", [b"http://there]/asked", b"http://user@there/asked"])
def test_a_target_with_an_invalid_host_is_refused(address: tuple[str, int], target: bytes) -> None:
    got = answered(address, b"GET " + target + b" HTTP/1.1\r\nHost: here\r\n" + CLOSE)
    assert problem(got) == (400, "/problems/malformed-request")


@pytest.mark.parametrize("space", [b" ", b"\t", b" \t "])
def test_space_around_a_value_is_not_part_of_it(address: tuple[str, int], space: bytes) -> None:
    host, own = b"Host:" + space + b"there" + space, b"X-Own:" + space + b"a b" + space
    got = answered(address, b"GET /asked HTTP/1.1\r\n" + host + b"\r\n" + own + b"\r\n" + CLOSE)
    assert got.endswith(b"\r\n\r\n/asked  host=there x-own=a b")


EXPECT = b"Content-Length: 5\r\nExpect: 100-continue"


@pytest.mark.parametrize("space", [b"", b" "])
def test_expect_100_continue_gets_an_interim_answer(address: tuple[str, int], space: bytes) -> None:
    got = answered(address, POST + EXPECT + space + b"\r\n" + CLOSE, b"12345")
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


def test_a_client_of_http_1_0_gets_no_interim_answer(address: tuple[str, int]) -> None:
    got = answered(address, POST.replace(b"1.1", b"1.0") + EXPECT + b"\r\n" + CLOSE, b"12345")
    assert got.startswith(b"HTTP/1.1 200")
