"""Correcting and retracting, `/correct/…` and `/retract/…`: the record is mended without anything being erased.

What is filed is what reads otherwise in the form than on record, with a reason. It is a report of one event, previewed
and filed as every other; before a retraction it is said what falls with it.
"""

from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from service.api.parameters import Query
from service.api.problems import Problem, problem_of
from service.api.resources import Snapshot
from service.domain.assertion import AssertionCorrected, AssertionRetracted
from service.domain.errors import Refused
from service.domain.streams import parse_stream
from service.projections.consequences import falls_with
from service.recorder import KeyReused
from service.web import amendments
from service.web.amendments import Amendment, Kind
from service.web.beginning import new_key
from service.web.controls import label_of, suggestions
from service.web.drafts import Draft
from service.web.entrance import let_in_again, local, with_cookie
from service.web.filing import part, refuse_others, reporter
from service.web.forms import drawn, is_of_session, posted, session_of
from service.web.formsheet import written
from service.web.ladder import symbols
from service.web.pages import PageRequest, address, begun, reading
from service.web.previews import Preview, preview_of, receipt
from service.web.surroundings import every_relation, named_event, surroundings
from service.web.texts import texts

router: Final = APIRouter(include_in_schema=False)


@router.get("/correct/{id}")
async def correct(request: Request, id: str) -> Response:
    return await _form(request, "correct", id)


@router.get("/retract/{id}")
async def retract(request: Request, id: str) -> Response:
    return await _form(request, "retract", id)


@router.post("/correct/{id}")
async def write_correction(request: Request, id: str) -> Response:
    return await _written(request, "correct", id)


@router.post("/retract/{id}")
async def write_retraction(request: Request, id: str) -> Response:
    return await _written(request, "retract", id)


@router.post("/correct/{id}/preview")
async def preview_correction(request: Request, id: str) -> Response:
    return await _previewed(request, "correct", id)


@router.post("/retract/{id}/preview")
async def preview_retraction(request: Request, id: str) -> Response:
    return await _previewed(request, "retract", id)


async def _form(request: Request, kind: Kind, id: str) -> Response:
    visit = await begun(request, Query)
    reporter(visit, session_of(request.scope))
    amendment = await _begun(request, visit, kind, id)
    return await _shown(request, amendment, found=await _would(request, amendment), is_fresh=True)


async def _written(request: Request, kind: Kind, id: str) -> Response:
    form = await posted(request)
    session, notice = session_of(request.scope), None
    if session is None:
        refused = await let_in_again(request, form, Query)
        if refused is not None:
            return refused
        notice = "file.signed-in-again"
    visit = await begun(request, Query)
    amendment = amendments.read(form, await _begun(request, visit, kind, id))
    refuse_others(visit, amendment.relation)
    if session is None:
        return with_cookie(request, await _shown(request, amendment, notice=notice))
    if not is_of_session(form, session):
        return await _shown(request, amendment, status=403, notice="file.other-session")
    if form.get("do") != "file":
        return await _shown(request, amendment, found=await _would(request, amendment))
    return await _filed(request, amendment)


async def _previewed(request: Request, kind: Kind, id: str) -> Response:
    form = await posted(request)
    session = session_of(request.scope)
    if session is None or not is_of_session(form, session):
        return part(request, "preview-ended.html", {"address": local(form.get("address"))})
    visit = await begun(request, Query)
    amendment = amendments.read(form, await _begun(request, visit, kind, id))
    refuse_others(visit, amendment.relation)
    return part(request, "preview.html", {"preview": await _would(request, amendment)})


async def _begun(request: Request, visit: PageRequest[Any], kind: Kind, id: str) -> Amendment:
    """Raises Problem where there is no such event, or where it is nothing to be corrected."""
    return await reading(request, visit, lambda snapshot: _amendment(visit, snapshot, kind, id))


def _amendment(visit: PageRequest[Any], snapshot: Snapshot, kind: Kind, id: str) -> Amendment:
    told, target = named_event(snapshot, id)
    if kind == "correct" and isinstance(target.data, AssertionCorrected | AssertionRetracted):
        raise Problem("not-found", "A correction or retraction cannot be corrected. Retract it instead.")
    stream = parse_stream(target.stream)
    assert stream is not None  # it is on record
    relation = stream.relation or _any_relation(visit, snapshot)
    title = texts()(f"amend.title-of-{kind}", member=stream.member, version=target.version)
    return amendments.begun(kind, told, target, new_key(), relation, str(title.unescape()))


def _any_relation(visit: PageRequest[Any], snapshot: Snapshot) -> str:
    """A source is of none; what mends it is filed under one that the visitor may report on. Raises Problem."""
    for relation in every_relation(visit, snapshot):
        if visit.visitor.may_report_on(relation.id):
            return relation.id
    raise Problem("not-found", "Your key may not report on any relation that is on record.")


async def _would(request: Request, amendment: Amendment) -> Preview:
    """What filing it would change; of a correction in which nothing reads otherwise, nothing."""
    if amendment.is_empty:
        return Preview()
    # A reason is needed to file it, but not to see what it does.
    reasoned = amendment if amendment.reason else replace(amendment, reason=amendment.title)
    return await preview_of(request, reasoned.body, amendment.placed)


async def _filed(request: Request, amendment: Amendment) -> Response:
    if amendment.is_empty:
        return await _shown(request, amendment, status=422, notice="amend.nothing-changed")
    try:
        led_to = await receipt(request, amendment.body, amendment.key, dry_run=False)
    except Refused as refused:
        problem = problem_of(refused)
        would, why = await _would(request, amendment), amendment.placed(problem.document.errors or ())
        # Without a reason the rest was not looked at.
        mistakes = {mistake.id: mistake for mistake in (*would.mistakes, *why)}
        found = replace(would, mistakes=list(mistakes.values()), problem=problem.document)
        # Who is told of what was recorded since has seen it.
        anew = replace(amendment, seen=amendment.told.version)
        return await _shown(request, anew, status=problem.status, found=found, refused=True)
    except KeyReused as reused:
        anew, before = replace(amendment, key=new_key()), f"/reports/{reused.first.id}"
        return await _shown(request, anew, status=422, notice="file.filed-before", before=before)
    return RedirectResponse(address(f"/reports/{led_to.report.id}", filed=amendment.key), 303)


async def _shown(
    request: Request,
    amendment: Amendment,
    *,
    status: int = 200,
    found: Preview | None = None,
    refused: bool = False,
    is_fresh: bool = False,
    notice: str | None = None,
    **facts: str,
) -> Response:
    visit = await begun(request, Query)
    session = reporter(visit, session_of(request.scope))
    refuse_others(visit, amendment.relation)
    target, entry = amendment.target, amendment.entry
    draft = Draft(amendment.address, amendment.key, amendment.relation, "", amendment.title, entries=(entry,))
    known = await reading(request, visit, lambda snapshot: surroundings(snapshot, amendment.relation, [target.stream]))
    told = {
        "amendment": amendment,
        "made_for": session.key.id,
        "called": known.called(target.stream),
        "label": label_of(target),
        "on_record": f"/events/{target.id}",
        "falls": [label_of(e) for e in falls_with(amendment.told, target.id)] if amendment.kind == "retract" else [],
        "written": written(entry, draft, known) if entry.said else None,
        "suggestions": list(suggestions(replace(draft, shown=(target.stream,)), known)),
        "symbols": symbols(),
        "preview": found,
        "mistakes": {m.id: m.detail for m in found.mistakes if refused or not m.unfilled} if found else {},
        "refused": refused,
        "is_fresh": is_fresh,
        "notice": texts()(notice, **facts) if notice else None,
    }
    return await drawn(visit, "amend-form.html" if "hx-request" in request.headers else "amend.html", told, status)
