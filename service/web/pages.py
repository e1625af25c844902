"""Answer a request for a page: confirm the head, read everything in one snapshot at that head, and render a template.

`page_response` does all of it. Each page module gives it a function that reads documents and returns a `Template`.
A page depends on the head, the version of this room, the day, the prefix and the visitor, so its ETag covers all of
these. Only this module reads today's date.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from service.api import etags, negotiation, responses
from service.api.auth import Access
from service.api.fixed import FixedDocument, fixed_response
from service.api.limits import refuse_unreadable
from service.api.parameters import AsOfQuery, Q, Query, parse, written
from service.api.prefix import prefix_of
from service.api.problems import Problem
from service.api.resources import PathParameters, Snapshot
from service.api.responder import PartWithheld, Responder
from service.api.responses import RenderedDocument, header_map
from service.domain.actor.names import ActorNames
from service.follower import RECORD
from service.follower.as_of import histories
from service.projections.words.documents import document_name
from service.store import events
from service.store.log import Head
from service.web import assets
from service.web.formatting import citations_in, use_document_names, use_names, using_names
from service.web.rendering import rendered

HTML: Final = "text/html; charset=utf-8"
_PAGE_HEADERS: Final = {"Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "same-origin"}
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": responses.POLICY,
    "X-Content-Type-Options": "nosniff",
    **_PAGE_HEADERS,
}

P = TypeVar("P", bound=Query)
T = TypeVar("T")


class Template(NamedTuple):
    """The name of a template, and the values for it."""

    name: str
    values: Mapping[str, Any]


class PastReading(NamedTuple):
    """What the page of a refusal says of the point that was asked: its sentence, and the same page at the present.

    `sentence` is empty for a point after which nothing was recorded.
    """

    sentence: str
    present: str


class Redirect(Exception):
    """Raised to answer with a redirect to another address."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)


@dataclass(frozen=True)
class PageRequest(Generic[Q]):
    """One request for a page, called `visit` in code and templates.

    `visitor` has the permissions of the key, and `rank` is that of their audience. `prefix` is the path that a proxy
    serves the pages below, or empty.
    """

    path: str
    query: Q
    head: Head
    today: date
    visitor: Access
    prefix: str = ""
    path_parameters: PathParameters = field(default_factory=dict)
    rank: int = 0

    @property
    def point(self) -> dict[str, str]:
        """Return the parameters of the point in time, such as `known_at`. Empty for the present."""
        if not isinstance(self.query, AsOfQuery):
            return {}
        chosen = self.query.model_dump(mode="json", include=set(AsOfQuery.model_fields), exclude_none=True)
        return {name: str(value) for name, value in chosen.items()}

    def at_point(self, query: type[P], **parameters: object) -> P:
        """Return the parameters for reading a resource at the point in time of this page. Raises Problem."""
        return written(query, **parameters, **self.point)

    def link(self, path: str, **query: object) -> str:
        """Return the address of another page at the same point in time."""
        return address(path, **self.point, **query)

    def present_link(self, **query: object) -> str:
        """Return the address of this page at the present, with these parameters."""
        return address(self.path, **query)

    @property
    def link_without_point(self) -> str:
        """Return the address of this page with all its parameters except the point in time."""
        point = {*AsOfQuery.model_fields, "position", "day", "known_on", "happened_by"}
        return self.present_link(**self.query.model_dump(mode="json", exclude=point, exclude_unset=True, by_alias=True))


MakePage = Callable[[PageRequest[Q], Snapshot], Template]
"""A function that reads the documents of a page from a snapshot, with the rights of the visitor.

It can raise Redirect and Problem.
"""


async def page_request(request: Request, query_type: type[Q]) -> PageRequest[Q]:
    """Return the request for a page at the confirmed head. Raises Problem, also for unknown parameters."""
    state, scope = request.app.state, request.scope
    query = parse(query_type, scope["query_string"])
    visitor: Access = scope["state"]["key"]
    if query.of_relation is not None:
        refuse_unreadable(visitor, query.of_relation)
    whole: Responder = state.responder
    responder, head = await whole.for_reader(negotiation.Request(scope, request.receive))
    scope["state"]["responder"] = responder
    today, rank = state.clock().date(), responder.rank_at(head)
    return PageRequest(request.url.path, query, head, today, visitor, prefix_of(scope), request.path_params, rank)


async def read_snapshot(request: Request, visit: PageRequest[Any], load: Callable[[Snapshot], T]) -> T:
    """Return what `load` reads in one snapshot at the head, with the rights of the visitor. Raises Problem.

    The rest of the request uses the names of actors that were known at the point of the page.
    """
    responder, is_past = _responder(request), bool(visit.point)

    def load_with_names(snapshot: Snapshot) -> tuple[ActorNames, T]:
        point = snapshot.point(visit.query)
        names = snapshot.names_at(visit.head.position if point is None else point.position)
        with using_names(names):
            return names, load(snapshot)

    try:
        names, result = await responder.read(
            load_with_names, visit.head, visit.visitor, visit.path, visit.prefix, is_past=is_past
        )
    except PartWithheld:
        # An event above the visitor's clearance was recorded meanwhile.
        audience, head = await responder.for_reader(negotiation.Request(request.scope, request.receive))
        names, result = await audience.read(
            load_with_names, head, visit.visitor, visit.path, visit.prefix, is_past=is_past
        )
    use_names(names)
    return result


async def page_response(request: Request, query_type: type[Q], make: MakePage[Q]) -> Response:
    """Return the page that `make` reads, from the cache if possible, or 304 if the browser has it. Raises Problem."""
    visit = await page_request(request, query_type)
    responder, asked = _responder(request), negotiation.Request(request.scope, request.receive)
    cache_key = (*asked.target[:2], visit.today, visit.visitor, visit.prefix)

    def reading_in_words(snapshot: Snapshot) -> str:
        relation = visit.path_parameters.get("relation") or visit.query.of_relation
        return snapshot.reading_in_words(visit.query, relation)

    def load(snapshot: Snapshot) -> tuple[Template, str, Mapping[str, str]]:
        template = make(visit, snapshot)
        return template, reading_in_words(snapshot), _document_names(visit, snapshot, template)

    async def render() -> RenderedDocument:
        template, reading, documents = await read_snapshot(request, visit, load)
        use_document_names(documents)
        return await asyncio.to_thread(_render, visit, template, reading)

    try:
        page = await responder.in_coding(cache_key, asked.coding, (RECORD,), render)
    except Redirect as redirect:
        return RedirectResponse(redirect.address, 303)
    except Problem as problem:
        if visit.point and problem.name == "not-found":
            reading = await read_snapshot(request, visit, reading_in_words)
            request.scope["state"]["past"] = PastReading(reading, visit.link_without_point)
        raise
    response = responder.response_for(asked, page)
    return Response(response.body, response.status, {**header_map(response.headers), **_PAGE_HEADERS})


def _document_names(visit: PageRequest[Any], snapshot: Snapshot, template: Template) -> Mapping[str, str]:
    """Return the names of the documents and origins that a page cites, as they were known at its point in time."""
    cited = set(citations_in(template.values))
    if not cited:
        return {}
    registered = events.origin_streams(snapshot.c, {origin for _, origin in cited})
    streams = {*(f"source/{document}" for document, _ in cited), *registered.values()}
    point = snapshot.point(visit.query)
    known = histories(snapshot.c, streams, visit.head.position if point is None else point.position)
    names = {stream.partition("/")[2]: document_name(history.state) for stream, history in known.items()}
    speakers = {
        f"origin/{slug}": origin.speaker for history in known.values() for slug, origin in history.state.origins.items()
    }
    return names | speakers


async def static_response(request: Request, template: Template) -> Response:
    """Return a page that shows nothing of the record and needs no key. Raises Problem if the address has parameters."""
    parse(NoQuery, request.scope["query_string"])
    headers = {"Cache-Control": "no-cache", **HEADERS}
    prefix = prefix_of(request.scope)
    return await fixed_response(
        request, lambda: FixedDocument(rendered(template.name, template.values, prefix), HTML, headers)
    )


def _responder(request: Request) -> Responder:
    responder: Responder = request.scope["state"]["responder"]  # set by `page_request`
    return responder


def _render(visit: PageRequest[Any], template: Template, reading: str) -> RenderedDocument:
    html = rendered(template.name, {"visit": visit, "reading": reading, **template.values}, visit.prefix)
    head = visit.head
    history = etags.history(head, head.position, head.chain_hash, visit.rank)
    return RenderedDocument(html, head.position, history, _representation(visit), media_type=HTML)


def _representation(visit: PageRequest[Any]) -> int:
    """Return a hash of everything that a page depends on, except the record. It is part of the ETag."""
    visitor = visit.visitor
    rights = f"{visitor.name} {visitor.scopes} {visitor.relations} {visitor.reads}"
    dependencies = f"{assets.VERSION} {visit.today} {rights} {visit.prefix}"
    return int.from_bytes(blake2b(dependencies.encode(), digest_size=6).digest())


def address(path: str, **query: object) -> str:
    """Return a path with query parameters. Leave out parameters that are None."""
    parameters = {name: as_text(value) for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(parameters)}" if parameters else path


def as_text(value: object) -> str:
    """Return the value of a parameter as it is in an address."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class NoQuery(Query):
    """The query of a page without parameters."""
