"""Conditional answers for what is read: validated, kept, compressed, and waited for.

A request is answered only after the head was confirmed for it. What was rendered before and has not changed since is
then up to date. So an unchanged status costs neither a query of its own nor a rendering, and is never stale.
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
    """A row for what is sent as it comes. The docstring of `begin` is its text in the contract."""

    path: str
    query: type[Query]
    begin: Callable[["Responder", Request, Head], Stream | Answer]
    media_types: tuple[str, ...]
    shape: None = None

    @property
    def text(self) -> str | None:
        return inspect.getdoc(self.begin)

    def refuse_beyond(self, reader: Access, names: Names, query: Callable[[], Query], address: str) -> None:
        """As `Resource.refuse_beyond`."""
        limits.refuse_address(reader, names, query, address)


Row = Resource[Any, Any] | Streamed


@dataclass
class Responder:
    """Answers for what is on record. `drawings`: by the path of a resource, how pages draw it, by media type."""

    follower: Follower
    clock: Callable[[], datetime]
    rate_limit: RateLimit
    drawings: dict[str, Mapping[str, Body[Any]]] = field(default_factory=dict)

    async def answer(self, request: Request, row: Row, names: Names) -> Answer | Stream:
        """Raises Problem and DatabaseUnavailable."""
        if request.access.reads is not None:
            self._refuse_beyond(request, row, names)
        if request.key is None:
            await self.follower.head()
        if isinstance(row, Streamed):
            return row.begin(self, request, self._head())
        seconds = request.wait
        page = None if seconds else self._kept(request)
        if page is None:
            load = self._awaited(request, row, names, seconds) if seconds else self._page(request, row, names)
            page = await load
        if request.access.reads is not None:
            row.refuse_found(request.access, page.relation)
        return self.answered(request, page, seconds)

    async def confirmed(self, request: Request) -> Head:
        """Return the head, confirmed for this request. Raises DatabaseUnavailable."""
        # Where a key was shown the gate has confirmed the head for this request already.
        return await self.follower.head() if request.key is None else self._head()

    async def read(
        self, load: Callable[[Snapshot], T], head: Head, reader: Access, address: str, prefix: str, *, is_past: bool
    ) -> T:
        """Return what `load` reads at a head, all of it in one read: what a page is made of. Raises Problem."""

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
        """Return the page kept under a key, in a coding: compressed once, and kept beside the page itself."""
        if not coding:
            return await self.follower.kept(key, topics, load)

        async def compressed() -> Page:
            page = await self.follower.kept(key, topics, load)
            return await page.in_coding(coding)

        return await self.follower.kept((*key, coding), topics, compressed)

    def answered(self, request: Request, page: Page, waited: int = 0) -> Answer:
        """Return a page as it is sent: whole, or 304 where the sender has it."""
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
        """A place among those who wait, given up when the sender leaves. Raises Problem where there is none left."""
        try:
            with self.follower.waiter(topics, awaited) as waiter, request.leaving(waiter.wake):
                yield waiter
        except TooManyWaiters:
            raise Problem("too-many-waiters", "As many wait already as this process takes on.") from None

    async def check_again(self, request: Request, row: Row, names: Names) -> None:
        """After a wait: whether the sender is still there and may still read. Raises ClientDisconnect and Problem."""
        if request.is_gone:
            raise ClientDisconnect
        if request.key is not None:
            request.access = await authenticate(request.scope)
            request.access.require("read")
            self._refuse_beyond(request, row, names)

    def _refuse_beyond(self, request: Request, row: Row, names: Names) -> None:
        row.refuse_beyond(request.access, names, lambda: parameters.parse(row.query, request.query), request.path)

    def _head(self) -> Head:
        head = self.follower.last_head
        assert head is not None  # it was confirmed for this request
        return head

    def _kept(self, request: Request) -> Page | None:
        return cast("Page | None", self.follower.cache.peek(request.kept_as))

    async def _page(self, request: Request, resource: Resource[Any, Any], names: Names) -> Page:
        if (kept := self._kept(request)) is not None:
            return kept
        media_type = negotiated(request.accept, resource.media_types)
        query, head, now = parameters.parse(resource.query, request.query), self._head(), self.clock()
        at_rest, reader = query.is_at_rest(head), request.access
        is_past = isinstance(query, At) and query.is_past
        body = self.drawings.get(resource.path, resource.bodies).get(media_type) or resource.bodies[media_type]

        def load(replicas: Replicas) -> Page:
            def find(c: Any) -> tuple[Found[Any], str]:
                snapshot = Snapshot(
                    c, head, now, self.follower.histories, reader, request.path, request.prefix, is_past
                )
                found = resource.find(snapshot, names, query)
                return found, snapshot.history(found.position)

            found, history = replicas.read(head, find, is_snapshot=resource.is_snapshot, is_past=at_rest)
            return Page(
                body(found.document, request.prefix),
                found.position,
                history,
                _below(found.representation, request.prefix, media_type),
                media_type=media_type,
                at_rest=at_rest if found.at_rest is None else found.at_rest,
                is_end=found.is_end,
                link=found.link,
                relation=found.relation,
            )

        topics = () if at_rest else resource.topics(names, query)
        # Kept for all readers, who differ only in what they may ask for: a query that filters needs a key for each.
        try:
            return await self.in_coding(
                request.target, request.coding, topics, lambda: self.follower.read_replica(load)
            )
        except Problem as problem:
            raise resource.hidden(reader, problem) from None

    async def _awaited(self, request: Request, resource: Resource[Any, Any], names: Names, seconds: int) -> Page:
        """Return the page once there is news for this sender, or as it is when time is up or the server goes down."""
        look = partial(self._page, request, resource, names)
        page = await look()
        if not _is_old(request, page):
            return page
        wakes = (resource.wakes or resource.topics)(names, parameters.parse(resource.query, request.query))
        until = asyncio.get_running_loop().time() + seconds
        with self.waiting(request, wakes, Awaited(request.kept_as, look)) as waiter:
            # Looked at again, now that nothing can be missed.
            page = await look()
            while _is_old(request, page):
                if self.follower.draining or not await waiter.wait(until):
                    # Once more: what nobody was woken for may have moved, and be told as a further cursor.
                    return await look()
                await self.check_again(request, resource, names)
                page = await look()
        return page


def _is_old(request: Request, page: Page) -> bool:
    """Whether the sender would rather wait: it has this page, or the page says only that there is nothing more."""
    return not page.at_rest and (page.is_end or request.confirmed(page.etag) is not None)


def _below(representation: int, prefix: str, media_type: str) -> int:
    """What is not JSON may hold addresses: below another path it is another representation."""
    if not prefix or media_type == JSON:
        return representation
    return int.from_bytes(blake2b(f"{representation} {prefix}".encode(), digest_size=6).digest())
