"""Refusals as a person reads them: a page where a browser asked for one, the problem document for everybody else."""

from typing import Final

from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from service.api.auth import READING
from service.api.negotiation import negotiated
from service.api.prefix import prefix_of
from service.api.problem_types import PROBLEM_TYPES
from service.api.problems import MEDIA_TYPE, Problem
from service.web.pages import HEADERS, HTML, address
from service.web.rendering import rendered

_HTML_TYPE: Final = "text/html"
_FOR_PROGRAMS: Final = ("/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json")


def told(scope: Scope, problem: Problem) -> Response:
    """How a refusal is told to whoever sent the request."""
    if not _wants_page(scope):
        return problem.response(prefix_of(scope))
    if problem.name == "unauthenticated" and scope["method"] in READING:
        return RedirectResponse(address("/sign-in", next=_asked(scope)), 303, {"Cache-Control": "no-store"})
    explanation = PROBLEM_TYPES[problem.name]
    told_of = {"problem": problem.document, "name": problem.name, "explained": explanation.text}
    html = rendered("refusal.html", {**told_of, "visitor": scope["state"].get("key")}, prefix_of(scope))
    headers = {"Cache-Control": "no-store", **problem.headers, **HEADERS}
    return Response(html, problem.status, headers, HTML)


def _asked(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def _wants_page(scope: Scope) -> bool:
    if scope["path"].startswith(_FOR_PROGRAMS):
        return False
    accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
    try:
        return negotiated(accept, (MEDIA_TYPE, "application/json", _HTML_TYPE)) == _HTML_TYPE
    except Problem:
        return False
