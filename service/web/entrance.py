"""The entrance: who shows a key is let in for twelve hours, and let out again.

Attempts that fail are bounded for each address that they come from, right key or not: a key cannot be guessed, but a
record of who tried should stay readable, and nobody needs many attempts.
"""

import re
from collections import OrderedDict
from time import monotonic
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from service.api import sessions
from service.api.auth import Gate
from service.api.parameters import Query
from service.api.problems import Problem
from service.web.forms import drawn, posted, refuse_without_token, session_of
from service.web.visit import begun

router: Final = APIRouter(include_in_schema=False)

_LOCAL: Final = re.compile(r"/(?![/\\])[\x21-\x7e]*")
_FAILURES: Final = 10
_WINDOW_SECONDS: Final = 60.0
_MOST_ADDRESSES: Final = 10_000


class EntranceQuery(Query):
    """Where to go on to, once signed in."""

    next: Annotated[str, Field(max_length=2000)] = "/"


class Attempts:
    """Failed attempts of the last minute, by the address that they come from."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def refuse_many(self, address: str) -> None:
        """Raises Problem (429)."""
        recent = self._recent(address)
        if len(recent) >= _FAILURES:
            seconds = max(round(recent[0] + _WINDOW_SECONDS - monotonic()), 1)
            detail = f"Too many keys from here were none: wait {seconds} seconds."
            raise Problem("too-many-requests", detail, headers={"Retry-After": str(seconds)})

    def failed(self, address: str) -> None:
        self._failed[address] = [*self._recent(address), monotonic()]
        self._failed.move_to_end(address)
        if len(self._failed) > _MOST_ADDRESSES:
            self._failed.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = monotonic() - _WINDOW_SECONDS
        return [at for at in self._failed.get(address, ()) if at > since]


@router.get("/sign-in")
async def entrance(request: Request) -> Response:
    """The form to sign in; for who is signed in, as whom, and the way out."""
    visit = await begun(request, EntranceQuery)
    session = session_of(request.scope)
    if session is not None:
        return await drawn(visit, "visitor.html", {"session": session})
    return await drawn(visit, "sign-in.html", {"next": visit.query.next, "refused": False})


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    form = await posted(request)
    state, address = request.app.state, _address(request.scope)
    attempts: Attempts = state.attempts
    gate: Gate = state.gate
    attempts.refuse_many(address)
    session = await gate.sign_in(form.get("key"))
    if session is None:
        attempts.failed(address)
        visit = await begun(request, EntranceQuery)
        return await drawn(visit, "sign-in.html", {"next": form.get("next"), "refused": True}, 401)
    answer = RedirectResponse(local(form.get("next")), 303)
    answer.headers["Set-Cookie"] = sessions.cookie(request.scope, session)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    refuse_without_token(await posted(request), session_of(request.scope))
    answer = RedirectResponse("/sign-in", 303)
    answer.headers["Set-Cookie"] = sessions.no_cookie(request.scope)
    return answer


def local(address: str) -> str:
    """The address, where it is one of this service; else the board."""
    return address if _LOCAL.fullmatch(address) else "/"


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
