"""The page that a refused request gets, and the pages that explain the problem types, `/problems/…`."""

import re
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from service.api.auth import READING
from service.api.negotiation import negotiated
from service.api.prefix import prefix_of
from service.api.problem_types import PROBLEM_TYPES
from service.api.problems import MEDIA_TYPE, STATUS, Problem
from service.web.pages import HEADERS, HTML, Template, address, static_response
from service.web.rendering import rendered

_HTML_MEDIA_TYPE: Final = "text/html"
_TRACKING: Final = re.compile(r"(?:utm_\w*|fbclid|gclid)(?:=|$)", re.ASCII)
_PATHS_FOR_PROGRAMS: Final = ("/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json")


router: Final = APIRouter(include_in_schema=False)


@router.get("/problems")
async def problems(request: Request) -> Response:
    """List every type of problem."""
    listed = [(name, STATUS[name], explanation.title) for name, explanation in sorted(PROBLEM_TYPES.items())]
    return await static_response(request, Template("problems.html", {"problems": listed}))


@router.get("/problems/{name}")
async def problem(request: Request, name: str) -> Response:
    """Explain one type of problem, and what to do."""
    if name not in PROBLEM_TYPES:
        raise Problem("not-found", f"There is no problem type {name}. The page /problems lists all types.")
    values = {"name": name, "status": STATUS[name], "explanation": PROBLEM_TYPES[name]}
    return await static_response(request, Template("problem.html", values))


def error_response(scope: Scope, problem: Problem) -> Response:
    """Return the page of a problem if the client prefers HTML, else the problem document.

    A visitor who must sign in first is redirected to the sign-in page. A page that refuses its parameters is asked
    again without those that mail programs and social media add. If nothing was on record at a point in the past, the
    page says so as other readings of the past do.
    """
    if (untracked := _without_tracking(scope)) is not None and problem.status == STATUS["unknown-parameter"]:
        return RedirectResponse(untracked, 302)
    if not _prefers_html(scope):
        return problem.response(prefix_of(scope))
    if problem.name == "unauthenticated" and scope["method"] in READING:
        sign_in = address("/sign-in", next=_address_with_query(scope))
        return RedirectResponse(sign_in, 303, {"Cache-Control": "no-store"})
    explanation = PROBLEM_TYPES[problem.name].text
    values = {"problem": problem.document, "name": problem.name, "explanation": explanation}
    if (past := scope["state"].get("past")) is not None:  # set by `page_response`
        values |= {"reading": past.sentence, "present": past.present}
    html = rendered("refusal.html", {**values, "visitor": scope["state"].get("key")}, prefix_of(scope))
    headers = {"Cache-Control": "no-store", **problem.headers, **HEADERS}
    return Response(html, problem.status, headers, HTML)


def _address_with_query(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def _without_tracking(scope: Scope) -> str | None:
    """Return the address of a page without the parameters that track readers. None if there are none."""
    if scope["path"].startswith(_PATHS_FOR_PROGRAMS) or scope["method"] not in READING:
        return None
    parts = scope["query_string"].decode("latin-1").split("&")
    kept = [part for part in parts if not _TRACKING.match(part)]
    if len(kept) == len(parts):
        return None
    return quote(scope["path"]) + (f"?{'&'.join(kept)}" if kept else "")


def _prefers_html(scope: Scope) -> bool:
    if scope["path"].startswith(_PATHS_FOR_PROGRAMS):
        return False
    accept = b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")
    try:
        return negotiated(accept, (MEDIA_TYPE, "application/json", _HTML_MEDIA_TYPE)) == _HTML_MEDIA_TYPE
    except Problem:
        return False
