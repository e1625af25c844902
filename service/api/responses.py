"""Responses. A page is rendered once and sent many times.

Its complete responses, with their headers, are made once per head of the record.
"""

import re
from collections.abc import AsyncIterator, Mapping
from copy import copy
from http import HTTPStatus
from typing import Final, NamedTuple

from service.api import codings, etags
from service.api.etags import JSON
from service.store.log import Head

Headers = list[tuple[bytes, bytes]]

IMMUTABLE: Final = "private, max-age=3600, immutable"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of HTML: if a filed text were not escaped by mistake, its scripts would still not run."""
_REVALIDATE: Final = "private, no-cache"
_LINE: Final = re.compile(rb"[a-z0-9-]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n")


def header_map(headers: Headers) -> dict[str, str]:
    """Return headers as the mapping that the framework takes. Each name must appear once."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def lines_of(headers: Headers) -> bytes:
    """Return the header lines of a response. Raises ValueError for a line break or a control character."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    if not all(map(_LINE.fullmatch, lines)):
        raise ValueError("a header contains a line break or a control character")
    return b"".join(lines)


class Answer:
    """A response with its complete body."""

    __slots__ = ("_after_wait", "_head", "body", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        self._head: bytes | None = None
        self._after_wait: tuple[int, Answer] | None = None

    @property
    def head(self) -> bytes:
        """The status line and the header lines without the date. Made once for all receivers."""
        if self._head is None:
            phrase = HTTPStatus(self.status).phrase.encode()
            self._head = b"HTTP/1.1 %d %b\r\n%b" % (self.status, phrase, lines_of(self.headers))
        return self._head

    def after_wait(self, seconds: int) -> "Answer":
        """Return a copy with Preference-Applied. The last one is cached, since waiters of one event mostly agree."""
        if self._after_wait is None or self._after_wait[0] != seconds:
            self._after_wait = seconds, self.with_headers([(b"preference-applied", b"wait=%d" % seconds)])
        return self._after_wait[1]

    def with_headers(self, more: Headers) -> "Answer":
        """Return a copy with more headers, for this sender only."""
        answer = Answer(self.status, [*self.headers, *more], self.body)
        answer._head = self.head + lines_of(more)
        return answer

    def with_tag(self, tag: bytes) -> "Answer":
        """Return a copy with another entity tag."""
        return Answer(self.status, _replaced(self.headers, {b"etag": tag}), self.body)


class Ready(NamedTuple):
    """The responses of a page while this is the head: `unchanged` is the 304, `changed` the 200."""

    head: Head
    unchanged: Answer
    changed: Answer


class Stream(NamedTuple):
    """A response whose body is sent in chunks as they become available."""

    headers: Headers
    chunks: AsyncIterator[bytes]


class Page:
    """A rendered document. `history`: the part of its ETag that identifies the history up to its position.

    `is_final`: it never changes. `is_end`: the page of a feed has no items. `ready`: its responses, made for one head.
    `relation` is set if the address does not name the relation.
    """

    __slots__ = (
        "body",
        "etag",
        "headers",
        "is_end",
        "is_final",
        "position",
        "ready",
        "relation",
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
        is_final: bool = False,
        is_end: bool = False,
        link: str | None = None,
        relation: str | None = None,
    ) -> None:
        self.relation = relation
        self.body, self.position, self.is_final, self.is_end = body, position, is_final, is_end
        self.ready: Ready | None = None
        self.etag = etags.etag(position, history, representation, media_type.partition(";")[0]).encode()
        self.unchanged: Headers = [
            (b"etag", self.etag),
            (b"cache-control", (IMMUTABLE if is_final else _REVALIDATE).encode()),
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
        """Return the page compressed, or itself if it is small and the sender accepts it uncompressed."""
        if coding == codings.GZIP and len(self.body) < codings.MIN_SIZE:
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
