"""What is answered to who files: what it led to, or would lead to."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from service.projections.change import StandingDocument
from service.projections.document import Document, rendered
from service.recorder import Receipt

_HEADERS: Final = {"Cache-Control": "no-store"}


class PreviewedEvent(Document):
    """Where an event would come on the record."""

    stream: str
    version: int
    position: int


class RecordedEvent(PreviewedEvent):
    """An event on the record."""

    id: str


class ReportedChange(Document):
    """How an irritant reads before and after; `before` is null for one that was not on record."""

    irritant: str
    before: StandingDocument | None
    after: StandingDocument
    reason: str


class ReportPreview(Document):
    """What filing a report would lead to."""

    position: int
    first_position: int
    events: tuple[PreviewedEvent, ...]
    changes: tuple[ReportedChange, ...]


class ReportReceipt(Document):
    """What a report led to: its id, its events on the record, and what they changed."""

    id: str
    position: int
    first_position: int
    events: tuple[RecordedEvent, ...]
    changes: tuple[ReportedChange, ...]


async def answered(request: Request, receipt: Receipt) -> Response:
    """201 and where the report lies; the first answer again, and so said, where it had been recorded before."""
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
    """200 and the same without ids, for there are none."""
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
