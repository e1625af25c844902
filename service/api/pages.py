"""The contract, for machines and for people."""

import asyncio
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from service.api.operations import no_parameters

router = APIRouter(include_in_schema=False, dependencies=[Depends(no_parameters)])

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


@router.get("/openapi.json")
async def contract(request: Request) -> Response:
    """The contract for machines (OpenAPI 3.1)."""
    return JSONResponse(await _contract(request), headers={"Cache-Control": "no-cache"})


@router.get("/docs")
async def docs(request: Request) -> Response:
    """The contract for people. Made here, because the usual viewers fetch themselves from another host."""
    contract = await _contract(request)
    told = [
        _operation(path, method, said, contract["components"]["responses"])
        for path, methods in contract["paths"].items()
        for method, said in methods.items()
    ]
    return _page("The interface", f'<p>For machines: <a href="/openapi.json">openapi.json</a></p>{"".join(told)}')


async def _contract(request: Request) -> dict[str, Any]:
    """Made when it is first asked for, which takes a second: beside the loop, so that nobody waits for it."""
    return await asyncio.to_thread(request.app.openapi)


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


def _page(title: str, body: str) -> Response:
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"></head><body><h1>{escape(title)}</h1>{body}</body></html>'
    )
    return HTMLResponse(html, headers=_HEADERS)
