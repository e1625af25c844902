"""Conditional responses to reads: validators, cache, compression and long polls.

Every response waits until the head was confirmed for its request. A cached page that no event has changed up to that
head is then current. So an unchanged document needs no query and no rendering, and is never stale.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Any, TypeVar, cast

from starlette.requests import ClientDisconnect

from service.api import limits, parameters
from service.api.auth import Access, authenticate
from service.api.etags import JSON
from service.api.negotiation import Request, negotiated
from service.api.parameters import At, Query
from service.api.problems import Problem
from service.api.rate_limit import RateLimit
from service.api.resources import Body, Found, Names, Resource, Snapshot
from service.api.responses import Answer, Page, Ready, Stream
from service.follower import Awaited, Follower, TooManyWaiters, Waiter
from service.follower.replicas import Replicas
from service.store.log import Head, read_head

T = TypeVar("T")


@dataclass(frozen=True)
class Streamed:
    """A row of the table for a stream of events. The docstring of `begin` is its text in the contract."""

    path: str
    query: type[Query]
    begin: Callable[["Responder", Request, Head], Stream | Answer]
    media_types: tuple[str, ...]
    shape: None = None

    @property
    def text(self) -> str | None:
        return inspect.getdoc(self.begin)

    def refuse_beyond(self, reader: Access, names: Names, query: Callable[[], Query], address: str) -> None:
        """Raise Problem (403) as `Resource.refuse_beyond`."""
        limits.refuse_address(reader, names, query, address)


Row = Resource[Any, Any] | Streamed


@dataclass
class Responder:
    """Makes the responses to reads.

    `drawings`: the renderers of the pages, by path of the resource and by media type. They replace those of the row.
    """

    follower: Follower
    clock: Callable[[], datetime]
    rate_limit: RateLimit
    drawings: dict[str, Mapping[str, Body[Any]]] = field(default_factory=dict)

    async def answer(self, request: Request, row: Row, names: Names) -> Answer | Stream:
        """Return the response to a read. Raises Problem and DatabaseUnavailable."""
        if request.access.reads is not None:
            self._refuse_beyond(request, row, names)
        if request.key is None:
            await self.follower.head()
        if isinstance(row, Streamed):
            return row.begin(self, request, self._head())
        seconds = request.wait
        page = None if seconds else self._cached(request)
        if page is None:
            load = self._wait_for_change(request, row, names, seconds) if seconds else self._page(request, row, names)
            page = await load
        if request.access.reads is not None:
            row.refuse_found(request.access, page.relation)
        return self.answered(request, page, seconds)

    async def confirmed(self, request: Request) -> Head:
        """Return the head, confirmed for this request. Raises DatabaseUnavailable."""
        # If a key was sent, authentication has already confirmed the head for this request.
        return await self.follower.head() if request.key is None else self._head()

    async def read(
        self, load: Callable[[Snapshot], T], head: Head, reader: Access, address: str, prefix: str, *, is_past: bool
    ) -> T:
        """Return the result of `load`, which reads everything for a page in one transaction. Raises Problem."""

        def loaded(replicas: Replicas) -> T:
            def at_head(c: Any) -> T:
                is_current = read_head(c).position == head.position
                histories = self.follower.histories
                return load(Snapshot(c, head, self.clock(), histories, reader, address, prefix, is_past, is_current))

            return replicas.read(head, at_head, is_snapshot=True)

        return await self.follower.read_replica(loaded)

    async def in_coding(
        self, key: tuple[Any, ...], coding: str, topics: Sequence[str], load: Callable[[], Awaitable[Page]]
    ) -> Page:
        """Return the cached page of a key in a coding. It is compressed once, and cached beside the original."""
        if not coding:
            return await self.follower.kept(key, topics, load)

        async def compressed() -> Page:
            page = await self.follower.kept(key, topics, load)
            return await page.in_coding(coding)

        return await self.follower.kept((*key, coding), topics, compressed)

    def answered(self, request: Request, page: Page, waited: int = 0) -> Answer:
        """Return the response for a page: 200, or 304 if the sender has it. `waited`: seconds of `Prefer: wait`."""
        head, confirmed = self._head(), request.confirmed(page.etag)
        if page.ready is None or page.ready.head is not head:
            common = [(b"irritants-position", b"%d" % head.position), *self.rate_limit.hints]
            same = Answer(304, [*page.unchanged, *common], b"")
            page.ready = Ready(head, same, Answer(200, [*page.headers, *common], page.body))
        answer = page.ready.changed if confirmed is None else page.ready.unchanged
        if confirmed is not None and confirmed != page.etag:
            answer = answer.with_tag(confirmed)
        if waited:
            answer = answer.after_wait(waited)
        if request.key is not None:
            answer = answer.with_headers(self.rate_limit.spend(request.key, 1 if confirmed is None else 0))
        return answer

    @contextmanager
    def waiting(self, request: Request, topics: Sequence[str], awaited: Awaited | None = None) -> Iterator[Waiter]:
        """Wait for events of these topics, until the sender disconnects. Raises Problem if too many requests wait."""
        try:
            with self.follower.waiter(topics, awaited) as waiter, request.watching_disconnect(waiter.wake):
                yield waiter
        except TooManyWaiters:
            raise Problem(
                "too-many-waiters",
                "This process holds as many waiting requests as it may. Ask again without waiting, or retry later.",
            ) from None

    async def check_again(self, request: Request, row: Row, names: Names) -> None:
        """Check after a wait that the sender is there and may still read. Raises ClientDisconnect and Problem."""
        if request.is_disconnected:
            raise ClientDisconnect
        if request.key is not None:
            request.access = await authenticate(request.scope)
            request.access.require("read")
            self._refuse_beyond(request, row, names)

    def _refuse_beyond(self, request: Request, row: Row, names: Names) -> None:
        row.refuse_beyond(request.access, names, lambda: parameters.parse(row.query, request.query), request.path)

    def _head(self) -> Head:
        head = self.follower.last_head
        assert head is not None  # confirmed for this request
        return head

    def _cached(self, request: Request) -> Page | None:
        return cast("Page | None", self.follower.cache.peek(request.kept_as))

    async def _page(self, request: Request, resource: Resource[Any, Any], names: Names) -> Page:
        if (cached := self._cached(request)) is not None:
            return cached
        media_type = negotiated(request.accept, resource.media_types)
        query, head, now = parameters.parse(resource.query, request.query), self._head(), self.clock()
        is_final, reader = query.is_final(head), request.access
        is_past = isinstance(query, At) and query.is_past
        body = self.drawings.get(resource.path, resource.bodies).get(media_type) or resource.bodies[media_type]

        def load(replicas: Replicas) -> Page:
            def find(c: Any) -> tuple[Found[Any], str]:
                snapshot = Snapshot(
                    c, head, now, self.follower.histories, reader, request.path, request.prefix, is_past
                )
                found = resource.find(snapshot, names, query)
                return found, snapshot.history(found.position)

            found, history = replicas.read(head, find, is_snapshot=resource.is_snapshot, is_past=is_final)
            return Page(
                body(found.document, request.prefix),
                found.position,
                history,
                _prefixed(found.representation, request.prefix, media_type),
                media_type=media_type,
                is_final=is_final if found.is_final is None else found.is_final,
                is_end=found.is_end,
                link=found.link,
                relation=found.relation,
            )

        topics = () if is_final else resource.topics(names, query)
        # Cached for all readers. A query whose result depended on the reader would need a key for each of them.
        try:
            return await self.in_coding(
                request.target, request.coding, topics, lambda: self.follower.read_replica(load)
            )
        except Problem as problem:
            raise resource.hidden(reader, problem) from None

    async def _wait_for_change(
        self, request: Request, resource: Resource[Any, Any], names: Names, seconds: int
    ) -> Page:
        """Return the page as soon as it changes, or unchanged at the end of the wait or at shutdown."""
        read = partial(self._page, request, resource, names)
        page = await read()
        if not _is_unchanged(request, page):
            return page
        wakes = (resource.wakes or resource.topics)(names, parameters.parse(resource.query, request.query))
        until = asyncio.get_running_loop().time() + seconds
        with self.waiting(request, wakes, Awaited(request.kept_as, read)) as waiter:
            # Read again: an event between the first read and the registration would be missed.
            page = await read()
            while _is_unchanged(request, page):
                if self.follower.draining or not await waiter.wait(until):
                    # Read again: events outside the topics do not wake, but they move the cursor of a feed.
                    return await read()
                await self.check_again(request, resource, names)
                page = await read()
        return page


def _is_unchanged(request: Request, page: Page) -> bool:
    """Return whether to wait: the sender has this page, or the page is the empty end of a feed."""
    return not page.is_final and (page.is_end or request.confirmed(page.etag) is not None)


def _prefixed(representation: int, prefix: str, media_type: str) -> int:
    """Return the representation for the ETag. Other formats than JSON contain addresses, which depend on the prefix."""
    if not prefix or media_type == JSON:
        return representation
    return int.from_bytes(blake2b(f"{representation} {prefix}".encode(), digest_size=6).digest())
