"""Forms as they are posted, and the pages that hold them: made for one visitor at one moment, and never kept.

Three things stand between a visitor and whoever would file in his name: the cookie is not sent along by other sites, a
form from elsewhere is refused by what the browser itself says of it, and a form needs the token of its session.
"""

import asyncio
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.responses import Response
from starlette.types import Scope

from service.api import body
from service.api.auth import forbidden
from service.api.parameters import malformed
from service.api.problems import Problem
from service.api.sessions import Session
from service.web.pages import HEADERS, HTML, PageRequest
from service.web.rendering import rendered

_LIMIT: Final = 4 << 20
_MOST_FIELDS: Final = 50_000
_FORM: Final = "application/x-www-form-urlencoded"
_OURS: Final = frozenset({"same-origin", "none"})
"""`none`: no page sent it, but the visitor."""


@dataclass(frozen=True)
class Form:
    """What was filled in, in the order of the page."""

    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """What is in a field, without the space around it; empty where there is none of that name."""
        return next((value.strip() for given, value in self.fields if given == name), "")

    def all(self, name: str) -> Iterable[str]:
        return (value.strip() for given, value in self.fields if given == name)


async def posted(request: Request, limit: int = _LIMIT) -> Form:
    """The form that was posted. Raises Problem where it comes from another site, is too large, or is none."""
    refuse_other_sites(request.scope)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise malformed(None, f"A form is sent as {_FORM}.")
    return await body.understood(request, limit, _filled_in)


def _filled_in(raw: bytes) -> Form:
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise malformed(None, "The form is not in UTF-8, or has too many fields.") from None
    # A browser ends lines as mails do, whatever was typed.
    return Form(tuple((name, value.replace("\r\n", "\n")) for name, value in fields))


def refuse_other_sites(scope: Scope) -> None:
    """Raises Problem for what a browser says comes from another site. What is no browser says nothing of it."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    is_ours = site in _OURS if site else origin is None or origin.partition("://")[2] == headers.get(b"host")
    if not is_ours:
        raise forbidden("This form was sent by a page of another site.", "read")


def session_of(scope: Scope) -> Session | None:
    """The session that the visitor shows, where it has not ended."""
    session: Session | None = scope["state"].get("session")
    return session


def is_of_session(form: Form, session: Session) -> bool:
    """Whether the form was made for this session."""
    return hmac.compare_digest(form.get("token").encode(), session.form_token.encode())


def refuse_without_token(form: Form, session: Session | None) -> Session:
    """The session whose form this is. Raises Problem."""
    if session is None:
        raise Problem("unauthenticated", "You are not signed in, or no longer.")
    if not is_of_session(form, session):
        raise forbidden("This form was not made for the session that you are in: load the page again.", "read")
    return session


async def drawn(visit: PageRequest[Any], template: str, told: Mapping[str, Any], status: int = 200) -> Response:
    """A page for this visitor at this moment, which nothing on the way keeps."""
    html = await asyncio.to_thread(rendered, template, {"visit": visit, **told}, visit.prefix)
    return Response(html, status, {**HEADERS, "Cache-Control": "no-store", "Vary": "Cookie"}, HTML)
