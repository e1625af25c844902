"""What is asked and what is answered, of all that is read: validators, preferences, media types (RFC 9110, 7240).

A page is rendered once and answers many: what it is answered with, headers and all, is put together once for as long as
the head of the record is the same.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from http import HTTPStatus
from typing import Final, NamedTuple, Protocol

from starlette.types import Receive, Scope

from service.api import codings, etags
from service.api.auth import Access
from service.api.codings import weighed
from service.api.etags import JSON
from service.api.prefix import prefix_of
from service.api.problems import Problem
from service.store.log import Head

Headers = list[tuple[bytes, bytes]]

AT_REST: Final = "private, max-age=3600, immutable"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a browser may do with HTML that shows what was filed: nothing that was filed runs, should it ever get out."""
_REVALIDATE: Final = "private, no-cache"
_LONGEST_WAIT: Final = 30
_WAIT: Final = re.compile(r"\s*wait\s*=\s*\"?(?P<seconds>[0-9]{1,9})\"?\s*(?:;.*)?", re.IGNORECASE)
_LINE: Final = re.compile(rb"[a-z0-9-]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n")
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


def header_map(headers: Headers) -> dict[str, str]:
    """Return headers as the framework takes them, each name once."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def lines_of(headers: Headers) -> bytes:
    """Headers as they are sent."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    if not all(map(_LINE.fullmatch, lines)):
        raise ValueError("a header has a line break or a control character in it")
    return b"".join(lines)


class Answer:
    """What is sent at once."""

    __slots__ = ("_after_wait", "_head", "body", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        self._head: bytes | None = None
        self._after_wait: tuple[int, Answer] | None = None

    @property
    def head(self) -> bytes:
        """The status and the headers as they are sent, but for the date: put together once, for all who get this."""
        if self._head is None:
            phrase = HTTPStatus(self.status).phrase.encode()
            self._head = b"HTTP/1.1 %d %b\r\n%b" % (self.status, phrase, lines_of(self.headers))
        return self._head

    def after_wait(self, seconds: int) -> "Answer":
        """The same, to whoever was ready to wait that long: kept, for those who are answered together mostly agree."""
        if self._after_wait is None or self._after_wait[0] != seconds:
            self._after_wait = seconds, self.with_headers([(b"preference-applied", b"wait=%d" % seconds)])
        return self._after_wait[1]

    def with_headers(self, more: Headers) -> "Answer":
        """The same, and what is told to this sender alone."""
        answer = Answer(self.status, [*self.headers, *more], self.body)
        answer._head = self.head + lines_of(more)
        return answer

    def with_tag(self, tag: bytes) -> "Answer":
        """The same, with another entity tag."""
        return Answer(self.status, _replaced(self.headers, {b"etag": tag}), self.body)


class Ready(NamedTuple):
    """What is answered while this is the head: to whoever has the page already, and to whoever has not."""

    head: Head
    unchanged: Answer
    changed: Answer


class Stream(NamedTuple):
    """What is sent as it comes."""

    headers: Headers
    chunks: AsyncIterator[bytes]


class Page:
    """A rendered representation. `history`: the part of its tag that identifies the record up to its position.

    `at_rest`: it will never read otherwise. `is_end`: it is of a feed, and there was nothing more to list. `ready`: its
    answers, as they were last put together. `relation`: of an answer whose address does not say it.
    """

    __slots__ = (
        "at_rest",
        "body",
        "etag",
        "headers",
        "is_end",
        "position",
        "ready",
        "relation",
        "representation",
        "unchanged",
    )

    def __init__(
        self,
        body: bytes,
        position: int,
        history: str,
        representation: int,
        *,
        media_type: str = JSON,
        at_rest: bool = False,
        is_end: bool = False,
        link: str | None = None,
        relation: str | None = None,
    ) -> None:
        self.relation = relation
        self.body, self.position, self.at_rest, self.is_end = body, position, at_rest, is_end
        self.representation = representation
        self.ready: Ready | None = None
        self.etag = etags.etag(position, history, representation, media_type.partition(";")[0]).encode()
        self.unchanged: Headers = [
            (b"etag", self.etag),
            (b"cache-control", (AT_REST if at_rest else _REVALIDATE).encode()),
            (b"vary", b"Accept, Accept-Encoding, Authorization, Cookie"),
        ]
        if link is not None:
            self.unchanged.append((b"link", link.encode()))
        self.headers: Headers = [
            *self.unchanged,
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(body)),
        ]
        if media_type != JSON:
            self.headers.append((b"x-content-type-options", b"nosniff"))
        if media_type.startswith("text/html"):
            self.headers.append((b"content-security-policy", POLICY.encode()))

    @property
    def size(self) -> int:
        return len(self.body)

    async def in_coding(self, coding: str) -> "Page":
        """The same page compressed; itself where it is too small to gain by that, and the sender takes it as it is."""
        if coding == codings.GZIP and len(self.body) < codings.SMALLEST:
            return self
        page = copy(self)
        page.body, page.ready = await codings.compressed(self.body), None
        page.etag = etags.compressed(self.etag.decode()).encode()
        changed = {b"etag": page.etag, b"content-length": b"%d" % len(page.body)}
        page.unchanged = _replaced(self.unchanged, changed)
        page.headers = [*_replaced(self.headers, changed), (b"content-encoding", codings.GZIP.encode())]
        return page


def _replaced(headers: Headers, values: Mapping[bytes, bytes]) -> Headers:
    return [(name, values.get(name, value)) for name, value in headers]


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
