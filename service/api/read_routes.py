"""Routes of what is read: each is made of one row of the table, and answers conditionally.

A request is answered only after the head was confirmed for it. What was rendered before and has not changed since is
then up to date. So an unchanged status costs neither a query of its own nor a rendering, and is never stale.
"""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NoReturn, TypeVar, cast

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import limits, parameters
from service.api.auth import Access, authenticate
from service.api.etags import JSON
from service.api.negotiation import Request, negotiated
from service.api.parameters import At, Query, described
from service.api.problems import Problem
from service.api.rate_limit import RateLimit
from service.api.resources import Body, Found, Names, Resource, Snapshot, are_names
from service.api.responses import Answer, Page, Ready, Stream
from service.follower import Awaited, Follower, TooManyWaiters, Waiter
from service.follower.copies import Copies
from service.store.log import Head, read_head

_MOST_PATHS: Final = 10_000
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Nothing changed since the representation that `If-None-Match` names"}
}
T = TypeVar("T")


@dataclass(frozen=True)
class Streamed:
    """A row for what is sent as it comes. The docstring of `begin` is its text in the contract."""

    path: str
    query: type[Query]
    begin: Callable[["Reader", Request, Head], Stream | Answer]
    media_types: tuple[str, ...]
    shape: None = None

    @property
    def text(self) -> str | None:
        return inspect.getdoc(self.begin)

    def refuse_beyond(self, reader: Access, names: Names, query: Callable[[], Query], address: str) -> None:
        """As `Resource.refuse_beyond`."""
        limits.refuse_address(reader, names, query, address)


Row = Resource[Any, Any] | Streamed


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request for a resource."""

    request: Request
    resource: Resource[Any, Any]
    names: Names


@dataclass
class Reader:
    """Answers for what is on record. `drawings`: by the path of a resource, how pages draw it, by media type."""

    follower: Follower
    clock: Callable[[], datetime]
    rate_limit: RateLimit
    drawings: dict[str, Mapping[str, Body[Any]]] = field(default_factory=dict)

    async def answer(self, request: Request, row: Row, names: Names) -> Answer | Stream:
        """Raises Problem and DatabaseUnavailable."""
        self._refuse_beyond(request, row, names)
        if request.key is None:
            await self.follower.head()
        if isinstance(row, Streamed):
            return row.begin(self, request, self._head())
        seconds = request.wait
        page = None if seconds else self._kept(request)
        if page is None:
            asked = _Asked(request, row, names)
            page = await (self._awaited(asked, seconds) if seconds else self._page(asked))
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

        def loaded(copies: Copies) -> T:
            def at_head(c: Any) -> T:
                is_current = read_head(c).position == head.position
                histories = self.follower.histories
                return load(Snapshot(c, head, self.clock(), histories, reader, address, prefix, is_past, is_current))

            return copies.read(head, at_head, is_snapshot=True)

        return await self.follower.read_copy(loaded)

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
        if request.access.reads is not None:
            row.refuse_beyond(request.access, names, lambda: parameters.parse(row.query, request.query), request.path)

    def _head(self) -> Head:
        head = self.follower.last_head
        assert head is not None  # it was confirmed for this request
        return head

    def _kept(self, request: Request) -> Page | None:
        return cast("Page | None", self.follower.cache.peek(request.kept_as))

    async def _page(self, asked: _Asked) -> Page:
        request, resource = asked.request, asked.resource
        if (kept := self._kept(request)) is not None:
            return kept
        media_type = negotiated(request.accept, resource.media_types)
        query, head, now = parameters.parse(resource.query, request.query), self._head(), self.clock()
        at_rest, reader = query.is_at_rest(head), request.access
        is_past = isinstance(query, At) and query.is_past
        body = self.drawings.get(resource.path, resource.bodies).get(media_type) or resource.bodies[media_type]

        def load(copies: Copies) -> Page:
            def find(c: Any) -> tuple[Found[Any], str]:
                snapshot = Snapshot(
                    c, head, now, self.follower.histories, reader, request.path, request.prefix, is_past
                )
                found = resource.find(snapshot, asked.names, query)
                return found, snapshot.history(found.position)

            found, history = copies.read(head, find, is_snapshot=resource.is_snapshot, is_past=at_rest)
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

        topics = () if at_rest else resource.topics(asked.names, query)
        try:
            return await self.in_coding(request.target, request.coding, topics, lambda: self.follower.read_copy(load))
        except Problem as problem:
            raise resource.hidden(reader, problem) from None

    async def _awaited(self, asked: _Asked, seconds: int) -> Page:
        """Return the page once there is news for this sender, or as it is when time is up or the server goes down."""
        request, resource, names = asked.request, asked.resource, asked.names
        page = await self._page(asked)
        if not _is_old(request, page):
            return page
        wakes = (resource.wakes or resource.topics)(names, parameters.parse(resource.query, request.query))
        until = asyncio.get_running_loop().time() + seconds
        with self.waiting(request, wakes, Awaited(request.kept_as, lambda: self._page(asked))) as waiter:
            # Looked at again, now that nothing can be missed.
            page = await self._page(asked)
            while _is_old(request, page):
                if self.follower.draining or not await waiter.wait(until):
                    # Once more: what nobody was woken for may have moved, and be told as a further cursor.
                    return await self._page(asked)
                await self.check_again(request, resource, names)
                page = await self._page(asked)
        return page


class ReadRoute(APIRoute):
    """One row as a route. The framework finds it and describes it; it answers by itself, without dependencies.

    Measured, dependencies and response objects take three times as long as an answer that is ready.
    """

    def __init__(self, row: Row, tag: str, reader: Reader) -> None:
        text = row.text or ""
        super().__init__(
            row.path,
            _described,
            methods=["GET"],
            tags=[tag],
            name=_name(row.path),
            operation_id=_name(row.path),
            summary=text.partition("\n")[0].rstrip("."),
            description=text,
            response_model=row.shape,
            response_class=JSONResponse if row.media_types[0] == JSON else Response,
            response_description="As it stands",
            responses={200: {"content": _besides_json(row.media_types)}, **_NOT_MODIFIED},
            openapi_extra={"parameters": described(row.path, row.query)},
        )
        self.row, self._reader = row, reader

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await super().handle(scope, receive, send)
            return
        names: Names = scope["path_params"]
        if not are_names(names):
            self._refuse_names(scope, names)
        scope["state"]["found"] = self, names
        await self.answer(scope, receive, send, names)

    async def answer(self, scope: Scope, receive: Receive, send: Send, names: Names) -> None:
        """Answer a GET for what has these names. Raises Problem and DatabaseUnavailable."""
        request = Request(scope, receive)
        answer = await self._reader.answer(request, self.row, names)
        if isinstance(answer, Stream):
            await _stream(request, answer, send)
            return
        body = b"" if request.is_head else answer.body
        if request.exchange is not None and request.exchange.answer(answer.head, body):
            scope["state"]["answered"] = answer.status
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": body})

    def _refuse_names(self, scope: Scope, names: Names) -> NoReturn:
        """Raises Problem. Nothing can have these names, so 404 tells a limited reader nothing."""
        if (relation := names.get("relation")) is not None:
            limits.refuse_beyond(scope["state"]["key"], relation)
        raise Problem("not-found", f"There is nothing under {scope['path']}.")


class Shortcut:
    """Keeps which route the framework's router found for a path, and asks that one the next time.

    It goes past the middleware of the framework: by it, an unchanged answer takes twice as long. HEAD is a GET whose
    body is not sent, for every route.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._found: dict[str, tuple[ReadRoute, Names]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await self._head(scope, receive, send)
            return
        found = self._found.get(scope["path"]) if scope["method"] == "GET" else None
        if found is not None:
            scope["route"] = route = found[0]
            await route.answer(scope, receive, send, found[1])
            return
        await self._app(scope, receive, send)
        if (found := scope["state"].get("found")) is not None:
            if len(self._found) >= _MOST_PATHS:
                self._found.clear()
            self._found[scope["path"]] = found

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        scope["state"]["is_head"] = True
        asked = {**scope, "method": "GET"}
        try:
            await self(asked, receive, without_body)
        finally:
            scope["route"] = asked.get("route")


async def _described() -> None:
    """Stand for a row where the framework describes a route by a function. `ReadRoute.handle` answers."""


async def _stream(request: Request, stream: Stream, send: Send) -> None:
    first = await anext(stream.chunks)  # before anything is sent, so that a refusal can still be told
    if request.exchange is not None and request.scope["http_version"] == "1.0":
        request.scope["state"]["answered"] = 200
        await request.exchange.stream(Answer(200, stream.headers, b"").head, first, stream.chunks)
        return
    await send({"type": "http.response.start", "status": 200, "headers": stream.headers})
    chunk: bytes | None = first
    while chunk is not None:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        chunk = await anext(stream.chunks, None)
    await send({"type": "http.response.body", "body": b""})


def _is_old(request: Request, page: Page) -> bool:
    """Whether the sender would rather wait: it has this page, or the page says only that there is nothing more."""
    return not page.at_rest and (page.is_end or request.confirmed(page.etag) is not None)


def _below(representation: int, prefix: str, media_type: str) -> int:
    """What is not JSON may hold addresses: below another path it is another representation."""
    if not prefix or media_type == JSON:
        return representation
    return int.from_bytes(blake2b(f"{representation} {prefix}".encode(), digest_size=6).digest())


def _besides_json(media_types: Sequence[str]) -> dict[str, Any]:
    named = (media_type.partition(";")[0] for media_type in media_types)
    return {name: {"schema": {"type": "string"}} for name in named if name != JSON}


def _name(path: str) -> str:
    """`/v1/irritants/{relation}/{slug}/events` → `read_irritant_events`: what generated clients call it."""
    of_one = re.sub(r"s(/{\w+})+", "", path.removeprefix("/v1/"))
    return "read_" + "_".join(re.findall(r"\w+", of_one))
