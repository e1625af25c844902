"""Relations: the list, each one, and what is computed over all of one: the board, the calendar of its rounds."""

from typing import Any, Final

from sqlalchemy import Connection

from service.api.answer import Page
from service.api.listing import Listing, Paged, documents_of, list_documents
from service.api.parameters import At
from service.api.reading import Read, Resource
from service.api.routes import routes
from service.api.states import of_relation, of_stream, one_of
from service.domain.streams import history_of
from service.follower import RECORD
from service.follower.readings import Point, histories_of
from service.projections import board, calendar
from service.projections.board import BoardDocument
from service.projections.document import rendered
from service.projections.relation import RelationDocument


class RelationsQuery(At, Paged):
    """Which relations."""


def _list(c: Connection, read: Read[RelationsQuery]) -> Page:
    """Relations, by id."""
    return list_documents(c, read, "relation")


def _one(c: Connection, read: Read[At]) -> Page:
    """The talks of a relation: their format, their scope, who leads the missions, what stands in the way."""
    return one_of(c, read, "relation")


def _board(c: Connection, read: Read[At]) -> Page:
    """Every irritant of a relation in one line, and its statuses after each round."""
    document = board.view(**_readings(c, read))
    return read.page(rendered(document), document.position, board.REPRESENTATION)


def _readings(c: Connection, read: Read[At]) -> dict[str, Any]:
    """What a view over a whole relation is computed from. Raises Problem where nothing of it is on record."""
    relation = read.path["relation"]
    point = read.point(c) or Point(read.head.position)
    found = histories_of(c, relation, ("irritant", "round", "relation"), point.position)
    if not found:
        read.not_found()
    seen = {stream: point.reading(history) for stream, history in found.items()}
    talks = f"relation/{relation}"
    return {
        "irritants": [reading for stream, reading in seen.items() if stream.startswith("irritant/")],
        "rounds": [reading for stream, reading in seen.items() if stream.startswith("round/")],
        "relation": seen[talks] if talks in seen else history_of(talks).reading(),
    }


def _calendar(c: Connection, read: Read[At]) -> Page:
    """The rounds of a relation that have a day, for a calendar to subscribe to (RFC 5545)."""
    relation = read.path["relation"]
    rounds, position = documents_of(c, read, relation, "round")
    return read.page(calendar.view(relation, rounds.values()).encode(), position, calendar.REPRESENTATION)


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
    Resource("/v1/relations/{relation}/board", At, _board, of_relation, shape=BoardDocument),
    Resource(
        "/v1/relations/{relation}/calendar.ics",
        At,
        _calendar,
        of_relation,
        media_types=(f"{calendar.MEDIA_TYPE}; charset=utf-8",),
        is_snapshot=True,
    ),
)
router = routes(RESOURCES, "relations")
