"""How a page is made: confirm the head, read everything in one snapshot at it, render once.

A page depends on the head, the version of this room, the day, the prefix and the visitor. Its ETag covers all of them.
Only this module reads today's date.
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
from service.api.fixed import Fixed, fixed
from service.api.limits import refuse_beyond
from service.api.parameters import At, Q, Query, parse, written
from service.api.prefix import prefix_of
from service.api.resources import Names, Snapshot
from service.api.responder import Responder
from service.api.responses import Page, header_map
from service.follower import RECORD
from service.store.log import Head
from service.web import assets
from service.web.rendering import rendered

HTML: Final = "text/html; charset=utf-8"
_OF_A_PAGE: Final = {"Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "same-origin"}
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": responses.POLICY,
    "X-Content-Type-Options": "nosniff",
    **_OF_A_PAGE,
}

P = TypeVar("P", bound=Query)
T = TypeVar("T")


class Template(NamedTuple):
    """The name of a template, and the values for it."""

    name: str
    values: Mapping[str, Any]


class Redirect(Exception):
    """Raised by a page that has another address."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)


@dataclass(frozen=True)
class PageRequest(Generic[Q]):
    """One request for a page. `names` are the parts of its path."""

    path: str
    query: Q
    head: Head
    today: date
    visitor: Access
    prefix: str = ""
    names: Names = field(default_factory=dict)

    @property
    def point(self) -> dict[str, str]:
        """Return the parameters of the point that is read; empty for the present."""
        if not isinstance(self.query, At):
            return {}
        chosen = self.query.model_dump(mode="json", include=set(At.model_fields), exclude_none=True)
        return {name: str(value) for name, value in chosen.items()}

    def at_point(self, query: type[P], **given: object) -> P:
        """Return the parameters of a resource at the point of this page. Raises Problem."""
        return written(query, **given, **self.point)

    def link(self, path: str, **query: object) -> str:
        """Return the address of another page at the same point."""
        return address(path, **self.point, **query)

    def at_present(self, **query: object) -> str:
        """Return the address of this page at the present."""
        return address(self.path, **query)


Make = Callable[[PageRequest[Q], Snapshot], Template]
"""Makes a page from a request and the record as its visitor sees it. Raises Redirect and Problem."""


async def page_request(request: Request, query_type: type[Q]) -> PageRequest[Q]:
    """Return the request for a page at the confirmed head. Raises Problem, also for unknown parameters."""
    state, scope = request.app.state, request.scope
    query = parse(query_type, scope["query_string"])
    visitor: Access = scope["state"]["key"]
    if query.of_relation is not None:
        refuse_beyond(visitor, query.of_relation)
    head = await _responder(request).confirmed(negotiation.Request(scope, request.receive))
    today = state.clock().date()
    return PageRequest(request.url.path, query, head, today, visitor, prefix_of(scope), request.path_params)


async def read_snapshot(request: Request, visit: PageRequest[Any], load: Callable[[Snapshot], T]) -> T:
    """Return what `load` reads in one snapshot at the head, with the rights of the visitor. Raises Problem."""
    responder, is_past = _responder(request), bool(visit.point)
    return await responder.read(load, visit.head, visit.visitor, visit.path, visit.prefix, is_past=is_past)


async def page_response(request: Request, query_type: type[Q], make: Make[Q]) -> Response:
    """Return the page that `make` reads, or 304 if the visitor has it. Raises Problem."""
    visit = await page_request(request, query_type)
    responder, asked = _responder(request), negotiation.Request(request.scope, request.receive)
    kept_as = (*asked.target[:2], visit.today, visit.visitor, visit.prefix)

    async def drawn() -> Page:
        template = await read_snapshot(request, visit, lambda snapshot: make(visit, snapshot))
        return await asyncio.to_thread(_drawn, visit, template)

    try:
        page = await responder.in_coding(kept_as, asked.coding, (RECORD,), drawn)
    except Redirect as moved:
        return RedirectResponse(moved.address, 303)
    answer = responder.answered(asked, page)
    return Response(answer.body, answer.status, {**header_map(answer.headers), **_OF_A_PAGE})


async def static_response(request: Request, template: Template) -> Response:
    """Return a page that shows nothing of the record and needs no key. Raises Problem for parameters."""
    parse(NoQuery, request.scope["query_string"])
    headers = {"Cache-Control": "no-cache", **HEADERS}
    prefix = prefix_of(request.scope)
    return await fixed(request, lambda: Fixed(rendered(template.name, template.values, prefix), HTML, headers))


def _responder(request: Request) -> Responder:
    responder: Responder = request.app.state.responder
    return responder


def _drawn(visit: PageRequest[Any], template: Template) -> Page:
    html = rendered(template.name, {"visit": visit, **template.values}, visit.prefix)
    head = visit.head
    history = etags.history(head.record, head.position, head.chain_hash)
    return Page(html, head.position, history, _representation(visit), media_type=HTML)


def _representation(visit: PageRequest[Any]) -> int:
    """Return a number for everything that a page depends on beside the record. It is part of the ETag."""
    visitor = visit.visitor
    whose = f"{visitor.name} {visitor.scopes} {visitor.relations} {visitor.reads}"
    depends = f"{assets.VERSION} {visit.today} {whose} {visit.prefix}"
    return int.from_bytes(blake2b(depends.encode(), digest_size=6).digest())


def address(path: str, **query: object) -> str:
    """Return a path with parameters, without those that are None."""
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


class NoQuery(Query):
    """The query of a page without parameters."""
