"""The headers of a read: validators, preferences, media types and codings (RFC 9110, 7240)."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, Protocol

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
    """One request and its response, for servers that can write a response without ASGI messages."""

    def answer(self, head: bytes, body: bytes) -> bool:
        """Send a complete response. False if it must be sent by ASGI messages."""

    async def stream(self, head: bytes, first: bytes, chunks: AsyncIterator[bytes]) -> None:
        """Send a response without a length and close the connection, because HTTP/1.0 has no chunks."""

    def on_disconnect(self, call: Callable[[], None] | None) -> None:
        """Set the function to call when the client disconnects. None removes it."""


class Request:
    """A GET, or a HEAD that is handled as one.

    `target` has everything that a document depends on. `coding` is the content coding of the response, "" for none.
    `kept_as` is its key in the cache.
    """

    __slots__ = (
        "_headers",
        "access",
        "coding",
        "exchange",
        "is_disconnected",
        "is_head",
        "kept_as",
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
        self.target = self.path, self.query, accept, self.prefix
        accepted = self._headers.get(b"accept-encoding")
        self.coding = codings.preferred(accepted) if accepted else ""
        self.kept_as = (self.path, self.query, accept, self.prefix, self.coding) if self.coding else self.target
        state = scope["state"]
        self.is_head: bool = "is_head" in state
        self.is_disconnected = False
        extensions = scope.get("extensions")
        self.exchange: Exchange | None = extensions.get(EXCHANGE) if extensions else None
        self.access: Access = state["key"]
        self.key = self.access.key

    @property
    def accept(self) -> str:
        return self.target[2].decode("latin-1")

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
        """The seconds that the sender waits for a change (`Prefer: wait`), at most 30. 0: it does not wait."""
        if b"prefer" not in self._headers:
            return 0
        for preference in self._headers[b"prefer"].decode("latin-1").split(","):
            if preferred := _WAIT.fullmatch(preference):
                return min(int(preferred["seconds"]), _LONGEST_WAIT)
        return 0

    @contextmanager
    def watching_disconnect(self, call: Callable[[], None]) -> Iterator[None]:
        """Call a function if the sender disconnects meanwhile."""

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

    def confirmed(self, tag: bytes) -> bytes | None:
        """Return the tag in `If-None-Match` that names the same state as `tag`, as it was sent, or None."""
        known = self._headers.get(b"if-none-match")
        if known is None:
            return None
        if known == tag:
            return tag
        found = etags.confirmed(known.decode("latin-1"), tag.decode())
        return None if found is None else found.encode("latin-1")


async def _wait_for_disconnect(receive: Receive, disconnected: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    disconnected()


def _joined(sent: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in sent:
        joined[name] = joined[name] + b"," + value if name in joined else value
    return joined


def negotiated(accept: str, offered: Sequence[str]) -> str:
    """Return the media type that the sender prefers, by default the first. Raises Problem (406)."""
    ranges = [weighed(one) for one in accept.split(",") if one.strip()]
    if not ranges:
        return offered[0]
    weights = {media_type: _weight(media_type.partition(";")[0], ranges) for media_type in offered}
    best = max(offered, key=lambda media_type: weights[media_type])
    if not weights[best]:
        raise Problem(
            "not-acceptable", f"This resource is available as {' or '.join(offered)}. Ask for that in Accept."
        )
    return best


def _weight(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the weight (q) of the most specific range that matches."""
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        for range, weight in ranges:
            if range == wanted:
                return weight
    return 0.0
