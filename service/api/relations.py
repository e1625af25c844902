"""Relations: the list, each one, and what is computed over all of one."""

from typing import Annotated, Any, Final

from pydantic import Field
from sqlalchemy import Connection

from service.api.answer import Page
from service.api.etags import JSON
from service.api.listing import Listing, Paged, list_documents
from service.api.parameters import At, Day, Q
from service.api.resource import Load, Read, Resource
from service.api.routes import routes
from service.api.states import of_relation, of_stream, one_of, point_of, reading_of, readings, shown
from service.api.timelines import timeline_of
from service.follower import RECORD
from service.follower.readings import rounds_of_reports
from service.projections import (
    assertions,
    board,
    calendar,
    corroboration,
    ledger,
    matrix,
    needs_confirmation,
    registers,
)
from service.projections import round as round_
from service.projections.assertions import EvidenceDocument
from service.projections.board import BoardDocument
from service.projections.corroboration import CorroborationDocument
from service.projections.document import last_position
from service.projections.ledger import LedgerDocument
from service.projections.matrix import MatrixDocument
from service.projections.needs_confirmation import NeedsConfirmationDocument
from service.projections.registers import RegistersDocument
from service.projections.relation import RelationDocument

_CALENDAR: Final = f"{calendar.MEDIA_TYPE}; charset=utf-8"
_CSV: Final = "text/csv; charset=utf-8; header=present"


class RelationsQuery(At, Paged):
    """Which relations."""


class OnQuery(At):
    """At which point, and from which day to count."""

    on: Annotated[
        Day | None, Field(description="the day from which days are counted; without one nothing is overdue or old")
    ] = None


def _list(c: Connection, read: Read[RelationsQuery]) -> Page:
    """Relations, by id."""
    return list_documents(c, read, "relation")


def _one(c: Connection, read: Read[At]) -> Page:
    """The talks of a relation: their format, their scope, who leads the missions, what stands in the way."""
    return one_of(c, read, "relation")


def _evidence(c: Connection, read: Read[At]) -> Page:
    """What was asserted of the talks, and what each assertion rests on: documents, utterances, who."""
    return shown(read, assertions.view(reading_of(c, read, "relation", point_of(c, read))), assertions.REPRESENTATION)


def _board(c: Connection, read: Read[At]) -> Page:
    """Every irritant of a relation in one line; as a table by `Accept: text/csv`."""
    document = board.view(**readings(c, read, point_of(c, read)))
    return shown(read, document, board.REPRESENTATION, {_CSV: board.csv})


def _matrix(c: Connection, read: Read[At]) -> Page:
    """Irritant by party: where each stands, how it stands towards it, and what it last said."""
    return shown(read, matrix.view(**readings(c, read, point_of(c, read))), matrix.REPRESENTATION)


def _ledger(c: Connection, read: Read[OnQuery]) -> Page:
    """Next steps, rounds to come and proposals: whose, by when, open or closed, claimed and confirmed by whom.

    As a table by `Accept: text/csv`.
    """
    point = point_of(c, read)
    round_of = rounds_of_reports(c, read.path["relation"], point.position)
    document = ledger.view(**readings(c, read, point), round_of=round_of, on=read.query.on)
    return shown(read, document, ledger.REPRESENTATION, {_CSV: ledger.csv})


def _needs_confirmation(c: Connection, read: Read[At]) -> Page:
    """What rests on less than both sides' word, why, and what would settle it."""
    document = needs_confirmation.view(**readings(c, read, point_of(c, read)))
    return shown(read, document, needs_confirmation.REPRESENTATION)


def _registers(c: Connection, read: Read[OnQuery]) -> Page:
    """What lies outside the talks, what can be counted, what went back, what grows old."""
    document = registers.view(**readings(c, read, point_of(c, read)), on=read.query.on)
    return shown(read, document, registers.REPRESENTATION)


def _corroboration(c: Connection, read: Read[At]) -> Page:
    """What is claimed, and how many distinct utterances stand behind each claim."""
    return shown(read, corroboration.view(**readings(c, read, point_of(c, read))), corroboration.REPRESENTATION)


def _calendar(c: Connection, read: Read[At]) -> Page:
    """The rounds of a relation that have a day, for a calendar to subscribe to (RFC 5545)."""
    found = readings(c, read, point_of(c, read))["rounds"]
    text = calendar.view(read.path["relation"], map(round_.view, found))
    return read.page(text.encode(), last_position(*found), calendar.REPRESENTATION)


def _computed(name: str, query: type[Q], load: Load[Q], shape: Any, *media_types: str) -> Resource[Q]:
    """A view over all streams of a relation: one line for each."""
    path = f"/v1/relations/{{relation}}/{name}"
    return Resource(path, query, load, of_relation, shape=shape, media_types=media_types or (JSON,))


RESOURCES: Final = (
    Resource(
        "/v1/relations",
        RelationsQuery,
        _list,
        lambda _path, _query: (RECORD,),
        shape=Listing[RelationDocument],
        is_snapshot=True,
    ),
    Resource("/v1/relations/{relation}", At, _one, of_stream("relation"), shape=RelationDocument),
    Resource("/v1/relations/{relation}/evidence", At, _evidence, of_stream("relation"), shape=EvidenceDocument),
    timeline_of("relation", "/v1/relations/{relation}"),
    _computed("board", At, _board, BoardDocument, JSON, _CSV),
    _computed("matrix", At, _matrix, MatrixDocument),
    _computed("ledger", OnQuery, _ledger, LedgerDocument, JSON, _CSV),
    _computed("needs-confirmation", At, _needs_confirmation, NeedsConfirmationDocument),
    _computed("registers", OnQuery, _registers, RegistersDocument),
    _computed("corroboration", At, _corroboration, CorroborationDocument),
    _computed("calendar.ics", At, _calendar, None, _CALENDAR),
)
router = routes(RESOURCES, "relations")
