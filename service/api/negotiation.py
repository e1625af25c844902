"""What a request asks for: validators, preferences, media types and codings (RFC 9110, 7240)."""

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
"""The extension of ASGI under which a server offers it."""


class Exchange(Protocol):
    """One request and its answer, where the server has a shorter way than messages."""

    def answer(self, head: bytes, body: bytes) -> bool:
        """Sends a whole answer in one piece; false where it has to be sent as messages."""

    async def stream(self, head: bytes, first: bytes, chunks: AsyncIterator[bytes]) -> None:
        """Send an answer without a length and close the connection, for clients that know no chunks (HTTP/1.0)."""

    def when_gone(self, call: Callable[[], None] | None) -> None:
        """What to call when the client leaves."""


class Request:
    """A GET, or a HEAD that is answered as one. A document depends on `target`.

    `coding` is the content coding to send it in, "" for none. `kept_as` is the key of the answer in the cache.
    """

    __slots__ = (
        "_headers",
        "access",
        "coding",
        "exchange",
        "is_gone",
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
        self.is_gone = False
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
        # A header that a proxy has doubled is one list, of the same id twice.
        ids = {id.strip(" \t") for id in sent.decode("latin-1").split(",")}
        return ids.pop() if len(ids) == 1 else sent.decode("latin-1")

    @property
    def wait(self) -> int:
        """For how many seconds the sender would rather wait than hear that nothing changed; 0 where it would not."""
        if b"prefer" not in self._headers:
            return 0
        for preference in self._headers[b"prefer"].decode("latin-1").split(","):
            if asked := _WAIT.fullmatch(preference):
                return min(int(asked["seconds"]), _LONGEST_WAIT)
        return 0

    @contextmanager
    def leaving(self, told: Callable[[], None]) -> Iterator[None]:
        """Meanwhile it is told when the sender leaves."""

        def gone() -> None:
            self.is_gone = True
            told()

        if self.exchange is not None:
            self.exchange.when_gone(gone)
            end: Callable[[], object] = partial(self.exchange.when_gone, None)
        else:
            end = asyncio.ensure_future(_until_gone(self.receive, gone)).cancel
        try:
            yield
        finally:
            end()

    def confirmed(self, tag: bytes) -> bytes | None:
        """The tag of the copy that the sender has, where it is of the same state as `tag` (`If-None-Match`)."""
        known = self._headers.get(b"if-none-match")
        if known is None:
            return None
        if known == tag:
            return tag
        found = etags.confirmed(known.decode("latin-1"), tag.decode())
        return None if found is None else found.encode("latin-1")


async def _until_gone(receive: Receive, gone: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    gone()


def _joined(sent: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in sent:
        joined[name] = joined[name] + b"," + value if name in joined else value
    return joined


def negotiated(accept: str, offered: Sequence[str]) -> str:
    """Which of the media types the sender would have, the first where it has no preference. Raises Problem (406)."""
    ranges = [weighed(one) for one in accept.split(",") if one.strip()]
    if not ranges:
        return offered[0]
    weights = {media_type: _weight(media_type.partition(";")[0], ranges) for media_type in offered}
    best = max(offered, key=lambda media_type: weights[media_type])
    if not weights[best]:
        raise Problem("not-acceptable", f"This is to be had as {' or '.join(offered)}.")
    return best


def _weight(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """By the most specific range that fits."""
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        for range, weight in ranges:
            if range == wanted:
                return weight
    return 0.0
