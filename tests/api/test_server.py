"""The server: its shutdown, endless bodies, and clients that leave."""

import asyncio
import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine, text
from starlette.requests import Request

from service.api import body
from service.api.problems import Problem
from service.api.server import _GRACE_SECONDS
from service.store import reports
from service.store.engine import connection, transaction
from tests.api.bodies import FLIGHTS, on, report
from tests.api.conftest import Headers, MakeKey
from tests.api.serving import Served, raw, served, until

STATUS = "/v1/irritants/ru-us/visas"
REPORT = report(on(FLIGHTS, "ConcernRaised"))
File = Callable[[], "Future[httpx2.Response]"]


@pytest.fixture
def server(seeded_database_url: str) -> Iterator[Served]:
    with served(seeded_database_url) as server:
        yield server


@pytest.fixture
def file(server: Served, make_key: MakeKey) -> File:
    """Return a function that files a report in another thread."""
    headers = {**make_key("report"), "Idempotency-Key": "last"}
    pool = ThreadPoolExecutor()
    return lambda: pool.submit(httpx2.post, f"{server.url}/v1/reports", json=REPORT, headers=headers, timeout=20)


def ended(server: Served, told: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
    """Signal the server to end. Return its exit code and the seconds that it took.

    Seconds in which the process was ready but had no processor do not count, because other programs share the machine.
    """
    pid = server.process.pid
    began, queued = time.monotonic(), [in_queue(pid)]
    server.process.send_signal(told)
    while server.process.poll() is None:
        queued.append(in_queue(pid))  # the system removes the number when the process ends
        time.sleep(0.005)
    return server.process.wait(), time.monotonic() - began - (max(queued) - queued[0])


def in_queue(pid: int) -> float:
    """Return the seconds in which the event loop of a process waited for a processor, or 0 if they are not counted."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[1]) / 1e9
    except (FileNotFoundError, ProcessLookupError):  # the second if it ends between opening and reading
        return 0.0


def is_draining(server: Served) -> bool:
    """Return whether the server has begun to shut down."""
    try:
        socket.create_connection(server.address, timeout=10).close()
    except ConnectionError:
        return True
    return False


def waits_for_a_lock(engine: Engine) -> bool:
    with connection(engine) as c:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return bool(c.execute(text(query)).scalar())


def posted(headers: Headers, content: bytes, length: int | None = None) -> bytes:
    sent = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Idempotency-Key": "last",
        "Content-Length": str(len(content) if length is None else length),
        **headers,
    }
    return b"\r\n".join([b"POST /v1/reports HTTP/1.1", *(f"{k}: {v}".encode() for k, v in sent.items()), b"", content])


def everything(connection: socket.socket) -> bytes:
    """Return all bytes until the server closes the connection."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def test_the_server_ends_at_once_without_clients(server: Served) -> None:
    httpx2.get(f"{server.url}/healthz")
    code, seconds = ended(server)
    assert (code, seconds < 3) == (0, True)


def test_long_polls_are_answered_and_streams_closed_before_the_end(server: Served) -> None:
    etag = httpx2.get(server.url + STATUS).headers["etag"]
    waiting = f"GET {STATUS} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {etag}\r\nPrefer: wait=30\r\n\r\n".encode()
    listening = b"GET /v1/events/live HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as open_connections:
        waiters = [open_connections.enter_context(closing(raw(server, waiting))) for _ in range(100)]
        streams = [open_connections.enter_context(closing(raw(server, listening))) for _ in range(100)]
        client = open_connections.enter_context(httpx2.Client(base_url=server.url))
        until(lambda: "irritants_waiters 200.0" in client.get("/metrics").text)
        code, seconds = ended(server)
        assert (code, seconds < 5) == (0, True)
        assert all(everything(waiter).startswith(b"HTTP/1.1 304 ") for waiter in waiters)
        assert all(everything(stream).startswith(b"HTTP/1.1 200 ") for stream in streams)


@contextmanager
def recording(engine: Engine, file: File) -> "Iterator[Future[httpx2.Response]]":
    """Hold a report between its acceptance and its commit until the block ends."""
    with transaction(engine) as held:
        held.execute(text("SELECT FROM head FOR UPDATE"))
        answer = file()
        until(lambda: waits_for_a_lock(engine))
        yield answer


def test_a_report_in_progress_is_recorded_and_answered_before_the_end(
    server: Served, engine: Engine, file: File
) -> None:
    with recording(engine, file) as answer:
        server.process.send_signal(signal.SIGTERM)
        until(lambda: is_draining(server))
    assert answer.result().status_code == 201
    assert server.process.wait(timeout=20) == 0
    with connection(engine) as c:
        assert reports.by_keys(c, ["last"])


def test_a_database_that_does_not_answer_does_not_delay_the_end(server: Served, engine: Engine, file: File) -> None:
    with recording(engine, file):
        _, seconds = ended(server)
    assert seconds < 5


def test_a_second_interrupt_ends_the_server_at_once(server: Served, engine: Engine, file: File) -> None:
    with recording(engine, file):
        server.process.send_signal(signal.SIGINT)
        until(lambda: is_draining(server))
        code, seconds = ended(server, signal.SIGINT)
    assert (code, seconds < _GRACE_SECONDS) == (0, True)


def test_an_accepted_report_is_recorded_although_its_sender_left(
    server: Served, engine: Engine, make_key: MakeKey
) -> None:
    request = posted(make_key("report"), json.dumps(REPORT).encode())
    with transaction(engine) as held:
        held.execute(text("SELECT FROM head FOR UPDATE"))
        sender = raw(server, request)
        until(lambda: waits_for_a_lock(engine))
        sender.close()

    def recorded() -> bool:
        with connection(engine) as c:
            return bool(reports.by_keys(c, ["last"]))

    until(recorded)
    assert httpx2.get(f"{server.url}/readyz").status_code == 200


def test_a_content_length_above_the_limit_is_refused_before_the_body(server: Served, make_key: MakeKey) -> None:
    with closing(raw(server, posted(make_key("report"), b"", length=1 << 40))) as sender:
        assert sender.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_request_without_a_key_is_refused_before_its_body_is_read(server: Served) -> None:
    with closing(raw(server, posted({"Connection": "close"}, b"", length=1_000))) as sender:
        assert everything(sender).startswith(b"HTTP/1.1 401 ")


def test_a_sender_that_leaves_during_its_body_causes_no_error(server: Served, make_key: MakeKey) -> None:
    raw(server, posted(make_key("report"), b'{"relation":', length=1_000)).close()
    with httpx2.Client(base_url=server.url) as client:
        until(lambda: 'status="499"' in client.get("/metrics").text)
    assert [line["status"] for line in server.log() if "path" in line] == [499]


def test_the_log_is_lines_of_json(server: Served) -> None:
    httpx2.get(f"{server.url}/elsewhere", headers={"X-Request-Id": "one"})
    until(server.log)  # the line is written after the answer
    [refused] = [line for line in server.log() if line["event"] == "refused"]
    assert (refused["request"], refused["problem"], refused["level"]) == ("one", "not-found", "info")


def test_a_slow_body_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "_SECONDS", 0.05)

    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"application/json")]}
    with pytest.raises(Problem) as refused:
        asyncio.run(body.read(Request(scope, never)))
    assert (refused.value.status, refused.value.headers["Connection"]) == (408, "close")


def test_large_bodies_share_a_limited_memory_and_small_ones_are_always_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body, "_ANONYMOUS_BUDGET", body.ByteBudget(200_000))
    large, small = 200_000, body.SMALL

    async def size(sent: int, end: asyncio.Event | None = None) -> int:
        async def receive() -> dict[str, Any]:
            if end is not None and arrived:
                await end.wait()
            arrived.append(sent)
            more = end is not None and len(arrived) == 1
            return {"type": "http.request", "body": b"" if len(arrived) > 1 else b" " * sent, "more_body": more}

        arrived: list[int] = []
        return await body.read_as(Request({"type": "http", "method": "POST", "headers": []}, receive), 1 << 20, len)

    async def in_turn() -> None:
        end = asyncio.Event()
        first = asyncio.create_task(size(large, end))
        await asyncio.sleep(0)
        with pytest.raises(Problem) as refused:
            await size(large)
        assert (refused.value.name, refused.value.status) == ("overloaded", 503)
        assert await size(small) == small
        end.set()
        assert await first == large
        assert await size(large) == large

    asyncio.run(in_turn())
