"""The responses to reads: rendered documents, and the complete bytes to send.

A document is rendered once and sent many times. Its responses (200 and 304, with all headers) are made once for each
head of the record.
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
"""Content-Security-Policy of HTML. It stops scripts in filed texts, even if a template fails to escape such a text."""
_REVALIDATE: Final = "private, no-cache"
_VALID_LINE: Final = re.compile(rb"[a-z0-9-]+: [^\x00-\x08\x0a-\x1f\x7f]*\r\n")


def header_map(headers: Headers) -> dict[str, str]:
    """Return headers as a mapping, for response objects of Starlette. Each name must appear once."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def header_lines(headers: Headers) -> bytes:
    """Return the header lines of a response. Raises ValueError for a line break or a control character."""
    lines = [b"%b: %b\r\n" % header for header in headers]
    if not all(map(_VALID_LINE.fullmatch, lines)):
        raise ValueError("a header contains a line break or a control character")
    return b"".join(lines)


class CompleteResponse:
    """A response with its complete body."""

    __slots__ = ("_after_wait", "_status_and_headers", "body", "headers", "status")

    def __init__(self, status: int, headers: Headers, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        self._status_and_headers: bytes | None = None
        self._after_wait: tuple[int, CompleteResponse] | None = None

    @property
    def status_and_headers(self) -> bytes:
        """The status line and the header lines, without the date. Made once for all clients."""
        if self._status_and_headers is None:
            phrase = HTTPStatus(self.status).phrase.encode()
            self._status_and_headers = b"HTTP/1.1 %d %b\r\n%b" % (self.status, phrase, header_lines(self.headers))
        return self._status_and_headers

    def after_wait(self, seconds: int) -> "CompleteResponse":
        """Return a copy with Preference-Applied. The last copy is cached, since most clients wait equally long."""
        if self._after_wait is None or self._after_wait[0] != seconds:
            self._after_wait = seconds, self.with_headers([(b"preference-applied", b"wait=%d" % seconds)])
        return self._after_wait[1]

    def with_headers(self, more: Headers) -> "CompleteResponse":
        """Return a copy with more headers, for one client."""
        extended = CompleteResponse(self.status, [*self.headers, *more], self.body)
        extended._status_and_headers = self.status_and_headers + header_lines(more)
        return extended

    def with_tag(self, tag: bytes) -> "CompleteResponse":
        """Return a copy with another ETag."""
        return CompleteResponse(self.status, _replaced(self.headers, {b"etag": tag}), self.body)


class ReadyResponses(NamedTuple):
    """The complete responses for a document while the record has `head`. `unchanged` is the 304, `changed` the 200."""

    head: Head
    unchanged: CompleteResponse
    changed: CompleteResponse


class StreamedResponse(NamedTuple):
    """A response whose body is sent in chunks as they become available."""

    headers: Headers
    chunks: AsyncIterator[bytes]


class RenderedDocument:
    """A document in one media type and content coding, with its headers.

    `position`: the last event that it is computed from. `history`: the part of its ETag that identifies the events up
    to there. `representation`: the version of its fields, another part of the ETag. `is_final`: it never changes.
    `is_end`: it is a page of a feed without items, at which a client can wait for the next ones. `relation`: its
    relation, if the address does not name it. A limited key may read it only if it may read this relation. `highest`:
    the highest rank of an event that it may show. `ready`: its responses for the last head.
    """

    __slots__ = (
        "body",
        "etag",
        "headers",
        "highest",
        "is_end",
        "is_final",
        "position",
        "ready",
        "relation",
        "unchanged_headers",
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
        highest: int = 0,
    ) -> None:
        self.relation, self.highest = relation, highest
        self.body, self.position, self.is_final, self.is_end = body, position, is_final, is_end
        self.ready: ReadyResponses | None = None
        self.etag = etags.etag(position, history, representation, media_type.partition(";")[0]).encode()
        self.unchanged_headers: Headers = [
            (b"etag", self.etag),
            (b"cache-control", (IMMUTABLE if is_final else _REVALIDATE).encode()),
            (b"vary", b"Accept, Accept-Encoding, Authorization, Cookie"),
        ]
        if link is not None:
            self.unchanged_headers.append((b"link", link.encode()))
        self.headers: Headers = [
            *self.unchanged_headers,
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

    async def in_coding(self, coding: str) -> "RenderedDocument":
        """Return a copy in gzip. If `coding` is GZIP and the body is small, return this object (see `codings`)."""
        if coding == codings.GZIP and len(self.body) < codings.MIN_SIZE:
            return self
        coded = copy(self)
        coded.body, coded.ready = await codings.compressed(self.body), None
        coded.etag = etags.compressed(self.etag.decode()).encode()
        changed = {b"etag": coded.etag, b"content-length": b"%d" % len(coded.body)}
        coded.unchanged_headers = _replaced(self.unchanged_headers, changed)
        coded.headers = [*_replaced(self.headers, changed), (b"content-encoding", codings.GZIP.encode())]
        return coded


def _replaced(headers: Headers, values: Mapping[bytes, bytes]) -> Headers:
    return [(name, values.get(name, value)) for name, value in headers]
