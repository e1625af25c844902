"""How a page comes about: the head is confirmed once, the documents are those of the interface, and it is drawn once.

A page shows where the record ends, so it is as old as the head, and its tag is the head's position with the version of
this room, the day and the visitor. Today's date is known here and nowhere below.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from service.api import answer
from service.api.answer import Page
from service.api.auth import Access
from service.api.fixed import Fixed, fixed
from service.api.limits import refuse_beyond
from service.api.parameters import At, Q, Query, parse
from service.api.prefix import prefix_of
from service.api.problems import Problem
from service.api.reading import Reader
from service.api.routes import header_map
from service.follower import RECORD
from service.store.log import Head
from service.web import assets
from service.web.rendering import rendered

HTML: Final = "text/html; charset=utf-8"
_OF_A_PAGE: Final = {"Cross-Origin-Opener-Policy": "same-origin", "Referrer-Policy": "same-origin"}
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": answer.POLICY,
    "X-Content-Type-Options": "nosniff",
    **_OF_A_PAGE,
}

Shape = TypeVar("Shape", bound=BaseModel)


class Sheet(NamedTuple):
    """What a page is drawn from: a template and what it is told."""

    template: str
    told: Mapping[str, Any]


class Moved(Exception):
    """The page has another address."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)


@dataclass(frozen=True)
class Visit(Generic[Q]):
    """One request for a page."""

    path: str
    query: Q
    head: Head
    today: date
    visitor: Access
    reader: Reader
    prefix: str = ""

    @property
    def point(self) -> dict[str, str]:
        """The parameters that say at which point of the record this is read; empty at the present one."""
        if not isinstance(self.query, At):
            return {}
        chosen = self.query.model_dump(mode="json", include=set(At.model_fields), exclude_none=True)
        return {name: str(value) for name, value in chosen.items()}

    async def document(self, path: str, shape: type[Shape], **query: object) -> Shape:
        """A document of the interface at the head that was confirmed. Raises Problem where there is none."""
        try:
            page = await self.reader.page(_inner(path, query, self.visitor))
        except Problem as problem:
            raise self._not_found() if problem.name == "not-found" else problem from None
        if page is None:
            raise self._not_found()
        return shape.model_validate_json(page.body)

    def _not_found(self) -> Problem:
        """Told of the page's own address: the visitor asked for no other."""
        when = "was on record at this point" if self.point else "is on record"
        return Problem("not-found", f"Nothing {when} under {self.path}.")

    async def at_point(self, path: str, shape: type[Shape], **query: object) -> Shape:
        """A document as it was at this visit's point."""
        return await self.document(path, shape, **{**query, **self.point})

    def link(self, path: str, **query: object) -> str:
        """The address of another page at the same point."""
        return address(path, **self.point, **query)

    def at_present(self, **query: object) -> str:
        """The address of this page at the present point."""
        return address(self.path, **query)


Make = Callable[[Visit[Q]], Awaitable[Sheet]]


async def begun(request: Request, query_type: type[Q]) -> Visit[Q]:
    """A visit at the head, confirmed for it. Raises Problem for parameters that the page does not take."""
    state, scope = request.app.state, request.scope
    reader: Reader = state.reader
    query = parse(query_type, scope["query_string"])
    visitor: Access = scope["state"]["key"]
    if query.of_relation is not None:
        refuse_beyond(visitor, query.of_relation)
    head = await reader.confirmed(answer.Request(scope, request.receive))
    return Visit(request.url.path, query, head, state.clock().date(), visitor, reader, prefix_of(scope))


async def shown(request: Request, query_type: type[Q], make: Make[Q]) -> Response:
    """The page that `make` finds the documents of; 304 where the visitor has it as it is. Raises Problem."""
    visit = await begun(request, query_type)
    reader, asked = visit.reader, answer.Request(request.scope, request.receive)
    kept_as = (*asked.target[:2], visit.today, visit.visitor, visit.prefix)
    try:
        page = await reader.in_coding(kept_as, asked.coding, (RECORD,), lambda: _drawn(visit, make))
    except Moved as moved:
        return RedirectResponse(moved.address, 303)
    told = reader.answered(asked, page)
    return Response(told.body, told.status, {**header_map(told.headers), **_OF_A_PAGE})


async def still(request: Request, sheet: Sheet) -> Response:
    """A page that has nothing of the record on it, so that strangers may see it too. Raises Problem for parameters."""
    parse(NoQuery, request.scope["query_string"])
    headers = {"Cache-Control": "no-cache", **HEADERS}
    prefix = prefix_of(request.scope)
    return await fixed(request, lambda: Fixed(rendered(sheet.template, sheet.told, prefix), HTML, headers))


async def _drawn(visit: Visit[Q], make: Make[Q]) -> Page:
    sheet = await make(visit)
    html = await asyncio.to_thread(rendered, sheet.template, {"visit": visit, **sheet.told}, visit.prefix)
    return Page(html, visit.head.position, _representation(visit), media_type=HTML)


def _representation(visit: Visit[Any]) -> int:
    """What else than the record a page depends on, as the number that its tag has for that."""
    visitor = visit.visitor
    whose = f"{visitor.name} {visitor.scopes} {visitor.relations} {visitor.reads}"
    depends = f"{assets.VERSION} {visit.today} {whose} {visit.prefix}"
    return int.from_bytes(blake2b(depends.encode(), digest_size=6).digest())


def address(path: str, **query: object) -> str:
    """A path with parameters; those that are None are left out."""
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _inner(path: str, query: Mapping[str, object], visitor: Access) -> answer.Request:
    """A request in the name of the visitor, so that a page never shows more than its visitor may read."""
    raw = urlencode({name: value for name, value in query.items() if value is not None}).encode()
    scope = {"method": "GET", "path": path, "query_string": raw, "headers": [], "state": {"key": visitor}}
    return answer.Request(scope, _nothing)


async def _nothing() -> Any:
    raise AssertionError("a document is asked for by a page, not by a sender")


class NoQuery(Query):
    """A page that takes no parameters."""
