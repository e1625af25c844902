"""What is answered to who files: what it led to, or would lead to."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from service.projections.change import StandingDocument
from service.projections.document import Document, rendered
from service.recorder import Receipt

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
