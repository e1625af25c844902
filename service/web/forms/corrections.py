"""Corrections and retractions, `/correct/…` and `/retract/…`. Nothing is erased.

A correction files the fields that differ from the record, with a reason. It is a report of one event, with a preview.
Before a retraction, the form lists the evidence that loses its effect too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from service.api.parameters import Query
from service.api.problems import Mistake, Problem, problem_of
from service.api.resources import Snapshot
from service.domain.assertion import AssertionCorrected, AssertionRetracted, Recorded
from service.domain.catalogue import dump
from service.domain.errors import Refused
from service.domain.history import History
from service.domain.streams import parse_stream
from service.projections.consequences import falls_with
from service.recorder import KeyReused
from service.web.forms.context import every_relation, form_context, named_event
from service.web.forms.controls import entry_form, label_of, suggestions
from service.web.forms.draft import Draft, Entry, Placed, at_field, put, said_in
from service.web.forms.fields import Path, fields_of, plain, written
from service.web.forms.filing import part, refuse_others, reporter
from service.web.forms.new_report import new_key
from service.web.forms.posted import Form, form_response, is_of_session, posted, session_of
from service.web.forms.preview import Preview, preview_of, receipt
from service.web.ladder import symbols
from service.web.login import local, sign_in_again, with_cookie
from service.web.messages import messages
from service.web.pages import PageRequest, address, page_request, read_snapshot

Kind = Literal["correct", "retract"]
_TYPES: Final[dict[Kind, str]] = {"correct": "AssertionCorrected", "retract": "AssertionRetracted"}
_NUMBER: Final = 0


@dataclass(frozen=True)
class Amendment:
    """A correction or retraction that is being written. `seen` is the version of the stream that the writer saw."""

    kind: Kind
    history: History[Any]
    target: Recorded
    key: str
    relation: str
    title: str
    reason: str
    seen: int
    entry: Entry

    @property
    def address(self) -> str:
        return f"/{self.kind}/{self.target.id}"

    @cached_property
    def reads(self) -> dict[str, Any]:
        """Return the target as it reads now."""
        return dump(self.history.amendments.reads(self.target))

    @property
    def changes(self) -> dict[str, Any]:
        """Return the merge patch from the record to the form."""
        patch: dict[str, Any] = {}
        for field in self.entry.fields:
            before, text = written(field, within(self.reads, field.path)), self.entry.said.get(field.path, "")
            if text != before:
                put(patch, field.path, plain(field, text) if text else None)
        if "inference" in patch:
            patch["occurred_basis"] = "inferred" if patch["inference"] else "stated"
        return patch

    @property
    def is_empty(self) -> bool:
        """Return whether a correction changes nothing."""
        return self.kind == "correct" and not self.changes

    @property
    def body(self) -> dict[str, Any]:
        stream = self.target.stream
        event = {"stream": stream, "type": _TYPES[self.kind], "target": self.target.id}
        if self.reason:
            event["reason"] = self.reason
        said = {**event, "changes": self.changes} if self.kind == "correct" else event
        return {"relation": self.relation, "title": self.title, "expect": {stream: self.seen}, "events": [said]}

    def placed(self, mistakes: Iterable[Mistake]) -> list[Placed]:
        """Return each mistake at its field."""
        return [self._placed(tuple((m.pointer or "").split("/")[1:]), m.detail) for m in mistakes]

    def _placed(self, tokens: Path, detail: str) -> Placed:
        match tokens:
            case ["events", "0", "reason"]:
                return Placed("reason", None, None, detail, not self.reason)
            case ["events", "0", "changes", *rest] if rest:
                return at_field(self.entry, tuple(rest), detail)
            case ["expect", *_]:
                return Placed("expect", None, None, detail)
            case _:
                return Placed("report", None, None, detail)


def within(data: Any, path: Path) -> Any:
    """Return the value at a path of an event, or None."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _new_amendment(
    kind: Kind, history: History[Any], target: Recorded, key: str, relation: str, title: str
) -> Amendment:
    """Return an amendment without changes."""
    reads = dump(history.amendments.reads(target))
    said = {field.path: written(field, within(reads, field.path)) for field in _asked(kind, target)}
    entry = Entry(_NUMBER, target.stream, target.type, said)
    return Amendment(kind, history, target, key, relation, title, "", history.version, entry)


def _filled_in(form: Form, begun: Amendment) -> Amendment:
    """Return the amendment with the values of a form."""
    seen = form.get("seen")
    said = said_in(form).get(_NUMBER, {})
    return Amendment(
        begun.kind,
        begun.history,
        begun.target,
        form.get("key") or begun.key,
        form.get("relation") or begun.relation,
        begun.title,
        form.get("reason"),
        int(seen) if seen.isdecimal() and len(seen) < 10 else begun.seen,
        Entry(_NUMBER, begun.entry.stream, begun.entry.type, {**begun.entry.said, **said}),
    )


def _asked(kind: Kind, target: Recorded) -> Iterable[Any]:
    """Return the fields of the form. A retraction asks only for a reason, and a correction has no form."""
    is_amendment = isinstance(target.data, AssertionCorrected | AssertionRetracted)
    return () if kind == "retract" or is_amendment else fields_of(target.type)


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
    visit = await page_request(request, Query)
    reporter(visit, session_of(request.scope))
    amendment = await _read_amendment(request, visit, kind, id)
    return await _shown(request, amendment, found=await _preview(request, amendment), is_fresh=True)


async def _written(request: Request, kind: Kind, id: str) -> Response:
    form = await posted(request)
    session, notice = session_of(request.scope), None
    if session is None:
        refused = await sign_in_again(request, form, Query)
        if refused is not None:
            return refused
        notice = "file.signed-in-again"
    visit = await page_request(request, Query)
    amendment = _filled_in(form, await _read_amendment(request, visit, kind, id))
    refuse_others(visit, amendment.relation)
    if session is None:
        return with_cookie(request, await _shown(request, amendment, notice=notice))
    if not is_of_session(form, session):
        return await _shown(request, amendment, status=403, notice="file.other-session")
    if form.get("do") != "file":
        return await _shown(request, amendment, found=await _preview(request, amendment))
    return await _filed(request, amendment)


async def _previewed(request: Request, kind: Kind, id: str) -> Response:
    form = await posted(request)
    session = session_of(request.scope)
    if session is None or not is_of_session(form, session):
        return part(request, "preview-ended.html", {"address": local(form.get("address"))})
    visit = await page_request(request, Query)
    amendment = _filled_in(form, await _read_amendment(request, visit, kind, id))
    refuse_others(visit, amendment.relation)
    return part(request, "preview.html", {"preview": await _preview(request, amendment)})


async def _read_amendment(request: Request, visit: PageRequest[Any], kind: Kind, id: str) -> Amendment:
    """Return the amendment of an event. Raises Problem if there is no such event, or if it cannot be corrected."""
    return await read_snapshot(request, visit, lambda snapshot: _amendment(visit, snapshot, kind, id))


def _amendment(visit: PageRequest[Any], snapshot: Snapshot, kind: Kind, id: str) -> Amendment:
    history, target = named_event(snapshot, id)
    if kind == "correct" and isinstance(target.data, AssertionCorrected | AssertionRetracted):
        raise Problem("not-found", "A correction or retraction cannot be corrected. Retract it instead.")
    stream = parse_stream(target.stream)
    assert stream is not None  # it is on record
    relation = stream.relation or _any_relation(visit, snapshot)
    title = messages()(f"amend.title-of-{kind}", member=stream.member, version=target.version)
    return _new_amendment(kind, history, target, new_key(), relation, str(title.unescape()))


def _any_relation(visit: PageRequest[Any], snapshot: Snapshot) -> str:
    """Return a relation to file the correction of a source under. Raises Problem."""
    for relation in every_relation(visit, snapshot):
        if visit.visitor.may_report_on(relation.id):
            return relation.id
    raise Problem("not-found", "Your key may not report on any relation that is on record.")


async def _preview(request: Request, amendment: Amendment) -> Preview:
    """Return what filing would change; nothing for an empty correction."""
    if amendment.is_empty:
        return Preview()
    # The preview works without a reason, which filing requires.
    reasoned = amendment if amendment.reason else replace(amendment, reason=amendment.title)
    return await preview_of(request, reasoned.body, amendment.placed)


async def _filed(request: Request, amendment: Amendment) -> Response:
    if amendment.is_empty:
        return await _shown(request, amendment, status=422, notice="amend.nothing-changed")
    try:
        led_to = await receipt(request, amendment.body, amendment.key, dry_run=False)
    except Refused as refused:
        problem = problem_of(refused)
        preview, why = await _preview(request, amendment), amendment.placed(problem.document.errors or ())
        # A report without a reason is refused before its other mistakes are found.
        mistakes = {mistake.id: mistake for mistake in (*preview.mistakes, *why)}
        found = replace(preview, mistakes=list(mistakes.values()), problem=problem.document)
        # The page shows what was recorded since, so the writer has seen it.
        retried = replace(amendment, seen=amendment.history.version)
        return await _shown(request, retried, status=problem.status, found=found, refused=True)
    except KeyReused as reused:
        retried, before = replace(amendment, key=new_key()), f"/reports/{reused.first.id}"
        return await _shown(request, retried, status=422, notice="file.filed-before", before=before)
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
    visit = await page_request(request, Query)
    session = reporter(visit, session_of(request.scope))
    refuse_others(visit, amendment.relation)
    target, entry = amendment.target, amendment.entry
    draft = Draft(amendment.address, amendment.key, amendment.relation, "", amendment.title, entries=(entry,))
    known = await read_snapshot(
        request, visit, lambda snapshot: form_context(snapshot, amendment.relation, [target.stream])
    )
    values = {
        "amendment": amendment,
        "made_for": session.key.id,
        "called": known.called(target.stream),
        "label": label_of(target),
        "on_record": f"/events/{target.id}",
        "falls": [label_of(e) for e in falls_with(amendment.history, target.id)] if amendment.kind == "retract" else [],
        "written": entry_form(entry, draft, known) if entry.said else None,
        "suggestions": list(suggestions(replace(draft, shown=(target.stream,)), known)),
        "symbols": symbols(),
        "preview": found,
        "mistakes": {m.id: m.detail for m in found.mistakes if refused or not m.unfilled} if found else {},
        "refused": refused,
        "is_fresh": is_fresh,
        "notice": messages()(notice, **facts) if notice else None,
    }
    return await form_response(
        visit, "amend-form.html" if "hx-request" in request.headers else "amend.html", values, status
    )
