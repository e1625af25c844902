"""Read posted forms, and return pages with forms.

Two checks stop a page of another site from posting a form in the name of a visitor. The cookie is SameSite=Lax, so
browsers do not send it with posts from another site. And a form is accepted only if Sec-Fetch-Site, or else Origin,
names this site. So forms need no token. SECURITY.md gives the reasons.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.responses import Response
from starlette.types import Scope

from service.api import body
from service.api.auth import forbidden
from service.api.parameters import malformed
from service.api.sessions import Session
from service.web.forms import multipart
from service.web.pages import HEADERS, HTML, PageRequest
from service.web.rendering import rendered

_MAX_BYTES: Final = 4 << 20
_MAX_FIELDS: Final = 50_000
_FORM: Final = "application/x-www-form-urlencoded"
_OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Accepted values of Sec-Fetch-Site. `none` means that no page sent the form: the visitor loaded the page again."""


@dataclass(frozen=True)
class Form:
    """The fields of a posted form, in the order of the page. `files` has the content of each chosen file, by field."""

    fields: tuple[tuple[str, str], ...]
    files: Mapping[str, bytes] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return the first value of a field, without blanks around it. Empty without such a field."""
        return next((value.strip() for field_name, value in self.fields if field_name == name), "")

    def all(self, name: str) -> Iterable[str]:
        """Return every value of a field, without blanks around it."""
        return (value.strip() for field_name, value in self.fields if field_name == name)


async def read_form(request: Request, limit: int = _MAX_BYTES, files: int = 0) -> Form:
    """Read the posted form. Raises Problem if it comes from another site, is too large, or is not a form.

    `files`: the number of bytes that it may have in files, beside its fields.
    """
    refuse_other_sites(request.scope)
    if files and (boundary := multipart.boundary_of(request.headers.get("content-type", ""))):
        return await body.read_as(request, limit + files, partial(_with_files, boundary))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise malformed(None, f"Send the form as {_FORM}.")
    return await body.read_as(request, limit, _parse)


def _with_files(boundary: bytes, raw: bytes) -> Form:
    try:
        parts = multipart.parse(raw, boundary, _MAX_FIELDS)
        fields = [(part.name, part.content.decode()) for part in parts if not part.is_file]
    except (multipart.NotMultipart, UnicodeDecodeError):
        raise malformed(None, f"Send the form in UTF-8, with at most {_MAX_FIELDS} fields.") from None
    return Form(_with_line_feeds(fields), {part.name: part.content for part in parts if part.is_file})


def _with_line_feeds(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the fields with line feeds. Browsers send CRLF as the end of a line."""
    return tuple((name, value.replace("\r\n", "\n")) for name, value in fields)


def _parse(raw: bytes) -> Form:
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise malformed(None, f"Send the form in UTF-8, with at most {_MAX_FIELDS} fields.") from None
    return Form(_with_line_feeds(fields))


def refuse_other_sites(scope: Scope) -> None:
    """Raise Problem unless the headers show that a page of this site sent the form.

    A request without both headers is refused too, because browsers have sent them since 2020. A program reports under
    /v1 with a key, or sends `Sec-Fetch-Site: none`.
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    site, host = headers.get(b"sec-fetch-site"), headers.get(b"host")
    # A proxy that is not trusted may have ended TLS.
    own = {f"https://{host}", f"{scope['scheme']}://{host}"}
    is_own = site in _OWN_SITES if site else headers.get(b"origin") in own
    if not is_own:
        detail = "The browser did not confirm that a page of this site sent the form. Load the page again and send it."
        raise forbidden(detail, "read")


def session_of(scope: Scope) -> Session | None:
    """Return the session of the visitor, or None."""
    session: Session | None = scope["state"].get("session")
    return session


def is_for_session(form: Form, session: Session) -> bool:
    """Return whether the form was made for the key of this session.

    This prevents a mistake, not an attack: a visitor who signed in with a second key would file under another name.
    """
    return form.get("made-for") == session.key.id


async def form_response(
    visit: PageRequest[Any], template: str, values: Mapping[str, Any], status: int = 200
) -> Response:
    """Return a page that must not be cached."""
    html = await asyncio.to_thread(rendered, template, {"visit": visit, **values}, visit.prefix)
    return Response(html, status, {**HEADERS, "Cache-Control": "no-store", "Vary": "Cookie"}, HTML)
