"""Read the headers of a GET: Accept, Accept-Encoding, If-None-Match, Prefer, Last-Event-ID (RFC 9110, RFC 7240).

`Request` is the request with these headers. `Exchange` sends its response faster than ASGI, if the server offers that.
`negotiated` chooses the media type.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, Protocol

from starlette.types import Receive, Scope

from service.api import codings, etags
from service.api.auth import Access
from service.api.codings import weighed
from service.api.prefix import prefix_of
from service.api.problems import Problem

_LONGEST_WAIT: Final = 30
_WAIT: Final = re.compile(r"\s*wait\s*=\s*\"?(?P<seconds>[0-9]{1,9})\"?\s*(?:;.*)?", re.IGNORECASE)
EXCHANGE: Final = "irritants.exchange"
"""The name of the ASGI extension by which the server offers an Exchange."""


class Exchange(Protocol):
    """Sends the response to one request without ASGI messages, which is faster.

    `service.api.protocol.Protocol` implements it.
    """

    def answer(self, status_and_headers: bytes, body: bytes) -> bool:
        """Send a complete response. Return False if the caller must send it by ASGI messages instead."""

    async def stream(self, status_and_headers: bytes, first: bytes, chunks: AsyncIterator[bytes]) -> None:
        """Send a response of unknown length to a client of HTTP/1.0, then close the connection to end it.

        Other clients get such responses by ASGI, in chunks, which HTTP/1.0 lacks.
        """

    def on_disconnect(self, call: Callable[[], None] | None) -> None:
        """Set the function that is called when the client disconnects. None removes it."""


class Request:
    """A GET, or a HEAD that is handled like a GET.

    `target` has everything that the uncompressed body depends on: path, query, Accept, prefix, and the
    relations to which the key is limited. `coding` is the content coding of the response, "" for none. `cache_key` is
    the key of the response in the cache. `key` is the id of the API key, None without one.
    """

    __slots__ = (
        "_headers",
        "access",
        "cache_key",
        "coding",
        "exchange",
        "is_disconnected",
        "is_head",
        "key",
        "path",
        "prefix",
        "query",
        "receive",
        "scope",
        "target",
    )

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope, self.receive = scope, receive
        sent = scope["headers"]
        headers: dict[bytes, bytes] = dict(sent)
        self._headers = headers if len(headers) == len(sent) else _joined(sent)
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        accept = self._headers.get(b"accept", b"")
        self.prefix = prefix_of(scope)
        self.target: tuple[Any, ...] = (self.path, self.query, accept, self.prefix)
        accepted = self._headers.get(b"accept-encoding")
        self.coding = codings.preferred(accepted) if accepted else ""
        self.cache_key: tuple[Any, ...] = (*self.target, self.coding) if self.coding else self.target
        state = scope["state"]
        self.access: Access = state["key"]  # the rights of the request, set by `auth.Authentication`
        if self.access.reads is not None:
            # The key is limited to these relations, so its responses differ from those of other keys.
            readable = tuple(sorted(self.access.reads))
            self.target, self.cache_key = (*self.target, readable), (*self.cache_key, readable)
        self.is_head: bool = "is_head" in state
        self.is_disconnected = False
        extensions = scope.get("extensions")
        self.exchange: Exchange | None = extensions.get(EXCHANGE) if extensions else None
        self.key = self.access.key

    @property
    def accept(self) -> str:
        return str(self.target[2].decode("latin-1"))

    @property
    def last_event_id(self) -> str | None:
        sent = self._headers.get(b"last-event-id")
        if sent is None:
            return None
        # A proxy that doubles the header makes a list with the same id twice.
        ids = {id.strip(" \t") for id in sent.decode("latin-1").split(",")}
        return ids.pop() if len(ids) == 1 else sent.decode("latin-1")

    @property
    def wait(self) -> int:
        """The seconds to wait for a change (`Prefer: wait=25`), at most 30. 0 means: respond at once."""
        if b"prefer" not in self._headers:
            return 0
        for preference in self._headers[b"prefer"].decode("latin-1").split(","):
            if preferred := _WAIT.fullmatch(preference):
                return min(int(preferred["seconds"]), _LONGEST_WAIT)
        return 0

    @contextmanager
    def watching_disconnect(self, call: Callable[[], None]) -> Iterator[None]:
        """Call a function if the client disconnects within this context."""

        def disconnected() -> None:
            self.is_disconnected = True
            call()

        if self.exchange is not None:
            self.exchange.on_disconnect(disconnected)
            end: Callable[[], object] = partial(self.exchange.on_disconnect, None)
        else:
            end = asyncio.ensure_future(_wait_for_disconnect(self.receive, disconnected)).cancel
        try:
            yield
        finally:
            end()

    def matching_tag(self, tag: bytes) -> bytes | None:
        """Return the tag in `If-None-Match` that matches `tag`, as it was sent, or None."""
        known = self._headers.get(b"if-none-match")
        if known is None:
            return None
        if known == tag:
            return tag
        found = etags.matching_tag(known.decode("latin-1"), tag.decode())
        return None if found is None else found.encode("latin-1")


async def _wait_for_disconnect(receive: Receive, disconnected: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    disconnected()


def _joined(sent: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the headers by name. The values of a repeated header are joined by commas."""
    joined: dict[bytes, bytes] = {}
    for name, value in sent:
        joined[name] = joined[name] + b"," + value if name in joined else value
    return joined


def negotiated(accept: str, offered: Sequence[str]) -> str:
    """Return the offered media type that `accept` prefers, by default the first one. Raises Problem (406).

    If only one is offered, it is returned in any case (RFC 9110, 12.5.1): a feed reader that asks for RSS gets Atom.
    """
    if len(offered) == 1:
        return offered[0]
    ranges = [weighed(element) for element in accept.split(",") if element.strip()]
    if not ranges:
        return offered[0]
    weights = {media_type: _weight(media_type.partition(";")[0], ranges) for media_type in offered}
    best = max(offered, key=lambda media_type: weights[media_type])
    if not weights[best]:
        raise Problem(
            "not-acceptable", f"This resource is available as {' or '.join(offered)}. Send one of these in Accept."
        )
    return best


def _weight(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the weight (q) of the most specific range that matches: `text/html` before `text/*` before `*/*`."""
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        for range, weight in ranges:
            if range == wanted:
                return weight
    return 0.0
