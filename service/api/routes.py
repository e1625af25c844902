"""The routes of the contract for what is read: made of the same table that the lane looks into."""

import inspect
import re
from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter
from fastapi import Request as RouteRequest
from starlette.responses import JSONResponse, Response, StreamingResponse

from service.api.answer import Answer, Headers, Request
from service.api.etags import JSON
from service.api.parameters import described
from service.api.problems import Problem
from service.api.reading import Reader, Streamed
from service.api.resource import Resource

_NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Nothing changed since the representation that `If-None-Match` names"}
}


def routes(resources: Sequence[Resource[Any] | Streamed], tag: str) -> APIRouter:
    """A router on which every one of them stands. What it is answered by is `Reader.answer`, as in the lane."""
    router = APIRouter(tags=[tag])
    for resource in resources:
        text = inspect.getdoc(resource.told_by) or ""
        plain = resource.media_types[0] != JSON
        router.add_api_route(
            resource.path,
            _answered,
            methods=["GET"],
            name=_name(resource.path),
            operation_id=_name(resource.path),
            summary=text.partition("\n")[0].rstrip("."),
            description=text,
            response_model=resource.shape,
            response_class=Response if plain else JSONResponse,
            response_description="As it stands",
            responses={200: {"content": _besides_json(resource.media_types)}, **_NOT_MODIFIED},
            openapi_extra={"parameters": described(resource.path, resource.query)},
        )
    return router


async def _answered(request: RouteRequest) -> Response:
    reader: Reader = request.app.state.reader
    answer = await reader.answer(Request(request.scope, request.receive))
    if answer is None:
        raise Problem("not-found", f"There is nothing under {request.url.path}.")
    if isinstance(answer, Answer):
        return Response(answer.body, answer.status, header_map(answer.headers))
    return StreamingResponse(answer.chunks, headers=header_map(answer.headers))


def header_map(headers: Headers) -> dict[str, str]:
    """Return headers as the framework takes them, each name once."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def _besides_json(media_types: Sequence[str]) -> dict[str, Any]:
    named = (media_type.partition(";")[0] for media_type in media_types)
    return {name: {"schema": {"type": "string"}} for name in named if name != JSON}


def _name(path: str) -> str:
    """`/v1/irritants/{relation}/{slug}/events` → `read_irritant_events`: what generated clients call it."""
    of_one = re.sub(r"s(/{\w+})+", "", path.removeprefix("/v1/"))
    return "read_" + "_".join(re.findall(r"\w+", of_one))
