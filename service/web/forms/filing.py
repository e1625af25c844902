"""Filing, `/file`: a report is written in a form, previewed, and filed once.

The form carries the idempotency key, so that a double click files once. If the session has ended, the form comes back
with everything that was written, and asks for the key. The service stores no drafts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.api.auth import forbidden
from service.api.parameters import Query, RelationId, malformed
from service.api.prefix import prefix_of
from service.api.problems import Problem, problem_of
from service.api.sessions import Session
from service.domain.assertion import MemberId
from service.domain.errors import Refused
from service.domain.streams import is_relation
from service.recorder import KeyReused
from service.web.forms.context import FormContext, form_context
from service.web.forms.controls import form_values, read_back
from service.web.forms.draft import Draft, read
from service.web.forms.editing import edited, wanted
from service.web.forms.new_report import is_key, new_draft, new_key, starts
from service.web.forms.posted import form_response, is_of_session, posted, session_of
from service.web.forms.preview import preview, preview_entries, receipt
from service.web.login import local, sign_in_again, with_cookie
from service.web.messages import messages
from service.web.pages import HEADERS, PageRequest, address, page_request, read_snapshot
from service.web.rendering import rendered

router: Final = APIRouter(include_in_schema=False)


class FileQuery(Query):
    """The round or the relation to report on."""

    round: MemberId | None = None
    relation: RelationId | None = None


@router.get("/file")
async def begin(request: Request) -> Response:
    """Show the form; without a round or relation, the choices to start from."""
    visit = await page_request(request, FileQuery)
    session = reporter(visit, session_of(request.scope))
    round, relation = visit.query.round, visit.query.relation
    if round is None and relation is None:
        begins = await read_snapshot(request, visit, partial(starts, visit))
        return await form_response(visit, "file-start.html", {"starts": begins})
    relation = relation or str(round).partition("/")[0]
    refuse_others(visit, relation)
    here = address("/file", round=round) if round else address("/file", relation=relation)
    draft, known = await read_snapshot(request, visit, lambda snapshot: new_draft(snapshot, here, relation, round))
    return await form_response(visit, "file.html", {**form_values(session, draft, known), "is_fresh": True})


@router.post("/file")
async def write(request: Request) -> Response:
    """Do what the pressed button says: change the form, or file the report."""
    form = await posted(request)
    draft = read(form)
    if not is_key(draft.key):
        draft = replace(draft, key=new_key())
    session = session_of(request.scope)
    if session is None:
        refused = await sign_in_again(request, form, FileQuery)
        return refused or with_cookie(request, await _shown(request, draft, notice="file.signed-in-again"))
    visit = await page_request(request, FileQuery)
    refuse_others(visit, draft.relation)
    if not is_of_session(form, session):
        return await _shown(request, draft, status=403, notice="file.other-session")
    if form.get("do") == "file":
        return await _filed(request, draft)
    known = await _known(request, visit, draft.relation, wanted(draft, form))
    after = edited(draft, form, known)
    added = [entry.id for entry in after.entries if draft.entry(entry.number) is None]
    return await _shown(request, after, known=known, focus=added[0] if added else None)


@router.post("/file/preview")
async def show_preview(request: Request) -> Response:
    """Return the preview as a part of the page."""
    form = await posted(request)
    session = session_of(request.scope)
    if session is None or not is_of_session(form, session):
        return part(request, "preview-ended.html", {"address": local(form.get("address"))})
    visit, draft = await page_request(request, Query), read(form)
    refuse_others(visit, draft.relation)
    return part(request, "preview.html", {"preview": await preview(request, draft)})


@router.get("/file/date")
async def read_date(request: Request) -> Response:
    """Return a date in words as a part of the page. The parameter can have any name."""
    given = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=5)
    if len(given) != 1:
        raise malformed(None, "Send one date.")
    text = given[0][1].strip()
    return part(request, "date.html", {"read": read_back(text) if text else None})


def part(request: Request, template: str, values: Mapping[str, Any]) -> Response:
    """Return a part of a page, for the script that inserts it."""
    html = rendered(template, values, prefix_of(request.scope))
    return HTMLResponse(html, headers={**HEADERS, "Cache-Control": "no-store"})


def reporter(visit: PageRequest[Any], session: Session | None) -> Session:
    """Return the session of a visitor who may report. Raises Problem."""
    if session is None:
        raise Problem("unauthenticated", "Sign in with a key that may report.")
    visit.visitor.require("report")
    return session


def refuse_others(visit: PageRequest[Any], relation: str) -> None:
    """Raise Problem if this visitor may not report on the relation."""
    if not is_relation(relation):
        raise malformed(None, "The form names no relation. Load the page again.")
    visit.visitor.require("report")
    if not visit.visitor.may_report_on(relation):
        raise forbidden(f"The key {visit.visitor.name} may not report on {relation}.", "report")


async def _known(request: Request, visit: PageRequest[Any], relation: str, streams: Iterable[str]) -> FormContext:
    return await read_snapshot(request, visit, lambda snapshot: form_context(snapshot, relation, streams))


async def _filed(request: Request, draft: Draft) -> Response:
    try:
        led_to = await receipt(request, draft.body, draft.key, dry_run=False)
    except Refused as refused:
        return await _shown(request, draft, status=problem_of(refused).status, refused=True)
    except KeyReused as reused:
        retried, before = replace(draft, key=new_key(), seen={}), f"/reports/{reused.first.id}"
        return await _shown(request, retried, status=422, notice="file.filed-before", before=before)
    return RedirectResponse(address(f"/reports/{led_to.report.id}", filed=draft.key), 303)


async def _shown(
    request: Request,
    draft: Draft,
    *,
    known: FormContext | None = None,
    status: int = 200,
    refused: bool = False,
    notice: str | None = None,
    focus: str | None = None,
    **facts: str,
) -> Response:
    """Return the page with the form; for a script only the form."""
    visit = await page_request(request, FileQuery)
    refuse_others(visit, draft.relation)
    known = known or await _known(request, visit, draft.relation, draft.shown)
    draft = replace(draft, seen={**known.versions(draft.shown), **draft.seen})
    is_part = "hx-request" in request.headers
    found = None if is_part or notice else await (preview_entries if refused else preview)(request, draft)
    values = form_values(reporter(visit, session_of(request.scope)), draft, known, found, refused=refused)
    more = {"notice": messages()(notice, **facts) if notice else None, "focus": focus}
    return await form_response(visit, "file-form.html" if is_part else "file.html", {**values, **more}, status)
