"""Sign in with an API key, for twelve hours, and sign out.

Failed sign-ins from one address are limited to keep the log readable. Keys are too long to be guessed.
"""

import re
from collections import OrderedDict
from time import monotonic
from typing import Annotated, Final

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from service.api import body, sessions
from service.api.auth import Authenticator
from service.api.parameters import Query
from service.api.problems import Problem
from service.api.sessions import Session
from service.web.forms.posted import Form, form_response, read_form, session_of
from service.web.pages import PageRequest, address, page_request

router: Final = APIRouter(include_in_schema=False)

_LOCAL_ADDRESS: Final = re.compile(r"/(?![/\\])[\x21-\x7e]*")
# The fields of a report form that the page for a new sign-in does not send again.
_NOT_REPEATED: Final = frozenset({"made-for", "sign-in-key", "do"})
_MAX_FAILURES: Final = 10
_WINDOW_SECONDS: Final = 60.0
_MAX_ADDRESSES: Final = 10_000


class LoginQuery(Query):
    """The parameters of the sign-in page: the address to continue at."""

    next: Annotated[str, Field(max_length=2000)] = "/"


class FailedSignIns:
    """The times of failed sign-ins in the last minute, by the address of the client."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def refuse_after_many(self, address: str) -> None:
        """Raise Problem (429) after ten failures in a minute."""
        recent = self._recent(address)
        if len(recent) >= _MAX_FAILURES:
            seconds = max(round(recent[0] + _WINDOW_SECONDS - monotonic()), 1)
            detail = f"Too many failed sign-ins from this address. Try again in {seconds} seconds."
            raise Problem("too-many-requests", detail, headers={"Retry-After": str(seconds)})

    def add(self, address: str) -> None:
        self._times[address] = [*self._recent(address), monotonic()]
        self._times.move_to_end(address)
        if len(self._times) > _MAX_ADDRESSES:
            self._times.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = monotonic() - _WINDOW_SECONDS
        return [at for at in self._times.get(address, ()) if at > since]


@router.get("/sign-in")
async def login(request: Request) -> Response:
    """Show the form to sign in. Show a signed-in visitor the session and the button to sign out."""
    visit = await page_request(request, LoginQuery)
    session = session_of(request.scope)
    if session is not None:
        return await form_response(visit, "visitor.html", {"session": session})
    return await _sign_in_page(request, visit, visit.query.next)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    form = await read_form(request, body.SMALL)
    session = await open_session(request, form.get("key"))
    if session is None:
        visit = await page_request(request, LoginQuery)
        return await _sign_in_page(request, visit, form.get("next"), refused=True)
    return with_cookie(request, RedirectResponse(local_address(form.get("next")), 303))


async def _sign_in_page(
    request: Request, visit: PageRequest[LoginQuery], next: str, *, refused: bool = False
) -> Response:
    """Return the page to sign in. It warns if the browser would not keep the session."""
    values = {"next": next, "refused": refused, "needs_https": not sessions.is_kept(request.scope)}
    return await form_response(visit, "sign-in.html", values, 401 if refused else 200)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    await read_form(request, body.SMALL)
    if session_of(request.scope) is None:
        raise Problem("unauthenticated", "You are not signed in. Sign in again.")
    response = RedirectResponse("/sign-in", 303)
    response.headers["Set-Cookie"] = sessions.no_cookie(request.scope)
    return response


def local_address(next: str) -> str:
    """Return the address if it belongs to this service. Otherwise return the address of the board."""
    return next if _LOCAL_ADDRESS.fullmatch(next) else "/"


async def open_session(request: Request, token: str) -> Session | None:
    """Open a session for a key, and use it for the rest of this request. Return None if the key is not valid.

    Raises Problem (429) after too many failures from one address.
    """
    state, client = request.app.state, _client_address(request.scope)
    failed_sign_ins: FailedSignIns = state.failed_sign_ins
    authenticator: Authenticator = state.authenticator
    failed_sign_ins.refuse_after_many(client)
    session = await authenticator.sign_in(token)
    if session is None:
        failed_sign_ins.add(client)
    else:
        request.scope["state"] |= {"session": session, "key": authenticator.access_of(session.key)}
    return session


async def sign_in_again(request: Request, form: Form, query_type: type[Query]) -> Response | None:
    """Return a page that asks for the key after the session has ended, with the posted form in hidden fields.

    Return None if the posted form contains a valid key. The caller then shows the form again with a new cookie, and
    files nothing. A request by a script gets an empty response that redirects to the sign-in page.
    """
    if "hx-request" in request.headers:
        again = address("/sign-in", next=local_address(form.get("address")))
        return Response(status_code=401, headers={"HX-Redirect": again, "Cache-Control": "no-store"})
    token = form.get("sign-in-key")
    if token and await open_session(request, token):
        return None
    visit = await page_request(request, query_type)
    hidden_fields = [(name, text) for name, text in form.fields if name not in _NOT_REPEATED]
    values = {"hidden_fields": hidden_fields, "refused": bool(token)}
    return await form_response(visit, "session-ended.html", values, 401)


def with_cookie(request: Request, response: Response) -> Response:
    """Add the cookie of the session to a response."""
    session = session_of(request.scope)
    assert session is not None  # the visitor has signed in
    response.headers["Set-Cookie"] = sessions.cookie(request.scope, session)
    return response


def _client_address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""
