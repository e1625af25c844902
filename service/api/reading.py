"""Everything that is read is answered here: for the lane, and for the routes that stand in the contract.

A request is answered only after the head was confirmed for it; what was rendered before and has not changed since is
then as good as new. So an unchanged status costs neither a query of its own nor a rendering, and is never stale.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect

from service.api import limits, parameters
from service.api.answer import Answer, Page, Ready, Request, Stream, negotiated
from service.api.auth import Access, authenticate
from service.api.pacing import Pacing
from service.api.parameters import Query
from service.api.problems import Problem
from service.api.resource import Drawing, Read, Resource
from service.domain.streams import is_relation
from service.follower import Awaited, Follower, TooManyWaiters, Waiter
from service.store.log import Head

_SLUG: Final = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IN_PATH: Final = {"relation": r"[a-z]{2}-[a-z]{2}", "slug": _SLUG, "id": _UUID}
_MOST_PATHS: Final = 10_000


@dataclass(frozen=True)
class Streamed:
    """What is sent as it comes, for as long as somebody listens."""

    path: str
    query: type[Query]
    begin: Callable[["Reader", Request, Head], Stream | Answer]
    media_types: tuple[str, ...]
    shape: None = None

    @property
    def told_by(self) -> Callable[..., Any]:
        return self.begin


@dataclass(frozen=True, slots=True)
class _Found:
    resource: Resource[Any] | Streamed
    path: Mapping[str, str]


class Reader:
    """Answers every GET and HEAD of what is on record."""

    def __init__(
        self,
        follower: Follower,
        resources: Sequence[Resource[Any] | Streamed],
        *,
        clock: Callable[[], datetime],
        pacing: Pacing,
    ) -> None:
        self.follower, self.clock, self._pacing = follower, clock, pacing
        self._patterns = [(_pattern(resource.path), resource) for resource in resources]
        self._found: dict[str, _Found] = {}
        self.drawings: dict[str, Drawing] = {}
        """By the path of the resource, what the pages draw of it."""

    async def answer(self, request: Request) -> Answer | Stream | None:
        """None where there is nothing of that name. Raises Problem and DatabaseUnavailable."""
        found = self._found.get(request.path) or self._find(request.path)
        if found is None:
            return None
        request.scope["state"]["route"] = found.resource.path
        self._refuse_beyond_limit(request, found)
        # Where a key was shown the gate has confirmed the head for this request already.
        if request.key is None:
            await self.follower.head()
        if isinstance(found.resource, Streamed):
            return found.resource.begin(self, request, self._last_head())
        seconds = request.wait
        if seconds:
            page = await self._awaited(request, found, seconds)
        else:
            page = self._kept(request) or await self._page(request, found)
        self._refuse_beyond_limit(request, found, page)
        return self._answer(request, page, seconds)

    # What pages are made of, which show several documents at one head.

    async def confirmed(self, request: Request) -> Head:
        """The head, confirmed for this request. Raises DatabaseUnavailable."""
        return await self.follower.head() if request.key is None else self._last_head()

    async def page(self, request: Request) -> Page | None:
        """What is asked for, no older than the head last confirmed; None where there is nothing of that name."""
        found = self._found.get(request.path) or self._find(request.path)
        if found is None or isinstance(found.resource, Streamed):
            return None
        self._refuse_beyond_limit(request, found)
        page = await self._page(request, found)
        self._refuse_beyond_limit(request, found, page)
        return page

    def answered(self, request: Request, page: Page) -> Answer:
        """A page as it is sent: whole, or 304 where the sender has it."""
        return self._answer(request, page, 0)

    async def in_coding(
        self, key: tuple[Any, ...], coding: str, topics: Sequence[str], load: Callable[[], Awaitable[Page]]
    ) -> Page:
        """The page kept under a key, in a coding: compressed once, and kept beside the page itself."""
        if not coding:
            return await self.follower.kept(key, topics, load)

        async def compressed() -> Page:
            page = await self.follower.kept(key, topics, load)
            return await page.in_coding(coding)

        return await self.follower.kept((*key, coding), topics, compressed)

    def _find(self, path: str) -> _Found | None:
        for pattern, resource in self._patterns:
            if (match := pattern.fullmatch(path)) is not None:
                in_path = match.groupdict()
                if "relation" in in_path and not is_relation(in_path["relation"]):
                    return None
                if len(self._found) >= _MOST_PATHS:
                    self._found.clear()
                found = self._found[path] = _Found(resource, in_path)
                return found
        return None

    def _refuse_beyond_limit(self, request: Request, found: _Found, page: Page | None = None) -> None:
        """Raise Problem (403) where a limited key asks for what is beyond its limit, before any validator is compared.

        Called before anything is read; and with the page, for what says only there of which relation it is.
        """
        access, resource = request.access, found.resource
        if access is None or access.reads is None:
            return
        if isinstance(resource, Resource) and resource.says_relation:
            if page is not None and not (page.relation and access.may_read(page.relation)):
                raise limits.not_within(access)
            return
        if page is not None:
            return
        relation = found.path.get("relation")
        if relation is None:
            query = parameters.parse(resource.query, request.query)
            relation = query.of_relation
            if relation is None:
                limits.refuse_beyond(access, None, self._within(access, resource, request.path, query))
        limits.refuse_beyond(access, relation)

    def _within(self, access: Access, resource: Resource[Any] | Streamed, path: str, query: Query) -> Iterator[str]:
        """The addresses within the limit of a key that answer a question on the whole record."""
        for relation in access.reads or ():
            if "relation" in resource.query.model_fields:
                given = query.model_dump(mode="json", by_alias=True, exclude_unset=True)
                yield f"{path}?{urlencode({'relation': relation, **given})}"
            elif any(other.path == f"{resource.path}/{{relation}}" for _, other in self._patterns):
                yield f"{path}/{relation}"

    def _kept(self, request: Request) -> Page | None:
        return cast("Page | None", self.follower.cache.peek(request.kept_as))

    async def _page(self, request: Request, found: _Found) -> Page:
        if (kept := self._kept(request)) is not None:
            return kept
        read, resource = self._read(request, found), cast(Resource[Any], found.resource)
        topics = () if read.at_rest else resource.topics(read.path, read.query)
        drawing = self.drawings.get(resource.path) if read.media_type == resource.drawn else None
        if drawing is None:
            load = partial(self.follower.read_replica, resource.read, read)
        else:
            load = partial(self.follower.read_replica, resource.draw, read, drawing)
        try:
            return await self.in_coding(request.target, request.coding, topics, load)
        except Problem as problem:
            access = request.access
            if problem.name == "not-found" and resource.says_relation and access and access.reads is not None:
                raise limits.not_within(access) from None
            raise

    def _read(self, request: Request, found: _Found) -> Read[Any]:
        resource, head = cast(Resource[Any], found.resource), self._last_head()
        media_type = negotiated(request.accept, resource.media_types)
        query = parameters.parse(resource.query, request.query)
        histories = self.follower.histories
        return Read(found.path, query, media_type, head, self.clock(), request.path, histories, request.prefix)

    def _last_head(self) -> Head:
        head = self.follower.last_head
        assert head is not None  # it was confirmed for this request
        return head

    def _answer(self, request: Request, page: Page, waited: int) -> Answer:
        head, confirmed = self._last_head(), request.confirmed(page.etag)
        if page.ready is None or page.ready.head is not head:
            common = [(b"irritants-position", b"%d" % head.position), *self._pacing.hints]
            same = Answer(304, [*page.unchanged, *common], b"")
            page.ready = Ready(head, same, Answer(200, [*page.headers, *common], page.body))
        answer = page.ready.changed if confirmed is None else page.ready.unchanged
        if confirmed is not None and confirmed != page.etag:
            answer = answer.with_tag(confirmed)
        if waited:
            answer = answer.after_wait(waited)
        if request.key is not None:
            answer = answer.with_headers(self._pacing.spend(request.key, 1 if confirmed is None else 0))
        return answer

    async def _awaited(self, request: Request, found: _Found, seconds: int) -> Page:
        """The page once there is news for this sender, or as it is when time is up or the server goes down."""
        page = await self._page(request, found)
        if not _is_old(request, page):
            return page
        read, resource = self._read(request, found), cast(Resource[Any], found.resource)
        wakes = (resource.wakes or resource.topics)(read.path, read.query)
        until = asyncio.get_running_loop().time() + seconds
        awaited = Awaited(request.kept_as, lambda: self._page(request, found))
        with self.waiting(request, wakes, awaited) as waiter:
            # Looked at again, now that nothing can be missed.
            page = await self._page(request, found)
            while _is_old(request, page):
                if self.follower.draining or not await waiter.wait(until):
                    # Once more: what nobody was woken for may have moved, and be told as a further cursor.
                    return await self._page(request, found)
                await self.check_again(request)
                page = await self._page(request, found)
        return page

    @contextmanager
    def waiting(self, request: Request, topics: Sequence[str], awaited: Awaited | None = None) -> Iterator[Waiter]:
        """A place among those who wait, given up when the sender leaves. Raises Problem where there is none left."""
        try:
            with self.follower.waiter(topics, awaited) as waiter, request.leaving(waiter.wake):
                yield waiter
        except TooManyWaiters:
            raise Problem("too-many-waiters", "As many wait already as this process takes on.") from None

    async def check_again(self, request: Request) -> None:
        """After a wait: whether the sender is still there and may still read. Raises ClientDisconnect and Problem."""
        if request.is_gone:
            raise ClientDisconnect
        if request.key is not None:
            request.access = await authenticate(request.scope)
            request.access.require("read")
            if (found := self._find(request.path)) is not None:
                self._refuse_beyond_limit(request, found)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{(\w+)}", lambda name: f"(?P<{name[1]}>{_IN_PATH[name[1]]})", path))


def _is_old(request: Request, page: Page) -> bool:
    """Whether the sender would rather wait: it has this page, or the page says only that there is nothing more."""
    return not page.at_rest and (page.is_end or request.confirmed(page.etag) is not None)
