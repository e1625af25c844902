"""Serve the OpenAPI document: `/openapi.json` for programs, `/docs` for people."""

from html import escape
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from service.api.etags import JSON
from service.api.fixed import FixedDocument, fixed_response
from service.api.openapi import made_in_advance
from service.api.operations import no_parameters
from service.api.prefix import prefix_of

router = APIRouter(include_in_schema=False, dependencies=[Depends(no_parameters)])

_REVALIDATE: Final = {"Cache-Control": "no-cache"}
_HEADERS: Final = {**_REVALIDATE, "Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}


@router.get("/openapi.json")
async def contract(request: Request) -> Response:
    """Answer the contract as JSON (OpenAPI 3.1)."""
    prefix = prefix_of(request.scope)
    return await fixed_response(request, lambda: _contract(made_in_advance(), prefix))


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Answer the contract as HTML. The usual viewers load scripts from another host, which the pages do not allow.

    `web` replaces `docs_page` by a page with the navigation of the others.
    """
    app, prefix = request.app, prefix_of(request.scope)
    return await fixed_response(request, lambda: app.state.docs_page(made_in_advance(), prefix))


def _contract(contract: dict[str, Any], prefix: str) -> FixedDocument:
    if prefix:
        contract = {**contract, "servers": [{**server, "url": prefix} for server in contract["servers"]]}
    return FixedDocument(bytes(JSONResponse(contract).body), JSON, _REVALIDATE)


def docs_page(contract: dict[str, Any], prefix: str) -> FixedDocument:
    """Return the contract as a plain page. `prefix` is the path that the service is served below."""
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
    # The description of an error is in `refusals`, behind a reference.
    described = {
        status: refusals.get(response.get("$ref", "").rpartition("/")[2], response)["description"]
        for status, response in operation["responses"].items()
    }
    responses = "".join(f"<li>{status}: {escape(text)}</li>" for status, text in described.items())
    return (
        f'<section id="{operation["operationId"]}"><h2>{method.upper()} <code>{escape(path)}</code></h2>'
        f"<p>{escape(operation.get('description', ''))}</p><ul>{parameters}</ul><ul>{responses}</ul></section>"
    )


def _page(title: str, body: str) -> FixedDocument:
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"></head><body><h1>{escape(title)}</h1>{body}</body></html>'
    )
    return FixedDocument(html.encode(), "text/html; charset=utf-8", _HEADERS)
