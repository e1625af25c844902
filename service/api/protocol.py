"""Extend uvicorn's HTTP/1.1: check the head of each request (first line and headers), and send cached responses fast.

`Connection` adds what uvicorn lacks:

* Limits on the size and the duration of a head. Without them, an endless header would fill the memory, and a slow head
  would keep its connection open for ever.
* Errors as problem documents instead of plain text.
* Requests with `Upgrade`: the header is ignored, as RFC 9110 allows. The parser of uvicorn stops at it and would read
  the body as the next request, so a client could smuggle a request past a proxy. So the head is parsed a second time
  without this header.
* Header values without spaces at the end (RFC 9110, section 5.5).

`Protocol` adds a fast path. With ASGI messages, uvicorn checks and encodes every header of each response, writes head
and body separately, and needs a task to notice that a client disconnected. `Protocol` writes a cached response in one
call and adds only the date. All other responses use ASGI.

`Protocol` also sends streams to clients of HTTP/1.0, such as nginx by default. They do not know chunks (RFC 9112,
section 6.1), so the end of the connection ends the stream.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.api.negotiation import EXCHANGE
from service.api.problems import Problem
from service.api.responses import CompleteResponse
from service.api.telemetry import log

HEAD_LIMIT: Final = 1 << 16
"""The largest head in bytes."""
HEAD_SECONDS: Final = 20
"""The time that a head may take to arrive."""
_LINGERING_SECONDS: Final = 1
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_ABSOLUTE_TARGET: Final = re.compile(rb"https?://(?P<host>[^/?#]*)(?P<rest>(?:[/?][^#]*)?)", re.IGNORECASE)
_INVALID: Final = "The request is not valid HTTP/1.1 (RFC 9112)."


class _InvalidHead(Exception):
    """The head is invalid. The parser raises its own error, with this one as its `__context__`."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem)


class Connection(HttpToolsProtocol):
    """One connection. It limits each head while it arrives, and checks it before the application gets the request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._bytes_outside_bodies = 0  # since the last complete head or the last part of a body: the head that arrives
        self._is_refused = False
        self._head_timer: asyncio.TimerHandle | None = None
        # Close a new connection without a request after the same time as an idle connection.
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self._bytes_outside_bodies += len(data)
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._ignore_upgrade(upgrade, memoryview(data))
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.problem if isinstance(cause, _InvalidHead) else Problem("malformed-request", _INVALID))
            return
        if self._bytes_outside_bodies > HEAD_LIMIT:
            self._refuse(_too_large())
        elif self._bytes_outside_bodies:
            self._start_head_timer()

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        if self._bytes_outside_bodies > HEAD_LIMIT and self._head_size() > HEAD_LIMIT:
            raise _InvalidHead(_too_large())
        self._bytes_outside_bodies = 0
        if self.url[:1] != b"/":
            self._split_absolute_target()
        hosts = []
        for name, value in self.headers:
            if value != value.rstrip():
                self._remove_spaces()
                hosts = [value for name, value in self.headers if name == b"host"]
                break
            if name == b"host":
                hosts.append(value)
        if len(hosts) != 1 and self.parser.get_http_version() != "1.0":
            raise _InvalidHead(
                Problem("malformed-request", f"Send the header Host once; this request has {len(hosts) or 'none'}.")
            )
        if not all(map(_HOST.fullmatch, hosts)):
            raise _InvalidHead(
                Problem(
                    "malformed-request",
                    "The header Host is invalid. Send a host name or an address, and optionally a port.",
                )
            )
        if self.expect_100_continue and self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # HTTP/1.0 has no interim responses (RFC 9110, section 10.1.1)
        super().on_headers_complete()
        # The parser adds trailers to this new list, which is ignored. As headers they would bypass checks of a proxy.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._bytes_outside_bodies = 0
        super().on_body(body)
        self._start_head_timer()

    def _remove_spaces(self) -> None:
        """Remove the spaces at the end of header values."""
        self.headers[:] = [(name, value.rstrip(b" \t")) for name, value in self.headers]
        if any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.headers):
            self.expect_100_continue = True  # uvicorn does not recognise the value with a space

    def _split_absolute_target(self) -> None:
        """Replace a target such as `http://host/path` by its path, and Host by its host (RFC 9112, section 3.2.2).

        Clients send this form to a proxy, and some proxies pass it on.
        """
        found = _ABSOLUTE_TARGET.fullmatch(self.url)
        if found is None:
            return
        self.url = found["rest"] if found["rest"].startswith(b"/") else b"/" + found["rest"]
        self.headers[:] = [(name, found["host"] if name == b"host" else value) for name, value in self.headers]

    def _should_upgrade(self) -> bool:
        """Return True, so that uvicorn leaves requests with `Upgrade` to `data_received`."""
        return True

    def _ignore_upgrade(self, upgrade: httptools.HttpParserUpgrade, rest: memoryview) -> None:
        """Parse the head again without `Upgrade`, then the rest of the data. Refuse CONNECT, also an upgrade."""
        while True:
            if self.parser.get_method() == b"CONNECT":
                self._refuse(Problem("malformed-request", "This service is not a proxy and does not support CONNECT."))
                return
            rest = rest[upgrade.args[0] :]
            head = self._head_without_upgrade()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(head)
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as another:
                upgrade = another
            else:
                return

    def _start_head_timer(self) -> None:
        """Limit the time for the next head, or for the rest of a body that was already answered."""
        if self._head_timer is None and not self._is_answering():
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse_late_head)

    def _head_without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.scope["headers"] if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _is_answering(self) -> bool:
        """Return whether the response to a request is not complete yet. Then the next head has no time limit."""
        # None before the first request, although uvicorn declares another type.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse_late_head(self) -> None:
        detail = f"The address and headers did not arrive within {HEAD_SECONDS} seconds. Send the request again."
        self._refuse(Problem("slow-head", detail))

    def _refuse(self, problem: Problem) -> None:
        """Stop reading and send a problem. Send nothing if the client could take it for another response.

        Close the connection a second later. If it closed while the client sends, the client could lose the response.
        """
        self._is_refused = True
        self._stop_head_timer()
        log.info("refused", status=problem.status, problem=problem.name)
        if self._is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.pipeline or self.cycle.response_started or not self.cycle.more_body:
                self.transport.close()
                return
        self.transport.write(self._problem_bytes(problem))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGERING_SECONDS, self.transport.close)

    def _problem_bytes(self, problem: Problem) -> bytes:
        headers, body = problem.content()
        own = [(name.lower().encode(), value.encode()) for name, value in {**headers, "Connection": "close"}.items()]
        return b"%b%b\r\n%b" % (
            CompleteResponse(problem.status, own, body).status_and_headers,
            self._default_headers(),
            body,
        )

    def _default_headers(self) -> bytes:
        return b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])


class Protocol(Connection):
    """One connection. It is the `Exchange` of all its requests: an object per request would make a reference cycle."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._extensions: Any = {EXCHANGE: self}
        self._on_disconnect: Callable[[], None] | None = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._on_disconnect is not None:
            self._on_disconnect()

    # The methods of `negotiation.Exchange`. `cycle` is uvicorn's state of the current request and its response.

    def answer(self, status_and_headers: bytes, body: bytes) -> bool:
        cycle = self.cycle
        if self.pipeline or cycle.disconnected or not cycle.keep_alive or self.flow.write_paused:
            return False
        self.transport.write(b"%b%b\r\n%b" % (status_and_headers, self._default_headers(), body))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    async def stream(self, status_and_headers: bytes, first: bytes, chunks: AsyncIterator[bytes]) -> None:
        cycle = self.cycle
        cycle.response_started = True
        self.transport.write(b"%b%bconnection: close\r\n\r\n%b" % (status_and_headers, self._default_headers(), first))
        async for chunk in chunks:
            if not cycle.disconnected:
                self.transport.write(chunk)
                await self.flow.drain()
        if cycle.disconnected:
            return
        cycle.response_complete = True
        cycle.message_event.set()
        self.transport.close()
        cycle.on_response()

    def on_disconnect(self, call: Callable[[], None] | None) -> None:
        self._on_disconnect = call
        if call is not None and self.cycle.disconnected:
            call()


def _too_large() -> Problem:
    return Problem(
        "head-too-large", f"The address and headers have more than {HEAD_LIMIT} bytes. Send fewer or shorter headers."
    )
