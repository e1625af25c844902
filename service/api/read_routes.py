"""Make the routes for reading, one from each row of `resources/table.py`.

FastAPI finds the route of a path and describes it in the OpenAPI document. The route makes the response itself, without
the dependencies and response objects of FastAPI, which cost more time than sending a cached response.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import limits
from service.api.etags import JSON
from service.api.negotiation import Request
from service.api.parameters import described
from service.api.problems import Problem
from service.api.resources import PathParameters, address_meant, have_valid_form, try_address
from service.api.responder import Responder, Row
from service.api.responses import CompleteResponse, StreamedResponse

_MAX_PATHS: Final = 10_000
_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Not changed since the representation that `If-None-Match` names"}
}


class ReadRoute(APIRoute):
    """The route of one row of the table."""

    def __init__(self, row: Row, tag: str, responder: Responder) -> None:
        text = row.text or ""  # the first line is the summary
        super().__init__(
            row.path,
            _endpoint,
            methods=["GET"],
            tags=[tag],
            name=_operation_name(row.path),
            operation_id=_operation_name(row.path),
            summary=text.partition("\n")[0].rstrip("."),
            description=text,
            response_model=row.shape,
            response_class=JSONResponse if row.media_types[0] == JSON else Response,
            response_description="The document",
            responses={200: {"content": _other_media_types(row.media_types)}, **_NOT_MODIFIED},
            openapi_extra={"parameters": described(row.path, row.query)},
        )
        self.row, self._responder = row, responder

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await super().handle(scope, receive, send)
            return
        names: PathParameters = scope["path_params"]
        if not have_valid_form(names):
            self._refuse_names(scope, names)
        scope["state"]["found"] = self, names  # for `Shortcut`
        await self.answer(scope, receive, send, names)

    async def answer(self, scope: Scope, receive: Receive, send: Send, names: PathParameters) -> None:
        """Respond to a GET. `names` are the path parameters. Raises Problem and DatabaseUnavailable."""
        request = Request(scope, receive)
        answer = await self._responder.respond(request, self.row, names)
        if isinstance(answer, StreamedResponse):
            await _stream(request, answer, send)
            return
        body = b"" if request.is_head else answer.body
        if request.exchange is not None and request.exchange.answer(answer.status_and_headers, body):
            scope["state"]["answered"] = answer.status
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": body})

    def _refuse_names(self, scope: Scope, names: PathParameters) -> NoReturn:
        """Raise Problem for invalid path parameters. A 404 reveals nothing, because no document has an invalid name."""
        if (relation := names.get("relation")) is not None:
            limits.refuse_unreadable(scope["state"]["key"], relation)
        meant = address_meant(scope["path"])
        remedy = try_address(meant) if meant else "Check the address."
        raise Problem("not-found", f"Nothing is on record under {scope['path']}. {remedy}")


class Shortcut:
    """A layer that remembers the route of each path, and calls it directly the next time.

    The router and the middleware of FastAPI would add 50 µs to a 304, which takes 40 µs here. The layer also handles
    HEAD for every route: as a GET whose body is not sent.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._found: dict[str, tuple[ReadRoute, PathParameters]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await self._as_get(scope, receive, send)
            return
        found = self._found.get(scope["path"]) if scope["method"] == "GET" else None
        if found is not None:
            scope["route"] = route = found[0]
            await route.answer(scope, receive, send, found[1])
            return
        await self._app(scope, receive, send)
        if (found := scope["state"].get("found")) is not None:
            if len(self._found) >= _MAX_PATHS:
                self._found.clear()
            self._found[scope["path"]] = found

    async def _as_get(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a HEAD as to a GET, without the body."""

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        scope["state"]["is_head"] = True
        as_get = {**scope, "method": "GET"}
        try:
            await self(as_get, receive, without_body)
        finally:
            scope["route"] = as_get.get("route")  # for the metrics


async def _endpoint() -> None:
    """The endpoint that FastAPI requires of a route. It is never called: `ReadRoute.handle` responds."""


async def _stream(request: Request, stream: StreamedResponse, send: Send) -> None:
    first = await anext(stream.chunks)  # before the status is sent, so that an error still gets its own status
    if request.exchange is not None and request.scope["http_version"] == "1.0":
        request.scope["state"]["answered"] = 200
        await request.exchange.stream(
            CompleteResponse(200, stream.headers, b"").status_and_headers, first, stream.chunks
        )
        return
    await send({"type": "http.response.start", "status": 200, "headers": stream.headers})
    chunk: bytes | None = first
    while chunk is not None:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        chunk = await anext(stream.chunks, None)
    await send({"type": "http.response.body", "body": b""})


def _other_media_types(media_types: Sequence[str]) -> dict[str, Any]:
    named = (media_type.partition(";")[0] for media_type in media_types)
    return {name: {"schema": {"type": "string"}} for name in named if name != JSON}


def _operation_name(path: str) -> str:
    """Return the name of the operation in generated clients.

    `/v1/irritants/{relation}/{slug}/events` gives `read_irritant_events`.
    """
    of_one = re.sub(r"s(/{\w+})+", "", path.removeprefix("/v1/"))
    return "read_" + "_".join(re.findall(r"\w+", of_one))
