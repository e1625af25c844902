"""Forms as they are posted, and the pages that hold them: made for one visitor at one moment, and never kept.

Two things keep a page of another site from posting a form in a visitor's name. The cookie is SameSite=Lax, so browsers
send it with no post from another site. And a form is accepted only where the browser says that it comes from here, by
Sec-Fetch-Site or, where that is absent, by Origin. So forms need no token; SECURITY.md says why that suffices.
"""

import asyncio
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
from service.api.sessions import Session
from service.web.pages import HEADERS, HTML, PageRequest
from service.web.rendering import rendered

_LIMIT: Final = 4 << 20
_MOST_FIELDS: Final = 50_000
_FORM: Final = "application/x-www-form-urlencoded"
_OURS: Final = frozenset({"same-origin", "none"})
"""`none`: the visitor sent it, for example by loading a page again, and no page did."""


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
        raise malformed(None, f"Send the form as {_FORM}.")
    return await body.understood(request, limit, _filled_in)


def _filled_in(raw: bytes) -> Form:
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise malformed(None, f"Send the form in UTF-8, with at most {_MOST_FIELDS} fields.") from None
    # A browser ends lines as mails do, whatever was typed.
    return Form(tuple((name, value.replace("\r\n", "\n")) for name, value in fields))


def refuse_other_sites(scope: Scope) -> None:
    """Raise Problem unless the browser says that a page of this site sent the form.

    A request that says nothing is refused too. Every browser says one or the other since 2020, and a program can: it
    reports under /v1 with a key, or sends `Sec-Fetch-Site: none`.
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    site, host = headers.get(b"sec-fetch-site"), headers.get(b"host")
    # A proxy that is not trusted may have taken the encryption away; encryption is never added on the way.
    own = {f"https://{host}", f"{scope['scheme']}://{host}"}
    is_own = site in _OURS if site else headers.get(b"origin") in own
    if not is_own:
        detail = "The browser does not say that this form was sent by a page of this site. Load the page again."
        raise forbidden(detail, "read")


def session_of(scope: Scope) -> Session | None:
    """The session that the visitor shows, where it has not ended."""
    session: Session | None = scope["state"].get("session")
    return session


def is_of_session(form: Form, session: Session) -> bool:
    """Tell whether the form was made for the holder of this session's key.

    Not for security: a visitor who has signed in with another key meanwhile would file under another name unawares.
    """
    return form.get("made-for") == session.key.id


async def form_response(
    visit: PageRequest[Any], template: str, values: Mapping[str, Any], status: int = 200
) -> Response:
    """A page for this visitor at this moment, which nothing on the way keeps."""
    html = await asyncio.to_thread(rendered, template, {"visit": visit, **values}, visit.prefix)
    return Response(html, status, {**HEADERS, "Cache-Control": "no-store", "Vary": "Cookie"}, HTML)
