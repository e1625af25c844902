"""How a page comes about: the head is confirmed, everything is read in one snapshot at it, and the page is drawn once.

A page shows where the record ends, so it is as old as the head, and its tag is the head's position with the version of
this room, the day and the visitor. Today's date is known here and nowhere below.
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
    """The template that a page is drawn from, by its name, and the values for it."""

    name: str
    values: Mapping[str, Any]


class Redirect(Exception):
    """The page has another address."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)


@dataclass(frozen=True)
class PageRequest(Generic[Q]):
    """One request for a page. `names` are those in its path."""

    path: str
    query: Q
    head: Head
    today: date
    visitor: Access
    prefix: str = ""
    names: Names = field(default_factory=dict)

    @property
    def point(self) -> dict[str, str]:
        """The parameters that say at which point of the record this is read; empty at the present one."""
        if not isinstance(self.query, At):
            return {}
        chosen = self.query.model_dump(mode="json", include=set(At.model_fields), exclude_none=True)
        return {name: str(value) for name, value in chosen.items()}

    def at_point(self, query: type[P], **given: object) -> P:
        """Return parameters of a resource, at the point that is asked for."""
        return written(query, **given, **self.point)

    def link(self, path: str, **query: object) -> str:
        """The address of another page at the same point."""
        return address(path, **self.point, **query)

    def at_present(self, **query: object) -> str:
        """The address of this page at the present point."""
        return address(self.path, **query)


Make = Callable[[PageRequest[Q], Snapshot], Template]
"""From a request, and the record as its visitor sees it, to a page. Raises Redirect and Problem."""


async def page_request(request: Request, query_type: type[Q]) -> PageRequest[Q]:
    """Return the request for a page, at the head that was confirmed for it. Raises Problem for unknown parameters."""
    state, scope = request.app.state, request.scope
    query = parse(query_type, scope["query_string"])
    visitor: Access = scope["state"]["key"]
    if query.of_relation is not None:
        refuse_beyond(visitor, query.of_relation)
    head = await _responder(request).confirmed(negotiation.Request(scope, request.receive))
    today = state.clock().date()
    return PageRequest(request.url.path, query, head, today, visitor, prefix_of(scope), request.path_params)


async def read_snapshot(request: Request, visit: PageRequest[Any], load: Callable[[Snapshot], T]) -> T:
    """Return what `load` reads of the record as this visitor sees it, in one snapshot at the head. Raises Problem."""
    responder, is_past = _responder(request), bool(visit.point)
    return await responder.read(load, visit.head, visit.visitor, visit.path, visit.prefix, is_past=is_past)


async def page_response(request: Request, query_type: type[Q], make: Make[Q]) -> Response:
    """The page that `make` reads; 304 where the visitor has it as it is. Raises Problem."""
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
    """A page that has nothing of the record on it, so that strangers may see it too. Raises Problem for parameters."""
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
    """What else than the record a page depends on, as the number that its tag has for that."""
    visitor = visit.visitor
    whose = f"{visitor.name} {visitor.scopes} {visitor.relations} {visitor.reads}"
    depends = f"{assets.VERSION} {visit.today} {whose} {visit.prefix}"
    return int.from_bytes(blake2b(depends.encode(), digest_size=6).digest())


def address(path: str, **query: object) -> str:
    """A path with parameters; those that are None are left out."""
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


class NoQuery(Query):
    """A page that takes no parameters."""
