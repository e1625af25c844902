"""File a report for the sender of a request: check permissions, validate, record, return the receipt.

The endpoints for programs and the forms of the web pages both call `file`. A report is recorded even if its sender
disconnects meanwhile. A retry with the same Idempotency-Key gets the receipt.
"""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from time import perf_counter
from typing import Final

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from service import recorder
from service.api import body, negotiation
from service.api.auth import Access, forbidden
from service.api.limits import refuse_unreadable
from service.api.nearby import suggest_names
from service.api.problems import Problem
from service.api.telemetry import request_id
from service.domain.actor.events import ActorRegistered
from service.domain.actors import CODES
from service.domain.assertion import AssertionCorrected
from service.domain.errors import Refused
from service.domain.handling import changes_labels
from service.domain.references import members_in, members_named
from service.domain.report import MAX_EVENTS, Report
from service.domain.streams import parse_stream
from service.projections.change import StandingDocument
from service.projections.document import Document, rendered
from service.projections.warnings import WarningDocument
from service.projections.words.speakers import names_of_events
from service.recorder import Receipt, Recorder

_VALIDATED_INLINE: Final = 50
"""Reports with up to this number of events are validated in the event loop, longer ones in a thread."""
_REGISTERING: Final = frozenset({"SourceRegistered", "OriginRegistered", "ActorRegistered"})
_SECONDS: Final = 4.5
"""The time to wait for a receipt, with _SECONDS_PER_EVENT more for each event."""
_SECONDS_PER_EVENT: Final = 0.001
_HEADERS: Final = {"Cache-Control": "no-store"}


class PreviewedEvent(Document):
    """The place that an event would have on the record."""

    stream: str
    version: int
    position: int


class RecordedEvent(PreviewedEvent):
    """An event on the record."""

    id: str


class ReportedChange(Document):
    """The status of an irritant before and after. `before` is null if the irritant was not on record."""

    irritant: str
    before: StandingDocument | None
    after: StandingDocument
    reason: str


class SeenChangeDocument(Document):
    """An irritant before and after the report, as an audience sees it. Null: the audience sees no such irritant."""

    irritant: str
    before: StandingDocument | None
    after: StandingDocument | None
    sentence: str


class AudienceEffect(Document):
    """What the audience of a handling label would see change."""

    label: str
    changes: tuple[SeenChangeDocument, ...]


class ReportPreview(Document):
    """The preview of a report: the places of its events, the changes that they would make, and warnings.

    `names`: every actor of the report by code or slug, so that a wrong code is noticed: `AU` is shown as
    Australia, not as the African Union. `audiences`: the effect for each audience up to your clearance; empty if all
    events that you see of these streams are open.
    """

    position: int
    first_position: int
    events: tuple[PreviewedEvent, ...]
    changes: tuple[ReportedChange, ...]
    warnings: tuple[WarningDocument, ...]
    names: dict[str, str]
    audiences: tuple[AudienceEffect, ...]


class ReportReceipt(Document):
    """The receipt for a report: its id, its events on the record, the changes that they made, and warnings."""

    id: str
    position: int
    first_position: int
    events: tuple[RecordedEvent, ...]
    changes: tuple[ReportedChange, ...]
    warnings: tuple[WarningDocument, ...]


async def file(
    request: Request,
    sent: body.Body,
    key: str,
    *,
    expected_positions: Mapping[str, Collection[int]] | None = None,
    dry_run: bool,
) -> Receipt:
    """File a report, or preview it: authorise, validate, record, and return the receipt.

    `key` is the idempotency key. `expected_positions` is as in `recorder.ReportRequest`. Raises Problem, Refused,
    KeyReused, Stale, Overloaded and DatabaseUnavailable.
    """
    access = require_reporter(request)
    count = _count_events(sent.value)
    validate = partial(
        recorder.ReportRequest.read,
        sent.value,
        key,
        access.name,
        request_id(request.scope),
        mistakes=sent.mistakes,
        expected_positions=expected_positions or {},
        dry_run=dry_run,
        clearance=access.clearance,
    )
    # In a thread, so that no other request waits for the validation of a long report.
    proposed = (
        validate() if count <= _VALIDATED_INLINE else await to_thread.run_sync(validate, limiter=body.large_bodies)
    )
    _refuse_beyond_limit(access, proposed.report)
    _refuse_names(access, proposed.report)
    if changes_labels(proposed.report):
        access.require("admin")
    try:
        return await _recorded(request, proposed)
    except Refused as refused:
        responder, _ = await request.app.state.responder.for_reader(negotiation.Request(request.scope, request.receive))
        await suggest_names(responder.follower, access, proposed.report, refused.refusals)
        raise


def require_reporter(request: Request) -> Access:
    """Return the permissions of the sender. Raises Problem (401, 403) if they do not include reporting."""
    access: Access = request.state.key
    access.require("report")
    return access


def _count_events(value: object) -> int:
    """Return the number of events in a body. Raises Problem (413) if there are too many."""
    events = value.get("events") if isinstance(value, dict) else None
    count = len(events) if isinstance(events, list) else 0
    if count > MAX_EVENTS:
        raise Problem("body-too-large", f"The report has {count} events; {MAX_EVENTS} are allowed. Divide it.")
    return count


def refuse_relation(access: Access, relation: str) -> None:
    """Raise Problem (403) if a key may not report on a relation."""
    if not access.may_report_on(relation):
        raise forbidden(f"The key {access.name} may not report on {relation}. Use a key that can.", "report")


def _refuse_beyond_limit(access: Access, filed: Report) -> None:
    """Raise Problem (403) if a report is beyond what a key may report on (`Access.relations`).

    Sources, origins and organisations belong to no relation. Every key that may report can register them. Only a key
    without a limit can correct them, or name a state.
    """
    if access.relations is None:
        return
    registrations = [event for event in filed.events if event.stream.startswith(("source/", "actor/"))]
    if any(event.type not in _REGISTERING for event in registrations):
        raise forbidden(
            f"The key {access.name} is limited to relations and may not correct sources or actors. Use a key without"
            " limits.",
            "report",
        )
    if any(isinstance(event.data, ActorRegistered) and event.data.actor in CODES for event in registrations):
        raise forbidden(
            f"The key {access.name} is limited to relations and may not name a state, which has one name in all of"
            " them. Use a key without limits.",
            "report",
        )
    # A report of registrations alone is about no relation. One without events is, by its field `relation`.
    if filed.relation and (len(registrations) < len(filed.events) or not registrations):
        refuse_relation(access, filed.relation)


def _refuse_names(access: Access, filed: Report) -> None:
    """Raise Problem (403) if a report names a stream of a relation that the key may not read (`Access.reads`).

    Without this check, the errors of the domain would reveal whether that stream exists, and its version.
    """
    if access.reads is None:
        return
    streams = [*filed.expect, *(event.stream for event in filed.events)]
    for event in filed.events:
        streams += (stream for stream, _ in members_named(event.data))
        if isinstance(event.data, AssertionCorrected):
            streams += (stream for stream, _ in members_in(event.data.changes))
    relations = {name.relation for name in map(parse_stream, streams) if name is not None and name.relation}
    for relation in sorted({*relations, *([filed.relation] if filed.relation else ())}):
        refuse_unreadable(access, relation)


async def _recorded(request: Request, proposed: recorder.ReportRequest) -> Receipt:
    """Record a report, and return the receipt after the commit. Raises Problem (503) if that takes too long."""
    state = request.app.state
    records: Recorder = state.recorder
    began = perf_counter()
    outcome = records.queue.ask(proposed)
    outcome.add_done_callback(_retrieve)
    await asyncio.wait((outcome,), timeout=_SECONDS + _SECONDS_PER_EVENT * len(proposed.report.events))
    if not outcome.done():
        raise Problem(
            "outcome-unknown", "The outcome was not known in time. Send the report again with the same Idempotency-Key."
        )
    receipt = outcome.result()
    if not proposed.dry_run:
        state.metrics.appends.observe(perf_counter() - began)
    return receipt


def _retrieve(outcome: "asyncio.Future[Receipt]") -> None:
    """Retrieve the exception of a report after its response was sent. Otherwise asyncio would log a warning."""
    if not outcome.cancelled():
        outcome.exception()


async def receipt_response(request: Request, receipt: Receipt) -> Response:
    """Return 201 with the receipt and its address. A retry gets the first receipt, with Idempotent-Replayed: true."""
    stored = receipt.report
    filed = ReportReceipt(
        id=stored.id,
        position=stored.last_position,
        first_position=stored.first_position,
        events=tuple(
            RecordedEvent(id=e.id, stream=e.stream, version=e.version, position=e.position) for e in receipt.events
        ),
        changes=_changes(receipt),
        warnings=receipt.warnings,
    )
    headers = {"Location": f"/v1/reports/{stored.id}", "Irritants-Position": str(stored.last_position)}
    if receipt.replayed:
        head = await request.app.state.follower.head()
        headers |= {"Idempotent-Replayed": "true", "Irritants-Position": str(head.position)}
    return _json(filed, 201, headers)


def preview_response(receipt: Receipt) -> Response:
    """Return 200 with the preview, which is a receipt without ids."""
    stored = receipt.report
    preview = ReportPreview(
        position=stored.last_position,
        first_position=stored.first_position,
        events=tuple(PreviewedEvent(stream=e.stream, version=e.version, position=e.position) for e in receipt.events),
        changes=_changes(receipt),
        warnings=receipt.warnings,
        names=names_of_events(receipt.report.relation, receipt.events, receipt.names),
        audiences=tuple(
            AudienceEffect(
                label=label,
                changes=tuple(
                    SeenChangeDocument(irritant=c.irritant, before=c.before, after=c.after, sentence=c.sentence)
                    for c in changes
                ),
            )
            for label, changes in receipt.effects.items()
        ),
    )
    return _json(preview, 200, {"Irritants-Position": str(stored.first_position - 1)})


def _changes(receipt: Receipt) -> tuple[ReportedChange, ...]:
    return tuple(
        ReportedChange(irritant=c.irritant, before=c.before, after=c.after, reason=c.reason) for c in receipt.changes
    )


def _json(document: Document, status: int, headers: dict[str, str]) -> Response:
    return Response(rendered(document), status, {**_HEADERS, **headers}, "application/json")
