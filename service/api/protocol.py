"""A fast path for cached responses, in addition to the HTTP/1.1 of uvicorn.

With ASGI messages every header is checked and encoded for each response, head and body are written separately, and
learning that a client disconnected takes a task of its own. Here a cached response is written in one call, with only
the date added, and a disconnect calls a function. All other responses use ASGI.

uvicorn divides a body without a length into chunks, which HTTP/1.0 does not know (RFC 9112, section 6.1). nginx sends
requests in that version by default. For it, a stream is written here and ends with its connection.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

from service.api.connections import Connection
from service.api.negotiation import EXCHANGE


class Protocol(Connection):
    """One connection. It is the Exchange of its requests: an object per request would create a reference cycle."""

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

    # The methods of `negotiation.Exchange`. They apply to `cycle`, the latest request, unless requests are pipelined.

    def answer(self, head: bytes, body: bytes) -> bool:
        cycle = self.cycle
        if self.pipeline or cycle.disconnected or not cycle.keep_alive or self.flow.write_paused:
            return False
        self.transport.write(b"%b%b\r\n%b" % (head, self._default_headers(), body))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

    async def stream(self, head: bytes, first: bytes, chunks: AsyncIterator[bytes]) -> None:
        cycle = self.cycle
        cycle.response_started = True
        self.transport.write(b"%b%bconnection: close\r\n\r\n%b" % (head, self._default_headers(), first))
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

    def _default_headers(self) -> bytes:
        return b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])

    def on_disconnect(self, call: Callable[[], None] | None) -> None:
        self._on_disconnect = call
        if call is not None and self.cycle.disconnected:
            call()
