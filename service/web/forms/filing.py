"""The form of a report, `/file`: write a draft, preview it, and file it once.

The form has the idempotency key, so a double click files one report. If the session has ended, the form asks for the
API key and keeps everything that was written. The service stores no drafts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.api.auth import forbidden
from service.api.parameters import VALID_ROUND, Query, RelationId, malformed
from service.api.prefix import prefix_of
from service.api.problems import Problem, problem_of
from service.api.sessions import Session
from service.domain.errors import Refused
from service.domain.streams import is_relation
from service.openings.actors import states
from service.recorder import KeyReused
from service.store.audience import Label
from service.web.forms import cards, new_fact
from service.web.forms.context import FormContext, form_context
from service.web.forms.controls import date_in_words, form_values
from service.web.forms.draft import Draft, draft_in
from service.web.forms.editing import apply_button, needed_streams
from service.web.forms.new_report import is_key, new_draft, new_key, starts, unopened
from service.web.forms.openings import NoRelation, relation_of_names, round_named
from service.web.forms.panel import panel_values
from service.web.forms.posted import Form, form_response, is_for_session, read_form, session_of
from service.web.forms.preview import file_report, preview, preview_entries
from service.web.forms.reading import FILE_BYTES, Unreadable, with_posted_readout
from service.web.login import local_address, sign_in_again, with_cookie
from service.web.messages import messages
from service.web.pages import HEADERS, PageRequest, address, page_request, read_snapshot
from service.web.rendering import rendered

router: Final = APIRouter(include_in_schema=False)


RoundId = Annotated[str, VALID_ROUND]


class FileQuery(Query):
    """The parameters of the form: the round or the relation to report on, and a report to attribute to the round.

    `titled`: the title of a round of the relation. `one` and `other`: the names of two states, for a relation.
    """

    round: RoundId | None = None
    relation: RelationId | None = None
    attribute: Annotated[str | None, Field(max_length=100)] = None
    titled: Annotated[str | None, Field(max_length=300)] = None
    one: Annotated[str | None, Field(max_length=100)] = None
    other: Annotated[str | None, Field(max_length=100)] = None


@router.get("/file")
async def begin(request: Request) -> Response:
    """Show the form for a round or relation. Without either, show the rounds and relations to start from."""
    visit = await page_request(request, FileQuery)
    session = require_session(visit, session_of(request.scope))
    query = visit.query
    if query.one is not None or query.other is not None:
        return await _begin_relation(request, visit)
    if query.round is None and query.relation is None:
        return await _start_page(request, visit)
    relation = query.relation or str(query.round).partition("/")[0]
    require_may_report(visit, relation)
    titled, attributed = query.titled, query.attribute
    if titled is not None and query.round is None:
        return await _begin_round(request, visit, relation, titled)
    here = address(
        "/file", round=query.round, relation=None if query.round else relation, titled=titled, attribute=attributed
    )
    draft, context = await read_snapshot(
        request,
        visit,
        lambda snapshot: new_draft(
            snapshot, here, relation, query.round, round_title=titled, attributed_report=attributed
        ),
    )
    values = {**form_values(session, draft, context), **panel_values(draft, context)}
    values["labels"] = labels_for(request, visit)
    return await form_response(visit, "file.html", {**values, "is_fresh": True})


async def _start_page(request: Request, visit: PageRequest[FileQuery], **mistakes: str) -> Response:
    """Return the page to start from. `mistakes` has the mistakes in the names of a new relation, by field."""
    reportable = await read_snapshot(request, visit, partial(starts, visit))
    values = {
        "starts": reportable,
        "unopened": unopened(visit, reportable),
        "states": states(),
        "named": {"one": visit.query.one or "", "other": visit.query.other or ""},
        "mistakes": mistakes,
    }
    return await form_response(visit, "file-start.html", values, 422 if mistakes else 200)


async def _begin_relation(request: Request, visit: PageRequest[FileQuery]) -> Response:
    """Redirect to the form of the relation of two named states, or show the start page with the mistakes."""
    try:
        relation = relation_of_names((visit.query.one or "").strip(), (visit.query.other or "").strip())
    except NoRelation as error:
        return await _start_page(request, visit, **error.mistakes)
    return RedirectResponse(address("/file", relation=relation), 303)


async def _begin_round(request: Request, visit: PageRequest[FileQuery], relation: str, title: str) -> Response:
    """Redirect to the form of the round with a title. The round may be new."""
    draft = Draft("", "", relation, "", "")
    context = await _context(request, visit, draft, ())
    named = round_named(title, draft, context)
    if named is None:
        return RedirectResponse(address("/file", relation=relation), 303)
    here = address("/file", round=f"{relation}/{named.slug}", titled=None if named.is_known else title)
    return RedirectResponse(here, 303)


@router.post("/file")
async def submit(request: Request) -> Response:
    """Apply the pressed button: change the form, or file the report."""
    form = await read_form(request, files=0 if session_of(request.scope) is None else FILE_BYTES)
    draft = draft_in(form)
    if not is_key(draft.key):
        draft = replace(draft, key=new_key())
    session = session_of(request.scope)
    if session is None:
        refused = await sign_in_again(request, form, FileQuery)
        return refused or with_cookie(request, await _page(request, draft, notice="file.signed-in-again"))
    visit = await page_request(request, FileQuery)
    require_may_report(visit, draft.relation)
    if not is_for_session(form, session):
        return await _page(request, draft, status=403, notice="file.other-session")
    if form.get("do") == "file":
        return await _file(request, draft)
    context = await _context(request, visit, draft, needed_streams(draft, form))
    if form.get("do") == "read":
        return await _read_readout(request, draft, form, context)
    if result := new_fact.press_button(draft, form, context) or cards.press_button(draft, form):
        return await _page(
            request,
            result.draft,
            context=context,
            focus=result.focus,
            notice=result.notice,
            fact_mistakes=result.mistakes,
            added_id=result.added_id,
        )
    changed = apply_button(draft, form, context)
    added_ids = [entry.id for entry in changed.entries if draft.entry(entry.number) is None]
    return await _page(request, changed, context=context, focus=added_ids[0] if added_ids else None)


async def _read_readout(request: Request, draft: Draft, form: Form, context: FormContext) -> Response:
    """Return the form with the posted readout, or with the reason why it cannot be read."""
    try:
        changed = await with_posted_readout(draft, form, context)
    except Unreadable as error:
        return await _page(request, draft, context=context, notice="readout.unreadable", why=str(error))
    return await _page(request, changed, focus="readout")


@router.post("/file/preview")
async def show_preview(request: Request) -> Response:
    """Return the preview as a part of the page."""
    form = await read_form(request)
    session = session_of(request.scope)
    if session is None or not is_for_session(form, session):
        return part_response(request, "preview-ended.html", {"address": local_address(form.get("address"))})
    visit, draft = await page_request(request, Query), draft_in(form)
    require_may_report(visit, draft.relation)
    return part_response(request, "preview.html", {"preview": await preview(request, draft)})


@router.get("/file/date")
async def read_date(request: Request) -> Response:
    """Return a date in words as a part of the page.

    The parameter has the name of the form field that sends it, so it can have any name.
    """
    parameters = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=5)
    if len(parameters) != 1:
        raise malformed(None, "Send one parameter, with a date as its value.")
    text = parameters[0][1].strip()
    return part_response(request, "date.html", {"read": date_in_words(text) if text else None})


def part_response(request: Request, template: str, values: Mapping[str, Any]) -> Response:
    """Return a part of a page, which a script inserts."""
    html = rendered(template, values, prefix_of(request.scope))
    return HTMLResponse(html, headers={**HEADERS, "Cache-Control": "no-store"})


def labels_for(request: Request, visit: PageRequest[Any]) -> Sequence[str]:
    """Return the handling labels that a visitor may use, the lowest first. Empty if they may use only `open`."""
    labels: Sequence[Label] = request.app.state.authenticator.labels
    clearance = visit.visitor.clearance
    return [label.name for label in labels if label.rank <= clearance] if clearance else []


def require_session(visit: PageRequest[Any], session: Session | None) -> Session:
    """Return the session. Raises Problem if the visitor is not signed in, or may not report."""
    if session is None:
        raise Problem("unauthenticated", "Sign in with a key that may report.")
    visit.visitor.require("report")
    return session


def require_may_report(visit: PageRequest[Any], relation: str) -> None:
    """Raise Problem if this visitor may not report on the relation."""
    if not is_relation(relation):
        raise malformed(None, "The form names no relation. Load the page again.")
    visit.visitor.require("report")
    if not visit.visitor.may_report_on(relation):
        raise forbidden(f"The key {visit.visitor.name} may not report on {relation}. Use a key that can.", "report")


async def _context(request: Request, visit: PageRequest[Any], draft: Draft, streams: Iterable[str]) -> FormContext:
    with_readouts = bool(draft.workspace.readouts)
    return await read_snapshot(
        request, visit, lambda snapshot: form_context(snapshot, draft.relation, streams, with_readouts=with_readouts)
    )


async def _file(request: Request, draft: Draft) -> Response:
    try:
        receipt = await file_report(request, draft.body, draft.key, dry_run=False)
    except Refused as refused:
        return await _page(request, draft, status=problem_of(refused).status, refused=True)
    except KeyReused as reused:
        retried = replace(draft, key=new_key(), seen_versions={})
        before = "/reports" if reused.is_withheld else f"/reports/{reused.first.id}"
        return await _page(request, retried, status=422, notice="file.filed-before", before=before)
    return RedirectResponse(address(f"/reports/{receipt.report.id}", filed=draft.key), 303)


async def _page(
    request: Request,
    draft: Draft,
    *,
    context: FormContext | None = None,
    status: int = 200,
    refused: bool = False,
    notice: str | None = None,
    focus: str | None = None,
    fact_mistakes: Mapping[str, str] | None = None,
    added_id: str | None = None,
    **notice_values: str,
) -> Response:
    """Return the page with the form, or only the form for the script. `notice_values` are those of the notice.

    `fact_mistakes`: the mistakes of the new fact, by HTML id. `added_id`: the HTML id of the fact to scroll to.
    """
    visit = await page_request(request, FileQuery)
    require_may_report(visit, draft.relation)
    context = context or await _context(request, visit, draft, draft.streams)
    draft = replace(draft, seen_versions={**context.irritant_versions(draft.streams), **draft.seen_versions})
    is_part = "hx-request" in request.headers
    found = None if is_part or notice else await (preview_entries if refused else preview)(request, draft)
    if refused and found:
        draft = cards.with_open_forms(draft, [mistake.entry.number for mistake in found.mistakes if mistake.entry])
    values = form_values(require_session(visit, session_of(request.scope)), draft, context, found, refused=refused)
    values |= panel_values(draft, context)
    values["labels"] = labels_for(request, visit)
    values["mistakes"] = {**values["mistakes"], **(fact_mistakes or {})}
    more = {"notice": messages()(notice, **notice_values) if notice else None, "focus": focus, "added_id": added_id}
    return await form_response(visit, "file-form.html" if is_part else "file.html", {**values, **more}, status)
