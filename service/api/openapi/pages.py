"""The contract, for machines and for people."""

from html import escape
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from service.api.etags import JSON
from service.api.fixed import Fixed, fixed
from service.api.operations import no_parameters
from service.api.prefix import prefix_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(no_parameters)])

_REVALIDATE: Final = {"Cache-Control": "no-cache"}
_HEADERS: Final = {**_REVALIDATE, "Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}


@router.get("/openapi.json")
async def contract(request: Request) -> Response:
    """The contract for machines (OpenAPI 3.1)."""
    app, prefix = request.app, prefix_of(request.scope)
    return await fixed(request, lambda: _contract(app.openapi(), prefix))


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The contract for people. Made here, because the usual viewers fetch themselves from another host."""
    app, prefix = request.app, prefix_of(request.scope)
    return await fixed(request, lambda: _docs(app.openapi(), prefix))


def _contract(contract: dict[str, Any], prefix: str) -> Fixed:
    if prefix:
        contract = {**contract, "servers": [{**server, "url": prefix} for server in contract["servers"]]}
    return Fixed(bytes(JSONResponse(contract).body), JSON, _REVALIDATE)


def _docs(contract: dict[str, Any], prefix: str) -> Fixed:
    told = [
        _operation(path, method, said, contract["components"]["responses"])
        for path, methods in contract["paths"].items()
        for method, said in methods.items()
    ]
    way = f'<p>For machines: <a href="{prefix}/openapi.json">openapi.json</a></p>'
    return _page("The interface", f"{way}{''.join(told)}")


def _operation(path: str, method: str, said: dict[str, Any], refusals: dict[str, Any]) -> str:
    parameters = "".join(
        f"<li><code>{escape(p['name'])}</code> ({p['in']}): {escape(p.get('description', ''))}</li>"
        for p in said.get("parameters", ())
    )
    told = ((status, refusals.get(a.get("$ref", "").rpartition("/")[2], a)) for status, a in said["responses"].items())
    answers = "".join(f"<li>{status}: {escape(answer['description'])}</li>" for status, answer in told)
    return (
        f'<section id="{said["operationId"]}"><h2>{method.upper()} <code>{escape(path)}</code></h2>'
        f"<p>{escape(said.get('description', ''))}</p><ul>{parameters}</ul><ul>{answers}</ul></section>"
    )


def _page(title: str, body: str) -> Fixed:
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"></head><body><h1>{escape(title)}</h1>{body}</body></html>'
    )
    return Fixed(html.encode(), "text/html; charset=utf-8", _HEADERS)
