"""File a report for the sender of a request: permissions, validation, recording, receipt. Pages use it too.

An accepted report is recorded even if its sender disconnects. A retry with the same Idempotency-Key gets the outcome.
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
from service.api import body
from service.api.auth import Access, forbidden
from service.api.limits import refuse_beyond
from service.api.problems import Problem
from service.api.telemetry import request_id
from service.domain.assertion import AssertionCorrected
from service.domain.references import members_in, members_named
from service.domain.report import MAX_EVENTS, Report
from service.domain.streams import parse_stream
from service.projections.change import StandingDocument
from service.projections.document import Document, rendered
from service.recorder import Receipt, Recorder

_VALIDATED_INLINE: Final = 50
_REGISTERING: Final = frozenset({"SourceRegistered", "OriginRegistered"})
_SECONDS: Final = 4.5
_SECONDS_AN_EVENT: Final = 0.001
_HEADERS: Final = {"Cache-Control": "no-store"}


class PreviewedEvent(Document):
    """The place that an event would get on the record."""

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


class ReportPreview(Document):
    """The preview of a report: the places of its events, and the changes that they would make."""

    position: int
    first_position: int
    events: tuple[PreviewedEvent, ...]
    changes: tuple[ReportedChange, ...]


class ReportReceipt(Document):
    """The receipt for a report: its id, its events on the record, and the changes that they made."""

    id: str
    position: int
    first_position: int
    events: tuple[RecordedEvent, ...]
    changes: tuple[ReportedChange, ...]


async def file(
    request: Request,
    read: body.Body,
    key: str,
    *,
    seen: Mapping[str, Collection[int]] | None = None,
    dry_run: bool,
) -> Receipt:
    """File a report, or preview it: authorise, validate, record, and return the receipt.

    `key` is the idempotency key, `seen` as in `recorder.Request`. Raises Problem, Refused, KeyReused, Stale, Overloaded
    and DatabaseUnavailable.
    """
    access = reporter(request)
    count = _events_in(read.value)
    validate = partial(
        recorder.Request.read,
        read.value,
        key,
        access.name,
        request_id(request.scope),
        mistakes=read.mistakes,
        seen=seen or {},
        dry_run=dry_run,
    )
    # A long report is validated in a thread, so that no other request waits for it.
    proposed = validate() if count <= _VALIDATED_INLINE else await to_thread.run_sync(validate, limiter=body.readers)
    _refuse_beyond(access, proposed.report)
    _refuse_names(access, proposed.report)
    return await _recorded(request, proposed)


def reporter(request: Request) -> Access:
    """Return the permissions of the sender. Raises Problem (401, 403) if they do not include reporting."""
    access: Access = request.state.key
    access.require("report")
    return access


def _events_in(said: object) -> int:
    """Return the number of events in a body. Raises Problem (413) if there are too many."""
    events = said.get("events") if isinstance(said, dict) else None
    count = len(events) if isinstance(events, list) else 0
    if count > MAX_EVENTS:
        raise Problem("body-too-large", f"The report has {count} events; {MAX_EVENTS} are allowed. Divide it.")
    return count


def refuse_relation(access: Access, relation: str) -> None:
    """Raise Problem (403) if a key may not report on a relation."""
    if not access.may_report_on(relation):
        raise forbidden(f"The key {access.name} may not report on {relation}. Use a key that can.", "report")


def _refuse_beyond(access: Access, filed: Report) -> None:
    """Raise Problem (403) if a report is beyond the limit of a key.

    Sources and origins belong to no relation. Every key that reports can register them. Only a key without a limit can
    correct them.
    """
    if access.relations is None:
        return
    sources = [event for event in filed.events if event.stream.startswith("source/")]
    if any(event.type not in _REGISTERING for event in sources):
        raise forbidden(
            f"The key {access.name} is limited to relations and may not correct sources. Use a key without limits.",
            "report",
        )
    if filed.relation and (len(sources) < len(filed.events) or not sources):
        refuse_relation(access, filed.relation)


def _refuse_names(access: Access, filed: Report) -> None:
    """Raise Problem (403) if a key with a limit on reading names a stream of another relation.

    Otherwise the refusals of the domain would reveal whether that stream exists, and its version.
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
        refuse_beyond(access, relation)


async def _recorded(request: Request, proposed: recorder.Request) -> Receipt:
    """Return the receipt once it is committed. Raises Problem (503) after 4.5 seconds, and 1 ms more for each event."""
    state = request.app.state
    records: Recorder = state.recorder
    began = perf_counter()
    outcome = records.queue.ask(proposed)
    outcome.add_done_callback(_retrieve)
    await asyncio.wait((outcome,), timeout=_SECONDS + _SECONDS_AN_EVENT * len(proposed.report.events))
    if not outcome.done():
        raise Problem(
            "outcome-unknown", "The outcome was not known in time. Send the report again with the same Idempotency-Key."
        )
    receipt = outcome.result()
    if not proposed.dry_run:
        state.metrics.appends.observe(perf_counter() - began)
    return receipt


def _retrieve(outcome: "asyncio.Future[Receipt]") -> None:
    """Retrieve an exception that came after the response, which asyncio would log as never retrieved."""
    if not outcome.cancelled():
        outcome.exception()


async def answered(request: Request, receipt: Receipt) -> Response:
    """Return 201 with the receipt and its address. A retry gets the first receipt, with Idempotent-Replayed."""
    stored = receipt.report
    filed = ReportReceipt(
        id=stored.id,
        position=stored.last_position,
        first_position=stored.first_position,
        events=tuple(
            RecordedEvent(id=e.id, stream=e.stream, version=e.version, position=e.position) for e in receipt.events
        ),
        changes=_changes(receipt),
    )
    headers = {"Location": f"/v1/reports/{stored.id}", "Irritants-Position": str(stored.last_position)}
    if receipt.replayed:
        head = await request.app.state.follower.head()
        headers |= {"Idempotent-Replayed": "true", "Irritants-Position": str(head.position)}
    return _json(filed, 201, headers)


def previewed(receipt: Receipt) -> Response:
    """Return 200 with the preview, which is a receipt without ids."""
    stored = receipt.report
    preview = ReportPreview(
        position=stored.last_position,
        first_position=stored.first_position,
        events=tuple(PreviewedEvent(stream=e.stream, version=e.version, position=e.position) for e in receipt.events),
        changes=_changes(receipt),
    )
    return _json(preview, 200, {"Irritants-Position": str(stored.first_position - 1)})


def _changes(receipt: Receipt) -> tuple[ReportedChange, ...]:
    return tuple(
        ReportedChange(irritant=c.irritant, before=c.before, after=c.after, reason=c.reason) for c in receipt.changes
    )


def _json(document: Document, status: int, headers: dict[str, str]) -> Response:
    return Response(rendered(document), status, {**_HEADERS, **headers}, "application/json")
