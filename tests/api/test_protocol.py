"""The fast path of the server over real connections: the same answers as ASGI messages, in order."""

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPResponse
from typing import Final

import httpx2
import pytest

from service.api.responses import header_lines
from tests.api.serving import Served, raw, served, until
from tests.conftest import Clone
from tests.keys import new_key

STATUS: Final = "/v1/irritants/ru-us/visas"
OTHER: Final = "/v1/irritants/ru-us/direct-flights"
Answered = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def served_key(clone: Clone, seeded_template: str) -> Iterator[tuple[Served, str]]:
    with clone(seeded_template) as url, served(url) as server:
        yield server, new_key(url, "read")


@pytest.fixture(scope="module")
def server(served_key: tuple[Served, str]) -> Served:
    return served_key[0]


def request(path: str, method: str = "GET", **headers: str) -> bytes:
    sent = {"Host": "x", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return "\r\n".join([f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in sent.items()), "", ""]).encode()


def answered(connection: socket.socket, method: str = "GET") -> Answered:
    """Return the next answer on a connection, without values that change with time."""
    with HTTPResponse(connection, method=method) as answer:
        answer.begin()
        body = answer.read()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    assert len(answer.headers.get_all("date") or ()) == 1
    ratelimit = {name: re.sub(r"\d+", "n", value) for name, value in headers.items() if name == "ratelimit"}
    return answer.status, {**headers, **ratelimit, "date": "", "connection": ""}, body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("sent", [{}, {"If_None_Match": "*"}, {"Prefer": "wait=1"}, {"Authorization": "a key"}])
def test_the_fast_path_answers_as_asgi_messages_do(
    served_key: tuple[Served, str], method: str, sent: dict[str, str]
) -> None:
    server, key = served_key
    sent = sent | ({"Authorization": f"Bearer {key}"} if "Authorization" in sent else {})
    # With Connection: close the answer goes as ASGI messages.
    one, other = (raw(server, request(STATUS, method, **sent, **more)) for more in ({}, {"Connection": "close"}))
    with closing(one), closing(other):
        assert answered(one, method) == answered(other, method)
        assert other.recv(1) == b""
        one.sendall(request("/healthz"))
        assert answered(one)[0] == 200  # no byte of the first answer was left over


def test_pipelined_requests_are_answered_in_order(server: Served) -> None:
    asked = [STATUS, "/healthz", OTHER, STATUS, OTHER]
    alone = []
    for path in asked:
        with closing(raw(server, request(path))) as connection:
            alone.append(answered(connection))
    with closing(raw(server, b"".join(map(request, asked)))) as connection, connection.makefile("rb") as received:
        together = []
        for _ in asked:
            status, length = received.readline(), 0
            while line := received.readline().strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            together.append((int(status.split()[1]), received.read(length)))
    assert together == [(status, body) for status, _, body in alone]


def test_a_client_that_leaves_a_long_poll_is_noticed(server: Served) -> None:
    etag = httpx2.get(server.url + STATUS).headers["etag"]
    with httpx2.Client(base_url=server.url) as client:
        with closing(raw(server, request(STATUS, If_None_Match=etag, Prefer="wait=30"))):
            until(lambda: "irritants_waiters 1.0" in client.get("/metrics").text)
        until(lambda: "irritants_waiters 0.0" in client.get("/metrics").text)


def test_answers_of_the_fast_path_are_counted(server: Served) -> None:
    kind = 'irritants_requests_total{method="GET",route="/v1/rounds",status="304"}'
    with httpx2.Client(base_url=server.url) as client:
        for _ in range(3):
            assert client.get("/v1/rounds", headers={"If-None-Match": "*"}).status_code == 304
        assert f"{kind} 3.0" in client.get("/metrics").text


def test_a_stream_to_http_1_0_is_not_chunked_and_ends_with_its_connection(clone: Clone, seeded_template: str) -> None:
    asked = b"GET /v1/events/live?after=126 HTTP/1.0\r\nHost: x\r\n\r\n"
    with clone(seeded_template) as url, served(url) as server:
        with closing(raw(server, asked)) as connection:
            got = connection.recv(65536)
            while b"id: 127" not in got:
                got += connection.recv(65536)
            head, _, body = got.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nconnection: close" in head
            assert b"transfer-encoding" not in head
            assert body.startswith(b"id: 126\nretry: 1000\n\nid: 127\ndata: ")
            server.process.send_signal(signal.SIGTERM)
            while more := connection.recv(65536):
                assert more.strip(b":\n") == b""
        assert server.process.wait(10) == 0
        assert [line for line in server.log() if line.get("level") == "error"] == []


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\0"])
def test_a_header_value_with_a_line_break_is_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        header_lines([(b"link", value)])
