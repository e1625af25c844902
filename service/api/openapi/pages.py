"""The contract, for programs (JSON) and for people (HTML)."""

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
    """Answer the contract for programs (OpenAPI 3.1)."""
    app, prefix = request.app, prefix_of(request.scope)
    return await fixed(request, lambda: _contract(app.openapi(), prefix))


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Answer the contract for people. Made here, because the usual viewers load scripts from another host."""
    app, prefix = request.app, prefix_of(request.scope)
    return await fixed(request, lambda: _docs(app.openapi(), prefix))


def _contract(contract: dict[str, Any], prefix: str) -> Fixed:
    if prefix:
        contract = {**contract, "servers": [{**server, "url": prefix} for server in contract["servers"]]}
    return Fixed(bytes(JSONResponse(contract).body), JSON, _REVALIDATE)


def _docs(contract: dict[str, Any], prefix: str) -> Fixed:
    operations = [
        _operation(path, method, operation, contract["components"]["responses"])
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    ]
    link = f'<p>For programs: <a href="{prefix}/openapi.json">openapi.json</a></p>'
    return _page("API documentation", f"{link}{''.join(operations)}")


def _operation(path: str, method: str, operation: dict[str, Any], refusals: dict[str, Any]) -> str:
    parameters = "".join(
        f"<li><code>{escape(p['name'])}</code> ({p['in']}): {escape(p.get('description', ''))}</li>"
        for p in operation.get("parameters", ())
    )
    responses = "".join(
        f"<li>{status}: {escape(refusals.get(one.get('$ref', '').rpartition('/')[2], one)['description'])}</li>"
        for status, one in operation["responses"].items()
    )
    return (
        f'<section id="{operation["operationId"]}"><h2>{method.upper()} <code>{escape(path)}</code></h2>'
        f"<p>{escape(operation.get('description', ''))}</p><ul>{parameters}</ul><ul>{responses}</ul></section>"
    )


def _page(title: str, body: str) -> Fixed:
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"></head><body><h1>{escape(title)}</h1>{body}</body></html>'
    )
    return Fixed(html.encode(), "text/html; charset=utf-8", _HEADERS)
