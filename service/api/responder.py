"""Make the responses to reads: from the cache or from a query, as 200 or 304, at once or after a wait (long poll).

Each request first reads the head, so that its response includes every report that was acknowledged before it. A cached
document that no event has changed up to that head is current. So an unchanged document is never stale, and needs no
query of its own and no rendering.
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

from service.api import audit, limits, parameters
from service.api.auth import Access, authenticate
from service.api.etags import JSON
from service.api.negotiation import Request, negotiated
from service.api.parameters import AsOfQuery, Query
from service.api.problems import Problem, problem_of
from service.api.rate_limit import RateLimit
from service.api.resources import Body, FoundDocument, PathParameters, Presentation, Resource, Snapshot
from service.api.responses import CompleteResponse, ReadyResponses, RenderedDocument, StreamedResponse
from service.domain.handling import HIGHEST_RANK
from service.follower import Awaited, Follower, TooManyWaiters, Waiter
from service.follower.replicas import Replicas
from service.projections.formats import WORD
from service.store.log import Head, read_head

T = TypeVar("T")


@dataclass(frozen=True)
class StreamedResource:
    """A row of `resources/table.py` whose response is a stream of server-sent events.

    The docstring of `begin` is its text in the OpenAPI document.
    """

    path: str
    query: type[Query]
    begin: Callable[["Responder", Request, Head], StreamedResponse | CompleteResponse]
    media_types: tuple[str, ...]
    shape: None = None

    @property
    def text(self) -> str | None:
        return inspect.getdoc(self.begin)

    def refuse_unreadable(
        self, reader: Access, names: PathParameters, query: Callable[[], Query], address: str
    ) -> None:
        """Raise Problem (403) as `Resource.refuse_unreadable` does."""
        limits.refuse_address(reader, names, query, address)


Row = Resource[Any, Any] | StreamedResource


class PartWithheld(Exception):
    """A part of the record is above the clearance of the reader, who must be answered by another responder."""


@dataclass
class Responder:
    """Makes the responses to reads of the whole record, or of the record as one audience sees it.

    `rank`: the rank of the audience, None for the whole record. `of_audience` returns the responder for the audience
    with a clearance; only the one for the whole record has it.

    `page_renderers`: for some resources, by path, other renderers than those in `Resource.bodies`, by media type. `web`
    adds them, so that a resource that has HTML looks like the other pages.
    """

    follower: Follower
    clock: Callable[[], datetime]
    rate_limit: RateLimit
    page_renderers: dict[str, Mapping[str, Body[Any]]] = field(default_factory=dict)
    rank: int | None = None
    of_audience: Callable[[int], Awaitable["Responder"]] | None = None

    async def for_reader(self, request: Request) -> tuple["Responder", Head]:
        """Return the responder for what the reader may see, and the head after all appends before this request.

        If no event is above the reader's clearance, this is the responder for the whole record. Raises
        DatabaseUnavailable.
        """
        clearance, known = request.access.clearance, self.follower.last_head
        # `highest` never becomes lower, so an older head can show that a part is withheld, but not that none is.
        if known is None or known.highest <= clearance:
            head = await self.current_head(request)
            if head.highest <= clearance:
                audit.note(request.scope, self.rank_at(head))
                return self, head
        assert self.of_audience is not None
        audience = await self.of_audience(clearance)
        audit.note(request.scope, clearance)
        return audience, await audience.follower.head()

    async def respond(self, request: Request, row: Row, names: PathParameters) -> CompleteResponse | StreamedResponse:
        """Return the response to a read. Raises Problem and DatabaseUnavailable."""
        if request.access.reads is not None:
            self._refuse_unreadable(request, row, names)
        responder, head = await self.for_reader(request)
        try:
            return await responder.respond_at(request, row, names, head)
        except PartWithheld:
            # An event above the reader's clearance was recorded meanwhile.
            responder, head = await self.for_reader(request)
            return await responder.respond_at(request, row, names, head)

    async def respond_at(
        self, request: Request, row: Row, names: PathParameters, head: Head
    ) -> CompleteResponse | StreamedResponse:
        """Return the response to a read at a head. Raises as `respond`, and PartWithheld."""
        if isinstance(row, StreamedResource):
            return row.begin(self, request, head)
        seconds = request.wait
        found = None if seconds else self._cached(request)
        if found is None or found.highest > request.access.clearance:
            load = self._wait_for_change(request, row, names, seconds) if seconds else self._load(request, row, names)
            found = await load
        if request.access.reads is not None:
            row.refuse_found(request.access, found.relation)
        return self.response_for(request, found, seconds)

    async def current_head(self, request: Request) -> Head:
        """Return the head after all appends that were acknowledged before this request. Raises DatabaseUnavailable."""
        # If a key was sent, authentication has read the head of the whole record for this request already.
        return self._head() if request.key is not None and self.rank is None else await self.follower.head()

    def rank_at(self, head: Head) -> int:
        """Return the rank of the audience: for the whole record that of its most restricted event."""
        return head.highest if self.rank is None else self.rank

    async def read(
        self, load: Callable[[Snapshot], T], head: Head, reader: Access, address: str, prefix: str, *, is_past: bool
    ) -> T:
        """Return the result of `load`, which reads all that a web page shows, in one transaction. Raises Problem."""

        def loaded(replicas: Replicas) -> T:
            def at_head(c: Any) -> T:
                present = read_head(c)
                if self.rank is None and present.highest > reader.clearance:
                    raise PartWithheld
                is_current = present.position == head.position
                caches, rank = (self.follower.histories, self.follower.vocabulary), self.rank_at(head)
                return load(
                    Snapshot(c, head, self.clock(), *caches, reader, address, prefix, is_past, is_current, rank)
                )

            return replicas.read(head, at_head, needs_one_transaction=True)

        return await self.follower.read_replica(loaded)

    async def in_coding(
        self, key: tuple[Any, ...], coding: str, topics: Sequence[str], load: Callable[[], Awaitable[RenderedDocument]]
    ) -> RenderedDocument:
        """Return the cached document of a key in a content coding. Load it, or compress it once, if it is not cached.

        `topics` are those whose change removes it from the cache.
        """
        if not coding:
            return await self.follower.cached(key, topics, load)

        async def compressed() -> RenderedDocument:
            rendered = await self.follower.cached(key, topics, load)
            return await rendered.in_coding(coding)

        return await self.follower.cached((*key, coding), topics, compressed)

    def response_for(self, request: Request, rendered: RenderedDocument, waited: int = 0) -> CompleteResponse:
        """Return the response: 200, or 304 if the client has the document. `waited`: the seconds of `Prefer: wait`."""
        head, matching = self._head(), request.matching_tag(rendered.etag)
        audit.note(request.scope, self.rank_at(head))  # again, because the first one can arrive during a long poll
        if rendered.ready is None or rendered.ready.head is not head:
            common = [(b"irritants-position", b"%d" % head.position), *self.rate_limit.poll_headers]
            unchanged = CompleteResponse(304, [*rendered.unchanged_headers, *common], b"")
            changed = CompleteResponse(200, [*rendered.headers, *common], rendered.body)
            rendered.ready = ReadyResponses(head, unchanged, changed)
        answer = rendered.ready.changed if matching is None else rendered.ready.unchanged
        if matching is not None and matching != rendered.etag:
            answer = answer.with_tag(matching)  # a proxy had changed the tag that the client sent
        if waited:
            answer = answer.after_wait(waited)
        if request.key is not None:
            answer = answer.with_headers(self.rate_limit.spend(request.key, 1 if matching is None else 0))
        return answer

    @contextmanager
    def waiting(self, request: Request, topics: Sequence[str], awaited: Awaited | None = None) -> Iterator[Waiter]:
        """Yield a waiter for events of these topics. It wakes if the client disconnects.

        Raises Problem (503) if too many requests wait.
        """
        try:
            with self.follower.waiter(topics, awaited) as waiter, request.watching_disconnect(waiter.wake):
                yield waiter
        except TooManyWaiters as error:
            raise problem_of(error) from None

    async def check_again(self, request: Request, row: Row, names: PathParameters) -> None:
        """Check after a wait that the client is connected and may still read. Raises ClientDisconnect and Problem."""
        if request.is_disconnected:
            raise ClientDisconnect
        if request.key is not None:
            request.access = await authenticate(request.scope)
            request.access.require("read")
            self._refuse_unreadable(request, row, names)

    def _refuse_unreadable(self, request: Request, row: Row, names: PathParameters) -> None:
        row.refuse_unreadable(request.access, names, lambda: parameters.parse(row.query, request.query), request.path)

    def _head(self) -> Head:
        head = self.follower.last_head
        assert head is not None  # it was read for this request
        return head

    def _cached(self, request: Request) -> RenderedDocument | None:
        return cast("RenderedDocument | None", self.follower.cache.peek(request.cache_key))

    async def _load(self, request: Request, resource: Resource[Any, Any], names: PathParameters) -> RenderedDocument:
        """Return the document, from the cache or from a query. Raises Problem and PartWithheld."""
        clearance = request.access.clearance
        if self.rank is None and self._head().highest > clearance:
            raise PartWithheld
        if (cached := self._cached(request)) is not None and cached.highest <= clearance:
            return cached
        media_type = negotiated(request.accept, resource.media_types)
        query, head, now = parameters.parse(resource.query, request.query), self._head(), self.clock()
        is_past = isinstance(query, AsOfQuery) and query.is_past
        # At the end of the record, formats for people do not say yet that they are not the current state.
        is_at_end = media_type != JSON and is_past and query.as_of_position == head.position
        is_final, reader = query.is_final(head) and not is_at_end, request.access
        has_labels, rank = bool(head.highest or head.relabelled), self.rank_at(head)
        of_page = self.page_renderers.get(resource.path, {})
        render = of_page.get(media_type) or resource.bodies[media_type]

        def load(replicas: Replicas) -> RenderedDocument:
            def find(c: Any) -> tuple[FoundDocument[Any], Presentation, int, str, int]:
                caches = self.follower.histories, self.follower.vocabulary
                snapshot = Snapshot(c, head, now, *caches, reader, request.path, request.prefix, is_past, rank=rank)
                found = resource.find(snapshot, names, query)
                # Clients that read JSON know what they asked for. Other formats are handed on to people.
                about = names.get("relation") or query.of_relation
                shown = Presentation(
                    request.prefix,
                    "" if media_type == JSON else snapshot.reading_in_words(query, about),
                    snapshot.recorded_at(found.position) if media_type == WORD else None,
                )
                position = max(found.position, *snapshot.used, 0)
                # Read after the document, so that no event in it has a higher rank. The views of an audience have none.
                needs_check = self.rank is None and clearance < HIGHEST_RANK
                highest = read_head(c).highest if needs_check else head.highest
                return found, shown, position, snapshot.history_tag(position), highest if self.rank is None else 0

            # A final response shows an earlier position, so a replica that is ahead gives the same.
            found, shown, position, history, highest = replicas.read(
                head, find, needs_one_transaction=resource.needs_one_transaction, is_past=is_final
            )
            return RenderedDocument(
                render(found.document, shown),
                position,
                history,
                _representation(found.representation, shown, media_type),
                media_type=media_type,
                # A label can be changed later, which also changes what an audience sees of the past.
                is_final=(is_final if found.is_final is None else found.is_final) and not has_labels,
                is_end=found.is_end,
                link=found.link,
                relation=found.relation,
                highest=highest,
            )

        topics = () if is_final else resource.topics(names, query)
        # All readers share the cached document, so its content must not depend on the reader.
        try:
            document = await self.in_coding(
                request.target, request.coding, topics, lambda: self.follower.read_replica(load)
            )
        except Problem as problem:
            raise resource.refusal_to_send(reader, problem) from None
        if document.highest > clearance:
            raise PartWithheld
        return document

    async def _wait_for_change(
        self, request: Request, resource: Resource[Any, Any], names: PathParameters, seconds: int
    ) -> RenderedDocument:
        """Return the document as soon as it changes, or unchanged at the end of the wait or at shutdown."""
        read = partial(self._load, request, resource, names)
        found = await read()
        if not _is_unchanged(request, found):
            return found
        wakes = (resource.wakes or resource.topics)(names, parameters.parse(resource.query, request.query))
        until = asyncio.get_running_loop().time() + seconds
        # All requests that wait for this document share one read. It runs before they are woken.
        with self.waiting(request, wakes, Awaited(request.cache_key, read)) as waiter:
            # Read again, because an event between the first read and the registration of the waiter would be missed.
            found = await read()
            while _is_unchanged(request, found):
                if self.follower.draining or not await waiter.wait(until):
                    # Read again, because other events move the cursor of a feed without waking its waiters.
                    return await read()
                await self.check_again(request, resource, names)
                found = await read()
        return found


def _is_unchanged(request: Request, rendered: RenderedDocument) -> bool:
    """Return whether to wait: the client has this document, or it is the empty end of a feed."""
    return not rendered.is_final and (rendered.is_end or request.matching_tag(rendered.etag) is not None)


def _representation(representation: int, shown: Presentation, media_type: str) -> int:
    """Return the representation number for the ETag.

    All formats but JSON contain links below the prefix, and the sentence on a reading of the past. A reading at the end
    of the record gets this sentence with the next event, although the document stays the same.
    """
    if media_type == JSON or not (shown.prefix or shown.reading):
        return representation
    seen = f"{representation} {shown.prefix} {shown.reading}"
    return int.from_bytes(blake2b(seen.encode(), digest_size=6).digest())
