"""Connections: what has to be true of bytes before there is a request, and how they are refused when it is not.

uvicorn hands a request to the application once its head is there. Until then nothing bounds it: a header without an
end would be kept, and copied anew with each part that arrives, while everybody else waits; a head that comes letter by
letter would hold its connection for ever; and what is no HTTP is told so in plain text. Here the head has a size and a
time, and every refusal is a problem document like any other.

An offer to go on in another protocol (`Upgrade`) is passed over, as RFC 9110 allows. The parser ends a message there
and leaves the body lying: it would be read as the next request, by which somebody could slip one past a proxy. So the
head is read once more, without the offer.

Proxies may leave space around a value, and that space is not part of it (RFC 9110, section 5.5). The parser removes it
in front only, so it is removed behind here, for every header at once.
"""

import asyncio
import re
from http import HTTPStatus
from typing import Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.api.problems import Problem
from service.api.telemetry import log

HEAD_LIMIT: Final = 1 << 16
HEAD_SECONDS: Final = 20
_LINGERING_SECONDS: Final = 1
_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_WITH_HOST: Final = re.compile(rb"https?://(?P<host>[^/?#]*)(?P<rest>(?:[/?][^#]*)?)", re.IGNORECASE)
_HTTP: Final = "This is no request of HTTP/1.1 as RFC 9112 has it."


class _Refused(Exception):
    """A head that is whole and not taken."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem)


class Connection(HttpToolsProtocol):
    """One connection: a head is bounded before it is whole, and looked at before it is handed on."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._beside_bodies = 0  # bytes since a head was whole, or some of a body came
        self._is_refused = False
        self._head_is_late: asyncio.TimerHandle | None = None
        # Who says nothing at first waits no longer than who says nothing more.
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # As short as it can be where all is well: every question of every poller goes through here.
        if self._is_refused:
            return
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self._beside_bodies += len(data)
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offered:
                self._pass_over(offered, memoryview(data))
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.problem if isinstance(cause, _Refused) else Problem("malformed-request", _HTTP))
            return
        if self._beside_bodies > HEAD_LIMIT:
            self._refuse(_too_large())
        elif self._beside_bodies:
            self._expect_end()

    def on_headers_complete(self) -> None:
        self._head_is_there()
        if self._beside_bodies > HEAD_LIMIT and self._head_size() > HEAD_LIMIT:
            raise _Refused(_too_large())
        self._beside_bodies = 0
        if self.url[:1] != b"/":
            self._take_host_of_target()
        hosts = []
        for name, value in self.headers:
            if value != value.rstrip():
                self._remove_spaces()
                hosts = [value for name, value in self.headers if name == b"host"]
                break
            if name == b"host":
                hosts.append(value)
        if len(hosts) != 1 and self.parser.get_http_version() != "1.0":
            raise _Refused(Problem("malformed-request", "A request of HTTP/1.1 has the header Host, once."))
        if not all(map(_HOST.fullmatch, hosts)):
            raise _Refused(Problem("malformed-request", "The header Host holds a name or an address, and a port."))
        if self.expect_100_continue and self.parser.get_http_version() == "1.0":
            self.expect_100_continue = False  # RFC 9110, section 10.1.1: HTTP/1.0 knows no interim answer
        super().on_headers_complete()
        # What comes after the body (trailers) goes nowhere: among the headers it would speak with their voice, past
        # whatever a proxy in front has looked at.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._beside_bodies = 0
        super().on_body(body)
        self._expect_end()

    def _remove_spaces(self) -> None:
        self.headers[:] = [(name, value.rstrip(b" \t")) for name, value in self.headers]
        if any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.headers):
            self.expect_100_continue = True  # which uvicorn did not recognise with the space

    def _take_host_of_target(self) -> None:
        """Read a target with a host in it as the path there, on that host (RFC 9112, section 3.2.2).

        A client that takes us for a proxy sends one, and some proxies pass it on. It counts, and not the header Host.
        """
        found = _WITH_HOST.fullmatch(self.url)
        if found is None:
            return
        self.url = found["rest"] if found["rest"].startswith(b"/") else b"/" + found["rest"]
        self.headers[:] = [(name, found["host"] if name == b"host" else value) for name, value in self.headers]

    def _should_upgrade(self) -> bool:
        """For uvicorn to do nothing where another protocol is offered: we pass over it."""
        return True

    def _pass_over(self, offered: httptools.HttpParserUpgrade, rest: memoryview) -> None:
        while True:
            if self.parser.get_method() == b"CONNECT":
                self._refuse(Problem("malformed-request", "This is no proxy, and CONNECT leads nowhere."))
                return
            rest = rest[offered.args[0] :]
            head = self._head_without_offer()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(head)
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as another:
                offered = another
            else:
                return

    def _expect_end(self) -> None:
        """What has begun ends in time: a head, or a body that is thrown away because the answer was given before it."""
        if self._head_is_late is None and not self._is_asked():
            self._head_is_late = self.loop.call_later(HEAD_SECONDS, self._end_late_head)

    def _head_without_offer(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)]
        lines += [b"%b: %b" % header for header in self.scope["headers"] if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _is_asked(self) -> bool:
        """Whether a request is being answered: the head that is waited for is not the sender's next duty."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's own type passes over that there may be none yet
        return cycle is not None and not cycle.response_complete

    def _head_is_there(self) -> None:
        if self._head_is_late is not None:
            self._head_is_late.cancel()
            self._head_is_late = None

    def _end_late_head(self) -> None:
        self._refuse(Problem("slow-head", f"The request's head did not arrive within {HEAD_SECONDS} seconds."))

    def _refuse(self, problem: Problem) -> None:
        """Reads no more, and tells why, unless that would be taken for the answer to a request before.

        What is still on its way is let run out for a moment: a connection that is closed before that takes the answer
        with it.
        """
        self._is_refused = True
        self._head_is_there()
        log.info("refused", status=problem.status, problem=problem.name)
        if self._is_asked():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.pipeline or self.cycle.response_started or not self.cycle.more_body:
                self.transport.close()
                return
        self.transport.write(self._told(problem))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGERING_SECONDS, self.transport.close)

    def _told(self, problem: Problem) -> bytes:
        headers, body = problem.content()
        status = HTTPStatus(problem.status)
        dated = [b"%b: %b" % header for header in self.server_state.default_headers]
        own = [f"{name.lower()}: {value}".encode() for name, value in {**headers, "Connection": "close"}.items()]
        return b"\r\n".join([b"HTTP/1.1 %d %b" % (status, status.phrase.encode()), *dated, *own, b"", body])


def _too_large() -> Problem:
    return Problem("head-too-large", f"Address and headers have more than {HEAD_LIMIT} bytes.")
