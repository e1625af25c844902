"""The forms that correct or retract one event, `/correct/…` and `/retract/…`.

Each form files a report with one event and a reason, after a preview. A correction contains the fields that differ from
the record. Before a retraction, the form lists the evidence that loses its effect, too. Nothing is erased.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Final, Literal

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.api.parameters import Query
from service.api.problems import Mistake, Problem
from service.api.resources import Snapshot
from service.domain.assertion import AssertionCorrected, AssertionRetracted, Recorded
from service.domain.catalogue import dump
from service.domain.history import History
from service.domain.streams import parse_stream
from service.projections.words.consequences import falls_with
from service.projections.words.event_types import event_name
from service.web.forms.amending import as_seen, file_amendment, preview_amendment
from service.web.forms.context import every_relation, find_event, form_context
from service.web.forms.controls import entry_form, label_of, suggestion_lists
from service.web.forms.draft import Draft, Entry, FieldMistake, mistake_at, mistake_of_report, set_value, texts_in
from service.web.forms.fields import Path, fields_of, form_text, json_value
from service.web.forms.filing import part_response, require_may_report, require_session
from service.web.forms.new_report import new_key
from service.web.forms.posted import Form, form_response, is_for_session, read_form, session_of
from service.web.forms.preview import Preview
from service.web.ladder import symbols
from service.web.login import local_address, sign_in_again, with_cookie
from service.web.messages import messages
from service.web.pages import PageRequest, page_request, read_snapshot
from service.web.stream_titles import title_of

Kind = Literal["correct", "retract"]
_TYPES: Final[dict[Kind, str]] = {"correct": "AssertionCorrected", "retract": "AssertionRetracted"}
_ENTRY_NUMBER: Final = 0


@dataclass(frozen=True)
class Amendment:
    """The draft of a correction or retraction. `seen` is the version of the stream that the form showed."""

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
    def current(self) -> dict[str, Any]:
        """Return the event to amend, with its corrections on record."""
        return dump(self.history.amendments.content_of(self.target))

    @property
    def changes(self) -> dict[str, Any]:
        """Return the merge patch that turns the event on record into that of the form."""
        patch: dict[str, Any] = {}
        for field in self.entry.fields:
            before, text = form_text(field, value_at(self.current, field.path)), self.entry.texts.get(field.path, "")
            if text != before:
                set_value(patch, field.path, json_value(field, text) if text else None)
        if "inference" in patch:
            patch["occurred_basis"] = "inferred" if patch["inference"] else "stated"
        return patch

    @property
    def changed_texts(self) -> Mapping[Path, str]:
        """Return the texts of the fields that differ from the record."""
        before = {field.path: form_text(field, value_at(self.current, field.path)) for field in self.entry.fields}
        return {path: text for path, text in self.entry.texts.items() if text != before.get(path)}

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
        complete = {**event, "changes": self.changes} if self.kind == "correct" else event
        return {"relation": self.relation, "title": self.title, "expect": {stream: self.seen}, "events": [complete]}

    def locate_mistakes(self, mistakes: Iterable[Mistake]) -> list[FieldMistake]:
        """Return each mistake at its field."""
        return [self._locate(tuple((m.pointer or "").split("/")[1:]), m.detail) for m in mistakes]

    def _locate(self, tokens: Path, detail: str) -> FieldMistake:
        match tokens:
            case ["events", "0", "reason"]:
                return mistake_of_report("reason", detail, is_unfilled=not self.reason)
            case ["events", "0", "changes", *rest] if rest:
                return mistake_at(self.entry, tuple(rest), detail)
            case ["expect", *_]:
                return mistake_of_report("expect", detail)
            case _:
                return mistake_of_report("report", detail)


def value_at(data: Any, path: Path) -> Any:
    """Return the value at a path of an event, or None."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _new_amendment(
    kind: Kind, history: History[Any], target: Recorded, key: str, relation: str, title: str
) -> Amendment:
    """Return an amendment without changes, for a new form."""
    current = dump(history.amendments.content_of(target))
    texts = {field.path: form_text(field, value_at(current, field.path)) for field in _form_fields(kind, target)}
    entry = Entry(_ENTRY_NUMBER, target.stream, target.type, texts, recorded=target.id)
    return Amendment(kind, history, target, key, relation, title, "", history.version, entry)


def _seen(form: Form) -> int:
    """Return the version of the stream that the form showed, 0 if it names none."""
    seen = form.get("seen")
    return int(seen) if seen.isascii() and seen.isdecimal() and len(seen) < 10 else 0


def _filled_in(form: Form, unchanged: Amendment) -> Amendment:
    """Return the amendment with the values of a posted form."""
    texts = texts_in(form).get(_ENTRY_NUMBER, {})
    return Amendment(
        unchanged.kind,
        unchanged.history,
        unchanged.target,
        form.get("key") or unchanged.key,
        form.get("relation") or unchanged.relation,
        unchanged.title,
        form.get("reason"),
        _seen(form) or unchanged.seen,
        replace(unchanged.entry, texts={**unchanged.entry.texts, **texts}),
    )


def _form_fields(kind: Kind, target: Recorded) -> Iterable[Any]:
    """Return the fields of the form. A retraction has only a reason, and corrections cannot be corrected."""
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
async def submit_correction(request: Request, id: str) -> Response:
    return await _submit(request, "correct", id)


@router.post("/retract/{id}")
async def submit_retraction(request: Request, id: str) -> Response:
    return await _submit(request, "retract", id)


@router.post("/correct/{id}/preview")
async def preview_correction(request: Request, id: str) -> Response:
    return await _preview_part(request, "correct", id)


@router.post("/retract/{id}/preview")
async def preview_retraction(request: Request, id: str) -> Response:
    return await _preview_part(request, "retract", id)


async def _form(request: Request, kind: Kind, id: str) -> Response:
    visit = await page_request(request, Query)
    require_session(visit, session_of(request.scope))
    amendment = await _read_amendment(request, visit, kind, id)
    return await _page(request, amendment, preview=await preview_amendment(request, amendment), is_fresh=True)


async def _submit(request: Request, kind: Kind, id: str) -> Response:
    form = await read_form(request)
    session, notice = session_of(request.scope), None
    if session is None:
        refused = await sign_in_again(request, form, Query)
        if refused is not None:
            return refused
        notice = "file.signed-in-again"
    visit = await page_request(request, Query)
    amendment = _filled_in(form, await _read_amendment(request, visit, kind, id, _seen(form)))
    require_may_report(visit, amendment.relation)
    if session is None:
        return with_cookie(request, await _page(request, amendment, notice=notice))
    if not is_for_session(form, session):
        return await _page(request, amendment, status=403, notice="file.other-session")
    if form.get("do") != "file":
        return await _page(request, amendment, preview=await preview_amendment(request, amendment))
    return await file_amendment(request, amendment, partial(_page, request), partial(_as_now, request, visit))


async def _preview_part(request: Request, kind: Kind, id: str) -> Response:
    form = await read_form(request)
    session = session_of(request.scope)
    if session is None or not is_for_session(form, session):
        return part_response(request, "preview-ended.html", {"address": local_address(form.get("address"))})
    visit = await page_request(request, Query)
    amendment = _filled_in(form, await _read_amendment(request, visit, kind, id, _seen(form)))
    require_may_report(visit, amendment.relation)
    return part_response(request, "preview.html", {"preview": await preview_amendment(request, amendment)})


async def _read_amendment(request: Request, visit: PageRequest[Any], kind: Kind, id: str, seen: int = 0) -> Amendment:
    """Return the draft for an event, without changes, for the version of its stream that the form showed, else as now.

    Raises Problem if the event is unknown or cannot be corrected.
    """
    return await read_snapshot(request, visit, lambda snapshot: _amendment(visit, snapshot, kind, id, seen))


def _amendment(visit: PageRequest[Any], snapshot: Snapshot, kind: Kind, id: str, seen: int) -> Amendment:
    whole, target = find_event(snapshot, id)
    history = as_seen(whole, seen if seen >= target.version else 0)
    if kind == "correct" and isinstance(target.data, AssertionCorrected | AssertionRetracted):
        raise Problem("not-found", "A correction or retraction cannot be corrected. Retract it instead.")
    stream = parse_stream(target.stream)
    assert stream is not None  # it is on record
    relation = stream.relation or _any_relation(visit, snapshot)
    title = messages()(f"amend.title-of-{kind}", type=event_name(target.type), title=title_of(history))
    return _new_amendment(kind, history, target, new_key(), relation, str(title.unescape())[:300])


def _any_relation(visit: PageRequest[Any], snapshot: Snapshot) -> str:
    """Return the first relation that the visitor may report on, for the correction of a source. Raises Problem."""
    for relation in every_relation(visit, snapshot):
        if visit.visitor.may_report_on(relation.id):
            return relation.id
    raise Problem("not-found", "Your key may not report on any relation that is on record.")


async def _as_now(request: Request, visit: PageRequest[Any], amendment: Amendment) -> Amendment:
    """Return a refused draft for the record as it is now. Fields that the operator did not change read as now."""
    now = await _read_amendment(request, visit, amendment.kind, amendment.target.id)
    return replace(
        now,
        key=amendment.key,
        relation=amendment.relation,
        reason=amendment.reason,
        entry=replace(now.entry, texts={**now.entry.texts, **amendment.changed_texts}),
    )


async def _page(
    request: Request,
    amendment: Amendment,
    *,
    status: int = 200,
    preview: Preview | None = None,
    refused: bool = False,
    is_fresh: bool = False,
    notice: str | None = None,
    **notice_values: str,
) -> Response:
    """Return the page with the form, or only the form for the script. `notice_values` are those of the notice."""
    visit = await page_request(request, Query)
    session = require_session(visit, session_of(request.scope))
    require_may_report(visit, amendment.relation)
    target, entry = amendment.target, amendment.entry
    draft = Draft(amendment.address, amendment.key, amendment.relation, "", amendment.title, entries=(entry,))
    context = await read_snapshot(
        request, visit, lambda snapshot: form_context(snapshot, amendment.relation, [target.stream])
    )
    values = {
        "amendment": amendment,
        "made_for": session.key.id,
        "stream_title": context.stream_title(target.stream),
        "label": label_of(target),
        "on_record": f"/events/{target.id}",
        "falls": [label_of(e) for e in falls_with(amendment.history, target.id)] if amendment.kind == "retract" else [],
        "form": entry_form(entry, draft, context) if entry.texts else None,
        "suggestions": list(suggestion_lists(replace(draft, streams=(target.stream,)), context)),
        "symbols": symbols(),
        "preview": preview,
        "mistakes": {m.id: m.detail for m in preview.mistakes if refused or not m.is_unfilled} if preview else {},
        "refused": refused,
        "is_fresh": is_fresh,
        "notice": messages()(notice, **notice_values) if notice else None,
    }
    return await form_response(
        visit, "amend-form.html" if "hx-request" in request.headers else "amend.html", values, status
    )
