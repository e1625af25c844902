"""The form that corrects a whole report, `/reports/…/correct`: all its facts as cards, filed as one new report.

Only changed facts become corrections, and ticked facts become retractions. All of them have one reason, one idempotency
key and one preview. A date or a round that is entered at the top is set in every fact. One `ReportAttributed` changes
the round of the report itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from service.api.parameters import Query, Whole
from service.api.problems import Mistake
from service.api.resources import Snapshot
from service.api.resources.reports import ONE, ReportDocument, ReportedEvent
from service.domain.assertion import AssertionCorrected, AssertionRetracted
from service.domain.catalogue import dump
from service.domain.history import History
from service.readouts.dates import edtf_of
from service.web.forms.amending import as_seen, file_amendment, preview_amendment
from service.web.forms.context import FormContext, form_context
from service.web.forms.controls import date_in_words, entry_form, label_of, suggestion_lists
from service.web.forms.corrections import Amendment, value_at
from service.web.forms.draft import SEEN_VERSION, Draft, Entry, FieldMistake, mistake_at, mistake_of_report, texts_in
from service.web.forms.fields import Path, fields_of, form_text
from service.web.forms.filing import part_response, require_may_report, require_session
from service.web.forms.new_report import is_key, new_key
from service.web.forms.posted import Form, form_response, is_for_session, read_form, session_of
from service.web.forms.preview import Preview
from service.web.ladder import symbols
from service.web.login import local_address, sign_in_again, with_cookie
from service.web.messages import messages
from service.web.pages import PageRequest, address, page_request, read_snapshot

router: Final = APIRouter(include_in_schema=False)

_FACTS_ON_PAGE: Final = 100
_MAX_OPEN_CARDS: Final = 12
"""With more facts than these, only cards with changes or mistakes are open."""
_OCCURRED: Final = ("occurred",)
_ROUND: Final = ("round",)
_ENDINGS_OF_PERMANENT_TYPES: Final = ("Opened", "Registered")


class PartQuery(Query):
    """The part of a long report. `after` is the position of the last fact of the part before."""

    after: Annotated[Whole, Field(description="the position that was seen last")] = 0


@dataclass(frozen=True)
class Fact:
    """One event of the report. `amendment` has its fields in the form. `is_retracted`: it is ticked for retraction."""

    amendment: Amendment
    is_retracted: bool = False

    @property
    def number(self) -> int:
        return self.amendment.entry.number

    @property
    def is_changed(self) -> bool:
        return self.is_retracted or bool(self.amendment.changes)

    @property
    def may_be_retracted(self) -> bool:
        return not self.amendment.target.type.endswith(_ENDINGS_OF_PERMANENT_TYPES)

    @property
    def event(self) -> dict[str, Any]:
        """Return the event to file, without its reason."""
        target = self.amendment.target
        event = {"stream": target.stream, "target": target.id}
        if self.is_retracted:
            return {**event, "type": AssertionRetracted.__name__}
        return {**event, "type": AssertionCorrected.__name__, "changes": self.amendment.changes}

    def with_texts(self, texts: Mapping[Path, str]) -> "Fact":
        """Return the fact with these texts in the fields that it has."""
        entry = self.amendment.entry
        known = {path: text for path, text in texts.items() if path in entry.texts}
        return replace(self, amendment=replace(self.amendment, entry=replace(entry, texts={**entry.texts, **known})))


@dataclass(frozen=True)
class ReportCorrection:
    """The draft of the correction of a report.

    `seen_versions` has the version of each stream when the form showed it first. `round` is the round of the report
    in the form, and `round_before` the one that the form began with. `date` is the date to set in all facts.
    `retracted_count` counts the facts that were retracted before. `after` and `next_after` are the positions after
    which this part and the next part of a long report begin.
    """

    report: ReportDocument
    facts: Sequence[Fact]
    key: str
    reason: str
    title: str
    round: str
    round_before: str
    date: str
    seen_versions: Mapping[str, int]
    retracted_count: int
    after: int
    next_after: int | None
    context: FormContext

    @property
    def address(self) -> str:
        return address(f"/reports/{self.report.id}/correct", after=self.after or None)

    @property
    def changed_facts(self) -> list[Fact]:
        return [fact for fact in self.facts if fact.is_changed]

    @property
    def is_moved(self) -> bool:
        """Return whether the report is to be attributed to another round."""
        return bool(self.round) and self.round != self.round_before

    @property
    def is_empty(self) -> bool:
        return not self.changed_facts and not self.is_moved

    @property
    def body(self) -> dict[str, Any]:
        reason = {"reason": self.reason} if self.reason else {}
        events = [{**fact.event, **reason} for fact in self.changed_facts]
        if self.is_moved:
            stream = f"relation/{self.report.relation}"
            events.append({"stream": stream, "type": "ReportAttributed", "report": self.report.id, "round": self.round})
        streams = {fact.amendment.target.stream for fact in self.changed_facts}
        expected_versions = {stream: version for stream, version in self.seen_versions.items() if stream in streams}
        return {"relation": self.report.relation, "title": self.title, "expect": expected_versions, "events": events}

    def locate_mistakes(self, mistakes: Iterable[Mistake]) -> list[FieldMistake]:
        """Return each mistake at its field. A missing reason is a mistake of every event, but is returned once."""
        found = [self._locate(tuple((m.pointer or "").split("/")[1:]), m.detail) for m in mistakes]
        return list({(mistake.id, mistake.detail): mistake for mistake in found}.values())

    def _locate(self, tokens: Path, detail: str) -> FieldMistake:
        changed = self.changed_facts
        match tokens:
            case ["events", _, "reason"]:
                return mistake_of_report("reason", detail, is_unfilled=not self.reason)
            case ["events", index, *rest] if index.isdecimal() and int(index) < len(changed):
                entry = changed[int(index)].amendment.entry
                return mistake_at(entry, tuple(rest[1:]) if rest[:1] == ["changes"] else (), detail)
            case ["events", *_]:
                return mistake_of_report("round", detail)
            case ["expect", *_]:
                return mistake_of_report("expect", detail)
            case _:
                return mistake_of_report("report", detail)

    @property
    def other_dates_count(self) -> int:
        """Return the number of facts with another date than the one to set in all facts."""
        return sum(_has_field(f, _OCCURRED) and f.amendment.entry.texts[_OCCURRED] != self.date for f in self.facts)

    def set_in_all(self, path: Path, text: str) -> "ReportCorrection":
        """Return the correction with this value in every fact that has the field."""
        facts = [fact.with_texts({path: text}) if _has_field(fact, path) else fact for fact in self.facts]
        return replace(self, facts=facts)


def _has_field(fact: Fact, path: Path) -> bool:
    """Return whether a fact has this field. The field must have a value already, except the date."""
    texts = fact.amendment.entry.texts
    return path in texts and (path == _OCCURRED or bool(texts[path]))


@router.get("/reports/{id}/correct")
async def correct_report(request: Request, id: str) -> Response:
    visit = await page_request(request, PartQuery)
    require_session(visit, session_of(request.scope))
    correction = await _read(request, visit, id)
    return await _page(request, visit, correction, is_fresh=True)


@router.post("/reports/{id}/correct")
async def submit_report_correction(request: Request, id: str) -> Response:
    """Apply the pressed button: set a date or a round in all facts, or file the corrections."""
    form = await read_form(request)
    session = session_of(request.scope)
    if session is None:
        refused = await sign_in_again(request, form, PartQuery)
        if refused is not None:
            return refused
    visit = await page_request(request, PartQuery)
    correction = await _read(request, visit, id, form)
    if session is None:
        return with_cookie(request, await _page(request, visit, correction, notice="file.signed-in-again"))
    if not is_for_session(form, session):
        return await _page(request, visit, correction, status=403, notice="file.other-session")
    match form.get("do"):
        case "set-date":
            count = correction.other_dates_count
            return await _page(request, visit, correction, count_to_confirm=count or None)
        case "set-date-of-all":
            correction = correction.set_in_all(_OCCURRED, correction.date)
        case "set-round":
            correction = correction.set_in_all(_ROUND, correction.round)
        case "file":
            return await file_amendment(
                request, correction, partial(_page, request, visit), partial(_as_now, request, visit)
            )
        case _:
            pass  # a preview
    return await _page(request, visit, correction)


@router.post("/reports/{id}/correct/preview")
async def preview_report_correction(request: Request, id: str) -> Response:
    form = await read_form(request)
    session = session_of(request.scope)
    if session is None or not is_for_session(form, session):
        return part_response(request, "preview-ended.html", {"address": local_address(form.get("address"))})
    visit = await page_request(request, PartQuery)
    correction = await _read(request, visit, id, form)
    return part_response(request, "preview.html", {"preview": await preview_amendment(request, correction)})


async def _read(request: Request, visit: PageRequest[PartQuery], id: str, form: Form | None = None) -> ReportCorrection:
    """Return the correction of a report with the values of the posted form, if any. Raises Problem."""
    seen = {} if form is None else _seen_versions(form)
    correction = await read_snapshot(request, visit, lambda snapshot: _correction(visit, snapshot, id, seen))
    require_may_report(visit, correction.report.relation)
    return correction if form is None else _filled_in(form, correction)


def _seen_versions(form: Form) -> dict[str, int]:
    return {m["stream"]: int(m["version"]) for text in form.all("seen") if (m := SEEN_VERSION.fullmatch(text))}


def _correction(
    visit: PageRequest[PartQuery], snapshot: Snapshot, id: str, seen: Mapping[str, int]
) -> ReportCorrection:
    """Return a correction without changes. It has the streams in the versions `seen`, else the present ones.

    So a form that is sent again after it was filed makes the same report, which is filed once.
    """
    report = snapshot.read(ONE, id=id)
    following = [event for event in report.events if event.position > visit.query.after]
    listed = following[:_FACTS_ON_PAGE]
    context = form_context(snapshot, report.relation, {event.stream for event in listed})
    shown = {
        stream: as_seen(context.history(stream), seen.get(stream, 0)) for stream in {event.stream for event in listed}
    }
    readable = [event for event in listed if shown[event.stream].recorded(event.id) is not None]
    facts = [fact for event in readable if (fact := _fact(shown[event.stream], report, event)) is not None]
    return ReportCorrection(
        report=report,
        facts=facts,
        key=new_key(),
        reason="",
        title=str(messages()("amend.title-of-report", title=report.title).unescape())[:300],
        round=report.round or "",
        round_before=report.round or "",
        date="",
        seen_versions={event.stream: shown[event.stream].version for event in readable},
        retracted_count=len(readable) - len(facts),
        after=visit.query.after,
        next_after=listed[-1].position if len(following) > len(listed) else None,
        context=context,
    )


def _fact(history: History[Any], report: ReportDocument, event: ReportedEvent) -> Fact | None:
    """Return an event of the report as a fact. None if it is retracted, or is a correction or retraction itself."""
    target = history.recorded(event.id)
    is_amendment = target is None or isinstance(target.data, AssertionCorrected | AssertionRetracted)
    if target is None or is_amendment or history.effect(event.id) is None:
        return None
    number, current = event.position - report.first_position + 1, dump(history.amendments.content_of(target))
    texts = {field.path: form_text(field, value_at(current, field.path)) for field in fields_of(target.type)}
    entry = Entry(number, event.stream, target.type, texts, recorded=event.id)
    return Fact(Amendment("correct", history, target, "", report.relation, "", "", history.version, entry))


def _filled_in(form: Form, unchanged: ReportCorrection) -> ReportCorrection:
    """Return the correction with the values of a posted form."""
    texts, retracted, key = texts_in(form), set(form.all("retract")), form.get("key")
    return replace(
        unchanged,
        facts=[
            replace(
                fact.with_texts(texts.get(fact.number, {})),
                is_retracted=fact.may_be_retracted and str(fact.number) in retracted,
            )
            for fact in unchanged.facts
        ],
        key=key if is_key(key) else unchanged.key,
        reason=form.get("reason"),
        round=form.get("round"),
        round_before=form.get("round-before"),
        date=edtf_of(form.get("date")) or form.get("date"),
    )


async def _as_now(request: Request, visit: PageRequest[PartQuery], correction: ReportCorrection) -> ReportCorrection:
    """Return a refused correction for the present record. Fields that the operator did not change are as on record."""
    now = await _read(request, visit, correction.report.id)
    refused_facts = {fact.number: fact for fact in correction.facts}
    facts = [
        replace(fact.with_texts(before.amendment.changed_texts), is_retracted=before.is_retracted)
        if (before := refused_facts.get(fact.number))
        else fact
        for fact in now.facts
    ]
    return replace(
        now,
        facts=facts,
        key=correction.key,
        reason=correction.reason,
        round=correction.round,
        date=correction.date,
    )


async def _page(
    request: Request,
    visit: PageRequest[PartQuery],
    correction: ReportCorrection,
    *,
    status: int = 200,
    preview: Preview | None = None,
    refused: bool = False,
    is_fresh: bool = False,
    notice: str | None = None,
    count_to_confirm: int | None = None,
    **notice_values: str,
) -> Response:
    """Return the page with the form, or only the form for the script. `notice_values` are those of the notice.

    `count_to_confirm`: ask whether to set the date in this number of facts.
    """
    preview = preview or await preview_amendment(request, correction)
    context = correction.context
    session = require_session(visit, session_of(request.scope))
    entries = tuple(fact.amendment.entry for fact in correction.facts)
    draft = Draft(correction.address, correction.key, correction.report.relation, "", correction.title, entries=entries)
    mistakes = {m.id: m.detail for m in preview.mistakes if refused or not m.is_unfilled}
    mistaken_numbers = {mistake.entry.number for mistake in preview.mistakes if mistake.entry}
    all_are_open = len(correction.facts) <= _MAX_OPEN_CARDS
    cards = [
        (
            fact,
            entry_form(fact.amendment.entry, draft, context),
            label_of(fact.amendment.target),
            all_are_open or fact.is_changed or fact.number in mistaken_numbers,
        )
        for fact in correction.facts
    ]
    values = {
        "correction": correction,
        "made_for": session.key.id,
        "cards": cards,
        "rounds": context.rounds,
        "read": date_in_words(correction.date) if correction.date else None,
        "suggestions": list(suggestion_lists(draft, context)),
        "symbols": symbols(),
        "preview": preview,
        "mistakes": mistakes,
        "refused": refused,
        "is_fresh": is_fresh,
        "count_to_confirm": count_to_confirm,
        "notice": messages()(notice, **notice_values) if notice else None,
    }
    template = "correct-report-form.html" if "hx-request" in request.headers else "correct-report.html"
    return await form_response(visit, template, values, status)
